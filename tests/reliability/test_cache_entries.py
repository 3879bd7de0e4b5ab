"""What may lie in the place of an entry, and what the disk may do: never more than a rebuild."""

import errno
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from machines import PROGRAM, leftovers, objects, run

from pytensor.configdefaults import config
from pytensor.link.c import cache as cache_module
from pytensor.link.c import tidy
from pytensor.link.c.cache import Cache, content_key
from pytensor.link.c.process import CompileError

pytestmark = pytest.mark.skipif(os.name != "posix", reason="owner and mode are POSIX notions")

KEY = content_key(["key"])
ROOT = os.name == "posix" and os.getuid() == 0


class Builder:
    def __init__(self, data=b"object" * 100):
        self.data, self.calls = data, 0

    def __call__(self, directory):
        self.calls += 1
        return self.data


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setattr("pytensor.utils._said", set())
    return Cache(tmp_path / "cc" / "c")


def _instead(make):
    """Damage that puts something else in the place."""

    def damage(path):
        path.unlink()
        make(path)

    return damage


def _flip(at):
    def damage(path):
        data = bytearray(path.read_bytes())
        data[at] ^= 16
        path.write_bytes(data)

    return damage


def _full_directory(path):
    path.mkdir()
    (path / "file").write_text("text")


def _huge(path):
    with open(path, "wb") as file:
        file.truncate(1 << 40)  # a hole: takes no space, and would not fit in memory


def _give_away(path):
    os.chown(path, 12345, 12345)


