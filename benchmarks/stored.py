"""Peers measured before: their records beside a new run's, each marked with its date."""

from __future__ import annotations

import statistics

from benchmarks.frontends import BY_HAND, FRONTENDS
from benchmarks.report import TABLES, value


def borrow(results: dict, older: dict) -> None:
    """Copy records of `older` into rows of `results` that lack the competitor, marked as stored.

    Notes
    -----
    The machine may have been faster or slower then: `drift` says how much longer NumPy by hand takes
    now, as the median over the rows that both have.
    """
    date = older.get("machine", {}).get("date", "an unknown day")
    taken = set()
    for kind in TABLES:
        for row, records in results.get(kind, {}).items():
            for name, record in older.get(kind, {}).get(row, {}).items():
                if name in FRONTENDS and (name not in records or "stored" in records[name]):
                    records[name] = {"stored": date} | record
                    taken.add(name)
    if taken:
        kept = results.get("stored", {}).get("names", [])
        results["stored"] = {
            "names": sorted({*taken, *kept}),
            "date": date,
            "drift": drift(results, older),
        }


def drift(results: dict, older: dict) -> float | None:
    """Return how much longer NumPy by hand takes now than then, None if no row tells."""
    ratios = []
    for row, records in results.get("steady", {}).items():
        now = records.get(BY_HAND, {})
        then = older.get("steady", {}).get(row, {}).get(BY_HAND)
        if "stored" not in now and value(now) and value(then):
            ratios.append(value(now) / value(then))
    return statistics.median(ratios) if ratios else None
