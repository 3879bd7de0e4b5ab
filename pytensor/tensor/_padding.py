"""The modes of `pad`, built of existing Ops: gradients, shapes, batching and C are theirs.

Modes that repeat values of the array (edge, wrap, symmetric, reflect) are one `take` per axis, with
positions computed from the period of the extension. The others join what they make to the array.
"""

from collections.abc import Callable

import numpy as np

from pytensor.graph.basic import Variable
from pytensor.raise_op import CheckAndRaise
from pytensor.tensor._convert import as_tensor_variable
from pytensor.tensor._statistics import median as pt_median
from pytensor.tensor.basic import alloc, arange, cast, concatenate, constant, switch
from pytensor.tensor.math import clip, eq, maximum, minimum, or_
from pytensor.tensor.math import max as pt_max
from pytensor.tensor.math import mean as pt_mean
from pytensor.tensor.math import min as pt_min
from pytensor.tensor.subtensor import set_subtensor, take
from pytensor.tensor.type import discrete_dtypes

# The arguments that each mode takes.
_ARGUMENTS = {
    "constant": ["constant_values"],
    "edge": [],
    "linear_ramp": ["end_values"],
    "maximum": ["stat_length"],
    "mean": ["stat_length"],
    "median": ["stat_length"],
    "minimum": ["stat_length"],
    "reflect": ["reflect_type"],
    "symmetric": ["reflect_type"],
    "wrap": [],
}
_STATISTICS: dict[str, Callable] = {
    "maximum": pt_max,
    "mean": pt_mean,
    "median": pt_median,
    "minimum": pt_min,
}
# A length: known, or symbolic.
Length = int | Variable


def _pairs(value, ndim: int, name: str, *, integers: bool = False) -> list[tuple]:
    """Return (before, after) for each axis; numbers where they are known."""
    if not isinstance(value, Variable):
        try:
            known = np.asarray(value)
        except (ValueError, TypeError):
            known = np.asarray(None, dtype=object)
        if known.dtype.kind not in "OSU":
            _check_integers(known.dtype, name, integers)
            pairs = np.broadcast_to(known, (ndim, 2))
            return [(row[0].item(), row[1].item()) for row in pairs]
        if isinstance(value, list | tuple) and any(isinstance(v, Variable) for v in _flat(value)):
            return _nested_pairs(value, ndim, name, integers)
        value = as_tensor_variable(value)
    data = getattr(value, "data", None)
    if isinstance(data, np.ndarray):
        return _pairs(data, ndim, name, integers=integers)
    value = as_tensor_variable(value)
    _check_integers(np.dtype(value.type.dtype), name, integers)
    return _symbolic_pairs(value, ndim, name)


def _flat(value) -> list:
    return [u for v in value for u in (_flat(v) if isinstance(v, list | tuple) else [v])]


def _check_integers(dtype: np.dtype, name: str, wanted: bool) -> None:
    if wanted and dtype.kind not in "iu":
        raise TypeError(f"[pad] {name} must be of integral type, got {dtype}")


def _nested_pairs(value, ndim: int, name: str, integers: bool) -> list[tuple]:
    """Pairs from lists that hold symbolic numbers."""
    if all(isinstance(v, list | tuple) for v in value):
        if len(value) not in (1, ndim) or any(len(v) not in (1, 2) for v in value):
            raise ValueError(f"[pad] {name} must broadcast to shape ({ndim}, 2), got {value}")
        rows = [tuple(v) * 2 if len(v) == 1 else tuple(v) for v in value]
        rows = rows * ndim if len(rows) == 1 else rows
    elif len(value) in (1, 2) and all(np.ndim(getattr(v, "type", v)) == 0 for v in value):
        rows = [tuple(value) * 2 if len(value) == 1 else tuple(value)] * ndim
    else:
        return _symbolic_pairs(as_tensor_variable(value), ndim, name)
    entries = [tuple(as_tensor_variable(v) for v in row) for row in rows]
    for entry in (v for row in entries for v in row):
        _check_integers(np.dtype(entry.type.dtype), name, integers)
    if any(v.type.ndim for row in entries for v in row):
        return _symbolic_pairs(as_tensor_variable(value), ndim, name)
    return [tuple(v.data.item() if hasattr(v, "data") else v for v in row) for row in entries]


