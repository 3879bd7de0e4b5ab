"""The C compiler: found without being run; its flags; reports of what it says."""

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
from typing import NamedTuple

from pytensor.configdefaults import config
from pytensor.link.c.process import CompileError, kill_all, run

__all__ = [
    "CompileError",
    "Compiler",
    "cpu_features",
    "find_compiler",
    "kill_all",
    "need_compiler",
    "why_no_compiler",
]

# What changes the compiler's choice of headers, libraries or sub-programs.
_ENVIRONMENT = (
    "CPATH",
    "C_INCLUDE_PATH",
    "LIBRARY_PATH",
    "COMPILER_PATH",
    "GCC_EXEC_PREFIX",
    "CCC_OVERRIDE_OPTIONS",
    "CCC_ADD_ARGS",
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


class Compiler(NamedTuple):
    """A command that compiles C.

    Parameters
    ----------
    command : tuple of str
        Program and leading arguments.
    kind : {"gcc", "clang", "zig", "unknown"}
        Decides which flags are understood; read from the name, so that nothing is started.
    identity : str
        Changes whenever the compiler does: resolved path, size and time of the programs.
    programs : tuple of str
        The files that `identity` speaks of.
    """

    command: tuple[str, ...]
    kind: str
    identity: str
    programs: tuple[str, ...] = ()

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
        if sys.platform == "win32":
            flags.remove("-fPIC")  # all code is; clang calls the flag an error
        if config.cmodule__remove_gxx_opt:
            flags = [flag for flag in flags if flag != level]
        try:
            return (*flags, *shlex.split(config.gcc__cxxflags))
        except ValueError as error:
            raise CompileError(
                f"[config] gcc__cxxflags must be words as in a shell, "
                f"got {config.gcc__cxxflags!r} ({error})"
            ) from None

    def link_flags(self) -> tuple[str, ...]:
        """Return the flags after the source. Start files are not wanted: they cost 5 ms."""
        if sys.platform.startswith("linux") and self.kind != "zig":
            return ("-nostdlib", "-lm", "-lgcc", "-lc")
        return () if sys.platform == "win32" else ("-lm",)

    def compile(
        self,
        source: str,
        directory: Path,
        *,
        flags=None,
        link=(),
        name: str = "unit",
        timeout: float | None = None,
    ) -> bytes:
        """Compile one translation unit in `directory` and return the shared object.

        It may take `timeout` seconds, `config.compile__timeout` by default.

        Raises
        ------
        CompileError
            With the first lines of what the compiler said.
        """
        (directory / f"{name}.c").write_text(source, "utf-8")
        flags = self.flags() if flags is None else flags
        # Relative names: the object holds no path, so that equal sources give equal bytes.
        if "-lmvec" in link and self.kind == "clang" and platform.machine() == "x86_64":
            # gcc learns of vector functions from their declarations (libm.h), clang from this.
            flags = (*flags, "-fveclib=libmvec")
        command = [*self.command, *flags, "-o", f"{name}.so", f"{name}.c", *link]
        if config.compiler_verbose:
            print("pytensor:", shlex.join(command), file=sys.stderr)
        timeout = timeout or config.compile__timeout or None
        status, said = run(command, cwd=directory, timeout=timeout)
        if status != 0:
            raise CompileError(self._report(status, said, directory / f"{name}.c"))
        try:
            data = (directory / f"{name}.so").read_bytes()
        except OSError as error:
            raise CompileError(
                f"[C compiler] {self.command[0]} wrote no object: {error}"
            ) from error
        problem = _why_no_object(data)
        if problem:
            # Not kept: the next process shall try again.
            raise CompileError(f"[C compiler] {self.command[0]} wrote {problem}")
        return data

    def _report(self, status: int, said: str, path: Path) -> str:
        lines = [line for line in said.splitlines() if line.strip()]
        errors = [line for line in lines if "error" in line.lower()] or lines
        text = "\n".join(f"  {line}" for line in errors[:10])
        kept = f"\n  source kept: {path}" if config.nocleanup else ""
        how = f"failed with status {status}"
        if status < 0:
            names = {number.value: number.name for number in signal.Signals}
            how = f"was ended by {names.get(-status, f'signal {-status}')}"
        return f"[C compiler] {' '.join(self.command)} {how}:\n{text}{kept}"


# Files that programs and libraries of other systems begin with.
_MAGIC = {"darwin": (b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe"), "win32": (b"MZ",)}


@functools.cache
def _own_header() -> bytes:
    """The part of the header of a program that says for which kind of machine it is."""
    try:
        with open("/proc/self/exe", "rb") as file:
            return file.read(20)
    except OSError:
        return b""


def _why_no_object(data: bytes) -> str | None:
    """Say why something cannot be a shared object of this machine, or return None."""
    if not data:
        return "an empty object"
    own = _own_header()
    if own[:4] == b"\x7fELF":
        if data[:4] != own[:4]:
            return f"no object, but something that begins with {data[:8]!r}"
        # Class, byte order, machine.
        if (data[4:6], data[18:20]) != (own[4:6], own[18:20]):
            return "an object for another kind of machine"
    elif not data.startswith(_MAGIC.get(sys.platform, b"")):
        return f"no object, but something that begins with {data[:8]!r}"
    return None


# Programs that run another compiler.
_FRONT = {"ccache", "sccache", "distcc", "icecc"}
_NO_MSVC = (
    "cl.exe does not understand the C of this package (complex numbers and vectors of C99 and "
    "GNU C); clang-cl, clang, gcc and ziglang do"
)


def _which(name: str) -> str | None:
    """The absolute path of a program, or None."""
    try:
        found = shutil.which(name)
    except ValueError:
        # A null character.
        return None
    return os.path.abspath(found) if found else None


def _words(setting: str) -> list[str]:
    """A command taken apart. The path of a program may have blanks."""
    if _which(setting):
        return [setting]
    try:
        return shlex.split(setting, posix=os.name == "posix")
    except ValueError:
        return []


@functools.lru_cache(maxsize=8)
def _compiler_for(setting: str) -> Compiler | None:
    """The compiler a setting names; without a setting, ziglang if it is installed."""
    if not setting:
        return _ziglang() if not _which("cc") else None
    words = _words(setting)
    path = _which(words[0]) if words else None
    if path is None:
        return None
    programs = _programs(path, words)
    kind = _kind(words, programs)
    if kind == "msvc":
        return _ziglang()
    extra: tuple[str, ...] = ()
    if "clang-cl" in os.path.basename(path).lower():
        extra = ("--driver-mode=gcc",)
    elif "++" in os.path.basename(words[0]):
        # A C++ compiler command is accepted; the sources are C all the same.
        extra = ("-x", "c")
    return _make((path, *words[1:], *extra), kind, programs)


def _programs(path: str, words: list[str]) -> tuple[str, ...]:
    """The programs that a command runs, as far as it names them: a cache, and its compiler."""
    programs = [os.path.realpath(path)]
    name = os.path.basename(path)
    if os.path.basename(programs[0]) in _FRONT and name not in _FRONT:
        # A link named as the compiler: what runs is the next of that name.
        for place in os.get_exec_path():
            other = os.path.realpath(os.path.join(place, name))
            if os.access(other, os.X_OK) and os.path.basename(other) not in _FRONT:
                programs.append(other)
                break
    for word in words[1:]:
        found = None if word.startswith("-") else _which(word)
        programs += [os.path.realpath(found)] if found else []
        zig = _zig_program() if word == "ziglang" else None
        programs += [zig] if zig else []
    return tuple(programs)


def _make(command: tuple[str, ...], kind: str, programs: tuple[str, ...]) -> Compiler | None:
    identity = _identity(command, programs)
    return Compiler(command, kind, identity, programs) if identity else None


def _zig_program() -> str | None:
    """The compiler of the ``ziglang`` package (``pip install pytensor[cc]``)."""
    spec = importlib.util.find_spec("ziglang")
    if spec is None or spec.origin is None:
        return None
    program = Path(spec.origin).with_name("zig.exe" if sys.platform == "win32" else "zig")
    return str(program) if program.exists() else None


def _ziglang() -> Compiler | None:
    program = _zig_program()
    return _make((program, "cc"), "zig", (os.path.realpath(program),)) if program else None


def _kind(words: list[str], programs: tuple[str, ...]) -> str:
    names = [os.path.basename(word).lower() for word in (*words, *programs)]
    text = " ".join(names)
    if "zig" in text:
        return "zig"
    if names[0] in {"cl", "cl.exe"}:
        return "msvc"
    if "clang" in text or sys.platform == "darwin":
        return "clang"
    return "gcc" if "gcc" in text or "g++" in text else "unknown"


def _identity(command: tuple[str, ...], programs: tuple[str, ...]) -> str:
    """Return a text that changes with the command and its programs; empty if one is gone."""
    parts = [repr(command)]
    try:
        for path in programs:
            info = os.stat(path)
            parts.append(f"{path} {info.st_size} {info.st_mtime_ns}")
    except OSError:
        return ""
    return "\0".join(parts)


def find_compiler() -> Compiler | None:
    """Return the C compiler to use, or None. Looks at files only; starts nothing.

    ``config.cxx`` names it; when no system compiler exists, the ``ziglang`` package serves.
    ``cxx=""`` given by the user means: compile nothing.
    """
    setting = str(config.cxx).strip()
    compiler = _compiler_for(setting)
    if compiler is not None and _identity(compiler.command, compiler.programs) != compiler.identity:
        # Upgraded or removed while this process runs.
        _compiler_for.cache_clear()
        compiler = _compiler_for(setting)
    return compiler


def why_no_compiler() -> str:
    """Say why `find_compiler` returns None."""
    setting = str(config.cxx).strip()
    if not setting:
        return "no C compiler was found (or config.cxx is empty)"
    words = _words(setting)
    if not words:
        return f"config.cxx must be a command, got {setting!r}"
    if _kind(words, ()) == "msvc":
        return _NO_MSVC
    return f"config.cxx names {words[0]!r}, which is not a program that can be run"


def need_compiler() -> Compiler:
    """Return the C compiler to use.

    Raises
    ------
    CompileError
        If there is none; says why.
    """
    compiler = find_compiler()
    if compiler is None:
        raise CompileError(f"[C compiler] {why_no_compiler()}")
    return compiler


def environment_key() -> str:
    """Return the environment variables and the C library that objects depend on, for the cache key."""
    variables = [f"{key}={os.environ.get(key, '')}" for key in _ENVIRONMENT]
    return "\0".join((_c_library(), *variables))


@functools.cache
def _c_library() -> str:
    """The version of the C library: what is linked to a newer one does not load with an older."""
    try:
        return os.confstr("CS_GNU_LIBC_VERSION") or ""
    except (AttributeError, ValueError, OSError):
        return ""


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
