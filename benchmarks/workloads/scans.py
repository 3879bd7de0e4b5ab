"""Recurrences over a long series, and a plain sum: measured beside the same loop written in C."""

from __future__ import annotations

import numpy as np

from benchmarks.workloads.base import Draw, Workload
from benchmarks.workloads.models import LOG_2PI

STATES = 3


def total(x):
    return x.sum()


def ar1(noise, phi):
    """``x_t = phi x_{t-1} + e_t`` from zero; the whole series."""
    x, last, phi = np.empty_like(noise), 0.0, float(phi)
    for t, e in enumerate(noise.tolist()):
        x[t] = last = phi * last + e
    return x


def kalman(y, F, Q, h, r):
    """Log likelihood of ``y_t = h x_t + N(0, r), x_t = F x_{t-1} + N(0, Q), x_0 ~ N(0, I)``, and
    the last filtered mean."""
    m, P, logp = np.zeros(len(h)), np.eye(len(h)), 0.0
    for observed in y:
        m, P = F @ m, F @ P @ F.T + Q
        Ph = P @ h
        s, v = h @ Ph + r, observed - h @ m
        m, P = m + Ph * (v / s), P - np.outer(Ph, Ph / s)
        logp -= 0.5 * (np.log(s) + v * v / s + LOG_2PI)
    return logp, m


def kalman_data(steps: int) -> Draw:
    def draw(rng):
        F = np.eye(STATES) * 0.9 + 0.05 * np.tri(STATES, k=-1).T
        Q, h = 0.1 * np.eye(STATES), np.ones(STATES)
        return [rng.standard_normal(steps), F, Q, h, np.array(0.5)]

    return draw


def power(A, x, *, steps):
    """The largest eigenvalue of a symmetric matrix, and its vector, after some power iterations."""
    for _ in range(steps):
        x = A @ x
        x = x / np.sqrt((x**2).sum())
    return x @ A @ x, x


def symmetric(n: int) -> Draw:
    def draw(rng):
        B = rng.standard_normal((n, n))
        return [B @ B.T / n, rng.standard_normal(n)]

    return draw


ROWS = (
    Workload("sum, 1e6", "total", lambda rng: [rng.standard_normal(1_000_000)], total),
    Workload("AR(1), 10000 steps", "ar1",
             lambda rng: [rng.standard_normal(10_000), np.array(0.9)], ar1),
    Workload("Kalman filter, 1000 steps", "kalman", kalman_data(1000), kalman),
    Workload("power iteration 200, 100 steps", "power", symmetric(200), power,
             options={"steps": 100}),
)  # fmt: skip
