import numpy as np
import pytest

import pytensor.tensor as pt
from pytensor.gradient import grad, verify_grad
from pytensor.graph.replace import vectorize_graph
from pytensor.tensor.shape import Shape, Shape_i, SpecifyShape, shape_i, shape_tuple
from tests.tensor.utils import check_infer_shape, evaluate

rng = np.random.default_rng(4)
X = rng.normal(size=(2, 3))


def test_shape_ops():
    x = pt.dmatrix("x")
    assert isinstance(x.shape.owner.op, Shape)
    assert x.shape.type.shape == (2,)
    np.testing.assert_array_equal(evaluate(x.shape, {x: X}), [2, 3])
    assert evaluate(shape_i(x, 1), {x: X}) == 3
    assert shape_i(x, 1).owner.op == Shape_i(1)
    assert [int(evaluate(n, {x: X})) for n in shape_tuple(x)] == [2, 3]
    assert [n.data for n in shape_tuple(pt.dmatrix(shape=(4, 5)))] == [4, 5]
    with pytest.raises(TypeError, match="more than 2 axes"):
        Shape_i(2)(x)
    with pytest.raises(ValueError):
        Shape_i(-1)
    np.testing.assert_array_equal(evaluate(pt.shape(3.0)), [])


def test_shape_is_disconnected():
    x = pt.dmatrix("x")
    g = grad((x.shape[0] * x).sum(), x)
    np.testing.assert_array_equal(evaluate(g, {x: X}), np.full_like(X, 2))


@pytest.mark.parametrize(
    "new, static",
    [
        ((3, 2), (3, 2)),
        ((6,), (6,)),
        ((-1,), (None,)),
        ((2, -1, 1), (2, None, 1)),
        ([3, -1], (3, None)),
        (np.array([3, 2]), (3, 2)),
    ],
)
def test_reshape(new, static):
    x = pt.dmatrix("x")
    out = x.reshape(new)
    assert out.type.shape == static
    got = evaluate(out, {x: X})
    np.testing.assert_array_equal(got, X.reshape(new))
    assert np.may_share_memory(got, X)
    check_infer_shape(out, {x: X})


def test_reshape_symbolic_shape():
    x, n, v = pt.dmatrix("x"), pt.lscalar("n"), pt.lvector("v")
    for shape_value in (3, -1):
        out = x.reshape((n, 2))
        assert out.type.shape == (None, 2)
        check_infer_shape(out, {x: X, n: np.array(shape_value)})
    out = x.reshape(v, ndim=2)
    got = evaluate(out, {x: X, v: np.array([3, -1])})
    np.testing.assert_array_equal(got, X.reshape(3, 2))
    check_infer_shape(out, {x: X, v: np.array([3, -1])})
    check_infer_shape(x.reshape((x.shape[1], x.shape[0])), {x: X})
    assert pt.dmatrix(shape=(2, 3)).reshape((3, -1)).type.shape == (3, 2)


@pytest.mark.parametrize(
    "new, error",
    [
        ((-1, -1), ValueError),
        ((2, -2), ValueError),
        ((2.0, 3), TypeError),
        ((4, -1), ValueError),
        ((3, 3), ValueError),
        (6, TypeError),
    ],
)
def test_reshape_mistakes(new, error):
    with pytest.raises(error):
        pt.dmatrix(shape=(2, 3)).reshape(new)


def test_reshape_runtime_mistakes():
    x, v = pt.dmatrix("x"), pt.lvector("v")
    with pytest.raises(ValueError, match="ndim"):
        x.reshape(v)
    with pytest.raises(ValueError, match=r"cannot reshape array of shape \(2, 3\)"):
        evaluate(x.reshape((4, 2)), {x: X})
    with pytest.raises(ValueError, match="must have 2 entries"):
        evaluate(x.reshape(v, ndim=2), {x: X, v: np.array([6])})


def test_reshape_derivative_and_batch():
    verify_grad(lambda x: x.reshape((3, 2)) ** 2, [X], rng=rng)
    x, bx = pt.dmatrix("x"), pt.dtensor3("bx")
    B = rng.normal(size=(4, 2, 3))
    out = vectorize_graph(x.reshape((3, 2)), {x: bx})
    np.testing.assert_array_equal(evaluate(out, {bx: B}), B.reshape(4, 3, 2))


def test_vectorize_shape():
    x, bx = pt.dmatrix("x"), pt.dtensor3("bx")
    out = vectorize_graph(x.shape, {x: bx})
    np.testing.assert_array_equal(evaluate(out, {bx: np.zeros((4, 2, 3))}), [[2, 3]] * 4)


class TestSpecifyShape:
    def test_static(self):
        x = pt.dmatrix("x")
        assert pt.specify_shape(x, (2, None)).type.shape == (2, None)
        assert pt.specify_shape(x, (..., 3)).type.shape == (None, 3)
        assert pt.specify_shape(x, x.shape).type.shape == (None, None)
        known = pt.dmatrix(shape=(2, 3))
        assert pt.specify_shape(known, (2, 3)) is known
        assert pt.specify_shape(known, (None, None)) is known
        assert pt.specify_broadcastable(x, 0).type.shape == (1, None)
        assert pt.specify_broadcastable(x, -1).type.shape == (None, 1)

    def test_mistakes(self):
        x = pt.dmatrix(shape=(2, 3))
        with pytest.raises(ValueError, match="never match"):
            pt.specify_shape(x, (2,))
        with pytest.raises(ValueError, match="must have length 3"):
            pt.specify_shape(x, (3, 3))
        with pytest.raises(TypeError):
            pt.specify_shape(x, (2.5, 3))
        with pytest.raises(ValueError):
            pt.specify_broadcastable(x, 2)

    def test_value(self):
        x, n = pt.dmatrix("x"), pt.lscalar("n")
        out = pt.specify_shape(x, (n, None))
        assert evaluate(out, {x: X, n: np.array(2)}) is X
        with pytest.raises(AssertionError, match="dim 0 of input has shape 2, expected 3"):
            evaluate(out, {x: X, n: np.array(3)})
        check_infer_shape(out, {x: X, n: np.array(2)})
        check_infer_shape(pt.specify_shape(x, (None, 3)), {x: X})

    def test_derivative_and_batch(self):
        verify_grad(lambda x: pt.specify_shape(x, (2, None)) ** 2, [X], rng=rng)
        x, bx = pt.dmatrix("x"), pt.dtensor3("bx")
        out = vectorize_graph(pt.specify_shape(x, (2, None)), {x: bx})
        assert out.type.shape == (None, 2, None)
        assert isinstance(out.owner.op, SpecifyShape)


def test_padding():
    x = pt.dmatrix("x")
    assert pt.shape_padleft(x, 2).type.shape == (1, 1, None, None)
    assert pt.shape_padright(x).type.shape == (None, None, 1)
    assert pt.shape_padaxis(x, 1).type.shape == (None, 1, None)
    assert pt.shape_padaxis(x, -1).type.shape == (None, None, 1)
    with pytest.raises(IndexError):
        pt.shape_padaxis(x, 3)


def test_lengths_are_static_where_computable():
    x = pt.dmatrix(shape=(2, None))
    n = x.shape[0]
    out = pt.zeros((n + 1, n * 2, pt.maximum(n, 3), x.shape[1]))
    assert out.type.shape == (3, 4, 3, None)
