"""Errors of the mathematics of elementwise loops, in units in the last place (ulp) of the exact result."""

import numpy as np
import pytest
import scipy.special

import pytensor.tensor as pt
from tests.link.c.graphs import make, python_steps

N = 40_000
# name: interval of arguments (logarithmic if the first is positive and the ratio large), bounds for
# float64 and float32. libmvec promises 4 ulp; gamma and gammaln are libm's; the rest is ours.
TABLE = {
    "exp": ((-700, 700), (-85, 85), 1.0, 2.5),
    "exp2": ((-1000, 1000), (-120, 120), 4.0, 4.0),
    "expm1": ((-30, 700), (-15, 85), 2.0, 4.0),
    "log": ((1e-300, 1e300), (1e-37, 1e37), 1.0, 4.0),
    "log2": ((1e-300, 1e300), (1e-37, 1e37), 4.0, 4.0),
    "log10": ((1e-300, 1e300), (1e-37, 1e37), 4.0, 4.0),
    "log1p": ((-0.99, 1e3), (-0.99, 1e3), 2.0, 4.0),
    "tanh": ((-20, 20), (-8, 8), 2.5, 4.0),
    "sinh": ((-700, 700), (-85, 85), 4.0, 4.0),
    "cosh": ((-700, 700), (-85, 85), 4.0, 4.0),
    "sin": ((-100, 100), (-100, 100), 4.0, 4.0),
    "cos": ((-100, 100), (-100, 100), 4.0, 4.0),
    "tan": ((-100, 100), (-100, 100), 4.0, 4.0),
    "arcsin": ((-1, 1), (-1, 1), 4.0, 4.0),
    "arccos": ((-1, 1), (-1, 1), 4.0, 4.0),
    "arctan": ((-50, 50), (-50, 50), 4.0, 4.0),
    "arcsinh": ((-1e3, 1e3), (-1e3, 1e3), 4.0, 4.0),
    "arccosh": ((1, 1e3), (1, 1e3), 4.0, 4.0),
    "arctanh": ((-0.99, 0.99), (-0.99, 0.99), 4.0, 4.0),
    "sqrt": ((1e-300, 1e300), (1e-37, 1e37), 0.51, 0.51),
    "sigmoid": ((-700, 700), (-85, 85), 4.0, 5.0),
    "softplus": ((-700, 700), (-85, 85), 4.0, 5.0),
    "log1mexp": ((-700, -1e-3), (-80, -1e-3), 4.0, 6.0),
}
# Without a wider reference for doubles: float32 against SciPy's doubles only.
SINGLE = {
    "erf": ((-5, 5), 4.5),
    "erfc": ((-5, 9), 4.0),
    "gamma": ((0.1, 30), 8.0),
    "gammaln": ((3, 1e3), 4.0),
}

_OURS = {"sigmoid": pt.sigmoid, "softplus": pt.softplus, "log1mexp": pt.log1mexp}


def exact(name, x):
    """The value by functions of a wider type."""
    one = x.dtype.type(1)
    if name == "sigmoid":
        return one / (one + np.exp(-x))
    if name == "softplus":
        return np.where(x > 0, x, 0) + np.log1p(np.exp(-abs(x)))
    if name == "log1mexp":
        return np.where(x < -0.7, np.log1p(-np.exp(x)), np.log(-np.expm1(x)))
    return getattr(np, name)(x)


def points(interval, dtype, seed):
    low, high = interval
    rng = np.random.default_rng(seed)
    if low > 0 and high / low > 1e20:
        return np.exp(rng.uniform(np.log(low), np.log(high), N)).astype(dtype)
    wide = rng.uniform(low, high, N // 2)
    near = np.clip(rng.normal(size=N - N // 2), low, high)
    return np.concatenate([wide, near]).astype(dtype)


def ulps(got, want):
    """The largest error where the result is a normal number."""
    unit = np.spacing(np.abs(want.astype(got.dtype))).astype(want.dtype)
    normal = np.abs(want) >= np.finfo(got.dtype).tiny
    return float((np.abs(got - want) / unit)[normal].max())


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_table(dtype):
    """The figures that the documentation states."""
    single = dtype == "float32"
    wider = "float64" if single else "longdouble"
    if not single and np.finfo("longdouble").nmant < 63:
        pytest.skip("no type wider than double here")
    x = pt.vector("x", dtype=dtype)
    late = {}
    for k, (name, (doubles, singles, bound, bound_single)) in enumerate(TABLE.items()):
        program = make([x], [_OURS.get(name, getattr(pt, name, None))(x)])
        assert not python_steps(program), name
        at = points(singles if single else doubles, dtype, k)
        error = ulps(program(at)[0], exact(name, at.astype(wider)))
        print(f"{name:10} {dtype} {error:.2f} ulp")
        if not error <= (bound_single if single else bound):
            late[name] = error
    assert not late


def test_special_functions_of_float32():
    x = pt.vector("x", dtype="float32")
    late = {}
    for k, (name, (interval, bound)) in enumerate(SINGLE.items()):
        program = make([x], [getattr(pt, name)(x)])
        assert not python_steps(program), name
        at = points(interval, "float32", k)
        error = ulps(program(at)[0], getattr(scipy.special, name)(at.astype("float64")))
        print(f"{name:10} float32 {error:.2f} ulp")
        if not error <= bound:
            late[name] = error
    assert not late


def test_power():
    x, y = pt.vectors("xy")
    program = make([x, y], [x**y])
    rng = np.random.default_rng(3)
    a, b = rng.uniform(0.01, 100, N), rng.uniform(-100, 100, N)
    if np.finfo("longdouble").nmant < 63:
        pytest.skip("no type wider than double here")
    error = ulps(program(a, b)[0], a.astype("longdouble") ** b.astype("longdouble"))
    print(f"power float64 {error:.2f} ulp")
    assert error <= 4


SPECIAL = [0.0, np.inf, np.nan, 1, 1.5, 2, 5e-324, 1.5e-323, 1e-310, 2.2e-308, 1e-20, 50, 36.8, 1e3]
# Where results become infinite, subnormal and zero.
SPECIAL += [709.782712893384, 709.7827128933841, 710, 720, 708, 708.5, 740, 745.1, 745.14, 746, 800]
SPECIAL += [2.0**53, 2.0**1000, 1e300, np.finfo("float64").max]


@pytest.mark.parametrize("name", ["exp", "expm1", "log", "log1p", "tanh", "sigmoid", "softplus"])
def test_special_values(name):
    """Zeros keep their signs; infinities, NaN of any bits and subnormal numbers as NumPy has them."""
    x = pt.vector("x")
    program = make([x], [_OURS.get(name, getattr(pt, name, None))(x)])
    marked = np.array([0x7FF80000000007A2, 0xFFF8000000000FFF], "uint64").view("float64")
    at = np.concatenate([SPECIAL, marked, np.negative(SPECIAL)] * 3)
    with np.errstate(all="ignore"):
        want = exact(name, at.astype("longdouble") if name in _OURS else at).astype("float64")
        got = program(at)[0]
        near = np.abs(got - want) <= 2 * np.spacing(np.abs(want))
    same = (got == want) & (np.signbit(got) == np.signbit(want)) | np.isnan(got) & np.isnan(want)
    wrong = ~(same | near & (want != 0) & np.isfinite(want))
    assert not wrong.any(), list(zip(at[wrong], got[wrong], want[wrong]))
