"""Where values live: the table of slots, and the plan of buffers.

A value is lent (inputs, constants, results of Python), a view, a buffer of the frame (reused from
call to call and from node to node) or memory owned by a NumPy array (outputs, and whatever Python
sees). Every root of memory has one class, decided by who reads it and its views.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from pytensor.scalar.type import ScalarType
from pytensor.tensor.type import TensorType

if TYPE_CHECKING:
    from pytensor.graph.basic import Apply
    from pytensor.graph.type import Type
    from pytensor.link.c.dispatch.basic import CKernel

# The same numbers as in c_code/driver_frame.h.
NONE, BUFFER, NUMPY = 0, 1, 2
DESTROYED, SCALAR, LOAN = 1, 2, 4

_OBJECT = np.dtype(object)


class Slot:
    """One value of a program; the driver's ``slot_info`` and what planning needs."""

    __slots__ = (
        "buffer",
        "flags",
        "itemsize",
        "memory",
        "ndim",
        "number",
        "parent",
        "reuse",
        "root",
        "static_shape",
        "type_num",
    )

    def __init__(self, number: int, type_: "Type", parent: "Slot | None" = None):
        self.number = number
        self.parent = number if parent is None else parent.number
        self.root: Slot = self if parent is None else parent.root
        self.memory = NONE
        self.buffer = self.reuse = -1
        self.flags = 0
        self.type_num, self.ndim, self.itemsize = -1, 0, 0
        self.static_shape: tuple[int | None, ...] = ()
        if isinstance(type_, TensorType | ScalarType):
            dtype = type_.numpy_dtype
            if not dtype.hasobject:
                self.type_num, self.ndim, self.itemsize = dtype.num, type_.ndim, dtype.itemsize
                self.static_shape = type_.shape
            if isinstance(type_, ScalarType):
                self.flags = SCALAR

    def row(self) -> tuple[int, ...]:
        """The fields of ``slot_info``."""
        return (
            self.memory,
            self.type_num,
            self.ndim,
            self.itemsize,
            self.parent,
            self.buffer,
            self.reuse,
            self.flags,
        )

    def size_class(self) -> int | tuple[int, int]:
        """Bytes if known, else what makes equal sizes likely."""
        size = self.itemsize
        for length in self.static_shape:
            if length is None:
                return (self.ndim, self.itemsize)
            size *= length
        return size


class Step:
    """One step: a kernel, a call of Python, or a skip (then `index` is the step to go on with)."""

    __slots__ = (
        *("block_slots", "branch", "data", "index", "kernel"),
        *("kind", "node", "reads", "writes"),
    )

    def __init__(
        self,
        kind: int,
        index: int,
        reads: Sequence[Slot],
        writes: Sequence[Slot],
        kernel: "CKernel | None" = None,
        node: "Apply | None" = None,
        block_slots: Sequence[Slot] = (),
        branch: int = 0,
    ):
        self.kind = kind
        self.index = index
        self.reads = reads
        self.writes = writes
        self.kernel = kernel
        self.node = node
        self.block_slots = block_slots
        self.branch = branch
        self.data: bytes | None = None


class Block:
    """Steps that run in order: the program, or an inner graph of a kernel."""

    __slots__ = ("outputs", "steps")

    def __init__(self):
        self.steps: list[Step] = []
        self.outputs: list[Slot] = []


class _FreeBuffers:
    """Numbers of buffers nobody uses at a point of the program, by size class."""

    def __init__(self, planner: "MemoryPlan"):
        self._planner = planner
        self._free: dict[int | tuple[int, int], list[int]] = {}
        self._class: dict[int, int | tuple[int, int]] = {}

    def take(self, wanted: int | tuple[int, int]) -> int:
        """Return a buffer for this size class, the most recently used first."""
        same = self._free.get(wanted)
        if same:
            return same.pop()
        if isinstance(wanted, int):
            larger = [
                size
                for size, numbers in self._free.items()
                if isinstance(size, int) and wanted <= size <= 4 * wanted and numbers
            ]
            if larger:
                return self._free[min(larger)].pop()
        number = self._planner.n_buffers
        self._planner.n_buffers += 1
        self._class[number] = wanted
        return number

    def give(self, numbers: Iterable[int]) -> None:
        for number in numbers:
            self._free.setdefault(self._class[number], []).append(number)


class MemoryPlan:
    """Decides memory class, buffer and reuse of every slot, block by block.

    Parameters
    ----------
    blocks : sequence of Block
        Block 0 is the program; its outputs are given to the caller.
    """

    def __init__(self, blocks: Sequence[Block]):
        self.n_buffers = 0
        self._owned_by_numpy = self._find_numpy(blocks)
        for block in blocks:
            self._plan(block)

    @staticmethod
    def _find_numpy(blocks: Sequence[Block]) -> set[int]:
        """Numbers of the roots whose memory leaves the program or is seen by Python."""
        numpy = {slot.root.number for slot in blocks[0].outputs if not slot.flags & SCALAR}
        for block in blocks:
            for step in block.steps:
                if step.kernel is None:
                    numpy.update(slot.root.number for slot in step.reads if not slot.flags & SCALAR)
        return numpy

    def _plan(self, block: Block) -> None:
        last: dict[int, int] = {}
        for at, step in enumerate(block.steps):
            for slots in (step.reads, step.writes):
                for slot in slots:
                    last[slot.root.number] = at
        for slot in block.outputs:
            last[slot.root.number] = len(block.steps)
        held: dict[int, list[int]] = {}
        free = _FreeBuffers(self)
        for at, step in enumerate(block.steps):
            kernel = step.kernel
            if kernel is None:
                continue
            for index, slot in enumerate(step.writes):
                self._place(kernel, index, slot, held, free)
            self._find_reuse(step, kernel, at, last)
            for slot in (*step.reads, *step.writes):
                root = slot.root.number
                if last[root] == at and root in held:
                    free.give(held.pop(root))

    def _place(
        self, kernel: "CKernel", index: int, slot: Slot, held: dict, free: _FreeBuffers
    ) -> None:
        """Give an output of a kernel its memory class, and a buffer if it lives in the frame."""
        if slot.parent != slot.number and index not in kernel.copies:
            return
        root = slot.root.number
        if root in self._owned_by_numpy:
            slot.memory = NUMPY
            return
        slot.memory = BUFFER
        slot.buffer = free.take(slot.size_class())
        held.setdefault(root, []).append(slot.buffer)

    @staticmethod
    def _find_reuse(step: Step, kernel: "CKernel", at: int, last: dict[int, int]) -> None:
        """Let outputs take over the buffers of inputs that die here, as the kernel allows."""
        taken: set[int] = set()
        for index, candidates in kernel.inplace.items():
            z = step.writes[index]
            if z.memory != BUFFER or z.parent != z.number:
                continue
            for j in candidates:
                x = step.reads[j]
                others = (s for k, s in enumerate(step.reads) if k not in candidates)
                if (
                    x.memory == BUFFER
                    and x.parent == x.number
                    and x.number not in taken
                    and last[x.number] == at
                    and x.itemsize == z.itemsize
                    and x.ndim == z.ndim
                    and all(s.root is not x for s in others)
                    and all(s is x for s in step.reads if s.root is x)
                ):
                    taken.add(x.number)
                    z.reuse = x.number
                    break
