"""A profile as a page for the browser: one file, nothing to fetch."""

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from pytensor.compile.debug.node_times import NodeTimes
from pytensor.compile.debug.profile_text import (
    class_rows,
    compile_lines,
    head_lines,
    memory_lines,
    seconds_text,
    shapes_text,
)
from pytensor.configdefaults import config

if TYPE_CHECKING:
    from pytensor.compile.debug.profiling import ProfileStats

__all__ = ["page"]

# The slowest classes of Ops have colours of their own, all others are grey.
_LIGHT = ("#3f7fd6", "#d9822b", "#2a9d6f", "#b4489a", "#7a68d8", "#c0504d", "#1f97a8", "#8a8f2a")
_DARK = ("#6ea8ff", "#f0a35a", "#5fd39b", "#e386cd", "#aaa0ff", "#f08a86", "#5cc8d6", "#c3c86a")
_OTHER = len(_LIGHT)
_LANES = {"C": "compiled C", "VM": "interpreted", "Py": "Python"}
_TIMELINES = 6
_WIDTH, _LEFT, _LANE, _GAP = 1000, 92, 34, 10


def _colours(values: Sequence[str]) -> str:
    return " ".join(f"--c{i}: {value};" for i, value in enumerate(values))


_STYLE = f"""
:root {{ color-scheme: light dark; --ink: #1c2330; --soft: #5c6675; --line: #dfe3ea; --paper: #ffffff;
  --track: #e6eaf0; {_colours((*_LIGHT, "#9aa3b0"))} }}
@media (prefers-color-scheme: dark) {{ :root {{ --ink: #e4e8ef; --soft: #98a3b3; --line: #303846;
  --paper: #14181f; --track: #262e3a; {_colours((*_DARK, "#76808f"))} }} }}
* {{ box-sizing: border-box; }}
body {{ margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }}
main {{ max-width: 74rem; margin: 0 auto; padding: 2rem 1.5rem; }}
h1 {{ font-size: 1.35rem; line-height: 1.3; margin: 0 0 .4rem; }}
h2 {{ font-size: 1.05rem; margin: 2rem 0 .5rem; }}
p {{ margin: .1rem 0; color: var(--soft); overflow-wrap: anywhere; }}
p.indent {{ padding-left: 1.2rem; font-size: 14px; }}
code {{ font: 13px/1.5 ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace;
  overflow-wrap: anywhere; }}
table {{ width: 100%; border-collapse: collapse; }}
th {{ text-align: left; font-size: .8rem; font-weight: 600; color: var(--soft); padding: .3rem .6rem;
  border-bottom: 2px solid var(--line); white-space: nowrap; }}
td {{ vertical-align: top; padding: .4rem .6rem; border-bottom: 1px solid var(--line); }}
.n {{ text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }}
.soft {{ color: var(--soft); font-size: 13px; }}
.soft code {{ font-size: 12px; }}
.bar {{ width: 32%; min-width: 8rem; }}
.nodes .bar {{ width: 14%; min-width: 5rem; }}
.track {{ display: block; height: .7rem; margin-top: .4rem; background: var(--track);
  border-radius: .2rem; overflow: hidden; }}
.track i {{ display: block; height: 100%; min-width: 2px; }}
.timeline {{ overflow-x: auto; }}
svg {{ display: block; width: 100%; min-width: 40rem; height: auto; }}
svg text {{ fill: var(--soft); font: 12px system-ui, sans-serif; }}
svg text.in {{ fill: var(--paper); font-weight: 600; pointer-events: none; }}
svg rect.lane {{ fill: var(--track); }}
svg line {{ stroke: var(--line); }}
svg .wide {{ stroke: var(--paper); stroke-width: 1; }}
svg .node:hover {{ opacity: .7; }}
{" ".join(f".f{i} {{ fill: var(--c{i}); background: var(--c{i}); }}" for i in range(_OTHER + 1))}
"""


def page(profile: "ProfileStats") -> str:
    """Return the page."""
    nodes = profile.node_times()
    rows = class_rows(nodes)
    colour = {row[-1]: min(i, _OTHER) for i, row in enumerate(rows)}
    title = escape(f"Profile of {profile.message or 'a function'}")
    lines = [*head_lines(profile, nodes), *compile_lines(profile), *memory_lines(profile, nodes)]
    body = [f"<h1>{title}</h1>", *map(_line, lines)]
    if nodes:
        body += ["<h2>Classes of Ops</h2>", _classes(rows, colour)]
        body += _timelines(nodes, colour)
        body += ["<h2>Nodes</h2>", _nodes([t for t in nodes if not t.is_inner], nodes, colour)]
        inner = [t for t in nodes if t.is_inner]
        if inner:
            body += [
                "<h2>Nodes inside of loops</h2><p>Their time is part of that of the loop.</p>",
                _nodes(inner, nodes, colour),
            ]
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(body)
        + "\n</main>\n</body>\n</html>\n"
    )


def _line(text: str) -> str:
    kind = ' class="indent"' if text.startswith(" ") else ""
    return f"<p{kind}>{escape(text.strip())}</p>"


def _bar(share: float, number: int) -> str:
    return f'<span class="track"><i class="f{number}" style="width: {100 * share:.2f}%"></i></span>'


