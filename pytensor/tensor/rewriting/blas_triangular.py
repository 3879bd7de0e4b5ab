"""Products with a triangular matrix become `Trmm` and `Trmv`.

    tril(A) @ X, triu(A) @ X, X @ tril(A)       read one triangle of A; no masked copy of A is made
    cholesky(S) @ X, cholesky(S).T @ X          half the work of a product, from 64 rows on

and so with a vector, a scale factor and something to add to. The rules look at the calls that
the ``blas`` stage made, in a walk of their own, so that sums are fused as ever. What is
triangular is known by construction (`triangular_structure`), never by looking at values.
"""

from __future__ import annotations

from pytensor.graph.basic import Apply, Variable
from pytensor.graph.rewriting.basic import copy_stack_trace, in2out, node_rewriter
from pytensor.graph.rewriting.stages import optdb
from pytensor.graph.rewriting.trace import current_trace
from pytensor.scalar import basic as ps
from pytensor.tensor.basic import (
    AllocDiag,
    Eye,
)
from pytensor.tensor.blas import Dot22, Dot22Scalar, Gemm, Gemv
from pytensor.tensor.blas.triangular import Trmm, Trmv
from pytensor.tensor.elemwise import DimShuffle
from pytensor.tensor.linalg.decomposition.cholesky import Cholesky
from pytensor.tensor.linalg.inverse import MatrixInverse
from pytensor.tensor.linalg.solvers.triangular import SolveTriangular
from pytensor.tensor.math import Dot
from pytensor.tensor.rewriting.algebra import scalar_op
from pytensor.tensor.rewriting.blas_rules import BLAS_DTYPES, _empty, _one, _zero
from pytensor.tensor.rewriting.masks import (
    DIAGONAL,
    LOWER,
    UPPER,
    masked_triangle,
    number_of,
)
from pytensor.tensor.shape import Shape_i

__all__ = ["local_product_to_trmm", "triangular_structure"]

# Operations looked through for structure; more are rare, and this keeps rewriting linear.
_DEPTH = 6
# Below this many rows a product with a matrix that holds its zeros gains nothing
# (benchmarks/blas_triangular).
_ROWS = 64


def triangular_structure(var: Variable, exact: bool = False) -> str | None:
    """Tell which triangle a matrix is, as far as its construction says.

    Parameters
    ----------
    var : Variable
        Any variable; only matrices have a structure.
    exact : bool
        Count only what has exact zeros in the other triangle whatever the numbers are: no
        products (0 * inf is NaN), no inverses (rounded).

    Returns
    -------
    str or None
        ``"lower"`` or ``"upper"``; a diagonal matrix is lower. None if it is neither or unknown.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> A = pt.dmatrix("A")
    >>> triangular_structure(pt.tril(A)), triangular_structure(pt.linalg.cholesky(A).T)
    ('lower', 'upper')
    """
    zeros = _structure(var, exact, _DEPTH)
    return "lower" if zeros & LOWER else "upper" if zeros & UPPER else None


def _structure(var: Variable, exact: bool, depth: int) -> int:
    """Return the sides of the diagonal that hold zeros, as bits."""
    node = var.owner
    if node is None or depth == 0 or getattr(var.type, "ndim", None) != 2:
        return 0
    op = getattr(node.op, "core_op", node.op)
    operands = [_structure(v, exact, depth - 1) for v in _structured_inputs(op, node)]
    if isinstance(op, DimShuffle):
        return _flipped(operands[0]) if op.new_order == (1, 0) else 0
    if isinstance(op, Cholesky):
        return LOWER if op.lower else UPPER
    if isinstance(op, Eye):
        return DIAGONAL if number_of(node.inputs[2]) == 0 else 0
    if isinstance(op, AllocDiag):
        return DIAGONAL if op.offset == 0 else 0
    if isinstance(op, SolveTriangular):
        return operands[0] & (LOWER if op.lower else UPPER)
    if isinstance(op, MatrixInverse | Dot | Dot22):
        return 0 if exact else _common(operands)
    if isinstance(scalar_op(var), ps.Add | ps.Sub | ps.Neg):
        return _common(operands)
    masked = masked_triangle(var)
    return 0 if masked is None else masked[1]


def _structured_inputs(op, node: Apply) -> list[Variable]:
    """The inputs whose structure decides about the output's."""
    if isinstance(op, SolveTriangular):
        return node.inputs[1:]
    looked_through = DimShuffle | MatrixInverse | Dot | Dot22
    if isinstance(op, looked_through):
        return node.inputs
    if isinstance(scalar_op(node.outputs[0]), ps.Add | ps.Sub | ps.Neg):
        return node.inputs
    return []


