"""Which directories may be used: those that no other user could have written."""

import os
import stat

__all__ = ["make_private", "settle", "trusted_directory", "user_id"]

_MOST_LINKS = 40


def user_id() -> int:
    """Return the user that files are made as and judged by."""
    return os.geteuid() if hasattr(os, "geteuid") else 0


def _unmapped_root() -> int | None:
    """The number under which a user namespace shows a root that it does not contain."""
    try:
        with open("/proc/self/uid_map", encoding="ascii") as file:
            if file.readline().split() == ["0", "0", "4294967295"]:
                return None
        with open("/proc/sys/kernel/overflowuid", encoding="ascii") as file:
            return int(file.read())
    except (OSError, ValueError):
        return None


def _why_foreign(path: str, info: os.stat_result) -> str | None:
    """Say why something on the way could have been placed by another user, or None."""
    if info.st_uid in (0, user_id()):
        return None
    # In a container / and what is directly below it belong to a root who has no name there.
    if path.count("/") == 1 and info.st_uid == _unmapped_root():
        return None
    return f"belongs to user {info.st_uid}"


def _why_untrusted(path: str, info: os.stat_result) -> str | None:
    """Say why a directory on the way could be changed by another user, or None."""
    reason = _why_foreign(path, info)
    if reason is None and info.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        # In a sticky directory such as /tmp nobody can rename what belongs to us.
        if not info.st_mode & stat.S_ISVTX:
            reason = "can be written by others"
    return reason


def _absolute(path: str | os.PathLike) -> str:
    path = os.fspath(path)
    return path if os.path.isabs(path) else os.path.join(os.getcwd(), path)


def _parts(path: str) -> list[str]:
    return [part for part in reversed(path.split("/")) if part not in {"", "."}]


def settle(path: str | os.PathLike) -> tuple[str, str | None]:
    """Follow a path component by component, as the system would.

    Every directory and every symbolic link on the way is checked for owner and mode. The
    directory itself must not be a link.

    Returns
    -------
    place, reason
        The path without links, and why nothing may be loaded from below it, or None.
    """
    path = _absolute(path)
    if os.name != "posix":
        return os.path.normpath(path), None
    waiting = _parts(path)
    at, links = "/", 0
    info = os.lstat(at)
    reason = _why_untrusted(at, info)
    while waiting and reason is None:
        part = waiting.pop()
        if part == "..":
            at = os.path.dirname(at)
            continue
        here = os.path.join(at, part)
        try:
            info = os.lstat(here)
        except OSError as error:
            return here, str(error)
        if stat.S_ISLNK(info.st_mode):
            links += 1
            reason = _why_foreign(here, info)
            if reason or links > _MOST_LINKS or not waiting:
                why = f"of user {info.st_uid}" if reason else "(too many)" if waiting else ""
                return here, f"{here} is a symbolic link {why}".rstrip()
            target = os.readlink(here)
            waiting += _parts(target)
            at = "/" if target.startswith("/") else at
            continue
        at = here
        reason = _why_untrusted(at, info) if stat.S_ISDIR(info.st_mode) else "is not a directory"
    if reason is None:
        info = os.lstat(at)
        if info.st_uid != user_id() or info.st_mode & 0o077:
            return at, f"{at} must belong to the user with mode 0700"
    return at, f"{at} {reason}" if reason else None


def trusted_directory(path: str | os.PathLike) -> str | None:
    """Return why nothing may be loaded from below `path`, or None if it is safe."""
    return settle(path)[1]


def make_private(path: str | os.PathLike) -> tuple[str, str | None]:
    """Create a directory (0700) and its parents; return what `settle` says about it."""
    try:
        missing = []
        at = _absolute(path)
        while not os.path.lexists(at):
            missing.append(at)
            at = os.path.dirname(at)
        for part in reversed(missing):
            try:
                os.mkdir(part, 0o700)
            except FileExistsError:
                # Another process was faster; the check below judges what is there.
                continue
            if os.name == "posix" and os.stat(part).st_mode & 0o700 != 0o700:
                os.chmod(part, 0o700)  # the umask took away what the owner needs
        return settle(path)
    except (OSError, ValueError) as error:
        # ValueError: a path with a null character.
        return os.fspath(path), str(error)
