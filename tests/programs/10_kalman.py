"""Kalman filter by scan: log likelihood of a local linear trend, its gradient, and the filtered states."""

import numpy as np

import pytensor
import pytensor.tensor as pt

rng = np.random.default_rng(1010)
n = 25
data = np.cumsum(0.3 + 0.4 * rng.normal(size=n)) + 0.5 * rng.normal(size=n)

y = pt.dvector("y")
log_sd = pt.dvector("log_sd")  # of level, slope and observation
T = pt.as_tensor(np.array([[1.0, 1.0], [0.0, 1.0]]))
Z = pt.as_tensor(np.array([1.0, 0.0]))
Q = pt.diag(pt.exp(2 * log_sd[:2]))
H = pt.exp(2 * log_sd[2])


def step(now, a, P, T, Z, Q, H):
    v = now - Z @ a
    F = Z @ P @ Z + H
    K = P @ Z / F
    filtered = a + K * v
    P_filtered = P - pt.outer(K, Z @ P)
    logp = -0.5 * (pt.log(2 * np.pi * F) + v**2 / F)
    return T @ filtered, T @ P_filtered @ T.T + Q, logp, filtered


start = [pt.zeros(2), 10.0 * pt.eye(2), None, None]
_, covariance, logps, states = pytensor.scan(
    step, sequences=[y], outputs_info=start, non_sequences=[T, Z, Q, H], return_updates=False
)
logp = logps.sum()
f = pytensor.function([log_sd, y], [logp, pytensor.grad(logp, log_sd), states[-1], covariance[-1]])
value, slope, last, P = f(np.log([0.4, 0.1, 0.5]), data)
print(f"logp {float(value):.9e}")
print("grad", " ".join(f"{g:.9e}" for g in slope))
print("state", " ".join(f"{g:.9e}" for g in last))
print("covariance", " ".join(f"{g:.9e}" for g in P.ravel()))
dy = pytensor.function([log_sd, y], pytensor.grad(logp, y))(np.log([0.4, 0.1, 0.5]), data)
print("by data", " ".join(f"{g:.9e}" for g in dy[:5]))
