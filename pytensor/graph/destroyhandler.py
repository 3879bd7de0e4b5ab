"""Which graphs may overwrite which variables: `DestroyHandler`.

A node *destroys* an input if its result is written over it (``op.destroy_map``). A variable may
be a *view* of another (``op.view_map``); the one at the end of the views is its *root*, and the
variables with one root are its *class*. The rules for each destroyer:

1. the root is neither constant nor marked ``tag.indestructible``, and no graph output;
2. nobody else destroys the root;
3. no other input of the destroyer is in the class (unless the Op tolerates it);
4. everybody else who reads the class can be computed earlier.

Rule 4 adds edges "reader before destroyer" to the graph, which must stay free of cycles. The
handler keeps a label for each node such that labels grow along all edges, and repairs them near
a change only (Pearce and Kelly, "A dynamic topological sort algorithm for directed acyclic
graphs", 2006). So validating one replacement doesn't cost a walk over the graph.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, KeysView
from heapq import heappop, heappush
from math import inf, isfinite
from typing import Any

from pytensor.graph.basic import Apply, Constant, Variable, nodes_in_order
from pytensor.graph.features import Bookkeeper
from pytensor.graph.fg import FunctionGraph, Output
from pytensor.graph.utils import InconsistencyError

__all__ = ["DestroyHandler", "ProtocolError", "inplace_candidates", "view_root"]


class ProtocolError(Exception):
    """An Op's ``destroy_map`` or ``view_map`` makes no sense."""


def view_root(var: Variable) -> Variable:
    """Return the variable whose memory `var` shares, through any number of views."""
    owner = var.owner
    while owner is not None:
        views = owner.op.view_map
        if not views or var.index not in views:
            break
        var = owner.inputs[views[var.index][0]]
        owner = var.owner
    return var


def destroyed_inputs(node: Apply) -> list[int]:
    """Return the positions of the inputs that a node overwrites."""
    return [i for inputs in node.op.destroy_map.values() for i in inputs]


def inplace_candidates(
    fgraph: FunctionGraph,
    inputs: Iterable[Variable],
    protected_inputs: Iterable[Variable] | None = None,
) -> list[Variable]:
    """Return those of `inputs` that it makes sense to try to overwrite.

    Left out are constants, graph outputs, protected inputs, and what is overwritten already,
    directly or through views.

    Parameters
    ----------
    fgraph : FunctionGraph
    inputs : iterable of Variable
    protected_inputs : iterable of Variable, optional
        Found from the graph's ``Supervisor``-like features (attribute ``protected``) if None.
    """
    if protected_inputs is None:
        protected = {p for f in fgraph._features for p in getattr(f, "protected", ())}
    else:
        protected = set(protected_inputs)

    def allowed(var: Variable) -> bool:
        root = view_root(var)
        if isinstance(var, Constant) or isinstance(root, Constant):
            return False
        if var in protected or root in protected:
            return False
        if any(isinstance(node.op, Output) for node, _ in fgraph.clients.get(var, ())):
            return False
        return not fgraph.has_destroyers([var])

    return [var for var in inputs if allowed(var)]


