"""Special functions against SciPy."""

import numpy as np
import pytest
import scipy.special as sp
from tensor_checks import check_gradient, check_shapes, check_vectorize, evaluate

import pytensor.tensor as pt
from pytensor.tensor import special

X = np.random.default_rng(42).normal(size=(3, 4)) * 3


@pytest.mark.parametrize("axis", [None, 0, -1, (0, 1)])
@pytest.mark.parametrize("name", ["softmax", "log_softmax", "logsumexp"])
def test_softmax_family(name, axis):
    x = pt.dmatrix("x")
    ours, theirs = getattr(special, name), getattr(sp, name)
    out = ours(x, axis=axis)
    np.testing.assert_allclose(evaluate(out, {x: X}), theirs(X, axis=axis))
    check_shapes(out, {x: X})
    check_gradient(lambda x: ours(x, axis=axis), [X])
    check_vectorize(lambda x: ours(x, axis=axis), [X], batched=[0], rtol=1e-9)


def test_softmax_extremes():
    x = pt.dvector("x")
    assert evaluate(special.softmax(x), {x: [1e4, 0.0]}).tolist() == [1, 0]
    assert evaluate(special.softmax(x), {x: [-np.inf, 0.0]}).tolist() == [0, 1]
    np.testing.assert_allclose(evaluate(special.log_softmax(x), {x: [1e4, 0.0]}), [0, -1e4])
    assert np.isnan(evaluate(special.softmax(x), {x: [np.nan, 0.0]})).all()
    assert evaluate(special.softmax(x), {x: []}).shape == (0,)
    single = pt.fvector("s")
    assert evaluate(special.softmax(single), {single: [1, 2]}).dtype == np.float32
    assert special.softmax(pt.lvector()).type.dtype == "float64"
    assert special.softmax(pt.dmatrix()).owner.op.axis == (0, 1)


def test_logsumexp_extremes():
    x = pt.dvector("x")
    assert evaluate(special.logsumexp(x), {x: [1e4, 1e4]}) == 1e4 + np.log(2)
    assert evaluate(special.logsumexp(x), {x: [-np.inf, -np.inf]}) == -np.inf
    assert evaluate(special.logsumexp(x), {x: [np.inf, 0]}) == np.inf
    assert special.logsumexp(pt.dmatrix(), axis=0, keepdims=True).type.shape == (1, None)


def test_logaddexp():
    x, y = pt.dvector("x"), pt.dvector("y")
    a = np.array([1.0, -np.inf, 1e4, -np.inf, np.inf, 2.0])
    b = np.array([2.0, 3.0, 1e4, -np.inf, np.inf, -1e4])
    np.testing.assert_allclose(
        evaluate(special.logaddexp(x, y), {x: a, y: b}), np.logaddexp(a, b), rtol=1e-12
    )
    check_gradient(special.logaddexp, [X[0], X[1]], forward=False)
    check_gradient(special.logaddexp, [np.ones(2), np.ones(2)], forward=False)
    np.testing.assert_allclose(
        evaluate(special.logaddexp(x, y, x), {x: X[0], y: X[1]}),
        sp.logsumexp([X[0], X[1], X[0]], axis=0),
    )


@pytest.mark.parametrize("name", ["poch", "beta", "betaln", "xlogy", "xlog1py"])
def test_binary(name):
    a, b = np.array([0.5, 2.0, 3.5]), np.array([1.5, 0.3, 2.0])
    check_gradient(getattr(special, name), [a, b], forward=False)
    x, y = pt.dvector("x"), pt.dvector("y")
    value = evaluate(getattr(special, name)(x, y), {x: a, y: b})
    np.testing.assert_allclose(value, getattr(sp, name)(a, b))


def test_zero_times_log():
    x, y = pt.dvector("x"), pt.dvector("y")
    values = {x: [0.0, 0.0, 1.0], y: [0.0, -1.0, 0.0]}
    np.testing.assert_array_equal(evaluate(special.xlogy(x, y), values), [0, 0, -np.inf])
    assert evaluate(special.xlog1py(x, y), {x: [0.0], y: [-1.0]}).tolist() == [0]
    single = pt.fvector("f")
    assert special.xlogy(single, single).type.dtype == "float32"


def test_unary():
    n, x = pt.lvector("n"), pt.dvector("x")
    np.testing.assert_allclose(evaluate(special.factorial(n), {n: [0, 3, 5]}), [1, 6, 120])
    p = np.array([0.1, 0.5, 0.9])
    np.testing.assert_allclose(evaluate(special.logit(x), {x: p}), sp.logit(p), atol=1e-14)
