"""einsum against NumPy, and what it is lowered to."""

import numpy as np
import pytest
from tensor_checks import check_gradient, evaluate

import pytensor
import pytensor.tensor as pt
from pytensor.graph.traversal import ancestors

RNG = np.random.default_rng(44)
LENGTHS = dict(zip("abcdeijklmn", (2, 3, 4, 2, 5, 3, 4, 2, 3, 5, 2)))
CASES = [
    "ij,jk->ik", "ij,jk", "ij->ji", "ii->i", "ii", "ii->", "iij->j", "ij->", "ij->j", "ij,ij->ij", "ij,ij",
    "i,i", "i,j->ij", "i,j->ji", "ij,j", "j,ij->i", "bij,bjk->bik", "bij,bkj->bik", "ij,kl->ik", "i,i->i",
    "ijk,kji", "abc,cde->abde", "abc,bcd->ad", "ij,jk,kl->il", "ij,jk,kl,lm->im", "ij,ij,ij->i",
    "abc,abd->acd", "bi,bj->bij", "ij,i->", "i->", "a,b,c->abc", "abcd,abce->de", "i,ij,j->",
    "ji,jk->ik", "a,ab,abc->abc",
]  # fmt: skip


def operands(subscripts):
    return [
        RNG.normal(size=tuple(LENGTHS[c] for c in op))
        for op in subscripts.split("->")[0].split(",")
    ]


@pytest.mark.parametrize("static", [True, False])
@pytest.mark.parametrize("subscripts", CASES)
def test_value(subscripts, static):
    values = operands(subscripts)
    inputs = [
        pt.tensor(dtype="float64", shape=v.shape if static else (None,) * v.ndim) for v in values
    ]
    out = pt.einsum(subscripts, *inputs)
    expected = np.einsum(subscripts, *values)
    np.testing.assert_allclose(evaluate(out, dict(zip(inputs, values, strict=True))), expected)
    if static:
        assert out.type.shape == expected.shape


@pytest.mark.parametrize("subscripts", CASES[::3])
def test_gradient(subscripts):
    values = operands(subscripts)
    check_gradient(lambda *v: pt.einsum(subscripts, *v), values, forward=False)


@pytest.mark.parametrize(
    "subscripts, shapes",
    [
        ("...ij,...jk->...ik", [(5, 2, 3), (5, 3, 4)]), ("...ij,...jk->...ik", [(5, 2, 3), (3, 4)]),
        ("...ij,jk", [(5, 2, 3), (3, 4)]), ("i...->...", [(3, 4, 5)]), ("...,...", [(2, 3), (3,)]),
        ("...i,...i->...", [(4, 1, 3), (4, 2, 3)]), ("i...,i...->i...", [(3, 2), (3, 2)]),
        ("...", [(2, 3)]), ("ij,jk->ik", [(2, 1), (3, 4)]),
    ],
)  # fmt: skip
def test_ellipsis_and_broadcast(subscripts, shapes):
    values = [RNG.normal(size=s) for s in shapes]
    inputs = [
        pt.tensor(dtype="float64", shape=tuple(1 if n == 1 else None for n in s)) for s in shapes
    ]
    out = evaluate(pt.einsum(subscripts, *inputs), dict(zip(inputs, values, strict=True)))
    np.testing.assert_allclose(out, np.einsum(subscripts, *values))


def test_errors():
    m = pt.dmatrix("m")
    for bad in ("ij", "ij,ij,ij", "ijk,ij", "ij,jk->iz", "ij,jk->ii", "i1,jk"):
        with pytest.raises(ValueError):
            pt.einsum(bad, m, m)
    with pytest.raises(ValueError, match="one length"):
        pt.einsum("ij,jk", pt.tensor(shape=(2, 3)), pt.tensor(shape=(4, 5)))
    with pytest.raises(NotImplementedError):
        pt.einsum("ij,jk", m, m, optimize="optimal")


def _ops(out):
    return [type(v.owner.op).__name__ for v in ancestors([out]) if v.owner is not None]


def test_lowering():
    x, y = pt.dmatrix("x"), pt.dmatrix("y")
    assert _ops(pt.einsum("ij,jk->ik", x, y)) == ["Dot"]
    a, b = pt.dtensor3("a"), pt.dtensor3("b")
    assert _ops(pt.einsum("bij,bjk->bik", a, b)) == ["Blockwise"]


def test_order_of_contraction():
    """A chain that ends in a vector is contracted from the right."""
    A, B, v = (pt.tensor(shape=s) for s in ((100, 100), (100, 100), (100,)))
    out = pt.einsum("ij,jk,k->i", A, B, v)
    products = [
        w
        for w in ancestors([out])
        if w.owner is not None and w.type.ndim == 2 and w.type.shape == (100, 100)
    ]
    assert not products


def test_ellipsis_that_the_result_does_not_have():
    # NumPy refuses; PyTensor sums over it
    x = pt.tensor3("x")
    value = RNG.normal(size=(2, 3, 4))
    np.testing.assert_allclose(
        evaluate(pt.einsum("i...->i", x), {x: value}), value.sum(axis=(1, 2))
    )


@pytest.mark.parametrize(
    "subscripts, product, transposes",
    [
        ("ij,jk->ik", "Dot22", 0),
        ("bij,bjk->bik", "BatchedDot", 0),
        ("ij,kj->ik", "Dot22", 1),
        ("ij,j->i", "Gemv", 0),
        ("abc,cde->abde", "Dot22", 0),
        ("abc,bcd->ad", "Dot22", 0),
        ("ij,jk,kl,lm->im", "Dot22", 0),
        ("i,ij,j->", "Gemv", 1),
    ],
)
@pytest.mark.parametrize("static", [True, False])
def test_compiled_products_are_blas(subscripts, product, transposes, static):
    values = operands(subscripts)
    inputs = [
        pt.tensor(dtype="float64", shape=v.shape if static else (None,) * v.ndim) for v in values
    ]
    f = pytensor.function(inputs, pt.einsum(subscripts, *inputs))
    ops = [getattr(n.op, "core_op", n.op) for n in f.maker.fgraph.apply_nodes]
    names = [type(op).__name__ for op in ops]
    assert product in names
    assert not {"Dot", "Sum", "CAReduce"} & set(names)
    assert sum("Transpose" in str(op) for op in ops) <= transposes
    np.testing.assert_allclose(f(*values), np.einsum(subscripts, *values))
