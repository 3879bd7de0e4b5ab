"""Compiled products of dtypes and ranks without a BLAS routine: integers, float16, batches of any rank."""

import itertools

import numpy as np
import pytest

import pytensor
import pytensor.tensor as pt
from pytensor.compile.mode import Mode
from pytensor.link.c.dispatch import load_dispatch
from pytensor.link.c.dispatch.basic import c_funcify
from pytensor.tensor._dot import Dot
from pytensor.tensor.blas import BatchedDot, batched_gemm, batched_gemm_inplace
from pytensor.tensor.blockwise import Blockwise

MODE = Mode(linker="c", optimizer=None)
INTEGERS = tuple(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64))
LAYOUTS = {
    "C": lambda a: a,
    "F": np.asfortranarray,
    "step": lambda a: np.repeat(a, 2, -1)[..., ::2],
    "negative rows": lambda a: np.flip(a, -2),
    "negative columns": lambda a: a[..., ::-1],
    "zero": lambda a: np.broadcast_to(a[..., :1], a.shape) if a.size else a,
}
SHAPES = (
    *((3, 5, 17), (4, 4, 4), (9, 33, 2), (70, 67, 71), (1, 9, 9), (9, 9, 1)),
    *((0, 3, 4), (3, 0, 4), (3, 4, 0), (2, 6000, 12)),
)


def matrix(name, dtype, *lengths):
    return pt.tensor(name, shape=lengths or (None, None), dtype=dtype)


def integers(rng, shape, dtype):
    info = np.iinfo(dtype)
    return rng.integers(info.min, info.max, size=shape, dtype=dtype, endpoint=True)


@pytest.mark.parametrize("dtype", INTEGERS)
def test_integers_wrap_as_in_numpy(dtype):
    rng = np.random.default_rng(1)
    x, y, t, u = (matrix(n, dtype, *[None] * d) for n, d in zip("xytu", (2, 2, 3, 3)))
    one = matrix("one", dtype, 1, None, None)
    outputs = [Dot()(x, y), BatchedDot()(t, u), Blockwise(Dot())(t, one)]
    f = pytensor.function([x, y, t, u, one], outputs, mode=MODE)
    load_dispatch()
    assert all(c_funcify(out.owner.op, node=out.owner) is not None for out in outputs)
    for (m, k, n), left, right in itertools.product(SHAPES, LAYOUTS.values(), LAYOUTS.values()):
        b = 1 if k > 1000 else 3
        t_value = left(integers(rng, (b, m, k), dtype))
        u_value = right(integers(rng, (b, k, n), dtype))
        values = t_value[0], u_value[0], t_value, u_value, u_value[:1]
        expected = t_value[0] @ u_value[0], t_value @ u_value, t_value @ u_value[:1]
        for got, wanted in zip(f(*values), expected):
            assert got.dtype == dtype
            np.testing.assert_array_equal(got, wanted)


@pytest.mark.parametrize("dtype", ["float16", "bool"])
def test_dtypes_without_a_kernel_give_numpys_numbers(dtype):
    """float16 sums are kept in float32; booleans are added by `or`."""
    rng = np.random.default_rng(2)
    x, y = matrix("x", dtype), matrix("y", dtype)
    out = Dot()(x, y)
    f = pytensor.function([x, y], out, mode=MODE)
    a, b = ((rng.random(s) * 2).astype(dtype) for s in ((7, 3000), (3000, 6)))
    got = f(a, b)
    assert got.dtype == dtype
    np.testing.assert_array_equal(got, a @ b)
    if dtype == "float16":
        exact = a.astype("float64") @ b.astype("float64")
        assert abs(got / exact - 1).max() < 1e-3


def patterns():
    """All ways in which the batch axes of x and y broadcast, with 3 and 4 axes."""
    for rank in (1, 2):
        sides = list(itertools.product((1, 3), repeat=rank))
        yield from itertools.product(sides, sides)


def stack(name, shape, dtype):
    return pt.tensor(name, shape=tuple(1 if n == 1 else None for n in shape), dtype=dtype)


