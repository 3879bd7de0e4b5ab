"""Least squares, and linear systems of arrays."""

from math import prod

import numpy as np

from pytensor.graph.basic import Apply
from pytensor.graph.null_type import disconnected_type
from pytensor.graph.op import Op
from pytensor.tensor.basic import as_tensor_variable, zeros
from pytensor.tensor.linalg._checks import (
    adjoint,
    as_matrix,
    check_converges,
    fill_missing,
    is_complex,
    is_missing,
)
from pytensor.tensor.linalg.decomposition.svd import SVD
from pytensor.tensor.linalg.dtype_utils import linalg_output_dtype, linalg_real_output_dtype
from pytensor.tensor.linalg.solvers.general import solve
from pytensor.tensor.math import conj, outer
from pytensor.tensor.type import tensor


class Lstsq(Op):
    """Least-squares solution of ``x @ s = y``, as `numpy.linalg.lstsq`.

    Parameters of a call are x, a matrix; y, a vector or a matrix; and rcond: singular values below
    rcond times the largest count as zero (negative: machine precision). Results are the solution of
    least norm; the sums of squared residuals (empty unless x is taller than wide and of full rank);
    the rank of x; and its singular values.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> s, residuals, rank, _ = pt.linalg.lstsq([[1.0], [1.0]], [1.0, 3.0], -1)
    >>> s.eval().round(9).tolist(), residuals.eval().round(9).tolist(), int(rank.eval())
    ([2.0], [2.0], 1)
    """

    __props__ = ()

    def make_node(self, x, y, rcond):
        x, y, rcond = as_matrix(self, x), as_tensor_variable(y), as_tensor_variable(rcond)
        if y.type.ndim not in (1, 2):
            raise TypeError(f"[Lstsq] y must be a vector or a matrix, got {y.type}")
        if rcond.type.ndim != 0:
            raise TypeError(f"[Lstsq] rcond must be a scalar, got {rcond.type}")
        m, n = x.type.shape
        k = None if m is None or n is None else min(m, n)
        dtypes = (x.type.dtype, y.type.dtype)
        solution = tensor(dtype=linalg_output_dtype(*dtypes), shape=(n, *y.type.shape[1:]))
        real = linalg_real_output_dtype(*dtypes)
        residuals = tensor(dtype=real, shape=(None,))
        rank = tensor(dtype="int32", shape=())
        return Apply(
            self, [x, y, rcond], [solution, residuals, rank, tensor(dtype=real, shape=(k,))]
        )

    def perform(self, node, inputs, output_storage):
        x, y, rcond = inputs
        check_converges(x, " in Linear Least Squares")
        results = np.linalg.lstsq(x, y, float(rcond))
        for storage, out, result in zip(output_storage, node.outputs, results, strict=True):
            storage[0] = np.asarray(result, dtype=out.type.dtype)

    def connection_pattern(self, node):
        """The rank, and what a cut-off decides, do not change by little."""
        return [[True, True, False, True], [True, True, False, False], [False] * 4]

    def pullback(self, inputs, outputs, cotangents):
        """That of ``pinv(x) @ y`` by Golub and Pereyra (1973), for x of locally constant rank.

        With ``u = pinv(x^H) s_bar`` and residuals ``r = y - x s`` it is ``y_bar = u`` and
        ``x_bar = -u s^H + r (pinv(x) u)^H + (pinv(x^H) s) (s_bar - x^H u)^H``.
        """
        x, y, rcond = inputs
        s_bar, squares_bar, _, values_bar = cotangents
        if all(map(is_missing, (s_bar, squares_bar, values_bar))):
            return [disconnected_type() for _ in inputs]
        is_vector = y.type.ndim == 1
        y, s = (v[:, None] if is_vector else v for v in (y, outputs[0]))
        r = y - x.dot(s)
        y_bar, x_bar = r.zeros_like(), x.zeros_like(dtype=r.type.dtype)
        if not is_missing(s_bar):
            s_bar = s_bar[:, None] if is_vector else s_bar
            y_bar = self(adjoint(x), s_bar, rcond)[0]
            turned = self(x, y_bar, rcond)[0]
            weight = self(adjoint(x), s, rcond)[0]
            rest = s_bar - adjoint(x).dot(y_bar)
            x_bar = r.dot(adjoint(turned)) + weight.dot(adjoint(rest)) - y_bar.dot(adjoint(s))
        if not is_missing(squares_bar):
            # There may be no residuals, and then their cotangent is as empty
            weights = zeros(y.shape[1], dtype=squares_bar.type.dtype)
            weights = weights[: outputs[1].shape[0]].set(squares_bar)
            by_residual = 2 * r * weights
            y_bar, x_bar = y_bar + by_residual, x_bar - by_residual.dot(adjoint(s))
        if not is_missing(values_bar):
            U, _values, Vh = SVD(full_matrices=False)(x)
            x_bar = x_bar + (U * values_bar).dot(Vh)
        if not is_complex(x):
            x_bar = x_bar.real if is_complex(x_bar) else x_bar
        y_bar = y_bar[:, 0] if is_vector else y_bar
        if is_complex(y_bar) and not is_complex(inputs[1]):
            y_bar = y_bar.real
        return [x_bar, y_bar, disconnected_type()]


