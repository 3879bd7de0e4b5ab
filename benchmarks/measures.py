"""What is measured. Every measure takes turns: one round of each competitor, then the next round.

A measure yields, row after row, ``{measure: {row: {competitor: record}}}``. A record has ``values``
(one a round) or says why there are none (``skipped``, ``failed``).
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks.frontends import OURS
from benchmarks.worker import SHARE
from benchmarks.worker_process import Competitor, WorkerProcess, stopped
from benchmarks.workloads import (
    GROWTH_FAMILIES,
    GROWTH_SIZES,
    ROWS,
    SCAN_ROWS,
    Workload,
    find_row,
)

Records = dict[str, dict]
Part = dict[str, dict[str, Records]]
ROW_NAMES = frozenset(row.name for row in (*ROWS, *SCAN_ROWS))
LOAD_LIMIT = 120.0
CALL_LIMIT = 120.0
MEMORY_ROW = "MLP training step, 128-256-10"
WARM_ROUNDS = 3
"""Warm builds of one row by one competitor, however long they take."""
OVERHEAD_ROWS = ("empty function (x + 1)", "gemv 8")


@dataclass(frozen=True)
class Plan:
    """How much to measure.

    Attributes
    ----------
    competitors
        Who, this package first.
    rounds
        Rounds of every measure.
    batch
        Seconds of a batch of calls.
    limit
        Seconds a build may take.
    patience
        Seconds all cold builds of one row by one competitor may take together.
    cache
        Directory of the caches and logs.
    cpu
        Processor of steady runs, or None.
    sizes
        Numbers of nodes of the measure of growth.
    """

    competitors: tuple[Competitor, ...]
    rounds: int
    batch: float
    limit: float
    patience: float
    cache: Path
    cpu: int | None
    sizes: tuple[int, ...] = GROWTH_SIZES

    def directory(self, row: str, competitor: Competitor) -> Path:
        """Return where caches of a row are kept; rows of the same graph share them."""
        graph = find_row(row).graph if row in ROW_NAMES else row
        return self.cache / re.sub(r"\W+", "_", graph) / competitor.name

    def start(self, row: str, competitor: Competitor, cpu: int | None = None) -> WorkerProcess:
        directory = self.directory(row, competitor)
        return WorkerProcess(competitor, directory, directory / "log.txt", cpu)


def say(text: str) -> None:
    print(text, flush=True)


def prepare(plan: Plan, worker: WorkerProcess, row: str, **options) -> dict:
    """Load, build and check a row; return the answer to `build`, or the first that says stop."""
    competitor = worker.competitor
    answer = worker.ask("load", LOAD_LIMIT, module=competitor.frontend.module)
    if stopped(answer):
        return answer
    build = worker.ask("build", plan.limit, row=row, **options)
    if stopped(build):
        return build
    check = worker.ask("check", CALL_LIMIT)
    if not stopped(check) and not check["error"] <= check["rtol"]:
        check = {"failed": f"wrong value, error {check['error']:.1e}"}
    return check if stopped(check) else build | {"error": check["error"]}


def steady(plan: Plan, rows: Iterable[Workload]) -> Iterator[Part]:
    """Microseconds a call, once compiled.

    Who took too long to build one row is not asked for another of the same graph.
    """
    late: dict[tuple[str, str], dict] = {}
    for row in rows:
        skipped = {c.name: late[row.graph, c.name] for c in plan.competitors
                   if (row.graph, c.name) in late}  # fmt: skip
        records = steady_row(plan, row.name, [c for c in plan.competitors if c.name not in skipped])
        for name, record in records.items():
            if record.get("skipped", "").startswith(">"):
                late[row.graph, name] = record
        yield {"steady": {row.name: records | skipped}}


def steady_row(plan: Plan, row: str, competitors, **options) -> Records:
    """Measure one row: all workers stay alive and take turns."""
    records: Records = {}
    with ExitStack() as stack:
        workers = {}
        for competitor in competitors:
            worker = stack.enter_context(plan.start(row, competitor, plan.cpu))
            answer = prepare(plan, worker, row, steady=True, **options)
            if stopped(answer):
                records[competitor.name] = answer
            else:
                records[competitor.name] = {"values": [], "disturbed": 0, "error": answer["error"]}
                workers[competitor.name] = worker
        for _ in range(plan.rounds):
            for name in list(workers):
                answer = workers[name].ask("time", CALL_LIMIT, seconds=plan.batch)
                if stopped(answer):
                    records[name] = answer
                    del workers[name]
                else:
                    records[name]["values"].append(answer["us"])
                    records[name]["disturbed"] += answer["disturbed"]
    say(f"  steady  {row}")
    return records


def cold(plan: Plan, rows: Iterable[Workload]) -> Iterator[Part]:
    """Seconds from nothing to the first result: with empty caches, and again with caches kept.

    Of rows that differ in sizes only, the first is measured: the graph is the same.
    """
    compilers = [c for c in plan.competitors if c.frontend.compiles]
    for row in first_of_each_graph(rows):
        records = {kind: {c.name: {"values": []} for c in compilers} for kind in ("cold", "warm")}
        spent, spent_again = (dict.fromkeys(records["cold"], 0.0) for _ in range(2))
        for _ in range(min(plan.rounds, 5)):
            for competitor in compilers:
                name = competitor.name
                first, again = records["cold"][name], records["warm"][name]
                if not stopped(first) and (spent[name] < plan.patience or not first["values"]):
                    shutil.rmtree(plan.directory(row.name, competitor), ignore_errors=True)
                    spent[name] += build_once(plan, row.name, competitor, first)
                if stopped(first):
                    records["warm"][name] = first
                elif not stopped(again) and (
                    spent_again[name] < plan.patience or len(again["values"]) < WARM_ROUNDS
                ):
                    spent_again[name] += build_once(plan, row.name, competitor, again)
        say(f"  cold    {row.name}")
        yield {kind: {row.name: records[kind]} for kind in records}


def first_of_each_graph(rows: Iterable[Workload]) -> list[Workload]:
    first: dict[str, Workload] = {}
    for row in rows:
        first.setdefault(row.graph, row)
    return list(first.values())


def build_once(plan: Plan, row: str, competitor: Competitor, record: dict) -> float:
    """Build a row in a new process and note the time; return the seconds it cost us."""
    start = time.perf_counter()
    with plan.start(row, competitor) as worker:
        answer = prepare(plan, worker, row)
    if stopped(answer):
        record.clear()
        record.update(answer)
    else:
        # Threads and compilers side by side use more than the clock; less means they had to wait.
        disturbed = answer["used"] < SHARE * answer["seconds"]
        record["values"].append(answer["used"] if disturbed else answer["seconds"])
        record["disturbed"] = record.get("disturbed", 0) + disturbed
    return time.perf_counter() - start


def growth(plan: Plan, rows: Iterable[Workload]) -> Iterator[Part]:
    """Cold seconds of graphs of growing size; a competitor leaves a family at its first failure."""
    runners = [c for c in plan.competitors if c.frontend.compiles]
    for family in GROWTH_FAMILIES:
        gone: Records = {}
        for nodes in plan.sizes:
            row = f"growth {family} {nodes}"
            records: Records = {c.name: gone.get(c.name, {"values": []}) for c in runners}
            spent = dict.fromkeys(records, 0.0)
            for _ in range(min(plan.rounds, 3)):
                for competitor in runners:
                    name = competitor.name
                    if stopped(records[name]) or spent[name] > plan.patience:
                        continue
                    shutil.rmtree(plan.directory(row, competitor), ignore_errors=True)
                    spent[name] += build_once(plan, row, competitor, records[name])
                    if stopped(records[name]):
                        gone[name] = records[name]
            say(f"  growth  {family} {nodes}")
            yield {"growth": {row: records}}


def memory(plan: Plan, rows: Iterable[Workload]) -> Iterator[Part]:
    """Peak resident size in MB after a hundred training steps, in a process of its own."""
    records: Records = {}
    for competitor in plan.competitors:
        with plan.start(MEMORY_ROW, competitor) as worker:
            answer = prepare(plan, worker, MEMORY_ROW)
            if not stopped(answer):
                answer = worker.ask("time", CALL_LIMIT, seconds=plan.batch)
            if not stopped(answer):
                answer = worker.ask("memory", CALL_LIMIT)
            keep = answer if stopped(answer) else {"values": [answer["peak_mb"]]}
            records[competitor.name] = keep
    say("  memory")
    yield {"memory": {MEMORY_ROW: records}}


def overhead(plan: Plan, rows: Iterable[Workload]) -> Iterator[Part]:
    """Microseconds of small calls, with the inputs checked and (PyTensor) trusted."""
    checking = [c for c in plan.competitors if c.frontend.module == "with_pytensor"]
    for row in OVERHEAD_ROWS:
        trusted = steady_row(plan, row, plan.competitors)
        checked = steady_row(plan, row, checking, trust_input=False)
        yield {"overhead": {row: trusted, row + ", checked": checked}}


IMPORT_PROBE = """
import sys, time
started = []
sys.addaudithook(lambda event, arguments: started.append(event) if event in
    ("subprocess.Popen", "os.system", "os.posix_spawn", "os.fork", "os.exec") else None)
