"""Indexing by arrays that says the same with less: parts of parts, diagonals, masks as conditions."""

from __future__ import annotations

import numpy as np

from pytensor.graph.basic import Variable
from pytensor.graph.rewriting.basic import copy_stack_trace, node_rewriter
from pytensor.tensor.basic import ARange, diagonal
from pytensor.tensor.elemwise import DimShuffle, Elemwise
from pytensor.tensor.math import Sum, switch
from pytensor.tensor.rewriting.indexing import (
    FULL,
    indices_of,
    is_full,
    known,
    known_slice,
    nonnegative_length,
    read,
)
from pytensor.tensor.rewriting.registry import register_canonicalize, register_specialize
from pytensor.tensor.rewriting.shape_feature import same_expression
from pytensor.tensor.shape import shape_i, specify_shape
from pytensor.tensor.subtensor import (
    AdvancedIncSubtensor,
    AdvancedSubtensor,
    IncSubtensor,
    Subtensor,
    advanced_subtensor,
    basic_subtensor,
)
from pytensor.tensor.variable import TensorConstant


def _only_array(node) -> tuple[int, Variable] | None:
    """Return axis and array of an index by one array of integers among full slices."""
    indices = indices_of(node)
    arrays = [(k, i) for k, i in enumerate(indices) if not isinstance(i, slice)]
    if len(arrays) != 1 or not all(is_full(i) for i in indices if isinstance(i, slice)):
        return None
    [(axis, array)] = arrays
    return None if array.type.dtype == "bool" or not array.type.ndim else (axis, array)


@register_canonicalize("shape_unsafe")
@register_specialize("shape_unsafe")
@node_rewriter([Subtensor, AdvancedSubtensor])
def local_subtensor_of_adv_subtensor(fgraph, node):
    """x[:, i][:, j] -> x[:, i[j]]: fewer elements are taken"""
    inner = node.inputs[0].owner
    if inner is None or not isinstance(inner.op, AdvancedSubtensor):
        return None
    found = _only_array(inner)
    outer = list(indices_of(node))
    if found is None or any(getattr(i, "type", None) and i.type.dtype == "bool" for i in outer):
        return None
    axis, array = found
    behind = axis + array.type.ndim
    outer += [FULL] * (behind - len(outer))
    before, on_array, after = outer[:axis], outer[axis:behind], outer[behind:]
    if not all(is_full(i) for i in (*before, *after)):
        return None
    part = (advanced_subtensor if isinstance(node.op, AdvancedSubtensor) else basic_subtensor)(
        array, *on_array
    )
    take = advanced_subtensor if part.type.ndim else basic_subtensor
    new = take(inner.inputs[0], *[FULL] * axis, part)
    old = node.outputs[0]
    return [copy_stack_trace([old, inner.outputs[0]], specify_shape(new, old.type.shape))]


# -- diagonals -----------------------------------------------------------------------------


def _counts(fgraph, idx: Variable, x: Variable, axis: int) -> bool:
    """Return whether a vector of indices is 0, 1, 2 ... up to the length of an axis."""
    node, n = idx.owner, x.type.shape[axis]
    if isinstance(idx, TensorConstant):
        return n == len(idx.data) and np.array_equal(idx.data, np.arange(n))
    if node is None or not isinstance(node.op, ARange):
        return False
    start, stop, step = node.inputs
    if known(start) != 0 or known(step) != 1:
        return False
    stop = nonnegative_length(stop)
    if known(stop) is not None:
        return known(stop) == n
    return same_expression(stop, shape_i(x, axis, fgraph))


