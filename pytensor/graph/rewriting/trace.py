"""An optional record of what every rewriter did: fired, refused (and by which guard), failed.

Nothing is recorded, and nothing is paid, outside of a ``with rewrite_trace()`` block.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple

FIRED = "fired"
REFUSED = "refused"
FAILED = "failed"


class RewriteEvent(NamedTuple):
    """What one rewriter did with one node."""

    rewriter: str
    node: str
    outcome: str
    detail: str = ""

    def __str__(self):
        tail = f" ({self.detail})" if self.detail else ""
        return f"{self.rewriter} {self.outcome}{tail}: {self.node}"


class RewriterTotals:
    """How often a rewriter was tried and fired, and the seconds it took."""

    __slots__ = ("fired", "seconds", "tried")

    def __init__(self):
        self.tried = 0
        self.fired = 0
        self.seconds = 0.0

    def __repr__(self):
        return f"RewriterTotals(tried={self.tried}, fired={self.fired}, seconds={self.seconds:.6f})"


class RewriteTrace:
    """Events in order, and totals per rewriter."""

    def __init__(self):
        self.events: list[RewriteEvent] = []
        self.totals: dict[str, RewriterTotals] = {}

    def fired(self, rewriter, node, detail: str = "") -> None:
        """Note that `rewriter` replaced outputs of `node`."""
        self.events.append(RewriteEvent(rewriter_name(rewriter), _describe(node), FIRED, detail))

    def refused(self, rewriter, node, guard: str) -> None:
        """Note that `rewriter` matched `node` but its guard called `guard` said no."""
        self.events.append(RewriteEvent(rewriter_name(rewriter), _describe(node), REFUSED, guard))

    def failed(self, rewriter, node, exc: BaseException) -> None:
        """Note that `rewriter` raised `exc`."""
        detail = f"{type(exc).__name__}: {exc}"
        self.events.append(RewriteEvent(rewriter_name(rewriter), _describe(node), FAILED, detail))

    def add_time(self, rewriter, seconds: float, fired: bool) -> None:
        """Add one call of `rewriter` to its totals."""
        total = self.totals.setdefault(rewriter_name(rewriter), RewriterTotals())
        total.tried += 1
        total.fired += fired
        total.seconds += seconds

    def first_refusal(self, node_text: str | None = None) -> RewriteEvent | None:
        """Return the first refusal, of the node described by `node_text` if given."""
        for event in self.events:
            if event.outcome == REFUSED and node_text in (None, event.node):
                return event
        return None

    def render(self, limit: int = 20) -> str:
        """Return a table of the rewriters that took the most time."""
        rows = sorted(self.totals.items(), key=lambda item: -item[1].seconds)[:limit]
        lines = [f"{'seconds':>10} {'tried':>8} {'fired':>8}  rewriter"]
        lines += [f"{t.seconds:10.6f} {t.tried:8d} {t.fired:8d}  {name}" for name, t in rows]
        return "\n".join(lines)


def rewriter_name(rewriter) -> str:
    """Return the name of a rewriter as a user knows it."""
    return (
        getattr(rewriter, "__name__", None)
        or getattr(rewriter, "name", None)
        or (rewriter if isinstance(rewriter, str) else str(rewriter))
    )


def _describe(node) -> str:
    return str(node)


_current: ContextVar[RewriteTrace | None] = ContextVar("rewrite_trace", default=None)

current_trace = _current.get


class StageTimes(RewriteTrace):
    """The seconds of the stages alone."""

    def fired(self, rewriter, node, detail: str = "") -> None:
        """Leave it out."""

    def refused(self, rewriter, node, guard: str) -> None:
        """Leave it out."""

    def failed(self, rewriter, node, exc: BaseException) -> None:
        """Leave it out."""

    def add_time(self, rewriter, seconds: float, fired: bool) -> None:
        """Note the time of a stage, by its name."""
        if isinstance(rewriter, str) and rewriter.startswith("stage "):
            super().add_time(rewriter[6:], seconds, fired)


@contextmanager
def rewrite_trace(trace: RewriteTrace | None = None) -> Iterator[RewriteTrace]:
    """Record what rewriters do inside of the ``with`` block.

    Parameters
    ----------
    trace : RewriteTrace, optional
        Where it is recorded; a new one by default.

    Examples
    --------
    >>> with rewrite_trace() as trace:  # doctest: +SKIP
    ...     rewrite_graph(x + x, include=("canonicalize",))
    >>> print(trace.render())  # doctest: +SKIP
    """
    trace = RewriteTrace() if trace is None else trace
    token = _current.set(trace)
    try:
        yield trace
    finally:
        _current.reset(token)
