"""What programs written for the BLAS of PyTensor and of its forerunners rely on.

Every shape of graph that such programs test for, compiled in the C and in the Python mode, with
its value.
"""

import re

import numpy as np
import pytest
from blas_surface import calls, check, ops, rng, values_for

import pytensor
import pytensor.tensor as pt
from pytensor.compile.io import In
from pytensor.compile.mode import get_mode
from pytensor.configdefaults import config
from pytensor.graph.utils import InconsistencyError
from pytensor.tensor.blas import (
    BatchedDot,
    BatchedGemm,
    Dot22,
    Dot22Scalar,
    Gemm,
    Gemv,
    Ger,
    Syrk,
    _batched_dot,
    _dot22,
    _dot22scalar,
    batched_gemm_no_inplace,
    gemm,
    gemm_inplace,
    gemm_no_inplace,
    gemv_inplace,
    gemv_no_inplace,
    ger,
    syrk_no_inplace,
)

a, b, c = pt.dscalars("a", "b", "c")
x, y = pt.dvectors("x", "y")
X, Y, Z, R, S, U = pt.dmatrices("X", "Y", "Z", "R", "S", "U")


@pytest.fixture(params=["C", "py"])
def mode(request):
    if request.param == "C" and not config.cxx:
        pytest.skip("no C compiler")
    with config.change_flags(on_opt_error="raise"):
        yield get_mode("C" if request.param == "C" else "PY")


# -- updates of a shared matrix ------------------------------------------------------------

# Exact in float32, so that an expression in that dtype keeps it.
LR, L2 = 2.0**-6, 2.0**-12
UPDATES = {
    "lr*d+c*s": lambda s, d: LR * d + L2 * s,
    "c*s+lr*d": lambda s, d: L2 * s + LR * d,
    "lr*d+c*lr*s": lambda s, d: LR * d + L2 * LR * s,
    "lr*(d-c*s)": lambda s, d: LR * (d - L2 * s),
    "s-lr*(s*c+d)": lambda s, d: s - LR * (s * L2 + d),
    "(s*c)*lr-d*lr": lambda s, d: (s * L2) * LR - d * LR,
    "s-lr*d-lr*c*s": lambda s, d: s - LR * d - LR * L2 * s,
    "-(lr*d)+s": lambda s, d: -(LR * d) + s,
    "s+d": lambda s, d: s + d,
    "s-d/lr": lambda s, d: s - d / LR,
    "s+lr*d+c*s+s": lambda s, d: s + LR * d + L2 * s + s,
    "s-lr*(d+d)": lambda s, d: s - LR * (d + d),
}


@pytest.mark.parametrize("name", UPDATES)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_update_of_a_matrix_is_one_call_in_place(mode, name, dtype):
    start = rng.normal(size=(5, 5)).astype(dtype)
    s = pytensor.shared(start)
    A, B = (pt.matrix(dtype=dtype) for _ in "AB")
    function = pytensor.function([A, B], updates=[(s, UPDATES[name](s, A.dot(B)))], mode=mode)
    assert ops(function) == [gemm_inplace]
    A_, B_ = values_for([A, B], {A: (5, 3), B: (3, 5)})
    function(A_, B_)
    tolerance = 1e-3 if dtype == "float32" else 1e-10
    np.testing.assert_allclose(s.get_value(), UPDATES[name](start, A_ @ B_), tolerance, tolerance)


@pytest.mark.parametrize("transposed", [False, True])
def test_update_with_numbers_that_are_variables(mode, transposed):
    start = rng.normal(size=(4, 4))
    s = pytensor.shared(start.copy(order="F") if transposed else start)
    product = pt.dot(Y.T, X.T).T if transposed else pt.dot(X, Y)
    function = pytensor.function([a, b, X, Y], [], updates=[(s, a * s + b * product)], mode=mode)
    assert ops(function).count(gemm_inplace) == 1
    assert calls(function) == {"Gemm": 1}
    X_, Y_ = values_for([X, Y])
    function(2.0, 3.0, X_, Y_)
    np.testing.assert_allclose(s.get_value(), 2 * start + 3 * (X_ @ Y_))


# -- sums ----------------------------------------------------------------------------------

