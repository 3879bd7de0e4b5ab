"""Arrays made of counting: ranges, identity and triangular matrices, grids."""

from __future__ import annotations

import numpy as np

from pytensor.configdefaults import config
from pytensor.graph.basic import Apply
from pytensor.graph.null_type import disconnected_type, grad_undefined
from pytensor.graph.op import Op
from pytensor.scalar.basic import upcast
from pytensor.tensor._convert import as_tensor_variable, constant
from pytensor.tensor._dimshuffle import dimshuffle
from pytensor.tensor._make_vector import as_length, static_int
from pytensor.tensor._math_ops import (
    _cast_to,
    add,
    ceil,
    ge,
    int_div,
    maximum,
    mul,
    neg,
    neq,
    sub,
    switch,
    true_div,
)
from pytensor.tensor._shape_ops import length, length_constant
from pytensor.tensor.type import complex_dtypes, discrete_dtypes, new_variable
from pytensor.tensor.variable import TensorConstant


class ARange(Op):
    """The numbers from `start`, in steps of `step`, before `stop`."""

    __props__ = ("dtype",)

    def __init__(self, dtype):
        self.dtype = np.dtype(dtype).name

    def make_node(self, start, stop, step):
        inputs = [as_tensor_variable(x) for x in (start, stop, step)]
        for name, x in zip(("start", "stop", "step"), inputs, strict=True):
            if x.type.ndim:
                raise TypeError(f"[ARange] {name} must be 0-d, got {x.type}")
        n = None
        if all(isinstance(x, TensorConstant) for x in inputs):
            n = _range_length(*[x.data[()] for x in inputs])
        return Apply(self, inputs, [new_variable(self.dtype, (n,))])

    def perform(self, node, inputs, output_storage):
        start, stop, step = [x[()] for x in inputs]
        if step == 0:
            raise ZeroDivisionError("[ARange] step must not be 0")
        n = _range_length(start, stop, step)
        # NumPy counts in the inputs' dtype; the result's dtype must not change the length.
        out = np.arange(start, stop, step)[:n]
        output_storage[0][0] = np.asarray(out, dtype=self.dtype)

    def infer_shape(self, fgraph, node, i_shapes):
        static = node.outputs[0].type.shape[0]
        if static is not None:
            return [(length_constant(static),)]
        start, stop, step = node.inputs
        known_start, known_step = _known(start), _known(step)
        if all(x.type.dtype in discrete_dtypes for x in node.inputs):
            start, stop, step = [_cast_to(x, "int64") for x in (start, stop, step)]
            span = stop if known_start == 0 else sub(stop, start)
            # ceil(span / step) in integers.
            n = span if known_step == 1 else neg(int_div(neg(span), step))
            return [(maximum(n, constant(np.int64(0))),)]
        span = _cast_to(stop if known_start == 0 else sub(stop, start), "float64")
        n = ceil(span if known_step == 1 else true_div(span, step))
        return [(maximum(_cast_to(n, "int64"), constant(np.int64(0))),)]

    def connection_pattern(self, node):
        return [[True], [False], [True]]

    def pullback(self, inputs, outputs, cotangents):
        start, _stop, step = inputs
        [gz] = cotangents
        if self.dtype in discrete_dtypes:
            return [
                start.zeros_like(dtype=config.floatX),
                disconnected_type(),
                step.zeros_like(dtype=config.floatX),
            ]
        counts = _cast_to(arange(length(outputs[0], 0), dtype="int64"), gz.type.dtype)
        return [gz.sum(), disconnected_type(), (gz * counts).sum()]

    def pushforward(self, inputs, outputs, tangents):
        return [grad_undefined(self, 0, inputs[0], "the length of a range may change")]

    def __str__(self):
        return f"ARange{{dtype='{self.dtype}'}}"


def _known(x):
    return x.data[()] if isinstance(x, TensorConstant) else None


def _range_length(start, stop, step) -> int | None:
    if step == 0:
        return None
    return len(np.arange(start, stop, step))


