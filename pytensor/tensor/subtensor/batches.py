"""Indices with batch dimensions: one index of arrays in place of an index for each item.

``x[b, i[b]]`` for all ``b`` is ``x[arange(n), i]``. Array indices of the batch come first, so the
dimensions of the result are those of the batch, then those of the arrays, then those of slices;
NumPy wants the arrays of an item where they stood if they stood together.
"""

from __future__ import annotations

from collections.abc import Sequence

from pytensor.graph.basic import Variable
from pytensor.scalar.basic import ScalarType
from pytensor.tensor._ranges import arange
from pytensor.tensor._shape_ops import length
from pytensor.tensor.basic import alloc, as_tensor_variable, nonzero
from pytensor.tensor.elemwise import DimShuffle
from pytensor.tensor.subtensor.common import pad_core_left
from pytensor.tensor.subtensor.indices import unflatten_index_variables
from pytensor.tensor.subtensor.lengths import group_indices, is_mask


def _as_tensor(idx: Variable) -> Variable:
    return as_tensor_variable(idx) if isinstance(idx.type, ScalarType) else idx


class BatchedIndex:
    """The index for a whole batch.

    Parameters
    ----------
    op
        The indexing Op of one item.
    core_idxs, batch_idxs
        Its index inputs, and those of the batch.

    Attributes
    ----------
    possible
        Whether there is such an index: slices and masks must be the same for all items.
    batch_ndim
        Number of batch dimensions of the arrays.
    n_before, n_array
        In the result of one item: sliced dimensions before those of the arrays, and these.
    """

    def __init__(self, op, core_idxs: Sequence[Variable], batch_idxs: Sequence[Variable]):
        core = unflatten_index_variables([_as_tensor(i) for i in core_idxs], op.idx_list)
        batch = unflatten_index_variables([_as_tensor(i) for i in batch_idxs], op.idx_list)
        self.possible = True
        self.core: list = []
        self.batch: list = []
        for new, old in zip(batch, core, strict=True):
            self._append(new, old)
        self.batch_ndim = max(
            (new.type.ndim - old.type.ndim for new, old in self._arrays()), default=0
        )
        groups = group_indices(self.core)
        self.together = sum(not is_basic for is_basic, _ in groups) == 1
        self.n_before = len(groups[0][1]) if self.together and groups[0][0] else 0
        self.n_array = max((old.type.ndim for _, old in self._arrays()), default=0)

    def _append(self, new, old) -> None:
        if isinstance(old, slice):
            parts = (new.start, new.stop, new.step)
            self.possible &= all(p is None or p.type.ndim == 0 for p in parts)
            news, olds = [new], [old]
        elif is_mask(old):
            # Masks that differ may select different numbers of elements
            self.possible &= new.type.ndim == old.type.ndim
            news = olds = list(nonzero(old))
        else:
            news, olds = [new], [old]
        self.batch += news
        self.core += olds

    def _arrays(self) -> list[tuple[Variable, Variable]]:
        pairs = zip(self.batch, self.core, strict=True)
        return [(new, old) for new, old in pairs if not isinstance(old, slice)]

    def whole(self, batch_ndim: int, x: Variable, x_batch: int) -> tuple:
        """Return the index of `x`, which has `x_batch` of the `batch_ndim` batch dimensions."""
        ndim = batch_ndim + self.n_array
        index: list = []
        for d in range(x_batch):
            position = batch_ndim - x_batch + d
            order = ["x"] * ndim
            if x.type.shape[d] != 1:
                order[position] = 0
            n = 1 if x.type.shape[d] == 1 else length(x, d)
            numbers = arange(n, dtype="int64")
            if x.type.shape[d] == 1:
                numbers = DimShuffle(input_ndim=1, new_order=())(numbers)
            index.append(DimShuffle(input_ndim=numbers.type.ndim, new_order=order)(numbers))
        for new, old in zip(self.batch, self.core, strict=True):
            if not isinstance(old, slice):
                batch = new.type.ndim - old.type.ndim
                new = pad_core_left(new, batch, self.n_array - old.type.ndim if batch else 0)
            index.append(new)
        return tuple(index)

    def result_order(self, batch_ndim: int, x_batch: int, ndim: int) -> list[int]:
        """Return the order of the dimensions of an indexed array that one item's gives them."""
        whole, before, arrays = range(ndim), self.n_before, batch_ndim + self.n_array
        if not before:
            return list(whole)
        if x_batch:
            # The arrays are apart now: batch, arrays, all slices
            kept = list(whole[arrays : arrays + before])
            return [
                *whole[:batch_ndim],
                *kept,
                *whole[batch_ndim:arrays],
                *whole[arrays + before :],
            ]
        # Slices before, batch, arrays, slices behind
        moved = list(whole[before : before + batch_ndim])
        return [*moved, *whole[:before], *whole[before + batch_ndim :]]


def turned(x: Variable, order: Sequence[int]) -> Variable:
    """Return `x` with its dimensions in another order."""
    if list(order) == list(range(x.type.ndim)):
        return x
    return DimShuffle(input_ndim=x.type.ndim, new_order=tuple(order))(x)


def in_full_batch(x: Variable, x_batch: int, batches: Sequence[tuple[Variable, int]]) -> Variable:
    """Repeat `x`, so that each item of the batch can be written to.

    Parameters
    ----------
    x
        Array that has `x_batch` batch dimensions.
    batches
        The other operands, with the number of batch dimensions of each.
    """
    batch_ndim = max(x_batch, *(n for _, n in batches))
    lengths, repeats = [], x_batch < batch_ndim
    for axis in range(-batch_ndim, 0):
        have = [(v, n + axis) for v, n in [(x, x_batch), *batches] if n + axis >= 0]
        full, at = next((f for f in have if f[0].type.shape[f[1]] != 1), have[0])
        lengths.append(length(full, at))
        repeats |= full is not x
    if not repeats:
        return x
    return alloc(x, *lengths, *(length(x, d) for d in range(x_batch, x.type.ndim)))
