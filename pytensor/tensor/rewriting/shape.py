"""Lengths and statements about lengths: known ones become numbers, others come from inputs."""

from __future__ import annotations

import numpy as np

from pytensor.graph.basic import Constant, Variable
from pytensor.graph.rewriting.basic import copy_stack_trace, node_rewriter
from pytensor.tensor._specify import state_shape
from pytensor.tensor.basic import Alloc, alloc, constant, stack
from pytensor.tensor.elemwise import Elemwise
from pytensor.tensor.math import maximum
from pytensor.tensor.rewriting.common import lengths_of, read_once
from pytensor.tensor.rewriting.registry import (
    register_canonicalize,
    register_infer_shape,
    register_specialize,
    register_stabilize,
    register_useless,
)
from pytensor.tensor.rewriting.reshape import (
    local_fuse_expand_dims_reshape,
    local_fuse_squeeze_reshape,
    local_reshape_chain,
    local_reshape_lift,
    local_reshape_to_dimshuffle,
    local_useless_expand_dims_in_reshape,
    local_useless_reshape,
)
from pytensor.tensor.rewriting.shape_feature import (
    ShapeFeature,
    ShapeOptimizer,
    UnShapeOptimizer,
)
from pytensor.tensor.shape import Shape, Shape_i, SpecifyShape, length_constant
from pytensor.tensor.subtensor import AdvancedIncSubtensor, IncSubtensor
from pytensor.tensor.type_other import NoneConst, NoneTypeT

__all__ = [
    "ShapeFeature",
    "ShapeOptimizer",
    "UnShapeOptimizer",
    "local_Shape_i_ground",
    "local_Shape_of_SpecifyShape",
    "local_fuse_expand_dims_reshape",
    "local_fuse_squeeze_reshape",
    "local_lift_specify_shape_elemwise",
    "local_lift_specify_shape_inc_subtensor",
    "local_merge_consecutive_specify_shape",
    "local_reshape_chain",
    "local_reshape_lift",
    "local_reshape_to_dimshuffle",
    "local_shape_ground",
    "local_shape_to_shape_i",
    "local_specify_shape_alloc",
    "local_track_shape_i",
    "local_useless_expand_dims_in_reshape",
    "local_useless_reshape",
    "local_useless_specify_shape",
]


# -- reading shapes ------------------------------------------------------------------------


@register_infer_shape
@register_useless
@node_rewriter([Shape])
def local_shape_ground(fgraph, node):
    """shape(x) -> [n, m] if the type says so"""
    static = node.inputs[0].type.shape
    if None in static:
        return None
    return [copy_stack_trace(node.outputs[0], constant(np.array(static, dtype="int64")))]


@register_infer_shape
@register_useless
@register_canonicalize
@node_rewriter([Shape_i])
def local_Shape_i_ground(fgraph, node):
    """shape_i(x) -> n if the type says so"""
    n = node.inputs[0].type.shape[node.op.i]
    return None if n is None else [length_constant(n)]


@register_infer_shape
@register_canonicalize("shape_unsafe")
@register_specialize("shape_unsafe")
@node_rewriter([Shape])
def local_shape_to_shape_i(fgraph, node):
    """shape(x) -> [shape_i(x, 0), shape_i(x, 1), ...], each without computing x if possible"""
    x = node.inputs[0]
    if None not in x.type.shape:
        return local_shape_ground.fn(fgraph, node)
    return [copy_stack_trace(node.outputs[0], stack(lengths_of(fgraph, x)))]


@register_infer_shape
@register_canonicalize("shape_unsafe")
@register_specialize("shape_unsafe")
@node_rewriter([Shape_i])
def local_track_shape_i(fgraph, node):
    """shape_i(f(x)) -> what `infer_shape` of f says about it"""
    feature = getattr(fgraph, "shape_feature", None)
    x = node.inputs[0]
    if feature is None or x.owner is None:
        return None
    new = feature.get_shape(x, node.op.i)
    if new.owner is not None and new.owner.op == node.op and new.owner.inputs[0] is x:
        return None
    return [new]


@register_infer_shape
@register_canonicalize("shape_unsafe")
@node_rewriter([Shape])
def local_Shape_of_SpecifyShape(fgraph, node):
    """shape(specify_shape(x, s)) -> s where it says something"""
    specified = node.inputs[0].owner
    if specified is None or not isinstance(specified.op, SpecifyShape):
        return None
    x, *stated = specified.inputs
    lengths = [
        n if isinstance(s.type, NoneTypeT) else s
        for s, n in zip(stated, lengths_of(fgraph, x), strict=True)
    ]
    if not lengths:
        return None
    return [stack(lengths).astype("int64")]


