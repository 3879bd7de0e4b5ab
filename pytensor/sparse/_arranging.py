"""Transposes, diagonals, scaled rows and columns, stacks, and what is tidied."""

import numpy as np
import scipy.sparse

from pytensor.graph.basic import Apply
from pytensor.graph.null_type import disconnected_type
from pytensor.scalar.basic import upcast
from pytensor.sparse._making import (
    CSC,
    AsFormat,
    SparseOp,
    as_cotangent,
    as_format,
    as_sparse_or_tensor_variable,
    as_sparse_variable,
    common_dtype,
    dense_from_sparse,
    dense_output,
    like,
    sparse_output,
)
from pytensor.sparse.type import SparseTensorType
from pytensor.tensor.basic import arange, as_tensor_variable, stack
from pytensor.tensor.type import TensorType

_TRANSPOSED = {"csr": "csc", "csc": "csr", "bsr": "bsr"}


def checked_vector(x, name: str, op: str):
    """`x` as a dense vector."""
    x = as_tensor_variable(x)
    if x.type.ndim != 1:
        raise TypeError(f"[{op}] {name} must be a vector, got {x.type}")
    return x


class Transpose(SparseOp):
    """The transposed matrix: csr becomes csc and the other way round.

    Examples
    --------
    >>> x = pytensor.sparse.csr_from_dense([[1.0, 2.0]])
    >>> transpose(x).eval().toarray().tolist()
    [[1.0], [2.0]]
    """

    view_map = {0: [0]}

    def __str__(self):
        return "SparseTranspose"

    def make_node(self, x):
        x = as_sparse_variable(x)
        format = _TRANSPOSED[x.type.format]
        return Apply(self, [x], [sparse_output(format, x.type.dtype, x.type.shape[::-1])])

    def perform(self, node, inputs, output_storage):
        output_storage[0][0] = inputs[0].transpose()

    def infer_shape(self, fgraph, node, input_shapes):
        return [input_shapes[0][::-1]]

    def _pullback(self, inputs, outputs, cotangents):
        return [like(transpose(cotangents[0]), inputs[0])]


transpose = Transpose()


class Diag(SparseOp):
    """The diagonal of a square matrix, as a dense vector.

    Examples
    --------
    >>> x = pytensor.sparse.csc_from_dense([[1.0, 2.0], [0.0, 4.0]])
    >>> diag(x).eval().tolist()
    [1.0, 4.0]
    """

    def make_node(self, x):
        x = as_sparse_variable(x)
        n, m = x.type.shape
        return Apply(self, [x], [dense_output(x.type.dtype, (n if n is not None else m,))])

    def perform(self, node, inputs, output_storage):
        (x,) = inputs
        if x.shape[0] != x.shape[1]:
            raise ValueError(f"[Diag] Diag only apply on square matrix, got shape {x.shape}")
        output_storage[0][0] = np.asarray(x.diagonal(), dtype=x.dtype)

    def infer_shape(self, fgraph, node, input_shapes):
        return [(input_shapes[0][0],)]

    def _pullback(self, inputs, outputs, cotangents):
        return [like(square_diagonal(cotangents[0]), inputs[0])]


diag = Diag()


def square_diagonal(diag):
    """Return a csc matrix with the vector `diag` on its diagonal.

    Examples
    --------
    >>> square_diagonal([1.0, 4.0]).eval().toarray().tolist()
    [[1.0, 0.0], [0.0, 4.0]]
    """
    diag = checked_vector(diag, "diag", "square_diagonal")
    n = diag.type.shape[0] if diag.type.shape[0] is not None else diag.shape[0]
    places = arange(n + 1, dtype="int32")
    shape = (n, n) if isinstance(n, int) else stack([n, n])
    return CSC(diag, places[:-1], places, shape)


