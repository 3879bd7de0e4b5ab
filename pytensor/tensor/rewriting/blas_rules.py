"""Products become BLAS calls.

Every rule reads as the line of mathematics it implements; what counts as that line is up to
`pytensor.tensor.rewriting.algebra`: any order, any brackets, scalars anywhere.
"""

from __future__ import annotations

from pytensor.graph.basic import Constant, Variable
from pytensor.graph.rewriting.basic import node_rewriter
from pytensor.graph.rewriting.pattern import coefficients, guard, matrices, outer, vectors
from pytensor.scalar import basic as ps
from pytensor.tensor.basic import AllocEmpty, constant, zeros
from pytensor.tensor.blas import (
    Dot22,
    Dot22Scalar,
    Gemm,
    Gemv,
    _dot22,
    _dot22scalar,
    gemm,
    gemv,
    ger,
)
from pytensor.tensor.blockwise import Blockwise
from pytensor.tensor.elemwise import DimShuffle
from pytensor.tensor.math import Dot
from pytensor.tensor.rewriting.algebra import (
    ONE,
    Coefficient,
    SumView,
    as_factor,
    matcher,
    retyped,
    rule_on,
    scalar_op,
    split_scaling,
)
from pytensor.tensor.rewriting.registry import register_blas
from pytensor.tensor.shape import Shape_i

BLAS_DTYPES = frozenset(("float32", "float64", "complex64", "complex128"))

# `Dot22` itself is not among the ops a rule may start from: it is what they end at.
rule = rule_on(SumView(product_ops=[Dot, Blockwise, DimShuffle]))

W, X, Y, Z = matrices("W X Y Z")
A = matrices("A")[0]
x, y = vectors("x y")
alpha, beta = coefficients("alpha beta")


# -- how products look ---------------------------------------------------------------------


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
    if node is None or not (is_dot(node) or isinstance(node.op, Dot22 | Dot22Scalar)):
        return None
    coefficient = ONE
    if isinstance(node.op, Dot22Scalar):
        number, factors = as_factor(node.inputs[2])
        coefficient = ONE.times(number, *factors)
    left, of_left = _unscaled(view, node.inputs[0])
    right, of_right = _unscaled(view, node.inputs[1])
    return left, right, coefficient.product(of_left).product(of_right)


def _unscaled(view, operand: Variable) -> tuple[Variable, Coefficient]:
    if operand.owner is None or operand.type.dtype not in BLAS_DTYPES:
        return operand, ONE
    scaling = split_scaling(operand.owner, operand.type)
    if scaling is None or view.readers(operand) != 1:
        return operand, ONE
    return scaling[1], scaling[0]


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
        number, factors = as_factor(node.inputs[1])
        return (node.inputs[2], node.inputs[3]), ONE.times(number, *factors)
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
    column, of_column = _unscaled(view, column)
    row, of_row = _unscaled(view, row)
    coefficient = coefficient.product(of_column).product(of_row)
    return (_axis_as_vector(column, 0), _axis_as_vector(row, 1)), coefficient


# -- conditions ----------------------------------------------------------------------------


@guard
def one_float_dtype(*operands) -> bool:
    """All operands have one dtype, and BLAS knows it."""
    dtypes = {operand.type.dtype for operand in operands}
    return len(dtypes) == 1 and dtypes <= BLAS_DTYPES


@guard
def fits(accumulator, left, right) -> bool:
    """The accumulator has the product's static shape, or broadcasts to it."""
    product = (*left.type.shape[:-1], *right.type.shape[1:])
    return all(
        have in (1, None) or want in (None, have)
        for have, want in zip(accumulator.type.shape, product, strict=True)
    ) and all(
        have == 1 or want != 1 for have, want in zip(accumulator.type.shape, product, strict=True)
    )


@guard
def fills(accumulator, left, right) -> bool:
    """The accumulator has the outer product's shape without broadcasting."""
    return not any(
        have == 1 and want.type.shape[0] != 1
        for have, want in zip(accumulator.type.shape, (left, right), strict=True)
    )


@guard
def is_scaled(coefficient) -> bool:
    """There is a scalar factor."""
    return not coefficient.is_one


# -- products of matrices ------------------------------------------------------------------


@register_blas
@rule(Z + alpha * outer(x, y), when=[one_float_dtype(Z, x, y), fills(Z, x, y)])
def local_add_outer_to_ger(Z, alpha, x, y):
    """Add a rank-1 update in one pass."""
    return ger(Z, alpha, x, y)


@register_blas("gemm_optimizer", "GemmOptimizer")
@rule(beta * Z + alpha * (X @ Y), when=[one_float_dtype(Z, X, Y), fits(Z, X, Y)])
def local_add_dot_to_gemm(Z, alpha, X, Y, beta):
    """Accumulate a matrix product into Z in one pass."""
    return gemm(Z, alpha, X, Y, beta)


