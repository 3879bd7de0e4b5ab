"""Softmax and its logarithm in C agree with Op.perform, and with SciPy at infinities and NaN."""

import itertools

import numpy as np
import pytest
import scipy.special

import pytensor.tensor as pt
from pytensor.graph.fg import FunctionGraph
from pytensor.link.py.linker import PyLinker
from pytensor.tensor.special import LogSoftmax, Softmax, log_softmax, softmax
from tests.link.c.graphs import freeze, layouts, make, python_steps

rng = np.random.default_rng(21)
# Short lines, several at a time; lines of a whole block and longer; one element; none.
SHAPES = [
    (5, 7, 10),
    (1, 1, 1),
    (2, 1100, 3),
    (1, 3, 1024),
    (130, 33, 2),
    (3, 2, 300),
    (0, 3, 2),
    (2, 3, 0),
]
RTOL = {"float32": 3e-6, "float64": 1e-13}


def compare(results, expected, dtype):
    for got, want in zip(results, expected, strict=True):
        assert got.dtype == want.dtype == dtype and got.shape == want.shape
        np.testing.assert_allclose(got, want, rtol=RTOL[dtype], atol=RTOL[dtype])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_axes_and_layouts(dtype):
    x = pt.tensor("x", dtype=dtype, shape=(None,) * 3)
    subsets = [c for r in range(4) for c in itertools.combinations(range(3), r)]
    outs = [op(axis=axis)(x) for axis in [None, (-1,), *subsets] for op in (Softmax, LogSoftmax)]
    program = make([x], outs)
    assert not python_steps(program)
    python = PyLinker().make_program(FunctionGraph([x], outs, clone=True))
    for shape in SHAPES:
        value = (rng.normal(size=shape) * 5).astype(dtype)
        expected = python(value)
        for layout in layouts(value):
            compare(program(freeze(layout)), expected, dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_vectors_and_numbers(dtype):
    v, s = pt.vector("v", dtype=dtype), pt.scalar("s", dtype=dtype)
    outs = [softmax(v, axis=0), log_softmax(v), softmax(s), log_softmax(s)]
    program = make([v, s], outs)
    assert not python_steps(program)
    python = PyLinker().make_program(FunctionGraph([v, s], outs, clone=True))
    number = np.array(3.5, dtype)
    for n in (1, 15, 31, 32, 33, 1023, 1024, 1025, 5000, 100_000):
        value = (rng.normal(size=n) * 3 + 1000).astype(dtype)
        for layout in layouts(value):
            compare(program(layout, number), python(value, number), dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("filler", [0, 40, 2000])
def test_infinities_and_nan_as_in_scipy(dtype, filler):
    """In short lines, in lines of several vectors, in lines of several blocks."""
    inf, nan = np.inf, np.nan
    lines = [
        [1, nan, 2], [nan, 1, 2], [inf, 1, 2], [1, 2, inf], [inf, inf, 1], [inf, -inf, 1], [inf, nan, 1],
        [-inf, 1, 2], [-inf, -inf, 3], [800, 1, -800], [-1e30, -1e30, 0], [1e30, 1, 1],
    ]  # fmt: skip
    value = np.array([line + [0.5] * filler for line in lines], dtype)
    value = np.concatenate([value, *(np.full((1, 3 + filler), v, dtype) for v in (nan, inf, -inf))])
    x = pt.matrix("x", dtype=dtype)
    outs = [
        softmax(x, axis=1),
        log_softmax(x, axis=1),
        softmax(x.T, axis=0),
        log_softmax(x.T, axis=0),
    ]
    program = make([x], outs)
    assert not python_steps(program)
    with np.errstate(all="ignore"):
        want = [scipy.special.softmax(value, axis=1), scipy.special.log_softmax(value, axis=1)]
    want += [w.T for w in want]
    compare(program(value), want, dtype)
    compare(PyLinker().make_program(FunctionGraph([x], outs, clone=True))(value), want, dtype)


@pytest.mark.parametrize("axis", [0, 1])
def test_written_over_an_input_that_dies(axis):
    x = pt.matrix("x", dtype="float64")
    value = rng.normal(size=(60, 40))
    kept = value.copy()
    program = make([x], [softmax(x * 2, axis=axis), log_softmax(x * 3, axis=axis)])
    results = program(value)
    compare(
        results,
        [
            scipy.special.softmax(2 * kept, axis=axis),
            scipy.special.log_softmax(3 * kept, axis=axis),
        ],
        "float64",
    )
    np.testing.assert_array_equal(value, kept)


def test_half_precision_runs_in_python():
    x = pt.matrix("x", dtype="float16")
    program = make([x], [softmax(x, axis=1)])
    assert len(python_steps(program)) == 1
    value = rng.normal(size=(3, 4)).astype("float16")
    assert program(value)[0].dtype == "float16"
