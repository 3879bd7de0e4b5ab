"""What is known about each product, and how it reads in a terminal."""

from __future__ import annotations

import os
import textwrap
from dataclasses import dataclass, field

from pytensor.tensor.rewriting.explain_lengths import Length, Lengths, Unknown, Work, added, times
from pytensor.utils import late

_WIDTH = 98
_LEFT = 40
_KEEP = "\0"  # a space no line ends at
_POWERS = ("", "", "²", "³", "⁴")
# Names of unknown lengths, in the order they turn up.
_LETTERS = tuple("mknpqrstuvwabcdefghijloxyz")


@dataclass(eq=False)
class ProductRecord:
    """One product.

    Attributes
    ----------
    number : int
        Its place in the explanation, from 1.
    expression : str
        The product as written, in names of variables: ``x @ W``.
    line : str
        The user's source line, ``model.py:12: loss = ((x @ w - y) ** 2).sum()``.
    status : {"call", "stays", "vanished"}
        A BLAS call; a product without one; or no product any more.
    routine : str
        The op or ops it became, ``Gemm{inplace}``.
    computes : str
        What the routine computes: ``0.9 * b + x @ W``.
    rule : str
        Name of the rule that chose the routine.
    why : str
        Why no routine, or no larger one, took it.
    shapes, work : str
        Lengths of the operands and floating-point operations, letters where they are unknown.
    flops : int or None
        Floating-point operations if all lengths are known.
    instead_of : str
        Floating-point operations of the products as written, if the routine needs others.
    shared_with : list of int
        Numbers of earlier products that the same routine computes; the work is counted there.
    gradient_of : int
        The number of the product whose derivative this one belongs to, else 0.
    inside : str
        The Op (a `Scan` ...) in whose inner graph the product is; the work is that of one step.
    merged : bool
        The same product is in the expression twice, and computed once.
    """

    expression: str = ""
    line: str = ""
    status: str = "call"
    routine: str = ""
    computes: str = ""
    rule: str = ""
    why: str = ""
    shapes: str = ""
    work: str = ""
    number: int = 0
    flops: int | None = None
    instead_of: str = ""
    shared_with: list[int] = field(default_factory=list)
    gradient_of: int = 0
    inside: str = ""
    merged: bool = False
    is_outer: bool = False
    lengths: list[tuple[Length, ...]] = field(default_factory=list, repr=False)
    dtypes: tuple[str, ...] = ()
    asked: Work = field(default_factory=dict, repr=False)
    amount: Work = field(default_factory=dict, repr=False)

    @property
    def became(self) -> str:
        """The routine and the rule in one phrase."""
        by = f" by {self.rule}" if self.rule else ""
        if self.merged and self.shared_with:
            return f"{self.routine}, computed once for this and {_numbers(self.shared_with)}"
        if self.status == "vanished":
            return "no product any more"
        return f"stays {self.routine}{by}" if self.status == "stays" else f"{self.routine}{by}"


class Explanation(str):
    """The explanation of a graph's products: text, with the facts as attributes.

    Attributes
    ----------
    records : list of ProductRecord
    title : str
        What was explained.
    legend : dict of str
        What the letters for unknown lengths stand for.
    total : str
        Floating-point operations of all products.
    """

    records: list[ProductRecord]
    title: str  # type: ignore[assignment]  # what str calls title, nobody needs here
    legend: dict[str, str]
    total: str

    @classmethod
    def of(cls, title: str, records: list[ProductRecord], lengths: Lengths) -> Explanation:
        """Put names to lengths, and the records into words."""
        names = _Names(lengths)
        for record in records:
            record.shapes = _shapes(record, names)
            record.amount = names.settled(record.amount)
            amount = record.amount if record.status != "vanished" else {}
            record.work = names.work(amount) if amount else ""
            asked = names.work(record.asked)
            record.instead_of = asked if record.work and asked != record.work else ""
            if record.shared_with or record.work == "0":
                record.instead_of = ""
            record.flops = amount.get(()) if set(amount) <= {()} else None
        total = names.work(added(record.amount for record in records))
        self = super().__new__(cls, _as_text(title, records, names.legend, total))
        self.records, self.title, self.legend, self.total = records, title, names.legend, total
        return self

    @property
    def text(self) -> str:
        """The text as a plain string."""
        return str.__str__(self)

    def __contains__(self, part: str) -> bool:  # type: ignore[override]
        # Long reasons and source lines are wrapped or cut in the text.
        if str.__contains__(self, part):
            return True
        return any(part in text for r in self.records for text in (r.line, r.why, r.became))

    def __repr__(self) -> str:
        return self.text

    def html(self) -> str:
        """Return a page that needs nothing else: no network, no other file."""
        return late("pytensor.tensor.rewriting.explain_html:page")(self)

    def _repr_html_(self) -> str:
        return late("pytensor.tensor.rewriting.explain_html:fragment")(self)

    def save(self, path: str | os.PathLike) -> None:
        """Write the page to a file."""
        with open(path, "w", encoding="utf-8") as file:
            file.write(self.html())


