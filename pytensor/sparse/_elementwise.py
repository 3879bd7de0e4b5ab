"""Sums, products, comparisons and functions of sparse matrices, element by element."""

from functools import wraps

import numpy as np

from pytensor.graph.basic import Apply
from pytensor.graph.null_type import disconnected_type
from pytensor.sparse._making import (
    CSM,
    AsFormat,
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
    on_pattern,
    sp_ones_like,
    sparse_output,
)
from pytensor.sparse.type import SparseTensorType
from pytensor.tensor import math as ptm
from pytensor.tensor.basic import as_tensor_variable


def _broadcast_shape(x, y) -> tuple:
    return tuple(
        m if n in (None, 1) and m is not None else n
        for n, m in zip(x.type.shape, y.type.shape, strict=True)
    )


def _same_shape(x, y, op) -> None:
    if x.shape != y.shape:
        raise ValueError(f"[{op}] x and y must have one shape, got {x.shape} and {y.shape}")


def _two_sparse(x, y, op: str):
    x, y = as_sparse_variable(x), as_sparse_variable(y)
    for n, m in zip(x.type.shape, y.type.shape):
        if n is not None and m is not None and n != m:
            raise ValueError(
                f"[{op}] x and y must have one shape, got {x.type.shape} and {y.type.shape}"
            )
    return x, y if y.type.format == x.type.format else AsFormat(x.type.format)(y)


def _sparse_and_dense(x, y, op: str, ndims=(2,)):
    """The sparse one first."""
    if _is_sparse_variable(y) and not _is_sparse_variable(x):
        x, y = y, x
    x, y = as_sparse_variable(x), as_tensor_variable(y)
    if y.type.ndim not in ndims:
        raise TypeError(
            f"[{op}] the dense operand must have {' or '.join(map(str, ndims))} dimensions, "
            f"got {y.type}"
        )
    return x, y


class _SameShape(SparseOp):
    def infer_shape(self, fgraph, node, input_shapes):
        return [input_shapes[0]]


class AddSparseSparse(_SameShape):
    """The sum of two sparse matrices.

    Examples
    --------
    >>> x = pytensor.sparse.csr_from_dense([[0.0, 2.0]])
    >>> add_s_s(x, x).eval().toarray().tolist()
    [[0.0, 4.0]]
    """

    def make_node(self, x, y):
        x, y = _two_sparse(x, y, "AddSparseSparse")
        out = sparse_output(x.type.format, common_dtype(x, y), _broadcast_shape(x, y))
        return Apply(self, [x, y], [out])

    def perform(self, node, inputs, output_storage):
        x, y = inputs
        _same_shape(x, y, self)
        output_storage[0][0] = as_format(x + y, x.format)

    def _pullback(self, inputs, outputs, cotangents):
        return [as_cotangent(cotangents[0], v) for v in inputs]


class AddSparseSparseData(_SameShape):
    """The sum of two sparse matrices that store the same places.

    Examples
    --------
    >>> x = pytensor.sparse.csr_from_dense([[0.0, 2.0]])
    >>> add_s_s_data(x, x).eval().toarray().tolist()
    [[0.0, 4.0]]
    """

    def make_node(self, x, y):
        x, y = _two_sparse(x, y, "AddSparseSparseData")
        return Apply(self, [x, y], [sparse_output(x.type.format, common_dtype(x, y), x.type.shape)])

    def perform(self, node, inputs, output_storage):
        x, y = inputs
        _same_shape(x, y, self)
        if x.data.shape != y.data.shape:
            raise ValueError("[AddSparseSparseData] x and y must store the same places")
        parts = (x.data + y.data, x.indices.copy(), x.indptr.copy())
        output_storage[0][0] = SparseTensorType.format_cls[x.format](parts, shape=x.shape)

    _pullback = AddSparseSparse._pullback


