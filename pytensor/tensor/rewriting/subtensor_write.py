"""Writing parts of arrays: writes that do nothing, that do everything, and that meet."""

from __future__ import annotations

import numpy as np

from pytensor.graph.basic import Constant, Variable
from pytensor.graph.rewriting.basic import copy_stack_trace, node_rewriter
from pytensor.scalar import basic as ps
from pytensor.tensor.basic import Alloc, alloc, cast
from pytensor.tensor.math import add, neg, sub
from pytensor.tensor.rewriting.common import (
    IEEE,
    args_of,
    broadcast_lengths,
    is_number,
    law,
    lengths_of,
    read_once,
    without,
)
from pytensor.tensor.rewriting.indexing import (
    READS,
    WRITES,
    is_full,
    names_no_element_twice,
    same_indices,
)
from pytensor.tensor.rewriting.registry import (
    register_canonicalize,
    register_specialize,
    register_stabilize,
)
from pytensor.tensor.shape import shape_padleft, specify_shape
from pytensor.tensor.subtensor import (
    AdvancedIncSubtensor,
    AdvancedSubtensor,
    IncSubtensor,
    Subtensor,
)


def _is_set(node) -> bool:
    return node.op.set_instead_of_inc


def _changed(op, **changes):
    """Return an indexing Op with other properties."""
    return type(op)(**{**op._props_dict(), **changes})


def _like(fgraph, y: Variable, x: Variable) -> Variable:
    """Return `y` with the dtype and the shape of `x`, as writing it to all of `x` gives it."""
    if y.type.dtype != x.type.dtype:
        y = cast(y, x.type.dtype)
    y = shape_padleft(y, x.type.ndim - y.type.ndim)
    if y.type.broadcastable == x.type.broadcastable:
        return specify_shape(y, x.type.shape)
    return alloc(y, *lengths_of(fgraph, x))


@register_canonicalize("shape_unsafe")
@register_specialize("shape_unsafe")
@node_rewriter([IncSubtensor, AdvancedIncSubtensor])
def local_useless_inc_subtensor(fgraph, node):
    """x[:].set(y) -> y, zeros[:].inc(y) -> y, x[:].inc(y) -> x + y"""
    if not all([is_full(i) for i in node.op.idx_list]):
        return None
    x, y, old = node.inputs[0], node.inputs[1], node.outputs[0]
    if _is_set(node) or is_number(x, 0):
        return [copy_stack_trace(old, _like(fgraph, y, x))]
    if y.type.dtype != x.type.dtype:
        y = cast(y, x.type.dtype)
    new = add(x, y)
    # Where x is only known to be longer at run time, addition would not repeat it.
    return [copy_stack_trace(old, new)] if new.type == old.type else None


@register_specialize
@node_rewriter([IncSubtensor, AdvancedIncSubtensor])
def local_cast_increment(fgraph, node):
    """x[i].inc(y) -> x[i].inc(cast(y)) if y has another dtype: C adds and writes equal ones"""
    x, y, *idxs = node.inputs
    want, have = x.type.dtype, y.type.dtype
    if want == have or have.startswith("complex") > want.startswith("complex"):
        return None
    if not _is_set(node) and not np.can_cast(have, want, "same_kind"):
        return None
    return [copy_stack_trace(node.outputs[0], node.op(x, cast(y, want), *idxs))]


@register_canonicalize("shape_unsafe")
@register_stabilize("shape_unsafe")
@node_rewriter([IncSubtensor, AdvancedIncSubtensor])
def local_incsubtensor_of_zeros(fgraph, node):
    """x[i].inc(0) -> x"""
    if _is_set(node) or not is_number(node.inputs[1], 0):
        return None
    return [node.inputs[0]]


@register_canonicalize
@register_specialize
@node_rewriter([IncSubtensor, AdvancedIncSubtensor])
def local_incsubtensor_of_zeros_to_setsubtensor(fgraph, node):
    """zeros[i].inc(y) -> zeros[i].set(y) if i names no element twice"""
    if _is_set(node) or not is_number(node.inputs[0], 0):
        return None
    if not names_no_element_twice(fgraph, node):
        return None
    new = _changed(node.op, set_instead_of_inc=True)(*node.inputs)
    return [copy_stack_trace(node.outputs[0], new)]


