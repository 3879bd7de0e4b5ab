"""Neural networks: a training step of a perceptron, and a recurrent network with its gradient."""

from __future__ import annotations

import numpy as np

from benchmarks.workloads.base import Draw, Workload

RATE = 1e-3


def mlp(X, labels, W1, b1, W2, b2):
    """One step of gradient descent on the mean cross-entropy; returns the loss and the weights."""
    n = len(X)
    hidden = np.tanh(X @ W1 + b1)
    logits = hidden @ W2 + b2
    logits -= logits.max(axis=1, keepdims=True)
    weights = np.exp(logits)
    total = weights.sum(axis=1, keepdims=True)
    picked = np.arange(n), labels
    loss = -np.mean(logits[picked] - np.log(total[:, 0]))
    d_logits = weights / total
    d_logits[picked] -= 1.0
    d_logits /= n
    d_hidden = (d_logits @ W2.T) * (1.0 - hidden**2)
    for weight, gradient in (
        (W1, X.T @ d_hidden),
        (b1, d_hidden.sum(axis=0)),
        (W2, hidden.T @ d_logits),
        (b2, d_logits.sum(axis=0)),
    ):
        weight -= RATE * gradient
    return loss, (W1, b1, W2, b2)


def mlp_data(batch: int, inputs: int, outputs: int) -> Draw:
    return lambda rng: [rng.standard_normal((batch, inputs)), rng.integers(0, outputs, batch)]


def mlp_weights(inputs: int, hidden: int, outputs: int) -> Draw:
    return lambda rng: [
        rng.standard_normal((inputs, hidden)) / np.sqrt(inputs),
        np.zeros(hidden),
        rng.standard_normal((hidden, outputs)) / np.sqrt(hidden),
        np.zeros(outputs),
    ]


def rnn(xs, Wx, Wh, b):
    """``h_t = tanh(x_t Wx + h_{t-1} Wh + b)``; mean square of the last state and its gradients."""
    steps, batch, width = xs.shape
    inputs = (xs.reshape(-1, xs.shape[2]) @ Wx).reshape(steps, batch, width) + b
    hidden = np.zeros((steps + 1, batch, width))
    for t in range(steps):
        hidden[t + 1] = np.tanh(inputs[t] + hidden[t] @ Wh)
    last = hidden[-1]
    d_before = np.empty_like(inputs)
    d_hidden = 2.0 * last / last.size
    for t in reversed(range(steps)):
        d_before[t] = d_hidden * (1.0 - hidden[t + 1] ** 2)
        d_hidden = d_before[t] @ Wh.T
    flat = d_before.reshape(-1, width)
    grad_Wx = xs.reshape(-1, xs.shape[2]).T @ flat
    grad_Wh = hidden[:-1].reshape(-1, width).T @ flat
    return np.mean(last**2), grad_Wx, grad_Wh, flat.sum(axis=0)


def rnn_data(steps: int, batch: int, width: int) -> Draw:
    return lambda rng: [
        rng.standard_normal((steps, batch, width)),
        rng.standard_normal((width, width)) / np.sqrt(width),
        rng.standard_normal((width, width)) / np.sqrt(width),
        0.1 * rng.standard_normal(width),
    ]


ROWS = (
    Workload("MLP training step, 128-256-10", "mlp", mlp_data(256, 128, 10), mlp,
             draw_state=mlp_weights(128, 256, 10)),
    Workload("RNN forward + grad, T = 100", "rnn", rnn_data(100, 16, 32), rnn),
)  # fmt: skip
