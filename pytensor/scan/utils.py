"""Small things around loops: `until`, and helpers that programs import from here."""

from collections.abc import Sequence
from typing import Any

from pytensor.graph.basic import Constant, Variable
from pytensor.graph.compare import equal_computations
from pytensor.graph.replace import clone_replace, graph_replace
from pytensor.graph.traversal import ancestors
from pytensor.scan.args import FieldInfo, ScanArgs, default_filter_scanargs
from pytensor.tensor.basic import AllocEmpty, as_tensor_variable
from pytensor.tensor.shape import shape
from pytensor.tensor.subtensor import set_subtensor

__all__ = [
    "FieldInfo",
    "InnerFunctionError",
    "ScanArgs",
    "Validator",
    "default_filter_scanargs",
    "expand_empty",
    "forced_replace",
    "reconstruct_graph",
    "safe_index",
    "safe_new",
    "until",
]


class InnerFunctionError(Exception):
    """The function of one step failed."""


class until:
    """What the function of one step returns to end the loop after a step.

    Parameters
    ----------
    condition : Variable
        A scalar: the loop ends after the first step for which it is true.

    Examples
    --------
    >>> import pytensor, pytensor.tensor as pt
    >>> from pytensor.scan.utils import until
    >>> powers = pytensor.scan(
    ...     lambda p: (2 * p, until(2 * p > 100)),
    ...     outputs_info=[pt.constant(1.0)], n_steps=1000, return_updates=False,
    ... )
    """

    def __init__(self, condition: Any) -> None:
        self.condition = as_tensor_variable(condition)
        if self.condition.type.ndim != 0:
            raise TypeError(f"[until] condition must be a scalar, got {self.condition.type}")


def safe_new(x: Variable, tag: str = "", dtype: Any = None) -> Variable:
    """Return a new variable like `x`, of another dtype if one is given, named after it."""
    name = f"{x.name}{tag}" if x.name else None
    type_ = x.type if dtype is None else x.type.clone(dtype=str(dtype))
    new = type_.make_variable() if isinstance(x, Constant) or dtype is not None else type_()
    new.name = name
    return new


def safe_index(lst: Sequence[Any], x: Any) -> int:
    """Return the position of `x` in a sequence, by identity."""
    for i, item in enumerate(lst):
        if item is x:
            return i
    raise ValueError(f"{x} is not in the list")


def expand_empty(tensor_var: Variable, size: Any) -> Variable:
    """Return an array that begins with `tensor_var` and has `size` uninitialized rows more."""
    if isinstance(size, int) and size == 0:
        return tensor_var
    lengths = _lengths(tensor_var)
    empty = AllocEmpty(tensor_var.type.dtype)(size + lengths[0], *lengths[1:])
    new = set_subtensor(empty[: lengths[0]], tensor_var)
    new.tag.nan_guard_mode_check = False
    return new


def _lengths(x: Variable) -> list[Any]:
    static = x.type.shape
    symbolic = shape(x) if None in static else None
    return [symbolic[i] if n is None else n for i, n in enumerate(static)]


def forced_replace(out: Variable, x: Variable, y: Variable) -> Variable:
    """Replace everything in `out` that computes what `x` computes by `y`."""
    if out is None:
        return None
    same = [
        v
        for v in ancestors([out])
        if v.owner is not None and v.type == x.type and equal_computations([v], [x])
    ]
    return graph_replace([out], {v: y for v in same}, strict=False)[0]


def reconstruct_graph(
    inputs: Sequence[Variable], outputs: Sequence[Variable], tag: str | None = None
) -> tuple[list[Variable], list[Variable]]:
    """Copy a graph with new inputs; return the inputs and outputs of the copy."""
    new = [safe_new(v, tag or "") for v in inputs]
    return new, clone_replace(list(outputs), dict(zip(inputs, new, strict=True)))


class Validator:
    """Tells whether expressions depend on nothing but given variables.

    Parameters
    ----------
    valid : sequence of Variable
        What may be depended on.
    invalid : sequence of Variable
        What may not.
    valid_equivalent : dict
        Variables to be taken for others.
    """

    def __init__(
        self,
        valid: Sequence[Variable] | None = None,
        invalid: Sequence[Variable] | None = None,
        valid_equivalent: dict[Variable, Variable] | None = None,
    ) -> None:
        self.valid_equivalent = dict(valid_equivalent or {})
        self.valid = set(valid or ()) | set(self.valid_equivalent.values())
        self.invalid = set(invalid or ()) | set(self.valid_equivalent)

    def check(self, out: Variable) -> tuple[Variable, bool] | None:
        """Return the variable to use for `out`, and whether it is `out` itself; None if invalid."""
        if out in self.valid_equivalent:
            return self.valid_equivalent[out], False
        if out in self.valid:
            return out, True
        if out in self.invalid:
            return None
        for var in ancestors([out], blockers=self.valid):
            if var in self.invalid:
                return None
            if var.owner is None and var not in self.valid and not isinstance(var, Constant):
                return None
        return out, True
