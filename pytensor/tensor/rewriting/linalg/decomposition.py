"""Factorizations of what is factorized already, and only what is used of them."""

from __future__ import annotations

from pytensor.graph.rewriting.basic import copy_stack_trace, node_rewriter
from pytensor.tensor.basic import eye
from pytensor.tensor.linalg.decomposition.eigen import Eigh, Eigvalsh, eigvalsh
from pytensor.tensor.linalg.decomposition.qr import QR, qr
from pytensor.tensor.linalg.decomposition.svd import SVD, svd
from pytensor.tensor.rewriting.common import is_float
from pytensor.tensor.rewriting.linalg.utils import (
    core_op,
    diagonal_of,
    fits,
    is_complex,
    is_diagonal,
    readers,
    tracks,
)
from pytensor.tensor.rewriting.registry import (
    register_canonicalize,
    register_specialize,
    register_stabilize,
)
from pytensor.tensor.sort import argsort, sort


@register_canonicalize
@register_stabilize
@node_rewriter(tracks(Eigvalsh))
def eigvalsh_of_diag(fgraph, node):
    """eigvalsh(diag(d)) -> sort(d)"""
    if len(node.inputs) != 1 or not is_float(node.inputs[0]) or is_complex(node.inputs[0]):
        return None
    if not is_diagonal(fgraph, node.inputs[0]):
        return None
    return [copy_stack_trace(node.outputs[0], sort(diagonal_of(node.inputs[0]), axis=-1))]


@register_canonicalize
@register_stabilize
@node_rewriter(tracks(Eigh))
def eigh_of_diag(fgraph, node):
    """eigh(diag(d)) -> sort(d) and columns of eye in that order"""
    x = node.inputs[0]
    if len(node.inputs) != 1 or x.type.ndim != 2 or not is_float(x) or is_complex(x):
        return None
    if not is_diagonal(fgraph, x):
        return None
    d = diagonal_of(x)
    order = argsort(d)
    vectors = eye(d.shape[0], dtype=x.type.dtype)[:, order]
    return copy_stack_trace(node.outputs, [d[order], vectors])


def _unused(fgraph, var) -> bool:
    return not fgraph.clients.get(var)


@register_canonicalize
@register_stabilize
@register_specialize
@node_rewriter(tracks(SVD))
def svd_uv_merge(fgraph, node):
    """svd(x) of which only s is used -> svd(x, compute_uv=False), or the s of another svd of x"""
    (x,) = node.inputs
    op = core_op(node)
    if op.compute_uv:
        U, s, Vh = node.outputs
        if not (_unused(fgraph, U) and _unused(fgraph, Vh)) or _unused(fgraph, s):
            return None
        return {s: copy_stack_trace(s, svd(x, full_matrices=op.full_matrices, compute_uv=False))}
    for other in readers(fgraph, x):
        found = core_op(other)
        if isinstance(found, SVD) and found.compute_uv:
            if not all(_unused(fgraph, other.outputs[i]) for i in (0, 2)):
                return [other.outputs[1]]
    return None


@register_canonicalize
@register_stabilize
@register_specialize
@node_rewriter(tracks(Eigh, Eigvalsh))
def eigh_values_merge(fgraph, node):
    """eigh(x) of which only values are used -> eigvalsh(x), or the values of another eigh of x"""
    op = core_op(node)
    if isinstance(op, Eigh):
        w, V = node.outputs
        if _unused(fgraph, w) or not _unused(fgraph, V):
            return None
        return {w: copy_stack_trace(w, eigvalsh(*node.inputs, lower=op.lower))}
    for other in readers(fgraph, node.inputs[0]):
        found = core_op(other)
        if isinstance(found, Eigh) and found.lower == op.lower and other.inputs == node.inputs:
            if not _unused(fgraph, other.outputs[1]):
                return [other.outputs[0]]
    return None


@register_canonicalize
@register_specialize
@node_rewriter(tracks(QR))
def qr_without_q(fgraph, node):
    """qr(x) of which only R is used -> qr(x, mode="r")"""
    op = core_op(node)
    if op.mode not in ("full", "economic") or op.pivoting:
        return None
    Q, R = node.outputs
    if not _unused(fgraph, Q) or _unused(fgraph, R):
        return None
    (x,) = node.inputs
    new = qr(x, mode="r")
    rows, columns = x.type.shape[-2:]
    if op.mode == "economic" and (rows is None or columns is None or rows > columns):
        new = new[..., : x.shape[-1], :]
    return {R: copy_stack_trace(R, new)} if fits(R, new) else None
