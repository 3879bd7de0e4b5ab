"""Comparison of arrays, exactly and up to rounding."""

from __future__ import annotations

import numpy as np

_TOLERANCES = {"float16": 1e-2, "float32": 1e-4, "complex64": 1e-4}


def values_eq_approx(a, b, allow_remove_inf=False, allow_remove_nan=False, rtol=None, atol=None):
    """Whether `a` and `b` agree up to the rounding of the less precise dtype.

    Parameters
    ----------
    allow_remove_inf, allow_remove_nan
        Ignore elements that are Inf (NaN) in either array.
    rtol, atol
        Tolerances; by default 1e-5 for float64, wider for narrower dtypes.
    """
    a, b = np.asarray(a), np.asarray(b)
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    if a.dtype.kind in "biu":
        return bool(np.array_equal(a, b))
    tolerance = _TOLERANCES.get(a.dtype.name, 1e-5)
    rtol = tolerance if rtol is None else rtol
    atol = (tolerance if a.dtype.itemsize < 8 else 1e-8) if atol is None else atol
    close = np.isclose(a, b, rtol=rtol, atol=atol, equal_nan=True)
    if allow_remove_inf:
        close = close | np.isinf(a) | np.isinf(b)
    if allow_remove_nan:
        close = close | np.isnan(a) | np.isnan(b)
    return bool(close.all())


def values_eq_approx_remove_inf(a, b):
    """`values_eq_approx`, ignoring infinite elements."""
    return values_eq_approx(a, b, allow_remove_inf=True)


def values_eq_approx_remove_nan(a, b):
    """`values_eq_approx`, ignoring NaN elements."""
    return values_eq_approx(a, b, allow_remove_nan=True)


def values_eq_approx_remove_inf_nan(a, b):
    """`values_eq_approx`, ignoring infinite and NaN elements."""
    return values_eq_approx(a, b, allow_remove_inf=True, allow_remove_nan=True)


def values_eq_approx_always_true(a, b):
    """Declare any two values equal (for values nobody compares, as uninitialised memory).

    Examples
    --------
    >>> pt.values_eq_approx_always_true(1, 2)
    True
    """
    return True
