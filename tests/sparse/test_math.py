"""Sums, products and functions of sparse matrices, against dense ones."""

import subprocess
import sys

import numpy as np
import pytest
import scipy.sparse as sp
from sparse_checks import FORMATS, check_gradient, compiled, dense, value

import pytensor
import pytensor.tensor as pt
from pytensor import sparse
from pytensor.link.c.dispatch import load_dispatch
from pytensor.link.c.dispatch.basic import c_funcify
from pytensor.sparse import math as sparse_math

RNG = np.random.default_rng(6)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("other", FORMATS)
def test_two_sparse(format, other):
    x, y = sparse.matrix(format, "x"), sparse.matrix(other, "y")
    v, w = value(format), value(other, seed=1)
    a, b = dense(v), dense(w)
    outs = [x + y, x - y, x * y, -x, x + x, x > y, x < y, x >= y, x <= y]
    outs += [sparse.eq(x, y), sparse.neq(x, y), sparse.add(x, y), sparse.sub(x, y)]
    wants = [a + b, a - b, a * b, -a, a + a, a > b, a < b, a >= b, a <= b]
    wants += [a == b, a != b, a + b, a - b]
    for f in compiled([x, y], outs):
        for got, want, out in zip(f(v, w), wants, outs, strict=True):
            np.testing.assert_allclose(dense(got), want)
            assert got.format == out.type.format == format
            assert got.dtype == out.type.dtype
        with pytest.raises(ValueError, match="one shape"):
            f(v, value(other, (3, 4)))
    assert outs[5].type.dtype == "uint8"
    for op in (sparse.add, sparse.sub, sparse.mul):
        check_gradient(op, v, w)


@pytest.mark.parametrize("format", FORMATS)
def test_sparse_and_dense(format):
    x, d, v, s = sparse.matrix(format, "x"), pt.matrix("d"), pt.vector("v"), pt.scalar("s")
    row = pt.row("row")
    outs = [
        x + d,
        d + x,
        x - d,
        d - x,
        x * d,
        d * x,
        x * v,
        v * x,
        x * s,
        2 * x,
        x / 4,
        x > d,
        d >= x,
    ]
    outs += [x * row, sparse.structured_add_s_v(x, v), abs(-x)]
    a = value(format)
    b, c, e = RNG.normal(size=(4, 3)), RNG.normal(size=3), np.float64(1.5)
    A = dense(a)
    wants = [
        A + b,
        A + b,
        A - b,
        b - A,
        A * b,
        A * b,
        A * c,
        A * c,
        A * e,
        2 * A,
        A / 4,
        A > b,
        b >= A,
    ]
    wants += [A * c[None], np.where(A != 0, A + c, 0), A]
    for f in compiled([x, d, v, s, row], outs):
        for got, want, out in zip(f(a, b, c, e, c[None]), wants, outs, strict=True):
            np.testing.assert_allclose(dense(got), want)
            assert sp.issparse(got) == isinstance(out.type, sparse.SparseTensorType)
            assert got.dtype == out.type.dtype
    assert isinstance(outs[0].type, pt.TensorType)
    assert outs[4].type.format == format
    for op in (sparse.add, sparse.sub, sparse.mul):
        check_gradient(op, a, b)
    for other in (c, e, c[None], b[:, :1]):
        check_gradient(lambda x, o: sparse.mul(x, o), a, other)
    check_gradient(sparse.structured_add_s_v, a, c)


@pytest.mark.parametrize("format", FORMATS)
def test_sums(format):
    x, v = sparse.matrix(format, "x"), value(format)
    outs = [x.sum(), x.sum(axis=0), sparse.sp_sum(x, axis=1), sparse.sp_sum(x, sparse_grad=True)]
    for f in compiled([x], outs):
        for got, want in zip(
            f(v), [v.sum(), dense(v).sum(0), dense(v).sum(1), v.sum()], strict=True
        ):
            np.testing.assert_allclose(got, want)
            assert got.shape == np.shape(want)
    for axis in (None, 0, 1):
        for structured in (True, False):
            check_gradient(lambda x: sparse.sp_sum(x, axis, structured) ** 2, v)
            g = pytensor.grad(sparse.sp_sum(x, axis, structured).sum(), x).eval({x: v})
            np.testing.assert_array_equal(
                dense(g), (dense(v) != 0) if structured else np.ones((4, 3))
            )
    with pytest.raises(ValueError, match="axis must be"):
        sparse.sp_sum(x, axis=2)


@pytest.mark.parametrize("name", [
    "sin", "tan", "arctan", "sinh", "arcsinh", "tanh", "sqrt", "sqr", "expm1", "log1p", "deg2rad",
    "rad2deg", "ceil", "floor", "trunc", "rint", "sign", "abs", "neg",
])  # fmt: skip
def test_structured_functions(name):
    x, v = sparse.csc_matrix("x"), value("csc")
    numpy_name = {"sqr": "square", "neg": "negative"}.get(name, name)
    f = pytensor.function([x], getattr(sparse_math, name)(x))
    np.testing.assert_allclose(dense(f(v)), getattr(np, numpy_name)(dense(v)), rtol=1e-12)
    if name not in ("ceil", "floor", "trunc", "rint", "sign"):
        check_gradient(getattr(sparse_math, name), v / 20)


