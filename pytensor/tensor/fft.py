r"""Fourier transforms of real arrays, with real and imaginary parts on an axis of their own.

.. math:: y_k = \sum_j x_j e^{-2 \pi i j k / n}, \qquad k = 0 \ldots \lfloor n / 2 \rfloor

The first axis is a batch; the transform is over all others. A derivative of a transform is the
inverse transform, with the elements that stand for two (a frequency and its negative) halved or
doubled. Computed by `numpy.fft`.
"""

import numpy as np

from pytensor.graph.basic import Apply, equal_computations
from pytensor.graph.null_type import DisconnectedType, disconnected_type
from pytensor.graph.op import Op
from pytensor.tensor._make_vector import int_vector
from pytensor.tensor.basic import as_tensor_variable, cast
from pytensor.tensor.math import maximum, prod, sqrt
from pytensor.tensor.pad import pad
from pytensor.tensor.subtensor import set_subtensor
from pytensor.tensor.type import TensorType, discrete_dtypes
from pytensor.tensor.utils import get_static_shape_from_size_variables

__all__ = ["irfft", "rfft"]

# ``None`` scales the inverse only, ``"ortho"`` both, ``"no_norm"`` neither.
_NORMS = {None: None, "ortho": "ortho", "no_norm": "no_norm"}


def _lengths(x, stop: int) -> list:
    return [x.type.shape[d] or x.shape[d] for d in range(1, stop)]


def _static_sizes(s, n: int) -> tuple[int | None, ...]:
    """What is known of the transformed lengths `s`."""
    if hasattr(s, "data"):
        return tuple(int(length) for length in s.data)
    made = s.owner is not None and type(s.owner.op).__name__ == "MakeVector"
    return get_static_shape_from_size_variables(s.owner.inputs) if made else (None,) * n


class _RealTransform(Op):
    """What both transforms share: an array and the lengths of the real side."""

    __props__ = ()
    n_pair_axes: int  # 1 if the input holds pairs

    def make_node(self, a, s=None):
        a = as_tensor_variable(a)
        name = type(self).__name__
        least = 2 + self.n_pair_axes
        if a.type.ndim < least:
            pairs = " and the last real and imaginary parts" if self.n_pair_axes else ""
            raise TypeError(
                f"[{name}] input must have at least {least} dimensions, the first a batch{pairs}, "
                f"got {a.type}"
            )
        if a.type.dtype.startswith("complex"):
            raise TypeError(f"[{name}] input must be real, got {a.type}")
        if a.type.dtype in discrete_dtypes:
            a = cast(a, "float64")
        elif a.type.dtype == "float16":
            a = cast(a, "float32")
        n_axes = a.type.ndim - 1 - self.n_pair_axes
        s = self._own_lengths(a) if s is None else as_tensor_variable(s)
        if s.type.dtype not in discrete_dtypes or s.type.ndim != 1:
            raise TypeError(f"[{name}] s must be a vector of integers, got {s.type}")
        if s.type.shape[0] not in (None, n_axes):
            raise ValueError(f"[{name}] s must have {n_axes} entries, got {s.type.shape[0]}")
        shape = self._static_shape(a, _static_sizes(s, n_axes))
        return Apply(self, [a, s], [TensorType(dtype=a.type.dtype, shape=shape)()])

    def connection_pattern(self, node):
        return [[True], [False]]

    def pushforward(self, inputs, outputs, tangents):
        if isinstance(tangents[0].type, DisconnectedType):
            return [disconnected_type()]
        return [self(tangents[0], inputs[1])]

    def pullback(self, inputs, outputs, cotangents):
        (a, s), (g,) = inputs, cotangents
        if isinstance(g.type, DisconnectedType):
            return [disconnected_type(), disconnected_type()]
        gradient = self._transpose(g, s)
        if not self._has_own_lengths(a, s):
            gradient = self._fitted(gradient, a)
        return [gradient, disconnected_type()]

    def _has_own_lengths(self, a, s) -> bool:
        own = self._own_lengths(a)
        if hasattr(own, "data") and hasattr(s, "data"):
            return bool(np.array_equal(own.data, s.data))
        return equal_computations([own], [s])

    def _fitted(self, gradient, a):
        """Crop or fill with zeros to the shape of `a`: the transform did the contrary to `a`."""
        last = a.type.ndim - self.n_pair_axes
        gradient = gradient[(slice(None), *(slice(a.shape[d]) for d in range(1, last)))]
        missing = [
            (0, maximum(a.shape[d] - gradient.shape[d], 0) if 0 < d < last else 0)
            for d in range(a.type.ndim)
        ]
        return pad(gradient, missing)


