"""Models of PyMC, where it is installed, on this package: fits end to end.

PyMC asks for a package called `pytensor`: this one has to be what is imported, which `python -m
pytest` in the root of the repository does.
"""

import pickle

import numpy as np
import pytest

import pytensor
import pytensor.tensor as pt
from pytensor.link.c.lower import LAZY_PYTHON, PYTHON

pm = pytest.importorskip("pymc", exc_type=ImportError)

pytestmark = pytest.mark.filterwarnings("ignore")  # its own, of what it deprecates
QUIET = dict(progressbar=False, random_seed=1)
SAMPLE = dict(QUIET, chains=1, cores=1, compute_convergence_checks=False)


def gradient_matches(model):
    """Check the gradient of log p at a point near the initial one; no step of it is Python."""
    f = model.logp_dlogp_function(ravel_inputs=True)
    f.set_extra_values({})
    start = model.initial_point(0)
    n = sum(np.size(start[v.name]) for v in model.value_vars)
    rng = np.random.default_rng(0)
    x, direction = 0.3 * rng.normal(size=n), rng.normal(size=n)
    step = 1e-6 * direction
    slope = (f(x + step)[0] - f(x - step)[0]) / 2e-6
    np.testing.assert_allclose(f(x)[1] @ direction, slope, rtol=1e-5)
    program = f._pytensor_function.vm
    if hasattr(program, "tables"):  # in C
        kinds = np.frombuffer(program.tables["steps"], dtype=np.int32).reshape(-1, 6)[:, 0]
        steps = zip(program.step_nodes, kinds, strict=True)
        assert [node for node, kind in steps if node and kind in (PYTHON, LAZY_PYTHON)] == []
    return f


def hierarchical():
    rng = np.random.default_rng(3)
    group, x = rng.integers(0, 5, 60), rng.normal(size=60)
    y = np.arange(5.0)[group] + 0.5 * x + 0.1 * rng.normal(size=60)
    with pm.Model(coords={"group": np.arange(5)}) as model:
        which, x = pm.Data("which", group), pm.Data("x", x)
        mu, tau = pm.Normal("mu", 0, 5), pm.HalfNormal("tau", 3)
        z = pm.Normal("z", dims="group")
        level = pm.Deterministic("level", mu + tau * z, dims="group")
        slope, sigma = pm.Normal("slope"), pm.HalfCauchy("sigma", 1)
        pm.Normal("y", level[which] + slope * x, sigma, observed=y, shape=x.shape)
    return model


def test_hierarchical_model():
    with hierarchical() as model:
        f = gradient_matches(model)._pytensor_function
        again, point = pickle.loads(pickle.dumps(f)), np.zeros(9)
        np.testing.assert_array_equal(again(point)[1], f(point)[1])
        best = pm.find_MAP(progressbar=False)
        np.testing.assert_allclose(best["level"], np.arange(5.0), atol=0.1)
        found = pm.sample(100, tune=200, **SAMPLE)
        np.testing.assert_allclose(
            found.posterior["level"].mean(("chain", "draw")), np.arange(5.0), atol=0.15
        )
        pm.set_data({"which": np.array([4, 0]), "x": np.zeros(2)})
        new = pm.sample_posterior_predictive(found, **QUIET).posterior_predictive["y"]
        np.testing.assert_allclose(new.mean(("chain", "draw")), [4.0, 0.0], atol=0.2)


def test_gaussian_process():
    x = np.linspace(0, 1, 12)[:, None]
    with pm.Model() as model:
        scale = pm.Gamma("scale", 2, 1)
        gp = pm.gp.Marginal(cov_func=pm.gp.cov.Matern52(1, scale))
        gp.marginal_likelihood("y", X=x, y=np.sin(6 * x[:, 0]), sigma=0.1)
        gradient_matches(model)
        mean, var = gp.predict(x, point={"scale": 0.5}, diag=True)
    np.testing.assert_allclose(mean, np.sin(6 * x[:, 0]), atol=0.1)
    assert (var > 0).all()


def test_loops_of_random_variables():
    y = np.sin(np.arange(12.0))
    with pm.Model() as model:
        rho, sigma = pm.Normal("rho", 0, 0.5, shape=2), pm.HalfNormal("sigma")
        pm.AR("ar", rho, sigma, init_dist=pm.Normal.dist(0, 1), observed=y)
        pm.AR("ar1", rho[:1], sigma, init_dist=pm.Normal.dist(0, 1), shape=(2, 4))
        pm.GARCH11("g", omega=sigma, alpha_1=0.2, beta_1=0.3, initial_vol=1.0, observed=y)

        def walk(mu, n, size):
            def step(before, mu):
                new = pm.Normal.dist(before * mu, 1.0)
                return new, pm.pytensorf.collect_default_updates([new])

            return pytensor.scan(step, outputs_info=[pt.zeros(())], non_sequences=[mu], n_steps=n)[
                0
            ]

        pm.CustomDist("walk", rho[0], 4, dist=walk, shape=(4,))
        gradient_matches(model)
    assert pm.draw(model["walk"], draws=3, random_seed=1).shape == (3, 4)


def test_mixtures_truncation_and_missing_values():
    seen = np.ma.masked_array(np.arange(6.0).reshape(2, 3), mask=[[0, 1, 0], [1, 1, 0]])
    with pm.Model() as model:
        w, mu = pm.Dirichlet("w", np.ones((4, 2))), pm.Normal("mu", [0.0, 1.0, 2.0])
        parts = [pm.Normal.dist(mu[0], 1.0, shape=4), pm.StudentT.dist(nu=3, mu=mu[1], sigma=1)]
        pm.Mixture("mixed", w, parts, observed=np.arange(4.0))
        pm.Truncated("cut", pm.Gamma.dist(2, pm.math.exp(mu)), lower=0.5, upper=3)
        pm.Censored("top", pm.Normal.dist(mu, 1.0), lower=None, upper=1.0, observed=[0.0, 1.0, 0.5])
        pm.Normal("part", mu, 1.0, observed=seen)
        gradient_matches(model)
        draws = pm.draw([model["part"], model["cut"]], draws=20, random_seed=1)
    assert (draws[0][:, ~seen.mask] != seen.data[~seen.mask]).any()
    assert draws[1].min() >= 0.5 and draws[1].max() <= 3


def test_variational_inference():
    data = np.random.default_rng(1).normal(2.0, 0.5, size=500)
    with pm.Model():
        batch = pm.Minibatch(data, batch_size=50)
        mu, sigma = pm.Normal("mu"), pm.HalfNormal("sigma")
        pm.Normal("y", mu, sigma, observed=batch, total_size=500)
        fit = pm.fit(2000, obj_optimizer=pm.adam(learning_rate=0.02), **QUIET)
    found = fit.sample(200, random_seed=1).posterior
    np.testing.assert_allclose(found["mu"].mean(), 2.0, atol=0.2)
    np.testing.assert_allclose(found["sigma"].mean(), 0.5, atol=0.2)


def test_discrete_and_continuous_steps():
    with pm.Model():
        k, a = pm.Poisson("k", 3), pm.Normal("a")
        pm.Normal("y", a + k, 0.5, observed=[6.0, 6.2])
        found = pm.sample(200, tune=200, **SAMPLE).posterior
    np.testing.assert_allclose((found["k"] + found["a"]).mean(), 6.0, atol=0.4)
