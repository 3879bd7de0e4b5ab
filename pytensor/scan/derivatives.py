"""Derivatives of loops, which are loops.

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

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from pytensor.gradient import pullback as graph_pullback
from pytensor.gradient import pushforward as graph_pushforward
from pytensor.graph.basic import Constant, Variable
from pytensor.graph.fg import FunctionGraph
from pytensor.graph.null_type import DisconnectedType, NullType, disconnected_type
from pytensor.graph.replace import clone_replace
from pytensor.graph.rewriting.basic import MergeOptimizer
from pytensor.graph.traversal import ancestors
from pytensor.scan.args import ScanArgs
from pytensor.scan.closure import close_over, placeholder
from pytensor.scan.fields import mappings
from pytensor.scan.utils import expand_empty
from pytensor.tensor.basic import cast, switch, zeros
from pytensor.tensor.math import minimum
from pytensor.tensor.shape import shape
from pytensor.tensor.subtensor import set_subtensor
from pytensor.tensor.type import TensorType

if TYPE_CHECKING:
    from pytensor.scan.op import Scan


def connection_pattern(op: "Scan", inner: list[list[bool]]) -> list[list[bool]]:
    """Return which inputs of the node are connected to which of its outputs.

    Parameters
    ----------
    op : Scan
    inner : list of list of bool
        The same for one step.
    """
    info = op.info
    maps = mappings(info)
    reads, writes = maps["inner_inp_from_outer_inp"], maps["inner_out_from_outer_out"]
    source = maps["outer_inp_from_outer_out"]
    n_in, n_out = info.n_outer_inputs, info.n_outer_outputs
    states = [o for o in range(n_out) if reads[source[o]]]
    direct = [
        [any(inner[i][k] for i in reads[j] for k in writes[o]) for o in range(n_out)]
        for j in range(n_in)
    ]
    pattern = [list(row) for row in direct]
    for o in states:
        pattern[source[o]][o] = True
    changed = True
    while changed:
        changed = False
        for row in pattern:
            for o in states:
                for later in range(n_out) if row[o] else ():
                    if direct[source[o]][later] and not row[later]:
                        row[later] = changed = True
    return pattern


# The forward loop as seen from a derivative ----------------------------------------------------


class _Forward:
    """A loop that is differentiated: its step, and its values along another loop.

    Parameters
    ----------
    op, inputs, outputs
        Of the node.
    backwards : bool
        The other loop walks from the last step to the first.
    """

    def __init__(self, op: "Scan", inputs, outputs, backwards: bool) -> None:
        if op.info.n_mit_mot:
            raise NotImplementedError(
                f"[{op}] derivatives of loops with mit-mots are not implemented"
            )
        self.op, self.info = op, op.info
        self.inputs, self.outputs = list(inputs), list(outputs)
        self.backwards = backwards
        graph = op.unfrozen()
        self.inner, self.results = list(graph.inputs), list(graph.outputs)
        self.states = [o for o in range(op.info.n_mit_sot + op.info.n_sit_sot)]
        self.taps = op.info.mit_sot_in_slices + op.info.sit_sot_in_slices
        self.reads = op.inner_mitsot_grouped(self.inner) + [
            [v] for v in op.inner_sitsot(self.inner)
        ]
        self.n_traced = len(self.states) + op.info.n_nit_sot
        self.done = self._steps_done()
        self.steps = self.done
        if backwards and op.truncate_gradient >= 0:
            self.steps = minimum(self.done, op.truncate_gradient)
        self.truncated = self.steps is not self.done

    def _steps_done(self) -> Variable:
        if not self.info.as_while:
            return self.inputs[0]
        if not self.n_traced:
            raise NotImplementedError(
                f"[{self.op}] the number of steps of a while loop must be known from an output"
            )
        lag = self.info.lags[0] if self.states else 0
        return shape(self.outputs[0])[0] - lag

    def buffer(self, state: int) -> Variable:
        """Return the initial buffer of a state."""
        return self.inputs[1 + self.info.n_seqs + state]

    def is_real(self, var: Variable) -> bool:
        """Tell whether a value can have a derivative."""
        return isinstance(var.type, TensorType) and var.type.numpy_dtype.kind in "fc"

    def along(self, stack: Variable, first: int = 0) -> Variable:
        """Return the elements of `stack` from `first` on, one for each step, in walking order."""
        taken = stack[first : self.done + first] if first else stack[: self.done]
        if not self.backwards:
            return taken
        taken = taken[::-1]
        return taken[: self.steps] if self.truncated else taken

    def value(self, var: Variable) -> Variable:
        """Return the values of a sequence element or a state, along the other loop."""
        at = next(i for i, v in enumerate(self.inner) if v is var)
        if at < self.info.n_seqs:
            return self.along(self.inputs[1 + at])
        for state, (taps, reads) in enumerate(zip(self.taps, self.reads, strict=True)):
            for tap, read in zip(taps, reads, strict=True):
                if read is var:
                    return self.along(self.outputs[state], self.info.lags[state] + tap)
        raise NotImplementedError(
            f"[{self.op}] the derivative needs the values of an untraced state ({var.type}) at each "
            "step, for example random draws. Draw before the loop and pass the draws as a sequence"
        )

    def result(self, output: int) -> Variable:
        """Return the results of the forward steps, along the other loop."""
        lag = self.info.lags[output] if output < len(self.states) else 0
        return self.along(self.outputs[output], lag)


def _reuse_results(forward: _Forward, expressions: Sequence[Variable]):
    """Replace results of the forward step in `expressions` by placeholders.

    Returns
    -------
    expressions : list of Variable
    results : dict
        Maps placeholders to the number of the output they stand for.
    """
    outputs = forward.results[: forward.n_traced]
    leaves = [
        v
        for v in ancestors([*outputs, *expressions])
        if v.owner is None and not isinstance(v, Constant)
    ]
    graph = FunctionGraph(leaves, [*outputs, *expressions], clone=True)
    MergeOptimizer().rewrite(graph)
    merged = list(graph.outputs)
    stand_ins: dict[Variable, Variable] = {}
    results: dict[Variable, int] = {}
    for i, var in enumerate(merged[: forward.n_traced]):
        if var.owner is not None and var not in stand_ins:
            stand_ins[var] = placeholder(var)
            results[stand_ins[var]] = i
    back = dict(zip(graph.inputs, leaves, strict=True))
    found = clone_replace(merged[forward.n_traced :], {**back, **stand_ins})
    return found, results


class _Loop:
    """A loop under construction that reads values of another one."""

    def __init__(self, forward: _Forward) -> None:
        self.forward = forward
        self.args = ScanArgs.create_empty()
        self.args.n_steps = forward.steps
        self.taken: list[Callable[[Any], Variable]] = []

    def add_seq(self, outer: Variable) -> Variable:
        """Walk along `outer`; return what stands for its elements."""
        inner = outer.type.clone(shape=outer.type.shape[1:])()
        self.args.outer_in_seqs.append(outer)
        self.args.inner_in_seqs.append(inner)
        return inner

    def finish(self, name: str) -> list[Variable]:
        """Read what is needed of the forward loop, and return the outputs of the node."""
        forward, args = self.forward, self.args
        own = set(args.inner_inputs)
        count = len(args.inner_outputs)
        expressions, results = _reuse_results(forward, args.inner_outputs)
        n_varying = forward.info.inner_in["untraced"].stop
        fixed = forward.op.inner_non_seqs(forward.inner)
        outer = forward.op.outer_non_seqs(forward.inputs)
        replace = dict(zip(fixed, outer, strict=True))
        used = set(ancestors(expressions))
        for var in forward.inner[:n_varying]:
            if var in used:
                replace[var] = self.add_seq(forward.value(var))
        for var, output in results.items():
            if var in used:
                replace[var] = self.add_seq(forward.result(output))
        expressions = _replaced(expressions, replace)
        own.update(args.inner_in_seqs)
        outer, inner, expressions = close_over(expressions, own)
        args.outer_in_non_seqs, args.inner_in_non_seqs = outer, inner
        at = 0
        for field in ("mit_sot", "sit_sot", "nit_sot"):
            values = getattr(args, f"inner_out_{field}")
            values[:] = expressions[at : at + len(values)]
            at += len(values)
        assert at == count
        op = type(forward.op)(
            args.inner_inputs, args.inner_outputs, args.info, mode=forward.op.mode, name=name
        )
        self.op = op
        return op(*args.outer_inputs, return_list=True)


def _replaced(expressions: Sequence[Variable], replace: dict[Variable, Variable]):
    """Put variables in place of others; lengths known to one side only don't matter."""
    return clone_replace(list(expressions), replace, rebuild_strict=False)


