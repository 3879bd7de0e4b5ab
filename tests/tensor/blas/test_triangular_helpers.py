"""The C helpers of triangles by themselves, in every layout; also under the sanitizers."""

import ctypes
import itertools
import os
import subprocess
import sys

import blas_helpers
import numpy as np
import pytest
from blas_helpers import C_CODE, HERE, LETTERS, MatrixView
from blas_layouts import DTYPES, MATRIX_LAYOUTS, SHARED_LAYOUTS, random

from pytensor.tensor.blas._ldflags import BLAS_NAMES, scipy_provider

OPERANDS = MATRIX_LAYOUTS | SHARED_LAYOUTS
SIZES = [(1, 1), (4, 4), (5, 3), (40, 1), (67, 35), (20, 24), (9, 0), (270, 2)]


def build(directory, *flags):
    out = directory / "triangular.so"
    command = [blas_helpers.compiler(), "-std=c11", "-O1", "-Wall", "-Wextra", "-Werror"]
    if os.environ.get("PYTENSOR_TEST_SANITIZE"):
        command += ["-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    command += ["-shared", "-fPIC", *flags, f"-I{C_CODE}", f"-I{HERE}"]
    subprocess.run([*command, str(HERE / "triangular_harness.c"), "-o", str(out)], check=True)
    return ctypes.CDLL(str(out))


@pytest.fixture(scope="module", params=["library", "split", "no routine"])
def call(request, tmp_path_factory):
    """Call a helper: with all routines, with tiny limits on sizes, without trsm and trmm."""
    flags = ("-DBLAS_INT_LIMIT=40", "-DBLAS_OWN_BYTES=0") if request.param == "split" else ()
    lib = build(tmp_path_factory.mktemp("harness"), *flags)
    addresses = dict(zip(BLAS_NAMES, scipy_provider().pointers(BLAS_NAMES)))
    if request.param == "no routine":
        addresses.update({name: 0 for name in BLAS_NAMES if name[1:] in ("trsm", "trmm")})
    table = (ctypes.c_void_p * len(BLAS_NAMES))(*addresses.values())

    def call(name, dtype, *args):
        function = getattr(lib, f"test_{name}_{LETTERS[np.dtype(dtype).name]}")
        return function(table, *args)

    call.lib = lib
    return call


def number(value, dtype):
    return np.asarray(value, dtype).tobytes()


def view(a, conj=False):
    return ctypes.byref(MatrixView.of(a, conj))


def close(got, expected, dtype):
    limit = 3000 * np.finfo(dtype).eps * max(1, np.abs(expected).max(initial=0))
    np.testing.assert_allclose(got, expected, rtol=0, atol=limit)


@pytest.mark.parametrize("dtype", DTYPES.values(), ids=DTYPES)
def test_solves(call, dtype):
    rng = np.random.default_rng(0)
    flags = itertools.cycle(itertools.product((0, 1), (0, 1), (False, True)))
    pairs = itertools.product(MATRIX_LAYOUTS, MATRIX_LAYOUTS)
    for (of_a, of_z), (n, m), (lower, unit, conj) in zip(pairs, itertools.cycle(SIZES), flags):
        a = (random(rng, (n, n), dtype) / n + 2 * np.eye(n)).astype(dtype)
        b = random(rng, (n, m), dtype)
        T = np.tril(a) if lower else np.triu(a)
        if unit:
            np.fill_diagonal(T, 1)
        z = MATRIX_LAYOUTS[of_z](b.copy())
        assert call("trsm", dtype, lower, unit, view(MATRIX_LAYOUTS[of_a](a), conj), view(z)) == 0
        close((np.conj(T) if conj else T) @ z, b, dtype)


@pytest.mark.parametrize("dtype", DTYPES.values(), ids=DTYPES)
def test_products(call, dtype):
    rng = np.random.default_rng(1)
    flags = itertools.cycle(itertools.product((0, 1), (0, 1), (0.0, 0.5)))
    triples = itertools.islice(itertools.product(OPERANDS, OPERANDS, MATRIX_LAYOUTS), 0, None, 7)
    for names, (n, m), (lower, zeroed, beta) in zip(triples, itertools.cycle(SIZES), flags):
        A = OPERANDS[names[0]](random(rng, (n, n), dtype) / n)
        x = OPERANDS[names[1]](random(rng, (n, m), dtype))
        T = np.tril(A) if lower else np.triu(A)
        old = random(rng, (n, m), dtype)
        z = MATRIX_LAYOUTS[names[2]](old.copy() if beta else np.full((n, m), np.nan, dtype))
        A = T.astype(dtype) if zeroed else A.astype(dtype, copy=False)
        scales = number(2.0, dtype), number(beta, dtype)
        args = scales[0], view(A), view(x), scales[1], view(z)
        assert call("trmm", dtype, lower, zeroed, *args) == 0
        close(z, 2 * (T @ x) + (beta * old if beta else 0), dtype)


def test_operands_that_share_memory(call):
    rng = np.random.default_rng(2)
    for n in (3, 70):
        a = rng.normal(size=(n, n)) / n + np.eye(n)
        T = np.tril(a)
        expected = np.linalg.solve(T, a)
        assert call("trsm", float, 1, 0, view(a), view(a)) == 0
        close(a, expected, float)
        expected = np.tril(a) @ a.T
        one, zero = number(1.0, float), number(0.0, float)
        assert call("trmm", float, 1, 0, one, view(a), view(a.T), zero, view(a)) == 0
        close(a, expected, float)


def test_no_memory_is_reported(call):
    a, z = np.ones((40, 40))[::2, ::2], np.ones((20, 3))
    one, half = number(1.0, float), number(0.5, float)
    try:
        call.lib.set_fail_scratch(1)
        assert call("trmm", float, 1, 0, one, view(a), view(z), half, view(z)) == 2
        assert call("trsm", float, 1, 0, view(z[:3]), view(z[:3])) == 2
    finally:
        call.lib.set_fail_scratch(0)
    assert np.all(z == 1)


def test_disagreeing_lengths_are_refused(call):
    a, z = np.ones((4, 4)), np.ones((3, 2))
    one = number(1.0, float)
    assert call("trsm", float, 1, 0, view(a), view(z)) == 1
    assert call("trmm", float, 1, 0, one, view(a), view(z), one, view(z)) == 1


@pytest.mark.slow
def test_under_sanitizers():
    names = ("libasan.so", "libubsan.so")
    runtime = [
        subprocess.check_output(["gcc", f"-print-file-name={name}"], text=True).strip()
        for name in names
    ]
    if not all(os.path.isabs(path) for path in runtime):
        pytest.skip("no sanitizers")
    environment = {
        **os.environ,
        "LD_PRELOAD": " ".join(runtime),
        "ASAN_OPTIONS": "detect_leaks=0",
        "PYTENSOR_TEST_SANITIZE": "1",
    }
    command = [sys.executable, "-m", "pytest", "-qx", "-p", "no:cacheprovider", "-m", "not slow"]
    result = subprocess.run(
        [*command, __file__], env=environment, capture_output=True, text=True, cwd=blas_helpers.ROOT
    )
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    assert "runtime error" not in result.stdout + result.stderr
