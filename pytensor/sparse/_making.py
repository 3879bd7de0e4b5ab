"""Sparse variables from values, from dense matrices and from their parts, and back."""

import numpy as np
import scipy.sparse

from pytensor.configdefaults import config
from pytensor.graph.basic import Apply, Variable
from pytensor.graph.null_type import DisconnectedType, disconnected_type
from pytensor.graph.op import Op
from pytensor.graph.replace import _vectorize_node
from pytensor.scalar.basic import upcast
from pytensor.sparse.type import SparseTensorType, _is_sparse
from pytensor.sparse.variable import SparseConstant, SparseVariable
from pytensor.tensor._convert import _as_tensor_variable
from pytensor.tensor.basic import as_tensor_variable
from pytensor.tensor.basic import cast as dense_cast
from pytensor.tensor.type import TensorType, discrete_dtypes, integer_dtypes
from pytensor.tensor.utils import concrete_int


def _is_sparse_variable(x) -> bool:
    return isinstance(x, Variable) and isinstance(x.type, SparseTensorType)


def _is_dense_variable(x) -> bool:
    return isinstance(x, Variable) and isinstance(x.type, TensorType)


def _is_dense(x) -> bool:
    return isinstance(x, np.ndarray)


def as_sparse_variable(x, name=None, ndim=None, **kwargs):
    """Return `x` as a sparse variable.

    Parameters
    ----------
    x : sparse variable, or sparse matrix of SciPy
        A value becomes a constant, in csr if its format is not one of csr, csc and bsr.

    Raises
    ------
    TypeError
        If `x` is dense.

    Examples
    --------
    >>> import scipy.sparse
    >>> from pytensor.sparse import as_sparse
    >>> as_sparse(scipy.sparse.eye(3, format="csr")).type
    SparseTensorType(csr, float64, shape=(3, 3))
    """
    if isinstance(x, Apply):
        if len(x.outputs) != 1:
            raise ValueError("It is ambiguous which output of a multi-output Op has to be fetched.")
        x = x.outputs[0]
    if isinstance(x, Variable):
        if not isinstance(x.type, SparseTensorType):
            raise TypeError(f"[as_sparse] x must be of a SparseTensorType, got {x} of {x.type}")
        return x
    if not _is_sparse(x):
        raise TypeError(f"[as_sparse] x must be a sparse variable or matrix, got {type(x)}")
    format = x.format if x.format in SparseTensorType.format_cls else "csr"
    return SparseConstant(SparseTensorType(format, x.dtype.name, x.shape), x.copy(), name)


as_sparse = as_sparse_variable


def as_symbolic_sparse(x, **kwargs):
    """Return `x` as a sparse variable; see `as_sparse_variable`.

    Examples
    --------
    >>> as_symbolic_sparse(csr_matrix("x")).type.format
    'csr'
    """
    return as_sparse_variable(x, **kwargs)


def as_sparse_or_tensor_variable(x, name=None, **kwargs):
    """Return `x` as a sparse variable if it is sparse, as a dense one otherwise.

    Examples
    --------
    >>> as_sparse_or_tensor_variable([[1.0, 0.0]]).type.ndim
    2
    """
    if _is_sparse(x) or _is_sparse_variable(x):
        return as_sparse_variable(x, name=name)
    return as_tensor_variable(x, name=name, **kwargs)


@_as_tensor_variable.register(SparseVariable)
def _dense_of_variable(x, name, ndim, **kwargs):
    # Dense functions see the dense matrix
    return as_tensor_variable(dense_from_sparse(x), ndim=ndim)


def matrix(format, name=None, dtype=None, shape=None):
    """Return a new sparse variable of a format; `config.floatX` by default.

    Examples
    --------
    >>> matrix("csr", "x", dtype="float32").type
    SparseTensorType(csr, float32, shape=(?, ?))
    """
    dtype = config.floatX if dtype is None else dtype
    return SparseTensorType(format=format, dtype=dtype, shape=shape)(name)


def csc_matrix(name=None, dtype=None, shape=None):
    """Return a new variable of compressed columns.

    Examples
    --------
    >>> csc_matrix("x").type.format
    'csc'
    """
    return matrix("csc", name, dtype, shape)


def csr_matrix(name=None, dtype=None, shape=None):
    """Return a new variable of compressed rows.

    Examples
    --------
    >>> csr_matrix("x").type.format
    'csr'
    """
    return matrix("csr", name, dtype, shape)


