"""Every distribution: its numbers are those of NumPy and SciPy, in both backends."""

import numpy as np
import pytest
import scipy.stats as st

import pytensor
import pytensor.tensor as pt
from pytensor.tensor.random import basic
from pytensor.tensor.random.basic import rayleigh

SEED = 123
MODES = ["PY", "C"]
P = np.array([0.2, 0.3, 0.5])
POSITIVE = np.array([0.3, 2.0, 3.0, 4.0])

# Name: (parameters of one draw, of a batch of four), what draws the same numbers by hand.
NUMPY = {
    "uniform": [(-1.0, 2.0), (np.arange(4.0), 5.0)],
    "triangular": [(0.0, 1.0, 3.0), (0.0, 1.0, np.arange(4.0) + 2)],
    "beta": [(0.5, 2.0), (POSITIVE, 0.7)],
    "normal": [(1.0, 2.0), (np.arange(4.0), 0.3)],
    "lognormal": [(1.0, 0.5), (np.arange(4.0), 0.3)],
    "exponential": [(2.0,), (POSITIVE,)],
    "weibull": [(2.0,), (POSITIVE,)],
    "logistic": [(2.0, 3.0), (POSITIVE, 0.3)],
    "vonmises": [(2.0, 3.0), (POSITIVE, 0.3)],
    "wald": [(2.0, 3.0), (POSITIVE, 0.3)],
    "laplace": [(2.0, 3.0), (POSITIVE, 0.3)],
    "poisson": [(2.0,), (np.array([0.3, 2.0, 30.0, 400.0]),)],
    "geometric": [(0.2,), (np.array([0.3, 0.2, 0.9, 0.01]),)],
    "hypergeometric": [(10, 5, 7), (np.array([10, 20, 30, 40]), 5, 7)],
    "binomial": [(20, 0.3), (np.array([3, 4, 50, 600]), 0.3)],
    "negative_binomial": [(20, 0.3), (np.array([3, 4, 50, 600]), 0.3)],
    "integers": [(0, 20), (np.array([1, 4, 50, 60]), 100)],
    "multinomial": [(20, P), (np.array([3, 4, 50, 600]), P)],
}


def rvs(dist):
    def draw(rng, *args, size):
        return dist.rvs(*args, size=size, random_state=rng)

    return draw


SCIPY = {
    "halfnormal": ([(1.0, 2.0), (np.arange(4.0), 0.3)], rvs(st.halfnorm)),
    "gumbel": ([(1.0, 2.0), (np.arange(4.0), 0.3)], rvs(st.gumbel_r)),
    "cauchy": ([(1.0, 2.0), (np.arange(4.0), 0.3)], rvs(st.cauchy)),
    "halfcauchy": ([(1.0, 2.0), (np.arange(4.0), 0.3)], rvs(st.halfcauchy)),
    "pareto": (
        [(2.0, 3.0), (POSITIVE, 0.3)],
        lambda rng, b, s, size: st.pareto.rvs(b, scale=s, size=size, random_state=rng),
    ),
    "truncexpon": ([(2.0, 1.0, 3.0), (POSITIVE, 0.0, 0.3)], rvs(st.truncexpon)),
    "t": ([(2.0, 1.0, 3.0), (POSITIVE, 0.0, 0.3)], rvs(st.t)),
    "bernoulli": ([(0.3,), (np.array([0.3, 0.5, 0.0, 1.0]),)], rvs(st.bernoulli)),
    "betabinom": ([(20, 0.3, 2.0), (np.array([3, 4, 50, 600]), 0.3, POSITIVE)], rvs(st.betabinom)),
    "gengamma": (
        [(2.0, 1.0, 3.0), (POSITIVE, 2.0, 0.3)],
        lambda rng, a, p, s, size: st.gengamma.rvs(a / p, p, scale=s, size=size, random_state=rng),
    ),
    "chisquare": ([(2.0,), (POSITIVE,)], lambda rng, df, size: rng.chisquare(df, size)),
    "invgamma": (
        [(2.0, 3.0), (POSITIVE, 0.3)],
        lambda rng, a, s, size: 1 / rng.gamma(a, 1 / s, size),
    ),
    "gamma": (
        [(2.0, 3.0), (POSITIVE, 0.25)],
        lambda rng, a, rate, size: rng.gamma(a, 1 / rate, size),
    ),
}


