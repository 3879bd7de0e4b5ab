"""Follow every product of a graph through the rewriting of it.

A `ProductTracker` hears what comes into a graph and what leaves it. Products that come with the
replacement that removes others are their heirs: by the source line, which every rewrite hands on
(each node gets one of its own here), or by an operand they share.
"""

from __future__ import annotations

import linecache
import os
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from pytensor.graph.features import Feature
from pytensor.graph.rewriting.trace import rewriter_name
from pytensor.tensor.elemwise import DimShuffle, Elemwise
from pytensor.tensor.rewriting.explain_words import factors, is_product

# Stands where a file name stands in the frames that mark a node.
_MARK = "<explained node>"
# How many variables are asked for a line.
_MAX_LOOK = 200


def mark(nodes) -> None:
    """Give the outputs of each node a source line that no other node has."""
    for number, node in enumerate(nodes):
        for var in node.outputs:
            trace = getattr(var.tag, "trace", None) or [()]
            # Assigned, not changed in place: the list may be that of the user's graph.
            var.tag.trace = [(*trace[0], (_MARK, number, ""))]


def marks(node) -> list[int]:
    """Return the numbers of the nodes that `node` comes from, the closest first."""
    return [
        frame[1]
        for stack in getattr(node.outputs[0].tag, "trace", None) or ()
        for frame in stack[-1:]
        if frame[0] == _MARK
    ]


def line_of(var) -> str:
    """Return the user's line that made `var`, or ``near`` and that of something it is made from.

    Gradients of Ops that have graphs inside know no line of their own.
    """
    seen, queue = {var}, deque([var])
    while queue and len(seen) < _MAX_LOOK:
        current = queue.popleft()
        found = _own_line(current) if current.owner is not None else ""
        if found:
            return found if current is var else f"near {found}"
        for below in current.owner.inputs if current.owner is not None else ():
            if below not in seen:
                seen.add(below)
                queue.append(below)
    return ""


def _own_line(var) -> str:
    """Return the innermost line of the user's code."""
    for stack in getattr(var.tag, "trace", None) or ():
        frames = [f for f in stack if f[0] != _MARK]
        if frames:
            file, line, *_ = frames[0]
            text = linecache.getline(file, line).strip()
            where = f"{os.path.basename(file)}:{line}"
            return f"{where}: {text}" if text else where
    return ""


def frames_id(node) -> int:
    """Return what is equal for nodes that were made from one another, else different."""
    trace = getattr(node.outputs[0].tag, "trace", None)
    return id(trace[0]) if trace and trace[0] else id(node)


@dataclass
class Event:
    """One replacement: its reason, products that came with it and that it removed."""

    reason: Any
    came: list = field(default_factory=list)
    left: list = field(default_factory=list)
    equal: dict = field(default_factory=dict)  # a product that left: what took its place

    @property
    def name(self) -> str:
        """The name of the rewriter."""
        return rewriter_name(self.reason) if self.reason is not None else ""


class ProductTracker(Feature):
    """Knows from which products of the written graph the present ones come.

    Attributes
    ----------
    origins : dict
        For each product that is or was in the graph, the written ones it comes from.
    ends : dict
        For each product that left, the event it left in.
    rules : dict
        For each product that came, the name of the rewriter that made it.
    """

    def __init__(self, products):
        self.number: dict[Any, int] = {}
        self.origins = {node: {node: None} for node in products}
        self.ends: dict[Any, Event] = {}
        self.rules: dict[Any, str] = {}
        self._event: Event | None = None

    def number_nodes(self, nodes) -> None:
        """Remember the nodes that were marked, in the order of their marks."""
        self.number = {node: i for i, node in enumerate(nodes)}

    # -- what happens ---------------------------------------------------------------------

    def on_import(self, fgraph, node, reason):
        if is_product(node):
            event = self._current(reason)
            if event.left:  # a new replacement by the same rewriter
                self.finish()
                event = self._current(reason)
            event.came.append(node)

    def on_change_input(self, fgraph, node, i, var, new_var, reason=None):
        if is_product(var.owner):
            self._current(reason).equal[var.owner] = new_var

    def on_prune(self, fgraph, node, reason):
        if is_product(node):
            self._current(reason).left.append(node)

    def _current(self, reason) -> Event:
        event = self._event
        if event is None or event.reason is not reason:
            self.finish()
            event = self._event = Event(reason)
        return event

    def finish(self) -> None:
        """Work out what the last replacement means."""
        event, self._event = self._event, None
        if event is None:
            return
        came = [n for n in event.came if n not in event.left]
        for node in came:
            self.rules.setdefault(node, self._made_by(node, event))
            self.origins.setdefault(node, {})
        for node in event.left:
            if node in event.came:
                continue
            self.ends[node] = event
            for heir in self._heirs(node, came, event):
                self.origins.setdefault(heir, {}).update(self.origins.get(node, {}))

    def _made_by(self, node, event: Event) -> str:
        if node.op.destroy_map:  # the choice was made before, by what it replaces
            for old in event.left:
                if type(old.op) is type(node.op) and old in self.rules:
                    return self.rules[old]
        return event.name

    def _heirs(self, node, came: list, event: Event) -> list:
        taken_by = event.equal.get(node)
        if taken_by is not None and taken_by.owner not in came and is_product(taken_by.owner):
            return [taken_by.owner]
        mine = {self.number[known] for known in self.origins.get(node, ())}
        by_mark = [n for n in came if mine.intersection(marks(n))]
        return by_mark or [n for n in came if shares_operand(n, node)]

    # -- what is left ---------------------------------------------------------------------

    def of(self, node) -> list:
        """Return the written products that `node`, in the graph now, comes from."""
        return list(self.origins.get(node, ()))

    def end_of(self, product) -> Event | None:
        """Return the last event in which something that came from `product` left the graph."""
        found = [e for n, e in self.ends.items() if product in self.origins.get(n, ())]
        return found[-1] if found else None

    def regrouping(self, product) -> Event | None:
        """Return the replacement that made other products of `product` and another one."""
        for node, event in self.ends.items():
            if len(event.left) > 1 and product in self.origins.get(node, ()):
                return event
        return None


def shares_operand(a, b) -> bool:
    """Return whether two products multiply a common array, up to views and scaling."""
    return bool(
        {_core(v) for v in factors(a)}.intersection(_core(v) for v in factors(b))
        or set(a.inputs).intersection(b.outputs)
    )


def _core(var):
    """Return the array behind views, casts and scalar factors."""
    while (node := var.owner) is not None:
        if isinstance(node.op, DimShuffle):
            var = node.inputs[0]
        elif isinstance(node.op, Elemwise) and len(node.inputs) <= 2:
            arrays = [v for v in node.inputs if not all(v.type.broadcastable)]
            if len(arrays) != 1:
                return var
            var = arrays[0]
        else:
            return var
    return var
