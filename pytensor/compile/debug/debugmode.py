"""`DebugMode`: run every node in Python and check what its Op promises.

Checked at each call: results are values of their types, inputs change only where `destroy_map`
says so, results share memory only where `view_map` or `destroy_map` says so, and the rewritten
graph gives what the graph as written gives.
"""

import copy
from typing import Any

import numpy as np

from pytensor.compile.debug.nanguardmode import may_hold_anything
from pytensor.compile.maker import FunctionMaker
from pytensor.compile.mode import OPT_MINIMUM, Mode
from pytensor.configdefaults import config
from pytensor.graph import features
from pytensor.graph.basic import Apply, Variable
from pytensor.graph.fg import FunctionGraph
from pytensor.link.backends import PYTHON
from pytensor.link.basic import Program
from pytensor.link.utils import describe_value, node_note


class DebugModeError(Exception):
    """Something is wrong inside the compiler or an Op."""


class StochasticOrder(DebugModeError):
    """The order of nodes differs between equal compilations."""


class BadThunkOutput(DebugModeError):
    """Two implementations of a node give different values."""

    def __init__(
        self,
        r: Variable,
        thunk1: str,
        val1: Any,
        thunk2: str,
        val2: Any,
        inputs_val: tuple = (),
    ) -> None:
        super().__init__()
        self.r, self.thunk1, self.val1 = r, thunk1, val1
        self.thunk2, self.val2, self.inputs_val = thunk2, val2, inputs_val

    def offending_op(self) -> type:
        """Return the class of the Op."""
        return type(self.r.owner_op)

    def str_diagnostic(self) -> str:
        return (
            f"BadThunkOutput\n  variable: {self.r}\n  Op: {self.offending_op()}\n"
            f"  {self.thunk1} and {self.thunk2} differ:\n"
            f"{str_diagnostic(self.val1, self.val2, None, None)}"
        )

    __str__ = str_diagnostic


class BadOptimization(DebugModeError, features.BadOptimization):
    """A rewritten graph gives another value than the graph as written."""


class BadDestroyMap(DebugModeError):
    """An Op changed an input that its `destroy_map` does not list."""

    def __init__(self, node: Apply, idx: int, old_val: Any, new_val: Any, perform: str) -> None:
        super().__init__(
            f"{node.op} changed its input {idx}, which is not in its destroy_map "
            f"{node.op.destroy_map} ({perform})\n{node_note(node)}"
        )
        self.node, self.idx, self.perform = node, idx, perform
        self.old_val, self.new_val = old_val, new_val


class BadViewMap(DebugModeError):
    """An output shares memory with an input that its `view_map` does not list."""

    def __init__(
        self,
        node: Apply,
        output_idx: int,
        out_storage: Any,
        in_alias_idx: Any = None,
        out_alias_idx: Any = None,
    ) -> None:
        super().__init__(
            f"output {output_idx} of {node.op} shares memory with inputs {in_alias_idx}, which "
            f"are not in its view_map {node.op.view_map}\n{node_note(node)}"
        )
        self.node, self.output_idx, self.out_storage = node, output_idx, out_storage
        self.in_alias_idx, self.out_alias_idx = in_alias_idx, out_alias_idx


class InvalidValueError(DebugModeError):
    """A result is not a value of the type of its variable."""

    def __init__(
        self,
        r: Variable,
        v: Any = None,
        client_node: Apply | None = None,
        hint: str = "none",
        specific_hint: str = "none",
    ) -> None:
        super().__init__(
            f"{r} of type {r.type} has the value {describe_value(v)} ({hint}, {specific_hint})"
        )
        self.r, self.v, self.client_node = r, v, client_node


def str_diagnostic(expected: Any, value: Any, rtol: float | None, atol: float | None) -> str:
    """Return a text that compares two arrays: layout, extremes, and how far they are apart.

    Parameters
    ----------
    expected, value : array_like
    rtol, atol : float or None
        Tolerances to report with the differences.
    """
    lines = []
    arrays = []
    for title, given in (("expected", expected), ("value", value)):
        array = np.asarray(given)
        arrays.append(array)
        lines.append(f"  {title:<8}: {type(given).__name__} {array.dtype} shape {array.shape}")
        lines.append(f"            strides {array.strides}")
        if array.size and array.dtype.kind in "biufc":
            low, high = (array.min(), array.max()) if array.dtype.kind != "c" else ("-", "-")
            lines.append(f"            min {low}, max {high}, NaN {int(np.isnan(array).sum())}")
    first, second = arrays
    if first.shape != second.shape:
        lines.append("  shapes differ")
    elif first.size and first.dtype.kind in "biufc" and second.dtype.kind in "biufc":
        wide = np.result_type(first, second, np.float64)
        difference = np.abs(first.astype(wide) - second.astype(wide))
        with np.errstate(all="ignore"):
            relative = difference / (np.abs(first) + np.abs(second))
        lines.append(f"  absolute difference: max {np.nanmax(difference, initial=0)}")
        lines.append(f"  relative difference: max {np.nanmax(relative, initial=0)}")
        worst = np.unravel_index(int(np.nanargmax(np.nan_to_num(difference))), first.shape)
        lines.append(f"  worst at {tuple(map(int, worst))}")
    lines.append(f"  tolerances: rtol {rtol}, atol {atol}")
    return "\n".join(lines)


