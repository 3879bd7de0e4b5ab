"""Continuous distributions that `numpy.random.Generator` draws from."""

from __future__ import annotations

import numpy as np

from pytensor.graph.basic import Variable
from pytensor.tensor._convert import as_tensor_variable
from pytensor.tensor.basic import full_like
from pytensor.tensor.math import sqrt
from pytensor.tensor.random.op import RandomVariable


class UniformRV(RandomVariable):
    r"""Uniform draws from ``[low, high)``.

    .. math::

        f(x) = \frac{1}{high - low}

    Parameters
    ----------
    low : array-like
        Lower end.
    high : array-like
        Upper end.
    size : None, int, or sequence
        Shape of the batch of draws; None: that of the parameters.

    Raises
    ------
    ValueError
        If ``high - low`` is negative or not finite.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> next_rng, x = pt.random.shared_rng(seed=1).uniform(-1.0, 1.0, size=(2, 3))
    >>> x.type.shape
    (2, 3)
    """

    name = "uniform"
    signature = "(),()->()"
    dtype = "floatX"
    _print_name = ("Uniform", "\\operatorname{Uniform}")

    def __call__(self, low=0.0, high=1.0, size=None, **kwargs):
        return super().__call__(low, high, size=size, **kwargs)


uniform = UniformRV()


class TriangularRV(RandomVariable):
    r"""Draws with a density that rises linearly to `mode` and falls to `right`.

    .. math::

        f(x) = \frac{2 (x - left)}{(right - left) (mode - left)} \text{ for } x \le mode, \quad \frac{2 (right - x)}{(right - left) (right - mode)} \text{ above}

    Parameters
    ----------
    left : array-like
        Lower end.
    mode : array-like
        Where the density is largest.
    right : array-like
        Upper end.
    size : None, int, or sequence
        Shape of the batch of draws; None: that of the parameters.

    Raises
    ------
    ValueError
        Unless ``left <= mode <= right`` and ``left < right``.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> next_rng, x = pt.random.shared_rng(seed=1).triangular(0.0, 1.0, 3.0, size=(2, 3))
    >>> x.type.shape
    (2, 3)
    """

    name = "triangular"
    signature = "(),(),()->()"
    dtype = "floatX"
    _print_name = ("Triangular", "\\operatorname{Triangular}")

    def __call__(self, left, mode, right, size=None, **kwargs):
        return super().__call__(left, mode, right, size=size, **kwargs)


triangular = TriangularRV()


class BetaRV(RandomVariable):
    r"""Draws from the beta distribution on [0, 1].

    .. math::

        f(x) = \frac{x^{\alpha - 1} (1 - x)^{\beta - 1}}{B(\alpha, \beta)}

    Parameters
    ----------
    alpha : array-like
        First shape, positive.
    beta : array-like
        Second shape, positive.
    size : None, int, or sequence
        Shape of the batch of draws; None: that of the parameters.

    Raises
    ------
    ValueError
        If a shape is not positive.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> next_rng, x = pt.random.shared_rng(seed=1).beta(2.0, 3.0, size=(2, 3))
    >>> x.type.shape
    (2, 3)
    """

    name = "beta"
    signature = "(),()->()"
    dtype = "floatX"
    _print_name = ("Beta", "\\operatorname{Beta}")

    def __call__(self, alpha, beta, size=None, **kwargs):
        return super().__call__(alpha, beta, size=size, **kwargs)


beta = BetaRV()


class NormalRV(RandomVariable):
    r"""Draws from the normal distribution.

    .. math::

        f(x) = \frac{1}{\sqrt{2 \pi} \sigma} e^{-\frac{1}{2} ((x - \mu) / \sigma)^2}

    Parameters
    ----------
    loc : array-like
        Mean :math:`\mu`.
    scale : array-like
        Standard deviation :math:`\sigma`, at least 0.
    size : None, int, or sequence
        Shape of the batch of draws; None: that of the parameters.

    Raises
    ------
    ValueError
        If `scale` is negative.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> next_rng, x = pt.random.shared_rng(seed=1).normal(1.0, 2.0, size=(2, 3))
    >>> x.type.shape
    (2, 3)
    """

    name = "normal"
    signature = "(),()->()"
    dtype = "floatX"
    _print_name = ("Normal", "\\operatorname{Normal}")

    def __call__(self, loc=0.0, scale=1.0, size=None, **kwargs):
        return super().__call__(loc, scale, size=size, **kwargs)


