"""Random expressions of structured matrices have the values they had before rewriting."""

import numpy as np
import pytest

import pytensor.tensor as pt
from pytensor import config, function
from pytensor.assumptions import assume
from pytensor.compile.mode import Mode
from pytensor.tensor import linalg

N = 4


def sources(A, B, v):
    """Well-conditioned square matrices of many structures."""
    S = A @ A.T + pt.eye(N)
    L = linalg.cholesky(S)
    T = pt.tensor("T", dtype="float64", shape=(2, 2))
    small = pt.specify_shape(A[:2, :2], (2, 2)) * 0.1 + 2 * pt.eye(2)
    return [
        A, A.T, S, L, L.T, L @ L.T, pt.diag(pt.exp(v)), 2.0 * pt.eye(N), pt.tril(A), pt.triu(A),
        linalg.qr(B)[0], linalg.inv(A), linalg.expm(0.1 * B), linalg.kron(small, small.T + T * 0),
        linalg.block_diag(small, small.T), assume(S, symmetric=True), assume(S, positive_definite=True),
        -L, A * 0.5, linalg.inv(L),
    ], T  # fmt: skip


def grow(rng, matrices, vectors):
    """One more matrix or vector."""

    def pick(items):
        return items[rng.integers(len(items))]

    M, K, b = pick(matrices), pick(matrices), pick(vectors)
    kind = rng.integers(7)
    if kind == 0:
        matrices.append(linalg.solve(M, K))
    elif kind == 1:
        vectors.append(linalg.solve(M, b))
    elif kind == 2:
        vectors.append(linalg.inv(M) @ b)
    elif kind == 3:
        matrices.append(M @ linalg.inv(K))
    elif kind == 4:
        vectors.append(linalg.solve(M.T, -0.5 * b))
    elif kind == 5:
        matrices.append(linalg.inv(M.T))
    else:
        vectors.append(M @ b)


@pytest.mark.parametrize("seed", range(12))
def test_values_are_those_of_the_expression_as_written(seed):
    rng = np.random.default_rng(seed)
    A, B, v = pt.tensor("A", dtype="float64", shape=(N, N)), pt.dmatrix("B"), pt.dvector("v")
    matrices, T = sources(A, B, v)
    vectors = [v, v + 1]
    first = len(matrices)
    for _ in range(6):
        grow(rng, matrices, vectors)
    chosen = [matrices[i] for i in rng.integers(len(matrices), size=3)]
    outs = [*matrices[first:], *vectors[2:]]
    for M in chosen:
        outs += [linalg.det(M), pt.log(abs(linalg.det(M))), *linalg.slogdet(M)]
    outs.append(vectors[-1] @ linalg.solve(chosen[0], vectors[-1]))
    values = {
        A: rng.normal(size=(N, N)) + 4 * np.eye(N),
        B: rng.normal(size=(N, N)),
        v: rng.normal(size=N),
        T: np.zeros((2, 2)),
    }
    plain = function(list(values), outs, mode=Mode("py", None), on_unused_input="ignore")
    with config.change_flags(on_opt_error="raise"):
        fast = function(list(values), outs, mode=Mode("py", "fast_run"), on_unused_input="ignore")
    for k, (found, expected) in enumerate(
        zip(fast(*values.values()), plain(*values.values()), strict=True)
    ):
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-8, err_msg=f"{seed}: {k}")
