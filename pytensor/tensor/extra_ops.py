"""Array functions beyond the basics: cumulative sums, repetition, counting, squeezing.

Ops about positions are in `_extra_index`, ranges of numbers in `_extra_ranges`, broadcasting in
`_extra_broadcast`; all of their names are importable from here.
"""

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from pytensor.graph.basic import Apply, Constant, Variable
from pytensor.graph.null_type import DisconnectedType, disconnected_type
from pytensor.graph.op import Op
from pytensor.graph.replace import _vectorize_node
from pytensor.raise_op import Assert
from pytensor.tensor._extra_broadcast import (  # noqa: F401
    broadcast_arrays,
    broadcast_shape,
    broadcast_shape_iter,
    broadcast_to,
    concat_with_broadcast,
)
from pytensor.tensor._extra_index import (  # noqa: F401
    FillDiagonal,
    FillDiagonalOffset,
    RavelMultiIndex,
    SearchsortedOp,
    Unique,
    UnravelIndex,
    fill_diagonal,
    fill_diagonal_,
    fill_diagonal_offset,
    fill_diagonal_offset_,
    ravel_multi_index,
    searchsorted,
    to_one_hot,
    unique,
    unravel_index,
)
from pytensor.tensor._extra_ranges import (  # noqa: F401
    Bartlett,
    bartlett,
    bartlett_,
    geomspace,
    linspace,
    logspace,
)
from pytensor.tensor.basic import (
    alloc,
    as_tensor_variable,
    cast,
    constant,
    flatnonzero,
    join,
    zeros,
)
from pytensor.tensor.elemwise import DimShuffle
from pytensor.tensor.math import all as pt_all
from pytensor.tensor.math import eq, ge, maximum, neq, switch
from pytensor.tensor.math import max as pt_max
from pytensor.tensor.math import sum as pt_sum
from pytensor.tensor.subtensor import advanced_inc_subtensor1, flip
from pytensor.tensor.type import integer_dtypes, tensor

__all__ = [
    "bartlett",
    "bincount",
    "broadcast_arrays",
    "broadcast_shape",
    "broadcast_to",
    "compress",
    "concat_with_broadcast",
    "cumprod",
    "cumsum",
    "diff",
    "fill_diagonal",
    "fill_diagonal_offset",
    "geomspace",
    "linspace",
    "logspace",
    "ravel_multi_index",
    "repeat",
    "searchsorted",
    "squeeze",
    "unique",
    "unravel_index",
]


class CumOp(Op):
    """Cumulative sum or product along an axis, in the dtype of the input.

    Parameters
    ----------
    axis
        Non-negative axis.
    mode
        ``"add"`` or ``"mul"``.
    """

    __props__ = ("axis", "mode")

    def __init__(self, axis: int, mode="add"):
        if mode not in ("add", "mul"):
            raise ValueError(f'{type(self).__name__}: Unknown mode "{mode}"')
        if not isinstance(axis, int | np.integer) or isinstance(axis, bool):
            raise TypeError(f"[CumOp] axis must be an integer, got {axis!r}")
        self.axis = int(axis)
        self.mode = mode

    def __str__(self):
        return f"Cum{'sum' if self.mode == 'add' else 'prod'}{{axis={self.axis}}}"

    def make_node(self, x):
        x = as_tensor_variable(x)
        normalize_axis_index(self.axis, x.type.ndim)
        return Apply(self, [x], [x.type()])

    def infer_shape(self, fgraph, node, input_shapes):
        return [input_shapes[0]]

    def perform(self, node, inputs, output_storage):
        (x,) = inputs
        accumulate = np.cumsum if self.mode == "add" else np.cumprod
        output_storage[0][0] = accumulate(x, axis=self.axis, dtype=node.outputs[0].type.dtype)

    def pullback(self, inputs, outputs, cotangents):
        (x,), (g,) = inputs, cotangents
        if isinstance(g.type, DisconnectedType):
            return [disconnected_type()]
        axis = normalize_axis_index(self.axis, x.type.ndim)
        if self.mode == "add":
            return [_reverse_cumsum(g, axis)]
        fx = cumprod(x, axis=axis)
        return [_cumprod_pullback(x, g, fx, axis)]

    def pushforward(self, inputs, outputs, tangents):
        (x,), (dx,) = inputs, tangents
        if isinstance(dx.type, DisconnectedType):
            return [disconnected_type()]
        if self.mode == "add":
            return [self(dx)]
        # d prod_k x_k / d x_i is the product of all the others
        return [outputs[0] * cumsum(dx / x, axis=self.axis)]


