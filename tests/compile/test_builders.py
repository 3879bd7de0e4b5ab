"""Ops made of graphs."""

import pickle

import numpy as np
import pytest

import pytensor.tensor as pt
from pytensor.compile.builders import OpFromGraph, SymbolicOp
from pytensor.compile.maker import function
from pytensor.compile.mode import Mode
from pytensor.compile.sharedvalue import shared
from pytensor.gradient import grad, pushforward
from pytensor.graph.null_type import DisconnectedType, disconnected_type
from pytensor.graph.utils import MissingInputError

MODE = Mode("py", None)


@pytest.fixture
def ab():
    return pt.dvector("a"), pt.dvector("b")


def make(**kwargs):
    x, y = pt.dvectors("x", "y")
    return OpFromGraph([x, y], [x + y * 2, (x * x).sum()], **kwargs)


def test_computes_its_graph(ab):
    a, b = ab
    first, second = make()(a, b)
    got = function([a, b], [first, second], mode=MODE)([1, 2], [3, 4])
    assert got[0].tolist() == [7, 10] and got[1] == 5
    assert str(first.owner.op) == "OpFromGraph{inline=False}"
    assert str(make(name="mine", inline=True)) == "mine{inline=True}"


def test_output_that_is_an_input_is_a_copy():
    x = pt.dvector("x")
    value = np.ones(2)
    cells = [[None]]
    op = OpFromGraph([x], [x])
    op.perform(None, [value], cells)
    assert not np.shares_memory(cells[0][0], value)


def test_inline_disappears(ab):
    f = function(list(ab), make(inline=True)(*ab)[0], mode=Mode("py", "fast_compile"))
    assert not any(isinstance(n.op, OpFromGraph) for n in f.maker.fgraph.toposort())
    assert f([1.0], [2.0]) == [5.0]


def test_equality_is_structural():
    assert make() == make() and hash(make()) == hash(make())
    assert make() != make(inline=True) and make() != make(name="n")
    x, y = pt.dvectors("x", "y")
    assert make() != OpFromGraph([x, y], [x + y * 3, (x * x).sum()])


def test_errors(ab):
    x, a = pt.dvector("x"), ab[0]
    s = shared(np.ones(2), name="s")
    with pytest.raises(MissingInputError, match="shared variable s"):
        OpFromGraph([x], [x + s])
    with pytest.raises(MissingInputError, match="depends on a"):
        OpFromGraph([x], [x + a])
    with pytest.raises(TypeError, match="inputs must be variables"):
        OpFromGraph([3], [x])
    with pytest.raises(ValueError, match="expected 2 input"):
        make()(a)
    with pytest.raises(TypeError):
        make()(a, pt.dmatrix())


def test_a_constant_input_is_a_parameter():
    x, two = pt.dscalar("x"), pt.constant(2.0)
    op = OpFromGraph([x, two, two], [x * two])
    assert op(x, two, two).eval({x: 3.0}) == 6.0
    scaled = op(x, pt.constant(5.0, dtype="float32"), two)
    assert scaled.eval({x: 3.0}) == 15.0
    assert grad(scaled, x).eval({x: 3.0}) == 5.0


def test_gradient(ab):
    a, b = ab
    first, second = make()(a, b)
    for cost, want in (
        (first.sum() + second, [[3.0, 5.0], [2.0, 2.0]]),
        (first.sum(), [[1.0, 1.0], [2.0, 2.0]]),
    ):
        got = function(list(ab), grad(cost, list(ab)), mode=MODE, on_unused_input="ignore")(
            [1, 2], [3, 4]
        )
        assert [g.tolist() for g in got] == want


def test_disconnected_input(ab):
    a, b = ab
    _, second = make()(a, b)
    assert make()(a, b)[0].owner.op.connection_pattern(second.owner) == [
        [True, True],
        [True, False],
    ]
    found = grad(second, [a, b], disconnected_inputs="ignore", return_disconnected="disconnected")
    assert isinstance(found[1].type, DisconnectedType)


