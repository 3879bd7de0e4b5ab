"""Work that leaves a loop after it: what only results need, and sums over all steps.

.. math:: \\sum_t x_t^T g_t = X^T G, \\qquad (h_t V)_t = H V

The derivative of a loop by a matrix is such a sum: one product instead of one for each step.
"""

from collections.abc import Sequence

from pytensor.graph.basic import Apply, Constant, Variable, nodes_in_order
from pytensor.graph.fg import FunctionGraph
from pytensor.graph.rewriting.basic import copy_stack_trace, node_rewriter
from pytensor.scalar import basic as scalar
from pytensor.scan.args import ScanArgs
from pytensor.scan.op import Scan
from pytensor.scan.rewriting.db import register_push_out
from pytensor.scan.rewriting.outside import (
    FIXED,
    MOST_ROWS,
    STACKED,
    VARYING,
    batched,
    fits,
    frozen_kinds,
    is_costly,
    is_product,
    kinds_of,
    rows,
    same_length,
)
from pytensor.scan.rewriting.push_out import is_plain
from pytensor.scan.rewriting.trace import initial_rows, is_last_row, known_int, single_row
from pytensor.scan.rewriting.unused import lists_of, rebuilt
from pytensor.tensor.basic import AllocEmpty
from pytensor.tensor.elemwise import CAReduce, DimShuffle, Elemwise
from pytensor.tensor.math import Dot, Sum, add, dot
from pytensor.tensor.reshape import join_dims
from pytensor.tensor.shape import shape_padleft
from pytensor.tensor.subtensor import IncSubtensor, Subtensor
from pytensor.tensor.subtensor.indices import indices_from_subtensor
from pytensor.tensor.type import TensorType

# New traces that may be written for results that are computed after the loop.
_NEW_TRACES = 2


class _Loop:
    """A loop and what is known of its values after it.

    Parameters
    ----------
    node : Apply
    to_change : bool
        Take a copy of the step; else its own graph, to look at only.
    """

    def __init__(self, node: Apply, to_change: bool) -> None:
        self.node, self.op, self.info = node, node.op, node.op.info
        self.args = lists_of(node) if to_change else ScanArgs.from_node(node)
        self.own = set(self.args.inner_inputs)
        if to_change:
            self.nodes = nodes_in_order(self.args.inner_outputs, self.own)
            self.kinds = kinds_of(self.op, self.args.inner_inputs, self.nodes)
        else:
            self.nodes = list(self.op.fgraph.toposort())
            self.kinds = dict(frozen_kinds(self.op))
        self.rank = max(
            (v.type.ndim for v in (*self.own, *self.args.inner_outputs) if isinstance(v.type, TensorType)),
            default=0,
        )  # fmt: skip
        self.traced = self._traced()
        self.emitted: dict[Variable, None] = {}
        self.dropped: set[int] = set()  # states that are gone

    def _traced(self) -> dict[Variable, tuple[int, int]]:
        """Map what a whole trace holds to the state and the place of its first element."""
        args, info = self.args, self.info
        found: dict[Variable, tuple[int, int]] = {}
        buffers = [*args.outer_in_mit_sot, *args.outer_in_sit_sot]
        reads = [*args.inner_in_mit_sot, *([v] for v in args.inner_in_sit_sot)]
        news = [*args.inner_out_mit_sot, *args.inner_out_sit_sot]
        taps = info.mit_sot_in_slices + info.sit_sot_in_slices
        for state, (buffer, lag) in enumerate(zip(buffers, info.lags, strict=True)):
            if is_whole(buffer, lag, args.n_steps):
                found.setdefault(news[state], (state, lag))
                found.update((r, (state, lag + tap)) for r, tap in zip(reads[state], taps[state]))
        return found

    def is_known(self, var: Variable) -> bool:
        """Tell whether the values of all steps are there after the loop, or are to be."""
        if isinstance(var, Constant) or self.kinds.get(var, FIXED) != VARYING:
            return True
        return var in self.traced or var in self.emitted

    def finish(self) -> list[Variable]:
        """Make the new loop; return its outputs."""
        self.args.outer_in_nit_sot += [self.args.n_steps] * len(self.emitted)
        self.args.inner_out_nit_sot += list(self.emitted)
        outputs = rebuilt(self.node, self.args)
        self.info_after = self.args.info
        return outputs

    def known(self, outputs: Sequence[Variable], wanted: Sequence[Variable]):
        """Return stacks of all that `wanted` can be computed from, and what does not change."""
        args, info = self.args, self.info_after
        kept = [o for o in range(len(self.info.lags)) if o not in self.dropped]
        stop = info.outer_out["nit_sot"].stop
        stacks = dict(zip(self.emitted, outputs[stop - len(self.emitted) : stop], strict=True))
        for var, (state, first) in self.traced.items():
            if state in kept and var not in stacks:
                trace = outputs[info.n_mit_mot + kept.index(state)]
                last = first - self.info.lags[state]
                stacks[var] = trace[first : last or None]
        used = {v for n in nodes_in_order(wanted, set(stacks)) for v in n.inputs} | set(wanted)
        name = self.op.name or "scan"
        # The number of steps is that of a trace, where one takes part.
        alone = any(self.kinds.get(v, FIXED) == STACKED for v in wanted)
        for i, inner in enumerate(args.inner_in_seqs):
            if inner in used:
                what = f"[{name}] sequence {i}"
                seq = args.outer_in_seqs[i]
                stacks[inner] = rows(seq, args.n_steps, self.op.exact, what, alone)
        fixed = dict(zip(args.inner_in_non_seqs, args.outer_in_non_seqs, strict=True))
        return stacks, {k: v for k, v in fixed.items() if isinstance(k.type, TensorType)}


