"""The type of dense n-dimensional arrays, and the functions that make variables of it."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from pytensor.configdefaults import config
from pytensor.graph.basic import Constant, Variable
from pytensor.graph.type import HasDataType, HasShape, Type
from pytensor.graph.utils import MetaType
from pytensor.scalar.basic import get_scalar_type
from pytensor.tensor._values import (  # noqa: F401  (re-exported)
    values_eq_approx,
    values_eq_approx_always_true,
    values_eq_approx_remove_inf,
    values_eq_approx_remove_inf_nan,
    values_eq_approx_remove_nan,
)

if TYPE_CHECKING:
    from pytensor.tensor.variable import TensorVariable

# Names of the dtypes by kind, in increasing size.
int_dtypes = ["int8", "int16", "int32", "int64"]
uint_dtypes = ["uint8", "uint16", "uint32", "uint64"]
float_dtypes = ["float16", "float32", "float64"]
complex_dtypes = ["complex64", "complex128"]
integer_dtypes = int_dtypes + uint_dtypes
discrete_dtypes = ["bool", *integer_dtypes]
continuous_dtypes = float_dtypes + complex_dtypes
all_dtypes = discrete_dtypes + continuous_dtypes

_NUMPY_DTYPES = {name: np.dtype(name) for name in all_dtypes}

# dtype -> (Python class, C type, NumPy type number name); read by code that describes dtypes.
dtype_specs_map = {
    name: (
        {"b": int, "i": int, "u": int, "f": float, "c": complex}[np.dtype(name).kind],
        f"npy_{name}",
        f"NPY_{name.upper()}",
    )
    for name in all_dtypes
}

ST = int | None


def _canonical_dtype(dtype) -> str:
    """Return the name of a supported dtype, resolving ``floatX``."""
    if isinstance(dtype, str):
        if dtype in _NUMPY_DTYPES:
            return dtype
        if dtype == "floatX":
            return config.floatX
    try:
        np_dtype = np.dtype(dtype)
    except TypeError:
        raise TypeError(f"Invalid dtype: {dtype}") from None
    if np_dtype.name not in _NUMPY_DTYPES:
        raise TypeError(f"Unsupported dtype for TensorType: {dtype}")
    return np_dtype.name


def _canonical_dim(length) -> int | None:
    """Return one entry of a static shape: None (unknown) or a non-negative int."""
    if length is None:
        return None
    if isinstance(length, (bool, np.bool_)):
        # The old notation: True is broadcastable, False is unknown.
        return 1 if length else None
    if isinstance(length, (int, np.integer)):
        # Upstream writes unknown lengths as -1 in places; a negative length has no other meaning.
        return None if length < 0 else int(length)
    raise ValueError(
        "TensorType broadcastable/shape must be a boolean, integer or None, "
        f"got {type(length)} {length}"
    )


def _validate_static_shape(shape, ndim: int) -> tuple[int | None, ...]:
    """Return `shape` as a static shape tuple, checking that it has `ndim` entries."""
    if shape is None:
        return (None,) * ndim
    shape = tuple(shape) if isinstance(shape, Iterable) else (shape,)
    if len(shape) != ndim:
        raise ValueError(f"The shape {shape} must have {ndim} entries, got {len(shape)}")
    return tuple(_canonical_dim(s) for s in shape)


def _type_name(cls_name: str, dtype: str, shape: tuple) -> str:
    kind = {0: "Scalar", 1: "Vector", 2: "Matrix"}.get(len(shape), f"{cls_name[:-4]}{len(shape)}")
    text = ", ".join("?" if s is None else str(s) for s in shape)
    return f"{kind}({dtype}, shape=({text}{',' if len(shape) == 1 else ''}))"


class TensorType(Type, HasDataType, HasShape):
    """Dense arrays of one dtype, number of axes and (partly) known shape.

    Parameters
    ----------
    dtype : str or dtype
        A NumPy dtype, or ``"floatX"``.
    shape : iterable of int or None
        The length of each axis; None where it is not known until run time. Only an axis of
        known length 1 broadcasts.
    name : str, optional
        A name for the type itself.
    broadcastable : iterable of bool, optional
        Deprecated notation for `shape`: True is a length of 1, False is None.

    Examples
    --------
    >>> TensorType("float32", shape=(None, 3))
    TensorType(float32, shape=(None, 3))
    """

    __props__ = ("dtype", "shape")

    dtype: str
    shape: tuple[int | None, ...]
    # Attached by tensor/variable.py and tensor/shape.py, which are above this module.
    variable_type: type = Variable
    constant_type: type = Constant
    specify_shape: Callable

    filter_checks_isfinite = False

    def __init__(self, dtype, shape=None, name=None, broadcastable=None):
        if broadcastable is not None:
            warnings.warn(
                "The `broadcastable` keyword is deprecated; use `shape`.",
                DeprecationWarning,
                stacklevel=2,
            )
            shape = broadcastable
        if shape is None:
            raise TypeError(
                "TensorType requires a `shape`, for example `shape=(None, 3)` for a matrix with "
                "an unknown number of rows and 3 columns, or `shape=()` for a scalar."
            )
        if isinstance(shape, (int, np.integer)):
            shape = (shape,)
        self.dtype = _canonical_dtype(dtype)
        self.numpy_dtype = _NUMPY_DTYPES[self.dtype]
        self.shape = tuple([_canonical_dim(s) for s in shape])
        self.ndim = len(self.shape)
        self.broadcastable = tuple([s == 1 for s in self.shape])
        self.name = name
        # Static lengths to compare with an array's, found once.
        self._known_dims = tuple((i, s) for i, s in enumerate(self.shape) if s is not None)
        self._hash = hash((type(self), self.dtype, self.shape))

    def __eq__(self, other):
        if self is other:
            return True
        if type(self) is not type(other):
            return NotImplemented
        return self.dtype == other.dtype and self.shape == other.shape

    def __hash__(self):
        return self._hash

    def __reduce__(self):
        return type(self), (self.dtype, self.shape, self.name)

    def clone(self, dtype=None, shape=None, broadcastable=None, **kwargs):
        """Return this type with another dtype or shape."""
        if broadcastable is not None:
            warnings.warn(
                "The `broadcastable` keyword is deprecated; use `shape`.",
                DeprecationWarning,
                stacklevel=2,
            )
            shape = broadcastable
        if dtype is None:
            dtype = self.dtype
        if shape is None:
            shape = self.shape
        if type(self) is TensorType and not kwargs:
            return tensor_type(dtype, tuple(shape))
        return type(self)(dtype, shape, name=self.name)

    # Values

    def filter(self, data, strict: bool = False, allow_downcast: bool | None = None):
        """Return `data` as an array of this type, or raise TypeError.

        Parameters
        ----------
        strict
            Accept only an ndarray that already has this dtype and number of axes.
        allow_downcast
            True: cast whatever the loss. False: only casts that lose nothing by dtype. None: as
            False, but a Python float may become a ``floatX`` scalar.
        """
        if not (
            type(data) is np.ndarray and data.dtype == self.numpy_dtype and data.ndim == self.ndim
        ):
            data = self._convert(data, strict, allow_downcast)
        shape = data.shape
        for axis, length in self._known_dims:
            if shape[axis] != length:
                raise TypeError(
                    f"The type's shape ({self.shape}) is not compatible with the data's ({shape})"
                )
        return data

    def _convert(self, data, strict, allow_downcast):
        """The slow path of `filter`: everything that is not already an array of this type."""
        if isinstance(data, Variable):
            raise TypeError(
                "Expected an array-like object, but found a Variable: maybe you are trying to "
                "call a function on a (possibly shared) variable instead of a numeric array?"
            )
        # A memmap stays itself; any other ndarray subclass with an exact dtype passes through.
        exact = isinstance(data, np.ndarray) and data.dtype == self.numpy_dtype
        if strict and not isinstance(data, np.ndarray):
            raise TypeError(f"{self} expected an ndarray object (got {type(data)}).")
        if strict and not exact:
            raise TypeError(
                f"{self} expected an ndarray with dtype={self.numpy_dtype} (got {data.dtype})."
            )
        if not exact:
            data = self._cast(data, allow_downcast)
        if data.ndim != self.ndim:
            raise TypeError(
                f"Wrong number of dimensions: expected {self.ndim}, got {data.ndim} with "
                f"shape {data.shape}."
            )
        return data

    def _cast(self, data, allow_downcast):
        target = self.numpy_dtype
        if allow_downcast:
            # Through an array of its own dtype first: NumPy 2 refuses np.asarray(300, "int8").
            return np.asarray(data).astype(target, copy=False)
        if isinstance(data, (np.ndarray, np.generic)):
            if data.dtype.kind not in "biufc":
                raise TypeError(f"{self} cannot store data of dtype {data.dtype}.")
            if np.promote_types(data.dtype, target) == target:
                return np.asarray(data, dtype=target)
            if isinstance(data, np.ndarray):
                raise TypeError(
                    f"{self} cannot store a value of dtype {data.dtype} without risking loss of "
                    "precision. If you do not mind this loss, you can: 1) explicitly cast your "
                    f"data to {self.dtype}, or 2) set "
                    '"allow_input_downcast=True" when calling "function". '
                    f'Value: "{data!r}"'
                )
        if allow_downcast is None and type(data) is float and self.dtype == config.floatX:
            return np.asarray(data, dtype=target)
        return self._cast_exactly(data)

    def _cast_exactly(self, data):
        """Cast Python data if every value survives."""
        try:
            original = np.asarray(data)
        except ValueError as exc:
            raise TypeError(f"{self} cannot store {data!r}: {exc}") from None
        if original.dtype.kind not in "biufc":
            raise TypeError(f"{self} cannot store {data!r} (a value of type {type(data)}).")
        with np.errstate(all="ignore"), warnings.catch_warnings():
            # Casting complex to real warns; here it is an error if a value changes.
            warnings.simplefilter("ignore", np.exceptions.ComplexWarning)
            converted = original.astype(self.numpy_dtype)
        if not np.array_equal(converted, original, equal_nan=original.dtype.kind in "fc"):
            raise TypeError(
                f"{self} cannot store accurately value {data}, it would be represented as "
                f"{converted}. If you do not mind this precision loss, you can: 1) explicitly "
                f"convert your data to a numpy array of dtype {self.dtype}, or 2) set "
                '"allow_input_downcast=True" when calling "function".'
            )
        return converted

    def filter_variable(self, other, allow_convert=True):
        """Return a variable of this type that equals `other`, or raise TypeError."""
        if not isinstance(other, Variable):
            # Not a variable: make a constant of this type out of the value.
            other = self.constant_type(type=self, data=self.filter(other))
        if other.type == self or (not allow_convert and self.is_super(other.type)):
            return other
        if allow_convert:
            converted = self.convert_variable(other)
            if converted is not None:
                return converted
        raise TypeError(
            f"Cannot convert Type {other.type} (of Variable {other}) into Type {self}. You can try "
            f"to manually convert {other} into a {self}."
        )

    def convert_variable(self, var):
        """Return `var` as a variable of this type if it is one up to static shape, else None."""
        if self.is_super(var.type):
            # `var.type` is at least as specific as `self`.
            return var
        if not isinstance(var.type, TensorType):
            return None
        if self.ndim == var.type.ndim and self.dtype == var.type.dtype:
            for have, want in zip(var.type.shape, self.shape, strict=True):
                if have is not None and want is not None and have != want:
                    return None
            return self.specify_shape(var, self.shape)
        return None

    def in_same_class(self, otype):
        """Whether only the known lengths differ, and broadcasting is the same."""
        return (
            isinstance(otype, TensorType)
            and otype.dtype == self.dtype
            and otype.broadcastable == self.broadcastable
        )

    def is_super(self, otype):
        """Whether every value of `otype` is a value of this type."""
        return (
            self is otype
            or (
                isinstance(otype, type(self))
                and otype.dtype == self.dtype
                and otype.ndim == self.ndim
                and all(otype.shape[i] == s for i, s in self._known_dims)
            )
        )  # fmt: skip

    @staticmethod
    def may_share_memory(a, b):
        """Whether two values may share memory."""
        if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
            return np.may_share_memory(a, b)
        return False

    @staticmethod
    def values_eq(a, b, force_same_dtype=True):
        """Whether two arrays are equal, NaN being equal to NaN."""
        if a.shape != b.shape or (force_same_dtype and a.dtype != b.dtype):
            return False
        return bool(np.array_equal(a, b, equal_nan=a.dtype.kind in "fc" and b.dtype.kind in "fc"))

    @staticmethod
    def values_eq_approx(
        a, b, allow_remove_inf=False, allow_remove_nan=False, rtol=None, atol=None
    ):
        """Whether two arrays are equal up to rounding."""
        return values_eq_approx(a, b, allow_remove_inf, allow_remove_nan, rtol, atol)

    @staticmethod
    def get_shape_info(obj):
        return obj.shape

    def get_size(self, shape_info):
        """Size in bytes of a value with shape `shape_info`."""
        return int(np.prod(shape_info, dtype="int64")) * self.numpy_dtype.itemsize

    def dtype_specs(self):
        """Return (Python class, C type name, NumPy type number name) of the dtype."""
        return dtype_specs_map[self.dtype]

    def to_scalar_type(self):
        """Return the scalar type of the elements."""
        return get_scalar_type(self.dtype)

    # Variables

    def make_variable(self, name=None):
        return self.variable_type(self, None, name=name)

    def __call__(self, *args, shape=None, **kwargs):
        """Return a new variable of this type (with static shape `shape`, if given)."""
        if shape is None:
            return super().__call__(*args, **kwargs)
        shape = _validate_static_shape(shape, self.ndim)
        merged = _merge_static_shapes(self.shape, shape)
        return self.clone(shape=merged)(*args, **kwargs)

    def __str__(self):
        return self.name or _type_name(type(self).__name__, self.dtype, self.shape)

    def __repr__(self):
        return f"{type(self).__name__}({self.dtype}, shape={self.shape})"


def _merge_static_shapes(first, second):
    for a, b in zip(first, second, strict=True):
        if a is not None and b is not None and a != b:
            raise ValueError(f"shape {second} contradicts the type's shape {first}")
    return tuple(a if b is None else b for a, b in zip(first, second, strict=True))


@lru_cache(maxsize=8192)
def _interned(dtype: str, shape: tuple) -> TensorType:
    return TensorType(dtype, shape)


def tensor_type(dtype: str, shape: tuple[int | None, ...]) -> TensorType:
    """Return *the* TensorType of this dtype and shape.

    Every Op takes its output types from here, so that equal types are mostly the same object and
    comparing them costs a pointer.
    """
    try:
        return _interned(dtype, shape)
    except TypeError:
        # An unhashable entry: let the constructor say what is wrong with it.
        return TensorType(dtype, shape)


def new_variable(dtype: str, shape: tuple[int | None, ...]) -> TensorVariable:
    """Return a new variable for an output of an Op.

    Unlike calling the type, it does not look for the user's line; `Op.__call__` does that.
    """
    return tensor_type(dtype, shape).make_variable()


class DenseTypeMeta(MetaType):
    """Makes ``isinstance(t, DenseTensorType)`` mean "exactly a TensorType"."""

    def __instancecheck__(cls, o):
        return type(o) is TensorType or cls in type(o).__mro__

    def __subclasscheck__(cls, sub):
        return sub is TensorType or cls in sub.__mro__


class DenseTensorType(TensorType, metaclass=DenseTypeMeta):
    """A class for ``isinstance`` tests that exclude sparse and other derived types."""


# Making variables


def tensor(name: str | None = None, *, dtype=None, shape=None, **kwargs) -> TensorVariable:
    """Return a new tensor variable.

    Parameters
    ----------
    name
        Name of the variable. A dtype in its place is accepted, as in older versions.
    dtype
        Default ``config.floatX``.
    shape
        Static shape, None where unknown.

    Examples
    --------
    >>> tensor("x", dtype="float32", shape=(None, 3))
    x
    """
    if dtype is None and name in _NUMPY_DTYPES:
        # `tensor("float64", shape=...)` would otherwise silently name the variable "float64".
        raise ValueError(
            f"The first argument of tensor is a name, got {name!r}. Did you mean `dtype=`?"
        )
    if dtype is None:
        dtype = config.floatX
    if "broadcastable" in kwargs:
        shape = kwargs.pop("broadcastable")
    if shape is None:
        raise TypeError("tensor requires a `shape`, for example `shape=(None, 3)`")
    if isinstance(shape, (int, np.integer)):
        shape = (shape,)
    return tensor_type(_canonical_dtype(dtype), tuple(map(_canonical_dim, shape)))(
        name=name, **kwargs
    )


def _constructor(fname: str, default_shape: tuple[int | None, ...]):
    """Return the function that makes variables with `len(default_shape)` axes."""
    ndim = len(default_shape)

    def make(name: str | None = None, *, dtype=None, shape=default_shape) -> TensorVariable:
        dtype = config.floatX if dtype is None else dtype
        try:
            static = _validate_static_shape(shape, ndim)
            static = _merge_static_shapes(default_shape, static)
        except ValueError as exc:
            raise ValueError(f"[{fname}] {exc}") from None
        return tensor_type(_canonical_dtype(dtype), static)(name=name)

    make.__name__ = make.__qualname__ = fname
    make.__doc__ = f"""Return a new {fname} variable.

    Parameters
    ----------
    name : str, optional
    dtype : optional
        Default ``config.floatX``.
    shape : tuple of int or None
        Static shape, None where unknown; default ``{default_shape}``.

    Raises
    ------
    ValueError
        If `shape` has another number of axes, or contradicts a 1 of the default.

    Examples
    --------
    >>> pt.{fname}("x", dtype="float32").type.shape
    {default_shape}
    """
    return make


def scalar(name: str | None = None, *, dtype=None) -> TensorVariable:
    """Return a new 0-dimensional variable, of dtype `dtype` (default ``config.floatX``).

    Examples
    --------
    >>> x = pt.scalar("x", dtype="float32")
    >>> x.ndim, x.dtype
    (0, 'float32')
    """
    return tensor_type(_canonical_dtype(config.floatX if dtype is None else dtype), ())(name=name)


vector = _constructor("vector", (None,))
matrix = _constructor("matrix", (None, None))
row = _constructor("row", (1, None))
col = _constructor("col", (None, 1))
tensor3 = _constructor("tensor3", (None,) * 3)
tensor4 = _constructor("tensor4", (None,) * 4)
tensor5 = _constructor("tensor5", (None,) * 5)
tensor6 = _constructor("tensor6", (None,) * 6)
tensor7 = _constructor("tensor7", (None,) * 7)


def _plural(make, fname):
    """Return the function that makes several variables: by names, by letters, or by number."""

    def make_several(*names):
        if len(names) == 1:
            [only] = names
            if isinstance(only, (int, np.integer)):
                names = (None,) * int(only)
            elif not isinstance(only, str):
                names = tuple(only)
            elif len(only) == 1:
                return make(only)
            else:
                names = tuple(only.split() if " " in only else only)
        return [make(name) for name in names]

    make_several.__name__ = make_several.__qualname__ = fname
    make_several.__doc__ = f"""Return a list of variables.

    Parameters
    ----------
    *names : str, or one int
        Names, names with spaces between them, a name of several letters (a variable for each), or
        how many variables without a name. One letter is one variable, not in a list.

    Examples
    --------
    >>> pt.{fname}("a", "b"), pt.{fname}("alpha beta"), pt.{fname}("ab")
    ([a, b], [alpha, beta], [a, b])
    """
    return make_several


_KINDS = {
    "scalar": (),
    "vector": (None,),
    "matrix": (None, None),
    "row": (1, None),
    "col": (None, 1),
    **{f"tensor{n}": (None,) * n for n in range(3, 8)},
}
_PREFIXES = {
    "b": "int8",
    "w": "int16",
    "i": "int32",
    "l": "int64",
    "f": "float32",
    "d": "float64",
    "c": "complex64",
    "z": "complex128",
}
_PLURALS = {kind: f"{kind}s" for kind in _KINDS} | {"matrix": "matrices"}

__all__ = ["TensorType", "tensor", "values_eq_approx_always_true"]
for _kind, _shape in _KINDS.items():
    _plural_name = _PLURALS[_kind]
    globals()[_plural_name] = _plural(globals()[_kind], _plural_name)
    __all__ += [_kind, _plural_name]
    for _prefix, _dtype in _PREFIXES.items():
        globals()[_prefix + _kind] = tensor_type(_dtype, _shape)
        __all__.append(_prefix + _kind)
        if _prefix in "ilfd":
            _name = _prefix + _plural_name
            globals()[_name] = _plural(globals()[_prefix + _kind], _name)
            __all__.append(_name)

ubscalar = tensor_type("uint8", ())
uwscalar = tensor_type("uint16", ())
uiscalar = tensor_type("uint32", ())
ulscalar = tensor_type("uint64", ())

for _group, _letters in {"int": "bwil", "float": "fd", "complex": "cz"}.items():
    for _kind, _shape in list(_KINDS.items())[:3]:
        globals()[f"{_group}_{_kind}_types"] = tuple(
            tensor_type(_PREFIXES[c], _shape) for c in _letters
        )
        __all__.append(f"{_group}_{_kind}_types")
    # All the kinds that have an unknown or no axis, by increasing rank.
    globals()[f"{_group}_types"] = tuple(
        tensor_type(_PREFIXES[c], _shape)
        for _shape in [_KINDS[k] for k in ("scalar", "vector", "row", "col", "matrix")]
        for c in _letters
    )
    __all__.append(f"{_group}_types")
