"""The picture: a dot a case, our speed over the fastest NumPy, one line of dots per group."""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
from matplotlib.ticker import FuncFormatter, NullFormatter

from benchmarks.blas.tables import FLOOR, MEASURES, groups, judge

OURS_COLOUR, BAD_COLOUR = "#4263eb", "#d6336c"
TICKS = (0.1, 0.25, 0.5, 1, 2, 5, 10)


def draw(results: dict, path: Path) -> list[Path]:
    """Draw all timed measurements of a result file as PNG and SVG beside it."""
    lines = [
        (measure, label, [s for s in (judge(measure, r) for r in records) if s])
        for measure in MEASURES
        if results.get(measure)
        for label, records in groups(measure, results[measure]).items()
    ]
    lines = [line for line in lines if line[2]]
    if not lines:
        return []
    figure, axes = plt.subplots(figsize=(9.2, 1.5 + 0.24 * len(lines)))
    before = None
    for y, (measure, _, speeds) in enumerate(lines):
        good = [s for s in speeds if s >= FLOOR]
        bad = [s for s in speeds if s < FLOOR]
        for values, colour, order in ((good, OURS_COLOUR, 3), (bad, BAD_COLOUR, 4)):
            axes.plot(values, [y] * len(values), "o", color=colour, ms=5, alpha=0.6, mew=0,
                      zorder=order)  # fmt: skip
        if measure != before:
            axes.axhline(y - 0.5, color="#c9cdd3", lw=0.8)
            axes.annotate(
                measure, (0, y), (-205, 0), xycoords=axes.get_yaxis_transform(), fontsize=9,
                textcoords="offset points", fontweight="bold", va="center", annotation_clip=False,
            )  # fmt: skip
            before = measure
    axes.set_yticks(range(len(lines)), [label for _, label, _ in lines], fontsize=8)
    dress(axes, len(lines), [s for line in lines for s in line[2]])
    machine = results.get("machine", {})
    figure.text(
        0.01, 0.006, f"{machine.get('cpu', '?')}, one thread, medians of ratios, "
        f"{machine.get('date', '')[:10]}, {machine.get('commit', '?')}; red: below {FLOOR}",
        fontsize=8, color="#666666",
    )  # fmt: skip
    height = figure.get_size_inches()[1]
    figure.subplots_adjust(left=0.34, right=0.98, top=1 - 0.5 / height, bottom=0.6 / height)
    written = [path.with_suffix(suffix) for suffix in (".png", ".svg")]
    for name in written:
        figure.savefig(name, dpi=130)
    plt.close(figure)
    return written


def dress(axes, count: int, speeds: list[float]) -> None:
    axes.set_xscale("log")
    axes.set_xlim(min(0.4, *speeds) * 0.9, max(2.2, *speeds) * 1.1)
    axes.set_ylim(count - 0.4, -0.6)
    axes.set_xticks([t for t in TICKS if axes.get_xlim()[0] <= t <= axes.get_xlim()[1]])
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.tick_params(length=0, labelsize=8)
    axes.tick_params(axis="x", which="minor", length=0)
    axes.grid(axis="x", color="#e9ebee", lw=0.8)
    axes.set_axisbelow(True)
    axes.axvline(1, color="#868e96", lw=1)
    axes.axvline(FLOOR, color=BAD_COLOUR, lw=0.8, ls=":")
    axes.set_title("Speed over NumPy's (right: faster)", loc="left", fontsize=11, fontweight="bold")
    for side in axes.spines.values():
        side.set_visible(False)
