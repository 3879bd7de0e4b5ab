"""Who competes, which rows, and one whole run."""

from __future__ import annotations

import datetime
import importlib.util
import os
import platform
import re
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterable
from dataclasses import replace

from benchmarks import grids, measures, stored
from benchmarks.frontends import BY_HAND, FLOOR, FRONTENDS, OURS
from benchmarks.measures import Plan
from benchmarks.worker_process import ROOT, Competitor, stopped
from benchmarks.workloads import ROWS, SCAN_ROWS, Workload

TAKE = measures.TAKE | grids.TAKE
MEASURES = tuple(TAKE)


def find_competitors(peers: Iterable[str], only: Iterable[str], blas: str) -> tuple:
    """Return this package, NumPy by hand, the named peers, and those this interpreter has.

    Parameters
    ----------
    peers
        ``name=interpreter``, names as in `FRONTENDS`; an empty interpreter leaves a peer out.
    only
        If given, names to restrict to.
    blas
        Link flags for upstream's C mode.
    """
    if "," in blas:
        raise ValueError(f"[--upstream-blas] must be -L and -l flags without commas, got {blas!r}")
    pythons = dict.fromkeys((OURS, BY_HAND, FLOOR), sys.executable)
    for name in ("jax", "torch", "numba"):
        if importlib.util.find_spec(name):
            pythons[name] = sys.executable
    for text in peers:
        name, equals, python = text.partition("=")
        if name not in FRONTENDS or not equals:
            names = sorted(set(FRONTENDS) - {OURS})
            raise ValueError(f"[--peer] must be NAME=PYTHON with NAME in {names}, got {text!r}")
        pythons[name] = python
    chosen = set(only) or set(pythons)
    if unknown := chosen - set(pythons):
        raise ValueError(f"[--only] must be among {sorted(pythons)}, got {sorted(unknown)}")
    order = [name for name in FRONTENDS if pythons.get(name) and name in chosen]
    return tuple(Competitor(FRONTENDS[name], pythons[name], blas) for name in order)


def choose_rows(patterns: Iterable[str], quick: bool) -> list[Workload]:
    """Return the rows whose names contain one of the regular expressions.

    If none is given: all but those of loops, which the measure ``scans`` times.
    """
    patterns = [re.compile(p, re.IGNORECASE) for p in patterns]
    rows = [row for row in (*ROWS, *(SCAN_ROWS if patterns else ())) if row.quick or not quick]
    rows = [row for row in rows if not patterns or any(p.search(row.name) for p in patterns)]
    if not rows:
        raise ValueError(f"[--rows] must match one of {[row.name for row in (*ROWS, *SCAN_ROWS)]}")
    return rows


def machine() -> dict:
    """Return what one must know of the machine to read the numbers."""
    model = platform.processor() or platform.machine()
    if os.path.exists("/proc/cpuinfo"):
        with open("/proc/cpuinfo") as lines:
            models = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
        model = models[0] if models else model
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True
    )
    return {
        "date": datetime.datetime.now().isoformat(timespec="seconds"),
        "cpu": model,
        "cpus": os.cpu_count(),
        "load": os.getloadavg() if hasattr(os, "getloadavg") else None,
        "system": platform.platform(),
        "commit": commit.stdout.strip() or "?",
    }


def run(
    plan: Plan,
    rows: list[Workload],
    wanted: Iterable[str],
    results: dict,
    save: Callable[[], None],
    older: dict | None = None,
) -> None:
    """Take the wanted measures and lay them into `results` (rows not measured again stay).

    `save` is called after every row, so that a run that is stopped leaves what it has. What the
    results `older` have of competitors that are not here is kept beside it, marked as stored. A
    measure that ends in an exception is reported and leaves the others alone.
    """
    found = measures.identities(plan)
    for name, answer in found.items():
        if stopped(answer):
            print(f"[benchmarks] {name} is left out: {answer}", file=sys.stderr)
    present = tuple(c for c in plan.competitors if not stopped(found[c.name]))
    plan = replace(plan, competitors=present)
    results["machine"] = machine() | {"rounds": plan.rounds, "limit": plan.limit}
    merge(results, {"competitors": found})
    for name in MEASURES:
        if name in wanted:
            try:
                for part in TAKE[name](plan, rows):
                    merge(results, part)
                    stored.borrow(results, older or {})
                    save()
            except Exception as problem:
                traceback.print_exc()
                results.setdefault("problems", {})[name] = f"{type(problem).__name__}: {problem}"
                save()


def merge(old: dict, new: dict) -> None:
    """Lay `new` over `old`; records (what has values, or says why not) are replaced whole."""
    for key, value in new.items():
        kept = old.get(key)
        if all(isinstance(d, dict) and not is_record(d) for d in (kept, value)):
            merge(kept, value)
        else:
            old[key] = value


def is_record(entry: dict) -> bool:
    return "values" in entry or "version" in entry or stopped(entry)
