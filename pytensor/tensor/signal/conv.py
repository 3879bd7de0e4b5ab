r"""Convolution in one and two dimensions.

.. math:: z_i = \sum_j x_{i - j} w_j

Two Ops do it all: modes "full" and "valid" of each rank. "same" and the boundaries are made of
slices and padding around them, and so are gradients: the gradient with respect to one operand is
the valid convolution of the cotangent with the other operand, reversed.

Where both operands are long, sums are taken by Fourier transforms: not for what is not finite, nor
for integers, and only where that is several times faster, because direct sums are more accurate.
"""

from math import ceil, log2
from typing import Literal

import numpy as np

from pytensor.graph.basic import Apply
from pytensor.graph.null_type import DisconnectedType, disconnected_type
from pytensor.graph.op import Op
from pytensor.scalar.basic import upcast
from pytensor.tensor._convert import TensorLike
from pytensor.tensor.basic import as_tensor_variable, cast
from pytensor.tensor.blockwise import Blockwise
from pytensor.tensor.math import conj, maximum, minimum
from pytensor.tensor.pad import pad
from pytensor.tensor.type import TensorType
from pytensor.tensor.variable import TensorVariable
from pytensor.utils import lazy_scipy_module

__all__ = ["convolve1d", "convolve2d"]

scipy_signal = lazy_scipy_module("signal")

MODES = ("full", "valid", "same")
BOUNDARIES = ("fill", "wrap", "symm")
METHODS = ("direct", "fft", "auto")


def _checked(value, name: str, allowed: tuple[str, ...], function: str):
    if value not in allowed:
        raise ValueError(f"[{function}] {name} must be one of {allowed}, got {value!r}")
    return value


def transforms_pay(x_shape: tuple[int, ...], w_shape: tuple[int, ...]) -> bool:
    """Whether Fourier transforms beat direct sums by far (c_code/convolve.c estimates the same)."""
    products = float(np.prod(x_shape, dtype=float) * np.prod(w_shape, dtype=float))
    size = float(np.prod([n + k - 1 for n, k in zip(x_shape, w_shape, strict=True)]))
    bits = ceil(log2(max(size, 2)))
    return 3 * 2**bits * (1.2 * bits + 16) < 0.125 * products


class _Convolve(Op):
    """What convolutions of all ranks share. Inputs have one dtype."""

    core_ndim: int
    mode: str

    def __str__(self):
        return f"{type(self).__name__}{{{self.mode}}}"

    def make_node(self, in1, in2):
        in1, in2 = as_tensor_variable(in1), as_tensor_variable(in2)
        for position, operand in enumerate((in1, in2), start=1):
            if operand.type.ndim != self.core_ndim:
                raise ValueError(
                    f"[{type(self).__name__}] in{position} must have {self.core_ndim} dimensions, "
                    f"got {operand.type}"
                )
        dtype = upcast(in1.type.dtype, in2.type.dtype)
        in1, in2 = (x if x.type.dtype == dtype else cast(x, dtype) for x in (in1, in2))
        shape = [
            None if n is None or k is None else self._length(n, k)
            for n, k in zip(in1.type.shape, in2.type.shape, strict=True)
        ]
        return Apply(self, [in1, in2], [TensorType(dtype=dtype, shape=tuple(shape))()])

    def _length(self, n, k):
        if self.mode == "full":
            return n + k - 1
        if isinstance(n, int) and isinstance(k, int):
            return abs(n - k) + 1
        return maximum(n, k) - minimum(n, k) + 1

    def infer_shape(self, fgraph, node, input_shapes):
        return [tuple(self._length(n, k) for n, k in zip(*input_shapes, strict=True))]

    def perform(self, node, inputs, output_storage):
        x, w = inputs
        for position, operand in enumerate(inputs, start=1):
            if not operand.size:
                raise ValueError(f"[{type(self).__name__}] in{position} cannot be empty")
        # Convolution commutes; the functions below want the larger one first
        lengths = [n - k for n, k in zip(x.shape, w.shape, strict=True)]
        if self.mode == "valid" and min(lengths) < 0:
            if max(lengths) > 0:
                raise ValueError(
                    f"[{type(self).__name__}] for 'valid' mode one input must be at least as "
                    f"large as the other in every dimension, got {x.shape} and {w.shape}"
                )
            x, w = w, x
        z = self._convolve(x, w)
        output_storage[0][0] = np.asarray(z, dtype=node.outputs[0].type.dtype)

    def _by_transforms(self, x, w) -> bool:
        method = getattr(self, "method", "auto")
        if x.dtype.kind not in "fc" or method == "direct":
            return False
        if method == "auto" and not transforms_pay(x.shape, w.shape):
            return False
        return bool(np.isfinite(x).all() and np.isfinite(w).all())

    # -- Derivatives ---------------------------------------------------------------------------

    def _like(self, mode: str):
        """The same convolution in another mode."""
        return type(self)(**(self._props_dict() | {"mode": mode}))

    def pullback(self, inputs, outputs, cotangents):
        (x, w), (g,) = inputs, cotangents
        if isinstance(g.type, DisconnectedType):
            return [disconnected_type(), disconnected_type()]
        return [self._gradient(x, w, g), self._gradient(w, x, g)]

    def _gradient(self, x, w, g):
        """The cotangent of `x`, where the other operand is `w`."""
        reverse = (slice(None, None, -1),) * self.core_ndim
        w_reversed = w[reverse]
        if w.type.dtype.startswith("complex"):
            w_reversed = conj(w_reversed)
        valid = self._like("valid")
        if self.mode == "full":
            return valid(g, w_reversed)
        sizes = list(zip(x.type.shape, w.type.shape, strict=True))
        if all(n is not None and k is not None and n >= k for n, k in sizes):
            return self._like("full")(g, w_reversed)
        if all(n is not None and k is not None and n <= k for n, k in sizes):
            return valid(w_reversed, g)
        # Put the cotangent where it belongs in the full convolution
        margins = [minimum(x.shape[d], w.shape[d]) - 1 for d in range(self.core_ndim)]
        return valid(pad(g, [(n, n) for n in margins]), w_reversed)

    def pushforward(self, inputs, outputs, tangents):
        (x, w), (dx, dw) = inputs, tangents
        terms = []
        if not isinstance(dx.type, DisconnectedType):
            terms.append(self(dx, w))
        if not isinstance(dw.type, DisconnectedType):
            terms.append(self(x, dw))
        if not terms:
            return [disconnected_type()]
        return [terms[0] if len(terms) == 1 else terms[0] + terms[1]]


