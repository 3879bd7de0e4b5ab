"""Choosing elements: by condition, by position, by permutation."""

from __future__ import annotations

import numpy as np

from pytensor.graph.basic import Apply
from pytensor.graph.null_type import DisconnectedType, disconnected_type
from pytensor.graph.op import Op
from pytensor.graph.replace import _vectorize_node, _vectorize_not_needed
from pytensor.scalar.basic import upcast
from pytensor.tensor._alloc import zeros_like
from pytensor.tensor._axes import flatten
from pytensor.tensor._convert import as_tensor_variable
from pytensor.tensor._dimshuffle import dimshuffle, pad_left
from pytensor.tensor._joining import stack
from pytensor.tensor._math_ops import _cast_to, add, eq, second, switch
from pytensor.tensor._ranges import arange
from pytensor.tensor._shape_ops import length, length_constant
from pytensor.tensor.type import (
    discrete_dtypes,
    int_dtypes,
    integer_dtypes,
    new_variable,
)
from pytensor.tensor.utils import broadcast_static_dim_lengths


class Nonzero(Op):
    """The positions of the elements that are not zero: one index vector for each axis."""

    __props__ = ()

    def make_node(self, a):
        a = as_tensor_variable(a)
        if a.type.ndim == 0:
            raise ValueError("Nonzero only supports non-scalar arrays.")
        return Apply(self, [a], [new_variable("int64", (None,)) for _ in range(a.type.ndim)])

    def perform(self, node, inputs, output_storage):
        for storage, positions in zip(output_storage, np.nonzero(inputs[0]), strict=True):
            storage[0] = positions.astype("int64", copy=False)

    def connection_pattern(self, node):
        return [[False] * len(node.outputs)]

    def pullback(self, inputs, outputs, cotangents):
        return [disconnected_type()]

    def pushforward(self, inputs, outputs, tangents):
        return [disconnected_type() for _ in outputs]


_nonzero = Nonzero()


def nonzero(a, return_matrix=False):
    """Return the positions of the nonzero elements of `a`.

    Parameters
    ----------
    a : tensor_like
        With at least one axis.
    return_matrix : bool
        One matrix, the positions of an axis in a row, in place of a tuple of vectors.

    Returns
    -------
    tuple or TensorVariable
        int64.

    Examples
    --------
    >>> rows, columns = pt.nonzero([[0, 5], [7, 0]])
    >>> rows.eval().tolist(), columns.eval().tolist()
    ([0, 1], [1, 0])
    """
    positions = _nonzero(a, return_list=True)
    return stack(positions, 0) if return_matrix else tuple(positions)


def flatnonzero(a):
    """Return the positions of the nonzero elements of the flattened `a`, an int64 vector.

    Examples
    --------
    >>> pt.flatnonzero([[0, 5], [7, 0]]).eval().tolist()
    [1, 2]
    """
    a = as_tensor_variable(a)
    if a.type.ndim == 0:
        raise ValueError("Nonzero only supports non-scalar arrays.")
    return nonzero(flatten(a), return_matrix=False)[0]


def nonzero_values(a):
    """Return the nonzero elements of `a` in a vector.

    Examples
    --------
    >>> pt.nonzero_values([[0, 5], [7, 0]]).eval().tolist()
    [5, 7]
    """
    flat = flatten(as_tensor_variable(a))
    return flat[flatnonzero(flat)]


def where(cond, ift=None, iff=None, **kwargs):
    """Return `ift` where `cond` is true and `iff` elsewhere; the positions if neither is given.

    Parameters
    ----------
    cond : tensor_like
    ift, iff : tensor_like, optional
        They broadcast with `cond`; both are computed.

    Returns
    -------
    TensorVariable
        As `switch`; or as `nonzero`.

    Raises
    ------
    ValueError
        If only one of the two is given.

    Examples
    --------
    >>> pt.where([True, False], [1, 2], 0).eval().tolist()
    [1, 0]
    """
    if ift is not None and iff is not None:
        return switch(cond, ift, iff, **kwargs)
    if ift is None and iff is None:
        return as_tensor_variable(cond).nonzero(**kwargs)
    raise ValueError("either both or neither of ift and iff should be given")


