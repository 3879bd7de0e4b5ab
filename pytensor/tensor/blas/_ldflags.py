"""Which Fortran BLAS is used, and how it is reached.

Generated code calls BLAS and LAPACK through tables of addresses. The tables are filled by a
provider:

* ``SciPy``: the capsules of ``scipy.linalg.cython_blas`` and ``cython_lapack``. They are always
  there, on every platform, and no second BLAS gets loaded.
* a linked library: what ``config.blas__ldflags`` names. A small shared object is linked against
  it and hands out the addresses (`pytensor.tensor.blas._linked`). It is accepted once a probe
  program has compiled, linked, run, and given right numbers.

Nothing here happens at import.
"""

import ctypes
import functools
import pkgutil
import re
import threading
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from pytensor.configdefaults import config
from pytensor.tensor.blas._capsules import capsule_table
from pytensor.tensor.blas._flags import LinkFlags, parse_flags
from pytensor.utils import lazy_scipy_module

__all__ = [
    "BLAS_NAMES",
    "LAPACK_NAMES",
    "BlasProvider",
    "explain_provider",
    "get_provider",
    "lapack_pointers",
    "ldflags",
]

# The order of the tables. BLAS_ROUTINES in c_code/fortran_blas.h is the same list.
BLAS_NAMES = (
    *("sgemm", "dgemm", "cgemm", "zgemm"),
    *("sgemv", "dgemv", "cgemv", "zgemv"),
    *("sger", "dger", "cgeru", "zgeru", "cgerc", "zgerc"),
    *("ssyrk", "dsyrk", "csyrk", "zsyrk", "cherk", "zherk"),
    *("ssymm", "dsymm", "csymm", "zsymm"),
    *("strmm", "dtrmm", "ctrmm", "ztrmm"),
    *("strsm", "dtrsm", "ctrsm", "ztrsm"),
)

# What C kernels of linear algebra may call, as ctx->svc->lapack[LAPACK_NAMES.index(name)].
LAPACK_NAMES = (
    *("spotrf", "dpotrf", "cpotrf", "zpotrf"),
    *("spotrs", "dpotrs", "cpotrs", "zpotrs"),
    *("sgetrf", "dgetrf", "cgetrf", "zgetrf"),
    *("sgetrs", "dgetrs", "cgetrs", "zgetrs"),
    *("sgetri", "dgetri", "cgetri", "zgetri"),
    *("strtrs", "dtrtrs", "ctrtrs", "ztrtrs"),
    *("strtri", "dtrtri", "ctrtri", "ztrtri"),
    *("sgeqrf", "dgeqrf", "cgeqrf", "zgeqrf"),
    *("sorgqr", "dorgqr", "cungqr", "zungqr"),
    *("ssyevd", "dsyevd", "cheevd", "zheevd"),
    *("sgesdd", "dgesdd", "cgesdd", "zgesdd"),
    *("sgeev", "dgeev", "cgeev", "zgeev"),
    *("ssytrf", "dsytrf", "csytrf", "zsytrf"),
    *("ssytrs", "dsytrs", "csytrs", "zsytrs"),
    *("sgtsv", "dgtsv", "cgtsv", "zgtsv"),
    *("sgecon", "dgecon", "cgecon", "zgecon"),
    *("spocon", "dpocon", "cpocon", "zpocon"),
)


@dataclass(frozen=True)
class BlasProvider:
    """A BLAS that generated code can call.

    Parameters
    ----------
    name : str
        What it is, for people: ``"scipy-openblas"``.
    version : str
        Its version, or an empty string.
    how : str
        ``"SciPy"`` (capsules) or ``"linked"``.
    int_bits : int
        Width of the Fortran integers, 32 or 64.
    addresses : tuple of int
        Addresses of the routines in the order of `BLAS_NAMES`; 0 for one the library lacks.
    why : str
        Why this provider was chosen.
    flags : str
        The flags it was linked with.
    zero_first : bool
        Whether its gemm reads the output although beta is 0, so that it must be cleared before.
    keep_alive : object
        What must live as long as the addresses are used.
    """

    name: str
    version: str
    how: str
    int_bits: int
    addresses: tuple[int, ...]
    why: str
    flags: str = ""
    zero_first: bool = False
    keep_alive: object = field(default=None, repr=False, compare=False)

    def pointers(self, names: Sequence[str] = BLAS_NAMES) -> list[int]:
        """Return the addresses of `names`, 0 for one that is missing."""
        table = dict(zip(BLAS_NAMES, self.addresses))
        return [table.get(name, 0) for name in names]

    @property
    def defines(self) -> tuple[tuple[str, str], ...]:
        """Macros that ``fortran_blas.h`` needs for this provider."""
        wide = (("BLAS_INT64", "1"),) if self.int_bits == 64 else ()
        return (*wide, ("BLAS_ZERO_FIRST", "1")) if self.zero_first else wide


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


def measure_integer_bits(daxpy: int) -> int:
    """Return how many bits of its first argument ``daxpy`` reads.

    The length is 1 in its low half and negative as a whole: the 32-bit routine adds one number,
    the 64-bit one returns at once, as daxpy does for lengths below 1.
    """
    n, one = ctypes.c_int64(-(1 << 32) + 1), ctypes.c_int64(1)
    alpha, x, y = ctypes.c_double(1.0), ctypes.c_double(2.0), ctypes.c_double(3.0)
    call = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 6)(daxpy)
    args = (n, alpha, x, one, y, one)
    call(*(ctypes.addressof(arg) for arg in args))
    return 32 if y.value == 5.0 else 64


