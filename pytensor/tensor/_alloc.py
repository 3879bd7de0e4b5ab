"""Arrays filled with a value, or with nothing yet."""

from __future__ import annotations

import numpy as np

from pytensor.configdefaults import config
from pytensor.graph.basic import Apply
from pytensor.graph.null_type import DisconnectedType, disconnected_type
from pytensor.graph.op import Op
from pytensor.graph.replace import _repeat_over_batch, _vectorize_lengths, _vectorize_node
from pytensor.tensor._convert import _get_vector_length, as_tensor_variable, constant
from pytensor.tensor._dimshuffle import dimshuffle
from pytensor.tensor._make_vector import int_vector, static_int
from pytensor.tensor._math_ops import _cast_to, second
from pytensor.tensor._reductions import Sum
from pytensor.tensor._reshape import infer_static_shape
from pytensor.tensor._shape_ops import Shape, Shape_i, length, shape_tuple
from pytensor.tensor.type import TensorType, new_variable, values_eq_approx_always_true


class Alloc(Op):
    """A new array of the given shape, filled by broadcasting a value.

    The inputs are the value and the lengths. As for `Elemwise`, an axis of the value is repeated
    only if its length is known to be 1 when the graph is built.

    Examples
    --------
    >>> pt.alloc(7, 2, 3).eval().tolist()
    [[7, 7, 7], [7, 7, 7]]
    """

    __props__ = ()
    _runtime_broadcast_error_msg = (
        "Runtime broadcasting not allowed. The alloc value had a length of 1 on an axis that was "
        "not marked as broadcastable. If broadcasting was intended, use `specify_broadcastable` "
        "on the relevant input."
    )

    def make_node(self, value, *shape):
        value = as_tensor_variable(value)
        lengths, static = infer_static_shape(shape)
        if value.type.ndim > len(lengths):
            raise TypeError(
                "The Alloc value to use has more dimensions than the specified dimensions: "
                f"{value.type} and {len(lengths)}"
            )
        out_shape = list(static)
        offset = len(lengths) - value.type.ndim
        for i, have in enumerate(value.type.shape):
            want = out_shape[offset + i]
            if have in (None, 1):
                continue
            if want is None:
                # Whatever the length is, it must equal the value's.
                out_shape[offset + i] = have
            elif want != have:
                raise ValueError(
                    "Alloc static input type and target shape are incompatible: "
                    f"{value.type} vs {tuple(static)}"
                )
        return Apply(self, [value, *lengths], [new_variable(value.type.dtype, tuple(out_shape))])

    def perform(self, node, inputs, output_storage):
        value, *lengths = inputs
        shape = tuple([int(n) for n in lengths])
        if any(n < 0 for n in shape):
            raise ValueError(f"[Alloc] lengths must not be negative, got {shape}")
        self._check_runtime_broadcast(node, value, shape)
        out = np.empty(shape, dtype=value.dtype)
        try:
            out[...] = value
        except ValueError:
            raise ValueError(
                f"[Alloc] value must broadcast to the shape, got {value.shape} and {shape}"
            ) from None
        output_storage[0][0] = out

    @staticmethod
    def _check_runtime_broadcast(node, value, shape):
        for bcast, have, want in zip(
            reversed(node.inputs[0].type.broadcastable),
            reversed(value.shape),
            reversed(shape),
            strict=False,
        ):
            if have == 1 and want != 1 and not bcast:
                raise ValueError(f"[Alloc] {Alloc._runtime_broadcast_error_msg}")

    def infer_shape(self, fgraph, node, input_shapes):
        return [tuple(node.inputs[1:])]

    def connection_pattern(self, node):
        return [[True], *[[False]] * len(node.inputs[1:])]

    def pullback(self, inputs, outputs, cotangents):
        value, [gz] = inputs[0], cotangents
        rest = [disconnected_type() for _ in inputs[1:]]
        if isinstance(gz.type, DisconnectedType):
            return [disconnected_type(), *rest]
        offset = gz.type.ndim - value.type.ndim
        new_axes = tuple(range(offset))
        repeated = tuple(
            i + offset
            for i, have in enumerate(value.type.shape)
            if have == 1 and gz.type.shape[i + offset] != 1
        )
        g = Sum(axis=new_axes + repeated)(gz) if new_axes + repeated else gz
        if repeated:
            kept = iter(range(g.type.ndim))
            g = dimshuffle(
                g,
                ["x" if i + offset in repeated else next(kept) for i in range(value.type.ndim)],
            )
        return [g, *rest]

    def pushforward(self, inputs, outputs, tangents):
        if isinstance(tangents[0].type, DisconnectedType):
            return [disconnected_type()]
        return [self(tangents[0], *inputs[1:])]

    # Clients that write into their first input: each wants a buffer of its own.
    _writers = frozenset(
        [
            "IncSubtensor",
            "AdvancedIncSubtensor",
            "AdvancedIncSubtensor1",
            "Gemm",
            "Gemv",
            "Ger",
            "DeepCopyOp",
        ]
    )
    # A folded array stays in memory for good.
    _max_folded_size = 1 << 14

    def do_constant_folding(self, fgraph, node):
        size = 1
        for n in node.outputs[0].type.shape:
            if n is None:
                return False
            size *= n
        if size > self._max_folded_size:
            return False
        clients = fgraph.clients[node.outputs[0]]
        if not clients:
            return False
        for client, idx in clients:
            name = type(client.op).__name__
            if name == "Output" or (idx == 0 and name in self._writers):
                return False
        return True


