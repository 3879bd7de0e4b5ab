"""Apply node rewriters to an expression that is not part of any graph yet."""

from __future__ import annotations

from collections.abc import Sequence

from pytensor.graph.basic import Apply, Variable
from pytensor.graph.fg import FunctionGraph
from pytensor.graph.rewriting.rewriters import NodeRewriter, matches_tracks


def pre_greedy_node_rewriter(
    fgraph: FunctionGraph, rewrites: Sequence[NodeRewriter], out: Variable
) -> Variable:
    """Apply `rewrites` to the nodes `out` depends on, inputs first, up to `fgraph`.

    Nodes that belong to `fgraph` are neither visited nor changed; the others are changed in
    place. This is one pass, no search for a fixed point.

    Parameters
    ----------
    fgraph
        The graph whose nodes to stop at.
    rewrites
        The rewriters to try on every node.
    out
        The expression to rewrite.
    """
    inside = fgraph.apply_nodes
    done: dict[Variable, Variable] = {}
    stack = [out]
    while stack:
        var = stack[-1]
        node = var.owner
        if var in done or node is None or node in inside:
            done.setdefault(var, var)
            stack.pop()
            continue
        missing = [v for v in node.inputs if v not in done]
        if missing:
            stack.extend(missing)
            continue
        stack.pop()
        node.inputs[:] = [done[v] for v in node.inputs]
        done.update(zip(node.outputs, _rewritten(fgraph, rewrites, node), strict=True))
    return done[out]


def _rewritten(fgraph, rewrites, node: Apply) -> list[Variable]:
    outputs = list(node.outputs)
    for rewrite in rewrites:
        if not matches_tracks(node.op, rewrite.tracks()):
            continue
        result = rewrite.transform(fgraph, node)
        if isinstance(result, list | tuple):
            outputs = [new if new is not None else old for old, new in zip(outputs, result)]
            owner = outputs[0].owner
            if owner is None or owner in fgraph.apply_nodes or owner.outputs != outputs:
                break
            node = owner
    return outputs
