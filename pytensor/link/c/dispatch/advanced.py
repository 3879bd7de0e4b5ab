"""Kernels of indexing by integer arrays, when they stand side by side among full slices.

The arrays are turned into one table of byte offsets, checked once; then elements or blocks move.
Masks, arrays apart from one another and slices with limits are left to Python.
"""

from typing import NamedTuple

from pytensor.link.c.dispatch.basic import c_funcify
from pytensor.link.c.dispatch.parameters import DTYPES, ones_mask, ready_kernel
from pytensor.link.c.dispatch.subtensor import addition, placement
from pytensor.tensor.subtensor import AdvancedIncSubtensor, AdvancedSubtensor

_kernel = ready_kernel("taking.h", "pt_advanced_subtensor", "pt_advanced_inc_subtensor")


class _Take(NamedTuple):
    """Index arrays (input numbers) on the axes from `axis` on; together they have `ndim` axes."""

    axis: int
    inputs: list[int]
    ndim: int

    def words(self, node) -> list[int]:
        """Return the parameters that describe the index."""
        words = [self.axis, len(self.inputs), self.ndim]
        for i in self.inputs:
            type_ = node.inputs[i].type
            words += [i, type_.ndim, DTYPES[type_.dtype]]
        return words


def _classify(node, idx_list, first: int) -> _Take | None:
    arrays = [i for i, entry in enumerate(idx_list) if not isinstance(entry, slice)]
    if not arrays or arrays != list(range(arrays[0], arrays[-1] + 1)):
        return None
    if any(isinstance(entry, slice) and entry != slice(None) for entry in idx_list):
        return None
    inputs = [first + idx_list[i] for i in arrays]
    types = [node.inputs[i].type for i in inputs]
    if any(t.numpy_dtype.kind not in "iu" for t in types):
        return None
    return _Take(arrays[0], inputs, max(t.ndim for t in types))


@c_funcify.register(AdvancedSubtensor)
def _advanced_subtensor(op, node=None, **kwargs):
    x = node.inputs[0]
    take = _classify(node, op.idx_list, 1)
    if take is None:
        return None
    sizes = len(node.inputs), x.type.ndim, x.type.numpy_dtype.itemsize
    return _kernel("pt_advanced_subtensor", *sizes, *take.words(node))


@c_funcify.register(AdvancedIncSubtensor)
def _advanced_inc_subtensor(op, node=None, **kwargs):
    x, y = node.inputs[:2]
    take = _classify(node, op.idx_list, 2)
    add = addition(x, op.set_instead_of_inc)
    add_once = op.ignore_duplicates and not op.set_instead_of_inc
    if take is None or add is None or x.type.dtype != y.type.dtype or add_once:
        return None
    if y.type.ndim > x.type.ndim - len(take.inputs) + take.ndim:
        return None
    sizes = len(node.inputs), x.type.ndim, x.type.numpy_dtype.itemsize
    how = int(op.inplace), add, y.type.ndim, ones_mask(y)
    words = take.words(node)
    return _kernel("pt_advanced_inc_subtensor", *sizes, *how, *words, **placement(op.inplace))
