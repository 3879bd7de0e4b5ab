"""Block-diagonal and Kronecker products; products with orthogonal matrices."""

from __future__ import annotations

from collections.abc import Callable

from pytensor.assumptions.core import ORTHOGONAL
from pytensor.assumptions.structure import is_adjoint
from pytensor.graph.basic import Variable
from pytensor.graph.rewriting.basic import copy_stack_trace, node_rewriter
from pytensor.tensor.basic import eye
from pytensor.tensor.blockwise import Blockwise
from pytensor.tensor.linalg.constructors import BlockDiagonal, block_diag
from pytensor.tensor.linalg.products import Expm, KroneckerProduct, kron_as_product
from pytensor.tensor.math import Dot, exp, matmul
from pytensor.tensor.rewriting.common import is_float, read_once
from pytensor.tensor.rewriting.linalg.utils import (
    core_op,
    diagonal_matrix,
    diagonal_of,
    fits,
    is_diagonal,
    knows,
    made_by,
    tracks,
)
from pytensor.tensor.rewriting.registry import (
    register_canonicalize,
    register_specialize,
    register_stabilize,
)


@register_canonicalize
@node_rewriter(tracks(BlockDiagonal))
def fuse_blockdiagonal(fgraph, node):
    """block_diag(A, block_diag(B, C)) -> block_diag(A, B, C)"""
    if not any(made_by(x, BlockDiagonal) for x in node.inputs):
        return None
    parts = []
    for x in node.inputs:
        inner = made_by(x, BlockDiagonal)
        parts.extend([x] if inner is None else inner.inputs)
    new = block_diag(*parts)
    return [copy_stack_trace(node.outputs[0], new)] if fits(node.outputs[0], new) else None


@register_canonicalize
@register_stabilize
@node_rewriter([KroneckerProduct])
def kron_of_diagonal_to_diagonal(fgraph, node):
    """kron(diag(a), diag(b)) -> diag(kron(a, b))"""
    a, b = node.inputs
    if a.type.ndim != 2 or not (is_diagonal(fgraph, a) and is_diagonal(fgraph, b)):
        return None
    d = (diagonal_of(a)[:, None] * diagonal_of(b)[None, :]).flatten()
    new = diagonal_matrix(d)
    return [copy_stack_trace(node.outputs[0], new)] if fits(node.outputs[0], new) else None


@register_specialize
@node_rewriter(tracks(KroneckerProduct))
def kron_to_product(fgraph, node):
    """kron(a, b) -> a product of elements with axes joined, which loops are compiled for"""
    batch_ndim = node.op.batch_ndim(node) if isinstance(node.op, Blockwise) else 0
    new = kron_as_product(*node.inputs, batch_ndim=batch_ndim)
    return [copy_stack_trace(node.outputs[0], new)] if fits(node.outputs[0], new) else None


def kron_applied(
    of_a: Callable[[Variable], Variable],
    of_b: Callable[[Variable], Variable],
    A: Variable,
    B: Variable,
    x: Variable,
) -> Variable:
    """Apply an operation that distributes over ``kron(A, B)`` to a vector or a matrix x.

    ``kron(A, B) @ vec(X) = vec(A @ X @ B.T)`` with the rows of X one after the other (Van Loan
    2000, "The ubiquitous Kronecker product").
    """
    columns = 1 if x.type.ndim == 1 else x.shape[1]
    p, q = (v.shape[1] if v.type.shape[1] is None else v.type.shape[1] for v in (A, B))
    # Rows of B lead, so that its operation sees one matrix
    inner = x.reshape((p, q, columns)).dimshuffle(1, 0, 2).reshape((q, p * columns))
    inner = of_b(inner)
    rows_b = inner.shape[0]
    outer = inner.reshape((rows_b, p, columns)).dimshuffle(1, 0, 2).reshape((p, rows_b * columns))
    outer = of_a(outer)
    flat = outer.reshape((outer.shape[0] * rows_b, columns))
    return flat[:, 0] if x.type.ndim == 1 else flat


@register_stabilize
@node_rewriter([Dot])
def kron_dot_to_dots(fgraph, node):
    """kron(A, B) @ x -> A @ X @ B.T with the elements of x as a matrix X"""
    K, x = node.inputs
    inner = made_by(K, KroneckerProduct)
    if inner is None or K.type.ndim != 2 or not read_once(fgraph, K) or not is_float(x):
        return None
    A, B = inner.inputs
    new = kron_applied(A.dot, B.dot, A, B, x)
    return [copy_stack_trace(node.outputs[0], new)] if fits(node.outputs[0], new) else None


@register_canonicalize
@register_stabilize
@node_rewriter(tracks(Expm))
def expm_of_diag(fgraph, node):
    """expm(diag(d)) -> diag(exp(d))"""
    (x,) = node.inputs
    if not is_float(x) or not is_diagonal(fgraph, x):
        return None
    return [copy_stack_trace(node.outputs[0], diagonal_matrix(exp(diagonal_of(x))))]


@register_canonicalize
@register_stabilize
@node_rewriter([Dot, Blockwise])
def orthogonal_dot_transpose_to_eye(fgraph, node):
    """Q @ Q.T -> eye, Q.T @ Q -> eye for an orthogonal Q"""
    if not isinstance(core_op(node), Dot):
        return None
    left, right = node.inputs
    out = node.outputs[0]
    if left.type.ndim < 2 or right.type.ndim < 2 or not is_float(out):
        return None
    if not is_adjoint(left, right) or not knows(fgraph, left, ORTHOGONAL):
        return None
    new = eye(left.shape[-2], dtype=out.type.dtype)
    if left.type.ndim > 2:
        new = matmul(left.zeros_like(), right.zeros_like()) + new
    return [copy_stack_trace(out, new)] if fits(out, new) else None
