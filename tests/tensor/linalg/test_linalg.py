"""Values against NumPy and SciPy, shapes, and derivatives against finite differences."""

import numpy as np
import pytest
import scipy.linalg
from tensor_checks import check_gradient, check_shapes, check_vectorize, evaluate

import pytensor.tensor as pt
from pytensor.tensor import linalg
from pytensor.tensor.blockwise import Blockwise
from pytensor.tensor.linalg.decomposition.cholesky import Cholesky

RNG = np.random.default_rng(30)
A = RNG.normal(size=(4, 4)) + 4 * np.eye(4)
SPD = A @ A.T / 4
TALL = RNG.normal(size=(5, 3))
WIDE = RNG.normal(size=(3, 5))
B1, B2 = RNG.normal(size=4), RNG.normal(size=(4, 2))
L = np.linalg.cholesky(SPD)
STACK = np.stack([A, A.T + np.eye(4), SPD])


def spd(x):
    """A positive definite matrix of any square one, symmetric so that one triangle is enough."""
    return x.dot(x.T) + 4 * pt.eye(4)


UNARY = {
    "cholesky": (linalg.cholesky, np.linalg.cholesky, SPD),
    "cholesky upper": (
        lambda x: linalg.cholesky(x, lower=False),
        lambda x: scipy.linalg.cholesky(x),
        SPD,
    ),
    "inv": (linalg.inv, np.linalg.inv, A),
    "pinv": (linalg.pinv, np.linalg.pinv, TALL),
    "pinv wide": (linalg.pinv, np.linalg.pinv, WIDE),
    "det": (linalg.det, np.linalg.det, A),
    "slogdet": (lambda x: linalg.slogdet(x)[1], lambda x: np.linalg.slogdet(x)[1], -A),
    "eigvalsh": (linalg.eigvalsh, np.linalg.eigvalsh, SPD),
    "eigh values": (lambda x: linalg.eigh(x)[0], lambda x: np.linalg.eigh(x)[0], SPD),
    "svd values": (lambda x: linalg.svd(x, compute_uv=False), lambda x: np.linalg.svd(x)[1], TALL),
    "svd s of full": (lambda x: linalg.svd(x)[1], lambda x: np.linalg.svd(x)[1], WIDE),
    "qr r": (lambda x: linalg.qr(x, mode="r"), lambda x: scipy.linalg.qr(x, mode="r")[0], TALL),
    "expm": (linalg.expm, scipy.linalg.expm, A / 4),
    "matrix_power": (
        lambda x: linalg.matrix_power(x, 5),
        lambda x: np.linalg.matrix_power(x, 5),
        A / 4,
    ),
    "matrix_power -2": (
        lambda x: linalg.matrix_power(x, -2),
        lambda x: np.linalg.matrix_power(x, -2),
        A,
    ),
    "trace": (linalg.trace, np.trace, A),
    "norm": (linalg.norm, np.linalg.norm, TALL),
    "norm 2": (lambda x: linalg.norm(x, ord=2), lambda x: np.linalg.norm(x, 2), TALL),
    "norm nuc": (lambda x: linalg.norm(x, ord="nuc"), lambda x: np.linalg.norm(x, "nuc"), TALL),
    "norm 1": (lambda x: linalg.norm(x, ord=1), lambda x: np.linalg.norm(x, 1), TALL),
    "norm -inf": (
        lambda x: linalg.norm(x, ord=-np.inf),
        lambda x: np.linalg.norm(x, -np.inf),
        TALL,
    ),
    "norm axis": (
        lambda x: linalg.norm(x, axis=0, keepdims=True),
        lambda x: np.linalg.norm(x, axis=0, keepdims=True),
        TALL,
    ),
    "norm vector 3": (
        lambda x: linalg.norm(x, ord=3, axis=-1),
        lambda x: np.linalg.norm(x, 3, axis=-1),
        TALL,
    ),
    "kron": (lambda x: linalg.kron(x, x + 1), lambda x: np.kron(x, x + 1), TALL),
    "matrix_dot": (lambda x: linalg.matrix_dot(x, x, x), lambda x: x @ x @ x, A),
    "block_diag": (
        lambda x: linalg.block_diag(x, 2 * x, x.T),
        lambda x: scipy.linalg.block_diag(x, 2 * x, x.T),
        TALL,
    ),
    "lu_factor": (
        lambda x: linalg.lu_factor(x)[0],
        lambda x: scipy.linalg.lu_factor(x)[0],
        A[::-1].copy(),
    ),
    "lu L": (lambda x: linalg.lu(x)[1], lambda x: scipy.linalg.lu(x)[1], A[::-1].copy()),
    "lu U": (lambda x: linalg.lu(x)[2], lambda x: scipy.linalg.lu(x)[2], A[::-1].copy()),
    "lu permuted L": (
        lambda x: linalg.lu(x, permute_l=True)[0],
        lambda x: scipy.linalg.lu(x, permute_l=True)[0],
        A[::-1].copy(),
    ),
    "lu indices": (
        lambda x: linalg.lu(x, p_indices=True)[1],
        lambda x: scipy.linalg.lu(x)[1],
        A[::-1].copy(),
    ),
    "tensorinv": (lambda x: linalg.tensorinv(x, ind=1), lambda x: np.linalg.tensorinv(x, 1), A),
}
NO_FORWARD = {"pinv", "pinv wide", "eigvalsh", "eigh values", "svd values", "svd s of full", "qr r",
              "norm 2", "norm nuc", "lu_factor", "lu L", "lu U", "lu permuted L", "lu indices",
              "tensorinv", "cholesky", "cholesky upper"}  # fmt: skip


