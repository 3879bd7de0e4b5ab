"""Products and sums of sparse matrices.

`dot` gives a dense result and a dense derivative; `structured_dot` keeps to the elements that the
sparse operand stores, also in its derivative; `true_dot` gives a sparse result.
"""

import numpy as np

from pytensor.graph.basic import Apply
from pytensor.graph.null_type import disconnected_type
from pytensor.sparse._arranging import transpose
from pytensor.sparse._elementwise import _conj, mul_s_d, mul_s_s
from pytensor.sparse._making import (
    CSM,
    AsFormat,
    SparseFromDense,
    SparseOp,
    _is_sparse_variable,
    as_cotangent,
    as_format,
    as_sparse_or_tensor_variable,
    as_sparse_variable,
    common_dtype,
    csm_properties,
    dense_from_sparse,
    dense_output,
    like,
    sp_ones_like,
    sparse_output,
)
from pytensor.sparse.type import _is_sparse
from pytensor.tensor.basic import as_tensor_variable
from pytensor.tensor.math import dot as dense_dot
from pytensor.tensor.math import outer
from pytensor.tensor.type import TensorType


class SpSum(SparseOp):
    """Sum of a sparse matrix over all elements, or over one axis; the result is dense."""

    __props__ = ("axis",)

    def __init__(self, axis=None, sparse_grad=True):
        if axis not in (None, 0, 1):
            raise ValueError(f"[SpSum] axis must be None, 0 or 1, got {axis!r}")
        self.axis = axis
        self.structured = sparse_grad

    def __eq__(self, other):
        return type(self) is type(other) and self._key() == other._key()

    def __hash__(self):
        return hash((type(self), *self._key()))

    def _key(self):
        return self.axis, self.structured

    def __str__(self):
        return f"SpSum{{axis={self.axis}}}"

    def make_node(self, x):
        x = as_sparse_variable(x)
        shape = () if self.axis is None else (x.type.shape[1 - self.axis],)
        return Apply(self, [x], [dense_output(x.type.dtype, shape)])

    def perform(self, node, inputs, output_storage):
        (x,) = inputs
        dtype = node.outputs[0].type.dtype
        total = np.asarray(x.sum(self.axis, dtype=dtype))
        output_storage[0][0] = total.reshape(() if self.axis is None else -1)

    def infer_shape(self, fgraph, node, input_shapes):
        return [() if self.axis is None else (input_shapes[0][1 - self.axis],)]

    def _pullback(self, inputs, outputs, cotangents):
        (x,), (g,) = inputs, cotangents
        if self.axis is not None:
            g = g.dimshuffle("x", 0) if self.axis == 0 else g.dimshuffle(0, "x")
        if self.structured:
            return [as_cotangent(mul_s_d(sp_ones_like(x), g), x)]
        return [as_cotangent(SparseFromDense(x.type.format)(_filled_like(x, g)), x)]


def _filled_like(x, g):
    from pytensor.tensor.extra_ops import broadcast_to  # noqa: PLC0415  (only without structure)

    return broadcast_to(g, x.shape)


def sp_sum(x, axis=None, sparse_grad=False):
    """Sum a sparse matrix over all elements, or over one axis.

    Parameters
    ----------
    x : sparse variable
    axis : {None, 0, 1}
    sparse_grad : bool
        Whether only stored elements have a derivative.

    Examples
    --------
    >>> x = pytensor.sparse.csr_from_dense([[1.0, 2.0], [0.0, 4.0]])
    >>> sp_sum(x, axis=0).eval().tolist()
    [1.0, 6.0]
    """
    return SpSum(axis, sparse_grad)(x)


def _product_shape(x, y, op) -> tuple:
    left, right = x.type.shape, y.type.shape
    if not 1 <= len(left) <= 2 or not 1 <= len(right) <= 2:
        raise TypeError(f"[{op}] x and y must be matrices or vectors, got {x.type} and {y.type}")
    n, m = left[-1], right[0]
    if n is not None and m is not None and n != m:
        raise ValueError(
            f"[{op}] x and y must agree on the inner dimension, got {left} and {right}"
        )
    return (*left[:-1], *right[1:])


