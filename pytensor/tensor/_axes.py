"""Functions that rearrange, add, drop and repeat axes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from pytensor.tensor._alloc import alloc
from pytensor.tensor._convert import as_tensor_variable, get_vector_length
from pytensor.tensor._dimshuffle import dimshuffle
from pytensor.tensor._joining import concatenate, join
from pytensor.tensor._make_vector import as_length, static_int
from pytensor.tensor._math_ops import mod, mul, sub
from pytensor.tensor._reshape import infer_static_shape, reshape
from pytensor.tensor._shape_ops import length


def transpose(x, axes=None):
    """Permute the axes of `x`; by default reverse their order.

    Parameters
    ----------
    x : tensor_like
    axes : sequence of int, optional
        For each axis of the result the one of `x` that it is.

    Raises
    ------
    ValueError
        If `axes` is no permutation.

    Examples
    --------
    >>> pt.transpose([[1, 2], [3, 4]]).eval().tolist()
    [[1, 3], [2, 4]]
    >>> pt.transpose(np.zeros((2, 3, 4)), (1, 0, 2)).eval().shape
    (3, 2, 4)
    """
    x = as_tensor_variable(x)
    if axes is None:
        axes = tuple(range(x.type.ndim - 1, -1, -1))
    else:
        axes = normalize_axis_tuple(axes, x.type.ndim)
        if len(axes) != x.type.ndim:
            raise ValueError(
                f"[transpose] axes must be a permutation of {x.type.ndim} axes, got {axes}"
            )
    result = dimshuffle(x, axes)
    if x.name and result is not x and axes == tuple(range(x.type.ndim - 1, -1, -1)):
        result.name = x.name + ".T"
    return result


def matrix_transpose(x):
    """Swap the last two axes of `x`: shape (..., m, n) becomes (..., n, m).

    Raises
    ------
    ValueError
        If `x` has fewer than two axes.

    Examples
    --------
    >>> pt.matrix_transpose([[[1, 2], [3, 4]]]).eval().tolist()
    [[[1, 3], [2, 4]]]
    """
    x = as_tensor_variable(x)
    if x.type.ndim < 2:
        raise ValueError(f"Input array must be at least 2-dimensional, but it is {x.type.ndim}")
    return swapaxes(x, -1, -2)


def swapaxes(y, axis1: int, axis2: int):
    """Swap two axes of `y`.

    Examples
    --------
    >>> pt.swapaxes(np.zeros((2, 3, 4)), 0, 2).eval().shape
    (4, 3, 2)
    """
    y = as_tensor_variable(y)
    order = list(range(y.type.ndim))
    axis1 = normalize_axis_index(axis1, y.type.ndim)
    axis2 = normalize_axis_index(axis2, y.type.ndim)
    order[axis1], order[axis2] = axis2, axis1
    return dimshuffle(y, order)


def moveaxis(a, source: int | Sequence[int], destination: int | Sequence[int]):
    """Move axes of `a` to other positions; the others keep their order.

    Parameters
    ----------
    a : tensor_like
    source, destination : int or sequence of int
        Where the axes are, and where they go.

    Examples
    --------
    >>> pt.moveaxis(np.zeros((2, 3, 4)), 0, -1).eval().shape
    (3, 4, 2)
    """
    a = as_tensor_variable(a)
    source = normalize_axis_tuple(source, a.type.ndim, "source")
    destination = normalize_axis_tuple(destination, a.type.ndim, "destination")
    if len(source) != len(destination):
        raise ValueError(
            "`source` and `destination` arguments must have the same number of elements"
        )
    order = [i for i in range(a.type.ndim) if i not in source]
    for dest, src in sorted(zip(destination, source, strict=True)):
        order.insert(dest, src)
    return dimshuffle(a, order)


def expand_dims(a, axis: Sequence[int] | int):
    """Insert axes of length 1, at the positions `axis` of the result.

    Parameters
    ----------
    a : tensor_like
    axis : int or sequence of int
        Negative ones count from the end.

    Raises
    ------
    ValueError
        If a position is out of range or occurs twice.

    Examples
    --------
    >>> pt.expand_dims([1, 2], (0, -1)).eval().shape
    (1, 2, 1)
    """
    a = as_tensor_variable(a)
    axis = tuple(axis) if isinstance(axis, (tuple, list)) else (axis,)
    ndim = a.type.ndim + len(axis)
    axis = normalize_axis_tuple(axis, ndim)
    kept = iter(range(a.type.ndim))
    return dimshuffle(a, ["x" if i in axis else next(kept) for i in range(ndim)])


def atleast_Nd(arry, *, n: int = 1, left: bool = True):
    """Add axes of length 1, on the left or right, until there are at least `n`.

    Parameters
    ----------
    arry : tensor_like
    n : int
    left : bool
        Where the axes come: in front (default) or behind.

    Examples
    --------
    >>> pt.atleast_Nd([1, 2], n=3, left=False).eval().shape
    (2, 1, 1)
    """
    x = as_tensor_variable(arry)
    missing = n - x.type.ndim
    if missing <= 0:
        return x
    own, new = list(range(x.type.ndim)), ["x"] * missing
    return dimshuffle(x, new + own if left else own + new)


def atleast_1d(arry, *, n: int = 1, left: bool = True):
    """Return `arry` with at least one axis; see `atleast_Nd`.

    Examples
    --------
    >>> pt.atleast_1d(5.0).eval().tolist()
    [5.0]
    """
    return atleast_Nd(arry, n=n, left=left)


def atleast_2d(arry, *, n: int = 2, left: bool = True):
    """Return `arry` with at least two axes; see `atleast_Nd`.

    Examples
    --------
    >>> pt.atleast_2d([1, 2]).eval().tolist()
    [[1, 2]]
    """
    return atleast_Nd(arry, n=n, left=left)


def atleast_3d(arry, *, n: int = 3, left: bool = True):
    """Return `arry` with at least three axes; see `atleast_Nd`.

    Examples
    --------
    >>> pt.atleast_3d([1, 2]).eval().shape
    (1, 1, 2)
    """
    return atleast_Nd(arry, n=n, left=left)


def is_flat(var, ndim=1) -> bool:
    """Whether `var` has `ndim` axes.

    Examples
    --------
    >>> pt.is_flat(pt.vector("x")), pt.is_flat(pt.matrix("x"))
    (True, False)
    """
    return var.ndim == ndim


def flatten(x, ndim=1):
    """Merge the last axes of `x` into one, so that `ndim` axes are left (in row-major order).

    Raises
    ------
    ValueError
        If `x` has fewer than `ndim` axes.

    Examples
    --------
    >>> pt.flatten([[1, 2], [3, 4]]).eval().tolist()
    [1, 2, 3, 4]
    """
    ndim = 1 if ndim is None else ndim
    x = as_tensor_variable(x)
    if not (1 <= ndim <= x.type.ndim or (ndim == 1 and x.type.ndim == 0)):
        raise ValueError(f"ndim {ndim} out of bound [1, {x.type.ndim + 1})")
    if x.type.ndim == ndim:
        return x
    if ndim == 1:
        return reshape(x, (-1,))
    return reshape(x, (*[length(x, i) for i in range(ndim - 1)], -1))


def tile(A, reps):
    """Repeat the whole array `A` along its axes, as `numpy.tile`.

    Parameters
    ----------
    A : tensor_like
    reps : int or integer scalar, or sequence of them
        How often, for each axis; the shorter of `reps` and the shape gets ones on its left.

    Examples
    --------
    >>> pt.tile([1, 2], (2, 2)).eval().tolist()
    [[1, 2, 1, 2], [1, 2, 1, 2]]
    """
    A = as_tensor_variable(A)
    if not isinstance(reps, (list, tuple, np.ndarray)):
        reps = as_tensor_variable(reps)
        if reps.type.ndim > 1:
            raise ValueError(f"[tile] reps must be a scalar or vector, got {reps.type}")
        if reps.type.ndim == 1:
            try:
                get_vector_length(reps)
            except ValueError:
                raise ValueError("[tile] the number of entries of reps must be known") from None
            reps, _ = infer_static_shape(reps)
        else:
            reps = [reps]
    reps = [as_length(r) for r in reps]
    ndim = max(len(reps), A.type.ndim)
    A = atleast_Nd(A, n=ndim)
    reps = [as_length(1)] * (ndim - len(reps)) + reps
    if all(static_int(r) == 1 for r in reps):
        return A
    # Give every axis a partner on its left, repeat the partner, merge the two.
    lengths = [length(A, i) for i in range(ndim)]
    with_partners = dimshuffle(A, [d for i in range(ndim) for d in ("x", i)])
    repeated = alloc(with_partners, *[n for pair in zip(reps, lengths) for n in pair])
    merged = [_merged_length(r, n) for r, n in zip(reps, lengths, strict=True)]
    return reshape(repeated, merged)


def _merged_length(r, n):
    known = static_int(r), static_int(n)
    return mul(r, n) if None in known else known[0] * known[1]


def roll(x, shift, axis=None):
    """Shift elements cyclically along an axis, or of the flattened array.

    Elements that leave at the end come in at the beginning: ``y[(i + shift) mod n] = x[i]``.

    Parameters
    ----------
    x : tensor_like
    shift : int or integer scalar, or tuple of them
        How far; a number for each axis if there are several.
    axis : int, tuple of int, or None

    Examples
    --------
    >>> pt.roll([1, 2, 3, 4], 1).eval().tolist()
    [4, 1, 2, 3]
    """
    x = as_tensor_variable(x)
    if axis is None:
        if x.type.ndim > 1:
            rolled = roll(flatten(x), shift, axis=0)
            return reshape(rolled, [length(x, i) for i in range(x.type.ndim)])
        axis = 0
    if isinstance(axis, (tuple, list)):
        shifts = shift if isinstance(shift, (tuple, list)) else [shift] * len(axis)
        for one_shift, one_axis in zip(shifts, axis, strict=True):
            x = roll(x, one_shift, one_axis)
        return x
    axis = normalize_axis_index(axis, x.type.ndim)
    # A shift of more than the length goes round; an empty axis has nothing to shift.
    n = length(x, axis)
    cut = sub(n, mod(as_length(shift), n))
    before = (slice(None),) * axis
    return join(axis, x[(*before, slice(cut, None))], x[(*before, slice(0, cut))])


__all__ = [
    "atleast_1d",
    "atleast_2d",
    "atleast_3d",
    "atleast_Nd",
    "concatenate",
    "expand_dims",
    "flatten",
    "is_flat",
    "matrix_transpose",
    "moveaxis",
    "roll",
    "swapaxes",
    "tile",
    "transpose",
]
