"""Reading: every kind of index gives what NumPy gives."""

import numpy as np
import pytest
from tensor_checks import check_gradient, check_shapes, check_vectorize, evaluate

import pytensor.tensor as pt
from pytensor.tensor.subtensor import (
    AdvancedSubtensor,
    Subtensor,
    as_index_literal,
    basic_shape,
    flatten_index_variables,
    flip,
    get_canonical_form_slice,
    get_idx_list,
    indices_from_subtensor,
    slice_at_axis,
    slice_len,
    slice_static_length,
    take,
    unflatten_index_variables,
)

RNG = np.random.default_rng(20)
X = RNG.normal(size=(5, 4, 3))
MASK0 = np.array([True, False, True, True, False])
MASK01 = X[..., 0] > 0

s_ = np.s_
BASIC = [
    s_[0],
    s_[-1],
    s_[4],
    s_[-5],
    s_[1:3],
    s_[1:3, 2],
    s_[::-1],
    s_[::-2],
    s_[3:0:-1],
    s_[:, ::2],
    s_[-2:],
    s_[:-2],
    s_[10:],
    s_[:10],
    s_[-10:2],
    s_[3:1],
    s_[..., -1],
    s_[1, ..., 0],
    s_[...],
    s_[()],
    s_[None],
    s_[:, None],
    s_[..., None],
    s_[0, None, :, None, 1],
    s_[1, 2, 0],
    s_[4:0:-3, 1:],
    s_[:0],
    s_[:, :, -1:-3:-1],
    s_[2:2],
    s_[:, 1:100:2, ::-1],
]
ADVANCED = [
    s_[[0, 2]],
    s_[:, [0, 1, 1]],
    s_[[0, 1], :, [2, 0]],
    s_[[[0, 1], [2, 3]]],
    s_[..., [0, 2]],
    s_[MASK0],
    s_[MASK0, 1],
    s_[MASK01],
    s_[X > 0],
    s_[[0, -1], 1:],
    s_[1, :, [0, 2]],
    s_[[0, 1], None, [2, 3]],
    s_[None, [0, 1]],
    s_[[0, 1], [0, 1], [0, 1]],
    s_[:, [[0], [1]], [0, 2]],
    s_[[]],
    s_[1:, [0, 2], ::-1],
    s_[0, [1, 2]],
    s_[[1], :, None, 0],
    s_[:, MASK01[0]],
    s_[MASK0, :, [0, 1, 2]],
    s_[np.zeros(5, bool)],
    s_[[0, 1], ..., None],
    s_[np.array([1, 2], "int8")],
    s_[np.array([1, 2], "uint8"), 0],
]


@pytest.mark.parametrize("static", [True, False])
@pytest.mark.parametrize("index", BASIC + ADVANCED, ids=str)
def test_value_and_shape(index, static):
    x = pt.tensor("x", dtype="float64", shape=X.shape if static else (None,) * 3)
    y = x[index]
    value = evaluate(y, {x: X})
    np.testing.assert_array_equal(value, X[index])
    assert y.type.ndim == X[index].ndim
    if static:
        assert y.type.shape == X[index].shape
    check_shapes(y, {x: X})


@pytest.mark.parametrize("index", BASIC, ids=str)
def test_symbolic_basic_index(index):
    """The same with every integer a symbolic one."""
    givens = {}

    def symbol(value):
        if value is None or value is Ellipsis:
            return value
        v = pt.lscalar()
        givens[v] = value
        return v

    entries = index if isinstance(index, tuple) else (index,)
    symbolic = tuple(
        slice(symbol(e.start), symbol(e.stop), symbol(e.step))
        if isinstance(e, slice)
        else symbol(e)
        for e in entries
    )
    x = pt.tensor("x", dtype="float64", shape=(None,) * 3)
    y = x[symbolic]
    givens[x] = X
    np.testing.assert_array_equal(evaluate(y, givens), X[index])
    check_shapes(y, givens)


@pytest.mark.parametrize("index", [BASIC[k] for k in (0, 5, 6, 8, 17, 23)] + ADVANCED, ids=str)
def test_gradient(index):
    check_gradient(lambda x: x[index] ** 2, [X])


@pytest.mark.parametrize("index", [BASIC[k] for k in (0, 5, 6, 16)] + ADVANCED, ids=str)
def test_vectorize_over_x(index):
    check_vectorize(lambda x: x[index], [X], batched=[0])


