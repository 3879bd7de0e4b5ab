"""Bayesian regression on real data: write the log-posterior, let the compiler do the rest.

    python examples/regression.py [--picture regression.png]

Two models, a linear one (diabetes progression) and a logistic one (breast cancer), each as a
log-posterior with its gradient compiled into one function that `scipy.optimize` maximises. The
same pair of numbers written by hand in NumPy runs beside it: values must agree, times are compared.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from scipy import optimize

import pytensor
import pytensor.tensor as pt

DATA = Path(__file__).resolve().parent / "data"
PRIOR_SCALE = 2.0


def standardised(name: str, target: str) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Features with mean 0 and deviation 1 and a leading column of ones, target, names."""
    with np.load(DATA / f"{name}.npz") as archive:
        x, y = archive["features"].astype("float64"), archive[target].astype("float64")
        names = [str(word) for word in archive["names"]]
    x = (x - x.mean(axis=0)) / x.std(axis=0)
    return np.column_stack([np.ones(len(x)), x]), y, ["intercept", *names]


def log_prior(w):
    """Normal(0, PRIOR_SCALE) on every weight, up to a constant."""
    return -0.5 * pt.sum(pt.sqr(w)) / PRIOR_SCALE**2


def linear_log_posterior(theta, x, y):
    """y ~ Normal(x w, sigma), theta = (w, log sigma)."""
    w, log_sigma = theta[:-1], theta[-1]
    residual = (y - x @ w) * pt.exp(-log_sigma)
    return -0.5 * pt.sum(pt.sqr(residual)) - y.shape[0] * log_sigma + log_prior(theta)


def logistic_log_posterior(theta, x, y):
    """y ~ Bernoulli(sigmoid(x w)), theta = w."""
    eta = x @ theta
    return pt.sum(y * eta - pt.softplus(eta)) + log_prior(theta)


def linear_by_hand(theta, x, y):
    w, inverse_sigma = theta[:-1], np.exp(-theta[-1])
    r = (y - x @ w) * inverse_sigma
    value = -0.5 * (r @ r) - len(y) * theta[-1] - 0.5 * (theta @ theta) / PRIOR_SCALE**2
    gradient = np.append((r @ x) * inverse_sigma, r @ r - len(y)) - theta / PRIOR_SCALE**2
    return value, gradient


def logistic_by_hand(theta, x, y):
    eta = x @ theta
    value = y @ eta - np.logaddexp(0.0, eta).sum() - 0.5 * (theta @ theta) / PRIOR_SCALE**2
    gradient = (y - 1.0 / (1.0 + np.exp(-eta))) @ x - theta / PRIOR_SCALE**2
    return value, gradient


@dataclass
class Problem:
    """One model on one data set, compiled."""

    title: str
    log_posterior: object
    by_hand: object
    x: np.ndarray
    y: np.ndarray
    names: list[str]
    extra: int = 0
    compiled: object = field(init=False)
    seconds: float = field(init=False)

    def __post_init__(self) -> None:
        theta = pt.vector("theta", dtype="float64")
        x, y = pt.matrix("x", dtype="float64"), pt.vector("y", dtype="float64")
        self.graph = self.log_posterior(theta, x, y)
        began = time.perf_counter()
        outputs = [self.graph, pytensor.grad(self.graph, theta)]
        self.compiled = pytensor.function([theta, x, y], outputs, name=self.title)
        self.seconds = time.perf_counter() - began

    @property
    def start(self) -> np.ndarray:
        return np.zeros(self.x.shape[1] + self.extra)