def _checked_product(x, y, op):
    if x.shape[-1] != y.shape[0]:
        raise ValueError(
            f"[{op}] x and y must agree on the inner dimension, got {x.shape} and {y.shape}"
        )
    return x @ y


class SparseProduct(SparseOp):
    """Products with a dense result; the C backend has them for constant sparse matrices."""


class Dot(SparseProduct):
    """Product of matrices (or vectors) of which one at least is sparse, as a dense array."""

    def __str__(self):
        return "SparseDot"

    def make_node(self, x, y):
        x, y = as_sparse_or_tensor_variable(x), as_sparse_or_tensor_variable(y)
        if not _is_sparse_variable(x) and not _is_sparse_variable(y):
            raise TypeError(f"[{self}] x or y must be sparse, got {x.type} and {y.type}")
        shape = _product_shape(x, y, self)
        return Apply(self, [x, y], [dense_output(common_dtype(x, y), shape)])

    def perform(self, node, inputs, output_storage):
        z = _checked_product(*inputs, self)
        z = z.toarray() if _is_sparse(z) else np.asarray(z)
        output_storage[0][0] = z.astype(node.outputs[0].type.dtype, copy=False)

    def infer_shape(self, fgraph, node, input_shapes):
        x, y = input_shapes
        return [(*x[:-1], *y[1:])]

    def _pullback(self, inputs, outputs, cotangents):
        (x, y), (g,) = inputs, cotangents
        return [self._left(x, y, g), self._right(x, y, g)]

    def _left(self, x, y, g):
        if y.type.ndim == 1:
            gx = outer(g, _conj(y))
        elif x.type.ndim == 1:
            gx = _any_dot(_conj(y), g)
        else:
            gx = _any_dot(g, _conj(y).T)
        return _as_operand(gx, x)

    def _right(self, x, y, g):
        if x.type.ndim == 1:
            gy = outer(_conj(x), g)
        else:
            gy = _any_dot(_conj(x).T, g)
        return _as_operand(gy, y)


def _any_dot(x, y):
    if _is_sparse_variable(x) or _is_sparse_variable(y):
        return _dot(x, y)
    return dense_dot(x, y)


def _as_operand(g, x):
    """A dense cotangent with the type of `x`."""
    g = SparseFromDense(x.type.format)(g) if _is_sparse_variable(x) else g
    return as_cotangent(g, x)


_dot = Dot()


def dot(x, y):
    """Product of matrices (or vectors) of which one at least is sparse; the result is dense.

    The derivative with respect to a sparse operand is that of a dense one: see `structured_dot`
    for one that keeps to the stored elements.

    Raises
    ------
    TypeError
        If both operands are dense.
    ValueError
        If the inner dimensions differ.

    Examples
    --------
    >>> x = pytensor.sparse.csr_from_dense([[1.0, 2.0], [0.0, 4.0]])
    >>> dot(x, np.array([[1.0], [10.0]])).eval().tolist()
    [[21.0], [40.0]]
    """
    return _dot(x, y)


class StructuredDot(SparseProduct):
    """Product of a sparse and a dense or sparse matrix; the derivative is structured.

    The result is dense if the second operand is.
    """

    def make_node(self, a, b):
        a, b = as_sparse_variable(a), as_sparse_or_tensor_variable(b)
        shape, dtype = _product_shape(a, b, "StructuredDot"), common_dtype(a, b)
        if _is_sparse_variable(b):
            return Apply(self, [a, b], [sparse_output(a.type.format, dtype, shape)])
        return Apply(self, [a, b], [dense_output(dtype, shape)])

    def perform(self, node, inputs, output_storage):
        a, b = inputs
        z = _checked_product(a, b, "StructuredDot")
        dtype = node.outputs[0].type.dtype
        if _is_sparse(b):
            output_storage[0][0] = as_format(z, a.format).astype(dtype)
        else:
            output_storage[0][0] = np.asarray(z).astype(dtype, copy=False)

    def infer_shape(self, fgraph, node, input_shapes):
        a, b = input_shapes
        return [(a[0], *b[1:])]

    def _pullback(self, inputs, outputs, cotangents):
        (a, b), (g,) = inputs, cotangents
        ga, gb = structured_dot_grad(a, _conj(b), g), structured_dot(_conj(a).T, g)
        return [as_cotangent(ga, a), as_cotangent(gb, b)]


