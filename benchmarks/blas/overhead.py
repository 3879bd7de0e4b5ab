"""NEEDS 29: what a call of a small product costs, inputs trusted and checked."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from benchmarks.blas.case import NUMPY, NUMPY_OUT, Case, both

SIZES = (1, 2, 4, 8)
QUICK_SIZES = (4,)


def product(A, B):
    return A @ B


def accumulated(A, B, C):
    return A @ B + C


def bias(A, B, b):
    return A @ B + b


def vector(A, x, y):
    return A @ x + y


EXPRESSIONS: dict[str, tuple[Callable, str]] = {
    "A @ B": (product, "AB"),
    "A @ B + C": (accumulated, "ABC"),
    "A @ B + b": (bias, "ABb"),
    "A @ x + y": (vector, "Axy"),
    "T @ U": (product, "TU"),
}


def cases(quick: bool = False) -> Iterator[Case]:
    for name, (expression, operands) in EXPRESSIONS.items():
        for n in QUICK_SIZES if quick else SIZES:
            build = builder(expression, operands, n)
            yield Case(f"{name}, n = {n}", build, {"expression": name, "n": n})


def builder(expression: Callable, operands: str, n: int) -> Callable:
    def build():
        rng = np.random.default_rng(n)
        ranks = [1 if o.islower() else 3 if o in "TU" else 2 for o in operands]
        inputs = [rng.standard_normal((n,) * rank) for rank in ranks]
        memory = np.empty_like(expression(*inputs))

        def into(a, b, *c):
            np.matmul(a, b, out=memory)
            return np.add(memory, *c, out=memory) if c else memory

        return inputs, both(expression, inputs) | {NUMPY: expression, NUMPY_OUT: into}

    return build
