"""What a probe found out is remembered: the next process runs no compiler, and trusts nothing."""

import json
import os
import subprocess
import sys
import time

import blas_helpers
import pytest
from blas_mocks import mock_flags, mock_library

from pytensor.configdefaults import config
from pytensor.tensor.blas import _memory
from pytensor.tensor.blas._linked import Attempt

pytestmark = pytest.mark.skipif(blas_helpers.compiler() is None, reason="no C compiler")

_CODE = """
import subprocess
starts = []
class Counting(subprocess.Popen):
    def __init__(self, command, *args, **kwargs):
        starts.append(command)
        super().__init__(command, *args, **kwargs)
subprocess.Popen = Counting
from pytensor.tensor.blas import get_provider
provider = get_provider()
print(len(starts), provider.how, provider.int_bits, provider.zero_first)
"""


def run(flags, cache, **env):
    env = {**os.environ, "PYTENSOR_FLAGS": f"base_compiledir={cache},blas__ldflags={flags}", **env}
    out = subprocess.run([sys.executable, "-c", _CODE], env=env, capture_output=True, text=True)
    assert out.returncode == 0, out.stderr
    return out.stdout.split() + out.stderr.split()


def test_second_process_runs_no_compiler(tmp_path):
    flags = mock_flags("-DBLAS_INT64", "-DMULTIPLIES_BY_ZERO")
    # A look, a run of the program, and one for the object.
    assert run(flags, tmp_path) == ["3", "linked", "64", "True"]
    assert run(flags, tmp_path) == ["0", "linked", "64", "True"]


def test_corrupt_entries_are_made_anew(tmp_path):
    flags = mock_flags()
    run(flags, tmp_path)
    entries = sorted(tmp_path.rglob("blas-*.so"))
    assert len(entries) == 3
    spoils = (lambda data: data[:-3], lambda data: b"", lambda data: b"{}" + data)
    for entry, spoil in zip(entries, spoils, strict=True):
        entry.write_bytes(spoil(entry.read_bytes()))
    assert run(flags, tmp_path) == ["3", "linked", "32", "False"]
    assert run(flags, tmp_path)[0] == "0"


def test_nothing_is_believed_from_a_directory_of_others(tmp_path):
    flags = mock_flags()
    run(flags, tmp_path)
    for place in tmp_path.rglob("c"):
        place.chmod(0o777)
    assert run(flags, tmp_path)[:2] == ["3", "linked"]


@pytest.mark.parametrize(
    "change",
    [
        {"int_bits": 16},
        {"int_bits": "64"},
        {"spelling": ["", "; rm -rf /"]},
        {"spelling": ["", ["_"]]},
        {"spelling": 3},
        {"zero_first": 0},
        {"seconds": -1.0},
        {"seconds": float("nan")},
        {"seconds": None},
        {"more": 1},
    ],
)
def test_stored_reports_are_checked(change):
    report = _memory.Report(("", "_"), 32, False, True, 0.5, 0.25)
    text = _memory.as_text(report)
    assert _memory.from_text(text) == report and report.ratio == 0.5
    assert _memory.from_text(json.dumps({**json.loads(text), **change}).encode()) is None


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"3", b"\xff\xfe", b"[" * 100_000, b'{"spelling": []}']
)
def test_what_is_no_report_is_none(data):
    assert _memory.from_text(data) is None


def test_a_whole_entry_that_is_no_report_is_replaced(tmp_path, monkeypatch):
    """Written by another version: the digest is right, the content isn't."""
    from pytensor.link.c import cache

    monkeypatch.setattr(cache, "get_cache", lambda store=cache.Cache(tmp_path / "c"): store)
    cache.get_cache().put("blas-key", b'{"old": 1}')
    report = _memory.Report(("", ""), 64, False, False, 1.0)
    calls = []

    def find_out(directory):
        calls.append(directory)
        return report

    for _ in range(2):
        assert _memory.recall("key", find_out) == report
    assert len(calls) == 1


def test_another_file_of_the_same_name_is_noticed(tmp_path, monkeypatch):
    from pytensor.link.c import cache

    monkeypatch.setattr(cache, "get_cache", lambda store=cache.Cache(tmp_path / "c"): store)
    library = tmp_path / "libx.so"
    library.write_text("1")
    assert _memory.is_known("key", str(library)) and _memory.is_known("key", str(library))
    library.write_text("22")
    assert not _memory.is_known("key", str(library))
    assert _memory.is_known("key", str(library), anew=True)
    assert _memory.is_known("key", str(library)) and _memory.is_known("key", "")


def test_the_key_follows_the_library(monkeypatch):
    flags = mock_flags()
    key = Attempt(flags).key
    assert Attempt(flags).key == key
    os.utime(mock_library(), (time.time() + 5, time.time() + 5))
    later = Attempt(flags).key
    assert later != key
    monkeypatch.setenv("LD_LIBRARY_PATH", "/tmp")
    assert Attempt(flags).key not in {key, later}
    with config.change_flags(cxx="gcc" if config.cxx != "gcc" else "cc"):
        assert Attempt(flags).key not in {key, later}
