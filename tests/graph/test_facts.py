"""What is remembered about a graph is forgotten at every change."""

import pickle

import pytest

import pytensor.tensor as pt
from pytensor.graph.fg import FunctionGraph


def graph():
    x, y = pt.dvectors("x", "y")
    a = pt.exp(x)
    return FunctionGraph([x, y], [a + y, a * y], clone=False), x, y, a


CHANGES = {
    "replace": lambda fg, x, y, a: fg.replace(a, pt.sin(x)),
    "change input": lambda fg, x, y, a: fg.change_node_input(fg.outputs[0].owner, 0, x),
    "add output": lambda fg, x, y, a: fg.add_output(a),
    "remove output": lambda fg, x, y, a: fg.remove_output(1),
    "remove input": lambda fg, x, y, a: fg.remove_input(1),
    "remove node": lambda fg, x, y, a: fg.remove_node(a.owner),
    "import": lambda fg, x, y, a: fg.import_var(pt.sin(x)),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_forgotten(change):
    fgraph, *rest = graph()
    fgraph.facts["something"] = 1
    change(fgraph, *rest)
    assert "something" not in fgraph.facts


def test_not_pickled():
    fgraph, *_ = graph()
    fgraph.facts["something"] = lambda: None
    assert pickle.loads(pickle.dumps(fgraph)).facts == {}
