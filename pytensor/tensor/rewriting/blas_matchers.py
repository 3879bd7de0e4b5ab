"""How products look in a graph: what the rules of `blas_rules` see as a product of two arrays."""

from __future__ import annotations

from pytensor.graph.basic import Constant, Variable
from pytensor.scalar import basic as ps
from pytensor.tensor.basic import AllocEmpty, constant
from pytensor.tensor.blas import BatchedDot, BatchedGemm, Dot22, Dot22Scalar, Gemv, Syrk
from pytensor.tensor.blockwise import Blockwise
from pytensor.tensor.elemwise import DimShuffle, Elemwise
from pytensor.tensor.math import Dot, conj
from pytensor.tensor.rewriting.algebra import (
    ONE,
    Coefficient,
    as_factor,
    matcher,
    scalar_op,
)
from pytensor.tensor.rewriting.coefficients import common_number, unscaled
from pytensor.tensor.shape import Shape_i

BLAS_DTYPES = frozenset(("float32", "float64", "complex64", "complex128"))


def is_dot(node) -> bool:
    """Return whether `node` multiplies two matrices."""
    op = node.op
    if isinstance(op, Blockwise):
        return isinstance(op.core_op, Dot) and node.outputs[0].type.ndim == 2
    return isinstance(op, Dot)


def matmul_operands(view, var: Variable):
    """Return ``(X, Y, coefficient)`` if `var` is a product of two matrices.

    Scalars that multiply an operand nobody else reads belong to the coefficient.
    """
    node = var.owner
    if node is None:
        return None
    coefficient = ONE
    if isinstance(node.op, Syrk):
        return _syrk_operands(node)
    if isinstance(node.op, Dot22Scalar):
        coefficient = _as_coefficient(node.inputs[2])
    elif not (is_dot(node) or isinstance(node.op, Dot22)):
        return None
    conjugated = getattr(node.op, "conj", "")
    left, of_left = _unscaled(_conjugate(node.inputs[0], "x" in conjugated))
    right, of_right = _unscaled(_conjugate(node.inputs[1], "y" in conjugated))
    return left, right, coefficient.product(of_left).product(of_right)


def _syrk_operands(node):
    """See what a product of a matrix and its own transpose became before its sum was seen."""
    _, alpha, x, beta = node.inputs
    if node.op.inplace or _constant_value(beta) != 0:
        return None
    return x, _conjugate(x.T, node.op.hermitian), _as_coefficient(alpha)


def without_conjugate(var: Variable, readers=None) -> Variable | None:
    """Return a conjugated matrix or vector, however its axes are arranged, not conjugated.

    ``None`` if there is no conjugate, or if `readers` says that something else reads it.
    """
    if readers is not None and readers(var) > 1:
        return None
    node = var.owner
    if node is None:
        return None
    if isinstance(scalar_op(node), ps.Conj):
        return node.inputs[0]
    if not isinstance(node.op, DimShuffle):
        return None
    plain = without_conjugate(node.inputs[0], readers)
    return None if plain is None else node.op(plain)


def _as_coefficient(scalar: Variable) -> Coefficient:
    factor = as_factor(scalar)
    assert factor is not None  # it has no axes
    return ONE.times(factor[0], *factor[1])


def _conjugate(var: Variable, really: bool) -> Variable:
    return conj(var) if really else var


def _unscaled(operand: Variable) -> tuple[Variable, Coefficient]:
    """Return an operand without the scalars that multiply it, and those.

    It does not matter who else reads the scaled operand: a call scales for nothing.
    """
    return unscaled(operand) if operand.type.dtype in BLAS_DTYPES else (operand, ONE)


@matcher("@", 2, 2)
def _matrix_times_matrix(view, var):
    found = matmul_operands(view, var)
    return None if found is None else (found[:2], found[2])


