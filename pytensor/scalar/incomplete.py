"""Incomplete gamma and beta functions and the hypergeometric function, with derivatives by their parameters.

The derivatives by parameters have no closed form. They are summed by `ScalarLoop`, so every backend that
has the loop has them.
"""

from __future__ import annotations

import math

import numpy as np

from pytensor.scalar.loop import ScalarLoop
from pytensor.scalar.op import BinaryScalarOp, ScalarOp
from pytensor.scalar.out_types import upgrade_to_float, upgrade_to_float_no_complex
from pytensor.scalar.type import get_scalar_type, upcast
from pytensor.scalar.variable import as_scalar, constant, define, number, ops

MAX_STEPS = 100_000


class GammaInc(BinaryScalarOp):
    """The regularised lower incomplete gamma function P(k, x)."""

    nfunc_spec = ("scipy.special.gammainc", 2, 1)
    types = upgrade_to_float
    vectorized_impl = True
    c_expr = {"f": "pt_gammainc_{t}({0}, {1})"}

    def partials(self, inputs, output):
        k, x = inputs
        return [lambda g: g * gammainc_grad(k, x), _gamma_density(k, x)]


class GammaIncC(BinaryScalarOp):
    """The regularised upper incomplete gamma function Q(k, x) = 1 - P(k, x)."""

    nfunc_spec = ("scipy.special.gammaincc", 2, 1)
    types = upgrade_to_float
    vectorized_impl = True
    c_expr = {"f": "pt_gammaincc_{t}({0}, {1})"}

    def partials(self, inputs, output):
        k, x = inputs
        return [lambda g: g * gammaincc_grad(k, x), -_gamma_density(k, x)]


def _gamma_density(k, x):
    return ops.exp(-x + (k - 1) * ops.log(x) - ops.gammaln(k))


class GammaIncInv(BinaryScalarOp):
    """The x with P(k, x) equal to the second operand."""

    nfunc_spec = ("scipy.special.gammaincinv", 2, 1)
    types = upgrade_to_float
    vectorized_impl = True
    c_expr = {"f": "pt_gammaincinv_{t}({0}, {1})"}

    def partials(self, inputs, output):
        k, _ = inputs
        density = _gamma_density(k, output)
        return [lambda g: -g * gammainc_grad(k, output) / density, lambda g: g / density]


class GammaIncCInv(BinaryScalarOp):
    """The x with Q(k, x) equal to the second operand."""

    nfunc_spec = ("scipy.special.gammainccinv", 2, 1)
    types = upgrade_to_float
    vectorized_impl = True
    c_expr = {"f": "pt_gammainccinv_{t}({0}, {1})"}

    def partials(self, inputs, output):
        k, _ = inputs
        density = _gamma_density(k, output)
        return [lambda g: -g * gammainc_grad(k, output) / density, lambda g: -g / density]


class BetaInc(ScalarOp):
    """The regularised incomplete beta function I_x(a, b)."""

    nfunc_spec = ("scipy.special.betainc", 3, 1)
    nin = 3
    types = upgrade_to_float_no_complex
    vectorized_impl = True
    c_expr = {"f": "pt_betainc_{t}({0}, {1}, {2})"}

    def partials(self, inputs, output):
        a, b, x = inputs
        return [
            lambda g: g * betainc_grad(a, b, x, True),
            lambda g: g * betainc_grad(a, b, x, False),
            _beta_density(a, b, x),
        ]


def _log_beta(a, b):
    return ops.gammaln(a) + ops.gammaln(b) - ops.gammaln(a + b)


def _beta_density(a, b, x):
    return ops.exp((a - 1) * ops.log(x) + (b - 1) * ops.log1p(-x) - _log_beta(a, b))


class BetaIncInv(ScalarOp):
    """The x with I_x(a, b) equal to the third operand."""

    nfunc_spec = ("scipy.special.betaincinv", 3, 1)
    nin = 3
    types = upgrade_to_float_no_complex
    vectorized_impl = True
    c_expr = {"f": "pt_betaincinv_{t}({0}, {1}, {2})"}

    def partials(self, inputs, output):
        a, b, _ = inputs
        density = _beta_density(a, b, output)
        return [
            lambda g: -g * betainc_grad(a, b, output, True) / density,
            lambda g: -g * betainc_grad(a, b, output, False) / density,
            lambda g: g / density,
        ]


class Hyp2F1(ScalarOp):
    """Gauss's hypergeometric function 2F1(a, b; c; z)."""

    nfunc_spec = ("scipy.special.hyp2f1", 4, 1)
    nin = 4
    types = upgrade_to_float
    vectorized_impl = True
    c_expr = {"f": "pt_hyp2f1_{t}({0}, {1}, {2}, {3})"}

    def partials(self, inputs, output):
        a, b, c, z = inputs

        def by(i):
            return lambda g: g * hyp2f1_grad(a, b, c, z, wrt=(i,))

        by_z = a * b / c * ops.hyp2f1(a + 1, b + 1, c + 1, z)
        return [by(0), by(1), by(2), by_z]


