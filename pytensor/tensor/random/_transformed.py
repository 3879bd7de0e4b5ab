"""Continuous distributions drawn as functions of other draws."""

from __future__ import annotations

import numpy as np

from pytensor.tensor.random._scipy import ShapeCheckedRV


class _LocScaleRV(ShapeCheckedRV):
    """A distribution with a location and a scale."""

    def check(self, loc, scale):
        self.require_not_negative(1, scale)


class HalfNormalRV(_LocScaleRV):
    r"""Draws of ``loc + |z|`` with a normal ``z`` of standard deviation `scale`.

    .. math::

        f(x) = \sqrt{\frac{2}{\pi \sigma^2}} e^{-\frac{(x - \mu)^2}{2 \sigma^2}}, \quad x \ge \mu

    Parameters
    ----------
    loc : array-like
        Lower end.
    scale : array-like
        Scale, at least 0.
    size : None, int, or sequence
        Shape of the batch of draws; None: that of the parameters.

    Raises
    ------
    ValueError
        If `scale` is negative.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> next_rng, x = pt.random.shared_rng(seed=1).halfnormal(0.0, 2.0, size=(2, 3))
    >>> x.type.shape
    (2, 3)
    """

    name = "halfnormal"
    signature = "(),()->()"
    dtype = "floatX"
    _print_name = ("HalfNormal", "\\operatorname{HalfNormal}")

    def __call__(self, loc=0.0, scale=1.0, size=None, **kwargs):
        return super().__call__(loc, scale, size=size, **kwargs)

    def draw(self, rng, loc, scale, size):
        return np.abs(rng.standard_normal(size)) * scale + loc


halfnormal = HalfNormalRV()


class ParetoRV(ShapeCheckedRV):
    r"""Draws from the Pareto distribution, at least `scale`.

    .. math::

        f(x) = \frac{b\, s^b}{x^{b + 1}}, \quad x \ge s

    Parameters
    ----------
    b : array-like
        Shape, positive.
    scale : array-like
        Lower end :math:`s`, positive.
    size : None, int, or sequence
        Shape of the batch of draws; None: that of the parameters.

    Raises
    ------
    ValueError
        If a parameter is not positive.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> next_rng, x = pt.random.shared_rng(seed=1).pareto(2.0, size=(2, 3))
    >>> x.type.shape
    (2, 3)
    """

    name = "pareto"
    signature = "(),()->()"
    dtype = "floatX"
    _print_name = ("Pareto", "\\operatorname{Pareto}")

    def __call__(self, b, scale=1.0, size=None, **kwargs):
        return super().__call__(b, scale, size=size, **kwargs)

    def check(self, b, scale):
        self.require_positive(0, b)
        self.require_not_negative(1, scale)

    def draw(self, rng, b, scale, size):
        return np.power(1 - rng.uniform(size=size), -1 / b) * scale


pareto = ParetoRV()


class GumbelRV(_LocScaleRV):
    r"""Draws from the Gumbel distribution of maxima.

    .. math::

        f(x) = \frac{1}{\beta} e^{-z - e^{-z}}, \quad z = (x - \mu) / \beta

    Parameters
    ----------
    loc : array-like
        Mode.
    scale : array-like
        Scale :math:`\beta`, at least 0.
    size : None, int, or sequence
        Shape of the batch of draws; None: that of the parameters.

    Raises
    ------
    ValueError
        If `scale` is negative.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> next_rng, x = pt.random.shared_rng(seed=1).gumbel(0.0, 2.0, size=(2, 3))
    >>> x.type.shape
    (2, 3)
    """

    name = "gumbel"
    signature = "(),()->()"
    dtype = "floatX"
    _print_name = ("Gumbel", "\\operatorname{Gumbel}")

    def __call__(self, loc, scale=1.0, size=None, **kwargs):
        return super().__call__(loc, scale, size=size, **kwargs)

    def draw(self, rng, loc, scale, size):
        return -np.log(-np.log(rng.uniform(size=size))) * scale + loc


gumbel = GumbelRV()


