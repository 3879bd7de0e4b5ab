"""Access by name to the groups of inputs and outputs of a `Scan`."""

from collections.abc import Sequence
from typing import Any

from pytensor.scan.info import ScanInfo, Taps


def grouped(items: Sequence[Any], taps: Sequence[Taps]) -> list[list[Any]]:
    """Cut a list into one group for each tuple of taps."""
    groups, start = [], 0
    for these in taps:
        groups.append(list(items[start : start + len(these)]))
        start += len(these)
    return groups


def _selector(layout: str, group: str, doc: str):
    def select(self, items):
        return items[getattr(self.info, layout)[group]]

    select.__doc__ = doc
    return select


def _untraced_selector(layout: str, doc: str):
    def select(self, items, with_idx: bool = False):
        span = getattr(self.info, layout)["untraced"]
        found = items[span]
        return (found, tuple(range(span.start, span.stop))) if with_idx else found

    select.__doc__ = doc
    return select


class ScanMethodsMixin:
    """Picks groups out of lists that are ordered like inputs or outputs of a `Scan`."""

    info: ScanInfo

    outer_seqs = _selector("outer_in", "seqs", "Sequences.")
    outer_mitmot = _selector("outer_in", "mit_mot", "Buffers of mit-mots.")
    outer_mitsot = _selector("outer_in", "mit_sot", "Buffers of mit-sots.")
    outer_sitsot = _selector("outer_in", "sit_sot", "Buffers of sit-sots.")
    outer_nitsot = _selector("outer_in", "nit_sot", "Lengths of nit-sots.")
    outer_non_seqs = _selector("outer_in", "non_seqs", "What every step sees unchanged.")
    outer_untraced_sit_sot = _untraced_selector("outer_in", "Initial untraced states.")

    outer_mitmot_outs = _selector("outer_out", "mit_mot", "Final buffers of mit-mots.")
    outer_mitsot_outs = _selector("outer_out", "mit_sot", "Traces of mit-sots.")
    outer_sitsot_outs = _selector("outer_out", "sit_sot", "Traces of sit-sots.")
    outer_nitsot_outs = _selector("outer_out", "nit_sot", "Traces of nit-sots.")
    outer_untraced_sit_sot_outs = _untraced_selector("outer_out", "Final untraced states.")

    inner_seqs = _selector("inner_in", "seqs", "Elements of sequences.")
    inner_mitmot = _selector("inner_in", "mit_mot", "What is read of mit-mots.")
    inner_mitsot = _selector("inner_in", "mit_sot", "What is read of mit-sots.")
    inner_sitsot = _selector("inner_in", "sit_sot", "States of sit-sots.")
    inner_non_seqs = _selector("inner_in", "non_seqs", "What every step sees unchanged.")
    inner_untraced_sit_sot = _untraced_selector("inner_in", "Untraced states.")

    inner_mitmot_outs = _selector("inner_out", "mit_mot", "What is written to mit-mots.")
    inner_mitsot_outs = _selector("inner_out", "mit_sot", "New values of mit-sots.")
    inner_sitsot_outs = _selector("inner_out", "sit_sot", "New values of sit-sots.")
    inner_nitsot_outs = _selector("inner_out", "nit_sot", "Values of nit-sots.")
    inner_untraced_sit_sot_outs = _untraced_selector("inner_out", "New untraced states.")

    def inner_mitmot_grouped(self, list_inputs):
        """What is read of mit-mots, one list for each."""
        return grouped(self.inner_mitmot(list_inputs), self.info.mit_mot_in_slices)

    def inner_mitsot_grouped(self, list_inputs):
        """What is read of mit-sots, one list for each."""
        return grouped(self.inner_mitsot(list_inputs), self.info.mit_sot_in_slices)

    def inner_mitmot_outs_grouped(self, list_outputs):
        """What is written to mit-mots, one list for each."""
        return grouped(self.inner_mitmot_outs(list_outputs), self.info.mit_mot_out_slices)

    def oldest_inner_mitsot(self, list_inputs):
        """The earliest value read of each mit-sot."""
        return [
            group[min(range(len(taps)), key=taps.__getitem__)]
            for group, taps in zip(
                self.inner_mitsot_grouped(list_inputs), self.info.mit_sot_in_slices, strict=True
            )
        ]

    def get_oinp_iinp_iout_oout_mappings(self) -> dict[str, dict[int, Any]]:
        """Return how positions of outer and inner inputs and outputs correspond.

        Returns
        -------
        dict
            Twelve dictionaries named like ``"inner_inp_from_outer_inp"`` for all pairs of
            different ones of ``outer_inp, inner_inp, inner_out, outer_out``. Their keys are
            positions. Values are lists where there may be several, else a position, -1 if there
            is none.
        """
        return mappings(self.info)


def _correspondences(info: ScanInfo) -> list[dict[str, list[int]]]:
    """Group positions that belong together."""
    groups: list[dict[str, list[int]]] = []
    outer_in, inner_in = info.outer_in, info.inner_in
    outer_out, inner_out = info.outer_out, info.inner_out
    taps = {"mit_mot": info.mit_mot_in_slices, "mit_sot": info.mit_sot_in_slices}
    for name in ("seqs", "mit_mot", "mit_sot", "sit_sot", "untraced", "nit_sot", "non_seqs"):
        n_in = inner_in[name].start if name in inner_in else 0
        n_out = inner_out[name].start if name in inner_out else 0
        for k, position in enumerate(range(outer_in[name].start, outer_in[name].stop)):
            reads = (len(taps[name][k]) if name in taps else 1) if name in inner_in else 0
            writes = int(name in inner_out)
            if name == "mit_mot":
                writes = len(info.mit_mot_out_slices[k])
            groups.append(
                {
                    "outer_inp": [position],
                    "inner_inp": list(range(n_in, n_in + reads)),
                    "inner_out": list(range(n_out, n_out + writes)),
                    "outer_out": [outer_out[name].start + k] if name in outer_out else [],
                }
            )
            n_in, n_out = n_in + reads, n_out + writes
    return groups


_MANY = {"inner_inp", "inner_out"}


def mappings(info: ScanInfo) -> dict[str, dict[int, Any]]:
    """Return how positions of outer and inner inputs and outputs correspond."""
    groups = _correspondences(info)
    names = ("outer_inp", "inner_inp", "inner_out", "outer_out")
    result: dict[str, dict[int, Any]] = {}
    for target in names:
        for source in names:
            if source == target:
                continue
            found: dict[int, Any] = {}
            for group in groups:
                for position in group[source]:
                    there = group[target]
                    if target in _MANY:
                        found[position] = list(there)
                    else:
                        found[position] = there[0] if there else -1
            if source == "outer_inp":
                found[0] = [] if target in _MANY else -1
            result[f"{target}_from_{source}"] = found
    return result