def arange(start, stop=None, step=1, dtype=None):
    """Return the numbers from `start` in steps of `step` that come before `stop`.

    ``y_i = start + i step``, ``i = 0, ..., ⌈(stop - start)/step⌉ - 1``

    Parameters
    ----------
    start : scalar
        The first number; if it is the only argument it is `stop`, and the first number is 0.
    stop : scalar, optional
        Not reached.
    step : scalar
        Not 0; negative to count down.
    dtype : optional
        By default that of `numpy.arange`, with ``config.floatX`` for Python floats.

    Returns
    -------
    TensorVariable
        A vector.

    Examples
    --------
    >>> pt.arange(2, 10, 3).eval().tolist()
    [2, 5, 8]
    """
    if stop is None:
        start, stop = 0, start
    start, stop, step = [as_tensor_variable(x) for x in (start, stop, step)]
    for name, x in zip(("start", "stop", "step"), (start, stop, step), strict=True):
        if x.type.ndim:
            raise TypeError(f"[arange] {name} must be 0-d, got {x.type}")
        if x.type.dtype in complex_dtypes:
            raise TypeError(f"[arange] {name} must be real, got {x.type}")
    if dtype is None:
        dtype = upcast(start.type.dtype, stop.type.dtype, step.type.dtype)
        if dtype in discrete_dtypes:
            dtype = "uint64" if dtype == "uint64" else "int64"
        elif all(isinstance(x, TensorConstant) for x in (start, stop, step)):
            # Constants say nothing about precision.
            dtype = upcast(dtype, config.floatX) if config.floatX == "float64" else dtype
    return ARange(np.dtype(dtype).name)(start, stop, step)


class _nd_grid:
    """Index with slices to get coordinates, as `numpy.mgrid` and `numpy.ogrid`."""

    def __init__(self, sparse=False):
        self.sparse = sparse

    def __getitem__(self, slices):
        slices = slices if isinstance(slices, tuple) else (slices,)
        ranges = []
        for i, sl in enumerate(slices):
            if not isinstance(sl, slice) or sl.stop is None:
                raise ValueError(f"[mgrid] a grid needs slices with a stop, got {sl!r}")
            if isinstance(sl.step, complex):
                raise NotImplementedError(
                    "[mgrid] steps of complex numbers are not supported; use linspace"
                )
            steps = arange(sl.start or 0, sl.stop, 1 if sl.step is None else sl.step)
            order = ["x"] * len(slices)
            order[i] = 0
            ranges.append(dimshuffle(steps, order))
        if self.sparse or len(ranges) == 1:
            return ranges
        dtype = upcast(*[r.type.dtype for r in ranges])
        ones = [_cast_to(r.ones_like(), dtype) for r in ranges]
        return [
            mul(*[r if j == i else one for j, one in enumerate(ones)]) for i, r in enumerate(ranges)
        ]


mgrid = _nd_grid()
ogrid = _nd_grid(sparse=True)


class Eye(Op):
    """A matrix with ones on the `k`-th diagonal and zeros elsewhere."""

    __props__ = ("dtype",)

    def __init__(self, dtype=None):
        self.dtype = np.dtype(config.floatX if dtype is None else dtype).name

    def make_node(self, n, m, k):
        inputs = [as_length(x) for x in (n, m, k)]
        shape = tuple([static_int(x) for x in inputs[:2]])
        if any(s is not None and s < 0 for s in shape):
            raise ValueError(f"[Eye] n and m must not be negative, got {shape}")
        return Apply(self, inputs, [new_variable(self.dtype, shape)])

    def perform(self, node, inputs, output_storage):
        n, m, k = [int(x) for x in inputs]
        output_storage[0][0] = np.eye(n, m, k, dtype=self.dtype)

    def infer_shape(self, fgraph, node, in_shapes):
        return [tuple(node.inputs[:2])]

    def connection_pattern(self, node):
        return [[False]] * 3

    def pullback(self, inputs, outputs, cotangents):
        return [disconnected_type() for _ in inputs]

    def pushforward(self, inputs, outputs, tangents):
        return [disconnected_type()]

    def __str__(self):
        return f"Eye{{dtype='{self.dtype}'}}"


def eye(n, m=None, k=0, dtype=None):
    """Return a matrix of `n` rows and `m` (default `n`) columns, ones on the `k`-th diagonal.

    Parameters
    ----------
    n, m, k : integer scalar
        `k` > 0 is above the main diagonal.
    dtype : optional
        Default ``config.floatX``.

    Examples
    --------
    >>> pt.eye(2, 3, k=1).eval().tolist()
    [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    """
    return Eye(config.floatX if dtype is None else dtype)(n, n if m is None else m, k)


def identity_like(x, dtype=None):
    """Return a matrix with the shape of `x` and ones on its diagonal.

    Parameters
    ----------
    x : tensor_like
        A matrix.
    dtype : optional
        Default that of `x`.

    Examples
    --------
    >>> pt.identity_like(np.zeros((2, 3))).eval().tolist()
    [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
    """
    x = as_tensor_variable(x)
    dtype = x.type.dtype if dtype is None else dtype
    return eye(length(x, 0), length(x, 1), k=0, dtype=dtype)


