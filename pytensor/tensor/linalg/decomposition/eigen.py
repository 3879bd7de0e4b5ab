"""Eigenvalues and eigenvectors."""

import numpy as np

from pytensor.graph.basic import Apply
from pytensor.graph.null_type import disconnected_type
from pytensor.graph.op import Op
from pytensor.tensor.basic import arange, diag, diagonal, tril, triu
from pytensor.tensor.blockwise import Blockwise
from pytensor.tensor.linalg._checks import (
    adjoint,
    as_square,
    check_square,
    fill_missing,
    is_complex,
    is_missing,
    square_length,
)
from pytensor.tensor.linalg._lazy import scipy_linalg
from pytensor.tensor.linalg.dtype_utils import linalg_output_dtype, linalg_real_output_dtype
from pytensor.tensor.linalg.solvers.general import solve
from pytensor.tensor.math import abs as pt_abs
from pytensor.tensor.math import argmax, conj, eq, switch
from pytensor.tensor.math import sum as pt_sum
from pytensor.tensor.type import tensor


class Eig(Op):
    """Eigenvalues and right eigenvectors of a square matrix, always complex."""

    __props__ = ()
    gufunc_signature = "(m,m)->(m),(m,m)"

    def make_node(self, x):
        x = as_square(self, x)
        dtype = np.result_type(linalg_output_dtype(x.type.dtype), np.complex64).name
        n = square_length(x)
        return Apply(
            self, [x], [tensor(dtype=dtype, shape=(n,)), tensor(dtype=dtype, shape=(n, n))]
        )

    def infer_shape(self, fgraph, node, input_shapes):
        n = input_shapes[0][0]
        return [(n,), (n, n)]

    def perform(self, node, inputs, output_storage):
        check_square(self, inputs[0])
        x = np.asarray(inputs[0], dtype=linalg_output_dtype(inputs[0].dtype))
        if not np.isfinite(x).all():
            raise np.linalg.LinAlgError("Array must not contain infs or NaNs")
        # SciPy's LAPACK is that of C; NumPy's may choose other signs and phases.
        results = scipy_linalg.eig(x, check_finite=False) if x.size else np.linalg.eig(x)
        for storage, out, result in zip(output_storage, node.outputs, results, strict=True):
            storage[0] = np.asarray(result, dtype=out.type.dtype)

    def pullback(self, inputs, outputs, cotangents):
        """``V^-H (diag(w_bar) + conj(F) o (V^H V_bar)) V^H`` with ``F_ij = 1 / (w_j - w_i)``.

        Eigenvalues by Giles (2008); eigenvectors by Boeddeker, Hanebrink, Drude, Heymann and
        Haeb-Umbach (2017), "On the computation of complex-valued gradients", with LAPACK's scale:
        columns of length 1 whose largest element is real.
        """
        (A,), (w, V) = inputs, outputs
        if all(is_missing(g) for g in cotangents):
            return [disconnected_type()]
        w_bar, V_bar = cotangents
        V_h = conj(V).T
        middle = V.zeros_like() if is_missing(w_bar) else diag(w_bar)
        if not is_missing(V_bar):
            middle = middle + conj(_inverse_gaps(w)) * V_h.dot(_at_free_scale(V, V_bar))
        grad = solve(V_h, middle.dot(V_h), b_ndim=2)
        return [grad if is_complex(A) else grad.real]


def _at_free_scale(V, V_bar):
    """Take out of a cotangent of eigenvectors what their scale follows by itself.

    Each column keeps its length, and the phase in which its largest element is real.
    """
    along = pt_sum(conj(V) * V_bar, axis=0)
    largest = argmax(pt_abs(V), axis=0)
    is_largest = eq(arange(V.shape[0])[:, None], largest[None, :])
    turn = switch(is_largest, along.imag[None, :] / switch(is_largest, V.real, 1), 0)
    return V_bar - V * along.real - (1j * turn).astype(V.type.dtype)


def eig(x):
    """Return eigenvalues and right eigenvectors of square matrices, as `numpy.linalg.eig`.

    The results are complex, also where the imaginary parts are zero.

    Parameters
    ----------
    x
        Square matrices.

    Returns
    -------
    list
        Eigenvalues in LAPACK's order, eigenvectors as columns.

    Notes
    -----
    The gradient exists where the eigenvalues are distinct; between equal eigenvalues the mixing of
    their vectors is taken to be zero.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> values, vectors = pt.linalg.eig([[0.0, 1.0], [-1.0, 0.0]])
    >>> sorted(values.eval().imag.tolist())
    [-1.0, 1.0]
    """
    return Blockwise(Eig())(x)


