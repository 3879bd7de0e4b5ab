"""Keeping a directory of compiled objects small: what killed processes left, what nobody uses.

Nothing here takes a lock that another process could wait for. A directory in use is told by a
shared ``flock``, which ends with its process however that ends.
"""

import contextlib
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from pytensor.configdefaults import config
from pytensor.link.c.trust import user_id

__all__ = ["Entry", "entries", "held", "hold", "now_and_then", "remove", "remove_leftovers", "tidy"]

# Seconds. A use is noted when the last note is older than FRESH; nothing noted within KEPT goes,
# so that nobody loses what it is about to load.
FRESH = 300
KEPT = 2 * FRESH
_HOUR = 3600
_LEFTOVERS = ("build-", "new-")


class Entry(NamedTuple):
    """A file of the cache.

    Parameters
    ----------
    path : str
    size : int
        Bytes.
    used : float
        Time of the last use that was noted.
    """

    path: str
    size: int
    used: float


@contextlib.contextmanager
def held(place: str | os.PathLike) -> Iterator[None]:
    """Mark a directory as in use by this process."""
    descriptor = hold(place)
    try:
        yield
    finally:
        if descriptor is not None:
            os.close(descriptor)


def hold(place: str | os.PathLike) -> int | None:
    """Return a descriptor that marks a directory as in use until it is closed, or the process ends."""
    if os.name != "posix":
        return None
    import fcntl  # noqa: PLC0415  (not on every system)

    try:
        descriptor = os.open(place, os.O_RDONLY)
    except OSError:
        return None
    # Without the mark its age protects it.
    with contextlib.suppress(OSError):
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    return descriptor


def _is_ours(info: os.stat_result) -> bool:
    return os.name != "posix" or info.st_uid == user_id()


def _in_use(place: str) -> bool:
    """Tell whether a process that is still there has marked a directory."""
    if os.name != "posix":
        return False
    import fcntl  # noqa: PLC0415  (not on every system)

    try:
        descriptor = os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_DIRECTORY)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


def remove(path: str) -> None:
    """Remove a file or a directory with all it holds. No link is followed."""
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path, ignore_errors=True)
    else:
        os.unlink(path)


def entries(home: str | os.PathLike) -> list[Entry]:
    """Return the objects of a cache, the longest unused first."""
    found = []
    for entry in os.scandir(os.fspath(home)):
        # It may go while we look.
        with contextlib.suppress(OSError):
            if entry.name.endswith(".so") and not entry.name.startswith(_LEFTOVERS):
                info = entry.stat(follow_symlinks=False)
                found.append(Entry(entry.path, info.st_size, info.st_mtime))
    return sorted(found, key=lambda entry: entry.used)


def remove_leftovers(
    home: str | os.PathLike,
    age: float = _HOUR,
    prefixes: tuple[str, ...] = _LEFTOVERS,
    now: float | None = None,
) -> int:
    """Remove what processes that are no more were writing; return how much that was.

    Parameters
    ----------
    home : path
    age : float
        Seconds: the younger ones stay.
    prefixes : tuple of str
        How the names of such files and directories begin.
    now : float, optional
        The time by the clock of the file system, if that is known.
    """
    now, gone = time.time() if now is None else now, 0
    for entry in os.scandir(os.fspath(home)):
        if not entry.name.startswith(prefixes):
            continue
        with contextlib.suppress(OSError):
            info = entry.stat(follow_symlinks=False)
            # A time to come is that of a clock that was wrong.
            old = not -_HOUR < now - info.st_mtime < age
            if old and _is_ours(info) and not _in_use(entry.path):
                remove(entry.path)
                gone += 1
    return gone


def tidy(
    home: str | os.PathLike,
    limit: float,
    longest: float,
    kept: float = KEPT,
    now: float | None = None,
) -> tuple[int, int]:
    """Remove objects until the others take at most four fifths of the limit, and leftovers.

    Parameters
    ----------
    home : path
    limit : float
        Bytes that objects may take; 0: any number.
    longest : float
        Seconds after which an unused object goes in any case.
    kept : float
        Seconds after its last use in which an object stays in any case.
    now : float, optional
        The time by the clock of the file system, if that is known.

    Returns
    -------
    removed, left
        Numbers of objects.
    """
    now = time.time() if now is None else now
    remove_leftovers(home, now=now)
    found = entries(home)
    total = sum(entry.size for entry in found)
    excess = total - 0.8 * limit if limit and total > limit else 0
    removed = 0
    for entry in found:
        if entry.used > now + FRESH:
            # Written while the clock was wrong: from now on it ages like the others.
            with contextlib.suppress(OSError):
                os.utime(entry.path)
            continue
        age = now - entry.used
        if age < kept or (excess <= 0 and age < longest):
            continue
        with contextlib.suppress(OSError):
            # Somebody may have used it since.
            if os.lstat(entry.path).st_mtime == entry.used:
                remove(entry.path)
                removed += 1
                excess -= entry.size
    return removed, len(found) - removed


def now_and_then(home: Path, written: int) -> int:
    """Tidy if nobody did for an hour, or if much was written since.

    Parameters
    ----------
    home : Path
    written : int
        Bytes that this process wrote since it last tidied.

    Returns
    -------
    int
        What to pass the next time.
    """
    limit = config.compile__cache_size * 1e6
    mark = home / "tidied"
    # Another process may tidy at the same time, or the disk refuse: nothing depends on it.
    with contextlib.suppress(OSError):
        try:
            recently = abs(time.time() - mark.lstat().st_mtime) < _HOUR
        except FileNotFoundError:
            recently = False
        if recently and not (limit and written > limit / 8):
            return written
        # Opened as new, so that no link is followed.
        with contextlib.suppress(FileNotFoundError):
            remove(str(mark))
        os.close(os.open(mark, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        os.chmod(mark, 0o600)  # whatever the umask took away
        # A file server has a clock of its own, and ours may be wrong.
        now = mark.lstat().st_mtime
        tidy(home, limit, max(config.cmodule__age_thresh_use, _HOUR), now=now)
    return 0