def test_vectorize_over_index():
    x, i = X, np.array([0, 2, 4])
    out = check_vectorize(lambda x, i: x[i], [x, i], batched=[1])[0]
    assert isinstance(out.owner.op, AdvancedSubtensor)
    check_vectorize(lambda x, i: x[i], [x, i], batched=[0, 1])
    check_vectorize(lambda x, i: x[:, i - 1], [x, i], batched=[1])
    check_vectorize(lambda x, i: x[i[0], 1:], [x, i], batched=[1])
    check_vectorize(lambda x, i, j: x[i, j], [x, i, np.array([[0], [1]])], batched=[1])


def test_view_and_copy():
    x = pt.dmatrix("x")
    value = X[0].copy()
    assert np.shares_memory(evaluate(x[1:], {x: value}), value)
    assert not np.shares_memory(evaluate(x[[0, 1]], {x: value}), value)
    i = pt.lscalar("i")
    copied = AdvancedSubtensor((0, 1))(x, i, i)
    assert not np.shares_memory(evaluate(copied, {x: value, i: 1}), value)


@pytest.mark.parametrize("index", [s_[5], s_[-6], s_[0, 4], s_[..., 3]])
def test_static_index_out_of_bounds(index):
    x = pt.tensor("x", dtype="float64", shape=X.shape)
    with pytest.raises(IndexError, match="out of bounds"):
        x[index]
    unknown = pt.tensor("x", dtype="float64", shape=(None,) * 3)
    with pytest.raises(IndexError):
        evaluate(unknown[index], {unknown: X})


@pytest.mark.parametrize(
    "index, error",
    [
        (s_[0, 0, 0, 0], IndexError), (s_[..., 0, ...], IndexError), (1.0, TypeError),
        ("a", TypeError), (True, TypeError), ([True, False], TypeError), (s_[1.5:], TypeError),
        (np.ones((5, 4, 3, 2), bool), IndexError), (np.ones(3, bool), IndexError),
        ([0.5], TypeError), (s_[::0], ValueError), (np.array(1.0), TypeError),
    ],
)  # fmt: skip
def test_bad_index(index, error):
    x = pt.tensor("x", dtype="float64", shape=X.shape)
    with pytest.raises(error):
        x[index]


def test_bad_index_at_run_time():
    x, v = pt.dmatrix("x"), pt.lvector("v")
    with pytest.raises(IndexError):
        evaluate(x[v], {x: X[0], v: [7]})
    with pytest.raises(IndexError):
        x[pt.constant([0, 1]), pt.constant([0, 1, 2])]
    with pytest.raises(TypeError):
        x[pt.dscalar("d")]


def test_op_structure():
    x, i = pt.dmatrix("x"), pt.lscalar("i")
    node = x[i:, 0].owner
    assert node.op.idx_list == (slice(0, None, None), 1)
    assert Subtensor(node.op.idx_list) == node.op and hash(Subtensor(node.op.idx_list)) == hash(
        node.op
    )
    assert Subtensor((0,)) != Subtensor((slice(0, None),))
    assert str(node.op) == "Subtensor{start:, i}"
    rebuilt = indices_from_subtensor(node.inputs[1:], node.op.idx_list)
    assert rebuilt == get_idx_list(node.inputs, node.op.idx_list)
    assert rebuilt[1].data == 0
    assert x[()].owner.op == Subtensor(())
    with pytest.raises(ValueError, match="index inputs"):
        Subtensor((0,))(x)
    with pytest.raises(ValueError, match="number the index inputs"):
        Subtensor((1,))


def test_symbolic_slice_variable():
    x, i = pt.dvector("x"), pt.lscalar("i")
    from pytensor.tensor.type_other import make_slice

    y = x[make_slice(i, None, None)]
    np.testing.assert_array_equal(evaluate(y, {x: X[0, :, 0], i: 1}), X[0, 1:, 0])


def test_flatten_and_unflatten():
    index = (slice("a", None, "b"), "c", slice(None))
    idx_list, flat = flatten_index_variables(index)
    assert idx_list == [slice(0, None, 1), 2, slice(None)] and flat == ["a", "b", "c"]
    assert unflatten_index_variables(flat, idx_list) == index


def test_as_index_literal():
    from pytensor.tensor.exceptions import NotScalarConstantError

    assert as_index_literal(pt.constant(3)) == 3
    assert as_index_literal(None) is None
    assert as_index_literal(slice(pt.constant(1), None, 2)) == slice(1, None, 2)
    with pytest.raises(NotScalarConstantError):
        as_index_literal(pt.lscalar())


