"""See the expression that ends at a node as a sum of coefficient x core.

    2 * A + (s * B - (A + C) / t)   is   (2 - 1/t) A  +  s B  -  1/t C

The view goes through additions, subtractions, negations and multiplications or divisions
by scalars, in any nesting, and stops where somebody else reads a result, where the dtype
changes and where an operand is broadcast. It is what rules of `pytensor.graph.rewriting.
pattern` match on: a rule written once applies however the expression was bracketed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

import numpy as np

from pytensor.graph.basic import Constant, Variable
from pytensor.graph.rewriting import pattern
from pytensor.graph.rewriting.stack_trace import copy_stack_trace
from pytensor.scalar import basic as ps
from pytensor.tensor.basic import cast, constant
from pytensor.tensor.elemwise import DimShuffle, Elemwise
from pytensor.tensor.math import add, mul, neg, sub, true_div
from pytensor.tensor.type import TensorType

# How many summands are tried as the accumulator of one product before giving up.
_MAX_TRIES = 8
_MAX_SCALINGS = 16


@dataclass(frozen=True)
class Coefficient:
    """A sum of number x scalars / scalars.

    ``parts`` holds one ``(number, factors)`` per addend; a factor is a 0-d variable and
    whether it divides.
    """

    parts: tuple[tuple[Any, tuple[tuple[Variable, bool], ...]], ...] = ((1, ()),)

    def times(self, number=1, *factors: tuple[Variable, bool]) -> Coefficient:
        """Return this coefficient times ``number`` and factors."""
        return Coefficient(tuple((n * number, (*f, *factors)) for n, f in self.parts))

    def plus(self, other: Coefficient) -> Coefficient:
        """Return the sum of two coefficients."""
        numbers = [n for n, f in (*self.parts, *other.parts) if not f]
        others = tuple((n, f) for n, f in (*self.parts, *other.parts) if f)
        return Coefficient((((sum(numbers), ()),) if numbers else ()) + others)

    def product(self, other: Coefficient) -> Coefficient:
        """Return the product of two coefficients."""
        return Coefficient(tuple((n * m, (*f, *g)) for n, f in self.parts for m, g in other.parts))

    @property
    def number(self):
        """The value, if it is known, else ``None``."""
        return self.parts[0][0] if len(self.parts) == 1 and not self.parts[0][1] else None

    @property
    def is_one(self) -> bool:
        return self.number == 1

    def scalar(self, dtype: str) -> Variable:
        """Return the coefficient as a 0-d variable.

        Every factor is cast before anything is computed: products of small integers must
        not overflow in their own dtype.
        """
        addends = [_monomial(number, factors, dtype) for number, factors in self.parts]
        return addends[0] if len(addends) == 1 else add(*addends)


def _monomial(number, factors, dtype: str) -> Variable:
    above = [_as_dtype(v, dtype) for v, divides in factors if not divides]
    below = [_as_dtype(v, dtype) for v, divides in factors if divides]
    if number != 1 or not above:
        above.insert(0, constant(np.asarray(number, dtype=dtype)))
    result = above[0] if len(above) == 1 else mul(*above)
    for divisor in below:
        result = true_div(result, divisor)
    return result


def _as_dtype(var: Variable, dtype: str) -> Variable:
    return var if var.type.dtype == dtype else cast(var, dtype)


ONE = Coefficient()


@dataclass
class SummandView:
    """One coefficient x core of a sum; `reads` counts how often the sum reads the core."""

    coefficient: Coefficient
    core: Variable
    reads: int


def scalar_op(var_or_node) -> Any:
    """Return the scalar op of an elementwise node, ``None`` for any other."""
    node = getattr(var_or_node, "owner", var_or_node)
    if node is None or not isinstance(node.op, Elemwise):
        return None
    return node.op.scalar_op


def as_factor(var: Variable) -> tuple[Any, tuple[tuple[Variable, bool], ...]] | None:
    """Return a scalar as ``(number, factors)``, ``None`` if `var` is an array."""
    if not all(var.type.broadcastable):
        return None
    if isinstance(var, Constant):
        return (var.data.reshape(()).item(), ())
    node = var.owner
    while node is not None and isinstance(node.op, DimShuffle):
        var = node.inputs[0]
        node = var.owner
    if isinstance(var, Constant):
        return (var.data.reshape(()).item(), ())
    if var.type.ndim:
        var = var.dimshuffle()
    return (1, ((var, False),))


def _inverted(factor):
    number, factors = factor
    if number == 0:
        return None
    return (1 / number, tuple((v, not divides) for v, divides in factors))


def split_scaling(node, like: TensorType) -> tuple[Coefficient, Variable] | None:
    """Return ``(coefficient, array)`` if `node` multiplies or divides an array by scalars.

    `like` is the type the array must have, up to static lengths.
    """
    op = scalar_op(node)
    if isinstance(op, ps.Neg):
        return (ONE.times(-1), node.inputs[0]) if _alike(node.inputs[0].type, like) else None
    if isinstance(op, ps.TrueDiv):
        array, divisor = node.inputs
        factor = as_factor(divisor)
        factor = None if factor is None else _inverted(factor)
        if factor is None or not _alike(array.type, like):
            return None
        return ONE.times(factor[0], *factor[1]), array
    if not isinstance(op, ps.Mul):
        return None
    coefficient, array = ONE, None
    for var in node.inputs:
        if array is None and _alike(var.type, like):
            array = var
            continue
        factor = as_factor(var)
        if factor is None:
            return None
        coefficient = coefficient.times(factor[0], *factor[1])
    return None if array is None else (coefficient, array)


def _alike(a: TensorType, like: TensorType) -> bool:
    """Same dtype, rank and broadcasting, and not itself a scalar."""
    return (
        a.dtype == like.dtype and a.broadcastable == like.broadcastable and not all(a.broadcastable)
    )


def _opened(node, like: TensorType) -> list[tuple[Coefficient, Variable]] | None:
    """Return what `node` adds up, ``None`` if it is no sum, negation or scaling."""
    op = scalar_op(node)
    if isinstance(op, ps.Add):
        return [(ONE, var) for var in node.inputs]
    if isinstance(op, ps.Sub):
        return [(ONE, node.inputs[0]), (ONE.times(-1), node.inputs[1])]
    scaling = split_scaling(node, like)
    return None if scaling is None else [scaling]


class SumOfCores:
    """The expression that ends at a node, as a sum of coefficient x core."""

    def __init__(self, fgraph, node, limit: int | None = None):
        self.fgraph = fgraph
        self.root = node.outputs[0]
        self.like = self.root.type
        self.summands: dict[Variable, SummandView] = {}
        # What the last replacement put in: the first choice for the next product.
        self.latest: SummandView | None = None
        self._ranked: list[SummandView] | None = None
        self.complete = self._collect(limit)

    def _collect(self, limit: int | None) -> bool:
        """Fill in the summands; return ``False`` if that takes opening more than `limit` nodes."""
        by_core = self.summands
        opened = 0
        stack = [(ONE, self.root)]
        while stack:
            coefficient, var = stack.pop()
            parts = self._parts(var)
            if parts is not None:
                opened += 1
                if limit is not None and opened > limit:
                    return False
                stack.extend((coefficient.product(c), v) for c, v in reversed(parts))
                continue
            known = by_core.get(var)
            if known is None:
                by_core[var] = SummandView(coefficient, var, 1)
            else:
                known.coefficient = known.coefficient.plus(coefficient)
                known.reads += 1
        return True

    def _parts(self, var: Variable):
        if var.owner is None or not _alike(var.type, self.like):
            return None
        if var is not self.root and self.readers(var) != 1:
            return None
        return _opened(var.owner, self.like)

    def readers(self, var: Variable) -> int:
        """Return how many inputs of nodes `var` is in the whole graph."""
        if self.fgraph is None:
            return 1
        return len(self.fgraph.clients.get(var, ()))

    def is_private(self, summand: SummandView) -> bool:
        """Return whether nothing outside of this sum reads the core."""
        if summand.core is self.root or self.fgraph is None:
            return True
        return self.readers(summand.core) == summand.reads

    def accumulators(self, product: SummandView) -> Iterator[SummandView]:
        """Yield the other summands, the best ones to accumulate into first."""
        if self.latest is not None:
            yield self.latest
        if self._ranked is None:
            self._ranked = sorted(self.summands.values(), key=self._accumulator_rank)
        for summand in self._ranked:
            if summand is not product and self.summands.get(summand.core) is summand:
                yield summand

    def _accumulator_rank(self, summand: SummandView) -> int:
        if not _alike(summand.core.type, self.like):
            return 3
        if summand.core.owner is None or not self.is_private(summand):
            return 1
        if any(match(self, summand.core) is not None for match in matchers.values()):
            # Still to become a product of its own.
            return 2
        return 0

    def replace(self, used: list[SummandView], result: Variable) -> None:
        """Put `result` in the place of the summands in `used`."""
        for summand in used:
            del self.summands[summand.core]
        self.latest = self.summands[result] = SummandView(ONE, result, 1)

    def rebuild(self) -> Variable | None:
        """Return the sum as a new expression of the root's type."""
        plus, minus = [], []
        for summand in self.summands.values():
            number = summand.coefficient.number
            if number == 1:
                plus.append(summand.core)
            elif number == -1:
                minus.append(summand.core)
            else:
                scale = summand.coefficient.scalar(self.like.dtype)
                plus.append(mul(scale, summand.core))
        if not plus:
            total = neg(_added(minus))
        elif not minus:
            total = _added(plus)
        else:
            total = sub(_added(plus), _added(minus))
        return retyped(self.root, total)


