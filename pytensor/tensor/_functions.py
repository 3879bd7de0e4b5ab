"""Functions of numbers made of several elementwise Ops."""

from __future__ import annotations

import warnings

import numpy as np

import pytensor.scalar.basic as ps
from pytensor.tensor._closeness import isnan, isneginf, isposinf
from pytensor.tensor._convert import as_tensor_variable, constant
from pytensor.tensor._joining import stack
from pytensor.tensor._math_ops import (
    _cast_to,
    _conj,
    add,
    arctan2,
    cos,
    exp,
    gamma,
    gammainc,
    gammaincc,
    gt,
    imag,
    int_div,
    ive,
    kve,
    lt,
    mod,
    mul,
    neg,
    neq,
    pow,
    real,
    round_half_away_from_zero,
    round_half_to_even,
    sign,
    sin,
    switch,
    true_div,
)
from pytensor.tensor._math_ops import abs as pt_abs
from pytensor.tensor._math_ops import complex as pt_complex
from pytensor.tensor._statistics import max as pt_max
from pytensor.tensor._statistics import min as pt_min
from pytensor.tensor.type import complex_dtypes, discrete_dtypes, float_dtypes, integer_dtypes


def round(a, mode=None):
    """Return the nearest integers, in the dtype of `a`; what is no float is returned as it is.

    `mode` is ``"half_to_even"`` (default, as NumPy) or ``"half_away_from_zero"``; another raises
    ValueError.

    Examples
    --------
    >>> pt.round([0.5, 1.5, 1.7]).eval().tolist()
    [0.0, 2.0, 2.0]
    >>> pt.round([0.5, 1.5, 1.7], "half_away_from_zero").eval().tolist()
    [1.0, 2.0, 2.0]
    """
    a = as_tensor_variable(a)
    if a.type.dtype not in (*float_dtypes, *complex_dtypes):
        return a
    if mode is None or mode == "half_to_even":
        return round_half_to_even(a)
    if mode == "half_away_from_zero":
        return round_half_away_from_zero(a)
    raise ValueError(f"[round] mode must be 'half_to_even' or 'half_away_from_zero', got {mode!r}")


def iround(a, mode=None):
    """Return the nearest integers as int64; see `round`.

    Examples
    --------
    >>> pt.iround([0.5, 1.5, 1.7]).eval().tolist()
    [0, 2, 2]
    """
    return _cast_to(round(a, mode), "int64")


def conj(x):
    """Return the complex conjugate; a real `x` itself.

    Examples
    --------
    >>> pt.conj([1 + 2j]).eval().tolist()
    [(1-2j)]
    """
    x = as_tensor_variable(x)
    return _conj(x) if x.type.dtype in complex_dtypes else x


conjugate = conj


def angle(z):
    """Return the argument of a complex number, in (-π, π].

    Examples
    --------
    >>> pt.angle([1j, -1]).eval().round(3).tolist()
    [1.571, 3.142]
    """
    return arctan2(imag(z), real(z))


def complex_from_polar(abs, angle):
    """Return the complex number with modulus `abs` and argument `angle`. Deprecated.

    Examples
    --------
    >>> modulus, angle = pt.constant(2.0), pt.constant(np.pi / 2)
    >>> pt.complex(modulus * pt.cos(angle), modulus * pt.sin(angle)).eval().round(3).item()
    2j
    """
    warnings.warn(
        "complex_from_polar is deprecated; use `complex(abs * cos(angle), abs * sin(angle))`",
        FutureWarning,
        stacklevel=2,
    )
    return pt_complex(mul(abs, cos(angle)), mul(abs, sin(angle)))


def sgn(a):
    """Return the sign. Deprecated: use `sign`.

    Examples
    --------
    >>> pt.sign([2, 0, -3]).eval().tolist()
    [1, 0, -1]
    """
    warnings.warn("sgn is deprecated; use sign", FutureWarning, stacklevel=2)
    return sign(a)


