"""Variables for random generators, and the draws they offer as methods."""

from __future__ import annotations

import warnings
from functools import wraps
from inspect import signature
from typing import Any, TypeAlias

from numpy.random import Generator, RandomState, default_rng

from pytensor.compile.sharedvalue import SharedVariable, copied, shared_constructor
from pytensor.graph.basic import Variable
from pytensor.graph.utils import add_tag_trace
from pytensor.tensor.random import basic
from pytensor.tensor.random.op import RandomVariable
from pytensor.tensor.random.type import RandomGeneratorType, random_generator_type
from pytensor.tensor.variable import TensorVariable

__all__ = [
    "RandomGeneratorSharedVariable",
    "RandomGeneratorVariable",
    "rng",
    "shared_rng",
]

UNSET: Any = object()


def warn_reuse(func):
    """Warn if the generator was used before: two draws from one state are not independent."""

    @wraps(func)
    def checked(self, *args, **kwargs):
        if getattr(self.tag, "used", False):
            warnings.warn(
                f"The generator {self} has already been used: what is drawn from it now repeats "
                "the numbers of that draw. Draw from the generator which that draw returned.",
                UserWarning,
                stacklevel=2,
            )
        return func(self, *args, **kwargs)

    return checked


def _make_rng_method(fn):
    """Return a method of generators that draws from the distribution `fn`."""

    @warn_reuse
    def draw(self, *args, **kwargs):
        return fn(*args, **kwargs, rng=self, return_next_rng=True)

    call = type(fn).__call__ if isinstance(fn, RandomVariable) else fn
    # Shown by `help`: the arguments of the distribution without those that the method gives.
    draw.__doc__ = fn.__doc__
    parameters = signature(call).parameters
    hidden = ("rng", "return_next_rng", "kwargs")
    shown = [p for name, p in parameters.items() if name not in hidden and name != "self"]
    own = signature(lambda self: None).parameters["self"]
    draw.__signature__ = signature(call).replace(parameters=[own, *shown])
    return draw


class _random_generator_py_operators:
    """The methods of generators: each distribution, returning ``(next_rng, draws)``."""


class RandomGeneratorVariable(_random_generator_py_operators, Variable):
    """The state of a random generator.

    Its methods are the distributions. Each returns the next state and the draws; draw further from
    the next state.

    Examples
    --------
    >>> start = pt.random.rng("start")
    >>> after_x, x = start.normal(size=3)
    >>> after_y, y = after_x.poisson(2.0)
    >>> x.eval({start: np.random.default_rng(1)}).shape
    (3,)
    """


RandomGeneratorType.variable_type = RandomGeneratorVariable

RNG_AND_DRAW: TypeAlias = tuple[RandomGeneratorVariable, TensorVariable]


class RandomGeneratorSharedVariable(SharedVariable, RandomGeneratorVariable):
    """The state of a random generator that functions keep and advance."""

    def __str__(self):
        generator = self.container.storage[0]
        return (
            self.name
            or f"RNG({type(generator).__name__}({type(generator.bit_generator).__name__}))"
        )

    def set_value(self, new_value=None, *, seed=UNSET, borrow=False):
        """Go on from another state.

        Parameters
        ----------
        new_value : numpy.random.Generator, optional
            The state.
        seed : optional
            Go on from what ``numpy.random.default_rng`` makes of it.
        borrow : bool
            Keep `new_value` itself and not a copy of it.

        Raises
        ------
        ValueError
            If not exactly one of `new_value` and `seed` is given.
        """
        if new_value is not None and seed is not UNSET:
            raise ValueError("Cannot specify both new_value and seed: each is a state")
        if new_value is None:
            if seed is UNSET:
                raise ValueError("Must set one of the two: a generator, or a seed")
            new_value, borrow = default_rng(seed), True
        super().set_value(new_value, borrow=borrow)


@shared_constructor.register(Generator)
@shared_constructor.register(RandomState)
def randomgen_constructor(value, name=None, strict=False, allow_downcast=None, borrow=False):
    """Make a `RandomGeneratorSharedVariable` of a `numpy.random.Generator`."""
    if isinstance(value, RandomState):
        raise TypeError(
            "A np.random.RandomState cannot be shared: make a Generator, np.random.default_rng(seed)"
        )
    if not isinstance(value, Generator):
        raise TypeError(f"Expected numpy.random.Generator, got {type(value)}")
    return RandomGeneratorSharedVariable(
        type=random_generator_type,
        value=value if borrow else copied(value),
        strict=strict,
        allow_downcast=allow_downcast,
        name=name,
    )


def shared_rng(value=None, *, seed=UNSET, name=None, borrow=False) -> RandomGeneratorSharedVariable:
    """Return a random generator with a state that compiled functions keep and advance.

    Parameters
    ----------
    value : numpy.random.Generator, optional
        Where to begin.
    seed : optional
        Begin at what ``numpy.random.default_rng`` makes of it; with None no two runs agree.
    name : str, optional
        What the graph calls it.
    borrow : bool
        Advance `value` itself and not a copy of it.

    Returns
    -------
    RandomGeneratorSharedVariable

    Raises
    ------
    ValueError
        If not exactly one of `value` and `seed` is given.
    TypeError
        If `value` is no generator.

    Examples
    --------
    >>> state = pt.random.shared_rng(seed=5)
    >>> after, x = state.uniform(size=2)
    >>> throw = pytensor.function([], x, updates={state: after})
    >>> throw().round(4).tolist(), throw().round(4).tolist()
    ([0.805, 0.8079], [0.5153, 0.2858])
    >>> state.set_value(seed=5)
    >>> throw().round(4).tolist()
    [0.805, 0.8079]
    """
    if value is not None and seed is not UNSET:
        raise ValueError("Cannot specify both value and seed: each is a state")
    if value is None:
        if seed is UNSET:
            raise ValueError("Must set one of the two: a generator, or a seed")
        value, borrow = default_rng(seed), True
    return add_tag_trace(randomgen_constructor(value, name=name, borrow=borrow))


def rng(name=None) -> RandomGeneratorVariable:
    """Return a random generator that has no state yet: an input of a function.

    A caller's generator is left as it is, the function advances a copy; given as
    ``pytensor.In(rng, mutable=True)`` it is the caller's own that advances.

    Parameters
    ----------
    name : str, optional
        What the graph calls it.

    Returns
    -------
    RandomGeneratorVariable

    Examples
    --------
    >>> state = pt.random.rng("state")
    >>> step = pytensor.function([state], state.uniform(size=2))
    >>> generator, first = step(np.random.default_rng(5))
    >>> _, second = step(generator)
    >>> first.round(4).tolist(), second.round(4).tolist()
    ([0.805, 0.8079], [0.5153, 0.2858])
    """
    return random_generator_type(name)  # type: ignore[return-value]  # its variable_type


for _name in basic.__all__:
    setattr(_random_generator_py_operators, _name, _make_rng_method(getattr(basic, _name)))
del _name
