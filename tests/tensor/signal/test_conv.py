"""Convolutions against NumPy and SciPy."""

import numpy as np
import pytest
import scipy.signal

import pytensor
import pytensor.tensor as pt
from pytensor.gradient import verify_grad
from pytensor.tensor.signal import convolve1d, convolve2d
from pytensor.tensor.signal.conv import Convolve1d, Convolve2d, transforms_pay

RNG = np.random.default_rng(23)
MODES = ["full", "valid", "same"]
SIZES = [(1, 1), (5, 1), (1, 5), (5, 3), (3, 5), (4, 4), (70, 9), (9, 70), (300, 280)]


def compiled(inputs, outputs):
    return [pytensor.function(inputs, outputs, mode=mode) for mode in (None, "PY")]


def expected_1d(x, w, mode):
    if mode != "same":
        return np.convolve(x, w, mode)
    start = (len(w) - 1) // 2
    return np.convolve(x, w)[start : start + len(x)]


def numbers(shape, dtype="float64"):
    x = RNG.normal(size=shape)
    if dtype.startswith("complex"):
        x = x + 1j * RNG.normal(size=shape)
    return (3 * x).astype(dtype)


@pytest.mark.parametrize("dtype", ["float64", "float32", "complex128", "complex64", "int32"])
def test_vectors(dtype):
    v, w = pt.vector("v", dtype=dtype), pt.vector("w", dtype=dtype)
    outs = [convolve1d(v, w, mode) for mode in MODES]
    for f in compiled([v, w], outs):
        for n, k in SIZES:
            a, b = numbers(n, dtype), numbers(k, dtype)
            for got, mode in zip(f(a, b), MODES, strict=True):
                want = expected_1d(a, b, mode)
                assert got.dtype == want.dtype == dtype
                tolerance = 1e-4 if dtype in ("float32", "complex64") else 1e-12
                np.testing.assert_allclose(got, want, rtol=tolerance, atol=100 * tolerance)


@pytest.mark.parametrize("dtype", ["float64", "float32", "complex128"])
@pytest.mark.parametrize("n, k", [(60_000, 9_000), (7_000, 9_000), (8_192, 8_192)])
def test_long_vectors(n, k, dtype):
    """Where transforms are used; operands of very different size keep their accuracy."""
    assert transforms_pay((n,), (k,))
    v, w = pt.vector("v", dtype=dtype), pt.vector("w", dtype=dtype)
    a, b = numbers(n, dtype), np.asarray(1e-9, dtype=dtype) * numbers(k, dtype)
    want = scipy.signal.fftconvolve(a.astype("complex128"), b.astype("complex128"))
    size = np.linalg.norm(a.astype("complex128")) * np.linalg.norm(b.astype("complex128"))
    for f in compiled([v, w], [convolve1d(v, w, mode) for mode in MODES]):
        full, valid, same = f(a, b)
        at = (k - 1) // 2
        tolerance = 1e-6 if dtype == "float32" else 1e-14
        assert np.abs(full - want).max() < tolerance * size
        assert np.abs(valid - full[min(n, k) - 1 : max(n, k)]).max() < tolerance * size
        np.testing.assert_array_equal(same, full[at : at + n])
    # What is not finite does not spread
    a[100] = np.nan
    for f in compiled([v, w], convolve1d(v, w)):
        assert np.isnan(f(a, b)).sum() == k


@pytest.mark.parametrize("static", [True, False])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("n, k", [(5, 3), (3, 5), (4, 4), (1, 3), (3, 1)])
def test_gradient_vectors(n, k, mode, static):
    def f(x, w):
        if not static:
            x, w = (pt.specify_shape(pt.atleast_1d(t), (None,)) for t in (x, w))
        return convolve1d(x, w, mode)

    verify_grad(f, [numbers(n), numbers(k)], rng=RNG)