def _classes(rows: Sequence[tuple], colour: dict[str, int]) -> str:
    total = sum(row[0] for row in rows) or 1.0
    parts = [
        '<table><thead><tr><th>Op</th><th></th><th class="n">share</th><th class="n">time</th>'
        '<th class="n">a run</th><th class="n">runs</th><th class="n">nodes</th><th>in</th></tr>'
        "</thead><tbody>"
    ]
    for seconds, runs, count, how, name in rows[: config.profiling__n_ops]:
        share = seconds / total
        parts.append(
            f'<tr><td>{escape(name)}</td><td class="bar">{_bar(share, colour[name])}</td>'
            f'<td class="n">{100 * share:.1f} %</td><td class="n">{seconds_text(seconds)}</td>'
            f'<td class="n">{seconds_text(seconds / runs)}</td><td class="n">{runs}</td>'
            f'<td class="n">{count}</td><td>{escape(how)}</td></tr>'
        )
    return "".join(parts) + "</tbody></table>"


def _nodes(members: Sequence[NodeTimes], nodes: Sequence[NodeTimes], colour: dict[str, int]) -> str:
    total = sum(t.seconds for t in nodes if not t.is_inner) or 1.0
    slowest = sorted(members, key=lambda t: -t.seconds)
    parts = [
        '<table class="nodes"><thead><tr><th>Node</th><th></th><th class="n">share</th><th class="n">a run</th>'
        '<th class="n">runs</th><th class="n">rate</th><th>in</th></tr></thead><tbody>'
    ]
    shown = max(config.profiling__n_apply, 1)
    for times in slowest[:shown]:
        details = [escape(text) for text in (shapes_text(times), times.line) if text]
        under = "".join(f'<div class="soft"><code>{text}</code></div>' for text in details)
        share = times.seconds / total
        number = colour.get(type(times.node.op).__name__, _OTHER)
        parts.append(
            f'<tr><td><code>{escape(times.title)}</code>{under}</td><td class="bar">'
            f'{_bar(share, number)}</td><td class="n">{100 * share:.1f} %</td>'
            f'<td class="n">{seconds_text(times.seconds / times.runs)}</td>'
            f'<td class="n">{times.runs}</td><td class="n">{escape(times.rate)}</td>'
            f"<td>{times.backend}</td></tr>"
        )
    rest = slowest[shown:]
    if rest:
        share = sum(t.seconds for t in rest) / total
        parts.append(f'<tr><td class="soft">{len(rest)} more</td><td></td>'
                     f'<td class="n">{100 * share:.1f} %</td><td colspan="4"></td></tr>')  # fmt: skip
    return "".join(parts) + "</tbody></table>"


def _timelines(nodes: Sequence[NodeTimes], colour: dict[str, int]) -> list[str]:
    """Draw the latest call of each function of the profile, of the slowest if they are many."""
    members: dict[int, list[NodeTimes]] = {}
    for times in nodes:
        members.setdefault(id(times.fgraph), []).append(times)
    slowest = sorted(members.values(), key=lambda group: -sum(t.seconds for t in group))
    parts = []
    for i, group in enumerate(slowest[:_TIMELINES]):
        which = f" of function {i + 1}" if len(slowest) > 1 else ""
        parts += [f"<h2>The latest call{which}</h2>", _timeline(group, colour)]
    return parts


def _timeline(nodes: Sequence[NodeTimes], colour: dict[str, int]) -> str:
    """Draw the nodes of the latest call: one lane for each of C, interpreted loops and Python."""
    ran = [t for t in nodes if t.last_runs and not t.is_inner]
    end = max((t.start + t.last_seconds for t in ran), default=0.0)
    if not end:
        return "<p>Nothing ran in it.</p>"
    lanes = [name for name in _LANES if any(t.backend == name for t in ran)]
    scale = (_WIDTH - _LEFT) / end
    height = len(lanes) * (_LANE + _GAP) + 26
    parts = [
        f'<div class="timeline"><svg viewBox="0 0 {_WIDTH + 8} {height}" role="img" '
        'aria-label="When each node ran">'
    ]
    for i, name in enumerate(lanes):
        top = i * (_LANE + _GAP)
        parts.append(f'<text x="0" y="{top + _LANE / 2 + 4}">{_LANES[name]}</text>')
        parts.append(
            f'<rect class="lane" x="{_LEFT}" y="{top}" width="{_WIDTH - _LEFT}" height="{_LANE}"/>'
        )
        parts += [_block(t, top, scale, colour) for t in ran if t.backend == name]
    return "".join(parts) + _axis(end, scale, height) + "</svg></div>"


def _block(times: NodeTimes, top: float, scale: float, colour: dict[str, int]) -> str:
    x, width = _LEFT + times.start * scale, max(times.last_seconds * scale, 0.6)
    name = type(times.node.op).__name__
    tip = [times.title, seconds_text(times.last_seconds), shapes_text(times), times.line]
    label = ""
    if width > 8 * len(name):
        middle = f'x="{x + width / 2:.1f}" y="{top + _LANE / 2 + 4}" text-anchor="middle"'
        label = f'<text class="in" {middle}>{escape(name)}</text>'
    return (
        f'<rect class="node{" wide" * (width > 3)} f{colour.get(name, _OTHER)}" x="{x:.2f}" y="{top}" '
        f'width="{width:.2f}" height="{_LANE}"><title>{escape(chr(10).join(filter(None, tip)))}'
        f"</title></rect>{label}"
    )


def _axis(end: float, scale: float, height: float) -> str:
    """Draw times at round distances."""
    step = 10.0**-12
    for factor in (2.0, 2.5, 2.0) * 13:
        if end / step <= 8:
            break
        step *= factor
    parts, i = [], 0
    while i * step <= end:
        x = _LEFT + i * step * scale
        parts.append(f'<line x1="{x:.1f}" y1="{height - 26}" x2="{x:.1f}" y2="{height - 18}"/>')
        anchor = "middle" if x < _WIDTH - 30 else "end"
        text = seconds_text(i * step)
        parts.append(f'<text x="{x:.1f}" y="{height - 4}" text-anchor="{anchor}">{text}</text>')
        i += 1
    return "".join(parts)