@pytest.mark.parametrize("name", UNARY)
def test_unary(name):
    ours, theirs, value = UNARY[name]
    x = pt.dmatrix("x")
    y = ours(x)
    np.testing.assert_allclose(evaluate(y, {x: value}), theirs(value), rtol=1e-9, atol=1e-10)
    check_shapes(y, {x: value})
    fixed = pt.tensor("x", dtype="float64", shape=value.shape)
    check_shapes(ours(fixed), {fixed: value})
    single = pt.fmatrix("x")
    out = evaluate(ours(single), {single: value.astype("float32")})
    assert out.dtype == np.float32
    np.testing.assert_allclose(out, theirs(value), rtol=2e-3, atol=2e-3)


@pytest.mark.parametrize("name", UNARY)
def test_unary_gradient(name):
    ours, _, value = UNARY[name]
    forward = name not in NO_FORWARD
    check_gradient(ours, [value], forward=forward, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "name", ["cholesky", "inv", "det", "slogdet", "eigvalsh", "expm", "kron", "lu U"]
)
def test_unary_vectorize(name):
    ours, _, value = UNARY[name]
    check_vectorize(ours, [value], batched=[0])


@pytest.mark.parametrize("b", [B1, B2], ids=["vector", "matrix"])
@pytest.mark.parametrize(
    "assume_a",
    [
        "gen",
        "sym",
        "her",
        "pos",
        "tridiagonal",
        "banded",
        "diagonal",
        "lower triangular",
        "upper triangular",
        "positive definite",
    ],
)
@pytest.mark.parametrize("transposed", [False, True])
def test_solve(assume_a, b, transposed):
    a = {
        "gen": A, "tridiagonal": np.triu(np.tril(A, 1), -1), "banded": np.triu(np.tril(A, 2), -1),
        "diagonal": np.diag(np.diag(A)), "lower triangular": np.tril(A), "upper triangular": np.triu(A),
    }.get(assume_a, SPD)  # fmt: skip
    x, y = pt.dmatrix("x"), pt.tensor("y", dtype="float64", shape=(None,) * b.ndim)
    out = linalg.solve(x, y, assume_a=assume_a, transposed=transposed)
    expected = np.linalg.solve(a.T if transposed else a, b)
    np.testing.assert_allclose(evaluate(out, {x: a, y: b}), expected, rtol=1e-9)
    check_shapes(out, {x: a, y: b})
    if assume_a != "banded":
        forward = assume_a != "diagonal"
        check_gradient(
            lambda x, y: linalg.solve(x, y, assume_a=assume_a, transposed=transposed),
            [a, b],
            forward=forward,
        )