lstsq = Lstsq()


class TensorSolve(Op):
    """``x`` in ``tensordot(a, x, x.ndim) = b``, as `numpy.linalg.tensorsolve`."""

    __props__ = ("axes",)

    def __init__(self, axes=None):
        self.axes = None if axes is None else tuple(int(a) for a in np.atleast_1d(axes))

    def _order(self, ndim: int) -> list[int]:
        """Axes of a with those of `axes` moved to the end."""
        order = list(range(ndim))
        for axis in self.axes or ():
            order.remove(axis % ndim)
            order.append(axis % ndim)
        return order

    def make_node(self, a, b):
        a, b = as_tensor_variable(a), as_tensor_variable(b)
        if any(not -a.type.ndim <= axis < a.type.ndim for axis in self.axes or ()):
            raise ValueError(f"[TensorSolve] axes must be axes of a, got {self.axes} for {a.type}")
        shape = tuple(a.type.shape[d] for d in self._order(a.type.ndim))[b.type.ndim :]
        dtype = linalg_output_dtype(a.type.dtype, b.type.dtype)
        return Apply(self, [a, b], [tensor(dtype=dtype, shape=shape)])

    def infer_shape(self, fgraph, node, input_shapes):
        a_shape, b_shape = input_shapes
        return [tuple(a_shape[d] for d in self._order(len(a_shape))[len(b_shape) :])]

    def perform(self, node, inputs, output_storage):
        result = np.linalg.tensorsolve(*inputs, axes=self.axes)
        output_storage[0][0] = np.asarray(result, dtype=node.outputs[0].type.dtype)

    def pullback(self, inputs, outputs, cotangents):
        """That of a solution of a linear system, with both groups of axes joined."""
        (a, b), (x,), (x_bar,) = inputs, outputs, cotangents
        if is_missing(x_bar):
            return [disconnected_type(), disconnected_type()]
        order = self._order(a.type.ndim)
        moved = a.transpose(*order)
        n = prod((x.shape[d] for d in range(x.type.ndim)), start=1)
        matrix = moved.reshape((n, n))
        b_bar = solve(adjoint(matrix), x_bar.reshape((n,)), b_ndim=1)
        flat_x = x.reshape((n,))
        a_bar = -outer(b_bar, conj(flat_x) if is_complex(x) else flat_x)
        a_bar = a_bar.reshape(moved.shape, ndim=a.type.ndim).transpose(*np.argsort(order))
        return [
            g.real if is_complex(g) and not is_complex(v) else g
            for g, v in ((a_bar, a), (b_bar.reshape(b.shape, ndim=b.type.ndim), b))
        ]

    def pushforward(self, inputs, outputs, tangents):
        """``dx = a^-1 (db - da x)``."""
        if all(map(is_missing, tangents)):
            return [disconnected_type()]
        (a, b), (x,) = inputs, outputs
        da, db = fill_missing(tangents, inputs)
        n = prod((x.shape[d] for d in range(x.type.ndim)), start=1)
        change = da.transpose(*self._order(a.type.ndim)).reshape((n, n)).dot(x.reshape((n,)))
        return [self(a, db - change.reshape(b.shape, ndim=b.type.ndim))]


def tensorsolve(a, b, axes=None):
    """Solve ``tensordot(a, x, x.ndim) = b`` for x, as `numpy.linalg.tensorsolve`.

    Parameters
    ----------
    a
        Array whose first axes are those of b, and whose other axes are those of x.
    b
        Right-hand side.
    axes
        Axes of a to move to the end first.

    Examples
    --------
    >>> import numpy as np
    >>> import pytensor.tensor as pt
    >>> pt.linalg.tensorsolve(2 * np.eye(4).reshape(2, 2, 4), np.ones((2, 2))).eval().tolist()
    [0.5, 0.5, 0.5, 0.5]
    """
    return TensorSolve(axes)(a, b)
