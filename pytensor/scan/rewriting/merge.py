"""Loops that do the same, and things that are twice in one loop."""

from collections.abc import Hashable, Sequence

from pytensor.graph.basic import Apply, Constant, Variable
from pytensor.graph.fg import FunctionGraph
from pytensor.graph.lazy import lazy_guards
from pytensor.graph.rewriting.basic import (
    GraphRewriter,
    MergeOptimizer,
    copy_stack_trace,
    node_rewriter,
)
from pytensor.graph.traversal import ancestors
from pytensor.scan.args import ScanArgs
from pytensor.scan.forward import replaced
from pytensor.scan.op import Scan
from pytensor.scan.rewriting.db import scan_eqopt1, scan_eqopt2
from pytensor.scan.rewriting.outside import same_length
from pytensor.scan.rewriting.push_out import is_plain, replace_inner
from pytensor.scan.rewriting.unused import lists_of, rebuilt
from pytensor.tensor.type import TensorType

# Numbers in a constant that is worth a place in the step.
_FEW = 64


def _key(var: Variable) -> Hashable:
    """Return what equal inputs have in common."""
    return var.signature() if isinstance(var, Constant) else var


@node_rewriter([Scan])
def scan_merge_duplicate_inputs(fgraph, node):
    """Give a step each sequence and each non-sequence once."""
    op = node.op
    if not is_plain(op):
        return None
    groups = [op.outer_seqs(node.inputs), op.outer_non_seqs(node.inputs)]
    if all(len({_key(v) for v in group}) == len(group) for group in groups):
        return None
    args = lists_of(node)
    stand_ins: dict[Variable, Variable] = {}
    for name in ("seqs", "non_seqs"):
        outer, inner = getattr(args, f"outer_in_{name}"), getattr(args, f"inner_in_{name}")
        first: dict[Hashable, Variable] = {}
        kept = []
        for k, (a, b) in enumerate(zip(outer, inner, strict=True)):
            if (known := first.setdefault(_key(a), b)) is b:
                kept.append(k)
            else:
                stand_ins[b] = known
        outer[:], inner[:] = [outer[k] for k in kept], [inner[k] for k in kept]
    replace_inner(args, stand_ins)
    return _same_outputs(fgraph, node, rebuilt(node, args))


def _same_outputs(fgraph, node: Apply, new: Sequence[Variable]) -> dict[Variable, Variable]:
    return {a: b for a, b in zip(node.outputs, new, strict=True) if fgraph.clients.get(a)}


@node_rewriter([Scan])
def scan_inline_invariant_constants(fgraph, node):
    """Put small constants into the step, where rewrites see them."""
    op = node.op
    if not is_plain(op):
        return None
    if not any(_is_small_constant(v) for v in op.outer_non_seqs(node.inputs)):
        return None
    args = lists_of(node)
    pairs = list(zip(args.outer_in_non_seqs, args.inner_in_non_seqs, strict=True))
    kept = [(a, b) for a, b in pairs if not _is_small_constant(a)]
    args.outer_in_non_seqs, args.inner_in_non_seqs = [a for a, _ in kept], [b for _, b in kept]
    replace_inner(args, {b: a for a, b in pairs if _is_small_constant(a)})
    return _same_outputs(fgraph, node, rebuilt(node, args))


def _is_small_constant(var: Variable) -> bool:
    return isinstance(var, Constant) and isinstance(var.type, TensorType) and var.data.size <= _FEW


