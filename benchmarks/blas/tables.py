"""Results as text: one table per measurement, worst cells named; and the same as Markdown."""

from __future__ import annotations

import statistics

from benchmarks.blas.case import BY_HAND, NUMPY, OURS, speed
from benchmarks.blas.rewriting import exponents
from benchmarks.report import align, geometric_mean, number

FLOOR = 0.95
WORST = 10
MEASURES = {
    "grid": "C29: products forward, backward and both",
    "vectors": "products with vectors",
    "broadcasts": "broadcast patterns of np.matmul",
    "symmetric": "a matrix by its own transpose",
    "dtypes": "integers, float16 and mixed dtypes",
    "overhead": "calls of small products",
    "floor": "large products against the raw library",
    "libraries": "SciPy's OpenBLAS against NumPy's, raw routines",
}
"""Timed measurements in the order of the tables."""
OTHERS = {"rewriting": "rewriting time", "threads": "two threads"}
GROUP = {
    "grid": ("dtype", "product", "n"),
    "vectors": ("expression",),
    "broadcasts": ("n", "accumulated"),
    "symmetric": ("expression", "dtype"),
    "dtypes": ("dtypes",),
    "overhead": ("expression",),
    "floor": ("n",),
    "libraries": ("routine",),
}


def judge(measure: str, records: dict) -> float | None:
    """Return our speed over what the measurement compares with."""
    return speed(records, ("library",) if measure == "floor" else BY_HAND)


def groups(measure: str, found: dict[str, dict]) -> dict[str, list[dict]]:
    """Return the cases of a measurement by the labels a line of its summary stands for."""
    lines: dict[str, list[dict]] = {}
    for records in found.values():
        values = {key: records["labels"].get(key) for key in GROUP[measure]}
        if measure == "broadcasts":
            values["accumulated"] = "product + Z" if values["accumulated"] else "product"
        if measure == "floor":
            values["against"] = "(over the raw library)"
        text = " ".join(f"n = {v}" if k == "n" else str(v) for k, v in values.items())
        lines.setdefault(text, []).append(records)
    return lines


def microseconds(records: dict, name: str) -> str:
    values = records.get(name, {}).get("values")
    return number(statistics.median(values)) if values else "-"


def lines_of(measure: str, found: dict[str, dict]) -> list[list[str]]:
    """Return a line per case: microseconds of everyone and our speed."""
    names = list(dict.fromkeys(n for r in found.values() for n in r if n != "labels"))
    lines = [["case", *(f"{n}, us" for n in names), "speed"]]
    for case, records in found.items():
        ratio = judge(measure, records)
        failed = "FAILED" if "failed" in records[OURS] else "-"
        cells = [microseconds(records, name) for name in names]
        lines.append([case, *cells, failed if ratio is None else f"{ratio:.2f}"])
    return lines


def summary_of(measure: str, found: dict[str, dict]) -> list[list[str]]:
    """Return a line per group: cases, lowest, median and highest speed, cells below the floor."""
    lines = [["group", "cases", "lowest", "median", "highest", f"below {FLOOR}"]]
    for text, cases in groups(measure, found).items():
        speeds = [s for s in (judge(measure, records) for records in cases) if s]
        if speeds:
            three = min(speeds), statistics.median(speeds), max(speeds)
            below = sum(s < FLOOR for s in speeds)
            lines.append([text, str(len(speeds)), *(f"{s:.2f}" for s in three), str(below)])
    return lines


def worst(measure: str, found: dict[str, dict]) -> list[str]:
    """Return the slowest cases, what failed, and one line about all."""
    speeds = {case: s for case, r in found.items() if (s := judge(measure, r))}
    text = [
        f"  {case}: {speeds[case]:.2f}"
        + (" (raw SciPy is no faster)" if library_bound(found[case]) else "")
        for case in sorted(speeds, key=speeds.__getitem__)[:WORST]
        if speeds[case] < FLOOR
    ]
    text += [f"  {c}: {r[OURS]['failed']}" for c, r in found.items() if "failed" in r[OURS]]
    if speeds:
        below = sum(s < FLOOR for s in speeds.values())
        text.append(
            f"  {len(speeds)} cells, geometric mean {geometric_mean(speeds.values()):.2f}, "
            f"lowest {min(speeds.values()):.2f}, {below} below {FLOOR}"
        )
    return text


def library_bound(records: dict) -> bool:
    """Tell whether SciPy's BLAS called directly is as far behind NumPy: the library, not we."""
    raw = speed(records, ("scipy",))
    return raw is not None and raw >= FLOOR


def rewriting_lines(found: dict[str, dict]) -> list[list[str]]:
    lines = [["nodes", "seconds", "BLAS stages", "exponent", "upstream, s"]]
    steps = ["-", *(f"{e:.2f}" for e in exponents(found))]
    for record, step in zip(found.values(), steps, strict=True):
        peer = record.get("upstream", {})
        theirs = f"{peer['values'][0]:.1f}" if "values" in peer else peer.get("skipped", "-")
        seconds = statistics.median(record[OURS]["values"])
        share = f"{statistics.median(record[OURS]['blas']):.0%}"
        nodes = f"{record['labels']['nodes']:,}"
        lines.append([nodes, f"{seconds:.2f}", share, step, theirs])
    return lines


def threads_lines(found: dict[str, dict]) -> list[list[str]]:
    lines = [["two threads over one", "ours", "np.matmul"]]
    for case, record in found.items():
        pair = (statistics.median(record[n]["values"]) for n in (OURS, NUMPY))
        lines.append([case, *(f"{x:.2f}" for x in pair)])
    return lines


OTHER_LINES = {"rewriting": rewriting_lines, "threads": threads_lines}


def tables(results: dict, full: bool = True) -> str:
    """Return everything a result file holds as text."""
    machine = results.get("machine", {})
    head = (machine.get("cpu"), f"commit {machine.get('commit')}", machine.get("date"))
    parts = [[", ".join(map(str, head)), "speed: NumPy's time over ours, 1 is equal"]]
    for measure, title in MEASURES.items():
        if found := results.get(measure):
            lines = lines_of(measure, found) if full else summary_of(measure, found)
            parts.append([f"{measure}: {title}", *align(lines), *worst(measure, found)])
    for measure, title in OTHERS.items():
        if found := results.get(measure):
            parts.append([f"{measure}: {title}", *align(OTHER_LINES[measure](found))])
    return "\n\n".join("\n".join(part) for part in parts)


def markdown(lines: list[list[str]]) -> str:
    """Return lines of cells as a table of Markdown."""
    rows = ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines]
    return "\n".join([rows[0], "|" + "---|" * len(lines[0]), *rows[1:]])
