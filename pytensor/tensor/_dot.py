"""`Dot`, the product of two matrices, and the functions that reduce other products to it."""

from __future__ import annotations

import numpy as np

from pytensor.graph.basic import Apply, Variable
from pytensor.graph.null_type import DisconnectedType, disconnected_type
from pytensor.graph.op import Op
from pytensor.graph.replace import _vectorize_node
from pytensor.scalar.basic import upcast
from pytensor.tensor._convert import as_tensor_variable
from pytensor.tensor._dimshuffle import dimshuffle
from pytensor.tensor._math_ops import _cast_to, _conj, add, mul
from pytensor.tensor._reshape import reshape
from pytensor.tensor._shape_ops import length
from pytensor.tensor._specify import specify_shape
from pytensor.tensor.blockwise import Blockwise
from pytensor.tensor.type import TensorType, complex_dtypes, new_variable


class Dot(Op):
    """Product of two matrices, ``Z = X @ Y``.

    What `dot` and `matmul` build; rewrites turn it into BLAS calls. With operands of different
    dtypes the result has the dtype that holds both.
    """

    gufunc_signature = "(m,n),(n,p)->(m,p)"
    gufunc_spec = ("matmul", 2, 1)
    __props__ = ()

    def make_node(self, x, y):
        x, y = as_tensor_variable(x), as_tensor_variable(y)
        for i, operand in enumerate((x, y)):
            if operand.type.ndim != 2:
                raise TypeError(
                    f"Dot Op expects a 2D tensor as input {i}, got {operand} with "
                    f"{operand.type.ndim} dimensions"
                )
        inner = x.type.shape[1], y.type.shape[0]
        if None not in inner and inner[0] != inner[1]:
            raise ValueError(
                "[Dot] x and y must agree on the inner dimension (shapes not aligned), got "
                f"{x} {x.type.shape} and {y} {y.type.shape}"
            )
        dtype = upcast(x.type.dtype, y.type.dtype)
        shape = (x.type.shape[0], y.type.shape[1])
        return Apply(self, [x, y], [new_variable(dtype, shape)])

    def perform(self, node, inputs, output_storage):
        x, y = inputs
        try:
            z = x @ y
        except ValueError:
            raise ValueError(
                "[Dot] x and y must agree on the inner dimension (shapes not aligned), got "
                f"{x.shape} and {y.shape}"
            ) from None
        output_storage[0][0] = np.asarray(z, dtype=node.outputs[0].type.dtype)

    def infer_shape(self, fgraph, node, shapes):
        (m, _), (_, p) = shapes
        return [(m, p)]

    def pullback(self, inputs, outputs, cotangents):
        """``X̄ = Z̄ @ Yᴴ`` and ``Ȳ = Xᴴ @ Z̄``."""
        x, y = inputs
        [gz] = cotangents
        if isinstance(gz.type, DisconnectedType):
            return [disconnected_type(), disconnected_type()]
        gx = _dot(gz, _adjoint(y))
        gy = _dot(_adjoint(x), gz)
        # A real operand next to a complex one has a real derivative.
        gx, gy = [
            g.real if g.type.dtype in complex_dtypes and v.type.dtype not in complex_dtypes else g
            for g, v in ((gx, x), (gy, y))
        ]
        return [_with_shape_of(gx, x), _with_shape_of(gy, y)]

    def pushforward(self, inputs, outputs, tangents):
        (x, y), (dx, dy) = inputs, tangents
        terms = []
        if not isinstance(dx.type, DisconnectedType):
            terms.append(_dot(dx, y))
        if not isinstance(dy.type, DisconnectedType):
            terms.append(_dot(x, dy))
        if not terms:
            return [disconnected_type()]
        return [terms[0] if len(terms) == 1 else add(*terms)]

    def __str__(self):
        return "Dot"


def _adjoint(x):
    x = dimshuffle(x, (1, 0))
    return _conj(x) if x.type.dtype in complex_dtypes else x


def _with_shape_of(g, x):
    """What is known about the shape of `x` holds for its cotangent."""
    if all(have is not None or known is None for have, known in zip(g.type.shape, x.type.shape)):
        return g
    return x.type.clone(dtype=g.type.dtype).filter_variable(g)


_dot = Dot()
_matmul = Blockwise(_dot, name="Matmul")


@_vectorize_node.register(Dot)
def vectorize_node_dot(op, node, batched_x, batched_y):
    if batched_x.type.ndim == batched_y.type.ndim == 2:
        return op.make_node(batched_x, batched_y)
    return matmul(batched_x, batched_y).owner


