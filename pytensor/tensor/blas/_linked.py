"""A BLAS reached by linking against it: probed by a program, then loaded through a small object.

Only `pytensor.tensor.blas._ldflags` imports this, when there is a library to try. The program runs
in a process of its own: a library that crashes does no harm. What was found out is remembered
(`pytensor.tensor.blas._memory`), so that a second process runs no compiler.
"""

import contextlib
import ctypes
import mmap
import os
import pkgutil
import re
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pytensor.link_flags import LinkFlags, join_words, parse_flags
from pytensor.tensor.blas import _memory
from pytensor.tensor.blas._candidates import library_files
from pytensor.tensor.blas._capsules import scipy_provider
from pytensor.tensor.blas._families import SPELLINGS, UNKNOWN, UPPER, family_of, symbol
from pytensor.tensor.blas._measure import gemm_seconds
from pytensor.tensor.blas._memory import ProbeError, Report
from pytensor.tensor.blas._provider import BLAS_NAMES, BlasProvider
from pytensor.tensor.blas._runtime import library_of, runtime_of
from pytensor.tensor.blas._threads import limit_threads, pools
from pytensor.utils import late

if TYPE_CHECKING:
    import subprocess

    from pytensor.link.c.toolchain import Compiler

__all__ = ["ProbeError", "link_provider", "probe"]

TIME_LIMIT = 60.0
_THREADS = (
    *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS"),
    *("VECLIB_MAXIMUM_THREADS", "ARMPL_NUM_THREADS"),
)
_FILES = ("fortran_blas.h", "probes/provider.c")


class Target(NamedTuple):
    """How objects are made on a platform.

    Parameters
    ----------
    shared : tuple of str
        Flags that make a shared object.
    rpath : bool
        Whether the object can say where its libraries are.
    program, object : str
        File names.
    """

    shared: tuple[str, ...]
    rpath: bool
    program: str
    object: str


_TARGETS = {
    "win32": Target(("-shared",), False, "probe.exe", "provider.dll"),
    "darwin": Target(("-dynamiclib", "-fPIC"), True, "probe", "provider.dylib"),
}
_ELSEWHERE = Target(("-shared", "-fPIC"), True, "probe", "provider.so")


def target(platform: str = sys.platform) -> Target:
    """Return how objects are made on a platform, as `sys.platform` calls it."""
    return _TARGETS.get(platform, _ELSEWHERE)


def build_command(
    compiler: Sequence[str],
    flags: LinkFlags,
    spelling: tuple[str, str],
    defines: Sequence[str] = (),
    program: bool = False,
    platform: str = sys.platform,
) -> list[str]:
    """Return the command that links the probe program, or the object with the addresses.

    Examples
    --------
    >>> flags = parse_flags("-framework Accelerate")
    >>> build_command(["clang"], flags, ("", "_"), platform="darwin")[-6:]
    ['-x', 'none', '-framework', 'Accelerate', '-o', 'provider.dylib']
    """
    made = target(platform)
    prefix, suffix = spelling
    names = [f"-DBLAS_PREFIX={'' if prefix == UPPER else prefix}", f"-DBLAS_SUFFIX={suffix}"]
    if prefix == UPPER:
        names += [f"-D{name}={name.upper()}" for name in (*BLAS_NAMES, "daxpy", "sdot")]
    directories = dict.fromkeys([*flags.lib_dirs, *map(os.path.dirname, flags.files)])
    search = [f"-Wl,-rpath,{path}" for path in directories if path and made.rpath]
    return [
        *(*compiler, "-x", "c", "-w", "-O1", *names, *(f"-D{name}" for name in defines)),
        *(["-DPROBE_MAIN"] if program else made.shared),
        *("provider.c", "-x", "none", *flags.words, *search),
        *("-o", made.program if program else made.object),
    ]


class Attempt:
    """Flags to be linked with, and what is remembered about them.

    Parameters
    ----------
    text : str
        Flags.

    Raises
    ------
    ProbeError
        If there is no compiler.
    ValueError
        If the flags can't be read.
    """

    def __init__(self, text: str):
        self.flags = parse_flags(text)
        # The compiler belongs to the C backend, which is above this package: named by string.
        self.compiler: Compiler | None = late("pytensor.link.c.toolchain:find_compiler")()
        if self.compiler is None:
            raise ProbeError("there is no C compiler to link with")
        self.command = self.compiler.command
        files = library_files(text)
        self.key = _memory.environment_key(self.compiler.identity, text, files, _sources())

    def probe(self, anew: bool = False) -> Report:
        """Return what is known about the library, trying it if nothing is."""
        return _memory.recall(self.key, self._try, anew)

    def _try(self, directory: Path) -> Report:
        """Try the library beside SciPy's, for the speed of both."""
        before = _scipy_seconds()
        report = _run_probe(self.command, self.flags, directory)
        return replace(report, scipy_seconds=min(before, _scipy_seconds()))

    def load(self, report: Report, anew: bool = False) -> ctypes.CDLL:
        """Load the object that hands out the addresses, linking it if it isn't stored."""
        defines = ["BLAS_INT64"] if report.int_bits == 64 else []
        if report.sdot_returns_double:
            defines.append("BLAS_SDOT_RETURNS_DOUBLE")

        def build(directory: Path) -> bytes:
            _write_sources(directory)
            command = build_command(self.command, self.flags, report.spelling, defines)
            built = _run(command, directory)
            if built.returncode != 0:
                message = _telling_line(built.stderr)
                raise ProbeError(f"it does not link into a library: {message}")
            return (directory / target().object).read_bytes()

        with contextlib.ExitStack() as stack:
            if sys.platform == "win32":
                for place in filter(os.path.isdir, self.flags.lib_dirs):
                    stack.enter_context(os.add_dll_directory(os.path.abspath(place)))
            return _memory.load_object(self.key, build, anew)


