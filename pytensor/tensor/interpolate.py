"""Interpolation between points on a line, built of `searchsorted` and indexing."""

from collections.abc import Callable
from typing import Literal

from pytensor.raise_op import CheckAndRaise
from pytensor.tensor.basic import as_tensor_variable, concatenate, switch
from pytensor.tensor.extra_ops import searchsorted
from pytensor.tensor.math import clip, eq, gt, isnan, le, lt, minimum
from pytensor.tensor.math import mod as pt_mod
from pytensor.tensor.sort import argsort
from pytensor.tensor.variable import TensorVariable

__all__ = ["interp", "interpolate1d"]

InterpolationMethod = Literal["linear", "nearest", "first", "last", "mean"]


def _linear(x_hat, x0, x1, y0, y1):
    width = x1 - x0
    is_point = eq(width, 0)  # of two points at one place the first counts
    slope = switch(is_point, 0, (y1 - y0) / switch(is_point, 1, width))
    return y0 + slope * (x_hat - x0)


def _nearest(x_hat, x0, x1, y0, y1):
    return _step(x_hat, switch(le(x_hat - x0, x1 - x_hat), y0, y1))


def _first(x_hat, x0, x1, y0, y1):
    return _step(x_hat, switch(gt(x_hat, x1), y1, y0))


def _last(x_hat, x0, x1, y0, y1):
    return _step(x_hat, switch(le(x_hat, x0), y0, y1))


def _mean(x_hat, x0, x1, y0, y1):
    return _step(x_hat, (y0 + y1) / 2)


def _step(x_hat, y):
    """`y`, or NaN where `x_hat` is."""
    return switch(isnan(x_hat), x_hat, y) if x_hat.type.dtype.startswith("float") else y


# y(x_hat) from the two points around it.
_METHODS: dict[str, Callable] = {
    "linear": _linear,
    "nearest": _nearest,
    "first": _first,
    "last": _last,
    "mean": _mean,
}
valid_methods = tuple(_METHODS)


def _sorted_points(x, y, names: str):
    x, y = as_tensor_variable(x), as_tensor_variable(y)
    if x.type.ndim != 1 or y.type.ndim != 1:
        raise ValueError(f"[interpolate] {names} must be 1d, got {x.type} and {y.type}")
    n, m = x.type.shape[0], y.type.shape[0]
    if n is not None and m is not None and n != m:
        raise ValueError(f"[interpolate] {names} must have one length, got {n} and {m}")
    if n == 0 or m == 0:
        raise ValueError(f"[interpolate] {names} must not be empty")
    if n is None or n != m:
        y = CheckAndRaise(ValueError, f"[interpolate] {names} must have one length")(
            y, eq(x.shape[0], y.shape[0])
        )
    if n is None:
        x = CheckAndRaise(ValueError, f"[interpolate] {names} must not be empty")(
            x, gt(x.shape[0], 0)
        )
    order = argsort(x, stable=True)
    return x[order], y[order]


def interpolate1d(
    x,
    y,
    method: InterpolationMethod = "linear",
    left_pad=None,
    right_pad=None,
    extrapolate: bool = True,
) -> Callable[..., TensorVariable]:
    """Make a function that goes through given points.

    Parameters
    ----------
    x, y
        Vectors of one length: the points, in any order.
    method
        Between two points: ``"linear"``; ``"nearest"``, the value of the nearer one (of the left
        one in the middle); ``"first"`` and ``"last"``, the value of the left and right one;
        ``"mean"``, the mean of both.
    left_pad, right_pad
        Values before the first and after the last point, with ``extrapolate=False``; those of
        the first and the last point if not given.
    extrapolate
        Whether lines go on beyond the first and the last point.

    Returns
    -------
    callable
        Maps an array `x_hat`, of any shape, to the values there.

    Raises
    ------
    NotImplementedError
        If the method is unknown.
    ValueError
        If `x` and `y` are not vectors of one length.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> f = pt.interpolate1d([0.0, 1.0, 3.0], [0.0, 2.0, 0.0])
    >>> f([0.5, 2.0, 4.0]).eval()
    array([ 1.,  1., -1.])
    """
    if method not in _METHODS:
        raise NotImplementedError(
            f"[interpolate1d] method must be one of {valid_methods}, got {method!r}"
        )
    x, y = _sorted_points(x, y, "x and y")
    between = _METHODS[method]
    n = x.type.shape[0] if x.type.shape[0] is not None else x.shape[0]

    def interpolated(x_hat) -> TensorVariable:
        x_hat = as_tensor_variable(x_hat)
        # x[right - 1] < x_hat <= x[right]; the first and the last interval reach to infinity
        last = max(n - 1, 0) if isinstance(n, int) else n - 1
        right = minimum(clip(searchsorted(x, x_hat), 1, n), last)
        left = clip(right - 1, 0, n)
        y_hat = between(x_hat, x[left], x[right], y[left], y[right])
        if extrapolate:
            return y_hat
        y_hat = switch(lt(x_hat, x[0]), y[0] if left_pad is None else left_pad, y_hat)
        return switch(gt(x_hat, x[-1]), y[-1] if right_pad is None else right_pad, y_hat)

    return interpolated


def interp(x, xp, fp, left=None, right=None, period=None) -> TensorVariable:
    """Interpolate linearly, as `numpy.interp`.

    Parameters
    ----------
    x
        Where: an array of any shape.
    xp, fp
        Vectors of one length: the points. `xp` is sorted first.
    left, right
        Values for ``x < xp[0]`` and ``x > xp[-1]``; ``fp[0]`` and ``fp[-1]`` if not given.
    period
        If given, a number: `x` and `xp` are taken modulo it, and `left` and `right` ignored.

    Returns
    -------
    TensorVariable
        Of the shape of `x`.

    Raises
    ------
    ValueError
        If `xp` and `fp` are not vectors of one length, or if the period is 0.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> pt.interp([0.5, 2.0, 4.0], [0.0, 1.0, 3.0], [0.0, 2.0, 0.0]).eval()
    array([1., 1., 0.])
    """
    if period is None:
        return interpolate1d(xp, fp, "linear", left, right, extrapolate=False)(x)
    if isinstance(period, int | float) and period == 0:
        raise ValueError("[interp] period must be a non-zero value")
    period = abs(as_tensor_variable(period))
    xp, fp = _sorted_points(pt_mod(as_tensor_variable(xp), period), fp, "xp and fp")
    # A point more on both sides, so that every x has two neighbours
    around = concatenate([xp[-1:] - period, xp, xp[:1] + period])
    values = concatenate([fp[-1:], fp, fp[:1]])
    return interpolate1d(around, values)(pt_mod(as_tensor_variable(x), period))