def is_whole(buffer: Variable, lag: int, n_steps: Variable) -> bool:
    """Tell whether a buffer is known to hold the results of all steps."""
    length = buffer.type.shape[0]
    if length is not None and isinstance(n_steps, Constant):
        return length == lag + int(n_steps.data)
    node = buffer.owner
    if node is None or not isinstance(node.op, IncSubtensor) or not node.op.set_instead_of_inc:
        return False
    empty = node.inputs[0].owner
    if empty is None or not isinstance(empty.op, AllocEmpty):
        return False
    total = empty.inputs[0].owner
    if total is None or not isinstance(total.op, Elemwise):
        return False
    if not isinstance(total.op.scalar_op, scalar.Add) or len(total.inputs) != 2:
        return False
    n, more = total.inputs
    rows_written = node.inputs[1].type.shape[0]
    return n is n_steps and (
        (isinstance(more, Constant) and int(more.data) == lag) or rows_written == lag
    )


# Results ---------------------------------------------------------------------------------


@node_rewriter([Scan])
def scan_push_out_add(fgraph, node):
    """Compute after the loop, for all steps at once, results that no later step reads."""
    op = node.op
    if not is_plain(op) or op.info.as_while or not op.info.n_nit_sot or not _has_gain(op):
        return None
    if not _movable_results(_Loop(node, to_change=False)):
        return None
    loop = _Loop(node, to_change=True)
    args = loop.args
    chosen = _movable_results(loop)
    results = [args.inner_out_nit_sot[k] for k in chosen]
    for name in ("outer_in_nit_sot", "inner_out_nit_sot"):
        values = getattr(args, name)
        values[:] = [v for k, v in enumerate(values) if k not in chosen]
    outputs = loop.finish()
    stacks, fixed = loop.known(outputs, results)
    after = batched(results, stacks, fixed)
    first = op.info.outer_out["nit_sot"].start
    moved = {first + k: value for k, value in zip(chosen, after, strict=True)}
    kept = iter(outputs[: loop.info_after.outer_out["nit_sot"].stop - len(loop.emitted)])
    rest = iter(outputs[loop.info_after.outer_out["nit_sot"].stop :])
    replacements = {}
    for o, old in enumerate(node.outputs):
        if o in moved:
            new = old.type.filter_variable(moved[o])
            copy_stack_trace(old, new)
        else:
            new = next(rest if o >= op.info.outer_out["untraced"].start else kept)
        if fgraph.clients.get(old):
            replacements[old] = new
    return replacements