alloc = Alloc()


class AllocEmpty(Op):
    """A new array of the given shape, with arbitrary content."""

    __props__ = ("dtype",)

    def __init__(self, dtype):
        if not isinstance(dtype, str) or dtype != dtype.lower():
            raise TypeError(f"[AllocEmpty] dtype must be a lower-case string, got {dtype!r}")
        self.dtype = np.dtype(dtype).name

    def make_node(self, *shape):
        lengths, static = infer_static_shape(shape)
        out = new_variable(self.dtype, tuple(static))
        # No two evaluations agree; comparing modes must not compare this.
        out.tag.values_eq_approx = values_eq_approx_always_true
        # Tell debugging tools that NaN and Inf may appear here.
        out.tag.nan_guard_mode_check = False
        return Apply(self, lengths, [out])

    def perform(self, node, inputs, output_storage):
        output_storage[0][0] = np.empty(tuple([int(n) for n in inputs]), dtype=self.dtype)

    def infer_shape(self, fgraph, node, input_shapes):
        return [tuple(node.inputs)]

    def connection_pattern(self, node):
        return [[False] for _ in node.inputs]

    def pullback(self, inputs, outputs, cotangents):
        return [disconnected_type() for _ in inputs]

    def pushforward(self, inputs, outputs, tangents):
        return [zeros(inputs, self.dtype)]

    def do_constant_folding(self, fgraph, node):
        return False

    def __str__(self):
        return f"AllocEmpty{{dtype='{self.dtype}'}}"


def _filled(shape, value, dtype):
    dtype = config.floatX if dtype is None else dtype
    lengths, _ = infer_static_shape(shape)
    return alloc(constant(np.asarray(value, dtype=np.dtype(dtype).name)), *lengths)


def zeros(shape, dtype=None):
    """Return an array of zeros, of `shape` (as of `full`) and `dtype` (default ``config.floatX``).

    Examples
    --------
    >>> n = pt.iscalar("n")
    >>> pt.zeros((2, n)).eval({n: 3}).tolist()
    [[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
    """
    return _filled(shape, 0, dtype)


def ones(shape, dtype=None):
    """Return an array of ones, of `shape` (as of `full`) and `dtype` (default ``config.floatX``).

    Examples
    --------
    >>> pt.ones((2, 3)).eval().tolist()
    [[1.0, 1.0, 1.0], [1.0, 1.0, 1.0]]
    """
    return _filled(shape, 1, dtype)


def empty(shape, dtype=None):
    """Return an array with arbitrary content: of `shape`, and `dtype` (default ``config.floatX``).

    Examples
    --------
    >>> pt.empty((2, 3)).eval().shape
    (2, 3)
    """
    lengths, _ = infer_static_shape(shape)
    return AllocEmpty(np.dtype(config.floatX if dtype is None else dtype).name)(*lengths)


def full(shape, fill_value, dtype=None):
    """Return an array filled with `fill_value`, of its dtype by default.

    Parameters
    ----------
    shape : int, sequence of int or of integer variables, or integer vector
    fill_value : tensor_like
        A number, or what broadcasts to `shape`.
    dtype : optional

    Examples
    --------
    >>> pt.full((2, 2), 7).eval().tolist()
    [[7, 7], [7, 7]]
    """
    fill_value = as_tensor_variable(fill_value)
    if dtype is not None:
        fill_value = _cast_to(fill_value, np.dtype(dtype).name)
    lengths, _ = infer_static_shape(shape)
    return alloc(fill_value, *lengths)


