"""Indexing of every kind: slices, vectors, masks, updates of parts, and their gradients."""

import numpy as np

import pytensor
import pytensor.tensor as pt

rng = np.random.default_rng(1919)
m = pt.dmatrix("m")
v = pt.dvector("v")
k = pt.lvector("k")
i = pt.lscalar("i")
at = {"m": rng.normal(size=(5, 6)), "v": rng.normal(size=6), "k": np.array([4, 0, 0, -2]), "i": 2}

results = {
    "row": m[i],
    "last columns": m[:, -i:],
    "backwards": m[::-2, 1:i:1],
    "vector": m[k],
    "both": m[k, k[::-1]],
    "outer": m[k[:, None], k[None, :2]],
    "mixed": m[i:, k],
    "mask": m[m > 0.5],
    "mask rows": m[v[:5] > 0],
    "new axes": m[None, i, :, None] * v[:, None],
    "take": pt.take(m, k, axis=1),
    "along": pt.take_along_axis(m, pt.argsort(m, axis=1), axis=1),
    "set": pt.set_subtensor(m[1:3, ::2], 0.0),
    "increase": pt.inc_subtensor(m[k], 1.0),
    "set diagonal": m[:5, :5][pt.arange(5), pt.arange(5)] ** 2,
    "roll": pt.roll(m, i, axis=0)[0],
    "where": pt.switch(pt.eq(pt.arange(6), i), v, -v),
    "increase twice": m[1:].inc(v[:4][:, None])[:, i].set(0)[0],
    "lengths": pt.stack([m[k].shape[0], m[i:].shape[0], m[m > 0.5].shape[0]]),
}
inputs = [m, v, k, i]
f = pytensor.function(inputs, list(results.values()), on_unused_input="ignore")
for name, value in zip(results, f(*at.values())):
    print(name, value.shape, " ".join(f"{e:.9e}" for e in value.ravel()[:6]), f"{value.sum():.9e}")
cost = pt.add(*[(r**2).sum() for r in results.values() if r.type.dtype == "float64"])
gm, gv = pytensor.function(inputs, pytensor.grad(cost, [m, v]), on_unused_input="ignore")(
    *at.values()
)
for row in gm:
    print("grad m", " ".join(f"{e:.9e}" for e in row))
print("grad v", " ".join(f"{e:.9e}" for e in gv))