class RFFTOp(_RealTransform):
    """Real array to pairs: ``(m, ..., n)`` to ``(m, ..., n // 2 + 1, 2)``, without scale."""

    n_pair_axes = 0

    @staticmethod
    def _own_lengths(a):
        return int_vector(_lengths(a, a.type.ndim))

    @staticmethod
    def _static_shape(a, sizes):
        last = None if sizes[-1] is None else sizes[-1] // 2 + 1
        return (a.type.shape[0], *sizes[:-1], last, 2)

    def infer_shape(self, fgraph, node, input_shapes):
        s = node.inputs[1]
        n = node.inputs[0].type.ndim - 1
        others = [s[d] for d in range(n - 1)]
        return [(input_shapes[0][0], *others, s[n - 1] // 2 + 1, 2)]

    def perform(self, node, inputs, output_storage):
        a, s = inputs
        y = np.fft.rfftn(a, s=tuple(int(n) for n in s), axes=tuple(range(1, a.ndim)))
        out = np.empty((*y.shape, 2), dtype=a.dtype)
        out[..., 0], out[..., 1] = y.real, y.imag
        output_storage[0][0] = out

    def _transpose(self, g, s):
        # The inverse transform counts the frequencies between the ends twice
        return irfft_op(_scaled_between_ends(g, s, 0.5), s)


class IRFFTOp(_RealTransform):
    """Pairs to a real array: ``(m, ..., n // 2 + 1, 2)`` to ``(m, ..., n)``, without scale."""

    n_pair_axes = 1

    @staticmethod
    def _own_lengths(a):
        *others, last = _lengths(a, a.type.ndim - 1)
        return int_vector([*others, (last - 1) * 2])

    @staticmethod
    def _static_shape(a, sizes):
        return (a.type.shape[0], *sizes)

    def infer_shape(self, fgraph, node, input_shapes):
        s = node.inputs[1]
        return [(input_shapes[0][0], *(s[d] for d in range(node.inputs[0].type.ndim - 2)))]

    def perform(self, node, inputs, output_storage):
        a, s = inputs
        if a.shape[-1] != 2:
            raise ValueError(
                f"[IRFFTOp] the last axis must have length 2 (real and imaginary), got {a.shape}"
            )
        complex_a = np.empty(a.shape[:-1], dtype=np.result_type(a.dtype, np.complex64))
        complex_a.real, complex_a.imag = a[..., 0], a[..., 1]
        sizes = tuple(int(n) for n in s)
        axes = tuple(range(1, complex_a.ndim))
        out = np.fft.irfftn(complex_a, s=sizes, axes=axes, norm="forward")
        output_storage[0][0] = out.astype(a.dtype, copy=False)

    def _has_own_lengths(self, a, s) -> bool:
        # Of an odd length, too, all given frequencies are used
        own = self._own_lengths(a)
        odd = set_subtensor(own[-1], own[-1] + 1)
        if hasattr(own, "data") and hasattr(s, "data"):
            return bool(
                np.array_equal(own.data[:-1], s.data[:-1]) and s.data[-1] // 2 == own.data[-1] // 2
            )
        return equal_computations([own], [s]) or equal_computations([odd], [s])

    def _transpose(self, g, s):
        return _scaled_between_ends(rfft_op(g, s), s, 2.0)


def _scaled_between_ends(pairs, s, scale: float):
    """Scale the frequencies that are neither 0 nor, for an even length, the highest."""
    index = [slice(None)] * pairs.type.ndim
    last = s[pairs.type.ndim - 3]
    index[-2] = slice(1, (last - 1) // 2 + 1)
    between = pairs[tuple(index)]
    return set_subtensor(between, between * np.asarray(scale, dtype=pairs.type.dtype))


rfft_op = RFFTOp()
irfft_op = IRFFTOp()


def _checked_norm(norm):
    if norm not in _NORMS:
        raise ValueError(f"[fft] norm must be None, 'ortho' or 'no_norm', got {norm!r}")
    return norm


def rfft(inp, norm=None):
    """Fourier transform of real arrays.

    Parameters
    ----------
    inp
        Real, of shape ``(m, ..., n)``: a batch of `m` arrays, each transformed over all its axes.
        Integers are taken as float64.
    norm : {None, "ortho", "no_norm"}
        ``"ortho"`` divides by the square root of the number of elements, which makes the
        transform unitary; the others leave it as it is.

    Returns
    -------
    TensorVariable
        Of shape ``(m, ..., n // 2 + 1, 2)``: the frequencies of the last axis that are not
        negative, and for each its real and imaginary part.

    Raises
    ------
    TypeError
        If the input is complex or has fewer than two dimensions.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> from pytensor.tensor.fft import rfft
    >>> rfft(pt.constant([[1.0, 2.0, 3.0, 4.0]])).eval()[0, :, 0]
    array([10., -2., -2.])
    """
    _checked_norm(norm)
    inp = as_tensor_variable(inp)
    y = rfft_op(inp)
    if norm != "ortho":
        return y
    return y / _real(sqrt(prod(y.owner.inputs[1], dtype="int64")), y)


def _real(value, like):
    return cast(value, like.type.dtype)


def irfft(inp, norm=None, is_odd=False):
    """Inverse of `rfft`.

    Parameters
    ----------
    inp
        Of shape ``(m, ..., n // 2 + 1, 2)``, as `rfft` returns it.
    norm : {None, "ortho", "no_norm"}
        None divides by the number of elements, ``"ortho"`` by its square root, ``"no_norm"``
        by nothing.
    is_odd : bool
        Whether `n` is odd, which its half does not tell.

    Returns
    -------
    TensorVariable
        Of shape ``(m, ..., n)``.

    Raises
    ------
    TypeError
        If the input has fewer than three dimensions.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> from pytensor.tensor.fft import irfft, rfft
    >>> irfft(rfft(pt.constant([[1.0, 2.0, 4.0]])), is_odd=True).eval()
    array([[1., 2., 4.]])
    """
    _checked_norm(norm)
    if is_odd not in (True, False):
        raise ValueError(f"[irfft] is_odd must be a bool, got {is_odd!r}")
    inp = as_tensor_variable(inp)
    if inp.type.ndim < 3:
        irfft_op.make_node(inp)  # raises
    s = IRFFTOp._own_lengths(inp)
    if is_odd:
        s = set_subtensor(s[-1], s[-1] + 1)
    if hasattr(inp.type, "shape") and None not in inp.type.shape[1:-1]:
        sizes = [*inp.type.shape[1:-2], (inp.type.shape[-2] - 1) * 2 + int(is_odd)]
        s = as_tensor_variable(np.array(sizes, dtype="int64"))
    y = irfft_op(inp, s)
    if norm == "no_norm":
        return y
    n = prod(s, dtype="int64")
    return y / _real(sqrt(n) if norm == "ortho" else n, y)
