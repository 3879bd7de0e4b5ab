"""Join neighbouring dimensions into one, split one into several, pack arrays into one."""

from collections.abc import Sequence
from math import prod
from numbers import Integral

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from pytensor.graph.basic import Apply, Variable
from pytensor.graph.null_type import DisconnectedType, disconnected_type
from pytensor.graph.op import Op
from pytensor.graph.replace import _vectorize_node
from pytensor.tensor.basic import as_tensor_variable, get_vector_length, join, split, switch
from pytensor.tensor.blockwise import vectorize_node_fallback
from pytensor.tensor.extra_ops import squeeze
from pytensor.tensor.math import eq
from pytensor.tensor.math import prod as pt_prod
from pytensor.tensor.shape import Shape, Shape_i
from pytensor.tensor.type import tensor
from pytensor.tensor.utils import concrete_int

__all__ = ["join_dims", "pack", "split_dims", "unpack"]


def _is_missing(g) -> bool:
    return isinstance(g.type, DisconnectedType)


class JoinDims(Op):
    """Join `n_axes` neighbouring dimensions, from `start_axis` on, into one; a view.

    With ``n_axes=0`` a dimension of length 1 is inserted.
    """

    __props__ = ("start_axis", "n_axes")
    view_map = {0: [0]}

    def __init__(self, start_axis: int, n_axes: int):
        if start_axis < 0:
            raise ValueError(f"[JoinDims] start_axis must be non-negative, got {start_axis}")
        if n_axes < 0:
            raise ValueError(f"[JoinDims] n_axes must be non-negative, got {n_axes}")
        self.start_axis = int(start_axis)
        self.n_axes = int(n_axes)

    @property
    def axis_range(self) -> range:
        """The dimensions that are joined."""
        return range(self.start_axis, self.start_axis + self.n_axes)

    def _joined(self, shape: Sequence, product) -> tuple:
        start, end = self.start_axis, self.start_axis + self.n_axes
        return (*shape[:start], product(shape[start:end]), *shape[end:])

    def output_shapes(self, input_shapes, joined_shape):
        """Put `joined_shape` in the place of the joined dimensions of `input_shapes`."""
        return self._joined(input_shapes, lambda _: joined_shape)

    def make_node(self, x):
        x = as_tensor_variable(x)
        if self.start_axis + self.n_axes > x.type.ndim:
            raise ValueError(
                f"[JoinDims] start_axis + n_axes must be at most {x.type.ndim}, "
                f"got {self.start_axis} + {self.n_axes}"
            )
        shape = self._joined(x.type.shape, _static_product)
        return Apply(self, [x], [tensor(dtype=x.type.dtype, shape=shape)])

    def infer_shape(self, fgraph, node, input_shapes):
        return [self._joined(input_shapes[0], lambda dims: prod(dims, start=1))]

    def perform(self, node, inputs, output_storage):
        (x,) = inputs
        output_storage[0][0] = x.reshape(self._joined(x.shape, prod))

    def pullback(self, inputs, outputs, cotangents):
        (x,), (g,) = inputs, cotangents
        if _is_missing(g):
            return [disconnected_type()]
        lengths = [x.shape[d] for d in self.axis_range]
        return [split_dims(g, shape=lengths, axis=self.start_axis)]

    def pushforward(self, inputs, outputs, tangents):
        (dx,) = tangents
        return [disconnected_type() if _is_missing(dx) else self(dx)]


def _static_product(lengths: Sequence[int | None]) -> int | None:
    """Product of static lengths; 0 if one is 0, None if it depends on unknown ones."""
    if 0 in lengths:
        return 0
    return None if None in lengths else prod(lengths)


def join_dims(x, start_axis: int = 0, n_axes: int | None = None):
    """Join neighbouring dimensions of an array into one.

    Parameters
    ----------
    x
        The array.
    start_axis
        First of the dimensions to join.
    n_axes
        Their number; all that follow when None. Nothing changes for 1; a dimension of length 1 is
        inserted for 0.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> pt.join_dims(pt.tensor("x", shape=(2, 3, 4)), start_axis=1).type.shape
    (2, 12)
    """
    x = as_tensor_variable(x)
    ndim = x.type.ndim
    if start_axis < 0:
        start_axis += ndim
    if not 0 <= start_axis <= ndim:
        raise IndexError(
            f"[join_dims] start_axis {start_axis} is out of range for {ndim} dimensions"
        )
    n_axes = ndim - start_axis if n_axes is None else n_axes
    if n_axes == 1:
        return x
    return JoinDims(start_axis, n_axes)(x)


