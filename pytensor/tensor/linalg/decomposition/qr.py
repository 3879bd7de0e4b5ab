"""QR factorization."""

from typing import Literal

import numpy as np

from pytensor.graph.basic import Apply
from pytensor.graph.null_type import disconnected_type, grad_not_implemented
from pytensor.graph.op import Op
from pytensor.tensor.basic import join, tril
from pytensor.tensor.blockwise import Blockwise
from pytensor.tensor.linalg._checks import as_matrix, fill_missing, is_complex, is_missing
from pytensor.tensor.linalg._lazy import scipy_linalg
from pytensor.tensor.linalg.dtype_utils import linalg_output_dtype
from pytensor.tensor.linalg.solvers.triangular import solve_triangular
from pytensor.tensor.math import minimum
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
        columns, ``X = Q U``; the others are ``Y = Q V``. Y is empty unless A is wide.
        """
        (A,) = inputs
        if all(is_missing(g) for g in cotangents):
            return [disconnected_type()]
        m, n = A.type.shape
        is_tall = m is None or n is None or m > n
        unsupported = self.pivoting or self.mode == "raw" or is_complex(A)
        if unsupported or (self.mode == "full" and is_tall):
            return [
                grad_not_implemented(
                    self,
                    0,
                    A,
                    "only for real matrices, mode='economic' and 'r', and 'full' for matrices that are not taller "
                    "than wide, without pivoting",
                )
            ]
        k = minimum(A.shape[0], A.shape[1])
        if self.mode == "r":
            Q, R = QR(mode="economic")(A)
            Q_bar, R_bar = Q.zeros_like(), cotangents[0][:k]
        else:
            Q, R = outputs
            Q_bar, R_bar = fill_missing(cotangents, outputs)
        U, U_bar, V_bar, Y = R[:, :k], R_bar[:, :k], R_bar[:, k:], A[:, k:]
        Q_bar = Q_bar + Y.dot(V_bar.T)
        M = U.dot(U_bar.T) - Q_bar.T.dot(Q)
        symmetric = tril(M) + tril(M, -1).T
        X_bar = solve_triangular(U, (Q_bar + Q.dot(symmetric)).T, lower=False).T
        return [join(1, X_bar, Q.dot(V_bar))]

    def inplace_on_inputs(self, allowed_inplace_inputs):
        """Return the form that overwrites the matrix."""
        if not allowed_inplace_inputs:
            return self
        props = self._props_dict()
        props["overwrite_a"] = True
        return type(self)(**props)


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
    """
    mode = {"complete": "full", "reduced": "economic"}.get(mode, mode)
    return Blockwise(QR(mode=mode, pivoting=pivoting))(A)
