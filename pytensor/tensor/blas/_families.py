"""The BLAS libraries there are: how good, what their files are called, how their threads are set."""

import enum
import os
import re
from typing import NamedTuple

__all__ = [
    "FAMILIES",
    "SPELLINGS",
    "UNKNOWN",
    "Family",
    "Quality",
    "family_named",
    "family_of",
    "symbol",
]

UPPER = "upper case"

# How libraries spell Fortran symbols: what stands before the name and behind it.
SPELLINGS = (
    ("", "_"),
    ("", "_64_"),
    ("", "64_"),
    ("", ""),
    ("", "_64"),
    ("scipy_", "_"),
    ("scipy_", "_64_"),
    ("scipy_", "64_"),
    (UPPER, ""),
    (UPPER, "_"),
)


def symbol(name: str, spelling: tuple[str, str]) -> str:
    """Return the symbol of a routine.

    Examples
    --------
    >>> symbol("dgemm", ("scipy_", "_64_")), symbol("dgemm", (UPPER, ""))
    ('scipy_dgemm_64_', 'DGEMM')
    """
    prefix, suffix = spelling
    return f"{name.upper()}{suffix}" if prefix == UPPER else f"{prefix}{name}{suffix}"


class Quality(enum.IntEnum):
    """How fast a library can be expected to be. Only a higher or an equal class is worth a try."""

    REFERENCE = 0
    UNKNOWN = 1
    TUNED = 2
    VENDOR = 3


class Family(NamedTuple):
    """One kind of BLAS library.

    Parameters
    ----------
    name : str
        What people call it.
    quality : Quality
    libraries : tuple of str
        Names of its files, without ``lib`` and ending, best first.
    words : tuple of str
        What file names, directories and build records have where they mean this library.
    get_threads, set_threads : str
        C functions ``int f(void)`` and ``void f(int)``, before decoration.
    """

    name: str
    quality: Quality
    libraries: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    get_threads: str = ""
    set_threads: str = ""


_BLIS_THREADS = ("bli_thread_get_num_threads", "bli_thread_set_num_threads")

FAMILIES = (
    Family(
        "MKL",
        Quality.VENDOR,
        ("mkl_rt",),
        ("mkl",),
        "MKL_Get_Max_Threads",
        "MKL_Set_Num_Threads",
    ),
    Family(
        "AOCL",
        Quality.VENDOR,
        ("aocl-blis-mt", "aocl-blis", "blis-mt", "blis"),
        ("aocl", "amd"),
        *_BLIS_THREADS,
    ),
    Family(
        "ArmPL",
        Quality.VENDOR,
        ("armpl_lp64_mp", "armpl_mp", "armpl_lp64", "armpl", "armpl_ilp64_mp"),
        ("armpl",),
        "armpl_get_num_threads",
        "armpl_set_num_threads",
    ),
    Family("Accelerate", Quality.VENDOR, (), ("accelerate", "veclib")),
    Family(
        "OpenBLAS",
        Quality.TUNED,
        (
            *("openblas", "openblasp", "openblaso", "openblas64_", "openblas64", "openblas_64"),
            *("scipy_openblas", "scipy_openblas64_"),
        ),
        ("openblas", "scipy_openblas"),
        "openblas_get_num_threads",
        "openblas_set_num_threads",
    ),
    Family("BLIS", Quality.TUNED, ("blis", "blis-mt", "blis64"), ("blis",), *_BLIS_THREADS),
    Family(
        "FlexiBLAS",
        Quality.UNKNOWN,
        ("flexiblas", "flexiblas64"),
        ("flexiblas",),
        "flexiblas_get_num_threads",
        "flexiblas_set_num_threads",
    ),
    Family("ATLAS", Quality.UNKNOWN, ("tatlas", "satlas", "f77blas"), ("atlas", "tatlas")),
    Family("Netlib", Quality.REFERENCE, ("refblas", "blas"), ("netlib", "refblas")),
)

UNKNOWN = Family("BLAS", Quality.UNKNOWN)
_BY_NAME = {family.name: family for family in FAMILIES}


def family_named(name: str) -> Family:
    """Return the family of that name."""
    return _BY_NAME.get(name, UNKNOWN)


def family_of(text: str) -> Family:
    """Guess the family from the path of a library, flags, or the name in a build record.

    Examples
    --------
    >>> family_of("/usr/lib/x86_64-linux-gnu/blis-pthread/libblas.so.3").name
    'BLIS'
    >>> family_of("scipy-openblas").name, family_of("/usr/lib/libblas.so.3.11.0").name
    ('OpenBLAS', 'Netlib')
    """
    *places, name = re.split(r"[/\\]", text.lower())
    stem = re.sub(r"^(-l|lib)+", "", name)
    near = set(re.split(r"[^a-z0-9]+", " ".join([*places[-4:], name])))
    for family in FAMILIES:
        if family.name == "AOCL":
            # AMD's library has the names of BLIS; its directory tells.
            if stem.startswith("aocl") or ("aocl" in near and "blis" in stem):
                return family
        elif any(stem.startswith(word) or word in near for word in family.words):
            return family
    if re.match(r"(lib)?c?blas\b", os.path.basename(stem)):
        return family_named("Netlib")
    return UNKNOWN
