"""What the BLAS Ops compute in Python: SciPy's BLAS, called directly.

SciPy's functions (`scipy.linalg.blas`, made by f2py) take Fortran-ordered arrays. A C-ordered
matrix is the transpose of a Fortran-ordered one, so ``Z = X Y`` is handed over as
``Z' = Y' X'``, and nothing is copied. Operands that are neither (steps, negative strides) go to
`numpy.matmul`, which can pass a leading dimension; so do other dtypes. f2py itself copies
operands that are misaligned.

Two rules hold whatever the library does: with beta = 0 the accumulator is not read, with
alpha = 0 the operands are not. Results in new memory are C-ordered. float16 is computed in
float32 and rounded once.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pytensor.utils import lazy_scipy_module

__all__ = ["batched_gemm", "gemm", "gemv", "ger", "syrk"]

Array = np.ndarray
Number = Any  # of Python, so that it takes the arrays' dtype

_blas = lazy_scipy_module("linalg.blas")
_INT_MAX = 2**31 - 1
# Work up to which looking for a copy to avoid costs more than the copy.
_SMALL = 2**11  # multiplications
# The triangle of a symmetric matrix is copied in tiles of this size, for the cache's sake.
_TILE = 128
_SWAPPED = str.maketrans("xy", "yx")


class _Routine(dict[np.dtype, Any]):
    """A BLAS routine by dtype: ``routine[array.dtype]`` is a function, or None."""

    def __init__(self, *names: str):
        super().__init__()
        self._names = dict(zip(map(np.dtype, "fdFD"), names))

    def __missing__(self, dtype: np.dtype) -> Any:
        # Byte-swapped dtypes are in no table.
        name = self._names.get(dtype)
        function = self[dtype] = None if name is None else getattr(_blas, name)
        return function


_gemm = _Routine("sgemm", "dgemm", "cgemm", "zgemm")
_gemv = _Routine("sgemv", "dgemv", "cgemv", "zgemv")
_ger = _Routine("sger", "dger", "cgeru", "zgeru")
_gerc = _Routine("sger", "dger", "cgerc", "zgerc")
_herk = _Routine("ssyrk", "dsyrk", "cherk", "zherk")


def _may_write(z: Array, *operands: Array) -> bool:
    """Tell whether BLAS can write into `z` itself, without changing what it reads."""
    flags = z.flags
    if not (flags.forc and flags.behaved and z.dtype == operands[0].dtype):
        return False
    return not any(np.may_share_memory(z, x) for x in operands)


# -- the routines --------------------------------------------------------------------------


def gemm(x, y, alpha=None, beta=None, z=None, conj: str = "", inplace: bool = False) -> Array:
    """Return ``alpha X Y + beta Z``; X and Y conjugated if `conj` names them.

    Lengths agree, but those of z may be 1 if it isn't overwritten. alpha is 1 unless given, beta 0
    without z.
    """
    m, k = x.shape
    n = y.shape[1]
    shape, work = (m, n), m * n * k
    a = 1 if alpha is None else alpha.item()
    b = 0 if z is None else beta.item()
    if not (work and a):
        return _scaled(b, x if z is None else z, shape, inplace)
    function = _gemm[x.dtype]
    direct = work <= _SMALL or (
        not inplace and work <= _INT_MAX and x.flags.c_contiguous and y.flags.c_contiguous
    )
    if direct and function is not None and not conj and (not b or z.shape == shape):
        result = (function(a, y.T, x.T, b, z.T) if b else function(a, y.T, x.T)).T
        return _placed(result, z) if inplace else result
    takes = function is not None and x.flags.forc and y.flags.forc
    if not takes or max(m, n, k) > _INT_MAX or (inplace and not _may_write(z, x, y)):
        return _accumulated(a, _matmul(x, y, conj), b, x if z is None else z, inplace)
    into = None if z is None else _start(b, z, shape, inplace)
    if into is not None and not into.flags.c_contiguous:
        # Fortran's own order: the transposed problem is the one with a C-ordered result.
        _gemm_c_ordered(function, a, y.T, x.T, b, into.T, conj.translate(_SWAPPED))
        return into
    return _gemm_c_ordered(function, a, x, y, b, into, conj)


def _gemm_c_ordered(function, alpha, x, y, beta, into: Array | None, conj: str) -> Array:
    """Compute ``Z' = alpha Y' X' + beta Z'``, in new memory if there is none."""
    left, trans_left = _transposed(y, "y" in conj)
    right, trans_right = _transposed(x, "x" in conj)
    if into is None:
        return function(alpha, left, right, 0, None, trans_left, trans_right).T
    function(alpha, left, right, beta, into.T, trans_left, trans_right, 1)
    return into


def _transposed(x: Array, conj: bool) -> tuple[Array, int]:
    """Return a Fortran-ordered array, and the trans argument that makes x' (or x^H) of it."""
    flags = x.flags
    if conj:
        return (x, 2) if flags.f_contiguous else (np.conjugate(x, order="C").T, 0)
    return (x.T, 0) if flags.c_contiguous else (x, 1)


