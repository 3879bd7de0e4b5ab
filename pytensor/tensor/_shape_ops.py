"""The Ops that read the shape of an array."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from pytensor.graph.basic import Apply, Constant, Variable
from pytensor.graph.null_type import disconnected_type
from pytensor.graph.op import Op
from pytensor.graph.type import HasShape
from pytensor.tensor._convert import _get_vector_length, as_tensor_variable, constant
from pytensor.tensor.type import new_variable
from pytensor.tensor.variable import TensorConstant


def length_constant(n: int) -> TensorConstant:
    """Return a new int64 constant for a known length."""
    return constant(np.int64(n))


class Shape(Op):
    """The shape of an array, as a vector of int64.

    Its value depends on the array's shape only, so it is disconnected for derivatives, and a
    rewrite removes it wherever the shape can be computed without the array.
    """

    __props__ = ()

    def make_node(self, x):
        if not isinstance(x, Variable):
            x = as_tensor_variable(x)
        if not isinstance(x.type, HasShape):
            raise TypeError(f"[Shape] x must have a shape, got {x} of type {x.type}")
        return Apply(self, [x], [new_variable("int64", (x.type.ndim,))])

    def perform(self, node, inputs, output_storage):
        output_storage[0][0] = np.asarray(np.shape(inputs[0]), dtype="int64")

    def infer_shape(self, fgraph, node, in_shapes):
        return [(length_constant(node.inputs[0].type.ndim),)]

    def connection_pattern(self, node):
        return [[False]]

    def pullback(self, inputs, outputs, cotangents):
        return [disconnected_type()]

    def pushforward(self, inputs, outputs, tangents):
        return [disconnected_type()]


_shape = Shape()


def shape(x):
    """Return the shape of `x` as an int64 vector.

    Examples
    --------
    >>> x = pt.matrix("x", shape=(None, 3))
    >>> pt.shape(x).eval({x: np.zeros((2, 3))}).tolist()
    [2, 3]
    """
    return _shape(x)


@_get_vector_length.register(Shape)
def _get_vector_length_Shape(op, var) -> int:
    return var.owner.inputs[0].type.ndim


class Shape_i(Op):
    """The length of axis `i` of an array, as a 0-d int64 array.

    What rewrites put in place of ``shape(x)[i]``.
    """

    __props__ = ("i",)

    def __init__(self, i):
        # NumPy integers would make equal Ops unequal.
        self.i = int(i)
        if self.i < 0:
            raise ValueError(f"[Shape_i] i must not be negative, got {i}")

    def make_node(self, x):
        if not isinstance(x, Variable) or not hasattr(x.type, "ndim"):
            raise TypeError(f"[Shape_i] x must be a variable with `ndim`, got {x}")
        if x.type.ndim <= self.i:
            raise TypeError(f"[Shape_i] x must have more than {self.i} axes, got {x.type}")
        return Apply(self, [x], [new_variable("int64", ())])

    def perform(self, node, inputs, output_storage):
        output_storage[0][0] = np.asarray(inputs[0].shape[self.i], dtype="int64")

    def infer_shape(self, fgraph, node, input_shapes):
        return [()]

    def connection_pattern(self, node):
        return [[False]]

    def pullback(self, inputs, outputs, cotangents):
        return [disconnected_type()]

    def pushforward(self, inputs, outputs, tangents):
        return [disconnected_type()]

    def __str__(self):
        return f"Shape_i{{{self.i}}}"


@lru_cache(maxsize=64)
def _shape_i_op(i: int) -> Shape_i:
    return Shape_i(i)


def shape_i(var, i, fgraph=None):
    """Return the length of axis `i`; through the graph's shape feature if `fgraph` has one.

    For use in rewrites: with `fgraph` the length is expressed by what is cheap to compute.
    """
    feature = getattr(fgraph, "shape_feature", None)
    if feature is not None:
        return feature.get_shape(var, i)
    return _shape_i_op(int(i))(var)


def length(x, axis: int):
    """Return the length of an axis: a constant if it is known, `Shape_i` otherwise."""
    static = x.type.shape[axis]
    if static is not None:
        return length_constant(static)
    return _shape_i_op(axis % x.type.ndim)(x)


def shape_tuple(x) -> tuple[Variable, ...]:
    """Return the lengths of the axes of `x`, as constants where they are known."""
    if isinstance(x, Constant):
        return tuple([length_constant(n) for n in np.shape(x.data)])
    if not isinstance(x, Variable) or not isinstance(x.type, HasShape):
        raise TypeError(f"[shape_tuple] x must be a variable with a shape, got {x}")
    return tuple([length(x, i) for i in range(x.type.ndim)])
