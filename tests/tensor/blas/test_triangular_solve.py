"""Triangular systems and Cholesky factors in C: the value of SciPy, whatever the layout."""

import itertools

import numpy as np
import pytest
import scipy.linalg
from blas_layouts import DTYPES, MATRIX_LAYOUTS, VECTOR_LAYOUTS, random

import pytensor
import pytensor.tensor as pt
from pytensor.link.c.dispatch import load_dispatch
from pytensor.link.c.dispatch.basic import c_funcify
from pytensor.tensor.blockwise import Blockwise
from pytensor.tensor.linalg import cho_solve, cholesky, solve_triangular
from pytensor.tensor.linalg.decomposition.cholesky import Cholesky
from pytensor.tensor.linalg.solvers.psd import CholeskySolve
from pytensor.tensor.linalg.solvers.triangular import SolveTriangular

load_dispatch()
FLAGS = list(itertools.product((False, True), (False, True)))
# Both sides of the block of 32 unknowns, and of the loops for small systems.
SIZES = (1, 3, 5, 33, 70)


def triangle(rng, n, dtype, batch=()):
    """Whole matrices whose triangles are well conditioned; the other one is to be ignored."""
    matrices = random(rng, (*batch, n, n), dtype) / n
    return (matrices + 2 * np.eye(n)).astype(dtype)


def positive(rng, n, dtype, batch=()):
    x = random(rng, (*batch, n, n), dtype)
    return (x @ np.conj(x.swapaxes(-1, -2)) + n * np.eye(n)).astype(dtype)


def in_c(function):
    """All nodes of the function have C kernels."""
    nodes = function.maker.fgraph.toposort()
    return all(c_funcify(node.op, node=node) is not None for node in nodes)


def compiled(inputs, output):
    function = pytensor.function(
        [pytensor.In(x, borrow=True) for x in inputs], output, trust_input=True
    )
    assert in_c(function)
    return function


def assert_close(got, expected, dtype):
    scale = max(1.0, np.abs(expected).max(initial=0))
    tolerance = 100 * np.finfo(dtype).eps * scale * 10
    np.testing.assert_allclose(got, expected, rtol=0, atol=tolerance)


def letters():
    return pytest.mark.parametrize("dtype", list(DTYPES.values()), ids=list(DTYPES))


@letters()
@pytest.mark.parametrize("b_ndim", [1, 2])
def test_solve_triangular_for_every_flag_and_layout(dtype, b_ndim):
    rng = np.random.default_rng(b_ndim)
    name = np.dtype(dtype).name
    A, b = pt.matrix(dtype=name), pt.tensor(dtype=name, shape=(None,) * b_ndim)
    b_layouts = MATRIX_LAYOUTS if b_ndim == 2 else VECTOR_LAYOUTS
    for lower, unit in FLAGS:
        f = compiled([A, b], SolveTriangular(lower=lower, unit_diagonal=unit, b_ndim=b_ndim)(A, b))
        for k, (a_layout, b_layout) in enumerate(itertools.product(MATRIX_LAYOUTS, b_layouts)):
            n = SIZES[k % len(SIZES)]
            shape = (n, (1, 2, 7, 40)[k % 4])[:b_ndim]
            a, right = triangle(rng, n, dtype), random(rng, shape, dtype)
            expected = scipy.linalg.solve_triangular(a, right, lower=lower, unit_diagonal=unit)
            a, right = MATRIX_LAYOUTS[a_layout](a), b_layouts[b_layout](right)
            kept = right.copy()
            if a.flags.aligned and right.flags.aligned:
                assert_close(f(a, right), expected, dtype)
                np.testing.assert_array_equal(right, kept)


@letters()
def test_cho_solve(dtype):
    rng = np.random.default_rng(2)
    name = np.dtype(dtype).name
    C, b, B = pt.matrix(dtype=name), pt.vector(dtype=name), pt.matrix(dtype=name)
    for lower in (False, True):
        outputs = [cho_solve((C, lower), b), cho_solve((C, lower), B)]
        f = compiled([C, b, B], outputs)
        for n, order in itertools.product(SIZES, "CF"):
            S = positive(rng, n, dtype)
            factor = np.asarray(scipy.linalg.cholesky(S, lower=lower), order=order)
            v, V = random(rng, n, dtype), random(rng, (n, 6), dtype)
            x, X = f(factor, v, V)
            assert_close(S @ x, v, dtype)
            assert_close(S @ X, V, dtype)


