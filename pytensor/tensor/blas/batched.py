"""Products of many pairs of matrices: `BatchedDot`, `BatchedGemm`, and functions on top."""

from __future__ import annotations

import numpy as np

from pytensor.graph.basic import Apply
from pytensor.graph.op import Op
from pytensor.graph.replace import _vectorize_node, vectorize_graph
from pytensor.scalar.basic import upcast
from pytensor.tensor._convert import as_tensor_variable
from pytensor.tensor.blas import _derivatives as rules
from pytensor.tensor.blas import _operands as check
from pytensor.tensor.blas import _perform
from pytensor.tensor.blas._op import BlasOp
from pytensor.tensor.type import tensor_type

__all__ = [
    "BatchedDot",
    "BatchedGemm",
    "_batched_dot",
    "batched_dot",
    "batched_gemm",
    "batched_gemm_inplace",
    "batched_gemm_no_inplace",
    "batched_tensordot",
]


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
        self._check_lengths(x.type.shape, y.type.shape)
        (b, m, _), (c, _, n) = x.type.shape, y.type.shape
        return Apply(self, [x, y], [check.output(dtype, (c if b is None else b, m, n))])

    @staticmethod
    def _check_lengths(x: check.Shape, y: check.Shape) -> None:
        if check.differ(x[0], y[0]):
            raise check.disagree("BatchedDot", "must agree on the batch length", x=x, y=y)
        check.agree_inner("BatchedDot", x=x, y=y)

    def infer_shape(self, fgraph, node, input_shapes):
        x, y = input_shapes
        return [(x[0], x[1], y[2])]

    def perform(self, node, inputs, output_storage):
        x, y = inputs
        self._check_lengths(x.shape, y.shape)
        output_storage[0][0] = _perform.batched_gemm(x, y)

    def pullback(self, inputs, outputs, cotangents):
        x, y = inputs
        (g,) = cotangents
        pulled = [_batched_dot(g, rules.adjoint(y)), _batched_dot(rules.adjoint(x), g)]
        return [rules.cotangent_like(bar, var) for bar, var in zip(pulled, inputs)]

    def pushforward(self, inputs, outputs, tangents):
        x, y = inputs
        terms = (lambda dx: _batched_dot(dx, y), lambda dy: _batched_dot(x, dy))
        return rules.sum_of_tangents(outputs[0], tangents, terms)


rules.register_batch_rule(BatchedDot, (3, 3), lambda op, x, y: x @ y)