class AddSparseDense(_SameShape):
    """The sum of a sparse and a dense matrix, which is dense.

    Examples
    --------
    >>> x = pytensor.sparse.csr_from_dense([[0.0, 2.0]])
    >>> add_s_d(x, pt.ones((1, 2))).eval().tolist()
    [[1.0, 3.0]]
    """

    def make_node(self, x, y):
        x, y = _sparse_and_dense(x, y, "AddSparseDense")
        return Apply(self, [x, y], [dense_output(common_dtype(x, y), _broadcast_shape(x, y))])

    def perform(self, node, inputs, output_storage):
        x, y = inputs
        _same_shape(x, y, self)
        total = np.asarray(x + y)
        output_storage[0][0] = total.astype(node.outputs[0].type.dtype, copy=False)

    def _pullback(self, inputs, outputs, cotangents):
        (x, y), (g,) = inputs, cotangents
        return [on_pattern(x, g), as_cotangent(g, y)]


class StructuredAddSparseDenseVector(_SameShape):
    """Add a vector to the stored elements of each row.

    Examples
    --------
    >>> x = pytensor.sparse.csr_from_dense([[0.0, 2.0]])
    >>> structured_add_s_v(x, [3.0, 4.0]).eval().toarray().tolist()
    [[0.0, 6.0]]
    """

    def make_node(self, x, y):
        x, y = _sparse_and_dense(x, y, "StructuredAddSparseDenseVector", (1,))
        return Apply(self, [x, y], [sparse_output(x.type.format, common_dtype(x, y), x.type.shape)])

    def perform(self, node, inputs, output_storage):
        x, y = inputs
        if y.shape != (x.shape[1],):
            raise ValueError(
                f"[{self}] y must have as many elements as x has columns, got {y.shape} and "
                f"{x.shape}"
            )
        ones = x.copy()
        ones.data = np.ones_like(x.data, dtype=node.outputs[0].type.dtype)
        output_storage[0][0] = as_format(x + ones.multiply(y), x.format)

    def _pullback(self, inputs, outputs, cotangents):
        from pytensor.sparse.math import sp_sum  # noqa: PLC0415  (sums are above)

        (x, _), (g,) = inputs, cotangents
        return [g, sp_sum(mul_s_s(sp_ones_like(x), g), axis=0)]


class MultiplySparseSparse(_SameShape):
    """The product of two sparse matrices, element by element.

    Examples
    --------
    >>> x = pytensor.sparse.csr_from_dense([[0.0, 2.0]])
    >>> mul_s_s(x, x).eval().toarray().tolist()
    [[0.0, 4.0]]
    """

    def make_node(self, x, y):
        x, y = _two_sparse(x, y, "MultiplySparseSparse")
        out = sparse_output(x.type.format, common_dtype(x, y), _broadcast_shape(x, y))
        return Apply(self, [x, y], [out])

    def perform(self, node, inputs, output_storage):
        x, y = inputs
        _same_shape(x, y, self)
        output_storage[0][0] = as_format(x.multiply(y), x.format)

    def _pullback(self, inputs, outputs, cotangents):
        (x, y), (g,) = inputs, cotangents
        return [as_cotangent(mul_s_s(g, _conj(y)), x), as_cotangent(mul_s_s(g, _conj(x)), y)]


def _conj(x):
    return x.conj() if x.type.dtype.startswith("complex") else x


class MultiplySparseDense(_SameShape):
    """The product of a sparse and a dense matrix or number, which is sparse.

    Examples
    --------
    >>> x = pytensor.sparse.csr_from_dense([[0.0, 2.0]])
    >>> mul_s_d(x, pt.full((1, 2), 3.0)).eval().toarray().tolist()
    [[0.0, 6.0]]
    """

    def make_node(self, x, y):
        x, y = _sparse_and_dense(x, y, "MultiplySparseDense", (0, 2))
        shape = x.type.shape if y.type.ndim == 0 else _broadcast_shape(x, y)
        return Apply(self, [x, y], [sparse_output(x.type.format, common_dtype(x, y), shape)])

    def perform(self, node, inputs, output_storage):
        x, y = inputs
        if y.ndim == 2 and any(n != m and n != 1 for n, m in zip(y.shape, x.shape)):
            raise ValueError(f"[{self}] y must broadcast to {x.shape}, got {y.shape}")
        product = x * y.item() if y.ndim == 0 else x.multiply(y)
        output_storage[0][0] = as_format(product, x.format).astype(node.outputs[0].type.dtype)

    def _pullback(self, inputs, outputs, cotangents):
        from pytensor.sparse.math import sp_sum  # noqa: PLC0415  (sums are above)

        (x, y), (g,) = inputs, cotangents
        gx = as_cotangent(mul_s_d(g, _conj(y)), x)
        both = mul_s_s(g, _conj(x))
        if y.type.ndim == 0:
            gy = sp_sum(both)
        elif all(y.type.broadcastable):
            gy = sp_sum(both).reshape((1, 1))
        elif any(y.type.broadcastable):
            axis = y.type.broadcastable.index(True)
            total = sp_sum(both, axis=axis)
            gy = total.dimshuffle(*("x" if d == axis else 0 for d in range(2)))
        else:
            gy = dense_from_sparse(both)
        return [gx, as_cotangent(gy, y)]


