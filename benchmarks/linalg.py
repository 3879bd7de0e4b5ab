"""``python -m benchmarks linalg``: linear algebra against NumPy and SciPy called by hand.

Each cell is the time of one call of a compiled function over that of the function a user would call
instead, the smallest of several interleaved rounds; below 1 is faster. The last column is a batch of
64 matrices of 8 x 8, for which SciPy's function is called in a loop where it knows no batches.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

SIZES = (4, 8, 32, 128, 512)
BATCH = (64, 8, 8)


def _rows(linalg) -> dict[str, tuple[Callable, Callable, bool]]:
    """Name -> (expression, function called by hand, whether that takes batches)."""
    import scipy.linalg as sl  # noqa: PLC0415

    rhs = np.ones
    return {
        "cholesky": (linalg.cholesky, np.linalg.cholesky, True),
        "solve": (
            lambda x: linalg.solve(x, rhs(x.type.shape[-1]), b_ndim=1),
            lambda v: np.linalg.solve(v, rhs((v.shape[-1], 1))),
            True,
        ),
        "solve pos": (
            lambda x: linalg.solve(x, rhs(x.type.shape[-1]), assume_a="pos", b_ndim=1),
            lambda v: sl.solve(v, rhs(v.shape[-1]), assume_a="pos", check_finite=False),
            False,
        ),
        "inv": (linalg.inv, np.linalg.inv, True),
        "det": (linalg.det, np.linalg.det, True),
        "slogdet": (lambda x: list(linalg.slogdet(x)), np.linalg.slogdet, True),
        "lu_factor": (
            lambda x: list(linalg.lu_factor(x)),
            lambda v: sl.lu_factor(v, check_finite=False),
            False,
        ),
        "lu": (lambda x: list(linalg.lu(x)), lambda v: sl.lu(v, check_finite=False), True),
        "qr": (lambda x: list(linalg.qr(x, mode="economic")), np.linalg.qr, True),
        "eigh": (
            lambda x: list(linalg.eigh(x)),
            lambda v: sl.eigh(v, check_finite=False),
            False,
        ),
        "eigh evd": (lambda x: list(linalg.eigh(x, driver="evd")), np.linalg.eigh, True),
        "eigvalsh": (
            linalg.eigvalsh,
            lambda v: sl.eigvalsh(v, check_finite=False),
            False,
        ),
        "svd": (lambda x: list(linalg.svd(x)), np.linalg.svd, True),
        "svd values": (
            lambda x: linalg.svd(x, compute_uv=False),
            lambda v: np.linalg.svd(v, compute_uv=False),
            True,
        ),
        "eig": (lambda x: list(linalg.eig(x)), np.linalg.eig, True),
        "pinv": (linalg.pinv, np.linalg.pinv, True),
    }


def _value(shape: tuple[int, ...]) -> np.ndarray:
    x = np.random.default_rng(0).normal(size=shape)
    return x @ x.swapaxes(-1, -2) / shape[-1] + np.eye(shape[-1])


def _looped(function: Callable) -> Callable:
    return lambda stack: [function(v) for v in stack]


def _seconds(function: Callable, value: np.ndarray, calls: int) -> float:
    start = time.process_time()
    for _ in range(calls):
        function(value)
    return (time.process_time() - start) / calls


def measure(name: str, shape: tuple[int, ...], rounds: int) -> dict[str, float]:
    """Return seconds per call of both, the smallest of interleaved rounds."""
    import pytensor  # noqa: PLC0415
    import pytensor.tensor as pt  # noqa: PLC0415

    build, by_hand, batches = _rows(pt.linalg)[name]
    x = pt.tensor("x", dtype="float64", shape=shape)
    ours = pytensor.function([pytensor.In(x, borrow=True)], build(x), trust_input=True)
    if len(shape) > 2 and not batches:
        by_hand = _looped(by_hand)
    value = _value(shape)
    ours(value)
    by_hand(value)
    calls = max(1, int(0.02 / max(_seconds(by_hand, value, 2), 1e-6)))
    best = {"ours": np.inf, "by hand": np.inf}
    for _ in range(rounds):
        best["ours"] = min(best["ours"], _seconds(ours, value, calls))
        best["by hand"] = min(best["by hand"], _seconds(by_hand, value, calls))
    return best


def main(words: list[str] | None = None) -> int:
    """Print the table of ratios; keep the times as JSON if asked."""
    parser = argparse.ArgumentParser(prog="benchmarks linalg", description=__doc__)
    parser.add_argument("--rows", nargs="+", default=[], help="names of rows")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--out", type=Path, help="JSON file")
    chosen = parser.parse_args(words)
    import pytensor.tensor as pt  # noqa: PLC0415

    shapes = [*((n, n) for n in chosen.sizes), BATCH]
    titles = [*(f"n={n}" for n in chosen.sizes), "64x8x8"]
    print(f"{'ours / by hand':14}", *(f"{title:>8}" for title in titles), sep="")
    results = {}
    for name in chosen.rows or _rows(pt.linalg):
        cells = [measure(name, shape, chosen.rounds) for shape in shapes]
        results[name] = dict(zip(titles, cells, strict=True))
        ratios = (cell["ours"] / cell["by hand"] for cell in cells)
        print(f"{name:14}", *(f"{ratio:8.2f}" for ratio in ratios), sep="", flush=True)
    if chosen.out:
        chosen.out.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
