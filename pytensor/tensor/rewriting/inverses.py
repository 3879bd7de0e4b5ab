"""Functions of their inverses, and of functions whose sign is known.

``f(g(x)) -> x`` holds where ``g`` is defined; where it is not, the result stays NaN.
"""

from __future__ import annotations

import numpy as np

from pytensor.scalar import basic as ps
from pytensor.scalar import math as psm
from pytensor.tensor.basic import switch
from pytensor.tensor.math import (
    _conj,
    add,
    arccosh,
    arcsinh,
    arctanh,
    cosh,
    erf,
    erfcx,
    exp,
    expm1,
    ge,
    le,
    log,
    log1mexp,
    log1p,
    lt,
    mul,
    neg,
    polygamma,
    psi,
    reciprocal,
    sign,
    sinh,
    softplus,
    sqr,
    sqrt,
    sub,
    tanh,
    tri_gamma,
    true_div,
)
from pytensor.tensor.math import abs as pt_abs
from pytensor.tensor.rewriting.common import (
    IEEE,
    arg_of,
    args_of,
    as_dtype,
    filled,
    is_float,
    is_number,
    law,
    multiplied,
    number,
    scalar_op_of,
    without,
)
from pytensor.tensor.rewriting.registry import (
    register_canonicalize,
    register_specialize,
    register_stabilize,
    register_useless,
)

_PAIRS = {
    ps.Tanh: ps.ArcTanh,
    ps.ArcSinh: ps.Sinh,
    ps.Sinh: ps.ArcSinh,
    ps.ArcTanh: ps.Tanh,
    ps.Cosh: ps.ArcCosh,
}


@register_canonicalize(IEEE)
@register_specialize(IEEE)
@law(tanh, arctanh, sinh, arcsinh, cosh, arccosh)
def local_useless_inverse(fgraph, node):
    """tanh(arctanh(x)) -> x, arctanh(tanh(x)) -> x, and so on; arccosh(cosh(x)) -> abs(x)"""
    (arg,) = node.inputs
    kind = type(node.op.scalar_op)
    if kind is ps.ArcCosh:
        x = arg_of(arg, ps.Cosh)
        return None if x is None or x.type.numpy_dtype.kind == "c" else pt_abs(x)
    return arg_of(arg, _PAIRS[kind])


@register_canonicalize
@register_specialize
@law(log, log1p, exp, expm1)
def local_exp_log(fgraph, node):
    """log(exp(x)) -> x, log1p(expm1(x)) -> x, exp(log1p(x)) ... without the range of exp"""
    (arg,) = node.inputs
    kind = type(node.op.scalar_op)
    if not is_float(arg) or arg.type.numpy_dtype.kind == "c":
        return None  # log(exp(z)) is z up to multiples of 2 pi i
    if kind is ps.Log:
        return arg_of(arg, ps.Exp)
    if kind is ps.Log1p:
        return arg_of(arg, ps.Expm1)
    x = arg_of(arg, psm.Softplus)
    if x is not None:
        return exp(x) if kind is ps.Expm1 else add(filled(1, x.type), exp(x))
    return None


@register_specialize
@law(exp, expm1, softplus, log1mexp)
def local_exp_log_nan_switch(fgraph, node):
    """exp(log(x)) -> x, expm1(log1p(x)) -> x ...; NaN where the logarithm is"""
    (arg,) = node.inputs
    inner = scalar_op_of(arg)
    if inner is None or not is_float(arg) or arg.type.numpy_dtype.kind == "c":
        return None
    law_of = _EXP_OF_LOG.get((type(node.op.scalar_op), type(inner)))
    if law_of is None:
        return None
    x = arg.owner.inputs[0]
    if not is_float(x):
        x = x.astype(arg.type.dtype)
    in_domain, value = law_of(x)
    return switch(in_domain, value, filled(np.nan, arg.type))


_EXP_OF_LOG = {
    (ps.Exp, ps.Log): lambda x: (ge(x, 0), x),
    (ps.Exp, ps.Log1p): lambda x: (ge(x, -1), add(1, x)),
    (ps.Expm1, ps.Log): lambda x: (ge(x, 0), sub(x, 1)),
    (ps.Expm1, ps.Log1p): lambda x: (ge(x, -1), x),
    (ps.Exp, psm.Log1mexp): lambda x: (le(x, 0), neg(expm1(x))),
    (ps.Expm1, psm.Log1mexp): lambda x: (le(x, 0), neg(exp(x))),
    (psm.Softplus, ps.Log): lambda x: (ge(x, 0), log1p(x)),
    (psm.Log1mexp, ps.Log): lambda x: (ge(x, 0), log1p(neg(x))),
}


# Logarithms of products


@register_canonicalize
@register_stabilize
@register_specialize
@law(log)
def local_log_div(fgraph, node):
    """log(exp(x) / y) -> x - log(y), log(exp(x) * y) -> x + log(y)"""
    (arg,) = node.inputs
    if arg.type.numpy_dtype.kind != "f":
        return None
    parts = args_of(arg, ps.TrueDiv)
    if parts is not None:
        x, y = arg_of(parts[0], ps.Exp), arg_of(parts[1], ps.Exp)
        if x is not None:
            return sub(x, _log_as(parts[1], arg))
        return None if y is None else sub(_log_as(parts[0], arg), y)
    factors = args_of(arg, ps.Mul)
    for i, factor in enumerate(factors or ()):
        x = arg_of(factor, ps.Exp)
        if x is not None and len(factors) > 1:
            return add(x, _log_as(multiplied(without(factors, i)), arg))
    return None