class BatchedGemm(BlasOp):
    r"""Accumulate the products of pairs of matrices.

    .. math:: Z_i \leftarrow \alpha X_i Y_i + \beta Z_i

    Inputs are ``z, alpha, x, y, beta``, all of one floating or complex dtype; z, x and y have
    equally many axes, three or more, the last two being those of the matrices. Batch axes of x
    and y broadcast against each other where their length is known to be 1, and all axes of z to
    those of the product. With :math:`\beta = 0` the old Z is not read, with :math:`\alpha = 0`
    X and Y are not.

    Parameters
    ----------
    inplace : bool
        Overwrite z, which then has the shape of the product.

    Raises
    ------
    TypeError
        When the node is made: wrong or different ranks; dtypes differ or are not floating.
    InconsistencyError
        When the node is made: inplace, and z is a view of x or y or they of it.
    ValueError
        When lengths disagree: at construction if they are known, else at run time.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> X, Y = pt.tensor("X", shape=(7, 3, 5)), pt.tensor("Y", shape=(1, 5, 2))
    >>> batched_gemm(pt.zeros((1, 1, 2)), 0.5, X, Y, 1.0).type.shape
    (7, 3, 2)
    """

    __props__ = ("inplace",)

    def __init__(self, inplace: bool = False):
        self._set_inplace(inplace)

    def __str__(self):
        return self._describe_accumulating()

    def make_node(self, z, alpha, x, y, beta):
        z, x, y = (as_tensor_variable(v) for v in (z, x, y))
        ranks = {v.type.ndim for v in (z, x, y)}
        if len(ranks) > 1 or min(ranks) < 3:
            raise TypeError(
                "[BatchedGemm] z, x and y must be batches of matrices with equally many axes "
                f"(3 or more), got {z.type!s}, {x.type!s} and {y.type!s}"
            )
        alpha = check.scale("BatchedGemm", "alpha", alpha, z.type.dtype)
        beta = check.scale("BatchedGemm", "beta", beta, z.type.dtype)
        if self.inplace:
            check.no_alias("BatchedGemm", "z", z, x=x, y=y)
        dtype = check.one_float_dtype("BatchedGemm", z=z, alpha=alpha, x=x, y=y, beta=beta)
        shape = self._product_shape(x.type, y.type, x.type.shape, y.type.shape)
        self._check_accumulator(z.type, z.type.shape, shape)
        return Apply(self, [z, alpha, x, y, beta], [check.output(dtype, shape)])

    def _product_shape(self, x_type, y_type, x: check.Shape, y: check.Shape) -> tuple:
        """Refuse batches that don't go together; return the product's shape."""
        check.agree_inner("BatchedGemm", x=x, y=y)
        batch = []
        for n, m, n_static, m_static in zip(x[:-2], y[:-2], x_type.shape, y_type.shape):
            broadcasts = n_static == 1 or m_static == 1
            if check.differ(n, m) and not broadcasts:
                rule = "must agree on the batch axes, or have lengths known to be 1"
                raise check.disagree("BatchedGemm", rule, x=x, y=y)
            batch.append(m if n_static == 1 or (n is None and not broadcasts) else n)
        return (*batch, x[-2], y[-1])

    def _check_accumulator(self, z_type, z: check.Shape, shape: check.Shape) -> None:
        # A length of 1 that isn't known when the graph is built does not broadcast.
        known = [1 if static == 1 else n for static, n in zip(z_type.shape, z)]
        exact = [self.inplace or static != 1 for static in z_type.shape]
        if any(check.differ(a, b) and fixed for a, b, fixed in zip(known, shape, exact)):
            check.accumulates("BatchedGemm", "z", z, shape, exact=True)

    def infer_shape(self, fgraph, node, input_shapes):
        _, _, x, y, _ = input_shapes
        known = node.inputs[2].type.shape
        batch = [m if static == 1 else n for static, n, m in zip(known, x[:-2], y[:-2])]
        return [(*batch, x[-2], y[-1])]

    def perform(self, node, inputs, output_storage):
        z, alpha, x, y, beta = inputs
        shape = (*x.shape[:-1], y.shape[-1])
        batch = x.shape[:-2]
        if not (batch == y.shape[:-2] and x.shape[-1] == y.shape[-2] and z.shape == shape):
            types = [v.type for v in node.inputs]
            shape = self._product_shape(types[2], types[3], x.shape, y.shape)
            self._check_accumulator(types[0], z.shape, shape)
        output_storage[0][0] = _perform.batched_gemm(x, y, alpha, beta, z, shape, self.inplace)

    def pullback(self, inputs, outputs, cotangents):
        z, alpha, x, y, beta = inputs
        (g,) = cotangents
        of_x = g @ rules.adjoint(y)
        # The cotangent of alpha, <X Y, g>, is <X, g Y^H>, a product that x needs, too.
        pulled = [
            beta.conj() * g,
            rules.inner(x, of_x),
            alpha.conj() * of_x,
            alpha.conj() * (rules.adjoint(x) @ g),
            rules.inner(z, g),
        ]
        return [rules.cotangent_like(bar, var) for bar, var in zip(pulled, inputs)]

    def pushforward(self, inputs, outputs, tangents):
        z, alpha, x, y, beta = inputs
        terms = (
            lambda dz: beta * dz,
            lambda dalpha: dalpha * (x @ y),
            lambda dx: alpha * (dx @ y),
            lambda dy: alpha * (x @ dy),
            lambda dbeta: dbeta * z,
        )
        return rules.sum_of_tangents(outputs[0], tangents, terms)


@_vectorize_node.register(BatchedGemm)
def _batched_batched_gemm(op, node, *inputs):
    """Batches of batches are batches with more axes."""
    z, alpha, x, y, beta = (as_tensor_variable(var) for var in inputs)
    ndim = node.outputs[0].type.ndim
    if alpha.type.ndim or beta.type.ndim or max(x.type.ndim, y.type.ndim) < z.type.ndim:
        alpha, beta = (
            rules.with_unit_axes(var, ndim) if var.type.ndim else var for var in (alpha, beta)
        )
        return [rules.scaled_sum(alpha, x @ y, beta, z)]
    ndim = max(x.type.ndim, y.type.ndim)
    z, x, y = (rules.with_batch_axes(var, ndim) for var in (z, x, y))
    return BatchedGemm().make_node(z, alpha, x, y, beta)


batched_gemm_inplace = BatchedGemm(inplace=True)
batched_gemm_no_inplace = BatchedGemm(inplace=False)
# What rewriting introduces; the in-place pass comes later.
batched_gemm = batched_gemm_no_inplace

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