SUMS = {
    "XY a + Z b": (lambda d, e, Z, U, a, b, c: d * a + Z * b, 1),
    "Z - a b XY": (lambda d, e, Z, U, a, b, c: Z - a * b * d, 1),
    "(b b) Z a + (a a) XY + b XY": (
        lambda d, e, Z, U, a, b, c: (b * b) * Z * a + (a * a) * d + b * d,
        1,
    ),
    "Z + XY + XY": (lambda d, e, Z, U, a, b, c: Z + d + d, 1),
    "a Z - b (c XY + a Z)": (lambda d, e, Z, U, a, b, c: a * Z - b * (c * d + a * Z), 1),
    "a Z - b (c XY + a Z + c U)": (
        lambda d, e, Z, U, a, b, c: a * Z - b * (c * d + a * Z + c * U),
        1,
    ),
    "XY + RS + Z": (lambda d, e, Z, U, a, b, c: d + e + Z, 2),
    "a XY + b RS + c Z + U": (lambda d, e, Z, U, a, b, c: a * d + b * e + c * Z + U, 2),
    "Z - (a XY - b RS)": (lambda d, e, Z, U, a, b, c: Z - (a * d - b * e), 2),
    "a (Z + b (U + XY)) + RS": (lambda d, e, Z, U, a, b, c: a * (Z + b * (U + d)) + e, 2),
}


@pytest.mark.parametrize("name", SUMS)
def test_products_in_a_sum_are_calls(mode, name):
    equation, count = SUMS[name]
    inputs = [X, Y, R, S, Z, U, a, b, c]
    out = equation(pt.dot(X, Y), pt.dot(R, S), Z, U, a, b, c)

    def expected(X, Y, R, S, *rest):
        return equation(X @ Y, R @ S, *rest)

    check(mode, inputs, out, expected, {"Gemm": count})


def test_product_beside_an_explicit_call(mode):
    out = a * pt.dot(X, Y) + gemm_inplace(Z, b, S.T, R.T, 1.0)
    function = pytensor.function(
        [In(Z, mutable=True), X, Y, R, S, a, b], out, mode=mode, accept_inplace=True
    )
    assert calls(function) == {"Gemm": 2}
    Z_, X_, Y_, R_, S_ = values = values_for([Z, X, Y, R, S])
    want = 2 * X_ @ Y_ + Z_ + 3 * S_.T @ R_.T
    np.testing.assert_allclose(function(*values, 2.0, 3.0), want)


def test_long_chain_of_steps(mode):
    w = [pytensor.shared(rng.normal(size=(4, 4)) / 4, name=f"w{i}") for i in range(6)]
    h = X
    for w_i in w:
        h = pt.tanh(h @ w_i + Z) @ w_i.T
    grads = pytensor.grad((h**2).sum(), w)
    function = pytensor.function(
        [X, Z], [], updates=[(w_i, w_i - 0.1 * g) for w_i, g in zip(w, grads)], mode=mode
    )
    found = calls(function)
    assert set(found) <= {"Gemm", "Dot22", "Dot22Scalar"}
    # Two products forward and four backward for each; the first needs no gradient of its input.
    assert sum(found.values()) == 6 * 6 - 1
    assert ops(function).count(gemm_inplace) >= 6


TRANSPOSED = {
    "(XY).T": (lambda X, Y, Z: X.dot(Y).T, {"Dot22": 1}),
    "a (XY).T": (lambda X, Y, Z: 2.5 * X.dot(Y).T, {"Dot22Scalar": 1}),
    "Z + (XY).T": (lambda X, Y, Z: Z + X.dot(Y).T, {"Gemm": 1}),
    "(Z + XY).T": (lambda X, Y, Z: (Z + X.dot(Y)).T, {"Gemm": 1}),
    "(Z.T - 2 (XY).T).T": (lambda X, Y, Z: (Z.T - 2 * X.dot(Y).T).T, {"Gemm": 1}),
    "(XY.T).T + Z": (lambda X, Y, Z: X.dot(Y.T).T + Z, {"Gemm": 1}),
}


@pytest.mark.parametrize("name", TRANSPOSED)
def test_transpose_goes_through_a_product(mode, name):
    equation, expected = TRANSPOSED[name]
    check(mode, [X, Y, Z], equation(X, Y, Z), equation, expected)


