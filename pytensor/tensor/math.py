# ruff: noqa: F401, F403, F405  (a facade: names are imported to be exported)
"""Mathematics on arrays.

A facade: elementwise functions are in ``_math_ops`` and ``_functions``, reductions in
``_reductions`` and ``_statistics``, products in ``_dot``.
"""

from __future__ import annotations

from pytensor.tensor import _closeness, _functions, _math_ops, _statistics
from pytensor.tensor import _dot as _dot_module
from pytensor.tensor._alloc import alloc
from pytensor.tensor._closeness import *
from pytensor.tensor._closeness import (
    _allclose,
    _get_atol_rtol,
    float16_atol,
    float16_rtol,
    float32_atol,
    float32_rtol,
    float64_atol,
    float64_rtol,
)
from pytensor.tensor._convert import as_tensor_variable, constant
from pytensor.tensor._dot import (
    Dot,
    _dot,
    _matmul,
    dense_dot,
    dot,
    matmul,
    matvec,
    outer,
    tensordot,
    vecdot,
    vecmat,
    vectorize_node_dot,
)
from pytensor.tensor._functions import *
from pytensor.tensor._math_ops import *
from pytensor.tensor._math_ops import ALIASES, _conj
from pytensor.tensor._reductions import (
    All,
    Any,
    Argmax,
    FixedOpCAReduce,
    Max,
    MaxAndMinCAReduce,
    Min,
    MulWithoutZeros,
    NonZeroDimsCAReduce,
    Prod,
    ProdWithoutZeros,
    Sum,
    mul_without_zeros,
    vectorize_argmax_node,
)
from pytensor.tensor._statistics import *
from pytensor.tensor._statistics import makeKeepDims
from pytensor.tensor.elemwise import CAReduce, DimShuffle, Elemwise, scalar_elemwise
from pytensor.tensor.type import (
    complex_dtypes,
    continuous_dtypes,
    discrete_dtypes,
    float_dtypes,
    int_dtypes,
    integer_dtypes,
    uint_dtypes,
)

_abs = abs
digamma = psi

_NOT_IN_MATH = {"second", "fill", "identity", "tensor_copy", "switch", "isnan_", "isinf_", "_conj"}
_PRODUCTS = [
    "dense_dot",
    "dot",
    "matmul",
    "matvec",
    "outer",
    "tensordot",
    "vecdot",
    "vecmat",
]
__all__ = sorted(
    {n for n in _math_ops.__all__ if n not in _NOT_IN_MATH}
    | set(_closeness.__all__)
    | set(_functions.__all__)
    | set(_statistics.__all__) - {"makeKeepDims"}
    | set(_PRODUCTS)
)