@letters()
@pytest.mark.parametrize("lower", [False, True])
def test_cholesky_in_every_layout(dtype, lower):
    rng = np.random.default_rng(3)
    S = pt.matrix(dtype=np.dtype(dtype).name)
    f = compiled([S], cholesky(S, lower=lower))
    over = compiled([S], cholesky(S * 1, lower=lower))
    for n, layout in itertools.product((0, 1, 2, 40), MATRIX_LAYOUTS.values()):
        value = positive(rng, n, dtype)
        expected = np.linalg.cholesky(value)
        expected = expected if lower else np.conj(expected.T)
        value = layout(value)
        if value.flags.aligned:
            assert_close(f(value), expected, dtype)
            assert_close(over(value), expected, dtype)


def test_only_one_triangle_is_read_and_the_other_one_is_zero():
    rng = np.random.default_rng(4)
    S = pt.dmatrix("S")
    for lower, order in itertools.product((False, True), "CF"):
        f = compiled([S], cholesky(S, lower=lower))
        value = positive(rng, 8, float)
        value[np.triu_indices(8, 1) if lower else np.tril_indices(8, -1)] = np.nan
        factor = f(np.asarray(value, order=order))
        assert np.all(factor[np.triu_indices(8, 1) if lower else np.tril_indices(8, -1)] == 0)
        assert np.isfinite(factor).all()
        g = compiled([S], SolveTriangular(lower=lower, b_ndim=1)(S, np.ones(8)))
        assert np.isfinite(g(np.asarray(value, order=order))).all()


def test_singular_and_indefinite_matrices_give_nan_or_raise():
    A, b = pt.dmatrix("A"), pt.dvector("b")
    f = compiled([A, b], solve_triangular(A, b, lower=True))
    zero_at_end = np.eye(3)
    zero_at_end[2, 2] = 0
    assert np.isnan(f(zero_at_end, np.ones(3))).all()
    unit = compiled([A, b], solve_triangular(A, b, lower=True, unit_diagonal=True))
    np.testing.assert_array_equal(unit(zero_at_end, np.ones(3)), np.ones(3))
    assert np.isnan(compiled([A], cholesky(A))(-np.eye(3))).all()
    unknown = np.full((3, 3), np.nan)
    in_python = pytensor.function([A], cholesky(A), mode="PY")
    np.testing.assert_array_equal(compiled([A], cholesky(A))(unknown), in_python(unknown))
    with pytest.raises(np.linalg.LinAlgError, match="not positive definite"):
        pytensor.function([A], cholesky(A, on_error="raise"))(-np.eye(3))


@pytest.mark.parametrize("mode", ["C", "PY"])
def test_wrong_shapes_raise_the_same_in_c_and_python(mode):
    A, b, B = pt.dmatrix("A"), pt.dvector("b"), pt.dmatrix("B")
    f = pytensor.function([A, b], solve_triangular(A, b), mode=mode)
    with pytest.raises(ValueError, match=r"A must be a square matrix, got shape \(3, 2\)"):
        f(np.ones((3, 2)), np.ones(3))
    with pytest.raises(ValueError, match=r"got A \(3, 3\) and b \(2,\)"):
        f(np.eye(3), np.ones(2))
    with pytest.raises(ValueError, match=r"got A \(3, 3\) and b \(2, 4\)"):
        pytensor.function([A, B], solve_triangular(A, B), mode=mode)(np.eye(3), np.ones((2, 4)))
    with pytest.raises(ValueError, match=r"x must be a square matrix, got shape \(3, 2\)"):
        pytensor.function([A], cholesky(A), mode=mode)(np.ones((3, 2)))
    T, U = pt.dtensor3("T"), pt.dtensor3("U")
    solve = Blockwise(SolveTriangular(b_ndim=2))
    # The second is over the temporary exp(U), of which no more is solved than T has matrices.
    for right in (U, pt.exp(U)):
        stacks = pytensor.function([T, U], solve(T, right), mode=mode)
        for lengths in ((1, 3), (3, 1)):
            with pytest.raises(ValueError, match="Runtime broadcasting not allowed"):
                stacks(*(np.ones((length, 2, 2)) for length in lengths))
        with pytest.raises(ValueError, match="batch dimensions must broadcast"):
            stacks(np.ones((2, 2, 2)), np.ones((3, 2, 2)))


BATCHES = [((4,), (4,)), ((1,), (4,)), ((4,), (1,)), ((2, 1), (1, 3)), ((0,), (1,)), ((2, 3), (3,))]


