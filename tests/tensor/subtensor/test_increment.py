"""Writing: set_subtensor and inc_subtensor do what NumPy's assignments do."""

import numpy as np
import pytest
from tensor_checks import check_gradient, check_shapes, check_vectorize, evaluate

import pytensor.tensor as pt
from pytensor.tensor.subtensor import (
    AdvancedIncSubtensor,
    IncSubtensor,
    advanced_inc_subtensor1,
    advanced_set_subtensor1,
    inc_subtensor,
    set_subtensor,
)

RNG = np.random.default_rng(21)
X = RNG.normal(size=(5, 4, 3))
s_ = np.s_
INDICES = [
    s_[0],
    s_[1:3],
    s_[::-2, 1],
    s_[..., -1],
    s_[:, 1:, ::-1],
    s_[()],
    s_[2, 3, 1],
    s_[:0],
    s_[[0, 2]],
    s_[:, [0, 3]],
    s_[[0, 1], :, [2, 0]],
    s_[X[..., 0] > 0],
    s_[X > 0],
    s_[1:, [0, 2]],
    s_[[[0, 1], [2, 3]], 1],
]


def expected_update(x, index, y, add):
    out = x.copy()
    if add:
        np.add.at(out, index, y)
    else:
        out[index] = y
    return out


@pytest.mark.parametrize("add", [True, False])
@pytest.mark.parametrize("index", INDICES, ids=str)
def test_value_shape_gradient(index, add):
    update = inc_subtensor if add else set_subtensor
    y_value = RNG.normal(size=X[index].shape)
    x, y = pt.dtensor3("x"), pt.tensor("y", dtype="float64", shape=(None,) * y_value.ndim)
    out = update(x[index], y)
    before = X.copy()
    np.testing.assert_allclose(
        evaluate(out, {x: before, y: y_value}), expected_update(X, index, y_value, add)
    )
    np.testing.assert_array_equal(before, X)
    check_shapes(out, {x: X, y: y_value})
    scalar = evaluate(update(x[index], 2.0), {x: X})
    np.testing.assert_allclose(scalar, expected_update(X, index, 2.0, add))
    check_gradient(lambda x, y: update(x[index], y) ** 2, [X, y_value])


@pytest.mark.parametrize("add", [True, False])
def test_broadcast_value_gradient(add):
    update = inc_subtensor if add else set_subtensor
    row = RNG.normal(size=(1, 3))
    check_gradient(lambda x, y: update(x[1:3], y) ** 2, [X, row])
    check_gradient(lambda x, y: update(x[[0, 2]], y) ** 2, [X, row])
    check_gradient(lambda x, y: update(x[0], y) ** 2, [X, RNG.normal(size=3)])
    check_gradient(lambda x, y: update(x[:, [1, 2]], y) ** 2, [X, np.array(0.5)])


def test_repeated_indices():
    x, v = pt.dvector("x"), pt.lvector("v")
    givens = {x: np.zeros(3), v: [0, 0, 2]}
    assert evaluate(inc_subtensor(x[v], 1.0), givens).tolist() == [2, 0, 1]
    assert evaluate(inc_subtensor(x[v], 1.0, ignore_duplicates=True), givens).tolist() == [1, 0, 1]
    assert evaluate(advanced_inc_subtensor1(x, [1.0, 2.0, 3.0], v), givens).tolist() == [3, 0, 3]
    assert evaluate(advanced_set_subtensor1(x, 7.0, v), givens).tolist() == [7, 0, 7]


def test_gradient_with_repeated_indices():
    index = [0, 0, 2]
    check_gradient(lambda x, y: inc_subtensor(x[index], y) ** 2, [X[:, 0, 0], np.ones(3)])
    check_gradient(lambda x: x[index] ** 2, [X])


def test_methods():
    x = pt.dvector("x")
    assert evaluate(x[:1].set(5.0), {x: np.zeros(2)}).tolist() == [5, 0]
    assert evaluate(x[[1, 1]].inc(1.0), {x: np.zeros(2)}).tolist() == [0, 2]


