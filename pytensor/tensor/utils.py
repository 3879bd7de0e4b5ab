"""Small helpers on shapes, axes and signatures, free of graph construction."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from importlib import import_module
from itertools import product
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from pytensor.utils import late


def is_masked(value) -> bool:
    """Tell whether `value` is a masked array, without importing `numpy.ma` (15 ms) to find out."""
    cls = getattr(sys.modules.get("numpy.ma"), "MaskedArray", None)
    return cls is not None and isinstance(value, cls)


def hash_from_ndarray(data) -> str:
    """Return a hex digest that depends on shape, dtype, strides and content of `data`.

    Strides take part because an Op may treat two layouts of the same values differently.
    """
    import hashlib  # noqa: PLC0415  (slow to import, seldom needed)

    data = np.asarray(data)
    digest = hashlib.sha256(np.ascontiguousarray(data).view(np.uint8).tobytes())
    digest.update(repr((data.shape, data.strides, str(data.dtype))).encode())
    return digest.hexdigest()


def normalize_reduce_axis(axis, ndim: int, normalize_none: bool = False) -> tuple[int, ...] | None:
    """Return `axis` as a sorted tuple of non-negative integers.

    ``None`` (all axes) stays ``None`` unless `normalize_none`.

    Examples
    --------
    >>> normalize_reduce_axis(-1, 3)
    (2,)
    """
    if axis is None:
        return tuple(range(ndim)) if normalize_none else None
    if isinstance(axis, np.ndarray):
        axis = axis.tolist()
    if isinstance(axis, (int, np.integer)):
        axis = (int(axis),)
    try:
        normalized = normalize_axis_tuple(tuple(axis), ndim=max(1, ndim))
    except np.exceptions.AxisError:
        raise np.exceptions.AxisError(axis, ndim=ndim) from None
    # As in NumPy, axis 0 and -1 of a 0-d array reduce nothing.
    return tuple(sorted(normalized)) if ndim > 0 else ()


def broadcast_static_dim_lengths(dim_lengths: Sequence[int | None]) -> int | None:
    """Return the static length of an axis over which several lengths broadcast.

    ``None`` is an unknown length that is never broadcast.

    Raises
    ------
    ValueError
        If two known lengths differ and neither is 1.

    Examples
    --------
    >>> broadcast_static_dim_lengths([1, None, 3])
    3
    """
    result: int | None = 1
    for length in dim_lengths:
        if length is None:
            if result == 1:
                result = None
        elif length != 1:
            if result is not None and result != 1 and result != length:
                raise ValueError(f"lengths {tuple(dim_lengths)} do not broadcast together")
            result = length
    return result


def faster_ndindex(shape: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """Iterate over the indices of an array of `shape`, as `numpy.ndindex` but cheaper."""
    return product(*(range(int(s)) for s in shape))


def faster_broadcast_to(x, shape):
    """Broadcast `x` to `shape` as a read-only view, without `numpy.broadcast_to`'s set-up cost."""
    x = np.asarray(x)
    lead = len(shape) - x.ndim
    if lead < 0 or any(
        have not in (1, want) for have, want in zip(x.shape, tuple(shape)[lead:], strict=True)
    ):
        raise ValueError(f"shape {x.shape} cannot be broadcast to {tuple(shape)}")
    strides = (0,) * lead + tuple(
        0 if have != want else stride
        for have, want, stride in zip(x.shape, shape[lead:], x.strides, strict=True)
    )
    view = np.lib.stride_tricks.as_strided(x, shape=tuple(shape), strides=strides)
    view.flags.writeable = False
    return view


def import_func_from_string(func_string: str) -> Any | None:
    """Return the object that the dotted path `func_string` names, or None if there is none.

    Examples
    --------
    >>> import_func_from_string("numpy.linalg.det").__name__
    'det'
    """
    parts = func_string.split(".")
    for split in range(len(parts) - 1, 0, -1):
        try:
            obj = import_module(".".join(parts[:split]))
        except ImportError:
            continue
        try:
            for name in parts[split:]:
                obj = getattr(obj, name)
        except AttributeError:
            return None
        return obj
    return None


