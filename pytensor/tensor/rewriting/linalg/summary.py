"""Determinants and their logarithms by structure; no determinant where its logarithm will do."""

from __future__ import annotations

from pytensor.assumptions.core import (
    LOWER_TRIANGULAR,
    POSITIVE_DEFINITE,
    UPPER_TRIANGULAR,
)
from pytensor.graph.basic import Variable
from pytensor.graph.rewriting.basic import copy_stack_trace, node_rewriter
from pytensor.scalar import basic as ps
from pytensor.tensor.basic import ExtractDiag, arange, join
from pytensor.tensor.blockwise import Blockwise
from pytensor.tensor.elemwise import DimShuffle
from pytensor.tensor.linalg.constructors import BlockDiagonal
from pytensor.tensor.linalg.decomposition.cholesky import Cholesky, cholesky
from pytensor.tensor.linalg.decomposition.lu import lu_factor
from pytensor.tensor.linalg.inverse import MatrixInverse
from pytensor.tensor.linalg.products import Expm, KroneckerProduct
from pytensor.tensor.linalg.summary import Det, SLogDet, trace
from pytensor.tensor.math import Dot, Prod, eq, exp, log, mul, neq, prod, sign, switch
from pytensor.tensor.math import abs as pt_abs
from pytensor.tensor.math import sum as pt_sum
from pytensor.tensor.rewriting.common import added, arg_of, is_float, law, multiplied, read_once
from pytensor.tensor.rewriting.linalg.reuse import cholesky_of, worth_sharing
from pytensor.tensor.rewriting.linalg.utils import (
    core_op,
    diagonal_of,
    fits,
    has_square,
    is_complex,
    is_swap,
    knows,
    knows_any,
    made_by,
    tracks,
)
from pytensor.tensor.rewriting.registry import (
    register_canonicalize,
    register_specialize,
    register_stabilize,
)


class _Value:
    """A determinant in the form asked for: itself, or its sign and logarithm."""

    def __init__(self, node):
        self.node = node
        self.is_det = isinstance(core_op(node), Det)

    def of_matrix(self, x: Variable) -> tuple:
        """Of another matrix, by another node of the same Op."""
        found = Blockwise(Det())(x) if self.is_det else Blockwise(SLogDet())(x)
        return (found,) if self.is_det else tuple(found)

    def of_factors(self, d: Variable) -> tuple:
        """The product of the last axis."""
        if self.is_det:
            return (prod(d, axis=-1),)
        magnitude = pt_abs(d)
        return prod(_sign(d), axis=-1), pt_sum(log(magnitude), axis=-1)

    def of_cholesky(self, factor: Variable) -> tuple:
        """Of a matrix with a Cholesky factor, whose diagonal is positive."""
        d = diagonal_of(factor)
        d = d.real if is_complex(d) else d
        if self.is_det:
            return (prod(d, axis=-1) ** 2,)
        logarithm = 2 * pt_sum(log(d), axis=-1)
        return logarithm.ones_like(), logarithm

    def product(self, *values: tuple) -> tuple:
        """Of a product of matrices."""
        if self.is_det:
            return (multiplied([v[0] for v in values]),)
        return multiplied([v[0] for v in values]), added([v[1] for v in values])

    def power(self, value: tuple, n) -> tuple:
        """Of something to a power that is an integer."""
        if self.is_det:
            return (value[0] ** n,)
        return value[0] ** n, value[1] * n

    def inverse(self, value: tuple) -> tuple:
        """Of the inverse."""
        if self.is_det:
            return (1 / value[0],)
        return value[0] if not is_complex(value[0]) else 1 / value[0], -value[1]

    def replacing(self, values: tuple) -> list | None:
        """Return what to put for the outputs of the node."""
        outs = self.node.outputs
        new = []
        for old, value in zip(outs, values, strict=True):
            if value.type.dtype != old.type.dtype and value.type.dtype[0] in "fc":
                value = value.astype(old.type.dtype)  # real, for a complex matrix
            if not fits(old, value):
                return None
            new.append(value)
        return copy_stack_trace(outs, new)


def _sign(d: Variable) -> Variable:
    if not is_complex(d):
        return sign(d)
    magnitude = pt_abs(d)
    is_zero = eq(magnitude, 0)
    return switch(is_zero, 0, d / switch(is_zero, 1, magnitude)).astype(d.type.dtype)


def _square_parts(node, *kinds: type):
    inner = made_by(node.inputs[0], *kinds)
    return None if inner is None or not all(map(has_square, inner.inputs)) else inner


