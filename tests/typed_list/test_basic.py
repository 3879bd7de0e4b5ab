"""Symbolic lists behave as Python's."""

import numpy as np
import pytest
import scipy.sparse as sp

import pytensor
import pytensor.tensor as pt
from pytensor import sparse
from pytensor import typed_list as tl

LISTS = tl.TypedListType(pt.dvector)
A, B, C = np.ones(2), np.zeros(1), np.arange(3.0)


def compiled(inputs, outputs):
    return [pytensor.function(inputs, outputs, mode=mode) for mode in (None, "PY")]


def same(got, want):
    assert len(got) == len(want)
    for a, b in zip(got, want, strict=True):
        np.testing.assert_array_equal(a, b)


def test_type():
    assert tl.TypedListType(pt.dvector) == LISTS
    assert hash(tl.TypedListType(pt.dvector)) == hash(LISTS)
    assert tl.TypedListType(pt.fvector) != LISTS
    deep = tl.TypedListType(pt.dvector, 2)
    assert (LISTS.get_depth(), deep.get_depth()) == (0, 2)
    same(LISTS.filter([[1.0, 2.0], A]), [[1, 2], A])
    same(deep.filter([[[A, B]]])[0][0], [A, B])
    for bad in ([np.ones((2, 2))], A, [[["x"]]]):
        with pytest.raises((TypeError, ValueError)):
            LISTS.filter(bad)
    with pytest.raises(TypeError, match="must be a list"):
        LISTS.filter((A,), strict=True)
    with pytest.raises(TypeError, match="must be a Type"):
        tl.TypedListType(3)
    assert LISTS.values_eq([A, B], [A.copy(), B])
    assert not LISTS.values_eq([A, B], [B, A])
    assert LISTS.values_eq_approx([A], [A + 1e-12])
    assert LISTS.may_share_memory([A], [B, A[:1]])


def test_all_functions():
    x, y, v, i = LISTS("x"), LISTS("y"), pt.dvector("v"), pt.lscalar("i")
    outs = [
        x.append(v), x.extend(y), x.insert(i, v), x.remove(v), x.reverse(), x[i], x[1:], x[-1],
        x.count(v), x.ind(v), x.length(), tl.make_list([v, v]), x[:i], tl.append(x, v).length(),
    ]  # fmt: skip
    assert outs[5].type == pt.dvector
    assert x.ttype == pt.dvector
    for f in compiled([x, y, v, i], outs):
        given = [A, B, A]
        found = f(given, [C], A, 1)
        wants = [[A, B, A, A], [A, B, A, C], [A, A, B, A], [B, A], [A, B, A], B, [B, A], A]
        wants += [2, 0, 3, [A, A], [A], 4]
        for got, want in zip(found, wants, strict=True):
            if isinstance(want, list):
                same(got, want)
            else:
                np.testing.assert_array_equal(got, want)
        same(given, [A, B, A])


def test_nothing_to_remove():
    x, v = LISTS("x"), pt.dvector("v")
    for f in compiled([x, v], x.remove(v)):
        same(f([A], C), [A])
    for f in compiled([x, v], x.ind(v)):
        with pytest.raises(ValueError, match="not in the list"):
            f([A], C)
    for f in compiled([x], x[5]):
        with pytest.raises(IndexError, match="out of range"):
            f([A])


def test_inplace():
    x, v = LISTS("x"), pt.dvector("v")
    op = tl.Append(inplace=True)
    assert op.destroy_map == {0: [0]}
    assert op != tl.append
    f = pytensor.function(
        [pytensor.In(x, mutable=True, borrow=True), v], op(x, v), accept_inplace=True
    )
    same(f([A], B), [A, B])
    for cls in (tl.Extend, tl.Insert, tl.Remove, tl.Reverse):
        assert cls(inplace=True).destroy_map == {0: [0]}


def test_extend_with_itself():
    x = LISTS("x")
    for f in compiled([x], x.extend(x)):
        same(f([A, B]), [A, B, A, B])


def test_results_are_independent():
    v = pt.dvector("v")
    for f in compiled([v], tl.make_list([v * 2, v])):
        given = np.ones(2)
        first = f(given)
        f(np.zeros(2))
        same(first, [2 * A, A])
        first[1][:] = 7
        np.testing.assert_array_equal(given, A)


def test_lists_of_others():
    nested = tl.TypedListType(LISTS)("n")
    for f in compiled([nested], [nested[0], nested[0][0], nested.length()]):
        inner, element, n = f([[A, B], [C]])
        same(inner, [A, B])
        np.testing.assert_array_equal(element, A)
        assert n == 2
    matrices = tl.TypedListType(sparse.csr_dmatrix)("m")
    m = sp.eye(2, format="csr")
    for f in compiled([matrices], [matrices[1], matrices.count(matrices[1])]):
        got, n = f([2 * m, m])
        np.testing.assert_array_equal(got.toarray(), np.eye(2))
        assert n == 1


def test_constant():
    c = tl.TypedListConstant(LISTS, [A, B])
    for f in compiled([], [c.length(), c[1]]):
        n, b = f()
        assert n == 2
        np.testing.assert_array_equal(b, B)


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda x: tl.append(x, pt.lmatrix()), "toAppend must be of type"),
        (lambda x: tl.append(pt.dvector(), pt.dvector()), "must be a typed list"),
        (lambda x: tl.make_list([]), "at least one variable"),
        (lambda x: tl.make_list([pt.dvector(), pt.lscalar()]), "same type"),
        (lambda x: x[pt.dscalar()], "scalar or a slice"),
        (lambda x: x.insert(1.5, pt.dvector()), "integer scalar"),
        (lambda x: x.extend(tl.TypedListType(pt.fvector)()), "must be of type"),
        (lambda x: len(x), "length"),
    ],
)
def test_errors(make, message):
    with pytest.raises(TypeError, match=message):
        make(LISTS("x"))
