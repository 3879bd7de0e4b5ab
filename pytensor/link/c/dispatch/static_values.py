"""Values whose shapes are numbers when C is written: local arrays, views of them, registers.

What `static_ops` writes for a node is loops with constant bounds over local arrays, as one writes by
hand for small matrices. The compiler unrolls them and keeps what fits in registers. Views cost
nothing: a transpose, a slice or an element is another way to number the same elements.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from pytensor.link.c.dispatch.basic import C_CODE, Source, c_suffix, value_type
from pytensor.link.c.dispatch.scalar import Writer, literal

__all__ = ["STATIC", "Array", "FusedWriter", "StaticWriter", "strides_of"]

STATIC = Source(C_CODE, "static.h")
# Constants of at most so many elements are written into the text.
_MOST_CONSTANT = 256
# Shorter loops are unrolled.
_UNROLLED = 9


class Array(NamedTuple):
    """Where the elements of a value are.

    Attributes
    ----------
    dtype : str
    shape : tuple of int
    name : str
        A C array, or the expression of the one element if `strides` is None.
    strides : tuple of int or None
        In elements, 0 along axes of length 1.
    offset : int
    moving : str
        What is added to the offset at run time.
    known : ndarray, optional
        The elements, if they are known now.
    """

    dtype: str
    shape: tuple[int, ...]
    name: str
    strides: tuple[int, ...] | None
    offset: int = 0
    moving: str = ""
    known: np.ndarray | None = None

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    @property
    def is_flat(self) -> bool:
        """Whether the elements lie in C order without gaps."""
        return self.strides is not None and all(
            s == t for s, t, n in zip(self.strides, strides_of(self.shape), self.shape) if n != 1
        )

    def at(self, *index: str | int) -> str:
        """Return C for an element; entries are numbers or names of loop variables."""
        if self.strides is None:
            return self.name
        constant, terms = self.offset, [self.moving] if self.moving else []
        for i, stride, length in zip(index, self.strides, self.shape, strict=True):
            if length == 1 or stride == 0:
                continue
            if isinstance(i, int):
                constant += stride * i
            else:
                terms.append(i if stride == 1 else f"{stride} * {i}")
        if constant or not terms:
            terms.append(str(constant))
        return f"{self.name}[{' + '.join(terms)}]"

    def flat(self, i: str | int) -> str:
        """Return C for element number `i` of values that lie in C order."""
        if self.strides is None:
            return self.name
        terms = [str(t) for t in (self.moving, self.offset, i) if t not in ("", 0)]
        return f"{self.name}[{' + '.join(terms) or '0'}]"

    def view(self, shape: Sequence[int], strides: Sequence[int], offset: int = 0) -> "Array":
        """Return other elements of the same memory, `offset` from the first one."""
        if self.strides is None:
            return self._replace(shape=tuple(shape), known=None)
        return Array(
            self.dtype, tuple(shape), self.name, tuple(strides), self.offset + offset, self.moving
        )


def strides_of(shape: Sequence[int]) -> tuple[int, ...]:
    """Return the strides of C order in elements."""
    strides, step = [], 1
    for n in reversed(shape):
        strides.append(step)
        step *= n
    return tuple(reversed(strides))


class FusedWriter(Writer):
    """Writes ``a * b + c`` of real numbers as one operation, rounded once, as C compilers do.

    It takes half the time of a product and a sum where each step waits for the one before.
    """

    def program(self, program, args) -> list[str] | None:
        cells = [*args, *(self.constant(value, dtype) for dtype, value in program.constants)]
        uses: dict[int, int] = {}
        for cell in (*program.outputs, *(c for step in program.plan for c in step[1])):
            uses[cell] = uses.get(cell, 0) + 1
        into = {c: step for step in program.plan for c in step[1] if uses[c] == 1}
        factors: dict[int, tuple[str, str]] = {}
        for op, arguments, in_dtypes, out_dtypes in program.plan:
            kind, same = type(op).__name__, {*in_dtypes, *out_dtypes}
            here = [cells[c] for c in arguments]
            real = len(same) == 1 and same <= {"float64", "float32"} and len(arguments) == 2
            number = len(cells)
            if kind == "Mul" and real and number in into and uses.get(number) == 1:
                user, _, in_types, out_types = into[number]
                if type(user).__name__ in ("Add", "Sub") and {*in_types, *out_types} == same:
                    if len(in_types) == 2:
                        factors[number] = (here[0], here[1])
                        cells.append("")
                        self.cost += 0.3
                        continue
            if kind in ("Add", "Sub") and real and any(c in factors for c in arguments):
                cells.append(self._fused(kind, arguments, factors, cells, out_dtypes[0]))
                continue
            results = self.apply(op, here, in_dtypes, out_dtypes)
            if results is None:
                return None
            cells.extend(results)
        return [cells[c] for c in program.outputs]

    def _fused(self, kind, arguments, factors, cells, dtype: str) -> str:
        first, second = arguments
        minus = "-" if kind == "Sub" else ""
        name = f"pt_fma_{c_suffix(dtype)}"
        pair = factors.get(first)
        if pair is None:
            a, b = factors[second]
            return self.name(f"{name}({minus}({a}), {b}, {cells[first]})", dtype)
        other = cells[second]
        if second in factors:
            other = self.name(f"{factors[second][0]} * {factors[second][1]}", dtype)
        return self.name(f"{name}({pair[0]}, {pair[1]}, {minus}({other}))", dtype)


class StaticWriter:
    """Collects the statements of a step.

    Attributes
    ----------
    lines : list of str
    sources, functions : dict
        Files and texts of functions in use, in order.
    cost : float
        Estimated nanoseconds.
    elements : int
        Of all local arrays.
    """

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.sources: dict[Source, None] = {STATIC: None}
        self.functions: dict[str, None] = {}
        self.cost = 1.0
        self.elements = 0
        self._count = 0
        self._depth = 0

    def add(self, text: str) -> None:
        """Append a statement."""
        self.lines.append("    " * self._depth + text)

    def new_name(self, letter: str = "v") -> str:
        self._count += 1
        return f"{letter}{self._count}"

    def local(self, dtype: str, shape: Sequence[int], name: str = "") -> Array:
        """Declare an array."""
        name = name or self.new_name()
        size = math.prod(shape)
        self.elements += size
        self.add(f"{value_type(dtype)} {name}[{max(size, 1)}];")
        # What a product with beta = 0 adds to is not read.
        self.add(f"(void){name};")
        return Array(dtype, tuple(shape), name, strides_of(shape))

    def register(self, dtype: str, expression: str, shape: Sequence[int] = ()) -> Array:
        """Declare the only element of a value."""
        name = self.new_name()
        self.add(f"const {value_type(dtype)} {name} = {expression};")
        return Array(dtype, tuple(shape), name, None)

    def constant(self, value: np.ndarray, dtype: str) -> Array | None:
        """Return a value known now; None if it is too large for the text."""
        value = np.asarray(value)
        if value.size > _MOST_CONSTANT:
            return None
        flat = value.ravel()
        if value.size and (value.size == 1 or ((flat == flat[0]).all() and flat[0] != 0)):
            return Array(dtype, value.shape, literal(flat[0], dtype), None, known=value)
        name = self.new_name("c")
        items = ", ".join(literal(x, dtype) for x in flat) or literal(0, dtype)
        self.add(f"static const {value_type(dtype)} {name}[{max(value.size, 1)}] = {{{items}}};")
        return Array(dtype, value.shape, name, strides_of(value.shape), known=value)

    def open(self, name: str, length: int) -> None:
        """Begin a loop."""
        if length <= _UNROLLED:
            # Elements of arrays that are only read and written by number are kept in registers.
            self.add(f"#pragma GCC unroll {length}")
        self.add(f"for (int {name} = 0; {name} < {length}; {name}++) {{")
        self._depth += 1

    def close(self, loops: int = 1) -> None:
        for _ in range(loops):
            self._depth -= 1
            self.add("}")

    def nest(self, shape: Sequence[int]) -> list[str | int]:
        """Begin loops over a shape; return the index. Axes of length 1 have none."""
        index: list[str | int] = []
        for n in shape:
            index.append(self.new_name("i") if n != 1 else 0)
            if n != 1:
                self.open(str(index[-1]), n)
        return index

    def end(self, index: Sequence[str | int]) -> None:
        """End the loops that `nest` began."""
        self.close(sum(isinstance(i, str) for i in index))

    def copy_into(self, target: Array, source: Array) -> None:
        """Write all elements."""
        if source.is_flat and target.is_flat and target.size > 1:
            i = self.new_name("i")
            self.open(i, target.size)
            self.add(f"{target.flat(i)} = {source.flat(i)};")
            self.close()
            return
        index = self.nest(target.shape)
        self.add(f"{target.at(*index)} = {source.at(*index)};")
        self.end(index)
        self.cost += 0.3 * target.size
