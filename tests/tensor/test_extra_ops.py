"""Array functions against NumPy, with shapes, gradients and batches."""

import numpy as np
import pytest
from tensor_checks import check_gradient, check_shapes, check_vectorize, evaluate

import pytensor.tensor as pt
from pytensor import config, function
from pytensor.tensor.extra_ops import (
    CumOp,
    bartlett,
    bincount,
    broadcast_arrays,
    broadcast_shape,
    broadcast_shape_iter,
    broadcast_to,
    compress,
    concat_with_broadcast,
    cumprod,
    cumsum,
    diff,
    fill_diagonal,
    fill_diagonal_offset,
    geomspace,
    linspace,
    logspace,
    ravel_multi_index,
    repeat,
    searchsorted,
    squeeze,
    to_one_hot,
    unique,
    unravel_index,
)

RNG = np.random.default_rng(40)
X = RNG.normal(size=(3, 4, 2))


def compare(ours, theirs, *values, shapes=True):
    inputs = [
        pt.tensor(dtype=v.dtype.name, shape=(None,) * v.ndim) for v in map(np.asarray, values)
    ]
    givens = dict(zip(inputs, values, strict=True))
    outputs, expected = ours(*inputs), theirs(*values)
    outputs = outputs if isinstance(outputs, list | tuple) else [outputs]
    expected = expected if isinstance(expected, list | tuple) else [expected]
    for out, exp in zip(outputs, expected, strict=True):
        value = evaluate(out, givens)
        np.testing.assert_allclose(value, exp)
        assert value.shape == np.shape(exp)
        if shapes:
            check_shapes(out, givens)


@pytest.mark.parametrize("axis", [None, 0, 1, -1])
def test_cumulative(axis):
    compare(lambda x: cumsum(x, axis), lambda x: np.cumsum(x, axis), X)
    compare(lambda x: cumprod(x, axis), lambda x: np.cumprod(x, axis), X)
    check_gradient(lambda x: cumsum(x, axis) ** 2, [X])
    check_gradient(lambda x: cumprod(x, axis), [X])
    if axis is not None:
        check_vectorize(lambda x: cumsum(x, axis), [X], batched=[0])


@pytest.mark.parametrize("zeros", [[0], [1], [1, 3], [0, 1], [4]])
def test_cumprod_gradient_at_zeros(zeros):
    x = np.array([2.0, 3.0, -1.0, 0.5, 4.0])
    x[zeros] = 0
    check_gradient(cumprod, [x], forward=False)


def test_cumop_checks():
    assert evaluate(cumprod(pt.constant([2, 3], dtype="int8")), {}).dtype == np.int8
    with pytest.raises(np.exceptions.AxisError):
        cumsum(pt.dvector(), axis=3)
    with pytest.raises(ValueError, match="Unknown mode"):
        CumOp(axis=0, mode="max")


@pytest.mark.parametrize("n", [0, 1, 2])
def test_diff(n):
    compare(lambda x: diff(x, n=n, axis=1), lambda x: np.diff(x, n=n, axis=1), X)
    check_gradient(lambda x: diff(x, n=n) ** 2, [X])
    compare(diff, np.diff, np.array([True, False, False]))


@pytest.mark.parametrize("axis", [None, 0, 1, -1])
def test_repeat(axis):
    compare(lambda x: repeat(x, 2, axis), lambda x: np.repeat(x, 2, axis), X)
    counts = np.arange(X.size if axis is None else X.shape[axis])
    compare(lambda x, r: repeat(x, r, axis), lambda x, r: np.repeat(x, r, axis), X, counts)
    check_gradient(lambda x: repeat(x, counts, axis) ** 2, [X])
    check_gradient(lambda x: repeat(x, 3, axis) ** 2, [X])
    n = pt.lscalar("n")
    np.testing.assert_array_equal(evaluate(repeat(X, n, axis), {n: 2}), np.repeat(X, 2, axis))


def test_repeat_errors():
    with pytest.raises(TypeError):
        repeat(pt.dvector(), pt.dvector())
    with pytest.raises(ValueError):
        repeat(pt.dvector(), pt.lmatrix())


def test_bincount():
    x, w = np.array([0, 2, 2, 5]), np.array([0.5, 1, 2, 3])
    compare(bincount, np.bincount, x)
    compare(lambda x: bincount(x, minlength=9), lambda x: np.bincount(x, minlength=9), x)
    compare(bincount, np.bincount, x, w)
    check_gradient(lambda w: bincount(pt.constant(x), weights=w) ** 2, [w])
    v = pt.lvector("v")
    with pytest.raises(AssertionError, match="negative"):
        evaluate(bincount(v, assert_nonneg=True), {v: [-1]})
    with pytest.raises(TypeError):
        bincount(pt.dvector())


