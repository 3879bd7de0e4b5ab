"""Rewrites of Ops with graphs inside."""

from collections.abc import Callable
from typing import Any

from pytensor.compile.builders import OpFromGraph
from pytensor.graph.basic import Apply, Variable
from pytensor.graph.fg import FunctionGraph
from pytensor.graph.rewriting.basic import copy_stack_trace, in2out, node_rewriter
from pytensor.graph.rewriting.stages import optdb


def inline_ofg_node(node: Apply) -> list[Variable]:
    """Return the outputs of the inner graph of `node`, computed from its inputs."""
    op = node.op
    return op.fgraph.bind(dict(zip(op.inner_inputs, node.inputs, strict=True)))


@node_rewriter([OpFromGraph])
def inline_ofg_expansion(fgraph: FunctionGraph, node: Apply) -> list[Variable] | None:
    """Put the inner graph of an `OpFromGraph` declared ``inline`` in its place."""
    if not node.op.is_inline:
        return None
    new = inline_ofg_node(node)
    copy_stack_trace(node.outputs, new)
    return new


optdb.register(
    "inline_ofg_expansion", in2out(inline_ofg_expansion), "fast_compile", "fast_run", "numba", "jax"
)


def rewrite_inner_graph(
    fgraph: FunctionGraph,
    match: Callable[[Any], bool] | type,
    rewrite: Callable[[FunctionGraph], None],
) -> None:
    """Apply `rewrite` to the inner graphs of the nodes whose Op matches.

    Parameters
    ----------
    fgraph : FunctionGraph
    match : type or callable
        Class of the Op, or a condition on it.
    rewrite : callable
        Changes a `FunctionGraph` in place. Called once for equal inner graphs.
    """
    matches = (lambda op: isinstance(op, match)) if isinstance(match, type) else match
    done: dict[Any, Any] = {}
    for node in fgraph.toposort():
        if node not in fgraph.apply_nodes or not matches(node.op):
            continue
        if node.op not in done:
            inner = FunctionGraph(node.op.inner_inputs, node.op.inner_outputs, clone=True)
            rewrite(inner)
            done[node.op] = node.op.clone_with_inner_graph(inner)
        new = done[node.op](*node.inputs, return_list=True)
        fgraph.replace_all(list(zip(node.outputs, new, strict=True)), reason="rewrite_inner_graph")
