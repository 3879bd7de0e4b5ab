"""See the expression that ends at a node as a sum of coefficient x core.

    2 * A + (s * B - (A + C) / t)   is   (2 - 1/t) A  +  s B  -  1/t C

The view goes through additions, subtractions, negations and multiplications or divisions
by scalars, in any nesting, and stops where somebody else reads a result, where the dtype
changes and where an operand is broadcast. It is what rules of `pytensor.graph.rewriting.
pattern` match on: a rule written once applies however the expression was bracketed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cache, partial
from itertools import islice
from typing import Any

from pytensor.graph.basic import Variable
from pytensor.graph.rewriting import pattern
from pytensor.graph.rewriting.stack_trace import copy_stack_trace
from pytensor.scalar import basic as ps
from pytensor.tensor.elemwise import DimShuffle, Elemwise
from pytensor.tensor.math import add, mul, neg, sub, true_div
from pytensor.tensor.rewriting.coefficients import (
    ONE,
    Coefficient,
    alike,
    as_factor,
    scalar_op,
    split_scaling,
    unscaled,
)
from pytensor.tensor.type import TensorType

__all__ = [
    "ONE",
    "Coefficient",
    "SumOfCores",
    "SumView",
    "SummandView",
    "as_factor",
    "base_of",
    "is_inner",
    "label",
    "matcher",
    "matchers",
    "retyped",
    "rule_on",
    "scalar_op",
    "split_scaling",
    "sum_at",
    "total_of",
    "transposed_of",
]

# How many summands are tried as the accumulator of one product before giving up.
_MAX_TRIES = 8
_MAX_SCALINGS = 16
# The name in `FunctionGraph.facts` of the sum that was looked at last.
_SHARED_SUM = "sum of cores"

# What a summand is as an accumulator, the best first: an array nobody else needs; one that is
# read elsewhere; a product that may still become a call of its own; a smaller array.
_FRESH, _SHARED, _PRODUCT, _BROADCAST = range(4)


class SummandView:
    """One coefficient x core of a sum; `reads` counts how often the sum reads the core.

    `parts` are the summands it stands for, if it is several put together.
    """

    __slots__ = ("coefficient", "core", "parts", "reads")

    def __init__(
        self,
        coefficient: Coefficient,
        core: Variable,
        reads: int,
        parts: tuple[SummandView, ...] = (),
    ):
        self.coefficient = coefficient
        self.core = core
        self.reads = reads
        self.parts = parts


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
    """The expression that ends at a node, as a sum of coefficient x core.

    Attributes
    ----------
    summands : dict
        The `SummandView` of each core.
    opened : int
        How many nodes were looked into; more than `limit` if that was too few.
    is_inner : bool
        Whether it is known to be part of a larger sum.
    """

    is_inner = False

    def __init__(self, fgraph, node, limit: int | None = None):
        self.fgraph = fgraph
        self.root = node.outputs[0]
        self.like = self.root.type
        self.summands: dict[Variable, SummandView] = {}
        # What the last replacement put in: the first choice for the next product.
        self.latest: SummandView | None = None
        self._ranked: list[SummandView] | None = None
        self._rank: dict[Variable, int] = {}
        self._seen: dict[tuple, tuple | None] = {}
        self._products: dict[tuple, list] = {}
        self.opened = 0
        self._collect(limit)

    def _collect(self, limit: int | None) -> None:
        """Fill in the summands; give up when that takes opening more than `limit` nodes."""
        by_core = self.summands
        stack = [(ONE, self.root)]
        while stack:
            coefficient, var = stack.pop()
            parts = self._parts(var)
            if parts is not None:
                self.opened += 1
                if limit is not None and self.opened > limit:
                    return
                stack.extend((coefficient.product(c), v) for c, v in reversed(parts))
                continue
            known = by_core.get(var)
            if known is None:
                by_core[var] = SummandView(coefficient, var, 1)
            else:
                known.coefficient = known.coefficient.plus(coefficient)
                known.reads += 1

    def _parts(self, var: Variable):
        if var.owner is None or not alike(var.type, self.like):
            return None
        if var is not self.root and self.readers(var) != 1:
            return None
        return _opened(var.owner, self.like)

    @property
    def is_one_product(self) -> bool:
        """Whether it is a single core under a few scalings."""
        return len(self.summands) == 1 and self.opened <= _MAX_SCALINGS

    def see(self, kind: Kind, core: Variable):
        """Return what a core is as a product of that kind, ``None`` if it is none."""
        key = (kind, core)
        if key not in self._seen:
            self._seen[key] = matchers[kind](self, core)
        return self._seen[key]

    def products(self, kind: Kind) -> list[tuple[SummandView, tuple]]:
        """Return the summands that are products of that kind, and what they are."""
        if kind not in self._products:
            seen = ((s, self.see(kind, s.core)) for s in self.summands.values())
            self._products[kind] = [(s, found) for s, found in seen if found is not None]
        return self._products[kind]

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
        """Yield what `product` could be accumulated into, the best first.

        That is all that is no product, added up: one elementwise loop into memory of its own,
        in which the products are accumulated after one another.
        """
        first = self.latest
        if first is None:
            first = self._all_but_products(product)
        if first is not None:
            yield first
        for summand in self._by_rank():
            if summand is product or summand is first:
                continue
            if self.summands.get(summand.core) is summand:
                yield summand

    def _all_but_products(self, product: SummandView) -> SummandView | None:
        dtype = self.like.dtype
        parts = [
            s
            for s in self._by_rank()
            if s is not product and self._rank[s.core] != _PRODUCT and s.core.type.dtype == dtype
        ]
        if len(parts) < 2:
            return parts[0] if parts else None
        # A scaled array that the product reads, too, would be made for this loop only.
        total = total_of(map(_without_scalars, parts), dtype)
        return SummandView(ONE, total, 1, tuple(parts))

    def _by_rank(self) -> list[SummandView]:
        if self._ranked is None:
            self._rank = {core: self._accumulator_rank(s) for core, s in self.summands.items()}
            self._ranked = sorted(self.summands.values(), key=lambda s: self._rank[s.core])
        return self._ranked

    def _accumulator_rank(self, summand: SummandView) -> int:
        private = summand.core.owner is not None and self.is_private(summand)
        if private and any(self.see(kind, summand.core) is not None for kind in matchers):
            return _PRODUCT
        if not alike(summand.core.type, self.like):
            return _BROADCAST
        return _FRESH if private else _SHARED

    def replace(self, used: list[SummandView], result: Variable) -> None:
        """Put `result` in the place of the summands in `used`."""
        if self.fgraph is not None:
            # What is no longer the graph's is not for others to see.
            self.fgraph.facts.pop(_SHARED_SUM, None)
        for summand in used:
            for part in summand.parts or (summand,):
                del self.summands[part.core]
        self.latest = self.summands[result] = SummandView(ONE, result, 1)

    def rebuild(self) -> Variable | None:
        """Return the sum as a new expression of the root's type."""
        return retyped(self.root, total_of(self.summands.values(), self.like.dtype))


