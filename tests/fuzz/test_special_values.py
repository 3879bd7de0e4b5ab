"""Special numbers through every scalar operation: compiled, interpreted and in Python.

NaN, infinities, signed zeros, the largest and smallest numbers, divisions of integers by zero:
the same numbers everywhere, and the same bits from compiled and interpreted loops.
"""

import itertools

import numpy as np
import pytest

import pytensor
import pytensor.tensor as pt
from pytensor.compile.mode import Mode

UNARY = """exp exp2 expm1 log log2 log10 log1p sqrt sqr abs neg sign floor ceil round trunc sin cos
tan arcsin arccos arctan sinh cosh tanh arcsinh arccosh arctanh sigmoid softplus reciprocal erf erfc
gamma gammaln isnan isinf deg2rad rad2deg invert""".split()
BINARY = """add sub mul true_div floor_div mod maximum minimum lt le gt ge eq neq arctan2 pow
logaddexp and_ or_ xor""".split()
CASTS = ("float32", "float64", "int64", "int32", "bool")


def floats(dtype):
    info = np.finfo(dtype)
    tiny = info.smallest_subnormal
    positive = [0.0, tiny, info.tiny, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 1e3, 1 / info.eps, info.max]
    return np.array([*positive, np.inf, np.nan, *[-v for v in positive], -np.inf], dtype=dtype)


def integers(dtype):
    info = np.iinfo(dtype)
    some = {info.min, info.min + 1, -3, -2, -1, 0, 1, 2, 3, 7, info.max - 1, info.max}
    return np.array(sorted(v for v in some if info.min <= v <= info.max), dtype=dtype)


def pairs(values):
    """All pairs, repeated so that vector and remainder code both see them."""
    a, b = np.array(list(itertools.product(values, values))).T.astype(values.dtype)
    return np.tile(a, 2)[:-1], np.tile(b, 2)[:-1]


def expressions(x, y):
    for name in UNARY:
        yield name, lambda name=name: getattr(pt, name)(x)
    for name in BINARY:
        yield name, lambda name=name: getattr(pt, name)(x, y)
    for dtype in CASTS:
        yield f"cast {dtype}", lambda dtype=dtype: pt.cast(x, dtype)
    yield "switch", lambda: pt.switch(x, x, y)
    yield "clip", lambda: pt.clip(x, y, pt.ones_like(x))
    yield "x * 0 + x / x", lambda: x * 0 + x / y
    yield "sums", lambda: pt.stack([x.sum(), x.max(), x.min(), y[:1].sum()])
    yield "argmax", lambda: pt.argmax(x) + pt.argmax(y)


def made(x, y):
    """Names and variables of what these dtypes have."""
    found = {}
    for name, build in expressions(x, y):
        if name == "pow" and x.type.dtype.startswith("int"):
            continue  # raises for a negative power
        try:
            found[name] = build()
        except (TypeError, NotImplementedError, AttributeError):
            continue
    return found


def out_of_range(name, x):
    """Casts whose value C does not define; NumPy warns of them."""
    if not name.startswith("cast int") or x.dtype.kind != "f":
        return np.zeros(x.shape, dtype=bool)
    return ~(np.abs(x) < np.iinfo(name[5:]).max)


def run(inputs, outputs, values, tier=None):
    if tier is None:
        # The same rewrites: here the backends are compared, not x / x with 1.
        mode = Mode("py", "fast_run")
        f = pytensor.function(inputs, outputs, mode=mode, on_unused_input="ignore")
    else:
        with pytensor.config.change_flags(compile__tier=tier):
            f = pytensor.function(inputs, outputs, on_unused_input="ignore")
    with np.errstate(all="ignore"):
        return f(*values)


def tolerance(dtype):
    # Own vector functions are good to a few units in the last place; gamma functions less.
    return {"float32": 2e-5, "float64": 2e-13}.get(str(dtype), 0)


def same_numbers(name, got, want, x):
    assert got.dtype == want.dtype, name
    inside = ~out_of_range(name, x) if got.shape == x.shape else ...
    if name == "gammaln":  # SciPy gives inf for what is below the normal numbers, libm the value
        inside = inside & ~(np.abs(x) < np.finfo(got.dtype).tiny)
    got, want = got[inside], want[inside]
    if got.dtype.kind != "f":
        np.testing.assert_array_equal(got, want, err_msg=name)
        return
    tol = tolerance(got.dtype)
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(
            got, want, rtol=tol, atol=np.finfo(got.dtype).tiny, equal_nan=True, err_msg=name
        )
    # Of 0.0 and -0.0 either is the larger one: NumPy's own loops differ.
    if name not in ("pow", "gamma", "gammaln", "maximum", "minimum"):
        zero = (got == 0) & (want == 0)
        np.testing.assert_array_equal(
            np.signbit(got[zero]), np.signbit(want[zero]), err_msg=f"{name}: sign of zero"
        )


def same_bits(a, b, mixed_sizes):
    """The bits of a NaN are nobody's business.

    In loops over elements of different sizes native code calls the scalar functions of the C library
    for the last elements, the interpreter its vector functions: there a few units in the last place
    may differ.
    """
    equal = a.tobytes() == b.tobytes()
    if not equal and mixed_sizes and a.dtype.kind == "f":
        np.testing.assert_allclose(a, b, rtol=8 * np.finfo(a.dtype).eps, equal_nan=True)
        return
    if not equal and a.dtype.kind == "f":
        equal = np.array_equal(a, b, equal_nan=True) and np.array_equal(
            np.signbit(a[a == 0]), np.signbit(b[b == 0])
        )
    assert equal, "compiled and interpreted differ"


@pytest.mark.parametrize(
    "dtype", ["float64", "float32", "int8", "int32", "int64", "uint8", "uint16", "uint64"]
)
def test_special_values(dtype):
    x, y = pt.vector("x", dtype=dtype), pt.vector("y", dtype=dtype)
    values = pairs(floats(dtype) if dtype.startswith("float") else integers(dtype))
    table = made(x, y)
    outputs = list(table.values())
    want = run([x, y], outputs, values)
    native, interpreted = (run([x, y], outputs, values, t) for t in ("native", "interpret"))
    wrong = []
    for name, w, a, b in zip(table, want, native, interpreted, strict=True):
        try:
            same_bits(a, b, a.dtype.itemsize != values[0].itemsize)
            same_numbers(name, a, w, values[0])
        except AssertionError as error:
            wrong.append(f"{name}: {error}")
    assert not wrong, "\n".join(wrong)