@matcher("@", 2, 1)
def _matrix_times_vector(view, var):
    """See ``(X @ y[:, None])[:, 0]`` and ``(y[None] @ X)[0]`` as matrix times vector."""
    node = var.owner
    if node is not None and isinstance(node.op, Gemv) and _constant_value(node.inputs[4]) == 0:
        # Found before what it belongs to was looked at.
        matrix, of_matrix = _unscaled(_conjugate(node.inputs[2], bool(node.op.conj)))
        vector, of_vector = _unscaled(node.inputs[3])
        coefficient = _as_coefficient(node.inputs[1])
        return (matrix, vector), coefficient.product(of_matrix).product(of_vector)
    if node is None or not isinstance(node.op, DimShuffle) or node.op.new_order not in ((0,), (1,)):
        return None
    (inner,) = node.inputs
    found = matmul_operands(view, inner)
    if found is None or view.readers(inner) > 1:
        return None
    left, right, coefficient = found
    if node.op.new_order == (0,):
        return (left, _axis_as_vector(right, 0)), coefficient
    return (right.T, _axis_as_vector(left, 1)), coefficient


def _axis_as_vector(matrix: Variable, axis: int) -> Variable:
    """Return a matrix whose other axis has length 1 as a vector."""
    node = matrix.owner
    if node is not None and isinstance(node.op, DimShuffle) and node.inputs[0].type.ndim == 1:
        return node.inputs[0]
    return matrix.dimshuffle(axis)


@matcher("@", None, None)
def _batch_times_batch(view, var):
    """See a product of two batches of matrices; the batches may broadcast."""
    node = var.owner
    if node is None or var.type.ndim < 3:
        return None
    coefficient = ONE
    if isinstance(node.op, BatchedGemm):
        _, alpha, left, right, beta = node.inputs
        if node.op.inplace or _constant_value(beta) != 0:
            return None
        coefficient = _as_coefficient(alpha)
    elif isinstance(node.op, BatchedDot) or is_batched_dot(node.op):
        left, right = node.inputs
    else:
        return None
    left, of_left = _unscaled(left)
    right, of_right = _unscaled(right)
    return (left, right), coefficient.product(of_left).product(of_right)


def is_batched_dot(op) -> bool:
    """Return whether `op` is a `Dot` of every pair of two batches."""
    return isinstance(op, Blockwise) and isinstance(op.core_op, Dot)


@matcher("outer", 1, 1)
def _outer_product(view, var):
    """See a column times a row, by `Dot` or elementwise, as an outer product."""
    found = matmul_operands(view, var)
    if found is not None:
        left, right, coefficient = found
        if left.type.shape[1] != 1 or right.type.shape[0] != 1:
            return None
        return (_axis_as_vector(left, 0), _axis_as_vector(right, 1)), coefficient
    if not isinstance(scalar_op(var), ps.Mul):
        return None
    column = row = None
    coefficient = ONE
    for operand in var.owner.inputs:
        broadcast = operand.type.broadcastable
        if operand.type.dtype != var.type.dtype and not all(broadcast):
            return None
        if broadcast == (False, True) and column is None:
            column = operand
        elif broadcast == (True, False) and row is None:
            row = operand
        elif (factor := as_factor(operand)) is not None:
            coefficient = coefficient.times(factor[0], *factor[1])
        else:
            return None
    if column is None or row is None:
        return None
    column, of_column = _unscaled(column)
    row, of_row = _unscaled(row)
    coefficient = coefficient.product(of_column).product(of_row)
    return (_axis_as_vector(column, 0), _axis_as_vector(row, 1)), coefficient


def _constant_value(var: Variable):
    return var.data.item() if isinstance(var, Constant) and var.data.ndim == 0 else None


def _empty(dtype: str, *lengths: tuple[Variable, int]) -> Variable:
    """Return a buffer with the lengths of given axes of given variables."""
    return AllocEmpty(dtype)(*(_length(var, axis) for var, axis in lengths))


def _length(var: Variable, axis: int):
    while var.type.shape[axis] is None and (node := var.owner) is not None:
        if isinstance(node.op, DimShuffle):
            var, axis = node.inputs[0], node.op.new_order[axis]
        elif is_dot(node) or isinstance(node.op, Dot22 | Dot22Scalar):
            # Not to be one more reader of a product that may still become part of a call.
            var = node.inputs[axis]
        elif isinstance(node.op, Elemwise) and len(node.inputs) == 1:
            # Nor of a conjugate that may become part of one.
            var = node.inputs[0]
        else:
            break
    static = var.type.shape[axis]
    # `Shape_i` reads the array; a shape expression would have to be inferred first.
    return constant(static, dtype="int64") if static is not None else Shape_i(axis)(var)


def _one(like: Variable) -> Variable:
    return common_number(1, like.type.dtype)


def _zero(like: Variable) -> Variable:
    return common_number(0, like.type.dtype)
