"""What compiling and calling took: `ProfileStats`."""

import atexit
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable
from threading import Lock
from time import perf_counter
from typing import Any, Protocol, TextIO

import numpy as np

from pytensor.compile.debug.node_times import CallTimes, NodeTimes
from pytensor.configdefaults import config
from pytensor.graph.basic import Apply, Variable
from pytensor.graph.fg import FunctionGraph
from pytensor.utils import late

__all__ = ["ProfileStats"]

_print_at_exit: list["ProfileStats"] = []


def _print_all() -> None:
    if not config.profile:
        return
    used = [p for p in _print_at_exit if p.fct_callcount or p.compile_time > 1]
    destination = config.profiling__destination
    if destination in ("stderr", "stdout"):
        _write(used, getattr(sys, destination))
    elif used:
        with open(destination, "w", encoding="utf-8") as file:
            _write(used, file)


def _write(profiles: list["ProfileStats"], file: TextIO) -> None:
    for profile in profiles:
        profile.summary(file)
    if len(profiles) > 1:
        total = ProfileStats.merged(profiles, message=f"the sum of {len(profiles)} profiles")
        total.summary(file)


class TimesSource(Protocol):
    """A program whose driver measures."""

    def calls(self) -> CallTimes: ...
    def nodes(self) -> Iterable[NodeTimes]: ...
    def forget(self) -> None: ...


