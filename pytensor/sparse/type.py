"""The type of sparse matrices, whose values are SciPy's."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import numpy as np
import scipy.sparse

from pytensor.graph.type import HasDataType, HasShape, Type
from pytensor.graph.utils import MetaType
from pytensor.tensor.type import TensorType, _canonical_dim

__all__ = ["SparseTensorType"]

SparsityTypes = Literal["csr", "csc", "bsr"]
_CLASSES = {
    "csr": scipy.sparse.csr_matrix,
    "csc": scipy.sparse.csc_matrix,
    "bsr": scipy.sparse.bsr_matrix,
}


def _is_sparse(x) -> bool:
    """Whether `x` is a value that SciPy calls sparse."""
    return scipy.sparse.issparse(x)


class SparseTensorType(Type, HasDataType, HasShape, metaclass=MetaType):
    """Matrices of SciPy in one of the compressed formats.

    Parameters
    ----------
    format : {"csr", "csc", "bsr"}
        By rows, by columns, or rows of blocks.
    dtype
        Of the stored elements.
    shape : iterable, optional
        The number of rows and of columns; None where it is not known.
    broadcastable : iterable of bool, optional
        Older form of `shape`.

    Examples
    --------
    >>> from pytensor.sparse import SparseTensorType
    >>> SparseTensorType("csr", "float64", shape=(3, None))
    SparseTensorType(csr, float64, shape=(3, ?))
    """

    __props__ = ("format", "dtype", "shape")
    ndim = 2
    format_cls = _CLASSES

    def __init__(
        self,
        format: SparsityTypes,
        dtype: str | np.dtype,
        shape: Iterable[bool | int | None] | None = None,
        name: str | None = None,
        broadcastable: Iterable[bool] | None = None,
    ):
        if format not in _CLASSES:
            raise ValueError(
                f"[SparseTensorType] format must be one of {tuple(_CLASSES)}, got {format!r}"
            )
        shape = broadcastable if shape is None else shape
        self.shape = (None, None) if shape is None else tuple(map(_canonical_dim, shape))
        if len(self.shape) != 2:
            raise NotImplementedError(
                f"[SparseTensorType] shape must have 2 entries: a sparse array is a matrix, "
                f"got {self.shape}"
            )
        self.format = format
        self.dtype = TensorType(dtype, shape=()).dtype
        self.name = name

    @property
    def broadcastable(self) -> tuple[bool, bool]:
        return tuple(n == 1 for n in self.shape)

    def clone(self, format=None, dtype=None, shape=None, broadcastable=None, **kwargs):
        """Return a type like this one, with other parameters."""
        shape = broadcastable if shape is None else shape
        return type(self)(
            self.format if format is None else format,
            self.dtype if dtype is None else dtype,
            self.shape if shape is None else shape,
        )

    def filter(self, value, strict=False, allow_downcast=None):
        if isinstance(value, _CLASSES[self.format]) and value.dtype == np.dtype(self.dtype):
            return self._checked_shape(value)
        if strict:
            raise TypeError(
                f"[SparseTensorType] value must be a {self.format} matrix of {self.dtype}, "
                f"got {_described(value)}"
            )
        if not _is_sparse(value):
            value = np.asarray(value)
            if value.ndim != 2 or value.dtype.kind not in "biufc":
                raise TypeError(
                    f"[SparseTensorType] value must be a matrix, got {_described(value)}"
                )
        if not allow_downcast and not np.can_cast(value.dtype, np.dtype(self.dtype), "safe"):
            raise TypeError(
                f"[SparseTensorType] value of dtype {value.dtype} would lose precision as "
                f"{self.dtype}; allow_downcast=True permits it"
            )
        return self._checked_shape(_CLASSES[self.format](value, dtype=self.dtype))

    def _checked_shape(self, value):
        if any(want not in (None, have) for want, have in zip(self.shape, value.shape)):
            raise TypeError(
                f"[SparseTensorType] value must have shape {self.shape}, got {value.shape}"
            )
        return value

    def in_same_class(self, otype) -> bool:
        return (
            type(otype) is type(self)
            and otype.format == self.format
            and otype.dtype == self.dtype
            and otype.broadcastable == self.broadcastable
        )

    def is_super(self, otype) -> bool:
        return (
            type(otype) is type(self)
            and otype.format == self.format
            and otype.dtype == self.dtype
            and all(want in (None, have) for want, have in zip(self.shape, otype.shape))
        )

    def convert_variable(self, var):
        return var if self.is_super(var.type) else None

    @classmethod
    def may_share_memory(cls, a, b) -> bool:
        return any(
            np.may_share_memory(m, n)
            for m in _arrays(a)
            for n in _arrays(b)
            if m is not None and n is not None
        )

    @classmethod
    def values_eq(cls, a, b) -> bool:
        return a.shape == b.shape and a.dtype == b.dtype and abs(a - b).nnz == 0

    @classmethod
    def values_eq_approx(cls, a, b, eps: float = 1e-6) -> bool:
        if a.shape != b.shape or a.dtype != b.dtype:
            return False
        return bool(np.allclose((a - b).data, 0, atol=eps * max(1, abs(a).max() if a.nnz else 0)))

    def get_shape_info(self, obj):
        return tuple(obj.shape)

    def __str__(self):
        shape = ", ".join("?" if n is None else str(n) for n in self.shape)
        return f"SparseTensorType({self.format}, {self.dtype}, shape=({shape}))"

    __repr__ = __str__


def _arrays(value) -> list:
    if isinstance(value, np.ndarray):
        return [value]
    return [getattr(value, name, None) for name in ("data", "indices", "indptr")]


def _described(value) -> str:
    if hasattr(value, "dtype"):
        form = getattr(value, "format", type(value).__name__)
        return f"{form} of {value.dtype}, shape {value.shape}"
    return type(value).__name__
