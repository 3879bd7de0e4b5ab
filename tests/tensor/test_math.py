import numpy as np
import pytest
import scipy.special

import pytensor
import pytensor.tensor as pt
from pytensor.gradient import grad, verify_grad
from pytensor.graph.replace import vectorize_graph
from pytensor.tensor.math import (
    Argmax,
    Dot,
    Max,
    Min,
    Prod,
    ProdWithoutZeros,
    Sum,
    _allclose,
    _dot,
    variadic_add,
    variadic_mul,
)
from tests.tensor.utils import check_infer_shape, evaluate

rng = np.random.default_rng(3)
X3 = rng.normal(size=(2, 3, 4))

AXES = [None, 0, -1, (0, 2), (0, 1, 2), ()]


@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("name", "sum prod max min mean var std all any".split())
def test_reductions(name, axis, keepdims):
    x = pt.dtensor3("x")
    out = getattr(pt, name)(x, axis=axis, keepdims=keepdims)
    want = getattr(np, name)(X3, axis=axis, keepdims=keepdims)
    got = evaluate(out, {x: X3})
    np.testing.assert_allclose(got, want)
    assert (got.shape, got.dtype) == (np.shape(want), np.asarray(want).dtype)
    if name in ("sum", "max", "any") and not keepdims:
        check_infer_shape(out, {x: X3})


@pytest.mark.parametrize("dtype", ["bool", "int8", "int32", "int64", "uint8", "uint64", "float16",
                                   "float32", "float64", "complex64", "complex128"])  # fmt: skip
@pytest.mark.parametrize("name", "sum prod max min mean var std all any argmax argmin".split())
def test_reduction_dtypes(dtype, name):
    if dtype.startswith("complex") and name in ("min", "argmin", "max", "argmax"):
        pytest.skip("complex numbers have no order")
    X = rng.integers(0, 2 if dtype == "bool" else 6, size=(3, 4)).astype(dtype)
    x = pt.matrix(dtype=dtype)
    got = evaluate(getattr(pt, name)(x, axis=0), {x: X})
    want = getattr(np, name)(X, axis=0)
    # Half-precision sums are rounded once, NumPy's more often.
    np.testing.assert_allclose(got, want, rtol=2e-3 if dtype == "float16" else 1e-6)
    assert got.dtype == want.dtype


def test_extreme_integers():
    x = pt.vector(dtype="int8")
    X = np.array([-128, 5], "int8")
    assert evaluate(pt.min(x), {x: X}) == -128
    assert evaluate(pt.argmin(x), {x: X}) == 0
    u = pt.vector(dtype="uint8")
    assert evaluate(pt.argmin(u), {u: np.array([3, 0, 255], "uint8")}) == 1


def test_acc_and_output_dtype():
    x = pt.fvector("x")
    X = np.full(3, 2**24, "float32")
    X[1:] = 1
    assert evaluate(pt.sum(x), {x: X}) == np.float32(2**24 + 2)
    assert pt.sum(x).owner.op.acc_dtype == "float64"
    assert pt.sum(x, dtype="float64").type.dtype == "float64"
    with pytest.raises(TypeError, match="dtype must be complex"):
        pt.sum(pt.zvector(), dtype="float64")
    with pytest.raises(TypeError, match="dtype must be a float"):
        pt.mean(x, dtype="int64")


def test_nan_and_empty_reductions():
    x = pt.dvector("x")
    X = np.array([1.0, np.nan, 3.0])
    for f in (pt.max, pt.min, pt.sum):
        assert np.isnan(evaluate(f(x), {x: X}))
    empty = np.zeros(0)
    assert evaluate(pt.sum(x), {x: empty}) == 0
    assert evaluate(pt.prod(x), {x: empty}) == 1
    for f in (pt.max, pt.min, pt.argmax):
        with pytest.raises(ValueError):
            evaluate(f(x), {x: empty})
    assert evaluate(pt.max(x, initial=-np.inf), {x: empty}) == -np.inf
    assert evaluate(pt.min(x, initial=np.inf), {x: empty}) == np.inf
    with pytest.raises(ValueError):
        pt.max(x, initial=3)


