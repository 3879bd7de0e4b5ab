"""The Op itself: states of other types, identity, copies, descriptions."""

import copy
import pickle
import threading

import numpy as np
import pytest

import pytensor
import pytensor.tensor as pt
from pytensor.compile.mode import Mode
from pytensor.graph.basic import Apply
from pytensor.graph.op import Op
from pytensor.graph.type import Type
from pytensor.scan.op import Scan, ScanInfo
from pytensor.scan.utils import ScanArgs, Validator, expand_empty, forced_replace

MODES = [Mode("py"), Mode("c")]
modes = pytest.mark.parametrize("mode", MODES, ids=["py", "c"])


def scan(*args, **kwargs):
    return pytensor.scan(*args, **kwargs, return_updates=False)


class CounterType(Type):
    """A state that is no array: a tuple of one number."""

    __props__ = ()

    def filter(self, data, strict=False, allow_downcast=None):
        if not isinstance(data, tuple):
            raise TypeError("expected a tuple")
        return data


counter_type = CounterType()


class Draw(Op):
    """A toy generator: gives its next state and a number."""

    __props__ = ()

    def make_node(self, state):
        return Apply(self, [state], [counter_type(), pt.dscalar()])

    def perform(self, node, inputs, output_storage):
        (value,) = inputs[0]
        output_storage[0][0] = (value + 1,)
        output_storage[1][0] = np.asarray(float(value))


draw = Draw()


@modes
def test_untraced_states(mode):
    state, x = counter_type("state"), pt.dvector("x")

    def step(x, state):
        state, number = draw(state)
        return [state, x + number]

    last, y = scan(step, sequences=x, outputs_info=[state, None])
    assert y.owner.op.info.n_untraced_sit_sot == 1
    f = pytensor.function([state, x], [last, y], mode=mode)
    got = f((5,), np.zeros(3))
    assert got[0] == (8,)
    np.testing.assert_allclose(got[1], [5, 6, 7])


def test_a_gradient_reads_what_was_drawn():
    state, w = counter_type("state"), pt.dscalar("w")

    def step(state, w):
        state, number = draw(state)
        return [state, w * number]

    _, y = scan(step, outputs_info=[state, None], non_sequences=w, n_steps=3)
    f = pytensor.function([state, w], [y, pytensor.grad(y.sum(), w)])
    drawn, slope = f((5,), 2.0)
    np.testing.assert_allclose(slope, drawn.sum() / 2)


@pytest.mark.parametrize("mode", [None, "PY"])
def test_derivatives_read_draws(mode):
    state, w = counter_type("state"), pt.dscalar("w")

    def step(state, h, w):
        state, number = draw(state)
        return [state, h * w + number * w**2, pt.sin(number * h)]

    _, h, s = scan(step, outputs_info=[state, pt.ones(()), None], non_sequences=w, n_steps=4)
    cost = (h**2).sum() + s.sum()
    first = pytensor.grad(cost, w)
    pushed = pytensor.gradient.pushforward(cost, w, pt.ones(()))
    f = pytensor.function([state, w], [cost, first, pushed, pytensor.grad(first, w)], mode=mode)

    def value(w, k=0):
        return float(f((3,), w)[k])

    _, got, got_pushed, got_second = f((3,), 0.7)
    np.testing.assert_allclose(got, (value(0.7 + 1e-6) - value(0.7 - 1e-6)) / 2e-6, rtol=1e-6)
    np.testing.assert_allclose(got_pushed, got)
    second = (value(0.7 + 1e-6, 1) - value(0.7 - 1e-6, 1)) / 2e-6
    np.testing.assert_allclose(got_second, second, rtol=1e-6)


def test_gradient_draws_once():
    state, w = counter_type("state"), pt.dscalar("w")

    def step(state, h, w):
        state, number = draw(state)
        return [state, pt.sin(h * w) * number]

    last, h = scan(step, outputs_info=[state, pt.ones(())], non_sequences=w, n_steps=4)
    f = pytensor.function([state, w], [last, h, pytensor.grad(h.sum(), w)])
    loops = [n for n in f.maker.fgraph.apply_nodes if isinstance(n.op, Scan)]
    assert sum(v.type == counter_type for n in loops for v in n.inputs) == 1
    assert f((2,), 0.5)[0] == (6,)


def _ar2():
    x, start = pt.dvector("x"), pt.dvector("start")
    a, b, c = scan(
        lambda x, old2, old1, v: [old1 + old2 * x, v * x, x * 2],
        sequences=x,
        outputs_info=[dict(initial=start, taps=[-2, -1]), pt.ones(3), None],
    )
    return x, start, c.owner


def test_equal_loops_are_equal():
    x, start, node = _ar2()
    again = _ar2()[2]
    assert node.op == again.op and hash(node.op) == hash(again.op)
    other = scan(lambda h: h + 1, outputs_info=start, n_steps=3).owner.inputs[0].owner
    assert node.op != other.op


def test_info_and_mappings():
    _, _, node = _ar2()
    info = node.op.info
    assert info == ScanInfo(1, (), (), ((-2, -1),), ((-1,),), 1, 0, 0, False)
    assert (info.n_outer_inputs, info.n_outer_outputs) == (len(node.inputs), 3)
    maps = node.op.get_oinp_iinp_iout_oout_mappings()
    assert maps["outer_inp_from_outer_out"] == {0: 2, 1: 3, 2: 4}
    assert maps["inner_inp_from_outer_inp"] == {0: [], 1: [0], 2: [1, 2], 3: [3], 4: []}
    assert maps["outer_out_from_inner_inp"] == {0: -1, 1: 0, 2: 0, 3: 1}
    assert node.op.connection_pattern(node) == [
        [False, False, False],
        [True, True, True],
        [True, False, False],
        [False, True, False],
        [False, False, False],
    ]


