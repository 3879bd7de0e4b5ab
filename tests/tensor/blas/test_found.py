"""Programs that once failed: found by playing with products in every way that users might."""

import pickle

import numpy as np
import pytest

import pytensor
import pytensor.tensor as pt
from pytensor.tensor.type_other import NoneConst

rng = np.random.default_rng(0)
A, B = pt.dmatrices("A", "B")


@pytest.mark.parametrize("mode", ["C", "PY"])
def test_functions_that_hold_none_can_be_pickled(mode):
    """`tensordot` asserts lengths of some axes and none of others."""
    T, U = pt.dtensor3("T"), pt.dtensor3("U")
    out = pt.tensordot(T, U, axes=[[1, 2], [2, 1]])
    function = pytensor.function([T, U], out, mode=mode)
    values = rng.normal(size=(2, 3, 4)), rng.normal(size=(5, 4, 3))
    again = pickle.loads(pickle.dumps(function))
    want = np.tensordot(*values, axes=[[1, 2], [2, 1]])
    np.testing.assert_allclose(again(*values), want)
    assert pickle.loads(pickle.dumps(NoneConst)) is NoneConst
    assert pickle.loads(pickle.dumps(NoneConst.clone())).type == NoneConst.type


@pytest.mark.parametrize("form", [pt.linalg.trace, pt.diag])
def test_jacobian_of_diagonals(form):
    """A batch of cotangents meets one matrix whose shape is wanted."""
    out = pt.atleast_1d(form(A @ B)) ** 2
    jacobian = pytensor.gradient.jacobian(out, A)
    A_, B_ = rng.normal(size=(3, 4)), rng.normal(size=(4, 3))
    got = pytensor.function([A, B], jacobian)(A_, B_)
    value = pytensor.function([A, B], out)
    for index in np.ndindex(A_.shape):
        step = np.zeros_like(A_)
        step[index] = 1e-6
        want = (value(A_ + step, B_) - value(A_ - step, B_)) / 2e-6
        np.testing.assert_allclose(got[(slice(None), *index)], want, rtol=1e-6, atol=1e-7)
