"""The interpreter's object: a block function for each scalar expression, compiled at installation.

`functions` lists what scalar Ops need, through the same writer that makes native code; `build`
compiles it; `load` and `index` find it. Beside the object lies a text with the names of its
functions, in order: an expression that is not among them is compiled the usual way.
"""

import functools
import hashlib
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pytensor.link.c.cache import content_key
from pytensor.link.c.dispatch.basic import C_CODE, Source, c_suffix, itemsize, value_type
from pytensor.link.c.driver import Unit, open_unit
from pytensor.link.c.source import build_unit, files_of
from pytensor.link.c.toolchain import CompileError, Compiler, cpu_features
from pytensor.utils import late

if TYPE_CHECKING:
    from pytensor.link.c.dispatch.reduce import Reducer

__all__ = ["Index", "build", "copy_name", "index", "load", "reducer_name"]

_FILES = ("vm.c", "vm_block.h", "math_real.c", "math_int.c", "math_complex.c", "math_cast.h", "math_special.c", "math_special_complex.c", "half.h", "reduce.c")  # fmt: skip


class Index(NamedTuple):
    """What the installed object can do.

    Attributes
    ----------
    path : Path
        Of the object.
    build : int
        Its identity, which programs carry.
    blocks, reducers : dict of str to int
        Numbers of the block functions and reducers by their names.
    """

    path: Path
    build: int
    blocks: dict[str, int]
    reducers: dict[str, int]


def _key(processor: str) -> str:
    """The hash of the C files, for one processor or any."""
    files = files_of(Source(C_CODE, name) for name in _FILES)
    return content_key((*files, sysconfig.get_platform(), processor))


def _list_path(processor: str, place: Path | None = None) -> Path:
    place = Path(__file__).parent / "_built" if place is None else place
    return place / f"vm-{_key(processor)[:32]}.txt"


@functools.cache
def index() -> Index | None:
    """Return what the interpreter can do here, or None where its object was not installed."""
    for processor in (cpu_features(), ""):
        found = _read(_list_path(processor))
        if found is not None:
            return found
    return None


def _read(path: Path) -> Index | None:
    try:
        head, blocks, reducers = path.read_text("utf-8").split("\n\n")
    except (OSError, ValueError):
        return None
    build_id, name = head.split()
    numbered = [
        {line: i for i, line in enumerate(part.split("\n"))} for part in (blocks, reducers.rstrip())
    ]
    return Index(path.parent / name, int(build_id, 16), *numbered)


@functools.cache
def load() -> Unit | None:
    """Return the interpreter's unit, whose kernels are numbered as in `pytensor.link.c.interpreter`."""
    found = index()
    if found is None:
        return None
    try:
        return open_unit(found.path)
    except (CompileError, OSError, ImportError):
        # What was installed does not load here; programs are compiled.
        return None


def state() -> str:
    """Say whether the object is used, as `pytensor.link.c.shipped.state` does."""
    found = index()
    if found is not None and found.build == int(content_key((_unit()[2],))[:16], 16):
        return "ready" if load() is not None else "does not load"
    there = any((Path(__file__).parent / "_built").glob("vm-*.so"))
    return "out of date" if there else "missing"


def copy_name(dtype: str, scalar: bool) -> str:
    """Return the name of the function that copies elements, or fills a block with one."""
    suffix = {1: "u8", 2: "u16", 4: "u32", 8: "u64", 16: "c128"}[itemsize(dtype)]
    return f"{{0}}\t{suffix} {suffix}\t{'s' if scalar else 'v'}"


def reducer_name(reducer: "Reducer") -> str:
    """Return the name of a reducer, which says everything it depends on."""
    defined = repr(reducer.sources[-1].defines).encode()
    return f"{reducer.name} {hashlib.sha256(defined).hexdigest()[:16]}"


# -- making it -------------------------------------------------------------------------------------


