"""The ``pytensor-cache`` command."""

import os
import time

import pytest

from pytensor.configdefaults import config
from pytensor.link.c import cache as cache_module
from pytensor.link.c import cache_cli
from pytensor.link.c.cache import get_cache
from pytensor.link.c.cache_cli import main


class _Placed:
    """The settings, with another place for compiled code: a process that used one keeps it."""

    def __init__(self, compiledir):
        self.compiledir = compiledir

    def __getattr__(self, name):
        return getattr(config, name)


@pytest.fixture
def place(tmp_path, monkeypatch):
    for module in (cache_module, cache_cli):
        monkeypatch.setattr(module, "config", _Placed(tmp_path))
    return tmp_path


@pytest.fixture
def directory(place):
    place.chmod(0o700)
    return place / "c"


def fill(directory, *names):
    cache = get_cache()
    return [cache.put(name, b"x" * 1000) for name in names]


def test_info_of_an_empty_cache(directory, capsys):
    assert main([]) == 0
    said = capsys.readouterr().out
    assert f"{directory}: 0 objects, 0.0 MB" in said
    assert "not there yet" in said
    assert not directory.exists(), "looking made it"
    assert main(["list"]) == main(["clear"]) == main(["purge"]) == 0
    assert "removed 0 of 0 objects" in capsys.readouterr().out
    assert not directory.exists()


def test_list_shows_each_object_with_its_kind_and_no_control_characters(directory, capsys):
    fill(directory, "a", "blas-b")
    (directory / "\x1b[31m.so").mkdir()
    os.mkfifo(directory / "fifo.so")
    assert main(["list"]) == 0
    said = capsys.readouterr().out
    assert "kernels  a.so" in said
    assert "BLAS     blas-b.so" in said
    assert said.count("strange") == 2
    assert "\x1b" not in said


def test_purge_by_size_keeps_what_was_used_last(directory, capsys):
    paths = fill(directory, "a", "b", "c")
    for age, path in enumerate(paths):
        os.utime(path, (time.time() - age, time.time() - age))
    assert main(["purge", "--size", "0.0025"]) == 0
    assert [path.exists() for path in paths] == [True, True, False]


def test_nothing_is_removed_where_others_can_write(place, capsys):
    path = get_cache().put("a", b"x")
    place.chmod(0o777)
    assert main(["clear"]) == 1
    assert "nothing removed" in capsys.readouterr().err
    assert path.exists()


def test_a_file_that_cannot_be_removed_is_an_error(directory, capsys, monkeypatch):
    fill(directory, "a")

    def refuse(path):
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(cache_cli.tidy, "remove", refuse)
    assert main(["clear"]) == 1
    assert "could not be removed" in capsys.readouterr().err


@pytest.mark.parametrize("days", ["-1", "nan", "many"])
def test_a_wrong_number_is_refused(directory, capsys, days):
    with pytest.raises(SystemExit) as caught:
        main(["purge", "--days", days])
    assert caught.value.code == 2
    assert "0 or more" in capsys.readouterr().err


def test_info_counts_objects(directory, capsys):
    fill(directory, "a", "b")
    assert main(["info"]) == 0
    assert "2 objects" in capsys.readouterr().out


def test_info_says_why_a_cache_is_not_used(place, capsys):
    place.chmod(0o777)
    assert main(["info"]) == 0
    said = capsys.readouterr().out
    assert "not in use: " in said
    assert "can be written by others" in said


def test_clear_removes_every_object_and_nothing_else(directory, capsys):
    fill(directory, "a", "b")
    other = directory / "notes.txt"
    other.write_text("mine")
    (directory / "zig" / "h").mkdir(parents=True)
    assert main(["clear"]) == 0
    assert "removed 2 of 2 objects" in capsys.readouterr().out
    assert [path.name for path in directory.glob("*.so")] == []
    assert other.read_text() == "mine"
    assert not (directory / "zig").exists()


def test_purge_keeps_what_is_younger(directory, capsys):
    old, young = fill(directory, "old", "young")
    then = time.time() - 10 * 86400
    os.utime(old, (then, then))
    assert main(["purge", "--days", "30"]) == 0
    assert old.exists()
    assert main(["purge", "--days", "5"]) == 0
    assert "removed 1 of 2 objects" in capsys.readouterr().out
    assert young.exists()
    assert not old.exists()


def test_an_unknown_action_is_refused(directory, capsys):
    with pytest.raises(SystemExit):
        main(["burn"])
    assert "invalid choice" in capsys.readouterr().err