@pytest.mark.parametrize("layout", [lambda a: a.T, lambda a: a[::-1, ::2], np.asfortranarray,
                                    lambda a: np.broadcast_to(a[:, :1], a.shape)])  # fmt: skip
def test_reduction_layouts(layout):
    x = pt.dmatrix("x")
    X = layout(rng.normal(size=(4, 6)))
    for axis in (None, 0, 1):
        np.testing.assert_allclose(evaluate(pt.sum(x, axis), {x: X}), X.sum(axis))


@pytest.mark.parametrize("axis", [None, 0, 1, -1, (0, 1), (1, 2), (2, 0)])
def test_argmax(axis):
    x = pt.dtensor3("x")
    got = evaluate(pt.argmax(x, axis=axis), {x: X3})
    if isinstance(axis, tuple):
        axes = tuple(sorted(axis))
        kept = [a for a in range(3) if a not in axes]
        flat = X3.transpose(*kept, *axes).reshape(*(X3.shape[a] for a in kept), -1)
        want = flat.argmax(-1)
    else:
        want = X3.argmax(axis)
    np.testing.assert_array_equal(got, want)
    if axis in (None, 1):
        kept = evaluate(pt.argmax(x, axis=axis, keepdims=True), {x: X3})
        np.testing.assert_array_equal(kept, X3.argmax(axis, keepdims=True))


def test_argmax_is_constant_to_the_gradient():
    x = pt.dmatrix("x")
    g = evaluate(grad((pt.argmax(x, axis=0) * x.sum(axis=0)).sum(), x), {x: X3[0]})
    np.testing.assert_array_equal(g, np.broadcast_to(X3[0].argmax(0), (3, 4)))
    np.testing.assert_array_equal(
        evaluate(grad(pt.argmax(x).sum(), x), {x: X3[0]}), np.zeros((3, 4))
    )


@pytest.mark.parametrize("floatX", ["float32", "float64"])
def test_integers_are_divided_as_floatX(floatX):
    i, b = pt.ivector("i"), pt.bvector("b")
    with pytensor.config.change_flags(floatX=floatX):
        assert {(i / 2).dtype, (i / b).dtype, pt.true_div(b, b).dtype} == {floatX}


def test_max_and_argmax():
    x = pt.dmatrix("x")
    got = evaluate(pt.max_and_argmax(x, axis=1), {x: X3[0]})
    np.testing.assert_array_equal(got[0], X3[0].max(1))
    np.testing.assert_array_equal(got[1], X3[0].argmax(1))


@pytest.mark.parametrize(
    "f",
    [
        lambda x: pt.sum(x, axis=0),
        lambda x: pt.sum(x),
        lambda x: pt.prod(x, axis=1),
        lambda x: pt.max(x, axis=0),
        lambda x: pt.min(x, axis=1),
        lambda x: pt.mean(x, axis=0),
        lambda x: pt.var(x, axis=1),
        lambda x: pt.std(x, axis=0, ddof=1),
        lambda x: pt.ptp(x, axis=1),
        lambda x: pt.logsumexp(x, axis=0),
        lambda x: pt.outer(x[0], x[1]),
        lambda x: x @ x.T,
        lambda x: pt.dot(x, x[0]),
        lambda x: pt.tensordot(x, x, [[0], [0]]),
        lambda x: pt.clip(x, -0.3, 0.3),
    ],
)
def test_gradients(f):
    verify_grad(f, [rng.normal(size=(3, 4))], rng=rng)


@pytest.mark.parametrize("zeros", [0, 1, 2])
def test_prod_gradient_with_zeros(zeros):
    X = rng.normal(size=(2, 3))
    X[0, :zeros] = 0
    x = pt.dmatrix("x")
    g = evaluate(grad(pt.prod(x, axis=1).sum(), x), {x: X})
    want = np.array([[np.prod(np.delete(row, j)) for j in range(3)] for row in X])
    np.testing.assert_allclose(g, want)
    np.testing.assert_allclose(
        evaluate(ProdWithoutZeros(axis=1)(x), {x: X}), np.where(X == 0, 1, X).prod(1)
    )


