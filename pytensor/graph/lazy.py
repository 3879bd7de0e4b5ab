"""Which nodes only some branches of lazy nodes need: so that they can be skipped, and stay apart."""

from collections.abc import Sequence

from pytensor.graph.basic import Apply
from pytensor.graph.fg import FunctionGraph

Guard = frozenset[tuple[Apply, int]]
"""Pairs of a lazy node and the branch of it that must be chosen."""

_ALWAYS: Guard = frozenset()


def lazy_branches(node: Apply) -> tuple[Sequence[int], ...] | None:
    """Return the inputs each branch of a lazy node reads, or None for ordinary nodes.

    A lazy Op has ``lazy = True`` and a method ``required_inputs(values)``, see
    `pytensor.conditional.op`. Input 0 is the condition: branch 0 is taken if it is true, branch 1
    if not.
    """
    if not getattr(node.op, "lazy", False):
        return None
    unknown = [None] * (len(node.inputs) - 1)
    return tuple(node.op.required_inputs([truth, *unknown]) for truth in (True, False))


def lazy_guards(fgraph: FunctionGraph, order: Sequence[Apply]) -> dict[Apply, Guard]:
    """Find the nodes that only some branches of lazy nodes need.

    For a node with several readers the guard is what all of them have in common, which errs on
    the side of running.
    """
    branches = {n: b for n in order if (b := lazy_branches(n)) is not None}
    if not branches:
        return {}
    outputs = set(fgraph.outputs)
    guards: dict[Apply, Guard] = {}
    for node in reversed(order):
        found: Guard | None = _ALWAYS if any(o in outputs for o in node.outputs) else None
        for output in node.outputs:
            for client, index in fgraph.clients.get(output, ()):
                if found == _ALWAYS:
                    break
                need = guards.get(client, _ALWAYS)
                taken = [b for b, ins in enumerate(branches.get(client, ())) if index in ins]
                if len(taken) == 1:
                    need = need | {(client, taken[0])}
                found = need if found is None else found & need
        if found:
            guards[node] = found
    return guards
