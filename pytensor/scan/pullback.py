"""The pullback of a loop: a loop that walks backwards.

Let step t compute :math:`y_t = f(x_t, y_{t-1}, w)`. With the cotangents :math:`G_t` of the results,
walk backwards with

.. math:: g_t = G_t + c_{t+1}, \\quad
    (\\bar x_t, c_t, \\bar w_t) = \\mathrm{pullback}_f(x_t, y_{t-1}, w; g_t)

so :math:`c` is the state of the backward loop (one for each offset at which :math:`y` is read),
:math:`\\bar x` is stacked, :math:`\\sum_t \\bar w_t` is another state, and the cotangent of the initial
value is the last :math:`c`. The values :math:`x_t, y_{t-1}, y_t` are read from the forward loop; the
step does not compute :math:`y_t` again. All of it is made of sequences and states, so loops are
closed under differentiation.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pytensor.gradient.walk import _reverse
from pytensor.graph.basic import Variable
from pytensor.graph.null_type import DisconnectedType, NullType, disconnected_type
from pytensor.graph.traversal import ancestors
from pytensor.scan.closure import placeholder
from pytensor.scan.forward import Forward, Loop, core_zeros, in_dtype_of, replaced
from pytensor.scan.utils import expand_empty
from pytensor.tensor.basic import switch, zeros
from pytensor.tensor.shape import shape
from pytensor.tensor.subtensor import set_subtensor
from pytensor.tensor.type import TensorType

if TYPE_CHECKING:
    from pytensor.scan.op import Scan


def _live_outputs(forward: Forward, cotangents: Sequence[Variable]) -> set[int]:
    """Return the outputs of a step that influence something with a cotangent."""
    live = {
        o
        for o in range(forward.n_traced)
        if not isinstance(cotangents[o].type, DisconnectedType)
        and forward.is_real(forward.results[o])
    }
    changed = True
    while changed:
        changed = False
        seen = set(ancestors([forward.results[o] for o in live]))
        for state in forward.states:
            if state not in live and forward.is_real(forward.results[state]):
                if not seen.isdisjoint(forward.reads[state]):
                    live.add(state)
                    changed = True
    return live


def pullback(
    op: "Scan",
    inputs: Sequence[Variable],
    outputs: Sequence[Variable],
    cotangents: Sequence[Variable],
) -> list[Variable]:
    """Return the cotangents of the inputs of a loop."""
    for cotangent in cotangents:
        if isinstance(cotangent.type, NullType):
            return [cotangent for _ in inputs]
    return _Pullback(Forward(op, inputs, outputs, backwards=True), cotangents).run()


class _Pullback:
    """The backward loop of one node."""

    def __init__(self, forward: Forward, cotangents: Sequence[Variable]) -> None:
        self.forward = forward
        self.cotangents = list(cotangents)
        self.loop = Loop(forward)
        self.results: list[Variable] = [disconnected_type() for _ in forward.inputs]
        self.live = sorted(_live_outputs(forward, cotangents))

    def run(self) -> list[Variable]:
        forward = self.forward
        if not self.live:
            return self.results
        seeds = {o: placeholder(forward.results[o]) for o in self.live}
        wrt = [v for v in forward.inner if forward.is_real(v)]
        given = [(forward.results[o], seeds[o]) for o in self.live]
        terms = _reverse(given, {}, wrt, None, None, ("ignore", "disconnected", "return"))
        found = {
            v: in_dtype_of(v, t)
            for v, t in zip(wrt, terms, strict=True)
            if not isinstance(t.type, DisconnectedType)
        }
        if self._undefined(found):
            return self.results
        carried = self._carried(found)
        totals = {seeds[o]: self._total(o, carried.get(o, [])) for o in self.live}
        found = dict(zip(found, replaced(list(found.values()), totals), strict=True))
        self._add_states(found, carried)
        self._add_results(found)
        self._read(self.loop.finish(f"grad_of_{forward.op.name or 'scan_fn'}"))
        return self.results

    def _undefined(self, found: dict[Variable, Variable]) -> bool:
        """Sort out derivatives that don't exist; return whether nothing else is left."""
        forward = self.forward
        reads = {r for state in forward.states for r in forward.reads[state]}
        seqs = forward.op.inner_seqs(forward.inner)
        non_seqs = forward.op.inner_non_seqs(forward.inner)
        first = forward.info.outer_in["non_seqs"].start
        places = {v: 1 + i for i, v in enumerate(seqs)}
        places.update((v, first + i) for i, v in enumerate(non_seqs))
        for var in [v for v, t in found.items() if isinstance(t.type, NullType)]:
            term = found.pop(var)
            if var in reads:
                # Everything before depends on it.
                self.results[1:] = [term for _ in self.results[1:]]
                return True
            self.results[places[var]] = term
        return False

    def _carried(self, found: dict[Variable, Variable]) -> dict[int, list[tuple[int, Variable]]]:
        """Return, for each state, its offsets with a derivative and what stands for its last value."""
        forward = self.forward
        carried: dict[int, list[tuple[int, Variable]]] = {}
        for state in forward.states:
            for tap, read in zip(forward.taps[state], forward.reads[state], strict=True):
                if read in found and state in self.live:
                    carried.setdefault(state, []).append((tap, placeholder(read)))
        return carried

    def _total(self, output: int, carried: list[tuple[int, Variable]]) -> Variable:
        """Return the cotangent of a result of one step."""
        terms = [last for _, last in carried]
        given = self.cotangents[output]
        forward = self.forward
        if not isinstance(given.type, DisconnectedType):
            lag = forward.info.lags[output] if output in forward.states else 0
            terms.insert(0, self.loop.add_seq(forward.along(given, lag)))
        if not terms:
            return forward.results[output].zeros_like()
        total = terms[0]
        for term in terms[1:]:
            total = total + term
        return in_dtype_of(forward.results[output], total)

    def _add_states(self, found, carried) -> None:
        """Add the states of the backward loop: cotangents on their way back, and sums."""
        forward, args = self.forward, self.loop.args
        self.kept: list[tuple[str, int, int]] = []  # what each state is for
        for state, lasts in carried.items():
            for tap, last in lasts:
                read = next(
                    r for t, r in zip(forward.taps[state], forward.reads[state]) if t == tap
                )
                zero = core_zeros(forward.buffer(state), last.type.dtype, -tap)
                args.add_state(expand_empty(zero, forward.steps), (tap,), [last], found[read])
                self.kept.append(("initial", state, tap))
        first = forward.info.outer_in["non_seqs"].start
        for i, var in enumerate(forward.op.inner_non_seqs(forward.inner)):
            if var in found:
                outer = forward.inputs[first + i]
                total = placeholder(found[var])
                zero = outer.zeros_like(dtype=found[var].type.dtype)[None]
                args.add_state(
                    expand_empty(zero, forward.steps), (-1,), [total], total + found[var]
                )
                self.kept.append(("sum", first + i, -1))

    def _add_results(self, found) -> None:
        self.stacked: list[int] = []
        for i, var in enumerate(self.forward.op.inner_seqs(self.forward.inner)):
            if var in found:
                self.loop.args.outer_in_nit_sot.append(self.forward.steps)
                self.loop.args.inner_out_nit_sot.append(found[var])
                self.stacked.append(1 + i)

    def _read(self, outputs: list[Variable]) -> None:
        """Turn what the backward loop computed into cotangents of the inputs."""
        forward, op = self.forward, self.loop.op
        traces = op.outer_mitsot_outs(outputs) + op.outer_sitsot_outs(outputs)
        kept = [k for k in self.kept if k[2] != -1] + [k for k in self.kept if k[2] == -1]
        initial: dict[int, list[tuple[int, Variable]]] = {}
        for (kind, where, tap), trace in zip(kept, traces, strict=True):
            if kind == "sum":
                self.results[where] = trace[-1]
            else:
                initial.setdefault(where, []).append((tap, trace))
        for where, stack in zip(self.stacked, op.outer_nitsot_outs(outputs), strict=True):
            self.results[where] = self._sequence(forward.inputs[where], stack)
        for state in forward.states:
            self._initial(state, initial.get(state, []))
        for i, var in enumerate(forward.inputs):
            if i and isinstance(self.results[i].type, DisconnectedType):
                self.results[i] = self._flat(i, var)

    def _sequence(self, source: Variable, stack: Variable) -> Variable:
        forward = self.forward
        stack = stack[::-1]
        if not forward.truncated and not forward.info.as_while:
            return stack
        full = zeros(tuple(shape(source)), stack.type.dtype)
        start = forward.done - forward.steps
        return set_subtensor(full[start : forward.done], stack)

    def _initial(self, state: int, traces: list[tuple[int, Variable]]) -> None:
        """Set the cotangent of an initial buffer: only its first elements count."""
        forward = self.forward
        lag = forward.info.lags[state]
        given = self.cotangents[state]
        connected = not isinstance(given.type, DisconnectedType)
        if not connected and not traces:
            return
        buffer = forward.buffer(state)
        dtype = given.type.dtype if connected else traces[0][1].type.dtype
        total = given[:lag] if connected else None
        for tap, trace in traces:
            term = trace[tap:][::-1]
            if forward.truncated:
                # The walk did not come back to the beginning.
                term = switch(forward.steps < forward.done, 0, term).astype(dtype)
            if -tap < lag:
                base = core_zeros(buffer, dtype, lag) if total is None else total
                total = set_subtensor(base[lag + tap :], base[lag + tap :] + term)
            else:
                total = term if total is None else total + term
        full = zeros(tuple(shape(buffer)), dtype)
        where = 1 + forward.info.n_seqs + state
        self.results[where] = set_subtensor(full[:lag], total)

    def _flat(self, i: int, var: Variable) -> Variable:
        """Return zeros for a counted input that is connected to a cotangent."""
        if not isinstance(var.type, TensorType) or var.type.numpy_dtype.kind in "fc":
            return self.results[i]
        row = self.forward.op.connection_pattern()[i]
        if any(row[o] for o in self.live):
            return var.zeros_like(dtype="float64")
        return self.results[i]
