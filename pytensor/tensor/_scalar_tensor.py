"""Crossing between scalars and 0-d arrays."""

from __future__ import annotations

import numpy as np

from pytensor.graph.basic import Apply, Variable
from pytensor.graph.null_type import DisconnectedType, disconnected_type
from pytensor.graph.op import Op
from pytensor.graph.replace import _vectorize_node
from pytensor.scalar.basic import ScalarConstant, ScalarType, as_scalar, get_scalar_type
from pytensor.scalar.variable import FROM_TENSOR
from pytensor.tensor._convert import _as_tensor_variable, as_tensor_variable, constant
from pytensor.tensor._math_ops import tensor_copy
from pytensor.tensor.type import TensorType, discrete_dtypes, new_variable


class TensorFromScalar(Op):
    """A scalar as a 0-d array.

    Examples
    --------
    >>> s = pytensor.scalar.float64("s")
    >>> pt.tensor_from_scalar(s).eval({s: 2.5}).shape
    ()
    """

    __props__ = ()

    def make_node(self, s):
        if not isinstance(s, Variable) or not isinstance(s.type, ScalarType):
            raise TypeError(f"[TensorFromScalar] input must be a scalar variable, got {s!r}")
        return Apply(self, [s], [new_variable(s.type.dtype, ())])

    def perform(self, node, inputs, output_storage):
        output_storage[0][0] = np.array(inputs[0], dtype=node.outputs[0].type.dtype)

    def infer_shape(self, fgraph, node, in_shapes):
        return [()]

    def pullback(self, inputs, outputs, cotangents):
        [s], [gz] = inputs, cotangents
        if isinstance(gz.type, DisconnectedType):
            return [gz]
        if s.type.dtype in discrete_dtypes:
            return [s.zeros_like(dtype=gz.type.dtype)]
        return [scalar_from_tensor(gz)]

    def pushforward(self, inputs, outputs, tangents):
        if isinstance(tangents[0].type, DisconnectedType):
            return [disconnected_type()]
        return [self(tangents[0])]


class ScalarFromTensor(Op):
    """A 0-d array as a scalar.

    Examples
    --------
    >>> x = pt.dscalar("x")
    >>> pt.scalar_from_tensor(x).type
    ScalarType(float64)
    """

    __props__ = ()

    def __call__(self, *args, **kwargs):
        return super().__call__(*args, **kwargs)

    def make_node(self, t):
        if not isinstance(t, Variable) or not isinstance(t.type, TensorType) or t.type.ndim:
            raise TypeError("Input must be a scalar `TensorType`")
        return Apply(self, [t], [get_scalar_type(t.type.dtype)()])

    def perform(self, node, inputs, output_storage):
        # Indexing with () gives the NumPy scalar.
        output_storage[0][0] = inputs[0][()]

    def infer_shape(self, fgraph, node, in_shapes):
        return [()]

    def pullback(self, inputs, outputs, cotangents):
        if isinstance(cotangents[0].type, DisconnectedType):
            return [cotangents[0]]
        return [tensor_from_scalar(cotangents[0])]

    def pushforward(self, inputs, outputs, tangents):
        if isinstance(tangents[0].type, DisconnectedType):
            return [disconnected_type()]
        return [self(tangents[0])]


tensor_from_scalar = TensorFromScalar()
scalar_from_tensor = ScalarFromTensor()


@_as_tensor_variable.register(ScalarType.variable_type)
def _as_tensor_Scalar(x, name, ndim, **kwargs):
    if isinstance(x, ScalarConstant):
        return constant(x.data, name=name, ndim=ndim)
    return as_tensor_variable(tensor_from_scalar(x), name=name, ndim=ndim, **kwargs)


def _scalar_from_variable(x):
    """Let `as_scalar` accept 0-d tensors."""
    if not isinstance(x.type, TensorType):
        return None
    if x.type.ndim:
        raise TypeError(f"Cannot convert {x} of type {x.type} to a scalar type")
    owner = x.owner
    if owner is not None and isinstance(owner.op, TensorFromScalar):
        return owner.inputs[0]
    if getattr(x, "data", None) is not None:
        return as_scalar(x.data[()])
    return scalar_from_tensor(x)


FROM_TENSOR.append(_scalar_from_variable)


@_vectorize_node.register(ScalarFromTensor)
def vectorize_scalar_from_tensor(op, node, batch_x):
    if batch_x.type.ndim == 0:
        return op.make_node(batch_x)
    # A batch of scalars is an array; the array itself is the answer.
    return tensor_copy.make_node(batch_x)


@_vectorize_node.register(TensorFromScalar)
def vectorize_tensor_from_scalar(op, node, batch_x):
    if isinstance(batch_x.type, ScalarType):
        return op.make_node(batch_x)
    return tensor_copy.make_node(batch_x)
