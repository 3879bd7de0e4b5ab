"""Powers, squares, quotients and products of special operands."""

from __future__ import annotations

import math

from pytensor.scalar import basic as ps
from pytensor.tensor.basic import switch
from pytensor.tensor.math import abs as pt_abs
from pytensor.tensor.math import (
    add,
    exp,
    int_div,
    mul,
    neg,
    reciprocal,
    sqr,
    sqrt,
    sub,
    true_div,
)
from pytensor.tensor.math import pow as pt_pow
from pytensor.tensor.rewriting.common import (
    IEEE,
    added,
    arg_of,
    args_of,
    as_dtype,
    filled,
    is_constant,
    is_float,
    is_number,
    law,
    multiplied,
    number,
    read_once,
    rest_of,
    without,
)
from pytensor.tensor.rewriting.registry import register_canonicalize, register_specialize


@register_canonicalize
@register_specialize
@law(mul)
def local_mul_by_one(fgraph, node):
    """x * 1 -> x"""
    kept = [v for v in node.inputs if not is_number(v, 1)]
    if len(kept) == len(node.inputs) or all(is_constant(v) for v in node.inputs):
        return None
    return rest_of(node, kept) if kept else 1


@register_canonicalize
@register_specialize
@law(true_div, int_div)
def local_div_by_one(fgraph, node):
    """x / 1 -> x, x // 1 -> x of integers"""
    above, below = node.inputs
    if not is_number(below, 1):
        return None
    if type(node.op.scalar_op) is ps.IntDiv and is_float(node.outputs[0]):
        return None  # floor(x)
    return above


@register_canonicalize(IEEE)
@register_specialize(IEEE)
@law(true_div, int_div)
def local_zero_div(fgraph, node):
    """0 / x -> 0, also where x is 0 or NaN"""
    return 0 if is_number(node.inputs[0], 0) else None


@register_specialize(IEEE)
@law(add)
def local_add_remove_zeros(fgraph, node):
    """x + 0 -> x (of -0.0 the sum is 0.0)"""
    kept = [v for v in node.inputs if not is_number(v, 0)]
    if len(kept) == len(node.inputs):
        return None
    return rest_of(node, kept) if kept else 0


@register_canonicalize
@register_specialize
@law(sub)
def local_sub_zero(fgraph, node):
    """x - 0 -> x"""
    x, y = node.inputs
    return x if is_number(y, 0) else None


@register_specialize(IEEE)
@law(sub)
def local_elemwise_sub_zeros(fgraph, node):
    """x - x -> 0, also where x is infinite or NaN"""
    x, y = node.inputs
    return 0 if x is y else None


@register_canonicalize
@register_specialize
@law(sub)
def local_sub_neg_to_add(fgraph, node):
    """x - (-y) -> x + y"""
    x, y = node.inputs
    # Negated in a narrower type, an integer may have wrapped.
    same = y.type.dtype == node.outputs[0].type.dtype
    inner = arg_of(y, ps.Neg) if same else None
    return None if inner is None else add(x, inner)


@register_specialize
@law(add)
def local_add_neg_to_sub(fgraph, node):
    """(-x) + y -> y - x"""
    if len(node.inputs) != 2:
        return None
    for x, y in (node.inputs, node.inputs[::-1]):
        inner = arg_of(x, ps.Neg)
        if inner is not None and x.type.dtype == node.outputs[0].type.dtype:
            return sub(y, inner)
    return None


@register_specialize
@law(neg)
def local_neg_div_neg(fgraph, node):
    """-((-a) / b) -> a / b, -(2 / b) -> (-2) / b"""
    (quotient,) = node.inputs
    parts = args_of(quotient, ps.TrueDiv)
    if parts is None or not read_once(fgraph, quotient):
        return None
    above, below = parts
    inner = arg_of(above, ps.Neg)
    if inner is not None and is_float(inner):
        return true_div(inner, below)
    value = number(above)
    if value is not None and all(above.type.broadcastable) and is_float(above):
        return true_div(filled(-value, above.type), below)
    return None


# Powers


@register_canonicalize
@law(pt_pow)
def local_pow_canonicalize(fgraph, node):
    """x ** 0 -> 1, x ** 1 -> x, 1 ** x -> 1, all of them also for NaN, as in NumPy"""
    x, y = node.inputs
    exponent = number(y)
    if exponent == 0:
        return 1
    if exponent == 1:
        return x
    if number(x) == 1:
        return 1
    return None


# The largest power that is cheaper as products.
_MAX_SQUARINGS = 64


@register_specialize
@law(pt_pow)
def local_pow_specialize(fgraph, node):
    """x ** 2 -> sqr(x), x ** -1 -> 1 / x, x ** -2 -> 1 / sqr(x)"""
    x, y = node.inputs
    exponent = number(y)
    if exponent is None or isinstance(exponent, complex):
        return None
    if abs(exponent) not in (1, 2):
        return None
    x = as_dtype(x, node.outputs[0].type.dtype)
    if exponent < 0 and not is_float(x):
        return None  # an error in NumPy
    result = sqr(x) if abs(exponent) == 2 else x
    return reciprocal(result) if exponent < 0 else result


@register_specialize(IEEE)
@law(pt_pow)
def local_pow_to_sqrt(fgraph, node):
    """x ** 0.5 -> sqrt(x), x ** -0.5 -> 1 / sqrt(x); they differ at -0.0 and minus infinity"""
    x, y = node.inputs
    exponent = number(y)
    if exponent not in (0.5, -0.5) or not is_float(node.outputs[0]):
        return None
    result = sqrt(as_dtype(x, node.outputs[0].type.dtype))
    return reciprocal(result) if exponent < 0 else result


