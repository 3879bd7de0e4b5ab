"""The BLAS Ops in Python: values for every dtype, layout, factor and shape."""

import itertools

import numpy as np
import pytest
from blas_layouts import (
    DTYPES,
    MATRIX_LAYOUTS,
    SHARED_LAYOUTS,
    SHARED_VECTORS,
    VECTOR_LAYOUTS,
    random,
)
from ops_cases import ACCUMULATING, CASES, CONJUGATED, PURE, perform

from pytensor.tensor.blas import (
    BatchedGemm,
    Syrk,
    _batched_dot,
    _dot22,
    _dot22scalar,
    gemm_inplace,
    gemm_no_inplace,
    gemv_inplace,
    gemv_no_inplace,
    ger,
    ger_destructive,
    syrk_inplace,
    syrk_no_inplace,
)

nan = np.nan


def exact(values):
    """The values in the largest dtype of their kind."""
    return [np.array(v, np.complex128 if np.iscomplexobj(v) else float) for v in values]


def tolerance_of(dtype):
    name = np.dtype(dtype).char
    return {"e": 4e-3, "f": 2e-4, "F": 2e-4}.get(name, 1e-11)


def assert_value(case, values, **changes):
    op, _, equation = case
    expected = equation(*exact(values))
    tolerance = tolerance_of(values[0].dtype)
    got = perform(op, *values)
    np.testing.assert_allclose(got, expected, rtol=tolerance, atol=tolerance * 10, **changes)
    return got


@pytest.mark.parametrize("letter", [*DTYPES, "e"])
@pytest.mark.parametrize("name", CASES)
def test_values(name, letter):
    rng = np.random.default_rng(1)
    dtype = np.float16 if letter == "e" else DTYPES[letter]
    assert_value(CASES[name], [random(rng, shape, dtype) for shape in CASES[name][1]])


@pytest.mark.parametrize("letter", "cz")
@pytest.mark.parametrize("name", CONJUGATED)
def test_values_of_conjugated_operands(name, letter):
    rng = np.random.default_rng(2)
    case = CONJUGATED[name]
    for order in itertools.product("CF", repeat=len(case[1])):
        values = [
            np.array(random(rng, shape, DTYPES[letter]), order=o)
            for shape, o in zip(case[1], order)
        ]
        assert_value(case, values)


def grown(shape, n):
    return tuple(n * length for length in shape)


@pytest.mark.parametrize(
    "name, letter", [*itertools.product(CASES, "sz"), *itertools.product(CONJUGATED, "z")]
)
def test_products_of_a_size_for_which_copies_are_avoided(name, letter):
    rng = np.random.default_rng(3)
    case = (CASES | CONJUGATED)[name]
    for order in itertools.product("CF", repeat=sum(len(shape) > 1 for shape in case[1])):
        orders = iter(order)
        values = [
            np.array(
                random(rng, grown(shape, 20), DTYPES[letter]),
                order=next(orders) if len(shape) > 1 else "C",
            )
            for shape in case[1]
        ]
        values = [v if v.ndim else v * DTYPES[letter](0.25) for v in values]
        assert_value(case, values)


# -- layouts -------------------------------------------------------------------------------


def layouts_of(shape, writable):
    if len(shape) == 1:
        table = VECTOR_LAYOUTS if writable else VECTOR_LAYOUTS | SHARED_VECTORS
    elif len(shape) == 2:
        table = MATRIX_LAYOUTS if writable else MATRIX_LAYOUTS | SHARED_LAYOUTS
    else:
        return []
    extra = {"byte-swapped": lambda a: a.astype(a.dtype.newbyteorder("S"))}
    return [*(table | extra).values()]


@pytest.mark.parametrize("scale", [1, 16], ids=["small", "large"])
@pytest.mark.parametrize("letter", DTYPES)
@pytest.mark.parametrize("name", CASES)
def test_layouts(name, letter, scale):
    """Every layout of each operand in turn, next to C- and F-ordered ones."""
    op, shapes, _ = CASES[name]
    rng = np.random.default_rng(4)
    base = [random(rng, grown(shape, scale), DTYPES[letter]) for shape in shapes]
    for i, shape in enumerate(shapes):
        written = bool(op.destroy_map) and i == 0
        for layout, order in itertools.product(layouts_of(shape, written), "CF"):
            values = [np.array(v, order=order) for v in base]
            values[i] = layout(values[i])
            assert_value(CASES[name], values)


@pytest.mark.parametrize("name", PURE)
def test_read_only_operands(name):
    op, shapes, _ = PURE[name]
    values = [random(np.random.default_rng(5), shape, float) for shape in shapes]
    for value in values:
        value.flags.writeable = False
    assert_value(PURE[name], values)


