"""Hierarchical regression: non-centered group effects, log density and its gradient, some ascent."""

import numpy as np

import pytensor
import pytensor.tensor as pt

rng = np.random.default_rng(1212)
groups, n = 6, 80
group = rng.integers(0, groups, size=n)
x = rng.normal(size=(n, 2))
observed = 0.5 + x @ [1.0, -0.7] + rng.normal(size=groups)[group] + 0.3 * rng.normal(size=n)


def normal_logp(value, mu, log_sd):
    return -0.5 * ((value - mu) / pt.exp(log_sd)) ** 2 - log_sd - 0.5 * np.log(2 * np.pi)


point = pt.dvector("point")
intercept, log_tau, log_sigma = point[0], point[1], point[2]
beta, z = point[3:5], point[5:]
data_x = pytensor.shared(x, name="x")
mu = intercept + data_x @ beta + (pt.exp(log_tau) * z)[group]
logp = (
    normal_logp(intercept, 0.0, pt.log(10.0))
    + normal_logp(beta, 0.0, pt.log(2.5)).sum()
    + normal_logp(z, 0.0, 0.0).sum()
    - pt.exp(2 * log_tau) / 2 + log_tau
    - pt.exp(log_sigma) + log_sigma
    + normal_logp(observed, mu, log_sigma).sum()
)  # fmt: skip
f = pytensor.function([point], [logp, pytensor.grad(logp, point)])
at = np.concatenate([[0.1, -0.2, -0.5, 0.3, 0.2], np.linspace(-1, 1, groups)])
value, slope = f(at)
print(f"logp {float(value):.9e}")
print("grad", " ".join(f"{g:.9e}" for g in slope))
for _ in range(40):
    at = at + 2e-3 * slope / (1 + 0.01 * np.linalg.norm(slope))
    value, slope = f(at)
print(f"later {float(value):.9e}")
print("point", " ".join(f"{g:.9e}" for g in at))
data_x.set_value(x[::-1].copy())
print(f"other data {float(f(at)[0]):.9e}")
other_x = pt.dmatrix("other_x")
predict = pytensor.function([point, other_x], mu[:4], givens={data_x: other_x})
print("predicted", " ".join(f"{g:.9e}" for g in predict(at, x)))
