"""Loops against NumPy loops, in Python and in C."""

import warnings

import numpy as np
import pytest

import pytensor
import pytensor.tensor as pt
from pytensor.compile.mode import Mode
from pytensor.graph.utils import MissingInputError
from pytensor.scan import foldl, foldr, map, reduce, scan_checkpoints
from pytensor.scan.utils import until

MODES = [Mode("py"), Mode("c")]
modes = pytest.mark.parametrize("mode", MODES, ids=["py", "c"])


def scan(*args, **kwargs):
    return pytensor.scan(*args, **kwargs, return_updates=False)


def run(inputs, outputs, values, mode):
    return pytensor.function(inputs, outputs, mode=mode)(*values)


def numeric(f, x, eps=1e-6):
    """Central differences of a scalar function of one array."""
    x = np.array(x, dtype=float)
    g = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        up, down = x.copy(), x.copy()
        up[i] += eps
        down[i] -= eps
        g[i] = (f(up) - f(down)) / (2 * eps)
    return g


def check_grad(cost, inputs, values, mode, rtol=1e-6):
    f = pytensor.function(inputs, cost, mode=mode)
    got = run(inputs, pytensor.grad(cost, inputs), values, mode)
    for k, g in enumerate(got):
        want = numeric(lambda v: f(*values[:k], v, *values[k + 1 :]), values[k])
        np.testing.assert_allclose(g, want, rtol=rtol, atol=1e-7)


def test_is_a_function():
    import types

    import pytensor.scan.utils

    assert isinstance(pytensor.scan, types.FunctionType)
    assert pytensor.scan is pytensor.scan.__globals__["scan"]


@modes
def test_cumulative_sum(mode):
    x = pt.dvector("x")
    total = scan(lambda v, s: s + v, sequences=x, outputs_info=pt.constant(0.0, dtype="float64"))
    values = np.arange(5.0)
    np.testing.assert_allclose(run([x], total, [values], mode), values.cumsum())


@modes
def test_ar2_and_gradient(mode):
    start, a, b = pt.dvector("start"), pt.dscalar("a"), pt.dscalar("b")
    y = scan(
        lambda older, old, a, b: a * old + b * older,
        outputs_info=[dict(initial=start, taps=[-2, -1])],
        non_sequences=[a, b],
        n_steps=7,
    )
    values = [np.array([0.3, -0.2]), 0.7, 0.25]
    want = [0.3, -0.2]
    for _ in range(7):
        want.append(0.7 * want[-1] + 0.25 * want[-2])
    np.testing.assert_allclose(run([start, a, b], y, values, mode), want[2:])
    check_grad((y**2).sum(), [start, a, b], values, mode)
    check_grad(y[-1], [start, a, b], values, mode)


def test_taps_are_any_integers():
    start = pt.dvector("start")
    for taps in ([-2, -1], range(-2, 0), np.arange(-2, 0)):
        y = scan(
            lambda older, old: older + old,
            outputs_info=[dict(initial=start, taps=taps)],
            n_steps=4,
        )
        assert y.eval({start: np.ones(2)}).tolist() == [2.0, 3.0, 5.0, 8.0]
    for taps in (range(-1, 0), (-1,)):  # n rows of initial values for each n
        y = scan(lambda old: 2 * old, outputs_info=[dict(initial=start, taps=taps)], n_steps=2)
        assert y.eval({start: np.ones(1)}).tolist() == [2.0, 4.0]


@modes
def test_taps_that_skip_and_sequence_taps(mode):
    x, start = pt.dvector("x"), pt.dvector("start")
    y = scan(
        lambda before, now, after, h3: before * now + after * h3,
        sequences=[dict(input=x, taps=[-1, 0, 2])],
        outputs_info=[dict(initial=start, taps=[-3])],
    )
    rng = np.random.default_rng(1)
    xs, ss = rng.normal(size=9), rng.normal(size=3)
    h = list(ss)
    for t in range(6):
        h.append(xs[t] * xs[t + 1] + xs[t + 3] * h[t])
    np.testing.assert_allclose(run([x, start], y, [xs, ss], mode), h[3:])
    check_grad((y * np.arange(6)).sum(), [x, start], [xs, ss], mode)


