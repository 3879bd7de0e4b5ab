"""Which Fortran BLAS is used, and how it is reached.

Generated code calls BLAS and LAPACK through tables of addresses. The tables are filled by a
provider:

* ``NumPy``: the library that NumPy uses, which is in every process (`._numpys`). Nothing is
  loaded or linked for it. It is asked for BLAS only; LAPACK is SciPy's.
* ``SciPy``: the capsules of ``scipy.linalg.cython_blas`` and ``cython_lapack``. They are always
  there, on every platform.
* a linked library. A small shared object is linked against it and hands out the addresses
  (`pytensor.tensor.blas._linked`), once a probe program has compiled, linked, run, and given
  right numbers.

``config.blas__ldflags`` decides:

* flags: the library they name. If it does not pass its probe, SciPy's is used, and one warning
  says why;
* an empty text: SciPy's;
* ``auto``, which is the default: NumPy's if it is of the same kind as SciPy's and not older, or
  if SciPy was built with a slow one; SciPy's in all other cases and wherever there is doubt. Unless
  the process has a better library loaded already: this costs a look at the list of loaded
  libraries; only a library that could be better is tried;
* ``fastest``: of all that are installed, the one that was fastest when it was tried, although
  that means a second BLAS beside SciPy's.

What was tried is remembered on disk, so that the next process runs no compiler. Nothing happens
at import, and nothing for functions without products.
"""

import functools
import pkgutil
import threading
import warnings
from collections.abc import Iterator
from typing import NamedTuple

from pytensor.configdefaults import config
from pytensor.link_flags import DISCOVERY_WORDS, LinkFlags, parse_flags
from pytensor.tensor.blas._candidates import (
    Candidate,
    best_first,
    candidate_of_flags,
    find_candidates,
    loaded_candidates,
    why_not_tried,
)
from pytensor.tensor.blas._capsules import (
    lapack_pointers,
    packed_openblas,
    scipy_family,
    scipy_provider,
    scipy_runtime,
)
from pytensor.tensor.blas._families import UNKNOWN, Family, Quality, family_named
from pytensor.tensor.blas._numpys import Unusable, is_newer_or_same, numpy_provider
from pytensor.tensor.blas._provider import BLAS_NAMES, LAPACK_NAMES, BlasProvider
from pytensor.tensor.blas._runtime import openmp_runtimes
from pytensor.utils import free_after_fork, late

__all__ = [
    "BLAS_NAMES",
    "LAPACK_NAMES",
    "BlasProvider",
    "Verdict",
    "explain_provider",
    "get_provider",
    "lapack_pointers",
    "ldflags",
]

# A library that is to replace SciPy's must be faster by more than times vary.
MARGIN = 1.05


class Verdict(NamedTuple):
    """What became of a candidate.

    Parameters
    ----------
    candidate : Candidate
    provider : BlasProvider or None
        The library, ready to be called; None if it was refused.
    reason : str
        Why it was refused, or taken.
    ratio : float
        How many times as fast as SciPy's BLAS it was; 0 if it wasn't tried.
    """

    candidate: Candidate
    provider: BlasProvider | None
    reason: str
    ratio: float = 0.0


def prefer_numpys(provider: BlasProvider) -> str:
    """Return why NumPy's library is to be used.

    Raises
    ------
    Unusable
        If SciPy's is as good, or there is doubt.
    """
    kind, version = provider.name, packed_openblas()
    if version:
        family = family_named("OpenBLAS")
    else:
        # Whose library is behind SciPy is known only once it is loaded.
        family, runtime = scipy_family(), scipy_runtime()
        if scipy_provider().library == provider.library:
            raise Unusable("it is the library behind SciPy too")
        if family_named(kind).quality >= Quality.TUNED > family.quality:
            return f"loaded already; SciPy's is {family.name}"
        version = runtime.version if runtime else ""
    if family.name != kind:
        raise Unusable(f"it is {kind}, SciPy's is {family.name}")
    if not is_newer_or_same(provider.version, version):
        raise Unusable(f"its version is {provider.version}, that of SciPy's {version or 'unknown'}")
    return f"NumPy has loaded it already, and it is not older than SciPy's {family.name} {version}"


@functools.cache
def numpys_own() -> Verdict:
    """Decide about the library that NumPy uses."""
    try:
        found = numpy_provider()
        why = prefer_numpys(found)
    except Unusable as reason:
        return Verdict(Candidate(UNKNOWN, "", "NumPy", loaded=True), None, str(reason))
    candidate = Candidate(family_named(found.name), "", "NumPy", found.library, True)
    return Verdict(candidate, found._replace(why=why), why)


def present_family() -> Family:
    """Return what kind of library is used if none is linked."""
    own = numpys_own()
    return scipy_family() if own.provider is None else own.candidate.family


def candidates(setting: str) -> Iterator[Candidate]:
    """Yield what is to be linked for a value of ``config.blas__ldflags``, in this order.

    NumPy's library and SciPy's capsules, which need no linking, come after them.
    """
    if setting == "fastest":
        yield from best_first(find_candidates())
    elif setting == "auto":
        # Beside a good BLAS no second one gets loaded, so that only loaded ones matter.
        present = present_family().quality
        tuned = present >= Quality.TUNED
        yield from best_first(loaded_candidates(present) if tuned else find_candidates())
    elif setting:
        yield candidate_of_flags(setting, "blas__ldflags")


