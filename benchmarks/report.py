"""Results as aligned tables of text."""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Iterable

from benchmarks.frontends import FLOOR, FRONTENDS, OURS
from benchmarks.workloads import GROWTH_FAMILIES

GREEN, RED, DIM, PLAIN = "\033[32m", "\033[31m", "\033[2m", "\033[0m"
UNITS = {"steady": "us a call", "cold": "s, empty caches", "warm": "s, caches kept, new process"}
TABLES = (*UNITS, "scans", "threads", "overhead", "growth", "memory", "leaks", "processes")
"""What is laid out as {row: {competitor: record}}."""


def value(record: dict | None) -> float | None:
    """Return the median of a record's rounds, or None where nothing was measured."""
    return statistics.median(record["values"]) if record and record.get("values") else None


def spread(record: dict) -> float:
    """Return the interquartile range over the median."""
    values = record["values"]
    if len(values) < 2:
        return 0.0
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return (high - low) / statistics.median(values)


def best_peer(records: dict[str, dict]) -> tuple[str, float] | None:
    """Return name and value of the fastest competitor; this package and the floor are none."""
    peers = {n: value(r) for n, r in records.items() if n != OURS and not FRONTENDS[n].floor}
    peers = {name: median for name, median in peers.items() if median is not None}
    return min(peers.items(), key=lambda item: item[1]) if peers else None


def ratio(records: dict[str, dict]) -> float | None:
    """Return our time over the best peer's."""
    ours, best = value(records.get(OURS)), best_peer(records)
    return ours / best[1] if ours is not None and best else None


def floor_ratio(records: dict[str, dict]) -> float | None:
    """Return our time over that of C."""
    ours, floor = value(records.get(OURS)), value(records.get(FLOOR))
    return ours / floor if ours is not None and floor else None


def geometric_mean(values: Iterable[float]) -> float:
    return math.exp(statistics.fmean(math.log(v) for v in values))


def number(x: float) -> str:
    """Return three digits or more, thousands apart."""
    if x >= 1000:
        return f"{x:,.0f}"
    return f"{x:#.3g}".rstrip(".")


def times(ratio: float | None) -> str:
    return "-" if ratio is None else f"{ratio:.2f}"


def cell(record: dict | None) -> str:
    """Return a median, or in a word why there is none."""
    median = value(record)
    if median is not None:
        return number(median) + "~" * is_disturbed(record) + "*" * ("stored" in record)
    if record and "failed" in record:
        return "FAILED"
    skipped = (record or {}).get("skipped", "")
    return skipped + "*" * ("stored" in record) if skipped.startswith(">") else "-"


def is_disturbed(record: dict) -> bool:
    """Tell whether half of the rounds or more did not have the processor for themselves."""
    return record.get("disturbed", 0) * 2 >= len(record["values"])