def test_reduction_ops_rebuild_from_props():
    x = pt.dmatrix("x")
    assert Sum(axis=(0,)) == pt.sum(x, 0).owner.op.clone(dtype=None, acc_dtype=None)
    for op in (Sum(axis=0), Prod(axis=0), Max(axis=(0,)), Min(axis=(0,)), Argmax(axis=(0,))):
        assert op(x).type.ndim == 1
        assert op == type(op)(axis=op.axis)
    assert Sum(axis=0) != Sum(axis=1)
    assert Prod(no_zeros_in_input=True) != Prod()


class TestDot:
    @pytest.mark.parametrize("shapes", [((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)),
                                        ((2, 3), (3, 4)), ((), (3,)), ((2, 3, 4), (4, 5)),
                                        ((2, 3, 4), (5, 4, 6)), ((2, 3, 4), (4,)),
                                        ((0, 3), (3, 2)), ((2, 0), (0, 3))])  # fmt: skip
    def test_dot(self, shapes):
        a, b = (rng.normal(size=s) for s in shapes)
        x, y = (pt.tensor(dtype="float64", shape=(None,) * len(s)) for s in shapes)
        got = evaluate(pt.dot(x, y), {x: a, y: b})
        np.testing.assert_allclose(got, np.dot(a, b))
        assert got.shape == np.dot(a, b).shape

    @pytest.mark.parametrize("shapes", [((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)),
                                        ((2, 3), (3, 4)), ((5, 2, 3), (3, 4)), ((2, 3), (5, 3, 4)),
                                        ((5, 2, 3), (5, 3, 4)), ((3,), (5, 3, 4)),
                                        ((5, 2, 3), (3,)), ((6, 1, 2, 3), (5, 3, 4))])  # fmt: skip
    def test_matmul(self, shapes):
        a, b = (rng.normal(size=s) for s in shapes)
        x, y = (
            pt.tensor(dtype="float64", shape=tuple(1 if n == 1 else None for n in s))
            for s in shapes
        )
        np.testing.assert_allclose(evaluate(pt.matmul(x, y), {x: a, y: b}), np.matmul(a, b))

    def test_matmul_with_a_vector_is_the_batched_product(self):
        """Programs look for this operation (densities of A @ x where x is random)."""
        a, v = pt.dmatrix(), pt.dvector()
        matmul = pt.matmul(a, a).owner.op
        for product in (a @ v, v @ a):
            assert product.owner.inputs[0].owner.op == matmul

    @pytest.mark.parametrize("name, shapes", [("vecdot", ((3,), (3,))), ("vecdot", ((2, 3), (2, 3))),
                                              ("matvec", ((2, 3), (3,))),
                                              ("matvec", ((4, 2, 3), (4, 3))),
                                              ("vecmat", ((2,), (2, 3))),
                                              ("vecmat", ((4, 2), (4, 2, 3)))])  # fmt: skip
    @pytest.mark.parametrize("dtype", ["float64", "complex128"])
    def test_vector_products(self, name, shapes, dtype):
        a, b = (rng.normal(size=s).astype(dtype) for s in shapes)
        if dtype == "complex128":
            a, b = a + 1j * a[::-1], b - 2j * b
        x, y = (pt.tensor(dtype=dtype, shape=(None,) * len(s)) for s in shapes)
        conj = a if name == "matvec" else a.conj()
        want = {
            "vecdot": lambda: (conj * b).sum(-1),
            "matvec": lambda: np.einsum("...ij,...j->...i", a, b),
            "vecmat": lambda: np.einsum("...i,...ij->...j", conj, b),
        }[name]()
        np.testing.assert_allclose(evaluate(getattr(pt, name)(x, y), {x: a, y: b}), want)

    @pytest.mark.parametrize("dtypes", [("float32", "float64"), ("int32", "float32"),
                                        ("int8", "int64"), ("complex64", "float64"),
                                        ("float32", "float32")])  # fmt: skip
    def test_dtypes(self, dtypes):
        a, b = (rng.integers(0, 5, size=(3, 3)).astype(d) for d in dtypes)
        x, y = (pt.matrix(dtype=d) for d in dtypes)
        got = evaluate(pt.dot(x, y), {x: a, y: b})
        assert got.dtype == np.dot(a, b).dtype
        np.testing.assert_allclose(got, np.dot(a, b))

    def test_mistakes(self):
        with pytest.raises(ValueError, match="aligned"):
            pt.dot(pt.dmatrix(shape=(2, 3)), pt.dmatrix(shape=(4, 3)))
        with pytest.raises(TypeError, match="expects a 2D tensor as input 0"):
            Dot()(pt.dvector(), pt.dmatrix())
        with pytest.raises(ValueError, match="scalar"):
            pt.matmul(pt.dscalar(), pt.dmatrix())
        x, y = pt.dmatrices("x y")
        with pytest.raises(ValueError, match="aligned"):
            evaluate(pt.dot(x, y), {x: np.zeros((2, 3)), y: np.zeros((2, 3))})

    def test_shapes(self):
        assert pt.dot(pt.dmatrix(shape=(2, None)), pt.dmatrix(shape=(3, 4))).type.shape == (2, 4)
        x, y = pt.dmatrices("x y")
        check_infer_shape(_dot(x, y), {x: np.zeros((2, 3)), y: np.zeros((3, 4))})

    def test_derivatives(self):
        verify_grad(pt.dot, [rng.normal(size=(2, 3)), rng.normal(size=(3, 4))], rng=rng)
        x, y = pt.dmatrices("x y")
        dx = pt.dmatrix("dx")
        [tangent] = _dot.pushforward([x, y], [_dot(x, y)], [dx, pt.zeros_like(y)])
        a, b, d = rng.normal(size=(3, 2, 2))
        np.testing.assert_allclose(evaluate(tangent, {x: a, y: b, dx: d}), d @ b)

    def test_vectorize(self):
        x, y, bx = pt.dmatrix("x"), pt.dmatrix("y"), pt.dtensor3("bx")
        out = vectorize_graph(pt.dot(x, y), {x: bx})
        a, b = rng.normal(size=(5, 2, 3)), rng.normal(size=(3, 4))
        np.testing.assert_allclose(evaluate(out, {bx: a, y: b}), a @ b)


