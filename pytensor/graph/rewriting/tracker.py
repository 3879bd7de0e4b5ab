"""The table from an op to the node rewriters that want to see it, and rewriters in sequence."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import Any

from pytensor.graph.op import Op
from pytensor.graph.rewriting.rewriters import (
    FromFunctionNodeRewriter,
    NodeRewriter,
)
from pytensor.graph.rewriting.stack_trace import copy_stack_trace
from pytensor.graph.rewriting.unify import OpPattern

# The tables outlive compilations; ops of long gone graphs must not pile up in them.
_MAX_OPS = 1_000


class _Index:
    """The tracks of a list of rewriters, turned around: which rewriters want a class or an op.

    Rewriters are numbers here, their places in the list. Sorting them restores their order.
    """

    def __init__(self, rewriters: Iterable[NodeRewriter]):
        self.calls: list[tuple[NodeRewriter, Callable]] = []
        self._always: list[int] = []
        self._by_class: dict[type, list[int]] = {}
        self._by_op: dict[object, list[int]] = {}
        self._patterns: list[tuple[int, OpPattern]] = []
        for number, rw in enumerate(rewriters):
            self.calls.append(_call(rw))
            tracks = rw.tracks()
            if tracks is None:
                self._always.append(number)
                continue
            for track in tracks:
                if isinstance(track, OpPattern):
                    self._patterns.append((number, track))
                else:
                    table: Any = self._by_class if isinstance(track, type) else self._by_op
                    table.setdefault(track, []).append(number)
        self._op_classes = {type(track) for track in self._by_op}

    def of_class(self, cls: type) -> tuple[set[int], bool, list[tuple[int, OpPattern]]]:
        """Return what all ops of a class get, whether single ops get more, patterns to try."""
        numbers = set(self._always)
        for track, wanted in self._by_class.items():
            if issubclass(cls, track):
                numbers.update(wanted)
        single = any(_related(cls, other) for other in self._op_classes)
        return numbers, single, [(n, p) for n, p in self._patterns if _related(cls, _op_class(p))]

    def of_op(self, op: Op, of_class: tuple[set[int], bool, list]) -> list:
        """Return the calls for one op, given the answer for its class."""
        numbers, single, patterns = of_class
        numbers = {*numbers, *(self._by_op.get(op, ()) if single else ())}
        numbers.update([n for n, pattern in patterns if pattern.match_op(op)])
        return [self.calls[n] for n in sorted(numbers)]


class OpToRewriterTracker:
    """Map an op to the rewriters registered for it, its classes or a pattern of it.

    The answer for an op is computed once: classes are resolved per op class, and only ops
    whose class has rewriters for single instances or patterns are looked up one by one.
    """

    def __init__(self):
        self._rewriters: list[NodeRewriter] = []
        self._demanding: list[NodeRewriter] | None = None
        self._index: _Index | None = None
        self._by_class: dict[type, list | tuple] = {}
        self._by_op: dict[Op, list] = {}
        # The same by identity, which is found faster than the hash of an op. An op in here keeps
        # its identity, since it is held.
        self._by_id: dict[int, tuple[Op, list]] = {}

    def add_tracker(self, rw: NodeRewriter) -> None:
        """Register `rw` for the ops it tracks."""
        self._rewriters.append(rw)
        self._demanding = None
        self._index = None
        self._by_class.clear()
        self._by_op.clear()
        self._by_id.clear()

    def add_requirements(self, fgraph) -> None:
        """Attach what the rewriters need to `fgraph`."""
        if self._demanding is None:
            self._demanding = [rw for rw in self._rewriters if _may_require(rw)]
        for rw in self._demanding:
            rw.add_requirements(fgraph)

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
        if type(found) is list:
            return found
        known = self._by_id.get(id(op))
        # (mypy takes no hint from `type(found) is list`, which is faster than `isinstance`.)
        return self._of_op(op, found) if known is None else known[1]  # type: ignore[arg-type]

    def _of_op(self, op: Op, of_class: tuple) -> list[tuple[NodeRewriter, Callable]]:
        answer = self._by_op.get(op)
        if answer is None:
            answer = self._indexed().of_op(op, of_class)
            if len(self._by_op) >= _MAX_OPS:
                self._by_op.clear()
            self._by_op[op] = answer
        if len(self._by_id) >= _MAX_OPS:
            self._by_id.clear()
        self._by_id[id(op)] = (op, answer)
        return answer

    def _indexed(self) -> _Index:
        index = self._index
        if index is None:
            index = self._index = _Index(self._rewriters)
        return index

    def _resolve_class(self, cls: type) -> list | tuple:
        """Return the calls for all ops of class `cls`, or a tuple if they depend on the op."""
        index = self._indexed()
        numbers, single, patterns = found = index.of_class(cls)
        if single or patterns:
            return found
        return [index.calls[n] for n in sorted(numbers)]


def _call(rw: NodeRewriter) -> tuple[NodeRewriter, Callable]:
    # The table has checked the tracks; what is done after the check needs no second one.
    # The class itself must say so: one that inherits from it may have a `transform` of its own.
    if "calls_fn" in vars(type(rw)) and "transform" not in vars(rw):
        return (rw, rw.fn)  # type: ignore[attr-defined]
    return (rw, rw.transform)


def _may_require(rw: NodeRewriter) -> bool:
    """Return whether a rewriter may attach anything: most of the hundreds attach nothing."""
    if type(rw) is FromFunctionNodeRewriter and "add_requirements" not in vars(rw):
        return rw.requirements != ()
    return "add_requirements" in vars(rw) or (
        type(rw).add_requirements is not NodeRewriter.add_requirements
    )


def _op_class(pattern: OpPattern) -> type:
    return pattern.op_type if isinstance(pattern.op_type, type) else type(pattern.op_type)


def _related(cls: type, other: type) -> bool:
    """Can an op of one class be equal to an op, or match a pattern, of the other?"""
    return issubclass(cls, other) or issubclass(other, cls)


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
        self.tracker.add_requirements(fgraph)

    def print_summary(self, stream=sys.stdout, level=0, depth=-1):
        super().print_summary(stream, level, depth)
        if depth != 0:
            for rewriter in self.rewrites:
                rewriter.print_summary(stream, level=level + 2, depth=depth - 1)

    def __str__(self):
        return f"SequentialNodeRewriter({','.join(str(rw) for rw in self.rewrites)})"
