"""More operations for random programs: integers of every width, loops, copies written in parts."""

import numpy as np
from layouts import LAYOUTS
from random_graphs import ANY, FLOATS, distinct, pick, random_index, result

import pytensor
import pytensor.tensor as pt

WIDE = (*FLOATS, "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "bool")


def byte_swapped(a, rng):
    return a.astype(a.dtype.newbyteorder())


def backwards_columns(a, rng):
    """Fortran order, and backwards along the last axis."""
    return np.asfortranarray(a[..., ::-1])[..., ::-1]


def misaligned_steps(a, rng):
    """A field of packed records: neither aligned nor without gaps."""
    records = np.zeros(a.shape, dtype=np.dtype([("pad", "u1"), ("value", a.dtype), ("more", "u2")]))
    records["value"] = a
    return records["value"]


MORE_LAYOUTS = [*LAYOUTS, byte_swapped, backwards_columns, misaligned_steps]


def integer_mix(rng, pool):
    """Integers of any two widths: the result has the dtype of NumPy's promotion, and wraps."""
    x = pick(rng, pool, "iu")
    y = x and pick(rng, [t for t in pool if t.value.shape == x.value.shape], "iub")
    if y is None:
        return None
    name = str(rng.choice(["add", "sub", "mul", "bitwise_or", "floor_div", "mod", "maximum", "lt"]))
    if name == "sub" and y.kind == "b":
        return None
    if np.result_type(x.value, y.value).kind == "f":  # int64 with uint64: no integer holds both
        return None
    function = {"floor_div": np.floor_divide, "mod": np.mod, "sub": np.subtract}.get(name)
    function = function or {"mul": np.multiply, "lt": np.less}.get(name) or getattr(np, name)
    var = {"bitwise_or": pt.or_}.get(name, getattr(pt, name, None))(x.var, y.var)
    dtype = np.dtype(var.type.dtype)
    a, b = (
        (x.value, y.value) if dtype.kind == "b" else (x.value.astype(dtype), y.value.astype(dtype))
    )
    return result(var, function(a, b), f"{name}({x.text}, {y.text})")


def scan(rng, pool):
    """A loop over the first axis; every state, or the last."""
    rows = pick(rng, pool, "f", ndim=(1, 2, 3))
    if rows is None or not len(rows.value) or np.abs(rows.value).max(initial=0) > 100:
        return None
    backwards, last, curved = (bool(rng.random() < p) for p in (0.3, 0.4, 0.5))
    half = np.asarray(0.5, dtype=rows.value.dtype)
    var = pytensor.scan(
        lambda row, s: pt.tanh(half * s + row) if curved else half * s - row,
        sequences=[rows.var],
        outputs_info=[pt.zeros_like(rows.var[0])],
        go_backwards=backwards,
        return_updates=False,
    )
    state, states = np.zeros_like(rows.value[0]), []
    for row in rows.value[::-1] if backwards else rows.value:
        state = np.tanh(half * state + row) if curved else half * state - row
        states.append(state)
    value = np.stack(states)
    text = f"scan({rows.text}, backwards={backwards}, curved={curved})"
    return result(var[-1], value[-1], text + "[-1]") if last else result(var, value, text)


def scan_two(rng, pool):
    """Two steps back, a matrix that stays, and a result that is no state."""
    matrix = pick(rng, pool, "f", ndim=2)
    if matrix is None or matrix.value.shape[0] != matrix.value.shape[1] or not matrix.value.size:
        return None
    if np.abs(matrix.value).max() > 3:
        return None
    n = int(rng.integers(1, 4))
    start = np.ones((2, len(matrix.value)), dtype=matrix.value.dtype)
    quarter = np.asarray(0.25, dtype=matrix.value.dtype)

    def step(before, now, m):
        return [quarter * pt.dot(m, now) - before, (before * now).sum()]

    states, sums = pytensor.scan(
        step,
        outputs_info=[{"initial": pt.constant(start), "taps": [-2, -1]}, None],
        non_sequences=[matrix.var],
        n_steps=n,
        return_updates=False,
    )
    before, now, made, added = *start, [], []
    for _ in range(n):
        added.append((before * now).sum())
        before, now = now, quarter * (matrix.value @ now) - before
        made.append(now)
    if rng.random() < 0.5:
        return result(sums, np.stack(added), f"scan_two({matrix.text}, {n})[1]")
    return result(states, np.stack(made), f"scan_two({matrix.text}, {n})[0]")


def write_part(rng, pool):
    """Set or increase a part by another term that fits it, or by a row that broadcasts."""
    x = pick(rng, pool, "fiu", ndim=(1, 2, 3))
    if x is None:
        return None
    index = random_index(rng, x.value.shape, advanced=False)
    part = x.value[index]
    fits = [t for t in pool if t.value.dtype == x.value.dtype and t.value.shape == part.shape]
    rows = [
        t for t in pool
        if t.value.dtype == x.value.dtype and 0 < t.ndim < part.ndim
        and t.value.shape == part.shape[part.ndim - t.ndim :]
    ]  # fmt: skip
    y = pick(rng, fits + rows)
    if y is None:
        return None
    value = x.value.copy()
    increase = bool(rng.random() < 0.5)
    with np.errstate(all="ignore"):
        value[index] = value[index] + y.value if increase else y.value
    function = pt.inc_subtensor if increase else pt.set_subtensor
    text = f"{function.__name__}({x.text}[{index}], {y.text})"
    return result(function(x.var[index], y.var), value, text)


def all_reductions(rng, pool):
    """Sums and extremes over every subset of axes, also of small integers and with another dtype."""
    x = pick(rng, pool, "fiub", nonempty=True)
    if x is None:
        return None
    axes = tuple(int(a) for a in np.flatnonzero(rng.random(x.ndim) < 0.5))
    name = str(rng.choice(["sum", "prod", "max", "min", "any"]))
    if name == "any" and x.kind != "b" or name in ("max", "min") and x.kind == "b":
        return None
    if name in ("max", "min") and x.kind == "f" and x.value.size > 1:
        ordered = np.sort(x.value, axis=None)
        if not distinct(ordered[1:], ordered[:-1]):
            return None
    var = getattr(pt, name)(x.var, axis=axes)
    a = x.value
    if name in ("sum", "prod") and x.kind in "iub":
        a = a.astype(var.type.dtype)
    value = getattr(np, name)(a, axis=axes) if axes else np.asarray(a).copy()
    return result(var, value, f"{name}({x.text}, axis={axes})")


MORE = [integer_mix, integer_mix, scan, scan_two, write_part, write_part, all_reductions]
EVERYTHING = [*ANY, *MORE, *MORE]
