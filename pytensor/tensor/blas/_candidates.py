"""Where BLAS libraries are installed: the places are looked at, nothing is started or loaded."""

import glob
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from pytensor.link_flags import join_words, parse_flags
from pytensor.tensor.blas._families import (
    FAMILIES,
    UNKNOWN,
    Family,
    Quality,
    family_named,
    family_of,
)
from pytensor.tensor.blas._runtime import is_loaded, loaded_libraries

__all__ = ["Candidate", "candidate_of_flags", "find_candidates", "why_not_tried"]


class Candidate(NamedTuple):
    """A library that may be linked.

    Parameters
    ----------
    family : Family
        What its name says it is.
    flags : str
        How to link it.
    where : str
        How it was found, for people.
    path : str
        The library; empty where only the linker knows.
    loaded : bool
        It is in this process already.
    """

    family: Family
    flags: str
    where: str
    path: str = ""
    loaded: bool = False


# (variable, directories below it): what vendors ask their users to set.
_ROOTS = (
    ("MKLROOT", ("lib", "lib/intel64")),
    ("AOCL_ROOT", ("lib", "lib_LP64")),
    ("ARMPL_DIR", ("lib",)),
    ("OPENBLAS_HOME", ("lib",)),
    ("BLIS_HOME", ("lib",)),
)

_SYSTEM = {
    "linux": (
        "/usr/local/lib",
        "/usr/local/lib64",
        "/usr/lib/*-linux-gnu*",
        "/usr/lib/*-linux-gnu*/*blas-*",
        "/usr/lib/*-linux-gnu*/*blis-*",
        "/usr/lib/*-linux-gnu*/atlas",
        "/usr/lib/*-linux-gnu*/blas",
        "/usr/lib64",
        "/usr/lib64/atlas",
        "/usr/lib",
        "/opt/intel/oneapi/mkl/latest/lib",
        "/opt/intel/oneapi/mkl/latest/lib/intel64",
        "/opt/intel/mkl/lib/intel64",
        "/opt/AMD/aocl/aocl-linux-*/*/lib",
        "/opt/AMD/aocl/aocl-linux-*/*/lib_LP64",
        "/opt/arm/armpl*/lib",
        "/opt/OpenBLAS/lib",
        "/home/linuxbrew/.linuxbrew/opt/openblas/lib",
    ),
    "darwin": (
        "/opt/homebrew/opt/openblas/lib",
        "/opt/homebrew/lib",
        "/usr/local/opt/openblas/lib",
        "/usr/local/lib",
        "/opt/local/lib",
        "/opt/intel/oneapi/mkl/latest/lib",
        "/opt/arm/armpl*/lib",
    ),
    "win32": (
        r"C:\Program Files (x86)\Intel\oneAPI\mkl\latest\lib",
        r"C:\Program Files (x86)\Intel\oneAPI\mkl\latest\bin",
        r"C:\Program Files\AMD\AOCL-Windows\amd-blis\lib\LP64",
        r"C:\OpenBLAS\lib",
    ),
}

_PKG_CONFIG = (
    *("mkl-dynamic-lp64-iomp", "mkl-dynamic-lp64-seq", "aocl-blis-mt", "armpl", "openblas"),
    *("openblas64", "scipy-openblas", "blas-openblas", "blis-mt", "blis", "flexiblas", "atlas"),
    *("blas-netlib", "blas"),
)


