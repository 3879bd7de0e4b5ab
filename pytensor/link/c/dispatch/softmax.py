"""Softmax and LogSoftmax along any axes: c_code/softmax.c, instantiated for each float type."""

from pytensor.link.c.dispatch.basic import C_CODE, C_TYPES, Source, c_funcify, c_suffix
from pytensor.link.c.dispatch.parameters import ready_kernel
from pytensor.tensor.special import LogSoftmax, Softmax


def _make(dtype: str, *more: tuple[str, str]):
    defines = (("T", C_TYPES[dtype]), ("PT_SUFFIX", str(c_suffix(dtype))), *more)
    source = Source(C_CODE, "softmax.c", defines)
    name = f"pt_softmax_{c_suffix(dtype)}"
    return ready_kernel("softmax.c", name, source=source, flags=("libmvec",)), name


_kernels = {"float64": _make("float64"), "float32": _make("float32", ("PT_SINGLE", "1"))}


@c_funcify.register(Softmax)
@c_funcify.register(LogSoftmax)
def _softmax(op, node=None, **kwargs):
    [x], [z] = node.inputs, node.outputs
    dtype, ndim = x.type.dtype, x.type.ndim
    if dtype not in _kernels or z.type.dtype != dtype:
        return None
    reduced = range(ndim) if op.axis is None else sorted({a % ndim for a in op.axis})
    kept = [k for k in range(ndim) if k not in reduced]
    make, name = _kernels[dtype]
    how = ndim, len(reduced), int(isinstance(op, LogSoftmax))
    return make(name, *how, *kept, *reduced, inplace={0: (0,)})
