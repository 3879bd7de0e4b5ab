"""Random steps: loops written out, general loops and Python mode compute the same, and their gradients."""

import numpy as np
import pytest

import pytensor
import pytensor.tensor as pt
from pytensor import config, scan
from pytensor.compile.builders import OpFromGraph
from pytensor.gradient import pushforward
from pytensor.ifelse import ifelse
from pytensor.scan.utils import until

# What makes a value of one kind (number, vector of 3, 3 x 3 matrix) of values of any kind.
NUMBERS = [
    lambda s, v, m: pt.tanh(s) + 0.1 * v[1],
    lambda s, v, m: (v @ v) * 0.1 - s,
    lambda s, v, m: m[0, -1] * 0.3 + pt.exp(-(s**2)),
    lambda s, v, m: v.max() - m.min() * 0.2,
    lambda s, v, m: pt.switch(s > 0, s * 0.5, v[0] + 0.1),
]
VECTORS = [
    lambda s, v, m: pt.tanh(m @ v),
    lambda s, v, m: pt.concatenate([v[1:], [s]]) * 0.7,
    lambda s, v, m: m[:, 1] * s - v[::-1] * 0.3,
    lambda s, v, m: v * 0.4 + m.sum(0),
    lambda s, v, m: pt.inc_subtensor(v[1:], m[0, :2]) * 0.5,
    lambda s, v, m: pt.stack([s, v[0] * v[1], m[2, 2]]) * 0.8,
]
MATRICES = [
    lambda s, v, m: pt.tanh(pt.outer(v, v) - m.T),
    lambda s, v, m: 0.3 * m @ m.T + s * pt.eye(3) * 0.1,
    lambda s, v, m: m * v[:, None] * 0.5,
    lambda s, v, m: pt.join(0, m[1:], v[None, :]) * 0.6,
    lambda s, v, m: pt.where(m > v, m * 0.5, pt.minimum(m, s)),
    lambda s, v, m: pt.linalg.inv(3 * pt.eye(3) + 0.2 * pt.tanh(m)),
]


def program(seed: int):
    """Return inputs, outputs and values of a loop made at random."""
    rng = np.random.default_rng(seed)
    e, s, v, m = pt.vector("e"), pt.scalar("s"), pt.vector("v"), pt.matrix("m")
    taps = [[-1], [-1, -2], [-2]][rng.integers(3)]
    ends = bool(rng.integers(2))
    chosen = [kind[rng.integers(len(kind))] for kind in (NUMBERS, VECTORS, MATRICES) for _ in "ab"]

    def step(e, *states):
        *numbers, v, m, A = states
        s = sum(numbers) * 0.5 + e
        s, v, m = chosen[0](s, v, m), chosen[2](s, v, m), chosen[4](s, v, A)
        s, v, m = chosen[1](s, v, m), chosen[3](s, v, m), chosen[5](s, v, m)
        outs = [s, v, m, (v * s).sum() > 0, m[0] + v]
        return (outs, until(pt.abs(s) > 1e3)) if ends else outs

    # As many initial values as are read back.
    numbers = {"initial": pt.stack([s, s * 0.5])[: -min(taps)], "taps": taps}
    infos = [numbers, v, m, None, None]
    outs = scan(step, e, infos, [m], return_updates=False)
    cost = (outs[0] ** 2).sum() + outs[1][-1].sum() + (outs[2] ** 2).sum()
    outs = [*outs, outs[2][-1], *pytensor.grad(cost, [e, s, v, m], disconnected_inputs="ignore")]
    n = int(rng.integers(1, 7))
    values = rng.normal(size=n), 0.3, rng.normal(size=3), rng.normal(size=(3, 3))
    return [e, s, v, m], outs, values


@pytest.mark.parametrize("seed", range(6))
def test_random_steps(seed):
    inputs, outs, values = program(seed)
    check_modes(inputs, outs, values, 1e-8)


def check_modes(inputs, outs, values, tolerance, updates=None, reset=lambda: None):
    """Compare two calls of each kind of C program with Python mode; return the values of the second."""

    def call(f):
        reset()
        return [np.asarray(v) for _ in "ab" for v in f(*values)]

    wanted = call(pytensor.function(inputs, outs, mode="PY", updates=updates))
    for tier in ("interpret", "auto", "native"):
        with config.change_flags(compile__tier=tier):
            f = pytensor.function(inputs, outs, updates=updates)
            found = call(f)
            if tier == "auto":
                f.vm.make_native()
                found = call(f)
        for k, (a, b) in enumerate(zip(found, wanted, strict=True)):
            assert a.dtype == b.dtype and a.shape == b.shape, (tier, k)
            np.testing.assert_allclose(
                a, b, rtol=tolerance, atol=tolerance, err_msg=f"{tier}, output {k}"
            )
    return wanted[len(outs) :]


