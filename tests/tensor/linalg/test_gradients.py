"""Gradients against finite differences: real and complex, one matrix and stacks of them."""

import numpy as np
import pytest
from tensor_checks import evaluate, numeric_gradient

import pytensor.tensor as pt
from pytensor.gradient import NullTypeGradError, grad
from pytensor.tensor import linalg

rng = np.random.default_rng(40)


def real(*shape):
    return rng.normal(size=shape)


def both(*shape):
    return real(*shape) + 1j * real(*shape)


def adjoint(x):
    return pt.conj(x).mT if x.type.dtype.startswith("complex") else x.mT


def projector(U):
    return U @ adjoint(U)


def svd_invariants(full):
    """What does not depend on phases, nor on how added columns are turned."""

    def outputs(x):
        U, s, Vh = linalg.svd(x, full_matrices=full)
        V = adjoint(Vh)
        if full:
            return [s, projector(U[..., 3:]), projector(V[..., 3:]), projector(U[..., :1])]
        return [s, abs(U) ** 2, abs(V) ** 3, U[..., :2] * s[..., None, :2] @ Vh[..., :2, :]]

    return outputs


def qr_full(x, **kwargs):
    Q, R = linalg.qr(x, **kwargs)[:2]
    return [Q[..., :3], R, projector(Q[..., 3:])]


def eigh_invariants(**kwargs):
    def outputs(*matrices):
        w, V = linalg.eigh(*matrices, **kwargs)
        return [w, abs(V) ** 2, projector(V[..., :1])]

    return outputs


def riccati(A, B, Q, R):
    return linalg.solve_discrete_are(A, B, (Q + adjoint(Q)) / 2, (R + adjoint(R)) / 2)


def lstsq(x, y):
    solution, squares, _rank, values = linalg.lstsq(x, y, -1)
    return [solution, squares, values]


def cases(make, kind):
    A, T, W = make(4, 4), make(5, 3), make(3, 5)
    P = A @ A.conj().T + np.eye(4)
    R = make(2, 2)
    R = R @ R.conj().T + np.eye(2)
    yield "eig", linalg.eig, A
    yield "eig, stacked", linalg.eig, make(2, 3, 3)
    yield "eig values", lambda x: linalg.eig(x)[0], A
    for name, M in (("tall", T), ("wide", W), ("square", A)):
        yield f"svd {name}", svd_invariants(False), M
        yield f"svd full {name}", svd_invariants(True), M
        yield f"svd values {name}", lambda x: linalg.svd(x, compute_uv=False), M
        yield f"qr {name}", lambda x: linalg.qr(x, mode="economic"), M
        yield f"qr r {name}", lambda x: linalg.qr(x, mode="r"), M
        yield f"qr full {name}", qr_full, M
        yield f"qr pivoted {name}", lambda x: linalg.qr(x, mode="economic", pivoting=True)[:2], M
        yield f"pinv {name}", linalg.pinv, M
        yield f"lstsq {name}", lstsq, M, make(M.shape[0], 2)
        yield f"lstsq vector {name}", lstsq, M, make(M.shape[0])
    yield "svd, stacked", svd_invariants(False), make(2, 5, 3)
    yield "qr, stacked", lambda x: linalg.qr(x, mode="economic"), make(2, 3, 5)
    yield "slogdet", linalg.slogdet, A
    yield "tensorsolve", linalg.tensorsolve, make(2, 3, 6), make(2, 3)
    yield (
        "tensorsolve axes",
        lambda a, b: linalg.tensorsolve(a, b, axes=0),
        make(6, 2, 3),
        make(2, 3),
    )
    yield "tensorinv", linalg.tensorinv, make(2, 3, 3, 2)
    yield "sylvester, stacked", linalg.solve_sylvester, make(2, 4, 4), make(2, 3, 3), make(2, 4, 3)
    yield "continuous lyapunov", linalg.solve_continuous_lyapunov, A, make(4, 4)
    for method in ("direct", "bilinear"):
        yield (
            f"discrete lyapunov {method}",
            lambda a, q, method=method: linalg.solve_discrete_lyapunov(a, q, method=method),
            A / 4,
            make(4, 4),
        )
    yield "riccati", riccati, A / 2, make(4, 2), P, R
    for lower in (True, False):
        yield f"eigh {lower}", eigh_invariants(lower=lower), P
    yield "eigh generalized", eigh_invariants(), P, P @ P + np.eye(4)
    yield "eigvalsh generalized", linalg.eigvalsh, P, P @ P + np.eye(4)
    yield "lu, stacked", lambda x: linalg.lu(x)[1:], make(2, 4, 4)
    yield "lu_solve", lambda x, b: linalg.lu_solve(linalg.lu_factor(x), b), A, make(4, 2)
    yield "matrix_power", lambda x: linalg.matrix_power(x, -3), A
    yield "kron", linalg.kron, make(2, 3), make(3, 2)
    yield "block_diag", linalg.block_diag, make(2, 3), make(3, 2)
    for order in (None, "fro", "nuc", 2, -2, 1, -1, np.inf, -np.inf):
        yield (
            f"norm {order}",
            lambda x, order=order: linalg.norm(x, ord=order, axis=(0, 2), keepdims=True),
            make(3, 2, 4),
        )
    for order in (None, 2, 1, 3, -1, 0.5, np.inf, -np.inf):
        yield f"vector norm {order}", lambda x, order=order: linalg.norm(x, order, axis=1), T
    for structure in ("gen", "sym", "her", "pos", "diagonal", "tridiagonal", "banded"):
        yield (
            f"solve {structure}",
            lambda a, b, structure=structure: linalg.solve(a, b, assume_a=structure),
            P,
            make(4, 2),
        )


