"""The picture: for every row and competitor, how many times longer than this package it takes."""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from benchmarks.frontends import FLOOR, FRONTENDS, OURS
from benchmarks.report import number, ratio, value
from benchmarks.workloads import ROWS, SCAN_ROWS

MARKS = {
    "c": ("|", "#111111"),
    "numpy": ("o", "#8a8f98"),
    "jax": ("s", "#7b4fc9"),
    "upstream": ("^", "#1f8a70"),
    "upstream-c": ("v", "#5bb8e0"),
    "torch": ("D", "#e8590c"),
    "numba": ("P", "#e0a100"),
}
OURS_COLOUR, LOSS_COLOUR = "#d6336c", "#fdeef3"
PANELS = {
    "steady": ("steady state, one call", 1e-6),
    "cold": ("cold: empty caches to first result", 1.0),
    "warm": ("warm: caches kept, new process", 1.0),
}
CLOSE = 1.12
SHIFTS = (0.0, 0.2, -0.2, 0.36, -0.36, 0.1, -0.1, 0.28)
EDGE = 0.1
"""A floor below this share of our time is drawn here."""
SPAN = 300.0
"""Slower peers than this many times us are drawn at the edge."""


def duration(seconds: float) -> str:
    """Return a time with the unit that suits it."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6), ("ns", 1e-9)):
        if seconds >= size:
            return f"{number(seconds / size)} {unit}"
    return f"{seconds:.1e} s"


def times(x: float, _=None) -> str:
    return f"{x:g}×" if x >= 1 else f"1/{1 / x:.0f}×"


def dodge(slower: dict[str, float]) -> dict[str, float]:
    """Return how far to move each mark up or down so that those at nearly one place stay visible."""
    shifts: dict[str, float] = {}
    before, run = 1.0, 0  # our own mark stands at 1
    for name, x in sorted(slower.items(), key=lambda item: item[1]):
        x = min(x, SPAN)
        near = max(x, before, 1.0) / min(x, before) < CLOSE or max(x, 1 / x) < CLOSE
        run = run + 1 if near else 0
        shifts[name] = SHIFTS[min(run, len(SHIFTS) - 1)]
        before = x
    return shifts


def panel(axes, title: str, rows: dict[str, dict], unit: float) -> None:
    """Draw one measure: a line per row, a mark per competitor, this package at 1."""
    lowest = 0.5
    for y, records in enumerate(rows.values()):
        ours = value(records.get(OURS))
        if ours is None:
            continue
        slower = {n: value(r) / ours for n, r in records.items() if n in MARKS and value(r)}
        if title.startswith(("cold", "warm")):
            slower.pop("numpy", None)
        if slower:
            low, high = max(EDGE, min(1.0, *slower.values())), min(SPAN, max(1.0, *slower.values()))
            axes.plot([low, high], [y, y], color="#d5d8dd", lw=1.2, zorder=1)
            lowest = min(lowest, low)
        if FLOOR in slower:
            mark, colour = MARKS[FLOOR]
            x = slower.pop(FLOOR)
            axes.plot(max(x, EDGE), y, mark, color=colour, ms=11, mew=1.8, zorder=3)
            if x < EDGE:
                axes.annotate(
                    f"1/{1 / x:.0f}×", (EDGE, y), (4, 6), textcoords="offset points",
                    fontsize=7, color=colour,
                )  # fmt: skip
        for name, shift in dodge(slower).items():
            x, (mark, colour) = slower[name], MARKS[name]
            # What was measured on another day is drawn hollow.
            style = {"mec": "white", "mew": 0.7}
            if "stored" in records[name]:
                style = {"mec": colour, "mew": 1.2, "mfc": "white"}
            axes.plot(min(x, SPAN), y + shift, mark, color=colour, ms=6, zorder=5, **style)
            if x > SPAN:
                axes.annotate(
                    f"{x:,.0f}×", (SPAN, y + shift), (7, 0), textcoords="offset points",
                    va="center", fontsize=7, color=colour, annotation_clip=False,
                )  # fmt: skip
        axes.plot(1, y, "o", color=OURS_COLOUR, ms=7, mec="white", mew=0.8, zorder=4)
        beside(axes, y, -8, duration(ours * unit), fontsize=8, color=OURS_COLOUR)
    axes.axvspan(1e-6, 1, color=LOSS_COLOUR, zorder=0)
    axes.axvline(1, color=OURS_COLOUR, lw=1, zorder=2)
    dress(axes, title, lowest, len(rows))


def beside(axes, y: float, offset: float, text: str, **style) -> None:
    """Write to the left of a panel, `offset` points from its edge."""
    axes.annotate(
        text, (0, y), (offset, 0), xycoords=axes.get_yaxis_transform(),
        textcoords="offset points", ha="right", va="center", annotation_clip=False, **style,
    )  # fmt: skip


def dress(axes, title: str, lowest: float, count: int) -> None:
    axes.set_xscale("log")
    axes.set_xlim(lowest * 0.8, SPAN * 1.25)
    axes.set_ylim(count - 0.4, -0.6)
    axes.xaxis.set_major_locator(LogLocator(10, subs=(1.0,)))
    axes.xaxis.set_major_formatter(FuncFormatter(times))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.tick_params(which="minor", length=0)
    axes.grid(axis="x", color="#e9ebee", lw=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(length=0, labelsize=8.5)
    axes.set_title(title, fontsize=10.5, loc="left", pad=8)
    for side in ("top", "right", "left", "bottom"):
        axes.spines[side].set_visible(False)


def header_and_footer(figure, names: list[str], machine: dict, stored: bool) -> None:
    """Write title, legend and what was measured where, placed in inches from the edges."""
    height = figure.get_size_inches()[1]
    handles = [Line2D([], [], marker="o", ls="", color=OURS_COLOUR, ms=7, label="this package")]
    for name in names:
        mark, colour = MARKS[name]
        label = FRONTENDS[name].title
        size = {"ms": 11, "mew": 1.8} if name == FLOOR else {"ms": 7}
        handles.append(Line2D([], [], marker=mark, ls="", color=colour, label=label, **size))
    figure.text(
        0.018, 1 - 0.15 / height, "How many times longer than this package",
        fontsize=14, fontweight="bold", va="top",
    )  # fmt: skip
    figure.legend(
        handles=handles, loc="upper left", bbox_to_anchor=(0.01, 1 - 0.42 / height),
        ncols=len(handles), frameon=False, fontsize=8, handletextpad=0.1, columnspacing=0.7,
    )  # fmt: skip
    figure.text(
        0.018, 0.1 / height,
        "left of the line: a peer is faster (row in bold: in the first panel); red: our time"
        + "; hollow: a peer measured before\n" * bool(stored) + "\n" * (not stored) +
        f"{machine.get('cpu', '?')}, one thread, float64, medians, "
        f"{machine.get('date', '')[:10]}, {machine.get('commit')}",
        fontsize=8, color="#666666", va="bottom", linespacing=1.4,
    )  # fmt: skip


def draw(results: dict, path: Path) -> list[Path]:
    """Draw a result file as PNG and SVG beside it; return what was written."""
    panels = {kind: results[kind] for kind in PANELS if results.get(kind)}
    if not panels:
        return []
    if "steady" in panels:
        panels["steady"] = panels["steady"] | results.get("scans", {})
    first = next(iter(panels.values()))
    rows = [
        row.name
        for row in (*ROWS, *SCAN_ROWS)
        if any(row.name in found for found in panels.values())
    ]
    width, height = 3.4 + 4.1 * len(panels), 1.85 + 0.34 * len(rows)
    figure, all_axes = plt.subplots(1, len(panels), figsize=(width, height), squeeze=False)
    for axes, (kind, found) in zip(all_axes[0], panels.items(), strict=True):
        panel(axes, PANELS[kind][0], {row: found.get(row, {}) for row in rows}, PANELS[kind][1])
        axes.set_yticks([])
    for y, row in enumerate(rows):
        ours_over_best = ratio(first.get(row, {}))
        weight = "bold" if ours_over_best and ours_over_best > 1 else "normal"
        beside(all_axes[0][0], y, -58, row, fontsize=9, fontweight=weight)
    names = [n for n in MARKS if any(n in r for f in panels.values() for r in f.values())]
    header_and_footer(figure, names, results.get("machine", {}), "stored" in results)
    figure.subplots_adjust(
        left=3.5 / width, right=1 - 0.35 / width, top=1 - 1.1 / height, bottom=0.7 / height,
        wspace=0.36,
    )  # fmt: skip
    written = [path.with_suffix(suffix) for suffix in (".png", ".svg")]
    for name in written:
        figure.savefig(name, dpi=150)
    plt.close(figure)
    return written
