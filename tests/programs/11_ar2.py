"""AR(2): simulated by scan with two taps, its likelihood, gradient and Hessian, and a Newton step."""

import numpy as np

import pytensor
import pytensor.tensor as pt
from pytensor.gradient import hessian

rng = np.random.default_rng(1111)
noise = rng.normal(size=60)

rho = pt.dvector("rho")
eps = pt.dvector("eps")
start = pt.dvector("start")
series = pytensor.scan(
    lambda e, back2, back1, r: r[0] * back1 + r[1] * back2 + e,
    sequences=[eps],
    outputs_info=[{"initial": start, "taps": [-2, -1]}],
    non_sequences=[rho],
    return_updates=False,
)
simulate = pytensor.function([rho, eps, start], series)
data = simulate(np.array([0.6, -0.3]), noise, np.array([0.1, -0.2]))
print("series", " ".join(f"{v:.9e}" for v in data[::10]))

y = pt.dvector("y")
residual = y[2:] - rho[0] * y[1:-1] - rho[1] * y[:-2]
logp = -0.5 * (residual**2).sum()
f = pytensor.function([rho, y], [logp, pytensor.grad(logp, rho), hessian(logp, rho)])
point = np.array([0.0, 0.0])
value, slope, second = f(point, data)
print(f"logp {float(value):.9e}")
print("grad", " ".join(f"{v:.9e}" for v in slope))
print("hessian", " ".join(f"{v:.9e}" for v in second.ravel()))
point = point - np.linalg.solve(second, slope)
print("newton", " ".join(f"{v:.9e}" for v in point))
# The end of the series by the coefficients, through the loop
last = pytensor.function([rho, eps, start], pytensor.grad(series[-1] ** 2, [rho, start]))
for g in last(np.array([0.6, -0.3]), noise, np.array([0.1, -0.2])):
    print("through the loop", " ".join(f"{v:.9e}" for v in g))
