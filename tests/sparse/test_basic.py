"""Making, taking apart, arranging and indexing sparse matrices, against SciPy."""

import numpy as np
import pytest
import scipy.sparse as sp
from sparse_checks import FORMATS, check_gradient, compiled, dense, value

import pytensor
import pytensor.tensor as pt
from pytensor import sparse
from pytensor.gradient import verify_grad
from pytensor.sparse import basic

RNG = np.random.default_rng(5)


@pytest.mark.parametrize("format", FORMATS)
def test_parts(format):
    x, v = sparse.matrix(format, "x"), value(format)
    parts = sparse.csm_properties(x)
    again = sparse.CSM(format)(*parts)
    named = [
        f(x) for f in (sparse.csm_data, sparse.csm_indices, sparse.csm_indptr, sparse.csm_shape)
    ]
    for f in compiled([x], [*parts, *named, again]):
        *got, matrix = f(v)
        for a, b in zip(got, [v.data, v.indices, v.indptr, v.shape] * 2, strict=True):
            np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(dense(matrix), dense(v))
        got[0][:] = 0
        assert v.data.all()
    check_gradient(lambda x: sparse.csm_data(x) ** 2, v)
    check_gradient(lambda x: sparse.CSM(format)(sparse.csm_data(x) ** 2, *parts_of(v)[1:]), v)


def parts_of(v):
    return v.data, v.indices, v.indptr, v.shape


def test_csm_errors():
    data, i = pt.vector("d"), pt.ivector("i")
    with pytest.raises(TypeError, match="data must be a vector"):
        sparse.CSR(pt.matrix(), i, i, i)
    with pytest.raises(TypeError, match="indptr must be a vector of integers"):
        sparse.CSR(data, i, data, i)
    with pytest.raises(ValueError, match="format must be"):
        sparse.CSM("coo")
    for f in compiled([data, i], sparse.CSR(data, i, [0, 1], [1, 4])):
        with pytest.raises(ValueError, match="must have one length"):
            f([1.0, 2.0], [0])


@pytest.mark.parametrize("format", FORMATS)
def test_dense_and_back(format):
    d = RNG.normal(size=(3, 4)) * (RNG.random((3, 4)) < 0.5)
    v = pt.matrix("v")
    to_sparse = {"csr": sparse.csr_from_dense, "csc": sparse.csc_from_dense}[format]
    for f in compiled([v], [to_sparse(v), sparse.dense_from_sparse(to_sparse(v))]):
        s, again = f(d)
        assert s.format == format
        assert s.nnz == np.count_nonzero(d)
        np.testing.assert_array_equal(again, d)
    verify_grad(lambda v: sparse.sp_sum(to_sparse(v), sparse_grad=False), [d + 1], rng=RNG)
    check_gradient(lambda x: x.toarray() ** 2, value(format))
    x = sparse.matrix(format, "x")
    g = pytensor.grad(sparse.DenseFromSparse(structured=False)(x).sum(), x)
    np.testing.assert_array_equal(dense(g.eval({x: value(format)})), np.ones((4, 3)))
    g = pytensor.grad(sparse.dense_from_sparse(x).sum(), x)
    np.testing.assert_array_equal(dense(g.eval({x: value(format)})), dense(value(format)) != 0)


@pytest.mark.parametrize("format", FORMATS)
def test_arranging(format):
    x, s, t = sparse.matrix(format, "x"), pt.vector("s"), pt.vector("t")
    v, a, b = value(format), RNG.normal(size=3), RNG.normal(size=4)
    outs = [
        sparse.transpose(x), sparse.col_scale(x, s), sparse.row_scale(x, t), sparse.clean(x),
        sparse.sp_ones_like(x), sparse.sp_zeros_like(x), sparse.cast(x, "float32"),
        sparse.hstack([x, x]), sparse.vstack([x, x], format="csr"), x.copy(), x.conj(),
    ]  # fmt: skip
    d = dense(v)
    wants = [
        d.T, d * a, d * b[:, None], d, d != 0, 0 * d, d.astype("float32"),
        np.hstack([d, d]), np.vstack([d, d]), d, d,
    ]  # fmt: skip
    for f in compiled([x, s, t], outs):
        for got, want, out in zip(f(v, a, b), wants, outs, strict=True):
            np.testing.assert_allclose(dense(got), want)
            assert (got.format, got.dtype.name) == (out.type.format, out.type.dtype)
    assert outs[7].type.format == "csc"
    check_gradient(lambda x, s: sparse.col_scale(x, s), v, a)
    check_gradient(lambda x, s: sparse.row_scale(x, s), v, b)
    check_gradient(lambda x: sparse.hstack([x, x * 2]), v)
    check_gradient(lambda x, y: sparse.vstack([x, y], format="csr"), v, RNG.normal(size=(2, 3)))
    check_gradient(lambda x: sparse.transpose(x * 3), v)
    for f in compiled([x, s], sparse.col_scale(x, s)):
        with pytest.raises(ValueError, match="as many elements"):
            f(v, b)


