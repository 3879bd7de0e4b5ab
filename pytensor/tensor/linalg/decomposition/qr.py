"""QR factorization."""

from typing import Literal

import numpy as np

from pytensor.graph.basic import Apply
from pytensor.graph.null_type import disconnected_type, grad_not_implemented
from pytensor.graph.op import Op
from pytensor.tensor.basic import diag, diagonal, join, tril
from pytensor.tensor.blockwise import Blockwise
from pytensor.tensor.linalg._checks import (
    adjoint,
    as_matrix,
    fill_missing,
    is_complex,
    is_missing,
)
from pytensor.tensor.linalg._lazy import scipy_linalg
from pytensor.tensor.linalg.decomposition.svd import _without_complement
from pytensor.tensor.linalg.dtype_utils import linalg_output_dtype
from pytensor.tensor.linalg.solvers.triangular import solve_triangular
from pytensor.tensor.math import minimum
from pytensor.tensor.sort import argsort
from pytensor.tensor.type import tensor

_MODES = ("full", "r", "economic", "raw")


class QR(Op):
    """``A = Q @ R`` with orthonormal columns in Q and upper triangular R.

    Parameters
    ----------
    mode
        ``"full"``: Q is square; ``"economic"``: only the first ``k = min(m, n)`` columns of Q and
        rows of R; ``"r"``: only R of ``"full"``; ``"raw"``: LAPACK's representation.
    pivoting
        Permute columns so that ``A[:, p] = Q @ R`` with a decreasing diagonal of R.
    """

    __props__ = ("overwrite_a", "mode", "pivoting")

    def __init__(
        self,
        mode: Literal["full", "r", "economic", "raw"] = "full",
        overwrite_a: bool = False,
        pivoting: bool = False,
    ):
        if mode not in _MODES:
            raise ValueError(f"[QR] mode must be one of {_MODES}, got {mode!r}")
        self.mode = mode
        self.overwrite_a = bool(overwrite_a)
        self.pivoting = bool(pivoting)
        outputs = {
            "full": "(m,m),(m,n)",
            "economic": "(m,k),(k,n)",
            "r": "(m,n)",
            "raw": "(n,m),(k),(m,n)",
        }[mode]
        self.gufunc_signature = f"(m,n)->{outputs}{',(n)' if pivoting else ''}"
        if self.overwrite_a:
            self.destroy_map = {0: [0]}

    def _shapes(self, m, n, k) -> list[tuple]:
        shapes = {
            "full": [(m, m), (m, n)],
            "economic": [(m, k), (k, n)],
            "r": [(m, n)],
            "raw": [(m, n), (k,), (k, n)],
        }[self.mode]
        return [*shapes, *([(n,)] if self.pivoting else [])]

    def make_node(self, x):
        x = as_matrix(self, x)
        m, n = x.type.shape
        k = None if m is None or n is None else min(m, n)
        dtype = linalg_output_dtype(x.type.dtype)
        outputs = [tensor(dtype=dtype, shape=s) for s in self._shapes(m, n, k)]
        if self.pivoting:
            outputs[-1] = tensor(dtype="int32", shape=(n,))
        return Apply(self, [x], outputs)

    def infer_shape(self, fgraph, node, input_shapes):
        m, n = input_shapes[0]
        k = min(m, n) if isinstance(m, int) and isinstance(n, int) else minimum(m, n)
        return self._shapes(m, n, k)

    def perform(self, node, inputs, output_storage):
        x = np.asarray(inputs[0], dtype=node.outputs[0].type.dtype)
        results = scipy_linalg.qr(
            x,
            mode=self.mode,
            pivoting=self.pivoting,
            overwrite_a=self.overwrite_a,
            check_finite=False,
        )
        results = results if isinstance(results, tuple) else (results,)
        if self.mode == "raw":
            results = (*results[0], *results[1:])
        for storage, out, result in zip(output_storage, node.outputs, results, strict=True):
            storage[0] = np.asarray(result, dtype=out.type.dtype)

    def pullback(self, inputs, outputs, cotangents):
        """Gradient by Roberts and Roberts (2020), "QR and LQ decomposition matrix backprop".

        The first k columns of A are those of a square or tall factorization with R's first k
        columns, ``X = Q U``; the others are ``Y = Q V``. Y is empty unless A is wide. LAPACK's R has
        a real diagonal, so that complex factors are unique too.
        """
        (A,) = inputs
        n_factors = len(outputs) - self.pivoting
        if all(is_missing(g) for g in cotangents[:n_factors]):
            return [disconnected_type()]
        if self.mode == "raw":
            return [grad_not_implemented(self, 0, A, "mode='raw' is LAPACK's packed form")]
        order = outputs[-1] if self.pivoting else None
        permuted = A[:, order] if self.pivoting else A
        k = minimum(A.shape[0], A.shape[1])
        if self.mode == "r":
            Q, R = QR(mode="economic")(permuted)
            Q_bar, R_bar = Q.zeros_like(), cotangents[0][:k]
        else:
            Q, R = outputs[:2]
            Q_bar, R_bar = fill_missing(cotangents[:2], outputs[:2])
        if self.mode == "full":
            Q, Q_bar = _without_complement(Q, Q_bar, k)
            R, R_bar = R[:k], R_bar[:k]
        grad = _qr_gradient(Q, R, Q_bar, R_bar, permuted[:, k:], k)
        return [grad[:, argsort(order)] if self.pivoting else grad]

    def connection_pattern(self, node):
        """A permutation does not change by little."""
        n = len(node.outputs)
        return [[not (self.pivoting and i == n - 1) for i in range(n)]]

    def inplace_on_inputs(self, allowed_inplace_inputs):
        """Return the form that overwrites the matrix."""
        if not allowed_inplace_inputs:
            return self
        props = self._props_dict()
        props["overwrite_a"] = True
        return type(self)(**props)


