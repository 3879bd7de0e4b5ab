"""The C helpers by themselves: every layout, element type and scale against NumPy."""

import itertools
import os
import re
import subprocess
import sys

import blas_helpers
import numpy as np
import pytest
from blas_layouts import (
    DTYPES,
    MATRIX_LAYOUTS,
    SHARED_LAYOUTS,
    SHARED_VECTORS,
    TOLERANCE,
    VECTOR_LAYOUTS,
    random,
)

from pytensor.tensor.blas._ldflags import BLAS_NAMES

OPERANDS = MATRIX_LAYOUTS | SHARED_LAYOUTS
VECTORS = VECTOR_LAYOUTS | SHARED_VECTORS
SIZES = (0, 1, 2, 5, 9)
SCALES = (0.0, 1.0, -0.5)
EVERY = int(os.environ.get("PYTENSOR_TEST_LAYOUTS_EVERY", "3"))  # 1: all combinations


def sweep(*choices):
    """Every third combination of layouts, or all of them; the first axis of each is covered."""
    return itertools.islice(itertools.product(*choices), 0, None, EVERY)


def close(got, expected, letter):
    return np.allclose(got, expected, rtol=TOLERANCE[letter], atol=TOLERANCE[letter] * 100)


def prefilled(rng, shape, dtype, beta, layout):
    """An output: NaN everywhere if beta is 0, which must never be read."""
    values = np.full(shape, np.nan, dtype) if beta == 0 else random(rng, shape, dtype)
    return layout(values), np.where(np.isnan(values), 0, values)


@pytest.mark.parametrize("letter", DTYPES)
def test_gemm_in_every_layout(helpers, letter):
    rng = np.random.default_rng(ord(letter))
    dtype = DTYPES[letter]
    wrong = []
    for names in sweep(OPERANDS, OPERANDS, MATRIX_LAYOUTS):
        m, k, n = rng.choice(SIZES, 3) if rng.random() < 0.5 else (9, 7, 8)
        alpha, beta = rng.choice(SCALES, 2)
        x = OPERANDS[names[0]](random(rng, (m, k), dtype))
        y = OPERANDS[names[1]](random(rng, (k, n), dtype))
        z, old = prefilled(rng, (m, n), dtype, beta, MATRIX_LAYOUTS[names[2]])
        conj = rng.random(2) < 0.25 if letter in "cz" else (False, False)
        a, b = (np.conj(v) if c else v for v, c in zip((x, y), conj))
        expected = dtype(alpha) * (a.copy() @ b.copy()) + dtype(beta) * old
        status = helpers.gemm(alpha, x, y, beta, z, conj)
        if status < 0 or not close(z, expected, letter):
            wrong.append((names, (m, k, n), alpha, beta, tuple(conj), status))
    assert not wrong, f"{len(wrong)} wrong, first {wrong[:3]}"


@pytest.mark.parametrize("letter", DTYPES)
def test_gemv_in_every_layout(helpers, letter):
    rng = np.random.default_rng(ord(letter))
    dtype = DTYPES[letter]
    wrong = []
    for names in sweep(OPERANDS, VECTORS, VECTOR_LAYOUTS, range(4)):
        m, n = rng.choice(SIZES, 2) if rng.random() < 0.5 else (13, 11)
        alpha, beta = rng.choice(SCALES, 2)
        a = OPERANDS[names[0]](random(rng, (m, n), dtype))
        x = VECTORS[names[1]](random(rng, n, dtype))
        y, old = prefilled(rng, m, dtype, beta, VECTOR_LAYOUTS[names[2]])
        conj = bool(letter in "cz" and rng.random() < 0.3)
        expected = (
            dtype(alpha) * ((np.conj(a) if conj else a.copy()) @ x.copy()) + dtype(beta) * old
        )
        status = helpers.gemv(alpha, a, x, beta, y, conj)
        if status < 0 or not close(y, expected, letter):
            wrong.append((names, (m, n), alpha, beta, conj, status))
    assert not wrong, f"{len(wrong)} wrong, first {wrong[:3]}"


