"""Draws from given values: `choice` and `permutation`."""

from __future__ import annotations

import numpy as np

from pytensor.tensor._convert import as_tensor_variable, get_vector_length
from pytensor.tensor._reshape import _entries
from pytensor.tensor._shape_ops import length
from pytensor.tensor.random._discrete import integers
from pytensor.tensor.random._multivariate import batch_of, categorical
from pytensor.tensor.random.op import RandomVariable
from pytensor.tensor.random.utils import normalize_size_param
from pytensor.tensor.shape import specify_shape
from pytensor.tensor.type import discrete_dtypes
from pytensor.tensor.utils import faster_ndindex


def _check_population(name: str, x) -> None:
    if x.type.ndim == 0 and x.type.dtype not in discrete_dtypes:
        raise TypeError(f"[{name}] a number of values must be an integer, got {x.type}")


class PermutationRV(RandomVariable):
    """Draws of an array with its first axis in random order, or of the first integers.

    The function `permutation` makes it with the signature that fits the array.
    """

    name = "permutation"
    _print_name = ("permutation", "\\operatorname{permutation}")

    def _supp_shape_from_params(self, dist_params, param_shapes=None):
        [x] = dist_params
        if self.ndims_params[0] == 0:
            return [_number(x)]
        shape = [length(x, i) for i in range(x.type.ndim)]
        if param_shapes is not None:
            shape = list(param_shapes[0])
        return shape[len(shape) - self.ndim_supp :]

    def rng_fn(self, rng, x, size):
        core = self.ndims_params[0]
        batch_ndim = x.ndim - core
        batch = batch_of(self.name, size, x.shape[:batch_ndim])
        if (x.ndim == 0 and core == 0) or (x.ndim == core and not batch):
            return rng.permutation(x.item() if core == 0 else x)
        items = np.broadcast_to(x, (*batch, *x.shape[batch_ndim:]))
        if core == 0 and x.size and x.min() != x.max():
            raise ValueError(f"[{self.name}] x must be one number for the whole batch, got {x}")
        shape = (int(x.max(initial=0)),) if core == 0 else x.shape[batch_ndim:]
        draws = np.empty((*batch, *shape), self.dtype)
        for at in faster_ndindex(batch):
            draws[at] = rng.permutation(items[at].item() if core == 0 else items[at])
        return draws


def _number(x):
    """Return the number of values that a parameter without core dimensions says."""
    while x.type.ndim:
        x = x[0]
    return x


def permutation(x, size=None, rng=None, return_next_rng=False, **kwargs):
    """Draw an array with its first axis in random order, or ``0, ..., x - 1`` in random order.

    Parameters
    ----------
    x : array-like
        The array, or an integer.
    size : None, int, or sequence
        Shape of a batch of permutations, each drawn for itself.
    rng, return_next_rng
        As of all distributions.

    Raises
    ------
    TypeError
        If `x` is a number but no integer.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> next_rng, x = pt.random.shared_rng(seed=1).permutation(5)
    >>> x.type.shape
    (5,)
    """
    x = as_tensor_variable(x)
    _check_population("permutation", x)
    core = ",".join(f"x{i}" for i in range(x.type.ndim))
    signature = f"({core})->({core})" if core else "()->(x)"
    op = PermutationRV(signature=signature, dtype=x.type.dtype)
    return op(x, size=size, rng=rng, return_next_rng=return_next_rng, **kwargs)


