"""Draws: with one seed, those of NumPy's or SciPy's generator, one for each element of the parameters.

(States, sizes, batches, two modes: tests/tensor/random.)
"""

import numpy as np
import scipy.stats as st
from op_rows import Row, arrays, given, integer, real

from pytensor.tensor.random import basic
from pytensor.tensor.random.type import random_generator_type

SEED = 2026
ANY, POSITIVE, SHARE = real(), real(0.5, 4), real(0.1, 0.9)
COUNT = integer(1, 20)
NAMES = "pytensor.tensor.random"


def _draw(name, **fields):
    def call(*parameters):
        rng = random_generator_type.make_constant(np.random.default_rng(SEED))
        return getattr(basic, name)(*parameters, **fields, rng=rng, return_next_rng=True)[1]

    return call


def row(name, args, reference, shapes=None, words="", **fields):
    n = len(args)
    shapes = shapes or [arrays(*((3, 4),) * n, also=[((0, 4),) * n]), arrays(*((),) * n)]
    return Row(
        f"{NAMES}.basic:{name} {words}", tuple(args),
        lambda *a: reference(np.random.default_rng(SEED), *a), _draw(name, **fields), shapes=shapes,
        gradient="draws have none", dtype="float64 or int64, whatever the parameters",
        also=f"{NAMES}:{name}" if name != "rayleigh" else "",
    )  # fmt: skip


def numpy(name, *args, **fields):
    return row(name, args, lambda rng, *a: getattr(rng, name)(*a), **fields)


def scipy(name, dist, *args, order=lambda *a: (a, {})):
    """`order` makes SciPy's arguments of ours."""

    def reference(rng, *parameters):
        first, named = order(*parameters)
        shape = np.broadcast(*parameters).shape
        return dist.rvs(*first, **named, size=shape, random_state=rng)

    return row(name, args, reference)


def _probabilities(rng, dtype, shape):
    return rng.dirichlet(np.ones(shape[-1]), size=shape[:-1]).astype(dtype)


def _covariance(rng, dtype, shape):
    a = rng.normal(size=shape)
    return (a @ a.T + np.eye(shape[-1])).astype(dtype)


ROWS = [
    numpy("uniform", ANY, real(3, 4)), numpy("normal", ANY, POSITIVE), numpy("lognormal", ANY, SHARE),
    numpy("triangular", real(-2, -1), SHARE, real(2, 3)), numpy("beta", POSITIVE, POSITIVE),
    numpy("exponential", POSITIVE), numpy("weibull", POSITIVE), numpy("logistic", ANY, POSITIVE),
    numpy("vonmises", ANY, POSITIVE), numpy("wald", POSITIVE, POSITIVE), numpy("laplace", ANY, POSITIVE),
    numpy("poisson", POSITIVE), numpy("geometric", SHARE), numpy("binomial", COUNT, SHARE),
    numpy("negative_binomial", COUNT, SHARE), numpy("hypergeometric", COUNT, COUNT, integer(1, 1)),
    numpy("integers", integer(-5, 0), integer(1, 9)), numpy("chisquare", POSITIVE),
    numpy("rayleigh", POSITIVE),
    row("gamma", (POSITIVE, POSITIVE), lambda rng, a, rate: rng.gamma(a, 1 / rate.astype("float64"))),
    scipy("halfnormal", st.halfnorm, ANY, POSITIVE), scipy("gumbel", st.gumbel_r, ANY, POSITIVE),
    scipy("cauchy", st.cauchy, ANY, POSITIVE), scipy("halfcauchy", st.halfcauchy, ANY, POSITIVE),
    scipy("t", st.t, POSITIVE, ANY, POSITIVE), scipy("bernoulli", st.bernoulli, SHARE),
    scipy("pareto", st.pareto, POSITIVE, POSITIVE, order=lambda b, s: ((b,), {"scale": s})),
    scipy("truncexpon", st.truncexpon, POSITIVE, ANY, POSITIVE),
    scipy("betabinom", st.betabinom, COUNT, POSITIVE, POSITIVE),
    row("invgamma", (POSITIVE, POSITIVE), lambda rng, a, s: 1 / rng.gamma(a, 1 / s.astype("float64"))),
    row("dirichlet", (POSITIVE,), lambda rng, a: rng.dirichlet(a), [arrays((4,))]),
    row("multinomial", (COUNT, given(_probabilities)), lambda rng, n, p: rng.multinomial(n, p.astype(float)),
        [arrays((), (4,))]),
    row("multivariate_normal", (ANY, given(_covariance)),
        lambda rng, m, c: rng.multivariate_normal(m, c.astype(float), method="cholesky"),
        [arrays((3,), (3, 3))], method="cholesky"),
    row("permutation", (ANY,), lambda rng, x: rng.permutation(x), [arrays((5,)), arrays((4, 3))]),
    row("categorical", (given(_probabilities),), lambda rng, p: np.int64((p.cumsum() < rng.random()).sum()),
        [arrays((4,))]),
]  # fmt: skip
