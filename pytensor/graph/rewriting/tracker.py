"""The table from an op to the node rewriters that want to see it, and rewriters in sequence."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import Any, Protocol

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


class _Tables:
    """The answers for a list of rewriters; replaced as a whole when the list changes."""

    __slots__ = ("by_class", "by_id", "by_op", "demanding", "index", "rewriters", "version")

    def __init__(self, rewriters: list[NodeRewriter], version: int = -1):
        self.rewriters = rewriters
        self.version = version
        self.demanding: list[NodeRewriter] | None = None
        self.index: _Index | None = None
        self.by_class: dict[type, list | tuple] = {}
        self.by_op: dict[Op, list] = {}
        # The same by identity, which is found faster than the hash of an op. An op in here keeps
        # its identity, since it is held.
        self.by_id: dict[int, tuple[Op, list]] = {}


class Loader(Protocol):
    """Imports rules when an op they track turns up."""

    version: int
    """Counts what was registered."""

    def load_for(self, op: Op) -> None:
        """Import the rules that track `op`."""

    def depends_on_op(self, cls: type) -> bool:
        """Return whether ops of class `cls` want different rules."""

    def current(self, rewriters: Callable[[], list[NodeRewriter]]) -> tuple[list, int]:
        """Return what `rewriters` returns, and the version it belongs to."""


class OpToRewriterTracker:
    """Map an op to the rewriters registered for it, its classes or a pattern of it.

    The answer for an op is computed once: classes are resolved per op class, and only ops
    whose class has rewriters for single instances or patterns are looked up one by one.
    """

    def __init__(self):
        self._tables = _Tables([])
        self._loader: Loader | None = None
        self._source: Callable[[], list[NodeRewriter]] | None = None

    def add_tracker(self, rw: NodeRewriter) -> None:
        """Register `rw` for the ops it tracks."""
        self._tables = _Tables([*self._tables.rewriters, rw])

    def follow(self, loader: Loader, source: Callable[[], list[NodeRewriter]]) -> None:
        """Take the rewriters from `source`, again whenever `loader` had more to import."""
        self._loader, self._source = loader, source
        self._tables.version = loader.version

    def add_requirements(self, fgraph) -> None:
        """Attach what the rewriters need to `fgraph`."""
        tables = self._tables
        if tables.demanding is None:
            tables.demanding = [rw for rw in tables.rewriters if _may_require(rw)]
        for rw in tables.demanding:
            rw.add_requirements(fgraph)

    def get_rewriters(self) -> Iterable[NodeRewriter]:
        """Return all registered rewriters, in order of registration."""
        return list(self._current().rewriters)

    def _current(self) -> _Tables:
        loader = self._loader
        if loader is not None and self._tables.version != loader.version:
            self._tables = _Tables(*loader.current(self._source))  # type: ignore[arg-type]
        return self._tables

    def get_trackers(self, op: Op) -> list[NodeRewriter]:
        """Return the rewriters for `op`, in order of registration."""
        return [rw for rw, _ in self.calls(op)]

    _get_trackers = get_trackers

    def calls(self, op: Op) -> list[tuple[NodeRewriter, Callable]]:
        """Return pairs of a rewriter for `op` and the function of ``(fgraph, node)`` to call."""
        tables = self._tables
        found = tables.by_class.get(type(op))
        if type(found) is list:
            return found
        known = tables.by_id.get(id(op))
        return self._resolve(op) if known is None else known[1]

    def _resolve(self, op: Op) -> list[tuple[NodeRewriter, Callable]]:
        """Find the calls for an op that was not seen before."""
        if self._loader is not None:
            self._loader.load_for(op)
        tables = self._current()
        cls = type(op)
        found = tables.by_class.get(cls)
        if found is None:
            found = tables.by_class[cls] = self._resolve_class(tables, cls)
        if type(found) is list:
            return found
        answer = tables.by_op.get(op)
        if answer is None:
            # (mypy takes no hint from `type(found) is list`, which is faster than `isinstance`.)
            answer = _indexed(tables).of_op(op, found)  # type: ignore[arg-type]
            if len(tables.by_op) >= _MAX_OPS:
                tables.by_op.clear()
            tables.by_op[op] = answer
        if len(tables.by_id) >= _MAX_OPS:
            tables.by_id.clear()
        tables.by_id[id(op)] = (op, answer)
        return answer

    def _resolve_class(self, tables: _Tables, cls: type) -> list | tuple:
        """Return the calls for all ops of class `cls`, or a tuple if they depend on the op."""
        index = _indexed(tables)
        numbers, single, patterns = found = index.of_class(cls)
        if single or patterns or (self._loader is not None and self._loader.depends_on_op(cls)):
            return found
        return [index.calls[n] for n in sorted(numbers)]


def _indexed(tables: _Tables) -> _Index:
    if tables.index is None:
        tables.index = _Index(tables.rewriters)
    return tables.index


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

    def follow(self, loader: Loader, source: Callable[[], list[NodeRewriter]]) -> None:
        """Take the rewriters from `source`, see `OpToRewriterTracker.follow`."""
        self.tracker.follow(loader, source)

    @property
    def rewrites(self) -> tuple[NodeRewriter, ...]:
        """The node rewriters, in order."""
        return tuple(self.tracker.get_rewriters())

    opts = rewrites

    def tracks(self):
        tracks = []
        for rewriter in self.rewrites:
            of_one = rewriter.tracks()
            if of_one is None:
                return None
            tracks.extend(of_one)
        return tracks

    def transform(self, fgraph, node, enforce_tracks: bool = False):
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