class Grad2F1Loop(ScalarLoop):
    """The loop that sums derivatives of 2F1; a class of its own so that rewrites can tell it."""


def _sum_loop(step, init, constants, skip, name, op=ScalarLoop):
    """Run ``step(i, states, constants) -> (states, until)`` and return the last states.

    States and constants are given the float type of them all. `skip` is where nothing need be summed.
    """
    dtype = upcast("float32", *[x.type.dtype for x in (*init, *constants)])
    typed = get_scalar_type(dtype)
    init = [x.astype(dtype) for x in (constant(0.0, dtype=dtype), *init)]
    constants = [x.astype(dtype) for x in constants]
    i, *states = [typed() for _ in init]
    inner_constants = [typed() for _ in constants]
    new_states, until = step(i, states, inner_constants)
    update = [u.astype(dtype) for u in (i + 1, *new_states)]
    loop = op([i, *states], update, inner_constants, until=until, name=name)
    n_steps = ops.switch(skip, constant(0, dtype="int32"), constant(MAX_STEPS, dtype="int32"))
    return loop(n_steps, *init, *constants)[1:-1]


def _settled(change, total):
    """Whether adding `change` no longer changes `total`; true also for NaN, which never settles."""
    eps = np.finfo(total.type.dtype).eps
    return ~(ops.abs(change) > constant(eps, dtype=total.type.dtype) * ops.abs(total))


def gammainc_grad(k, x):
    """Return the derivative of P(k, x) by k.

    Below x = k + 1 from the series P = x**k e**-x sum(x**n / gamma(k + n + 1)), above from 1 - Q.
    """
    k, x = as_scalar(k), as_scalar(x)
    upper = x > k + 1
    series = _gammainc_grad_series(k, x, upper | (x <= 0))
    fraction = _gammaincc_grad_cf(k, x, ~upper)
    value = ops.switch(upper, -fraction, series)
    value = ops.switch(ops.eq(x, 0), 0, value)
    return ops.switch(k >= 0, value, number(math.nan, value))


def gammaincc_grad(k, x):
    """Return the derivative of Q(k, x) by k."""
    return -gammainc_grad(k, x)


def _gammainc_grad_series(k, x, skip_loop):
    """Sum t_n and its derivative, t_n = x**n / ((k + 1) ... (k + n)), for dP/dk."""
    one = constant(1.0, dtype=upcast("float32", k.type.dtype, x.type.dtype))

    def step(i, states, constants):
        (term, d_term, total, d_total), (k, x) = states, constants
        ratio = x / (k + i + 1)
        d_term = (d_term - term / (k + i + 1)) * ratio
        term = term * ratio
        total, d_total = total + term, d_total + d_term
        until = _settled(term, total) & _settled(d_term, d_total)
        return (term, d_term, total, d_total), until

    zero = 0 * one
    *_, total, d_total = _sum_loop(step, [one, zero, one, zero], [k, x], skip_loop, "gammainc_grad")
    front = ops.exp(k * ops.log(x) - x - ops.gammaln(k + 1))
    return front * (d_total + total * (ops.log(x) - ops.psi(k + 1)))


def _gammaincc_grad_cf(k, x, skip_loop):
    """Differentiate Q = x**k e**-x / gamma(k) h, h a continued fraction, by Lentz's method for dQ/dk.

    W. H. Press et al., Numerical Recipes, 3rd ed., eq. 6.2.7: partial denominators x + 2n + 1 - k,
    numerators -n (n - k).
    """
    dtype = upcast("float32", k.type.dtype, x.type.dtype)
    tiny = constant(float(np.finfo(dtype).tiny) * 1e8, dtype=dtype)
    b = (x + 1 - k).astype(dtype)
    d, d_d = 1 / b, 1 / (b * b)  # b' = -1
    c, d_c = 1 / tiny, 0 * tiny
    h, d_h = d, d_d

    def step(i, states, constants):
        (d, d_d, c, d_c, h, d_h), (k, x) = states, constants
        n = i + 1
        a, d_a = -n * (n - k), n
        b = x + 1 - k + 2 * n
        denominator, d_denominator = a * d + b, d_a * d + a * d_d - 1
        d_c = -1 + d_a / c - a * d_c / (c * c)
        c = b + a / c
        d = 1 / denominator
        d_d = -d_denominator * d * d
        factor, d_factor = c * d, d_c * d + c * d_d
        d_h_new = d_h * factor + h * d_factor
        h_new = h * factor
        until = _settled(h_new - h, h_new) & _settled(d_h_new - d_h, d_h_new)
        return (d, d_d, c, d_c, h_new, d_h_new), until

    *_, h, d_h = _sum_loop(step, [d, d_d, c, d_c, h, d_h], [k, x], skip_loop, "gammaincc_grad")
    front = ops.exp(k * ops.log(x) - x - ops.gammaln(k))
    return front * (d_h + h * (ops.log(x) - ops.psi(k)))


