"""Types without values, which stand where a derivative has none to give."""

from __future__ import annotations

from pytensor.graph.basic import Variable
from pytensor.graph.type import Type


class NullTypeGradError(TypeError):
    """A derivative was asked for that is undefined or not implemented."""


class DisconnectedInputError(ValueError):
    """A derivative was asked for with respect to a variable the cost doesn't depend on."""


class NullType(Type):
    """The type of a derivative that is undefined or not implemented.

    Parameters
    ----------
    why_null : str
        What the user is told when the derivative turns out to be needed.
    """

    __props__ = ()

    def __init__(self, why_null: str = "(no explanation given)"):
        self.why_null = why_null

    def filter(self, data, strict=False, allow_downcast=None):
        raise ValueError("NullType has no values")

    def filter_variable(self, other, allow_convert=True):
        raise ValueError("NullType has no values")

    def may_share_memory(self, a, b):
        return False

    def values_eq(self, a, b, force_same_dtype=True):
        raise ValueError("NullType has no values to compare")

    def __str__(self):
        return "NullType"


def null_type(name: str | None = None) -> Variable:
    """Return a new variable of `NullType`.

    Examples
    --------
    >>> null_type().type
    NullType()
    """
    return NullType()(name)


class DisconnectedType(Type):
    """The type of a derivative that is zero because there is no path to differentiate.

    Examples
    --------
    >>> disconnected_type().type is disconnected_type
    True
    """

    __props__ = ()

    def filter(self, data, strict=False, allow_downcast=None):
        raise AssertionError(
            "[DisconnectedType] values must not exist: a disconnected derivative is being computed"
        )

    def may_share_memory(self, a, b):
        return False

    def values_eq(self, a, b, force_same_dtype=True):
        raise AssertionError("[DisconnectedType] values must not exist, got two to compare")

    def __str__(self):
        return "DisconnectedType"


disconnected_type = DisconnectedType()
"""The one instance everybody uses; call it for a variable."""


def grad_undefined(op, x_pos: int, x: Variable, comment: str = "") -> Variable:
    """Return the placeholder for a derivative that doesn't exist mathematically.

    Parameters
    ----------
    op : Op
    x_pos : int
        Position of the input.
    x : Variable
        The input.
    comment : str
        Why.

    Examples
    --------
    >>> x = pt.vector("x")
    >>> grad_undefined(pt.floor, 0, x, "it jumps").type
    NullType()
    """
    return NullType(
        f"The derivative of {op} with respect to input {x_pos} ({x}) is undefined. {comment}".strip()
    )()


def grad_not_implemented(op, x_pos: int, x: Variable, comment: str = "") -> Variable:
    """Return the placeholder for a derivative that exists but that nobody has written.

    Examples
    --------
    >>> x = pt.vector("x")
    >>> grad_not_implemented(pt.exp, 0, x).type
    NullType()
    """
    return NullType(
        f"The derivative of {op} with respect to input {x_pos} ({x}) is not implemented. "
        f"{comment}".strip()
    )()
