"""The C helpers in front of libraries with limits and faults: small integers, old outputs that are read."""

import ctypes
import itertools
import subprocess

import blas_helpers
import numpy as np
import pytest
from blas_layouts import DTYPES, MATRIX_LAYOUTS, VECTOR_LAYOUTS, random

from pytensor.tensor.blas._ldflags import BLAS_NAMES

# Where the routines have their integers among their arguments, and how many arguments there are.
INTEGERS = {
    "dgemm": (13, (2, 3, 4, 7, 9, 12)),
    "dgemv": (11, (1, 2, 5, 7, 10)),
    "dger": (9, (0, 1, 4, 6, 8)),
    "dsyrk": (10, (2, 3, 6, 9)),
}


def checked(name, address, limit, seen):
    """The routine behind a check of its integers, which must not be larger than `limit`."""
    count, positions = INTEGERS[name]
    prototype = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * count)
    routine = prototype(address)

    def call(*args):
        values = [abs(ctypes.c_int32.from_address(args[i]).value) for i in positions]
        seen.setdefault(name, []).append(max(values))
        if max(values) <= limit:
            routine(*args)

    return prototype(call)


@pytest.fixture(scope="module")
def limited(tmp_path_factory):
    """Helpers for a library whose integers end at 5, which is asked to prove it."""
    flags = ["-DBLAS_INT_LIMIT=5", "-DBLAS_LARGE_GER=0"]
    flags += [f"-DBLAS_SMALL_{name}=0" for name in ("GEMM", "GEMV", "SYRK")]
    path = blas_helpers.compile_harness(tmp_path_factory.mktemp("limited"), flags)
    helpers = blas_helpers.Helpers(path, limit=5)
    helpers.seen = {}
    helpers.callbacks = [
        checked(name, helpers.table[BLAS_NAMES.index(name)], 5, helpers.seen) for name in INTEGERS
    ]
    for name, callback in zip(INTEGERS, helpers.callbacks):
        address = ctypes.cast(callback, ctypes.c_void_p).value
        helpers.table[BLAS_NAMES.index(name)] = address
    return helpers


def test_no_integer_is_larger_than_the_library_counts(limited):
    rng = np.random.default_rng(1)
    for (m, k, n), layout in itertools.product(
        [(12, 3, 4), (3, 13, 5), (4, 4, 17), (5, 5, 5), (11, 12, 13), (1, 14, 4), (6, 7, 1)],
        ("C", "F", "step both", "negative rows"),
    ):
        place = MATRIX_LAYOUTS[layout]
        x, y = place(rng.normal(size=(m, k))), place(rng.normal(size=(k, n)))
        z = place(np.full((m, n), np.nan))
        assert limited.gemm(2.0, x, y, 0.0, z) >= 0
        np.testing.assert_allclose(z, 2 * (x @ y))
        v, out = rng.normal(size=k), np.full(m, np.nan)
        assert limited.gemv(1.0, x, v, 0.0, out) >= 0
        np.testing.assert_allclose(out, x @ v)
        assert limited.ger(3.0, out, y[0], z, z) >= 0
        np.testing.assert_allclose(z, 2 * (x @ y) + 3 * np.outer(out, y[0]))
        square = place(np.full((m, m), np.nan))
        assert limited.syrk(1.0, x, 0.0, square, square) >= 0
        np.testing.assert_allclose(square, x @ x.T)
        batch = np.full((3, m, n), np.nan)
        stack = np.stack([x, 2 * x, 3 * x])
        for right in (y[None], np.stack([y, y, y])):
            assert limited.batched(1.0, stack, right, 0.0, batch) >= 0
            np.testing.assert_allclose(batch, stack @ right)
    assert set(limited.seen) == set(INTEGERS)
    assert max(itertools.chain(*limited.seen.values())) <= 5


@pytest.fixture(scope="module")
def multiplying(tmp_path_factory):
    """Helpers for a library that multiplies old outputs by beta = 0."""
    directory = tmp_path_factory.mktemp("multiplying")
    library = directory / "libmock.so"
    command = [blas_helpers.compiler(), "-O1", "-shared", "-fPIC", "-DMULTIPLIES_BY_ZERO"]
    command += [
        f"-I{blas_helpers.C_CODE}",
        str(blas_helpers.HERE / "mock_blas.c"),
        "-o",
        str(library),
    ]
    subprocess.run(command, check=True)
    lib = ctypes.CDLL(str(library))
    table = [ctypes.cast(getattr(lib, f"{name}_"), ctypes.c_void_p).value for name in BLAS_NAMES]
    for name in ("cherk", "zherk"):  # the mock has none
        table[BLAS_NAMES.index(name)] = None
    flags = ["-DBLAS_ZERO_FIRST", "-DBLAS_LARGE_GER=0"]
    helpers = blas_helpers.Helpers(blas_helpers.compile_harness(directory, flags), table=table)
    helpers.keep = lib
    return helpers