@pytest.mark.parametrize(
    "shapes, axes",
    [
        (((2, 3, 4), (3, 4, 5)), 2),
        (((2, 3, 4), (4, 5)), 1),
        (((2, 3), (4,)), 0),
        (((2, 3, 4), (4, 2, 5)), ((0, 2), (1, 0))),
        (((2, 3), (3, 2)), ((0, 1), (1, 0))),
        (((2, 3, 4), (5, 3)), (1, 1)),
        (((2, 3, 4), (5, 3)), ((-2,), (-1,))),
    ],
)
def test_tensordot(shapes, axes):
    a, b = (rng.normal(size=s) for s in shapes)
    x, y = (pt.tensor(dtype="float64", shape=(None,) * len(s)) for s in shapes)
    got = evaluate(pt.tensordot(x, y, axes), {x: a, y: b})
    np.testing.assert_allclose(got, np.tensordot(a, b, axes), atol=1e-12)


def test_tensordot_mistakes():
    with pytest.raises(ValueError, match="inconsistent"):
        pt.tensordot(pt.dmatrix(shape=(2, 3)), pt.dmatrix(shape=(2, 3)), axes=1)
    with pytest.raises(ValueError):
        pt.tensordot(pt.dmatrix(), pt.dmatrix(), axes=3)
    x, y = pt.dmatrices("x y")
    # Equal sizes, other shapes: not to be merged silently.
    with pytest.raises(AssertionError):
        evaluate(pt.tensordot(x, y, 2), {x: np.zeros((2, 6)), y: np.zeros((6, 2))})


SPECIAL = {
    "erf": scipy.special.erf,
    "erfc": scipy.special.erfc,
    "erfinv": lambda x: scipy.special.erfinv(x / 3),
    "gammaln": scipy.special.gammaln,
    "psi": scipy.special.psi,
    "sigmoid": scipy.special.expit,
    "softplus": lambda x: np.log1p(np.exp(x)),
    "i0": scipy.special.i0,
    "j1": scipy.special.j1,
    "log1p": np.log1p,
    "deg2rad": np.deg2rad,
    "rad2deg": np.rad2deg,
    "exp2": np.exp2,
    "isnan": np.isnan,
    "isinf": np.isinf,
    "isfinite": np.isfinite,
    "isposinf": np.isposinf,
    "isneginf": np.isneginf,
    "round": np.round,
    "nan_to_num": np.nan_to_num,
    "sqr": np.square,
    "reciprocal": np.reciprocal,
}


