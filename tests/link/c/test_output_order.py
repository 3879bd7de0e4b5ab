"""Elementwise results lie as their inputs do (NumPy's order "K"); what reads them copes with it."""

import itertools

import numpy as np
import pytest

import pytensor
import pytensor.tensor as pt
from tests.link.c.graphs import make

rng = np.random.default_rng(11)


@pytest.fixture(scope="module")
def add():
    x, y = pt.tensor3("x"), pt.tensor3("y")
    return make([x, y], [x + y, pt.exp(x) * y + 1])


@pytest.mark.parametrize("shape", [(4, 5, 6), (70, 3, 40), (33, 1, 64), (2, 100, 100)])
def test_layout_of_numpy(add, shape):
    """Equal, and quarrelling orders of axes: C order decides."""
    orders = list(itertools.permutations(range(3)))
    for first, second in itertools.product(orders, orders):
        x, y = (
            np.ascontiguousarray(rng.normal(size=shape).transpose(p)).transpose(np.argsort(p))
            for p in (first, second)
        )
        want = x + y
        total, other = add(x, y)
        np.testing.assert_array_equal(total, want)
        np.testing.assert_allclose(other, np.exp(x) * y + 1, rtol=1e-13, atol=1e-13)
        lengths = [k for k in range(3) if shape[k] > 1]
        assert [total.strides[k] for k in lengths] == [want.strides[k] for k in lengths]
        assert other.strides == total.strides


@pytest.mark.parametrize("dtype", ["int8", "int16", "float32", "float64", "complex128"])
@pytest.mark.parametrize("shape", [(100, 100), (17, 70), (8, 8), (64, 9), (5, 300), (130, 31)])
def test_transposed_operand(dtype, shape):
    """One operand along rows, the other along columns: tiles of every size are turned."""
    x, y = pt.matrix("x", dtype=dtype), pt.matrix("y", dtype=dtype)
    program = make([x, y], [x.T + y, (x.T * y).sum(axis=0), (x.T * y).sum(axis=1)])
    a = rng.integers(-5, 5, shape[::-1]).astype(dtype)
    b = rng.integers(-5, 5, shape).astype(dtype)
    for left in (a, a[::-1], np.repeat(a, 2, axis=1)[:, ::2], np.repeat(a, 3, axis=0)[::3]):
        got = program(left, b)
        np.testing.assert_array_equal(got[0], left.T + b)
        np.testing.assert_array_equal(got[1], (left.T * b).sum(axis=0))
        np.testing.assert_array_equal(got[2], (left.T * b).sum(axis=1))


def test_readers_of_results_in_fortran_order():
    """Views, products, Python steps, in-place updates and chains of buffers read such a value."""
    x, w = pt.matrix("x"), pt.matrix("w")
    h = pt.tanh(x)
    outs = [
        h @ w,
        h.reshape((-1,)),
        h[1:].T + 1,
        pt.set_subtensor(h[0], 3.0),
        pt.linalg.svd(h, compute_uv=False),
        pt.cumsum(h, axis=1),
        pt.special.softmax(h * 2, axis=1),
        (pt.exp(h) - h).sum(axis=0),
        pt.concatenate([h, h], axis=0),
    ]
    program = make([x, w], outs)
    a, b = rng.normal(size=(6, 9)), rng.normal(size=(9, 4))
    want = program(a, b)
    for layout in (np.asfortranarray(a), np.asfortranarray(a[::-1])[::-1]):
        for got, expected in zip(program(layout, b), want, strict=True):
            np.testing.assert_allclose(got, expected, rtol=1e-13)


def test_updates_and_loops_in_fortran_order():
    s = pytensor.shared(np.asfortranarray(rng.normal(size=(5, 7))), borrow=False)
    start = s.get_value()
    step = pytensor.function([], s.sum(), updates={s: s * 2 + 1})
    for _ in range(3):
        np.testing.assert_allclose(step(), start.sum())
        start = start * 2 + 1
    x = pt.matrix("x")
    ys = pytensor.scan(lambda h: pt.tanh(h) * 2, outputs_info=[x], n_steps=4, return_updates=False)
    f = pytensor.function([x], ys)
    a = rng.normal(size=(5, 7))
    np.testing.assert_array_equal(f(np.asfortranarray(a)), f(a))