def _added(terms: list[Variable]) -> Variable:
    return terms[0] if len(terms) == 1 else add(*terms)


def retyped(old: Variable, new: Variable) -> Variable | None:
    """Return `new` with a type that can stand for `old`'s, ``None`` if it has no such."""
    if not old.type.is_super(new.type):
        if old.type.dtype != new.type.dtype or old.type.ndim != new.type.ndim:
            return None
        if old.type.broadcastable != new.type.broadcastable:
            return None
        new = old.type.filter_variable(new)
    label(new, old)
    return new


def label(new: Variable, old: Variable, rule_name: str | None = None) -> None:
    """Let `new`, and the call it is a view of, tell the user's line and the rules' reasons."""
    while True:
        copy_stack_trace(old, new)
        if rule_name is not None:
            new.tag.rule = rule_name
        if getattr(new.tag, "refused", None) is None:
            new.tag.refused = getattr(old.tag, "refused", None)
        if new.owner is None or not isinstance(new.owner.op, DimShuffle):
            return
        new = new.owner.inputs[0]
        if new.owner is None or isinstance(new.owner.op, DimShuffle | Elemwise):
            return


# A matcher takes the sum and a core, and returns operands and a further coefficient, or None.
Matcher = Callable[[Any, Variable], "tuple[tuple[Variable, ...], Coefficient] | None"]
matchers: dict[tuple[str, tuple[int | None, ...]], Matcher] = {}