def _core_zeros(like: Variable, dtype: str, n: int) -> Variable:
    """Return `n` zeros for elements like those of the stack `like`."""
    static = like.type.shape[1:]
    lengths = shape(like) if None in static else None
    return zeros((n, *(lengths[i + 1] if m is None else m for i, m in enumerate(static))), dtype)


# Pullback ----------------------------------------------------------------------------------------


def _live_outputs(forward: _Forward, cotangents: Sequence[Variable]) -> set[int]:
    """Return the outputs of a step that influence something with a cotangent."""
    op = forward.op
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
    del op
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
    return _Pullback(_Forward(op, inputs, outputs, backwards=True), cotangents).run()


class _Pullback:
    """The backward loop of one node."""

    def __init__(self, forward: _Forward, cotangents: Sequence[Variable]) -> None:
        self.forward = forward
        self.cotangents = list(cotangents)
        self.loop = _Loop(forward)
        self.results: list[Variable] = [disconnected_type() for _ in forward.inputs]
        self.live = sorted(_live_outputs(forward, cotangents))

    def run(self) -> list[Variable]:
        forward = self.forward
        if not self.live:
            return self.results
        seeds = {o: placeholder(forward.results[o]) for o in self.live}
        wrt = [v for v in forward.inner if forward.is_real(v)]
        terms = graph_pullback(
            [forward.results[o] for o in self.live],
            wrt,
            [seeds[o] for o in self.live],
            disconnected_inputs="ignore",
            return_disconnected="disconnected",
        )
        found = {
            v: _in_dtype_of(v, t)
            for v, t in zip(wrt, terms, strict=True)
            if not isinstance(t.type, DisconnectedType)
        }
        carried = self._carried(found)
        totals = {seeds[o]: self._total(o, carried.get(o, [])) for o in self.live}
        found = dict(zip(found, _replaced(list(found.values()), totals), strict=True))
        self._add_states(found, carried)
        self._add_results(found)
        self._read(self.loop.finish(f"grad_of_{forward.op.name or 'scan_fn'}"))
        return self.results

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
        return _in_dtype_of(forward.results[output], total)

    def _add_states(self, found, carried) -> None:
        """Add the states of the backward loop: cotangents on their way back, and sums."""
        forward, args = self.forward, self.loop.args
        self.kept: list[tuple[str, int, int]] = []  # what each state is for
        for state, lasts in carried.items():
            for tap, last in lasts:
                read = next(
                    r for t, r in zip(forward.taps[state], forward.reads[state]) if t == tap
                )
                zero = _core_zeros(forward.buffer(state), last.type.dtype, -tap)
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
                base = _core_zeros(buffer, dtype, lag) if total is None else total
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


