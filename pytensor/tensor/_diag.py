"""Diagonals: taking them out and putting them in."""

from __future__ import annotations

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from pytensor.graph.basic import Apply
from pytensor.graph.null_type import DisconnectedType, disconnected_type
from pytensor.graph.op import Op
from pytensor.graph.replace import _vectorize_node
from pytensor.tensor._convert import as_tensor_variable
from pytensor.tensor._math_ops import add, maximum, minimum, sub
from pytensor.tensor._shape_ops import length_constant
from pytensor.tensor.type import new_variable


def _diagonal_length(rows: int, cols: int, offset: int) -> int:
    return max(0, min(rows, cols - offset) if offset >= 0 else min(rows + offset, cols))


class ExtractDiag(Op):
    """A diagonal over two axes, which becomes the last axis of the result.

    Parameters
    ----------
    offset : int
        0 for the main diagonal, positive above, negative below it.
    axis1, axis2 : int
        The axes of rows and of columns; `axis1` must come first.
    view : bool
        Whether the result is a view of the input.
    """

    __props__ = ("offset", "axis1", "axis2", "view")

    def __init__(self, offset=0, axis1=0, axis2=1, view=True):
        self.offset, self.axis1, self.axis2 = int(offset), int(axis1), int(axis2)
        self.view = view
        if self.axis1 < 0 or self.axis2 < 0:
            raise NotImplementedError("ExtractDiag does not support negative axis")
        if self.axis1 == self.axis2:
            raise ValueError("axis1 and axis2 cannot be the same")
        if self.axis1 > self.axis2:
            # Upstream's canonical order: rows first; the transposed diagonal has minus the offset.
            self.axis1, self.axis2, self.offset = self.axis2, self.axis1, -self.offset
        if view:
            self.view_map = {0: [0]}

    def make_node(self, x):
        x = as_tensor_variable(x)
        if x.type.ndim < 2:
            raise ValueError(f"ExtractDiag needs an input with 2 or more dimensions, got {x.type}")
        for axis in (self.axis1, self.axis2):
            normalize_axis_index(axis, x.type.ndim)
        shape = x.type.shape
        rows, cols = shape[self.axis1], shape[self.axis2]
        n = None if None in (rows, cols) else _diagonal_length(rows, cols, self.offset)
        kept = [s for i, s in enumerate(shape) if i not in (self.axis1, self.axis2)]
        return Apply(self, [x], [new_variable(x.type.dtype, (*kept, n))])

    def perform(self, node, inputs, output_storage):
        out = inputs[0].diagonal(self.offset, self.axis1, self.axis2)
        if not self.view:
            out = out.copy()
        elif inputs[0].flags.writeable:
            # NumPy makes diagonals read-only; ours is a view like any other.
            out.flags.writeable = True
        output_storage[0][0] = out

    def infer_shape(self, fgraph, node, shapes):
        [shape] = shapes
        static = node.outputs[0].type.shape[-1]
        kept = [s for i, s in enumerate(shape) if i not in (self.axis1, self.axis2)]
        if static is not None:
            return [(*kept, length_constant(static))]
        rows, cols = shape[self.axis1], shape[self.axis2]
        if self.offset > 0:
            cols = sub(cols, length_constant(self.offset))
        elif self.offset < 0:
            rows = add(rows, length_constant(self.offset))
        n = minimum(rows, cols)
        # A small matrix may have no such diagonal.
        return [(*kept, maximum(n, length_constant(0)) if self.offset else n)]

    def pullback(self, inputs, outputs, cotangents):
        [x], [gz] = inputs, cotangents
        if isinstance(gz.type, DisconnectedType):
            return [gz]
        return [_insert_diagonal(x, gz, self.offset, self.axis1, self.axis2)]

    def pushforward(self, inputs, outputs, tangents):
        if isinstance(tangents[0].type, DisconnectedType):
            return [disconnected_type()]
        return [self(tangents[0])]

    def __str__(self):
        return (
            f"ExtractDiag{{offset={self.offset}, axis1={self.axis1}, axis2={self.axis2}, "
            f"view={self.view}}}"
        )