@pytest.mark.parametrize("lower", [False, True])
@pytest.mark.parametrize("assume_a", ["sym", "pos"])
def test_solve_reads_one_triangle(assume_a, lower):
    a = np.tril(SPD) if lower else np.triu(SPD)
    x = pt.dmatrix("x")
    out = linalg.solve(x, B1, assume_a=assume_a, lower=lower)
    np.testing.assert_allclose(evaluate(out, {x: a}), np.linalg.solve(SPD, B1))
    check_gradient(lambda x: linalg.solve(x, B1, assume_a=assume_a, lower=lower), [a])


@pytest.mark.parametrize("b", [B1, B2], ids=["vector", "matrix"])
@pytest.mark.parametrize("lower", [False, True])
@pytest.mark.parametrize("trans", [0, 1, "T", "C"])
@pytest.mark.parametrize("unit_diagonal", [False, True])
def test_solve_triangular(b, lower, trans, unit_diagonal):
    keys = {"lower": lower, "trans": trans, "unit_diagonal": unit_diagonal}
    x, y = pt.dmatrix("x"), pt.tensor("y", dtype="float64", shape=(None,) * b.ndim)
    out = linalg.solve_triangular(x, y, **keys)
    expected = scipy.linalg.solve_triangular(A, b, **keys)
    np.testing.assert_allclose(evaluate(out, {x: A, y: b}), expected, rtol=1e-9)
    check_gradient(lambda x, y: linalg.solve_triangular(x, y, **keys), [A, b])


@pytest.mark.parametrize("b", [B1, B2], ids=["vector", "matrix"])
@pytest.mark.parametrize("lower", [False, True])
def test_cho_solve(b, lower):
    c = L if lower else L.T.copy()
    x, y = pt.dmatrix("x"), pt.tensor("y", dtype="float64", shape=(None,) * b.ndim)
    out = linalg.cho_solve((x, lower), y)
    np.testing.assert_allclose(evaluate(out, {x: c, y: b}), np.linalg.solve(SPD, b), rtol=1e-9)
    check_gradient(lambda x, y: linalg.cho_solve((x, lower), y), [c, b])


@pytest.mark.parametrize("b", [B1, B2], ids=["vector", "matrix"])
@pytest.mark.parametrize("trans", [False, True])
def test_lu_solve(b, trans):
    a = A[::-1].copy()
    x, y = pt.dmatrix("x"), pt.tensor("y", dtype="float64", shape=(None,) * b.ndim)
    out = linalg.lu_solve(linalg.lu_factor(x), y, trans=trans)
    expected = np.linalg.solve(a.T if trans else a, b)
    np.testing.assert_allclose(evaluate(out, {x: a, y: b}), expected, rtol=1e-9)
    check_gradient(
        lambda x, y: linalg.lu_solve(linalg.lu_factor(x), y, trans=trans), [a, b], forward=False
    )


def test_triangles_that_are_not_read():
    x = pt.dmatrix("x")
    spoiled = np.tril(SPD) + np.triu(np.full((4, 4), 99.0), 1)
    np.testing.assert_allclose(evaluate(linalg.cholesky(x), {x: spoiled}), L)
    np.testing.assert_allclose(evaluate(linalg.cholesky(x, lower=False), {x: spoiled.T}), L.T)
    fortran = np.asfortranarray(spoiled)
    np.testing.assert_allclose(evaluate(linalg.cholesky(x), {x: fortran}), L)
    np.testing.assert_allclose(evaluate(linalg.eigvalsh(x), {x: spoiled}), np.linalg.eigvalsh(SPD))


def test_not_positive_definite_and_singular():
    x = pt.dmatrix("x")
    assert np.isnan(evaluate(linalg.cholesky(x), {x: -np.eye(2)})).all()
    with pytest.raises(np.linalg.LinAlgError, match="positive definite"):
        evaluate(linalg.cholesky(x, on_error="raise"), {x: -np.eye(2)})
    with pytest.raises(np.linalg.LinAlgError):
        evaluate(linalg.inv(x), {x: np.zeros((2, 2))})
    for assume_a in ("gen", "pos", "sym", "lower triangular"):
        out = linalg.solve(x, np.ones(2), assume_a=assume_a)
        assert np.isnan(evaluate(out, {x: np.zeros((2, 2))})).all(), assume_a


