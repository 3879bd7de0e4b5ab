"""The battery in PyTensor's API: serves this package and upstream alike."""

from __future__ import annotations

from contextlib import contextmanager

import pytensor
import pytensor.tensor as pt
from benchmarks.workloads.graphs import NODES_PER_LAYER, coefficients
from benchmarks.workloads.graphs import deep as deep_chain
from benchmarks.workloads.graphs import outputs as many_outputs
from benchmarks.workloads.graphs import wide as wide_sum
from benchmarks.workloads.models import LOG_2PI
from benchmarks.workloads.networks import RATE
from benchmarks.workloads.products import ALPHA, BETA

LIBRARY = pytensor


@contextmanager
def steady():
    """Compile natively before the first call: what is timed afterwards must not change under way.

    Releases that know one tier only (upstream's) have no such setting and need none.
    """
    settings = {"compile__tier": "native"} if has_tiers() else {}
    with pytensor.config.change_flags(**settings):
        yield


def has_tiers() -> bool:
    try:
        return bool(pytensor.config.compile__tier)
    except AttributeError:
        return False


def compile_row(family, row, inputs, state, trust_input=True):
    """Return the compiled function of a row; state lives in shared variables that calls update."""
    variables = [pt.tensor(dtype=x.dtype, shape=(None,) * x.ndim) for x in inputs]
    shared = [pytensor.shared(x) for x in state]
    outputs, updates = family(*variables, *shared, **row.options), []
    if state:
        outputs, new = outputs
        updates = list(zip(shared, new, strict=True))
    if isinstance(outputs, tuple):
        outputs = list(outputs)
    function = pytensor.function(variables, outputs, updates=updates)
    function.trust_input = trust_input
    return function


def with_gradient(cost, *wrt):
    return (cost, *pytensor.grad(cost, list(wrt)))


def empty(x):
    return x + 1.0


def product(A, B):
    return A @ B


def gemv(A, x, y):
    return ALPHA * (A @ x) + BETA * y


def gemm(A, B, C):
    return ALPHA * (A @ B) + BETA * C


def ger(A, x, y):
    return A + ALPHA * pt.outer(x, y)


def symmetric_rows(A):
    return A @ A.T


def symmetric_columns(X):
    return X.T @ X


def batched(A, B):
    return A @ B


def associate(A, B, v):
    return A @ B @ v


def scan(step, **arguments):
    """Return the outputs of a scan, without the random state that releases before 3.3 return too."""
    return pytensor.scan(step, return_updates=False, **arguments)


def gemv_scan(A, x, *, steps):
    states = scan(lambda x, A: A @ x, outputs_info=x, non_sequences=A, n_steps=steps)
    return states[-1]


def power(A, x, *, steps):
    def step(x, A):
        x = A @ x
        return x / pt.sqrt((x**2).sum())

    x = scan(step, outputs_info=x, non_sequences=A, n_steps=steps)[-1]
    return x @ A @ x, x


def total(x):
    return x.sum()


def ar1(noise, phi):
    return scan(
        lambda e, x, phi: phi * x + e,
        sequences=noise,
        outputs_info=pt.zeros((), dtype="float64"),
        non_sequences=phi,
    )


def kalman(y, F, Q, h, r):
    def step(observed, m, P, F, Q, h, r):
        m, P = F @ m, F @ P @ F.T + Q
        Ph = P @ h
        s, v = h @ Ph + r, observed - h @ m
        logp = -0.5 * (pt.log(s) + v * v / s + LOG_2PI)
        return m + Ph * (v / s), P - pt.outer(Ph, Ph / s), logp

    first = [pt.zeros((h.shape[0],)), pt.eye(h.shape[0]), None]
    m, _, logp = scan(step, sequences=y, outputs_info=first, non_sequences=[F, Q, h, r])
    return logp.sum(), m[-1]


def logistic(X, y, beta):
    eta = X @ beta
    logp = (y * eta - pt.softplus(eta)).sum() - 0.5 * (beta**2).sum()
    return with_gradient(logp, beta)


def gp(x, y, theta):
    length, amplitude, noise = pt.exp(theta[0]), pt.exp(theta[1]), pt.exp(theta[2])
    scaled = (x[:, None] - x[None, :]) ** 2 / length**2
    kernel = amplitude**2 * pt.exp(-0.5 * scaled) + noise**2 * pt.eye(x.shape[0])
    L = pt.linalg.cholesky(kernel)
    z = pt.linalg.solve_triangular(L, y, lower=True)
    logp = -0.5 * (z**2).sum() - pt.log(pt.diag(L)).sum() - 0.5 * x.shape[0] * LOG_2PI
    return with_gradient(logp, theta)


def hierarchical(hyper, a, b, group, x, y):
    def logp(z, log_sigma):
        return (-0.5 * z**2 - log_sigma).sum()

    za = (a - hyper[0]) / pt.exp(hyper[1])
    zb = (b - hyper[2]) / pt.exp(hyper[3])
    z = (y - a[group] - b[group] * x) / pt.exp(hyper[4])
    total = logp(z, hyper[4]) + logp(za, hyper[1]) + logp(zb, hyper[3]) - 0.5 * (hyper**2).sum()
    return with_gradient(total, hyper, a, b)


def chain(x):
    return pt.log1p(pt.exp(pt.tanh(x))).sum()


def mlp(X, labels, W1, b1, W2, b2):
    weights = W1, b1, W2, b2
    hidden = pt.tanh(X @ W1 + b1)
    log_p = pt.special.log_softmax(hidden @ W2 + b2, axis=1)
    loss = -log_p[pt.arange(X.shape[0]), labels].mean()
    gradients = pytensor.grad(loss, list(weights))
    return loss, tuple(w - RATE * g for w, g in zip(weights, gradients, strict=True))


def rnn(xs, Wx, Wh, b):
    first = pt.zeros((xs.shape[1], Wh.shape[0]))
    states = scan(
        lambda x, h, Wx, Wh, b: pt.tanh(x @ Wx + h @ Wh + b),
        sequences=xs,
        outputs_info=first,
        non_sequences=[Wx, Wh, b],
    )
    return with_gradient((states[-1] ** 2).mean(), Wx, Wh, b)


def wide(x, *, nodes):
    return wide_sum(x, nodes=nodes, library=pt)


def deep(x, *, nodes):
    return deep_chain(x, nodes=nodes, library=pt)


def outputs(x, *, nodes):
    return many_outputs(x, nodes=nodes, library=pt)


def steps(x, *, nodes):
    return scan(lambda x: pt.tanh(0.9 * x + 0.1), outputs_info=x, n_steps=nodes)[-1]


def layers(x, W, b, *, nodes):
    hidden = x
    for c in coefficients(nodes // NODES_PER_LAYER):
        hidden = pt.tanh(c * (hidden @ W) + b)
    return with_gradient((hidden**2).mean(), x, W, b)
