"""Products become BLAS calls.

Every rule reads as the line of mathematics it implements; what counts as that line is up to
`pytensor.tensor.rewriting.algebra`: any order, any brackets, scalars anywhere.
"""

from __future__ import annotations

import numpy as np

from pytensor.graph.basic import Variable
from pytensor.graph.rewriting.basic import node_rewriter
from pytensor.graph.rewriting.pattern import (
    arrays,
    coefficients,
    guard,
    matrices,
    outer,
    vectors,
)
from pytensor.tensor.basic import constant
from pytensor.tensor.blas import (
    BatchedDot,
    Dot22,
    Dot22Scalar,
    Gemm,
    Syrk,
    _dot22,
    _dot22scalar,
    batched_gemm,
    gemm_of_sum,
    gemv_of_sum,
    ger,
    syrk,
)
from pytensor.tensor.blockwise import Blockwise
from pytensor.tensor.elemwise import DimShuffle
from pytensor.tensor.math import Dot
from pytensor.tensor.rewriting.algebra import SumView, retyped, rule_on

# Registered before the rules below: a product that can be saved must not become a call first.
from pytensor.tensor.rewriting.blas_factoring import local_common_factor
from pytensor.tensor.rewriting.blas_matchers import (
    BLAS_DTYPES,
    _axis_as_vector,
    _conjugate,
    _constant_value,
    _empty,
    _one,
    _zero,
    is_dot,
    matmul_operands,
    without_conjugate,
)
from pytensor.tensor.rewriting.registry import register_blas

__all__ = [
    "BLAS_DTYPES",
    "is_dot",
    "local_common_factor",
    "matmul_operands",
    "one_float_dtype",
    "rule",
]

# `Dot22` itself is not among the ops a rule may start from: it is what they end at.
rule = rule_on(SumView(product_ops=[Dot, Blockwise, DimShuffle, BatchedDot]))
herk = Syrk(hermitian=True)

T, U, V = arrays("T U V")
W, X, Y, Z = matrices("W X Y Z")
A = matrices("A")[0]
x, y = vectors("x y")
alpha, beta = coefficients("alpha beta")


# -- conditions ----------------------------------------------------------------------------


@guard
def one_float_dtype(*operands) -> bool:
    """All operands have one dtype, and BLAS knows it."""
    dtypes = {operand.type.dtype for operand in operands}
    return len(dtypes) == 1 and dtypes <= BLAS_DTYPES


@guard
def fits(accumulator, left, right) -> bool:
    """The accumulator has the product's static shape, or broadcasts to it."""
    return _broadcasts_to(accumulator.type.shape, _product_shape(left, right))


@guard
def fits_square(accumulator, factor) -> bool:
    """The accumulator has the static shape of `factor` times its transpose, or broadcasts to it."""
    return _broadcasts_to(accumulator.type.shape, (factor.type.shape[0],) * 2)


def _broadcasts_to(shape, product) -> bool:
    return all(
        have in (1, want) or (want != 1 and None in (have, want))
        for have, want in zip(shape, product, strict=True)
    )


def _product_shape(left, right) -> tuple[int | None, ...]:
    """Return the static shape of a product of matrices, of batches, or of matrix and vector."""
    if right.type.ndim == 1:
        return left.type.shape[:1]
    pairs = zip(left.type.shape[:-2], right.type.shape[:-2], strict=True)
    batch = (a if b == 1 or (b is None and a != 1) else b for a, b in pairs)
    return (*batch, left.type.shape[-2], right.type.shape[-1])


@guard
def is_matrix(operand) -> bool:
    """Neither length is known to be 1: those are smaller calls."""
    return 1 not in operand.type.shape


@guard
def is_real(coefficient) -> bool:
    """The scalar factor has no imaginary part that could be seen now."""
    return coefficient.is_real


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


# -- a matrix times its own transpose --------------------------------------------------------


@register_blas
@rule(beta * Z + alpha * (X @ X.T), when=[one_float_dtype(Z, X), is_matrix(X), fits_square(Z, X)])
def local_add_dot_to_syrk(Z, alpha, X, beta):
    """Accumulate a matrix times its own transpose into Z: half of a product's work."""
    return syrk(Z, alpha, X, beta)


@register_blas
@rule(
    beta * Z + alpha * (X @ X.H),
    when=[one_float_dtype(Z, X), is_matrix(X), is_real(alpha), fits_square(Z, X)],
)
def local_add_dot_to_herk(Z, alpha, X, beta):
    """Accumulate a matrix times its own conjugate transpose into Z."""
    return _herk(Z, alpha, X, beta)


@register_blas
@rule(alpha * (X @ X.T), when=[one_float_dtype(X), is_matrix(X)])
def local_dot_to_syrk(alpha, X):
    """A matrix times its own transpose, scaled: half of a product's work, exactly symmetric."""
    return syrk(_square(X), alpha, X, _zero(X))


