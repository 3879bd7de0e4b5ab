"""Sparse variables: their operators and methods.

What has no sparse form is computed on the dense matrix, with a warning.
"""

from __future__ import annotations

import warnings
from functools import wraps

import numpy as np

from pytensor.graph.basic import Constant
from pytensor.sparse.type import SparseTensorType
from pytensor.tensor.variable import TensorConstant, TensorVariable
from pytensor.utils import late

__all__ = ["SparseConstant", "SparseVariable"]


def override_dense(name: str):
    """A method of the dense matrix, which says what it costs."""
    dense = getattr(TensorVariable, name)

    @wraps(dense)
    def method(self, *args, **kwargs):
        warnings.warn(
            f"Method {name} is not implemented for sparse variables. The variable will be "
            "converted to dense.",
            UserWarning,
            stacklevel=2,
        )
        return getattr(self.toarray(), name)(*args, **kwargs)

    return method


def _basic(name: str):
    return late(f"pytensor.sparse.basic:{name}")  # modules above this one define the Ops


def _math(name: str):
    return late(f"pytensor.sparse.math:{name}")


class _sparse_py_operators:
    """What sparse matrices do by themselves."""

    # Before scipy.sparse (10.1) on the left of an operator.
    __array_priority__ = 1000

    T = property(lambda self: _basic("transpose")(self), doc="The transposed matrix.")
    format = property(lambda self: self.type.format, doc="The format's name.")

    def __neg__(self):
        return _math("neg")(self)

    def __add__(self, other):
        return _math("add")(self, other)

    def __radd__(self, other):
        return _math("add")(other, self)

    def __sub__(self, other):
        return _math("subtract")(self, other)

    def __rsub__(self, other):
        return _math("subtract")(other, self)

    def __mul__(self, other):
        return _math("multiply")(self, other)

    def __rmul__(self, other):
        return _math("multiply")(other, self)

    def __truediv__(self, other):
        if isinstance(other, int | float) or getattr(other, "ndim", 2) == 0:
            return _math("multiply")(self, 1 / late("pytensor.tensor:as_tensor_variable")(other))
        return override_dense("__truediv__")(self, other)

    def __abs__(self):
        return _math("abs")(self)

    def __lt__(self, other):
        return _math("lt")(self, other)

    def __le__(self, other):
        return _math("le")(self, other)

    def __gt__(self, other):
        return _math("gt")(self, other)

    def __ge__(self, other):
        return _math("ge")(self, other)

    def __matmul__(self, other):
        return _math("structured_dot")(self, other)

    def __rmatmul__(self, other):
        return _math("structured_dot")(other, self)

    def dot(self, other):
        """Product with a sparse or dense matrix; see `pytensor.sparse.structured_dot`."""
        return _math("structured_dot")(self, other)

    __dot__ = __matmul__
    __rdot__ = __rmatmul__

    def toarray(self):
        """The dense matrix."""
        return _basic("dense_from_sparse")(self)

    todense = toarray

    def sum(self, axis=None, sparse_grad: bool = False):
        """Sum over all elements, or over one axis."""
        return _math("sp_sum")(self, axis=axis, sparse_grad=sparse_grad)

    def conj(self):
        """The complex conjugate."""
        return _math("conjugate")(self)

    def astype(self, dtype):
        """The matrix with another dtype."""
        return _basic("cast")(self, dtype)

    def zeros_like(model, dtype=None, opt=False):
        """A matrix without elements of the same shape."""
        zeros = _basic("sp_zeros_like")(model)
        return zeros if dtype is None else _basic("cast")(zeros, dtype)

    def ones_like(self, dtype=None, opt=False):
        """Ones where elements are stored."""
        ones = _basic("sp_ones_like")(self)
        return ones if dtype is None else _basic("cast")(ones, dtype)

    def nonzero_values(self):
        """The stored elements, as a vector."""
        return _basic("csm_data")(self)

    def diagonal(self):
        """The diagonal, as a vector."""
        return _basic("diag")(self)

    def copy(self, name=None):
        """The same matrix, as another variable."""
        copied = _math("structured_copy")(self)
        copied.name = name
        return copied

    @property
    def size(self):
        """Number of elements, stored or not."""
        rows, columns = self.shape
        return rows * columns

    def __iter__(self):
        raise TypeError("[SparseVariable] iteration over sparse matrices is not supported")

    def __getitem__(self, args):
        return _basic("getitem")(self, args)

    def __str__(self):
        if self.name is not None:
            return self.name
        return f"{type(self).__name__}{{{self.type.format},{self.type.dtype}}}"

    def __repr__(self):
        return str(self)