def test_pushforward(ab):
    a, b = ab
    first, second = make()(a, b)
    da, db = pt.dvectors("da", "db")
    tangents = pushforward([first, second], [a, b], [da, db], use_op_pushforward=True)
    f = function([a, b, da, db], tangents, mode=MODE, on_unused_input="ignore")
    got = f([1, 2], [3, 4], [1, 0], [0, 1])
    assert got[0].tolist() == [1.0, 2.0] and got[1] == 2.0


def test_overrides(ab):
    a, b = ab
    x, y = pt.dvectors("x", "y")

    def all_inputs(inputs, outputs, cotangents):
        return [cotangents[0] * 3, cotangents[0] * 5]

    ones = [1.0, 1.0]
    for given, want in (
        (all_inputs, [3.0, 5.0]),
        ([None, lambda i, o, g: g[0] * 7], [1.0, 7.0]),
    ):
        op = OpFromGraph([x, y], [x + 2 * y], pullback=given)
        got = function(list(ab), grad(op(a, b).sum(), [a, b]), mode=MODE, on_unused_input="ignore")
        assert [g[0] for g in got(ones, ones)] == want
        assert op == OpFromGraph([x, y], [x + 2 * y], pullback=given)
    i, j, o, g = pt.dvectors("i", "j", "o", "g")
    override = OpFromGraph([i, j, o, g], [g * 2, g * 4])
    op = OpFromGraph([x, y], [x + 2 * y], lop_overrides=override)
    got = function(list(ab), grad(op(a, b).sum(), [a, b]), mode=MODE, on_unused_input="ignore")
    assert [v[0] for v in got(ones, ones)] == [2.0, 4.0]


def test_override_by_a_variable(ab):
    x, y = pt.dvectors("x", "y")
    op = OpFromGraph([x, y], [x + 2 * y], pullback=[None, disconnected_type()])
    found = op.pullback(list(ab), [op(*ab)], [pt.dvector("g")])
    assert isinstance(found[1].type, DisconnectedType)


def test_wrong_override(ab):
    x, y = pt.dvectors("x", "y")
    op = OpFromGraph([x, y], [x + y], pullback=lambda i, o, g: [g[0]])
    with pytest.raises(ValueError, match="must return 2 variables, got 1"):
        grad(op(*ab).sum(), list(ab))


def test_pickle(ab):
    op = make()
    op(*ab)
    assert pickle.loads(pickle.dumps(op)) == op
    f = function(list(ab), op(*ab)[0], mode=MODE)
    assert pickle.loads(pickle.dumps(f))([1.0], [1.0]) == [3.0]


class Scale(SymbolicOp):
    __props__ = ("factor",)

    def __init__(self, factor, **kwargs):
        self.factor = factor
        super().__init__(**kwargs)

    def build_inner_graph(self, x, y):
        return [x * self.factor + y]


def test_symbolic_op(ab):
    z = Scale(3)(*ab)
    assert function(list(ab), z, mode=MODE)([1.0], [1.0]) == [4.0]
    assert Scale(3) == Scale(3) != Scale(4)
    assert z.owner.op == Scale(3)(*ab).owner.op != Scale(4)(*ab).owner.op
    matrix = Scale(3)(pt.dmatrix("m"), 1.0)
    assert matrix.type.ndim == 2
    got = function(list(ab), grad(z.sum(), ab[0]), mode=MODE, on_unused_input="ignore")
    assert got([1.0], [1.0]) == [3.0]


def test_gradient_of_an_output_computed_from_another():
    import pytensor
    import pytensor.tensor as pt

    x = pt.dscalar("x")
    a, b = OpFromGraph([x], [x * 3, x * 3 * 2])(x)
    assert pytensor.grad(a + b, x).eval({x: 1.0}) == 9.0
    inner = x * 3
    a, b = OpFromGraph([x], [inner, inner * 2])(x)
    assert pytensor.grad(a + b, x).eval({x: 1.0}) == 9.0
