"""Compute at compile time what depends on constants only."""

from __future__ import annotations

from pytensor.graph.basic import Constant
from pytensor.graph.rewriting.rewriters import GraphRewriter, node_rewriter
from pytensor.graph.rewriting.stack_trace import copy_stack_trace
from pytensor.tensor.rewriting.registry import (
    register_canonicalize,
    register_specialize,
    register_stabilize,
    register_uncanonicalize,
)


def _constants(node):
    """Return the outputs of a node with constant inputs, as constants; ``None`` if it fails."""
    storage = [[None] for _ in node.outputs]
    try:
        node.op.perform(node, [i.data for i in node.inputs], storage)
    except Exception:
        # The error belongs to the call of the function, where the user can see it.
        return None
    results = []
    for out, [value] in zip(node.outputs, storage, strict=True):
        make = getattr(out.type, "constant_type", None)
        if make is None or value is None:
            return None
        result = make(out.type, out.type.filter(value), name=out.name)
        results.append(copy_stack_trace(out, result))
    return results


def _all_constant(node) -> bool:
    for var in node.inputs:
        if not isinstance(var, Constant):
            return False
    return bool(node.inputs)


@node_rewriter(None)
def unconditional_constant_folding(fgraph, node):
    """Compute a node whose inputs are constants, whatever its Op thinks of it."""
    if not _all_constant(node) or node.op.destroy_map:
        return None
    return _constants(node)


@node_rewriter(None)
def constant_folding(fgraph, node):
    """Compute a node whose inputs are constants, if its Op lets us."""
    if not _all_constant(node) or node.op.destroy_map:
        return None
    if not node.op.do_constant_folding(fgraph, node):
        return None
    return _constants(node)


class ConstantFolder(GraphRewriter):
    """Fold constants, inputs before what reads them, looking at every node once.

    Parameters
    ----------
    fold
        The node rewriter that folds one node.
    name
        Name to be reported as the reason of replacements.
    """

    def __init__(self, fold, name: str):
        self.fold = fold
        self.name = self.__name__ = name

    def apply(self, fgraph):
        ready = [node for node in fgraph.apply_nodes if _all_constant(node)]
        while ready:
            node = ready.pop()
            if node not in fgraph.apply_nodes:
                continue
            results = self.fold.fn(fgraph, node)
            if results is None:
                continue
            readers = [client for out in node.outputs for client, _ in fgraph.clients[out]]
            fgraph.replace_all_validate(
                list(zip(node.outputs, results, strict=True)), reason=self.name
            )
            ready.extend(
                n for n in dict.fromkeys(readers) if n in fgraph.apply_nodes and _all_constant(n)
            )

    def __str__(self):
        return self.name


topo_constant_folding = ConstantFolder(constant_folding, "topo_constant_folding")
topo_unconditional_constant_folding = ConstantFolder(
    unconditional_constant_folding, "topo_unconditional_constant_folding"
)

# At the end of every round, after the rules that make constants.
for _register in (
    register_canonicalize,
    register_stabilize,
    register_specialize,
    register_uncanonicalize,
):
    _register(topo_constant_folding, "fast_compile", final_rewriter=True)
