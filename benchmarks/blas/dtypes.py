"""NEEDS 17: integers, float16 and mixed dtypes, against NumPy on the same inputs."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import numpy as np

import pytensor.tensor as pt
from benchmarks.blas.case import NUMPY, Case, both

PAIRS = (
    ("int64", "int64"),
    ("int32", "int32"),
    ("int16", "int16"),
    ("int8", "int8"),
    ("uint8", "uint8"),
    ("bool", "bool"),
    ("int64", "int32"),
    ("float16", "float16"),
    ("float32", "float64"),
    ("float64", "int64"),
    ("float32", "int16"),
    ("complex128", "complex128"),
    ("complex64", "complex64"),
    ("complex128", "float64"),
    ("float64", "complex64"),
)
SIZES = (4, 32, 128, 512)
QUICK_SIZES = (4,)
RTOL = {"float16": 1e-2, "float32": 1e-3, "complex64": 1e-3}

KINDS = {"A @ B": (2, 2), "A @ x": (2, 1)}


def cases(quick: bool = False) -> Iterator[Case]:
    for kind, n in itertools.product(KINDS, QUICK_SIZES if quick else SIZES):
        for left, right in PAIRS:
            labels = {"kind": kind, "n": n, "dtypes": f"{left} @ {right}"}
            rtol = RTOL.get(str(np.promote_types(left, right)), 1e-9)
            yield Case(
                f"{kind}, {left} @ {right}, n = {n}", builder(kind, left, right, n), labels, rtol
            )


def draw(rng, dtype: str, shape) -> np.ndarray:
    if dtype[0] in "iub":
        return rng.integers(0, 2 if dtype == "bool" else 5, shape).astype(dtype)
    x = rng.standard_normal(shape)
    return (x + 1j * rng.standard_normal(shape) if dtype[0] == "c" else x).astype(dtype)


def builder(kind: str, left: str, right: str, n: int) -> Callable:
    def build():
        rng = np.random.default_rng(n)
        a, b = (draw(rng, d, (n,) * k) for d, k in zip((left, right), KINDS[kind], strict=True))
        return (a, b), both(pt.matmul, (a, b)) | {NUMPY: np.matmul}

    return build