# Elementwise functions that leave zeros alone.
_STRUCTURED = (
    *("sin", "tan", "arcsin", "arctan", "sinh", "tanh", "arcsinh", "arctanh", "sqrt", "ceil"),
    *("floor", "expm1", "log1p", "deg2rad", "rad2deg", "trunc"),
)


def _structured_method(name: str):
    def method(self):
        return _math(name)(self)

    method.__name__ = name
    method.__doc__ = f"`{name}` of the stored elements; zeros stay zero."
    return method


for _name in _STRUCTURED:
    setattr(_sparse_py_operators, _name, _structured_method(_name))
for _name in (
    *("__mod__", "__rmod__", "__pow__", "__rpow__", "__floordiv__", "__rfloordiv__"),
    *("__rtruediv__", "__and__", "__or__", "__xor__", "__invert__", "__divmod__"),
    *("all", "any", "arccos", "arccosh", "argmax", "argmin", "argsort", "choose", "clip"),
    *("cos", "cosh", "cumprod", "cumsum", "dimshuffle", "exp", "exp2", "flatten", "imag"),
    *("log", "log10", "log2", "max", "mean", "min", "nonzero", "norm", "prod", "ptp", "ravel"),
    *("real", "repeat", "reshape", "round", "sort", "squeeze", "std", "swapaxes", "take"),
    *("trace", "var"),
):
    if callable(getattr(TensorVariable, _name, None)) and _name not in vars(_sparse_py_operators):
        setattr(_sparse_py_operators, _name, override_dense(_name))


class SparseVariable(_sparse_py_operators, TensorVariable):
    """A symbolic sparse matrix."""

    format = _sparse_py_operators.format

    def transpose(self, *axes):
        """The transposed matrix."""
        if axes not in ((), ((1, 0),), (1, 0), (None,)):
            raise ValueError(f"[transpose] axes of a sparse matrix must be (1, 0), got {axes}")
        return self.T

    __hash__ = TensorVariable.__hash__


def hash_from_sparse(data) -> str:
    """Return a hex digest of a sparse value."""
    from pytensor.tensor.utils import hash_from_ndarray  # noqa: PLC0415  (slow, seldom needed)

    parts = [hash_from_ndarray(a) for a in (data.data, data.indices, data.indptr)]
    return "".join(parts) + repr((data.shape, data.format))


class SparseConstantSignature(tuple):
    """Identity of a sparse constant: its type and the bytes of its arrays."""

    def pytensor_hash(self) -> str:
        return str(hash(self))


class SparseConstant(SparseVariable, TensorConstant):
    """A sparse matrix known when the graph is built."""

    def __init__(self, type: SparseTensorType, data, name=None):
        data = type.filter(data)
        Constant.__init__(self, type.clone(shape=data.shape), data, name)

    def signature(self) -> SparseConstantSignature:
        """Return what makes two constants the same one."""
        found = getattr(self.tag, "signature_cache", None)
        if found is None:
            d = self.data
            arrays = [np.ascontiguousarray(a).tobytes() for a in (d.data, d.indices, d.indptr)]
            found = SparseConstantSignature((self.type, d.shape, *arrays))
            self.tag.signature_cache = found
        return found

    @property
    def unique_value(self):
        return None

    def equals(self, other) -> bool:
        return isinstance(other, SparseConstant) and self.signature() == other.signature()

    def __copy__(self):
        return type(self)(self.type, self.data.copy(), self.name)

    def __str__(self):
        if self.name is not None:
            return self.name
        d = self.data
        return f"SparseConstant{{{d.format},{d.dtype},shape={d.shape},nnz={d.nnz}}}"


SparseTensorType.variable_type = SparseVariable
SparseTensorType.constant_type = SparseConstant