def test_canonical_slices():
    """x[s] == x[canonical][::direction] with bounds in range, for known and symbolic numbers."""
    bounds = [None, -7, -3, -1, 0, 2, 5, 9]
    start, stop, step, n = (pt.lscalar(k) for k in "abcn")
    for length in (0, 1, 5):
        x = np.arange(length)
        for a in bounds:
            for b in bounds:
                for c in (None, 1, 2, -1, -3):
                    for symbolic in (False, True):
                        if symbolic and (length != 5 or c not in (None, 2, -3)):
                            continue
                        s = slice(
                            start if symbolic and a is not None else a,
                            stop if symbolic and b is not None else b,
                            step if symbolic and c is not None else c,
                        )
                        canonical, direction = get_canonical_form_slice(
                            s, n if symbolic else length
                        )
                        givens = {n: length}
                        givens.update(
                            {v: k for v, k in ((start, a), (stop, b), (step, c)) if k is not None}
                        )
                        lo, hi, st, d = (
                            int(evaluate(v, givens)) if hasattr(v, "type") else v
                            for v in (canonical.start, canonical.stop, canonical.step, direction)
                        )
                        assert 0 <= lo <= hi <= max(length, hi if lo == hi else length) and st > 0
                        np.testing.assert_array_equal(x[lo:hi:st][::d], x[slice(a, b, c)])
                        count = slice_len(s, n if symbolic else length)
                        count = int(evaluate(count, givens)) if hasattr(count, "type") else count
                        assert count == len(x[slice(a, b, c)]), (a, b, c, length)


def test_slice_lengths():
    assert slice_static_length(slice(1, None, 2), 7) == 3
    assert slice_static_length(slice(1, None, 2), None) is None
    assert slice_static_length(slice(3, 1), None) == 0
    n = pt.lscalar("n")
    assert slice_len(slice(None), n) is n
    assert basic_shape((5, 6, 7), (slice(1, 3), None, 0)) == (2, 1, 7)


def test_slice_at_axis():
    x = np.zeros((2, 3, 4))
    assert x[slice_at_axis(slice(0, 1), 1)].shape == (2, 1, 4)
    assert x[slice_at_axis(slice(0, 1), -1)].shape == (2, 3, 1)


@pytest.mark.parametrize("mode", ["raise", "clip", "wrap"])
@pytest.mark.parametrize("axis", [None, 0, 1, -1])
def test_take(axis, mode):
    x = pt.dtensor3("x")
    for indices in ([0, 2, 1], [[0], [1]], 1, np.array(2)):
        if mode != "raise":
            indices = np.asarray(indices) * 30 - 20
        y = take(x, indices, axis=axis, mode=mode)
        expected = np.take(X, indices, axis=axis, mode=mode)
        np.testing.assert_array_equal(evaluate(y, {x: X}), expected)
    v = pt.lvector("v")
    y = take(x, v, axis=axis)
    np.testing.assert_array_equal(evaluate(y, {x: X, v: [0, 1]}), np.take(X, [0, 1], axis=axis))
    with pytest.raises(ValueError, match="mode"):
        take(x, v, mode="foo")
    with pytest.raises(IndexError):
        take(x, v, axis=7)


@pytest.mark.parametrize("axis", [None, 0, -1, (0, 2), (0, 1, 2)])
def test_flip(axis):
    x = pt.dtensor3("x")
    np.testing.assert_array_equal(evaluate(flip(x, axis), {x: X}), np.flip(X, axis))


@pytest.mark.parametrize(
    "index",
    [
        s_[:, [0, 1], ..., [0, 1]],
        s_[None, [0, 1], ..., [0, 1], :],
        s_[:, [0, 1], ..., 1],
        s_[:, 1, ..., [0, 1]],
        s_[[0, 1], [0, 1], ..., [0, 1]],
        s_[:, MASK01[0], ..., 1],
        s_[None, MASK01, ..., [2]],
        s_[:, 1, ..., 1],
    ],
    ids=str,
)
def test_ellipsis_that_stands_for_nothing(index):
    """It still separates array indices."""
    x = pt.dtensor3("x")
    y = x[index]
    np.testing.assert_array_equal(evaluate(y, {x: X}), X[index])
    check_shapes(y, {x: X})
    check_gradient(lambda x: x[index] ** 2, [X])


def test_index_into_nothing():
    x = pt.dmatrix("x")
    with pytest.raises(IndexError):
        evaluate(x[:, [0]], {x: np.empty((0, 0))})


def test_zero_length_and_readonly():
    x, v = pt.dmatrix("x"), pt.lvector("v")
    empty = np.empty((0, 3))
    assert evaluate(x[v], {x: empty, v: np.empty(0, "int64")}).shape == (0, 3)
    fixed = X[0].copy()
    fixed.flags.writeable = False
    np.testing.assert_array_equal(evaluate(x[v], {x: fixed, v: [1]}), fixed[[1]])


def test_iteration_is_bounded():
    x = pt.tensor("x", dtype="float64", shape=(3,))
    assert len(list(x)) == 3
