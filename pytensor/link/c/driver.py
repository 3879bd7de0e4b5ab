"""Get the driver extension (shipped, cached or built now) and load compiled units."""

import contextlib
import functools
import importlib.machinery
import importlib.util
import sys
import sysconfig
import threading
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from pytensor.link.c.cache import content_key, get_cache
from pytensor.link.c.source import C_CODE, Source, UnitBuilder
from pytensor.link.c.toolchain import (
    CompileError,
    Compiler,
    cpu_features,
    environment_key,
    find_compiler,
    need_compiler,
)
from pytensor.utils import free_after_fork

__all__ = ["driver_source", "get_driver", "load_unit", "load_units"]

_lock = free_after_fork(threading.RLock())


@functools.cache
def driver_source() -> str:
    """Return the driver as one text."""
    unit = UnitBuilder()
    unit.add(Source(C_CODE, "driver.c"))
    return unit.text()


def _interpreter_key() -> tuple[str, ...]:
    """What a compiled extension depends on besides its text."""
    return (
        sys.implementation.cache_tag or sys.implementation.name,
        str(sysconfig.get_config_var("SOABI")),
        sysconfig.get_platform(),
        str(sysconfig.get_config_var("Py_GIL_DISABLED")),
        np.__version__.partition(".")[0],
    )


def driver_key() -> str:
    """Return the hash that a driver shipped with the package must carry to be used."""
    return content_key((driver_source(), *_interpreter_key()))


def driver_flags(compiler: Compiler, level: str = "-O1") -> tuple[str, ...]:
    """Portable flags. ``-O2`` takes half as long again and saves 1 % of a call."""
    includes = [sysconfig.get_path("include"), sysconfig.get_path("platinclude"), np.get_include()]
    flags = ["-std=gnu11", level, "-DNDEBUG", "-shared", "-fPIC", "-fvisibility=hidden", "-w"]
    if sys.platform == "darwin":
        flags += ["-undefined", "dynamic_lookup"]
    if compiler.kind == "zig":
        flags.append("-fno-sanitize=all")
    return (*flags, *(f"-I{path}" for path in dict.fromkeys(includes)))


def build_driver(compiler: Compiler, directory: Path) -> bytes:
    """Compile the driver extension and return it."""
    header = Path(sysconfig.get_path("include"), "Python.h")
    if not header.exists():
        raise CompileError(f"[C compiler] the headers of Python are missing ({header})")
    return compiler.compile(
        driver_source(), directory, flags=driver_flags(compiler), name="_driver"
    )


def find_built(kind: str, key: str, suffix: str = ".so") -> Path | None:
    """Return the path of a file installed with the package, if it was made from this very key."""
    path = Path(__file__).parent / "_built" / f"{kind}-{key[:32]}{suffix}"
    return path if path.exists() else None


def _shipped_driver():
    """The driver installed with the package, if it was built from this very source."""
    path = find_built(f"driver-{sys.implementation.cache_tag}", driver_key())
    if path is None:
        return None
    try:
        return _load_extension(path)
    except (OSError, ImportError):
        # Built against other system libraries: one is built here.
        return None


def _load_extension(path: Path):
    loader = importlib.machinery.ExtensionFileLoader("pytensor.link.c._driver", str(path))
    spec = importlib.util.spec_from_file_location(loader.name, path, loader=loader)
    assert spec is not None, "with a loader given there is a spec"
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


_driver = None


def prefetch_driver() -> None:
    """Begin to load or build the driver in a thread: a build takes as long as a small program's."""
    if _driver is None:
        threading.Thread(target=_try_driver, daemon=True, name="pytensor-driver").start()


def _try_driver() -> None:
    # Whoever needs the driver tries again and gets the error.
    with contextlib.suppress(CompileError, OSError):
        get_driver()


def get_driver():
    """Return the driver module.

    Raises
    ------
    CompileError
        When it is neither shipped nor cached and cannot be built.
    """
    global _driver
    if _driver is None:
        with _lock:
            if _driver is None:
                _driver = _shipped_driver() or _cached_driver()
    return _driver


