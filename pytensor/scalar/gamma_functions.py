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
    c_expr = {"f": "pt_gamma_{t}({0})"}

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
    c_expr = {"f": "pt_psi_{t}({0})"}

    def derivative(self, x, y):
        return ops.tri_gamma(x)


class TriGamma(UnaryScalarOp):
    """The derivative of psi(x)."""

    types = upgrade_to_float_no_complex
    vectorized_impl = True
    c_expr = {"f": "pt_trigamma_{t}({0})"}

    def impl(self, x):
        return _polygamma(1, x)

    def derivative(self, x, y):
        return ops.polygamma(2, x)


def _polygamma(n, x):
    """The n-th derivative of psi at x, also for x <= 0 where SciPy's zeta series has no value.

    For those x the recurrence psi_n(x) = psi_n(x + 1) - (-1)**n n! / x**(n + 1) leads back to x > 0.
    """
    x = np.asarray(x)
    value = scipy_special.polygamma(n, np.where(x > 0, x, 1.0))
    negative = ~(x > 0)
    if not negative.any():
        return value[()]
    # Further down the poles are as close as the spacing of numbers that one pass may cover.
    steps = np.where(negative & np.isfinite(x), np.floor(1 - x), 0)
    total, order = np.zeros(np.broadcast(n, x).shape), np.asarray(n, dtype="float64")
    factor = np.where(order % 2 == 0, 1.0, -1.0) * scipy_special.gamma(order + 1)
    for k in range(int(min(steps.max(initial=0), 10_000))):
        total = total + np.where(
            k < steps, -factor / (np.where(negative, x, 1.0) + k) ** (order + 1), 0
        )
    shifted = scipy_special.polygamma(n, np.where(negative & np.isfinite(x), x + steps, 1.0))
    below = np.where(
        (steps <= 10_000) & (x > -np.inf) & (x != np.floor(x)), shifted + total, np.nan
    )
    return np.where(negative, below, value)[()]


def polygamma_out(n, x):
    """The float type of x; the order must be discrete."""
    if n not in discrete_types:
        raise TypeError(f"[polygamma] the order must be an integer, got {n}")
    if x in float_types:
        return upcast_out(x)
    return upgrade_to_float_no_complex(n, x)


class PolyGamma(BinaryScalarOp):
    """The n-th derivative of psi(x)."""

    nfunc_spec = ("scipy.special.polygamma", 2, 1)
    types = polygamma_out
    vectorized_impl = True
    c_expr = None

    def compute_dtypes(self, in_dtypes, out_dtypes):
        return (in_dtypes[0], out_dtypes[0])

    def impl(self, n, x):
        return _polygamma(n, x)

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