def _same_bits(a: Any, b: Any) -> bool:
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    return True


class _ComparedProgram(Program):
    """Runs the rewritten graph and the graph as written, and compares."""

    def __init__(self, program: Program, reference: Program) -> None:
        self.program, self.reference = program, reference
        self.fgraph, self.nodes = program.fgraph, program.nodes
        self.fragile_inputs = program.fragile_inputs

    def __call__(self, *values: Any) -> list[Any]:
        expected = self.reference(*copy.deepcopy(values))
        results = self.program(*values)
        pairs = zip(self.reference.fgraph.outputs, self.fgraph.outputs, strict=True)
        for (old, new), want, got in zip(pairs, expected, results, strict=True):
            if not old.type.values_eq_approx(want, got):
                raise BadOptimization(old, new, want, got, reason="the rewrites as a whole")
        return results


class _Maker(FunctionMaker):
    """Keeps the graph as written next to the rewritten one."""

    def create(
        self, input_storage: Any = None, storage_map: Any = None, *, program: Any = None, **kwargs
    ) -> Any:
        if program is None:
            written = FunctionGraph(
                [spec.variable for spec in self.inputs],
                [o.variable for o in self.outputs]
                + [spec.update for spec in self.inputs if spec.update is not None],
                clone=True,
            )
            Mode("py", OPT_MINIMUM).optimizer(written)
            program = _ComparedProgram(
                self.linker.make_program(self.fgraph), PYTHON.make_linker().make_program(written)
            )
        return super().create(input_storage, program=program, **kwargs)


class DebugMode(Mode):
    """Checks everything, slowly.

    Parameters
    ----------
    optimizer : str or query
    check_isfinite : bool, optional
        Raise if a result has NaN or infinities.
    **ignored
        The remaining ones (`check_c_code`, `linker` ...) are accepted for compatibility: nodes run
        in Python, one by one.

    Raises
    ------
    DebugModeError
        When called, if a check fails.
    """

    def __init__(
        self,
        optimizer: Any = "fast_run",
        stability_patience: int | None = None,
        check_c_code: bool | None = None,
        check_py_code: bool | None = None,
        check_isfinite: bool | None = None,
        check_preallocated_output: Any = None,
        require_matching_strides: Any = None,
        linker: Any = None,
        db: Any = None,
    ) -> None:
        self.check_isfinite = (
            config.DebugMode__check_finite if check_isfinite is None else check_isfinite
        )
        super().__init__(PYTHON.make_linker(callback=self._run), optimizer, db=db)

    @property
    def function_maker(self) -> type:
        return _Maker

    def clone(
        self, link_kwargs: dict[str, Any] | None = None, optimizer: Any = "", **kwargs: Any
    ) -> "DebugMode":
        kwargs.setdefault("check_isfinite", self.check_isfinite)
        kwargs.setdefault("db", self.optdb)
        if isinstance(optimizer, str) and optimizer == "":
            optimizer = self._optimizer
        return type(self)(optimizer=optimizer, **kwargs)

    def _run(self, fgraph: FunctionGraph, i: int, node: Apply, run: Any) -> None:
        inputs = [cell[0] for cell in run.inputs]
        before = [v.copy() if isinstance(v, np.ndarray) else None for v in inputs]
        run()
        destroyed = {k for targets in node.op.destroy_map.values() for k in targets}
        for k, (old, new) in enumerate(zip(before, inputs, strict=True)):
            if k not in destroyed and old is not None and not _same_bits(old, new):
                raise BadDestroyMap(node, k, old, new, "perform")
        for o, (variable, (value,)) in enumerate(zip(node.outputs, run.outputs, strict=True)):
            self._check_value(variable, value)
            allowed = {
                *node.op.view_map.get(o, ()),
                *node.op.destroy_map.get(o, ()),
            }
            shared = [
                k
                for k, v in enumerate(inputs)
                if k not in allowed and variable.type.may_share_memory(value, v)
            ]
            # Inputs that are one buffer cannot be told apart.
            roots = [inputs[k] for k in allowed]
            if any(all(inputs[k] is not r for r in roots) for k in shared):
                raise BadViewMap(node, o, value, shared)

    def _check_value(self, variable: Variable, value: Any) -> None:
        if not variable.type.is_valid_value(value):
            raise InvalidValueError(variable, value, hint="perform")
        if (
            self.check_isfinite
            and isinstance(value, np.ndarray)
            and value.dtype.kind in "fc"
            and not np.isfinite(value).all()
            and not may_hold_anything(variable)
        ):
            raise InvalidValueError(variable, value, hint="perform", specific_hint="not finite")
