"""`CLinker`: from a graph to a `CProgram`, compiled C run by the driver."""

from collections.abc import Callable, Collection, Sequence
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from pytensor.compile.calling import duplicate, in_order, is_transactional
from pytensor.graph.basic import Apply
from pytensor.graph.fg import FunctionGraph
from pytensor.graph.op import HasMultipleInnerGraph
from pytensor.link.basic import Linker, Program
from pytensor.link.c.driver import Unit, get_driver, load_units, prefetch_driver
from pytensor.link.c.lower import KERNEL, Lowered
from pytensor.link.c.shipped import load_ready
from pytensor.link.c.tiers import Promotion, lower_here
from pytensor.link.c.toolchain import CompileError
from pytensor.link.c.units import UnitSource, unit_arguments
from pytensor.link.py.linker import PyLinker
from pytensor.link.schedule import Schedule, destroyed_inputs, schedule
from pytensor.link.utils import add_iteration, raise_with_op
from pytensor.utils import late, say_once

if TYPE_CHECKING:
    from pytensor.compile.calling import CallSpec
    from pytensor.compile.debug.profiling import ProfileStats

__all__ = ["CLinker", "CProgram"]


class CProgram(Program):
    """A graph lowered to C; any number of threads may call it.

    Parameters
    ----------
    fgraph : FunctionGraph, or callable
        The graph, or what reads it from a pickle when an error needs it.
    plan : Schedule
    lowered : Lowered
    loaded : sequence of Unit, optional
        The compiled units, if they were found already.

    Attributes
    ----------
    units : tuple of UnitSource
        The translation units it began with.
    loaded_units : sequence of Unit
        The same, compiled.
    promotion : Promotion or None
        The loops that are interpreted until they are compiled.
    tables : dict
        Slots, steps, arguments and constants as the driver reads them.
    step_nodes : list
        The node of each step; None for a step that only skips others.
    took : sequence of float
        Seconds of lowering, compiling or loading, and binding.
    runs : sequence of float
        Seconds of each compiler that was waited for.
    """

    took: Sequence[float] = ()
    runs: Sequence[float] = ()

    def __init__(
        self,
        fgraph: FunctionGraph | Callable[[], FunctionGraph],
        plan: Schedule,
        lowered: Lowered,
        loaded: Sequence[Unit] | None = None,
    ):
        # A callable only for whoever has a property of this name.
        self.fgraph = fgraph  # type: ignore[assignment]
        self.nodes = plan.order
        self.fragile_inputs = plan.fragile_inputs
        self.units = lowered.units
        self.step_nodes = lowered.step_nodes
        self.tables = lowered.tables
        self.special_steps = tuple([number for number, _ in lowered.special])
        units = (*lowered.units, *(lowered.later or ()))
        flags = {flag for unit in units for flag in unit.flags}
        self.loaded_units = _load(lowered.units)[0] if loaded is None else loaded
        libraries = [unit.capsule for unit in self.loaded_units]
        if lowered.later:
            libraries.append(late("pytensor.link.c.vm:load")().capsule)
        self._run = get_driver().Program(
            libraries=tuple(libraries),
            handler=_error_handler(fgraph, lowered.step_nodes),
            tables=_pointer_tables(flags),
            **lowered.tables,
        )
        self.promotion: Promotion | None = None
        if lowered.later or lowered.special:
            self.promotion = Promotion(
                self._run, lowered.later, lowered.later_numbers, lowered.special
            )
            self.promotion.begin()

    def __call__(self, *values: Any) -> list[Any]:
        return self._run(*values)

    @property
    def sources(self) -> tuple[str, ...]:
        """The C text of each translation unit, that of interpreted loops last."""
        later = () if self.promotion is None else self.promotion.units
        return tuple(unit.text for unit in (*self.units, *later))

    @property
    def source(self) -> str:
        """The C text of all kernels."""
        return "\n".join(self.sources)

    @property
    def is_native(self) -> bool:
        """Whether all its kernels are compiled C."""
        return self.promotion is None or self.promotion.loaded is not None

    def make_native(self) -> None:
        """Compile what is still interpreted, and wait for it.

        Raises
        ------
        CompileError
        """
        if self.promotion is not None:
            self.promotion.finish()

    @property
    def run(self) -> Callable[..., list[Any]]:
        """The driver's own object."""
        return self._run

    def free(self) -> None:
        self._run.free()

    def measure(self, profile: "ProfileStats", took: Sequence[float]) -> None:
        """Measure all calls from now on for a profile; `took` are the seconds of linking."""
        self._run.measure()
        for name, seconds in zip(("lowering", "C", "binding"), took, strict=True):
            profile.linker_stages[name] += float(seconds)
        profile.add_source(late("pytensor.link.c.profiled:ProgramTimes")(self))

    def to_stored(self) -> tuple[Any, Any]:
        """Return what is pickled of the program, and its nodes."""
        return late("pytensor.link.c.stored:stored")(self), self.step_nodes

    def bind(self, spec: "CallSpec") -> Callable | None:
        """Let the driver do the whole call; outputs by name are left to Python."""
        if spec.output_keys is not None:
            return None
        n_outputs = len(self.tables["outputs"]) // 4
        if [i for i, _ in spec.updates] != list(range(spec.n_returned, n_outputs)):
            return None
        arguments = iter(range(len(spec.inputs)))
        filters = [
            spec.filter_for(next(arguments)) if slot.explicit else None for slot in spec.inputs
        ]
        if spec.trust_input:
            filters = [None] * len(filters)
        shared = [None if slot.explicit else slot.container for slot in spec.inputs]
        updated = [container for _, container in spec.updates]
        return get_driver().Caller(
            program=self._run,
            cells=tuple([c and c.storage for c in shared]),
            writing=tuple([c and c.writing for c in shared]),
            waits=tuple([c and c.lock for c in shared]),
            filters=tuple(filters),
            updates=tuple([container.storage for container in updated]),
            locks=tuple([container.lock for container in in_order(updated)]),
            slow=spec.slow,
            duplicate=duplicate,
            fragile=bytes([slot.fragile for slot in spec.inputs]),
            unpack=spec.unpack_single and spec.n_returned == 1,
        )


