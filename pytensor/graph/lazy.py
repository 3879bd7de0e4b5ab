"""Which nodes only some branches of lazy nodes need: so that they can be skipped, and stay apart."""

from collections.abc import Iterable, Sequence

from pytensor.graph.basic import Apply, Variable
from pytensor.graph.fg import FunctionGraph

Choice = tuple[Variable, int]
"""A condition and the branch it chooses: 0 if it is true, 1 if not."""
Guard = frozenset[frozenset[Choice]]
"""Cases: a node is needed if all choices of one of them are made so."""

_ALWAYS: Guard = frozenset([frozenset()])
# More cases cost more questions than they save work: such a node always runs.
_MOST_CASES = 8


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

    Whatever a node with a guard reads is computed whenever the node is: the guards of its inputs
    hold if its own does. A condition is computed in every case that asks for it, once the other
    choices of the case, of those it was computed for, are found to be made so.
    """
    branches = {n: b for n in order if (b := lazy_branches(n)) is not None}
    if not branches:
        return {}
    outputs = set(fgraph.outputs)
    guards: dict[Apply, Guard] = {}
    for node in reversed(order):
        if any(o in outputs for o in node.outputs):
            continue
        cases: set[frozenset[Choice]] = set()
        for output in node.outputs:
            for client, index in fgraph.clients.get(output, ()):
                need = guards.get(client, _ALWAYS)
                taken = [b for b, ins in enumerate(branches.get(client, ())) if index in ins]
                if len(taken) == 1:
                    choice = (client.inputs[0], taken[0])
                    need = frozenset(case | {choice} for case in need)
                cases |= need
        guard = _simplified(cases)
        if guard and guard != _ALWAYS:
            guards[node] = guard
    return guards


def _simplified(cases: Iterable[frozenset[Choice]]) -> Guard:
    """Return the same cases in fewer words."""
    found = set(cases)
    changed = True
    while changed and len(found) > 1:
        changed = False
        for case in list(found):
            if any(other < case for other in found):
                found.remove(case)
                changed = True
                continue
            for condition, branch in case:
                rest = case - {(condition, branch)}
                if rest | {(condition, 1 - branch)} in found:
                    # It makes no difference.
                    found.add(rest)
                    changed = True
    return frozenset(found) if len(found) <= _MOST_CASES else _ALWAYS


def guard_depth(guard: Guard) -> int:
    """Return how many choices have to be made before a node with this guard runs."""
    return max((len(case) for case in guard), default=0)
