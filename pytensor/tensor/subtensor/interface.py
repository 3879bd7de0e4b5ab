"""What users call: ``x[...]``, set_subtensor, inc_subtensor, take, flip."""

import numpy as np

from pytensor.graph.basic import Constant, Variable
from pytensor.scalar.basic import ScalarType
from pytensor.tensor._math_ops import clip
from pytensor.tensor.basic import as_tensor_variable
from pytensor.tensor.elemwise import DimShuffle
from pytensor.tensor.shape import Reshape
from pytensor.tensor.subtensor.advanced import (
    AdvancedIncSubtensor,
    AdvancedSubtensor,
    advanced_subtensor,
)
from pytensor.tensor.subtensor.basic import (
    IncSubtensor,
    Subtensor,
    basic_subtensor,
    check_not_too_many,
)
from pytensor.tensor.subtensor.indices import (
    as_tensor_index_variable,
    constant_index_value,
    unflatten_index_variables,
)
from pytensor.tensor.subtensor.lengths import (
    indexed_dims_layout,
    is_slice,
    n_indexed_dims,
    slice_parts,
)
from pytensor.tensor.type import TensorType
from pytensor.tensor.type_other import NoneTypeT


def _contains_python_bool(x) -> bool:
    if isinstance(x, bool | np.bool_):
        return True
    return isinstance(x, list | tuple) and any(_contains_python_bool(e) for e in x)


def _is_newaxis(idx) -> bool:
    return idx is None or (isinstance(idx, Variable) and isinstance(idx.type, NoneTypeT))


def _is_scalar_index(idx) -> bool:
    if isinstance(idx, int | np.integer):
        return True
    if isinstance(idx, Variable):
        if isinstance(idx.type, ScalarType):
            return True
        return isinstance(idx.type, TensorType) and idx.type.ndim == 0 and idx.type.dtype != "bool"
    return isinstance(idx, np.ndarray) and idx.ndim == 0 and idx.dtype.kind in "iu"


def _normalize_index(idx):
    """Return one entry of an index as None, Ellipsis, a slice, an integer scalar, or a tensor."""
    if idx is Ellipsis or _is_newaxis(idx):
        return None if idx is not Ellipsis else idx
    if is_slice(idx):
        return slice(*slice_parts(idx))
    if _contains_python_bool(idx):
        raise TypeError(
            "TensorType does not support Python bools for indexing, such as "
            "tensor[[True, False]]. To use a boolean mask, convert the mask to a NumPy array "
            "first, e.g., tensor[numpy.array([True, False])]."
        )
    if isinstance(idx, float | np.floating | complex | str | bytes | dict):
        raise TypeError(f"basic indices must be integers, got {idx!r}")
    if _is_scalar_index(idx):
        dtype = getattr(getattr(idx, "type", None), "dtype", "int64")
        if not dtype.startswith(("int", "uint")):
            raise TypeError(f"basic indices must be integers, got {idx} of dtype {dtype}")
        return idx
    return as_tensor_index_variable(idx)


def _expand_ellipsis(indices: list, ndim: int) -> tuple[list, bool]:
    """Replace the ellipsis by as many full slices as there are dimensions left.

    An ellipsis that stands for no dimension still separates the array indices on both sides of
    it, which moves their dimensions to the front. A new dimension then stands in for it.

    Returns
    -------
    tuple
        The indices, and whether there is such a new dimension.
    """
    n_indexed = sum(n_indexed_dims(i) for i in indices if i is not Ellipsis)
    check_not_too_many(ndim, n_indexed)
    positions = [k for k, i in enumerate(indices) if i is Ellipsis]
    if len(positions) > 1:
        raise IndexError("an index can only have a single ellipsis (`...`)")
    if not positions:
        return indices, False
    before, after = indices[: positions[0]], indices[positions[0] + 1 :]
    full: list = [slice(None)] * (ndim - n_indexed)
    separates = not full and _are_separate_arrays(before, after)
    return before + (_SEPARATOR if separates else full) + after, separates


_SEPARATOR = [None]


