"""Looking at long sums for products costs time proportional to their length."""

import pytest

import pytensor.tensor as pt
from pytensor.graph.fg import FunctionGraph
from pytensor.graph.rewriting.stages import optdb
from pytensor.tensor.rewriting import algebra


def nodes_opened(monkeypatch, steps: int) -> int:
    opened = 0
    original = algebra._opened

    def counting(node, like):
        nonlocal opened
        opened += 1
        return original(node, like)

    monkeypatch.setattr(algebra, "_opened", counting)
    x = pt.dvector("x")
    y = x
    for _ in range(steps):
        y = y * 1.5 + x
    fgraph = FunctionGraph([x], [y], clone=True)
    optdb.query("+fast_run", "-fusion", "-inplace").rewrite(fgraph)
    monkeypatch.undo()
    return opened


def test_a_chain_of_scaled_sums_is_not_walked_from_every_part(monkeypatch):
    short, long = (nodes_opened(monkeypatch, steps) for steps in (60, 240))
    assert long == pytest.approx(4 * short, rel=0.35)


def test_rules_share_the_view_of_a_node_until_the_graph_changes():
    x, y, z = pt.dvectors("x", "y", "z")
    out = x + 2 * y
    fgraph = FunctionGraph([x, y, z], [out], clone=False)
    first = algebra.sum_at(fgraph, out.owner)
    assert algebra.sum_at(fgraph, out.owner) is first
    fgraph.replace(y, z)
    again = algebra.sum_at(fgraph, out.owner)
    assert list(first.summands) == [x, y] and list(again.summands) == [x, z]


def test_a_view_that_a_rule_changed_is_not_for_the_others():
    x, y = pt.dvectors("x", "y")
    out = x + 2 * y
    fgraph = FunctionGraph([x, y], [out], clone=False)
    first = algebra.sum_at(fgraph, out.owner)
    first.replace(list(first.summands.values()), x)
    assert algebra.sum_at(fgraph, out.owner) is not first
    assert list(algebra.sum_at(fgraph, out.owner).summands) == [x, y]


def test_another_reader_is_a_change():
    x, y, z = pt.dvectors("x", "y", "z")
    inner = x + y
    out = inner + z
    fgraph = FunctionGraph([x, y, z], [out], clone=False)
    assert algebra.sum_at(fgraph, inner.owner).is_inner
    fgraph.add_output(inner)
    assert not algebra.sum_at(fgraph, inner.owner).is_inner
