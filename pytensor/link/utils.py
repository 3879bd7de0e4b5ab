"""Helpers of the backends: errors that name the user's line."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple, NoReturn
from weakref import WeakKeyDictionary

import numpy as np

from pytensor.configdefaults import config
from pytensor.graph.basic import Apply, Constant, Variable
from pytensor.graph.fg import FunctionGraph
from pytensor.graph.utils import user_line
from pytensor.link.to_python import (
    compile_function_src,
    fgraph_to_python,
    get_name_for_object,
    unique_name_generator,
)
from pytensor.utils import late

__all__ = [
    "add_iteration",
    "add_to_message",
    "compile_function_src",
    "describe_value",
    "fgraph_to_python",
    "gc_helper",
    "get_name_for_object",
    "node_note",
    "raise_with_op",
    "unique_name_generator",
]

_MAX_OPERANDS = 6


_name_of = lru_cache(maxsize=64)(str)  # NumPy takes 5 microseconds for the name of a dtype


def describe_value(value: Any) -> str:
    """Return the type and shape of a value, in a few words."""
    if isinstance(value, np.ndarray):
        return f"{_name_of(value.dtype)} {value.shape}"
    if isinstance(value, np.generic):
        return f"{_name_of(value.dtype)} scalar"
    shape = getattr(value, "shape", None)
    return type(value).__name__ if shape is None else f"{type(value).__name__} {shape}"


def _operand_name(variable: Variable) -> str:
    if variable.name:
        return variable.name
    if isinstance(variable, Constant):
        text = str(variable)
        return text if len(text) <= 30 else "constant"
    if variable.owner is not None:
        return f"{variable.owner.op}.{variable.index}"
    return "input"


class _NodeText(NamedTuple):
    """What an error says about a node whatever its values are."""

    op: str
    operands: list[str]
    rest: list[str]


# Code that tries and catches should be quick: texts are made once.
_node_texts: WeakKeyDictionary[Apply, _NodeText] = WeakKeyDictionary()


def _text_of(node: Apply) -> _NodeText:
    text = _node_texts.get(node)
    if text is None:
        operands = [
            f"     {i}: {_shorten(_operand_name(variable), 60)}  {_shorten(str(variable.type))}"
            for i, variable in enumerate(node.inputs[:_MAX_OPERANDS])
        ]
        rest = []
        if len(node.inputs) > _MAX_OPERANDS:
            rest.append(f"     ... {len(node.inputs) - _MAX_OPERANDS} more operands")
        made = _line_of(node)
        if made:
            rest.append(f"  made at {made}")
        text = _node_texts[node] = _NodeText(f"  in {_shorten(str(node.op))}", operands, rest)
    return text


def node_note(node: Apply, values: Sequence[Any] | None = None) -> str:
    """Describe a node for an error: the op, its operands with actual shapes, the user's line."""
    text = _text_of(node)
    if values is None:
        operands = text.operands
    else:
        operands = [
            line if value is None else f"{line}, got {describe_value(value)}"
            for line, value in zip(text.operands, values, strict=False)
        ]
    return "\n".join([text.op, *operands, *text.rest])


def _shorten(text: str, width: int = 100) -> str:
    text = " ".join(text.split())
    return text if len(text) <= width else f"{text[: width - 4]} ..."


def _line_of(node: Apply) -> str:
    return next(filter(None, map(user_line, (node, *node.outputs))), "")


def _verbose_note(fgraph: FunctionGraph) -> str:
    # Only on request: printing looks at everything, and is above this layer.
    return late("pytensor.printing:debugprint")(fgraph, file="str", print_type=True)


def raise_with_op(
    fgraph: FunctionGraph,
    node: Apply,
    error: BaseException | None = None,
    values: Sequence[Any] | None = None,
    *,
    thunk: Any = None,
    exc_info: tuple | None = None,
    storage_map: dict[Variable, list[Any]] | None = None,
) -> NoReturn:
    """Raise `error` again, with the node, its operands and the user's line in the message.

    The exception keeps its class, its identity and its traceback. With
    ``config.exception_verbosity = "high"`` the graph is printed too; with ``"low"`` (the default)
    the message stays within fifteen lines.

    Parameters
    ----------
    fgraph : FunctionGraph
        The graph that was running.
    node : Apply
        The node that failed.
    error : BaseException
        What it raised.
    values : sequence, optional
        Values of the inputs of `node`.
    """
    if error is None:
        error = exc_info[1] if exc_info else None
    if error is None:
        raise RuntimeError("[raise_with_op] there is no exception to raise")
    if values is None and storage_map is not None:
        values = [storage_map.get(v, [None])[0] for v in node.inputs]
    # A function inside a function (Scan, OpFromGraph) described its own node already.
    if not hasattr(error, "pytensor_node") and isinstance(error, Exception):
        note = node_note(node, values)
        if config.exception_verbosity == "high":
            note = f"{note}\n{_verbose_note(fgraph)}"
        add_to_message(error, note)
        error.pytensor_node = node  # type: ignore[attr-defined]
    raise error


def add_iteration(error: BaseException, number: int) -> None:
    """Say in which step of a loop something failed; of loops in loops it is the innermost one's."""
    if isinstance(error, Exception) and not hasattr(error, "pytensor_iteration"):
        add_to_message(error, f"  at step {number} of the loop")
        error.pytensor_iteration = number  # type: ignore[attr-defined]


def add_to_message(error: Exception, note: str) -> None:
    """Append `note` to what ``str(error)`` shows, or as a note where the class formats itself."""
    args = error.args
    plain = type(error).__str__ in (Exception.__str__, BaseException.__str__)
    if plain and len(args) == 1 and isinstance(args[0], str):
        error.args = (f"{args[0].rstrip()}\n{note}",)
    elif plain and not args:
        error.args = (note.strip(),)
    else:
        error.add_note(note)


def gc_helper(node_list: Sequence[Apply]) -> tuple[set[Variable], dict[Variable, Apply]]:
    """Return the variables some node computes, and the last node that reads each variable."""
    computed = {output for node in node_list for output in node.outputs}
    last_user = {variable: node for node in node_list for variable in node.inputs}
    return computed, last_user