def dot(l, r):
    """Return the product of `l` and `r`, as `numpy.dot`.

    ``z_ij = Σ_k l_ik r_kj``

    Products of matrices and vectors are products of matrices; a scalar multiplies; for more than
    two axes the last axis of `l` is summed with the second last of `r`.

    Parameters
    ----------
    l, r : tensor_like
        Shapes (m, k) and (k, n), (k,) in place of one or both, or more axes.

    Returns
    -------
    TensorVariable
        The widest dtype of both; shape (m, n).

    Raises
    ------
    ValueError
        If the lengths k are known and differ; or at run time.

    Examples
    --------
    >>> pt.dot([[1, 2], [3, 4]], [10, 1]).eval().tolist()
    [12, 34]
    """
    if not isinstance(l, Variable):
        l = as_tensor_variable(l)
    if not isinstance(r, Variable):
        r = as_tensor_variable(r)
    # Other types (sparse) bring their own product.
    for this, other, name in ((l, r, "__dot__"), (r, l, "__rdot__")):
        special = getattr(type(this), name, None)
        if special is not None and not isinstance(this.type, TensorType):
            return special(this, other)
    return dense_dot(l, r)


def dense_dot(a, b):
    """Return the product of two dense arrays, as `numpy.dot`; see `dot`.

    Examples
    --------
    >>> pt.dense_dot([[1, 2], [3, 4]], [1, 1]).eval().tolist()
    [3, 7]
    """
    a, b = as_tensor_variable(a), as_tensor_variable(b)
    if a.type.ndim == 0 or b.type.ndim == 0:
        return mul(a, b)
    if a.type.ndim > 2 or b.type.ndim > 2:
        return tensordot(a, b, [[a.type.ndim - 1], [max(0, b.type.ndim - 2)]])
    row = a.type.ndim == 1
    col = b.type.ndim == 1
    z = _dot(dimshuffle(a, ("x", 0)) if row else a, dimshuffle(b, (0, "x")) if col else b)
    kept = [axis for axis, dropped in ((0, row), (1, col)) if not dropped]
    return dimshuffle(z, kept)


def matmul(x1, x2, dtype=None):
    """Return the matrix product of the last two axes, other axes broadcasting, as `numpy.matmul`.

    ``z_...ij = Σ_k x1_...ik x2_...kj``

    Parameters
    ----------
    x1, x2 : tensor_like
        Shapes (..., m, k) and (..., k, n). A vector on the left is a row, on the right a column,
        and its axis is dropped from the result.
    dtype : optional
        Convert the result.

    Raises
    ------
    ValueError
        If an operand is a scalar, or the lengths k differ.

    Examples
    --------
    >>> pt.matmul(np.ones((5, 2, 3)), np.ones((3, 4))).eval().shape
    (5, 2, 4)
    """
    x1, x2 = as_tensor_variable(x1), as_tensor_variable(x2)
    if x1.type.ndim == 0 or x2.type.ndim == 0:
        raise ValueError("matmul operand cannot be scalar")
    if x1.type.ndim <= 2 and x2.type.ndim <= 2:
        out = _small_matmul(x1, x2)
    elif x1.type.ndim == 1:
        out = vecmat(x1, x2)
    elif x2.type.ndim == 1:
        out = matvec(x1, x2)
    else:
        out = _matmul(x1, x2)
    return out if dtype is None else _cast_to(out, np.dtype(dtype).name)


def _small_matmul(x1, x2):
    if x1.type.ndim == x2.type.ndim == 1:
        return dense_dot(x1, x2)
    # The batched operation also for a vector: rewrites of programs look for it.
    if x1.type.ndim == 1:
        return _drop(_matmul(_row(x1), x2), -2)
    if x2.type.ndim == 1:
        return _drop(_matmul(x1, _col(x2)), -1)
    return _matmul(x1, x2)


def vecdot(x1, x2, dtype=None):
    """Return the inner products of the vectors along the last axes, as `numpy.vecdot`.

    ``z_... = Σ_k conj(x1_...k) x2_...k``: shapes (..., k) and (..., k) give (...).

    Examples
    --------
    >>> pt.vecdot([[1, 2], [3, 4]], [10, 1]).eval().tolist()
    [12, 34]
    """
    x1, x2 = _at_least(x1, 1, "vecdot"), _at_least(x2, 1, "vecdot")
    x1 = _conj(x1) if x1.type.dtype in complex_dtypes else x1
    out = _matmul(_row(x1), _col(x2))
    return _finish(_drop(out, -1, -2), dtype)


def matvec(x1, x2, dtype=None):
    """Return the products of matrices (last two axes) and vectors (last axis).

    ``z_...i = Σ_k x1_...ik x2_...k``: shapes (..., m, k) and (..., k) give (..., m).

    Raises
    ------
    ValueError
        If `x1` has fewer than two axes or `x2` has none.

    Examples
    --------
    >>> pt.matvec([[1, 2], [3, 4]], [[10, 1], [1, 0]]).eval().tolist()
    [[12, 34], [1, 3]]
    """
    x1, x2 = _at_least(x1, 2, "matvec"), _at_least(x2, 1, "matvec")
    return _finish(_drop(_matmul(x1, _col(x2)), -1), dtype)


def vecmat(x1, x2, dtype=None):
    """Return the products of vectors (last axis, conjugated) and matrices (last two axes).

    ``z_...j = Σ_k conj(x1_...k) x2_...kj``: shapes (..., k) and (..., k, n) give (..., n).

    Examples
    --------
    >>> pt.vecmat([10, 1], [[1, 2], [3, 4]]).eval().tolist()
    [13, 24]
    """
    x1, x2 = _at_least(x1, 1, "vecmat"), _at_least(x2, 2, "vecmat")
    x1 = _conj(x1) if x1.type.dtype in complex_dtypes else x1
    return _finish(_drop(_matmul(_row(x1), x2), -2), dtype)


