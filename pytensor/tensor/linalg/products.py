"""Products, powers and exponentials of matrices."""

from functools import reduce

import numpy as np

from pytensor.graph.basic import Apply
from pytensor.graph.null_type import disconnected_type
from pytensor.graph.op import Op
from pytensor.graph.replace import _vectorize_node
from pytensor.tensor.basic import as_tensor_variable, eye, join
from pytensor.tensor.blockwise import Blockwise
from pytensor.tensor.elemwise import DimShuffle
from pytensor.tensor.linalg._checks import as_square, check_square, is_complex, is_missing
from pytensor.tensor.linalg._lazy import scipy_linalg
from pytensor.tensor.linalg.dtype_utils import linalg_output_dtype
from pytensor.tensor.linalg.inverse import matrix_inverse
from pytensor.tensor.math import add, conj, dot, matmul
from pytensor.tensor.reshape import join_dims
from pytensor.tensor.shape import shape_padleft
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

    Examples
    --------
    >>> import numpy as np
    >>> import pytensor.tensor as pt
    >>> pt.linalg.matrix_power(2 * np.eye(2), 3).eval().tolist()
    [[8.0, 0.0], [0.0, 8.0]]
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


class KroneckerProduct(Op):
    """Kronecker product of two arrays of the same rank, axis by axis, as `numpy.kron`.

    Rules of structure see it whole; then `kron_to_product` spells it as a product of elements.
    """

    __props__ = ()

    def make_node(self, a, b):
        a, b = as_tensor_variable(a), as_tensor_variable(b)
        if a.type.ndim != b.type.ndim:
            raise TypeError(
                f"[KroneckerProduct] a and b must have as many axes, got {a.type} and {b.type}"
            )
        shape = tuple(
            None if m is None or n is None else m * n
            for m, n in zip(a.type.shape, b.type.shape, strict=True)
        )
        dtype = np.result_type(a.type.dtype, b.type.dtype).name
        return Apply(self, [a, b], [tensor(dtype=dtype, shape=shape)])

    def infer_shape(self, fgraph, node, input_shapes):
        return [tuple(m * n for m, n in zip(*input_shapes, strict=True))]

    def perform(self, node, inputs, output_storage):
        a, b = inputs
        output_storage[0][0] = np.asarray(np.kron(a, b), dtype=node.outputs[0].type.dtype)

    def pullback(self, inputs, outputs, cotangents):
        """``a_bar[i] = sum_j G[i, j] conj(b)[j]`` with the axes of G taken apart, and b_bar alike."""
        (g,) = cotangents
        if is_missing(g):
            return [disconnected_type(), disconnected_type()]
        a, b = inputs
        n = a.type.ndim
        lengths = [x.shape[d] for d in range(n) for x in (a, b)]
        parts = g.reshape(lengths, ndim=2 * n)
        grads = []
        for wrt, other, first in ((a, b, 0), (b, a, 1)):
            order = [k for d in range(n) for k in ((d, "x") if first else ("x", d))]
            factor = DimShuffle(input_ndim=n, new_order=tuple(order))(_conj(other))
            axes = tuple(range(1 - first, 2 * n, 2))
            grad = (parts * factor).sum(axis=axes)
            grads.append(grad.real if is_complex(grad) and not is_complex(wrt) else grad)
        return grads

    def pushforward(self, inputs, outputs, tangents):
        """``kron(da, b) + kron(a, db)``."""
        a, b = inputs
        terms = []
        if not is_missing(tangents[0]):
            terms.append(self(tangents[0], b))
        if not is_missing(tangents[1]):
            terms.append(self(a, tangents[1]))
        return [reduce(add, terms)] if terms else [disconnected_type()]


def _conj(x):
    return conj(x) if is_complex(x) else x


def kron_as_product(a, b, batch_ndim: int = 0):
    """Spell a Kronecker product of stacks as a product of elements with the axes joined."""
    ndim = a.type.ndim
    batch, core = range(batch_ndim), range(batch_ndim, ndim)
    a_order = [*batch, *(d for k in core for d in (k, "x"))]
    b_order = [*batch, *(d for k in core for d in ("x", k))]
    product = DimShuffle(input_ndim=ndim, new_order=tuple(a_order))(a) * DimShuffle(
        input_ndim=ndim, new_order=tuple(b_order)
    )(b)
    for d in core:
        product = join_dims(product, start_axis=d, n_axes=2)
    return product


@_vectorize_node.register(KroneckerProduct)
def _vectorize_kron(op, node, batch_a, batch_b):
    """Only the core axes are multiplied; matrices stay a `Blockwise` that rules can see."""
    core_ndim = node.inputs[0].type.ndim
    if core_ndim == 2:
        return Blockwise(op, signature="(m,n),(p,q)->(r,s)").make_node(batch_a, batch_b)
    batch_ndim = max(x.type.ndim for x in (batch_a, batch_b)) - core_ndim
    padded = [shape_padleft(x, batch_ndim + core_ndim - x.type.ndim) for x in (batch_a, batch_b)]
    return kron_as_product(*padded, batch_ndim=batch_ndim).owner


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
    a, b = (x if x.type.ndim == ndim else shape_padleft(x, ndim - x.type.ndim) for x in (a, b))
    return KroneckerProduct()(a, b)


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
expm.__doc__ = """Exponential of square matrices, as `scipy.linalg.expm`.

    ``exp(A) = Σ_k A^k / k!``, by Padé approximation with scaling and squaring (Al-Mohy and Higham
    2009).

    Parameters
    ----------
    A : tensor_like
        Shape (..., m, m).

    Returns
    -------
    TensorVariable
        Shape of `A`; float or complex as `A`, float64 for integers.

    Examples
    --------
    >>> pt.linalg.expm(np.array([[0.0, 1.0], [0.0, 0.0]])).eval().round(6).tolist()
    [[1.0, 1.0], [0.0, 1.0]]
    """