normal = NormalRV()


class LogNormalRV(RandomVariable):
    r"""Draws whose logarithm is normal.

    .. math::

        f(x) = \frac{1}{x \sqrt{2 \pi \sigma^2}} e^{-\frac{(\ln x - \mu)^2}{2 \sigma^2}}

    Parameters
    ----------
    mean : array-like
        Mean of the logarithm.
    sigma : array-like
        Standard deviation of the logarithm, at least 0.
    size : None, int, or sequence
        Shape of the batch of draws; None: that of the parameters.

    Raises
    ------
    ValueError
        If `sigma` is negative.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> next_rng, x = pt.random.shared_rng(seed=1).lognormal(0.0, 0.5, size=(2, 3))
    >>> x.type.shape
    (2, 3)
    """

    name = "lognormal"
    signature = "(),()->()"
    dtype = "floatX"
    _print_name = ("LogNormal", "\\operatorname{LogNormal}")

    def __call__(self, mean=0.0, sigma=1.0, size=None, **kwargs):
        return super().__call__(mean, sigma, size=size, **kwargs)


lognormal = LogNormalRV()


class GammaRV(RandomVariable):
    r"""Draws from the gamma distribution; `gamma` is the function for users.

    .. math::

        f(x) = \frac{x^{k - 1} e^{-x / \theta}}{\Gamma(k)\, \theta^k}

    Parameters
    ----------
    shape : array-like
        Shape :math:`k`, at least 0.
    scale : array-like
        Scale :math:`\theta`, at least 0.
    size : None, int, or sequence
        Shape of the batch of draws; None: that of the parameters.

    Raises
    ------
    ValueError
        If a parameter is negative.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> next_rng, x = pt.random.shared_rng(seed=1).gamma(2.0, scale=3.0, size=(2, 3))
    >>> x.type.shape
    (2, 3)
    """

    name = "gamma"
    signature = "(),()->()"
    dtype = "floatX"
    _print_name = ("Gamma", "\\operatorname{Gamma}")

    def __call__(self, shape, scale, size=None, **kwargs):
        return super().__call__(shape, scale, size=size, **kwargs)


_gamma = GammaRV()


class ExponentialRV(RandomVariable):
    r"""Draws from the exponential distribution.

    .. math::

        f(x) = \frac{1}{\beta} e^{-x / \beta}, \quad x \ge 0

    Parameters
    ----------
    scale : array-like
        Mean :math:`\beta`, at least 0.
    size : None, int, or sequence
        Shape of the batch of draws; None: that of the parameters.

    Raises
    ------
    ValueError
        If `scale` is negative.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> next_rng, x = pt.random.shared_rng(seed=1).exponential(2.0, size=(2, 3))
    >>> x.type.shape
    (2, 3)
    """

    name = "exponential"
    signature = "()->()"
    dtype = "floatX"
    _print_name = ("Exponential", "\\operatorname{Exponential}")

    def __call__(self, scale=1.0, size=None, **kwargs):
        return super().__call__(scale, size=size, **kwargs)


exponential = ExponentialRV()


class WeibullRV(RandomVariable):
    r"""Draws from the Weibull distribution of scale 1.

    .. math::

        f(x) = k x^{k - 1} e^{-x^k}, \quad x \ge 0

    Parameters
    ----------
    shape : array-like
        Shape :math:`k`, at least 0.
    size : None, int, or sequence
        Shape of the batch of draws; None: that of the parameters.

    Raises
    ------
    ValueError
        If `shape` is negative.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> next_rng, x = pt.random.shared_rng(seed=1).weibull(2.0, size=(2, 3))
    >>> x.type.shape
    (2, 3)
    """

    name = "weibull"
    signature = "()->()"
    dtype = "floatX"
    _print_name = ("Weibull", "\\operatorname{Weibull}")

    def __call__(self, shape, size=None, **kwargs):
        return super().__call__(shape, size=size, **kwargs)


