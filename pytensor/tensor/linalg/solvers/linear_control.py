"""Matrix equations of control theory: Sylvester, Lyapunov, Riccati."""

from typing import Literal

import numpy as np

from pytensor.graph.basic import Apply
from pytensor.graph.null_type import disconnected_type
from pytensor.graph.op import Op
from pytensor.tensor.basic import as_tensor_variable, eye
from pytensor.tensor.blockwise import Blockwise
from pytensor.tensor.linalg._checks import adjoint, as_matrix, as_square, is_missing
from pytensor.tensor.linalg._lazy import scipy_linalg
from pytensor.tensor.linalg.dtype_utils import linalg_output_dtype
from pytensor.tensor.linalg.solvers.general import solve
from pytensor.tensor.math import conj
from pytensor.tensor.reshape import join_dims, split_dims
from pytensor.tensor.type import tensor

__all__ = [
    "solve_continuous_lyapunov",
    "solve_discrete_are",
    "solve_discrete_lyapunov",
    "solve_sylvester",
]


class _MatrixEquation(Op):
    """An Op whose result X has the shape of its last square (or given) input."""

    __props__ = ()
    shape_input: int

    def _make(self, inputs):
        dtype = linalg_output_dtype(*(i.type.dtype for i in inputs))
        out = tensor(dtype=dtype, shape=inputs[self.shape_input].type.shape)
        return Apply(self, inputs, [out])

    def infer_shape(self, fgraph, node, input_shapes):
        return [input_shapes[self.shape_input]]

    def _solve(self, *values):
        raise NotImplementedError(f"{type(self).__name__} must define _solve")

    def perform(self, node, inputs, output_storage):
        dtype = node.outputs[0].type.dtype
        values = [np.asarray(i, dtype=dtype) for i in inputs]
        try:
            result = self._solve(*values)
        except np.linalg.LinAlgError:
            result = np.full(inputs[self.shape_input].shape, np.nan)
        output_storage[0][0] = np.asarray(result, dtype=dtype)


class SolveSylvester(_MatrixEquation):
    """``X`` in ``A X + X B = Q``."""

    gufunc_signature = "(m,m),(n,n),(m,n)->(m,n)"
    shape_input = 2

    def make_node(self, A, B, Q):
        return self._make(
            [as_square(self, A, "A"), as_square(self, B, "B"), as_matrix(self, Q, "Q")]
        )

    def _solve(self, A, B, Q):
        return scipy_linalg.solve_sylvester(A, B, Q)

    def pullback(self, inputs, outputs, cotangents):
        """The adjoint equation is ``A^H S + S B^H = X_bar``."""
        A, B, _Q = inputs
        (X,), (X_bar,) = outputs, cotangents
        if is_missing(X_bar):
            return [disconnected_type() for _ in inputs]
        S = self(adjoint(A), adjoint(B), X_bar)
        return [-S.dot(adjoint(X)), -adjoint(X).dot(S), S]


def solve_sylvester(A, B, Q):
    """Solve ``A @ X + X @ B = Q``, as `scipy.linalg.solve_sylvester`.

    Parameters
    ----------
    A, B
        Square matrices.
    Q
        Right-hand sides.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> pt.linalg.solve_sylvester([[1.0]], [[2.0]], [[6.0]]).eval().round(12).tolist()
    [[2.0]]
    """
    return Blockwise(SolveSylvester())(A, B, Q)


def solve_continuous_lyapunov(A, Q):
    """Solve ``A @ X + X @ A^H = Q``, as `scipy.linalg.solve_continuous_lyapunov`.

    Parameters
    ----------
    A, Q
        Square matrices.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> pt.linalg.solve_continuous_lyapunov([[-1.0]], [[-4.0]]).eval().round(12).tolist()
    [[2.0]]
    """
    A = as_tensor_variable(A)
    return solve_sylvester(A, conj(A.mT) if A.type.dtype.startswith("complex") else A.mT, Q)