class PermuteRowElements(Op):
    """Permute the elements of each row (the last axis) by a row of indices.

    With `inverse`, element ``j`` moves to position ``perm[j]`` instead of coming from there. Other
    axes broadcast.
    """

    __props__ = ("inverse",)

    def __init__(self, inverse: bool):
        self.inverse = inverse

    def make_node(self, x, y):
        x, y = as_tensor_variable(x), as_tensor_variable(y)
        if y.type.dtype not in integer_dtypes:
            raise TypeError(f"[PermuteRowElements] y must be integers, got {y.type}")
        if not x.type.ndim or not y.type.ndim:
            raise TypeError(f"[PermuteRowElements] x and y must have rows, got {x.type}, {y.type}")
        ndim = max(x.type.ndim, y.type.ndim)
        x, y = pad_left(x, ndim), pad_left(y, ndim)
        try:
            shape = [broadcast_static_dim_lengths(n) for n in zip(x.type.shape, y.type.shape)]
        except ValueError:
            raise ValueError(
                f"[PermuteRowElements] x and y must broadcast, got {x.type} and {y.type}"
            ) from None
        return Apply(self, [x, y], [new_variable(x.type.dtype, tuple(shape))])

    def perform(self, node, inputs, output_storage):
        x, y = np.broadcast_arrays(*inputs)
        if self.inverse:
            out = np.empty(x.shape, dtype=x.dtype)
            np.put_along_axis(out, y, x, axis=-1)
        else:
            out = np.take_along_axis(x, y, axis=-1)
        output_storage[0][0] = out

    def infer_shape(self, fgraph, node, in_shapes):
        x, _y = node.inputs
        out = node.outputs[0].type.shape
        return [
            tuple(
                length_constant(s)
                if s is not None
                else (in_shapes[0][i] if x.type.shape[i] != 1 else in_shapes[1][i])
                for i, s in enumerate(out)
            )
        ]

    def connection_pattern(self, node):
        return [[True], [False]]

    def pullback(self, inputs, outputs, cotangents):
        x, y = inputs
        [gz] = cotangents
        if isinstance(gz.type, DisconnectedType):
            return [disconnected_type(), disconnected_type()]
        gx = permute_row_elements(gz, y, inverse=not self.inverse)
        repeated = tuple(
            i
            for i, (have, want) in enumerate(zip(x.type.shape, gz.type.shape, strict=True))
            if have == 1 and want != 1
        )
        if repeated:
            gx = gx.sum(axis=repeated, keepdims=True)
        return [gx, disconnected_type()]

    def pushforward(self, inputs, outputs, tangents):
        if isinstance(tangents[0].type, DisconnectedType):
            return [disconnected_type()]
        return [self(tangents[0], inputs[1])]


# Other axes than the last one broadcast anyway.
_vectorize_node.register(PermuteRowElements, _vectorize_not_needed)


def permute_row_elements(x, y, inverse=False):
    """Permute the elements of each row of `x` by the rows of indices `y`.

    ``z[..., j] = x[..., y[..., j]]``, or with `inverse` ``z[..., y[..., j]] = x[..., j]``. The
    leading axes broadcast.

    Raises
    ------
    TypeError
        If `y` does not hold integers.

    Examples
    --------
    >>> pt.permute_row_elements([10, 20, 30], [2, 0, 1]).eval().tolist()
    [30, 10, 20]
    """
    return PermuteRowElements(inverse)(x, y)


def inverse_permutation(perm):
    """Return the permutation that undoes `perm` (each row of it): ``y[perm[i]] = i``.

    Examples
    --------
    >>> pt.inverse_permutation([2, 0, 1]).eval().tolist()
    [1, 2, 0]
    """
    perm = as_tensor_variable(perm)
    return permute_row_elements(arange(length(perm, -1), dtype=perm.type.dtype), perm, inverse=True)


class Choose(Op):
    """For each element of an index array, the element of the choice with that index."""

    __props__ = ("mode",)

    def __init__(self, mode):
        if mode not in ("raise", "wrap", "clip"):
            raise ValueError(f"[Choose] mode must be 'raise', 'wrap' or 'clip', got {mode!r}")
        self.mode = mode

    def make_node(self, a, choices):
        a, choices = as_tensor_variable(a), as_tensor_variable(choices)
        if a.type.dtype not in discrete_dtypes:
            raise TypeError(f"[Choose] a must be integers, got {a.type.dtype}")
        if not choices.type.ndim:
            raise TypeError("[Choose] choices must have an axis to choose from, got a 0-d array")
        ndim = max(a.type.ndim, choices.type.ndim - 1)
        shapes = [(1,) * (ndim - len(s)) + tuple(s) for s in (a.type.shape, choices.type.shape[1:])]
        shape = tuple(broadcast_static_dim_lengths(n) for n in zip(*shapes))
        return Apply(self, [a, choices], [new_variable(choices.type.dtype, shape)])

    def perform(self, node, inputs, output_storage):
        a, choices = inputs
        # A list, because NumPy takes an array with more than 32 rows for something else.
        chosen = np.choose(a, list(choices), mode=self.mode)
        output_storage[0][0] = np.asarray(chosen, dtype=choices.dtype)

    def infer_shape(self, fgraph, node, shapes):
        a, choices = node.inputs
        out = node.outputs[0].type.shape
        ndim = len(out)
        result = []
        for i, static in enumerate(out):
            from_a = i - (ndim - a.type.ndim)
            from_choices = i - (ndim - (choices.type.ndim - 1)) + 1
            if static is not None:
                result.append(length_constant(static))
            elif from_a >= 0 and a.type.shape[from_a] != 1:
                result.append(shapes[0][from_a])
            else:
                result.append(shapes[1][from_choices])
        return [tuple(result)]

    def connection_pattern(self, node):
        return [[False], [True]]

    def pullback(self, inputs, outputs, cotangents):
        a, choices = inputs
        [gz] = cotangents
        if isinstance(gz.type, DisconnectedType):
            return [disconnected_type(), disconnected_type()]
        if self.mode == "wrap":
            a = a % length(choices, 0)
        elif self.mode == "clip":
            a = a.clip(0, length(choices, 0) - 1)
        ndim = max(a.type.ndim, choices.type.ndim - 1)
        which = dimshuffle(arange(length(choices, 0)), (0, *["x"] * ndim))
        g = switch(eq(which, pad_left(a, ndim + 1)), gz, 0.0)
        extra = ndim - (choices.type.ndim - 1)
        if extra:
            g = g.sum(axis=tuple(range(1, extra + 1)))
        repeated = tuple(
            i for i in range(1, choices.type.ndim)
            if choices.type.shape[i] == 1 and g.type.shape[i] != 1
        )  # fmt: skip
        if repeated:
            g = g.sum(axis=repeated, keepdims=True)
        return [disconnected_type(), g]

    def pushforward(self, inputs, outputs, tangents):
        if isinstance(tangents[1].type, DisconnectedType):
            return [disconnected_type()]
        return [self(inputs[0], tangents[1])]

    def __str__(self):
        return f"Choose{{mode='{self.mode}'}}"


