"""`Reshape`: only what mixes axes stays one; axes of length 1 are `DimShuffle`'s business."""

from __future__ import annotations

import math

from pytensor.graph.basic import Constant, Variable
from pytensor.graph.rewriting.basic import copy_stack_trace, node_rewriter
from pytensor.tensor.basic import MakeVector, stack
from pytensor.tensor.elemwise import DimShuffle, Elemwise
from pytensor.tensor.math import mul
from pytensor.tensor.reshape import JoinDims, SplitDims
from pytensor.tensor.rewriting.common import lengths_of, read_once
from pytensor.tensor.rewriting.registry import (
    register_canonicalize,
    register_specialize,
    register_stabilize,
    register_useless,
)
from pytensor.tensor.rewriting.shape_feature import same_expression
from pytensor.tensor.shape import Reshape, Shape, reshape, specify_shape


def _entries(node) -> list[Variable | int] | None:
    """Return the entries of the shape that a `Reshape` asks for: numbers where known.

    The length 1 of an axis that the type knows counts as known. ``None`` if the shape is a
    vector whose entries are not at hand.
    """
    vector, static = node.inputs[1], node.outputs[0].type.shape
    if isinstance(vector, Constant):
        return [int(n) for n in vector.data]
    if None not in static:
        return list(static)
    made = vector.owner
    if made is not None and isinstance(made.op, MakeVector):
        known = [int(x.data) if isinstance(x, Constant) else x for x in made.inputs]
        return [x if n is None else n for x, n in zip(known, static, strict=True)]
    return None


def _reshaped(old: Variable, x: Variable, entries: list[Variable | int]) -> Variable:
    new = reshape(x, entries, ndim=len(entries)) if entries else Reshape(0)(x, ())
    return copy_stack_trace(old, new)


@register_useless
@register_canonicalize
@register_stabilize
@register_specialize
@node_rewriter([Reshape])
def local_reshape_chain(fgraph, node):
    """reshape(reshape(x, s), t) -> reshape(x, t)"""
    inner = node.inputs[0].owner
    if inner is None or not isinstance(inner.op, Reshape):
        return None
    new = node.op(inner.inputs[0], node.inputs[1])
    old = node.outputs[0]
    # The inner shape may say what the outer one leaves open.
    return [copy_stack_trace([old, inner.outputs[0]], specify_shape(new, old.type.shape))]


@register_useless("shape_unsafe")
@register_canonicalize("shape_unsafe")
@register_specialize("shape_unsafe")
@node_rewriter([Reshape])
def local_useless_reshape(fgraph, node):
    """reshape(x, shape(x)) -> x"""
    x, old = node.inputs[0], node.outputs[0]
    ndim = old.type.ndim
    if x.type.ndim != ndim:
        return None
    if ndim <= 1 or (None not in x.type.shape and x.type.shape == old.type.shape):
        return [specify_shape(x, old.type.shape)]
    shape_node = node.inputs[1].owner
    if shape_node is not None and isinstance(shape_node.op, Shape) and shape_node.inputs[0] is x:
        return [x]
    entries = _entries(node)
    if entries is None:
        return None
    lengths = None
    left = []
    for i, (entry, n) in enumerate(zip(entries, x.type.shape, strict=True)):
        if isinstance(entry, int):
            if entry != n:
                left.append(i)
            continue
        if n is None:
            lengths = lengths or lengths_of(fgraph, x)
            if same_expression(entry, lengths[i]) or _is_length(entry, x, i):
                continue
        left.append(i)
    if left and not _is_forced(left, entries, x):
        return None
    return [specify_shape(x, old.type.shape)]


def _is_length(entry: Variable, x: Variable, i: int) -> bool:
    node = entry.owner
    return node is not None and getattr(node.op, "i", None) == i and node.inputs[0] is x


def _is_forced(left: list[int], entries, x: Variable) -> bool:
    """Return whether the one axis that is left must fit, since the number of elements does."""
    if len(left) > 1:
        return False
    [i] = left
    # -1 asks for what the others leave, and other axes of length 0 leave it open.
    return entries[i] == -1 or all(
        n is not None and n > 0 for j, n in enumerate(x.type.shape) if j != i
    )


@register_canonicalize
@node_rewriter([Reshape])
def local_reshape_to_dimshuffle(fgraph, node):
    """reshape(x, (n, 1, m)) -> expand_dims(reshape(squeeze(x), (n, m)), 1)"""
    x, old = node.inputs[0], node.outputs[0]
    ones_in = [i for i, n in enumerate(x.type.shape) if n == 1]
    ones_out = [i for i, n in enumerate(old.type.shape) if n == 1]
    if not ones_in and not ones_out:
        return None
    entries = _entries(node)
    if entries is None:
        return None
    kept = [e for i, e in enumerate(entries) if i not in ones_out]
    new = x.dimshuffle([i for i in range(x.type.ndim) if i not in ones_in]) if ones_in else x
    if new.type.ndim or kept:
        static = [n for n in old.type.shape if n != 1]
        new = specify_shape(_reshaped(old, new, kept), static)
    if ones_out:
        axes = iter(range(len(kept)))
        order = ["x" if i in ones_out else next(axes) for i in range(old.type.ndim)]
        new = new.dimshuffle(order)
    return [copy_stack_trace(old, new)]


