"""What is measured beyond the battery: recurrences against C, threads, leaks, compiling at once."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

from benchmarks.frontends import OURS
from benchmarks.measures import Measure, Part, Plan, Records, prepare, say, steady_row
from benchmarks.worker_process import Competitor, WorkerProcess, stopped
from benchmarks.workloads import SCAN_ROWS, Workload

THREADS_ROW, SHARED_ROW = "product 600", "gemv 8"
PROCESSES_ROW = "logistic logp + grad, 1000 x 10"
LEAK_ROWS = ("empty function (x + 1)", SHARED_ROW, "hierarchical logp + grad, 919")


def scans(plan: Plan, rows: Iterable[Workload]) -> Iterator[Part]:
    """Microseconds a call of recurrences and of a sum, beside the loop in C."""
    for row in SCAN_ROWS:
        yield {"scans": {row.name: steady_row(plan, row.name, plan.competitors)}}


def asked(plan: Plan, row: str, competitor: Competitor, do: str, **how) -> dict:
    """Build a row natively in a new process, unpinned, and return the answer to one request."""
    with plan.start(row, competitor) as worker:
        answer = prepare(plan, worker, row, steady=True)
        return answer if stopped(answer) else worker.ask(do, plan.limit, **how)


def threads(plan: Plan, rows: Iterable[Workload]) -> Iterator[Part]:
    """The gain of two threads with a product each, and eight threads on one function."""
    records: Records = {}
    for competitor in plan.competitors:
        how = {"count": 2, "seconds": 10 * plan.batch, "rounds": plan.rounds}
        records[competitor.name] = asked(plan, THREADS_ROW, competitor, "threads", **how)
    say("  threads")
    yield {"threads": {THREADS_ROW + ", two threads": records}}
    shared: Records = {}
    for competitor in plan.competitors:
        if not competitor.frontend.floor:
            how = {"count": 8, "calls": 100_000 if plan.rounds > 3 else 4_000}
            shared[competitor.name] = asked(plan, SHARED_ROW, competitor, "share", **how)
    yield {"threads": {SHARED_ROW + ", one function, 8 threads": shared}}


def leaks(plan: Plan, rows: Iterable[Workload]) -> Iterator[Part]:
    """The MB by which a process grows: over many calls, over calls that raise, over builds."""
    calls = 100_000 if plan.rounds > 3 else 5_000
    cycles = 200 if plan.rounds > 3 else 30
    requests = [(row, row, "leak", {"calls": calls, "wrong": False}) for row in LEAK_ROWS]
    wrong = {"calls": calls, "wrong": True}
    requests.append((f"{SHARED_ROW}, wrong shapes", SHARED_ROW, "leak", wrong))
    requests.append((f"{SHARED_ROW}, built and dropped", SHARED_ROW, "drop", {"cycles": cycles}))
    for name, row, do, how in requests:
        records: Records = {
            c.name: asked(plan, row, c, do, **how) for c in plan.competitors if c.frontend.compiles
        }
        say(f"  leaks   {name}")
        yield {"leaks": {name: records}}


def processes(plan: Plan, rows: Iterable[Workload]) -> Iterator[Part]:
    """Seconds of many processes that compile one row natively at once, with one empty cache.

    ``ratio`` is the time of all of them per core over the time of one per core; only this package.
    """
    ours = [c for c in plan.competitors if c.name == OURS]
    cores, many = os.cpu_count() or 1, 64 if plan.rounds > 3 else 8
    for competitor in ours:
        few = build_at_once(plan, competitor, cores)
        record = few if stopped(few) else build_at_once(plan, competitor, many)
        if not stopped(record):
            record["one_per_core"] = few["values"][0]
            record["ratio"] = record["values"][0] / few["values"][0] * cores / many
        say("  processes")
        yield {"processes": {f"{PROCESSES_ROW}, {many} at once": {competitor.name: record}}}


def build_at_once(plan: Plan, competitor: Competitor, count: int) -> dict:
    """Start `count` processes that build one row with one empty cache; seconds until the last is done."""
    name = f"{PROCESSES_ROW} at once"
    shutil.rmtree(plan.directory(name, competitor), ignore_errors=True)

    def build(number: int) -> dict:
        directory = plan.directory(name, competitor)
        with WorkerProcess(competitor, directory, directory / f"log{number}.txt") as worker:
            return prepare(plan, worker, PROCESSES_ROW, steady=True)

    start = time.perf_counter()
    with ThreadPoolExecutor(count) as pool:
        answers = list(pool.map(build, range(count)))
    seconds = time.perf_counter() - start
    bad = [answer for answer in answers if stopped(answer)]
    return bad[0] if bad else {"values": [seconds]}


TAKE: dict[str, Measure] = {
    "scans": scans,
    "threads": threads,
    "leaks": leaks,
    "processes": processes,
}