def _are_separate_arrays(before: list, after: list) -> bool:
    """Tell whether array indices end `before` and begin `after`, behind a kept dimension."""

    def is_kept(idx):
        return idx is None or isinstance(idx, slice)

    if not before or not after or is_kept(before[-1]) or is_kept(after[0]):
        return False
    has_array = any(not is_kept(i) and not _is_scalar_index(i) for i in before + after)
    return has_array and any(is_kept(i) for i in before)


def _drop_separator(result, indices: list, position: int):
    """Drop the dimension that stood in for an empty ellipsis at `position` of `indices`."""
    n_kept = sum(isinstance(i, slice) for i in indices)
    n_sliced_before = sum(isinstance(i, slice) for i in indices[:position])
    # All array dimensions come first, then those that were kept
    d = result.type.ndim - n_kept + n_sliced_before
    order = tuple(k for k in range(result.type.ndim) if k != d)
    return DimShuffle(input_ndim=result.type.ndim, new_order=order)(result)


def _insert_newaxes(x, indices: list):
    """Add the new dimensions of `indices` to `x` first; the index then takes them whole."""
    order: list = []
    axis = 0
    for idx in indices:
        if idx is None:
            order.append("x")
            continue
        used = n_indexed_dims(idx)
        order.extend(range(axis, axis + used))
        axis += used
    order.extend(range(axis, x.type.ndim))
    x = DimShuffle(input_ndim=x.type.ndim, new_order=tuple(order))(x)
    return x, [slice(None) if idx is None else idx for idx in indices]


def _check_static_bounds(x, indices: list) -> None:
    """Raise IndexError for constant indices outside of a dimension of known length."""
    axis = 0
    for idx in indices:
        length = x.type.shape[axis]
        for value in _extremes(idx) if length is not None else ():
            if not -length <= value < length:
                raise IndexError(
                    f"index {value} is out of bounds for axis {axis} with size {length}"
                )
        axis += n_indexed_dims(idx)


def _extremes(idx) -> tuple:
    """Return the least and the largest number of a constant index, as far as there are some."""
    if isinstance(idx, slice):
        return ()
    value = constant_index_value(idx)
    if value is not None:
        return (value,)
    data = getattr(idx, "data", None) if isinstance(idx, Constant) else None
    if not isinstance(data, np.ndarray) or data.dtype.kind not in "iu" or not data.size:
        return ()
    return int(data.min()), int(data.max())


def getitem(x, args):
    """Return ``x[args]``, with all of NumPy's basic and advanced indexing.

    Integers, slices, ellipses and newaxis give views (`Subtensor` and `DimShuffle`); integer
    arrays and boolean masks give copies (`AdvancedSubtensor`).

    Raises
    ------
    IndexError
        Too many indices, several ellipses, or a constant index that is out of bounds.
    TypeError
        An index that is not an integer, slice, ellipsis, None, integer array or mask.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> pt.tensor("x", shape=(5, 4, 3))[1:, None, ..., 0].type.shape
    (4, 1, 4)
    """
    indices = [_normalize_index(i) for i in (args if isinstance(args, tuple) else (args,))]
    position = next((k for k, i in enumerate(indices) if i is Ellipsis), None)
    indices, has_separator = _expand_ellipsis(indices, x.type.ndim)
    if any(i is None for i in indices):
        x, indices = _insert_newaxes(x, indices)
        if all(isinstance(i, slice) and i == slice(None) for i in indices):
            return x
    _check_static_bounds(x, indices)
    if all(isinstance(i, slice) or _is_scalar_index(i) for i in indices):
        return basic_subtensor(x, *indices)
    result = advanced_subtensor(x, *indices)
    return _drop_separator(result, indices, position) if has_separator else result


