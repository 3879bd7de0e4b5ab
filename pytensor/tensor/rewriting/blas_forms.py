"""What is asked of a product without needing the product: traces, diagonals, sums; and factors
that scale, keep or repeat rows or columns.

    trace(X @ Y)      =  sum(X * Y.T)              m k multiplications instead of m k n
    diag(X @ Y)       =  (X * Y.T).sum(1)
    (X @ Y).sum(0)    =  X.sum(0) @ Y              and so for sum(1) and sum()
    diag(d) @ X       =  d[:, None] * X            and X @ diag(d) = X * d
    eye(n) @ X        =  X
    ones(m, k) @ X    =  X.sum(0), repeated        and so for any repeated row or column

All hold for stacks of matrices too, and only where nobody else reads the product. They round
differently, and where X holds NaN or infinity the two sides may differ: ``diag(d) @ X`` and
``eye(n) @ X`` multiply every element by zeros and spread a NaN over its column, the right sides
leave it where it is; ``X.sum(0)`` may overflow where ``X @ Y`` does not. All carry the tag
``ieee_unsafe``; `mode.excluding("ieee_unsafe")` keeps the expression to the letter.

``(A * B).sum()`` and ``(x * (A @ x)).sum()`` are no products here, though for long vectors the dot
is faster: the loop that multiplies and adds takes 1.0 times the time of ``x @ y`` up to 64
elements, 1.4 to 1.5 times at 1,024 to 4,096 and 1.7 to 2.6 times at 16,384 to 65,536.
"""

from __future__ import annotations

import numpy as np

from pytensor.graph.basic import Apply, Variable
from pytensor.graph.rewriting.basic import node_rewriter
from pytensor.tensor._diag import SetDiag
from pytensor.tensor.basic import Alloc, AllocDiag, ExtractDiag, alloc, cast
from pytensor.tensor.blas import BatchedDot, Dot22
from pytensor.tensor.blockwise import Blockwise
from pytensor.tensor.elemwise import DimShuffle
from pytensor.tensor.math import Dot, Sum, minimum, mul
from pytensor.tensor.rewriting.blas_rules import BLAS_DTYPES
from pytensor.tensor.rewriting.common import IEEE, filled, is_number
from pytensor.tensor.rewriting.products import (
    axis_length,
    checked,
    float_product,
    in_place_of,
    is_product,
    lengths_agree,
    multiplied,
    read_once,
    swapped,
    swaps_last_axes,
)
from pytensor.tensor.rewriting.reductions import reduced_axes
from pytensor.tensor.rewriting.registry import register_blas_prepare
from pytensor.tensor.subtensor import set_subtensor
from pytensor.tensor.variable import TensorConstant

# -- diagonals and traces ------------------------------------------------------------------


@register_blas_prepare(IEEE)
@node_rewriter([ExtractDiag])
def local_diagonal_of_product(fgraph, node):
    """``diag(X @ Y) -> (X * Y.T).sum(1)``"""
    terms = _terms_of_diagonal(fgraph, node)
    if terms is None:
        return None
    return in_place_of(node, terms.sum(-1), "local_diagonal_of_product")


@register_blas_prepare(IEEE)
@node_rewriter([Sum])
def local_trace_of_product(fgraph, node):
    """``trace(X @ Y) -> sum(X * Y.T)``"""
    (diagonal,) = node.inputs
    inner = diagonal.owner
    if inner is None or not isinstance(inner.op, ExtractDiag) or not read_once(fgraph, diagonal):
        return None
    last = diagonal.type.ndim - 1
    if reduced_axes(node.op, diagonal.type.ndim) != (last,):
        return None
    if node.outputs[0].type.dtype != diagonal.type.dtype:
        return None
    terms = _terms_of_diagonal(fgraph, inner)
    if terms is None:
        return None
    axis = None if last == 0 else (last, last + 1)
    return in_place_of(node, node.op.clone(axis=axis)(terms), "local_trace_of_product")


def _terms_of_diagonal(fgraph, node: Apply) -> Variable | None:
    """Return the terms, along the last axis, that a diagonal of a product is the sum of."""
    (matrix,) = node.inputs
    op, n = node.op, matrix.type.ndim
    product = float_product(fgraph, matrix)
    if product is None or (op.offset, op.axis1, op.axis2) != (0, n - 2, n - 1):
        return None
    left, right = product.inputs
    if not lengths_agree(left.type.shape[-1], right.type.shape[-2]):
        return None
    right = swapped(right)
    rows, columns = left.type.shape[-2], right.type.shape[-2]
    if left is not right and (rows is None or rows != columns):
        # The diagonal ends with the shorter side.
        stop = minimum(axis_length(left, n - 2), axis_length(right, n - 2))
        left, right = left[..., :stop, :], right[..., :stop, :]
    return mul(left, right)


