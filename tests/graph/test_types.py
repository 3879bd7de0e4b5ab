"""`Type` and the types without values."""

import pytest
from graph_helpers import MyType, R, const, op1, var

from pytensor.graph.basic import Variable
from pytensor.graph.null_type import (
    DisconnectedType,
    NullType,
    disconnected_type,
    grad_not_implemented,
    grad_undefined,
    null_type,
)
from pytensor.graph.type import Type


class Wide(Type):
    """Accepts variables of `MyType` as they are, and turns those tagged "S" into its own."""

    __props__ = ()

    def filter(self, data, strict=False, allow_downcast=None):
        return data

    def is_super(self, otype):
        return otype == self or otype == R

    def convert_variable(self, var):
        if var.type == MyType("S"):
            return self("converted")
        return super().convert_variable(var)


class TestType:
    def test_variables_and_constants(self):
        x = R("x")
        assert (x.type, x.name, x.owner) == (R, "x", None)
        c = R.make_constant(2, "two")
        assert (c.data, c.name) == (2, "two")
        assert x.tag.trace and not hasattr(R.make_variable().tag, "trace")

    def test_filter_variable(self):
        x = var("x")
        assert R.filter_variable(x) is x
        assert R.filter_variable(3).data == 3
        with pytest.raises(
            TypeError, match=r"\[MyType\] variable must be of type My\(R\), got My\(S\)"
        ):
            R.filter_variable(var("y", "S"))

    def test_convert_variable(self):
        wide, x = Wide(), var("x")
        assert wide.filter_variable(x) is x
        assert wide.filter_variable(var("y", "S")).name == "converted"
        with pytest.raises(TypeError, match="variable must be of type"):
            wide.filter_variable(var("y", "S"), allow_convert=False)

    def test_relations(self):
        assert R.in_same_class(MyType()) and not R.in_same_class(MyType("S"))
        assert R.is_super(MyType()) and not R.is_super(MyType("S"))

    def test_values(self):
        assert R.is_valid_value(1.0) and not R.is_valid_value(1) and not R.is_valid_value("a")
        assert R.is_valid_value(1, strict=False)
        assert R.values_eq(1.0, 1.0) and not R.values_eq_approx(1.0, 2.0)
        a = [1]
        assert R.may_share_memory(a, a) and not R.may_share_memory(a, [1])

    def test_clone_takes_new_parameters(self):
        assert R.clone("S") == MyType("S") != R


class TestNullType:
    def test_has_no_values(self):
        null = NullType("because")
        assert null.why_null == "because" and str(null) == "NullType"
        for attempt in (lambda: null.filter(1), lambda: null.filter_variable(1)):
            with pytest.raises(ValueError, match="no values"):
                attempt()
        with pytest.raises(ValueError, match="no values"):
            null.values_eq(1, 1)
        assert not null.may_share_memory(1, 1)
        assert null == NullType("another reason") and hash(null) == hash(NullType())

    def test_variable(self):
        assert isinstance(null_type("g").type, NullType) and null_type("g").name == "g"

    @pytest.mark.parametrize(
        "placeholder, words", [(grad_undefined, "undefined"), (grad_not_implemented, "implemented")]
    )
    def test_placeholders_say_why(self, placeholder, words):
        x = var("x")
        g = placeholder(op1, 0, x, "nobody knows")
        assert isinstance(g.type, NullType)
        for part in (words, "Op1", "input 0", "x", "nobody knows"):
            assert part in g.type.why_null


def test_disconnected_type_has_no_values():
    assert disconnected_type == DisconnectedType() and str(disconnected_type) == "DisconnectedType"
    assert isinstance(disconnected_type(), Variable)
    with pytest.raises(AssertionError, match="disconnected derivative"):
        disconnected_type.filter(1)
    with pytest.raises(AssertionError, match="must not exist"):
        disconnected_type.values_eq(1, 1)
    assert not disconnected_type.may_share_memory(1, 1)


def test_constants_compare_by_signature():
    assert const(2.0).signature() == const(2.0).signature() != const(3.0).signature()
