"""Ops about positions in arrays: search, unique values, flat indices, diagonals."""

from collections.abc import Sequence

import numpy as np

from pytensor.configdefaults import config
from pytensor.graph.basic import Apply, Variable
from pytensor.graph.null_type import DisconnectedType, disconnected_type
from pytensor.graph.op import Op
from pytensor.graph.replace import _vectorize_node
from pytensor.tensor._shape_ops import length
from pytensor.tensor.basic import arange, as_tensor_variable, cast, eye, get_vector_length
from pytensor.tensor.blockwise import vectorize_node_fallback
from pytensor.tensor.math import eq, switch
from pytensor.tensor.math import sum as pt_sum
from pytensor.tensor.type import TensorType, integer_dtypes, tensor


class SearchsortedOp(Op):
    """Positions at which values would be inserted into a sorted vector."""

    __props__ = ("side",)

    def __init__(self, side="left"):
        if side not in ("left", "right"):
            raise ValueError(f"side must be 'left' or 'right', got {side!r}")
        self.side = side

    def make_node(self, x, v, sorter=None):
        x, v = as_tensor_variable(x), as_tensor_variable(v)
        if x.type.ndim != 1:
            raise TypeError(f"[Searchsorted] x must be a vector, got {x.type}")
        inputs = [x, v]
        if sorter is not None:
            sorter = as_tensor_variable(sorter)
            if sorter.type.ndim != 1 or sorter.type.dtype not in integer_dtypes:
                raise TypeError(
                    f"[Searchsorted] sorter must be an integer vector, got {sorter.type}"
                )
            inputs.append(sorter)
        return Apply(self, inputs, [TensorType(dtype="int64", shape=v.type.shape)()])

    def infer_shape(self, fgraph, node, input_shapes):
        return [input_shapes[1]]

    def perform(self, node, inputs, output_storage):
        x, v, *sorter = inputs
        found = np.searchsorted(x, v, side=self.side, sorter=sorter[0] if sorter else None)
        output_storage[0][0] = np.asarray(found, dtype="int64")

    def pullback(self, inputs, outputs, cotangents):
        grads = [_zeros(i) for i in inputs[:2]]
        return [*grads, *(disconnected_type() for _ in inputs[2:])]

    def connection_pattern(self, node):
        return [[True], [True], *([False] for _ in node.inputs[2:])]


def _zeros(x):
    dtype = x.type.dtype if x.type.dtype.startswith(("float", "complex")) else config.floatX
    return x.zeros_like(dtype=dtype)


def searchsorted(x, v, side="left", sorter=None):
    """Find where elements should be inserted to keep a vector sorted.

    Parameters
    ----------
    x
        Vector, in ascending order unless `sorter` is given.
    v
        Values to insert.
    side
        Position before (``"left"``) or after (``"right"``) equal elements.
    sorter
        Integers that sort `x`.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> pt.searchsorted([1, 3, 5], [3, 4]).eval().tolist()
    [1, 2]
    """
    x, v = as_tensor_variable(x), as_tensor_variable(v)
    common = np.result_type(x.type.numpy_dtype, v.type.numpy_dtype).name
    x, v = x.astype(common), v.astype(common)
    return SearchsortedOp(side=side)(x, v, *([] if sorter is None else [sorter]))


@_vectorize_node.register(SearchsortedOp)
def vectorize_searchsorted(op, node, x, v, *sorter):
    """Batches of values need no loop if the vector is not batched."""
    if x.type.ndim == 1 and all(s.type.ndim == 1 for s in sorter):
        return op.make_node(x, v, *sorter)
    return vectorize_node_fallback(op, node, x, v, *sorter)


