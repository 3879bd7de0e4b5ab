"""Vectors, positions, and draws from given values: one by one as NumPy does it."""

import numpy as np
import pytest

import pytensor
import pytensor.tensor as pt
from pytensor.tensor.random import basic

MODES = ["PY", "C"]
P = np.random.default_rng(5).dirichlet(np.ones(4), 3)


def draw(name, *args, mode=None, seed=1, **kwargs):
    rng = pt.random.shared_rng(seed=seed)
    _, x = getattr(rng, name)(*args, **kwargs)
    value = pytensor.function([], x, mode=mode)()
    assert value.dtype == x.type.dtype
    assert all(n is None or n == m for n, m in zip(x.type.shape, value.shape, strict=True))
    return value


@pytest.fixture(params=MODES)
def mode(request):
    return request.param


@pytest.mark.parametrize("method", ["cholesky", "svd", "eigh"])
def test_normal_vectors(method, mode):
    mean, cov = np.array([1.0, 2.0]), np.array([[2.0, 0.5], [0.5, 1.0]])
    for size in (None, 3, (2, 3), 0):
        by_hand = np.random.default_rng(1).multivariate_normal(mean, cov, size, method=method)
        got = draw("multivariate_normal", mean, cov, size=size, method=method, mode=mode)
        assert got.shape == by_hand.shape
        assert np.allclose(got, by_hand, rtol=1e-13)
    covs = np.stack([cov, 4 * cov, np.eye(2)])
    rng = np.random.default_rng(1)
    by_hand = [rng.multivariate_normal(mean, c, method=method) for c in covs]
    assert np.allclose(draw("multivariate_normal", mean, covs, method=method, mode=mode), by_hand)
    rng = np.random.default_rng(1)
    by_hand = [
        [rng.multivariate_normal(m, cov, method=method) for m in np.eye(2)] for _ in range(3)
    ]
    got = draw("multivariate_normal", np.eye(2), cov, size=(3, 2), method=method, mode=mode)
    assert np.allclose(got, by_hand)


def test_singular_covariances():
    cov = np.ones((3, 3))
    for method in ("svd", "eigh"):
        x = draw("multivariate_normal", np.zeros(3), cov, size=50, method=method)
        assert np.allclose(x, x[:, :1], atol=1e-6)
        assert x[:, 0].std() > 0.5


def test_covariances_of_draws():
    cov = np.array([[2.0, 0.5, 0.0], [0.5, 1.0, -0.3], [0.0, -0.3, 0.7]])
    for method in ("cholesky", "svd", "eigh"):
        x = draw("multivariate_normal", np.arange(3.0), cov, size=20_000, method=method)
        assert np.allclose(np.cov(x.T), cov, atol=0.07)
        assert np.allclose(x.mean(0), np.arange(3.0), atol=0.05)


@pytest.mark.parametrize("n", [3, 20])
def test_dirichlet(n, mode):
    alphas = np.random.default_rng(3).uniform(0.2, 3, (5, n))
    for size in (None, 4, (2, 3)):
        by_hand = np.random.default_rng(1).dirichlet(alphas[0], size)
        assert np.array_equal(draw("dirichlet", alphas[0], size=size, mode=mode), by_hand)
    for size, repeats in ((None, 1), ((2, 5), 2)):
        rng = np.random.default_rng(1)
        by_hand = np.array([[rng.dirichlet(a) for a in alphas] for _ in range(repeats)])
        got = draw("dirichlet", alphas, size=size, mode=mode)
        assert np.array_equal(got, by_hand.reshape(got.shape))
    # NumPy has another method for small ones.
    small = alphas / 100
    rng = np.random.default_rng(1)
    assert np.array_equal(draw("dirichlet", small, mode=mode), [rng.dirichlet(a) for a in small])


def test_multinomial(mode):
    rng = np.random.default_rng(1)
    by_hand = [rng.multinomial(n, p) for n, p in zip([3, 40, 0], P)]
    assert np.array_equal(draw("multinomial", np.array([3, 40, 0]), P, mode=mode), by_hand)
    rng = np.random.default_rng(1)
    by_hand = [[rng.multinomial(10, p) for p in P] for _ in range(2)]
    assert np.array_equal(draw("multinomial", 10, P, size=(2, 3), mode=mode), by_hand)
    single = draw("multinomial", 10, P.astype("float32"), mode=mode)
    assert (single.sum(-1) == 10).all()