class ProfileStats:
    """Times of one function, or of several that were given the same object.

    The C backend measures in the driver, with one look at the clock for each node; a call is
    served as without a profile, from any number of threads. That costs about 30 ns a node and
    0.1 us a call (``tests/compile/test_profile.py`` measures it). The Python backend's own
    measuring costs about 1 us a node.

    Parameters
    ----------
    atexit_print : bool
        Print the summary when the program ends, if ``config.profile`` is set.
    flag_time_thunks : bool, optional
        Accepted for compatibility: nodes are always timed where the backend runs them singly.
    **kwargs
        Initial values of attributes, for example `message`.

    Attributes
    ----------
    compile_time, rewriting_time, linker_time : float
        Seconds spent before the first call. The first includes the rewriting, not the linking.
    rewriting_stages : dict of str to float
        Seconds of each stage of rewriting.
    linker_stages : dict of str to float
        Seconds of lowering, of finding or compiling the C, and of binding it.
    fct_call_time, fct_callcount
        Seconds in, and number of, calls.
    vm_call_time : float
        Seconds in the nodes and between them, without checking arguments and storing updates.
    apply_time, apply_callcount : dict
        From (graph, node) to seconds and to the number of runs. A loop includes its inner nodes.
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
        self.preload_cache_time = 0.0
        self.rewriter_profile: Any = None
        self.rewriting_stages: dict[str, float] = defaultdict(float)
        self.linker_stages: dict[str, float] = defaultdict(float)
        self.nb_nodes = 0
        self.flag_time_thunks = flag_time_thunks
        self.line_width = config.profiling__output_line_width
        self._sources: list[TimesSource] = []
        self._lock = Lock()
        self.reset()
        for name, value in kwargs.items():
            setattr(self, name, value)
        if atexit_print and config.profile:
            if not _print_at_exit:
                atexit.register(_print_all)
            _print_at_exit.append(self)

    @classmethod
    def merged(cls, profiles: Iterable["ProfileStats"], **kwargs: Any) -> "ProfileStats":
        """Return the sum of several profiles."""
        total = cls(atexit_print=False, **kwargs)
        for profile in profiles:
            total._sources += profile._sources
            total._own.update(profile._own)
            total._calls += profile._calls
            total._call_seconds += profile._call_seconds
            for name in ("compile_time", "rewriting_time", "linker_time", "nb_nodes"):
                setattr(total, name, getattr(total, name) + getattr(profile, name))
            for name in ("rewriting_stages", "linker_stages"):
                for stage, seconds in getattr(profile, name).items():
                    getattr(total, name)[stage] += seconds
        return total

    def __getstate__(self) -> dict[str, Any]:
        raise TypeError(
            "[ProfileStats] a profile refers to the program it measures and cannot be pickled; "
            "pickle what it says: summary(file), or to_html(path)"
        )

    # -- measuring ------------------------------------------------------------------------

    def reset(self) -> None:
        """Forget the calls."""
        self._calls = 0
        self._call_seconds = 0.0
        self._own: dict[tuple[FunctionGraph, Apply], NodeTimes] = {}
        self._own_began = 0.0
        for source in self._sources:
            source.forget()

    def add_source(self, source: TimesSource) -> None:
        """Take the times of a program from now on."""
        self._sources.append(source)

    def add_call(self, seconds: float) -> None:
        """Record a call that no driver measures."""
        with self._lock:
            self._calls += 1
            self._call_seconds += seconds

    def add_node_time(
        self,
        fgraph: FunctionGraph,
        node: Apply,
        seconds: float,
        start: float | None = None,
        run: Any = None,
    ) -> None:
        """Record that `node` ran once; `run` has lists of cells ``inputs`` and ``outputs``."""
        with self._lock:
            times = self._own.get((fgraph, node))
            if times is None:
                times = self._own[fgraph, node] = NodeTimes(fgraph, node, 0.0, 0)
            times.seconds += seconds
            times.runs += 1
            times.last_runs, times.last_seconds = 1, seconds
            times.start = perf_counter() - seconds if start is None else start
            if run is not None:
                times.inputs = [getattr(cell[0], "shape", None) for cell in run.inputs]
                times.outputs = [getattr(cell[0], "shape", None) for cell in run.outputs]
                times.bytes_out = sum(_owned_bytes(cell[0], run.inputs) for cell in run.outputs)
                read = sum(getattr(cell[0], "nbytes", 0) for cell in run.inputs)
                times.traffic = read + times.bytes_out if times.bytes_out else 0

    # -- what was measured ----------------------------------------------------------------

    def node_times(self) -> list[NodeTimes]:
        """Return what is known of each node that ran, in running order."""
        nodes = [times for source in self._sources for times in source.nodes()]
        began = min((t.start for t in self._own.values()), default=0.0)
        for times in sorted(self._own.values(), key=lambda t: t.start):
            nodes.append(_started(times, times.start - began))
        return nodes

    def _call_times(self) -> list[CallTimes]:
        return [source.calls() for source in self._sources]

    @property
    def fct_callcount(self) -> int:
        return self._calls + sum(c.outer_calls for c in self._call_times())

    @property
    def fct_call_time(self) -> float:
        return self._call_seconds + sum(c.outer_seconds for c in self._call_times())

    @property
    def vm_call_time(self) -> float:
        own = sum(times.seconds for times in self._own.values())
        return own + sum(c.seconds for c in self._call_times())

    @property
    def failed_calls(self) -> int:
        """Calls that raised, of those the C backend measured."""
        return sum(c.failed for c in self._call_times())

    @property
    def buffer_bytes(self) -> int:
        """Bytes of buffers that programs keep from call to call."""
        return sum(c.held_bytes for c in self._call_times())

    def _by_node(self, what: str) -> dict[tuple[FunctionGraph, Apply], Any]:
        totals: dict[tuple[FunctionGraph, Apply], Any] = defaultdict(int)
        for times in self.node_times():
            totals[times.fgraph, times.node] += getattr(times, what)
        return dict(totals)

    @property
    def apply_time(self) -> dict[tuple[FunctionGraph, Apply], float]:
        return self._by_node("seconds")

    @property
    def apply_callcount(self) -> dict[tuple[FunctionGraph, Apply], int]:
        return self._by_node("runs")

    @property
    def apply_cimpl(self) -> dict[Apply, bool]:
        """Whether a node ran in C."""
        return {t.node: t.backend != "Py" for t in self.node_times()}

    @property
    def variable_shape(self) -> dict[Variable, Any]:
        """Shapes of results in the latest call."""
        pairs = (zip(t.node.outputs, t.outputs) for t in self.node_times() if t.reader is None)
        return {variable: shape for both in pairs for variable, shape in both}

    def compute_total_times(self) -> dict[Apply, float]:
        """Return the seconds spent in each node."""
        return {node: seconds for (_, node), seconds in self.apply_time.items()}

    def _grouped(self, key: Callable[[Apply], Any], what: str) -> dict[Any, Any]:
        totals: dict[Any, Any] = defaultdict(int)
        for times in self.node_times():
            if not times.is_inner:
                totals[key(times.node)] += getattr(times, what)
        return dict(totals)

    def class_time(self) -> dict[type, float]:
        """Return seconds by class of Op; those of inner nodes count for their loop."""
        return self._grouped(lambda node: type(node.op), "seconds")

    def class_callcount(self) -> dict[type, int]:
        """Return numbers of runs by class of Op."""
        return self._grouped(lambda node: type(node.op), "runs")

    def class_nodes(self) -> dict[type, int]:
        """Return numbers of nodes by class of Op."""
        return self._count_nodes(lambda node: type(node.op))

    def class_impl(self) -> dict[type, str]:
        """Return ``"C"``, ``"Py"`` or both by class of Op."""
        return self._implementations(lambda node: type(node.op))

    def op_time(self) -> dict[Any, float]:
        """Return seconds by Op."""
        return self._grouped(lambda node: node.op, "seconds")

    def op_callcount(self) -> dict[Any, int]:
        """Return numbers of runs by Op."""
        return self._grouped(lambda node: node.op, "runs")

    def op_nodes(self) -> dict[Any, int]:
        """Return numbers of nodes by Op."""
        return self._count_nodes(lambda node: node.op)

    def op_impl(self) -> dict[Any, str]:
        """Return ``"C"``, ``"Py"`` or both by Op."""
        return self._implementations(lambda node: node.op)

    def _count_nodes(self, key: Callable[[Apply], Any]) -> dict[Any, int]:
        counts: dict[Any, int] = defaultdict(int)
        for times in self.node_times():
            counts[key(times.node)] += 1
        return dict(counts)

    def _implementations(self, key: Callable[[Apply], Any]) -> dict[Any, str]:
        found: dict[Any, set[str]] = defaultdict(set)
        for times in self.node_times():
            found[key(times.node)].add(times.backend)
        return {group: " ".join(sorted(names)) for group, names in found.items()}

    # -- telling --------------------------------------------------------------------------

    def summary(
        self,
        file: TextIO | None = None,
        n_ops_to_print: int | None = None,
        n_apply_to_print: int | None = None,
    ) -> None:
        """Print all there is to say.

        Parameters
        ----------
        file : text file, optional
            Standard error by default.
        n_ops_to_print, n_apply_to_print : int, optional
            At most so many Ops and nodes; ``config.profiling__n_ops`` and ``__n_apply`` by default.
        """
        late("pytensor.compile.debug.profile_text:write")(
            self, sys.stderr if file is None else file, n_ops_to_print, n_apply_to_print
        )

    def summary_function(self, file: TextIO) -> None:
        """Print the times of compiling and calling."""
        late("pytensor.compile.debug.profile_text:write_function")(self, file)

    summary_globals = summary_function

    def summary_class(self, file: TextIO | None = None, N: int | None = None) -> None:
        """Print the classes of Ops, the slowest first."""
        late("pytensor.compile.debug.profile_text:write_classes")(self, file or sys.stderr, N)

    def summary_ops(self, file: TextIO | None = None, N: int | None = None) -> None:
        """Print the Ops, the slowest first."""
        late("pytensor.compile.debug.profile_text:write_ops")(self, file or sys.stderr, N)

    def summary_nodes(self, file: TextIO | None = None, N: int | None = None) -> None:
        """Print the nodes, the slowest first, with shapes, rates and the user's lines."""
        late("pytensor.compile.debug.profile_text:write_nodes")(self, file or sys.stderr, N)

    def summary_memory(self, file: TextIO | None = None, N: int | None = None) -> None:
        """Print what is kept and what is made, the largest results first."""
        late("pytensor.compile.debug.profile_text:write_memory")(self, file or sys.stderr, N)

    def to_html(self, path: Any = None) -> str:
        """Return a page with bars and a timeline of the latest call; write it to `path` if given.

        The page is one file, and fetches nothing.
        """
        page = late("pytensor.compile.debug.profile_html:page")(self)
        if path is not None:
            with open(path, "w", encoding="utf-8") as file:
                file.write(page)
        return page


def _owned_bytes(value: Any, inputs: list[list[Any]]) -> int:
    """Return the size of an array that is not a view of an input."""
    if not isinstance(value, np.ndarray):
        return 0
    arrays = (cell[0] for cell in inputs if isinstance(cell[0], np.ndarray))
    return 0 if any(np.may_share_memory(value, array) for array in arrays) else value.nbytes


def _started(times: NodeTimes, start: float) -> NodeTimes:
    return NodeTimes(**{**vars(times), "start": start})
