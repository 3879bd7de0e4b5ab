"""Products with a triangle known by construction: which become Trmm, which don't, and the value."""

import itertools

import numpy as np
import pytest

import pytensor
import pytensor.tensor as pt
from pytensor.compile.mode import Mode
from pytensor.graph.rewriting.trace import rewrite_trace
from pytensor.graph.traversal import ancestors, explicit_graph_inputs
from pytensor.tensor.blas import Dot22, Gemm, Gemv
from pytensor.tensor.blas.triangular import Trmm, TrmmRelated, Trmv
from pytensor.tensor.elemwise import Elemwise
from pytensor.tensor.linalg import cholesky, inv, solve_triangular
from pytensor.tensor.rewriting.blas_triangular import (
    local_product_to_trmm,
    triangular_structure,
)
from pytensor.tensor.rewriting.explain_reasons import REASONS

A, B, X, Z = pt.dmatrices("A", "B", "X", "Z")
v, s = pt.dvector("v"), pt.dscalar("s")
VALUES = {"A": (5, 5), "B": (5, 5), "X": (5, 4), "Z": (5, 4), "v": (5,), "s": ()}


def inputs_of(out):
    used = set(ancestors([out]))
    return [x for x in (A, B, X, Z, v, s) if x in used]


def values(seed):
    rng = np.random.default_rng(seed)
    out = {name: rng.normal(size=shape) for name, shape in VALUES.items()}
    return {**out, "B": out["B"] @ out["B"].T + 5 * np.eye(5)}


def ops(function):
    return [node.op for node in function.maker.fgraph.toposort()]


def check(out, *seeds):
    """The value is that of the graph before rewriting; return the ops."""
    inputs = inputs_of(out)
    f = pytensor.function(inputs, out)
    plain = pytensor.function(inputs, out, mode=Mode("py", None))
    for seed in seeds or (0,):
        at = [values(seed)[x.name] for x in inputs]
        np.testing.assert_allclose(f(*at), plain(*at), atol=1e-9)
    return ops(f)


FIRES = {
    "tril(A) @ X": (pt.tril(A) @ X, Trmm(True, lower=True)),
    "triu(A) @ X": (pt.triu(A) @ X, Trmm(True, lower=False)),
    "X.T @ tril(A)": (X.T @ pt.tril(A), Trmm(True, lower=True, right=True)),
    "tril(A).T @ X": (pt.tril(A).T @ X, Trmm(True, lower=False)),
    "tril(A.T) @ X": (pt.tril(A.T) @ X, Trmm(True, lower=True)),
    "(tril(A) @ X).T": ((pt.tril(A) @ X).T, Trmm(True, lower=False, right=True)),
    "s * tril(A) @ X": (s * pt.tril(A) @ X, Trmm(True, lower=True)),
    "Z - 2 * tril(A) @ X": (Z * 3 - 2 * (pt.tril(A) @ X), Trmm(True, lower=True)),
    "tril(A, -1) @ X": (pt.tril(A, -1) @ X, Trmm(True, lower=True, zeroed=True)),
    "triu(A, 2) @ X": (pt.triu(A, 2) @ X, Trmm(True, lower=False, zeroed=True)),
    "cholesky(B) @ X": (cholesky(B) @ X, Trmm(True, lower=True, zeroed=True)),
    "cholesky(B).T @ X": (cholesky(B).T @ X, Trmm(True, lower=False, zeroed=True)),
    "cholesky(B, upper) @ X": (cholesky(B, lower=False) @ X, Trmm(True, lower=False, zeroed=True)),
    "tril(A) @ v": (pt.tril(A) @ v, Trmv(True, lower=True)),
    "v @ tril(A)": (v @ pt.tril(A), Trmv(True, lower=False)),
    "v + cholesky(B) @ v": (v + cholesky(B) @ v, Trmv(False, lower=True, zeroed=True)),
}


@pytest.mark.parametrize("name", FIRES)
def test_fires(name):
    out, expected = FIRES[name]
    found = [op for op in check(out, 0, 1) if isinstance(op, TrmmRelated)]
    assert len(found) == 1
    assert type(found[0]) is type(expected)
    props = {**expected._props_dict(), "inplace": found[0].inplace}
    assert found[0]._props_dict() == props


def test_no_masked_copy_is_made():
    for out in (pt.tril(A) @ X, pt.triu(A).T @ v, X.T @ pt.tril(A), pt.tril(A) @ X + Z):
        assert not any(isinstance(op, Elemwise) for op in check(out))


def test_a_masked_copy_that_others_read_is_read():
    T = pt.tril(A)
    found = [op for op in check(T @ X + T.sum()) if isinstance(op, Trmm)]
    assert [op.zeroed for op in found] == [True]


DECLINES = {
    "no triangle": A @ X,
    "the diagonal above is kept": pt.tril(A, 1) @ X,
    "the diagonal below is kept": pt.triu(A, -1) @ X,
    "mask of another comparison": pt.switch(pt.neq(pt.arange(5)[:, None], pt.arange(5)), A, 0) @ X,
    "what is masked is not zero": pt.switch(pt.ge(pt.arange(5)[:, None], pt.arange(5)), A, 1) @ X,
    "mask along one axis": pt.switch(pt.ge(pt.arange(5)[:, None], 2), A, 0) @ X,
    "steps of two": pt.switch(pt.ge(pt.arange(0, 10, 2)[:, None], pt.arange(5)), A, 0) @ X,
    "inverses are rounded": inv(pt.tril(A)) @ X,
    "sum with a matrix": (pt.tril(A) + B) @ X,
    "lower and upper": (pt.tril(A) + pt.triu(B)) @ X,
}


