"""Trmm and Trmv: NumPy's value in Python and C, whatever the layout; derivatives; checks."""

import itertools

import numpy as np
import pytest
from blas_layouts import DTYPES, MATRIX_LAYOUTS, VECTOR_LAYOUTS, random

import pytensor
import pytensor.tensor as pt
from pytensor.graph.replace import vectorize_graph
from pytensor.graph.utils import InconsistencyError
from pytensor.link.c.dispatch import load_dispatch
from pytensor.link.c.dispatch.basic import c_funcify
from pytensor.tensor.blas.triangular import Trmm, Trmv, trmm

load_dispatch()
# Plain loops, one library call, blocks of rows: both sides of every limit in trmm.c.
SIZES = [(1, 1), (3, 5), (33, 2), (70, 40), (300, 3)]


def compiled(op, dtype, mode="C"):
    name = np.dtype(dtype).name
    z, x = (pt.tensor(dtype=name, shape=(None,) * op.ndim) for _ in range(2))
    alpha, A, beta = pt.scalar(dtype=name), pt.matrix(dtype=name), pt.scalar(dtype=name)
    inputs = [z, alpha, A, x, beta]
    ins = [pytensor.In(v, borrow=True, mutable=op.inplace and v is z) for v in inputs]
    f = pytensor.function(ins, op(*inputs), mode=mode, accept_inplace=True)
    nodes = f.maker.fgraph.toposort()
    assert any(node.op == op for node in nodes)
    assert mode != "C" or all(c_funcify(node.op, node=node) is not None for node in nodes)
    return f


def half(op, A):
    """What the op reads, and a matrix whose other triangle is NaN or, if promised, zero."""
    T = np.tril(A) if op.lower else np.triu(A)
    if op.zeroed:
        return T, T
    other = np.triu(np.ones(A.shape), 1) if op.lower else np.tril(np.ones(A.shape), -1)
    return T, np.where(other == 1, np.array(np.nan, A.dtype), A).astype(A.dtype)


def close(got, expected, dtype):
    np.testing.assert_allclose(got, expected, rtol=0, atol=2000 * np.finfo(dtype).eps)


# One program computes them all: lower and upper, with zeros and with NaN in the other triangle.
GROUPS = {
    "left": [Trmm(False, *flags) for flags in ((1, 0, 0), (1, 0, 1), (0, 0, 0), (0, 0, 1))],
    "right": [Trmm(False, *flags) for flags in ((1, 1, 0), (1, 1, 1), (0, 1, 0), (0, 1, 1))],
    "vector": [Trmv(False, *flags) for flags in ((1, 0), (1, 1), (0, 0), (0, 1))],
}


@pytest.mark.parametrize("mode", ["C", "PY"])
@pytest.mark.parametrize("letter", DTYPES)
@pytest.mark.parametrize("group", GROUPS)
def test_value_in_every_layout(group, letter, mode):
    ops, dtype = GROUPS[group], DTYPES[letter]
    rng = np.random.default_rng(0)
    name, ndim = np.dtype(dtype).name, ops[0].ndim
    z, x = (pt.tensor(dtype=name, shape=(None,) * ndim) for _ in range(2))
    alpha, beta = pt.scalar(dtype=name), pt.scalar(dtype=name)
    matrices = [pt.matrix(dtype=name) for _ in ops]
    outputs = [op(z, alpha, A, x, beta) for op, A in zip(ops, matrices)]
    ins = [pytensor.In(v, borrow=True) for v in (z, alpha, x, beta, *matrices)]
    f = pytensor.function(ins, outputs, mode=mode)
    layouts = MATRIX_LAYOUTS if ndim == 2 else VECTOR_LAYOUTS
    combinations = itertools.product(MATRIX_LAYOUTS, layouts, layouts)
    for k, (of_a, of_x, of_z) in enumerate(itertools.islice(combinations, 0, None, 23)):
        n, m = SIZES[k % len(SIZES)]
        shape = ((m, n) if group == "right" else (n, m))[:ndim]
        A, right = random(rng, (n, n), dtype) / n, random(rng, shape, dtype)
        a, b = dtype((1.0, -0.5)[k % 2]), dtype((0.0, 2.0, 1.0)[k % 3])
        old = random(rng, shape, dtype)
        start = layouts[of_z](np.full(shape, np.nan, dtype) if b == 0 else old.copy())
        halves = [half(op, A.astype(dtype)) for op in ops]
        stored = [MATRIX_LAYOUTS[of_a](A) for _, A in halves]
        results = f(start, a, layouts[of_x](right), b, *stored)
        for (T, _), result in zip(halves, results):
            product = right @ T if group == "right" else T @ right
            close(result, a * product + (b * old if b else 0), dtype)