def _reverse_cumsum(g, axis: int):
    return flip(cumsum(flip(g, axis), axis=axis), axis)


def _cumprod_pullback(x, g, fx, axis: int):
    """Gradient of a cumulative product, also where there is a zero among the factors.

    Behind the first zero of a line all products vanish, and their derivatives with respect to
    other factors do too. Only the derivative with respect to that first zero remains: products
    in which it is left out, which are those of the line with the zero replaced by 1.
    """
    is_zero = eq(x, 0)
    zeros_so_far = cumsum(cast(is_zero, "int64"), axis=axis)
    first_zero = is_zero & eq(zeros_so_far, 1)
    safe_x = switch(is_zero, 1, x)
    regular = _reverse_cumsum(g * fx, axis) / safe_x
    without_first = cumprod(switch(first_zero, 1, x), axis=axis)
    after = cast(ge(zeros_so_far, 1), without_first.type.dtype)
    at_zero = pt_sum(g * without_first * after, axis=axis, keepdims=True)
    return switch(is_zero, switch(first_zero, at_zero, 0), regular).astype(g.type.dtype)


def _cumulate(x, axis, mode: str):
    x = as_tensor_variable(x)
    if axis is None:
        x = x if x.type.ndim == 1 else x.flatten()
        axis = 0
    return CumOp(axis=normalize_axis_index(axis, x.type.ndim), mode=mode)(x)


def cumsum(x, axis=None):
    """Return the cumulative sum of the elements along an axis, as `numpy.cumsum`.

    Parameters
    ----------
    x
        Input array.
    axis
        Axis along which to sum; the flattened array is used when None.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> pt.cumsum([1, 2, 3]).eval().tolist()
    [1, 3, 6]
    """
    return _cumulate(x, axis, "add")


def cumprod(x, axis=None):
    """Return the cumulative product of the elements along an axis, as `numpy.cumprod`.

    Parameters are those of `cumsum`.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> pt.cumprod([1, 2, 3]).eval().tolist()
    [1, 2, 6]
    """
    return _cumulate(x, axis, "mul")


@_vectorize_node.register(CumOp)
def vectorize_cum_op(op: CumOp, node: Apply, batch_x):
    """Count the axis from the left of the core dimensions."""
    core_ndim = node.inputs[0].type.ndim
    axis = normalize_axis_index(op.axis, core_ndim) + batch_x.type.ndim - core_ndim
    return CumOp(axis=axis, mode=op.mode).make_node(batch_x)


def diff(x, n=1, axis=-1):
    """Return the n-th discrete difference along an axis, as `numpy.diff`.

    Parameters
    ----------
    x
        Input array.
    n
        How many times to take differences.
    axis
        Axis of the differences.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> pt.diff([1, 4, 9]).eval().tolist()
    [3, 5]
    """
    if n < 0:
        raise ValueError(f"[diff] n must be non-negative, got {n}")
    x = as_tensor_variable(x)
    if x.type.ndim == 0:
        raise ValueError("[diff] input must have at least one dimension")
    axis = normalize_axis_index(axis, x.type.ndim)
    whole = (slice(None),) * axis
    for _ in range(n):
        upper, lower = x[(*whole, slice(1, None))], x[(*whole, slice(None, -1))]
        x = neq(upper, lower) if x.type.dtype == "bool" else upper - lower
    return x


