"""Linear algebra by structure: each rule fires, keeps the values, and declines where it must."""

import numpy as np
import pytest
from rule_checks import rewritten, same_value

import pytensor.tensor as pt
from pytensor import function, grad
from pytensor.assumptions import assume
from pytensor.compile.mode import Mode
from pytensor.tensor import linalg

rng = np.random.default_rng(5)
A, B, S = pt.dmatrices("A", "B", "S")
A3, B2 = (
    pt.tensor("A3", dtype="float64", shape=(3, 3)),
    pt.tensor("B2", dtype="float64", shape=(2, 2)),
)
T = pt.dtensor3("T")
b, d, c6 = pt.dvector("b"), pt.dvector("d"), pt.dvector("c6")
M6 = pt.dmatrix("M6")
Z = pt.zmatrix("Z")
FAST = Mode("py", "fast_run")
_a = rng.normal(size=(3, 3))
_z = rng.normal(size=(3, 3)) + 1j * rng.normal(size=(3, 3))
VALUES = {
    A: _a + 3 * np.eye(3),
    B: rng.normal(size=(3, 3)),
    S: _a @ _a.T + np.eye(3),
    A3: rng.normal(size=(3, 3)) + 3 * np.eye(3),
    B2: rng.normal(size=(2, 2)) + 3 * np.eye(2),
    T: rng.normal(size=(2, 3, 3)) + 3 * np.eye(3),
    b: rng.normal(size=3),
    d: rng.uniform(1, 2, size=3),
    c6: rng.normal(size=6),
    M6: rng.normal(size=(6, 2)),
    Z: _z + 3 * np.eye(3),
}
L = linalg.cholesky(S)
PD = assume(S, positive_definite=True)
SYM = assume(S, symmetric=True)
K6 = linalg.kron(A3, B2)
D6 = linalg.block_diag(A3, B2)
Q = assume(pt.as_tensor(np.linalg.qr(_a)[0]), orthogonal=True)


def cores(fgraph):
    found = []
    for node in fgraph.apply_nodes:
        found.append(type(getattr(node.op, "core_op", node.op)).__name__)
    return found


