"""Reductions over every axis and layout, alone and fused with what they reduce."""

import itertools

import numpy as np
import pytest

import pytensor.scalar as ps
import pytensor.tensor as pt
from pytensor.graph.fg import FunctionGraph
from pytensor.link.py.linker import PyLinker
from pytensor.tensor.elemwise import CAReduce
from pytensor.tensor.math import Max, ProdWithoutZeros, Sum
from tests.link.c.graphs import layouts, make, python_steps

rng = np.random.default_rng(7)
SHAPES = [(3, 3, 3), (1, 1, 1), (7, 40, 9), (50, 2, 130), (5, 1100, 3), (600, 3, 2)]


def reference(inputs, outputs):
    return PyLinker().make_program(FunctionGraph(list(inputs), list(outputs), clone=True))


def compare(results, expected, rtol):
    for got, want in zip(results, expected):
        assert got.dtype == want.dtype and got.shape == np.shape(want)
        np.testing.assert_allclose(got, want, rtol=rtol, atol=rtol)


@pytest.mark.parametrize("dtype", ["float64", "float32", "int8", "uint16", "bool", "complex64"])
def test_axes_and_layouts(dtype):
    x = pt.tensor("x", dtype=dtype, shape=(None,) * 3)
    outs = []
    for axes in [None, *(c for r in range(4) for c in itertools.combinations(range(3), r))]:
        outs += [x.sum(axis=axes), x.prod(axis=axes)]
        if not dtype.startswith("complex"):
            outs += [x.max(axis=axes), x.min(axis=axes), pt.all(x, axis=axes), pt.any(x, axis=axes)]
    program, python = make([x], outs), reference([x], outs)
    assert not python_steps(program)
    for shape in SHAPES:
        value = (rng.normal(size=shape) * (1 if dtype == "bool" else 3)).astype(dtype)
        if dtype.startswith("complex"):
            # What is infinite and what NaN in an overflowing product depends on the order.
            value /= np.abs(value)
        for layout in layouts(value):
            compare(
                program(layout),
                python(layout),
                1e-4 if dtype in ("float32", "complex64") else 1e-11,
            )


def test_one_and_two_axes():
    v, m = pt.vector("v"), pt.matrix("m")
    outs = [v.sum(), v.max(), m.sum(axis=0), m.sum(axis=1), m.min(axis=0), m.min(axis=1), m.sum()]
    program, python = make([v, m], outs), reference([v, m], outs)
    for n in (1, 31, 32, 33, 63, 64, 65, 4095, 4097, 20000):
        for layout in layouts(rng.normal(size=(n, 3))):
            compare(program(layout[:, 1], layout), python(layout[:, 1], layout), 1e-11)


def test_nan_and_signed_infinities():
    x = pt.matrix("x")
    program = make([x], [x.max(axis=0), x.max(axis=1), x.min(axis=0), x.min(axis=1), x.sum(axis=0)])
    value = rng.normal(size=(70, 50))
    value[3, 4] = np.nan
    value[5, 6] = np.inf
    value[7, 8] = -np.inf
    with np.errstate(all="ignore"):
        want = [f(value, axis=a) for f in (np.max, np.min) for a in (0, 1)] + [value.sum(axis=0)]
    for got, expected in zip(program(value), want):
        np.testing.assert_allclose(got, expected, rtol=1e-12)


def test_empty():
    x = pt.matrix("x")
    program = make([x], [x.sum(axis=0), x.prod(axis=1), x.sum(), pt.exp(x).sum(axis=0)])
    for shape in ((0, 3), (3, 0), (0, 0)):
        value = np.zeros(shape)
        want = [value.sum(axis=0), value.prod(axis=1), value.sum(), value.sum(axis=0)]
        for got, expected in zip(program(value), want):
            np.testing.assert_array_equal(got, expected)
    program = make([x], [x.max(axis=0)])
    assert program(np.zeros((3, 0)))[0].shape == (0,)
    with pytest.raises(ValueError, match="zero-size"):
        program(np.zeros((0, 3)))
    program = make([x], [Max(axis=(0,), initial=True)(x)])
    np.testing.assert_array_equal(program(np.zeros((0, 2)))[0], -np.inf)


def test_dtypes_of_accumulators():
    x = pt.vector("x", dtype="float32")
    k = pt.vector("k", dtype="int8")
    outs = [
        Sum(acc_dtype="float32")(x), Sum(dtype="float64")(x), Sum(dtype="float32")(k),
        Sum(dtype="int8", acc_dtype="int64")(k), ProdWithoutZeros()(x), CAReduce(ps.xor, axis=(0,))(k),
        CAReduce(ps.and_, axis=(0,))(k), CAReduce(ps.add, axis=(0,))(x > 0),
    ]  # fmt: skip
    program, python = make([x, k], outs), reference([x, k], outs)
    assert not python_steps(program)
    values = rng.normal(size=333).astype("float32"), rng.integers(-128, 127, 333).astype("int8")
    values[0][::7] = 0
    compare(program(*values), python(*values), 1e-5)


@pytest.mark.parametrize("axis", [None, 0, 1])
def test_sums_are_as_accurate_as_pairwise(axis):
    """The rounding errors of a million addends are a few units in the last place."""
    x = pt.matrix("x")
    program = make([x], [x.sum(axis=axis), (x * 1.0).sum(axis=axis)])
    value = rng.uniform(size=(1000, 1000))
    exact = value.astype(np.longdouble).sum(axis=axis)
    for got in program(value):
        assert np.max(np.abs(got - exact) / np.spacing(exact.astype(float))) <= 16
    for got in program(value.T.copy().T):
        assert np.max(np.abs(got - exact) / np.spacing(exact.astype(float))) <= 16


def test_fused_with_elementwise_producer():
    """One loop makes and reduces the values; the temporary does not exist."""
    x, y = pt.matrices("x", "y")
    r, c, t = pt.row("r"), pt.col("c"), pt.tensor3("t")
    outs = [
        (x * y).sum(), pt.exp(x * r).sum(axis=0), (x - c).max(axis=1), pt.exp(t + x).sum(axis=(0, 2)),
        pt.exp(t + x).min(axis=1), (t * r).prod(axis=(0, 1)), pt.eq(x, y).any(), (x > 0).sum(axis=0),
        pt.all(x < c), (x.T + y.T).sum(axis=0), (x[::2] * y[::2]).sum(axis=1),
    ]  # fmt: skip
    inputs = [x, y, r, c, t]
    program, python = make(inputs, outs), reference(inputs, outs)
    assert not python_steps(program)
    reduced = {node.outputs[0].owner.op for node in program.step_nodes}
    assert not any(isinstance(op, CAReduce) for op in reduced)
    for n, m in [(1, 1), (3, 5), (40, 70), (700, 3), (3, 1300), (130, 520)]:
        first, *rest = [rng.normal(size=s) for s in [(n, m), (n, m), (1, m), (n, 1), (4, n, m)]]
        for layout in layouts(first):
            compare(program(layout, *rest), python(layout, *rest), 1e-10)
    with pytest.raises(ValueError, match=r"\[Mul\] Input dimension mismatch"):
        program(first, rest[0][:5], *rest[1:])


def test_values_that_others_read_are_not_absorbed():
    x = pt.matrix("x")
    e = pt.exp(x)
    program = make([x], [e.sum(), e])
    value = rng.normal(size=(30, 40))
    total, array = program(value)
    np.testing.assert_allclose(array, np.exp(value), rtol=1e-14)
    np.testing.assert_allclose(total, np.exp(value).sum(), rtol=1e-13)
