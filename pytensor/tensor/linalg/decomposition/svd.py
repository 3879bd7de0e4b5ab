"""Singular value decomposition."""

import numpy as np

from pytensor.graph.basic import Apply
from pytensor.graph.null_type import disconnected_type
from pytensor.graph.op import Op
from pytensor.tensor.basic import diag, diagonal
from pytensor.tensor.blockwise import Blockwise
from pytensor.tensor.linalg._checks import (
    adjoint,
    as_matrix,
    check_converges,
    fill_missing,
    is_complex,
    is_missing,
)
from pytensor.tensor.linalg._lazy import scipy_linalg
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
        check_converges(x)
        # SciPy's LAPACK is that of C; NumPy's may choose other signs.
        results = scipy_linalg.svd(
            x,
            full_matrices=self.full_matrices,
            compute_uv=self.compute_uv,
            check_finite=False,
        )
        results = results if self.compute_uv else (results,)
        for storage, out, result in zip(output_storage, node.outputs, results, strict=True):
            storage[0] = np.asarray(result, dtype=out.type.dtype)

    def pullback(self, inputs, outputs, cotangents):
        """Gradient by Townsend (2016), "Differentiating the singular value decomposition".

        For complex matrices by Wan and Zhang (2019), "Automatic differentiation for complex valued
        SVD": right for costs that do not change when a singular pair is multiplied by a phase.
        """
        (A,) = inputs
        if all(is_missing(g) for g in cotangents):
            return [disconnected_type()]
        if not self.compute_uv:
            U, _s, Vh = SVD(full_matrices=False)(A)
            return [(U * cotangents[0]).dot(Vh)]
        U_bar, s_bar, Vh_bar = cotangents
        if is_missing(U_bar) and is_missing(Vh_bar):
            U, _s, Vh = SVD(full_matrices=False)(A) if self.full_matrices else outputs
            return [(U * s_bar).dot(Vh)]
        U, s, Vh = outputs
        V, V_bar = adjoint(Vh), Vh_bar if is_missing(Vh_bar) else adjoint(Vh_bar)
        if self.full_matrices:
            k = s.shape[0]
            U, U_bar = _without_complement(U, U_bar, k)
            V, V_bar = _without_complement(V, V_bar, k)
        return [_svd_gradient(U, s, V, U_bar, s_bar, V_bar)]

    def inplace_on_inputs(self, allowed_inplace_inputs):
        """The routine needs its own copy anyway."""
        return self


def _without_complement(U, U_bar, k):
    """Drop the columns that belong to no singular value; what they cost, the others pay.

    Orthogonal to the first k columns, they are otherwise arbitrary, and are taken not to turn among
    themselves: ``dU_2 = -U_1 dU_1^H U_2``.
    """
    first = U[:, :k]
    if is_missing(U_bar):
        return first, U_bar
    return first, U_bar[:, :k] - U[:, k:].dot(adjoint(U_bar[:, k:]).dot(first))


def _reciprocal_or_zero(x):
    is_zero = eq(x, 0)
    return switch(is_zero, 0, 1 / switch(is_zero, 1, x)).astype(x.type.dtype)


def _svd_gradient(U, s, V, U_bar, s_bar, V_bar):
    """Gradient in terms of ``P = U^H A V``, plus the parts outside of the spaces of U and V."""
    inverse = _reciprocal_or_zero(s)
    squares = s**2
    F = _reciprocal_or_zero(squares[None, :] - squares[:, None])
    P_bar = diag(fill_missing([s_bar], [s])[0]).astype(U.type.dtype)
    outside = None
    if not is_missing(U_bar):
        K = adjoint(U).dot(U_bar)
        P_bar = P_bar + F * (K - adjoint(K)) * s
        if is_complex(U):
            P_bar = P_bar + (1j * diag(diagonal(K).imag * inverse)).astype(U.type.dtype)
        outside = ((U_bar - U.dot(K)) * inverse).dot(adjoint(V))
    if not is_missing(V_bar):
        K = adjoint(V).dot(V_bar)
        P_bar = P_bar + F * (K - adjoint(K)) * s[:, None]
        right = (U * inverse).dot(adjoint(V_bar - V.dot(K)))
        outside = right if outside is None else outside + right
    return U.dot(P_bar).dot(adjoint(V)) + outside


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

    Returns
    -------
    list or variable
        U, s (descending) and Vh, with ``a = U * s @ Vh``.

    Notes
    -----
    Gradients of U and Vh exist where the singular values are distinct and not zero; otherwise the
    undetermined rotations are taken to be zero. So are those of the columns that
    ``full_matrices=True`` adds, and the phases of complex singular vectors: costs should not depend
    on them.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> pt.linalg.svd([[0.0, 2.0], [3.0, 0.0]], compute_uv=False).eval().round(12).tolist()
    [3.0, 2.0]
    """
    return Blockwise(SVD(full_matrices=full_matrices, compute_uv=compute_uv))(a)
