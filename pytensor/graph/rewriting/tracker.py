"""The table from an op to the node rewriters that want to see it, and rewriters in sequence."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable

from pytensor.graph.op import Op
from pytensor.graph.rewriting.rewriters import (
    FromFunctionNodeRewriter,
    NodeRewriter,
    matches_tracks,
)
from pytensor.graph.rewriting.stack_trace import copy_stack_trace
from pytensor.graph.rewriting.unify import OpPattern

# The tables outlive compilations; ops of long gone graphs must not pile up in them.
_MAX_OPS = 1_000


class OpToRewriterTracker:
    """Map an op to the rewriters registered for it, its classes or a pattern of it.

    The answer for an op is computed once: classes are resolved per op class, and only ops
    whose class has rewriters for single instances or patterns are looked up one by one.
    """

    def __init__(self):
        self._rewriters: list[NodeRewriter] = []
        self._by_class: dict[type, list | None] = {}
        self._by_op: dict[Op, list] = {}

    def add_tracker(self, rw: NodeRewriter) -> None:
        """Register `rw` for the ops it tracks."""
        self._rewriters.append(rw)
        self._by_class.clear()
        self._by_op.clear()

    def get_rewriters(self) -> Iterable[NodeRewriter]:
        """Return all registered rewriters, in order of registration."""
        return list(self._rewriters)

    def get_trackers(self, op: Op) -> list[NodeRewriter]:
        """Return the rewriters for `op`, in order of registration."""
        return [rw for rw, _ in self.calls(op)]

    _get_trackers = get_trackers

    def calls(self, op: Op) -> list[tuple[NodeRewriter, Callable]]:
        """Return pairs of a rewriter for `op` and the function of ``(fgraph, node)`` to call."""
        cls = type(op)
        try:
            found = self._by_class[cls]
        except KeyError:
            found = self._by_class[cls] = self._resolve_class(cls)
        if found is not None:
            return found
        try:
            return self._by_op[op]
        except KeyError:
            found = [self._call(rw) for rw in self._rewriters if matches_tracks(op, rw.tracks())]
            if len(self._by_op) >= _MAX_OPS:
                self._by_op.clear()
            self._by_op[op] = found
            return found

    def _resolve_class(self, cls: type) -> list | None:
        """Return the answer for all ops of class `cls`, ``None`` if it depends on the op."""
        found = []
        for rw in self._rewriters:
            tracks = rw.tracks()
            if tracks is None or any(isinstance(t, type) and issubclass(cls, t) for t in tracks):
                found.append(self._call(rw))
            elif any(_may_be_instance(t, cls) for t in tracks):
                return None
        return found

    @staticmethod
    def _call(rw: NodeRewriter) -> tuple[NodeRewriter, Callable]:
        # The table has checked the tracks; a plain function needs no second check.
        if type(rw) is FromFunctionNodeRewriter and "transform" not in vars(rw):
            return (rw, rw.fn)
        return (rw, rw.transform)


def _may_be_instance(track, cls: type) -> bool:
    """Return whether an op of class `cls` can be equal to or match `track`."""
    if isinstance(track, OpPattern):
        op_type = track.op_type if isinstance(track.op_type, type) else type(track.op_type)
        return issubclass(cls, op_type) or issubclass(op_type, cls)
    return not isinstance(track, type) and (isinstance(track, cls) or issubclass(cls, type(track)))


class SequentialNodeRewriter(NodeRewriter):
    """Try several node rewriters on a node; the first that applies wins.

    Parameters
    ----------
    rewriters
        The node rewriters, in order.
    apply_all_rewrites
        Continue with the node a rewriter produced until none applies, instead of
        returning after the first.
    profile
        Kept for compatibility; `rewrite_trace` records times.
    """

    def __init__(
        self, *rewriters: NodeRewriter, apply_all_rewrites: bool = False, profile: bool = False
    ):
        self.rewrites = rewriters
        self.opts = rewriters
        for rewriter in rewriters:
            if not isinstance(rewriter, NodeRewriter):
                raise TypeError(
                    "[SequentialNodeRewriter] rewriters must be NodeRewriters, "
                    f"got {type(rewriter).__name__} {rewriter}"
                )
        self.reentrant = any(getattr(rw, "reentrant", True) for rw in rewriters)
        self.retains_inputs = all(getattr(rw, "retains_inputs", False) for rw in rewriters)
        self.apply_all_rewrites = apply_all_rewrites
        self.profile = profile
        self.tracker = OpToRewriterTracker()
        for rewriter in rewriters:
            self.tracker.add_tracker(rewriter)

    def tracks(self):
        tracks = []
        for rewriter in self.rewrites:
            of_one = rewriter.tracks()
            if of_one is None:
                return None
            tracks.extend(of_one)
        return tracks

    def transform(self, fgraph, node, enforce_tracks: bool = False):
        if not self.rewrites:
            return False
        replacement = self._first(fgraph, node)
        if not self.apply_all_rewrites or not isinstance(replacement, list | tuple):
            return replacement
        while True:
            last = {var.owner for var in replacement if var is not None}
            if len(last) != 1 or None in last:
                return replacement
            (new_node,) = last
            if list(new_node.outputs) != list(replacement):
                return replacement
            further = self._first(fgraph, new_node)
            if not isinstance(further, list | tuple):
                return replacement
            copy_stack_trace(new_node.outputs, [v for v in further if v is not None])
            replacement = further

    def _first(self, fgraph, node):
        for _, call in self.tracker.calls(node.op):
            replacement = call(fgraph, node)
            if replacement is not False and replacement is not None:
                return replacement
        return False

    def add_requirements(self, fgraph):
        for rewriter in self.rewrites:
            rewriter.add_requirements(fgraph)

    def print_summary(self, stream=sys.stdout, level=0, depth=-1):
        super().print_summary(stream, level, depth)
        if depth != 0:
            for rewriter in self.rewrites:
                rewriter.print_summary(stream, level=level + 2, depth=depth - 1)

    def __str__(self):
        return f"SequentialNodeRewriter({','.join(str(rw) for rw in self.rewrites)})"
