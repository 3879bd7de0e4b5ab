"""NEEDS 14: a matrix by its own transpose, against gemm and against NumPy (which uses syrk)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from scipy.linalg import blas

from benchmarks.blas.case import NUMPY, SCIPY, Case, both

SIZES = (100, 200, 500, 1000, 2000)
TALL = ((1000, 50), (10000, 50), (100000, 20))
QUICK = ((16, 16), (60, 10))


def cases(quick: bool = False) -> Iterator[Case]:
    shapes = QUICK if quick else (*((n, n) for n in SIZES), *TALL)
    for dtype in ("float64", "float32"):
        for rows, columns in shapes:
            expressions = {"X.T @ X": columns_by_columns}
            if rows == columns:
                expressions["A @ A.T"] = rows_by_rows
            for name, expression in expressions.items():
                labels = {"expression": name, "dtype": dtype, "shape": f"{rows} x {columns}"}
                build = builder(expression, dtype, rows, columns)
                rtol = 1e-9 if dtype == "float64" else 1e-3
                yield Case(f"{name}, {rows} x {columns} {dtype}", build, labels, rtol)


def rows_by_rows(A):
    return A @ A.T


def columns_by_columns(X):
    return X.T @ X


def builder(expression: Callable, dtype: str, rows: int, columns: int) -> Callable:
    def build():
        A = np.random.default_rng(rows).standard_normal((rows, columns)).astype(dtype)
        ours = both(expression, (A,))
        for function in ours.values():
            result = function(A)
            if not np.array_equal(result, result.T):
                raise ArithmeticError("the result must be exactly symmetric")
        gemm = blas.dgemm if dtype == "float64" else blas.sgemm
        memory = np.empty_like(A.T @ A if expression is columns_by_columns else A @ A.T)
        first, second = (0, 1) if expression is columns_by_columns else (1, 0)

        def with_gemm(A):
            # A.T is by columns, and so is the (symmetric) result: nothing is copied.
            return gemm(1.0, A.T, A.T, 0.0, memory.T, first, second, 1)

        return (A,), ours | {NUMPY: expression, SCIPY: with_gemm}

    return build