# -- explicit calls ------------------------------------------------------------------------


def test_explicit_call_stays(mode):
    x_, y_ = pt.tensor("x", shape=(3, None)), pt.tensor("y", shape=(None, 5))
    out = gemm_no_inplace(Z, a, x_, y_, b)
    assert out.type.shape == (3, 5)
    function = pytensor.function([Z, a, x_, y_, b], out, mode=mode)
    assert ops(function) == [gemm_no_inplace]
    lengths = {x_: (3, 2), y_: (2, 5)}
    for shape in [(3, 5), (1, 5), (3, 1), (1, 1)]:
        z, *rest = values_for([Z, a, x_, y_, b], {Z: shape} | lengths)
        want = rest[3] * z + rest[0] * (rest[1] @ rest[2])
        np.testing.assert_allclose(function(z, *rest), want)


def test_shared_accumulator_of_length_one_is_no_update_in_place(mode):
    s = pytensor.shared(np.ones((1, 4)), shape=(1, 4))
    function = pytensor.function([X, Y], s + X @ Y, mode=mode)
    X_, Y_ = values_for([X, Y])
    np.testing.assert_allclose(function(X_, Y_), 1 + X_ @ Y_)
    np.testing.assert_array_equal(s.get_value(), np.ones((1, 4)))
    assert calls(function) == {"Gemm": 1}


# -- dtypes --------------------------------------------------------------------------------

FLOATS = ["float32", "float64", "complex64", "complex128"]
ALL = ["bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16"]


@pytest.mark.parametrize("dtype", FLOATS)
def test_equal_dtypes_are_dot22(mode, dtype):
    A, B = (pt.matrix(dtype=dtype) for _ in "AB")
    check(mode, [A, B], pt.dot(A, B), np.dot, {"Dot22": 1}, {A: (3, 2), B: (2, 4)})


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("other", ALL + FLOATS)
def test_scalars_of_every_dtype(dtype, other):
    """A scalar that needs no wider dtype is in the call; no combination fails."""
    A, B, factor = pt.matrix(dtype=dtype), pt.matrix(dtype=dtype), pt.scalar(dtype=other)
    with config.change_flags(on_opt_error="raise"):
        function = pytensor.function([A, B, factor], factor * pt.dot(A, B), mode="PY")
    A_, B_ = values_for([A, B])
    got, want = function(A_, B_, np.array(3, other)), np.array(3, other) * (A_ @ B_)
    assert got.dtype == want.dtype
    np.testing.assert_allclose(got, want, rtol=1e-4)
    fits = np.result_type(dtype, other) == dtype
    assert calls(function) == ({"Dot22Scalar": 1} if fits else {"Dot22": 1})


def test_several_scalars_of_different_dtypes(mode):
    A, B = pt.fmatrices("A", "B")
    i, d, z, f = pt.scalar(dtype="int8"), pt.dscalar(), pt.zscalar(), pt.fscalar()
    for factors in ([i, f], [i, d], [z, f], [i, d, z], [f, f, 2.0], [z], [d, A]):
        out = pt.dot(A, B)
        want_factor = 1.0
        for factor in factors:
            out = out * factor
        function = pytensor.function([A, B, i, d, z, f], out, mode=mode, on_unused_input="ignore")
        A_, B_ = values_for([A, B])
        numbers = {i: np.int8(2), d: np.float64(0.1), z: 1 + 2j, f: np.float32(3), A: A_}
        for factor in factors:
            want_factor = want_factor * numbers.get(factor, factor)
        got = function(A_, B_, *(numbers[v] for v in (i, d, z, f)))
        np.testing.assert_allclose(got, (A_ @ B_) * want_factor, rtol=1e-4)
        assert out.type.dtype == got.dtype
        assert "Dot" not in calls(function)


def test_scale_that_widens_keeps_the_accumulation_out(mode):
    w, v, t = pt.fmatrices("w", "v", "t")
    for alpha in (pt.dscalar("alpha"), pt.cscalar("alpha")):
        out = t + alpha * pt.dot(w, v)
        function = pytensor.function([w, v, t, alpha], out, mode=mode)
        w_, v_, t_ = values_for([w, v, t])
        got = function(w_, v_, t_, np.array(1.5, alpha.dtype))
        np.testing.assert_allclose(got, t_ + 1.5 * (w_ @ v_), rtol=1e-4)
        assert calls(function) == {"Dot22": 1}


