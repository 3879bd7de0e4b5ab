"""Sorting, searching and sets in C: NumPy's answers for all dtypes, axes, layouts, NaN."""

import numpy as np
import pytest

import pytensor.tensor as pt
from pytensor import function
from pytensor.tensor.sort import topk_and_argtopk
from tests.link.c.graphs import layouts, make, python_steps

DTYPES = "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64".split()
FLOATS = "float16 float32 float64 complex64 complex128".split()


def values(dtype, shape, seed=0):
    rng = np.random.default_rng(seed)
    value = rng.integers(0, 30, shape)
    if np.dtype(dtype).kind not in "fc":
        return value.astype(dtype)
    value = value.astype(dtype)
    if np.dtype(dtype).kind == "c":
        value = value + 1j * rng.integers(-3, 3, shape).astype(dtype)
    flat = value.reshape(-1)
    flat[rng.random(flat.shape) < 0.1] = np.nan
    flat[rng.random(flat.shape) < 0.1] = -np.inf
    return value


@pytest.mark.parametrize("dtype", DTYPES + FLOATS)
def test_sort_and_argsort(dtype):
    x = pt.tensor("x", dtype=dtype, shape=(None,) * 3)
    kinds = ["quicksort", "stable", "heapsort"]
    cases = [(axis, kind) for axis in (0, 1, 2) for kind in kinds]
    outputs = [f(x, axis=a, kind=k) for a, k in cases for f in (pt.sort, pt.argsort)]
    program = make([x], outputs)
    assert not python_steps(program)
    for shape in [(1, 1, 1), (2, 0, 3), (0, 4, 2), (3, 70, 5), (40, 2, 300)]:
        value = values(dtype, shape)
        for layout in layouts(value):
            got = iter(program(layout))
            for axis, kind in cases:
                np.testing.assert_array_equal(next(got), np.sort(value, axis=axis, kind=kind))
                order = next(got)
                if kind == "stable":
                    np.testing.assert_array_equal(order, np.argsort(value, axis=axis, kind=kind))
                found = np.take_along_axis(value, order, axis)
                np.testing.assert_array_equal(found, np.sort(value, axis=axis))


def test_input_is_kept_and_its_memory_used():
    x = pt.vector("x")
    value = np.array([3.0, np.nan, 1.0, -0.0, 0.0])
    kept = value.copy()
    f = function([x], [pt.sort(x), pt.sort(x * 2), pt.sort(pt.sort(-x)[::-1])], mode="C")
    first, second, third = f(value)
    np.testing.assert_array_equal(value, kept)
    np.testing.assert_array_equal(first, np.sort(value))
    np.testing.assert_array_equal(second, np.sort(value * 2))
    np.testing.assert_array_equal(third, np.sort(-value))


@pytest.mark.parametrize("dtype", [d for d in DTYPES + FLOATS if d != "float16"])
@pytest.mark.parametrize("side", ["left", "right"])
def test_searchsorted(dtype, side):
    x, v = (
        pt.tensor("x", dtype=dtype, shape=(None,)),
        pt.tensor("v", dtype=dtype, shape=(None,) * 2),
    )
    order = pt.lvector("order")
    outputs = [pt.searchsorted(x, v, side), pt.searchsorted(x, v, side, order)]
    program = make([x, v, order], outputs)
    assert not python_steps(program)
    for n in (0, 1, 2, 9, 64, 1000):
        points, wanted = values(dtype, (n,)), values(dtype, (3, 7), seed=1)
        positions = np.argsort(points, kind="stable")
        in_order = np.sort(points)
        for keys in layouts(wanted):
            np.testing.assert_array_equal(
                program(in_order, keys, np.arange(n))[0], np.searchsorted(in_order, wanted, side)
            )
        for unordered in layouts(points):
            got = program(unordered, wanted, positions)[1]
            np.testing.assert_array_equal(got, np.searchsorted(points, wanted, side, positions))
    assert program(np.sort(points), wanted[:0], positions)[0].shape == (0, 7)


@pytest.mark.parametrize("mode", ["C", "PY"])
def test_searchsorted_of_other_types_and_wrong_sorters(mode):
    x, v, order = pt.lvector("x"), pt.scalar("v"), pt.lvector("order")
    f = function([x, v], pt.searchsorted(x, v), mode=mode)
    assert f([1, 3, 5], 3.5) == 2
    assert f([1, 3, 5], np.nan) == 3
    f = function([x, v, order], pt.searchsorted(x, v, sorter=order), mode=mode)
    assert f([5, 1, 3], 3.5, [1, 2, 0]) == 2
    with pytest.raises(ValueError, match="(?i)sorter"):
        f([5, 1, 3], 3.5, [1, 2])
    with pytest.raises(ValueError, match="(?i)sorter index out of range"):
        f([5, 1, 3], 3.5, [1, 7, 0])


@pytest.mark.parametrize("dtype", [d for d in DTYPES + FLOATS if d != "float16"])
def test_unique(dtype):
    x = pt.tensor("x", dtype=dtype, shape=(None,) * 2)
    flags = [(i, j, k) for i in (0, 1) for j in (0, 1) for k in (0, 1)]
    outputs = [pt.unique(x, *map(bool, f)) for f in flags]
    outputs = [o for out in outputs for o in (out if isinstance(out, list) else [out])]
    program = make([x], outputs)
    assert not python_steps(program)
    for shape in [(0, 3), (1, 1), (1, 2), (20, 11)]:
        value = values(dtype, shape)
        for layout in layouts(value):
            got = iter(program(layout))
            for flag in flags:
                wanted = np.unique(value, *map(bool, flag))
                for part in wanted if isinstance(wanted, tuple) else (wanted,):
                    np.testing.assert_array_equal(next(got), part.astype(part.dtype))


def test_composed_of_these():
    """Medians, quantiles, the largest elements and interpolation take no Python steps."""
    x = pt.matrix("x")
    points = pt.vector("points")
    outputs = [
        pt.sort(x, axis=None),
        *topk_and_argtopk(x, 3, axis=0),
        pt.interp(x, points, points**2),
    ]
    program = make([x, points], outputs)
    assert not python_steps(program)
    value, at = np.random.default_rng(3).normal(size=(5, 4)), np.linspace(-2, 2, 9)
    got = program(value, at)
    np.testing.assert_array_equal(got[0], np.sort(value, axis=None))
    np.testing.assert_array_equal(got[1], -np.sort(-value, axis=0)[:3])
    np.testing.assert_array_equal(got[2], np.argsort(-value, axis=0)[:3])
    np.testing.assert_allclose(got[3], np.interp(value, at, at**2))
