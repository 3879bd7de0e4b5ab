"""One competitor on one row, in a process of its own: reads requests, writes answers, one JSON a line.

Started by path with ``python -P`` so that no directory is put on the search path: the interpreter
of a peer must find its own library, not this checkout.
"""

from __future__ import annotations

import gc
import importlib
import importlib.util
import json
import os
import statistics
import sys
import time
import traceback
from contextlib import nullcontext
from pathlib import Path

HERE = Path(__file__).resolve().parent
BATCHES = 3
SHARE = 0.9
"""A batch counts as undisturbed if the process had the processor for this share of its time."""


def make_package_importable() -> None:
    """Make ``benchmarks`` importable although its parent is not on the search path."""
    spec = importlib.util.spec_from_file_location(
        "benchmarks", HERE / "__init__.py", submodule_search_locations=[str(HERE)]
    )
    module = importlib.util.module_from_spec(spec)
    sys.modules["benchmarks"] = module
    spec.loader.exec_module(module)


def processor_seconds() -> float:
    """Return the processor time of this process, its threads, and the compilers it has waited for."""
    times = os.times()
    return time.process_time() + times.children_user + times.children_system


class Session:
    """The requests a worker understands; each method answers one with a dictionary."""

    def load(self, module: str) -> dict:
        """Import the front end (its library with it)."""
        self.frontend = importlib.import_module(f"benchmarks.frontends.{module}")
        library = self.frontend.LIBRARY
        return {
            "version": getattr(library, "__version__", "?"),
            "file": str(Path(library.__file__).resolve().parent),
            "python": sys.version.split()[0],
        }

    def build(self, row: str, steady: bool = False, **options) -> dict:
        """Build the graph, its gradient and the function, and call it once; the seconds of that.

        With `steady`, what the front end does in two steps (a quick start, then native code) is
        finished at once.
        """
        self.row = importlib.import_module("benchmarks.workloads").find_row(row)
        self.inputs, state = self.row.data()
        family = getattr(self.frontend, self.row.family, None)
        if family is None:
            missing = getattr(self.frontend, "MISSING", {})
            return {"skipped": missing.get(self.row.family, "not written for this front end")}
        prepared = getattr(self.frontend, "steady", nullcontext) if steady else nullcontext
        used = processor_seconds()
        start = time.perf_counter()
        self.make = lambda inputs: self.frontend.compile_row(
            family, self.row, inputs, state, **options
        )
        with prepared():
            self.function = self.make(self.inputs)
            compiled = time.perf_counter()
            self.first = self.function(*self.inputs)
        end = time.perf_counter()
        return {
            "seconds": end - start,
            "used": processor_seconds() - used,
            "first_call": end - compiled,
        }

    def check(self) -> dict:
        """Compare the first two calls with the values by hand."""
        found = [self.first, self.function(*self.inputs)]
        errors = [
            self.row.error(outputs, wanted)
            for outputs, wanted in zip(found, self.row.expected(len(found)), strict=True)
        ]
        return {"error": max(errors), "rtol": self.row.rtol}

    def time(self, seconds: float) -> dict:
        """Time a round of batches of calls, about `seconds` a batch; microseconds a call."""
        if not hasattr(self, "calls"):
            self.calls = self.calls_per_batch(seconds)
        batches = [self.batch() for _ in range(BATCHES)]
        wall, used = (statistics.median(column) for column in zip(*batches, strict=True))
        disturbed = used < SHARE * wall
        return {
            "us": (used if disturbed else wall) / self.calls * 1e6,
            "wall_us": wall / self.calls * 1e6,
            "disturbed": disturbed,
            "calls": self.calls,
        }

    def calls_per_batch(self, seconds: float) -> int:
        """Return how many calls fill a batch, after warming up."""
        self.calls = 1
        while (taken := self.batch()[0]) < seconds / 4 and self.calls < 1_000_000:
            self.calls = max(2 * self.calls, int(self.calls * seconds / 4 / max(taken, 1e-7)))
        return max(1, round(self.calls * seconds / taken))

    def batch(self) -> tuple[float, float]:
        """Return wall and processor seconds of one batch, the collector switched off."""
        call = getattr(self.function, "repeat", None) or self.call_repeatedly
        gc.disable()
        used = time.process_time()
        start = time.perf_counter()
        call(self.calls)
        wall = time.perf_counter() - start
        used = time.process_time() - used
        gc.enable()
        return wall, used

    def call_repeatedly(self, calls: int) -> None:
        function, inputs = self.function, self.inputs
        for _ in range(calls):
            function(*inputs)

    def another(self, inputs):
        """Return one more function of the row, called once."""
        steady = getattr(self.frontend, "steady", nullcontext)
        with steady():
            function = self.make(inputs)
            function(*inputs)
        return function

    def threads(self, **how) -> dict:
        return self.duties.thread_gain(self.another, self.inputs, **how)

    def share(self, **how) -> dict:
        return self.duties.share_function(self.function, self.row, self.inputs, **how)

    def leak(self, **how) -> dict:
        return self.duties.leak(self.function, self.inputs, **how)

    def drop(self, **how) -> dict:
        return self.duties.drop(self.another, self.inputs, **how)

    @property
    def duties(self):
        return importlib.import_module("benchmarks.duties")

    def memory(self) -> dict:
        """Return the largest resident size of this process so far, in MB."""
        status = Path("/proc/self/status")
        if status.exists():
            # Not getrusage: its figure survives exec and may be the parent's.
            for line in status.read_text().splitlines():
                if line.startswith("VmHWM"):
                    return {"peak_mb": int(line.split()[1]) / 1024}
        resource = importlib.import_module("resource")
        return {"peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def main() -> None:
    # Answers go to the real standard output; what libraries print goes to the log.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    make_package_importable()
    session = Session()
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = getattr(session, request.pop("do"))(**request)
        except Exception as problem:
            traceback.print_exc()
            text = str(problem).strip().splitlines()
            answer = {"failed": f"{type(problem).__name__}: {text[0] if text else ''}"[:200]}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
