"""Reductions: of scaled, broadcast, joined and reduced arrays."""

from __future__ import annotations

from pytensor.graph.rewriting.rewriters import node_rewriter
from pytensor.scalar import basic as ps
from pytensor.tensor.basic import Join
from pytensor.tensor.elemwise import CAReduce, DimShuffle, Elemwise
from pytensor.tensor.math import Sum, mul, neg, true_div
from pytensor.tensor.rewriting.common import (
    IEEE,
    arg_of,
    args_of,
    law,
    rest_of,
    settled,
)
from pytensor.tensor.rewriting.registry import (
    register_canonicalize,
    register_specialize,
    register_uncanonicalize,
    register_useless,
)


def reduced_axes(op: CAReduce, ndim: int) -> tuple[int, ...]:
    """Return the axes that `op` reduces of an array of `ndim` axes."""
    return tuple(range(ndim)) if op.axis is None else op.axis


def _squeezed(var, axes):
    """Drop axes of length 1."""
    return var.dimshuffle([i for i in range(var.type.ndim) if i not in axes])


@register_canonicalize
@node_rewriter([CAReduce])
def local_sum_prod_all_to_none(fgraph, node):
    """sum(x, axis=(0, 1)) -> sum(x) of a matrix"""
    op = node.op
    ndim = node.inputs[0].type.ndim
    if op.axis is None or len(op.axis) != ndim or not ndim:
        return None
    return settled(node, op.clone(axis=None)(node.inputs[0]))


@register_useless("local_cut_useless_reduce")
@register_canonicalize("local_cut_useless_reduce")
@law(CAReduce)
def local_useless_reduce(fgraph, node):
    """sum(x, axis=()) -> x, sum(x) -> x of a 0-d array"""
    (x,) = node.inputs
    return x if node.outputs[0].type.ndim == x.type.ndim else None


@register_canonicalize
@register_specialize
@register_uncanonicalize
@law(CAReduce)
def local_reduce_broadcastable(fgraph, node):
    """sum(x, axis=(0, 1)) -> sum(x[0], axis=0), where axis 0 has length 1"""
    (x,) = node.inputs
    op = node.op
    shape = x.type.shape
    if 1 not in shape:
        return None
    axes = reduced_axes(op, x.type.ndim)
    ones = [i for i in axes if shape[i] == 1]
    if not ones:
        return None
    squeezed = _squeezed(x, ones)
    rest = [i - sum(one < i for one in ones) for i in axes if i not in ones]
    return op.clone(axis=tuple(rest))(squeezed) if rest else squeezed


@register_canonicalize
@law(CAReduce)
def local_reduce_chain(fgraph, node):
    """sum(sum(x, axis=0), axis=0) -> sum(x, axis=(0, 1)), and so for max, min, prod ..."""
    inner = node.inputs[0].owner
    if inner is None or not isinstance(inner.op, CAReduce) or type(inner.op) is not type(node.op):
        return None
    if inner.op.scalar_op != node.op.scalar_op:
        return None
    if len(fgraph.clients[node.inputs[0]]) > 1:
        return None
    if inner.outputs[0].type.dtype != node.outputs[0].type.dtype:
        return None
    (x,) = inner.inputs
    gone = reduced_axes(inner.op, x.type.ndim)
    kept = [i for i in range(x.type.ndim) if i not in gone]
    axes = sorted([*gone, *(kept[i] for i in reduced_axes(node.op, len(kept)))])
    return inner.op.clone(axis=tuple(axes))(x)


local_op_of_op = local_reduce_chain


@register_canonicalize
@law(CAReduce)
def local_reduce_dimshuffle(fgraph, node):
    """sum(x.T) -> sum(x): the order of the axes does not matter if all are reduced"""
    inner = node.inputs[0].owner
    if node.outputs[0].type.ndim or inner is None or type(inner.op) is not DimShuffle:
        return None
    if inner.op.drop:
        return None  # what `local_reduce_broadcastable` makes
    return node.op.clone(axis=None)(inner.inputs[0])


_BINARY = (ps.Add, ps.Mul, ps.Maximum, ps.Minimum, ps.AND, ps.OR)


@register_canonicalize
@register_uncanonicalize
@law(CAReduce)
def local_reduce_join(fgraph, node):
    """max(join(0, x, y), axis=0) -> maximum(x, y), where x and y have length 1 on the axis"""
    (joined,) = node.inputs
    inner = joined.owner
    if inner is None or type(inner.op) is not Join:
        return None
    axis = inner.op.axis
    if reduced_axes(node.op, joined.type.ndim) != (axis,):
        return None
    scalar_op = node.op.scalar_op
    pieces = inner.inputs
    if any(x.type.shape[axis] != 1 for x in pieces) or type(scalar_op) not in _BINARY:
        return None
    if scalar_op.nin != -1 and len(pieces) != 2:
        return None
    dtype = node.outputs[0].type.dtype
    operands = [_squeezed(x, (axis,)).astype(dtype) for x in pieces]
    return Elemwise(scalar_op)(*operands)


@register_specialize
@law(Sum)
def local_sum_of_neg_to_neg_of_sum(fgraph, node):
    """sum(-x) -> -sum(x)"""
    x = arg_of(node.inputs[0], ps.Neg)
    if x is None or x.type.dtype != node.outputs[0].type.dtype:
        return None
    return neg(node.op(x))


@register_specialize(IEEE)
@law(Sum)
def local_sum_prod_of_mul_or_div(fgraph, node):
    """sum(c * x) -> c * sum(x), sum(x / c) -> sum(x) / c, where c is the same along the axes"""
    (x,) = node.inputs
    if x.type.dtype != node.outputs[0].type.dtype:
        return None  # a narrow product wraps before it is summed
    axes = reduced_axes(node.op, x.type.ndim)
    factors = args_of(x, ps.Mul)
    if factors is not None:
        outer = [v for v in factors if _is_constant_along(v, axes)]
        inner = [v for v in factors if not _is_constant_along(v, axes)]
        if not outer or not inner:
            return None
        rest = rest_of(x.owner, inner)
        total = None if rest is None else _same_shape(node, rest, x)
        if total is None:
            return None
        return mul(*[_squeezed(v, axes) for v in outer], total)
    parts = args_of(x, ps.TrueDiv)
    if parts is None:
        return None
    above, below = parts
    if not _is_constant_along(below, axes) or _is_constant_along(above, axes):
        return None
    total = _same_shape(node, above, x)
    return None if total is None else true_div(total, _squeezed(below, axes))


def _is_constant_along(var, axes) -> bool:
    return all(var.type.shape[i] == 1 for i in axes)


def _same_shape(node, inner, x):
    """Sum `inner`, if it has all the elements of `x` along the axes."""
    axes = reduced_axes(node.op, x.type.ndim)
    if any(inner.type.shape[i] == 1 and x.type.shape[i] != 1 for i in axes):
        return None
    if inner.type.dtype != x.type.dtype:
        inner = inner.astype(x.type.dtype)
    return node.op(inner)
