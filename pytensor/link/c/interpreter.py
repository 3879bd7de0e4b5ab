"""Scalar programs as data: what the interpreter (c_code/vm.c) runs where no compiler shall be run.

A program is a list of steps over cells, laid out in memory as c_code/vm.h says. Values that are one
element for all are computed once; vectors go through blocks of memory that are used again as soon
as nobody reads them any more.
"""

import struct
from collections.abc import Sequence
from typing import NamedTuple

from pytensor.link.c import vm
from pytensor.link.c.dispatch.basic import Source, itemsize
from pytensor.link.c.linear import Linear, fused, linearise, signature

__all__ = ["VM_ELEMWISE", "VM_REDUCE", "VM_SCALAR", "Interpreted", "Loop", "encode", "safe_name"]

# Numbers of the kernels in the interpreter's object.
VM_ELEMWISE, VM_REDUCE, VM_SCALAR = range(3)

# Elements of a block, as in native code; fewer where the memory between steps would leave the cache.
BLOCK = 256
_CACHE = 24 << 10
_MAX_MEMORY, _MAX_CELLS = 1 << 17, 1024

_HEAD = struct.Struct("=qQddQ20i")
_CELL = struct.Struct("=4i")
_STEP = struct.Struct("=6H")

# Nanoseconds per element by which a step costs more than the same operation in native code.
_LOST = 0.06
# Share of its time that a loop is taken to lose at least, so that one that runs for minutes is
# compiled within seconds even if it is said to lose nothing.
_LOST_SHARE = 0.1


class Interpreted(NamedTuple):
    """A kernel of the interpreter and its parameters.

    Parameters
    ----------
    kind : int
        The number of the kernel in the table of the interpreter's object.
    data : bytes
        What it works with; see c_code/vm.h. The driver gives it an aligned, writable copy.
    """

    kind: int
    data: bytes


class _Step(NamedTuple):
    """A call of a block function: values instead of cells."""

    function: int
    result: int
    operands: tuple[int, ...]