@pytest.mark.parametrize("name", SPECIAL)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_elementwise_functions(name, dtype):
    X = np.array([[0.5, 1.5, 2.5], [0.1, 2.0, 1.0]], dtype)
    if name.startswith("is") or name == "nan_to_num":
        X[0] = [np.nan, np.inf, -np.inf]
    x = pt.matrix(dtype=dtype)
    out = getattr(pt, name)(x / 3 if name == "erfinv" else x)
    want = SPECIAL[name](X)
    got = evaluate(out, {x: X})
    np.testing.assert_allclose(got, want, rtol=1e-6 if dtype == "float64" else 1e-5)
    assert got.dtype == want.dtype


def test_compound_functions():
    x, y = pt.dvector("x"), pt.dvector("y")
    a, b = np.array([0.5, 1.0, 2.0]), np.array([0.5, 1.0 + 1e-9, 3.0])
    givens = {x: a, y: b}
    for got, want in [
        (pt.isclose(x, y), np.isclose(a, b)),
        (pt.allclose(x, y), np.allclose(a, b)),
        (pt.logaddexp(x, y), np.logaddexp(a, b)),
        (pt.largest(x, y), np.maximum(a, b)),
        (pt.smallest(x, y, x + 1), np.minimum(np.minimum(a, b), a + 1)),
        (pt.gammau(x, y), scipy.special.gammaincc(a, b) * scipy.special.gamma(a)),
        (pt.kv(x, y), scipy.special.kv(a, b)),
        (pt.iv(x, y), scipy.special.iv(a, b)),
        (pt.cov(x, y), np.cov(a, b)),
        (pt.median(x), np.median(a)),
        (variadic_add(x, y, x), 2 * a + b),
        (variadic_mul(x), a),
        (pt.complex(x, y), a + 1j * b),
        (pt.angle(pt.complex(x, y)), np.angle(a + 1j * b)),
    ]:
        np.testing.assert_allclose(evaluate(got, givens), want)
    i, j = pt.lvector("i"), pt.lvector("j")
    p, q = np.array([7, -7, 6]), np.array([2, 2, 3])
    np.testing.assert_array_equal(evaluate(pt.ceil_intdiv(i, j), {i: p, j: q}), -(-p // q))
    assert not evaluate(pt.isnan(i), {i: p}).any()


@pytest.mark.parametrize("axis", [None, 0, 1, (0, 1), (1, 2)])
def test_median(axis):
    x = pt.dtensor3("x")
    np.testing.assert_allclose(evaluate(pt.median(x, axis), {x: X3}), np.median(X3, axis))


def test_isclose_special_values():
    values = np.array([np.nan, np.inf, -np.inf, 1.0])
    a, b = (v.ravel() for v in np.meshgrid(values, values))
    x, y = pt.dvectors("x y")
    for equal_nan in (False, True):
        got = evaluate(pt.isclose(x, y, equal_nan=equal_nan), {x: a, y: b})
        np.testing.assert_array_equal(got, np.isclose(a, b, equal_nan=equal_nan))


def test_round_modes():
    x = pt.dvector("x")
    X = np.array([0.5, 1.5, -0.5, -2.5])
    np.testing.assert_array_equal(evaluate(x.round(), {x: X}), np.round(X))
    away = evaluate(x.round("half_away_from_zero"), {x: X})
    np.testing.assert_array_equal(away, [1, 2, -1, -3])
    with pytest.raises(ValueError, match="mode must be"):
        x.round("up")


def test_allclose_of_values():
    assert _allclose(np.float32([1.0]), np.float32([1.0 + 5e-6]))
    assert not _allclose(np.float64([1.0]), np.float64([1.0 + 5e-5]))