class SetDiag(Op):
    """Zeros with the shape of an array, except for a diagonal: the derivative of `ExtractDiag`.

    The inputs are the array, of which only the shape matters, and the diagonal.
    """

    __props__ = ("offset", "axis1", "axis2")

    def __init__(self, offset=0, axis1=0, axis2=1):
        self.offset, self.axis1, self.axis2 = int(offset), int(axis1), int(axis2)

    def make_node(self, x, diagonal):
        x, diagonal = as_tensor_variable(x), as_tensor_variable(diagonal)
        return Apply(self, [x, diagonal], [new_variable(diagonal.type.dtype, x.type.shape)])

    def perform(self, node, inputs, output_storage):
        x, diagonal = inputs
        out = np.zeros(x.shape, dtype=diagonal.dtype)
        target = out.diagonal(self.offset, self.axis1, self.axis2)
        target.flags.writeable = True
        target[...] = diagonal
        output_storage[0][0] = out

    def infer_shape(self, fgraph, node, shapes):
        return [shapes[0]]

    def connection_pattern(self, node):
        return [[False], [True]]

    def pullback(self, inputs, outputs, cotangents):
        if isinstance(cotangents[0].type, DisconnectedType):
            return [disconnected_type(), disconnected_type()]
        return [
            disconnected_type(),
            ExtractDiag(self.offset, self.axis1, self.axis2)(cotangents[0]),
        ]

    def pushforward(self, inputs, outputs, tangents):
        if isinstance(tangents[1].type, DisconnectedType):
            return [disconnected_type()]
        return [self(inputs[0], tangents[1])]


def _insert_diagonal(x, diagonal, offset, axis1, axis2):
    return SetDiag(offset, axis1, axis2)(x, diagonal)


def diagonal(a, offset=0, axis1=0, axis2=1):
    """Return the diagonal of `a` over two axes, as the last axis of the result.

    Parameters
    ----------
    a : tensor_like
        At least two axes.
    offset : int
        0 is the main diagonal, positive numbers are above.
    axis1, axis2 : int
        The rows and columns.

    Returns
    -------
    TensorVariable
        A view.

    Examples
    --------
    >>> pt.diagonal([[1, 2], [3, 4]], offset=1).eval().tolist()
    [2]
    """
    a = as_tensor_variable(a)
    axis1 = normalize_axis_index(axis1, a.type.ndim)
    axis2 = normalize_axis_index(axis2, a.type.ndim)
    if axis1 > axis2:
        axis1, axis2, offset = axis2, axis1, -offset
    return ExtractDiag(offset, axis1, axis2)(a)


def extract_diag(x):
    """Return the main diagonal of a matrix. Deprecated: use `diagonal`.

    Examples
    --------
    >>> pt.diagonal([[1, 2], [3, 4]]).eval().tolist()
    [1, 4]
    """
    return diagonal(x)


def trace(a, offset=0, axis1=0, axis2=1):
    """Return the sum of a diagonal: ``Σ_i a_ii``. Parameters are those of `diagonal`.

    Examples
    --------
    >>> pt.trace([[1, 2], [3, 4]]).eval().item()
    5
    """
    return diagonal(a, offset=offset, axis1=axis1, axis2=axis2).sum(-1)


