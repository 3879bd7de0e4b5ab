"""Distributions of vectors, and of positions in one."""

from __future__ import annotations

from typing import Literal

import numpy as np

from pytensor.tensor.random.op import RandomVariable
from pytensor.tensor.utils import faster_ndindex

_SUM_TOLERANCE = 3.5e-4
"""How far from 1 the sum of probabilities may be: the root of the float32 epsilon, as in NumPy."""


def batch_of(name: str, size, *batches: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape of the batch of draws, or raise ValueError if `size` does not fit."""
    if size is None:
        return np.broadcast_shapes(*batches)
    if any(batches) and np.broadcast_shapes(size, *batches) != tuple(size):
        raise ValueError(
            f"[{name}] size must fit the parameters, got size {tuple(size)} and batches of "
            f"shapes {list(batches)}"
        )
    return tuple(size)


class MvNormalRV(RandomVariable):
    r"""Draws from the multivariate normal distribution.

    .. math::

        f(x) = \det(2 \pi \Sigma)^{-1/2} e^{-\frac{1}{2} (x - \mu)^T \Sigma^{-1} (x - \mu)}

    A draw is :math:`\mu + A z` with independent standard normal :math:`z` and a root
    :math:`A A^T = \Sigma`.

    Parameters
    ----------
    mean : array-like
        Vector :math:`\mu`, or a number for all elements of it.
    cov : array-like
        Covariance matrix :math:`\Sigma`.
    size : None, int, or sequence
        Shape of the batch of draws; None: that of the parameters.
    method : {"cholesky", "svd", "eigh"}
        How the root is found. Cholesky is the quickest, and needs a positive definite matrix; the
        others draw from singular covariances as well.

    Raises
    ------
    LinAlgError
        If `cov` is not positive definite and the method Cholesky.
    ValueError
        If `cov` has a negative eigenvalue, or a shape that is not that of `mean`.

    Examples
    --------
    >>> import numpy as np
    >>> import pytensor.tensor as pt
    >>> rng = pt.random.shared_rng(seed=1)
    >>> next_rng, x = rng.multivariate_normal(np.zeros(2), np.eye(2), size=5)
    >>> x.type.shape
    (5, 2)
    """

    name = "multivariate_normal"
    signature = "(n),(n,n)->(n)"
    dtype = "floatX"
    _print_name = ("MultivariateNormal", "\\operatorname{MultivariateNormal}")
    __props__ = ("name", "signature", "dtype", "inplace", "method")

    def __init__(self, *args, method: Literal["cholesky", "svd", "eigh"], **kwargs):
        super().__init__(*args, **kwargs)
        if method not in ("cholesky", "svd", "eigh"):
            raise ValueError(
                f"Unknown method {method}. The method must be one of 'cholesky', 'svd', or 'eigh'."
            )
        self.method = method

    def __call__(self, mean, cov, size=None, method=None, **kwargs):
        if method is not None and method != self.method:
            return type(self)(**{**self._props_dict(), "method": method})(
                mean, cov, size=size, **kwargs
            )
        return super().__call__(mean, cov, size=size, **kwargs)

    def rng_fn(self, rng, mean, cov, size):
        n = cov.shape[-1]
        if cov.shape[-2] != n or mean.shape[-1] not in (1, n):
            raise ValueError(
                f"[{self.name}] cov must be square and as long as mean, got mean {mean.shape} "
                f"and cov {cov.shape}"
            )
        batch = batch_of(self.name, size, mean.shape[:-1], cov.shape[:-2])
        root = self._root(cov)
        z = rng.standard_normal((*batch, n))
        if cov.size == n * n:  # one product for the whole batch
            draws = (z.reshape(-1, n) @ root.reshape(n, n).T).reshape(z.shape)
        else:
            draws = (root @ z[..., None])[..., 0]
        draws += mean
        return draws

    def _root(self, cov: np.ndarray) -> np.ndarray:
        """Return A with A @ A.T equal to `cov`."""
        if self.method == "cholesky":
            return np.linalg.cholesky(cov)
        if self.method == "svd":
            left, values, right = np.linalg.svd(cov)
            # Those of a symmetric matrix are its eigenvalues, up to their signs.
            negative = (np.swapaxes(left, -1, -2) * right).sum(-1) < -0.5
            self._check_eigenvalues(np.where(negative, -values, values))
            return left * np.sqrt(values)[..., None, :]
        values, vectors = np.linalg.eigh(cov)
        return vectors * np.sqrt(self._check_eigenvalues(values))[..., None, :]

    def _check_eigenvalues(self, values: np.ndarray) -> np.ndarray:
        largest = np.abs(values).max(axis=-1, initial=0.0, keepdims=True)
        if (values < -1e-8 * largest).any():
            raise ValueError(
                f"[{self.name}] cov must be positive semi-definite, got a matrix with eigenvalue "
                f"{values.min()}"
            )
        return np.maximum(values, 0.0)


multivariate_normal = MvNormalRV(method="cholesky")


class DirichletRV(RandomVariable):
    r"""Draws of positive numbers that sum to 1.

    .. math::

        f(x) = \frac{\Gamma(\sum_i \alpha_i)}{\prod_i \Gamma(\alpha_i)} \prod_i x_i^{\alpha_i - 1}

    Parameters
    ----------
    alphas : array-like
        Vector of concentrations, positive.
    size : None, int, or sequence
        Shape of the batch of draws; None: that of the parameters.

    Raises
    ------
    ValueError
        If a concentration is not positive.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> next_rng, x = pt.random.shared_rng(seed=1).dirichlet([1.0, 2.0, 3.0], size=5)
    >>> x.type.shape
    (5, 3)
    """

    name = "dirichlet"
    signature = "(a)->(a)"
    dtype = "floatX"
    _print_name = ("Dirichlet", "\\operatorname{Dirichlet}")

    def __call__(self, alphas, size=None, **kwargs):
        return super().__call__(alphas, size=size, **kwargs)

    def rng_fn(self, rng, alphas, size):
        if not (alphas > 0).all():
            bad = alphas[~(alphas > 0)].ravel()[0]
            raise ValueError(f"[{self.name}] alphas must be positive, got {bad}")
        batch = batch_of(self.name, size, alphas.shape[:-1])
        n = alphas.shape[-1]
        if alphas.size == n:
            return rng.dirichlet(alphas.reshape(n), batch)
        rows = np.broadcast_to(alphas, (*batch, n))
        if (alphas.max(axis=-1, initial=0.0) < 0.1).any():
            # NumPy draws rows of such small numbers by another method.
            draws = np.empty(rows.shape)
            for at in faster_ndindex(batch):
                draws[at] = rng.dirichlet(rows[at])
            return draws
        # What the method does row by row. It adds from left to right, and so does cumsum.
        draws = rng.standard_gamma(rows)
        draws *= 1 / np.cumsum(draws, axis=-1)[..., -1:]
        return draws


dirichlet = DirichletRV()


class MultinomialRV(RandomVariable):
    r"""Draws of how often each of several outcomes happens in `n` trials.

    .. math::

        P(k) = \frac{n!}{\prod_i k_i!} \prod_i p_i^{k_i}

    Parameters
    ----------
    n : array-like
        Number of trials, at least 0.
    p : array-like
        Vector of probabilities. The last one is taken to be what the others leave.
    size : None, int, or sequence
        Shape of the batch of draws; None: that of the parameters.

    Raises
    ------
    ValueError
        If `n` is negative, a probability is not in [0, 1], or all but the last sum to more than 1.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> next_rng, x = pt.random.shared_rng(seed=1).multinomial(10, [0.2, 0.3, 0.5], size=5)
    >>> x.type.shape
    (5, 3)
    """

    name = "multinomial"
    signature = "(),(p)->(p)"
    dtype = "int64"
    _print_name = ("Multinomial", "\\operatorname{Multinomial}")

    def __call__(self, n, p, size=None, **kwargs):
        return super().__call__(n, p, size=size, **kwargs)

    def rng_fn(self, rng, n, p, size):
        if p.dtype == "float32":
            # In float32 probabilities that sum to 1 may seem not to: normalize them in float64.
            p = p.astype("float64")
            total = p.sum(axis=-1, keepdims=True)
            p = np.where(np.abs(total - 1) < _SUM_TOLERANCE, p / total, p)
        batch = batch_of(self.name, size, n.shape, p.shape[:-1])
        # NumPy wants a batch of sizes that has the dimensions of the batch of probabilities.
        return rng.multinomial(n, p, batch)


multinomial = MultinomialRV()


class CategoricalRV(RandomVariable):
    r"""Draws positions in a vector of probabilities.

    .. math::

        P(k) = p_k

    Parameters
    ----------
    p : array-like
        Vector of probabilities.
    size : None, int, or sequence
        Shape of the batch of draws; None: that of the parameters.

    Raises
    ------
    ValueError
        If a probability is negative or not a number, or the sum is not 1 (to 3.5e-4).

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> next_rng, x = pt.random.shared_rng(seed=1).categorical([0.2, 0.3, 0.5], size=5)
    >>> x.type.shape
    (5,)
    """

    name = "categorical"
    signature = "(p)->()"
    dtype = "int64"
    _print_name = ("Categorical", "\\operatorname{Categorical}")

    def __call__(self, p, size=None, **kwargs):
        return super().__call__(p, size=size, **kwargs)

    def rng_fn(self, rng, p, size):
        batch = batch_of(self.name, size, p.shape[:-1])
        cdf = self._cumulated(p)
        n = p.shape[-1]
        u = rng.uniform(size=batch)
        if p.size == n:
            return np.minimum(np.searchsorted(cdf.reshape(n), u), n - 1)
        # In each row: how many cumulated probabilities are below the draw, the last one aside.
        if n - 1 <= u.size:
            draws = np.zeros(batch, dtype="int64")
            for k in range(n - 1):
                draws += cdf[..., k] < u
            return draws
        return (cdf[..., :-1] < u[..., None]).sum(axis=-1)

    def _cumulated(self, p: np.ndarray) -> np.ndarray:
        if p.shape[-1] == 0:
            raise ValueError(f"[{self.name}] p must have a probability, got shape {p.shape}")
        if not (p >= 0).all():
            bad = p[~(p >= 0)].ravel()[0]
            raise ValueError(f"[{self.name}] p must be probabilities in [0, 1], got {bad}")
        cdf = np.cumsum(p, axis=-1)
        total = cdf[..., -1]
        off = np.abs(total - 1) > _SUM_TOLERANCE
        if np.any(off):
            bad = np.asarray(total)[off].ravel()[0]
            raise ValueError(f"[{self.name}] p must sum to 1, got a sum of {bad}")
        return cdf


categorical = CategoricalRV()
