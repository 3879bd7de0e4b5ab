"""The C compiler: find it, run it without a shell and with a time limit, report what it says."""

import contextlib
import functools
import hashlib
import importlib.util
import os
import platform
import shlex
import shutil
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pytensor.configdefaults import config
from pytensor.link.c.cache import get_cache

if TYPE_CHECKING:
    import subprocess

__all__ = ["CompileError", "Compiler", "cpu_features", "find_compiler"]

# What changes the compiler's choice of headers, libraries or sub-programs.
_ENVIRONMENT = (
    "CPATH",
    "C_INCLUDE_PATH",
    "LIBRARY_PATH",
    "COMPILER_PATH",
    "GCC_EXEC_PREFIX",
    "MACOSX_DEPLOYMENT_TARGET",
    "SDKROOT",
    "ZIG_LIB_DIR",
)

# NaN, Inf and signed zero stay IEEE: no -ffast-math. Contraction would change x*y - x*y.
_COMMON = ("-std=gnu11", "-fno-math-errno", "-fno-trapping-math", "-ffp-contract=off")
# For units that hold helpers around library calls: half the time of -O3, the same speed, since the
# few loops that matter ask for more themselves (BLAS_LOOPS in tensor/blas/c_code/element.h).
LIBRARY_LEVEL = "-O1"
_OBJECT = ("-shared", "-fPIC", "-fvisibility=hidden", "-w")


class CompileError(RuntimeError):
    """The compiler could not be run, took too long, or refused the source."""


class Compiler(NamedTuple):
    """A command that compiles C.

    Parameters
    ----------
    command : tuple of str
        Program and leading arguments.
    kind : {"gcc", "clang", "zig", "unknown"}
        Decides which flags are understood; read from the name, so that nothing is started.
    identity : str
        Changes whenever the compiler does: resolved path, size and time of the program.
    """

    command: tuple[str, ...]
    kind: str
    identity: str

    def flags(self, level: str = "-O3") -> tuple[str, ...]:
        """Return the flags every unit is compiled with.

        Parameters
        ----------
        level : str
            Level of optimization. Only gcc gets less than ``-O3``: others are quick enough, and
            do not know how a function asks for more.
        """
        if self.kind != "gcc":
            level = "-O3"
        flags = [level, *_COMMON, *_OBJECT]
        if self.kind == "zig":
            flags += ["-mcpu=native", "-fno-sanitize=all"]
        elif platform.machine() in {"x86_64", "AMD64", "i686"}:
            flags.append("-march=native")
        elif self.kind == "gcc" or sys.platform != "darwin":
            flags.append("-mcpu=native")
        if self.kind == "gcc":
            # NumPy's complex product and quotient (Smith), without the NaN repair of C99.
            flags.append("-fcx-fortran-rules")
        if sys.platform == "darwin":
            flags += ["-undefined", "dynamic_lookup"]
        if config.cmodule__remove_gxx_opt:
            flags = [flag for flag in flags if flag != level]
        return (*flags, *shlex.split(config.gcc__cxxflags))

    def link_flags(self) -> tuple[str, ...]:
        """Return the flags after the source. Start files are not wanted: they cost 5 ms."""
        if sys.platform.startswith("linux") and self.kind != "zig":
            return ("-nostdlib", "-lm", "-lgcc", "-lc")
        return () if sys.platform == "win32" else ("-lm",)

    def compile(
        self, source: str, directory: Path, *, flags=None, link=(), name: str = "unit"
    ) -> bytes:
        """Compile one translation unit in `directory` and return the shared object.

        Raises
        ------
        CompileError
            With the first lines of what the compiler said.
        """
        (directory / f"{name}.c").write_text(source, "utf-8")
        flags = self.flags() if flags is None else flags
        # Relative names: the object holds no path, so that equal sources give equal bytes.
        command = [*self.command, *flags, "-o", f"{name}.so", f"{name}.c", *link]
        if config.compiler_verbose:
            print("pytensor:", shlex.join(command), file=sys.stderr)
        status, said = run(command, cwd=directory, timeout=config.compile__timeout or None)
        if status != 0:
            raise CompileError(self._report(status, said, directory / f"{name}.c"))
        try:
            return (directory / f"{name}.so").read_bytes()
        except OSError as error:
            raise CompileError(
                f"[C compiler] {self.command[0]} wrote no object: {error}"
            ) from error

    def _report(self, status: int, said: str, path: Path) -> str:
        lines = [line for line in said.splitlines() if line.strip()]
        errors = [line for line in lines if "error" in line.lower()] or lines
        text = "\n".join(f"  {line}" for line in errors[:10])
        kept = f"\n  source kept: {path}" if config.nocleanup else ""
        return f"[C compiler] {' '.join(self.command)} failed with status {status}:\n{text}{kept}"