def _lower_mask(n, m, k):
    """Whether an element is on or below the `k`-th diagonal."""
    rows, cols = dimshuffle(arange(n), (0, "x")), dimshuffle(arange(m), ("x", 0))
    k = as_tensor_variable(k)
    if static_int(k) != 0:
        rows = add(rows, k)
    return ge(rows, cols)


def tri(N, M=None, k=0, dtype=None):
    """Return a matrix with ones on and below the `k`-th diagonal, zeros above.

    Parameters
    ----------
    N, M, k : integer scalar
        Rows, columns (as many by default), and the diagonal.
    dtype : optional
        Default ``config.floatX``.

    Examples
    --------
    >>> pt.tri(2, 3).eval().tolist()
    [[1.0, 0.0, 0.0], [1.0, 1.0, 0.0]]
    """
    dtype = np.dtype(config.floatX if dtype is None else dtype).name
    return _cast_to(_lower_mask(N, N if M is None else M, k), dtype)


def tril(m, k=0):
    """Return `m` with zeros above the `k`-th diagonal of its last two axes.

    Parameters
    ----------
    m : tensor_like
        A matrix, or an array of them: shape (..., r, c).
    k : integer scalar
        0 is the main diagonal, positive numbers are above.

    Raises
    ------
    ValueError
        If `m` has fewer than two axes.

    Examples
    --------
    >>> pt.tril([[1, 2], [3, 4]]).eval().tolist()
    [[1, 0], [3, 4]]
    """
    m = _at_least_matrix(m, "tril")
    mask = _lower_mask(length(m, -2), length(m, -1), k)
    return switch(mask, m, constant(0, dtype=m.type.dtype))


def triu(m, k=0):
    """Return `m` with zeros below the `k`-th diagonal of its last two axes; see `tril`.

    Examples
    --------
    >>> pt.triu([[1, 2], [3, 4]]).eval().tolist()
    [[1, 2], [0, 4]]
    """
    m = _at_least_matrix(m, "triu")
    below = _lower_mask(length(m, -2), length(m, -1), sub(k, 1))
    return switch(below, constant(0, dtype=m.type.dtype), m)


def _at_least_matrix(m, name):
    m = as_tensor_variable(m)
    if m.type.ndim < 2:
        raise ValueError(f"[{name}] m must have at least two axes, got {m.type}")
    return m


def tril_indices(n, k=0, m=None):
    """Return the row and column indices of the lower triangle of an ``(n, m)`` matrix.

    Two int64 vectors, for elements on and below the `k`-th diagonal; `m` is `n` by default.

    Examples
    --------
    >>> rows, columns = pt.tril_indices(2)
    >>> rows.eval().tolist(), columns.eval().tolist()
    ([0, 1, 1], [0, 0, 1])
    """
    return tri(n, m, k, dtype="bool").nonzero()


def tril_indices_from(a, k=0):
    """Return the row and column indices of the lower triangle of `a`, as `tril_indices`.

    Examples
    --------
    >>> a = pt.matrix("a")
    >>> a[pt.tril_indices_from(a)].eval({a: [[1.0, 2.0], [3.0, 4.0]]}).tolist()
    [1.0, 3.0, 4.0]
    """
    a = as_tensor_variable(a)
    if a.type.ndim != 2:
        raise ValueError("The input array must be two dimensional.")
    return tril_indices(length(a, -2), k=k, m=length(a, -1))


def triu_indices(n, k=0, m=None):
    """Return the row and column indices of the upper triangle of an ``(n, m)`` matrix.

    Two int64 vectors, for elements on and above the `k`-th diagonal; `m` is `n` by default.

    Examples
    --------
    >>> rows, columns = pt.triu_indices(2)
    >>> rows.eval().tolist(), columns.eval().tolist()
    ([0, 0, 1], [0, 1, 1])
    """
    lower = tri(n, m, sub(k, 1), dtype="bool")
    return neq(lower, constant(np.array(True))).nonzero()


def triu_indices_from(a, k=0):
    """Return the row and column indices of the upper triangle of `a`, as `triu_indices`.

    Examples
    --------
    >>> a = pt.matrix("a")
    >>> a[pt.triu_indices_from(a)].eval({a: [[1.0, 2.0], [3.0, 4.0]]}).tolist()
    [1.0, 2.0, 4.0]
    """
    a = as_tensor_variable(a)
    if a.type.ndim != 2:
        raise ValueError("The input array must be two dimensional.")
    return triu_indices(length(a, -2), k=k, m=length(a, -1))


__all__ = [
    "ARange",
    "Eye",
    "_nd_grid",
    "arange",
    "eye",
    "identity_like",
    "mgrid",
    "ogrid",
    "tri",
    "tril",
    "tril_indices",
    "tril_indices_from",
    "triu",
    "triu_indices",
    "triu_indices_from",
]
