"""Loops, inputs and results that are there twice."""

import numpy as np
import pytest

import pytensor
import pytensor.tensor as pt
from pytensor.compile.mode import Mode
from pytensor.graph.fg import FunctionGraph
from pytensor.graph.replace import clone_replace
from pytensor.ifelse import ifelse
from pytensor.scan.op import Scan
from pytensor.scan.rewriting import ScanMerge, scan_merge_inouts

PY, C = Mode("py"), Mode("c")
modes = pytest.mark.parametrize("mode", [PY, C], ids=["py", "c"])


def scan(*args, **kwargs):
    return pytensor.scan(*args, **kwargs, return_updates=False)


def loops(f):
    return [n for n in f.maker.fgraph.toposort() if isinstance(n.op, Scan)]


@modes
def test_equal_inputs_are_one(mode):
    x, w = pt.dvector("x"), pt.dscalar("w")
    h = scan(lambda a, b, h, u, v: h * u + a * b * v, [x, x], pt.zeros(()), [w, w])
    f = pytensor.function([x, w], h, mode=mode)
    (loop,) = loops(f)
    assert loop.op.info.n_seqs == loop.op.info.n_non_seqs == 1
    np.testing.assert_allclose(f([1.0, 2.0], 0.5), [0.5, 2.25])


@modes
def test_constants_go_into_the_step(mode):
    x, w = pt.dvector("x"), pt.dscalar("w")
    h = scan(lambda a, h, w: a + h * w, x, pt.zeros(()), w)
    h = clone_replace(h, {w: pt.constant(0.5, dtype="float64")})
    f = pytensor.function([x], h, mode=mode)
    assert loops(f)[0].op.info.n_non_seqs == 0
    np.testing.assert_allclose(f([1.0, 2.0]), [1, 2.5])


@modes
def test_equal_states_and_results_are_one(mode):
    x = pt.dvector("x")

    def step(a, h, g, k):
        return [h * 0.5 + a, g * 0.5 + a, k * 0.25 + a, h * h, g * g]

    start = pt.zeros(())
    out = scan(step, x, [start, start, start, None, None])
    f = pytensor.function([x], out, mode=mode)
    (loop,) = loops(f)
    assert loop.op.info.n_sit_sot == 2 and loop.op.info.n_nit_sot == 1
    got = f([1.0, 2.0, 3.0])
    np.testing.assert_array_equal(got[0], got[1])
    np.testing.assert_array_equal(got[3], got[4])
    np.testing.assert_allclose(got[0], [1, 2.5, 4.25])
    np.testing.assert_allclose(got[2], [1, 2.25, 3.5625])


def test_states_that_only_start_equal_stay():
    x, start = pt.dvector("x"), pt.dscalar("start")
    a, b = scan(lambda x, a, b: [a + x, a - b], x, [start, start])
    f = pytensor.function([x, start], [a, b], mode=PY)
    assert loops(f)[0].op.info.n_sit_sot == 2
    graph = FunctionGraph([x, start], [a, b], clone=False)
    (node,) = [n for n in graph.apply_nodes if isinstance(n.op, Scan)]
    assert scan_merge_inouts.transform(graph, node) is None


@modes
def test_loops_over_the_same_sequence_are_one(mode):
    x, w = pt.dmatrix("x"), pt.dscalar("w")
    a = scan(lambda x, h, w: pt.tanh(h * w + x), x, pt.zeros(3), w)
    b, c = scan(lambda x, h, k: [h + x * 2, k * h + x], x, [pt.ones(3), pt.ones((2, 3))[0]])
    f = pytensor.function([x, w], [a, b, c], mode=mode)
    assert len(loops(f)) == 1
    g = pytensor.function([x, w], [a, b, c], mode=Mode("py", optimizer=None))
    value = np.random.default_rng(0).normal(size=(5, 3))
    for got, wanted in zip(f(value, 0.3), g(value, 0.3), strict=True):
        np.testing.assert_allclose(got, wanted)
    f = pytensor.function([x, w], [a, b, c], mode=mode.excluding("scan_merge"))
    assert len(loops(f)) == 2


def test_loops_that_stay_apart():
    x, y, w = pt.dmatrix("x"), pt.dmatrix("y"), pt.dscalar("w")

    def loop(seq, start):
        return scan(lambda x, h: pt.tanh(h + x), seq, start)

    one = loop(x, pt.zeros(3))
    needs_one = loop(x, one[-1])
    other_sequence = loop(y, pt.zeros(3))
    shorter = loop(x[:2], pt.zeros(3))
    numbers = scan(lambda x, h: pt.tanh(h + x), x[:, 0], pt.zeros(()))
    f = pytensor.function([x, y], [needs_one, other_sequence, shorter, numbers], mode=PY)
    assert len(loops(f)) == 5
    choice = ifelse(pt.gt(w, 0), loop(x, pt.zeros(3)), loop(x, pt.ones(3)))
    assert len(loops(pytensor.function([x, w], choice, mode=PY))) == 2


def test_merging_makes_no_cycle():
    """First and last, and the two between, would each fit together."""
    x, y = pt.dmatrix("x"), pt.dmatrix("y")

    def loop(seq, start):
        return scan(lambda x, h: pt.tanh(h + x), seq, start)[-1]

    a, b = loop(x, pt.zeros(3)), loop(y, pt.zeros(3))
    c, d = loop(x, b), loop(y, a)
    graph = FunctionGraph([x, y], [c, d], clone=True)
    ScanMerge().rewrite(graph)
    graph.toposort()
    f = pytensor.function([x, y], [c, d], mode=PY)
    g = pytensor.function([x, y], [c, d], mode=Mode("py", optimizer=None))
    xs, ys = np.random.default_rng(0).normal(size=(2, 4, 3))
    for got, wanted in zip(f(xs, ys), g(xs, ys), strict=True):
        np.testing.assert_allclose(got, wanted)


def test_a_derivative_that_reads_draws_needs_no_second_loop():
    rng = pytensor.shared(np.random.default_rng(3))
    e, s = pt.vector("e"), pt.scalar("s")

    def step(e, s, rng):
        rng, z = pt.random.normal(0, 1, rng=rng, return_next_rng=True)
        return s * z + e, rng

    xs, last = pytensor.scan(step, e, [s, rng], return_updates=False)
    outs = [xs, pytensor.grad(xs[-1], s)]
    for mode in (None, "FAST_COMPILE", "PY"):
        rng.set_value(np.random.default_rng(3))
        f = pytensor.function([e, s], outs, updates={rng: last}, mode=mode)
        assert len([n for n in f.maker.fgraph.toposort() if isinstance(n.op, Scan)]) == 2
        draw = np.random.default_rng(3)
        for _call in range(2):
            _, slope = f(np.ones(4), 0.5)
            np.testing.assert_allclose(slope, draw.normal(size=4).prod())