def test_batches_in_every_layout():
    rng = np.random.default_rng(6)
    x, y, z = (rng.normal(size=s) for s in ((4, 3, 5), (4, 5, 2), (4, 3, 2)))
    layouts = [
        lambda a: a,
        lambda a: a[::-1],
        lambda a: a[:, ::-1, ::-1],
        lambda a: np.swapaxes(np.ascontiguousarray(np.swapaxes(a, 1, 2)), 1, 2),
        lambda a: np.moveaxis(np.ascontiguousarray(np.moveaxis(a, 0, 2)), 2, 0),
        lambda a: np.broadcast_to(a[:1], a.shape),
        lambda a: np.broadcast_to(a[:, :1], a.shape),
        lambda a: a.astype(a.dtype.newbyteorder("S")),
    ]
    half = np.array(0.5)
    for first, second in itertools.product(layouts, repeat=2):
        a, b, c = first(x), second(y), second(z)
        np.testing.assert_allclose(perform(_batched_dot, a, b), a @ b, rtol=1e-12)
        got = perform(BatchedGemm(), c, half, a, b, half)
        np.testing.assert_allclose(got, 0.5 * (a @ b) + 0.5 * c, rtol=1e-12, atol=1e-14)


# -- the rules of alpha and beta -----------------------------------------------------------


@pytest.mark.parametrize("size", [1, 16])
@pytest.mark.parametrize(
    "name, letter",
    [
        *itertools.product(ACCUMULATING, "sdcze"),
        *itertools.product(["gemm x", "gemv A inplace", "syrk H", "ger y"], "cz"),
    ],
)
def test_zero_factors_leave_arrays_unread(name, size, letter):
    dtype = np.float16 if letter == "e" else DTYPES[letter]
    op, shapes, equation = (CASES | CONJUGATED)[name]
    rng = np.random.default_rng(8)
    shapes = [grown(shape, size) for shape in shapes]
    for order in "CF":
        values = [np.array(random(rng, s, dtype), order=order) for s in shapes]
        if len(shapes[-1]) == 0:  # there is a beta
            values[-1] = np.zeros((), dtype)
            expected = equation(*exact([np.zeros_like(values[0]), *values[1:]]))
            for bad in (nan, np.inf):
                changed = [np.full_like(values[0], bad), *values[1:]]
                t = tolerance_of(dtype)
                np.testing.assert_allclose(perform(op, *changed), expected, rtol=t, atol=t * 30)
        values = [np.array(random(rng, s, dtype), order=order) for s in shapes]
        values[1] = np.zeros((), dtype)
        expected = equation(*exact(values))
        changed = [
            v if v.ndim == 0 or i == 0 else np.full_like(v, nan) for i, v in enumerate(values)
        ]
        t = tolerance_of(dtype)
        np.testing.assert_allclose(perform(op, *changed), expected, rtol=t, atol=t)


def test_zero_alpha_of_dot22scalar():
    bad = np.full((3, 3), nan)
    np.testing.assert_array_equal(perform(_dot22scalar, bad, bad, np.zeros(())), np.zeros((3, 3)))


@pytest.mark.parametrize("name", PURE)
def test_nan_and_inf_go_through(name):
    op, shapes, equation = PURE[name]
    for bad in (nan, np.inf):
        for i, shape in enumerate(shapes):
            values = [np.ones(s) for s in shapes]
            values[i][(0,) * len(shape)] = bad
            np.testing.assert_array_equal(perform(op, *values), equation(*values))


# -- shapes --------------------------------------------------------------------------------


@pytest.mark.parametrize("lengths", [*itertools.product((0, 1, 2), repeat=3)])
def test_empty_and_short_axes(lengths):
    m, k, n = lengths
    one, half, zero = np.ones(()), np.array(0.5), np.zeros(())
    product = np.full((m, n), float(k))
    x, y = np.ones((m, k)), np.ones((k, n))
    equal = np.testing.assert_array_equal
    for gemm in (gemm_no_inplace, gemm_inplace):
        equal(perform(gemm, np.ones((m, n)), one, x, y, half), product + 0.5)
        equal(perform(gemm, np.full((m, n), nan), one, x, y, zero), product)
    equal(perform(_dot22, x, y), product)
    equal(perform(_dot22scalar, x, y, half), 0.5 * product)
    for gemv in (gemv_no_inplace, gemv_inplace):
        equal(perform(gemv, np.ones(m), one, x, np.ones(k), half), np.full(m, k + 0.5))
        equal(perform(gemv, np.full(m, nan), one, x, np.ones(k), zero), np.full(m, float(k)))
    for update in (ger, ger_destructive):
        equal(perform(update, np.ones((m, n)), half, np.ones(m), np.ones(n)), np.full((m, n), 1.5))
    for syrk in (syrk_no_inplace, syrk_inplace):
        equal(perform(syrk, np.ones((m, m)), one, x, half), np.full((m, m), k + 0.5))
    complex_x = x.astype(complex)
    z = np.ones((m, m), complex)
    got = perform(Syrk(hermitian=True), z, np.array(1j), complex_x, np.array(0.5 + 0j))
    equal(got, np.full((m, m), k * 1j + 0.5))
    equal(perform(_batched_dot, np.ones((n, m, k)), np.ones((n, k, m))), np.full((n, m, m), k))
    for batch in (BatchedGemm(), BatchedGemm(inplace=True)):
        z = np.ones((n, m, m))
        got = perform(batch, z, one, np.ones((n, m, k)), np.ones((n, k, m)), half)
        equal(got, np.full((n, m, m), k + 0.5))


