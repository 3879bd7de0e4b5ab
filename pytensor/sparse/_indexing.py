"""Elements, rows and submatrices of sparse matrices.

An index is linear, so every derivative puts the cotangent back to where the elements came from.
"""

import numpy as np
import scipy.sparse

from pytensor.graph.basic import Apply, Variable
from pytensor.graph.null_type import disconnected_type
from pytensor.sparse._arranging import checked_vector
from pytensor.sparse._making import (
    SparseOp,
    as_format,
    as_sparse_variable,
    dense_output,
    sparse_output,
)
from pytensor.tensor.basic import as_tensor_variable
from pytensor.tensor.type import discrete_dtypes
from pytensor.tensor.type_other import NoneConst, NoneTypeT
from pytensor.tensor.utils import concrete_int

_NO_VECTORS = "PyTensor has no sparse vector. Use X[a:b, c:d], X[a:b, c:c+1] or X[a:b] instead."


def _integer(x, op: str):
    if x is None:
        return NoneConst
    x = as_tensor_variable(x)
    if x.type.ndim != 0 or x.type.dtype not in discrete_dtypes:
        raise ValueError(f"[{op}] an index must be an integer, got {x.type}")
    return x


def _integers(x, name: str, op: str):
    x = checked_vector(x, name, op)
    if x.type.dtype not in discrete_dtypes:
        raise TypeError(f"[{op}] {name} must be a vector of integers, got {x.type}")
    return x


def _with_disconnected(gradient, inputs):
    return [gradient, *(disconnected_type() for _ in inputs[1:])]


class _Index(SparseOp):
    """Indices have no derivative."""

    def connection_pattern(self, node):
        return [[True]] + [[False] for _ in node.inputs[1:]]


def _put(shape, format, values, rows, columns):
    return as_format(scipy.sparse.coo_matrix((values, (rows, columns)), shape=shape), format)


class GetItem2d(_Index):
    """A submatrix by two slices.

    Examples
    --------
    >>> x = pytensor.sparse.csr_from_dense([[1.0, 2.0], [0.0, 4.0]])
    >>> x[:, 1:].eval().toarray().tolist()
    [[2.0], [4.0]]
    """

    def make_node(self, x, index):
        x = as_sparse_variable(x)
        bounds, shape = [], []
        for axis, piece in enumerate(index):
            if not isinstance(piece, slice):
                raise ValueError(f"[GetItem2d] index must be slices, got {piece!r}")
            bounds += [_integer(b, "GetItem2d") for b in (piece.start, piece.stop, piece.step)]
            shape.append(_sliced_length(x.type.shape[axis], bounds[-3:]))
        if len(shape) != 2:
            raise ValueError(f"[GetItem2d] index must have two slices, got {len(shape)}")
        return Apply(self, [x, *bounds], [sparse_output(x.type.format, x.type.dtype, shape)])

    def perform(self, node, inputs, output_storage):
        x, *bounds = inputs
        output_storage[0][0] = as_format(x[_slices(bounds)], x.format)

    def _pullback(self, inputs, outputs, cotangents):
        return _with_disconnected(_get_item_2d_grad(*inputs, cotangents[0]), inputs)


def _slices(bounds) -> tuple[slice, slice]:
    numbers = [None if b is None else int(b) for b in bounds]
    return slice(*numbers[:3]), slice(*numbers[3:])


def _sliced_length(n: int | None, bounds) -> int | None:
    if any(not isinstance(b.type, NoneTypeT) and concrete_int(b) is None for b in bounds):
        return None
    if n is None:
        return None
    piece = slice(*(None if isinstance(b.type, NoneTypeT) else concrete_int(b) for b in bounds))
    return len(range(*piece.indices(n)))


