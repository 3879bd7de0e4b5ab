"""Sparse functions that tests/sparse does not name: values against dense NumPy, in both modes."""

import numpy as np
import pytest
import scipy.sparse

import pytensor
import pytensor.sparse as sparse
import pytensor.tensor as pt

DENSE = np.array([[0.0, 0.5, 0.0], [1.5, 0.0, 0.0]])
FILLED = np.array([[0.0, 1.0, -1.0], [1.5, 2.0, 0.0]])
STRUCTURED = {
    "structured_copy": np.copy, "structured_exp": np.exp, "structured_log": np.log, "structured_conjugate": np.conj,
    "structured_sigmoid": lambda x: 1 / (1 + np.exp(-x)),
}  # fmt: skip
WITH_NUMBER = {
    "structured_add": np.add, "structured_pow": np.power, "structured_maximum": np.maximum,
    "structured_minimum": np.minimum,
}  # fmt: skip
CASTS = {"bcast": "int8", "wcast": "int16", "icast": "int32", "lcast": "int64", "fcast": "float32",
         "dcast": "float64", "ccast": "complex64", "zcast": "complex128"}  # fmt: skip
COMPARED = {"equal_s_d": np.equal, "not_equal_s_d": np.not_equal, "less_than_s_d": np.less,
            "greater_equal_s_d": np.greater_equal}  # fmt: skip


def run(inputs, output, *values, mode):
    value = pytensor.function(inputs, output, mode=mode)(*values)
    return value.toarray() if scipy.sparse.issparse(value) else value


@pytest.fixture(params=["C", "PY"])
def mode(request):
    return request.param


@pytest.fixture(params=["csc", "csr"])
def matrix(request):
    make = getattr(scipy.sparse, f"{request.param}_matrix")
    return getattr(sparse, f"{request.param}_matrix")("x", dtype="float64"), make(DENSE)


@pytest.mark.parametrize("name", STRUCTURED)
def test_structured(name, matrix, mode):
    x, value = matrix
    want = np.where(DENSE, STRUCTURED[name](np.where(DENSE, DENSE, 1)), 0)
    np.testing.assert_allclose(run([x], getattr(sparse, name)(x), value, mode=mode), want)


@pytest.mark.parametrize("name", WITH_NUMBER)
def test_structured_with_a_number(name, matrix, mode):
    x, value = matrix
    want = np.where(DENSE, WITH_NUMBER[name](DENSE, 0.75), 0)
    np.testing.assert_allclose(run([x], getattr(sparse, name)(x, 0.75), value, mode=mode), want)


@pytest.mark.parametrize("name", CASTS)
def test_casts(name, matrix, mode):
    x, value = matrix
    got = run([x], getattr(sparse, name)(x), value, mode=mode)
    assert got.dtype == CASTS[name]
    np.testing.assert_allclose(got, DENSE.astype(CASTS[name]))


@pytest.mark.parametrize("name", COMPARED)
def test_comparisons_with_dense(name, matrix, mode):
    x, value = matrix
    y = pt.dmatrix("y")
    got = run([x, y], getattr(sparse, name)(x, y), value, FILLED, mode=mode)
    np.testing.assert_array_equal(got.astype(bool), COMPARED[name](DENSE, FILLED))


def test_add_dense(matrix, mode):
    x, value = matrix
    y = pt.dmatrix("y")
    got = run([x, y], sparse.add_s_d(x, y), value, FILLED, mode=mode)
    np.testing.assert_allclose(got, DENSE + FILLED)


def test_add_of_one_structure(matrix, mode):
    x, value = matrix
    y = x.type("y")
    got = run([x, y], sparse.add_s_s_data(x, y), value, 2 * value, mode=mode)
    np.testing.assert_allclose(got, 3 * DENSE)


def test_constructors():
    for name, dtype in {"csc_dmatrix": "float64", "csc_fmatrix": "float32",
                        "bsr_dmatrix": "float64", "bsr_fmatrix": "float32"}.items():  # fmt: skip
        variable = getattr(sparse, name)("x")
        assert (variable.name, variable.type.dtype) == ("x", dtype)
        assert variable.type.format == name[:3]
    assert sparse.bsr_matrix("b", dtype="float64").type == sparse.bsr_dmatrix("b").type
    x = sparse.as_sparse_variable(scipy.sparse.csr_matrix(DENSE))
    assert x.type.format == "csr" and sparse.as_symbolic_sparse(x) is x


def test_transpose_and_conjugate():
    x = sparse.csr_matrix("x", dtype="complex128")
    value = scipy.sparse.csr_matrix(DENSE * (1 + 2j))
    turned = sparse.transpose(x)
    assert isinstance(turned.owner.op, sparse.Transpose) and turned.type.format == "csc"
    for mode in ("C", "PY"):
        got = run([x], turned, value, mode=mode)
        np.testing.assert_array_equal(got, (DENSE * (1 + 2j)).T)
        got = run([x], sparse.conjugate(x), value, mode=mode)
        np.testing.assert_array_equal(got, DENSE * (1 - 2j))