def _one_triangle(grad, lower: bool):
    """Gradient with respect to the triangle that was read, which stood for the other one too."""
    read, other = (tril(grad, -1), triu(grad, 1)) if lower else (triu(grad, 1), tril(grad, -1))
    # What a complex matrix has on its diagonal is taken to be real
    on_diagonal = diagonal(grad).real if is_complex(grad) else diagonal(grad)
    return read + adjoint(other) + diag(on_diagonal)


def _inverse_gaps(w):
    """``1 / (w_j - w_i)``, and 0 on the diagonal and between equal eigenvalues."""
    gaps = w[None, :] - w[:, None]
    is_zero = eq(gaps, 0)
    return switch(is_zero, 0, 1 / switch(is_zero, 1, gaps))


class Eigh(Op):
    """Eigenvalues, ascending, and eigenvectors of a symmetric or hermitian matrix.

    With a second, positive definite matrix: those of ``a @ v = w * b @ v``.
    """

    __props__ = ("lower", "overwrite_a", "overwrite_b", "driver")

    def __init__(
        self,
        lower: bool = True,
        UPLO: str | None = None,
        overwrite_a: bool = False,
        overwrite_b: bool = False,
        driver: str = "evr",
    ):
        if UPLO is not None:
            if UPLO not in ("L", "U"):
                raise ValueError(f"UPLO must be 'L' or 'U', got {UPLO!r}")
            lower = UPLO == "L"
        if driver not in ("ev", "evd", "evr", "evx", "gv", "gvd", "gvx"):
            raise ValueError(f"[Eigh] unknown driver {driver!r}")
        self.lower = bool(lower)
        self.overwrite_a = bool(overwrite_a)
        self.overwrite_b = bool(overwrite_b)
        self.driver = driver
        if self.overwrite_a:
            self.destroy_map = {1: [0]}

    def make_node(self, a, b=None):
        a = as_square(self, a, "a")
        inputs = [a] if b is None else [a, as_square(self, b, "b")]
        dtypes = [i.type.dtype for i in inputs]
        n = next((k for k in map(square_length, inputs) if k is not None), None)
        w = tensor(dtype=linalg_real_output_dtype(*dtypes), shape=(n,))
        return Apply(self, inputs, [w, tensor(dtype=linalg_output_dtype(*dtypes), shape=(n, n))])

    def infer_shape(self, fgraph, node, input_shapes):
        n = input_shapes[0][0]
        return [(n,), (n, n)]

    def perform(self, node, inputs, output_storage):
        for name, x in zip("ab", inputs):
            check_square(self, x, name)
        dtype = node.outputs[1].type.dtype
        matrices = [np.asarray(i, dtype=dtype) for i in inputs]
        driver = self.driver
        if len(matrices) == 2 and not driver.startswith("gv"):
            driver = {"ev": "gv", "evd": "gvd"}.get(driver, "gvd")
        w, v = scipy_linalg.eigh(
            *matrices,
            lower=self.lower,
            driver=driver,
            overwrite_a=self.overwrite_a,
            overwrite_b=self.overwrite_b,
        )
        output_storage[0][0] = np.asarray(w, dtype=node.outputs[0].type.dtype)
        output_storage[1][0] = np.asarray(v, dtype=dtype)

    def pullback(self, inputs, outputs, cotangents):
        """Perturbation theory: ``dw_i = v_i' dA v_i`` and ``dV = V (F o (V' dA V))``."""
        if all(is_missing(g) for g in cotangents):
            return [disconnected_type() for _ in inputs]
        w, v = outputs
        w_bar, v_bar = fill_missing(cotangents, outputs)
        v_h = adjoint(v)
        turned = v_h.dot(v_bar)
        middle = diag(w_bar) + _inverse_gaps(w) * turned
        grads = [_one_triangle(v.dot(middle).dot(v_h), self.lower)]
        if len(inputs) == 2:
            middle_b = middle * w[None, :] + 0.5 * diag(diagonal(turned))
            grads.append(_one_triangle(-v.dot(middle_b).dot(v_h), self.lower))
        return grads

    def inplace_on_inputs(self, allowed_inplace_inputs):
        """Return the form that overwrites the matrix."""
        if 0 not in allowed_inplace_inputs:
            return self
        props = self._props_dict()
        props["overwrite_a"] = True
        return type(self)(**props)


