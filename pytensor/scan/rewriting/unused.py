"""Loops without what nobody reads."""

from collections.abc import Sequence

from pytensor.graph.basic import Apply, Variable
from pytensor.graph.fg import FunctionGraph
from pytensor.graph.rewriting.basic import copy_stack_trace, node_rewriter
from pytensor.graph.traversal import ancestors
from pytensor.scan.args import ScanArgs
from pytensor.scan.op import Scan
from pytensor.scan.rewriting.db import scan_eqopt1, scan_eqopt2


def rebuilt(node: Apply, args: ScanArgs, exact: bool = True) -> list[Variable]:
    """Return the outputs of a loop like `node` with other inputs, outputs and inner graph.

    `exact` is whether the sequences that are new have as many elements as there are steps.
    """
    old = node.op
    op = Scan(
        args.inner_inputs,
        args.inner_outputs,
        args.info,
        mode=old.mode,
        truncate_gradient=old.truncate_gradient,
        name=old.name,
        allow_gc=old.allow_gc,
        strict=old.strict,
    )
    op.exact = old.exact and exact
    outputs = op.make_node(*args.outer_inputs).outputs
    for new in outputs:
        copy_stack_trace(node.outputs[0], new)
    return outputs


def lists_of(node: Apply) -> ScanArgs:
    """Return the lists of a loop over a copy of its inner graph that keeps the user's lines."""
    graph = node.op.unfrozen()
    return ScanArgs(node.inputs, node.outputs, graph.inputs, graph.outputs, node.op.info)


def _needed_outputs(fgraph: FunctionGraph, node: Apply, args: ScanArgs) -> set[int]:
    """Return positions of the outputs that somebody reads, or another needed output does."""
    info = node.op.info
    needed = {
        o for o, out in enumerate(node.outputs) if o < info.n_mit_mot or fgraph.clients.get(out)
    }
    reads: list[Sequence[Variable]] = [*args.inner_in_mit_mot, *args.inner_in_mit_sot]
    reads += [[v] for v in args.inner_in_sit_sot]
    reads += [[] for _ in args.inner_out_nit_sot]
    reads += [[v] for v in args.inner_in_shared]
    results: list[Sequence[Variable]] = [*args.inner_out_mit_mot]
    for name in ("mit_sot", "sit_sot", "nit_sot", "shared"):
        results += [[v] for v in getattr(args, f"inner_out_{name}")]
    while True:
        seen = set(ancestors([*args.cond, *(v for o in needed for v in results[o])]))
        more = {o for o, these in enumerate(reads) if not seen.isdisjoint(these)} - needed
        if not more:
            return needed
        needed |= more


def _keep(args: ScanArgs, kept: set[int]) -> list[int]:
    """Drop outputs from the lists; return the positions of the others in their new order."""
    order: list[int] = []
    at = len(args.outer_out_mit_mot)
    order += range(at)
    for name in ("mit_sot", "sit_sot", "nit_sot", "shared"):
        size = len(getattr(args, f"inner_out_{name}"))
        chosen = [k for k in range(size) if at + k in kept]
        for side in ("outer_in", "inner_in", "inner_out", "outer_out"):
            values = getattr(args, f"{side}_{name}", None)
            if values is not None:
                values[:] = [values[k] for k in chosen]
        if name == "mit_sot":
            args.mit_sot_in_slices = tuple(args.mit_sot_in_slices[k] for k in chosen)
        order += [at + k for k in chosen]
        at += size
    return order


def _drop_inputs(args: ScanArgs) -> bool:
    """Drop sequences and non-sequences that no step reads; return whether there were any."""
    seen = set(ancestors(args.inner_outputs))
    changed = False
    for name in ("seqs", "non_seqs"):
        outer, inner = getattr(args, f"outer_in_{name}"), getattr(args, f"inner_in_{name}")
        chosen = [k for k, v in enumerate(inner) if v in seen]
        if len(chosen) < len(inner):
            changed = True
            outer[:] = [outer[k] for k in chosen]
            inner[:] = [inner[k] for k in chosen]
    return changed


@node_rewriter([Scan])
def scan_remove_unused(fgraph, node):
    """Remove outputs, states, sequences and non-sequences that make no difference."""
    if node.op.prepared or node.op.destroy_map:
        return None
    args = lists_of(node)
    needed = _needed_outputs(fgraph, node, args)
    all_needed = len(needed) == len(node.outputs)
    order = _keep(args, needed)
    if not _drop_inputs(args) and all_needed:
        return None
    if not order:
        return None
    new = rebuilt(node, args)
    return {
        node.outputs[o]: v
        for o, v in zip(order, new, strict=True)
        if fgraph.clients.get(node.outputs[o])
    }


for _db, _tags in ((scan_eqopt1, ("fast_run", "fast_compile")), (scan_eqopt2, ("fast_run",))):
    _db.register("scan_remove_unused", scan_remove_unused, *_tags, "scan")
