"""Programs that once failed: found by playing with products in every way that users might."""

import pickle

import numpy as np
import pytest

import pytensor
import pytensor.tensor as pt
from pytensor.compile.io import In
from pytensor.tensor.blas import gemm_no_inplace
from pytensor.tensor.type_other import NoneConst

rng = np.random.default_rng(0)
A, B = pt.dmatrices("A", "B")


@pytest.mark.parametrize("mode", ["C", "PY"])
def test_functions_that_hold_none_can_be_pickled(mode):
    """`tensordot` asserts lengths of some axes and none of others."""
    T, U = pt.dtensor3("T"), pt.dtensor3("U")
    out = pt.tensordot(T, U, axes=[[1, 2], [2, 1]])
    function = pytensor.function([T, U], out, mode=mode)
    values = rng.normal(size=(2, 3, 4)), rng.normal(size=(5, 4, 3))
    again = pickle.loads(pickle.dumps(function))
    want = np.tensordot(*values, axes=[[1, 2], [2, 1]])
    np.testing.assert_allclose(again(*values), want)
    assert pickle.loads(pickle.dumps(NoneConst)) is NoneConst
    assert pickle.loads(pickle.dumps(NoneConst.clone())).type == NoneConst.type


@pytest.mark.parametrize("form", [pt.linalg.trace, pt.diag])
def test_jacobian_of_diagonals(form):
    """A batch of cotangents meets one matrix whose shape is wanted."""
    out = pt.atleast_1d(form(A @ B)) ** 2
    jacobian = pytensor.gradient.jacobian(out, A)
    A_, B_ = rng.normal(size=(3, 4)), rng.normal(size=(4, 3))
    got = pytensor.function([A, B], jacobian)(A_, B_)
    value = pytensor.function([A, B], out)
    for index in np.ndindex(A_.shape):
        step = np.zeros_like(A_)
        step[index] = 1e-6
        want = (value(A_ + step, B_) - value(A_ - step, B_)) / 2e-6
        np.testing.assert_allclose(got[(slice(None), *index)], want, rtol=1e-6, atol=1e-7)


# -- these held when they were tried; they are kept because little else holds them -----------


@pytest.mark.parametrize("mode", ["C", "PY"])
def test_accumulators_that_overlap_operands(mode):
    """Mutable inputs may be the same array, or views of each other."""
    C = pt.dmatrix("C")
    inputs = [In(A, mutable=True), In(B, mutable=True), C]
    function = pytensor.function(inputs, [A + B @ C, B + C @ C], mode=mode)
    whole = rng.normal(size=(8, 4))
    for view in (lambda w: (w[:4], w[:4], w[:4]), lambda w: (w[:4], w[:4].T, w[4:]),
                 lambda w: (w[:4], w[2:6], w[4:]), lambda w: (w[3::-1], w[::2], w[1::2])):  # fmt: skip
        x, y, z = (v.copy() for v in view(whole))
        got = function(*view(whole.copy()))
        np.testing.assert_allclose(got[0], x + y @ z)
        np.testing.assert_allclose(got[1], y + z @ z)


@pytest.mark.parametrize("mode", ["C", "PY"])
def test_shared_accumulators_that_cannot_be_overwritten(mode):
    """Read-only, repeated rows, one buffer under two names: the values are right all the same."""
    a, b = rng.normal(size=(2, 4, 4))
    read_only = rng.normal(size=(4, 4))
    read_only.flags.writeable = False
    for start in (read_only, np.broadcast_to(a[0], (4, 4)), np.asfortranarray(a)[::-1]):
        before = start.copy()
        one, two = (pytensor.shared(start, borrow=True) for _ in range(2))
        updates = {one: one + A @ B, two: two + one}
        pytensor.function([A, B], [], updates=updates, mode=mode)(a.copy(), b.copy())
        np.testing.assert_allclose(one.get_value(), before + a @ b)
        np.testing.assert_allclose(two.get_value(), 2 * before)
        if not start.flags.writeable:
            np.testing.assert_array_equal(start, before)


@pytest.mark.parametrize("mode", ["C", "PY"])
def test_updates_that_read_each_other(mode):
    """Every update sees the old values, whatever is overwritten; a failing call changes none."""
    start = dict(zip("WVv", (rng.normal(size=s) for s in [(4, 4), (4, 4), (4,)])))
    W, V, v = (pytensor.shared(value, name=name) for name, value in start.items())
    updates = {W: V + W @ A, V: W.T - A @ W, v: v + W @ v}
    function = pytensor.function([A], [W @ W.T, W[0]], updates=updates, mode=mode)
    with pytest.raises(ValueError):
        function(np.ones((5, 5)))
    assert all(np.array_equal(s.get_value(), start[s.name]) for s in (W, V, v))
    a = rng.normal(size=(4, 4))
    W_, V_, v_ = start.values()
    square, row = function(a)
    np.testing.assert_allclose(square, W_ @ W_.T)
    np.testing.assert_array_equal(row, W_[0])
    np.testing.assert_allclose(W.get_value(), V_ + W_ @ a)
    np.testing.assert_allclose(V.get_value(), W_.T - a @ W_)
    np.testing.assert_allclose(v.get_value(), v_ + W_ @ v_)


@pytest.mark.parametrize("mode", ["C", "PY"])
@pytest.mark.parametrize(
    "expression, short",
    [
        (lambda A, B, C, x: A @ B + C, (1, 80)),
        (lambda A, B, C, x: C - 2 * (A @ B), (80, 1)),
        (lambda A, B, C, x: A @ A.T + C, (1, 80)),
        (lambda A, B, C, x: pt.tril(A) @ B + C, (1, 80)),
        (lambda A, B, C, x: C[0] + A @ x, (80, 1)),
        (lambda A, B, C, x: C[0] + pt.tril(A) @ x, (80, 1)),
    ],
)
def test_only_known_ones_broadcast_in_a_sum(mode, expression, short):
    """The sum a call stands for refuses a length of 1 that was not known; so does the call."""
    A, B, C = pt.dmatrices("A", "B", "C")
    x = pt.dvector("x")
    f = pytensor.function([A, B, C, x], expression(A, B, C, x), mode=mode, on_unused_input="ignore")
    values = np.ones((80, 80)), np.ones((80, 80)), np.ones((80, 80)), np.ones(80)
    for compiled in (f, pickle.loads(pickle.dumps(f))):
        with pytest.raises(ValueError, match="shape of the product .*aligned"):
            compiled(*values[:2], np.ones(short), values[3])
        assert compiled(*values).shape[0] == 80


def test_a_sum_and_an_explicit_call_in_one_graph():
    A, B, C, D = pt.dmatrices("A", "B", "C", "D")
    f = pytensor.function([A, B, C, D], [gemm_no_inplace(C, 1.0, A, B, 1.0), D + A @ B])
    ones, row = np.ones((4, 4)), np.ones((1, 4))
    for got in f(ones, ones, row, ones):
        np.testing.assert_array_equal(got, np.full((4, 4), 5.0))
    with pytest.raises(ValueError, match="shape of the product"):
        f(ones, ones, row, row)