@pytest.mark.parametrize("letter", DTYPES)
@pytest.mark.parametrize("in_place", [False, True])
def test_ger_in_every_layout(helpers, letter, in_place):
    rng = np.random.default_rng(ord(letter))
    dtype = DTYPES[letter]
    wrong = []
    operands = MATRIX_LAYOUTS if in_place else OPERANDS
    for names in sweep(operands, MATRIX_LAYOUTS, VECTORS, VECTORS):
        m, n = rng.choice(SIZES, 2)
        alpha = rng.choice(SCALES)
        a = operands[names[0]](random(rng, (m, n), dtype))
        z = a if in_place else MATRIX_LAYOUTS[names[1]](np.full((m, n), np.nan, dtype))
        x, y = (VECTORS[k](random(rng, size, dtype)) for k, size in zip(names[2:], (m, n)))
        expected = a + dtype(alpha) * np.multiply.outer(x, y)
        status = helpers.ger(alpha, x, y, a, z)
        if status < 0 or not close(z, expected, letter):
            wrong.append((names, (m, n), alpha, status))
    assert not wrong, f"{len(wrong)} wrong, first {wrong[:3]}"


@pytest.mark.parametrize("letter", DTYPES)
def test_large_ger_through_the_library(helpers, letter):
    rng = np.random.default_rng(1)
    dtype = DTYPES[letter]
    for layout, vector in itertools.product(MATRIX_LAYOUTS.values(), VECTORS.values()):
        a = layout(random(rng, (260, 255), dtype))
        x, y = vector(random(rng, 260, dtype)), vector(random(rng, 255, dtype))
        expected = a + np.multiply.outer(x, y)
        assert helpers.ger(1.0, x, y, a, a) >= 0
        assert close(a, expected, letter)


def adjoint(x, hermitian):
    return np.conj(x).T if hermitian else x.T


@pytest.mark.parametrize("letter", DTYPES)
@pytest.mark.parametrize("in_place", [False, True])
def test_syrk_in_every_layout(helpers, letter, in_place):
    rng = np.random.default_rng(ord(letter))
    dtype = DTYPES[letter]
    wrong = []
    olds = MATRIX_LAYOUTS if in_place else OPERANDS
    for names in itertools.product(OPERANDS, olds, ("C",) if in_place else MATRIX_LAYOUTS):
        if rng.random() > 2 / EVERY:
            continue
        n, k = rng.choice(SIZES, 2) if rng.random() < 0.4 else rng.choice([9, 17, 40], 2)
        alpha, beta = rng.choice(SCALES, 2)
        if letter in "cz" and rng.random() < 0.4:
            alpha = alpha * 2 + 0.5j
        hermitian = letter in "cz" and rng.random() < 0.6
        x = OPERANDS[names[0]](random(rng, (n, k), dtype))
        old, values = prefilled(rng, (n, n), dtype, beta, olds[names[1]])
        if beta != 0:
            values = old.copy()
        z = old if in_place else MATRIX_LAYOUTS[names[2]](np.full((n, n), np.nan, dtype))
        expected = dtype(alpha) * (x @ adjoint(x, hermitian)) + dtype(beta) * values
        status = helpers.syrk(alpha, x, beta, old, z, hermitian)
        exact = beta != 0 or (hermitian and np.imag(alpha)) or (z == adjoint(z, hermitian)).all()
        if status < 0 or not close(z, expected, letter) or not exact:
            wrong.append((names, (n, k), alpha, beta, hermitian, status))
    assert not wrong, f"{len(wrong)} wrong, first {wrong[:3]}"