def run(command, *, cwd, timeout) -> tuple[int, str]:
    """Run a command in its own process group; kill the whole group on time-out or interrupt.

    Returns
    -------
    status, output
        Exit status and merged standard output and error.
    """
    import subprocess  # noqa: PLC0415  (slow to import, seldom needed)

    env = {**os.environ, "LC_ALL": "C", "TMPDIR": str(cwd), "SOURCE_DATE_EPOCH": "0"}
    if command and "zig" in " ".join(command[:3]):
        # Zig compiles parts of the C library first, and takes them from here the next time.
        cache = get_cache()
        home = cache.directory if cache.persistent and cache.directory else Path(cwd)
        env.setdefault("ZIG_GLOBAL_CACHE_DIR", str(home / "zig"))
    try:
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=os.name == "posix",
        )
    except OSError as error:
        raise CompileError(f"[C compiler] cannot run {command[0]!r}: {error}") from error
    try:
        said, _ = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        _kill(process)
        raise CompileError(
            f"[C compiler] {command[0]} took longer than {timeout} s (config.compile__timeout)"
        ) from None
    except BaseException:
        _kill(process)
        raise
    return process.returncode, said.decode("utf-8", "replace")


def _kill(process: "subprocess.Popen") -> None:
    """End a compiler run and the sub-programs it started."""
    if os.name == "posix":
        # It may have ended by itself in the meantime.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.wait()
    assert process.stdout is not None, "started with a pipe"
    process.stdout.close()


@functools.lru_cache(maxsize=8)
def _compiler_for(setting: str) -> Compiler | None:
    """The compiler a setting names; without a setting, ziglang if it is installed."""
    if not setting:
        return _ziglang() if not shutil.which("cc") else None
    path = shutil.which(setting)
    words = [setting] if path else shlex.split(setting)
    path = path or (shutil.which(words[0]) if words else None)
    if path is None:
        return None
    kind = _kind(words, os.path.realpath(path))
    # A C++ compiler command is accepted; the sources are C all the same.
    extra = ("-x", "c") if "++" in os.path.basename(words[0]) else ()
    return Compiler((path, *words[1:], *extra), kind, _identity(path, (*words[1:], *extra)))


def _ziglang() -> Compiler | None:
    """The compiler of the ``ziglang`` package (``pip install pytensor[cc]``)."""
    spec = importlib.util.find_spec("ziglang")
    if spec is None or spec.origin is None:
        return None
    program = Path(spec.origin).with_name("zig.exe" if sys.platform == "win32" else "zig")
    if not program.exists():
        return None
    return Compiler((str(program), "cc"), "zig", _identity(str(program), ("cc",)))


def _kind(words: list[str], resolved: str) -> str:
    text = " ".join([*map(os.path.basename, words), os.path.basename(resolved)]).lower()
    if "zig" in text:
        return "zig"
    if "clang" in text or sys.platform == "darwin":
        return "clang"
    return "gcc" if "gcc" in text or "g++" in text else "unknown"


def _identity(path: str, arguments: tuple[str, ...]) -> str:
    resolved = os.path.realpath(path)
    info = os.stat(resolved)
    return f"{path} {resolved} {info.st_size} {info.st_mtime_ns} {' '.join(arguments)}"


def find_compiler() -> Compiler | None:
    """Return the C compiler to use, or None. Looks at files only; starts nothing.

    ``config.cxx`` names it; when no system compiler exists, the ``ziglang`` package serves.
    ``cxx=""`` given by the user means: compile nothing.
    """
    setting = str(config.cxx).strip()
    return _compiler_for(setting)


def environment_key() -> str:
    """Return the environment variables that steer the compiler, for the cache key."""
    return "\0".join(f"{key}={os.environ.get(key, '')}" for key in _ENVIRONMENT)


@functools.cache
def cpu_features() -> str:
    """Return a digest of what this processor can do: ``-march=native`` code depends on it."""
    text = platform.machine()
    try:
        with open("/proc/cpuinfo", "rb") as file:
            lines = file.read(16384).split(b"\n\n")[0].decode("ascii", "replace").splitlines()
        keep = ("vendor_id", "cpu family", "model", "stepping", "flags", "Features", "CPU part")
        text += "\n".join(line for line in lines if line.startswith(keep))
    except OSError:
        text += platform.processor()
    return hashlib.sha256(text.encode()).hexdigest()
