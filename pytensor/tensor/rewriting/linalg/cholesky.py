"""Cholesky factors of what is a product of triangles, diagonal or made of blocks."""

from __future__ import annotations

from pytensor.assumptions.core import (
    DIAGONAL,
    LOWER_TRIANGULAR,
    POSITIVE_DEFINITE,
)
from pytensor.assumptions.structure import is_adjoint
from pytensor.graph.rewriting.basic import copy_stack_trace, node_rewriter
from pytensor.tensor.linalg.constructors import BlockDiagonal, block_diag
from pytensor.tensor.linalg.decomposition.cholesky import Cholesky, cholesky
from pytensor.tensor.linalg.products import KroneckerProduct
from pytensor.tensor.math import Dot, sign, sqrt
from pytensor.tensor.rewriting.common import is_float
from pytensor.tensor.rewriting.linalg.utils import (
    core_op,
    diagonal_matrix,
    diagonal_of,
    fits,
    has_square,
    is_complex,
    is_diagonal,
    knows,
    made_by,
    swapped,
    tracks,
)
from pytensor.tensor.rewriting.registry import (
    register_canonicalize,
    register_stabilize,
)


@register_canonicalize
@register_stabilize
@node_rewriter(tracks(Cholesky))
def cholesky_ldotlt(fgraph, node):
    """cholesky(L @ L.T) -> L for a triangular L, its diagonal made positive"""
    (A,) = node.inputs
    product = made_by(A, Dot)
    if product is None or is_complex(A) or not is_float(A):
        return None
    left, right = product.inputs
    if left.type.ndim < 2 or not is_adjoint(left, right):
        return None
    if not (knows(fgraph, left, LOWER_TRIANGULAR) and not knows(fgraph, left, DIAGONAL)):
        return None
    factor = left
    if made_by(left, Cholesky) is None and made_by(right, Cholesky) is None:
        factor = left * sign(diagonal_of(left))[..., None, :]
    new = factor if core_op(node).lower else swapped(factor)
    return [copy_stack_trace(node.outputs[0], new)] if fits(node.outputs[0], new) else None


@register_canonicalize
@register_stabilize
@node_rewriter(tracks(Cholesky))
def cholesky_of_diag(fgraph, node):
    """cholesky(diag(d)) -> diag(sqrt(d))"""
    (A,) = node.inputs
    if not is_float(A) or is_complex(A) or not is_diagonal(fgraph, A):
        return None
    new = diagonal_matrix(sqrt(diagonal_of(A)))
    return [copy_stack_trace(node.outputs[0], new)] if fits(node.outputs[0], new) else None


@register_canonicalize
@register_stabilize
@node_rewriter(tracks(Cholesky))
def cholesky_of_blockdiag(fgraph, node):
    """cholesky(block_diag(A, B)) -> block_diag of the factors; kron, if both are known definite"""
    inner = made_by(node.inputs[0], BlockDiagonal, KroneckerProduct)
    if inner is None or not all(map(has_square, inner.inputs)):
        return None
    is_kron = isinstance(core_op(inner), KroneckerProduct)
    if is_kron and not all(knows(fgraph, x, POSITIVE_DEFINITE) for x in inner.inputs):
        return None
    factors = [cholesky(x, lower=core_op(node).lower) for x in inner.inputs]
    new = inner.op(*factors) if is_kron else block_diag(*factors)
    return [copy_stack_trace(node.outputs[0], new)] if fits(node.outputs[0], new) else None