class Progress:
    """Counts evaluations of the objective and shows the value on one line."""

    def __init__(self) -> None:
        self.evaluations, self.values = 0, []

    def add(self, value: float) -> None:
        self.evaluations += 1
        self.values.append(value)
        if sys.stdout.isatty():
            bar = "█" * min(30, self.evaluations // 2 + 1)
            line = f"\r  {bar:<30} evaluation {self.evaluations:3d}   log-posterior {value:12.4f}"
            print(line, end="", flush=True)

    def close(self) -> None:
        if sys.stdout.isatty():
            print()


def maximise(problem: Problem) -> tuple[np.ndarray, Progress]:
    """Return the posterior mode and the record of the search."""
    progress = Progress()

    def objective(theta):
        value, gradient = problem.compiled(theta, problem.x, problem.y)
        progress.add(float(value))
        return -float(value), -gradient

    found = optimize.minimize(objective, problem.start, jac=True, method="L-BFGS-B")
    progress.close()
    return found.x, progress


def median_seconds(call, repeats: int = 400) -> float:
    samples = []
    for _ in range(repeats):
        began = time.perf_counter()
        call()
        samples.append(time.perf_counter() - began)
    return float(np.median(samples))


def compare_with_numpy(problem: Problem, theta: np.ndarray) -> None:
    """Values and gradients must agree at a random point near the mode; then time both in turns."""
    theta = theta + 0.1 * np.random.default_rng(3).normal(size=theta.shape)
    arguments = theta, problem.x, problem.y
    for ours, numpys in zip(problem.compiled(*arguments), problem.by_hand(*arguments)):
        np.testing.assert_allclose(ours, numpys, rtol=1e-9, atol=1e-9)
    rounds = [
        (
            median_seconds(lambda: problem.compiled(*arguments)),
            median_seconds(lambda: problem.by_hand(*arguments)),
        )
        for _ in range(5)
    ]
    mine, numpys = 1e6 * np.median(rounds, axis=0)
    print(f"  value and gradient: compiled {mine:.1f} us, NumPy by hand {numpys:.1f} us", end="")
    print(f" ({numpys / mine:.2f}x the compiled call)")


def report(problem: Problem) -> tuple[np.ndarray, Progress]:
    print(f"\n{problem.title}: {problem.x.shape[0]} rows, {len(problem.start)} parameters")
    print(f"  compiled in {problem.seconds:.2f} s")
    ops = Counter(type(n.op).__name__ for n in problem.compiled.maker.fgraph.toposort())
    print("  ops: " + ", ".join(f"{count} {name}" for name, count in ops.most_common()))
    theta, progress = maximise(problem)
    print(f"  mode found in {progress.evaluations} evaluations, {progress.values[-1]:.4f}")
    compare_with_numpy(problem, theta)
    weights = theta[: len(problem.names)]
    strongest = np.argsort(-np.abs(weights[1:]))[:4] + 1
    print("  strongest: " + ", ".join(f"{problem.names[i]} {weights[i]:+.2f}" for i in strongest))
    return theta, progress


def save_picture(path: Path, results) -> None:
    """Weights at the mode and the way there, for each problem."""
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415  (an extra: the example runs without)
    except ImportError:
        print("\nno picture: `pip install matplotlib` draws one")
        return
    figure = Figure(figsize=(11, 7), layout="constrained")
    for row, (problem, theta, progress) in zip(figure.subplots(2, 2), results):
        weights = theta[1 : len(problem.names)]
        order = np.argsort(np.abs(weights))[-10:]
        row[0].barh([problem.names[i + 1] for i in order], weights[order], color="#1f6f8b")
        row[0].set(title=f"{problem.title}: largest weights at the mode")
        values = np.array(progress.values)
        row[1].semilogy(np.maximum(values.max() - values, 1e-9), color="#c0392b")
        row[1].set(xlabel="evaluation", ylabel="below the mode", title="log-posterior")
        row[1].grid(alpha=0.3, which="both")
    figure.savefig(path, dpi=110)
    print(f"\npicture of the weights and of the search: {path}")


def main(arguments: list[str] | None = None) -> dict[str, float]:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--picture", type=Path, default=Path("regression.png"))
    options = parser.parse_args(arguments)

    x, y, names = standardised("diabetes", "target")
    y = (y - y.mean()) / y.std()
    linear = Problem("linear", linear_log_posterior, linear_by_hand, x, y, names, extra=1)
    x, y, names = standardised("breast_cancer", "benign")
    logistic = Problem("logistic", logistic_log_posterior, logistic_by_hand, x, y, names)

    print("The gradient of the logistic log-posterior, compiled:")
    logistic.compiled.dprint(print_op_info=False)
    results = [(problem, *report(problem)) for problem in (linear, logistic)]

    theta = results[0][1]
    explained = 1.0 - np.var(linear.y - linear.x @ theta[:-1]) / np.var(linear.y)
    accuracy = np.mean((logistic.x @ results[1][1] > 0) == (logistic.y > 0.5))
    print(f"\nvariance explained (linear): {explained:.3f}")
    print(f"training accuracy (logistic): {accuracy:.3f}")
    save_picture(options.picture, results)
    return {"explained": float(explained), "accuracy": float(accuracy)}


if __name__ == "__main__":
    main()
