"""What the BLAS Ops compute in Python: SciPy's BLAS, called directly.

SciPy's functions (`scipy.linalg.blas`, made by f2py) take Fortran-ordered arrays. A C-ordered
matrix is the transpose of a Fortran-ordered one, so ``Z = X Y`` is handed over as
``Z' = Y' X'``, and nothing is copied. What those functions cannot take (strided, misaligned or
byte-swapped arrays, other dtypes, lengths beyond 32 bits) goes to `numpy.matmul`.

Two rules hold whatever the library does: with beta = 0 the accumulator is not read, with
alpha = 0 the operands are not. Results in new memory are C-ordered. float16 is computed in
float32 and rounded once.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np

from pytensor.utils import lazy_scipy_module

__all__ = ["batched_gemm", "gemm", "gemv", "ger", "syrk"]

_blas = lazy_scipy_module("linalg.blas")

# Byte-swapped dtypes are not in the table.
_LETTERS = {np.dtype(char): letter for char, letter in zip("fdFD", "sdcz")}
_INT_MAX = 2**31 - 1
_TILE = 128


@cache
def _function(letter: str, routine: str) -> Callable:
    return getattr(_blas, letter + routine)


def _letter(*arrays: np.ndarray) -> str | None:
    """Return the BLAS letter of the arrays' dtype; None if f2py would have to copy one."""
    dtype = arrays[0].dtype
    letter = _LETTERS.get(dtype)
    if letter is None:
        return None
    for array in arrays:
        flags = array.flags
        if not (flags.forc and flags.aligned and array.dtype == dtype):
            return None
        if max(array.shape) > _INT_MAX:
            return None
    return letter


def _writable(z: np.ndarray, *operands: np.ndarray) -> bool:
    """Tell whether BLAS may write into `z` while it reads the operands."""
    flags = z.flags
    if not (flags.forc and flags.behaved and z.dtype == operands[0].dtype):
        return False
    return not any(np.may_share_memory(z, x) for x in operands)


# -- what all routines share ---------------------------------------------------------------


def _number(factor, dtype: np.dtype):
    """Return a scale factor as a Python number that the dtype can hold."""
    return factor.item() if factor.dtype == dtype else factor.astype(dtype).item()


def _accumulate(alpha, product: np.ndarray, beta, z: np.ndarray, inplace: bool) -> np.ndarray:
    """Return ``alpha * product + beta * z``; `product` is new memory and may be overwritten."""
    if alpha != 1:
        product *= alpha
    if beta != 0:
        product += z if beta == 1 else np.multiply(z, beta, dtype=product.dtype)
    return _placed(product, z, inplace)


def _placed(result: np.ndarray, z: np.ndarray, inplace: bool) -> np.ndarray:
    """Return a result of z's dtype, in its memory if that is asked for."""
    if inplace:
        z[...] = result
        return z
    return result.astype(z.dtype.newbyteorder("="), copy=False)


def _scaled(beta, z: np.ndarray, shape: tuple[int, ...], inplace: bool) -> np.ndarray:
    """Return ``beta * z`` of the given shape."""
    if inplace:
        if beta == 0:
            z[...] = 0
        elif beta != 1:
            z *= beta
        return z
    result = np.zeros(shape, z.dtype.newbyteorder("="))
    if beta != 0:
        np.multiply(z, beta, out=result)
    return result


def _start(beta, z: np.ndarray, shape: tuple[int, ...], inplace: bool) -> np.ndarray | None:
    """Return the memory that BLAS accumulates in; None if it shall take new memory itself."""
    if inplace:
        if beta == 0:
            # Some libraries multiply NaN by zero.
            z.fill(0)
        return z
    if beta == 0:
        return None
    result = np.empty(shape, z.dtype)
    result[...] = z
    return result


def _ready(x: np.ndarray) -> np.ndarray:
    """Return `x`, or a copy if NumPy could not hand its matrices to BLAS."""
    if x.dtype == np.float16:
        return x.astype(np.float32)
    size, (row, col) = x.itemsize, x.strides[-2:]
    rows, cols = x.shape[-2:]
    if (col == size and row >= cols * size) or (row == size and col >= rows * size):
        return x
    return np.ascontiguousarray(x)


