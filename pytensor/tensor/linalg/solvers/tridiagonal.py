"""Tridiagonal systems, given by their diagonals."""

import numpy as np

from pytensor.graph.basic import Apply
from pytensor.graph.null_type import disconnected_type, grad_not_implemented
from pytensor.graph.op import Op
from pytensor.tensor.basic import as_tensor_variable, diagonal
from pytensor.tensor.blockwise import Blockwise
from pytensor.tensor.linalg._checks import is_missing
from pytensor.tensor.linalg._lazy import scipy_linalg
from pytensor.tensor.linalg.dtype_utils import linalg_output_dtype
from pytensor.tensor.math import conj, maximum
from pytensor.tensor.type import tensor

_NO_GRADIENT = "the packed factors have none; use solve(..., assume_a='tridiagonal')"


def _padded(x: np.ndarray, n: int) -> np.ndarray:
    """Extend a diagonal to that of a matrix of 3 rows, the least that SciPy takes, by those of eye."""
    if len(x) >= n:
        return x
    fill = np.ones if n == 3 else np.zeros
    return np.concatenate([x, fill(n - len(x), dtype=x.dtype)])


class LUFactorTridiagonal(Op):
    """LAPACK's ``gttrf``: LU factors, with pivots, of a tridiagonal matrix."""

    __props__ = ("overwrite_dl", "overwrite_d", "overwrite_du")
    gufunc_signature = "(dl),(d),(dl)->(dl),(d),(dl),(du2),(d)"

    def __init__(self, overwrite_dl=False, overwrite_d=False, overwrite_du=False):
        self.overwrite_dl = bool(overwrite_dl)
        self.overwrite_d = bool(overwrite_d)
        self.overwrite_du = bool(overwrite_du)

    def make_node(self, dl, d, du):
        inputs = [as_tensor_variable(x) for x in (dl, d, du)]
        if any(x.type.ndim != 1 for x in inputs):
            raise ValueError("[LUFactorTridiagonal] all diagonals must be vectors")
        n = inputs[1].type.shape[0]
        shorter, shortest = (None, None) if n is None else (max(n - 1, 0), max(n - 2, 0))
        dtype = linalg_output_dtype(*(x.type.dtype for x in inputs))
        outputs = [tensor(dtype=dtype, shape=(k,)) for k in (shorter, n, shorter, shortest)]
        return Apply(self, inputs, [*outputs, tensor(dtype="int32", shape=(n,))])

    def infer_shape(self, fgraph, node, input_shapes):
        (n,) = input_shapes[1]
        if isinstance(n, int):
            return [(max(n - 1, 0),), (n,), (max(n - 1, 0),), (max(n - 2, 0),), (n,)]
        shorter, shortest = maximum(n - 1, 0), maximum(n - 2, 0)
        return [(shorter,), (n,), (shorter,), (shortest,), (n,)]

    def perform(self, node, inputs, output_storage):
        dtype = node.outputs[0].type.dtype
        diagonals = [np.asarray(x, dtype=dtype) for x in inputs]
        n = len(diagonals[1])
        if {len(diagonals[0]), len(diagonals[2])} != {max(n - 1, 0)}:
            shapes = ", ".join(str(x.shape) for x in diagonals)
            raise ValueError(
                f"[LUFactorTridiagonal] dl, d and du must have n - 1, n and n - 1 elements, got {shapes}"
            )
        diagonals = [_padded(x, k) for x, k in zip(diagonals, (2, 3, 2), strict=True)]
        (gttrf,) = scipy_linalg.get_lapack_funcs(("gttrf",), diagonals)
        *results, _info = gttrf(*diagonals)
        lengths = (max(n - 1, 0), n, max(n - 1, 0), max(n - 2, 0), n)
        results = [x[:k] for x, k in zip(results, lengths, strict=True)]
        for storage, out, result in zip(output_storage, node.outputs, results, strict=True):
            storage[0] = np.asarray(result, dtype=out.type.dtype)

    def pullback(self, inputs, outputs, cotangents):
        """Not through LAPACK's packed factors."""
        return [grad_not_implemented(self, i, v, _NO_GRADIENT) for i, v in enumerate(inputs)]