def consider(candidate: Candidate, setting: str) -> Verdict:
    """Find out whether a library is to be used."""
    wanted = candidate.where == "blas__ldflags"
    if not wanted:
        reason = why_not_tried(candidate, present_family(), setting == "fastest")
        if reason:
            return Verdict(candidate, None, reason)
    from pytensor.tensor.blas import _linked  # noqa: PLC0415  (starts compilers)

    try:
        if wanted:
            provider = _linked.link_provider(setting, "blas__ldflags names it")
            return Verdict(candidate, provider, provider.why)
        ratio = _linked.probe(candidate.flags).ratio
        if ratio < MARGIN:
            return Verdict(candidate, None, f"{ratio:.2f} times as fast as SciPy's BLAS", ratio)
        why = f"found ({candidate.where}), {ratio:.2f} times as fast as SciPy's BLAS"
        provider = _linked.link_provider(candidate.flags, why)
        if provider.threading == "none" != scipy_provider().threading:
            return Verdict(candidate, None, "it has no threads, SciPy's BLAS has", ratio)
        return Verdict(candidate, provider, provider.why, ratio)
    except _linked.ProbeError as error:
        return Verdict(candidate, None, str(error))


def choose(setting: str) -> list[Verdict]:
    """Consider candidates until one is taken; the last verdict is the one that counts.

    With ``fastest`` all are tried, and the fastest is the last.
    """
    verdicts: list[Verdict] = []
    for candidate in candidates(setting):
        verdicts.append(consider(candidate, setting))
        if verdicts[-1].provider is not None and setting != "fastest":
            break
    if setting in DISCOVERY_WORDS and not any(v.provider for v in verdicts):
        verdicts.append(numpys_own())
    return sorted(verdicts, key=lambda v: (v.provider is not None, v.ratio))


_lock = free_after_fork(threading.Lock())
_chosen: dict[str, list[Verdict]] = {}


def verdicts_of(setting: str) -> list[Verdict]:
    """Return what `choose` found, done once per process and setting."""
    with _lock:
        if setting not in _chosen:
            _chosen[setting] = choose(setting)
            _say_if_refused(setting, _chosen[setting])
        return _chosen[setting]


def _say_if_refused(setting: str, verdicts: list[Verdict]) -> None:
    for verdict in verdicts:
        if verdict.candidate.where == "blas__ldflags" and verdict.provider is None:
            warnings.warn(
                f"blas__ldflags={setting!r} cannot be used, SciPy's BLAS is: {verdict.reason}",
                stacklevel=4,
            )
    if any(verdict.provider is not None and verdict.provider.flags for verdict in verdicts):
        late("pytensor.tensor.blas._threads:note_new_library")()
        runtimes = openmp_runtimes() if config.blas__check_openmp else ()
        if len(runtimes) > 1:
            warnings.warn(
                f"blas__ldflags={setting!r}: with this BLAS, {len(runtimes)} OpenMP libraries are in "
                f"the process, which may crash or slow each other down: {', '.join(runtimes)} "
                f"(blas__check_openmp=False silences this)",
                stacklevel=4,
            )


def get_provider() -> BlasProvider:
    """Return the provider in use, according to ``config.blas__ldflags``.

    A library that flags name and that does not pass its probe is refused with one warning.
    """
    setting = config.blas__ldflags
    if not setting:
        return scipy_provider()
    verdicts = verdicts_of(setting)
    chosen = verdicts[-1].provider if verdicts else None
    return chosen or scipy_provider()


@functools.lru_cache(maxsize=32)
def _parsed(text: str) -> LinkFlags:
    return parse_flags(text)


def ldflags(
    libs: bool = True, flags: bool = False, libs_dir: bool = False, include_dir: bool = False
) -> list[str]:
    """Return parts of the flags in use, for code that links against the same BLAS.

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
        Empty if no library is linked: NumPy's and SciPy's BLAS need no flags.

    Examples
    --------
    >>> from pytensor.tensor.blas import ldflags
    >>> from pytensor import config
    >>> with config.change_flags(blas__ldflags="-L/usr/lib -lopenblas -fopenmp"):
    ...     ldflags(), ldflags(libs=False, libs_dir=True), ldflags(libs=False, flags=True)
    (['openblas'], ['/usr/lib'], ['-fopenmp'])
    """
    setting = config.blas__ldflags
    # Flags count as they are given, whether the library can be used or not.
    parsed = _parsed(get_provider().flags if setting in DISCOVERY_WORDS else setting)
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


def explain_provider(measure: bool = True) -> str:
    """Say which BLAS is used and why, and what became of every library that is installed.

    Parameters
    ----------
    measure : bool
        Try the libraries that can be better, and time the chosen one beside NumPy's.
    """
    return late("pytensor.tensor.blas._report:report")(measure)


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


def openblas_threads_text() -> str:
    """Return C prototypes of the functions that set and get OpenBLAS's number of threads."""
    return _PROTOTYPES.format(set="openblas_set_num_threads", get="openblas_get_num_threads")


def mkl_threads_text() -> str:
    """Return C prototypes of the functions that set and get MKL's number of threads."""
    return _PROTOTYPES.format(set="MKL_Set_Num_Threads", get="MKL_Get_Max_Threads")


_PROTOTYPES = """\
#ifdef __cplusplus
extern "C" {{
#endif
void {set}(int);
int {get}(void);
#ifdef __cplusplus
}}
#endif
"""
