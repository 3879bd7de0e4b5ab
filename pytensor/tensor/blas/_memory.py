"""What was found out about linked libraries, kept on disk, so that it is found out once.

It is kept in the store of compiled objects: a directory of mode 0700 that belongs to the user, in
entries that carry a digest. What is read is data (JSON), and is believed only if every part has
the form it must have; otherwise the library is tried again. Only successes are kept: what failed
may work after an installation that no key can know of.
"""

import ctypes
import hashlib
import json
import os
import platform
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from pytensor.tensor.blas._families import SPELLINGS
from pytensor.tensor.blas._runtime import ENVIRONMENT
from pytensor.utils import late

__all__ = ["ProbeError", "Report", "environment_key", "load_object", "recall"]


def _loading_mode() -> int:
    """How objects are loaded: so that they find their own libraries first.

    A BLAS that somebody made global (MKL does that by itself) must not stand in for the one that
    was linked, although it has the same names. Sanitizers cannot live with that.
    """
    if os.name != "posix":
        return 0
    sanitized = "san" in os.environ.get("LD_PRELOAD", "")
    return os.RTLD_NOW | (0 if sanitized else getattr(os, "RTLD_DEEPBIND", 0))


class ProbeError(Exception):
    """Why a library was refused."""


@dataclass(frozen=True)
class Report:
    """What the probe found out.

    Parameters
    ----------
    spelling : tuple of str
        What stands before and behind the name of a routine in its symbols.
    int_bits : int
        Width of its integers.
    sdot_returns_double : bool
    zero_first : bool
        Whether old output is read although beta is 0.
    seconds : float
        Best time of a 256 x 256 product of doubles with one thread.
    scipy_seconds : float
        The same for SciPy's BLAS at that time, 0 if it wasn't measured.
    """

    spelling: tuple[str, str]
    int_bits: int
    sdot_returns_double: bool
    zero_first: bool
    seconds: float
    scipy_seconds: float = 0.0

    @property
    def ratio(self) -> float:
        """How many times as fast as SciPy's BLAS it is; 0 if that wasn't measured."""
        return self.scipy_seconds / self.seconds if self.seconds > 0 else 0.0


_LINE = r"pytensor-blas int_bits=(32|64) sdot=(float|double) zero_first=([01]) seconds=([\d.]+)\s*"


def read_report(line: str, spelling: tuple[str, str]) -> Report:
    """Read the line that the probe program printed."""
    match = re.fullmatch(_LINE, line)
    if match is None:
        raise ProbeError(f"the probe printed {line[:80]!r}")
    bits, sdot, zero_first, seconds = match.groups()
    return Report(spelling, int(bits), sdot == "double", zero_first == "1", float(seconds))


def environment_key(
    compiler: str, flags: str, files: Sequence[str], sources: Mapping[str, str]
) -> str:
    """Return the hash of all that decides how a library behaves here."""
    parts = [
        "blas-2",
        *(sys.platform, platform.machine(), sys.implementation.cache_tag or "", sys.prefix),
        late("scipy:__version__"),
        late("pytensor.link.c.toolchain:cpu_features")(),
        compiler,
        flags,
        *(f"{name}={os.environ.get(name, '')}" for name in ENVIRONMENT),
        *(f"{name}\n{text}" for name, text in sorted(sources.items())),
    ]
    for path in files:
        info = os.stat(path)
        parts.append(f"{os.path.realpath(path)} {info.st_size} {info.st_mtime_ns}")
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


def as_text(report: Report) -> bytes:
    """Return a report as it is stored."""
    return json.dumps(asdict(report)).encode()


def from_text(data: bytes) -> Report | None:
    """Return a stored report, or None if anything about it is not as it must be."""
    try:
        values = json.loads(data)
        spelling = tuple(values.pop("spelling"))
        report = Report(spelling=spelling, **values)
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError):
        return None
    sound = (
        report.spelling in SPELLINGS
        and report.int_bits in (32, 64)
        and all(type(v) is bool for v in (report.sdot_returns_double, report.zero_first))
        and all(type(v) is float and v >= 0 for v in (report.seconds, report.scipy_seconds))
    )
    return report if sound else None


def recall(key: str, find_out: Callable[[Path], Report], anew: bool = False) -> Report:
    """Return the report stored under `key`; otherwise, or if `anew`, find it out and store it.

    Parameters
    ----------
    key : str
        See `environment_key`.
    find_out : callable
        Tries the library in an empty directory.
    """
    cache = late("pytensor.link.c.cache:get_cache")()
    found: list[Report] = []

    def build(directory: Path) -> bytes:
        found.append(find_out(directory))
        return as_text(found[-1])

    name = f"blas-{key}"
    report = from_text(cache.get_bytes(name, build, anew))
    if report is None:
        # Whole, but not what this version writes: replace it.
        report = from_text(cache.get_bytes(name, build, anew=True))
        assert report is not None, "just written"
    return found[-1] if found else report


def is_known(key: str, path: str, anew: bool = False) -> bool:
    """Tell whether the library that was loaded is the one that was tried; note it the first time.

    A name without a directory may stand for another file tomorrow: only the loader knows.
    """
    if not path:
        return True
    info = os.stat(path)
    identity = f"{path} {info.st_size} {info.st_mtime_ns}".encode("utf-8", "surrogateescape")
    cache = late("pytensor.link.c.cache:get_cache")()
    return cache.get_bytes(f"blas-{key}-file", lambda _: identity, anew) == identity


def load_object(key: str, build: Callable[[Path], bytes], anew: bool = False) -> ctypes.CDLL:
    """Load the object stored under `key`, building it if there is none, or if `anew`."""
    cache = late("pytensor.link.c.cache:get_cache")()
    try:
        return cache.load(
            f"blas-{key}-object",
            build,
            lambda path: ctypes.CDLL(str(path), _loading_mode()),
            anew,
        )
    except OSError as error:
        raise ProbeError(f"it cannot be loaded: {error}") from error