@register_blas
@rule(alpha * (X @ X.H), when=[one_float_dtype(X), is_matrix(X), is_real(alpha)])
def local_dot_to_herk(alpha, X):
    """A matrix times its own conjugate transpose, scaled: exactly Hermitian."""
    return _herk(None, alpha, X, _zero(X))


def _square(matrix: Variable) -> Variable:
    return _empty(matrix.type.dtype, (matrix, 0), (matrix, 0))


def _herk(z: Variable | None, alpha, x, beta) -> Variable:
    """Return ``alpha * x @ x.H + beta * z`` without a conjugate, however `x` is written.

    What is conjugated already is ``conj(w w^H) = (w w^H)^T`` of ``w = conj(x)``.
    """
    plain = without_conjugate(x)
    if plain is None:
        return herk(_square(x) if z is None else z, alpha, x, beta)
    return herk(_square(plain) if z is None else z.T, alpha, plain, beta).T


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
    return gemm_of_sum(Z, alpha, X, Y, beta)


@register_blas
@rule(beta * y + alpha * (A @ x), when=[one_float_dtype(y, A, x), fits(y, A, x)])
def local_add_dot_to_gemv(y, alpha, A, x, beta):
    """Accumulate a matrix times a vector into y in one pass."""
    return gemv_of_sum(y, alpha, A, x, beta)


@register_blas
@rule(alpha * (A @ x), when=[one_float_dtype(A, x)])
def local_dot_to_gemv(alpha, A, x):
    """A matrix times a vector, scaled."""
    return gemv_of_sum(_empty(A.type.dtype, (A, 0)), alpha, A, x, _zero(A))


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


# -- products of batches of matrices ---------------------------------------------------------


@register_blas
@rule(beta * U + alpha * (T @ V), when=[one_float_dtype(U, T, V), fits(U, T, V)])
def local_add_dot_to_batched_gemm(U, alpha, T, V, beta):
    """Accumulate a product of batches of matrices into U in one pass."""
    return batched_gemm(U, alpha, T, V, beta)


@register_blas
@rule(alpha * (T @ V), when=[is_scaled(alpha), one_float_dtype(T, V)])
def local_scaled_dot_to_batched_gemm(alpha, T, V):
    """A product of batches of matrices, scaled."""
    batch = [(T if T.type.shape[axis] != 1 else V, axis) for axis in range(T.type.ndim - 2)]
    ndim = T.type.ndim
    buffer = _empty(T.type.dtype, *batch, (T, ndim - 2), (V, ndim - 1))
    return batched_gemm(buffer, alpha, T, V, _zero(T))


# -- rows, columns and vectors ---------------------------------------------------------------


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
        return gemv_of_sum(y, alpha, left, column, b).dimshuffle(0, "x")
    if left.type.shape[0] == 1:
        y = _empty(left.type.dtype, (right, 1)) if z is None else z.dimshuffle(1)
        b = _zero(left) if z is None else beta
        return gemv_of_sum(y, alpha, right.T, _axis_as_vector(left, 1), b).dimshuffle("x", 0)
    if left.type.shape[1] == 1 or right.type.shape[0] == 1:
        return _as_ger(z, alpha, left, right, beta)
    return None


def _as_ger(z, alpha, left, right, beta) -> Variable | None:
    factor = None if z is None else _constant_value(beta)
    if z is None or factor == 0:
        # Broadcast, the zero is read once: the product is written in one pass.
        z = constant(np.zeros((1, 1), dtype=left.type.dtype))
    elif factor != 1 or 1 in z.type.shape:
        return None
    return ger(z, alpha, _axis_as_vector(left, 0), _axis_as_vector(right, 1))


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


def _conjugated(node, left, right) -> tuple[Variable, Variable]:
    """Return the operands of a call as they are multiplied."""
    return _conjugate(left, "x" in node.op.conj), _conjugate(right, "y" in node.op.conj)


def _specialised_gemm(node):
    z, alpha, left, right, beta = node.inputs
    if left.type.dtype not in BLAS_DTYPES:
        return None
    if _constant_value(beta) == 0:
        z = None
    result = _special_case(z, alpha, *_conjugated(node, left, right), beta)
    result = None if result is None else retyped(node.outputs[0], result)
    return None if result is None else [result]


@register_blas
@node_rewriter([Dot22])
def local_dot22_to_ger_or_gemv(fgraph, node):
    """A product with a row, a column or both is a smaller call."""
    left, right = node.inputs
    if left.type.dtype not in BLAS_DTYPES:
        return None
    result = _special_case(None, _one(left), *_conjugated(node, left, right), None)
    result = None if result is None else retyped(node.outputs[0], result)
    return None if result is None else [result]


@register_blas
@node_rewriter([Dot22Scalar])
def local_dot22scalar_to_ger_or_gemv(fgraph, node):
    """A scaled product with a row, a column or both is a smaller call."""
    left, right, alpha = node.inputs
    if left.type.dtype not in BLAS_DTYPES:
        return None
    result = _special_case(None, alpha, *_conjugated(node, left, right), None)
    result = None if result is None else retyped(node.outputs[0], result)
    return None if result is None else [result]