class Unique(Op):
    """Sorted unique elements, with positions and counts as in `numpy.unique`."""

    __props__ = ("return_index", "return_inverse", "return_counts", "axis")

    def __init__(self, return_index=False, return_inverse=False, return_counts=False, axis=None):
        self.return_index = return_index
        self.return_inverse = return_inverse
        self.return_counts = return_counts
        self.axis = axis

    def make_node(self, x):
        x = as_tensor_variable(x)
        axis = self.axis
        if axis is None:
            out_shape: tuple = (1,) if x.type.ndim == 0 else (None,)
        else:
            if not -x.type.ndim <= axis < x.type.ndim:
                raise np.exceptions.AxisError(axis, x.type.ndim)
            axis %= x.type.ndim
            out_shape = tuple(None if d == axis else n for d, n in enumerate(x.type.shape))
        outputs = [tensor(dtype=x.type.dtype, shape=out_shape)]
        length = (None,)
        if self.return_index:
            outputs.append(tensor(dtype="int64", shape=length))
        if self.return_inverse:
            inverse = x.type.shape if self.axis is None else (x.type.shape[axis],)
            outputs.append(tensor(dtype="int64", shape=inverse))
        if self.return_counts:
            outputs.append(tensor(dtype="int64", shape=length))
        return Apply(self, [x], outputs)

    def perform(self, node, inputs, output_storage):
        (x,) = inputs
        results = np.unique(
            x,
            return_index=self.return_index,
            return_inverse=self.return_inverse,
            return_counts=self.return_counts,
            axis=self.axis,
        )
        results = results if isinstance(results, tuple) else (results,)
        for storage, out, result in zip(output_storage, node.outputs, results, strict=True):
            result = np.asarray(result, dtype=out.type.dtype)
            # NumPy 2.0 and later disagree about the shape of the inverse
            storage[0] = result.reshape(-1) if result.ndim > 1 and out.type.ndim == 1 else result

    def infer_shape(self, fgraph, node, input_shapes):
        (x_shape,) = input_shapes
        shapes: list = []
        position = 1 + self.return_index
        for i, out in enumerate(node.outputs):
            if i == position and self.return_inverse:
                axis_length = None if self.axis is None else (x_shape[self.axis],)
                shapes.append(x_shape if axis_length is None else axis_length)
            else:
                axis = 0 if self.axis is None or i else self.axis % out.type.ndim
                shapes.append(
                    tuple(length(out, d) if d == axis else x_shape[d] for d in range(out.type.ndim))
                )
        return shapes

    def pullback(self, inputs, outputs, cotangents):
        (x,) = inputs
        g = cotangents[0]
        if isinstance(g.type, DisconnectedType):
            return [disconnected_type()]
        # The value that stands for several equal ones is that of the first
        first = Unique(return_index=True, axis=self.axis)(x)[1]
        if self.axis is None:
            flat = x.flatten()
            return [flat.zeros_like(dtype=g.type.dtype)[first].inc(g).reshape(x.shape)]
        whole = (slice(None),) * (self.axis % x.type.ndim)
        return [x.zeros_like(dtype=g.type.dtype)[(*whole, first)].inc(g)]

    def connection_pattern(self, node):
        return [[True, *([False] * (len(node.outputs) - 1))]]


def unique(ar, return_index=False, return_inverse=False, return_counts=False, axis=None):
    """Find the unique elements of an array, in ascending order.

    Parameters
    ----------
    ar
        The array.
    return_index, return_inverse, return_counts
        Also return positions of first occurrences, positions that rebuild the array, or counts.
    axis
        Compare whole slices along this axis; elements of the flattened array when None.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> pt.unique([3, 1, 3]).eval().tolist()
    [1, 3]
    """
    return Unique(return_index, return_inverse, return_counts, axis)(ar)


def _as_dims_vector(dims) -> Variable:
    dims = as_tensor_variable(dims, dtype="int64") if not isinstance(dims, Variable) else dims
    if dims.type.dtype not in integer_dtypes:
        raise TypeError(f"dims must be integers, got {dims.type}")
    return dims.dimshuffle("x") if dims.type.ndim == 0 else dims


class UnravelIndex(Op):
    """Flat positions to coordinates."""

    __props__ = ("order",)

    def __init__(self, order="C"):
        if order not in ("C", "F"):
            raise ValueError(f"order must be 'C' or 'F', got {order!r}")
        self.order = order

    def make_node(self, indices, dims):
        indices = as_tensor_variable(indices)
        if indices.type.dtype not in integer_dtypes:
            raise TypeError(f"'{indices.type.dtype}' object cannot be interpreted as an index")
        dims = _as_dims_vector(dims)
        if dims.type.ndim != 1:
            raise TypeError("dims must be a 1D array")
        n_dims = get_vector_length(dims)
        out_type = TensorType(dtype="int64", shape=indices.type.shape)
        return Apply(self, [indices, dims], [out_type() for _ in range(n_dims)])

    def infer_shape(self, fgraph, node, input_shapes):
        return [input_shapes[0]] * len(node.outputs)

    def perform(self, node, inputs, output_storage):
        indices, dims = inputs
        for storage, coordinate in zip(
            output_storage, np.unravel_index(indices, dims, order=self.order), strict=True
        ):
            storage[0] = np.asarray(coordinate, dtype="int64")

    def connection_pattern(self, node):
        return [[False] * len(node.outputs), [False] * len(node.outputs)]


