"""``python -m benchmarks.blas``: the BLAS subsystem against NumPy and SciPy's BLAS.

Examples::

    python -m benchmarks.blas --quick            # small sizes, few rounds
    python -m benchmarks.blas grid vectors       # some measurements; the rest of the file stays
    python -m benchmarks.blas grid --only "float64 128"
    python -m benchmarks.blas --show --full      # tables and picture of the stored results
    python -m benchmarks.blas --doc              # tables of doc/blas_benchmarks.md from them
"""

# ruff: noqa: E402
from __future__ import annotations

import os

# One thread for every BLAS, told before any is loaded.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import argparse
import importlib
import importlib.util
import json
import re
import sys
from pathlib import Path

from benchmarks.blas import page, tables
from benchmarks.blas.case import Effort, measure
from benchmarks.runner import machine

RESULTS = Path(__file__).resolve().parents[1] / "results"
ALL = (*tables.MEASURES, *tables.OTHERS)


def parse(words: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="benchmarks.blas",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("measures", nargs="*", choices=[*ALL, []], help=f"among {', '.join(ALL)} (all)")
    add("--quick", action="store_true", help="smallest sizes, three short rounds")
    add("--only", metavar="REGEX", help="cases whose names match")
    add("--rounds", type=int, default=11, help="rounds of each case (11)")
    add("--batch", type=float, default=0.01, help="seconds of a batch of calls (0.01)")
    add("--out", type=Path, help="result file (results/blas.json; --quick: none but by name)")
    add("--show", action="store_true", help="measure nothing, print the result file")
    add("--full", action="store_true", help="every case, not a line per group")
    add("--doc", action="store_true", help="measure nothing, fill doc/blas_benchmarks.md")
    add("--no-plot", action="store_true", help="draw no picture")
    return parser.parse_args(words)


def take(name: str, options: argparse.Namespace) -> dict[str, dict]:
    """Take one measurement."""
    rounds, seconds = (3, 0.0005) if options.quick else (options.rounds, options.batch)
    effort = Effort(rounds, seconds, options.quick)
    module = importlib.import_module(f"benchmarks.blas.{name}")
    if name in tables.OTHERS:
        return module.run(effort, say)
    wanted = re.compile(options.only or "")
    return measure((c for c in module.cases(options.quick) if wanted.search(c.name)), effort, say)


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main(words: list[str] | None = None) -> int:
    options = parse(words)
    path = options.out or (None if options.quick else RESULTS / "blas.json")
    stored = path or RESULTS / "blas.json"
    keep = stored.exists() and (path is not None or options.show or options.doc)
    results = json.loads(stored.read_text()) if keep else {}
    if options.doc:
        page.write(results)
        print(f"written: {page.PAGE}")
        return 0
    for name in () if options.show else options.measures or ALL:
        say(name)
        found = take(name, options)
        results[name] = (results.get(name, {}) if options.only else {}) | found
        results["machine"] = machine() | {"rounds": options.rounds}
        if path:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(results, indent=None) + "\n")
    print(tables.tables(results, full=options.full))
    if path and not options.no_plot and importlib.util.find_spec("matplotlib"):
        for picture in importlib.import_module("benchmarks.blas.plot").draw(results, path):
            print(f"picture: {picture}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
