"""Roots and minima inside of graphs, with gradients by the implicit function theorem."""

import numpy as np

import pytensor
import pytensor.tensor as pt
from pytensor.tensor.optimize import minimize, minimize_scalar, root, root_scalar

a, b = pt.dscalars("a", "b")
x, y = pt.dvector("x"), pt.dscalar("y")

# x0^2 + a x1 = 3, x0 x1 = b
equations = pt.stack([x[0] ** 2 + a * x[1] - 3.0, x[0] * x[1] - b])
solution, success = root(equations, x, method="hybr", optimizer_kwargs={"tol": 1e-13})
slopes = [pytensor.gradient.grad(solution[k], [a, b]) for k in range(2)]
f = pytensor.function([x, a, b], [solution, success, *slopes[0], *slopes[1]])
value, ok, *g = f(np.array([1.5, 0.8]), 0.7, 1.1)
print("root", " ".join(f"{v:.7e}" for v in value), bool(ok))
print("grad", " ".join(f"{float(v):.7e}" for v in g))

cubic = y**3 + a * y - b
solution, success = root_scalar(
    cubic, y, method="newton", jac=True, optimizer_kwargs={"xtol": 1e-14}
)
f = pytensor.function([y, a, b], [solution, success, *pytensor.grad(solution, [a, b])])
value, ok, *g = f(1.0, 2.0, 5.0)
print(f"scalar {float(value):.7e}", bool(ok), " ".join(f"{float(v):.7e}" for v in g))

valley = (x[0] - a) ** 2 + 3 * (x[1] - b * x[0]) ** 2 + 0.1 * (x**4).sum()
solution, success = minimize(valley, x, method="BFGS", jac=True, optimizer_kwargs={"tol": 1e-11})
f = pytensor.function([x, a, b], [solution, *pytensor.grad(solution.sum(), [a, b])])
value, *g = f(np.zeros(2), 1.3, 0.6)
print("minimum", " ".join(f"{v:.5e}" for v in value), " ".join(f"{float(v):.5e}" for v in g))

solution, success = minimize_scalar(pt.cosh(y - a) + 0.2 * b * y, y, method="brent")
f = pytensor.function([y, a, b], [solution, *pytensor.grad(solution, [a, b])])
value, *g = f(0.0, 0.4, 1.7)
print(f"lowest {float(value):.4e}", " ".join(f"{float(v):.4e}" for v in g))
