"""Shapes of everything in a graph, worked out when somebody asks.

The shape of a variable is an expression in what is cheap to have: numbers, lengths of the
graph's inputs, and integers that say how long something is. It comes from the `infer_shape`
of the Ops on the way. Nothing is computed when nodes come or go: an answer is kept, and
checked when it is used again.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from pytensor.configdefaults import config
from pytensor.graph.basic import Apply, Constant, Variable
from pytensor.graph.features import AlreadyThere, Feature
from pytensor.graph.rewriting.basic import GraphRewriter
from pytensor.graph.rewriting.stages import optdb
from pytensor.scalar.basic import ScalarType
from pytensor.tensor.basic import as_tensor_variable, cast, tensor_from_scalar
from pytensor.tensor.exceptions import ShapeError
from pytensor.tensor.shape import Shape_i, length_constant
from pytensor.tensor.type import integer_dtypes
from pytensor.tensor.variable import TensorVariable

Lengths = tuple[Variable, ...]

# How deep two expressions of lengths are compared.
_COMPARE_DEPTH = 6

# How many variables of the graph an expression may read and still be checked for their presence.
_MAX_LEAVES = 8


class ShapeFeature(Feature):
    """Answers for shapes of variables of one graph, from `infer_shape`, on demand.

    Notes
    -----
    An expression may outlive the graph it was made from: rewrites keep values, so it stays
    right. It is made anew only when a variable it reads has left the graph, since using it
    would bring back what a rewrite has removed.
    """

    def __init__(self):
        self.fgraph: Any = None
        self._shapes: dict[Variable, Lengths | None] = {}
        self._given: set[Variable] = set()
        # Which variables computed in the graph an expression reads, mostly none.
        self._leaves: dict[Variable, frozenset[Variable]] = {}
        self._can_go_stale = False
        self._numbers: dict[int, Variable] = {}

    def clone(self):
        return type(self)()

    def on_attach(self, fgraph):
        if getattr(fgraph, "shape_feature", None) is not None:
            raise AlreadyThere("ShapeFeature: the graph has one already")
        self.fgraph = fgraph
        fgraph.shape_feature = self

    def on_detach(self, fgraph):
        self.fgraph = None
        self._shapes.clear()
        self._leaves.clear()
        self._given.clear()
        del fgraph.shape_feature

    def on_prune(self, fgraph, node, reason):
        if self._shapes:
            for var in node.outputs:
                self._shapes.pop(var, None)

    # -- asking -------------------------------------------------------------------------

    @property
    def shape_of(self) -> _ShapeOf:
        """A mapping from variables to tuples of lengths."""
        return _ShapeOf(self)

    def get_shape(self, var: Variable, idx: int) -> Variable:
        """Return an int64 expression for the length of axis `idx` of `var`."""
        static = var.type.shape[idx]
        if static is not None:
            return self._number(static)
        lengths = self.shape_tuple(var)
        if lengths is None:
            raise ShapeError(f"[ShapeFeature] var must have a shape, got {var} of type {var.type}")
        return lengths[idx]

    def shape_tuple(self, var: Variable) -> Lengths | None:
        """Return the lengths of all axes of `var`, ``None`` if it has no shape."""
        stack = [var]
        while stack:
            top = stack[-1]
            if self._is_known(top):
                stack.pop()
                continue
            missing = [x for x in top.owner.inputs if not self._is_known(x)]
            if missing:
                stack.extend(missing)
                continue
            self._infer(top.owner)
            stack.pop()
        return self._shapes[var]

    def get_non_recursive_shape(self, var: Variable, idx: int) -> Variable:
        """Return an expression for a length that reads the inputs of `var`'s node only."""
        static = var.type.shape[idx]
        if static is not None:
            return self._number(static)
        if var.owner is None:
            return Shape_i(idx)(var)
        shapes = self._infer_from(var.owner, [self._fresh_shape(x) for x in var.owner.inputs])
        lengths = shapes[var.owner.outputs.index(var)]
        return Shape_i(idx)(var) if lengths is None else lengths[idx]

    def same_shape(
        self, x: Variable, y: Variable, dim_x: int | None = None, dim_y: int | None = None
    ) -> bool:
        """Return whether `x` and `y`, or one axis of each, are known to have equal lengths."""
        if (dim_x is None) != (dim_y is None):
            raise ValueError("[same_shape] dim_x and dim_y must be given together")
        if dim_x is not None:
            return self._same_length(x, dim_x, y, dim_y)
        if x.type.ndim != y.type.ndim:
            return False
        return x is y or all(self._same_length(x, i, y, i) for i in range(x.type.ndim))

    def _same_length(self, x, i, y, j) -> bool:
        a, b = x.type.shape[i], y.type.shape[j]
        if a is not None and b is not None:
            return a == b
        if x is y and i % x.type.ndim == j % x.type.ndim:
            return True
        return same_expression(self.get_shape(x, i), self.get_shape(y, j))

    # -- telling ------------------------------------------------------------------------

    def set_shape(self, var: Variable, shape: Sequence | None, override: bool = False) -> None:
        """State the shape of `var`; for callers that know better than `infer_shape`."""
        self._shapes[var] = None if shape is None else self._as_lengths(var, shape)
        self._given.add(var)

    # -- working it out -----------------------------------------------------------------

    def _number(self, n: int) -> Variable:
        found = self._numbers.get(n)
        if found is None:
            found = self._numbers[n] = length_constant(n)
        return found

    def _is_known(self, var: Variable) -> bool:
        """Whether there is an answer for `var` that can be used; finds it if that is easy."""
        if var in self._shapes:
            if not self._can_go_stale or var in self._given:
                return True
            return all(self._is_fresh(n) for n in self._shapes[var] or ())
        static = getattr(var.type, "shape", None)
        if not isinstance(static, tuple):
            # Random generators, None, slices; `ndim` alone is how sparse types have a shape.
            self._shapes[var] = None
            return True
        if None not in static:
            self._shapes[var] = tuple([self._number(n) for n in static])
            return True
        if var.owner is None or getattr(var.owner.op, "infer_shape", None) is None:
            self._shapes[var] = self._own_shape(var)
            return True
        return False

    def _is_fresh(self, length: Variable) -> bool:
        leaves = self._leaves.get(length)
        if not leaves:
            return True
        present = self.fgraph.variables
        return all([var in present for var in leaves])

    def _own_shape(self, var: Variable) -> Lengths:
        """Return lengths that have to be read off `var` itself."""
        lengths = []
        for i, n in enumerate(var.type.shape):
            if n is not None:
                lengths.append(self._number(n))
                continue
            length = Shape_i(i)(var)
            self._note_leaves(length)
            lengths.append(length)
        return tuple(lengths)

    def _fresh_shape(self, var: Variable) -> Lengths | None:
        static = getattr(var.type, "shape", None)
        if not isinstance(static, tuple):
            return None
        return tuple(
            [Shape_i(i)(var) if n is None else self._number(n) for i, n in enumerate(static)]
        )

    def _infer(self, node: Apply) -> None:
        """Ask a node for the shapes of its outputs; those of its inputs are known."""
        shapes = self._infer_from(node, [self._shapes[x] for x in node.inputs])
        for var, lengths in zip(node.outputs, shapes, strict=True):
            if var in self._given:
                continue
            if lengths is None:
                static = getattr(var.type, "shape", None)
                self._shapes[var] = self._own_shape(var) if isinstance(static, tuple) else None
                continue
            for length in lengths:
                self._note_leaves(length)
            self._shapes[var] = lengths

    def _infer_from(self, node: Apply, input_shapes: list) -> list[Lengths | None]:
        """Call `infer_shape`; ``None`` where the answer has to be read off the output."""
        nothing: list[Lengths | None] = [None] * len(node.outputs)
        infer = getattr(node.op, "infer_shape", None)
        if infer is None:
            return nothing
        try:
            shapes = infer(self.fgraph, node, input_shapes)
        except (ShapeError, NotImplementedError):
            return nothing
        except Exception as exc:
            message = f"[ShapeFeature] infer_shape of {node} failed: {type(exc).__name__}: {exc}"
            if config.on_shape_error == "raise":
                raise type(exc)(message) from exc
            warnings.warn(message, stacklevel=2)
            return nothing
        if len(shapes) != len(node.outputs):
            raise ShapeError(
                f"[{node.op}] infer_shape must return one shape per output, {len(node.outputs)}, "
                f"got {len(shapes)}"
            )
        return [
            None if lengths is None else self._as_lengths(var, lengths)
            for var, lengths in zip(node.outputs, shapes, strict=True)
        ]

    def _as_lengths(self, var: Variable, shape: Sequence) -> Lengths | None:
        static = getattr(var.type, "shape", None)
        if not isinstance(static, tuple):
            return None
        shape = tuple(shape)
        if len(shape) != len(static):
            raise ShapeError(
                f"[{var.owner and var.owner.op}] infer_shape must return {len(static)} lengths "
                f"for {var.type}, got {len(shape)}"
            )
        return tuple(
            [
                self._as_length(n) if known is None else self._number(known)
                for n, known in zip(shape, static, strict=True)
            ]
        )

    def _as_length(self, n) -> Variable:
        """Return a length in any form as a 0-d int64 variable."""
        if isinstance(n, int | np.integer):
            return self._number(int(n))
        if type(n) is TensorVariable and n.type.ndim == 0 and n.type.dtype == "int64":
            return n
        if isinstance(n, Constant):
            return self._number(int(n.data))
        if isinstance(n, Variable) and isinstance(n.type, ScalarType):
            n = tensor_from_scalar(n)
        n = as_tensor_variable(n)
        if n.type.ndim or n.type.dtype not in (*integer_dtypes, "bool"):
            raise ShapeError(f"[ShapeFeature] a length must be a 0-d integer, got {n.type}")
        return n if n.type.dtype == "int64" else cast(n, "int64")

    # -- what expressions read ----------------------------------------------------------

    def _note_leaves(self, length: Variable) -> None:
        """Remember which variables computed in the graph an expression reads.

        Whatever left the graph before is not among them: an expression made for a node that
        has left too could never be made anew without it.
        """
        if length.owner is None or (length in self._leaves and self._is_fresh(length)):
            return
        present = self.fgraph.variables
        found: set[Variable] = set()
        seen, stack = {length}, [length]
        while stack:
            var = stack.pop()
            known = self._leaves.get(var)
            if known is not None and var is not length:
                found.update([leaf for leaf in known if leaf in present])
            elif var in present:
                # Inputs stay.
                if var.owner is not None:
                    found.add(var)
            elif var.owner is not None:
                for x in var.owner.inputs:
                    if x not in seen:
                        seen.add(x)
                        stack.append(x)
        # An old expression is no error, and long lists would cost more than they are worth.
        self._leaves[length] = frozenset(found) if len(found) <= _MAX_LEAVES else frozenset()
        if found:
            self._can_go_stale = True