class DestroyHandler(Bookkeeper):
    """Forbids graphs in which a value would be overwritten before its last use.

    Gives the graph ``destroyers(variable)`` and ``has_destroyers(variables)``.

    Parameters
    ----------
    do_imports_on_attach : bool
        Look at the nodes the graph has when the feature is attached.
    algo : str, optional
        Accepted for compatibility; there is one algorithm.
    """

    provides = ("destroyers", "has_destroyers")

    def __init__(self, do_imports_on_attach: bool = True, algo: str | None = None):
        self.do_imports_on_attach = do_imports_on_attach
        self.algo = algo
        self._reset(None)

    def _reset(self, fgraph: FunctionGraph | None) -> None:
        self.fgraph: Any = fgraph  # None while it listens to no graph
        # Destroyers with the roots they were registered under, and the reverse.
        self.roots_of: dict[Apply, list[Variable]] = {}
        self.root_destroyers: dict[Variable, dict[Apply, None]] = {}
        # What must be looked at by the next validation.
        # A destroyer is checked against all readers, or only those that came (`newcomers`).
        self.dirty: dict[Apply, None] = {}
        self.newcomers: dict[Apply, dict[Apply, None]] = {}
        self.unplaced: dict[Apply, None] = {}
        self.changed: dict[tuple[Apply, int], None] = {}
        # A number and a serial: different for every node, so that they can be permuted.
        self.labels: dict[Apply, tuple[float, int]] = {}
        self.labelled = False  # not before the first destroyer
        self.serial = 0
        self.steps = 0  # nodes and edges looked at, for tests of complexity

    def clone(self):
        return type(self)(self.do_imports_on_attach, self.algo)

    def on_attach(self, fgraph):
        if self.fgraph is not None:
            raise ValueError("[DestroyHandler] feature must be attached to one graph only")
        self._provide(fgraph)
        self._reset(fgraph)
        fgraph.destroy_handler = self
        if self.do_imports_on_attach:
            super().on_attach(fgraph)

    def on_detach(self, fgraph):
        self._withdraw(fgraph)
        fgraph.__dict__.pop("destroy_handler", None)
        self._reset(None)

    # -- questions ----------------------------------------------------------------------

    def destroyers(self, fgraph, r: Variable) -> list[Apply]:
        """Return the nodes that overwrite the memory of `r`."""
        self._register_dirty()
        return list(self.root_destroyers.get(view_root(r), ()))

    def has_destroyers(self, fgraph, protected_list: Iterable[Variable]) -> bool:
        """Tell whether the memory of one of some variables is overwritten."""
        self._register_dirty()
        return any(view_root(var) in self.root_destroyers for var in protected_list)

    def overwritten_roots(self) -> KeysView[Variable]:
        """Return the variables whose memory is overwritten and is no view of another's."""
        self._register_dirty()
        return self.root_destroyers.keys()

    def refresh_droot_impact(self) -> tuple[dict, dict, dict]:
        """Return the class of each destroyed root, the root of each variable in one, and who
        destroys it.
        """
        self._register_dirty()
        droot, impact, destroyer = {}, {}, {}
        for root, nodes in self.root_destroyers.items():
            impact[root] = dict.fromkeys(self._class_of(root))
            droot.update(dict.fromkeys(impact[root], root))
            destroyer[root] = next(iter(nodes))
        return droot, impact, destroyer

    # -- news of the graph --------------------------------------------------------------

    def on_import(self, fgraph, app, reason):
        if app.op.destroy_map:
            self.dirty[app] = None
            self.roots_of.setdefault(app, [])
        if self.root_destroyers:
            for var in app.inputs:
                self._note_reader(app, var)
        if self.labelled:
            self.unplaced[app] = None

    def on_prune(self, fgraph, app, reason):
        for pending in (self.dirty, self.newcomers, self.unplaced):
            pending.pop(app, None)
        if self.newcomers:
            for readers in self.newcomers.values():
                readers.pop(app, None)
        if app in self.roots_of:
            self._unregister(app)
            del self.roots_of[app]
        self.labels.pop(app, None)

    def on_change_input(self, fgraph, app, i, old_r, new_r, reason=None):
        if app in self.roots_of:
            self.dirty[app] = None
        if self.root_destroyers:
            if app.op.view_map:
                # What is seen through this view moves to another root, destroyers included.
                for var in (old_r, new_r):
                    for destroyer in self.root_destroyers.get(view_root(var), ()):
                        self.dirty[destroyer] = None
            self._note_reader(app, new_r)
        if self.labelled and not isinstance(app.op, Output):
            self.changed[app, i] = None

    def _note_reader(self, reader: Apply, var: Variable) -> None:
        for destroyer in self.root_destroyers.get(view_root(var), ()):
            self.newcomers.setdefault(destroyer, {})[reader] = None

    def _unregister(self, app: Apply) -> None:
        for root in self.roots_of[app]:
            nodes = self.root_destroyers[root]
            nodes.pop(app, None)
            if not nodes:
                del self.root_destroyers[root]
        self.roots_of[app] = []

    def _register_dirty(self) -> None:
        """Bring the register of roots up to date."""
        for app in list(self.dirty):
            roots = list(dict.fromkeys(view_root(app.inputs[i]) for i in destroyed_inputs(app)))
            if roots != self.roots_of[app]:
                self._unregister(app)
                self.roots_of[app] = roots
                for root in roots:
                    self.root_destroyers.setdefault(root, {})[app] = None

    # -- classes ------------------------------------------------------------------------

    def _class_of(self, root: Variable) -> Iterator[Variable]:
        """Yield `root` and its views, and theirs."""
        clients = self.fgraph.clients
        stack = [root]
        while stack:
            var = stack.pop()
            yield var
            for node, i in clients.get(var, ()):
                self.steps += 1
                views = node.op.view_map
                if views:
                    stack.extend(node.outputs[o] for o, ins in views.items() if i in ins[:1])

    def _readers(self, app: Apply) -> Iterator[tuple[Apply, int, Variable, Variable]]:
        """Yield who reads the classes that `app` destroys: node, position, variable, root."""
        clients = self.fgraph.clients
        for root in self.roots_of[app]:
            for var in self._class_of(root):
                for node, i in clients.get(var, ()):
                    yield node, i, var, root

    # -- validation ---------------------------------------------------------------------

    def on_validate(self, fgraph):
        """Raise `InconsistencyError` if the graph breaks one of the rules."""
        if not self.roots_of and not self.labelled:
            return
        self._register_dirty()
        if not self.labelled:
            self._label_everything()
        self._place_new_nodes()
        self._check_changed_edges()
        for app in self.dirty:
            self._check_roots(app)
        for app in list(self.dirty):
            self._check_readers(app, self._readers(app))
            for node, *_ in self._readers(app):
                if node is not app:
                    self._require_before(node, app)
            del self.dirty[app]
            self.newcomers.pop(app, None)
        for app, readers in list(self.newcomers.items()):
            self._check_newcomers(app, readers)
            del self.newcomers[app]

    def _check_changed_edges(self) -> None:
        """Label everything anew if a change of the graph itself runs against the labels.

        A rewrite that puts a node where another was leaves the labels as they are.
        """
        labels = self.labels
        for node, i in self.changed:
            self.steps += 1
            owner = node.inputs[i].owner
            if owner is not None and node in labels and labels[owner] >= labels[node]:
                self._label_everything()
                return
        self.changed.clear()

    def _check_roots(self, app: Apply) -> None:
        """Check rules 1 and 2 for one destroyer, which takes constant time."""
        for root in self.roots_of[app]:
            if isinstance(root, Constant) or getattr(root.tag, "indestructible", False):
                raise InconsistencyError(
                    f"Attempting to destroy indestructible variables: [{root}] by {app}"
                )
            if len(self.root_destroyers[root]) > 1:
                others = [node for node in self.root_destroyers[root] if node is not app]
                raise InconsistencyError(f"Multiple destroyers of {root}: {app} and {others[0]}")

    def _check_readers(self, app: Apply, readers: Iterable[tuple]) -> None:
        """Check rule 3 for one destroyer, and that it destroys no graph output."""
        tolerated = self._tolerated_positions(app)
        destroyed = set(destroyed_inputs(app))
        for node, i, var, root in readers:
            if isinstance(node.op, Output):
                raise InconsistencyError(
                    f"A graph output must not be destroyed, got {var} (root {root}), by {app}"
                )
            if node is app and i not in destroyed and i not in tolerated:
                raise InconsistencyError(
                    f"Input aliasing: {app} destroys input(s) {sorted(destroyed)} "
                    f"and reads the same memory as input {i}, {var}"
                )
        if len({view_root(app.inputs[i]) for i in destroyed}) < len(destroyed):
            raise InconsistencyError(f"Input aliasing: {app} destroys one memory twice")

    def _check_newcomers(self, app: Apply, readers: dict[Apply, None]) -> None:
        """Check rules 3 and 4 for the nodes that have come to read what `app` destroys."""
        roots = self.roots_of[app]
        for node in list(readers):
            reads = [
                (node, i, var, view_root(var))
                for i, var in enumerate(node.inputs)
                if view_root(var) in roots and (node, i) in self.fgraph.clients.get(var, ())
            ]
            self.steps += 1
            self._check_readers(app, reads)
            if reads and node is not app:
                self._require_before(node, app)
            del readers[node]

    def _tolerated_positions(self, app: Apply) -> set[int]:
        """Return the inputs that may share memory with one that `app` overwrites."""
        same = getattr(app.op, "destroyhandler_tolerate_same", ())
        aliased = getattr(app.op, "destroyhandler_tolerate_aliased", ())
        found = {j for i, j in same if app.inputs[i] is app.inputs[j]}
        found.update(j for _, j in aliased)
        return found

    def orderings(self, fgraph, ordered: bool = True) -> dict[Apply, list[Apply]]:
        """Return, for each destroyer, the nodes that must be computed before it."""
        self._register_dirty()
        result: dict[Apply, list[Apply]] = {}
        for app in self.roots_of:
            before = {
                node: None
                for node, *_ in self._readers(app)
                if node is not app and not isinstance(node.op, Output)
            }
            if before:
                result[app] = list(before)
        return result

    # -- labels -------------------------------------------------------------------------

    def _label_everything(self) -> None:
        """Label all nodes by the graph's own edges; those of destroyers come one by one."""
        fgraph = self.fgraph
        loose = (node.outputs[0] for node in fgraph.apply_nodes if node.outputs)
        self.labels, self.labelled = {}, False
        order = nodes_in_order([*fgraph.outputs, *loose])
        labels = {node: (float(k), k) for k, node in enumerate(order)}
        self.steps += len(order)
        self.serial = len(order)
        self.labels, self.labelled = labels, True
        self.unplaced.clear()
        self.changed.clear()
        self.dirty.update(dict.fromkeys(self.roots_of))

    def _place_new_nodes(self) -> None:
        """Give nodes that came since the last validation a label between their neighbours'."""
        new = list(self.unplaced)
        if not new:
            return
        labels, clients = self.labels, self.fgraph.clients
        upper: dict[Apply, float] = {}
        height: dict[Apply, int] = {}
        for node in reversed(new):
            high, above = inf, 0
            for out in node.outputs:
                for client, _ in clients[out]:
                    self.steps += 1
                    if client in upper:
                        high, above = min(high, upper[client]), max(above, height[client])
                    elif client in labels:
                        high = min(high, labels[client][0])
            upper[node], height[node] = high, above + 1
        for node in new:
            low = -inf
            for var in node.inputs:
                if var.owner in labels:
                    low = max(low, labels[var.owner][0])
            number = _between(low, upper[node], height[node])
            if number is None:  # no room, or an edge against the labels: start afresh
                self._label_everything()
                return
            self.serial += 1
            labels[node] = (number, self.serial)
            del self.unplaced[node]

    def _require_before(self, first: Apply, then: Apply) -> None:
        """Make the label of `first` smaller than that of `then`, or raise if it can't be."""
        labels = self.labels
        low, high = labels[then], labels[first]
        self.steps += 1
        if high < low:
            return
        ahead = self._reach_forward(then, first)
        if first in ahead:
            raise InconsistencyError(
                f"Dependency graph contains cycles: {first} must be computed before {then}, "
                "which it needs"
            )
        behind = self._reach_backward(first, low)
        moved = sorted(behind, key=labels.__getitem__) + sorted(ahead, key=labels.__getitem__)
        slots = sorted(labels[node] for node in moved)
        labels.update(zip(moved, slots))

    def _reach_forward(self, start: Apply, target: Apply) -> dict[Apply, None]:
        """Return what must come after `start`, as far as the label of `target`.

        The largest labels are looked at first: where values skip ahead, as they do from a
        forward to a backward pass, that finds a way to the target in a few steps.
        """
        labels = self.labels
        high = labels[target]
        found: dict[Apply, None] = {start: None}
        heap = [(0.0, 0, start)]
        while heap:
            node = heappop(heap)[2]
            for other in self._successors(node):
                self.steps += 1
                label = labels.get(other)
                if label is None or label > high or other in found:
                    continue
                found[other] = None
                if other is target:
                    return found
                heappush(heap, (-label[0], -label[1], other))
        return found

    def _reach_backward(self, start: Apply, low: tuple[float, int]) -> dict[Apply, None]:
        """Return what must come before `start`, down to the label `low`."""
        labels = self.labels
        found: dict[Apply, None] = {start: None}
        stack = [start]
        while stack:
            for other in self._predecessors(stack.pop()):
                self.steps += 1
                label = labels.get(other)
                if label is not None and label >= low and other not in found:
                    found[other] = None
                    stack.append(other)
        return found

    def _successors(self, node: Apply) -> Iterator[Apply]:
        """Yield the nodes that must come after `node`."""
        clients = self.fgraph.clients
        for out in node.outputs:
            for client, _ in clients[out]:
                yield client
        if self.root_destroyers:
            for var in node.inputs:
                for app in self.root_destroyers.get(view_root(var), ()):
                    if app is not node and not self._is_pending(node, app):
                        yield app

    def _predecessors(self, node: Apply) -> Iterator[Apply]:
        """Yield the nodes that must come before `node`."""
        for var in node.inputs:
            if var.owner is not None:
                yield var.owner
        if node in self.roots_of:
            for reader, *_ in self._readers(node):
                if reader is not node and not self._is_pending(reader, node):
                    yield reader

    def _is_pending(self, reader: Apply, app: Apply) -> bool:
        """Tell whether the labels don't obey the edge from a reader to a destroyer yet."""
        return app in self.dirty or reader in self.newcomers.get(app, ())


def _between(low: float, high: float, height: int) -> float | None:
    """Return a number between two others, with room for `height` more above it."""
    if not isfinite(low) and not isfinite(high):
        return 0.0
    if not isfinite(high):
        return low + 1.0
    if not isfinite(low):
        return high - height
    label = low + (high - low) / (height + 1)
    return label if low < label < high else None