class SplitDims(Op):
    """Split the dimension `axis` into dimensions of given lengths; a view where possible.

    One of the lengths may be -1, and then follows from the others.
    """

    __props__ = ("axis",)
    view_map = {0: [0]}

    def __init__(self, axis: int):
        if axis < 0:
            raise ValueError(f"[SplitDims] axis must be non-negative, got {axis}")
        self.axis = int(axis)

    def make_node(self, x, shape):
        x = as_tensor_variable(x)
        if self.axis >= x.type.ndim:
            raise ValueError(f"[SplitDims] axis must be less than {x.type.ndim}, got {self.axis}")
        shape = as_tensor_variable(shape, dtype="int64") if not _is_variable(shape) else shape
        shape = as_tensor_variable(shape)
        if shape.type.dtype not in _INT_DTYPES:
            raise TypeError(f"[SplitDims] shape must be integers, got {shape.type}")
        if shape.type.ndim != 1:
            raise TypeError(f"[SplitDims] shape must be a vector, got {shape.type}")
        n_dims = get_vector_length(shape)
        lengths = _known_lengths(shape, n_dims)
        old = x.type.shape
        new = _complete_lengths(lengths, old[self.axis])
        out_shape = (*old[: self.axis], *new, *old[self.axis + 1 :])
        return Apply(self, [x, shape], [tensor(dtype=x.type.dtype, shape=out_shape)])

    def infer_shape(self, fgraph, node, input_shapes):
        x_shape, _ = input_shapes
        x, shape = node.inputs
        axis = self.axis
        n_dims = node.outputs[0].type.ndim - x.type.ndim + 1
        lengths = [
            shape[d] if n is None else n for d, n in enumerate(_known_lengths(shape, n_dims))
        ]
        if any(isinstance(n, Integral) and n == -1 for n in lengths):
            others = [n for n in lengths if not (isinstance(n, Integral) and n == -1)]
            missing = x_shape[axis] // prod(others, start=1)
            lengths = [missing if isinstance(n, Integral) and n == -1 else n for n in lengths]
        elif any(isinstance(n, Variable) for n in lengths):
            # A symbolic length may be -1 at run time: then it is what the others leave.
            known = node.outputs[0].type.shape[axis : axis + n_dims]
            rest = x_shape[axis] // -prod(lengths, start=1)
            lengths = [
                (n if _is_length(n) else switch(eq(n, -1), rest, n)) if k is None else k
                for n, k in zip(lengths, known, strict=True)
            ]
        return [(*x_shape[:axis], *lengths, *x_shape[axis + 1 :])]

    def perform(self, node, inputs, output_storage):
        x, shape = inputs
        new_shape = (*x.shape[: self.axis], *shape.tolist(), *x.shape[self.axis + 1 :])
        if -1 in shape and x.size == 0:
            rest = prod(n for n in shape.tolist() if n != -1)
            missing = x.shape[self.axis] // rest if rest else 0
            new_shape = tuple(missing if n == -1 else n for n in new_shape)
        split = prod(new_shape[self.axis : self.axis + len(shape)])
        if -1 not in shape and split != x.shape[self.axis]:
            raise ValueError(
                f"[SplitDims] dimension {self.axis} of length {x.shape[self.axis]} cannot be "
                f"split into {tuple(shape.tolist())}"
            )
        output_storage[0][0] = x.reshape(new_shape)

    def pullback(self, inputs, outputs, cotangents):
        (g,) = cotangents
        if _is_missing(g):
            return [disconnected_type(), disconnected_type()]
        n_axes = g.type.ndim - inputs[0].type.ndim + 1
        return [join_dims(g, start_axis=self.axis, n_axes=n_axes), disconnected_type()]

    def pushforward(self, inputs, outputs, tangents):
        dx = tangents[0]
        return [disconnected_type() if _is_missing(dx) else self(dx, inputs[1])]

    def connection_pattern(self, node):
        return [[True], [False]]


