"""A forward simulation with seeds: priors, groups, observations; draws as NumPy's generator gives them."""

import numpy as np

import pytensor
from pytensor.tensor.random import (
    beta,
    binomial,
    categorical,
    dirichlet,
    exponential,
    gamma,
    integers,
    multivariate_normal,
    normal,
    permutation,
    poisson,
    uniform,
)  # fmt: skip

rng = pytensor.shared(np.random.default_rng(1616), name="rng")


def show(name, values):
    print(name, " ".join(f"{float(v):.9e}" for v in np.ravel(values)))


# One generator that goes from draw to draw
state, mu = normal(0.0, 2.0, size=3, rng=rng).owner.outputs
state, sigma = gamma(2.0, scale=0.5, size=3, rng=state).owner.outputs
state, weight = dirichlet(np.array([1.0, 2.0, 3.0]), rng=state).owner.outputs
state, group = categorical(weight, size=8, rng=state).owner.outputs
state, y = normal(mu[group], sigma[group], rng=state).owner.outputs
f = pytensor.function([], [mu, sigma, weight, group, y], updates={rng: state})
for run in range(2):
    for name, values in zip(["mu", "sigma", "weight", "group", "y"], f()):
        show(f"run {run} {name}", values)

other = pytensor.shared(np.random.default_rng(17), name="other")
draws = {
    "uniform": uniform(-1.0, [1.0, 2.0], rng=other),
    "exponential": exponential([1.0, 3.0], rng=other),
    "beta": beta(2.0, [0.5, 3.0], rng=other),
    "poisson": poisson([0.5, 20.0], size=(2, 2), rng=other),
    "binomial": binomial(10, [0.2, 0.9], rng=other),
    "integers": integers(0, 10, size=5, rng=other),
    "permutation": permutation(6, rng=other),
    "mvn": multivariate_normal(np.zeros(2), np.array([[2.0, 0.5], [0.5, 1.0]]), size=2, rng=other),
}
for name, values in zip(draws, pytensor.function([], list(draws.values()))()):
    show(name, values)
