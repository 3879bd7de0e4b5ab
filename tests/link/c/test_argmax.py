"""Positions of the maximum: along lines and across columns, any layout, ties, NaN."""

import itertools

import numpy as np
import pytest

import pytensor.tensor as pt
from tests.link.c.graphs import layouts, make, python_steps

rng = np.random.default_rng(5)


@pytest.mark.parametrize("dtype", ["float64", "float32", "int8", "uint16", "int64", "bool"])
def test_axes_layouts_and_ties(dtype):
    x = pt.tensor("x", dtype=dtype, shape=(None,) * 3)
    axes = [None, 0, 1, 2]
    program = make([x], [pt.argmax(x, axis=a) for a in axes])
    assert not python_steps(program)
    for shape in [(1, 1, 1), (7, 40, 9), (3, 2, 1100), (600, 3, 300), (2, 513, 16)]:
        # Few different values: the first of many equal ones is wanted.
        value = rng.integers(0, 2 if dtype == "bool" else 9, shape).astype(dtype)
        for layout in layouts(value):
            for got, axis in zip(program(layout), axes):
                np.testing.assert_array_equal(got, np.argmax(layout, axis=axis))


@pytest.mark.parametrize("length", [1, 15, 16, 17, 511, 512, 513, 2000])
def test_nan_and_infinities(length):
    x = pt.matrix("x")
    program = make([x], [pt.argmax(x, axis=None), pt.argmax(x, axis=0), pt.argmax(x, axis=1)])
    for k, value in itertools.product([0, length // 2, length - 1], [np.nan, np.inf, -np.inf]):
        a = np.full((9, length), -np.inf) if value != -np.inf else rng.normal(size=(9, length))
        a[4, k] = value
        a[7, -1] = np.nan
        for layout in layouts(a):
            for got, axis in zip(program(layout), (None, 0, 1)):
                np.testing.assert_array_equal(got, np.argmax(layout, axis=axis))


def test_several_axes():
    x = pt.tensor3("x")
    a = rng.integers(0, 5, (6, 30, 40)).astype("float64")
    program = make(
        [x], [pt.argmax(x, axis=(0, 1)), pt.argmax(x, axis=(1, 2)), pt.argmax(x, axis=(0, 2))]
    )
    for layout in layouts(a):
        got = program(layout)
        np.testing.assert_array_equal(got[0], layout.reshape(-1, 40).argmax(0))
        np.testing.assert_array_equal(got[1], layout.reshape(6, -1).argmax(1))
        np.testing.assert_array_equal(got[2], layout.swapaxes(0, 1).reshape(30, -1).argmax(1))