def test_length_one_axes_of_the_accumulator_broadcast():
    rng = np.random.default_rng(9)
    one, half = np.ones(()), np.array(0.5)
    for n in (1, 20):
        x, y = rng.normal(size=(3 * n, 4 * n)), rng.normal(size=(4 * n, 5 * n))
        for shape in ((1, 5 * n), (3 * n, 1), (1, 1)):
            z = rng.normal(size=shape)
            got = perform(gemm_no_inplace, z, one, x, y, half)
            np.testing.assert_allclose(got, 0.5 * z + x @ y)
            assert perform(gemm_no_inplace, z, one, x, y, 0 * one).shape == got.shape
            assert perform(gemm_no_inplace, z, 0 * one, x, y, one).shape == got.shape
            with pytest.raises(ValueError, match="aligned"):
                perform(gemm_inplace, z, one, x, y, one)
        v = rng.normal(size=4 * n)
        got = perform(gemv_no_inplace, np.ones(1), one, x, v, half)
        np.testing.assert_allclose(got, 0.5 + x @ v)
        with pytest.raises(ValueError, match="aligned"):
            perform(gemv_inplace, np.ones(1), one, x, v, half)
        for shape in ((1, 3 * n), (3 * n, 1), (1, 1)):
            z = rng.normal(size=shape)
            got = perform(syrk_no_inplace, z, one, x, half, known_ones=True)
            np.testing.assert_allclose(got, 0.5 * z + x @ x.T)
            for op in (syrk_no_inplace, syrk_inplace):
                with pytest.raises(ValueError, match="aligned"):
                    perform(op, z, one, x, half)


def test_batches_broadcast_along_axes_known_to_be_one():
    rng = np.random.default_rng(10)
    half = np.array(0.5)
    for x_batch, y_batch in [
        ((6, 2), (1, 2)),
        ((1, 2), (6, 1)),
        ((6, 1), (6, 2)),
        ((1, 1), (6, 2)),
    ]:
        x, y = rng.normal(size=(*x_batch, 3, 4)), rng.normal(size=(*y_batch, 4, 5))
        for z_shape in ((6, 2, 3, 5), (1, 2, 3, 5), (6, 1, 1, 5), (1, 1, 1, 1)):
            z = rng.normal(size=z_shape)
            got = perform(BatchedGemm(), z, half, x, y, half)
            np.testing.assert_allclose(got, 0.5 * (x @ y) + 0.5 * z)
            if z_shape != got.shape:
                with pytest.raises(ValueError, match="aligned"):
                    perform(BatchedGemm(inplace=True), z, half, x, y, half)


# -- dtypes --------------------------------------------------------------------------------


def test_integers_in_gemv_and_batches_are_exact():
    big = np.full((1, 2), 2**40 + 1)
    y = perform(gemv_no_inplace, np.ones(1, int), np.array(3), big, np.array([3, 5]), np.array(2))
    assert y.tolist() == [3 * 8 * (2**40 + 1) + 2]
    assert perform(_batched_dot, big[None], big.T[None]).item() == 2 * (2**40 + 1) ** 2 % 2**64
    unsigned = np.full((2, 2), 250, np.uint8)
    got = perform(gemv_inplace, unsigned[0].copy(), np.uint8(2), unsigned, unsigned[0], np.uint8(1))
    assert got.tolist() == [(2 * 2 * 250 * 250 + 250) % 256] * 2


def test_float16_is_rounded_once():
    x = np.full((1, 4096), 1.0, np.float16)
    tiny = np.full((1, 1), 2.0**-12, np.float16)
    scale, one = np.array(2.0**-12, np.float16), np.ones((), np.float16)
    # Sums of ones in float16 would stop at 2048.
    assert perform(_dot22, x, x.T).item() == 4096
    assert perform(_dot22scalar, x, x.T, scale).item() == 1
    got = perform(gemm_no_inplace, tiny * 4, scale, x, x.T, one)
    assert got.item() == np.float16(1 + 2.0**-10)
    assert perform(_batched_dot, x[None], x.T[None]).item() == 4096


def test_factors_of_gemv_of_other_dtypes():
    rng = np.random.default_rng(11)
    A, x, y = (rng.normal(size=s).astype(np.float32) for s in ((3, 4), 4, 3))
    for alpha, beta in [(np.float64(0.5), np.int8(2)), (np.int64(-3), np.float16(0.25))]:
        got = perform(gemv_no_inplace, y, alpha, A, x, beta)
        np.testing.assert_allclose(got, alpha * (A @ x) + beta * y, rtol=1e-5)