# -- in place ------------------------------------------------------------------------------


def test_no_cycle_through_what_is_overwritten(mode):
    inputs = [In(Z, mutable=True), b, R, S]
    function = pytensor.function(inputs, Z * (Z + b * pt.dot(R, S).T), mode=mode)
    assert gemm_inplace not in ops(function) and calls(function) == {"Gemm": 1}
    Z_, b_, R_, S_ = values_for([Z, b, R, S])
    np.testing.assert_allclose(function(Z_.copy(), b_, R_, S_), Z_ * (Z_ + b_ * (R_ @ S_).T))
    inputs = [In(Z, mutable=True), X, Y, R, S, a, b, c]
    out = Z * (c * Z + a * pt.dot(X, Y) + b * pt.dot(R, S).T)
    function = pytensor.function(inputs, out, mode=mode)
    assert ops(function).count(gemm_inplace) == 1 and calls(function) == {"Gemm": 2}
    Z_, X_, Y_, R_, S_, *numbers = values_for([Z, X, Y, R, S, a, b, c])
    want = Z_ * (numbers[2] * Z_ + numbers[0] * X_ @ Y_ + numbers[1] * (R_ @ S_).T)
    np.testing.assert_allclose(function(Z_.copy(), X_, Y_, R_, S_, *numbers), want)


def test_merged_empty_buffers_have_one_writer_each(mode):
    x_ = pt.dvector("x_")
    empty = [pt.empty((n.shape[0],)) for n in (X, Y)]
    outs = [gemv_no_inplace(e, 1.0, X, v, 0.0) for e, v in zip(empty, (x, x_))]
    function = pytensor.function([X, Y, x, x_], [*outs, sum(outs)], mode=mode)
    X_, Y_, x1, x2 = values_for([X, Y, x, x_])
    one, two, both = function(X_, Y_, x1, x2)
    np.testing.assert_allclose([one, two, both], [X_ @ x1, X_ @ x2, X_ @ (x1 + x2)])
    buffers = [n.inputs[0] for n in function.maker.fgraph.toposort() if n.op == gemv_inplace]
    assert len(buffers) == len(set(buffers))


@pytest.mark.parametrize(
    "aliased",
    [
        lambda Z: (Z, Y),
        lambda Z: (X, Z),
        lambda Z: (Z.T, Y),
        lambda Z: (X, Z[::-1]),
        lambda Z: (Z[:, 0:].T, Z),
    ],
)
def test_overwriting_an_operand_is_refused(aliased):
    with pytest.raises(InconsistencyError) as caught:
        gemm_inplace(Z, 1.0, *aliased(Z), 1.0)
    assert re.search(Gemm.E_z_uniq, str(caught.value))
    gemm_no_inplace(Z, 1.0, *aliased(Z), 1.0)


# -- errors --------------------------------------------------------------------------------


@pytest.mark.parametrize("left, right, shapes", [
    (X, Y, [(3, 4), (5, 2)]), (X, x, [(3, 4), (5,)]), (x, X, [(4,), (5, 2)]), (x, y, [(4,), (5,)]),
])  # fmt: skip
def test_lengths_that_disagree(mode, left, right, shapes):
    function = pytensor.function([left, right], left.dot(right), mode=mode)
    with pytest.raises(ValueError, match="aligned"):
        function(*map(np.ones, shapes))
    for good in [(2, 2), (2,)]:
        shapes = [good[:1] * v.type.ndim for v in (left, right)]
        np.testing.assert_allclose(np.max(function(*map(np.ones, shapes))), 2)


