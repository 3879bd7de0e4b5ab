"""A recurrent network trained for 20 steps by gradient descent with momentum in shared variables."""

import numpy as np

import pytensor
import pytensor.tensor as pt

rng = np.random.default_rng(1717)
steps, batch, inputs, hidden = 8, 5, 3, 6
data = rng.normal(size=(steps, batch, inputs))
target = np.tanh(data.sum(axis=0) @ rng.normal(size=(inputs, 1)))


def parameter(name, *shape):
    return pytensor.shared(0.4 * rng.normal(size=shape), name=name)


W, U, b = parameter("W", inputs, hidden), parameter("U", hidden, hidden), parameter("b", hidden)
V, c = parameter("V", hidden, 1), parameter("c", 1)
weights = [W, U, b, V, c]
x, t = pt.dtensor3("x"), pt.dmatrix("t")


def step(now, before, W, U, b):
    gate = pt.sigmoid(now @ W + b)
    return gate * before + (1 - gate) * pt.tanh(now @ W + before @ U + b)


states = pytensor.scan(
    step, sequences=[x], outputs_info=[pt.zeros((x.shape[1], hidden))], non_sequences=[W, U, b],
    return_updates=False,
)  # fmt: skip
cost = ((states[-1] @ V + c - t) ** 2).mean()
updates = []
for w, g in zip(weights, pytensor.grad(cost, weights)):
    speed = pytensor.shared(np.zeros_like(w.get_value()), name=f"speed_{w.name}")
    new_speed = 0.9 * speed - 0.1 * g
    updates += [(speed, new_speed), (w, w + new_speed)]
train = pytensor.function([x, t], cost, updates=updates)
for k in range(20):
    value = train(data, target)
    if k % 5 in (0, 4):
        print(f"step {k} cost {float(value):.9e}")
for w in weights:
    print(w.name, " ".join(f"{v:.9e}" for v in w.get_value().ravel()[:4]))
f = pytensor.function([x], states[:, 0, :2])
for row in f(data)[::3]:
    print("state", " ".join(f"{v:.9e}" for v in row))
