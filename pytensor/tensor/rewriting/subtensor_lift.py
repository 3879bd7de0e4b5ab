"""Indices move inwards: take the part first, then compute only that."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pytensor.graph.basic import Constant, Variable
from pytensor.graph.rewriting.basic import copy_stack_trace, node_rewriter
from pytensor.tensor._specify import state_shape
from pytensor.tensor.basic import (
    Alloc,
    AllocDiag,
    ExtractDiag,
    Eye,
    Join,
    MakeVector,
    alloc,
    join,
)
from pytensor.tensor.elemwise import CAReduce, DimShuffle, Elemwise
from pytensor.tensor.math import Dot, dot
from pytensor.tensor.rewriting.common import read_once
from pytensor.tensor.rewriting.indexing import (
    FULL,
    indices_of,
    is_full,
    known,
    known_slice,
    read,
)
from pytensor.tensor.rewriting.registry import (
    register_canonicalize,
    register_infer_shape,
    register_specialize,
    register_stabilize,
    register_useless,
)
from pytensor.tensor.shape import Shape, SpecifyShape, length_constant, shape_i, specify_shape
from pytensor.tensor.special import LogSoftmax, Softmax
from pytensor.tensor.subtensor import AdvancedSubtensor, Subtensor
from pytensor.tensor.type_other import NoneTypeT
from pytensor.tensor.variable import TensorConstant


def _by_axis(node) -> list:
    """Return the index of a `Subtensor`, one entry for each axis of what it reads."""
    indices = list(indices_of(node))
    return indices + [FULL] * (node.inputs[0].type.ndim - len(indices))


def _kept_axes(indices: Sequence) -> list[int]:
    """Return the axes that an index does not take away."""
    return [axis for axis, idx in enumerate(indices) if isinstance(idx, slice)]


def _done(node, new: Variable):
    """Return `new` as the replacement of an indexing node, with what is known of its shape."""
    old = node.outputs[0]
    return [copy_stack_trace([old, node.inputs[0]], specify_shape(new, old.type.shape))]


# -- vectors of numbers --------------------------------------------------------------------


@register_infer_shape
@register_useless
@register_canonicalize
@register_specialize
@node_rewriter([Subtensor, AdvancedSubtensor])
def local_subtensor_make_vector(fgraph, node):
    """[a, b, c][1] -> b, [a, b, c][1:] -> [b, c]"""
    made = node.inputs[0].owner
    if made is None or not isinstance(made.op, MakeVector) or len(node.op.idx_list) != 1:
        return None
    [idx] = indices_of(node)
    items, dtype, old = made.inputs, made.op.dtype, node.outputs[0]
    if isinstance(idx, slice):
        bounds = known_slice(idx)
        if bounds is None:
            return None
        taken = items[slice(*bounds)]
    elif isinstance(idx, TensorConstant) and idx.type.ndim == 1:
        if idx.type.dtype == "bool" or any(not -len(items) <= i < len(items) for i in idx.data):
            return None
        taken = [items[int(i)] for i in idx.data]
    else:
        i = known(idx)
        if i is None or not -len(items) <= i < len(items):
            return None
        return [copy_stack_trace(old, items[i].astype(dtype))]
    if not taken:
        return [TensorConstant(old.type, np.zeros(0, dtype=dtype))]
    return [copy_stack_trace(old, MakeVector(dtype)(*taken))]


@register_infer_shape
@register_useless
@register_canonicalize
@register_specialize
@node_rewriter([Subtensor])
def local_subtensor_shape_constant(fgraph, node):
    """shape(x)[i] -> n if the type of x says so, its Shape_i otherwise"""
    made = node.inputs[0].owner
    if made is None or not isinstance(made.op, Shape) or len(node.op.idx_list) != 1:
        return None
    [idx] = indices_of(node)
    x = made.inputs[0]
    if isinstance(idx, slice):
        bounds = known_slice(idx)
        if bounds is None:
            return None
        static = x.type.shape[slice(*bounds)]
        if None in static:
            return None
        return [TensorConstant(node.outputs[0].type, np.array(static, dtype="int64"))]
    i = known(idx)
    if i is None or not -x.type.ndim <= i < x.type.ndim:
        return None
    i %= x.type.ndim
    n = x.type.shape[i]
    if n is not None:
        return [length_constant(n)]
    new = shape_i(x, i, fgraph)
    again = None if new.owner is None else new.owner.inputs[0].owner
    if again is not None and isinstance(again.op, Shape) and again.inputs[0] is x:
        # An Op whose `infer_shape` says shape(x)[i] again.
        new = shape_i(x, i)
    return [new]


# -- views ---------------------------------------------------------------------------------


@register_canonicalize("local_subtensor_of_expand_dims", "local_subtensor_of_squeeze")
@register_specialize("local_subtensor_of_expand_dims", "local_subtensor_of_squeeze")
@node_rewriter([Subtensor])
def local_subtensor_of_dimshuffle(fgraph, node):
    """dimshuffle(x, (1, "x", 0))[i, :, j] -> dimshuffle(x[j, i], ...)"""
    inner = node.inputs[0].owner
    if inner is None or not isinstance(inner.op, DimShuffle):
        return None
    x, order = inner.inputs[0], inner.op.new_order
    new_index: list = [FULL] * x.type.ndim
    rest = []
    for d, idx in zip(order, _by_axis(node), strict=True):
        if d != "x":
            new_index[d] = idx
        elif not isinstance(idx, slice) and known(idx) not in (0, -1):
            return None
        elif isinstance(idx, slice) and not is_full(idx):
            bounds = known_slice(idx)
            if bounds is None or len(range(1)[slice(*bounds)]) != 1:
                return None
        if isinstance(idx, slice):
            rest.append(d)
    # Axes of the part of x, by their number in x.
    numbers = {d: i for i, d in enumerate(_kept_axes(new_index))}
    part = read(x, new_index)
    return _done(node, part.dimshuffle([d if d == "x" else numbers[d] for d in rest]))


local_subtensor_of_expand_dims = local_subtensor_of_dimshuffle
local_subtensor_of_squeeze = local_subtensor_of_dimshuffle
local_subtensor_of_transpose = local_subtensor_of_dimshuffle


@register_canonicalize("shape_unsafe")
@register_specialize("shape_unsafe")
@node_rewriter([Subtensor])
def local_subtensor_SpecifyShape_lift(fgraph, node):
    """specify_shape(x, s)[i] -> specify_shape(x[i], s without i)"""
    inner = node.inputs[0].owner
    if inner is None or not isinstance(inner.op, SpecifyShape):
        return None
    x, *stated = inner.inputs
    indices = _by_axis(node)
    if any(isinstance(i, slice) and not is_full(i) for i in indices):
        return None
    rest = [
        None if isinstance(s.type, NoneTypeT) else s
        for s, idx in zip(stated, indices, strict=True)
        if isinstance(idx, slice)
    ]
    return _done(node, state_shape(inner.op, read(x, indices), rest))


# -- computations --------------------------------------------------------------------------


@register_canonicalize("shape_unsafe")
@register_specialize("shape_unsafe")
@node_rewriter([Subtensor])
def local_subtensor_of_batch_dims(fgraph, node):
    """f(x, y)[i] -> f(x[i], y[i])"""
    whole = node.inputs[0]
    inner = whole.owner
    if inner is None or not isinstance(inner.op, Elemwise) or len(inner.outputs) != 1:
        return None
    if not read_once(fgraph, whole):
        return None
    indices = _by_axis(node)
    parts = []
    for x in inner.inputs:
        own = [
            _on_repeated_axis(idx) if have == 1 and want != 1 else idx
            for idx, have, want in zip(indices, x.type.shape, whole.type.shape, strict=True)
        ]
        parts.append(read(x, own))
    new = inner.op(*parts)
    if new.type.broadcastable != node.outputs[0].type.broadcastable:
        # The index was on an axis that only looked at had the length of the result.
        return None
    return _done(node, new)


def _on_repeated_axis(idx):
    """Return the index of an axis of length 1 that stands for all others."""
    return FULL if isinstance(idx, slice) else 0


def _axes_of(op, ndim: int) -> tuple[int, ...]:
    axes = tuple(range(ndim)) if op.axis is None else op.axis
    return tuple(sorted(a % ndim for a in axes))


@register_canonicalize("shape_unsafe")
@register_specialize("shape_unsafe")
@node_rewriter([Subtensor])
def local_subtensor_of_reduce(fgraph, node):
    """sum(x, axis=1)[i] -> sum(x[i], axis=0)"""
    inner = node.inputs[0].owner
    if inner is None or not isinstance(inner.op, CAReduce) or not read_once(fgraph, node.inputs[0]):
        return None
    x = inner.inputs[0]
    axes = _axes_of(inner.op, x.type.ndim)
    rest = iter(_by_axis(node))
    indices = [FULL if a in axes else next(rest) for a in range(x.type.ndim)]
    numbers = {d: i for i, d in enumerate(_kept_axes(indices))}
    return _done(node, inner.op.clone(axis=tuple(numbers[a] for a in axes))(read(x, indices)))


@register_canonicalize("shape_unsafe")
@register_specialize("shape_unsafe")
@node_rewriter([Subtensor])
def local_subtensor_of_softmax(fgraph, node):
    """softmax(x, axis=1)[i] -> softmax(x[i], axis=0)"""
    inner = node.inputs[0].owner
    if inner is None or not isinstance(inner.op, Softmax | LogSoftmax):
        return None
    if not read_once(fgraph, node.inputs[0]):
        return None
    x = inner.inputs[0]
    axes = _axes_of(inner.op, x.type.ndim)
    indices = _by_axis(node)
    before = [FULL if a in axes else idx for a, idx in enumerate(indices)]
    if all(is_full(i) for i in before):
        return None
    kept = _kept_axes(before)
    numbers = {d: i for i, d in enumerate(kept)}
    new = type(inner.op)(axis=tuple(numbers[a] for a in axes))(read(x, before))
    after = [indices[a] if a in axes else FULL for a in kept]
    return _done(node, read(new, after))


@register_canonicalize("shape_unsafe")
@register_stabilize("shape_unsafe")
@register_specialize("shape_unsafe")
@node_rewriter([Subtensor])
def local_subtensor_of_dot(fgraph, node):
    """dot(x, y)[i, j] -> dot(x[i], y[:, j])"""
    inner = node.inputs[0].owner
    if inner is None or not isinstance(inner.op, Dot) or not read_once(fgraph, node.inputs[0]):
        return None
    x, y = inner.inputs
    rows = list(indices_of(node))
    columns = rows[x.type.ndim - 1 :]
    rows = rows[: x.type.ndim - 1]
    if y.type.ndim == 2 and columns:
        columns = [FULL, *columns]
    return _done(node, dot(read(x, rows), read(y, columns)))


# -- filled and joined arrays --------------------------------------------------------------


@register_useless("shape_unsafe")
@register_canonicalize("shape_unsafe")
@register_specialize("shape_unsafe")
@node_rewriter([Subtensor])
def local_subtensor_of_alloc(fgraph, node):
    """alloc(x, n, m)[i, a:b] -> alloc(x, length of a:b)"""
    inner = node.inputs[0].owner
    if inner is None or not isinstance(inner.op, Alloc):
        return None
    value, *lengths = inner.inputs
    offset = len(lengths) - value.type.ndim
    indices = _by_axis(node)
    own = [
        idx if n != 1 or _is_one(lengths[offset + i]) else _on_repeated_axis(idx)
        for i, (idx, n) in enumerate(zip(indices[offset:], value.type.shape, strict=True))
    ]
    part = read(value, own)
    old = node.outputs[0]
    if part.type.broadcastable == old.type.broadcastable:
        return _done(node, part)
    shape = []
    for axis, i in enumerate(_kept_axes(indices)):
        full = is_full(indices[i])
        shape.append(lengths[i] if full else shape_i(old, axis, fgraph))
    return _done(node, alloc(part, *shape))


local_basic_subtensor_of_alloc = local_subtensor_of_alloc


def _is_one(n: Variable) -> bool:
    """Return whether a length is the number 1."""
    return isinstance(n, Constant) and int(n.data) == 1


@register_canonicalize("shape_unsafe")
@register_specialize("shape_unsafe")
@node_rewriter([Subtensor])
def local_subtensor_of_join(fgraph, node):
    """join(1, x, y)[i] -> join(0, x[i], y[i]), join(0, x, y)[i] -> x[i] if i is in x"""
    inner = node.inputs[0].owner
    if inner is None or not isinstance(inner.op, Join):
        return None
    axis, parts = inner.op.axis, inner.inputs
    indices = _by_axis(node)
    picked = _picked_part(parts, axis, indices[axis])
    if picked is not None:
        part, idx = picked
        indices[axis] = idx
        return _done(node, read(part, indices).astype(node.outputs[0].type.dtype))
    before = [FULL if a == axis else idx for a, idx in enumerate(indices)]
    if all(is_full(i) for i in before) or not read_once(fgraph, node.inputs[0]):
        return None
    new_axis = _kept_axes(before).index(axis)
    new = join(new_axis, *[read(x, before) for x in parts])
    after = [FULL] * new.type.ndim
    after[new_axis] = indices[axis]
    return _done(node, read(new, after))


def _picked_part(parts, axis: int, idx):
    """Return the joined array that an integer index reads, and the index in it."""
    i = None if isinstance(idx, slice) else known(idx)
    if i is None:
        return None
    for x in parts if i >= 0 else reversed(parts):
        n = x.type.shape[axis]
        if n is None:
            return None
        if -n <= i < n:
            return x, i
        i += n if i < 0 else -n
    return None


# -- diagonals -----------------------------------------------------------------------------


@register_canonicalize
@register_specialize
@node_rewriter([ExtractDiag])
def local_extract_diag_of_alloc_diag(fgraph, node):
    """diagonal(diag(v)) -> v"""
    inner = node.inputs[0].owner
    if inner is None or not isinstance(inner.op, AllocDiag):
        return None
    a, b = node.op, inner.op
    if (a.axis1, a.axis2, a.offset) != (b.axis1, b.axis2, b.offset):
        return None
    return [inner.inputs[0]]


@register_canonicalize
@register_specialize
@node_rewriter([ExtractDiag])
def local_extract_diag_of_eye(fgraph, node):
    """diagonal(eye(n, m)) -> ones, or zeros beside the diagonal"""
    inner = node.inputs[0].owner
    if inner is None or not isinstance(inner.op, Eye) or (node.op.axis1, node.op.axis2) != (0, 1):
        return None
    k = known(inner.inputs[2])
    if k is None:
        return None
    old = node.outputs[0]
    value = np.array(int(k == node.op.offset), dtype=old.type.dtype)
    return _done(node, alloc(value, shape_i(old, 0, fgraph)))