def _common(structures: list[int]) -> int:
    result = DIAGONAL
    for structure in structures:
        result &= structure
    return result


def _flipped(structure: int) -> int:
    return (structure & LOWER) << 1 | (structure & UPPER) >> 1


# -- the rule --------------------------------------------------------------------------------


class _Triangle:
    """A triangular operand: the matrix to read, which triangle, and whether it has its zeros."""

    def __init__(self, matrix: Variable, lower: bool, zeroed: bool):
        self.matrix, self.lower, self.zeroed = matrix, lower, zeroed


def _triangle(fgraph, operand: Variable) -> _Triangle | None:
    """Describe an operand that is triangular by construction."""
    structure = triangular_structure(operand, exact=True)
    if structure is None:
        return None
    turned = _is_transpose(operand)
    source = operand.owner.inputs[0] if turned else operand
    masked = masked_triangle(source)
    # A masked copy that somebody else reads will be there anyway.
    if masked is not None and masked[2] and all(_read_once(fgraph, v) for v in (operand, source)):
        matrix = masked[0].T if turned else masked[0]
        return _Triangle(matrix, structure == "lower", zeroed=False)
    return _Triangle(operand, structure == "lower", zeroed=True)


def _read_once(fgraph, var: Variable) -> bool:
    """Tell whether one node needs the elements of `var`; who asks for lengths does not count."""
    readers = [node for node, _ in fgraph.clients.get(var, ()) if not isinstance(node.op, Shape_i)]
    return len(readers) <= 1


def _is_transpose(var: Variable) -> bool:
    return isinstance(var.owner.op, DimShuffle) and var.owner.op.new_order == (1, 0)


def gains(triangle: _Triangle) -> bool:
    """There is a masked copy to save, or the product may be large enough to halve its work."""
    rows = triangle.matrix.type.shape[0]
    return not triangle.zeroed or rows is None or rows >= _ROWS


def is_plain(node: Apply) -> bool:
    """Nothing is conjugated on the way."""
    return not getattr(node.op, "conj", "")


def refuse(node: Apply, reason: str) -> None:
    """Note in the trace why a product with a triangle stays a call for any matrix."""
    trace = current_trace()
    if trace is not None:
        trace.refused(local_product_to_trmm, node, reason)


def _parts(node: Apply) -> tuple[Variable | None, Variable, Variable, Variable, Variable]:
    """Return z, alpha, left, right, beta of a call; z is None where there is nothing to add to."""
    if isinstance(node.op, Gemm | Gemv):
        z, alpha, left, right, beta = node.inputs
        return z, alpha, left, right, beta
    left, right = node.inputs[:2]
    alpha = node.inputs[2] if isinstance(node.op, Dot22Scalar) else _one(left)
    return None, alpha, left, right, _zero(left)


def _buffer(matrix: Variable, other: Variable, on_right: bool) -> Variable:
    """Return memory for the product."""
    if other.type.ndim == 1:
        return _empty(matrix.type.dtype, (matrix, 0))
    left, right = (other, matrix) if on_right else (matrix, other)
    return _empty(matrix.type.dtype, (left, 0), (right, 1))


@node_rewriter([Dot22, Dot22Scalar, Gemm, Gemv])
def local_product_to_trmm(fgraph, node):
    """``alpha * tril(A) @ X + beta * Z -> Trmm``, and all triangles known by construction."""
    if getattr(node.op, "inplace", False) or node.outputs[0].type.dtype not in BLAS_DTYPES:
        return None
    z, alpha, left, right, beta = _parts(node)
    triangle, other, on_right = _triangle(fgraph, left), right, False
    if triangle is None and not isinstance(node.op, Gemv):
        triangle, other, on_right = _triangle(fgraph, right), left, True
    if triangle is None:
        return None
    if not gains(triangle):
        return refuse(node, "gains")
    if not is_plain(node):
        return refuse(node, "is_plain")
    if number_of(beta) == 0:
        # The buffer's lengths were asked of a masked copy, which shall not be made for that.
        z = _buffer(triangle.matrix, other, on_right)
    if isinstance(node.op, Gemv):
        op = Trmv(lower=triangle.lower, zeroed=triangle.zeroed)
    else:
        op = Trmm(lower=triangle.lower, right=on_right, zeroed=triangle.zeroed)
    new = op(z, alpha, triangle.matrix, other, beta)
    if new.type.broadcastable != node.outputs[0].type.broadcastable:
        return None
    new.tag.rule = getattr(node.outputs[0].tag, "rule", None)
    return [copy_stack_trace(node.outputs[0], new)]


optdb.register(
    "blas_triangular",
    in2out(local_product_to_trmm, name="blas_triangular", ignore_newtrees=True),
    "fast_run",
    "BlasOpt",
    position=2.55,
)
