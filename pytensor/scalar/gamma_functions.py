"""The gamma function, its logarithm, derivatives and relatives."""

from __future__ import annotations

import numpy as np

from pytensor.scalar.op import UNDEFINED, BinaryScalarOp, UnaryScalarOp, scipy_special
from pytensor.scalar.out_types import upcast_out, upgrade_to_float, upgrade_to_float_no_complex
from pytensor.scalar.type import discrete_types, float_types
from pytensor.scalar.variable import as_scalar, define, ops


class Gamma(UnaryScalarOp):
    """The gamma function."""

    nfunc_spec = ("scipy.special.gamma", 1, 1)
    types = upgrade_to_float
    vectorized_impl = True
    c_expr = dict.fromkeys("fc", "pt_gamma_{t}({0})")

    def derivative(self, x, y):
        return lambda g: g * y * ops.psi(x)


class GammaLn(UnaryScalarOp):
    """log(abs(gamma(x)))"""

    nfunc_spec = ("scipy.special.gammaln", 1, 1)
    types = upgrade_to_float
    vectorized_impl = True
    c_expr = {"f": "pt_gammaln_{t}({0})"}

    def derivative(self, x, y):
        return ops.psi(x)


class Psi(UnaryScalarOp):
    """The derivative of log(gamma(x))."""

    nfunc_spec = ("scipy.special.psi", 1, 1)
    types = upgrade_to_float
    vectorized_impl = True
    c_expr = dict.fromkeys("fc", "pt_psi_{t}({0})")

    def derivative(self, x, y):
        return ops.tri_gamma(x)


# Left of it SciPy's sum, of one term for each unit, takes long: the sum over all integers is used.
FAR_LEFT = -30.0


def polygamma_of(n, x):
    """Return `scipy.special.polygamma`, by reflection far left of zero.

    There, with r = x - round(x) and p = ``polygamma(n, .)``, n > 0:
    ``p(x) = (-1)**(n + 1) * (n! / r**(n + 1) + p(1 - r) - p(1 - x)) + p(1 + r)``.
    """
    n, x = np.asarray(n), np.asarray(x)
    left = np.where((x < FAR_LEFT) & np.isfinite(x), x, 0.0)
    r = left - np.rint(left)
    far = (r != 0) & (n > 0)
    near = scipy_special.polygamma(n, np.where(far, 1.0, x).astype(x.dtype))
    if not far.any():
        return near
    order, y, r = n + 0.0, x.astype("float64"), np.where(far, r, 0.5).astype("float64")
    sign = np.where(n % 2, 1.0, -1.0)
    value = scipy_special.gamma(order + 1) * r ** -(order + 1) + scipy_special.polygamma(n, 1 - r)
    value = sign * (value - scipy_special.polygamma(n, np.where(far, 1 - y, 1.0)))
    return np.where(far, value + scipy_special.polygamma(n, 1 + r), near)


class TriGamma(UnaryScalarOp):
    """The derivative of psi(x)."""

    types = upgrade_to_float_no_complex
    vectorized_impl = True
    c_expr = {"f": "pt_tri_gamma_{t}({0})"}

    def impl(self, x):
        return polygamma_of(1, x)

    def derivative(self, x, y):
        return ops.polygamma(2, x)


def polygamma_out(n, x):
    """The float type of x; the order must be discrete."""
    if n not in discrete_types:
        raise TypeError(f"[polygamma] the order must be an integer, got {n}")
    if x in float_types:
        return upcast_out(x)
    return upgrade_to_float_no_complex(n, x)


class PolyGamma(BinaryScalarOp):
    """The n-th derivative of psi(x)."""

    types = polygamma_out
    vectorized_impl = True
    c_expr = {"f": "pt_polygamma_{t}({0}, {1})"}

    def impl(self, n, x):
        return polygamma_of(n, x)

    def compute_dtypes(self, in_dtypes, out_dtypes):
        # SciPy computes the factorial in the float type of the order: a short integer would lose digits.
        return ("int64", out_dtypes[0])

    def partials(self, inputs, output):
        n, x = inputs
        return [UNDEFINED, ops.polygamma(n + 1, x)]


gamma, gammaln = Gamma(name="gamma"), GammaLn(name="gammaln")
psi, tri_gamma = Psi(name="psi"), TriGamma(name="tri_gamma")
polygamma = PolyGamma(name="polygamma")


def betaln(a, b):
    """Return the logarithm of the beta function of a and b."""
    a, b = as_scalar(a), as_scalar(b)
    return gammaln(a) + gammaln(b) - gammaln(a + b)


define(gamma=gamma, gammaln=gammaln, psi=psi, tri_gamma=tri_gamma, polygamma=polygamma)

__all__ = [
    "Gamma", "GammaLn", "PolyGamma", "Psi", "TriGamma", "betaln", "gamma", "gammaln",
    "polygamma", "polygamma_out", "psi", "tri_gamma",
]  # fmt: skip
