"""`Reshape`: the same elements in C order, in another shape."""

from __future__ import annotations

import numpy as np

from pytensor.graph.basic import Apply, Variable
from pytensor.graph.null_type import DisconnectedType, disconnected_type
from pytensor.graph.op import Op
from pytensor.graph.replace import _vectorize_node
from pytensor.tensor._convert import as_tensor_variable, constant, get_vector_length
from pytensor.tensor._make_vector import (
    MakeVector,
    as_length,
    int_vector,
    static_entries,
    static_int,
)
from pytensor.tensor._math_ops import eq, int_div, mul, switch
from pytensor.tensor._shape_ops import length, length_constant, shape
from pytensor.tensor.type import int_dtypes, new_variable, uint_dtypes


class Reshape(Op):
    """Give an array another shape with the same number of elements.

    Parameters
    ----------
    ndim : int
        Number of axes of the result.

    Notes
    -----
    The inputs are the array and the new shape, a vector of `ndim` integers of which one may be -1
    to mean "as long as needed". The result is a view where strides allow it.
    """

    __props__ = ("ndim",)
    view_map = {0: [0]}
    check_input = False

    def __init__(self, ndim):
        self.ndim = int(ndim)
        if self.ndim < 0:
            raise ValueError(f"[Reshape] ndim must not be negative, got {ndim}")

    def make_node(self, x, shp):
        x = as_tensor_variable(x)
        shp = _shape_vector(shp)
        if shp.type.shape[0] not in (None, self.ndim):
            raise ValueError(
                f"[Reshape] the new shape must have {self.ndim} entries, got {shp.type.shape[0]}"
            )
        entries = static_entries(shp) if shp.type.shape[0] is not None else [None] * self.ndim
        out_shape = self._static_shape(x, entries)
        return Apply(self, [x, shp], [new_variable(x.type.dtype, out_shape)])

    def _static_shape(self, x, entries) -> tuple[int | None, ...]:
        """Find the lengths that are known, and contradictions among them."""
        unknown = entries.count(-1)
        if unknown > 1:
            raise ValueError(
                f"[Reshape] only one entry of the new shape may be -1, got {tuple(entries)}"
            )
        if any(e is not None and e < -1 for e in entries):
            raise ValueError(f"[Reshape] lengths must not be negative, got {tuple(entries)}")
        lengths = [None if e == -1 else e for e in entries]
        if None in x.type.shape:
            return tuple(lengths)
        size = int(np.prod(x.type.shape, dtype="int64"))
        known = int(np.prod([e for e in lengths if e is not None], dtype="int64"))
        missing = lengths.count(None)
        if (missing == 0 and known != size) or (missing and known and size % known):
            raise ValueError(
                f"Reshape: Input shape {x.type.shape} is incompatible with new shape "
                f"{tuple(lengths)}"
            )
        if missing == 1 and known:
            lengths = [size // known if e is None else e for e in lengths]
        return tuple(lengths)

    def perform(self, node, inputs, output_storage):
        x, shp = inputs
        if shp.ndim != 1 or len(shp) != self.ndim:
            raise ValueError(
                f"[Reshape] the new shape must have {self.ndim} entries, got {shp.tolist()}"
            )
        try:
            output_storage[0][0] = np.asarray(x).reshape(tuple(shp.tolist()))
        except ValueError:
            raise ValueError(
                f"[Reshape] cannot reshape array of shape {x.shape} into shape {shp.tolist()}"
            ) from None

    def connection_pattern(self, node):
        return [[True], [False]]

    def pullback(self, inputs, outputs, cotangents):
        x, _shp = inputs
        [gz] = cotangents
        if isinstance(gz.type, DisconnectedType):
            return [disconnected_type(), disconnected_type()]
        return [reshape(gz, shape(x), ndim=x.type.ndim), disconnected_type()]

    def pushforward(self, inputs, outputs, tangents):
        if isinstance(tangents[0].type, DisconnectedType):
            return [disconnected_type()]
        return [self(tangents[0], inputs[1])]

    def infer_shape(self, fgraph, node, ishapes):
        _x, shp = node.inputs
        static = node.outputs[0].type.shape
        if None not in static:
            return [tuple(length_constant(n) for n in static)]
        known = static_entries(shp) if shp.type.shape[0] is not None else [None] * self.ndim
        entries = _entries(shp, self.ndim)
        size = _product(list(ishapes[0]))
        result = []
        for i, n in enumerate(static):
            if n is not None:
                result.append(length_constant(n))
                continue
            # `known` says -1, or nothing; then it may turn out to be -1.
            others = _product([e for j, e in enumerate(entries) if j != i])
            needed = int_div(size, others)
            if known[i] == -1:
                result.append(needed)
            elif -1 in known:
                result.append(entries[i])
            else:
                result.append(switch(eq(entries[i], _minus_one()), needed, entries[i]))
        return [tuple(result)]

    def __str__(self):
        return f"Reshape{{{self.ndim}}}"


def _minus_one():
    return constant(np.int64(-1))


def _entries(vector, n: int) -> list:
    """Return the entries of a vector as 0-d variables, without new nodes where they exist."""
    owner = vector.owner
    if owner is not None and isinstance(owner.op, MakeVector):
        return list(owner.inputs)
    static = static_entries(vector) if vector.type.shape[0] is not None else [None] * n
    return [vector[i] if e is None else length_constant(e) for i, e in enumerate(static)]


def _product(factors: list):
    return mul(*factors) if len(factors) > 1 else (factors or [length_constant(1)])[0]


def _shape_vector(shp):
    """Return a new shape, given in any form, as a vector variable of integers."""
    if isinstance(shp, (list, tuple)):
        for entry in shp:
            if isinstance(entry, (float, np.floating)):
                raise TypeError(f"Shape must be integers; got {type(entry).__name__} {entry}")
        shp = int_vector(shp) if shp else constant(np.array([], dtype="int64"))
    else:
        shp = as_tensor_variable(shp)
    if shp.type.ndim != 1:
        raise TypeError(
            "New shape in reshape must be a vector or a list/tuple of scalar. "
            f"Got {shp} after conversion to a vector."
        )
    if shp.type.dtype not in (*int_dtypes, *uint_dtypes):
        raise TypeError(f"Shape must be integers; got {shp.type.dtype}")
    return shp


def reshape(x, newshape, *, ndim: int | None = None):
    """Return `x` with the shape `newshape`, its elements in row-major order.

    Parameters
    ----------
    x : tensor_like
    newshape : sequence of integers or integer vector
        One entry may be -1: it is computed from the others.
    ndim : int, optional
        Number of axes of the result; needed if `newshape` is a vector of unknown length.

    Raises
    ------
    ValueError
        If the number of elements is another: at once where it is known, else at run time.

    Examples
    --------
    >>> pt.reshape([1, 2, 3, 4], (2, -1)).eval().tolist()
    [[1, 2], [3, 4]]
    """
    if ndim is None:
        newshape = _shape_vector(newshape)
        try:
            ndim = get_vector_length(newshape)
        except ValueError:
            raise ValueError(
                f"The length of the provided shape ({newshape!r}) cannot be automatically "
                "determined, so PyTensor is not able to know what the number of dimensions of "
                "the reshaped variable will be. You can provide the 'ndim' keyword argument to "
                "'reshape' to avoid this problem."
            ) from None
    return Reshape(ndim)(x, newshape)


def infer_static_shape(shape) -> tuple[list[Variable], list[int | None]]:
    """Return the entries of a shape as 0-d integer variables, and the lengths that are known.

    Examples
    --------
    >>> entries, known = pt.infer_static_shape((2, pt.lscalar("n")))
    >>> known
    [2, None]
    """
    if isinstance(shape, Variable):
        if shape.type.ndim == 0:
            shape = [shape]
        else:
            vector = shape
            if vector.type.dtype not in (*int_dtypes, *uint_dtypes):
                raise TypeError(f"Shapes must be integers; got {vector.type.dtype}")
            shape = _entries(vector, get_vector_length(vector))
    elif isinstance(shape, (int, np.integer)):
        shape = [shape]
    lengths = [as_length(s) for s in shape]
    return lengths, [static_length(n) for n in lengths]


def static_length(n) -> int | None:
    """Return a length if it is known; a negative one is nothing a shape can have."""
    known = static_int(n)
    if known is not None and known < 0:
        raise ValueError(f"Shapes must not be negative, got {known}")
    return known


@_vectorize_node.register(Reshape)
def _vectorize_reshape(op, node, x, shape):
    core_x, core_shape = node.inputs
    batch_ndim = x.type.ndim - core_x.type.ndim
    if shape.type.ndim != core_shape.type.ndim:
        raise NotImplementedError("It is not possible to vectorize the shape argument of Reshape")
    if not batch_ndim:
        return op.make_node(x, shape)
    batch = [length(x, i) for i in range(batch_ndim)]
    entries = _entries(shape, op.ndim)
    return Reshape(batch_ndim + op.ndim).make_node(x, int_vector([*batch, *entries]))
