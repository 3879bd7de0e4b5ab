"""Cotangents that exist only if choices are made in one way.

What is upstream of one branch of a choice has a cotangent if that branch is taken, and zero if not.
Instead of zeros that run through all pullbacks (which are linear), the walk remembers the choices: it
goes through the branch as if it was taken, and where something is needed by others too, or asked
for, makes one lazy choice between the sum and zero, or the sum of the other branch. So nothing of the
derivative of a branch that isn't taken is computed, whatever the Ops in it are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from pytensor.graph.basic import Apply, Variable
from pytensor.graph.lazy import lazy_branches
from pytensor.graph.null_type import DisconnectedType, NullType

Path = tuple[tuple[Apply, int], ...]
"""Lazy nodes and the branches of them that are taken, the outermost first."""


class Chosen(NamedTuple):
    """A cotangent, and the choices for which it is one; it is zero for all others."""

    path: Path
    value: Variable


def is_lazy(node: Apply) -> bool:
    """Tell whether a node chooses between branches, and can say how cotangents pass it."""
    return getattr(node.op, "lazy", False) and hasattr(node.op, "choice_between")


def through_choice(node: Apply, found: Sequence[Chosen | None]) -> list[tuple[int, Path, Variable]]:
    """Return the terms of the inputs of a lazy node: position, path and value."""
    terms: list[tuple[int, Path, Variable]] = []
    gs = [None if c is None else c.value for c in found]
    condition = node.op.pullback_of_condition(node.inputs)
    terms.append((0, (), condition))
    for branch, positions in enumerate(lazy_branches(node) or ()):
        for i, c, g in zip(positions, found, gs, strict=True):
            if c is not None and g is not None:
                terms.append((i, (*c.path, (node, branch)), g))
    return terms


def _key(step: tuple[Apply, int]) -> tuple[Variable, int]:
    return step[0].inputs[0], step[1]


def _common(paths: Sequence[Path]) -> int:
    """Return how many choices all paths begin with."""
    n = min(map(len, paths))
    for k in range(n):
        if len({_key(path[k]) for path in paths}) > 1:
            return k
    return n


def at_one_path(node: Apply, found: Sequence[Chosen | None]) -> tuple[Path, list[Variable | None]]:
    """Return the cotangents of the outputs of a node for one path, the longest they have in common."""
    live = [c for c in found if c is not None]
    n = _common([c.path for c in live])
    gs = [
        None if c is None else shortened(out, c, n)
        for out, c in zip(node.outputs, found, strict=True)
    ]
    return live[0].path[:n], gs


def shortened(var: Variable, chosen: Chosen, n: int) -> Variable:
    """Return a cotangent of `var` for the first `n` choices of its path only."""
    value = chosen.value
    if isinstance(value.type, NullType | DisconnectedType):
        return value
    for node, branch in reversed(chosen.path[n:]):
        values = [value, _zeros(var, value)]
        value = node.op.choice_between(node.inputs[0], values[branch], values[1 - branch])
    return value


def _zeros(var: Any, g: Any) -> Variable:
    """Return zeros like a cotangent of `var`; its own shape may not be known without computing it."""
    if getattr(var.type, "shape", None) is None or type(var.type) is not type(g.type):
        return g.zeros_like()
    return var.zeros_like(dtype=g.type.dtype)


def sum_of_chosen(
    var: Variable, terms: Sequence[Chosen], add: Callable[[list[Any]], Variable]
) -> Chosen:
    """Add the terms of the cotangent of `var`."""
    if len(terms) == 1:
        return terms[0]
    for term in terms:
        if isinstance(term.value.type, NullType):
            return Chosen((), term.value)
    n = _common([t.path for t in terms])
    path = terms[0].path[:n]
    groups: dict[Any, list[Chosen]] = {}
    for t in terms:
        groups.setdefault(_key(t.path[n])[0] if len(t.path) > n else None, []).append(t)
    parts = [t.value for t in groups.pop(None, ())]
    for those in groups.values():
        node = those[0].path[n][0]
        sides = []
        for branch in (0, 1):
            own = [Chosen(t.path[n + 1 :], t.value) for t in those if t.path[n][1] == branch]
            sides.append(_side(var, own, add))
        first, second = sides
        first = _zeros(var, second) if first is None else first
        second = _zeros(var, first) if second is None else second
        parts.append(node.op.choice_between(node.inputs[0], first, second))
    return Chosen(path, add(parts))


def _side(var: Variable, terms: list[Chosen], add) -> Any:
    return shortened(var, sum_of_chosen(var, terms, add), 0) if terms else None