@pytest.mark.parametrize("letter", DTYPES)
@pytest.mark.parametrize("shape", [(300, 70), (70, 300), (10, 300), (130, 8), (1, 9)])
def test_large_syrk(helpers, letter, shape):
    rng = np.random.default_rng(1)
    x = random(rng, shape, DTYPES[letter])
    n = shape[0]
    for hermitian in {False, letter in "cz"}:
        product = x @ adjoint(x, hermitian)
        for beta, layout in itertools.product((0, 0.5), ("C", "F", "step both")):
            old = random(rng, (n, n), DTYPES[letter])
            z = MATRIX_LAYOUTS[layout](old.copy() if beta else np.full_like(old, np.nan))
            assert helpers.syrk(2.0, x, beta, z, z, hermitian) >= 0
            expected = 2 * product + (DTYPES[letter](beta) * old)
            assert np.allclose(
                z, expected, rtol=TOLERANCE[letter] * 10, atol=1e-2 if letter in "sc" else 1e-9
            )
            if not beta:
                assert (z == adjoint(z, hermitian)).all()


def test_syrk_of_its_own_output(helpers):
    rng = np.random.default_rng(2)
    for n, beta in itertools.product((3, 12, 40), (0, 0.5)):
        a = rng.normal(size=(n, n))
        expected = a @ a.T + beta * a
        assert helpers.syrk(1.0, a, beta, a, a) >= 0
        assert np.allclose(a, expected)


@pytest.mark.parametrize("letter", DTYPES)
def test_syrk_without_the_routine(helpers, letter):
    rng = np.random.default_rng(3)
    lacking = blas_helpers.Helpers(helpers.lib._name)
    for name in ("syrk", "herk"):
        if letter + name in BLAS_NAMES:
            lacking.table[BLAS_NAMES.index(letter + name)] = None
    for hermitian, beta in itertools.product({False, letter in "cz"}, (0, 1)):
        x, old = random(rng, (40, 35), DTYPES[letter]), random(rng, (40, 40), DTYPES[letter])
        z = np.full_like(old, np.nan)
        assert lacking.syrk(1.0, x, beta, old, z, hermitian) >= 0
        assert close(z, x @ adjoint(x, hermitian) + beta * old, letter)
        assert beta or (z == adjoint(z, hermitian)).all()


def batch_layouts(rng, shape, dtype):
    """Batches of matrices: contiguous, shared, stacked, permuted, reversed, misaligned."""
    b, m, n = shape
    yield random(rng, shape, dtype)
    yield np.broadcast_to(random(rng, (m, n), dtype), shape)
    yield np.broadcast_to(random(rng, (1, n), dtype), shape)
    yield np.broadcast_to(random(rng, (b, 1, 1), dtype), shape)
    yield random(rng, (b, n, m), dtype).transpose(0, 2, 1)
    yield random(rng, (m, b, n), dtype).transpose(1, 0, 2)
    yield random(rng, (n, m, b), dtype).T
    yield random(rng, (b, m, 2 * n), dtype)[::-1, ::-1, ::2]
    packed = np.zeros(shape, np.dtype([("pad", np.uint8), ("value", dtype)]))["value"]
    packed[...] = random(rng, shape, dtype)
    yield packed


@pytest.mark.parametrize("letter", DTYPES)
@pytest.mark.parametrize("beta", [0.0, 0.5])
def test_batches_in_every_layout(helpers, letter, beta):
    rng = np.random.default_rng(3)
    dtype = DTYPES[letter]
    for b, m, k, n in [
        (3, 9, 7, 8),
        (1, 9, 7, 8),
        (2, 3, 4, 2),
        (4, 1, 6, 30),
        (3, 5, 0, 2),
        (0, 2, 2, 2),
    ]:
        for x in batch_layouts(rng, (b, m, k), dtype):
            for y in batch_layouts(rng, (b, k, n), dtype):
                for axes in ((0, 1, 2), (1, 0, 2), (2, 1, 0)):
                    old = (
                        np.full((b, m, n), np.nan, dtype)
                        if beta == 0
                        else random(rng, (b, m, n), dtype)
                    )
                    z = np.array(old.transpose(axes), order="C").transpose(np.argsort(axes))
                    expected = 2 * np.matmul(x, y) + (beta * old if beta else 0)
                    assert helpers.batched(2.0, x, y, beta, z) >= 0
                    assert close(z, expected, letter), (x.strides, y.strides, z.strides, z.shape)