def _has_gain(op: Scan) -> bool:
    """Tell, without copying the step, whether it has work that is quicker for all steps."""
    inner = op.fgraph
    nodes = inner.toposort()
    if not any(is_costly(n) or isinstance(n.op, Dot) for n in nodes):
        return False
    kinds = frozen_kinds(op)
    return any(is_costly(n) or is_product(n, kinds) for n in nodes)


def _movable_results(loop: _Loop) -> list[int]:
    """Return the nit-sots to compute after the loop; note what must be kept for it."""
    args = loop.args
    candidates = [
        k
        for k, (out, length) in enumerate(
            zip(args.inner_out_nit_sot, args.outer_in_nit_sot, strict=True)
        )
        if loop.kinds.get(out, FIXED) == VARYING and same_length(length, args.n_steps)
    ]
    others = [
        v for v in args.inner_outputs if not any(v is args.inner_out_nit_sot[k] for k in candidates)
    ]
    needed = set(nodes_in_order(others, loop.own))
    chosen = []
    for k in candidates:
        result = args.inner_out_nit_sot[k]
        region, leaves = _region(loop, result, needed)
        new = [v for v in leaves if not loop.is_known(v)]
        allowed = _NEW_TRACES if result.type.ndim == 0 else 1
        gain = any(is_product(n, loop.kinds) or is_costly(n) for n in region)
        if gain and len(new) <= allowed and all(v.type.ndim <= result.type.ndim for v in new):
            chosen.append(k)
            loop.emitted.update(dict.fromkeys(new))
    return chosen


def _region(loop: _Loop, result: Variable, needed: set[Apply]) -> tuple[list[Apply], list[Variable]]:  # fmt: skip
    """Return the nodes that only `result` needs and that work on stacks, and what they read."""
    region: dict[Apply, None] = {}
    leaves: dict[Variable, None] = {}
    pending = [result]
    while pending:
        var = pending.pop()
        node = var.owner
        if loop.is_known(var) or node is None or node in needed or not _moves(node, loop.rank):
            leaves[var] = None
        elif node not in region:
            region[node] = None
            pending += node.inputs
    return list(region), list(leaves)


def _moves(node: Apply, rank: int) -> bool:
    return isinstance(node.op, Elemwise | DimShuffle | Dot | CAReduce) and fits(
        node.outputs[0], rank
    )


# Sums ------------------------------------------------------------------------------------


@node_rewriter([Scan])
def scan_push_out_dot1(fgraph, node):
    """Sum products over all steps by one product after the loop."""
    op = node.op
    if not is_plain(op) or op.info.as_while or op.info.n_mit_mot or not op.info.n_sit_sot:
        return None
    read_last = [
        k
        for k in range(op.info.n_sit_sot)
        if _last_rows(fgraph, node.outputs[op.info.n_mit_sot + k])
    ]
    if not read_last or not any(_is_sum(op, k) for k in read_last):
        return None
    if not _movable_sums(_Loop(node, to_change=False), read_last)[0]:
        return None
    loop = _Loop(node, to_change=True)
    sums, terms = _movable_sums(loop, read_last)
    starts = {k: single_row(initial_rows(loop.args.outer_in_sit_sot[k], 1)) for k in sums}
    _drop_states(loop, sums)
    outputs = loop.finish()
    wanted = [terms[k] for k in sums]
    stacks, fixed = loop.known(outputs, wanted)
    totals = _Totals(loop, stacks, fixed)
    replacements = {}
    for k in sums:
        total = add(starts[k], totals.of(terms[k]))
        for old, skips_start in _last_rows(fgraph, node.outputs[op.info.n_mit_sot + k]) or ():
            new = total
            if skips_start and not (isinstance(loop.args.n_steps, Constant)):
                # There is no such row if there was no step.
                new = shape_padleft(total, 1)[: loop.args.n_steps][-1]
            copy_stack_trace(old, new)
            replacements[old] = old.type.filter_variable(new)
    gone = {op.info.n_mit_sot + k for k in sums}
    kept = [o for o in range(len(node.outputs)) if o not in gone]
    n_before = op.info.outer_out["nit_sot"].stop - len(gone)
    places = [i if i < n_before else i + len(loop.emitted) for i in range(len(kept))]
    for o, place in zip(kept, places, strict=True):
        if fgraph.clients.get(node.outputs[o]):
            replacements[node.outputs[o]] = outputs[place]
    return replacements