def sum_at(fgraph, node) -> SumOfCores:
    """Return the sum that ends at `node`, the same to all rules that look at the node in turn.

    A part of a larger sum is seen only as far as it takes to see a scaled product.
    """
    shared = None if fgraph is None else fgraph.facts.get(_SHARED_SUM)
    if shared is None or shared.root is not node.outputs[0]:
        inner = is_inner(fgraph, node)
        # Long sums would be walked from each of their parts.
        shared = SumOfCores(fgraph, node, limit=_MAX_SCALINGS if inner else None)
        shared.is_inner = inner
        if fgraph is not None:
            fgraph.facts[_SHARED_SUM] = shared
    return shared


def _without_scalars(summand: SummandView) -> SummandView:
    core, coefficient = unscaled(summand.core)
    return SummandView(summand.coefficient.product(coefficient), core, summand.reads)


def total_of(summands: Iterable[SummandView], dtype: str) -> Variable:
    """Return the sum of `summands` as an expression."""
    plus, minus = [], []
    for summand in summands:
        number = summand.coefficient.number
        if number == 1:
            plus.append(summand.core)
        elif number == -1:
            minus.append(summand.core)
        else:
            plus.append(mul(summand.coefficient.scalar(dtype), summand.core))
    if not plus:
        return neg(_added(minus))
    return sub(_added(plus), _added(minus)) if minus else _added(plus)


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
Kind = tuple[str, tuple[int | None, ...]]
matchers: dict[Kind, Matcher] = {}


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
        view = sum_at(fgraph, node)
        if not rule.others:
            if not view.is_one_product:
                return None
        elif view.is_inner or len(view.summands) < len(rule.terms):
            # The sum this is a part of is looked at as a whole.
            return None
        for summand, found in view.products(_kind(rule)):
            if view.summands.get(summand.core) is summand:
                self._apply_to(rule, node, view, summand, found)
        if view.latest is None:
            return None
        total = view.rebuild()
        return None if total is None or total is view.root else [total]

    @staticmethod
    def _apply_to(rule, node, view: SumOfCores, summand: SummandView, found: tuple) -> None:
        """Replace `summand`, if it is a product the rule is about, and what goes with it."""
        dtype = view.like.dtype
        for used, bindings in _matches(rule, node, view, summand, found):
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