@pytest.mark.parametrize("letter", DTYPES)
def test_sizes_beyond_the_library_are_split(split_helpers, letter):
    rng = np.random.default_rng(4)
    dtype = DTYPES[letter]
    for names in sweep(OPERANDS, OPERANDS, MATRIX_LAYOUTS):
        m, k, n = rng.choice((1, 4, 5, 6, 12), 3)
        x, y = (OPERANDS[i](random(rng, s, dtype)) for i, s in zip(names, ((m, k), (k, n))))
        z, old = prefilled(rng, (m, n), dtype, 0.0, MATRIX_LAYOUTS[names[2]])
        expected = 2 * (x.copy() @ y.copy())
        assert split_helpers.gemm(2.0, x, y, 0.0, z) >= 0
        assert close(z, expected, letter), (names, m, k, n)
        v = random(rng, k, dtype)
        out = np.full(m, np.nan, dtype)
        assert split_helpers.gemv(2.0, x, v, 0.0, out) >= 0
        assert close(out, 2 * (x.copy() @ v), letter), (names, m, k)


def test_operands_that_share_memory_with_the_output(helpers):
    rng = np.random.default_rng(5)
    for n in (3, 12):
        for other in (lambda a: a, lambda a: a.T, lambda a: a[::-1], lambda a: a[:, ::-1]):
            a, b = rng.normal(size=(n, n)), rng.normal(size=(n, n))
            for pair in (lambda: (other(a), b), lambda: (b, other(a)), lambda: (other(a), a)):
                x, y = pair()
                expected = x @ y + 0.5 * a
                assert helpers.gemm(1.0, x, y, 0.5, a) >= 0
                assert np.allclose(a, expected)
            v = a[1]
            expected = a @ v - v
            assert helpers.gemv(1.0, a, v, -1.0, v) >= 0
            assert np.allclose(v, expected)
            expected = a + np.multiply.outer(a[1], a[:, 2])
            assert helpers.ger(1.0, a[1], a[:, 2], a, a) >= 0
            assert np.allclose(a, expected)
            batch = rng.normal(size=(3, n, n))
            expected = batch @ batch[::-1] + batch
            assert helpers.batched(1.0, batch, batch[::-1], 1.0, batch) >= 0
            assert np.allclose(batch, expected)


def test_alpha_zero_never_reads_the_operands(helpers):
    bad, out = np.full((9, 9), np.nan), np.ones((9, 9))
    assert helpers.gemm(0.0, bad, bad, 2.0, out) == 0
    assert np.all(out == 2.0)
    assert helpers.gemv(0.0, bad, bad[0], 0.0, out[0]) == 0
    assert np.all(out[0] == 0.0)
    assert helpers.ger(0.0, bad[0], bad[0], out, out) == 0
    assert np.all(out[1:] == 2.0)


def test_nan_and_infinity_pass_through(helpers):
    for n in (3, 20):
        x, y = np.zeros((n, n)), np.ones((n, n))
        x[1, 1], y[0, 2] = np.nan, np.inf
        z = np.full((n, n), np.nan)
        with np.errstate(invalid="ignore"):
            expected = x @ y
        assert helpers.gemm(1.0, x, y, 0.0, z) == 0
        np.testing.assert_array_equal(z, expected)
        out = np.zeros(n)
        helpers.gemv(1.0, x, np.zeros(n), 0.0, out)
        np.testing.assert_array_equal(np.isnan(out), np.arange(n) == 1)
        a = np.zeros((n, n))
        helpers.ger(1.0, x[1], np.zeros(n), a, a)
        np.testing.assert_array_equal(np.isnan(a), (np.arange(n) == 1)[:, None] & np.ones(n, bool))


