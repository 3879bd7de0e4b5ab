"""Rules about fills, casts, joins, switches and constants."""

import numpy as np
import pytest
from law_checks import FULL, PLAIN, assert_same_values, ops_of, symbols

import pytensor
import pytensor.tensor as pt
from pytensor.gradient import disconnected_grad, grad_clip, zero_grad
from pytensor.graph.fg import FunctionGraph
from pytensor.graph.rewriting.utils import rewrite_graph
from pytensor.raise_op import Assert
from pytensor.scalar import basic as ps
from pytensor.tensor.rewriting.basic import (
    broadcast_like,
    broadcast_like_elemwise,
    broadcasted_by,
    elemwise_of,
    encompasses_broadcastable,
    is_an_upcast,
    topo_constant_folding,
    topo_unconditional_constant_folding,
)
from pytensor.tensor.rewriting.forms import is_exp, is_mul, is_neg, isclose, scalarconsts_rest

V = symbols()
_NAMES = {
    "pt": pt, "np": np, "Assert": Assert, "zero_grad": zero_grad,
    "disconnected_grad": disconnected_grad, "grad_clip": grad_clip,
}  # fmt: skip


def expression(text):
    return eval(text, {**_NAMES, **V})


# Expression -> the ops that are left of it.
FIRES = {
    # fills
    "pt.zeros_like(x) + y": "",
    "pt.ones_like(x) * y": "",
    "pt.fill(x, s) * y": "ExpandDims{axes=(0, 1)} Mul",
    "pt.exp(pt.ones_like(x)) + y": "Add",
    "pt.alloc(s, x.shape[0], x.shape[1]) + x": "Add ExpandDims{axes=(0, 1)}",
    "pt.alloc(pt.alloc(s, 3), 2, 3)": "Alloc",
    "pt.exp(pt.alloc(s, 2, 3))": "Alloc Exp",
    "pt.fill(pt.exp(x), s)": "Alloc Shape_i{0} Shape_i{1}",  # exp(x) is not computed
    "pt.alloc(s, 2, 3).sum()": "Mul",
    "x.T.T + y": "Add",
    # casts
    "pt.cast(pt.cast(f, 'float64'), 'float32')": "",
    "pt.cast(pt.cast(k, 'int32'), 'float64')": "Cast{float64}",
    "pt.cast(x, 'float64')": "",
    # switches
    "pt.switch(pt.constant(True), x, y)": "",
    "pt.switch(x > 0, y, y)": "",
    "pt.switch(b, pt.switch(b, x, y), z)": "Switch",
    "pt.switch(~b, x, y)": "Switch",
    # bits
    "b & b": "",
    "b | np.array(True)": "Alloc Shape_i{0} Shape_i{1}",
    "w & np.uint8(255)": "",
    "~~b": "",
    # joins
    "pt.concatenate([v])": "",
    "pt.join(0, pt.stack([s, t]), pt.stack([s]))": "MakeVector{dtype='float64'}",
    "pt.join(0, v, pt.zeros((0,)), u)": "Join{axis=0}",
    "pt.stack([s, t]).sum()": "Add",
    # markers and checks
    "zero_grad(x) + disconnected_grad(y) + grad_clip(x, -1, 1)": "Add",
    "Assert('never')(x, pt.constant(True)) + y": "Add",
    "Assert('maybe')(x, s > 0, True)": "Assert{msg='maybe'} Gt",
    # constants
    "x + (pt.constant(np.ones((3, 4))) * 2 - 1)": "Add",
    "pt.arange(3) + pt.constant([1, 2, 3])": "",
}


@pytest.mark.parametrize("text", FIRES)
def test_fires(text):
    result = expression(text)
    assert " ".join(ops_of(result)) == FIRES[text]
    if "Assert('maybe')" not in text:
        assert_same_values(result, seed=len(text))


