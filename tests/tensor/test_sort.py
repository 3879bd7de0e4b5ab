"""Sorting against NumPy."""

import numpy as np
import pytest
from tensor_checks import check_gradient, check_shapes, check_vectorize, evaluate

import pytensor.tensor as pt
from pytensor.tensor.sort import argsort, argtopk, sort, topk

X = np.random.default_rng(41).normal(size=(3, 4, 2))


@pytest.mark.parametrize("axis", [None, 0, 1, -1])
@pytest.mark.parametrize("kind", [None, "stable", "heapsort"])
def test_sort(axis, kind):
    x = pt.dtensor3("x")
    for ours, theirs in ((sort, np.sort), (argsort, np.argsort)):
        out = ours(x, axis=axis, kind=kind)
        value = evaluate(out, {x: X})
        np.testing.assert_array_equal(value, theirs(X, axis=axis, kind=kind))
        check_shapes(out, {x: X})
    assert argsort(x).type.dtype == "int64"
    check_gradient(lambda x: sort(x, axis=axis, kind=kind) ** 2, [X])
    if axis is not None:
        check_vectorize(lambda x: sort(x, axis=axis), [X], batched=[0])


def test_sort_arguments():
    x = pt.dvector("x")
    with pytest.raises(ValueError, match="kind"):
        sort(x, kind="foo")
    with pytest.raises(ValueError, match="same time"):
        sort(x, kind="stable", stable=True)
    with pytest.raises(ValueError, match="order"):
        sort(x, order="a")
    with pytest.raises(TypeError, match="constant"):
        argsort(x, axis=pt.lscalar())
    with pytest.raises(np.exceptions.AxisError):
        sort(x, axis=2)
    assert sort(x, axis=pt.constant(0)).owner.op.axis == 0
    assert argsort(x, stable=True).owner.op.kind == "stable"


def test_gradient_with_ties():
    x = pt.dvector("x")
    from pytensor.gradient import grad

    g = evaluate(grad((sort(x) * pt.arange(4)).sum(), x), {x: [1.0, 0.0, 1.0, 0.0]})
    assert sorted(g.tolist()) == [0, 1, 2, 3]


@pytest.mark.parametrize("axis", [0, -1])
def test_topk(axis):
    x = pt.dmatrix("x")
    value = X[..., 0]
    biggest = -np.sort(-value, axis=axis)
    taken = np.take(biggest, [0, 1], axis=axis)
    np.testing.assert_array_equal(evaluate(topk(x, 2, axis=axis), {x: value}), taken)
    where = evaluate(argtopk(x, 2, axis=axis), {x: value})
    np.testing.assert_array_equal(np.take_along_axis(value, where, axis=axis), taken)
    smallest = np.take(np.sort(value, axis=axis), [0], axis=axis)
    np.testing.assert_array_equal(evaluate(topk(x, -1, axis=axis), {x: value}), smallest)