class SolveBilinearDiscreteLyapunov(_MatrixEquation):
    """``X`` in ``A X A^H - X + Q = 0``, through the equivalent continuous equation."""

    gufunc_signature = "(m,m),(m,m)->(m,m)"
    shape_input = 1

    def make_node(self, A, Q):
        return self._make([as_square(self, A, "A"), as_square(self, Q, "Q")])

    def _solve(self, A, Q):
        return scipy_linalg.solve_discrete_lyapunov(A, Q, method="bilinear")

    def pullback(self, inputs, outputs, cotangents):
        """The adjoint equation is ``A^H S A - S + X_bar = 0``."""
        A, _Q = inputs
        (X,), (X_bar,) = outputs, cotangents
        if is_missing(X_bar):
            return [disconnected_type() for _ in inputs]
        S = self(adjoint(A), X_bar)
        return [S.dot(A).dot(adjoint(X)) + adjoint(S).dot(A).dot(X), S]


def solve_discrete_lyapunov(A, Q, method: Literal["direct", "bilinear"] = "bilinear"):
    """Solve ``A @ X @ A^H - X + Q = 0``, as `scipy.linalg.solve_discrete_lyapunov`.

    Parameters
    ----------
    A, Q
        Square matrices.
    method
        ``"bilinear"``, or ``"direct"``: one linear system for all elements of X, which any backend
        can do but costs memory of the fourth power of the size.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> pt.linalg.solve_discrete_lyapunov([[0.5]], [[3.0]]).eval().round(12).tolist()
    [[4.0]]
    """
    if method not in ("direct", "bilinear"):
        raise ValueError(f"Invalid method {method}. Valid methods are 'direct' and 'bilinear'")
    if method == "bilinear":
        return Blockwise(SolveBilinearDiscreteLyapunov())(A, Q)
    return _direct_discrete_lyapunov(as_tensor_variable(A), as_tensor_variable(Q))


def _direct_discrete_lyapunov(A, Q):
    """Solve ``(I - kron(A, conj(A))) vec(X) = vec(Q)``, for stacks of matrices too."""
    other = conj(A) if A.type.dtype.startswith("complex") else A
    products = A[..., :, None, :, None] * other[..., None, :, None, :]
    rows = products.type.ndim - 4
    products = join_dims(products, start_axis=rows + 2, n_axes=2)
    system = join_dims(products, start_axis=rows, n_axes=2)
    identity = eye(system.shape[-1], dtype=system.type.dtype)
    flat = solve(identity - system, join_dims(Q, start_axis=-2, n_axes=2), b_ndim=1)
    n = A.shape[-1]
    return split_dims(flat, shape=(n, n), axis=-1)


class SolveDiscreteARE(_MatrixEquation):
    """``X`` in ``A^H X A - X - A^H X B (R + B^H X B)^-1 B^H X A + Q = 0``."""

    gufunc_signature = "(m,m),(m,n),(m,m),(n,n)->(m,m)"
    shape_input = 2

    def make_node(self, A, B, Q, R):
        return self._make(
            [
                as_square(self, A, "A"),
                as_matrix(self, B, "B"),
                as_square(self, Q, "Q"),
                as_square(self, R, "R"),
            ]
        )

    def _solve(self, A, B, Q, R):
        return scipy_linalg.solve_discrete_are(A, B, Q, R)

    def pullback(self, inputs, outputs, cotangents):
        """Gradient by Kao and Hennequin (2020), for symmetric (hermitian) Q and R."""
        A, B, _Q, R = inputs
        (X,), (X_bar,) = outputs, cotangents
        if is_missing(X_bar):
            return [disconnected_type() for _ in inputs]
        B_h = adjoint(B)
        gain = solve(R + B_h.dot(X).dot(B), B_h.dot(X).dot(A), b_ndim=2)
        closed = A - B.dot(gain)
        S = SolveBilinearDiscreteLyapunov()(closed, 0.5 * (X_bar + adjoint(X_bar)))
        A_bar = 2 * X.dot(closed).dot(S)
        return [A_bar, -A_bar.dot(adjoint(gain)), S, gain.dot(S).dot(adjoint(gain))]


def solve_discrete_are(A, B, Q, R):
    """Solve the discrete algebraic Riccati equation, as `scipy.linalg.solve_discrete_are`.

    Parameters
    ----------
    A, Q
        Square matrices; Q symmetric.
    B
        Matrices with as many rows as A.
    R
        Symmetric positive definite matrices with as many rows as B has columns.

    Examples
    --------
    >>> import numpy as np
    >>> import pytensor.tensor as pt
    >>> one = np.eye(1)
    >>> pt.linalg.solve_discrete_are(one, one, one, one).eval().round(6).tolist()
    [[1.618034]]
    """
    return Blockwise(SolveDiscreteARE())(A, B, Q, R)
