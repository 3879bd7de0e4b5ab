"""What becomes of loops when a function is compiled."""

import numpy as np
import pytest

import pytensor
import pytensor.tensor as pt
from pytensor.compile.mode import Mode
from pytensor.scan.op import Scan
from pytensor.tensor.blas import Gemm

MODES = [Mode("py"), Mode("c")]
modes = pytest.mark.parametrize("mode", MODES, ids=["py", "c"])


def scan(*args, **kwargs):
    return pytensor.scan(*args, **kwargs, return_updates=False)


def loops(f):
    return [n for n in f.maker.fgraph.toposort() if isinstance(n.op, Scan)]


@modes
def test_unused_outputs_and_inputs_are_removed(mode):
    x, y, w = pt.dvector("x"), pt.dvector("y"), pt.dscalar("w")
    a, b, c = scan(
        lambda x, y, a, b, w: [a + x, b * w + y, y * 3],
        sequences=[x, y],
        outputs_info=[pt.zeros(()), pt.zeros(()), None],
        non_sequences=w,
    )
    f = pytensor.function([x, y, w], a, mode=mode, on_unused_input="ignore")
    (loop,) = loops(f)
    assert loop.op.info.n_sit_sot == 1 and loop.op.info.n_nit_sot == 0
    assert loop.op.info.n_seqs == 1 and loop.op.info.n_non_seqs == 0
    np.testing.assert_allclose(f(np.ones(3), np.ones(3), 1.0), [1, 2, 3])


@modes
def test_a_state_that_another_needs_is_kept(mode):
    a, b = scan(lambda a, b: [a + 1, b + a], outputs_info=[pt.zeros(()), pt.zeros(())], n_steps=4)
    f = pytensor.function([], b, mode=mode)
    assert loops(f)[0].op.info.n_sit_sot == 2
    np.testing.assert_allclose(f(), [0, 1, 3, 6])


@modes
@pytest.mark.parametrize("symbolic", [True, False])
def test_short_traces(mode, symbolic):
    n, w = pt.lscalar("n"), pt.dscalar("w")
    h, y = scan(
        lambda h, w: [h * w + 1, h + 2],
        outputs_info=[pt.ones(3), None],
        non_sequences=w,
        n_steps=n if symbolic else 6,
    )
    f = pytensor.function([n, w], [h[-1], h[-2:], y[-2]], mode=mode, on_unused_input="ignore")
    (loop,) = loops(f)
    full = pytensor.function([n, w], [h, y], mode=mode, on_unused_input="ignore")
    hs, ys = full(6, 0.5)
    last, two, before = f(6, 0.5)
    np.testing.assert_allclose(last, hs[-1])
    np.testing.assert_allclose(two, hs[-2:])
    np.testing.assert_allclose(before, ys[-2])
    if not symbolic:
        # The initial value and two results; two of the others.
        assert loop.inputs[1].type.shape[0] == 3
        assert loop.outputs[1].type.shape[0] == 2
    else:
        assert f(2, 0.5)[1].shape == (2, 3)
        with pytest.raises(IndexError):
            f(0, 0.5)


@modes
def test_traces_that_are_read_stay_whole(mode):
    h = scan(lambda h: h * 2, outputs_info=pt.ones(3), n_steps=6)
    f = pytensor.function([], [h[-1], h[2]], mode=mode)
    last, third = f()
    np.testing.assert_allclose(last, 64.0)
    np.testing.assert_allclose(third, 8.0)
    f = pytensor.function([], [h[-1], h.sum()], mode=mode)
    np.testing.assert_allclose(f()[1], 3 * 126)


def test_sums_of_gradients_are_accumulated_in_place():
    x, W = pt.dtensor3("x"), pt.dmatrix("W")
    h = scan(lambda x, h, W: pt.tanh(x + h @ W), sequences=x, outputs_info=x[0], non_sequences=W)
    g = pytensor.grad(h[-1].sum(), W)
    f = pytensor.function([x, W], g, mode=Mode("c"))
    backward = loops(f)[-1].op
    assert backward.info.n_untraced_sit_sot == 1
    products = [n for n in backward.fgraph.toposort() if isinstance(n.op, Gemm)]
    assert products and any(n.op.inplace for n in products)


@modes
def test_buffers_are_overwritten_only_where_that_is_legal(mode):
    start = pytensor.shared(np.ones(4), name="start")
    h = scan(lambda h: h + 1, outputs_info=start, n_steps=3)
    f = pytensor.function([], h, mode=mode)
    assert loops(f)[0].op.destroy_map == {0: [1]}
    for _ in range(2):
        np.testing.assert_allclose(f(), [[2.0] * 4, [3.0] * 4, [4.0] * 4])
    np.testing.assert_array_equal(start.get_value(), 1.0)


def test_work_on_sequences_only_is_the_same_in_all_modes():
    x = pt.dvector("x")
    h = scan(lambda x, h: pt.exp(-x) + h, sequences=x, outputs_info=pt.zeros(()))
    values = np.arange(4.0)
    expected = np.exp(-values).cumsum()
    for mode in [*MODES, Mode("c", optimizer=None), Mode("py", optimizer=None), "FAST_COMPILE"]:
        np.testing.assert_allclose(pytensor.function([x], h, mode=mode)(values), expected)


def test_no_python_per_step_in_c():
    x = pt.dmatrix("x")
    h = scan(lambda x, h: pt.tanh(x + h), sequences=x, outputs_info=pt.zeros(3))
    f = pytensor.function([x], h, mode=Mode("c"))
    (loop,) = loops(f)
    # `perform` would compile the inner graph on first use.
    f(np.ones((5, 3)))
    assert loop.op._program is None


@modes
def test_initial_zeros_written_as_one_number(mode):
    """Rewrites write a number where a sum of outer products starts from zeros."""
    A, v = pt.dmatrix("A"), pt.dvector("v")
    h = scan(lambda u, A: pt.tanh(pt.dot(A, u)), outputs_info=v, non_sequences=A, n_steps=5)
    f = pytensor.function([A, v], pytensor.grad(h[-1].sum(), A), mode=mode)
    rng = np.random.default_rng(3)
    As, vs = rng.normal(size=(4, 4)), rng.normal(size=4)
    cost = pytensor.function([A, v], h[-1].sum(), mode=mode)
    got = f(As, vs)
    eps = 1e-6
    up = As.copy()
    up[1, 2] += eps
    down = As.copy()
    down[1, 2] -= eps
    np.testing.assert_allclose(got[1, 2], (cost(up, vs) - cost(down, vs)) / (2 * eps), rtol=1e-5)


@pytest.mark.parametrize(
    "tag", ["scan_save_mem", "scan_reduce_trace", "scan_reduce_trace_prealloc"]
)
def test_traces_stay_whole_where_that_is_asked_for(tag):
    h = scan(lambda h: h * 2, outputs_info=pt.ones(3), n_steps=6)
    f = pytensor.function([], h[-2:], mode=Mode("py"))
    assert loops(f)[0].inputs[1].type.shape[0] == 3
    f = pytensor.function([], h[-2:], mode=Mode("py").excluding(tag))
    assert loops(f)[0].inputs[1].type.shape[0] == 7
    np.testing.assert_allclose(f()[-1], 64.0)
