"""Useless uses of `unique` and `sort`."""

from __future__ import annotations

from pytensor.graph.rewriting.basic import copy_stack_trace, node_rewriter
from pytensor.scalar import basic as ps
from pytensor.tensor.basic import Alloc
from pytensor.tensor.extra_ops import Repeat, Unique
from pytensor.tensor.math import Max, Min, Prod, Sum
from pytensor.tensor.rewriting.common import args_of, is_float, law
from pytensor.tensor.rewriting.registry import register_canonicalize, register_specialize
from pytensor.tensor.sort import SortOp


@register_canonicalize
@node_rewriter([Unique])
def local_Unique_scalar(fgraph, node):
    """unique(x) -> [x] for a number x"""
    op, x = node.op, node.inputs[0]
    if op.return_index or op.return_inverse or op.return_counts or x.type.ndim:
        return None
    return [copy_stack_trace(node.outputs[0], x.dimshuffle("x"))]


@register_canonicalize
@node_rewriter([Unique])
def local_Unique_lift(fgraph, node):
    """unique(alloc(x)) -> unique(x): repeating adds no values"""
    op, x = node.op, node.inputs[0]
    if op.return_index or op.return_inverse or op.return_counts or op.axis is not None:
        return None
    filled = args_of(x, ps.Second)
    if filled is not None:
        source = filled[1]
    elif x.owner is not None and isinstance(x.owner.op, Alloc | Repeat):
        source = x.owner.inputs[0]
    else:
        return None
    if 0 in x.type.shape or None in x.type.shape:
        # Repeated no times, there are none.
        return None
    return [copy_stack_trace(node.outputs[0], op(source))]


@register_canonicalize
@register_specialize
@law(Sum, Prod, Max, Min)
def local_sort_under_reduce(fgraph, node):
    """max(sort(x)) -> max(x): the order of elements does not matter"""
    inner = node.inputs[0].owner
    if inner is None or not isinstance(inner.op, SortOp):
        return None
    x, axis = inner.inputs
    if isinstance(node.op, Sum | Prod) and is_float(x):
        # Rounding depends on the order.
        return None
    axes = node.op.axis
    if axes is not None:
        data = getattr(axis, "data", None)
        if data is None or int(data) % x.type.ndim not in axes:
            return None
    return node.op(x)