class _ShapeOf:
    """What ``shape_feature.shape_of`` is to its users: a mapping, computed on demand."""

    def __init__(self, feature: ShapeFeature):
        self._feature = feature

    def __getitem__(self, var: Variable) -> Lengths | None:
        return self._feature.shape_tuple(var)

    def get(self, var: Variable, default=None) -> Lengths | None:
        """Return the lengths of `var`."""
        lengths = self._feature.shape_tuple(var)
        return default if lengths is None else lengths

    def __contains__(self, var) -> bool:
        return isinstance(var, Variable)


def same_expression(a: Variable, b: Variable, depth: int = _COMPARE_DEPTH) -> bool:
    """Return whether `a` and `b` are the same computation, as far as a short look can tell."""
    if a is b:
        return True
    if isinstance(a, Constant) or isinstance(b, Constant):
        return isinstance(a, Constant) and isinstance(b, Constant) and a.equals(b)
    x, y = a.owner, b.owner
    if x is None or y is None or not depth or len(x.inputs) != len(y.inputs) or x.op != y.op:
        return False
    return x.outputs.index(a) == y.outputs.index(b) and all(
        same_expression(i, j, depth - 1) for i, j in zip(x.inputs, y.inputs, strict=True)
    )


class ShapeOptimizer(GraphRewriter):
    """Attach a `ShapeFeature` to the graph."""

    def add_requirements(self, fgraph):
        super().add_requirements(fgraph)
        fgraph.attach_feature(ShapeFeature())

    def apply(self, fgraph):
        """Do nothing: attaching is all."""


class UnShapeOptimizer(GraphRewriter):
    """Take the `ShapeFeature` away: from here on, expressions may not be valid to move."""

    def apply(self, fgraph):
        feature = getattr(fgraph, "shape_feature", None)
        if feature is not None:
            fgraph.remove_feature(feature)


optdb.register("ShapeOpt", ShapeOptimizer(), "fast_run", "fast_compile")
optdb.register("UnShapeOpt", UnShapeOptimizer(), "fast_run", "fast_compile")
