"""Sorting."""

from typing import Literal

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from pytensor.graph.basic import Apply, Constant, Variable
from pytensor.graph.null_type import DisconnectedType, disconnected_type
from pytensor.graph.op import Op
from pytensor.graph.replace import _vectorize_node
from pytensor.tensor.basic import arange, as_tensor_variable
from pytensor.tensor.subtensor import advanced_subtensor
from pytensor.tensor.type import TensorType

__all__ = ["argsort", "argtopk", "sort", "topk", "topk_and_argtopk"]

KIND = Literal["quicksort", "mergesort", "heapsort", "stable"]
KIND_VALUES = ("quicksort", "mergesort", "heapsort", "stable")


def _parse_sort_args(kind: KIND | None, order, stable: bool | None) -> KIND:
    if order is not None:
        raise ValueError("The order argument is not applicable to PyTensor graphs")
    if stable is not None and kind is not None:
        raise ValueError("kind and stable cannot be set at the same time")
    if stable:
        return "stable"
    kind = "quicksort" if kind is None else kind
    if kind not in KIND_VALUES:
        raise ValueError(f"kind must be one of {KIND_VALUES}, got {kind}")
    return kind


def _as_constant_axis(axis, name: str) -> int:
    if isinstance(axis, Variable):
        if not isinstance(axis, Constant):
            raise TypeError(f"[{name}] axis must be a constant integer, got {axis}")
        axis = axis.data
    if not np.issubdtype(np.asarray(axis).dtype, np.integer) or np.ndim(axis):
        raise TypeError(f"[{name}] axis must be an integer, got {axis!r}")
    return int(axis)


def take_along_axis_of(x, positions, axis: int):
    """Return the elements of `x` at `positions` along `axis`; both have the same other dimensions."""
    ndim = x.type.ndim
    index = []
    for d in range(ndim):
        if d == axis:
            index.append(positions)
        else:
            length = x.type.shape[d] if x.type.shape[d] is not None else x.shape[d]
            index.append(arange(length).reshape([-1 if k == d else 1 for k in range(ndim)]))
    return advanced_subtensor(x, *index)


class _SortBase(Op):
    """What sorting and argsorting have in common."""

    __props__ = ("kind", "axis")
    function_name: str

    def __init__(self, kind: KIND, axis: int):
        if kind not in KIND_VALUES:
            raise ValueError(f"kind must be one of {KIND_VALUES}, got {kind}")
        self.kind = kind
        self.axis = _as_constant_axis(axis, self.function_name)

    def _normalized_axis(self, x) -> int:
        return normalize_axis_index(self.axis, x.type.ndim)

    def _checked_input(self, x):
        x = as_tensor_variable(x)
        if x.type.ndim == 0:
            raise ValueError(f"[{self.function_name}] input must have at least one dimension")
        self._normalized_axis(x)
        return x

    def infer_shape(self, fgraph, node, input_shapes):
        return [input_shapes[0]]


class SortOp(_SortBase):
    """Sort along an axis."""

    function_name = "sort"

    def make_node(self, x):
        x = self._checked_input(x)
        return Apply(self, [x], [x.type()])

    def perform(self, node, inputs, output_storage):
        output_storage[0][0] = np.sort(inputs[0], axis=self.axis, kind=self.kind)

    def _order(self, x):
        # A stable order names each element exactly once, also among equal ones
        return ArgSortOp(kind=self.kind, axis=self._normalized_axis(x))(x)

    def pullback(self, inputs, outputs, cotangents):
        (x,), (g,) = inputs, cotangents
        if isinstance(g.type, DisconnectedType):
            return [disconnected_type()]
        axis = self._normalized_axis(x)
        # The inverse of a permutation sorts it
        inverse = ArgSortOp(kind="quicksort", axis=axis)(self._order(x))
        return [take_along_axis_of(g, inverse, axis)]

    def pushforward(self, inputs, outputs, tangents):
        (x,), (dx,) = inputs, tangents
        if isinstance(dx.type, DisconnectedType):
            return [disconnected_type()]
        return [take_along_axis_of(dx, self._order(x), self._normalized_axis(x))]


