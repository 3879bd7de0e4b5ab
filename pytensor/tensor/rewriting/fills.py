"""`second` and `Alloc`: move filled arrays outwards, where they broadcast away."""

from __future__ import annotations

from pytensor.graph.rewriting.rewriters import node_rewriter
from pytensor.graph.rewriting.stack_trace import copy_stack_trace
from pytensor.scalar import basic as ps
from pytensor.tensor.basic import Alloc, alloc, second
from pytensor.tensor.elemwise import CAReduce, DimShuffle, Elemwise
from pytensor.tensor.math import Prod, Sum, mul
from pytensor.tensor.math import pow as pt_pow
from pytensor.tensor.rewriting.common import (
    args_of,
    broadcast_lengths,
    law,
    lengths_of,
    models_for,
    multiplied,
    settled,
    with_lengths,
)
from pytensor.tensor.rewriting.registry import (
    register_canonicalize,
    register_specialize,
    register_stabilize,
    register_useless,
)
from pytensor.tensor.shape import shape_padleft


def broadcasted_by(x, y) -> bool:
    """Return whether `x` is repeated to the shape of `y` when the two meet elementwise.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> broadcasted_by(pt.row(), pt.matrix()), broadcasted_by(pt.matrix(), pt.row())
    (True, False)
    """
    have, want = x.type.broadcastable, y.type.broadcastable
    if len(have) < len(want):
        return True
    have = have[len(have) - len(want) :]
    return any(a and not b for a, b in zip(have, want, strict=True))


def broadcast_like(value, template, fgraph, dtype=None):
    """Return `value` in the shape of `template`, as an `Alloc` where it has to be repeated.

    Parameters
    ----------
    value, template
        Variables; `value` has at most as many axes.
    fgraph
        The graph whose shape feature is asked for lengths.
    dtype
        The dtype of the result; that of `template` by default.
    """
    value = value.astype(template.type.dtype if dtype is None else dtype)
    if value.type.ndim < template.type.ndim:
        value = shape_padleft(value, template.type.ndim - value.type.ndim)
    if value.type.broadcastable == template.type.broadcastable:
        return value
    return alloc(value, *lengths_of(fgraph, template))


alloc_like = broadcast_like


def broadcast_arrays_lengths(fgraph, variables):
    """Return the lengths of the shape that `variables` broadcast to."""
    return broadcast_lengths(fgraph, variables)


def encompasses_broadcastable(b1, b2) -> bool:
    """Return whether an array that broadcasts as `b1` has at least the axes of `b2`.

    Examples
    --------
    >>> encompasses_broadcastable((False, True), (True,))
    True
    >>> encompasses_broadcastable((True,), (False,))
    False
    """
    if len(b1) < len(b2):
        return False
    b1 = b1[len(b1) - len(b2) :]
    return not any(have and not want for have, want in zip(b1, b2, strict=True))


@register_useless("shape_unsafe")
@register_canonicalize("shape_unsafe")
@law(second)
def local_useless_fill(fgraph, node):
    """second(x, y) -> y if y has all the axes of x"""
    x, y = node.inputs
    return y if not broadcasted_by(y, x) else None


# Ops for which moving a fill outwards is done by a rule of its own.
_NOT_SUNK = (ps.Second,)


@register_canonicalize("shape_unsafe", name="local_second_sink")
@node_rewriter([second])
def local_fill_sink(fgraph, node):
    """f(second(x, a), b) -> f(a, b), with a fill around it if b has not all the axes

    Looked at from the fill: that way the rule costs nothing to elementwise nodes without one.
    """
    result = {}
    for client, _ in fgraph.clients[node.outputs[0]]:
        op = client.op
        if type(op) is not Elemwise or type(op.scalar_op) in _NOT_SUNK:
            continue
        if len(client.outputs) != 1 or client.outputs[0] in result:
            continue
        new = _without_fills(client)
        if new is not None:
            result[client.outputs[0]] = copy_stack_trace(client.outputs[0], new)
    return result or None


def _without_fills(node):
    models, inputs = [], []
    for var in node.inputs:
        filled = args_of(var, ps.Second)
        if filled is None:
            models.insert(0, var)  # what is read anyway is the best to take the shape from
            inputs.append(var)
        else:
            models.append(filled[0])
            inputs.append(filled[1])
    new = node.op(*inputs)
    old = node.outputs[0]
    missing = {
        i
        for i, (want, have) in enumerate(zip(old.type.broadcastable, new.type.broadcastable))
        if have and not want
    }
    if missing:
        chosen = models_for(missing, models)
        if chosen is None:
            return None
        for model in chosen:
            new = second(model, new)
    return with_lengths(node.op, new, old.type)


@register_stabilize("shape_unsafe")
@register_specialize("shape_unsafe")
@law(second)
def local_second_to_alloc(fgraph, node):
    """second(x, y) -> alloc(y, *shape(x)): x itself need not be computed"""
    x, y = node.inputs
    if not broadcasted_by(y, x):
        return y
    return alloc(y, *broadcast_lengths(fgraph, [y, x]))


local_fill_to_alloc = local_second_to_alloc


@register_useless("shape_unsafe")
@register_canonicalize("shape_unsafe")
@register_stabilize("shape_unsafe")
@register_specialize("shape_unsafe")
@node_rewriter([Alloc])
def local_useless_alloc(fgraph, node):
    """alloc(x, *lengths) -> x if x has all the axes"""
    x, out = node.inputs[0], node.outputs[0]
    if x.type.broadcastable != out.type.broadcastable:
        return None
    return settled(node, x)