CASES = {
    f"{kind} {name}": (function, values)
    for kind, make in (("real", real), ("complex", both))
    for name, function, *values in cases(make, kind)
}


@pytest.mark.parametrize("name", CASES)
def test_gradient(name):
    function, values = CASES[name]
    xs = [pt.tensor(dtype=v.dtype, shape=(None,) * v.ndim) for v in values]
    givens = dict(zip(xs, values, strict=True))
    outputs = function(*xs)
    outputs = outputs if isinstance(outputs, list | tuple) else [outputs]
    weights = np.random.default_rng(0)
    cost = 0
    for out, value in zip(outputs, evaluate(list(outputs), givens), strict=True):
        u, v = weights.normal(size=(2, *value.shape))
        cost = cost + (out.real * u).sum()
        if value.dtype.kind == "c":
            cost = cost + (out.imag * v).sum()
    for x, g in zip(xs, evaluate(grad(cost, xs), givens), strict=True):
        value = givens[x]

        def at(moved, x=x, value=value):
            return float(evaluate(cost, givens | {x: moved.astype(value.dtype)}))

        expected = numeric_gradient(
            lambda re: at(re + 1j * value.imag if np.iscomplexobj(value) else re), value.real
        )
        if np.iscomplexobj(value):
            expected = expected + 1j * numeric_gradient(
                lambda im: at(value.real + 1j * im), value.imag
            )
        assert g.dtype == value.dtype
        np.testing.assert_allclose(g, expected, rtol=2e-5, atol=2e-5 * (1 + abs(expected).max()))


@pytest.mark.parametrize(
    "build",
    [
        lambda x: linalg.qr(x, mode="raw")[0],
        lambda x: linalg.schur(x)[0],
        lambda x: linalg.qz(x, x)[0],
        lambda x: linalg.tridiagonal_lu_factor(x)[1],
    ],
    ids=["raw qr", "schur", "qz", "tridiagonal factors"],
)
def test_derivatives_that_are_missing_say_so(build):
    x = pt.dmatrix("x")
    with pytest.raises(NullTypeGradError, match="raw|use eig|solve"):
        grad(build(x).sum(), x)


def test_equal_eigenvalues_and_zero_singular_values_give_finite_gradients():
    x = pt.dmatrix("x")
    for V in (linalg.eigh(x)[1], linalg.svd(x)[0]):
        assert np.isfinite(evaluate(grad(projector(V).sum(), x), {x: np.zeros((3, 3))})).all()