def test_through_reshaped_and_transposed():
    x = pt.dtensor3("x")
    y = RNG.normal(size=(3, 4))
    out = evaluate(set_subtensor(x[1].T, y), {x: X})
    expected = X.copy()
    expected[1] = y.T
    np.testing.assert_array_equal(out, expected)
    rows = RNG.normal(size=(2, 4, 3))
    turned = x.dimshuffle(1, 0, 2)
    out = evaluate(
        set_subtensor(turned[[0, 2]].dimshuffle(1, 0, 2), rows[:, [0, 1]][[0] * 5]), {x: X}
    )
    again = X.copy()
    again[:, [0, 2]] = rows[0, [0, 1]]
    np.testing.assert_array_equal(out, again)
    flat = RNG.normal(size=12)
    out = evaluate(set_subtensor(x[1].reshape((12,)), flat), {x: X})
    expected[1] = flat.reshape(4, 3)
    np.testing.assert_array_equal(out, expected)


def test_errors():
    x = pt.dtensor3("x")
    with pytest.raises(TypeError, match="must be the result of a subtensor"):
        inc_subtensor(x, 1.0)
    with pytest.raises(TypeError, match="Trying to increment a 2-dimensional"):
        inc_subtensor(x[0], pt.dtensor3())
    with pytest.raises(TypeError, match="real"):
        set_subtensor(x[0], pt.zmatrix())
    fixed = pt.tensor("x", dtype="float64", shape=(5, 4, 3))
    with pytest.raises(ValueError, match="broadcast"):
        set_subtensor(fixed[0], pt.tensor(dtype="float64", shape=(2, 3)))
    y = pt.dmatrix("y")
    with pytest.raises(ValueError):
        evaluate(set_subtensor(x[0], y), {x: X, y: np.zeros((2, 3))})


def test_runtime_broadcast_of_advanced_index():
    x, y, v = pt.dmatrix("x"), pt.dmatrix("y"), pt.lvector("v")
    out = set_subtensor(x[v], y)
    with pytest.raises(ValueError, match="Runtime broadcasting not allowed"):
        evaluate(out, {x: X[0], y: np.ones((1, 3)), v: [0, 1]})
    assert evaluate(out, {x: X[0], y: np.ones((1, 3)), v: [0]})[0].tolist() == [1, 1, 1]


def test_inplace():
    x, v = pt.dvector("x"), pt.lvector("v")
    op = IncSubtensor((slice(None, 0),), inplace=True, set_instead_of_inc=True)
    assert op.destroy_map == {0: [0]}
    assert not hasattr(IncSubtensor((0,)), "destroy_map") or not IncSubtensor((0,)).destroy_map
    value = np.zeros(3)
    result = evaluate(op(x, 1.0, 2), {x: value})
    assert result is value and value.tolist() == [1, 1, 0]
    op = AdvancedIncSubtensor((0,)).inplace_on_inputs([0])
    assert op.inplace and op.destroy_map == {0: [0]}
    evaluate(op(x, 1.0, v), {x: value, v: [2, 2]})
    assert value.tolist() == [1, 1, 2]
    plain = IncSubtensor((0,))
    assert plain.inplace_on_inputs([1]) is plain and plain.inplace_on_inputs([0]).inplace


def test_integer_dtypes():
    x = pt.lvector("x")
    assert evaluate(set_subtensor(x[:1], 1.5), {x: [4, 5]}).tolist() == [1, 5]
    with pytest.raises(TypeError):
        evaluate(inc_subtensor(x[:1], 1.5), {x: [4, 5]})


def test_equality():
    a = IncSubtensor((slice(0, None),), set_instead_of_inc=True)
    b = IncSubtensor((slice(0, None),), set_instead_of_inc=True)
    assert a == b and hash(a) == hash(b) and a != IncSubtensor((slice(0, None),))
    assert AdvancedIncSubtensor((0,)) != AdvancedIncSubtensor((0,), inplace=True)


@pytest.mark.parametrize("batched", [[0], [1], [0, 1]])
@pytest.mark.parametrize(
    "index", [s_[1:3], s_[0, 1], s_[[0, 2]], s_[:, [0, 3]], s_[[0, 1], :, [2, 0]]], ids=str
)
def test_vectorize(index, batched):
    y = RNG.normal(size=X[index].shape)
    check_vectorize(lambda x, y: set_subtensor(x[index], y), [X, y], batched=batched)
    low = y[0] if y.ndim > 1 else y
    check_vectorize(lambda x, y: inc_subtensor(x[index], y), [X, low], batched=batched)


def test_vectorize_over_index():
    i = np.array([0, 2])
    check_vectorize(lambda x, i: set_subtensor(x[i], 1.0), [X, i], batched=[1])
    check_vectorize(lambda x, i: inc_subtensor(x[i[0]], 1.0), [X, i], batched=[0, 1])
