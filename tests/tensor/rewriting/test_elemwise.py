"""Views move inwards and merge; constants get the dtype they are computed in."""

import numpy as np
import pytest
from rule_checks import ops, rewritten, same_value

import pytensor.tensor as pt
from pytensor import function
from pytensor.compile.mode import Mode
from pytensor.graph.fg import FunctionGraph
from pytensor.tensor.elemwise import DimShuffle, Elemwise
from pytensor.tensor.rewriting.elemwise import (
    apply_local_dimshuffle_lift,
    is_dimshuffle_useless,
    merged_orders,
)

rng = np.random.default_rng(11)
x, y = pt.dmatrices("x", "y")
v = pt.dvector("v")
s = pt.dscalar("s")
f32 = pt.fmatrix("f32")
ints = pt.lmatrix("ints")
row = pt.drow("row")

VALUES = {
    x: rng.normal(size=(3, 4)),
    y: rng.normal(size=(3, 4)),
    v: rng.normal(size=4),
    s: np.array(1.5),
    f32: rng.normal(size=(3, 4)).astype("float32"),
    ints: rng.integers(-5, 5, size=(3, 4)),
    row: rng.normal(size=(1, 4)),
}

VIEWS = {
    "twice transposed": (x.T.T, {}),
    "expanded and transposed": (v[None].T, {"DimShuffle": 1}),
    "identity": (DimShuffle(input_ndim=2, new_order=(0, 1))(x), {}),
    "of a sum": ((x + y).T, {"DimShuffle": 2, "add": 1}),
    "of a function": (pt.exp(v)[:, None], {"DimShuffle": 1, "exp": 1}),
    "of a chain": (pt.exp(pt.sin(x)).T.T, {"exp": 1, "sin": 1}),
    "dropped and added": (row.squeeze(0)[None], {}),
    "number": (pt.stack([s * 2.0]).dimshuffle(()), None),
    "one number as a matrix": (pt.stack([s]).dimshuffle("x", 0), {"DimShuffle": 1}),
}


@pytest.mark.parametrize("name", VIEWS)
def test_view(name):
    out, expected = VIEWS[name]
    fgraph = rewritten(out)
    found = ops(fgraph)
    assert expected is None or found == expected, found
    assert "MakeVector" not in found
    same_value([out], VALUES, fgraph)


def test_not_lifted_when_others_read():
    e = pt.exp(x)
    fgraph = rewritten(e.T, e)
    assert ops(fgraph) == {"exp": 1, "DimShuffle": 1}


def test_transposed_operands_of_products_stay():
    """BLAS reads a transpose for free; computing a transposed array is not free."""
    out = pt.dot(pt.exp(x).T, y)
    fgraph = rewritten(out)
    [dot] = [n for n in fgraph.apply_nodes if type(n.op).__name__ == "Dot"]
    assert isinstance(dot.inputs[0].owner.op, DimShuffle)
    same_value([out], VALUES, fgraph)


def test_apply_lift():
    out = (x + y).T
    fgraph = FunctionGraph(outputs=[out], clone=False)
    lifted = apply_local_dimshuffle_lift(fgraph, out)
    assert isinstance(lifted.owner.op, Elemwise)
    assert apply_local_dimshuffle_lift(fgraph, x) is x


def test_orders():
    assert is_dimshuffle_useless((0, 1), x) and not is_dimshuffle_useless((1, 0), x)
    for _ in range(200):
        n = int(rng.integers(1, 4))
        inner = list(rng.permutation(n)) + ["x"] * int(rng.integers(0, 2))
        outer = [int(d) for d in rng.permutation(len(inner))]
        a = rng.normal(size=rng.integers(1, 4, size=n))
        one = DimShuffle(input_ndim=n, new_order=merged_orders(outer, inner))
        var = pt.as_tensor(a)
        two = var.dimshuffle(inner).dimshuffle(outer)
        mode = Mode("py", None)
        np.testing.assert_array_equal(one(var).eval(mode=mode), two.eval(mode=mode))


UPCAST = {
    "int8 times float32": (f32 * 2, "float32"),
    "int8 plus int64": (ints + 1, "int64"),
    "float32 minus float64": (1 - x, "float64"),
}


@pytest.mark.parametrize("name", UPCAST)
def test_constants_get_the_dtype_of_the_result(name):
    out, dtype = UPCAST[name]
    fgraph = rewritten(out)
    assert {i.type.dtype for n in fgraph.apply_nodes for i in n.inputs} == {dtype}
    same_value([out], VALUES, fgraph)


def test_constants_that_would_change_stay():
    big = pt.constant(np.array(2**53 + 1))
    out = ints.astype("float64") + big
    same_value([out], VALUES)


def test_equal_constants_merge():
    fgraph = rewritten(pt.exp(1 - f32), pt.exp(pt.constant(np.float32(1.0)) - f32))
    assert ops(fgraph)["exp"] == 1


def test_elementwise_inplace_only_on_request():
    out = pt.exp(pt.sin(x))
    plain = function([x], out, mode=Mode("py", "fast_run").excluding("fusion"))
    assert not any(n.op.destroy_map for n in plain.maker.fgraph.apply_nodes)
    mode = Mode("py", "fast_run").excluding("fusion").including("inplace_elemwise")
    inplace = function([x], out, mode=mode)
    assert any(n.op.destroy_map for n in inplace.maker.fgraph.apply_nodes)
    before = VALUES[x].copy()
    np.testing.assert_allclose(inplace(VALUES[x]), np.exp(np.sin(before)))
    np.testing.assert_array_equal(VALUES[x], before)