@pytest.mark.parametrize("batches", BATCHES)
@pytest.mark.parametrize("b_ndim", [1, 2])
def test_batches_broadcast_without_a_python_loop(batches, b_ndim):
    rng = np.random.default_rng(5)
    n, core_b = 5, (5, 3)[:b_ndim]

    def static(batch):
        return tuple(1 if length == 1 else None for length in batch)

    A = pt.tensor(dtype="float64", shape=(*static(batches[0]), None, None))
    b = pt.tensor(dtype="float64", shape=(*static(batches[1]), *[None] * b_ndim))
    C, right = triangle(rng, n, float, batches[0]), random(rng, (*batches[1], *core_b), float)
    lower = Blockwise(SolveTriangular(lower=True, b_ndim=b_ndim))(A, b)
    both = Blockwise(CholeskySolve(lower=True, b_ndim=b_ndim))(A, b)
    f = compiled([A, b], [lower, both])
    as_matrix = right if b_ndim == 2 else right[..., None]
    L = np.tril(C)
    x, y = (v if b_ndim == 2 else v[..., None] for v in f(C, right))
    assert x.shape == np.broadcast_shapes(batches[0], batches[1]) + as_matrix.shape[-2:]
    np.testing.assert_allclose(L @ x, np.broadcast_to(as_matrix, x.shape), atol=1e-12)
    np.testing.assert_allclose(L @ (L.swapaxes(-1, -2) @ y), L @ x, atol=1e-12)


def test_batches_of_matrices_are_factorized():
    rng = np.random.default_rng(6)
    S = pt.tensor(dtype="float64", shape=(None, None, None, None))
    f = compiled([S], [cholesky(S), cholesky(S.mT * 1, lower=False)])
    value = positive(rng, 6, float, (2, 3))
    value[1, 1] = -np.eye(6)
    low, up = f(value)
    assert np.isnan(low[1, 1]).all() and np.isnan(up[1, 1]).all()
    value[1, 1] = np.eye(6)
    low, up = f(value[:, ::-1])
    np.testing.assert_allclose(low, np.linalg.cholesky(value[:, ::-1]))
    np.testing.assert_allclose(up, low.swapaxes(-1, -2))


def test_the_right_hand_side_is_overwritten_where_nobody_else_needs_it():
    A, b = pt.dmatrix("A"), pt.dmatrix("b")
    f = compiled([A, b], solve_triangular(A, b + 2, lower=True))
    assert any(
        isinstance(node.op, SolveTriangular) and node.op.overwrite_b
        for node in f.maker.fgraph.toposort()
    )
    value, right = np.tril(np.ones((40, 40))), np.ones((40, 3))
    np.testing.assert_allclose(f(value, right), np.linalg.solve(value, right + 2), atol=1e-12)


def test_a_gaussian_process_runs_no_python():
    x, y, theta = pt.dvector("x"), pt.dvector("y"), pt.dvector("theta")
    K = pt.exp(-((x[:, None] - x[None, :]) ** 2) / theta[0]) + theta[1] * pt.eye(x.shape[0])
    L = cholesky(K)
    z = solve_triangular(L, y, lower=True)
    logp = -0.5 * (z**2).sum() - pt.log(pt.diag(L)).sum()
    f = pytensor.function([x, y, theta], [logp, pytensor.grad(logp, theta)])
    assert in_c(f)
    rng = np.random.default_rng(7)
    point, values, at = np.linspace(0, 4, 40), rng.normal(size=40), np.array([0.7, 0.3])

    def direct(at):
        K = np.exp(-((point[:, None] - point) ** 2) / at[0]) + at[1] * np.eye(40)
        return -0.5 * values @ np.linalg.solve(K, values) - 0.5 * np.linalg.slogdet(K)[1]

    value, gradient = f(point, values, at)
    steps = 1e-6 * np.eye(2)
    expected = [(direct(at + e) - direct(at - e)) / 2e-6 for e in steps]
    np.testing.assert_allclose(value, direct(at))
    np.testing.assert_allclose(gradient, expected, rtol=1e-6)


@pytest.mark.parametrize("op", [Cholesky(), Cholesky(lower=False)])
def test_gradient_of_cholesky(op):
    rng = np.random.default_rng(8)
    pytensor.gradient.verify_grad(
        lambda S: op(S @ S.T + 3 * np.eye(4)), [rng.normal(size=(4, 4))], rng=rng
    )
