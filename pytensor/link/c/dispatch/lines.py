"""Kernels that walk along an axis: position of the maximum, cumulative sums, repetition."""

from pytensor.link.c.dispatch.alloc import fill_kernel
from pytensor.link.c.dispatch.basic import C_CODE, C_TYPES, Source, c_funcify, c_suffix
from pytensor.link.c.dispatch.parameters import DTYPES, ready_kernel
from pytensor.tensor.extra_ops import CumOp, Repeat
from pytensor.tensor.math import Argmax


def _suffix(dtype: str) -> str:
    # `bool` may be a macro.
    return "b8" if dtype == "bool" else str(c_suffix(dtype))


def _source(dtype: str) -> Source:
    t = C_TYPES[dtype]
    # Signed overflow wraps in NumPy and is undefined in C.
    wide = t.replace("int", "uint", 1) if t.startswith("int") else t
    defines = [("T", t), ("WIDE", wide), ("PT_SUFFIX", _suffix(dtype))]
    if dtype.startswith("complex"):
        defines.append(("PT_NO_ORDER", "1"))
    return Source(C_CODE, "lines.c", tuple(defines))


def _make(dtype: str):
    names = [f"pt_cumulative_{_suffix(dtype)}"]
    if not dtype.startswith("complex"):
        names.append(f"pt_argmax_{_suffix(dtype)}")
    return ready_kernel("lines.c", *names, source=_source(dtype))


_kernels = {dtype: _make(dtype) for dtype in DTYPES}


@c_funcify.register(Argmax)
def _argmax(op, node=None, **kwargs):
    x = node.inputs[0]
    dtype, ndim = x.type.dtype, x.type.ndim
    if dtype not in _kernels or dtype.startswith("complex"):
        return None
    axes = range(ndim) if op.axis is None else sorted({a % ndim for a in op.axis})
    if not axes:
        return None
    kept = [k for k in range(ndim) if k not in axes]
    return _kernels[dtype](f"pt_argmax_{_suffix(dtype)}", ndim, len(kept), *kept, *axes)


@c_funcify.register(CumOp)
def _cumulative(op, node=None, **kwargs):
    x, z = node.inputs[0], node.outputs[0]
    dtype, ndim = z.type.dtype, x.type.ndim
    if dtype not in _kernels or x.type.dtype != dtype or dtype == "bool":
        return None
    axis = op.axis % ndim
    others = [k for k in range(ndim) if k != axis]
    how = ndim, axis, int(op.mode == "mul"), *others
    return _kernels[dtype](f"pt_cumulative_{_suffix(dtype)}", *how, inplace={0: (0,)})


@c_funcify.register(Repeat)
def _repeat(op, node=None, **kwargs):
    x, repeats = node.inputs
    dtype = DTYPES.get(repeats.type.dtype)
    if dtype is None:
        return None
    sizes = x.type.ndim, x.type.numpy_dtype.itemsize
    return fill_kernel("pt_repeat", *sizes, op.axis, dtype)
