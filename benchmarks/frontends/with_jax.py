"""The battery in JAX: ``jax.jit`` with NumPy arrays in and out, double precision."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.linalg import solve_triangular

from benchmarks.workloads.graphs import NODES_PER_LAYER, coefficients
from benchmarks.workloads.graphs import deep as deep_chain
from benchmarks.workloads.graphs import outputs as many_outputs
from benchmarks.workloads.graphs import wide as wide_sum
from benchmarks.workloads.models import LOG_2PI
from benchmarks.workloads.networks import RATE
from benchmarks.workloads.products import ALPHA, BETA

LIBRARY = jax


def compile_row(family, row, inputs, state):
    """Return the jitted function; state stays on the device and its memory is given back."""
    if not state:
        jitted = jax.jit(lambda *arguments: family(*arguments, **row.options))
        if isinstance(jax.eval_shape(jitted, *inputs), tuple):
            return lambda *arguments: [np.asarray(x) for x in jitted(*arguments)]
        return lambda *arguments: np.asarray(jitted(*arguments))

    count = len(inputs)
    jitted = jax.jit(family, donate_argnums=tuple(range(count, count + len(state))))
    held = [tuple(jnp.array(x) for x in state)]

    def call(*arguments):
        output, held[0] = jitted(*arguments, *held[0])
        return np.asarray(output)

    return call


def value_and_gradients(function, argnums):
    def flat(*arguments):
        value, gradients = jax.value_and_grad(function, argnums)(*arguments)
        return value, *gradients

    return flat


def empty(x):
    return x + 1.0


def product(A, B):
    return A @ B


def gemv(A, x, y):
    return ALPHA * (A @ x) + BETA * y


def gemm(A, B, C):
    return ALPHA * (A @ B) + BETA * C


def ger(A, x, y):
    return A + ALPHA * jnp.outer(x, y)


def symmetric_rows(A):
    return A @ A.T


def symmetric_columns(X):
    return X.T @ X


def batched(A, B):
    return A @ B


def associate(A, B, v):
    return A @ B @ v


def gemv_scan(A, x, *, steps):
    return jax.lax.fori_loop(0, steps, lambda _, x: A @ x, x)


def power(A, x, *, steps):
    def step(_, x):
        x = A @ x
        return x / jnp.sqrt((x**2).sum())

    x = jax.lax.fori_loop(0, steps, step, x)
    return x @ A @ x, x


def total(x):
    return x.sum()


def ar1(noise, phi):
    def step(x, e):
        x = phi * x + e
        return x, x

    return jax.lax.scan(step, jnp.zeros(()), noise)[1]


def kalman(y, F, Q, h, r):
    def step(state, observed):
        m, P = state
        m, P = F @ m, F @ P @ F.T + Q
        Ph = P @ h
        s, v = h @ Ph + r, observed - h @ m
        logp = -0.5 * (jnp.log(s) + v * v / s + LOG_2PI)
        return (m + Ph * (v / s), P - jnp.outer(Ph, Ph / s)), logp

    n = h.shape[0]
    (m, _), logp = jax.lax.scan(step, (jnp.zeros(n), jnp.eye(n)), y)
    return logp.sum(), m


def logistic(X, y, beta):
    def logp(beta):
        eta = X @ beta
        return (y * eta - jax.nn.softplus(eta)).sum() - 0.5 * (beta**2).sum()

    return jax.value_and_grad(logp)(beta)


def gp(x, y, theta):
    def logp(theta):
        length, amplitude, noise = jnp.exp(theta)
        scaled = (x[:, None] - x[None, :]) ** 2 / length**2
        kernel = amplitude**2 * jnp.exp(-0.5 * scaled) + noise**2 * jnp.eye(x.shape[0])
        L = jnp.linalg.cholesky(kernel)
        z = solve_triangular(L, y, lower=True)
        return -0.5 * (z**2).sum() - jnp.log(jnp.diag(L)).sum() - 0.5 * x.shape[0] * LOG_2PI

    return jax.value_and_grad(logp)(theta)


def _hierarchical_logp(hyper, a, b, group, x, y):
    def logp(z, log_sigma):
        return (-0.5 * z**2 - log_sigma).sum()

    za = (a - hyper[0]) / jnp.exp(hyper[1])
    zb = (b - hyper[2]) / jnp.exp(hyper[3])
    z = (y - a[group] - b[group] * x) / jnp.exp(hyper[4])
    return logp(z, hyper[4]) + logp(za, hyper[1]) + logp(zb, hyper[3]) - 0.5 * (hyper**2).sum()


hierarchical = value_and_gradients(_hierarchical_logp, (0, 1, 2))


def chain(x):
    return jnp.log1p(jnp.exp(jnp.tanh(x))).sum()


def mlp(X, labels, W1, b1, W2, b2):
    def loss(weights):
        W1, b1, W2, b2 = weights
        log_p = jax.nn.log_softmax(jnp.tanh(X @ W1 + b1) @ W2 + b2, axis=1)
        return -log_p[jnp.arange(X.shape[0]), labels].mean()

    weights = W1, b1, W2, b2
    value, gradients = jax.value_and_grad(loss)(weights)
    return value, tuple(w - RATE * g for w, g in zip(weights, gradients, strict=True))


def _rnn_loss(xs, Wx, Wh, b):
    first = jnp.zeros((xs.shape[1], Wh.shape[0]))
    last, _ = jax.lax.scan(lambda h, x: (jnp.tanh(x @ Wx + h @ Wh + b), None), first, xs)
    return (last**2).mean()


rnn = value_and_gradients(_rnn_loss, (1, 2, 3))


def wide(x, *, nodes):
    return wide_sum(x, nodes=nodes, library=jnp)


def deep(x, *, nodes):
    return deep_chain(x, nodes=nodes, library=jnp)


def outputs(x, *, nodes):
    return many_outputs(x, nodes=nodes, library=jnp)


def steps(x, *, nodes):
    return jax.lax.fori_loop(0, nodes, lambda _, x: jnp.tanh(0.9 * x + 0.1), x)


def layers(x, W, b, *, nodes):
    def loss(x, W, b):
        hidden = x
        for c in coefficients(nodes // NODES_PER_LAYER):
            hidden = jnp.tanh(c * (hidden @ W) + b)
        return (hidden**2).mean()

    return value_and_gradients(loss, (0, 1, 2))(x, W, b)
