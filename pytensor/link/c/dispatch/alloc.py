"""Kernels of Ops that make arrays: fill, empty, ranges, identity, scalars, copies, views."""

import numpy as np

from pytensor.compile.ops import DeepCopyOp, TypeCastingOp
from pytensor.link.c.dispatch.basic import c_funcify, c_type
from pytensor.link.c.dispatch.parameters import DTYPES, ones_mask, ready_kernel, text_parameter
from pytensor.link.c.dispatch.shape import views_kernel
from pytensor.raise_op import CheckAndRaise
from pytensor.tensor.basic import (
    Alloc,
    AllocEmpty,
    ARange,
    Eye,
    MakeVector,
    ScalarFromTensor,
    TensorFromScalar,
)

fill_kernel = ready_kernel(
    "fill.h",
    *("pt_alloc_empty", "pt_alloc_value", "pt_make_vector", "pt_deep_copy", "pt_eye", "pt_join"),
    *("pt_arange_int", "pt_arange_f64", "pt_arange_f32", "pt_split", "pt_if_else", "pt_repeat"),
)

_ALLOC = """\
    int status = pt_alloc(ctx, z0, {ndim}, {itemsize});
    if (status)
        return status;
"""


def allocate(variable) -> str:
    """Return the lines that give z0 memory for its shape, which is set."""
    return _ALLOC.format(ndim=variable.type.ndim, itemsize=variable.type.numpy_dtype.itemsize)


def _dtypes(variables) -> list[int] | None:
    """Return the numbers of their dtypes, or None if C has none for one."""
    if any(c_type(x.type.dtype) is None for x in variables):
        return None
    return [DTYPES[x.type.dtype] for x in variables]


@c_funcify.register(Alloc)
def _alloc(op, node=None, **kwargs):
    value, z = node.inputs[0], node.outputs[0]
    lengths = _dtypes(node.inputs[1:])
    if lengths is None:
        return None
    ones = ones_mask(value)
    all_ones = ones == (1 << value.type.ndim) - 1
    sizes = z.type.ndim, z.type.numpy_dtype.itemsize, value.type.ndim, ones, int(all_ones)
    message = text_parameter(op._runtime_broadcast_error_msg)
    return fill_kernel("pt_alloc_value", *sizes, *lengths, message)


@c_funcify.register(AllocEmpty)
def _alloc_empty(op, node=None, **kwargs):
    z, lengths = node.outputs[0], _dtypes(node.inputs)
    if lengths is None:
        return None
    return fill_kernel("pt_alloc_empty", z.type.ndim, z.type.numpy_dtype.itemsize, *lengths)


@c_funcify.register(MakeVector)
def _make_vector(op, node=None, **kwargs):
    itemsize = node.outputs[0].type.numpy_dtype.itemsize
    return fill_kernel("pt_make_vector", len(node.inputs), itemsize)


@c_funcify.register(ScalarFromTensor)
@c_funcify.register(TensorFromScalar)
@c_funcify.register(DeepCopyOp)
def _deep_copy(op, node=None, **kwargs):
    z = node.outputs[0]
    if not hasattr(z.type, "numpy_dtype"):
        return None
    return fill_kernel("pt_deep_copy", z.type.ndim, z.type.numpy_dtype.itemsize)


@c_funcify.register(TypeCastingOp)
def _view(op, node=None, **kwargs):
    z = node.outputs[0]
    if not hasattr(z.type, "ndim") or type(op).perform is not TypeCastingOp.perform:
        return None
    return views_kernel("pt_same_view", z.type.ndim, views={0: 0})


@c_funcify.register(ARange)
def _arange(op, node=None, **kwargs):
    z = node.outputs[0]
    kinds = {x.type.numpy_dtype.kind for x in node.inputs}
    if kinds <= set("iub") and z.type.numpy_dtype.kind in "iu":
        dtypes = [DTYPES[x.type.dtype] for x in node.inputs]
        return fill_kernel("pt_arange_int", z.type.numpy_dtype.itemsize, *dtypes)
    for dtype, name in (("float64", "pt_arange_f64"), ("float32", "pt_arange_f32")):
        if {x.type.dtype for x in (*node.inputs, z)} == {dtype}:
            return fill_kernel(name)
    return None


@c_funcify.register(Eye)
def _eye(op, node=None, **kwargs):
    z, dtypes = node.outputs[0], _dtypes(node.inputs)
    if dtypes is None or c_type(z.type.dtype) is None:
        return None
    one = np.ones((), z.type.numpy_dtype).tobytes().ljust(16, b"\0")
    return fill_kernel("pt_eye", z.type.numpy_dtype.itemsize, *dtypes, one)


# In the order of the statuses in c_code/pytensor.h.
_EXCEPTIONS: dict[type, int] = {
    ValueError: 1,
    TypeError: 2,
    IndexError: 3,
    ZeroDivisionError: 4,
    OverflowError: 5,
    NotImplementedError: 8,
    RuntimeError: 9,
    AssertionError: 10,
}


@c_funcify.register(CheckAndRaise)
def _check_and_raise(op, node=None, **kwargs):
    value, *conditions = node.inputs
    kind = _EXCEPTIONS.get(op.exc_type)
    message = str(op.msg)
    # The context keeps about a thousand bytes of message; Python has room for more.
    if (
        kind is None
        or not hasattr(value.type, "numpy_dtype")
        or len(message.encode("utf-8", "replace")) > 900
    ):
        return None
    if any(c_type(c.type.dtype) is None for c in conditions) or not message.isascii():
        return None
    dtypes = [DTYPES[c.type.dtype] for c in conditions]
    sizes = len(conditions), value.type.ndim, kind
    text = text_parameter(message.replace("\0", ""))
    return views_kernel("pt_check_and_raise", *sizes, *dtypes, text, views={0: 0})
