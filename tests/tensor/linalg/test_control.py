"""Matrix equations, Schur forms and tridiagonal systems against SciPy."""

import numpy as np
import pytest
import scipy.linalg
from tensor_checks import check_gradient, check_shapes, evaluate

import pytensor.tensor as pt
from pytensor.tensor import linalg

RNG = np.random.default_rng(31)
A = RNG.normal(size=(3, 3)) / 4
B = RNG.normal(size=(2, 2)) + 2 * np.eye(2)
C = RNG.normal(size=(3, 2))
Q = np.eye(3) + A @ A.T
R = np.eye(2) + 0.1 * B @ B.T


def test_sylvester():
    a, b, q = pt.dmatrices("a", "b", "q")
    out = linalg.solve_sylvester(a, b, q)
    givens = {a: A, b: B, q: C}
    np.testing.assert_allclose(evaluate(out, givens), scipy.linalg.solve_sylvester(A, B, C))
    check_shapes(out, givens)
    check_gradient(linalg.solve_sylvester, [A, B, C], forward=False)


def test_continuous_lyapunov():
    shifted = A - np.eye(3)
    a, q = pt.dmatrices("a", "q")
    out = evaluate(linalg.solve_continuous_lyapunov(a, q), {a: shifted, q: Q})
    np.testing.assert_allclose(out, scipy.linalg.solve_continuous_lyapunov(shifted, Q))
    check_gradient(linalg.solve_continuous_lyapunov, [shifted, Q], forward=False)


@pytest.mark.parametrize("method", ["direct", "bilinear"])
def test_discrete_lyapunov(method):
    def solve(a, q):
        return linalg.solve_discrete_lyapunov(a, q, method=method)

    a, q = pt.dmatrices("a", "q")
    np.testing.assert_allclose(
        evaluate(solve(a, q), {a: A, q: Q}), scipy.linalg.solve_discrete_lyapunov(A, Q)
    )
    check_gradient(solve, [A, Q], forward=False)
    stack = np.stack([A, A.T, A / 2])
    many = pt.dtensor3("many")
    expected = [scipy.linalg.solve_discrete_lyapunov(k, Q) for k in stack]
    np.testing.assert_allclose(evaluate(solve(many, q), {many: stack, q: Q}), expected)
    with pytest.raises(ValueError, match="Invalid method"):
        linalg.solve_discrete_lyapunov(a, q, method="foo")


def test_riccati():
    a, b, q, r = pt.dmatrices("a", "b", "q", "r")
    out = linalg.solve_discrete_are(a, b, q, r)
    givens = {a: A, b: C, q: Q, r: R}
    np.testing.assert_allclose(evaluate(out, givens), scipy.linalg.solve_discrete_are(A, C, Q, R))
    check_shapes(out, givens)

    def symmetric(a, b, q, r):
        return linalg.solve_discrete_are(a, b, (q + q.T) / 2, (r + r.T) / 2)

    check_gradient(symmetric, [A, C, Q, R], forward=False, rtol=1e-4)


@pytest.mark.parametrize("output", ["real", "complex"])
@pytest.mark.parametrize("sort", [None, "lhp", "ouc"])
def test_schur_and_qz(output, sort):
    n = 4
    x, y = RNG.normal(size=(n, n)), RNG.normal(size=(n, n))
    a, b = pt.dmatrices("a", "b")
    T, Z = evaluate(linalg.schur(a, output=output, sort=sort), {a: x})
    np.testing.assert_allclose(Z @ T @ Z.conj().T, x, atol=1e-12)
    assert T.dtype == ("complex128" if output == "complex" else "float64")
    AA, BB, Q_, Z = evaluate(linalg.qz(a, b, output=output, sort=sort), {a: x, b: y})
    np.testing.assert_allclose(Q_ @ AA @ Z.conj().T, x, atol=1e-12)
    np.testing.assert_allclose(Q_ @ BB @ Z.conj().T, y, atol=1e-12)
    outs = linalg.ordqz(a, b, sort=sort, output=output)
    *_, alpha, beta, Q_, Z = evaluate(outs, {a: x, b: y})
    expected = scipy.linalg.eigvals(x, y)
    gaps = np.abs((alpha / beta)[:, None] - expected[None, :])
    assert gaps.min(axis=0).max() < 1e-10 and gaps.min(axis=1).max() < 1e-10
    check_shapes(outs, {a: x, b: y})
    with pytest.raises(ValueError, match="sort"):
        linalg.schur(a, sort="foo")


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize(
    "b", [np.arange(4.0), np.arange(8.0).reshape(4, 2)], ids=["vector", "matrix"]
)
def test_tridiagonal(b, transposed):
    x = np.triu(np.tril(RNG.normal(size=(4, 4)), 1), -1) + 3 * np.eye(4)
    a, v = pt.dmatrix("a"), pt.tensor("v", dtype="float64", shape=(None,) * b.ndim)
    factors = linalg.tridiagonal_lu_factor(a)
    out = linalg.tridiagonal_lu_solve(factors, v, b_ndim=b.ndim, transposed=transposed)
    np.testing.assert_allclose(
        evaluate(out, {a: x, v: b}), np.linalg.solve(x.T if transposed else x, b)
    )
    check_shapes(list(factors), {a: x})
    check_shapes(out, {a: x, v: b})