class MultiplySparseDenseVector(_SameShape):
    """Multiply the columns of a sparse matrix by the elements of a vector.

    Examples
    --------
    >>> x = pytensor.sparse.csr_from_dense([[0.0, 2.0]])
    >>> mul_s_v(x, [3.0, 4.0]).eval().toarray().tolist()
    [[0.0, 8.0]]
    """

    def make_node(self, x, y):
        x, y = _sparse_and_dense(x, y, "MultiplySparseDenseVector", (1,))
        return Apply(self, [x, y], [sparse_output(x.type.format, common_dtype(x, y), x.type.shape)])

    def perform(self, node, inputs, output_storage):
        x, y = inputs
        if y.shape != (x.shape[1],):
            raise ValueError(
                f"[{self}] y must have as many elements as x has columns, got {y.shape} and "
                f"{x.shape}"
            )
        output_storage[0][0] = as_format(x.multiply(y), x.format).astype(node.outputs[0].type.dtype)

    def _pullback(self, inputs, outputs, cotangents):
        from pytensor.sparse.math import sp_sum  # noqa: PLC0415  (sums are above)

        (x, y), (g,) = inputs, cotangents
        gx, gy = mul_s_v(g, _conj(y)), sp_sum(mul_s_s(g, _conj(x)), axis=0)
        return [as_cotangent(gx, x), as_cotangent(gy, y)]


add_s_s, add_s_s_data, add_s_d = AddSparseSparse(), AddSparseSparseData(), AddSparseDense()
structured_add_s_v = StructuredAddSparseDenseVector()
mul_s_s, mul_s_d, mul_s_v = (
    MultiplySparseSparse(),
    MultiplySparseDense(),
    MultiplySparseDenseVector(),
)


def _operands(x, y, name: str):
    x, y = as_sparse_or_tensor_variable(x), as_sparse_or_tensor_variable(y)
    kinds = _is_sparse_variable(x), _is_sparse_variable(y)
    if not any(kinds):
        raise TypeError(f"[{name}] one operand at least must be sparse, got {x.type} and {y.type}")
    return x, y, all(kinds)


def add(x, y):
    """Add matrices of which one at least is sparse; dense if the other is.

    Examples
    --------
    >>> x = pytensor.sparse.csr_from_dense([[0.0, 2.0]])
    >>> add(x, x).eval().toarray().tolist(), add(x, pt.ones((1, 2))).eval().tolist()
    ([[0.0, 4.0]], [[1.0, 3.0]])
    """
    x, y, both = _operands(x, y, "add")
    return add_s_s(x, y) if both else add_s_d(x, y)


def subtract(x, y):
    """Subtract matrices of which one at least is sparse; dense if the other is.

    Examples
    --------
    >>> x = pytensor.sparse.csr_from_dense([[0.0, 2.0]])
    >>> subtract(x, pt.ones((1, 2))).eval().tolist()
    [[-1.0, 1.0]]
    """
    x, y, both = _operands(x, y, "sub")
    return add_s_s(x, neg(y)) if both else add(x, neg(y) if _is_sparse_variable(y) else -y)


sub = subtract


def multiply(x, y):
    """Multiply element by element; the result is sparse.

    One operand is a sparse matrix, the other a sparse or dense matrix, a row vector or a number.

    Examples
    --------
    >>> x = pytensor.sparse.csr_from_dense([[0.0, 2.0]])
    >>> multiply(x, [3.0, 4.0]).eval().toarray().tolist()
    [[0.0, 8.0]]
    """
    x, y, both = _operands(x, y, "mul")
    if both:
        return mul_s_s(x, y)
    dense = y if _is_sparse_variable(x) else x
    return mul_s_v(x, y) if dense.type.ndim == 1 else mul_s_d(x, y)


