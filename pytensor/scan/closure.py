"""What the step of a loop takes from outside."""

from collections.abc import Callable, Collection, Mapping, Sequence, ValuesView
from types import CellType
from typing import Any

from pytensor.conditional.op import IfElse
from pytensor.graph.basic import Apply, Constant, Variable, nodes_in_order
from pytensor.graph.replace import clone_replace
from pytensor.raise_op import CheckAndRaise
from pytensor.tensor.basic import AllocEmpty
from pytensor.tensor.math import Argmax, Max, Min, gt
from pytensor.tensor.shape import SpecifyShape
from pytensor.tensor.subtensor import AdvancedSubtensor, Subtensor, indices_from_subtensor
from pytensor.tensor.type import TensorType


def close_over(
    outputs: Sequence[Variable], varying: Collection[Variable]
) -> tuple[list[Variable], list[Variable], list[Variable]]:
    """Find what a step uses but doesn't change, and make it an input of the step.

    Everything that depends on none of the `varying` variables is the same at each step: the
    largest such expressions stay outside of the loop and are computed once. Constants stay inside,
    where rewrites can see them.

    Parameters
    ----------
    outputs : sequence of Variable
        What a step computes.
    varying : collection of Variable
        Inputs of the step that differ from step to step.

    Returns
    -------
    outer, inner : list of Variable
        Expressions outside of the loop, and the inputs of the step that stand for them.
    outputs : list of Variable
        The outputs in terms of `varying` and `inner`.
    """
    depends: set[Variable] = set(varying)
    constant: set[Variable] = set()
    outer: dict[Variable, Variable] = {}

    def use(var: Variable) -> None:
        if var not in depends and var not in constant and not isinstance(var, Constant):
            if var not in outer:
                outer[var] = placeholder(var)

    for node in nodes_in_order(outputs, depends):
        if any(v in depends for v in node.inputs):
            depends.update(node.outputs)
            for var in node.inputs:
                use(var)
        elif all(isinstance(v, Constant) or v in constant for v in node.inputs):
            constant.update(node.outputs)
    for var in outputs:
        use(var)
    return list(outer), list(outer.values()), clone_replace(list(outputs), outer)


def placeholder(var: Variable, suffix: str = "") -> Variable:
    """Return a new variable of the type of `var`."""
    new = var.type.make_variable()
    new.name = f"{var.name}{suffix}" if var.name else None
    return new


def lazy_where_it_may_fail(
    outer: Sequence[Variable], steps: Variable, given: Collection[Variable]
) -> list[Variable]:
    """Return what a step takes from outside, not computed if it may fail and there is no step.

    Parameters
    ----------
    outer : sequence of Variable
        Expressions outside of the loop.
    steps : Variable
        The number of steps.
    given : collection of Variable
        What the user computed before the loop: it is computed in any case.
    """
    if isinstance(steps, Constant) and int(steps.data) > 0:
        return list(outer)
    known = set(given)
    guarded = [
        v
        for v in outer
        if v.owner is not None
        and v not in known
        and isinstance(v.type, TensorType)
        and any(_may_fail(node) for node in nodes_in_order([v], known))
    ]
    if not guarded:
        return list(outer)
    nothing = [AllocEmpty(v.type.dtype)(*(n or 0 for n in v.type.shape)) for v in guarded]
    chosen = IfElse(len(guarded))(gt(steps, 0), *guarded, *nothing, return_list=True)
    lazy = {v: v.type.filter_variable(new) for v, new in zip(guarded, chosen, strict=True)}
    return [lazy.get(v, v) for v in outer]


def closed_over(fn: Callable) -> list[Variable]:
    """Return the variables a function sees by name: they were made before it is called."""
    code = getattr(fn, "__code__", None)
    if code is None:
        return []
    cells = [_content(cell) for cell in fn.__closure__ or ()]
    names = fn.__globals__
    values = [*cells, *(names[name] for name in code.co_names if name in names)]
    values += [*(fn.__defaults__ or ()), *(fn.__kwdefaults__ or {}).values()]
    found = []
    for value in values:
        several = value.values() if isinstance(value, Mapping) else value
        found += several if isinstance(several, list | tuple | ValuesView) else [value]
    return [v for v in found if isinstance(v, Variable)]


def _content(cell: CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # a name that is bound later
        return None


_LINALG = ("pytensor.tensor.linalg", "pytensor.tensor.slinalg", "pytensor.tensor.nlinalg")


def _may_fail(node: Apply) -> bool:
    """Tell whether a node refuses values: singular matrices, checks, indices out of range, nothing.

    Not shapes that do not fit one another: guards around all arithmetic cost more than they help.
    """
    op = getattr(node.op, "core_op", node.op)
    if isinstance(op, CheckAndRaise | SpecifyShape | AdvancedSubtensor | Max | Min | Argmax):
        return True
    return may_miss(node) or type(op).__module__.startswith(_LINALG)


def may_miss(node: Apply) -> bool:
    """Tell whether a node takes single elements that may not be there."""
    if not isinstance(node.op, Subtensor):
        return False
    index = indices_from_subtensor(node.inputs[1:], node.op.idx_list)
    return any(
        not isinstance(i, slice) and not _in_range(i, n)
        for i, n in zip(index, node.inputs[0].type.shape)
    )


def _in_range(index: Any, length: int | None) -> bool:
    at = int(index.data) if isinstance(index, Constant) else index
    return isinstance(at, int) and length is not None and -length <= at < length