class Convolve1d(_Convolve):
    """Convolution of two vectors, in mode "full" or "valid"."""

    __props__ = ("mode",)
    gufunc_signature = "(n),(k)->(o)"
    core_ndim = 1

    def __init__(self, mode: str):
        self.mode = _checked(mode, "mode", MODES[:2], "Convolve1d")

    def _convolve(self, x, w):
        if not self._by_transforms(x, w):
            return np.convolve(x, w, mode=self.mode)
        length = 2 ** ceil(log2(len(x) + len(w) - 1))
        if x.dtype.kind == "c":
            z = np.fft.ifft(np.fft.fft(x, length) * np.fft.fft(w, length))
        else:
            z = np.fft.irfft(np.fft.rfft(x, length) * np.fft.rfft(w, length), length)
        start = 0 if self.mode == "full" else len(w) - 1
        return z[start : len(x) + len(w) - 1 - start]


class Convolve2d(_Convolve):
    """Convolution of two matrices, in mode "full" or "valid"."""

    __props__ = ("mode", "method")
    gufunc_signature = "(n,m),(k,l)->(o,p)"
    core_ndim = 2

    def __init__(self, mode: str, method: str = "auto"):
        self.mode = _checked(mode, "mode", MODES[:2], "Convolve2d")
        self.method = _checked(method, "method", METHODS, "Convolve2d")

    def _convolve(self, x, w):
        if self._by_transforms(x, w):
            return scipy_signal.fftconvolve(x, w, mode=self.mode)
        if x.dtype == np.float16:
            x, w = x.astype(np.float32), w.astype(np.float32)
        return scipy_signal.convolve2d(x, w, mode=self.mode)


def _applied(op: _Convolve, in1, in2) -> TensorVariable:
    if in1.type.ndim == in2.type.ndim == op.core_ndim:
        return op(in1, in2)
    return Blockwise(op)(in1, in2)