def _matmul(x: np.ndarray, y: np.ndarray, conj: str = "") -> np.ndarray:
    """Return the product by NumPy, as an array of its own even where it is a number."""
    x = np.conj(x) if "x" in conj else x
    y = np.conj(y) if "y" in conj else y
    right = y.astype(np.float32) if y.dtype == np.float16 and y.ndim == 1 else y
    return np.asarray(np.matmul(_ready(x), right if right.ndim == 1 else _ready(right)))


def _transposed(x: np.ndarray, conj: bool) -> tuple[np.ndarray, int]:
    """Return a Fortran-ordered array, and the trans argument that makes x' (or x^H) of it."""
    flags = x.flags
    if conj:
        return (x, 2) if flags.f_contiguous else (np.conjugate(x, order="C").T, 0)
    return (x.T, 0) if flags.c_contiguous else (x, 1)


# -- the routines --------------------------------------------------------------------------


def gemm(x, y, alpha=None, beta=None, z=None, conj: str = "", inplace: bool = False) -> np.ndarray:
    """Return ``alpha X Y + beta Z``; X and Y conjugated if `conj` names them.

    Lengths agree, but those of z may be 1 if it isn't overwritten. alpha is 1 unless given, beta 0
    without z.
    """
    shape = x.shape[0], y.shape[1]
    alpha = 1 if alpha is None else _number(alpha, x.dtype)
    if z is None:
        z, beta = x, 0
    else:
        beta = _number(beta, x.dtype)
    if alpha == 0 or x.size == 0 or y.size == 0:
        return _scaled(beta, z, shape, inplace)
    letter = _letter(x, y)
    if letter is None or (inplace and not _writable(z, x, y)):
        return _accumulate(alpha, _matmul(x, y, conj), beta, z, inplace)
    into = _start(beta, z, shape, inplace)
    if into is not None and not into.flags.c_contiguous:
        # Fortran's own order: the transposed problem is the one with a C-ordered result.
        x, y, into = y.T, x.T, into.T
        conj = conj.translate(_SWAPPED)
    left, trans_left = _transposed(y, "y" in conj)
    right, trans_right = _transposed(x, "x" in conj)
    if into is None:
        return _function(letter, "gemm")(alpha, left, right, 0.0, None, trans_left, trans_right).T
    _function(letter, "gemm")(alpha, left, right, beta, into.T, trans_left, trans_right, 1)
    return z if inplace else into


_SWAPPED = str.maketrans("xy", "yx")


def gemv(alpha, A, x, beta, y, conj: bool = False, inplace: bool = False) -> np.ndarray:
    """Return ``alpha A x + beta y``; A conjugated if `conj`."""
    alpha, beta = _number(alpha, A.dtype), _number(beta, A.dtype)
    if alpha == 0 or A.size == 0:
        return _scaled(beta, y, A.shape[:1], inplace)
    x = np.ascontiguousarray(x)
    letter = _letter(A, x)
    by_rows = A.flags.c_contiguous
    if letter is None or (conj and not by_rows) or (inplace and not _writable(y, A, x)):
        product = np.conj(_matmul(A, np.conj(x))) if conj else _matmul(A, x)
        return _accumulate(alpha, product, beta, y, inplace)
    into = _start(beta, y, A.shape[:1], inplace)
    matrix, trans = (A.T, 2 if conj else 1) if by_rows else (A, 0)
    function = _function(letter, "gemv")
    if into is None:
        return function(alpha, matrix, x, trans=trans)
    function(alpha, matrix, x, beta, into, 0, 1, 0, 1, trans, 1)
    return into


