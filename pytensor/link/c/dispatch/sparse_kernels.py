"""The kernel of products with constant sparse matrices, which are its data."""

import numpy as np

from pytensor.link.c.dispatch.basic import C_CODE, CKernel, Source
from pytensor.link.c.dispatch.parameters import ready_kernel

_C_TYPES = {"float32": ("f32", "float"), "float64": ("f64", "double")}


def _make(suffix: str, c_type: str):
    source = Source(C_CODE, "sparse.c", (("T", c_type), ("PT_SUFFIX", suffix)))
    return ready_kernel("sparse.c", f"pt_csr_dot_{suffix}", source=source)


_kernels = {dtype: _make(*names) for dtype, names in _C_TYPES.items()}


def csr_dot(matrix, dtype: str, ndim: int) -> CKernel | None:
    """Return the kernel of ``matrix @ b``, or None if there is none for the dtype.

    Parameters
    ----------
    matrix : scipy.sparse.csr_matrix
    dtype : str
        Of everything.
    ndim : int
        Axes of `b`.
    """
    if dtype not in _kernels or matrix.dtype != dtype:
        return None
    rows, columns = matrix.shape
    indices, indptr = matrix.indices, matrix.indptr
    if columns >= 1 << 31 or not _is_valid(indices, indptr, columns):
        return None
    head = np.array([ndim, rows, columns, len(indices)], dtype="int64")
    parts = (head, indptr.astype("int64"), indices.astype("int32"), matrix.data)
    data = b"".join(_words(np.ascontiguousarray(part)) for part in parts)
    return _kernels[dtype](f"pt_csr_dot_{_C_TYPES[dtype][0]}", data, unused=(0,))


def _words(array: np.ndarray) -> bytes:
    """The bytes of an array, filled up to whole words."""
    data = array.tobytes()
    return data.ljust(-(-len(data) // 8) * 8, b"\0")


def _is_valid(indices: np.ndarray, indptr: np.ndarray, columns: int) -> bool:
    """Whether no place of a compressed matrix lies outside of it."""
    if (np.diff(indptr) < 0).any() or indptr[0] < 0 or indptr[-1] > len(indices):
        return False
    return not len(indices) or (indices.min() >= 0 and indices.max() < columns)