class EnsureSortedIndices(SparseOp):
    """The same matrix with its elements in order.

    Examples
    --------
    >>> x = pytensor.sparse.csr_from_dense([[1.0, 2.0]])
    >>> ensure_sorted_indices(x).eval().indices.tolist()
    [0, 1]
    """

    __props__ = ("inplace",)

    def __init__(self, inplace):
        self.inplace = inplace
        if inplace:
            self.view_map = {0: [0]}

    def make_node(self, x):
        x = as_sparse_variable(x)
        return Apply(self, [x], [x.type()])

    def perform(self, node, inputs, output_storage):
        (x,) = inputs
        if self.inplace:
            x.sort_indices()
            output_storage[0][0] = x
        else:
            output_storage[0][0] = x.sorted_indices()

    def infer_shape(self, fgraph, node, input_shapes):
        return input_shapes

    def _pullback(self, inputs, outputs, cotangents):
        return list(cotangents)


ensure_sorted_indices = EnsureSortedIndices(inplace=False)


class Remove0(SparseOp):
    """The same matrix without the zeros it stores.

    Examples
    --------
    >>> x = pytensor.sparse.CSR([0.0, 2.0], [0, 1], [0, 2], [1, 2])
    >>> x.eval().nnz, remove0(x).eval().nnz
    (2, 1)
    """

    __props__ = ("inplace",)

    def __init__(self, inplace=False):
        self.inplace = inplace
        if inplace:
            self.destroy_map = {0: [0]}

    def make_node(self, x):
        x = as_sparse_variable(x)
        return Apply(self, [x], [x.type()])

    def perform(self, node, inputs, output_storage):
        x = inputs[0] if self.inplace else inputs[0].copy()
        x.eliminate_zeros()
        output_storage[0][0] = x

    def infer_shape(self, fgraph, node, input_shapes):
        return input_shapes

    def _pullback(self, inputs, outputs, cotangents):
        return list(cotangents)


remove0 = Remove0()


def clean(x):
    """Remove stored zeros and sort the elements.

    Examples
    --------
    >>> x = pytensor.sparse.CSR([0.0, 2.0], [0, 1], [0, 2], [1, 2])
    >>> x.eval().nnz, clean(x).eval().nnz
    (2, 1)
    """
    return ensure_sorted_indices(remove0(x))


class ColScaleCSC(SparseOp):
    """Multiply the columns of a csc matrix by the elements of a vector."""

    def make_node(self, x, s):
        x = as_sparse_variable(x)
        if x.type.format != "csc":
            raise ValueError(f"[{type(self).__name__}] x must be csc, got {x.type}")
        s = checked_vector(s, "s", type(self).__name__)
        out = sparse_output("csc", common_dtype(x, s), x.type.shape)
        return Apply(self, [x, s], [out])

    def perform(self, node, inputs, output_storage):
        x, s = inputs
        if s.shape != (x.shape[1],):
            raise ValueError(
                f"[ColScaleCSC] s must have as many elements as x has columns, got "
                f"{s.shape} and {x.shape}"
            )
        data = x.data * np.repeat(s, np.diff(x.indptr))
        output_storage[0][0] = _with_data(node, x, data)

    def infer_shape(self, fgraph, node, input_shapes):
        return [input_shapes[0]]

    def _pullback(self, inputs, outputs, cotangents):
        (x, s), (g,) = inputs, cotangents
        from pytensor.sparse.math import sp_sum  # noqa: PLC0415  (sums are above)

        return [as_cotangent(col_scale(g, s), x), as_cotangent(sp_sum(x * g, axis=0), s)]


