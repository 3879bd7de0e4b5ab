"""Gaussian process with a sum and a product of kernels: evidence, gradient, leave-one-out, samples."""

import numpy as np

import pytensor
import pytensor.tensor as pt

rng = np.random.default_rng(1414)
n = 20
x_data = np.sort(rng.uniform(0, 4, n))
y_data = np.sin(3 * x_data) * np.exp(-0.2 * x_data) + 0.3 * x_data + 0.1 * rng.normal(size=n)

x, y = pt.dvectors("x", "y")
theta = pt.dvector("theta")
scale = pt.exp(theta)


def distance(a, b):
    return pt.sqrt((a[:, None] - b[None, :]) ** 2 + 1e-12)


def kernel(a, b):
    d = distance(a, b)
    matern = (1 + np.sqrt(5) * d / scale[0] + 5 * d**2 / (3 * scale[0] ** 2)) * pt.exp(
        -np.sqrt(5) * d / scale[0]
    )
    periodic = pt.exp(-2 * pt.sin(np.pi * d / scale[1]) ** 2)
    linear = a[:, None] * b[None, :]
    rational = (1 + d**2 / (2 * scale[2])) ** (-scale[2])
    return matern * periodic + 0.3 * linear + 0.2 * rational


K = kernel(x, x) + scale[3] ** 2 * pt.eye(x.shape[0])
inverse = pt.linalg.inv(K)
_, log_det = pt.linalg.slogdet(K)
evidence = -0.5 * y @ inverse @ y - 0.5 * log_det - 0.5 * x.shape[0] * np.log(2 * np.pi)
left_out = y - (inverse @ y) / pt.diag(inverse)
f = pytensor.function([theta, x, y], [evidence, pytensor.grad(evidence, theta), left_out[:5]])
at = np.log([1.0, 2.1, 0.8, 0.2])
value, slope, out = f(at, x_data, y_data)
print(f"evidence {float(value):.9e}")
print("grad", " ".join(f"{v:.9e}" for v in slope))
print("left out", " ".join(f"{v:.9e}" for v in out))
chol = pt.linalg.cholesky(K)
alpha = pt.linalg.cho_solve((chol, True), y)
again = -0.5 * y @ alpha - pt.log(pt.diag(chol)).sum() - 0.5 * x.shape[0] * np.log(2 * np.pi)
by_x = pytensor.grad(again, x)
value, slope = pytensor.function([theta, x, y], [again, by_x])(at, x_data, y_data)
print(f"by cholesky {float(value):.9e}")
print("by x", " ".join(f"{v:.9e}" for v in slope[:6]))
z = rng.normal(size=n)
draw = pytensor.function([theta, x], chol @ z)(at, x_data)
print("draw", " ".join(f"{v:.9e}" for v in draw[::5]))