_INT_DTYPES = tuple(f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64))


def _is_variable(x) -> bool:
    return isinstance(x, Variable)


def _is_length(n) -> bool:
    """Tell whether a number or scalar variable is never -1, because it is a length already."""
    if not isinstance(n, Variable):
        return n != -1
    if n.type.dtype.startswith("uint"):
        return True
    node = n.owner
    if node is None:
        return False
    read = node.inputs[0].owner
    return isinstance(node.op, Shape_i) or (read is not None and isinstance(read.op, Shape))


def _known_lengths(shape: Variable, n_dims: int) -> list[int | None]:
    """Entries of a shape vector that are constants."""
    if getattr(shape, "data", None) is not None:
        return [int(n) for n in shape.data]
    if shape.owner is not None and len(shape.owner.inputs) == n_dims:
        entries = [concrete_int(i) for i in shape.owner.inputs]
        if type(shape.owner.op).__name__ == "MakeVector":
            return entries
    return [None] * n_dims


def _complete_lengths(lengths: Sequence[int | None], total: int | None) -> list[int | None]:
    """Replace -1 by what is left of `total`; check that the product is right where known."""
    lengths = list(lengths)
    if lengths.count(-1) > 1:
        raise ValueError(f"[SplitDims] only one length can be -1, got {lengths}")
    others = [n for n in lengths if n != -1]
    if None in others:
        return [None if n == -1 else n for n in lengths]
    rest = prod(others)
    if -1 in lengths:
        if total is None or rest == 0:
            return [None if n == -1 else n for n in lengths]
        if total % rest:
            raise ValueError(
                f"[SplitDims] a dimension of length {total} cannot be split into {lengths}"
            )
        return [total // rest if n == -1 else n for n in lengths]
    if total is not None and rest != total:
        raise ValueError(
            f"[SplitDims] a dimension of length {total} cannot be split into {lengths}"
        )
    return lengths


def split_dims(x, shape, axis: int = 0):
    """Split a dimension of an array into several.

    Parameters
    ----------
    x
        The array.
    shape
        Lengths of the new dimensions; one may be -1. No lengths at all drop a dimension of
        length 1.
    axis
        The dimension to split.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> pt.split_dims(pt.tensor("x", shape=(6, 4)), shape=(2, 3), axis=0).type.shape
    (2, 3, 4)
    """
    x = as_tensor_variable(x)
    axis = normalize_axis_index(axis, x.type.ndim)
    if isinstance(shape, Integral) or (_is_variable(shape) and getattr(shape.type, "ndim", 0) == 0):
        shape = [shape]
    if not _is_variable(shape):
        if len(shape) == 0:
            return squeeze(x, axis=axis)
        shape = as_tensor_variable(
            [s if _is_variable(s) else np.int64(s) for s in shape]
            if any(_is_variable(s) for s in shape)
            else np.asarray(shape, dtype="int64")
        )
    return SplitDims(axis)(x, shape)


@_vectorize_node.register(JoinDims)
def _vectorize_joindims(op, node, x):
    batch_ndim = x.type.ndim - node.inputs[0].type.ndim
    return JoinDims(op.start_axis + batch_ndim, op.n_axes).make_node(x)


@_vectorize_node.register(SplitDims)
def _vectorize_splitdims(op, node, x, shape):
    if shape.type.ndim != 1:
        return vectorize_node_fallback(op, node, x, shape)
    return SplitDims(op.axis + x.type.ndim - node.inputs[0].type.ndim).make_node(x, shape)


def _analyze_axes_list(keep_axes) -> tuple[int, int, int]:
    """Number of kept axes before the packed ones, after them, and the smallest rank that fits."""
    if keep_axes is None:
        return 0, 0, 0
    axes = [keep_axes] if isinstance(keep_axes, Integral) else list(keep_axes)
    if any(not isinstance(a, Integral) for a in axes):
        raise TypeError(f"[pack] keep_axes must be integers, got {keep_axes}")
    positive = sorted(a for a in axes if a >= 0)
    negative = sorted(a for a in axes if a < 0)
    if len(set(axes)) != len(axes):
        raise ValueError(f"[pack] keep_axes must not repeat, got {keep_axes}")
    if positive != list(range(len(positive))):
        raise ValueError(f"[pack] keep_axes must include 0, 1, ... without gaps, got {keep_axes}")
    if negative != list(range(-len(negative), 0)):
        raise ValueError(f"[pack] keep_axes must include -1, -2, ... without gaps, got {keep_axes}")
    return len(positive), len(negative), len(axes)


def pack(*tensors, keep_axes: Sequence[int] | int | None = None):
    """Ravel arrays and concatenate them, keeping some outer axes.

    Parameters
    ----------
    tensors
        The arrays.
    keep_axes
        Leading (non-negative) and trailing (negative) axes that all arrays share and keep.

    Returns
    -------
    tuple
        The packed array and, for `unpack`, the shapes of what was raveled of each array.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> x, y = pt.tensor("x", shape=(2, 3)), pt.tensor("y", shape=(4,))
    >>> pt.pack(x, y)[0].type.shape
    (10,)
    """
    if not tensors:
        raise ValueError("[pack] needs at least one tensor")
    tensors = [as_tensor_variable(t) for t in tensors]
    n_before, n_after, min_ndim = _analyze_axes_list(keep_axes)
    joined, packed_shapes = [], []
    for i, t in enumerate(tensors):
        if t.type.ndim < min_ndim:
            raise ValueError(
                f"[pack] input {i} must have at least {min_ndim} dimensions to keep, "
                f"got {t.type.ndim}"
            )
        n_packed = t.type.ndim - n_before - n_after
        dims = range(n_before, n_before + n_packed)
        packed_shapes.append(
            as_tensor_variable(
                np.array([t.type.shape[d] for d in dims], dtype="int64")
                if all(t.type.shape[d] is not None for d in dims)
                else [t.shape[d] for d in dims]
            )
        )
        joined.append(join_dims(t, start_axis=n_before, n_axes=n_packed))
    return join(n_before, *joined), packed_shapes


def unpack(packed_input, packed_shapes, keep_axes: int | Sequence[int] | None = None):
    """Undo `pack`.

    Parameters
    ----------
    packed_input
        The packed array.
    packed_shapes
        The shape that each array had in its packed dimensions.
    keep_axes
        As given to `pack`.

    Returns
    -------
    list
        The arrays.

    Examples
    --------
    >>> packed, shapes = pt.pack(np.zeros((2, 3)), np.ones(4))
    >>> matrix, vector = pt.unpack(packed, shapes)
    >>> matrix.eval().shape, vector.eval().tolist()
    ((2, 3), [1.0, 1.0, 1.0, 1.0])
    """
    packed_input = as_tensor_variable(packed_input)
    n_before, n_after, _ = _analyze_axes_list(keep_axes)
    if packed_input.type.ndim != n_before + n_after + 1:
        raise ValueError(
            f"[unpack] input must have {n_before + n_after + 1} dimensions, "
            f"got {packed_input.type.ndim}"
        )
    sizes = [_size_of(s) for s in packed_shapes]
    if not sizes:
        return []
    # It sees to it that nothing is left over.
    pieces = split(packed_input, sizes, n_splits=len(sizes), axis=n_before)
    return [
        split_dims(piece, shape, axis=n_before)
        if not _has_no_dims(shape)
        else squeeze(piece, axis=n_before)
        for piece, shape in zip(pieces, packed_shapes, strict=True)
    ]


def _has_no_dims(shape) -> bool:
    if _is_variable(shape):
        return shape.type.ndim == 1 and shape.type.shape[0] == 0
    return not isinstance(shape, Integral) and len(shape) == 0


def _size_of(shape):
    """Number of elements of a shape: a Python int where it is constant."""
    if isinstance(shape, Integral):
        return int(shape)
    if _is_variable(shape):
        data = getattr(shape, "data", None)
        if data is not None:
            return int(np.prod(data, dtype="int64"))
        return pt_prod(shape) if shape.type.ndim else shape
    return prod(shape, start=1)
