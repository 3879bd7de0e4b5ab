"""Log densities with their gradients, as a sampler calls them, and one long elementwise chain."""

from __future__ import annotations

import numpy as np
from scipy.linalg import cho_solve, cholesky, solve_triangular

from benchmarks.workloads.base import Draw, Workload

LOG_2PI = float(np.log(2 * np.pi))


def logistic(X, y, beta):
    """Bernoulli-logit likelihood with a standard normal prior: logp and its gradient in beta."""
    eta = X @ beta
    decay = np.exp(-np.abs(eta))
    logp = y @ eta - np.sum(np.maximum(eta, 0) + np.log1p(decay)) - 0.5 * (beta @ beta)
    sigmoid = np.where(eta >= 0, 1.0, decay) / (1.0 + decay)
    return logp, (y - sigmoid) @ X - beta


def logistic_data(n: int, k: int) -> Draw:
    def draw(rng):
        X = rng.standard_normal((n, k))
        beta = rng.standard_normal(k) / np.sqrt(k)
        y = (rng.random(n) < 1 / (1 + np.exp(-X @ beta))).astype("float64")
        return [X, y, beta + 0.1 * rng.standard_normal(k)]

    return draw


def gp(x, y, theta):
    """Marginal likelihood of a Gaussian process; theta: log length, log amplitude, log noise.

    The gradient is ``tr((a a' - K^-1) dK / dtheta) / 2`` with ``a = K^-1 y`` (Rasmussen and
    Williams 2006, equation 5.9).
    """
    length, amplitude, noise = np.exp(theta)
    scaled = (x[:, None] - x[None, :]) ** 2 / length**2
    kernel = amplitude**2 * np.exp(-0.5 * scaled)
    L = cholesky(kernel + noise**2 * np.eye(len(x)), lower=True, check_finite=False)
    a = cho_solve((L, True), y, check_finite=False)
    logp = -0.5 * (y @ a) - np.log(np.diag(L)).sum() - 0.5 * len(x) * LOG_2PI
    inverse_L = solve_triangular(L, np.eye(len(x)), lower=True, check_finite=False)
    weight = 0.5 * (np.outer(a, a) - inverse_L.T @ inverse_L)
    weighted = weight * kernel
    gradient = [np.vdot(weighted, scaled), 2 * weighted.sum(), 2 * noise**2 * np.trace(weight)]
    return logp, np.array(gradient)


def gp_data(n: int) -> Draw:
    def draw(rng):
        x = np.sort(rng.uniform(0, 10, n))
        return [x, np.sin(x) + 0.3 * rng.standard_normal(n), np.log([1.2, 0.9, 0.35])]

    return draw


def normal_logp(z, log_sigma):
    """Sum of normal log densities of standardized values `z` (without the constant)."""
    return -0.5 * np.dot(z, z) - len(z) * log_sigma


def hierarchical(hyper, a, b, group, x, y):
    """Varying intercepts and slopes; hyper: mu_a, log s_a, mu_b, log s_b, log s_y.

    ``y ~ N(a[group] + b[group] x, s_y), a ~ N(mu_a, s_a), b ~ N(mu_b, s_b), hyper ~ N(0, 1)``:
    logp without constants, and its gradients in hyper, a and b.
    """
    mu_a, log_sa, mu_b, log_sb, log_sy = hyper
    sa, sb, sy = np.exp(hyper[[1, 3, 4]])
    za, zb = (a - mu_a) / sa, (b - mu_b) / sb
    z = (y - a[group] - b[group] * x) / sy
    logp = normal_logp(z, log_sy) + normal_logp(za, log_sa) + normal_logp(zb, log_sb)
    logp -= 0.5 * (hyper @ hyper)
    pull = z / sy
    grad_a = np.bincount(group, pull, len(a)) - za / sa
    grad_b = np.bincount(group, pull * x, len(b)) - zb / sb
    grad_hyper = np.array(
        [za.sum() / sa, za @ za - len(a), zb.sum() / sb, zb @ zb - len(b), z @ z - len(y)]
    )
    return logp, grad_hyper - hyper, grad_a, grad_b


def hierarchical_data(observations: int, groups: int) -> Draw:
    def draw(rng):
        group = rng.integers(0, groups, observations)
        x = (rng.random(observations) < 0.5).astype("float64")
        a, b = 1.3 + 0.3 * rng.standard_normal(groups), -0.6 + 0.3 * rng.standard_normal(groups)
        y = a[group] + b[group] * x + 0.7 * rng.standard_normal(observations)
        return [np.array([1.0, -0.9, -0.5, -1.0, -0.3]), a, b, group, x, y]

    return draw


def chain(x):
    return np.sum(np.log1p(np.exp(np.tanh(x))))


def chain_data(n: int) -> Draw:
    return lambda rng: [rng.standard_normal(n)]


ROWS = (
    Workload("logistic logp + grad, 1000 x 10", "logistic", logistic_data(1000, 10), logistic,
             quick=True),
    Workload("logistic logp + grad, 100000 x 20", "logistic", logistic_data(100_000, 20), logistic),
    Workload("GP marginal logp + grad, 50", "gp", gp_data(50), gp, rtol=1e-8),
    Workload("hierarchical logp + grad, 919", "hierarchical", hierarchical_data(919, 85),
             hierarchical, quick=True),
    Workload("exp/tanh/log1p chain + sum, 1e6", "chain", chain_data(1_000_000), chain),
)  # fmt: skip
