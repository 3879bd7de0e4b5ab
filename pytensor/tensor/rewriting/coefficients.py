"""Scalar factors of arrays: what multiplies and divides them, gathered in one coefficient."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from pytensor.graph.basic import Constant, Variable
from pytensor.scalar import basic as ps
from pytensor.tensor.basic import cast, constant
from pytensor.tensor.elemwise import DimShuffle, Elemwise
from pytensor.tensor.math import add, mul, true_div
from pytensor.tensor.type import TensorType

# How deep scalars are looked for in an array: what others read would be walked again and again.
_MAX_SCALINGS = 16


class Coefficient:
    """A sum of number x scalars / scalars.

    ``parts`` holds one ``(number, factors)`` per addend; a factor is a 0-d variable and
    whether it divides.
    """

    __slots__ = ("parts",)

    def __init__(
        self, parts: tuple[tuple[Any, tuple[tuple[Variable, bool], ...]], ...] = ((1, ()),)
    ):
        self.parts = parts

    def __eq__(self, other):
        return self.parts == other.parts if type(other) is Coefficient else NotImplemented

    def __hash__(self):
        return hash(self.parts)

    def __repr__(self):
        return f"Coefficient({self.parts!r})"

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

    @property
    def is_real(self) -> bool:
        """Whether neither the numbers nor the dtypes of the factors are complex."""
        return all(
            complex(number).imag == 0 and not any(v.type.dtype.startswith("c") for v, _ in factors)
            for number, factors in self.parts
        )

    def scalar(self, dtype: str) -> Variable:
        """Return the coefficient as a 0-d variable.

        Every factor is cast before anything is computed: products of small integers must
        not overflow in their own dtype.
        """
        addends = [_monomial(number, factors, dtype) for number, factors in self.parts]
        return addends[0] if len(addends) == 1 else add(*addends)


@cache
def common_number(number: int, dtype: str) -> Variable:
    """Return 1, 0 or -1 as the one constant that all graphs share: nearly every call reads one.

    Keep it out of the places where a constant gets a name or tags of its own.
    """
    result = constant(np.asarray(number, dtype=dtype))
    # It is from nobody's line.
    vars(result.tag).pop("trace", None)
    return result


def _monomial(number, factors, dtype: str) -> Variable:
    above = [_as_dtype(v, dtype) for v, divides in factors if not divides]
    below = [_as_dtype(v, dtype) for v, divides in factors if divides]
    if number in (1, -1):
        if number != 1 or not above:
            above.insert(0, common_number(1 if number == 1 else -1, dtype))
    else:
        above.insert(0, constant(np.asarray(number, dtype=dtype)))
    result = above[0] if len(above) == 1 else mul(*above)
    for divisor in below:
        result = true_div(result, divisor)
    return result


def _as_dtype(var: Variable, dtype: str) -> Variable:
    return var if var.type.dtype == dtype else cast(var, dtype)


ONE = Coefficient()


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
        return (ONE.times(-1), node.inputs[0]) if alike(node.inputs[0].type, like) else None
    if isinstance(op, ps.TrueDiv):
        array, divisor = node.inputs
        factor = as_factor(divisor)
        factor = None if factor is None else _inverted(factor)
        if factor is None or not alike(array.type, like):
            return None
        return ONE.times(factor[0], *factor[1]), array
    if not isinstance(op, ps.Mul):
        return None
    coefficient, array = ONE, None
    for var in node.inputs:
        if array is None and alike(var.type, like):
            array = var
            continue
        factor = as_factor(var)
        if factor is None:
            return None
        coefficient = coefficient.times(factor[0], *factor[1])
    return None if array is None else (coefficient, array)


def unscaled(var: Variable) -> tuple[Variable, Coefficient]:
    """Return an array without the scalars that multiply it, and those; also behind views.

    It does not matter who else reads the scaled array: a call scales for nothing.
    """
    coefficient = ONE
    for _ in range(_MAX_SCALINGS):
        if var.owner is None:
            break
        scaling = split_scaling(var.owner, var.type) or _scaled_view(var)
        if scaling is None:
            break
        coefficient, var = coefficient.product(scaling[0]), scaling[1]
    return var, coefficient


def _scaled_view(var: Variable) -> tuple[Coefficient, Variable] | None:
    """See ``(s * X).T`` as s and ``X.T``, ``(s * x)[:, None]`` as s and ``x[:, None]``."""
    node = var.owner
    if node is None or not isinstance(node.op, DimShuffle) or node.inputs[0].owner is None:
        return None
    inner = node.inputs[0]
    scaling = split_scaling(inner.owner, inner.type)
    return None if scaling is None else (scaling[0], node.op(scaling[1]))


def alike(a: TensorType, like: TensorType) -> bool:
    """Same dtype, rank and broadcasting, and not itself a scalar."""
    return (
        a.dtype == like.dtype and a.broadcastable == like.broadcastable and not all(a.broadcastable)
    )