def _last_rows(fgraph: FunctionGraph, trace: Variable) -> list[tuple[Variable, bool]] | None:
    """Return all that is read of a trace if that is its last row, and whether of ``trace[1:]``."""
    found = []
    for client, position in fgraph.clients.get(trace, ()):
        if is_last_row(client, position):
            found.append((client.outputs[0], False))
            continue
        if not _is_without_start(client, position):
            return None
        for inner, place in fgraph.clients.get(client.outputs[0], ()):
            if not is_last_row(inner, place):
                return None
            found.append((inner.outputs[0], True))
    return found


def _is_without_start(client: Apply, position: int) -> bool:
    """Tell whether a client reads ``x[1:]``."""
    if not isinstance(client.op, Subtensor) or position or len(client.op.idx_list) != 1:
        return False
    index = indices_from_subtensor(client.inputs[1:], client.op.idx_list)[0]
    if not isinstance(index, slice) or index.stop is not None or index.step is not None:
        return False
    return known_int(index.start) == 1


def _is_sum(op: Scan, k: int) -> bool:
    """Tell whether the new value of a sit-sot is its old one plus something."""
    state = op.inner_sitsot(op.inner_inputs)[k]
    new = op.inner_sitsot_outs(op.inner_outputs)[k].owner
    return (
        new is not None
        and isinstance(new.op, Elemwise)
        and isinstance(new.op.scalar_op, scalar.Add)
        and sum(v is state for v in new.inputs) == 1
        and state.type.numpy_dtype.kind in "fc"
    )


def _term(loop: _Loop, k: int) -> Variable | None:
    """Return what each step adds to a sit-sot that is read for nothing else."""
    if not _is_sum(loop.op, k):
        return None
    state = loop.args.inner_in_sit_sot[k]
    new = loop.args.inner_out_sit_sot[k]
    readers = [n for n in loop.nodes if state in n.inputs]
    if readers != [new.owner] or sum(v is state for v in loop.args.inner_outputs):
        return None
    if any(new in n.inputs for n in loop.nodes) or sum(v is new for v in loop.args.inner_outputs) > 1:  # fmt: skip
        return None
    rest = [v for v in new.owner.inputs if v is not state]
    term = rest[0] if len(rest) == 1 else add(*rest)
    if len(rest) > 1:
        loop.kinds[term] = max(loop.kinds.get(v, FIXED) for v in rest)
    return term if term.type.dtype == state.type.dtype else None


def _movable_sums(loop: _Loop, candidates: Sequence[int]) -> tuple[list[int], dict[int, Variable]]:
    """Return the sit-sots to sum after the loop, and their terms; note what must be kept for it."""
    terms = {k: term for k in candidates if (term := _term(loop, k)) is not None}
    chosen: list[int] = []
    # Traces that products need may serve plain sums as well.
    for with_product in (True, False):
        for k, term in terms.items():
            leaves, has_product = _linear_leaves(loop, term)
            new = [v for v in leaves if not loop.is_known(v)]
            if k in chosen or not (has_product if with_product else not new):
                continue
            if has_product and not all(fits(v, loop.rank) for v in new):
                continue
            if loop.kinds.get(term, FIXED) == FIXED or (not has_product and not _is_free(loop, leaves)):  # fmt: skip
                continue
            chosen.append(k)
            loop.emitted.update(dict.fromkeys(new))
    return sorted(chosen), terms


def _is_free(loop: _Loop, leaves: Sequence[Variable]) -> bool:
    """Tell whether a sum over values that are there anyway may take place after the loop."""
    return all(v in loop.emitted or loop.kinds.get(v, FIXED) != VARYING for v in leaves)


def _linear_leaves(loop: _Loop, term: Variable) -> tuple[list[Variable], bool]:
    """Return what a sum of products is made of, and whether there are products worth moving."""
    leaves: dict[Variable, None] = {}
    has_product, pending = False, [term]
    while pending:
        var = pending.pop()
        node = var.owner
        if node is not None and isinstance(node.op, Dot):
            length = node.inputs[0].type.shape[1]
            both = all(loop.kinds.get(v, FIXED) != FIXED for v in node.inputs)
            has_product |= both and length is not None and length <= MOST_ROWS
            for v in node.inputs:
                leaves[_undone(v)] = None
        elif node is not None and not loop.is_known(var) and _is_linear(node):
            pending += node.inputs
        else:
            leaves[var] = None
    return list(leaves), has_product