def power(x, y):
    """Return ``x ** y``.

    Examples
    --------
    >>> pt.power([1, 2, 3], 2).eval().tolist()
    [1, 4, 9]
    """
    return pow(x, y)


def mod_check(x, y):
    """Return ``x % y``; complex numbers raise `ComplexError`.

    Examples
    --------
    >>> pt.mod_check([7, -7], 3).eval().tolist()
    [1, 2]
    """
    x, y = as_tensor_variable(x), as_tensor_variable(y)
    if x.type.dtype in complex_dtypes or y.type.dtype in complex_dtypes:
        raise ps.ComplexError("Complex numbers do not support modulo")
    return mod(x, y)


def divmod(x, y):
    """Return quotient and remainder of the division rounded toward minus infinity.

    Examples
    --------
    >>> quotient, remainder = pt.divmod([7, -7], 3)
    >>> quotient.eval().tolist(), remainder.eval().tolist()
    ([2, -3], [1, 2])
    """
    return int_div(x, y), mod_check(x, y)


def ceil_intdiv(a, b):
    """Return the quotient of integers rounded up, without going through floats: ``⌈a / b⌉``.

    Examples
    --------
    >>> pt.ceil_intdiv([6, 7], 3).eval().tolist()
    [2, 3]
    """
    a, b = as_tensor_variable(a), as_tensor_variable(b)
    quotient = int_div(a, b)
    return add(_cast_to(neq(mod(a, b), 0), quotient.type.dtype), quotient)


def variadic_add(*args):
    """Return the sum of any number of operands: 0 for none, the operand itself for one.

    Examples
    --------
    >>> pt.variadic_add(1, 2, 3).eval().item(), pt.variadic_add().eval().item()
    (6, 0)
    """
    if not args:
        return constant(0)
    return args[0] if len(args) == 1 else add(*args)


def variadic_mul(*args):
    """Return the product of any number of operands: 1 for none, the operand itself for one.

    Examples
    --------
    >>> pt.variadic_mul(2, 3, 4).eval().item(), pt.variadic_mul().eval().item()
    (24, 1)
    """
    if not args:
        return constant(1)
    return args[0] if len(args) == 1 else mul(*args)


def smallest(*args):
    """Return the elementwise smallest of the arguments, at least one.

    Examples
    --------
    >>> pt.smallest([1, 5], [2, 3], [0, 4]).eval().tolist()
    [0, 3]
    """
    if len(args) == 2:
        return switch(lt(args[0], args[1]), *args)
    return pt_min(stack(args), axis=0)


def largest(*args):
    """Return the elementwise largest of the arguments, at least one.

    Examples
    --------
    >>> pt.largest([1, 5], [2, 3], [0, 4]).eval().tolist()
    [2, 5]
    """
    if len(args) == 2:
        return switch(gt(args[0], args[1]), *args)
    return pt_max(stack(args), axis=0)


def nan_to_num(x, nan=0.0, posinf=None, neginf=None):
    """Replace NaN and infinities by finite numbers, by default 0 and the largest ones of the dtype.

    Examples
    --------
    >>> pt.nan_to_num([np.nan, np.inf, 1.0], posinf=9.0).eval().tolist()
    [0.0, 9.0, 1.0]
    """
    x = as_tensor_variable(x)
    if x.type.dtype in discrete_dtypes:
        return x
    kind = {"complex64": "float32", "complex128": "float64"}.get(x.type.dtype, x.type.dtype)
    info = np.finfo(kind)
    posinf = info.max if posinf is None else posinf
    neginf = info.min if neginf is None else neginf
    if x.type.dtype in complex_dtypes:
        parts = [nan_to_num(part, nan, posinf, neginf) for part in (real(x), imag(x))]
        return pt_complex(*parts)

    def value(v):
        return as_tensor_variable(v) if hasattr(v, "type") else constant(v, dtype=kind)

    x = switch(isnan(x), value(nan), x)
    x = switch(isposinf(x), value(posinf), x)
    return switch(isneginf(x), value(neginf), x)


