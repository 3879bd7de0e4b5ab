"""Products, powers and exponentials of matrices."""

from functools import reduce

import numpy as np

from pytensor.graph.basic import Apply
from pytensor.graph.null_type import disconnected_type
from pytensor.graph.op import Op
from pytensor.tensor.basic import as_tensor_variable, eye, join
from pytensor.tensor.blockwise import Blockwise
from pytensor.tensor.elemwise import DimShuffle
from pytensor.tensor.linalg._checks import as_square, check_square, is_missing
from pytensor.tensor.linalg._lazy import scipy_linalg
from pytensor.tensor.linalg.dtype_utils import linalg_output_dtype
from pytensor.tensor.linalg.inverse import matrix_inverse
from pytensor.tensor.math import conj, dot, matmul
from pytensor.tensor.reshape import join_dims
from pytensor.tensor.type import tensor


def matrix_dot(*args):
    """Return the product of several matrices, from left to right.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> A, B, C = pt.matrices("A", "B", "C")
    >>> ABC = pt.linalg.matrix_dot(A, B, C)
    """
    if not args:
        raise ValueError("[matrix_dot] needs at least one matrix")
    return reduce(dot, [as_tensor_variable(a) for a in args])


def matrix_power(M, n):
    """Return square matrices to an integer power.

    Parameters
    ----------
    M
        Square matrices.
    n
        A Python integer; negative powers are those of the inverse.
    """
    M = as_tensor_variable(M)
    if M.type.ndim < 2:
        raise ValueError(f"[matrix_power] M must be a matrix, got {M.type}")
    if not isinstance(n, int | np.integer):
        raise TypeError(f"[matrix_power] n must be an integer, got {n!r}")
    if n < 0:
        M, n = matrix_inverse(M), -n
    if n == 0:
        identity = eye(M.shape[-2], dtype=M.type.dtype)
        return identity if M.type.ndim == 2 else M.zeros_like() + identity
    result = None
    multiply = dot if M.type.ndim == 2 else matmul
    while n:
        if n & 1:
            result = M if result is None else multiply(result, M)
        n >>= 1
        if n:
            M = multiply(M, M)
    return result


def kron(a, b):
    """Return the Kronecker product of two arrays, as `numpy.kron`.

    Parameters
    ----------
    a, b
        Arrays; the one with fewer dimensions is padded on the left.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> pt.linalg.kron([[1, 2]], [[1], [1]]).eval().tolist()
    [[1, 2], [1, 2]]
    """
    a, b = as_tensor_variable(a), as_tensor_variable(b)
    ndim = max(a.type.ndim, b.type.ndim)
    if a.type.ndim + b.type.ndim == 0:
        raise TypeError("kron: inputs must not both be scalars")
    if ndim == 0 or a.type.ndim == 0 or b.type.ndim == 0:
        return a * b
    a, b = (
        DimShuffle(
            input_ndim=x.type.ndim,
            new_order=("x",) * (ndim - x.type.ndim) + tuple(range(x.type.ndim)),
        )(x)
        for x in (a, b)
    )
    a_order = [d for k in range(ndim) for d in (k, "x")]
    b_order = [d for k in range(ndim) for d in ("x", k)]
    product = DimShuffle(input_ndim=ndim, new_order=tuple(a_order))(a) * DimShuffle(
        input_ndim=ndim, new_order=tuple(b_order)
    )(b)
    for d in range(ndim):
        product = join_dims(product, start_axis=d, n_axes=2)
    return product


class Expm(Op):
    """Matrix exponential."""

    __props__ = ("overwrite_a",)
    gufunc_signature = "(m,m)->(m,m)"

    def __init__(self, overwrite_a: bool = False):
        self.overwrite_a = bool(overwrite_a)

    def make_node(self, A):
        A = as_square(self, A, "A")
        dtype = linalg_output_dtype(A.type.dtype)
        return Apply(self, [A], [tensor(dtype=dtype, shape=A.type.shape)])

    def infer_shape(self, fgraph, node, input_shapes):
        return [input_shapes[0]]

    def perform(self, node, inputs, output_storage):
        check_square(self, inputs[0], "A")
        dtype = node.outputs[0].type.dtype
        result = scipy_linalg.expm(np.asarray(inputs[0], dtype=dtype))
        output_storage[0][0] = np.asarray(result, dtype=dtype)

    def pullback(self, inputs, outputs, cotangents):
        (A,), (g,) = inputs, cotangents
        if is_missing(g):
            return [disconnected_type()]
        A_h = conj(A).T if A.type.dtype.startswith("complex") else A.T
        return [self._frechet(A_h, g)]

    def pushforward(self, inputs, outputs, tangents):
        if is_missing(tangents[0]):
            return [disconnected_type()]
        return [self._frechet(inputs[0], tangents[0])]

    @staticmethod
    def _frechet(A, E):
        """Derivative at A in direction E: a block of ``expm([[A, E], [0, A]])`` (Higham 2008)."""
        n = A.shape[0]
        blocks = join(0, join(1, A, E), join(1, A.zeros_like(), A))
        return Expm()(blocks)[:n, n:]


expm = Blockwise(Expm())