class ArgSortOp(_SortBase):
    """Positions of the elements in sorted order, along an axis."""

    function_name = "argsort"

    def make_node(self, x):
        x = self._checked_input(x)
        return Apply(self, [x], [TensorType(dtype="int64", shape=x.type.shape)()])

    def perform(self, node, inputs, output_storage):
        order = np.argsort(inputs[0], axis=self.axis, kind=self.kind)
        output_storage[0][0] = np.asarray(order, dtype="int64")

    def pullback(self, inputs, outputs, cotangents):
        # Positions do not change with small changes of the values
        return [inputs[0].zeros_like(dtype=_gradient_dtype(inputs[0]))]

    def pushforward(self, inputs, outputs, tangents):
        return [disconnected_type()]


def _gradient_dtype(x) -> str | None:
    return x.type.dtype if x.type.dtype.startswith(("float", "complex")) else "float64"


def _flat_or_axis(a, axis, name: str):
    a = as_tensor_variable(a)
    if axis is None:
        return (a if a.type.ndim == 1 else a.flatten()), 0
    if a.type.ndim == 0:
        raise ValueError(f"[{name}] input must have at least one dimension")
    return a, normalize_axis_index(_as_constant_axis(axis, name), a.type.ndim)


def sort(a, axis=-1, kind: KIND | None = None, order=None, *, stable: bool | None = None):
    """Return a sorted copy of an array.

    Parameters
    ----------
    a
        Array to be sorted.
    axis
        Axis along which to sort; the flattened array is sorted when None.
    kind
        Sorting algorithm.
    order
        Not applicable; for compatibility with NumPy.
    stable
        Same as ``kind="stable"``. Cannot be given together with `kind`.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> pt.sort([3, 1, 2]).eval().tolist()
    [1, 2, 3]
    """
    a, axis = _flat_or_axis(a, axis, "sort")
    return SortOp(_parse_sort_args(kind, order, stable), axis)(a)


def argsort(a, axis=-1, kind: KIND | None = None, order=None, stable: bool | None = None):
    """Return the positions that would sort an array.

    Parameters are those of `sort`. The result has dtype int64 and the shape of `a`, or is a
    vector when `axis` is None.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> pt.argsort([3, 1, 2]).eval().tolist()
    [1, 2, 0]
    """
    a, axis = _flat_or_axis(a, axis, "argsort")
    return ArgSortOp(_parse_sort_args(kind, order, stable), axis)(a)


@_vectorize_node.register(SortOp)
@_vectorize_node.register(ArgSortOp)
def vectorize_sort(op, node, batch_x):
    """Count the axis from the right of the core dimensions."""
    core_ndim = node.inputs[0].type.ndim
    axis = normalize_axis_index(op.axis, core_ndim) + batch_x.type.ndim - core_ndim
    return type(op)(op.kind, axis).make_node(batch_x)


def topk(x, k, axis=-1, sorted=True, idx_dtype="int64"):
    """Return the `k` largest elements along an axis, largest first (smallest for negative k)."""
    x, axis = _flat_or_axis(x, axis, "topk")
    return _outermost(sort(x, axis=axis), k, axis)


def argtopk(x, k, axis=-1, sorted=True, idx_dtype="int64"):
    """Return the positions of the elements that `topk` returns."""
    return topk_and_argtopk(x, k, axis=axis, sorted=sorted, idx_dtype=idx_dtype)[1]


def topk_and_argtopk(x, k, axis=-1, sorted=True, idx_dtype="int64"):
    """Return the results of `topk` and `argtopk`.

    The results are sorted whether or not `sorted` asks for it.
    """
    x, axis = _flat_or_axis(x, axis, "topk")
    order = _outermost(argsort(x, axis=axis, stable=True), k, axis)
    return take_along_axis_of(x, order, axis), order.astype(idx_dtype)


def _outermost(x, k, axis: int):
    """Return the last k entries along an axis, last first, or the first -k."""
    if isinstance(k, int) and k == 0:
        raise ValueError("[topk] k must not be 0")
    if isinstance(k, int) and k < 0:
        taken = slice(None, -k)
        step = slice(None)
    else:
        taken = slice(-k, None)
        step = slice(None, None, -1)
    whole = (slice(None),) * axis
    return x[(*whole, taken)][(*whole, step)]
