"""The BLAS inside SciPy, reached by the capsules of ``scipy.linalg.cython_blas``.

Importing ``scipy.linalg`` takes 100 to 200 ms, most of it for array-API and testing modules that
have nothing to do with BLAS; the two extension modules themselves take 5, and are loaded alone.
"""

import ctypes
import functools
import importlib
import importlib.util
import os
import re
import sys
import threading
from collections.abc import Mapping, Sequence
from importlib.machinery import PathFinder
from types import ModuleType

from pytensor.tensor.blas._families import SPELLINGS, UNKNOWN, Family, family_of, symbol
from pytensor.tensor.blas._measure import measure_integer_bits, reads_old_output
from pytensor.tensor.blas._provider import BLAS_NAMES, LAPACK_NAMES, BlasProvider
from pytensor.tensor.blas._runtime import Runtime, library_of, runtime_of
from pytensor.utils import after_scipy_import, free_after_fork, lazy_scipy_module

__all__ = [
    "capsule_table",
    "lapack_pointers",
    "packed_openblas",
    "scipy_family",
    "scipy_in_process",
    "scipy_provider",
]

_PACKAGE = "scipy.linalg"
_lock = free_after_fork(threading.Lock())
_reached: set[str] = set()


def capsule_table(name: str) -> dict[str, object]:
    """Return the table of C functions that an extension module of ``scipy.linalg`` exports.

    Parameters
    ----------
    name : {"cython_blas", "cython_lapack"}
        Module below ``scipy.linalg``.
    """
    module = _load_alone(name) if _PACKAGE not in sys.modules else None
    if module is None:
        module = importlib.import_module(f"{_PACKAGE}.{name}")
    if name not in _reached:
        _reached.add(name)
        for note in after_scipy_import:
            note()
    return module.__pyx_capi__


def scipy_in_process() -> bool:
    """Tell whether SciPy's BLAS is loaded."""
    return bool(_reached) or _PACKAGE in sys.modules


def _load_alone(name: str) -> ModuleType | None:
    """The extension module, loaded from its file; None if it cannot be had in this way.

    ``sys.modules`` is left as it was: a later import of ``scipy.linalg`` runs as always, and
    gets the same module object, since extension modules made by Cython exist once per process.
    """
    # On Windows this is what makes the libraries beside SciPy loadable.
    scipy = importlib.import_module("scipy")
    full_name = f"{_PACKAGE}.{name}"
    with _lock:
        spec = PathFinder.find_spec(full_name, [f"{place}/linalg" for place in scipy.__path__])
        if spec is None or spec.loader is None or full_name in sys.modules:
            return None
        try:
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
        except (ImportError, RuntimeError):
            return None
        finally:
            # Without its parent package there, it would never become an attribute of it.
            if _PACKAGE not in sys.modules:
                sys.modules.pop(full_name, None)
    return module if hasattr(module, "__pyx_capi__") else None


def find_capsules(table: Mapping[str, object], names: Sequence[str]) -> dict[str, object]:
    """Find routines in a Cython API table, however it spells them.

    Cython and SciPy have changed spellings before (decorations in front, underscores behind), so
    names that are not there exactly are looked for without their decoration.
    """
    found = {name: table[name] for name in names if name in table}
    if len(found) < len(names):
        wanted = set(names) - found.keys()
        for spelling, capsule in table.items():
            for word in re.split(r"[^a-z0-9]+", spelling.lower()):
                name = word.lstrip("0123456789").removesuffix("64")
                if name in wanted:
                    found.setdefault(name, capsule)
    return found


def _capsule_name(capsule: object) -> bytes:
    api = ctypes.pythonapi.PyCapsule_GetName
    api.restype, api.argtypes = ctypes.c_char_p, [ctypes.py_object]
    return api(capsule) or b""


def capsule_address(capsule: object) -> int:
    """Return the pointer that a Cython capsule holds."""
    api = ctypes.pythonapi.PyCapsule_GetPointer
    api.restype, api.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    return api(capsule, _capsule_name(capsule)) or 0


def integer_bits(signature: str, daxpy: int = 0) -> int:
    """Return the width of the integers of a routine, from its C signature.

    Parameters
    ----------
    signature : str
        The name of its capsule, which is its C type.
    daxpy : int
        Address of the library's ``daxpy``, asked if the signature only has a typedef.
    """
    if re.search(r"\b(int64_t|npy_int64|long long|long)\s*\*", signature):
        return 64 if ctypes.sizeof(ctypes.c_long) == 8 or "long *" not in signature else 32
    if re.search(r"\bint\s*\*", signature):
        return 32
    return measure_integer_bits(daxpy) if daxpy else 32


