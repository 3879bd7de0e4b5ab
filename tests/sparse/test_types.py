"""Sparse types, variables, constants and shared variables."""

import pickle
import subprocess
import sys

import numpy as np
import pytest
import scipy.sparse as sp

import pytensor
import pytensor.tensor as pt
from pytensor import sparse
from pytensor.sparse.sharedvar import SparseTensorSharedVariable
from pytensor.sparse.variable import SparseConstant, SparseVariable

X = sp.random(4, 3, 0.5, format="csr", random_state=0)


def test_type():
    t = sparse.SparseTensorType("csr", "float64", shape=(3, None))
    assert t == sparse.SparseTensorType("csr", "float64", shape=(3, None))
    assert t != sparse.SparseTensorType("csc", "float64", shape=(3, None))
    assert (t.format, t.dtype, t.shape, t.ndim) == ("csr", "float64", (3, None), 2)
    assert t.broadcastable == (False, False)
    assert t.clone(dtype="float32").dtype == "float32"
    assert isinstance(t("x"), SparseVariable)
    assert sparse.csr_matrix("x").type.is_super(t)
    assert not t.is_super(sparse.csr_matrix("x").type)
    with pytest.raises(ValueError, match="format must be one of"):
        sparse.SparseTensorType("coo", "float64")
    with pytest.raises(NotImplementedError, match="2 entries"):
        sparse.SparseTensorType("csr", "float64", shape=(3,))


def test_filter():
    t = sparse.SparseTensorType("csr", "float64", shape=(4, None))
    assert t.filter(X) is X
    for value in (X.tocsc(), X.toarray(), X.astype("float32"), X.tocoo(), sp.csr_array(X)):
        got = t.filter(value)
        assert type(got) is sp.csr_matrix
        assert got.dtype == "float64"
        np.testing.assert_allclose(got.toarray(), X.toarray(), rtol=1e-6)
        with pytest.raises(TypeError, match="must be a csr matrix"):
            t.filter(value, strict=True)
    with pytest.raises(TypeError, match="must have shape"):
        t.filter(X.T)
    f32 = sparse.csr_fmatrix
    with pytest.raises(TypeError, match="lose precision"):
        f32.filter(X)
    assert f32.filter(X, allow_downcast=True).dtype == "float32"
    with pytest.raises(TypeError, match="must be a matrix"):
        t.filter("words")


def test_values_eq():
    t = sparse.csr_dmatrix
    assert t.values_eq(X, X.copy())
    assert not t.values_eq(X, 2 * X)
    assert t.values_eq_approx(X, X * (1 + 1e-12))
    assert not t.values_eq_approx(X, 2 * X)
    assert t.may_share_memory(X, X.T)
    assert not t.may_share_memory(X, X.copy())


def test_constant():
    c = sparse.as_sparse(X)
    assert isinstance(c, SparseConstant)
    assert c.type.shape == (4, 3)
    assert c.signature() == sparse.as_sparse(X.copy()).signature()
    assert c.signature() != sparse.as_sparse(2 * X).signature()
    assert "nnz=6" in str(c)
    assert sparse.as_sparse(X.tocoo()).type.format == "csr"
    assert sparse.as_sparse(c) is c
    assert sparse.as_sparse_or_tensor_variable(np.eye(2)).type.ndim == 2
    for bad in (np.eye(2), pt.matrix()):
        with pytest.raises(TypeError, match="as_sparse"):
            sparse.as_sparse(bad)


def test_shared():
    for value in (X, X.tocsc(), sp.csr_array(X)):
        s = pytensor.shared(value, name="s")
        assert isinstance(s, SparseTensorSharedVariable)
        assert s.type.format == value.format
        np.testing.assert_array_equal(s.get_value().toarray(), X.toarray())
        f = pytensor.function([], sparse.sp_sum(s), updates={s: s * 2})
        np.testing.assert_allclose([f(), f()], [X.sum(), 2 * X.sum()])
        s.set_value(X)
        np.testing.assert_allclose(f(), X.sum())


def test_variables_are_what_functions_take_and_give():
    x = sparse.csr_matrix("x")
    for mode in (None, "PY"):
        f = pytensor.function([x], x * 2, mode=mode)
        before = X.copy()
        for value in (X, X.tocsc(), X.toarray()):
            got = f(value)
            assert type(got) is sp.csr_matrix
            np.testing.assert_allclose(got.toarray(), 2 * X.toarray())
        assert (before != X).nnz == 0
        identity = pytensor.function([x], x, mode=mode)
        assert not np.shares_memory(identity(X).data, X.data)


def test_pickle():
    x = sparse.csr_matrix("x")
    y = pickle.loads(pickle.dumps(sparse.structured_dot(x, pt.dvector("v"))))
    x2, v2 = y.owner.inputs
    assert x2.type == x.type
    assert v2.type.dtype == "float64"
    f = pickle.loads(pickle.dumps(pytensor.function([x], x.T)))
    np.testing.assert_array_equal(f(X).toarray(), X.toarray().T)


def test_dense_methods_warn():
    x = sparse.csr_matrix("x")
    with pytest.warns(UserWarning, match="converted to dense"):
        y = x.exp()
    np.testing.assert_allclose(y.eval({x: X}), np.exp(X.toarray()))
    np.testing.assert_allclose(pt.exp(x).eval({x: X}), np.exp(X.toarray()))
    with pytest.warns(UserWarning, match="converted to dense"):
        y = x**2
    np.testing.assert_allclose(y.eval({x: X}), X.toarray() ** 2)
    with pytest.raises(TypeError, match="iteration"):
        iter(x)


def test_shape():
    x = sparse.csr_matrix("x")
    f = pytensor.function([x], [x.shape, x.T.shape, x.size, (x * 2).shape[0]])
    shape, turned, size, rows = f(X)
    np.testing.assert_array_equal(shape, [4, 3])
    np.testing.assert_array_equal(turned, [3, 4])
    assert (size, rows, x.ndim) == (12, 4, 2)


def test_importing_pytensor_does_not_import_scipy_sparse():
    code = (
        "import sys, pytensor, pytensor.tensor; assert 'scipy.sparse' not in sys.modules;"
        "assert 'pytensor.sparse' not in sys.modules;"
        "import scipy.sparse as sp; s = pytensor.shared(sp.eye(2, format='csr'));"
        "assert s.type.format == 'csr'; assert pytensor.sparse.dot"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
