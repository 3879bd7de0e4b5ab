"""Checks of operands, shared by the BLAS Ops, and the messages they raise.

Each check is a predicate by name that either passes or raises; `make_node` calls those about
types, `perform` those about lengths.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pytensor.graph.basic import Apply, Variable
from pytensor.graph.null_type import DisconnectedType, disconnected_type
from pytensor.graph.op import Op
from pytensor.graph.replace import _vectorize_node
from pytensor.tensor._convert import as_tensor_variable
from pytensor.tensor.type import TensorType, tensor_type

BLAS_DTYPES = ("float32", "float64", "complex64", "complex128")

# Variables get their methods attached when `pytensor.tensor` is complete: no type checker sees them.
TensorVariable = Any

FLOAT_DTYPES = ("float16", *BLAS_DTYPES)

_RANK_NAMES = {0: "a scalar", 1: "a vector", 2: "a matrix", 3: "a batch of matrices (3 axes)"}


def operand(op: str, name: str, value, ndim: int) -> Variable:
    """Return `value` as a tensor variable with `ndim` axes.

    Raises
    ------
    TypeError
        ``[op] name must be a matrix, got Vector(float64, shape=(?,))``.
    """
    var = as_tensor_variable(value)
    if not isinstance(var.type, TensorType) or var.type.ndim != ndim:
        raise TypeError(f"[{op}] {name} must be {_RANK_NAMES[ndim]}, got {var.type!s}")
    return var


def scale(op: str, name: str, value, dtype: str) -> Variable:
    """Return a scale factor (alpha, beta) as a scalar variable.

    A Python number has no dtype of its own and takes that of the operands.
    """
    if isinstance(value, int | float | complex) and not isinstance(value, np.generic):
        if isinstance(value, complex) and not dtype.startswith("complex"):
            raise TypeError(f"[{op}] {name} must be real for {dtype} operands, got {value}")
        value = np.asarray(value, dtype=dtype)
    return operand(op, name, value, 0)


def one_dtype(op: str, **operands: Variable) -> str:
    """Return the dtype of all operands.

    Raises
    ------
    TypeError
        ``[op] operands must have one dtype, got z float64, x float32``.
    """
    dtypes = {var.type.dtype for var in operands.values()}
    if len(dtypes) > 1:
        got = ", ".join(f"{name} {var.type.dtype}" for name, var in operands.items())
        raise TypeError(f"[{op}] operands must have one dtype, got {got}")
    return dtypes.pop()


def float_dtype(op: str, dtype: str) -> None:
    """Refuse dtypes that are neither floating nor complex."""
    if dtype not in FLOAT_DTYPES:
        raise TypeError(f"[{op}] operands must have a floating or complex dtype, got {dtype}")


def no_alias(op: str, output: str, z: Variable, others: dict[str, Variable], error: type) -> None:
    """Refuse an operand that is a view of the variable about to be overwritten."""
    roots = set(view_roots(z))
    for name, var in others.items():
        if roots.intersection(view_roots(var)):
            raise error(f"[{op}] {output} must not be aliased to {name}, got {z} and {var}")


def view_roots(var: Variable) -> list[Variable]:
    """Return the variables whose memory `var` may share, followed to where they were made."""
    pending, roots = [var], []
    while pending:
        var = pending.pop()
        node = var.owner
        sources = []
        if node is not None:
            index = node.outputs.index(var)
            sources = [*node.op.view_map.get(index, ()), *node.op.destroy_map.get(index, ())]
        if node is not None and sources:
            pending += [node.inputs[i] for i in sources]
        else:
            roots.append(var)
    return roots


def static_match(op: str, first: str, a: int | None, second: str, b: int | None) -> None:
    """Refuse lengths that are known when the graph is built and differ."""
    if a is not None and b is not None and a != b:
        raise ValueError(f"[{op}] {first} and {second} must be aligned, got lengths {a} and {b}")


def static_fits(op: str, name: str, old: Sequence, new: Sequence) -> None:
    """Refuse an accumulator that can't be broadcast to the product, as far as is known."""
    if any(a not in (1, None, b) and b is not None for a, b in zip(old, new)):
        raise ValueError(
            f"[{op}] {name} must be aligned with the product, got shape {tuple(old)} for {tuple(new)}"
        )


