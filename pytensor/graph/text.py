"""Expressions as one line of text."""

from __future__ import annotations

from pytensor.graph.basic import Apply, Variable, nodes_in_order

__all__ = ["as_string", "default_node_formatter", "op_as_string"]


def default_node_formatter(op, argstrings: list[str]) -> str:
    """Return ``op(arg, arg)``."""
    return f"{op.op}({', '.join(argstrings)})"


def op_as_string(i, op, leaf_formatter=str, node_formatter=default_node_formatter) -> str:
    """Return a node with its direct inputs as text."""
    return node_formatter(op, [leaf_formatter(var) for var in op.inputs])


def as_string(
    inputs: list[Variable],
    outputs: list[Variable],
    leaf_formatter=str,
    node_formatter=default_node_formatter,
) -> list[str]:
    """Return each output as text; what is used more than once gets a number.

    Examples
    --------
    For ``y = add(x, x); z = mul(y, y)`` the text of ``z`` is ``*1 -> mul(add(x, x), *1)``-like:
    ``mul(*1 -> add(x, x), *1)``.
    """
    stop = set(inputs)
    order = nodes_in_order(outputs, stop)
    uses: dict[Apply, int] = {}
    for var in [*(v for node in order for v in node.inputs), *outputs]:
        if var.owner is not None and var not in stop:
            uses[var.owner] = uses.get(var.owner, 0) + 1
    # Reading from the left, the first mention of a shared node is where it is written out.
    numbers: dict[Apply, int] = {}
    defined_at: dict[Apply, tuple] = {}
    stack: list[tuple[tuple, Variable]] = [((None, i), var) for i, var in enumerate(outputs)][::-1]
    while stack:
        place, var = stack.pop()
        node = var.owner
        if node is None or var in stop or node in defined_at:
            continue
        defined_at[node] = place
        if uses[node] > 1:
            numbers[node] = len(numbers) + 1
        stack.extend([((node, i), v) for i, v in enumerate(node.inputs)][::-1])
    texts: dict[Apply, str] = {}

    def text_of(var: Variable, place: tuple) -> str:
        node = var.owner
        if node is None or var in stop:
            return leaf_formatter(var)
        which = f"::{var.index}" if len(node.outputs) > 1 else ""
        if node not in numbers:
            return texts[node] + which
        if defined_at[node] == place:
            return f"*{numbers[node]}{which} -> {texts[node]}"
        return f"*{numbers[node]}{which}"

    for node in order:
        arguments = [text_of(var, (node, i)) for i, var in enumerate(node.inputs)]
        texts[node] = node_formatter(node, arguments)
    return [text_of(var, (None, i)) for i, var in enumerate(outputs)]