@modes
def test_rnn_forward_and_gradient(mode):
    rng = np.random.default_rng(0)
    T, B, D, H = 6, 3, 4, 5
    x, h0 = pt.dtensor3("x"), pt.dmatrix("h0")
    W, U, b = pt.dmatrix("W"), pt.dmatrix("U"), pt.dvector("b")
    h = scan(
        lambda x_t, h, W, U, b: pt.tanh(x_t @ W + h @ U + b),
        sequences=x,
        outputs_info=h0,
        non_sequences=[W, U, b],
    )
    values = [rng.normal(size=s) for s in ((T, B, D), (B, H), (D, H), (H, H), (H,))]
    state, want = values[1], []
    for t in range(T):
        state = np.tanh(values[0][t] @ values[2] + state @ values[3] + values[4])
        want.append(state)
    inputs = [x, h0, W, U, b]
    np.testing.assert_allclose(run(inputs, h, values, mode), want, rtol=1e-12)
    check_grad((h[-1] ** 2).sum() + h[1].sum(), inputs, values, mode, rtol=1e-5)


@modes
def test_several_outputs_in_the_order_of_the_step(mode):
    x, A = pt.dvector("x"), pt.dmatrix("A")

    def step(x_t, older, old, v, A):
        return [old + older * x_t, pt.tanh(A @ v) * x_t, x_t * 2, v.sum()]

    outs = scan(
        step,
        sequences=[x],
        outputs_info=[dict(initial=pt.ones(2), taps=[-2, -1]), pt.ones(3), None, None],
        non_sequences=[A],
    )
    rng = np.random.default_rng(2)
    xs, As = rng.normal(size=4), rng.normal(size=(3, 3))
    got = run([x, A], outs, [xs, As], mode)
    h, v, want = [1.0, 1.0], np.ones(3), [[], [], [], []]
    for x_t in xs:
        want[3].append(v.sum())
        h.append(h[-1] + h[-2] * x_t)
        v = np.tanh(As @ v) * x_t
        want[0].append(h[-1])
        want[1].append(v)
        want[2].append(2 * x_t)
    for g, w in zip(got, want, strict=True):
        np.testing.assert_allclose(g, w)
    check_grad(sum((o**2).sum() for o in outs), [x, A], [xs, As], mode, rtol=1e-5)


@modes
def test_states_that_swap(mode):
    a, b = pt.dvector("a"), pt.dvector("b")
    swapped = scan(lambda a, b: [b, a], outputs_info=[a, b], n_steps=3)
    got = run([a, b], [s[-1] for s in swapped], [np.ones(2), np.zeros(2)], mode)
    np.testing.assert_array_equal(got, [np.zeros(2), np.ones(2)])


@modes
def test_state_reversed_in_place_is_a_view(mode):
    a = pt.dvector("a")
    h = scan(lambda a: a[::-1], outputs_info=[a], n_steps=3)
    np.testing.assert_array_equal(run([a], h[-1], [np.arange(4.0)], mode), [3.0, 2, 1, 0])


@modes
def test_go_backwards(mode):
    x = pt.dvector("x")
    h = scan(
        lambda x_t, h: 0.5 * h + x_t,
        sequences=x,
        outputs_info=pt.zeros(()),
        go_backwards=True,
    )
    xs, s, want = np.arange(4.0), 0.0, []
    for v in xs[::-1]:
        s = 0.5 * s + v
        want.append(s)
    np.testing.assert_allclose(run([x], h, [xs], mode), want)
    check_grad((h**2).sum(), [x], [xs], mode)


@modes
def test_until_stops_and_is_differentiable(mode):
    start, rate = pt.dscalar("start"), pt.dscalar("rate")

    def step(h, rate):
        new = h * rate
        return [new, new + 1], until(new > 10)

    h, y = scan(step, outputs_info=[start, None], non_sequences=rate, n_steps=50)
    got = run([start, rate], [h, y, h.shape[0]], [1.0, 2.0], mode)
    np.testing.assert_allclose(got[0], [2.0, 4, 8, 16])
    np.testing.assert_allclose(got[1], [3.0, 5, 9, 17])
    assert got[2] == 4
    check_grad((h**2).sum() + y[-1], [start, rate], [1.0, 2.0], mode)


