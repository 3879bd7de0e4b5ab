"""`Join`, `Split` and `MakeVector` of what is known."""

from __future__ import annotations

from pytensor.graph.basic import Constant
from pytensor.graph.rewriting.rewriters import node_rewriter
from pytensor.graph.rewriting.stack_trace import copy_stack_trace
from pytensor.tensor.basic import Join, MakeVector, Split, as_tensor_variable, cast, join
from pytensor.tensor.elemwise import DimShuffle
from pytensor.tensor.extra_ops import repeat
from pytensor.tensor.math import Sum
from pytensor.tensor.rewriting.common import added, law, settled
from pytensor.tensor.rewriting.registry import (
    register_canonicalize,
    register_specialize,
    register_useless,
)


@register_useless
@register_canonicalize
@register_specialize
@law(Join)
def local_join_1(fgraph, node):
    """join(axis, x) -> x"""
    return node.inputs[0] if len(node.inputs) == 1 else None


@register_useless
@register_canonicalize
@register_specialize
@node_rewriter([Join])
def local_join_empty(fgraph, node):
    """join(axis, x, [], y) -> join(axis, x, y)"""
    # Not a `law`: what stays may be known to have length 1 where the join was not, and must not be
    # spread over an empty part
    axis = node.op.axis
    kept = [x for x in node.inputs if x.type.shape[axis] != 0]
    if len(kept) == len(node.inputs):
        return None
    if not kept:
        kept = node.inputs[:1]
    new = cast(kept[0] if len(kept) == 1 else join(axis, *kept), node.outputs[0].type.dtype)
    return [copy_stack_trace(node.outputs[0], new) if new.owner else new]


@register_useless
@register_canonicalize
@register_specialize
@law(Join)
def local_join_make_vector(fgraph, node):
    """join(0, [a, b], [c], x) -> join(0, [a, b, c], x)"""
    dtype = node.outputs[0].type.dtype
    groups: list = []
    merged = False
    for x in node.inputs:
        elements = _elements(x, dtype)
        if elements is None:
            groups.append(x)
        elif groups and isinstance(groups[-1], list):
            groups[-1].extend(elements)
            merged = True
        else:
            groups.append(list(elements))
    if not merged:
        return None
    pieces = [MakeVector(dtype)(*g) if isinstance(g, list) else g for g in groups]
    return pieces[0] if len(pieces) == 1 else join(0, *pieces)


def _elements(x, dtype):
    """Return the 0-d elements of a `MakeVector` of that dtype or of an expanded 0-d array."""
    node = x.owner
    if node is None or x.type.ndim != 1 or x.type.dtype != dtype:
        return None
    if type(node.op) is MakeVector:
        return node.inputs
    if type(node.op) is DimShuffle and node.inputs[0].type.ndim == 0:
        return node.inputs
    return None


@register_canonicalize
@law(Join)
def local_join_to_repeat(fgraph, node):
    """join(axis, x, x, x) -> repeat(x, 3, axis), where x has length 1 on the axis"""
    first, *others = node.inputs
    axis = node.op.axis
    if not others or first.type.shape[axis] != 1 or any(x is not first for x in others):
        return None
    return repeat(first, len(node.inputs), axis=axis)


@register_useless
@register_canonicalize
@register_specialize
@law(Sum)
def local_sum_make_vector(fgraph, node):
    """sum([a, b, c]) -> a + b + c"""
    inner = node.inputs[0].owner
    if inner is None or type(inner.op) is not MakeVector:
        return None
    if node.op.axis == ():
        return None
    if not inner.inputs:
        return 0
    # The sum is kept in `acc_dtype`: adding in a narrower one could overflow or round.
    acc = node.op._acc_dtype(inner.op.dtype)
    if len(inner.inputs) > 10 and any(not isinstance(x, Constant) for x in inner.inputs):
        return None
    return added([x.astype(acc) for x in inner.inputs])


@register_useless
@register_canonicalize
@register_specialize
@node_rewriter([Split])
def local_useless_split(fgraph, node):
    """split(x, [n]) -> x"""
    if node.op.len_splits != 1:
        return None
    x, lengths = node.inputs
    kind = node.outputs[0].type
    if kind.shape == x.type.shape:
        return settled(node, x)
    wanted = [None] * x.type.ndim
    wanted[node.op.axis] = lengths[0]
    return settled(node, as_tensor_variable(x).specify_shape(tuple(wanted)))
