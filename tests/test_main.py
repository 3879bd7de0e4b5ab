"""`python -m pytensor`: what it prints, and its exit codes."""

import os
import pathlib
import subprocess
import sys

import pytest

from pytensor import __main__ as command
from pytensor.configdefaults import config
from pytensor.link import backends

ROOT = pathlib.Path(__file__).resolve().parents[1]


@pytest.fixture
def no_compiler(monkeypatch):
    """A machine without a C compiler and without the driver, as far as the report looks."""
    for module in (command, backends):
        monkeypatch.setattr(module, "why_no_c", lambda: "no compiler was found")
    monkeypatch.setattr(command, "why_no_compiler", lambda: "no compiler was found")
    monkeypatch.setattr(command, "find_compiler", lambda: None)


def test_as_a_program(tmp_path):
    """The one test that pays for a process: report, self-test and exit code as a user gets them."""
    env = {k: v for k, v in os.environ.items() if k != "PYTENSOR_FLAGS"}
    env |= {"PYTHONPATH": str(ROOT), "PYTENSOR_FLAGS": config_flags()}
    done = subprocess.run(
        [sys.executable, "-m", "pytensor"], env=env, cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    words = [line.split()[0] for line in done.stdout.splitlines() if line.strip()]
    for expected in ("pytensor", "python", "numpy", "compiler", "BLAS", "cache", "backends"):
        assert expected in words
    assert "FAILED" not in done.stdout and "PY   blas       ok" in done.stdout


def config_flags() -> str:
    return f"base_compiledir={config.base_compiledir}"


def test_report_without_a_compiler(no_compiler, capsys):
    command.report()
    out = capsys.readouterr().out
    assert "none: no compiler was found. `pip install pytensor[cc]` brings one" in out
    assert "c        no: no compiler was found" in out


def test_report_of_what_the_package_came_with(monkeypatch, capsys):
    states = {"driver": "ready", "kernels": "missing", "interpreter": "out of date"}
    monkeypatch.setattr(command.shipped, "state", lambda: states)
    command.report()
    out = capsys.readouterr().out
    assert "driver      ready\n" in out
    assert "kernels     missing: compiled with the functions that need them\n" in out
    assert "interpreter out of date: every loop is compiled before the first call\n" in out
    assert "-m pytensor.link.c.shipped` builds them" in out


def test_compiler_that_does_not_answer(monkeypatch):
    class Broken:
        command = ("/nowhere/cc", "-x")

    monkeypatch.setattr(command, "find_compiler", lambda: Broken())
    assert command.compiler_line().startswith("/nowhere/cc -x (does not answer: ")


def test_self_test_in_python_only(no_compiler, capsys):
    assert command.self_test() == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:3] for line in lines if line.startswith("  ")] == [
        ["PY", name, "ok"] for name in ("values", "gradient", "update", "blas")
    ]


def test_failing_check_is_told_and_gives_1(no_compiler, monkeypatch, capsys):
    def check_sums(mode):
        raise ArithmeticError("2 + 2 is 5")

    monkeypatch.setattr(command, "CHECKS", (check_sums,))
    assert command.self_test() == 1
    out = capsys.readouterr().out
    assert "sums       FAILED" in out and "PY check_sums: ArithmeticError: 2 + 2 is 5" in out


def test_cache_in_memory(monkeypatch):
    class InMemory:
        directory = None

    monkeypatch.setattr(command, "get_cache", lambda: InMemory())
    assert command.cache_line() == "in memory for this session only"


def test_cache_on_disk(monkeypatch, tmp_path):
    class OnDisk:
        directory = tmp_path

    (tmp_path / "a").write_bytes(bytes(1_500_000))
    monkeypatch.setattr(command, "get_cache", lambda: OnDisk())
    assert command.cache_line() == f"{tmp_path} (1 entries, 1.5 MB)"
    OnDisk.directory = tmp_path / "not yet"
    assert command.cache_line().endswith("(0 entries, 0.0 MB)")


def test_config(capsys):
    assert command.main(["config"]) == 0
    out = capsys.readouterr().out
    for name in ("floatX", "base_compiledir", "on_opt_error"):
        assert name in out


def test_blas(capsys):
    assert command.main(["blas"]) == 0
    out = capsys.readouterr().out
    assert command.get_provider().name in out


@pytest.mark.parametrize("word", ["-h", "--help"])
def test_help(word, capsys):
    assert command.main([word]) == 0
    assert "python -m pytensor blas" in capsys.readouterr().out


@pytest.mark.parametrize("words", [["blass"], ["config", "floatX"]])
def test_wrong_words(words, capsys):
    assert command.main(words) == 2
    out, err = capsys.readouterr()
    assert out == "" and f"unknown words '{' '.join(words)}'" in err and "python -m pytensor" in err