def _centered(full, in1, in2, core_ndim: int):
    """The part of a full convolution that has the lengths of `in1`."""
    index = [slice(None)] * (full.type.ndim - core_ndim)
    for d in range(-core_ndim, 0):
        n = in1.type.shape[d] if in1.type.shape[d] is not None else in1.shape[d]
        k = in2.type.shape[d] if in2.type.shape[d] is not None else in2.shape[d]
        index.append(slice((k - 1) // 2, (k - 1) // 2 + n))
    return full[tuple(index)]


def _checked_rank(x, position: int, core_ndim: int):
    x = as_tensor_variable(x)
    if x.type.ndim < core_ndim:
        raise ValueError(
            f"[convolve{core_ndim}d] in{position} must have at least {core_ndim} dimensions, "
            f"got {x.type}"
        )
    return x


def convolve1d(
    in1: TensorLike, in2: TensorLike, mode: Literal["full", "valid", "same"] = "full"
) -> TensorVariable:
    """Convolve two vectors, or stacks of vectors.

    Parameters
    ----------
    in1
        Of shape ``(..., n)``.
    in2
        Of shape ``(..., k)``; leading dimensions broadcast with those of `in1`.
    mode
        ``"full"`` returns all ``n + k - 1`` sums; ``"valid"`` the ``max(n, k) - min(n, k) + 1``
        that use no number beyond the ends; ``"same"`` the `n` in the middle of the full result.

    Returns
    -------
    TensorVariable

    Raises
    ------
    ValueError
        If the mode is unknown, or, when it is computed, if an input is empty.

    See Also
    --------
    numpy.convolve

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> from pytensor.tensor.signal import convolve1d
    >>> convolve1d(pt.constant([1.0, 2.0, 3.0]), pt.constant([1.0, 1.0])).eval()
    array([1., 3., 5., 3.])
    """
    _checked(mode, "mode", MODES, "convolve1d")
    in1, in2 = _checked_rank(in1, 1, 1), _checked_rank(in2, 2, 1)
    z = _applied(Convolve1d("valid" if mode == "valid" else "full"), in1, in2)
    return _centered(z, in1, in2, 1) if mode == "same" else z


def convolve2d(
    in1: TensorLike,
    in2: TensorLike,
    mode: Literal["full", "valid", "same"] = "full",
    boundary: Literal["fill", "wrap", "symm"] = "fill",
    fillvalue: float | int = 0,
    method: Literal["direct", "fft", "auto"] = "auto",
) -> TensorVariable:
    """Convolve two matrices, or stacks of matrices.

    Parameters
    ----------
    in1
        Of shape ``(..., n, m)``.
    in2
        Of shape ``(..., k, l)``; leading dimensions broadcast with those of `in1`.
    mode
        ``"full"``, ``"valid"`` or ``"same"``, in each dimension as in `convolve1d`.
    boundary
        What is beyond the ends of `in1`: `fillvalue`, the array again (``"wrap"``), or its mirror
        image (``"symm"``).
    fillvalue
        A number, with ``boundary="fill"``.
    method
        ``"direct"`` sums, ``"fft"`` Fourier transforms, or what is faster.

    Returns
    -------
    TensorVariable

    Raises
    ------
    ValueError
        If an option is unknown, or, when it is computed, if an input is empty or if in mode
        ``"valid"`` neither input is at least as large as the other in both dimensions.

    See Also
    --------
    scipy.signal.convolve2d

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> from pytensor.tensor.signal import convolve2d
    >>> convolve2d(pt.ones((3, 3)), pt.ones((2, 2)), mode="valid").eval()
    array([[4., 4.],
           [4., 4.]])
    """
    _checked(mode, "mode", MODES, "convolve2d")
    _checked(boundary, "boundary", BOUNDARIES, "convolve2d")
    _checked(method, "method", METHODS, "convolve2d")
    in1, in2 = _checked_rank(in1, 1, 2), _checked_rank(in2, 2, 2)
    if mode == "valid":
        return _applied(Convolve2d("valid", method), in1, in2)
    if boundary == "fill" and isinstance(fillvalue, int | float) and fillvalue == 0:
        z = _applied(Convolve2d("full", method), in1, in2)
    else:
        # With enough around in1, all sums are valid ones
        lengths = [in2.type.shape[d] or in2.shape[d] for d in (-2, -1)]
        widths = [(0, 0)] * (in1.type.ndim - 2) + [(n - 1, n - 1) for n in lengths]
        if boundary == "fill":
            around = pad(in1, widths, "constant", constant_values=fillvalue)
        else:
            around = pad(in1, widths, "wrap" if boundary == "wrap" else "symmetric")
        z = _applied(Convolve2d("valid", method), around, in2)
    return _centered(z, in1, in2, 2) if mode == "same" else z
