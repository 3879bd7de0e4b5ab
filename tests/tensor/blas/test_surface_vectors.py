"""Products with vectors: what programs written for the BLAS of PyTensor and of its forerunners rely on.

Every shape of graph that such programs test for, compiled in the C and in the Python mode, with
its value.
"""

import numpy as np
import pytest
from blas_surface import calls, check, ops, rng, values_for

import pytensor
import pytensor.tensor as pt
from pytensor.compile.mode import get_mode
from pytensor.configdefaults import config
from pytensor.graph.fg import FunctionGraph
from pytensor.tensor.blas import (
    Gemv,
    Ger,
    gemm_no_inplace,
    gemv_inplace,
    ger_destructive,
)
from pytensor.tensor.rewriting.blas import local_gemm_to_ger

a, b, c = pt.dscalars("a", "b", "c")
x, y = pt.dvectors("x", "y")
X, Y, Z, R, S, U = pt.dmatrices("X", "Y", "Z", "R", "S", "U")


@pytest.fixture(params=["C", "py"])
def mode(request):
    if request.param == "C" and not config.cxx:
        pytest.skip("no C compiler")
    with config.change_flags(on_opt_error="raise"):
        yield get_mode("C" if request.param == "C" else "PY")


FLOATS = ["float32", "float64", "complex64", "complex128"]


# -- matrices and vectors ------------------------------------------------------------------

VECTORS = {
    "xy": ([x, y], x.dot(y), lambda x, y: x @ y),
    "xX": ([x, X], x.dot(X), lambda x, X: x @ X),
    "Xx": ([X, x], X.dot(x), lambda X, x: X @ x),
    "y+Xx": ([y, X, x], y + X.dot(x), lambda y, X, x: y + X @ x),
    "y+xX": ([y, x, X], y + x.dot(X), lambda y, x, X: y + x @ X),
    "a Xx - b y": ([y, X, x, a, b], a * X.dot(x) - b * y, lambda y, X, x, a, b: a * X @ x - b * y),
    "y/a - X.T x": ([y, X, x, a], y / a - X.T.dot(x), lambda y, X, x, a: y / a - X.T @ x),
}


@pytest.mark.parametrize("name", VECTORS)
def test_products_with_vectors_are_one_gemv(mode, name):
    inputs, out, equation = VECTORS[name]
    check(mode, inputs, out, equation, {"Gemv": 1})


@pytest.mark.parametrize("dtype", FLOATS)
def test_update_of_a_vector_is_in_place(mode, dtype):
    m, v1, v2 = (
        pytensor.shared(rng.normal(size=shape).astype(dtype)) for shape in [(2, 3), (3,), (2,)]
    )
    want = v2.get_value() + m.get_value() @ v1.get_value()
    plain = pytensor.function([], v2 + pt.dot(m, v1), mode=mode)
    np.testing.assert_allclose(plain(), want, rtol=1e-5)
    assert [type(op) for op in ops(plain)] == [Gemv]
    update = pytensor.function([], [], updates=[(v2, v2 + pt.dot(m, v1))], mode=mode)
    update()
    np.testing.assert_allclose(v2.get_value(), want, rtol=1e-5)
    assert ops(update) == [gemv_inplace]
    left = pytensor.function([], [], updates=[(v1, v1 + pt.dot(v2, m))], mode=mode)
    want = v1.get_value() + v2.get_value() @ m.get_value()
    left()
    np.testing.assert_allclose(v1.get_value(), want, rtol=1e-5)
    assert ops(left)[-1] == gemv_inplace and calls(left) == {"Gemv": 1}


def test_a_vector_of_length_one_broadcasts(mode):
    v2 = pytensor.shared(np.array([2.0]), shape=(1,))
    function = pytensor.function([X, x], v2 + X.dot(x), mode=mode)
    X_, x_ = values_for([X, x], {X: (3, 2), x: (2,)})
    np.testing.assert_allclose(function(X_, x_), 2 + X_ @ x_)


OUTERS = {
    "outer": (lambda A, x, y: np.outer(x, y), {"Ger": 1}),
    "A + outer": (lambda A, x, y: A + np.outer(x, y), {"Ger": 1}),
    "A + 0.5 outer": (lambda A, x, y: A + 0.5 * np.outer(x, y), {"Ger": 1}),
    "A - outer/4": (lambda A, x, y: A - np.outer(x, y) / 4.0, {"Ger": 1}),
    "0.25 A + 0.5 outer": (lambda A, x, y: 0.25 * A + 0.5 * np.outer(x, y), {"Gemm": 1}),
}


@pytest.mark.parametrize("name", OUTERS)
@pytest.mark.parametrize("dtype", FLOATS)
def test_outer_products(mode, name, dtype, monkeypatch):
    equation, expected = OUTERS[name]
    A, u, v = pt.matrix(dtype=dtype), pt.vector(dtype=dtype), pt.vector(dtype=dtype)
    with monkeypatch.context() as patch:
        patch.setattr(np, "outer", pt.outer)
        out = equation(A, u, v)
    assert out.type.dtype == dtype
    check(mode, [A, u, v], out, equation, expected, {A: (3, 2), u: (3,), v: (2,)})


@pytest.mark.parametrize("dtype", FLOATS)
def test_outer_update_is_in_place(mode, dtype):
    A = pytensor.shared(rng.normal(size=(3, 2)).astype(dtype))
    u, v = pt.vector(dtype=dtype), pt.vector(dtype=dtype)
    alpha = pt.constant(0.1, dtype=dtype)
    function = pytensor.function([u, v], [], updates=[(A, A + alpha * pt.outer(u, v))], mode=mode)
    assert ops(function) == [ger_destructive]
    u_, v_ = values_for([u, v], {u: (3,), v: (2,)})
    want = A.get_value() + 0.1 * np.outer(u_, v_)
    function(u_, v_)
    np.testing.assert_allclose(A.get_value(), want, rtol=1e-5)


@pytest.mark.parametrize("beta, kind", [(0.0, Ger), (1.0, Ger), (1.5, None), (0.999, None)])
def test_rank_one_gemm(beta, kind):
    node = gemm_no_inplace(X, a, x.dimshuffle(0, "x"), y.dimshuffle("x", 0), beta).owner
    result = local_gemm_to_ger.transform(FunctionGraph(outputs=[node.out], clone=False), node)
    if kind is None:
        assert not result
    else:
        assert isinstance(result[0].owner.op, kind)