class GetItem2dGrad(_Index):
    """Put a submatrix into zeros of the shape of `x`."""

    def make_node(self, x, *bounds_and_g):
        g = bounds_and_g[-1]
        return Apply(self, [x, *bounds_and_g], [x.type.clone(dtype=g.type.dtype)()])

    def perform(self, node, inputs, output_storage):
        x, *bounds, g = inputs
        rows, columns = (np.arange(n)[s] for n, s in zip(x.shape, _slices(bounds)))
        g = g.tocoo()
        output_storage[0][0] = _put(x.shape, x.format, g.data, rows[g.row], columns[g.col])

    def connection_pattern(self, node):
        return [[False] for _ in node.inputs[:-1]] + [[True]]

    def infer_shape(self, fgraph, node, input_shapes):
        return [input_shapes[0]]

    def _pullback(self, inputs, outputs, cotangents):
        pieces = [None if isinstance(b.type, NoneTypeT) else b for b in inputs[1:-1]]
        part = get_item_2d(cotangents[0], (slice(*pieces[:3]), slice(*pieces[3:])))
        return [*(disconnected_type() for _ in inputs[:-1]), part]


get_item_2d = GetItem2d()
_get_item_2d_grad = GetItem2dGrad()


class GetItemList(_Index):
    """Rows of a matrix, by their numbers.

    Examples
    --------
    >>> x = pytensor.sparse.csr_from_dense([[1.0, 2.0], [0.0, 4.0]])
    >>> get_item_list(x, [1, 1]).eval().toarray().tolist()
    [[0.0, 4.0], [0.0, 4.0]]
    """

    def make_node(self, x, index):
        x = as_sparse_variable(x)
        index = _integers(index, "index", "GetItemList")
        shape = (index.type.shape[0], x.type.shape[1])
        return Apply(self, [x, index], [sparse_output(x.type.format, x.type.dtype, shape)])

    def perform(self, node, inputs, output_storage):
        x, index = inputs
        output_storage[0][0] = as_format(x[index], x.format)

    def infer_shape(self, fgraph, node, input_shapes):
        return [(input_shapes[1][0], input_shapes[0][1])]

    def _pullback(self, inputs, outputs, cotangents):
        return _with_disconnected(get_item_list_grad(*inputs, cotangents[0]), inputs)


class GetItemListGrad(_Index):
    """Add rows into zeros of the shape of `x`.

    Examples
    --------
    >>> x = pytensor.sparse.csr_from_dense([[1.0, 2.0], [0.0, 4.0]])
    >>> get_item_list_grad(x, [1, 1], get_item_list(x, [1, 1])).eval().toarray().tolist()
    [[0.0, 0.0], [0.0, 8.0]]
    """

    def make_node(self, x, index, gz):
        x, gz = as_sparse_variable(x), as_sparse_variable(gz)
        index = _integers(index, "index", "GetItemListGrad")
        return Apply(self, [x, index, gz], [x.type.clone(dtype=gz.type.dtype)()])

    def perform(self, node, inputs, output_storage):
        x, index, g = inputs
        g = g.tocoo()
        rows = np.where(index < 0, index + x.shape[0], index)
        output_storage[0][0] = _put(x.shape, x.format, g.data, rows[g.row], g.col)

    def connection_pattern(self, node):
        return [[False], [False], [True]]

    def infer_shape(self, fgraph, node, input_shapes):
        return [input_shapes[0]]

    def _pullback(self, inputs, outputs, cotangents):
        return [disconnected_type(), disconnected_type(), get_item_list(cotangents[0], inputs[1])]


get_item_list = GetItemList()
get_item_list_grad = GetItemListGrad()


class GetItem2Lists(_Index):
    """Elements by their rows and columns, as a dense vector.

    Examples
    --------
    >>> x = pytensor.sparse.csr_from_dense([[1.0, 2.0], [0.0, 4.0]])
    >>> get_item_2lists(x, [0, 1], [1, 1]).eval().tolist()
    [2.0, 4.0]
    """

    def make_node(self, x, ind1, ind2):
        x = as_sparse_variable(x)
        ind1 = _integers(ind1, "ind1", "GetItem2Lists")
        ind2 = _integers(ind2, "ind2", "GetItem2Lists")
        out = dense_output(x.type.dtype, ind1.type.shape)
        return Apply(self, [x, ind1, ind2], [out])

    def perform(self, node, inputs, output_storage):
        x, rows, columns = inputs
        picked = np.asarray(x[rows, columns]).reshape(-1) if len(rows) else np.zeros(0)
        output_storage[0][0] = picked.astype(x.dtype, copy=False)

    def infer_shape(self, fgraph, node, input_shapes):
        return [input_shapes[1]]

    def _pullback(self, inputs, outputs, cotangents):
        return _with_disconnected(get_item_2lists_grad(*inputs, cotangents[0]), inputs)


