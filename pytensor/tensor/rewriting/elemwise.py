"""`DimShuffle` moves inwards and disappears; constants get the dtype they are used in."""

from __future__ import annotations

import numpy as np

from pytensor.graph.basic import Apply, Variable
from pytensor.graph.rewriting.basic import copy_stack_trace, node_rewriter
from pytensor.scalar import basic as ps
from pytensor.scalar.basic import ScalarOp
from pytensor.tensor.basic import MakeVector
from pytensor.tensor.blockwise import Blockwise
from pytensor.tensor.elemwise import DimShuffle, Elemwise, dimshuffle
from pytensor.tensor.math import Dot
from pytensor.tensor.rewriting.common import read_once
from pytensor.tensor.rewriting.registry import (
    register_canonicalize,
    register_specialize,
    register_stabilize,
    register_uncanonicalize,
)
from pytensor.tensor.variable import TensorConstant

# -- axes ----------------------------------------------------------------------------------


def is_dimshuffle_useless(new_order, input: Variable) -> bool:
    """Return whether axes in that order are the axes of `input` as they are."""
    if len(new_order) != input.type.ndim:
        return False
    shape = input.type.shape
    # An axis of length 1 that is dropped and put back is still there.
    return all([d == i or (d == "x" and shape[i] == 1) for i, d in enumerate(new_order)])


def merged_orders(outer, inner) -> tuple:
    """Return the order of a `DimShuffle` of a `DimShuffle` as one.

    Examples
    --------
    >>> merged_orders(("x", 1), (2, 0))
    ('x', 0)
    """
    return tuple(["x" if d == "x" else inner[d] for d in outer])


def _merged(node: Apply) -> Variable | None:
    """Return ``dimshuffle(dimshuffle(x))`` as one, and ``x`` for the identity."""
    x, order = node.inputs[0], node.op.new_order
    inner = x.owner
    if inner is not None and isinstance(inner.op, DimShuffle):
        return dimshuffle(inner.inputs[0], merged_orders(order, inner.op.new_order))
    return x if is_dimshuffle_useless(order, x) else None


@register_uncanonicalize  # BLAS calls leave views of views behind
@node_rewriter([DimShuffle])
def local_dimshuffle_merge(fgraph, node):
    """dimshuffle(dimshuffle(x)) -> dimshuffle(x)"""
    new = _merged(node)
    return None if new is None else [copy_stack_trace(node.outputs[0], new)]


def _is_for_products(fgraph, node: Apply) -> bool:
    """Return whether only matrix products read a transpose: BLAS transposes for free."""
    op = node.op
    if op.augment or op.drop or fgraph is None:
        return False
    readers = fgraph.clients.get(node.outputs[0], ())
    return bool(readers) and all(
        isinstance(reader.op, Dot)
        or (isinstance(reader.op, Blockwise) and isinstance(reader.op.core_op, Dot))
        for reader, _ in readers
    )


@register_canonicalize
@register_stabilize
@register_specialize
@node_rewriter([DimShuffle])
def local_dimshuffle_lift(fgraph, node):
    """dimshuffle(f(x, y)) -> f(dimshuffle(x), dimshuffle(y))

    So that elementwise operations stand next to one another. Merges views of views, too.
    """
    old = node.outputs[0]
    new = _merged(node)
    if new is not None:
        return [copy_stack_trace(old, new)]
    x, order = node.inputs[0], node.op.new_order
    inner = x.owner
    if inner is None or not isinstance(inner.op, Elemwise) or len(inner.outputs) != 1:
        return None
    if not read_once(fgraph, x) or _is_for_products(fgraph, node):
        return None
    # An input that broadcasts has no element to lose, but a dropped axis must be known to be one.
    if any(x.type.shape[d] != 1 for d in node.op.drop):
        return None
    new = inner.op(
        *[apply_local_dimshuffle_lift(fgraph, i.dimshuffle(order)) for i in inner.inputs]
    )
    return [copy_stack_trace([old, x], new)]


def apply_local_dimshuffle_lift(fgraph, var: Variable) -> Variable:
    """Return `var` as `local_dimshuffle_lift` would have it."""
    while var.owner is not None and isinstance(var.owner.op, DimShuffle):
        new = local_dimshuffle_lift.fn(fgraph, var.owner)
        if not new:
            break
        [var] = new
    return var


def apply_local_dimshuffle_merge(fgraph, var: Variable) -> Variable:
    """Return `var` with a view of a view as one view."""
    if var.owner is None or not isinstance(var.owner.op, DimShuffle):
        return var
    new = _merged(var.owner)
    return var if new is None else new


@register_canonicalize
@register_specialize
@node_rewriter([DimShuffle])
def local_useless_dimshuffle_makevector(fgraph, node):
    """dimshuffle([a]) -> a, with as many axes"""
    made = node.inputs[0].owner
    if made is None or not isinstance(made.op, MakeVector) or len(made.inputs) != 1:
        return None
    old = node.outputs[0]
    [x] = made.inputs
    return [copy_stack_trace(old, x.astype(old.type.dtype).dimshuffle(["x"] * old.type.ndim))]


# -- dtypes --------------------------------------------------------------------------------

# Functions whose inputs are converted to the dtype of the output before anything is computed.
_CONVERTING = (ps.upcast_out, ps.upcast_out_nobool, ps.upgrade_to_float)


def _converts(scalar_op: ScalarOp) -> bool:
    return getattr(scalar_op, "output_types_preference", None) in _CONVERTING


@register_canonicalize("shape_unsafe")
@node_rewriter([Elemwise])
def local_upcast_elemwise_constant_inputs(fgraph, node):
    """f(x, 1) -> f(x, 1.0): constants get the dtype they are computed in, and can be merged"""
    if len(node.inputs) == 1 or len(node.outputs) != 1:
        return None
    dtype = node.outputs[0].type.dtype
    found = False
    for var in node.inputs:
        if isinstance(var, TensorConstant) and var.type.dtype != dtype:
            found = True
            break
    if not found or not _converts(node.op.scalar_op) or isinstance(node.op.scalar_op, ps.Pow):
        return None
    inputs = []
    for var in node.inputs:
        if isinstance(var, TensorConstant) and var.type.dtype != dtype:
            data = var.data.astype(dtype)
            if not np.array_equal(data, var.data, equal_nan=data.dtype.kind in "fc"):
                return None
            var = TensorConstant(var.type.clone(dtype=dtype), data)
        inputs.append(var)
    new = node.op(*inputs)
    if new.type != node.outputs[0].type:
        return None
    return [copy_stack_trace(node.outputs[0], new)]
