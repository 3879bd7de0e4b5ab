"""An explanation as a page for the browser: one file, nothing to fetch."""

from __future__ import annotations

from html import escape

from pytensor.tensor.rewriting.explain_lengths import Work
from pytensor.tensor.rewriting.explain_record import (
    Explanation,
    ProductRecord,
    source,
    summary,
    work_phrase,
)

_STYLE = """
.ptx { --ink: #1c2330; --soft: #5c6675; --line: #dfe3ea; --paper: #ffffff; --panel: #f6f7f9;
  --call: #17734a; --stays: #a15c00; --vanished: #5a55b8; --bar: #3f7fd6; --track: #e6eaf0;
  color: var(--ink); background: var(--paper); font: 15px/1.5 system-ui, sans-serif;
  max-width: 74rem; margin: 0 auto; padding: 2rem 1.5rem; text-align: left; }
.ptx * { box-sizing: border-box; }
.ptx h1 { font-size: 1.35rem; line-height: 1.3; margin: 0 0 .2rem; font-weight: 650; }
.ptx p { margin: .2rem 0; color: var(--soft); }
.ptx code { font: 13.5px/1.5 ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace;
  color: var(--ink); white-space: pre-wrap; overflow-wrap: anywhere; }
.ptx .legend { display: flex; flex-wrap: wrap; gap: .2rem 1.4rem; margin: .9rem 0 0; padding: 0;
  list-style: none; }
.ptx table { width: 100%; border-collapse: collapse; margin-top: 1.4rem; background: none; }
.ptx th { text-align: left; font-weight: 600; font-size: .8rem; color: var(--soft);
  padding: .4rem .8rem; border-bottom: 2px solid var(--line); white-space: nowrap; }
.ptx td { text-align: left; vertical-align: top; padding: .75rem .8rem; background: none;
  border-bottom: 1px solid var(--line); }
.ptx tr:target td { background: var(--panel); }
.ptx td.n { color: var(--soft); text-align: right; width: 2.6rem;
  font-variant-numeric: tabular-nums; }
.ptx td.product { width: 34%; }
.ptx td.work { width: 21%; font-variant-numeric: tabular-nums; }
.ptx .product > code { font-weight: 600; }
.ptx h1 code { font-size: 1.2rem; font-weight: 650; }
.ptx .soft, .ptx .soft code { color: var(--soft); font-size: 13px; }
.ptx .source { display: block; margin-top: .3rem; }
.ptx .badge { display: inline-block; padding: .05rem .5rem; border-radius: .8rem;
  font-size: 13px; font-weight: 600; color: var(--paper); background: var(--call); }
.ptx .stays .badge { background: var(--stays); }
.ptx .vanished .badge { background: var(--vanished); }
.ptx .why { margin-top: .35rem; color: var(--ink); }
.ptx .track { height: .5rem; background: var(--track); border-radius: .25rem; margin-top: .4rem;
  overflow: hidden; }
.ptx .track i { display: block; height: 100%; min-width: 2px; background: var(--bar); }
.ptx a { color: inherit; }
@media (max-width: 46rem) { .ptx td { display: block; width: auto !important; border: 0;
  padding: .2rem .4rem; text-align: left !important; } .ptx thead { display: none; }
  .ptx tr { display: block; border-bottom: 1px solid var(--line); padding: .6rem 0; } }
@media (prefers-color-scheme: dark) { .ptx { --ink: #e4e8ef; --soft: #98a3b3; --line: #303846;
  --paper: #14181f; --panel: #1c222c; --call: #5fd39b; --stays: #f0b35a; --vanished: #aaa5ff;
  --bar: #6ea8ff; --track: #262e3a; } }
"""
_PAGE_STYLE = """
html { color-scheme: light dark; background: #ffffff; } body { margin: 0; }
@media (prefers-color-scheme: dark) { html { background: #14181f; } }
"""


def page(explanation: Explanation) -> str:
    """Return a complete page."""
    title = escape(explanation.title or "expression")
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>Products of {title}</title>\n<style>{_PAGE_STYLE}</style>\n</head>\n<body>\n"
        f"{fragment(explanation)}\n</body>\n</html>\n"
    )