def _undone(var: Variable) -> Variable:
    """Return what `var` only reorders."""
    while var.owner is not None and isinstance(var.owner.op, DimShuffle):
        var = var.owner.inputs[0]
    return var


def _is_linear(node: Apply) -> bool:
    if isinstance(node.op, DimShuffle | Sum):
        return node.inputs[0].type.dtype == node.outputs[0].type.dtype
    return isinstance(node.op, Elemwise) and isinstance(node.op.scalar_op, scalar.Add | scalar.Neg)


def _drop_states(loop: _Loop, sums: Sequence[int]) -> None:
    args = loop.args
    n_mit_sot = loop.info.n_mit_sot
    kept = [k for k in range(loop.info.n_sit_sot) if k not in sums]
    for side in ("outer_in", "inner_in", "inner_out"):
        values = getattr(args, f"{side}_sit_sot")
        values[:] = [values[k] for k in kept]
    loop.dropped = {n_mit_sot + k for k in sums}


class _Totals:
    """Sums over all steps."""

    def __init__(self, loop: _Loop, stacks, fixed) -> None:
        self.loop, self.stacks, self.fixed = loop, stacks, fixed

    def of(self, var: Variable) -> Variable:
        """Return the sum of the values of `var`, which depends on steps."""
        node = var.owner
        if var not in self.stacks and node is not None and self._varies(var):
            if isinstance(node.op, Dot):
                return self._product(*node.inputs)
            if _is_linear(node) and all(self._varies(v) for v in node.inputs):
                if isinstance(node.op, Sum) and node.op.axis == ():
                    return self.of(node.inputs[0])
                return node.op(*(self.of(v) for v in node.inputs))
        return self._stack(var).sum(axis=0)

    def _varies(self, var: Variable) -> bool:
        return self.loop.kinds.get(var, FIXED) != FIXED

    def _stack(self, var: Variable) -> Variable:
        return batched([var], self.stacks, self.fixed)[0]

    def _value(self, var: Variable) -> Variable:
        return batched([var], {}, self.fixed)[0]

    def _product(self, x: Variable, y: Variable) -> Variable:
        if not self._varies(x):
            return dot(self._value(x), self.of(y))
        if not self._varies(y):
            return dot(self.of(x), self._value(y))
        length = x.type.shape[1]
        xs, ys = _same_direction(self._stack(x), self._stack(y))
        if length == 1:
            return dot(xs.dimshuffle(1, 0), ys.dimshuffle(0, 2))
        long = join_dims(xs.dimshuffle(0, 2, 1), 0, 2), join_dims(ys, 0, 2)
        return dot(long[0].dimshuffle(1, 0), long[1])


def _same_direction(x: Variable, y: Variable) -> tuple[Variable, Variable]:
    """Return both stacks as they are, or both from their ends if they were turned around."""
    sources = [_turned(v) for v in (x, y)]
    return (sources[0], sources[1]) if all(v is not None for v in sources) else (x, y)


def _turned(stack: Variable) -> Variable | None:
    """Return the stack of which this one is the reverse, None if it is none."""
    node = stack.owner
    if node is not None and isinstance(node.op, DimShuffle):
        if not node.op.new_order or node.op.new_order[0] != 0:
            return None
        source = _turned(node.inputs[0])
        return None if source is None else node.op(source)
    if node is None or not isinstance(node.op, Subtensor):
        return None
    index = indices_from_subtensor(node.inputs[1:], node.op.idx_list)
    if len(index) != 1 or not isinstance(index[0], slice) or index[0].step is None:
        return None
    step = index[0].step
    step = int(step.data) if isinstance(step, Constant) else step
    if index[0].start is None and index[0].stop is None and step == -1:
        return node.inputs[0]
    return None


register_push_out(scan_push_out_dot1, "scan_pushout_dot1", "more_mem")
register_push_out(scan_push_out_add, "scan_pushout_add", "more_mem")
