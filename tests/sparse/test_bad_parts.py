"""Parts that make no compressed matrix are refused before SciPy writes out of bounds with them."""

import numpy as np
import pytest

import pytensor
import pytensor.sparse as ps
import pytensor.tensor as pt


@pytest.mark.parametrize("mode", ["C", "PY"])
@pytest.mark.parametrize("make", [ps.CSR, ps.CSC])
@pytest.mark.parametrize("wrong", [7, 3, -1])
def test_indices_out_of_range(make, wrong, mode):
    data, indices, indptr = pt.dvector("data"), pt.ivector("indices"), pt.ivector("indptr")
    shape = (2, 3) if make is ps.CSR else (3, 2)
    f = pytensor.function(
        [data, indices, indptr], ps.dense_from_sparse(make(data, indices, indptr, shape)), mode=mode
    )
    pointers, right = np.array([0, 1, 2], "int32"), np.array([0, 2], "int32")
    want = f(np.ones(2), right, pointers)
    with pytest.raises(ValueError, match=r"\[CSM\] indices must be in \[0, 3\)"):
        f(np.ones(2), np.array([0, wrong], "int32"), pointers)
    np.testing.assert_array_equal(f(np.ones(2), right, pointers), want)


@pytest.mark.parametrize("mode", ["C", "PY"])
@pytest.mark.parametrize("pointers", [[0, 3, 2], [0, 1, 9], [1, 1, 2]])
def test_pointers_out_of_range(pointers, mode):
    data, indices, indptr = pt.dvector("data"), pt.ivector("indices"), pt.ivector("indptr")
    f = pytensor.function(
        [data, indices, indptr],
        ps.dense_from_sparse(ps.CSR(data, indices, indptr, (2, 3))),
        mode=mode,
    )
    with pytest.raises(ValueError, match="indptr|index pointer|index and data"):
        f(np.ones(2), np.array([0, 2], "int32"), np.array(pointers, "int32"))