def test_common_layouts_are_not_copied(helpers):
    for x, y in itertools.product(("C", "F", "padded", "padded F", "odd unit axes"), repeat=2):
        a = MATRIX_LAYOUTS[x](np.ones((16, 12)))
        b = MATRIX_LAYOUTS[y](np.ones((12, 14)))
        assert helpers.gemm(1.0, a, b, 0.0, np.empty((16, 14))) == 0
    reverse = np.ones((16, 16))[::-1]
    assert helpers.gemm(1.0, reverse, np.ones((16, 16)), 0.0, np.ones((16, 16))[::-1]) == 0
    for name in ("negative rows", "negative columns", "negative both"):
        a = MATRIX_LAYOUTS[name](np.ones((16, 12)))
        assert helpers.gemv(1.0, a, np.ones(12)[::-1], 0.0, np.ones(16)) == 0


def test_disagreeing_lengths_are_refused(helpers):
    m, v = np.ones((4, 3)), np.ones(5)
    assert helpers.gemm(1.0, m, m, 0.0, m) < 0
    assert helpers.gemv(1.0, m, v, 0.0, v) < 0
    assert helpers.ger(1.0, v, v, m, m) < 0
    assert helpers.batched(1.0, m[None], m[None], 0.0, m[None]) < 0


def test_no_memory_is_reported(helpers):
    a, z = np.ones((20, 20))[::2, ::2], np.ones((10, 10))
    try:
        helpers.lib.set_fail_scratch(1)
        assert helpers.gemm(1.0, a, a, 0.0, z) == -2
        assert helpers.gemv(1.0, z, z[0], 0.0, z[0]) == -2
        assert helpers.ger(1.0, z[0], z[0], z, z) == -2
        assert helpers.batched(1.0, z[None], z[None], 0.0, z[None]) == -2
    finally:
        helpers.lib.set_fail_scratch(0)
    assert np.all(z == 1.0)


def test_table_of_routines_is_the_list_of_names(helpers):
    text = (blas_helpers.C_CODE / "fortran_blas.h").read_text()
    assert tuple(re.findall(r"ENTRY\(([a-z]+)\)", text)) == BLAS_NAMES
    assert helpers.lib.table_size() == len(BLAS_NAMES)


@pytest.mark.parametrize("cc", ["gcc", "clang"])
@pytest.mark.parametrize("path", sorted(blas_helpers.C_CODE.rglob("*.[ch]")), ids=lambda p: p.name)
def test_every_file_compiles_alone(cc, path):
    if blas_helpers.shutil.which(cc) is None:
        pytest.skip(f"no {cc}")
    command = [cc, "-std=c11", "-Wall", "-Wextra", "-Werror", "-fsyntax-only"]
    command += [f"-I{blas_helpers.C_CODE}", f"-I{blas_helpers.KERNEL_CODE}", "-x", "c", str(path)]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def test_files_are_formatted():
    if blas_helpers.shutil.which("clang-format") is None:
        pytest.skip("no clang-format")
    files = [str(path) for path in blas_helpers.C_CODE.rglob("*.[ch]")]
    result = subprocess.run(
        ["clang-format", "--dry-run", "-Werror", *files], capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr


@pytest.mark.slow
def test_under_address_and_undefined_behaviour_sanitizers():
    runtime = [
        subprocess.check_output(["gcc", f"-print-file-name={name}"], text=True).strip()
        for name in ("libasan.so", "libubsan.so")
    ]
    if not all(os.path.isabs(path) for path in runtime):
        pytest.skip("no sanitizers")
    environment = {
        **os.environ,
        "LD_PRELOAD": " ".join(runtime),
        "ASAN_OPTIONS": "detect_leaks=0",
        "PYTENSOR_TEST_SANITIZE": "1",
    }
    result = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-x",
            "-p",
            "no:cacheprovider",
            "-m",
            "not slow",
            __file__,
            str(blas_helpers.HERE / "test_c_limits.py"),
        ],
        env=environment,
        capture_output=True,
        text=True,
        cwd=blas_helpers.ROOT,
    )
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    assert "runtime error" not in result.stdout + result.stderr
