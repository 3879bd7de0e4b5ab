"""An ordinary differential equation (predator and prey) by Runge-Kutta in a scan; sensitivities."""

import numpy as np

import pytensor
import pytensor.tensor as pt
from pytensor.scan.utils import until

parameters = pt.dvector("parameters")
start = pt.dvector("start")
h = pt.dscalar("h")


def slope(u, p):
    prey, predator = u[0], u[1]
    return pt.stack(
        [p[0] * prey - p[1] * prey * predator, -p[2] * predator + p[3] * prey * predator]
    )


def step(u, h, p):
    k1 = slope(u, p)
    k2 = slope(u + h / 2 * k1, p)
    k3 = slope(u + h / 2 * k2, p)
    k4 = slope(u + h * k3, p)
    return u + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


path = pytensor.scan(
    step, outputs_info=[start], non_sequences=[h, parameters], n_steps=50, return_updates=False
)
at = np.array([1.1, 0.4, 0.9, 0.2]), np.array([5.0, 1.5]), 0.05
f = pytensor.function([parameters, start, h], path)
u = f(*at)
for row in u[::10]:
    print("path", " ".join(f"{v:.9e}" for v in row))
energy = (path**2).mean()
slopes = pytensor.function([parameters, start, h], pytensor.grad(energy, [parameters, start, h]))
for g in slopes(*at):
    print("grad", " ".join(f"{v:.9e}" for v in np.ravel(g)))
J = pytensor.function([parameters, start, h], pytensor.gradient.jacobian(path[-1], parameters))(*at)
print("jacobian", " ".join(f"{v:.9e}" for v in J.ravel()))
# Until the predators are many
hunted = pytensor.scan(
    lambda u, h, p: (step(u, h, p), until(step(u, h, p)[1] > 4.0)),
    outputs_info=[start], non_sequences=[h, parameters], n_steps=200, return_updates=False,
)  # fmt: skip
stopped = pytensor.function([parameters, start, h], [hunted[-1], hunted.shape[0]])(*at)
print("stopped", " ".join(f"{v:.9e}" for v in stopped[0]), int(stopped[1]))
