"""Inverses of matrices and of tensors seen as matrices."""

from math import prod

import numpy as np

from pytensor.graph.basic import Apply
from pytensor.graph.null_type import disconnected_type
from pytensor.graph.op import Op
from pytensor.tensor.basic import as_tensor_variable
from pytensor.tensor.blockwise import Blockwise
from pytensor.tensor.linalg._checks import (
    adjoint,
    as_matrix,
    as_square,
    check_converges,
    check_square,
    is_missing,
)
from pytensor.tensor.linalg.dtype_utils import linalg_output_dtype
from pytensor.tensor.type import tensor


class MatrixInverse(Op):
    """Inverse of a square matrix; LinAlgError if it is singular."""

    __props__ = ()
    gufunc_signature = "(m,m)->(m,m)"
    gufunc_spec = ("numpy.linalg.inv", 1, 1)

    def make_node(self, x):
        x = as_square(self, x)
        dtype = linalg_output_dtype(x.type.dtype)
        return Apply(self, [x], [tensor(dtype=dtype, shape=x.type.shape)])

    def infer_shape(self, fgraph, node, input_shapes):
        return [input_shapes[0]]

    def perform(self, node, inputs, output_storage):
        check_square(self, inputs[0])
        result = np.linalg.inv(inputs[0])
        output_storage[0][0] = np.asarray(result, dtype=node.outputs[0].type.dtype)

    def pullback(self, inputs, outputs, cotangents):
        """``-A^-H G A^-H``."""
        (xi,), (g,) = outputs, cotangents
        if is_missing(g):
            return [disconnected_type()]
        return [-adjoint(xi).dot(g).dot(adjoint(xi))]

    def pushforward(self, inputs, outputs, tangents):
        """``-A^-1 dA A^-1``."""
        (xi,), (dx,) = outputs, tangents
        if is_missing(dx):
            return [disconnected_type()]
        return [-xi.dot(dx).dot(xi)]


inv = matrix_inverse = Blockwise(MatrixInverse())
inv.__doc__ = """Inverse of square matrices, as `numpy.linalg.inv`: ``A A^-1 = I``.

    To solve a system, `solve` is faster and more exact. The derivative is ``-A^-1 dA A^-1``.

    Parameters
    ----------
    x : tensor_like
        Shape (..., m, m).

    Returns
    -------
    TensorVariable
        Shape of `x`; float or complex as `x`, float64 for integers.

    Raises
    ------
    numpy.linalg.LinAlgError
        At run time, if a matrix is singular or not square.

    Examples
    --------
    >>> pt.linalg.inv(np.array([[1.0, 2.0], [3.0, 4.0]])).eval().round(6).tolist()
    [[-2.0, 1.0], [1.5, -0.5]]
    """


class MatrixPinv(Op):
    """Moore-Penrose inverse of a matrix."""

    __props__ = ("hermitian",)
    gufunc_signature = "(m,n)->(n,m)"

    def __init__(self, hermitian):
        self.hermitian = bool(hermitian)

    def make_node(self, x):
        x = as_matrix(self, x)
        dtype = linalg_output_dtype(x.type.dtype)
        return Apply(self, [x], [tensor(dtype=dtype, shape=x.type.shape[::-1])])

    def infer_shape(self, fgraph, node, input_shapes):
        return [list(reversed(input_shapes[0]))]

    def perform(self, node, inputs, output_storage):
        dtype = node.outputs[0].type.dtype
        x = np.asarray(inputs[0], dtype=dtype)
        if not self.hermitian:
            check_converges(x)
        output_storage[0][0] = np.asarray(np.linalg.pinv(x, hermitian=self.hermitian), dtype=dtype)

    def pullback(self, inputs, outputs, cotangents):
        """Gradient by Golub and Pereyra (1973), for matrices of locally constant rank."""
        (x,), (z,), (g,) = inputs, outputs, cotangents
        if is_missing(g):
            return [disconnected_type()]
        zh, gh = adjoint(z), adjoint(g)
        first = -zh.dot(g).dot(zh)
        # The parts outside of the row and column spaces, (I - x z) and (I - z x)
        outside_rows = gh - x.dot(z).dot(gh)
        outside_cols = gh - gh.dot(z).dot(x)
        return [first + outside_rows.dot(z).dot(zh) + zh.dot(z).dot(outside_cols)]


def pinv(x, hermitian=False):
    """Return the Moore-Penrose inverse of matrices.

    Parameters
    ----------
    x
        Matrices.
    hermitian
        Whether they are symmetric or hermitian, which allows a faster algorithm.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> pt.linalg.pinv([[0.0, 2.0]]).eval().round(12).tolist()
    [[0.0], [0.5]]
    """
    return Blockwise(MatrixPinv(hermitian=hermitian))(x)


class TensorInv(Op):
    """Inverse of an array with respect to `tensordot` over its first `ind` axes."""

    __props__ = ("ind",)

    def __init__(self, ind=2):
        if int(ind) <= 0:
            raise ValueError(f"[TensorInv] ind must be positive, got {ind}")
        self.ind = int(ind)

    def make_node(self, a):
        a = as_tensor_variable(a)
        shape = a.type.shape
        out_shape = (*shape[self.ind :], *shape[: self.ind])
        return Apply(self, [a], [tensor(dtype=linalg_output_dtype(a.type.dtype), shape=out_shape)])

    def infer_shape(self, fgraph, node, input_shapes):
        (shape,) = input_shapes
        return [(*shape[self.ind :], *shape[: self.ind])]

    def perform(self, node, inputs, output_storage):
        result = np.linalg.tensorinv(inputs[0], self.ind)
        output_storage[0][0] = np.asarray(result, dtype=node.outputs[0].type.dtype)

    def pullback(self, inputs, outputs, cotangents):
        """That of a matrix inverse, with both groups of axes joined."""
        (a,), (z,), (g,) = inputs, outputs, cotangents
        if is_missing(g):
            return [disconnected_type()]
        n = a.type.ndim - self.ind
        rows = prod((a.shape[d] for d in range(self.ind)), start=1)
        flat_z, flat_g = (
            v.reshape((prod((v.shape[d] for d in range(n)), start=1), rows)) for v in (z, g)
        )
        flat = -adjoint(flat_z).dot(flat_g).dot(adjoint(flat_z))
        return [flat.reshape(a.shape, ndim=a.type.ndim)]


def tensorinv(a, ind=2):
    """Return the inverse of an array with respect to `tensordot`, as `numpy.linalg.tensorinv`.

    Examples
    --------
    >>> import numpy as np
    >>> import pytensor.tensor as pt
    >>> pt.linalg.tensorinv(2 * np.eye(4).reshape(2, 2, 4)).eval().shape
    (4, 2, 2)
    """
    return TensorInv(ind)(a)