def gemv(alpha, A, x, beta, y, conj: bool = False, inplace: bool = False) -> Array:
    """Return ``alpha A x + beta y``; A conjugated if `conj`."""
    dtype, work = A.dtype, A.size
    a = alpha.item() if alpha.dtype == dtype else alpha.astype(dtype).item()
    b = beta.item() if beta.dtype == dtype else beta.astype(dtype).item()
    if not (work and a):
        return _scaled(b, y, A.shape[:1], inplace)
    function = _gemv[dtype]
    flags = A.flags
    trans = 2 if conj else 1
    if flags.c_contiguous or (work <= _SMALL and not conj):
        matrix = A.T
    elif flags.f_contiguous and not conj:
        matrix, trans = A, 0
    else:
        function = None
    if function is None or (work > _INT_MAX and max(A.shape) > _INT_MAX):
        product = np.conj(_matmul(A, np.conj(x))) if conj else _matmul(A, x)
        return _accumulated(a, product, b, y, inplace)
    if inplace and work > _SMALL and _may_write(y, A, x):
        return function(a, matrix, x, b, _start(b, y, y.shape, True), 0, 1, 0, 1, trans, 1)
    if not b:
        result = function(a, matrix, x, 0, None, 0, 1, 0, 1, trans)
    else:
        old = y if len(y) == len(A) else np.repeat(y, len(A))
        result = function(a, matrix, x, b, old, 0, 1, 0, 1, trans)
    return _placed(result, y) if inplace else result


def ger(A, alpha, x, y, conj: str = "", inplace: bool = False) -> Array:
    """Return ``A + alpha x y'``; x or y conjugated if `conj` names it."""
    a = alpha.item()
    result = A if inplace else np.array(A, A.dtype.newbyteorder("="), order="C")
    if a == 0 or A.size == 0:
        return result
    # BLAS conjugates the second vector.
    by_rows = result.flags.c_contiguous
    function = (_gerc if conj == ("x" if by_rows else "y") else _ger)[A.dtype]
    takes = function is not None and max(A.shape) <= _INT_MAX
    if not takes or (inplace and not _may_write(A, x, y)):
        return _add_outer(result, a, x, y, conj)
    if conj and function is _ger[A.dtype]:
        x, y = (np.conj(x), y) if conj == "x" else (x, np.conj(y))
    if by_rows:
        function(a, y, x, 1, 1, result.T, 0, 0, 1)
    else:
        function(a, x, y, 1, 1, result, 0, 0, 1)
    return result


def _add_outer(A: Array, alpha, x: Array, y: Array, conj: str) -> Array:
    """Add ``alpha x y'`` to A by NumPy."""
    x = np.conj(x) if conj == "x" else x
    y = np.conj(y) if conj == "y" else y
    if A.dtype == np.float16:
        x, y = x.astype(np.float32), y.astype(np.float32)
    update = np.multiply.outer(x, y)
    update *= alpha
    A[...] = update + A
    return A


def syrk(alpha, x, beta, z, hermitian: bool = False, inplace: bool = False) -> Array:
    """Return ``alpha X X' + beta Z``, or with X^H if `hermitian`; half of X X' is computed."""
    n = x.shape[0]
    a, b = alpha.item(), beta.item()
    if a == 0 or x.size == 0:
        return _scaled(b, z, (n, n), inplace)
    if x.dtype == np.float16:
        x = x.astype(np.float32)
    elif not (x.flags.forc and x.flags.aligned and x.dtype.isnative):
        x = np.array(x, x.dtype.newbyteorder("="), order="C")
    if hermitian:
        product = _hermitian_square(x)
    elif inplace and b == 0 and x.dtype == z.dtype:
        product = np.matmul(x, x.T, out=z)
    else:
        # NumPy sees that it is one array, calls syrk and fills the other triangle.
        product = np.matmul(x, x.T)
    return _accumulated(a, product, b, z, inplace)


