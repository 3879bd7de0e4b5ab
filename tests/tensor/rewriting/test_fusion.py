"""Elementwise fusion: what joins, what must not, values, and time."""

import numpy as np
import pytest

import pytensor
import pytensor.scalar as ps
import pytensor.tensor as pt
from pytensor.compile.mode import get_mode
from pytensor.graph.fg import FunctionGraph
from pytensor.link.py.linker import PyLinker
from pytensor.tensor.elemwise import Elemwise
from pytensor.tensor.rewriting.fusion import MAX_STEPS, FusionOptimizer

rng = np.random.default_rng(11)
x, y = pt.matrices("x", "y")
v, r = pt.vector("v"), pt.row("r")
VALUES = {x: rng.normal(size=(5, 7)), y: rng.normal(size=(5, 7)), v: rng.normal(size=7),
          r: rng.normal(size=(1, 7))}  # fmt: skip


def fuse(outputs, inputs=(x, y, v, r)):
    """Fuse a graph, check that its values are the same, and return its Elemwise nodes."""
    fgraph = FunctionGraph(list(inputs), list(outputs), clone=True)
    values = [VALUES[i] for i in inputs]
    want = PyLinker().make_program(fgraph.clone())(*values)
    FusionOptimizer().rewrite(fgraph)
    fgraph.check_integrity()
    for got, expected in zip(PyLinker().make_program(fgraph)(*values), want):
        assert got.dtype == expected.dtype
        np.testing.assert_allclose(got, expected, rtol=1e-13, atol=1e-13)
    return [node for node in fgraph.toposort() if isinstance(node.op, Elemwise)]


def test_chain_becomes_one_loop():
    [node] = fuse([pt.exp(x * y + 1) / pt.tanh(x - 3.7)])
    assert isinstance(node.op.scalar_op, ps.Composite)
    assert len(node.inputs) == 3  # the number 1 is written into the loop, 3.7 is data


@pytest.mark.parametrize("special", [pt.psi, pt.erfinv, pt.i0, lambda a: pt.gammainc(a, a + 2)])
def test_functions_of_scipy_are_part_of_the_loop(special):
    assert len(fuse([pt.exp(special(pt.sigmoid(x) * 0.9 + 0.05) * 2 + y)])) == 1


class _NoC(ps.UnaryScalarOp):
    """The square root, in Python only."""

    nfunc_spec = ("sqrt", 1, 1)
    types = ps.upgrade_to_float
    vectorized_impl = True


def test_operations_without_c_stay_alone():
    """One of them in a Composite would take its neighbours to Python."""
    nodes = fuse([pt.exp(Elemwise(_NoC())(pt.sigmoid(x) + 0.1) * 2 + y)])
    [alone] = [n for n in nodes if not isinstance(n.op.scalar_op, ps.Composite)]
    assert not alone.op.scalar_op.has_c([z.type.dtype for z in alone.inputs], ["float64"])
    assert len(nodes) == 3


def test_values_read_elsewhere_are_outputs():
    e = pt.exp(x)
    [node] = fuse([e, e * y, (e + 1).sum()])
    assert len(node.outputs) == 3


def test_reader_of_a_reduction_is_another_loop():
    """x - x.sum() must not be in the loop that makes x."""
    e = pt.exp(x) * y
    nodes = fuse([e / e.sum() + 1])
    assert len(nodes) == 2
    e = pt.exp(x - x.max(axis=1, keepdims=True))
    assert len(fuse([e / e.sum(axis=1, keepdims=True)])) == 2


def test_smaller_arrays_are_computed_at_their_size():
    nodes = fuse([pt.exp(pt.tanh(r)) * pt.exp(x) + 1])
    assert sorted(len(n.op.scalar_op.program.steps) for n in nodes) == [2, 3]
    assert {n.outputs[0].type.broadcastable for n in nodes} == {(True, False), (False, False)}


def test_producers_join_late_readers_and_early_ones():
    """A value waits for its only reader; a second reader at the same time joins, too."""
    total = pt.tanh(y).sum()
    [a, b] = sorted(fuse([pt.exp(x) * total * 2]), key=lambda n: len(n.inputs))
    assert a.inputs[0].name == "y" and len(b.op.scalar_op.program.steps) == 3
    e = pt.exp(x)
    nodes = fuse([e.sum(), e * y + 1.37])
    assert len(nodes) == 1 and len(nodes[0].outputs) == 2


