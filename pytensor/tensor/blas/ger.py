"""Rank-1 update of a matrix: `Ger`."""

from __future__ import annotations

import numpy as np

from pytensor.graph.basic import Apply
from pytensor.tensor.blas import _derivatives as rules
from pytensor.tensor.blas import _operands as check
from pytensor.tensor.blas import _perform
from pytensor.tensor.blas._op import BlasOp

__all__ = ["Ger", "ger", "ger_destructive"]


class Ger(BlasOp):
    r"""Add a multiple of an outer product to a matrix.

    .. math:: A \leftarrow A + \alpha x y^T

    Inputs are ``A, alpha, x, y``, all of one floating or complex dtype; y is not conjugated
    unless `conj` says so. With :math:`\alpha = 0` x and y are not read. Where A is known to have
    length 1 it is broadcast, unless it is overwritten: ``ger(zeros((1, 1)), alpha, x, y)`` is an
    outer product, written in one pass.

    Parameters
    ----------
    destructive : bool
        Overwrite A.
    conj : {"", "x", "y"}
        Which of the vectors to conjugate; for complex dtypes.
    inplace : bool, optional
        Another name of `destructive`.

    Raises
    ------
    TypeError
        When the node is made: wrong ranks, the dtypes differ or are not floating; `conj` for
        real operands.
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

    __props__ = ("destructive", "conj")
    conj_choices = ("", "x", "y")
    of_sum = True

    def __init__(self, destructive: bool = False, conj: str = "", *, inplace: bool | None = None):
        self._set_inplace(destructive if inplace is None else inplace)
        self._set_conj(conj)

    @property
    def destructive(self) -> bool:
        """Whether A is overwritten."""
        return self.inplace

    def __str__(self):
        return self._describe("destructive" if self.inplace else "non-destructive")

    def make_node(self, A, alpha, x, y):
        A = check.operand("Ger", "A", A, 2)
        x, y = (check.operand("Ger", n, v, 1) for n, v in zip("xy", (x, y)))
        alpha = check.scale("Ger", "alpha", alpha, A.type.dtype)
        dtype = check.one_float_dtype("Ger", A=A, alpha=alpha, x=x, y=y)
        self._check_conj(dtype)
        if self.inplace:
            check.no_alias("Ger", "A", A, x=x, y=y)
        update = (*x.type.shape, *y.type.shape)
        old = self._broadcast(A.type.shape, A.type.shape)
        self._check_lengths(old, *update)
        shape = [there if own is None else own for own, there in zip(old, update)]
        return Apply(self, [A, alpha, x, y], [check.output(dtype, shape)])

    def _broadcast(self, known: check.Shape, lengths: check.Shape) -> check.Shape:
        """Return the lengths of A that have to agree with others, None where A is broadcast."""
        if self.inplace:
            return lengths
        return tuple(None if one == 1 else n for one, n in zip(known, lengths))

    @staticmethod
    def _check_lengths(A: check.Shape, rows: int | None, cols: int | None) -> None:
        if check.differ(A[0], rows):
            raise check.disagree("Ger", "must agree on the number of rows", A=A, x=(rows,))
        if check.differ(A[1], cols):
            raise check.disagree("Ger", "must agree on the number of columns", A=A, y=(cols,))

    def infer_shape(self, fgraph, node, input_shapes):
        A, _, x, y = input_shapes
        old = self._broadcast(node.inputs[0].type.shape, A)
        return [tuple(new if own is None else own for own, new in zip(old, (x[0], y[0])))]

    def perform(self, node, inputs, output_storage):
        A, alpha, x, y = inputs
        update = (*x.shape, *y.shape)
        if A.shape != update:
            self._check_lengths(self._broadcast(node.inputs[0].type.shape, A.shape), *update)
            A = np.broadcast_to(A, update)
        output_storage[0][0] = _perform.ger(A, alpha, x, y, self.conj, self.inplace)

    def _vectors(self, x, y) -> tuple[rules.TensorVariable, rules.TensorVariable]:
        return rules.conj_if(self.conj == "x", x), rules.conj_if(self.conj == "y", y)

    def _outer(self, x, y) -> rules.TensorVariable:
        """Outer product over the last axes, any batch axes broadcast."""
        x, y = self._vectors(x, y)
        x = x.dimshuffle(*range(x.type.ndim), "x")
        y = y.dimshuffle(*range(y.type.ndim - 1), "x", y.type.ndim - 1)
        return x * y

    def pullback(self, inputs, outputs, cotangents):
        _, alpha, x, y = inputs
        (g,) = cotangents
        left, right = self._vectors(x, y)
        # The cotangent of alpha, <x y', g>, is <x, g conj(y)>, a product that x needs, too.
        of_left = g @ right.conj()
        of_right = rules.transposed(g) @ left.conj()
        pulled = [
            g,
            rules.inner(left, of_left),
            rules.conj_if(self.conj == "x", alpha.conj() * of_left),
            rules.conj_if(self.conj == "y", alpha.conj() * of_right),
        ]
        return [rules.cotangent_like(bar, var) for bar, var in zip(pulled, inputs)]

    def pushforward(self, inputs, outputs, tangents):
        _, alpha, x, y = inputs
        terms = (
            lambda dA: dA,
            lambda dalpha: dalpha * self._outer(x, y),
            lambda dx: alpha * self._outer(dx, y),
            lambda dy: alpha * self._outer(x, dy),
        )
        return rules.sum_of_tangents(outputs[0], tangents, terms)

    def inplace_on_inputs(self, allowed_inplace_inputs):
        """Return the form that overwrites A, if that is allowed."""
        return Ger(True, self.conj) if 0 in allowed_inplace_inputs else self


rules.register_batch_rule(
    Ger,
    (2, 0, 1, 1),
    lambda op, A, alpha, x, y: rules.scaled_sum(alpha, op._outer(x, y), old=A),
)

ger = Ger(destructive=False)
ger_destructive = Ger(destructive=True)
