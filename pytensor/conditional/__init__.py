"""Branches of which only one is computed."""

from pytensor.conditional.op import IfElse, ifelse

__all__ = ["IfElse", "ifelse"]
