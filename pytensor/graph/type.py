"""What a variable may hold: `Type`, and how values and variables are made to fit one."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, Generic, TypeAlias, TypeVar

from pytensor.graph.basic import Constant, Variable
from pytensor.graph.utils import MetaObject, add_tag_trace

D = TypeVar("D")

__all__ = ["D", "DataType", "HasDataType", "HasShape", "NewTypeMeta", "Type"]


class NewTypeMeta(type(MetaObject)):  # type: ignore[misc]
    """Kept for code that names the metaclass of types."""


class Type(MetaObject, Generic[D]):
    """A set of values, and what can be done with it without knowing the value.

    A subclass must define `filter`. Types compare by ``==``; give them ``__props__`` or
    ``__eq__`` and ``__hash__``.
    """

    variable_type: type[Variable] = Variable
    """Class of the variables that `make_variable` returns."""

    constant_type: type[Constant] = Constant
    """Class of the constants that `make_constant` returns."""

    def in_same_class(self, otype: Type) -> bool | None:
        """Tell whether `otype` differs from this type at most in details of its values.

        Values that are always accepted by one of two such types may need a check for the
        other, for example when only the static shapes differ.
        """
        return self == otype

    def is_super(self, otype: Type) -> bool | None:
        """Tell whether every value of `otype` is a value of this type.

        Returns None if the question has no answer.
        """
        return self.in_same_class(otype)

    @abstractmethod
    def filter(self, data: Any, strict: bool = False, allow_downcast: bool | None = None) -> D:
        """Return `data` as a value of this type, or raise TypeError.

        Parameters
        ----------
        data
            Any value.
        strict : bool
            Accept only what is a value of this type already; never convert.
        allow_downcast : bool, optional
            Allow conversions that lose precision. None leaves the choice to the type.
        """

    def filter_variable(self, other: Variable | D, allow_convert: bool = True) -> Variable:
        """Return a variable of this type made from a variable or a value, or raise TypeError.

        Parameters
        ----------
        other
            A variable of this or a convertible type, or a value (which becomes a constant).
        allow_convert : bool
            Allow `convert_variable` to add a node.
        """
        if not isinstance(other, Variable):
            other = self.make_constant(other)
        if other.type == self:
            return other
        if allow_convert:
            converted = self.convert_variable(other)
            if converted is not None:
                return converted
        raise TypeError(
            f"[{type(self).__name__}] variable must be of type {self}, "
            f"got {other.type} (in {other})"
        )

    def convert_variable(self, var: Variable) -> Variable | None:
        """Return a variable of this type that has the value of `var`, or None."""
        if self.is_super(var.type):
            return var
        return None

    def is_valid_value(self, data: D, strict: bool = True) -> bool:
        """Tell whether `filter` accepts `data`."""
        try:
            self.filter(data, strict=strict)
            return True
        except (TypeError, ValueError):
            return False

    def make_variable(self, name: str | None = None) -> Variable:
        """Return a new variable of this type without an owner."""
        return self.variable_type(self, None, name=name)

    def make_constant(self, value: D, name: str | None = None) -> Constant:
        """Return a constant of this type."""
        return self.constant_type(type=self, data=value, name=name)

    def clone(self, *args, **kwargs) -> Type:
        """Return a type like this one, with other parameters."""
        return type(self)(*args, **kwargs)

    def __call__(self, name: str | None = None) -> Variable:
        """Return a new variable of this type that remembers where it was made."""
        return add_tag_trace(self.make_variable(name))

    @classmethod
    def values_eq(cls, a: D, b: D) -> bool:
        """Tell whether two values of this type are equal, bit for bit where that matters."""
        return a == b

    @classmethod
    def values_eq_approx(cls, a: D, b: D) -> bool:
        """Tell whether two values are equal up to rounding."""
        return cls.values_eq(a, b)

    def may_share_memory(self, a: D, b: D) -> bool:
        """Tell whether a write to value `a` could change value `b`."""
        return a is b


DataType: TypeAlias = D  # type: ignore[valid-type]


class HasDataType:
    """A type whose values all have one dtype."""

    dtype: str


class HasShape:
    """A type whose values have a number of dimensions, and lengths that may be known."""

    ndim: int
    shape: tuple[int | None, ...]
