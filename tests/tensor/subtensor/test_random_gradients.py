"""Derivatives of random reads and writes against finite differences, and against each other."""

import numpy as np
import pytest

import pytensor.tensor as pt
from pytensor.compile import function
from pytensor.gradient import grad, pushforward, verify_grad
from tests.tensor.subtensor.random_indices import Maker
from tests.tensor.subtensor.test_random_indices import read


def draw(seed):
    """Return a maker, a case without variables in its index, and a value of the part's shape."""
    for s in range(seed, seed + 1000, 100):
        make = Maker(s)
        case = make.case(make.array(3))
        part = read(case)
        if part is not IndexError and part.size and not any(i is None for i in case.index):
            shape = part.shape[int(make.rng.integers(0, part.ndim + 1)) :]
            shape = [1 if make.chance(0.2) else n for n in shape]
            return case, make.rng.normal(size=case.x.shape), make.rng.normal(size=shape)
    raise AssertionError("nothing drawn")


@pytest.mark.parametrize("seed", range(12))
def test_first(seed):
    case, x, y = draw(seed)
    verify_grad(lambda x: (x[case.index] ** 2).sum(), [x], rng=np.random.default_rng(seed))
    for write in (pt.set_subtensor, pt.inc_subtensor):
        # Of several values written to one element only the last one counts: no derivative to test
        if write is pt.set_subtensor and np.unique(positions(case)).size < positions(case).size:
            continue
        verify_grad(
            lambda x, y, write=write: (write(x[case.index], y) ** 2).sum(),
            [x, y],
            rng=np.random.default_rng(seed),
        )


def positions(case):
    return np.arange(case.x.size).reshape(case.x.shape)[case.index]


@pytest.mark.parametrize("seed", range(20, 26))
def test_second_and_forward(seed):
    case, x_value, y_value = draw(seed)
    x, y = pt.tensor(shape=(None,) * x_value.ndim), pt.tensor(shape=y_value.shape)
    cost = (pt.inc_subtensor(x[case.index], y) ** 3).sum() + (x[case.index] ** 4).sum()
    dx, dy = pt.tensor(shape=(None,) * x_value.ndim), pt.tensor(shape=y_value.shape)
    # Hessian times vector: by two gradients, and forward through a gradient
    gx, gy = grad(cost, [x, y])
    twice = grad((gx * dx).sum() + (gy * dy).sum(), x)
    forward = pushforward(gx, [x, y], [dx, dy])
    slope = pushforward(cost, [x, y], [dx, dy], use_op_pushforward=True)
    rng = np.random.default_rng(seed)
    values = [x_value, y_value, rng.normal(size=x_value.shape), rng.normal(size=y_value.shape)]
    f = function([x, y, dx, dy], [twice, forward, slope, (gx * dx).sum() + (gy * dy).sum()])
    a, b, c, d = f(*values)
    np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(c, d, rtol=1e-10, atol=1e-10)
