"""Where the BLAS Ops in Python write, what they load, and squares that are exactly symmetric."""

import itertools
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
from blas_layouts import DTYPES, TOLERANCE, random
from ops_cases import perform

from pytensor.tensor.blas import Syrk, gemm_inplace, syrk_inplace

nan = np.nan


def test_accumulator_that_shares_memory_with_an_operand():
    """The graph forbids it; an array that came in twice is still right."""
    rng = np.random.default_rng(7)
    one, buffer = np.ones(()), rng.normal(size=(40, 20))
    for shift in (0, 1, 20):
        work = buffer.copy()
        z, x = work[shift : shift + 20], work[:20]
        expected = z + x @ x
        np.testing.assert_allclose(gemm_into(z, one, x, x, one), expected)
        work = buffer.copy()
        z, x = work[shift : shift + 20], work[:20]
        expected = x @ x.T
        node = syrk_inplace.make_node(*[np.zeros(np.shape(v)) for v in (z, one, x, one)])
        syrk_inplace.perform(node, [z, one, x, np.zeros(())], [[None]])
        np.testing.assert_allclose(z, expected)


def gemm_into(z, alpha, x, y, beta):
    values = [z, alpha, x, y, beta]
    node = gemm_inplace.make_node(*[np.zeros(np.shape(v)) for v in values])
    gemm_inplace.perform(node, values, [[None]])
    return z


@pytest.mark.parametrize("letter", [*DTYPES, "e"])
def test_squares_are_exactly_symmetric(letter):
    dtype = np.float16 if letter == "e" else DTYPES[letter]
    rng = np.random.default_rng(12)
    one, zero, third = np.ones((), dtype), np.zeros((), dtype), np.array(1 / 3, dtype)
    for n, k in [(1, 7), (5, 1), (5, 7), (127, 30), (128, 3), (129, 40), (300, 2)]:
        x = random(rng, (n, k), dtype)
        views = [x, np.asfortranarray(x), x.T, np.repeat(x, 2, axis=1)[:, ::2], x[::-1]]
        for view, alpha in itertools.product(views, (one, third)):
            z = np.full((len(view), len(view)), nan, dtype)
            for form in (Syrk(), Syrk(inplace=True)):
                got = perform(form, z.copy(), alpha, view, zero)
                np.testing.assert_array_equal(got, got.T)
            if letter in "cz":
                got = perform(Syrk(hermitian=True), z, alpha, view, zero)
                np.testing.assert_array_equal(got, got.conj().T)
                expected = alpha * (view @ view.conj().T)
                t = TOLERANCE[letter] * 50
                np.testing.assert_allclose(got, expected, rtol=t, atol=t)


def test_scipy_is_loaded_by_the_first_product_only():
    program = """if True:
        import sys
        import numpy as np
        import pytensor.tensor as pt
        from pytensor.tensor.blas import _dot22
        node = _dot22.make_node(pt.dmatrix(), pt.dmatrix())
        assert "scipy" not in sys.modules
        x = np.eye(2)
        _dot22.perform(node, [x, x], [[None]])
        assert "scipy.linalg.blas" in sys.modules
    """
    subprocess.run([sys.executable, "-c", program], check=True)


def test_in_place_means_in_place():
    """Nothing of the size of the matrices is allocated."""
    n = 300
    rng = np.random.default_rng(13)
    x, y, z = (rng.normal(size=(n, n)) for _ in range(3))
    half, node = (
        np.array(0.5),
        gemm_inplace.make_node(*[np.zeros((0,) * d) for d in (2, 0, 2, 2, 0)]),
    )
    for into in (z, np.asfortranarray(z)):
        for left in (x, np.asfortranarray(x)):
            expected = 0.5 * (left @ y) + 0.5 * into
            tracemalloc.start()
            gemm_inplace.perform(node, [into, half, left, y, half], [[None]])
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            assert peak < z.nbytes / 4
            np.testing.assert_allclose(into, expected)