@node_rewriter([Scan])
def scan_merge_inouts(fgraph, node):
    """Compute equal results once, and keep equal states once.

    Two states are equal if they start equal, and if they stay equal in a step in which they are.
    """
    op = node.op
    info = op.info
    if not is_plain(op) or info.n_nit_sot + info.n_sit_sot + info.n_untraced_sit_sot < 2:
        return None
    # Equal computations of a frozen graph are one.
    results = op.inner_nitsot_outs(op.inner_outputs)
    states = op.outer_sitsot(node.inputs) + op.outer_untraced_sit_sot(node.inputs)
    starts = [(_key(v), v.type) for v in states]
    if len(set(results)) == len(results) and len(set(starts)) == len(starts):
        return None
    args = lists_of(node)
    pairs = _equal_states(args)
    reads = args.inner_in_sit_sot + args.inner_in_shared
    stand_ins = {reads[b]: reads[a] for b, a in pairs.items()}
    outputs = _merged(args, replaced(args.inner_outputs, stand_ins))
    first_nit = info.inner_out["nit_sot"].start
    same: dict[int, int] = {}
    seen: dict[tuple, int] = {}
    for k, length in enumerate(args.outer_in_nit_sot):
        first = seen.setdefault((outputs[first_nit + k], _key(length)), k)
        if first != k:
            same[k] = first
    if not pairs and not same:
        return None
    replace_inner(args, stand_ins)
    places = range(len(node.outputs))
    place = [*places[info.outer_out["sit_sot"]], *places[info.outer_out["untraced"]]]
    nit = places[info.outer_out["nit_sot"]]
    twin = {place[b]: place[a] for b, a in pairs.items()}
    twin.update((nit[b], nit[a]) for b, a in same.items())
    _drop(args, "sit_sot", pairs)
    _drop(args, "shared", {b - info.n_sit_sot for b in pairs})
    _drop(args, "nit_sot", same)
    kept = [o for o in range(len(node.outputs)) if o not in twin]
    new = dict(zip(kept, rebuilt(node, args), strict=True))
    return {
        old: new[twin.get(o, o)] for o, old in enumerate(node.outputs) if fgraph.clients.get(old)
    }


def _drop(args: ScanArgs, group: str, dropped) -> None:
    for side in ("outer_in", "inner_in", "inner_out"):
        values = getattr(args, f"{side}_{group}", None)
        if values is not None:
            values[:] = [v for k, v in enumerate(values) if k not in dropped]


def _merged(args: ScanArgs, outputs: Sequence[Variable]) -> list[Variable]:
    """Return the outputs of a step with equal computations merged."""
    graph = FunctionGraph(args.inner_inputs, list(outputs), clone=True)
    MergeOptimizer().rewrite(graph)
    return list(graph.outputs)


def _equal_states(args: ScanArgs) -> dict[int, int]:
    """Map sit-sots and untraced states, in this order, to earlier ones that are equal to them."""
    starts = args.outer_in_sit_sot + args.outer_in_shared
    reads = args.inner_in_sit_sot + args.inner_in_shared
    by_start: dict[tuple, list[int]] = {}
    for k, (start, read) in enumerate(zip(starts, reads, strict=True)):
        by_start.setdefault((_key(start), read.type), []).append(k)
    guess = {b: group[0] for group in by_start.values() for b in group[1:]}
    new = args.inner_out_sit_sot + args.inner_out_shared
    while guess:
        outputs = _merged(args, replaced(new, {reads[b]: reads[a] for b, a in guess.items()}))
        wrong = {b for b, a in guess.items() if outputs[b] is not outputs[a]}
        if not wrong:
            break
        guess = {b: a for b, a in guess.items() if b not in wrong}
    return guess


