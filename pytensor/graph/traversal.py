"""Ways to walk over a graph. All are iterative, visit in a fixed order, and take linear time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Reversible, Sequence
from typing import TypeVar

from pytensor.graph.basic import Apply, AtomicVariable, Constant, Variable, get_var_by_name
from pytensor.graph.utils import CycleError

T = TypeVar("T")

__all__ = [
    "ancestors",
    "apply_ancestors",
    "apply_depends_on",
    "applys_between",
    "explicit_graph_inputs",
    "general_toposort",
    "get_var_by_name",
    "graph_inputs",
    "io_toposort",
    "orphans_between",
    "toposort",
    "toposort_with_orderings",
    "truncated_graph_inputs",
    "variable_ancestors",
    "variable_depends_on",
    "vars_between",
    "walk",
    "walk_toposort",
]


def walk(
    nodes: Iterable[T],
    expand: Callable[[T], Iterable[T] | None],
    bfs: bool = True,
    return_children: bool = False,
) -> Generator[T | tuple[T, Iterable[T] | None], None, None]:
    """Yield everything reachable from `nodes`, each once.

    Parameters
    ----------
    nodes : iterable
        Where to start.
    expand : callable
        Gives what is reachable in one step, or None.
    bfs : bool
        Nearest first; otherwise depth first, the last of the reachable things first.
    return_children : bool
        Yield pairs of a thing and what `expand` gave for it.

    Examples
    --------
    >>> list(walk([1], lambda i: [2 * i, 2 * i + 1] if i < 4 else None))
    [1, 2, 3, 4, 5, 6, 7]
    """
    todo = deque(nodes)
    seen = set()
    take = todo.popleft if bfs else todo.pop
    while todo:
        node = take()
        if node in seen:
            continue
        seen.add(node)
        children = expand(node)
        if return_children:
            yield node, children
        else:
            yield node
        if children:
            todo.extend(children)


def variable_ancestors(
    graphs: Iterable[Variable], blockers: Iterable[Variable] | None = None
) -> Generator[Variable, None, None]:
    """Yield the variables that `graphs` are computed from, and `graphs` themselves.

    Parameters
    ----------
    graphs : iterable of Variable
    blockers : iterable of Variable, optional
        Variables not to look behind.
    """
    blocked = frozenset(blockers or ())
    todo = list(graphs)
    seen: set[Variable] = set()
    while todo:
        var = todo.pop()
        if var in seen:
            continue
        seen.add(var)
        yield var
        if var.owner is not None and var not in blocked:
            todo.extend(var.owner.inputs)


ancestors = variable_ancestors


def apply_ancestors(
    graphs: Iterable[Variable], blockers: Iterable[Variable] | None = None
) -> Generator[Apply, None, None]:
    """Yield the nodes that compute `graphs`; arguments as in `variable_ancestors`."""
    blocked = frozenset(blockers or ())
    todo = [v.owner for v in graphs if v.owner is not None and v not in blocked]
    seen: set[Apply] = set()
    while todo:
        node = todo.pop()
        if node in seen:
            continue
        seen.add(node)
        yield node
        todo.extend(v.owner for v in node.inputs if v.owner is not None and v not in blocked)


def graph_inputs(
    graphs: Iterable[Variable], blockers: Iterable[Variable] | None = None
) -> Generator[Variable, None, None]:
    """Yield the variables without owner that `graphs` depend on, constants included."""
    yield from (v for v in variable_ancestors(graphs, blockers) if v.owner is None)


def explicit_graph_inputs(
    graph: Variable | Iterable[Variable],
) -> Generator[Variable, None, None]:
    """Yield the inputs a user must give: no constants, no shared variables."""
    graphs = [graph] if isinstance(graph, Variable) else graph
    yield from (
        v for v in graph_inputs(graphs) if not isinstance(v, Constant) and not _is_shared(v)
    )


def _is_shared(var: Variable) -> bool:
    """Tell whether a variable holds its value in a container of its own."""
    return getattr(var, "container", None) is not None


def vars_between(
    ins: Iterable[Variable], outs: Iterable[Variable]
) -> Generator[Variable, None, None]:
    """Yield the variables between `ins` and `outs`, both included."""
    blocked = frozenset(ins)
    todo = list(outs)
    seen: set[Variable] = set()
    while todo:
        var = todo.pop()
        if var in seen:
            continue
        seen.add(var)
        yield var
        # Outputs of one node come together, used or not.
        if var.owner is not None and var not in blocked:
            todo.extend(reversed(var.owner.outputs))
            todo.extend(var.owner.inputs)


def orphans_between(
    ins: Iterable[Variable], outs: Iterable[Variable]
) -> Generator[Variable, None, None]:
    """Yield what `outs` need that is neither in `ins` nor computed."""
    blocked = frozenset(ins)
    yield from (v for v in vars_between(blocked, outs) if v.owner is None and v not in blocked)


def applys_between(
    ins: Iterable[Variable], outs: Iterable[Variable]
) -> Generator[Apply, None, None]:
    """Yield the nodes between `ins` and `outs`."""
    yield from apply_ancestors(outs, blockers=ins)


def apply_depends_on(apply: Apply, depends_on: Apply | Iterable[Apply]) -> bool:
    """Tell whether a node needs one of some nodes, or is one of them."""
    wanted = {depends_on} if isinstance(depends_on, Apply) else set(depends_on)
    if apply in wanted:
        return True
    return any(node in wanted for node in apply_ancestors(apply.inputs))


def variable_depends_on(variable: Variable, depends_on: Variable | Iterable[Variable]) -> bool:
    """Tell whether a variable needs one of some variables, or is one of them."""
    wanted = {depends_on} if isinstance(depends_on, Variable) else set(depends_on)
    return any(var in wanted for var in variable_ancestors([variable]))


def truncated_graph_inputs(
    outputs: Sequence[Variable], ancestors_to_include: Iterable[Variable] | None = None
) -> list[Variable]:
    """Return a smallest cut: variables, independent of one another, that determine `outputs`.

    The cut runs through `ancestors_to_include` where it meets them, and as close to the outputs
    as it can elsewhere.

    Parameters
    ----------
    outputs : sequence of Variable
    ancestors_to_include : iterable of Variable, optional
        Variables that must be cut at. One that depends on another is in the result with it.

    Notes
    -----
    ``n - (c) - o`` is cut at ``c``; in ``(c) - n - o`` beside ``n' - (m) -`` the result is
    ``c`` and ``m``, the closest variable that does not depend on ``c``.
    """
    if not ancestors_to_include:
        return list(outputs)
    wanted = set(ancestors_to_include)
    depends: set[Variable] = set(wanted)
    for node in walk_toposort([o.owner for o in outputs if o.owner is not None], _owners_of_inputs):
        if any(var in depends for var in node.inputs):
            depends.update(node.outputs)
    cut: dict[Variable, None] = {}
    todo = list(reversed(list(outputs)))
    seen: set[Variable] = set()
    while todo:
        var = todo.pop()
        if var in seen:
            continue
        seen.add(var)
        if var in wanted:
            cut[var] = None
        if var not in depends:
            if not isinstance(var, AtomicVariable):
                cut[var] = None
        elif var.owner is not None and any(v in depends for v in var.owner.inputs):
            todo.extend(reversed(var.owner.inputs))
    return list(cut)


# --------------------------------------------------------------------------------------
# Topological orders
# --------------------------------------------------------------------------------------


def _owners_of_inputs(node: Apply) -> list[Apply]:
    return [var.owner for var in node.inputs if var.owner is not None]


def walk_toposort(
    graphs: Iterable[T], deps: Callable[[T], Iterable[T] | None]
) -> Generator[T, None, None]:
    """Yield everything that `graphs` depend on, and them, dependencies first.

    Parameters
    ----------
    graphs : iterable
    deps : callable
        Gives what a thing depends on, or None.

    Raises
    ------
    CycleError
        If there is a cycle; a ValueError.

    Examples
    --------
    >>> list(walk_toposort([4], lambda i: [i - 1] if i > 1 else None))
    [1, 2, 3, 4]
    """
    finished: set[T] = set()
    open_: set[T] = set()
    for root in graphs:
        if root in finished:
            continue
        open_.add(root)
        stack: list[tuple[T, Iterator[T]]] = [(root, _last_first(deps(root)))]
        while stack:
            node, rest = stack[-1]
            for dep in rest:
                if dep in finished:
                    continue
                if dep in open_:
                    waiting = [thing for thing, _ in stack]
                    raise CycleError.of(waiting[waiting.index(dep) :])
                open_.add(dep)
                stack.append((dep, _last_first(deps(dep))))
                break
            else:
                stack.pop()
                open_.discard(node)
                finished.add(node)
                yield node


def _last_first(items: Iterable[T] | None) -> Iterator[T]:
    if not items:
        return iter(())
    return reversed(items if isinstance(items, list | tuple) else list(items))


def general_toposort(
    outputs: Iterable[T],
    deps: Callable[[T], Iterable[T] | None],
    compute_deps_cache: Callable[[T], Iterable[T] | None] | None = None,
    deps_cache: dict[T, list[T]] | None = None,
    clients: dict[T, list[T]] | None = None,
) -> list[T]:
    """Return everything that `outputs` depend on, and them, dependencies first.

    Parameters
    ----------
    outputs : iterable
    deps : callable
        Gives what a thing depends on, or None. Ignored if `compute_deps_cache` is given.
    compute_deps_cache : callable, optional
        Like `deps`, but with a memory, `deps_cache`, of its own.
    deps_cache : dict, optional
        The memory of `compute_deps_cache`.
    clients : dict, optional
        Filled with what depends directly on each thing.
    """
    get = compute_deps_cache or deps

    def noting_clients(thing: T) -> list[T] | None:
        found = get(thing)
        if found is None:
            return None
        found = list(found)
        for dep in found:
            clients.setdefault(dep, []).append(thing)  # type: ignore[union-attr]
        return found

    return list(walk_toposort(outputs, get if clients is None else noting_clients))


def toposort(
    graphs: Iterable[Variable], blockers: Iterable[Variable] | None = None
) -> Generator[Apply, None, None]:
    """Yield the nodes that compute `graphs`, each after the nodes it needs.

    Parameters
    ----------
    graphs : iterable of Variable
    blockers : iterable of Variable, optional
        Variables that count as known.
    """
    yield from toposort_with_orderings(graphs, blockers=blockers)


def toposort_with_orderings(
    graphs: Iterable[Variable],
    *,
    blockers: Iterable[Variable] | None = None,
    orderings: dict[Apply, list[Apply]] | None = None,
) -> Generator[Apply, None, None]:
    """Yield the nodes that compute `graphs` in an order that also obeys `orderings`.

    Parameters
    ----------
    graphs, blockers
        See `toposort`.
    orderings : dict, optional
        Maps a node to nodes that must come before it.
    """
    blocked = frozenset(blockers or ())
    extra = orderings or {}

    def deps(node: Apply) -> list[Apply]:
        needed = [var.owner for var in node.inputs if var.owner is not None and var not in blocked]
        before = extra.get(node)
        return needed + list(before) if before else needed

    roots = [v.owner for v in graphs if v.owner is not None and v not in blocked]
    return walk_toposort(roots, deps)


def io_toposort(
    inputs: Iterable[Variable],
    outputs: Reversible[Variable],
    orderings: dict[Apply, list[Apply]] | None = None,
    clients: dict[Variable, list[Variable]] | None = None,
) -> list[Apply]:
    """Return the nodes between `inputs` and `outputs`, each after the nodes it needs.

    Parameters
    ----------
    inputs, outputs : iterable of Variable
    orderings : dict, optional
        Maps a node to nodes that must come before it.
    clients : dict, optional
        Filled with the outputs that are computed directly from each variable.
    """
    order = list(toposort_with_orderings(outputs, blockers=inputs, orderings=orderings))
    if clients is not None:
        for node in order:
            for var in node.inputs:
                clients.setdefault(var, []).extend(node.outputs)
    return order
