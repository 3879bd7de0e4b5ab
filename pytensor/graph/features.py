"""What can be attached to a `FunctionGraph` to follow, undo or forbid its changes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from pytensor.configdefaults import config
from pytensor.graph.utils import InconsistencyError

__all__ = [
    "AlreadyThere",
    "BadOptimization",
    "Bookkeeper",
    "Feature",
    "FullHistory",
    "History",
    "HistoryEntry",
    "NoOutputFromInplace",
    "NoOutputInplaceOnInput",
    "NodeFinder",
    "PreserveVariableAttributes",
    "PrintListener",
    "ReplaceValidate",
    "ReplacementDidNotRemoveError",
    "Validator",
    "register_feature_callback",
]


class AlreadyThere(Exception):
    """Raised by `Feature.on_attach` when the graph has such a feature; attaching then stops."""


class ReplacementDidNotRemoveError(Exception):
    """A replacement was to remove nodes but they are still needed."""


class BadOptimization(Exception):
    """A rewrite changed the value of a variable.

    Parameters
    ----------
    old_r, new_r : Variable
        The variable and what replaced it.
    old_r_val, new_r_val
        Their values.
    reason
        The rewrite.
    old_graph, new_graph : str
        The two expressions as text.
    """

    new_r: Any = None
    old_r: Any = None
    old_r_val: Any = None
    new_r_val: Any = None
    reason: Any = None
    old_graph = ""
    new_graph = ""

    def __init__(
        self,
        old_r,
        new_r=None,
        old_r_val=None,
        new_r_val=None,
        reason=None,
        old_graph=None,
        new_graph=None,
    ):
        super().__init__()
        self.old_r, self.new_r = old_r, new_r
        self.old_r_val, self.new_r_val = old_r_val, new_r_val
        self.reason = reason
        self.old_graph = old_graph or ""
        self.new_graph = new_graph or ""

    def str_diagnostic(self) -> str:
        """Return the whole story as text."""
        lines = [
            "BadOptimization Error",
            f"  Variable: {self.new_r}, replaced {self.old_r}",
            f"  Reason: {self.reason}",
            f"  Old value: {self.old_r_val}",
            f"  New value: {self.new_r_val}",
        ]
        if self.old_graph or self.new_graph:
            lines += ["  Old graph:", self.old_graph, "  New graph:", self.new_graph]
        return "\n".join(lines)

    __str__ = str_diagnostic


_CALLBACKS = {
    "on_attach",
    "on_detach",
    "on_import",
    "on_change_input",
    "on_prune",
    "on_validate",
    "orderings",
}


def register_feature_callback(method: Callable) -> Callable:
    """Mark a method of a feature as something ``fgraph.execute_callbacks`` may call."""
    method._is_feature_callback = True  # type: ignore[attr-defined]
    return method


class Feature:
    """Base class of features. What a subclass doesn't define costs nothing.

    Attributes
    ----------
    provides : tuple of str
        Names of methods that become methods of the graph, with the graph as first argument.
    """

    provides: tuple[str, ...] = ()
    _feature_callbacks: frozenset[str] = frozenset()

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        own = {
            name
            for name in dir(cls)
            if (name in _CALLBACKS and getattr(cls, name) is not getattr(Feature, name))
            or getattr(getattr(cls, name, None), "_is_feature_callback", False)
            # A method we don't know may be meant for `execute_callbacks` all the same.
            or (name.startswith("on_") and name not in _CALLBACKS)
        }
        cls._feature_callbacks = frozenset(own)

    def _provide(self, fgraph) -> None:
        """Give the graph the methods in `provides`, unless it has them from another feature."""
        for name in self.provides:
            if name in vars(fgraph):
                raise AlreadyThere(f"{type(self).__name__}: {name} is provided already")
        for name in self.provides:
            setattr(fgraph, name, partial(getattr(self, name), fgraph))

    def _withdraw(self, fgraph) -> None:
        """Take back what `_provide` gave."""
        for name in self.provides:
            fgraph.__dict__.pop(name, None)

    def on_attach(self, fgraph) -> None:
        """Called before the feature is attached; may raise `AlreadyThere`."""

    def on_detach(self, fgraph) -> None:
        """Called after the feature was detached."""

    def on_import(self, fgraph, node, reason) -> None:
        """Called when `node` has come into the graph; nodes it needs came before."""

    def on_change_input(self, fgraph, node, i, var, new_var, reason=None) -> None:
        """Called when input `i` of `node` has become `new_var` instead of `var`."""

    def on_prune(self, fgraph, node, reason) -> None:
        """Called when `node` has left the graph."""

    def on_validate(self, fgraph) -> None:
        """Called by ``fgraph.validate()``; raises `InconsistencyError` to forbid the graph."""

    def orderings(self, fgraph) -> dict:
        """Return a map from nodes to nodes that must be computed before them."""
        return {}

    def clone(self) -> Feature:
        """Return a feature like this one for another graph."""
        return self


class Bookkeeper(Feature):
    """A feature that also hears of the nodes which are there when it comes or goes."""

    def on_attach(self, fgraph):
        for node in fgraph.toposort():
            self.on_import(fgraph, node, "on_attach")

    def on_detach(self, fgraph):
        for node in fgraph.toposort():
            self.on_prune(fgraph, node, "Bookkeeper.detach")


class HistoryEntry(NamedTuple):
    """How to undo one change: give input `i` of `node` back its old variable."""

    node: Any
    i: int
    var: Any
    reason: Any


class History(Feature):
    """Remembers changes, so that the graph can go back to an earlier state.

    ``fgraph.checkpoint()`` returns a mark and ``fgraph.revert(mark)`` undoes what came after.
    """

    provides: tuple[str, ...] = ("checkpoint", "revert")

    def __init__(self):
        self.history: dict[Any, list[HistoryEntry]] = {}
        # Once somebody holds a mark we must remember everything since.
        self.held = False
        self.undoing = False

    def on_attach(self, fgraph):
        self._provide(fgraph)
        self.history[fgraph] = []

    def on_detach(self, fgraph):
        self._withdraw(fgraph)
        self.history.pop(fgraph, None)

    def clone(self):
        return type(self)()

    def on_change_input(self, fgraph, node, i, r, new_r, reason=None):
        if not self.undoing:
            self.history[fgraph].append(HistoryEntry(node, i, r, reason))

    def checkpoint(self, fgraph) -> int:
        """Return a mark for the present state of the graph."""
        self.held = True
        return len(self.history[fgraph])

    def revert(self, fgraph, checkpoint: int) -> None:
        """Undo all changes since a mark was made."""
        entries = self.history[fgraph]
        self.undoing = True
        try:
            while len(entries) > checkpoint:
                node, i, var, reason = entries.pop()
                fgraph.change_node_input(node, i, var, reason=("Revert", reason), check=False)
        finally:
            self.undoing = False


class FullHistory(Feature):
    """Records every change and can walk to and fro among the states of a graph.

    Examples
    --------
    Attach it, rewrite, then call ``history.start()``, ``next()``, ``prev()``, ``end()`` or
    ``goto(n)`` and look at the graph.

    Parameters
    ----------
    callback : callable, optional
        Called without arguments after each recorded change.
    """

    def __init__(self, callback: Callable[[], Any] | None = None):
        self.fw: list[tuple] = []
        self.bw: list[tuple] = []
        self.pointer = -1
        self.fg: Any = None
        self.callback = callback
        self._moving = False

    def on_attach(self, fgraph):
        if self.fg is not None:
            raise ValueError("[FullHistory] feature must be attached to one graph only")
        self.fg = fgraph

    def on_detach(self, fgraph):
        self.fg = None

    def on_change_input(self, fgraph, node, i, r, new_r, reason=None):
        if self._moving:
            return
        if self.pointer != len(self.fw) - 1:  # a new change makes the undone ones void
            del self.fw[self.pointer + 1 :], self.bw[self.pointer + 1 :]
        self.bw.append((node, i, r, reason))
        self.fw.append((node, i, new_r, reason))
        self.pointer += 1
        if self.callback:
            self.callback()

    def _apply(self, change: tuple, prefix: str) -> None:
        node, i, var, reason = change
        self._moving = True
        try:
            self.fg.change_node_input(node, i, var, reason=(prefix, reason), check=False)
        finally:
            self._moving = False

    def goto(self, checkpoint: int) -> None:
        """Go to the state after `checkpoint` changes; negative numbers count from the end."""
        total = len(self.fw)
        if checkpoint < 0:
            checkpoint = max(0, total + checkpoint + 1)
        checkpoint = min(checkpoint, total)
        while self.pointer + 1 > checkpoint:
            self._apply(self.bw[self.pointer], "Revert")
            self.pointer -= 1
        while self.pointer + 1 < checkpoint:
            self.pointer += 1
            self._apply(self.fw[self.pointer], "Redo")

    def start(self) -> None:
        """Go to the state before all changes."""
        self.goto(0)

    def end(self) -> None:
        """Go to the newest state."""
        self.goto(len(self.fw))

    def prev(self) -> None:
        """Go one change back."""
        self.goto(max(0, self.pointer))

    def next(self) -> None:
        """Go one change forward."""
        self.goto(self.pointer + 2)


class Validator(Feature):
    """Gives the graph ``validate()`` and ``consistent()``, which ask every feature."""

    provides: tuple[str, ...] = ("validate", "consistent")

    def on_attach(self, fgraph):
        self._provide(fgraph)

    def on_detach(self, fgraph):
        self._withdraw(fgraph)

    def validate(self, fgraph) -> None:
        """Raise `InconsistencyError` if a feature forbids the graph as it is."""
        fgraph.execute_callbacks("on_validate")

    def consistent(self, fgraph) -> bool:
        """Tell whether `validate` passes."""
        try:
            fgraph.validate()
            return True
        except InconsistencyError:
            return False


class ReplaceValidate(History, Validator):
    """Gives the graph replacements that are undone if a feature forbids the result."""

    provides = (
        "checkpoint",
        "revert",
        "validate",
        "consistent",
        "replace_validate",
        "replace_all_validate",
        "replace_all_validate_remove",
    )

    def on_detach(self, fgraph):
        History.on_detach(self, fgraph)

    def replace_validate(self, fgraph, r, new_r, reason=None, **kwargs):
        """Replace `r` by `new_r`, or leave the graph as it was and raise."""
        return self.replace_all_validate(fgraph, [(r, new_r)], reason=reason, **kwargs)

    def replace_all_validate(self, fgraph, replacements, reason=None, verbose=None, **kwargs):
        """Make replacements, all or none.

        Parameters
        ----------
        fgraph : FunctionGraph
        replacements : iterable of pairs of Variable
        reason : str or Rewriter, optional
        verbose : bool, optional
            Print what is done; ``config.optimizer_verbose`` if None.

        Raises
        ------
        InconsistencyError
            If a feature forbids the result; the graph is as it was.
        """
        replacements = list(replacements)
        if verbose is None:
            verbose = config.optimizer_verbose
        mark = len(self.history[fgraph])
        # The originals are printed after success, when they may have left the graph.
        shown = [(str(r), str(new_r)) for r, new_r in replacements] if verbose else ()
        try:
            for r, new_r in replacements:
                fgraph.replace(r, new_r, reason=reason, verbose=False, **kwargs)
            fgraph.validate()
        except Exception as failure:
            self.revert(fgraph, mark)
            if verbose:
                print(f"rewriting: validate failed on {reason} for {shown}: {failure}")
            raise
        for old, new in shown:
            print(f"rewriting: {reason} replaces {old} with {new}")
        self._forget_since(fgraph, mark)
        return mark

    def replace_all_validate_remove(
        self, fgraph, replacements, remove, reason=None, warn=True, **kwargs
    ):
        """Make replacements, all or none, and only if the nodes in `remove` disappear.

        Raises
        ------
        ReplacementDidNotRemoveError
            If one of them is still in the graph; the graph is as it was.
        """
        mark = len(self.history[fgraph])
        held, self.held = self.held, True  # keep the way back open until the check below
        try:
            self.replace_all_validate(fgraph, replacements, reason=reason, **kwargs)
            for node in remove:
                if node in fgraph.apply_nodes:
                    self.revert(fgraph, mark)
                    if warn:
                        print(f"rewriting: {reason} didn't remove {node}; the change is undone")
                    raise ReplacementDidNotRemoveError(
                        f"[{reason}] node must disappear, but it is still needed: {node}"
                    )
        finally:
            self.held = held
        self._forget_since(fgraph, mark)
        return mark

    def _forget_since(self, fgraph, mark: int) -> None:
        """Drop the way back if nobody can ask for it: it would keep dead nodes alive."""
        if not self.held:
            del self.history[fgraph][mark:]


class NodeFinder(Bookkeeper):
    """Gives the graph ``get_nodes(op)``: the nodes that apply an Op, in order of arrival."""

    provides = ("get_nodes",)

    def __init__(self):
        self.found: dict[Any, dict] = {}

    def on_attach(self, fgraph):
        self._provide(fgraph)
        super().on_attach(fgraph)

    def on_detach(self, fgraph):
        self._withdraw(fgraph)
        self.found.clear()

    def clone(self):
        return type(self)()

    def on_import(self, fgraph, node, reason):
        self.found.setdefault(node.op, {})[node] = None

    def on_prune(self, fgraph, node, reason):
        nodes = self.found.get(node.op, {})
        nodes.pop(node, None)
        if not nodes:
            self.found.pop(node.op, None)

    def get_nodes(self, fgraph, op) -> list:
        """Return the nodes that apply `op`."""
        return list(self.found.get(op, ()))

    query = get_nodes


class PrintListener(Feature):
    """Prints every change of a graph, for debugging.

    Parameters
    ----------
    active : bool
        Print nothing if False.
    """

    def __init__(self, active: bool = True):
        self.active = active

    def _say(self, *words) -> None:
        if self.active:
            print(*words)

    def on_attach(self, fgraph):
        self._say("-- attaching to:", fgraph)

    def on_detach(self, fgraph):
        self._say("-- detaching from:", fgraph)

    def on_import(self, fgraph, node, reason):
        self._say(f"-- importing: {node}, reason: {reason}")

    def on_prune(self, fgraph, node, reason):
        self._say(f"-- pruning: {node}, reason: {reason}")

    def on_change_input(self, fgraph, node, i, r, new_r, reason=None):
        self._say(f"-- changing ({node}.inputs[{i}]) from {r} to {new_r}, reason: {reason}")


class PreserveVariableAttributes(Feature):
    """Gives a variable that replaces another the other's name, if it has none."""

    def on_change_input(self, fgraph, node, i, r, new_r, reason=None):
        if r.name is not None and new_r.name is None:
            new_r.name = r.name
        if getattr(r.tag, "nan_guard_mode_check", True) is False:
            new_r.tag.nan_guard_mode_check = False