@pytest.mark.parametrize(
    "op", [Trmm(True), Trmm(True, right=True), Trmv(True, lower=False)], ids=str
)
def test_in_place(op):
    rng = np.random.default_rng(1)
    f = compiled(op, float)
    for (n, m), beta in itertools.product(SIZES, (0.0, 0.5)):
        shape = ((m, n) if op.right else (n, m))[: op.ndim]
        T, A = half(op, rng.normal(size=(n, n)) / n)
        x, z = rng.normal(size=shape), rng.normal(size=shape)
        for layout in (np.ascontiguousarray, np.asfortranarray, lambda v: np.repeat(v, 2, 0)[::2]):
            out = layout(z.copy())
            expected = 2 * (x @ T if op.right else T @ x) + beta * z
            close(f(out, 2.0, A, x, beta), expected, np.float64)
            close(out, expected, np.float64)


@pytest.mark.parametrize("mode", ["C", "PY"])
@pytest.mark.parametrize("n", [4, 40, 100])
def test_nan_and_infinity_spread_as_in_numpy(mode, n):
    rng = np.random.default_rng(1)
    for lower, zeroed, bad in itertools.product((False, True), (False, True), (np.nan, np.inf)):
        T, A = half(Trmm(lower=lower, zeroed=zeroed), rng.normal(size=(n, n)))
        X = rng.normal(size=(n, 40))
        X[1, 2], X[2, 3] = bad, -bad
        A[(2, 1) if lower else (1, 2)] = T[(2, 1) if lower else (1, 2)] = np.nan
        with np.errstate(invalid="ignore"):
            f = compiled(Trmm(lower=lower, zeroed=zeroed), float, mode)
            np.testing.assert_allclose(f(X * 0, 1.0, A, X, 0.0), T @ X, atol=1e-12)
            g = compiled(Trmv(lower=lower, zeroed=zeroed), float, mode)
            for column in X[:, 2], X[:, 5]:
                got = g(np.full(n, np.nan), 1.0, A, column, 0.0)
                np.testing.assert_allclose(got, T @ column, atol=1e-12)


def test_alpha_zero_reads_neither_operand():
    for op, mode in itertools.product((Trmm(), Trmv(), Trmm(right=True, zeroed=True)), ("C", "PY")):
        f = compiled(op, float, mode)
        bad, old = np.full((5, 5), np.nan), np.ones((5,) * op.ndim)
        x = bad if op.ndim == 2 else bad[0]
        np.testing.assert_array_equal(f(old, 0.0, bad, x, 2.0), 2 * old)


def test_operands_that_share_memory():
    f = compiled(Trmm(inplace=True), float)
    for n in (3, 70):
        A = np.random.default_rng(2).normal(size=(n, n))
        expected = 2 * np.tril(A) @ A.T
        np.testing.assert_allclose(f(A, 2.0, A, A.T, 0.0), expected, atol=1e-10)


@pytest.mark.parametrize("mode", ["C", "PY"])
@pytest.mark.parametrize("shape", [(3, 70), (80, 4), (0, 3), (3, 0)])
def test_trapezoids(mode, shape):
    rng = np.random.default_rng(5)
    n, k = shape
    for lower, zeroed in itertools.product((False, True), (False, True)):
        T, A = half(Trmm(lower=lower, zeroed=zeroed), rng.normal(size=shape))
        f = compiled(Trmm(lower=lower, zeroed=zeroed), float, mode)
        g = compiled(Trmm(lower=lower, right=True, zeroed=zeroed), float, mode)
        h = compiled(Trmv(lower=lower, zeroed=zeroed), float, mode)
        X, Y = rng.normal(size=(k, 40)), rng.normal(size=(40, n))
        np.testing.assert_allclose(f(np.empty((n, 40)), 1.0, A, X, 0.0), T @ X, atol=1e-12)
        np.testing.assert_allclose(g(np.empty((40, k)), 1.0, A, Y, 0.0), Y @ T, atol=1e-12)
        np.testing.assert_allclose(h(np.empty(n), 1.0, A, X[:, 0], 0.0), T @ X[:, 0], atol=1e-12)