class _Names:
    """Letters for unknown lengths, one each, given when first asked for."""

    def __init__(self, lengths: Lengths):
        self._lengths = lengths
        self._names: dict[Unknown, str] = {}
        self.legend: dict[str, str] = {}

    def length(self, length: Length) -> str:
        """Return a length as a number or a letter."""
        length = self._lengths.settled(length)
        if not isinstance(length, Unknown):
            return str(length)
        name = self._names.get(length)
        if name is None:
            count = len(self._names)
            more = count // len(_LETTERS)
            name = _LETTERS[count % len(_LETTERS)] + (str(more) if more else "")
            self._names[length] = name
            self.legend[name] = str(length)
        return name

    def settled(self, work: Work) -> Work:
        """Return work in terms of lengths that are known not to be equal."""
        return added(
            times(*(self._lengths.settled(u) for u in unknown), number=number)
            for unknown, number in work.items()
        )

    def work(self, work: Work) -> str:
        """Return work as a sum of numbers times letters."""
        terms: dict[tuple[str, ...], int] = {}
        for unknown, number in self.settled(work).items():
            names = [self.length(u) for u in unknown]
            order = {name: i for i, name in enumerate(self.legend)}
            key = tuple(sorted(names, key=order.__getitem__))
            terms[key] = terms.get(key, 0) + number
        ordered = sorted(terms.items(), key=lambda item: (-len(item[0]), -item[1]))
        return " + ".join(_term(n, names) for names, n in ordered if n) or "0"


def _term(number: int, names: tuple[str, ...]) -> str:
    factors = _powers(names)
    return " ".join(factors if number == 1 and factors else [counted(number), *factors])


def _powers(names: tuple[str, ...]) -> list[str]:
    """Return ``m² k`` for ``m m k``."""
    return [f"{n}{_POWERS[names.count(n)]}" for n in dict.fromkeys(names)]


def counted(number: int) -> str:
    """Return a number in three digits: ``784``, ``16.4k``, ``2.1G``."""
    if number < 10_000:
        return str(number)
    size = float(number)
    for suffix in ("k", "M", "G", "T", "P"):
        size /= 1000
        if size < 999.5 or suffix == "P":
            break
    return f"{size:.3g}{suffix}"


def _shapes(record: ProductRecord, names: _Names) -> str:
    sides = []
    alike = len(set(record.dtypes)) == 1
    for lengths, dtype in zip(record.lengths, record.dtypes, strict=True):
        inside = ", ".join(names.length(n) for n in lengths) + ("," if len(lengths) == 1 else "")
        sides.append(f"({inside})" if alike else f"{dtype} ({inside})")
    text = (" outer " if record.is_outer else " @ ").join(sides)
    if alike and record.dtypes[0] != "float64":
        text += f" {record.dtypes[0]}"
    return text


# -- text ----------------------------------------------------------------------------------


def summary(records: list[ProductRecord]) -> str:
    """Return how many products became what."""
    count = len(records)
    counts = {s: sum(r.status == s for r in records) for s in ("call", "stays", "vanished")}
    products = "1 product" if count == 1 else f"{count} products"
    if counts["call"] == count:
        became = "a BLAS call" if count == 1 else "all of them in BLAS calls"
        return f"{products}, {became}"
    said = {"call": "in BLAS calls", "stays": "without", "vanished": "rewritten away"}
    if not counts["call"]:
        said["stays"] = "without a BLAS call"
    return f"{products}: " + ", ".join(f"{n} {said[s]}" for s, n in counts.items() if n)


def _as_text(title: str, records: list[ProductRecord], legend: dict, total: str) -> str:
    if not records:
        return "There is no product in this graph."
    head = f"{title}: {summary(records)}" if title else summary(records)
    lines = [*_wrapped(head)]
    if total != "0":
        lines += _wrapped(f"{total} floating-point operations per call")
    if legend:
        items = (f"{n} = {what}".replace(" ", _KEEP) for n, what in legend.items())
        lines += [line.replace(_KEEP, " ") for line in _wrapped("where " + ", ".join(items))]
    for record in records:
        lines += ["", *_block(record)]
    return "\n".join(lines)


def _block(record: ProductRecord) -> list[str]:
    indent = " " * (len(str(record.number)) + 3)
    first = f" {record.number}  {record.expression}"
    work = work_phrase(record)
    lines = [*_two(first, source(record)), *_two(indent + record.shapes, work)]
    arrow = f"{indent}-> "
    if record.computes and not record.merged and record.computes != record.expression:
        lines += _wrapped(f"{record.became}:  {record.computes}", arrow)
    else:
        lines += _wrapped(record.became, arrow)
    if record.why:
        lines += _wrapped(record.why, indent + "   ")
    return lines


def work_phrase(record: ProductRecord) -> str:
    """Return the work of a product in words."""
    if record.shared_with:
        more = f"{record.work} flops and " if record.work not in ("", "0") else ""
        return f"{more}the work of {_numbers(record.shared_with)}"
    if record.instead_of:
        return f"{record.work} flops instead of {record.instead_of}"
    return f"{record.work} flops" if record.work else ""


def _numbers(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers[:-1])) + (" and " if numbers[1:] else "") + str(numbers[-1])


def source(record: ProductRecord) -> str:
    """Return the user's line, and whether it is the gradient of what stands there."""
    if record.gradient_of:
        return f"gradient of {record.gradient_of}"
    return f"in {record.inside}; {record.line}" if record.inside else record.line


def _two(left: str, right: str) -> list[str]:
    """Return two columns; the right one on a line of its own where the left is too long."""
    if not right:
        return [left]
    room = _WIDTH - _LEFT - 2
    if len(left) > _LEFT:
        return [left, " " * (_LEFT + 2) + _cut(right, room)]
    return [f"{left:<{_LEFT}}  {_cut(right, room)}"]


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


def _wrapped(text: str, indent: str = "") -> list[str]:
    return textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=indent,
        subsequent_indent=" " * (len(indent) + (0 if indent else 2)),
        break_long_words=False,
        break_on_hyphens=False,
    )
