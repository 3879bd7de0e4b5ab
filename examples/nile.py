"""The Nile at Aswan, 1871 to 1970: a Kalman filter as a scan, its likelihood and its smoother.

    python examples/nile.py [--picture nile.png]

The local level model of Durbin and Koopman (2012), chapter 2: a level that wanders, seen through
noise. The filter is `pytensor.scan`, the two variances maximise its likelihood by the gradient
through the loop, and the smoothed level is one more gradient: for Gaussian observations
E[level | y] = y + var(noise) * d loglik / d y. The estimates are compared with the book's.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np
from scipy import optimize

import pytensor
import pytensor.tensor as pt

DATA = Path(__file__).resolve().parent / "data"
LOG_2PI = float(np.log(2 * np.pi))
VAGUE = 1e7  # variance of the first level, as in the book
PUBLISHED = {"noise": 15099.0, "level": 1469.1}  # section 2.10, maximum likelihood


def kalman_filter(y, noise, level):
    """Return the log-likelihood of each year, the filtered level and its variance.

    ``y_t = a_t + N(0, noise), a_{t+1} = a_t + N(0, level)``, equations (2.15) of the book; a
    missing year (NaN) leaves the prediction as it is.
    """

    def year(observed, a, p):
        missing = pt.isnan(observed)
        innovation = pt.switch(missing, 0.0, observed - a)
        f = p + noise
        gain = pt.switch(missing, 0.0, p / f)
        a_now, p_now = a + gain * innovation, p * (1.0 - gain)
        log_density = -0.5 * (LOG_2PI + pt.log(f) + pt.sqr(innovation) / f)
        return a_now, p_now + level, pt.switch(missing, 0.0, log_density), p_now

    a, _, log_density, p = pytensor.scan(
        year,
        sequences=[y],
        outputs_info=[0.0, VAGUE, None, None],
        return_updates=False,
        name="kalman",
    )
    return log_density, a, p


def by_hand(y, noise, level):
    """The same filter as a Python loop: the log-likelihood and the filtered level."""
    a, p, value, levels = 0.0, VAGUE, 0.0, []
    for observed in y:
        if np.isfinite(observed):
            v, f = observed - a, p + noise
            value -= 0.5 * (LOG_2PI + np.log(f) + v * v / f)
            a, p = a + p / f * v, p * (1.0 - p / f)
        levels.append(a)
        p += level
    return value, np.array(levels)


def smooth_by_hand(y, noise, level):
    """E[level | y] by solving the normal equations of all years at once."""
    n = len(y)
    walk = VAGUE + level * np.minimum.outer(np.arange(n), np.arange(n))
    return walk @ np.linalg.solve(walk + noise * np.eye(n), y)


def compile_model():
    """Return functions of (log variances, y): likelihood with gradient, and all that is drawn."""
    theta, y = pt.vector("theta", shape=(2,), dtype="float64"), pt.vector("y", dtype="float64")
    noise, level = pt.exp(theta[0]), pt.exp(theta[1])
    log_density, filtered, variance = kalman_filter(y, noise, level)
    value = log_density[1:].sum()  # the first year only fixes the level
    objective = pytensor.function([theta, y], [value, pytensor.grad(value, theta)], name="nile")
    smoothed = y + noise * pytensor.grad(log_density.sum(), y)
    describe = pytensor.function([theta, y], [filtered, variance, smoothed], name="levels")
    return objective, describe


def maximise(objective, y) -> tuple[np.ndarray, int]:
    """Return the log variances of the largest likelihood and the number of evaluations."""
    calls = 0

    def negative(theta):
        nonlocal calls
        calls += 1
        value, gradient = objective(theta, y)
        if sys.stdout.isatty():
            print(f"\r  evaluation {calls:3d}   log-likelihood {float(value):9.3f}", end="")
        return -float(value), -gradient

    start = np.log([y.var(), y.var() / 10.0])
    found = optimize.minimize(negative, start, jac=True, method="BFGS", options={"gtol": 1e-6})
    if sys.stdout.isatty():
        print()
    return found.x, calls


def median_seconds(call, repeats: int = 100) -> float:
    samples = []
    for _ in range(repeats):
        began = time.perf_counter()
        call()
        samples.append(time.perf_counter() - began)
    return float(np.median(samples))


def save_picture(path: Path, year, y, filtered, variance, smoothed) -> None:
    """The flow, the level as known in each year, and the level as known today."""
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415  (an extra: the example runs without)
    except ImportError:
        print("\nno picture: `pip install matplotlib` draws one")
        return
    figure = Figure(figsize=(11, 5), layout="constrained")
    axes = figure.subplots()
    width = 2.0 * np.sqrt(variance[1:])
    band = {"color": "#1f6f8b", "alpha": 0.2, "linewidth": 0}
    axes.fill_between(year[1:], filtered[1:] - width, filtered[1:] + width, **band)
    axes.plot(year, y, ".-", color="#888888", linewidth=0.6, label="flow of the year")
    axes.plot(year[1:], filtered[1:], color="#1f6f8b", label="level, filtered (two deviations)")
    axes.plot(year, smoothed, color="#c0392b", linewidth=2, label="level, smoothed")
    axes.axvline(1898.5, color="#888888", linewidth=0.8, linestyle="--")
    axes.set(xlabel="year", ylabel="flow at Aswan, 10^8 m^3", title="The Nile, 1871 to 1970")
    axes.legend(frameon=False)
    figure.savefig(path, dpi=110)
    print(f"\npicture of the flow and the level: {path}")


def main(arguments: list[str] | None = None) -> dict[str, float]:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--picture", type=Path, default=Path("nile.png"))
    options = parser.parse_args(arguments)

    with np.load(DATA / "nile.npz") as archive:
        year, y = archive["year"], archive["volume"]
    began = time.perf_counter()
    objective, describe = compile_model()
    print(f"{len(y)} years; two functions compiled in {time.perf_counter() - began:.2f} s")

    theta, calls = maximise(objective, y)
    noise, level = np.exp(theta)
    value = float(objective(theta, y)[0])
    print(f"  log-likelihood {value:.2f} in {calls} evaluations")
    for name, found in (("noise", noise), ("level", level)):
        print(f"  variance of the {name}: {found:8.1f} (published: {PUBLISHED[name]:.1f})")

    filtered, variance, smoothed = describe(theta, y)
    np.testing.assert_allclose(filtered, by_hand(y, noise, level)[1], rtol=1e-10)
    np.testing.assert_allclose(smoothed, smooth_by_hand(y, noise, level), rtol=1e-6)
    print("  filter and smoother agree with a Python loop and with the normal equations")
    mine = median_seconds(lambda: objective(theta, y))
    loop = median_seconds(lambda: by_hand(y, noise, level), 20)
    print(
        f"  value and gradient {1e6 * mine:.0f} us; the value alone in Python {1e6 * loop:.0f} us"
    )

    before, after = smoothed[year < 1899].mean(), smoothed[year >= 1899].mean()
    print(f"mean level until 1898: {before:.0f}, since 1899: {after:.0f}")
    save_picture(options.picture, year, y, filtered, variance, smoothed)
    return {"noise": float(noise), "level": float(level), "log_likelihood": value}


if __name__ == "__main__":
    main()
