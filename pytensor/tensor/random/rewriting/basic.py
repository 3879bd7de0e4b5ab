"""Drawing in place, draws nobody reads, and smaller draws instead of parts of larger ones.

The lifts give other numbers from the same distribution, so they run only when somebody asks for
them; `random_make_inplace` and `sidestep_unused_rng_consumer` change no number.
"""

from __future__ import annotations

import numpy as np

from pytensor.graph.basic import Apply, Constant, Variable
from pytensor.graph.rewriting.basic import (
    WalkingGraphRewriter,
    copy_stack_trace,
    in2out,
    node_rewriter,
)
from pytensor.graph.rewriting.stages import optdb
from pytensor.tensor._convert import get_vector_length
from pytensor.tensor._dimshuffle import DimShuffle, dimshuffle
from pytensor.tensor._make_vector import int_vector
from pytensor.tensor._reshape import _entries
from pytensor.tensor._shape_ops import Shape, Shape_i, length
from pytensor.tensor.extra_ops import broadcast_to
from pytensor.tensor.random.op import RandomVariable, RNGConsumerOp
from pytensor.tensor.rewriting.registry import (
    register_canonicalize,
    register_stabilize,
    register_useless,
)
from pytensor.tensor.subtensor import AdvancedSubtensor, Subtensor, indices_from_subtensor
from pytensor.tensor.subtensor.lengths import indexed_result_shape
from pytensor.tensor.type_other import NoneTypeT


@node_rewriter([RandomVariable], inplace=True)
def random_make_inplace(fgraph, node):
    """Advance the generator itself, not a copy, where nobody else reads it."""
    op, rng = node.op, node.inputs[0]
    if op.inplace or isinstance(rng, Constant):
        return None
    new = op.inplace_on_inputs([0]).make_node(*node.inputs)
    copy_stack_trace(node.outputs, new.outputs)
    return new.outputs


optdb.register(
    "random_make_inplace",
    in2out(
        random_make_inplace,
        name="random_make_inplace",
        ignore_newtrees=True,
        failure_callback=WalkingGraphRewriter.warn_inplace,
    ),
    "fast_run",
    "inplace",
)


@register_useless
@register_canonicalize
@register_stabilize
@node_rewriter([RNGConsumerOp])
def sidestep_unused_rng_consumer(fgraph, node):
    """Pass on the state as it was where nobody reads what was drawn from it.

    As upstream, also where the next state is an update: numbers that nobody sees are not drawn, and
    what is drawn later begins where they would have been.
    """
    states = node.op.update(node)
    drawn = [out for out in node.outputs if out not in states.values()]
    if any(fgraph.clients[out] for out in drawn):
        return None
    return {new: old for old, new in states.items() if fgraph.clients[new]} or None


# -- lifts, for who asks -------------------------------------------------------------------


def is_rv_used_in_graph(base_rv, node, fgraph) -> bool:
    """Tell whether the draws `base_rv` are read by others than `node`; shapes do not count."""
    if fgraph is None:
        return False

    def reads_values(client) -> bool:
        return client is not node and not isinstance(client.op, Shape | Shape_i)

    return any(reads_values(client) for client, _ in fgraph.clients.get(base_rv, ()))


def _drawn_by(var) -> Apply | None:
    """Return the node whose draws `var` is."""
    node = var.owner
    if node is None or not isinstance(node.op, RandomVariable) or var is not node.outputs[1]:
        return None
    return node


def _lifted(node, rv_node, size, params):
    """Return what stands for the outputs of `node` and for the next state."""
    op = rv_node.op
    next_rng, draws = op.make_node(rv_node.inputs[0], size, *params).outputs
    out = node.outputs[0]
    if draws.type != out.type:
        draws = out.type.filter_variable(draws)
    copy_stack_trace([out, rv_node.outputs[0]], [draws, next_rng])
    return {out: draws, rv_node.outputs[0]: next_rng}


@node_rewriter(None)
def local_rv_size_lift(fgraph, node):
    """``normal(0, 1, size=(2,))`` -> ``normal([0, 0], [1, 1])``"""
    op = node.op
    if not isinstance(op, RandomVariable):
        return None
    rng, size, *params = node.inputs
    if isinstance(size.type, NoneTypeT):
        return None
    lengths = _entries(size, get_vector_length(size))
    wide = [
        broadcast_to(p, [*lengths, *(length(p, i) for i in range(p.type.ndim - core, p.type.ndim))])
        for p, core in zip(params, op.ndims_params, strict=True)
    ]
    new = op.make_node(rng, None, *wide).outputs
    new = [new[0], node.outputs[1].type.filter_variable(new[1])]
    copy_stack_trace(node.outputs, new)
    return new