def _in_dtype_of(var: Variable, term: Variable) -> Variable:
    """Return a derivative in the dtype of what it is a derivative of."""
    if isinstance(term.type, NullType) or term.type.dtype == var.type.dtype:
        return term
    if var.type.numpy_dtype.kind == "f" and term.type.numpy_dtype.kind == "c":
        term = term.real
    return cast(term, var.type.dtype)


# Pushforward -------------------------------------------------------------------------------------


def pushforward(
    op: "Scan",
    inputs: Sequence[Variable],
    outputs: Sequence[Variable],
    tangents: Sequence[Variable],
) -> list[Variable]:
    """Return the tangents of the outputs of a loop, by a loop with a tangent for each state."""
    forward = _Forward(op, inputs, outputs, backwards=False)
    loop = _Loop(forward)
    moved, fixed = _tangents_of_reads(forward, loop, tangents)
    connected = [i for i, t in enumerate(tangents) if not isinstance(t.type, DisconnectedType)]
    if not connected:
        return [disconnected_type() for _ in outputs]
    wrt = list(moved)
    found = graph_pushforward(
        forward.results[: forward.n_traced],
        wrt,
        [moved[v] for v in wrt],
        disconnected_outputs="ignore",
        return_disconnected="disconnected",
        use_op_pushforward=True,
    )
    order: list[int] = []
    for state, (taps, reads) in enumerate(zip(forward.taps, forward.reads, strict=True)):
        if reads[0] not in moved:
            continue
        new = found[state]
        if isinstance(new.type, DisconnectedType):
            new = forward.results[state].zeros_like()
        given = tangents[1 + forward.info.n_seqs + state]
        buffer = forward.buffer(state)
        if isinstance(given.type, DisconnectedType):
            zero = _core_zeros(buffer, buffer.type.dtype, forward.info.lags[state])
            given = expand_empty(zero, forward.steps)
        else:
            given = expand_empty(given[: forward.info.lags[state]], forward.steps)
        new = _in_dtype_of(forward.results[state], new)
        loop.args.add_state(given, taps, [moved[r] for r in reads], new)
        order.append(state)
    order.sort(key=lambda state: forward.taps[state] == (-1,))
    for output in range(len(forward.states), forward.n_traced):
        if not isinstance(found[output].type, DisconnectedType):
            loop.args.outer_in_nit_sot.append(forward.steps)
            loop.args.inner_out_nit_sot.append(found[output])
            order.append(output)
    results: list[Variable] = [disconnected_type() for _ in outputs]
    if order:
        loop.forward_fixed = fixed
        for output, value in zip(order, loop.finish(f"rop_of_{op.name or 'scan_fn'}"), strict=True):
            results[output] = value
    return results