def choose(a, choices, mode="raise"):
    """Return, for each index in `a`, the element of ``choices[index]`` at the same place.

    Parameters
    ----------
    a : tensor_like
        Integers.
    choices : sequence of arrays, or an array whose first axis is the sequence
        They broadcast with `a`.
    mode : {"raise", "wrap", "clip"}
        What to do with an index that is out of range.

    Raises
    ------
    ValueError
        At run time, for an index out of range if `mode` is ``"raise"``.

    Examples
    --------
    >>> pt.choose([0, 1, 0], [[1, 2, 3], [10, 20, 30]]).eval().tolist()
    [1, 20, 3]
    """
    if isinstance(choices, (list, tuple)):
        parts = [as_tensor_variable(c) for c in choices]
        dtype = upcast(*[p.type.dtype for p in parts])
        ndim = max(p.type.ndim for p in parts)
        parts = [pad_left(_cast_to(p, dtype), ndim) for p in parts]
        choices = stack([_broadcast_like(p, parts) for p in parts])
    return Choose(mode)(a, choices)


def _broadcast_like(x, others):
    """Repeat `x` along the axes on which it broadcasts against one of `others`."""
    for other in others:
        if any(a == 1 != b for a, b in zip(x.type.shape, other.type.shape, strict=True)):
            x = second(add(zeros_like(other, dtype=x.type.dtype), zeros_like(x)), x)
    return x


def _make_along_axis_idx(ndim_lengths, indices, axis):
    """Return the open mesh of indices that reads or writes along `axis`."""
    ndim = len(ndim_lengths)
    full = []
    for i, n in enumerate(ndim_lengths):
        if i == axis:
            full.append(indices)
        else:
            order = ["x"] * ndim
            order[i] = 0
            full.append(dimshuffle(arange(n), order))
    return tuple(full)


def take_along_axis(arr, indices, axis=0):
    """Take one element for each index, matching all axes but `axis`, as `numpy.take_along_axis`.

    For a matrix and ``axis=0``: ``y[i, j] = arr[indices[i, j], j]``.

    Parameters
    ----------
    arr : tensor_like
    indices : tensor_like
        Integers, with as many axes as `arr`.
    axis : int or None
        None: of the flattened array.

    Raises
    ------
    ValueError
        If the numbers of axes differ.

    Examples
    --------
    >>> pt.take_along_axis([[30, 10], [5, 7]], [[1], [0]], axis=1).eval().tolist()
    [[10], [5]]
    """
    arr, indices = as_tensor_variable(arr), as_tensor_variable(indices)
    if indices.type.dtype not in int_dtypes and indices.type.dtype not in integer_dtypes:
        raise IndexError("`indices` must be an integer array")
    if axis is None:
        arr, axis = flatten(arr), 0
    if arr.type.ndim != indices.type.ndim:
        raise ValueError("`indices` and `arr` must have the same number of dimensions")
    if not -arr.type.ndim <= axis < arr.type.ndim:
        raise np.exceptions.AxisError(axis, arr.type.ndim)
    axis %= arr.type.ndim
    lengths = [length(arr, i) for i in range(arr.type.ndim)]
    return arr[_make_along_axis_idx(lengths, indices, axis)]


def ix_(*args):
    """Return the open mesh of index vectors, as `numpy.ix_`."""
    out = []
    for k, new in enumerate(args):
        new = as_tensor_variable(new)
        if new.type.ndim != 1:
            raise ValueError("Cross index must be 1 dimensional")
        if new.type.dtype == "bool":
            [new] = nonzero(new)
        order = ["x"] * len(args)
        order[k] = 0
        out.append(dimshuffle(new, order))
    return tuple(out)
