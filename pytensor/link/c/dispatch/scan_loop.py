"""The parameters of ``pt_scan_loop``: what a loop around a block of steps reads and writes.

Imported with every program, so that it imports nothing of scans.
"""

import struct
from typing import TYPE_CHECKING

import numpy as np

from pytensor.link.c.dispatch.basic import CKernel
from pytensor.link.c.dispatch.parameters import ready_kernel, text_parameter

if TYPE_CHECKING:
    from pytensor.graph.fg import FunctionGraph
    from pytensor.link.c.dispatch.scan_body import Body

_kernel = ready_kernel("loop.h", "pt_scan_loop")
_DESTROY, _NEW = 1, 2
_MOST_STATIC = 8
# Numbers of words of the records of c_code/loop.h.
_HEAD_WORDS, _STATE_WORDS, _READ_WORDS, _WRITE_WORDS = 14, 6, 4, 9 + _MOST_STATIC
_SHARED_WORDS, _UNTRACED_WORDS = 3, 6
# Nanoseconds of a kernel call in the general loop that a step written out has not.
_CALL = 25


def scan_loop(loop: "Body", graph: "FunctionGraph", observed: int = 0) -> CKernel:
    """Return the kernel of a loop whose step is `graph`.

    Parameters
    ----------
    loop : Body
    graph : FunctionGraph
    observed : int
        The number of lengths that are noted in the first call, as `observed_lengths` returns them.
    """
    words = _Words(loop).pack(observed)
    name = text_parameter(loop.name)
    destroys = {o: targets[0] for o, targets in loop.op.destroy_map.items()}
    return _kernel("pt_scan_loop", *words, name, destroys=destroys, blocks=(graph,))


def observed_lengths(data: bytes, n: int) -> list[int] | None:
    """Return the lengths that the first call of a loop noted in its data; None before it."""
    words = np.frombuffer(data, np.int64)
    counts = words[2:8]
    sizes = 0, _STATE_WORDS, _READ_WORDS, _WRITE_WORDS, _SHARED_WORDS, _UNTRACED_WORDS
    at = _HEAD_WORDS + sum(int(c) * size for c, size in zip(counts, sizes, strict=True))
    if not n or words[at] != 2:
        return None
    return [int(x) for x in words[at + 1 : at + n + 1]]


class _Words:
    """The records of c_code/loop.h."""

    def __init__(self, loop: "Body") -> None:
        self.loop, self.op, self.info = loop, loop.op, loop.info
        self.first_out = len(loop.node.inputs)
        self.first_inner = self.first_out + len(loop.node.outputs)
        self.first_result = self.first_inner + len(self.op.inner_inputs)

    def pack(self, observed: int) -> tuple[bytes, bytes]:
        parts = self.states(), self.reads(), self.writes(), self.shared(), self.untraced()
        counts = [len(part) for part in parts]
        cost = int(10 * (1 + self.loop.n_nodes))
        lost = _CALL * (1 + self.loop.n_nodes) if observed else 0
        notes = observed + 1 if observed else 0
        head = [self.info.n_seqs, *counts, *self.condition(), cost, lost, notes]
        words = [*head, *(word for part in parts for record in part for word in record)]
        return struct.pack(f"={len(words)}q", *words), bytes(8 * notes)

    def condition(self) -> tuple[int, int, int]:
        if not self.info.as_while:
            return -1, 0, 0
        last = len(self.op.inner_outputs) - 1
        dtype = self.op.inner_outputs[last].type.numpy_dtype
        return self.first_result + last, dtype.itemsize, int(dtype.kind == "f")

    def stack(self, name: str) -> int:
        """The argument called ``x3`` or ``z3``."""
        return int(name[1:]) + (self.first_out if name[0] == "z" else 0)

    def states(self) -> list[tuple[int, ...]]:
        records: list[tuple[int, ...]] = []
        for state in range(self.loop.n_states):
            type_ = self.loop.node.outputs[state].type
            k = state - self.info.n_mit_mot
            lag = self.info.lags[k] if k >= 0 else -1
            flags = _DESTROY if state in self.op.destroy_map else 0
            size = type_.numpy_dtype.itemsize
            source = self.loop.first_state + state
            records.append((source, self.first_out + state, type_.ndim, size, lag, flags))
        return records

    def reads(self) -> list[tuple[int, ...]]:
        return [
            (
                self.first_inner + read.inner,
                self.stack(read.stack),
                read.offset if read.stack[0] == "z" else -1,
                read.ndim,
            )
            for read in self.loop.reads
        ]

    def writes(self) -> list[tuple[int, ...]]:
        records = []
        for i, write in enumerate(self.loop.writes):
            flags = _DESTROY if write.outer in self.op.destroy_map else 0
            flags |= _NEW if write.is_new else 0
            length = int(write.length.removeprefix("length")) if write.is_new else -1
            # States that are written anywhere are left as they are.
            cut = -1 if i < self.info.n_mit_mot_outs else int(self.info.as_while)
            static = [n or 0 for n in self.op.inner_outputs[write.inner].type.shape]
            shape = (static + [0] * _MOST_STATIC)[:_MOST_STATIC]
            place = self.first_result + write.inner, self.first_out + write.outer, write.offset
            size = write.ndim, write.itemsize
            records.append((*place, *size, flags, length, write.inner, cut, *shape))
        return records

    def shared(self) -> list[tuple[int, ...]]:
        first, span = self.info.outer_in["non_seqs"].start, self.info.inner_in["non_seqs"]
        ndims = [getattr(v.type, "ndim", 0) for v in self.op.inner_inputs[span]]
        return [
            (self.first_inner + span.start + k, first + k, ndim) for k, ndim in enumerate(ndims)
        ]

    def untraced(self) -> list[tuple[int, ...]]:
        inner, result = self.info.inner_in["untraced"], self.info.inner_out["untraced"].start
        outer, out = self.info.outer_in["untraced"].start, self.info.outer_out["untraced"].start
        records: list[tuple[int, ...]] = []
        for k, variable in enumerate(self.op.inner_inputs[inner]):
            size = variable.type.ndim, variable.type.numpy_dtype.itemsize
            places = inner.start + self.first_inner + k, self.first_result + result + k
            records.append((*places, outer + k, self.first_out + out + k, *size))
        return records
