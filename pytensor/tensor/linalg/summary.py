"""Numbers that describe a matrix: determinants, norms, traces."""

from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from pytensor.graph.basic import Apply
from pytensor.graph.null_type import disconnected_type
from pytensor.graph.op import Op
from pytensor.tensor.basic import as_tensor_variable, diagonal, moveaxis
from pytensor.tensor.blockwise import Blockwise
from pytensor.tensor.elemwise import DimShuffle
from pytensor.tensor.linalg._checks import (
    adjoint,
    as_square,
    check_square,
    is_complex,
    is_missing,
)
from pytensor.tensor.linalg.decomposition.svd import svd
from pytensor.tensor.linalg.dtype_utils import linalg_output_dtype, linalg_real_output_dtype
from pytensor.tensor.linalg.inverse import matrix_inverse
from pytensor.tensor.math import abs as pt_abs
from pytensor.tensor.math import conj, neq, sqrt
from pytensor.tensor.math import max as pt_max
from pytensor.tensor.math import min as pt_min
from pytensor.tensor.math import sum as pt_sum
from pytensor.tensor.type import tensor

VALID_ORD = Literal["fro", "f", "nuc", "inf", "-inf", 0, 1, -1, 2, -2]


def trace(X):
    """Return the sum of the diagonal of a matrix.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> float(pt.linalg.trace([[1.0, 5.0], [5.0, 2.0]]).eval())
    3.0
    """
    X = as_tensor_variable(X)
    if X.type.ndim < 2:
        raise ValueError(f"[trace] X must be a matrix, got {X.type}")
    return pt_sum(diagonal(X), axis=-1)


class Det(Op):
    """Determinant of a square matrix."""

    __props__ = ()
    gufunc_signature = "(m,m)->()"
    gufunc_spec = ("numpy.linalg.det", 1, 1)

    def make_node(self, x):
        x = as_square(self, x)
        return Apply(self, [x], [tensor(dtype=linalg_output_dtype(x.type.dtype), shape=())])

    def infer_shape(self, fgraph, node, input_shapes):
        return [()]

    def perform(self, node, inputs, output_storage):
        check_square(self, inputs[0])
        result = np.linalg.det(inputs[0])
        output_storage[0][0] = np.asarray(result, dtype=node.outputs[0].type.dtype)

    def pullback(self, inputs, outputs, cotangents):
        """``det(A) A^-T``."""
        (x,), (det_x,), (g,) = inputs, outputs, cotangents
        if is_missing(g):
            return [disconnected_type()]
        factor = conj(det_x) if is_complex(x) else det_x
        return [g * factor * adjoint(matrix_inverse(x))]

    def pushforward(self, inputs, outputs, tangents):
        """``det(A) tr(A^-1 dA)``."""
        (x,), (det_x,), (dx,) = inputs, outputs, tangents
        if is_missing(dx):
            return [disconnected_type()]
        return [det_x * pt_sum(matrix_inverse(x).T * dx)]


det = Blockwise(Det())
det.__doc__ = """Determinant of square matrices, as `numpy.linalg.det`.

    ``det(A) = Π_i u_ii`` times the sign of the permutation of ``A = P L U``; its derivative is
    ``det(A) A^-T``.

    Parameters
    ----------
    x : tensor_like
        Shape (..., m, m).

    Returns
    -------
    TensorVariable
        Shape (...); float or complex as `x`, float64 for integers.

    Raises
    ------
    ValueError
        If `x` has fewer than two axes, or is known not to be square; LinAlgError at run time.

    Examples
    --------
    >>> pt.linalg.det(np.array([[1.0, 2.0], [3.0, 4.0]])).eval().round(6).item()
    -2.0
    """


class SLogDet(Op):
    """Sign and logarithm of the absolute value of a determinant."""

    __props__ = ()
    gufunc_signature = "(m,m)->(),()"
    gufunc_spec = ("numpy.linalg.slogdet", 1, 2)

    def make_node(self, x):
        x = as_square(self, x)
        sign = tensor(dtype=linalg_output_dtype(x.type.dtype), shape=())
        return Apply(
            self, [x], [sign, tensor(dtype=linalg_real_output_dtype(x.type.dtype), shape=())]
        )

    def infer_shape(self, fgraph, node, input_shapes):
        return [(), ()]

    def perform(self, node, inputs, output_storage):
        check_square(self, inputs[0])
        for storage, out, result in zip(
            output_storage, node.outputs, np.linalg.slogdet(inputs[0]), strict=True
        ):
            storage[0] = np.asarray(result, dtype=out.type.dtype)

    def pullback(self, inputs, outputs, cotangents):
        """The logarithm has gradient ``A^-H``; the phase of a complex determinant turns with it."""
        (x,), (sign, _logdet) = inputs, outputs
        sign_bar, log_bar = cotangents
        if all(is_missing(g) for g in cotangents):
            return [disconnected_type()]
        if is_missing(sign_bar) or not is_complex(x):
            if is_missing(log_bar):
                return [x.zeros_like()]
            return [log_bar * adjoint(matrix_inverse(x))]
        change = 1j * (sign_bar * conj(sign)).imag
        if not is_missing(log_bar):
            change = change + log_bar
        return [change.astype(sign.type.dtype) * adjoint(matrix_inverse(x))]

    def pushforward(self, inputs, outputs, tangents):
        (x,), (dx,) = inputs, tangents
        if is_missing(dx):
            return [disconnected_type(), disconnected_type()]
        change = pt_sum(matrix_inverse(x).T * dx)
        if is_complex(x):
            # The logarithm is that of the absolute value; the phase turns by the rest
            return [outputs[0] * (change - change.real), change.real]
        return [outputs[0].zeros_like(), change]


