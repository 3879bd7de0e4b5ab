"""A mixture of normals by logsumexp: log density, responsibilities, gradients, far from the data too."""

import numpy as np

import pytensor
import pytensor.tensor as pt

rng = np.random.default_rng(1313)
data = np.concatenate([rng.normal(-2, 0.5, 30), rng.normal(1, 1.0, 50)])

x = pt.dvector("x")
logits, means, log_sds = pt.dvectors("logits", "means", "log_sds")
log_weights = pt.special.log_softmax(logits, axis=-1)
logp_each = (
    log_weights
    - 0.5 * ((x[:, None] - means) / pt.exp(log_sds)) ** 2
    - log_sds
    - 0.5 * pt.log(2 * np.pi)
)
logp = pt.logsumexp(logp_each, axis=1)
total = logp.sum()
responsibilities = pt.special.softmax(logp_each, axis=1)
parameters = [logits, means, log_sds]
f = pytensor.function([x, *parameters], [total, *pytensor.grad(total, parameters)])
at = [np.array([0.0, 0.3, -0.2]), np.array([-1.0, 0.0, 2.0]), np.array([0.0, 0.1, -0.4])]
value, *slopes = f(data, *at)
print(f"logp {float(value):.9e}")
for g in slopes:
    print("grad", " ".join(f"{v:.9e}" for v in g))
r = pytensor.function([x, *parameters], responsibilities)(data[:3], *at)
print("responsibilities", " ".join(f"{v:.9e}" for v in r.ravel()))
far = np.array([-1e3, 0.0, 1e4])
print("far", " ".join(f"{v:.9e}" for v in pytensor.function([x, *parameters], logp)(far, *at)))
for _ in range(25):
    _, *slopes = f(data, *at)
    at = [a + 5e-3 * g for a, g in zip(at, slopes)]
print("means", " ".join(f"{v:.9e}" for v in at[1]))
print("mix", " ".join(f"{v:.9e}" for v in pytensor.function([logits], pt.exp(log_weights))(at[0])))
