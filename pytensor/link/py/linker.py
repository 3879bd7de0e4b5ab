"""`PyLinker`: from a graph to a `PyProgram`."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pytensor.graph.basic import Apply
from pytensor.graph.fg import FunctionGraph
from pytensor.link.basic import Linker
from pytensor.link.py.vm import LazyProgram, ObservedProgram, PyProgram
from pytensor.link.schedule import schedule

if TYPE_CHECKING:
    from pytensor.compile.debug.profiling import ProfileStats


class PyLinker(Linker):
    """Runs each node with `Op.perform`.

    Parameters
    ----------
    allow_gc : bool, optional
        Free intermediate values during a call.
    callback : callable, optional
        Called as ``callback(fgraph, i, node, run)`` instead of ``run()``, for each node in turn;
        ``run.inputs`` and ``run.outputs`` are lists of cells ``[value]``.
    schedule : callable, optional
        From a graph to the list of its nodes in running order.
    """

    required_rewrites = ("minimum_compile", "py_only")
    incompatible_rewrites = ("cxx_only",)

    def __init__(
        self,
        allow_gc: bool | None = None,
        callback: Callable[..., Any] | None = None,
        schedule: Callable[[FunctionGraph], list[Apply]] | None = None,
    ) -> None:
        super().__init__(allow_gc=allow_gc, scheduler=schedule)
        self.callback = callback

    def make_program(
        self,
        fgraph: FunctionGraph | None = None,
        *,
        profile: "ProfileStats | None" = None,
        name: str | None = None,
    ) -> PyProgram:
        fgraph = self.fgraph if fgraph is None else fgraph
        if fgraph is None:
            raise ValueError("[PyLinker] accept a graph before making a program")
        plan = schedule(fgraph, self.schedule(fgraph))
        if plan.guards:
            return LazyProgram(fgraph, plan, self.allow_gc, profile, self.callback)
        if profile is not None or self.callback is not None:
            return ObservedProgram(fgraph, plan, self.allow_gc, profile, self.callback)
        return PyProgram(fgraph, plan, self.allow_gc)
