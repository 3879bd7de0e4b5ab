"""Cholesky factorization of a positive definite matrix."""

from typing import Literal

import numpy as np

from pytensor.graph.basic import Apply
from pytensor.graph.null_type import disconnected_type
from pytensor.graph.op import Op
from pytensor.raise_op import CheckAndRaise
from pytensor.tensor.basic import arange, constant, switch, triu
from pytensor.tensor.blockwise import Blockwise
from pytensor.tensor.linalg._checks import (
    adjoint,
    as_square,
    check_square,
    is_complex,
    is_missing,
)
from pytensor.tensor.linalg._lazy import scipy_linalg
from pytensor.tensor.linalg.decomposition.cholesky_gradient import symmetric_gradient
from pytensor.tensor.linalg.dtype_utils import linalg_output_dtype
from pytensor.tensor.linalg.solvers.triangular import solve_triangular
from pytensor.tensor.math import eq, gt, invert, isnan
from pytensor.tensor.type import tensor


class Cholesky(Op):
    """``A = L @ L.T`` (lower) or ``A = U.T @ U`` (upper); reads one triangle of A only.

    The result is NaN where the matrix is not positive definite.
    """

    __props__ = ("lower", "overwrite_a")
    gufunc_signature = "(m,m)->(m,m)"

    def __init__(self, *, lower: bool = True, overwrite_a: bool = False):
        self.lower = bool(lower)
        self.overwrite_a = bool(overwrite_a)
        if self.overwrite_a:
            self.destroy_map = {0: [0]}

    def make_node(self, x):
        x = as_square(self, x)
        dtype = linalg_output_dtype(x.type.dtype)
        return Apply(self, [x], [tensor(dtype=dtype, shape=x.type.shape)])

    def infer_shape(self, fgraph, node, input_shapes):
        return [input_shapes[0]]

    def perform(self, node, inputs, output_storage):
        (x,) = inputs
        dtype = node.outputs[0].type.dtype
        check_square(self, x)
        if x.size == 0:
            output_storage[0][0] = np.empty(x.shape, dtype=dtype)
            return
        # LAPACK works on columns: a C-contiguous matrix is its own transpose in Fortran order, so
        # asking for the other triangle saves the copy in Fortran order
        x = np.asarray(x, dtype=dtype)
        (potrf,) = scipy_linalg.get_lapack_funcs(("potrf",), (x,))
        swapped = x.flags.c_contiguous and not x.flags.f_contiguous and x.dtype.kind != "c"
        operand, lower = (x.T, not self.lower) if swapped else (x, self.lower)
        factor, info = potrf(operand, lower=lower, clean=True, overwrite_a=self.overwrite_a)
        if info:
            factor = np.full(x.shape, np.nan, dtype=dtype)
        output_storage[0][0] = factor.T if swapped and not info else factor

    def pullback(self, inputs, outputs, cotangents):
        """Gradient by Murray (2016), "Differentiation of the Cholesky decomposition"."""
        (g,), (factor,) = cotangents, outputs
        if is_missing(g):
            return [disconnected_type()]
        if self.lower and factor.type.ndim == 2 and not is_complex(factor):
            s = symmetric_gradient(factor, g)
            if s is not None:
                return [_lower(2 * s, s)]
        low, g_low = (factor, g) if self.lower else (adjoint(factor), adjoint(g))
        low_h = adjoint(low)
        product = low_h.dot(g_low)
        # The diagonal of the factor is real; only half of it comes from either side
        phi = _lower(product, _real(product) * 0.5)
        # s = L^-H phi L^-1
        inner = adjoint(solve_triangular(low_h, adjoint(phi), lower=False))
        s = solve_triangular(low_h, inner, lower=False)
        # Only one triangle of the input was read
        grad = _lower(s + adjoint(s), _real(s))
        return [grad if self.lower else triu(adjoint(grad))]

    def inplace_on_inputs(self, allowed_inplace_inputs):
        """Return the form that overwrites the matrix."""
        if not allowed_inplace_inputs:
            return self
        return Cholesky(lower=self.lower, overwrite_a=True)


def _lower(below, on_diagonal):
    """A lower triangle: elements below the diagonal from one matrix, on it from another."""
    n = below.shape[0]
    rows, cols = arange(n).dimshuffle(0, "x"), arange(n).dimshuffle("x", 0)
    zero = constant(0, dtype=below.type.dtype)
    return switch(gt(rows, cols), below, switch(eq(rows, cols), on_diagonal, zero))


def _real(x):
    """The real part, in the dtype of `x`."""
    return x.real.astype(x.type.dtype) if is_complex(x) else x


def cholesky(
    x,
    lower: bool = True,
    *,
    check_finite: bool = True,
    overwrite_a: bool = False,
    on_error: Literal["raise", "nan"] = "nan",
):
    """Return the Cholesky factor of a positive definite matrix, or of a stack of them.

    Parameters
    ----------
    x
        Symmetric positive definite matrices; only one triangle is read.
    lower
        Return the lower factor (``x = L @ L.T``) or the upper one (``x = U.T @ U``).
    check_finite
        Accepted for compatibility: NaN in gives NaN out.
    overwrite_a
        Accepted for compatibility: rewrites decide what is overwritten.
    on_error
        What happens where x is not positive definite: the result is ``"nan"``, or LinAlgError is
        raised.

    Examples
    --------
    >>> import numpy as np
    >>> import pytensor.tensor as pt
    >>> pt.linalg.cholesky(4.0 * np.eye(2)).eval().tolist()
    [[2.0, 0.0], [0.0, 2.0]]
    """
    if on_error not in ("raise", "nan"):
        raise ValueError(f'on_error must be one of "raise" or "nan", got {on_error}')
    result = Blockwise(Cholesky(lower=lower))(x)
    if on_error == "raise":
        check = CheckAndRaise(np.linalg.LinAlgError, "Matrix is not positive definite")
        result = check(result, invert(isnan(result).any()))
    return result
