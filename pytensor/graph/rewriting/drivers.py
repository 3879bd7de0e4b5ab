"""Drivers that bring node rewriters to the nodes of a graph, one pass over the graph each."""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Literal

from pytensor.graph.basic import Apply, Variable
from pytensor.graph.features import Feature
from pytensor.graph.fg import FunctionGraph
from pytensor.graph.rewriting.rewriters import GraphRewriter, NodeRewriter, handle_failure
from pytensor.graph.rewriting.trace import current_trace, rewriter_name
from pytensor.graph.rewriting.tracker import OpToRewriterTracker, SequentialNodeRewriter
from pytensor.graph.utils import InconsistencyError, source


class DispatchingFeature(Feature):
    """Pass on what happens to a graph to given functions."""

    def __init__(self, importer, pruner, chin, name=None):
        self.importer = importer
        self.pruner = pruner
        self.chin = chin
        self.name = name

    def on_import(self, fgraph, node, reason):
        if self.importer is not None:
            self.importer(node)

    def on_prune(self, fgraph, node, reason):
        if self.pruner is not None:
            self.pruner(node)

    def on_change_input(self, fgraph, node, i, r, new_r, reason):
        if self.chin is not None:
            self.chin(node, i, r, new_r, reason)


class ChangeTracker(Feature):
    """Remember whether anything changed since `reset`."""

    def __init__(self):
        self.changed = False
        self.nb_imported = 0

    def clone(self):
        return type(self)()

    def on_import(self, fgraph, node, reason):
        self.nb_imported += 1
        self.changed = True

    def on_change_input(self, fgraph, node, i, r, new_r, reason):
        self.changed = True

    def reset(self):
        self.changed = False

    def on_attach(self, fgraph):
        fgraph.change_tracker = self

    def on_detach(self, fgraph):
        del fgraph.change_tracker


