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