# The grammar of generalized-ufunc signatures, as in NumPy's documentation.
_DIMENSION_NAME = r"\w+"
_CORE_DIMENSION_LIST = f"(?:{_DIMENSION_NAME}(?:,{_DIMENSION_NAME})*)?"
_ARGUMENT = rf"\({_CORE_DIMENSION_LIST}\)"
_ARGUMENT_LIST = f"{_ARGUMENT}(?:,{_ARGUMENT})*"
# An Op may have no inputs or no outputs with core dimensions, e.g. "()->()" or "->()".
_SIGNATURE = f"^(?:{_ARGUMENT_LIST})?->(?:{_ARGUMENT_LIST})$"


def _parse_gufunc_signature(signature: str) -> tuple[list[tuple[str, ...]], ...]:
    """Split a gufunc signature into the core dimension names of its inputs and outputs.

    Examples
    --------
    >>> _parse_gufunc_signature("(m,n),(n)->(m)")
    ([('m', 'n'), ('n',)], [('m',)])
    """
    signature = re.sub(r"\s+", "", signature)
    if not re.match(_SIGNATURE, signature):
        raise ValueError(f"not a valid gufunc signature: {signature}")
    return tuple(
        [
            tuple(re.findall(_DIMENSION_NAME, argument))
            for argument in re.findall(_ARGUMENT, argument_list)
        ]
        for argument_list in signature.split("->")
    )


def safe_signature(core_inputs_ndim: Sequence[int], core_outputs_ndim: Sequence[int]) -> str:
    """Write a gufunc signature in which every core dimension has a name of its own.

    Examples
    --------
    >>> safe_signature([2, 0], [1])
    '(i00,i01),()->(o00)'
    """

    def arguments(prefix, ndims):
        return ",".join(
            "(" + ",".join(f"{prefix}{n}{d}" for d in range(ndim)) + ")"
            for n, ndim in enumerate(ndims)
        )

    return f"{arguments('i', core_inputs_ndim)}->{arguments('o', core_outputs_ndim)}"


def concrete_int(value) -> int | None:
    """Return `value` as an int if it is a number or an integer constant, else None.

    Looks at the data of a constant only; it never walks the graph, so that it is safe to call
    from any ``make_node``.
    """
    if isinstance(value, (int, np.integer)) and not isinstance(value, bool):
        return int(value)
    data = getattr(value, "data", None)
    if isinstance(data, (int, np.integer)):
        return int(data)
    if isinstance(data, np.ndarray) and data.size == 1 and data.dtype.kind in "iub":
        return int(data.reshape(()))
    return None


def get_static_shape_from_size_variables(size_vars: Sequence) -> tuple[int | None, ...]:
    """Return the lengths given by `size_vars`, None where one is not a constant.

    Examples
    --------
    >>> get_static_shape_from_size_variables([3, 4])
    (3, 4)
    """
    return tuple(concrete_int(length) for length in size_vars)


def shape_of_variables(fgraph, input_shapes) -> dict:
    """Return the shapes of all variables of a graph, given those of its inputs.

    Parameters
    ----------
    fgraph : FunctionGraph
        It gets a `ShapeFeature`, and the nodes that compute shapes.
    input_shapes : dict
        From inputs to their shapes, tuples of integers.

    Returns
    -------
    dict
        From variables to tuples of 0-d arrays.

    Raises
    ------
    ValueError
        If a shape depends on the values of inputs.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> from pytensor.graph.fg import FunctionGraph
    >>> x = pt.matrix("x")
    >>> y = x[512:]
    >>> shapes = shape_of_variables(FunctionGraph([x], [y], clone=False), {x: (1024, 1024)})
    >>> [int(n) for n in shapes[y]]
    [512, 1024]
    """
    return late("pytensor.tensor._known_shapes:shape_of_variables")(fgraph, input_shapes)