class NodeProcessingGraphRewriter(GraphRewriter):
    """Apply what `NodeRewriter.transform` proposes to a graph, and handle what goes wrong.

    Parameters
    ----------
    node_rewriter
        The rewriter to apply, or ``None`` if a subclass brings its own.
    ignore_newtrees
        Whether nodes a rewrite creates are left alone. ``"auto"`` follows the rewriter's
        ``reentrant`` attribute.
    failure_callback
        Called with ``(exc, self, replacement pairs, node_rewriter, node)`` when a rewrite
        or its replacement raised; without it the exception propagates.
    """

    def __init__(
        self,
        node_rewriter: NodeRewriter | None,
        ignore_newtrees: Literal[True, False, "auto"],
        failure_callback: Callable | None = None,
    ):
        self.node_rewriter = node_rewriter
        if ignore_newtrees == "auto":
            ignore_newtrees = not getattr(node_rewriter, "reentrant", True)
        self.ignore_newtrees = ignore_newtrees
        self.failure_callback = failure_callback

    @classmethod
    def warn(cls, exc, nav, repl_pairs, node_rewriter, node):
        """Handle an exception as `config.on_opt_error` says: raise, warn, pdb or ignore."""
        handle_failure(exc, _failure_message(node_rewriter, node))

    @classmethod
    def warn_inplace(cls, exc, nav, repl_pairs, node_rewriter, node):
        """Like `warn`, but an in-place replacement that would make a cycle is no failure."""
        if isinstance(exc, InconsistencyError):
            return
        cls.warn(exc, nav, repl_pairs, node_rewriter, node)

    @classmethod
    def warn_ignore(cls, exc, nav, repl_pairs, node_rewriter, node):
        """Ignore the exception."""

    def attach_updater(
        self,
        fgraph: FunctionGraph,
        importer: Callable | None,
        pruner: Callable | None,
        chin: Callable | None = None,
        name: str | None = None,
    ) -> DispatchingFeature | None:
        """Attach a feature that calls the given functions when the graph changes."""
        if self.ignore_newtrees:
            importer = None
        if importer is None and pruner is None and chin is None:
            return None
        feature = DispatchingFeature(importer, pruner, chin, name=name)
        fgraph.attach_feature(feature)
        return feature

    def detach_updater(self, fgraph: FunctionGraph, updater: DispatchingFeature | None) -> None:
        """Remove what `attach_updater` attached."""
        if updater is not None:
            fgraph.remove_feature(updater)

    def process_node(
        self,
        fgraph: FunctionGraph,
        node: Apply,
        node_rewriter: NodeRewriter | None = None,
        enforce_tracks: bool = True,
        call: Callable | None = None,
    ) -> bool:
        """Try `node_rewriter` on `node`; return whether the graph changed.

        `call`, the function of ``(fgraph, node)`` to use, saves drivers with a dispatch
        table the second look at the tracks.
        """
        rewriter = node_rewriter or self.node_rewriter
        if rewriter is None:
            raise ValueError("[process_node] a node rewriter must be given")
        if call is None:
            call = rewriter.transform
        if current_trace() is not None:
            return self._process_traced(fgraph, node, rewriter, call)
        return self._process(fgraph, node, rewriter, call)

    def _process_traced(self, fgraph, node, rewriter, call) -> bool:
        trace = current_trace()
        if trace is None:
            return self._process(fgraph, node, rewriter, call)
        text = str(node)
        start = time.perf_counter()
        changed = self._process(fgraph, node, rewriter, call)
        trace.add_time(rewriter, time.perf_counter() - start, changed)
        if changed:
            trace.fired(rewriter, text)
        return changed

    def _process(self, fgraph, node, rewriter, call) -> bool:
        outer, source.node = source.node, node
        try:
            replacements = call(fgraph, node)
        except Exception as exc:
            return self._fail(exc, [(x, None) for x in node.outputs], rewriter, node)
        finally:
            source.node = outer
        if replacements is False or replacements is None:
            return False
        return self._replace(fgraph, node, rewriter, replacements)

    def _replace(self, fgraph, node, rewriter, replacements) -> bool:
        pairs, remove = _replacement_pairs(fgraph, node, replacements, rewriter)
        if not pairs and not remove:
            return False
        try:
            if remove:
                fgraph.replace_all_validate_remove(pairs, reason=rewriter, remove=remove)
            else:
                fgraph.replace_all_validate(pairs, reason=rewriter)
            return True
        except Exception as exc:
            return self._fail(exc, pairs, rewriter, node)

    def _fail(self, exc, pairs, rewriter, node) -> bool:
        trace = current_trace()
        if trace is not None:
            trace.failed(rewriter, node, exc)
        if self.failure_callback is None:
            raise exc
        self.failure_callback(exc, self, pairs, rewriter, node)
        return False

    def add_requirements(self, fgraph):
        super().add_requirements(fgraph)
        if self.node_rewriter is not None:
            self.node_rewriter.add_requirements(fgraph)

    def print_summary(self, stream=sys.stdout, level=0, depth=-1):
        super().print_summary(stream, level, depth)
        if depth != 0 and self.node_rewriter is not None:
            self.node_rewriter.print_summary(stream, level=level + 2, depth=depth - 1)


def _failure_message(node_rewriter, node) -> str:
    where = ""
    traces = getattr(node.outputs[0].tag, "trace", None) if node.outputs else None
    if traces and traces[0]:
        filename, lineno = traces[0][-1][:2]
        where = f"\n  created at {filename}:{lineno}"
    return (
        f"Rewrite failure due to: {rewriter_name(node_rewriter)}\n"
        f"  node: {node}{where}\n"
        "  The graph is left as it was at this node. To raise instead, set "
        f"config.on_opt_error to 'raise'."
    )


def _replacement_pairs(fgraph, node, replacements: Any, rewriter) -> tuple[list, list]:
    """Turn what a rewriter returned into ``[(old, new), ...]`` and the variables to remove."""
    remove: Sequence[Variable] = ()
    new_vars: Sequence[Variable]
    if isinstance(replacements, dict):
        replacements = dict(replacements)
        remove = replacements.pop("remove", ())
        old_vars, new_vars = list(replacements), list(replacements.values())
    elif isinstance(replacements, list | tuple):
        old_vars, new_vars = node.outputs, replacements
    else:
        raise TypeError(
            f"[{rewriter_name(rewriter)}] a node rewriter must return False, None, a sequence "
            f"or a dict, got {replacements!r}"
        )
    if len(old_vars) != len(new_vars):
        raise ValueError(
            f"[{rewriter_name(rewriter)}] must return one replacement per output of {node}, "
            f"got {len(new_vars)} for {len(old_vars)}"
        )
    clients = fgraph.clients
    pairs = []
    for old, new in zip(old_vars, new_vars, strict=True):
        if new is None or new is old:
            # An output may only go unreplaced when nobody reads it, or when asked to.
            continue
        if old in clients:
            pairs.append((old, new))
    nodes = [item.owner if isinstance(item, Variable) else item for item in remove]
    return pairs, [item for item in nodes if item is not None]


