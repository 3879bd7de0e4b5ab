"""The programs whose rewritten graphs and generated C are on record, as a user would write them.

Each function returns the inputs, the outputs and the updates of a `pytensor.function`.
"""

from __future__ import annotations

import numpy as np

import pytensor
import pytensor.tensor as pt
from pytensor.compile.builders import OpFromGraph
from pytensor.ifelse import ifelse

PROGRAMS = {}


def program(function):
    """Record a function of this file under its name."""
    PROGRAMS[function.__name__] = function
    return function


def parameter(name, *shape):
    return pytensor.shared(np.zeros(shape), name=name)


@program
def mlp_step():
    """A training step of the network of examples/digits.py."""
    W1, b1 = parameter("W1", 64, 32), parameter("b1", 32)
    W2, b2 = parameter("W2", 32, 10), parameter("b2", 10)
    x, y = pt.dmatrix("x"), pt.lvector("y")
    hidden = pt.tanh(x @ W1 + b1)
    log_p = pt.special.log_softmax(hidden @ W2 + b2, axis=1)
    loss = -pt.mean(log_p[pt.arange(y.shape[0]), y]) + 1e-4 * (pt.sum(W1**2) + pt.sum(W2**2))
    parameters = [W1, b1, W2, b2]
    gradients = pytensor.grad(loss, parameters)
    return [x, y], [loss], [(p, p - 0.5 * g) for p, g in zip(parameters, gradients)]


@program
def logistic_regression():
    """Negative log likelihood and its gradient, written without care for overflow."""
    x, y, w = pt.dmatrix("x"), pt.dvector("y"), pt.dvector("w")
    p = 1 / (1 + pt.exp(-(x @ w)))
    loss = -(y * pt.log(p) + (1 - y) * pt.log(1 - p)).sum()
    return [x, y, w], [loss, pytensor.grad(loss, w)], []


@program
def normal_log_density():
    x, mu, sigma = pt.dvector("x"), pt.dscalar("mu"), pt.dscalar("sigma")
    logp = -0.5 * ((x - mu) / sigma) ** 2 - pt.log(sigma) - 0.5 * np.log(2 * np.pi)
    total = logp.sum()
    return [x, mu, sigma], [total, *pytensor.grad(total, [mu, sigma])], []


@program
def gemm_with_coefficients():
    A, B, C = pt.dmatrices("A", "B", "C")
    alpha, beta = pt.dscalars("alpha", "beta")
    return [A, B, C, alpha, beta], [beta * C + alpha * (A @ B.T)], []


@program
def gemm_in_place():
    S = parameter("S", 3, 3)
    A = pt.dmatrix("A")
    return [A], [], [(S, 0.5 * S - 2.0 * (A @ A))]


@program
def gemv_and_ger():
    A, x, y = pt.dmatrix("A"), pt.dvector("x"), pt.dvector("y")
    return [A, x, y], [y - A @ x, A + 3.0 * pt.outer(x, y)], []


@program
def gram():
    X, Z = pt.dmatrix("X"), pt.dmatrix("Z")
    return [X, Z], [X @ X.T, Z + 2.0 * (X.T @ X)], []


@program
def batched_product():
    X, Y, b = pt.dtensor3("X"), pt.dtensor3("Y"), pt.dvector("b")
    return [X, Y, b], [X @ Y + b], []


@program
def stable_functions():
    x = pt.dvector("x")
    return [x], [pt.log(1 + x), pt.log(pt.sum(pt.exp(x))), pt.exp(x) - 1, pt.log(pt.exp(x))], []


@program
def algebra():
    x, y = pt.dvectors("x", "y")
    return [x, y], [x * y / x + 0 * y, (x + x) / 2, -(-x) * 1, x**2 * x**-1, (2 * x) * (3 * y)], []


@program
def neighbours():
    """Differences of slices, and their gradient, which writes into slices."""
    x = pt.dvector("x")
    energy = ((x[1:] - x[:-1]) ** 2).sum()
    return [x], [energy, pytensor.grad(energy, x)], []


@program
def indices():
    x, i = pt.dmatrix("x"), pt.lvector("i")
    return [x, i], [x[i].sum(axis=0), pytensor.grad(x[i, 0].sum(), x), x.T[::-1][0]], []


@program
def shapes_only():
    """Nothing is computed but lengths."""
    x, y = pt.dmatrices("x", "y")
    z = pt.concatenate([x @ y, x @ y], axis=1).T
    return [x, y], [z.shape, z[1:].shape[0]], []


@program
def statistics():
    x = pt.dmatrix("x")
    return [x], [x.mean(axis=0), x.var(), x.max(axis=1), pt.argmax(x, axis=1)], []


@program
def softmax_rows():
    x = pt.dmatrix("x")
    return [x], [pt.special.softmax(x, axis=1)], []


@program
def solve():
    A, b = pt.dmatrix("A"), pt.dvector("b")
    L = pt.linalg.cholesky(A @ A.T + pt.eye(3))
    return [A, b], [pt.linalg.solve_triangular(L, b, lower=True), 2 * pt.log(pt.diag(L)).sum()], []


@program
def branches():
    x, y = pt.dvectors("x", "y")
    return [x, y], [ifelse(pt.gt(x.sum(), 0), pt.exp(x) + y, pt.log(y))], []


@program
def inner_graph():
    x, y, a = pt.dvectors("x", "y", "a")
    kept = OpFromGraph([x], [pt.exp(x) * 2], name="kept")
    inlined = OpFromGraph([y], [y + y], inline=True)
    return [a], [kept(inlined(a))], []


@program
def elementwise_chain():
    """One loop over three operands, two of them broadcast, with two results."""
    x, row, k = pt.dmatrix("x"), pt.drow("row"), pt.lscalar("k")
    z = pt.sqrt(pt.abs(x - row)) * k
    return [x, row, k], [z, pt.switch(z > 1, z, 0)], []


@program
def reduced_chain():
    x, y = pt.fmatrix("x"), pt.fmatrix("y")
    return [x, y], [pt.sum((x - y) ** 2, axis=1)], []


IN_C = (
    "mlp_step",
    "gemm_with_coefficients",
    "softmax_rows",
    "neighbours",
    "elementwise_chain",
    "reduced_chain",
)
"""The programs whose generated C is on record too."""