@pytest.mark.parametrize("mode", ["FAST_RUN", "FAST_COMPILE"])
def test_length_of_unique(mode):
    """It is read off the result; to say so in terms of shape(x)[0] was rewritten for ever."""
    x = pt.vector("x")
    values = unique(x)
    f = function([x], [values.shape[0], (pt.exp(values) - values).shape[0]], mode=mode)
    assert f(np.array([3.0, 1.0, 3.0])) == [2, 2]


def test_unique():
    x = np.array([[3, 1, 3], [1, 1, 2], [3, 1, 3]])
    compare(unique, np.unique, x)
    flags = {"return_index": True, "return_inverse": True, "return_counts": True}
    compare(lambda x: unique(x, **flags), lambda x: np.unique(x, **flags), x)
    compare(lambda x: unique(x, axis=0), lambda x: np.unique(x, axis=0), x)
    check_gradient(lambda x: unique(x) ** 2, [np.array([3.0, 1.0, 2.0])], forward=False)


@pytest.mark.parametrize("side", ["left", "right"])
def test_searchsorted(side):
    v = np.array([[0.5, 2.0], [-1, 9]])
    compare(
        lambda x, v: searchsorted(x, v, side=side),
        lambda x, v: np.searchsorted(x, v, side=side),
        np.arange(4.0),
        v,
    )
    order = np.array([2, 0, 1])
    compare(
        lambda x, v, s: searchsorted(x, v, side, s),
        lambda x, v, s: np.searchsorted(x, v, side, s),
        np.array([2.0, 3.0, 1.0]),
        v,
        order,
    )
    check_vectorize(lambda x, v: searchsorted(x, v), [np.arange(4.0), v], batched=[1])
    check_vectorize(lambda x, v: searchsorted(x, v), [np.arange(4.0), v], batched=[0, 1])


def test_broadcasting():
    compare(broadcast_arrays, np.broadcast_arrays, np.zeros((2, 3)), np.ones(3), shapes=False)
    x, n = pt.dvector("x"), pt.lscalar("n")
    out = broadcast_to(x, (3, n))
    assert out.type.shape == (3, None)
    assert evaluate(out, {x: np.ones(2), n: 2}).shape == (3, 2)
    assert evaluate(broadcast_to(x, pt.stack([n, n])), {x: np.ones(2), n: 2}).shape == (2, 2)
    shape = broadcast_shape(np.zeros((1, 3)), np.zeros((2, 1)))
    assert [int(s.data) for s in shape] == [2, 3]
    with pytest.raises(ValueError, match="Could not broadcast"):
        broadcast_shape((2,), (3,), arrays_are_shapes=True)
    m = pt.dmatrix("m")
    lengths = broadcast_shape(x, m)
    assert [int(evaluate(k, {x: np.ones(3), m: np.ones((2, 3))})) for k in lengths] == [2, 3]
    with pytest.raises(AssertionError, match="Could not broadcast"):
        evaluate(lengths[1], {x: np.ones(1), m: np.ones((2, 3))})
    loose = broadcast_shape_iter([x, m], allow_runtime_broadcast=True)
    assert int(evaluate(loose[1], {x: np.ones(1), m: np.ones((2, 3))})) == 3
    with pytest.raises(AssertionError):
        evaluate(loose[1], {x: np.ones(2), m: np.ones((2, 3))})


def test_concat_with_broadcast():
    x, y = np.ones((1, 2)), np.zeros((3, 4))
    a, b = pt.drow("a"), pt.dmatrix("b")
    out = evaluate(concat_with_broadcast([a, b], axis=1), {a: x, b: y})
    np.testing.assert_array_equal(out, np.concatenate([np.ones((3, 2)), y], axis=1))
    with pytest.raises(ValueError):
        concat_with_broadcast([])
    with pytest.raises(TypeError):
        concat_with_broadcast([pt.dvector(), pt.dmatrix()])


def test_squeeze():
    x = pt.tensor("x", dtype="float64", shape=(1, None, 1))
    assert squeeze(x).type.shape == (None,)
    assert squeeze(x, axis=0).type.shape == (None, 1)
    assert squeeze(x, axis=(0, -1)).type.shape == (None,)
    y = pt.dmatrix("y")
    assert squeeze(y) is y
    with pytest.raises(ValueError):
        evaluate(squeeze(y, 0), {y: np.ones((2, 3))})
    with pytest.raises(np.exceptions.AxisError):
        squeeze(y, 5)


def test_compress():
    keep = np.array([0, 1, 1])
    compare(lambda c, x: compress(c, x, axis=0), lambda c, x: np.compress(c, x, axis=0), keep, X)
    compare(lambda c, x: compress(c, x), lambda c, x: np.compress(c, x), keep, X)


