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
    assert "in use" in said


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