# -- sums ----------------------------------------------------------------------------------


@register_blas_prepare(IEEE)
@node_rewriter([Sum])
def local_sum_of_product(fgraph, node):
    """``(X @ Y).sum(0) -> X.sum(0) @ Y``, ``(X @ Y).sum(1) -> X @ Y.sum(1)``, and both"""
    (inner,) = node.inputs
    product = float_product(fgraph, inner)
    n = inner.type.ndim
    axes = reduced_axes(node.op, n)
    if product is None or node.outputs[0].type.dtype != inner.type.dtype:
        return None
    # A sum over the batch alone is `blas_batched`'s; of a row or a column there is little to gain.
    if not {n - 2, n - 1} & set(axes) or 1 in inner.type.shape[-2:]:
        return None
    left, right = product.inputs
    if n - 2 in axes:
        left = _summed(node.op, left, n - 2)
    if n - 1 in axes:
        right = _summed(node.op, right, n - 1)
    new = multiplied(left, right)
    batch = tuple(axis for axis in axes if axis < n - 2)
    if batch:
        new = node.op.clone(axis=batch)(new)
    kept = [axis for axis in range(n - len(batch)) if axis + len(batch) not in axes]
    return in_place_of(node, new.dimshuffle(kept), "local_sum_of_product")


def _summed(op: Sum, var: Variable, axis: int) -> Variable:
    """Sum over an axis, which stays with length 1."""
    order: list = list(range(var.type.ndim - 1))
    order.insert(axis, "x")
    return op.clone(axis=(axis,))(var).dimshuffle(order)


# -- factors that scale rows or columns ----------------------------------------------------


@register_blas_prepare(IEEE)
@node_rewriter([Dot, Dot22, BatchedDot, Blockwise])
def local_product_with_diagonal(fgraph, node):
    """``diag(d) @ X -> d[:, None] * X``, ``X @ diag(d) -> X * d``"""
    if not is_product(node) or node.outputs[0].type.dtype == "bool":
        return None
    left, right = node.inputs
    if not lengths_agree(left.type.shape[-1], right.type.shape[-2]):
        return None
    d = _diagonal_of(left)
    if d is not None:
        new = mul(d.dimshuffle(*range(d.type.ndim), "x"), right)
    else:
        d = _diagonal_of(right)
        if d is None:
            return None
        n = d.type.ndim
        new = mul(left, d.dimshuffle(*range(n - 1), "x", n - 1))
    return in_place_of(node, new, "local_product_with_diagonal")


def _diagonal_of(var: Variable) -> Variable | None:
    """Return d, with the batch axes of `var`, if `var` is ``diag(d)``."""
    missing = 0
    while (node := var.owner) is not None and isinstance(node.op, DimShuffle):
        order = node.op.new_order
        added = len(order) - node.op.input_ndim
        if order == ("x",) * added + tuple(range(node.op.input_ndim)):
            missing += added
        elif not swaps_last_axes(node):
            return None
        (var,) = node.inputs
    if node is None or not isinstance(node.op, AllocDiag):
        return None
    op, n = node.op, var.type.ndim
    if op.offset != 0 or {op.axis1, op.axis2} != {n - 2, n - 1}:
        return None
    (d,) = node.inputs
    return d.dimshuffle(*["x"] * missing, *range(d.type.ndim)) if missing else d


@register_blas_prepare(IEEE)
@node_rewriter([Dot, Dot22])
def local_product_with_set_diagonal(fgraph, node):
    """The derivative of a diagonal or a trace times X: some rows of X, scaled, above zeros

    Unlike that of ``diag(d)``, the matrix need not be square. What it gets its shape from, often
    the product whose trace was taken, is not computed.
    """
    if not is_product(node):
        return None
    left, right = node.inputs
    if (d := _set_diagonal(left)) is not None:
        scaled, order, axis = right, (0, "x"), 0
    elif (d := _set_diagonal(right)) is not None:
        scaled, order, axis = left, ("x", 0), 1
    else:
        return None
    out = node.outputs[0].type
    if not lengths_agree(left.type.shape[1], right.type.shape[0]) or 1 in out.shape:
        return None
    stop = axis_length(d, 0)
    where = (*[slice(None)] * axis, slice(None, stop))
    # The rows that are left out have to be as many as there are zeros for.
    scaled = checked(scaled, ((left, 1), (right, 0)))
    new = mul(scaled[where], d.dimshuffle(order))
    zeros = alloc(filled(0, out), axis_length(left, 0), axis_length(right, 1))
    new = set_subtensor(zeros[where], new)
    return in_place_of(node, new, "local_product_with_set_diagonal")