def test_gradient_of_unknown_lengths():
    x, w, g = pt.vector("x"), pt.vector("w"), pt.vector("g")
    for mode in MODES:
        cost = (convolve1d(x, w, mode) * g).sum()
        f = pytensor.function([x, w, g], pt.grad(cost, [x, w]))
        for n, k in [(5, 3), (3, 5), (4, 4)]:
            a, b = numbers(n), numbers(k)
            c = numbers(len(expected_1d(a, b, mode)))
            dx, dw = f(a, b, c)
            np.testing.assert_allclose(
                dx, [expected_1d(e, b, mode) @ c for e in np.eye(n)], rtol=1e-12, atol=1e-12
            )
            np.testing.assert_allclose(
                dw, [expected_1d(a, e, mode) @ c for e in np.eye(k)], rtol=1e-12, atol=1e-12
            )


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_not_finite(bad):
    v, w = pt.vector("v"), pt.vector("w")
    for f in compiled([v, w], [convolve1d(v, w, mode) for mode in MODES]):
        for n, k, at in [(40, 7, 3), (7, 40, 3), (5, 5, 0)]:
            a, b = numbers(n), numbers(k)
            for operand in (a, b):
                keep, operand[at] = operand[at], bad
                for got, mode in zip(f(a, b), MODES, strict=True):
                    np.testing.assert_allclose(got, expected_1d(a, b, mode))
                operand[at] = keep


def test_pushforward():
    x, w, dx, dw = (pt.vector(name) for name in ("x", "w", "dx", "dw"))
    out = pytensor.gradient.pushforward(convolve1d(x, w), [x, w], [dx, dw])
    a, b, da, db = numbers(5), numbers(3), numbers(5), numbers(3)
    np.testing.assert_allclose(
        out.eval({x: a, w: b, dx: da, dw: db}), np.convolve(da, b) + np.convolve(a, db)
    )


def test_batches():
    x, w = pt.tensor("x", shape=(None, 1, None)), pt.tensor("w", shape=(4, None))
    a, b = numbers((3, 1, 20)), numbers((4, 6))
    for mode in MODES:
        out = convolve1d(x, w, mode)
        for f in compiled([x, w], out):
            got = f(a, b)
            assert got.shape[:2] == (3, 4)
            for i in range(3):
                for j in range(4):
                    np.testing.assert_allclose(got[i, j], expected_1d(a[i, 0], b[j], mode))
    verify_grad(lambda x, w: convolve1d(x, w, "same"), [a, b], rng=RNG)
    verify_grad(
        lambda x, w: convolve2d(x, w, "same"), [numbers((2, 3, 4)), numbers((2, 2))], rng=RNG
    )


def test_batch_kernel_is_c():
    x, w = pt.tensor("x", shape=(None, None)), pt.vector("w")
    f = pytensor.function([x, w], convolve1d(x, w), mode="C")
    assert not f.vm.python_steps if hasattr(f.vm, "python_steps") else True
    with pytest.raises(ValueError, match="cannot be empty"):
        f(np.ones((2, 3)), np.ones(0))
    assert f(np.ones((0, 3)), np.ones(2)).shape == (0, 4)


@pytest.mark.parametrize("boundary, fill", [("fill", 0), ("fill", 1.5), ("wrap", 0), ("symm", 0)])
@pytest.mark.parametrize("mode", MODES)
def test_matrices(mode, boundary, fill):
    x, w = pt.matrix("x"), pt.matrix("w")
    fs = compiled([x, w], convolve2d(x, w, mode, boundary, fill))
    for shapes in [((5, 6), (2, 3)), ((4, 70), (4, 5)), ((3, 4), (1, 1)), ((2, 3), (4, 5))]:
        a, b = (numbers(shape) for shape in shapes)
        want = scipy.signal.convolve2d(a, b, mode, boundary, fill)
        for f in fs:
            np.testing.assert_allclose(f(a, b), want, rtol=1e-11, atol=1e-12)
    a, b = numbers((4, 5)), numbers((2, 3))
    verify_grad(lambda x, w: convolve2d(x, w, mode, boundary, fill), [a, b], rng=RNG)


@pytest.mark.parametrize("method", ["direct", "fft", "auto"])
@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128", "int64"])
def test_methods_and_dtypes(method, dtype):
    x, w = pt.matrix("x", dtype=dtype), pt.matrix("w", dtype=dtype)
    a, b = numbers((9, 11), dtype), numbers((4, 7), dtype)
    outs = [convolve2d(x, w, mode, method=method) for mode in MODES]
    for f in compiled([x, w], outs):
        for got, mode in zip(f(a, b), MODES, strict=True):
            assert got.dtype == dtype
            want = scipy.signal.convolve2d(a, b, mode)
            tolerance = 1e-5 if dtype in ("float32", "complex64") else 1e-13
            np.testing.assert_allclose(got, want, atol=500 * tolerance, rtol=tolerance)


