"""What a picture of a graph shows: nodes with places, edges, and the graphs inside nodes."""

from __future__ import annotations

from typing import Any

from pytensor.graph.basic import Apply, Constant, Variable
from pytensor.graph.fg import FunctionGraph
from pytensor.graph.op import HasInnerGraph
from pytensor.graph.traversal import io_toposort
from pytensor.graph.utils import user_line
from pytensor.utils import late

__all__ = ["APPLY_COLORS", "NODE_COLORS", "SHAPES", "graph_model"]

# Kinds of variables, and of operations by a part of the name of their class.
NODE_COLORS = {
    "input": "#9fd8a0", "constant": "#d9d9d9", "shared": "#f4d58d", "output": "#9cc4e4",
    "variable": "#ffffff", "apply": "#f2f2f2",
}  # fmt: skip
APPLY_COLORS = {
    "Gemm": "#c9b6e4", "Gemv": "#c9b6e4", "Ger": "#c9b6e4", "Dot": "#c9b6e4", "Elemwise": "#f7c7c0",
    "CAReduce": "#f9dfb0", "Sum": "#f9dfb0", "Subtensor": "#cfe8d5", "Alloc": "#b9d8e8",
    "IfElse": "#f3b6da", "Scan": "#ffe98a", "OpFromGraph": "#ffe98a", "Shape": "#d8c8b0",
}  # fmt: skip
SHAPES = {"apply": "ellipse", "input": "box", "output": "box", "constant": "box", "shared": "box",
          "variable": "box"}  # fmt: skip
WIDTH, HEIGHT, LONGEST_LABEL = 150, 90, 22


def _graph_of(fct) -> tuple[list[Apply], list[Variable], dict[Apply, float]]:
    """Return nodes in order, outputs, and the seconds that a profiled function spent in each node."""
    maker = getattr(fct, "maker", None)
    graph = maker.fgraph if maker is not None else fct
    profile = getattr(fct, "profile", None)
    times = {n: t for (_, n), t in profile.apply_time.items()} if profile else {}
    if isinstance(graph, FunctionGraph) or hasattr(graph, "toposort"):
        return list(graph.toposort()), list(graph.outputs), times
    if isinstance(graph, Apply):
        outputs = list(graph.outputs)
    elif isinstance(graph, Variable):
        outputs = [graph]
    else:
        outputs = list(graph)
    if not all(isinstance(v, Variable) for v in outputs):
        raise TypeError(
            f"[d3viz] fct must be a function, graph or variables, got {type(fct).__name__}"
        )
    return list(io_toposort([], outputs)), outputs, times


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_LABEL else text[: LONGEST_LABEL - 1] + "…"


class _Model:
    """Collects the nodes and edges of one graph."""

    def __init__(self, compact: bool, colors: dict[str, str], apply_colors: dict[str, str]):
        self.compact, self.colors, self.apply_colors = compact, colors, apply_colors
        self.nodes: list[dict[str, Any]] = []
        self.edges: list[dict[str, Any]] = []
        self.of: dict[Any, int] = {}

    def add(self, thing, kind: str, label: str, about: list[str], color: str | None = None) -> int:
        number = self.of[thing] = len(self.nodes)
        about = [line for line in about if line]
        fill = color or self.colors[kind]
        self.nodes.append(
            {"kind": kind, "label": _short(label), "about": about, "color": fill, "level": 0}
        )
        return number

    def link(self, start: int, end: int, label: str, style: str = "") -> None:
        self.edges.append({"from": start, "to": end, "label": label, "style": style})

    def leaf(self, v: Variable) -> int:
        if v in self.of:
            return self.of[v]
        shared = late("pytensor.compile.sharedvalue:SharedVariable")
        kind = (
            "constant"
            if isinstance(v, Constant)
            else "shared"
            if isinstance(v, shared)
            else "input"
        )
        label = v.name or (str(v) if kind == "constant" else str(v.type))
        return self.add(v, kind, label, [str(v), str(v.type), user_line(v)])

    def source(self, v: Variable) -> int:
        """The node an edge of `v` starts from."""
        if v.owner is None or (v in self.of):
            return self.leaf(v)
        return self.of[v.owner]

    def apply(self, node: Apply, time: float | None) -> None:
        op = node.op
        name = type(op).__name__
        color = next((c for part, c in self.apply_colors.items() if part in name), None)
        about = [
            str(op),
            *(f"out {i}: {v.type}" for i, v in enumerate(node.outputs)),
            user_line(node),
        ]
        if time is not None:
            about.append(f"{time:.3g} s")
        number = self.add(node, "apply", str(op), about, color)
        if isinstance(op, HasInnerGraph):
            inner = graph_model(op.fgraph, self.compact, self.colors, self.apply_colors)
            self.nodes[number]["inner"] = inner
        destroyed = {i for places in op.destroy_map.values() for i in places}
        viewed = {i for places in op.view_map.values() for i in places}
        for i, v in enumerate(node.inputs):
            style = "destroy" if i in destroyed else "view" if i in viewed else ""
            label = f"{i} {v.type}" if len(node.inputs) > 1 else str(v.type)
            self.link(self.source(v), number, label, style)
        for v in node.outputs:
            if v.name is not None or not self.compact:
                self.link(number, self.add(v, "variable", v.name or str(v.type), [str(v.type)]), "")

    def place(self) -> None:
        """Give each node a level below what it is computed from, and a place in it."""
        above: list[list[int]] = [[] for _ in self.nodes]
        below: list[list[int]] = [[] for _ in self.nodes]
        for e in self.edges:
            above[e["to"]].append(e["from"])
            below[e["from"]].append(e["to"])
        left = [len(a) for a in above]
        ready = [i for i, n in enumerate(left) if n == 0]
        while ready:
            i = ready.pop()
            for j in below[i]:
                self.nodes[j]["level"] = max(self.nodes[j]["level"], self.nodes[i]["level"] + 1)
                left[j] -= 1
                if not left[j]:
                    ready.append(j)
        for i, node in enumerate(self.nodes):
            if not above[i] and below[i]:  # near its first reader
                node["level"] = min(self.nodes[j]["level"] for j in below[i]) - 1
        self._spread(above)

    def _spread(self, above: list[list[int]]) -> None:
        levels: dict[int, list[int]] = {}
        for i, node in enumerate(self.nodes):
            levels.setdefault(node["level"], []).append(i)
        for level in sorted(levels):
            row = levels[level]
            middle = {
                i: sum(self.nodes[j].get("x", 0) for j in above[i]) / len(above[i])
                if above[i]
                else None
                for i in row
            }
            row.sort(key=lambda i: (middle[i] is None, middle[i] or 0))
            for place, i in enumerate(row):
                self.nodes[i]["x"] = (place - (len(row) - 1) / 2) * WIDTH
                self.nodes[i]["y"] = level * HEIGHT


def graph_model(fct, compact=True, colors=None, apply_colors=None) -> dict[str, list]:
    """Return nodes and edges of a function, graph, node or variables, ready for JSON.

    Parameters
    ----------
    compact : bool
        Leave out intermediate variables that have no name.
    """
    nodes, outputs, times = _graph_of(fct)
    model = _Model(compact, colors or NODE_COLORS, apply_colors or APPLY_COLORS)
    for node in nodes:
        model.apply(node, times.get(node))
    for i, v in enumerate(outputs):
        start = model.source(v)
        number = model.add(("output", i), "output", v.name or f"output {i}", [str(v.type)])
        model.link(start, number, str(v.type))
    model.place()
    return {"nodes": model.nodes, "edges": model.edges}
