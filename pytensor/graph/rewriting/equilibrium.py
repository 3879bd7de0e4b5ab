"""Apply many rewriters until nothing changes, looking again only at what changed.

A pass over all nodes happens once. After that a node is visited again only when it is
new, when one of its inputs was replaced, when it became the only reader of an input, or
when it reads the result of such a node (rules look a few nodes deep). The cost is thus
proportional to the graph plus the changes, not to their product.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Sequence

from pytensor.configdefaults import config
from pytensor.graph.basic import Apply, Variable
from pytensor.graph.features import Feature
from pytensor.graph.rewriting.drivers import NodeProcessingGraphRewriter
from pytensor.graph.rewriting.rewriters import (
    GraphRewriter,
    NodeRewriter,
    Rewriter,
    handle_failure,
)
from pytensor.graph.rewriting.trace import current_trace, rewriter_name
from pytensor.graph.rewriting.tracker import OpToRewriterTracker

# How many nodes above a changed node a rule may have its root, and the number of readers
# beyond which a variable is not followed upwards, so that one pass stays linear.
_DEPTH = 2
_MANY_READERS = 16


class _WorkList(Feature):
    """The nodes still to visit, kept up to date from the graph's own events."""

    def __init__(self, tracker: OpToRewriterTracker, reentrant: bool):
        self.calls = tracker.calls
        self.reentrant = reentrant
        self.now: list[Apply] = []
        self.changed: dict[Apply, None] = {}
        self.new: dict[Apply, None] = {}
        # Variables that lost a reader.
        self.released: dict[Variable, None] = {}
        self.count = 0

    def on_import(self, fgraph, node, reason):
        self.count += 1
        if self.reentrant and self.calls(node.op):
            self.now.append(node)
        self.new[node] = None

    def on_change_input(self, fgraph, node, i, r, new_r, reason):
        self.count += 1
        self.changed[node] = None
        self.released[r] = None

    def on_prune(self, fgraph, node, reason):
        self.changed.pop(node, None)
        self.new.pop(node, None)
        for var in node.inputs:
            self.released[var] = None

    def _wake_sole_readers(self, fgraph) -> None:
        """Look again at rules that declined because somebody else read a variable."""
        for var in self.released:
            readers = fgraph.clients.get(var)
            if readers is not None and len(readers) == 1 and var.owner is not None:
                self.changed[readers[0][0]] = None
        self.released.clear()

    def next_pass(self, fgraph) -> bool:
        """Queue what has to be looked at again; return whether there is anything."""
        self._wake_sole_readers(fgraph)
        seen = dict.fromkeys(self.changed)
        if not self.reentrant:
            seen.update(dict.fromkeys(self.new))
        frontier = list(dict.fromkeys([*self.changed, *self.new]))
        for _ in range(_DEPTH):
            frontier = [n for n in _readers(fgraph, frontier) if n not in seen]
            seen.update(dict.fromkeys(frontier))
        self.changed.clear()
        self.new.clear()
        nodes = fgraph.apply_nodes
        # Visited last first; the first changes were made nearest to the outputs.
        self.now = [n for n in seen if n in nodes and self.calls(n.op)]
        self.now.reverse()
        return bool(self.now)


def _readers(fgraph, nodes):
    clients = fgraph.clients
    for node in nodes:
        for var in node.outputs:
            readers = clients.get(var, ())
            if len(readers) <= _MANY_READERS:
                for reader, _ in readers:
                    yield reader