@pytest.mark.parametrize("k", [1, 2, 5, 300])
def test_categorical(k, mode):
    p = np.random.default_rng(2).dirichlet(np.ones(k), (2, 3))
    u = np.random.default_rng(1).uniform(size=(2, 3))
    by_hand = [
        np.searchsorted(np.cumsum(row)[:-1], x) for row, x in zip(p.reshape(6, k), u.ravel())
    ]
    assert np.array_equal(draw("categorical", p, mode=mode).ravel(), by_hand)
    u = np.random.default_rng(1).uniform(size=(4, 2))
    by_hand = np.searchsorted(np.cumsum(p[0, 0])[:-1], u)
    assert np.array_equal(draw("categorical", p[0, 0], size=(4, 2), mode=mode), by_hand)
    assert draw("categorical", p[0, 0], mode=mode).shape == ()


def test_frequencies_of_categories():
    p = np.array([0.1, 0.0, 0.6, 0.3])
    counts = np.bincount(draw("categorical", p, size=20_000), minlength=4)
    assert counts[1] == 0
    assert np.allclose(counts / 20_000, p, atol=0.02)
    assert draw("categorical", p.astype("float32"), size=50).max() <= 3


def test_permutation(mode):
    assert np.array_equal(
        draw("permutation", 5, mode=mode), np.random.default_rng(1).permutation(5)
    )
    x = np.arange(12.0).reshape(4, 3)
    assert np.array_equal(
        draw("permutation", x, mode=mode), np.random.default_rng(1).permutation(x)
    )
    rng = np.random.default_rng(1)
    by_hand = [rng.permutation(x) for _ in range(3)]
    assert np.array_equal(draw("permutation", x, size=3, mode=mode), by_hand)
    rng = np.random.default_rng(1)
    assert np.array_equal(
        draw("permutation", 5, size=2, mode=mode), [rng.permutation(5) for _ in "ab"]
    )
    n = pt.lscalar("n")
    _, y = pt.random.shared_rng(seed=1).permutation(n)
    f = pytensor.function([n], [y, y.shape], mode=mode)
    assert np.array_equal(f(4)[0], np.random.default_rng(1).permutation(4))
    assert f(3)[1].tolist() == [3]
    with pytest.raises(TypeError, match="must be an integer"):
        pt.random.rng().permutation(2.5)


@pytest.mark.parametrize("a", [7, np.arange(7.0) * 2, np.arange(14.0).reshape(7, 2)], ids=str)
@pytest.mark.parametrize("size", [None, 3, (2, 3)])
def test_choice(a, size, mode):
    p = np.arange(1, 8) / 28
    for replace in (True, False):
        by_hand = np.random.default_rng(1).choice(a, size, replace=replace)
        assert np.array_equal(draw("choice", a, size=size, replace=replace, mode=mode), by_hand)
    by_hand = np.random.default_rng(1).choice(a, size, replace=False, p=p)
    assert np.array_equal(draw("choice", a, size=size, replace=False, p=p, mode=mode), by_hand)
    # With replacement by `categorical`, which compares with cumulated probabilities as NumPy does.
    by_hand = np.random.default_rng(1).choice(a, size, p=p)
    assert np.array_equal(draw("choice", a, size=size, p=p, mode=mode), by_hand)


def test_what_choice_refuses(mode):
    with pytest.raises(ValueError, match="larger sample than population"):
        draw("choice", 3, size=5, replace=False, mode=mode)
    with pytest.raises(ValueError, match=r"\[choice\] p must be a vector"):
        draw("choice", 3, p=[[0.5, 0.5]])
    with pytest.raises(ValueError, match="must have length 3"):
        draw("choice", 3, size=2, p=[0.5, 0.5])
    with pytest.raises(TypeError, match="must be an integer"):
        draw("choice", 2.5)


def test_shapes_of_choices_are_known():
    n, a = pt.lscalar("n"), pt.dmatrix("a")
    _, x = pt.random.shared_rng(seed=1).choice(a, size=(n, 2), replace=False)
    f = pytensor.function([a, n], x.shape)
    assert f(np.zeros((9, 4)), 3).tolist() == [3, 2, 4]
    assert not any(
        isinstance(v.op, basic.ChoiceWithoutReplacement) for v in f.maker.fgraph.apply_nodes
    )
