# ruff: noqa: E402, F811  (the order of imports is the order of the layers; functions hide modules)
"""Symbolic arrays: `import pytensor.tensor as pt` and use it as `numpy`.

basic      making, joining and rearranging arrays
elemwise   scalar Ops on every element; math, special: the functions made of them
shape      shapes, reshape; reshape: joining and splitting axes
subtensor  indexing and assignment
blas, linalg, random, signal, optimize ...   loaded at first use
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Union

from numpy import e, euler_gamma, inf, nan, newaxis, pi

from pytensor.graph.basic import Constant, Variable
from pytensor.graph.rewriting.stages import optdb as _optdb
from pytensor.tensor import _convert, exceptions, utils
from pytensor.tensor._convert import (
    TensorLike,
    _as_tensor_variable,
    _get_vector_length,
    _get_vector_length_Constant,
    as_tensor_variable,
    get_vector_length,
)

as_tensor = as_tensor_variable

# The variables' operators come last but before the modules that use them at import.
from pytensor.tensor import (  # isort: skip
    type,
    variable,
    type_other,
    elemwise,
    shape,
    basic,
    math,
    _operators,
    sharedvar,
    subtensor,
    sort,
    extra_ops,
    special,
    reshape,
    einsum,
    functional,
    pad,
)
from pytensor.tensor.type import *  # isort: skip
from pytensor.tensor.type import DenseTensorType  # isort: skip
from pytensor.tensor.variable import TensorConstant, TensorVariable  # isort: skip
from pytensor.tensor.basic import *  # isort: skip
from pytensor.tensor.basic import cast, infer_static_shape  # isort: skip
from pytensor.tensor.math import *  # isort: skip
from pytensor.tensor.shape import (  # isort: skip
    reshape,
    shape,
    shape_padaxis,
    shape_padleft,
    shape_padright,
    specify_broadcastable,
    specify_shape,
)
from pytensor.tensor.extra_ops import *  # isort: skip
from pytensor.tensor.special import logaddexp, logsumexp  # isort: skip
from pytensor.tensor.reshape import join_dims, pack, split_dims, unpack  # isort: skip
from pytensor.tensor.sort import argsort, sort  # isort: skip
from pytensor.tensor.subtensor import *  # isort: skip
from pytensor.tensor.einsum import einsum  # isort: skip
from pytensor.tensor.functional import vectorize  # isort: skip
from pytensor.tensor.pad import pad  # isort: skip
from pytensor.tensor.type_other import *  # isort: skip

# Methods whose functions are in modules above `_operators`.
_operators.attach(
    __getitem__=subtensor.getitem,
    take=subtensor.take,
    sort=sort,
    argsort=argsort,
    cumsum=extra_ops.cumsum,
    cumprod=extra_ops.cumprod,
    repeat=extra_ops.repeat,
    searchsorted=extra_ops.searchsorted,
    squeeze=extra_ops.squeeze,
    compress=lambda self, a, axis=None: extra_ops.compress(self, a, axis=axis),
    set=lambda self, y, **kwargs: subtensor.set_subtensor(self, y, **kwargs),
    inc=lambda self, y, **kwargs: subtensor.inc_subtensor(self, y, **kwargs),
)

# Imported at the first query for rewrites.
_optdb.add_rule_modules("pytensor.tensor.rewriting")

# Modules that most programs do not need, imported when they are asked for.
_LAZY_MODULES = frozenset(
    [
        "blas",
        "blas_c",
        "blockwise",
        "conv",
        "fft",
        "fourier",
        "interpolate",
        "linalg",
        "nlinalg",
        "optimize",
        "random",
        "rewriting",
        "signal",
        "slinalg",
        "symbolic",
        "xlogx",
        "optimize",
    ]
)
# Names that live in such modules, or above this package.
_LAZY_NAMES = {
    "grad": "pytensor.gradient",
    "hessian": "pytensor.gradient",
    "jacobian": "pytensor.gradient",
    "interp": "pytensor.tensor.interpolate",
    "interpolate1d": "pytensor.tensor.interpolate",
}


def __getattr__(name: str):
    path = _LAZY_NAMES.get(name) or (f"{__name__}.{name}" if name in _LAZY_MODULES else None)
    try:
        if path is None:
            raise ModuleNotFoundError(name=path)
        module = importlib.import_module(path)
    except ModuleNotFoundError as exc:
        if exc.name != path:
            raise
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
    value = getattr(module, name) if name in _LAZY_NAMES else module
    globals()[name] = value
    return value