weibull = WeibullRV()


class LogisticRV(RandomVariable):
    r"""Draws from the logistic distribution.

    .. math::

        f(x) = \frac{e^{-z}}{s (1 + e^{-z})^2}, \quad z = (x - \mu) / s

    Parameters
    ----------
    loc : array-like
        Mean.
    scale : array-like
        Scale :math:`s`, at least 0.
    size : None, int, or sequence
        Shape of the batch of draws; None: that of the parameters.

    Raises
    ------
    ValueError
        If `scale` is negative.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> next_rng, x = pt.random.shared_rng(seed=1).logistic(0.0, 2.0, size=(2, 3))
    >>> x.type.shape
    (2, 3)
    """

    name = "logistic"
    signature = "(),()->()"
    dtype = "floatX"
    _print_name = ("Logistic", "\\operatorname{Logistic}")

    def __call__(self, loc=0, scale=1, size=None, **kwargs):
        return super().__call__(loc, scale, size=size, **kwargs)


logistic = LogisticRV()


class VonMisesRV(RandomVariable):
    r"""Draws of angles in :math:`[-\pi, \pi]`.

    .. math::

        f(x) = \frac{e^{\kappa \cos(x - \mu)}}{2 \pi I_0(\kappa)}

    Parameters
    ----------
    mu : array-like
        Mode.
    kappa : array-like
        Concentration, at least 0.
    size : None, int, or sequence
        Shape of the batch of draws; None: that of the parameters.

    Raises
    ------
    ValueError
        If `kappa` is negative.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> next_rng, x = pt.random.shared_rng(seed=1).vonmises(0.0, 2.0, size=(2, 3))
    >>> x.type.shape
    (2, 3)
    """

    name = "vonmises"
    signature = "(),()->()"
    dtype = "floatX"
    _print_name = ("VonMises", "\\operatorname{VonMises}")

    def __call__(self, mu, kappa, size=None, **kwargs):
        return super().__call__(mu, kappa, size=size, **kwargs)


vonmises = VonMisesRV()


class WaldRV(RandomVariable):
    r"""Draws from the Wald (inverse Gaussian) distribution.

    .. math::

        f(x) = \sqrt{\frac{\lambda}{2 \pi x^3}} e^{-\frac{\lambda (x - \mu)^2}{2 \mu^2 x}}, \quad x > 0

    Parameters
    ----------
    mean : array-like
        Mean :math:`\mu`, positive.
    scale : array-like
        Shape :math:`\lambda`, positive.
    size : None, int, or sequence
        Shape of the batch of draws; None: that of the parameters.

    Raises
    ------
    ValueError
        If a parameter is not positive.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> next_rng, x = pt.random.shared_rng(seed=1).wald(1.0, 2.0, size=(2, 3))
    >>> x.type.shape
    (2, 3)
    """

    name = "wald"
    signature = "(),()->()"
    dtype = "floatX"
    _print_name = ("Wald", "\\operatorname{Wald}")

    def __call__(self, mean=1.0, scale=1.0, size=None, **kwargs):
        return super().__call__(mean, scale, size=size, **kwargs)


wald = WaldRV()


class LaplaceRV(RandomVariable):
    r"""Draws from the Laplace (double exponential) distribution.

    .. math::

        f(x) = \frac{1}{2 b} e^{-|x - \mu| / b}

    Parameters
    ----------
    loc : array-like
        Mean.
    scale : array-like
        Scale :math:`b`, at least 0.
    size : None, int, or sequence
        Shape of the batch of draws; None: that of the parameters.

    Raises
    ------
    ValueError
        If `scale` is negative.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> next_rng, x = pt.random.shared_rng(seed=1).laplace(0.0, 2.0, size=(2, 3))
    >>> x.type.shape
    (2, 3)
    """

    name = "laplace"
    signature = "(),()->()"
    dtype = "floatX"
    _print_name = ("Laplace", "\\operatorname{Laplace}")

    def __call__(self, loc=0.0, scale=1.0, size=None, **kwargs):
        return super().__call__(loc, scale, size=size, **kwargs)


