"""NEEDS 13: every broadcast pattern of ``np.matmul`` to four axes, product and accumulated."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import numpy as np

from benchmarks.blas.case import NUMPY, NUMPY_OUT, Case, both

SIZES = (4, 32, 128)
QUICK_SIZES = (4,)
LEADS = (4, 3)
"""Lengths of the batch axes where they are not one."""


def leading_shapes(longest: int = 2) -> list[tuple[int, ...]]:
    """Return every choice of up to `longest` batch axes, each whole or of length one."""
    return [
        shape
        for count in range(longest + 1)
        for shape in itertools.product(*((n, 1) for n in LEADS[2 - count :]))
    ]


def patterns() -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Return batch shapes of x and y; equal up to which operand is which are both kept."""
    pairs = itertools.product(leading_shapes(), repeat=2)
    return [(x, y) for x, y in pairs if x or y]


def written(shape: tuple[int, ...]) -> str:
    return "(" + ",".join([*("1" if n == 1 else "b" for n in shape), "m", "n"]) + ")"


def cases(quick: bool = False) -> Iterator[Case]:
    chosen = patterns()[::7] if quick else patterns()
    for n in QUICK_SIZES if quick else SIZES:
        for x, y in chosen:
            for accumulated in (False, True):
                pattern = f"{written(x)} @ {written(y)}" + (" + Z" if accumulated else "")
                labels = {"pattern": pattern, "n": n, "accumulated": accumulated}
                yield Case(f"{pattern}, n = {n}", builder(x, y, n, accumulated), labels)


def product(x, y):
    return x @ y


def sum_of_product(x, y, z):
    return x @ y + z


def builder(x_lead, y_lead, n: int, accumulated: bool) -> Callable:
    def build():
        rng = np.random.default_rng(n)
        x, y = (rng.standard_normal((*lead, n, n)) for lead in (x_lead, y_lead))
        memory = np.empty_like(x @ y)
        if not accumulated:
            into = {NUMPY: np.matmul, NUMPY_OUT: lambda x, y: np.matmul(x, y, out=memory)}
            return (x, y), both(product, (x, y)) | into
        inputs = (x, y, rng.standard_normal(memory.shape))

        def by_hand(x, y, z):
            np.matmul(x, y, out=memory)
            return np.add(memory, z, out=memory)

        return inputs, both(sum_of_product, inputs) | {NUMPY: sum_of_product, NUMPY_OUT: by_hand}

    return build