def test_declines():
    class Half(ps.UnaryScalarOp):
        def impl(self, a):
            return a / 2

    half = Elemwise(Half(ps.upgrade_to_float, name="half"))
    nodes = fuse([half(x) + half(y)])  # no C
    assert len(nodes) == 3
    inplace = Elemwise(ps.add, inplace_pattern={0: 0})
    fgraph = FunctionGraph([x, y], [inplace(pt.exp(x), y)], clone=True)
    FusionOptimizer().rewrite(fgraph)
    assert len(fgraph.apply_nodes) == 2
    assert len(fuse([pt.exp(x), pt.exp(y)])) == 2


def test_static_shapes_and_names_are_kept():
    s = pt.tensor("s", dtype="float64", shape=(None, 3))
    out = pt.exp(s) + 1
    out.name = "result"
    fgraph = FunctionGraph([s], [out], clone=True)
    FusionOptimizer().rewrite(fgraph)
    assert fgraph.outputs[0].type.shape == (None, 3)
    assert fgraph.outputs[0].name == "result"


def test_composites_fuse_further():
    [once] = fuse([pt.exp(x) * y])
    again = once.op(x, y)
    [node] = fuse([pt.tanh(again) + 1])
    assert len(node.op.scalar_op.program.steps) == 4


def test_random_graphs_have_no_cycles_and_equal_values():
    """Elementwise nodes, reductions and broadcasts at random; seeds are in the message."""
    for seed in range(40):
        g = np.random.default_rng(seed)
        pool = [x, y, r]
        for _ in range(30):
            a, b = (pool[g.integers(max(0, len(pool) - 8), len(pool))] for _ in range(2))
            kind = g.integers(0, 8)
            if kind == 0:
                pool.append(a.sum(axis=0, keepdims=True) * 0.1)
            elif kind == 1:
                pool.append(pt.tanh(a))
            elif kind == 2:
                pool.append(pt.switch(a > b, a, b))
            else:
                pool.append([a + b, a * b, a - b, pt.sin(a), pt.maximum(a, b)][kind - 3])
        outs = [pt.tanh(pool[i]) for i in g.integers(len(pool) - 10, len(pool), 4)]
        try:
            fuse(outs)
        except Exception as error:
            raise AssertionError(f"seed {seed}") from error


def test_long_and_wide_graphs():
    """Linear time, and loops of bounded length."""
    z = v
    for i in range(1000):
        z = pt.tanh(z) if i % 7 == 0 else z * 1.01 - v
    wide = pt.add(*[pt.exp(v * i) for i in range(500)])
    for out in (z, wide):
        fgraph = FunctionGraph([v], [out], clone=True)
        FusionOptimizer().rewrite(fgraph)
        assert len(fgraph.apply_nodes) < 60
        for node in fgraph.apply_nodes:
            if isinstance(node.op.scalar_op, ps.Composite):
                assert len(node.op.scalar_op.program.steps) <= MAX_STEPS
    values = PyLinker().make_program(fgraph)(np.array([-1.0, 0.0, -0.5]))[0]
    expected = sum(np.exp(np.array([-1.0, 0.0, -0.5]) * i) for i in range(500))
    np.testing.assert_allclose(values, expected, rtol=1e-12)


@pytest.mark.parametrize("backend", ["c", "py"])
def test_in_functions(backend):
    mode = get_mode("FAST_RUN")
    mode = pytensor.compile.mode.Mode(backend, mode.provided_optimizer)
    e = pt.exp(x - y)
    outs = [e / (1 + e), (e * x).sum(axis=0), pt.grad((pt.tanh(x) * y).sum(), x)]
    fused = pytensor.function([x, y], outs, mode=mode)
    plain = pytensor.function([x, y], outs, mode=mode.excluding("fusion"))

    def composites(f):
        return [
            n
            for n in f.maker.fgraph.apply_nodes
            if isinstance(getattr(n.op, "scalar_op", None), ps.Composite)
        ]

    assert composites(fused) and not composites(plain)
    for a, b in zip(fused(VALUES[x], VALUES[y]), plain(VALUES[x], VALUES[y])):
        np.testing.assert_allclose(a, b, rtol=1e-13)
