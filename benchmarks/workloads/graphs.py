"""Graphs of many small nodes, where compile time and the cost of a step count."""

from __future__ import annotations

import numpy as np

from benchmarks.workloads.base import Draw, Workload

LENGTH = 8
GROWTH_FAMILIES = ("deep", "wide", "layers", "outputs", "steps")
GROWTH_SIZES = (1_000, 5_000, 20_000)
NODES_PER_LAYER = 12
"""Nodes of one layer and its gradient, about; only the exponent of growth depends on it."""


def coefficients(n: int) -> list[float]:
    """Return n different numbers near one, well spread, the same each time."""
    return [0.9 + 0.2 * ((i * 0.6180339887498949) % 1.0) for i in range(n)]


def wide(x, *, nodes, library=np):
    """Sum many short branches of one vector: four nodes each, no two with the same constant."""
    total = x
    functions = (library.tanh, library.sin, library.exp, library.cos)
    for i, c in enumerate(coefficients(nodes // 4)):
        total = total + functions[i % 4](x * c - 1.0)
    return total


def deep(x, *, nodes, library=np):
    """Apply a long chain of multiplications, additions and tanh to one vector."""
    for i, c in enumerate(coefficients(nodes)):
        if i % 3 == 0:
            x = x * c
        elif i % 3 == 1:
            x = x + (c - 1.0)
        else:
            x = library.tanh(x)
    return x


def layers(x, W, b, *, nodes):
    """Apply ``tanh(h W + b)`` again and again, then differentiate the mean square in x, W and b."""
    depth = nodes // NODES_PER_LAYER
    hidden = [x]
    for c in coefficients(depth):
        hidden.append(np.tanh(c * (hidden[-1] @ W) + b))
    pull = 2.0 * hidden[-1] / hidden[-1].size
    grad_W, grad_b = np.zeros_like(W), np.zeros_like(b)
    for c, before, after in reversed(list(zip(coefficients(depth), hidden, hidden[1:]))):
        pull = pull * (1.0 - after**2)
        grad_b += pull.sum(axis=0)
        grad_W += c * (before.T @ pull)
        pull = c * (pull @ W.T)
    return np.mean(hidden[-1] ** 2), pull, grad_W, grad_b


def outputs(x, *, nodes, library=np):
    """Return many outputs of two nodes each, no two with the same constant."""
    functions = (library.tanh, library.sin, library.exp, library.cos)
    return tuple(functions[i % 4](x * c) for i, c in enumerate(coefficients(nodes // 2)))


def steps(x, *, nodes):
    """Apply ``tanh(0.9 x + 0.1)`` `nodes` times in a scan: the graph does not grow, its length does."""
    for _ in range(nodes):
        x = np.tanh(0.9 * x + 0.1)
    return x


def vector(rng):
    return [rng.standard_normal(LENGTH)]


def square(n: int) -> Draw:
    # An orthogonal matrix keeps the gradient of a thousand layers away from under- and overflow.
    return lambda rng: [
        0.1 * rng.standard_normal((n, n)),
        1.1 * np.linalg.qr(rng.standard_normal((n, n)))[0],
        0.1 * rng.standard_normal(n),
    ]


def growth_row(family: str, nodes: int) -> Workload:
    """Return the row of about `nodes` nodes of a family in GROWTH_FAMILIES."""
    name = f"growth {family} {nodes}"
    options = {"nodes": nodes}
    if family == "layers":
        return Workload(name, family, square(LENGTH), layers, options=options, rtol=1e-6)
    by_hand = {"deep": deep, "wide": wide, "outputs": outputs, "steps": steps}[family]
    return Workload(name, family, vector, by_hand, options=options, rtol=1e-8)


ROWS = (
    Workload("wide graph, 500 nodes", "wide", vector, wide, options={"nodes": 500}),
    Workload("deep graph, 1000 nodes", "deep", vector, deep, options={"nodes": 1000}),
    Workload("deep graph, 5000 nodes", "deep", vector, deep, options={"nodes": 5000}),
)
