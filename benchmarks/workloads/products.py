"""Products of linear algebra, and calls so small that only their overhead counts."""

from __future__ import annotations

import numpy as np

from benchmarks.workloads.base import Draw, Workload

ALPHA, BETA = 0.5, 1.5


def normal(*shapes: tuple[int, ...]) -> Draw:
    """Return a draw of standard normal arrays of the given shapes."""
    return lambda rng: [rng.standard_normal(shape) for shape in shapes]


def empty(x):
    return x + 1.0


def product(A, B):
    return A @ B


def gemv(A, x, y):
    return ALPHA * (A @ x) + BETA * y


def gemm(A, B, C):
    Z = A @ B
    Z *= ALPHA
    Z += BETA * C
    return Z


def ger(A, x, y):
    return A + ALPHA * np.outer(x, y)


def symmetric_rows(A):
    return A @ A.T


def symmetric_columns(X):
    return X.T @ X


def batched(A, B):
    return A @ B


def associate(A, B, v):
    return A @ (B @ v)


def gemv_scan(A, x, *, steps):
    for _ in range(steps):
        x = A @ x
    return x


def scaled_matrix(n: int) -> Draw:
    """Draw a matrix whose powers neither vanish nor explode, and a vector."""
    return lambda rng: [rng.standard_normal((n, n)) / np.sqrt(n), rng.standard_normal(n)]


ROWS = (
    Workload("empty function (x + 1)", "empty", normal((1,)), empty, quick=True),
    Workload("gemv 8", "gemv", normal((8, 8), (8,), (8,)), gemv, quick=True),
    Workload("gemv 512", "gemv", normal((512, 512), (512,), (512,)), gemv),
    Workload("gemm 8", "gemm", normal((8, 8), (8, 8), (8, 8)), gemm),
    Workload("gemm 128", "gemm", normal(*[(128, 128)] * 3), gemm, quick=True),
    Workload("gemm 512", "gemm", normal(*[(512, 512)] * 3), gemm),
    Workload("ger 8", "ger", normal((8, 8), (8,), (8,)), ger),
    Workload("ger 1024", "ger", normal((1024, 1024), (1024,), (1024,)), ger),
    Workload("A @ A.T, 1000", "symmetric_rows", normal((1000, 1000)), symmetric_rows),
    Workload("X.T @ X, 10000 x 50", "symmetric_columns", normal((10000, 50)), symmetric_columns),
    Workload("batched 64 x 32 x 32", "batched", normal(*[(64, 32, 32)] * 2), batched, quick=True),
    Workload("A @ B @ v, 512", "associate", normal((512, 512), (512, 512), (512,)), associate),
    Workload("100 gemvs 200, scan", "gemv_scan", scaled_matrix(200), gemv_scan,
             options={"steps": 100}),
)  # fmt: skip
