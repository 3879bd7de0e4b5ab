"""Roots, exponentials, logarithms, trigonometric and hyperbolic functions."""

from __future__ import annotations

import math

from pytensor.scalar.op import BinaryScalarOp, UnaryScalarOp
from pytensor.scalar.out_types import upgrade_to_float, upgrade_to_float_no_complex
from pytensor.scalar.variable import define, number, ops


def _c(real: str) -> dict[str, str]:
    """C for real floats, and the helper of the same name for complex ones."""
    return {"f": f"pt_{real}_{{t}}({{0}})", "c": f"pt_{real}_{{t}}({{0}})"}


class _Elementary(UnaryScalarOp):
    types = upgrade_to_float
    vectorized_impl = True


class Sqrt(_Elementary):
    """The square root of x; NaN for real x < 0."""

    nfunc_spec = ("sqrt", 1, 1)
    c_expr = _c("sqrt")
    monotonic_increasing = True
    preserves_zero = True

    def derivative(self, x, y):
        return lambda g: g * number(0.5, y) / y


class Exp(_Elementary):
    """e**x"""

    nfunc_spec = ("exp", 1, 1)
    c_expr = _c("exp")
    monotonic_increasing = True
    non_negative = True

    def derivative(self, x, y):
        return y


class Exp2(_Elementary):
    """2**x"""

    nfunc_spec = ("exp2", 1, 1)
    c_expr = _c("exp2")
    monotonic_increasing = True
    non_negative = True

    def derivative(self, x, y):
        return lambda g: g * y * number(math.log(2), y)


class Expm1(_Elementary):
    """e**x - 1, exact near 0."""

    nfunc_spec = ("expm1", 1, 1)
    c_expr = _c("expm1")
    monotonic_increasing = True
    preserves_zero = True

    def derivative(self, x, y):
        return ops.exp(x)


class Log(_Elementary):
    """The natural logarithm."""

    nfunc_spec = ("log", 1, 1)
    c_expr = _c("log")
    monotonic_increasing = True

    def derivative(self, x, y):
        return lambda g: g / x


class Log2(_Elementary):
    """The logarithm to the base 2."""

    nfunc_spec = ("log2", 1, 1)
    c_expr = _c("log2")
    monotonic_increasing = True

    def derivative(self, x, y):
        return lambda g: g / (x * number(math.log(2), y))


class Log10(_Elementary):
    """The logarithm to the base 10."""

    nfunc_spec = ("log10", 1, 1)
    c_expr = _c("log10")
    monotonic_increasing = True

    def derivative(self, x, y):
        return lambda g: g / (x * number(math.log(10), y))


class Log1p(_Elementary):
    """log(1 + x), exact near 0."""

    nfunc_spec = ("log1p", 1, 1)
    c_expr = _c("log1p")
    monotonic_increasing = True
    preserves_zero = True

    def derivative(self, x, y):
        return lambda g: g / (1 + x)


class Sin(_Elementary):
    """The sine of x in radians."""

    nfunc_spec = ("sin", 1, 1)
    c_expr = _c("sin")
    preserves_zero = True

    def derivative(self, x, y):
        return ops.cos(x)


class Cos(_Elementary):
    """The cosine of x in radians."""

    nfunc_spec = ("cos", 1, 1)
    c_expr = _c("cos")

    def derivative(self, x, y):
        return lambda g: -g * ops.sin(x)


class Tan(_Elementary):
    """The tangent of x in radians."""

    nfunc_spec = ("tan", 1, 1)
    c_expr = _c("tan")
    preserves_zero = True

    def derivative(self, x, y):
        return lambda g: g / ops.sqr(ops.cos(x))


class ArcSin(_Elementary):
    """The angle in [-pi/2, pi/2] whose sine is x."""

    nfunc_spec = ("arcsin", 1, 1)
    c_expr = _c("asin")
    monotonic_increasing = True
    preserves_zero = True

    def derivative(self, x, y):
        return lambda g: g / ops.sqrt(1 - ops.sqr(x))


class ArcCos(_Elementary):
    """The angle in [0, pi] whose cosine is x."""

    nfunc_spec = ("arccos", 1, 1)
    c_expr = _c("acos")
    monotonic_decreasing = True

    def derivative(self, x, y):
        return lambda g: -g / ops.sqrt(1 - ops.sqr(x))


class ArcTan(_Elementary):
    """The angle in [-pi/2, pi/2] whose tangent is x."""

    nfunc_spec = ("arctan", 1, 1)
    c_expr = _c("atan")
    monotonic_increasing = True
    preserves_zero = True

    def derivative(self, x, y):
        return lambda g: g / (1 + ops.sqr(x))


