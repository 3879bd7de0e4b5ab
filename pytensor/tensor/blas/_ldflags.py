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
from pytensor.tensor.blas._capsules import (
    capsule_address,
    find_capsules,
    integer_bits,
    lapack_pointers,
    scipy_provider,
)
from pytensor.tensor.blas._flags import LinkFlags, parse_flags
from pytensor.tensor.blas._measure import measure_integer_bits, reads_old_output
from pytensor.tensor.blas._provider import BLAS_NAMES, LAPACK_NAMES, BlasProvider
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
