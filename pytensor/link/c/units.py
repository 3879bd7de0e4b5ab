"""The C text of kernels: functions with named arguments, put together into translation units.

Kernels that call BLAS or LAPACK run big helpers that do not depend on the graph. The usual ones
are compiled when the package is installed (`pytensor.link.c.shipped`): a program whose calls are
all among them needs no compiler for these. Dispatch files declare them with `declare_ready`.
"""

import functools
import hashlib
import itertools
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pytensor.link.c.dispatch.basic import CKernel
from pytensor.link.c.source import Source, build_unit, files_of
from pytensor.link.c.toolchain import LIBRARY_LEVEL
from pytensor.utils import usable_cores

__all__ = [
    "Function",
    "Split",
    "UnitSource",
    "declare_ready",
    "ready_unit",
    "split_units",
    "unit_arguments",
    "written_unit",
]

# Kernels with these flags call big helpers that do not depend on the graph.
_LIBRARY = {"blas", "lapack"}
# A unit costs as much as a loop or two before its first line, and the loops are read by one process:
# with fewer it is not worth it to run another compiler at the same time.
LOOPS_PER_UNIT = 8


class Function:
    """A kernel and the numbers of its arguments: what becomes one C function.

    Parameters
    ----------
    kernel : CKernel
    n_in, n_out : int
        Arrays read and written; of no interest to kernels with data.
    block_shapes : tuple of (int, int)
        Numbers of inputs and outputs of its inner blocks.
    block_numbers : tuple of int
        Where its inner blocks are in the program.
    """

    __slots__ = ("block_numbers", "block_shapes", "kernel", "n_in", "n_out")

    def __init__(
        self,
        kernel: CKernel,
        n_in: int,
        n_out: int,
        block_shapes: tuple[tuple[int, int], ...] = (),
        block_numbers: tuple[int, ...] = (),
    ):
        self.kernel = kernel
        self.n_in = n_in
        self.n_out = n_out
        self.block_shapes = block_shapes
        self.block_numbers = block_numbers

    @property
    def key(self) -> tuple:
        """Equal for functions with the same text, given equal sources."""
        if self.kernel.data is not None:
            return (self.kernel.body,)
        return (self.kernel.body, self.n_in, self.n_out, self.block_shapes, self.block_numbers)

    def size(self) -> int:
        """Return how much there is to compile, roughly."""
        kernel = self.kernel
        if kernel.interpreted is not None:
            # Known without writing the text.
            return len(kernel.interpreted.data)
        return sum(map(len, (kernel.body, *kernel.functions)))

    def text(self, name: str) -> str:
        """Return the C function: the arguments get names, the body follows."""
        head = f"\nstatic int {name}(pt_ctx *ctx, pt_array *const *args, const void *program)\n{{\n"
        if self.kernel.data is not None:
            return f"{head}{self.kernel.body}\n}}\n"
        names = [(f"x{i}", "const ") for i in range(self.n_in)]
        names += [(f"z{i}", "") for i in range(self.n_out)]
        for b, (n_in, n_out) in enumerate(self.block_shapes):
            names += [(f"b{b}x{i}", "") for i in range(n_in)]
            names += [(f"b{b}z{i}", "") for i in range(n_out)]
        lines = [
            f"    {const}pt_array *{name} = args[{i}];" for i, (name, const) in enumerate(names)
        ]
        lines += [f"    const int64_t block{b} = {n};" for b, n in enumerate(self.block_numbers)]
        lines += ["    (void)ctx;", "    (void)program;"] + [
            f"    (void){name};" for name, _ in names
        ]
        if "special" in self.kernel.flags:
            lines.append("    pt_use_special(ctx);")
        prologue = "\n".join(lines)
        return f"{head}{prologue}\n    {{\n{self.kernel.body}\n    }}\n    return PT_OK;\n}}\n"

    def digest(self) -> str:
        """Return the hash of all the text it is compiled from: another one, another function."""
        kernel = self.kernel
        parts = (self.text("k"), *kernel.functions, *kernel.flags, _digest_of(kernel.sources))
        return _hash(parts)


class UnitSource:
    """A translation unit.

    Parameters
    ----------
    functions : tuple of Function
        In the order of their numbers.
    flags : tuple of str
        What its kernels need by name, sorted.
    ready : bool
        Whether it stands for the unit compiled at installation, whose functions these are.
    """

    def __init__(
        self, functions: tuple[Function, ...], flags: tuple[str, ...], ready: bool = False
    ):
        self.functions = functions
        self.flags = flags
        self.ready = ready

    @functools.cached_property
    def text(self) -> str:
        """The C text, the same bytes for the same program."""
        return build_unit(self._sources(), self._own_text())

    def key_parts(self) -> tuple[str, ...]:
        """Return what the text is made of: equal parts, equal text. Much shorter, if files repeat."""
        sources = self._sources()
        return (self._own_text(), repr(sources), *files_of(sources))

    def _sources(self) -> tuple[Source, ...]:
        kernels = [function.kernel for function in self.functions]
        return tuple(dict.fromkeys(source for kernel in kernels for source in kernel.sources))

    def _own_text(self) -> str:
        """The text after the sources: the functions, and the table of them."""
        kernels = [function.kernel for function in self.functions]
        helpers = dict.fromkeys(text for kernel in kernels for text in kernel.functions)
        bodies = [function.text(f"k{i}") for i, function in enumerate(self.functions)]
        table = ", ".join(f"k{i}" for i in range(len(bodies)))
        return (
            "".join((*helpers, *bodies))
            + "\nPT_EXPORT extern pt_kernel *const pt_kernels[];\n"
            + "PT_EXPORT extern const int32_t pt_kernel_count;\n"
            + f"pt_kernel *const pt_kernels[] = {{{table}}};\n"
            + f"const int32_t pt_kernel_count = {len(bodies)};\n"
        )

    def identity(self) -> tuple:
        """Return what tells interpreted loops apart without writing their text."""
        programs = [function.kernel.interpreted for function in self.functions]
        return tuple([(p.kind, hashlib.sha256(p.data).digest()) for p in programs if p is not None])

    @property
    def is_library(self) -> bool:
        """Whether its time goes into helpers that call a library, not into its own loops."""
        return not _LIBRARY.isdisjoint(self.flags)


