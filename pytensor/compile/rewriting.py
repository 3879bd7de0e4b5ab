"""Rewrites of Ops with graphs inside."""

from collections.abc import Callable
from typing import Any

from pytensor.compile.builders import OpFromGraph
from pytensor.compile.mode import get_active_mode
from pytensor.graph.basic import Apply, Variable
from pytensor.graph.fg import FunctionGraph
from pytensor.graph.op import Op
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
    match: Callable[[Op], bool] | type | tuple[type, ...],
    rewrite: Callable[..., None],
) -> None:
    """Rewrite the inner graphs of the Ops that match.

    An Op matches itself or as the core Op of a `Blockwise`.

    Parameters
    ----------
    fgraph : FunctionGraph
        The outer graph; nodes are replaced.
    match : type, tuple of types or callable
        Class of the Op, or a condition on it.
    rewrite : callable
        ``rewrite(linker, op, node, inner, mode=mode)`` changes the `FunctionGraph` `inner` in
        place. Called once for equal Ops on equal input types.
    """
    if isinstance(match, type | tuple):
        classes = match
        matches: Callable[[Op], bool] = lambda op: isinstance(op, classes)  # noqa: E731
    else:
        matches = match
    mode = get_active_mode()
    done: dict[Any, Op] = {}
    for node in fgraph.toposort():
        core = getattr(node.op, "core_op", None)
        op = node.op if matches(node.op) else core
        if node not in fgraph.apply_nodes or op is None or not matches(op):
            continue
        key = (op, tuple(t.ndim for t in _core_types(op, node)))
        if key not in done:
            inner = op.fgraph.unfreeze()
            rewrite(mode.linker, op, node, inner, mode=mode)
            done[key] = op.clone_with_inner_graph(inner)
        new_op = done[key]
        if op is core:
            new_op = type(node.op)(**{**node.op._props_dict(), "core_op": new_op})
        new: Any = new_op(*node.inputs, return_list=True)
        copy_stack_trace(node.outputs, new)
        fgraph.replace_all(list(zip(node.outputs, new, strict=True)), reason="rewrite_inner_graph")


def _core_types(op: Op, node: Apply) -> list[Any]:
    types = getattr(op, "input_types", None)
    found = [v.type for v in node.inputs] if types is None else types
    return [t for t in found if hasattr(t, "ndim")]
