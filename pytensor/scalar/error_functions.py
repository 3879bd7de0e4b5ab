"""Error functions, the normal distribution, and smooth steps."""

from __future__ import annotations

import math

import numpy as np

from pytensor.scalar.op import BinaryScalarOp, UnaryScalarOp
from pytensor.scalar.out_types import upgrade_to_float, upgrade_to_float_no_complex
from pytensor.scalar.variable import define, number, ops


class _Special(UnaryScalarOp):
    types = upgrade_to_float_no_complex
    vectorized_impl = True


class Erf(UnaryScalarOp):
    """2/sqrt(pi) times the integral of e**(-t**2) from 0 to x."""

    nfunc_spec = ("scipy.special.erf", 1, 1)
    types = upgrade_to_float
    vectorized_impl = True
    c_expr = dict.fromkeys("fc", "pt_erf_{t}({0})")
    monotonic_increasing = True
    preserves_zero = True

    def derivative(self, x, y):
        return lambda g: g * number(2 / math.sqrt(math.pi), y) * ops.exp(-x * x)


class Erfc(_Special):
    """1 - erf(x), exact for large x."""

    nfunc_spec = ("scipy.special.erfc", 1, 1)
    c_expr = {"f": "pt_erfc_{t}({0})"}
    monotonic_decreasing = True
    non_negative = True

    def derivative(self, x, y):
        return lambda g: g * number(-2 / math.sqrt(math.pi), y) * ops.exp(-x * x)


class Erfcx(_Special):
    """e**(x**2) * erfc(x)"""

    nfunc_spec = ("scipy.special.erfcx", 1, 1)
    c_expr = {"f": "pt_erfcx_{t}({0})"}
    monotonic_decreasing = True

    def derivative(self, x, y):
        return number(-2 / math.sqrt(math.pi), y) + number(2, y) * x * y


class Erfinv(_Special):
    """The x with erf(x) equal to the argument."""

    nfunc_spec = ("scipy.special.erfinv", 1, 1)
    c_expr = {"f": "pt_erfinv_{t}({0})"}
    monotonic_increasing = True
    preserves_zero = True

    def derivative(self, x, y):
        return lambda g: g * number(math.sqrt(math.pi) / 2, y) * ops.exp(ops.sqr(y))


class Erfcinv(_Special):
    """The x with erfc(x) equal to the argument."""

    nfunc_spec = ("scipy.special.erfcinv", 1, 1)
    c_expr = {"f": "pt_erfcinv_{t}({0})"}
    monotonic_decreasing = True

    def derivative(self, x, y):
        return lambda g: g * number(-math.sqrt(math.pi) / 2, y) * ops.exp(ops.sqr(y))


class NdtriExp(_Special):
    """The quantile of the standard normal distribution for the logarithm of a probability."""

    nfunc_spec = ("scipy.special.ndtri_exp", 1, 1)
    c_expr = {"f": "pt_ndtri_exp_{t}({0})"}
    monotonic_increasing = True

    def derivative(self, x, y):
        # The probability over the density at y.
        return lambda g: (
            g * number(math.sqrt(2 * math.pi), y) * ops.exp(x + number(0.5, y) * ops.sqr(y))
        )


class Owens_t(BinaryScalarOp):
    """Owen's T(h, a): the probability of X > h and 0 < Y < a X for independent standard normals."""

    nfunc_spec = ("scipy.special.owens_t", 2, 1)
    types = upgrade_to_float_no_complex
    vectorized_impl = True
    c_expr = {"f": "pt_owens_t_{t}({0}, {1})"}

    def partials(self, inputs, output):
        h, a = inputs

        def by_h(g):
            density = ops.exp(number(-0.5, output) * ops.sqr(h))
            inner = ops.erf(a * h * number(math.sqrt(0.5), output))
            return g * number(-0.5 / math.sqrt(2 * math.pi), output) * density * inner

        def by_a(g):
            square = 1 + ops.sqr(a)
            density = ops.exp(number(-0.5, output) * square * ops.sqr(h))
            return g * density / (number(2 * math.pi, output) * square)

        return [by_h, by_a]


class Sigmoid(UnaryScalarOp):
    """1 / (1 + e**-x)"""

    nfunc_spec = ("scipy.special.expit", 1, 1)
    types = upgrade_to_float
    vectorized_impl = True
    c_expr = {"f": "pt_sigmoid_{t}({0})", "c": "pt_div_{t}(1, 1 + pt_exp_{t}(-{0}))"}
    monotonic_increasing = True
    non_negative = True

    def impl(self, x):
        # SciPy has no complex version; in halves the tail would be lost twice.
        return np.reciprocal(1 + np.exp(-x)) if np.iscomplexobj(x) else self.nfunc(x)

    def derivative(self, x, y):
        return lambda g: g * y * (1 - y)


class Softplus(UnaryScalarOp):
    """log(1 + e**x), without overflow."""

    types = upgrade_to_float
    vectorized_impl = True
    c_expr = {"f": "pt_softplus_{t}({0})", "c": "pt_log1p_{t}(pt_exp_{t}({0}))"}
    monotonic_increasing = True
    non_negative = True

    def impl(self, x):
        return np.log1p(np.exp(x)) if np.iscomplexobj(x) else np.logaddexp(x, np.zeros((), x.dtype))

    def derivative(self, x, y):
        return ops.sigmoid(x)


class Log1mexp(UnaryScalarOp):
    """log(1 - e**x) for x <= 0, exact near 0 and far from it; NaN for x > 0."""

    types = upgrade_to_float
    vectorized_impl = True
    c_expr = {
        "f": "pt_log1mexp_{t}({0})",
        "c": "(__real__ {0} < -0.69314718055994530942 ? pt_log1p_{t}(-pt_exp_{t}({0})) "
        ": pt_log_{t}(-pt_expm1_{t}({0})))",
    }
    monotonic_decreasing = True

    def impl(self, x):
        # M. Maechler, "Accurately computing log(1 - exp(-|a|))" (2012): change at -log(2).
        near = np.log(-np.expm1(x))
        return np.where(np.real(x) < -math.log(2), np.log1p(-np.exp(x)), near)[()]

    def derivative(self, x, y):
        # 0 - x, not -x: at 0 the slope is -inf, which a divisor of -0.0 would turn round.
        return lambda g: -g / ops.expm1(0 - x)


erf, erfc, erfcx = Erf(name="erf"), Erfc(name="erfc"), Erfcx(name="erfcx")
erfinv, erfcinv = Erfinv(name="erfinv"), Erfcinv(name="erfcinv")
ndtri_exp, owens_t = NdtriExp(name="ndtri_exp"), Owens_t(name="owens_t")
sigmoid = Sigmoid(name="sigmoid")
softplus, log1mexp = Softplus(), Log1mexp()

define(erf=erf, sigmoid=sigmoid)

__all__ = [
    "Erf", "Erfc", "Erfcinv", "Erfcx", "Erfinv", "Log1mexp", "NdtriExp", "Owens_t", "Sigmoid",
    "Softplus", "erf", "erfc", "erfcinv", "erfcx", "erfinv", "log1mexp", "ndtri_exp",
    "owens_t", "sigmoid", "softplus",
]  # fmt: skip
