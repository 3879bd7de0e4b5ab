"""Rank-1 update of a matrix: `Ger`."""

from __future__ import annotations

import numpy as np

from pytensor.graph.basic import Apply
from pytensor.graph.op import Op
from pytensor.graph.utils import InconsistencyError
from pytensor.tensor.blas import _operands as check

__all__ = ["Ger", "ger", "ger_destructive"]


class Ger(Op):
    r"""Add a multiple of an outer product to a matrix.

    .. math:: A \leftarrow A + \alpha x y^T

    Inputs are ``A, alpha, x, y``, all of one floating or complex dtype; y is not conjugated.
    With :math:`\alpha = 0` x and y are not read.

    Parameters
    ----------
    destructive : bool
        Overwrite A.
    inplace : bool, optional
        Another name of `destructive`.

    Raises
    ------
    TypeError
        When the node is made: wrong ranks, or the dtypes differ or are not floating.
    InconsistencyError
        When the node is made: destructive, and A shares memory with x or y.
    ValueError
        When lengths disagree: at construction if they are known, else at run time.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> ger(pt.dmatrix("A"), 0.5, pt.dvector("x"), pt.dvector("y")).type
    TensorType(float64, shape=(None, None))
    """

    __props__ = ("destructive",)

    def __init__(self, destructive: bool = False, *, inplace: bool | None = None):
        self.destructive = bool(destructive if inplace is None else inplace)
        if self.destructive:
            self.destroy_map = {0: [0]}

    @property
    def inplace(self) -> bool:
        """Whether A is overwritten."""
        return self.destructive

    def __str__(self):
        return (
            f"{type(self).__name__}{{{'destructive' if self.destructive else 'non-destructive'}}}"
        )

    def make_node(self, A, alpha, x, y):
        A = check.operand("Ger", "A", A, 2)
        x, y = (check.operand("Ger", n, v, 1) for n, v in zip("xy", (x, y)))
        alpha = check.scale("Ger", "alpha", alpha, A.type.dtype)
        dtype = check.one_dtype("Ger", A=A, alpha=alpha, x=x, y=y)
        check.float_dtype("Ger", dtype)
        if self.destructive:
            check.no_alias("Ger", "A", A, {"x": x, "y": y}, InconsistencyError)
        rows, cols = A.type.shape
        check.static_match("Ger", "A", rows, "x", x.type.shape[0])
        check.static_match("Ger", "A", cols, "y", y.type.shape[0])
        shape = (
            x.type.shape[0] if rows is None else rows,
            y.type.shape[0] if cols is None else cols,
        )
        return Apply(self, [A, alpha, x, y], [check.output(dtype, shape)])

    def infer_shape(self, fgraph, node, input_shapes):
        return [input_shapes[0]]

    def perform(self, node, inputs, output_storage):
        A, alpha, x, y = inputs
        if A.shape != (*x.shape, *y.shape):
            check.aligned("Ger", A=A.shape, x=x.shape, y=y.shape)
        result = A if self.destructive else A.copy()
        if not check.is_zero(alpha):
            result += np.multiply.outer(alpha * x, y)
        output_storage[0][0] = result

    def pullback(self, inputs, outputs, cotangents):
        _, alpha, x, y = inputs
        (g,) = cotangents
        return [g, x.dot(g.dot(y)), alpha * g.dot(y), alpha * g.T.dot(x)]

    def pushforward(self, inputs, outputs, tangents):
        _, alpha, x, y = inputs
        terms = (
            lambda dA: dA,
            lambda dalpha: dalpha * _outer(x, y),
            lambda dx: alpha * _outer(dx, y),
            lambda dy: alpha * _outer(x, dy),
        )
        return check.sum_of_tangents(outputs[0], tangents, terms)

    def inplace_on_inputs(self, allowed_inplace_inputs):
        return ger_destructive if 0 in allowed_inplace_inputs else self


def _outer(x, y):
    """Outer product over the last axes, any batch axes broadcast."""
    x = x.dimshuffle(*range(x.type.ndim), "x")
    y = y.dimshuffle(*range(y.type.ndim - 1), "x", y.type.ndim - 1)
    return x * y


check.register_batch_rule(Ger, (2, 0, 1, 1), lambda A, alpha, x, y: A + alpha * _outer(x, y))

ger = Ger(destructive=False)
ger_destructive = Ger(destructive=True)
