"""Products of matrices that are no work; transposes and BLAS calls are `blas`'s business."""

from __future__ import annotations

from pytensor.tensor.basic import alloc
from pytensor.tensor.math import Dot
from pytensor.tensor.rewriting.common import IEEE, filled, is_number, law
from pytensor.tensor.rewriting.registry import register_canonicalize, register_stabilize
from pytensor.tensor.shape import length, shape_i


@register_canonicalize("shape_unsafe", IEEE)
@register_stabilize("shape_unsafe", IEEE)
@law(Dot)
def local_0_dot_x(fgraph, node):
    """0 @ x -> 0, also where x is infinite or NaN"""
    x, y = node.inputs
    if not (is_number(x, 0) or is_number(y, 0)):
        return None
    zero = filled(0, node.outputs[0].type)
    return alloc(zero, _length(fgraph, x, 0), _length(fgraph, y, 1))


def _length(fgraph, var, axis):
    return length(var, axis) if var.type.shape[axis] is not None else shape_i(var, axis, fgraph)


@register_canonicalize
@register_stabilize
@law(Dot)
def local_dot_with_number(fgraph, node):
    """x @ [[c]] -> x * c for a column x, [[c]] @ y -> c * y for a row y: as in gradients of x @ y"""
    x, y = node.inputs
    if x.type.ndim != 2 or y.type.ndim != 2 or x.type.shape[1] != 1 or y.type.shape[0] != 1:
        return None
    if x.type.shape[0] != 1 and y.type.shape[1] != 1:
        return None
    return x * y
