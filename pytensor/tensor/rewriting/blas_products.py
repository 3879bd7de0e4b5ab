"""Bring products into the form the rules of `pytensor.tensor.rewriting.blas` look for.

Transposes, scalars and sums around a product hide it; batches of products are calls of
their own.
"""

from __future__ import annotations

from pytensor.graph.rewriting.basic import copy_stack_trace, node_rewriter
from pytensor.scalar import basic as ps
from pytensor.tensor.basic import stack
from pytensor.tensor.blas import Dot22, Gemv, _batched_dot, gemv
from pytensor.tensor.blockwise import Blockwise
from pytensor.tensor.elemwise import DimShuffle
from pytensor.tensor.math import Dot, Sum, _dot, dot, mul
from pytensor.tensor.rewriting.algebra import ONE, SumOfCores, as_factor, retyped, scalar_op
from pytensor.tensor.rewriting.blas_rules import (
    BLAS_DTYPES,
    _axis_as_vector,
    _empty,
    _length,
    _one,
    _zero,
    is_dot,
    matmul_operands,
)
from pytensor.tensor.rewriting.registry import register_blas, register_blas_prepare


def _read_once(fgraph, var) -> bool:
    return fgraph is None or len(fgraph.clients.get(var, ())) == 1


def _replacement(node, new):
    new = retyped(node.outputs[0], new)
    return None if new is None else [new]


@register_blas_prepare
@node_rewriter([DimShuffle])
def local_transposed_dot(fgraph, node):
    """``(X @ Y).T -> Y.T @ X.T``: where the product is free to be the other way round."""
    if node.op.new_order != (1, 0):
        return None
    (inner,) = node.inputs
    product = inner.owner
    if product is None or not (is_dot(product) or isinstance(product.op, Dot22)):
        return None
    if not _read_once(fgraph, inner):
        return None
    left, right = product.inputs
    return _replacement(node, _dot(right.T, left.T))


@register_blas_prepare
@node_rewriter([DimShuffle])
def local_transposed_sum(fgraph, node):
    """``(Z + X @ Y).T -> Z.T + Y.T @ X.T``: bring the transpose to the product."""
    if node.op.new_order != (1, 0):
        return None
    (inner,) = node.inputs
    op = scalar_op(inner)
    if not isinstance(op, ps.Add | ps.Sub | ps.Mul | ps.Neg) or not _read_once(fgraph, inner):
        return None
    if not any(
        v.owner is not None and is_dot(v.owner) and _read_once(fgraph, v)
        for v in inner.owner.inputs
    ):
        return None
    transposed = [v.T if v.type.ndim == 2 else v for v in inner.owner.inputs]
    return _replacement(node, inner.owner.op(*transposed))


def _is_private_product(fgraph, var) -> bool:
    node = var.owner
    if node is None or not (is_dot(node) or isinstance(node.op, Dot22)):
        return False
    # A product that is a row or a column already costs no more than what would replace it.
    return 1 not in var.type.shape and _read_once(fgraph, var)


@register_blas
@node_rewriter([Gemv])
def local_gemv_of_product(fgraph, node):
    """``(X @ Y) @ v -> X @ (Y @ v)``, where the product with the vector is a call already."""
    y, alpha, matrix, vector, beta = node.inputs
    if node.op.inplace or not _is_private_product(fgraph, matrix):
        return None
    first, second = matrix.owner.inputs
    if first.type.dtype != second.type.dtype:
        return None
    inner = gemv(
        _empty(vector.type.dtype, (second, 0)), _one(vector), second, vector, _zero(vector)
    )
    copy_stack_trace(node.outputs, inner)
    return _replacement(node, gemv(y, alpha, first, inner, beta))


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
    result = gemv(y, alpha, left, _axis_as_vector(right, 0), _zero(left))
    return _replacement(node, result.dimshuffle())


@register_blas_prepare
@node_rewriter([Sum])
def local_sum_of_mul_to_dot(fgraph, node):
    """``(A * x).sum(1) -> A @ x`` and ``(A * x[:, None]).sum(0) -> x @ A``."""
    (inner,) = node.inputs
    axis = node.op.axis
    if inner.type.ndim != 2 or axis not in ((0,), (1,)) or not _read_once(fgraph, inner):
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
    return _replacement(node, product)


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


@register_blas_prepare
@node_rewriter([Blockwise])
def specialize_matmul_to_batched_dot(fgraph, node):
    """A product of two batches of matrices, item by item."""
    if not isinstance(node.op.core_op, Dot):
        return None
    left, right = node.inputs
    if left.type.ndim != 3 or right.type.ndim != 3:
        return None
    if left.type.broadcastable[0] != right.type.broadcastable[0]:
        return None
    return _replacement(node, _batched_dot(left, right))


@register_blas_prepare
@node_rewriter([Blockwise])
def local_batched_matmul_to_core_matmul(fgraph, node):
    """A batch of matrices times one matrix is one product with more rows."""
    if not isinstance(node.op.core_op, Dot) or node.outputs[0].type.ndim <= 2:
        return None
    left, right = node.inputs
    ndim = right.type.ndim
    if not all(right.type.broadcastable[:-2]) or any(left.type.broadcastable[:-2]):
        return None
    if right.type.dtype != left.type.dtype or left.type.dtype not in BLAS_DTYPES:
        return None
    matrix = _last_two_axes(right)
    inner = _length(left, ndim - 1)
    flat = left.reshape(stack([-1, inner]), ndim=2)
    lengths = [*(_length(left, axis) for axis in range(ndim - 1)), _length(matrix, 1)]
    product = _dot(flat, matrix)
    result = product.reshape(stack(lengths), ndim=ndim)
    copy_stack_trace(node.outputs, [product, result])
    return _replacement(node, result)


def _last_two_axes(var):
    """Return a batch of one matrix as that matrix."""
    node = var.owner
    if node is not None and isinstance(node.op, DimShuffle):
        order = node.op.new_order
        if order == ("x",) * (len(order) - 2) + (0, 1):
            return node.inputs[0]
    return var.dimshuffle(var.type.ndim - 2, var.type.ndim - 1)
