"""TARGETS: large products against the library they call, the routine called with nothing around it.

The routine is the provider's own (the pointers the kernels use), called through ctypes: 0.5 us,
lost beside products of this size.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator

import numpy as np

from benchmarks.blas.case import OURS, Case, compiled
from pytensor.tensor.blas._ldflags import BLAS_NAMES, scipy_provider

RAW = "library"
GEMM, GEMV = (512, 1024), (2048, 4096)
PREFIX = {"float64": "d", "float32": "s"}
REAL = {"float64": ctypes.c_double, "float32": ctypes.c_float}


def cases(quick: bool = False) -> Iterator[Case]:
    for dtype in PREFIX:
        for n in (16,) if quick else GEMM:
            yield Case(f"gemm {n} {dtype}", gemm(dtype, n), {"n": n}, rtol=1e-3)
        for n in (16,) if quick else GEMV:
            yield Case(f"gemv {n} {dtype}", gemv(dtype, n), {"n": n}, rtol=1e-2)


def routine(name: str, *arguments) -> Callable:
    """Return a call of a routine of SciPy's BLAS (32-bit integers), arguments by reference."""
    addresses = dict(zip(BLAS_NAMES, scipy_provider().pointers(BLAS_NAMES), strict=True))
    function = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * len(arguments))(addresses[name])
    held = [a if isinstance(a, np.ndarray) else ctypes.pointer(a) for a in arguments]
    given = [
        a.ctypes.data if isinstance(a, np.ndarray) else ctypes.cast(a, ctypes.c_void_p)
        for a in held
    ]
    return lambda held=held: function(*given)


def gemm(dtype: str, n: int) -> Callable:
    def build():
        rng = np.random.default_rng(n)
        A, B = (rng.standard_normal((n, n)).astype(dtype) for _ in range(2))
        Z, size, real = np.empty_like(A), ctypes.c_int(n), REAL[dtype]
        none, one, zero = ctypes.c_char(b"N"), real(1), real(0)
        call = routine(
            PREFIX[dtype] + "gemm", none, none, size, size, size, one, B, size, A, size, zero, Z,
            size,
        )  # fmt: skip
        return (A, B), {OURS: compiled(lambda A, B: A @ B, (A, B)), RAW: returning(call, Z)}

    return build


def gemv(dtype: str, n: int) -> Callable:
    def build():
        rng = np.random.default_rng(n)
        A, x = rng.standard_normal((n, n)).astype(dtype), rng.standard_normal(n).astype(dtype)
        z, size, step, real = np.empty_like(x), ctypes.c_int(n), ctypes.c_int(1), REAL[dtype]
        call = routine(
            PREFIX[dtype] + "gemv", ctypes.c_char(b"T"), size, size, real(1), A, size, x, step,
            real(0), z, step,
        )  # fmt: skip
        return (A, x), {OURS: compiled(lambda A, x: A @ x, (A, x)), RAW: returning(call, z)}

    return build


def returning(call: Callable, result: np.ndarray) -> Callable:
    def function(*inputs):
        call()
        return result

    return function