def test_structured():
    x, v = sparse.csr_matrix("x"), value()
    on = dense(v) != 0
    cases = {
        "sigmoid": ((), lambda d: 1 / (1 + np.exp(-d))),
        "exp": ((), np.exp),
        "log": ((), np.log),
        "pow": ((2.5,), lambda d: d**2.5),
        "minimum": ((3.0,), lambda d: np.minimum(d, 3)),
        "maximum": ((3.0,), lambda d: np.maximum(d, 3)),
        "add": ((3.0,), lambda d: d + 3),
    }
    with np.errstate(divide="ignore"):
        for name, (args, want) in cases.items():
            f = getattr(sparse, f"structured_{name}")
            got = f(x, *args).eval({x: v})
            np.testing.assert_allclose(dense(got), np.where(on, want(dense(v)), 0))
            check_gradient(lambda x, f=f, args=args: f(x, *args), v)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("dtype", ["float64", "float32", "complex128"])
def test_products(format, dtype):
    x, y = sparse.matrix(format, "x", dtype=dtype), sparse.matrix("csr", "y", dtype=dtype)
    d, e = pt.matrix("d", dtype=dtype), pt.matrix("e", dtype=dtype)
    u, v = pt.vector("u", dtype=dtype), pt.vector("v", dtype=dtype)
    a, b = value(format, dtype=dtype), value("csr", (3, 5), 1, dtype)
    c, g = RNG.normal(size=(3, 2)).astype(dtype), RNG.normal(size=(2, 4)).astype(dtype)
    m, n = RNG.normal(size=3).astype(dtype), RNG.normal(size=4).astype(dtype)
    A, B = dense(a), dense(b)
    outs = {
        "structured": [x @ d, e @ x, x.dot(v), u @ x, x @ y, pt.dot(x, d), pt.dot(e, x)],
        "dot": [
            sparse.dot(x, d),
            sparse.dot(e, x),
            sparse.dot(x, v),
            sparse.dot(u, x),
            sparse.dot(x, y),
        ],
        "true": [sparse.true_dot(x, d), sparse.true_dot(e, x), sparse.true_dot(x, y)],
    }
    wants = {
        "structured": [A @ c, g @ A, A @ m, n @ A, A @ B, A @ c, g @ A],
        "dot": [A @ c, g @ A, A @ m, n @ A, A @ B],
        "true": [A @ c, g @ A, A @ B],
    }
    for kind, expressions in outs.items():
        for f in (
            compiled([x, y, d, e, u, v], expressions)
            if kind == "structured"
            else [pytensor.function([x, y, d, e, u, v], expressions, on_unused_input="ignore")]
        ):
            found = f(a, b, c, g, n, m)
            for got, want, out in zip(found, wants[kind], expressions, strict=True):
                np.testing.assert_allclose(dense(got), want, rtol=1e-5, atol=1e-5)
                assert sp.issparse(got) == isinstance(out.type, sparse.SparseTensorType)
                assert got.dtype == out.type.dtype == dtype
    assert not any(isinstance(o.type, sparse.SparseTensorType) for o in outs["dot"])


@pytest.mark.parametrize("format", FORMATS)
def test_gradients_of_products(format):
    a, b = value(format), value("csr", (3, 5), 1)
    c, g, m, n = (RNG.normal(size=s) for s in [(3, 2), (2, 4), 3, 4])
    for product in (sparse.dot, sparse.structured_dot):
        check_gradient(product, a, c)
        check_gradient(product, g, a)
        check_gradient(product, a, m)
        check_gradient(product, n, a)
        check_gradient(product, a, b)
    check_gradient(sparse.true_dot, a, c)
    check_gradient(sparse.true_dot, g, a)
    check_gradient(sparse.true_dot, a, b)
    x, d = sparse.matrix(format, "x"), pt.matrix("d")
    found = pytensor.grad(sparse.structured_dot(x, d).sum(), x).eval({x: a, d: c})
    np.testing.assert_allclose(dense(found), (dense(a) != 0) * (np.ones((4, 2)) @ c.T))
    found = pytensor.grad(sparse.dot(x, d).sum(), x).eval({x: a, d: c})
    np.testing.assert_allclose(dense(found), np.ones((4, 2)) @ c.T)


def test_second_derivative():
    a, m = value(), RNG.normal(size=3)

    def gradient(x, v):
        return pytensor.grad((sparse.structured_dot(x, v) ** 3).sum(), v)

    check_gradient(gradient, a, m)