@register_useless
@register_canonicalize
@register_stabilize
@register_specialize
@law(Alloc)
def local_merge_alloc(fgraph, node):
    """alloc(alloc(x, *inner), *outer) -> alloc(x, *outer)"""
    inner = node.inputs[0].owner
    if inner is None or type(inner.op) is not Alloc:
        return None
    # The inner lengths are the outer ones, or 1 where the outer one repeats them.
    return alloc(inner.inputs[0], *node.inputs[1:])


@register_canonicalize
@register_stabilize
@register_specialize
@law(Alloc)
def local_alloc_sink_dimshuffle(fgraph, node):
    """alloc(expand_dims(x), *lengths) -> alloc(x, *lengths): it adds axes on the left itself"""
    inner = node.inputs[0].owner
    if inner is None or type(inner.op) is not DimShuffle:
        return None
    order = inner.op.new_order
    lead = 0
    while lead < len(order) and order[lead] == "x":
        lead += 1
    if not lead or inner.op.drop:
        return None
    rest = order[lead:]
    x = inner.inputs[0]
    if rest != tuple(range(x.type.ndim)):
        if "x" not in rest and len(rest) != x.type.ndim:
            return None
        x = x.dimshuffle(rest)
    return alloc(x, *node.inputs[1:])


@register_specialize
@law(DimShuffle)
def local_dimshuffle_alloc(fgraph, node):
    """dimshuffle(alloc(x, *lengths)) -> alloc(x, *lengths in the new order), x being a number"""
    inner = node.inputs[0].owner
    if inner is None or type(inner.op) is not Alloc or node.op.drop:
        return None
    x, *lengths = inner.inputs
    if not all(x.type.broadcastable):
        return None
    if x.type.ndim:
        x = x.dimshuffle(())
    return alloc(x, *[1 if d == "x" else lengths[d] for d in node.op.new_order])


def _unrepeated(var):
    """Return what an `Alloc` repeats, padded to its rank, if it repeats anything."""
    node = var.owner
    if node is None or type(node.op) is not Alloc:
        return None
    value = node.inputs[0]
    missing = var.type.ndim - value.type.ndim
    return shape_padleft(value, missing) if missing else value


def _is_alloc(var) -> bool:
    return var.owner is not None and type(var.owner.op) is Alloc


@register_specialize("shape_unsafe")
@node_rewriter([Alloc])
def local_elemwise_alloc(fgraph, node):
    """f(alloc(x, ...), y) -> f(x, y): y has all the axes, elements are repeated as they are read"""
    out = node.outputs[0]
    result = {}
    for client, _ in fgraph.clients[out]:
        if type(client.op) is not Elemwise or len(client.inputs) == 1:
            continue
        allocs = [v for v in client.inputs if _is_alloc(v)]
        old = client.outputs[0]
        if old in result or len(client.outputs) != 1:
            continue
        new = _without_allocs(fgraph, client, allocs)
        if new is not None:
            result[old] = copy_stack_trace(old, new)
    return result or None


def _without_allocs(fgraph, client, allocs):
    old = client.outputs[0]
    others = [v for v in client.inputs if v not in allocs]
    values = {v: _unrepeated(v) for v in allocs}
    new = client.op(*[values.get(v, v) for v in client.inputs])
    if new.type.broadcastable == old.type.broadcastable:
        return new
    if others:
        # One of the allocations has axes that nothing else has: it stays.
        for keep in allocs:
            rest = [v for v in allocs if v is not keep]
            new = client.op(*[values[v] if v in rest else v for v in client.inputs])
            if rest and new.type.broadcastable == old.type.broadcastable:
                return new
        return None
    # Computed before it is repeated.
    return alloc(new, *broadcast_lengths(fgraph, allocs))


@register_specialize
@law(Elemwise)
def local_alloc_unary(fgraph, node):
    """f(alloc(x, *lengths)) -> alloc(f(x), *lengths)"""
    if len(node.inputs) != 1:
        return None
    inner = node.inputs[0].owner
    if inner is None or type(inner.op) is not Alloc or len(node.outputs) != 1:
        return None
    return alloc(node.op(inner.inputs[0]), *inner.inputs[1:])


@register_specialize
@law(Sum, Prod)
def local_careduce_of_alloc(fgraph, node):
    """sum(alloc(x, n, m)) -> n * m * x: a reduction of equal elements is known"""
    value = _unrepeated(node.inputs[0])
    if value is None:
        return None
    alloc_node = node.inputs[0].owner
    op: CAReduce = node.op
    ndim = node.inputs[0].type.ndim
    axes = range(ndim) if op.axis is None else op.axis
    repeated = [
        i for i in axes if value.type.shape[i] == 1 and alloc_node.outputs[0].type.shape[i] != 1
    ]
    if not repeated:
        return None
    rest = [i for i in axes if i not in repeated]
    lengths = alloc_node.inputs[1:]
    out = node.outputs[0]
    # Summed over what is left, where a repeated axis has length 1.
    inner = op.clone(axis=tuple(axes))(value)
    kept = [lengths[i] for i in range(ndim) if i not in axes]
    times = multiplied([lengths[i] for i in repeated]).astype(out.type.dtype)
    if not rest and all(value.type.broadcastable):
        inner = value.dimshuffle(["x"] * out.type.ndim).astype(out.type.dtype)
    new = mul(inner, times) if isinstance(op, Sum) else pt_pow(inner, times)
    if new.type.broadcastable != out.type.broadcastable:
        new = alloc(new, *kept)
    return new