def unravel_index(indices, dims, order="C"):
    """Convert flat positions to a tuple of coordinates, as `numpy.unravel_index`.

    Parameters
    ----------
    indices
        Integers.
    dims
        Shape of the array; its length must be known.
    order
        Row-major ``"C"`` or column-major ``"F"``.

    Returns
    -------
    tuple

    Raises
    ------
    ValueError
        At run time, for positions out of range.

    Examples
    --------
    >>> rows, columns = pt.unravel_index([2, 3], (2, 3))
    >>> rows.eval().tolist(), columns.eval().tolist()
    ([0, 1], [2, 0])
    """
    return tuple(UnravelIndex(order=order)(indices, dims, return_list=True))


@_vectorize_node.register(UnravelIndex)
def vectorize_unravel_index(op, node, indices, dims):
    """Indices may have any shape."""
    if dims.type.ndim == node.inputs[1].type.ndim:
        return op.make_node(indices, dims)
    return vectorize_node_fallback(op, node, indices, dims)


class RavelMultiIndex(Op):
    """Coordinates to flat positions."""

    __props__ = ("mode", "order")

    def __init__(self, mode="raise", order="C"):
        if mode not in ("raise", "wrap", "clip"):
            raise ValueError(f"mode must be 'raise', 'wrap' or 'clip', got {mode!r}")
        if order not in ("C", "F"):
            raise ValueError(f"order must be 'C' or 'F', got {order!r}")
        self.mode = mode
        self.order = order

    def make_node(self, *inputs):
        *coordinates, dims = inputs
        coordinates = [as_tensor_variable(c) for c in coordinates]
        for c in coordinates:
            if c.type.dtype not in integer_dtypes:
                raise TypeError(f"'{c.type.dtype}' object cannot be interpreted as an index")
        dims = _as_dims_vector(dims)
        if dims.type.ndim != 1:
            raise TypeError("dims must be a 1D array")
        if len({c.type.ndim for c in coordinates}) > 1:
            raise TypeError("[RavelMultiIndex] coordinates must have equal ranks")
        shape = tuple(
            next((n for n in lengths if n is not None), None)
            for lengths in zip(*(c.type.shape for c in coordinates))
        )
        return Apply(self, [*coordinates, dims], [tensor(dtype="int64", shape=shape)])

    def infer_shape(self, fgraph, node, input_shapes):
        return [input_shapes[0]]

    def perform(self, node, inputs, output_storage):
        *coordinates, dims = inputs
        flat = np.ravel_multi_index(
            tuple(coordinates), tuple(dims.tolist()), mode=self.mode, order=self.order
        )
        output_storage[0][0] = np.asarray(flat, dtype="int64")

    def connection_pattern(self, node):
        return [[False] for _ in node.inputs]


def ravel_multi_index(multi_index, dims, mode="raise", order="C"):
    """Convert coordinates to flat positions, as `numpy.ravel_multi_index`.

    Parameters
    ----------
    multi_index
        Integer arrays, one for each dimension (or an array with them as rows).
    dims
        Shape of the array.
    mode
        ``"raise"``, ``"wrap"`` or ``"clip"`` what is out of range.
    order
        Row-major ``"C"`` or column-major ``"F"``.

    Raises
    ------
    ValueError
        At run time, for coordinates out of range if `mode` is ``"raise"``.

    Examples
    --------
    >>> pt.ravel_multi_index(([0, 1], [2, 0]), (2, 3)).eval().tolist()
    [2, 3]
    """
    if not isinstance(multi_index, Sequence):
        multi_index = tuple(as_tensor_variable(multi_index))
    return RavelMultiIndex(mode=mode, order=order)(*multi_index, dims)


class _FillDiagonalBase(Op):
    """Checks that the two diagonal writers share."""

    __props__ = ()

    def infer_shape(self, fgraph, node, input_shapes):
        return [input_shapes[0]]

    def _checked(self, a, val):
        a, val = as_tensor_variable(a), as_tensor_variable(val)
        name = type(self).__name__
        if val.type.ndim != 0:
            raise TypeError(f"{name}: second parameter must be a scalar")
        val = cast(val, dtype=np.result_type(a.type.dtype, val.type.dtype).name)
        if val.type.dtype != a.type.dtype:
            raise TypeError(
                f"{name}: type of second parameter must be the same as the first's, got "
                f"{val.type.dtype} and {a.type.dtype}"
            )
        return a, val