@pytest.mark.parametrize("format", FORMATS)
def test_diagonals(format):
    x, s = sparse.matrix(format, "x"), pt.vector("s")
    v = value(format, (4, 4))
    for f in compiled([x, s], [sparse.diag(x), sparse.square_diagonal(s)]):
        d, square = f(v, np.arange(3.0))
        np.testing.assert_array_equal(d, np.diag(dense(v)))
        np.testing.assert_array_equal(dense(square), np.diag(np.arange(3.0)))
        with pytest.raises(ValueError, match="square matrix"):
            f(value(format), np.arange(3.0))
    check_gradient(lambda x: sparse.diag(x) ** 2, v)
    check_gradient(sparse.square_diagonal, np.arange(3.0))
    assert sparse.square_diagonal(pt.tensor(shape=(3,))).type.shape == (3, 3)


def test_remove0_keeps_its_input():
    x = sparse.csr_matrix("x")
    v = value()
    v.data[0] = 0
    for f in compiled([x], [sparse.remove0(x), sparse.ensure_sorted_indices(x)]):
        assert f(v)[0].nnz == v.nnz - 1
        assert v.nnz == 6
    check_gradient(sparse.clean, value())


@pytest.mark.parametrize("format", FORMATS)
def test_indexing(format):
    x, i, j = sparse.matrix(format, "x"), pt.lscalar("i"), pt.lvector("j")
    v = value(format)
    d = dense(v)
    outs = [
        x[1:3], x[:, 1:], x[i:, :i], x[::2, ::-1], x[1, 2], x[i, 0], x[[0, 2, 2]], x[j],
        x[[0, 1, 1], [2, 0, 0]], x[j, j], x[-1, -1],
    ]  # fmt: skip
    k = np.array([2, 0, -1])
    wants = [
        d[1:3], d[:, 1:], d[2:, :2], d[::2, ::-1], d[1, 2], d[2, 0], d[[0, 2, 2]], d[k],
        d[[0, 1, 1], [2, 0, 0]], d[k, k], d[-1, -1],
    ]  # fmt: skip
    for f in compiled([x, i, j], outs):
        for got, want in zip(f(v, 2, k), wants, strict=True):
            np.testing.assert_array_equal(dense(got), want)
    for index in (
        (slice(1, 3), slice(None, None, -1)),
        [0, 2, 2],
        ([0, 1, 1], [2, 0, 0]),
        (1, 2),
        (-1, -1),
    ):
        check_gradient(lambda x, index=index: x[index] * 2, v)
    assert sparse.csr_matrix(shape=(4, 3))[1:3, :].type.shape == (2, 3)


def test_indexing_errors():
    x = sparse.csr_matrix("x")
    for index in (0, (slice(None), 1), (slice(None), [0, 1])):
        with pytest.raises(NotImplementedError, match="no sparse vector"):
            x[index]
    with pytest.raises(ValueError, match="Advanced indexing"):
        x[pt.lmatrix()]
    with pytest.raises(ValueError, match="two dimensions"):
        x[0, 0, 0]
    for f in compiled([x], x[7, 0]):
        with pytest.raises(IndexError):
            f(value())


def test_construct_from_list():
    x, values, rows = pt.matrix("x"), pt.matrix("values"), pt.lvector("rows")
    v = RNG.normal(size=(3, 2))
    for f in compiled([x, values, rows], basic.construct_sparse_from_list(x, values, rows)):
        want = np.zeros((5, 2))
        np.add.at(want, [1, 1, -1], v)
        got = f(np.ones((5, 2)), v, [1, 1, -1])
        assert got.format == "csc"
        np.testing.assert_allclose(dense(got), want)
        with pytest.raises(IndexError):
            f(np.ones((5, 2)), v, [1, 1, 7])


@pytest.mark.parametrize("dtype", ["float32", "complex128", "int64", "bool"])
def test_dtypes(dtype):
    x = sparse.csr_matrix("x", dtype=dtype)
    v = value(dtype=dtype)
    f = pytensor.function([x], [x.toarray(), x.T, x[1:3], sparse.csm_data(x)])
    for got, want in zip(f(v), [dense(v), dense(v).T, dense(v)[1:3], v.data], strict=True):
        np.testing.assert_array_equal(dense(got), want)
        assert got.dtype == dtype


def test_empty():
    x = sparse.csr_matrix("x")
    v = sp.csr_matrix((3, 0))
    outs = [x.T, x.toarray(), sparse.sp_sum(x), sparse.csm_data(x), x[0:2]]
    for got, want in zip(pytensor.function([x], outs)(v), [(0, 3), (3, 0), (), (0,), (2, 0)]):
        assert got.shape == want