class EquilibriumGraphRewriter(NodeProcessingGraphRewriter):
    """Apply rewriters until a fixed point is reached.

    Parameters
    ----------
    rewriters
        Node rewriters, and graph rewriters to run once a round.
    failure_callback
        See `NodeProcessingGraphRewriter`.
    ignore_newtrees
        Whether nodes a rewrite creates wait for the next round instead of coming next.
    tracks_on_change_inputs
        Kept for compatibility: nodes with changed inputs are always visited again.
    max_use_ratio
        A rewriter that fired more often than this times the number of nodes ends the
        search, since it probably undoes another one's work.
    final_rewriters
        Graph rewriters to run at the end of every round.
    cleanup_rewriters
        Graph rewriters to run after every change of the graph by another rewriter's round.
    """

    def __init__(
        self,
        rewriters: Sequence[Rewriter],
        failure_callback: Callable | None = None,
        ignore_newtrees: bool = True,
        tracks_on_change_inputs: bool = False,
        max_use_ratio: float | None = None,
        final_rewriters: Sequence[GraphRewriter] | None = None,
        cleanup_rewriters: Sequence[GraphRewriter] | None = None,
    ):
        super().__init__(None, ignore_newtrees, failure_callback)
        self.node_tracker = OpToRewriterTracker()
        self.global_rewriters: list[Rewriter] = []
        self.final_rewriters = list(final_rewriters or [])
        self.cleanup_rewriters = list(cleanup_rewriters or [])
        self.tracks_on_change_inputs = tracks_on_change_inputs
        if max_use_ratio is not None and not max_use_ratio >= 0:
            raise ValueError(
                f"[EquilibriumGraphRewriter] max_use_ratio must be at least 0, got {max_use_ratio}"
            )
        self.max_use_ratio = max_use_ratio
        for rewriter in rewriters:
            if isinstance(rewriter, NodeRewriter):
                self.node_tracker.add_tracker(rewriter)
            else:
                self.global_rewriters.append(rewriter)

    def get_node_rewriters(self):
        """Yield the node rewriters."""
        yield from self.node_tracker.get_rewriters()

    def add_requirements(self, fgraph):
        super().add_requirements(fgraph)
        self.node_tracker.add_requirements(fgraph)
        for rewriters in (self.global_rewriters, self.final_rewriters, self.cleanup_rewriters):
            for rewriter in rewriters:
                rewriter.add_requirements(fgraph)

    def apply(self, fgraph, start_from=None):
        """Rewrite `fgraph` in place until nothing changes."""
        work = _WorkList(self.node_tracker, not self.ignore_newtrees)
        nodes = fgraph.toposort()
        if start_from is not None:
            wanted = _producers(start_from)
            nodes = [node for node in nodes if node in wanted]
        calls = self.node_tracker.calls
        fgraph.attach_feature(work)
        try:
            self._run_globals(fgraph, work, self.global_rewriters)
            self._run_globals(fgraph, work, self.cleanup_rewriters)
            # Popped from the end: the outputs come first.
            work.now = [n for n in nodes if n in fgraph.apply_nodes and calls(n.op)]
            work.changed.clear()
            work.new.clear()
            self._rounds(fgraph, work)
        finally:
            fgraph.remove_feature(work)

    def _rounds(self, fgraph, work: _WorkList) -> None:
        uses = _Uses(self.max_use_ratio, fgraph)
        while True:
            before = work.count
            within_limit = self._visit(fgraph, work, uses)
            if work.count != before:
                self._run_globals(fgraph, work, self.cleanup_rewriters)
            self._run_globals(fgraph, work, self.final_rewriters)
            if work.count == before or not within_limit:
                return
            self._run_globals(fgraph, work, self.global_rewriters)
            if not work.next_pass(fgraph):
                return

    def _visit(self, fgraph, work: _WorkList, uses: _Uses) -> bool:
        """Visit the queued nodes; return ``False`` if a rewriter was used too often."""
        # Looked up once: nothing is paid per node for a trace that is off.
        process = self._process if current_trace() is None else self._process_traced
        calls, nodes, now = work.calls, fgraph.apply_nodes, work.now
        while now:
            node = now.pop()
            if node not in nodes:
                continue
            for rewriter, call in calls(node.op):
                if not process(fgraph, node, rewriter, call):
                    continue
                if uses.exceeded(rewriter, fgraph):
                    self._give_up(rewriter)
                    return False
                if node not in nodes:
                    break
        return True

    def _run_globals(self, fgraph, work, rewriters) -> None:
        for rewriter in rewriters:
            try:
                rewriter.apply(fgraph)
            except Exception as exc:
                if self.failure_callback is None:
                    raise
                handle_failure(exc, f"Rewrite failure due to: {rewriter_name(rewriter)}")

    def _give_up(self, rewriter) -> None:
        message = (
            f"{self} stopped: {rewriter_name(rewriter)} fired more than "
            f"{self.max_use_ratio or config.optdb__max_use_ratio} times per node. Another rewriter "
            "probably undoes what it does; exclude one of them, or raise "
            "config.optdb__max_use_ratio."
        )
        if config.on_opt_error == "raise":
            raise AssertionError(message)
        warnings.warn(message, stacklevel=2)

    def print_summary(self, stream=sys.stdout, level=0, depth=-1):
        name = getattr(self, "name", None)
        print(f"{' ' * level}{type(self).__name__} {name} id={id(self)}", file=stream)
        if depth != 0:
            for rewriter in self.get_node_rewriters():
                rewriter.print_summary(stream, level=level + 2, depth=depth - 1)

    def __str__(self):
        name = getattr(self, "name", None)
        return f"{type(self).__name__}({name or ''})"


class _Uses:
    """How often each rewriter fired, against the largest size the graph had.

    A rewriter that grows the graph must not raise its own limit for ever: growth counts up to a
    multiple of the size at the start.
    """

    def __init__(self, ratio: float | None, fgraph):
        self.ratio = config.optdb__max_use_ratio if ratio is None else ratio
        self.nodes = len(fgraph.apply_nodes)
        self.most_nodes = 1000 + 10 * self.nodes
        self.counts: dict[Rewriter, int] = {}

    def exceeded(self, rewriter: Rewriter, fgraph) -> bool:
        self.nodes = max(self.nodes, min(len(fgraph.apply_nodes), self.most_nodes))
        count = self.counts[rewriter] = self.counts.get(rewriter, 0) + 1
        return count > max(self.nodes, 1) * self.ratio


def _producers(variables) -> set:
    found = set()
    stack = [var.owner for var in variables if var.owner is not None]
    while stack:
        node = stack.pop()
        if node not in found:
            found.add(node)
            stack.extend(var.owner for var in node.inputs if var.owner is not None)
    return found