@pytest.mark.parametrize("name", DECLINES)
def test_declines(name):
    assert not any(isinstance(op, TrmmRelated) for op in check(DECLINES[name]))


def test_declines_small_products_and_other_dtypes():
    small = pt.tensor("S", shape=(40, 40), dtype="float64")
    f = pytensor.function([small, X], cholesky(small) @ X)
    assert any(isinstance(op, Dot22) for op in ops(f))
    large = pt.tensor("S", shape=(64, 64), dtype="float64")
    f = pytensor.function([large, X], cholesky(large) @ X)
    assert any(isinstance(op, Trmm) for op in ops(f))
    integer = pt.imatrix("I")
    f = pytensor.function([integer], pt.tril(integer) @ integer)
    assert not any(isinstance(op, TrmmRelated) for op in ops(f))


def refusals(out):
    with rewrite_trace() as trace:
        pytensor.function(list(explicit_graph_inputs([out])), out)
    name = str(local_product_to_trmm)
    return {e.detail for e in trace.events if e.outcome == "refused" and e.rewriter == name}


def test_refusals_are_told():
    small = pt.tensor("S", shape=(40, 40), dtype="float64")
    C, D = pt.zmatrix("C"), pt.zmatrix("D")
    assert refusals(cholesky(small) @ X) == {"gains"}
    assert refusals(pt.tril(C) @ D.conj()) == {"is_plain"}
    for out in (A @ X, pt.tril(A) @ X, C.conj() @ D):
        assert refusals(out) == set()
    assert {"gains", "is_plain"} <= set(REASONS)


def test_excluding_the_tag_keeps_the_products():
    mode = pytensor.compile.mode.get_default_mode().excluding("blas_triangular")
    f = pytensor.function([A, X, v], [pt.tril(A) @ X, pt.tril(A) @ v], mode=mode)
    assert not any(isinstance(op, TrmmRelated) for op in ops(f))
    assert any(isinstance(op, Gemv) for op in ops(f))
    assert any(isinstance(op, Dot22 | Gemm) for op in ops(f))


def test_nan_and_infinity_spread_as_without_the_rule():
    f = pytensor.function([A, X, v], [pt.tril(A) @ X, pt.triu(A) @ v])
    rng = np.random.default_rng(2)
    for n, bad in itertools.product((5, 80), (np.nan, np.inf)):
        a, x, w = rng.normal(size=(n, n)), rng.normal(size=(n, 40)), rng.normal(size=n)
        a[0, 3] = a[3, 0] = bad  # one of them is masked
        x[2, 1] = w[1] = bad
        with np.errstate(invalid="ignore"):
            expected = np.tril(a) @ x, np.triu(a) @ w
        for got, want in zip(f(a, x, w), expected):
            np.testing.assert_allclose(got, want, atol=1e-12)


def test_rectangular_triangles():
    f = pytensor.function([A, X, v], [pt.tril(A) @ X, pt.triu(A) @ v, X.T @ pt.tril(A.T)])
    rng = np.random.default_rng(3)
    for n, k in ((3, 7), (90, 4)):
        a, x, w = rng.normal(size=(n, k)), rng.normal(size=(k, 33)), rng.normal(size=k)
        expected = np.tril(a) @ x, np.triu(a) @ w, x.T @ np.tril(a.T)
        for got, want in zip(f(a, x, w), expected):
            np.testing.assert_allclose(got, want, atol=1e-12)


def test_random_products():
    """Random factors, transposes, scales and sums: always the value of the expression."""
    rng = np.random.default_rng(4)
    square = [A, pt.tril(A), pt.triu(A), pt.tril(A, -1), pt.triu(A, 1), cholesky(B), B]
    for seed in range(25):
        pick = [square[i] for i in rng.integers(len(square), size=3)]
        T, U, V = (x.T if rng.random() < 0.5 else x for x in pick)
        product = (T @ U if rng.random() < 0.5 else s * (T @ U)) @ (X if rng.random() < 0.7 else v)
        out = product if rng.random() < 0.5 else product + (V @ X if product.ndim == 2 else V @ v)
        check(out, seed)


def test_structure():
    L, U, D = pt.tril(A), pt.triu(A), pt.diag(v)
    lower = [L, U.T, cholesky(A), pt.eye(5), D, -L, L + D, L - cholesky(A), pt.tril(A, -2)]
    lower += [solve_triangular(A, L, lower=True), L.T.T]
    upper = [U, L.T, cholesky(A, lower=False), U + D, pt.triu(A, 1)]
    assert all(triangular_structure(x, exact=True) == "lower" for x in lower)
    assert all(triangular_structure(x, exact=True) == "upper" for x in upper)
    for x, exact in itertools.product(
        (A, L + U, pt.eye(5, k=1), v, pt.tril(A, 1), L * B), (False, True)
    ):
        assert triangular_structure(x, exact) is None
    assert triangular_structure(solve_triangular(A, U, lower=True)) is None
    for x in (L @ cholesky(A), inv(L), inv(L @ L)):
        assert triangular_structure(x) == "lower"
        assert triangular_structure(x, exact=True) is None


def test_structure_is_asked_in_constant_time():
    x = pt.tril(A)
    for _ in range(2000):
        x = x + x
    assert triangular_structure(x) is None


def test_gradients_of_triangular_products():
    rng = np.random.default_rng(5)
    at = [rng.normal(size=(4, 4)), rng.normal(size=(4, 3))]
    pytensor.gradient.verify_grad(lambda a, x: pt.tril(a) @ x, at, rng=rng)
    pytensor.gradient.verify_grad(lambda a, x: cholesky(a @ a.T + 2 * pt.eye(4)) @ x, at, rng=rng)
