"""Programs that were wrong once, in the smallest form found."""

import numpy as np
import pytest

import pytensor
import pytensor.tensor as pt
from pytensor.compile.mode import Mode

x = pt.tensor("x", shape=(1, 1))
row = pt.drow("row")
A = pt.dmatrix("A")
ONE, ROW, EYE = np.full((1, 1), 3.0), np.ones((1, 4)), np.eye(3)

FOUND = {
    "an empty part of a join decided the length of the other": (x, ONE, lambda: pt.roll(x[0::-2, 0], 1)),
    "two rules about sums over an axis of length 1 undid each other": (row, ROW, lambda: row.sum()),
    "lengths of a split were read from what was split": (
        A, EYE, lambda: pytensor.grad(pt.linalg.kron(A, A)[0].sum(), A),
    ),
}  # fmt: skip


@pytest.mark.parametrize("mode", ["default", "py"])
@pytest.mark.parametrize("what", FOUND)
def test_found(what, mode):
    variable, value, build = FOUND[what]
    expression = build()
    want = pytensor.function([variable], expression, mode=Mode("py", None))(value)
    mode = None if mode == "default" else Mode("py", "fast_run")
    got = pytensor.function([variable], expression, mode=mode)(value)
    assert got.shape == want.shape
    np.testing.assert_allclose(got, want)
