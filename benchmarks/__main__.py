"""``python -m benchmarks``: run the battery, print a table, keep JSON, draw a picture.

A first word may name one measure (``python -m benchmarks threads`` is ``--measure threads``), or one of the
grids that are programs of their own: ``loops`` (elementwise and reductions), ``blas`` (products)
and ``steps`` (what a step of a loop costs).
"""

from __future__ import annotations

import argparse
import datetime
import importlib
import importlib.util
import json
import os
import sys
from pathlib import Path

from benchmarks import report, stored
from benchmarks.measures import Plan
from benchmarks.runner import MEASURES, choose_rows, find_competitors, run

RESULTS = Path(__file__).resolve().parent / "results"
GRIDS = {
    "loops": "benchmarks.loops",
    "blas": "benchmarks.blas.__main__",
    "steps": "benchmarks.scans",
    "linalg": "benchmarks.linalg",
}
DEFAULT_CACHE = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser()


def parse(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    add = parser.add_argument
    add("--quick", action="store_true", help="a subset, few rounds, under a minute")
    add("--rows", nargs="+", default=[], metavar="REGEX", help="rows whose names match")
    add(
        "--measure",
        nargs="+",
        default=[],
        choices=MEASURES,
        metavar="NAME",
        help=f"among {', '.join(MEASURES)} (all; --quick: steady)",
    )
    add(
        "--peer",
        action="append",
        default=[],
        metavar="NAME=PYTHON",
        help="an interpreter that has a peer: upstream, upstream-c, jax, torch, numba "
        "(also: BENCHMARK_PEERS, separated by ';')",
    )
    add("--only", nargs="+", default=[], metavar="NAME", help="competitors to restrict to")
    add(
        "--upstream-blas",
        default=os.environ.get("BENCHMARK_UPSTREAM_BLAS", ""),
        metavar="FLAGS",
        help="blas__ldflags of upstream-c",
    )
    add("--rounds", type=int, help="rounds of each measure (7; --quick: 3)")
    add("--limit", type=float, help="seconds a build may take (120; --quick: 10)")
    add(
        "--patience",
        type=float,
        default=20.0,
        help="seconds for all cold builds of one row by one competitor (at least one is made)",
    )
    add("--cpu", type=int, help="processor to pin steady runs to (the last one; -1: none)")
    add("--sizes", type=int, nargs="+", help="numbers of nodes of the measure of growth")
    add(
        "--cache",
        type=Path,
        default=DEFAULT_CACHE / "pytensor-benchmarks",
        help="directory of the caches and logs of all competitors",
    )
    add(
        "--out",
        type=Path,
        help="result file (benchmarks/results/<date>.json); what an existing "
        "one holds of other rows is kept",
    )
    add(
        "--stored",
        type=Path,
        metavar="FILE",
        help="result file from which peers are shown that this run does not measure, marked",
    )
    add("--compare", nargs=2, type=Path, metavar=("OLD", "NEW"), help="compare two result files")
    add("--show", type=Path, metavar="FILE", help="print and draw a result file again")
    add("--no-plot", action="store_true", help="draw no picture")
    return parser.parse_args(words)  # fmt: skip


def last_cpu() -> int | None:
    return max(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None


def make_plan(options: argparse.Namespace) -> Plan:
    peers = [p for p in os.environ.get("BENCHMARK_PEERS", "").split(";") if p] + options.peer
    cpu = options.cpu if options.cpu is not None else last_cpu()
    return Plan(
        competitors=find_competitors(peers, options.only, options.upstream_blas),
        rounds=options.rounds or (3 if options.quick else 7),
        batch=0.005 if options.quick else 0.02,
        limit=options.limit or (10.0 if options.quick else 120.0),
        patience=options.patience,
        cache=options.cache,
        cpu=None if cpu == -1 else cpu,
        **({"sizes": tuple(options.sizes)} if options.sizes else {}),
    )


def draw(results: dict, path: Path) -> None:
    """Draw the picture beside the result file, if matplotlib is here."""
    if importlib.util.find_spec("matplotlib") is None:
        print("[benchmarks] no picture: matplotlib is not installed", file=sys.stderr)
        return
    plot = importlib.import_module("benchmarks.plot")
    for name in plot.draw(results, path):
        print(f"picture: {name}")


def main(words: list[str] | None = None) -> int:
    words = sys.argv[1:] if words is None else words
    if words and words[0] in GRIDS:
        return importlib.import_module(GRIDS[words[0]]).main(words[1:]) or 0
    if words and words[0] in MEASURES:
        words = ["--measure", *words]
    options = parse(words)
    if options.compare:
        old, new = (json.loads(path.read_text()) for path in options.compare)
        print(report.comparison(old, new))
        return 0
    path = options.show or options.out or RESULTS / f"{datetime.date.today().isoformat()}.json"
    results = json.loads(path.read_text()) if path.exists() else {}
    older = json.loads(options.stored.read_text()) if options.stored else {}
    if options.show:
        stored.borrow(results, older)
    else:
        wanted = options.measure or (["steady"] if options.quick else MEASURES)
        rows = choose_rows(options.rows, options.quick)
        path.parent.mkdir(parents=True, exist_ok=True)

        def save() -> None:
            part = path.with_suffix(".part")
            part.write_text(json.dumps(results, indent=1) + "\n")
            part.replace(path)

        run(make_plan(options), rows, wanted, results, save, older)
    print(report.tables(results, colour=sys.stdout.isatty()))
    print(f"\nresults: {path}")
    if not options.no_plot:
        draw(results, path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
