"""C29: products forward, backward and both; square, tall and wide; batched; accumulated.

The accumulated product is ``A @ B + C``. The backward pass is given the cotangent ``G`` of the
result: ``G B'`` and ``A' G``, and for the accumulated product also the gradient of ``C``, a copy.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import numpy as np
from scipy.linalg import blas

import pytensor
from benchmarks.blas.case import NUMPY, NUMPY_OUT, SCIPY, Case, Contestants, both

SHAPES = {"square": (1, 1), "tall": (4, 1), "wide": (1, 4)}
"""Rows of A, and columns of A, in multiples of n."""
PASSES = ("forward", "backward", "both")
SIZES = (16, 128, 512)
BATCH = 8


def cases(quick: bool = False) -> Iterator[Case]:
    sizes = SIZES[:1] if quick else SIZES
    axes = (("float64", "float32"), (False, True), sizes, SHAPES, (False, True), PASSES)
    for dtype, batched, n, shape, accumulated, direction in itertools.product(*axes):
        labels = {
            "dtype": dtype,
            "batch": "batched" if batched else "single",
            "n": n,
            "shape": shape,
            "product": "T@U+V" if accumulated and batched
            else "A@B+C" if accumulated else "T@U" if batched else "A@B",
            "pass": direction,
        }  # fmt: skip
        name = " ".join(str(v) for k, v in labels.items() if k != "batch")
        build = builder(dtype, batched, n, shape, accumulated, direction)
        yield Case(name, build, labels, rtol=1e-9 if dtype == "float64" else 1e-3)


def builder(dtype, batched, n, shape, accumulated, direction) -> Callable:
    def build():
        rng = np.random.default_rng(n)
        rows, inner = (k * n for k in SHAPES[shape])
        lead = (BATCH,) if batched else ()
        sizes = (*lead, rows, inner), (*lead, inner, n), (*lead, rows, n), (*lead, rows, n)
        inputs = [rng.standard_normal(s).astype(dtype) for s in sizes]
        ours = both(symbolic(accumulated, direction), inputs)
        return inputs, ours | by_hand(inputs, accumulated, direction) | with_blas(
            inputs, accumulated, direction
        )

    return build


def symbolic(accumulated: bool, direction: str) -> Callable:
    def family(A, B, C, G):
        result = A @ B + C if accumulated else A @ B
        wrt = [A, B, C] if accumulated else [A, B]
        gradients = () if direction == "forward" else tuple(
            pytensor.grad(None, wrt, known_grads={result: G})
        )  # fmt: skip
        return gradients if direction == "backward" else (result, *gradients)

    return family


def transposed(x: np.ndarray) -> np.ndarray:
    return x.swapaxes(-1, -2)


def by_hand(inputs, accumulated: bool, direction: str) -> Contestants:
    """Return NumPy as one writes it, and with all outputs allocated beforehand."""
    forward, backward = direction != "backward", direction != "forward"

    def plain(A, B, C, G):
        found = []
        if forward:
            found.append(A @ B + C if accumulated else A @ B)
        if backward:
            found += [G @ transposed(B), transposed(A) @ G]
            if accumulated:
                found.append(G.copy())
        return found

    Z, dA, dB, dC = (np.empty_like(inputs[i]) for i in (2, 0, 1, 2))

    def into(A, B, C, G):
        found = []
        if forward:
            np.matmul(A, B, out=Z)
            if accumulated:
                np.add(Z, C, out=Z)
            found.append(Z)
        if backward:
            np.matmul(G, transposed(B), out=dA)
            np.matmul(transposed(A), G, out=dB)
            found += [dA, dB]
            if accumulated:
                np.copyto(dC, G)
                found.append(dC)
        return found

    return {NUMPY: plain, NUMPY_OUT: into}


def with_blas(inputs, accumulated: bool, direction: str) -> Contestants:
    """Return calls of SciPy's gemm, in the orders that copy nothing: ``Z' = B' A'``."""
    gemm = blas.dgemm if inputs[0].dtype == np.float64 else blas.sgemm
    forward, backward = direction != "backward", direction != "forward"
    Z, dA, dB = (np.empty_like(inputs[i]) for i in (2, 0, 1))

    def one(A, B, C, G, Z, dA, dB):
        found = []
        if forward:
            if accumulated:
                np.copyto(Z, C)
            beta = 1.0 if accumulated else 0.0
            found.append(gemm(1.0, B.T, A.T, beta, Z.T, 0, 0, 1).T)
        if backward:
            found += [
                gemm(1.0, B.T, G.T, 0.0, dA.T, 1, 0, 1).T,
                gemm(1.0, G.T, A.T, 0.0, dB.T, 0, 1, 1).T,
            ]
            if accumulated:
                found.append(G.copy())
        return found

    def single(A, B, C, G):
        return one(A, B, C, G, Z, dA, dB)

    def batched(A, B, C, G):
        for parts in zip(A, B, C, G, Z, dA, dB, strict=True):
            one(*parts)
        gradients = [dA, dB, G.copy()] if accumulated else [dA, dB]
        return [Z] * forward + gradients * backward

    return {SCIPY: batched if inputs[0].ndim == 3 else single}