@pytest.mark.parametrize("mode", ["C", "PY"])
def test_an_accumulator_broadcasts(mode):
    A, X, z = pt.dmatrix("A"), pt.dmatrix("X"), pt.drow("z")
    f = pytensor.function([z, A, X], trmm(z, 1.0, A, X, 3.0), mode=mode)
    a, x, row = np.ones((4, 4)), np.ones((4, 2)), np.array([[1.0, 2.0]])
    np.testing.assert_allclose(f(row, a, x), np.tril(a) @ x + 3 * row)


@pytest.mark.parametrize(
    "op", [Trmm(), Trmm(lower=False, right=True, zeroed=True), Trmv()], ids=str
)
def test_derivatives(op):
    rng = np.random.default_rng(3)
    shape = ((2, 3) if op.right else (3, 2))[: op.ndim]
    values = [rng.normal(size=s) for s in (shape, (), (3, 3), shape, ())]
    if op.zeroed:
        values[2] = np.triu(values[2])

    def product(z, alpha, A, x, beta):
        return op(z, alpha, pt.triu(A) if op.zeroed else A, x, beta)

    pytensor.gradient.verify_grad(product, values, rng=rng)
    inputs = [pt.tensor(dtype="float64", shape=v.shape) for v in values]
    tangents = [v.type() for v in inputs]
    forward = pytensor.gradient.pushforward(product(*inputs), inputs, tangents)
    f = pytensor.function([*inputs, *tangents], forward)
    steps = [rng.normal(size=v.shape) for v in values]
    at = [pytensor.function(inputs, product(*inputs))] * 2
    near = [[v + s * 1e-6 * d for v, d in zip(values, steps)] for s in (1, -1)]
    slope = (at[0](*near[0]) - at[1](*near[1])) / 2e-6
    np.testing.assert_allclose(f(*values, *steps), slope, atol=1e-7)


def test_only_the_triangle_has_a_gradient():
    A, X = pt.dmatrix("A"), pt.dmatrix("X")
    g = pytensor.grad(trmm(pt.zeros((3, 3)), 1.0, A, X, 0.0).sum(), A)
    value = pytensor.function([A, X], g)(np.ones((3, 3)), np.ones((3, 3)))
    np.testing.assert_array_equal(value, 3 * np.tril(np.ones((3, 3))))


@pytest.mark.parametrize("op", [Trmm(right=True), Trmm(lower=False), Trmv()], ids=str)
def test_batches(op):
    rng = np.random.default_rng(4)
    shapes = [(3,) * op.ndim, (), (3, 3), (3,) * op.ndim, ()]
    inputs = [pt.tensor(dtype="float64", shape=s) for s in shapes]
    batches = [pt.tensor(dtype="float64", shape=(2, *s)) for s in shapes]
    out = op(*inputs)
    batched = vectorize_graph(out, dict(zip(inputs, batches)))
    values = [rng.normal(size=v.type.shape) for v in batches]
    f, g = pytensor.function(inputs, out), pytensor.function(batches, batched)
    np.testing.assert_allclose(g(*values), [f(*item) for item in zip(*values)])


def test_static_shapes_and_checks():
    A, X = pt.tensor(shape=(3, 3), dtype="float64"), pt.tensor(shape=(None, 2), dtype="float64")
    assert trmm(pt.zeros((3, 2)), 1.0, A, X, 0.0).type.shape == (3, 2)
    wrong = pt.tensor(shape=(4, 2), dtype="float64")
    with pytest.raises(ValueError, match=r"\[Trmm\] A and x must agree on the inner"):
        trmm(wrong, 1.0, A, wrong, 0.0)
    with pytest.raises(TypeError, match=r"\[Trmv\] x must be a vector"):
        Trmv()(pt.dvector(), 1.0, A, X, 0.0)
    with pytest.raises(TypeError, match="one dtype"):
        trmm(X, 1.0, A, pt.fmatrix(), 0.0)
    with pytest.raises(InconsistencyError, match="aliased"):
        Trmm(inplace=True)(A, 1.0, A, X, 0.0)


@pytest.mark.parametrize("mode", ["C", "PY"])
def test_run_time_checks(mode):
    f = compiled(Trmm(), float, mode)
    with pytest.raises(ValueError, match="A and x must agree on the inner dimension"):
        f(np.ones((3, 2)), 1.0, np.ones((3, 4)), np.ones((3, 2)), 0.0)
    with pytest.raises(ValueError, match="z must have the shape of the product"):
        f(np.ones((2, 2)), 1.0, np.ones((3, 3)), np.ones((3, 2)), 0.0)
