"""Checks of operands, shared by the BLAS Ops, and the messages they raise.

Each check is a predicate by name that either passes or raises. `make_node` asks about types and
static lengths, `perform` about lengths; both through the same functions, a length that is not
known being ``None``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pytensor.graph.basic import Variable
from pytensor.graph.utils import InconsistencyError
from pytensor.tensor._convert import as_tensor_variable
from pytensor.tensor.type import TensorType, tensor_type

BLAS_DTYPES = ("float32", "float64", "complex64", "complex128")
FLOAT_DTYPES = ("float16", *BLAS_DTYPES)
COMPLEX_DTYPES = ("complex64", "complex128")

# Variables get their methods attached when `pytensor.tensor` is complete: no type checker sees them.
TensorVariable = Any

Shape = Sequence[int | None]

_RANK_NAMES = {0: "a scalar", 1: "a vector", 2: "a matrix", 3: "a batch of matrices (3 axes)"}


# -- operands of a node --------------------------------------------------------------------


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


def real_scale(op: str, name: str, value, dtype: str) -> Variable:
    """Return a scale factor of any dtype that can be cast to real operands' without loss."""
    var = scale(op, name, value, dtype)
    if var.type.dtype in COMPLEX_DTYPES and dtype not in COMPLEX_DTYPES:
        raise TypeError(f"[{op}] {name} must be real for {dtype} operands, got {var.type!s}")
    return var


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


def one_float_dtype(op: str, **operands: Variable) -> str:
    """Return the dtype of all operands, which is floating or complex."""
    dtype = one_dtype(op, **operands)
    if dtype not in FLOAT_DTYPES:
        raise TypeError(f"[{op}] operands must have a floating or complex dtype, got {dtype}")
    return dtype


def complex_if(op: str, prop: str, wanted: object, dtype: str) -> None:
    """Refuse to conjugate real operands: it would be another Op that computes the same."""
    if wanted and dtype not in COMPLEX_DTYPES:
        raise TypeError(
            f"[{op}] operands must have a complex dtype with {prop}={wanted!r}, got {dtype}"
        )


def no_alias(op: str, output: str, z: Variable, **others: Variable) -> None:
    """Refuse an operand that is a view of the variable about to be overwritten."""
    roots = set(view_roots(z))
    for name, var in others.items():
        if roots.intersection(view_roots(var)):
            raise InconsistencyError(
                f"[{op}] {output} must not be aliased to {name} when it is overwritten, "
                f"got {z} and {var}"
            )


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


def output(dtype: str, shape: Shape) -> Variable:
    """Return a new output variable."""
    return tensor_type(dtype, tuple(shape))()


# -- lengths -------------------------------------------------------------------------------


def shape_text(shape: Shape) -> str:
    """Return a shape as Python writes a tuple, with ``?`` for an unknown length."""
    lengths = ["?" if n is None else str(int(n)) for n in shape]
    return f"({', '.join(lengths)}{',' if len(lengths) == 1 else ''})"


def disagree(op: str, rule: str, **shapes: Shape) -> ValueError:
    """Return the error for operands whose lengths do not agree.

    ``[Gemm] x and y must agree on the inner dimension (shapes not aligned), got x (3, 4) and
    y (5, 2)``; the C kernels say the same.
    """
    names = " and ".join(shapes)
    got = " and ".join(f"{name} {shape_text(shape)}" for name, shape in shapes.items())
    return ValueError(f"[{op}] {names} {rule} (shapes not aligned), got {got}")


def differ(a: int | None, b: int | None) -> bool:
    """Tell whether two lengths are known to differ."""
    return a is not None and b is not None and a != b


def agree_inner(op: str, **shapes: Shape) -> None:
    """Refuse ``left @ right`` if the inner dimensions differ."""
    left, right = shapes.values()
    if differ(left[-1], right[-2] if len(right) > 1 else right[-1]):
        raise disagree(op, "must agree on the inner dimension", **shapes)


def accumulates(
    op: str, name: str, old: Shape, new: Shape, exact: bool = False, ones: Sequence[bool] = ()
) -> None:
    """Refuse an accumulator that isn't as large as the result.

    Lengths of 1 broadcast along the axes that `ones` names, all axes unless given, but not if the
    accumulator is overwritten (`exact`).
    """
    may = [False] * len(old) if exact else ones or [True] * len(old)
    if any(differ(a, b) and not (one and a == 1) for a, b, one in zip(old, new, may)):
        rule = "must have the shape of the product"
        if any(may):
            rule += " or lengths of 1"
        raise ValueError(
            f"[{op}] {name} {rule} (shapes not aligned), got {name} {shape_text(old)} for the "
            f"product's {shape_text(new)}"
        )


# -- properties ----------------------------------------------------------------------------


def conjugated(op: str, conj: str, allowed: Sequence[str]) -> str:
    """Return the `conj` property if it is one of the `allowed` ones.

    Raises
    ------
    ValueError
        ``[Gemm] conj must be one of '', 'x', 'y', 'xy', got 'z'``.
    """
    if conj not in allowed:
        names = ", ".join(map(repr, allowed))
        raise ValueError(f"[{op}] conj must be one of {names}, got {conj!r}")
    return conj