class CauchyRV(_LocScaleRV):
    r"""Draws from the Cauchy distribution.

    .. math::

        f(x) = \frac{1}{\pi \gamma (1 + ((x - \mu) / \gamma)^2)}

    Parameters
    ----------
    loc : array-like
        Median.
    scale : array-like
        Scale :math:`\gamma`, at least 0.
    size : None, int, or sequence
        Shape of the batch of draws; None: that of the parameters.

    Raises
    ------
    ValueError
        If `scale` is negative.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> next_rng, x = pt.random.shared_rng(seed=1).cauchy(0.0, 2.0, size=(2, 3))
    >>> x.type.shape
    (2, 3)
    """

    name = "cauchy"
    signature = "(),()->()"
    dtype = "floatX"
    _print_name = ("Cauchy", "\\operatorname{Cauchy}")

    def __call__(self, loc=0.0, scale=1.0, size=None, **kwargs):
        return super().__call__(loc, scale, size=size, **kwargs)

    def draw(self, rng, loc, scale, size):
        return np.tan(np.pi * rng.uniform(size=size) - np.pi / 2) * scale + loc


cauchy = CauchyRV()


class HalfCauchyRV(_LocScaleRV):
    r"""Draws from the half of the Cauchy distribution above its median.

    .. math::

        f(x) = \frac{2}{\pi \gamma (1 + ((x - \mu) / \gamma)^2)}, \quad x \ge \mu

    Parameters
    ----------
    loc : array-like
        Lower end.
    scale : array-like
        Scale :math:`\gamma`, at least 0.
    size : None, int, or sequence
        Shape of the batch of draws; None: that of the parameters.

    Raises
    ------
    ValueError
        If `scale` is negative.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> next_rng, x = pt.random.shared_rng(seed=1).halfcauchy(0.0, 2.0, size=(2, 3))
    >>> x.type.shape
    (2, 3)
    """

    name = "halfcauchy"
    signature = "(),()->()"
    dtype = "floatX"
    _print_name = ("HalfCauchy", "\\operatorname{HalfCauchy}")

    def __call__(self, loc=0.0, scale=1.0, size=None, **kwargs):
        return super().__call__(loc, scale, size=size, **kwargs)

    def draw(self, rng, loc, scale, size):
        return np.tan(np.pi / 2 * rng.uniform(size=size)) * scale + loc


halfcauchy = HalfCauchyRV()


class InvGammaRV(ShapeCheckedRV):
    r"""Draws whose inverse has the gamma distribution.

    .. math::

        f(x) = \frac{\beta^\alpha}{\Gamma(\alpha)} x^{-\alpha - 1} e^{-\beta / x}, \quad x > 0

    Parameters
    ----------
    shape : array-like
        Shape :math:`\alpha`, positive.
    scale : array-like
        Scale :math:`\beta`, positive.
    size : None, int, or sequence
        Shape of the batch of draws; None: that of the parameters.

    Raises
    ------
    ValueError
        If a parameter is not positive.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> next_rng, x = pt.random.shared_rng(seed=1).invgamma(3.0, 2.0, size=(2, 3))
    >>> x.type.shape
    (2, 3)
    """

    name = "invgamma"
    signature = "(),()->()"
    dtype = "floatX"
    _print_name = ("InverseGamma", "\\operatorname{InverseGamma}")

    def __call__(self, shape, scale, size=None, **kwargs):
        return super().__call__(shape, scale, size=size, **kwargs)

    def check(self, shape, scale):
        self.require_positive(0, shape)
        self.require_positive(1, scale)

    def draw(self, rng, shape, scale, size):
        return 1 / rng.gamma(shape, 1 / scale, size)


invgamma = InvGammaRV()


