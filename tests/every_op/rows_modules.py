"""Padding, Fourier transforms, convolution, interpolation, minima and roots, against NumPy and SciPy."""

import numpy as np
import scipy.optimize
import scipy.signal
from op_rows import Row, arrays, given, real

import pytensor.tensor as pt
from pytensor.graph.replace import clone_replace
from pytensor.tensor.fft import irfft, rfft
from pytensor.tensor.optimize import minimize, minimize_scalar, root, root_scalar
from pytensor.tensor.signal import convolve1d, convolve2d

MATRIX, WIDTHS = [arrays((3, 4))], ((1, 2), (2, 1))
PAD = "pytensor.tensor.pad:pad"


def pad(words, mode, dtypes="f", gradient=True, shapes=MATRIX, width=WIDTHS, **fields):
    return Row(
        f"{PAD} {words or mode}", (real(),), lambda x: np.pad(x, width, mode=mode, **fields),
        lambda x: pt.pad(x, width, mode=mode, **fields), dtypes=dtypes, shapes=shapes, gradient=gradient,
        dtype="as upstream, sums and constants of integers are float64", also="pytensor.tensor:pad",
    )  # fmt: skip


PADS = [
    pad("", "constant", "fcib", shapes=[arrays((3, 4), also=[((0, 4),)])]),
    pad("value", "constant", constant_values=((1, 2), (3, 4))),
    *[pad("", mode, dtypes) for mode, dtypes in
      {"edge": "fci", "wrap": "fi", "reflect": "fi", "symmetric": "fi", "linear_ramp": "f",
       "maximum": "fi", "minimum": "f", "mean": "f"}.items()],
    pad("wrap far", "wrap", width=((5, 9), (0, 13))),
    pad("reflect far", "reflect", width=((5, 9), (0, 13))),
    pad("symmetric far", "symmetric", width=((5, 9), (0, 13))),
    pad("reflect odd", "reflect", reflect_type="odd"),
    pad("mean of some", "mean", stat_length=2),
    pad("one number", "edge", width=2, shapes=[arrays((4,)), arrays((2, 1, 3))]),
]  # fmt: skip


def _pairs(z):
    return np.stack([z.real, z.imag], axis=-1)


def _rfft(x, norm=None):
    return _pairs(np.fft.rfftn(x, axes=range(1, x.ndim), norm=norm)).astype(x.dtype)


def _irfft(odd):
    def reference(pairs):
        n = 2 * (pairs.shape[-2] - 1) + odd
        return np.fft.irfft(pairs[..., 0] + 1j * pairs[..., 1], n, axis=-1).astype(pairs.dtype)

    return reference


FFT = [
    Row("pytensor.tensor.fft:rfft", (real(),), _rfft, rfft, shapes=[arrays((2, 6)), arrays((2, 3, 5))]),
    Row("pytensor.tensor.fft:rfft ortho", (real(),), lambda x: _rfft(x, "ortho"), lambda x: rfft(x, "ortho"),
        shapes=[arrays((2, 6))]),
    *[Row(f"pytensor.tensor.fft:irfft odd={odd}", (real(),), _irfft(odd),
          lambda x, odd=odd: irfft(x, is_odd=odd), shapes=[arrays((2, 4, 2))])
      for odd in (False, True)],
]  # fmt: skip


def _each(function):
    """Convolve the last axis (or two) of stacks of one length."""

    def reference(a, b):
        return np.stack([function(x, y) for x, y in zip(a, b, strict=True)])

    return reference


