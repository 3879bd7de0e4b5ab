"""Schur factorization of a matrix, and generalized Schur (QZ) factorization of a pair."""

from typing import Literal

import numpy as np

from pytensor.graph.basic import Apply
from pytensor.graph.null_type import grad_not_implemented
from pytensor.graph.op import Op
from pytensor.tensor.blockwise import Blockwise
from pytensor.tensor.linalg._checks import as_square, check_square, square_length
from pytensor.tensor.linalg._lazy import scipy_linalg
from pytensor.tensor.linalg.dtype_utils import linalg_output_dtype
from pytensor.tensor.type import tensor

_SORTS = (None, "lhp", "rhp", "iuc", "ouc")


def _check_sort(sort) -> None:
    if sort not in _SORTS:
        raise ValueError(f"sort must be one of {_SORTS}, got {sort!r}")


def _check_output(output) -> None:
    if output not in ("real", "complex"):
        raise ValueError(f"output must be 'real' or 'complex', got {output!r}")


class Schur(Op):
    """``A = Z @ T @ Z^H`` with unitary Z and (quasi) upper triangular T."""

    __props__ = ("output", "overwrite_a", "sort")
    gufunc_signature = "(m,m)->(m,m),(m,m)"

    def __init__(
        self,
        output: Literal["real", "complex"] = "real",
        overwrite_a: bool = False,
        sort: Literal["lhp", "rhp", "iuc", "ouc"] | None = None,
    ):
        _check_output(output)
        _check_sort(sort)
        self.output = output
        self.overwrite_a = bool(overwrite_a)
        self.sort = sort
        if self.overwrite_a:
            self.destroy_map = {0: [0]}

    def make_node(self, A):
        A = as_square(self, A, "A")
        dtype = linalg_output_dtype(A.type.dtype)
        if self.output == "complex":
            dtype = np.result_type(dtype, np.complex64).name
        return Apply(self, [A], [tensor(dtype=dtype, shape=A.type.shape) for _ in range(2)])

    def infer_shape(self, fgraph, node, input_shapes):
        return [input_shapes[0], input_shapes[0]]

    def perform(self, node, inputs, output_storage):
        check_square(self, inputs[0], "A")
        dtype = node.outputs[0].type.dtype
        A = np.asarray(inputs[0], dtype=linalg_output_dtype(inputs[0].dtype))
        if not np.isfinite(A).all():  # LAPACK may not come back
            for storage in output_storage:
                storage[0] = np.full(A.shape, np.nan, dtype=dtype)
            return
        results = scipy_linalg.schur(
            A,
            output=self.output,
            overwrite_a=self.overwrite_a,
            sort=self.sort,
            check_finite=False,
        )
        for storage, result in zip(output_storage, results[:2], strict=True):
            storage[0] = np.asarray(result, dtype=dtype)

    def pullback(self, inputs, outputs, cotangents):
        """There is none: Z is not unique, not even T where blocks of 2 x 2 come and go."""
        reason = "the factors are not unique; use eig for eigenvalues and their vectors"
        return [grad_not_implemented(self, 0, inputs[0], reason)]

    def inplace_on_inputs(self, allowed_inplace_inputs):
        """Return the form that overwrites the matrix."""
        if not allowed_inplace_inputs:
            return self
        return Schur(output=self.output, overwrite_a=True, sort=self.sort)


def schur(A, output: Literal["real", "complex"] = "real", sort=None):
    """Return the Schur factorization ``A = Z @ T @ Z^H``, as `scipy.linalg.schur`.

    Parameters
    ----------
    A
        Square matrices.
    output
        ``"real"`` keeps 2 x 2 blocks for pairs of complex eigenvalues of real matrices.
    sort
        Which eigenvalues come first: those in the left or right half plane (``"lhp"``,
        ``"rhp"``), inside or outside of the unit circle (``"iuc"``, ``"ouc"``).

    Returns
    -------
    list
        T and Z.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> T, Z = pt.linalg.schur([[1.0, 2.0], [0.0, 3.0]])
    >>> (Z @ T @ Z.T).eval().round(12).tolist()
    [[1.0, 2.0], [0.0, 3.0]]
    """
    return Blockwise(Schur(output=output, sort=sort))(A)


