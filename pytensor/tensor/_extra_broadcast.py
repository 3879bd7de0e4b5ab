"""Broadcasting by hand: the common shape of arrays, and arrays brought to it."""

from collections.abc import Iterable, Sequence

from numpy.lib.array_utils import normalize_axis_index

from pytensor.graph.basic import Variable
from pytensor.raise_op import Assert
from pytensor.scalar.basic import ScalarType
from pytensor.tensor.basic import alloc, as_tensor_variable, join, second
from pytensor.tensor.elemwise import DimShuffle
from pytensor.tensor.math import all as pt_all
from pytensor.tensor.math import eq, or_, switch
from pytensor.tensor.utils import concrete_int

_broadcast_assert = Assert(
    "Could not broadcast dimensions. Broadcasting is only allowed along axes that have a "
    "statically known length 1. Use `specify_broadcastable` to inform PyTensor of a known shape."
)
_runtime_broadcast_assert = Assert("Could not broadcast dimensions.")


def _dim_lengths(array, arrays_are_shapes: bool) -> list:
    """Lengths of the dimensions of `array` (or entries of the shape), ints where known."""
    if arrays_are_shapes:
        return [n if (known := concrete_int(n)) is None else known for n in array]
    array = as_tensor_variable(array)
    return [array.shape[d] if n is None else n for d, n in enumerate(array.type.shape)]


def _as_length(n) -> Variable:
    if isinstance(n, Variable) and isinstance(n.type, ScalarType):
        return as_tensor_variable(n)
    return n if isinstance(n, Variable) else as_tensor_variable(n, dtype="int64")


def _join_lengths(lengths: Sequence, allow_runtime_broadcast: bool):
    """Length onto which dimensions of `lengths` broadcast, with an assertion where needed."""
    known = {n for n in lengths if isinstance(n, int) and n != 1}
    if len(known) > 1:
        raise ValueError(f"Could not broadcast dimensions. Incompatible lengths {sorted(known)}")
    symbolic: list = []
    for n in lengths:
        if not isinstance(n, int) and not any(n is m for m in symbolic):
            symbolic.append(n)
    if not symbolic:
        return known.pop() if known else 1
    if allow_runtime_broadcast:
        if known:
            (result,) = known
        else:
            result = symbolic[0]
            for n in symbolic[1:]:
                result = switch(eq(result, 1), n, result)
        if len(symbolic) == 1 and not known:
            return result
        fits = [or_(eq(n, 1), eq(n, result)) for n in symbolic]
        return _runtime_broadcast_assert(_as_length(result), *fits)
    result = known.pop() if known else symbolic[0]
    others = [n for n in symbolic if n is not result]
    if not others:
        return result
    return _broadcast_assert(_as_length(result), pt_all([eq(n, result) for n in others]))


def broadcast_shape_iter(
    arrays: Iterable,
    arrays_are_shapes: bool = False,
    allow_runtime_broadcast: bool = False,
) -> tuple:
    """Return the shape onto which `arrays` broadcast.

    Parameters
    ----------
    arrays
        Arrays, or their shapes.
    arrays_are_shapes
        Whether `arrays` are shapes.
    allow_runtime_broadcast
        Whether a dimension whose length is not known to be 1 may turn out to be 1 and broadcast.
    """
    shapes = [_dim_lengths(a, arrays_are_shapes) for a in arrays]
    ndim = max((len(s) for s in shapes), default=0)
    padded = [[1] * (ndim - len(s)) + s for s in shapes]
    return tuple(
        _as_length(_join_lengths(lengths, allow_runtime_broadcast)) for lengths in zip(*padded)
    )


def broadcast_shape(*arrays, **kwargs) -> tuple:
    """Return the shape onto which `arrays` broadcast; see `broadcast_shape_iter`.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> [int(n.data) for n in pt.broadcast_shape((1, 3), (2, 1), arrays_are_shapes=True)]
    [2, 3]
    """
    return broadcast_shape_iter(arrays, **kwargs)


def broadcast_to(x, shape):
    """Broadcast an array to a new shape.

    Parameters
    ----------
    x
        The array.
    shape
        The shape, as a sequence of lengths or a vector.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> pt.broadcast_to(pt.vector("x"), (3, 4)).type.shape
    (3, 4)
    """
    if isinstance(shape, Variable) and getattr(shape.type, "ndim", 0):
        from_vector = as_tensor_variable(shape)
        shape = tuple(from_vector)
    elif isinstance(shape, int | Variable):
        shape = (shape,)
    return alloc(x, *shape)


def _pad_left(x, ndim: int):
    missing = ndim - x.type.ndim
    if missing == 0:
        return x
    return DimShuffle(
        input_ndim=x.type.ndim, new_order=("x",) * missing + tuple(range(x.type.ndim))
    )(x)


def broadcast_arrays(*args) -> tuple:
    """Broadcast arrays against each other.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> a, b = pt.broadcast_arrays(pt.ones((2, 1)), pt.ones((3,)))
    >>> a.type.shape, b.type.shape
    ((2, 3), (2, 3))
    """
    args = [as_tensor_variable(a) for a in args]
    ndim = max((a.type.ndim for a in args), default=0)
    args = [_pad_left(a, ndim) for a in args]

    def broadcast(k):
        result = args[k]
        for j, other in enumerate(args):
            if j != k:
                result = second(other, result)
        return result

    return tuple(broadcast(k) for k in range(len(args)))


def concat_with_broadcast(tensor_list, axis=0):
    """Concatenate arrays after broadcasting them along all the other axes.

    Parameters
    ----------
    tensor_list
        Arrays of equal rank.
    axis
        Axis along which to concatenate.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> x, y = pt.ones((1, 2)), pt.ones((3, 4))
    >>> pt.concat_with_broadcast([x, y], axis=1).type.shape
    (3, 6)
    """
    tensors = [as_tensor_variable(t) for t in tensor_list]
    if not tensors:
        raise ValueError("Cannot concatenate an empty list of tensors.")
    ndim = tensors[0].type.ndim
    if not all(t.type.ndim == ndim for t in tensors):
        raise TypeError(
            "Only tensors with the same number of dimensions can be concatenated. "
            f"Input ndims were: {[t.type.ndim for t in tensors]}"
        )
    axis = normalize_axis_index(axis, ndim)
    others = [[n for d, n in enumerate(_dim_lengths(t, False)) if d != axis] for t in tensors]
    common = list(broadcast_shape_iter(others, arrays_are_shapes=True))
    result = []
    for t in tensors:
        shape = [*common[:axis], t.shape[axis], *common[axis:]]
        needed = any(
            b and getattr(n, "data", None) != 1
            for d, (b, n) in enumerate(zip(t.type.broadcastable, shape))
            if d != axis
        )
        result.append(broadcast_to(t, shape) if needed else t)
    return join(axis, *result)
