"""A vector made of scalars."""

from __future__ import annotations

import math

import numpy as np

from pytensor.graph.basic import Apply, Constant
from pytensor.graph.null_type import DisconnectedType, disconnected_type
from pytensor.graph.op import Op
from pytensor.scalar.basic import upcast
from pytensor.tensor._convert import _get_vector_length, as_tensor_variable, constant
from pytensor.tensor._elemwise import Elemwise
from pytensor.tensor._math_ops import _cast_to
from pytensor.tensor._shape_ops import Shape, Shape_i, length_constant
from pytensor.tensor.type import discrete_dtypes, new_variable
from pytensor.tensor.utils import concrete_int


class MakeVector(Op):
    """Put 0-d arrays side by side: the vector ``[a, b, ...]``.

    Parameters
    ----------
    dtype : str
        dtype of the vector. Inputs are cast to it if they are wider only by chance, that is, if
        no information is lost by their dtype.
    """

    __props__ = ("dtype",)

    def __init__(self, dtype="int64"):
        self.dtype = np.dtype(dtype).name

    def make_node(self, *inputs):
        inputs = [as_tensor_variable(x) for x in inputs]
        for i, x in enumerate(inputs):
            if x.type.ndim != 0:
                raise ValueError(f"[MakeVector] inputs must be 0-d, got {x.type} as input {i}")
        if any(x.type.dtype != self.dtype for x in inputs):
            dtype = upcast(self.dtype, *[x.type.dtype for x in inputs])
            if dtype != self.dtype:
                raise TypeError(
                    f"[MakeVector] dtype must hold all inputs, got {self.dtype} for an input "
                    f"that needs {dtype}"
                )
            inputs = [_cast_to(x, self.dtype) for x in inputs]
        return Apply(self, inputs, [new_variable(self.dtype, (len(inputs),))])

    def perform(self, node, inputs, output_storage):
        output_storage[0][0] = np.array(inputs, dtype=self.dtype)

    def infer_shape(self, fgraph, node, ishapes):
        return [(length_constant(len(ishapes)),)]

    def connection_pattern(self, node):
        return [[True] for _ in node.inputs]

    def pullback(self, inputs, outputs, cotangents):
        [gz] = cotangents
        if isinstance(gz.type, DisconnectedType):
            return [disconnected_type() for _ in inputs]
        if self.dtype in discrete_dtypes:
            return [x.zeros_like(dtype=gz.type.dtype) for x in inputs]
        return [gz[i] for i in range(len(inputs))]

    def pushforward(self, inputs, outputs, tangents):
        if all(isinstance(t.type, DisconnectedType) for t in tangents):
            return [disconnected_type()]
        parts = [
            x.zeros_like() if isinstance(t.type, DisconnectedType) else t
            for x, t in zip(inputs, tangents, strict=True)
        ]
        return [self(*parts)]

    def __str__(self):
        return f"MakeVector{{dtype='{self.dtype}'}}"


make_vector = MakeVector()


@_get_vector_length.register(MakeVector)
def _get_vector_length_MakeVector(op, var) -> int:
    return len(var.owner.inputs)


def static_entries(vector) -> list[int | None]:
    """Return what is known about the entries of a vector of integers."""
    if isinstance(vector, Constant):
        return [int(v) for v in vector.data]
    owner = vector.owner
    if owner is not None:
        if isinstance(owner.op, MakeVector):
            return [static_int(x) for x in owner.inputs]
        if isinstance(owner.op, Shape):
            return list(owner.inputs[0].type.shape)
        if isinstance(owner.op, Elemwise) and len(owner.inputs) == 1 and _is_cast(owner.op):
            return static_entries(owner.inputs[0])
    return [None] * (vector.type.shape[0] or 0)


# How deep to look for the value of a length. Every node asks; it must stay cheap.
_MAX_DEPTH = 6

_FOLDABLE = {
    "Add": lambda *v: sum(v),
    "Sub": lambda a, b: a - b,
    "Mul": lambda *v: math.prod(v),
    "IntDiv": lambda a, b: a // b if b else None,
    "Mod": lambda a, b: a % b if b else None,
    "Maximum": max,
    "Minimum": min,
    "Neg": lambda a: -a,
    "Abs": abs,
    "Cast": lambda a: a,
    "Identity": lambda a: a,
    "Second": lambda a, b: b,
}


def static_int(x, depth: int = _MAX_DEPTH) -> int | None:
    """Return the integer that a 0-d variable is known to be, else None.

    Sees lengths of static shapes, casts, and simple arithmetic of integers.
    """
    value = concrete_int(x)
    owner = getattr(x, "owner", None)
    if value is not None or owner is None or not depth:
        return value
    op, inputs = owner.op, owner.inputs
    if isinstance(op, Elemwise):
        fold = _FOLDABLE.get(type(op.scalar_op).__name__)
        if fold is None or x.type.ndim or x.type.dtype not in discrete_dtypes:
            return None
        values = [static_int(i, depth - 1) for i in inputs]
        return None if None in values else fold(*values)
    if isinstance(op, Shape_i):
        return inputs[0].type.shape[op.i]
    name = type(op).__name__
    if name in ("ScalarFromTensor", "TensorFromScalar", "DimShuffle"):
        return static_int(inputs[0], depth - 1)
    if name == "Subtensor" and not x.type.ndim and inputs[0].type.ndim == 1:
        return _static_element(op, inputs)
    return None


def _static_element(op, inputs) -> int | None:
    """The value of ``vector[i]``, for a shape or a vector made of known numbers."""
    [entry] = op.idx_list if len(op.idx_list) == 1 else [None]
    if isinstance(entry, slice) or entry is None or len(inputs) > 2:
        return None
    i = concrete_int(inputs[1]) if len(inputs) == 2 else concrete_int(entry)
    n = inputs[0].type.shape[0]
    if i is None or n is None or not -n <= i < n:
        return None
    return static_entries(inputs[0])[i]


def _is_cast(op) -> bool:
    return type(op.scalar_op).__name__ == "Cast"


def int_vector(lengths):
    """Return a sequence of integers and 0-d integer variables as one int64 vector."""
    known = [concrete_int(n) for n in lengths]
    if None not in known:
        return constant(np.array(known, dtype="int64"))
    return make_vector(*[_cast_to(as_length(n), "int64") for n in lengths])


def as_length(n):
    """Return a length as a 0-d integer variable.

    Raises
    ------
    TypeError
        If `n` is not an integer, or not 0-d.
    """
    value = n if hasattr(n, "type") else concrete_int(n)
    if value is not None and not hasattr(n, "type"):
        return length_constant(value)
    var = as_tensor_variable(n)
    if var.type.dtype not in discrete_dtypes:
        raise TypeError(f"Shapes must be scalar integers; got {n} of dtype {var.type.dtype}")
    if var.type.ndim:
        raise TypeError(f"Shapes must be scalar integers; got {n} with {var.type.ndim} axes")
    return var