class ScanMerge(GraphRewriter):
    """Make one loop of loops over the same sequences that do not need one another.

    Loops over numbers only are not put together with others: they run in registers.
    """

    def add_requirements(self, fgraph: FunctionGraph) -> None:
        pass

    def apply(self, fgraph: FunctionGraph) -> None:
        loops = [n for n in fgraph.toposort() if isinstance(n.op, Scan) and _may_merge(n.op)]
        if len(loops) < 2:
            return
        # A loop may be in a branch that is not taken.
        guards = lazy_guards(fgraph, fgraph.toposort())
        done: set[Apply] = set()
        for i, node in enumerate(loops):
            if node in done:
                continue
            partners = [node]
            for other in loops[i + 1 :]:
                if other in done or guards.get(other) != guards.get(node):
                    continue
                if all(_fit(node, other) for node in partners):
                    partners.append(other)
            if len(partners) > 1:
                done.update(partners)
                self._merge(fgraph, partners)

    def _merge(self, fgraph: FunctionGraph, nodes: Sequence[Apply]) -> None:
        together = lists_of(nodes[0])
        all_args = [together, *(lists_of(node) for node in nodes[1:])]
        spans = {}  # where the outputs of each loop are in each group
        for j, args in enumerate(all_args):
            for name in ("mit_sot", "sit_sot", "nit_sot", "shared"):
                into = getattr(together, f"inner_out_{name}")
                start = 0 if j == 0 else len(into)
                spans[j, name] = range(start, start + len(getattr(args, f"inner_out_{name}")))
                if j:
                    into += getattr(args, f"inner_out_{name}")
        for args in all_args[1:]:
            for name in ("seqs", "mit_sot", "sit_sot", "shared", "non_seqs", "nit_sot"):
                for side in ("outer_in", "inner_in"):
                    if hasattr(together, f"{side}_{name}"):
                        getattr(together, f"{side}_{name}").extend(getattr(args, f"{side}_{name}"))
            together.mit_sot_in_slices += args.mit_sot_in_slices
        new = rebuilt(nodes[0], together, exact=all(node.op.exact for node in nodes))
        groups = _by_group(new, together)
        pairs = []
        for j, node in enumerate(nodes):
            at = 0
            for name in ("mit_sot", "sit_sot", "nit_sot", "shared"):
                for k in spans[j, name]:
                    copy_stack_trace(node.outputs[at], groups[name][k])
                    pairs.append((node.outputs[at], groups[name][k]))
                    at += 1
        fgraph.replace_all_validate(
            [(a, b) for a, b in pairs if fgraph.clients.get(a)], reason="scan_merge"
        )


def _by_group(outputs: Sequence[Variable], args: ScanArgs) -> dict[str, list[Variable]]:
    at, groups = 0, {}
    for name in ("mit_sot", "sit_sot", "nit_sot", "shared"):
        size = len(getattr(args, f"inner_out_{name}"))
        groups[name] = list(outputs[at : at + size])
        at += size
    return groups


def _may_merge(op: Scan) -> bool:
    return is_plain(op) and not op.info.as_while and not op.info.n_mit_mot


def _of_numbers(op: Scan) -> bool:
    return all(getattr(v.type, "ndim", 1) == 0 for v in (*op.inner_inputs, *op.inner_outputs))


def _read(node: Apply) -> set[Hashable]:
    """Return what a loop reads step by step, and could share with another: sequences, generators."""
    op = node.op
    return {_key(v) for v in op.outer_seqs(node.inputs) + op.outer_untraced_sit_sot(node.inputs)}


def _fit(a: Apply, b: Apply) -> bool:
    """Tell whether two loops may be one, and may share something then."""
    if not same_length(a.inputs[0], b.inputs[0]) or a.op.mode != b.op.mode:
        return False
    if a.op.truncate_gradient != b.op.truncate_gradient or _of_numbers(a.op) != _of_numbers(b.op):
        return False
    if _read(a).isdisjoint(_read(b)):
        return False
    above_b, above_a = set(ancestors(b.inputs)), set(ancestors(a.inputs))
    return above_b.isdisjoint(a.outputs) and above_a.isdisjoint(b.outputs)


scan_eqopt1.register("scan_merge_duplicate_inputs", scan_merge_duplicate_inputs, "fast_run", "scan")
for _rule in (scan_inline_invariant_constants, scan_merge_duplicate_inputs, scan_merge_inouts):
    scan_eqopt2.register(_rule.__name__, _rule, "fast_run", "scan")
scan_eqopt2.register("scan_merge", ScanMerge(), "fast_run", "scan")
