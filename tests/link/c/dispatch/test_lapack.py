"""Linear algebra in C: the values and errors of Python mode, for all dtypes, layouts and batches."""

import re
import warnings
from pathlib import Path

import numpy as np
import pytest

import pytensor
import pytensor.tensor as pt
from pytensor.graph.fg import FunctionGraph
from pytensor.link.py.linker import PyLinker
from pytensor.tensor import linalg
from pytensor.tensor.blas import _provider
from tests.link.c.graphs import make, python_steps

DTYPES = ["float32", "float64", "complex64", "complex128", "int64"]
BATCHES = [(), (2, 1), (0,)]
TOLERANCE = {"float32": 5e-3, "complex64": 5e-3}


@pytest.fixture(autouse=True)
def _quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        yield


def variable(name, dtype, ndim):
    return pt.tensor(name, dtype=dtype, shape=(None,) * ndim)


def matrices(shape, dtype, seed=0):
    rng = np.random.default_rng([seed, *shape])
    values = 3 * rng.normal(size=shape)
    if dtype.startswith("complex"):
        values = values + 2j * rng.normal(size=shape)
    return (10 * values if dtype == "int64" else values).astype(dtype)


def positive(shape, dtype):
    x = matrices(shape, dtype)
    return (x @ x.conj().swapaxes(-1, -2) + 9 * np.eye(shape[-1])).astype(dtype)


def compiled(inputs, outputs):
    """The program in C, without rewriting; nothing may be left to Python."""
    program = make(inputs, outputs)
    assert not python_steps(program)
    return program


def pair(inputs, outputs):
    """The programs of both modes."""
    graph = FunctionGraph(list(inputs), list(outputs), clone=True)
    return compiled(inputs, outputs), PyLinker().make_program(graph)


def assert_same(got, expected, tolerance):
    for a, b in zip(got, expected, strict=True):
        assert (a.dtype, a.shape) == (b.dtype, b.shape)
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


def outcome(function, *values):
    try:
        return function(*values)
    except Exception as error:  # noqa: BLE001
        return type(error), str(error).split("\n")[0]


SQUARE = {
    "inv": lambda x: [linalg.inv(x)],
    "det": lambda x: [linalg.det(x)],
    "slogdet": lambda x: list(linalg.slogdet(x)),
    "lu": lambda x: list(linalg.lu(x)),
    "lu p_indices": lambda x: list(linalg.lu(x, p_indices=True)),
    "lu permute_l": lambda x: list(linalg.lu(x, permute_l=True)),
    "lu_factor": lambda x: list(linalg.lu_factor(x)),
    "eigh": lambda x: list(linalg.eigh(x)),
    "eigh upper": lambda x: list(linalg.eigh(x, lower=False)),
    "eigh ev": lambda x: list(linalg.eigh(x, driver="ev")),
    "eigh evd": lambda x: list(linalg.eigh(x, driver="evd")),
    "eigvalsh": lambda x: [linalg.eigvalsh(x, lower=False)],
    "eig": lambda x: list(linalg.eig(x)),
    "schur": lambda x: list(linalg.schur(x)),
    "schur complex": lambda x: list(linalg.schur(x, output="complex")),
}
ANY = {
    "svd": lambda x: list(linalg.svd(x)),
    "svd thin": lambda x: list(linalg.svd(x, full_matrices=False)),
    "svd values": lambda x: [linalg.svd(x, compute_uv=False)],
    "pinv": lambda x: [linalg.pinv(x)],
    **{
        f"qr {mode} {pivoting}": lambda x, mode=mode, pivoting=pivoting: _listed(
            linalg.qr(x, mode=mode, pivoting=pivoting)
        )
        for mode in ("full", "economic", "r", "raw")
        for pivoting in (False, True)
    },
}
# NumPy's LAPACK and SciPy's give vectors other signs or phases in single precision.
NUMPYS = {"svd", "svd thin", "eig"}


def _listed(results):
    return list(results) if isinstance(results, list | tuple) else [results]


def check_pieces(name, x, got):
    """Check decompositions that are unique up to signs by what they are for."""
    if name == "eig":
        w, v = got
        np.testing.assert_allclose(x @ v, v * w[..., None, :], rtol=1e-2, atol=1e-2)
        return
    u, s, vh = got
    k = s.shape[-1]
    back = (u[..., :k] * s[..., None, :]) @ vh[..., :k, :]
    np.testing.assert_allclose(back, x, rtol=1e-3, atol=1e-3)
    for q in (u, vh.conj().swapaxes(-1, -2)):
        eye = np.broadcast_to(np.eye(q.shape[-1]), (*q.shape[:-2], *q.shape[-1:] * 2))
        np.testing.assert_allclose(q.conj().swapaxes(-1, -2) @ q, eye, atol=1e-4)


