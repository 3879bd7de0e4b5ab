"""`MonitorMode`: call functions of your own around each node."""

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from pytensor.compile.mode import Mode
from pytensor.configdefaults import config
from pytensor.graph.basic import Apply
from pytensor.graph.fg import FunctionGraph
from pytensor.link.backends import PYTHON
from pytensor.utils import late

Watcher = Callable[[FunctionGraph, int, Apply, Any], None]


class MonitorMode(Mode):
    """Runs nodes in Python and calls `pre_func` before and `post_func` after each.

    Parameters
    ----------
    pre_func, post_func : callable, optional
        Called with the graph, the number of the node in running order, the node, and an object
        with lists of cells ``inputs`` and ``outputs``.
    optimizer : str or query
    linker
        Accepted for compatibility: nodes run in Python, one by one.
    """

    def __init__(
        self,
        pre_func: Watcher | None = None,
        post_func: Watcher | None = None,
        optimizer: Any = "default",
        linker: Any = None,
        db: Any = None,
    ) -> None:
        self.pre_func = pre_func
        self.post_func = post_func
        super().__init__(PYTHON.make_linker(callback=self.eval), optimizer, db=db)

    def eval(self, fgraph: FunctionGraph, i: int, node: Apply, fn: Any) -> None:
        """Run one node."""
        if self.pre_func is not None:
            self.pre_func(fgraph, i, node, fn)
        fn()
        if self.post_func is not None:
            self.post_func(fgraph, i, node, fn)

    def clone(
        self, link_kwargs: dict[str, Any] | None = None, optimizer: Any = "", **kwargs: Any
    ) -> "MonitorMode":
        kwargs.setdefault("pre_func", self.pre_func)
        kwargs.setdefault("post_func", self.post_func)
        kwargs.setdefault("db", self.optdb)
        if isinstance(optimizer, str) and optimizer == "":
            optimizer = self._optimizer
        return type(self)(optimizer=optimizer, **kwargs)


def detect_nan(fgraph: FunctionGraph, i: int, node: Apply, fn: Any) -> None:
    """A `post_func` that prints nodes with NaN among their results, and the values."""
    for (value,) in fn.outputs:
        if isinstance(value, np.ndarray | np.inexact) and np.isnan(value).any():
            print("*** NaN detected ***", file=sys.stdout)
            late("pytensor.printing:debugprint")(node, file=sys.stdout)
            print(f"Inputs : {[cell[0] for cell in fn.inputs]}")
            print(f"Outputs: {[cell[0] for cell in fn.outputs]}")
            if config.exception_verbosity == "high":
                late("pytensor.printing:debugprint")(fgraph, file=sys.stdout)
            break