def matcher(kind: str, *ndims: int) -> Callable[[Matcher], Matcher]:
    """Register how to see a product of that kind and those ranks in a core."""

    def register(function: Matcher) -> Matcher:
        matchers[kind, ndims] = function
        return function

    return register


class SumView:
    """The view of nodes that rules of sums and products have."""

    def __init__(self, product_ops: list):
        self.product_ops = product_ops

    def tracks(self, terms):
        """Return the ops at which a sum can end; for one term, products and scalings too."""
        sums = [add, sub, mul, neg, true_div]
        return [*sums, *self.product_ops] if len(terms) == 1 else sums

    def apply(self, rule, fgraph, node):
        """Apply `rule` to the sum that ends at `node`, as often as it applies."""
        if len(rule.terms) > 1 and is_inner(fgraph, node):
            # The sum this is a part of is looked at as a whole.
            return None
        alone = len(rule.terms) == 1
        # A scaled product is a few nodes deep; long sums would be walked from each of their parts.
        view = SumOfCores(fgraph, node, limit=_MAX_SCALINGS if alone else None)
        if alone and not (view.complete and len(view.summands) == 1):
            return None
        if len(view.summands) < len(rule.terms):
            return None
        for summand in list(view.summands.values()):
            if view.summands.get(summand.core) is summand:
                self._apply_to(rule, node, view, summand)
        if view.latest is None:
            return None
        total = view.rebuild()
        return None if total is None or total is view.root else [total]

    @staticmethod
    def _apply_to(rule, node, view: SumOfCores, summand: SummandView) -> None:
        """Replace `summand`, if it is a product the rule is about, and what goes with it."""
        dtype = view.like.dtype
        for used, bindings in _matches(rule, node, view, summand):
            if not rule.accepts(node, bindings, _noted(rule, summand)):
                continue
            values = {
                name: value.scalar(dtype) if isinstance(value, Coefficient) else value
                for name, value in bindings.items()
            }
            result = rule(**values)
            if result is None:
                continue
            if not _alike_shape(result, view.like):
                rule.refuse(node, "has_the_shape_of_the_sum", summand.core)
                continue
            label(result, summand.core, rule.name)
            view.replace(used, result)
            return