def output(dtype: str, shape: Sequence[int | None]) -> Variable:
    """Return a new output variable."""
    return tensor_type(dtype, tuple(shape))()


# What the operands of each op have in common; the C kernels say the same.
_RULES = {
    "Gemm": "z (m, n), x (m, k), y (k, n)",
    "Dot22": "x (m, k), y (k, n)",
    "Dot22Scalar": "x (m, k), y (k, n)",
    "Gemv": "y (m,), A (m, n), x (n,)",
    "Ger": "A (m, n), x (m,), y (n,)",
    "BatchedDot": "x (b, m, k), y (b, k, n)",
}


def aligned(op: str, **shapes: tuple[int, ...]) -> None:
    """Raise the error for operands whose lengths do not agree."""
    got = ", ".join(f"{name} {tuple(map(int, shape))}" for name, shape in shapes.items())
    raise ValueError(f"[{op}] operands must be aligned: {_RULES[op]}; got {got}")


def is_zero(value: np.ndarray) -> bool:
    """Tell whether a scale factor is zero, so that what it scales isn't read."""
    return bool(value == 0)


def accumulate(
    alpha, product: Callable[[], np.ndarray], beta, old: np.ndarray, shape
) -> np.ndarray:
    """Return ``alpha * product() + beta * old`` in a new array of `old`'s dtype.

    A zero factor leaves its array unread, so NaN in it does not matter; this is BLAS's rule.
    """
    dtype = old.dtype
    if is_zero(alpha):
        result = np.zeros(shape, dtype)
    else:
        result = np.asarray(product())
        if alpha != 1:
            result = np.multiply(result, alpha.astype(dtype), dtype=dtype)
    if not is_zero(beta):
        result += old if beta == 1 else np.multiply(old, beta.astype(dtype), dtype=dtype)
    return result


def is_varied(tangent: Variable) -> bool:
    """Tell whether a tangent is there (its input is varied)."""
    return not isinstance(tangent.type, DisconnectedType)


def sum_of_tangents(out: TensorVariable, tangents, terms: Sequence[Callable]) -> list[Variable]:
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


def unbroadcast(cotangent: TensorVariable, var: Variable) -> TensorVariable:
    """Sum a cotangent over the axes along which `var` was broadcast."""
    pairs = enumerate(zip(var.type.shape, cotangent.type.shape))
    axes = [axis for axis, (own, other) in pairs if own == 1 and other != 1]
    return cotangent.sum(axis=axes, keepdims=True) if axes else cotangent


def register_batch_rule(op_class: type[Op], ranks: Sequence[int], expression: Callable) -> None:
    """Let `vectorize_graph` replace the Op by `expression` when its inputs get batch axes.

    Parameters
    ----------
    op_class : type
        The class of the Op.
    ranks : sequence of int
        Axes of each input that belong to the Op.
    expression : callable
        The Op's equation in broadcasting operations. Scalars arrive with length-1 axes in place
        of those of a matrix, or of a vector if the Op has no matrix output.
    """

    @_vectorize_node.register(op_class)
    def vectorize(op, node: Apply, *inputs) -> Apply | list[Variable]:
        batches = [as_tensor_variable(var) for var in inputs]
        if all(var.type.ndim == rank for var, rank in zip(batches, ranks)):
            return op.make_node(*batches)
        out_ndim = node.outputs[0].type.ndim
        ready = [
            _with_unit_axes(var, out_ndim) if rank == 0 and var.type.ndim else var
            for var, rank in zip(batches, ranks)
        ]
        return [expression(*ready)]


def _with_unit_axes(var: TensorVariable, count: int) -> TensorVariable:
    return var.dimshuffle(*range(var.type.ndim), *["x"] * count)