def test_wrong_ranks_and_dtypes():
    F, i = pt.fmatrix("F"), pt.imatrix("i")
    for inputs in [(Z, 1.0, x, Y, 1.0), (x, 1.0, X, Y, 1.0), (Z, x, X, Y, 1.0), (1.0,) * 5]:
        with pytest.raises(TypeError) as caught:
            gemm(*inputs)
        assert re.search(f"{Gemm.E_rank}|{Gemm.E_scalar}", str(caught.value))
    wrong = [
        (gemm, (Z, 1.0, F, Y, 1.0)), (gemm, (i, 1, i, i, 1)), (gemm, (Z, 1.0, X)),
        (gemm, (F, a, F, F, 1.0)), (ger, (Z, 1.0, x, X)), (ger, (x, 1.0, x, y)), (ger, (F, 1.0, x, y)),
        (ger, (Z, x, x, y)), (gemv_no_inplace, (x, 1.0, x, y, 1.0)), (_dot22, (x, X)),
        (gemv_no_inplace, (X, 1.0, X, y, 1.0)), (_dot22, (X, F)), (_dot22, (i, i)),
        (_dot22scalar, (X, Y, x)), (_dot22scalar, (X, F, 1.0)), (_dot22scalar, (F, F, a)),
    ]  # fmt: skip
    for op, inputs in wrong:
        with pytest.raises(TypeError):
            op(*inputs)


# -- beta, empty axes, shapes --------------------------------------------------------------


@pytest.mark.parametrize("constant", [True, False])
def test_beta_zero_ignores_nan(mode, constant):
    beta = 0.0 if constant else b
    nan = np.full((4, 4), np.nan)
    X_, Y_, x_ = values_for([X, Y, x])
    extra = [] if constant else [b]
    matrix = gemm_no_inplace(Z, 1.0, X, Y, beta)
    vector = gemv_no_inplace(y, 1.0, X, x, beta)
    function = pytensor.function([Z, y, X, Y, x, *extra], [matrix, vector], mode=mode)
    got = function(nan, nan[0], X_, Y_, x_, *[0.0] * len(extra))
    np.testing.assert_allclose(got[0], X_ @ Y_)
    np.testing.assert_allclose(got[1], X_ @ x_)


@pytest.mark.parametrize("beta", [0.0, 1.0, 0.5])
def test_empty_axes_give_beta_y(mode, beta):
    matrix = gemm_no_inplace(Z, 2.0, X, Y, b)
    vector = gemv_no_inplace(y, 2.0, X, x, b)
    function = pytensor.function([Z, y, X, Y, x, b], [matrix, vector], mode=mode)
    Z_, y_ = np.ones((3, 4)), np.ones(3)
    got = function(Z_, y_, np.ones((3, 0)), np.ones((0, 4)), np.ones(0), beta)
    np.testing.assert_array_equal(got[0], beta * Z_)
    np.testing.assert_array_equal(got[1], beta * y_)
    got = function(np.ones((0, 4)), np.ones(0), np.ones((0, 2)), np.ones((2, 4)), np.ones(2), beta)
    assert got[0].shape == (0, 4) and got[1].shape == (0,)


T, V, W = pt.dtensor3("T"), pt.dtensor3("V"), pt.dtensor3("W")
w = pt.dvector("w")
SHAPED = {
    Gemm: (gemm_no_inplace(Z, a, X, Y, b), (3, 5)),
    Gemv: (gemv_no_inplace(y, a, X, x, b), (3,)),
    Ger: (ger(Z, a, y, w), (3, 5)),
    Dot22: (_dot22(X, Y), (3, 5)),
    Dot22Scalar: (_dot22scalar(X, Y, a), (3, 5)),
    Syrk: (syrk_no_inplace(R, a, X, b), (3, 3)),
    BatchedDot: (_batched_dot(T, V), (2, 3, 4)),
    BatchedGemm: (batched_gemm_no_inplace(W, a, T, V, b), (2, 3, 4)),
}


@pytest.mark.parametrize("op", SHAPED)
def test_shapes_do_not_compute(mode, op):
    inputs = [X, Y, Z, R, x, y, w, T, V, W, a, b]
    out, shape = SHAPED[op]
    assert isinstance(out.owner.op, op)
    function = pytensor.function(inputs, out.shape, mode=mode, on_unused_input="ignore")
    assert calls(function) == {}
    lengths = {X: (3, 2), Y: (2, 5), Z: (3, 5), R: (3, 3), x: (2,), y: (3,), w: (5,)}
    lengths |= {T: (2, 3, 6), V: (2, 6, 4), W: (2, 3, 4)}
    assert tuple(function(*values_for(inputs, lengths))) == shape