class ArcTan2(BinaryScalarOp):
    """The angle in [-pi, pi] of the point with ordinate y (first operand) and abscissa x."""

    nfunc_spec = ("arctan2", 2, 1)
    types = upgrade_to_float_no_complex
    vectorized_impl = True
    c_expr = {"f": "pt_atan2_{t}({0}, {1})"}

    def partials(self, inputs, output):
        y, x = inputs
        square = ops.sqr(x) + ops.sqr(y)
        return [lambda g: g * x / square, lambda g: -g * y / square]


class Sinh(_Elementary):
    """(e**x - e**-x) / 2"""

    nfunc_spec = ("sinh", 1, 1)
    c_expr = _c("sinh")
    monotonic_increasing = True
    preserves_zero = True

    def derivative(self, x, y):
        return ops.cosh(x)


class Cosh(_Elementary):
    """(e**x + e**-x) / 2"""

    nfunc_spec = ("cosh", 1, 1)
    c_expr = _c("cosh")
    non_negative = True

    def derivative(self, x, y):
        return ops.sinh(x)


class Tanh(_Elementary):
    """sinh(x) / cosh(x)"""

    nfunc_spec = ("tanh", 1, 1)
    c_expr = _c("tanh")
    monotonic_increasing = True
    preserves_zero = True

    def derivative(self, x, y):
        return lambda g: g * (1 - ops.sqr(y))


class ArcSinh(_Elementary):
    """The inverse of sinh."""

    nfunc_spec = ("arcsinh", 1, 1)
    c_expr = _c("asinh")
    monotonic_increasing = True
    preserves_zero = True

    def derivative(self, x, y):
        return lambda g: g / ops.sqrt(ops.sqr(x) + 1)


class ArcCosh(_Elementary):
    """The inverse of cosh for x >= 1."""

    nfunc_spec = ("arccosh", 1, 1)
    c_expr = _c("acosh")
    monotonic_increasing = True

    def derivative(self, x, y):
        # One root of x**2 - 1 would be on the wrong branch for complex x.
        return lambda g: g / (ops.sqrt(x - 1) * ops.sqrt(x + 1))


class ArcTanh(_Elementary):
    """The inverse of tanh for -1 < x < 1."""

    nfunc_spec = ("arctanh", 1, 1)
    c_expr = _c("atanh")
    monotonic_increasing = True
    preserves_zero = True

    def derivative(self, x, y):
        return lambda g: g / (1 - ops.sqr(x))


sqrt = Sqrt(name="sqrt")
exp = Exp(name="exp")
exp2 = Exp2(name="exp2")
expm1 = Expm1(name="expm1")
log = Log(name="log")
log2 = Log2(name="log2")
log10 = Log10(name="log10")
log1p = Log1p(name="log1p")
sin, cos, tan = Sin(name="sin"), Cos(name="cos"), Tan(name="tan")
arcsin, arccos, arctan = ArcSin(name="arcsin"), ArcCos(name="arccos"), ArcTan(name="arctan")
arctan2 = ArcTan2(name="arctan2")
sinh, cosh, tanh = Sinh(name="sinh"), Cosh(name="cosh"), Tanh(name="tanh")
arcsinh, arccosh = ArcSinh(name="arcsinh"), ArcCosh(name="arccosh")
arctanh = ArcTanh(name="arctanh")

define(
    sqrt=sqrt, exp=exp, exp2=exp2, expm1=expm1, log=log, log2=log2, log10=log10, log1p=log1p, sin=sin,
    cos=cos, tan=tan, sinh=sinh, cosh=cosh, tanh=tanh,
)  # fmt: skip

__all__ = [
    "ArcCos",
    "ArcCosh",
    "ArcSin",
    "ArcSinh",
    "ArcTan",
    "ArcTan2",
    "ArcTanh",
    "Cos",
    "Cosh",
    "Exp",
    "Exp2",
    "Expm1",
    "Log",
    "Log1p",
    "Log2",
    "Log10",
    "Sin",
    "Sinh",
    "Sqrt",
    "Tan",
    "Tanh",
    "arccos",
    "arccosh",
    "arcsin",
    "arcsinh",
    "arctan",
    "arctan2",
    "arctanh",
    "cos",
    "cosh",
    "exp",
    "exp2",
    "expm1",
    "log",
    "log1p",
    "log2",
    "log10",
    "sin",
    "sinh",
    "sqrt",
    "tan",
    "tanh",
]  # fmt: skip