def _log_as(x, arg):
    """Return log(x) in the dtype of `arg`: that of an 8 bit integer has few digits."""
    return log(as_dtype(x, arg.type.dtype))


@register_stabilize
@register_specialize
@law(log)
def local_log_sqrt_sqr(fgraph, node):
    """log(sqrt(x)) -> log(x) / 2, log(sqr(x)) -> 2 log(abs(x))"""
    (arg,) = node.inputs
    if arg.type.numpy_dtype.kind != "f":
        return None
    x = arg_of(arg, ps.Sqrt)
    if x is not None:
        return mul(filled(0.5, arg.type), log(x))
    x = arg_of(arg, ps.Sqr)
    if x is None or x.type.dtype != arg.type.dtype:
        return None
    return mul(filled(2, arg.type), log(pt_abs(x)))


@register_stabilize
@register_specialize
@law(log)
def local_log_erfc(fgraph, node):
    """log(erfc(x)) -> log(erfcx(x)) - x ** 2 for x > 1, where erfc(x) goes to 0"""
    x = arg_of(node.inputs[0], psm.Erfc)
    if x is None:
        return None
    # Below 1 there is no cancellation in 1 - erf(x).
    return switch(lt(x, 1), log1p(neg(erf(x))), sub(log(erfcx(x)), sqr(x)))


@register_stabilize
@register_specialize
@law(true_div)
def local_grad_log_erfc_neg(fgraph, node):
    """exp(-x ** 2) / erfc(x) -> 1 / erfcx(x): the derivative of log(erfc(x)), without 0 / 0"""
    above, below = node.inputs
    divisors = args_of(below, ps.Mul) or [below]
    factors = args_of(above, ps.Mul) or [above]
    for i, divisor in enumerate(divisors):
        x = arg_of(divisor, psm.Erfc)
        if x is None:
            continue
        for j, factor in enumerate(factors):
            if _is_gaussian(factor, x):
                return true_div(
                    multiplied(without(factors, j)) if len(factors) > 1 else filled(1, x.type),
                    multiplied([*without(divisors, i), erfcx(x)]),
                )
    return None


def _is_gaussian(var, x) -> bool:
    """Return whether `var` is ``exp(-x ** 2)``."""
    exponent = arg_of(var, ps.Exp)
    square = None if exponent is None else arg_of(exponent, ps.Neg)
    if square is None:
        return False
    if arg_of(square, ps.Sqr) is x:
        return True
    power = args_of(square, ps.Pow)
    if power is not None:
        return power[0] is x and is_number(power[1], 2)
    factors = args_of(square, ps.Mul)
    return factors is not None and len(factors) == 2 and all(f is x for f in factors)


# Square roots, absolute values, signs


@register_canonicalize
@register_specialize
@law(sqrt, sqr)
def local_sqrt_sqr(fgraph, node):
    """sqrt(sqr(x)) -> abs(x); sqr(sqrt(x)) -> x, NaN if x < 0; sqr(-x), sqr(abs(x)) -> sqr(x)"""
    (arg,) = node.inputs
    if arg.type.numpy_dtype.kind == "c":
        return None
    if type(node.op.scalar_op) is ps.Sqrt:
        x = arg_of(arg, ps.Sqr)
        return pt_abs(x) if x is not None and is_float(x) else None
    x = arg_of(arg, ps.Sqrt)
    if x is not None and is_float(x):
        return switch(ge(x, 0), x, filled(np.nan, x.type))
    x = arg_of(arg, ps.Neg, ps.Abs)
    return sqr(x) if x is not None and x.type.dtype == arg.type.dtype else None


_NON_NEGATIVE = (ps.Abs, ps.Exp, ps.Exp2, ps.Sqrt, psm.Sigmoid, psm.Softplus, psm.Erfc)


@register_canonicalize
@register_stabilize
@register_specialize
@law(pt_abs)
def local_useless_abs(fgraph, node):
    """abs(x) -> x where x is never negative, abs(-x) -> abs(x)"""
    (x,) = node.inputs
    kind = x.type.numpy_dtype.kind
    if kind in "ub":
        return x
    inner = scalar_op_of(x)
    if inner is None or kind == "c":
        return None
    if type(inner) in _NON_NEGATIVE or (type(inner) is ps.Sqr and kind == "f"):
        return x
    if type(inner) is ps.Neg:
        return pt_abs(x.owner.inputs[0])
    return None


@register_canonicalize
@register_stabilize
@register_specialize
@law(sign)
def local_useless_sign(fgraph, node):
    """sign(sign(x)) -> sign(x)"""
    (x,) = node.inputs
    return x if arg_of(x, ps.Sign) is not None else None


@register_useless
@register_canonicalize
@law(_conj)
def local_useless_conj(fgraph, node):
    """conj(x) -> x of real x, conj(conj(x)) -> x"""
    (x,) = node.inputs
    if x.type.numpy_dtype.kind != "c":
        return x
    return arg_of(x, ps.Conj)


@register_canonicalize
@register_specialize
@law(reciprocal)
def useless_Reciprocal_of_Reciprocal(fgraph, node):
    """1 / (1 / x) -> x"""
    x = arg_of(node.inputs[0], ps.Reciprocal)
    return x if x is not None and is_float(x) else None


@register_specialize
@law(polygamma)
def local_polygamma_to_digamma(fgraph, node):
    """polygamma(0, x) -> psi(x), polygamma(1, x) -> tri_gamma(x)"""
    order, x = node.inputs
    value = number(order)
    if value == 0:
        return psi(x)
    return tri_gamma(x) if value == 1 else None


local_polygamma_to_tri_gamma = local_polygamma_to_digamma
