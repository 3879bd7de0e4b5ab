"""Why a rule did not take a product, in words for somebody who did not write the rule."""

from __future__ import annotations

from pytensor.graph.rewriting.stages import optdb
from pytensor.graph.rewriting.trace import REFUSED, RewriteTrace, rewrite_trace
from pytensor.tensor.elemwise import DimShuffle, Elemwise
from pytensor.tensor.rewriting.explain_words import factors

# What a guard's refusal means. `tests/tensor/rewriting/test_explain.py` asks for an entry for
# each guard of each registered rule.
REASONS = {
    "one_float_dtype": "the operands are not all of one float32, float64 or complex dtype",
    "fits": "the other summand does not have the product's static shape, nor broadcasts to it",
    "fills": "the other summand is smaller than the outer product",
    "nobody_else_reads_the_product": "something else reads the product, so it has to be computed",
    "has_the_shape_of_the_sum": "the product is smaller than the sum it is part of",
    "coefficient_is_one": "the rule takes no scalar factor here",
    "is_scaled": "there is no scalar factor",
    "is_matrix": "a length is 1: the product of a row or a column is a smaller call",
    "fits_square": "the other summand is not of the shape of a matrix times its own transpose",
    "is_real": "the scalar factor may be complex, and the result would not be Hermitian",
    "gains": "the triangle has few rows and holds its zeros: there is nothing to save",
    "is_plain": "the call conjugates an operand, which products with a triangle don't",
}

# What became of products that are no product any more, by rewriter.
VANISHED = {
    "MergeOptimizer": "the same product is computed elsewhere in the graph, once for both",
    "topo_constant_folding": "all of its operands are constants: computed while compiling",
    "local_0_dot_x": "an operand is all zeros, hence so is the product",
}

# Refusals that are no reason: that a rule for scaled products saw none says nothing.
_NO_REASON = frozenset(("is_scaled",))


def phrase(rule_name: str, guard_name: str) -> str:
    """Return the refusal of a rule in words, followed by its names."""
    return f"{REASONS.get(guard_name, guard_name)} ({rule_name}: {guard_name})"


def noted_refusal(node) -> str | None:
    """Return the reason a rule left on the product, before a later stage hid the sum."""
    noted = getattr(node.outputs[0].tag, "refused", None)
    return phrase(*noted) if noted else None


def why_not_in_a_sum(fgraph, node) -> str | None:
    """Return why the product `node` became no part of the sum that reads it."""
    return noted_refusal(node) or first_refusal(fgraph, _sums_that_read(fgraph, node))


def why_it_stays(fgraph, node) -> str:
    """Return why the product `node` became no BLAS call."""
    dtypes = list(dict.fromkeys(v.type.dtype for v in factors(node)))
    if "float16" in dtypes or not all(t.startswith(("float", "complex")) for t in dtypes):
        found = noted_refusal(node) or first_refusal(fgraph, [node])
        return found or phrase("local_dot_to_dot22", "one_float_dtype")
    if node.outputs[0].type.ndim > 2:
        return "a stack of products: one node, which makes a call for each pair of matrices"
    nodes = [node, *_sums_that_read(fgraph, node)]
    return noted_refusal(node) or first_refusal(fgraph, nodes) or "the BLAS stage did not run"


def why_it_vanished(event) -> str:
    """Return what the rewriter of `event` says it does."""
    if event is None:
        return "nothing reads it"
    if event.name in VANISHED:
        return f"{VANISHED[event.name]} ({event.name})"
    if isinstance(event.reason, str) or "(" in event.name:  # many rewriters in one
        return "nothing needs its value"
    said = (getattr(event.reason, "__doc__", None) or "").strip().splitlines()
    what = said[0].replace("``", "").rstrip(".") if said else "nothing needs its value after"
    return f"{what} ({event.name})"


def _sums_that_read(fgraph, node) -> list:
    """Return elementwise nodes that read `node`, also through a dropped axis."""
    found, stack = [], [node]
    while stack:
        for client, _ in fgraph.clients[stack.pop().outputs[0]]:
            if isinstance(client.op, DimShuffle):
                stack.append(client)
            elif isinstance(client.op, Elemwise):
                found.append(client)
    return found


def first_refusal(fgraph, nodes) -> str | None:
    """Try the rules again, changing nothing, and return the first guard's reason."""
    database = optdb["blas"].query("+BlasOpt")
    with rewrite_trace() as trace:
        for node in nodes:
            for rewriter in database.node_tracker.get_trackers(node.op):
                rewriter.transform(fgraph, node)
    return _in_words(trace)


def _in_words(trace: RewriteTrace) -> str | None:
    for event in trace.events:
        if event.outcome == REFUSED and event.detail not in _NO_REASON:
            return phrase(event.rewriter, event.detail)
    return None