mul = multiply


class _Compare(SparseOp):
    """Comparisons of the elements; 1 where true, as uint8."""

    compare = staticmethod(np.equal)

    def connection_pattern(self, node):
        return [[False], [False]]

    def infer_shape(self, fgraph, node, input_shapes):
        return [input_shapes[0]]

    def pullback(self, inputs, outputs, cotangents):
        return [disconnected_type(), disconnected_type()]


class _CompareSparse(_Compare):
    def make_node(self, x, y):
        x, y = _two_sparse(x, y, type(self).__name__)
        return Apply(self, [x, y], [sparse_output(x.type.format, "uint8", x.type.shape)])

    def perform(self, node, inputs, output_storage):
        x, y = inputs
        _same_shape(x, y, self)
        # Where neither stores anything, two zeros are compared
        if self.compare(0, 0):
            found = self.compare(x.toarray(), y.toarray())
        else:
            found = _SCIPY[self.compare](x, y)
        output_storage[0][0] = SparseTensorType.format_cls[x.format](found, dtype="uint8")


class _CompareDense(_Compare):
    def make_node(self, x, y):
        x, y = as_sparse_or_tensor_variable(x), as_sparse_or_tensor_variable(y)
        return Apply(self, [x, y], [dense_output("uint8", x.type.shape)])

    def perform(self, node, inputs, output_storage):
        x, y = (v if isinstance(v, np.ndarray) else v.toarray() for v in inputs)
        output_storage[0][0] = self.compare(x, y).astype("uint8")


_SCIPY = {
    np.less: lambda x, y: x < y,
    np.greater: lambda x, y: x > y,
    np.not_equal: lambda x, y: x != y,
}


def _comparison(name: str, short: str, ufunc) -> tuple:
    """The two Ops of a comparison, and the function that chooses between them."""
    ops = []
    for kind, base in (("SparseSparse", _CompareSparse), ("SparseDense", _CompareDense)):
        body = {"compare": staticmethod(ufunc), "__doc__": f"{name} of two matrices."}
        body |= {"__module__": "pytensor.sparse.math", "__qualname__": f"{name}{kind}"}
        ops.append(type(base)(f"{name}{kind}", (base,), body))
    sparse_op, dense_op = ops[0](), ops[1]()

    def function(x, y):
        x, y, both = _operands(x, y, name)
        return sparse_op(x, y) if both else dense_op(x, y)

    function.__doc__ = f"""`numpy.{ufunc.__name__}` of matrices of which one at least is sparse.

    uint8; sparse if both are, else dense.

    Examples
    --------
    >>> x = pytensor.sparse.csr_from_dense([[0.0, 1.0, 2.0]])
    >>> {short}(x, pt.ones((1, 3))).eval().tolist()
    {[[int(ufunc(each, 1)) for each in range(3)]]}
    """
    return (*ops, sparse_op, dense_op, function)


EqualSparseSparse, EqualSparseDense, equal_s_s, equal_s_d, eq = _comparison("Equal", "eq", np.equal)
NotEqualSparseSparse, NotEqualSparseDense, not_equal_s_s, not_equal_s_d, neq = _comparison(
    "NotEqual", "neq", np.not_equal
)
LessThanSparseSparse, LessThanSparseDense, less_than_s_s, less_than_s_d, lt = _comparison(
    "LessThan", "lt", np.less
)
GreaterThanSparseSparse, GreaterThanSparseDense, greater_than_s_s, greater_than_s_d, gt = (
    _comparison("GreaterThan", "gt", np.greater)
)
LessEqualSparseSparse, LessEqualSparseDense, less_equal_s_s, less_equal_s_d, le = _comparison(
    "LessEqual", "le", np.less_equal
)
GreaterEqualSparseSparse, GreaterEqualSparseDense, greater_equal_s_s, greater_equal_s_d, ge = (
    _comparison("GreaterEqual", "ge", np.greater_equal)
)