class NoOutputFromInplace(Feature):
    """Forbids that certain graph outputs are computed by overwriting something.

    Parameters
    ----------
    protected_out_ids : iterable of int
        Positions of the outputs.
    """

    def __init__(self, protected_out_ids):
        self.protected_out_ids = tuple(protected_out_ids)

    def on_attach(self, fgraph):
        if hasattr(fgraph, "_no_output_from_inplace"):
            raise AlreadyThere(f"{type(self).__name__} is already attached to {fgraph}")
        fgraph._no_output_from_inplace = self

    def on_detach(self, fgraph):
        fgraph.__dict__.pop("_no_output_from_inplace", None)

    def clone(self):
        return type(self)(self.protected_out_ids)

    def on_validate(self, fgraph):
        for i in self.protected_out_ids:
            out = fgraph.outputs[i]
            node = out.owner
            if node is not None and node.op.destroy_map and out.index in node.op.destroy_map:
                raise InconsistencyError(
                    f"Output {i} must not be computed in place, got {out} of {node}"
                )


class NoOutputInplaceOnInput(Feature):
    """Forbids that graph outputs are computed by overwriting certain graph inputs.

    Parameters
    ----------
    protected_input_idxs : iterable of int
        Positions of the inputs.
    """

    def __init__(self, protected_input_idxs):
        self.protected_input_idxs = tuple(protected_input_idxs)

    def on_attach(self, fgraph):
        if hasattr(fgraph, "_no_output_inplace_on_input"):
            raise AlreadyThere(f"{type(self).__name__} is already attached to {fgraph}")
        fgraph._no_output_inplace_on_input = self

    def on_detach(self, fgraph):
        fgraph.__dict__.pop("_no_output_inplace_on_input", None)

    def clone(self):
        return type(self)(self.protected_input_idxs)

    def on_validate(self, fgraph):
        protected = {fgraph.inputs[i] for i in self.protected_input_idxs}
        for i, out in enumerate(fgraph.outputs):
            node = out.owner
            if node is None:
                continue
            for pos in (node.op.destroy_map or {}).get(out.index, ()):
                if node.inputs[pos] in protected:
                    raise InconsistencyError(
                        f"Output {i} must not overwrite protected input {node.inputs[pos]}"
                    )