class RowScaleCSC(ColScaleCSC):
    """Multiply the rows of a csc matrix by the elements of a vector."""

    def perform(self, node, inputs, output_storage):
        x, s = inputs
        if s.shape != (x.shape[0],):
            raise ValueError(
                f"[RowScaleCSC] s must have as many elements as x has rows, got "
                f"{s.shape} and {x.shape}"
            )
        output_storage[0][0] = _with_data(node, x, x.data * s[x.indices])

    def _pullback(self, inputs, outputs, cotangents):
        (x, s), (g,) = inputs, cotangents
        from pytensor.sparse.math import sp_sum  # noqa: PLC0415  (sums are above)

        return [as_cotangent(row_scale(g, s), x), as_cotangent(sp_sum(x * g, axis=1), s)]


def _with_data(node, x, data):
    dtype = node.outputs[0].type.dtype
    parts = (data.astype(dtype, copy=False), x.indices.copy(), x.indptr.copy())
    return SparseTensorType.format_cls[x.format](parts, shape=x.shape)


_col_scale, _row_scale = ColScaleCSC(), RowScaleCSC()


def col_scale(x, s):
    """Multiply the columns of a sparse matrix by the elements of a vector.

    Examples
    --------
    >>> x = pytensor.sparse.csr_from_dense([[1.0, 2.0], [0.0, 4.0]])
    >>> col_scale(x, [1.0, 10.0]).eval().toarray().tolist()
    [[1.0, 20.0], [0.0, 40.0]]
    """
    x = as_sparse_variable(x)
    if x.type.format == "csc":
        return _col_scale(x, s)
    return transpose(_row_scale(transpose(_compressed(x)), s))


def row_scale(x, s):
    """Multiply the rows of a sparse matrix by the elements of a vector.

    Examples
    --------
    >>> x = pytensor.sparse.csr_from_dense([[1.0, 2.0], [0.0, 4.0]])
    >>> row_scale(x, [1.0, 10.0]).eval().toarray().tolist()
    [[1.0, 2.0], [0.0, 40.0]]
    """
    x = as_sparse_variable(x)
    if x.type.format == "csc":
        return _row_scale(x, s)
    return transpose(_col_scale(transpose(_compressed(x)), s))


def _compressed(x):
    return x if x.type.format != "bsr" else AsFormat("csr")(x)


class Stack(SparseOp):
    """What stacks of sparse and dense matrices share."""

    __props__ = ("format", "dtype")
    axis: int

    def __init__(self, format=None, dtype=None):
        self.format = "csc" if format is None else format
        if dtype is None:
            raise ValueError(f"[{type(self).__name__}] dtype must be given")
        self.dtype = dtype

    def __str__(self):
        return f"{type(self).__name__}({self.format},{self.dtype})"

    def make_node(self, *blocks):
        if not blocks:
            raise ValueError(f"[{type(self).__name__}] needs at least one block")
        blocks = [as_sparse_or_tensor_variable(b) for b in blocks]
        shape: list = [None, None]
        lengths = [b.type.shape[self.axis] for b in blocks]
        shape[self.axis] = None if None in lengths else sum(lengths)
        others = {b.type.shape[1 - self.axis] for b in blocks} - {None}
        if len(others) > 1:
            raise ValueError(
                f"[{type(self).__name__}] blocks must agree on axis {1 - self.axis}, got "
                f"{[b.type.shape for b in blocks]}"
            )
        shape[1 - self.axis] = next(iter(others), None)
        return Apply(self, blocks, [sparse_output(self.format, self.dtype, shape)])

    def perform(self, node, inputs, output_storage):
        stacked = (scipy.sparse.vstack, scipy.sparse.hstack)[self.axis](
            [scipy.sparse.csr_matrix(b) for b in inputs], format=self.format, dtype=self.dtype
        )
        output_storage[0][0] = as_format(stacked, self.format)

    def infer_shape(self, fgraph, node, input_shapes):
        shape = list(input_shapes[0])
        for other in input_shapes[1:]:
            shape[self.axis] = shape[self.axis] + other[self.axis]
        return [tuple(shape)]

    def _pullback(self, inputs, outputs, cotangents):
        (g,) = cotangents
        if g.type.format == "bsr":
            g = AsFormat("csr")(g)
        gradients, start = [], 0
        for x in inputs:
            n = x.type.shape[self.axis]
            stop = start + (x.shape[self.axis] if n is None else n)
            part = g[start:stop, :] if self.axis == 0 else g[:, start:stop]
            start = stop
            part = part if isinstance(x.type, SparseTensorType) else dense_from_sparse(part)
            gradients.append(as_cotangent(part, x))
        return gradients