def _symbolic_pairs(value: Variable, ndim: int, name: str) -> list[tuple]:
    """Pairs of one symbolic array that broadcasts to (ndim, 2) as its static shape tells."""
    if value.type.ndim > 2:
        raise ValueError(f"[pad] {name} must broadcast to shape ({ndim}, 2), got {value.type}")
    if value.type.ndim == 0:
        return [(value, value)] * ndim
    rows, columns = (1, *value.type.shape)[-2:]
    if columns not in (None, 1, 2) or rows not in (None, 1, ndim):
        raise ValueError(f"[pad] {name} must broadcast to shape ({ndim}, 2), got {value.type}")
    lines = [value] * ndim
    if value.type.ndim == 2:
        lines = [value[0 if rows == 1 else axis] for axis in range(ndim)]
    return [(line[0], line[0 if columns == 1 else 1]) for line in lines]


def _checked_widths(pad_width, ndim: int) -> list[tuple[Length, Length]]:
    check = CheckAndRaise(ValueError, "[pad] pad_width must not be negative")

    def checked(width) -> Length:
        if not isinstance(width, Variable):
            if width < 0:
                raise ValueError(f"[pad] pad_width must not be negative, got {width}")
            return int(width)
        width = cast(width, "int64")
        return check(width, width >= 0)

    return [
        (checked(before), checked(after))
        for before, after in _pairs(pad_width, ndim, "pad_width", integers=True)
    ]


def _length(x, axis: int) -> Length:
    static = x.type.shape[axis]
    return x.shape[axis] if static is None else static


def _is_zero(width: Length) -> bool:
    return isinstance(width, int) and width == 0


def _not_empty(x, axis: int, before: Length, after: Length):
    """`x`, checked to have values along an axis that is extended with them; and its length."""
    n = _length(x, axis)
    message = f"[pad] can't extend empty axis {axis} using modes other than 'constant'"
    if isinstance(n, int):
        if n == 0:
            raise ValueError(message)
        return x, n
    wanted = before + after
    ok = n > 0 if isinstance(wanted, int) else or_(n > 0, eq(wanted, 0))
    x = CheckAndRaise(ValueError, message)(x, ok)
    return x, x.shape[axis]


def padded(x, pad_width, mode, *, constant_values, end_values, stat_length, reflect_type):
    """Pad `x`; the arguments are those of `pytensor.tensor.pad`."""
    if mode not in _ARGUMENTS:
        raise ValueError(f"[pad] mode must be one of {', '.join(_ARGUMENTS)}, got {mode!r}")
    given = {
        "constant_values": constant_values,
        "end_values": end_values,
        "stat_length": stat_length,
        "reflect_type": reflect_type,
    }
    wrong = sorted(k for k, v in given.items() if v is not None and k not in _ARGUMENTS[mode])
    if wrong:
        raise ValueError(
            f"[pad] Invalid keyword arguments for mode {mode!r}: {wrong}. "
            f"Mode {mode!r} accepts {_ARGUMENTS[mode]}"
        )
    x = as_tensor_variable(x)
    widths = _checked_widths(pad_width, x.type.ndim)
    if mode not in ("wrap", "symmetric", "reflect") and x.type.dtype in discrete_dtypes:
        x = cast(x, "float64")
    if mode == "constant":
        return _pad_constant(x, widths, 0 if constant_values is None else constant_values)
    if mode == "linear_ramp":
        return _pad_ramp(x, widths, 0 if end_values is None else end_values)
    if mode in _STATISTICS:
        return _pad_statistic(x, widths, mode, stat_length)
    if reflect_type not in (None, "even", "odd"):
        raise ValueError(f"[pad] reflect_type must be 'even' or 'odd', got {reflect_type!r}")
    return _pad_own_values(x, widths, mode, odd=reflect_type == "odd")


