"""What the solvers of ``A @ x = b`` share."""

import numpy as np

from pytensor.graph.basic import Apply
from pytensor.graph.null_type import disconnected_type
from pytensor.graph.op import Op
from pytensor.tensor.basic import as_tensor_variable
from pytensor.tensor.linalg._checks import as_square, check_square, is_missing, square_length
from pytensor.tensor.linalg.dtype_utils import linalg_output_dtype
from pytensor.tensor.math import conj, outer
from pytensor.tensor.type import tensor


def _default_b_ndim(b, b_ndim) -> int:
    """Whether b is a vector or a matrix: a vector only if it has one dimension, unless told."""
    if b_ndim is not None:
        if b_ndim not in (1, 2):
            raise ValueError(f"b_ndim must be 1 or 2, got {b_ndim}")
        return b_ndim
    b = as_tensor_variable(b)
    if b.type.ndim == 0:
        raise ValueError("b must have at least one dimension")
    return min(b.type.ndim, 2)


class SolveBase(Op):
    """``x`` in ``A @ x = b``, for a vector (``b_ndim=1``) or a matrix (``b_ndim=2``) b."""

    __props__ = ("lower", "b_ndim", "overwrite_a", "overwrite_b")

    def __init__(self, *, lower=False, b_ndim, overwrite_a=False, overwrite_b=False):
        if b_ndim not in (1, 2):
            raise ValueError(f"b_ndim must be 1 or 2, got {b_ndim}")
        if overwrite_a and overwrite_b:
            raise ValueError("It is not possible to overwrite more than one input")
        self.lower = bool(lower)
        self.b_ndim = b_ndim
        self.overwrite_a = bool(overwrite_a)
        self.overwrite_b = bool(overwrite_b)
        self.gufunc_signature = "(m,m),(m)->(m)" if b_ndim == 1 else "(m,m),(m,n)->(m,n)"
        if self.overwrite_a:
            self.destroy_map = {0: [0]}
        elif self.overwrite_b:
            self.destroy_map = {0: [1]}

    def make_node(self, A, b):
        name = type(self).__name__
        A, b = as_square(self, A, "A"), as_tensor_variable(b)
        if b.type.ndim != self.b_ndim:
            raise ValueError(f"[{name}] b must have {self.b_ndim} dimensions, got {b.type}")
        length = square_length(A)
        rows = b.type.shape[0]
        if length is not None and rows is not None and length != rows:
            raise ValueError(
                f"[{name}] A and b must agree on the first dimension, "
                f"got A {A.type.shape} and b {b.type.shape}"
            )
        dtype = linalg_output_dtype(A.type.dtype, b.type.dtype)
        shape = (rows if length is None else length, *b.type.shape[1:])
        return Apply(self, [A, b], [tensor(dtype=dtype, shape=shape)])

    def infer_shape(self, fgraph, node, input_shapes):
        A_shape, b_shape = input_shapes
        return [(A_shape[1], *b_shape[1:])]

    def _operands(self, node, inputs):
        """Check shapes and dtypes; return A and b, with b as a matrix."""
        A, b = inputs
        name = type(self).__name__
        check_square(self, A, "A")
        if A.shape[0] != b.shape[0]:
            raise ValueError(
                f"[{name}] A and b must agree on the first dimension, "
                f"got A {A.shape} and b {b.shape}"
            )
        dtype = node.outputs[0].type.dtype
        A, b = np.asarray(A, dtype=dtype), np.asarray(b, dtype=dtype)
        return A, (b[:, None] if self.b_ndim == 1 else b)

    def solve_matrix(self, A: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, int]:
        """Solve for a matrix b; return the solution and LAPACK's info."""
        raise NotImplementedError(f"{type(self).__name__} must define solve_matrix")

    def perform(self, node, inputs, output_storage):
        A, b = self._operands(node, inputs)
        if b.size == 0:
            x = np.empty_like(b)
        else:
            x, info = self.solve_matrix(A, b)
            if info < 0:
                raise ValueError(f"LAPACK reported an illegal value in argument {-info}")
            if info > 0:
                x = np.full(b.shape, np.nan, dtype=b.dtype)
        output_storage[0][0] = x[:, 0] if self.b_ndim == 1 else x

    def _matrix_gradient(self, grad):
        """Keep what the solver reads of the gradient with respect to the whole matrix."""
        return grad

    def _transposed(self) -> "SolveBase":
        """Return the solver for the transposed matrix."""
        props = self._props_dict()
        props.update(lower=not self.lower, overwrite_b=False)
        if "overwrite_a" in props:
            props["overwrite_a"] = False
        return type(self)(**props)

    def _system(self, A):
        """The matrix of the system that is solved, transposed and conjugated."""
        return conj(A).T if A.type.dtype.startswith("complex") else A.T

    def pullback(self, inputs, outputs, cotangents):
        """``b_bar = A^-H x_bar`` and ``A_bar = -b_bar x^H`` (Giles 2008)."""
        A, _b = inputs
        (x,), (x_bar,) = outputs, cotangents
        if is_missing(x_bar):
            return [disconnected_type(), disconnected_type()]
        b_bar = self._transposed()(self._system(A), x_bar)
        x_conj = conj(x) if x.type.dtype.startswith("complex") else x
        A_bar = -outer(b_bar, x_conj) if self.b_ndim == 1 else -b_bar.dot(x_conj.T)
        return [self._matrix_gradient(A_bar), b_bar]

    def pushforward(self, inputs, outputs, tangents):
        """``dx = A^-1 (db - dA x)``."""
        A, b = inputs
        (x,) = outputs
        dA, db = tangents
        if is_missing(dA) and is_missing(db):
            return [disconnected_type()]
        right = b.zeros_like(dtype=x.type.dtype) if is_missing(db) else db
        if not is_missing(dA):
            right = right - self._matrix_tangent(dA).dot(x)
        props = self._props_dict()
        props["overwrite_b"] = False
        if "overwrite_a" in props:
            props["overwrite_a"] = False
        return [type(self)(**props)(A, right)]

    def _matrix_tangent(self, dA):
        """The tangent of the matrix that the solver reads."""
        return dA
