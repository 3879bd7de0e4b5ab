"""Finding the constant behind an expression without computing it."""

from __future__ import annotations

import numpy as np

import pytensor.scalar.basic as ps
from pytensor.graph.basic import Constant, Variable
from pytensor.tensor._alloc import Alloc
from pytensor.tensor._convert import as_tensor_variable
from pytensor.tensor._dimshuffle import DimShuffle
from pytensor.tensor._elemwise import Elemwise
from pytensor.tensor._joining import Join
from pytensor.tensor._make_vector import MakeVector
from pytensor.tensor._reshape import Reshape
from pytensor.tensor._scalar_tensor import ScalarFromTensor, TensorFromScalar
from pytensor.tensor._shape_ops import Shape, Shape_i
from pytensor.tensor._specify import SpecifyShape
from pytensor.tensor.exceptions import NotScalarConstantError
from pytensor.tensor.variable import TensorConstant

# Ops that hand on the value of their first input.
_PASS_ON = (Alloc, DimShuffle, Reshape, SpecifyShape, ScalarFromTensor, TensorFromScalar)

# Scalar Ops cheap enough to evaluate here.
_scalar_constant_value_elemwise_ops = (
    ps.Cast,
    ps.Switch,
    ps.NEQ,
    ps.EQ,
    ps.LT,
    ps.GT,
    ps.LE,
    ps.GE,
    ps.Sub,
    ps.Add,
    ps.Mod,
    ps.Mul,
    ps.IntDiv,
    ps.TrueDiv,
    ps.Minimum,
    ps.Maximum,
)


def get_underlying_scalar_constant_value(
    v, *, elemwise=True, only_process_constants=False, max_recur=10, raise_not_constant=True
):
    """Return the one value that all elements of `v` have, if it is known.

    Parameters
    ----------
    v : variable or number
    elemwise
        Evaluate cheap elementwise Ops of constants.
    only_process_constants
        Look at constants only, not at expressions.
    max_recur
        How many Ops deep to look.
    raise_not_constant
        Raise if there is no such value; otherwise return `v`.

    Returns
    -------
    A 0-d array or NumPy scalar.

    Raises
    ------
    NotScalarConstantError
        If the value is not known, or there are several.

    Examples
    --------
    >>> pt.get_underlying_scalar_constant_value(pt.full((2, 3), 7)).item()
    7
    """
    try:
        return _underlying(v, elemwise, only_process_constants, max_recur)
    except NotScalarConstantError:
        if raise_not_constant:
            raise
        return v


def get_scalar_constant_value(
    v, elemwise=True, only_process_constants=False, max_recur=10, raise_not_constant: bool = True
):
    """Return the value of a constant 0-d variable, as a 0-d array.

    As `get_underlying_scalar_constant_value`, but `v` itself must be 0-d.

    Examples
    --------
    >>> pt.get_scalar_constant_value(pt.constant(2) + 3).item()
    5
    """
    if isinstance(v, (Variable, np.ndarray)) and v.ndim != 0:
        if raise_not_constant:
            raise NotScalarConstantError("Input ndim != 0")
        return v
    return get_underlying_scalar_constant_value(
        v,
        elemwise=elemwise,
        only_process_constants=only_process_constants,
        max_recur=max_recur,
        raise_not_constant=raise_not_constant,
    )


def extract_constant(x, elemwise=True, only_process_constants=False):
    """Return the value of a constant 0-d variable, or `x` if it is not one."""
    return get_scalar_constant_value(
        x,
        elemwise=elemwise,
        only_process_constants=only_process_constants,
        raise_not_constant=False,
    )


def _underlying(v, elemwise, only_constants, max_recur):
    while True:
        if v is None:
            raise NotScalarConstantError()
        if isinstance(v, (int, float, complex, np.number, np.bool_)):
            return np.asarray(v)
        if isinstance(v, np.ndarray):
            return _single_value(v)
        if isinstance(v, Constant):
            return _constant_value(v)
        if only_constants or not isinstance(v, Variable) or v.owner is None or max_recur <= 0:
            raise NotScalarConstantError()
        max_recur -= 1
        op, inputs = v.owner.op, v.owner.inputs
        if isinstance(op, _PASS_ON):
            # An array without elements has no value.
            if 0 in getattr(v.type, "shape", ()):
                raise NotScalarConstantError()
            v = inputs[0]
            continue
        if isinstance(op, Elemwise) and isinstance(op.scalar_op, ps.Second):
            # Second(shape, value): the value is what is read.
            v = inputs[1]
            continue
        if isinstance(op, Elemwise) and isinstance(op.scalar_op, ps.Identity):
            v = inputs[0]
            continue
        if isinstance(op, Shape_i):
            return _static_length(inputs[0].type.shape[op.i])
        return _value_of_op(v, op, inputs, elemwise, max_recur)


def _value_of_op(v, op, inputs, elemwise, max_recur):
    """The cases that need the values of several inputs."""
    scalar_op = op.scalar_op if isinstance(op, Elemwise) else op
    if isinstance(scalar_op, _scalar_constant_value_elemwise_ops):
        if not elemwise:
            raise NotScalarConstantError()
        values = [_underlying(i, elemwise, False, max_recur) for i in inputs]
        dtypes = [i.type.dtype for i in inputs]
        results = scalar_op.evaluate([x[()] for x in values], dtypes, [v.type.dtype])
        return np.asarray(results[0])
    if isinstance(op, (Join, MakeVector)):
        values = [_underlying(i, elemwise, False, max_recur) for i in inputs]
        if all(x == values[0] for x in values[1:]) and values:
            return np.asarray(values[0], dtype=v.type.dtype)
    element = _element_of(op, v, inputs)
    if element is not None:
        return _underlying(element, elemwise, False, max_recur)
    raise NotScalarConstantError()


def _element_of(op, v, inputs):
    """For ``vector[i]`` with a constant ``i``: the element itself, where the vector shows it."""
    if type(op).__name__ != "Subtensor" or v.type.ndim or inputs[0].type.ndim != 1:
        return None
    idx = _constant_index(op, inputs)
    source = inputs[0].owner
    if idx is None or source is None:
        return None
    if isinstance(source.op, MakeVector):
        return source.inputs[idx]
    if isinstance(source.op, Shape):
        return source.inputs[0].type.shape[idx]
    if isinstance(source.op, Join):
        # Of joined pieces of known length, the piece that holds the element.
        for piece in source.inputs:
            n = piece.type.shape[0]
            if n is None or idx < 0:
                return None
            if idx < n:
                return piece if n == 1 else piece[idx]
            idx -= n
    return None


def _constant_index(op, inputs) -> int | None:
    """The one constant integer index of a Subtensor."""
    [entry] = op.idx_list if len(op.idx_list) == 1 else [None]
    if isinstance(entry, slice) or entry is None:
        return None
    if len(inputs) == 1:
        return int(entry) if isinstance(entry, (int, np.integer)) else None
    return int(inputs[1].data) if isinstance(inputs[1], Constant) else None


def _constant_value(v):
    if isinstance(v, TensorConstant):
        value = v.unique_value
        if value is None:
            raise NotScalarConstantError()
        return value
    data = v.data
    if data is None or isinstance(data, (slice, str)):
        raise NotScalarConstantError()
    return _single_value(np.asarray(data))


def _single_value(data):
    if data.dtype == object:
        raise NotScalarConstantError()
    return _constant_value(as_tensor_variable(data)) if data.ndim else data


def _static_length(n):
    if n is None:
        raise NotScalarConstantError()
    return np.asarray(n, dtype="int64")
