"""One factorization for all that need it: solutions, determinants, the inverse."""

from __future__ import annotations

from pytensor.assumptions.core import SYMMETRIC
from pytensor.graph.basic import Variable
from pytensor.graph.rewriting.basic import copy_stack_trace, node_rewriter
from pytensor.tensor.basic import eye
from pytensor.tensor.elemwise import DimShuffle
from pytensor.tensor.linalg.decomposition.cholesky import Cholesky
from pytensor.tensor.linalg.decomposition.lu import LUFactor, lu_factor
from pytensor.tensor.linalg.inverse import MatrixInverse
from pytensor.tensor.linalg.solvers.general import Solve, lu_solve
from pytensor.tensor.linalg.solvers.psd import cho_solve
from pytensor.tensor.linalg.solvers.tridiagonal import (
    LUFactorTridiagonal,
    tridiagonal_lu_factor,
    tridiagonal_lu_solve,
)
from pytensor.tensor.linalg.summary import Det, SLogDet
from pytensor.tensor.rewriting.common import is_float
from pytensor.tensor.rewriting.linalg.utils import (
    core_op,
    fits,
    is_swap,
    knows,
    readers,
    swapped,
    tracks,
)
from pytensor.tensor.rewriting.registry import register_specialize, register_stabilize


def cholesky_of(fgraph, x: Variable) -> Variable | None:
    """Return the lower Cholesky factor of x that the graph has, if x is known to be symmetric.

    Cholesky reads one triangle; of a matrix that is not symmetric it says nothing.
    """
    for node in readers(fgraph, x):
        op = core_op(node)
        if isinstance(op, Cholesky) and knows(fgraph, x, SYMMETRIC):
            factor = node.outputs[0]
            return factor if op.lower else swapped(factor)
    return None


def _base(x: Variable) -> tuple[Variable, bool]:
    """Return what a matrix is the transpose of, and whether it is one."""
    node = x.owner
    if node is not None and isinstance(node.op, DimShuffle) and is_swap(node.op):
        return node.inputs[0], True
    return x, False


def _needs(fgraph, A: Variable):
    """Yield the nodes that factorize A or its transpose, or that have."""
    for node in readers(fgraph, A):
        if isinstance(node.op, DimShuffle) and is_swap(node.op):
            yield from (n for n in readers(fgraph, node.outputs[0]))
        else:
            yield node


def _kinds(fgraph, A: Variable) -> list:
    return [core_op(node) for node in _needs(fgraph, A)]


@register_specialize
@node_rewriter(tracks(Solve))
def reuse_decomposition_multiple_solves(fgraph, node):
    """Two solutions with A, or one and its determinant or inverse -> one LU factorization of A"""
    op, (A, b) = core_op(node), node.inputs
    if op.assume_a not in ("gen", "tridiagonal") or not is_float(A):
        return None
    A, transposed = _base(A)
    if op.assume_a == "tridiagonal":
        kinds = _kinds(fgraph, A)
        same = sum(isinstance(k, Solve) and k.assume_a == "tridiagonal" for k in kinds)
        if same < 2 and not _has_tridiagonal_factors(fgraph, A):
            return None
        new = tridiagonal_lu_solve(
            tridiagonal_lu_factor(A), b, b_ndim=op.b_ndim, transposed=transposed
        )
    else:
        if not worth_sharing(fgraph, A):
            return None
        new = lu_solve(lu_factor(A), b, trans=transposed, b_ndim=op.b_ndim)
    return [copy_stack_trace(node.outputs[0], new)] if fits(node.outputs[0], new) else None


def _has_tridiagonal_factors(fgraph, A) -> bool:
    for node in readers(fgraph, A):
        for reader in readers(fgraph, node.outputs[0]):
            if isinstance(core_op(reader), LUFactorTridiagonal):
                return True
    return False


def worth_sharing(fgraph, A: Variable) -> bool:
    """Tell whether two need the factors of a general matrix, or one where they are there."""
    kinds = _kinds(fgraph, A)
    if any(isinstance(kind, LUFactor) for kind in kinds):
        return True
    needs = sum(
        (isinstance(kind, Solve) and kind.assume_a == "gen")
        or isinstance(kind, Det | SLogDet | MatrixInverse)
        for kind in kinds
    )
    return needs > 1


@register_stabilize
@register_specialize
@node_rewriter(tracks(MatrixInverse))
def inv_of_matrix_factorized_elsewhere(fgraph, node):
    """inv(x) by the Cholesky factor of a symmetric x that others need"""
    (x,) = node.inputs
    if not is_float(x):
        return None
    factor = cholesky_of(fgraph, x)
    if factor is None:
        return None
    new = cho_solve((factor, True), eye(x.shape[-1], dtype=factor.type.dtype), b_ndim=2)
    return [copy_stack_trace(node.outputs[0], new)] if fits(node.outputs[0], new) else None


@register_specialize
@node_rewriter(tracks(MatrixInverse))
def inv_shares_factors(fgraph, node):
    """inv(x) by the LU factors of x that solutions or determinants need too"""
    A, transposed = _base(node.inputs[0])
    if not is_float(A) or A.type.ndim != 2 or not worth_sharing(fgraph, A):
        return None
    identity = eye(A.shape[-1], dtype=node.outputs[0].type.dtype)
    new = lu_solve(lu_factor(A), identity, trans=transposed, b_ndim=2)
    return [copy_stack_trace(node.outputs[0], new)] if fits(node.outputs[0], new) else None
