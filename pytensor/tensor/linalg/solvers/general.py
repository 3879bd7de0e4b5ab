"""General systems, and those whose matrix has a known structure."""

import numpy as np

from pytensor.raise_op import CheckAndRaise
from pytensor.tensor.basic import arange, as_tensor_variable, diag, diagonal, tril, triu
from pytensor.tensor.blockwise import Blockwise
from pytensor.tensor.functional import vectorize
from pytensor.tensor.linalg._lazy import scipy_linalg
from pytensor.tensor.linalg.decomposition.lu import pivot_to_permutation
from pytensor.tensor.linalg.solvers.core import SolveBase, _default_b_ndim
from pytensor.tensor.linalg.solvers.triangular import solve_triangular
from pytensor.tensor.math import abs as pt_abs
from pytensor.tensor.math import conj, eq, le, switch

_ASSUMPTIONS = ("gen", "sym", "her", "pos", "tridiagonal", "banded")
_LONG_NAMES = {
    "general": "gen",
    "symmetric": "sym",
    "hermitian": "her",
    "positive definite": "pos",
}


class Solve(SolveBase):
    """``x`` in ``A @ x = b``, by the LAPACK driver for the structure of A.

    The result is NaN for a singular matrix (or one that is not positive definite, if it should).
    """

    __props__ = ("assume_a", "lower", "b_ndim", "overwrite_a", "overwrite_b")

    def __init__(self, *, assume_a="gen", **kwargs):
        assume_a = _LONG_NAMES.get(assume_a, assume_a)
        if assume_a not in _ASSUMPTIONS:
            raise ValueError(
                f"Invalid assume_a: {assume_a}. It must be one of {list(_ASSUMPTIONS)} or "
                f"{list(_LONG_NAMES)}"
            )
        super().__init__(**kwargs)
        self.assume_a = assume_a

    def solve_matrix(self, A, b):
        overwrite = {"overwrite_a": self.overwrite_a, "overwrite_b": self.overwrite_b}
        if self.assume_a in ("sym", "her", "pos"):
            name = {"sym": "sysv", "her": "hesv", "pos": "posv"}[self.assume_a]
            if A.dtype.kind != "c" and name == "hesv":
                name = "sysv"
            (driver,) = scipy_linalg.get_lapack_funcs((name,), (A, b))
            *_, x, info = driver(A, b, lower=self.lower, **overwrite)
            return x, info
        if self.assume_a == "tridiagonal" and len(A) > 1:  # SciPy refuses empty diagonals
            (gtsv,) = scipy_linalg.get_lapack_funcs(("gtsv",), (A, b))
            *_, x, info = gtsv(np.diag(A, -1), np.diag(A), np.diag(A, 1), b)
            return x, info
        if self.assume_a == "banded":
            return _solve_banded(A, b)
        (gesv,) = scipy_linalg.get_lapack_funcs(("gesv",), (A, b))
        _lu, _piv, x, info = gesv(A, b, **overwrite)
        return x, info

    def _transposed(self):
        props = self._props_dict()
        props.update(overwrite_a=False, overwrite_b=False)
        if self.assume_a == "gen":
            # Nothing depends on `lower` then
            return type(self)(**props)
        props["lower"] = not self.lower
        return type(self)(**props)

    def _is_hermitian(self, matrix) -> bool:
        return self.assume_a != "sym" and matrix.type.dtype.startswith("complex")

    def _matrix_gradient(self, grad):
        if self.assume_a in ("sym", "her", "pos"):
            # The solver reads one triangle and takes it for the other one too
            other = tril(grad, -1) if not self.lower else triu(grad, 1)
            read = tril(grad) if self.lower else triu(grad)
            if not self._is_hermitian(grad):
                return read + other.T
            # The imaginary part of the diagonal is taken to be zero
            return read + conj(other).T - 1j * diag(diagonal(grad).imag)
        if self.assume_a == "tridiagonal":
            return _tridiagonal_part(grad)
        return grad

    def _matrix_tangent(self, dA):
        if self.assume_a in ("sym", "her", "pos"):
            half = tril(dA, -1) if self.lower else triu(dA, 1)
            if not self._is_hermitian(dA):
                return half + half.T + diag(diagonal(dA))
            return half + conj(half).T + diag(diagonal(dA).real)
        if self.assume_a == "tridiagonal":
            return _tridiagonal_part(dA)
        return dA

    def inplace_on_inputs(self, allowed_inplace_inputs):
        """Return the form that overwrites A, or else b."""
        if not allowed_inplace_inputs:
            return self
        props = self._props_dict()
        if 0 in allowed_inplace_inputs:
            props.update(overwrite_a=True, overwrite_b=False)
        else:
            props.update(overwrite_a=False, overwrite_b=True)
        return type(self)(**props)


def _tridiagonal_part(matrix):
    rows, cols = arange(matrix.shape[0]), arange(matrix.shape[1])
    near = le(pt_abs(rows[:, None] - cols[None, :]), 1)
    return switch(near, matrix, 0).astype(matrix.type.dtype)