def set_subtensor(x, y, inplace=False, tolerate_inplace_aliasing=False):
    """Return a copy of an array in which one indexed part is replaced.

    Parameters
    ----------
    x
        An indexed variable such as ``a[idx]``.
    y
        What to write there.
    inplace
        Only for use by rewrites: overwrite the array.
    tolerate_inplace_aliasing
        Allow y to be a view of the array when `inplace`.

    Examples
    --------
    >>> import numpy as np
    >>> import pytensor.tensor as pt
    >>> a = pt.vector("a")
    >>> pt.set_subtensor(a[:2], 0.0).eval({a: np.ones(3)})
    array([0., 0., 1.])
    """
    return inc_subtensor(
        x,
        y,
        inplace,
        set_instead_of_inc=True,
        tolerate_inplace_aliasing=tolerate_inplace_aliasing,
    )


def inc_subtensor(
    x,
    y,
    inplace=False,
    set_instead_of_inc=False,
    tolerate_inplace_aliasing=False,
    ignore_duplicates=False,
):
    """Return a copy of an array in which one indexed part is increased.

    Parameters
    ----------
    x
        An indexed variable such as ``a[idx]``.
    y
        What to add there.
    inplace
        Only for use by rewrites: overwrite the array.
    set_instead_of_inc
        Write in place of adding; see `set_subtensor`.
    tolerate_inplace_aliasing
        Allow y to be a view of the array when `inplace`.
    ignore_duplicates
        Add once only to an element that an array index names several times.

    Examples
    --------
    >>> a = pt.zeros(3)
    >>> pt.inc_subtensor(a[[0, 2, 2]], 1).eval().tolist()
    [1.0, 0.0, 2.0]
    """
    x, y = as_tensor_variable(x), as_tensor_variable(y)
    if x.owner is None:
        raise TypeError("x must be the result of a subtensor operation")
    if y.type.ndim > x.type.ndim:
        raise TypeError(
            f"Trying to increment a {x.type.ndim}-dimensional subtensor with a "
            f"{y.type.ndim}-dimensional value."
        )
    op = x.owner.op
    nested = {
        "inplace": inplace,
        "set_instead_of_inc": set_instead_of_inc,
        "tolerate_inplace_aliasing": tolerate_inplace_aliasing,
        "ignore_duplicates": ignore_duplicates,
    }
    if isinstance(op, Subtensor):
        aliased = ((0, 1),) if tolerate_inplace_aliasing else ()
        write = IncSubtensor(op.idx_list, inplace, set_instead_of_inc, aliased)
        array, *idxs = x.owner.inputs
        return write(array, y, *idxs)
    if isinstance(op, AdvancedSubtensor):
        write = AdvancedIncSubtensor(op.idx_list, inplace, set_instead_of_inc, ignore_duplicates)
        array, *idxs = x.owner.inputs
        return write(array, y, *idxs)
    if isinstance(op, DimShuffle):
        return _increment_through_dimshuffle(x, y, nested)
    if isinstance(op, Reshape):
        return _increment_through_reshape(x, y, nested)
    raise TypeError("x must be the result of a subtensor operation")


def _increment_through_dimshuffle(x, y, how: dict):
    """Write to ``a[idx].T`` by writing ``y.T`` to ``a[idx]``; new dimensions are dropped first."""
    op = x.owner.op
    inner = x.owner.inputs[0]
    padding = x.type.ndim - y.type.ndim
    kept = [axis for axis in op.new_order if axis != "x"]
    dropped = [axis for axis in range(inner.type.ndim) if axis not in kept]
    # Where each dimension of the inner variable is found in y
    source = {axis: position - padding for position, axis in enumerate(op.new_order) if axis != "x"}
    new_order = [
        "x" if axis in dropped or source[axis] < 0 else source[axis]
        for axis in range(inner.type.ndim)
    ]
    y_inner = DimShuffle(input_ndim=y.type.ndim, new_order=tuple(new_order))(y)
    result = inc_subtensor(inner, y_inner, **how)
    separator = _separator_axis(inner, dropped)
    if separator is not None:
        return result.dimshuffle([d for d in range(result.type.ndim) if d != separator])
    # ``a.T[idx].T`` updates a: as far as ranks allow, the result is turned like x
    return op(result) if result.type.ndim == inner.type.ndim else result


