"""Bring products into the form the rules of `pytensor.tensor.rewriting.blas` look for.

Transposes, scalars and sums around a product hide it; batches of products are calls of
their own.
"""

from __future__ import annotations

from pytensor.graph.rewriting.basic import copy_stack_trace, node_rewriter
from pytensor.scalar import basic as ps
from pytensor.tensor.blas import Gemv, gemv_of_sum
from pytensor.tensor.elemwise import DimShuffle
from pytensor.tensor.math import Sum, dot, mul
from pytensor.tensor.rewriting.algebra import ONE, SumOfCores, as_factor, scalar_op
from pytensor.tensor.rewriting.blas_rules import (
    BLAS_DTYPES,
    _axis_as_vector,
    _empty,
    _one,
    _zero,
    matmul_operands,
)
from pytensor.tensor.rewriting.common import IEEE
from pytensor.tensor.rewriting.products import (
    float_product,
    in_place_of,
    multiplied,
    private_product,
    read_once,
    swapped,
    swaps_last_axes,
)
from pytensor.tensor.rewriting.registry import register_blas, register_blas_prepare


@register_blas_prepare
@node_rewriter([DimShuffle])
def local_transposed_dot(fgraph, node):
    """``(X @ Y).T -> Y.T @ X.T``: where the product is free to be the other way round."""
    if not swaps_last_axes(node):
        return None
    product = private_product(fgraph, node.inputs[0])
    if product is None:
        return None
    left, right = product.inputs
    return in_place_of(node, multiplied(swapped(right), swapped(left)))


@register_blas_prepare
@node_rewriter([DimShuffle])
def local_transposed_sum(fgraph, node):
    """``(Z + X @ Y).T -> Z.T + Y.T @ X.T``: bring the transpose to the product."""
    if not swaps_last_axes(node):
        return None
    (inner,) = node.inputs
    op = scalar_op(inner)
    if not isinstance(op, ps.Add | ps.Sub | ps.Mul | ps.Neg) or not read_once(fgraph, inner):
        return None
    if not any(private_product(fgraph, v) for v in inner.owner.inputs):
        return None
    return in_place_of(node, inner.owner.op(*(swapped(v) for v in inner.owner.inputs)))


@register_blas(IEEE)
@node_rewriter([Gemv])
def local_gemv_of_product(fgraph, node):
    """``(X @ Y) @ v -> X @ (Y @ v)``, where the product with the vector is a call already."""
    y, alpha, matrix, vector, beta = node.inputs
    product = float_product(fgraph, matrix)
    if node.op.inplace or product is None or 1 in matrix.type.shape:
        # A product that is a row or a column costs no more than what would replace it.
        return None
    first, second = product.inputs
    # The conjugate of a product is the product of the conjugates.
    times = Gemv(conj=node.op.conj)
    buffer = _empty(vector.type.dtype, (second, 0))
    inner = times(buffer, _one(vector), second, vector, _zero(vector))
    copy_stack_trace(node.outputs, inner)
    return in_place_of(node, times(y, alpha, first, inner, beta))


@register_blas
@node_rewriter([DimShuffle])
def local_inner_product_to_gemv(fgraph, node):
    """``x @ y`` of two vectors as a matrix of one row times a vector."""
    if node.op.new_order != () or node.op.input_ndim != 2:
        return None
    (inner,) = node.inputs
    view = SumOfCores(fgraph, node)
    found = matmul_operands(view, inner)
    if found is None or view.readers(inner) != 1:
        return None
    left, right, coefficient = found
    dtype = left.type.dtype
    if dtype not in BLAS_DTYPES or right.type.dtype != dtype:
        return None
    alpha = coefficient.scalar(dtype)
    y = _empty(dtype, (left, 0))
    result = gemv_of_sum(y, alpha, left, _axis_as_vector(right, 0), _zero(left))
    return in_place_of(node, result.dimshuffle())


@register_blas_prepare
@node_rewriter([Sum])
def local_sum_of_mul_to_dot(fgraph, node):
    """``(A * x).sum(1) -> A @ x`` and ``(A * x[:, None]).sum(0) -> x @ A``."""
    (inner,) = node.inputs
    axis = node.op.axis
    if inner.type.ndim != 2 or axis not in ((0,), (1,)) or not read_once(fgraph, inner):
        return None
    dtype = inner.type.dtype
    if dtype not in BLAS_DTYPES or node.outputs[0].type.dtype != dtype:
        return None
    if not isinstance(scalar_op(inner), ps.Mul):
        return None
    found = _matrix_and_vector(inner.owner, (True, False) if axis == (1,) else (False, True))
    if found is None:
        return None
    matrix, vector, coefficient = found
    if axis == (1,):
        product = dot(matrix, _axis_as_vector(vector, 1))
    else:
        product = dot(_axis_as_vector(vector, 0), matrix)
    if not coefficient.is_one:
        product = mul(coefficient.scalar(dtype), product)
    return in_place_of(node, product)


def _matrix_and_vector(node, vector_pattern: tuple[bool, bool]):
    """Return the factors of a product of a matrix, a broadcast vector and scalars."""
    dtype = node.outputs[0].type.dtype
    matrix = vector = None
    coefficient = ONE
    for operand in node.inputs:
        broadcast = operand.type.broadcastable
        if broadcast == (False, False) and matrix is None and operand.type.dtype == dtype:
            matrix = operand
        elif broadcast == vector_pattern and vector is None and operand.type.dtype == dtype:
            vector = operand
        elif (factor := as_factor(operand)) is not None:
            coefficient = coefficient.times(factor[0], *factor[1])
        else:
            return None
    return None if matrix is None or vector is None else (matrix, vector, coefficient)
