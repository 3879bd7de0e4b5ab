"""Kernels of diagonals: a view of one, and arrays that are zero beside one."""

from pytensor.link.c.dispatch.basic import c_funcify, c_type
from pytensor.link.c.dispatch.parameters import ready_kernel
from pytensor.tensor._diag import AllocDiag, ExtractDiag, SetDiag

_kernel = ready_kernel("diagonal.h", "pt_extract_diagonal", "pt_alloc_diagonal", "pt_set_diagonal")


def _diagonal(op) -> tuple[int, int, int, int]:
    """Return its axes, and how far it lies below and above the main one."""
    return op.axis1, op.axis2, max(-op.offset, 0), max(op.offset, 0)


def _sizes(z) -> tuple[int, int]:
    return z.type.ndim, z.type.numpy_dtype.itemsize


@c_funcify.register(ExtractDiag)
def _extract_diag(op, node=None, **kwargs):
    sizes = _sizes(node.outputs[0])
    views = {"views": {0: 0}} if op.view else {}
    return _kernel("pt_extract_diagonal", *sizes, int(op.view), *_diagonal(op), **views)


@c_funcify.register(AllocDiag)
def _alloc_diag(op, node=None, **kwargs):
    z = node.outputs[0]
    if c_type(z.type.dtype) is None:
        return None
    return _kernel("pt_alloc_diagonal", *_sizes(z), *_diagonal(op))


@c_funcify.register(SetDiag)
def _set_diag(op, node=None, **kwargs):
    return _kernel("pt_set_diagonal", *_sizes(node.outputs[0]), *_diagonal(op))