def _separator_axis(part, dropped: list) -> int | None:
    """Return the axis that stood in for an empty ellipsis in the array that `part` indexes."""
    if len(dropped) != 1 or not isinstance(part.owner and part.owner.op, AdvancedSubtensor):
        return None
    array, *idxs = part.owner.inputs
    indices = unflatten_index_variables(idxs, part.owner.op.idx_list)
    if not isinstance(array.owner and array.owner.op, DimShuffle):
        return None
    n_slices = sum(isinstance(i, slice) for i in indices)
    sliced = [axis for kind, axis, _ in indexed_dims_layout(indices) if kind == "slice"]
    # Behind the dimensions of the arrays come those of the slices, then those without an index
    position = dropped[0] - (part.type.ndim - array.type.ndim + _n_used(indices) - n_slices)
    if not 0 <= position < n_slices:
        return None
    axis = sliced[position]
    return axis if array.owner.op.new_order[axis] == "x" else None


def _n_used(indices) -> int:
    return sum(n_indexed_dims(i) for i in indices)


def _increment_through_reshape(x, y, how: dict):
    """Write to ``a[idx].reshape(s)`` by writing y, broadcast and reshaped, to ``a[idx]``."""
    inner = x.owner.inputs[0]
    if y.type.ndim > 0:
        y = x.zeros_like() + y if y.type.ndim < x.type.ndim or any(y.type.broadcastable) else y
        y = y.reshape(inner.shape, ndim=inner.type.ndim)
    return inc_subtensor(inner, y, **how)


def _as_flat_index(indices):
    """Return `indices` of `take` as an integer scalar, or an integer array."""
    if _is_scalar_index(indices):
        return indices
    return as_tensor_index_variable(indices)


def take(a, indices, axis=None, mode="raise"):
    """Take elements of `a` along an axis.

    Parameters
    ----------
    a
        The array.
    indices
        Integers, of any shape.
    axis
        Axis along which to take; `a` is flattened when None.
    mode
        What happens to indices out of range: ``"raise"`` an IndexError, ``"clip"`` them into
        range, or ``"wrap"`` them around.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> pt.take(pt.tensor("x", shape=(2, 5)), [0, 2, 4], axis=1).type.shape
    (2, 3)
    """
    a = as_tensor_variable(a)
    indices = _as_flat_index(indices)
    if mode not in ("raise", "clip", "wrap"):
        raise ValueError(f"[take] mode must be 'raise', 'clip' or 'wrap', got {mode!r}")
    if axis is None:
        a = a.flatten() if a.type.ndim != 1 else a
        axis = 0
    if not -a.type.ndim <= axis < a.type.ndim:
        raise IndexError(
            f"[take] axis must be between {-a.type.ndim} and {a.type.ndim - 1}, got {axis}"
        )
    axis %= a.type.ndim
    if mode != "raise":
        indices = as_tensor_variable(indices)
        length = a.shape[axis]
        # A wrapped index keeps its meaning: (-1) % n is the last element
        indices = clip(indices, 0, length - 1) if mode == "clip" else indices % length
    return getitem(a, (slice(None),) * axis + (indices,))


def flip(arr, axis: int | tuple[int, ...] | None = None):
    """Reverse the order of the elements along some axes, or along all.

    Parameters
    ----------
    arr
        The array.
    axis
        Axis or axes to reverse; all when None.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> pt.flip(pt.arange(3)).eval()
    array([2, 1, 0])
    """
    arr = as_tensor_variable(arr)
    if axis is None:
        axes = range(arr.type.ndim)
    elif isinstance(axis, Variable):
        if not isinstance(axis, Constant):
            raise TypeError(f"[flip] axis must be constant, got {axis}")
        axes = np.atleast_1d(axis.data)
    else:
        axes = np.atleast_1d(axis)
    axes = set(np.lib.array_utils.normalize_axis_tuple(tuple(int(a) for a in axes), arr.type.ndim))
    if not axes:
        return arr
    return getitem(
        arr,
        tuple(slice(None, None, -1) if d in axes else slice(None) for d in range(arr.type.ndim)),
    )
