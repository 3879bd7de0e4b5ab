"""Comparisons whose outcome is known, and extrema of equal operands.

Nothing about floats is decided from ``x`` alone: ``x == x`` is false for NaN.
"""

from __future__ import annotations

import numpy as np

from pytensor.scalar import basic as ps
from pytensor.tensor.basic import Join, MakeVector
from pytensor.tensor.elemwise import DimShuffle
from pytensor.tensor.math import Max, Min, eq, ge, gt, le, lt, maximum, minimum, neq
from pytensor.tensor.rewriting.common import args_of, is_number, law, number
from pytensor.tensor.rewriting.registry import (
    register_canonicalize,
    register_specialize,
    register_stabilize,
    register_useless,
)
from pytensor.tensor.shape import Shape, Shape_i
from pytensor.tensor.type import TensorType, discrete_dtypes

_TRUE_OF_EQUALS = (ps.EQ, ps.LE, ps.GE)
_COMPARISONS = (eq, neq, lt, gt, le, ge)


@register_useless
@register_canonicalize
@register_stabilize
@register_specialize
@law(*_COMPARISONS)
def local_useless_elemwise_comparison(fgraph, node):
    """i < i -> False, i == i -> True of integers; n < 0 -> False, n >= 0 -> True of lengths"""
    x, y = node.inputs
    scalar_op = node.op.scalar_op
    if x is y:
        if x.type.dtype not in discrete_dtypes:
            return None
        return type(scalar_op) in _TRUE_OF_EQUALS
    if number(y) is not None:
        return _against(scalar_op, x, number(y))
    if number(x) is not None:
        return _against(_MIRRORED.get(type(scalar_op), scalar_op), y, number(x))
    return None


_MIRRORED = {ps.LT: ps.gt, ps.GT: ps.lt, ps.LE: ps.ge, ps.GE: ps.le}


def _against(scalar_op, x, value) -> bool | None:
    """Compare a length, or an unsigned integer, to a number."""
    if isinstance(value, complex | np.complexfloating) or value > 0 or not _never_negative(x):
        return None
    if value < 0:
        return type(scalar_op) in (ps.NEQ, ps.GT, ps.GE)
    if type(scalar_op) is ps.LT:
        return False
    return True if type(scalar_op) is ps.GE else None


# Lengths are built of few operations; a deeper expression is not worth the time.
_DEPTH = 4


def _never_negative(x, depth: int = _DEPTH) -> bool:
    """Return whether `x` is a length, a sum, product or extremum of lengths, or unsigned."""
    if not isinstance(x.type, TensorType):
        return False
    kind = x.type.numpy_dtype.kind
    if kind in "ub":
        return True
    node = x.owner
    if kind != "i" or depth == 0:
        return False
    if node is None:
        value = number(x)
        return value is not None and value >= 0
    op = node.op
    if isinstance(op, (Shape, Shape_i)):
        return True
    if isinstance(op, (DimShuffle, MakeVector, Join, Max, Min)):
        return all(_never_negative(v, depth - 1) for v in node.inputs)
    operands = args_of(x, ps.Maximum, ps.Minimum, ps.Cast)
    if operands is None:
        return False
    one_is_enough = type(op.scalar_op) is ps.Maximum
    of_each = [_never_negative(v, depth - 1) for v in operands]
    return any(of_each) if one_is_enough else all(of_each)


@register_useless
@register_canonicalize
@register_specialize
@law(maximum, minimum)
def local_useless_extremum(fgraph, node):
    """maximum(x, x) -> x, maximum(n, 0) -> n of lengths, maximum(x, maximum(x, y)) -> maximum(x, y)"""
    x, y = node.inputs
    if x is y:
        return x
    largest = type(node.op.scalar_op) is ps.Maximum
    for a, b in ((x, y), (y, x)):
        inner = args_of(b, type(node.op.scalar_op))
        if inner is not None and any(v is a for v in inner) and b.type == node.outputs[0].type:
            return b
        value = number(a)
        if value is not None and value <= 0 and _never_negative(b):
            return (b if largest else a) if value == 0 or largest else a
    return None


@register_canonicalize
@law(eq)
def local_eq_true(fgraph, node):
    """b == True -> b of truth values"""
    for x, y in (node.inputs, node.inputs[::-1]):
        if x.type.dtype == "bool" and y.type.dtype == "bool" and is_number(y, True):
            return x
    return None
