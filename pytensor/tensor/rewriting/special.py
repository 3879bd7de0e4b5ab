"""`Softmax` and its logarithm: recognised, and kept from overflowing."""

from __future__ import annotations

from pytensor.graph.basic import Variable
from pytensor.graph.rewriting.basic import copy_stack_trace, node_rewriter
from pytensor.scalar import basic as ps
from pytensor.tensor.basic import alloc
from pytensor.tensor.elemwise import DimShuffle
from pytensor.tensor.math import Sum, exp, log, true_div
from pytensor.tensor.math import max as pt_max
from pytensor.tensor.rewriting.common import arg_of, args_of, filled, is_number, law
from pytensor.tensor.rewriting.indexing import as_long, names_no_element_twice
from pytensor.tensor.rewriting.registry import (
    register_canonicalize,
    register_specialize,
    register_stabilize,
)
from pytensor.tensor.rewriting.shape_feature import same_expression
from pytensor.tensor.shape import shape_i
from pytensor.tensor.special import LogSoftmax, Softmax, logaddexp, logsumexp
from pytensor.tensor.subtensor import AdvancedIncSubtensor, AdvancedSubtensor, Subtensor

_VIEWS = (DimShuffle, Subtensor, AdvancedSubtensor)


@register_stabilize
@register_specialize
@node_rewriter([log])
def local_logsoftmax(fgraph, node):
    """log(softmax(x)) -> log_softmax(x), also when only a part is read"""
    views = []
    var = node.inputs[0]
    while var.owner is not None and isinstance(var.owner.op, _VIEWS):
        views.append(var.owner)
        var = var.owner.inputs[0]
    inner = var.owner
    if inner is None or not isinstance(inner.op, Softmax):
        return None
    new = LogSoftmax(axis=inner.op.axis)(inner.inputs[0])
    copy_stack_trace([node.outputs[0], var], new)
    for view in reversed(views):
        new = copy_stack_trace(node.outputs[0], view.op(new, *view.inputs[1:]))
    return [new]


@register_stabilize
@register_specialize
@law(exp)
def local_exp_log_softmax(fgraph, node):
    """exp(log_softmax(x)) -> softmax(x)"""
    inner = node.inputs[0].owner
    if inner is None or not isinstance(inner.op, LogSoftmax):
        return None
    return Softmax(axis=inner.op.axis)(inner.inputs[0])


def _kept_sum(var: Variable):
    """Return ``(x, axes)`` if `var` is ``sum(x, axes, keepdims=True)``."""
    node = var.owner
    if node is None:
        return None
    order = None
    if isinstance(node.op, DimShuffle):
        order, node = node.op.new_order, node.inputs[0].owner
    if node is None or not isinstance(node.op, Sum):
        return None
    x = node.inputs[0]
    axes = tuple(range(x.type.ndim)) if node.op.axis is None else node.op.axis
    kept = iter(range(x.type.ndim - len(axes)))
    if order is None:
        # A number broadcasts as it is.
        return (x, axes) if not x.type.ndim else None
    if order != tuple(["x" if i in axes else next(kept) for i in range(x.type.ndim)]):
        return None
    return x, axes


@register_stabilize
@law(true_div)
def local_softmax_stabilize(fgraph, node):
    """exp(x) / sum(exp(x), keepdims=True) -> softmax(x)"""
    top, bottom = node.inputs
    x = arg_of(top, ps.Exp)
    if x is None or x.type.dtype != node.outputs[0].type.dtype:
        return None
    summed = _kept_sum(bottom)
    if summed is None:
        return None
    inside = arg_of(summed[0], ps.Exp)
    if inside is None or not (inside is x or same_expression(inside, x)):
        return None
    return Softmax(axis=summed[1])(x)


# -- logarithms of sums --------------------------------------------------------------------


@register_stabilize
@law(log)
def local_log_add_exp(fgraph, node):
    """log(exp(x) + exp(y)) -> logaddexp(x, y)"""
    terms = args_of(node.inputs[0], ps.Add)
    if terms is None:
        return None
    exponents = [arg_of(t, ps.Exp) for t in terms]
    if len(exponents) < 2 or any(e is None for e in exponents):
        return None
    return logaddexp(*exponents)


@register_stabilize
@law(log)
def local_log_sum_exp(fgraph, node):
    """log(sum(exp(x))) -> logsumexp(x)"""
    var, order = node.inputs[0], None
    summed = var.owner
    if summed is not None and isinstance(summed.op, DimShuffle):
        order = summed.op.new_order
        summed = summed.inputs[0].owner
    if summed is None or not isinstance(summed.op, Sum):
        return None
    x = arg_of(summed.inputs[0], ps.Exp)
    if x is None or _is_shifted(x):
        return None
    new = logsumexp(x, axis=summed.op.axis)
    return new if order is None else new.dimshuffle(order)


def _is_shifted(x: Variable) -> bool:
    """Return whether the largest element has been taken off already."""
    terms = args_of(x, (ps.Sub, ps.Add))
    if terms is None:
        return False
    largest = type(pt_max(x).owner.op)
    for term in terms:
        stack, depth = [term], 0
        while stack and depth < 8:
            node = stack.pop().owner
            depth += 1
            if node is None:
                continue
            if isinstance(node.op, largest):
                return True
            stack.extend(node.inputs)
    return False


# -- the gradient of a cross-entropy -------------------------------------------------------


@register_canonicalize("shape_unsafe")
@register_stabilize("shape_unsafe")
@register_specialize("shape_unsafe")
@law(Sum)
def local_sum_of_write_to_zeros(fgraph, node):
    """sum(zeros[i, j].inc(y), axis=1) -> zeros[i].inc(y)

    What the gradient of ``log_softmax(x)[i, j]`` asks of its matrix of zeros and few ones.
    After that only one addition reads the matrix, and it needs none: see
    `local_add_of_sparse_write`.
    """
    write = node.inputs[0].owner
    if write is None or not isinstance(write.op, AdvancedIncSubtensor):
        return None
    zeros, y, *idxs = write.inputs
    ndim = zeros.type.ndim
    if write.op.idx_list != tuple(range(ndim)) or not is_number(zeros, 0):
        return None
    if any(i.type.ndim != 1 or i.type.dtype == "bool" for i in idxs):
        return None
    axes = range(ndim) if node.op.axis is None else node.op.axis
    kept = [a for a in range(ndim) if a not in axes]
    if not kept or (write.op.set_instead_of_inc and not names_no_element_twice(fgraph, write)):
        return None
    # An index of length 1 would be repeated by the others, here or there.
    if not all(as_long(fgraph, idxs[kept[0]], i) for i in idxs):
        return None
    out = node.outputs[0]
    lengths = [shape_i(zeros, a, fgraph) for a in kept]
    base = alloc(filled(0, out.type.clone(shape=())), *lengths)
    return AdvancedIncSubtensor(range(len(kept)))(
        base, y.astype(out.type.dtype), *[idxs[a] for a in kept]
    )
