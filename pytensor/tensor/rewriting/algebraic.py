"""Sums and products in one spelling: ``(c + a + b) - (d + e)`` and ``(c * a * b) / (d * e)``.

A group is a tree of one kind of node (add, sub, neg; or mul, true_div, reciprocal, neg). Its
root is looked at as a whole, its inner nodes are left to the root, so a tree of n nodes costs
n. What the group comes to is first written down as a plan, and nodes are built only if the
plan differs from what is there: applying the rule to its own result does nothing.

These rules reorder, cancel (``x - x``, ``x / x``) and absorb (``0 * x``): they carry the tag
``"ieee_unsafe"``. Constants are only combined where the result is as representable as the
parts were.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from pytensor.graph.basic import Variable
from pytensor.graph.rewriting.rewriters import NodeRewriter
from pytensor.scalar import basic as ps
from pytensor.tensor.basic import cast
from pytensor.tensor.elemwise import Elemwise
from pytensor.tensor.math import add, mul, neg, reciprocal, sub, true_div
from pytensor.tensor.rewriting.common import (
    IEEE,
    arg_of,
    filled,
    number,
    read_once,
    settled,
    wrapped,
)
from pytensor.tensor.rewriting.registry import register_canonicalize, register_specialize
from pytensor.tensor.variable import TensorConstant

# Larger groups are cut: a kernel of thousands of operands compiles slowly and runs no faster.
_MAX_LEAVES = 32


class Plan:
    """What a group comes to: a number, what is added (multiplied), what is subtracted (divided).

    ``divisor`` is a number a product is divided by, where multiplying by its inverse would
    round differently.
    """

    __slots__ = ("direct", "divisor", "inverse", "number")

    def __init__(self, number: Any):
        self.number = number
        self.direct: list[Variable] = []
        self.inverse: list[Variable] = []
        self.divisor: Any = 1


class AlgebraicGroup(NodeRewriter):
    """One spelling for a group of nodes; subclasses say which."""

    kinds: tuple[type, ...]
    neutral: int
    ops: Sequence

    def __init__(self, name: str):
        self.name = self.__name__ = name

    def tracks(self):
        return list(self.ops)

    def __str__(self):
        return self.name

    # Looking

    def transform(self, fgraph, node, enforce_tracks: bool = False):
        out = node.outputs[0]
        dtype = out.type.numpy_dtype
        if dtype.kind == "b" or self._is_inner(fgraph, node):
            return None
        plan = self.plan(fgraph, out)
        if plan is None:
            return None
        tree = self.tree(plan, out.type)
        if _matches(tree, out):
            return None
        return settled(node, _built(tree, out.type))

    def _belongs(self, node, kind) -> bool:
        """Return whether a node of this group can be opened in one whose result has type `kind`."""
        op = node.op
        if type(op) is not Elemwise or type(op.scalar_op) not in self.kinds:
            return False
        own = node.outputs[0].type
        return own.dtype == kind.dtype and own.broadcastable == kind.broadcastable

    def _is_inner(self, fgraph, node) -> bool:
        """Return whether the only reader is in the same group, and will look at this node."""
        out = node.outputs[0]
        clients = fgraph.clients.get(out, ())
        if len(clients) != 1:
            return False
        reader = clients[0][0]
        if not reader.outputs or not self._belongs(reader, out.type):
            return False
        return len(reader.inputs) < _MAX_LEAVES

    def _absorbs_signs(self, fgraph, out) -> bool:
        """Return whether the minus of a smaller operand costs nothing in this group."""
        raise NotImplementedError

    @staticmethod
    def _is_sign(node, kind, absorbs: bool) -> bool:
        """Return whether `node` is the negative of a smaller array that loses its sign here."""
        if not absorbs or type(node.op) is not Elemwise:
            return False
        own = node.outputs[0].type
        return (
            type(node.op.scalar_op) is ps.Neg
            and own.dtype == kind.dtype
            and own.numpy_dtype.kind != "u"
        )

    def plan(self, fgraph, out) -> Plan | None:
        """Collect the leaves of the group that ends at `out`."""
        plan = Plan(self.neutral)
        absorbs = self._absorbs_signs(fgraph, out)
        constants: list[tuple[Any, bool]] = []
        stack = [(out, False)]
        leaves = 0
        while stack:
            var, inverted = stack.pop()
            if not isinstance(var, Variable):
                constants.append((var, inverted))
                continue
            node = var.owner
            opened = None
            if (
                node is not None
                and leaves + len(stack) < _MAX_LEAVES
                and (var is out or read_once(fgraph, var))
                and (self._belongs(node, out.type) or self._is_sign(node, out.type, absorbs))
            ):
                opened = self.parts(node)
            if opened is not None:
                stack.extend((v, inverted ^ inv) for v, inv in reversed(opened))
                continue
            value = _number_of(var)
            if value is not None:
                constants.append((value, inverted))
                continue
            leaves += 1
            (plan.inverse if inverted else plan.direct).append(var)
        return self.reduced(fgraph, plan, constants, out.type)

    def parts(self, node) -> list[tuple[Any, bool]] | None:
        """Return the operands of a node of the group and whether each is inverted."""
        raise NotImplementedError

    def reduced(self, fgraph, plan, constants, kind) -> Plan | None:
        """Cancel what occurs on both sides and combine the numbers."""
        raise NotImplementedError

    def tree(self, plan, kind):
        """Return the plan as nested tuples ``(op, operand, ...)``; numbers are constants."""
        raise NotImplementedError


def _number_of(var: Variable):
    """Return the number if `var` is itself a constant of equal finite elements."""
    if not isinstance(var, TensorConstant) or not all(var.type.broadcastable):
        return None  # a longer constant says how long the result is
    value = number(var)
    # NaN and infinity are left where they are: nothing cancels or absorbs them.
    return value if value is None or np.isfinite(value) else None


def _in_dtype(value, kind):
    """Return a number as arithmetic in the dtype of `kind` has it."""
    dtype = kind.numpy_dtype
    if dtype.char == "d":
        return float(value)
    if dtype.kind in "iu":
        value = wrapped(int(value), dtype)
    return dtype.type(value).item()


def _cancelled(plan: Plan) -> None:
    """Drop what is on both sides."""
    if not plan.inverse:
        return
    counts: dict[Variable, int] = {}
    for var in plan.inverse:
        counts[var] = counts.get(var, 0) + 1
    kept = []
    for var in plan.direct:
        if counts.get(var):
            counts[var] -= 1
        else:
            kept.append(var)
    if len(kept) == len(plan.direct):
        return
    plan.direct = kept
    rest = []
    for var in plan.inverse:
        if counts.get(var):
            counts[var] -= 1
            rest.append(var)
    plan.inverse = rest


def _sane(value, parts) -> bool:
    """Return whether combining numbers neither overflowed nor lost a small one."""
    if not isinstance(value, (float, complex)):
        return True
    size = abs(value)
    if any(not math.isfinite(abs(p)) for p in parts):
        return False
    if size == 0:
        return any(p == 0 for p in parts)
    return _normal_range("float64")[0] <= size < math.inf


@functools.cache
def _normal_range(dtype: str) -> tuple[float, float]:
    info = np.finfo(dtype)
    return float(info.tiny), float(info.max)


def _fits(value, kind) -> bool:
    """Return whether a number is finite and not subnormal in the dtype of `kind`."""
    if kind.numpy_dtype.kind not in "fc":
        return True
    size = abs(value)
    smallest, largest = _normal_range(kind.dtype)
    return size == 0 or smallest <= size <= largest


class SumGroup(AlgebraicGroup):
    """``a - (b - (c + 2)) + 3 -> (5 + a + c) - b``"""

    kinds = (ps.Add, ps.Sub, ps.Neg)
    neutral = 0
    ops = (add, sub, neg)

    def _absorbs_signs(self, fgraph, out):
        # With a positive term besides, a minus turns into a difference.
        return type(out.owner.op.scalar_op) in (ps.Add, ps.Sub) and any(
            arg_of(v, ps.Neg) is None for v in out.owner.inputs[:1] + out.owner.inputs[2:]
        )

    def parts(self, node):
        scalar_op = node.op.scalar_op
        if type(scalar_op) is ps.Add:
            return [(v, False) for v in node.inputs]
        if type(scalar_op) is ps.Sub:
            return [(node.inputs[0], False), (node.inputs[1], True)]
        return [(node.inputs[0], True)]

    def reduced(self, fgraph, plan, constants, kind):
        values = [-c if inverted else c for c, inverted in constants]
        total = sum(values)
        if len(values) > 1 and not (_fits(total, kind) and all(_fits(v, kind) for v in values)):
            return None
        plan.number = _in_dtype(total, kind)
        _cancelled(plan)
        return plan

    def tree(self, plan, kind):
        direct = list(plan.direct)
        if plan.number != 0:
            if not direct and plan.inverse:
                return (sub, plan.number, _group(add, plan.inverse))
            direct.insert(0, plan.number)
        if not plan.inverse:
            return _group(add, direct) if direct else 0
        if not direct:
            return (neg, _group(add, plan.inverse))
        return (sub, _group(add, direct), _group(add, plan.inverse))


class ProductGroup(AlgebraicGroup):
    """``2 * a / (b / (c * 4)) -> (8 * a * c) / b``"""

    kinds = (ps.Mul, ps.TrueDiv, ps.Reciprocal, ps.Neg)
    neutral = 1
    ops = (mul, true_div, reciprocal, neg)

    def _absorbs_signs(self, fgraph, out):
        # A sum that reads the product turns a minus into a difference.
        clients = fgraph.clients.get(out, ())
        if len(clients) != 1:
            return False
        op = clients[0][0].op
        return type(op) is Elemwise and type(op.scalar_op) in (ps.Add, ps.Sub)

    def parts(self, node):
        scalar_op = node.op.scalar_op
        if type(scalar_op) is ps.Mul:
            return [(v, False) for v in node.inputs]
        if type(scalar_op) is ps.TrueDiv:
            return [(node.inputs[0], False), (node.inputs[1], True)]
        if type(scalar_op) is ps.Reciprocal:
            return [(node.inputs[0], True)]
        # The negative of an unsigned number is no product with -1 that another dtype could hold.
        if node.outputs[0].type.numpy_dtype.kind == "u":
            return None
        return [(-1, False), (node.inputs[0], False)]

    def reduced(self, fgraph, plan, constants, kind):
        above, below = 1, 1
        for value, inverted in constants:
            if inverted:
                below *= value
            else:
                above *= value
        parts = [abs(v) for v, _ in constants]
        if len(parts) > 1 and not (_sane(above * 1.0, parts) and _sane(below * 1.0, parts)):
            return None
        if kind.numpy_dtype.kind in "fc":
            self._open_shared(fgraph, plan, kind)
        _cancelled(plan)
        if below == 0 or not _fits(above, kind) or not _fits(below, kind):
            return None
        self._scale(plan, above, below)
        if not _fits(plan.number, kind) or not _fits(plan.divisor, kind):
            return None
        plan.number, plan.divisor = _in_dtype(plan.number, kind), _in_dtype(plan.divisor, kind)
        if plan.number not in (0, 1) and plan.divisor == 1:
            self._into_smaller(fgraph, plan, kind)
        return plan

    def _into_smaller(self, fgraph, plan, kind) -> None:
        """``2 * x * (s / t) -> x * (2 * s / t)`` where s and t have less elements than x."""
        for index, var in enumerate(plan.direct):
            node = var.owner
            if node is None or var.type.broadcastable == kind.broadcastable:
                continue
            if not self._belongs(node, var.type) or not read_once(fgraph, var):
                continue
            if var.type.dtype != kind.dtype:
                continue
            inner = self.plan(fgraph, var)
            if inner is None or inner.divisor != 1 or inner.number == 0:
                continue
            if inner.number == 1 and type(node.op.scalar_op) is ps.Mul and plan.number == -1:
                continue  # a minus costs as much there as here
            combined = inner.number * plan.number
            if _fits(combined, kind) and _sane(combined * 1.0, [abs(inner.number)]):
                inner.number, plan.number = _in_dtype(combined, kind), 1
                plan.direct[index] = self.tree(inner, var.type)
                return

    def _open_shared(self, fgraph, plan, kind) -> None:
        """Open a product somebody else reads too, if that lets factors cancel."""
        for side, other in ((plan.direct, plan.inverse), (plan.inverse, plan.direct)):
            others = set(other)
            for var in list(side) if others else ():
                factors = self._shared_factors(var, kind)
                if factors is not None and not others.isdisjoint(factors):
                    index = side.index(var)
                    side[index : index + 1] = factors

    def _shared_factors(self, var, kind):
        node = var.owner
        if node is None or not self._belongs(node, kind):
            return None
        return node.inputs if type(node.op.scalar_op) is ps.Mul else None

    @staticmethod
    def _scale(plan, above, below) -> None:
        """Make one number out of two where that rounds at most once, as the parts would."""
        if below == 1:
            plan.number = above
        elif plan.direct and abs(above) == 1 and not _is_power_of_two(below):
            # x / 3 is not x * (1 / 3).
            sign = -1 if below.real < 0 else 1
            plan.number, plan.divisor = above * sign, below * sign
        else:
            plan.number = above / below

    def tree(self, plan, kind):
        if plan.number == 0:
            return 0
        direct, inverse = list(plan.direct), list(plan.inverse)
        if plan.divisor != 1:
            inverse.insert(0, plan.divisor)
        negative = plan.number == -1 and bool(direct or inverse) and kind.numpy_dtype.kind != "u"
        if plan.number != 1 and not negative:
            direct.insert(0, plan.number)
        result = self._quotient(direct, inverse, kind)
        return (neg, result) if negative else result

    @staticmethod
    def _quotient(direct, inverse, kind):
        if not inverse:
            return _group(mul, direct) if direct else 1
        if direct:
            return (true_div, _group(mul, direct), _group(mul, inverse))
        if len(inverse) == 1 and isinstance(inverse[0], Variable):
            if inverse[0].type.dtype != kind.dtype:
                return (true_div, 1, inverse[0])
        return (reciprocal, _group(mul, inverse))


def _is_power_of_two(value) -> bool:
    return not isinstance(value, complex) and abs(math.frexp(value)[0]) == 0.5


def _group(op, operands):
    return operands[0] if len(operands) == 1 else (op, *operands)


def _matches(tree, var) -> bool:
    """Return whether `var` is already what `tree` says."""
    stack = [(tree, var)]
    while stack:
        tree, var = stack.pop()
        if not isinstance(tree, (tuple, int, float, complex)):
            if tree is not var:
                return False
        elif isinstance(tree, tuple):
            node = var.owner
            if node is None or len(node.inputs) != len(tree) - 1:
                return False
            if node.op is not tree[0] and node.op != tree[0]:
                return False
            stack.extend(zip(tree[1:], node.inputs, strict=True))
        elif not isinstance(var, TensorConstant) or number(var) != tree:
            return False
    return True


def _built(tree, kind) -> Variable:
    """Build a tree; every intermediate result has the dtype of the whole."""
    if not isinstance(tree, (tuple, int, float, complex)):
        return tree
    if not isinstance(tree, tuple):
        return filled(tree, kind)
    op, *operands = tree
    built = [_built(operand, kind) for operand in operands]
    # Truth values have neither negatives nor differences.
    built = [cast(v, kind.dtype) if v.type.dtype == "bool" else v for v in built]
    new = op(*built)
    if new.type.dtype != kind.dtype:
        # For instance 32 bit factors of a 64 bit quotient: computed as if it were one node.
        built[0] = cast(built[0], kind.dtype)
        new = op(*built)
    return new


local_add_canonizer = SumGroup("local_add_canonizer")
local_mul_canonizer = ProductGroup("local_mul_canonizer")
for _register in (register_canonicalize, register_specialize):
    _register(local_mul_canonizer, "shape_unsafe", IEEE, name="local_mul_canonizer")
    _register(local_add_canonizer, "shape_unsafe", IEEE, name="local_add_canonizer")
