"""What the step of a loop takes from outside."""

from collections.abc import Collection, Sequence

from pytensor.graph.basic import Constant, Variable, nodes_in_order
from pytensor.graph.replace import clone_replace


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
