"""The record of a BLAS that generated code can call, and the order of its routines."""

import sys
from collections.abc import Sequence
from typing import NamedTuple

__all__ = ["BLAS_NAMES", "LAPACK_NAMES", "USUAL_DEFINES", "BlasProvider"]

# Kernels keep their integers in 64 bits, none larger than 32 bits can count, so that a library of
# either width reads them right where the low half comes first: one compiled kernel serves both.
_EITHER = sys.byteorder == "little"

# The macros of nearly every library, for kernels that are compiled before any library is seen.
USUAL_DEFINES = (("BLAS_INT_EITHER", "1"),) if _EITHER else ()

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

# What C kernels of linear algebra may call, as ctx->svc->lapack[LAPACK_NAMES.index(name)]: four
# element types each. LAPACK_ROUTINES in c_code/lapack.h is the same list.
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
    *("ssysv", "dsysv", "csysv", "zsysv"),
    *("ssysv", "dsysv", "chesv", "zhesv"),
    *("sgbsv", "dgbsv", "cgbsv", "zgbsv"),
    *("sgeqp3", "dgeqp3", "cgeqp3", "zgeqp3"),
    *("ssyev", "dsyev", "cheev", "zheev"),
    *("ssyevr", "dsyevr", "cheevr", "zheevr"),
    *("ssygvd", "dsygvd", "chegvd", "zhegvd"),
    *("sgees", "dgees", "cgees", "zgees"),
    *("sgelsd", "dgelsd", "cgelsd", "zgelsd"),
    *("sgttrf", "dgttrf", "cgttrf", "zgttrf"),
    *("sgttrs", "dgttrs", "cgttrs", "zgttrs"),
    *("sgesv", "dgesv", "cgesv", "zgesv"),
)


class BlasProvider(NamedTuple):
    """A BLAS that generated code can call.

    Parameters
    ----------
    name : str
        What it is, for people: ``"scipy-openblas"``.
    version : str
        Its version, or an empty string.
    how : str
        ``"NumPy"`` (looked up in the process), ``"SciPy"`` (capsules) or ``"linked"``.
    int_bits : int
        Width of the Fortran integers, 32 or 64.
    addresses : tuple of int
        Addresses of the routines in the order of `BLAS_NAMES`; 0 for one the library lacks.
    why : str
        Why this provider was chosen.
    flags : str
        The flags it was linked with.
    zero_first : bool
        Whether it reads the output although beta is 0, so that it must be cleared before.
    threading : str
        What its threads are made with (``"pthreads"``, ``"OpenMP"``, ...), or an empty string.
    mangling : tuple of (str, str)
        What stands before and behind the name of a routine in its symbols; upper case names are
        ``("upper case", ...)``.
    library : str
        Path of the library, where the system can tell.
    sdot_returns_double : bool
        Whether its ``sdot`` returns a double, as Accelerate's does.
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
    threading: str = ""
    mangling: tuple[str, str] = ("", "_")
    library: str = ""
    sdot_returns_double: bool = False
    keep_alive: object = None

    def pointers(self, names: Sequence[str] = BLAS_NAMES) -> list[int]:
        """Return the addresses of `names`, 0 for one that is missing."""
        table = dict(zip(BLAS_NAMES, self.addresses))
        return [table.get(name, 0) for name in names]

    @property
    def defines(self) -> tuple[tuple[str, str], ...]:
        """Macros that ``fortran_blas.h`` needs for this provider."""
        known = {
            "BLAS_INT_EITHER": _EITHER,
            "BLAS_INT64": self.int_bits == 64 and not _EITHER,
            "BLAS_ZERO_FIRST": self.zero_first,
            "BLAS_SDOT_RETURNS_DOUBLE": self.sdot_returns_double,
        }
        return tuple((name, "1") for name, applies in known.items() if applies)
