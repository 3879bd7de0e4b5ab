"""Operations that return what they are given."""

from __future__ import annotations

import numpy as np

from pytensor.gradient.markers import GradientMarker
from pytensor.graph.basic import Constant
from pytensor.graph.rewriting.db import RewriteDatabase
from pytensor.graph.rewriting.rewriters import node_rewriter
from pytensor.graph.rewriting.stages import optdb
from pytensor.raise_op import Assert, CheckAndRaise
from pytensor.scalar import basic as ps
from pytensor.scalar.type import all_types
from pytensor.tensor.basic import ScalarFromTensor, TensorFromScalar, switch, tensor_copy
from pytensor.tensor.elemwise import Elemwise
from pytensor.tensor.math import add, and_, invert, mul, neg, or_, xor
from pytensor.tensor.rewriting.common import (
    arg_of,
    args_of,
    filled,
    is_number,
    law,
    number,
    settled,
)
from pytensor.tensor.rewriting.registry import (
    register_canonicalize,
    register_specialize,
    register_useless,
)


@register_canonicalize
@register_specialize
@node_rewriter([TensorFromScalar])
def local_tensor_scalar_tensor(fgraph, node):
    """tensor_from_scalar(scalar_from_tensor(x)) -> x"""
    inner = node.inputs[0].owner
    if inner is None or not isinstance(inner.op, ScalarFromTensor):
        return None
    return [inner.inputs[0]]


@register_canonicalize
@register_specialize
@node_rewriter([ScalarFromTensor])
def local_scalar_tensor_scalar(fgraph, node):
    """scalar_from_tensor(tensor_from_scalar(x)) -> x"""
    inner = node.inputs[0].owner
    if inner is None or not isinstance(inner.op, TensorFromScalar):
        return None
    return [inner.inputs[0]]


@register_canonicalize("fast_compile")
@node_rewriter([GradientMarker])
def local_gradient_marker(fgraph, node):
    """zero_grad(x) -> x, and so on: derivatives have been taken"""
    return [node.inputs[0]]


@register_canonicalize("fast_compile")
@node_rewriter([tensor_copy])
def remove_tensor_copy(fgraph, node):
    """identity(x) -> x"""
    return [node.inputs[0]]


@register_useless
@register_canonicalize
@register_specialize
@law(add, mul, and_, or_, xor)
def local_useless_elemwise(fgraph, node):
    """add(x) -> x, mul(x) -> x; a & a -> a, a | a -> a, a ^ a -> 0 of bits and truth values"""
    inputs = node.inputs
    if len(inputs) == 1:
        return inputs[0]
    if not isinstance(node.op.scalar_op, ps.BinaryBitOp):
        return None
    return _useless_bit_op(node.op.scalar_op, *inputs, node.outputs[0].type)


def _useless_bit_op(scalar_op, a, b, kind):
    if a is b:
        return 0 if type(scalar_op) is ps.XOR else a
    ones = True if kind.dtype == "bool" else -1
    for one, other in ((a, b), (b, a)):
        value = number(one)
        if value is None or other.type.dtype != kind.dtype:
            continue
        # In an unsigned type all ones is the largest number.
        all_ones = value == ones or value == filled(ones, kind).data.flat[0]
        if type(scalar_op) is ps.AND:
            if value == 0:
                return 0
            if all_ones:
                return other
        elif value == 0:
            return other
        elif type(scalar_op) is ps.OR and all_ones:
            return ones
    return None


def is_an_upcast(type1: str, type2: str) -> bool:
    """Return whether a cast from dtype `type1` to `type2` loses nothing.

    Examples
    --------
    >>> is_an_upcast("int8", "int16"), is_an_upcast("int64", "float64")
    (True, False)
    """
    if type1 in ("int64", "uint64") and np.dtype(type2).kind in "fc":
        return False  # NumPy calls it safe, but 2 ** 53 + 1 is no float
    return np.can_cast(type1, type2, casting="safe")


def _cast_of(var) -> bool:
    node = var.owner
    return node is not None and type(node.op) is Elemwise and type(node.op.scalar_op) is ps.Cast


_CASTS = [Elemwise(ps.Cast(t)) for t in all_types]


@register_canonicalize
@register_specialize
@law(*_CASTS)
def local_cast_cast(fgraph, node):
    """cast(x) -> x if it has the dtype; cast(cast(x)) -> cast(x) if the inner one loses nothing"""
    x = node.inputs[0]
    dtype = node.outputs[0].type.dtype
    if x.type.dtype == dtype:
        return x
    if not _cast_of(x):
        return None
    source = x.owner.inputs[0]
    if not is_an_upcast(source.type.dtype, x.type.dtype):
        return None
    return source  # `settled` casts it


@register_useless
@register_canonicalize
@register_specialize
@node_rewriter([CheckAndRaise])
def local_remove_useless_assert(fgraph, node):
    """assert(x, True, c) -> assert(x, c); assert(x) -> x"""
    value, *conditions = node.inputs
    kept = [c for c in conditions if not (isinstance(c, Constant) and bool(c.data))]
    if len(kept) == len(conditions) and kept:
        return None
    if not kept:
        return [value]
    return settled(node, node.op(value, *kept))


@node_rewriter([Assert])
def local_remove_all_assert(fgraph, node):
    """assert(x, c) -> x, for who asks for it: no mode does"""
    return [node.inputs[0]]


for _stage in ("canonicalize", "stabilize", "specialize"):
    RewriteDatabase.__getitem__(optdb, _stage).register(
        "local_remove_all_assert", local_remove_all_assert, "unsafe", use_db_name_as_tag=False
    )


@register_useless("shape_unsafe")
@register_canonicalize("shape_unsafe")
@register_specialize("shape_unsafe")
@law(switch)
def local_useless_switch(fgraph, node):
    """switch(True, x, y) -> x; switch(c, x, x) -> x; switch(c, switch(c, x, z), y) -> switch(c, x, y)"""
    condition, x, y = node.inputs
    known = number(condition)
    if known is not None:
        return x if known else y
    if x is y or _same_constant(x, y):
        return x
    inner = args_of(x, ps.Switch)
    if inner is not None and inner[0] is condition:
        return switch(condition, inner[1], y)
    inner = args_of(y, ps.Switch)
    if inner is not None and inner[0] is condition:
        return switch(condition, x, inner[2])
    # switch(not c, x, y) -> switch(c, y, x)
    opposite = arg_of(condition, ps.Invert)
    if opposite is not None and opposite.type.dtype == "bool":
        return switch(opposite, y, x)
    return None


def _same_constant(x, y) -> bool:
    value = number(x)
    return (
        value is not None
        and is_number(y, value)
        and x.type.dtype == y.type.dtype
        # 0.0 and -0.0 are equal but not the same.
        and bool(np.signbit(value) == np.signbit(number(y)) if isinstance(value, float) else True)
    )


@register_canonicalize
@law(invert)
def local_invert_invert(fgraph, node):
    """~~a -> a"""
    return arg_of(node.inputs[0], ps.Invert)


@register_canonicalize
@register_specialize
@law(neg)
def useless_Neg_of_Neg(fgraph, node):
    """-(-x) -> x"""
    return arg_of(node.inputs[0], ps.Neg)