@register_canonicalize
@register_stabilize
@node_rewriter(tracks(Det, SLogDet))
def det_of_inv(fgraph, node):
    """det(inv(x)) -> 1 / det(x)"""
    inner = made_by(node.inputs[0], MatrixInverse)
    if inner is None:
        return None
    value = _Value(node)
    return value.replacing(value.inverse(value.of_matrix(inner.inputs[0])))


@register_canonicalize
@register_stabilize
@node_rewriter(tracks(Det, SLogDet))
def det_of_triangular(fgraph, node):
    """det(L) -> prod(diag(L)) for triangular and diagonal matrices"""
    (x,) = node.inputs
    if knows_any(fgraph, x, LOWER_TRIANGULAR, UPPER_TRIANGULAR) is None:
        return None
    value = _Value(node)
    return value.replacing(value.of_factors(diagonal_of(x)))


@register_canonicalize
@register_stabilize
@node_rewriter(tracks(Det, SLogDet))
def det_of_transpose(fgraph, node):
    """det(x.T) -> det(x)"""
    inner = node.inputs[0].owner
    if inner is None or not isinstance(inner.op, DimShuffle) or not is_swap(inner.op):
        return None
    value = _Value(node)
    return value.replacing(value.of_matrix(inner.inputs[0]))


@register_canonicalize
@register_stabilize
@node_rewriter(tracks(Det, SLogDet))
def det_of_blockdiag(fgraph, node):
    """det(block_diag(A, B)) -> det(A) * det(B) for square blocks"""
    inner = _square_parts(node, BlockDiagonal)
    if inner is None:
        return None
    value = _Value(node)
    return value.replacing(value.product(*(value.of_matrix(x) for x in inner.inputs)))


@register_canonicalize
@register_stabilize
@node_rewriter(tracks(Det, SLogDet))
def det_of_kronecker(fgraph, node):
    """det(kron(A, B)) -> det(A)**n * det(B)**m for square A (m x m) and B (n x n)"""
    inner = _square_parts(node, KroneckerProduct)
    if inner is None:
        return None
    a, b = inner.inputs
    m, n = a.type.shape[-1], b.type.shape[-1]
    value = _Value(node)
    parts = value.power(value.of_matrix(a), n), value.power(value.of_matrix(b), m)
    return value.replacing(value.product(*parts))


@register_stabilize
@node_rewriter(tracks(Det, SLogDet))
def det_of_product(fgraph, node):
    """det(A @ B) -> det(A) * det(B) where one of them is cheap: triangular, or an inverse"""
    inner = made_by(node.inputs[0], Dot)
    if inner is None or not all(x.type.ndim >= 2 for x in inner.inputs):
        return None
    cheap = [
        made_by(x, MatrixInverse) is not None
        or knows_any(fgraph, x, LOWER_TRIANGULAR, UPPER_TRIANGULAR) is not None
        for x in inner.inputs
    ]
    a, b = inner.inputs
    known_square = all(cheap) or (cheap[0] and has_square(b)) or (cheap[1] and has_square(a))
    if not known_square or not read_once(fgraph, node.inputs[0]):
        return None
    value = _Value(node)
    return value.replacing(value.product(*(value.of_matrix(x) for x in inner.inputs)))


@register_stabilize
@node_rewriter(tracks(Det, SLogDet))
def det_of_expm(fgraph, node):
    """det(expm(x)) -> exp(trace(x)), which is real and positive for real x"""
    inner = made_by(node.inputs[0], Expm)
    if inner is None or is_complex(inner.inputs[0]):
        return None
    value = _Value(node)
    exponent = trace(inner.inputs[0])
    if value.is_det:
        return value.replacing((exp(exponent),))
    return value.replacing((exponent.ones_like(dtype=node.outputs[0].type.dtype), exponent))


# -- logarithms ----------------------------------------------------------------------------


@register_stabilize
@law(log)
def local_log_abs_det(fgraph, node):
    """log(abs(det(x))) -> slogdet(x)[1]: determinants of large matrices overflow"""
    inside = arg_of(node.inputs[0], ps.Abs)
    det = None if inside is None else made_by(inside, Det)
    if det is None:
        return None
    _sign, logarithm = Blockwise(SLogDet())(det.inputs[0])
    return logarithm


@register_stabilize
@law(log)
def slogdet_specialization(fgraph, node):
    """log(det(x)) -> log(sign) + logdet with slogdet: NaN for a negative determinant, as before"""
    det = made_by(node.inputs[0], Det)
    if det is None:
        return None
    phase, logarithm = Blockwise(SLogDet())(det.inputs[0])
    return log(phase) + logarithm


