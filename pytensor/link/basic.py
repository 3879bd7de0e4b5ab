"""What every backend offers: a `Linker` turns a graph into a `Program`.

A program is called with the values of all inputs of the graph and returns the values of all its
outputs. It keeps nothing between calls, so any number of threads may call it at once. Where values
live between calls (shared variables, defaults) and which outputs update them is the business of
`compile.executor`.
"""

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from pytensor.compile.sharedvalue import Container
from pytensor.configdefaults import config
from pytensor.graph.basic import Apply, Variable
from pytensor.graph.fg import FunctionGraph

if TYPE_CHECKING:
    # A backend only passes the profile on.
    from pytensor.compile.debug.profiling import ProfileStats
    from pytensor.compile.executor import CallSpec

__all__ = ["Container", "JITLinker", "Linker", "MissingBackendError", "Program"]


class MissingBackendError(NotImplementedError):
    """A backend was asked for that this installation cannot run."""


class Program(ABC):
    """A graph ready to run.

    Attributes
    ----------
    fgraph : FunctionGraph
        The graph that was compiled; it must not change any more.
    nodes : sequence of Apply
        The order in which nodes run.
    fragile_inputs : tuple of int
        Positions of inputs that may be left half-overwritten when a call fails. The caller passes
        copies of the values that must survive.
    destroyed_inputs : collection of int, optional
        Positions of inputs a call may write to; None if those are the ones that nodes of the
        graph overwrite. The caller passes writable values that nothing else refers to.
    """

    fgraph: FunctionGraph
    nodes: Sequence[Apply] = ()
    fragile_inputs: tuple[int, ...] = ()
    destroyed_inputs: Collection[int] | None = None

    @abstractmethod
    def __call__(self, *values: Any) -> list[Any]:
        """Return the values of all outputs of the graph, given those of all inputs."""

    @property
    def run(self) -> Callable[..., list[Any]]:
        """The fastest way to make that call."""
        return self.__call__

    def free(self) -> None:
        """Free memory kept for the next calls, if there is any."""
        return

    def to_stored(self) -> tuple[Any, Any] | None:
        """Return what is pickled of the program, and the nodes it refers to; None: only the graph.

        The first has a method ``revived(packed, profile, name)`` that makes the program again,
        without the graph, or returns None where it does not fit.
        """
        return None

    def bind(self, spec: "CallSpec") -> Callable | None:
        """Return a callable that does the whole call of a function, or None.

        A backend with a driver of its own takes over reading arguments, checking them, storing
        updates and packing the result. It may leave any call it finds unusual to `spec.slow`.
        """
        return None


