import pytest
from graph_helpers import MyOp, chain, op1, op2, op3, var

from pytensor.graph.replace import (
    _vectorize_node,
    _vectorize_not_needed,
    clone_replace,
    graph_replace,
    vectorize_graph,
)
from pytensor.graph.text import as_string


def text(v):
    return as_string([], [v])[0]


def test_clone_replace():
    x, y, a = var("x"), var("y"), var("a")
    z = op1(op2(x), y)
    assert text(clone_replace(z, {x: a})) == "Op1(Op2(a), y)"
    assert text(clone_replace([z], [(z.owner.inputs[0], a), (y, x)])[0]) == "Op1(a, x)"
    assert clone_replace(z) is not z and clone_replace(z).owner.inputs[1] is y
    assert clone_replace(z, copy_inputs_over=False).owner.inputs[1] is not y
    stranger = var("s", thingy="S")
    with pytest.raises(TypeError):
        clone_replace(z, {x: stranger})
    assert clone_replace(op2(x), {x: stranger}, rebuild_strict=False).type == stranger.type
    with pytest.raises(ValueError, match="mapping"):
        clone_replace(z, 5)


def test_graph_replace_shares_what_does_not_change():
    x, y, a = var("x"), var("y"), var("a")
    left, right = op2(x), op3(y)
    z = op1(left, right)
    new = graph_replace(z, {x: a})
    assert text(new) == "Op1(Op2(a), Op3(y))" and new.owner.inputs[1] is right
    assert text(graph_replace([z], {left: a, x: y}, strict=False)[0]) == "Op1(a, Op3(y))"
    with pytest.raises(ValueError, match="not used"):
        graph_replace(z, {a: x})
    assert graph_replace(z, {a: x}, strict=False) is z


def test_vectorize_graph_asks_every_node_that_depends():
    class Batched(MyOp):
        pass

    seen = []

    @_vectorize_node.register(Batched)
    def _(op, node, *batched_inputs):
        seen.append(node)
        return op.make_node(*batched_inputs)

    assert _vectorize_not_needed(op1, None, var()).op is op1
    batched = Batched("B")
    x, rows, y = var("x"), var("rows"), var("y")
    kept = op1(y)
    z = batched(batched(x), kept)
    new, new_x = vectorize_graph([z, x], {x: rows})
    assert text(new) == "B(B(rows), Op1(y))" and new_x is rows
    assert new.owner.inputs[1] is kept and len(seen) == 2


def test_long_chains():
    x, y = chain(10_000)
    a = var("a")
    for new in (clone_replace(y, {x: a}), graph_replace(y, {x: a})):
        assert new is not y and new.owner is not y.owner
