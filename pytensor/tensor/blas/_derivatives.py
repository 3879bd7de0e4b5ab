"""Derivatives and batches of the BLAS Ops: the parts of their rules that are alike.

The cotangent of a complex Z of a real cost C is dC/dRe(Z) + i dC/dIm(Z), as everywhere in the
package; so the product's rule is ``X_bar = Z_bar Y^H`` and ``Y_bar = X^H Z_bar``. All rules are
written in ordinary products and sums. Rewriting makes BLAS calls of them, and shares what
several gradients have in common.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from pytensor.graph.basic import Apply, Constant, Variable
from pytensor.graph.null_type import DisconnectedType, disconnected_type
from pytensor.graph.op import Op
from pytensor.graph.replace import _vectorize_node
from pytensor.tensor._convert import as_tensor_variable
from pytensor.tensor.blas._operands import COMPLEX_DTYPES, TensorVariable

Term = Callable[[TensorVariable], TensorVariable]


def is_varied(tangent: Variable) -> bool:
    """Tell whether a tangent is there (its input is varied)."""
    return not isinstance(tangent.type, DisconnectedType)


def conj_if(wanted: bool, var: TensorVariable) -> TensorVariable:
    """Return `var`, or its complex conjugate."""
    return var.conj() if wanted else var


def transposed(var: TensorVariable) -> TensorVariable:
    """Return the last two axes exchanged."""
    n = var.type.ndim
    return var.dimshuffle(*range(n - 2), n - 1, n - 2)


def adjoint(var: TensorVariable) -> TensorVariable:
    """Return the conjugate of the transposed matrix (or matrices)."""
    return transposed(var).conj()


def cotangent_like(cotangent: TensorVariable, var: TensorVariable) -> TensorVariable:
    """Return a cotangent as one of `var`.

    Summed over the axes along which `var` was broadcast, real if `var` is, and of its dtype if
    that is floating.
    """
    pairs = enumerate(zip(var.type.shape, cotangent.type.shape))
    axes = [axis for axis, (own, other) in pairs if own == 1 and other != 1]
    if axes:
        cotangent = cotangent.sum(axis=axes, keepdims=True)
    dtype = var.type.dtype
    if cotangent.type.dtype in COMPLEX_DTYPES and dtype not in COMPLEX_DTYPES:
        cotangent = cotangent.real
    if cotangent.type.dtype != dtype and dtype.startswith(("float", "complex")):
        cotangent = cotangent.astype(dtype)
    return cotangent


def inner(a: TensorVariable, b: TensorVariable) -> TensorVariable:
    """Return ``sum(conj(a) * b)``, the cotangent of a factor of `a` where b is `a`'s."""
    return (a.conj() * b).sum()


def sum_of_tangents(
    out: TensorVariable, tangents: Sequence[Variable], terms: Sequence[Term]
) -> list[Any]:
    """Return the sum of ``term(tangent)`` over the inputs that are varied, shaped like `out`."""
    varied = [term(dot) for dot, term in zip(tangents, terms) if is_varied(dot)]
    if not varied:
        return [disconnected_type()]
    total = varied[0]
    for term in varied[1:]:
        total = total + term
    if total.type.broadcastable != out.type.broadcastable:
        total = total + out.zeros_like()
    return [total.astype(out.type.dtype) if total.type.dtype != out.type.dtype else total]


# -- batches -------------------------------------------------------------------------------


def constant_value(var: Variable) -> Any:
    """Return the number a scalar constant is, or None."""
    return var.data.item() if isinstance(var, Constant) and var.data.size == 1 else None


def scaled_sum(alpha, product: TensorVariable, beta=None, old=None) -> TensorVariable:
    """Return ``alpha * product + beta * old`` without the parts that constants make trivial.

    Without beta, that is ``alpha * product + old``.
    """
    total = product if constant_value(alpha) == 1 else alpha * product
    if old is None:
        return total
    if beta is None:
        return total + old
    if constant_value(beta) == 0:
        # Not read, but it may have batch axes that nothing else has.
        return total + old.zeros_like() if old.type.ndim >= product.type.ndim else total
    return total + (old if constant_value(beta) == 1 else beta * old)


def register_batch_rule(op_class: type[Op], ranks: Sequence[int], expression: Callable) -> None:
    """Let `vectorize_graph` replace the Op by `expression` when its inputs get batch axes.

    Parameters
    ----------
    op_class : type
        The class of the Op.
    ranks : sequence of int
        Axes of each input that belong to the Op.
    expression : callable
        ``expression(op, *inputs)`` is the Op's equation in broadcasting operations. Scalars
        arrive with length-1 axes in place of those of a matrix, or of a vector if the Op has no
        matrix output.
    """

    @_vectorize_node.register(op_class)
    def vectorize(op, node: Apply, *inputs) -> Apply | list[Variable]:
        batches = [as_tensor_variable(var) for var in inputs]
        if all(var.type.ndim == rank for var, rank in zip(batches, ranks)):
            return op.make_node(*batches)
        core = node.outputs[0].type.ndim
        ready = [
            with_unit_axes(var, core) if rank == 0 and var.type.ndim else var
            for var, rank in zip(batches, ranks)
        ]
        return [expression(op, *ready)]


def with_unit_axes(var: TensorVariable, count: int) -> TensorVariable:
    """Return `var` with length-1 axes at the end."""
    return var.dimshuffle(*range(var.type.ndim), *["x"] * count)


def with_batch_axes(var: TensorVariable, ndim: int) -> TensorVariable:
    """Return `var` with length-1 axes in front, `ndim` axes in all."""
    return var.dimshuffle(*["x"] * (ndim - var.type.ndim), *range(var.type.ndim))
