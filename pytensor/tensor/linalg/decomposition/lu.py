"""LU factorization with partial pivoting."""

import numpy as np

from pytensor.graph.basic import Apply
from pytensor.graph.null_type import disconnected_type
from pytensor.graph.op import Op
from pytensor.tensor.basic import as_tensor_variable, eye, tril, triu
from pytensor.tensor.blockwise import Blockwise
from pytensor.tensor.linalg._checks import (
    adjoint,
    as_square,
    check_square,
    fill_missing,
    is_missing,
    square_length,
)
from pytensor.tensor.linalg._lazy import scipy_linalg
from pytensor.tensor.linalg.dtype_utils import linalg_output_dtype, linalg_real_output_dtype
from pytensor.tensor.linalg.solvers.triangular import solve_triangular
from pytensor.tensor.type import integer_dtypes, tensor


def _lu_gradient(L, U, L_bar, U_bar):
    """Gradient with respect to the row-permuted matrix ``L @ U``.

    ``L^-H [tril(L^H L_bar, -1) + triu(U_bar U^H)] U^-H``; see de Hoog, Anderssen and Lukas,
    "Differentiation of matrix functionals using triangular factorization" (2011).
    """
    inner = tril(adjoint(L).dot(L_bar), -1) + triu(U_bar.dot(adjoint(U)))
    left = solve_triangular(adjoint(L), inner, lower=False, unit_diagonal=True)
    return adjoint(solve_triangular(U, adjoint(left), lower=False))


class LU(Op):
    """``A = P @ L @ U`` for a square matrix.

    Parameters
    ----------
    permute_l
        Return ``P @ L`` and U.
    p_indices
        Return the permutation p of ``A = L[p] @ U`` in place of P.
    """

    __props__ = ("permute_l", "overwrite_a", "p_indices")

    def __init__(self, *, permute_l=False, overwrite_a=False, p_indices=False):
        if permute_l and p_indices:
            raise ValueError("Only one of permute_l and p_indices can be True")
        self.permute_l = bool(permute_l)
        self.p_indices = bool(p_indices)
        self.overwrite_a = bool(overwrite_a)
        if self.permute_l:
            self.gufunc_signature = "(m,m)->(m,m),(m,m)"
        elif self.p_indices:
            self.gufunc_signature = "(m,m)->(m),(m,m),(m,m)"
        else:
            self.gufunc_signature = "(m,m)->(m,m),(m,m),(m,m)"
        if self.overwrite_a:
            self.destroy_map = {0: [0]}

    def make_node(self, x):
        x = as_square(self, x)
        dtype = linalg_output_dtype(x.type.dtype)
        factors = [tensor(dtype=dtype, shape=x.type.shape) for _ in range(2)]
        if self.permute_l:
            return Apply(self, [x], factors)
        if self.p_indices:
            p = tensor(dtype="int32", shape=(square_length(x),))
        else:
            p = tensor(dtype=linalg_real_output_dtype(x.type.dtype), shape=x.type.shape)
        return Apply(self, [x], [p, *factors])

    def infer_shape(self, fgraph, node, input_shapes):
        (shape,) = input_shapes
        if self.permute_l:
            return [shape, shape]
        return [(shape[0],) if self.p_indices else shape, shape, shape]

    def perform(self, node, inputs, output_storage):
        check_square(self, inputs[0])
        x = np.asarray(inputs[0], dtype=node.outputs[-1].type.dtype)
        results = scipy_linalg.lu(
            x,
            permute_l=self.permute_l,
            check_finite=False,
            p_indices=self.p_indices,
            overwrite_a=self.overwrite_a,
        )
        for storage, out, result in zip(output_storage, node.outputs, results, strict=True):
            storage[0] = np.asarray(result, dtype=out.type.dtype)

    def pullback(self, inputs, outputs, cotangents):
        if all(is_missing(g) for g in cotangents[-2:]):
            return [disconnected_type()]
        L_bar, U_bar = fill_missing(cotangents[-2:], outputs[-2:])
        if self.permute_l:
            P, L, U = LU()(inputs[0])
            return [P.dot(_lu_gradient(L, U, P.T.dot(L_bar), U_bar))]
        P, L, U = outputs
        grad = _lu_gradient(L, U, L_bar, U_bar)
        return [grad[P] if self.p_indices else P.dot(grad)]

    def connection_pattern(self, node):
        return [[True, True] if self.permute_l else [False, True, True]]

    def inplace_on_inputs(self, allowed_inplace_inputs):
        """Return the form that overwrites the matrix."""
        if not allowed_inplace_inputs:
            return self
        props = self._props_dict()
        props["overwrite_a"] = True
        return type(self)(**props)


