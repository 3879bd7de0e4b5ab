"""Fourier transforms against NumPy."""

import numpy as np
import pytest

import pytensor
import pytensor.tensor as pt
from pytensor.gradient import verify_grad
from pytensor.tensor.fft import irfft, irfft_op, rfft, rfft_op

RNG = np.random.default_rng(17)
SHAPES = [(1, 1), (2, 6), (3, 7), (2, 3, 4), (2, 4, 5), (1, 2, 3, 4)]
NORMS = [None, "ortho", "no_norm"]


def pairs(y):
    return np.stack([y.real, y.imag], axis=-1)


def compiled(inputs, outputs):
    return [pytensor.function(inputs, outputs, mode=mode) for mode in (None, "PY")]


@pytest.mark.parametrize("static", [True, False])
@pytest.mark.parametrize("shape", SHAPES)
def test_value(shape, static):
    x = RNG.normal(size=shape)
    v = pt.tensor("x", shape=shape if static else (None,) * x.ndim, dtype="float64")
    is_odd = shape[-1] % 2 == 1
    y = [rfft(v, norm) for norm in NORMS]
    back = [irfft(t, norm, is_odd) for t, norm in zip(y, NORMS, strict=True)]
    axes = range(1, x.ndim)
    plain = pairs(np.fft.rfftn(x, axes=axes))
    unitary = pairs(np.fft.rfftn(x, axes=axes, norm="ortho"))
    for f in compiled([v], y + back):
        values = f(x)
        for got, want in zip(values[:3], [plain, unitary, plain], strict=True):
            np.testing.assert_allclose(got, want, atol=1e-12)
        for got, scale in zip(values[3:], [1, 1, np.prod(shape[1:])], strict=True):
            np.testing.assert_allclose(got, x * scale, atol=1e-11)
    if static:
        assert y[0].type.shape == plain.shape
        assert back[0].type.shape == x.shape


@pytest.mark.parametrize("shape", SHAPES)
def test_gradient(shape):
    x = RNG.normal(size=shape)
    y = pairs(np.fft.rfftn(x, axes=range(1, x.ndim)))
    verify_grad(lambda x: rfft(x, "ortho"), [x], rng=RNG)
    verify_grad(lambda y: irfft(y, is_odd=bool(shape[-1] % 2)), [y], rng=RNG)


@pytest.mark.parametrize("s", [[5], [8], [6]])
def test_other_lengths(s):
    """A length that is not that of the input crops it, or continues it with zeros."""
    x = RNG.normal(size=(2, 6))
    v = pt.matrix("x")
    expected = pairs(np.fft.rfft(x, n=s[0]))
    np.testing.assert_allclose(rfft_op(v, s).eval({v: x}), expected, atol=1e-12)
    verify_grad(lambda x: rfft_op(x, s), [x], rng=RNG)
    y = RNG.normal(size=(2, 4, 2))
    t = pt.tensor3("y")
    expected = np.fft.irfft(y[..., 0] + 1j * y[..., 1], n=s[0], norm="forward")
    np.testing.assert_allclose(irfft_op(t, s).eval({t: y}), expected, atol=1e-12)
    verify_grad(lambda y: irfft_op(y, s), [y], rng=RNG)


def test_pushforward():
    x = RNG.normal(size=(2, 5))
    v, dv = pt.matrix("x"), pt.matrix("dx")
    out = pytensor.gradient.pushforward(rfft(v), v, dv)
    np.testing.assert_allclose(out.eval({v: x, dv: 2 * x}), 2 * pairs(np.fft.rfft(x)), atol=1e-12)


def test_shape_without_values():
    v = pt.tensor3("x")
    y = rfft(v)
    f = pytensor.function([v], [y.shape, irfft(y, is_odd=True).shape])
    assert not any(isinstance(n.op, type(rfft_op)) for n in f.maker.fgraph.apply_nodes)
    for got, want in zip(f(np.ones((2, 3, 5))), [(2, 3, 3, 2), (2, 3, 5)], strict=True):
        np.testing.assert_array_equal(got, want)


def test_dtypes():
    x = RNG.normal(size=(2, 4)).astype("float32")
    assert rfft(x).eval().dtype == irfft(rfft(x)).eval().dtype == "float32"
    assert rfft(x, "ortho").type.dtype == "float32"
    i = np.array([[1, 2, 5]])
    np.testing.assert_allclose(rfft(i).eval(), pairs(np.fft.rfft(i)))


def test_layouts():
    base = RNG.normal(size=(6, 8))
    v = pt.matrix("x")
    f = pytensor.function([v], rfft(v))
    for x in (base[::2, ::-2], base.T, np.broadcast_to(base[0], (3, 8)), base[:0]):
        before = x.copy()
        np.testing.assert_allclose(f(x), pairs(np.fft.rfft(x)), atol=1e-12)
        np.testing.assert_array_equal(x, before)


@pytest.mark.parametrize(
    "make, error",
    [
        (lambda: rfft(pt.vector()), TypeError),
        (lambda: rfft(pt.zmatrix()), TypeError),
        (lambda: irfft(pt.matrix()), TypeError),
        (lambda: rfft(pt.matrix(), "forward"), ValueError),
        (lambda: irfft(pt.tensor3(), is_odd=2), ValueError),
        (lambda: rfft_op(pt.matrix(), [1, 2]), ValueError),
        (lambda: rfft_op(pt.matrix(), [1.0]), TypeError),
    ],
)
def test_errors(make, error):
    with pytest.raises(error, match=r"\[.*fft.*\]|\[R?I?R?FFTOp\]"):
        make()


def test_error_at_run_time():
    t = pt.tensor3("y")
    for f in compiled([t], irfft(t)):
        with pytest.raises(ValueError, match="must have length 2"):
            f(np.ones((2, 3, 3)))
    v = pt.matrix("x")
    for f in compiled([v], rfft(v)):
        with pytest.raises(ValueError):
            f(np.ones((2, 0)))
