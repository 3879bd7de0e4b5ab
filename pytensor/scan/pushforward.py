"""The pushforward of a loop: a loop with a tangent for each state that moves."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pytensor.gradient import pushforward as graph_pushforward
from pytensor.graph.basic import Variable
from pytensor.graph.null_type import DisconnectedType, disconnected_type
from pytensor.graph.traversal import ancestors
from pytensor.scan.closure import placeholder
from pytensor.scan.forward import Forward, Loop, core_zeros, in_dtype_of
from pytensor.scan.utils import expand_empty

if TYPE_CHECKING:
    from pytensor.scan.op import Scan


def pushforward(
    op: "Scan",
    inputs: Sequence[Variable],
    outputs: Sequence[Variable],
    tangents: Sequence[Variable],
) -> list[Variable]:
    """Return the tangents of the outputs of a loop."""
    results: list[Variable] = [disconnected_type() for _ in outputs]
    if all(isinstance(t.type, DisconnectedType) for t in tangents):
        return results
    forward = Forward(op, inputs, outputs, backwards=False)
    loop = Loop(forward)
    moved = _moved_reads(forward, loop, tangents)
    found = graph_pushforward(
        forward.results[: forward.n_traced],
        list(moved),
        list(moved.values()),
        disconnected_outputs="ignore",
        return_disconnected="disconnected",
        use_op_pushforward=True,
    )
    order = _add_states(forward, loop, tangents, moved, found)
    for output in range(len(forward.states), forward.n_traced):
        if not isinstance(found[output].type, DisconnectedType):
            loop.args.outer_in_nit_sot.append(forward.steps)
            loop.args.inner_out_nit_sot.append(found[output])
            order.append(output)
    if order:
        values = loop.finish(f"rop_of_{op.name or 'scan_fn'}")
        for output, value in zip(order, values, strict=True):
            results[output] = value
    return results


def _add_states(forward: Forward, loop: Loop, tangents, moved, found) -> list[int]:
    """Add a tangent for each state that moves; return the states in the order of the outputs."""
    order: list[int] = []
    for state, (taps, reads) in enumerate(zip(forward.taps, forward.reads, strict=True)):
        if reads[0] not in moved:
            continue
        result, new = forward.results[state], found[state]
        new = result.zeros_like() if isinstance(new.type, DisconnectedType) else new
        given = tangents[1 + forward.info.n_seqs + state]
        buffer, lag = forward.buffer(state), forward.info.lags[state]
        if isinstance(given.type, DisconnectedType):
            start = core_zeros(buffer, buffer.type.dtype, lag)
        else:
            start = given[:lag]
        loop.args.add_state(
            expand_empty(start, forward.steps),
            taps,
            [moved[read] for read in reads],
            in_dtype_of(result, new),
        )
        order.append(state)
    return sorted(order, key=lambda state: forward.taps[state] == (-1,))


def _moved_reads(forward: Forward, loop: Loop, tangents) -> dict[Variable, Variable]:
    """Return a tangent for everything a step reads that moves."""
    op, info = forward.op, forward.info
    moved: dict[Variable, Variable] = {}
    first = info.outer_in["non_seqs"].start
    for var, t in zip(op.inner_non_seqs(forward.inner), tangents[first:], strict=True):
        if not isinstance(t.type, DisconnectedType) and forward.is_real(var):
            moved[var] = t
    for var, t in zip(op.inner_seqs(forward.inner), tangents[1:]):
        if not isinstance(t.type, DisconnectedType) and forward.is_real(var):
            moved[var] = loop.add_seq(forward.along(t))
    moving = {
        state
        for state in forward.states
        if not isinstance(tangents[1 + info.n_seqs + state].type, DisconnectedType)
    }
    changed = True
    while changed:
        changed = False
        sources = {*moved, *(r for state in moving for r in forward.reads[state])}
        for state in set(forward.states) - moving:
            if not sources.isdisjoint(ancestors([forward.results[state]])):
                moving.add(state)
                changed = True
    for state in sorted(moving):
        for read in forward.reads[state]:
            if forward.is_real(read):
                moved[read] = placeholder(read)
    return moved