@modes
def test_until_with_sequence_pads_its_gradient(mode):
    x = pt.dvector("x")
    h = scan(
        lambda v, s: (s + v**2, until(s + v**2 > 5)),
        sequences=x,
        outputs_info=pt.zeros(()),
    )
    xs = np.array([1.0, 2.0, 1.0, 4.0, 5.0])
    np.testing.assert_allclose(run([x], h, [xs], mode), [1.0, 5, 6])
    g = run([x], pytensor.grad(h[-1], x), [xs], mode)
    np.testing.assert_allclose(g, [2.0, 4, 2, 0, 0])


@modes
def test_nested(mode):
    M, w = pt.dmatrix("M"), pt.dscalar("w")

    def outer(row, total):
        inner = scan(lambda v, s, w: s * w + v, sequences=row, outputs_info=total, non_sequences=w)
        return inner[-1]

    h = scan(outer, sequences=M, outputs_info=pt.zeros(()))
    Ms = np.arange(6.0).reshape(2, 3)
    s, want = 0.0, []
    for row in Ms:
        for v in row:
            s = s * 0.5 + v
        want.append(s)
    np.testing.assert_allclose(run([M, w], h, [Ms, 0.5], mode), want)
    check_grad((h**2).sum(), [M, w], [Ms, 0.5], mode)


@modes
def test_no_steps(mode):
    x, n = pt.dvector("x"), pt.iscalar("n")
    h = scan(lambda v, s: s + v, sequences=x, outputs_info=pt.zeros(()))
    assert run([x], h, [np.zeros(0)], mode).shape == (0,)
    y = scan(lambda v: v * 2, sequences=x)
    assert run([x], y, [np.zeros(0)], mode).shape == (0,)
    z = scan(lambda s: s + 1, outputs_info=pt.zeros(3), n_steps=n)
    assert run([n], z, [0], mode).shape == (0, 3)
    g = run([x], pytensor.grad(h.sum(), x), [np.zeros(0)], mode)
    assert g.shape == (0,)


@modes
def test_second_derivative(mode):
    w = pt.dscalar("w")
    h = scan(lambda h, w: pt.sin(h * w), outputs_info=pt.ones(()), non_sequences=w, n_steps=4)
    first = pytensor.grad(h[-1], w)
    second = pytensor.grad(first, w)
    f = pytensor.function([w], first, mode=mode)
    np.testing.assert_allclose(run([w], second, [0.8], mode), numeric(f, 0.8), rtol=1e-6)


@modes
def test_pushforward(mode):
    x, w, dx, dw = pt.dvector("x"), pt.dscalar("w"), pt.dvector("dx"), pt.dscalar("dw")
    h, y = scan(
        lambda x_t, h, w: [pt.tanh(h * w + x_t), h * x_t],
        sequences=x,
        outputs_info=[pt.zeros(()), None],
        non_sequences=w,
    )
    tangents = pytensor.pushforward([h, y], [x, w], [dx, dw], use_op_pushforward=True)
    values = [np.array([0.1, 0.2, -0.3]), 0.7, np.array([1.0, 2, 3]), 0.5]
    got = run([x, w, dx, dw], tangents, values, mode)
    f = pytensor.function([x, w], [h, y], mode=mode)
    eps = 1e-6
    up = f(values[0] + eps * values[2], values[1] + eps * values[3])
    down = f(values[0] - eps * values[2], values[1] - eps * values[3])
    for g, u, d in zip(got, up, down, strict=True):
        np.testing.assert_allclose(g, (u - d) / (2 * eps), rtol=1e-6)


@modes
@pytest.mark.parametrize("k", [1, 2, 10])
def test_truncated_gradient(mode, k):
    x, u, w = pt.dvector("x"), pt.dscalar("u"), pt.dscalar("w")
    h = scan(
        lambda x_t, h, w: h * w + x_t,
        sequences=x,
        outputs_info=u,
        non_sequences=w,
        truncate_gradient=k,
    )
    xs, us, ws = np.ones(5), 1.0, 0.5
    got = run([x, u, w], pytensor.grad(h[-1], [x, u, w]), [xs, us, ws], mode)
    states = [us]
    for v in xs:
        states.append(states[-1] * ws + v)
    g, gx, gw = 1.0, np.zeros(5), 0.0
    for t in list(range(5))[::-1][:k]:
        gx[t] = g
        gw += g * states[t]
        g *= ws
    np.testing.assert_allclose(got[0], gx)
    np.testing.assert_allclose(got[1], g if k >= 5 else 0.0)
    np.testing.assert_allclose(got[2], gw)