@pytest.mark.parametrize("of_x, of_y", list(patterns()))
def test_batches_in_every_broadcast_pattern(of_x, of_y):
    rng = np.random.default_rng(3)
    dtype = "float64" if len(of_x) == 2 else "complex64" if of_x == of_y else "float32"
    m, k, n = {"float64": (4, 5, 6), "complex64": (3, 2, 3), "float32": (9, 1, 9)}[dtype]
    a, b = (rng.normal(size=s).astype(dtype) for s in ((*of_x, m, k), (*of_y, k, n)))
    x, y = stack("x", a.shape, dtype), stack("y", b.shape, dtype)
    product = a @ b
    accumulators = [
        np.ones([1] * product.ndim),
        rng.normal(size=n),
        rng.normal(size=product.shape),
    ]
    old = [
        v.astype(dtype).reshape([1] * (product.ndim - v.ndim) + [*v.shape]) for v in accumulators
    ]
    zs = [stack("z", v.shape, dtype) for v in old]
    outputs = [Blockwise(Dot())(x, y), *[batched_gemm(z, 2.0, x, y, 0.5) for z in zs]]
    f = pytensor.function([x, y, *zs], outputs, mode=MODE)
    for left, right in itertools.product(("C", "F", "negative rows", "step"), repeat=2):
        got = f(LAYOUTS[left](a), LAYOUTS[right](b), *old)
        product = LAYOUTS[left](a) @ LAYOUTS[right](b)
        for value, wanted in zip(got, [product, *[2 * product + v / 2 for v in old]]):
            np.testing.assert_allclose(value, wanted, rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("of_x, of_y", list(patterns()))
def test_integers_in_every_broadcast_pattern(of_x, of_y):
    rng = np.random.default_rng(4)
    shapes = list(itertools.product((1, 2), (3,), (1, 5)))
    arrays = [
        (rng.integers(-9, 9, (*of_x, m, k)), rng.integers(-9, 9, (*of_y, k, n)))
        for m, k, n in shapes
    ]
    # Lengths of the matrices are not known: one function for all.
    x, y = (
        pt.tensor(shape=(*(1 if b == 1 else None for b in of), None, None), dtype="int64")
        for of in (of_x, of_y)
    )
    f = pytensor.function([x, y], Blockwise(Dot())(x, y), mode=MODE)
    for a, b in arrays:
        np.testing.assert_array_equal(f(a, b), a @ b)
        np.testing.assert_array_equal(
            f(a[..., ::-1, :], b[..., ::-1]), a[..., ::-1, :] @ b[..., ::-1]
        )


def test_large_folded_batches_are_sliced():
    rng = np.random.default_rng(4)
    x, y = stack("x", (2, 40, 64, 32), "float64"), stack("y", (1, 1, 32, 48), "float64")
    z = stack("z", (2, 40, 64, 48), "float64")
    f = pytensor.function([x, y, z], [x @ y, batched_gemm(z, 1.0, x, y, 1.0)], mode=MODE)
    a, b, c = (rng.normal(size=s) for s in ((2, 40, 64, 32), (1, 1, 32, 48), (2, 40, 64, 48)))
    for factor in (a, a[:, ::2], a[::-1], a[..., ::-1]):
        got = f(factor, b, c[:, : factor.shape[1]])
        np.testing.assert_allclose(got[0], factor @ b, atol=1e-12)
        np.testing.assert_allclose(got[1], factor @ b + c[:, : factor.shape[1]], atol=1e-12)


def test_unread_operands_of_a_batch():
    """With beta = 0 the old batch is not read, with alpha = 0 the factors are not."""
    x, y, z = (pt.tensor(n, shape=(None, None, None)) for n in "xyz")
    alpha, beta = pt.dscalars("alpha", "beta")
    f = pytensor.function([z, alpha, x, y, beta], batched_gemm(z, alpha, x, y, beta), mode=MODE)
    a, b, bad = np.ones((3, 4, 5)), np.ones((3, 5, 6)), np.full((3, 4, 6), np.nan)
    np.testing.assert_array_equal(f(bad, 1.0, a, b, 0.0), 5.0)
    np.testing.assert_array_equal(f(np.ones_like(bad), 0.0, a * np.nan, b * np.inf, 2.0), 2.0)
    np.testing.assert_array_equal(f(bad, 0.0, a * np.nan, b, 0.0), 0.0)


@pytest.mark.parametrize(
    "shapes",
    [
        ((6, 70, 20), (6, 20, 90), (6, 70, 90)),
        ((6, 70, 20), (1, 20, 90), (6, 1, 90)),
        ((1, 3, 70, 20), (4, 1, 20, 90), (1, 3, 70, 90)),
        ((9, 1, 70, 20), (1, 1, 20, 90), (1, 1, 70, 1)),
    ],
    ids=str,
)
def test_large_batches_are_added_to_in_parts(shapes):
    """Each matrix of the accumulator is copied right before its product."""
    x, y, z = (pt.tensor(shape=[1 if n == 1 else None for n in shape]) for shape in shapes)
    f = pytensor.function([z, x, y], batched_gemm(z, -2.0, x, y, 0.5), mode=MODE)
    rng = np.random.default_rng(6)
    a, b, c = (rng.normal(size=shape) for shape in shapes)
    for layout in LAYOUTS.values():
        np.testing.assert_allclose(
            f(layout(c), layout(a), b), 0.5 * layout(c) - 2 * layout(a) @ b, atol=1e-12
        )


def test_batched_gemm_over_its_accumulator():
    x, y, z = (pt.tensor(n, shape=(None, None, None)) for n in "xyz")
    out = batched_gemm_inplace(pt.exp(z), 1.0, x, y, 2.0)
    f = pytensor.function(
        [x, y, z], out, mode=Mode(linker="c", optimizer=None), accept_inplace=True
    )
    rng = np.random.default_rng(5)
    a, b, c = (rng.normal(size=s) for s in ((3, 4, 5), (3, 5, 6), (3, 4, 6)))
    np.testing.assert_allclose(f(a, b, c), a @ b + 2 * np.exp(c))


@pytest.mark.parametrize(
    "shapes, message",
    [
        (((2, 3, 4), (2, 6, 5)), "must agree on the inner dimension (shapes not aligned)"),
        (((2, 3, 4), (3, 4, 5)), "must agree on the batch axes"),
        (((2, 3, 4), (1, 4, 5)), "Runtime broadcasting not allowed"),
    ],
)
@pytest.mark.parametrize("dtype", ["float64", "int32"])
def test_errors_name_the_rule(shapes, message, dtype):
    x, y = (pt.tensor(n, shape=(None, None, None), dtype=dtype) for n in "xy")
    f = pytensor.function([x, y], Blockwise(Dot())(x, y), mode=MODE)
    with pytest.raises(ValueError) as error:
        f(*[np.ones(shape, dtype) for shape in shapes])
    assert message in str(error.value)
