"""Linear algebra against SciPy and NumPy. (Structure, batches and errors: tests/tensor/linalg.)"""

import numpy as np
import scipy.linalg as sl
from op_rows import Row, arrays, given, real

import pytensor.tensor as pt
import pytensor.tensor.linalg as L

ROUND = 1e-8


def _square(rng, dtype, shape):
    """Well-conditioned matrices."""
    a = real(-1, 1).array(rng, dtype, shape)
    return (a + 3 * np.eye(shape[-1])).astype(dtype)


def _positive(rng, dtype, shape):
    a = real(-1, 1).array(rng, dtype, shape)
    return (a @ np.swapaxes(a, -1, -2).conj() + 2 * np.eye(shape[-1])).astype(dtype)


SQUARE, POSITIVE, ANY = given(_square), given(_positive), real()
ONE, BATCH = arrays((3, 3)), arrays((2, 3, 3))
TALL = arrays((4, 3))


def row(name, words, reference, call=None, shapes=(ONE,), args=(SQUARE,), **fields):
    full = f"pytensor.tensor.linalg:{name}"
    call = call or getattr(L, name)
    return Row(f"{full} {words}", args, reference, call, shapes=list(shapes), rtol=ROUND, **fields)


def _tridiagonal(a, b):
    return L.tridiagonal_lu_solve(L.tridiagonal_lu_factor(a), b, b_ndim=1)


def _tridiagonal_solution(a, b):
    return np.linalg.solve(np.triu(np.tril(a, 1), -1), b)


