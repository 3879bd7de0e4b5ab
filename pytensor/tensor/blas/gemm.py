"""Products of two matrices: `Gemm`, and `Dot22` and `Dot22Scalar`, its cases with beta = 0."""

from __future__ import annotations

from pytensor.graph.basic import Apply
from pytensor.tensor.blas import _derivatives as rules
from pytensor.tensor.blas import _operands as check
from pytensor.tensor.blas import _perform
from pytensor.tensor.blas._op import BlasOp
from pytensor.tensor.blas.batched import BatchedGemm

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


class GemmRelated(BlasOp):
    """What the products of two matrices have in common: the factors x and y."""

    conj_choices = ("", "x", "y", "xy")

    def _product_shape(self, x: check.Shape, y: check.Shape) -> tuple:
        """Refuse factors whose inner dimensions differ; return the product's shape."""
        if check.differ(x[1], y[0]):
            check.agree_inner(type(self).__name__, x=x, y=y)
        return x[0], y[1]

    def _factors(self, x, y) -> tuple[rules.TensorVariable, rules.TensorVariable]:
        """Return x and y as they are multiplied: conjugated or not."""
        return rules.conj_if("x" in self.conj, x), rules.conj_if("y" in self.conj, y)

    def _product(self, x, y) -> rules.TensorVariable:
        x, y = self._factors(x, y)
        return x @ y

    def _pull_product(self, g, alpha, x, y) -> list[rules.TensorVariable]:
        """Return the cotangents of x, y and alpha where ``alpha X Y`` has the cotangent g.

        The cotangent of alpha, ``<X Y, g>``, is ``<X, g Y^H>``, a product that x needs, too.
        """
        left, right = self._factors(x, y)
        of_left = g @ rules.adjoint(right)
        of_right = rules.adjoint(left) @ g
        of_alpha = rules.inner(left, of_left)
        if alpha is not None:
            of_left, of_right = alpha.conj() * of_left, alpha.conj() * of_right
        return [
            rules.conj_if("x" in self.conj, of_left),
            rules.conj_if("y" in self.conj, of_right),
            of_alpha,
        ]

    def _push_product(self, alpha, x, y) -> tuple[rules.Term, rules.Term]:
        """Return how ``alpha X Y`` changes with x, and with y."""

        def scaled(product):
            return product if alpha is None else alpha * product

        return (
            lambda dx: scaled(self._product(dx, y)),
            lambda dy: scaled(self._product(x, dy)),
        )