@register_canonicalize
@node_rewriter([Reshape])
def local_useless_expand_dims_in_reshape(fgraph, node):
    """reshape(expand_dims(x), s) -> reshape(x, s)"""
    inner = node.inputs[0].owner
    if inner is None or not isinstance(inner.op, DimShuffle) or not inner.op.augment:
        return None
    old = node.outputs[0]
    new = node.op(inner.inputs[0].dimshuffle(inner.op.shuffle), node.inputs[1])
    return [copy_stack_trace(old, specify_shape(new, old.type.shape))]


@register_canonicalize
@register_specialize
@node_rewriter([Reshape])
def local_reshape_lift(fgraph, node):
    """reshape(f(x), s) -> f(reshape(x, s))"""
    inner = node.inputs[0].owner
    if inner is None or not isinstance(inner.op, Elemwise) or len(inner.inputs) != 1:
        return None
    if not read_once(fgraph, node.inputs[0]) or len(inner.outputs) != 1:
        return None
    old = node.outputs[0]
    inside = copy_stack_trace(old, node.op(inner.inputs[0], node.inputs[1]))
    new = inner.op(specify_shape(inside, old.type.shape))
    return [copy_stack_trace([old, inner.outputs[0]], new)]


# -- fewer views at run time ---------------------------------------------------------------


def _keeps_order(op: DimShuffle) -> bool:
    return list(op.shuffle) == sorted(op.shuffle)


@register_specialize
@node_rewriter([Reshape])
def local_fuse_squeeze_reshape(fgraph, node):
    """reshape(squeeze(x), s) -> reshape(x, s)"""
    inner = node.inputs[0].owner
    if inner is None or not isinstance(inner.op, DimShuffle) or not _keeps_order(inner.op):
        return None
    old = node.outputs[0]
    new = node.op(inner.inputs[0], node.inputs[1])
    return [copy_stack_trace(old, specify_shape(new, old.type.shape))]


@register_specialize
@node_rewriter([DimShuffle])
def local_fuse_expand_dims_reshape(fgraph, node):
    """expand_dims(reshape(x, s)) -> reshape(x, s with ones)"""
    inner = node.inputs[0].owner
    if inner is None or not isinstance(inner.op, Reshape) or not node.op.is_expand_dims:
        return None
    if not read_once(fgraph, node.inputs[0]):
        return None
    entries = _entries(inner)
    if entries is None:
        return None
    entries = [1 if d == "x" else entries[d] for d in node.op.new_order]
    old = node.outputs[0]
    new = specify_shape(_reshaped(old, inner.inputs[0], entries), old.type.shape)
    return [new]


# -- joined and split axes -----------------------------------------------------------------


def _no_empty(static) -> bool:
    """Return whether no length is 0, so that -1 says which one is meant."""
    return all(n is not None and n > 0 for n in static)


@register_canonicalize
@node_rewriter([SplitDims])
def local_split_dims(fgraph, node):
    """split_dims(x, s) -> reshape(x, (..., *s, ...))"""
    x, shape = node.inputs
    axis, old = node.op.axis, node.outputs[0]
    if isinstance(shape, Constant) and shape.data.size == 0:
        return [x.dimshuffle([i for i in range(x.type.ndim) if i != axis])]
    lengths = lengths_of(fgraph, x)
    parts = [shape[i] for i in range(old.type.ndim - x.type.ndim + 1)]
    if isinstance(shape, Constant):
        parts = [int(n) for n in shape.data]
    if -1 in parts and not _no_empty([*x.type.shape[:axis], *x.type.shape[axis + 1 :]]):
        others = math.prod(n for n in parts if n != -1)
        if not others:
            return None
        parts[parts.index(-1)] = lengths[axis] // others
    new = reshape(x, stack([*lengths[:axis], *parts, *lengths[axis + 1 :]]), ndim=old.type.ndim)
    return [copy_stack_trace(old, specify_shape(new, old.type.shape))]


@register_canonicalize
@node_rewriter([JoinDims])
def local_join_dims(fgraph, node):
    """join_dims(x) -> reshape(x, (..., -1, ...))"""
    [x] = node.inputs
    op, old = node.op, node.outputs[0]
    start, count = op.start_axis, op.n_axes
    if count == 0:
        order = list(range(x.type.ndim))
        return [x.dimshuffle([*order[:start], "x", *order[start:]])]
    if count == 1:
        return [x]
    lengths = lengths_of(fgraph, x)
    rest = [*x.type.shape[:start], *x.type.shape[start + count :]]
    joined = -1 if _no_empty(rest) else mul(*lengths[start : start + count])
    new = reshape(
        x, stack([*lengths[:start], joined, *lengths[start + count :]]), ndim=old.type.ndim
    )
    return [copy_stack_trace(old, specify_shape(new, old.type.shape))]