def _set_diagonal(var: Variable) -> Variable | None:
    """Return d if `var` is a matrix of zeros with d on its diagonal, or the transpose of one."""
    node = var.owner
    if swaps_last_axes(node):
        node = node.inputs[0].owner
    if node is None or not isinstance(node.op, SetDiag) or node.outputs[0].type.ndim != 2:
        return None
    d = node.inputs[1]
    return d if node.op.offset == 0 and d.type.dtype in BLAS_DTYPES else None


@register_blas_prepare(IEEE)
@node_rewriter([Dot, Dot22])
def local_product_with_identity(fgraph, node):
    """``eye(n) @ X -> X``, ``X @ eye(n) -> X``, where the lengths are known to agree"""
    left, right = node.inputs
    if not is_product(node) or left.type.shape[1] is None:
        return None
    if left.type.shape[1] != right.type.shape[0]:
        return None
    if _is_identity(left):
        new = right
    elif _is_identity(right):
        new = left
    else:
        return None
    out = node.outputs[0].type
    if out.is_super(new.type):
        return [new]
    return in_place_of(node, cast(new, out.dtype), "local_product_with_identity")


def _is_identity(var: Variable) -> bool:
    if not isinstance(var, TensorConstant):
        return False
    known = getattr(var.tag, "is_identity", None)
    if known is None:
        data = var.data
        n = len(data)
        known = bool(
            data.shape == (n, n)
            and n
            # Most matrices are told apart by one number.
            and data[0, 0] == 1
            and np.count_nonzero(data) == n
            and (np.diagonal(data) == 1).all()
        )
        var.tag.is_identity = known
    return known


@register_blas_prepare(IEEE)
@node_rewriter([Dot, Dot22, BatchedDot, Blockwise])
def local_product_with_one_element(fgraph, node):
    """``x[:, None] @ y[None, None] -> x[:, None] * y``: one multiplication an element, no sum"""
    if not is_product(node) or node.outputs[0].type.dtype == "bool":
        return None
    left, right = node.inputs
    if left.type.shape[-1] != 1 or right.type.shape[-2] != 1:
        return None
    if 1 not in node.outputs[0].type.shape[-2:]:
        return None
    return in_place_of(node, mul(left, right), "local_product_with_one_element")


@register_blas_prepare(IEEE)
@node_rewriter([Dot, Dot22])
def local_product_with_repeated_rows(fgraph, node):
    """``alloc(r, m, k) @ X -> alloc(r @ X, m, n)``, ``X @ alloc(c, k, n) -> alloc(X @ c, m, n)``

    The derivative of a sum of products multiplies by repeated ones. Repeated along the inner
    axis, an array makes the product an outer one: ``alloc(c, m, k) @ X -> c @ X.sum(0)``.
    """
    left, right = node.inputs
    dtype = node.outputs[0].type.dtype
    if not is_product(node) or dtype not in BLAS_DTYPES:
        return None
    if left.type.dtype != dtype or right.type.dtype != dtype:
        return None
    if 1 in (left.type.shape[1], right.type.shape[0]):
        return None
    # The repeated array may lose the length that has to agree with the other's.
    inner = ((left, 1), (right, 0))
    if (row := _repeated(left, 0)) is not None:
        right = right if row.type.shape[1] != 1 else checked(right, inner)
        new = alloc(_row_times(row, right), axis_length(left, 0), axis_length(right, 1))
    elif (column := _repeated(right, 1)) is not None:
        left = left if column.type.shape[0] != 1 else checked(left, inner)
        product = swapped(_row_times(swapped(column), swapped(left)))
        new = alloc(product, axis_length(left, 0), axis_length(right, 1))
    elif (column := _repeated(left, 1)) is not None:
        new = multiplied(column, checked(right, inner).sum(axis=0, keepdims=True))
    elif (row := _repeated(right, 0)) is not None:
        new = multiplied(checked(left, inner).sum(axis=1, keepdims=True), row)
    else:
        return None
    return in_place_of(node, new, "local_product_with_repeated_rows")


def _repeated(var: Variable, axis: int) -> Variable | None:
    """Return the matrix of length 1 on `axis` that `var` repeats, ``None`` if it is no such."""
    if swaps_last_axes(var.owner):
        inner = _repeated(var.owner.inputs[0], 1 - axis)
        return None if inner is None else swapped(inner)
    node = var.owner
    if node is None or not isinstance(node.op, Alloc) or var.type.shape[axis] == 1:
        return None
    value = node.inputs[0]
    if value.type.ndim < 2:
        value = value.dimshuffle(*["x"] * (2 - value.type.ndim), *range(value.type.ndim))
    return value if value.type.shape[axis] == 1 else None


def _row_times(row: Variable, matrix: Variable) -> Variable:
    """Return the product of a row, maybe of one repeated number, and a matrix."""
    if row.type.shape[1] != 1:
        return multiplied(row, matrix)
    total = matrix.sum(axis=0, keepdims=True)
    return total if is_number(row, 1) else mul(row, total)