def test_usmm_and_sampling_dot():
    alpha, x, d, z = pt.scalar("a"), sparse.csr_matrix("x"), pt.matrix("d"), pt.matrix("z")
    a, c, e = value(), RNG.normal(size=(3, 2)), RNG.normal(size=(4, 2))
    for f in compiled([alpha, x, d, z], sparse.usmm(alpha, x, d, z)):
        np.testing.assert_allclose(f(2.0, a, c, e), 2 * dense(a) @ c + e)
    check_gradient(lambda x, a, d, z: sparse.usmm(a, x, d, z), a, np.float64(2.0), c, e)
    for f in compiled([z, d, x], sparse.sampling_dot(z, d, x)):
        np.testing.assert_allclose(dense(f(e, c, a)), dense(a) * (e @ c.T))
    check_gradient(lambda p, x, y: sparse.sampling_dot(x, y, p), a, e, c)


def test_static_shapes_and_errors():
    x = sparse.csr_matrix("x", shape=(4, 3))
    assert sparse.dot(x, pt.tensor(shape=(3, 5))).type.shape == (4, 5)
    assert (x @ pt.tensor(shape=(3,))).type.shape == (4,)
    assert (x @ sparse.csc_matrix(shape=(3, 2))).type.shape == (4, 2)
    for product in (sparse.dot, sparse.structured_dot, sparse.true_dot):
        with pytest.raises(ValueError, match="inner dimension"):
            product(x, pt.tensor(shape=(4, 5)))
        with pytest.raises(TypeError):
            product(pt.matrix(), pt.matrix())
        with pytest.raises(TypeError):
            product(x, pt.tensor3())
    with pytest.raises(TypeError, match="at least must be sparse"):
        sparse.add(pt.matrix(), pt.matrix())
    y, d = sparse.csr_matrix("y"), pt.matrix("d")
    for f in compiled([y, d], sparse.structured_dot(y, d)):
        with pytest.raises(ValueError, match="inner dimension"):
            f(value(), np.ones((4, 2)))


def test_shapes_need_no_products():
    x, d = sparse.csr_matrix("x"), pt.matrix("d")
    f = pytensor.function([x, d], [(x @ d).shape, sparse.dot(x, d).shape, (x + d).shape])
    ops = {type(n.op).__name__ for n in f.maker.fgraph.apply_nodes}
    assert not ops & {"StructuredDot", "Dot", "AddSparseDense"}
    np.testing.assert_array_equal(f(value(), np.ones((3, 2)))[0], [4, 2])


def test_constants_and_shared():
    a, d = value(), pt.matrix("d")
    c = RNG.normal(size=(3, 2))
    shared = pytensor.shared(a.tocsc())
    f = pytensor.function([d], [sparse.as_sparse(a) @ d, shared @ d, sparse.as_sparse(a) * 2])
    before = a.copy()
    for got, want in zip(f(c), [dense(a) @ c, dense(a) @ c, 2 * dense(a)], strict=True):
        np.testing.assert_allclose(dense(got), want)
    assert (before != a).nnz == 0


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("format", FORMATS)
def test_constant_matrices_in_c(format, dtype):
    """A constant matrix is data of the C kernel; the product never comes back to Python."""
    a = sparse.as_sparse(value(format, (40, 30), dtype=dtype))
    A = dense(a.data)
    v, d, e = (
        pt.tensor(n, dtype=dtype, shape=(None,) * k) for n, k in [("v", 1), ("d", 2), ("e", 2)]
    )
    outs = [a @ v, a @ d, sparse.dot(a, d), e @ a, pytensor.grad((a @ v).sum(), v)]
    f, g = compiled([v, d, e], outs)
    base = RNG.normal(size=(60, 80)).astype(dtype)
    for x, y, z in [
        (base[0, :30], base[:30, :7], base[:5, :40]),
        (base[0, 59::-2][:30], base[:60:2, ::-3], base.T[:5, :40]),
        (base[:30, 0], base[:30, :0], base[:0, :40]),
        (base[0, :30], base[:30, :1], base[:1, :40]),
    ]:
        wants = [A @ x, A @ y, A @ y, z @ A, A.sum(0)]
        for got, other, want in zip(f(x, y, z), g(x, y, z), wants, strict=True):
            assert got.dtype == other.dtype == dtype
            np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-4)
            np.testing.assert_allclose(other, want, rtol=1e-4, atol=1e-4)
    for h in (f, g):
        with pytest.raises(ValueError, match="inner dimension"):
            h(base[0, :29], base[:30], base[:, :40])
    products = [n for n in f.maker.fgraph.apply_nodes if "Dot" in type(n.op).__name__]
    assert products
    for node in products:
        load_dispatch(node.op)
        assert c_funcify(node.op, node=node) is not None


def test_sparse_products_do_not_look_for_a_blas():
    code = (
        "import numpy as np, scipy.sparse as sp, pytensor, pytensor.tensor as pt\n"
        "from pytensor import sparse\n"
        "from pytensor.tensor.blas import _ldflags\n"
        "def refuse(*args, **kwargs): raise AssertionError('looked for a BLAS')\n"
        "_ldflags.choose = _ldflags.verdicts_of = _ldflags.get_provider = refuse\n"
        "x, d = sparse.csr_matrix('x'), pt.matrix('d')\n"
        "X = sp.eye(3, format='csr')\n"
        "f = pytensor.function([x, d], [x @ d, sparse.as_sparse(X) @ d, sparse.dot(d, x)])\n"
        "f(X, np.eye(3))\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
