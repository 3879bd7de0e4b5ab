"""Composite and ScalarLoop: building, equality, running, refusing."""

import pickle

import numpy as np
import pytest

import pytensor.scalar as ps
from pytensor.scalar.composite import Composite
from pytensor.scalar.loop import ScalarLoop


def run(op, *args):
    args = [np.asarray(a)[()] for a in args]
    node = op.make_node(*[ps.get_scalar_type(a.dtype.name)() for a in args])
    storage = [[None] for _ in node.outputs]
    node.op.perform(node, args, storage)
    for out, cell in zip(node.outputs, storage):
        assert np.asarray(cell[0]).dtype.name == out.type.dtype
    return [cell[0] for cell in storage]


def test_composite_runs():
    x, y = ps.float64("x"), ps.float64("y")
    s = x + y
    c = Composite([x, y], [ps.exp(s) * 2, s, y, ps.constant(3.0)])
    assert c.nin == 2 and c.nout == 4
    assert run(c, 0.3, 0.5) == [np.exp(0.8) * 2, 0.8, 0.5, 3.0]
    arrays = c.impl(np.array([0.3, 1.0]), np.array(0.5))
    np.testing.assert_allclose(arrays[0], np.exp([0.8, 1.5]) * 2)
    assert Composite([x], [ps.sqr(x)]).impl(3.0) == 9


def test_composite_equality_is_structural():
    def make(op=ps.add, constant=2.0, name="x"):
        x, y = ps.float64(name), ps.float64()
        return Composite([x, y], [op(ps.exp(x), y) * constant])

    assert make() == make(name="other") and hash(make()) == hash(make())
    assert make() != make(ps.sub) and make() != make(constant=3.0)
    assert pickle.loads(pickle.dumps(make())) == make()
    assert make().clone() == make()
    x = ps.float64()
    assert Composite([x], [x * 0.0]) != Composite([x], [x * -0.0])
    f = ps.float32()
    assert Composite([x], [ps.exp(x)]) != Composite([f], [ps.exp(f)])


def test_composite_flattens():
    x, y = ps.float64("x"), ps.float64("y")
    inner = Composite([x, y], [x * y, x + y])
    a, b = inner(x, y)
    middle = Composite([x, y], [ps.exp(a) - b])
    outer = Composite([x, y], [middle(x, y) + 1])
    assert [type(op) for op, *_ in outer.program.steps].count(Composite) == 0
    assert len(outer.program.steps) == 5
    np.testing.assert_allclose(run(outer, 0.3, 0.5), [np.exp(0.15) - 0.8 + 1])


def test_composite_of_other_types():
    x, y = ps.float64("x"), ps.float64("y")
    c = Composite([x, y], [x + y, x > y])
    node = c.make_node(ps.float32(), ps.int8())
    assert [o.type.dtype for o in node.outputs] == ["float32", "bool"]
    assert run(c, np.float32(2.5), np.int8(2)) == [4.5, True]


def test_composite_graph_and_text():
    x, y = ps.float64("x"), ps.float64("y")
    c = Composite([x, y], [ps.exp(x) * y])
    assert [v.type for v in c.fgraph.inputs] == [ps.float64] * 2
    assert [node.op for node in c.fgraph.toposort()] == [ps.exp, ps.mul]
    assert str(c) == "Composite{exp(i0) * i1}"
    assert str(Composite([x], [x], name="named")) == "named"
    assert c.supports_c_code([x, y], [x])
    i = ps.int8()
    assert not Composite([i], [i**i]).supports_c_code([i], [i])
    with pytest.raises(NotImplementedError, match="Composite"):
        c.pullback([x, y], [c(x, y)], [x])


def test_composite_refuses():
    x, y = ps.float64("x"), ps.float64("y")
    with pytest.raises(ValueError, match="must be an input"):
        Composite([x], [x + y])
    with pytest.raises(TypeError, match="constant"):
        Composite([x, ps.constant(1)], [x])
    with pytest.raises(ValueError, match="must differ"):
        Composite([x, x], [x])
    with pytest.raises(TypeError, match="Wrong number of inputs"):
        Composite([x], [x])(x, x)


def test_deep_composite():
    x = y = ps.float64("x")
    for _ in range(5_000):
        y = y + 1.0
    c = Composite([x], [y])
    assert run(c, 0.0) == [5_000]
    assert pickle.loads(pickle.dumps(c)) == c


def test_loop():
    n, x, k = ps.int64("n"), ps.float64("x"), ps.float64("k")
    loop = ScalarLoop(init=[x], update=[x * k], constant=[k])
    assert run(loop, 3, 2.0, 5.0) == [250] and run(loop, 0, 2.0, 5.0) == [2]
    assert run(loop, -1, 2.0, 5.0) == [2]
    # states and constants of other types
    node = loop.make_node(n, ps.float32(), ps.int8())
    assert node.outputs[0].type == ps.float32
    np.testing.assert_array_equal(
        loop.impl(np.array([0, 1, 3]), np.array(2.0), np.array(5.0)), [2, 10, 250]
    )


def test_while_loop():
    x, y = ps.float64("x"), ps.float64("y")
    loop = ScalarLoop([x, y], [x + y, y * 2], until=x > 10)
    # the condition is about the states a step starts from, as written
    assert run(loop, 100, 0.0, 1.0) == [31, 32, True]
    assert run(loop, 2, 0.0, 1.0) == [3, 4, False]
    states = loop.impl(np.array([100, 2]), np.array(0.0), np.array(1.0))
    np.testing.assert_array_equal(np.array(states, float), [[31, 3], [32, 4], [1, 0]])
    assert loop == loop.clone() and hash(loop) == hash(loop.clone())
    assert loop != ScalarLoop([x, y], [x + y, y * 2])
    assert pickle.loads(pickle.dumps(loop)) == loop


def test_loop_refuses():
    x, i = ps.float64("x"), ps.int64("i")
    with pytest.raises(ValueError, match="same length"):
        ScalarLoop([x], [])
    with pytest.raises(TypeError, match="types must be the same"):
        ScalarLoop([x], [i])
    with pytest.raises(TypeError, match="Constant"):
        ScalarLoop([x], [x], constant=[ps.constant(1)])
    with pytest.raises(TypeError, match="n_steps"):
        ScalarLoop([x], [x + 1])(x, x)
    with pytest.raises(TypeError, match="1 inputs"):
        ScalarLoop([x], [x + 1])(i)
