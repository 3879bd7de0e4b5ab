"""Who reads a variable, and the pseudo node by which a graph output reads it."""

from __future__ import annotations

from pytensor.graph.basic import Apply, Variable
from pytensor.graph.op import Op

__all__ = ["Clients", "Output"]


class Output(Op):
    """Marks a variable as output number `idx` of a `FunctionGraph`; it computes nothing."""

    __props__ = ("idx",)

    def __init__(self, idx: int):
        self.idx = idx

    def make_node(self, inp: Variable) -> Apply:  # type: ignore[override]  # one operand
        return Apply(self, [inp], [])

    def perform(self, node, inputs, outputs):
        raise RuntimeError(f"[Output] node must not be computed, got {node}")

    def __str__(self) -> str:
        return f"output[{self.idx}]"


class Clients(dict):
    """Who reads a variable: pairs of a node and an input position, in order of arrival.

    It behaves like a list, but a pair is found and removed in constant time: a merged
    constant may have 1e5 readers.
    """

    def append(self, client: tuple[Apply, int]) -> None:
        """Add a reader."""
        self[client] = None

    def remove(self, client: tuple[Apply, int]) -> None:
        """Remove a reader, or raise ValueError."""
        try:
            del self[client]
        except KeyError:
            raise ValueError(f"{client} is not a client") from None

    def __getitem__(self, i):
        if isinstance(i, int) and i == 0 and self:
            return next(iter(self))
        return list(self)[i]

    def index(self, client) -> int:
        """Return the position of a reader."""
        return list(self).index(client)

    def count(self, client) -> int:
        """Return 1 for a reader, else 0."""
        return int(client in self)

    def copy(self) -> list:  # type: ignore[override]
        """Return a list of the readers."""
        return list(self)

    def __add__(self, other) -> list:
        return list(self) + list(other)

    def __radd__(self, other) -> list:
        return list(other) + list(self)

    def __eq__(self, other):
        if isinstance(other, Clients | list):
            return list(self) == list(other)
        return NotImplemented

    def __ne__(self, other):
        same = self.__eq__(other)
        return same if same is NotImplemented else not same

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return repr(list(self))
