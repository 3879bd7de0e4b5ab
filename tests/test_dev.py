"""`dev.py`: which commands it would run, with the processes faked."""

import importlib.util
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]


class Machine:
    """Answers `subprocess.run`: notes the words, makes the venv a command would make."""

    def __init__(self, dev):
        self.dev = dev
        self.calls: list[list[str]] = []
        self.failing: list[str] = []

    def run(self, command, **options):
        assert options["cwd"] == self.dev.ROOT
        self.calls.append(command)
        text = " ".join(command)
        code = int(any(part in text for part in self.failing))
        if "venv" in command and (code == 0 or "--without-pip" in command):
            self.dev.PYTHON.parent.mkdir(parents=True)
            self.dev.PYTHON.touch()
        return subprocess.CompletedProcess(command, code)

    def said(self, part: str) -> list[list[str]]:
        return [call for call in self.calls if part in " ".join(call)]


@pytest.fixture
def dev(tmp_path, monkeypatch):
    """A private copy of dev.py's module that lives in an empty project."""
    spec = importlib.util.spec_from_file_location("dev_under_test", ROOT / "dev.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(module, "PYTHON", tmp_path / ".venv" / "bin" / "python")
    return module


@pytest.fixture
def machine(dev, monkeypatch):
    faked = Machine(dev)
    monkeypatch.setattr(dev.subprocess, "run", faked.run)
    return faked


def test_first_run_makes_the_environment_and_later_ones_do_not(dev, machine):
    assert dev.main(["test", "-k", "gemm"]) == 0
    venv, install, test = machine.calls
    assert venv == [sys.executable, "-m", "venv", str(dev.VENV)]
    assert install[:4] == [str(dev.PYTHON), "-m", "pip", "install"]
    assert install[-2:] == ["-e", ".[test]"]
    assert test == [str(dev.PYTHON), "-m", "pytest", "-k", "gemm"]
    machine.calls.clear()
    assert dev.main(["test"]) == 0
    assert machine.calls == [[str(dev.PYTHON), "-m", "pytest", "-n", "2"]]


def test_changed_project_file_installs_again(dev, machine):
    dev.main(["test"])
    (dev.ROOT / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    machine.calls.clear()
    dev.main(["test"])
    assert len(machine.said("pip install")) == 1
    assert not machine.said("-m venv"), "the environment itself is still good"


def test_another_group_of_extras_goes_into_the_same_environment(dev, machine):
    dev.main(["test"])
    machine.calls.clear()
    dev.main(["demo"])
    assert machine.said("pip install")[0][-1] == ".[examples]" and not machine.said("-m venv")
    assert machine.calls[-1] == [str(dev.PYTHON), str(dev.ROOT / "examples" / "digits.py")]
    machine.calls.clear()
    dev.main(["test"])
    assert not machine.said("pip install"), "both stamps stand"


def test_stamp_depends_on_what_the_environment_was_made_from(dev):
    stamp = dev.environment_stamp("test")
    assert dev.environment_stamp("test") == stamp != dev.environment_stamp("dev")
    (dev.ROOT / "pyproject.toml").write_text("changed")
    assert dev.environment_stamp("test") != stamp


def test_python_without_ensurepip(dev, machine):
    machine.failing = [f"-m venv {dev.VENV}"]
    assert dev.main(["test"]) == 0
    assert machine.said("--without-pip")[0][-1] == str(dev.VENV)
    (install,) = machine.said("pip --python")
    assert install[:5] == [sys.executable, "-m", "pip", "--python", str(dev.PYTHON)]


def test_environment_whose_pip_is_broken_is_made_anew(dev, machine):
    dev.main(["test"])
    (dev.ROOT / "pyproject.toml").write_text("changed")
    machine.calls.clear()
    machine.failing = ["pip --version"]
    dev.main(["test"])
    assert len(machine.said("-m venv")) == 1


def test_failed_installation_ends_with_its_code_and_leaves_no_stamp(dev, machine):
    machine.failing = ["pip install"]
    with pytest.raises(SystemExit) as ended:
        dev.main(["test"])
    assert ended.value.code == 1
    assert not list(dev.VENV.glob("stamp-*")) and not machine.said("-m pytest")


def test_lint_runs_every_check_and_reports_any_failure(dev, machine):
    assert dev.main(["lint"]) == 0
    for words in ("ruff check .", "ruff format --check .", "clang-format --dry-run", "-m mypy"):
        assert len(machine.said(words)) == 1
    machine.failing = ["ruff check"]
    machine.calls.clear()
    assert dev.main(["lint"]) == 1
    assert machine.said("-m mypy"), "a failure does not hide the next check"


def test_rooms_that_are_checked_exist(dev):
    for path in (*dev.MYPY_CLEAN, *dev.C_SOURCES):
        assert (ROOT / path).exists()


def test_doc_takes_warnings_for_errors(dev, machine, capsys):
    assert dev.main(["doc"]) == 0
    assert machine.said("pip install")[0][-1] == ".[dev]"
    assert machine.calls[-1][1:5] == ["-m", "sphinx", "-W", "--keep-going"]
    assert "index.html" in capsys.readouterr().out
    machine.failing = ["sphinx"]
    assert dev.main(["doc"]) == 1


def test_bench(dev, machine):
    assert dev.main(["bench", "--quick"]) == 0
    assert machine.calls[-1] == [str(dev.PYTHON), "-m", "benchmarks", "--quick"]


@pytest.mark.parametrize("words", [[], ["tset"]])
def test_wrong_words_print_the_help(dev, machine, words, capsys):
    assert dev.main(words) == 2
    assert "python3 dev.py demo" in capsys.readouterr().out and machine.calls == []


def test_old_python(dev, machine, monkeypatch, capsys):
    monkeypatch.setattr(dev.sys, "version_info", (3, 10, 4))
    assert dev.main(["test"]) == 2
    assert "needs Python 3.11 or newer" in capsys.readouterr().out and machine.calls == []
