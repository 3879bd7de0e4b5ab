"""float16 in C: every number there is, every operation rounds as in NumPy."""

import numpy as np
import pytest

import pytensor
import pytensor.tensor as pt
from pytensor.configdefaults import config
from pytensor.link.c import vm
from tests.link.c.graphs import python_steps

ALL = np.arange(65536, dtype=np.uint16).view(np.float16)
OTHER = np.random.default_rng(0).permutation(ALL)
SCALAR = np.float16(1.37)

TIERS = ["native", pytest.param("interpret", marks=pytest.mark.skipif(vm.index() is None, reason="no interpreter"))]  # fmt: skip


@pytest.fixture(params=TIERS, autouse=True)
def tier(request):
    with config.change_flags(compile__tier=request.param), np.errstate(all="ignore"):
        yield request.param


def same(got, expected):
    assert got.dtype == expected.dtype
    np.testing.assert_array_equal(got, expected)
    if expected.dtype.kind == "f":
        number = ~np.isnan(expected)
        np.testing.assert_array_equal(np.signbit(got[number]), np.signbit(expected[number]))


def test_operations_round_as_numpys():
    x, y = pt.vector("x", dtype="float16"), pt.vector("y", dtype="float16")
    s = pt.scalar("s", dtype="float16")
    cases = [
        (x + y, ALL + OTHER),
        (x - y, ALL - OTHER),
        (x * y, ALL * OTHER),
        (x / y, ALL / OTHER),
        (x % y, ALL % OTHER),
        (x // y, ALL // OTHER),
        (x + y + s, ALL + OTHER + SCALAR),
        (x * y + x * s, ALL * OTHER + ALL * SCALAR),
        (pt.maximum(x, y), np.maximum(ALL, OTHER)),
        (pt.switch(pt.lt(x, y), x, s), np.where(ALL < OTHER, ALL, SCALAR)),
        (pt.lt(x, y), ALL < OTHER),
        (pt.eq(x, y), ALL == OTHER),
        (pt.isnan(x), np.isnan(ALL)),
        (-x, -ALL),
        (abs(x), abs(ALL)),
        (pt.sqrt(x), np.sqrt(ALL)),
        (pt.sqr(x), np.square(ALL)),
        (pt.floor(x), np.floor(ALL)),
    ]
    f = pytensor.function([x, y, s], [c for c, _ in cases], mode="CVM")
    assert not python_steps(f.vm)
    for got, (_, expected) in zip(f(ALL, OTHER, SCALAR), cases):
        same(got, expected)


def test_long_functions():
    """To the last place but one: float32's last place is not always NumPy's."""
    x = pt.vector("x", dtype="float16")
    names = ["exp", "log", "sin", "tanh", "log1p", "expm1"]
    f = pytensor.function([x], [getattr(pt, name)(x) for name in names], mode="CVM")
    assert not python_steps(f.vm)
    at = np.linspace(0.01, 9, 5000).astype("float16")
    for name, got in zip(names, f(at)):
        assert got.dtype == "float16"
        np.testing.assert_array_almost_equal_nulp(got, getattr(np, name)(at), 1)


def test_casts_are_exact():
    x, d = pt.vector("x", dtype="float16"), pt.dvector("d")
    i, z = pt.lvector("i"), pt.zvector("z")
    small = np.clip(np.nan_to_num(ALL), -100, 100)
    double = ALL.astype("float64")
    between = (double[:-1] + double[1:]) / 2
    tiny = [2.0**-25, np.nextafter(2.0**-25, 1), 5e-324, 1e-300, 1e300, 65519.999, 65520.0]
    many = np.concatenate(
        [double, between, np.nextafter(between, np.inf), np.nextafter(between, -np.inf), tiny]
    )
    whole = np.random.default_rng(1).integers(-70000, 70000, 3000)
    outs = [x.astype(t) for t in ("float32", "float64", "complex64", "bool")]
    f = pytensor.function([x], outs, mode="CVM")
    assert not python_steps(f.vm)
    for got, t in zip(f(ALL), ("float32", "float64", "complex64", "bool")):
        same(got, ALL.astype(t))
    f = pytensor.function([x], [x.astype("int8"), x.astype("int64")], mode="CVM")
    assert not python_steps(f.vm)
    for got, t in zip(f(small), ("int8", "int64")):
        same(got, small.astype(t))
    outs = [d.astype("float16"), d.astype("float32").astype("float16"), i.astype("float16"), z.real.astype("float16")]  # fmt: skip
    f = pytensor.function([d, i, z], outs, mode="CVM")
    assert not python_steps(f.vm)
    got = f(many, whole, many + 1j)
    same(got[0], many.astype("float16"))
    same(got[1], many.astype("float32").astype("float16"))
    same(got[2], whole.astype("float16"))
    same(got[3], (many + 1j).real.astype("float16"))


def test_reductions():
    m = pt.matrix("m", dtype="float16")
    value = np.random.default_rng(2).normal(size=(60, 50)).astype("float16")
    value[0, 0] = 0
    exact = [
        (m.max(), value.max()),
        (m.min(1), value.min(1)),
        (m.any(), value.any()),
        (m.all(0), value.all(0)),
        (m.sum(dtype="float64"), value.sum(dtype="float64")),
        (pt.max(m * m), (value * value).max()),
    ]
    wide = value.astype("float64")
    rounded = [
        (m.sum(), wide.sum()),
        (m.sum(0), wide.sum(0)),
        (m.mean(1), wide.mean(1)),
        (m[:, :5].prod(1), wide[:, :5].prod(1)),
        (pt.prod(m[:, :5], axis=1, no_zeros_in_input=False), wide[:, :5].prod(1)),
    ]
    f = pytensor.function([m], [r for r, _ in (*exact, *rounded)], mode="CVM")
    assert not python_steps(f.vm)
    got = f(value)
    for result, (_, expected) in zip(got, exact):
        same(np.asarray(result), np.asarray(expected))
    for result, (_, expected) in zip(got[len(exact) :], rounded):
        # Added in float32, rounded once.
        assert result.dtype == "float16"
        np.testing.assert_array_almost_equal_nulp(result, np.float16(expected), 1)


def test_layouts_and_constants():
    x = pt.matrix("x", dtype="float16")
    f = pytensor.function([x], x * np.float16(3) + np.float16(0.1), mode="CVM")
    assert not python_steps(f.vm)
    value = np.random.default_rng(3).normal(size=(6, 8)).astype("float16")
    for v in (value, value.T.copy().T, value[::2, ::-1], value[:0]):
        same(f(v), v * np.float16(3) + np.float16(0.1))
