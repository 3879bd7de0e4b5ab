"""Distributions of positive numbers that `numpy.random.Generator` draws from."""

from __future__ import annotations

import numpy as np

from pytensor.graph.basic import Variable
from pytensor.tensor._convert import as_tensor_variable
from pytensor.tensor.basic import full_like
from pytensor.tensor.math import sqrt  # type: ignore[attr-defined]  # made from a table
from pytensor.tensor.random.op import RandomVariable


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