laplace = LaplaceRV()


def gamma(shape, rate=None, scale=None, **kwargs):
    r"""Draws from the gamma distribution.

    .. math::

        f(x) = \frac{x^{k - 1} e^{-x / \theta}}{\Gamma(k)\, \theta^k}

    Parameters
    ----------
    shape : array-like
        Shape :math:`k`, at least 0.
    rate : array-like
        Inverse scale. Exactly one of `rate` and `scale` must be given.
    scale : array-like
        Scale :math:`\theta`, at least 0.
    **kwargs
        ``size``, ``rng``, ``name``, ``dtype``, ``return_next_rng`` as of all distributions.

    Raises
    ------
    ValueError
        If not exactly one of `rate` and `scale` is given, or a parameter is negative.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> next_rng, x = pt.random.shared_rng(seed=1).gamma(2.0, scale=3.0, size=(2, 3))
    >>> x.type.shape
    (2, 3)
    """
    if rate is not None and scale is not None:
        raise ValueError("Cannot specify both rate and scale")
    if rate is None and scale is None:
        raise ValueError("Must specify scale")
    if rate is not None:
        # A number is not rounded to the float32 constant that would hold it.
        rate = rate if isinstance(rate, Variable) else np.asarray(rate, dtype="float64")
        scale = 1.0 / rate
    return _gamma(shape, scale, **kwargs)


def chisquare(df, size=None, rng=None, return_next_rng=False, **kwargs):
    r"""Draws from the chi-square distribution with `df` degrees of freedom.

    .. math::

        f(x) = \frac{x^{df / 2 - 1} e^{-x / 2}}{2^{df / 2}\, \Gamma(df / 2)}

    Parameters
    ----------
    df : array-like
        Degrees of freedom, positive.
    size, rng, return_next_rng
        As of all distributions.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> next_rng, x = pt.random.shared_rng(seed=1).chisquare(3.0, size=4)
    >>> x.type.shape
    (4,)
    """
    half = as_tensor_variable(df) / 2.0
    return gamma(half, scale=2.0, size=size, rng=rng, return_next_rng=return_next_rng, **kwargs)


def rayleigh(scale=1.0, *, size=None, rng=None, return_next_rng=False, **kwargs):
    r"""Draws from the Rayleigh distribution: `scale` times the root of a chi-square draw.

    .. math::

        f(x) = \frac{x}{\sigma^2} e^{-x^2 / (2 \sigma^2)}, \quad x \ge 0

    Parameters
    ----------
    scale : array-like
        Scale :math:`\sigma`, positive.
    size, rng, return_next_rng
        As of all distributions.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> from pytensor.tensor.random.basic import rayleigh
    >>> rng = pt.random.shared_rng(seed=1)
    >>> next_rng, x = rayleigh(2.0, size=4, rng=rng, return_next_rng=True)
    >>> x.type.shape
    (4,)
    """
    scale = as_tensor_variable(scale)
    df = full_like(scale, 2.0) if size is None else 2.0
    draws = chisquare(df, size=size, rng=rng, return_next_rng=return_next_rng, **kwargs)
    if return_next_rng:
        next_rng, draws = draws
        return next_rng, sqrt(draws) * scale
    return sqrt(draws) * scale


def standard_normal(*, size=None, rng=None, dtype=None, return_next_rng=False, **kwargs):
    """Draws from the normal distribution of mean 0 and standard deviation 1.

    Parameters
    ----------
    size, rng, dtype, return_next_rng
        As of all distributions.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> next_rng, x = pt.random.shared_rng(seed=1).standard_normal(size=4)
    >>> x.type.shape
    (4,)
    """
    return normal(
        0.0, 1.0, size=size, rng=rng, dtype=dtype, return_next_rng=return_next_rng, **kwargs
    )
