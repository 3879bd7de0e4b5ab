"""How an Op becomes C: the dispatch function `c_funcify` and what it returns, a `CKernel`."""

from collections.abc import Callable, Mapping
from functools import singledispatch
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from pytensor.link.c.source import C_CODE, Source

if TYPE_CHECKING:
    from pytensor.graph.basic import Apply
    from pytensor.graph.op import Op
    from pytensor.link.c.interpreter import Interpreted

__all__ = [
    "C_CODE",
    "C_TYPES",
    "CKernel",
    "Source",
    "c_funcify",
    "c_suffix",
    "c_type",
    "itemsize",
    "value_suffix",
    "value_type",
]


_NONE: Mapping[int, Any] = MappingProxyType({})


class CKernel:
    """The C implementation of one node.

    `body` is the inside of a function that returns a status. It sees ``ctx``, the inputs
    ``x0, x1, ...`` (``const pt_array *``) and the outputs ``z0, z1, ...`` (``pt_array *``).
    Falling off the end means success; ``return pt_fail(ctx, PT_VALUE_ERROR, "...")`` raises.
    Every output is given memory with ``pt_alloc`` or made a view of its input.

    Parameters
    ----------
    body : str
        C statements. Equal bodies share one function, so literals that differ between nodes
        (names, large constants) do not belong here; axes, ndim and dtypes do.
    sources : tuple of Source
        Files whose definitions the body uses.
    views : mapping of int to int
        Output -> input whose memory it views.
    copies : tuple of int
        Outputs among `views` that the body may have to copy instead, with ``pt_alloc``.
    inplace : mapping of int to tuple of int
        Output -> inputs it may be written over when they die here. The memory plan decides;
        ``pt_alloc`` then returns the memory of an input with the same shape and itemsize that
        is C-contiguous, so element i may be overwritten once element i was read.
    destroys : mapping of int to int
        Output -> input whose memory it overwrites and becomes (the op's ``destroy_map``). The
        body sets the output with ``pt_view``.
    flags : tuple of str
        What the unit needs by name: ``"blas"``, ``"lapack"``, ``"special"``, ``"libmvec"``.
    unused : tuple of int
        Inputs the body never reads, not even their shape; their values need not be kept.
    blocks : tuple of FunctionGraph
        Inner graphs that become blocks of steps in the same program. The body sees the inputs
        and outputs of block ``b`` as ``b0x0 ... b0z0 ...`` (all ``pt_array *``), and its number
        for ``pt_run(ctx, block0)``.
    functions : tuple of str
        Texts of functions the body calls; equal texts are written once per unit.
    interpreted : Interpreted, optional
        The same work for the interpreter (`pytensor.link.c.interpreter`), which needs no compiler.
    data : bytes, optional
        Parameters (int64) of a body that serves many nodes. It finds inputs, outputs and arrays of
        blocks in ``args``, in this order, instead of under names, and at ``const void *program``
        an int64 with the number of bytes, one for the number of each block, then the parameters.
    specialise : callable, optional
        Returns a faster kernel for what the first call left in the data of its step, which is the
        argument; None if there is none, LookupError if there was no call yet.
    """

    __slots__ = (
        *("blocks", "body", "copies", "data", "destroys", "flags", "functions", "inplace"),
        *("interpreted", "sources", "specialise", "unused", "views"),
    )

    # Written out: `dataclass` would take a millisecond of every process that compiles something.
    def __init__(
        self,
        body: str,
        sources: tuple[Source, ...] = (),
        views: Mapping[int, int] = _NONE,
        copies: tuple[int, ...] = (),
        inplace: Mapping[int, tuple[int, ...]] = _NONE,
        destroys: Mapping[int, int] = _NONE,
        flags: tuple[str, ...] = (),
        unused: tuple[int, ...] = (),
        blocks: tuple[Any, ...] = (),
        functions: tuple[str, ...] = (),
        interpreted: "Interpreted | None" = None,
        data: bytes | None = None,
        specialise: "Callable[[bytes], CKernel | None] | None" = None,
    ):
        self.body = body
        self.sources = sources
        self.views = views
        self.copies = copies
        self.inplace = inplace
        self.destroys = destroys
        self.flags = flags
        self.unused = unused
        self.blocks = blocks
        self.functions = functions
        self.interpreted = interpreted
        self.data = data
        self.specialise = specialise


