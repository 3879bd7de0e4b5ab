"""Logarithms and exponentials in forms that neither overflow nor cancel.

Each is the exact value where the expression as it was written would be rounded to 0, 1 or
infinity on the way. They change results for the better, and are in the stage ``stabilize``.
"""

from __future__ import annotations

from pytensor.graph.basic import Variable
from pytensor.scalar import basic as ps
from pytensor.scalar import math as psm
from pytensor.tensor.math import (
    add,
    erf,
    erfc,
    exp,
    expm1,
    log,
    log1mexp,
    log1p,
    mul,
    neg,
    reciprocal,
    sigmoid,
    softplus,
    sub,
    true_div,
)
from pytensor.tensor.rewriting.common import (
    IEEE,
    arg_of,
    args_of,
    as_dtype,
    is_float,
    is_number,
    law,
    multiplied,
    read_once,
    rest_of,
    without,
)
from pytensor.tensor.rewriting.registry import (
    register_canonicalize,
    register_specialize,
    register_stabilize,
)


def one_plus(var: Variable) -> Variable | None:
    """Return x if `var` is ``1 + x`` or ``1 - y`` with ``x = -y``, else ``None``."""
    terms = args_of(var, ps.Add)
    if terms is not None:
        for i, term in enumerate(terms):
            if is_number(term, 1):
                rest = rest_of(var.owner, without(terms, i)) if len(terms) > 1 else None
                return None if rest is None else as_dtype(rest, var.type.dtype)
        return None
    terms = args_of(var, ps.Sub)
    if terms is not None and is_number(terms[0], 1):
        return neg(as_dtype(terms[1], var.type.dtype))
    return None


def is_one_minus(var: Variable) -> Variable | None:
    """Return x if `var` is ``1 - x``, else ``None``."""
    terms = args_of(var, ps.Sub)
    return terms[1] if terms is not None and is_number(terms[0], 1) else None


def one_plus_exp(var: Variable) -> Variable | None:
    """Return x if `var` is ``1 + exp(x)``, else ``None``."""
    terms = args_of(var, ps.Add)
    if terms is None or len(terms) != 2:
        return None
    for one, other in (terms, terms[::-1]):
        if is_number(one, 1):
            return arg_of(other, ps.Exp)
    return None


def negated(x: Variable) -> Variable:
    """Return -x, without a second minus."""
    inner = arg_of(x, ps.Neg)
    return neg(x) if inner is None else inner


def are_opposite(x: Variable, y: Variable) -> bool:
    """Return whether one is the other with a minus."""
    return arg_of(x, ps.Neg) is y or arg_of(y, ps.Neg) is x


# Logarithms


@register_stabilize
@register_specialize
@law(log)
def local_log1p(fgraph, node):
    """log(1 + x) -> log1p(x), log(1 - x) -> log1p(-x)"""
    if not is_float(node.inputs[0]):
        return None
    x = one_plus(node.inputs[0])
    return None if x is None else log1p(x)


@register_stabilize
@register_specialize
@law(add, sub)
def local_expm1(fgraph, node):
    """exp(x) - 1 -> expm1(x), 1 - exp(x) -> -expm1(x)"""
    inputs = node.inputs
    if len(inputs) != 2:
        return None
    a, b = inputs
    if type(node.op.scalar_op) is ps.Sub:
        x = arg_of(a, ps.Exp) if is_number(b, 1) else None
        if x is None:
            x = arg_of(b, ps.Exp) if is_number(a, 1) else None
            return None if x is None or not read_once(fgraph, b) else neg(expm1(x))
        e = a
    else:
        e = b if is_number(a, -1) else a if is_number(b, -1) else None
        x = None if e is None else arg_of(e, ps.Exp)
    return None if x is None or not read_once(fgraph, e) else expm1(x)


@register_stabilize
@law(log1p)
def local_log1p_plusminus_exp(fgraph, node):
    """log1p(exp(x)) -> softplus(x), log1p(-exp(x)) -> log1mexp(x)"""
    (arg,) = node.inputs
    x = arg_of(arg, ps.Exp)
    if x is not None:
        return softplus(x)
    arg = arg_of(arg, ps.Neg)
    x = None if arg is None else arg_of(arg, ps.Exp)
    return None if x is None else log1mexp(x)


@register_stabilize
@law(log)
def logmexpm1_to_log1mexp(fgraph, node):
    """log(-expm1(x)) -> log1mexp(x)"""
    arg = arg_of(node.inputs[0], ps.Neg)
    x = None if arg is None else arg_of(arg, ps.Expm1)
    return None if x is None else log1mexp(x)


@register_stabilize
@law(log)
def logdiffexp_to_log1mexpdiff(fgraph, node):
    """log(exp(x) - exp(y)) -> x + log1mexp(y - x)"""
    terms = args_of(node.inputs[0], ps.Sub)
    if terms is None:
        return None
    x, y = arg_of(terms[0], ps.Exp), arg_of(terms[1], ps.Exp)
    return None if x is None or y is None else add(x, log1mexp(sub(y, x)))


# Logistic function


