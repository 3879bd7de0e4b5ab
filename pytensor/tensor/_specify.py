"""`SpecifyShape`: a promise about a shape, checked when the array is computed."""

from __future__ import annotations

import numpy as np

from pytensor.graph.basic import Apply, Variable
from pytensor.graph.null_type import DisconnectedType, disconnected_type
from pytensor.graph.op import Op
from pytensor.graph.replace import _vectorize_node
from pytensor.tensor._convert import _get_vector_length, as_tensor_variable
from pytensor.tensor._make_vector import as_length, static_int
from pytensor.tensor._reshape import _entries
from pytensor.tensor._shape_ops import length_constant
from pytensor.tensor.type import TensorType, new_variable
from pytensor.tensor.type_other import NoneConst, NoneTypeT


def _is_none(entry) -> bool:
    return entry is None or (isinstance(entry, Variable) and isinstance(entry.type, NoneTypeT))


class SpecifyShape(Op):
    """State the lengths of axes; they become static, and are checked at run time.

    The inputs are the array and, for each axis, its length or `NoneConst`.
    """

    __props__ = ()
    view_map = {0: [0]}

    def make_node(self, x, *shape):
        x = as_tensor_variable(x)
        if len(shape) != x.type.ndim:
            raise ValueError(
                f"Input `x` is {x.type.ndim}-dimensional and will never match a shape of length "
                f"{len(shape)}."
            )
        entries = [NoneConst if _is_none(s) else as_length(s) for s in shape]
        out_shape = []
        for axis, (entry, have) in enumerate(zip(entries, x.type.shape, strict=True)):
            want = None if entry is NoneConst else static_int(entry)
            if want is not None and have is not None and want != have:
                raise ValueError(
                    f"[SpecifyShape] axis {axis} of x must have length {want}, got {x.type}"
                )
            out_shape.append(have if want is None else want)
        return Apply(self, [x, *entries], [new_variable(x.type.dtype, tuple(out_shape))])

    def perform(self, node, inputs, output_storage):
        x, *shape = inputs
        if x.ndim != len(shape):
            raise AssertionError(
                f"SpecifyShape: Got {x.ndim} dimensions (shape {x.shape}), expected {len(shape)} "
                f"dimensions with shape {tuple(shape)}."
            )
        for axis, (have, want) in enumerate(zip(x.shape, shape, strict=True)):
            if want is not None and have != int(want):
                raise self._mismatch(axis, have, int(want))
        output_storage[0][0] = x

    def _mismatch(self, axis: int, have: int, want: int) -> Exception:
        return AssertionError(
            f"SpecifyShape: dim {axis} of input has shape {have}, expected {want}."
        )

    def infer_shape(self, fgraph, node, shapes):
        x_shape = shapes[0]
        out = node.outputs[0].type.shape
        lengths = []
        for axis, entry in enumerate(node.inputs[1:]):
            if out[axis] is not None:
                lengths.append(length_constant(out[axis]))
            elif isinstance(entry.type, NoneTypeT):
                lengths.append(x_shape[axis])
            else:
                lengths.append(entry)
        return [tuple(lengths)]

    def connection_pattern(self, node):
        return [[True], *[[False]] * len(node.inputs[1:])]

    def pullback(self, inputs, outputs, cotangents):
        [gz] = cotangents
        rest = [disconnected_type() for _ in inputs[1:]]
        if isinstance(gz.type, DisconnectedType):
            return [disconnected_type(), *rest]
        return [specify_shape(gz, inputs[1:]), *rest]

    def pushforward(self, inputs, outputs, tangents):
        if isinstance(tangents[0].type, DisconnectedType):
            return [disconnected_type()]
        return [self(tangents[0], *inputs[1:])]


class OperandLengths(SpecifyShape):
    """Lengths that an elementwise operation asked for which was simplified to one operand.

    What does not fit is the same error as without the simplification.
    """

    __props__ = ("operation",)

    def __init__(self, operation: str):
        self.operation = operation

    def _mismatch(self, axis, have, want):
        return ValueError(
            f"[{self.operation}] Input dimension mismatch: operands could not be broadcast "
            f"together on axis {axis}, got lengths {want} and {have}"
        )