@register_canonicalize
@register_stabilize
@register_specialize
@node_rewriter([IncSubtensor])
def local_setsubtensor_of_constants(fgraph, node):
    """x[i].set(a) -> x if all elements of x are a"""
    if not _is_set(node):
        return None
    x, y = node.inputs[:2]
    if not isinstance(x, Constant) and (x.owner is None or not isinstance(x.owner.op, Alloc)):
        return None
    value, written = _number(x), _number(y)
    if value is None or written is None:
        return None
    # Compared as what is stored: 0.0 and -0.0, or 0.1 in two precisions, are not the same.
    return [x] if written.astype(value.dtype).tobytes() == value.tobytes() else None


def _number(var: Variable):
    """Return the value of all elements, as an array."""
    node = var.owner
    if node is not None and isinstance(node.op, Alloc):
        var = node.inputs[0]
    return getattr(var, "unique_value", None)


@register_canonicalize("local_setsubtensor_of_allocs", "shape_unsafe")
@register_stabilize("shape_unsafe")
@register_specialize("shape_unsafe")
@node_rewriter([IncSubtensor, AdvancedIncSubtensor])
def local_useless_inc_subtensor_alloc(fgraph, node):
    """x[i].inc(alloc(y, *lengths)) -> x[i].inc(y): writing repeats it"""
    y = node.inputs[1]
    made = y.owner
    if made is None or not isinstance(made.op, Alloc):
        return None
    value = made.inputs[0]
    x, _, *idxs = node.inputs
    reading = Subtensor if isinstance(node.op, IncSubtensor) else AdvancedSubtensor
    part = reading(node.op.idx_list)(x, *idxs)
    offset = part.type.ndim - y.type.ndim
    for i, n in enumerate(y.type.shape):
        # An axis that the allocation does not fill would be repeated without being known to be 1.
        if n != part.type.shape[offset + i] and n == 1:
            return None
    return [copy_stack_trace(node.outputs[0], node.op(x, value, *idxs))]


@register_canonicalize("shape_unsafe")
@register_specialize("shape_unsafe")
@node_rewriter([Subtensor, AdvancedSubtensor])
def local_read_of_write_same_indices(fgraph, node):
    """x[i].set(y)[i] -> y, x[i].inc(y)[i] -> x[i] + y if i names no element twice"""
    write = node.inputs[0].owner
    if write is None or not isinstance(write.op, WRITES):
        return None
    if isinstance(write.op, IncSubtensor) != isinstance(node.op, Subtensor):
        return None
    if not same_indices(node, write) or not names_no_element_twice(fgraph, write):
        return None
    x, y, old = write.inputs[0], write.inputs[1], node.outputs[0]
    part = node.op(x, *node.inputs[1:])
    if _is_set(write):
        return [copy_stack_trace(old, _like(fgraph, y, part))]
    new = add(part, cast(y, part.type.dtype))
    return [copy_stack_trace(old, new)] if new.type == old.type else None


@register_canonicalize
@register_stabilize
@register_specialize
@node_rewriter([IncSubtensor, AdvancedIncSubtensor])
def local_write_of_write_same_indices(fgraph, node):
    """x[i].set(y)[i].set(z) -> x[i].set(z), x[i].inc(y)[i].inc(z) -> x[i].inc(y + z)"""
    inner = node.inputs[0].owner
    if inner is None or type(inner.op) is not type(node.op) or inner.op.inplace:
        return None
    if not read_once(fgraph, node.inputs[0]) or not same_indices(node, inner):
        return None
    x, y, z = inner.inputs[0], inner.inputs[1], node.inputs[1]
    old = node.outputs[0]
    if _is_set(node):
        return [copy_stack_trace(old, node.op(x, *node.inputs[1:]))]
    if not names_no_element_twice(fgraph, node) and _is_set(inner):
        return None
    both = add(y, z)
    # The sum must not repeat what a write would not.
    if both.type.broadcastable not in (y.type.broadcastable, z.type.broadcastable):
        return None
    if y.type.broadcastable != z.type.broadcastable and _is_set(inner):
        return None
    return [copy_stack_trace(old, inner.op(x, both.astype(x.type.dtype), *node.inputs[2:]))]


