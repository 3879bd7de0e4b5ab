"""Softmax and LogSoftmax along any axes: c_code/softmax.c, instantiated for each float type."""

from pytensor.link.c.dispatch.basic import C_CODE, CKernel, Source, c_funcify, c_suffix, c_type
from pytensor.tensor.special import LogSoftmax, Softmax


@c_funcify.register(Softmax)
@c_funcify.register(LogSoftmax)
def _softmax(op, node=None, **kwargs):
    [x], [z] = node.inputs, node.outputs
    dtype, ndim = x.type.dtype, x.type.ndim
    if dtype not in ("float32", "float64") or z.type.dtype != dtype:
        return None
    reduced = range(ndim) if op.axis is None else sorted({a % ndim for a in op.axis})
    kept = [k for k in range(ndim) if k not in reduced]
    # Without axes a place is kept: C has no empty arrays.
    order = ", ".join(str(k) for k in [*kept, *reduced]) or "0"
    defines = [("T", c_type(dtype)), ("PT_SUFFIX", c_suffix(dtype))]
    if dtype == "float32":
        defines.append(("PT_SINGLE", "1"))
    body = (
        f"    static const int order[] = {{{order}}};\n"
        f"    return pt_softmax_{c_suffix(dtype)}"
        f"(ctx, x0, z0, {ndim}, order, {len(reduced)}, {int(isinstance(op, LogSoftmax))});"
    )
    source = Source(C_CODE, "softmax.c", tuple(defines))
    return CKernel(body, (source,), inplace={0: (0,)}, flags=("libmvec",))
