"""Bad input: NumPy's and SciPy's class of exception, the Op and the shapes, in C as in Python."""

import numpy as np
import pytest
from numpy.linalg import LinAlgError

import pytensor.tensor as pt
from pytensor import function
from pytensor.link.c.toolchain import find_compiler
from pytensor.tensor import linalg

A, B = pt.dmatrices("A", "B")
MODES = [
    "PY",
    "FAST_COMPILE",
    pytest.param(
        "FAST_RUN", marks=pytest.mark.skipif(find_compiler() is None, reason="no C compiler")
    ),
]
RECTANGLE, SQUARE, TWO = np.ones((3, 2)), 2 * np.eye(3), np.eye(2)
SINGULAR, NAN = np.zeros((3, 3)), np.diag([1.0, np.nan, 1.0])
INF = np.diag([1.0, np.inf, 1.0])

NOT_SQUARE = {
    "cholesky": linalg.cholesky(A),
    "cholesky upper": linalg.cholesky(A, lower=False),
    "inv": linalg.inv(A),
    "det": linalg.det(A),
    "slogdet": linalg.slogdet(A)[1],
    "eig": linalg.eig(A)[0],
    "eigh": linalg.eigh(A)[0],
    "eigvalsh": linalg.eigvalsh(A),
    "lu": linalg.lu(A)[1],
    "lu_factor": linalg.lu_factor(A)[0],
    "expm": linalg.expm(A),
    "schur": linalg.schur(A)[0],
    "qz": linalg.qz(A, A)[0],
    "solve": linalg.solve(A, A),
    "solve pos": linalg.solve(A, A, assume_a="pos"),
    "solve sym": linalg.solve(A, A, assume_a="sym"),
    "solve_triangular": linalg.solve_triangular(A, A),
    "cho_solve": linalg.cho_solve((A, True), A),
    "inv(A) @ A": linalg.inv(A) @ A,
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", NOT_SQUARE)
def test_not_square(name, mode):
    f = function([A], NOT_SQUARE[name], mode=mode)
    with pytest.raises(ValueError, match=r"(?i)square") as caught:
        f(RECTANGLE)
    assert mode != "PY" or isinstance(caught.value, LinAlgError)
    assert "(3, 2)" in str(caught.value)


OTHER = {
    "solve lengths": (linalg.solve(A, B), (SQUARE, TWO), ValueError, r"agree.*\(3, 3\).*\(2, 2\)"),
    "cho_solve lengths": (linalg.cho_solve((A, True), B), (SQUARE, TWO), ValueError, r"\(2, 2\)"),
    "singular inverse": (linalg.inv(A), (SINGULAR,), LinAlgError, "(?i)singular"),
    "not definite": (
        linalg.cholesky(A, on_error="raise"), (-SQUARE,), LinAlgError, "not positive definite"),
    "generalized, not definite": (linalg.eigh(A, B)[0], (SQUARE, -SQUARE), LinAlgError, "definite"),
    "svd of NaN": (linalg.svd(A)[1], (NAN,), LinAlgError, "converge"),
    "pinv of NaN": (linalg.pinv(A), (NAN,), LinAlgError, "converge"),
    # With infinity NumPy's own routine never ends.
    "svd of inf": (linalg.svd(A)[1], (INF,), LinAlgError, "SVD did not converge"),
    "singular values of inf": (linalg.svd(A, compute_uv=False), (INF,), LinAlgError, "converge"),
    "pinv of inf": (linalg.pinv(A), (INF,), LinAlgError, "converge"),
    "lstsq of inf": (linalg.lstsq(A, B, -1.0)[0], (INF, SQUARE), LinAlgError,
                     "SVD did not converge in Linear Least Squares"),
    "eig of NaN": (linalg.eig(A)[0], (NAN,), LinAlgError, "must not contain infs or NaNs"),
    "eig of inf": (linalg.eig(A)[0], (INF,), LinAlgError, "must not contain infs or NaNs"),
    "tensorsolve": (linalg.tensorsolve(A, B), (SQUARE, TWO), ValueError, r"\(2, 2\)"),
}  # fmt: skip


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", OTHER)
def test_other_bad_values(name, mode):
    build, values, error, words = OTHER[name]
    with pytest.raises(error, match=words):
        f = function([A, B][: len(values)], build, mode=mode)
        f(*values)


NANS = {
    "solve singular": (linalg.solve(A, A), SINGULAR),
    "solve not definite": (linalg.solve(A, A, assume_a="pos"), -SQUARE),
    "cholesky": (linalg.cholesky(A), -SQUARE),
    "cholesky of NaN": (linalg.cholesky(A), NAN),
    "triangular": (linalg.solve_triangular(A, A), SINGULAR),
    "inv(A) @ A": (linalg.inv(A) @ A, NAN),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", NANS)
def test_nan_where_there_is_no_solution(name, mode):
    out, value = NANS[name]
    assert np.isnan(function([A], out, mode=mode)(value)).any()


WRONG = {
    "assume_a": (lambda: linalg.solve(A, B, assume_a="round"), ValueError, "assume_a.*round"),
    "b_ndim": (lambda: linalg.solve(A, B, b_ndim=3), ValueError, "b_ndim"),
    "trans": (lambda: linalg.solve_triangular(A, B, trans=7), ValueError, "trans.*7"),
    "qr mode": (lambda: linalg.qr(A, mode="round"), ValueError, "mode.*round"),
    "matrix ord": (lambda: linalg.norm(A, ord=3), ValueError, "norm order.*3"),
    "matrix ord by name": (lambda: linalg.norm(A, ord="x"), ValueError, "norm order.*x"),
    "vector ord": (lambda: linalg.norm(A, ord="nuc", axis=0), ValueError, "norm order.*nuc"),
    "norm axes": (lambda: linalg.norm(A, axis=(0, 0)), ValueError, "repeated|axis"),
    "norm axis": (lambda: linalg.norm(A, axis=5), np.exceptions.AxisError, "5"),
    "norm of three axes": (
        lambda: linalg.norm(pt.dtensor3(), ord=2), ValueError, "one or two axes"),
    "on_error": (lambda: linalg.cholesky(A, on_error="x"), ValueError, "on_error"),
    "method": (lambda: linalg.solve_discrete_lyapunov(A, B, method="x"), ValueError, "method x"),
    "driver": (lambda: linalg.eigh(A, driver="x"), ValueError, "driver.*x"),
    "UPLO": (lambda: linalg.eigh(A, UPLO="X"), ValueError, "UPLO"),
    "schur output": (lambda: linalg.schur(A, output="x"), ValueError, "output.*x"),
    "schur sort": (lambda: linalg.schur(A, sort="x"), ValueError, "sort.*x"),
    "lu": (lambda: linalg.lu(A, permute_l=True, p_indices=True), ValueError, "Only one"),
    "power": (lambda: linalg.matrix_power(A, 1.5), TypeError, "integer.*1.5"),
    "power of a vector": (lambda: linalg.matrix_power(pt.dvector(), 2), ValueError, "matrix"),
    "vector": (lambda: linalg.cholesky(pt.dvector()), ValueError, "core dimensions"),
    "static shape": (
        lambda: linalg.inv(pt.tensor(shape=(3, 2))), ValueError, r"square.*\(3, 2\)"),
    "static lengths": (
        lambda: linalg.solve(pt.tensor(shape=(3, 3)), pt.tensor(shape=(2, 2))),
        ValueError, r"agree.*\(3, 3\).*\(2, 2\)"),
    "kron of numbers": (lambda: linalg.kron(pt.dscalar(), pt.dscalar()), TypeError, "scalars"),
    "block_diag of nothing": (lambda: linalg.block_diag(), ValueError, "greater than 0"),
    "trace of a vector": (lambda: linalg.trace(pt.dvector()), ValueError, "matrix"),
    "tensorinv": (lambda: linalg.tensorinv(A, ind=0), ValueError, "ind.*0"),
    "lstsq": (lambda: linalg.lstsq(A, pt.dtensor3(), -1), TypeError, "vector or a matrix"),
    "pivots": (lambda: linalg.pivot_to_permutation(pt.dvector()), TypeError, "integers"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_wrong_arguments(name):
    build, error, words = WRONG[name]
    with pytest.raises(error, match=words):
        build()


@pytest.mark.parametrize("mode", MODES)
def test_inputs_stay_as_they_are(mode):
    value = np.array([[4.0, 1.0], [1.0, 3.0]])
    outs = [
        linalg.cholesky(A), linalg.inv(A), linalg.det(A), *linalg.slogdet(A), *linalg.eig(A),
        *linalg.eigh(A), linalg.eigvalsh(A), *linalg.lu(A), *linalg.lu_factor(A), *linalg.qr(A),
        *linalg.svd(A), linalg.pinv(A), linalg.expm(A), *linalg.schur(A),
        linalg.solve(A, A, overwrite_a=True, overwrite_b=True),
        linalg.solve_triangular(A, A, lower=True),
    ]  # fmt: skip
    given = value.copy()
    for out in outs:
        function([A], out, mode=mode)(given)
        np.testing.assert_array_equal(given, value)


@pytest.mark.parametrize("n", [0, 1])
@pytest.mark.parametrize("mode", MODES)
def test_smallest_matrices(n, mode):
    x = 2.0 * np.eye(n)
    f = function(
        [A],
        [
            linalg.cholesky(A), linalg.inv(A), linalg.solve(A, A), linalg.solve(A, A, assume_a="pos"),
            linalg.solve_triangular(A, A), linalg.det(A), linalg.slogdet(A)[1], linalg.eigvalsh(A),
            linalg.svd(A, compute_uv=False), linalg.lu_factor(A)[0], linalg.qr(A)[1], linalg.expm(A),
        ],
        mode=mode,
    )  # fmt: skip
    one = np.eye(n)
    expected = [
        2**0.5 * one, one / 2, one, one, one, 2.0**n, n * np.log(2), np.full(n, 2.0),
        np.full(n, 2.0), x, x, np.exp(2) * one,
    ]  # fmt: skip
    for k, (found, value) in enumerate(zip(f(x), expected, strict=True)):
        np.testing.assert_allclose(abs(found), value, err_msg=str(k))


NOT_FINITE = {
    "eigh": (linalg.eigh(A), ValueError),
    "eigvalsh": (linalg.eigvalsh(A), ValueError),
    "eigh of two": (linalg.eigh(B, A), ValueError),
    "eigvalsh of two": (linalg.eigvalsh(A, B), ValueError),
    "svd": (linalg.svd(A), LinAlgError),
    "svd without vectors": (linalg.svd(A, compute_uv=False), LinAlgError),
    "pinv": (linalg.pinv(A), LinAlgError),
}


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", NOT_FINITE)
def test_what_is_not_finite(name, mode, bad):
    """LAPACK would leave eigenvalues as they were in memory, and seek singular ones for ever."""
    out, error = NOT_FINITE[name]
    f = function([A, B], out, mode=mode, on_unused_input="ignore")
    wrong = 2 * np.eye(3)
    wrong[1, 2] = wrong[2, 1] = bad
    words = "must not contain infs or NaNs" if error is ValueError else "SVD did not converge"
    with pytest.raises(error, match=words):
        f(wrong, SQUARE)


@pytest.mark.skipif(find_compiler() is None, reason="no C compiler")
@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
def test_signs_and_phases_are_those_of_c(dtype):
    """Vectors are unique up to a factor: both modes ask one LAPACK, so that it is the same."""
    rng = np.random.default_rng(12)
    x = pt.matrix("x", dtype=dtype)
    outputs = [*linalg.svd(x), *linalg.svd(x, full_matrices=False), *linalg.eig(x)]
    in_c, in_python = function([x], outputs), function([x], outputs, mode="PY")
    for n in (1, 3, 20):
        a = rng.normal(size=(n, n)) + (1j * rng.normal(size=(n, n)) if dtype[0] == "c" else 0)
        for c, py in zip(in_c(a.astype(dtype)), in_python(a.astype(dtype)), strict=True):
            np.testing.assert_allclose(c, py, rtol=1e-6, atol=1e-6)
