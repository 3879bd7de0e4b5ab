"""Small matrices times a vector and small systems by loops of our own (rows.c), at every length of a row."""

import ctypes

import numpy as np
import pytest
from blas_helpers import MatrixView, compile_harness
from blas_layouts import DTYPES, MATRIX_LAYOUTS, TOLERANCE, VECTOR_LAYOUTS, random
from test_triangular_helpers import build

from pytensor.tensor.blas._ldflags import BLAS_NAMES

SHAPES = [(4, 8), (5, 17), (9, 33), (21, 16), (37, 65), (8, 7), (33, 70), (3, 40), (1000, 9)]
MATRICES = {name: MATRIX_LAYOUTS[name] for name in ("C", "F", "padded", "padded F", "odd rows")} | {
    name: MATRIX_LAYOUTS[name] for name in ("negative rows", "step both", "misaligned")
}
SCALES = [(1, 0), (2, 0), (1, 1), (-0.5, 3)]


@pytest.mark.parametrize("letter", "sd")
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_gemv(helpers, letter, shape):
    rng = np.random.default_rng(0)
    dtype, rtol = DTYPES[letter], 50 * TOLERANCE[letter]
    for name, matrix in MATRICES.items():
        a = random(rng, shape, dtype)
        for vector in VECTOR_LAYOUTS.values():
            x, y = random(rng, shape[1], dtype), random(rng, shape[0], dtype)
            for alpha, beta in SCALES:
                out = vector(y.copy())
                assert helpers.gemv(alpha, matrix(a), vector(x), beta, out) >= 0
                np.testing.assert_allclose(
                    out, alpha * a @ x + beta * y, rtol, rtol * 30, err_msg=name
                )


@pytest.mark.parametrize("letter", "sd")
@pytest.mark.parametrize("order", "CF")
def test_what_lies_beside_a_row_does_not_matter(helpers, letter, order):
    """Infinite elements stay in their row; old values are not read where beta is 0."""
    dtype = DTYPES[letter]
    for rows, cols in [(11, 19), (6, 33), (18, 23)]:
        for i, j in [(0, 0), (rows - 1, cols - 1), (rows // 2, cols - 3), (2, 1)]:
            a = np.ones((rows, cols), dtype, order=order)
            a[i, j] = np.inf
            y = np.full(rows, np.nan, dtype)
            helpers.gemv(1, a, np.ones(cols, dtype), 0, y)
            expected = np.full(rows, cols, dtype)
            expected[i] = np.inf
            np.testing.assert_array_equal(y, expected)


@pytest.mark.parametrize("letter", "sd")
def test_nothing_is_read_or_written_outside(helpers, letter):
    dtype = DTYPES[letter]
    for rows, cols in [(4, 17), (7, 9), (13, 35), (19, 64)]:
        for turn in (False, True):
            big = np.full((rows + 2, cols + 2), np.nan, dtype)
            big[1:-1, 1:-1] = 1
            a = big[1:-1, 1:-1].T if turn else big[1:-1, 1:-1]
            out = np.full(len(a) + 2, -1, dtype)
            helpers.gemv(1, a, np.ones(a.shape[1], dtype), 0, out[1:-1])
            np.testing.assert_array_equal(out, [-1, *[a.shape[1]] * len(a), -1])


@pytest.fixture(scope="module")
def no_library(tmp_path_factory):
    """The helpers without any library: what they compute, they compute themselves."""
    directory = tmp_path_factory.mktemp("rows")
    lib = build(directory)
    lib.gemm = ctypes.CDLL(str(compile_harness(directory)))
    return lib, (ctypes.c_void_p * len(BLAS_NAMES))()


def test_small_products_call_no_library(no_library):
    lib, table = no_library
    rng = np.random.default_rng(0)
    a, x, z = (rng.normal(size=shape) for shape in [(64, 64), (1, 64), (1, 64)])
    one, zero = ctypes.c_double(1), ctypes.c_double(0)
    views = [ctypes.byref(MatrixView.of(m)) for m in (x, a, z)]
    status = lib.gemm.test_gemm_d(
        table, ctypes.byref(one), *views[:2], ctypes.byref(zero), views[2]
    )
    assert status == 0
    np.testing.assert_allclose(z, x @ a)
    system = np.tril(a) / 64 + 2 * np.eye(64)
    unknown = np.ascontiguousarray(a[:, :50])
    views = [ctypes.byref(MatrixView.of(m)) for m in (system, unknown)]
    assert lib.test_trsm_d(table, 1, 0, *views) == 0
    np.testing.assert_allclose(system @ unknown, a[:, :50], atol=1e-12)