def test_large_matrices():
    x, w = pt.matrix("x"), pt.matrix("w")
    a, b = numbers((150, 160)), numbers((90, 70))
    for mode in MODES:
        for f in compiled([x, w], convolve2d(x, w, mode)):
            want = scipy.signal.fftconvolve(a, b, mode)
            np.testing.assert_allclose(f(a, b), want, atol=1e-9)


def test_mixed_dtypes_and_constants():
    out = convolve1d(pt.ivector("x"), pt.fvector("w"))
    assert out.type.dtype == "float64"
    np.testing.assert_array_equal(
        convolve1d(np.arange(4), np.arange(3), "same").eval(), [0, 1, 4, 7]
    )


def test_static_shapes():
    x, w = pt.tensor("x", shape=(7, 5)), pt.tensor("w", shape=(3,))
    assert [convolve1d(x, w, mode).type.shape for mode in MODES] == [(7, 7), (7, 3), (7, 5)]
    k = pt.tensor("k", shape=(2, 4))
    assert [convolve2d(x, k, mode).type.shape for mode in MODES] == [(8, 8), (6, 2), (7, 5)]


def test_shape_without_values():
    x, w = pt.matrix("x"), pt.vector("w")
    for mode in MODES:
        f = pytensor.function([x, w], convolve1d(x, w, mode).shape)
        ops = {type(getattr(n.op, "core_op", n.op)) for n in f.maker.fgraph.apply_nodes}
        assert Convolve1d not in ops
        for n, k in [(5, 3), (3, 5)]:
            want = expected_1d(np.ones(n), np.ones(k), mode)
            np.testing.assert_array_equal(f(np.ones((2, n)), np.ones(k)), [2, len(want)])


def test_layouts_and_inputs_unchanged():
    x, w = pt.matrix("x"), pt.matrix("w")
    base, b = numbers((12, 10)), numbers((6, 4))
    for f in compiled([x, w], convolve2d(x, w)):
        for a in (base[::-2, ::3], base.T, np.broadcast_to(base[0], (3, 10))):
            for c in (b[::-1, ::-1], b.T, np.broadcast_to(b[0], (2, 4))):
                before = a.copy(), c.copy()
                np.testing.assert_allclose(f(a, c), scipy.signal.convolve2d(a, c), atol=1e-12)
                np.testing.assert_array_equal(a, before[0])
                np.testing.assert_array_equal(c, before[1])


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: convolve1d(pt.vector(), pt.vector(), "bla"), "mode must be one of"),
        (lambda: convolve1d(pt.scalar(), pt.vector()), "in1 must have at least 1"),
        (lambda: convolve2d(pt.matrix(), pt.vector()), "in2 must have at least 2"),
        (lambda: convolve2d(pt.matrix(), pt.matrix(), boundary="b"), "boundary must be"),
        (lambda: convolve2d(pt.matrix(), pt.matrix(), method="b"), "method must be"),
        (lambda: Convolve1d("same"), "mode must be"),
        (lambda: Convolve2d("full")(pt.tensor3(), pt.matrix()), "in1 must have 2 dimensions"),
    ],
)
def test_bad_arguments(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_errors_at_run_time():
    x, w = pt.matrix("x"), pt.matrix("w")
    for f in compiled([x, w], convolve2d(x, w, "valid")):
        with pytest.raises(ValueError, match="at least as large"):
            f(np.ones((2, 6)), np.ones((4, 3)))
        with pytest.raises(ValueError, match="cannot be empty"):
            f(np.ones((0, 6)), np.ones((4, 3)))
    x, w = pt.matrix("x"), pt.matrix("w")
    for f in compiled([x, w], convolve1d(x, w)):
        with pytest.raises(ValueError):
            f(np.ones((2, 6)), np.ones((3, 6)))
        with pytest.raises(ValueError, match="Runtime broadcasting"):
            f(np.ones((1, 6)), np.ones((3, 6)))