def _like(model, value, dtype, opt):
    model = as_tensor_variable(model)
    dtype = model.type.dtype if dtype is None else np.dtype(dtype).name
    # With all its axes at once: padding it later would be one more node to fold.
    fill = constant(np.full((1,) * model.type.ndim, value, dtype=dtype))
    if opt and model.type.dtype == dtype and getattr(model, "data", None) is not None:
        return constant(np.full_like(model.data, value))
    return second(model, fill)


def zeros_like(model, dtype=None, opt=False):
    """Return zeros with the shape of `model`, and its dtype by default.

    With `opt` the result is a constant if `model` is one.

    Examples
    --------
    >>> pt.zeros_like([[1, 2, 3]]).eval().tolist()
    [[0, 0, 0]]
    """
    return _like(model, 0, dtype, opt)


def ones_like(model, dtype=None, opt=False):
    """Return ones with the shape of `model`, and its dtype by default.

    With `opt` the result is a constant if `model` is one.

    Examples
    --------
    >>> pt.ones_like([[1, 2, 3]]).eval().tolist()
    [[1, 1, 1]]
    """
    return _like(model, 1, dtype, opt)


def full_like(a, fill_value, dtype=None):
    """Return an array with the shape of `a` filled with `fill_value` (dtype by default that of `a`).

    Examples
    --------
    >>> pt.full_like([[1, 2, 3]], 7).eval().tolist()
    [[7, 7, 7]]
    """
    a = as_tensor_variable(a)
    fill_value = as_tensor_variable(fill_value)
    return second(a, _cast_to(fill_value, a.type.dtype if dtype is None else np.dtype(dtype).name))


def empty_like(prototype, dtype=None):
    """Return an array with the shape of `prototype`, by default its dtype, and arbitrary content.

    Examples
    --------
    >>> pt.empty_like(pt.zeros((2, 3))).eval().shape
    (2, 3)
    """
    prototype = as_tensor_variable(prototype)
    return empty(shape_tuple(prototype), prototype.type.dtype if dtype is None else dtype)


@_get_vector_length.register(Alloc)
@_get_vector_length.register(AllocEmpty)
def _get_vector_length_Alloc(op, var) -> int:
    known = static_int(var.owner.inputs[-1])
    if known is None:
        raise ValueError(f"Length of {var} cannot be determined")
    return known


@_vectorize_node.register(Alloc)
def vectorize_alloc(op, node, val, *shape):
    core_val, *core_shape = node.inputs
    if any(s.type.ndim != c.type.ndim for s, c in zip(shape, core_shape, strict=True)):
        raise NotImplementedError("It is not possible to vectorize the shape argument of Alloc")
    batch_ndim = val.type.ndim - core_val.type.ndim
    if not batch_ndim:
        return op.make_node(val, *shape)
    batch_shape = [length(val, i) for i in range(batch_ndim)]
    # New axes of the core go between batch and core.
    missing = len(shape) - core_val.type.ndim
    order = [*range(batch_ndim), *["x"] * missing, *range(batch_ndim, val.type.ndim)]
    return op.make_node(dimshuffle(val, order), *batch_shape, *shape)


@_vectorize_node.register(Shape)
def vectorize_shape(op, node, batched_x):
    """A batch of equal shapes: the core shape, repeated."""
    batch_ndim = batched_x.type.ndim - node.inputs[0].type.ndim
    if not batch_ndim:
        return op.make_node(batched_x)
    [core_shape] = lengths_of_core(op, node, batched_x)
    return repeat_over_batch(core_shape.type, core_shape, [(batched_x, batch_ndim)]).owner


@_vectorize_lengths.register(Shape)
def lengths_of_core(op, node, batched_x):
    """The shape of each item."""
    ndim = batched_x.type.ndim
    batch_ndim = ndim - node.inputs[0].type.ndim
    return [int_vector([length(batched_x, i) for i in range(batch_ndim, ndim)])]


@_vectorize_lengths.register(Shape_i)
def length_of_core(op, node, batched_x):
    """A length of each item."""
    return [length(batched_x, op.i + batched_x.type.ndim - node.inputs[0].type.ndim)]


@_repeat_over_batch.register(TensorType)
def repeat_over_batch(type_, variable, batches):
    """Repeat a result that all items have in common."""
    batch_ndim = max(n for _, n in batches)
    lengths = []
    for axis in range(-batch_ndim, 0):
        there = [(x, n + axis) for x, n in batches if n + axis >= 0]
        # Lengths of 1 broadcast against others.
        x, at = next((b for b in there if b[0].type.shape[b[1]] != 1), there[0])
        lengths.append(length(x, at))
    return alloc(variable, *lengths, *(length(variable, i) for i in range(variable.type.ndim)))
