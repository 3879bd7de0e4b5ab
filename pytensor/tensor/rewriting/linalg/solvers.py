"""Solutions of linear systems by the structure of the matrix."""

from __future__ import annotations

from pytensor.assumptions.core import (
    LOWER_TRIANGULAR,
    ORTHOGONAL,
    POSITIVE_DEFINITE,
    SYMMETRIC,
    TRIDIAGONAL,
    UPPER_TRIANGULAR,
)
from pytensor.assumptions.structure import is_adjoint
from pytensor.graph.basic import Variable
from pytensor.graph.rewriting.basic import node_rewriter
from pytensor.tensor.basic import join
from pytensor.tensor.linalg.constructors import BlockDiagonal
from pytensor.tensor.linalg.decomposition.cholesky import cholesky
from pytensor.tensor.linalg.inverse import MatrixInverse
from pytensor.tensor.linalg.products import KroneckerProduct
from pytensor.tensor.linalg.solvers.general import Solve, solve
from pytensor.tensor.linalg.solvers.psd import cho_solve
from pytensor.tensor.linalg.solvers.triangular import solve_triangular
from pytensor.tensor.math import Dot, matmul
from pytensor.tensor.rewriting.common import is_float
from pytensor.tensor.rewriting.linalg.products import kron_applied
from pytensor.tensor.rewriting.linalg.reuse import cholesky_of
from pytensor.tensor.rewriting.linalg.utils import (
    adjoint,
    core_op,
    has_square,
    knows,
    knows_any,
    made_by,
    replacing,
    tracks,
)
from pytensor.tensor.rewriting.registry import (
    register_canonicalize,
    register_stabilize,
)


def _times(A: Variable, b: Variable, b_ndim: int) -> Variable:
    """``A @ b`` where b is a vector, or a stack of vectors, if it has one core dimension."""
    if A.type.ndim == 2 and b.type.ndim == b_ndim:
        return A.dot(b)
    return matmul(A, b[..., None])[..., 0] if b_ndim == 1 else matmul(A, b)


@register_canonicalize
@register_stabilize
@node_rewriter(tracks(Solve))
def orthogonal_solve_to_transpose_matmul(fgraph, node):
    """solve(Q, b) -> Q.T @ b (conjugated) for an orthogonal Q"""
    op, (A, b) = core_op(node), node.inputs
    if op.assume_a != "gen" or not is_float(A) or not knows(fgraph, A, ORTHOGONAL):
        return None
    return replacing(node, _times(adjoint(A), b, op.b_ndim))


@register_stabilize
@node_rewriter(tracks(Solve))
def solve_of_inv_to_matmul(fgraph, node):
    """solve(inv(A), b) -> A @ b"""
    op, (A, b) = core_op(node), node.inputs
    inner = made_by(A, MatrixInverse)
    if inner is None or op.assume_a != "gen":
        return None
    return replacing(node, _times(inner.inputs[0], b, op.b_ndim))


@register_canonicalize
@register_stabilize
@node_rewriter(tracks(Solve))
def generic_solve_to_structured_form(fgraph, node):
    """solve(A, b) -> the solver for what A is known to be: triangular, positive definite ..."""
    op, (A, b) = core_op(node), node.inputs
    if op.assume_a != "gen" or not is_float(A):
        return None
    key = knows_any(fgraph, A, LOWER_TRIANGULAR, UPPER_TRIANGULAR, POSITIVE_DEFINITE, TRIDIAGONAL)
    if key is None:
        return None
    if key in (LOWER_TRIANGULAR, UPPER_TRIANGULAR):
        return replacing(
            node, solve_triangular(A, b, lower=key == LOWER_TRIANGULAR, b_ndim=op.b_ndim)
        )
    structure = "pos" if key == POSITIVE_DEFINITE else "tridiagonal"
    return replacing(node, solve(A, b, assume_a=structure, b_ndim=op.b_ndim))


@register_stabilize
@node_rewriter(tracks(Solve))
def psd_solve_to_chol_solve(fgraph, node):
    """solve(L @ L.T, b) -> cho_solve(L, b), solve(A, b) of positive definite A by its factor"""
    op, (A, b) = core_op(node), node.inputs
    if op.assume_a not in ("gen", "pos") or not is_float(A):
        return None
    factor, lower = factor_of(fgraph, A)
    if factor is None:
        factor, lower = cholesky_of(fgraph, A), True
    if factor is None and op.assume_a == "pos":
        lower = op.lower or knows(fgraph, A, SYMMETRIC)
        factor = cholesky(A, lower=lower)
    if factor is None:
        return None
    return replacing(node, cho_solve((factor, lower), b, b_ndim=op.b_ndim))


def factor_of(fgraph, A: Variable) -> tuple[Variable | None, bool]:
    """Return the triangular factor of a product with its own transpose, and whether it is lower."""
    product = made_by(A, Dot)
    if product is None:
        return None, True
    left, right = product.inputs
    if left.type.ndim < 2 or not is_adjoint(left, right):
        return None, True
    if knows(fgraph, left, LOWER_TRIANGULAR):
        return left, True
    # U.T @ U, where the factor is on the right
    return (right, False) if knows(fgraph, right, UPPER_TRIANGULAR) else (None, True)


# -- systems of systems --------------------------------------------------------------------


@register_canonicalize
@register_stabilize
@node_rewriter(tracks(Solve))
def block_diag_solve_to_block_diag_solves(fgraph, node):
    """solve(block_diag(A, B), b) -> the solutions for parts of b joined, for square blocks"""
    op, (A, b) = core_op(node), node.inputs
    inner = made_by(A, BlockDiagonal)
    if inner is None or op.assume_a not in ("gen", "pos") or not all(map(has_square, inner.inputs)):
        return None
    axis = -op.b_ndim
    start, parts = 0, []
    for block in inner.inputs:
        stop = start + block.type.shape[-1]
        rows = (slice(start, stop), *[slice(None)] * (op.b_ndim - 1))
        part = solve(block, b[(..., *rows)], assume_a=op.assume_a, lower=op.lower, b_ndim=op.b_ndim)
        parts.append(part)
        start = stop
    if len({p.type.ndim for p in parts}) != 1 or parts[0].type.ndim != op.b_ndim:
        return None  # stacks that differ
    return replacing(node, join(axis, *parts))


@register_canonicalize
@register_stabilize
@node_rewriter(tracks(Solve))
def kron_solve_to_solves(fgraph, node):
    """solve(kron(A, B), b) -> two small systems, for square A and B"""
    op, (K, b) = core_op(node), node.inputs
    inner = made_by(K, KroneckerProduct)
    if inner is None or op.assume_a != "gen" or K.type.ndim != 2 or b.type.ndim != op.b_ndim:
        return None
    if not all(map(has_square, inner.inputs)):
        return None
    A, B = inner.inputs
    new = kron_applied(lambda x: solve(A, x, b_ndim=2), lambda x: solve(B, x, b_ndim=2), A, B, b)
    return replacing(node, new)
