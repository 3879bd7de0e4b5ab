"""Pictures of graphs in the DOT language, and as objects of ``pydot``."""

from __future__ import annotations

from typing import Any

from pytensor.d3viz.model import APPLY_COLORS, NODE_COLORS, SHAPES, graph_model
from pytensor.utils import late

__all__ = ["PyDotFormatter", "dot_text"]

_EDGES = {"": "black", "view": "blue", "destroy": "red"}


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def dot_text(model: dict[str, list], shapes: dict[str, str] = SHAPES) -> str:
    """Return a model of a graph as DOT; a graph inside a node is a cluster."""
    lines = ["digraph {", "  rankdir=TB;"]
    _write(model, shapes, "n", lines, "  ")
    return "\n".join([*lines, "}"]) + "\n"


def _write(model, shapes, prefix: str, lines: list[str], indent: str) -> None:
    for i, node in enumerate(model["nodes"]):
        style = {
            "label": node["label"], "shape": shapes[node["kind"]], "style": "filled",
            "fillcolor": node["color"], "tooltip": "\n".join(node["about"]),
        }  # fmt: skip
        written = ", ".join(f"{k}={_quoted(v)}" for k, v in style.items())
        lines.append(f"{indent}{prefix}{i} [{written}];")
        if "inner" in node:
            lines.append(f"{indent}subgraph cluster_{prefix}{i} {{")
            lines.append(f"{indent}  label={_quoted(node['label'])};")
            _write(node["inner"], shapes, f"{prefix}{i}_", lines, indent + "  ")
            lines.append(f"{indent}}}")
    for e in model["edges"]:
        written = f"label={_quoted(e['label'])}, color={_quoted(_EDGES[e['style']])}"
        lines.append(f"{indent}{prefix}{e['from']} -> {prefix}{e['to']} [{written}];")


class PyDotFormatter:
    """Makes ``pydot`` graphs.

    Parameters
    ----------
    compact : bool
        Leave out intermediate variables that have no name.

    Attributes
    ----------
    node_colors : dict
        Colors of kinds of variables.
    apply_colors : dict
        Colors of operations, by a part of the name of their class.
    shapes : dict
        Shapes of kinds of nodes.
    """

    def __init__(self, compact: bool = True):
        self.compact = compact
        self.node_colors = dict(NODE_COLORS)
        self.apply_colors = dict(APPLY_COLORS)
        self.shapes = dict(SHAPES)

    def model(self, fct) -> dict[str, list]:
        """Return nodes and edges as lists of dictionaries."""
        return graph_model(fct, self.compact, self.node_colors, self.apply_colors)

    def text(self, fct) -> str:
        """Return the graph in the DOT language."""
        return dot_text(self.model(fct), self.shapes)

    def __call__(self, fct, graph: Any = None):
        """Return a ``pydot.Dot``; added to `graph`, if there is one.

        Raises
        ------
        ImportError
            If ``pydot`` is not installed; `text` does not need it.
        """
        try:
            [made] = late("pydot:graph_from_dot_data")(self.text(fct))
        except ImportError as error:
            raise ImportError(
                "[PyDotFormatter] pydot must be installed; `text` does without"
            ) from error
        if graph is None:
            return made
        for node in made.get_node_list():
            graph.add_node(node)
        for edge in made.get_edge_list():
            graph.add_edge(edge)
        for inner in made.get_subgraph_list():
            graph.add_subgraph(inner)
        return graph
