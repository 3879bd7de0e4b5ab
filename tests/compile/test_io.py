"""Specifications of inputs and outputs."""

import pytest

import pytensor.tensor as pt
from pytensor.compile.io import In, Out, SymbolicInput
from pytensor.compile.sharedvalue import shared


def test_defaults():
    x = pt.dvector("x")
    spec = In(x)
    assert (spec.name, spec.mutable, spec.borrow, spec.implicit, spec.strict) == (
        "x", False, False, False, False,
    )  # fmt: skip
    assert In(x, autoname=False).name is None
    assert str(spec) == "In(x)" and str(In(x, update=x)) == "In(x -> x)"
    assert str(Out(x, borrow=True)) == "Out(x,True)"
    assert SymbolicInput(x).implicit is False


def test_update_makes_mutable():
    x = pt.dvector("x")
    spec = In(x, update=x + 1)
    assert spec.mutable and spec.borrow


def test_contradictions():
    x = pt.dvector("x")
    with pytest.raises(ValueError, match="mutable=True, borrow=False"):
        In(x, mutable=True, borrow=False)
    with pytest.raises(TypeError, match="implicit input must be given a default"):
        In(x, implicit=True)
    with pytest.raises(TypeError, match="update of type"):
        In(x, update=pt.dmatrix())
    with pytest.raises(TypeError, match="must be a string"):
        In(x, name=3)


def test_a_container_as_value_is_implicit():
    s = shared(1.0)
    assert In(s, value=s.container).implicit
