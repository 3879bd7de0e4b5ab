"""Singular value decomposition."""

import numpy as np

from pytensor.graph.basic import Apply
from pytensor.graph.null_type import disconnected_type, grad_not_implemented
from pytensor.graph.op import Op
from pytensor.tensor.blockwise import Blockwise
from pytensor.tensor.linalg._checks import as_matrix, fill_missing, is_complex, is_missing
from pytensor.tensor.linalg.dtype_utils import linalg_output_dtype, linalg_real_output_dtype
from pytensor.tensor.math import eq, minimum, switch
from pytensor.tensor.type import tensor


class SVD(Op):
    """``A = U @ diag(s) @ Vh`` with s descending.

    Parameters
    ----------
    full_matrices
        Whether U and Vh are square, with columns and rows that belong to no singular value.
    compute_uv
        Return U, s and Vh, or only s.
    """

    __props__ = ("full_matrices", "compute_uv", "overwrite_a")

    def __init__(
        self, full_matrices: bool = True, compute_uv: bool = True, overwrite_a: bool = False
    ):
        self.full_matrices = bool(full_matrices)
        self.compute_uv = bool(compute_uv)
        self.overwrite_a = bool(overwrite_a)
        if self.compute_uv:
            self.gufunc_signature = (
                "(m,n)->(m,m),(k),(n,n)" if self.full_matrices else "(m,n)->(m,k),(k),(k,n)"
            )
        else:
            self.gufunc_signature = "(m,n)->(k)"
        if self.overwrite_a:
            self.destroy_map = {0: [0]}

    def make_node(self, x):
        x = as_matrix(self, x)
        m, n = x.type.shape
        k = None if m is None or n is None else min(m, n)
        dtype = linalg_output_dtype(x.type.dtype)
        s = tensor(dtype=linalg_real_output_dtype(x.type.dtype), shape=(k,))
        if not self.compute_uv:
            return Apply(self, [x], [s])
        full = self.full_matrices
        U = tensor(dtype=dtype, shape=(m, m if full else k))
        Vh = tensor(dtype=dtype, shape=(n if full else k, n))
        return Apply(self, [x], [U, s, Vh])

    def infer_shape(self, fgraph, node, input_shapes):
        m, n = input_shapes[0]
        k = min(m, n) if isinstance(m, int) and isinstance(n, int) else minimum(m, n)
        if not self.compute_uv:
            return [(k,)]
        if self.full_matrices:
            return [(m, m), (k,), (n, n)]
        return [(m, k), (k,), (k, n)]

    def perform(self, node, inputs, output_storage):
        x = np.asarray(inputs[0], dtype=linalg_output_dtype(inputs[0].dtype))
        results = np.linalg.svd(x, full_matrices=self.full_matrices, compute_uv=self.compute_uv)
        results = results if self.compute_uv else (results,)
        for storage, out, result in zip(output_storage, node.outputs, results, strict=True):
            storage[0] = np.asarray(result, dtype=out.type.dtype)

    def pullback(self, inputs, outputs, cotangents):
        """Gradient by Townsend (2016), "Differentiating the singular value decomposition"."""
        (A,) = inputs
        if all(is_missing(g) for g in cotangents):
            return [disconnected_type()]
        needs_vectors = self.compute_uv and not all(is_missing(cotangents[k]) for k in (0, 2))
        if is_complex(A) and needs_vectors:
            return [grad_not_implemented(self, 0, A, "U and Vh of a complex matrix")]
        if not self.compute_uv:
            U, _s, Vh = SVD(full_matrices=False)(A)
            return [(U * cotangents[0]).dot(Vh)]
        if self.full_matrices:
            if needs_vectors:
                return [
                    grad_not_implemented(
                        self,
                        0,
                        A,
                        "U and Vh of full_matrices=True are not unique; use full_matrices=False",
                    )
                ]
            U, _s, Vh = SVD(full_matrices=False)(A)
            return [(U * cotangents[1]).dot(Vh)]
        U, s, Vh = outputs
        U_bar, s_bar, Vh_bar = cotangents
        grad = (U * fill_missing([s_bar], [s])[0]).dot(Vh)
        squares = s**2
        gaps = squares[None, :] - squares[:, None]
        is_zero = eq(gaps, 0)
        F = switch(is_zero, 0, 1 / switch(is_zero, 1, gaps))
        if not is_missing(U_bar):
            skew = U.T.dot(U_bar)
            outside = (U_bar - U.dot(skew)) / s
            grad = grad + (U.dot(F * (skew - skew.T)) * s + outside).dot(Vh)
        if not is_missing(Vh_bar):
            skew = Vh.dot(Vh_bar.T)
            outside = (Vh_bar - skew.T.dot(Vh)) / s[:, None]
            grad = grad + U.dot((F * (skew - skew.T)).dot(Vh) * s[:, None] + outside)
        return [grad]

    def inplace_on_inputs(self, allowed_inplace_inputs):
        """NumPy's routine needs its own copy anyway."""
        return self


def svd(a, full_matrices: bool = True, compute_uv: bool = True):
    """Return the singular value decomposition of matrices, as `numpy.linalg.svd`.

    Parameters
    ----------
    a
        Matrices.
    full_matrices
        Whether U and Vh are square.
    compute_uv
        Return ``U, s, Vh``, or only the singular values.
    """
    return Blockwise(SVD(full_matrices=full_matrices, compute_uv=compute_uv))(a)
