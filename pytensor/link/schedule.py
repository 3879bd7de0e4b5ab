"""The order in which nodes run, when more than data flow decides.

Two things are wanted of an order beyond a topological one: nodes that overwrite an input of the
graph run as late as they can (a failure before them leaves the input as it was), and nodes that
only one branch of a lazy node needs run after the condition of that node (so they can be skipped).
"""

from collections.abc import Iterable
from heapq import heapify, heappop, heappush
from typing import NamedTuple

from pytensor.graph.basic import Apply, Variable
from pytensor.graph.fg import FunctionGraph
from pytensor.graph.lazy import Guard, guard_depth, lazy_guards


class Schedule(NamedTuple):
    """Nodes in running order, and what the runner should know about them."""

    order: list[Apply]
    guards: dict[Apply, Guard]
    """Nodes that need not run unless choices were made in one of the ways listed."""
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
        late = {
            n: (int(n in destroyers), guard_depth(guards.get(n, frozenset())))
            for n in {*destroyers, *guards}
        }
        order = _reorder(fgraph, order, late)
    fragile: set[int] = set()
    for node in order[:-1]:
        fragile |= destroyers.get(node, set())
    return Schedule(order, guards, tuple(sorted(fragile)))