# -- New values --------------------------------------------------------------------------------


def _surround(x, axis: int, before, after):
    """Join what goes before and after `x` along `axis` to it; None is nothing."""
    parts = [part for part in (before, x, after) if part is not None]
    return concatenate(parts, axis=axis) if len(parts) > 1 else x


def _filled(x, axis: int, width: Length, value):
    """`width` times `value` along `axis`, otherwise of the shape of `x`."""
    shape = [width if d == axis else _length(x, d) for d in range(x.type.ndim)]
    return alloc(value, *shape)


def _as_dtype_of(x, value):
    """`value` as a variable of the dtype of `x`."""
    value = constant(np.asarray(value)) if not isinstance(value, Variable) else value
    return value if value.type.dtype == x.type.dtype else cast(value, x.type.dtype)


def _pad_constant(x, widths, values):
    pairs = _pairs(values, x.type.ndim, "constant_values")
    different = {v if isinstance(v, Variable) else repr(v) for pair in pairs for v in pair}
    if len(different) <= 1:
        return _pad_one_constant(x, widths, _as_dtype_of(x, pairs[0][0] if pairs else 0))
    for axis, ((before, after), (low, high)) in enumerate(zip(widths, pairs, strict=True)):
        left = None if _is_zero(before) else _filled(x, axis, before, _as_dtype_of(x, low))
        right = None if _is_zero(after) else _filled(x, axis, after, _as_dtype_of(x, high))
        x = _surround(x, axis, left, right)
    return x


def _pad_one_constant(x, widths, value):
    """Fill once and write once, however many axes are padded."""
    if all(_is_zero(before) and _is_zero(after) for before, after in widths):
        return x
    lengths = [_length(x, axis) for axis in range(x.type.ndim)]
    shape = [n + before + after for n, (before, after) in zip(lengths, widths, strict=True)]
    inside = tuple(
        slice(before, before + n) for n, (before, _) in zip(lengths, widths, strict=True)
    )
    return set_subtensor(alloc(value, *shape)[inside], x)


def _along(values, ndim: int, axis: int):
    """A vector as an array of `ndim` dimensions, along `axis`."""
    return values.dimshuffle(*("x" if d != axis else 0 for d in range(ndim)))


def _take_slice(x, axis: int, start, stop):
    index = [slice(None)] * x.type.ndim
    index[axis] = slice(start, stop)
    return x[tuple(index)]


def _edge(x, axis: int, position: int):
    """The first (0) or last (-1) values along `axis`, which stays with length 1."""
    index = [slice(None)] * x.type.ndim
    index[axis] = position
    return _with_axis(x[tuple(index)], axis)


def _with_axis(x, axis: int):
    order = list(range(x.type.ndim))
    order.insert(axis, "x")
    return x.dimshuffle(*order)


def _pad_ramp(x, widths, end_values):
    pairs = _pairs(end_values, x.type.ndim, "end_values")
    for axis, ((before, after), (low, high)) in enumerate(zip(widths, pairs, strict=True)):
        if _is_zero(before) and _is_zero(after):
            continue
        x, _ = _not_empty(x, axis, before, after)
        left = right = None
        if not _is_zero(before):
            left = _ramp(_edge(x, axis, 0), axis, before, _as_dtype_of(x, low))
        if not _is_zero(after):
            right = _ramp(_edge(x, axis, -1), axis, after, _as_dtype_of(x, high))
            right = right[tuple(slice(None, None, -1 if d == axis else 1) for d in range(x.ndim))]
        x = _surround(x, axis, left, right)
    return x


def _ramp(edge, axis: int, width: Length, end):
    """From `end` towards `edge`, which is not reached, as `numpy.linspace` computes it."""
    real = "float32" if edge.type.dtype in ("float32", "complex64") else "float64"
    steps = _along(arange(width, dtype="int64"), edge.type.ndim, axis).astype(real)
    count = maximum(width, 1) if isinstance(width, Variable) else width
    count = cast(count, real) if isinstance(count, Variable) else np.asarray(count, dtype=real)
    return (end + steps * ((edge - end) / count)).astype(edge.type.dtype)


