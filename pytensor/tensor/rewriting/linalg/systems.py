"""Solutions of systems of every kind, and of those with triangles: what needs no other factorization."""

from __future__ import annotations

from pytensor.assumptions.structure import is_adjoint
from pytensor.graph.basic import Variable
from pytensor.graph.rewriting.basic import node_rewriter
from pytensor.scalar import basic as ps
from pytensor.tensor.blockwise import Blockwise
from pytensor.tensor.elemwise import DimShuffle
from pytensor.tensor.linalg.solvers.core import SolveBase
from pytensor.tensor.linalg.solvers.psd import CholeskySolve, cho_solve
from pytensor.tensor.linalg.solvers.triangular import SolveTriangular, solve_triangular
from pytensor.tensor.math import Dot, Sum, conj, mul
from pytensor.tensor.math import sum as pt_sum
from pytensor.tensor.rewriting.common import args_of, is_float, read_once
from pytensor.tensor.rewriting.linalg.utils import (
    core_op,
    diagonal_of,
    fits,
    is_complex,
    is_diagonal,
    made_by,
    replacing,
    swapped,
    tracks,
)
from pytensor.tensor.rewriting.registry import (
    register_canonicalize,
    register_specialize,
    register_stabilize,
)
from pytensor.tensor.shape import shape_padleft


def _reads_as_given(node) -> bool:
    """Tell whether a solver reads the whole matrix, rather than one triangle of it."""
    return getattr(core_op(node), "assume_a", None) in ("gen", "banded", "tridiagonal")


@register_canonicalize
@register_stabilize
@node_rewriter(tracks(SolveBase))
def scalar_solve_to_division(fgraph, node):
    """solve(A, b) -> b / A for A of one element"""
    op, (A, b) = core_op(node), node.inputs
    if A.type.shape[-2:] != (1, 1) or not is_float(A) or getattr(op, "unit_diagonal", False):
        return None
    divisor = A[..., 0] if op.b_ndim == 1 else A
    if isinstance(op, CholeskySolve):
        divisor = divisor * conj(divisor) if is_complex(divisor) else divisor**2
    elif is_complex(A) and not _reads_as_given(node) and not isinstance(op, SolveTriangular):
        return None
    return replacing(node, b / divisor)


@register_canonicalize
@register_stabilize
@register_specialize
@node_rewriter(tracks(SolveBase))
def scaled_solve(fgraph, node):
    """solve(A, c * b) -> c * solve(A, b) for a number c: a gradient finds the solution it needs"""
    op, (A, b) = core_op(node), node.inputs
    factors = args_of(b, ps.Mul) or args_of(b, ps.Neg)
    if factors is None or op.destroy_map or not is_float(b):
        return None
    if len(factors) == 1:
        return replacing(node, -node.op(A, factors[0]))
    numbers = [x for x in factors if all(x.type.broadcastable)]
    rest = [x for x in factors if not all(x.type.broadcastable)]
    if not numbers or len(rest) != 1 or not fits(b, rest[0]):
        return None
    solution = node.op(A, rest[0])
    return replacing(node, mul(*numbers, solution))


@register_canonicalize
@register_stabilize
@node_rewriter(tracks(SolveBase))
def diagonal_solve_to_division(fgraph, node):
    """solve(diag(d), b) -> b / d"""
    op, (A, b) = core_op(node), node.inputs
    if not is_float(A) or is_complex(A) or not is_diagonal(fgraph, A):
        return None
    if getattr(op, "unit_diagonal", False):
        return None
    d = diagonal_of(A)
    d = d if op.b_ndim == 1 else d[..., None]
    return replacing(node, b / (d**2 if isinstance(op, CholeskySolve) else d))


@register_specialize
@node_rewriter(tracks(SolveTriangular))
def paired_triangular_solves_to_cho_solve(fgraph, node):
    """solve(L.T, solve(L, b)) -> cho_solve(L, b)"""
    op, (A, y) = core_op(node), node.inputs
    inner = made_by(y, SolveTriangular)
    if inner is None or not read_once(fgraph, y):
        return None
    first = core_op(inner)
    L, b = inner.inputs
    if first.lower == op.lower or first.b_ndim != op.b_ndim or not is_adjoint(A, L):
        return None
    if first.unit_diagonal or op.unit_diagonal:
        return None
    return replacing(node, cho_solve((L, first.lower), b, b_ndim=op.b_ndim))


def _vectors_multiplied(node) -> list[Variable] | None:
    """Return x and y of an inner product of two vectors, as ``x @ y`` or ``sum(x * y)``."""
    if isinstance(node.op, Sum):
        factors = args_of(node.inputs[0], ps.Mul)
        return None if factors is None or len(factors) != 2 else factors
    return [_vector(x) for x in node.inputs]


def _vector(x: Variable) -> Variable:
    """Look through axes of length 1 that were added to a vector."""
    node = x.owner
    added_axes = node is not None and isinstance(node.op, DimShuffle) and x.type.ndim == 2
    return node.inputs[0] if added_axes and node.inputs[0].type.ndim == 1 else x


@register_stabilize
@register_specialize
@node_rewriter([Dot, Sum])
def cho_solve_quadratic_form_to_whitened(fgraph, node):
    """b @ cho_solve(L, b) -> sum(solve(L, b)**2): one triangular system instead of two"""
    factors = _vectors_multiplied(node)
    out = node.outputs[0]
    if factors is None or any(x.type.ndim != 1 for x in factors) or not _is_number(out):
        return None
    for solution, other in (factors, factors[::-1]):
        inner = made_by(solution, CholeskySolve)
        if inner is None or is_complex(solution) or not read_once(fgraph, solution):
            continue
        op, (L, b) = core_op(inner), inner.inputs
        if op.b_ndim != 1 or b is not other or not is_float(b):
            continue
        factor = L if op.lower else swapped(L)
        white = solve_triangular(factor, b, lower=True, b_ndim=1)
        return replacing(node, shape_padleft(pt_sum(white**2), out.type.ndim))
    return None


def _is_number(x: Variable) -> bool:
    return all(x.type.broadcastable)


@register_specialize
@node_rewriter([Blockwise])
def batched_vector_b_solve_to_matrix_b_solve(fgraph, node):
    """solve(A, b[i]) for all i -> solve(A, b.T).T: one factorization for a stack of vectors"""
    op = core_op(node)
    if not isinstance(op, SolveBase) or op.destroy_map:
        return None
    A, b = node.inputs
    n = node.op.batch_ndim(node)
    if not n or not all(A.type.broadcastable[:n]) or any(b.type.broadcastable[:n]):
        return None
    A = A.dimshuffle([n, n + 1])
    props = {**op._props_dict(), "b_ndim": 2}
    solver = type(op)(**props)
    if op.b_ndim == 1:
        flat = b.reshape((-1, b.shape[-1]))
        new = swapped(solver(A, swapped(flat))).reshape(b.shape, ndim=b.type.ndim)
        return replacing(node, new)
    order = [n, *range(n), n + 1]
    moved = b.dimshuffle(order)
    flat = solver(A, moved.reshape((b.shape[n], -1)))
    back = [*range(1, n + 1), 0, n + 1]
    return replacing(node, flat.reshape(moved.shape, ndim=b.type.ndim).dimshuffle(back))
