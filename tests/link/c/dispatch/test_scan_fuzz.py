"""Random steps: loops written out, general loops and Python mode compute the same, and their gradients."""

import numpy as np
import pytest

import pytensor
import pytensor.tensor as pt
from pytensor import config, scan
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
    wanted = pytensor.function(inputs, outs, mode="PY")(*values)
    with config.change_flags(compile__tier="interpret"):
        found = [pytensor.function(inputs, outs)(*values)]
    with config.change_flags(compile__tier="native"):
        f = pytensor.function(inputs, outs)
        found += [f(*values), f(*values)]
    for results in found:
        for k, (a, b) in enumerate(zip(results, wanted, strict=True)):
            assert a.dtype == b.dtype and a.shape == b.shape, (seed, k)
            np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-10, err_msg=f"{seed}, output {k}")
