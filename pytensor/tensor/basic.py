# ruff: noqa: F401  (a facade: names are imported to be exported)
"""Making, joining, indexing-free rearranging and inspecting of arrays.

A facade: the definitions are in the modules whose names begin with an underscore, one a subject.
"""

from __future__ import annotations

import numpy as np

import pytensor.tensor._batching
from pytensor.scalar.basic import int32
from pytensor.tensor import _math_ops
from pytensor.tensor._alloc import (
    Alloc,
    AllocEmpty,
    _get_vector_length_Alloc,
    alloc,
    empty,
    empty_like,
    full,
    full_like,
    ones,
    ones_like,
    vectorize_alloc,
    zeros,
    zeros_like,
)
from pytensor.tensor._axes import (
    atleast_1d,
    atleast_2d,
    atleast_3d,
    atleast_Nd,
    expand_dims,
    flatten,
    is_flat,
    matrix_transpose,
    moveaxis,
    roll,
    swapaxes,
    tile,
    transpose,
)
from pytensor.tensor._batching import vectorize_join, vectorize_make_vector, vectorize_split
from pytensor.tensor._constant_value import (
    _scalar_constant_value_elemwise_ops,
    extract_constant,
    get_scalar_constant_value,
    get_underlying_scalar_constant_value,
)
from pytensor.tensor._convert import (
    _as_tensor_variable,
    _get_vector_length,
    as_tensor_variable,
    constant,
    get_vector_length,
)
from pytensor.tensor._diag import (
    AllocDiag,
    ExtractDiag,
    alloc_diag,
    diag,
    diagonal,
    extract_diag,
    trace,
    vectorize_extract_diag,
)
from pytensor.tensor._infer_shape_db import (
    CachedEquilibrimDB,
    infer_shape_db,
    register_infer_shape,
)
from pytensor.tensor._joining import (
    Join,
    Split,
    _validate_axis_argument,
    concatenate,
    horizontal_stack,
    join,
    split,
    stack,
    stacklists,
    vertical_stack,
)
from pytensor.tensor._make_vector import MakeVector, make_vector
from pytensor.tensor._math_ops import cast_op, fill, identity, second, switch, tensor_copy
from pytensor.tensor._ranges import (
    ARange,
    Eye,
    _nd_grid,
    arange,
    eye,
    identity_like,
    mgrid,
    ogrid,
    tri,
    tril,
    tril_indices,
    tril_indices_from,
    triu,
    triu_indices,
    triu_indices_from,
)
from pytensor.tensor._reshape import infer_static_shape
from pytensor.tensor._scalar_tensor import (
    ScalarFromTensor,
    TensorFromScalar,
    scalar_from_tensor,
    tensor_from_scalar,
    vectorize_scalar_from_tensor,
    vectorize_tensor_from_scalar,
)
from pytensor.tensor._selection import (
    Choose,
    Nonzero,
    PermuteRowElements,
    _make_along_axis_idx,
    _nonzero,
    choose,
    flatnonzero,
    inverse_permutation,
    ix_,
    nonzero,
    nonzero_values,
    permute_row_elements,
    take_along_axis,
    where,
)
from pytensor.tensor.elemwise import DimShuffle, Elemwise, scalar_elemwise
from pytensor.tensor.exceptions import NotScalarConstantError
from pytensor.tensor.shape import Shape, Shape_i, shape, shape_padleft, shape_tuple, specify_shape
from pytensor.tensor.type import (
    TensorType,
    all_dtypes,
    discrete_dtypes,
    float_dtypes,
    int_dtypes,
    integer_dtypes,
    uint_dtypes,
)
from pytensor.tensor.variable import TensorConstant, TensorVariable

_cast_mapping = {dtype: cast_op(dtype) for dtype in all_dtypes}
globals().update({f"_convert_to_{dtype}": op for dtype, op in _cast_mapping.items()})

as_tensor = as_tensor_variable


def cast(x, dtype):
    """Return `x` converted to `dtype` (``"floatX"`` is allowed); `x` itself if it has it.

    Raises
    ------
    TypeError
        For a complex `x` and a real `dtype`: say which part is meant.

    Examples
    --------
    >>> pt.cast([1.7, -1.7], "int64").eval().tolist()
    [1, -1]
    """
    dtype = _math_ops.ps.get_scalar_type(dtype).dtype
    x = as_tensor_variable(x)
    if x.type.dtype == dtype:
        return x
    if x.type.dtype.startswith("complex") and not dtype.startswith("complex"):
        raise TypeError(
            "Casting from complex to real is ambiguous: consider real(), imag(), angle() or abs()"
        )
    return _cast_mapping[dtype](x)


_transfer_functions: list = []


def register_transfer(fn):
    """Register ``fn(variable, target)``, which returns a transferred variable or None."""
    _transfer_functions.append(fn)


def transfer(var, target):
    """Return `var` on another device; ``"cpu"`` is where every array is.

    Raises
    ------
    ValueError
        For a device that nobody registered.

    Examples
    --------
    >>> x = pt.vector("x")
    >>> pt.transfer(x, "cpu") is x
    True
    """
    if target == "cpu":
        return as_tensor_variable(var)
    for fn in _transfer_functions:
        moved = fn(var, target)
        if moved is not None:
            return moved
    raise ValueError(f"Can't transfer to target {target}")


def _obj_is_wrappable_as_tensor(x) -> bool:
    """Whether `as_tensor_variable` accepts `x`."""
    try:
        constant(x)
    except (TypeError, NotImplementedError, ValueError):
        return False
    return True


__all__ = [
    "alloc",
    "arange",
    "as_tensor",
    "as_tensor_variable",
    "atleast_1d",
    "atleast_2d",
    "atleast_3d",
    "atleast_Nd",
    "cast",
    "choose",
    "concatenate",
    "constant",
    "diag",
    "diagonal",
    "empty",
    "empty_like",
    "expand_dims",
    "extract_diag",
    "eye",
    "fill",
    "flatnonzero",
    "flatten",
    "full",
    "full_like",
    "get_scalar_constant_value",
    "get_underlying_scalar_constant_value",
    "get_vector_length",
    "horizontal_stack",
    "identity",
    "identity_like",
    "inverse_permutation",
    "is_flat",
    "join",
    "matrix_transpose",
    "mgrid",
    "moveaxis",
    "nonzero",
    "nonzero_values",
    "ogrid",
    "ones",
    "ones_like",
    "permute_row_elements",
    "roll",
    "scalar_from_tensor",
    "second",
    "split",
    "stack",
    "stacklists",
    "swapaxes",
    "switch",
    "take_along_axis",
    "tensor_copy",
    "tensor_from_scalar",
    "tile",
    "trace",
    "transfer",
    "transpose",
    "tri",
    "tril",
    "tril_indices",
    "tril_indices_from",
    "triu",
    "triu_indices",
    "triu_indices_from",
    "vertical_stack",
    "where",
    "zeros",
    "zeros_like",
]
