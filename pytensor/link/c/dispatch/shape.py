"""Kernels of Ops that look at shapes or change them."""

from pytensor.link.c.dispatch.basic import C_CODE, Source, c_funcify, c_type
from pytensor.link.c.dispatch.parameters import DTYPES, ready_kernel, text_parameter
from pytensor.tensor._specify import OperandLengths
from pytensor.tensor.elemwise import DimShuffle
from pytensor.tensor.reshape import JoinDims, SplitDims
from pytensor.tensor.shape import Reshape, Shape, Shape_i, SpecifyShape
from pytensor.tensor.type_other import NoneTypeT

COPY = Source(C_CODE, "copy.h")

views_kernel = ready_kernel(
    "views.h",
    *("pt_same_view", "pt_dimshuffle", "pt_shape_i", "pt_shape", "pt_specify_shape"),
    *("pt_reshape_to", "pt_join_dims", "pt_split_dims", "pt_check_and_raise"),
)


def read_int(name: str, dtype: str, offset: str = "") -> str:
    """Return a C expression for an integer element as int64."""
    return f"(int64_t)*(const {c_type(dtype)} *)({name}->data{offset})"


@c_funcify.register(DimShuffle)
def _dimshuffle(op, node=None, **kwargs):
    order = [-1 if axis == "x" else axis for axis in op.new_order]
    itemsize = node.outputs[0].type.numpy_dtype.itemsize
    sizes = len(op.drop), len(order), itemsize
    return views_kernel("pt_dimshuffle", *sizes, *op.drop, *order, views={0: 0})


@c_funcify.register(Reshape)
def _reshape(op, node=None, **kwargs):
    x, shp = node.inputs
    dtype = DTYPES.get(shp.type.dtype)
    if dtype is None:
        return None
    sizes = x.type.ndim, op.ndim, x.type.numpy_dtype.itemsize
    return views_kernel("pt_reshape_to", *sizes, dtype, views={0: 0}, copies=(0,))


@c_funcify.register(JoinDims)
def _join_dims(op, node=None, **kwargs):
    x, z = node.inputs[0], node.outputs[0]
    sizes = x.type.ndim, z.type.ndim, x.type.numpy_dtype.itemsize
    return views_kernel("pt_join_dims", *sizes, op.start_axis, op.n_axes, views={0: 0}, copies=(0,))


@c_funcify.register(SplitDims)
def _split_dims(op, node=None, **kwargs):
    x, parts = node.inputs
    z, dtype = node.outputs[0], DTYPES.get(parts.type.dtype)
    if dtype is None:
        return None
    n = z.type.ndim - x.type.ndim + 1
    sizes = x.type.ndim, z.type.ndim, x.type.numpy_dtype.itemsize
    return views_kernel("pt_split_dims", *sizes, dtype, op.axis, n, views={0: 0}, copies=(0,))


@c_funcify.register(Shape)
def _shape(op, node=None, **kwargs):
    return views_kernel("pt_shape", node.inputs[0].type.ndim)


@c_funcify.register(Shape_i)
def _shape_i(op, node=None, **kwargs):
    return views_kernel("pt_shape_i", op.i)


@c_funcify.register(SpecifyShape)
def _specify_shape(op, node=None, **kwargs):
    x, *entries = node.inputs
    absent = [isinstance(entry.type, NoneTypeT) for entry in entries]
    dtypes = [0 if no else DTYPES[v.type.dtype] for no, v in zip(absent, entries, strict=True)]
    unused = tuple(i + 1 for i, no in enumerate(absent) if no)
    asked_by = text_parameter(op.operation if isinstance(op, OperandLengths) else "")
    how = x.type.ndim, *dtypes, asked_by
    return views_kernel("pt_specify_shape", *how, views={0: 0}, unused=unused)