def structured_elemwise(tensor_op):
    """Turn a function of arrays into one that sees the stored elements of a sparse matrix only.

    Examples
    --------
    >>> double = structured_elemwise(lambda data: 2 * data)(lambda x: None)
    >>> double(pytensor.sparse.csr_from_dense([[0.0, 2.0]])).eval().toarray().tolist()
    [[0.0, 4.0]]
    """

    def decorator(function):
        @wraps(function)
        def structured(x, *args):
            x = as_sparse_variable(x)
            x = AsFormat("csr")(x) if x.type.format == "bsr" else x
            data, indices, indptr, shape = csm_properties(x)
            return CSM(x.type.format)(tensor_op(data, *args), indices, indptr, shape)

        return structured

    return decorator


# What the examples are given (x stores 0.25), and the element they show.
_SHOWN = {
    "structured_sigmoid": ("x", 0.562),
    "structured_exp": ("x", 1.284),
    "structured_log": ("x", -1.386),
    "structured_pow": ("x, 2.0", 0.062),
    "structured_minimum": ("x, 0.1", 0.1),
    "structured_maximum": ("x, 1.0", 1.0),
    "structured_add": ("x, 1.0", 1.25),
    "structured_conjugate": ("x", 0.25),
    "structured_copy": ("x", 0.25),
    "neg": ("x", -0.25),
    "abs": ("x", 0.25),
    "rint": ("x", 0.0),
    "sqr": ("x", 0.062),
    "sqrt": ("x", 0.5),
    "sin": ("x", 0.247),
    "arcsin": ("x", 0.253),
    "tan": ("x", 0.255),
    "arctan": ("x", 0.245),
    "sinh": ("x", 0.253),
    "arcsinh": ("x", 0.247),
    "tanh": ("x", 0.245),
    "arctanh": ("x", 0.255),
    "expm1": ("x", 0.284),
    "log1p": ("x", 0.223),
    "deg2rad": ("x", 0.004),
    "rad2deg": ("x", 14.324),
    "floor": ("x", 0.0),
    "ceil": ("x", 1.0),
    "trunc": ("x", 0.0),
    "sign": ("x", 1.0),
}


def _structured(name: str, function):
    def of_sparse(x, *args): ...

    of_sparse.__name__ = of_sparse.__qualname__ = name
    operands, shown = _SHOWN[name]
    of_sparse.__doc__ = f"""`{name.removeprefix("structured_")}` of the stored elements; zeros stay.

    A matrix of the format and places of `x`, in the dtype of the function of arrays.

    Examples
    --------
    >>> x = pytensor.sparse.csr_from_dense([[0.0, 0.25]])
    >>> pytensor.sparse.{name}({operands}).eval().toarray().round(3).tolist()
    [[0.0, {shown}]]
    """
    return structured_elemwise(function)(of_sparse)


structured_sigmoid = _structured("structured_sigmoid", ptm.sigmoid)
structured_exp = _structured("structured_exp", ptm.exp)
structured_log = _structured("structured_log", ptm.log)
structured_pow = _structured("structured_pow", ptm.pow)
structured_minimum = _structured("structured_minimum", ptm.minimum)
structured_maximum = _structured("structured_maximum", ptm.maximum)
structured_add = _structured("structured_add", ptm.add)
structured_conjugate = _structured("structured_conjugate", ptm.conj)
structured_copy = _structured("structured_copy", lambda data: data)
neg = _structured("neg", ptm.neg)
abs = _structured("abs", ptm.abs)
conjugate = conj = structured_conjugate

sin, arcsin, tan, arctan = (
    _structured(n, getattr(ptm, n)) for n in ["sin", "arcsin", "tan", "arctan"]
)
sinh, arcsinh, tanh, arctanh = (
    _structured(n, getattr(ptm, n)) for n in ["sinh", "arcsinh", "tanh", "arctanh"]
)
expm1, log1p, deg2rad, rad2deg = (
    _structured(n, getattr(ptm, n)) for n in ["expm1", "log1p", "deg2rad", "rad2deg"]
)
floor, ceil, trunc, sign = (
    _structured(n, getattr(ptm, n)) for n in ["floor", "ceil", "trunc", "sign"]
)
sqr, sqrt = (_structured(n, getattr(ptm, n)) for n in ["sqr", "sqrt"])
rint = _structured("rint", ptm.round_half_to_even)