def bsr_matrix(name=None, dtype=None):
    """Return a new variable of rows of blocks.

    Examples
    --------
    >>> bsr_matrix("x").type.format
    'bsr'
    """
    return matrix("bsr", name, dtype)


csc_dmatrix = SparseTensorType(format="csc", dtype="float64")
csr_dmatrix = SparseTensorType(format="csr", dtype="float64")
bsr_dmatrix = SparseTensorType(format="bsr", dtype="float64")
csc_fmatrix = SparseTensorType(format="csc", dtype="float32")
csr_fmatrix = SparseTensorType(format="csr", dtype="float32")
bsr_fmatrix = SparseTensorType(format="bsr", dtype="float32")


class SparseOp(Op):
    """What Ops on sparse matrices share."""

    __props__: tuple = ()

    def pullback(self, inputs, outputs, cotangents):
        if all(isinstance(g.type, DisconnectedType) for g in cotangents):
            return [disconnected_type() for _ in inputs]
        return self._pullback(inputs, outputs, cotangents)

    def _pullback(self, inputs, outputs, cotangents):
        raise NotImplementedError(f"[{self}] has no derivative")


@_vectorize_node.register(SparseOp)
def _vectorize_sparse(op, node, *batched):
    if all(b.type.ndim == i.type.ndim for b, i in zip(batched, node.inputs)):
        return op.make_node(*batched)
    raise NotImplementedError(f"[{op}] there are no batches of sparse matrices")


def sparse_output(format: str, dtype: str, shape) -> Variable:
    """A new variable for a sparse output."""
    return SparseTensorType(format, dtype, shape).make_variable()


def dense_output(dtype: str, shape) -> Variable:
    """A new variable for a dense output."""
    return TensorType(dtype, shape=tuple(shape)).make_variable()


def as_format(value, format: str):
    """A SciPy value in a format, as the matrix class of it."""
    return SparseTensorType.format_cls[format](value)


class AsFormat(SparseOp):
    """A sparse matrix in another format."""

    __props__ = ("format",)

    def __init__(self, format: str):
        self.format = format

    def make_node(self, x):
        x = as_sparse_variable(x)
        return Apply(self, [x], [sparse_output(self.format, x.type.dtype, x.type.shape)])

    def perform(self, node, inputs, output_storage):
        output_storage[0][0] = as_format(inputs[0].asformat(self.format, copy=True), self.format)

    def infer_shape(self, fgraph, node, input_shapes):
        return input_shapes

    def _pullback(self, inputs, outputs, cotangents):
        return [like(cotangents[0], inputs[0])]


def like(g, x):
    """A sparse cotangent in the format of `x`."""
    return g if g.type.format == x.type.format else AsFormat(x.type.format)(g)


class DenseFromSparse(SparseOp):
    """A sparse matrix as a dense one.

    With ``structured=True`` only stored elements have a derivative.

    Examples
    --------
    >>> dense_from_sparse(csr_from_dense([[0.0, 2.0]])).eval().tolist()
    [[0.0, 2.0]]
    """

    def __init__(self, structured: bool = True):
        self.sparse_grad = structured

    def __eq__(self, other):
        return type(self) is type(other) and self.sparse_grad == other.sparse_grad

    def __hash__(self):
        return hash((type(self), self.sparse_grad))

    def __str__(self):
        return f"DenseFromSparse{{structured_grad={self.sparse_grad}}}"

    def make_node(self, x):
        x = as_sparse_variable(x)
        return Apply(self, [x], [dense_output(x.type.dtype, x.type.shape)])

    def perform(self, node, inputs, output_storage):
        output_storage[0][0] = inputs[0].toarray()

    def infer_shape(self, fgraph, node, input_shapes):
        return input_shapes

    def _pullback(self, inputs, outputs, cotangents):
        (x,), (g,) = inputs, cotangents
        if not self.sparse_grad:
            return [SparseFromDense(x.type.format)(g)]
        return [on_pattern(x, g)]


