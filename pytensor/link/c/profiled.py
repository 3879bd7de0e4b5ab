"""What the driver measured of a program, node by node."""

import weakref
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from pytensor.compile.debug.node_times import CallTimes, NodeTimes
from pytensor.graph.basic import Apply
from pytensor.link.c.lower import KERNEL, SKIP

if TYPE_CHECKING:
    from pytensor.link.c.linker import CProgram

__all__ = ["ProgramTimes"]

# Columns of the tables, as memory.Slot.row and lower._tables write them.
_MEMORY, _TYPE, _NDIM, _ITEMSIZE, _PARENT = range(5)
_KIND, _, _ARGS, _N_IN, _N_OUT = range(5)


class ProgramTimes:
    """Reads the times of one program when asked for; nothing is copied before.

    Parameters
    ----------
    program : CProgram
        Its driver object measures.
    """

    def __init__(self, program: "CProgram") -> None:
        self._run: Any = program.run
        self._fgraph = program.fgraph
        self._nodes = program.step_nodes
        self._promotion = weakref.ref(program.promotion) if program.promotion else None
        tables = program.tables
        self._slots = np.frombuffer(tables["slots"], np.int32).reshape(-1, 8)
        self._args = np.frombuffer(tables["args"], np.int32)
        n_steps = len(self._nodes)
        self._steps = np.frombuffer(tables["steps"], np.int32).reshape(n_steps, -1)
        self._later = np.full(n_steps, -1, np.int32)
        if program.promotion is not None:
            self._later = np.frombuffer(program.promotion._numbers, np.int32)
        # Of each slot its shape, then its strides.
        self._dims_at = np.concatenate([[0], np.cumsum(2 * self._slots[:, _NDIM])])
        blocks = np.frombuffer(tables["blocks"], np.int32).reshape(-1, 2)
        self._inner = np.ones(n_steps, bool)
        self._inner[slice(*blocks[0])] = False

    def forget(self) -> None:
        """Begin anew."""
        self._run.measure()

    def calls(self) -> CallTimes:
        """Return numbers and seconds of whole calls."""
        calls, seconds, outer_calls, outer_seconds, failed, held = self._run.measured()[0]
        return CallTimes(
            int(calls), seconds, int(outer_calls), outer_seconds, int(failed), int(held)
        )

    def nodes(self) -> Iterator[NodeTimes]:
        """Yield what is known of each node that ran."""
        _, total, last, dims = self._run.measured()
        totals = np.frombuffer(total).reshape(-1, 2)
        latest = np.frombuffer(last).reshape(-1, 3)
        shapes = np.frombuffer(dims, np.int64)
        for i, node in enumerate(self._nodes):
            if node is None or not totals[i, 1] or self._steps[i, _KIND] == SKIP:
                continue
            yield self._times(i, node, totals[i], latest[i], shapes)

    def _times(self, i: int, node: Apply, total: Any, latest: Any, dims: Any) -> NodeTimes:
        kind, _, at, n_in, n_out = map(int, self._steps[i][:5])
        reads, writes = self._args[at : at + n_in], self._args[at + n_in : at + n_in + n_out]
        inputs, outputs = ([self._shape(s, dims) for s in slots] for slots in (reads, writes))
        traffic = sum(map(self._size, dict.fromkeys(reads.tolist()), [dims] * n_in))
        moved = [s for s in writes if not self._is_view(s)]
        traffic += sum(self._size(s, dims) for s in moved)
        return NodeTimes(
            fgraph=self._fgraph,
            node=node,
            reader=self._reader(node, writes),
            seconds=float(total[0]),
            runs=int(total[1]),
            backend=self._backend(i, kind),
            inputs=inputs,
            outputs=outputs,
            traffic=traffic if moved or kind != KERNEL else 0,
            bytes_out=sum(self._size(s, dims) for s in moved),
            start=float(latest[0]),
            last_seconds=float(latest[1]),
            last_runs=int(latest[2]),
            is_inner=bool(self._inner[i]),
        )

    def _backend(self, i: int, kind: int) -> str:
        if kind != KERNEL:
            return "Py"
        promotion = self._promotion() if self._promotion is not None else None
        return "VM" if self._later[i] >= 0 and promotion and promotion.loaded is None else "C"

    def _reader(self, node: Apply, writes: Any) -> Apply | None:
        """Return the reduction that an elementwise node became part of."""
        out = node.outputs[0]
        if len(writes) != 1 or getattr(out.type, "ndim", None) in (
            None,
            self._slots[writes[0], _NDIM],
        ):
            return None
        clients = self._fgraph.clients.get(out, ())
        return clients[0][0] if len(clients) == 1 else None

    def _shape(self, slot: int, dims: Any) -> tuple[int, ...] | None:
        if self._slots[slot, _TYPE] < 0:
            return None
        at = self._dims_at[slot]
        return tuple(dims[at : at + self._slots[slot, _NDIM]].tolist())

    def _size(self, slot: int, dims: Any) -> int:
        shape = self._shape(slot, dims)
        if shape is None:
            return 0
        size = int(self._slots[slot, _ITEMSIZE])
        for length in shape:
            size *= length
        return size

    def _is_view(self, slot: int) -> bool:
        return self._slots[slot, _PARENT] != slot and not self._slots[slot, _MEMORY]