@functools.cache
def scipy_provider() -> BlasProvider:
    """Return the BLAS that SciPy brought."""
    table = capsule_table("cython_blas")
    capsules = find_capsules(table, (*BLAS_NAMES, "daxpy"))
    addresses = tuple(
        capsule_address(capsules[name]) if name in capsules else 0 for name in BLAS_NAMES
    )
    if not all(addresses[:8]):
        raise RuntimeError(
            "SciPy's cython_blas has no gemm or gemv; the SciPy installation is broken"
        )
    daxpy = capsule_address(capsules["daxpy"]) if "daxpy" in capsules else 0
    bits = integer_bits(_capsule_name(capsules["dgemm"]).decode(), daxpy)
    name, version = _scipy_build_info()
    runtime = scipy_runtime()
    return BlasProvider(
        name=name,
        version=version or (runtime.version if runtime else ""),
        how="SciPy",
        int_bits=bits,
        addresses=addresses,
        why="it is always there, and nothing better was found",
        zero_first=reads_old_output(dict(zip(BLAS_NAMES, addresses)), bits),
        threading=runtime.threading if runtime else "",
        mangling=_scipy_symbol()[0],
        library=_scipy_symbol()[1],
    )


def extension_path(name: str = "cython_blas") -> str:
    """Return the file of an extension module of ``scipy.linalg``, or an empty string."""
    scipy = importlib.import_module("scipy")
    spec = PathFinder.find_spec(
        f"{_PACKAGE}.{name}", [f"{place}/linalg" for place in scipy.__path__]
    )
    return (spec.origin or "") if spec else ""


def _holds_openblas(directory: str) -> bool:
    try:
        return any("openblas" in name for name in os.listdir(directory))
    except OSError:
        return False


def packed_openblas() -> str:
    """Return the version of the OpenBLAS packed into SciPy's wheel, or an empty string.

    Wheels carry their library with them: what they record about it is true, and reading the
    record loads neither the library nor SciPy.
    """
    spec = importlib.util.find_spec("scipy")
    for place in (spec.submodule_search_locations or ()) if spec else ():
        homes = (f"{place}/../scipy.libs", f"{place}/.dylibs")
        if not any(_holds_openblas(home) for home in homes):
            continue
        record = importlib.util.spec_from_file_location("_record", f"{place}/__config__.py")
        try:
            module = importlib.util.module_from_spec(record)  # type: ignore[arg-type]
            record.loader.exec_module(module)  # type: ignore[union-attr]
            blas = module.CONFIG["Build Dependencies"]["blas"]
            return str(blas["version"]) if "openblas" in str(blas["name"]).lower() else ""
        except (AttributeError, KeyError, TypeError, OSError, ImportError):
            return ""
    return ""


@functools.cache
def scipy_runtime() -> Runtime | None:
    """Return what the library behind SciPy's capsules says about itself."""
    return runtime_of(extension_path())


@functools.cache
def _scipy_symbol() -> tuple[tuple[str, str], str]:
    """How the library behind the capsules spells its symbols, and its path."""
    try:
        handle = ctypes.CDLL(extension_path())
    except OSError:
        return ("", "_"), ""
    for spelling in SPELLINGS:
        dgemm = getattr(handle, symbol("dgemm", spelling), None)
        if dgemm is not None:
            return spelling, library_of(ctypes.cast(dgemm, ctypes.c_void_p).value or 0)
    return ("", "_"), ""


@functools.cache
def scipy_family() -> Family:
    """Return which kind of library SciPy's BLAS is.

    Distributions build SciPy against a plain ``libblas`` and put another library in its place:
    what is loaded counts before what the build recorded.
    """
    runtime = scipy_runtime()
    if runtime is not None:
        return runtime.family
    for text in (_scipy_build_info()[0], os.path.realpath(_scipy_symbol()[1] or "/")):
        family = family_of(text)
        if family is not UNKNOWN and family.name != "Netlib":
            return family
    return family_of(_scipy_symbol()[1])


def _scipy_build_info() -> tuple[str, str]:
    """Name and version of SciPy's BLAS, as its build recorded them."""
    try:
        info = lazy_scipy_module("__config__").CONFIG["Build Dependencies"]["blas"]
        return str(info.get("name", "BLAS of SciPy")), str(info.get("version", ""))
    except (AttributeError, KeyError, ImportError):
        return "BLAS of SciPy", ""


@functools.cache
def lapack_pointers(names: tuple[str, ...] = LAPACK_NAMES) -> tuple[int, ...]:
    """Return addresses of SciPy's LAPACK routines, 0 for one that is missing (32-bit integers)."""
    capsules = find_capsules(capsule_table("cython_lapack"), names)
    return tuple(capsule_address(capsules[n]) if n in capsules else 0 for n in names)