DAMAGE = {
    "empty": lambda p: p.write_bytes(b""),
    "zeros of the same length": lambda p: p.write_bytes(bytes(p.stat().st_size)),
    "half": lambda p: p.write_bytes(p.read_bytes()[: p.stat().st_size // 2]),
    "one byte short": lambda p: p.write_bytes(p.read_bytes()[:-1]),
    "one byte more": lambda p: p.write_bytes(p.read_bytes() + b"0"),
    "trailer only": lambda p: p.write_bytes(p.read_bytes()[-83:]),
    "bit of the object": _flip(7),
    "bit of the mark": _flip(-70),
    "bit of the digest": _flip(-1),
    "text": lambda p: p.write_text("not ours"),
    "another entry": lambda p: p.write_bytes(
        Cache(p.parent).put(content_key(["other"]), b"y").read_bytes()
    ),
    "empty directory": _instead(Path.mkdir),
    "full directory": _instead(_full_directory),
    "fifo": _instead(os.mkfifo),
    "link to a good entry": _instead(
        lambda p: p.symlink_to(Cache(p.parent.parent / "other").put(KEY, b"object" * 100))
    ),
    "link to itself": _instead(lambda p: p.symlink_to(p)),
    "link to nothing": _instead(lambda p: p.symlink_to("/nowhere")),
    "link to a device": _instead(lambda p: p.symlink_to("/dev/zero")),
    "socket": _instead(lambda p: _bind(p)),
    "terabyte": _instead(_huge),
    "others may write": lambda p: p.chmod(0o606),
    "group may write": lambda p: p.chmod(0o660),
    "gone": Path.unlink,
    "file of another user": _give_away,
    "device": _instead(lambda p: os.mknod(p, 0o600 | 0o020000, os.makedev(1, 5))),
}
NEEDS_ROOT = {"file of another user", "device"}


def _bind(path):
    import socket

    here = os.getcwd()
    os.chdir(path.parent)  # names of sockets are short
    try:
        with socket.socket(socket.AF_UNIX) as s:
            s.bind(path.name)
    finally:
        os.chdir(here)


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_repaired_without_a_word(cache, name, caplog):
    if name in NEEDS_ROOT and not ROOT:
        pytest.skip("needs root")
    build = Builder()
    path = cache.get(KEY, build)
    good = path.read_bytes()
    DAMAGE[name](path)
    assert cache.get(KEY, build) == path
    assert build.calls == 2, "the damage was not seen"
    assert path.read_bytes() == good
    assert not path.is_symlink()
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.stat().st_uid == os.getuid()
    assert cache.persistent
    assert not caplog.records
    assert cache.get(KEY, build) == path
    assert build.calls == 2, "the repair did not last"


def test_every_bit_of_an_entry_counts(cache):
    build = Builder(b"abcdefgh")
    path = cache.get(KEY, build)
    good = path.read_bytes()
    for at in range(len(good)):
        for bit in range(8):
            path.write_bytes(good[:at] + bytes([good[at] ^ 1 << bit]) + good[at + 1 :])
            assert cache.find(KEY) is None, (at, bit)
    for length in range(len(good)):
        path.write_bytes(good[:length])
        assert cache.find(KEY) is None, length


def test_an_entry_under_another_name_does_not_count(cache):
    path = cache.get(KEY, Builder())
    other = content_key(["other"])
    shutil.copy(path, path.with_name(f"{other}.so"))
    assert cache.find(other) is None


@pytest.mark.parametrize("how", ["bit", "swapped", "zeros", "pickle"])
def test_a_damaged_object_is_never_loaded(tmp_path, how):
    """The whole way: a program whose object was damaged gives its answer, and repairs the object."""
    place = tmp_path / "cc"
    wanted, _ = (run(PROGRAM.format(n=n), place)[0] for n in (1, 2))
    objects_before = {path: path.read_bytes() for path in objects(place)}
    for path, data in objects_before.items():
        if how == "bit":
            path.write_bytes(data[:64] + bytes([data[64] ^ 1]) + data[65:])
        elif how == "zeros":
            path.write_bytes(bytes(len(data)))
        elif how == "pickle":
            path.write_bytes(
                b"cposix\nsystem\n(S'touch " + str(tmp_path).encode() + b"/pwned'\ntR."
            )
    if how == "swapped":
        for path, data in zip(objects_before, reversed(objects_before.values())):
            path.write_bytes(data)
    out, err = run(PROGRAM.format(n=1), place)
    assert out == wanted
    assert err == ""
    repaired = [path for path, data in objects_before.items() if path.read_bytes() == data]
    assert repaired, "the damage was not noticed"
    assert not (tmp_path / "pwned").exists()


# ---------------------------------------------------------------- a disk that refuses


@pytest.mark.parametrize(
    "number", [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.ESTALE]
)
@pytest.mark.parametrize("call", ["fsync", "replace", "open", "mkdir"])
def test_a_disk_that_refuses_costs_one_line(cache, monkeypatch, caplog, call, number):
    real = getattr(os, call)

    def refuse(*args, **kwargs):
        target = str(args[-1] if call == "replace" else args[0])
        flags = args[1] if call == "open" and len(args) > 1 else 0
        if call == "fsync" or (
            str(cache_home) in target and (call != "open" or flags & os.O_CREAT)
        ):
            raise OSError(number, os.strerror(number))
        return real(*args, **kwargs)

    cache_home = cache.directory
    monkeypatch.setattr(os, call, refuse)
    build = Builder()
    path = cache.get(KEY, build)
    assert path.read_bytes().startswith(b"object")
    assert path.parent != cache_home
    assert len([r for r in caplog.records if os.strerror(number) in r.message]) == 1
    assert not cache.persistent
    assert os.strerror(number) in cache.reason
    assert cache.get(KEY, build) == path
    assert build.calls == 1
    monkeypatch.undo()
    assert not [name for name in os.listdir(cache_home) if name != "tidied"], "something was left"


def test_a_rename_whose_answer_was_lost(cache, monkeypatch, caplog):
    """A network file system repeats a rename that was done, and says that there is no such file."""
    real = os.replace

    def lose(a, b):
        real(a, b)
        raise FileNotFoundError(errno.ENOENT, "No such file or directory", a)

    monkeypatch.setattr(os, "replace", lose)
    path = cache.get(KEY, Builder())
    assert path.parent == cache.directory
    assert cache.persistent
    assert not caplog.records


def test_signals_do_not_disturb(cache):
    """System calls that a signal interrupts are taken up again."""
    count = 0

    def tick(*args):
        nonlocal count
        count += 1

    old = signal.signal(signal.SIGALRM, tick)
    signal.setitimer(signal.ITIMER_REAL, 1e-4, 1e-4)
    try:
        for i in range(100):
            key = content_key([str(i)])
            assert cache.get_bytes(key, Builder(b"z" * 50_000)) == b"z" * 50_000
            assert cache.find(key)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)
    assert count > 10
    assert cache.persistent


@pytest.mark.skipif(not ROOT, reason="mounts a file system")
@pytest.mark.parametrize("filled", ["before", "by the compiler"])
def test_a_full_disk(tmp_path, filled):
    """One megabyte, filled beforehand, or while the compiler writes: the program runs all the same."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m,mode=700", "none", disk]).returncode:
        pytest.skip("mounting is not allowed here")
    try:
        size = (1 << 20) - (8192 if filled == "before" else 65536)
        (disk / "filler").write_bytes(bytes(size))
        out, err = run(PROGRAM.format(n=1), disk / "cc")
        assert out.startswith("0x")
        assert err.count("\n") == 1
        assert "No space left on device" in err
        assert "this session only" in err
        assert not objects(disk / "cc")
        assert not leftovers(disk / "cc")
        (disk / "filler").unlink()
        assert run(PROGRAM.format(n=1), disk / "cc") == (out, "")
        assert objects(disk / "cc")
    finally:
        subprocess.run(["umount", "-l", disk], check=True)


def test_no_file_may_be_large(tmp_path):
    """Limits of file size end compilers by a signal: Python takes over, with one line."""
    prefix = ("bash", "-c", 'ulimit -f 4; exec "$@"', "bash")
    out, err = run(PROGRAM.format(n=1), tmp_path / "cc", prefix=prefix)
    assert out.startswith("0x")
    assert err.count("\n") <= 2
    assert "Traceback" not in err


# ---------------------------------------------------------------- what a builder may do


def test_an_error_of_the_builder_is_not_the_disks(cache):
    def fail(directory):
        raise CompileError("no such luck")

    with pytest.raises(CompileError, match="luck"):
        cache.get(KEY, fail)
    assert cache.persistent


def test_a_directory_removed_while_in_use_is_made_again(cache):
    cache.get(KEY, Builder())
    shutil.rmtree(cache.directory.parent)
    path = cache.get(KEY, Builder())
    assert path.parent == cache.directory
    assert cache.persistent
    assert cache.directory.stat().st_mode & 0o777 == 0o700


def test_a_directory_removed_while_it_compiles_is_made_again(cache):
    calls = []

    def build(directory):
        calls.append(directory)
        if len(calls) == 1:
            shutil.rmtree(cache.directory)
        (directory / "unit.c").write_text("text")
        return b"object"

    assert cache.get(KEY, build).parent == cache.directory
    assert len(calls) == 2


def test_an_entry_removed_before_it_is_loaded_is_built_again(cache):
    build = Builder()
    cache.get(KEY, build)
    loaded = []

    def load(path):
        if not loaded:
            path.unlink()
            loaded.append(path)
        if not path.exists():
            raise OSError("no such file")
        return path.read_bytes()

    assert cache.load(KEY, build, load).startswith(b"object")
    assert build.calls == 2
    assert cache.persistent, "the directory was blamed"


def test_an_entry_for_other_system_libraries_is_replaced(cache):
    """It is whole, but does not load; what is built here does."""
    cache.put(KEY, b"needs GLIBC_9.99")

    def load(path):
        if b"GLIBC" in path.read_bytes():
            raise OSError("version `GLIBC_9.99' not found")
        return path

    build = Builder()
    cache.load(KEY, build, load)
    assert build.calls == 1
    assert cache.persistent
    assert cache.load(KEY, build, load).parent == cache.directory
    assert build.calls == 1


def test_a_directory_that_does_not_let_code_load_is_left_alone(cache, caplog):
    home = cache.directory

    def load(path):
        if path.parent == home:
            raise OSError("failed to map segment from shared object: Operation not permitted")
        return path

    build = Builder()
    assert cache.load(KEY, build, load).parent != home
    assert "does not allow code to be loaded" in cache.reason
    assert len(caplog.records) == 1
    cache.load(content_key(["b"]), build, load)
    assert len(caplog.records) == 1


def test_code_that_loads_nowhere_is_an_error(cache):
    def load(path):
        raise OSError("bad code")

    with pytest.raises(OSError, match="bad code"):
        cache.load(KEY, Builder(), load)
    assert cache.persistent


@pytest.mark.skipif(not ROOT, reason="mounts a file system")
def test_noexec(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    options = "noexec,size=8m,mode=700"
    if subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", disk]).returncode:
        pytest.skip("mounting is not allowed here")
    try:
        out, err = run(PROGRAM.format(n=1), disk / "cc")
        assert out.startswith("0x")
        assert err.count("\n") == 1
        assert "does not allow code to be loaded" in err
        # Nowhere else either: loops are interpreted.
        out, err = run(PROGRAM.format(n=1), disk / "cc", env={"TMPDIR": str(disk)})
        assert out.startswith("0x")
        assert "interprets loops because" in err
        assert "Traceback" not in err
    finally:
        subprocess.run(["umount", "-l", disk], check=True)


# ---------------------------------------------------------------- size, age, clocks


def _aged(cache, name, age, size=1000):
    path = cache.put(name, b"x" * size)
    os.utime(path, (time.time() - age,) * 2)
    return path


@pytest.fixture
def limited(cache, monkeypatch):
    """A cache that takes 10 kB, and was never tidied."""
    monkeypatch.setattr(tidy, "now_and_then", lambda home, written: 0)
    return lambda kept=tidy.KEPT: tidy.tidy(cache.directory, 10_000, 86400 * 24, kept)


def test_what_was_used_last_stays(cache, limited):
    paths = [_aged(cache, f"{i:02}", age=3600 * (20 - i)) for i in range(20)]
    removed, left = limited()
    assert [path.exists() for path in paths] == [False] * removed + [True] * left
    assert sum(path.stat().st_size for path in paths[removed:]) <= 8000
    assert left >= 6


def test_use_is_noted(cache, limited):
    paths = [_aged(cache, f"{i:02}", age=3600 * (20 - i)) for i in range(20)]
    assert cache.find("00") == paths[0]
    limited()
    assert paths[0].exists()
    assert not paths[1].exists()


def test_nothing_used_lately_goes_whatever_the_size(cache, limited):
    """Between the look at an entry and its loading nobody takes it away."""
    paths = [_aged(cache, f"{i:02}", age=tidy.KEPT - 30) for i in range(20)]
    assert limited() == (0, 20)
    assert all(path.exists() for path in paths)


def test_an_entry_used_while_tidying_stays(cache, limited, monkeypatch):
    paths = [_aged(cache, f"{i:02}", age=86400 + i) for i in range(20)]
    real = tidy.entries

    def then_used(home):
        found = real(home)
        assert cache.find("19") == paths[19]  # the oldest
        return found

    monkeypatch.setattr(tidy, "entries", then_used)
    limited()
    assert paths[19].exists()
    assert not paths[18].exists()


def test_what_nobody_used_for_weeks_goes(cache):
    old, young = _aged(cache, "old", 86400 * 30), _aged(cache, "young", 86400 * 20)
    tidy.tidy(cache.directory, 0, 86400 * 24)
    assert not old.exists()
    assert young.exists()


def test_times_to_come_are_those_of_a_wrong_clock(cache, limited):
    """An entry from the future is neither kept for ever nor removed at once."""
    path = _aged(cache, "future", -86400 * 365)
    limited()
    assert abs(path.stat().st_mtime - time.time()) < 60
    build = Builder(b"x" * 1000)
    os.utime(path, (2**33, 2**33))
    assert cache.get("future", build) == path
    assert build.calls == 0
    assert abs(path.stat().st_mtime - time.time()) < 60
    os.utime(path, (0, 0))
    assert cache.get("future", build) == path
    assert build.calls == 0


@pytest.mark.parametrize("jump", [-86400 * 4000, -7200, 7200, 86400 * 4000])
def test_a_clock_that_jumps(cache, monkeypatch, jump):
    build = Builder()
    cache.get(KEY, build)
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + jump)
    assert cache.get(KEY, build).exists()
    assert cache.get(content_key(["b"]), build).exists()
    monkeypatch.setattr(time, "time", now)
    assert cache.get(KEY, build).exists()
    assert cache.persistent
    (cache.directory / "tidied").touch()
    os.utime(cache.directory / "tidied", (2**33, 2**33))
    tidy.now_and_then(cache.directory, 0)
    assert abs((cache.directory / "tidied").stat().st_mtime - now()) < 60, "never tidied again"


def test_the_size_is_kept_by_writing(tmp_path, monkeypatch):
    monkeypatch.setattr(tidy, "KEPT", -1.0)
    monkeypatch.setattr(tidy.tidy, "__defaults__", (-1.0, None))
    cache = Cache(tmp_path / "c")
    old = config.compile__cache_size
    config.compile__cache_size = 1
    try:
        for i in range(60):
            cache.put(content_key([str(i)]), b"x" * 100_000)
    finally:
        config.compile__cache_size = old
    size = sum(path.stat().st_size for path in cache.directory.glob("*.so"))
    assert size <= 1.2e6
    assert cache.find(content_key(["59"])), "the last one went"


def test_leftovers_go_by_liveness(cache):
    """What a killed process left goes; what a living one works in stays, however old it looks."""
    dead, alive, young = (cache.directory / f"build-{name}" for name in ("dead", "alive", "young"))
    for place in (dead, alive, young):
        place.mkdir()
        (place / "unit.c").write_text("text")
    half = cache.directory / "new-1"
    half.write_text("half")
    for path in (dead, alive, half):
        os.utime(path, (time.time() - 7200,) * 2)
    with tidy.held(alive):
        tidy.remove_leftovers(cache.directory)
        assert not dead.exists()
        assert not half.exists()
        assert alive.exists()
        assert young.exists()
    tidy.remove_leftovers(cache.directory)
    assert not alive.exists()


def test_files_of_others_are_left_alone(cache):
    mine = cache.directory / "notes.txt"
    mine.write_text("mine")
    os.utime(mine, (0, 0))
    tidy.tidy(cache.directory, 1, 1)
    assert mine.read_text() == "mine"


def test_session_places_of_dead_processes_go(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    prefix = cache_module._SESSION
    dead, other = tmp_path / f"{prefix}dead", tmp_path / "pytensor-mine"
    for place in (dead, other):
        place.mkdir(mode=0o700)
        os.utime(place, (0, 0))
    Cache(None).get(KEY, Builder())
    assert not dead.exists()
    assert other.exists()
