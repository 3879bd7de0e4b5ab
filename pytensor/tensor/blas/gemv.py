"""Product of a matrix and a vector: `Gemv`."""

from __future__ import annotations

from pytensor.graph.basic import Apply
from pytensor.tensor.blas import _derivatives as rules
from pytensor.tensor.blas import _operands as check
from pytensor.tensor.blas import _perform
from pytensor.tensor.blas._op import BlasOp

__all__ = ["Gemv", "gemv", "gemv_inplace", "gemv_no_inplace"]


class Gemv(BlasOp):
    r"""Accumulate the product of a matrix and a vector.

    .. math:: y \leftarrow \alpha A x + \beta y

    Inputs are ``y, alpha, A, x, beta``. With :math:`\beta = 0` the old y is not read, with
    :math:`\alpha = 0` A and x are not. The scale factors may have any dtype that becomes the
    operands' without losing an imaginary part; integer operands are computed exactly.

    Parameters
    ----------
    inplace : bool
        Overwrite y. Otherwise the result is a new vector, and a y of length 1 broadcasts.
    conj : {"", "A"}
        Whether to conjugate A; for complex dtypes.

    Raises
    ------
    TypeError
        When the node is made: wrong ranks, or y, A and x differ in dtype; `conj` for real
        operands.
    InconsistencyError
        When the node is made: inplace, and y is a view of A or x or they of it.
    ValueError
        When lengths disagree: at construction if they are known, else at run time.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> gemv_no_inplace(pt.dvector("y"), 1.0, pt.dmatrix("A"), pt.dvector("x"), 0.0).type
    TensorType(float64, shape=(None,))
    """

    __props__ = ("inplace", "conj")
    conj_choices = ("", "A")

    def __init__(self, inplace: bool = False, conj: str = ""):
        self._set_inplace(inplace)
        self._set_conj(conj)

    def __str__(self):
        return self._describe_accumulating()

    def make_node(self, y, alpha, A, x, beta):
        y, x = (check.operand("Gemv", n, v, 1) for n, v in zip("yx", (y, x)))
        A = check.operand("Gemv", "A", A, 2)
        dtype = check.one_dtype("Gemv", y=y, A=A, x=x)
        self._check_conj(dtype)
        alpha = check.real_scale("Gemv", "alpha", alpha, dtype)
        beta = check.real_scale("Gemv", "beta", beta, dtype)
        if self.inplace:
            check.no_alias("Gemv", "y", y, A=A, x=x)
        self._check_lengths(y.type, y.type.shape, A.type.shape, x.type.shape)
        out = check.output(dtype, A.type.shape[:1])
        return Apply(self, [y, alpha, A, x, beta], [out])

    def _check_lengths(self, y_type, y: check.Shape, A: check.Shape, x: check.Shape) -> None:
        check.agree_inner("Gemv", A=A, x=x)
        ones = self.broadcast_axes(y_type)
        check.accumulates("Gemv", "y", y, A[:1], self.inplace, ones)

    def infer_shape(self, fgraph, node, input_shapes):
        return [(input_shapes[2][0],)]

    def perform(self, node, inputs, output_storage):
        y, alpha, A, x, beta = inputs
        if A.shape != (*y.shape, *x.shape):
            self._check_lengths(node.inputs[0].type, y.shape, A.shape, x.shape)
        output_storage[0][0] = _perform.gemv(alpha, A, x, beta, y, bool(self.conj), self.inplace)

    def _matrix(self, A) -> rules.TensorVariable:
        return rules.conj_if(bool(self.conj), A)

    def pullback(self, inputs, outputs, cotangents):
        y, alpha, A, x, beta = inputs
        (g,) = cotangents
        # The cotangent of alpha, <A x, g>, is <x, A^H g>, a product that x needs, too.
        of_x = rules.adjoint(self._matrix(A)) @ g
        of_A = (alpha.conj() * g).dimshuffle(0, "x") @ x.conj().dimshuffle("x", 0)
        pulled = [
            beta.conj() * g,
            rules.inner(x, of_x),
            self._matrix(of_A),
            alpha.conj() * of_x,
            rules.inner(y, g),
        ]
        return [rules.cotangent_like(bar, var) for bar, var in zip(pulled, inputs)]

    def pushforward(self, inputs, outputs, tangents):
        y, alpha, A, x, beta = inputs
        terms = (
            lambda dy: beta * dy,
            lambda dalpha: dalpha * (self._matrix(A) @ x),
            lambda dA: alpha * (self._matrix(dA) @ x),
            lambda dx: alpha * (self._matrix(A) @ dx),
            lambda dbeta: dbeta * y,
        )
        return rules.sum_of_tangents(outputs[0], tangents, terms)


def _batched_gemv(op, y, alpha, A, x, beta):
    product = (op._matrix(A) @ x.dimshuffle(*range(x.type.ndim), "x"))[..., 0]
    return rules.scaled_sum(alpha, product, beta, y)


rules.register_batch_rule(Gemv, (1, 0, 2, 1, 0), _batched_gemv)

gemv_inplace = Gemv(inplace=True)
gemv_no_inplace = Gemv(inplace=False)
gemv = gemv_no_inplace
# What rewriting introduces; the in-place pass comes later.
gemv_of_sum = gemv_no_inplace.as_part_of_sum()