def build(compiler: Compiler, place: Path, portable: bool = False) -> list[Path]:
    """Compile the interpreter into a directory, unless it is there.

    Returns
    -------
    list of Path
        The object and the list of its functions.
    """
    import os  # noqa: PLC0415  (only here)
    import tempfile  # noqa: PLC0415  (slow to import, seldom needed)

    blocks, reducers, text = _unit()
    build_id = content_key((text,))[:16]
    listed = _list_path("" if portable else cpu_features(), place)
    built = place / f"{listed.stem}-{build_id}.so"
    lines = [f"{build_id} {built.name}\n", *blocks]
    content = "\n".join([*lines, "", *reducers]) + "\n"
    if built.exists() and listed.exists() and listed.read_text("utf-8") == content:
        return [built, listed]
    flags = compiler.flags()
    if portable:
        flags = tuple(flag for flag in flags if flag not in {"-march=native", "-mcpu=native"})
    text += f"const uint64_t vm_build = 0x{build_id}ull;\n"
    with tempfile.TemporaryDirectory() as scratch:
        link = ("-lmvec", *compiler.link_flags())
        limit = late("pytensor.link.c.shipped:BUILD_SECONDS")
        data = compiler.compile(
            text, Path(scratch), flags=flags, link=link, name="_vm", timeout=limit
        )
    for path, what in ((built, data), (listed, content.encode())):
        fresh = path.with_suffix(f".{os.getpid()}")
        fresh.write_bytes(what)
        os.replace(fresh, path)
    for old in place.glob("vm-*"):
        if old not in (built, listed) and old.suffix in (".so", ".txt"):
            old.unlink(missing_ok=True)
    index.cache_clear()
    load.cache_clear()
    return [built, listed]


def _unit() -> tuple[list[str], list[str], str]:
    """Return the names of the block functions and reducers, and the text of the unit."""
    from pytensor.link.c.vm_functions import block_functions, reducers  # noqa: PLC0415

    blocks, sources = block_functions()
    makers = reducers()
    for reducer in makers.values():
        sources |= dict.fromkeys(reducer.sources)
    order = sorted(blocks)
    text = [_function(i, name) for i, name in enumerate(order)]
    names = ", ".join(f"vm_{i}" for i in range(len(order)))
    sizes = ", ".join(_sizes(name) for name in order)
    table = ", ".join(f"&{by.name}" for by in makers.values())
    text += [
        f"vm_block *const vm_blocks[] = {{{names}}};",
        f"const vm_sizes vm_block_sizes[] = {{{sizes}}};",
        f"const int32_t vm_block_count = {len(order)};",
        f"const pt_reducer *const vm_reducers[] = {{{table}}};",
        f"const int32_t vm_reducer_count = {len(makers)};\n",
    ]
    files = (*sources, Source(C_CODE, "vm.c"), Source(C_CODE, "vm_block.h"))
    return order, list(makers), build_unit(files, "\n".join(text))


_DTYPES = {
    c_suffix(dtype): dtype
    for kind in ("int", "uint")
    for dtype in [f"{kind}{bits}" for bits in (8, 16, 32, 64)]
} | {c_suffix(d): d for d in ("bool", "float32", "float64", "complex64", "complex128")}
_DTYPES["f16"] = "float16"


def _parts(name: str) -> tuple[str, list[str], str]:
    template, suffixes, kinds = name.split("\t")
    return template, [_DTYPES[s] for s in suffixes.split(" ")], kinds


def _function(number: int, name: str) -> str:
    """Return the line of C for a block function; its name says it all."""
    template, (result, *operands), kinds = _parts(name)
    declared: dict[str, list[str]] = {"s": [], "v": []}
    for x, dtype, kind in zip("abcd", operands, kinds):
        declared[kind].append(f"VM_{kind.upper()}({value_type(dtype)}, {x})")
    ones, vectors = " ".join(declared["s"]), " ".join(declared["v"])
    expression = template.format(*"abcd"[: len(operands)])
    return f"VM_FUNCTION({number}, {value_type(result)}, {ones}, {vectors}, {expression})"


def _sizes(name: str) -> str:
    _, (result, *operands), kinds = _parts(name)
    sizes = [str(itemsize(result))]
    sizes += [f"{itemsize(d)}{' | VM_ONE' if k == 's' else ''}" for d, k in zip(operands, kinds)]
    return "{" + ", ".join([*sizes, "0", "0", "0", "0"][:5]) + "}"