def _fragile_inputs(fgraph: FunctionGraph, plan: Schedule, lowered: Lowered) -> tuple[int, ...]:
    """Return which inputs a failing call may leave half-written.

    Besides those that are overwritten early, those that the last step overwrites, unless that is a
    kernel without inner graph: these fail before they write, and no interrupt comes in between.
    """
    fragile = set(plan.fragile_inputs)
    last = plan.order[-1] if plan.order else None
    if last is None or not last.op.destroy_map:
        return plan.fragile_inputs
    stop = np.frombuffer(lowered.tables["blocks"], np.int32)[1]
    kinds = np.frombuffer(lowered.tables["steps"], np.int32).reshape(-1, 6)[:, 0]
    if lowered.step_nodes[stop - 1] is last and kinds[stop - 1] == KERNEL:
        if not isinstance(last.op, HasMultipleInnerGraph):
            return plan.fragile_inputs
    arrays = {i for i, v in enumerate(fgraph.inputs) if is_transactional(v.type)}
    found = destroyed_inputs(fgraph, [last]).get(last, set())
    return tuple(sorted(fragile | (found & arrays)))


def _error_handler(
    graph: FunctionGraph | Callable[[], FunctionGraph], nodes: Sequence[Apply | None]
) -> Callable:
    """Return what the driver calls with the number of a failed step, its exception and inputs."""

    def handle(step: int, error: Exception, values: tuple, iteration: int) -> None:
        node = nodes[step]
        if node is None:
            return
        try:
            raise_with_op(graph() if callable(graph) else graph, node, error, list(values))
        finally:
            if iteration >= 0:
                add_iteration(error, iteration)

    return handle


