"""Say for every product in a graph which routine it became, or the first reason why not."""

from __future__ import annotations

from pytensor.graph.fg import FunctionGraph
from pytensor.graph.rewriting.stages import optdb
from pytensor.graph.rewriting.trace import REFUSED, RewriteTrace, rewrite_trace
from pytensor.graph.utils import user_line
from pytensor.tensor.blas import BatchedDot, Dot22, Dot22Scalar, Gemm, Gemv, Ger
from pytensor.tensor.blockwise import Blockwise
from pytensor.tensor.elemwise import DimShuffle, Elemwise
from pytensor.tensor.math import Dot

_CALLS = (Gemm, Gemv, Ger, Dot22, Dot22Scalar, BatchedDot)

# What a guard's refusal means to somebody who did not write the rule.
REASONS = {
    "one_float_dtype": "the operands are not all of one float32, float64 or complex dtype",
    "fits": "the other summand does not have the product's static shape, nor broadcasts to it",
    "fills": "the other summand is smaller than the outer product",
    "nobody_else_reads_the_product": "something else reads the product, so it has to be computed",
    "has_the_shape_of_the_sum": "the product is smaller than the sum it is part of",
    "coefficient_is_one": "the rule takes no scalar factor here",
    "is_scaled": "there is no scalar factor",
}


def explain(f_or_fgraph) -> str:
    """Describe what became of every product in a compiled function or a graph.

    Parameters
    ----------
    f_or_fgraph
        A compiled function or a `FunctionGraph`.

    Returns
    -------
    str
        A line per product: the op, the rule that made it, the user's source line; and for a
        product no rule took, or that no sum absorbed, the first guard that said no.
    """
    maker = getattr(f_or_fgraph, "maker", None)
    fgraph: FunctionGraph = f_or_fgraph if maker is None else maker.fgraph
    lines = []
    for node in fgraph.toposort():
        if isinstance(node.op, _CALLS):
            lines.append(_describe_call(fgraph, node))
        elif _is_plain_product(node):
            lines.append(_line(node, f"stays {node.op}: {_reason(fgraph, node)}"))
    return "\n".join(lines) if lines else "There is no product in this graph."


def _describe_call(fgraph, node) -> str:
    made_by = getattr(node.outputs[0].tag, "rule", None)
    text = str(node.op) + (f" by {made_by}" if made_by else "")
    if isinstance(node.op, Dot22 | Dot22Scalar | BatchedDot):
        refusal = _noted_refusal(node) or _first_refusal(fgraph, _sums_that_read(fgraph, node))
        if refusal is not None:
            text += f"; not part of a sum: {refusal}"
    return _line(node, text)


def _line(node, text: str) -> str:
    where = user_line(node.outputs[0])
    return f"{text}    {where}" if where else text


def _is_plain_product(node) -> bool:
    op = node.op
    return isinstance(op, Dot) or (isinstance(op, Blockwise) and isinstance(op.core_op, Dot))


def _reason(fgraph, node) -> str:
    if node.outputs[0].type.ndim > 2:
        return "no call takes batches of these shapes"
    nodes = [node, *_sums_that_read(fgraph, node)]
    return _noted_refusal(node) or _first_refusal(fgraph, nodes) or "the BLAS stage did not run"


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


def _first_refusal(fgraph, nodes) -> str | None:
    """Try the rules again, changing nothing, and return the first guard's reason."""
    database = optdb["blas"].query("+BlasOpt")
    with rewrite_trace() as trace:
        for node in nodes:
            for rewriter in database.node_tracker.get_trackers(node.op):
                rewriter.transform(fgraph, node)
    return _in_words(trace)


def _in_words(trace: RewriteTrace) -> str | None:
    # That a rule for scaled products saw none is no reason for anything.
    refusals = [e for e in trace.events if e.outcome == REFUSED and e.detail != "is_scaled"]
    if not refusals:
        return None
    return _phrase(refusals[0].rewriter, refusals[0].detail)


def _noted_refusal(node) -> str | None:
    """Return the reason a rule left on the product, before a later stage hid the sum."""
    noted = getattr(node.outputs[0].tag, "refused", None)
    return _phrase(*noted) if noted else None


def _phrase(rule_name: str, guard_name: str) -> str:
    return f"{REASONS.get(guard_name, guard_name)} ({rule_name}: {guard_name})"