@pytest.mark.parametrize("letter", DTYPES)
@pytest.mark.parametrize("fill", [np.nan, np.inf])
def test_beta_zero_never_reads_the_output(multiplying, letter, fill):
    rng = np.random.default_rng(2)
    dtype = DTYPES[letter]
    close = {"rtol": 1e-4, "atol": 1e-4}
    for (m, k, n), layout in itertools.product(
        [(2, 2, 2), (9, 8, 7), (1, 9, 9), (9, 9, 1), (40, 3, 40)], MATRIX_LAYOUTS.values()
    ):
        x, y = random(rng, (m, k), dtype), random(rng, (k, n), dtype)
        z = layout(np.full((m, n), fill, dtype))
        assert multiplying.gemm(1.0, x, y, 0.0, z) >= 0
        np.testing.assert_allclose(z, x @ y, **close)
        square = layout(np.full((m, m), fill, dtype))
        assert multiplying.syrk(1.0, x, 0.0, square, square) >= 0
        np.testing.assert_allclose(square, x @ x.T, **close)
        if letter in "cz":
            square[...] = fill
            assert multiplying.syrk(1.0, x, 0.0, square, square, True) >= 0
            np.testing.assert_allclose(square, x @ x.conj().T, **close)
        batch = np.full((3, m, n), fill, dtype)
        assert multiplying.batched(1.0, np.stack([x] * 3), y[None], 0.0, batch) >= 0
        np.testing.assert_allclose(batch, np.stack([x @ y] * 3), **close)
        batch[...] = fill
        assert multiplying.batched(1.0, x[None], np.stack([y] * 3), 0.0, batch) >= 0
        np.testing.assert_allclose(batch, np.stack([x @ y] * 3), **close)
    for (m, k), layout in itertools.product([(3, 4), (12, 11), (1, 30)], VECTOR_LAYOUTS.values()):
        a, x = random(rng, (m, k), dtype), random(rng, k, dtype)
        out = layout(np.full(m, fill, dtype))
        assert multiplying.gemv(1.0, a, x, 0.0, out) >= 0
        np.testing.assert_allclose(out, a @ x, **close)


@pytest.mark.parametrize("letter", DTYPES)
def test_alpha_zero_never_reads_the_operands(multiplying, letter):
    dtype = DTYPES[letter]
    bad = np.full((9, 9), np.nan, dtype)
    for beta in (0.0, 2.0):
        old = np.full((9, 9), np.nan if beta == 0 else 1, dtype)
        for call in (
            lambda z: multiplying.gemm(0.0, bad, bad, beta, z),
            lambda z: multiplying.syrk(0.0, bad, beta, z, z),
            lambda z: multiplying.batched(0.0, bad[None], bad[None], beta, z[None]),
            lambda z: min(multiplying.gemv(0.0, bad, bad[0], beta, row) for row in z),
        ):
            z = old.copy()
            assert call(z) >= 0
            assert np.all(z == beta)
    z = np.ones((9, 9), dtype)
    assert multiplying.ger(0.0, bad[0], bad[0], z, z) >= 0
    assert np.all(z == 1)


@pytest.mark.parametrize("letter", "cz")
def test_conjugates_are_folded_into_the_calls(helpers, letter):
    """One packed copy at most, and of a vector where there is one."""
    rng = np.random.default_rng(3)
    dtype = DTYPES[letter]
    x, y = random(rng, (24, 20), dtype), random(rng, (20, 22), dtype)
    z = np.empty((24, 22), dtype)
    copies = {}
    for name, (left, right) in {
        "CC": (x, y),
        "FC": (x.copy("F"), y),
        "FF": (x.copy("F"), y.copy("F")),
    }.items():
        for conj in itertools.product((False, True), repeat=2):
            copies[name, conj] = helpers.gemm(1.0, left, right, 0.0, z, conj)
            a, b = (np.conj(v) if c else v for v, c in zip((x, y), conj))
            np.testing.assert_allclose(z, a @ b, rtol=1e-4, atol=1e-4)
    assert copies["FF", (True, True)] == 0 and max(copies.values()) == 1
    for a in (x, x.copy("F"), x[::-1], x[::2]):
        v, out = random(rng, 20, dtype), random(rng, len(a), dtype)
        expected = 2 * np.conj(a) @ v + (1 + 2j) * out
        assert helpers.gemv(2.0, a, v, 1 + 2j, out, True) <= 1
        np.testing.assert_allclose(out, expected, rtol=1e-4, atol=1e-4)
    u, v = random(rng, 120, dtype), random(rng, 120, dtype)
    for order, conj in itertools.product("CF", [(True, False), (False, True), (True, True)]):
        a = np.array(random(rng, (120, 120), dtype), order=order)
        left, right = (np.conj(w) if c else w for w, c in zip((u, v), conj))
        expected = a + 2j * np.outer(left, right)
        copied = helpers.ger(2j, u, v, a, a, conj)
        assert copied == (sum(conj) if conj != ((order == "C"), (order == "F")) else 0)
        np.testing.assert_allclose(a, expected, rtol=1e-4, atol=1e-4)
