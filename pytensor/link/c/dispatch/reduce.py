"""Reductions: c_code/reduce.c instantiated for each operation and its types, driven by driver_reduce.h."""

import numpy as np

from pytensor.link.c.dispatch.basic import (
    C_CODE,
    CKernel,
    Source,
    c_funcify,
    c_suffix,
    c_type,
    itemsize,
)
from pytensor.link.c.dispatch.elemwise import elemwise_record
from pytensor.link.c.dispatch.scalar import literal, scalar_code, unit_cast
from pytensor.tensor._reductions import MulWithoutZeros, NonZeroDimsCAReduce
from pytensor.tensor.elemwise import CAReduce


def _identity(op: CAReduce, dtype: str):
    """The value that changes nothing, in the accumulator's dtype; None if there is none."""
    identity = op.scalar_op.identity
    if identity is None or (dtype.startswith("complex") and not np.isfinite(identity)):
        return None
    kind = np.dtype(dtype).kind
    if kind in "iu" and np.isinf(identity):
        info = np.iinfo(dtype)
        return info.min if identity < 0 else info.max
    if kind in "iu" and identity == -1:
        # All bits set, in unsigned types too.
        return np.array(-1).astype(dtype)[()]
    return bool(identity) and identity != -np.inf if kind == "b" else identity


class Reducer:
    """The C that reduces values of one dtype with the operation of a `CAReduce`.

    Attributes
    ----------
    name : str
        Of the ``pt_reducer``.
    sources : tuple of Source
    """

    def __init__(self, name: str, sources: tuple[Source, ...]):
        self.name = name
        self.sources = sources


def reducer(op: CAReduce, in_dtype: str, out_dtype: str) -> Reducer | None:
    """Return the reducer of `op` for elements of `in_dtype`; None if there is no C for it."""
    acc = np.dtype(op._acc_dtype(in_dtype)).name
    if any(c_type(d) is None for d in (in_dtype, acc, out_dtype)):
        return None
    scalar_op, skip_zeros = op.scalar_op, isinstance(op.scalar_op, MulWithoutZeros)
    identity = _identity(op, acc)
    if skip_zeros:
        from_zero = "(x == 0 ? 1 : x)"
        return _instance(
            op, "mul_without_zeros", "a * b", (), from_zero, 1, in_dtype, acc, out_dtype
        )
    code = scalar_code(scalar_op, (acc, acc), (acc,), ("a", "b"))
    if code is None or identity is None or len(code.lines) != 1:
        return None
    combine = code.lines[0].partition(" = ")[2].rstrip(";")
    name = type(scalar_op).__name__.lower()
    return _instance(op, name, combine, code.sources, "x", identity, in_dtype, acc, out_dtype)


def _instance(op, name, combine, sources, value, identity, in_dtype, acc, out_dtype):
    load, load_files = unit_cast(value, in_dtype, acc)
    store, store_files = unit_cast("a", acc, out_dtype)
    suffix = "_".join([name, *(c_suffix(d) for d in (in_dtype, acc, out_dtype))])
    defines = (
        ("IN", c_type(in_dtype)),
        ("ACC", c_type(acc)),
        ("OUT", c_type(out_dtype)),
        ("PT_SUFFIX", suffix),
        ("PT_LOAD", load),
        ("PT_COMBINE", combine),
        ("PT_IDENTITY", literal(identity, acc)),
        ("PT_STORE", store),
    )
    files = (*sources, *load_files, *store_files, Source(C_CODE, "reduce.c", defines))
    return Reducer(f"pt_reducer_{suffix}", tuple(dict.fromkeys(files)))


def reduction_body(op, record: str, by: Reducer, ndim: int, loop: str = "NULL") -> str:
    """Return the statements that run a reduction of what `record` describes."""
    axes = range(ndim) if op.axis is None else op.axis
    mask = sum(1 << k for k in axes)
    nonempty = int(isinstance(op, NonZeroDimsCAReduce) and not op.initial)
    return (
        f"{record}\n    static const pt_reduction m = {{&e, {loop}, &{by.name}, {mask:#x}, {nonempty}}};\n"
        "    return ctx->svc->reduce(ctx, &m, args);"
    )


@c_funcify.register(CAReduce)
def _careduce(op, node=None, **kwargs):
    [x], [z] = node.inputs, node.outputs
    if type(op).perform not in (CAReduce.perform, NonZeroDimsCAReduce.perform) or x.type.ndim > 60:
        return None
    by = reducer(op, x.type.dtype, z.type.dtype)
    if by is None:
        return None
    cost = 0.1 * itemsize(x.type.dtype)
    record = elemwise_record(str(op), [x], [], cost)
    return CKernel(reduction_body(op, record, by, x.type.ndim), by.sources)
