"""`PatternNodeRewriter`: replace an expression, written as nested tuples, by another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pytensor.graph.basic import Variable
from pytensor.graph.op import Op
from pytensor.graph.rewriting.rewriters import NodeRewriter
from pytensor.graph.rewriting.stack_trace import copy_stack_trace
from pytensor.graph.rewriting.unify import (
    OpPattern,
    PatternNode,
    convert_strs_to_vars,
    match_pattern,
    reify_pattern,
)


class PatternNodeRewriter(NodeRewriter):
    """Replace what matches an input pattern by an output pattern.

    A pattern is a tuple ``(op, pattern, ...)``; a string is a wildcard, a number or a
    `Constant` matches a constant of that value, ``{"pattern": p, "constraint": f}`` puts a
    predicate on what matched, and an `OpPattern` may stand for the op. Inputs of
    commutative ops match in any order.

    Parameters
    ----------
    in_pattern
        What to look for.
    out_pattern
        What to put in its place: a pattern, or a function of ``(fgraph, node, bindings)``
        where ``bindings`` maps wildcard names to what they matched.
    allow_multiple_clients
        Whether inner nodes of the match may have readers outside of it.
    name
        Name of the rewriter.
    tracks
        Inner ops to start matching from; by default the outermost op.
    get_nodes
        ``f(fgraph, node)`` that yields the nodes to match when an inner op was found.
    values_eq_approx
        Comparison of values to put on the output's tag, for debugging modes.
    allow_cast
        Whether the result may be cast back to the dtype of what it replaces.

    Examples
    --------
    >>> PatternNodeRewriter((mul, "x", "x"), (sqr, "x"))  # doctest: +SKIP
    """

    def __init__(
        self,
        in_pattern: tuple,
        out_pattern: tuple | Callable | str,
        allow_multiple_clients: bool = False,
        name: str | None = None,
        tracks=(),
        get_nodes=None,
        values_eq_approx=None,
        allow_cast=True,
    ):
        if not isinstance(in_pattern, tuple | dict):
            raise TypeError(
                f"[PatternNodeRewriter] in_pattern must be a tuple or a dict, got {in_pattern!r}"
            )
        self._wildcards: dict = {}
        self.constraint = None
        self.in_pattern, self.out_pattern = in_pattern, out_pattern
        if isinstance(in_pattern, dict):
            self.constraint, in_pattern = in_pattern["constraint"], in_pattern["pattern"]
        self._pattern: PatternNode = convert_strs_to_vars(in_pattern, self._wildcards)
        self._result = (
            out_pattern
            if callable(out_pattern)
            else convert_strs_to_vars(out_pattern, self._wildcards)
        )
        op = self._pattern.op_match
        if not isinstance(op, Op | OpPattern) and not isinstance(op, type):
            raise TypeError(f"[PatternNodeRewriter] in_pattern must start with an op, got {op!r}")
        self.op = op
        if bool(tracks) != bool(get_nodes):
            raise ValueError("[PatternNodeRewriter] tracks and get_nodes must be given together")
        self._tracks = list(tracks) if tracks else [op]
        self.get_nodes = get_nodes
        self.allow_multiple_clients = allow_multiple_clients
        self.values_eq_approx = values_eq_approx
        self.allow_cast = allow_cast
        self.name = name

    def tracks(self):
        return self._tracks

    def transform(self, fgraph, node, enforce_tracks: bool = False, get_nodes=True):
        if get_nodes and self.get_nodes is not None:
            for candidate in self.get_nodes(fgraph, node):
                if candidate == "output":
                    continue
                result = self.transform(fgraph, candidate, get_nodes=False)
                if result:
                    return {candidate.default_output(): result[0]}
        bindings = match_pattern(self._pattern, node)
        if bindings is None:
            return False
        if self.constraint is not None and not self.constraint(node.default_output()):
            return False
        if not self.allow_multiple_clients and not self._only_reader(fgraph, node, bindings):
            return False
        return self._replacement(fgraph, node, bindings)

    def _only_reader(self, fgraph, node, bindings) -> bool:
        """Return whether nobody outside of the match reads the inner nodes of the match."""
        if fgraph is None:
            return True
        bound: set = set()
        for value in bindings.values():
            bound.update(value if isinstance(value, tuple) else (value,))
        inside = [
            (p, v)
            for p, v in zip(self._pattern.inputs, node.inputs, strict=False)
            if v.owner is not None
        ]
        if all(not isinstance(p, PatternNode) for p in self._pattern.inputs):
            return True
        stack = [v for _, v in inside if v not in bound]
        while stack:
            var = stack.pop()
            if var.owner is None or var in bound:
                continue
            if len(fgraph.clients.get(var, ())) > 1:
                return False
            stack.extend(var.owner.inputs)
        return True

    def _replacement(self, fgraph, node, bindings):
        old = node.default_output()
        if callable(self._result):
            new = self._result(fgraph, node, {var.token: v for var, v in bindings.items()})
            if new is False or new is None:
                return False
        else:
            new = reify_pattern(self._result, bindings)
        if isinstance(new, list | tuple):
            (new,) = new
        if not isinstance(new, Variable):
            return False
        if not old.type.is_super(new.type):
            new = self._cast(old, new)
            if new is None:
                return False
        if self.values_eq_approx is not None:
            new.tag.values_eq_approx = self.values_eq_approx
        copy_stack_trace(old, new)
        return [new] if len(node.outputs) == 1 else {old: new}

    def _cast(self, old: Variable, new: Any) -> Variable | None:
        """Bring `new` to the type of `old`, if a cast alone can do it."""
        if not self.allow_cast:
            return None
        dtype = getattr(old.type, "dtype", None)
        if dtype is not None and getattr(new.type, "dtype", None) != dtype:
            new = new.astype(dtype)
        if old.type.is_super(new.type):
            return new
        try:
            return old.type.filter_variable(new, allow_convert=True)
        except TypeError:
            return None

    def __str__(self):
        if self.name is not None:
            return self.name
        return f"{_render(self.in_pattern)} -> {_render(self.out_pattern)}"

    def __repr__(self):
        return str(self)


def _render(pattern) -> str:
    if isinstance(pattern, tuple):
        return f"{pattern[0]}({', '.join(_render(p) for p in pattern[1:])})"
    if isinstance(pattern, dict):
        return f"{_render(pattern['pattern'])} subject to {pattern.get('constraint')}"
    return str(pattern)
