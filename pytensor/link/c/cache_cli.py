"""``pytensor-cache``: what is in the compile cache, and how to make it smaller."""

import argparse
import errno
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from pytensor.configdefaults import config
from pytensor.link.c import tidy
from pytensor.link.c.cache import trusted_directory

_EPILOG = """\
The directory is set by config.compiledir, its size by config.compile__cache_size.
Removing objects is always safe, also while programs run: what is needed again is compiled again.
The exit status is 1 if something could not be done."""


def _kind(path: str) -> str:
    """Say what an object is, by name and content."""
    if os.path.basename(path).startswith("blas-"):
        return "BLAS"
    if os.path.islink(path) or not os.path.isfile(path):
        return "strange"
    try:
        with open(path, "rb") as file:
            return "driver" if b"PyInit__driver" in file.read(1 << 20) else "kernels"
    except OSError:
        return "?"


def _megabytes(entries: list[tidy.Entry]) -> str:
    return f"{sum(entry.size for entry in entries) / 1e6:.1f} MB"


def _number(entries: list[tidy.Entry]) -> str:
    return f"{len(entries)} object{'' if len(entries) == 1 else 's'}"


def info(directory: Path, entries: list[tidy.Entry], options: argparse.Namespace) -> int:
    """Where the cache is, how large, and whether it is used."""
    limit = config.compile__cache_size
    bound = f" of at most {limit} MB" if limit else ""
    print(f"{directory}: {_number(entries)}, {_megabytes(entries)}{bound}")
    if entries:
        first, last = (
            time.strftime("%Y-%m-%d %H:%M", time.localtime(entries[i].used)) for i in (0, -1)
        )
        print(f"last used between {first} and {last}")
    reason = trusted_directory(directory)
    if reason is not None and reason.startswith(f"[Errno {errno.ENOENT}]"):
        print("not there yet: it is made when something is compiled")
        return 0
    if reason is None and not os.access(directory, os.W_OK | os.X_OK):
        reason = f"{directory} cannot be written"
    print("in use" if reason is None else f"not in use: {reason}")
    return 0


def show(directory: Path, entries: list[tidy.Entry], options: argparse.Namespace) -> int:
    """Every object, the one used last at the end."""
    for entry in entries:
        used = time.strftime("%Y-%m-%d %H:%M", time.localtime(entry.used))
        name = ascii(os.path.basename(entry.path))[1:-1]  # no control characters
        print(f"{used}  {entry.size / 1e3:9.1f} kB  {_kind(entry.path):<8} {name}")
    print(f"{directory}: {_number(entries)}, {_megabytes(entries)}")
    return 0


def clear(directory: Path, entries: list[tidy.Entry], options: argparse.Namespace) -> int:
    """Remove every object, and what interrupted processes left."""
    status = _remove(directory, entries, entries)
    if directory.is_dir():
        tidy.remove_leftovers(directory, age=0.0)
        # What the compiler of the ziglang package keeps.
        if (directory / "zig").is_dir():
            tidy.remove(str(directory / "zig"))
    return status


def purge(directory: Path, entries: list[tidy.Entry], options: argparse.Namespace) -> int:
    """Remove objects that were not used for some days, or the oldest until the rest fits."""
    oldest = time.time() - 86400 * options.days
    left = sum(entry.size for entry in entries)
    gone = []
    for entry in entries:
        if entry.used < oldest or (options.size is not None and left > options.size * 1e6):
            gone.append(entry)
            left -= entry.size
    status = _remove(directory, gone, entries)
    if directory.is_dir():
        tidy.remove_leftovers(directory)
    return status


def _remove(directory: Path, gone: list[tidy.Entry], entries: list[tidy.Entry]) -> int:
    reason = trusted_directory(directory) if directory.exists() else None
    if reason is not None:
        print(f"{directory}: nothing removed: {reason}", file=sys.stderr)
        return 1
    failed = []
    for entry in gone:
        try:
            tidy.remove(entry.path)
        except FileNotFoundError:
            continue  # by somebody else
        except OSError as error:
            failed.append(str(error))
    print(f"{directory}: removed {len(gone) - len(failed)} of {_number(entries)}")
    if failed:
        print(f"{len(failed)} could not be removed, the first: {failed[0]}", file=sys.stderr)
    return 1 if failed else 0


_ACTIONS: dict[str, Callable[[Path, list[tidy.Entry], argparse.Namespace], int]] = {
    "info": info,
    "list": show,
    "clear": clear,
    "purge": purge,
}


def _at_least_0(text: str) -> float:
    value = float(text)
    if not value >= 0:
        raise ValueError
    return value


_at_least_0.__name__ = "number, 0 or more,"


def main(argv: list[str] | None = None) -> int:
    """Run the command.

    Parameters
    ----------
    argv : list of str, optional
        ``["info"]`` (the default), ``["list"]``, ``["clear"]``, ``["purge", "--days", "30"]`` or
        ``["purge", "--size", "100"]``.

    Returns
    -------
    int
        Exit status: 1 if something could not be removed.
    """
    parser = argparse.ArgumentParser(
        prog="pytensor-cache",
        description=__doc__.partition(": ")[2],
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    words = "; ".join(f"{name}: {_summary(action)}" for name, action in _ACTIONS.items())
    parser.add_argument("action", nargs="?", default="info", choices=_ACTIONS, help=words)
    parser.add_argument(
        "--days", type=_at_least_0, default=30.0, help="purge: keep what was used since (30)"
    )
    parser.add_argument(
        "--size", type=_at_least_0, help="purge: keep at most this many megabytes, the last used"
    )
    options = parser.parse_args(argv)
    directory = Path(os.path.abspath(config.compiledir)) / "c"
    try:
        entries = tidy.entries(directory) if directory.is_dir() else []
    except OSError as error:
        print(f"{directory} cannot be read: {error}", file=sys.stderr)
        return 1
    try:
        return _ACTIONS[options.action](directory, entries, options)
    except BrokenPipeError:
        # `pytensor-cache list | head`: nobody reads on.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _summary(action: Callable) -> str:
    text = (action.__doc__ or "").strip().rstrip(".")
    return text[:1].lower() + text[1:]


if __name__ == "__main__":
    sys.exit(main())