def reads_old_output(routines: Mapping[str, int], int_bits: int) -> bool:
    """Tell whether a library's gemm lets old NaN through although beta is 0.

    Sizes 2 and 40 reach the kernels for small and for large products.
    """
    integer = np.int64 if int_bits == 64 else np.int32
    for name, dtype in zip(BLAS_NAMES, (np.float32, np.float64, np.complex64, np.complex128)):
        call = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 13)(routines[name])
        for n in (2, 40):
            size = np.array([n], integer)
            alpha, beta = np.ones(1, dtype), np.zeros(1, dtype)
            x, z = np.ones((n, n), dtype), np.full((n, n), np.nan, dtype)
            trans = ctypes.create_string_buffer(b"N")
            letter, (length, one, zero, a, c) = (
                ctypes.addressof(trans),
                (v.ctypes.data for v in (size, alpha, beta, x, z)),
            )
            call(letter, letter, *[length] * 3, one, a, length, a, length, zero, c, length)
            if not np.all(z == n):
                return True
    return False


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
    return BlasProvider(
        name=name,
        version=version,
        how="SciPy",
        int_bits=bits,
        addresses=addresses,
        why="it is always there",
        zero_first=reads_old_output(dict(zip(BLAS_NAMES, addresses)), bits),
    )


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


_linked_lock = threading.Lock()
_linked: dict[str, "BlasProvider | str"] = {}


def get_provider() -> BlasProvider:
    """Return the provider in use: the library of ``config.blas__ldflags``, else SciPy's.

    A library that does not pass its probe is refused with one warning that says why.
    """
    text = config.blas__ldflags
    if text in {"", "auto", "fastest"}:
        return scipy_provider()
    linked = _linked_provider(text)
    return scipy_provider() if isinstance(linked, str) else linked


def _linked_provider(text: str) -> "BlasProvider | str":
    """The provider that flags name, or the reason why there is none; tried once per process."""
    with _linked_lock:
        if text not in _linked:
            from pytensor.tensor.blas import _linked as linking  # noqa: PLC0415  (starts compilers)

            try:
                _linked[text] = linking.link_provider(text, BLAS_NAMES)
            except linking.ProbeError as error:
                _linked[text] = str(error)
                warnings.warn(
                    f"blas__ldflags={text!r} cannot be used, SciPy's BLAS is: {error}",
                    stacklevel=3,
                )
        return _linked[text]


@functools.lru_cache(maxsize=32)
def _parsed(text: str) -> LinkFlags:
    return parse_flags(text)


def ldflags(
    libs: bool = True, flags: bool = False, libs_dir: bool = False, include_dir: bool = False
) -> list[str]:
    """Return parts of ``config.blas__ldflags``, for code that links against the same BLAS.

    Parameters
    ----------
    libs : bool
        Names of libraries, without ``-l``.
    flags : bool
        Flags that are none of the other three, as they are.
    libs_dir : bool
        Directories of libraries, without ``-L``.
    include_dir : bool
        Directories of headers, without ``-I``.

    Returns
    -------
    list of str
        Empty if no library is configured: SciPy's BLAS needs no flags.

    Examples
    --------
    >>> from pytensor.tensor.blas import ldflags
    >>> from pytensor import config
    >>> with config.change_flags(blas__ldflags="-L/opt/lib -lopenblas -fopenmp"):
    ...     ldflags(), ldflags(libs=False, libs_dir=True), ldflags(libs=False, flags=True)
    (['openblas'], ['/opt/lib'], ['-fopenmp'])
    """
    text = config.blas__ldflags
    parsed = _parsed("" if text in {"auto", "fastest"} else text)
    parts: list[str] = []
    for wanted, values in (
        (libs, parsed.libs),
        (flags, parsed.other),
        (libs_dir, parsed.lib_dirs),
        (include_dir, parsed.include_dirs),
    ):
        if wanted:
            parts += values
    return parts


def explain_provider() -> str:
    """Say in a few lines which BLAS is used, and why."""
    provider = get_provider()
    lines = [
        f"BLAS: {provider.name} {provider.version}".rstrip(),
        f"  reached through: {provider.how}" + (f" ({provider.flags})" if provider.flags else ""),
        f"  integers: {provider.int_bits} bits",
        f"  chosen because: {provider.why}",
        f"  threads: {_threads()}",
    ]
    missing = [name for name, address in zip(BLAS_NAMES, provider.addresses) if not address]
    if missing:
        lines.append(f"  lacks: {', '.join(missing)}")
    text = config.blas__ldflags.strip()
    if text and isinstance(_linked.get(text), str):
        lines.append(f"  refused: {text}: {_linked[text]}")
    return "\n".join(lines)


def _threads() -> str:
    """How many threads the loaded BLAS libraries use; threadpoolctl knows."""
    try:
        from threadpoolctl import threadpool_info  # noqa: PLC0415  (optional package)
    except ImportError:
        return "unknown (threadpoolctl is not installed)"
    loaded = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
    return ", ".join(f"{pool['num_threads']} ({pool['prefix']})" for pool in loaded) or "unknown"


def must_initialize_y_gemv() -> bool:
    """Whether gemv's output must be set to zero before a call with ``beta = 0``.

    Never by the caller: the C helpers make sure themselves that the old output isn't read.
    """
    return False


def blas_header_text() -> str:
    """Return the C header with the prototypes of the BLAS routines that generated code calls."""
    data = pkgutil.get_data("pytensor.tensor.blas", "c_code/fortran_blas.h")
    if data is None:
        raise FileNotFoundError("fortran_blas.h is not among the data of the package")
    return data.decode("utf-8")


def blas_header_version() -> tuple[str]:
    """Return a tuple that changes when the text of the header does."""
    import hashlib  # noqa: PLC0415  (slow to import, seldom needed)

    return (hashlib.sha256(blas_header_text().encode()).hexdigest()[:16],)
