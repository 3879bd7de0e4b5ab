"""Ops that run a graph of their own: when and how the inner graph is compiled."""

from threading import Lock
from typing import Any

from pytensor.compile.executor import Function
from pytensor.compile.io import In
from pytensor.compile.maker import function
from pytensor.compile.mode import Mode, get_default_mode
from pytensor.graph.frozen import FrozenFunctionGraph
from pytensor.graph.op import HasInnerGraph
from pytensor.link.basic import JITLinker
from pytensor.utils import free_after_fork


class HasInnerFunction(HasInnerGraph):
    """Mix-in for Ops whose `perform` calls the compiled inner graph.

    The inner graph is compiled at the first call. Backends that understand the Op itself never
    come here.
    """

    fgraph: FrozenFunctionGraph
    destroy_map: dict[int, list[int]]
    _fn: Function | None = None
    _compiling = free_after_fork(Lock())

    @property
    def inner_inputs(self) -> Any:
        return self.fgraph.inputs

    @property
    def inner_outputs(self) -> Any:
        return self.fgraph.outputs

    @property
    def inner_mode(self) -> Mode:
        """The default mode if it calls `perform` at all, otherwise the Python mode."""
        mode = get_default_mode()
        return Mode("py") if isinstance(mode.linker, JITLinker) else mode

    @property
    def fn(self) -> Function:
        """The compiled inner graph. Its results share no memory with its arguments."""
        if self._fn is None:
            compiled = self._compile()
            with self._compiling:
                if self._fn is None:
                    self._fn = compiled
        return self._fn

    def _compile(self) -> Function:
        graph = self.fgraph.unfreeze()
        destroyed = {i for targets in self.destroy_map.values() for i in targets}
        return function(
            [In(v, mutable=i in destroyed) for i, v in enumerate(graph.inputs)],
            list(graph.outputs),
            mode=self.inner_mode,
            on_unused_input="ignore",
            trust_input=True,
            accept_inplace=bool(destroyed),
            name=str(self),
        )

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in self.__dict__.items() if k != "_fn"}
