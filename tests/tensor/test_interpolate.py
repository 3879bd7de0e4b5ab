"""Interpolation against NumPy and SciPy."""

import numpy as np
import pytest
import scipy.interpolate

import pytensor
import pytensor.tensor as pt
from pytensor.gradient import verify_grad

RNG = np.random.default_rng(3)
X = np.array([0.0, 1.0, 3.0, 4.0])
Y = np.array([1.0, 2.0, 0.0, 5.0])
QUERIES = np.array([-1, 0, 0.4, 0.5, 0.6, 1, 2, 2.5, 3, 3.9, 4, 7])
METHODS = ["linear", "nearest", "first", "last", "mean"]
# At `QUERIES`, worked out by hand; outside the interval with extrapolation.
VALUES = {
    "linear": [0, 1, 1.4, 1.5, 1.6, 2, 1, 0.5, 0, 4.5, 5, 20],
    "nearest": [1, 1, 1, 1, 2, 2, 2, 0, 0, 5, 5, 5],
    "first": [1, 1, 1, 1, 1, 1, 2, 2, 2, 0, 0, 5],
    "last": [1, 1, 2, 2, 2, 2, 0, 0, 0, 5, 5, 5],
    "mean": [1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1, 1, 1, 2.5, 2.5, 2.5],
}


def compiled(inputs, outputs):
    return [pytensor.function(inputs, outputs, mode=mode) for mode in (None, "PY")]


@pytest.mark.parametrize("method", METHODS)
def test_methods(method):
    x, y, q = pt.vector("x"), pt.vector("y"), pt.matrix("q")
    outs = [
        pt.interpolate1d(x, y, method)(q),
        pt.interpolate1d(x, y, method, extrapolate=False)(q),
        pt.interpolate1d(x, y, method, -10, 10, extrapolate=False)(q),
        pt.interpolate1d(X, Y, method)(QUERIES),
    ]
    want = np.array(VALUES[method])
    inside, padded = want.copy(), want.copy()
    inside[[0, -1]] = Y[0], Y[-1]
    padded[[0, -1]] = -10, 10
    for f in compiled([x, y, q], outs):
        for order in ([0, 1, 2, 3], [2, 0, 3, 1]):
            got = f(X[order], Y[order], QUERIES.reshape(3, 4))
            np.testing.assert_allclose(got[0].ravel(), want)
            np.testing.assert_allclose(got[1].ravel(), inside)
            np.testing.assert_allclose(got[2].ravel(), padded)
            np.testing.assert_allclose(got[3], want)


def test_linear_is_scipys():
    x, y = np.sort(RNG.normal(size=20)), RNG.normal(size=20)
    q = RNG.normal(size=(5, 6)) * 2
    want = scipy.interpolate.interp1d(x, y, fill_value="extrapolate")(q)
    np.testing.assert_allclose(pt.interpolate1d(x, y)(q).eval(), want, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("kwargs", [{}, {"left": -3.0}, {"right": 9.0}, {"left": 2, "right": 1}])
def test_interp(kwargs):
    x, xp, fp = pt.vector("x"), pt.vector("xp"), pt.vector("fp")
    for f in compiled([x, xp, fp], pt.interp(x, xp, fp, **kwargs)):
        a, b = np.sort(RNG.normal(size=9)), RNG.normal(size=9)
        q = np.concatenate([RNG.normal(size=30) * 2, a, [np.nan, np.inf, -np.inf]])
        np.testing.assert_allclose(f(q, a, b), np.interp(q, a, b, **kwargs), atol=1e-13)
        q = q[~np.isnan(q)]  # of which NumPy makes fp[0] where there is one point
        for n in (1, 2):
            np.testing.assert_allclose(f(q, a[:n], b[:n]), np.interp(q, a[:n], b[:n], **kwargs))


@pytest.mark.parametrize("period", [3, 2.5, -4.0])
def test_period(period):
    q = np.linspace(-9, 9, 41)
    want = np.interp(q, X, Y, period=period)
    if period != 2.5:  # 0 and 3 or 4 are one point: which one counts is not told
        keep = np.abs(q % period) > 1e-9
        q, want = q[keep], want[keep]
    np.testing.assert_allclose(pt.interp(q, X, Y, period=period).eval(), want, atol=1e-12)


def test_nan_stays_nan():
    for method in METHODS:
        assert np.isnan(pt.interpolate1d(X, Y, method)(np.array([np.nan])).eval()).all()


def test_gradient():
    q = np.array([-0.7, 0.3, 1.7, 2.2, 3.8, 5.1])
    for method in ("linear", "nearest", "mean"):
        verify_grad(lambda q, x, y, m=method: pt.interpolate1d(x, y, m)(q), [q, X, Y], rng=RNG)
    verify_grad(lambda q, x, y: pt.interp(q, x, y), [q, X, Y], rng=RNG)
    verify_grad(lambda q, x, y: pt.interp(q, x, y, period=4.5), [q, X, Y], rng=RNG)


def test_gradient_has_no_nan_at_one_point():
    x, y = pt.vector("x"), pt.vector("y")
    g = pt.grad(pt.interp(np.array([1.0]), x, y).sum(), [x, y])
    dx, dy = pytensor.function([x, y], g)(np.array([1.0]), np.array([2.0]))
    np.testing.assert_array_equal(dx, [0])
    np.testing.assert_array_equal(dy, [1])


def test_dtypes_and_scalars():
    assert pt.interp(2.5, X, Y).eval() == 0.5
    f32 = np.float32
    assert pt.interp(f32([2]), f32([0, 3]), f32([1, 5])).eval().dtype == "float32"
    np.testing.assert_allclose(pt.interp([2], [0, 3], [1, 5]).eval(), [11 / 3])
    assert pt.interp(np.zeros(0), X, Y).eval().shape == (0,)


@pytest.mark.parametrize(
    "make, error, message",
    [
        (lambda: pt.interpolate1d(X, Y, "linera"), NotImplementedError, "method must be one of"),
        (lambda: pt.interpolate1d(pt.matrix(), Y), ValueError, "must be 1d"),
        (lambda: pt.interp(1.0, X, Y[:2]), ValueError, "must have one length"),
        (lambda: pt.interp(1.0, X[:0], Y[:0]), ValueError, "must not be empty"),
        (lambda: pt.interp(1.0, X, Y, period=0), ValueError, "period must be"),
    ],
)
def test_errors(make, error, message):
    with pytest.raises(error, match=message):
        make()