@register_blas
@rule(beta * y + alpha * (A @ x), when=[one_float_dtype(y, A, x), fits(y, A, x)])
def local_add_dot_to_gemv(y, alpha, A, x, beta):
    """Accumulate a matrix times a vector into y in one pass."""
    return gemv(y, alpha, A, x, beta)


@register_blas
@rule(alpha * (A @ x), when=[one_float_dtype(A, x)])
def local_dot_to_gemv(alpha, A, x):
    """A matrix times a vector, scaled."""
    return gemv(_empty(A.type.dtype, (A, 0)), alpha, A, x, _zero(A))


@register_blas("fast_compile")
@rule(X @ Y, when=[one_float_dtype(X, Y)])
def local_dot_to_dot22(X, Y):
    """A product of matrices of one floating dtype."""
    return _specialised_dot22(X, Y)


@register_blas
@rule(alpha * (X @ Y), when=[is_scaled(alpha), one_float_dtype(X, Y)])
def local_dot22_to_dot22scalar(alpha, X, Y):
    """A product of matrices, scaled."""
    return _dot22scalar(X, Y, alpha)


def _specialised_dot22(left, right):
    """Return the product; with a row, a column or both as the smaller call they allow."""
    special = _special_case(None, _one(left), left, right, None)
    return _dot22(left, right) if special is None else special


def _special_case(z, alpha, left, right, beta) -> Variable | None:
    """Return ``alpha * left @ right + beta * z`` as Gemv or Ger, ``None`` if it is neither.

    Without `z`, there is nothing to add to.
    """
    if right.type.shape[1] == 1:
        y = _empty(left.type.dtype, (left, 0)) if z is None else z.dimshuffle(0)
        b = _zero(left) if z is None else beta
        column = _axis_as_vector(right, 0)
        return gemv(y, alpha, left, column, b).dimshuffle(0, "x")
    if left.type.shape[0] == 1:
        y = _empty(left.type.dtype, (right, 1)) if z is None else z.dimshuffle(1)
        b = _zero(left) if z is None else beta
        return gemv(y, alpha, right.T, _axis_as_vector(left, 1), b).dimshuffle("x", 0)
    if left.type.shape[1] == 1 or right.type.shape[0] == 1:
        return _as_ger(z, alpha, left, right, beta)
    return None


def _as_ger(z, alpha, left, right, beta) -> Variable | None:
    factor = None if z is None else _constant_value(beta)
    if z is None or factor == 0:
        z = zeros((_length(left, 0), _length(right, 1)), dtype=left.type.dtype)
    elif factor != 1 or 1 in z.type.shape:
        return None
    return ger(z, alpha, _axis_as_vector(left, 0), _axis_as_vector(right, 1))


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
        else:
            break
    static = var.type.shape[axis]
    # `Shape_i` reads the array; a shape expression would have to be inferred first.
    return constant(static, dtype="int64") if static is not None else Shape_i(axis)(var)


def _one(like: Variable) -> Variable:
    return constant(1.0, dtype=like.type.dtype)


def _zero(like: Variable) -> Variable:
    return constant(0.0, dtype=like.type.dtype)


@register_blas
@node_rewriter([Gemm])
def local_gemm_to_gemv(fgraph, node):
    """Accumulate a product with a row or a column as a matrix times a vector."""
    if node.op.inplace:
        return None
    left, right = node.inputs[2:4]
    if left.type.shape[0] != 1 and right.type.shape[1] != 1:
        return None
    return _specialised_gemm(node)


@register_blas
@node_rewriter([Gemm])
def local_gemm_to_ger(fgraph, node):
    """Accumulate a column times a row as a rank-1 update."""
    if node.op.inplace:
        return None
    left, right = node.inputs[2:4]
    if left.type.shape[1] != 1 and right.type.shape[0] != 1:
        return None
    return _specialised_gemm(node)


def _specialised_gemm(node):
    z, alpha, left, right, beta = node.inputs
    if left.type.dtype not in BLAS_DTYPES:
        return None
    if _constant_value(beta) == 0:
        z = None
    result = _special_case(z, alpha, left, right, beta)
    result = None if result is None else retyped(node.outputs[0], result)
    return None if result is None else [result]


@register_blas
@node_rewriter([Dot22])
def local_dot22_to_ger_or_gemv(fgraph, node):
    """A product with a row, a column or both is a smaller call."""
    left, right = node.inputs
    if left.type.dtype not in BLAS_DTYPES:
        return None
    result = _special_case(None, _one(left), left, right, None)
    result = None if result is None else retyped(node.outputs[0], result)
    return None if result is None else [result]


@register_blas
@node_rewriter([Dot22Scalar])
def local_dot22scalar_to_ger_or_gemv(fgraph, node):
    """A scaled product with a row, a column or both is a smaller call."""
    left, right, alpha = node.inputs
    if left.type.dtype not in BLAS_DTYPES:
        return None
    result = _special_case(None, alpha, left, right, None)
    result = None if result is None else retyped(node.outputs[0], result)
    return None if result is None else [result]
