import gc
import pickle

import pytest
from graph_helpers import MyOp, MyType, R, chain, const, op1, op2, op3, two_out, var

from pytensor.graph.basic import (
    Apply,
    NominalVariable,
    as_string,
    clone,
    clone_get_equiv,
    equal_computations,
)
from pytensor.graph.traversal import io_toposort

LONG = 20_000  # nodes in a row, twenty times the limit of recursion


class TestApply:
    def test_outputs_are_owned(self):
        x, y = var("x"), var("y")
        node = Apply(op1, [x], [y])
        assert y.owner is node and y.index == 0 and node.out is y
        assert (node.nin, node.nout) == (1, 1)

    def test_inputs_and_outputs_must_be_fresh_variables(self):
        with pytest.raises(TypeError, match="inputs must be variables"):
            Apply(op1, [1], [])
        with pytest.raises(TypeError, match="outputs must be variables"):
            Apply(op1, [], ["a"])
        with pytest.raises(ValueError, match="outputs must be new"):
            Apply(op1, [], [op1(var())])

    def test_default_output(self):
        node = two_out.make_node(var())
        with pytest.raises(ValueError, match="default_output"):
            node.default_output()
        op = MyOp("d", nout=2)
        op.default_output = 1
        assert op.make_node(var()).out.index == 1
        assert op(var()).index == 1

    def test_clone_with_new_inputs_converts_or_remakes(self):
        node = op1.make_node(var("x"))
        x2 = var("x2")
        assert node.clone_with_new_inputs([x2]).inputs == [x2]
        stranger = var(thingy="S")
        with pytest.raises(TypeError):
            node.clone_with_new_inputs([stranger])
        new = node.clone_with_new_inputs([stranger], strict=False)
        assert new.out.type == MyType("S")
        with pytest.raises(ValueError, match="1 inputs"):
            node.clone_with_new_inputs([x2, x2])


class TestVariable:
    def test_text(self):
        assert str(var("x")) == "x"
        assert str(var()) == "<My(R)>"
        assert str(op1(var())) == "Op1.0"

    def test_clone_keeps_notes_and_drops_owner(self):
        y = op1(var())
        y.tag.note = 3
        z = y.clone(name="z")
        assert z.owner is None and z.name == "z" and z.tag.note == 3
        z.tag.note = 4
        assert y.tag.note == 3

    def test_arguments_are_checked(self):
        with pytest.raises(TypeError, match="name"):
            R.variable_type(R, None, name=1)
        with pytest.raises(TypeError, match="index"):
            R.variable_type(R, None, index="a")

    def test_pickle_forgets_compiled_functions(self):
        x = var("x")
        x._fn_cache = {0: lambda: 0}
        y = pickle.loads(pickle.dumps(op2(x, op1(x))))
        assert y.owner.inputs[0] is y.owner.inputs[1].owner.inputs[0]
        assert not hasattr(y.owner.inputs[0], "_fn_cache")

    def test_eval_reports_unknown_names(self):
        with pytest.raises(ValueError, match="not found"):
            op1(var("x")).eval({"q": 1.0})
        with pytest.raises(ValueError, match="multiple"):
            op1(var("x"), var("x")).eval({"x": 1.0})
        with pytest.raises(TypeError, match="names"):
            op1(var("x")).eval({3: 1.0})


def test_constants_equal_by_signature():
    assert const(1.0).equals(const(1.0))
    assert not const(1.0).equals(const(2.0))
    assert const(1.0) != const(1.0)
    assert const(2.0, name="c").clone().name == "c"


def test_nominal_variables_are_unique():
    a = NominalVariable(1, R)
    assert a is NominalVariable(1, MyType("R"))
    assert a is not NominalVariable(2, R)
    assert a.clone() is a
    assert isinstance(a, R.variable_type)
    assert pickle.loads(pickle.dumps(a)) is a


def test_clone_copies_what_it_is_told_to():
    x, c = var("x"), const(1.0)
    y = op1(x, c)
    (x2,), (y2,) = clone([x], [y])
    assert x2 is not x and y2.owner.inputs[0] is x2 and y2.owner.inputs[1] is not c
    (x3,), (y3,) = clone([x], [y], copy_inputs=False)
    assert x3 is x and y3 is not y and y3.owner.inputs == [x, c]
    memo = clone_get_equiv([x], [y], copy_inputs=False, copy_orphans=False)
    assert memo[y.owner] is memo[y].owner and memo[c] is c


class TestEqualComputations:
    def test_structure(self):
        x, y = var("x"), var("y")
        assert equal_computations([op1(x, y)], [op1(x, y)])
        assert not equal_computations([op1(x, y)], [op1(y, x)])
        assert not equal_computations([op1(x)], [op2(x)])
        assert equal_computations([op1(x)], [op1(y)], [x], [y])
        assert not equal_computations([op1(x)], [op1(x)], [x], [y])
        assert not equal_computations([op1(x, y)], [op1(y, y)], [x], [y])
        assert equal_computations([op1(const(1.0))], [op1(const(1.0))])
        assert not equal_computations([op1(const(1.0))], [op1(const(2.0))])
        assert not equal_computations([op1(x)], [x])

    def test_outputs_are_told_apart(self):
        a, b = two_out(var("x"))
        assert not equal_computations([a], [b])

    def test_lengths(self):
        with pytest.raises(ValueError, match="lengths"):
            equal_computations([var()], [])


def test_as_string_numbers_what_is_shared():
    x, y = var("x"), var("y")
    z = op1(x, y)
    assert as_string([x, y], [op2(z)]) == ["Op2(Op1(x, y))"]
    assert as_string([x, y], [op2(z, z)]) == ["Op2(*1 -> Op1(x, y), *1)"]
    assert as_string([z], [op3(z)]) == ["Op3(Op1.0)"]


def test_long_chain_at_default_recursion_limit():
    x, y = chain(LONG)
    (x2,), (y2,) = clone([x], [y])
    assert len(io_toposort([x2], [y2])) == LONG
    assert equal_computations([y], [y2], [x], [x2])
    del x, y, x2, y2
    gc.collect()