class Repeat(Op):
    """Repeat each element along an axis by its own count."""

    __props__ = ("axis",)

    def __init__(self, axis: int):
        if not isinstance(axis, int) or axis < 0:
            raise ValueError(f"Repeat only accepts positive integer axis, got {axis}")
        self.axis = axis

    def make_node(self, x, repeats):
        x = as_tensor_variable(x)
        repeats = as_tensor_variable(
            repeats, dtype=None if isinstance(repeats, Variable) else "int64"
        )
        if repeats.type.dtype not in integer_dtypes:
            raise TypeError(f"repeats must be an integer, got dtype {repeats.type.dtype}")
        if repeats.type.ndim != 1:
            raise ValueError(f"repeats must be a vector, got {repeats.type}")
        if self.axis >= x.type.ndim:
            raise ValueError(f"[Repeat] axis must be less than {x.type.ndim}, got {self.axis}")
        shape = list(x.type.shape)
        shape[self.axis] = int(repeats.data.sum()) if isinstance(repeats, Constant) else None
        return Apply(self, [x, repeats], [tensor(dtype=x.type.dtype, shape=shape)])

    def perform(self, node, inputs, output_storage):
        x, repeats = inputs
        output_storage[0][0] = np.repeat(x, repeats, axis=self.axis)

    def infer_shape(self, fgraph, node, input_shapes):
        shape = list(input_shapes[0])
        shape[self.axis] = pt_sum(node.inputs[1], dtype="int64")
        return [tuple(shape)]

    def pullback(self, inputs, outputs, cotangents):
        _x, repeats = inputs
        (g,) = cotangents
        if isinstance(g.type, DisconnectedType):
            return [disconnected_type(), disconnected_type()]
        # Each element gets the sum over its own stretch of g: differences of cumulative sums
        axis = self.axis
        rest = [g.shape[d] for d in range(g.type.ndim) if d != axis]
        zero = zeros((*rest[:axis], 1, *rest[axis:]), dtype=g.type.dtype)
        total = join(axis, zero, cumsum(g, axis=axis))
        ends = cumsum(repeats)
        whole = (slice(None),) * axis
        return [total[(*whole, ends)] - total[(*whole, ends - repeats)], disconnected_type()]

    def pushforward(self, inputs, outputs, tangents):
        if isinstance(tangents[0].type, DisconnectedType):
            return [disconnected_type()]
        return [self(tangents[0], inputs[1])]

    def connection_pattern(self, node):
        return [[True], [False]]


def repeat(a, repeats, axis: int | None = None):
    """Repeat the elements of an array, as `numpy.repeat`.

    Parameters
    ----------
    a
        Input array.
    repeats
        How often: one number for all elements, or one for each along the axis.
    axis
        Axis along which to repeat; the array is flattened when None.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> pt.repeat([1, 2], 2).eval().tolist()
    [1, 1, 2, 2]
    """
    a = as_tensor_variable(a)
    if axis is None:
        a, axis = (a if a.type.ndim == 1 else a.flatten()), 0
    else:
        axis = normalize_axis_index(axis, a.type.ndim)
    if not isinstance(repeats, Variable) and not np.size(repeats):
        repeats = np.asarray(repeats, dtype="int64")
    repeats = as_tensor_variable(repeats)
    if repeats.type.dtype not in integer_dtypes and repeats.type.dtype != "bool":
        raise TypeError(f"[repeat] repeats must be integers, got dtype {repeats.type.dtype}")
    if isinstance(repeats, Constant) or repeats.type.dtype == "bool":
        repeats = cast(repeats, "int64")
    if repeats.type.ndim > 1:
        raise ValueError("The dimension of repeats should not exceed 1.")
    if repeats.type.ndim == 1 and repeats.type.shape[0] != 1:
        return Repeat(axis=axis)(a, repeats)
    if repeats.type.ndim == 1:
        repeats = repeats[0]
    lengths = [a.shape[d] if n is None else n for d, n in enumerate(a.type.shape)]
    expanded = DimShuffle(
        input_ndim=a.type.ndim,
        new_order=(*range(axis + 1), "x", *range(axis + 1, a.type.ndim)),
    )(a)
    filled = alloc(expanded, *lengths[: axis + 1], repeats, *lengths[axis + 1 :])
    shape = [*lengths[:axis], lengths[axis] * repeats, *lengths[axis + 1 :]]
    return filled.reshape(shape, ndim=a.type.ndim)