@register_stabilize
@law(log)
def local_log_prod_to_sum_log(fgraph, node):
    """log(prod(x)) -> sum(log(x)) for positive x; with abs(x) if it is log(abs(prod(x)))"""
    inside = arg_of(node.inputs[0], ps.Abs)
    product = (node.inputs[0] if inside is None else inside).owner
    if product is None or not isinstance(product.op, Prod):
        return None
    (x,) = product.inputs
    if x.type.numpy_dtype.kind != "f" or product.op.no_zeros_in_input:
        return None
    if inside is not None:
        return pt_sum(log(pt_abs(x)), axis=product.op.axis)
    if not _is_positive_diagonal(x):
        return None
    return pt_sum(log(x), axis=product.op.axis)


def _is_positive_diagonal(x: Variable) -> bool:
    """The diagonal of a Cholesky factor is positive (or NaN)."""
    node = x.owner
    if node is None or not isinstance(node.op, ExtractDiag) or node.op.offset:
        return False
    return made_by(node.inputs[0], Cholesky) is not None


# -- factors that are there already --------------------------------------------------------


@register_stabilize
@register_specialize
@node_rewriter(tracks(Det, SLogDet))
def det_of_factorized_matrix(fgraph, node):
    """det(x) by the Cholesky factor that others need of a symmetric x"""
    factor = cholesky_of(fgraph, node.inputs[0])
    if factor is None:
        return None
    value = _Value(node)
    return value.replacing(value.of_cholesky(factor))


@register_specialize
@node_rewriter(tracks(Det, SLogDet))
def det_of_matrix_factorized_elsewhere(fgraph, node):
    """det(x) by the LU factors of x that solutions or the inverse need too"""
    (x,) = node.inputs
    if not is_float(x) or not worth_sharing(fgraph, x):
        return None
    value = _Value(node)
    return value.replacing(_lu_determinant(value, *lu_factor(x)))


def _lu_determinant(value: _Value, packed: Variable, pivots: Variable) -> tuple:
    """The determinant from packed factors and row exchanges, each of which turns the sign."""
    parts = value.of_factors(diagonal_of(packed))
    exchanged = neq(pivots, arange(pivots.shape[-1], dtype=pivots.type.dtype))
    turned = prod(switch(exchanged, -1, 1), axis=-1).astype(parts[0].type.dtype)
    return (parts[0] * turned, *parts[1:])


@register_stabilize
@node_rewriter(tracks(SLogDet))
def slogdet_of_positive_definite(fgraph, node):
    """slogdet(x) -> 1, 2 * sum(log(diag(cholesky(x)))) for a positive definite x"""
    (x,) = node.inputs
    if not is_float(x) or not knows(fgraph, x, POSITIVE_DEFINITE):
        return None
    value = _Value(node)
    return value.replacing(value.of_cholesky(cholesky(x)))


@register_canonicalize
@register_stabilize
@node_rewriter([ExtractDiag])
def diag_of_blockdiag(fgraph, node):
    """diag(block_diag(A, B)) -> the diagonals joined, for square blocks"""
    inner = _diagonal_parts(node, BlockDiagonal)
    if inner is None:
        return None
    parts = [diagonal_of(x) for x in inner.inputs]
    if len({p.type.ndim for p in parts}) != 1 or parts[0].type.ndim != 1:
        return None
    new = join(-1, *parts)
    return [copy_stack_trace(node.outputs[0], new)] if fits(node.outputs[0], new) else None


@register_canonicalize
@register_stabilize
@node_rewriter([ExtractDiag])
def diag_of_kronecker(fgraph, node):
    """diag(kron(A, B)) -> kron(diag(A), diag(B)) for square A and B"""
    inner = _diagonal_parts(node, KroneckerProduct)
    if inner is None or inner.outputs[0].type.ndim != 2:
        return None
    a, b = map(diagonal_of, inner.inputs)
    new = mul(a[:, None], b[None, :]).flatten()
    return [copy_stack_trace(node.outputs[0], new)] if fits(node.outputs[0], new) else None


def _diagonal_parts(node, kind):
    x = node.inputs[0]
    n = x.type.ndim
    if node.op.offset or (node.op.axis1, node.op.axis2) != (n - 2, n - 1):
        return None
    inner = made_by(x, kind)
    if inner is None or not all(map(has_square, inner.inputs)):
        return None
    return inner
