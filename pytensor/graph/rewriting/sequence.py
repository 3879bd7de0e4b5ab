"""Graph rewriters one after the other."""

from __future__ import annotations

import sys
import time
from collections import UserList

from pytensor.graph.rewriting.rewriters import GraphRewriter, handle_failure
from pytensor.graph.rewriting.trace import current_trace, rewriter_name


class SequentialGraphRewriter(GraphRewriter, UserList):
    """Apply graph rewriters in order.

    Parameters
    ----------
    rewrites
        Graph rewriters, or one list of them.
    failure_callback
        Called with ``(exc, self, rewriter)`` when one raised; without it the exception
        propagates.
    """

    @classmethod
    def warn(cls, exc, self, rewriter):
        """Handle an exception as `config.on_opt_error` says."""
        handle_failure(exc, f"Rewrite failure due to: {rewriter_name(rewriter)}")

    def __init__(self, *rewrites, failure_callback=None):
        if len(rewrites) == 1 and isinstance(rewrites[0], list | tuple):
            rewrites = rewrites[0]
        super().__init__(rewrites)
        self.failure_callback = failure_callback

    __hash__ = GraphRewriter.__hash__  # type: ignore[assignment,misc]  # a list has none
    __eq__ = GraphRewriter.__eq__

    def apply(self, fgraph):
        for rewriter in self.data:
            self._apply_one(fgraph, rewriter)

    def _apply_one(self, fgraph, rewriter) -> None:
        trace = current_trace()
        start = time.perf_counter() if trace is not None else 0.0
        try:
            rewriter.rewrite(fgraph)
        except AssertionError:
            # A broken invariant is never just reported.
            raise
        except Exception as exc:
            if self.failure_callback is None:
                raise
            self.failure_callback(exc, self, rewriter)
        if trace is not None:
            trace.add_time(f"stage {rewriter_name(rewriter)}", time.perf_counter() - start, True)

    def add_requirements(self, fgraph):
        """Attach nothing at once: each rewriter attaches what it needs when its turn comes."""

    def print_summary(self, stream=sys.stdout, level=0, depth=-1):
        name = getattr(self, "name", None)
        print(f"{' ' * level}{type(self).__name__} {name} id={id(self)}", file=stream)
        if depth != 0:
            for rewriter in self.data:
                rewriter.print_summary(stream, level=level + 2, depth=depth - 1)

    def __str__(self):
        return f"SequentialGraphRewriter({', '.join(map(rewriter_name, self.data))})"

    def __repr__(self):
        return str(self)
