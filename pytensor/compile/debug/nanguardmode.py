"""`NanGuardMode`: stop at the first NaN, infinity or absurdly large number."""

from typing import Any

import numpy as np

from pytensor.compile.mode import Mode
from pytensor.configdefaults import config
from pytensor.graph.basic import Apply, Variable
from pytensor.graph.fg import FunctionGraph
from pytensor.link.backends import PYTHON
from pytensor.link.utils import node_note

BIG = 1e10


def _floats(arr: Any) -> np.ndarray | None:
    """Return `arr` as an array if it can hold NaN, else None."""
    if isinstance(arr, np.ndarray | np.number | float | complex):
        array = np.asarray(arr)
        if array.dtype.kind in "fc" and array.size:
            return array
    return None


# Ops that write a part of an array and leave the rest as it was, and those that only look at it.
_PARTIAL = {"IncSubtensor", "AdvancedIncSubtensor", "AdvancedIncSubtensor1"}
_VIEWS = {"Subtensor", "DimShuffle", "Reshape", "SpecifyShape", "Unbroadcast"}


def may_hold_anything(variable: Variable) -> bool:
    """Tell whether memory nobody has written to may be part of a value, so that it is not checked."""
    while True:
        if getattr(variable.tag, "nan_guard_mode_check", True) is False:
            return True
        node = variable.owner
        if node is None:
            return False
        name = type(node.op).__name__
        if name == "AllocEmpty":
            return True
        if name not in _PARTIAL and name not in _VIEWS:
            return False
        variable = node.inputs[0]


def contains_nan(arr: Any, node: Apply | None = None, var: Variable | None = None) -> bool:
    """Tell whether there is a NaN in `arr`."""
    array = _floats(arr)
    return array is not None and bool(np.isnan(array).any())


def contains_inf(arr: Any, node: Apply | None = None, var: Variable | None = None) -> bool:
    """Tell whether there is an infinity in `arr`."""
    array = _floats(arr)
    return array is not None and bool(np.isinf(array).any())


class NanGuardMode(Mode):
    """Checks the inputs and results of every node.

    Parameters
    ----------
    nan_is_error, inf_is_error, big_is_error : bool, optional
        What to look for: NaN, infinities, numbers above 1e10; from ``config.NanGuardMode__...`` by
        default.
    optimizer : str or query
    linker
        Accepted for compatibility: nodes run in Python, one by one.

    Raises
    ------
    AssertionError
        When called, if a check fails.
    """

    def __init__(
        self,
        nan_is_error: bool | None = None,
        inf_is_error: bool | None = None,
        big_is_error: bool | None = None,
        optimizer: Any = "default",
        linker: Any = None,
        db: Any = None,
    ) -> None:
        def setting(given: bool | None, name: str) -> bool:
            return getattr(config, f"NanGuardMode__{name}") if given is None else given

        self.nan_is_error = setting(nan_is_error, "nan_is_error")
        self.inf_is_error = setting(inf_is_error, "inf_is_error")
        self.big_is_error = setting(big_is_error, "big_is_error")
        super().__init__(PYTHON.make_linker(callback=self._run), optimizer, db=db)

    def clone(
        self, link_kwargs: dict[str, Any] | None = None, optimizer: Any = "", **kwargs: Any
    ) -> "NanGuardMode":
        for name in ("nan_is_error", "inf_is_error", "big_is_error"):
            kwargs.setdefault(name, getattr(self, name))
        kwargs.setdefault("db", self.optdb)
        if isinstance(optimizer, str) and optimizer == "":
            optimizer = self._optimizer
        return type(self)(optimizer=optimizer, **kwargs)

    def _run(self, fgraph: FunctionGraph, i: int, node: Apply, run: Any) -> None:
        given = set(fgraph.inputs)
        for variable, (value,) in zip(node.inputs, run.inputs, strict=True):
            if variable in given:
                self._check(value, variable, node, "an input of the function")
        run()
        for variable, (value,) in zip(node.outputs, run.outputs, strict=True):
            self._check(value, variable, node, "an output of a node in the graph")

    def _check(self, value: Any, variable: Variable, node: Apply, where: str) -> None:
        array = _floats(value)
        if array is None or may_hold_anything(variable):
            return
        found = []
        if self.nan_is_error and np.isnan(array).any():
            found.append("NaN detected")
        if self.inf_is_error and np.isinf(array).any():
            found.append("Inf detected")
        if self.big_is_error and (np.abs(array[np.isfinite(array)]) > BIG).any():
            found.append("Big value detected")
        if found:
            raise AssertionError(
                f"[NanGuardMode] {', '.join(found)} in {variable}, {where}\n{node_note(node)}"
            )
