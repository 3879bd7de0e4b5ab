"""NEEDS 20: two threads, each calling its own product, over one thread; each BLAS call has one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import numpy as np

from benchmarks.blas.case import NUMPY, OURS, compiled

SIZES = (200, 600, 1000)


def run(effort, say: Callable[[str], None]) -> dict[str, dict]:
    """Return the speed-up of two threads over one (2 is perfect) of ours and of ``np.matmul``."""
    found: dict[str, dict] = {}
    for n in (32,) if effort.quick else SIZES:
        rng = np.random.default_rng(n)
        inputs = [[rng.standard_normal((n, n)) for _ in range(2)] for _ in range(2)]
        ours = [compiled(lambda a, b: a @ b, pair) for pair in inputs]
        functions = {OURS: ours, NUMPY: [np.matmul, np.matmul]}
        calls = max(2, int(effort.batch * 10 / (2 * n**3 / 4e10)))
        records: dict = {name: {"values": []} for name in functions}
        for _ in range(effort.rounds):
            for name, pair in functions.items():
                records[name]["values"].append(speed_up(pair, inputs, calls))
        found[f"product {n} x {n}"] = {"labels": {"n": n}, **records}
        say(f"  product {n} x {n}  {records[OURS]['values'][-1]:.2f} times one thread")
    return found


def speed_up(functions, inputs, calls: int) -> float:
    """Return products a second of two threads over those of one."""
    start = time.perf_counter()
    work(functions[0], inputs[0], calls)
    alone = time.perf_counter() - start
    threads = [
        threading.Thread(target=work, args=(f, pair, calls))
        for f, pair in zip(functions, inputs, strict=True)
    ]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return 2 * alone / (time.perf_counter() - start)


def work(function: Callable, inputs, calls: int) -> None:
    for _ in range(calls):
        function(*inputs)
