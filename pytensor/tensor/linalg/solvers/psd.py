"""Systems of which the Cholesky factor of the matrix is known."""

from pytensor.graph.null_type import disconnected_type
from pytensor.tensor.basic import tril, triu
from pytensor.tensor.blockwise import Blockwise
from pytensor.tensor.linalg._checks import adjoint, is_complex, is_missing
from pytensor.tensor.linalg._lazy import scipy_linalg
from pytensor.tensor.linalg.solvers.core import SolveBase, _default_b_ndim
from pytensor.tensor.math import conj, outer


class CholeskySolve(SolveBase):
    """``x`` in ``C @ C^H @ x = b`` (lower) or ``C^H @ C @ x = b`` (upper)."""

    __props__ = ("lower", "b_ndim", "overwrite_b")

    def __init__(self, **kwargs):
        if kwargs.get("overwrite_a", False):
            raise ValueError("overwrite_a is not supported for CholeskySolve")
        kwargs.setdefault("lower", True)
        super().__init__(**kwargs)

    def solve_matrix(self, A, b):
        (potrs,) = scipy_linalg.get_lapack_funcs(("potrs",), (A, b))
        if A.flags.f_contiguous or A.dtype.kind == "c":
            return potrs(A, b, lower=self.lower, overwrite_b=self.overwrite_b)
        return potrs(A.T, b, lower=not self.lower, overwrite_b=self.overwrite_b)

    def pullback(self, inputs, outputs, cotangents):
        """The gradient of a solve with ``A = C C^H``, carried on to ``C``."""
        C, _b = inputs
        (x,), (x_bar,) = outputs, cotangents
        if is_missing(x_bar):
            return [disconnected_type(), disconnected_type()]
        b_bar = CholeskySolve(lower=self.lower, b_ndim=self.b_ndim)(C, x_bar)
        x_conj = conj(x) if is_complex(x) else x
        A_bar = -outer(b_bar, x_conj) if self.b_ndim == 1 else -b_bar.dot(x_conj.T)
        both = A_bar + adjoint(A_bar)
        # Only one triangle of C is read.
        C_bar = tril(both.dot(tril(C))) if self.lower else triu(triu(C).dot(both))
        return [C_bar, b_bar]

    def pushforward(self, inputs, outputs, tangents):
        """``dx = A^-1 (db - dA x)`` with ``dA = dC C^H + C dC^H``."""
        C, b = inputs
        (x,) = outputs
        dC, db = tangents
        if is_missing(dC) and is_missing(db):
            return [disconnected_type()]
        right = b.zeros_like(dtype=x.type.dtype) if is_missing(db) else db
        if not is_missing(dC):
            C, dC = (tril(v) if self.lower else adjoint(triu(v)) for v in (C, dC))
            right = right - dC.dot(adjoint(C).dot(x)) - C.dot(adjoint(dC).dot(x))
        return [CholeskySolve(lower=self.lower, b_ndim=self.b_ndim)(inputs[0], right)]

    def inplace_on_inputs(self, allowed_inplace_inputs):
        """Return the form that overwrites b."""
        if 1 not in allowed_inplace_inputs:
            return self
        return CholeskySolve(lower=self.lower, b_ndim=self.b_ndim, overwrite_b=True)


def cho_solve(c_and_lower, b, *, check_finite: bool = True, b_ndim: int | None = None):
    """Solve ``A @ x = b`` given the Cholesky factor of A.

    Parameters
    ----------
    c_and_lower
        The factor, and whether it is the lower one.
    b
        Right-hand sides.
    check_finite
        Accepted for compatibility: NaN in gives NaN out.
    b_ndim
        Core dimensions of b, as for `solve_triangular`.

    Examples
    --------
    >>> import numpy as np
    >>> import pytensor.tensor as pt
    >>> x = pt.linalg.cho_solve((2.0 * np.eye(2), True), [4.0, 8.0])
    >>> x.eval().tolist()
    [1.0, 2.0]
    """
    c, lower = c_and_lower
    b_ndim = _default_b_ndim(b, b_ndim)
    return Blockwise(CholeskySolve(lower=lower, b_ndim=b_ndim))(c, b)
