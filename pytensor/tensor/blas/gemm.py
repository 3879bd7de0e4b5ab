"""Products of two matrices: `Gemm`, and `Dot22` and `Dot22Scalar`, its cases with beta = 0."""

from __future__ import annotations

import numpy as np

from pytensor.graph.basic import Apply
from pytensor.graph.op import Op
from pytensor.graph.utils import InconsistencyError
from pytensor.tensor.blas import _operands as check

__all__ = [
    "Dot22",
    "Dot22Scalar",
    "Gemm",
    "GemmRelated",
    "_dot22",
    "_dot22scalar",
    "gemm",
    "gemm_inplace",
    "gemm_no_inplace",
]


class GemmRelated(Op):
    """What the products of two matrices have in common."""

    __props__: tuple[str, ...] = ()

    def _check_static(self, x, y) -> tuple[int | None, int | None]:
        """Refuse inner dimensions known to differ; return the product's static shape."""
        name = type(self).__name__
        static_x, static_y = x.type.shape, y.type.shape
        check.static_match(name, "x", static_x[1], "y", static_y[0])
        return static_x[0], static_y[1]

    def _check_lengths(self, x: np.ndarray, y: np.ndarray, **others: np.ndarray) -> tuple[int, int]:
        """Refuse operands that don't fit; return the product's shape."""
        shape = x.shape[0], y.shape[1]
        fits = all(
            n == m or (n == 1 and not getattr(self, "inplace", False))
            for z in others.values()
            for n, m in zip(z.shape, shape)
        )
        if x.shape[1] != y.shape[0] or not fits:
            shapes = {name: z.shape for name, z in others.items()}
            check.aligned(type(self).__name__, **shapes, x=x.shape, y=y.shape)
        return shape


class Gemm(GemmRelated):
    r"""Accumulate a matrix product.

    .. math:: Z \leftarrow \alpha X Y + \beta Z

    Inputs are ``z, alpha, x, y, beta``. With :math:`\beta = 0` the old Z is not read, with
    :math:`\alpha = 0` X and Y are not.

    Parameters
    ----------
    inplace : bool
        Overwrite z. Otherwise the result is a new matrix, and length-1 axes of z broadcast.

    Raises
    ------
    TypeError
        When the node is made: ranks are not 2, 0, 2, 2, 0; dtypes differ or are not floating.
    InconsistencyError
        When the node is made: inplace, and z is a view of x or y or they of it.
    ValueError
        When lengths disagree: at construction if they are known, else at run time.

    Notes
    -----
    C. Lawson et al., Basic Linear Algebra Subprograms; Dongarra et al., "A set of level 3 basic
    linear algebra subprograms" (1990): the equation, alpha, beta.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> Z, X, Y = pt.dmatrices("Z", "X", "Y")
    >>> gemm_no_inplace(Z, 2.0, X, Y, 1.0).type
    TensorType(float64, shape=(None, None))
    """

    __props__ = ("inplace",)

    # Regular expressions that find the messages of `make_node`.
    E_rank = "must be a matrix"
    E_scalar = "must be a scalar"
    E_z_uniq = "must not be aliased"
    E_mixed = "must have one dtype"
    E_float = "must have a floating or complex dtype"

    def __init__(self, inplace: bool):
        self.inplace = inplace
        if inplace:
            self.destroy_map = {0: [0]}

    def __str__(self):
        return f"{type(self).__name__}{{{'inplace' if self.inplace else 'no_inplace'}}}"

    def make_node(self, *inputs):
        if len(inputs) != 5:
            raise TypeError(f"[Gemm] inputs must be z, alpha, x, y, beta, got {len(inputs)}")
        z, alpha, x, y, beta = inputs
        z, x, y = (check.operand("Gemm", n, v, 2) for n, v in zip("zxy", (z, x, y)))
        alpha = check.scale("Gemm", "alpha", alpha, z.type.dtype)
        beta = check.scale("Gemm", "beta", beta, z.type.dtype)
        if self.inplace:
            check.no_alias("Gemm", "z", z, {"x": x, "y": y}, InconsistencyError)
        dtype = check.one_dtype("Gemm", z=z, alpha=alpha, x=x, y=y, beta=beta)
        check.float_dtype("Gemm", dtype)
        shape = self._check_static(x, y)
        check.static_fits("Gemm", "z", z.type.shape, shape)
        return Apply(self, [z, alpha, x, y, beta], [check.output(dtype, shape)])

    def infer_shape(self, fgraph, node, input_shapes):
        _, _, x, y, _ = input_shapes
        return [(x[0], y[1])]

    def perform(self, node, inputs, output_storage):
        z, alpha, x, y, beta = inputs
        shape = self._check_lengths(x, y, z=z)
        result = check.accumulate(alpha, lambda: np.matmul(x, y), beta, z, shape)
        if self.inplace:
            z[...] = result
            result = z
        output_storage[0][0] = result

    def pullback(self, inputs, outputs, cotangents):
        z, alpha, x, y, beta = inputs
        (g,) = cotangents
        return [
            check.unbroadcast(beta * g, z),
            (g * x.dot(y)).sum(),
            alpha * g.dot(y.T),
            alpha * x.T.dot(g),
            (g * z).sum(),
        ]

    def pushforward(self, inputs, outputs, tangents):
        z, alpha, x, y, beta = inputs
        terms = (
            lambda dz: beta * dz,
            lambda dalpha: dalpha * x.dot(y),
            lambda dx: alpha * dx.dot(y),
            lambda dy: alpha * x.dot(dy),
            lambda dbeta: dbeta * z,
        )
        return check.sum_of_tangents(outputs[0], tangents, terms)

    def inplace_on_inputs(self, allowed_inplace_inputs):
        return gemm_inplace if 0 in allowed_inplace_inputs else self