_structured_dot = StructuredDot()


def structured_dot(x, y):
    """Product of matrices of which one at least is sparse; only stored elements are variables.

    Parameters
    ----------
    x, y
        One is sparse, the other sparse or dense; a dense one may be a vector.

    Returns
    -------
    variable
        Dense if one of the operands is.

    Raises
    ------
    TypeError
        If both operands are dense.
    ValueError
        If the inner dimensions differ.

    Examples
    --------
    >>> import numpy as np
    >>> import scipy.sparse
    >>> from pytensor import sparse
    >>> x = scipy.sparse.csr_matrix([[0.0, 2.0], [3.0, 0.0]])
    >>> sparse.structured_dot(x, np.array([1.0, 10.0])).eval()
    array([20.,  3.])
    """
    x, y = as_sparse_or_tensor_variable(x), as_sparse_or_tensor_variable(y)
    if _is_sparse_variable(x):
        return _structured_dot(x, y)
    if not _is_sparse_variable(y):
        raise TypeError("structured_dot requires at least one sparse argument")
    z = _structured_dot(transpose(y), x.T)
    return z.T if z.type.ndim == 2 else z


class StructuredDotGradCSR(SparseOp):
    """Elements of ``g @ b.T`` at the places of a csr matrix: its data.

    Examples
    --------
    >>> x = pytensor.sparse.csr_from_dense([[1.0, 2.0], [0.0, 4.0]])
    >>> _, indices, indptr, _ = pytensor.sparse.csm_properties(x)
    >>> sdg_csr(indices, indptr, pt.eye(2), pt.ones((2, 2))).eval().tolist()
    [1.0, 1.0, 1.0]
    """

    by_rows = True

    def make_node(self, a_indices, a_indptr, b, g_ab):
        inputs = [as_tensor_variable(i) for i in (a_indices, a_indptr, b, g_ab)]
        dtype = common_dtype(inputs[2], inputs[3])
        return Apply(self, inputs, [dense_output(dtype, inputs[0].type.shape)])

    def perform(self, node, inputs, output_storage):
        indices, indptr, b, g = inputs
        major = np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))
        rows, columns = (major, indices) if self.by_rows else (indices, major)
        out = np.empty(len(indices), dtype=node.outputs[0].type.dtype)
        b, g = (v.reshape(len(v), -1) for v in (b, g))
        # In pieces: the factors of all elements together may be much larger than the matrix
        step = max(1, 1_000_000 // max(1, b.shape[1]))
        for start in range(0, len(out), step):
            piece = slice(start, start + step)
            out[piece] = np.einsum("ij,ij->i", g[rows[piece]], b[columns[piece]])
        output_storage[0][0] = out

    def infer_shape(self, fgraph, node, input_shapes):
        return [input_shapes[0]]

    def connection_pattern(self, node):
        return [[False], [False], [True], [True]]

    def _pullback(self, inputs, outputs, cotangents):
        indices, indptr, b, g_ab = inputs
        n, m = g_ab.shape[0], b.shape[0]
        shape = [n, m]
        places = CSM("csr" if self.by_rows else "csc")(cotangents[0], indices, indptr, shape)
        gb = structured_dot(places.T, g_ab)
        return [disconnected_type(), disconnected_type(), gb, structured_dot(places, b)]


class StructuredDotGradCSC(StructuredDotGradCSR):
    """Elements of ``g @ b.T`` at the places of a csc matrix: its data.

    Examples
    --------
    >>> x = pytensor.sparse.csc_from_dense([[1.0, 2.0], [0.0, 4.0]])
    >>> _, indices, indptr, _ = pytensor.sparse.csm_properties(x)
    >>> sdg_csc(indices, indptr, pt.eye(2), pt.ones((2, 2))).eval().tolist()
    [1.0, 1.0, 1.0]
    """

    by_rows = False


sdg_csr, sdg_csc = StructuredDotGradCSR(), StructuredDotGradCSC()


def structured_dot_grad(sparse_A, dense_B, ga):
    """The derivative of ``structured_dot(A, B)`` with respect to A, given that of the product.

    Examples
    --------
    >>> x = pytensor.sparse.csr_from_dense([[1.0, 2.0], [0.0, 4.0]])
    >>> structured_dot_grad(x, pt.eye(2), pt.ones((2, 2))).eval().toarray().tolist()
    [[1.0, 1.0], [0.0, 1.0]]
    """
    if _is_sparse_variable(dense_B):
        full = true_dot(ga, transpose(dense_B))
        return mul_s_s(sp_ones_like(sparse_A), like(full, sparse_A))
    A = AsFormat("csr")(sparse_A) if sparse_A.type.format == "bsr" else sparse_A
    op = sdg_csr if A.type.format == "csr" else sdg_csc
    _, indices, indptr, shape = csm_properties(A)
    data = op(indices, indptr, dense_B, ga)
    return like(CSM(A.type.format)(data, indices, indptr, shape), sparse_A)


class TrueDot(SparseOp):
    """Product of a sparse and a sparse or dense matrix, as a sparse matrix."""

    __props__ = ("grad_preserves_dense",)

    def __init__(self, grad_preserves_dense=True):
        self.grad_preserves_dense = grad_preserves_dense

    def make_node(self, x, y):
        x, y = as_sparse_variable(x), as_sparse_or_tensor_variable(y)
        if y.type.ndim != 2:
            raise TypeError(f"[TrueDot] y must be a matrix, got {y.type}")
        shape = _product_shape(x, y, "TrueDot")
        return Apply(self, [x, y], [sparse_output(x.type.format, common_dtype(x, y), shape)])

    def perform(self, node, inputs, output_storage):
        x, y = inputs
        z = as_format(_checked_product(x, y, "TrueDot"), x.format)
        output_storage[0][0] = z.astype(node.outputs[0].type.dtype)

    def infer_shape(self, fgraph, node, input_shapes):
        return [(input_shapes[0][0], input_shapes[1][1])]

    def _pullback(self, inputs, outputs, cotangents):
        (x, y), (g,) = inputs, cotangents
        gx, gy = true_dot(g, _conj(y).T), true_dot(_conj(x).T, g)
        gy = gy if _is_sparse_variable(y) else dense_from_sparse(gy)
        return [as_cotangent(gx, x), as_cotangent(gy, y)]


def true_dot(x, y, grad_preserves_dense=True):
    """Product of matrices of which one at least is sparse, as a sparse matrix.

    Parameters
    ----------
    x, y
        One is sparse, the other sparse or dense.
    grad_preserves_dense : bool
        Accepted for compatibility: the derivative of a dense operand is dense.

    Examples
    --------
    >>> x = pytensor.sparse.csr_from_dense([[1.0, 2.0], [0.0, 4.0]])
    >>> true_dot(x, x).eval().toarray().tolist()
    [[1.0, 10.0], [0.0, 16.0]]
    """
    x, y = as_sparse_or_tensor_variable(x), as_sparse_or_tensor_variable(y)
    if _is_sparse_variable(x):
        return TrueDot(grad_preserves_dense)(x, y)
    if not _is_sparse_variable(y):
        raise TypeError("true_dot requires at least one sparse argument")
    return transpose(TrueDot(grad_preserves_dense)(transpose(y), x.T))


class Usmm(SparseOp):
    """``alpha * x @ y + z``: `x` or `y` sparse, `z` dense.

    Examples
    --------
    >>> x = pytensor.sparse.csr_from_dense([[1.0, 2.0], [0.0, 4.0]])
    >>> usmm(10.0, x, pt.eye(2), pt.ones((2, 2))).eval().tolist()
    [[11.0, 21.0], [1.0, 41.0]]
    """

    def __str__(self):
        return "Usmm{no_inplace}"

    def make_node(self, alpha, x, y, z):
        alpha, z = as_tensor_variable(alpha), as_tensor_variable(z)
        x, y = as_sparse_or_tensor_variable(x), as_sparse_or_tensor_variable(y)
        if not _is_sparse_variable(x) and not _is_sparse_variable(y):
            raise TypeError(f"[Usmm] x or y must be sparse, got {x.type} and {y.type}")
        if not all(alpha.type.broadcastable) or z.type.ndim != 2:
            raise TypeError(
                f"[Usmm] alpha must be a scalar and z a matrix, got {alpha.type} and {z.type}"
            )
        dtype = common_dtype(alpha, x, y, z)
        out = dense_output(dtype, _product_shape(x, y, "Usmm"))
        return Apply(self, [alpha, x, y, z], [out])

    def perform(self, node, inputs, output_storage):
        alpha, x, y, z = inputs
        product = _checked_product(x, y, "Usmm")
        if product.shape != z.shape:
            raise ValueError(f"[Usmm] z must have shape {product.shape}, got {z.shape}")
        total = np.asarray(product * alpha.item() + z)
        output_storage[0][0] = total.astype(node.outputs[0].type.dtype, copy=False)

    def infer_shape(self, fgraph, node, input_shapes):
        return [input_shapes[3]]

    def _pullback(self, inputs, outputs, cotangents):
        (alpha, x, y, z), (g,) = inputs, cotangents
        product = dot(x, y)
        scaled = g * alpha.reshape(())
        gx, gy = _dot.pullback([x, y], [product], [scaled])
        galpha = (g * product).sum().reshape(alpha.shape, ndim=alpha.type.ndim)
        return [as_cotangent(galpha, alpha), gx, gy, as_cotangent(g, z)]


usmm = Usmm()


class SamplingDot(SparseOp):
    """``p * (x @ y.T)`` for dense `x` and `y`, computed only where the sparse `p` stores.

    Examples
    --------
    >>> p = pytensor.sparse.csr_from_dense([[1.0, 0.0], [0.0, 2.0]])
    >>> sampling_dot(np.ones((2, 3)), np.ones((2, 3)), p).eval().toarray().tolist()
    [[3.0, 0.0], [0.0, 6.0]]
    """

    def make_node(self, x, y, p):
        x, y, p = as_tensor_variable(x), as_tensor_variable(y), as_sparse_variable(p)
        if x.type.ndim != 2 or y.type.ndim != 2:
            raise TypeError(f"[SamplingDot] x and y must be matrices, got {x.type} and {y.type}")
        if not isinstance(x.type, TensorType):
            raise TypeError(f"[SamplingDot] x must be dense, got {x.type}")
        dtype = common_dtype(x, y, p)
        return Apply(self, [x, y, p], [p.type.clone(dtype=dtype)()])

    def perform(self, node, inputs, output_storage):
        x, y, p = inputs
        if x.shape[1] != y.shape[1] or p.shape != (len(x), len(y)):
            raise ValueError(
                f"[SamplingDot] shapes must be (n, k), (m, k) and (n, m), got {x.shape}, "
                f"{y.shape} and {p.shape}"
            )
        places = p.tocoo()
        sums = np.einsum("ij,ij->i", x[places.row], y[places.col])
        places.data = (places.data * sums).astype(node.outputs[0].type.dtype)
        output_storage[0][0] = as_format(places, p.format)

    def infer_shape(self, fgraph, node, input_shapes):
        return [input_shapes[2]]

    def _pullback(self, inputs, outputs, cotangents):
        (x, y, p), (g,) = inputs, cotangents
        weighted = mul_s_s(like(g, p), p)
        gx, gy = structured_dot(weighted, y), structured_dot(weighted.T, x)
        gp = mul_s_s(like(g, p), sampling_dot(x, y, sp_ones_like(p)))
        return [as_cotangent(gx, x), as_cotangent(gy, y), as_cotangent(gp, p)]


sampling_dot = SamplingDot()