class GetItem2ListsGrad(_Index):
    """Add a vector into zeros of the shape of `x`, by rows and columns.

    Examples
    --------
    >>> x = pytensor.sparse.csr_from_dense([[1.0, 2.0], [0.0, 4.0]])
    >>> get_item_2lists_grad(x, [0, 0], [1, 1], pt.ones(2)).eval().toarray().tolist()
    [[0.0, 2.0], [0.0, 0.0]]
    """

    def make_node(self, x, ind1, ind2, gz):
        x, gz = as_sparse_variable(x), checked_vector(gz, "gz", "GetItem2ListsGrad")
        ind1 = _integers(ind1, "ind1", "GetItem2ListsGrad")
        ind2 = _integers(ind2, "ind2", "GetItem2ListsGrad")
        return Apply(self, [x, ind1, ind2, gz], [x.type.clone(dtype=gz.type.dtype)()])

    def perform(self, node, inputs, output_storage):
        x, ind1, ind2, g = inputs
        rows = np.where(ind1 < 0, ind1 + x.shape[0], ind1)
        columns = np.where(ind2 < 0, ind2 + x.shape[1], ind2)
        output_storage[0][0] = _put(x.shape, x.format, g, rows, columns)

    def connection_pattern(self, node):
        return [[False], [False], [False], [True]]

    def infer_shape(self, fgraph, node, input_shapes):
        return [input_shapes[0]]

    def _pullback(self, inputs, outputs, cotangents):
        picked = get_item_2lists(cotangents[0], *inputs[1:3])
        return [*(disconnected_type() for _ in range(3)), picked]


get_item_2lists = GetItem2Lists()
get_item_2lists_grad = GetItem2ListsGrad()


class GetItemScalar(_Index):
    """One element.

    Examples
    --------
    >>> x = pytensor.sparse.csr_from_dense([[1.0, 2.0], [0.0, 4.0]])
    >>> get_item_scalar(x, (1, 1)).eval().item()
    4.0
    """

    def make_node(self, x, index):
        x = as_sparse_variable(x)
        if len(index) != 2 or any(isinstance(i, slice) for i in index):
            raise ValueError(f"[GetItemScalar] index must be two integers, got {index}")
        index = [_integer(i, "GetItemScalar") for i in index]
        return Apply(self, [x, *index], [dense_output(x.type.dtype, ())])

    def perform(self, node, inputs, output_storage):
        x, i, j = inputs
        output_storage[0][0] = np.asarray(x[int(i), int(j)], dtype=x.dtype)

    def infer_shape(self, fgraph, node, input_shapes):
        return [()]

    def _pullback(self, inputs, outputs, cotangents):
        x, i, j = inputs
        where = (as_tensor_variable(k).reshape((1,)) for k in (i, j))
        g = get_item_2lists_grad(x, *where, cotangents[0].reshape((1,)))
        return _with_disconnected(g, inputs)


get_item_scalar = GetItemScalar()


def getitem(x, args):
    """``x[args]`` for a sparse matrix `x`."""
    args = args if isinstance(args, tuple) else (args,)
    if len(args) == 2 and any(_is_list(a) for a in args):
        if not all(_is_list(a) for a in args):
            raise NotImplementedError(_NO_VECTORS)
        return get_item_2lists(x, *args)
    if len(args) == 1 and _is_list(args[0]):
        return get_item_list(x, args[0])
    if len(args) > 2:
        raise ValueError(f"[sparse] a matrix has two dimensions, got {len(args)} indices")
    for a in args:
        if isinstance(a, Variable) and getattr(a.type, "ndim", 0) > 0:
            raise ValueError(
                "Advanced indexing is not implemented for sparse matrices. "
                f"Argument not supported: {a}"
            )
    n_slices = sum(isinstance(a, slice) for a in args)
    if len(args) == 2 and n_slices == 0:
        return get_item_scalar(x, args)
    if n_slices != len(args):
        raise NotImplementedError(_NO_VECTORS)
    return get_item_2d(x, args if len(args) == 2 else (args[0], slice(None)))


def _is_list(a) -> bool:
    if isinstance(a, Variable):
        return getattr(a.type, "ndim", 0) == 1
    return isinstance(a, list) or (isinstance(a, np.ndarray) and a.ndim == 1)
