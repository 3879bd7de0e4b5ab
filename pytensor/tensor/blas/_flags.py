"""Linker flags as people write them, taken apart."""

import os
import re
import warnings
from typing import NamedTuple

__all__ = ["LinkFlags", "parse_flags"]

# A word is a run of quoted strings, escaped blanks or quotes, and plain characters. A backslash in
# front of anything else is a character like any other: Windows paths have them.
_word = re.compile(r"""(?:"[^"]*"|'[^']*'|\\[\s"']|[^\s"'])+""")
_library = re.compile(r"\.(so(\.\d+)*|a|dylib|lib|dll|tbd)$", re.IGNORECASE)
_takes_value = ("-framework", "-F", "-Xlinker", "-isystem", "-rpath", "-arch", "-u")


class LinkFlags(NamedTuple):
    """The parts of a flag string.

    Parameters
    ----------
    libs, lib_dirs, include_dirs : tuple of str
        Values of ``-l``, ``-L`` and ``-I``.
    other : tuple of str
        Everything else in its order: ``-framework``, ``-Wl,...``, library paths, compiler flags.
    words : tuple of str
        All words in their order, ready to be arguments of a linker (never of a shell).
    """

    libs: tuple[str, ...]
    lib_dirs: tuple[str, ...]
    include_dirs: tuple[str, ...]
    other: tuple[str, ...]
    words: tuple[str, ...]


def split_words(text: str) -> list[str]:
    """Split a flag string at blanks outside of quotes, and take the quotes away."""
    words, end = [], 0
    for match in _word.finditer(text):
        if text[end : match.start()].strip():
            break
        words.append(_unquote(match.group()))
        end = match.end()
    if text[end:].strip():
        raise ValueError(f"[blas__ldflags] a quote is not closed in {text!r}, at {text[end:]!r}")
    return words


def _unquote(word: str) -> str:
    return re.sub(
        r"""("[^"]*"|'[^']*')|\\([\s"'])""",
        lambda match: match.group(1)[1:-1] if match.group(1) else match.group(2),
        word,
    )


def parse_flags(text: str) -> LinkFlags:
    """Take a flag string apart.

    Parameters
    ----------
    text : str
        As given to a linker: ``-L"/opt/my lib" -lopenblas -Wl,-rpath,/opt/lib``,
        ``-framework Accelerate``, ``/usr/lib/libblis.so``.

    Returns
    -------
    LinkFlags

    Raises
    ------
    ValueError
        If a quote is open, a flag lacks its value, or a word is neither a flag nor a library.

    Examples
    --------
    >>> parse_flags("-L/opt/lib -l openblas -framework Accelerate").libs
    ('openblas',)
    """
    if "\0" in text or "\n" in text:
        raise ValueError(f"[blas__ldflags] flags must be one line of text, got {text!r}")
    words = iter(split_words(text))
    parts: dict[str, list[str]] = {"-l": [], "-L": [], "-I": []}
    other: list[str] = []
    ordered: list[str] = []
    for word in words:
        if word[:2] in parts:
            value = word[2:] or _value_of(word, words, text)
            parts[word[:2]].append(value)
            ordered.append(word[:2] + value)
        elif word in _takes_value:
            pair = [word, _value_of(word, words, text)]
            other += pair
            ordered += pair
        elif (word.startswith("-") and len(word) > 1) or _library.search(word):
            other.append(word)
            ordered.append(word)
        else:
            raise ValueError(
                f"[blas__ldflags] {word!r} must be a flag or a library file, got it in {text!r}"
            )
    for directory in parts["-L"]:
        if not os.path.isdir(directory):
            warnings.warn(f"[blas__ldflags] no directory {directory!r}", stacklevel=3)
    return LinkFlags(
        tuple(parts["-l"]), tuple(parts["-L"]), tuple(parts["-I"]), tuple(other), tuple(ordered)
    )


def _value_of(flag: str, words, text: str) -> str:
    value = next(words, None)
    if value is None or value.startswith("-"):
        raise ValueError(f"[blas__ldflags] {flag} must be followed by its value, got {text!r}")
    return value