def unit_arguments(unit: UnitSource) -> tuple[str, tuple[str, ...], str]:
    """Return text, linker arguments and level of optimization of a unit."""
    link = ("-lmvec",) if "libmvec" in unit.flags else ()
    return unit.text, link, LIBRARY_LEVEL if unit.is_library else "-O3"


def _unit(functions: Sequence[Function], ready: bool = False) -> UnitSource:
    flags = sorted({flag for function in functions for flag in function.kernel.flags})
    return UnitSource(tuple(functions), tuple(flags), ready)


def written_unit(functions: Sequence[Function]) -> UnitSource:
    """Return the unit of kernels that were written for what calls told."""
    return _unit(functions)


def _hash(parts: Sequence[str]) -> str:
    lengths = ",".join(str(len(part)) for part in parts)
    return hashlib.sha256("".join((lengths, *parts)).encode()).hexdigest()[:32]


@functools.lru_cache(maxsize=256)
def _digest_of(sources: tuple[Source, ...]) -> str:
    return _hash((repr(sources), *files_of(sources)))


_declared: dict[tuple, Function] = {}


def declare_ready(kernel: CKernel, n_in: int, n_out: int) -> None:
    """Have a kernel compiled when the package is installed; its text may not depend on anything."""
    function = Function(kernel, n_in, n_out)
    _declared.setdefault((function.key, kernel.sources), function)


def ready_functions() -> list[Function]:
    """Return the declared kernels. Their order does not depend on what was imported first."""
    return sorted(_declared.values(), key=lambda function: repr(function.key))


def ready_unit() -> UnitSource:
    """Return the unit of all declared kernels."""
    return _unit(ready_functions(), ready=True)


class Split(NamedTuple):
    """How the functions of a program are distributed over units.

    Attributes
    ----------
    units : tuple of UnitSource
        What the program needs before its first call: its own loops, the library calls, the
        declared kernels; each only if used.
    numbers : list of int
        For each function its number when the kernels of the units are counted in order, -1 if it
        is interpreted.
    n_kernels : int
        Number of all kernels in the units.
    later : tuple of UnitSource
        The functions that are interpreted, to be compiled when they prove worth it.
    later_numbers : list of int
        For each function its number when those of `later` are counted in order, or -1.
    """

    units: tuple[UnitSource, ...]
    numbers: list[int]
    n_kernels: int
    later: tuple[UnitSource, ...]
    later_numbers: list[int]


def split_units(
    functions: Sequence[Function], ready: Mapping[str, int], interpret: bool = False
) -> Split:
    """Distribute the functions of a program over units.

    Parameters
    ----------
    functions : sequence of Function
        Different functions, in the order of their first use.
    ready : mapping of str to int
        The digests of the kernels that came with the package, and their numbers.
    interpret : bool
        Whether what can be interpreted is.
    """
    own: list[int] = []
    library: list[int] = []
    later: list[int] = []
    number: dict[int, int] = {}
    for i, function in enumerate(functions):
        # What is interpreted did not come with the package, and its text would have to be made.
        known = None
        if ready and not (interpret and function.kernel.interpreted is not None):
            known = ready.get(function.digest())
        if known is not None:
            number[i] = known
        elif interpret and function.kernel.interpreted is not None:
            later.append(i)
        elif _LIBRARY.isdisjoint(function.kernel.flags):
            own.append(i)
        else:
            library.append(i)
    shares = [*_shares(own, functions), *([library] if library else [])]
    units = [_unit([functions[i] for i in members]) for members in shares]
    compiled = n_kernels = len(own) + len(library)
    if number:
        n_kernels += len(ready)
        # Its text is that of the functions in use, for whoever reads it; its numbers are its own.
        units.append(_unit([functions[i] for i in number], ready=True))
    number = {i: compiled + k for i, k in number.items()}
    number |= {i: k for k, i in enumerate(itertools.chain(*shares))}
    later_shares = _shares(later, functions)
    position = {i: k for k, i in enumerate(itertools.chain(*later_shares))}
    return Split(
        tuple(units),
        [number.get(i, -1) for i in range(len(functions))],
        n_kernels,
        tuple([_unit([functions[i] for i in members]) for members in later_shares]),
        [position.get(i, -1) for i in range(len(functions))],
    )


def _shares(members: list[int], functions: Sequence[Function]) -> list[list[int]]:
    """Distribute functions over units of equal size, as many as are compiled at the same time.

    The same functions are distributed the same way each time, so that the cache has them.
    """
    n = min(usable_cores(), len(members) // LOOPS_PER_UNIT)
    if n < 2:
        return [members] if members else []
    size = {i: functions[i].size() for i in members}
    shares: list[list[int]] = [[] for _ in range(n)]
    total = [0] * n
    for i in sorted(members, key=lambda i: (-size[i], i)):
        least = total.index(min(total))
        shares[least].append(i)
        total[least] += size[i]
    return [sorted(share) for share in shares]
