"""`CLinker`: from a graph to a `CProgram`, compiled C run by the driver."""

import logging
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pytensor.graph.basic import Apply
from pytensor.graph.fg import FunctionGraph
from pytensor.link.basic import Linker, Program
from pytensor.link.c.driver import get_driver, load_unit
from pytensor.link.c.lower import Lowered, lower
from pytensor.link.c.toolchain import CompileError
from pytensor.link.py.linker import PyLinker
from pytensor.link.schedule import Schedule, schedule
from pytensor.link.utils import raise_with_op

if TYPE_CHECKING:
    from pytensor.compile.calling import CallSpec
    from pytensor.compile.debug.profiling import ProfileStats

__all__ = ["CLinker", "CProgram"]

_logger = logging.getLogger("pytensor.link")


class CProgram(Program):
    """A graph lowered to C; any number of threads may call it.

    Attributes
    ----------
    source : str
        The C text of its kernels.
    tables : dict
        Slots, steps, arguments and constants as the driver reads them.
    step_nodes : list
        The node of each step; None for a step that only skips others.
    """

    def __init__(self, fgraph: FunctionGraph, plan: Schedule, lowered: Lowered):
        self.fgraph = fgraph
        self.nodes = plan.order
        self.fragile_inputs = plan.fragile_inputs
        self.source = lowered.source
        self.step_nodes = lowered.step_nodes
        self.tables = lowered.tables
        unit = None
        link, flags, tables = _needs(lowered.flags)
        if lowered.source:
            unit = load_unit(lowered.source, link, flags)
        self._unit = unit
        self._run = get_driver().Program(
            library=None if unit is None else unit.capsule,
            handler=_error_handler(fgraph, lowered.step_nodes),
            tables=tables,
            **lowered.tables,
        )

    def __call__(self, *values: Any) -> list[Any]:
        return self._run(*values)

    @property
    def run(self) -> Callable[..., list[Any]]:
        """The driver's own object."""
        return self._run

    def bind(self, spec: "CallSpec") -> Callable | None:
        """Let the driver do the whole call, unless it stores updates or protects inputs."""
        if spec.updates or spec.output_keys is not None:
            return None
        if any(slot.overwritten or slot.fragile for slot in spec.inputs):
            return None
        arguments = iter(range(len(spec.inputs)))
        filters = tuple(
            spec.filter_for(next(arguments)) if slot.explicit else None for slot in spec.inputs
        )
        if spec.trust_input:
            filters = (None,) * len(filters)
        n_outputs = len(self.fgraph.outputs)
        if spec.n_returned != n_outputs:
            return None
        return get_driver().Caller(
            program=self._run,
            sources=tuple(None if s.explicit else s.container.storage for s in spec.inputs),
            filters=filters,
            slow=spec.slow,
            unpack=spec.unpack_single and n_outputs == 1,
        )


def _error_handler(fgraph: FunctionGraph, nodes: Sequence[Apply | None]) -> Callable:
    """Return what the driver calls with the number of a failed step, its exception and inputs."""

    def handle(step: int, error: Exception, values: tuple) -> None:
        node = nodes[step]
        if node is not None:
            raise_with_op(fgraph, node, error, list(values))

    return handle


def _needs(flags: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...], tuple]:
    """Return linker arguments, compiler flags and pointer tables for what kernels need by name."""
    link: list[str] = []
    blas = lapack = None
    if "libmvec" in flags:
        link.append("-lmvec")
    if "blas" in flags or "lapack" in flags:
        # Reaching BLAS imports SciPy: only programs that call it pay for that.
        from pytensor.tensor.blas import _ldflags  # noqa: PLC0415

        if "blas" in flags:
            blas = _address_table(_ldflags.get_provider().pointers())
        if "lapack" in flags:
            lapack = _address_table(_ldflags.lapack_pointers())
    return tuple(link), (), (blas, lapack)


def _address_table(addresses: Sequence[int]) -> bytes:
    return np.array(addresses, dtype=np.uintp).tobytes()


class CLinker(Linker):
    """Compiles a graph to C; nodes without C are computed by ``Op.perform``.

    Where C cannot be compiled, programs run in Python, and one line says why.

    Parameters
    ----------
    allow_gc : bool, optional
        Accepted as in other linkers. Frame buffers are kept from call to call up to a limit.
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
        plan = schedule(fgraph, self.schedule(fgraph))
        try:
            return CProgram(fgraph, plan, lower(fgraph, plan))
        except CompileError as error:
            _say_once(str(error))
        fallback = PyLinker(self._allow_gc, schedule=self._scheduler)
        return fallback.make_program(fgraph, profile=profile, name=name)


_said: set[str] = set()
_said_lock = threading.Lock()


def _say_once(reason: str) -> None:
    """Say once that Python runs what C should have run."""
    line = reason.splitlines()[0]
    with _said_lock:
        if line in _said:
            return
        _said.add(line)
    # Through logging: with warnings as errors a missing compiler stays harmless.
    _logger.warning(
        "pytensor runs in Python because %s; `pip install pytensor[cc]` brings a compiler.", reason
    )