check.register_batch_rule(
    Gemm, (2, 0, 2, 2, 0), lambda z, alpha, x, y, beta: beta * z + alpha * (x @ y)
)


class Dot22(GemmRelated):
    r"""Multiply two matrices of one floating or complex dtype.

    .. math:: Z = X Y

    Inputs are ``x, y``.

    Raises
    ------
    TypeError
        When the node is made: an input is no matrix, or the dtypes differ or are not floating.
    ValueError
        When the inner dimensions disagree.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> _dot22(pt.dmatrix("x"), pt.dmatrix("y")).type
    TensorType(float64, shape=(None, None))
    """

    def make_node(self, x, y):
        x, y = (check.operand("Dot22", n, v, 2) for n, v in zip("xy", (x, y)))
        dtype = check.one_dtype("Dot22", x=x, y=y)
        check.float_dtype("Dot22", dtype)
        return Apply(self, [x, y], [check.output(dtype, self._check_static(x, y))])

    def infer_shape(self, fgraph, node, input_shapes):
        x, y = input_shapes
        return [(x[0], y[1])]

    def perform(self, node, inputs, output_storage):
        x, y = inputs
        self._check_lengths(x, y)
        output_storage[0][0] = np.matmul(x, y)

    def pullback(self, inputs, outputs, cotangents):
        x, y = inputs
        (g,) = cotangents
        return [g.dot(y.T), x.T.dot(g)]

    def pushforward(self, inputs, outputs, tangents):
        x, y = inputs
        terms = (lambda dx: dx.dot(y), lambda dy: x.dot(dy))
        return check.sum_of_tangents(outputs[0], tangents, terms)


check.register_batch_rule(Dot22, (2, 2), lambda x, y: x @ y)


class Dot22Scalar(GemmRelated):
    r"""Multiply two matrices and a scalar.

    .. math:: Z = \alpha X Y

    Inputs are ``x, y, alpha``, all of one floating or complex dtype. With :math:`\alpha = 0` X
    and Y are not read.

    Raises
    ------
    TypeError
        When the node is made: wrong ranks, or the dtypes differ or are not floating.
    ValueError
        When the inner dimensions disagree.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> _dot22scalar(pt.dmatrix("x"), pt.dmatrix("y"), 0.5).type
    TensorType(float64, shape=(None, None))
    """

    def make_node(self, x, y, a):
        x, y = (check.operand("Dot22Scalar", n, v, 2) for n, v in zip("xy", (x, y)))
        alpha = check.scale("Dot22Scalar", "alpha", a, x.type.dtype)
        dtype = check.one_dtype("Dot22Scalar", x=x, y=y, alpha=alpha)
        check.float_dtype("Dot22Scalar", dtype)
        return Apply(self, [x, y, alpha], [check.output(dtype, self._check_static(x, y))])

    def infer_shape(self, fgraph, node, input_shapes):
        x, y, _ = input_shapes
        return [(x[0], y[1])]

    def perform(self, node, inputs, output_storage):
        x, y, alpha = inputs
        shape = self._check_lengths(x, y)
        if check.is_zero(alpha):
            output_storage[0][0] = np.zeros(shape, x.dtype)
            return
        result = np.matmul(x, y)
        result *= alpha
        output_storage[0][0] = result

    def pullback(self, inputs, outputs, cotangents):
        x, y, alpha = inputs
        (g,) = cotangents
        return [alpha * g.dot(y.T), alpha * x.T.dot(g), (g * x.dot(y)).sum()]

    def pushforward(self, inputs, outputs, tangents):
        x, y, alpha = inputs
        terms = (
            lambda dx: alpha * dx.dot(y),
            lambda dy: alpha * x.dot(dy),
            lambda dalpha: dalpha * x.dot(y),
        )
        return check.sum_of_tangents(outputs[0], tangents, terms)


check.register_batch_rule(Dot22Scalar, (2, 2, 0), lambda x, y, alpha: alpha * (x @ y))

gemm_inplace = Gemm(inplace=True)
gemm_no_inplace = Gemm(inplace=False)
# What rewriting introduces; the in-place pass comes later.
gemm = gemm_no_inplace
_dot22 = Dot22()
_dot22scalar = Dot22Scalar()
