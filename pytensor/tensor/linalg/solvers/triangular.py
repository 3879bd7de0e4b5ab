"""Triangular systems."""

from pytensor.tensor.basic import as_tensor_variable, tril, triu
from pytensor.tensor.blockwise import Blockwise
from pytensor.tensor.linalg._lazy import scipy_linalg
from pytensor.tensor.linalg.solvers.core import SolveBase, _default_b_ndim
from pytensor.tensor.math import conj


class SolveTriangular(SolveBase):
    """``x`` in ``A @ x = b`` for a lower or upper triangular A; reads that triangle only.

    The result is NaN for a zero on the diagonal.
    """

    __props__ = ("unit_diagonal", "lower", "b_ndim", "overwrite_b")

    def __init__(self, *, unit_diagonal=False, **kwargs):
        if kwargs.get("overwrite_a", False):
            raise ValueError("overwrite_a is not supported for SolveTriangular")
        super().__init__(**kwargs)
        self.unit_diagonal = bool(unit_diagonal)

    def solve_matrix(self, A, b):
        (trtrs,) = scipy_linalg.get_lapack_funcs(("trtrs",), (A, b))
        if A.flags.f_contiguous or A.dtype.kind == "c":
            return trtrs(
                A, b, lower=self.lower, unitdiag=self.unit_diagonal, overwrite_b=self.overwrite_b
            )
        # The transpose of a C-contiguous matrix is in LAPACK's order, without a copy
        return trtrs(
            A.T,
            b,
            lower=not self.lower,
            trans=1,
            unitdiag=self.unit_diagonal,
            overwrite_b=self.overwrite_b,
        )

    def _matrix_gradient(self, grad):
        k = 1 if self.unit_diagonal else 0
        return tril(grad, -k) if self.lower else triu(grad, k)

    _matrix_tangent = _matrix_gradient

    def inplace_on_inputs(self, allowed_inplace_inputs):
        """Return the form that overwrites b."""
        if 1 not in allowed_inplace_inputs:
            return self
        props = self._props_dict()
        props["overwrite_b"] = True
        return type(self)(**props)


def solve_triangular(
    a,
    b,
    *,
    trans: int | str = 0,
    lower: bool = False,
    unit_diagonal: bool = False,
    check_finite: bool = True,
    b_ndim: int | None = None,
):
    """Solve ``a @ x = b`` for a triangular matrix, or for stacks of them.

    Parameters
    ----------
    a
        Triangular matrices; the other triangle is not read.
    b
        Right-hand sides: vectors or matrices, see `b_ndim`.
    trans
        0 or ``"N"``: solve ``a @ x = b``; 1 or ``"T"``: ``a.T @ x = b``; 2 or ``"C"``:
        ``a.conj().T @ x = b``.
    lower
        Whether `a` is lower triangular.
    unit_diagonal
        Take the diagonal of `a` to be 1, without reading it.
    check_finite
        Accepted for compatibility: NaN in gives NaN out.
    b_ndim
        Core dimensions of b: 1 if it is a vector or stack of vectors, 2 for matrices. By default
        1 only if b has one dimension.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> pt.linalg.solve_triangular([[2.0, 0.0], [1.0, 1.0]], [2.0, 3.0], lower=True).eval().tolist()
    [1.0, 2.0]
    """
    b_ndim = _default_b_ndim(b, b_ndim)
    if trans not in (0, 1, 2, "N", "T", "C"):
        raise ValueError(
            f"[solve_triangular] trans must be 0, 1, 2, 'N', 'T' or 'C', got {trans!r}"
        )
    if trans in (1, 2, "T", "C"):
        a = as_tensor_variable(a).mT
        lower = not lower
        if trans in (2, "C"):
            a = conj(a)
    op = SolveTriangular(lower=lower, unit_diagonal=unit_diagonal, b_ndim=b_ndim)
    return Blockwise(op)(a, b)
