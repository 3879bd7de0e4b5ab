"""What compiling and calling took: `ProfileStats`."""

import atexit
import sys
from collections import defaultdict
from collections.abc import Callable
from typing import Any, TextIO

from pytensor.configdefaults import config
from pytensor.graph.basic import Apply
from pytensor.graph.fg import FunctionGraph

_print_at_exit: list["ProfileStats"] = []


def _print_all() -> None:
    for profile in _print_at_exit:
        if profile.fct_callcount or profile.compile_time:
            profile.summary()


class ProfileStats:
    """Times of one function, or of several that were given the same object.

    Parameters
    ----------
    atexit_print : bool
        Print the summary when the program ends.
    flag_time_thunks : bool, optional
        Accepted for compatibility: nodes are always timed where the backend runs them singly.
    **kwargs
        Initial values of attributes, for example `message`.

    Attributes
    ----------
    compile_time, rewriting_time, linker_time : float
        Seconds spent before the first call.
    fct_call_time, fct_callcount
        Seconds in, and number of, calls.
    apply_time : dict
        From (graph, node) to seconds.
    """

    message: str | None = None

    def __init__(
        self, atexit_print: bool = True, flag_time_thunks: bool | None = None, **kwargs: Any
    ) -> None:
        self.compile_time = 0.0
        self.rewriting_time = 0.0
        self.linker_time = 0.0
        self.linker_make_thunk_time = 0.0
        self.validate_time = 0.0
        self.import_time = 0.0
        self.rewriter_profile: Any = None
        self.nb_nodes = 0
        self.reset()
        for name, value in kwargs.items():
            setattr(self, name, value)
        if atexit_print:
            if not _print_at_exit:
                atexit.register(_print_all)
            _print_at_exit.append(self)

    def reset(self) -> None:
        """Forget the calls."""
        self.fct_callcount = 0
        self.fct_call_time = 0.0
        self.apply_time: dict[tuple[FunctionGraph, Apply], float] = defaultdict(float)
        self.apply_callcount: dict[tuple[FunctionGraph, Apply], int] = defaultdict(int)

    def add_node_time(self, fgraph: FunctionGraph, node: Apply, seconds: float) -> None:
        """Record that `node` ran once."""
        self.apply_time[fgraph, node] += seconds
        self.apply_callcount[fgraph, node] += 1

    @property
    def vm_call_time(self) -> float:
        return sum(self.apply_time.values())

    def compute_total_times(self) -> dict[Apply, float]:
        """Return the seconds spent in each node."""
        return {node: seconds for (_, node), seconds in self.apply_time.items()}

    def _grouped(self, key: Callable[[Apply], Any], counts: bool = False) -> dict[Any, Any]:
        totals: dict[Any, Any] = defaultdict(int)
        for (_, node), value in (self.apply_callcount if counts else self.apply_time).items():
            totals[key(node)] += value
        return dict(totals)

    def class_time(self) -> dict[type, float]:
        """Return seconds by class of Op."""
        return self._grouped(lambda node: type(node.op))

    def class_callcount(self) -> dict[type, int]:
        """Return numbers of runs by class of Op."""
        return self._grouped(lambda node: type(node.op), counts=True)

    def op_time(self) -> dict[Any, float]:
        """Return seconds by Op."""
        return self._grouped(lambda node: node.op)

    def op_callcount(self) -> dict[Any, int]:
        """Return numbers of runs by Op."""
        return self._grouped(lambda node: node.op, counts=True)

    # -- printing -------------------------------------------------------------------------

    def summary(
        self, file: TextIO | None = None, n_ops_to_print: int = 20, n_apply_to_print: int = 20
    ) -> None:
        """Print all there is to say."""
        file = sys.stderr if file is None else file
        self.summary_function(file)
        if self.apply_time:
            self.summary_ops(file, n_ops_to_print)
            self.summary_nodes(file, n_apply_to_print)

    def summary_function(self, file: TextIO) -> None:
        """Print the times of compiling and calling."""
        print(f"Function profile: {self.message or 'function'}", file=file)
        calls, seconds = self.fct_callcount, self.fct_call_time
        print(f"  calls          {calls:>10}   {seconds:.6f} s", file=file)
        if calls:
            print(f"  time per call  {1e6 * seconds / calls:>10.1f} us", file=file)
        if self.apply_time:
            print(f"  in nodes       {self.vm_call_time:.6f} s", file=file)
        for title in ("rewriting_time", "linker_time", "compile_time"):
            print(f"  {title:<14} {getattr(self, title):.6f} s", file=file)

    def summary_ops(self, file: TextIO, n: int | None = None) -> None:
        """Print the Ops, the slowest first."""
        counts = self.op_callcount()
        rows = [(t, counts[op], str(op)) for op, t in self.op_time().items()]
        self._table("Ops", rows, file, n or config.profiling__n_ops)

    summary_class = summary_ops

    def summary_nodes(self, file: TextIO, n: int | None = None) -> None:
        """Print the nodes, the slowest first."""
        rows = [(t, self.apply_callcount[key], str(key[1])) for key, t in self.apply_time.items()]
        self._table("Nodes", rows, file, n or config.profiling__n_apply)

    def _table(self, title: str, rows: list[tuple[float, int, str]], file: TextIO, n: int) -> None:
        total = self.vm_call_time or 1.0
        print(f"{title}\n  share      seconds      runs", file=file)
        for seconds, count, name in sorted(rows, key=lambda row: -row[0])[:n]:
            share = 100 * seconds / total
            print(f"  {share:5.1f}%  {seconds:.3e}  {count:>8}  {name}", file=file)