class Gemm(GemmRelated):
    r"""Accumulate a matrix product.

    .. math:: Z \leftarrow \alpha X Y + \beta Z

    Inputs are ``z, alpha, x, y, beta``, all of one floating or complex dtype. With
    :math:`\beta = 0` the old Z is not read, with :math:`\alpha = 0` X and Y are not.

    Parameters
    ----------
    inplace : bool
        Overwrite z. Otherwise the result is a new matrix, and length-1 axes of z broadcast.
    conj : {"", "x", "y", "xy"}
        Which of the factors to conjugate; for complex dtypes.

    Raises
    ------
    TypeError
        When the node is made: ranks are not 2, 0, 2, 2, 0; dtypes differ or are not floating;
        `conj` for real operands.
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

    __props__ = ("inplace", "conj")

    # Regular expressions that find the messages of `make_node`.
    E_rank = "must be a matrix"
    E_scalar = "must be a scalar"
    E_z_uniq = "must not be aliased"
    E_mixed = "must have one dtype"
    E_float = "must have a floating or complex dtype"

    def __init__(self, inplace: bool = False, conj: str = ""):
        self._set_inplace(inplace)
        self._set_conj(conj)

    def __str__(self):
        return self._describe_accumulating()

    def make_node(self, *inputs):
        if len(inputs) != 5:
            raise TypeError(f"[Gemm] inputs must be z, alpha, x, y, beta, got {len(inputs)}")
        z, alpha, x, y, beta = inputs
        z, x, y = (check.operand("Gemm", n, v, 2) for n, v in zip("zxy", (z, x, y)))
        alpha = check.scale("Gemm", "alpha", alpha, z.type.dtype)
        beta = check.scale("Gemm", "beta", beta, z.type.dtype)
        if self.inplace:
            check.no_alias("Gemm", "z", z, x=x, y=y)
        dtype = check.one_float_dtype("Gemm", z=z, alpha=alpha, x=x, y=y, beta=beta)
        self._check_conj(dtype)
        shape = self._product_shape(x.type.shape, y.type.shape)
        ones = self.broadcast_axes(z.type)
        check.accumulates("Gemm", "z", z.type.shape, shape, self.inplace, ones)
        return Apply(self, [z, alpha, x, y, beta], [check.output(dtype, shape)])

    def infer_shape(self, fgraph, node, input_shapes):
        _, _, x, y, _ = input_shapes
        return [(x[0], y[1])]

    def perform(self, node, inputs, output_storage):
        z, alpha, x, y, beta = inputs
        (m, k), (l, n) = x.shape, y.shape
        if k != l or z.shape != (m, n):
            shape = self._product_shape(x.shape, y.shape)
            ones = self.broadcast_axes(node.inputs[0].type)
            check.accumulates("Gemm", "z", z.shape, shape, self.inplace, ones)
        output_storage[0][0] = _perform.gemm(x, y, alpha, beta, z, self.conj, self.inplace)

    def pullback(self, inputs, outputs, cotangents):
        z, alpha, x, y, beta = inputs
        (g,) = cotangents
        of_x, of_y, of_alpha = self._pull_product(g, alpha, x, y)
        pulled = [beta.conj() * g, of_alpha, of_x, of_y, rules.inner(z, g)]
        return [rules.cotangent_like(bar, var) for bar, var in zip(pulled, inputs)]

    def pushforward(self, inputs, outputs, tangents):
        z, alpha, x, y, beta = inputs
        of_x, of_y = self._push_product(alpha, x, y)
        terms = (
            lambda dz: beta * dz,
            lambda dalpha: dalpha * self._product(x, y),
            of_x,
            of_y,
            lambda dbeta: dbeta * z,
        )
        return rules.sum_of_tangents(outputs[0], tangents, terms)


def _batched_gemm_rule(op, z, alpha, x, y, beta):
    """Batches of matrices become one `BatchedGemm`, batches of scalars an expression."""
    if alpha.type.ndim or beta.type.ndim or max(x.type.ndim, y.type.ndim) < z.type.ndim:
        return rules.scaled_sum(alpha, op._product(x, y), beta, z)
    ndim = max(var.type.ndim for var in (z, x, y))
    x, y = op._factors(x, y)
    z, x, y = (rules.with_batch_axes(var, ndim) for var in (z, x, y))
    return BatchedGemm()(z, alpha, x, y, beta)


rules.register_batch_rule(Gemm, (2, 0, 2, 2, 0), _batched_gemm_rule)


class _FreshProduct(GemmRelated):
    """A product without an accumulator; its inputs start with x and y."""

    __props__ = ("conj",)
    inplace = False

    def __init__(self, conj: str = ""):
        self._set_conj(conj)

    def __str__(self):
        return self._describe()

    def inplace_on_inputs(self, allowed_inplace_inputs):
        return self

    def infer_shape(self, fgraph, node, input_shapes):
        x, y = input_shapes[:2]
        return [(x[0], y[1])]


class Dot22(_FreshProduct):
    r"""Multiply two matrices of one floating or complex dtype.

    .. math:: Z = X Y

    Inputs are ``x, y``.

    Parameters
    ----------
    conj : {"", "x", "y", "xy"}
        Which of the factors to conjugate; for complex dtypes.

    Raises
    ------
    TypeError
        When the node is made: an input is no matrix, the dtypes differ or are not floating;
        `conj` for real operands.
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
        dtype = check.one_float_dtype("Dot22", x=x, y=y)
        self._check_conj(dtype)
        shape = self._product_shape(x.type.shape, y.type.shape)
        return Apply(self, [x, y], [check.output(dtype, shape)])

    def perform(self, node, inputs, output_storage):
        x, y = inputs
        if x.shape[1] != y.shape[0]:
            self._product_shape(x.shape, y.shape)
        output_storage[0][0] = _perform.gemm(x, y, conj=self.conj)

    def pullback(self, inputs, outputs, cotangents):
        (g,) = cotangents
        pulled = self._pull_product(g, None, *inputs)
        return [rules.cotangent_like(bar, var) for bar, var in zip(pulled, inputs)]

    def pushforward(self, inputs, outputs, tangents):
        terms = self._push_product(None, *inputs)
        return rules.sum_of_tangents(outputs[0], tangents, terms)


rules.register_batch_rule(Dot22, (2, 2), lambda op, x, y: op._product(x, y))


class Dot22Scalar(_FreshProduct):
    r"""Multiply two matrices and a scalar.

    .. math:: Z = \alpha X Y

    Inputs are ``x, y, alpha``, all of one floating or complex dtype. With :math:`\alpha = 0` X
    and Y are not read.

    Parameters
    ----------
    conj : {"", "x", "y", "xy"}
        Which of the factors to conjugate; for complex dtypes.

    Raises
    ------
    TypeError
        When the node is made: wrong ranks, the dtypes differ or are not floating; `conj` for
        real operands.
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
        dtype = check.one_float_dtype("Dot22Scalar", x=x, y=y, alpha=alpha)
        self._check_conj(dtype)
        shape = self._product_shape(x.type.shape, y.type.shape)
        return Apply(self, [x, y, alpha], [check.output(dtype, shape)])

    def perform(self, node, inputs, output_storage):
        x, y, alpha = inputs
        if x.shape[1] != y.shape[0]:
            self._product_shape(x.shape, y.shape)
        output_storage[0][0] = _perform.gemm(x, y, alpha, conj=self.conj)

    def pullback(self, inputs, outputs, cotangents):
        x, y, alpha = inputs
        (g,) = cotangents
        pulled = self._pull_product(g, alpha, x, y)
        return [rules.cotangent_like(bar, var) for bar, var in zip(pulled, inputs)]

    def pushforward(self, inputs, outputs, tangents):
        x, y, alpha = inputs
        terms = (
            *self._push_product(alpha, x, y),
            lambda dalpha: dalpha * self._product(x, y),
        )
        return rules.sum_of_tangents(outputs[0], tangents, terms)


rules.register_batch_rule(
    Dot22Scalar, (2, 2, 0), lambda op, x, y, alpha: rules.scaled_sum(alpha, op._product(x, y))
)

gemm_inplace = Gemm(inplace=True)
gemm_no_inplace = Gemm(inplace=False)
gemm = gemm_no_inplace
# What rewriting introduces; the in-place pass comes later.
gemm_of_sum = gemm_no_inplace.as_part_of_sum()
_dot22 = Dot22()
_dot22scalar = Dot22Scalar()
