"""A content-addressed store of compiled objects.

An entry is one file ``<key>.so``: the object followed by a digest of key and object. It is
written in a temporary file, synced and renamed, so that no lock is needed: a reader sees a whole
entry or none, and who comes second discards. What does not verify is rebuilt. Nothing is read
from a directory or a file that another user could have written. No pickle is involved.
"""

import atexit
import contextlib
import functools
import hashlib
import os
import shutil
import stat
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from pytensor.configdefaults import config

__all__ = ["Cache", "content_key", "get_cache", "trusted_directory"]

_MAGIC = b"\npytensor-object-1\n"
_DAY = 24 * 3600


def _tempfile():
    import tempfile  # noqa: PLC0415  (slow to import, seldom needed)

    return tempfile


def content_key(parts: Iterable[str | bytes]) -> str:
    """Return the hash of an ordered list of texts; the lengths separate them."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "little"))
        digest.update(data)
    return digest.hexdigest()


def _why_untrusted(info: os.stat_result) -> str | None:
    """Say why a directory on the way could be changed by another user, or None."""
    if info.st_uid not in (0, os.getuid()):
        return f"belongs to user {info.st_uid}"
    others = info.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    # In a sticky directory such as /tmp nobody can rename what belongs to us.
    if others and not info.st_mode & stat.S_ISVTX:
        return "can be written by others"
    return None


def trusted_directory(path: Path) -> str | None:
    """Return why nothing may be loaded from below `path`, or None if it is safe.

    Every component is checked for owner and mode. A symbolic link on the way counts only if
    nobody else could have placed it; the directory itself must not be one.
    """
    if os.name != "posix":
        return None
    path = Path(os.path.abspath(path))
    try:
        for part in (*reversed(path.parents), path):
            info = os.lstat(part)
            if stat.S_ISLNK(info.st_mode):
                if part == path:
                    return f"{part} is a symbolic link"
                if info.st_uid not in (0, os.getuid()):
                    return f"{part} is a symbolic link of user {info.st_uid}"
                return trusted_directory(Path(os.path.realpath(path)))
            reason = "is not a directory" if not stat.S_ISDIR(info.st_mode) else None
            reason = reason or _why_untrusted(info)
            if reason:
                return f"{part} {reason}"
    except OSError as error:
        return str(error)
    if info.st_uid != os.getuid() or info.st_mode & 0o077:
        return f"{path} must belong to the user with mode 0700"
    return None


def _make_private(path: Path) -> str | None:
    """Create a directory (0700) and its parents; return why it cannot be used, or None."""
    try:
        missing = []
        at = Path(os.path.abspath(path))
        while not os.path.lexists(at):
            missing.append(at)
            at = at.parent
        for part in reversed(missing):
            # Another process may be faster; the check below judges what is there.
            with contextlib.suppress(FileExistsError):
                os.mkdir(part, 0o700)
    except OSError as error:
        return str(error)
    return trusted_directory(path)


class Cache:
    """Objects by key in one private directory, or for this session only.

    Parameters
    ----------
    directory : Path or None
        Where entries live. None, or one that cannot be trusted or written: a private temporary
        directory that goes away with the process.
    """

    def __init__(self, directory: Path | None):
        self.persistent = False
        self.reason: str | None = "no directory given"
        self.directory: Path | None = None
        self._session: Path | None = None
        self._lock = threading.Lock()
        if directory is not None:
            self.reason = _make_private(directory)
            if self.reason is None:
                # A directory that may be read but not written still serves.
                self.directory = Path(directory)
                self.persistent = os.access(directory, os.W_OK | os.X_OK)
                if not self.persistent:
                    self.reason = f"{directory} cannot be written"

    def get(self, key: str, build: Callable[[Path], bytes], anew: bool = False) -> Path:
        """Return the path of a verified object, building it in a scratch directory if needed."""
        for home in filter(None, (self.directory, self._session) if not anew else ()):
            path = home / f"{key}.so"
            if self._verify(path, key):
                return path
        scratch = self._scratch()
        try:
            data = build(scratch)
        finally:
            if not config.nocleanup:
                shutil.rmtree(scratch, ignore_errors=True)
        return self.put(key, data)

    def get_bytes(self, key: str, build: Callable[[Path], bytes], anew: bool = False) -> bytes:
        """Return the content of a verified entry, building it if needed."""
        return self.get(key, build, anew).read_bytes().rpartition(_MAGIC)[0]

    def put(self, key: str, data: bytes) -> Path:
        """Store an object and return its path; fall back to the session when the disk refuses."""
        home = self.directory
        if self.persistent and home is not None:
            try:
                path = self._write(home, key, data)
            except OSError as error:
                self._degrade(str(error))
            else:
                self._tidy(home)
                return path
        return self._write(self._session_directory(), key, data)

    def get_in_session(self, key: str, build: Callable[[Path], bytes]) -> Path:
        """Build an object in the private temporary directory, whatever the cache holds."""
        place = self._session_directory()
        scratch = Path(_tempfile().mkdtemp(prefix="build-", dir=place))
        return self._write(place, key, build(scratch))

    def is_session(self, path: Path) -> bool:
        """Tell whether an object is in the private temporary directory."""
        return self._session is not None and self._session in path.parents

    def refuse(self) -> None:
        """Take note that code does not load from here (a ``noexec`` mount): keep to the session."""
        self._degrade(f"{self.directory} does not allow code to be loaded")
        self.directory = None

    def _verify(self, path: Path, key: str) -> bool:
        """True if the entry is a private regular file whose digest matches."""
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
        try:
            descriptor = os.open(path, flags)
        except OSError:
            return False
        info = os.fstat(descriptor)
        if not stat.S_ISREG(info.st_mode):
            os.close(descriptor)
            return False
        with open(descriptor, "rb") as file:
            if os.name == "posix" and (info.st_uid != os.getuid() or info.st_mode & 0o022):
                return False
            try:
                content = file.read()
            except OSError:
                return False
        data, magic, digest = content.rpartition(_MAGIC)
        if not magic or digest != _digest(key, data):
            return False
        self._touch(path, info)
        return True

    def _touch(self, path: Path, info: os.stat_result) -> None:
        """Note the use of an entry, at most daily, so that old ones can be told."""
        if self.persistent and time.time() - info.st_mtime > _DAY:
            # A lost date only means an earlier rebuild.
            with contextlib.suppress(OSError):
                os.utime(path)

    def _write(self, home: Path, key: str, data: bytes) -> Path:
        path = home / f"{key}.so"
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        # mkstemp creates the file with mode 0600, whatever the umask.
        descriptor, name = _tempfile().mkstemp(prefix="new-", dir=home)
        try:
            with open(descriptor, "wb") as file:
                file.write(data + _MAGIC + _digest(key, data))
                file.flush()
                if home == self.directory:
                    os.fsync(descriptor)
            os.replace(name, path)
        except BaseException:
            os.unlink(name)
            raise
        return path

    def _scratch(self) -> Path:
        if self.persistent:
            try:
                return Path(_tempfile().mkdtemp(prefix="build-", dir=self.directory))
            except OSError as error:
                self._degrade(str(error))
        return Path(_tempfile().mkdtemp(prefix="build-", dir=self._session_directory()))

    def _degrade(self, reason: str) -> None:
        if self.persistent:
            self.persistent = False
            self.reason = reason
            _say(f"compiled code is kept for this session only: {reason}")

    def _session_directory(self) -> Path:
        with self._lock:
            if self._session is None:
                self._session = Path(_tempfile().mkdtemp(prefix="pytensor-"))
                atexit.register(_remove_session, self._session, os.getpid())
        return self._session

    def _tidy(self, home: Path) -> None:
        """Now and then remove leftovers of killed builds and entries long unused."""
        mark = home / "tidied"
        now = time.time()
        try:
            if mark.exists() and now - mark.lstat().st_mtime < _DAY:
                return
            mark.touch(mode=0o600)
            for entry in os.scandir(home):
                age = now - entry.stat(follow_symlinks=False).st_mtime
                leftover = entry.name.startswith(("build-", "new-")) and age > _DAY
                if leftover or age > max(config.cmodule__age_thresh_use, _DAY):
                    _remove(entry)
        except OSError:
            # Another process tidies at the same time, or the disk refuses: nothing depends on it.
            return


def _digest(key: str, data: bytes) -> bytes:
    return hashlib.sha256(key.encode() + b"\0" + data).hexdigest().encode()


def _remove(entry: os.DirEntry) -> None:
    if entry.is_dir(follow_symlinks=False):
        shutil.rmtree(entry.path, ignore_errors=True)
    else:
        os.unlink(entry.path)


def _remove_session(path: Path, owner: int) -> None:
    # A forked child must not take the directory from its parent.
    if os.getpid() == owner:
        shutil.rmtree(path, ignore_errors=True)


@functools.cache
def _say(message: str) -> None:
    """Say each thing once. Not with `warnings`: as errors they would stop what still works."""
    import logging  # noqa: PLC0415  (slow to import, seldom needed)

    logging.getLogger("pytensor.link").warning("pytensor: %s", message)


_caches: dict[str, Cache] = {}


def get_cache() -> Cache:
    """Return the cache of ``config.compiledir``."""
    place = str(config.compiledir)
    cache = _caches.get(place)
    if cache is None:
        cache = Cache(Path(place) / "c")
        if not cache.persistent:
            _say(f"compiled code is kept for this session only: {cache.reason}")
        # Two threads may both get here; everybody must use the same object afterwards.
        cache = _caches.setdefault(place, cache)
    return cache