FACTORS = [
    row("cholesky", "", np.linalg.cholesky, shapes=(ONE, BATCH), args=(POSITIVE,), dtypes="f"),
    row("lu", "", lambda a: sl.lu(a)[1:], lambda a: L.lu(a)[1:]),
    row("lu_factor", "", lambda a: sl.lu_factor(a), L.lu_factor, dtype="pivots"),
    row("qr", "", np.linalg.qr, lambda a: L.qr(a, mode="economic"), (ONE, TALL), (ANY,)),
    row("svd", "values", lambda a: np.linalg.svd(a, compute_uv=False),
        lambda a: L.svd(a, compute_uv=False), (ONE, TALL, BATCH), (ANY,)),
    row("eigh", "", lambda a: np.linalg.eigh(a)[0], lambda a: L.eigh(a)[0], args=(POSITIVE,)),
    row("eigvalsh", "", np.linalg.eigvalsh, lambda a: L.eigvalsh(a, None), args=(POSITIVE,)),
    row("eig", "", lambda a: np.sort(np.linalg.eig(a)[0].real), lambda a: pt.sort(pt.real(L.eig(a)[0])),
        args=(POSITIVE,), gradient="tests/tensor/linalg"),
    row("schur", "", lambda a: sl.schur(a), L.schur, gradient="none is implemented"),
    row("qz", "", lambda a, b: sl.qz(a, b), L.qz, (arrays((3, 3), (3, 3)),), (SQUARE, POSITIVE),
        gradient="none is implemented"),
]  # fmt: skip
SOLVED = [
    row("solve", "", np.linalg.solve, L.solve, (arrays((3, 3), (3, 2)),), (SQUARE, ANY)),
    row("solve", "positive", np.linalg.solve, lambda a, b: L.solve(a, b, assume_a="pos"),
        (arrays((3, 3), (3, 2)),), (POSITIVE, ANY), gradient="of symmetric matrices only"),
    row("solve_triangular", "", lambda a, b: sl.solve_triangular(a, b, lower=True),
        lambda a, b: L.solve_triangular(a, b, lower=True), (arrays((3, 3), (3, 2)),), (SQUARE, ANY)),
    row("cho_solve", "", lambda a, b: sl.cho_solve((a, True), b),
        lambda a, b: L.cho_solve((a, True), b),
        (arrays((3, 3), (3,)),), (SQUARE, ANY)),
    row("lu_solve", "", np.linalg.solve, lambda a, b: L.lu_solve(L.lu_factor(a), b),
        (arrays((3, 3), (3,)),), (SQUARE, ANY)),
    row("inv", "", np.linalg.inv, shapes=(ONE, BATCH)),
    row("pinv", "", np.linalg.pinv, shapes=(TALL,), args=(ANY,)),
    row("lstsq", "", lambda a, b: np.linalg.lstsq(a, b)[0], lambda a, b: L.lstsq(a, b, np.float64(-1))[0],
        (arrays((4, 3), (4, 2)),), (ANY, ANY), gradient="none is implemented"),
    row("tridiagonal_lu_solve", "", _tridiagonal_solution, _tridiagonal, (arrays((3, 3), (3,)),),
        (SQUARE, ANY), also="pytensor.tensor.linalg:tridiagonal_lu_factor", gradient="none is implemented"),
    row("tensorinv", "", lambda a: np.linalg.tensorinv(a, 1), lambda a: L.tensorinv(a, 1),
        gradient="none is implemented"),
    row("tensorsolve", "", np.linalg.tensorsolve, L.tensorsolve, (arrays((3, 3), (3,)),), (SQUARE, ANY),
        gradient="none is implemented"),
    row("solve_sylvester", "", sl.solve_sylvester, L.solve_sylvester,
        (arrays((3, 3), (3, 3), (3, 3)),), (SQUARE, POSITIVE, ANY)),
    row("solve_continuous_lyapunov", "", sl.solve_continuous_lyapunov, L.solve_continuous_lyapunov,
        (arrays((3, 3), (3, 3)),), (SQUARE, ANY)),
    row("solve_discrete_lyapunov", "", lambda a, q: sl.solve_discrete_lyapunov(a, q),
        L.solve_discrete_lyapunov, (arrays((3, 3), (3, 3)),), (SQUARE, POSITIVE), dtype="SciPy: float64"),
    row("solve_discrete_are", "", sl.solve_discrete_are, L.solve_discrete_are,
        (arrays((3, 3), (3, 3), (3, 3), (3, 3)),), (SQUARE, SQUARE, POSITIVE, POSITIVE),
        gradient="for symmetric operands: tests/tensor/linalg", dtype="SciPy: float64"),
]  # fmt: skip
NUMBERS = [
    row("det", "", np.linalg.det, shapes=(ONE, BATCH)),
    row("slogdet", "", lambda a: tuple(np.linalg.slogdet(a)), shapes=(ONE, BATCH)),
    row("norm", "", np.linalg.norm, shapes=(TALL,), args=(ANY,)),
    row("norm", "one", lambda a: np.linalg.norm(a, 1), lambda a: L.norm(a, 1), args=(ANY,)),
    row("trace", "", np.trace),
]  # fmt: skip
PRODUCTS = [
    row("kron", "", np.kron, shapes=(arrays((2, 3), (3, 2)),), args=(ANY, ANY), dtypes="fi"),
    row("block_diag", "", sl.block_diag, shapes=(arrays((2, 3), (3, 2)),), args=(ANY, ANY)),
    row("matrix_dot", "", lambda a, b, c: a @ b @ c, L.matrix_dot,
        (arrays((2, 3), (3, 2), (2, 4)),), (ANY, ANY, ANY)),
    row("matrix_power", "", lambda a: np.linalg.matrix_power(a, 3), lambda a: L.matrix_power(a, 3)),
    row("expm", "", sl.expm, args=(ANY,)),
    row("pivot_to_permutation", "", lambda p: np.array([2, 0, 1]), lambda p: L.pivot_to_permutation(p),
        (arrays((3,)),), (given(lambda rng, dtype, shape: np.array([1, 2, 2]), "int64"),),
        gradient="permutations", dtype="of positions"),
]  # fmt: skip
ROWS = [*FACTORS, *SOLVED, *NUMBERS, *PRODUCTS]
