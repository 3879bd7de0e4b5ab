"""The type of lists whose elements all have one type."""

from __future__ import annotations

from pytensor.graph.type import Type

__all__ = ["TypedListType"]


class TypedListType(Type):
    """Lists of values of one type.

    Parameters
    ----------
    ttype : Type
        That of the elements.
    depth : int
        Make it a list of lists of ..., that many times more.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> from pytensor.typed_list import TypedListType
    >>> TypedListType(pt.dvector)("x").type
    TypedList <Vector(float64, shape=(?,))>
    """

    def __init__(self, ttype: Type, depth: int = 0):
        if not isinstance(ttype, Type):
            raise TypeError(f"[TypedListType] ttype must be a Type, got {ttype!r}")
        if depth < 0:
            raise ValueError(f"[TypedListType] depth must not be negative, got {depth}")
        self.ttype = ttype if depth == 0 else TypedListType(ttype, depth - 1)

    def filter(self, x, strict=False, allow_downcast=None):
        """Return `x` as a list of values of the element type; a new list unless it is one."""
        if strict:
            if not isinstance(x, list) or not all(self.ttype.is_valid_value(v) for v in x):
                raise TypeError(f"[TypedListType] value must be a list of {self.ttype}, got {x!r}")
            return x
        return [self.ttype.filter(v, allow_downcast=allow_downcast) for v in x]

    def get_depth(self) -> int:
        """How many lists are around each list of elements."""
        return self.ttype.get_depth() + 1 if isinstance(self.ttype, TypedListType) else 0

    def clone(self, **kwargs):
        return type(self)(kwargs.get("ttype", self.ttype))

    def values_eq(self, a, b) -> bool:
        return len(a) == len(b) and all(self.ttype.values_eq(m, n) for m, n in zip(a, b))

    def values_eq_approx(self, a, b) -> bool:
        return len(a) == len(b) and all(self.ttype.values_eq_approx(m, n) for m, n in zip(a, b))

    def may_share_memory(self, a, b) -> bool:
        if a is b:
            return True
        if not isinstance(a, list):
            return any(self.ttype.may_share_memory(a, n) for n in b)
        if not isinstance(b, list):
            return any(self.ttype.may_share_memory(m, b) for m in a)
        return any(self.ttype.may_share_memory(m, n) for m in a for n in b)

    def __eq__(self, other):
        return type(self) is type(other) and self.ttype == other.ttype

    def __hash__(self):
        return hash((type(self), self.ttype))

    def __str__(self):
        return f"TypedList <{self.ttype}>"

    __repr__ = __str__
