"""Joining, splitting, packing."""

import numpy as np
import pytest
from tensor_checks import check_gradient, check_shapes, check_vectorize, evaluate

import pytensor.tensor as pt
from pytensor.tensor.reshape import JoinDims, join_dims, pack, split_dims, unpack

X = np.random.default_rng(43).normal(size=(2, 3, 4))


@pytest.mark.parametrize("start, n", [(0, None), (1, 2), (0, 2), (2, 0), (3, 0), (-2, 2), (0, 0)])
def test_join_dims(start, n):
    x = pt.dtensor3("x")
    out = join_dims(x, start, n)
    s = start % 3 if start < 0 else start
    count = 3 - s if n is None else n
    shape = (*X.shape[:s], int(np.prod(X.shape[s : s + count])), *X.shape[s + count :])
    np.testing.assert_array_equal(evaluate(out, {x: X}), X.reshape(shape))
    check_shapes(out, {x: X})
    assert join_dims(pt.tensor(shape=X.shape), start, n).type.shape == shape
    check_gradient(lambda x: join_dims(x, start, n) ** 2, [X])
    check_vectorize(lambda x: join_dims(x, start, n), [X], batched=[0])


def test_join_dims_details():
    x = pt.dtensor3("x")
    assert join_dims(x, 1, 1) is x
    assert np.shares_memory(evaluate(join_dims(x), {x: X}), X)
    with pytest.raises(IndexError):
        join_dims(x, 4)
    with pytest.raises(ValueError, match="at most"):
        join_dims(x, 2, 3)
    assert JoinDims(0, 2) == JoinDims(0, 2)


@pytest.mark.parametrize("shape", [(2, 6), (3, -1), (-1,), (1, 12), (2, 2, 3)])
@pytest.mark.parametrize("symbolic", [False, True])
def test_split_dims(shape, symbolic):
    value = np.random.default_rng(1).normal(size=(2, 12, 3))
    expected = value[:, :12].reshape(2, *np.zeros(12).reshape(shape).shape, 3)
    x = pt.dtensor3("x")
    givens = {x: value}
    lengths = shape
    if symbolic:
        n = pt.lscalar("n")
        givens[n] = shape[0]
        lengths = (n, *shape[1:])
    out = split_dims(x, lengths, axis=1)
    np.testing.assert_array_equal(evaluate(out, givens), expected)
    check_shapes(out, givens)
    check_gradient(lambda x: split_dims(x, shape, axis=1) ** 2, [value])
    check_vectorize(lambda x: split_dims(x, shape, axis=-2), [value], batched=[0])


def test_split_dims_details():
    fixed = pt.tensor(shape=(6, 2))
    assert split_dims(fixed, (2, -1)).type.shape == (2, 3, 2)
    assert split_dims(pt.tensor(shape=(1, 2)), ()).type.shape == (2,)
    assert split_dims(pt.dvector(), 5).type.shape == (5,)
    for bad in ((4, 2), (4, -1), (-1, -1)):
        with pytest.raises(ValueError):
            split_dims(fixed, bad)
    with pytest.raises(TypeError):
        split_dims(fixed, pt.dvector())
    x = pt.dvector("x")
    with pytest.raises(ValueError):
        evaluate(split_dims(x, (2, 2)), {x: np.ones(5)})
    assert evaluate(split_dims(x, (2, -1)), {x: np.ones(0)}).shape == (2, 0)


def test_pack_and_unpack():
    values = [X, np.array(5.0), np.arange(4.0)]
    inputs = [pt.tensor(dtype="float64", shape=(None,) * v.ndim) for v in values]
    givens = dict(zip(inputs, values, strict=True))
    packed, shapes = pack(*inputs)
    np.testing.assert_array_equal(
        evaluate(packed, givens), np.concatenate([v.ravel() for v in values])
    )
    for out, v in zip(unpack(packed, shapes), values, strict=True):
        np.testing.assert_array_equal(evaluate(out, givens), v)
    fixed = [pt.tensor(dtype="float64", shape=v.shape) for v in values]
    packed, shapes = pack(*fixed)
    assert packed.type.shape == (29,)
    assert [u.type.shape for u in unpack(packed, shapes)] == [v.shape for v in values]


@pytest.mark.parametrize("keep", [0, [0], -1, [0, -1]])
def test_pack_keeping_axes(keep):
    values = [X, X[:, :1] + 1]
    inputs = [pt.tensor(dtype="float64", shape=(None,) * v.ndim) for v in values]
    givens = dict(zip(inputs, values, strict=True))
    packed, shapes = pack(*inputs, keep_axes=keep)
    axes = [keep] if isinstance(keep, int) else keep
    assert packed.type.ndim == 1 + len(axes)
    for out, v in zip(unpack(packed, shapes, keep_axes=keep), values, strict=True):
        np.testing.assert_array_equal(evaluate(out, givens), v)
    with pytest.raises(ValueError):
        pack(*inputs, keep_axes=[1])