@node_rewriter([DimShuffle])
def local_dimshuffle_rv_lift(fgraph, node):
    """``normal(mu, sigma).T`` -> ``normal(mu.T, sigma.T)``

    Declines if dimensions are dropped or those of a single draw move, and if others read the draws:
    they would be different ones.
    """
    rv_node = _drawn_by(node.inputs[0])
    if rv_node is None or is_rv_used_in_graph(node.inputs[0], node, fgraph):
        return False
    op, order = rv_node.op, node.op.new_order
    if node.op.drop:
        return False
    batch_ndim, supp = op.batch_ndim(rv_node), op.ndim_supp
    batch_order = order[: len(order) - supp]
    if tuple(order[len(order) - supp :]) != tuple(range(batch_ndim, batch_ndim + supp)):
        return False
    size, params = op.size_param(rv_node), op.dist_params(rv_node)
    if not isinstance(size.type, NoneTypeT):
        old = _entries(size, batch_ndim)
        size = int_vector([1 if i == "x" else old[i] for i in batch_order])
    shuffled = [
        dimshuffle(p, [*batch_order, *range(batch_ndim, batch_ndim + core)])
        for p, core in zip(params, op.ndims_params, strict=True)
    ]
    return _lifted(node, rv_node, size, shuffled)


@node_rewriter([Subtensor, AdvancedSubtensor])
def local_subtensor_rv_lift(fgraph, node):
    """``normal(mu, sigma)[i]`` -> ``normal(mu[i], sigma[i])``

    Also with a size, and for masks of several dimensions. Declines if dimensions of a single draw
    are indexed, if others read the draws, and for arrays of integers: one draw may be taken twice.
    """
    draws = node.inputs[0]
    rv_node = _drawn_by(draws)
    if rv_node is None or is_rv_used_in_graph(draws, node, fgraph):
        return False
    op = rv_node.op
    batch_ndim = op.batch_ndim(rv_node)
    indices = list(indices_from_subtensor(node.inputs[1:], node.op.idx_list))
    while indices and isinstance(indices[-1], slice) and indices[-1] == slice(None):
        indices.pop()
    if sum(_n_indexed(i) for i in indices) > batch_ndim or not _each_draw_once(indices):
        return False
    size = op.size_param(rv_node)
    if not isinstance(size.type, NoneTypeT):
        lengths = _entries(size, batch_ndim)
        size = int_vector(list(indexed_result_shape(lengths, indices)))
    one_wide = draws.type.broadcastable
    taken = []
    for p in op.dist_params(rv_node):
        repeated = [p.type.broadcastable[d] and not one_wide[d] for d in range(batch_ndim)]
        taken.append(p[tuple(_for_param(indices, repeated))])
    return _lifted(node, rv_node, size, taken)


def _is_array(index) -> bool:
    return isinstance(index, Variable) and index.type.ndim > 0


def _n_indexed(index) -> int:
    """Return over how many dimensions an index reaches."""
    return index.type.ndim if _is_array(index) else 1


def _each_draw_once(indices) -> bool:
    """Tell whether the indices take each draw at most once, along dimensions of their own."""
    arrays = [i for i in indices if _is_array(i)]
    if any(i.type.dtype != "bool" for i in arrays):
        return False
    # Numbers beside a mask are arrays of integers too.
    return not arrays or sum(not isinstance(i, slice) for i in indices) == 1


def _for_param(indices, repeated):
    """Yield the indices of a parameter whose one value along some dimensions is repeated."""
    axis = 0
    for index in indices:
        over = repeated[axis : axis + _n_indexed(index)]
        axis += len(over)
        if not any(over):
            yield index
        elif all(over):
            # What is left of these dimensions, if anything, is one of length 1.
            yield from [0] * (len(over) - 1)
            yield slice(None) if isinstance(index, slice) or _is_array(index) else 0
        else:
            known = isinstance(index, Constant)
            positions = np.nonzero(index.data) if known else index.nonzero()
            yield from (0 if one else at for one, at in zip(over, positions, strict=True))