def ger(A, alpha, x, y, conj: str = "", inplace: bool = False) -> np.ndarray:
    """Return ``A + alpha x y'``; x or y conjugated if `conj` names it."""
    alpha = _number(alpha, A.dtype)
    result = A if inplace else np.array(A, A.dtype.newbyteorder("="), order="C")
    if alpha == 0 or A.size == 0:
        return result
    x, y = np.ascontiguousarray(x), np.ascontiguousarray(y)
    letter = _letter(x, y)
    if letter is None or not _writable(result, x, y):
        return _add_outer(result, alpha, np.conj(x) if conj == "x" else x, y, conj == "y")
    first, second, into = x, y, result
    if result.flags.c_contiguous:
        first, second, into = y, x, result.T
    routine = "ger" if letter in "sd" else "geru"
    if conj:
        # BLAS conjugates the second vector.
        if second is (x if conj == "x" else y):
            routine = "gerc"
        else:
            first = np.conj(first)
    _function(letter, routine)(alpha, first, second, 1, 1, into, 0, 0, 1)
    return result


def _add_outer(A, alpha, x, y, conj_y: bool) -> np.ndarray:
    if A.dtype == np.float16:
        x, y = x.astype(np.float32), y.astype(np.float32)
    y = np.conj(y) if conj_y else y
    update = np.multiply.outer(x, y)
    if alpha != 1:
        update *= alpha
    if A.dtype == np.float16:
        update += A
        A[...] = update
    else:
        A += update
    return A


def syrk(alpha, x, beta, z, hermitian: bool = False, inplace: bool = False) -> np.ndarray:
    """Return ``alpha X X' + beta Z``, or with X^H if `hermitian`; half of X X' is computed."""
    n = x.shape[0]
    alpha, beta = _number(alpha, x.dtype), _number(beta, x.dtype)
    if alpha == 0 or x.size == 0:
        return _scaled(beta, z, (n, n), inplace)
    if not x.flags.forc or not x.flags.aligned:
        x = np.ascontiguousarray(x) if x.flags.aligned else x.copy()
    letter = _letter(x)
    if letter is None:
        single = x.astype(np.float32) if x.dtype == np.float16 else x
        product = np.matmul(single, (np.conj(single) if hermitian else single).T)
        _mirror(product, hermitian)
        return _accumulate(alpha, product, beta, z, inplace)
    # herk takes a real factor only; what is Hermitian stays so only with one.
    inner = alpha if not hermitian else (alpha.real if alpha.imag == 0 else 1)
    trans = 0
    if x.flags.c_contiguous:
        x, trans = x.T, 2 if hermitian else 1
    routine = _function(letter, "herk" if hermitian else "syrk")
    # As a C-ordered result, the triangle that is computed is the lower one.
    product = routine(inner, x, trans=trans)
    if hermitian and trans == 0:
        product = np.conj(product)
    product = product.T
    _mirror(product, hermitian)
    return _accumulate(1 if inner == alpha else alpha, product, beta, z, inplace)


def _mirror(product: np.ndarray, hermitian: bool) -> None:
    """Copy the lower triangle to the upper one, tile by tile."""
    n = len(product)
    above = np.tri(min(n, _TILE), k=-1, dtype=bool).T
    for start in range(0, n, _TILE):
        stop = min(start + _TILE, n)
        size = stop - start
        rows = product[start:stop, :stop]
        image = np.conj(rows.T) if hermitian else rows.T
        product[:start, start:stop] = image[:start]
        tile = product[start:stop, start:stop]
        np.copyto(tile, image[start:].copy(), where=above[:size, :size])


def batched_gemm(x, y, alpha=None, beta=None, z=None, shape=None, inplace=False) -> np.ndarray:
    """Return ``alpha X_i Y_i + beta Z_i``; `shape` is the product's. Without z, ``X_i Y_i``."""
    if z is None:
        return _matmul(x, y).astype(x.dtype.newbyteorder("="), copy=False)
    alpha, beta = _number(alpha, z.dtype), _number(beta, z.dtype)
    if alpha == 0 or x.size == 0 or y.size == 0:
        return _scaled(beta, z, shape, inplace)
    return _accumulate(alpha, _matmul(x, y), beta, z, inplace)
