"""Linear algebra: no inverse where a solution will do, no determinant where its logarithm will."""

from __future__ import annotations

from pytensor.graph.basic import Variable
from pytensor.graph.rewriting.basic import copy_stack_trace, node_rewriter
from pytensor.scalar import basic as ps
from pytensor.tensor.blockwise import Blockwise
from pytensor.tensor.elemwise import DimShuffle
from pytensor.tensor.linalg.inverse import MatrixInverse
from pytensor.tensor.linalg.solvers.general import solve
from pytensor.tensor.linalg.summary import Det, SLogDet
from pytensor.tensor.math import Dot, log
from pytensor.tensor.rewriting.common import arg_of, is_float, law, read_once
from pytensor.tensor.rewriting.registry import register_canonicalize, register_stabilize


def _core(var: Variable, kind: type):
    """Return the node of a linear algebra Op, with a batch or without."""
    node = var.owner
    if node is None:
        return None
    op = node.op.core_op if isinstance(node.op, Blockwise) else node.op
    return node if isinstance(op, kind) else None


def _swapped(x: Variable) -> Variable:
    """Return `x` with its last two axes exchanged."""
    n = x.type.ndim
    return x.dimshuffle([*range(n - 2), n - 1, n - 2])


def _is_swap(op) -> bool:
    n = op.input_ndim
    return n >= 2 and op.new_order == (*range(n - 2), n - 1, n - 2)


@register_canonicalize
@register_stabilize
@node_rewriter([Blockwise, MatrixInverse])
def inv_of_inv(fgraph, node):
    """inv(inv(x)) -> x"""
    if _core(node.outputs[0], MatrixInverse) is None:
        return None
    inner = _core(node.inputs[0], MatrixInverse)
    return None if inner is None else [inner.inputs[0]]


@register_canonicalize
@node_rewriter([DimShuffle])
def transpose_of_inv(fgraph, node):
    """inv(x).T -> inv(x.T): so that products find the inverse"""
    inner = _core(node.inputs[0], MatrixInverse)
    if inner is None or not _is_swap(node.op) or not read_once(fgraph, node.inputs[0]):
        return None
    return [copy_stack_trace(node.outputs[0], inner.op(_swapped(inner.inputs[0])))]


@register_stabilize
@node_rewriter([Dot, Blockwise])
def inv_to_solve(fgraph, node):
    """inv(A) @ b -> solve(A, b), b @ inv(A) -> solve(A.T, b.T).T"""
    core = node.op.core_op if isinstance(node.op, Blockwise) else node.op
    if not isinstance(core, Dot):
        return None
    x, y = node.inputs
    out = node.outputs[0]
    if not is_float(out):
        return None
    left, right = _core(x, MatrixInverse), _core(y, MatrixInverse)
    if left is not None and read_once(fgraph, x):
        b_ndim = 1 if out.type.ndim < x.type.ndim else 2
        new = solve(left.inputs[0], y, b_ndim=b_ndim)
    elif right is not None and read_once(fgraph, y):
        A = _swapped(right.inputs[0])
        if out.type.ndim < y.type.ndim:
            new = solve(A, x, b_ndim=1)
        else:
            new = _swapped(solve(A, _swapped(x), b_ndim=2))
    else:
        return None
    if new.type.dtype != out.type.dtype or new.type.ndim != out.type.ndim:
        return None
    return [copy_stack_trace(out, new)]


@register_stabilize("slogdet_specialization")
@law(log)
def local_log_abs_det(fgraph, node):
    """log(abs(det(x))) -> slogdet(x)[1]: determinants of large matrices overflow"""
    inside = arg_of(node.inputs[0], ps.Abs)
    det = None if inside is None else _core(inside, Det)
    if det is None:
        return None
    _sign, logarithm = Blockwise(SLogDet())(det.inputs[0])
    return logarithm


@register_canonicalize
@register_stabilize
@node_rewriter([Blockwise, Det])
def det_of_inv(fgraph, node):
    """det(inv(x)) -> 1 / det(x)"""
    if _core(node.outputs[0], Det) is None:
        return None
    inner = _core(node.inputs[0], MatrixInverse)
    if inner is None:
        return None
    return [copy_stack_trace(node.outputs[0], 1 / node.op(inner.inputs[0]))]