class WalkingGraphRewriter(NodeProcessingGraphRewriter):
    """Apply a node rewriter once to every node, in topological order or against it.

    Parameters
    ----------
    node_rewriter
        The rewriter to apply.
    order
        ``"in_to_out"``, ``"out_to_in"`` or ``"dfs"`` (inputs first, the cheapest order).
    ignore_newtrees
        Whether to leave alone the nodes that rewrites create.
    failure_callback
        See `NodeProcessingGraphRewriter`.
    """

    def __init__(
        self,
        node_rewriter: NodeRewriter,
        order: Literal["out_to_in", "in_to_out", "dfs"] = "in_to_out",
        ignore_newtrees: bool = False,
        failure_callback: Callable | None = None,
    ):
        if order not in ("out_to_in", "in_to_out", "dfs"):
            raise ValueError(
                "[WalkingGraphRewriter] order must be 'out_to_in', 'in_to_out' or 'dfs', "
                f"got {order!r}"
            )
        self.order = order
        super().__init__(node_rewriter, ignore_newtrees, failure_callback)
        self._tracker = OpToRewriterTracker()
        self._tracker.add_tracker(node_rewriter)

    def follow(self, loader) -> None:
        """Ask again what the node rewriter tracks whenever `loader` had more rules to import."""
        rewriters = [] if self.node_rewriter is None else [self.node_rewriter]
        self._tracker.follow(loader, lambda: rewriters)

    def apply(self, fgraph, start_from=None):
        calls = self._tracker.calls
        # Most passes have nothing to do with most graphs: those are not sorted for them.
        wanted = {node for node in fgraph.apply_nodes if calls(node.op)}
        if not wanted:
            return None
        nodes = fgraph.toposort() if start_from is None else _nodes_above(fgraph, start_from)
        queue = deque(node for node in nodes if node in wanted)
        next_node = queue.pop if self.order == "out_to_in" else queue.popleft

        def importer(node):
            if node is not current and calls(node.op):
                queue.append(node)

        current = None
        updater = self.attach_updater(
            fgraph, importer, None, name=getattr(self, "__name__", type(self).__name__)
        )
        try:
            while queue:
                current = next_node()
                if current not in fgraph.apply_nodes:
                    continue
                for rewriter, call in calls(current.op):
                    self.process_node(fgraph, current, rewriter, call=call)
        finally:
            self.detach_updater(fgraph, updater)
        return None

    def __str__(self):
        return getattr(self, "__name__", None) or f"WalkingGraphRewriter({self.node_rewriter})"


def _nodes_above(fgraph, variables) -> list[Apply]:
    """Return the nodes that `variables` depend on, in topological order."""
    needed = {var.owner for var in variables if var.owner is not None}
    stack = list(needed)
    while stack:
        for var in stack.pop().inputs:
            if var.owner is not None and var.owner not in needed:
                needed.add(var.owner)
                stack.append(var.owner)
    return [node for node in fgraph.toposort() if node in needed]


def walking_rewriter(
    order,
    *node_rewriters,
    name=None,
    failure_callback=WalkingGraphRewriter.warn_inplace,
    **kwargs,
) -> WalkingGraphRewriter:
    """Apply node rewriters in one walk over the graph; see `WalkingGraphRewriter`."""
    if len(node_rewriters) == 1:
        (node_rewriter,) = node_rewriters
        name = name or getattr(node_rewriter, "__name__", None)
    else:
        node_rewriter = SequentialNodeRewriter(*node_rewriters)
    walker = WalkingGraphRewriter(
        node_rewriter, order=order, failure_callback=failure_callback, **kwargs
    )
    if name:
        walker.__name__ = name  # type: ignore[attr-defined]  # as a function has
    return walker


in2out = partial(walking_rewriter, "in_to_out")
out2in = partial(walking_rewriter, "out_to_in")
dfs_rewriter = partial(walking_rewriter, "dfs")