CONVOLVED = [
    *[Row(f"pytensor.tensor.signal:convolve1d {mode}", (real(), real()),
          lambda a, b, mode=mode: np.convolve(a, b, mode),
          lambda a, b, mode=mode: convolve1d(a, b, mode=mode), dtypes="f", shapes=[arrays((7,), (3,))])
      for mode in ("full", "valid", "same")],
    Row("pytensor.tensor.signal:convolve1d stacks", (real(), real()), _each(np.convolve), convolve1d,
        shapes=[arrays((2, 7), (2, 3))]),
    *[Row(f"pytensor.tensor.signal:convolve2d {mode}", (real(), real()),
          lambda a, b, mode=mode: scipy.signal.convolve2d(a, b, mode),
          lambda a, b, mode=mode: convolve2d(a, b, mode=mode), shapes=[arrays((5, 6), (3, 2))])
      for mode in ("full", "valid", "same")],
    *[Row(f"pytensor.tensor.signal:convolve2d {boundary}", (real(), real()),
          lambda a, b, boundary=boundary: scipy.signal.convolve2d(a, b, "same", boundary),
          lambda a, b, boundary=boundary: convolve2d(a, b, mode="same", boundary=boundary),
          shapes=[arrays((5, 6), (3, 2))])
      for boundary in ("wrap", "symm")],
]  # fmt: skip


def _rising(rng, dtype, shape):
    return (np.arange(shape[0]) + rng.uniform(0, 0.4, shape)).astype(dtype)


RISING = given(_rising)
INTERPOLATED = [
    Row("pytensor.tensor.interpolate:interp", (real(-1, 7), RISING, real()), np.interp, pt.interp,
        shapes=[arrays((8,), (6,), (6,)), arrays((2, 3), (6,), (6,))], dtype="NumPy: float64", also="interp"),
    Row("pytensor.tensor.interpolate:interp ends", (real(-1, 7), RISING, real()),
        lambda x, xp, fp: np.interp(x, xp, fp, left=-5.0, right=9.0),
        lambda x, xp, fp: pt.interp(x, xp, fp, left=-5.0, right=9.0),
        shapes=[arrays((8,), (6,), (6,))], dtype="NumPy: float64"),
    Row("pytensor.tensor.interpolate:interpolate1d", (RISING, real(), real(0.5, 4.9)),
        lambda xp, fp, x: np.interp(x, xp, fp), lambda xp, fp, x: pt.interpolate1d(xp, fp, "linear")(x),
        shapes=[arrays((6,), (6,), (8,))], dtype="NumPy: float64", also="interpolate1d"),
]  # fmt: skip


def solved(function, start):
    """The solution of an equation in a new unknown, which starts at `start`."""

    def call(a):
        x = pt.tensor("x", dtype=a.type.dtype, shape=start.shape)
        return clone_replace(function(x, a), {x: pt.constant(start.astype(a.type.dtype))})

    return call


def _roots_by_hand(a):
    return np.array(
        [scipy.optimize.brentq(lambda v, k=k: v**3 + k * v - 1, 0, 2, xtol=1e-15) for k in a]
    )


TIGHT = {"tol": 1e-13}
COARSE = (
    "minima are known to half of the digits, too few for differences: tests/tensor/test_optimize.py"
)
SOUGHT = [
    Row("pytensor.tensor.optimize:root", (real(0.5, 2),), _roots_by_hand,
        solved(lambda x, a: root(x**3 + a * x - 1, x, optimizer_kwargs=TIGHT)[0], np.ones(3)),
        shapes=[arrays((3,))], rtol=1e-8, dtype="SciPy: float64"),
    Row("pytensor.tensor.optimize:root_scalar", (real(0.5, 2),), lambda a: _roots_by_hand([a])[0],
        solved(lambda x, a: root_scalar(x**3 + a * x - 1, x, "newton", jac=True)[0], np.ones(())),
        shapes=[arrays(())], rtol=1e-7, dtype="SciPy: float64"),
    Row("pytensor.tensor.optimize:minimize", (real(0.5, 2),), lambda a: np.log(a),
        solved(lambda x, a: minimize((pt.exp(x) - a * x).sum(), x, "BFGS", jac=True, optimizer_kwargs=TIGHT)[0],
               np.zeros(3)),
        shapes=[arrays((3,))], rtol=1e-6, dtypes="d", gradient=COARSE),
    Row("pytensor.tensor.optimize:minimize_scalar", (real(0.5, 2),), lambda a: np.log(a),
        solved(lambda x, a: minimize_scalar(pt.exp(x) - a * x, x, "brent")[0], np.zeros(())),
        shapes=[arrays(())], rtol=1e-6, gradient=COARSE),
]  # fmt: skip
ROWS = [*PADS, *FFT, *CONVOLVED, *INTERPOLATED, *SOUGHT]
