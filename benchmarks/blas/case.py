"""A case is one computation by several contestants, timed in turns inside one process."""

from __future__ import annotations

import gc
import random
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

import pytensor
import pytensor.tensor as pt
from benchmarks.worker import SHARE

OURS, CHECKED, NUMPY, NUMPY_OUT, SCIPY = "ours", "checked", "numpy", "numpy out", "scipy"
BY_HAND = (NUMPY, NUMPY_OUT)
"""Contestants that are NumPy; a case is judged against the fastest of them."""

Inputs = Sequence[np.ndarray]
Contestants = dict[str, Callable]


@dataclass(frozen=True)
class Case:
    """One computation.

    Attributes
    ----------
    name
        A line of the table.
    labels
        What the table may be cut by: dtype, size, and so on.
    build
        Returns the inputs, the contestants (`OURS`, and at least one of `BY_HAND` or `SCIPY`), all
        called with these inputs.
    rtol
        Relative error allowed between any two contestants.
    """

    name: str
    build: Callable[[], tuple[Inputs, Contestants]]
    labels: Mapping[str, object] = field(default_factory=dict)
    rtol: float = 1e-9


@dataclass(frozen=True)
class Effort:
    """How long to measure: rounds, and the seconds of a batch of calls."""

    rounds: int = 9
    batch: float = 0.01
    quick: bool = False


def compiled(build: Callable, inputs: Inputs, trust_input: bool = True) -> Callable:
    """Return the function of ``build(*variables)``; axes of length one are known to be so."""
    variables = [
        pt.tensor(dtype=x.dtype, shape=tuple(1 if n == 1 else None for n in x.shape))
        for x in inputs
    ]
    outputs = build(*variables)
    outputs = list(outputs) if isinstance(outputs, tuple) else outputs
    function = pytensor.function(variables, outputs, on_unused_input="ignore")
    function.trust_input = trust_input
    return function


def both(build: Callable, inputs: Inputs) -> Contestants:
    """Return this package's function with trusted and with checked inputs."""
    return {
        OURS: compiled(build, inputs),
        CHECKED: compiled(build, inputs, trust_input=False),
    }


def values(result) -> list[np.ndarray]:
    many = isinstance(result, tuple | list)
    return [np.array(part) for part in (result if many else [result])]


def largest_error(contestants: Contestants, inputs: Inputs) -> float:
    """Return the largest difference from this package's result, relative to the largest element."""
    first, *others = (values(function(*inputs)) for function in contestants.values())
    worst = 0.0
    for other in others:
        for a, b in zip(first, other, strict=True):
            if a.shape != b.shape:
                return float("inf")
            if a.size:
                difference = np.abs(a.astype("complex128") - b.astype("complex128")).max()
                worst = max(worst, float(difference / max(1e-300, np.abs(b).max())))
    return worst


def batch(function: Callable, inputs: Inputs, calls: int) -> tuple[float, bool]:
    """Return the microseconds of a call, and whether others had the processor meanwhile.

    The processor time is taken of a disturbed batch, as in `benchmarks.worker`.
    """
    repeat = range(calls)
    used = time.thread_time()
    start = time.perf_counter()
    for _ in repeat:
        function(*inputs)
    wall = time.perf_counter() - start
    used = time.thread_time() - used
    disturbed = used < SHARE * wall
    return (used if disturbed else wall) / calls * 1e6, disturbed


def calls_of_a_batch(function: Callable, inputs: Inputs, seconds: float) -> int:
    calls = 1
    while (taken := batch(function, inputs, calls)[0] * calls * 1e-6) < seconds / 4:
        calls = max(2 * calls, int(calls * seconds / 4 / max(taken, 1e-7)))
    return max(1, round(calls * seconds / taken))


def take_turns(contestants: Contestants, inputs: Inputs, effort: Effort) -> dict[str, dict]:
    """Time all contestants: one batch each, then the next round, in changing order.

    A batch starts with a call that does not count, so that nobody pays for the caches others left.
    """
    records: dict[str, dict] = {name: {"values": [], "disturbed": 0} for name in contestants}
    calls = {n: calls_of_a_batch(f, inputs, effort.batch) for n, f in contestants.items()}
    names, order = list(contestants), random.Random(0)
    gc.collect()
    gc.disable()
    try:
        for _ in range(effort.rounds):
            order.shuffle(names)
            for name in names:
                if calls[name] > 1:
                    contestants[name](*inputs)
                micro, disturbed = batch(contestants[name], inputs, calls[name])
                records[name]["values"].append(micro)
                records[name]["disturbed"] += disturbed
    finally:
        gc.enable()
    return records


def measure(cases: Iterator[Case], effort: Effort, say: Callable[[str], None]) -> dict[str, dict]:
    """Return ``{case: {"labels": ..., contestant: record}}``; a failure is noted, not raised."""
    found = {}
    for case in cases:
        try:
            inputs, contestants = case.build()
            error = largest_error(contestants, inputs)
            if not error <= case.rtol:
                raise ArithmeticError(f"the contestants differ by {error:.1e}")
            records: dict = take_turns(contestants, inputs, effort)
        except Exception as problem:
            records = {OURS: {"failed": f"{type(problem).__name__}: {problem}"[:200]}}
        found[case.name] = {"labels": case.labels, **records}
        say(f"  {case.name}  {summary(found[case.name])}")
    return found


def speed(records: dict, against: Sequence[str] = BY_HAND) -> float | None:
    """Return our speed over the fastest of `against`: the median over the rounds; 1 is equal."""
    ours = records.get(OURS, {}).get("values")
    found = [
        statistics.median(b / a for a, b in zip(ours, records[name]["values"], strict=True))
        for name in against
        if ours and records.get(name, {}).get("values")
    ]
    return min(found) if found else None


def summary(records: dict) -> str:
    if "failed" in records[OURS]:
        return records[OURS]["failed"]
    ratio = speed(records)
    return "" if ratio is None else f"{ratio:.2f} of NumPy's speed"