@cache
def _kind(rule) -> Kind:
    """Return what kind of product a rule is about."""
    (term,) = rule.products
    return term.core.kind, tuple(symbol.ndim for symbol in term.core.args)


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
    if len(readers) != 1 or not alike(var.type, var.type):
        return False
    reader = readers[0][0]
    if not reader.outputs or not isinstance(reader.op, Elemwise):
        return False
    like = reader.outputs[0].type
    if not alike(var.type, like):
        return False
    parts = _opened(reader, like)
    return parts is not None and any(v is var for _, v in parts)


def _matches(
    rule, node, view: SumOfCores, summand: SummandView, found: tuple
) -> Iterator[tuple[list[SummandView], dict]]:
    """Yield what `rule` can mean with `summand` as its product: summands used, bindings."""
    (term,) = rule.products
    operands, extra = found
    bindings = _bind_operands(term.core.args, operands)
    if bindings is None:
        return
    if not view.is_private(summand):
        rule.refuse(node, "nobody_else_reads_the_product", _noted(rule, summand))
        return
    if not _bind_coefficient(term, summand.coefficient.product(extra), bindings):
        rule.refuse(node, "coefficient_is_one")
        return
    if not rule.others:
        yield [summand], bindings
        return
    (rest,) = rule.others
    for other in islice(view.accumulators(summand), _MAX_TRIES):
        full = dict(bindings)
        coefficient, core = other.coefficient, other.core
        if rest.coefficient is not None and (inner := _scaling_read_elsewhere(core)) is not None:
            coefficient, core = coefficient.product(inner[0]), inner[1]
        if not _bind_coefficient(rest, coefficient, full):
            rule.refuse(node, "coefficient_is_one")
            continue
        full[rest.core.name] = core
        yield [summand, other], full


def _scaling_read_elsewhere(core: Variable) -> tuple[Coefficient, Variable] | None:
    """See an accumulator that is a scaled array, kept whole for other readers, as both.

    The call scales for nothing, so the scaled array needn't be computed for it.
    """
    inner, coefficient = unscaled(core)
    return None if inner is core else (coefficient, inner)


def _bind_operands(args, operands) -> dict[str, Any] | None:
    """Return what the symbols in `args` stand for, ``None`` if a transpose is none."""
    bindings: dict[str, Any] = {
        arg.name: operand
        for arg, operand in zip(args, operands, strict=True)
        if isinstance(arg, pattern.Symbol)
    }
    for arg, operand in zip(args, operands, strict=True):
        if isinstance(arg, pattern.Transposed):
            if transposed_of(operand, bindings[arg.symbol.name]) != (True, arg.conjugated):
                return None
    return bindings


def transposed_of(a: Variable, b: Variable) -> tuple[bool, bool] | None:
    """Return whether the matrix `a` is `b` transposed and conjugated, ``None`` if unrelated."""
    a, a_transposed, a_conjugated = base_of(a)
    b, b_transposed, b_conjugated = base_of(b)
    if a is not b:
        return None
    return a_transposed != b_transposed, a_conjugated != b_conjugated


def base_of(var: Variable) -> tuple[Variable, bool, bool]:
    """Return the variable under transposes and conjugates, and whether there is one of each."""
    transposed = conjugated = False
    while (node := var.owner) is not None:
        if isinstance(node.op, DimShuffle) and node.op.new_order == (1, 0):
            transposed = not transposed
        elif isinstance(scalar_op(node), ps.Conj):
            conjugated = not conjugated
        else:
            break
        var = node.inputs[0]
    return var, transposed, conjugated


def _bind_coefficient(term, coefficient: Coefficient, bindings: dict) -> bool:
    if term.coefficient is None:
        return coefficient.is_one
    bindings[term.coefficient] = coefficient
    return True


def rule_on(view: SumView):
    """Return the `rule` decorator of rules that see nodes through `view`."""
    return partial(pattern.rule, view=view)
