"""Linker flags as people write them, taken apart and checked. Starts nothing, looks up no library."""

import os
import re
import warnings
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

__all__ = ["DISCOVERY_WORDS", "LinkFlags", "as_flag_text", "join_words", "parse_flags"]

DISCOVERY_WORDS = ("auto", "fastest")
"""Values of ``config.blas__ldflags`` that let pytensor look for a library itself."""

# A word is a run of quoted strings, escaped blanks or quotes, and plain characters. A backslash in
# front of anything else is a character like any other: Windows paths have them.
_WORD = r"""(?:"[^"]*"|'[^']*'|\\[\s"']|[^\s"'])+"""
_LIBRARY = r"\.(so(\.\d+)*|a|dylib|lib|dll|tbd)$"
_NAME = r":?[\w.+-]+"
_TAKES_VALUE = ("-framework", "-F", "-Xlinker", "-isystem", "-rpath", "-arch", "-u")
_NO_LINKING = ("-c", "-E", "-S", "-o", "-x")


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

    @property
    def files(self) -> tuple[str, ...]:
        """The libraries named by their path."""
        return tuple(word for word in self.other if _is_file(word))


def _is_file(word: str) -> bool:
    return not word.startswith("-") and re.search(_LIBRARY, word, re.IGNORECASE) is not None


def _fail(problem: str, text: str) -> ValueError:
    return ValueError(f"[blas__ldflags] {problem}, got {text!r}")


def split_words(text: str) -> list[str]:
    """Split a flag string at blanks outside of quotes, and take the quotes away."""
    words, end = [], 0
    for match in re.finditer(_WORD, text):
        if text[end : match.start()].strip():
            break
        words.append(_unquote(match.group()))
        end = match.end()
    if text[end:].strip():
        raise _fail(f"the quote at {text[end:].strip()!r} must be closed", text)
    return words


def _unquote(word: str) -> str:
    return re.sub(
        r"""("[^"]*"|'[^']*')|\\([\s"'])""",
        lambda match: match.group(1)[1:-1] if match.group(1) else match.group(2),
        word,
    )


def join_words(words: Iterable[str]) -> str:
    """Return one string that `parse_flags` takes apart into `words` again."""
    return " ".join(f'"{word}"' if re.search(r"[\s']", word) else word for word in words)


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
        If a quote is open, a flag lacks its value, a word is neither a flag nor a library, or the
        text asks for something else than linking.

    Examples
    --------
    >>> parse_flags("-L/usr/lib -l openblas -framework Accelerate").libs
    ('openblas',)
    """
    if "\0" in text or "\n" in text:
        raise _fail("flags must be one line of text", text)
    words = iter(split_words(text))
    parts: dict[str, list[str]] = {"-l": [], "-L": [], "-I": []}
    other: list[str] = []
    ordered: list[str] = []
    for word in words:
        if word[:2] in parts:
            value = word[2:] or _value_of(word, words, text)
            if word[:2] == "-l":
                _check_name(value, text)
            parts[word[:2]].append(value)
            ordered.append(word[:2] + value)
        elif word in _TAKES_VALUE:
            pair = [word, _value_of(word, words, text)]
            other += pair
            ordered += pair
        else:
            _check_word(word, text)
            other.append(word)
            ordered.append(word)
    return LinkFlags(
        tuple(parts["-l"]), tuple(parts["-L"]), tuple(parts["-I"]), tuple(other), tuple(ordered)
    )


def _value_of(flag: str, words: Iterator[str], text: str) -> str:
    value = next(words, None)
    if value is None or (value.startswith("-") and flag != "-Xlinker"):
        raise _fail(f"{flag} must be followed by its value", text)
    return value


def _check_name(name: str, text: str) -> None:
    if not re.fullmatch(_NAME, name):
        hint = " (flags are separated by blanks)" if "," in name or ";" in name else ""
        raise _fail(f"-l must be followed by the name of a library{hint}, not by {name!r}", text)


def _check_word(word: str, text: str) -> None:
    if word.startswith(_NO_LINKING) and not word.startswith("-Xlinker"):
        if word in _NO_LINKING or word.startswith("-o"):
            raise _fail(f"{word} must not be among flags that name a library", text)
    if (word.startswith("-") and word not in {"-", "--", "-Wl,"}) or _is_file(word):
        return
    plain = re.fullmatch(r"[\w.+-]+", word)
    hint = f" (-l{word.removeprefix('lib')}?)" if plain else ""
    raise _fail(f"{word!r} must be a flag or the path of a library{hint}", text)


def as_flag_text(value: Any) -> str:
    """Return a value given for ``config.blas__ldflags`` as one checked line.

    Parameters
    ----------
    value : str, None, or list or tuple of str
        Flags as one text; ``"auto"`` or ``"fastest"``; the words of a command one by one; None
        and an empty text mean that no library is linked.

    Raises
    ------
    ValueError
        If it cannot be read. A directory that is not there is only warned about.

    Examples
    --------
    >>> as_flag_text(["-L/usr/lib", "-lopenblas"])
    '-L/usr/lib -lopenblas'
    """
    if value is None:
        return ""
    if isinstance(value, list | tuple):
        if not all(isinstance(word, str) for word in value):
            raise ValueError(f"[blas__ldflags] flags must be texts, got {value!r}")
        value = join_words(value)
    if not isinstance(value, str):
        raise ValueError(f"[blas__ldflags] flags must be a text, got {value!r}")
    text = value.strip()
    if text.lower() in DISCOVERY_WORDS:
        return text.lower()
    # Quotes around everything are left over from a shell or a settings file.
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'" and text.count(text[0]) == 2:
        if text[1:2] == "-" and " " in text:
            text = text[1:-1].strip()
    for directory in parse_flags(text).lib_dirs:
        # gcc's `-L=/usr/lib` is below the system root, which only gcc knows.
        if not directory.startswith("=") and not os.path.isdir(directory):
            warnings.warn(f"[blas__ldflags] no directory {directory!r}", stacklevel=6)
    return text