class AllocDiag(Op):
    """Zeros except for a diagonal, which is the last axis of the input.

    Parameters
    ----------
    offset : int
        0 for the main diagonal, positive above, negative below it.
    axis1, axis2 : int
        Where the axes of rows and of columns go in the result.
    """

    __props__ = ("axis1", "axis2", "offset")

    def __init__(self, *, axis1=0, axis2=1, offset=0):
        self.axis1, self.axis2, self.offset = int(axis1), int(axis2), int(offset)
        if self.axis1 < 0 or self.axis2 < 0:
            raise NotImplementedError("AllocDiag does not support negative axis")
        if self.axis1 == self.axis2:
            raise ValueError("axis1 and axis2 cannot be the same")

    def make_node(self, diag):
        diag = as_tensor_variable(diag)
        if diag.type.ndim < 1:
            raise ValueError(f"AllocDiag needs an input with 1 or more dimensions, got {diag.type}")
        ndim = diag.type.ndim + 1
        for axis in (self.axis1, self.axis2):
            normalize_axis_index(axis, ndim)
        n = diag.type.shape[-1]
        shape = self._shape_of(diag.type.shape[:-1], None if n is None else n + abs(self.offset))
        return Apply(self, [diag], [new_variable(diag.type.dtype, shape)])

    def perform(self, node, inputs, output_storage):
        [diag] = inputs
        shape = self._shape_of(diag.shape[:-1], diag.shape[-1] + abs(self.offset))
        out = np.zeros(shape, dtype=diag.dtype)
        target = out.diagonal(self.offset, self.axis1, self.axis2)
        target.flags.writeable = True
        target[...] = diag
        output_storage[0][0] = out

    def infer_shape(self, fgraph, node, shapes):
        [shape] = shapes
        n = shape[-1]
        if self.offset:
            n = add(n, length_constant(abs(self.offset)))
        return [self._shape_of(shape[:-1], n)]

    def _shape_of(self, others, n) -> tuple:
        others, result = list(others), []
        for i in range(len(others) + 2):
            result.append(n if i in (self.axis1, self.axis2) else others.pop(0))
        return tuple(result)

    def pullback(self, inputs, outputs, cotangents):
        [gz] = cotangents
        if isinstance(gz.type, DisconnectedType):
            return [gz]
        return [diagonal(gz, offset=self.offset, axis1=self.axis1, axis2=self.axis2)]

    def pushforward(self, inputs, outputs, tangents):
        if isinstance(tangents[0].type, DisconnectedType):
            return [disconnected_type()]
        return [self(tangents[0])]

    def __str__(self):
        return f"AllocDiag{{axis1={self.axis1}, axis2={self.axis2}, offset={self.offset}}}"


def alloc_diag(diag, offset=0, axis1=0, axis2=1):
    """Return zeros with `diag` (its last axis) on a diagonal over two axes."""
    diag = as_tensor_variable(diag)
    ndim = diag.type.ndim + 1
    axis1, axis2 = normalize_axis_index(axis1, ndim), normalize_axis_index(axis2, ndim)
    return AllocDiag(offset=offset, axis1=axis1, axis2=axis2)(diag)


def diag(v, k=0):
    """Return the `k`-th diagonal of a matrix, or the matrix with `v` on its `k`-th diagonal.

    Parameters
    ----------
    v : tensor_like
        A matrix, or a vector.
    k : int
        0 is the main diagonal, positive numbers are above.

    Raises
    ------
    ValueError
        If `v` is neither.

    Examples
    --------
    >>> pt.diag([[1, 2], [3, 4]]).eval().tolist()
    [1, 4]
    >>> pt.diag([5, 6]).eval().tolist()
    [[5, 0], [0, 6]]
    """
    v = as_tensor_variable(v)
    if v.type.ndim == 1:
        return alloc_diag(v, offset=k)
    if v.type.ndim == 2:
        return diagonal(v, offset=k)
    raise ValueError("Input must be 1- or 2-d.")


@_vectorize_node.register(ExtractDiag)
def vectorize_extract_diag(op, node, batch_x):
    batch = batch_x.type.ndim - node.inputs[0].type.ndim
    return ExtractDiag(
        offset=op.offset, axis1=op.axis1 + batch, axis2=op.axis2 + batch, view=op.view
    ).make_node(batch_x)


@_vectorize_node.register(AllocDiag)
def vectorize_alloc_diag(op, node, batch_x):
    batch = batch_x.type.ndim - node.inputs[0].type.ndim
    return AllocDiag(offset=op.offset, axis1=op.axis1 + batch, axis2=op.axis2 + batch).make_node(
        batch_x
    )
