"""What numbers are: finite, infinite, NaN, close to others."""

from __future__ import annotations

import numpy as np

from pytensor.tensor._alloc import alloc
from pytensor.tensor._convert import as_tensor_variable, constant
from pytensor.tensor._math_ops import abs as pt_abs
from pytensor.tensor._math_ops import add, and_, eq, invert, isinf_, isnan_, le, mul, or_, sub
from pytensor.tensor._shape_ops import shape_tuple
from pytensor.tensor._statistics import all as pt_all
from pytensor.tensor.type import discrete_dtypes

# Default tolerances of `_allclose`, by dtype.
float16_rtol, float16_atol = 1e-3, 1e-3
float32_rtol, float32_atol = 1e-5, 1e-5
float64_rtol, float64_atol = 1.0000000000000001e-05, 1e-8


def _false_like(a):
    return alloc(constant(np.array(False)), *shape_tuple(a))


def isnan(a):
    """Return whether each element is NaN; discrete dtypes have none.

    Examples
    --------
    >>> pt.isnan([1.0, np.nan]).eval().tolist()
    [False, True]
    """
    a = as_tensor_variable(a)
    return _false_like(a) if a.type.dtype in discrete_dtypes else isnan_(a)


def isinf(a):
    """Return whether each element is infinite; discrete dtypes have none.

    Examples
    --------
    >>> pt.isinf([1.0, -np.inf]).eval().tolist()
    [False, True]
    """
    a = as_tensor_variable(a)
    return _false_like(a) if a.type.dtype in discrete_dtypes else isinf_(a)


def isfinite(a):
    """Return whether each element is neither infinite nor NaN.

    Examples
    --------
    >>> pt.isfinite([1.0, -np.inf, np.nan]).eval().tolist()
    [True, False, False]
    """
    a = as_tensor_variable(a)
    return invert(or_(isnan(a), isinf(a)))


def isposinf(x):
    """Return whether each element is plus infinity.

    Examples
    --------
    >>> pt.isposinf([np.inf, -np.inf]).eval().tolist()
    [True, False]
    """
    x = as_tensor_variable(x)
    return _false_like(x) if x.type.dtype in discrete_dtypes else eq(x, np.inf)


def isneginf(x):
    """Return whether each element is minus infinity.

    Examples
    --------
    >>> pt.isneginf([np.inf, -np.inf]).eval().tolist()
    [False, True]
    """
    x = as_tensor_variable(x)
    return _false_like(x) if x.type.dtype in discrete_dtypes else eq(x, -np.inf)


def isclose(a, b, rtol=1e-05, atol=1e-08, equal_nan=False):
    """Return whether ``abs(a - b) <= atol + rtol * abs(b)``, as `numpy.isclose`.

    Infinities are close to themselves; NaN is, if `equal_nan`.

    Examples
    --------
    >>> pt.isclose([1.0, np.inf], [1.000001, np.inf]).eval().tolist()
    [True, True]
    """
    a, b = as_tensor_variable(a), as_tensor_variable(b)
    difference = pt_abs(sub(a, b))
    near = le(difference, add(atol, mul(rtol, pt_abs(b))))
    if a.type.dtype in discrete_dtypes and b.type.dtype in discrete_dtypes:
        return near
    special = or_(or_(isnan(a), isnan(b)), or_(isinf(a), isinf(b)))
    same_inf = and_(and_(isinf(a), isinf(b)), eq(a, b))
    close = or_(and_(near, invert(special)), same_inf)
    if equal_nan:
        close = or_(close, and_(isnan(a), isnan(b)))
    return close


def allclose(a, b, rtol=1e-05, atol=1e-08, equal_nan=False):
    """Return whether all elements are close, a scalar; see `isclose`.

    Examples
    --------
    >>> pt.allclose([1.0, 2.0], [1.0, 2.1]).eval().item()
    False
    """
    return pt_all(isclose(a, b, rtol, atol, equal_nan))


def _get_atol_rtol(a, b):
    """Return the tolerances for comparing values of two dtypes: the wider ones count."""
    for dtype, atol, rtol in (
        ("float16", float16_atol, float16_rtol),
        ("float32", float32_atol, float32_rtol),
    ):
        narrow = (dtype, {"float32": "complex64"}.get(dtype))
        if str(a.dtype) in narrow or str(b.dtype) in narrow:
            return atol, rtol
    return float64_atol, float64_rtol


def _allclose(a, b, rtol=None, atol=None):
    """Compare two arrays (values) with tolerances that suit their dtypes."""
    a, b = np.asarray(a), np.asarray(b)
    default_atol, default_rtol = _get_atol_rtol(a, b)
    return np.allclose(
        a,
        b,
        rtol=default_rtol if rtol is None else rtol,
        atol=default_atol if atol is None else atol,
    )


__all__ = [
    "allclose",
    "isclose",
    "isfinite",
    "isinf",
    "isnan",
    "isneginf",
    "isposinf",
]
