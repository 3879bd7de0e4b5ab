"""Distributions of integers."""

from __future__ import annotations

import numpy as np

from pytensor.tensor.random._scipy import ShapeCheckedRV
from pytensor.tensor.random.op import RandomVariable


class BernoulliRV(ShapeCheckedRV):
    r"""Draws of 1 with probability `p`, else 0.

    .. math::

        P(1) = p, \quad P(0) = 1 - p

    Parameters
    ----------
    p : array-like
        Probability.
    size : None, int, or sequence
        Shape of the batch of draws; None: that of the parameters.

    Raises
    ------
    ValueError
        If `p` is not in [0, 1].

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> next_rng, x = pt.random.shared_rng(seed=1).bernoulli(0.3, size=(2, 3))
    >>> x.type.shape
    (2, 3)
    """

    name = "bernoulli"
    signature = "()->()"
    dtype = "int64"
    _print_name = ("Bernoulli", "\\operatorname{Bernoulli}")

    def __call__(self, p, size=None, **kwargs):
        return super().__call__(p, size=size, **kwargs)

    def check(self, p):
        self.require_probability(0, p)

    def draw(self, rng, p, size):
        return rng.binomial(1, p, size)


bernoulli = BernoulliRV()


class BinomialRV(RandomVariable):
    r"""Draws of the number of successes in `n` trials.

    .. math::

        P(k) = \binom{n}{k} p^k (1 - p)^{n - k}

    Parameters
    ----------
    n : array-like
        Number of trials, at least 0.
    p : array-like
        Probability of success.
    size : None, int, or sequence
        Shape of the batch of draws; None: that of the parameters.

    Raises
    ------
    ValueError
        If `n` is negative or `p` not in [0, 1].

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> next_rng, x = pt.random.shared_rng(seed=1).binomial(20, 0.3, size=(2, 3))
    >>> x.type.shape
    (2, 3)
    """

    name = "binomial"
    signature = "(),()->()"
    dtype = "int64"
    _print_name = ("Binomial", "\\operatorname{Binomial}")

    def __call__(self, n, p, size=None, **kwargs):
        return super().__call__(n, p, size=size, **kwargs)


binomial = BinomialRV()


class NegBinomialRV(RandomVariable):
    r"""Draws of the number of failures before `n` successes.

    .. math::

        P(k) = \frac{\Gamma(k + n)}{k!\, \Gamma(n)} p^n (1 - p)^k

    Parameters
    ----------
    n : array-like
        Number of successes, positive, need not be an integer.
    p : array-like
        Probability of success, positive.
    size : None, int, or sequence
        Shape of the batch of draws; None: that of the parameters.

    Raises
    ------
    ValueError
        If `n` is not positive or `p` not in (0, 1].

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> next_rng, x = pt.random.shared_rng(seed=1).nbinom(5, 0.3, size=(2, 3))
    >>> x.type.shape
    (2, 3)
    """

    name = "negative_binomial"
    signature = "(),()->()"
    dtype = "int64"
    _print_name = ("NegativeBinomial", "\\operatorname{NegativeBinomial}")

    def __call__(self, n, p, size=None, **kwargs):
        return super().__call__(n, p, size=size, **kwargs)


nbinom = NegBinomialRV()
negative_binomial = nbinom


class BetaBinomialRV(ShapeCheckedRV):
    r"""Draws from a binomial distribution whose probability is drawn from a beta distribution.

    .. math::

        P(k) = \binom{n}{k} \frac{B(k + a, n - k + b)}{B(a, b)}

    Parameters
    ----------
    n : array-like
        Number of trials, at least 0.
    a : array-like
        First shape of the beta distribution, positive.
    b : array-like
        Second shape of the beta distribution, positive.
    size : None, int, or sequence
        Shape of the batch of draws; None: that of the parameters.

    Raises
    ------
    ValueError
        If `n` is negative or a shape not positive.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> next_rng, x = pt.random.shared_rng(seed=1).betabinom(20, 0.5, 2.0, size=(2, 3))
    >>> x.type.shape
    (2, 3)
    """

    name = "beta_binomial"
    signature = "(),(),()->()"
    dtype = "int64"
    _print_name = ("BetaBinomial", "\\operatorname{BetaBinomial}")

    def __call__(self, n, a, b, size=None, **kwargs):
        return super().__call__(n, a, b, size=size, **kwargs)

    def check(self, n, a, b):
        self.require_not_negative(0, n)
        self.require_positive(1, a)
        self.require_positive(2, b)

    def draw(self, rng, n, a, b, size):
        return rng.binomial(n, rng.beta(a, b, size), size)


betabinom = BetaBinomialRV()


