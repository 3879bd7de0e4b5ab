"""What a loaded BLAS says about itself: its kind, its version, its threads.

A library is asked through the handle of something that was linked against it: the dynamic loader
then looks exactly among the libraries that something uses, and nothing else gets loaded.
"""

import ctypes
import functools
import os
import sys
from collections.abc import Callable
from typing import NamedTuple

from pytensor.tensor.blas._families import FAMILIES, Family

__all__ = [
    "ENVIRONMENT",
    "Runtime",
    "is_loaded",
    "library_of",
    "loaded_libraries",
    "openmp_runtimes",
    "runtime_of",
]

# What steers a linker or a loader, or the choice of kernels.
ENVIRONMENT = (
    *("LIBRARY_PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH"),
    *("LD_PRELOAD", "LDFLAGS", "COMPILER_PATH", "SDKROOT", "CONDA_PREFIX", "MKLROOT"),
    *(
        "MKL_THREADING_LAYER",
        "MKL_INTERFACE_LAYER",
        "OPENBLAS_CORETYPE",
        "BLIS_ARCH_TYPE",
        "FLEXIBLAS",
    ),
)
# What builds put around the names of C functions.
_DECORATIONS = (("", ""), ("scipy_", ""), ("scipy_", "64_"), ("", "64_"), ("", "_64"), ("", "64"))


class Runtime(NamedTuple):
    """A loaded library that was recognised by its functions.

    Parameters
    ----------
    family : Family
    version : str
    threading : str
        What its threads are made with, or an empty string where it doesn't say.
    get_threads, set_threads : callable
        Read and set the number of threads.
    address : int
        Of its function that sets the number: two handles with the same one reach one library.
    """

    family: Family
    version: str
    threading: str
    get_threads: Callable[[], int]
    set_threads: Callable[[int], object]
    address: int


def runtime_of(path: "str | ctypes.CDLL") -> Runtime | None:
    """Return what can be said about the BLAS that a loaded extension or library uses."""
    if not path:
        return None
    try:
        handle = path if isinstance(path, ctypes.CDLL) else ctypes.CDLL(path)
    except OSError:
        return None
    for family in FAMILIES:
        for decoration in _DECORATIONS if family.set_threads else ():
            setter = _function(handle, family.set_threads, decoration)
            getter = _function(handle, family.get_threads, decoration)
            if setter is None or getter is None:
                continue
            setter.argtypes, setter.restype = [ctypes.c_int], None
            getter.argtypes, getter.restype = [], ctypes.c_int
            version, threading = _details(handle, family.name, decoration)
            if "AOCL" in version:
                family = next(f for f in FAMILIES if f.name == "AOCL")
            elif family.name == "AOCL":
                family = next(f for f in FAMILIES if f.name == "BLIS")
            address = ctypes.cast(setter, ctypes.c_void_p).value or 0
            return Runtime(family, version, threading, getter, setter, address)
    return None


def _function(handle: ctypes.CDLL, name: str, decoration: tuple[str, str] = ("", "")):
    # Every lookup gives a new function object, so that types can be set.
    try:
        return handle[f"{decoration[0]}{name}{decoration[1]}"]
    except AttributeError:
        return None


def _details(handle: ctypes.CDLL, name: str, decoration: tuple[str, str]) -> tuple[str, str]:
    """The version and the kind of threads."""
    if name == "OpenBLAS":
        words = _text(handle, "openblas_get_config", decoration).split()
        version = next((word for word in words if word[:1].isdigit()), "")
        parallel = _function(handle, "openblas_get_parallel", decoration)
        kind = parallel() if parallel else 1
        return version, {0: "none", 1: "pthreads", 2: "OpenMP"}.get(kind, "")
    if name in {"BLIS", "AOCL"}:
        version = _text(handle, "bli_info_get_version_str", decoration)
        for kind, label in (("openmp", "OpenMP"), ("pthreads", "pthreads")):
            enabled = _function(handle, f"bli_info_get_enable_{kind}", decoration)
            if enabled and enabled():
                return version, label
        return version, "none"
    if name == "MKL":
        return _mkl_version(handle), _mkl_layer()
    return "", ""


def _text(handle: ctypes.CDLL, name: str, decoration: tuple[str, str]) -> str:
    function = _function(handle, name, decoration)
    if function is None:
        return ""
    function.argtypes, function.restype = [], ctypes.c_char_p
    return (function() or b"").decode("ascii", "replace")


def _mkl_version(handle: ctypes.CDLL) -> str:
    function = _function(handle, "MKL_Get_Version_String")
    if function is None:
        return ""
    text = ctypes.create_string_buffer(200)
    function(text, 200)
    words = text.value.decode("ascii", "replace").split()
    return next((word.removesuffix("-Product") for word in words if word[:1].isdigit()), "")


def _mkl_layer() -> str:
    for path in loaded_libraries():
        name = os.path.basename(path)
        for part, label in (
            ("mkl_sequential", "none"),
            ("mkl_tbb_thread", "TBB"),
            ("mkl_intel_thread", "OpenMP"),
            ("mkl_gnu_thread", "OpenMP"),
        ):
            if part in name:
                return label
    # The dispatcher loads its layer at the first call.
    return {"SEQUENTIAL": "none", "TBB": "TBB"}.get(
        os.environ.get("MKL_THREADING_LAYER", "").upper(), "OpenMP"
    )


class _DlInfo(ctypes.Structure):
    _fields_ = [
        ("dli_fname", ctypes.c_char_p),
        ("dli_fbase", ctypes.c_void_p),
        ("dli_sname", ctypes.c_char_p),
        ("dli_saddr", ctypes.c_void_p),
    ]


@functools.cache
def _dladdr() -> Callable[..., int] | None:
    return getattr(ctypes.CDLL(None), "dladdr", None) if os.name == "posix" else None


_real_path = functools.lru_cache(maxsize=64)(os.path.realpath)


def library_of(address: int) -> str:
    """Return the path of the library that an address belongs to, or an empty string."""
    dladdr, info = _dladdr(), _DlInfo()
    if not address or dladdr is None or not dladdr(ctypes.c_void_p(address), ctypes.byref(info)):
        return ""
    return _real_path(os.fsdecode(info.dli_fname)) if info.dli_fname else ""


def loaded_libraries() -> tuple[str, ...]:
    """Return the paths of the shared libraries in this process, where the system tells."""
    if sys.platform.startswith("linux"):
        try:
            with open("/proc/self/maps", encoding="utf-8", errors="surrogateescape") as file:
                lines = [line.split(maxsplit=5) for line in file]
        except OSError:
            return ()
        paths = (words[5].rstrip("\n") for words in lines if len(words) == 6)
        return tuple(dict.fromkeys(path for path in paths if ".so" in path))
    if sys.platform == "darwin":
        process = ctypes.CDLL(None)
        name = process._dyld_get_image_name
        name.restype = ctypes.c_char_p
        return tuple(os.fsdecode(name(i) or b"") for i in range(process._dyld_image_count()))
    return ()


def is_loaded(path: str, loaded: tuple[str, ...]) -> bool:
    """Tell whether a library, by any of its names, is among those loaded."""
    real = os.path.realpath(path)
    return any(path == other or real == os.path.realpath(other) for other in loaded)


def openmp_runtimes() -> tuple[str, ...]:
    """Return the names of the OpenMP libraries in this process; more than one is trouble."""
    names = dict.fromkeys(os.path.basename(path) for path in loaded_libraries())
    return tuple(name for name in names if name.startswith(("libgomp", "libiomp", "libomp")))
