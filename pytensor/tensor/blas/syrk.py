"""Product of a matrix with its own transpose: `Syrk`."""

from __future__ import annotations

from pytensor.graph.basic import Apply
from pytensor.tensor.blas import _derivatives as rules
from pytensor.tensor.blas import _operands as check
from pytensor.tensor.blas import _perform
from pytensor.tensor.blas._op import BlasOp

__all__ = ["Syrk", "syrk", "syrk_inplace", "syrk_no_inplace"]


class Syrk(BlasOp):
    r"""Accumulate the product of a matrix with its own transpose, at half the work.

    .. math:: Z \leftarrow \alpha X X^T + \beta Z

    Inputs are ``z, alpha, x, beta``, all of one floating or complex dtype; x is (n, k) and z
    (n, n), any matrix: it need not be symmetric. ``X.T @ X`` is the product of the view ``X.T``.
    With :math:`\beta = 0` the old Z is not read and the result is exactly symmetric (Hermitian,
    for a real alpha), with :math:`\alpha = 0` X is not read.

    Parameters
    ----------
    inplace : bool
        Overwrite z. Otherwise the result is a new matrix, and axes of z known to
        have length 1 broadcast.
    hermitian : bool
        Compute :math:`X X^H` instead; for complex dtypes.

    Raises
    ------
    TypeError
        When the node is made: ranks are not 2, 0, 2, 0; dtypes differ or are not floating;
        `hermitian` for real operands.
    InconsistencyError
        When the node is made: inplace, and z is a view of x or x of it.
    ValueError
        When z hasn't the shape of the product: at construction if that is known, else at run
        time.

    Notes
    -----
    Dongarra et al., "A set of level 3 basic linear algebra subprograms" (1990): syrk and herk.
    Those leave one triangle of Z alone; here all of it is the result.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> X = pt.tensor("X", shape=(3, 5), dtype="float64")
    >>> syrk(pt.zeros((3, 3)), 1.0, X, 0.0).type
    TensorType(float64, shape=(3, 3))
    """

    __props__ = ("inplace", "hermitian")

    of_sum = True

    def __init__(self, inplace: bool = False, hermitian: bool = False):
        self._set_inplace(inplace)
        self.hermitian = bool(hermitian)

    def __str__(self):
        shown = ["inplace" if self.inplace else "no_inplace"]
        return self._describe(*shown, *["hermitian"] * self.hermitian)

    def make_node(self, z, alpha, x, beta):
        z, x = (check.operand("Syrk", n, v, 2) for n, v in zip("zx", (z, x)))
        alpha = check.scale("Syrk", "alpha", alpha, z.type.dtype)
        beta = check.scale("Syrk", "beta", beta, z.type.dtype)
        if self.inplace:
            check.no_alias("Syrk", "z", z, x=x)
        dtype = check.one_float_dtype("Syrk", z=z, alpha=alpha, x=x, beta=beta)
        check.complex_if("Syrk", "hermitian", self.hermitian, dtype)
        n = x.type.shape[0]
        self._check_accumulator(z.type, z.type.shape, n)
        return Apply(self, [z, alpha, x, beta], [check.output(dtype, (n, n))])

    def _check_accumulator(self, z_type, z: check.Shape, n: int | None) -> None:
        ones = self.broadcast_axes(z_type)
        check.accumulates("Syrk", "z", z, (n, n), self.inplace, ones)

    def infer_shape(self, fgraph, node, input_shapes):
        n = input_shapes[2][0]
        return [(n, n)]

    def perform(self, node, inputs, output_storage):
        z, alpha, x, beta = inputs
        n = x.shape[0]
        if z.shape != (n, n):
            self._check_accumulator(node.inputs[0].type, z.shape, n)
        output_storage[0][0] = _perform.syrk(alpha, x, beta, z, self.hermitian, self.inplace)

    def _partner(self, x) -> rules.TensorVariable:
        """Return what x is multiplied by."""
        return rules.adjoint(x) if self.hermitian else rules.transposed(x)

    def pullback(self, inputs, outputs, cotangents):
        z, alpha, x, beta = inputs
        (g,) = cotangents
        # X X' has the same cotangent as a left and, transposed, as a right factor: one product.
        if self.hermitian:
            scaled = alpha.conj() * g
            of_x = (scaled + rules.adjoint(scaled)) @ x
            of_alpha = rules.inner(x, g @ x)
        else:
            both = (g + rules.transposed(g)) @ x.conj()
            of_x = alpha.conj() * both
            of_alpha = rules.inner(x, both) / 2
        pulled = [beta.conj() * g, of_alpha, of_x, rules.inner(z, g)]
        return [rules.cotangent_like(bar, var) for bar, var in zip(pulled, inputs)]

    def pushforward(self, inputs, outputs, tangents):
        z, alpha, x, beta = inputs

        def of_x(dx):
            half = dx @ self._partner(x)
            return alpha * (half + self._partner(half))

        terms = (
            lambda dz: beta * dz,
            lambda dalpha: dalpha * (x @ self._partner(x)),
            of_x,
            lambda dbeta: dbeta * z,
        )
        return rules.sum_of_tangents(outputs[0], tangents, terms)


rules.register_batch_rule(
    Syrk,
    (2, 0, 2, 0),
    lambda op, z, alpha, x, beta: rules.scaled_sum(alpha, x @ op._partner(x), beta, z),
)

syrk_inplace = Syrk(inplace=True)
syrk_no_inplace = Syrk(inplace=False)
# What rewriting introduces; the in-place pass comes later.
syrk = syrk_no_inplace
