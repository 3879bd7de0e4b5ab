"""How rules see indices: as the user wrote them, with numbers where they are known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pytensor.graph.basic import Apply, Constant, Variable
from pytensor.tensor.basic import ARange
from pytensor.tensor.rewriting.shape_feature import same_expression
from pytensor.tensor.shape import Shape_i, shape_i
from pytensor.tensor.subtensor import (
    AdvancedIncSubtensor,
    AdvancedSubtensor,
    IncSubtensor,
    Subtensor,
    flatten_index_variables,
    unflatten_index_variables,
)
from pytensor.tensor.subtensor.indices import constant_index_value
from pytensor.tensor.variable import TensorConstant

FULL = slice(None)
WRITES = (IncSubtensor, AdvancedIncSubtensor)
READS = (Subtensor, AdvancedSubtensor)

# Writes whose index names an element at most once, whatever the index is.
_BASIC = (Subtensor, IncSubtensor)


def index_inputs(node: Apply) -> list[Variable]:
    """Return the index inputs of an indexing node."""
    return node.inputs[2 if isinstance(node.op, WRITES) else 1 :]


def indices_of(node: Apply) -> tuple:
    """Return the index of an indexing node: variables, and slices of variables."""
    return unflatten_index_variables(index_inputs(node), node.op.idx_list)


def is_full(idx) -> bool:
    """Return whether an index takes everything as it is."""
    return isinstance(idx, slice) and idx.start is None and idx.stop is None and idx.step is None


def known(value) -> int | None:
    """Return the number of an entry of an index, if it is a constant."""
    if value is None:
        return None
    found = constant_index_value(value)
    return None if found is None else int(found)


def known_slice(idx: slice) -> tuple[int | None, int | None, int] | None:
    """Return start, stop and step of a slice if all are constants."""
    parts = []
    for part in (idx.start, idx.stop, idx.step):
        value = known(part)
        if part is not None and value is None:
            return None
        parts.append(value)
    start, stop, step = parts
    return None if step == 0 else (start, stop, 1 if step is None else step)


def without_trailing(indices: Sequence) -> tuple:
    """Return an index without full slices at the end."""
    n = len(indices)
    while n and is_full(indices[n - 1]):
        n -= 1
    return tuple(indices[:n])


def read(x: Variable, indices: Sequence) -> Variable:
    """Return ``x[indices]`` for integers and slices; `x` itself if that is all of it."""
    indices = without_trailing(indices)
    if not indices:
        return x
    idx_list, flat = flatten_index_variables(indices)
    return Subtensor(idx_list)(x, *flat)


def same_indices(a: Apply, b: Apply) -> bool:
    """Return whether two indexing nodes name the same elements, in the same order."""
    if a.op._hashable_idx_list != b.op._hashable_idx_list:
        return False
    return all(
        same_expression(i, j, depth=2)
        for i, j in zip(index_inputs(a), index_inputs(b), strict=True)
    )


# -- slices of ranges ----------------------------------------------------------------------


def range_as_slice(r: range) -> slice:
    """Return the shortest slice that takes the elements of a range.

    Examples
    --------
    >>> range_as_slice(range(4, -1, -2))
    slice(4, None, -2)
    """
    if not len(r):
        return slice(0, 0)
    stop: int | None = r.stop
    if r.stop < 0:
        stop = None
    step = None if r.step == 1 else r.step
    start = None if r.start == 0 and r.step > 0 else r.start
    return slice(start, stop, step)


def tidied_slice(idx: slice, n: int | None, x: Variable, axis: int) -> slice:
    """Return a slice with ``None`` for what says nothing: ``x[0:len(x):1]`` is ``x[:]``."""
    start, stop, step = known(idx.start), known(idx.stop), known(idx.step)
    if idx.step is None:
        step = 1
    if step is None or step == 0:
        return idx
    new_start, new_stop = idx.start, idx.stop
    if step > 0:
        if start == 0 or (n is not None and start is not None and start <= -n):
            new_start = None
        if (n is not None and stop is not None and stop >= n) or _is_length(idx.stop, x, axis):
            new_stop = None
    else:
        if start == -1 or (n is not None and start is not None and start >= n - 1):
            new_start = None
        if n is not None and stop is not None and stop < -n:
            new_stop = None
    return slice(new_start, new_stop, None if step == 1 else idx.step)


def _is_length(value, x: Variable, axis: int) -> bool:
    """Return whether a scalar is the length of an axis of `x`."""
    node = getattr(value, "owner", None)
    if node is None or len(node.inputs) != 1:
        return False
    node = node.inputs[0].owner
    return (
        node is not None
        and isinstance(node.op, Shape_i)
        and node.op.i == axis
        and node.inputs[0] is x
    )


def merged_index(inner: slice, outer, n: int | None):
    """Return the index ``k`` with ``x[inner][outer] == x[k]``, ``None`` if it is not known.

    Parameters
    ----------
    inner
        A slice.
    outer
        A slice or an integer.
    n
        The length of the axis, if it is known.
    """
    if is_full(inner):
        return outer
    if is_full(outer):
        return inner
    first = known_slice(inner)
    if first is None:
        return None
    if isinstance(outer, slice):
        second = known_slice(outer)
        if second is None:
            return None
        if n is not None:
            return range_as_slice(range(n)[slice(*first)][slice(*second)])
        return _slice_of_slice(first, second)
    i = known(outer)
    if i is None:
        return None
    if n is not None:
        taken = range(n)[slice(*first)]
        return taken[i] if -len(taken) <= i < len(taken) else None
    return _element_of_slice(first, i)


def _slice_of_slice(first, second) -> slice | None:
    (a, b, p), (c, d, q) = first, second
    if first == second == (None, None, -1):
        return FULL
    a, c = a or 0, c or 0
    if p < 0 or q < 0 or a < 0 or c < 0:
        return None
    start = a + c * p
    if d is None:
        stop = b
    elif d >= 0:
        # The elements before the first stop and before the second.
        stop = a + d * p
        if b is not None:
            if b < 0:
                return None
            stop = min(stop, b)
    elif p == 1 and (b is None or b < 0):
        stop = d + (b or 0)
    else:
        return None
    return slice(start or None, stop, None if p * q == 1 else p * q)


def _element_of_slice(first, i: int) -> int | None:
    a, b, p = first
    if p == -1 and a is None and b is None:
        return -i - 1
    a = a or 0
    if p < 0 or a < 0 or i < 0:
        return None
    index = a + i * p
    # An index that is out of the slice must not become one that is in the array.
    return index if b is None or 0 <= index < b else None


# -- arrays of indices ---------------------------------------------------------------------


def nonnegative_length(value: Variable) -> Variable:
    """Return ``n`` for ``maximum(n, 0)``, `value` otherwise: how ranges write their length."""
    node = value.owner
    if node is None or len(node.inputs) != 2 or str(node.op).lower() != "maximum":
        return value
    a, b = node.inputs
    return a if isinstance(b, Constant) and np.ndim(b.data) == 0 and b.data == 0 else value


def has_no_duplicates(idx: Variable) -> bool:
    """Return whether a vector of indices is known to name no element twice."""
    if isinstance(idx, TensorConstant):
        data = idx.data
        # Negative numbers name elements from the other end.
        one_end = bool((data >= 0).all() or (data < 0).all()) if data.size else True
        return one_end and len(np.unique(data)) == data.size
    node = idx.owner
    if node is None or not isinstance(node.op, ARange):
        return False
    start = node.inputs[0]
    return isinstance(start, Constant) and start.data >= 0 and _is_positive(node.inputs[2])


def _is_positive(step: Variable) -> bool:
    return isinstance(step, Constant) and bool(step.data > 0)


def names_no_element_twice(fgraph, node: Apply) -> bool:
    """Return whether the index of an indexing node is known to have no duplicates."""
    if isinstance(node.op, _BASIC):
        return True
    arrays = [i for i in indices_of(node) if not isinstance(i, slice)]
    if all(i.type.dtype == "bool" for i in arrays):
        return len(arrays) == 1
    if any(i.type.dtype == "bool" or i.type.ndim > 1 for i in arrays):
        return False
    arrays = [i for i in arrays if i.type.ndim]
    if not arrays:
        return True
    for unique in arrays:
        if has_no_duplicates(unique):
            # As long as all the others: so it is not repeated itself.
            return all(as_long(fgraph, unique, other) for other in arrays)
    return False


def as_long(fgraph, unique: Variable, other: Variable) -> bool:
    """Return whether `other` is known to be as long as `unique`, or to have length 1."""
    a, b = unique.type.shape[0], other.type.shape[0]
    if b == 1 or unique is other:
        return True
    if a is not None and b is not None:
        return a == b
    return same_expression(
        nonnegative_length(shape_i(unique, 0, fgraph)),
        nonnegative_length(shape_i(other, 0, fgraph)),
    )