def bincount(x, weights=None, minlength=None, assert_nonneg=False):
    """Count how often each non-negative integer occurs, as `numpy.bincount`.

    Parameters
    ----------
    x
        Vector of non-negative integers.
    weights
        What each occurrence adds; 1 when None.
    minlength
        Smallest length of the result.
    assert_nonneg
        Check at run time that there are no negative integers.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> pt.bincount([0, 2, 2]).eval().tolist()
    [1, 0, 2]
    """
    x = as_tensor_variable(x)
    if x.type.ndim != 1:
        raise TypeError("Inputs must be of dimension 1.")
    if x.type.dtype not in integer_dtypes:
        raise TypeError(f"[bincount] x must be integers, got {x.type}")
    if assert_nonneg:
        x = Assert("Input to bincount has negative values!")(x, pt_all(ge(x, 0)))
    length = _one_more_than_the_largest(x)
    if minlength is not None:
        length = maximum(length, minlength)
    if weights is None:
        return advanced_inc_subtensor1(zeros([length], dtype="int64"), np.int64(1), x)
    weights = as_tensor_variable(weights)
    return advanced_inc_subtensor1(zeros([length], dtype=weights.type.dtype), weights, x)


def _one_more_than_the_largest(x):
    """Return the length that the integers of a vector need as positions, 0 if there are none."""
    n = x.type.shape[0]
    if n is not None:
        return cast(pt_max(x), "int64") + 1 if n else constant(0, dtype="int64")
    largest = cast(pt_max(join(0, zeros(1, dtype=x.type.dtype), x)), "int64")
    return switch(eq(x.shape[0], 0), constant(0, dtype="int64"), largest + 1)


def squeeze(x, axis=None):
    """Drop dimensions of length 1.

    Parameters
    ----------
    x
        Input array.
    axis
        Dimensions to drop, which must have length 1 at run time; all that are statically known to
        be of length 1 when None.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> pt.squeeze(pt.ones((1, 3))).type.shape
    (3,)
    """
    x = as_tensor_variable(x)
    ndim = x.type.ndim
    if axis is None:
        dropped = {d for d, b in enumerate(x.type.broadcastable) if b}
    else:
        axes = tuple(axis) if isinstance(axis, list | tuple) else (axis,)
        # As in NumPy, a scalar has an axis 0 and -1 that can be dropped
        dropped = set(normalize_axis_tuple(axes, max(1, ndim))) if axes else set()
        dropped = dropped if ndim else set()
    if not dropped:
        return x
    order = tuple(d for d in range(ndim) if d not in dropped)
    return DimShuffle(input_ndim=ndim, new_order=order)(x)


def compress(condition, x, axis=None):
    """Return the slices of an array along an axis for which a vector is true.

    Parameters
    ----------
    condition
        Vector; slice k is kept if its element k is not zero.
    x
        Input array.
    axis
        Axis of the slices; the flattened array is used when None.

    Examples
    --------
    >>> pt.compress([True, False], [[1, 2], [3, 4]], axis=1).eval().tolist()
    [[1], [3]]
    """
    positions = flatnonzero(as_tensor_variable(condition))
    x = as_tensor_variable(x)
    return x.take(positions, axis=axis)


class CpuContiguous(Op):
    """Return the input, copied if it is not C-contiguous."""

    __props__ = ()
    view_map = {0: [0]}

    def make_node(self, x):
        x = as_tensor_variable(x)
        return Apply(self, [x], [x.type()])

    def perform(self, node, inputs, output_storage):
        output_storage[0][0] = np.ascontiguousarray(inputs[0]).reshape(inputs[0].shape)

    def pullback(self, inputs, outputs, cotangents):
        return [cotangents[0]]

    def pushforward(self, inputs, outputs, tangents):
        return [tangents[0]]

    def infer_shape(self, fgraph, node, input_shapes):
        return [input_shapes[0]]


cpu_contiguous = CpuContiguous()