class SolveLUFactorTridiagonal(Op):
    """LAPACK's ``gttrs``: solve with the factors of `LUFactorTridiagonal`."""

    __props__ = ("b_ndim", "overwrite_b", "transposed")

    def __init__(self, b_ndim: int, transposed: bool, overwrite_b=False):
        if b_ndim not in (1, 2):
            raise ValueError(f"b_ndim must be 1 or 2, got {b_ndim}")
        self.b_ndim = b_ndim
        self.transposed = bool(transposed)
        self.overwrite_b = bool(overwrite_b)
        b = "(d)" if b_ndim == 1 else "(d,rhs)"
        self.gufunc_signature = f"(dl),(d),(dl),(du2),(d),{b}->{b}"
        if self.overwrite_b:
            self.destroy_map = {0: [5]}

    def make_node(self, dl, d, du, du2, ipiv, b):
        inputs = [as_tensor_variable(x) for x in (dl, d, du, du2, ipiv, b)]
        if any(x.type.ndim != 1 for x in inputs[:-1]):
            raise ValueError("[SolveLUFactorTridiagonal] all diagonals must be vectors")
        if inputs[-1].type.ndim != self.b_ndim:
            raise ValueError(f"[SolveLUFactorTridiagonal] b must have {self.b_ndim} dimensions")
        dtype = linalg_output_dtype(*(x.type.dtype for k, x in enumerate(inputs) if k != 4))
        return Apply(self, inputs, [tensor(dtype=dtype, shape=inputs[-1].type.shape)])

    def infer_shape(self, fgraph, node, input_shapes):
        return [input_shapes[-1]]

    def perform(self, node, inputs, output_storage):
        dtype = node.outputs[0].type.dtype
        *factors, ipiv, b = inputs
        factors = [np.asarray(x, dtype=dtype) for x in factors]
        b = np.asarray(b, dtype=dtype)
        n = len(b)
        if len(factors[1]) != n:
            raise ValueError(
                "[SolveLUFactorTridiagonal] b must have as many rows as the matrix, "
                f"got {b.shape} and {len(factors[1])}"
            )
        (gttrs,) = scipy_linalg.get_lapack_funcs(("gttrs",), (*factors, b))
        trans = "T" if self.transposed else "N"
        if n >= 3:
            x, _info = gttrs(*factors, ipiv, b, trans=trans, overwrite_b=self.overwrite_b)
        else:
            factors = [_padded(x, k) for x, k in zip(factors, (2, 3, 2, 1), strict=True)]
            ipiv = np.concatenate([ipiv, np.arange(n + 1, 4, dtype=ipiv.dtype)])
            rows = np.zeros((3, *b.shape[1:]), dtype=dtype)
            rows[:n] = b
            x = gttrs(*factors, ipiv, rows, trans=trans)[0][:n]
        output_storage[0][0] = x

    def pullback(self, inputs, outputs, cotangents):
        """``b_bar = A^-T x_bar``; none for LAPACK's packed factors."""
        (x_bar,) = cotangents
        if is_missing(x_bar):
            return [disconnected_type() for _ in inputs]
        factors = inputs[:-1]
        b_bar = SolveLUFactorTridiagonal(self.b_ndim, not self.transposed)(*factors, conj(x_bar))
        missing = [grad_not_implemented(self, i, v, _NO_GRADIENT) for i, v in enumerate(factors)]
        return [*missing, conj(b_bar)]

    def inplace_on_inputs(self, allowed_inplace_inputs):
        """Return the form that overwrites b."""
        if 5 not in allowed_inplace_inputs:
            return self
        return SolveLUFactorTridiagonal(self.b_ndim, self.transposed, overwrite_b=True)


def tridiagonal_lu_factor(a):
    """Return the LU factors of tridiagonal matrices, of which only three diagonals are read.

    Parameters
    ----------
    a
        Square matrices.

    Returns
    -------
    tuple
        Lower, main, upper and second upper diagonal of the factors, and the pivots.

    Examples
    --------
    >>> import numpy as np
    >>> import pytensor.tensor as pt
    >>> factors = pt.linalg.tridiagonal_lu_factor(2 * np.eye(3))
    >>> factors[1].eval().tolist()
    [2.0, 2.0, 2.0]
    """
    a = as_tensor_variable(a)
    diagonals = [diagonal(a, offset=k, axis1=-2, axis2=-1) for k in (-1, 0, 1)]
    return tuple(Blockwise(LUFactorTridiagonal())(*diagonals))


def tridiagonal_lu_solve(a_diagonals, b, *, b_ndim: int, transposed: bool = False):
    """Solve a tridiagonal system given the result of `tridiagonal_lu_factor`.

    Parameters
    ----------
    a_diagonals
        The factors.
    b
        Right-hand sides.
    b_ndim
        1 for vectors, 2 for matrices.
    transposed
        Solve with the transposed matrix.

    Examples
    --------
    >>> import numpy as np
    >>> import pytensor.tensor as pt
    >>> factors = pt.linalg.tridiagonal_lu_factor(2 * np.eye(3))
    >>> pt.linalg.tridiagonal_lu_solve(factors, np.ones(3), b_ndim=1).eval().tolist()
    [0.5, 0.5, 0.5]
    """
    return Blockwise(SolveLUFactorTridiagonal(b_ndim, transposed))(*a_diagonals, b)
