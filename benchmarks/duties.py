"""What a worker can be asked beyond building and timing: threads, one function shared, leaks."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

SETTLE = 0.1
"""The share of calls made before memory is looked at: pools and caches fill first."""


def run_together(tasks: Sequence[Callable[[], None]]) -> float:
    """Run tasks in a thread each, started at once; return the seconds until the last has ended."""
    gate = threading.Barrier(len(tasks) + 1)
    failed: list[BaseException] = []

    def body(task):
        gate.wait()
        try:
            task()
        except BaseException as problem:
            failed.append(problem)

    threads = [threading.Thread(target=body, args=(task,)) for task in tasks]
    for thread in threads:
        thread.start()
    gate.wait()
    start = time.perf_counter()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - start
    if failed:
        raise failed[0]
    return seconds


def repeated(function, inputs, calls: int) -> Callable[[], None]:
    if hasattr(function, "repeat"):
        return lambda: function.repeat(calls)

    def task():
        for _ in range(calls):
            function(*inputs)

    return task


def thread_gain(make: Callable, inputs, count: int, seconds: float, rounds: int) -> dict:
    """Return what `count` threads do, each with a function and arrays of its own, of one's work.

    One thread and all of them take turns; a gain of `count` is perfect.
    """
    own = [[x.copy() for x in inputs] for _ in range(count)]
    functions = [make(arrays) for arrays in own]
    one = run_together([repeated(functions[0], own[0], 3)]) / 3
    calls = max(1, round(seconds / one))
    tasks = [repeated(f, arrays, calls) for f, arrays in zip(functions, own, strict=True)]
    gains, alone = [], []
    for _ in range(rounds):
        alone.append(run_together(tasks[:1]))
        gains.append(count * alone[-1] / run_together(tasks))
    return {"values": gains, "alone_us": statistics.median(alone) / calls * 1e6}


def share_function(function, row, inputs, count: int, calls: int) -> dict:
    """Call one function from `count` threads, `calls` in all, each with other numbers.

    Every result is compared with the value by hand; `wrong` counts those that differ.
    """
    wrong = [0] * count

    def task(number: int):
        arrays = [x * (1 + number / 4) if x.dtype.kind == "f" else x for x in inputs]
        expected = [np.asarray(x) for x in flat(row.by_hand(*arrays, **row.options))]

        def body():
            for _ in range(calls // count):
                wrong[number] += row.error(function(*arrays), expected) > row.rtol

        return body

    seconds = run_together([task(number) for number in range(count)])
    return {"values": [seconds / calls * 1e6], "wrong": sum(wrong), "calls": calls}


def flat(outputs) -> list:
    return list(outputs) if isinstance(outputs, tuple | list) else [outputs]


def resident_mb() -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    raise OSError("[leaks] /proc/self/status must have VmRSS")


def leak(function, inputs, calls: int, wrong: bool) -> dict:
    """Return the MB by which the process grows over `calls` calls; with `wrong`, calls that raise."""
    if wrong:
        inputs = [inputs[0], *(x[:-1] for x in inputs[1:])]

    def run(times: int) -> int:
        raised = 0
        for _ in range(times):
            try:
                function(*inputs)
            except Exception:
                raised += 1
        return raised

    run(max(1, round(SETTLE * calls)))
    before = resident_mb()
    raised = run(calls)
    if wrong != bool(raised):
        return {"skipped": f"{raised} of {calls} calls raised"}
    return {"values": [resident_mb() - before], "calls": calls}


def drop(make: Callable, inputs, cycles: int, settle: int = 20) -> dict:
    """Return the MB by which the process grows from building and dropping a function again."""
    for number in range(cycles):
        if number == settle:
            before = resident_mb()
        make(inputs)
    return {"values": [resident_mb() - before], "calls": cycles}