def _noted(rule, summand: SummandView) -> Variable | None:
    """Return the core to note a refusal on: of sums, which a product could be part of."""
    return summand.core if len(rule.terms) > 1 else None


def _alike_shape(result: Variable, like: TensorType) -> bool:
    return result.type.dtype == like.dtype and result.type.broadcastable == like.broadcastable


def is_inner(fgraph, node) -> bool:
    """Return whether a larger sum reads nothing but this node's result at one place."""
    if fgraph is None:
        return False
    var = node.outputs[0]
    readers = fgraph.clients.get(var, ())
    if len(readers) != 1 or not _alike(var.type, var.type):
        return False
    reader = readers[0][0]
    if not reader.outputs or not isinstance(reader.op, Elemwise):
        return False
    like = reader.outputs[0].type
    if not _alike(var.type, like):
        return False
    parts = _opened(reader, like)
    return parts is not None and any(v is var for _, v in parts)


def _matches(
    rule, node, view: SumOfCores, summand: SummandView
) -> Iterator[tuple[list[SummandView], dict]]:
    """Yield what `rule` can mean with `summand` as its product: summands used, bindings."""
    (term,) = (t for t in rule.terms if isinstance(t.core, pattern.Product))
    symbols = term.core.args
    found = matchers[term.core.kind, tuple(s.ndim for s in symbols)](view, summand.core)
    if found is None:
        return
    if not view.is_private(summand):
        rule.refuse(node, "nobody_else_reads_the_product", _noted(rule, summand))
        return
    operands, extra = found
    bindings: dict[str, Any] = {s.name: v for s, v in zip(symbols, operands, strict=True)}
    if not _bind_coefficient(term, summand.coefficient.product(extra), bindings):
        rule.refuse(node, "coefficient_is_one")
        return
    rest = [t for t in rule.terms if t is not term]
    if not rest:
        yield [summand], bindings
        return
    for other in islice(view.accumulators(summand), _MAX_TRIES):
        full = dict(bindings)
        if not _bind_coefficient(rest[0], other.coefficient, full):
            rule.refuse(node, "coefficient_is_one")
            continue
        full[rest[0].core.name] = other.core
        yield [summand, other], full


def _bind_coefficient(term, coefficient: Coefficient, bindings: dict) -> bool:
    if term.coefficient is None:
        return coefficient.is_one
    bindings[term.coefficient] = coefficient
    return True


def rule_on(view: SumView):
    """Return the `rule` decorator of rules that see nodes through `view`."""
    return partial(pattern.rule, view=view)
