"""Special functions of arrays: softmax and its kin, factorials, entropies."""

from functools import reduce

import numpy as np

from pytensor.configdefaults import config
from pytensor.graph.basic import Apply
from pytensor.graph.null_type import DisconnectedType, disconnected_type
from pytensor.graph.op import Op
from pytensor.graph.replace import _vectorize_node
from pytensor.tensor.basic import as_tensor_variable
from pytensor.tensor.extra_ops import squeeze
from pytensor.tensor.math import (
    eq,
    exp,
    gamma,
    gammaln,
    isinf,
    log,
    log1p,
    switch,
    true_div,
)
from pytensor.tensor.math import max as pt_max
from pytensor.tensor.math import maximum as pt_maximum
from pytensor.tensor.math import sum as pt_sum
from pytensor.tensor.type import float_dtypes
from pytensor.tensor.utils import normalize_reduce_axis

__all__ = [
    "beta",
    "betaln",
    "factorial",
    "log_softmax",
    "logaddexp",
    "logit",
    "logsumexp",
    "poch",
    "softmax",
    "xlog1py",
    "xlogy",
]


class _SoftmaxBase(Op):
    """An Op on whole lines along `axis`: None for all axes, or a tuple of them."""

    __props__ = ("axis",)

    def __init__(self, *, axis):
        if axis is not None:
            axis = tuple(int(a) for a in ((axis,) if isinstance(axis, int | np.integer) else axis))
        self.axis = axis

    def make_node(self, x):
        x = as_tensor_variable(x)
        if x.type.dtype not in float_dtypes:
            x = x.astype(config.floatX if x.type.dtype != "int64" else "float64")
        normalize_reduce_axis(self.axis, x.type.ndim)
        return Apply(self, [x], [x.type()])

    def infer_shape(self, fgraph, node, input_shapes):
        return [input_shapes[0]]

    def _top(self, x):
        """Return the largest element of each line."""
        return np.max(x, axis=self.axis, keepdims=True) if x.size else np.zeros((), x.dtype)


class Softmax(_SoftmaxBase):
    """``exp(x) / sum(exp(x))``."""

    def perform(self, node, inputs, output_storage):
        (x,) = inputs
        with np.errstate(over="ignore", invalid="ignore"):
            e = np.exp(x - self._top(x))
            e /= e.sum(axis=self.axis, keepdims=True)
        output_storage[0][0] = np.asarray(e, dtype=x.dtype)

    def pullback(self, inputs, outputs, cotangents):
        (g,), (sm,) = cotangents, outputs
        if isinstance(g.type, DisconnectedType):
            return [disconnected_type()]
        weighted = g * sm
        return [weighted - pt_sum(weighted, axis=self.axis, keepdims=True) * sm]

    def pushforward(self, inputs, outputs, tangents):
        # The Jacobian is symmetric
        return self.pullback(inputs, outputs, tangents)


class LogSoftmax(_SoftmaxBase):
    """``x - log(sum(exp(x)))``."""

    def perform(self, node, inputs, output_storage):
        (x,) = inputs
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            top = self._top(x)
            # As in SciPy: beside +inf a finite number is -inf, not NaN.
            shifted = x - np.where(np.isfinite(top), top, 0).astype(x.dtype)
            result = shifted - np.log(np.exp(shifted).sum(axis=self.axis, keepdims=True))
        output_storage[0][0] = np.asarray(result, dtype=x.dtype)

    def pullback(self, inputs, outputs, cotangents):
        (x,), (g,) = inputs, cotangents
        if isinstance(g.type, DisconnectedType):
            return [disconnected_type()]
        return [g - pt_sum(g, axis=self.axis, keepdims=True) * Softmax(axis=self.axis)(x)]

    def pushforward(self, inputs, outputs, tangents):
        (x,), (dx,) = inputs, tangents
        if isinstance(dx.type, DisconnectedType):
            return [disconnected_type()]
        return [dx - pt_sum(Softmax(axis=self.axis)(x) * dx, axis=self.axis, keepdims=True)]


@_vectorize_node.register(_SoftmaxBase)
def vectorize_softmax_node(op, node, batched_x):
    """Count the axes from the left of the core dimensions."""
    core_ndim = node.inputs[0].type.ndim
    batch_ndim = batched_x.type.ndim - core_ndim
    if batch_ndim == 0:
        return op.make_node(batched_x)
    axes = normalize_reduce_axis(op.axis, core_ndim, normalize_none=True)
    return type(op)(axis=tuple(a + batch_ndim for a in axes)).make_node(batched_x)


def softmax(c, axis=None):
    """Return ``exp(c) / sum(exp(c))``, without overflow.

    Parameters
    ----------
    c
        Input array.
    axis
        Axis or axes of the sum; all of them when None.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> from pytensor.tensor.special import softmax
    >>> softmax(pt.zeros(4)).eval().tolist()
    [0.25, 0.25, 0.25, 0.25]
    """
    c = as_tensor_variable(c)
    return Softmax(axis=normalize_reduce_axis(axis, c.type.ndim, normalize_none=True))(c)