def deg2rad(a):
    """Convert degrees to radians: ``a π / 180``; integers become float64.

    Examples
    --------
    >>> pt.deg2rad([90.0, 180.0]).eval().round(3).tolist()
    [1.571, 3.142]
    """
    a = as_tensor_variable(a)
    return mul(a, _float_constant(np.pi / 180, a))


def rad2deg(a):
    """Convert radians to degrees: ``180 a / π``; integers become float64.

    Examples
    --------
    >>> pt.rad2deg([np.pi, np.pi / 2]).eval().tolist()
    [180.0, 90.0]
    """
    a = as_tensor_variable(a)
    return mul(a, _float_constant(180 / np.pi, a))


def _float_constant(value, like):
    """A constant that does not widen `like`."""
    dtype = like.type.dtype if like.type.dtype in float_dtypes else "float64"
    return constant(value, dtype=dtype)


def gammal(k, x):
    """Return the lower incomplete gamma function ``∫_0^x t^(k-1) e^-t dt``.

    Examples
    --------
    >>> pt.gammal(2.0, [1.0, 5.0]).eval().round(3).tolist()
    [0.264, 0.96]
    """
    return mul(gammainc(k, x), gamma(k))


def gammau(k, x):
    """Return the upper incomplete gamma function ``∫_x^∞ t^(k-1) e^-t dt``.

    Examples
    --------
    >>> pt.gammau(2.0, [1.0, 5.0]).eval().round(3).tolist()
    [0.736, 0.04]
    """
    return mul(gammaincc(k, x), gamma(k))


def chi2sf(x, k):
    """Return the survival function of the chi-squared distribution. Deprecated.

    Examples
    --------
    >>> x, k = 3.0, 2
    >>> pt.gammaincc(k / 2, [x / 2]).eval().round(3).tolist()
    [0.223]
    """
    warnings.warn("chi2sf is deprecated; use `gammaincc(k / 2, x / 2)`", UserWarning, stacklevel=2)
    return gammaincc(true_div(k, 2), true_div(x, 2))


def iv(v, x):
    """Return the modified Bessel function of the first kind ``I_v(x)`` of real order `v`.

    Examples
    --------
    >>> pt.iv(0.5, [1.0, 2.0]).eval().round(3).tolist()
    [0.938, 2.046]
    """
    x = as_tensor_variable(x)
    return mul(ive(v, x), exp(pt_abs(x)))


def kv(v, x):
    """Return the modified Bessel function of the second kind ``K_v(x)`` of real order `v`, x > 0.

    Examples
    --------
    >>> pt.kv(0.5, [1.0, 2.0]).eval().round(3).tolist()
    [0.461, 0.12]
    """
    x = as_tensor_variable(x)
    return mul(kve(v, x), exp(neg(x)))


def kn(n, x):
    """Return the modified Bessel function of the second kind of integer order `n`; see `kv`.

    Raises
    ------
    TypeError
        If `n` is no integer.

    Examples
    --------
    >>> pt.kn(1, [1.0, 2.0]).eval().round(3).tolist()
    [0.602, 0.14]
    """
    n = as_tensor_variable(n)
    if n.type.dtype not in integer_dtypes:
        raise TypeError(f"[kn] n must be an integer, got {n.type.dtype}")
    return kv(n, x)


__all__ = [
    "angle",
    "ceil_intdiv",
    "chi2sf",
    "complex_from_polar",
    "conj",
    "conjugate",
    "deg2rad",
    "divmod",
    "gammal",
    "gammau",
    "iround",
    "iv",
    "kn",
    "kv",
    "largest",
    "mod_check",
    "nan_to_num",
    "power",
    "rad2deg",
    "round",
    "sgn",
    "smallest",
    "variadic_add",
    "variadic_mul",
]