def _solve_banded(A, b):
    """Find the bandwidths of A and solve in band storage."""
    lower, upper = scipy_linalg.bandwidth(A)
    n = A.shape[0]
    band = np.zeros((2 * lower + upper + 1, n), dtype=A.dtype)
    for k in range(-lower, upper + 1):
        stretch = slice(max(k, 0), n + min(k, 0))
        band[lower + upper - k, stretch] = np.diag(A, k)
    (gbsv,) = scipy_linalg.get_lapack_funcs(("gbsv",), (A, b))
    _lu, _piv, x, info = gbsv(lower, upper, band, b)
    return x, info


def solve(
    a,
    b,
    *,
    lower: bool = False,
    overwrite_a: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
    assume_a: str = "gen",
    transposed: bool = False,
    b_ndim: int | None = None,
):
    """Solve ``a @ x = b`` for square matrices, or for stacks of them.

    Parameters
    ----------
    a
        Square matrices.
    b
        Right-hand sides: vectors or matrices, see `b_ndim`.
    lower
        Which triangle of a symmetric, hermitian or positive definite `a` is read.
    overwrite_a, overwrite_b, check_finite
        Accepted for compatibility: rewrites decide what is overwritten; NaN in gives NaN out.
    assume_a
        Structure of `a`: ``"gen"``, ``"sym"``, ``"her"``, ``"pos"``, ``"diagonal"``,
        ``"tridiagonal"``, ``"banded"``, ``"upper triangular"`` or ``"lower triangular"``; or in
        words, as ``"positive definite"``.
    transposed
        Solve ``a.T @ x = b``.
    b_ndim
        Core dimensions of b: 1 if it is a vector or stack of vectors, 2 for matrices. By default
        1 only if b has one dimension.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> pt.linalg.solve([[2.0, 0.0], [0.0, 4.0]], [2.0, 4.0]).eval().tolist()
    [1.0, 1.0]
    """
    a, b = as_tensor_variable(a), as_tensor_variable(b)
    b_ndim = _default_b_ndim(b, b_ndim)
    if assume_a in ("lower triangular", "upper triangular"):
        return solve_triangular(
            a,
            b,
            lower=assume_a.startswith("lower"),
            trans=1 if transposed else 0,
            b_ndim=b_ndim,
        )
    if assume_a == "diagonal":
        pivots = diagonal(a, axis1=-2, axis2=-1)
        return b / (pivots if b_ndim == 1 else pivots[..., None])
    if transposed:
        a, lower = a.mT, not lower
    return Blockwise(Solve(lower=lower, assume_a=assume_a, b_ndim=b_ndim))(a, b)


def lu_solve(
    LU_and_pivots,
    b,
    trans: bool = False,
    b_ndim: int | None = None,
    check_finite: bool = True,
    overwrite_b: bool = False,
):
    """Solve ``a @ x = b`` given the result of ``lu_factor(a)``.

    Parameters
    ----------
    LU_and_pivots
        Packed factors and pivots.
    b
        Right-hand sides.
    trans
        Solve ``a.T @ x = b``.
    b_ndim
        Core dimensions of b, as for `solve`.
    check_finite, overwrite_b
        Accepted for compatibility.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> factors = pt.linalg.lu_factor([[0.0, 2.0], [1.0, 3.0]])
    >>> pt.linalg.lu_solve(factors, [4.0, 7.0]).eval().tolist()
    [1.0, 2.0]
    """
    b_ndim = _default_b_ndim(b, b_ndim)
    b_core = "(m)" if b_ndim == 1 else "(m,n)"
    signature = f"(m,m),(m),{b_core}->{b_core}"
    LU, pivots = LU_and_pivots
    return vectorize(lambda *core: _lu_solve(*core, trans=trans, b_ndim=b_ndim), signature)(
        LU, pivots, b
    )


_SAME_LENGTH = CheckAndRaise(ValueError, "[lu_solve] b must have as many rows as the matrix")


def _lu_solve(LU, pivots, b, trans: bool = False, b_ndim: int | None = None):
    """`lu_solve` of one matrix."""
    n, rows = LU.type.shape[0], b.type.shape[0]
    if n is None or n != rows:
        # The permutation alone would take what it needs of a longer b
        b = _SAME_LENGTH(b, eq(b.shape[0], LU.shape[0]))
    if trans:
        x = solve_triangular(LU, b, lower=False, trans=1, b_ndim=b_ndim)
        x = solve_triangular(LU, x, lower=True, unit_diagonal=True, trans=1, b_ndim=b_ndim)
        return x[pivot_to_permutation(pivots, inverse=False)]
    order = pivot_to_permutation(pivots, inverse=True)
    x = solve_triangular(LU, b[order], lower=True, unit_diagonal=True, b_ndim=b_ndim)
    return solve_triangular(LU, x, lower=False, b_ndim=b_ndim)