class FillDiagonal(_FillDiagonalBase):
    """Write a scalar to the main diagonal of a copy of an array."""

    def make_node(self, a, val):
        a = as_tensor_variable(a)
        if a.type.ndim < 2:
            raise TypeError(
                f"FillDiagonal: first parameter must have at least 2 dimensions, got {a.type}"
            )
        a, val = self._checked(a, val)
        if a.type.ndim > 2 and len({n for n in a.type.shape if n is not None}) > 1:
            raise ValueError(
                f"[FillDiagonal] all dimensions must be of equal length, got {a.type.shape}"
            )
        return Apply(self, [a, val], [a.type()])

    def perform(self, node, inputs, output_storage):
        a = inputs[0].copy()
        np.fill_diagonal(a, inputs[1].item())
        output_storage[0][0] = a

    def pullback(self, inputs, outputs, cotangents):
        a, _val = inputs
        (g,) = cotangents
        if isinstance(g.type, DisconnectedType):
            return [disconnected_type(), disconnected_type()]
        on_diagonal = _diagonal_mask(a, 0)
        return [switch(on_diagonal, 0, g).astype(g.type.dtype), pt_sum(switch(on_diagonal, g, 0))]


def _diagonal_mask(a, offset):
    """True where all coordinates are equal (after the offset), in the shape of `a`."""
    ndim = a.type.ndim
    coordinates = [
        arange(a.shape[d]).reshape([-1 if k == d else 1 for k in range(ndim)]) for d in range(ndim)
    ]
    coordinates[0] = coordinates[0] + offset
    mask = eq(coordinates[0], coordinates[1])
    for c in coordinates[2:]:
        mask = mask & eq(coordinates[0], c)
    return mask


def fill_diagonal(a, val):
    """Return a copy of an array with `val` on its main diagonal.

    Parameters
    ----------
    a
        Array of at least two dimensions; of equal lengths, if there are more than two.
    val
        A scalar that `a` can hold.

    Examples
    --------
    >>> import numpy as np
    >>> import pytensor.tensor as pt
    >>> pt.fill_diagonal(np.zeros((2, 2)), 1.0).eval().tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    return fill_diagonal_(a, val)


class FillDiagonalOffset(_FillDiagonalBase):
    """Write a scalar to an off-diagonal of a copy of a matrix."""

    def make_node(self, a, val, offset):
        a = as_tensor_variable(a)
        offset = as_tensor_variable(offset)
        if a.type.ndim != 2:
            raise TypeError(f"FillDiagonalOffset: first parameter must be a matrix, got {a.type}")
        a, val = self._checked(a, val)
        if offset.type.ndim != 0 or offset.type.dtype not in integer_dtypes:
            raise TypeError(
                f"FillDiagonalOffset: offset must be an integer scalar, got {offset.type}"
            )
        return Apply(self, [a, val, offset], [a.type()])

    def perform(self, node, inputs, output_storage):
        a, val, offset = inputs
        a = a.copy()
        k = int(offset)
        rows = np.arange(max(0, -k), max(max(0, -k), min(a.shape[0], a.shape[1] - k)))
        a[rows, rows + k] = val
        output_storage[0][0] = a

    def pullback(self, inputs, outputs, cotangents):
        a, _val, offset = inputs
        (g,) = cotangents
        if isinstance(g.type, DisconnectedType):
            return [disconnected_type() for _ in inputs]
        mask = _diagonal_mask(a, offset)
        return [
            switch(mask, 0, g).astype(g.type.dtype),
            pt_sum(switch(mask, g, 0)),
            disconnected_type(),
        ]

    def connection_pattern(self, node):
        return [[True], [True], [False]]


def fill_diagonal_offset(a, val, offset):
    """Return a copy of a matrix with `val` on the diagonal `offset` (positive: above the main one).

    Parameters
    ----------
    a
        The matrix.
    val
        A scalar that `a` can hold.
    offset
        Which diagonal.

    Raises
    ------
    TypeError
        If `a` is no matrix, or `val` no scalar that it can hold.

    Examples
    --------
    >>> pt.fill_diagonal_offset(np.zeros((2, 2)), 5.0, 1).eval().tolist()
    [[0.0, 5.0], [0.0, 0.0]]
    """
    return fill_diagonal_offset_(a, val, offset)


fill_diagonal_ = FillDiagonal()
fill_diagonal_offset_ = FillDiagonalOffset()


def to_one_hot(y, nb_class, dtype=None):
    """Return the rows of the identity matrix that the integers `y` name.

    Parameters
    ----------
    y
        Integer vector with values in ``[0, nb_class)``.
    nb_class
        Number of columns.
    dtype
        Of the result; ``config.floatX`` when None.
    """
    y = as_tensor_variable(y)
    return eye(nb_class, dtype=dtype or config.floatX)[y]