@register_stabilize
@law(true_div)
def local_exp_over_1_plus_exp(fgraph, node):
    """exp(x) / (1 + exp(x)) -> sigmoid(x), a / (1 + exp(x)) -> a * sigmoid(-x)"""
    above, below = node.inputs
    if not is_float(node.outputs[0]):
        return None
    factors = args_of(below, ps.Mul) or [below]
    numerator = list(args_of(above, ps.Mul) or [above])
    rest, gained = [], []
    for factor in factors:
        x = one_plus_exp(factor)
        if x is None:
            rest.append(factor)
            continue
        exponential = next((n for n in numerator if arg_of(n, ps.Exp) is x), None)
        if exponential is None:
            gained.append(sigmoid(negated(x)))
        else:
            numerator.remove(exponential)
            gained.append(sigmoid(x))
    if not gained:
        return None
    product = multiplied([n for n in numerator if not is_number(n, 1)] + gained)
    return true_div(product, multiplied(rest)) if rest else product


@register_stabilize
@law(reciprocal)
def local_reciprocal_1_plus_exp(fgraph, node):
    """1 / (1 + exp(x)) -> sigmoid(-x)"""
    factors = args_of(node.inputs[0], ps.Mul) or [node.inputs[0]]
    for i, factor in enumerate(factors):
        x = one_plus_exp(factor)
        if x is None:
            continue
        rest = without(factors, i)
        result = sigmoid(negated(x))
        return true_div(result, multiplied(rest)) if rest else result
    return None


@register_stabilize
@law(mul)
def local_sigm_times_exp(fgraph, node):
    """sigmoid(x) * exp(-x) -> sigmoid(-x)"""
    inputs = node.inputs
    sigmoids = [(i, arg_of(v, psm.Sigmoid)) for i, v in enumerate(inputs)]
    for i, x in sigmoids:
        if x is None:
            continue
        for j, other in enumerate(inputs):
            y = arg_of(other, ps.Exp)
            if y is None or not are_opposite(x, y):
                continue
            rest = [v for k, v in enumerate(inputs) if k not in (i, j)]
            return multiplied([*rest, sigmoid(y)])
    return None


@register_stabilize
@law(log)
def logsigm_to_softplus(fgraph, node):
    """log(sigmoid(x)) -> -softplus(-x)"""
    x = arg_of(node.inputs[0], psm.Sigmoid)
    return None if x is None else neg(softplus(negated(x)))


@register_stabilize
@law(log)
def log1msigm_to_softplus(fgraph, node):
    """log(1 - sigmoid(x)) -> -softplus(x)"""
    y = is_one_minus(node.inputs[0])
    x = None if y is None else arg_of(y, psm.Sigmoid)
    return None if x is None else neg(softplus(x))


@register_stabilize
@register_specialize
@law(log1p)
def log1p_neg_sigmoid(fgraph, node):
    """log1p(-sigmoid(x)) -> -softplus(x)"""
    y = arg_of(node.inputs[0], ps.Neg)
    x = None if y is None else arg_of(y, psm.Sigmoid)
    return None if x is None else neg(softplus(x))


@register_stabilize
@register_specialize
@law(sub)
def local_1msigmoid(fgraph, node):
    """1 - sigmoid(x) -> sigmoid(-x)"""
    y = is_one_minus(node.outputs[0])
    x = None if y is None else arg_of(y, psm.Sigmoid)
    if x is None or not read_once(fgraph, y):
        # Where sigmoid(x) is needed anyway, as in its derivative, one exponential is enough.
        return None
    return sigmoid(negated(x))


@register_canonicalize
@register_stabilize
@register_specialize
@law(true_div)
def local_odds_sigmoid(fgraph, node):
    """sigmoid(x) / (1 - sigmoid(x)) -> exp(x), (1 - sigmoid(x)) / sigmoid(x) -> exp(-x)"""
    above, below = node.inputs
    if is_one_minus(below) is above:
        x = arg_of(above, psm.Sigmoid)
        return None if x is None else exp(x)
    if is_one_minus(above) is below:
        x = arg_of(below, psm.Sigmoid)
        return None if x is None else exp(negated(x))
    return None


@register_canonicalize(IEEE)
@register_specialize(IEEE)
@law(sigmoid)
def local_sigmoid_logit(fgraph, node):
    """sigmoid(log(p / (1 - p))) -> p, also where p is not between 0 and 1"""
    quotient = arg_of(node.inputs[0], ps.Log)
    parts = None if quotient is None else args_of(quotient, ps.TrueDiv)
    if parts is not None and is_one_minus(parts[1]) is parts[0]:
        return parts[0]
    return None


# Error function


@register_canonicalize
@register_stabilize
@register_specialize
@law(add, sub)
def local_one_minus_erf(fgraph, node):
    """1 - erf(x) -> erfc(x), 1 - erfc(x) -> erf(x), 1 + erf(x) -> erfc(-x), erf(x) - 1 -> -erfc(x)"""
    if len(node.inputs) != 2:
        return None
    a, b = node.inputs
    if type(node.op.scalar_op) is ps.Sub:
        return _one_minus(a, b)
    for number_, other in ((a, b), (b, a)):
        x = arg_of(other, psm.Erf)
        if x is not None and is_number(number_, 1):
            return erfc(negated(x))
        if x is not None and is_number(number_, -1):
            return neg(erfc(x))
        x = arg_of(other, psm.Erfc)
        if x is not None and is_number(number_, -1):
            return neg(erf(x))
    return None


def _one_minus(a, b):
    sign, other = (1, b) if is_number(a, 1) else (-1, a) if is_number(b, 1) else (0, None)
    if not sign:
        return None
    x = arg_of(other, psm.Erf)
    result = None if x is None else erfc(x)
    if x is None:
        x = arg_of(other, psm.Erfc)
        result = None if x is None else erf(x)
    if result is None:
        return None
    return result if sign > 0 else neg(result)
