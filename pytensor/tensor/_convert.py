"""Turning Python values and sequences into tensor variables.

`as_tensor_variable` dispatches on the class of its argument, so that other modules can teach it
their classes without being imported here.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import singledispatch
from numbers import Number
from typing import Union

import numpy as np

from pytensor.configdefaults import config
from pytensor.graph.basic import Apply, Constant, Variable
from pytensor.graph.op import Op
from pytensor.scalar.basic import ScalarConstant, ScalarVariable, convert
from pytensor.tensor.type import TensorType, tensor_type
from pytensor.tensor.utils import is_masked
from pytensor.tensor.variable import TensorConstant, TensorVariable

# Whatever `as_tensor_variable` accepts.
TensorLike = Union[Variable, Sequence[Variable], "ArrayLike"]  # noqa: F821


def as_tensor_variable(x, name: str | None = None, ndim: int | None = None, **kwargs):
    """Return `x` as a tensor variable.

    Parameters
    ----------
    x : variable, number, array or sequence of these
        A variable is returned as it is, a value becomes a constant.
    name
        Name of the result if it is a new variable.
    ndim
        Return a variable with this many axes: length-1 axes are added or removed on the left.
    **kwargs
        ``dtype`` of a constant made from a value.

    Raises
    ------
    TypeError
        If `x` is of a class that is no array, or if removing an axis would lose elements.

    Examples
    --------
    >>> as_tensor_variable([1.0, 2.0]).type
    TensorType(float64, shape=(2,))
    """
    return _as_tensor_variable(x, name, ndim, **kwargs)


@singledispatch
def _as_tensor_variable(x, name: str | None, ndim: int | None, **kwargs) -> TensorVariable:
    raise NotImplementedError(f"Cannot convert {x!r} to a tensor variable.")


@singledispatch
def _get_vector_length(op, var) -> int:
    """Return the length of the vector `var`, an output of `op`."""
    raise ValueError(f"Length of {var} cannot be determined")


def get_vector_length(v) -> int:
    """Return the length of a vector, if it is known when the graph is built.

    Raises
    ------
    ValueError
        If the length is not known.
    TypeError
        If `v` is not a vector.

    Examples
    --------
    >>> pt.get_vector_length(pt.matrix("x").shape)
    2
    """
    v = as_tensor_variable(v)
    if v.type.ndim != 1:
        raise TypeError(f"Argument must be a vector; got {v.type}")
    if v.type.shape[0] is not None:
        return v.type.shape[0]
    if isinstance(v, Constant):
        return len(v.data)
    if v.owner is not None:
        return _get_vector_length(v.owner.op, v)
    raise ValueError(f"Length of {v} cannot be determined")


def constant(x, name=None, ndim=None, dtype=None) -> TensorConstant:
    """Return a `TensorConstant` with the value of `x`.

    Parameters
    ----------
    x : number or array
        Python numbers become the smallest integer type, and the smallest float type from float32
        up, that holds them exactly (``config.cast_policy``); they do not widen other operands.
    name : str, optional
    ndim : int, optional
        Add length-1 axes on the left to have this many.
    dtype : optional
        Convert to this dtype.

    Raises
    ------
    TypeError
        If `x` is a variable that is not a constant, or not numeric.

    Examples
    --------
    >>> pt.constant([1, 2], dtype="float32", name="c").data.tolist()
    [1.0, 2.0]
    """
    if isinstance(x, TensorConstant):
        unchanged = (
            (name is None or x.name == name)
            and (ndim is None or x.ndim == ndim)
            and (dtype is None or x.dtype == dtype)
        )
        if unchanged:
            return x
        data = x.data
    elif isinstance(x, Constant):
        data = x.data
    elif isinstance(x, Variable):
        raise TypeError(f"The value of a constant must be a number or an array, got variable {x}")
    else:
        data = x
    data = _constant_data(data, dtype)
    if ndim is not None and data.ndim != ndim:
        if data.ndim > ndim:
            raise ValueError(f"ndarray could not be cast to constant with {ndim} dimensions")
        data = data.reshape((1,) * (ndim - data.ndim) + data.shape)
    return TensorConstant(tensor_type(data.dtype.name, data.shape), data, name=name)


def _constant_data(x, dtype) -> np.ndarray:
    if is_masked(x):
        raise NotImplementedError("MaskedArrays are not supported")
    if isinstance(x, (np.ndarray, np.generic)):
        if x.dtype.kind not in "biufc" or x.dtype.name not in _SUPPORTED:
            raise TypeError(f"Unsupported dtype for TensorType: {x.dtype}")
        # Native byte order. A copy, so that later changes of `x` do not reach the graph.
        target = np.dtype(x.dtype.name if dtype is None else dtype)
        return np.array(x, dtype=target, copy=True, subok=False)
    if isinstance(x, Number):
        data = np.asarray(convert(x, dtype=dtype))
    else:
        data = np.asarray(x)
        if dtype is None and data.size == 0 and data.dtype == np.float64:
            # NumPy's default for an empty list says nothing about the user's intention.
            dtype = config.floatX
        data = data if dtype is None else data.astype(dtype)
    if data.dtype.name not in _SUPPORTED:
        raise TypeError(f"Unsupported dtype for TensorType: {data.dtype}")
    return data


_SUPPORTED = frozenset(
    [
        "bool",
        "int8",
        "int16",
        "int32",
        "int64",
        "uint8",
        "uint16",
        "uint32",
        "uint64",
        "float16",
        "float32",
        "float64",
        "complex64",
        "complex128",
    ]
)


def _with_ndim(x: TensorVariable, ndim: int | None) -> TensorVariable:
    """Add or remove length-1 axes on the left."""
    if ndim is None or x.type.ndim == ndim:
        return x
    if x.type.ndim < ndim:
        return x.dimshuffle(["x"] * (ndim - x.type.ndim) + list(range(x.type.ndim)))
    extra = x.type.ndim - ndim
    if not all(x.type.broadcastable[:extra]):
        raise ValueError(f"Tensor of type {x.type} could not be cast to have {ndim} dimensions")
    return x.dimshuffle(list(range(extra, x.type.ndim)))


@_as_tensor_variable.register(Variable)
def _as_tensor_Variable(x, name, ndim, **kwargs):
    if not isinstance(x.type, TensorType):
        raise TypeError(
            f"Tensor type field must be a TensorType; found {type(x.type)} of variable {x}."
        )
    return x if ndim is None else _with_ndim(x, ndim)


@_as_tensor_variable.register(Apply)
def _as_tensor_Apply(x, name, ndim, **kwargs):
    # Several outputs of which one is the default are as good as one.
    if len(x.outputs) != 1 and x.op.default_output is None:
        raise TypeError(
            "Multi-output Op without default_output encountered. "
            "Retry using only one of the outputs directly."
        )
    return as_tensor_variable(x.default_output(), name=name, ndim=ndim, **kwargs)


@_as_tensor_variable.register(np.ndarray)
@_as_tensor_variable.register(np.generic)
@_as_tensor_variable.register(Number)
def _as_tensor_numbers(x, name, ndim, dtype=None, **kwargs):
    return constant(x, name=name, ndim=ndim, dtype=dtype)


@_as_tensor_variable.register(bool)
def _as_tensor_bool(x, name, ndim, **kwargs):
    raise TypeError(
        "Cannot cast True or False as a tensor variable. Please use "
        "np.array(True) or np.array(False) if you need these constants. "
        "This error might be caused by using the == operator on Variables. "
        "v == w does not do what you think it does, use pytensor.tensor.eq(v, w) instead."
    )


@_as_tensor_variable.register(range)
def _as_tensor_range(x: range, name, ndim, dtype=None, **kwargs):
    return constant(np.arange(x.start, x.stop, x.step), name=name, ndim=ndim, dtype=dtype)


@_get_vector_length.register(Op)
def _get_vector_length_unknown(op, var):
    raise ValueError(f"Length of {var} cannot be determined")


@_get_vector_length.register(Constant)
def _get_vector_length_Constant(op, var) -> int:
    return len(var.data)


def is_scalar_variable(x) -> bool:
    """Whether `x` is a variable or constant of a `ScalarType`."""
    return isinstance(x, (ScalarVariable, ScalarConstant))
