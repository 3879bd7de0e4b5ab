"""A Gaussian process on 44 years of CO2: learn the kernel by its gradient, then forecast.

    python examples/mauna_loa.py [--until 1992] [--picture mauna_loa.png]

Monthly means of the CO2 concentration at Mauna Loa (Keeling and Whorf) under the kernel of
Rasmussen and Williams (2006), section 5.4.3: a smooth trend, a yearly cycle that may drift,
irregularities of a year or so, and noise. Its 10 parameters maximise the marginal likelihood of the
months before `--until`; the gradient is `pytensor.grad`'s, and the compiled graph has one Cholesky
factorisation for value and gradient. The months after `--until` are forecast and compared.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
from scipy import linalg, optimize

import pytensor
import pytensor.tensor as pt
from pytensor.tensor import linalg as pl

DATA = Path(__file__).resolve().parent / "data"
LOG_2PI = float(np.log(2 * np.pi))

# Name, unit and first guess. The search runs in the logarithms: all are positive.
PARAMETERS = (
    ("trend: amplitude", "ppm", 50.0),
    ("trend: length", "years", 50.0),
    ("cycle: amplitude", "ppm", 2.5),
    ("cycle: drift", "years", 90.0),
    ("cycle: smoothness", "", 1.3),
    ("wiggles: amplitude", "ppm", 0.7),
    ("wiggles: length", "years", 1.2),
    ("wiggles: shape", "", 0.8),
    ("noise, a month: amplitude", "ppm", 0.2),
    ("noise, white: amplitude", "ppm", 0.2),
)
MONTH = 1.0 / 12.0


def monthly_means() -> tuple[np.ndarray, np.ndarray]:
    """Return the middle of each month (in years) and its mean concentration (in ppm)."""
    with np.load(DATA / "mauna_loa.npz") as archive:
        date, co2 = archive["date"], archive["co2"]
    months = date // 100
    known = np.isfinite(co2)
    each = np.unique(months[known])
    means = np.array([co2[known & (months == month)].mean() for month in each])
    return each // 100 + (each % 100 - 0.5) / 12.0, means


def kernel(theta, difference):
    """Covariance of two months a time `difference` apart, without the white noise.

    The five terms of equations (5.15) to (5.18), with the periodic function of the cycle written
    as in (4.31): exp(-2 sin(pi d)^2 / l^2).
    """
    trend, trend_length, cycle, drift, smoothness = (pt.exp(theta[i]) for i in range(5))
    wiggles, wiggle_length, shape, month = (pt.exp(theta[i]) for i in range(5, 9))
    d2 = pt.sqr(difference)
    wave = pt.sqr(pt.sin(np.pi * difference) / smoothness)
    return (
        pt.sqr(trend) * pt.exp(-0.5 * d2 / pt.sqr(trend_length))
        + pt.sqr(cycle) * pt.exp(-0.5 * d2 / pt.sqr(drift) - 2.0 * wave)
        + pt.sqr(wiggles) * (1.0 + 0.5 * d2 / (shape * pt.sqr(wiggle_length))) ** (-shape)
        + pt.sqr(month) * pt.exp(-0.5 * d2 / MONTH**2)
    )


def covariance(theta, x):
    """Covariance matrix of observations at the times `x`."""
    white = pt.exp(2.0 * theta[9])
    return kernel(theta, x[:, None] - x[None, :]) + white * pt.eye(x.shape[0])


def log_likelihood(theta, x, y):
    """log N(y | 0, K), Rasmussen and Williams (2.30)."""
    factor = pl.cholesky(covariance(theta, x))
    z = pl.solve_triangular(factor, y, lower=True)
    return -0.5 * z @ z - pt.log(pt.diag(factor)).sum() - 0.5 * y.shape[0] * LOG_2PI


def forecast(theta, x, y, new):
    """Mean and standard deviation of the noise-free function at `new`, equations (2.25), (2.26)."""
    factor = pl.cholesky(covariance(theta, x))
    cross = kernel(theta, new[:, None] - x[None, :])
    mean = cross @ pl.cho_solve((factor, True), y)
    scaled = pl.solve_triangular(factor, cross.T, lower=True)
    variance = kernel(theta, pt.zeros_like(new)) - pt.sqr(scaled).sum(axis=0)
    return mean, pt.sqrt(pt.maximum(variance, 0.0))


def by_hand(theta, x, y):
    """The same value and gradient in NumPy and SciPy, the gradient as in equation (5.9)."""
    p = np.exp(theta)
    d2 = (x[:, None] - x[None, :]) ** 2
    wave = (np.sin(np.pi * (x[:, None] - x[None, :])) / p[4]) ** 2
    trend = p[0] ** 2 * np.exp(-0.5 * d2 / p[1] ** 2)
    cycle = p[2] ** 2 * np.exp(-0.5 * d2 / p[3] ** 2 - 2.0 * wave)
    base = 1.0 + 0.5 * d2 / (p[7] * p[6] ** 2)
    wiggles = p[5] ** 2 * base ** -p[7]
    month = p[8] ** 2 * np.exp(-0.5 * d2 / MONTH**2)
    K = trend + cycle + wiggles + month
    K[np.diag_indices_from(K)] += p[9] ** 2
    factor = linalg.cholesky(K, lower=True, check_finite=False)
    inverse = linalg.cho_solve((factor, True), np.eye(len(x)), check_finite=False)
    alpha = inverse @ y
    value = -0.5 * y @ alpha - np.log(np.diag(factor)).sum() - 0.5 * len(x) * LOG_2PI
    weight = 0.5 * (np.outer(alpha, alpha) - inverse)
    slopes = (
        *(2.0 * trend, trend * d2 / p[1] ** 2),
        *(2.0 * cycle, cycle * d2 / p[3] ** 2, 4.0 * cycle * wave),
        *(2.0 * wiggles, wiggles * d2 / (base * p[6] ** 2)),
        wiggles * (-p[7] * np.log(base) + 0.5 * d2 / (base * p[6] ** 2)),
        2.0 * month,
    )
    gradient = [np.vdot(weight, slope) for slope in slopes]
    return value, np.array([*gradient, 2.0 * p[9] ** 2 * np.trace(weight)])


def maximise(compiled, x, y) -> tuple[np.ndarray, list[float]]:
    """Return the parameters of the largest likelihood (in logarithms) and the values on the way."""
    values: list[float] = []

    def objective(theta):
        value, gradient = compiled(theta, x, y)
        values.append(float(value))
        if sys.stdout.isatty():
            print(f"\r  evaluation {len(values):3d}   log-likelihood {values[-1]:10.3f}", end="")
        return -float(value), -gradient

    start = np.log([guess for _, _, guess in PARAMETERS])
    bounds = [(low - 4.0, low + 4.0) for low in start]  # a factor of 55 either way
    found = optimize.minimize(objective, start, jac=True, method="L-BFGS-B", bounds=bounds)
    if sys.stdout.isatty():
        print()
    return found.x, values


def median_seconds(call, repeats: int = 5) -> float:
    samples = []
    for _ in range(repeats):
        began = time.perf_counter()
        call()
        samples.append(time.perf_counter() - began)
    return float(np.median(samples))


def compare_with_numpy(compiled, theta, x, y) -> None:
    """Value and gradient must agree, at the guess and at the mode; then time both in turns."""
    for point in (np.log([guess for _, _, guess in PARAMETERS]), theta):
        value, gradient = compiled(point, x, y)
        wanted, slope = by_hand(point, x, y)
        np.testing.assert_allclose(value, wanted, rtol=1e-7)
        np.testing.assert_allclose(gradient, slope, rtol=1e-4, atol=1e-4)
    rounds = [
        (
            median_seconds(lambda: compiled(theta, x, y)),
            median_seconds(lambda: by_hand(theta, x, y)),
        )
        for _ in range(3)
    ]
    mine, numpys = 1e3 * np.median(rounds, axis=0)
    print(f"  value and gradient: compiled {mine:.1f} ms, NumPy by hand {numpys:.1f} ms")


def save_picture(path: Path, x, y, until: float, new, mean, deviation) -> None:
    """The series with its forecast, and the errors of the months that were kept back."""
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415  (an extra: the example runs without)
    except ImportError:
        print("\nno picture: `pip install matplotlib` draws one")
        return
    figure = Figure(figsize=(11, 7), layout="constrained")
    top, bottom = figure.subplots(2, 1, height_ratios=(3, 2))
    seen = x < until
    band = {"color": "#1f6f8b", "alpha": 0.25, "linewidth": 0}
    top.fill_between(new, mean - 2 * deviation, mean + 2 * deviation, **band)
    top.plot(new, mean, color="#1f6f8b", linewidth=1.2, label="forecast, two deviations")
    top.plot(x[seen], y[seen], ".", color="#444444", markersize=2.5, label="months learned from")
    top.plot(x[~seen], y[~seen], ".", color="#c0392b", markersize=3.5, label="months kept back")
    top.axvline(until, color="#888888", linewidth=0.8, linestyle="--")
    top.set(ylabel="CO2, ppm", title="Mauna Loa: monthly means and a Gaussian process")
    top.legend(loc="upper left", frameon=False)
    kept = x >= until
    error = y[kept] - np.interp(x[kept], new, mean)
    width = np.interp(x[kept], new, deviation)
    bottom.fill_between(x[kept], -2 * width, 2 * width, **band)
    bottom.plot(x[kept], error, ".-", color="#c0392b", linewidth=0.7, markersize=4)
    bottom.axhline(0.0, color="#888888", linewidth=0.8)
    bottom.set(xlabel="year", ylabel="measured - forecast, ppm", title="Months kept back")
    figure.savefig(path, dpi=110)
    print(f"\npicture of the series and the forecast: {path}")


def main(arguments: list[str] | None = None) -> dict[str, float]:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--until", type=float, default=1992.0, help="learn from months before")
    parser.add_argument("--picture", type=Path, default=Path("mauna_loa.png"))
    options = parser.parse_args(arguments)

    x, y = monthly_means()
    if not x[0] + 5 < options.until <= x[-1]:
        parser.error(f"--until must lie between {x[0] + 5:.0f} and {x[-1]:.0f}")
    seen = x < options.until
    centre = y[seen].mean()
    known = x[seen], y[seen] - centre

    theta_, x_, y_, new_ = (pt.vector(name, dtype="float64") for name in ("theta", "x", "y", "new"))
    began = time.perf_counter()
    value = log_likelihood(theta_, x_, y_)
    compiled = pytensor.function([theta_, x_, y_], [value, pytensor.grad(value, theta_)], name="gp")
    predict = pytensor.function([theta_, x_, y_, new_], forecast(theta_, x_, y_, new_))
    print(f"{seen.sum()} months, {len(PARAMETERS)} parameters", end="; ")
    print(f"two functions compiled in {time.perf_counter() - began:.2f} s")
    ops = Counter(type(node.op).__name__ for node in compiled.maker.fgraph.toposort())
    kinds = ("Cholesky", "SolveTriangular", "CholeskySolve", "Elemwise", "CAReduce")
    print(
        "  value and gradient: " + ", ".join(f"{ops[name]} {name}" for name in kinds if ops[name])
    )

    theta, values = maximise(compiled, *known)
    print(f"  log-likelihood {values[0]:.2f} -> {max(values):.2f} in {len(values)} evaluations")
    compare_with_numpy(compiled, theta, *known)
    for (name, unit, _), fitted in zip(PARAMETERS, np.exp(theta)):
        print(f"  {name:<26} {fitted:10.3g} {unit}")

    new = np.arange(x[0], x[-1] + 15.0, MONTH)
    mean, deviation = predict(theta, *known, new)
    error = y[~seen] - centre - np.interp(x[~seen], new, mean)
    spread = np.sqrt(np.interp(x[~seen], new, deviation) ** 2 + np.exp(2 * theta[9]))
    inside = float(np.mean(np.abs(error) < 2 * spread))
    rmse = float(np.sqrt(np.mean(error**2)))
    print(f"{(~seen).sum()} months kept back: error {rmse:.2f} ppm (root mean square)", end=", ")
    print(f"{100 * inside:.0f} % within two deviations")
    save_picture(options.picture, x, y, options.until, new, mean + centre, deviation)
    return {"log_likelihood": max(values), "rmse": rmse, "inside": inside}


if __name__ == "__main__":
    main()
