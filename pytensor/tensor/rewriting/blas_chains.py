"""The order of a chain of products.

``A @ B @ C`` has one value and several costs. A chain is flattened once, at its last product,
through transposes and scalars and as far as nobody else reads an intermediate result; its
brackets are then moved where that costs less:

- all lengths known: the cheapest order, by dynamic programming;
- else: only moves that cost less for *every* length of at least 2 of the unknown axes (one of
  length 0 or 1 costs little in any order). ``A @ B @ v`` is the example.

Of orders that cost the same the user's stays. The result thus depends on the expression, its
static shapes and on who reads its parts, not on the order of rewriting. Products in another
order round differently, and ``(A @ B) @ v`` may overflow where ``A @ (B @ v)`` does not: the
rules carry the tag ``ieee_unsafe``. Integers and booleans are exact in any order.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations, pairwise

from pytensor.graph.basic import Apply, Variable
from pytensor.graph.fg import FunctionGraph
from pytensor.graph.rewriting.basic import node_rewriter
from pytensor.tensor.blas import BatchedDot, Dot22
from pytensor.tensor.blockwise import Blockwise
from pytensor.tensor.math import Dot, mul
from pytensor.tensor.rewriting.algebra import ONE, Coefficient, split_scaling
from pytensor.tensor.rewriting.common import IEEE, is_float
from pytensor.tensor.rewriting.products import (
    in_place_of,
    is_product,
    multiplied,
    only_reader,
    read_once,
    swapped,
    swaps_last_axes,
)
from pytensor.tensor.rewriting.registry import register_blas_prepare

# Factors up to which all orders are compared: 24 take some 2,300 comparisons.
_MAX_EXACT = 24
# The length an unknown axis is taken to have at least.
_LEAST = 2
# Readers, all of them products with a vector, for which a product of matrices is not formed.
_FEW_READERS = 4

# ``splits[i, j] = k``: factors i to j-1 are multiplied as those before k times those from k on.
Span = tuple[int, int]
Splits = dict[Span, int]
# A number and the unknown lengths it is multiplied with.
Monomial = tuple[int, frozenset[int]]


class Chain:
    """A product of `factors`, in the order of `splits`, times `coefficient`.

    Factor i has the lengths ``lengths[i]`` and ``lengths[i + 1]``, ``None`` where unknown, and
    stacks have ``batches[i]`` in front.
    """

    def __init__(self, factors: list[Variable], splits: Splits, coefficient: Coefficient = ONE):
        self.factors = factors
        self.splits = splits
        self.coefficient = coefficient
        shapes = [factor.type.shape for factor in factors]
        inner = [a[-1] if a[-1] is not None else b[-2] for a, b in pairwise(shapes)]
        self.lengths = [shapes[0][-2], *inner, shapes[-1][-1]]
        self.batches = [shape[:-2] for shape in shapes]

    @property
    def is_known(self) -> bool:
        """Whether all lengths are known."""
        return None not in self.lengths and not any(None in batch for batch in self.batches)

    def work(self, i: int, k: int, j: int) -> Monomial:
        """Return how many multiplications the product of factors i to k-1 and k to j-1 takes."""
        lengths = {place: self.lengths[place] for place in (i, k, j)}
        for axis in range(len(self.batches[0])):
            # Broadcast lengths do not count.
            among = [batch[axis] for batch in self.batches[i:j] if batch[axis] != 1]
            lengths[~axis] = next((n for n in among if n is not None), None) if among else 1
        number = 1
        for length in lengths.values():
            number *= 1 if length is None else length
        return number, frozenset(place for place, length in lengths.items() if length is None)

    def cost(self, splits: Splits) -> int:
        """Return the work of an order, if all lengths are known."""
        return sum(self.work(i, k, j)[0] for (i, j), k in splits.items())

    def multiplied_out(self, splits: Splits) -> Variable:
        """Return the product of the factors in an order.

        The coefficient goes to the left operand of the last product, from where a call takes it; around
        the product, a view of the result could hide it.
        """
        n = len(self.factors)
        done: dict[Span, Variable] = {(i, i + 1): f for i, f in enumerate(self.factors)}
        for i, j in sorted(splits, key=lambda span: span[1] - span[0]):
            k = splits[i, j]
            left, right = done[i, k], done[k, j]
            if j - i == n and not self.coefficient.is_one:
                left = mul(self.coefficient.scalar(left.type.dtype), left)
            done[i, j] = multiplied(left, right)
        return done[0, n]


# -- finding a chain -----------------------------------------------------------------------


def flattened(fgraph: FunctionGraph | None, node: Apply) -> Chain:
    """Return the chain that ends at `node`, in time linear in its length."""
    dtype = node.outputs[0].type.dtype
    factors: list[Variable] = []
    splits: Splits = {}
    coefficient = ONE
    # Where open products start, and where their right operands do.
    open_products: list[list[int]] = []
    todo: list[tuple[str, Apply | Variable | None, bool]] = [("product", node, False)]
    while todo:
        what, item, transposed = todo.pop()
        if what == "product":
            left, right = reversed(item.inputs) if transposed else item.inputs
            open_products.append([len(factors), 0])
            todo += [("end", None, False), ("operand", right, transposed)]
            todo += [("middle", None, False), ("operand", left, transposed)]
        elif what == "middle":
            open_products[-1][1] = len(factors)
        elif what == "end":
            start, middle = open_products.pop()
            splits[start, len(factors)] = middle
        else:
            product, scale, turned = _part_of_chain(fgraph, item, dtype)
            if product is None:
                factors.append(swapped(item) if transposed else item)
            else:
                coefficient = coefficient.product(scale)
                todo.append(("product", product, transposed != turned))
    return Chain(factors, splits, coefficient)


def _part_of_chain(fgraph, var: Variable, dtype: str):
    """Return ``(product, coefficient, transposed)`` if nothing but the chain reads `var`."""
    coefficient, transposed = ONE, False
    while (node := var.owner) is not None and read_once(fgraph, var):
        if is_product(node):
            same = _has_dtype(node, dtype)
            return (node if same else None), coefficient, transposed
        if swaps_last_axes(node):
            transposed = not transposed
            (var,) = node.inputs
            continue
        scaling = split_scaling(node, var.type) if is_float(var) else None
        if scaling is None:
            break
        coefficient, var = coefficient.product(scaling[0]), scaling[1]
    return None, coefficient, transposed


def _has_dtype(product: Apply, dtype: str) -> bool:
    return all(operand.type.dtype == dtype for operand in product.inputs)


def _is_inner(fgraph: FunctionGraph | None, node: Apply) -> bool:
    """Return whether `node` is part of a longer chain, where it will be looked at."""
    var = node.outputs[0]
    while (reader := only_reader(fgraph, var)) is not None:
        if is_product(reader):
            return _has_dtype(reader, var.type.dtype)
        if not swaps_last_axes(reader):
            if not is_float(var) or split_scaling(reader, var.type) is None:
                return False
            if reader.outputs[0].type.dtype != var.type.dtype:
                return False
        var = reader.outputs[0]
    return False


# -- what an order costs -------------------------------------------------------------------


def never_more(new: Iterable[Monomial], old: Iterable[Monomial], least: int = _LEAST) -> bool:
    """Return whether `new` is at most `old` for all unknown lengths, and less for some.

    With every unknown length written as ``least + q``, q >= 0, no coefficient of ``old - new``
    may be negative. That is sufficient, not necessary: in doubt the user's order stays.
    """
    difference: dict[frozenset[int], int] = {}
    for sign, monomials in ((1, old), (-1, new)):
        for number, unknown in monomials:
            for size in range(len(unknown) + 1):
                amount = sign * number * least ** (len(unknown) - size)
                for chosen in combinations(sorted(unknown), size):
                    key = frozenset(chosen)
                    difference[key] = difference.get(key, 0) + amount
    values = difference.values()
    return all(v >= 0 for v in values) and any(v > 0 for v in values)


def cheapest(chain: Chain) -> Splits:
    """Return the splits of the cheapest order of a chain whose lengths are all known."""
    n = len(chain.factors)
    cost = {(i, i + 1): 0 for i in range(n)}
    best: Splits = {}
    for size in range(2, n + 1):
        for i in range(n - size + 1):
            j = i + size
            cost[i, j], best[i, j] = min(
                (cost[i, k] + cost[k, j] + chain.work(i, k, j)[0], k) for k in range(i + 1, j)
            )
    used: Splits = {}
    todo = [(0, n)]
    while todo:
        i, j = todo.pop()
        if j - i > 1:
            k = used[i, j] = best[i, j]
            todo += [(i, k), (k, j)]
    return used


def improved(chain: Chain) -> Splits:
    """Return splits that cost less, found by moving one bracket at a time."""
    splits = dict(chain.splits)
    # Popped from the end: the innermost products first.
    todo = sorted(splits, key=lambda span: span[0] - span[1])
    moves = 8 * len(splits)
    while todo and moves:
        span = todo.pop()
        if span in splits and (inner := _move_bracket(chain, splits, span)) is not None:
            moves -= 1
            todo += [span, inner]
    return splits


def _move_bracket(chain: Chain, splits: Splits, span: Span) -> Span | None:
    """Turn ``(X Y) Z`` into ``X (Y Z)`` or back if that costs less; return the new product."""
    i, j = span
    k = splits[span]
    for inner in ((i, k), (k, j)):
        middle = splits.get(inner)
        if middle is None:
            continue
        new = (middle, j) if inner == (i, k) else (i, middle)
        old_work = [chain.work(i, k, j), chain.work(inner[0], middle, inner[1])]
        new_work = [chain.work(i, middle, j), chain.work(new[0], k, new[1])]
        if never_more(new_work, old_work):
            del splits[inner]
            splits[span], splits[new] = middle, k
            return new
    return None


def better_order(chain: Chain) -> Splits | None:
    """Return splits that certainly cost less, ``None`` if none are known."""
    if chain.is_known and len(chain.factors) <= _MAX_EXACT:
        best = cheapest(chain)
        return best if chain.cost(best) < chain.cost(chain.splits) else None
    best = improved(chain)
    return best if best != chain.splits else None


# -- rules ---------------------------------------------------------------------------------


@register_blas_prepare(IEEE, "reassociate_matmul_chain")
@node_rewriter([Dot, Dot22, BatchedDot, Blockwise])
def local_reassociate_chain(fgraph, node):
    """``A @ B @ C`` in the cheapest order of the known lengths; ``A @ B @ v -> A @ (B @ v)``"""
    dtype = node.outputs[0].type.dtype
    if not is_product(node) or not _has_dtype(node, dtype) or _is_inner(fgraph, node):
        return None
    chain = flattened(fgraph, node)
    splits = better_order(chain) if len(chain.factors) > 2 else None
    if splits is None:
        return None
    return in_place_of(node, chain.multiplied_out(splits), "local_reassociate_chain")


@register_blas_prepare(IEEE, "reassociate_matmul_chain")
@node_rewriter([Dot, Dot22])
def local_associate_shared_product(fgraph, node):
    """``(X @ Y) @ Z -> X @ (Y @ Z)`` where others read ``X @ Y`` too, if that costs less still

    That is so if ``X @ Y`` is an outer product or nearly one, and if all who read it multiply it
    by a vector: then nobody needs it, as in the derivatives of ``A @ B @ v``.
    """
    if not is_product(node):
        return None
    left, right = node.inputs
    for shared, other, before in ((left, right, False), (right, left, True)):
        factors = _shared_factors(fgraph, shared)
        if factors is None or shared is other or not _has_dtype(node, factors[0].type.dtype):
            continue
        if before:
            chain = Chain([other, *factors], {(0, 3): 1, (1, 3): 2})
            new, work = {(0, 3): 2, (0, 2): 1}, [(0, 1, 2), (0, 2, 3)]
            product, forming = (0, 1, 3), (1, 2, 3)
        else:
            chain = Chain([*factors, other], {(0, 3): 2, (0, 2): 1})
            new, work = {(0, 3): 1, (1, 3): 2}, [(1, 2, 3), (0, 1, 3)]
            product, forming = (0, 2, 3), (0, 1, 2)
        new_work = [chain.work(*places) for places in work]
        old_work = [chain.work(*product)]
        readers = _vector_readers(fgraph, shared)
        if never_more(new_work, old_work) or (
            readers and _saves(new_work, old_work, chain.work(*forming), readers)
        ):
            return in_place_of(node, chain.multiplied_out(new), "local_associate_shared_product")
    return None


def _saves(new_work, old_work, forming: Monomial, readers: int) -> bool:
    """Return whether not forming a product pays for what its readers do instead.

    The least length is what makes that true whatever the other lengths: readers / m + readers / n
    must be at most 1.
    """
    return never_more(new_work * readers, [*old_work * readers, forming], least=2 * readers)


def _shared_factors(fgraph, var: Variable) -> list[Variable] | None:
    """Return the factors of a product of matrices, or of its transpose, that has more readers."""
    transposed = swaps_last_axes(var.owner)
    inner = var.owner.inputs[0] if transposed else var
    if not is_product(inner.owner) or inner.type.ndim != 2:
        return None
    if not _has_dtype(inner.owner, inner.type.dtype):
        return None
    if read_once(fgraph, inner) and read_once(fgraph, var):
        return None
    first, second = inner.owner.inputs
    return [swapped(second), swapped(first)] if transposed else [first, second]


def _vector_readers(fgraph, var: Variable) -> int:
    """Return how many products with a vector read `var`, 0 if anything else does, or many."""
    if swaps_last_axes(var.owner):
        (var,) = var.owner.inputs
    count = 0
    todo = [var]
    while todo:
        one = todo.pop()
        for reader, place in fgraph.clients.get(one, ()):
            if swaps_last_axes(reader) and one is var:
                todo.append(reader.outputs[0])
                continue
            if not is_product(reader) or reader.outputs[0].type.ndim != 2:
                return 0
            if reader.inputs[1 - place].type.shape[1 - place] != 1:
                return 0
            count += 1
            if count > _FEW_READERS:
                return 0
    return count
