"""Special functions in C have SciPy's very values, in both tiers, without the GIL's or warnings' traces."""

import re
import threading
import warnings

import numpy as np
import pytest
import scipy.special

import pytensor
import pytensor.tensor as pt
from pytensor.configdefaults import config
from pytensor.link.c import special, vm
from pytensor.link.c.dispatch.basic import C_CODE
from pytensor.link.c.source import read_source
from pytensor.tensor import math as tm
from tests.link.c.graphs import python_steps

OPERANDS = {
    **dict.fromkeys(("erfinv", "erfcinv", "erfcx", "psi", "j0", "j1", "i0", "i1", "ndtri_exp"), 1),
    **dict.fromkeys(("jv", "ive", "kve", "owens_t"), 2),
    **dict.fromkeys(("gammainc", "gammaincc", "gammaincinv", "gammainccinv"), 2),
    **dict.fromkeys(("betainc", "betaincinv"), 3),
    "hyp2f1": 4,
}
EDGES = [0.0, -0.0, np.nan, np.inf, -np.inf, 1, -1, 0.5, -0.5, 2, -2, 1e-300, 1e-8, 30, 171.7, 1e5]

TIERS = ["native", pytest.param("interpret", marks=pytest.mark.skipif(vm.index() is None, reason="no interpreter"))]  # fmt: skip


@pytest.fixture(params=TIERS)
def tier(request):
    with config.change_flags(compile__tier=request.param):
        yield request.param


def values(n: int, dtype: str, seed=0) -> list[np.ndarray]:
    """Edges against each other in all kinds of ways, and ordinary numbers."""
    rng = np.random.default_rng(seed)
    parts = [np.repeat(EDGES, 10), rng.uniform(0, 1, 60), rng.uniform(-5, 20, 60)]
    with np.errstate(over="ignore", under="ignore"):
        return [
            np.concatenate([rng.permutation(parts[0]), *parts[1:]]).astype(dtype) for _ in range(n)
        ]


def same(got, expected):
    """The same bits, but for those of NaN."""
    assert got.dtype == expected.dtype and got.shape == expected.shape
    np.testing.assert_array_equal(got, expected)
    signed = (expected == 0) & (expected.dtype.kind == "f")
    if not signed.any():
        return
    np.testing.assert_array_equal(np.signbit(got[signed]), np.signbit(expected[signed]))


def test_table_and_enum_agree():
    names = re.findall(r"PT_SPECIAL_(\w+?)_(f64|f32|c128),", read_source(C_CODE, "special.h"))
    letter = {"f64": "d", "f32": "f", "c128": "D"}
    assert [(n, letter[t]) for n, t in names] == [(n, t[-1]) for n, t in special.FUNCTIONS]
    assert set(special.addresses()) == set(special.FUNCTIONS)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_values_of_scipy(dtype, tier):
    """One program for all functions: nothing runs in Python, every bit is SciPy's."""
    xs = [pt.vector(f"x{i}", dtype=dtype) for i in range(4)]
    outs = [getattr(tm, name)(*xs[:n]) for name, n in OPERANDS.items()]
    f = pytensor.function(xs, outs, mode="CVM")
    assert not python_steps(f.vm)
    data = values(4, dtype)
    for name, got in zip(OPERANDS, f(*data)):
        with np.errstate(all="ignore"):
            same(got, getattr(scipy.special, name)(*data[: OPERANDS[name]]))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_polygamma(dtype, tier):
    k, x = pt.lvector("k"), pt.vector("x", dtype=dtype)
    short = pt.vector("short", dtype="int8")
    outs = [tm.polygamma(k, x), tm.tri_gamma(x), tm.polygamma(short, x)]
    f = pytensor.function([k, short, x], outs, mode="CVM")
    assert not python_steps(f.vm)
    data = np.concatenate([values(1, dtype, seed)[0] for seed in range(4)])
    orders = np.random.default_rng(1).integers(-2, 30, data.size)
    got = f(orders, orders.astype("int8"), data)
    with np.errstate(all="ignore"):
        expected = scipy.special.polygamma(orders, data).astype(dtype)
        same(got[0], expected)
        same(got[1], scipy.special.polygamma(1, data).astype(dtype))
    same(got[2], expected)


@pytest.mark.parametrize("dtype", ["complex128", "complex64"])
def test_complex_arguments(dtype, tier):
    rng = np.random.default_rng(2)
    z = pt.vector("z", dtype=dtype)
    real = "float64" if dtype == "complex128" else "float32"
    v = pt.vector("v", dtype=real)
    outs = [tm.erf(z), tm.gamma(z), tm.psi(z), tm.jv(v, z), tm.ive(v, z), tm.kve(v, z)]
    f = pytensor.function([v, z], outs, mode="CVM")
    assert not python_steps(f.vm)
    at = (rng.normal(size=60) * 4 + 1j * rng.normal(size=60) * 4).astype(dtype)
    order = rng.uniform(-3, 5, 60).astype(real)
    s = scipy.special
    wanted = [
        s.erf(at),
        s.gamma(at),
        s.psi(at),
        s.jv(order, at),
        s.ive(order, at),
        s.kve(order, at),
    ]
    for got, expected in zip(f(order, at), wanted):
        same(got, expected)