class Linker(ABC):
    """Makes programs from graphs.

    Parameters
    ----------
    allow_gc : bool, optional
        Free intermediate values during a call; ``config.allow_gc`` by default.
    scheduler : callable, optional
        From a graph to the list of its nodes in running order.
    """

    required_rewrites: ClassVar[tuple[str, ...]] = ("minimum_compile",)
    """Tags of rewrites a graph must have seen."""
    incompatible_rewrites: ClassVar[tuple[str, ...]] = ()
    """Tags of rewrites that make graphs this linker cannot or need not handle."""

    fgraph: FunctionGraph | None = None
    profile: "bool | ProfileStats | None" = None

    def __init__(
        self,
        *,
        allow_gc: bool | None = None,
        scheduler: Callable[[FunctionGraph], list[Apply]] | None = None,
    ) -> None:
        self._allow_gc = allow_gc
        self._scheduler = scheduler

    @property
    def allow_gc(self) -> bool:
        return config.allow_gc if self._allow_gc is None else self._allow_gc

    @allow_gc.setter
    def allow_gc(self, value: bool | None) -> None:
        self._allow_gc = value

    def clone(self, allow_gc: bool | None = None) -> "Linker":
        new = copy.copy(self)
        if allow_gc is not None:
            new._allow_gc = allow_gc
        return new

    def accept(
        self,
        fgraph: FunctionGraph,
        no_recycling: Sequence[Variable] | None = None,
        profile: "bool | ProfileStats | None" = None,
    ) -> "Linker":
        """Return a linker for `fgraph`; this one stays as it is.

        `no_recycling` is accepted for compatibility: no value is recycled between calls.
        """
        new = copy.copy(self)
        new.fgraph = fgraph
        new.profile = profile
        return new

    def schedule(self, fgraph: FunctionGraph) -> list[Apply]:
        """Return the nodes of `fgraph` in an order in which they can run."""
        return self._scheduler(fgraph) if self._scheduler is not None else fgraph.toposort()

    @abstractmethod
    def make_program(
        self,
        fgraph: FunctionGraph | None = None,
        *,
        profile: "ProfileStats | None" = None,
        name: str | None = None,
    ) -> Program:
        """Compile `fgraph` (or the one accepted before)."""

    def make_thunk(
        self,
        input_storage: Sequence[list[Any]] | None = None,
        output_storage: Sequence[list[Any]] | None = None,
        storage_map: dict[Variable, list[Any]] | None = None,
        **kwargs: Any,
    ) -> tuple[Callable[[], list[Any]], list[Container], list[Container]]:
        """Return a program over storage cells, with the containers of its inputs and outputs.

        For code written for that protocol. The returned function reads the input cells and writes
        the output cells, so it belongs to one thread.
        """
        fgraph = self.fgraph
        if fgraph is None:
            raise ValueError(f"[{type(self).__name__}] accept a graph before making a thunk")
        cells = storage_map or {}

        def cells_of(variables: Sequence[Variable], given: Sequence[list[Any]] | None) -> list:
            return list(given) if given is not None else [cells.get(v, [None]) for v in variables]

        inputs = cells_of(fgraph.inputs, input_storage)
        outputs = cells_of(fgraph.outputs, output_storage)
        program = self.make_program(fgraph)

        def thunk() -> list[Any]:
            values = program(*[cell[0] for cell in inputs])
            for cell, value in zip(outputs, values, strict=True):
                cell[0] = value
            return values

        thunk.program = program  # type: ignore[attr-defined]
        return (
            thunk,
            [Container(v, cell) for v, cell in zip(fgraph.inputs, inputs, strict=True)],
            [Container(v, cell) for v, cell in zip(fgraph.outputs, outputs, strict=True)],
        )

    def make_function(self, unpack_single: bool = True, **kwargs: Any) -> Callable:
        """Return the program as a plain Python function of the input values."""
        program = self.make_program()

        def run(*values: Any) -> Any:
            outputs = program(*values)
            return outputs[0] if unpack_single and len(outputs) == 1 else outputs

        return run

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class JITProgram(Program):
    """A graph converted to one function of another library."""

    def __init__(self, linker: "JITLinker", fgraph: FunctionGraph, order: list[Apply]) -> None:
        self.fgraph = fgraph
        self.nodes = order
        self.linker = linker
        self.jit_fn = linker.jit_compile(linker.fgraph_convert(fgraph, order=order))

    def __call__(self, *values: Any) -> list[Any]:
        give, take = self.linker.input_filter, self.linker.output_filter
        results = self.jit_fn(*map(give, values))
        return [take(v, r) for v, r in zip(self.fgraph.outputs, results, strict=True)]


class JITLinker(Linker):
    """Base of the linkers that convert a graph to one function of another library.

    A subclass defines `fgraph_convert` and, where needed, `jit_compile` and the filters.
    """

    backend: ClassVar[str] = ""
    """Name of the backend, as in ``Mode(linker=...)``."""

    def fgraph_convert(
        self, fgraph: FunctionGraph, order: list[Apply] | None = None, **kwargs: Any
    ) -> Callable[..., Any]:
        """Return a Python function of the inputs of `fgraph`, in the vocabulary of the library."""
        raise MissingBackendError(
            f"[{type(self).__name__}] the {self.backend} backend is not part of this version of "
            "pytensor; use a mode with linker 'cvm' (C) or 'py'"
        )

    def jit_compile(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        """Compile that function."""
        return fn

    def input_filter(self, inp: Any) -> Any:
        """Return the value of an input as the library wants it."""
        return inp

    def output_filter(self, var: Variable, out: Any) -> Any:
        """Return a result as a value of the type of `var`."""
        return out

    def make_program(
        self,
        fgraph: FunctionGraph | None = None,
        *,
        profile: "ProfileStats | None" = None,
        name: str | None = None,
    ) -> Program:
        fgraph = self.fgraph if fgraph is None else fgraph
        if fgraph is None:
            raise ValueError(f"[{type(self).__name__}] accept a graph before making a program")
        return JITProgram(self, fgraph, self.schedule(fgraph))