def _as_lower(lower: bool, UPLO: str | None) -> bool:
    if UPLO is None:
        return lower
    if UPLO not in ("L", "U"):
        raise ValueError(f"UPLO must be 'L' or 'U', got {UPLO!r}")
    return UPLO == "L"


def eigh(a, b=None, lower: bool = True, UPLO: str | None = None, driver: str = "evr"):
    """Return eigenvalues and eigenvectors of symmetric or hermitian matrices.

    Parameters
    ----------
    a
        Matrices of which one triangle is read.
    b
        Positive definite matrices of the generalized problem ``a @ v = w * b @ v``.
    lower
        Whether the lower triangle is read.
    UPLO
        ``"L"`` or ``"U"``, NumPy's way to say `lower`.
    driver
        LAPACK driver.

    Returns
    -------
    list
        Eigenvalues in ascending order, eigenvectors as columns.

    Notes
    -----
    The gradient (Giles 2008) exists where the eigenvalues are distinct: it divides by their
    differences. Between equal eigenvalues the rotation of their vectors, which is arbitrary, is
    taken to be zero, so that costs that do not depend on it get the right gradient. Nor should costs
    depend on the phases of complex vectors. The gradient is with respect to the triangle that is
    read.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> pt.linalg.eigh([[2.0, 1.0], [1.0, 2.0]])[0].eval().round(12).tolist()
    [1.0, 3.0]
    """
    lower = _as_lower(lower, UPLO)
    if b is None:
        return Blockwise(Eigh(lower=lower, driver=driver), signature="(m,m)->(m),(m,m)")(a)
    driver = {"evr": "gvd"}.get(driver, driver)
    signature = "(m,m),(m,m)->(m),(m,m)"
    return Blockwise(Eigh(lower=lower, driver=driver), signature=signature)(a, b)


class Eigvalsh(Op):
    """Eigenvalues, ascending, of a symmetric or hermitian matrix (or pair of matrices)."""

    __props__ = ("lower", "overwrite_a", "overwrite_b")

    def __init__(self, lower=True, overwrite_a=False, overwrite_b=False):
        self.lower = bool(lower)
        self.overwrite_a = bool(overwrite_a)
        self.overwrite_b = bool(overwrite_b)

    def make_node(self, a, b=None):
        a = as_square(self, a, "a")
        inputs = [a] if b is None else [a, as_square(self, b, "b")]
        dtype = linalg_real_output_dtype(*(i.type.dtype for i in inputs))
        n = next((k for k in map(square_length, inputs) if k is not None), None)
        return Apply(self, inputs, [tensor(dtype=dtype, shape=(n,))])

    def infer_shape(self, fgraph, node, input_shapes):
        return [(input_shapes[0][0],)]

    def perform(self, node, inputs, output_storage):
        for name, x in zip("ab", inputs):
            check_square(self, x, name)
        dtype = linalg_output_dtype(*(i.dtype for i in inputs))
        w = scipy_linalg.eigvalsh(*(np.asarray(i, dtype=dtype) for i in inputs), lower=self.lower)
        output_storage[0][0] = np.asarray(w, dtype=node.outputs[0].type.dtype)

    def pullback(self, inputs, outputs, cotangents):
        if is_missing(cotangents[0]):
            return [disconnected_type() for _ in inputs]
        driver = "evr" if len(inputs) == 1 else "gvd"
        full = Eigh(lower=self.lower, driver=driver)
        results = full(*inputs, return_list=True)
        return full.pullback(inputs, results, [cotangents[0], disconnected_type()])


def eigvalsh(a, b=None, lower: bool = True):
    """Return the eigenvalues of symmetric or hermitian matrices, in ascending order.

    Parameters
    ----------
    a
        Matrices of which one triangle is read.
    b
        Positive definite matrices of the generalized problem.
    lower
        Whether the lower triangle is read.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> pt.linalg.eigvalsh([[2.0, 0.0], [0.0, 1.0]]).eval().round(12).tolist()
    [1.0, 2.0]
    """
    if b is None:
        return Blockwise(Eigvalsh(lower=lower), signature="(m,m)->(m)")(a)
    return Blockwise(Eigvalsh(lower=lower), signature="(m,m),(m,m)->(m)")(a, b)
