"""The gradient of Gaussian densities: two forms of cotangents take less work than the general one."""

import numpy as np
import pytest

import pytensor.tensor as pt
from pytensor import function, grad
from pytensor.gradient import verify_grad
from pytensor.tensor.linalg import cholesky, solve_triangular
from pytensor.tensor.linalg.decomposition import cholesky as general
from pytensor.tensor.linalg.decomposition.cholesky_gradient import symmetric_gradient

rng = np.random.default_rng(4)
K, y, w = pt.matrix("K"), pt.vector("y"), pt.scalar("w")

QUADRATIC = {
    "power": lambda z: (z**2).sum(),
    "square": lambda z: pt.sqr(z).sum(),
    "product": lambda z: (z * z).sum(),
    "dot": lambda z: pt.dot(z, z),
    "negated": lambda z: -(-(z**2)).sum() * w,
    "divided": lambda z: (z**2).sum() / 3,
}
OTHER = {
    "weights": lambda z: (z**2 * pt.arange(z.shape[0])).sum(),
    "cube": lambda z: (z**3).sum(),
    "sum": lambda z: z.sum(),
}


def density(quadratic, K=K, y=y):
    L = cholesky(K)
    z = solve_triangular(L, y, lower=True)
    return -0.5 * quadratic(z) - w * pt.log(pt.diag(L)).sum() - 2 * pt.log(pt.diag(L)).sum()


@pytest.mark.parametrize("mode", ["C", "PY"])
@pytest.mark.parametrize("name", [*QUADRATIC, *OTHER])
def test_against_the_general_formula(name, mode, monkeypatch):
    form = {**QUADRATIC, **OTHER}[name]
    found = []

    def seen(factor, g):
        found.append(symmetric_gradient(factor, g))
        return found[-1]

    monkeypatch.setattr(general, "symmetric_gradient", seen)
    cost = density(form)
    short = grad(cost, [K, y])
    assert (found[0] is None) == (name in OTHER)
    monkeypatch.setattr(general, "symmetric_gradient", lambda factor, g: None)
    f = function([K, y, w], [*short, *grad(cost, [K, y])], mode=mode, on_unused_input="ignore")
    for n in (0, 1, 2, 9):
        r = rng.normal(size=(n, n))
        got = f(r @ r.T + np.eye(n), rng.normal(size=n), 0.7)
        np.testing.assert_allclose(got[0], got[2], rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(got[1], got[3], rtol=1e-9, atol=1e-12)


def test_twice():
    """The gradient is itself differentiable."""
    x = np.sort(rng.uniform(0, 5, 6))
    distance, values = (x[:, None] - x) ** 2, rng.normal(size=6)

    def slope(t):
        kernel = pt.exp(t[0] - distance * pt.exp(t[1])) + pt.exp(t[2]) * pt.eye(6)
        L = cholesky(kernel)
        z = solve_triangular(L, pt.as_tensor(values), lower=True)
        return grad(-0.5 * (z**2).sum() - pt.log(pt.diag(L)).sum(), t)

    verify_grad(slope, [np.array([0.2, -0.3, -1.0])], rng=np.random.default_rng(1))


def test_float32_stays():
    A, b = pt.fmatrix("A"), pt.fvector("b")
    L = cholesky(A)
    cost = (solve_triangular(L, b, lower=True) ** 2).sum() + pt.log(pt.diag(L)).sum()
    assert grad(cost, A).type.dtype == "float32"


def test_a_solution_of_another_factor_is_not_taken():
    """Both factors are of one matrix in value only."""
    L, other = cholesky(K), pt.matrix("other")
    z = solve_triangular(L, y, lower=True)
    u = solve_triangular(other, y, lower=True)
    outputs = [grad((z * u).sum(), K), grad((solve_triangular(L.T, y, lower=False) ** 2).sum(), K)]
    f = function([K, other, y], outputs)
    r = rng.normal(size=(4, 4))
    value, vector = r @ r.T + np.eye(4), rng.normal(size=4)
    triangle = np.tril(rng.normal(size=(4, 4))) + 3 * np.eye(4)
    got = f(value, triangle, vector)

    def first(k):
        return np.linalg.solve(np.linalg.cholesky(k), vector) @ np.linalg.solve(triangle, vector)

    def second(k):
        return (np.linalg.solve(np.linalg.cholesky(k).T, vector) ** 2).sum()

    for g, cost in zip(got, (first, second)):
        step = rng.normal(size=(4, 4))
        step += step.T
        slope = (cost(value + 1e-6 * step) - cost(value - 1e-6 * step)) / 2e-6
        np.testing.assert_allclose((g * step).sum(), slope, rtol=1e-6)
