"""Variables and constants that hold numbers, and how Python numbers become constants."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Sequence
from contextlib import ContextDecorator
from types import SimpleNamespace
from typing import Any

import numpy as np

from pytensor.configdefaults import config
from pytensor.graph.basic import Apply, Constant, Variable
from pytensor.scalar.type import ScalarType, get_scalar_type

ops = SimpleNamespace()
"""All scalar ops by name, filled in as their modules define them: operators and derivatives find them here."""


def define(**named):
    """Put ops into `ops`."""
    vars(ops).update(named)


def _operator(name: str, reflected: bool = False):
    if reflected:
        return lambda self, other: getattr(ops, name)(other, self)
    return lambda self, *others: getattr(ops, name)(self, *others)


class _scalar_py_operators:
    """Python's operators for scalar variables. ``==`` stays identity: variables are dictionary keys."""

    __slots__ = ()
    ndim = 0
    type: Any

    @property
    def dtype(self) -> str:
        return self.type.dtype

    @property
    def shape(self) -> tuple:
        return ()

    def astype(self, dtype):
        return ops.cast(self, dtype)

    def zeros_like(self, dtype=None):
        return self._filled(0, dtype)

    def ones_like(self, dtype=None):
        return self._filled(1, dtype)

    def _filled(self, value, dtype):
        return ops.second(self, constant(value, dtype=np.dtype(dtype or self.type.dtype).name))

    def __bool__(self):
        raise TypeError(
            "[ScalarVariable] the truth of a symbolic number is not known before it is computed"
        )

    __neg__ = _operator("neg")
    __abs__ = _operator("abs")
    __invert__ = _operator("invert")

    for _symbol, _name in {
        "add": "add", "sub": "sub", "mul": "mul", "truediv": "true_div", "floordiv": "int_div",
        "mod": "mod_check", "pow": "pow", "and": "and_", "or": "or_", "xor": "xor",
    }.items():  # fmt: skip
        locals()[f"__{_symbol}__"] = _operator(_name)
        locals()[f"__r{_symbol}__"] = _operator(_name, reflected=True)
    for _name in ("lt", "le", "gt", "ge"):
        locals()[f"__{_name}__"] = _operator(_name)
    del _symbol, _name


class ScalarVariable(_scalar_py_operators, Variable):
    """A symbolic number."""


class ScalarConstantSignature(tuple):
    """What two equal scalar constants have in common: type and bytes (so 0.0 is not -0.0, NaN is NaN)."""

    __slots__ = ()


class ScalarConstant(ScalarVariable, Constant):
    """A number in a graph."""

    def __init__(self, type, data, name=None):
        Constant.__init__(self, type, data, name)

    def __str__(self):
        return str(self.data) if self.name is None else f"{self.name}{{{self.data}}}"

    def signature(self):
        return ScalarConstantSignature((self.type, np.asarray(self.data).tobytes()))


ScalarType.variable_type = ScalarVariable
ScalarType.constant_type = ScalarConstant


class NumpyAutocaster:
    """Gives a Python number the first of `dtypes` that holds it exactly.

    For floats `config.floatX` bounds the search: what does not fit exactly in a smaller dtype gets floatX.
    """

    def __init__(self, dtypes):
        self.dtypes = tuple(dtypes)

    def __call__(self, x):
        if config.cast_policy == "numpy+floatX":
            return self._numpy(x)
        if hasattr(x, "dtype"):
            return np.asarray(x)
        for dtype in self.dtypes:
            if dtype == "float16" and config.floatX != "float16" and len(self.dtypes) > 1:
                continue  # half precision is only for who asks for it
            if dtype == config.floatX and isinstance(x, float):
                with np.errstate(over="ignore"):
                    return np.asarray(x).astype(dtype)
            with np.errstate(over="ignore"):
                value = np.asarray(x).astype(dtype)
            # As Python numbers: NumPy would round x to the dtype before comparing.
            if value.item() == x:
                return value
        # Nothing holds it exactly, for example NaN, or 0.1 when floatX is not among the dtypes.
        return np.asarray(x, dtype=self.dtypes[-1])

    @staticmethod
    def _numpy(x):
        value = np.asarray(x)
        if value.dtype == "float64" and not hasattr(x, "dtype"):
            with np.errstate(over="ignore"):
                return value.astype(config.floatX)
        return value