def _hermitian_square(x: Array) -> Array:
    """Return ``X X^H``, exactly Hermitian."""
    function = _herk[x.dtype]
    if x.flags.c_contiguous:
        product = function(1, x.T, trans=2).T
    else:
        product = np.conjugate(function(1, x).T)
    # The upper triangle of a Fortran-ordered result is the lower one of its transpose.
    above = np.tri(_TILE, k=-1, dtype=bool).T
    for start in range(0, len(product), _TILE):
        stop = min(start + _TILE, len(product))
        image = np.conjugate(product[start:stop, :stop].T)
        product[:start, start:stop] = image[:start]
        size = stop - start
        tile = product[start:stop, start:stop]
        np.copyto(tile, image[start:], where=above[:size, :size])
    return product


def batched_gemm(x, y, alpha=None, beta=None, z=None, shape=None, inplace=False) -> Array:
    """Return ``alpha X_i Y_i + beta Z_i``; `shape` is the product's. Without z, ``X_i Y_i``."""
    if z is None:
        return _matmul(x, y).astype(x.dtype.newbyteorder("="), copy=False)
    a, b = alpha.item(), beta.item()
    if a == 0 or x.size == 0 or y.size == 0:
        return _scaled(b, z, shape, inplace)
    return _accumulated(a, _matmul(x, y), b, z, inplace)


# -- what they share -----------------------------------------------------------------------


def _start(beta: Number, z: Array, shape: tuple[int, ...], inplace: bool) -> Array | None:
    """Return the memory that BLAS accumulates in; None if it shall take new memory itself."""
    if inplace:
        if beta == 0:
            # Some libraries multiply NaN by zero.
            z.fill(0)
        return z
    if beta == 0:
        return None
    result = np.empty(shape, z.dtype.newbyteorder("="))
    result[...] = z
    return result


def _scaled(beta: Number, z: Array, shape: tuple[int, ...], inplace: bool) -> Array:
    """Return ``beta * z`` of the given shape."""
    if inplace:
        if beta == 0:
            z.fill(0)
        elif beta != 1:
            z *= beta
        return z
    result = np.zeros(shape, z.dtype.newbyteorder("="))
    if beta != 0:
        np.multiply(z, beta, out=result)
    return result


def _accumulated(alpha: Number, product: Array, beta: Number, z: Array, inplace: bool) -> Array:
    """Return ``alpha * product + beta * z``, of z's dtype; `product` may be overwritten."""
    if alpha != 1:
        product *= alpha
    if beta != 0:
        product += z if beta == 1 else np.multiply(z, beta, dtype=product.dtype)
    if inplace:
        return z if product is z else _placed(product, z)
    return product.astype(z.dtype.newbyteorder("="), copy=False)


def _placed(result: Array, z: Array) -> Array:
    """Return z, with a result in it."""
    z[...] = result
    return z


def _matmul(x: Array, y: Array, conj: str = "") -> Array:
    """Return the product by NumPy, as an array even where it is a number."""
    if conj:
        x = np.conj(x) if "x" in conj else x
        y = np.conj(y) if "y" in conj else y
    return np.asarray(np.matmul(_ready(x), _ready(y) if y.ndim > 1 else _single(y)))


def _single(x: Array) -> Array:
    return x.astype(np.float32) if x.dtype == np.float16 else x


def _ready(x: Array) -> Array:
    """Return `x`, or a copy if NumPy could not hand its matrices to BLAS; float32 for float16."""
    if x.flags.c_contiguous and x.dtype != np.float16:
        return x
    size, (row, col) = x.itemsize, x.strides[-2:]
    rows, cols = x.shape[-2:]
    if x.dtype == np.float16 or not (
        (col == size and row >= cols * size) or (row == size and col >= rows * size)
    ):
        return np.array(_single(x), order="C")
    return x
