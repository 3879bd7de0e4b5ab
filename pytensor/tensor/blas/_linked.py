"""A BLAS reached by linking against it: probed by a program, then loaded through a small object.

Only `pytensor.tensor.blas._ldflags` imports this, when ``config.blas__ldflags`` names a library.
"""

import ctypes
import importlib.resources
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from pytensor.configdefaults import config
from pytensor.tensor.blas._flags import LinkFlags, parse_flags
from pytensor.tensor.blas._ldflags import BlasProvider, reads_old_output

__all__ = ["ProbeError", "link_provider"]

TIME_LIMIT = 60.0

# How libraries spell Fortran symbols: (prefix, suffix).
SPELLINGS = (
    ("", "_"),
    ("", "_64_"),
    ("", "64_"),
    ("", ""),
    ("", "_64"),
    ("scipy_", "_"),
    ("scipy_", "64_"),
)

_KNOWN = (
    ("mkl", "MKL"),
    ("openblas", "OpenBLAS"),
    ("blis", "BLIS"),
    ("accelerate", "Accelerate"),
    ("armpl", "ArmPL"),
    ("flexiblas", "FlexiBLAS"),
    ("atlas", "ATLAS"),
)


class ProbeError(Exception):
    """Why a library was refused."""


def link_provider(text: str, names: Sequence[str]) -> BlasProvider:
    """Return the provider that linker flags name.

    Raises
    ------
    ProbeError
        If nothing can be compiled, linked or run with them, or the numbers are wrong.
    ValueError
        If the flags can't be read.
    """
    flags = parse_flags(text)
    compiler = _compiler()
    directory = Path(tempfile.mkdtemp(prefix="pytensor-blas-"))
    try:
        _write_sources(directory)
        spelling, report = _probe(compiler, flags, directory)
        bits = 64 if "int_bits=64" in report else 32
        library = _load(compiler, flags, spelling, bits, directory)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    table = (ctypes.c_void_p * len(names)).in_dll(library, "pytensor_blas_table")
    addresses = tuple(address or 0 for address in table)
    why = "blas__ldflags names it, and it passed the probe"
    if "sdot=double" in report:
        why += " (its sdot returns a double; generated code never calls sdot)"
    return BlasProvider(
        name=_name(flags),
        version="",
        how="linked",
        int_bits=bits,
        addresses=addresses,
        why=why,
        flags=text,
        zero_first=reads_old_output(dict(zip(names, addresses)), bits),
        keep_alive=library,
    )


def _compiler() -> str:
    for candidate in (config.cxx, "cc", "gcc", "clang"):
        path = shutil.which(candidate) if candidate else None
        if path:
            return path
    raise ProbeError("there is no C compiler to link with")


def _name(flags: LinkFlags) -> str:
    words = " ".join(flags.words).lower()
    return next((name for key, name in _KNOWN if key in words), " ".join(flags.words))


def _write_sources(directory: Path) -> None:
    here = importlib.resources.files("pytensor.tensor.blas").joinpath("c_code")
    header = here.joinpath("fortran_blas.h").read_text("utf-8")
    program = here.joinpath("probes", "provider.c").read_text("utf-8")
    (directory / "fortran_blas.h").write_text(header, "utf-8")
    (directory / "provider.c").write_text(program, "utf-8")


def _command(compiler: str, flags: LinkFlags, spelling: tuple[str, str], *own: str) -> list[str]:
    search = [f"-Wl,-rpath,{path}" for path in flags.lib_dirs] if sys.platform != "win32" else []
    prefix, suffix = spelling
    return [
        *(compiler, "-x", "c", "-w", f"-DBLAS_PREFIX={prefix}", f"-DBLAS_SUFFIX={suffix}", *own),
        *("provider.c", "-x", "none", *flags.words, *search),
    ]


def _run(command: list[str], directory: Path) -> subprocess.CompletedProcess:
    try:
        return subprocess.run(
            command, cwd=directory, capture_output=True, text=True, timeout=TIME_LIMIT
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ProbeError(f"{Path(command[0]).name} could not be run: {error}") from error


def _probe(compiler: str, flags: LinkFlags, directory: Path) -> tuple[tuple[str, str], str]:
    """Find the spelling that links, run the program, and return its report."""
    messages = []
    for spelling in SPELLINGS:
        built = _run(
            [*_command(compiler, flags, spelling, "-DPROBE_MAIN"), "-o", "probe"], directory
        )
        if built.returncode != 0:
            messages.append(built.stderr.strip())
            continue
        ran = _run([str(directory / "probe")], directory)
        if ran.returncode == 0 and ran.stdout.startswith("pytensor-blas"):
            return spelling, ran.stdout
        if ran.returncode == 3:
            raise ProbeError("its matrix product gives wrong numbers")
        raise ProbeError(f"the probe ended with {ran.returncode}: {_last_line(ran.stderr)}")
    raise ProbeError(f"it does not link: {_telling_line(messages[0])}")


def _load(
    compiler: str, flags: LinkFlags, spelling: tuple[str, str], bits: int, directory: Path
) -> ctypes.CDLL:
    own = ["-shared", "-fPIC", *(["-DBLAS_INT64"] if bits == 64 else [])]
    out = directory / "provider.so"
    built = _run([*_command(compiler, flags, spelling, *own), "-o", str(out)], directory)
    if built.returncode != 0:
        raise ProbeError(f"it does not link into a library: {_telling_line(built.stderr)}")
    try:
        return ctypes.CDLL(str(out))
    except OSError as error:
        raise ProbeError(f"it cannot be loaded: {error}") from error


def _last_line(text: str) -> str:
    return text.strip().rpartition("\n")[2]


def _telling_line(message: str) -> str:
    """The line of a linker's message that names the problem."""
    lines = message.strip().splitlines() or ["no message"]
    telling = [line for line in lines if re.search(r"undefined|cannot find|not found|error", line)]
    return (telling or lines)[0][:300]
