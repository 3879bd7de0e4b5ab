"""The shape of SplitDims never reads its own result: rules that ask for it must not close a circle."""

import numpy as np

import pytensor
import pytensor.tensor as pt


def test_symbolic_minus_one():
    x, n, m = pt.dvector("x"), pt.lscalar("n"), pt.lscalar("m")
    f = pytensor.function([x, n, m], pt.split_dims(x, (n, m)).shape)
    for lengths in ((3, 2), (-1, 2), (3, -1)):
        np.testing.assert_array_equal(f(np.zeros(6), *lengths), [3, 2])


def test_gradient_of_kron_compiles():
    a = pt.dmatrix("a")
    gradient = pytensor.grad(pt.linalg.kron(a, a)[0].sum(), a)
    np.testing.assert_allclose(pytensor.function([a], gradient)(np.ones((2, 2))), [[4, 4], [0, 0]])