def probe(text: str) -> Report:
    """Return what is known about the library that flags name, trying it if nothing is.

    Raises
    ------
    ProbeError
        If nothing can be compiled, linked or run with them, or the numbers are wrong.
    """
    return Attempt(text).probe()


def link_provider(text: str, why: str) -> BlasProvider:
    """Return the provider that linker flags name.

    Parameters
    ----------
    text : str
        Flags.
    why : str
        Why it is wanted.

    Raises
    ------
    ProbeError
        If the library can't be used.
    ValueError
        If the flags can't be read.
    """
    attempt = Attempt(text)
    for anew in (False, True):
        report = attempt.probe(anew)
        library = attempt.load(report, anew)
        table = (ctypes.c_void_p * len(BLAS_NAMES)).in_dll(library, "pytensor_blas_table")
        addresses = tuple(address or 0 for address in table)
        path = library_of(addresses[BLAS_NAMES.index("dgemm")])
        if _memory.is_known(attempt.key, path, anew):
            break
    runtime = runtime_of(library)
    family = runtime.family if runtime else family_of(path or text)
    if report.sdot_returns_double:
        why += " (its sdot returns a double: repaired)"
    return BlasProvider(
        name=family.name if family is not UNKNOWN else os.path.basename(path) or text,
        version=runtime.version if runtime else "",
        how="linked",
        int_bits=report.int_bits,
        addresses=addresses,
        why=why,
        flags=text,
        zero_first=report.zero_first,
        threading=runtime.threading if runtime else "",
        mangling=report.spelling,
        library=path,
        sdot_returns_double=report.sdot_returns_double,
        keep_alive=library,
    )


def _scipy_seconds() -> float:
    """The time of one thread of SciPy's BLAS."""
    scipy = scipy_provider()
    with limit_threads(1) if pools() else contextlib.nullcontext():
        return gemm_seconds(scipy.pointers(["dgemm"])[0], scipy.int_bits)


def _sources() -> dict[str, str]:
    # importlib.resources would take ten times as long to import as all of this takes.
    texts = {}
    for name in _FILES:
        data = pkgutil.get_data("pytensor.tensor.blas", f"c_code/{name}")
        if data is None:
            raise FileNotFoundError(f"{name} is not among the data of the package")
        texts[os.path.basename(name)] = data.decode("utf-8")
    return texts


def _write_sources(directory: Path) -> None:
    for name, text in _sources().items():
        (directory / name).write_text(text, "utf-8")


def _run(
    command: list[str], directory: Path, env: dict[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    import subprocess  # noqa: PLC0415  (slow to import, not needed for what is remembered)

    try:
        return subprocess.run(
            command,
            cwd=directory,
            env=env,
            capture_output=True,
            text=True,
            errors="replace",
            stdin=subprocess.DEVNULL,
            timeout=TIME_LIMIT,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ProbeError(f"{Path(command[0]).name} could not be run: {error}") from error


def _run_probe(compiler: Sequence[str], flags: LinkFlags, directory: Path) -> Report:
    """Find the spelling that links, run the program, and return its report."""
    _write_sources(directory)
    messages: list[str] = []
    for spelling in _spellings(flags):
        command = build_command(compiler, flags, spelling, program=True)
        built = _run(command, directory)
        if built.returncode != 0:
            messages.append(built.stderr.strip())
            if not re.search(r"undefined|unresolved", built.stderr, re.IGNORECASE):
                break  # another spelling cannot help
            continue
        ran = _run([str(directory / target().program)], directory, _run_environment(flags))
        if ran.returncode == 0:
            return _memory.read_report(ran.stdout, spelling)
        if ran.returncode == 3:
            raise ProbeError("its products give wrong numbers")
        raise ProbeError(f"the probe ended with {ran.returncode}: {_last_line(ran.stderr)}")
    raise ProbeError(f"it does not link: {_telling_line(messages[0])}")


def _spellings(flags: LinkFlags) -> list[tuple[str, str]]:
    """All spellings, those first that the libraries contain: a try takes 0.1 s, a look none."""
    names = {spelling: f"\0{symbol('dgemm', spelling)}\0".encode() for spelling in SPELLINGS}
    contained: set[tuple[str, str]] = set()
    for path in library_files(join_words(flags.words)):
        with (
            contextlib.suppress(OSError, ValueError),
            open(path, "rb") as file,
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data,
        ):
            contained |= {s for s, name in names.items() if data.find(name) >= 0}
    return sorted(SPELLINGS, key=lambda spelling: spelling not in contained)


def _run_environment(flags: LinkFlags) -> dict[str, str]:
    """The environment of the probe: one thread, and on Windows the way to its libraries.

    The kernels are compared, not the threads: several that wait for one another on a busy machine
    make any library look slow.
    """
    env = {**os.environ, **dict.fromkeys(_THREADS, "1")}
    if sys.platform == "win32":
        places = [*flags.lib_dirs, *map(os.path.dirname, flags.files), os.environ.get("PATH", "")]
        env["PATH"] = os.pathsep.join(places)
    return env


def _last_line(text: str) -> str:
    return text.strip().rpartition("\n")[2]


def _telling_line(message: str) -> str:
    """The line of a linker's message that names the problem."""
    lines = message.strip().splitlines() or ["no message"]
    telling = [line for line in lines if re.search(r"cannot find|not found|no such", line, re.I)]
    telling += [line for line in lines if re.search(r"undefined|error", line)]
    return (telling or lines)[0].strip()[:300]
