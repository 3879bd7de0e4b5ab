"""What linear algebra says of its results."""

from __future__ import annotations

from pytensor.assumptions.core import (
    DIAGONAL,
    LOWER_TRIANGULAR,
    ORTHOGONAL,
    PERMUTATION,
    POSITIVE_DEFINITE,
    SYMMETRIC,
    TRIDIAGONAL,
    UPPER_TRIANGULAR,
    FactState,
    register_assumption,
    true_if,
)
from pytensor.assumptions.structure import UNKNOWN, on
from pytensor.graph.basic import Variable
from pytensor.tensor.linalg.constructors import BlockDiagonal
from pytensor.tensor.linalg.decomposition.cholesky import Cholesky
from pytensor.tensor.linalg.decomposition.eigen import Eigh
from pytensor.tensor.linalg.decomposition.lu import LU
from pytensor.tensor.linalg.decomposition.qr import QR
from pytensor.tensor.linalg.decomposition.schur import Schur
from pytensor.tensor.linalg.decomposition.svd import SVD
from pytensor.tensor.linalg.inverse import MatrixInverse, MatrixPinv
from pytensor.tensor.linalg.products import Expm, KroneckerProduct
from pytensor.tensor.linalg.solvers.triangular import SolveTriangular

_PARTS = (
    DIAGONAL,
    LOWER_TRIANGULAR,
    UPPER_TRIANGULAR,
    SYMMETRIC,
    POSITIVE_DEFINITE,
    ORTHOGONAL,
    PERMUTATION,
)


def _outputs(node, *true: int) -> list[FactState]:
    return [FactState.TRUE if i in true else FactState.UNKNOWN for i in range(len(node.outputs))]


def is_square(feature, var: Variable) -> bool:
    """Tell whether a matrix is known to be square."""
    rows, columns = var.type.shape[-2:]
    if rows is not None and rows == columns:
        return True
    if any(feature.check(var, key) for key in (SYMMETRIC, ORTHOGONAL)):
        return True
    op = getattr(getattr(var.owner, "op", None), "core_op", getattr(var.owner, "op", None))
    return isinstance(op, Cholesky | MatrixInverse | Expm)


@on((LOWER_TRIANGULAR, UPPER_TRIANGULAR), Cholesky)
def _cholesky(key, op, feature, fgraph, node, input_states):
    diagonal = feature.check(node.inputs[0], DIAGONAL)
    return true_if(diagonal or op.lower == (key == LOWER_TRIANGULAR))


@on(_PARTS, MatrixInverse)
def _inverse(key, op, feature, fgraph, node, input_states):
    return [input_states[0] if input_states[0] is FactState.TRUE else FactState.UNKNOWN]


@on((DIAGONAL, SYMMETRIC, POSITIVE_DEFINITE, ORTHOGONAL, PERMUTATION), MatrixPinv)
def _pseudoinverse(key, op, feature, fgraph, node, input_states):
    return true_if(input_states[0] is FactState.TRUE)


@on((DIAGONAL, LOWER_TRIANGULAR, UPPER_TRIANGULAR, SYMMETRIC, POSITIVE_DEFINITE), Expm)
def _exponential(key, op, feature, fgraph, node, input_states):
    wanted = SYMMETRIC if key == POSITIVE_DEFINITE else key
    return true_if(feature.check(node.inputs[0], wanted))


@on((ORTHOGONAL, UPPER_TRIANGULAR), QR)
def _qr(key, op, feature, fgraph, node, input_states):
    if op.mode == "raw":
        return _outputs(node)
    if key == UPPER_TRIANGULAR:
        return _outputs(node, 0 if op.mode == "r" else 1)
    square = op.mode == "full" or is_square(feature, node.inputs[0])
    return _outputs(node, *([0] if square and op.mode != "r" else []))


@register_assumption(ORTHOGONAL, SVD)
def _svd(key, op, feature, fgraph, node, input_states):
    square = op.full_matrices or is_square(feature, node.inputs[0])
    return _outputs(node, *([0, 2] if op.compute_uv and square else []))


@register_assumption(ORTHOGONAL, Eigh)
def _eigh(key, op, feature, fgraph, node, input_states):
    return _outputs(node, *([1] if len(node.inputs) == 1 else []))


@on((LOWER_TRIANGULAR, UPPER_TRIANGULAR, PERMUTATION), LU)
def _lu(key, op, feature, fgraph, node, input_states):
    if key == UPPER_TRIANGULAR:
        return _outputs(node, len(node.outputs) - 1)
    if op.permute_l:
        return _outputs(node)
    if key == LOWER_TRIANGULAR:
        return _outputs(node, 1)
    return _outputs(node, *([] if op.p_indices else [0]))


@on((ORTHOGONAL, UPPER_TRIANGULAR), Schur)
def _schur(key, op, feature, fgraph, node, input_states):
    if key == ORTHOGONAL:
        return _outputs(node, 1)
    return _outputs(node, *([0] if op.output == "complex" else []))


@on((LOWER_TRIANGULAR, UPPER_TRIANGULAR), SolveTriangular)
def _triangular_solution(key, op, feature, fgraph, node, input_states):
    same_side = op.b_ndim == 2 and op.lower == (key == LOWER_TRIANGULAR)
    return true_if(same_side and feature.check(node.inputs[1], key))


@on((*_PARTS, TRIDIAGONAL), BlockDiagonal)
def _block_diagonal(key, op, feature, fgraph, node, input_states):
    """Blocks that are not square would move the diagonal."""
    return true_if(all(feature.check(x, key) and is_square(feature, x) for x in node.inputs))


@on(_PARTS, KroneckerProduct)
def _kronecker(key, op, feature, fgraph, node, input_states):
    if node.outputs[0].type.ndim < 2:
        return UNKNOWN
    return true_if(all(feature.check(x, key) and is_square(feature, x) for x in node.inputs))
