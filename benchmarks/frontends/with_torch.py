"""The battery in PyTorch, eager: NumPy arrays in (sharing memory) and out."""

from __future__ import annotations

import torch
from torch.nn import functional

from benchmarks.workloads.graphs import NODES_PER_LAYER, coefficients
from benchmarks.workloads.graphs import deep as deep_chain
from benchmarks.workloads.graphs import outputs as many_outputs
from benchmarks.workloads.graphs import wide as wide_sum
from benchmarks.workloads.models import LOG_2PI
from benchmarks.workloads.networks import RATE
from benchmarks.workloads.products import ALPHA, BETA

LIBRARY = torch
torch.set_num_threads(1)


def compile_row(family, row, inputs, state):
    """Return a function from arrays to arrays; nothing is compiled."""
    held = [tuple(torch.from_numpy(x.copy()) for x in state)]

    def call(*arguments):
        tensors = [torch.from_numpy(x) for x in arguments]
        outputs = family(*tensors, *held[0], **row.options)
        if state:
            outputs, held[0] = outputs
        if isinstance(outputs, tuple):
            return [x.numpy() for x in outputs]
        return outputs.numpy()

    return call


def value_and_gradients(function, variables, *others):
    """Return the value of ``function(*variables, *others)`` and its gradients, all detached."""
    leaves = [x.detach().requires_grad_() for x in variables]
    value = function(*leaves, *others)
    return (value.detach(), *torch.autograd.grad(value, leaves))


def empty(x):
    return x + 1.0


def product(A, B):
    return A @ B


def gemv(A, x, y):
    return torch.addmv(y, A, x, beta=BETA, alpha=ALPHA)


def gemm(A, B, C):
    return torch.addmm(C, A, B, beta=BETA, alpha=ALPHA)


def ger(A, x, y):
    return torch.addr(A, x, y, alpha=ALPHA)


def symmetric_rows(A):
    return A @ A.T


def symmetric_columns(X):
    return X.T @ X


def batched(A, B):
    return A @ B


def associate(A, B, v):
    return A @ B @ v


def gemv_scan(A, x, *, steps):
    for _ in range(steps):
        x = A @ x
    return x


def power(A, x, *, steps):
    for _ in range(steps):
        x = A @ x
        x = x / torch.sqrt((x**2).sum())
    return x @ A @ x, x


def total(x):
    return x.sum()


def ar1(noise, phi):
    x, series = torch.zeros((), dtype=noise.dtype), []
    for e in noise:
        x = phi * x + e
        series.append(x)
    return torch.stack(series)


def kalman(y, F, Q, h, r):
    n = len(h)
    m, P, logp = torch.zeros(n, dtype=y.dtype), torch.eye(n, dtype=y.dtype), 0.0
    for observed in y:
        m, P = F @ m, F @ P @ F.T + Q
        Ph = P @ h
        s, v = h @ Ph + r, observed - h @ m
        m, P = m + Ph * (v / s), P - torch.outer(Ph, Ph / s)
        logp = logp - 0.5 * (torch.log(s) + v * v / s + LOG_2PI)
    return logp, m


def logistic(X, y, beta):
    def logp(beta):
        eta = X @ beta
        return (y * eta - functional.softplus(eta, threshold=40.0)).sum() - 0.5 * (beta**2).sum()

    return value_and_gradients(logp, [beta])


def gp(x, y, theta):
    def logp(theta):
        length, amplitude, noise = torch.exp(theta)
        scaled = (x[:, None] - x[None, :]) ** 2 / length**2
        identity = torch.eye(len(x), dtype=x.dtype)
        kernel = amplitude**2 * torch.exp(-0.5 * scaled) + noise**2 * identity
        L = torch.linalg.cholesky(kernel)
        z = torch.linalg.solve_triangular(L, y[:, None], upper=False)
        return -0.5 * (z**2).sum() - torch.log(torch.diag(L)).sum() - 0.5 * len(x) * LOG_2PI

    return value_and_gradients(logp, [theta])


def hierarchical(hyper, a, b, group, x, y):
    def normal_logp(z, log_sigma):
        return (-0.5 * z**2 - log_sigma).sum()

    def logp(hyper, a, b):
        za = (a - hyper[0]) / torch.exp(hyper[1])
        zb = (b - hyper[2]) / torch.exp(hyper[3])
        z = (y - a[group] - b[group] * x) / torch.exp(hyper[4])
        priors = normal_logp(za, hyper[1]) + normal_logp(zb, hyper[3]) - 0.5 * (hyper**2).sum()
        return normal_logp(z, hyper[4]) + priors

    return value_and_gradients(logp, [hyper, a, b])


def chain(x):
    return torch.log1p(torch.exp(torch.tanh(x))).sum()


def mlp(X, labels, W1, b1, W2, b2):
    def loss(W1, b1, W2, b2):
        hidden = torch.tanh(torch.addmm(b1, X, W1))
        return functional.cross_entropy(torch.addmm(b2, hidden, W2), labels)

    weights = W1, b1, W2, b2
    value, *gradients = value_and_gradients(loss, weights)
    return value, tuple(w - RATE * g for w, g in zip(weights, gradients, strict=True))


def rnn(xs, Wx, Wh, b):
    def loss(Wx, Wh, b):
        h = torch.zeros(xs.shape[1], len(Wh), dtype=xs.dtype)
        for x in xs @ Wx + b:
            h = torch.tanh(torch.addmm(x, h, Wh))
        return (h**2).mean()

    return value_and_gradients(loss, [Wx, Wh, b])


def wide(x, *, nodes):
    return wide_sum(x, nodes=nodes, library=torch)


def deep(x, *, nodes):
    return deep_chain(x, nodes=nodes, library=torch)


def outputs(x, *, nodes):
    return many_outputs(x, nodes=nodes, library=torch)


def steps(x, *, nodes):
    for _ in range(nodes):
        x = torch.tanh(0.9 * x + 0.1)
    return x


def layers(x, W, b, *, nodes):
    def loss(x, W, b):
        hidden = x
        for c in coefficients(nodes // NODES_PER_LAYER):
            hidden = torch.tanh(c * (hidden @ W) + b)
        return (hidden**2).mean()

    return value_and_gradients(loss, [x, W, b])