class HStack(Stack):
    """Matrices side by side."""

    axis = 1


class VStack(Stack):
    """Matrices above one another."""

    axis = 0


def _stacked(cls, blocks, format, dtype):
    blocks = [as_sparse_or_tensor_variable(b) for b in blocks]
    dtype = upcast(*(b.type.dtype for b in blocks)) if dtype is None else dtype
    return cls(format=format, dtype=dtype)(*blocks)


def hstack(blocks, format=None, dtype=None):
    """Put sparse (or dense) matrices side by side; csc if no format is given.

    Examples
    --------
    >>> x = pytensor.sparse.csr_from_dense([[1.0, 0.0]])
    >>> hstack([x, x]).eval().toarray().tolist()
    [[1.0, 0.0, 1.0, 0.0]]
    """
    return _stacked(HStack, blocks, format, dtype)


def vstack(blocks, format=None, dtype=None):
    """Put sparse (or dense) matrices above one another; csc if no format is given.

    Examples
    --------
    >>> x = pytensor.sparse.csr_from_dense([[1.0, 0.0]])
    >>> vstack([x, x]).eval().toarray().tolist()
    [[1.0, 0.0], [1.0, 0.0]]
    """
    return _stacked(VStack, blocks, format, dtype)


class ConstructSparseFromList(SparseOp):
    """A csc matrix of the shape of `x` with `values` in the rows `ilist`, zero elsewhere.

    Rows that are named more than once are added up.

    Examples
    --------
    >>> x, values = np.zeros((3, 2)), np.array([[1.0, 2.0]])
    >>> construct_sparse_from_list(x, values, [2]).eval().toarray().tolist()
    [[0.0, 0.0], [0.0, 0.0], [1.0, 2.0]]
    """

    def make_node(self, x, values, ilist):
        x, values = as_tensor_variable(x), as_tensor_variable(values)
        ilist = checked_vector(ilist, "ilist", "ConstructSparseFromList")
        if x.type.ndim != 2 or values.type.ndim != 2:
            raise TypeError(
                f"[ConstructSparseFromList] x and values must be matrices, got {x.type} and "
                f"{values.type}"
            )
        if not isinstance(ilist.type, TensorType) or "int" not in ilist.type.dtype:
            raise TypeError(f"[ConstructSparseFromList] ilist must be integers, got {ilist.type}")
        out = sparse_output("csc", values.type.dtype, x.type.shape)
        return Apply(self, [x, values, ilist], [out])

    def perform(self, node, inputs, output_storage):
        x, values, ilist = inputs
        rows = np.where(ilist < 0, ilist + x.shape[0], ilist)
        if ((rows < 0) | (rows >= x.shape[0])).any():
            raise IndexError(
                f"[ConstructSparseFromList] ilist must be rows of x, which has {x.shape[0]}"
            )
        m = values.shape[1]
        where = (np.repeat(rows, m), np.tile(np.arange(m), len(rows)))
        output_storage[0][0] = scipy.sparse.csc_matrix((values.ravel(), where), shape=x.shape)

    def infer_shape(self, fgraph, node, input_shapes):
        return [input_shapes[0]]

    def connection_pattern(self, node):
        return [[True], [True], [False]]

    def _pullback(self, inputs, outputs, cotangents):
        x, _, ilist = inputs
        return [x.zeros_like(), dense_from_sparse(cotangents[0])[ilist], disconnected_type()]


construct_sparse_from_list = ConstructSparseFromList()
