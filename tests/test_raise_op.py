"""CheckAndRaise and Assert."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent / "tensor"))
from tensor_checks import check_gradient, check_shapes, check_vectorize, evaluate

import pytensor.tensor as pt
from pytensor.raise_op import Assert, CheckAndRaise, assert_op


class CustomError(ValueError):
    pass


def test_pass_and_raise():
    x, c = pt.dvector("x"), pt.bscalar("c")
    out = CheckAndRaise(CustomError, "this is bad")(x, c, x.sum() > 0)
    value = np.array([1.0, 2.0])
    assert evaluate(out, {x: value, c: 1}) is value
    with pytest.raises(CustomError, match="this is bad"):
        evaluate(out, {x: value, c: 0})
    with pytest.raises(CustomError):
        evaluate(out, {x: -value, c: 1})
    with pytest.raises(AssertionError, match="PyTensor Assert failed"):
        evaluate(assert_op(x, c), {x: value, c: 0})
    check_shapes(out, {x: value, c: 1})


def test_arguments():
    x = pt.dvector("x")
    with pytest.raises(ValueError, match="Exception subclass"):
        CheckAndRaise(str)
    with pytest.raises(TypeError, match="scalar"):
        Assert("a")(x, x > 0)
    assert Assert("a")(3, True).type.ndim == 0
    assert Assert("a")(x).type == x.type
    assert str(Assert("m")) == "Assert{msg='m'}"
    op = CheckAndRaise(ValueError, "m")
    assert str(op) == "CheckAndRaise{raises=ValueError, msg='m'}"
    assert op == CheckAndRaise(ValueError, "m") and hash(op) == hash(CheckAndRaise(ValueError, "m"))
    assert op != CheckAndRaise(TypeError, "m") and Assert("m") != CheckAndRaise(AssertionError, "m")
    assert op.view_map == {0: [0]}


def test_constant_folding_keeps_errors():
    op = Assert("a")
    good, bad, open_ = op(1.0, True), op(1.0, False), op(1.0, pt.bscalar())
    assert op.do_constant_folding(None, good.owner)
    assert not op.do_constant_folding(None, bad.owner)
    assert not op.do_constant_folding(None, open_.owner)


def test_gradient_and_batches():
    check_gradient(lambda x: Assert("a")(x, x.sum() < 1e3) ** 2, [np.array([1.0, 2.0])])
    out = check_vectorize(lambda x: Assert("a")(x, x.sum() < 1e3), [np.array([1.0, 2.0])], [0])[0]
    (x,) = [v for v in [out.owner.inputs[0]]]
    with pytest.raises(AssertionError):
        evaluate(out, {x: np.array([[1.0, 2.0], [1e3, 2.0]])})