@pytest.mark.parametrize("order", ["C", "F"])
def test_flat_indices(order):
    flat = np.array([[0, 5], [11, 7]])
    compare(
        lambda i: unravel_index(i, (3, 4), order),
        lambda i: np.unravel_index(i, (3, 4), order),
        flat,
    )
    a, b = np.unravel_index(flat, (3, 4), order)
    compare(
        lambda a, b: ravel_multi_index((a, b), (3, 4), order=order),
        lambda a, b: np.ravel_multi_index((a, b), (3, 4), order=order),
        a,
        b,
    )
    compare(
        lambda a: ravel_multi_index((a, a), (3, 4), mode="wrap"),
        lambda a: np.ravel_multi_index((a, a), (3, 4), mode="wrap"),
        np.array([5, 6]),
    )
    v = pt.lvector("v")
    with pytest.raises(ValueError):
        evaluate(ravel_multi_index((v, v), (3, 4)), {v: [9]})
    with pytest.raises(TypeError):
        unravel_index(pt.dvector(), (3, 4))


@pytest.mark.parametrize("shape", [(3, 3), (3, 5), (5, 3), (3, 3, 3)])
def test_fill_diagonal(shape):
    x = RNG.normal(size=shape)

    def reference(a, v):
        a = a.copy()
        np.fill_diagonal(a, v)
        return a

    compare(fill_diagonal, reference, x, np.array(9.0))
    check_gradient(lambda a, v: fill_diagonal(a, v) ** 2, [x, np.array(2.0)], forward=False)


@pytest.mark.parametrize("offset", [-4, -1, 0, 2, 5])
def test_fill_diagonal_offset(offset):
    x = RNG.normal(size=(3, 4))
    rows = np.arange(3)[:, None]
    expected = np.where(np.arange(4) - rows == offset, 9.0, x)
    a = pt.dmatrix("a")
    np.testing.assert_array_equal(evaluate(fill_diagonal_offset(a, 9.0, offset), {a: x}), expected)
    check_gradient(
        lambda a, v: fill_diagonal_offset(a, v, offset) ** 2, [x, np.array(2.0)], forward=False
    )


@pytest.mark.parametrize("num", [0, 1, 2, 7])
@pytest.mark.parametrize("endpoint", [True, False])
def test_ranges(num, endpoint):
    keys = {"num": num, "endpoint": endpoint}
    for ours, theirs, lo, hi in (
        (linspace, np.linspace, 1.0, 3.5), (logspace, np.logspace, 0.0, 2.0),
        (geomspace, np.geomspace, 2.0, 1000.0), (geomspace, np.geomspace, -2.0, -1000.0),
    ):  # fmt: skip
        compare(
            lambda a, b: ours(a, b, **keys),
            lambda a, b: theirs(a, b, **keys),
            np.array(lo),
            np.array(hi),
        )
    n = pt.lscalar("n")
    np.testing.assert_allclose(
        evaluate(linspace(1, 2, n, endpoint=endpoint), {n: num}),
        np.linspace(1, 2, num, endpoint=endpoint),
    )
    values = np.array([1.0, 2.0]), np.array([3.0, 5.0])
    compare(
        lambda a, b: linspace(a, b, axis=1, **keys),
        lambda a, b: np.linspace(a, b, axis=1, **keys),
        *values,
    )


@pytest.mark.parametrize("floatX", ["float32", "float64"])
def test_spaced_python_numbers_are_floatX(floatX):
    with config.change_flags(floatX=floatX):
        for made in (linspace(0, 1, 5), logspace(0, 2, 3), geomspace(1, 100, 3)):
            assert made.type.dtype == floatX
    assert logspace(0, 3, 4, dtype="int64").type.dtype == "int64"
    np.testing.assert_array_equal(
        evaluate(logspace(0, 3, 4, dtype="int64"), {}), [1, 10, 100, 1000]
    )


def test_linspace_details():
    assert linspace(0, 1, 5).type.shape == (5,)
    assert evaluate(linspace(0, 10, 4, dtype="int64"), {}).tolist() == [0, 3, 6, 10]
    _, step = linspace(0.0, 1.0, 5, retstep=True)
    assert evaluate(step, {}) == 0.25
    assert linspace(np.float32(0), np.float32(1), 3).type.dtype == "float32"
    check_gradient(
        lambda a, b: linspace(a, b, 4) ** 2, [np.array(1.0), np.array(2.0)], forward=False
    )
    with pytest.raises(ValueError):
        linspace(0, 1, -1)


def test_windows_and_one_hot():
    n = pt.lscalar("n")
    np.testing.assert_allclose(evaluate(bartlett(n), {n: 5}), np.bartlett(5))
    with pytest.raises(TypeError):
        bartlett(pt.dscalar())
    v = pt.lvector("v")
    np.testing.assert_array_equal(evaluate(to_one_hot(v, 3), {v: [2, 0]}), np.eye(3)[[2, 0]])
