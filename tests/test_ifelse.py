"""ifelse: values, types, derivatives, and the lazy protocol."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent / "tensor"))
from tensor_checks import check_gradient, check_shapes, check_vectorize, evaluate

import pytensor.tensor as pt
from pytensor.conditional import IfElse
from pytensor.conditional import ifelse as ifelse_of_conditional
from pytensor.gradient import grad
from pytensor.ifelse import ifelse


def test_choice():
    c, x, y = pt.bscalar("c"), pt.dvector("x"), pt.dvector("y")
    out = ifelse(c, x, y)
    values = {x: np.ones(2), y: np.zeros(3)}
    for truth in (1, 0):
        result = evaluate(out, values | {c: truth})
        assert result.tolist() == ([1, 1] if truth else [0, 0, 0])
        assert not any(np.shares_memory(result, v) for v in values.values())
        check_shapes(out, values | {c: truth})
    assert ifelse_of_conditional is ifelse
    many = ifelse(c, [x, c], [y, c])
    assert isinstance(many, list) and many[0].owner.op.n_outs == 2


def test_types():
    c, x = pt.bscalar("c"), pt.dvector("x")
    fixed = ifelse(c, pt.tensor(shape=(3,)), pt.tensor(shape=(4,)))
    assert fixed.type.shape == (None,)
    assert ifelse(c, pt.tensor(shape=(3, 2)), pt.tensor(shape=(3, 4))).type.shape == (3, None)
    with pytest.raises(TypeError, match="compatible ndim"):
        ifelse(c, x, pt.dmatrix())
    with pytest.raises(TypeError, match="compatible dtype"):
        ifelse(c, x, pt.lvector())
    with pytest.raises(ValueError, match="number of values"):
        ifelse(c, [x, x], [x])
    with pytest.raises(TypeError, match="truthy scalar"):
        ifelse(x, x, x)


@pytest.mark.parametrize("truth", [0, 1])
def test_gradient(truth):
    values = [np.array([1.0, 2.0]), np.array([3.0, 4.0])]
    condition = pt.constant(np.int8(truth))
    check_gradient(lambda x, y: ifelse(condition, x**2, (x * y) ** 2), values)
    check_gradient(lambda x, y: ifelse(condition, [x, y.sum()], [y * 2, x[0]]), values)


def test_gradient_of_branches_of_different_shape():
    c, x, y = pt.bscalar("c"), pt.dvector("x"), pt.dvector("y")
    gx, gy = grad((ifelse(c, x, y) ** 2).sum(), [x, y])
    values = {c: 0, x: np.ones(2), y: np.arange(3.0)}
    assert evaluate(gx, values).tolist() == [0, 0]
    assert evaluate(gy, values).tolist() == [0, 2, 4]


def test_lazy_protocol():
    op = IfElse(n_outs=2)
    assert op.lazy
    assert op.required_inputs([None] * 5) == (0,)
    assert op.required_inputs([np.array(1), None, None, None, None]) == (1, 2)
    assert op.required_inputs([np.array(0), None, None, 7, None]) == (4,)
    assert op.required_inputs([np.array(0), None, None, 7, 8]) == ()
    x = pt.dscalar("x")
    node = op.make_node(pt.bscalar(), x, x, x, x)
    storage = [[None], [None]]
    op.perform(node, [np.array(0), None, None, 7, 8], storage)
    assert storage == [[7], [8]]


def test_vectorize():
    x, y = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    check_vectorize(lambda x, y: ifelse(pt.constant(np.int8(1)), x, y), [x, y], [0, 1])
    check_vectorize(lambda c, x, y: ifelse(c > 0, x, y), [np.array(0.01), x, y], [0, 1])