@modes
def test_integer_and_float32_states(mode):
    n = pt.lscalar("n")
    x = pt.fvector("x")
    count, total = scan(
        lambda v, i, s: [i + 1, s + v * i.astype("float32")],
        sequences=x,
        outputs_info=[n, pt.zeros((), dtype="float32")],
    )
    got = run([n, x], [count, total], [3, np.ones(4, "float32")], mode)
    np.testing.assert_array_equal(got[0], [4, 5, 6, 7])
    assert got[1].dtype == "float32"
    np.testing.assert_allclose(got[1], [3, 7, 12, 18])
    g = run([n, x], pytensor.grad(total[-1], x), [3, np.ones(4, "float32")], mode)
    np.testing.assert_allclose(g, [3, 4, 5, 6])


@modes
def test_views(mode):
    x = pt.dvector("x")
    zero = pt.zeros((), dtype="float64")
    results = [
        map(lambda v: v**2, x, return_updates=False),
        reduce(lambda v, s: s + v, x, zero, return_updates=False),
        foldl(lambda v, s: v + 2 * s, x, zero, return_updates=False),
        foldr(lambda v, s: v + 2 * s, x, zero, return_updates=False),
    ]
    got = run([x], results, [np.arange(4.0)], mode)
    np.testing.assert_allclose(got[0], [0, 1, 4, 9])
    np.testing.assert_allclose(got[1:], [6.0, 11.0, 34.0])


@modes
def test_checkpoints(mode):
    x, w = pt.dvector("x"), pt.dscalar("w")
    last = scan_checkpoints(
        lambda v, s, w: s * w + v,
        sequences=[x],
        outputs_info=[pt.zeros(())],
        non_sequences=[w],
        save_every_N=3,
        return_updates=False,
    )[-1]
    full = scan(lambda v, s, w: s * w + v, sequences=x, outputs_info=pt.zeros(()), non_sequences=w)
    inputs, values = [x, w], [np.arange(8.0), 0.9]
    got = run(inputs, [last, full[-1], *pytensor.grad(last, inputs)], values, mode)
    np.testing.assert_allclose(got[0], got[1])
    for g, want in zip(got[2:], run(inputs, pytensor.grad(full[-1], inputs), values, mode)):
        np.testing.assert_allclose(g, want)


@modes
def test_shared_variables(mode):
    weight = pytensor.shared(2.0, name="weight")
    count = pytensor.shared(0, name="count")
    x = pt.dvector("x")
    with pytest.warns(DeprecationWarning):
        y, updates = pytensor.scan(lambda v: (v * weight, {count: count + 1}), sequences=x)
    f = pytensor.function([x], y, updates=updates, mode=mode)
    np.testing.assert_allclose(f(np.arange(3.0)), [0, 2, 4])
    assert count.get_value() == 3
    weight.set_value(3.0)
    np.testing.assert_allclose(f(np.arange(2.0)), [0, 3])
    assert count.get_value() == 5
    assert run([x], pytensor.grad(y.sum(), weight), [np.arange(3.0)], mode) == 3.0


def test_updates_need_return_updates():
    count = pytensor.shared(0, name="count")
    with pytest.raises(ValueError, match="produced updates"):
        scan(lambda: {count: count + 1}, n_steps=3)


def test_invariant_work_is_outside():
    W, x = pt.dmatrix("W"), pt.dvector("x")
    h = scan(lambda h: pt.tanh(pt.exp(W) @ h), outputs_info=x, n_steps=3)
    loop = h.owner.inputs[0].owner
    assert not any("Exp" == str(n.op) for n in loop.op.fgraph.apply_nodes)
    assert loop.inputs[-1].owner.inputs == [W]


def test_gradient_reads_results_instead_of_computing_them_again():
    x = pt.dvector("x")
    h = scan(lambda h: pt.tanh(h), outputs_info=x, n_steps=3)
    g = pytensor.grad(h[-1].sum(), x)
    from pytensor.graph.traversal import ancestors
    from pytensor.scan.op import Scan

    loops = {v.owner.op for v in ancestors([g]) if v.owner and isinstance(v.owner.op, Scan)}
    backward = next(op for op in loops if op.name and op.name.startswith("grad_of"))
    assert "tanh" not in str([n.op for n in backward.fgraph.apply_nodes]).lower()


