"""Loops that do the same steps, one of which keeps more of them."""

from pytensor.graph.basic import Apply, Variable
from pytensor.graph.fg import FunctionGraph
from pytensor.graph.rewriting.rewriters import GraphRewriter
from pytensor.graph.rewriting.stages import optdb
from pytensor.scan.op import Scan


class ScanSameSteps(GraphRewriter):
    """Leave out a loop if another one keeps all its results, and more.

    A derivative that reads random draws of the steps runs the loop again to keep them.
    """

    def add_requirements(self, fgraph: FunctionGraph) -> None:
        pass

    def apply(self, fgraph: FunctionGraph) -> None:
        loops = [n for n in fgraph.toposort() if isinstance(n.op, Scan)]
        for node in loops if len(loops) > 1 else ():
            for other in loops:
                results = None if other is node else _results_in(other, node)
                if results is not None:
                    pairs = [(o, r) for o, r in zip(node.outputs, results) if fgraph.clients.get(o)]
                    fgraph.replace_all_validate(pairs, reason="scan_same_steps")
                    break


def _results_in(other: Apply, node: Apply) -> list[Variable] | None:
    """Return outputs of `other` that are those of `node`; None if there aren't, or no more."""
    a, b = node.op, other.op
    if a.info.n_nit_sot >= b.info.n_nit_sot or a.mode != b.mode or a.exact != b.exact:
        return None
    if a.info.as_while != b.info.as_while or a.info.n_mit_mot or a.destroy_map or b.destroy_map:
        return None
    if not all(x is y for x, y in zip(_given(node), _given(other), strict=False)):
        return None
    if len(_given(node)) != len(_given(other)) or a.info.tap_array != b.info.tap_array:
        return None
    if list(a.fgraph.inputs) != list(b.fgraph.inputs) or _next(a) != _next(b):
        return None
    kept = {
        (result, length): output
        for result, length, output in zip(
            b.inner_nitsot_outs(b.inner_outputs),
            b.outer_nitsot(other.inputs),
            b.outer_nitsot_outs(other.outputs),
            strict=True,
        )
    }
    wanted = zip(a.inner_nitsot_outs(a.inner_outputs), a.outer_nitsot(node.inputs), strict=True)
    found = [kept.get(pair) for pair in wanted]
    if any(v is None for v in found):
        return None
    first, last = a.info.outer_out["nit_sot"].start, b.info.outer_out["nit_sot"].stop
    return [*other.outputs[:first], *found, *other.outputs[last:]]  # type: ignore[list-item]


def _given(node: Apply) -> list[Variable]:
    lengths = node.op.info.outer_in["nit_sot"]
    return [*node.inputs[: lengths.start], *node.inputs[lengths.stop :]]


def _next(op: Scan) -> list[Variable]:
    """Return the results of a step that are no nit-sots."""
    span = op.info.inner_out["nit_sot"]
    outputs = op.inner_outputs
    return [*outputs[: span.start], *outputs[span.stop :]]


optdb.register("scan_same_steps", ScanSameSteps(), "fast_run", "fast_compile", "scan")
