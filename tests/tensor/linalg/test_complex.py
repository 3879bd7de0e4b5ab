"""Complex matrices: values, and gradients dC/dRe + i dC/dIm of real costs."""

import numpy as np
import pytest
from tensor_checks import evaluate, numeric_gradient

import pytensor.tensor as pt
from pytensor.gradient import grad
from pytensor.tensor import linalg

RNG = np.random.default_rng(32)
N = 3
A = RNG.normal(size=(N, N)) + 1j * RNG.normal(size=(N, N)) + 3 * np.eye(N)
SPD = A @ A.conj().T
B = RNG.normal(size=(N, 2)) + 1j * RNG.normal(size=(N, 2))
C = np.linalg.cholesky(SPD)

CASES = {
    "inv": (linalg.inv, np.linalg.inv, A),
    "det": (linalg.det, np.linalg.det, A),
    "slogdet": (lambda x: linalg.slogdet(x)[1], lambda x: np.linalg.slogdet(x)[1], A),
    "pinv": (linalg.pinv, np.linalg.pinv, B),
    "cholesky": (linalg.cholesky, np.linalg.cholesky, SPD),
    "cholesky upper": (
        lambda x: linalg.cholesky(x, lower=False), lambda x: np.linalg.cholesky(x).conj().T, SPD),
    "solve": (lambda x: linalg.solve(x, B), lambda x: np.linalg.solve(x, B), A),
    "solve b": (lambda b: linalg.solve(A, b), lambda b: np.linalg.solve(A, b), B),
    "solve her": (
        lambda x: linalg.solve(x, B, assume_a="her", lower=True), lambda x: np.linalg.solve(x, B), SPD),
    "solve pos": (lambda x: linalg.solve(x, B, assume_a="pos"), lambda x: np.linalg.solve(x, B), SPD),
    "solve sym": (
        lambda x: linalg.solve(x, B, assume_a="sym"), lambda x: np.linalg.solve(x, B), A + A.T),
    "solve_triangular": (
        lambda x: linalg.solve_triangular(x, B, lower=True, trans="C"),
        lambda x: np.linalg.solve(np.tril(x).conj().T, B), A),
    "cho_solve": (lambda c: linalg.cho_solve((c, True), B), lambda c: np.linalg.solve(SPD, B), C),
    "expm": (lambda x: linalg.expm(x / 4), None, A),
    "eigvalsh": (linalg.eigvalsh, np.linalg.eigvalsh, SPD),
    "svd values": (lambda x: linalg.svd(x, compute_uv=False), lambda x: np.linalg.svd(x)[1], B),
    "norm": (linalg.norm, np.linalg.norm, B),
    "lu_factor": (lambda x: linalg.lu_factor(x)[0], None, A),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_value_and_gradient(name):
    ours, theirs, value = CASES[name]
    x = pt.zmatrix("x")
    out = ours(x)
    result = evaluate(out, {x: value})
    if theirs is not None:
        np.testing.assert_allclose(result, theirs(value), rtol=1e-9, atol=1e-10)
    u, v = RNG.normal(size=(2, *result.shape))
    cost = (out.real * u).sum()
    if result.dtype.kind == "c":
        cost = cost + (out.imag * v).sum()
    g = evaluate(grad(cost, x), {x: value})

    def at(re, im):
        return float(evaluate(cost, {x: re + 1j * im}))

    expected = numeric_gradient(lambda re: at(re, value.imag), value.real) + 1j * numeric_gradient(
        lambda im: at(value.real, im), value.imag
    )
    np.testing.assert_allclose(g, expected, rtol=1e-5, atol=1e-6)