def _load(units: Sequence[UnitSource], name: str | None = None) -> tuple[list[Unit], list[float]]:
    """Compile or find the units of a program; return them and how long each compiler took."""
    own = [unit for unit in units if not unit.ready]
    ready = [load_ready() for unit in units if unit.ready]
    if not own:
        return ready, []
    with late("pytensor.link.c.progress:waiting_for")(own, name) as waiting:
        compiled = load_units([unit_arguments(unit) for unit in own], waiting.run)
    return [*compiled, *ready], waiting.runs


def _pointer_tables(flags: Collection[str]) -> tuple[bytes | None, ...]:
    """Return the addresses of BLAS, LAPACK and special functions, for programs that call them."""
    blas = lapack = None
    if "blas" in flags or "lapack" in flags:
        # Reaching BLAS imports SciPy: only programs that call it pay for that.
        from pytensor.tensor.blas import _ldflags  # noqa: PLC0415

        if "blas" in flags:
            blas = _address_table(_ldflags.get_provider().pointers())
        if "lapack" in flags:
            lapack = _address_table(_ldflags.lapack_pointers())
    return blas, lapack, late("pytensor.link.c.special:table")() if "special" in flags else None


def _address_table(addresses: Sequence[int]) -> bytes:
    return np.array(addresses, dtype=np.uintp).tobytes()


class CLinker(Linker):
    """Compiles a graph to C; nodes without C are computed by ``Op.perform``.

    Without a compiler what came with the package runs, and the rest in Python; one line says so.

    Parameters
    ----------
    allow_gc : bool, optional
        Give the memory of large intermediate values back after each call: to a pool of 64 MB that
        all functions share, the rest to the system. Otherwise each function keeps what it used,
        which is faster for very large values.
    schedule : callable, optional
        From a graph to the list of its nodes in running order.
    """

    required_rewrites = ("minimum_compile",)
    incompatible_rewrites = ("py_only",)

    def __init__(
        self,
        allow_gc: bool | None = None,
        schedule: Callable[[FunctionGraph], list[Apply]] | None = None,
    ):
        super().__init__(allow_gc=allow_gc, scheduler=schedule)
        # Whoever makes a linker compiles soon; a first build of the driver runs while the graph
        # is rewritten.
        prefetch_driver()

    def make_program(
        self,
        fgraph: FunctionGraph | None = None,
        *,
        profile: "ProfileStats | None" = None,
        name: str | None = None,
    ) -> Program:
        fgraph = self.fgraph if fgraph is None else fgraph
        if fgraph is None:
            raise ValueError("[CLinker] accept a graph before making a program")
        prefetch_driver()
        plan = schedule(fgraph, self.schedule(fgraph))
        try:
            return self._compiled(fgraph, plan, profile, name)
        except CompileError as error:
            say_once(
                f"pytensor runs in Python because {error}; `pip install pytensor[cc]` brings a compiler"
            )
        fallback = PyLinker(self._allow_gc, schedule=self._scheduler)
        return fallback.make_program(fgraph, profile=profile, name=name)

    def _compiled(
        self,
        fgraph: FunctionGraph,
        plan: Schedule,
        profile: "ProfileStats | None",
        name: str | None,
    ) -> CProgram:
        """Make a program of compiled code, where the compiler fails of what is compiled already."""
        times = [perf_counter()]
        lowered = lower_here(fgraph, plan)
        times.append(perf_counter())
        try:
            loaded, runs = _load(lowered.units, name)
        except CompileError as error:
            lowered = lower_here(fgraph, plan, str(error))
            loaded, runs = _load(lowered.units)
        times.append(perf_counter())
        lowered.tables["collect"] = bool(self.allow_gc)
        plan = plan._replace(fragile_inputs=_fragile_inputs(fgraph, plan, lowered))
        program = CProgram(fgraph, plan, lowered, loaded)
        program.took, program.runs = np.diff([*times, perf_counter()]).tolist(), runs
        if profile is not None:
            program.measure(profile, program.took)
        return program