@register_canonicalize
@register_specialize
@node_rewriter([IncSubtensor, AdvancedIncSubtensor])
def local_set_to_inc_subtensor(fgraph, node):
    """x[i].set(x[i] + y) -> x[i].inc(y) if i names no element twice"""
    if not _is_set(node):
        return None
    x, value = node.inputs[:2]
    terms = args_of(value, ps.Add)
    if terms is None or value.type.dtype != x.type.dtype:
        return None
    for k, term in enumerate(terms):
        part = term.owner
        if part is None or not isinstance(part.op, READS) or part.inputs[0] is not x:
            continue
        if not same_indices(part, node) or not names_no_element_twice(fgraph, node):
            continue
        rest = without(terms, k)
        other = rest[0] if len(rest) == 1 else add(*rest)
        new = _changed(node.op, set_instead_of_inc=False)(x, other, *node.inputs[2:])
        return [copy_stack_trace(node.outputs[0], new)]
    return None


# -- sums of writes to zeros ---------------------------------------------------------------


def _write_to_zeros(fgraph, var: Variable, like: Variable):
    """Return the node that writes to an array of zeros, if `var` is one and only read here."""
    node = var.owner
    if node is None or not isinstance(node.op, WRITES) or var.type.dtype != like.type.dtype:
        return None
    if not is_number(node.inputs[0], 0) or not read_once(fgraph, var):
        return None
    if var.type.broadcastable != like.type.broadcastable:
        return None
    if _is_set(node) and not names_no_element_twice(fgraph, node):
        return None
    return node


@register_canonicalize("shape_unsafe", IEEE)
@register_stabilize("shape_unsafe", IEEE)
@register_specialize("shape_unsafe", IEEE)
@node_rewriter([add])
def local_add_of_sparse_write(fgraph, node):
    """x + zeros[i].inc(y) -> x[i].inc(y): no array of zeros, no addition of all of it"""
    old = node.outputs[0]
    writes, rest = [], []
    for var in node.inputs:
        write = _write_to_zeros(fgraph, var, old)
        if write is None:
            rest.append(var)
        else:
            writes.append(write)
    if not writes:
        return None
    if rest:
        base = rest[0] if len(rest) == 1 else add(*rest)
        if base.type.dtype != old.type.dtype:
            return None
        if base.type.broadcastable != old.type.broadcastable:
            base = alloc(base, *broadcast_lengths(fgraph, [*rest, writes[0].outputs[0]]))
    else:
        base = writes[0].inputs[0]
    for write in writes:
        base = _changed(write.op, set_instead_of_inc=False)(base, *write.inputs[1:])
        copy_stack_trace([old, write.outputs[0]], base)
    return [base]


@register_canonicalize("shape_unsafe", IEEE)
@register_stabilize("shape_unsafe", IEEE)
@register_specialize("shape_unsafe", IEEE)
@node_rewriter([sub])
def local_sub_of_sparse_write(fgraph, node):
    """x - zeros[i].inc(y) -> x[i].inc(-y), zeros[i].inc(y) - x -> (-x)[i].inc(y)"""
    x, y = node.inputs
    old = node.outputs[0]
    write = _write_to_zeros(fgraph, y, old)
    base, sign = x, neg
    if write is None:
        write = _write_to_zeros(fgraph, x, old)
        base, sign = neg(y), None
    if write is None or base.type.dtype != old.type.dtype:
        return None
    if base.type.broadcastable != old.type.broadcastable:
        base = alloc(base, *broadcast_lengths(fgraph, [base, write.outputs[0]]))
    _, value, *idxs = write.inputs
    value = value if sign is None else sign(value)
    new = _changed(write.op, set_instead_of_inc=False)(base, value, *idxs)
    return [copy_stack_trace([old, write.outputs[0]], new)]


@law(add)
def local_IncSubtensor_serialize(fgraph, node):
    """x + zeros[i].inc(y) + zeros[j].inc(z) -> x[i].inc(y)[j].inc(z)"""
    new = local_add_of_sparse_write.fn(fgraph, node)
    return None if new is None else new[0]