class Loop:
    """The steps of a scalar program and the memory of their values.

    Parameters
    ----------
    linear : Linear
    scalar : sequence of bool
        For each input: one element for all.
    over : sequence of bool
        For each output: its memory may be that of an input of its dtype.
    single : bool
        There is never more than one element.

    Attributes
    ----------
    once, fill, body : list of _Step
        Steps for one element, for the first block (it stays), and for every block.
    cost : float
        Estimated nanoseconds per element in native code.
    sources : tuple of Source
        Files with the helpers native code uses.
    """

    cost = 0.0
    sources: tuple[Source, ...] = ()

    def __init__(
        self, linear: Linear, scalar: Sequence[bool], over: Sequence[bool], single: bool = False
    ):
        self.linear, self.single = linear, single
        self.n_in = len(scalar)
        self.once: list[_Step] = []
        self.fill: list[_Step] = []
        self.body: list[_Step] = []
        self.is_one = [one and not single for one in scalar]
        self.is_one += [False] * (len(linear.dtypes) - self.n_in)
        self._filled: dict[int, int] = {}
        found = vm.index()
        self._blocks = {} if found is None else found.blocks
        self._mark_ones()
        self.instructions = fused(linear, self.is_one, self._blocks)
        self.complete = self._translate()
        if self.complete:
            self.cell_of_output = self._place_outputs(over)

    # -- steps -------------------------------------------------------------------------

    def _translate(self) -> bool:
        """Fill the lists of steps; False if a function is missing."""
        linear, ones = self.linear, self.is_one
        for step in self.instructions:
            kinds = [ones[v] for v in step.operands]
            if ones[step.result]:
                function = self._blocks.get(signature(linear, step, [False] * len(kinds)))
                operands, steps = step.operands, self.once
            else:
                function = self._blocks.get(signature(linear, step, kinds))
                operands, steps = step.operands, self.body
                if function is None:
                    function = self._blocks.get(signature(linear, step, [False] * len(kinds)))
                    operands = tuple(self._as_vector(v) if ones[v] else v for v in operands)
            if function is None:
                return False
            steps.append(_Step(function, step.result, operands))
        return bool(self._blocks)

    def _mark_ones(self) -> None:
        """Find the values that are one element for all: constants, and what depends on such only."""
        if self.single:
            return
        for value in self.linear.constants:
            self.is_one[value] = True
        for step in self.linear.instructions:
            self.is_one[step.result] = all(self.is_one[v] for v in step.operands)

    def _new(self, dtype: str, one: bool = False) -> int:
        self.is_one.append(one)
        return self.linear.new(dtype)

    def _as_vector(self, value: int) -> int:
        """Return the block that holds one element again and again."""
        if value not in self._filled:
            dtype = self.linear.dtypes[value]
            self._filled[value] = self._new(dtype)
            function = self._blocks[vm.copy_name(dtype, scalar=True)]
            self.fill.append(_Step(function, self._filled[value], (value,)))
        return self._filled[value]

    # -- outputs -----------------------------------------------------------------------

    def _place_outputs(self, over: Sequence[bool]) -> dict[int, int]:
        """Add the steps that write outputs which no step computes in place; return the output of values.

        An output may lie over an input: it is written before the last step only if no later one
        reads an input that it could be.
        """
        linear, computed = self.linear, {step.result for step in self.body}
        place: dict[int, int] = {}
        waiting: list[tuple[int, int]] = []
        for j, value in enumerate(linear.results):
            if self.is_one[value]:
                waiting.append((value, j))
                continue
            if value not in computed or value in place:
                value = self._copied(value)
            place[value] = j
        last_read: dict[str, int] = {}
        for k, step in enumerate(self.body):
            for v in step.operands:
                if v < self.n_in and not self.is_one[v]:
                    last_read[linear.dtypes[v]] = k
        for k, step in enumerate(self.body):
            output = place.get(step.result)
            if output is None or not over[output]:
                continue
            if last_read.get(linear.dtypes[step.result], -1) > k:
                del place[step.result]
                waiting.append((step.result, output))
        stores = []
        for value, j in waiting:
            dtype = linear.dtypes[value]
            result = self._new(dtype)
            place[result] = j
            function = self._blocks[vm.copy_name(dtype, scalar=self.is_one[value])]
            stores.append(_Step(function, result, (value,)))
        self.body += stores
        return place

    def _copied(self, value: int) -> int:
        dtype = self.linear.dtypes[value]
        result = self._new(dtype)
        function = self._blocks[vm.copy_name(dtype, scalar=False)]
        self.body.append(_Step(function, result, (value,)))
        return result

    # -- memory ------------------------------------------------------------------------

    def cells(self, n_out: int) -> tuple[dict[int, int], list[tuple[int, int, int, int]], int, int]:
        """Return the cell of each value, the cells after those of operands, elements of a block, bytes."""
        block = 1 if self.single else BLOCK
        if not self.single:
            # As many bytes in any case.
            widest = max(itemsize(self.linear.dtypes[s.result]) for s in self.body)
            block *= max(1, min(4, 8 // widest))
        while True:
            found = self._cells(n_out, block)
            if found[2] <= _CACHE or block <= 64:
                return *found[:2], block, found[2]
            block //= 2

    def _cells(self, n_out: int, block: int):
        """Assign cells, as `cells`. Blocks of values that are not read any more are used again."""
        linear, outputs = self.linear, self.cell_of_output
        cell_of = {v: v for v in range(self.n_in)}
        cell_of |= {v: self.n_in + j for v, j in outputs.items()}
        rows: list[tuple[int, int, int, int]] = []
        first = self.n_in + n_out
        steps = [*self.once, *self.fill, *self.body]
        used = {v for step in steps for v in step.operands}
        for value in (v for v in linear.constants if v in used):
            cell_of[value] = first + len(rows)
            rows.append((16 * len(rows), itemsize(linear.dtypes[value]), 1, 0))
        memory = 0

        def new(value: int, length: int) -> None:
            nonlocal memory
            size = itemsize(linear.dtypes[value])
            cell_of[value] = first + len(rows)
            rows.append((memory, size, length, 0))
            # One line more than a block: blocks do not all begin at the same place of the cache.
            memory += max(16, size * length) + (64 if length > 1 else 0)

        for step in self.once:
            new(step.result, 1)
        memory = (memory + 63) & ~63
        for step in self.fill:
            new(step.result, block)
        last = {v: k for k, step in enumerate(self.body) for v in step.operands}
        free: dict[int, list[int]] = {}
        kept = set(cell_of)
        for k, step in enumerate(self.body):
            for v in dict.fromkeys(step.operands):
                if last[v] == k and v not in kept:
                    free.setdefault(itemsize(linear.dtypes[v]), []).append(cell_of[v])
            if step.result in cell_of:
                continue
            same = free.get(itemsize(linear.dtypes[step.result]))
            if same:
                cell_of[step.result] = same.pop()
            else:
                new(step.result, block)
        return cell_of, rows, memory


def safe_name(text: str) -> str:
    """Return the name of an Op as messages show it; it may hold anything."""
    safe = "".join(c if c.isalnum() or c in " _-{}[]().,:*+=" else "?" for c in text[:60])
    return "".join(c if c.isascii() else "?" for c in safe)


class Record(NamedTuple):
    """What a kernel of the interpreter knows about its operands; see ``pt_elemwise`` and ``pt_reduction``."""

    name: str
    ndim: int
    cost: float
    in_dtypes: Sequence[str]
    out_dtypes: Sequence[str]
    repeats: Sequence[int] = ()
    destroys: Sequence[int] = ()
    axes: int = 0
    nonempty: bool = False
    reducer: int = -1


def loop_of(
    op,
    in_dtypes: Sequence[str],
    out_dtypes: Sequence[str],
    scalar: Sequence[bool],
    over: Sequence[bool],
    single: bool = False,
) -> Loop | None:
    """Return the loop of a scalar Op, or None if the interpreter cannot run it."""
    if vm.index() is None:
        return None
    found = linearise(op, in_dtypes, out_dtypes)
    if found is None:
        return None
    linear, writer = found
    loop = Loop(linear, scalar, over, single)
    if not loop.complete:
        return None
    loop.cost, loop.sources = writer.cost, tuple(writer.sources)
    return loop


def encode(kind: int, record: Record, loop: Loop | None) -> Interpreted | None:
    """Lay out a program; None if it is too large for the interpreter."""
    found = vm.index()
    assert found is not None, "a loop was found in it"
    n_in, n_out = len(record.in_dtypes), len(record.out_dtypes)
    sizes = [itemsize(d) for d in (*record.in_dtypes, *record.out_dtypes)]
    cell_of, rows, block, memory = ({}, [], 1, 0) if loop is None else loop.cells(n_out)
    ones = [True] * n_in if loop is None else loop.is_one
    constants = b""
    n_constants = 0
    if loop is not None:
        used = [v for v in loop.linear.constants if v in cell_of]
        n_constants = len(used)
        constants = b"".join(loop.linear.constants[v].tobytes().ljust(16, b"\0") for v in used)
    parts = [
        struct.pack(f"={n_in + n_out}i", *sizes),
        struct.pack(f"={n_in}Q", *(record.repeats or [0] * n_in)),
        struct.pack(f"={len(record.destroys)}i", *record.destroys),
        constants,
    ]
    offsets, at = [], _HEAD.size
    for i, part in enumerate(parts):
        parts[i] = part.ljust(-(-len(part) // 8) * 8, b"\0")
        offsets.append(at)
        at += len(parts[i])
    data_rows = [
        (0, size, 1, 0) if i < n_in and ones[i] else (0, size, -1, size * block)
        for i, size in enumerate(sizes)
    ]
    rows = [
        (o + offsets[3] if i < n_constants else o, size, length, step)
        for i, (o, size, length, step) in enumerate(rows)
    ]
    all_rows = [*data_rows, *rows]
    steps = [] if loop is None else [*loop.once, *loop.fill, *loop.body]
    if len(all_rows) > _MAX_CELLS or memory > _MAX_MEMORY or len(steps) > 1 << 20:
        return None
    cells = b"".join([_CELL.pack(*row) for row in all_rows])
    code = b"".join([_pack_step(step, cell_of) for step in steps])
    tail = [cells, code.ljust(-(-len(code) // 8) * 8, b"\0"), record.name.encode() + b"\0"]
    where = [at, at + len(cells), at + len(cells) + len(tail[1])]
    size = where[2] + len(tail[2])
    counts = (0, 0, 0) if loop is None else (len(loop.once), len(loop.fill), len(loop.body))
    cost = record.cost + 0.1 * counts[2]
    head = _HEAD.pack(
        *(size, found.build, cost, max(_LOST * counts[2], _LOST_SHARE * cost), record.axes),
        *(0, n_in, n_out, record.ndim, record.reducer, int(record.nonempty), block, memory),
        *(len(all_rows), n_constants, *counts, where[2], offsets[0], offsets[1]),
        *(offsets[2] if record.destroys else 0, where[0], where[1], 0),
    )
    return Interpreted(kind, b"".join([head, *parts, *tail]))


def _pack_step(step: _Step, cell_of: dict[int, int]) -> bytes:
    operands = [cell_of[v] for v in step.operands]
    return _STEP.pack(step.function, cell_of[step.result], *(operands + operands[:1] * 3)[:4])


_HEAD_FIELDS = (
    *("size", "build", "cost", "lost", "axes", "checked", "n_in", "n_out", "ndim", "reducer"),
    *("nonempty", "block", "memory", "n_cells", "n_constants", "n_once", "n_fill", "n_body"),
    *("name", "itemsize", "repeats", "destroys", "cells", "steps", "unused"),
)


def read_head(data: bytes) -> dict[str, float]:
    """Return the fields of ``vm_program`` in c_code/vm.h by name, for whoever looks at a program."""
    return dict(zip(_HEAD_FIELDS, _HEAD.unpack_from(data), strict=True))