def test_static_shapes():
    h = scan(lambda h: h * 2, outputs_info=pt.zeros((3, 2)), n_steps=4)
    assert h.type.shape == (4, 3, 2)
    y = scan(lambda v: v.sum(), sequences=pt.zeros((5, 2)))
    assert y.type.shape == (5,)


def _messages():
    x, v, d, n = pt.dvector("x"), pt.dvector("v"), pt.dscalar("d"), pt.iscalar("n")
    return [
        (lambda: scan(lambda a: a + 1, outputs_info=[d]), ValueError, "number of steps"),
        (lambda: scan(lambda a: a, outputs_info=d, n_steps=-3), ValueError, "n_steps.*-3"),
        (lambda: scan(lambda a: a, outputs_info=d, n_steps=2.5), TypeError, "integer"),
        (lambda: scan(lambda a, b: a, outputs_info=[d, d], n_steps=3), ValueError, "None"),
        (lambda: scan(lambda a: a + 1.5, outputs_info=[n], n_steps=3), ValueError, "dtype"),
        (lambda: scan(lambda a: a + v, outputs_info=[d], n_steps=3), ValueError, "dimensions"),
        (
            lambda: scan(lambda a: a, outputs_info=[dict(initial=v, taps=[1])], n_steps=3),
            ValueError,
            "smaller than 0",
        ),
        (
            lambda: scan(lambda a: a, outputs_info=[dict(taps=[-1])], n_steps=3),
            ValueError,
            "initial",
        ),
        (
            lambda: scan(lambda a, b: a, outputs_info=[dict(initial=d, taps=[-2, -1])], n_steps=3),
            IndexError,
            "first axis",
        ),
        (lambda: scan(lambda a: a, sequences=[d]), IndexError, "sequence 0"),
        (lambda: scan(lambda a: 3, sequences=[x]), ValueError, "constant"),
        (
            lambda: scan(lambda a: a + pytensor.shared(1.0), sequences=[x], strict=True),
            MissingInputError,
            "strict",
        ),
    ]


def _more_messages():
    x, v, d = pt.dvector("x"), pt.dvector("v"), pt.dscalar("d")
    return [
        (lambda: scan(lambda a: a, outputs_info=[dict(initial=d, tap=[-1])], n_steps=3), ValueError, "unexpected.*tap"),
        (lambda: scan(lambda a, b: a, outputs_info=[dict(initial=pt.zeros(1), taps=[-2, -1])], n_steps=3), ValueError, "first axis of length 2.*shape .1,"),
        (lambda: scan(lambda a, h: [a, h], x, [d]), ValueError, "None"),
        (lambda: scan(lambda a: None, x), ValueError, "got None"),
        (lambda: scan(lambda a: (a, {d: d + 1}), x), TypeError, "shared variables, got d"),
        (lambda: scan(lambda a: (a, until(a > 1), until(a > 2)), x), ValueError, "one until"),
        (lambda: scan(lambda a: (a, until(v)), x), TypeError, "condition must be a scalar"),
        (lambda: scan(lambda a: a, dict(input=x, taps="a")), ValueError, "taps of sequence 0"),
        (lambda: scan(lambda a: a, dict(taps=[0])), ValueError, "'input'"),
        (lambda: scan(lambda a: a, x, n_steps=v), TypeError, "integer scalar"),
        (lambda: scan(lambda a: pt.concatenate([a, a]), None, pt.zeros(3), n_steps=3), ValueError, "keep the shape.*(.|\n)*concatenate"),
    ]  # fmt: skip


@pytest.mark.parametrize("case", range(len(_more_messages())))
def test_more_messages_when_building(case):
    build, kind, message = _more_messages()[case]
    with pytest.raises(kind, match=message):
        build()


@modes
def test_initial_values_that_are_too_few_are_refused(mode):
    v = pt.dvector("v")
    h = scan(lambda a, b: a + b, None, dict(initial=v, taps=[-3, -1]), n_steps=3, name="lagged")
    np.testing.assert_allclose(run([v], h, [np.arange(5.0)], mode), [2, 3, 5])
    with pytest.raises(ValueError, match=r"\[lagged\] the initial values v .*length 3"):
        run([v], h, [np.ones(2)], mode)