def _at_least(x, ndim, name):
    x = as_tensor_variable(x)
    if x.type.ndim < ndim:
        raise ValueError(f"[{name}] operand must have at least {ndim} axes, got {x.type}")
    return x


def _row(x):
    n = x.type.ndim
    return dimshuffle(x, [*range(n - 1), "x", n - 1])


def _col(x):
    return dimshuffle(x, [*range(x.type.ndim), "x"])


def _drop(x, *axes):
    dropped = {a % x.type.ndim for a in axes}
    return dimshuffle(x, [i for i in range(x.type.ndim) if i not in dropped])


def _finish(x, dtype):
    return x if dtype is None else _cast_to(x, np.dtype(dtype).name)


def outer(x, y):
    """Return the outer product of `x` and `y`, flattened to vectors: ``z_ij = x_i y_j``.

    Examples
    --------
    >>> pt.outer([1, 2], [10, 20]).eval().tolist()
    [[10, 20], [20, 40]]
    """
    x, y = as_tensor_variable(x), as_tensor_variable(y)
    x = x if x.type.ndim == 1 else x.flatten()
    y = y if y.type.ndim == 1 else y.flatten()
    return dot(dimshuffle(x, (0, "x")), dimshuffle(y, ("x", 0)))


def tensordot(a, b, axes=2):
    """Return the sum of products over pairs of axes, as `numpy.tensordot`.

    Parameters
    ----------
    a, b : tensor_like
    axes : int, or pair of int or of sequences of int
        An integer n: the last n axes of `a` with the first n of `b`. A pair: these axes of `a` with
        these of `b`.

    Returns
    -------
    TensorVariable
        The axes of `a` that are left, then those of `b`.

    Raises
    ------
    ValueError
        For axes that are not there, or whose lengths differ.

    Examples
    --------
    >>> pt.tensordot(np.ones((2, 3, 4)), np.ones((4, 3)), axes=[[1, 2], [1, 0]]).eval().tolist()
    [12.0, 12.0]
    """
    a, b = as_tensor_variable(a), as_tensor_variable(b)
    axes_a, axes_b = _paired_axes(a, b, axes)
    for i, j in zip(axes_a, axes_b, strict=True):
        n, m = a.type.shape[i], b.type.shape[j]
        if None not in (n, m) and n != m:
            raise ValueError(
                "Input arrays have inconsistent type shape along the axes that are to be reduced "
                f"with tensordot: {a.type} axis {i} and {b.type} axis {j}."
            )
    free_a = [i for i in range(a.type.ndim) if i not in axes_a]
    free_b = [i for i in range(b.type.ndim) if i not in axes_b]
    if len(axes_a) > 1:
        # Merged axes could agree in size only, and the product would be wrong silently.
        agreed: list = [None] * a.type.ndim
        for i, j in zip(axes_a, axes_b, strict=True):
            agreed[i] = length(b, j)
        a = specify_shape(a, agreed)
    out = _dot(_as_matrix(a, free_a, list(axes_a)), _as_matrix(b, list(axes_b), free_b))
    if len(free_a) == 1 and len(free_b) == 1:
        return out
    return reshape(out, [length(a, i) for i in free_a] + [length(b, i) for i in free_b])


def _paired_axes(a, b, axes):
    if isinstance(axes, (int, np.integer)):
        if axes < 0 or axes > min(a.type.ndim, b.type.ndim):
            raise ValueError(
                f"[tensordot] axes must be between 0 and the number of axes, got {axes} for "
                f"{a.type} and {b.type}"
            )
        return list(range(a.type.ndim - axes, a.type.ndim)), list(range(axes))
    if len(axes) != 2:
        raise ValueError(f"[tensordot] axes must be an integer or a pair, got {axes!r}")
    pair = []
    for operand, own in zip((a, b), axes, strict=True):
        own = [own] if isinstance(own, (int, np.integer)) else list(own)
        pair.append(list(np.lib.array_utils.normalize_axis_tuple(own, operand.type.ndim)))
    if len(pair[0]) != len(pair[1]):
        raise ValueError(f"[tensordot] as many axes of a as of b must be summed, got {axes!r}")
    return pair


def _as_matrix(x, rows, cols):
    """Transpose and merge axes so that `rows` index rows and `cols` columns."""
    x = dimshuffle(x, rows + cols)
    if len(rows) == len(cols) == 1:
        return x
    n_rows = len(rows)
    sizes = [_merged(x, range(n_rows)), _merged(x, range(n_rows, x.type.ndim))]
    return reshape(x, sizes)


def _merged(x, axes):
    lengths = [length(x, i) for i in axes]
    known = [x.type.shape[i] for i in axes]
    if None not in known:
        return int(np.prod(known, dtype="int64"))
    return lengths[0] if len(lengths) == 1 else mul(*lengths)
