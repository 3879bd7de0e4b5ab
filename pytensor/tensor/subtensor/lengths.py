"""Lengths of slices and shapes of indexed arrays, for known and for symbolic numbers."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from pytensor.graph.basic import Constant, Variable
from pytensor.scalar.basic import ScalarType
from pytensor.tensor._math_ops import eq, ge, lt, maximum, minimum, switch
from pytensor.tensor.basic import as_tensor_variable
from pytensor.tensor.math import sum as pt_sum
from pytensor.tensor.subtensor.indices import constant_index_value
from pytensor.tensor.type_other import MakeSlice, NoneTypeT, SliceConstant, SliceType
from pytensor.tensor.utils import broadcast_static_dim_lengths


def number(value) -> Any:
    """Return the Python int behind `value` if there is one, otherwise a tensor variable."""
    if value is None or (isinstance(value, Variable) and isinstance(value.type, NoneTypeT)):
        return None
    constant = constant_index_value(value)
    if constant is not None:
        return int(constant)
    if isinstance(value, Variable) and isinstance(value.type, ScalarType):
        return as_tensor_variable(value)
    return value


def slice_parts(s) -> tuple[Any, Any, Any]:
    """Return start, stop and step of a slice or of a symbolic slice, constants as ints."""
    if isinstance(s, SliceConstant):
        s = s.data
    elif isinstance(s, Variable) and isinstance(s.type, SliceType):
        if s.owner is None or not isinstance(s.owner.op, MakeSlice):
            raise ValueError(f"start, stop and step of the slice {s} are unknown")
        return tuple(number(p) for p in s.owner.inputs)
    return number(s.start), number(s.stop), number(s.step)


def _is_known(*values) -> bool:
    return all(v is None or isinstance(v, int) for v in values)


def _max(a, b):
    return max(a, b) if _is_known(a, b) else maximum(a, b)


def _min(a, b):
    return min(a, b) if _is_known(a, b) else minimum(a, b)


def _where(condition, a, b):
    if isinstance(condition, bool | np.bool_):
        return a if condition else b
    return a if a is b else switch(condition, a, b)


def _bound(value, length, low, high):
    """Count a negative `value` from the end, then clip it to [low, high].

    `low` is 0 or -1 and `high` is `length` or `length - 1`.
    """
    if isinstance(value, int):
        return _min(value, high) if value >= 0 else _max(value + length, low)
    return switch(lt(value, 0), maximum(value + length, low), minimum(value, high))


def _forward_bounds(start, stop, length):
    start = 0 if start is None else _bound(start, length, 0, length)
    stop = length if stop is None else _bound(stop, length, 0, length)
    return start, stop


def _backward_bounds(start, stop, length):
    start = length - 1 if start is None else _bound(start, length, -1, length - 1)
    stop = -1 if stop is None else _bound(stop, length, -1, length - 1)
    return start, stop


def _count(distance, step):
    """Number of steps of size `step` > 0 that start before `distance`."""
    if step == 1 and isinstance(step, int):
        return _max(distance, 0)
    return _max((distance + step - 1) // step, 0)


def get_canonical_form_slice(theslice, length) -> tuple[Any, Any]:
    """Rewrite an index so that all of its numbers are non-negative.

    Parameters
    ----------
    theslice
        A slice, or a single index.
    length
        Length of the indexed dimension.

    Returns
    -------
    tuple
        For a slice, ``(slice(start, stop, step), direction)`` with ``0 <= start <= stop <=
        length`` and ``step > 0``, such that ``x[theslice]`` equals
        ``x[start:stop:step][::direction]``. For an index, ``(index, 1)`` with negative indices
        counted from the beginning.

    Examples
    --------
    >>> from pytensor.tensor.subtensor import get_canonical_form_slice
    >>> get_canonical_form_slice(slice(None, None, -2), 10)
    (slice(1, 10, 2), -1)
    """
    length = number(length)
    if not isinstance(theslice, slice | SliceConstant) and not (
        isinstance(theslice, Variable) and isinstance(theslice.type, SliceType)
    ):
        index = number(theslice)
        if isinstance(index, int):
            return (index if index >= 0 else index + length), 1
        return switch(lt(index, 0), index + length, index), 1

    start, stop, step = slice_parts(theslice)
    step = 1 if step is None else step
    if isinstance(step, int):
        if step == 0:
            raise ValueError("slice step cannot be zero")
        return (
            (_canonical_forward(start, stop, step, length), 1)
            if step > 0
            else (_canonical_backward(start, stop, -step, length), -1)
        )
    size = switch(lt(step, 0), -step, step)
    forward = _canonical_forward(start, stop, size, length)
    backward = _canonical_backward(start, stop, size, length)
    is_forward = ge(step, 0)
    bounds = slice(
        _where(is_forward, forward.start, backward.start),
        _where(is_forward, forward.stop, backward.stop),
        size,
    )
    return bounds, switch(is_forward, 1, -1)


def _canonical_forward(start, stop, step, length) -> slice:
    lower, upper = _forward_bounds(start, stop, length)
    if start is not None and stop is not None:
        upper = _max(upper, lower)
    return slice(lower, upper, step)


def _canonical_backward(start, stop, step, length) -> slice:
    """The elements start, start - step, ... above stop, in increasing order."""
    first, last = _backward_bounds(start, stop, length)
    if start is None and stop is None and step == 1 and isinstance(step, int):
        return slice(0, length, 1)
    count = _count(first - last, step)
    upper = first + 1
    # An empty slice must not get bounds outside of the array
    lower = _max(upper - 1 - (count - 1) * step, 0)
    if _is_known(count):
        return slice(lower, upper, step) if count else slice(0, 0, step)
    return slice(lower, switch(lt(0, count), upper, lower), step)


def slice_len(slc, n):
    """Return the number of elements that a slice takes from a dimension of length `n`."""
    start, stop, step = slice_parts(slc)
    n = number(n)
    if _is_known(start, stop, step, n):
        return len(range(*slice(start, stop, step).indices(n)))
    step = 1 if step is None else step
    if not isinstance(step, int):
        bounds, _ = get_canonical_form_slice(slice(start, stop, step), n)
        return _count(bounds.stop - bounds.start, bounds.step)
    if start is None and stop is None:
        return n if abs(step) == 1 else (n + abs(step) - 1) // abs(step)
    if step > 0:
        # x[a:] and x[:-a] have n - a elements if there are so many; x[-a:] and x[:a] have a
        if stop is None and isinstance(start, int):
            distance = _max(n - start, 0) if start >= 0 else _min(n, -start)
        elif (start is None or start == 0) and isinstance(stop, int):
            distance = _min(n, stop) if stop >= 0 else _max(n + stop, 0)
        else:
            lower, upper = _forward_bounds(start, stop, n)
            distance = upper - lower
            if start is None or stop is None:
                return distance if step == 1 else (distance + step - 1) // step
            return _count(distance, step)
        return distance if step == 1 else (distance + step - 1) // step
    lower, upper = _backward_bounds(start, stop, n)
    return _count(lower - upper, -step)


def slice_static_length(slc: slice, dim_length: int | None) -> int | None:
    """Return the length of a slice of a dimension, if types alone tell it."""
    start, stop, step = slice_parts(slc)
    if not _is_known(start, stop, step):
        return None
    if dim_length is None:
        # Whatever the length of the dimension, x[3:1] and x[:0] are empty
        step = 1 if step is None else step
        if step > 0 and stop is not None:
            same_sign = ((start or 0) >= 0 and stop >= 0) or (
                start is not None and start < 0 > stop
            )
            if same_sign and stop <= (start or 0):
                return 0
        return None
    return len(range(*slice(start, stop, step).indices(dim_length)))


def basic_shape(shape: Sequence, indices: Sequence) -> tuple:
    """Return the shape of ``x[indices]`` for slices and None; integers drop their dimension.

    Parameters
    ----------
    shape
        Lengths of the dimensions of x that the indices use.
    indices
        Slices, None, and integer scalars.
    """
    result: list = []
    dims = iter(shape)
    for idx in indices:
        if idx is None or (isinstance(idx, Variable) and isinstance(idx.type, NoneTypeT)):
            result.append(1)
        elif is_slice(idx):
            result.append(slice_len(idx, next(dims)))
        else:
            if np.ndim(idx) if not isinstance(idx, Variable) else getattr(idx.type, "ndim", 0):
                raise ValueError(f"basic indices must be slices, integers or None, got {idx}")
            next(dims)
    return (*result, *dims)


def is_slice(idx) -> bool:
    """Tell whether an index is a slice, symbolic or not."""
    return isinstance(idx, slice) or (isinstance(idx, Variable) and isinstance(idx.type, SliceType))


def is_mask(idx) -> bool:
    """Tell whether an index is a boolean array."""
    dtype = idx.type.dtype if isinstance(idx, Variable) else np.asarray(idx).dtype
    return str(dtype) == "bool"


def index_ndim(idx) -> int:
    """Number of dimensions of an array index."""
    return getattr(idx.type, "ndim", 0) if isinstance(idx, Variable) else np.ndim(idx)


def n_indexed_dims(idx) -> int:
    """How many dimensions of the array one index uses up: a k-dimensional mask uses k."""
    if idx is None or (isinstance(idx, Variable) and isinstance(idx.type, NoneTypeT)):
        return 0
    if is_slice(idx) or not is_mask(idx):
        return 1
    return index_ndim(idx)


def group_indices(indices):
    """Group consecutive indices into basic and advanced ones.

    Returns
    -------
    list
        ``(is_basic, [(axis, index), ...])`` groups in order, where `axis` is the first dimension
        of the array that the index applies to.
    """
    groups: list[tuple[bool, list]] = []
    axis = 0
    for idx in indices:
        is_basic = idx is None or is_slice(idx)
        if not groups or groups[-1][0] != is_basic:
            groups.append((is_basic, []))
        groups[-1][1].append((axis, idx))
        axis += n_indexed_dims(idx)
    return groups


def indexed_dims_layout(indices: Sequence) -> list[tuple[str, int, Any]]:
    """Describe the dimensions of ``x[indices]`` in order.

    Returns
    -------
    list
        Of ``("slice", axis of x, slice)`` for each sliced dimension, and one ``("advanced", -1,
        None)`` where the broadcast dimensions of all the array indices go: in place of the array
        indices if they stand together, first otherwise.
    """
    groups = group_indices(indices)
    advanced_groups = [g for is_basic, g in groups if not is_basic]
    layout: list[tuple[str, int, Any]] = []
    if len(advanced_groups) > 1:
        layout.append(("advanced", -1, None))
    for is_basic, group in groups:
        if is_basic:
            layout.extend(("slice", axis, idx) for axis, idx in group)
        elif len(advanced_groups) == 1:
            layout.append(("advanced", -1, None))
    return layout


def _broadcast_index_lengths(lengths: Sequence):
    """Length of a dimension over which array indices broadcast; symbolic lengths may be 1."""
    lengths = [number(n) for n in lengths]
    known = [n for n in lengths if isinstance(n, int) and n != 1]
    if known:
        if any(n != known[0] for n in known):
            raise IndexError(f"shape mismatch: indices of lengths {lengths} do not broadcast")
        return known[0]
    unknown = [n for n in lengths if not isinstance(n, int)]
    if not unknown:
        return 1
    result = unknown[0]
    for n in unknown[1:]:
        if n is not result:
            result = switch(eq(result, 1), n, result)
    return result


def indexed_result_shape(array_shape, indices, indices_are_shapes=False):
    """Return the symbolic shape of ``x[indices]``.

    Parameters
    ----------
    array_shape
        Symbolic shape of x.
    indices
        Integers, slices, arrays of integers and masks.
    indices_are_shapes
        Whether array indices are given by their shapes (tuples).
    """

    def shape_of(idx):
        if indices_are_shapes:
            return tuple(idx) if isinstance(idx, list | tuple) else ()
        if not isinstance(idx, Variable):
            return (np.count_nonzero(idx),) if is_mask(idx) else np.shape(idx)
        if isinstance(idx.type, ScalarType):
            return ()
        if is_mask(idx):
            return (_count_nonzero(idx),)
        static = idx.type.shape
        if None not in static:
            return static
        symbolic = idx.shape
        return tuple(symbolic[d] if n is None else n for d, n in enumerate(static))

    used = sum(1 if indices_are_shapes else n_indexed_dims(i) for i in indices)
    advanced = [shape_of(i) for i in indices if i is not None and not is_slice(i)]
    ndim = max((len(s) for s in advanced), default=0)
    padded = [(1,) * (ndim - len(s)) + tuple(s) for s in advanced]
    advanced_shape = tuple(_broadcast_index_lengths(dims) for dims in zip(*padded))
    layout = _shapes_layout(indices) if indices_are_shapes else indexed_dims_layout(indices)
    result: list = []
    for kind, axis, idx in layout:
        if kind == "advanced":
            result.extend(advanced_shape)
        elif idx is None:
            result.append(1)
        else:
            result.append(slice_len(idx, array_shape[axis]))
    return (*result, *tuple(array_shape)[used:])


def _count_nonzero(mask):
    """How many elements a mask selects: all that its positions tell a shape."""
    if isinstance(mask, Constant):
        return int(np.count_nonzero(mask.data))
    return pt_sum(mask, dtype="int64")


def _shapes_layout(indices):
    """`indexed_dims_layout` for array indices that are given as shapes."""
    return indexed_dims_layout([i if i is None or is_slice(i) else 0 for i in indices])


def static_advanced_shape(x_shape: Sequence[int | None], indices: Sequence) -> tuple:
    """Static shape of ``x[indices]`` where array indices are tensor variables or masks."""
    shapes = []
    for idx in indices:
        if is_slice(idx):
            continue
        if is_mask(idx):
            data = getattr(idx, "data", None)
            shapes.append((None if data is None else int(np.count_nonzero(data)),))
        else:
            shapes.append(tuple(idx.type.shape))
    ndim = max((len(s) for s in shapes), default=0)
    padded = [(1,) * (ndim - len(s)) + s for s in shapes]
    try:
        advanced = tuple(broadcast_static_dim_lengths(dims) for dims in zip(*padded))
    except ValueError as err:
        raise IndexError(
            f"shape mismatch: index arrays of shapes {shapes} do not broadcast together"
        ) from err
    result: list[int | None] = []
    for kind, axis, idx in indexed_dims_layout(indices):
        if kind == "advanced":
            result.extend(advanced)
        else:
            result.append(slice_static_length(idx, x_shape[axis]))
    used = sum(n_indexed_dims(i) for i in indices)
    return (*result, *x_shape[used:])