class TruncExponentialRV(ShapeCheckedRV):
    r"""Draws from the exponential distribution, conditioned on at most ``loc + b * scale``.

    .. math::

        f(x) = \frac{e^{-z}}{s (1 - e^{-b})}, \quad z = (x - loc) / s, \quad 0 \le z \le b

    Parameters
    ----------
    b : array-like
        Where the density ends, positive.
    loc : array-like
        Lower end.
    scale : array-like
        Scale :math:`s`, at least 0.
    size : None, int, or sequence
        Shape of the batch of draws; None: that of the parameters.

    Raises
    ------
    ValueError
        If `b` is not positive or `scale` is negative.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> next_rng, x = pt.random.shared_rng(seed=1).truncexpon(2.0, size=(2, 3))
    >>> x.type.shape
    (2, 3)
    """

    name = "truncexpon"
    signature = "(),(),()->()"
    dtype = "floatX"
    _print_name = ("TruncatedExponential", "\\operatorname{TruncatedExponential}")

    def __call__(self, b, loc=0.0, scale=1.0, size=None, **kwargs):
        return super().__call__(b, loc, scale, size=size, **kwargs)

    def check(self, b, loc, scale):
        self.require_positive(0, b)
        self.require_not_negative(2, scale)

    def draw(self, rng, b, loc, scale, size):
        return -np.log1p(rng.uniform(size=size) * np.expm1(-b)) * scale + loc


truncexpon = TruncExponentialRV()


class StudentTRV(ShapeCheckedRV):
    r"""Draws from Student's t distribution.

    .. math::

        f(x) = \frac{\Gamma((\nu + 1) / 2)}{\Gamma(\nu / 2) \sqrt{\pi \nu}\, s} \left(1 + \frac{z^2}{\nu}\right)^{-(\nu + 1) / 2}, \quad z = (x - loc) / s

    Parameters
    ----------
    df : array-like
        Degrees of freedom :math:`\nu`, positive.
    loc : array-like
        Location.
    scale : array-like
        Scale :math:`s`, at least 0.
    size : None, int, or sequence
        Shape of the batch of draws; None: that of the parameters.

    Raises
    ------
    ValueError
        If `df` is not positive or `scale` is negative.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> next_rng, x = pt.random.shared_rng(seed=1).t(4.0, size=(2, 3))
    >>> x.type.shape
    (2, 3)
    """

    name = "t"
    signature = "(),(),()->()"
    dtype = "floatX"
    _print_name = ("StudentT", "\\operatorname{StudentT}")

    def __call__(self, df, loc=0.0, scale=1.0, size=None, **kwargs):
        return super().__call__(df, loc, scale, size=size, **kwargs)

    def check(self, df, loc, scale):
        self.require_positive(0, df)
        self.require_not_negative(2, scale)

    def draw(self, rng, df, loc, scale, size):
        return rng.standard_t(df, size) * scale + loc


t = StudentTRV()


class GenGammaRV(ShapeCheckedRV):
    r"""Draws from the generalized gamma distribution.

    .. math::

        f(x) = \frac{p / \lambda^\alpha}{\Gamma(\alpha / p)} x^{\alpha - 1} e^{-(x / \lambda)^p}, \quad x > 0

    Parameters
    ----------
    alpha : array-like
        First shape, positive.
    p : array-like
        Second shape, positive.
    lambd : array-like
        Scale :math:`\lambda`, at least 0.
    size : None, int, or sequence
        Shape of the batch of draws; None: that of the parameters.

    Raises
    ------
    ValueError
        If a shape is not positive or the scale is negative.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> next_rng, x = pt.random.shared_rng(seed=1).gengamma(2.0, 1.0, 3.0, size=(2, 3))
    >>> x.type.shape
    (2, 3)
    """

    name = "gengamma"
    signature = "(),(),()->()"
    dtype = "floatX"
    _print_name = ("GeneralizedGamma", "\\operatorname{GeneralizedGamma}")

    def __call__(self, alpha=1.0, p=1.0, lambd=1.0, size=None, **kwargs):
        return super().__call__(alpha, p, lambd, size=size, **kwargs)

    def check(self, alpha, p, lambd):
        self.require_positive(0, alpha)
        self.require_positive(1, p)
        self.require_not_negative(2, lambd)

    def draw(self, rng, alpha, p, lambd, size):
        return rng.standard_gamma(alpha / p, size) ** (1 / p) * lambd


gengamma = GenGammaRV()