def as_cotangent(g, x):
    """A cotangent of `x` in its format and dtype; integers have floating-point ones."""
    wanted = x.type.dtype
    if wanted in discrete_dtypes or g.type.dtype == wanted:
        pass
    elif _is_sparse_variable(g):
        if g.type.dtype.startswith("complex") and not wanted.startswith("complex"):
            data, indices, indptr, shape = csm_properties(g)
            g = CSM(g.type.format)(data.real, indices, indptr, shape)
        g = cast(g, wanted)
    else:
        real = g.type.dtype.startswith("complex") and not wanted.startswith("complex")
        g = dense_cast(g.real if real else g, wanted)
    return like(g, x) if _is_sparse_variable(x) and _is_sparse_variable(g) else g


def on_pattern(x, g):
    """The elements of a dense cotangent that the sparse `x` stores."""
    from pytensor.sparse.math import mul_s_d  # noqa: PLC0415  (elementwise Ops are above)

    return mul_s_d(sp_ones_like(x), as_cotangent(as_tensor_variable(g), x))


class SparseFromDense(SparseOp):
    """The elements of a dense matrix that are not zero, in a sparse format.

    Examples
    --------
    >>> csr_from_dense([[0.0, 2.0]]).eval().data.tolist()
    [2.0]
    """

    __props__ = ("format",)

    def __init__(self, format: str):
        self.format = format

    def __str__(self):
        return f"SparseFromDense{{{self.format}}}"

    def make_node(self, x):
        x = as_tensor_variable(x)
        if x.type.ndim not in (0, 1, 2):
            raise TypeError(f"[SparseFromDense] x must have at most 2 dimensions, got {x.type}")
        shape = (1,) * (2 - x.type.ndim) + x.type.shape
        return Apply(self, [x], [sparse_output(self.format, x.type.dtype, shape)])

    def perform(self, node, inputs, output_storage):
        output_storage[0][0] = SparseTensorType.format_cls[self.format](np.atleast_2d(inputs[0]))

    def infer_shape(self, fgraph, node, input_shapes):
        return [(1,) * (2 - len(input_shapes[0])) + tuple(input_shapes[0])]

    def _pullback(self, inputs, outputs, cotangents):
        (x,), (g,) = inputs, cotangents
        g = dense_from_sparse(g)
        return [g if x.type.ndim == 2 else g[(0,) * (2 - x.type.ndim)]]


dense_from_sparse = DenseFromSparse()
csr_from_dense = SparseFromDense("csr")
csc_from_dense = SparseFromDense("csc")


class CSMProperties(SparseOp):
    """The parts of a compressed matrix: data, indices, indptr and shape.

    Examples
    --------
    >>> data, indices, indptr, shape = csm_properties(csr_from_dense([[0.0, 2.0], [3.0, 4.0]]))
    >>> indices.eval().tolist(), indptr.eval().tolist()
    ([1, 0, 1], [0, 1, 3])
    """

    def make_node(self, csm):
        csm = as_sparse_variable(csm)
        if csm.type.format not in ("csr", "csc"):
            raise TypeError(f"[CSMProperties] csm must be csr or csc, got {csm.type}")
        outputs = [dense_output(csm.type.dtype, (None,))]
        outputs += [dense_output("int32", (n,)) for n in (None, None, 2)]
        return Apply(self, [csm], outputs)

    def perform(self, node, inputs, output_storage):
        (x,) = inputs
        # Copies: the input must survive whatever is done to its parts
        output_storage[0][0] = np.array(x.data)
        output_storage[1][0] = np.array(x.indices, dtype="int32")
        output_storage[2][0] = np.array(x.indptr, dtype="int32")
        output_storage[3][0] = np.array(x.shape, dtype="int32")

    def connection_pattern(self, node):
        return [[True, False, False, False]]

    def _pullback(self, inputs, outputs, cotangents):
        (x,), g = inputs, cotangents[0]
        if isinstance(g.type, DisconnectedType):
            return [x.zeros_like()]
        _, indices, indptr, shape = csm_properties(x)
        return [CSM(x.type.format)(g, indices, indptr, shape)]


csm_properties = CSMProperties()


def csm_data(csm):
    """The stored elements, as a vector.

    Examples
    --------
    >>> csm_data(csr_from_dense([[0.0, 2.0], [3.0, 4.0]])).eval().tolist()
    [2.0, 3.0, 4.0]
    """
    return csm_properties(csm)[0]


def csm_indices(csm):
    """Columns (csr) or rows (csc) of the stored elements.

    Examples
    --------
    >>> csm_indices(csr_from_dense([[0.0, 2.0], [3.0, 4.0]])).eval().tolist()
    [1, 0, 1]
    """
    return csm_properties(csm)[1]