# expression: Ops that must be gone, Ops that must be there (with how many, if it matters)
FIRES = {
    "solve lower": (linalg.solve(pt.tril(A), b), "Solve", "SolveTriangular"),
    "solve upper, stacked": (linalg.solve(pt.triu(T), T), "Solve", "SolveTriangular"),
    "solve with a factor": (linalg.solve(L, b), "Solve", "SolveTriangular"),
    "solve with a factor's transpose": (linalg.solve(L.T, B), "Solve", "SolveTriangular"),
    "solve diagonal": (linalg.solve(pt.diag(d), b), "Solve", ""),
    "solve multiple of eye": (linalg.solve(pt.eye(3) * 2.5, B), "Solve", ""),
    "triangular solve of diagonal": (linalg.solve_triangular(pt.diag(d), B), "SolveTriangular", ""),
    "solve positive definite": (linalg.solve(PD, b), "Solve", "Cholesky CholeskySolve"),
    "solve pos": (linalg.solve(S, b, assume_a="pos"), "Solve", "Cholesky CholeskySolve"),
    "solve L L.T": (linalg.solve(L @ L.T, b), "Solve", "CholeskySolve"),
    "solve L.T L upper": (
        linalg.solve(linalg.cholesky(S, lower=False).T @ linalg.cholesky(S, lower=False), b),
        "Solve", "CholeskySolve"),
    "solve orthogonal": (linalg.solve(Q, b), "Solve", ""),
    "solve with an inverse": (linalg.solve(linalg.inv(A), b), "Solve MatrixInverse", "Dot"),
    "solve block_diag": (linalg.solve(D6[:, :], pt.concatenate([b, b[:2]])), "BlockDiagonal", "Solve"),
    "solve block_diag matrix": (linalg.solve(D6, pt.zeros((5, 2)) + 1.0), "BlockDiagonal", "Solve"),
    "solve kron": (linalg.solve(K6, c6), "KroneckerProduct", "Solve"),
    "solve kron matrix": (linalg.solve(K6, M6), "KroneckerProduct", "Solve"),
    "kron @ vector": (K6 @ c6, "KroneckerProduct JoinDims", "Dot"),
    "kron @ matrix": (K6 @ M6, "KroneckerProduct JoinDims", "Dot"),
    "solve tridiagonal": (
        linalg.solve(pt.diag(d) + pt.diag(d[1:], 1) + pt.diag(d[1:] / 9, -1), b), "", "Solve"),
    "solve scalar": (linalg.solve(pt.as_tensor([[2.0]]) * b[0], b[:1]), "Solve", ""),
    "solve a stack of vectors": (
        linalg.solve(A, T[0][None] + T[:, 0][:, None], b_ndim=1), "Blockwise", "Solve"),
    "inv diagonal": (linalg.inv(pt.diag(d)), "MatrixInverse", "AllocDiag"),
    "inv orthogonal": (linalg.inv(Q) + B, "MatrixInverse", ""),
    "pinv orthogonal": (linalg.pinv(Q) + B, "MatrixPinv", ""),
    "inv triangular": (linalg.inv(L), "MatrixInverse", "SolveTriangular"),
    "inv block_diag": (linalg.inv(D6), "", "BlockDiagonal MatrixInverse"),
    "inv of factorized": ([linalg.inv(SYM), linalg.cholesky(S)], "MatrixInverse", "CholeskySolve"),
    "paired": (linalg.solve_triangular(L.T, linalg.solve_triangular(L, b, lower=True)),
               "SolveTriangular", "CholeskySolve"),
    "quadratic form": (b @ linalg.cho_solve((L, True), b), "CholeskySolve", "SolveTriangular"),
    "det triangular": (linalg.det(L), "Det", ""),
    "slogdet triangular": (linalg.slogdet(pt.tril(A))[1], "SLogDet", ""),
    "det diagonal": (linalg.det(pt.diag(d)), "Det", ""),
    "det block_diag": (linalg.det(D6), "BlockDiagonal", "Det"),
    "slogdet block_diag": (linalg.slogdet(D6), "BlockDiagonal", "SLogDet"),
    "det kron": (linalg.det(K6), "KroneckerProduct", "Det"),
    "slogdet kron": (linalg.slogdet(K6), "KroneckerProduct", "SLogDet"),
    "det transpose": (linalg.det(A.T), "DimShuffle", "Det"),
    "slogdet inverse": (linalg.slogdet(linalg.inv(A)), "MatrixInverse", "SLogDet"),
    "det expm": (linalg.det(linalg.expm(A)), "Det Expm", ""),
    "det L L.T": (linalg.det(L @ L.T), "Det", ""),
    "log det": (pt.log(linalg.det(S)), "Det", "SLogDet"),
    "log det factor": (pt.log(linalg.det(L)), "Det Prod", "Sum"),
    "log abs det factor": (pt.log(abs(linalg.det(pt.tril(A)))), "Det Prod", "Sum"),
    "slogdet positive definite": (linalg.slogdet(PD)[1], "SLogDet", "Cholesky"),
    "log det of factorized": ([pt.log(linalg.det(SYM)), linalg.cholesky(S)], "Det SLogDet", "Cholesky"),
    "two solves": ([linalg.solve(A, b), linalg.solve(A, B)], "Solve", "LUFactor SolveTriangular"),
    "solve and transposed": ([linalg.solve(A, b), linalg.solve(A.T, B)], "Solve", "LUFactor"),
    "solve and det": ([linalg.solve(A, b), linalg.det(A)], "Solve Det", "LUFactor"),
    "solve and slogdet": ([linalg.solve(A, b), *linalg.slogdet(A)], "Solve SLogDet", "LUFactor"),
    "solve and slogdet, stacked": ([linalg.solve(T, T + 1), *linalg.slogdet(T)], "Solve SLogDet", "LUFactor"),
    "complex solve and slogdet": ([linalg.solve(Z, Z + 1), *linalg.slogdet(Z)], "Solve SLogDet", "LUFactor"),
    "inverse and slogdet": ([linalg.inv(A), *linalg.slogdet(A)], "MatrixInverse SLogDet", "LUFactor"),
    "two tridiagonal": (
        [linalg.solve(A, b, assume_a="tridiagonal"), linalg.solve(A.T, B, assume_a="tridiagonal")],
        "Solve", "LUFactorTridiagonal"),
    "cholesky L L.T": (linalg.cholesky(L @ L.T), "Dot", "Cholesky"),
    "cholesky tril tril.T": (linalg.cholesky(pt.tril(-A) @ pt.tril(-A).T), "Dot Cholesky", ""),
    "cholesky diagonal": (linalg.cholesky(pt.diag(d)), "Cholesky", ""),
    "cholesky block_diag": (
        linalg.cholesky(linalg.block_diag(A3 @ A3.T, B2 @ B2.T)), "", "Cholesky BlockDiagonal"),
    "eigh values": (linalg.eigh(S)[0], "Eigh", "Eigvalsh"),
    "eigh diagonal": (linalg.eigh(pt.diag(d)), "Eigh", ""),
    "eigvalsh diagonal": (linalg.eigvalsh(pt.diag(d)), "Eigvalsh", ""),
    "expm diagonal": (linalg.expm(pt.diag(d)), "Expm", ""),
    "qr without Q": (linalg.qr(A)[1], "", "QR"),
    "kron of diagonals": (linalg.kron(pt.diag(d), pt.diag(b)), "KroneckerProduct", "AllocDiag"),
    "nested block_diag": (linalg.block_diag(A, linalg.block_diag(B, S)), "", "BlockDiagonal"),
    "Q Q.T": (Q @ Q.T + B, "Dot", ""),
    "diag of block_diag": (pt.diag(D6), "BlockDiagonal", "ExtractDiag"),
    "trace of kron": (linalg.trace(K6), "KroneckerProduct", ""),
}  # fmt: skip


