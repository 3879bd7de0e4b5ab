"""Random expressions, compiled with and without rules: equal values, dtypes and shapes.

With NaN and infinities among the values, rules that carry the tag "ieee_unsafe" are excluded.
The seed of a failure is the test's parameter.
"""

import random

import numpy as np
import pytest
from law_checks import FULL, PLAIN, TO_THE_LETTER

import pytensor
import pytensor.tensor as pt

UNARY = [
    pt.exp, pt.log, pt.log1p, pt.expm1, pt.sqrt, pt.sqr, pt.neg, abs, pt.sigmoid, pt.softplus,
    pt.tanh, pt.reciprocal, pt.sign, pt.erf, pt.erfc, pt.log1mexp, pt.sinh, pt.arcsinh,
    pt.arctanh,
    lambda x: x**2, lambda x: x**3, lambda x: x**-1, lambda x: x**0.5, lambda x: x**1,
    lambda x: pt.cast(x, "float32"), lambda x: pt.cast(x, "float64"),
]  # fmt: skip
INTEGER_UNARY = [
    pt.neg, abs, pt.sqr, pt.sign, lambda x: x**2, lambda x: x * 0, lambda x: x // 2,
    lambda x: x % 3, lambda x: pt.cast(x, "int8"), lambda x: pt.cast(x, "int32"),
]  # fmt: skip
BINARY = [
    pt.add, pt.sub, pt.mul, pt.true_div, pt.add, pt.sub, pt.mul, pt.true_div,
    pt.maximum, pt.minimum, pt.second,
]  # fmt: skip
INTEGER_BINARY = [
    pt.add, pt.sub, pt.mul, pt.maximum, pt.minimum, pt.int_div, pt.mod, pt.second,
]  # fmt: skip
NUMBERS = [0, 1, -1, 2, 3, 0.5, -2, 1.0, 10.0, 0.1]
REDUCTIONS = [
    lambda x: x.sum(),
    lambda x: x.sum(axis=0, keepdims=True),
    lambda x: x.max(axis=x.ndim - 1, keepdims=True),
    lambda x: x.mean(),
    lambda x: x.prod(axis=0),
    lambda x: x.T,
]


def is_integer(var) -> bool:
    return isinstance(var, int) or (not isinstance(var, float) and var.dtype[0] in "iu")


def grown(rng, pool):
    """Return one more expression of those in `pool`."""
    a = rng.choice(pool[-4:] + pool)
    r = rng.random()
    if r < 0.35:
        return rng.choice(INTEGER_UNARY if is_integer(a) and rng.random() < 0.8 else UNARY)(a)
    if r < 0.75:
        b = rng.choice(pool + pool[-3:]) if rng.random() < 0.7 else rng.choice(NUMBERS)
        integers = is_integer(a) and is_integer(b) and rng.random() < 0.7
        op = rng.choice(INTEGER_BINARY if integers else BINARY)
        return op(a, b) if rng.random() < 0.6 else op(b, a)
    if r < 0.85:
        return pt.switch(pt.gt(a, rng.choice(pool)), a, rng.choice([*pool, 0]))
    return rng.choice(REDUCTIONS)(a) if a.ndim else a


def random_expression(rng, leaves):
    pool = list(leaves)
    for _ in range(rng.randrange(3, 12)):
        try:
            pool.append(grown(rng, pool))
        except (TypeError, ValueError, NotImplementedError):
            continue  # no such operation on these types
    return pool[-1]


def random_values(rng, kind, special):
    numbers = np.random.default_rng(rng.randrange(1 << 30))
    if kind == "int":
        return [
            numbers.integers(-5, 6, size=(3, 4)),
            numbers.integers(-5, 6, size=(3, 4)).astype("int8"),
            numbers.integers(0, 6, size=(1, 4)).astype("uint8"),
        ]
    values = []
    for shape in [(3, 4), (3, 4), (1, 4), ()]:
        value = numbers.normal(size=shape) * 2
        if special:
            odd = numbers.choice([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0], size=shape)
            value = np.where(numbers.random(shape) < 0.35, odd, value)
        values.append(value.astype(kind))
    return values


def check(seed, gradient=False):
    rng = random.Random(seed)
    kind = rng.choice(["float64", "float64", "float32", "int"])
    special = rng.random() < 0.5
    values = random_values(rng, kind, special)
    leaves = [
        pt.tensor(f"a{i}", dtype=v.dtype.name, shape=tuple(1 if n == 1 else None for n in v.shape))
        for i, v in enumerate(values)
    ]
    out = random_expression(rng, leaves)
    if gradient:
        if not out.dtype.startswith("float") or kind == "int":
            return
        out = pytensor.grad(out.sum(), leaves[0], disconnected_inputs="ignore")
    plain = pytensor.function(leaves, out, mode=PLAIN, on_unused_input="ignore")
    mode = TO_THE_LETTER if special else FULL
    ruled = pytensor.function(leaves, out, mode=mode, on_unused_input="ignore")
    with np.errstate(all="ignore"):
        try:
            expected = plain(*values)
        except ValueError:
            return  # integers to negative powers
        got = ruled(*values)
    text = pytensor.printing.debugprint([out, *ruled.maker.fgraph.outputs], file="str")
    assert got.dtype == expected.dtype, text
    assert got.shape == expected.shape, text
    compare(
        got, expected, special, "float32" in (kind, expected.dtype.name) or "float32" in text, text
    )


def compare(got, expected, special, single, text):
    if expected.dtype.kind in "iub":
        assert np.array_equal(got, expected), text
        return
    finite = np.isfinite(expected)
    rtol = 2e-3 if single else 1e-6
    atol = rtol * max(1.0, 1e-6 * float(np.abs(expected[finite]).max(initial=0)))
    np.testing.assert_allclose(got[finite], expected[finite], rtol=rtol, atol=atol, err_msg=text)
    if special:
        np.testing.assert_array_equal(np.isnan(got), np.isnan(expected), err_msg=text)


@pytest.mark.parametrize("seed", range(120))
def test_values(seed):
    check(seed)


@pytest.mark.parametrize("seed", range(60))
def test_gradients(seed):
    check(seed, gradient=True)


@pytest.mark.slow
@pytest.mark.parametrize("block", range(20))
def test_many(block):
    for seed in range(1000 + 150 * block, 1150 + 150 * block):
        check(seed)
        check(seed, gradient=True)
