import operator
import pickle

import numpy as np
import pytest

import pytensor.tensor as pt
from pytensor.tensor.exceptions import NotScalarConstantError
from pytensor.tensor.variable import TensorConstant, TensorVariable
from tests.tensor.utils import evaluate

rng = np.random.default_rng(1)
M = rng.normal(size=(3, 4))


@pytest.mark.parametrize(
    "op",
    "add sub mul truediv floordiv mod pow lt le gt ge".split(),
)
def test_binary_operators(op):
    f = getattr(operator, op)
    x, y = pt.dmatrix("x"), pt.dmatrix("y")
    a, b = np.abs(M) + 0.5, np.abs(M[::-1]) + 0.5
    np.testing.assert_allclose(evaluate(f(x, y), {x: a, y: b}), f(a, b))
    np.testing.assert_allclose(evaluate(f(x, 2.5), {x: a}), f(a, 2.5))
    np.testing.assert_allclose(evaluate(f(2.5, x), {x: a}), f(2.5, a))
    # NumPy on the left leaves the operator to us.
    left = f(b, x)
    assert isinstance(left, TensorVariable)
    np.testing.assert_allclose(evaluate(left, {x: a}), f(b, a))


@pytest.mark.parametrize("op", ["and_", "or_", "xor"])
@pytest.mark.parametrize("dtype", ["bool", "int32"])
def test_bit_operators(op, dtype):
    f = getattr(operator, op)
    x, y = pt.vector(dtype=dtype), pt.vector(dtype=dtype)
    a, b = np.array([0, 1, 0, 1], dtype), np.array([0, 0, 1, 1], dtype)
    got = evaluate(f(x, y), {x: a, y: b})
    np.testing.assert_array_equal(got, f(a, b))
    assert got.dtype == a.dtype
    np.testing.assert_array_equal(evaluate(~x, {x: a}), ~a)


def test_unary_operators_and_divmod():
    x = pt.dmatrix("x")
    for f in (operator.neg, abs):
        np.testing.assert_array_equal(evaluate(f(x), {x: M}), f(M))
    for got, want in zip(divmod(x, 0.3), divmod(M, 0.3), strict=True):
        np.testing.assert_allclose(evaluate(got, {x: M}), want)


def test_matmul_operator():
    x, v = pt.dmatrix("x"), pt.dvector("v")
    np.testing.assert_allclose(evaluate(x @ x.T, {x: M}), M @ M.T)
    np.testing.assert_allclose(evaluate(x @ v, {x: M, v: M[0]}), M @ M[0])
    np.testing.assert_allclose(evaluate(M.T @ x, {x: M}), M.T @ M)


def test_python_mistakes_are_refused():
    x = pt.dvector("x")
    for mistake in (
        lambda: bool(x),
        lambda: int(x),
        lambda: float(x),
        lambda: complex(x),
        lambda: list(x),
        lambda: 0 < x < 1,
        lambda: x + "a",
        lambda: x + None,
        lambda: len(x),
        lambda: operator.setitem(x, 0, 1.0),
        lambda: range(pt.lscalar()),
    ):
        with pytest.raises(TypeError):
            mistake()
    assert (x == x) is True
    assert (x == 1) is False
    assert hash(x) == hash(x)


def test_iteration_over_known_length():
    a, b = pt.dmatrix(shape=(2, None))
    assert a.type.ndim == b.type.ndim == 1


METHODS = {
    "sum": {"axis": 0},
    "prod": {"axis": 1},
    "mean": {},
    "var": {"axis": 0},
    "std": {"axis": 1},
    "max": {"axis": 0},
    "min": {"axis": 0},
    "argmax": {"axis": 1},
    "argmin": {"axis": 1},
    "cumsum": {"axis": 0},
    "cumprod": {"axis": 1},
    "round": {},
    "conj": {},
    "ravel": {},
    "flatten": {},
    "trace": {},
    "diagonal": {},
    "copy": {},
}


@pytest.mark.parametrize("name", METHODS)
def test_methods_are_numpys(name):
    x = pt.dmatrix("x")
    kwargs = METHODS[name]
    got = evaluate(getattr(x, name)(**kwargs), {x: M})
    want = getattr(M, name)(**kwargs)
    np.testing.assert_allclose(got, want)
    assert got.shape == want.shape
    assert got.dtype == want.dtype