def csm_indptr(csm):
    """Where rows (csr) or columns (csc) begin among the stored elements.

    Examples
    --------
    >>> csm_indptr(csr_from_dense([[0.0, 2.0], [3.0, 4.0]])).eval().tolist()
    [0, 1, 3]
    """
    return csm_properties(csm)[2]


def csm_shape(csm):
    """The shape, as a vector of int32.

    Examples
    --------
    >>> csm_shape(csr_from_dense([[0.0, 2.0], [3.0, 4.0]])).eval().tolist()
    [2, 2]
    """
    return csm_properties(csm)[3]


class CSM(SparseOp):
    """A compressed matrix from its parts: data, indices, indptr and shape.

    Examples
    --------
    >>> CSR([2.0, 3.0], [1, 0], [0, 1, 2], [2, 2]).eval().toarray().tolist()
    [[0.0, 2.0], [3.0, 0.0]]
    """

    __props__ = ("format",)

    def __init__(self, format, kmap=None):
        if format not in ("csr", "csc"):
            raise ValueError(f"[CSM] format must be 'csr' or 'csc', got {format!r}")
        if kmap is not None:
            raise ValueError("[CSM] kmap is not supported")
        self.format = format

    def make_node(self, data, indices, indptr, shape):
        data = as_tensor_variable(data)
        if data.type.ndim != 1:
            raise TypeError(f"[CSM] data must be a vector, got {data.type}")
        lengths = _static_lengths(shape)
        parts = []
        for name, part in (("indices", indices), ("indptr", indptr), ("shape", shape)):
            part = as_tensor_variable(part)
            if part.type.ndim != 1 or part.type.dtype not in discrete_dtypes:
                raise TypeError(f"[CSM] {name} must be a vector of integers, got {part.type}")
            parts.append(part if part.type.dtype == "int32" else dense_cast(part, "int32"))
        out = sparse_output(self.format, data.type.dtype, lengths)
        return Apply(self, [data, *parts], [out])

    def perform(self, node, inputs, output_storage):
        data, indices, indptr, shape = inputs
        if len(shape) != 2:
            raise ValueError(f"[CSM] shape must have 2 entries, got {len(shape)}")
        if len(data) != len(indices):
            raise ValueError(
                f"[CSM] data and indices must have one length, got {len(data)} and {len(indices)}"
            )
        cls = SparseTensorType.format_cls[self.format]
        shape = tuple(map(int, shape))
        minor = shape[1] if self.format == "csr" else shape[0]
        if indices.size and not (indices.min() >= 0 and indices.max() < minor):
            # SciPy does not look, and would write out of bounds
            raise ValueError(
                f"[CSM] indices must be in [0, {minor}) for the shape {shape}, "
                f"got {indices.min()} to {indices.max()}"
            )
        if np.any(np.diff(indptr) < 0):
            raise ValueError("[CSM] indptr must not decrease")
        output_storage[0][0] = cls((data, indices, indptr), shape, copy=True)

    def infer_shape(self, fgraph, node, input_shapes):
        shape = node.inputs[3]
        return [(shape[0].astype("int64"), shape[1].astype("int64"))]

    def connection_pattern(self, node):
        return [[True], [False], [False], [False]]

    def _pullback(self, inputs, outputs, cotangents):
        g = like(cotangents[0], outputs[0])
        data = csm_grad(*inputs, *csm_properties(g))
        return [data, *(disconnected_type() for _ in range(3))]


def _static_lengths(shape) -> tuple:
    if not isinstance(shape, Variable):
        lengths = list(shape)
    elif hasattr(shape, "data"):
        lengths = list(shape.data)
    else:
        return (None, None)
    return tuple(concrete_int(n) for n in lengths)