DECLINES = {
    "pt.cast(pt.cast(x, 'float32'), 'float64')": "Cast{float32}",
    "pt.cast(pt.cast(i, 'float64'), 'int64')": "Cast{float64}",
    "pt.switch(x > 0, y, z)": "Switch",
    "pt.ones_like(x.T) * v": "Alloc",
    "pt.stack([k[0, 0], k[0, 1]]).sum()": "Add",
    "b & pt.ge(x, 0)": "And",
    "pt.switch(b, 0.0, -0.0)": "Switch",
}


@pytest.mark.parametrize("text", DECLINES)
def test_declines(text):
    result = expression(text)
    assert any(DECLINES[text].lower() in name.lower() for name in ops_of(result)), ops_of(result)
    assert_same_values(result, seed=len(text))


def test_large_int64_survives_no_float():
    n = pt.lscalar("n")
    f = pytensor.function([n], pt.cast(pt.cast(n, "float64"), "int64"), mode=FULL)
    assert f(2**53 + 1) == 2**53


def test_errors_of_constants_are_raised_by_the_call():
    bad = Assert("told you")(pt.constant(1.0), pt.constant(False)) + 1
    f = pytensor.function([], bad, mode=FULL)
    with pytest.raises(AssertionError, match="told you"):
        f()
    bad = pt.constant([1, 2, 3])[pt.constant(7) * 1]
    f = pytensor.function([], bad, mode=FULL)
    with pytest.raises(IndexError):
        f()


def test_folding_respects_the_op():
    big = pt.alloc(pt.constant(1.0), 1000, 1000)
    for folder, left in ((topo_constant_folding, 1), (topo_unconditional_constant_folding, 0)):
        fgraph = FunctionGraph([], [big * 1.0], clone=True)
        folder.rewrite(fgraph)
        assert any(n.op == pt.alloc for n in fgraph.apply_nodes) == bool(left)


def test_no_fill_is_left_of_gradients():
    x, w = pt.dmatrix("x"), pt.dmatrix("w")
    cost = (pt.tanh(x @ w) ** 2).mean() + abs(w).sum()
    f = pytensor.function([x, w], pt.grad(cost, w), mode=FULL)
    assert not any("Second" in str(n.op) for n in f.maker.fgraph.apply_nodes)
    plain = pytensor.function([x, w], pt.grad(cost, w), mode=PLAIN)
    rng = np.random.default_rng(3)
    values = rng.normal(size=(4, 3)), rng.normal(size=(3, 2))
    np.testing.assert_allclose(f(*values), plain(*values))


def test_assert_goes_only_when_asked():
    x = pt.dvector("x")
    out = Assert("no")(x, x.sum() > 0)
    assert rewrite_graph(out, clone=True).owner is not None
    assert rewrite_graph(out, include=("canonicalize", "unsafe"), clone=True).owner is None


def test_helpers():
    x, row, v = pt.dmatrix("x"), pt.drow("r"), pt.dvector("v")
    assert broadcasted_by(row, x) and broadcasted_by(v, x) and not broadcasted_by(x, row)
    assert encompasses_broadcastable((False, True), (True,))
    assert not is_an_upcast("int64", "float64") and is_an_upcast("int8", "float32")
    wide = broadcast_like(v, x, None, dtype="float32")
    assert wide.type.dtype == "float32" and wide.type.ndim == 2
    node = (x + row).owner
    assert broadcast_like_elemwise(0, node, fgraph=None).type == x.type
    assert elemwise_of(ps.exp).match_op(pt.exp(x).owner.op)
    assert elemwise_of(ps.Exp).match_op(pt.exp(x).owner.op)
    assert not elemwise_of(ps.Exp).match_op(pt.log(x).owner.op)
    assert is_exp(-pt.exp(x)) == (True, x) and is_exp(x) is None
    assert is_neg(-x) is x and is_neg(-1 * x) is x and is_mul(x * row) == [x, row]
    assert isclose(1.0, 1.0 + 1e-16) and not isclose(1.0, 1.1) and not isclose(x, 1)
    values, constants, rest = scalarconsts_rest([x, pt.constant(3.0)])
    assert values == [3.0] and len(constants) == 1 and rest == [x]
