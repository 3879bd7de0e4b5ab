"""Objects compiled when the package was installed: the driver, and the kernels every program uses.

They lie in ``_built`` beside this file, and their names say what they were made from, so that one
that does not fit this interpreter, this processor or these sources is simply not found. Beside the
kernels lies their index: the hash of the text of each, in order, so that a program finds those that
are the same as its own although nobody here knows what else was declared.
``python -m pytensor.link.c.shipped`` builds them in place; ``setup.py`` runs it for a wheel.
"""

import functools
import os
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pytensor.link.c.cache import content_key
from pytensor.link.c.dispatch import load_dispatch
from pytensor.link.c.driver import (
    _shipped_driver,
    driver_flags,
    driver_key,
    driver_source,
    find_built,
    open_unit,
)
from pytensor.link.c.toolchain import CompileError, Compiler, cpu_features, need_compiler
from pytensor.link.c.units import ready_functions, ready_unit, unit_arguments
from pytensor.utils import late

__all__ = ["BUILT", "build", "load_ready", "ready_numbers", "state"]

BUILT = Path(__file__).parent / "_built"
# More than a function may take: nobody waits for a first call, and machines that build are busy.
BUILD_SECONDS = 1800

# Set by whoever makes wheels for other machines: no instructions of this very processor.
PORTABLE = "PYTENSOR_BUILD_PORTABLE"


def _kernels_key(processor: str) -> str:
    """The hash of what the compiled kernels depend on, for one processor or any."""
    return content_key((*ready_unit().key_parts(), sysconfig.get_platform(), processor))


def _index_key(processor: str) -> str:
    """The hash of what decides whether a machine can run the kernels."""
    return content_key(("kernels", sysconfig.get_platform(), processor))


@functools.cache
def _installed() -> tuple[Any, dict[str, int]]:
    """Return the unit of declared kernels and their numbers by digest."""
    for processor in (cpu_features(), ""):
        index = find_built("kernels", _index_key(processor), ".index")
        if index is None:
            continue
        key, *digests = index.read_text(encoding="ascii", errors="replace").split()
        path = find_built("kernels", key)
        if path is not None:
            try:
                return open_unit(path), {digest: i for i, digest in enumerate(digests)}
            except (CompileError, OSError, ImportError):
                # What was installed does not load here; programs compile what they need.
                break
    return None, {}


def load_ready():
    """Return the loaded unit of declared kernels, or None where it was not installed."""
    return _installed()[0]


def ready_numbers() -> dict[str, int]:
    """Return the digests of the kernels that are installed, and their numbers in the unit."""
    return _installed()[1]


def _build_kernels(compiler: Compiler, place: Path, portable: bool) -> tuple[str, bytes]:
    flags = compiler.flags()
    if portable:
        flags = tuple(flag for flag in flags if flag not in {"-march=native", "-mcpu=native"})
    text, link, _ = unit_arguments(ready_unit())
    link = (*link, *compiler.link_flags())
    data = compiler.compile(
        text, place, flags=flags, link=link, name="_kernels", timeout=BUILD_SECONDS
    )
    return _kernels_key("" if portable else cpu_features()), data


def build(directory: Path | None = None) -> list[Path]:
    """Compile driver, kernels and interpreter.

    Parameters
    ----------
    directory : Path, optional
        Where ``_built`` is made; beside this file by default.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    CompileError
        Without a compiler, without the headers of Python, or if the compiler fails.
    """
    import tempfile  # noqa: PLC0415  (slow to import, seldom needed)
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415

    compiler = need_compiler()
    load_dispatch()
    place = Path(__file__).parent if directory is None else Path(directory)
    place = place / "_built"
    place.mkdir(parents=True, exist_ok=True)
    portable = bool(os.environ.get(PORTABLE))
    processor = "" if portable else cpu_features()
    with tempfile.TemporaryDirectory() as scratch, ThreadPoolExecutor() as pool:
        # At the same time, the longest first.
        interpreter = pool.submit(late("pytensor.link.c.vm:build"), compiler, place, portable)
        loops = pool.submit(_build_kernels, compiler, Path(scratch), portable)
        driver = compiler.compile(
            driver_source(),
            Path(scratch),
            flags=driver_flags(compiler, "-O2"),
            name="_driver",
            timeout=BUILD_SECONDS,
        )
        tag = f"driver-{sys.implementation.cache_tag}"
        paths = [_replace(place, tag, driver_key(), driver)]
        kernels = loops.result()
        paths.append(_replace(place, "kernels", *kernels))
        # After them: it names the kernels it is of.
        digests = [function.digest() for function in ready_functions()]
        index = "\n".join((kernels[0], *digests)).encode()
        paths.append(_replace(place, "kernels", _index_key(processor), index, ".index"))
        return [*paths, *interpreter.result()]


def state() -> dict[str, str]:
    """Say of each object whether it is used: "ready", "missing", "out of date", or "does not load".

    Out of date: there is one, of other sources, or for another interpreter or processor.
    """
    load_dispatch()
    vm = late("pytensor.link.c.vm:state")
    digests = {function.digest() for function in ready_functions()}
    tag = f"driver-{sys.implementation.cache_tag}"
    found = find_built(tag, driver_key()) is not None
    return {
        "driver": _state(tag, found, lambda: _shipped_driver() is not None),
        "kernels": _state(
            "kernels", digests <= {*ready_numbers()}, lambda: load_ready() is not None
        ),
        "interpreter": vm(),
    }


def _state(kind: str, fits: bool, loads: Callable[[], bool]) -> str:
    if fits:
        return "ready" if loads() else "does not load"
    return "out of date" if any(BUILT.glob(f"{kind}-*.so")) else "missing"


def _replace(place: Path, kind: str, key: str, data: bytes, suffix: str = ".so") -> Path:
    """Write a file and remove those of its kind that it replaces."""
    path = place / f"{kind}-{key[:32]}{suffix}"
    fresh = path.with_suffix(f".{os.getpid()}")
    fresh.write_bytes(data)
    os.replace(fresh, path)
    for old in place.glob(f"{kind}-*{suffix}"):
        if old != path:
            old.unlink(missing_ok=True)
    return path


if __name__ == "__main__":
    for path in build(Path(sys.argv[1]) if len(sys.argv) > 1 else None):
        print(path)