class CSMGrad(SparseOp):
    """Elements of a sparse matrix at the places of another, in the order of its data.

    Examples
    --------
    >>> parts = csm_properties(csr_from_dense([[0.0, 2.0], [3.0, 4.0]]))
    >>> csm_grad(*parts, *parts).eval().tolist()
    [2.0, 3.0, 4.0]
    """

    def __init__(self, kmap=None):
        if kmap is not None:
            raise ValueError("[CSMGrad] kmap is not supported")

    def make_node(self, data, indices, indptr, shape, g_data, g_indices, g_indptr, g_shape):
        inputs = [data, indices, indptr, shape, g_data, g_indices, g_indptr, g_shape]
        inputs = [as_tensor_variable(i) for i in inputs]
        return Apply(self, inputs, [inputs[4].type.clone(shape=inputs[0].type.shape)()])

    def perform(self, node, inputs, output_storage):
        _, indices, indptr, _, g_data, g_indices, g_indptr, g_shape = inputs
        if np.array_equal(indices, g_indices) and np.array_equal(indptr, g_indptr):
            output_storage[0][0] = g_data.copy()
            return
        # Rows of csr, or columns of csc: the arithmetic is the same
        n = len(g_indptr) - 1
        width = int(max(g_shape)) if len(g_shape) else 0
        g = scipy.sparse.csr_matrix((g_data, g_indices, g_indptr), shape=(n, width))
        rows = np.repeat(np.arange(n), np.diff(indptr))
        picked = g[rows, indices] if len(rows) else np.zeros(0)
        output_storage[0][0] = np.asarray(picked, dtype=g_data.dtype).reshape(-1)

    def infer_shape(self, fgraph, node, input_shapes):
        return [input_shapes[0]]


csm_grad = CSMGrad()
CSC = CSM("csc")
CSR = CSM("csr")


class Cast(SparseOp):
    """A sparse matrix with another dtype.

    Examples
    --------
    >>> fcast(csr_from_dense([[0.0, 2.0]])).type.dtype
    'float32'
    """

    __props__ = ("out_type",)

    def __init__(self, out_type):
        self.out_type = TensorType(out_type, shape=()).dtype

    def __str__(self):
        return f"Cast({self.out_type})"

    def make_node(self, x):
        x = as_sparse_variable(x)
        return Apply(self, [x], [sparse_output(x.type.format, self.out_type, x.type.shape)])

    def perform(self, node, inputs, output_storage):
        output_storage[0][0] = inputs[0].astype(self.out_type)

    def infer_shape(self, fgraph, node, input_shapes):
        return input_shapes

    def _pullback(self, inputs, outputs, cotangents):
        dtype = inputs[0].type.dtype
        if self.out_type in integer_dtypes or dtype in discrete_dtypes:
            return [inputs[0].zeros_like(dtype="float64" if dtype in discrete_dtypes else None)]
        return [Cast(dtype)(cotangents[0])]


def cast(variable, dtype):
    """Return the sparse matrix with another dtype.

    Examples
    --------
    >>> cast(csr_from_dense([[0.0, 2.5]]), "int64").eval().toarray().tolist()
    [[0, 2]]
    """
    variable = as_sparse_variable(variable)
    return variable if variable.type.dtype == dtype else Cast(dtype)(variable)


bcast, wcast, icast, lcast = Cast("int8"), Cast("int16"), Cast("int32"), Cast("int64")
fcast, dcast, ccast, zcast = (
    Cast("float32"),
    Cast("float64"),
    Cast("complex64"),
    Cast("complex128"),
)


def sp_ones_like(x):
    """Ones where `x` stores elements.

    Examples
    --------
    >>> sp_ones_like(csr_from_dense([[0.0, 2.0]])).eval().toarray().tolist()
    [[0.0, 1.0]]
    """
    data, indices, indptr, shape = csm_properties(x)
    return CSM(x.type.format)(data.ones_like(), indices, indptr, shape)


class ZerosLike(SparseOp):
    """A matrix without elements."""

    def make_node(self, x):
        x = as_sparse_variable(x)
        return Apply(self, [x], [sparse_output(x.type.format, x.type.dtype, x.type.shape)])

    def perform(self, node, inputs, output_storage):
        (x,) = inputs
        output_storage[0][0] = SparseTensorType.format_cls[x.format](x.shape, dtype=x.dtype)

    def infer_shape(self, fgraph, node, input_shapes):
        return input_shapes

    def _pullback(self, inputs, outputs, cotangents):
        return [inputs[0].zeros_like()]


_zeros_like = ZerosLike()


def sp_zeros_like(x):
    """A matrix of the shape and format of `x` that stores nothing.

    Examples
    --------
    >>> sp_zeros_like(csr_from_dense([[0.0, 2.0]])).eval().nnz
    0
    """
    return _zeros_like(x)


def common_dtype(*operands) -> str:
    """The dtype of a sum or product."""
    return upcast(*(o.type.dtype for o in operands))
