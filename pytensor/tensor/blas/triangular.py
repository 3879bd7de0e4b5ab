"""Products with one triangle of a matrix: `Trmm` and `Trmv`."""

from __future__ import annotations

import numpy as np

from pytensor.graph.basic import Apply
from pytensor.tensor._ranges import tril, triu
from pytensor.tensor.blas import _derivatives as rules
from pytensor.tensor.blas import _operands as check
from pytensor.tensor.blas import _perform
from pytensor.tensor.blas._op import BlasOp
from pytensor.utils import lazy_scipy_module

__all__ = ["Trmm", "TrmmRelated", "Trmv", "trmm", "trmv"]

_blas = lazy_scipy_module("linalg.blas")


class TrmmRelated(BlasOp):
    """What products of a triangle with a matrix and with a vector have in common."""

    ndim: int
    right = False
    lower: bool
    zeroed: bool
    of_sum = True

    def __str__(self):
        words = ["inplace" if self.inplace else "no_inplace", "lower" if self.lower else "upper"]
        return self._describe(*words, *["right"] * self.right, *["zeroed"] * self.zeroed)

    def make_node(self, z, alpha, A, x, beta):
        name = type(self).__name__
        z, x = (check.operand(name, n, v, self.ndim) for n, v in zip("zx", (z, x)))
        A = check.operand(name, "A", A, 2)
        alpha = check.scale(name, "alpha", alpha, A.type.dtype)
        beta = check.scale(name, "beta", beta, A.type.dtype)
        if self.inplace:
            check.no_alias(name, "z", z, A=A, x=x)
        dtype = check.one_float_dtype(name, z=z, alpha=alpha, A=A, x=x, beta=beta)
        shape = self._product_shape(A.type.shape, x.type.shape)
        ones = self.broadcast_axes(z.type)
        check.accumulates(name, "z", z.type.shape, shape, self.inplace, ones)
        return Apply(self, [z, alpha, A, x, beta], [check.output(dtype, shape)])

    def _product_shape(self, A: tuple, x: tuple) -> tuple:
        """Refuse lengths that differ; return the shape of the product."""
        inner = (x[1], A[0]) if self.right else (A[1], x[0])
        if check.differ(*inner):
            raise ValueError(
                f"[{type(self).__name__}] A and x must agree on the inner dimension (shapes not "
                f"aligned), got A {check.shape_text(A)} and x {check.shape_text(x)}"
            )
        return (x[0], A[1]) if self.right else (A[0], *x[1:])

    def infer_shape(self, fgraph, node, input_shapes):
        _, _, A, x, _ = input_shapes
        return [(x[0], A[1]) if self.right else (A[0], *x[1:])]

    def _triangle(self, A):
        """Return the triangle of a variable, with its zeros."""
        return tril(A) if self.lower else triu(A)

    def _product(self, T, x):
        return x @ T if self.right else T @ x

    def perform(self, node, inputs, output_storage):
        z, alpha, A, x, beta = inputs
        shape = self._product_shape(A.shape, x.shape)
        if z.shape != shape:
            ones = self.broadcast_axes(node.inputs[0].type)
            check.accumulates(type(self).__name__, "z", z.shape, shape, self.inplace, ones)
        T = A if self.zeroed else (np.tril(A) if self.lower else np.triu(A))
        if self.ndim == 1:
            result = _perform.gemv(alpha, T, x, beta, z, inplace=self.inplace)
        elif self._trmm_gains(alpha, T, x):
            result = self._by_trmm(alpha, T, x, beta, z)
        else:
            left, right = (x, T) if self.right else (T, x)
            result = _perform.gemm(left, right, alpha, beta, z, inplace=self.inplace)
        output_storage[0][0] = result

    def _trmm_gains(self, alpha, T, x) -> bool:
        """Tell whether SciPy's trmm is faster than gemm, and gives the same NaN."""
        n, m = x.shape[:: -1 if self.right else 1]
        native = T.dtype.isnative and T.dtype != np.float16 and T.flags.forc and alpha != 0
        return (
            native
            and T.shape == (n, n)
            and n >= 64
            and m >= 32
            and bool(np.isfinite(x).all() and np.isfinite(alpha))
        )

    def _by_trmm(self, alpha, T, x, beta, z):
        """Return ``alpha T x + beta z``: Fortran sees the transpose of C-ordered matrices."""
        (function,) = _blas.get_blas_funcs(("trmm",), (T, x))
        by_rows = T.flags.c_contiguous
        F, lower = (T.T, not self.lower) if by_rows else (T, self.lower)
        # z' = alpha x' T': the result is C-ordered.
        product = function(
            alpha, F, x.T, side=not self.right, lower=lower, trans_a=0 if by_rows else 1
        ).T
        return _perform._accumulated(1, product, beta.item(), z, self.inplace)

    def pullback(self, inputs, outputs, cotangents):
        z, alpha, A, x, beta = inputs
        (g,) = cotangents
        T = self._triangle(A)
        x_bar = self._product(rules.adjoint(T), g)
        if self.ndim == 1:
            A_bar = g.dimshuffle(0, "x") * x.conj().dimshuffle("x", 0)
        else:
            A_bar = rules.adjoint(x) @ g if self.right else g @ rules.adjoint(x)
        scale = alpha.conj()
        pulled = [
            beta.conj() * g,
            rules.inner(x, x_bar),
            self._triangle(scale * A_bar),
            scale * x_bar,
            rules.inner(z, g),
        ]
        return [rules.cotangent_like(bar, var) for bar, var in zip(pulled, inputs)]

    def pushforward(self, inputs, outputs, tangents):
        z, alpha, A, x, beta = inputs
        T = self._triangle(A)
        terms = (
            lambda dz: beta * dz,
            lambda dalpha: dalpha * self._product(T, x),
            lambda dA: alpha * self._product(self._triangle(dA), x),
            lambda dx: alpha * self._product(T, dx),
            lambda dbeta: dbeta * z,
        )
        return rules.sum_of_tangents(outputs[0], tangents, terms)


