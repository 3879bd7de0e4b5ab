"""NEEDS 15: products with vectors, and what a careful person writes for them in NumPy."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from scipy.linalg import blas

import pytensor.tensor as pt
from benchmarks.blas.case import NUMPY, NUMPY_OUT, SCIPY, Case, both

SIZES = (4, 16, 64, 256, 1024, 4096)
QUICK_SIZES = (4, 64)
ALPHA, BETA = 0.7, -0.3

Expression = tuple[str, Callable, dict[str, Callable]]
"""Operands (a capital is a matrix), this package, and the contestants (``Z``: memory to write to)."""


def gemv(alpha, A, x, beta, y, Z):
    """Return ``alpha A x + beta y`` for a matrix by rows, which is a transposed one to BLAS."""
    np.copyto(Z, y)
    return blas.dgemv(alpha, A.T, x, beta, Z, 0, 1, 0, 1, 1, 1)


def outer_update(A, x, y, Z):
    np.multiply(x[:, None], y, out=Z)
    return np.add(A, Z, out=Z)


EXPRESSIONS: dict[str, Expression] = {
    "x @ y": (
        "xy",
        lambda x, y: x @ y,
        {NUMPY: lambda Z, x, y: x @ y, SCIPY: lambda Z, x, y: blas.ddot(x, y)},
    ),
    "A @ x": (
        "Ax",
        lambda A, x: A @ x,
        {
            NUMPY: lambda Z, A, x: A @ x,
            NUMPY_OUT: lambda Z, A, x: np.matmul(A, x, out=Z),
            SCIPY: lambda Z, A, x: blas.dgemv(1.0, A.T, x, 0.0, Z, 0, 1, 0, 1, 1, 1),
        },
    ),
    "x @ A": (
        "xA",
        lambda x, A: x @ A,
        {
            NUMPY: lambda Z, x, A: x @ A,
            NUMPY_OUT: lambda Z, x, A: np.matmul(x, A, out=Z),
            SCIPY: lambda Z, x, A: blas.dgemv(1.0, A.T, x, 0.0, Z, 0, 1, 0, 1, 0, 1),
        },
    ),
    "x @ A @ x": (
        "xA",
        lambda x, A: x @ A @ x,
        {NUMPY: lambda Z, x, A: x @ (A @ x), SCIPY: lambda Z, x, A: blas.ddot(x, A @ x)},
    ),
    "A @ B @ x": (
        "ABx",
        lambda A, B, x: A @ B @ x,
        {NUMPY: lambda Z, A, B, x: A @ (B @ x)},
    ),
    "alpha * A @ x + beta * y": (
        "Axy",
        lambda A, x, y: ALPHA * (A @ x) + BETA * y,
        {
            NUMPY: lambda Z, A, x, y: ALPHA * (A @ x) + BETA * y,
            SCIPY: lambda Z, A, x, y: gemv(ALPHA, A, x, BETA, y, Z),
        },
    ),
    "outer(x, y)": (
        "xy",
        pt.outer,
        {
            NUMPY: lambda Z, x, y: x[:, None] * y,
            NUMPY_OUT: lambda Z, x, y: np.multiply(x[:, None], y, out=Z),
        },
    ),
    "A + alpha * outer(x, y)": (
        "Axy",
        lambda A, x, y: A + ALPHA * pt.outer(x, y),
        {
            NUMPY: lambda Z, A, x, y: A + (ALPHA * x)[:, None] * y,
            NUMPY_OUT: lambda Z, A, x, y: outer_update(A, ALPHA * x, y, Z),
        },
    ),
    "(A * x).sum(1)": (
        "Ax",
        lambda A, x: (A * x).sum(1),
        {NUMPY: lambda Z, A, x: A @ x},
    ),
}
BIG = ("outer(x, y)", "A + alpha * outer(x, y)")
"""Not at n = 4096 with the others' sizes alone in mind: the result has n * n elements."""


def cases(quick: bool = False) -> Iterator[Case]:
    for name, expression in EXPRESSIONS.items():
        for n in QUICK_SIZES if quick else SIZES:
            labels = {"expression": name, "n": n}
            yield Case(f"{name}, n = {n}", builder(expression, n), labels)


def builder(expression: Expression, n: int) -> Callable:
    operands, ours, others = expression

    def build():
        rng = np.random.default_rng(n)
        inputs = [rng.standard_normal((n, n) if o.isupper() else n) for o in operands]
        memory = np.empty_like(np.asarray(others[NUMPY](None, *inputs)))
        contestants = {name: give(call, memory) for name, call in others.items()}
        return inputs, both(ours, inputs) | contestants

    return build


def give(call: Callable, memory: np.ndarray) -> Callable:
    """Return `call` with its first argument given, without the cost of another Python call."""
    bound = call.__get__(memory)  # a method's first argument costs nothing
    return bound