def by_numpy(name):
    return lambda rng, *args, size: getattr(rng, name)(*args, size)


CASES = [(n, args, by_numpy(n)) for n, args in NUMPY.items()] + [
    (n, args, f) for n, (args, f) in SCIPY.items()
]


# SciPy computes these with functions of its own: equal up to rounding.
ROUNDED = {"cauchy", "truncexpon", "gengamma", "pareto"}


def same(name, got, wanted):
    if name in ROUNDED:
        return got.shape == np.shape(wanted) and np.allclose(got, wanted, rtol=1e-12)
    return np.array_equal(got, wanted)


def draw(name, args, size, mode=None, **kwargs):
    rng = pt.random.shared_rng(seed=SEED)
    _, x = getattr(rng, name)(*args, size=size, **kwargs)
    value = pytensor.function([], x, mode=mode)()
    assert value.dtype == x.type.dtype
    assert len(x.type.shape) == value.ndim
    assert all(n is None or n == m for n, m in zip(x.type.shape, value.shape, strict=True))
    return value


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name, args, by_hand", CASES, ids=[c[0] for c in CASES])
def test_the_numbers_are_those_drawn_by_hand(name, args, by_hand, mode):
    one, batch = args
    for params, size in [(one, ()), (one, (3, 4)), (batch, (4,)), (batch, (3, 4)), (one, (0, 2))]:
        wanted = by_hand(np.random.default_rng(SEED), *params, size=size)
        assert same(name, draw(name, params, size, mode), wanted), (params, size)
    wanted = by_hand(np.random.default_rng(SEED), *batch, size=(4,))
    assert same(name, draw(name, batch, None, mode), wanted)


@pytest.mark.parametrize("name, args, by_hand", CASES, ids=[c[0] for c in CASES])
def test_sizes_may_be_symbolic(name, args, by_hand):
    n = pt.lscalar("n")
    rng = pt.random.shared_rng(seed=SEED)
    _, x = getattr(rng, name)(*args[1], size=(n, 4))
    f = pytensor.function([n], [x, x.shape])
    for length in (3, 0):
        value, shape = f(length)
        wanted = by_hand(np.random.default_rng(SEED), *args[1], size=(length, 4))
        assert same(name, value, np.asarray(wanted))
        assert tuple(shape) == value.shape


@pytest.mark.parametrize("name", [n for n, *_ in CASES])
def test_shapes_are_known_without_drawing(name):
    args = {n: a for n, a, _ in CASES}[name][1]
    params = [pt.vector(dtype=np.asarray(a).dtype) for a in args]
    rng = pt.random.shared_rng(seed=SEED)
    _, x = getattr(rng, name)(*params)
    f = pytensor.function(params, x.shape, on_unused_input="ignore")
    assert not any(isinstance(node.op, basic.RandomVariable) for node in f.maker.fgraph.apply_nodes)
    assert f(*[np.resize(a, 3 if name == "multinomial" and a is P else 4) for a in args]).tolist()[
        :1
    ] == [4]


FLOATS = [
    n for n, *_ in CASES if np.asarray(draw(n, {m: a for m, a, _ in CASES}[n][0], 2)).dtype == "f8"
]


@pytest.mark.parametrize("name", FLOATS)
def test_float32_is_the_float64_draw_rounded(name):
    one = {n: a for n, a, _ in CASES}[name][0]
    double = draw(name, one, (5,))
    with pytensor.config.change_flags(floatX="float32"):
        single = draw(name, one, (5,))
    assert single.dtype == "float32"
    assert np.array_equal(single, double.astype("float32"))


@pytest.mark.parametrize("mode", MODES)
def test_integers_of_other_types(mode):
    for dtype in ("int8", "uint8", "int16", "uint32", "uint64", "bool"):
        high = 2 if dtype == "bool" else 100
        got = draw("integers", (0, high), (50,), mode, dtype=dtype)
        kwargs = {"dtype": dtype} if dtype == "uint64" else {}
        wanted = np.random.default_rng(SEED).integers(0, high, 50, **kwargs)
        assert got.dtype == dtype
        assert np.array_equal(got, wanted)
    assert draw("integers", (7,), (500,)).max() == 6
    with pytest.raises(ValueError, match="high is out of bounds for int8"):
        draw("integers", (0, 300), 3, dtype="int8")


