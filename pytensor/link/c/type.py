"""The class of types that older programs derive their own from."""

from pytensor.graph.type import Type

__all__ = ["CType"]


class CType(Type):
    """A `Type` whose values the C backend may hold.

    The C backend asks types nothing: arrays and numbers are seen by kernels, everything else
    travels as a Python object. Classes derived from this one work as any other `Type`.
    """
