"""The store of compiled objects: damage is repaired, untrusted places are not used."""

import os
import subprocess
import sys

import pytest

from pytensor.link.c.cache import Cache, content_key, trusted_directory

pytestmark = pytest.mark.skipif(os.name != "posix", reason="owner and mode are POSIX notions")

KEY = content_key(["key"])


class Builder:
    def __init__(self, data=b"object"):
        self.data = data
        self.calls = 0

    def __call__(self, directory):
        assert directory.is_dir()
        self.calls += 1
        return self.data


@pytest.fixture
def cache(tmp_path):
    return Cache(tmp_path / "compiled" / "c")


def test_second_time_builds_nothing(cache):
    build = Builder()
    path = cache.get(KEY, build)
    assert cache.get(KEY, build) == path
    assert build.calls == 1
    assert path.read_bytes().startswith(b"object")
    # Nothing else is left behind.
    assert {p.name for p in cache.directory.iterdir()} <= {path.name, "tidied"}


def test_modes_do_not_depend_on_umask(tmp_path):
    old = os.umask(0)
    try:
        cache = Cache(tmp_path / "a" / "c")
        path = cache.get(KEY, Builder())
    finally:
        os.umask(old)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert path.parent.parent.stat().st_mode & 0o777 == 0o700


def _truncate(path):
    path.write_bytes(path.read_bytes()[:5])


def _flip(path):
    data = bytearray(path.read_bytes())
    data[2] ^= 1
    path.write_bytes(data)


def _directory(path):
    path.unlink()
    path.mkdir()


def _symlink(path):
    target = path.with_name("elsewhere")
    path.rename(target)
    path.symlink_to(target)


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(bytes(100)),
        lambda path: path.write_text("not ours"),
        lambda path: path.chmod(0o622),
        lambda path: path.unlink(),
        _truncate,
        _flip,
        _directory,
        _symlink,
    ],
)
def test_damage_is_repaired_silently(cache, damage):
    build = Builder()
    path = cache.get(KEY, build)
    good = path.read_bytes()
    damage(path)
    assert cache.get(KEY, build) == path
    assert build.calls == 2
    assert path.read_bytes() == good
    assert not path.is_symlink()


def test_swapped_entries_are_rebuilt(cache):
    other = content_key(["other"])
    a, b = cache.get(KEY, Builder(b"a")), cache.get(other, Builder(b"b"))
    swap = a.read_bytes()
    a.write_bytes(b.read_bytes())
    b.write_bytes(swap)
    assert cache.get(KEY, Builder(b"a")).read_bytes().startswith(b"a")
    assert cache.get(other, Builder(b"b")).read_bytes().startswith(b"b")


def test_directory_others_can_write_is_refused(tmp_path):
    open_place = tmp_path / "open"
    open_place.mkdir()
    open_place.chmod(0o777)
    cache = Cache(open_place / "c")
    assert not cache.persistent
    assert "written by others" in cache.reason
    path = cache.get(KEY, Builder())
    assert open_place not in path.parents


@pytest.mark.parametrize("mode", [0o755, 0o770, 0o777])
def test_leaf_must_be_private(tmp_path, mode):
    leaf = tmp_path / "c"
    leaf.mkdir()
    leaf.chmod(mode)
    assert not Cache(leaf).persistent


def test_symlinked_directory_is_not_followed(tmp_path):
    target = tmp_path / "target"
    target.mkdir(mode=0o700)
    (tmp_path / "c").symlink_to(target)
    cache = Cache(tmp_path / "c")
    assert not cache.persistent
    assert "symbolic link" in cache.reason


@pytest.mark.skipif(os.name != "posix" or os.getuid() != 0, reason="needs to give files away")
def test_foreign_owner_is_refused(tmp_path):
    place = tmp_path / "c"
    place.mkdir(mode=0o700)
    os.chown(place, 12345, 12345)
    assert "belongs to user 12345" in trusted_directory(place)
    assert not Cache(place).persistent


def test_foreign_file_is_rebuilt(cache):
    if os.getuid() != 0:
        pytest.skip("needs to give files away")
    build = Builder()
    path = cache.get(KEY, build)
    os.chown(path, 12345, 12345)
    cache.get(KEY, build)
    assert build.calls == 2
    assert path.stat().st_uid == os.getuid()


def test_failing_build_leaves_nothing(cache):
    def fail(directory):
        (directory / "unit.c").write_text("text")
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        cache.get(KEY, fail)
    assert not [p for p in cache.directory.iterdir() if p.name != "tidied"]


def test_disk_that_refuses_degrades_with_one_line(cache, monkeypatch, caplog):
    monkeypatch.setattr("pytensor.utils._said", set())

    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    path = cache.get(KEY, Builder())
    assert [r.message for r in caplog.records if "this session only" in r.message]
    assert path.read_bytes().startswith(b"object")
    assert cache.get(KEY, Builder()) == path
    assert cache.directory not in path.parents


def test_parallel_writers_agree(tmp_path):
    code = (
        "import sys; from pathlib import Path; from pytensor.link.c.cache import Cache\n"
        "cache = Cache(Path(sys.argv[1]))\n"
        "for i in range(20):\n"
        "    path = cache.get(f'{i:064}', lambda d: b'data' * 1000)\n"
        "    assert path.read_bytes().startswith(b'data' * 1000)\n"
    )
    place = str(tmp_path / "c")
    runs = [subprocess.Popen([sys.executable, "-c", code, place]) for _ in range(3)]
    assert [run.wait(60) for run in runs] == [0, 0, 0]


def test_key_separates_parts():
    assert content_key(["ab", "c"]) != content_key(["a", "bc"])
