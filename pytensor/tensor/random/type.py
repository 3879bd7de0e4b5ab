"""Types of the states of random number generators."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from numpy.random import (
    MT19937,
    PCG64,
    PCG64DXSM,
    SFC64,
    BitGenerator,
    Generator,
    Philox,
)

from pytensor.graph.basic import Variable
from pytensor.graph.type import Type

__all__ = [
    "AbstractRandomGeneratorType",
    "RandomGeneratorType",
    "RandomType",
    "as_rng",
    "random_generator_type",
]

T = TypeVar("T", bound=Generator)


_BIT_GENERATORS: dict[str, Any] = {
    cls.__name__: cls for cls in (MT19937, PCG64, Philox, SFC64, PCG64DXSM)
}


class RandomType(Type[T], Generic[T]):
    """A type whose values are states of random number generators."""

    cheap_to_copy = True
    """Shared values are copied before a call overwrites them: a failing call leaves no trace."""


class AbstractRandomGeneratorType(RandomType[Generator]):
    """A type whose values are `numpy.random.Generator` objects.

    `filter` also takes the dictionary that ``generator.bit_generator.state`` returns, unless it is
    to be strict, and makes a generator of it.
    """

    @staticmethod
    def may_share_memory(a, b) -> bool:
        # Asked of values of other types too.
        own = getattr(a, "bit_generator", None)
        return own is not None and own is getattr(b, "bit_generator", None)

    def filter(self, data, strict=False, allow_downcast=None):
        """Return `data` if it is a generator, or a generator in the state `data`."""
        if isinstance(data, Generator):
            return data
        if strict or not isinstance(data, dict):
            raise TypeError(
                f"[{self}] value must be a numpy.random.Generator, got {type(data).__name__}"
            )
        return _from_state(self, data)

    @staticmethod
    def values_eq(a, b) -> bool:
        """Tell whether two generators, or states of them, will draw the same numbers."""
        return _same(_state(a), _state(b))


def _state(value):
    return value if isinstance(value, dict) else value.bit_generator.state


def _same(a, b) -> bool:
    if isinstance(a, dict):
        return isinstance(b, dict) and a.keys() == b.keys() and all(_same(a[k], b[k]) for k in a)
    if hasattr(a, "shape"):
        return hasattr(b, "shape") and a.shape == b.shape and bool((a == b).all())
    return bool(a == b)


def _from_state(type_: Type, state: dict) -> Generator:
    """Return a generator in the given state of one of NumPy's bit generators."""
    cls = _BIT_GENERATORS.get(state.get("bit_generator", ""))
    if cls is None:
        raise TypeError(
            f"[{type_}] state must name one of NumPy's bit generators, "
            f"got {state.get('bit_generator')!r}"
        )
    bit_generator: Any = cls(0)
    try:
        bit_generator.state = state
    except (KeyError, TypeError, ValueError) as error:
        raise TypeError(f"[{type_}] state must be one of {cls.__name__}, got {state}") from error
    return Generator(bit_generator)


class RandomGeneratorType(AbstractRandomGeneratorType):
    """The type of `numpy.random.Generator` values.

    Examples
    --------
    >>> import numpy as np
    >>> from pytensor.tensor.random.type import random_generator_type
    >>> random_generator_type.is_valid_value(np.random.default_rng(1))
    True
    """

    def __repr__(self):
        return "RandomGeneratorType"

    __str__ = __repr__

    def __eq__(self, other):
        return type(self) is type(other)

    def __hash__(self):
        return hash(type(self))


random_generator_type = RandomGeneratorType()


def as_rng(x) -> Variable:
    """Return `x` if it is a variable for a generator; otherwise say what would be one.

    Raises
    ------
    TypeError
        For None, for generators themselves, and for other variables.
    """
    if x is None:
        raise TypeError(
            "rng must not be None. Use pt.random.rng() for a symbolic input or "
            "pt.random.shared_rng() for a shared RNG."
        )
    if isinstance(x, Generator | BitGenerator):
        raise TypeError(
            "as_rng does not accept numpy Generators directly. Use pt.random.shared_rng(x) to "
            "create a shared RNG variable, or pt.random.rng() for a symbolic input."
        )
    if not isinstance(x, Variable) or not isinstance(x.type, RandomGeneratorType):
        raise TypeError(f"Expected a RandomGeneratorVariable, got {type(x)}")
    return x
