"""Useless uses of `unique` and `sort`."""

from __future__ import annotations

from pytensor.graph.rewriting.basic import copy_stack_trace, node_rewriter
from pytensor.scalar import basic as ps
from pytensor.tensor.basic import Alloc
from pytensor.tensor.extra_ops import Repeat, Unique
from pytensor.tensor.math import Max, Min, Prod, Sum
from pytensor.tensor.rewriting.common import IEEE, args_of, law
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


@register_canonicalize("shape_unsafe")
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
    if 0 in x.type.shape:
        # Repeated no times, there are none.
        return None
    return [copy_stack_trace(node.outputs[0], op(source))]


@register_canonicalize(IEEE)
@register_specialize(IEEE)
@law(Sum, Prod, Max, Min)
def local_sort_under_reduce(fgraph, node):
    """sum(sort(x)) -> sum(x): the order of elements does not matter, but for rounding"""
    inner = node.inputs[0].owner
    if inner is None or not isinstance(inner.op, SortOp):
        return None
    [x] = inner.inputs
    axes = node.op.axis
    if axes is not None and inner.op._normalized_axis(x) not in axes:
        return None
    return node.op(x)