def test_shape_methods():
    x = pt.dtensor3("x")
    X = rng.normal(size=(2, 3, 4))
    pairs = [
        (x.T, X.T),
        (x.mT, X.mT),
        (x.transpose(1, 0, 2), X.transpose(1, 0, 2)),
        (x.transpose((1, 0, 2)), X.transpose(1, 0, 2)),
        (x.swapaxes(0, 2), X.swapaxes(0, 2)),
        (x.reshape((6, -1)), X.reshape((6, -1))),
        (x.dimshuffle(0, "x", 2, 1), X.transpose(0, 2, 1)[:, None]),
        (x.clip(-0.5, 0.5), X.clip(-0.5, 0.5)),
        (x.astype("float32"), X.astype("float32")),
        (x.shape, np.array(X.shape)),
        (x.size, np.array(X.size)),
        (x.ndim * x[0, 0, 0], 3 * X[0, 0, 0]),
        (x.norm(2), np.sqrt((X**2).sum())),
        (x.fill(3), np.full(X.shape, 3, "int8")),
        (x.zeros_like(), np.zeros_like(X)),
        (x.ones_like(dtype="int8"), np.ones(X.shape, "int8")),
        (x.repeat(2, axis=1), X.repeat(2, axis=1)),
        (x.sort(), np.sort(X)),
        (x.take([1, 0], axis=1), X.take([1, 0], axis=1)),
        (x[1, ::2, -1], X[1, ::2, -1]),
        (x[:, [0, 2]], X[:, [0, 2]]),
        (x[x > 0], X[X > 0]),
    ]
    for got, want in pairs:
        value = evaluate(got, {x: X})
        np.testing.assert_allclose(value, want)
        assert value.dtype == np.asarray(want).dtype, got


def test_complex_parts():
    z = pt.zvector("z")
    Z = np.array([1 + 2j, -3j])
    for got, want in ((z.real, Z.real), (z.imag, Z.imag), (z.conj(), Z.conj())):
        np.testing.assert_array_equal(evaluate(got, {z: Z}), want)


def test_constants():
    c = pt.constant([1.0, 2.0], name="c")
    assert c.type.shape == (2,)
    assert c.name == "c"
    data = np.zeros(3)
    c = pt.constant(data)
    data[0] = 1
    assert c.data[0] == 0, "a later change of the array must not reach the graph"
    assert pickle.loads(pickle.dumps(c)).equals(c)
    assert str(pt.constant([1, 2])) == "[1 2]"
    assert str(pt.constant(np.arange(100))) == "[ 0  1  2 ... 97 98 99]"
    assert repr(pt.constant(1)).startswith("TensorConstant(TensorType(int8, shape=()), data=")
    with pytest.raises(TypeError):
        pt.constant(pt.dscalar())
    with pytest.raises(ValueError):
        TensorConstant(pt.dvector(shape=(2,)).type, np.zeros(3))


@pytest.mark.parametrize(
    "value, dtype",
    [
        (1, "int8"),
        (300, "int16"),
        (2**40, "int64"),
        (0.5, "float32"),
        (0.1, "float64"),
        (1j, "complex128"),
        (np.float32(0.1), "float32"),
        ([1, 2], "int64"),
        ([], "float64"),
        (np.array([1], ">i2"), "int16"),
    ],
)
def test_constant_dtypes(value, dtype):
    c = pt.constant(value)
    assert c.type.dtype == dtype
    assert c.data.dtype == np.dtype(dtype)


@pytest.mark.parametrize("bad", [True, "abc", np.array(["a"]), np.array([None]), None, slice(1)])
def test_not_tensors(bad):
    with pytest.raises((TypeError, NotImplementedError)):
        pt.as_tensor(bad)


def test_signature_compares_bytes():
    def same(a, b):
        a, b = pt.constant(a), pt.constant(b)
        equal = a.signature() == b.signature()
        assert not equal or hash(a.signature()) == hash(b.signature())
        return equal

    assert same([np.nan, 1.0], [np.nan, 1.0])
    assert not same(0.0, -0.0)
    assert not same(np.float32(1), np.float64(1))
    assert not same([1.0, 2.0], [[1.0, 2.0]])
    big = rng.normal(size=5000)
    other = big.copy()
    other[1] += 1
    assert same(big, big.copy())
    assert not same(big, other)
    assert not same(big[::2].copy(), big[1::2].copy())


@pytest.mark.parametrize(
    "data, unique",
    [
        (np.ones((3, 3)), 1.0),
        ([1.0, 2.0], None),
        (5, 5),
        (np.zeros((0, 2)), None),
        ([0.0, -0.0], None),
        ([[1, 1], [1, 2]], None),
    ],
)
def test_unique_value(data, unique):
    c = pt.constant(data)
    assert c.unique_value == unique
    if unique is None:
        with pytest.raises(NotScalarConstantError):
            c.get_underlying_scalar_constant()
    else:
        assert c.get_underlying_scalar_constant() == unique


def test_unique_value_nan():
    assert np.isnan(pt.constant([np.nan, np.nan]).unique_value)
