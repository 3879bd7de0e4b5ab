"""Rewriting outside of a compilation, and small questions about graphs."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from typing import Any

from pytensor.graph.basic import Apply, Variable, equal_computations
from pytensor.graph.fg import FunctionGraph, Output
from pytensor.graph.rewriting.db import RewriteDatabaseQuery
from pytensor.graph.rewriting.rewriters import GraphRewriter
from pytensor.graph.rewriting.stages import optdb


def rewrite_graph(
    graph: Variable | Sequence[Variable] | FunctionGraph,
    include: Sequence[str] = ("canonicalize",),
    custom_rewrite: GraphRewriter | None = None,
    clone: bool = False,
    **kwargs,
) -> Any:
    """Rewrite an expression with the rules of some stages.

    Parameters
    ----------
    graph
        A variable, a sequence of variables, or a `FunctionGraph`.
    include
        Tags of the rewriters to use.
    custom_rewrite
        One more rewriter to apply at the end.
    clone
        Whether to leave the given expression as it is and rewrite a copy.
    kwargs
        Further arguments of `RewriteDatabaseQuery`, like ``exclude``.

    Returns
    -------
    The rewritten graph, in the form it was given.
    """
    if isinstance(graph, FunctionGraph):
        fgraph = graph
    else:
        outputs = [graph] if isinstance(graph, Variable) else list(graph)
        fgraph = FunctionGraph(outputs=outputs, clone=clone, copy_inputs=False)
    optdb.query(RewriteDatabaseQuery(include=include, **kwargs)).rewrite(fgraph)
    if custom_rewrite is not None:
        custom_rewrite.rewrite(fgraph)
    if isinstance(graph, FunctionGraph):
        return fgraph
    return fgraph.outputs[0] if isinstance(graph, Variable) else list(fgraph.outputs)


def rewrite_subgraph(
    outputs: Sequence[Variable],
    frontier: Iterable[Variable],
    include: Sequence[str] = ("canonicalize",),
    **kwargs,
) -> list[Variable]:
    """Rewrite the expressions of `outputs` down to `frontier`, as if that were inputs.

    Everything is done in place, and the outputs must not belong to a `FunctionGraph`. The
    variables of `frontier` may: rules see neither what made them nor who else reads them.
    """
    cut = [(var, var.owner) for var in frontier if var.owner is not None]
    for var, _ in cut:
        var.owner = None
    try:
        return list(rewrite_graph(list(outputs), include=include, **kwargs))
    finally:
        for var, owner in cut:
            var.owner = owner


def is_same_graph(var1: Variable, var2: Variable, givens: dict | None = None) -> bool:
    """Return whether two expressions are the same computation.

    Parameters
    ----------
    var1, var2
        The expressions.
    givens
        Pairs of variables, one from each expression, to be taken as the same input.
    """
    pairs = list((givens or {}).items())
    return equal_computations(
        [var1], [var2], in_xs=[a for a, _ in pairs], in_ys=[b for _, b in pairs]
    )


def get_clients_at_depth(
    fgraph: FunctionGraph, node: Apply, depth: int
) -> Generator[Apply, None, None]:
    """Yield the nodes that read `node` through `depth` nodes in between."""
    for var in node.outputs:
        for client, _ in fgraph.clients[var]:
            if isinstance(client.op, Output):
                continue
            if depth > 0:
                yield from get_clients_at_depth(fgraph, client, depth - 1)
            else:
                yield client
