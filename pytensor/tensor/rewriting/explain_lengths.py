"""Lengths of arrays as far as they are known before a call, and the work of products."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from pytensor.graph.basic import Constant, Variable
from pytensor.tensor.blas import Gemv, Ger, Syrk
from pytensor.tensor.blas.triangular import TrmmRelated
from pytensor.tensor.elemwise import DimShuffle, Elemwise
from pytensor.tensor.rewriting.explain_words import factors, short
from pytensor.tensor.rewriting.shape_feature import ShapeFeature
from pytensor.tensor.shape import Shape_i

# Ops, also for each item of a batch, whose result has the shape of their first input.
_SAME_SHAPE = ("Cholesky", "MatrixInverse", "AdvancedIncSubtensor", "IncSubtensor", "Softmax")


@dataclass(frozen=True)
class Unknown:
    """A length that only a call will tell: that of an axis of a variable."""

    var: Variable = field(repr=False)
    axis: int

    def __str__(self) -> str:
        text = short(self.var, 30)
        simple = self.var.name or text.isidentifier() or text.endswith((")", "]"))
        return f"{text if simple else f'({text})'}.shape[{self.axis}]"


Length = int | Unknown
# Sums of products: {(unknown lengths, in order): whole number}.
Work = dict[tuple[Unknown, ...], int]


class Lengths:
    """Lengths of the axes of the variables of one graph, as far as they are known.

    Parameters
    ----------
    fgraph : FunctionGraph
    known : mapping
        Inputs of the graph and their present shapes (those of shared variables).
    same : dict, optional
        What was found out about unknown lengths before.
    """

    def __init__(self, fgraph, known=None, same: dict | None = None):
        self.known = {} if known is None else known
        self.same: dict[Unknown, Length] = {} if same is None else same
        self.feature = getattr(fgraph, "shape_feature", None) or ShapeFeature()
        self.feature.fgraph = fgraph

    def of(self, var: Variable) -> tuple[Length, ...]:
        """Return the lengths of `var`."""
        if var in self.known:
            return tuple(int(n) for n in self.known[var])
        expressions = self.feature.shape_tuple(var) or ()
        return tuple(self._length(var, i, expression) for i, expression in enumerate(expressions))

    def _length(self, var: Variable, axis: int, expression: Variable) -> Length:
        number = self._number(expression)
        if number is None or (isinstance(number, Unknown) and number.var.owner is not None):
            number = self._found_below(var, axis)
        return self.settled(number)

    def _found_below(self, var: Variable, axis: int, depth: int = 8) -> Length:
        """Return the length of an axis by going down where elementwise operations have it from."""
        node = var.owner
        if var in self.known:
            return int(self.known[var][axis])
        static = var.type.shape[axis]
        if static is not None:
            return static
        here = Unknown(var, axis)
        if node is None or not depth or here in self.same:
            return here
        if isinstance(node.op, DimShuffle):
            return self._found_below(node.inputs[0], node.op.new_order[axis], depth - 1)
        if isinstance(node.op, Elemwise):
            below = [x for x in node.inputs if not x.type.broadcastable[axis]]
        elif type(getattr(node.op, "core_op", node.op)).__name__ in _SAME_SHAPE:
            below = node.inputs[:1]
        else:
            number = self._number((self.feature.shape_tuple(var) or ())[axis])
            return here if number is None else number
        found = [self.settled(self._found_below(x, axis, depth - 1)) for x in below]
        # A number is best, then the length of an argument.
        return min(found, key=_how_hidden, default=here)

    def settled(self, length: Length) -> Length:
        """Return what `length` is known to be equal to."""
        while isinstance(length, Unknown) and length in self.same:
            length = self.same[length]
        return length

    def unite(self, a: Length, b: Length) -> None:
        """Note that two lengths are equal: a product asks for it."""
        a, b = self.settled(a), self.settled(b)
        if isinstance(a, Unknown) and a != b:
            self.same[a] = b
        elif isinstance(b, Unknown) and a != b:
            self.same[b] = a

    def _number(self, expression: Variable, depth: int = 6) -> Length | None:
        if isinstance(expression, Constant):
            return int(expression.data)
        node = expression.owner
        if node is None or depth == 0:
            return None
        if isinstance(node.op, Shape_i):
            (var,) = node.inputs
            if var in self.known:
                return int(self.known[var][node.op.i])
            return Unknown(var, node.op.i)
        if isinstance(node.op, DimShuffle):
            return self._number(node.inputs[0], depth)
        if not isinstance(node.op, Elemwise):
            return None
        values = [self._number(x, depth - 1) for x in node.inputs]
        values = [None if v is None else self.settled(v) for v in values]
        if len(values) == 1:
            return values[0]
        if all(isinstance(v, int) for v in values):
            return int(node.op.scalar_op.impl(*values))
        return None


def _how_hidden(length: Length) -> int:
    if isinstance(length, int):
        return 0
    return 1 if length.var.owner is None else 2


def times(*lengths: Length, number: int = 1) -> Work:
    """Return the product of lengths and a number."""
    unknown = []
    for length in lengths:
        if isinstance(length, Unknown):
            unknown.append(length)
        else:
            number *= length
    return {tuple(sorted(unknown, key=id_of)): number}


def id_of(length: Unknown) -> tuple:
    """Return a key to sort unknown lengths by."""
    return (id(length.var), length.axis)


def added(works: Iterable[Work]) -> Work:
    """Return the sum of works."""
    total: Work = {}
    for work in works:
        for unknown, number in work.items():
            total[unknown] = total.get(unknown, 0) + number
    return total


def work_of(node, lengths: Lengths) -> Work:
    """Return the floating-point operations of the product `node`, one term per size."""
    op = node.op
    left, right = (lengths.of(v) for v in factors(node))
    # A complex multiplication and addition is four real ones of each.
    once = 4 if node.outputs[0].type.dtype.startswith("complex") else 1
    if isinstance(op, TrmmRelated):  # half of the matrix is zero
        return times(*left, *right[1:], number=once)
    if isinstance(op, Gemv):
        return times(*left, number=2 * once)
    if isinstance(op, Ger):
        return times(*left, *right, number=2 * once)
    if isinstance(op, Syrk):
        return times(left[0], *left, number=once)
    batch = [a if a != 1 else b for a, b in zip(left[:-2], right[:-2], strict=False)]
    return times(*batch, *left[-2:], right[-1], number=2 * once)