def check_values(table, dtype, batch, shapes):
    """All operations of a table are outputs of one program."""
    x = variable("x", dtype, len(batch) + 2)
    groups = {name: build(x) for name, build in table.items()}
    c, py = pair([x], [z for group in groups.values() for z in group])
    for m, n in shapes:
        value = matrices((*batch, m, n), dtype)
        got, expected = iter(c(value)), iter(py(value))
        for name, group in groups.items():
            ours = [next(got) for _ in group]
            theirs = [next(expected) for _ in group]
            if name in NUMPYS and dtype in TOLERANCE:
                check_pieces(name, value, ours)
            else:
                assert_same(ours, theirs, TOLERANCE.get(dtype, 1e-8))


@pytest.mark.parametrize("batch", BATCHES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_square(dtype, batch):
    check_values(SQUARE, dtype, batch, [(0, 0), (1, 1), (5, 5), (20, 20)])


@pytest.mark.parametrize("batch", BATCHES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_any_shape(dtype, batch):
    check_values(ANY, dtype, batch, [(1, 1), (5, 5), (7, 4), (4, 7), (0, 3), (3, 0)])


def arranged(value):
    """The same value in layouts that LAPACK does not know."""
    yield np.asfortranarray(value)
    yield value.swapaxes(-1, -2).copy().swapaxes(-1, -2)
    yield value[..., ::-1, ::-1].copy()[..., ::-1, ::-1]
    wide = np.zeros(tuple(2 * n for n in value.shape), value.dtype)
    wide[tuple(slice(None, None, 2) for _ in value.shape)] = value
    yield wide[tuple(slice(None, None, 2) for _ in value.shape)]


@pytest.mark.parametrize("batch", [(), (3,)])
def test_layouts(batch):
    x = variable("x", "float64", len(batch) + 2)
    c = compiled([x], [z for build in {**SQUARE, **ANY}.values() for z in build(x)])
    value = matrices((*batch, 6, 6), "float64")
    expected = c(value)
    kept = value.copy()
    for same in arranged(value):
        for got, wanted in zip(c(same), expected, strict=True):
            np.testing.assert_array_equal(got, wanted)
    np.testing.assert_array_equal(value, kept)


def test_repeated_element():
    x = pt.dmatrix("x")
    f = compiled([x], [linalg.qr(x)[1], *linalg.slogdet(x), linalg.pinv(x)])
    value = np.broadcast_to(np.float64(2.0), (3, 3))
    r, sign, logdet, inverse = f(value)
    np.testing.assert_allclose(np.abs(r), np.abs(np.linalg.qr(value)[1]), atol=1e-14)
    assert (sign, logdet) == tuple(np.linalg.slogdet(value))
    np.testing.assert_allclose(inverse, np.full((3, 3), 1 / 18))


STRUCTURES = {
    "gen": lambda x: x,
    "sym": lambda x: x + x.swapaxes(-1, -2),
    "her": lambda x: x + x.conj().swapaxes(-1, -2),
    "pos": lambda x: positive(x.shape, x.dtype.name),
    "tridiagonal": lambda x: np.triu(np.tril(x, 1), -1),
    "banded": lambda x: np.triu(np.tril(x, 2), -1),
}


@pytest.mark.parametrize("b_ndim", [1, 2])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("assume_a", STRUCTURES)
def test_solve(assume_a, dtype, b_ndim):
    for batch in BATCHES:
        A, b = variable("A", dtype, len(batch) + 2), variable("b", dtype, len(batch) + b_ndim)
        how = {"assume_a": assume_a, "b_ndim": b_ndim}
        c, py = pair([A, b], [linalg.solve(A, b, lower=lower, **how) for lower in (True, False)])
        for n in (0, 2, 9):
            values = STRUCTURES[assume_a](matrices((*batch, n, n), dtype)).astype(dtype)
            right = matrices((*batch, n, 3)[: len(batch) + b_ndim], dtype, 1)
            assert_same(c(values, right), py(values, right), TOLERANCE.get(dtype, 1e-8))
            assert_same(
                c(values[..., ::-1, ::-1], right),
                py(values[..., ::-1, ::-1].copy(), right),
                TOLERANCE.get(dtype, 1e-8),
            )


def test_batches_broadcast():
    A = pt.tensor("A", shape=(None, 1, None, None), dtype="float64")
    b = pt.tensor("b", shape=(1, None, None), dtype="float32")
    c, py = pair([A, b], [linalg.solve(A, b, b_ndim=1)])
    for k in (0, 1, 4):
        values = matrices((3, 1, 5, 5), "float64"), matrices((1, k, 5), "float32")
        assert_same(c(*values), py(*values), 1e-10)


def test_announced_broadcasting_only():
    A, b = pt.dtensor3("A"), pt.dmatrix("b")
    c, py = pair([A, b], [linalg.solve(A, b, b_ndim=1)])
    for lengths in ((1, 3), (2, 3)):
        values = matrices((lengths[0], 4, 4), "float64"), matrices((lengths[1], 4), "float64")
        got, expected = outcome(c, *values), outcome(py, *values)
        assert got[0] is expected[0] is ValueError


@pytest.mark.parametrize("dtype", DTYPES)
def test_generalized(dtype):
    for batch in BATCHES:
        a, b = (variable(name, dtype, len(batch) + 2) for name in "ab")
        outputs = []
        for lower in (True, False):
            outputs += [*linalg.eigh(a, b, lower=lower), linalg.eigvalsh(a, b, lower=lower)]
        c, py = pair([a, b], outputs)
        for n in (0, 1, 6):
            values = matrices((*batch, n, n), dtype), positive((*batch, n, n), dtype)
            assert_same(c(*values), py(*values), TOLERANCE.get(dtype, 1e-8))


@pytest.mark.parametrize("y_ndim", [1, 2])
@pytest.mark.parametrize("dtype", DTYPES)
def test_lstsq(dtype, y_ndim):
    x, y = variable("x", dtype, 2), variable("y", dtype, y_ndim)
    for rcond in (-1, 0.4):
        c, py = pair([x, y], linalg.lstsq(x, y, rcond))
        for m, n in ((6, 3), (3, 6), (4, 4), (0, 2), (2, 0), (0, 0)):
            for k in (0, 2):
                values = matrices((m, n), dtype), matrices((m, k)[:y_ndim], dtype, 1)
                assert_same(c(*values), py(*values), TOLERANCE.get(dtype, 1e-8))
    assert outcome(c, np.ones((2, 3), dtype), np.ones((4, 1)[:y_ndim], dtype)) == (
        np.linalg.LinAlgError,
        "Incompatible dimensions",
    )


@pytest.mark.parametrize(("b_ndim", "transposed"), [(1, False), (2, False), (2, True)])
@pytest.mark.parametrize("dtype", DTYPES)
def test_tridiagonal(dtype, b_ndim, transposed):
    for batch in BATCHES:
        A, b = variable("A", dtype, len(batch) + 2), variable("b", dtype, len(batch) + b_ndim)
        factors = linalg.tridiagonal_lu_factor(A)
        x = linalg.tridiagonal_lu_solve(factors, b, b_ndim=b_ndim, transposed=transposed)
        c = compiled([A, b], [*factors, x])
        for n in (0, 1, 2, 3, 8):
            value = STRUCTURES["tridiagonal"](matrices((*batch, n, n), dtype))
            right = matrices((*batch, n, 3)[: len(batch) + b_ndim], dtype, 1)
            full = value.swapaxes(-1, -2) if transposed else value
            columns = right[..., None] if b_ndim == 1 else right
            expected = np.linalg.solve(full, columns)
            got = c(value, right)[-1]
            np.testing.assert_allclose(
                got[..., None] if b_ndim == 1 else got,
                expected,
                rtol=(tolerance := TOLERANCE.get(dtype, 1e-8)),
                atol=tolerance,
            )


@pytest.mark.parametrize("dtype", ["int32", "int64", "uint8"])
def test_pivots(dtype):
    p = variable("p", dtype, 1)
    c, py = pair([p], [linalg.pivot_to_permutation(p, inverse=i) for i in (True, False)])
    for pivots in ([], [0], [2, 2, 2], [3, 1, 3, 3]):
        assert_same(c(np.array(pivots, dtype)), py(np.array(pivots, dtype)), 0)


def test_pivots_are_checked():
    from pytensor.tensor.linalg.solvers.tridiagonal import SolveLUFactorTridiagonal  # noqa: PLC0415

    inputs = [pt.dvector(name) for name in ("dl", "d", "du", "du2")]
    pivots, b = pt.ivector("ipiv"), pt.dvector("b")
    f = compiled([*inputs, pivots, b], [SolveLUFactorTridiagonal(1, False)(*inputs, pivots, b)])
    line = np.ones(4)
    with pytest.raises(ValueError, match=re.escape("ipiv must lie between 1 and 4, got 7")):
        f(line[:3], line, line[:3], line[:2], np.array([1, 7, 3, 4], "int32"), line)
    p = pt.lvector("p")
    g = compiled([p], [linalg.pivot_to_permutation(p)])
    with pytest.raises(IndexError, match="out of bounds"):
        g(np.array([0, 5]))


ODD = {
    "nan": np.full((4, 4), np.nan),
    "one nan": np.eye(4) * 2 + np.where(np.arange(16).reshape(4, 4) == 4, np.nan, 1),
    "inf": np.eye(4) + np.where(np.arange(16).reshape(4, 4) == 4, np.inf, 1),
    "zero": np.zeros((4, 4)),
    "ones": np.ones((4, 4)),
    "integers": np.arange(16.0).reshape(4, 4),
}


@pytest.mark.parametrize("output", ["real", "complex"])
def test_schur_of_nan_is_nan(output):
    x = pt.dmatrix("x")
    f = compiled([x], linalg.schur(x, output=output))
    for value in (ODD["one nan"], ODD["inf"]):
        assert all(np.isnan(z).all() for z in f(value))


@pytest.mark.parametrize("name", ["svd", "svd values", "svd thin", "pinv"])
@pytest.mark.parametrize("value", ["one nan", "inf"])
def test_singular_values_of_what_is_not_finite(name, value):
    """NumPy never returns for infinity."""
    x = pt.dmatrix("x")
    f = compiled([x], ANY[name](x))
    assert outcome(f, ODD[value]) == (np.linalg.LinAlgError, "SVD did not converge")


@pytest.mark.parametrize("name", [name for name in (*SQUARE, *ANY) if "schur" not in name])
def test_odd_values(name):
    """NaN must not hang, errors are those of Python mode."""
    x = pt.dmatrix("x")
    c, py = pair([x], {**SQUARE, **ANY}[name](x))
    for kind, value in ODD.items():
        if kind == "inf" and ("svd" in name or name == "pinv"):
            continue
        got, expected = outcome(c, value), outcome(py, value)
        if isinstance(expected, tuple) or isinstance(got, tuple):
            assert got == expected
        elif name != "eig" and not name.startswith("eigh"):
            for a, b in zip(got, expected, strict=True):
                np.testing.assert_allclose(a, b, atol=1e-10)


@pytest.mark.parametrize("assume_a", STRUCTURES)
def test_singular_systems(assume_a):
    A, b = pt.dmatrix("A"), pt.dvector("b")
    c, py = pair([A, b], [linalg.solve(A, b, assume_a=assume_a)])
    for value in (np.zeros((4, 4)), np.full((4, 4), np.nan), -np.eye(4)):
        assert_same(c(value, np.ones(4)), py(value, np.ones(4)), 1e-12)
    for bad in ((np.ones((3, 4)), np.ones(3)), (np.ones((3, 3)), np.ones(4))):
        assert outcome(c, *bad) == outcome(py, *bad)


@pytest.mark.parametrize("name", SQUARE)
def test_square_is_asked_for(name):
    x = pt.dmatrix("x")
    c, py = pair([x], SQUARE[name](x))
    for function in (c, py):
        kind, words = outcome(function, np.ones((2, 3)))
        assert kind is np.linalg.LinAlgError
        # NumPy's own words where its generalized ufunc is called.
        assert "must be square" in words or "must be a square matrix, got shape (2, 3)" in words


@pytest.mark.parametrize("dtype", DTYPES[:4])
def test_determinants_do_not_overflow(dtype):
    x = variable("x", dtype, 2)
    f = compiled([x], [linalg.det(x), *linalg.slogdet(x)])
    tiny, huge = (1e-30, 1e30) if dtype in TOLERANCE else (1e-250, 1e250)
    value = np.diag(np.array([tiny, huge] * 20)).astype(dtype)[::-1]
    det, sign, logdet = f(value)
    np.testing.assert_allclose([det, sign], [1.0, 1.0], rtol=1e-4)
    np.testing.assert_allclose(logdet, 0.0, atol=1e-4)
    _, sign, logdet = f(np.diag(np.full(41, -huge)).astype(dtype))
    np.testing.assert_allclose([sign, logdet], [-1.0, 41 * np.log(huge)], rtol=1e-6)


def test_memory_of_what_dies_is_used():
    A, b = pt.dmatrix("A"), pt.dvector("b")
    f = pytensor.function([A, b], linalg.solve(A + 1.0, b * 2.0) + linalg.inv(A + 2.0)[0], mode="C")
    for seed in range(2):
        A_, b_ = matrices((5, 5), "float64", seed), matrices((5,), "float64", seed)
        expected = np.linalg.solve(A_ + 1, 2 * b_) + np.linalg.inv(A_ + 2)[0]
        np.testing.assert_allclose(f(A_, b_), expected)


def test_table_of_routines():
    """The lists in Python and C are the same."""
    text = (Path(_provider.__file__).parent / "c_code" / "lapack.h").read_text()
    listed = re.findall(r"ENTRY\((\w+)\)", text.split("#define LAPACK_ROUTINES")[1].split("/*")[0])
    names = _provider.LAPACK_NAMES
    assert len(names) == 4 * len(listed)
    for k, name in enumerate(listed):
        group = names[4 * k : 4 * k + 4]
        assert [n[0] for n in group] == list("sdcz")
        real = {"hesv": "sysv"}.get(name, name)
        assert group[0][1:] == group[1][1:] == real, name