class QZ(Op):
    """``A = Q @ AA @ Z^H`` and ``B = Q @ BB @ Z^H``, optionally with generalized eigenvalues.

    The eigenvalues are ``alpha / beta``.
    """

    __props__ = ("complex_output", "overwrite_a", "overwrite_b", "sort", "return_eigenvalues")

    def __init__(
        self,
        complex_output: bool = False,
        overwrite_a: bool = False,
        overwrite_b: bool = False,
        sort: Literal["lhp", "rhp", "iuc", "ouc"] | None = None,
        return_eigenvalues: bool = False,
    ):
        _check_sort(sort)
        self.complex_output = bool(complex_output)
        self.overwrite_a = bool(overwrite_a)
        self.overwrite_b = bool(overwrite_b)
        self.sort = sort
        self.return_eigenvalues = bool(return_eigenvalues)
        eigenvalues = "(m),(m)," if self.return_eigenvalues else ""
        self.gufunc_signature = f"(m,m),(m,m)->(m,m),(m,m),{eigenvalues}(m,m),(m,m)"

    def make_node(self, A, B):
        A, B = as_square(self, A, "A"), as_square(self, B, "B")
        dtype = linalg_output_dtype(A.type.dtype, B.type.dtype)
        if self.complex_output:
            dtype = np.result_type(dtype, np.complex64).name
        n = square_length(A) if square_length(A) is not None else square_length(B)
        matrices = [tensor(dtype=dtype, shape=(n, n)) for _ in range(4)]
        if not self.return_eigenvalues:
            return Apply(self, [A, B], matrices)
        alpha = tensor(dtype=np.result_type(dtype, np.complex64).name, shape=(n,))
        beta = tensor(dtype=dtype, shape=(n,))
        return Apply(self, [A, B], [*matrices[:2], alpha, beta, *matrices[2:]])

    def infer_shape(self, fgraph, node, input_shapes):
        shape = input_shapes[0]
        if not self.return_eigenvalues:
            return [shape] * 4
        return [shape, shape, (shape[0],), (shape[0],), shape, shape]

    def perform(self, node, inputs, output_storage):
        for name, x in zip("AB", inputs):
            check_square(self, x, name)
        dtype = node.outputs[0].type.dtype
        A, B = (np.asarray(i, dtype=dtype) for i in inputs)
        output = "complex" if np.dtype(dtype).kind == "c" else "real"
        if not (np.isfinite(A).all() and np.isfinite(B).all()):  # LAPACK may not come back
            for storage, out in zip(output_storage, node.outputs, strict=True):
                storage[0] = np.full(A.shape[: out.type.ndim], np.nan, dtype=out.type.dtype)
            return
        if self.sort is not None:
            results = scipy_linalg.ordqz(A, B, sort=self.sort, output=output, check_finite=False)
        else:
            results = _gges(A, B)
        if not self.return_eigenvalues:
            results = (*results[:2], *results[4:])
        for storage, out, result in zip(output_storage, node.outputs, results, strict=True):
            storage[0] = np.asarray(result, dtype=out.type.dtype)

    def pullback(self, inputs, outputs, cotangents):
        """There is none, as for `Schur`."""
        reason = "the factors are not unique; use eig or eigh for eigenvalues and their vectors"
        return [grad_not_implemented(self, i, v, reason) for i, v in enumerate(inputs)]


def _gges(A, B):
    """Generalized Schur form with eigenvalues, in LAPACK's order."""
    (gges,) = scipy_linalg.get_lapack_funcs(("gges",), (A, B))
    results = gges(lambda *_: 0, A, B, sort_t=0)
    info = results[-1]
    if info != 0:
        raise np.linalg.LinAlgError(f"[QZ] LAPACK could not find the eigenvalues, info {info}")
    AA, BB, _sdim, *eigenvalues, Q, Z, _work, _info = results
    if len(eigenvalues) == 3:
        real, imag, beta = eigenvalues
        return AA, BB, real + 1j * imag, beta, Q, Z
    alpha, beta = eigenvalues
    return AA, BB, alpha, beta, Q, Z


def qz(A, B, output: Literal["real", "complex"] = "real", sort=None, return_eigenvalues=False):
    """Return the generalized Schur factorization of pairs of matrices, as `scipy.linalg.qz`.

    Parameters
    ----------
    A, B
        Square matrices.
    output, sort
        As for `schur`.
    return_eigenvalues
        Also return alpha and beta, with generalized eigenvalues ``alpha / beta``.

    Returns
    -------
    list
        AA, BB, (alpha, beta,) Q and Z.

    Examples
    --------
    >>> import numpy as np
    >>> import pytensor.tensor as pt
    >>> AA, BB, Q, Z = pt.linalg.qz(np.diag([2.0, 3.0]), np.eye(2))
    >>> (Q @ AA @ Z.T).eval().round(12).tolist()
    [[2.0, 0.0], [0.0, 3.0]]
    """
    _check_output(output)
    op = QZ(complex_output=output == "complex", sort=sort, return_eigenvalues=return_eigenvalues)
    return Blockwise(op)(A, B)


def ordqz(A, B, sort=None, output: Literal["real", "complex"] = "real"):
    """Return the sorted generalized Schur factorization, with eigenvalues; see `qz`.

    Examples
    --------
    >>> import numpy as np
    >>> import pytensor.tensor as pt
    >>> AA, BB, alpha, beta, Q, Z = pt.linalg.ordqz(np.diag([2.0, 0.5]), np.eye(2), sort="iuc")
    >>> (alpha / beta).eval().real.round(12).tolist()
    [0.5, 2.0]
    """
    return qz(A, B, output=output, sort=sort, return_eigenvalues=True)