def test_errors():
    with pytest.raises(ValueError, match="insufficient core dimensions"):
        linalg.det(pt.dvector())
    with pytest.raises(ValueError, match="Invalid assume_a"):
        linalg.solve(pt.dmatrix(), pt.dvector(), assume_a="foo")
    with pytest.raises(ValueError, match="square"):
        linalg.cholesky(pt.tensor(dtype="float64", shape=(2, 3)))
    with pytest.raises(ValueError, match="agree"):
        linalg.solve(
            pt.tensor(dtype="float64", shape=(3, 3)), pt.tensor(dtype="float64", shape=(2,))
        )
    with pytest.raises(ValueError, match="on_error"):
        linalg.cholesky(pt.dmatrix(), on_error="foo")
    x, v = pt.dmatrix("x"), pt.dvector("v")
    with pytest.raises(ValueError, match="square"):
        evaluate(linalg.solve(x, v), {x: np.zeros((2, 3)), v: np.ones(2)})
    with pytest.raises(ValueError, match="square"):
        evaluate(linalg.cholesky(x), {x: np.zeros((2, 3))})


@pytest.mark.parametrize("n", [0, 1])
def test_small_matrices(n):
    x = pt.dmatrix("x")
    value = 2 * np.eye(n)
    assert evaluate(linalg.cholesky(x), {x: value}).shape == (n, n)
    assert evaluate(linalg.solve(x, x), {x: value}).shape == (n, n)
    assert evaluate(linalg.det(x), {x: value}) == (2 if n else 1)


def test_integers_become_floats():
    x = pt.lmatrix("x")
    for f in (linalg.cholesky, linalg.inv, linalg.det, linalg.eigvalsh):
        assert f(x).type.dtype == "float64"
        assert evaluate(f(x), {x: 4 * np.eye(2, dtype="int64")}).dtype == np.float64


def test_batched_and_broadcast():
    a = pt.tensor("a", dtype="float64", shape=(None, 4, 4))
    for f, reference in (
        (linalg.det, np.linalg.det),
        (linalg.inv, np.linalg.inv),
        (lambda x: linalg.slogdet(x)[1], lambda x: np.linalg.slogdet(x)[1]),
    ):
        out = f(a)
        np.testing.assert_allclose(evaluate(out, {a: STACK}), reference(STACK))
        check_shapes(out, {a: STACK})
    v = pt.dvector("v")
    out = linalg.solve(a, v, b_ndim=1)
    assert out.type.ndim == 2
    np.testing.assert_allclose(
        evaluate(out, {a: STACK, v: B1}), np.stack([np.linalg.solve(m, B1) for m in STACK])
    )
    check_gradient(lambda a, v: linalg.solve(a, v, b_ndim=1), [STACK, B1])
    check_gradient(linalg.det, [STACK])
    assert evaluate(linalg.cholesky(a), {a: np.empty((0, 4, 4))}).shape == (0, 4, 4)


def test_eigh_vectors_and_generalized():
    x, b = pt.dmatrix("x"), pt.dmatrix("b")
    w, v = linalg.eigh(x)
    w_, v_ = evaluate([w, v], {x: SPD})
    np.testing.assert_allclose(v_ * w_ @ v_.T, SPD)
    # Vectors up to sign: squares are unique
    check_gradient(lambda x: [linalg.eigh(x)[0], linalg.eigh(x)[1] ** 2], [SPD], forward=False)
    check_gradient(lambda x: linalg.eigh(x, lower=False)[1] ** 2, [SPD], forward=False)
    other = np.eye(4) + 0.1 * np.diag(np.ones(3), 1) + 0.1 * np.diag(np.ones(3), -1)
    w, v = linalg.eigh(x, b)
    expected = scipy.linalg.eigh(SPD, other)
    np.testing.assert_allclose(evaluate(w, {x: SPD, b: other}), expected[0])
    check_gradient(
        lambda x, b: [linalg.eigh(x, b)[0], linalg.eigh(x, b)[1] ** 2], [SPD, other], forward=False
    )
    check_gradient(lambda x, b: linalg.eigvalsh(x, b), [SPD, other], forward=False)