class PoissonRV(RandomVariable):
    r"""Draws from the Poisson distribution.

    .. math::

        P(k) = \frac{e^{-\lambda} \lambda^k}{k!}

    Parameters
    ----------
    lam : array-like
        Mean :math:`\lambda`, at least 0.
    size : None, int, or sequence
        Shape of the batch of draws; None: that of the parameters.

    Raises
    ------
    ValueError
        If `lam` is negative or too large.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> next_rng, x = pt.random.shared_rng(seed=1).poisson(2.0, size=(2, 3))
    >>> x.type.shape
    (2, 3)
    """

    name = "poisson"
    signature = "()->()"
    dtype = "int64"
    _print_name = ("Poisson", "\\operatorname{Poisson}")

    def __call__(self, lam=1.0, size=None, **kwargs):
        return super().__call__(lam, size=size, **kwargs)


poisson = PoissonRV()


class GeometricRV(RandomVariable):
    r"""Draws of the number of trials up to the first success.

    .. math::

        P(k) = p (1 - p)^{k - 1}, \quad k \ge 1

    Parameters
    ----------
    p : array-like
        Probability of success, positive.
    size : None, int, or sequence
        Shape of the batch of draws; None: that of the parameters.

    Raises
    ------
    ValueError
        If `p` is not in (0, 1].

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> next_rng, x = pt.random.shared_rng(seed=1).geometric(0.3, size=(2, 3))
    >>> x.type.shape
    (2, 3)
    """

    name = "geometric"
    signature = "()->()"
    dtype = "int64"
    _print_name = ("Geometric", "\\operatorname{Geometric}")

    def __call__(self, p, size=None, **kwargs):
        return super().__call__(p, size=size, **kwargs)


geometric = GeometricRV()


class HyperGeometricRV(RandomVariable):
    r"""Draws of the number of good ones among `nsample` taken from ``ngood + nbad``.

    .. math::

        P(k) = \binom{ngood}{k} \binom{nbad}{nsample - k} \Big/ \binom{ngood + nbad}{nsample}

    Parameters
    ----------
    ngood : array-like
        Number of good ones, at least 0.
    nbad : array-like
        Number of bad ones, at least 0.
    nsample : array-like
        How many are taken, at most all.
    size : None, int, or sequence
        Shape of the batch of draws; None: that of the parameters.

    Raises
    ------
    ValueError
        If a number is negative or `nsample` too large.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> next_rng, x = pt.random.shared_rng(seed=1).hypergeometric(10, 5, 7, size=(2, 3))
    >>> x.type.shape
    (2, 3)
    """

    name = "hypergeometric"
    signature = "(),(),()->()"
    dtype = "int64"
    _print_name = ("HyperGeometric", "\\operatorname{HyperGeometric}")

    def __call__(self, ngood, nbad, nsample, size=None, **kwargs):
        return super().__call__(ngood, nbad, nsample, size=size, **kwargs)


hypergeometric = HyperGeometricRV()


class IntegersRV(RandomVariable):
    r"""Draws integers from ``low, ..., high - 1``, each with the same probability.

    .. math::

        P(k) = \frac{1}{high - low}

    Parameters
    ----------
    low : array-like
        Smallest integer; without `high` that is 0, and this the end.
    high : array-like
        One more than the largest integer.
    size : None, int, or sequence
        Shape of the batch of draws; None: that of the parameters.

    Raises
    ------
    ValueError
        If ``low >= high``, or the dtype does not hold the integers.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> next_rng, x = pt.random.shared_rng(seed=1).integers(0, 20, size=(2, 3))
    >>> x.type.shape
    (2, 3)
    """

    name = "integers"
    signature = "(),()->()"
    dtype = "int64"
    _print_name = ("integers", "\\operatorname{integers}")

    def __call__(self, low, high=None, size=None, **kwargs):
        if high is None:
            low, high = 0, low
        return super().__call__(low, high, size=size, **kwargs)

    def rng_fn(self, rng, low, high, size):
        if size:
            low, high = (p.reshape(()) if p.size == 1 else p for p in (low, high))
        if self.dtype in ("int64", "uint64"):
            return rng.integers(low, high, size, dtype=self.dtype)
        # Small types are drawn as int64: the same numbers, whatever type they are wanted in.
        most = 1 if self.dtype == "bool" else np.iinfo(self.dtype).max
        least = 0 if self.dtype == "bool" else np.iinfo(self.dtype).min
        for name, values, bounds in (
            ("low", low, (least, most)),
            ("high", high, (least, most + 1)),
        ):
            if values.size and (values.min() < bounds[0] or values.max() > bounds[1]):
                raise ValueError(f"[{self.name}] {name} is out of bounds for {self.dtype}")
        return rng.integers(low, high, size)


integers = IntegersRV()