def test_dtype_may_change_within_its_kind():
    rng = pt.random.rng()
    for name, args, dtype in [("normal", (), "float32"), ("poisson", (2.0,), "int32")]:
        assert (
            getattr(basic, name)(*args, rng=rng, dtype=dtype, return_next_rng=True)[1].dtype
            == dtype
        )
    with pytest.raises(ValueError, match="Cannot change the dtype of a normal RV"):
        basic.normal(rng=rng, dtype="int32", return_next_rng=True)
    with pytest.raises(ValueError, match="Cannot change the dtype of a bernoulli RV"):
        basic.bernoulli(0.5, rng=rng, dtype="float64", return_next_rng=True)


def test_rayleigh_and_standard_normal():
    rng = pt.random.shared_rng(seed=SEED)
    _, x = rayleigh(2.0, size=4, rng=rng, return_next_rng=True)
    wanted = np.sqrt(np.random.default_rng(SEED).chisquare(2.0, 4)) * 2
    assert np.allclose(x.eval(), wanted, rtol=1e-14)
    _, x = rayleigh(np.array([1.0, 2.0]), rng=rng, return_next_rng=True)
    assert x.type.shape == (2,)
    wanted = np.random.default_rng(SEED).standard_normal((2, 3))
    assert np.array_equal(draw("standard_normal", (), (2, 3)), wanted)
    assert np.array_equal(draw("standard_normal", (), None), wanted[0, 0])


def test_gamma_wants_rate_or_scale():
    rng = pt.random.rng()
    with pytest.raises(ValueError, match="Must specify scale"):
        rng.gamma(1.0)
    with pytest.raises(ValueError, match="Cannot specify both"):
        rng.gamma(1.0, rate=1.0, scale=1.0)
    with pytest.raises(TypeError, match="unknown argument 'sizes'"):
        rng.gamma(1.0, rate=1.0, sizes=3)


# Mean and variance of the distributions that NumPy has no method for.
MOMENTS = {
    "halfnormal": ((1.0, 2.0), st.halfnorm(1.0, 2.0)),
    "gumbel": ((1.0, 2.0), st.gumbel_r(1.0, 2.0)),
    "pareto": ((5.0, 2.0), st.pareto(5.0, scale=2.0)),
    "truncexpon": ((2.0, 1.0, 3.0), st.truncexpon(2.0, 1.0, 3.0)),
    "invgamma": ((6.0, 2.0), st.invgamma(6.0, scale=2.0)),
    "gengamma": ((3.0, 2.0, 1.5), st.gengamma(1.5, 2.0, scale=1.5)),
    "betabinom": ((10, 2.0, 3.0), st.betabinom(10, 2.0, 3.0)),
    "t": ((6.0, 1.0, 2.0), st.t(6.0, 1.0, 2.0)),
    "bernoulli": ((0.3,), st.bernoulli(0.3)),
    "cauchy": ((1.0, 2.0), st.cauchy(1.0, 2.0)),
    "halfcauchy": ((1.0, 2.0), st.halfcauchy(1.0, 2.0)),
}


@pytest.mark.parametrize("name", MOMENTS)
def test_the_distribution_is_the_one_it_says(name):
    args, dist = MOMENTS[name]
    x = draw(name, args, 20_000)
    if x.dtype.kind == "f":
        assert st.kstest(x, dist.cdf).pvalue > 1e-3
    else:
        assert abs(x.mean() - dist.mean()) < 5 * dist.std() / np.sqrt(x.size)
        assert np.isclose(x.var(), dist.var(), rtol=0.1)


def test_every_distribution_is_drawn_in_this_directory():
    special = {"categorical", "dirichlet", "multivariate_normal", "choice", "permutation"}
    tested = {n for n, *_ in CASES} | special | {"nbinom", "standard_normal"}
    assert tested == set(basic.__all__)
    assert basic.nbinom is basic.negative_binomial