def _tangents_of_reads(forward: _Forward, loop: _Loop, tangents: Sequence[Variable]):
    """Return a tangent for everything a step reads that moves, and the fixed ones."""
    op, info = forward.op, forward.info
    moved: dict[Variable, Variable] = {}
    first = info.outer_in["non_seqs"].start
    fixed: dict[Variable, Variable] = {}
    for var, t in zip(op.inner_non_seqs(forward.inner), tangents[first:], strict=True):
        if not isinstance(t.type, DisconnectedType) and forward.is_real(var):
            moved[var] = fixed[var] = t
    for var, t in zip(op.inner_seqs(forward.inner), tangents[1:]):
        if not isinstance(t.type, DisconnectedType) and forward.is_real(var):
            moved[var] = loop.add_seq(forward.along(t))
    moving: set[int] = set()
    for state in forward.states:
        if not isinstance(tangents[1 + info.n_seqs + state].type, DisconnectedType):
            moving.add(state)
    changed = True
    while changed:
        changed = False
        sources = {*moved, *(r for s in moving for r in forward.reads[s])}
        for state in forward.states:
            if state not in moving and not sources.isdisjoint(ancestors([forward.results[state]])):
                moving.add(state)
                changed = True
    for state in moving:
        for read in forward.reads[state]:
            if forward.is_real(read):
                moved[read] = placeholder(read)
    return moved, fixed
