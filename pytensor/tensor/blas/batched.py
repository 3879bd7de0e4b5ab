"""Products of many pairs of matrices: `BatchedDot`, and functions on top of it."""

from __future__ import annotations

import numpy as np

from pytensor.graph.basic import Apply
from pytensor.graph.op import Op
from pytensor.graph.replace import vectorize_graph
from pytensor.scalar.basic import upcast
from pytensor.tensor._convert import as_tensor_variable
from pytensor.tensor.blas import _operands as check
from pytensor.tensor.type import tensor_type

__all__ = ["BatchedDot", "_batched_dot", "batched_dot", "batched_tensordot"]


class BatchedDot(Op):
    r"""Multiply the matrices of two batches of equal length, pair by pair.

    .. math:: Z_i = X_i Y_i

    Inputs are ``x, y`` with three axes. Different dtypes are cast to their common one; integers
    are exact.

    Raises
    ------
    TypeError
        When the node is made: an input hasn't three axes.
    ValueError
        When lengths disagree: at construction if they are known, else at run time.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> _batched_dot(pt.dtensor3("x"), pt.dtensor3("y")).type
    TensorType(float64, shape=(None, None, None))
    """

    __props__ = ()
    gufunc_signature = "(b,m,k),(b,k,n)->(b,m,n)"

    def make_node(self, x, y):
        x, y = as_tensor_variable(x), as_tensor_variable(y)
        if x.type.ndim != 3 or y.type.ndim != 3:
            raise TypeError(
                f"[BatchedDot] x and y must be batches of matrices (3 axes), got {x.type.ndim} and "
                f"{y.type.ndim} axes; pytensor.tensor.matmul takes any number"
            )
        dtype = upcast(x.type.dtype, y.type.dtype)
        x, y = (v if v.type.dtype == dtype else v.astype(dtype) for v in (x, y))
        (b, m, k), (c, l, n) = x.type.shape, y.type.shape
        if (None not in (b, c) and b != c) or (None not in (k, l) and k != l):
            raise ValueError(
                f"[BatchedDot] x and y must be aligned; their static dimensions don't match, got "
                f"{x.type.shape} and {y.type.shape}"
            )
        return Apply(self, [x, y], [check.output(dtype, (c if b is None else b, m, n))])

    def infer_shape(self, fgraph, node, input_shapes):
        x, y = input_shapes
        return [(x[0], x[1], y[2])]

    def perform(self, node, inputs, output_storage):
        x, y = inputs
        if x.shape[0] != y.shape[0] or x.shape[2] != y.shape[1]:
            check.aligned("BatchedDot", x=x.shape, y=y.shape)
        output_storage[0][0] = np.matmul(x, y)

    def pullback(self, inputs, outputs, cotangents):
        x, y = inputs
        (g,) = cotangents
        return [
            _batched_dot(g, y.dimshuffle(0, 2, 1)).astype(x.type.dtype),
            _batched_dot(x.dimshuffle(0, 2, 1), g).astype(y.type.dtype),
        ]

    def pushforward(self, inputs, outputs, tangents):
        x, y = inputs
        terms = (lambda dx: _batched_dot(dx, y), lambda dy: _batched_dot(x, dy))
        return check.sum_of_tangents(outputs[0], tangents, terms)


check.register_batch_rule(BatchedDot, (3, 3), lambda x, y: x @ y)

_batched_dot = BatchedDot()


def batched_dot(a, b):
    """Multiply the items of two batches, as ``dot`` multiplies two arrays.

    Parameters
    ----------
    a, b : tensor_like
        The first axis counts the items, which have zero or more axes of their own.

    Returns
    -------
    TensorVariable
        Item i is ``dot(a[i], b[i])``.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> batched_dot(pt.dtensor3("a"), pt.dmatrix("b")).type.ndim
    2
    """
    a, b = as_tensor_variable(a), as_tensor_variable(b)
    for name, var in (("a", a), ("b", b)):
        if var.type.ndim == 0:
            raise TypeError(f"[batched_dot] {name} must have a batch axis, got {var.type!s}")
    core_a, core_b = _item(a), _item(b)
    return vectorize_graph(core_a.dot(core_b), replace={core_a: a, core_b: b})


def batched_tensordot(x, y, axes=2):
    """Sum the products of two batches over some axes of each item, as ``tensordot`` does.

    Parameters
    ----------
    x, y : tensor_like
        The first axis counts the items.
    axes : int or pair of sequences of int
        An integer n: the last n axes of x with the axes of y after the first. Otherwise the axes
        of x and those of y, counted with the batch axis, which must not be among them.

    Returns
    -------
    TensorVariable
        Item i is the ``tensordot`` of ``x[i]`` and ``y[i]``.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> batched_tensordot(pt.dtensor3("x"), pt.dtensor3("y"), axes=[[1], [1]]).type.ndim
    3
    """
    x, y = as_tensor_variable(x), as_tensor_variable(y)
    if isinstance(axes, int):
        pairs = [list(range(x.type.ndim - axes, x.type.ndim)), list(range(1, 1 + axes))]
    else:
        pairs = [
            [int(axis) % var.type.ndim for axis in np.atleast_1d(side)]
            for side, var in zip(axes, (x, y))
        ]
    if 0 in pairs[0] or 0 in pairs[1]:
        raise ValueError(f"[batched_tensordot] axes must not hold the batch axis 0, got {axes}")
    if len(pairs[0]) != len(pairs[1]):
        raise ValueError(f"[batched_tensordot] axes must be as many of x as of y, got {axes}")
    free_x = [i for i in range(1, x.type.ndim) if i not in pairs[0]]
    free_y = [i for i in range(1, y.type.ndim) if i not in pairs[1]]
    left = _as_matrices(x, free_x, pairs[0])
    right = _as_matrices(y, pairs[1], free_y)
    product = left @ right
    shape = [x.shape[0], *(x.shape[i] for i in free_x), *(y.shape[i] for i in free_y)]
    return product.reshape(shape, ndim=len(shape))


def _item(batch):
    """A variable like one item of a batch."""
    return tensor_type(batch.type.dtype, batch.type.shape[1:])()


def _as_matrices(var, rows, columns):
    """A batch of matrices: some axes joined to rows, the others to columns."""
    ordered = var.dimshuffle(0, *rows, *columns)

    def length(axes):
        total = 1
        for axis in axes:
            total = total * var.shape[axis]
        return total

    return ordered.reshape((var.shape[0], length(rows), length(columns)), ndim=3)