def betainc_grad(p, q, x, wrtp: bool):
    """Return the derivative of I_x(p, q) by p, or by q.

    I_x(p, q) = x**p (1 - x)**q / (p B(p, q)) sum (p + q)_n / (p + 1)_n x**n converges fast below
    x = (p + 1) / (p + q + 2); above, I_x(p, q) = 1 - I_{1-x}(q, p).
    """
    p, q, x = as_scalar(p), as_scalar(q), as_scalar(x)
    swap = x > (p + 1) / (p + q + 2)
    a, b = ops.switch(swap, q, p), ops.switch(swap, p, q)
    z = ops.switch(swap, 1 - x, x)
    outside = (x <= 0) | (x >= 1)
    by_first, by_second = _betainc_both(a, b, z, outside)
    pair = (by_second, by_first) if wrtp else (by_first, by_second)
    value = ops.switch(swap, -pair[0], pair[1])
    return ops.switch(outside, 0, value)


def _betainc_both(a, b, x, skip_loop):
    """Return the derivatives of I_x(a, b) by a and by b from its series."""
    one = constant(1.0, dtype=upcast("float32", a.type.dtype, b.type.dtype, x.type.dtype))

    def step(i, states, constants):
        (term, d_a, d_b, total, total_a, total_b), (a, b, x) = states, constants
        top, bottom = a + b + i, a + 1 + i
        ratio = top / bottom * x
        d_a = d_a * ratio + term * x * (bottom - top) / (bottom * bottom)
        d_b = d_b * ratio + term * x / bottom
        term = term * ratio
        total, total_a, total_b = total + term, total_a + d_a, total_b + d_b
        until = _settled(term, total) & _settled(d_a, total_a) & _settled(d_b, total_b)
        return (term, d_a, d_b, total, total_a, total_b), until

    zero = 0 * one
    *_, total, total_a, total_b = _sum_loop(
        step, [one, zero, zero, one, zero, zero], [a, b, x], skip_loop, "betainc_grad"
    )
    front = ops.exp(a * ops.log(x) + b * ops.log1p(-x) - ops.log(a) - _log_beta(a, b))
    psi_sum = ops.psi(a + b)
    by_a = front * (total_a + total * (ops.log(x) - 1 / a - ops.psi(a) + psi_sum))
    by_b = front * (total_b + total * (ops.log1p(-x) - ops.psi(b) + psi_sum))
    return by_a, by_b


def hyp2f1_grad(a, b, c, z, wrt: tuple[int, ...]):
    """Return the derivatives of 2F1(a, b; c; z) by the parameters numbered in `wrt` (one: not in a list).

    The terms of the power series are differentiated one by one, hence for abs(z) < 1.
    """
    a, b, c, z = map(as_scalar, (a, b, c, z))
    if any(i not in (0, 1, 2) for i in wrt):
        raise ValueError(f"[hyp2f1_grad] wrt must hold numbers from 0 to 2, got {wrt}")
    results = [_hyp2f1_grad_one(a, b, c, z, i) for i in wrt]
    return results[0] if len(results) == 1 else results


def _hyp2f1_grad_one(a, b, c, z, wrt):
    dtype = upcast("float32", *[v.type.dtype for v in (a, b, c, z)])
    one = constant(1.0, dtype=dtype)

    def step(i, states, constants):
        (term, d_term, d_total), (a, b, c, z) = states, constants
        scale = z / (i + 1)
        top = (a + i, b + i)
        ratio = top[0] * top[1] / (c + i) * scale
        if wrt == 2:
            d_ratio = -ratio / (c + i)
        else:
            d_ratio = top[1 - wrt] / (c + i) * scale
        d_term = d_term * ratio + term * d_ratio
        term = term * ratio
        d_total = d_total + d_term
        # The first derivatives may vanish; the terms must have begun to shrink.
        until = _settled(d_term, d_total) & ((ops.abs(ratio) < 1) | ops.isnan(ratio))
        return (term, d_term, d_total), until & (i > 1)

    skip = ops.eq(z, 0)
    *_, d_total = _sum_loop(
        step, [one, 0 * one, 0 * one], [a, b, c, z], skip, "hyp2f1_grad", op=Grad2F1Loop
    )
    return d_total


gammainc, gammaincc = GammaInc(name="gammainc"), GammaIncC(name="gammaincc")
gammaincinv, gammainccinv = GammaIncInv(name="gammaincinv"), GammaIncCInv(name="gammainccinv")
betainc, betaincinv = BetaInc(name="betainc"), BetaIncInv(name="betaincinv")
hyp2f1 = Hyp2F1(name="hyp2f1")

define(hyp2f1=hyp2f1)

__all__ = [
    "BetaInc", "BetaIncInv", "GammaInc", "GammaIncC", "GammaIncCInv", "GammaIncInv",
    "Grad2F1Loop", "Hyp2F1", "betainc", "betainc_grad", "betaincinv", "gammainc",
    "gammainc_grad", "gammaincc", "gammaincc_grad", "gammainccinv", "gammaincinv", "hyp2f1",
    "hyp2f1_grad",
]  # fmt: skip
