"""Shapes as variables, statements about shapes, and `reshape`."""

from __future__ import annotations

from pytensor.graph.basic import Constant, Variable
from pytensor.tensor._convert import as_tensor_variable
from pytensor.tensor._dimshuffle import dimshuffle
from pytensor.tensor._reshape import Reshape, _vectorize_reshape, infer_static_shape, reshape
from pytensor.tensor._shape_ops import (
    Shape,
    Shape_i,
    _shape,
    length,
    length_constant,
    shape,
    shape_i,
    shape_tuple,
)
from pytensor.tensor._specify import (
    SpecifyShape,
    _specify_shape,
    _vectorize_specify_shape,
    specify_broadcastable,
    specify_shape,
)
from pytensor.tensor.type_other import NoneConst

ShapeValueType = "None | ellipsis | np.integer | int | Variable"


def shape_padleft(t, n_ones=1):
    """Return `t` with `n_ones` new axes of length 1 on the left.

    Examples
    --------
    >>> pt.shape_padleft([1, 2], 2).eval().shape
    (1, 1, 2)
    """
    t = as_tensor_variable(t)
    return dimshuffle(t, ["x"] * n_ones + list(range(t.type.ndim)))


def shape_padright(t, n_ones=1):
    """Return `t` with `n_ones` new axes of length 1 on the right.

    Examples
    --------
    >>> pt.shape_padright([1, 2], 2).eval().shape
    (2, 1, 1)
    """
    t = as_tensor_variable(t)
    return dimshuffle(t, list(range(t.type.ndim)) + ["x"] * n_ones)


def shape_padaxis(t, axis):
    """Return `t` with a new axis of length 1 at position `axis`.

    Examples
    --------
    >>> pt.shape_padaxis([1, 2], 0).eval().tolist()
    [[1, 2]]
    """
    t = as_tensor_variable(t)
    ndim = t.type.ndim + 1
    if not -ndim <= axis < ndim:
        raise IndexError(f"axis {axis} is out of bounds [-{ndim}, {ndim})")
    order: list = list(range(t.type.ndim))
    order.insert(axis % ndim, "x")
    return dimshuffle(t, order)


def register_shape_c_code(type, code, version=()):
    """Do nothing: C code belongs to the C backend's dispatch."""


def register_shape_i_c_code(typ, code, check_input, version=()):
    """Do nothing: C code belongs to the C backend's dispatch."""


__all__ = [
    "Constant",
    "NoneConst",
    "Reshape",
    "Shape",
    "Shape_i",
    "SpecifyShape",
    "Variable",
    "_shape",
    "_specify_shape",
    "_vectorize_reshape",
    "_vectorize_specify_shape",
    "infer_static_shape",
    "length",
    "length_constant",
    "register_shape_c_code",
    "register_shape_i_c_code",
    "reshape",
    "shape",
    "shape_i",
    "shape_padaxis",
    "shape_padleft",
    "shape_padright",
    "shape_tuple",
    "specify_broadcastable",
    "specify_shape",
]
