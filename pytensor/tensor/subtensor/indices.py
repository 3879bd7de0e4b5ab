"""How index expressions are stored.

An indexing Op keeps the structure of its index in `idx_list`, a tuple of integers and slices. An
integer ``k`` in it stands for the k-th index input of the node; inside a slice it stands for a
start, stop or step. ``x[i, 2:]`` is ``Subtensor((0, slice(1, None, None)))(x, i, 2)``.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, TypeVar

import numpy as np

from pytensor import scalar as ps
from pytensor.graph.basic import Constant, Variable
from pytensor.scalar.basic import ScalarConstant, ScalarType, ScalarVariable
from pytensor.tensor.basic import ScalarFromTensor, TensorFromScalar, as_tensor_variable
from pytensor.tensor.exceptions import NotScalarConstantError
from pytensor.tensor.type import TensorType, discrete_dtypes, integer_dtypes
from pytensor.tensor.type_other import NoneTypeT, SliceConstant, SliceType

T = TypeVar("T")

_scalar_from_tensor = ScalarFromTensor()


def _slice_parts(s: slice) -> tuple[Any, Any, Any]:
    return s.start, s.stop, s.step


def flatten_index_variables(
    idx_vars: Sequence[T | slice | None],
) -> tuple[list[int | slice], list[T]]:
    """Separate the structure of an index from the values in it.

    Parameters
    ----------
    idx_vars
        Indices, and slices of indices or None.

    Returns
    -------
    tuple
        The `idx_list` of placeholders, and the flat list of values they stand for.

    Examples
    --------
    >>> from pytensor.tensor.subtensor import flatten_index_variables
    >>> flatten_index_variables((slice("a", None, None), "b"))
    ([slice(0, None, None), 1], ['a', 'b'])
    """
    flat: list = []

    def placeholder(value):
        if value is None:
            return None
        flat.append(value)
        return len(flat) - 1

    idx_list = [
        slice(*map(placeholder, _slice_parts(i))) if isinstance(i, slice) else placeholder(i)
        for i in idx_vars
    ]
    return idx_list, flat


def unflatten_index_variables(
    flat_indices: Sequence[T], idx_list: Sequence[slice | int]
) -> tuple[slice | T, ...]:
    """Put values back into the structure of an index; undoes `flatten_index_variables`."""
    return tuple(
        slice(
            None if i.start is None else flat_indices[i.start],
            None if i.stop is None else flat_indices[i.stop],
            None if i.step is None else flat_indices[i.step],
        )
        if isinstance(i, slice)
        else flat_indices[i]
        for i in idx_list
    )


def indices_from_subtensor(
    op_indices: Sequence[Variable], idx_list: Sequence[slice | int]
) -> tuple[slice | Variable, ...]:
    """Recreate the index of an indexing node from its index inputs (the inputs after x, or x, y)."""
    return unflatten_index_variables(op_indices, idx_list)


def get_idx_list(inputs, idx_list):
    """Recreate the index of a Subtensor from all its inputs."""
    return indices_from_subtensor(inputs[1:], idx_list)


def get_slice_elements(idxs: Sequence, cond: Callable = lambda x: isinstance(x, Variable)) -> list:
    """Collect the entries of an index, also those inside slices, for which `cond` holds."""
    found = []
    for idx in idxs:
        parts = _slice_parts(idx) if isinstance(idx, slice) else (idx,)
        found.extend(p for p in parts if cond(p))
    return found


def slice_at_axis(sl: slice, axis: int) -> tuple:
    """Return the index that applies the slice `sl` to one axis and takes all of the others.

    Examples
    --------
    >>> from pytensor.tensor.subtensor import slice_at_axis
    >>> slice_at_axis(slice(0, 2), axis=1)
    (slice(None, None, None), slice(0, 2, None), Ellipsis)
    """
    if axis >= 0:
        return (slice(None),) * axis + (sl, ...)
    return (..., sl, *((slice(None),) * (-axis - 1)))


@lru_cache(maxsize=512)
def _int64_constant(value: int) -> ScalarConstant:
    """A constant index; graphs may share constants, and these are the most frequent ones."""
    return ScalarConstant(ps.int64, np.int64(value))


def as_scalar_index_variable(idx) -> ScalarVariable:
    """Convert an integer or a 0-d integer variable to an integer scalar variable."""
    if isinstance(idx, Variable):
        if isinstance(idx.type, ScalarType):
            if idx.type.dtype not in integer_dtypes:
                raise TypeError(f"basic indices must be integers, got {idx.type}")
            return idx
        if isinstance(idx.type, TensorType) and idx.type.ndim == 0:
            if idx.type.dtype not in integer_dtypes:
                raise TypeError(f"basic indices must be integers, got {idx.type}")
            if isinstance(idx, Constant):
                return ScalarConstant(ps.get_scalar_type(idx.type.dtype), idx.data.item())
            if idx.owner is not None and isinstance(idx.owner.op, TensorFromScalar):
                return idx.owner.inputs[0]
            return _scalar_from_tensor(idx)
        raise TypeError(f"basic indices must be integer scalars, got {idx.type}")
    if isinstance(idx, bool | np.bool_):
        raise TypeError("basic indices must be integers, got a bool")
    if isinstance(idx, int | np.integer):
        return _int64_constant(int(idx))
    if isinstance(idx, np.ndarray) and idx.ndim == 0 and idx.dtype.kind in "iu":
        return _int64_constant(int(idx))
    raise TypeError(f"basic indices must be integers, got {idx!r}")


def as_tensor_index_variable(idx):
    """Convert an index of an advanced indexing Op to an integer or boolean tensor."""
    if isinstance(idx, Variable) and isinstance(idx.type, ScalarType):
        if isinstance(idx, Constant):
            return as_tensor_variable(np.asarray(idx.data, dtype=idx.type.dtype))
        if idx.owner is not None and isinstance(idx.owner.op, ScalarFromTensor):
            return idx.owner.inputs[0]
        return TensorFromScalar()(idx)
    if not isinstance(idx, Variable):
        array = np.asarray(idx)
        if array.size == 0 and array.dtype.kind == "f":
            array = array.astype("int64")  # x[[]] selects nothing, as in NumPy
        elif array.ndim == 0 and array.dtype.kind in "iu":
            array = array.astype("int64")
        idx = array if array.dtype != object else idx
    idx = as_tensor_variable(idx)
    if idx.type.dtype not in discrete_dtypes:
        raise TypeError(f"index must be integer or a boolean mask, got {idx.type}")
    if idx.type.dtype == "bool" and idx.type.ndim == 0:
        raise NotImplementedError("Boolean scalar indexing not implemented")
    return idx


def as_index_constant(a):
    """Convert Python values in an index to constants; variables are returned as they are."""
    if a is None:
        return a
    if isinstance(a, slice):
        return slice(*(as_index_constant(p) for p in _slice_parts(a)))
    if isinstance(a, int | np.integer) and not isinstance(a, bool):
        return _int64_constant(int(a))
    if isinstance(a, Variable):
        return a
    return as_tensor_variable(a)


def as_index_literal(idx) -> int | np.integer | slice | None:
    """Return the literal value of a constant index.

    Raises
    ------
    NotScalarConstantError
        When the index, or part of a slice, is not a constant.
    """
    if idx is None or isinstance(idx, int | np.integer):
        return idx
    if idx is np.newaxis or isinstance(getattr(idx, "type", None), NoneTypeT):
        return np.newaxis
    if isinstance(idx, slice):
        return slice(*(as_index_literal(p) for p in _slice_parts(idx)))
    if isinstance(idx, SliceConstant):
        return as_index_literal(idx.data)
    if isinstance(idx, Constant) and np.ndim(idx.data) == 0:
        return np.asarray(idx.data)[()]
    value = constant_index_value(idx)
    if value is None:
        raise NotScalarConstantError(f"index must be a constant, got {idx}")
    return value


def constant_index_value(idx) -> Any:
    """Return the number of an integer, scalar constant or 0-d tensor constant, otherwise None.

    Looks through conversions between scalars and tensors only: no shape graph is walked.
    """
    if isinstance(idx, int | np.integer):
        return idx
    while isinstance(idx, Variable):
        if isinstance(idx, Constant):
            data = idx.data
            return np.asarray(data)[()] if np.ndim(data) == 0 and data is not None else None
        if idx.owner is None or not isinstance(idx.owner.op, ScalarFromTensor | TensorFromScalar):
            return None
        idx = idx.owner.inputs[0]
    return None


def get_constant_idx(
    idx_list, inputs, allow_partial=False, only_process_constants=False, elemwise=True
):
    """Return the index of a Subtensor with constants replaced by their values.

    Parameters
    ----------
    idx_list
        Structure of the index.
    inputs
        All inputs of the node, x first.
    allow_partial
        Keep variables that are not constant instead of raising NotScalarConstantError.
    only_process_constants, elemwise
        Accepted for compatibility: only constants are ever looked at.
    """

    def literal(value):
        if value is None:
            return None
        constant = constant_index_value(value)
        if constant is None:
            if allow_partial:
                return value
            raise NotScalarConstantError(f"index must be a constant, got {value}")
        return constant

    return [
        slice(*map(literal, _slice_parts(i))) if isinstance(i, slice) else literal(i)
        for i in indices_from_subtensor(inputs[1:], idx_list)
    ]


@lru_cache(maxsize=1024)
def _checked_idx_list(hashable: tuple) -> tuple[tuple[int | slice, ...], int]:
    """Check that the index inputs are numbered 0, 1, 2, ...; return `idx_list` and their number.

    In `hashable` slices are written as tuples.
    """
    idx_list = tuple(slice(*i) if isinstance(i, tuple) else i for i in hashable)
    entries = get_slice_elements(idx_list, lambda e: e is not None)
    if not all(isinstance(e, int | np.integer) and not isinstance(e, bool) for e in entries):
        raise TypeError(f"idx_list must contain only integers and slices of them, got {idx_list}")
    numbers = sorted(set(entries))
    if numbers != list(range(len(numbers))):
        raise ValueError(f"idx_list must number the index inputs 0, 1, 2, ..., got {idx_list}")
    return idx_list, len(numbers)


class BaseSubtensor:
    """What the indexing Ops have in common: an `idx_list`, hashable although slices may not be."""

    idx_list: tuple[int | slice, ...]

    def __init__(self, idx_list: Sequence[int | slice]):
        # Slices are unhashable before Python 3.12
        self._hashable_idx_list = tuple(
            [(i.start, i.stop, i.step) if isinstance(i, slice) else i for i in idx_list]
        )
        self.idx_list, self.n_index_inputs = _checked_idx_list(self._hashable_idx_list)

    def _props_values(self) -> tuple:
        """Values of the properties other than `idx_list`."""
        return tuple(getattr(self, p) for p in self.__props__ if p != "idx_list")

    def __hash__(self):
        return hash((type(self), self._hashable_idx_list, self._props_values()))

    def __eq__(self, other):
        return type(self) is type(other) and (
            (self._hashable_idx_list, self._props_values())
            == (other._hashable_idx_list, other._props_values())
        )

    def index_text(self) -> str:
        """The structure of the index in words, as in ``{start:, i}``."""

        def text(entry):
            if not isinstance(entry, slice):
                return "i"
            named = [
                "" if p is None else name
                for p, name in zip(_slice_parts(entry), ("start", "stop", "step"), strict=True)
            ]
            return ":".join(named if named[2] else named[:2])

        return ", ".join(text(e) for e in self.idx_list)


def is_slice_variable(idx) -> bool:
    """Tell whether `idx` is a symbolic slice."""
    return isinstance(idx, Variable) and isinstance(idx.type, SliceType)