def fragment(explanation: Explanation) -> str:
    """Return what a notebook shows."""
    records = explanation.records
    if not records:
        return f'<div class="ptx"><style>{_STYLE}</style><p>{escape(explanation.text)}</p></div>'
    title = f"<code>{escape(explanation.title)}</code>: " if explanation.title else ""
    parts = [f'<div class="ptx"><style>{_STYLE}</style>']
    parts.append(f"<h1>{title}{escape(summary(records))}</h1>")
    if explanation.total != "0":
        parts.append(f"<p>{escape(explanation.total)} floating-point operations per call</p>")
    if explanation.legend:
        items = (
            f"<li><code>{escape(name)} = {escape(what)}</code></li>"
            for name, what in explanation.legend.items()
        )
        parts.append(f'<ul class="legend">{"".join(items)}</ul>')
    parts.append(
        "<table><thead><tr><th></th><th>Product</th><th>What it became</th><th>Work</th></tr>"
        "</thead><tbody>"
    )
    shares = _shares(records)
    parts += [_row(record, shares.get(record.number)) for record in records]
    parts.append("</tbody></table></div>")
    return "\n".join(parts)


def _row(record: ProductRecord, share: float | None) -> str:
    return (
        f'<tr id="product-{record.number}" class="{record.status}"><td class="n">{record.number}'
        f'</td><td class="product">{_product(record)}</td><td>{_routine(record)}</td>'
        f'<td class="work">{_work(record, share)}</td></tr>'
    )


def _product(record: ProductRecord) -> str:
    parts = [f"<code>{escape(record.expression)}</code>"]
    parts.append(f'<div class="soft"><code>{escape(record.shapes)}</code></div>')
    if record.gradient_of:
        n = record.gradient_of
        parts.append(f'<div class="soft">gradient of <a href="#product-{n}">{n}</a></div>')
    elif record.inside:
        parts.append(f'<div class="soft">{escape(source(record))}</div>')
    elif record.line:
        where, _, text = record.line.partition(": ")
        parts.append(
            f'<div class="soft"><span class="source">{escape(where)}</span>'
            f"<code>{escape(text)}</code></div>"
        )
    return "".join(parts)


def _routine(record: ProductRecord) -> str:
    parts = []
    if record.status == "vanished":
        parts.append('<span class="badge">no product any more</span>')
    else:
        stays = "stays " if record.status == "stays" else ""
        parts.append(f'<span class="badge">{stays}{escape(record.routine)}</span>')
    if record.merged and record.shared_with:
        parts.append('<div class="soft">the same product, computed once</div>')
    elif record.computes and record.computes != record.expression:
        parts.append(f"<div><code>{escape(record.computes)}</code></div>")
    if record.rule and record.status != "vanished":
        parts.append(f'<div class="soft">by {escape(record.rule)}</div>')
    if record.why:
        parts.append(f'<div class="why">{escape(record.why)}</div>')
    return "".join(parts)


def _work(record: ProductRecord, share: float | None) -> str:
    text = escape(work_phrase(record))
    if share is None or not record.work:
        return text
    return f'{text}<div class="track"><i style="width:{100 * share:.1f}%"></i></div>'


def _shares(records: list[ProductRecord]) -> dict[int, float]:
    """Return the work of each product as a part of the largest, where they can be compared."""
    amounts = {r.number: _comparable(r.amount) for r in records if r.amount}
    sizes = {unknown for unknown, _ in amounts.values()}
    largest = max((number for _, number in amounts.values()), default=0)
    if len(sizes) != 1 or None in sizes or not largest:
        return {}
    return {n: number / largest for n, (_, number) in amounts.items()}


def _comparable(work: Work) -> tuple:
    """Return the unknown lengths and the number of a work with one term."""
    terms = [(unknown, number) for unknown, number in work.items() if number]
    if len(terms) != 1:
        return (None, 0) if terms else ((), 0)
    return terms[0]
