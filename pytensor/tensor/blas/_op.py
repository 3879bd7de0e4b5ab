"""What the BLAS Ops with an accumulator or conjugated operands have in common."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy

from pytensor.graph.op import Op
from pytensor.tensor.blas import _operands as check

__all__ = ["BlasOp"]


class BlasOp(Op):
    """An Op that may overwrite its first input, and conjugate some of its operands."""

    # The values that `conj` may have.
    conj_choices: Sequence[str] = ("",)

    inplace: bool
    conj: str = ""

    # Whether it stands for a sum that a user wrote, in which only lengths known to be 1 broadcast.
    # Not a property: rewriting introduces the Op that users know, which compares equal.
    of_sum = False

    def _set_inplace(self, inplace: bool) -> None:
        self.inplace = bool(inplace)
        if self.inplace:
            self.destroy_map = {0: [0]}

    def _set_conj(self, conj: str) -> None:
        self.conj = check.conjugated(type(self).__name__, conj, self.conj_choices)

    def _check_conj(self, dtype: str) -> None:
        check.complex_if(type(self).__name__, "conj", self.conj, dtype)

    def _describe(self, *properties: str) -> str:
        """Name the Op with the given properties, and with `conj` if there is any."""
        shown = [*properties, *([f"conj={self.conj}"] if self.conj else [])]
        name = type(self).__name__
        return f"{name}{{{', '.join(shown)}}}" if shown else name

    def _describe_accumulating(self) -> str:
        return self._describe("inplace" if self.inplace else "no_inplace")

    def inplace_on_inputs(self, allowed_inplace_inputs):
        """Return the form that overwrites the accumulator, if that is allowed."""
        if self.inplace or 0 not in allowed_inplace_inputs:
            return self
        return self.with_props(inplace=True)

    def with_props(self, **props):
        """Return the same Op with other values of some properties."""
        op = type(self)(**{**self._props_dict(), **props})
        return op.as_part_of_sum() if self.of_sum else op

    def as_part_of_sum(self):
        """Return the Op with an accumulator that broadcasts as operands of a sum do."""
        op = copy(self)
        op.of_sum = True
        return op

    def broadcast_axes(self, accumulator) -> tuple[bool, ...]:
        """Tell along which axes an accumulator of that type may have length 1."""
        if self.inplace:
            return (False,) * accumulator.ndim
        return tuple(n == 1 or not self.of_sum for n in accumulator.shape)