def test_numbers_of_python_take_the_dtype_of_the_step():
    x, single = pt.dvector("x"), pt.fvector("single")
    for start, step, seq, dtype in [
        (0.0, lambda x, h: x + h, x, "float64"),
        (0.0, lambda x, h: x + h, single, "float32"),
        (0, lambda x, h: x + h, x, "float64"),
        (0, lambda x, h: h + 1, x, "int64"),
        (dict(initial=0), lambda x, h: h / 2 + x, x, "float64"),
        (1.0, lambda x, h: h * 1j, x, "complex128"),
        (True, lambda x, h: ~h, x, "bool"),
        (0.0, lambda x, h: pt.cast(h + x, "float32"), x, "float32"),
    ]:
        assert scan(step, seq, start).type.dtype == dtype, (start, dtype)
    np.testing.assert_allclose(scan(lambda x, h: x + h, x, 0).eval({x: [1.5, 2]}), [1.5, 3.5])
    with pytest.raises(ValueError, match="dtype"):
        scan(lambda h: pt.cast(h, "int64"), None, 0.5, n_steps=2)
    with pytest.raises(ValueError, match="dtype"):  # NumPy's have one
        scan(lambda x, h: x + h, x, np.float32(0))


@pytest.mark.parametrize("case", range(len(_messages())))
def test_messages_when_building(case):
    build, kind, message = _messages()[case]
    with pytest.raises(kind, match=message):
        build()


@modes
def test_errors_at_run_time_name_the_line(mode):
    v, n = pt.dvector("v"), pt.iscalar("n")
    h = scan(lambda a: a[:-1], outputs_info=[v], n_steps=3)
    with pytest.raises(ValueError, match="shape(.|\n)*test_basic.py"):
        run([v], h, [np.ones(4)], mode)
    h = scan(lambda a: a + 1, outputs_info=[v], n_steps=n)
    with pytest.raises(ValueError, match="n_steps must not be negative"):
        run([v, n], h, [np.ones(4), -1], mode)
    W = pt.dmatrix("W")
    h = scan(lambda a: pt.tanh(W @ a), outputs_info=[v], n_steps=3)
    with pytest.raises(ValueError, match="test_basic.py(.|\n)*W @ a"):
        run([v, W], h, [np.ones(4), np.ones((4, 3))], mode)


def test_return_list_and_warning():
    x = pt.dvector("x")
    assert isinstance(scan(lambda a: a, sequences=x, return_list=True), list)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scan(lambda a: a, sequences=x)


@modes
def test_non_sequences_are_computed_before_updates(mode):
    count = pytensor.shared(0, name="count")
    count.default_update = count + 1
    x = pt.dvector("x")
    before = count * 10
    y = scan(lambda v, before: v + before, sequences=x, non_sequences=before)
    np.testing.assert_allclose(run([x], y, [np.zeros(3)], mode), [0, 0, 0])
    with pytest.warns(DeprecationWarning):
        y, updates = pytensor.scan(
            lambda v, before: v + before + count, sequences=x, non_sequences=before
        )
    assert list(updates) == [count]
    count.set_value(2)
    f = pytensor.function([x], y, updates=updates, mode=mode)
    np.testing.assert_allclose(f(np.zeros(3)), [22, 23, 24])
    assert count.get_value() == 5


@pytest.mark.parametrize("steps", ["constant", "variable"])
def test_sequences_shorter_than_n_steps_are_refused(steps):
    rows = pt.dmatrix("rows")
    n = 9 if steps == "constant" else pt.lscalar("n")
    given = [] if steps == "constant" else [n]
    total = scan(lambda row: row.sum(), sequences=[rows], n_steps=n)
    f = pytensor.function([rows, *given], total)
    values = [] if steps == "constant" else [9]
    np.testing.assert_array_equal(f(np.ones((12, 3)), *values), np.full(9, 3.0))
    with pytest.raises(ValueError, match="sequence 0 must have at least n_steps"):
        f(np.ones((3, 3)), *values)


def test_sequences_known_to_be_shorter_than_n_steps_are_refused_at_once():
    with pytest.raises(ValueError, match="sequence 0 must have at least n_steps = 9 elements"):
        scan(lambda row: row.sum(), sequences=[pt.zeros((3, 2))], n_steps=9)
