"""The battery in Numba: NumPy as one writes it for ``numba.njit``, loops where they read well.

What depends on constants of the graph (``wide``, ``deep``, ``outputs``) is generated, as code that writes
such graphs would do it. Arrays are C contiguous, triangular solves are not in Numba's language.
"""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import numba
import numpy as np

from benchmarks.workloads import models, products, scans
from benchmarks.workloads.graphs import LENGTH, NODES_PER_LAYER, coefficients
from benchmarks.workloads.models import LOG_2PI
from benchmarks.workloads.networks import RATE

LIBRARY = numba


def compile_row(family, row, inputs, state):
    """Return the jitted function; weights are private copies that it changes in place."""
    if family in GENERATED:
        return numba.njit(cache=True)(generated(family(row.options["nodes"])))
    jitted = numba.njit(cache=True)(family)
    held, options = tuple(x.copy() for x in state), tuple(row.options.values())
    if not held and not options:
        return jitted
    return lambda *arguments: jitted(*arguments, *held, *options)


def generated(text: str):
    """Return the function ``f`` of a text, written to a module so that Numba can cache it."""
    path = Path(os.environ["NUMBA_CACHE_DIR"], "generated_row.py")
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text() != text:
        path.write_text(text)
    spec = importlib.util.spec_from_file_location("generated_row", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.f


empty, gemv, gemm, ger = products.empty, products.gemv, products.gemm, products.ger
symmetric_rows, symmetric_columns = products.symmetric_rows, products.symmetric_columns
associate, product = products.associate, products.product
chain, total = models.chain, scans.total


def batched(A, B):
    Z = np.empty((A.shape[0], A.shape[1], B.shape[2]))
    for i in range(len(A)):
        np.dot(A[i], B[i], Z[i])
    return Z


def gemv_scan(A, x, steps):
    for _ in range(steps):
        x = A @ x
    return x


def power(A, x, steps):
    for _ in range(steps):
        x = A @ x
        x = x / np.sqrt((x**2).sum())
    return x @ (A @ x), x


def ar1(noise, phi):
    x, last, factor = np.empty_like(noise), 0.0, phi.item()
    for t in range(len(noise)):
        last = factor * last + noise[t]
        x[t] = last
    return x


def kalman(y, F, Q, h, r):
    m, P, logp = np.zeros(len(h)), np.eye(len(h)), 0.0
    FT, variance = np.ascontiguousarray(F.T), r.item()
    for observed in y:
        m, P = F @ m, F @ P @ FT + Q
        Ph = P @ h
        s, v = h @ Ph + variance, observed - h @ m
        m, P = m + Ph * (v / s), P - np.outer(Ph, Ph / s)
        logp -= 0.5 * (np.log(s) + v * v / s + LOG_2PI)
    return logp, m


def logistic(X, y, beta):
    eta = X @ beta
    residual, logp = np.empty_like(eta), -0.5 * (beta @ beta)
    for i in range(len(eta)):
        e = eta[i]
        decay = np.exp(-abs(e))
        logp += y[i] * e - max(e, 0.0) - np.log1p(decay)
        residual[i] = y[i] - (1.0 if e >= 0 else decay) / (1.0 + decay)
    return logp, residual @ X - beta


def gp(x, y, theta):
    n = len(x)
    length, amplitude, noise = np.exp(theta)
    scaled, kernel, covariance = np.empty((n, n)), np.empty((n, n)), np.empty((n, n))
    for i in range(n):
        for j in range(n):
            scaled[i, j] = ((x[i] - x[j]) / length) ** 2
            kernel[i, j] = amplitude**2 * np.exp(-0.5 * scaled[i, j])
            covariance[i, j] = kernel[i, j] + (noise**2 if i == j else 0.0)
    L = np.linalg.cholesky(covariance)
    inverse_L = np.linalg.inv(L)
    inverse = inverse_L.T @ inverse_L
    a = inverse @ y
    logp = -0.5 * (y @ a) - np.log(np.diag(L)).sum() - 0.5 * n * LOG_2PI
    gradient = np.zeros(3)
    for i in range(n):
        for j in range(n):
            weight = 0.5 * (a[i] * a[j] - inverse[i, j])
            gradient[0] += weight * kernel[i, j] * scaled[i, j]
            gradient[1] += 2.0 * weight * kernel[i, j]
            if i == j:
                gradient[2] += 2.0 * noise**2 * weight
    return logp, gradient


def hierarchical(hyper, a, b, group, x, y):
    mu_a, log_sa, mu_b, log_sb, log_sy = hyper
    sa, sb, sy = np.exp(log_sa), np.exp(log_sb), np.exp(log_sy)
    za, zb = (a - mu_a) / sa, (b - mu_b) / sb
    grad_a, grad_b, squares = -za / sa, -zb / sb, 0.0
    for i in range(len(y)):
        g = group[i]
        z = (y[i] - a[g] - b[g] * x[i]) / sy
        squares += z * z
        grad_a[g] += z / sy
        grad_b[g] += z / sy * x[i]
    aa, bb = za @ za, zb @ zb
    logp = -0.5 * (squares + aa + bb + hyper @ hyper)
    logp -= len(y) * log_sy + len(a) * log_sa + len(b) * log_sb
    grad_hyper = np.array(
        [za.sum() / sa, aa - len(a), zb.sum() / sb, bb - len(b), squares - len(y)]
    )
    return logp, grad_hyper - hyper, grad_a, grad_b


def mlp(X, labels, W1, b1, W2, b2):
    n = len(X)
    hidden = np.tanh(X @ W1 + b1)
    pull, loss = hidden @ W2 + b2, 0.0
    for i in range(n):
        row, label = pull[i], labels[i]
        row -= row.max()
        picked = row[label]
        row[:] = np.exp(row)
        total = row.sum()
        loss -= (picked - np.log(total)) / n
        row /= total * n
        row[label] -= 1.0 / n
    before = (pull @ W2.T) * (1.0 - hidden**2)
    W1 -= RATE * (X.T @ before)
    b1 -= RATE * before.sum(axis=0)
    W2 -= RATE * (hidden.T @ pull)
    b2 -= RATE * pull.sum(axis=0)
    return loss


def rnn(xs, Wx, Wh, b):
    steps, batch, width = xs.shape
    flat = xs.reshape(steps * batch, width)
    inputs = (flat @ Wx + b).reshape(steps, batch, width)
    hidden = np.zeros((steps + 1, batch, width))
    for t in range(steps):
        hidden[t + 1] = np.tanh(inputs[t] + hidden[t] @ Wh)
    last = hidden[-1]
    before = np.empty_like(inputs)
    pull, WhT = 2.0 * last / last.size, np.ascontiguousarray(Wh.T)
    for i in range(steps):
        t = steps - 1 - i
        before[t] = pull * (1.0 - hidden[t + 1] ** 2)
        pull = before[t] @ WhT
    pulls = before.reshape(steps * batch, width)
    states = hidden[:-1].reshape(steps * batch, width)
    return np.mean(last**2), flat.T @ pulls, states.T @ pulls, pulls.sum(axis=0)


def steps(x, nodes):
    x = x.copy()
    for _ in range(nodes):
        for i in range(len(x)):
            x[i] = np.tanh(0.9 * x[i] + 0.1)
    return x


def layers(x, W, b, nodes):
    depth = nodes // NODES_PER_LAYER
    hidden = np.empty((depth + 1, *x.shape))
    hidden[0] = x
    for k in range(depth):
        c = 0.9 + 0.2 * ((k * 0.6180339887498949) % 1.0)
        hidden[k + 1] = np.tanh(c * (hidden[k] @ W) + b)
    pull = 2.0 * hidden[-1] / hidden[-1].size
    grad_W, grad_b = np.zeros_like(W), np.zeros_like(b)
    for i in range(depth):
        k = depth - 1 - i
        c = 0.9 + 0.2 * ((k * 0.6180339887498949) % 1.0)
        pull = pull * (1.0 - hidden[k + 1] ** 2)
        grad_b += pull.sum(axis=0)
        grad_W += c * (hidden[k].T @ pull)
        pull = c * (pull @ W.T)
    return np.mean(hidden[-1] ** 2), pull, grad_W, grad_b


FUNCTIONS = ("np.tanh", "np.sin", "np.exp", "np.cos")


def wide(nodes: int) -> str:
    """Return the text of one loop that adds all branches of an element."""
    lines = ["import numpy as np", "def f(x):", "    z = np.empty_like(x)"]
    lines += [f"    for i in range({LENGTH}):", "        v = x[i]", "        s = v"]
    for i, c in enumerate(coefficients(nodes // 4)):
        lines.append(f"        s += {FUNCTIONS[i % 4]}(v * {c!r} - 1.0)")
    return "\n".join([*lines, "        z[i] = s", "    return z"])


def deep(nodes: int) -> str:
    """Return the text of one loop that takes an element through all steps."""
    lines = ["import numpy as np", "def f(x):", "    z = np.empty_like(x)"]
    lines += [f"    for i in range({LENGTH}):", "        v = x[i]"]
    for i, c in enumerate(coefficients(nodes)):
        step = (f"v * {c!r}", f"v + {c - 1.0!r}", "np.tanh(v)")[i % 3]
        lines.append(f"        v = {step}")
    return "\n".join([*lines, "        z[i] = v", "    return z"])


def outputs(nodes: int) -> str:
    """Return the text of a function with a statement per output."""
    lines, names = ["import numpy as np", "def f(x):"], []
    for i, c in enumerate(coefficients(nodes // 2)):
        names.append(f"z{i}")
        lines.append(f"    z{i} = {FUNCTIONS[i % 4]}(x * {c!r})")
    return "\n".join([*lines, f"    return ({', '.join(names)},)"])


GENERATED = (wide, deep, outputs)