def _cached_driver():
    compiler = need_compiler()
    key = content_key((driver_key(), compiler.identity, environment_key()))
    return _load(key, lambda place: build_driver(compiler, place), _load_extension)


def _load(key: str, build: Callable[[Path], bytes], load: Callable[[Path], object]):
    """Load an entry of the cache; where code may not be loaded from it, from the session's place."""
    try:
        return get_cache().load(key, build, load)
    except (OSError, ImportError) as error:
        raise CompileError(f"[C compiler] the compiled code does not load: {error}") from error


class Unit:
    """A loaded translation unit; kept open while a program uses it."""

    __slots__ = ("__weakref__", "capsule", "key")

    def __init__(self, key: str, capsule):
        self.key = key
        self.capsule = capsule


def open_unit(path: Path) -> Unit:
    """Load a unit from a file of the package."""
    return Unit(path.name, get_driver().load(path))


_units: weakref.WeakValueDictionary[str, Unit] = weakref.WeakValueDictionary()


def load_unit(
    source: str,
    link: Sequence[str] = (),
    level: str = "-O3",
    waiting: Callable[[Callable[[], bytes]], bytes] | None = None,
) -> Unit:
    """Return the compiled form of a translation unit: from this process, the cache, or the compiler.

    Parameters
    ----------
    source : str
        Complete C text that defines ``pt_kernels`` and ``pt_kernel_count``.
    link : sequence of str
        Linker arguments of a library the unit calls by name.
    level : str
        Level of optimization.
    waiting : callable, optional
        Runs the compiler, if need be.
    """
    compiler = need_compiler()
    key, flags, link = _unit_key(compiler, source, link, level)
    unit = _units.get(key)
    if unit is None:

        def build(place: Path) -> bytes:
            def run() -> bytes:
                return compiler.compile(source, place, flags=flags, link=link)

            return run() if waiting is None else waiting(run)

        capsule = _load(key, build, lambda path: get_driver().load(path))
        # Two threads may have loaded it; either object is good.
        unit = _units.setdefault(key, Unit(key, capsule))
    return unit


def _unit_key(compiler: Compiler, source: str, link: Sequence[str], level: str):
    """Return the key of a unit, and the flags before and behind its source."""
    flags = compiler.flags(level)
    link = (*link, *compiler.link_flags())
    key = content_key(
        (
            source,
            compiler.identity,
            environment_key(),
            cpu_features(),
            "\0".join((*flags, "", *link)),
        )
    )
    return key, flags, link


def find_units(wanted: Sequence[tuple[str, Sequence[str], str]]) -> list[Unit] | None:
    """Return units, given as for `load_units`, if this process or the cache has all of them."""
    compiler = find_compiler()
    if compiler is None:
        return None
    for arguments in wanted:
        key, _, _ = _unit_key(compiler, *arguments)
        if key not in _units and get_cache().find(key) is None:
            return None
    return [load_unit(*arguments) for arguments in wanted]


def load_units(
    wanted: Sequence[tuple[str, Sequence[str], str]],
    waiting: Callable[[Callable[[], bytes]], bytes] | None = None,
) -> list[Unit]:
    """Load several units, given as (source, linker arguments, level), compiling at the same time."""
    loaded: list[Unit | BaseException | None] = [None] * len(wanted)

    def work(i: int) -> None:
        try:
            loaded[i] = load_unit(*wanted[i], waiting)
        except BaseException as error:
            loaded[i] = error

    threads = [threading.Thread(target=work, args=(i,), daemon=True) for i in range(1, len(wanted))]
    for thread in threads:
        thread.start()
    if wanted:
        # Not through `work`: an interrupt ends the call without waiting for the others.
        loaded[0] = load_unit(*wanted[0], waiting)
    for thread in threads:
        thread.join()
    units = []
    for result in loaded:
        if isinstance(result, BaseException):
            raise result
        assert result is not None, "every thread has ended"
        units.append(result)
    return units
