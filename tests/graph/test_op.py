import pytest
from graph_helpers import MyOp, R, op1, var

from pytensor.graph.basic import Apply
from pytensor.graph.null_type import DisconnectedType, disconnected_type
from pytensor.graph.op import Op
from pytensor.graph.utils import MethodNotDefined, user_line


class Old(MyOp):
    def grad(self, inputs, output_grads):
        return [("grad", g) for g in output_grads]


class LStyle(MyOp):
    def L_op(self, inputs, outputs, output_grads):
        return [("L", outputs[0].owner.op, g) for g in output_grads]


class New(MyOp):
    def pullback(self, inputs, outputs, cotangents):
        return [("pull", g) for g in cotangents]


class NewAfterOld(Old):
    def pullback(self, inputs, outputs, cotangents):
        return ["new", *super().pullback(inputs, outputs, cotangents)]


class OldAfterNew(New):
    def grad(self, inputs, output_grads):
        return ["old", *super().grad(inputs, output_grads)]


@pytest.mark.parametrize(
    "cls, expected",
    [
        (Old, [("grad", 1)]),
        (New, [("pull", 1)]),
        (NewAfterOld, ["new", ("grad", 1)]),
        (OldAfterNew, ["old", ("pull", 1)]),
    ],
)
def test_every_spelling_of_a_derivative_gives_the_same(cls, expected):
    op, x = cls("op"), var("x")
    outputs = op.make_node(x).outputs
    assert op.pullback([x], outputs, [1]) == expected
    assert op.L_op([x], outputs, [1]) == expected
    assert op.grad([x], [1]) == expected


def test_l_op_gets_outputs_under_any_name():
    op, x = LStyle("op"), var("x")
    assert op.grad([x], [1]) == [("L", op, 1)]


def test_mixin_may_define_the_derivative():
    class Mixin:
        def grad(self, inputs, output_grads):
            return ["mixin"]

    class Mixed(Mixin, MyOp):
        pass

    op, x = Mixed("op"), var("x")
    assert op.pullback([x], [op(x)], [1]) == ["mixin"] == op.L_op([x], [op(x)], [1])


def test_r_op_and_pushforward():
    class R_(MyOp):
        def R_op(self, inputs, eval_points):
            return [None] if eval_points[0] is None else [eval_points[0]]

    class P(MyOp):
        def pushforward(self, inputs, outputs, tangents):
            return list(tangents)

    x, t = var("x"), var("t")
    for op in (R_("r"), P("p")):
        assert op.R_op([x], [t]) == [t] and op.pushforward([x], [op(x)], [t]) == [t]
        assert op.R_op([x], [None]) == [None]
        (out,) = op.pushforward([x], [op(x)], [disconnected_type()])
        assert isinstance(out.type, DisconnectedType)


def test_nothing_defined_raises():
    x = var("x")
    for call in (
        lambda: op1.pullback([x], [op1(x)], [x]),
        lambda: op1.L_op([x], [op1(x)], [x]),
        lambda: op1.grad([x], [x]),
        lambda: op1.R_op([x], [x]),
        lambda: op1.pushforward([x], [op1(x)], [x]),
    ):
        with pytest.raises(NotImplementedError):
            call()
    with pytest.raises(MethodNotDefined):
        Op.perform(op1, None, [], [])


def test_itypes_and_otypes():
    class Typed(MyOp):
        itypes, otypes = [R, R], [R]
        make_node = Op.make_node

    op = Typed("t")
    assert op(var(), var()).type == R
    with pytest.raises(ValueError, match="2 inputs, got 1"):
        op(var())
    with pytest.raises(TypeError, match="input 1 must be"):
        op(var(), var(thingy="S"))


def test_call():
    x = var("x")
    assert op1(x, name="y").name == "y"
    assert isinstance(op1(x, return_list=True), list)
    assert "test_op.py" in user_line(op1(x)) and "user_line(op1(x))" in user_line(op1(x))


def test_thunk():
    x = var("x")
    node = op1.make_node(x, x)
    storage = {x: [2.0], node.out: [None]}
    computed = {x: [True], node.out: [False]}
    thunk = op1.make_thunk(node, storage, computed, [])
    thunk()
    assert storage[node.out] == [4.0] and computed[node.out] == [True]
    assert isinstance(node, Apply)
