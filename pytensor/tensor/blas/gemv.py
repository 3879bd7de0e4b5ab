"""Product of a matrix and a vector: `Gemv`."""

from __future__ import annotations

import numpy as np

from pytensor.graph.basic import Apply
from pytensor.graph.op import Op
from pytensor.graph.utils import InconsistencyError
from pytensor.tensor.blas import _operands as check

__all__ = ["Gemv", "gemv", "gemv_inplace", "gemv_no_inplace"]


class Gemv(Op):
    r"""Accumulate the product of a matrix and a vector.

    .. math:: y \leftarrow \alpha A x + \beta y

    Inputs are ``y, alpha, A, x, beta``. With :math:`\beta = 0` the old y is not read, with
    :math:`\alpha = 0` A and x are not. The scale factors may have any dtype that becomes the
    operands' without losing an imaginary part; integer operands are computed exactly.

    Parameters
    ----------
    inplace : bool
        Overwrite y. Otherwise the result is a new vector, and a y of length 1 broadcasts.

    Raises
    ------
    TypeError
        When the node is made: wrong ranks, or y, A and x differ in dtype.
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

    __props__ = ("inplace",)

    def __init__(self, inplace: bool):
        self.inplace = inplace
        if inplace:
            self.destroy_map = {0: [0]}

    def __str__(self):
        return f"{type(self).__name__}{{{'inplace' if self.inplace else 'no_inplace'}}}"

    def make_node(self, y, alpha, A, x, beta):
        y, x = (check.operand("Gemv", n, v, 1) for n, v in zip("yx", (y, x)))
        A = check.operand("Gemv", "A", A, 2)
        dtype = check.one_dtype("Gemv", y=y, A=A, x=x)
        alpha = self._scale("alpha", alpha, dtype)
        beta = self._scale("beta", beta, dtype)
        if self.inplace:
            check.no_alias("Gemv", "y", y, {"A": A, "x": x}, InconsistencyError)
        check.static_match("Gemv", "A", A.type.shape[1], "x", x.type.shape[0])
        check.static_fits("Gemv", "y", y.type.shape, A.type.shape[:1])
        out = check.output(dtype, A.type.shape[:1])
        return Apply(self, [y, alpha, A, x, beta], [out])

    @staticmethod
    def _scale(name: str, value, dtype: str):
        var = check.scale("Gemv", name, value, dtype)
        if var.type.dtype.startswith("complex") and not dtype.startswith("complex"):
            raise TypeError(f"[Gemv] {name} must be real for {dtype} operands, got {var.type!s}")
        return var

    def infer_shape(self, fgraph, node, input_shapes):
        return [(input_shapes[2][0],)]

    def perform(self, node, inputs, output_storage):
        y, alpha, A, x, beta = inputs
        shape = A.shape[:1]
        fits = y.shape == shape or (y.shape == (1,) and not self.inplace)
        if A.shape[1] != x.shape[0] or not fits:
            check.aligned("Gemv", y=y.shape, A=A.shape, x=x.shape)
        result = check.accumulate(alpha, lambda: np.matmul(A, x), beta, y, shape)
        if self.inplace:
            y[...] = result
            result = y
        output_storage[0][0] = result

    def pullback(self, inputs, outputs, cotangents):
        y, alpha, A, x, beta = inputs
        (g,) = cotangents
        return [
            check.unbroadcast(beta * g, y).astype(y.type.dtype),
            (g * A.dot(x)).sum().astype(alpha.type.dtype),
            (alpha * g.dimshuffle(0, "x").dot(x.dimshuffle("x", 0))).astype(A.type.dtype),
            (alpha * A.T.dot(g)).astype(x.type.dtype),
            (g * y).sum().astype(beta.type.dtype),
        ]

    def pushforward(self, inputs, outputs, tangents):
        y, alpha, A, x, beta = inputs
        terms = (
            lambda dy: beta * dy,
            lambda dalpha: dalpha * A.dot(x),
            lambda dA: alpha * dA.dot(x),
            lambda dx: alpha * A.dot(dx),
            lambda dbeta: dbeta * y,
        )
        return check.sum_of_tangents(outputs[0], tangents, terms)

    def inplace_on_inputs(self, allowed_inplace_inputs):
        return gemv_inplace if 0 in allowed_inplace_inputs else self


def _matrix_times_vector(A, x):
    """``A x`` over any batch axes of either."""
    return (A @ x.dimshuffle(*range(x.type.ndim), "x"))[..., 0]


check.register_batch_rule(
    Gemv,
    (1, 0, 2, 1, 0),
    lambda y, alpha, A, x, beta: beta * y + alpha * _matrix_times_vector(A, x),
)

gemv_inplace = Gemv(inplace=True)
gemv_no_inplace = Gemv(inplace=False)
# What rewriting introduces; the in-place pass comes later.
gemv = gemv_no_inplace
