"""`Blockwise` without a batch is the Op inside, and some Ops have batches of their own."""

from __future__ import annotations

from pytensor.graph.replace import _vectorize_node
from pytensor.graph.rewriting.basic import copy_stack_trace, in2out, node_rewriter
from pytensor.graph.rewriting.stages import optdb
from pytensor.graph.rewriting.unify import OpPattern
from pytensor.tensor.basic import Alloc, AllocEmpty, ARange, alloc
from pytensor.tensor.blockwise import Blockwise, vectorize_node_fallback
from pytensor.tensor.math import Dot
from pytensor.tensor.rewriting.inplace import InplaceBlockwiseOptimizer
from pytensor.tensor.rewriting.registry import (
    register_canonicalize,
    register_specialize,
    register_stabilize,
)
from pytensor.tensor.shape import Reshape, shape_padleft
from pytensor.tensor.subtensor import AdvancedIncSubtensor, AdvancedSubtensor, Subtensor


def blockwise_of(core_op) -> OpPattern:
    """Return the pattern of a `Blockwise` of an Op, of an Op class, or of one of several."""
    if not isinstance(core_op, OpPattern):
        core_op = OpPattern(core_op)
    return OpPattern(Blockwise, core_op=core_op)


@node_rewriter([Blockwise])
def local_useless_blockwise(fgraph, node):
    """Use the batched form of an Op that has one; not registered, a user's choice stands"""
    core_op = node.op.core_op
    batch_ndim = node.op.batch_ndim(node)
    core = node.op._create_dummy_core_node(node.inputs)
    if _vectorize_node.dispatch(type(core_op)) is vectorize_node_fallback or not batch_ndim:
        return None
    new = _vectorize_node(core_op, core, *node.inputs)
    if isinstance(new.op, Blockwise):
        return None
    return copy_stack_trace(node.outputs, new.outputs)


@node_rewriter([Blockwise])
def local_useless_unbatched_blockwise(fgraph, node):
    """Blockwise(op)(x) -> op(x) if there is no batch, or one of length 1"""
    op = node.op
    batch_ndim = op.batch_ndim(node)
    if not batch_ndim:
        new = op.core_op.make_node(*node.inputs).outputs
        return copy_stack_trace(node.outputs, new)
    if not all([all(i.type.broadcastable[:batch_ndim]) for i in node.inputs]):
        return None
    if op.destroy_map:
        return None
    cores = [i.dimshuffle(list(range(batch_ndim, i.type.ndim))) for i in node.inputs]
    new = op.core_op.make_node(*cores).outputs
    copy_stack_trace(node.outputs, new)
    return [shape_padleft(out, batch_ndim) for out in new]


# Ops that other rules know, and that gain nothing from a loop around them.
_KNOWN = (
    Dot,
    Alloc,
    AllocEmpty,
    ARange,
    Subtensor,
    AdvancedSubtensor,
    AdvancedIncSubtensor,
    Reshape,
)


@register_canonicalize
@register_stabilize
@register_specialize
@node_rewriter([Blockwise])
def local_eager_useless_unbatched_blockwise(fgraph, node):
    """Blockwise(dot)(x, y) -> dot(x, y) if there is no batch, and the like"""
    if not isinstance(node.op.core_op, _KNOWN):
        return None
    return local_useless_unbatched_blockwise.fn(fgraph, node)


@register_canonicalize
@register_specialize
@node_rewriter([blockwise_of(Alloc)])
def local_blockwise_alloc(fgraph, node):
    """Blockwise(alloc)(x, n) -> alloc(x, *batch, n) if the lengths are not batched"""
    value, *lengths = node.inputs
    out = node.outputs[0]
    if not all([all(n.type.broadcastable) for n in lengths]):
        return None
    batch_ndim = node.op.batch_ndim(node)
    batch = [value.shape[i] for i in range(batch_ndim)]
    missing = out.type.ndim - value.type.ndim
    order = [*range(batch_ndim), *["x"] * missing, *range(batch_ndim, value.type.ndim)]
    new = alloc(value.dimshuffle(order), *batch, *[n.squeeze() for n in lengths])
    return [copy_stack_trace(out, new)]


optdb.register(
    "local_useless_unbatched_blockwise",
    in2out(local_useless_unbatched_blockwise, ignore_newtrees=True),
    "fast_run",
    "fast_compile",
    "blockwise",
)

__all__ = [
    "InplaceBlockwiseOptimizer",
    "blockwise_of",
    "local_blockwise_alloc",
    "local_eager_useless_unbatched_blockwise",
    "local_useless_blockwise",
    "local_useless_unbatched_blockwise",
]
