"""The BLAS that NumPy brought, reached within the process.

NumPy's library is there in every process, so that using it loads nothing, links nothing and writes
nothing. It is asked for through the handle of NumPy's own extension module: the dynamic loader
looks among the libraries this module uses, and nowhere else. Only a library that says what it is
(`pytensor.tensor.blas._runtime`) is called, and only after each routine gave right numbers.
"""

import ctypes
import functools
import hashlib
import os
import re
import sys
from collections.abc import Mapping

import numpy as np

from pytensor.tensor.blas._families import SPELLINGS, symbol
from pytensor.tensor.blas._measure import (
    measure_integer_bits,
    reads_old_output,
    wrong_routines,
)
from pytensor.tensor.blas._provider import BLAS_NAMES, BlasProvider
from pytensor.tensor.blas._runtime import ENVIRONMENT, Runtime, library_of, runtime_of
from pytensor.utils import late

__all__ = ["Unusable", "is_newer_or_same", "numpy_extension", "numpy_provider"]

_EXTENSIONS = ("numpy._core._multiarray_umath", "numpy.core._multiarray_umath")


class Unusable(Exception):
    """Why NumPy's library is not called directly."""


def numpy_extension() -> str:
    """Return the file of NumPy's extension module that is linked with BLAS, or an empty string."""
    module = next((sys.modules[name] for name in _EXTENSIONS if name in sys.modules), None)
    return getattr(module, "__file__", None) or ""


def _loaded_handle(path: str) -> ctypes.CDLL | None:
    """A handle that finds the routines NumPy uses; None if that would have to load something."""
    if not path:
        return None
    try:
        if os.name == "nt":
            return _windows_handle(path)
        return ctypes.CDLL(path, os.RTLD_NOW | getattr(os, "RTLD_NOLOAD", 0))
    except OSError:
        return None


def _windows_handle(path: str) -> ctypes.CDLL | None:
    """The library beside NumPy: Windows does not look among what a module uses."""
    import glob  # noqa: PLC0415  (only here)

    package = os.path.dirname(os.path.dirname(path))
    for place in (f"{os.path.dirname(package)}/numpy.libs", f"{package}/.libs"):
        for file in sorted(glob.glob(f"{glob.escape(place)}/*openblas*.dll")):
            kernel = ctypes.WinDLL("kernel32")  # type: ignore[attr-defined]
            if kernel.GetModuleHandleW(ctypes.c_wchar_p(os.path.basename(file))):
                return ctypes.CDLL(file)
    return None


def _address(handle: ctypes.CDLL, name: str) -> int:
    # Every lookup by index gives a function object of its own.
    try:
        return ctypes.cast(handle[name], ctypes.c_void_p).value or 0
    except AttributeError:
        return 0


def _spelling(handle: ctypes.CDLL, runtime: Runtime) -> tuple[tuple[str, str], str]:
    """How the recognised library spells its routines, and its path."""
    path = library_of(runtime.address)
    for spelling in SPELLINGS:
        dgemm = _address(handle, symbol("dgemm", spelling))
        if dgemm and library_of(dgemm) == path:
            return spelling, path
    raise Unusable("its Fortran routines are not found")


@functools.cache
def _looked_up(path: str) -> "BlasProvider | Unusable":
    try:
        return _look_up(path)
    except Unusable as reason:
        return reason


def numpy_provider() -> BlasProvider:
    """Return the BLAS that NumPy uses, found and tried once per process.

    Raises
    ------
    Unusable
        If it is not recognised, or not right.
    """
    found = _looked_up(numpy_extension())
    if isinstance(found, Unusable):
        raise found
    return found


def _look_up(path: str) -> BlasProvider:
    handle = _loaded_handle(path)
    runtime = runtime_of(handle) if handle is not None else None
    if handle is None or runtime is None:
        raise Unusable("the library NumPy uses does not say what it is")
    if not runtime.version or runtime.threading in {"", "none"}:
        raise Unusable("it does not say which version it is, or has no threads")
    spelling, library = _spelling(handle, runtime)
    table = {name: _address(handle, symbol(name, spelling)) for name in BLAS_NAMES}
    return BlasProvider(
        name=runtime.family.name,
        version=runtime.version,
        how="NumPy",
        addresses=tuple(table.values()),
        why="",
        threading=runtime.threading,
        mangling=spelling,
        library=library or handle._name,
        keep_alive=handle,
        **_facts(table, _address(handle, symbol("daxpy", spelling)), runtime, library),
    )


def _facts(table: Mapping[str, int], daxpy: int, runtime: Runtime, library: str) -> dict:
    """Return what calling the routines shows; kept on disk for a library that stays as it is."""
    if not library:
        return _tried(table, daxpy, library)
    info = os.stat(library)
    parts = [
        *("blas-numpys-1", library, str(info.st_size), str(info.st_mtime_ns)),
        *(np.__version__, runtime.version, runtime.threading, ",".join(table)),
        late("pytensor.link.c.toolchain:cpu_features")(),
        *(f"{name}={os.environ.get(name, '')}" for name in ENVIRONMENT),
    ]
    digest = hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
    cache = late("pytensor.link.c.cache:get_cache")()
    known = cache.get_bytes(f"blas-{digest}", lambda _: _as_bytes(_tried(table, daxpy, library)))
    facts = _from_bytes(known)
    # Whole, but not what this version writes: never believed.
    return _tried(table, daxpy, library) if facts is None else facts


def _as_bytes(facts: Mapping) -> bytes:
    return f"{facts['int_bits']} {int(facts['zero_first'])}".encode()


def _from_bytes(data: bytes) -> dict | None:
    match = re.fullmatch(rb"(32|64) ([01])", data)
    if match is None:
        return None
    return {"int_bits": int(match[1]), "zero_first": match[2] == b"1"}


def _tried(table: Mapping[str, int], daxpy: int, library: str) -> dict:
    """Facts found out by calling the routines."""
    lacking = [name for name, address in table.items() if not address]
    if lacking or not daxpy:
        raise Unusable(f"it lacks {', '.join(lacking or ['daxpy'])}")
    strays = [name for name, address in table.items() if library_of(address) != library]
    if strays:
        raise Unusable(f"{', '.join(strays)} would come from another library")
    bits = measure_integer_bits(daxpy)
    wrong = wrong_routines(table, bits)
    if wrong:
        raise Unusable(f"wrong numbers from {', '.join(wrong)}")
    return {"int_bits": bits, "zero_first": reads_old_output(table, bits)}


def _numbers(version: str) -> tuple[int, ...]:
    """The numbers a version begins with.

    Examples
    --------
    >>> _numbers("0.3.31.188.0"), _numbers("0.3.28.dev"), _numbers("")
    ((0, 3, 31, 188, 0), (0, 3, 28), ())
    """
    match = re.match(r"\d+(\.\d+)*", version)
    return tuple(map(int, match.group().split("."))) if match else ()


def is_newer_or_same(version: str, other: str) -> bool:
    """Tell whether a version is known and not older than another known one.

    Examples
    --------
    >>> is_newer_or_same("0.3.31.188.0", "0.3.31"), is_newer_or_same("0.3.9", "0.3.10")
    (True, False)
    """
    mine, theirs = _numbers(version), _numbers(other)
    return bool(mine and theirs) and mine >= theirs