clocks = lambda: (time.perf_counter(), time.process_time())
start = clocks()
import numpy
middle = clocks()
import {library}
end = clocks()
def passed(until):
    wall, used = (b - a for a, b in zip(start, until))
    return used if used < {share} * wall else wall
import json
print(json.dumps([passed(middle), passed(end), len(started), len(sys.modules)]))
"""


def imports(plan: Plan, rows: Iterable[Workload]) -> Iterator[Part]:
    """Seconds of ``import numpy`` and of importing the library (NumPy included), new processes."""
    libraries = {
        c.name: (c, "pytensor, pytensor.tensor" if "pytensor" in c.frontend.module
                 else c.frontend.library)
        for c in plan.competitors
    }  # fmt: skip
    records: Records = {name: {"values": [], "numpy": []} for name in libraries}
    # The first round makes byte code and caches and does not count.
    for round_number in range(plan.rounds + 1):
        for name, (competitor, library) in libraries.items():
            cache = plan.directory("import", competitor)
            cache.mkdir(parents=True, exist_ok=True)
            code = IMPORT_PROBE.format(library=library, share=SHARE)
            probe = [competitor.python, "-P", "-c", code]
            environment = competitor.environment(cache)
            done = subprocess.run(probe, env=environment, cwd=cache, capture_output=True, text=True)
            if done.returncode:
                records[name] = {"failed": done.stderr.strip().splitlines()[-1][:200]}
            elif round_number and "values" in records[name]:
                numpy, total, processes, modules = json.loads(done.stdout.splitlines()[-1])
                records[name]["values"].append(total)
                records[name]["numpy"].append(numpy)
                records[name] |= {"processes": processes, "modules": modules}
    say("  import")
    yield {"import": {"import": records}}


Measure = Callable[[Plan, Iterable[Workload]], Iterator[Part]]
TAKE: dict[str, Measure] = {
    # Cold first: its caches then serve the builds of the others.
    "cold": cold,
    "steady": steady,
    "import": imports,
    "overhead": overhead,
    "memory": memory,
    "growth": growth,
}


def identities(plan: Plan) -> dict[str, dict]:
    """Return version, place and interpreter of every competitor, or why it does not load.

    Raises
    ------
    RuntimeError
        If this package's worker finds another pytensor, or a peer's finds this one.
    """
    found = {}
    for competitor in plan.competitors:
        with plan.start("identity", competitor) as worker:
            answer = worker.ask("load", LOAD_LIMIT, module=competitor.frontend.module)
        found[competitor.name] = answer
        ours = str(Path(__file__).resolve().parents[1] / "pytensor")
        if competitor.frontend.library == "pytensor" and not stopped(answer):
            if (answer["file"] == ours) != (competitor.name == OURS):
                raise RuntimeError(
                    f"[benchmarks] {competitor.name} must not be measured with {answer['file']}"
                )
    return found