def test_integers_broadcasting_layouts_and_fusion(tier):
    k, x = pt.lrow("k"), pt.matrix("x", dtype="float64")
    f = pytensor.function([k, x], tm.gammainc(k, x**2) * tm.psi(x) + 1, mode="CVM")
    assert len(f.maker.fgraph.apply_nodes) == 1 and not python_steps(f.vm)
    rng = np.random.default_rng(3)
    orders, at = rng.integers(1, 9, (1, 5)), rng.uniform(-3, 3, (7, 5))
    expected = scipy.special.gammainc(orders, at**2) * scipy.special.psi(at) + 1
    for value in (at, np.asfortranarray(at), np.repeat(at, 2, 0)[::2], at[::-1].copy()[::-1]):
        np.testing.assert_allclose(f(orders, value), expected, rtol=1e-15)
    assert f(orders, at[:0]).shape == (0, 5)
    total = pytensor.function([x], [tm.psi(x).sum(0), tm.i0(x[0, 0])], mode="CVM")
    assert not python_steps(total.vm)
    got = total(at)
    np.testing.assert_allclose(got[0], scipy.special.psi(at).sum(0), rtol=1e-13)
    assert got[1] == scipy.special.i0(at[0, 0])


@pytest.mark.parametrize(("name", "n"), [("gammainc", 2), ("gammaincc", 2), ("betainc", 3), ("hyp2f1", 4)])  # fmt: skip
def test_derivatives_by_parameters_are_loops_in_c(name, n):
    xs = [pt.dvector(f"x{i}") for i in range(n)]
    gradient = pt.grad(getattr(tm, name)(*xs).sum(), xs)
    f = pytensor.function(xs, gradient, mode="CVM")
    assert not python_steps(f.vm)
    rng = np.random.default_rng(4)
    data = [rng.uniform(0.1, 8, 50) for _ in xs]
    if n > 2:
        data[-1] = rng.uniform(-0.1, 0.9, 50)
    expected = pytensor.function(xs, gradient, mode="PY")(*data)
    for got, wanted in zip(f(*data), expected):
        np.testing.assert_allclose(got, wanted, rtol=1e-12)


def test_nothing_is_said_unless_asked_for(tier):
    """SciPy's functions report what is singular or does not converge only under its own `errstate`."""
    x = pt.dvector("x")
    f = pytensor.function([x], tm.psi(x) + tm.erfinv(x), mode="CVM")
    at = np.array([0.0, -1.0, 2.0])
    with warnings.catch_warnings(), np.errstate(all="raise"):
        warnings.simplefilter("error")
        f(at)
    with scipy.special.errstate(all="raise"), pytest.raises(scipy.special.SpecialFunctionError):
        f(at)
    assert np.isnan(f(at)[2])


def test_in_threads(tier):
    x = pt.dvector("x")
    f = pytensor.function([x], tm.psi(x), mode="CVM")
    data = [np.linspace(0.1, 5 + i, 20_000) for i in range(4)]
    wrong = []

    def work(at):
        for _ in range(5):
            if not np.array_equal(f(at), scipy.special.psi(at)):
                wrong.append(at)

    threads = [threading.Thread(target=work, args=(at,)) for at in data]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_what_scipy_lacks_runs_in_python(monkeypatch):
    found = {key: at for key, at in special.addresses().items() if key[0] != "erfcx"}
    monkeypatch.setattr(special, "addresses", lambda: found)
    x = pt.dvector("x")
    f = pytensor.function([x], tm.erfcx(x), mode="CVM")
    assert len(python_steps(f.vm)) == 1
    assert f([0.5]) == scipy.special.erfcx(0.5)


@pytest.mark.parametrize(
    ("signature", "types"),
    [
        ("double (double, int __pyx_skip_dispatch)", "d"),
        ("double (double)", "d"),
        ("float (float, float, float, int __pyx_skip_dispatch)", "fff"),
        ("__pyx_t_double_complex (double, __pyx_t_double_complex, int __pyx_skip_dispatch)", "dD"),
        ("double (long, double, int __pyx_skip_dispatch)", None),
        ("double (__pyx_t_double_complex, int __pyx_skip_dispatch)", None),
        ("void (double, double *, double *)", None),
        ("long double (long double, int __pyx_skip_dispatch)", None),
        ("something else", None),
    ],
)
def test_signatures(signature, types):
    assert special._types_of(signature) == types


def test_a_pickled_function_finds_the_addresses_again():
    import pickle  # noqa: PLC0415  (here only)

    x = pt.dvector("x")
    f = pickle.loads(pickle.dumps(pytensor.function([x], tm.psi(x) * 2, mode="CVM")))
    assert f([0.7]) == scipy.special.psi(0.7) * 2