def _qr_gradient(Q, R, Q_bar, R_bar, Y, k):
    """Gradient of the factorization into Q with k columns and R with k rows."""
    U, U_bar, V_bar = R[:, :k], R_bar[:, :k], R_bar[:, k:]
    Q_bar = Q_bar + Y.dot(adjoint(V_bar))
    M = U.dot(adjoint(U_bar)) - adjoint(Q_bar).dot(Q)
    below = tril(M, -1)
    on_diagonal = diagonal(M).real if is_complex(M) else diagonal(M)
    hermitian = below + adjoint(below) + diag(on_diagonal)
    right = Q_bar + Q.dot(hermitian)
    X_bar = adjoint(solve_triangular(U, adjoint(right), lower=False))
    return join(1, X_bar, Q.dot(V_bar))


def qr(
    A,
    mode: Literal["full", "r", "economic", "raw", "complete", "reduced"] = "full",
    overwrite_a: bool = False,
    pivoting: bool = False,
    lwork: int | None = None,
):
    """Return the QR factorization of matrices, as `scipy.linalg.qr`.

    Parameters
    ----------
    A
        Matrices.
    mode
        Which parts are returned; NumPy's ``"complete"`` and ``"reduced"`` mean ``"full"`` and
        ``"economic"``.
    overwrite_a, lwork
        Accepted for compatibility.
    pivoting
        Permute columns; the permutation is returned last.

    Returns
    -------
    list or variable
        Q and R, or R; with `pivoting` also p in ``A[:, p] = Q @ R``.

    Notes
    -----
    The gradient exists where the first ``min(m, n)`` columns are independent. Columns of Q that
    ``mode="full"`` adds to those of ``"economic"`` are arbitrary, and costs should not depend on how
    they are turned among themselves. There is none for ``mode="raw"``.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> abs(pt.linalg.qr([[3.0], [4.0]], mode="r").eval()).tolist()
    [[5.0], [0.0]]
    """
    mode = {"complete": "full", "reduced": "economic"}.get(mode, mode)
    return Blockwise(QR(mode=mode, pivoting=pivoting))(A)
