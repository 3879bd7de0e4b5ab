"""Types of numbers: one `ScalarType` per dtype, and how dtypes combine."""

from __future__ import annotations

import builtins
from contextlib import suppress
from functools import lru_cache
from typing import Any

import numpy as np

from pytensor.configdefaults import config
from pytensor.graph.type import HasDataType, HasShape, Type

_DTYPES = (
    *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    *("float16", "float32", "float64", "complex64", "complex128"),
)


@lru_cache(maxsize=4096)
def _upcast(dtypes: tuple[str, ...]) -> str:
    result = np.result_type(*map(np.dtype, dtypes)).name
    if result not in _DTYPES:
        raise TypeError(f"[upcast] dtypes must be of numbers, got {dtypes}")
    return result


def upcast(dtype, *dtypes) -> str:
    """Return the dtype that NumPy gives to a sum of arrays of these dtypes.

    Under ``cast_policy="numpy+floatX"`` with ``floatX="float32"``, float64 is only the answer
    when it is among the arguments.

    Examples
    --------
    >>> upcast("int8", "uint8"), upcast("int64", "float32")
    ('int16', 'float64')
    """
    result = _upcast((dtype, *dtypes))
    if (
        result == "float64"
        and config.cast_policy == "numpy+floatX"
        and config.floatX == "float32"
        and "float64" not in (dtype, *dtypes)
    ):
        return "float32"
    return result


def as_common_dtype(*values) -> tuple:
    """Return the values as NumPy arrays of one dtype, that of their sum."""
    dtype = np.result_type(*values)
    return tuple(np.asarray(value, dtype=dtype) for value in values)


class ScalarType(Type, HasDataType, HasShape):
    """The type of a number of one dtype. Its values are NumPy scalars.

    Parameters
    ----------
    dtype
        A NumPy dtype or its name, or ``"floatX"``.
    """

    __props__ = ("dtype",)
    ndim = 0
    shape = ()
    dtype: str

    def __init__(self, dtype):
        if isinstance(dtype, str) and dtype == "floatX":
            dtype = config.floatX
        else:
            with suppress(TypeError):  # said below
                dtype = np.dtype(dtype).name
        if not isinstance(dtype, str) or dtype not in _DTYPES:
            raise TypeError(f"Unsupported dtype for {type(self).__name__}: {dtype}")
        self.dtype = dtype
        self.numpy_dtype = np.dtype(dtype)
        self._hash = hash((ScalarType, dtype))

    def __eq__(self, other):
        return self is other or (type(other) is type(self) and other.dtype == self.dtype)

    def __hash__(self):
        return self._hash

    def __reduce__(self):
        return get_scalar_type, (self.dtype,)

    def __str__(self):
        return str(self.dtype)

    def __repr__(self):
        return f"ScalarType({self.dtype})"

    def clone(self, dtype=None, **kwargs):
        """Return the type of numbers of another dtype."""
        return self if dtype is None else get_scalar_type(np.dtype(dtype).name)

    def filter(
        self, data: Any, strict: builtins.bool = False, allow_downcast: builtins.bool | None = None
    ):
        """Return `data` as a NumPy scalar of this dtype; see `Type.filter`.

        Without `allow_downcast` a conversion must keep the value. A Python float may lose digits
        when this is the dtype `config.floatX`.
        """
        py_type = self.numpy_dtype.type
        if isinstance(data, py_type):
            return data
        if strict:
            raise TypeError(
                f"[ScalarType] value must be a {py_type.__name__}, got {data!r} "
                f"of type {type(data).__name__}"
            )
        try:
            converted = np.asarray(data).astype(self.dtype)
        except (TypeError, ValueError, OverflowError) as err:
            raise self._refuse(data) from err
        if converted.ndim:
            raise TypeError(f"[ScalarType] value must be a number, got shape {converted.shape}")
        converted = converted[()]
        if allow_downcast or self._keeps(data, converted, allow_downcast):
            return converted
        raise self._refuse(data)

    def _keeps(self, data, converted, allow_downcast) -> builtins.bool:
        if upcast(self.dtype, np.asarray(data).dtype.name) == self.dtype:
            return True
        if allow_downcast is None and type(data) is float and self.dtype == config.floatX:
            return True
        return builtins.bool(np.asarray(data) == converted)

    def _refuse(self, data) -> TypeError:
        return TypeError(f"Could not convert {type(data)} (value={data}) to {self.dtype}")

    @staticmethod
    def values_eq_approx(a, b, tolerance=1e-4) -> builtins.bool:
        if np.isnan(a) and np.isnan(b):
            return True
        return a == b or builtins.bool(abs(a - b) <= tolerance * max(abs(a), abs(b)))

    def get_shape_info(self, obj) -> int:
        return np.dtype(self.dtype).itemsize

    def get_size(self, shape_info) -> int:
        return shape_info

    def dtype_specs(self) -> tuple[type, str, str]:
        """Return the NumPy scalar class and the names NumPy's C code gives to the dtype."""
        name = self.dtype
        number = name.lstrip("abcdefghijklmnopqrstuvwxyz")
        kind = name[: len(name) - len(number)]
        c_kind = {"uint": "UInt"}.get(kind, kind.capitalize())
        return self.numpy_dtype.type, f"npy_{name}", c_kind + number

    def upcast(self, *others) -> str:
        return upcast(*[x.dtype for x in (self, *others)])


_types = {dtype: ScalarType(dtype) for dtype in _DTYPES}


def get_scalar_type(dtype, cache: dict[str, ScalarType] = _types) -> ScalarType:
    """Return the one `ScalarType` of `dtype`."""
    try:
        return cache[dtype]
    except (KeyError, TypeError):
        return cache[ScalarType(dtype).dtype]


bool: ScalarType = _types["bool"]
int8: ScalarType = _types["int8"]
int16: ScalarType = _types["int16"]
int32: ScalarType = _types["int32"]
int64: ScalarType = _types["int64"]
uint8: ScalarType = _types["uint8"]
uint16: ScalarType = _types["uint16"]
uint32: ScalarType = _types["uint32"]
uint64: ScalarType = _types["uint64"]
float16: ScalarType = _types["float16"]
float32: ScalarType = _types["float32"]
float64: ScalarType = _types["float64"]
complex64: ScalarType = _types["complex64"]
complex128: ScalarType = _types["complex128"]

int_types = (int8, int16, int32, int64)
uint_types = (uint8, uint16, uint32, uint64)
integer_types = int_types + uint_types
float_types = (float16, float32, float64)
complex_types = (complex64, complex128)
discrete_types = (bool, *integer_types)
continuous_types = float_types + complex_types
all_types = discrete_types + continuous_types
discrete_dtypes = tuple(t.dtype for t in discrete_types)
"""The types by what they can hold."""

__all__ = [
    "ScalarType",
    "all_types",
    "as_common_dtype",
    "bool",
    "complex64",
    "complex128",
    "complex_types",
    "continuous_types",
    "discrete_dtypes",
    "discrete_types",
    "float16",
    "float32",
    "float64",
    "float_types",
    "get_scalar_type",
    "int8",
    "int16",
    "int32",
    "int64",
    "int_types",
    "integer_types",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "uint_types",
    "upcast",
]  # fmt: skip
