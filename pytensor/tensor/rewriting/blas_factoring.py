"""``A @ B + A @ C`` is ``A @ (B + C)``: a sum costs less than a product.

Which operands to factor out is a covering problem: every product of the sum has a left and a
right operand, and needs one of the two to be among the factors taken out. The fewest factors,
which is the fewest products left, are a minimum vertex cover of the bipartite graph with an
edge per product; by König's theorem it follows from a maximum matching. So the result does not
depend on the order in which the sum was written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from typing import NamedTuple

from pytensor.graph.basic import Variable
from pytensor.graph.rewriting.basic import node_rewriter
from pytensor.tensor.math import add, dot, mul, neg, sub
from pytensor.tensor.rewriting.algebra import (
    ONE,
    Coefficient,
    SummandView,
    SumOfCores,
    base_of,
    label,
    sum_at,
    total_of,
)
from pytensor.tensor.rewriting.blas_matchers import BLAS_DTYPES
from pytensor.tensor.rewriting.coefficients import alike
from pytensor.tensor.rewriting.registry import register_blas

# With fewer rows (columns) than that, adding the other operands costs as much as it saves.
_FEW = 4


class _Product(NamedTuple):
    """A product in a sum: coefficient x left @ right."""

    coefficient: Coefficient
    operands: tuple[Variable, Variable]
    summand: SummandView


@register_blas
@node_rewriter([add, sub, neg, mul])
def local_common_factor(fgraph, node):
    """``A @ B + A @ C -> A @ (B + C)`` and ``A @ C + B @ C -> (A + B) @ C``."""
    like = node.outputs[0].type
    if fgraph is None or like.ndim not in (1, 2) or like.dtype not in BLAS_DTYPES:
        return None
    view = sum_at(fgraph, node)
    if view.is_inner or len(view.summands) < 2:
        # The sum this is a part of is looked at as a whole.
        return None
    products = _products(view)
    pairs = [_pair(product, i) for i, product in enumerate(products)]
    groups = [group for group in covered(pairs) if len(group[1]) > 1]
    if not groups:
        return None
    for side, members in groups:
        chosen = [products[i] for i in members]
        view.replace([p.summand for p in chosen], _factored(side, chosen, view))
    total = view.rebuild()
    return None if total is None else [total]


def _products(view: SumOfCores) -> list[_Product]:
    """Return the products of the sum that nobody else needs."""
    found = []
    for summand, (operands, coefficient) in view.products(("@", (2, view.like.ndim))):
        if not alike(summand.core.type, view.like) or not view.is_private(summand):
            continue
        if any(v.type.dtype != view.like.dtype for v in operands):
            continue
        if (operands[0].type.shape[-1] == 1) != (operands[1].type.shape[0] == 1):
            # An error unless both lengths are 1; a sum of operands would broadcast instead.
            continue
        found.append(_Product(summand.coefficient.product(coefficient), operands, summand))
    return found


def _pair(product: _Product, index: int) -> tuple[Hashable, Hashable]:
    """Return the operands; one that is not worth factoring out is made unlike any other."""
    left, right = product.operands
    rows, columns = left.type.shape[0], right.type.shape[1] if right.type.ndim == 2 else 1
    return tuple(
        (var, index) if count is not None and count < _FEW else base_of(var)
        for var, count in ((left, rows), (right, columns))
    )


def _factored(side: int, products: Sequence[_Product], view: SumOfCores) -> Variable:
    """Return the sum of products that share the operand on one side as one product."""
    dtype = view.like.dtype
    common = products[0].operands[side]
    others: dict[Hashable, SummandView] = {}
    for coefficient, operands, _ in products:
        other = operands[1 - side]
        known = others.get(base_of(other))
        if known is None:
            others[base_of(other)] = SummandView(coefficient, other, 1)
        else:
            known.coefficient = known.coefficient.plus(coefficient)
    outside = ONE
    if len({summand.coefficient for summand in others.values()}) == 1:
        outside = next(iter(others.values())).coefficient
        for summand in others.values():
            summand.coefficient = ONE
    total = total_of(others.values(), dtype)
    result = dot(total, common) if side else dot(common, total)
    if not outside.is_one:
        result = mul(outside.scalar(dtype), result)
    label(result, view.root, local_common_factor.name)
    return result


def covered(
    pairs: Sequence[tuple[Hashable, Hashable]],
) -> list[tuple[int, list[int]]]:
    """Assign every pair to one of its two members, using as few members as possible.

    Parameters
    ----------
    pairs
        The edges of a bipartite graph: a left member and a right one.

    Returns
    -------
    list of (side, indices)
        For every member used, whether it is a left (0) or a right one (1), and its pairs.
        Pairs whose members are in no other pair are left out.

    Notes
    -----
    A minimum vertex cover by König's theorem: what alternating paths from unmatched left
    members reach does not depend on which maximum matching was found.

    Examples
    --------
    >>> covered([("A", "B"), ("A", "C"), ("D", "C"), ("D", "E")])
    [(0, [0, 1]), (0, [2, 3])]
    """
    counts = [Counter(pair[side] for pair in pairs) for side in (0, 1)]
    shared = [i for i, (a, b) in enumerate(pairs) if counts[0][a] > 1 or counts[1][b] > 1]
    neighbours: dict[Hashable, list[Hashable]] = {}
    for i in shared:
        neighbours.setdefault(pairs[i][0], []).append(pairs[i][1])
    partner = _matching(neighbours)
    matched = set(partner.values())
    reached = _reached(neighbours, partner, [a for a in neighbours if a not in matched])
    groups: dict[tuple[int, Hashable], list[int]] = {}
    for i in shared:
        left, right = pairs[i]
        member = (0, left) if left not in reached else (1, right)
        groups.setdefault(member, []).append(i)
    return [(side, members) for (side, _), members in groups.items()]


def _matching(neighbours: dict) -> dict:
    """Return a maximum matching, as the left partner of each right member."""
    partner: dict = {}
    own: dict = {}
    for start in neighbours:
        came_from: dict = {}
        pending, end = [start], None
        while pending and end is None:
            left = pending.pop()
            for right in neighbours[left]:
                if right in came_from:
                    continue
                came_from[right] = left
                if right not in partner:
                    end = right
                    break
                pending.append(partner[right])
        while end is not None:
            # Along the path found, every left member moves on to its next right member.
            left = came_from[end]
            previous = own.get(left)
            partner[end], own[left] = left, end
            end = previous if left is not start else None
    return partner


def _reached(neighbours: dict, partner: dict, start: list) -> set:
    """Return the left members that alternating paths from those in `start` reach."""
    left_reached, right_reached = set(start), set()
    pending = list(start)
    while pending:
        for right in neighbours[pending.pop()]:
            if right in right_reached:
                continue
            right_reached.add(right)
            left = partner[right]
            if left not in left_reached:
                left_reached.add(left)
                pending.append(left)
    return left_reached
