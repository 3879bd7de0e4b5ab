"""C source files as package data: found, loaded and put together into one translation unit."""

import functools
import pkgutil
import re
from collections.abc import Iterable
from typing import NamedTuple

C_CODE = "pytensor.link.c.c_code"

_quoted_include = re.compile(r'^[ \t]*#[ \t]*include[ \t]+"([^"]+)"[^\n]*\n', re.MULTILINE)


class Source(NamedTuple):
    """A C file shipped as package data.

    Parameters
    ----------
    package : str
        Dotted name of the directory that holds the file.
    name : str
        File name. A ``.h`` file is included once per unit. A ``.c`` file is a body that may be
        instantiated several times, once per distinct `defines`.
    defines : tuple of (str, str)
        Macros set before the text and unset after it.
    """

    package: str
    name: str
    defines: tuple[tuple[str, str], ...] = ()


@functools.cache
def read_source(package: str, name: str) -> str:
    """Return the text of a packaged C file; works from a directory, a wheel and a zip."""
    parent, _, child = package.rpartition(".")
    # A directory of C files is data, not a package: start from the Python package above it.
    data = pkgutil.get_data(parent, f"{child}/{name}")
    if data is None:
        raise FileNotFoundError(f"{package}/{name} is not among the data of the package")
    text = data.decode("utf-8").replace("\r\n", "\n")
    return text if text.endswith("\n") else text + "\n"


@functools.cache
def _split_includes(package: str, name: str) -> tuple[str, ...]:
    """The text of a file cut at its quoted includes: text, name, text, name, ..., text."""
    return tuple(_quoted_include.split(read_source(package, name)))


class UnitBuilder:
    """Collects sources into one text: quoted includes are expanded in place, headers once.

    The unit needs no include path, so the same bytes compile anywhere and can be hashed.
    """

    def __init__(self):
        self._parts: list[str] = []
        self._seen: set[Source] = set()

    def add(self, source: Source) -> None:
        """Append a file unless the same instance of it is there already."""
        if source in self._seen:
            return
        self._seen.add(source)
        self._parts += [f"#define {key} {value}\n" for key, value in source.defines]
        self._expand(source.package, source.name)
        self._parts += [f"#undef {key}\n" for key, _ in source.defines]

    def add_text(self, text: str) -> None:
        """Append generated text."""
        self._parts.append(text)

    def text(self) -> str:
        """Return the unit."""
        return "".join(self._parts)

    def _expand(self, package: str, name: str) -> None:
        pieces = _split_includes(package, name)
        self._parts.append(pieces[0])
        for included, rest in zip(pieces[1::2], pieces[2::2]):
            home = _home_of(package, included)
            if included.endswith(".h"):
                self.add(Source(home, included))
            else:
                self._expand(home, included)
            self._parts.append(rest)


def _home_of(package: str, name: str) -> str:
    """The directory of an included file: that of the includer, else the common one."""
    try:
        read_source(package, name)
    except (FileNotFoundError, OSError):
        return C_CODE
    return package


def files_of(sources: Iterable[Source]) -> list[str]:
    """Return the text of every file that a unit with these sources is made of, each once.

    With the sources themselves that says as much as the unit, and is far shorter where one file
    is a body for many elements.
    """
    waiting = [(C_CODE, "pytensor.h"), *((source.package, source.name) for source in sources)]
    found: dict[tuple[str, str], str] = {}
    while waiting:
        package, name = waiting.pop()
        if (package, name) not in found:
            found[package, name] = read_source(package, name)
            included = _split_includes(package, name)[1::2]
            waiting += [(_home_of(package, other), other) for other in included]
    return list(found.values())


def build_unit(sources: Iterable[Source], text: str) -> str:
    """Return one translation unit: ``pytensor.h``, the sources in order, then `text`."""
    unit = UnitBuilder()
    unit.add(Source(C_CODE, "pytensor.h"))
    for source in sources:
        unit.add(source)
    unit.add_text(text)
    return unit.text()