@register_specialize(IEEE)
@law(pt_pow)
def local_pow_to_nested_squaring(fgraph, node):
    """x ** 6 -> sqr(x) * sqr(sqr(x)): squares are cheaper than a power, and round a little more"""
    x, y = node.inputs
    exponent = number(y)
    if exponent is None or isinstance(exponent, complex) or not is_float(node.outputs[0]):
        return None
    size = abs(exponent)
    if size != math.floor(size) or not 2 < size <= _MAX_SQUARINGS:
        return None
    square = as_dtype(x, node.outputs[0].type.dtype)
    factors, left = [], int(size)
    while left:
        if left & 1:
            factors.append(square)
        left >>= 1
        if left:
            square = sqr(square)
    result = multiplied(factors)
    return reciprocal(result) if exponent < 0 else result


@register_specialize
@law(mul)
def local_mul_to_sqr(fgraph, node):
    """x * x -> sqr(x)"""
    inputs = node.inputs
    if len(inputs) < 2 or len(set(inputs)) == len(inputs):
        return None
    counts: dict = {}
    for v in inputs:
        counts[v] = counts.get(v, 0) + 1
    dtype = node.outputs[0].type.dtype
    if any(n > 1 and v.type.dtype != dtype for v, n in counts.items()):
        return None
    factors = []
    for v, n in counts.items():
        factors.extend([sqr(v)] * (n // 2))
        if n % 2:
            factors.append(v)
    return multiplied(factors)


@register_specialize
@law(mul)
def local_mul_specialize(fgraph, node):
    """-1 * x -> -x"""
    for i, v in enumerate(node.inputs):
        if is_number(v, -1):
            if node.outputs[0].type.numpy_dtype.kind in "ub" or len(node.inputs) == 1:
                return None
            rest = rest_of(node, without(node.inputs, i))
            same = rest is not None and rest.type.dtype == node.outputs[0].type.dtype
            return neg(rest) if same else None
    return None


@register_specialize
@law(true_div)
def local_div_to_reciprocal(fgraph, node):
    """1 / x -> reciprocal(x)"""
    above, below = node.inputs
    if not is_number(above, 1) or below.type.dtype != node.outputs[0].type.dtype:
        return None
    return reciprocal(below)


@register_specialize(IEEE)
@law(mul)
def local_mul_exp_to_exp_add(fgraph, node):
    """exp(x) * exp(y) -> exp(x + y): one exponential less"""
    exponents = [arg_of(v, ps.Exp) for v in node.inputs]
    chosen = [
        i
        for i, (v, x) in enumerate(zip(node.inputs, exponents))
        if x is not None and read_once(fgraph, v)
    ]
    if len(chosen) < 2:
        return None
    rest = [v for i, v in enumerate(node.inputs) if i not in chosen]
    return multiplied([*rest, exp(added([exponents[i] for i in chosen]))])


@register_specialize(IEEE)
@law(mul)
def local_mul_pow_to_pow_add(fgraph, node):
    """x ** a * x ** b -> x ** (a + b)"""
    by_base: dict = {}
    for v in node.inputs:
        parts = args_of(v, ps.Pow)
        if parts is not None and read_once(fgraph, v):
            by_base.setdefault(parts[0], []).append((v, parts[1]))
    merged = {base: powers for base, powers in by_base.items() if len(powers) > 1}
    if not merged or not is_float(node.outputs[0]):
        return None
    gone = {v for powers in merged.values() for v, _ in powers}
    factors = [v for v in node.inputs if v not in gone]
    factors += [pt_pow(base, added([p for _, p in powers])) for base, powers in merged.items()]
    return multiplied(factors)


@register_canonicalize(IEEE)
@law(mul)
def local_mul_switch_sink(fgraph, node):
    """x * switch(c, 0, y) -> switch(c, 0, x * y): a masked gradient stays masked, NaN or not"""
    for i, v in enumerate(node.inputs):
        parts = args_of(v, ps.Switch)
        if parts is None or not read_once(fgraph, v):
            continue
        rest = without(node.inputs, i)
        if not rest:
            continue
        sunk = _sunk(v.type.dtype, parts, lambda y, rest=rest: multiplied([*rest, y]))
        if sunk is not None:
            return sunk
    return None


@register_canonicalize(IEEE)
@law(true_div, int_div)
def local_div_switch_sink(fgraph, node):
    """switch(c, 0, x) / y -> switch(c, 0, x / y)"""
    above, below = node.inputs
    parts = args_of(above, ps.Switch)
    if parts is None or not read_once(fgraph, above):
        return None
    return _sunk(above.type.dtype, parts, lambda x: node.op(x, below))


def _sunk(dtype, parts, outside):
    condition, *branches = parts
    x, y = [as_dtype(branch, dtype) for branch in branches]
    if is_number(x, 0):
        return switch(condition, 0, outside(y))
    if is_number(y, 0):
        return switch(condition, outside(x), 0)
    return None


@register_specialize
@law(mul, true_div)
def local_abs_merge(fgraph, node):
    """abs(x) * abs(y) -> abs(x * y), abs(x) / abs(y) -> abs(x / y)"""
    inner = [arg_of(v, ps.Abs) for v in node.inputs]
    if sum(x is not None and is_float(x) for x in inner) < 2:
        return None
    if type(node.op.scalar_op) is ps.TrueDiv:
        return pt_abs(true_div(*inner))
    rest = [v for v, x in zip(node.inputs, inner) if x is None]
    return multiplied([*rest, pt_abs(multiplied([x for x in inner if x is not None]))])
