"""The older home of `pytensor.conditional`."""

from pytensor.conditional.op import IfElse, ifelse

__all__ = ["IfElse", "ifelse"]