@pytest.mark.parametrize("name", FIRES)
def test_fires_and_keeps_the_value(name):
    out, gone, there = FIRES[name]
    outputs = list(out) if isinstance(out, list | tuple) else [out]
    stages = (
        "+ShapeOpt",
        "+useless",
        "+drain_specify_assumptions",
        "+canonicalize",
        "+stabilize",
        "+specialize",
    )
    stages = (*stages, "+merge")
    fgraph = rewritten(*outputs, stages=stages)
    found = cores(fgraph)
    assert not set(gone.split()) & set(found), found
    assert set(there.split()) <= set(found), found
    assert found.count("Cholesky") + found.count("LUFactor") + found.count("Solve") <= 2, found
    same_value(outputs, VALUES, fgraph)


KEEPS = {
    "unknown structure": (linalg.solve(A, b), "Solve"),
    "one solve": (linalg.solve(A, b) + linalg.det(B), "Solve"),
    "inverse alone": (linalg.inv(A), "MatrixInverse"),
    "det alone": (linalg.det(A), "Det"),
    "mask of the other side": (linalg.solve(pt.tril(A, 1), b), "Solve"),
    "log of a product": (pt.log(pt.prod(b)), "Prod"),
    "block_diag of unknown shapes": (linalg.solve(linalg.block_diag(A, B), c6), "BlockDiagonal"),
    "det of unknown kron": (linalg.det(linalg.kron(A, B)), "Det"),
    "factor of a matrix not known to be symmetric": (
        [linalg.solve(A, b), linalg.cholesky(A)], "Solve"),
    "lu of one triangle": ([linalg.solve(A, b), linalg.solve(A, b, assume_a="sym")], "Solve"),
    "product of two matrices": (linalg.solve(A @ B.T, b), "Solve"),
    "complex x @ x.T": (linalg.solve(Z @ Z.T, Z), "Solve"),
    "switch that is no mask": (linalg.solve(pt.switch(A > 0, A, 0), b), "Solve"),
    "generalized eigh": (linalg.eigh(S, S)[1], "Eigh"),
    "unit diagonal": (linalg.solve_triangular(pt.diag(d), B, unit_diagonal=True), "SolveTriangular"),
    "orthogonal product, other matrix": (Q @ A.T, "Dot"),
}  # fmt: skip


@pytest.mark.parametrize("name", KEEPS)
def test_declines(name):
    out, there = KEEPS[name]
    fgraph = rewritten(*(out if isinstance(out, list) else [out]))
    assert there in cores(fgraph)


def test_what_is_declared_false_is_respected():
    x = assume(pt.tril(A), symmetric=False)
    assert "SolveTriangular" in cores(function([A, b], linalg.solve(x, b), mode=FAST).maker.fgraph)


def test_log_determinants_do_not_overflow():
    big = 1e3 * np.eye(300)
    f = function([A], [pt.log(linalg.det(A)), linalg.slogdet(pt.tril(A))[1]], mode=FAST)
    np.testing.assert_allclose(f(big), 300 * np.log(1e3))
    g = function([A], grad(pt.log(linalg.det(A)), A), mode=FAST)
    np.testing.assert_allclose(g(big), np.linalg.inv(big))


def test_marginal_likelihood_needs_one_cholesky():
    x, y, theta = pt.dvector("x"), pt.dvector("y"), pt.dvector("theta")
    K = pt.exp(theta[0]) * pt.exp(-0.5 * (x[:, None] - x[None, :]) ** 2 / theta[1] ** 2)
    K = K + pt.exp(theta[2]) * pt.eye(x.shape[0])
    K = assume(K, positive_definite=True)
    logp = -0.5 * y @ linalg.solve(K, y) - 0.5 * pt.log(linalg.det(K))
    f = function([x, y, theta], [logp, grad(logp, theta)], mode=FAST)
    found = cores(f.maker.fgraph)
    assert found.count("Cholesky") == 1, found
    assert not {"Solve", "SLogDet", "Det", "MatrixInverse"} & set(found)
    plain = function([x, y, theta], [logp, grad(logp, theta)], mode=Mode("py", None))
    values = np.linspace(0, 3, 8), np.sin(np.arange(8.0)), np.array([0.1, 0.8, -1.0])
    for found, expected in zip(f(*values), plain(*values)):
        np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_nothing_is_remembered_in_the_program():
    f = function([S, b], linalg.solve(PD, b), mode=FAST)
    assert not any("Assumption" in type(x).__name__ for x in f.maker.fgraph._features)
    assert not any("Assumption" in str(n.op) for n in f.maker.fgraph.apply_nodes)
