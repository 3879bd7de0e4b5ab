"""How `tril` and `triu` look in a graph: a `switch` by a comparison of ranges of indices."""

from __future__ import annotations

import numpy as np

from pytensor.graph.basic import Constant, Variable
from pytensor.scalar import basic as ps
from pytensor.tensor.basic import ARange, get_underlying_scalar_constant_value
from pytensor.tensor.elemwise import DimShuffle
from pytensor.tensor.rewriting.algebra import scalar_op

# The sides of the diagonal that hold zeros, as bits.
LOWER, UPPER, DIAGONAL = 1, 2, 3


def number_of(var: Variable):
    """The one number that all elements of a variable are, or None."""
    if isinstance(var, Constant) and np.size(var.data) == 1:
        return var.data.item()
    if all(length == 1 for length in var.type.shape):
        value = get_underlying_scalar_constant_value(var, max_recur=3, raise_not_constant=False)
        return None if isinstance(value, Variable) else np.asarray(value).item()
    return None


def masked_triangle(var: Variable) -> tuple[Variable, int, bool] | None:
    """Return A, the structure and whether all of the triangle is kept, for a masked matrix.

    ``tril(A, k)`` is ``switch(rows + k >= columns, A, 0)``, where rows and columns are ranges.
    """
    if not isinstance(scalar_op(var), ps.Switch):
        return None
    condition, yes, no = var.owner.inputs
    bound = _bound(condition)
    if bound is None or (number_of(yes) == 0) == (number_of(no) == 0):
        return None
    below, least = bound
    matrix = yes
    if number_of(yes) == 0:
        # What is not kept where i - j >= c is kept where i - j <= c - 1, and the other way round.
        matrix, below, least = no, not below, least - 1 if below else least + 1
    if matrix.type.ndim < 2 or matrix.type.dtype != var.type.dtype:
        return None
    if matrix.type.broadcastable != var.type.broadcastable or True in matrix.type.broadcastable:
        return None
    if below:
        return (matrix, LOWER, least == 0) if least >= 0 else None
    return (matrix, UPPER, least == 0) if least <= 0 else None


def _bound(condition: Variable) -> tuple[bool, int] | None:
    """Return ``(True, c)`` for a mask ``i - j >= c``, ``(False, c)`` for ``i - j <= c``."""
    node = condition.owner
    if node is not None and isinstance(node.op, DimShuffle):
        # One mask for a stack of matrices
        *batch, rows, columns = ("x", *node.op.new_order)
        if (rows, columns) != (0, 1) or any(axis != "x" for axis in batch):
            return None
        condition = node.inputs[0]
    op = scalar_op(condition)
    if not isinstance(op, ps.GE | ps.GT | ps.LE | ps.LT):
        return None
    left, right = map(_index, condition.owner.inputs)
    if left is None or right is None or left[0] == right[0]:
        return None
    # left index + left offset (op) right index + right offset
    distance = right[1] - left[1]
    at_least = isinstance(op, ps.GE | ps.GT)
    strict = isinstance(op, ps.GT | ps.LT)
    least = distance + (strict if at_least else -strict)
    return (at_least, least) if left[0] == 0 else (not at_least, -least)


def _index(var: Variable) -> tuple[int, int] | None:
    """Return the axis and the offset of a range of indices along one axis of a matrix."""
    if isinstance(scalar_op(var), ps.Add) and len(var.owner.inputs) == 2:
        for number, index in (var.owner.inputs, var.owner.inputs[::-1]):
            offset, found = number_of(number), _index(index)
            if offset is not None and found is not None:
                return found[0], found[1] + int(offset)
    if isinstance(scalar_op(var), ps.Sub):
        offset, found = number_of(var.owner.inputs[1]), _index(var.owner.inputs[0])
        return None if offset is None or found is None else (found[0], found[1] - int(offset))
    node = var.owner
    if node is None or not isinstance(node.op, DimShuffle):
        return None
    axis = {(0, "x"): 0, ("x", 0): 1}.get(node.op.new_order)
    source = node.inputs[0].owner
    if axis is None or source is None or not isinstance(source.op, ARange):
        return None
    start, _stop, step = map(number_of, source.inputs)
    return (axis, int(start)) if step == 1 and start is not None else None
