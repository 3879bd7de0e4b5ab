"""Kernels of Join and Split."""

from pytensor.link.c.dispatch.alloc import fill_kernel
from pytensor.link.c.dispatch.basic import c_funcify
from pytensor.link.c.dispatch.parameters import DTYPES
from pytensor.tensor.basic import Join, Split


@c_funcify.register(Join)
def _join(op, node=None, **kwargs):
    z = node.outputs[0]
    if any(x.type.dtype != z.type.dtype for x in node.inputs):
        return None
    itemsize = z.type.numpy_dtype.itemsize
    return fill_kernel("pt_join", len(node.inputs), z.type.ndim, op.axis, itemsize)


@c_funcify.register(Split)
def _split(op, node=None, **kwargs):
    x, splits = node.inputs
    n, dtype = op.len_splits, DTYPES.get(splits.type.dtype)
    if dtype is None or n == 0:
        return None
    views = {i: 0 for i in range(n)}
    return fill_kernel("pt_split", n, x.type.ndim, op.axis, dtype, views=views)