def test_scan_args():
    _, _, node = _ar2()
    args = ScanArgs.from_node(node)
    assert args.outer_inputs == list(node.inputs)
    assert args.outer_outputs == list(node.outputs)
    assert args.inner_inputs == list(node.op.inner_inputs)
    assert args.inner_outputs == list(node.op.inner_outputs)
    assert args.info == node.op.info
    found = args.find_among_fields(args.inner_in_mit_sot[0][1])
    assert found == ("inner_in_mit_sot", "inner_inputs", 0, 1, 2)
    assert args.get_alt_field(args.inner_out_sit_sot[0], "outer_out") is node.outputs[1]
    removed = args.remove_from_fields(args.outer_out_nit_sot[0], rm_dependents=False)
    assert removed[0][1].name == "outer_out_nit_sot" and not args.outer_out_nit_sot


def test_scan_args_without_a_state():
    """Programs take states out of the lists (a state whose values are given is a sequence)."""
    _, _, node = _ar2()
    args = ScanArgs.from_node(node)
    outer, inner = args.outer_in_sit_sot.pop(), args.inner_in_sit_sot.pop()
    args.inner_out_sit_sot.pop()
    args.outer_in_seqs.append(outer)
    args.inner_in_seqs.append(inner)
    assert args.info.n_sit_sot == 0 and args.info.n_seqs == node.op.info.n_seqs + 1
    Scan(args.inner_inputs, args.inner_outputs, args.info).make_node(*args.outer_inputs)


def test_wrong_inputs():
    x, start, node = _ar2()
    with pytest.raises(ValueError, match="5 inputs"):
        node.op.make_node(*node.inputs[:-1])
    with pytest.raises(TypeError, match="sequence 0"):
        node.op.make_node(node.inputs[0], pt.dmatrix(), *node.inputs[2:])
    with pytest.raises(TypeError, match="n_steps"):
        node.op.make_node(pt.dscalar(), *node.inputs[1:])
    a = pt.dscalar()
    with pytest.raises(ValueError, match="inner output 0"):
        Scan([a], [a.astype("float32")], ScanInfo(0, (), (), (), ((-1,),), 0, 0, 0, False))


@modes
def test_mit_mot(mode):
    """A buffer that is read and written at two places: reversed accumulation."""
    a, b, v = pt.dscalar(), pt.dscalar(), pt.dscalar()
    info = ScanInfo(1, ((0, 1),), ((1,),), (), (), 0, 0, 0, False)
    op = Scan([v, a, b], [b + a * v], info)
    n, x, buffer = pt.lscalar("n"), pt.dvector("x"), pt.dvector("buffer")
    f = pytensor.function([n, x, buffer], op(n, x, buffer), mode=mode)
    start, xs = np.array([1.0, 2, 3, 4]), np.array([0.5, 1, 2])
    want = start.copy()
    for t in range(3):
        want[t + 1] = want[t + 1] + want[t] * xs[t]
    np.testing.assert_allclose(f(3, xs, start), want)
    np.testing.assert_array_equal(start, [1, 2, 3, 4])


@modes
def test_too_short_a_sequence(mode):
    v = pt.dscalar()
    op = Scan([v], [v * 2], ScanInfo(1, (), (), (), (), 1, 0, 0, False))
    n, x = pt.lscalar("n"), pt.dvector("x")
    f = pytensor.function([n, x], op(n, x, n), mode=mode)
    np.testing.assert_allclose(f(2, np.ones(3)), [2, 2])
    with pytest.raises(ValueError, match="sequence 0 must have at least n_steps"):
        f(4, np.ones(3))


@modes
def test_pickle_and_copy(mode):
    x = pt.dvector("x")
    h = scan(lambda x, h: pt.tanh(h + x), sequences=x, outputs_info=pt.zeros(()))
    f = pytensor.function([x], [h, pytensor.grad(h[-1], x)], mode=mode)
    values = np.arange(3.0)
    for g in (pickle.loads(pickle.dumps(f)), copy.copy(f), f.copy()):
        for a, b in zip(g(values), f(values), strict=True):
            np.testing.assert_array_equal(a, b)


@modes
def test_many_threads(mode):
    x = pt.dmatrix("x")
    h = scan(lambda x, h: pt.tanh(h + x), sequences=x, outputs_info=pt.zeros(3))
    f = pytensor.function([x], h[-1], mode=mode)
    rng = np.random.default_rng(0)
    inputs = [rng.normal(size=(n, 3)) for n in range(1, 9)]
    wanted = [f(v) for v in inputs]
    wrong = []

    def work(v, want):
        for _ in range(50):
            if not np.array_equal(f(v), want):
                wrong.append(v)

    threads = [threading.Thread(target=work, args=pair) for pair in zip(inputs, wanted)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong


def test_helpers():
    x = pt.dvector("x")
    grown = expand_empty(x, 2)
    got = grown.eval({x: [1.0, 2.0]})
    assert got.shape == (4,)
    np.testing.assert_array_equal(got[:2], [1, 2])
    y = pt.dvector("y")
    replaced = forced_replace(pt.exp(x) * 2, pt.exp(x), y)
    np.testing.assert_allclose(replaced.eval({y: [3.0]}), [6.0])
    assert Validator(valid=[x]).check(x * 2) is not None
    assert Validator(valid=[x]).check(x * y) is None