autocast_int = NumpyAutocaster(("int8", "int16", "int32", "int64"))
autocast_float = NumpyAutocaster(("float16", "float32", "float64"))


class autocast_float_as(ContextDecorator):
    """While it lasts, Python floats get one of these dtypes only.

    Examples
    --------
    >>> with autocast_float_as("float32"):
    ...     constant(0.1).dtype
    'float32'
    """

    def __init__(self, *dtypes):
        self.dtypes = dtypes
        if config.cast_policy != "custom":
            raise ValueError("[autocast_float_as] cast_policy must be 'custom'")

    def __enter__(self):
        self.old_dtypes = autocast_float.dtypes
        autocast_float.dtypes = self.dtypes

    def __exit__(self, *args):
        autocast_float.dtypes = self.old_dtypes


def convert(x, dtype=None) -> np.ndarray:
    """Return a Python or NumPy number as an array without dimensions, of `dtype` or of the dtype it deserves."""
    if dtype is not None:
        value = np.asarray(x).astype(dtype)
    elif isinstance(x, int) and config.cast_policy == "custom":
        value = autocast_int(x) if abs(x) < 2**63 else np.asarray(x)
    elif isinstance(x, float) and not isinstance(x, np.generic):
        value = autocast_float(x)
    else:
        value = np.asarray(x)
    if value.ndim:
        raise TypeError(f"[constant] a scalar must be one number, got shape {value.shape}")
    return value


def constant(x, name=None, dtype=None) -> ScalarConstant:
    """Return a scalar constant.

    Python integers get the smallest signed dtype, Python floats float32 where that is exact, otherwise
    `config.floatX` (under ``cast_policy="custom"``). NumPy numbers keep their dtype.
    """
    value = convert(x, dtype=dtype)
    return ScalarConstant(get_scalar_type(value.dtype.name), value[()], name=name)


def number(value: float, like) -> ScalarConstant:
    """Return `value` in the real dtype of the variable `like`, so that a formula keeps its precision."""
    dtype = {"complex64": "float32", "complex128": "float64"}.get(like.type.dtype, like.type.dtype)
    return constant(value, dtype=dtype)


FROM_TENSOR: list[Callable] = []
"""How other rooms turn their variables into scalars (tensors without dimensions register here)."""


def as_scalar(x, name: str | None = None) -> ScalarVariable:
    """Return `x` as a scalar variable: a scalar, a number, or a tensor without dimensions."""
    if isinstance(x, ScalarVariable):
        return x
    if isinstance(x, Variable):
        if isinstance(x.type, ScalarType):
            return x  # type: ignore[return-value]  # a placeholder or frozen constant
        for from_other in FROM_TENSOR:
            scalar = from_other(x)
            if scalar is not None:
                return scalar
        raise TypeError(f"Cannot convert {x} of type {x.type} to a scalar type")
    if isinstance(x, Apply):
        return as_scalar(x.out, name)
    return constant(x, name=name)


def _names(names) -> Sequence[str | None]:
    if len(names) == 1 and isinstance(names[0], int) and not isinstance(names[0], builtins.bool):
        return [None] * names[0]
    if len(names) == 1 and isinstance(names[0], str):
        return names[0].split() if " " in names[0] else list(names[0])
    return list(names)


def _makers(dtype):
    """Return a function that makes several variables of one dtype from their names."""

    def make(*names):
        scalar_type = get_scalar_type(dtype or config.floatX)
        return [scalar_type(name) for name in _names(names)]

    return make


ints, floats, complexs = _makers("int64"), _makers("float64"), _makers("complex128")
complexs64, complexs128 = _makers("complex64"), _makers("complex128")

__all__ = [
    "FROM_TENSOR",
    "NumpyAutocaster",
    "ScalarConstant",
    "ScalarConstantSignature",
    "ScalarVariable",
    "as_scalar",
    "autocast_float",
    "autocast_float_as",
    "autocast_int",
    "complexs",
    "complexs64",
    "complexs128",
    "constant",
    "convert",
    "floats",
    "ints",
    "number",
    "ops",
]  # fmt: skip
