"""Writes the measured tables into ``doc/blas_benchmarks.md``, between its markers."""

from __future__ import annotations

import re
from pathlib import Path

from benchmarks.blas.tables import (
    MEASURES,
    OTHER_LINES,
    OTHERS,
    markdown,
    summary_of,
    worst,
)

PAGE = Path(__file__).resolve().parents[2] / "doc" / "blas_benchmarks.md"
NOTHING = "Not measured yet."
MARKED = re.compile(r"(<!-- measured: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def fill(text: str, results: dict) -> str:
    """Return the page with every marked place filled from the results."""

    def one(match: re.Match) -> str:
        return f"{match[1]}{section(match[2], results)}\n{match[3]}"

    return MARKED.sub(one, text)


def section(name: str, results: dict) -> str:
    if name == "machine":
        machine = results.get("machine", {})
        return (
            f"{machine.get('cpu')}, {machine.get('cpus')} processors, commit "
            f"{machine.get('commit')}, {machine.get('date')}."
        )
    found = results.get(name)
    if not found:
        return NOTHING
    if name in OTHERS:
        return markdown(OTHER_LINES[name](found))
    notes = "\n".join(f"- {line.strip()}" for line in worst(name, found))
    return f"{markdown(summary_of(name, found))}\n\n{notes}"


def write(results: dict, page: Path = PAGE) -> None:
    page.write_text(fill(page.read_text(), results))


__all__ = ["MEASURES", "PAGE", "fill", "write"]
