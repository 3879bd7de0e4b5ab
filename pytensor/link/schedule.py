"""The order in which nodes run, when more than data flow decides.

Two things are wanted of an order beyond a topological one: nodes that overwrite an input of the
graph run as late as they can (a failure before them leaves the input as it was), and nodes that
only one branch of a lazy node needs run after the condition of that node (so they can be skipped).
"""

from collections.abc import Iterable, Sequence
from heapq import heapify, heappop, heappush
from typing import NamedTuple

from pytensor.graph.basic import Apply, Variable
from pytensor.graph.fg import FunctionGraph

Guard = frozenset[tuple[Apply, int]]
"""Pairs of a lazy node and the branch of it that must be chosen."""

_ALWAYS: Guard = frozenset()


class Schedule(NamedTuple):
    """Nodes in running order, and what the runner should know about them."""

    order: list[Apply]
    guards: dict[Apply, Guard]
    """Nodes that need not run if one of the choices was decided otherwise."""
    fragile_inputs: tuple[int, ...]
    """Positions of inputs that are overwritten before the last node that may fail."""


def storage_root(variable: Variable) -> Variable:
    """Return the variable that owns the memory of `variable`, following views and overwrites."""
    while (node := variable.owner) is not None:
        index = variable.index if variable.index is not None else 0
        source = node.op.view_map.get(index) or node.op.destroy_map.get(index)
        if not source:
            break
        variable = node.inputs[source[0]]
    return variable


def destroyed_inputs(fgraph: FunctionGraph, nodes: Iterable[Apply]) -> dict[Apply, set[int]]:
    """Map the nodes that overwrite inputs of the graph to the positions of these inputs."""
    position = {v: i for i, v in enumerate(fgraph.inputs)}
    destroyers: dict[Apply, set[int]] = {}
    for node in nodes:
        for targets in node.op.destroy_map.values():
            for target in targets:
                root = storage_root(node.inputs[target])
                if root in position:
                    destroyers.setdefault(node, set()).add(position[root])
    return destroyers


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


def _reorder(
    fgraph: FunctionGraph, order: list[Apply], late: dict[Apply, tuple[int, int]]
) -> list[Apply]:
    """Sort topologically, preferring at each step the node with the smallest `late` key."""
    index = {node: i for i, node in enumerate(order)}
    orderings = fgraph.orderings()
    waiting: list[int] = []
    readers: list[list[int]] = [[] for _ in order]
    for i, node in enumerate(order):
        before = {index[v.owner] for v in node.inputs if v.owner in index}
        before.update(index[n] for n in orderings.get(node, ()) if n in index)
        waiting.append(len(before))
        for j in before:
            readers[j].append(i)

    def key(i: int) -> tuple[tuple[int, int], int]:
        return late.get(order[i], (0, 0)), i

    ready = [key(i) for i, count in enumerate(waiting) if count == 0]
    heapify(ready)
    result = []
    while ready:
        _, i = heappop(ready)
        result.append(order[i])
        for j in readers[i]:
            waiting[j] -= 1
            if waiting[j] == 0:
                heappush(ready, key(j))
    return result


def schedule(fgraph: FunctionGraph, order: list[Apply] | None = None) -> Schedule:
    """Choose the running order of the nodes of `fgraph`."""
    order = list(fgraph.toposort()) if order is None else list(order)
    destroyers = destroyed_inputs(fgraph, (n for n in order if n.op.destroy_map))
    guards = lazy_guards(fgraph, order)
    if destroyers or guards:
        late = {n: (int(n in destroyers), len(guards.get(n, ()))) for n in {*destroyers, *guards}}
        order = _reorder(fgraph, order, late)
    fragile: set[int] = set()
    for node in order[:-1]:
        fragile |= destroyers.get(node, set())
    return Schedule(order, guards, tuple(sorted(fragile)))
