"""The loop in Python: what `Scan.perform` does."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pytensor.compile.calling import duplicate
from pytensor.link.utils import add_iteration

if TYPE_CHECKING:
    from pytensor.scan.op import Scan


class _Place:
    """A buffer and where a step reads or writes it: at ``(step + offset) % length``."""

    __slots__ = ("buffer", "length", "offset")

    def __init__(self, buffer: Any, offset: int) -> None:
        self.buffer = buffer
        self.length = 0 if buffer is None else len(buffer)
        self.offset = offset


def check_lengths(op: "Scan", n_steps: int, seqs: Sequence[Any], states: Sequence[Any]) -> None:
    """Raise ValueError if there is not enough to read for `n_steps` steps."""
    if n_steps < 0:
        raise ValueError(f"[{op}] n_steps must not be negative, got {n_steps}")
    for i, seq in enumerate(seqs):
        if len(seq) < n_steps:
            raise ValueError(
                f"[{op}] sequence {i} must have at least n_steps = {n_steps} elements, "
                f"got shape {seq.shape}"
            )
    for i, (state, lag) in enumerate(zip(states, op.info.lags, strict=True)):
        if len(state) < lag:
            raise ValueError(
                f"[{op}] the buffer of state {i} must hold {lag} initial values, "
                f"got shape {state.shape}"
            )


def run_loop(
    op: "Scan",
    program: Callable[..., list[Any]],
    inputs: Sequence[Any],
    output_storage: Sequence[list[Any]],
) -> None:
    """Run all steps and store the outputs.

    Parameters
    ----------
    op : Scan
    program : callable
        The compiled inner graph; what it returns shares no memory with its arguments.
    inputs : sequence
        Values of the inputs of the node.
    output_storage : sequence of list
    """
    info = op.info
    n_steps = int(inputs[0])
    seqs = inputs[info.outer_in["seqs"]]
    check_lengths(op, n_steps, seqs, op.outer_mitsot(inputs) + op.outer_sitsot(inputs))
    buffers = _buffers(op, inputs)
    reads = [_Place(seq, 0) for seq in seqs]
    reads += _state_reads(op, buffers)
    writes = _writes(op, buffers, [int(n) for n in op.outer_nitsot(inputs)])
    # Steps may overwrite these.
    state = [duplicate(x) for x in op.outer_untraced_sit_sot(inputs)]
    fixed = list(op.outer_non_seqs(inputs))
    n_traced, n_untraced = len(writes), info.n_untraced_sit_sot
    done = 0
    while done < n_steps:
        arguments = [p.buffer[(done + p.offset) % p.length, ...] for p in reads]
        try:
            results = program(*arguments, *state, *fixed)
        except Exception as error:
            add_iteration(error, done)
            raise
        for k in range(n_traced):
            _store(op, k, writes[k], results[k], done)
        state = results[n_traced : n_traced + n_untraced]
        done += 1
        if info.as_while and results[-1]:
            break
    _finish(op, buffers, writes, state, done, output_storage)


def _buffers(op: "Scan", inputs: Sequence[Any]) -> list[Any]:
    """Return the buffers of mit-mots, mit-sots and sit-sots, copied unless they may be changed."""
    first = 1 + op.info.n_seqs
    destroyed = {i for targets in op.destroy_map.values() for i in targets}
    values = inputs[first : op.info.outer_in["sit_sot"].stop]
    return [x if first + i in destroyed else x.copy() for i, x in enumerate(values)]


def _state_reads(op: "Scan", buffers: Sequence[Any]) -> list[_Place]:
    info = op.info
    offsets = list(info.normalized_mit_mot_in_slices)
    sot_taps = info.mit_sot_in_slices + info.sit_sot_in_slices
    offsets += [
        tuple(lag + tap for tap in taps) for taps, lag in zip(sot_taps, info.lags, strict=True)
    ]
    return [
        _Place(buffer, offset)
        for buffer, these in zip(buffers, offsets, strict=True)
        for offset in these
    ]


def _writes(op: "Scan", buffers: Sequence[Any], nit_sot_lengths: Sequence[int]) -> list[_Place]:
    info = op.info
    places = [
        _Place(buffer, offset)
        for buffer, outs in zip(buffers, info.normalized_mit_mot_out_slices)
        for offset in outs
    ]
    places += [
        _Place(buffer, lag)
        for buffer, lag in zip(buffers[info.n_mit_mot :], info.lags, strict=True)
    ]
    for length in nit_sot_lengths:
        place = _Place(None, 0)
        place.length = length
        places.append(place)
    return places


def _store(op: "Scan", k: int, place: _Place, value: Any, step: int) -> None:
    """Write the `k`-th inner output of a step to its place."""
    if place.buffer is None:
        value = np.asarray(value)
        place.buffer = np.empty((place.length, *value.shape), value.dtype)
    expected = place.buffer.shape[1:]
    if np.shape(value) != expected:
        raise ValueError(
            f"[{op}] output {k} of the step must keep the shape {expected} of its state, "
            f"got {np.shape(value)} at step {step}"
        )
    place.buffer[(step + place.offset) % place.length] = value


def _finish(
    op: "Scan",
    buffers: Sequence[Any],
    writes: Sequence[_Place],
    state: Sequence[Any],
    done: int,
    output_storage: Sequence[list[Any]],
) -> None:
    info = op.info
    for cell, buffer in zip(output_storage, buffers[: info.n_mit_mot]):
        cell[0] = buffer
    traced = writes[info.n_mit_mot_outs :]
    for i, place in enumerate(traced, start=info.n_mit_mot):
        if place.buffer is None:
            place.buffer = _no_steps(op, i)
        output_storage[i][0] = _in_order(place, done, info.as_while)
    for cell, value in zip(output_storage[info.outer_out["untraced"]], state, strict=True):
        cell[0] = value


def _no_steps(op: "Scan", output: int) -> Any:
    """Return the trace of a nit-sot when there was no step: lengths not known are 0."""
    inner = op.inner_nitsot_outs(op.inner_outputs)[output - op.info.outer_out["nit_sot"].start]
    return np.empty((0, *(n or 0 for n in inner.type.shape)), inner.type.dtype)


def _in_order(place: _Place, done: int, as_while: bool) -> Any:
    """Return a trace with the oldest value first, cut after the last step of a while loop."""
    filled = place.offset + done
    if filled > place.length:
        first = filled % place.length
        return np.roll(place.buffer, -first, axis=0) if first else place.buffer
    return place.buffer[:filled] if as_while else place.buffer
