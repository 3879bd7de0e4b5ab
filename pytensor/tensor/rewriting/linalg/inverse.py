"""Inverses: none where a solution will do, and those of matrices with a structure."""

from __future__ import annotations

from pytensor.assumptions.core import LOWER_TRIANGULAR, ORTHOGONAL, SYMMETRIC, UPPER_TRIANGULAR
from pytensor.graph.rewriting.basic import copy_stack_trace, node_rewriter
from pytensor.tensor.basic import eye
from pytensor.tensor.blockwise import Blockwise
from pytensor.tensor.elemwise import DimShuffle
from pytensor.tensor.linalg.constructors import BlockDiagonal, block_diag
from pytensor.tensor.linalg.inverse import MatrixInverse, MatrixPinv
from pytensor.tensor.linalg.products import KroneckerProduct
from pytensor.tensor.linalg.solvers.general import solve
from pytensor.tensor.linalg.solvers.triangular import solve_triangular
from pytensor.tensor.math import Dot
from pytensor.tensor.rewriting.common import is_float, read_once
from pytensor.tensor.rewriting.linalg.utils import (
    adjoint,
    core_op,
    diagonal_matrix,
    diagonal_of,
    fits,
    has_square,
    is_complex,
    is_diagonal,
    is_swap,
    knows,
    knows_any,
    made_by,
    swapped,
    tracks,
)
from pytensor.tensor.rewriting.registry import register_canonicalize, register_stabilize


@register_canonicalize
@register_stabilize
@node_rewriter(tracks(MatrixInverse, MatrixPinv))
def inv_of_inv(fgraph, node):
    """inv(inv(x)) -> x, and so with pinv"""
    inner = made_by(node.inputs[0], type(core_op(node)))
    return None if inner is None or not fits(node.outputs[0], inner.inputs[0]) else inner.inputs


@register_canonicalize
@node_rewriter([DimShuffle])
def transpose_of_inv(fgraph, node):
    """inv(x).T -> inv(x.T): so that products find the inverse"""
    if not is_swap(node.op):
        return None
    inner = made_by(node.inputs[0], MatrixInverse)
    if inner is None or not read_once(fgraph, node.inputs[0]):
        return None
    return [copy_stack_trace(node.outputs[0], inner.op(swapped(inner.inputs[0])))]


@register_stabilize
@node_rewriter([DimShuffle])
def useless_symmetric_transpose(fgraph, node):
    """A.T -> A for a symmetric A"""
    (x,) = node.inputs
    if not is_swap(node.op) or is_complex(x) or not knows(fgraph, x, SYMMETRIC):
        return None
    return [x] if x.type.is_super(node.outputs[0].type) else None


@register_canonicalize
@register_stabilize
@node_rewriter(tracks(MatrixInverse))
def inv_of_diag_to_diag_reciprocal(fgraph, node):
    """inv(diag(d)) -> diag(1 / d)"""
    (x,) = node.inputs
    if not is_float(x) or not is_diagonal(fgraph, x):
        return None
    return [copy_stack_trace(node.outputs[0], diagonal_matrix(1 / diagonal_of(x)))]


@register_canonicalize
@register_stabilize
@node_rewriter(tracks(MatrixInverse, MatrixPinv))
def inv_of_orthogonal_to_transpose(fgraph, node):
    """inv(Q) -> Q.T (conjugated) for an orthogonal Q"""
    (x,) = node.inputs
    if not is_float(x) or not knows(fgraph, x, ORTHOGONAL):
        return None
    return [copy_stack_trace(node.outputs[0], adjoint(x))]


@register_stabilize
@node_rewriter([Dot, Blockwise])
def inv_to_solve(fgraph, node):
    """inv(A) @ b -> solve(A, b), b @ inv(A) -> solve(A.T, b.T).T"""
    if not isinstance(core_op(node), Dot):
        return None
    x, y = node.inputs
    out = node.outputs[0]
    if not is_float(out):
        return None
    left, right = made_by(x, MatrixInverse), made_by(y, MatrixInverse)
    if left is not None and read_once(fgraph, x):
        b_ndim = 1 if out.type.ndim < x.type.ndim else 2
        new = solve(left.inputs[0], y, b_ndim=b_ndim)
    elif right is not None and read_once(fgraph, y):
        A = swapped(right.inputs[0])
        if out.type.ndim < y.type.ndim:
            new = solve(A, x, b_ndim=1)
        else:
            new = swapped(solve(A, swapped(x), b_ndim=2))
    else:
        return None
    return [copy_stack_trace(out, new)] if fits(out, new) else None


@register_canonicalize
@register_stabilize
@node_rewriter(tracks(MatrixInverse))
def inv_of_blockdiag(fgraph, node):
    """inv(block_diag(A, B)) -> block_diag(inv(A), inv(B)), and so for kron, if A and B are square"""
    inner = made_by(node.inputs[0], BlockDiagonal, KroneckerProduct)
    if inner is None or not all(has_square(x) for x in inner.inputs):
        return None
    parts = [Blockwise(MatrixInverse())(x) for x in inner.inputs]
    new = inner.op(*parts) if isinstance(core_op(inner), KroneckerProduct) else block_diag(*parts)
    return [copy_stack_trace(node.outputs[0], new)] if fits(node.outputs[0], new) else None


@register_stabilize
@node_rewriter(tracks(MatrixInverse))
def inv_of_triangular_to_solve(fgraph, node):
    """inv(L) -> solve_triangular(L, eye): half the work, and exact zeros"""
    (x,) = node.inputs
    if not is_float(x):
        return None
    key = knows_any(fgraph, x, LOWER_TRIANGULAR, UPPER_TRIANGULAR)
    if key is None or is_diagonal(fgraph, x):
        return None
    clients = fgraph.clients.get(node.outputs[0], ())
    if any(made_by_dot(client) for client, _ in clients):
        return None  # that is a solution anyway
    identity = eye(x.shape[-1], dtype=x.type.dtype)
    new = solve_triangular(x, identity, lower=key == LOWER_TRIANGULAR, b_ndim=2)
    return [copy_stack_trace(node.outputs[0], new)] if fits(node.outputs[0], new) else None


def made_by_dot(node) -> bool:
    """Tell whether a node is a product of matrices."""
    return isinstance(core_op(node), Dot)