@register_canonicalize("shape_unsafe")
@register_specialize("shape_unsafe")
@node_rewriter([AdvancedSubtensor])
def local_adv_idx_to_diagonal(fgraph, node):
    """x[arange(n), arange(n)] -> diagonal(x) if x is n x n"""
    indices = indices_of(node)
    arrays = [k for k, i in enumerate(indices) if not isinstance(i, slice)]
    if len(arrays) != 2 or arrays[1] != arrays[0] + 1:
        return None
    if not all(is_full(i) for i in indices if isinstance(i, slice)):
        return None
    x, first = node.inputs[0], arrays[0]
    i, j = indices[first], indices[first + 1]
    if i.type.ndim != 1 or not same_expression(i, j, depth=2):
        return None
    if not _counts(fgraph, i, x, first) or not _counts(fgraph, j, x, first + 1):
        return None
    new = diagonal(x, axis1=first, axis2=first + 1)
    # The diagonal is the last axis, the arrays' axis stands where they stood.
    last = new.type.ndim - 1
    order = [*range(first), last, *range(first, last)]
    if order != list(range(last + 1)):
        new = DimShuffle(input_ndim=new.type.ndim, new_order=tuple(order))(new)
    return [copy_stack_trace(node.outputs[0], specify_shape(new, node.outputs[0].type.shape))]


# -- reading beside what was written -------------------------------------------------------


def _bounds(indices) -> tuple[int, int | None] | None:
    """Return start and stop of an index that is one slice of the first axis, counted from 0."""
    if len(indices) != 1 or not isinstance(indices[0], slice):
        return None
    parts = known_slice(indices[0])
    if parts is None or parts[2] != 1:
        return None
    start, stop = parts[0] or 0, parts[1]
    return None if start < 0 or (stop is not None and stop < 0) else (start, stop)


@register_canonicalize
@register_specialize
@node_rewriter([Subtensor])
def local_slice_read_of_write(fgraph, node):
    """x[a:b].set(y)[c:d] -> x[c:d] if the slices do not meet"""
    write = node.inputs[0].owner
    if write is None or not isinstance(write.op, IncSubtensor):
        return None
    written, taken = _bounds(indices_of(write)), _bounds(indices_of(node))
    if written is None or taken is None:
        return None
    (a, b), (c, d) = written, taken
    if not ((b is not None and c >= b) or (d is not None and a >= d)):
        return None
    new = read(write.inputs[0], indices_of(node))
    return [copy_stack_trace(node.outputs[0], new)]


# -- masks ---------------------------------------------------------------------------------


def _mask_of(node) -> Variable | None:
    """Return the mask of an index by one mask that is computed from the array itself.

    Its lengths are those of the array then, so that nothing repeats where it should fail.
    """
    indices = indices_of(node)
    if len(indices) != 1 or isinstance(indices[0], slice) or indices[0].type.dtype != "bool":
        return None
    x, mask = node.inputs[0], indices[0]
    made = mask.owner
    if mask.type.broadcastable != x.type.broadcastable or made is None:
        return None
    return mask if isinstance(made.op, Elemwise) and x in made.inputs else None


@register_specialize
@node_rewriter([AdvancedIncSubtensor])
def local_masked_write_to_switch(fgraph, node):
    """x[x < 0].set(a) -> switch(x < 0, a, x) for a number a"""
    x, y = node.inputs[:2]
    mask = _mask_of(node)
    if mask is None or not all(y.type.broadcastable) or y.type.dtype != x.type.dtype:
        return None
    if y.type.ndim:
        y = y.dimshuffle()
    new = switch(mask, y if node.op.set_instead_of_inc else x + y, x)
    return [copy_stack_trace(node.outputs[0], new)] if new.type == x.type else None


@register_specialize
@node_rewriter([Sum])
def local_sum_of_masked(fgraph, node):
    """sum(x[x < 0]) -> sum(switch(x < 0, x, 0)): nothing is counted or moved"""
    part = node.inputs[0].owner
    if part is None or not isinstance(part.op, AdvancedSubtensor):
        return None
    mask = _mask_of(part)
    if mask is None or len(fgraph.clients[node.inputs[0]]) > 1:
        return None
    x = part.inputs[0]
    chosen = switch(mask, x, x.type.numpy_dtype.type(0))
    if chosen.type.dtype != x.type.dtype:
        return None
    total = Sum(axis=None, dtype=node.op.dtype, acc_dtype=node.op.acc_dtype)(chosen)
    return [copy_stack_trace(node.outputs[0], total)]