def lu(a, permute_l=False, check_finite=True, p_indices=False, overwrite_a: bool = False):
    """Factorize square matrices as ``P @ L @ U``, as `scipy.linalg.lu`.

    Parameters
    ----------
    a
        Square matrices.
    permute_l
        Return ``(P @ L, U)``.
    p_indices
        Return permutations as indices, so that ``a = L[p] @ U``.
    check_finite, overwrite_a
        Accepted for compatibility.

    Returns
    -------
    list
        P, L and U.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> P, L, U = pt.linalg.lu([[0.0, 2.0], [1.0, 3.0]])
    >>> U.eval().tolist()
    [[1.0, 3.0], [0.0, 2.0]]
    """
    return Blockwise(LU(permute_l=permute_l, p_indices=p_indices))(a)


class LUFactor(Op):
    """Both factors packed into one matrix, and LAPACK's pivots."""

    __props__ = ("overwrite_a",)
    gufunc_signature = "(m,m)->(m,m),(m)"

    def __init__(self, *, overwrite_a=False):
        self.overwrite_a = bool(overwrite_a)
        if self.overwrite_a:
            self.destroy_map = {0: [0]}

    def make_node(self, A):
        A = as_square(self, A, "A")
        dtype = linalg_output_dtype(A.type.dtype)
        LU_packed = tensor(dtype=dtype, shape=A.type.shape)
        return Apply(self, [A], [LU_packed, tensor(dtype="int32", shape=(square_length(A),))])

    def infer_shape(self, fgraph, node, input_shapes):
        (shape,) = input_shapes
        return [shape, (shape[0],)]

    def perform(self, node, inputs, output_storage):
        check_square(self, inputs[0], "A")
        A = np.asarray(inputs[0], dtype=node.outputs[0].type.dtype)
        if A.size == 0:
            packed, pivots = np.empty_like(A), np.empty(0)
        else:
            (getrf,) = scipy_linalg.get_lapack_funcs(("getrf",), (A,))
            packed, pivots, _info = getrf(A, overwrite_a=self.overwrite_a)
        output_storage[0][0] = packed
        output_storage[1][0] = np.asarray(pivots, dtype="int32")

    def pullback(self, inputs, outputs, cotangents):
        packed, pivots = outputs
        g = cotangents[0]
        if is_missing(g):
            return [disconnected_type()]
        # The diagonal of 1 of L is not stored; solve_triangular does not read what is in its place
        L = tril(packed, -1) + _eye_like(packed)
        grad = _lu_gradient(L, triu(packed), tril(g, -1), triu(g))
        return [grad[pivot_to_permutation(pivots, inverse=False)]]

    def connection_pattern(self, node):
        return [[True, False]]

    def inplace_on_inputs(self, allowed_inplace_inputs):
        """Return the form that overwrites the matrix."""
        return LUFactor(overwrite_a=True) if allowed_inplace_inputs else self


def _eye_like(x):
    return eye(x.shape[0], dtype=x.type.dtype)


def lu_factor(a, *, check_finite: bool = True, overwrite_a: bool = False):
    """Return the packed LU factors and the pivots of square matrices, as `scipy.linalg.lu_factor`.

    Parameters
    ----------
    a
        Square matrices.
    check_finite, overwrite_a
        Accepted for compatibility.

    Returns
    -------
    tuple
        For `lu_solve`.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> packed, pivots = pt.linalg.lu_factor([[0.0, 2.0], [1.0, 3.0]])
    >>> pivots.eval().tolist()
    [1, 1]
    """
    packed, pivots = Blockwise(LUFactor())(a)
    return packed, pivots


class PivotToPermutations(Op):
    """Turn LAPACK's row exchanges into a permutation."""

    __props__ = ("inverse",)
    gufunc_signature = "(x)->(x)"

    def __init__(self, inverse=True):
        self.inverse = bool(inverse)

    def make_node(self, pivots):
        pivots = as_tensor_variable(pivots)
        if pivots.type.ndim != 1:
            raise ValueError("PivotToPermutations only works on 1-D inputs")
        if pivots.type.dtype not in integer_dtypes:
            raise TypeError(f"[PivotToPermutations] pivots must be integers, got {pivots.type}")
        return Apply(self, [pivots], [tensor(dtype="int64", shape=pivots.type.shape)])

    def infer_shape(self, fgraph, node, input_shapes):
        return [input_shapes[0]]

    def perform(self, node, inputs, output_storage):
        (pivots,) = inputs
        order = np.arange(len(pivots), dtype="int64")
        for i, k in enumerate(pivots):
            order[i], order[k] = order[k], order[i]
        output_storage[0][0] = order if self.inverse else np.argsort(order)

    def pullback(self, inputs, outputs, cotangents):
        return [disconnected_type()]

    def connection_pattern(self, node):
        return [[False]]


def pivot_to_permutation(p, inverse=False):
    """Turn the pivots of `lu_factor` into a permutation.

    Parameters
    ----------
    p
        Pivots: row i was exchanged with row ``p[i]``, in order.
    inverse
        Return the order of rows with ``a[order] = L @ U``; otherwise that with
        ``a = (L @ U)[order]``.

    Examples
    --------
    >>> import numpy as np
    >>> import pytensor.tensor as pt
    >>> pt.linalg.pivot_to_permutation(np.array([1, 1])).eval().tolist()
    [1, 0]
    """
    return PivotToPermutations(inverse=inverse)(p)