def slogdet(x):
    """Return the sign and the logarithm of the absolute value of determinants.

    Unlike ``log(abs(det(x)))`` this neither overflows nor underflows.

    Parameters
    ----------
    x
        Square matrices.

    Returns
    -------
    tuple
        Sign (0 for a singular matrix) and logarithm.

    Examples
    --------
    >>> import numpy as np
    >>> import pytensor.tensor as pt
    >>> sign, logarithm = pt.linalg.slogdet(-1e200 * np.eye(3))
    >>> float(sign.eval()), round(float(logarithm.eval()), 6)
    (-1.0, 1381.551056)
    """
    sign, logdet = Blockwise(SLogDet())(x)
    return sign, logdet


def _multi_svd_norm(x, row_axis: int, col_axis: int, reduce_op: Callable):
    """Reduce the singular values of the matrices in two axes of `x`."""
    y = moveaxis(x, (row_axis, col_axis), (-2, -1))
    return reduce_op(svd(y, compute_uv=False), axis=-1)


def _vector_norm(x, ord, axis: int):
    if ord in (None, 2):
        return _root_of_squares(x, (axis,))
    if ord in (np.inf, "inf"):
        return pt_max(pt_abs(x), axis=axis)
    if ord in (-np.inf, "-inf"):
        return pt_min(pt_abs(x), axis=axis)
    if ord == 0:
        return pt_sum(neq(x, 0), axis=axis).astype(linalg_real_output_dtype(x.type.dtype))
    if ord == 1:
        return pt_sum(pt_abs(x), axis=axis)
    if isinstance(ord, str):
        raise ValueError(f"Invalid norm order '{ord}' for vectors")
    root = np.asarray(1.0 / ord, dtype=linalg_real_output_dtype(x.type.dtype))
    return pt_sum(pt_abs(x) ** ord, axis=axis) ** root


def _root_of_squares(x, axes):
    squares = (conj(x) * x).real if x.type.dtype.startswith("complex") else x * x
    return sqrt(pt_sum(squares, axis=axes))


def _matrix_norm(x, ord, rows: int, cols: int):
    if ord in (None, "fro", "f"):
        return _root_of_squares(x, (rows, cols))
    if ord == "nuc":
        return _multi_svd_norm(x, rows, cols, pt_sum)
    if ord == 2:
        return _multi_svd_norm(x, rows, cols, pt_max)
    if ord == -2:
        return _multi_svd_norm(x, rows, cols, pt_min)
    summed, other = (rows, cols) if ord in (1, -1) else (cols, rows)
    if other > summed:
        other -= 1
    if ord in (1, np.inf, "inf"):
        return pt_max(pt_sum(pt_abs(x), axis=summed), axis=other)
    if ord in (-1, -np.inf, "-inf"):
        return pt_min(pt_sum(pt_abs(x), axis=summed), axis=other)
    raise ValueError(f"Invalid norm order for matrices: {ord}")


def norm(x, ord=None, axis: int | tuple[int, ...] | None = None, keepdims: bool = False):
    """Return the norm of vectors or matrices, as `numpy.linalg.norm`.

    Parameters
    ----------
    x
        Input array.
    ord
        Which norm; the Euclidean or Frobenius norm by default.
    axis
        One axis for norms of vectors, two for norms of matrices. By default all of `x` is one
        vector or matrix.
    keepdims
        Whether the axes stay as axes of length 1.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> float(pt.linalg.norm([3.0, 4.0]).eval())
    5.0
    """
    x = as_tensor_variable(x)
    ndim = x.type.ndim
    if x.type.dtype[0] in "bui":
        x = x.astype("float64")
    if axis is None:
        if ord is None:
            axes = tuple(range(ndim))
            result = _root_of_squares(x, axes)
            return _restore(result, axes, ndim) if keepdims else result
        axes = tuple(range(ndim))
    elif isinstance(axis, int | np.integer):
        axes = (normalize_axis_index(axis, ndim),)
    else:
        axes = normalize_axis_tuple(tuple(axis), ndim)
    if len(axes) == 1:
        result = _vector_norm(x, ord, axes[0])
    elif len(axes) == 2:
        result = _matrix_norm(x, ord, *axes)
    else:
        raise ValueError(f"[norm] axis must name one or two axes, got {axes}")
    return _restore(result, axes, ndim) if keepdims else result


def _restore(x, axes, ndim: int):
    """Put axes of length 1 in the place of those that were reduced."""
    kept = iter(range(x.type.ndim))
    order = tuple("x" if d in axes else next(kept) for d in range(ndim))
    return DimShuffle(input_ndim=x.type.ndim, new_order=order)(x)
