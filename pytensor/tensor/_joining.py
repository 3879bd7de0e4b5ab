"""Putting arrays together and taking them apart along an axis."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from pytensor.graph.basic import Apply, Variable
from pytensor.graph.null_type import DisconnectedType, disconnected_type
from pytensor.graph.op import Op
from pytensor.scalar.basic import upcast
from pytensor.tensor._convert import (
    _as_tensor_variable,
    _get_vector_length,
    as_tensor_variable,
    constant,
    get_vector_length,
)
from pytensor.tensor._dimshuffle import dimshuffle
from pytensor.tensor._make_vector import MakeVector, int_vector, static_entries
from pytensor.tensor._math_ops import _cast_to, add
from pytensor.tensor._reshape import _entries
from pytensor.tensor._shape_ops import length, length_constant
from pytensor.tensor.type import discrete_dtypes, integer_dtypes, new_variable
from pytensor.tensor.variable import TensorConstant


def _validate_axis_argument(axis, op_name: str) -> int:
    """Return a constant axis as an int."""
    if isinstance(axis, TensorConstant) and axis.type.dtype in integer_dtypes:
        axis = int(axis.data)
    if isinstance(axis, Variable):
        raise TypeError(
            f"The axis of {op_name} must be a constant integer. Symbolic axes are no longer "
            "supported; implement a custom Op if you need a runtime-varying axis."
        )
    if not isinstance(axis, (int, np.integer)) or isinstance(axis, bool):
        raise TypeError(f"[{op_name}] axis must be an integer, got {axis!r}")
    return int(axis)


class Join(Op):
    """Concatenate arrays along an axis.

    Parameters
    ----------
    axis : int
        Non-negative.
    """

    __props__ = ("axis",)

    def __init__(self, axis):
        self.axis = _validate_axis_argument(axis, "join")

    def make_node(self, *tensors):
        if not tensors:
            raise ValueError("Cannot join an empty list of tensors")
        tensors = [as_tensor_variable(x) for x in tensors]
        ndims = [x.type.ndim for x in tensors]
        if len(set(ndims)) > 1:
            raise TypeError(
                "Only tensors with the same number of dimensions can be joined. "
                f"Input ndims were: {ndims}"
            )
        ndim = ndims[0]
        if ndim == 0:
            raise TypeError(
                "Join cannot handle scalar arguments of dimension 0. Use `stack` to join scalar "
                "values or promote the scalars to vectors."
            )
        axis = normalize_axis_index(self.axis, ndim)
        op = self if axis == self.axis else Join(axis)
        out_shape = tuple(_joined_length([x.type.shape[i] for x in tensors], i, axis)
                          for i in range(ndim))  # fmt: skip
        dtype = upcast(*[x.type.dtype for x in tensors])
        return Apply(op, tensors, [new_variable(dtype, out_shape)])

    def perform(self, node, inputs, output_storage):
        lengths = [x.shape[: self.axis] + x.shape[self.axis + 1 :] for x in inputs]
        if any(shape != lengths[0] for shape in lengths):
            raise ValueError(
                "[Join] all the input array dimensions except for the concatenation axis "
                f"({self.axis}) must match exactly, got shapes {[x.shape for x in inputs]}"
            )
        dtype = node.outputs[0].type.numpy_dtype
        output_storage[0][0] = np.concatenate(inputs, axis=self.axis, dtype=dtype)

    def infer_shape(self, fgraph, node, ishapes):
        result = []
        for i, static in enumerate(node.outputs[0].type.shape):
            if static is not None:
                result.append(length_constant(static))
            elif i == self.axis:
                lengths = [shape[i] for shape in ishapes]
                result.append(add(*lengths) if len(lengths) > 1 else lengths[0])
            else:
                # All agree; the one that is known, or else the first.
                result.append(ishapes[0][i])
        return [tuple(result)]

    def pullback(self, inputs, outputs, cotangents):
        [gz] = cotangents
        if isinstance(gz.type, DisconnectedType):
            return [disconnected_type() for _ in inputs]
        if outputs[0].type.dtype in discrete_dtypes:
            return [x.zeros_like(dtype=gz.type.dtype) for x in inputs]
        sizes = int_vector([length(x, self.axis) for x in inputs])
        parts = Split(len(inputs), self.axis)(gz, sizes, return_list=True)
        # What is known about the inputs' shapes holds for their cotangents.
        return [
            part if part.type.shape == x.type.shape else part.type.clone(
                shape=tuple(a if a is not None else b
                            for a, b in zip(part.type.shape, x.type.shape))
            ).filter_variable(part)
            for part, x in zip(parts, inputs, strict=True)
        ]  # fmt: skip

    def pushforward(self, inputs, outputs, tangents):
        if all(isinstance(t.type, DisconnectedType) for t in tangents):
            return [disconnected_type()]
        parts = [
            x.zeros_like() if isinstance(t.type, DisconnectedType) else t
            for x, t in zip(inputs, tangents, strict=True)
        ]
        return [self(*parts)]

    def __str__(self):
        return f"Join{{axis={self.axis}}}"


def _joined_length(lengths, i, axis):
    if i == axis:
        return None if None in lengths else sum(lengths)
    known = {n for n in lengths if n is not None}
    if len(known) > 1:
        raise ValueError(
            f"all input array dimensions other than the specified `axis` ({axis}) must match "
            f"exactly, or be unknown (None), but along dimension {i}, the inputs shapes are "
            f"incompatible: {lengths}"
        )
    return known.pop() if known else None


class Split(Op):
    """Cut an array along an axis into pieces of given lengths.

    Parameters
    ----------
    len_splits : int
        Number of pieces.
    axis : int
    """

    __props__ = ("len_splits", "axis")

    def __init__(self, len_splits, axis):
        self.len_splits = int(len_splits)
        self.axis = _validate_axis_argument(axis, "split")
        # The pieces are views of the input.
        self.view_map = {i: [0] for i in range(self.len_splits)}

    def make_node(self, x, splits):
        x = as_tensor_variable(x)
        splits = as_tensor_variable(splits)
        if splits.type.ndim != 1 or splits.type.dtype not in integer_dtypes:
            raise TypeError(f"[Split] splits must be a vector of integers, got {splits.type}")
        if x.type.ndim == 0:
            raise TypeError("[Split] x must have an axis to split, got a 0-d array")
        if splits.type.shape[0] not in (None, self.len_splits):
            raise ValueError(
                f"[Split] splits must have {self.len_splits} entries, got {splits.type.shape[0]}"
            )
        axis = normalize_axis_index(self.axis, x.type.ndim)
        op = self if axis == self.axis else Split(self.len_splits, axis)
        known = (
            static_entries(splits) if splits.type.shape[0] is not None else [None] * op.len_splits
        )
        total = x.type.shape[axis]
        if None not in known:
            if any(n < 0 for n in known):
                raise ValueError(f"[Split] splits must not be negative, got {known}")
            if total is not None and sum(known) != total:
                raise ValueError(
                    f"[Split] splits must add up to the length {total} of axis {axis}, got {known}"
                )
        shape = x.type.shape
        outputs = [
            new_variable(x.type.dtype, (*shape[:axis], n, *shape[axis + 1 :])) for n in known
        ]
        return Apply(op, [x, splits], outputs)

    def perform(self, node, inputs, output_storage):
        x, splits = inputs
        if len(splits) != self.len_splits:
            raise ValueError(f"Length of splits is not equal to n_splits, got {splits.tolist()}")
        if splits.sum() != x.shape[self.axis]:
            raise ValueError(
                f"Split sizes sum to {splits.sum()}; expected {x.shape[self.axis]} "
                f"(splits {splits.tolist()}, axis {self.axis} of shape {x.shape})"
            )
        if (splits < 0).any():
            raise ValueError("Split sizes cannot be negative")
        pieces = np.split(x, np.cumsum(splits[:-1]), axis=self.axis)
        for storage, piece in zip(output_storage, pieces, strict=True):
            storage[0] = piece

    def infer_shape(self, fgraph, node, in_shapes):
        shape = list(in_shapes[0])
        sizes = _entries(node.inputs[1], self.len_splits)
        return [(*shape[: self.axis], n, *shape[self.axis + 1 :]) for n in sizes]

    def connection_pattern(self, node):
        n = len(node.outputs)
        return [[True] * n, [False] * n]

    def pullback(self, inputs, outputs, cotangents):
        _x, _splits = inputs
        if all(isinstance(g.type, DisconnectedType) for g in cotangents):
            return [disconnected_type(), disconnected_type()]
        grads = [
            o.zeros_like() if isinstance(g.type, DisconnectedType) else g
            for o, g in zip(outputs, cotangents, strict=True)
        ]
        return [join(self.axis, *grads), disconnected_type()]

    def pushforward(self, inputs, outputs, tangents):
        if isinstance(tangents[0].type, DisconnectedType):
            return [disconnected_type() for _ in outputs]
        return self(tangents[0], inputs[1], return_list=True)

    def __str__(self):
        return f"Split{{len_splits={self.len_splits}, axis={self.axis}}}"


def join(axis, *tensors_list):
    """Concatenate `tensors_list` along `axis`; one tensor alone is returned as it is.

    Parameters
    ----------
    axis : int or integer scalar
    *tensors_list : tensor_like
        With as many axes each, and of equal lengths but along `axis`.

    Returns
    -------
    TensorVariable
        The widest dtype of them.

    Raises
    ------
    TypeError
        If the numbers of axes differ.
    ValueError
        If other lengths differ: at once where they are known, else at run time.

    Examples
    --------
    >>> pt.join(1, [[1], [2]], [[3, 4], [5, 6]]).eval().tolist()
    [[1, 3, 4], [2, 5, 6]]
    """
    axis = _validate_axis_argument(axis, "join")
    if len(tensors_list) == 1:
        single = as_tensor_variable(tensors_list[0])
        if single.type.ndim:
            normalize_axis_index(axis, single.type.ndim)
        return single
    return Join(axis)(*tensors_list)


def concatenate(tensor_list, axis=0):
    """Concatenate the tensors in a list or tuple along an existing axis, as `join`.

    Examples
    --------
    >>> pt.concatenate([[1, 2], [3]]).eval().tolist()
    [1, 2, 3]
    """
    if not isinstance(tensor_list, (tuple, list)):
        raise TypeError(
            "The 'tensors' argument must be either a tuple or a list, make sure you did not "
            f"forget () or [] around arguments of concatenate. Got {tensor_list!r}"
        )
    return join(axis, *tensor_list)


def stack(tensors: Sequence, axis: int = 0):
    """Put arrays of one shape side by side along a new axis.

    Parameters
    ----------
    tensors : sequence of tensor_like
    axis : int
        Where the new axis is in the result.

    Raises
    ------
    ValueError
        If there are no arrays.
    TypeError
        If their numbers of axes differ.

    Examples
    --------
    >>> pt.stack([[1, 2], [3, 4]], axis=1).eval().tolist()
    [[1, 3], [2, 4]]
    """
    if not isinstance(tensors, (tuple, list, np.ndarray)):
        raise TypeError("First argument should be a Sequence.")
    if not len(tensors):
        raise ValueError("No tensor arguments provided.")
    tensors = [as_tensor_variable(t) for t in tensors]
    ndim = tensors[0].type.ndim + 1
    if not -ndim <= axis < ndim:
        raise IndexError(f"axis {axis} is out of bounds [{-ndim}, {ndim})")
    axis = axis % ndim
    if all(t.type.ndim == 0 for t in tensors):
        # One Op for all elements.
        dtype = upcast(*[t.type.dtype for t in tensors])
        return MakeVector(dtype)(*tensors)
    return join(axis, *[_with_new_axis(t, axis) for t in tensors])


def _with_new_axis(t, axis):
    order: list = list(range(t.type.ndim))
    order.insert(axis, "x")
    return dimshuffle(t, order)


def split(x, splits_size, *, n_splits=None, axis=0):
    """Cut `x` along `axis` into pieces of lengths `splits_size`.

    Parameters
    ----------
    x : tensor_like
    splits_size : sequence of integers, or integer vector
    n_splits : int, optional
        The number of pieces; it is needed only if `splits_size` has unknown length.
    axis : int

    Returns
    -------
    list
        The pieces.

    Raises
    ------
    ValueError
        At run time, if the lengths do not add up to that of `x`.

    Examples
    --------
    >>> first, second = pt.split([1, 2, 3], [1, 2])
    >>> first.eval().tolist(), second.eval().tolist()
    ([1], [2, 3])
    """
    if isinstance(splits_size, (list, tuple)):
        splits_size = int_vector(splits_size)
    splits_size = as_tensor_variable(splits_size)
    if n_splits is None:
        n_splits = get_vector_length(splits_size)
    elif splits_size.type.shape[0] is not None and splits_size.type.shape[0] < n_splits:
        raise ValueError("Number of splits is larger than splits size")
    return Split(n_splits, axis)(x, splits_size, return_list=True)


def horizontal_stack(*args):
    """Join matrices side by side.

    Raises
    ------
    ValueError
        If one is no matrix.

    Examples
    --------
    >>> pt.horizontal_stack([[1], [2]], [[3, 4], [5, 6]]).eval().tolist()
    [[1, 3, 4], [2, 5, 6]]
    """
    return _stack_matrices(args, 1)


def vertical_stack(*args):
    """Join matrices one below the other; see `horizontal_stack`.

    Examples
    --------
    >>> pt.vertical_stack([[1, 2]], [[3, 4], [5, 6]]).eval().tolist()
    [[1, 2], [3, 4], [5, 6]]
    """
    return _stack_matrices(args, 0)


def _stack_matrices(args, axis):
    if len(args) < 2:
        raise ValueError("Too few arguments")
    args = [as_tensor_variable(a) for a in args]
    if any(a.type.ndim != 2 for a in args):
        raise ValueError("All arguments must have two dimensions")
    return concatenate(args, axis=axis)


def stacklists(arg):
    """Stack nested lists of tensors into one tensor, a new axis for each level.

    Examples
    --------
    >>> a, b = pt.scalars("a", "b")
    >>> pt.stacklists([[a, b], [b, a]]).eval({a: 1.0, b: 2.0}).tolist()
    [[1.0, 2.0], [2.0, 1.0]]
    """
    if isinstance(arg, (tuple, list)):
        return stack([stacklists(a) for a in arg])
    return arg


@_as_tensor_variable.register(list)
@_as_tensor_variable.register(tuple)
def _as_tensor_Sequence(x, name, ndim, dtype=None, **kwargs):
    """A sequence of numbers is a constant; as soon as there is a variable in it, a stack."""
    if not _has_variable(x):
        return constant(x, name=name, ndim=ndim, dtype=dtype)
    parts = [as_tensor_variable(i, dtype=dtype) if _is_value(i) else as_tensor_variable(i)
             for i in x]  # fmt: skip
    if dtype is not None:
        parts = [_cast_to(p, np.dtype(dtype).name) for p in parts]
    if all(isinstance(p, TensorConstant) for p in parts):
        stacked = constant(np.stack([p.data for p in parts]), name=name)
    else:
        stacked = stack(parts)
    return as_tensor_variable(stacked, name=name, ndim=ndim)


def _is_value(x) -> bool:
    return not isinstance(x, Variable) and not isinstance(x, (list, tuple))


def _has_variable(x) -> bool:
    if isinstance(x, (list, tuple)):
        return any(_has_variable(i) for i in x)
    return isinstance(x, Variable) or hasattr(x, "outputs")


@_get_vector_length.register(Join)
def _get_vector_length_Join(op, var) -> int:
    return sum(get_vector_length(x) for x in var.owner.inputs)
