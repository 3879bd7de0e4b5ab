"""Permuting, dropping and adding axes: one view-making Op."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Literal

import numpy as np

from pytensor.graph.basic import Apply
from pytensor.graph.null_type import DisconnectedType
from pytensor.graph.op import Op
from pytensor.graph.replace import _vectorize_node
from pytensor.tensor._convert import _get_vector_length, as_tensor_variable
from pytensor.tensor.type import new_variable


class DimShuffle(Op):
    """Permute the axes of an array, drop axes of length 1, and insert new ones.

    Parameters
    ----------
    input_ndim : int
        Number of axes of the input.
    new_order : sequence of int or "x"
        For each axis of the output: the axis of the input it is, or ``"x"`` for a new axis of
        length 1. Axes of the input that do not appear must have length 1 and are dropped.

    Examples
    --------
    ``new_order=(1, 0)`` is a transpose, ``(0, "x")`` makes a vector a column, ``("x", 0)`` a row,
    and ``(0,)`` with ``input_ndim=2`` makes a column a vector.
    """

    __props__ = ("input_ndim", "new_order")
    view_map = {0: [0]}

    def __init__(self, *, input_ndim: int, new_order: Sequence[int | Literal["x"]]):
        if not isinstance(input_ndim, (int, np.integer)):
            raise TypeError(f"[DimShuffle] input_ndim must be an integer, got {input_ndim!r}")
        self.input_ndim = input_ndim = int(input_ndim)
        self.new_order = tuple(_axis(d, i, input_ndim) for i, d in enumerate(new_order))
        self.shuffle = shuffle = tuple(d for d in self.new_order if d != "x")
        if len(set(shuffle)) != len(shuffle):
            repeated = next(d for d in shuffle if shuffle.count(d) > 1)
            raise ValueError(
                f"[DimShuffle] axis {repeated} appears more than once in new_order {self.new_order}"
            )
        # -1 where there is a new axis, for code that wants integers only.
        self._new_order = [-1 if d == "x" else d for d in self.new_order]
        self.drop = tuple(d for d in range(input_ndim) if d not in shuffle)
        self.augment = tuple(i for i, d in enumerate(self.new_order) if d == "x")
        self._transposition = shuffle + self.drop
        self._moves = self._transposition != tuple(range(input_ndim))
        # After transposition: keep, insert, and take the only element of dropped axes.
        self._index = tuple(None if d == "x" else slice(None) for d in self.new_order) + (0,) * len(
            self.drop
        )
        self._indexes = bool(self.drop or self.augment)
        self._classify()

    def _classify(self):
        """Name the common cases; rewrites and printers ask for them."""
        n, order, aug, drop = self.input_ndim, self.new_order, self.augment, self.drop
        keeps_order = self.shuffle == tuple(sorted(self.shuffle))
        self.is_squeeze = drop if drop and not aug and keeps_order else ()
        self.is_expand_dims = aug if aug and not drop and keeps_order else ()
        self.is_left_expand_dims = bool(
            self.is_expand_dims and order[-n:] == tuple(range(n)) if n else self.is_expand_dims
        )
        self.is_right_expand_dims = bool(self.is_expand_dims and order[:n] == tuple(range(n)))
        self.is_transpose = bool(not drop and not aug and self._moves)
        swapped = (*range(n - 2), n - 1, n - 2) if n >= 2 else ()
        self.is_matrix_transpose = bool(not drop and not aug and n >= 2 and order == swapped)
        self.is_left_expanded_matrix_transpose = bool(
            not drop
            and n >= 2
            and order == ("x",) * len(aug) + swapped
        )  # fmt: skip

    @property
    def is_identity(self) -> bool:
        """Whether nothing changes."""
        return not (self._moves or self._indexes)

    def make_node(self, inp):
        inp = as_tensor_variable(inp)
        if inp.type.ndim != self.input_ndim:
            raise TypeError(
                f"[DimShuffle] x must have {self.input_ndim} axes, got {inp.type} "
                f"(new_order={self.new_order})"
            )
        shape = inp.type.shape
        for axis in self.drop:
            if shape[axis] not in (None, 1):
                raise ValueError(
                    f"[DimShuffle] a dropped axis must have length 1, got axis {axis} of {inp.type}"
                )
        out_shape = tuple([1 if d == "x" else shape[d] for d in self.new_order])
        return Apply(self, [inp], [new_variable(inp.type.dtype, out_shape)])

    def perform(self, node, inputs, output_storage):
        [x] = inputs
        for axis in self.drop:
            if x.shape[axis] != 1:
                raise ValueError(
                    f"[DimShuffle] cannot select an axis to squeeze out which has size not equal "
                    f"to one: axis {axis} of shape {x.shape}"
                )
        out = x.transpose(self._transposition) if self._moves else x
        if self._indexes:
            out = out.reshape(()) if not self.new_order else out[self._index]
        output_storage[0][0] = out if type(out) is np.ndarray else np.asarray(out)

    def infer_shape(self, fgraph, node, input_shapes):
        [shape] = input_shapes
        one = as_tensor_variable(np.int64(1)) if self.augment else None
        return [tuple(one if d == "x" else shape[d] for d in self.new_order)]

    def pullback(self, inputs, outputs, cotangents):
        [x], [gz] = inputs, cotangents
        if isinstance(gz.type, DisconnectedType):
            return [gz]
        order = ["x"] * x.type.ndim
        for i, d in enumerate(self.new_order):
            if d != "x":
                order[d] = i
        return [DimShuffle(input_ndim=gz.type.ndim, new_order=order)(gz)]

    def pushforward(self, inputs, outputs, tangents):
        if isinstance(tangents[0].type, DisconnectedType):
            return [tangents[0]]
        return [self(tangents[0])]

    def __str__(self):
        if self.is_expand_dims:
            axes = self.augment
            return f"ExpandDims{{{_axes_text(axes)}}}"
        if self.is_squeeze:
            return f"Squeeze{{{_axes_text(self.drop)}}}"
        if self.is_matrix_transpose:
            return "MatrixTranspose"
        if self.is_transpose:
            return f"Transpose{{axes={self.shuffle}}}"
        return f"DimShuffle{{order=[{','.join(map(str, self.new_order))}]}}"


def _axes_text(axes):
    return f"axis={axes[0]}" if len(axes) == 1 else f"axes={axes}"


def _axis(d, i, ndim):
    """Return entry `i` of a new_order as "x" or an int in range(ndim)."""
    if isinstance(d, str):
        if d == "x":
            return d
    elif isinstance(d, (int, np.integer)) and not isinstance(d, bool):
        d = int(d)
        if -ndim <= d < ndim:
            return d % ndim
        raise ValueError(f"new_order[{i}] is {d}, but the input only has {ndim} axes.")
    raise TypeError(f"new_order must be a sequence of integers and 'x', got {d!r}")


def dimshuffle(x, new_order) -> object:
    """Return `x` with axes `new_order`, or `x` itself if nothing changes."""
    x = as_tensor_variable(x)
    order = tuple(new_order)
    if order == tuple(range(x.type.ndim)):
        return x
    return _shared_op(x.type.ndim, order)(x)


@lru_cache(maxsize=1024)
def _shared_op(ndim: int, order: tuple) -> DimShuffle:
    return DimShuffle(input_ndim=ndim, new_order=order)


def pad_left(x, ndim: int):
    """Return `x` with length-1 axes added on the left until it has `ndim`."""
    have = x.type.ndim
    if have == ndim:
        return x
    return dimshuffle(x, ["x"] * (ndim - have) + list(range(have)))


@_vectorize_node.register(DimShuffle)
def vectorize_dimshuffle(op: DimShuffle, node: Apply, x) -> Apply:
    batch_ndim = x.type.ndim - node.inputs[0].type.ndim
    if not batch_ndim:
        return op.make_node(x)
    order = list(range(batch_ndim))
    order += ["x" if d == "x" else d + batch_ndim for d in op.new_order]
    return DimShuffle(input_ndim=x.type.ndim, new_order=order).make_node(x)


@_get_vector_length.register(DimShuffle)
def _get_vector_length_DimShuffle(op, var) -> int:
    if op.new_order == ("x",):
        return 1
    raise ValueError(f"Length of {var} cannot be determined")
