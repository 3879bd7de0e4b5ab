"""How the inputs and outputs of a loop are grouped, and in which order they stand."""

from dataclasses import dataclass
from functools import cached_property

Taps = tuple[int, ...]


def _spans(sizes: dict[str, int], start: int = 0) -> dict[str, slice]:
    """Return where each group is in a list in which they follow one another."""
    spans = {}
    for name, size in sizes.items():
        spans[name] = slice(start, start + size)
        start += size
    return spans


@dataclass(frozen=True)
class ScanInfo:
    """What the inputs and outputs of a `Scan` mean.

    A *mit-mot* reads and writes several places of a buffer at each step, a *mit-sot* reads several
    earlier results and writes one, a *sit-sot* reads only the last one, a *nit-sot* is only
    written. Untraced sit-sots are states of which only the last value is kept; they need not be
    arrays.

    Attributes
    ----------
    n_seqs : int
    mit_mot_in_slices, mit_mot_out_slices, mit_sot_in_slices, sit_sot_in_slices : tuple of tuple
        Offsets, from the place of the present step, at which each is read or written.
    n_nit_sot, n_untraced_sit_sot, n_non_seqs : int
    as_while : bool
        Whether the last inner output is a condition that ends the loop.
    """

    n_seqs: int
    mit_mot_in_slices: tuple[Taps, ...]
    mit_mot_out_slices: tuple[Taps, ...]
    mit_sot_in_slices: tuple[Taps, ...]
    sit_sot_in_slices: tuple[Taps, ...]
    n_nit_sot: int
    n_untraced_sit_sot: int
    n_non_seqs: int
    as_while: bool

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        return hash(tuple(getattr(self, name) for name in self.__dataclass_fields__))

    def __getstate__(self) -> dict:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    @property
    def n_mit_mot(self) -> int:
        return len(self.mit_mot_in_slices)

    @property
    def n_mit_mot_outs(self) -> int:
        return sum(map(len, self.mit_mot_out_slices))

    @property
    def n_mit_sot(self) -> int:
        return len(self.mit_sot_in_slices)

    @property
    def n_sit_sot(self) -> int:
        return len(self.sit_sot_in_slices)

    n_shared_outs = property(lambda self: self.n_untraced_sit_sot)

    @property
    def tap_array(self) -> tuple[Taps, ...]:
        """Offsets read by all mit-mots, mit-sots and sit-sots."""
        return self.mit_mot_in_slices + self.mit_sot_in_slices + self.sit_sot_in_slices

    @cached_property
    def normalized_mit_mot_in_slices(self) -> tuple[Taps, ...]:
        """Offsets read by mit-mots, from the earliest one."""
        return tuple(
            tuple(tap - min(*taps, *outs) for tap in taps)
            for taps, outs in zip(self.mit_mot_in_slices, self.mit_mot_out_slices, strict=True)
        )

    @cached_property
    def normalized_mit_mot_out_slices(self) -> tuple[Taps, ...]:
        """Offsets written by mit-mots, from the earliest one read or written."""
        return tuple(
            tuple(tap - min(*taps, *outs) for tap in outs)
            for taps, outs in zip(self.mit_mot_in_slices, self.mit_mot_out_slices, strict=True)
        )

    @cached_property
    def lags(self) -> tuple[int, ...]:
        """How many initial values each mit-sot and sit-sot needs."""
        return tuple(-min(taps) for taps in self.mit_sot_in_slices + self.sit_sot_in_slices)

    @cached_property
    def outer_in(self) -> dict[str, slice]:
        """Where each group is among the inputs of the node."""
        return _spans(
            {
                "n_steps": 1,
                "seqs": self.n_seqs,
                "mit_mot": self.n_mit_mot,
                "mit_sot": self.n_mit_sot,
                "sit_sot": self.n_sit_sot,
                "untraced": self.n_untraced_sit_sot,
                "nit_sot": self.n_nit_sot,
                "non_seqs": self.n_non_seqs,
            }
        )

    @cached_property
    def inner_in(self) -> dict[str, slice]:
        """Where each group is among the inputs of the inner graph."""
        return _spans(
            {
                "seqs": self.n_seqs,
                "mit_mot": sum(map(len, self.mit_mot_in_slices)),
                "mit_sot": sum(map(len, self.mit_sot_in_slices)),
                "sit_sot": self.n_sit_sot,
                "untraced": self.n_untraced_sit_sot,
                "non_seqs": self.n_non_seqs,
            }
        )

    @cached_property
    def inner_out(self) -> dict[str, slice]:
        """Where each group is among the outputs of the inner graph."""
        return _spans(
            {
                "mit_mot": self.n_mit_mot_outs,
                "mit_sot": self.n_mit_sot,
                "sit_sot": self.n_sit_sot,
                "nit_sot": self.n_nit_sot,
                "untraced": self.n_untraced_sit_sot,
                "condition": int(self.as_while),
            }
        )

    @cached_property
    def outer_out(self) -> dict[str, slice]:
        """Where each group is among the outputs of the node."""
        return _spans(
            {
                "mit_mot": self.n_mit_mot,
                "mit_sot": self.n_mit_sot,
                "sit_sot": self.n_sit_sot,
                "nit_sot": self.n_nit_sot,
                "untraced": self.n_untraced_sit_sot,
            }
        )

    @property
    def n_outer_inputs(self) -> int:
        return self.outer_in["non_seqs"].stop

    @property
    def n_inner_inputs(self) -> int:
        return self.inner_in["non_seqs"].stop

    @property
    def n_outer_outputs(self) -> int:
        return self.outer_out["untraced"].stop

    @property
    def n_inner_outputs(self) -> int:
        return self.inner_out["condition"].stop
