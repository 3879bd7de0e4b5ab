"""Expressions as trees of text: `debugprint`."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from io import StringIO
from typing import Any, Literal, NamedTuple, TextIO

from pytensor.graph.basic import Apply, Constant, NominalVariable, Variable
from pytensor.graph.fg import AbstractFunctionGraph, FunctionGraph, Output
from pytensor.graph.op import HasMultipleInnerGraph, Op
from pytensor.graph.utils import CycleError

IDTypes = Literal["id", "int", "CHAR", "auto", ""]

__all__ = ["char_from_number", "debugprint", "get_node_by_id", "op_debug_information"]


def char_from_number(number: int) -> str:
    """Return a number written with the digits A to Z: A, B, ..., Z, BA, BB, ...

    Examples
    --------
    >>> char_from_number(0), char_from_number(25), char_from_number(26)
    ('A', 'Z', 'BA')
    """
    digits = ""
    while True:
        number, digit = divmod(number, 26)
        digits = chr(ord("A") + digit) + digits
        if not number:
            return digits


def op_debug_information(op: Op, node: Apply) -> dict[Apply, dict[Variable, str]]:
    """Return notes an Op has about the inputs and outputs of a node and its inner graph.

    An Op takes part by a method ``debug_information(node)`` that returns such a mapping.

    Examples
    --------
    >>> op_debug_information(pt.exp, pt.exp(pt.vector("x")).owner)
    {}
    """
    notes = getattr(op, "debug_information", None)
    return notes(node) if notes is not None else {}


class _Root(NamedTuple):
    """Something to print, and what is known about it."""

    var: Variable
    order: dict[Apply, int]
    storage: dict | None
    profile: Any


class _Frame(NamedTuple):
    """A variable about to be printed, and what stands to the left of it."""

    var: Variable
    first: str
    rest: str
    depth: int
    parent: Apply | None = None


@dataclass
class _Printer:
    """Options, and what has been printed so far."""

    depth: int
    print_type: bool
    print_shape: bool
    id_type: IDTypes
    stop_on_name: bool
    print_destroy_map: bool
    print_view_map: bool
    print_op_info: bool
    done: dict
    used_ids: dict
    info: dict = field(default_factory=dict)
    inner: list[Apply] = field(default_factory=list)
    inner_to_outer: dict[Variable, Variable] = field(default_factory=dict)

    def id_of(self, thing: Variable | Apply | str, var: Variable | None = None) -> str:
        """Return the id of a node or leaf in brackets, made up at first use."""
        if self.id_type == "":
            return ""
        known = self.used_ids.get(thing)
        if known is None:
            if self.id_type == "CHAR":
                text = char_from_number(len(self.used_ids))
            elif self.id_type == "int":
                text = str(len(self.used_ids))
            elif self.id_type == "id":
                text = str(id(thing))
            elif self.id_type == "auto":
                text = str(getattr(var, "auto_name", id(thing)))
            else:
                raise ValueError(
                    f"[debugprint] id_type must be 'id', 'int', 'CHAR', 'auto' or '', "
                    f"got {self.id_type!r}"
                )
            known = self.used_ids[thing] = f"[id {text}]"
        return known

    def label(self, var: Variable, root: _Root, parent: Apply | None, header: bool) -> str:
        """Return everything said about a variable in its line."""
        node = var.owner
        if node is None:
            thing: Any = var
            if isinstance(var, NominalVariable) and var.name is None:
                text = f"i{var.id}"
            else:
                text = str(var)
        else:
            text = f"{node.op}"
            if len(node.outputs) > 1 and not header:
                text += f".{var.index}"
            thing = node
        parts = [text, self.id_of(thing, var)]
        if self.print_type and not header:
            parts.append(f"<{var.type}>")
        if self.print_shape and not header:
            shape = getattr(var.type, "shape", None)
            if shape is not None:
                parts.append(f"shape={_shape_text(shape)}")
        if node is not None and var.name and not header:
            parts.append(f"'{var.name}'")
        if node is not None and self.print_destroy_map and node.op.destroy_map:
            parts.append(f"d={node.op.destroy_map}")
        if node is not None and self.print_view_map and node.op.view_map:
            parts.append(f"v={node.op.view_map}")
        if node in root.order and not header:
            parts.append(str(root.order[node]))
        outer = self.inner_to_outer.get(var)
        if outer is not None:
            parts.append(f"-> {self.id_of(outer.owner or outer, outer)}")
        note = self.info.get(parent, {}).get(var) or self.info.get(node, {}).get(var)
        if note:
            parts.append(f"({note})")
        if root.storage is not None and var in root.storage:
            parts.append(_storage_text(root.storage[var]))
        return " ".join(part for part in parts if part)

    def lines(self, root: _Root, first: str = "", rest: str = "") -> Iterator[str]:
        """Yield the lines of the tree below a variable."""
        stack = [_Frame(root.var, first, rest, self.depth)]
        while stack:
            var, first, rest, depth, parent = stack.pop()
            if depth == 0:
                continue
            node = var.owner
            if node is not None and self.print_op_info and node not in self.info:
                self.info.update(op_debug_information(node.op, node))
                self.info.setdefault(node, {})
            yield first + self.label(var, root, parent, False) + _profile_text(node, root.profile)
            if node is None or (self.stop_on_name and var.name is not None):
                continue
            if node in self.done:
                if node.inputs and depth != 1:
                    yield rest + " └─ ···"
                continue
            self.done[node] = self.used_ids.get(node, "")
            if inner_graphs(node.op) and node not in self.inner:
                self.inner.append(node)
            last = len(node.inputs) - 1
            children = [
                _Frame(
                    child,
                    rest + (" └─ " if i == last else " ├─ "),
                    rest + ("   " if i == last else " │ "),
                    depth - 1,
                    node,
                )
                for i, child in enumerate(node.inputs)
            ]
            stack.extend(reversed(children))

    def inner_lines(self, print_inputs: bool) -> Iterator[str]:
        """Yield the inner graphs of the nodes printed, and of the nodes in those."""
        yield ""
        yield "Inner graphs:"
        k = 0
        while k < len(self.inner):
            node = self.inner[k]
            k += 1
            bare = _Root(node.outputs[0], {}, None, None)
            yield ""
            yield self.label(node.outputs[0], bare, None, True)
            op = op_with_inner_graph(node.op)
            for graph in inner_graphs(node.op):
                self.inner_to_outer = _outer_inputs(op, graph, node)
                if print_inputs:
                    for var in graph.inputs:
                        yield " → " + self.label(var, _Root(var, {}, None, None), node, False)
                for out in graph.outputs:
                    yield from self.lines(_Root(out, {}, None, None), " ← ", "   ")
            self.inner_to_outer = {}


def _storage_text(cell: Any, width: int = 60) -> str:
    """Return what a cell holds on one line."""
    text = " ".join(str(cell).split())
    return text if len(text) <= width else f"{text[: width - 4]} ...{text[-1]}"


def _shape_text(shape: Sequence) -> str:
    parts = ["?" if n is None else str(n) for n in shape]
    return f"({', '.join(parts)}{',' if len(parts) == 1 else ''})"


def _profile_text(node: Apply | None, profile) -> str:
    """Return the share of the run time of a node, when a profile knows it."""
    times = getattr(profile, "apply_time", None)
    if node is None or not times:
        return ""
    total = sum(times.values()) or 1.0
    for key, seconds in times.items():
        if (key[1] if isinstance(key, tuple) else key) is node:
            return f" --> {seconds:.2e}s {100 * seconds / total:.1f}%"
    return ""


def op_with_inner_graph(op: Op) -> Op:
    """Return the Op that holds a graph: the Op itself, or the one it applies elementwise."""
    for name in ("scalar_op", "core_op"):
        inner = getattr(op, name, None)
        if inner is not None and not isinstance(op, HasMultipleInnerGraph):
            return op_with_inner_graph(inner)
    return op


def written_out(op: Op) -> bool:
    """Tell whether the text of an Op says all that its inner graph would."""
    return getattr(op_with_inner_graph(op), "written_out", False)


def inner_graphs(op: Op) -> list:
    """Return the graphs inside an Op, if any."""
    op = op_with_inner_graph(op)
    if isinstance(op, HasMultipleInnerGraph):
        return list(op.inner_graphs)
    return []


def _outer_inputs(op: Op, graph, node: Apply) -> dict[Variable, Variable]:
    """Map the inputs of an inner graph to the inputs of the node, where the Op tells how."""
    if op is not node.op:
        return {}
    mappings = getattr(op, "get_oinp_iinp_iout_oout_mappings", None)
    if mappings is not None:
        table = mappings()["outer_inp_from_inner_inp"]
        return {graph.inputs[i]: node.inputs[o] for i, o in table.items() if o >= 0}
    if len(graph.inputs) == len(node.inputs):
        return dict(zip(graph.inputs, node.inputs))
    return {}


def _numbers(graph) -> dict[Apply, int]:
    """Return the place of each node in the order, and nothing for a graph that goes in a circle."""
    try:
        return {node: i for i, node in enumerate(graph.toposort())}
    except CycleError:
        return {}


def _roots(graph_like, print_storage: bool) -> list[_Root]:
    """Return what to print for whatever `debugprint` was given."""
    if isinstance(graph_like, list | tuple | set):
        return [root for item in graph_like for root in _roots(item, print_storage)]
    if isinstance(graph_like, Variable):
        return [_Root(graph_like, {}, None, None)]
    if isinstance(graph_like, Apply):
        if isinstance(graph_like.op, Output):
            return [_Root(graph_like.inputs[0], {}, None, None)]
        return [_Root(out, {}, None, None) for out in graph_like.outputs]
    if isinstance(graph_like, AbstractFunctionGraph):
        order = _numbers(graph_like)
        storage = getattr(graph_like, "storage_map", None) if print_storage else None
        return [_Root(out, order, storage, None) for out in graph_like.outputs]
    maker = getattr(graph_like, "maker", None)
    if maker is not None:
        return _roots_of_function(graph_like, maker.fgraph, print_storage)
    raise TypeError(
        "[debugprint] graph must be a variable, node, FunctionGraph or function, "
        f"got {graph_like!r} of type {type(graph_like).__name__}"
    )


def _roots_of_function(function, fgraph: FunctionGraph, print_storage: bool) -> list[_Root]:
    order = _numbers(fgraph)
    storage = None
    if print_storage:
        storage = dict(getattr(getattr(function, "vm", None), "storage_map", None) or {})
        for var in [*fgraph.inputs, *fgraph.variables]:
            if isinstance(var, Constant):
                storage.setdefault(var, [var.data])
            elif getattr(var, "container", None) is not None:
                storage.setdefault(var, var.container.storage)
    profile = getattr(function, "profile", None)
    return [_Root(out, order, storage, profile) for out in fgraph.outputs]


def _graph_inputs(graph_like) -> list[Variable]:
    """Return the inputs of the graphs and functions given."""
    if isinstance(graph_like, list | tuple | set):
        return [var for item in graph_like for var in _graph_inputs(item)]
    maker = getattr(graph_like, "maker", None)
    graph = maker.fgraph if maker is not None else graph_like
    return list(graph.inputs) if isinstance(graph, AbstractFunctionGraph) else []


def debugprint(
    graph_like,
    depth: int = -1,
    print_type: bool = False,
    print_shape: bool = False,
    file: Literal["str"] | TextIO | None = None,
    id_type: IDTypes = "CHAR",
    stop_on_name: bool = False,
    done: dict | None = None,
    print_storage: bool = False,
    used_ids: dict | None = None,
    print_op_info: bool = False,
    print_destroy_map: bool = False,
    print_view_map: bool = False,
    print_memory_map: bool = False,
    print_inner_graphs: bool | Literal["auto"] = "auto",
    print_fgraph_inputs: bool = False,
    print_assumptions: bool = False,
) -> str | TextIO:
    """Print an expression, a graph or a compiled function as a tree.

    Parameters
    ----------
    graph_like : Variable, Apply, FunctionGraph, Function, or a sequence of these
    depth : int
        Levels to print; -1 for all.
    print_type, print_shape : bool
        Add the type, or the static shape, of each variable.
    file : file or "str", optional
        Where to print; "str" returns the text, None prints to the standard output.
    id_type : {"CHAR", "int", "id", "auto", ""}
        How a node is identified: letters, numbers, its address, its ``auto_name``, or not.
    stop_on_name : bool
        Don't go behind variables that have a name.
    done, used_ids : dict, optional
        Nodes printed in full, and ids given, by earlier calls; extended.
    print_storage : bool
        Add values held by constants, shared variables and the function's storage.
    print_op_info : bool
        Add what Ops say about their inputs, for example Scan.
    print_destroy_map, print_view_map, print_memory_map : bool
        Add which inputs are overwritten (``d=``), shared as views (``v=``), or both.
    print_inner_graphs : bool or "auto"
        Print the graphs inside Ops, below the tree. By default those that the Op's own text does
        not write out already, as ``Composite{i0 + 2 * i1}`` does.
    print_fgraph_inputs : bool
        Print the inputs of graphs first, also unused ones.
    print_assumptions : bool
        Accepted for compatibility; variables carry no assumptions.

    Returns
    -------
    str or file
        The text if ``file="str"``, else the file.

    Notes
    -----
    Numbers at the end of lines give the place of a node in the order of computation.
    ``···`` stands for what was printed before.

    Examples
    --------
    >>> x = pt.vector("x")
    >>> print(debugprint(pt.exp(x) + 1, file="str"))
    Add [id A]
     ├─ Exp [id B]
     │  └─ x [id C]
     └─ [1] [id D]
    """
    if not isinstance(depth, int):
        raise TypeError(f"[debugprint] depth must be an integer, got {depth!r}")
    printer = _Printer(
        depth=depth,
        print_type=print_type,
        print_shape=print_shape,
        id_type=id_type,
        stop_on_name=stop_on_name,
        print_destroy_map=print_destroy_map or print_memory_map,
        print_view_map=print_view_map or print_memory_map,
        print_op_info=print_op_info,
        done={} if done is None else done,
        used_ids={} if used_ids is None else used_ids,
    )
    out: TextIO = StringIO() if file == "str" else (sys.stdout if file is None else file)
    if print_fgraph_inputs:
        for var in _graph_inputs(graph_like):
            print("→ " + printer.label(var, _Root(var, {}, None, None), None, False), file=out)
    for root in _roots(graph_like, print_storage):
        for line in printer.lines(root):
            print(line, file=out)
    if print_inner_graphs == "auto":
        printer.inner = [node for node in printer.inner if not written_out(node.op)]
    if printer.inner and print_inner_graphs:
        for line in printer.inner_lines(print_fgraph_inputs):
            print(line, file=out)
    if file == "str":
        return out.getvalue()  # type: ignore[attr-defined]
    out.flush()
    return out


def get_node_by_id(graphs, target_var_id: str, id_types: IDTypes = "CHAR"):
    """Return the variable or node that `debugprint` gives an id, or None.

    Examples
    --------
    >>> x = pt.vector("x")
    >>> get_node_by_id(pt.exp(x) + 1, "B")  # marked [id B] in `debugprint`
    Exp(x)
    """
    used_ids: dict = {}
    debugprint(graphs, file="str", id_type=id_types, used_ids=used_ids)
    wanted = f"[id {target_var_id}]"
    return next((thing for thing, text in used_ids.items() if text == wanted), None)