def align(lines: list[list[str]]) -> list[str]:
    """Return rows of cells as lines: the first column to the left, the others to the right."""
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    return [
        "  ".join(
            text.rjust(width) if column else text.ljust(width)
            for column, (text, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]


def table(title: str, rows: dict[str, dict], colour: bool) -> list[str]:
    """Return one measure: every competitor's median, and our ratio to the best of the others."""
    names = [name for name in FRONTENDS if any(name in records for records in rows.values())]
    floor = any(FRONTENDS[name].floor for name in names)
    header = [title, *(FRONTENDS[name].title for name in names), "ratio", "best peer", "spread"]
    header += ["to C"] * floor
    lines, ratios = [header], []
    for row, records in rows.items():
        best, ours = best_peer(records), ratio(records)
        ratios.append(ours)
        pair = (OURS, best[0] if best else OURS)
        spreads = [spread(r) for n, r in records.items() if value(r) and n in pair]
        lines.append(
            [
                row,
                *(cell(records.get(name)) for name in names),
                times(ours),
                best[0] if best else "-",
                f"{100 * max(spreads):.0f} %" if spreads else "-",
                *[times(floor_ratio(records))] * floor,
            ]
        )
    text = align(lines)
    known = [r for r in ratios if r is not None]
    if colour:
        for i, r in enumerate(ratios, start=1):
            if r is not None:
                text[i] = (GREEN if r <= 1 else RED) + text[i] + PLAIN
    text.insert(1, "-" * len(text[0]))
    if known:
        slower = sum(r > 1 for r in known)
        text.append(
            f"{DIM * colour}geometric mean of {len(known)} ratios {geometric_mean(known):.2f}; "
            f"a peer is faster in {slower} rows{PLAIN * colour}"
        )
    return text


def exponents(rows: dict[str, dict], name: str, family: str) -> str:
    """Return how the time of a family grows: the exponent of each step, and the one fitted to all."""
    points = sorted(
        (math.log(int(row.split()[2])), math.log(median))
        for row, records in rows.items()
        if row.split()[1] == family and (median := value(records.get(name))) is not None
    )
    if len(points) < 2:
        return "-"
    steps = [(t1 - t0) / (n1 - n0) for (n0, t0), (n1, t1) in itertools.pairwise(points)]
    slope = statistics.linear_regression(*zip(*points)).slope
    return ", ".join(f"{step:.2f}" for step in steps) + f"  fit {slope:.2f}"


def growth_table(rows: dict[str, dict], colour: bool) -> list[str]:
    text = table("growth, s with empty caches", rows, colour)
    names = [n for n in FRONTENDS if any(value(r.get(n)) is not None for r in rows.values())]
    lines = [["exponent of growth", *GROWTH_FAMILIES]]
    for name in names:
        title = FRONTENDS[name].title
        lines.append([title, *(exponents(rows, name, f) for f in GROWTH_FAMILIES)])
    return [*text, "", *align(lines)]


def import_table(records: dict[str, dict]) -> list[str]:
    lines = [["import, ms", "numpy", "with library", "times numpy", "processes", "modules"]]
    for name, record in records.items():
        if (total := value(record)) is None:
            lines.append([FRONTENDS[name].title, cell(record), "", "", "", ""])
            continue
        numpy = statistics.median(record["numpy"])
        lines.append(
            [
                FRONTENDS[name].title,
                f"{1e3 * numpy:.0f}",
                f"{1e3 * total:.0f}",
                f"{total / numpy:.2f}",
                str(record["processes"]),
                str(record["modules"]),
            ]
        )
    return align(lines)


def threads_table(rows: dict[str, dict]) -> list[str]:
    """Return the gain of two threads, and whether a function that many call answers right."""
    lines = [["threads", "", "us, one thread", "gain", "us, shared", "wrong"]]
    for row, records in rows.items():
        for name, record in records.items():
            median, alone, wrong = value(record), record.get("alone_us"), record.get("wrong")
            if median is None:
                cells = [cell(record), "", "", ""]
            elif wrong is None:
                cells = [number(alone), f"{median:.2f}", "", ""]
            else:
                cells = ["", "", number(median), f"{wrong} of {record['calls']:,}"]
            lines.append([row, FRONTENDS[name].title, *cells])
    return align(lines)


def leaks_table(rows: dict[str, dict]) -> list[str]:
    names = [name for name in FRONTENDS if any(name in records for records in rows.values())]
    lines = [["growth of the process, MB", "calls", *(FRONTENDS[n].title for n in names)]]
    for row, records in rows.items():
        calls = next((r["calls"] for r in records.values() if "calls" in r), 0)
        cells = [
            f"{median:.2f}" if (median := value(records.get(n))) is not None
            else cell(records.get(n))
            for n in names
        ]  # fmt: skip
        lines.append([row, f"{calls:,}", *cells])
    return align(lines)


def processes_table(rows: dict[str, dict]) -> list[str]:
    lines = [["compiling at once, s", "all", "one per core", "all, per core, over one per core"]]
    for row, records in rows.items():
        for record in records.values():
            known = value(record) is not None
            cells = (
                [number(value(record)), number(record["one_per_core"]), f"{record['ratio']:.2f}"]
                if known
                else [cell(record), "", ""]
            )
            lines.append([row, *cells])
    return align(lines)


def footnotes(results: dict) -> list[str]:
    lines = ["~: half of the rounds or more were disturbed; their processor time is given instead"]
    if found := results.get("stored"):
        change = (
            f"; NumPy by hand takes {found['drift']:.2f}x as long now" if found["drift"] else ""
        )
        lines.append(f"*: measured before, {found['date']}{change}")
    return lines


def failures(results: dict) -> list[str]:
    """Return a line for everything that failed or was skipped for a reason other than size."""
    return [
        f"{kind}, {row}, {FRONTENDS[name].title}: {record['failed']}"
        for kind in TABLES
        for row, records in results.get(kind, {}).items()
        for name, record in records.items()
        if "failed" in record
    ] + [f"{kind}: {problem}" for kind, problem in results.get("problems", {}).items()]


def tables(results: dict, colour: bool = False) -> str:
    """Return everything a result file holds as text."""
    machine = results.get("machine", {})
    parts = [[f"{machine.get('cpu')}, commit {machine.get('commit')}, {machine.get('date')}"]]
    if machine.get("note"):
        parts[0].append(machine["note"])
    for kind, unit in UNITS.items():
        if results.get(kind):
            parts.append(table(f"{kind}, {unit}", results[kind], colour))
    if results.get("scans"):
        parts.append(table("recurrences, us a call", results["scans"], colour))
    if results.get("overhead"):
        parts.append(table("overhead, us a call", results["overhead"], colour))
    if results.get("growth"):
        parts.append(growth_table(results["growth"], colour))
    if results.get("memory"):
        parts.append(table("peak memory, MB", results["memory"], colour))
    if results.get("import"):
        parts.append(import_table(results["import"]["import"]))
    for kind, layout in (
        ("threads", threads_table),
        ("leaks", leaks_table),
        ("processes", processes_table),
    ):
        if results.get(kind):
            parts.append(layout(results[kind]))
    if failed := failures(results):
        parts.append(["failed:", *failed])
    parts.append(footnotes(results))
    return "\n\n".join("\n".join(part) for part in parts)


def comparison(old: dict, new: dict) -> str:
    """Return, for every row both files hold, our new time over the old one.

    A change is named where it exceeds both 5 % and the spreads of the two measurements.
    """
    lines = [["measure", "row", "old", "new", "new / old", "", "ratio to best: old", "new"]]
    for kind in (*UNITS, "scans", "overhead", "growth", "memory", "processes"):
        for row, records in new.get(kind, {}).items():
            before = old.get(kind, {}).get(row, {})
            was, now = value(before.get(OURS)), value(records.get(OURS))
            if was is None or now is None:
                continue
            noise = max(0.05, spread(before[OURS]), spread(records[OURS]))
            change = now / was
            word = "slower" if change > 1 + noise else "faster" if change < 1 - noise else ""
            ratios = [f"{r:.2f}" if r else "-" for r in (ratio(before), ratio(records))]
            lines.append([kind, row, number(was), number(now), f"{change:.2f}", word, *ratios])
    return "\n".join(align(lines))
