"""Exceptions raised by tensor operations."""


class ShapeError(Exception):
    """The shape of a variable could not be computed."""


class NotScalarConstantError(Exception):
    """A variable does not have a known, constant, scalar value."""


class AdvancedIndexingError(TypeError):
    """A basic (view-returning) indexing Op was asked to do advanced indexing."""
