"""Are two expressions the same computation?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytensor.graph.basic import AtomicVariable, Constant, Variable

if TYPE_CHECKING:
    from pytensor.graph.type import Type

__all__ = ["equal_computations"]


def equal_computations(
    xs: list,
    ys: list,
    in_xs: list[Variable] | None = None,
    in_ys: list[Variable] | None = None,
    strict_dtype: bool = True,
) -> bool:
    """Tell whether two lists of expressions are the same computation, written twice.

    Parameters
    ----------
    xs, ys : list of Variable, array or None
    in_xs, in_ys : list of Variable, optional
        Inputs that correspond to one another; any other variable without owner corresponds to
        itself or, if it is a constant, to constants of equal value.
    strict_dtype : bool
        Demand equal dtypes of inputs, not only equal numbers of dimensions.
    """
    in_xs, in_ys = in_xs or [], in_ys or []
    if len(xs) != len(ys) or len(in_xs) != len(in_ys):
        raise ValueError(
            "[equal_computations] lists must have equal lengths, "
            f"got {len(xs)} and {len(ys)}, inputs {len(in_xs)} and {len(in_ys)}"
        )
    for x, y in zip(in_xs, in_ys):
        if x.type != y.type and (strict_dtype or not _same_but_dtype(x.type, y.type)):
            return False
    bound = dict(zip(in_xs, in_ys))
    bound_ys = set(in_ys)
    # Every pair that must be equal is on the worklist once. Nodes already paired are
    # assumed equal; a contradiction anywhere ends the comparison.
    work = list(zip(xs, ys))
    paired: set[tuple[int, int]] = set()
    while work:
        x, y = work.pop()
        if not isinstance(x, Variable) or not isinstance(y, Variable):
            if not _equal_values(x, y):
                return False
            continue
        if x in bound or y in bound_ys:
            if bound.get(x) is not y:
                return False
            continue
        if x is y and not bound:
            continue
        x_owner, y_owner = x.owner, y.owner
        if x_owner is None or y_owner is None:
            if x_owner is not y_owner or not _equal_leaves(x, y):
                return False
            continue
        if x.index != y.index:
            return False
        key = (id(x_owner), id(y_owner))
        if key in paired:
            continue
        if len(x_owner.inputs) != len(y_owner.inputs) or x_owner.op != y_owner.op:
            return False
        paired.add(key)
        work.extend(zip(x_owner.inputs, y_owner.inputs))
    return True


def _same_but_dtype(x: Type, y: Type) -> bool:
    """Tell whether two types agree in what is left when the dtype is not looked at."""
    if getattr(x, "dtype", None) is None or getattr(y, "dtype", None) is None:
        return False
    return type(x) is type(y) and getattr(x, "ndim", 0) == getattr(y, "ndim", 0)


def _equal_leaves(x: Variable, y: Variable) -> bool:
    if x is y:
        return True
    if isinstance(x, AtomicVariable):
        return bool(x.equals(y))
    return False


def _equal_values(x: Any, y: Any) -> bool:
    """Compare entries of which at least one is a plain value."""
    if x is None or y is None:
        return x is y
    if isinstance(x, Constant):
        x = x.data
    if isinstance(y, Constant):
        y = y.data
    if isinstance(x, Variable) or isinstance(y, Variable):
        return False
    if getattr(x, "dtype", None) != getattr(y, "dtype", None):
        return False
    if getattr(x, "shape", None) != getattr(y, "shape", None):
        return False
    same = x == y
    return bool(same.all()) if hasattr(same, "all") else bool(same)
