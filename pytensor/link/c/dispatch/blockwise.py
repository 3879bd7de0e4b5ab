"""C kernels of `Blockwise`: for core Ops whose helpers know batches."""

from __future__ import annotations

from functools import singledispatch

from pytensor.link.c.dispatch.basic import CKernel, c_funcify
from pytensor.tensor.blockwise import Blockwise

__all__ = ["c_batch"]


@singledispatch
def c_batch(op, node, batch: int) -> CKernel | None:
    """Return the kernel of a core Op over `batch` leading axes, or None if there is none.

    Parameters
    ----------
    op : Op
        The core Op.
    node : Apply
        The node, whose variables have the batch axes.
    batch : int
        How many; 0 for the Op alone.
    """
    return None


@c_funcify.register(Blockwise)
def _blockwise(op, node=None, **kwargs) -> CKernel | None:
    return c_batch(op.core_op, node, op.batch_ndim(node))