@pytest.mark.parametrize("dtype", ["float32", "complex64", "complex128"])
def test_states_of_other_dtypes(dtype):
    rng = np.random.default_rng(3)
    x, W = (pt.tensor(name, dtype=dtype, shape=(None, None)) for name in "xW")
    h, s = pt.tensor("h", dtype=dtype, shape=(None,)), pt.tensor("s", dtype=dtype, shape=())

    def squash(v):
        return v / (1 + pt.abs(v)).astype(dtype)

    def step(x, h, s, W):
        return squash(x + W @ h), x[0] * squash(s) + h[1]

    hs, ss = scan(step, x, [h, s], [W], return_updates=False)
    cost = pt.abs(hs).sum() + pt.abs(ss[-1])
    outs = [hs, ss, *pytensor.grad(cost, [x, W, h, s])]
    values = [rng.normal(size=n).astype(dtype) for n in [(5, 3), (3, 3), (3,), ()]]
    tolerance = 1e-10 if dtype == "complex128" else 1e-4
    found = check_modes([x, W, h, s], outs, values, tolerance)
    assert all(v.dtype == dtype for v in found)
    xs, W, h, s = values
    for k, x_t in enumerate(xs):
        h, s = (lambda v: v / (1 + abs(v)))(x_t + W @ h), x_t[0] * s / (1 + abs(s)) + h[1]
        np.testing.assert_allclose(found[0][k], h, rtol=1e-4)
        np.testing.assert_allclose(found[1][k], s, rtol=1e-4)


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint8", "int64"])
def test_states_that_count(dtype):
    e, s, v = (pt.tensor(name, dtype=dtype, shape=n) for name, n in zip("esv", [(None,), (), (3,)]))

    def step(e, s, v):
        if dtype == "bool":
            return s ^ e, v | e
        return (s * e + 3).astype(dtype), (v - e).astype(dtype)

    outs = scan(step, e, [s, v], return_updates=False)
    values = [np.array([0, 1, 7, 1]), np.array(1), np.array([1, 0, 1])]
    values = [x.astype(dtype) for x in values]
    found = check_modes([e, s, v], outs, values, 0)
    es, state, vector = values
    for k, e_t in enumerate(es):
        if dtype == "bool":
            state, vector = state ^ e_t, vector | e_t
        else:
            state, vector = (state * e_t + 3).astype(dtype), (vector - e_t).astype(dtype)
        assert found[0][k] == state and (found[1][k] == vector).all()


def test_random_variables_in_a_loop():
    rng = pytensor.shared(np.random.default_rng(3))
    e, s, v = pt.vector("e"), pt.scalar("s"), pt.vector("v")

    def step(e, s, v, next_rng):
        next_rng, z = pt.random.normal(0, 1, rng=next_rng, return_next_rng=True)
        next_rng, u = pt.random.gamma(pt.exp(v), 1.0, rng=next_rng, return_next_rng=True)
        return s * 0.5 + pt.exp(s) * 0.1 * z + e, pt.tanh(pt.log(u) + s), next_rng

    ss, vs, last = scan(step, e, [s, v, rng], return_updates=False)
    # The derivative reads the draws.
    gs = pytensor.grad(ss[-1] ** 2, s)
    values = [np.linspace(0, 1, 5), 0.3, np.array([0.1, -0.2])]
    found = check_modes(
        [e, s, v], [ss, vs, gs], values, 1e-10, {rng: last},
        reset=lambda: rng.set_value(np.random.default_rng(3)),
    )  # fmt: skip
    draw = np.random.default_rng(3)
    for _call in range(2):
        state, vector, slope = *values[1:], 1.0
        for k, e_t in enumerate(values[0]):
            z, u = draw.normal(0, 1), draw.gamma(np.exp(vector), 1.0)
            slope *= 0.5 + np.exp(state) * 0.1 * z
            vector = np.tanh(np.log(u) + state)
            state = state * 0.5 + np.exp(state) * 0.1 * z + e_t
            if _call:
                np.testing.assert_allclose([found[0][k], *found[1][k]], [state, *vector])
    np.testing.assert_allclose(found[2], 2 * state * slope)


@pytest.mark.parametrize("inline", [False, True])
def test_ops_of_graphs_in_a_loop(inline):
    u, v = pt.vectors("u", "v")
    op = OpFromGraph([u, v], [pt.tanh(u * v), u @ v], inline=inline)
    x, h = pt.matrix("x"), pt.vector("h")
    hs, ds = scan(lambda x, h: (op(x, h)[0] + h * 0.1, op(x, h)[1]), x, [h, None],
                  return_updates=False)  # fmt: skip
    g = pytensor.grad((hs**2).sum() + ds.sum(), [x, h])
    again = pytensor.grad(sum((k**2).sum() for k in g), [x, h])
    pushed = pushforward(hs, [x, h], [x * 2, h])
    rng = np.random.default_rng(3)
    values = rng.normal(size=(4, 3)), rng.normal(size=3)
    found = check_modes([x, h], [hs, ds, *g, *again, pushed], values, 1e-10)
    state = values[1]
    for k, row in enumerate(values[0]):
        np.testing.assert_allclose(found[1][k], row @ state)
        state = np.tanh(row * state) + 0.1 * state
        np.testing.assert_allclose(found[0][k], state)
    f = pytensor.function([x, h], hs, mode="PY")
    eps = 1e-6
    ends = [f(values[0] * (1 + 2 * d), values[1] * (1 + d)) for d in (eps, -eps)]
    np.testing.assert_allclose(found[-1], (ends[0] - ends[1]) / eps / 2, atol=1e-7)


def test_choices_in_a_loop_over_small_arrays():
    x, s, v = pt.matrix("x"), pt.scalar("s"), pt.vector("v")

    def step(x, s, v):
        return ifelse(x[0] > 0, s * x[1], s + v.sum()), pt.switch(v > 0, v - x, v * s)

    ss, vs = scan(step, x, [s, v], return_updates=False)
    outs = [ss, vs, *pytensor.grad(ss[-1] + (vs**2).sum(), [x, s, v])]
    rng = np.random.default_rng(3)
    check_modes([x, s, v], outs, [rng.normal(size=(7, 3)), 0.4, rng.normal(size=3)], 1e-10)