@register_infer_shape
@register_canonicalize
@register_specialize
@node_rewriter([maximum])
def local_max_of_length_and_zero(fgraph, node):
    """maximum(shape_i(x), 0) -> shape_i(x)"""
    n, other = node.inputs
    if n.owner is None or not isinstance(n.owner.op, Shape_i):
        return None
    if not isinstance(other, Constant) or not bool(other.data <= 0):
        return None
    return [n.astype(node.outputs[0].type.dtype)]


# -- stating shapes ------------------------------------------------------------------------


def _stated(node) -> list[Variable | None]:
    """Return what a `SpecifyShape` says, ``None`` where it says nothing."""
    return [None if isinstance(s.type, NoneTypeT) else s for s in node.inputs[1:]]


@register_infer_shape
@register_useless
@register_canonicalize
@register_stabilize
@register_specialize
@node_rewriter([SpecifyShape])
def local_useless_specify_shape(fgraph, node):
    """specify_shape(x, s) -> x if the type of x says as much"""
    x = node.inputs[0]
    if x.type.shape != node.outputs[0].type.shape:
        return None
    for n, stated in zip(x.type.shape, node.inputs[1:], strict=True):
        if n is None and not isinstance(stated.type, NoneTypeT):
            return None
    return [x]


@register_infer_shape
@register_canonicalize
@node_rewriter([SpecifyShape])
def local_merge_consecutive_specify_shape(fgraph, node):
    """specify_shape(specify_shape(x, s), t) -> specify_shape(x, t, else s)"""
    inner = node.inputs[0].owner
    if inner is None or not isinstance(inner.op, SpecifyShape):
        return None
    both = zip(_stated(inner), _stated(node), strict=True)
    merged = [inside if outside is None else outside for inside, outside in both]
    return [copy_stack_trace(node.outputs[0], state_shape(inner.op, inner.inputs[0], merged))]


@register_canonicalize("shape_unsafe")
@register_specialize("shape_unsafe")
@node_rewriter([SpecifyShape])
def local_specify_shape_alloc(fgraph, node):
    """specify_shape(alloc(x, *lengths), s) -> alloc(x, *s) where s says something"""
    inner = node.inputs[0].owner
    if inner is None or not isinstance(inner.op, Alloc):
        return None
    value, *lengths = inner.inputs
    stated = _stated(node)
    offset = len(lengths) - value.type.ndim
    for i, s in enumerate(stated):
        # A length that the value has itself is not the allocation's to choose.
        if s is not None and i >= offset and value.type.shape[i - offset] != 1:
            return None
    return [alloc(value, *[n if s is None else s for n, s in zip(lengths, stated, strict=True)])]


@register_infer_shape
@register_canonicalize("shape_unsafe")
@register_specialize("shape_unsafe")
@node_rewriter([SpecifyShape])
def local_lift_specify_shape_elemwise(fgraph, node):
    """specify_shape(f(x, y), s) -> f(specify_shape(x, s), specify_shape(y, s))"""
    inner = node.inputs[0].owner
    if inner is None or not isinstance(inner.op, Elemwise) or len(inner.outputs) != 1:
        return None
    if not read_once(fgraph, node.inputs[0]):
        return None
    stated = _stated(node)
    inputs = [
        state_shape(
            node.op,
            x,
            [None if n is not None else s for n, s in zip(x.type.shape, stated, strict=True)],
        )
        for x in inner.inputs
    ]
    new = inner.op(*inputs)
    if new.type.shape != node.outputs[0].type.shape:
        return None
    return [copy_stack_trace([node.outputs[0], inner.outputs[0]], new)]


@register_canonicalize("shape_unsafe")
@register_specialize("shape_unsafe")
@node_rewriter([SpecifyShape])
def local_lift_specify_shape_inc_subtensor(fgraph, node):
    """specify_shape(x[i].inc(y), s) -> specify_shape(x, s)[i].inc(y)"""
    inner = node.inputs[0].owner
    if inner is None or not isinstance(inner.op, IncSubtensor | AdvancedIncSubtensor):
        return None
    if not read_once(fgraph, node.inputs[0]):
        return None
    x, *rest = inner.inputs
    stated = [NoneConst if s is None else s for s in _stated(node)]
    new = inner.op(state_shape(node.op, x, stated), *rest)
    return [copy_stack_trace([node.outputs[0], inner.outputs[0]], new)]