class LaterKernel(CKernel):
    """A kernel that the interpreter runs; its C is written when somebody asks for it.

    Parameters
    ----------
    make : callable
        Returns the native kernel.
    interpreted : Interpreted
    inplace, destroys, flags
        Those of the native kernel.
    """

    __slots__ = ("_made", "_make")

    def __init__(
        self,
        make: Callable[[], CKernel | None],
        interpreted: "Interpreted",
        inplace: Mapping[int, tuple[int, ...]] = _NONE,
        destroys: Mapping[int, int] = _NONE,
        flags: tuple[str, ...] = (),
    ):
        self._make = make
        self._made: CKernel | None = None
        self.views, self.copies, self.inplace, self.destroys = _NONE, (), inplace, destroys
        self.flags, self.unused, self.blocks = flags, (), ()
        self.interpreted, self.data, self.specialise = interpreted, None, None

    def native(self) -> CKernel:
        """Return the compiled form; two threads that ask at once write the same."""
        if self._made is None:
            self._made = self._make()
            assert self._made is not None, "what can be interpreted has C"
        return self._made

    @property
    def body(self) -> str:  # type: ignore[override]
        return self.native().body

    @property
    def sources(self) -> tuple[Source, ...]:  # type: ignore[override]
        return self.native().sources

    @property
    def functions(self) -> tuple[str, ...]:  # type: ignore[override]
        return self.native().functions


@singledispatch
def c_funcify(op: "Op", node: "Apply | None" = None, **kwargs) -> CKernel | None:
    """Return the kernel of `node`, or None when ``Op.perform`` must do the work.

    The answer may depend on the op, the types of inputs and outputs and the data of constant
    inputs, on nothing else: nodes that agree in these share one answer.
    """
    return None


C_TYPES = {
    "bool": "uint8_t",
    "int8": "int8_t",
    "int16": "int16_t",
    "int32": "int32_t",
    "int64": "int64_t",
    "uint8": "uint8_t",
    "uint16": "uint16_t",
    "uint32": "uint32_t",
    "uint64": "uint64_t",
    "float32": "float",
    "float64": "double",
    "complex64": "float _Complex",
    "complex128": "double _Complex",
}

_SUFFIXES = {
    "bool": "bool",
    "int8": "i8",
    "int16": "i16",
    "int32": "i32",
    "int64": "i64",
    "uint8": "u8",
    "uint16": "u16",
    "uint32": "u32",
    "uint64": "u64",
    "float32": "f32",
    "float64": "f64",
    "complex64": "c64",
    "complex128": "c128",
}

_ITEMSIZES = {name: np.dtype(name).itemsize for name in (*C_TYPES, "float16")}


def c_type(dtype: str) -> str | None:
    """Return the C type of a dtype, or None if C has none (float16)."""
    return C_TYPES.get(dtype)


def c_suffix(dtype: str) -> str | None:
    """Return the suffix that names a dtype in C helper functions (``f64``, ``u8``...)."""
    return _SUFFIXES.get(dtype)


def value_type(dtype: str) -> str | None:
    """Return the C type of elements; those of float16 are bits, see c_code/half.h."""
    return "uint16_t" if dtype == "float16" else C_TYPES.get(dtype)


def value_suffix(dtype: str) -> str | None:
    """Return `c_suffix`, or ``f16``."""
    return "f16" if dtype == "float16" else _SUFFIXES.get(dtype)


def itemsize(dtype: str) -> int:
    """Return the bytes per element of a dtype."""
    return _ITEMSIZES[dtype]