def places(
    environ: Mapping[str, str], platform: str, root: str = "", packages: Sequence[str] = ()
) -> list[tuple[str, str]]:
    """Return (how found, directory) of all existing places, what the user chose first."""
    separator = ";" if platform == "win32" else ":"
    conda, prefix = environ.get("CONDA_PREFIX", ""), environ.get("VIRTUAL_ENV") or sys.prefix
    below = ("Library/lib", "Library/bin") if platform == "win32" else ("lib",)
    listed: list[tuple[str, str]] = [
        (name, directory)
        for name in ("LIBRARY_PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
        for directory in environ.get(name, "").split(separator)
        if os.path.isabs(directory)
    ]
    for name, parts in _ROOTS:
        if environ.get(name):
            listed += [(name, os.path.join(environ[name], part)) for part in parts]
    listed += [("conda environment", os.path.join(conda, part)) for part in below if conda]
    listed += [("Python environment", os.path.join(prefix, part)) for part in below]
    for directory in packages:
        for name in ("scipy_openblas64/lib", "scipy_openblas32/lib", "numpy.libs", "scipy.libs"):
            # The name of the package is what people know it by.
            label = name.partition("/")[0].replace("_", "-")
            listed.append((label, os.path.join(directory, name)))
    for pattern in _SYSTEM.get(platform, ()):
        below_root = f"{root}{pattern}" if root else pattern
        listed += [("system", found) for found in sorted(glob.glob(below_root))]
    existing: dict[str, tuple[str, str]] = {}
    for label, directory in listed:
        if os.path.isdir(directory):
            existing.setdefault(os.path.realpath(directory), (label, directory))
    return list(existing.values())


def _file_pattern(platform: str) -> str:
    """A regular expression for names of libraries; its first group is the name for ``-l``."""
    unique = r"(?:-[0-9a-f]{8})?"  # put into names by auditwheel
    if platform == "darwin":
        return rf"lib(\w[\w-]*?){unique}(?:\.[\d.]+)?\.(?:dylib|tbd)"
    if platform == "win32":
        return rf"(?:lib)?(\w[\w-]*?){unique}(?:\.\d+)?\.(?:lib|dll\.a|dll)"
    return rf"lib(\w[\w-]*?){unique}\.so((?:\.\d+)*)"


def libraries_in(
    directory: str, platform: str = sys.platform, least: Quality = Quality.REFERENCE
) -> Iterator[tuple[Family, str]]:
    """Yield (family, path) of the libraries in a directory, one per name, the best first."""
    matches: dict[str, str] = {}
    try:
        names = sorted(os.listdir(directory), key=lambda name: (len(name), name))
    except OSError:
        return
    for name in names:
        # Most of a system's libraries are none of ours: no regular expression for these.
        if "bl" in name or "mkl" in name or "armpl" in name or "atlas" in name:
            match = re.fullmatch(_file_pattern(platform), name)
            if match:
                matches.setdefault(match.group(1), name)
    seen: set[str] = set()
    for family in FAMILIES:
        for library in family.libraries if family.quality >= least else ():
            if library in matches:
                path = os.path.join(directory, matches[library])
                found = _real_family(path, family)
                if found is None or found.quality < least:
                    continue
                # A second name of one kind: `libblas` of Debian is in each package.
                if found is family or found.name not in seen:
                    yield found, path
                seen.add(found.name)


def _real_family(path: str, named: Family) -> Family | None:
    """The family of a file that has a name of `named`; None if it only looks like it.

    ``libblis`` in a directory of AOCL is AMD's, and ``libblas`` is often a link to another one.
    """
    if named.name == "AOCL":
        return named if family_of(path).name == "AOCL" else None
    if named.name == "BLIS":
        return None if family_of(path).name == "AOCL" else named
    return family_of(os.path.realpath(path)) if named.name == "Netlib" else named


def link_words(path: str, platform: str = sys.platform) -> list[str]:
    """Return the words that link a library found at `path`."""
    directory, name = os.path.split(path)
    match = re.fullmatch(r"lib([\w-]+)\.(so|dylib|tbd)", name)
    if platform != "win32" and match:
        return [f"-L{directory}", f"-l{match.group(1)}"]
    return [path]


def find_candidates(
    environ: Mapping[str, str] = os.environ,
    platform: str = sys.platform,
    root: str = "",
    packages: Sequence[str] | None = None,
    least: Quality = Quality.REFERENCE,
    loaded: tuple[str, ...] | None = None,
) -> list[Candidate]:
    """Return the libraries that are installed, what the user chose first.

    Parameters
    ----------
    environ : mapping
        Environment variables.
    platform : str
        As `sys.platform`.
    root : str
        What stands before system directories.
    packages : sequence of str, optional
        Directories of Python packages; where NumPy is, if not given.
    least : Quality
        Leave out what is worse.
    loaded : tuple of str, optional
        Libraries in this process; looked up if not given.
    """
    loaded = loaded_libraries() if loaded is None else loaded
    found: dict[str, Candidate] = {}

    def add(candidate: Candidate) -> None:
        # One library has many names; the first way to it is taken.
        key = os.path.realpath(candidate.path) if candidate.path else candidate.flags
        found.setdefault(key, candidate)

    if platform == "darwin" and least <= Quality.VENDOR:
        framework = "/System/Library/Frameworks/Accelerate.framework"
        if os.path.isdir(root + framework):
            is_in = any("Accelerate.framework" in path for path in loaded)
            family = family_named("Accelerate")
            add(Candidate(family, "-framework Accelerate", "system", loaded=is_in))
    where = places(environ, platform, root, _package_places() if packages is None else packages)
    for label, directory in where:
        for family, path in libraries_in(directory, platform, least):
            words = link_words(path, platform)
            add(Candidate(family, join_words(words), label, path, is_loaded(path, loaded)))
    for candidate in _of_pkg_config(environ, [directory for _, directory in where], loaded):
        if candidate.family.quality >= least:
            add(candidate)
    return list(found.values())


_LIBRARIES = {name for family in FAMILIES for name in family.libraries}


def loaded_candidates(least: Quality) -> list[Candidate]:
    """Return the libraries that are in this process already and not worse than `least`."""
    candidates = []
    matches = re.compile(_file_pattern(sys.platform)).fullmatch
    for path in loaded_libraries():
        name = matches(os.path.basename(path))
        if name is None or name.group(1) not in _LIBRARIES:
            continue
        family = family_of(path)
        if name.group(1) in family.libraries and family.quality >= least:
            flags = join_words([path])
            candidates.append(Candidate(family, flags, "loaded already", path, True))
    return candidates


def _package_places() -> list[str]:
    numpy = sys.modules["numpy"].__file__ or ""
    return list(dict.fromkeys([os.path.dirname(os.path.dirname(numpy))]))


def candidate_of_flags(flags: str, where: str) -> Candidate:
    """Return what flags name, as far as they tell."""
    parsed = parse_flags(flags)
    path = next(iter(library_files(flags)), "")
    text = " ".join(parsed.words)
    guesses = (path, *parsed.libs, *parsed.other)
    family = next((f for f in map(family_of, filter(None, guesses)) if f is not UNKNOWN), UNKNOWN)
    return Candidate(family, text if not path else flags, where, path)


def library_files(flags: str) -> list[str]:
    """Return the files that flags name, as far as they are in directories named by the flags."""
    parsed = parse_flags(flags)
    files = [path for path in parsed.files if os.path.exists(path)]
    for name in parsed.libs:
        forms = (name[1:],) if name[:1] == ":" else _forms(name)
        paths = (os.path.join(place, form) for place in parsed.lib_dirs for form in forms)
        files += [path for path in paths if os.path.exists(path)][:1]
    return files


def _forms(name: str) -> tuple[str, ...]:
    return (f"lib{name}.so", f"lib{name}.dylib", f"{name}.lib", f"lib{name}.dll.a", f"lib{name}.a")


def _of_pkg_config(
    environ: Mapping[str, str], directories: Sequence[str], loaded: tuple[str, ...]
) -> Iterator[Candidate]:
    """Yield what the ``.pc`` files name. They are read here: no program is started for it."""
    given = environ.get("PKG_CONFIG_PATH", "").split(os.pathsep)
    homes = [*filter(None, given), *(os.path.join(place, "pkgconfig") for place in directories)]
    for name in _PKG_CONFIG:
        for path in (os.path.join(home, f"{name}.pc") for home in homes):
            flags = pkg_config_flags(path, environ.get("PKG_CONFIG_SYSROOT_DIR", ""))
            if flags:
                candidate = candidate_of_flags(flags, f"pkg-config {name}")
                if candidate.path:
                    yield candidate._replace(loaded=is_loaded(candidate.path, loaded))
                    break


def pkg_config_flags(path: str, sysroot: str = "") -> str:
    """Return the ``Libs`` of a ``.pc`` file with its variables filled in; empty if there is none."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            lines = file.read().splitlines()
    except OSError:
        return ""
    values: dict[str, str] = {"pcfiledir": os.path.dirname(path)}
    libs = ""
    for line in lines:
        variable = re.fullmatch(r"\s*([\w.]+)\s*=\s*(.*?)\s*", line)
        if variable:
            values[variable.group(1)] = _fill(variable.group(2), values)
        elif line.startswith("Libs:"):
            libs = _fill(line.partition(":")[2].strip(), values)
    try:
        words = parse_flags(libs).words
    except ValueError:
        # Somebody else's file with words that name no library.
        return ""
    place = sysroot.rstrip("/")
    return join_words(f"-L{place}{w[2:]}" if w.startswith("-L/") else w for w in words)


def _fill(text: str, values: Mapping[str, str]) -> str:
    return re.sub(r"\$\{([\w.]+)\}", lambda match: values.get(match.group(1), ""), text)


def why_not_tried(candidate: Candidate, present: Family, second_allowed: bool) -> str:
    """Return why a candidate cannot be better than what is there; empty if it may be.

    Parameters
    ----------
    candidate : Candidate
    present : Family
        What the BLAS at hand is: NumPy's or SciPy's.
    second_allowed : bool
        Whether a second BLAS may be loaded beside it.
    """
    family = candidate.family
    if family.quality is Quality.REFERENCE:
        return "reference BLAS: right, and never faster"
    if family.name == present.name:
        return f"the BLAS at hand is {present.name} too: a second copy gains nothing"
    if family.quality < present.quality:
        return f"not expected to be better than {present.name}"
    if not second_allowed and not candidate.loaded and present.quality >= Quality.TUNED:
        return "would be a second BLAS in the process; blas__ldflags=fastest allows that"
    return ""


def best_first(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Return candidates by class, those of one class in the order they were found."""
    return sorted(candidates, key=lambda candidate: -candidate.family.quality)