_specify_shape = SpecifyShape()


def specify_shape(x, shape):
    """Return `x` with the lengths of its axes stated.

    Parameters
    ----------
    x : tensor_like
    shape : sequence of int, integer variable or None; or integer vector
        None for an axis about which nothing is said; one ``...`` stands for all axes not
        mentioned.

    Raises
    ------
    ValueError
        If a length contradicts what is known. At run time, AssertionError.

    Examples
    --------
    >>> pt.specify_shape(pt.matrix("x"), (None, 3)).type.shape
    (None, 3)
    """
    if not isinstance(x, Variable) or isinstance(x.type, TensorType):
        x = as_tensor_variable(x)
    return state_shape(_specify_shape, x, _as_entries(shape, x.type.ndim))


def state_shape(op: SpecifyShape, x, shape):
    """Return `x` with its lengths stated by `op`, or `x` itself if they are known."""
    known = [None if _is_none(s) else static_int(s) for s in shape]
    if len(shape) == x.type.ndim and all(
        _is_none(s) or (n is not None and n == have)
        for s, n, have in zip(shape, known, x.type.shape, strict=True)
    ):
        # Nothing new.
        return x
    return op(x, *shape)


def _as_entries(shape, ndim) -> list:
    if isinstance(shape, Variable) and not isinstance(shape.type, NoneTypeT):
        if shape.type.ndim == 0:
            return [shape]
        return list(_entries(shape, ndim))
    if not isinstance(shape, (list, tuple)):
        shape = shape.tolist() if isinstance(shape, np.ndarray) and shape.ndim else [shape]
    shape = list(shape)
    dots = [i for i, s in enumerate(shape) if s is Ellipsis]
    if len(dots) > 1:
        raise ValueError("[specify_shape] `...` may appear only once in the shape")
    if dots:
        [i] = dots
        missing = ndim - len(shape) + 1
        if missing < 0:
            raise ValueError(
                f"[specify_shape] x has {ndim} axes, got a shape of {len(shape) - 1} and `...`"
            )
        shape[i : i + 1] = [None] * missing
    return shape


def specify_broadcastable(x, *axes):
    """State that the given axes of `x` have length 1, so that they broadcast.

    Raises
    ------
    ValueError
        If `x` has no such axis. At run time, AssertionError for another length.

    Examples
    --------
    >>> column = pt.specify_broadcastable(pt.matrix("x"), 1)
    >>> column.type.shape
    (None, 1)
    """
    x = as_tensor_variable(x)
    if not axes:
        return x
    axes = {_checked_axis(a, x.type.ndim) for a in axes}
    return specify_shape(x, [1 if i in axes else s for i, s in enumerate(x.type.shape)])


def _checked_axis(axis, ndim):
    if not -ndim <= axis < ndim:
        raise ValueError(f"Trying to specify broadcastable of non-existent dimension {axis}")
    return axis % ndim


@_get_vector_length.register(SpecifyShape)
def _get_vector_length_SpecifyShape(op, var) -> int:
    known = static_int(var.owner.inputs[1])
    if known is None:
        raise ValueError(f"Length of {var} cannot be determined")
    return known


@_vectorize_node.register(SpecifyShape)
def _vectorize_specify_shape(op, node, x, *shape):
    core_x, *core_shape = node.inputs
    if any(
        s.type.ndim != c.type.ndim
        for s, c in zip(shape, core_shape, strict=True)
        if not isinstance(s.type, NoneTypeT)
    ):
        raise NotImplementedError(
            "It is not possible to vectorize the shape argument of SpecifyShape"
        )
    batch_ndim = x.type.ndim - core_x.type.ndim
    return op.make_node(x, *[None] * batch_ndim, *shape)


TensorType.specify_shape = staticmethod(specify_shape)
