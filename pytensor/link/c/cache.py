"""A content-addressed store of compiled objects.

An entry is one file ``<key>.so``: the object followed by a digest of key and object. It is
written in a temporary file, synced and renamed, so that no lock is needed: a reader sees a whole
entry or none, and who comes second discards. What does not verify is rebuilt. Nothing is read
from a directory or a file that another user could have written. No pickle is involved.
"""

import atexit
import contextlib
import hashlib
import os
import shutil
import stat
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from pytensor.configdefaults import config
from pytensor.link.c import tidy
from pytensor.link.c.trust import make_private, trusted_directory, user_id
from pytensor.utils import say_once

__all__ = ["Cache", "content_key", "get_cache", "trusted_directory"]

_MAGIC = b"\npytensor-object-1\n"
_TRAILER = len(_MAGIC) + 64
# No object is this long; a file that is was put there to do harm, or by a broken disk.
_LONGEST = 1 << 30
_SESSION = "pytensor-session-"

T = TypeVar("T")


def content_key(parts: Iterable[str | bytes]) -> str:
    """Return the hash of an ordered list of texts; the lengths separate them."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "little"))
        digest.update(data)
    return digest.hexdigest()


class Cache:
    """Objects by key in one private directory, or for this session only.

    Parameters
    ----------
    directory : Path or None
        Where entries live. None, or one that cannot be trusted or written: a private temporary
        directory that goes away with the process.

    Attributes
    ----------
    directory : Path or None
        The same without links and ``..``; None if it cannot be trusted.
    persistent : bool
        Whether entries outlive the process.
    reason : str or None
        Why they do not.
    """

    def __init__(self, directory: str | os.PathLike | None):
        self.persistent = False
        self.reason: str | None = "no directory given"
        self.directory: Path | None = None
        # By process: a forked child must not write where its parent will clean up.
        self._sessions: dict[int, Path] = {}
        self._written = 0
        if directory is not None:
            place, self.reason = make_private(directory)
            if self.reason is None:
                # A directory that may be read but not written still serves.
                self.directory = Path(place)
                self.persistent = os.access(place, os.W_OK | os.X_OK)
                if not self.persistent:
                    self.reason = f"{place} cannot be written"

    def get(self, key: str, build: Callable[[Path], bytes], anew: bool = False) -> Path:
        """Return the path of a verified object, building it in a scratch directory if needed."""
        found = None if anew else self.find(key)
        return found or self.put(key, self._build(build))

    def find(self, key: str) -> Path | None:
        """Return the path of a verified object, or None; builds nothing."""
        return next((p for p in self._places(key) if self._read(p, key) is not None), None)

    def get_bytes(self, key: str, build: Callable[[Path], bytes], anew: bool = False) -> bytes:
        """Return the content of a verified entry, building it if needed."""
        for path in self._places(key) if not anew else ():
            found = self._read(path, key)
            if found is not None:
                return bytes(found)
        data = self._build(build)
        self.put(key, data)
        return data

    def load(
        self,
        key: str,
        build: Callable[[Path], bytes],
        load: Callable[[Path], T],
        anew: bool = False,
    ) -> T:
        """Load an object with `load`, which raises OSError or ImportError if that fails.

        An entry that is whole but does not load is built again. If the same comes out, code may
        not be loaded from the directory (a ``noexec`` mount), which is then left alone.
        """
        for _ in range(3):
            path = self.get(key, build, anew)
            try:
                return load(path)
            except (OSError, ImportError):
                old = self._read(path, key)
                if old is not None and self.is_session(path):
                    raise
            if old is not None:
                break
            # Gone between the look and the load: somebody empties the cache.
        data = self._build(build)
        loaded = load(self._write(self._session_directory(), key, data))
        if old is not None and bytes(old) == data:
            self.refuse()
        else:
            # Made where the system libraries are others.
            self.put(key, data)
        return loaded

    def put(self, key: str, data: bytes) -> Path:
        """Store an object and return its path; fall back to the session when the disk refuses."""
        home = self.directory
        if self.persistent and home is not None:
            try:
                path = self._write(home, key, data)
            except OSError as error:
                # A network file system may lose the answer to a rename that it has done.
                if self._read(home / f"{key}.so", key) == data:
                    return home / f"{key}.so"
                self._degrade(str(error))
            else:
                self._written += len(data)
                self._written = tidy.now_and_then(home, self._written)
                return path
        return self._write(self._session_directory(), key, data)

    def get_in_session(self, key: str, build: Callable[[Path], bytes]) -> Path:
        """Build an object in the private temporary directory, whatever the cache holds."""
        return self._write(self._session_directory(), key, self._build(build))

    def is_session(self, path: Path) -> bool:
        """Tell whether an object is in the private temporary directory."""
        return path.parent in self._sessions.values()

    def refuse(self) -> None:
        """Take note that code does not load from here (a ``noexec`` mount): keep to the session."""
        self._degrade(f"{self.directory} does not allow code to be loaded")
        self.directory = None

    def _places(self, key: str) -> list[Path]:
        homes = [*self._sessions.values()]
        return [home / f"{key}.so" for home in ([self.directory] if self.directory else []) + homes]

    def _read(self, path: Path, key: str) -> memoryview | None:
        """Return the object if the entry is a private regular file whose digest matches."""
        # Without O_NONBLOCK a fifo in the place of an entry would wait for ever.
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
        try:
            descriptor = os.open(path, flags | getattr(os, "O_BINARY", 0))
        except OSError:
            return None
        try:
            info = os.fstat(descriptor)
            if not stat.S_ISREG(info.st_mode) or not _TRAILER < info.st_size < _LONGEST:
                return None
            if os.name == "posix" and (info.st_uid != user_id() or info.st_mode & 0o022):
                return None
            content = _read_all(descriptor, info.st_size)
        except OSError:
            return None
        finally:
            os.close(descriptor)
        data = memoryview(content)[: len(content) - _TRAILER]
        if content[len(data) :] != _MAGIC + _digest(key, data):
            return None
        if abs(time.time() - info.st_mtime) > tidy.FRESH and self.persistent:
            # Note the use, so that what is in use can be told. A lost date means a rebuild.
            with contextlib.suppress(OSError):
                os.utime(path)
        return data

    def _write(self, home: Path, key: str, data: bytes) -> Path:
        path = home / f"{key}.so"
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        name = home / _fresh("new-")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        descriptor = os.open(name, flags, 0o600)
        try:
            with open(descriptor, "wb") as file:
                if os.name == "posix":
                    os.fchmod(descriptor, 0o600)  # whatever the umask took away
                file.write(data + _MAGIC + _digest(key, data))
                file.flush()
                if home == self.directory:
                    os.fsync(descriptor)
            os.replace(name, path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(name)
            raise
        return path

    def _build(self, build: Callable[[Path], bytes]) -> bytes:
        """Run `build` in an empty directory; in another one if it failed for want of a place."""
        for last in (False, True):
            if not self.persistent or self.directory is None:
                break
            try:
                return _build_in(self.directory, build)
            except _PlaceError as error:
                # Somebody may have removed the directory: it is made again, once.
                _, reason = make_private(self.directory) if error.gone else (None, str(error))
                if last or reason:
                    self._degrade(reason or str(error))
        return _build_in(self._session_directory(), build)

    def _degrade(self, reason: str) -> None:
        if self.persistent:
            self.persistent = False
            self.reason = reason
            say_once(f"pytensor: compiled code is kept for this session only: {reason}")

    def _session_directory(self) -> Path:
        place = self._sessions.get(os.getpid())
        if place is None:
            fresh = _make_session()
            # Another thread may have been faster.
            place = self._sessions.setdefault(os.getpid(), fresh)
            atexit.register(_remove_session, fresh, os.getpid())
        return place


class _PlaceError(OSError):
    """Nothing can be written in a directory.

    Attributes
    ----------
    gone : bool
        Because it is no longer there.
    """

    gone = False


def _build_in(home: Path, build: Callable[[Path], bytes]) -> bytes:
    """Run `build` in a private directory that goes away afterwards."""
    place = home / _fresh("build-")
    _probe(home, lambda: os.mkdir(place, 0o700))
    try:
        if os.name == "posix":
            os.chmod(place, 0o700)  # whatever the umask took away
        with tidy.held(place):
            return build(place)
    except Exception:
        # The builder's own error, unless it could not write.
        _probe(place, lambda: (place / "probe").write_bytes(bytes(1 << 18)))
        raise
    finally:
        if not config.nocleanup:
            shutil.rmtree(place, ignore_errors=True)


def _probe(place: Path, write: Callable[[], object]) -> None:
    try:
        write()
    except OSError as error:
        failed = _PlaceError(str(error))
        failed.gone = not place.is_dir()
        raise failed from error


def _make_session() -> Path:
    """Make a private directory that goes away with the process."""
    import tempfile  # noqa: PLC0415  (slow to import, seldom needed)

    reasons = []
    try:
        places = [tempfile.gettempdir()]
    except FileNotFoundError as error:
        places, reasons = [], [str(error)]
    for parent in (*places, "/dev/shm", "/var/tmp"):
        if not os.path.isdir(parent):
            continue
        wanted = os.path.join(parent, _fresh(_SESSION))
        place, reason = make_private(wanted)
        if reason is None:
            # Until the process ends: others leave it alone.
            tidy.hold(place)
            with contextlib.suppress(OSError):
                tidy.remove_leftovers(parent, prefixes=(_SESSION,))
            return Path(place)
        reasons.append(reason)
        with contextlib.suppress(OSError):
            os.rmdir(wanted)
    raise OSError(f"there is no place for temporary files: {'; '.join(reasons)}")


def _remove_session(path: Path, owner: int) -> None:
    # A forked child must not take the directory from its parent.
    if os.getpid() == owner:
        shutil.rmtree(path, ignore_errors=True)


def _fresh(prefix: str) -> str:
    return f"{prefix}{os.getpid()}-{os.urandom(8).hex()}"


def _read_all(descriptor: int, size: int) -> bytes:
    content = os.read(descriptor, size)
    while len(content) < size:
        more = os.read(descriptor, size - len(content))
        if not more:
            break
        content += more
    return content


def _digest(key: str, data: bytes | memoryview) -> bytes:
    digest = hashlib.sha256(key.encode() + b"\0")
    digest.update(data)
    return digest.hexdigest().encode()


_caches: dict[str, Cache] = {}


def get_cache() -> Cache:
    """Return the cache of ``config.compiledir``."""
    place = str(config.compiledir)
    cache = _caches.get(place)
    if cache is None:
        cache = Cache(os.path.join(place, "c"))
        if not cache.persistent:
            say_once(f"pytensor: compiled code is kept for this session only: {cache.reason}")
        # Two threads may both get here; everybody must use the same object afterwards.
        cache = _caches.setdefault(place, cache)
    return cache