class ChoiceWithoutReplacement(RandomVariable):
    """Draws of several different rows of an array, or of the first integers.

    Its parameters are the array or number, perhaps probabilities, and the shape of what is drawn.
    The function `choice` makes it with the signature that fits them.
    """

    name = "choice_without_replacement"
    dtype = None
    _print_name = ("choice_without_replacement", "\\operatorname{choice_without_replacement}")

    @property
    def has_p_param(self) -> bool:
        """Whether the probabilities are given."""
        return len(self.ndims_params) == 3

    def _supp_shape_from_params(self, dist_params, param_shapes=None):
        a, *_, core_shape = dist_params
        n_drawn = self.ndim_supp - max(0, self.ndims_params[0] - 1)
        while core_shape.type.ndim > 1:
            core_shape = core_shape[0]
        shape = [length(a, i) for i in range(a.type.ndim)]
        if param_shapes is not None:
            shape = list(param_shapes[0])
        rest = (
            shape[len(shape) - max(0, self.ndims_params[0] - 1) :] if self.ndims_params[0] else []
        )
        return [*_entries(core_shape, n_drawn), *rest]

    def rng_fn(self, rng, *params):
        *params, size = params
        a, *p, core_shape = params
        core = self.ndims_params[0]
        batch_shapes = [
            x.shape[: x.ndim - n] for x, n in zip(params, self.ndims_params, strict=True)
        ]
        batch = batch_of(self.name, size, *batch_shapes)
        shape = tuple(core_shape[(0,) * (core_shape.ndim - 1)].tolist())

        def one(a, p=None):
            population = a.item() if core == 0 else a
            return rng.choice(population, p=p, size=shape, replace=False)

        if not batch:
            return one(a, *p)
        rest = a.shape[a.ndim - core + 1 :] if core else ()
        rows = [
            np.broadcast_to(x, (*batch, *x.shape[x.ndim - n :]))
            for x, n in zip((a, *p), self.ndims_params)
        ]
        draws = np.empty((*batch, *shape, *rest), self.dtype)
        for at in faster_ndindex(batch):
            draws[at] = one(*(x[at] for x in rows))
        return draws


def choice(a, size=None, replace=True, p=None, rng=None, return_next_rng=False, **kwargs):
    """Draw rows of an array, or integers below `a`.

    Parameters
    ----------
    a : array-like
        The array, or an integer that stands for ``0, ..., a - 1``.
    size : None, int, or sequence
        Shape of what is drawn; with None a single row.
    replace : bool
        Whether a row may be drawn again.
    p : vector, optional
        Probabilities of the rows; otherwise all are equal.
    rng, return_next_rng
        As of all distributions.

    Raises
    ------
    ValueError
        If `p` is not a vector as long as `a`, or does not sum to 1; without replacement also if
        more is to be drawn than there is.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> next_rng, x = pt.random.shared_rng(seed=1).choice(5, size=(2, 3))
    >>> x.type.shape
    (2, 3)
    """
    a = as_tensor_variable(a)
    _check_population("choice", a)
    n = a if a.type.ndim == 0 else length(a, 0)
    if p is not None:
        p = as_tensor_variable(p)
        if p.type.ndim != 1:
            raise ValueError(
                f"[choice] p must be a vector, got {p.type}: a variable of {p.type.ndim} dimensions "
                "will never match a shape of length 1."
            )
        p = specify_shape(p, (n,))
    drawn = {"rng": rng, "return_next_rng": return_next_rng, **kwargs}
    if not replace:
        return _choice_without_replacement(a, size, p, drawn)
    at = integers(0, n, size=size, **drawn) if p is None else categorical(p, size=size, **drawn)
    if a.type.ndim == 0:
        return at
    if return_next_rng:
        next_rng, at = at
        return next_rng, a[at]
    return a[at]


def _choice_without_replacement(a, size, p, drawn):
    size = normalize_size_param(() if size is None else size)
    n_drawn = get_vector_length(size)
    rows = [f"a{i}" for i in range(a.type.ndim)]
    weights = [f"({rows[0] if rows else 'a'})"] if p is not None else []
    inputs = ",".join([f"({','.join(rows)})", *weights, f"({n_drawn})"])
    outputs = ",".join([*(f"s{i}" for i in range(n_drawn)), *rows[1:]])
    op = ChoiceWithoutReplacement(signature=f"{inputs}->({outputs})", dtype=a.type.dtype)
    params = [a, size] if p is None else [a, p, size]
    return op(*params, **drawn)