@pytest.mark.parametrize("value", [TALL, WIDE, A], ids=["tall", "wide", "square"])
def test_svd(value):
    x = pt.dmatrix("x")
    for full in (True, False):
        outs = linalg.svd(x, full_matrices=full)
        U, s, Vh = evaluate(outs, {x: value})
        k = len(s)
        np.testing.assert_allclose(U[:, :k] * s @ Vh[:k], value)
        assert U.shape == np.linalg.svd(value, full_matrices=full)[0].shape
        check_shapes(outs, {x: value})
    check_gradient(
        lambda x: [r**2 for r in linalg.svd(x, full_matrices=False)],
        [value],
        forward=False,
        rtol=1e-4,
    )


@pytest.mark.parametrize("value", [TALL, WIDE, A], ids=["tall", "wide", "square"])
def test_qr(value):
    x = pt.dmatrix("x")
    for mode in ("full", "economic", "complete", "reduced"):
        outs = linalg.qr(x, mode=mode)
        Q, R = evaluate(outs, {x: value})
        np.testing.assert_allclose(Q @ R, value, atol=1e-12)
        check_shapes(outs, {x: value})
    Q, R, p = evaluate(linalg.qr(x, mode="economic", pivoting=True), {x: value})
    np.testing.assert_allclose(Q @ R, value[:, p], atol=1e-12)
    check_gradient(lambda x: linalg.qr(x, mode="economic"), [value], forward=False, rtol=1e-4)
    check_gradient(lambda x: linalg.qr(x, mode="r"), [value], forward=False, rtol=1e-4)


def test_eig_lstsq_tensorsolve():
    x, v = pt.dmatrix("x"), pt.dvector("v")
    w, vec = evaluate(linalg.eig(x), {x: A})
    assert w.dtype == np.complex128
    np.testing.assert_allclose(vec * w, A @ vec)
    outs = evaluate(linalg.lstsq(x, v, -1), {x: TALL, v: np.arange(5.0)})
    np.testing.assert_allclose(outs[0], np.linalg.lstsq(TALL, np.arange(5.0), rcond=-1)[0])
    assert outs[2] == 3
    a = np.eye(24).reshape(6, 4, 2, 3, 4)
    b = RNG.normal(size=(6, 4))
    ta, tb = pt.tensor("a", dtype="float64", shape=(None,) * 5), pt.dmatrix("b")
    np.testing.assert_allclose(
        evaluate(linalg.tensorsolve(ta, tb), {ta: a, tb: b}), np.linalg.tensorsolve(a, b)
    )


def test_pivots():
    pivots = np.array([2, 2, 2], dtype="int32")
    p = pt.ivector("p")
    assert evaluate(linalg.pivot_to_permutation(p), {p: pivots}).tolist() == [1, 2, 0]
    assert evaluate(linalg.pivot_to_permutation(p, inverse=True), {p: pivots}).tolist() == [2, 0, 1]


def test_slogdet_does_not_overflow():
    x = pt.dmatrix("x")
    sign, logdet = evaluate(linalg.slogdet(x), {x: -1e200 * np.eye(3)})
    assert sign == -1 and np.isclose(logdet, 3 * 200 * np.log(10))


def test_older_homes():
    from pytensor.tensor import nlinalg, slinalg

    assert slinalg.cholesky is linalg.cholesky and nlinalg.det is linalg.det
    assert slinalg.Cholesky is Cholesky


def test_inplace_forms():
    op = Blockwise(Cholesky())
    inplace = op.inplace_on_inputs([0])
    assert inplace.destroy_map == {0: [0]} and inplace.core_op.overwrite_a
    x = pt.dmatrix("x")
    np.testing.assert_allclose(evaluate(inplace(x), {x: SPD.copy()}), L)


def test_gp_likelihood_gradient():
    """Cholesky, triangular solve and log-determinant in one cost, against slogdet and solve."""

    def cost(theta, x, y):
        K = theta[0] ** 2 * pt.exp(-((x[:, None] - x[None, :]) ** 2)) + theta[1] ** 2 * pt.eye(4)
        low = linalg.cholesky(K)
        alpha = linalg.solve_triangular(low, y, lower=True)
        direct = y @ linalg.solve(K, y, assume_a="pos") + linalg.slogdet(K)[1]
        return (alpha**2).sum() + 2 * pt.log(pt.diagonal(low)).sum() + direct

    check_gradient(
        cost, [np.array([1.1, 0.3]), np.arange(4.0) / 2, np.sin(np.arange(4.0))], forward=False
    )
