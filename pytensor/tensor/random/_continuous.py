"""Distributions of any real numbers that `numpy.random.Generator` draws from."""

from __future__ import annotations

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
