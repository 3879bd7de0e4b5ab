"""Special functions against SciPy."""

import numpy as np
import scipy.special as sp
from op_rows import Row, arrays, deprecated, integer, real

import pytensor.tensor as pt

ORDER = "no elementary derivative by the order"


def one(names, low, high, **fields):
    return [Row(n, (real(low, high),), getattr(sp, n), **fields) for n in names.split()]


UNARY = [
    *one("erf erfc erfcx", -2, 2),
    Row("erf complex", (real(-1, 1),), sp.erf, dtypes="c", gradient="real gradients only"),
    *one("erfinv", -0.9, 0.9),
    *one("erfcinv", 0.1, 1.9),
    *one("gamma gammaln psi", 0.3, 5),
    *one("digamma", 0.3, 5),
    Row("gamma negative", (real(-3.8, -3.2),), sp.gamma),
    Row("psi negative", (real(-3.8, -3.2),), sp.psi),
    Row("tri_gamma", (real(0.3, 5),), lambda x: sp.polygamma(1, x).astype(x.dtype)),
    Row("tri_gamma far left", (real(-80.8, -80.2),), lambda x: minus_trigamma(x), rtol=1e-7),
    Row("tri_gamma negative", (real(-3.8, -3.2),), lambda x: minus_trigamma(x)),
    *one("j0 j1 i0 i1", -4, 4),
    *one("ndtri_exp", -4, -0.1),
    Row("pytensor.tensor.special:logit", (real(0.1, 0.9),), sp.logit),
    Row("pytensor.tensor.special:factorial", (real(0.3, 5),), lambda x: sp.gamma(x + 1)),
    Row("pytensor.tensor.special:gamma", (real(0.3, 5),), sp.gamma),
    Row("pytensor.tensor.special:gammaln", (real(0.3, 5),), sp.gammaln),
]


def minus_trigamma(x):
    """Second derivative of log-gamma left of zero, by reflection; SciPy's is for positive numbers."""
    y = x.astype("float64")
    return (-sp.polygamma(1, 1 - y) + (np.pi / np.sin(np.pi * y)) ** 2).astype(x.dtype)


BINARY = [
    Row("polygamma", (integer(0, 3), real(0.5, 4)), lambda n, x: sp.polygamma(n, x).astype(x.dtype),
        wrt=(1,), dtype="float64 with an int64 order", shapes=[arrays((3, 4), (3, 4))]),
    Row("polygamma far left", (integer(0, 3), real(-80.8, -80.2)),
        lambda n, x: sp.polygamma(n, x).astype(x.dtype), wrt=(1,), shapes=[arrays((3, 4), (3, 4))],
        rtol=1e-7),
    Row("gammainc", (real(0.5, 4), real(0.1, 5)), sp.gammainc),
    Row("gammaincc", (real(0.5, 4), real(0.1, 5)), sp.gammaincc),
    Row("gammal", (real(0.5, 4), real(0.1, 5)), lambda k, x: sp.gammainc(k, x) * sp.gamma(k)),
    Row("gammau", (real(0.5, 4), real(0.1, 5)), lambda k, x: sp.gammaincc(k, x) * sp.gamma(k)),
    Row("chi2sf", (real(0.5, 4), real(1, 5)), lambda x, k: sp.chdtrc(k, x), deprecated("chi2sf")),
    Row("gammaincinv", (real(0.5, 4), real(0.1, 0.9)), sp.gammaincinv),
    Row("gammainccinv", (real(0.5, 4), real(0.1, 0.9)), sp.gammainccinv),
    Row("owens_t", (real(-2, 2), real(-2, 2)), sp.owens_t),
    Row("jv", (real(0.5, 3), real(0.5, 4)), sp.jv, wrt=(1,)),
    Row("iv", (real(0.5, 3), real(0.5, 4)), sp.iv, wrt=(1,)),
    Row("ive", (real(0.5, 3), real(0.5, 4)), sp.ive, wrt=(1,)),
    Row("kv", (real(0.5, 3), real(0.5, 4)), sp.kv, wrt=(1,)),
    Row("kve", (real(0.5, 3), real(0.5, 4)), sp.kve, wrt=(1,)),
    Row("kn", (integer(0, 3), real(0.5, 4)), sp.kn, wrt=(1,), dtype="float64 with an int64 order"),
    *[Row(f"pytensor.tensor.special:{name}", (real(0.5, 3), real(0.5, 3)), getattr(sp, name))
      for name in ("poch", "beta", "betaln", "xlogy", "xlog1py")],
    Row("pytensor.tensor.special:logaddexp", (real(), real()), np.logaddexp),
]  # fmt: skip
MORE = [
    Row("betainc", (real(0.5, 3), real(0.5, 3), real(0.1, 0.9)), sp.betainc),
    Row("betaincinv", (real(0.5, 3), real(0.5, 3), real(0.1, 0.9)), sp.betaincinv),
    Row("hyp2f1", (real(0.5, 2), real(0.5, 2), real(2.5, 4), real(-0.7, 0.7)), sp.hyp2f1,
        gradient_rtol=2e-5),
]  # fmt: skip

ALONG = [
    Row(f"pytensor.tensor.special:{name} axis {axis}", (real(),),
        lambda x, name=name, axis=axis: getattr(sp, name)(x, axis=axis),
        lambda x, name=name, axis=axis: getattr(pt.special, name)(x, axis=axis),
        shapes=[arrays((3, 4), also=[((1, 1),)]), arrays((2, 3, 2))])
    for name in ("softmax", "log_softmax")
    for axis in (None, 0, -1, (0, 1))
]  # fmt: skip
SUMS = [
    Row(f"logsumexp axis {axis} {keep}", (real(),),
        lambda x, axis=axis, keep=keep: sp.logsumexp(x, axis=axis, keepdims=keep),
        lambda x, axis=axis, keep=keep: pt.logsumexp(x, axis=axis, keepdims=keep),
        shapes=[arrays((3, 4))], also="pytensor.tensor.special:logsumexp")
    for axis in (None, 0, -1, (0, 1))
    for keep in (False, True)
]  # fmt: skip
ROWS = [*UNARY, *BINARY, *MORE, *ALONG, *SUMS]