def _stat_slice(x, axis: int, length, n: Length, *, at_start: bool, mode: str):
    """The values whose statistic is taken: `length` of them, at most all."""
    if length is None:
        return x
    if not isinstance(length, Variable):
        if length < 0:
            raise ValueError(f"[pad] stat_length must not be negative, got {length}")
        if length == 0 and mode in ("maximum", "minimum"):
            raise ValueError("[pad] stat_length of 0 yields no value for padding")
    else:
        length = cast(length, "int64")
        least = 1 if mode in ("maximum", "minimum") else 0
        message = f"[pad] stat_length must be at least {least} for mode {mode!r}"
        length = CheckAndRaise(ValueError, message)(length, length >= least)
    if isinstance(length, int) and isinstance(n, int):
        length = min(length, n)
    else:
        length = minimum(length, n)
    return _take_slice(x, axis, 0, length) if at_start else _take_slice(x, axis, n - length, n)


def _pad_statistic(x, widths, mode: str, stat_length):
    ndim = x.type.ndim
    if stat_length is None:
        pairs = [(None, None)] * ndim
    else:
        pairs = _pairs(stat_length, ndim, "stat_length", integers=True)
    statistic = _STATISTICS[mode]
    for axis, ((before, after), (low, high)) in enumerate(zip(widths, pairs, strict=True)):
        if _is_zero(before) and _is_zero(after):
            continue
        x, n = _not_empty(x, axis, before, after)

        def value_of(length, at_start, x=x, axis=axis, n=n):
            part = _stat_slice(x, axis, length, n, at_start=at_start, mode=mode)
            return _with_axis(statistic(part, axis=axis), axis).astype(x.type.dtype)

        first = value_of(low, True)
        last = first if low is None and high is None else value_of(high, False)
        left = None if _is_zero(before) else _filled(x, axis, before, first)
        right = None if _is_zero(after) else _filled(x, axis, after, last)
        x = _surround(x, axis, left, right)
    return x


# -- Values of the array itself ----------------------------------------------------------------


def _pad_own_values(x, widths, mode: str, *, odd: bool):
    for axis, (before, after) in enumerate(widths):
        if _is_zero(before) and _is_zero(after):
            continue
        x, n = _not_empty(x, axis, before, after)
        x = _extended(x, axis, n, (before, after), mode, odd)
    return x


def _extended(x, axis: int, n: Length, widths, mode: str, odd: bool):
    """`x` continued beyond both ends of `axis`: position i of the result is i - before of `x`."""
    before, after = widths
    is_static = all(isinstance(v, int) for v in (n, before, after))
    if is_static:
        i, where, least = np.arange(-before, n + after), np.where, max
    else:
        i, where, least = arange(-before, n + after, dtype="int64"), switch, maximum
    if mode == "edge":
        return take(x, i.clip(0, n - 1) if is_static else clip(i, 0, n - 1), axis=axis)
    if mode == "wrap":
        return take(x, i % n, axis=axis)
    # Mirrored: a period goes there and back, over the edge (symmetric) or not (reflect)
    period = 2 * n if mode == "symmetric" else least(2 * (n - 1), 1)
    offset = i % period
    turned = offset >= n
    last = 2 * n - 1 if mode == "symmetric" else period
    result = take(x, where(turned, last - offset, offset), axis=axis)
    return _mirrored_through_edges(x, result, axis, i // period, turned) if odd else result


def _mirrored_through_edges(x, even, axis: int, periods, turned):
    """Odd reflection: 2 edge - value on the way back, and as much again with every period."""
    first, last = _edge(x, axis, 0), _edge(x, axis, -1)
    ndim, dtype = x.type.ndim, x.type.dtype
    periods = _along(as_tensor_variable(periods), ndim, axis).astype(dtype)
    turned = _along(as_tensor_variable(turned), ndim, axis)
    two = np.asarray(2, dtype=dtype)
    return switch(turned, two * last - even, even) + two * periods * (last - first)