class Trmm(TrmmRelated):
    r"""Multiply one triangle of a matrix with a matrix, at half the work, and accumulate.

    .. math:: Z \leftarrow \alpha T X + \beta Z \qquad\text{or}\qquad \alpha X T + \beta Z

    T is the lower or upper triangle of A, with zeros in the other one, which is not read. A need
    not be square: T is ``tril(A)`` or ``triu(A)``. Inputs
    are ``z, alpha, A, x, beta``, all of one floating or complex dtype. ``tril(A).T`` is the upper
    triangle of the view ``A.T``. With :math:`\beta = 0` the old Z is not read, with
    :math:`\alpha = 0` neither A nor X. NaN and Inf in X spread as if the zeros of T were
    multiplied.

    Parameters
    ----------
    inplace : bool
        Overwrite z. Otherwise the result is a new matrix, and axes of z known to
        have length 1 broadcast.
    lower : bool
        Which triangle of A is T.
    right : bool
        Whether T is the right factor.
    zeroed : bool
        Whether the other triangle of A holds zeros, as in a Cholesky factor: it may be read, and
        small products are those of a plain matrix.

    Raises
    ------
    TypeError
        When the node is made: ranks are not 2, 0, 2, 2, 0; dtypes differ or are not floating.
    InconsistencyError
        When the node is made: inplace, and z is a view of A or x.
    ValueError
        When lengths disagree: at construction if that is known, else at run time.

    Notes
    -----
    Dongarra et al., "A set of level 3 basic linear algebra subprograms" (1990). trmm overwrites X,
    so its copy is part of what `benchmarks/blas_triangular.py` measures: against gemm (SciPy's
    OpenBLAS 0.3.30, one thread, float64) it gains 1.8 to 1.98 times from 128 rows and columns on,
    nothing at 64 x 64 and loses below and for few columns, where gemm is called instead.
    symm gains nothing at any size (1.00 to 1.07 above 128, 0.25 to 0.7 below): there is no Symm.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> A, X = pt.dmatrices("A", "X")
    >>> trmm(pt.zeros((2, 2)), 1.0, A, X, 0.0).eval({A: [[1, 5], [1, 1]], X: [[1, 0], [0, 1]]}).tolist()
    [[1.0, 0.0], [1.0, 1.0]]
    """

    __props__ = ("inplace", "lower", "right", "zeroed")
    ndim = 2
    __str__ = TrmmRelated.__str__

    def __init__(
        self,
        inplace: bool = False,
        lower: bool = True,
        right: bool = False,
        zeroed: bool = False,
    ):
        self._set_inplace(inplace)
        self.lower, self.right, self.zeroed = bool(lower), bool(right), bool(zeroed)


class Trmv(TrmmRelated):
    r"""Multiply one triangle of a matrix with a vector, and accumulate.

    .. math:: z \leftarrow \alpha T x + \beta z

    `Trmm` for vectors: see there for inputs, parameters and errors.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> A, x = pt.dmatrix("A"), pt.dvector("x")
    >>> trmv(pt.zeros(2), 2.0, A, x, 0.0).eval({A: [[1, 5], [1, 1]], x: [1, 1]}).tolist()
    [2.0, 4.0]
    """

    __props__ = ("inplace", "lower", "zeroed")
    ndim = 1
    __str__ = TrmmRelated.__str__

    def __init__(self, inplace: bool = False, lower: bool = True, zeroed: bool = False):
        self._set_inplace(inplace)
        self.lower, self.zeroed = bool(lower), bool(zeroed)


rules.register_batch_rule(
    Trmm,
    (2, 0, 2, 2, 0),
    lambda op, z, alpha, A, x, beta: rules.scaled_sum(
        alpha, op._product(op._triangle(A), x), beta, z
    ),
)
rules.register_batch_rule(
    Trmv,
    (1, 0, 2, 1, 0),
    lambda op, z, alpha, A, x, beta: rules.scaled_sum(
        alpha, (op._triangle(A) @ x[..., None])[..., 0], beta, z
    ),
)

trmm = Trmm()
trmv = Trmv()
