"""Expressions as pictures: `pydotprint`."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from pytensor.graph.basic import Apply, Constant, Variable
from pytensor.graph.fg import FunctionGraph
from pytensor.graph.traversal import io_toposort
from pytensor.utils import late

__all__ = ["default_colorCodes", "pydot_imported", "pydotprint"]

default_colorCodes = {
    "Gemm": "lightblue",
    "Gemv": "lightblue",
    "Ger": "lightblue",
    "Dot": "lightblue",
    "BatchedDot": "lightblue",
    "Elemwise": "#FFAABB",
    "Subtensor": "#FFAAFF",
    "Alloc": "#AA22FF",
    "IfElse": "magenta",
    "Scan": "yellow",
    "Shape": "brown",
    "Output": "lightblue",
}

pydot_imported = importlib.util.find_spec("pydot") is not None


def _graph_of(fct) -> tuple[list[Apply], list[Variable]]:
    """Return nodes in order and outputs of whatever `pydotprint` was given."""
    maker = getattr(fct, "maker", None)
    graph = maker.fgraph if maker is not None else fct
    if isinstance(graph, FunctionGraph):
        return graph.toposort(), list(graph.outputs)
    if isinstance(graph, Apply):
        outputs = list(graph.outputs)
    elif isinstance(graph, Variable):
        outputs = [graph]
    else:
        outputs = list(graph)
    return io_toposort([], outputs), outputs


def _quoted(text: str, limit: int) -> str:
    if len(text) > limit:
        text = text[: limit - 3] + "..."
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def dot_text(
    fct,
    with_ids: bool = False,
    colorCodes: dict | None = None,
    max_label_size: int = 70,
    var_with_name_simple: bool = False,
) -> str:
    """Return a graph in the DOT language; arguments as in `pydotprint`.

    Examples
    --------
    >>> x = pt.vector("x")
    >>> dot_text(pt.exp(x)).splitlines()[0]
    'digraph {'
    """
    nodes, outputs = _graph_of(fct)
    colors = default_colorCodes if colorCodes is None else colorCodes
    names: dict[Any, str] = {}
    lines = ["digraph {", "  rankdir=TB;", "  node [fontsize=10];"]

    def add(thing, label: str, **style) -> str:
        name = names[thing] = f"n{len(names)}"
        text = f"{label} id={len(names)}" if with_ids else label
        extra = "".join(f", {k}={_quoted(v, 200)}" for k, v in style.items())
        lines.append(f"  {name} [label={_quoted(text, max_label_size)}{extra}];")
        return name

    def leaf(var: Variable) -> str:
        if var in names:
            return names[var]
        if var.name is None:
            label = str(var)
        else:
            label = var.name if var_with_name_simple else f"{var} {var.type}"
        kind = "lightgray" if isinstance(var, Constant) else "green"
        return add(var, label, shape="box", style="filled", fillcolor=kind)

    def source(var: Variable) -> str:
        return leaf(var) if var.owner is None else names[var.owner]

    def edge(start: str, end: str, label: str) -> None:
        lines.append(f"  {start} -> {end} [label={_quoted(label, max_label_size)}];")

    for node in nodes:
        color = next((c for k, c in colors.items() if k in type(node.op).__name__), "white")
        add(node, str(node.op), shape="ellipse", style="filled", fillcolor=color)
        for i, var in enumerate(node.inputs):
            number = f"{i} " if len(node.inputs) > 1 else ""
            edge(source(var), names[node], f"{number}{var.type}")
    for i, var in enumerate(outputs):
        start = source(var)
        label = var.name or f"output {i}"
        end = add(("output", i), label, shape="box", style="filled", fillcolor="lightblue")
        edge(start, end, str(var.type))
    lines.append("}")
    return "\n".join(lines) + "\n"


def pydotprint(
    fct,
    outfile: Path | str | None = None,
    compact: bool = True,
    format: str = "png",
    with_ids: bool = False,
    high_contrast: bool = True,
    cond_highlight=None,
    colorCodes: dict | None = None,
    max_label_size: int = 70,
    scan_graphs: bool = False,
    var_with_name_simple: bool = False,
    print_output_file: bool = True,
    return_image: bool = False,
):
    """Draw a graph to a file. Formats other than "dot" need ``pydot`` and Graphviz.

    Parameters
    ----------
    fct : Function, FunctionGraph, Variable, Apply, or a sequence of variables
    outfile : path, optional
        ``pytensor.<format>`` in the working directory if None.
    format : str
        "dot" for text, or what Graphviz draws: "png", "svg", "pdf" ...
    with_ids : bool
        Number the nodes.
    colorCodes : dict, optional
        Maps parts of names of Op classes to colors.
    max_label_size : int
        Longer labels are cut.
    var_with_name_simple : bool
        Show only the name of variables that have one.
    print_output_file : bool
        Say where the file is.
    return_image : bool
        Return the bytes of the image instead of writing a file.
    compact, high_contrast, cond_highlight, scan_graphs
        Accepted for compatibility: there is one style.

    Raises
    ------
    RuntimeError
        If ``pydot`` is needed but missing.

    Examples
    --------
    >>> x = pt.vector("x")
    >>> import tempfile
    >>> with tempfile.NamedTemporaryFile(suffix=".dot") as file:
    ...     pydotprint(pt.exp(x), file.name, format="dot", print_output_file=False)
    ...     file.read()[:9]
    b'digraph {'
    """
    text = dot_text(fct, with_ids, colorCodes, max_label_size, var_with_name_simple)
    if format == "dot":
        image = text.encode()
    elif pydot_imported:
        image = late("pydot:graph_from_dot_data")(text)[0].create(format=format)
    else:
        raise RuntimeError(
            f"[pydotprint] format {format!r} must have pydot and Graphviz installed; "
            "format='dot' needs neither"
        )
    if return_image:
        return image
    path = Path(f"pytensor.{format}" if outfile is None else outfile)
    path.write_bytes(image)
    if print_output_file:
        print(f"The output file is available at {path}")
    return None