def log_softmax(c, axis=None):
    """Return the logarithm of `softmax`, without underflow: ``y_i = x_i - log Σ_j exp(x_j)``.

    Parameters are those of `softmax`.

    Examples
    --------
    >>> log_softmax([0.0, 1000.0]).eval().tolist()
    [-1000.0, 0.0]
    """
    c = as_tensor_variable(c)
    return LogSoftmax(axis=normalize_reduce_axis(axis, c.type.ndim, normalize_none=True))(c)


def logsumexp(x, axis=None, keepdims=False):
    """Return ``log(sum(exp(x)))``, without overflow.

    Parameters
    ----------
    x
        Input array.
    axis
        Axis or axes of the sum; all of them when None.
    keepdims
        Whether summed axes stay as axes of length 1.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> float(pt.logsumexp([1000.0, 1000.0]).eval()) - 1000 == float(pt.log(2.0).eval())
    False
    """
    x = as_tensor_variable(x)
    top = pt_max(x, axis=axis, keepdims=True)
    top = switch(isinf(top), top.zeros_like(), top)
    result = log(pt_sum(exp(x - top), axis=axis, keepdims=True)) + top
    if keepdims:
        return result
    axes = normalize_reduce_axis(axis, x.type.ndim, normalize_none=True)
    return squeeze(result, axis=axes)


def logaddexp(*xs):
    """Return ``log(exp(x1) + exp(x2) + ...)``, without overflow.

    Parameters
    ----------
    xs
        Arrays that broadcast together.

    Examples
    --------
    >>> pt.logaddexp(1000.0, [1000.0, 0.0]).eval().round(3).tolist()
    [1000.693, 1000.0]
    """
    if not xs:
        raise ValueError("[logaddexp] needs at least one input")
    return reduce(_logaddexp2, [as_tensor_variable(x) for x in xs])


def _logaddexp2(x, y):
    """``top + log1p(exp(-|x - y|))``, with ``-|x - y|`` as ``(x - top) + (y - top)``.

    Written like this the derivative with respect to `top` vanishes at ``x == y``, where the
    maximum has none.
    """
    top = pt_maximum(x, y)
    finite = switch(isinf(top), top.zeros_like(), top)
    return switch(isinf(top), top, finite + log1p(exp((x - finite) + (y - finite))))


def poch(z, m):
    """Return the Pochhammer symbol ``gamma(z + m) / gamma(z)`` (``z (z + 1) ... (z + m - 1)``).

    Examples
    --------
    >>> poch(3.0, 2.0).eval().round(3).item()
    12.0
    """
    return true_div(gamma(as_tensor_variable(z) + m), gamma(z))


def factorial(n):
    """Return ``gamma(n + 1)``: for whole numbers ``1 · 2 · ... · n``, in floats.

    Examples
    --------
    >>> factorial([0.0, 3.0, 5.0]).eval().tolist()
    [1.0, 6.0, 120.0]
    """
    return gamma(as_tensor_variable(n) + 1)


def logit(x):
    """Return ``log(x / (1 - x))``, the inverse of the logistic function; x between 0 and 1.

    Examples
    --------
    >>> logit([0.25, 0.5]).eval().round(3).tolist()
    [-1.099, 0.0]
    """
    x = as_tensor_variable(x)
    return log(true_div(x, 1 - x))


def beta(a, b):
    """Return ``gamma(a) * gamma(b) / gamma(a + b)``, Euler's beta function.

    Examples
    --------
    >>> beta(2.0, [1.0, 3.0]).eval().round(3).tolist()
    [0.5, 0.083]
    """
    a, b = as_tensor_variable(a), as_tensor_variable(b)
    return (gamma(a) * gamma(b)) / gamma(a + b)


def betaln(a, b):
    """Return the logarithm of `beta`, ``gammaln(a) + gammaln(b) - gammaln(a + b)``.

    Examples
    --------
    >>> betaln(2.0, [1.0, 300.0]).eval().round(3).tolist()
    [-0.693, -11.411]
    """
    a, b = as_tensor_variable(a), as_tensor_variable(b)
    return gammaln(a) + gammaln(b) - gammaln(a + b)


def xlogy(x, y):
    """Return ``x * log(y)``, and 0 where x is 0.

    Examples
    --------
    >>> xlogy([0.0, 2.0], [0.0, 1.0]).eval().tolist()
    [0.0, 0.0]
    """
    x, y = as_tensor_variable(x), as_tensor_variable(y)
    is_zero = eq(x, 0)
    # The logarithm is taken of 1 there, so that the gradient is finite as well
    return switch(is_zero, 0.0, x * log(switch(is_zero, 1, y)))


def xlog1py(x, y):
    """Return ``x * log1p(y)``, and 0 where x is 0.

    Examples
    --------
    >>> xlog1py([0.0, 2.0], [-1.0, 0.0]).eval().tolist()
    [0.0, 0.0]
    """
    x, y = as_tensor_variable(x), as_tensor_variable(y)
    is_zero = eq(x, 0)
    return switch(is_zero, 0.0, x * log1p(switch(is_zero, 0, y)))
