"""The short form of ``python -m tests.safety``; the whole with ``pytest -m slow tests/safety``."""

import importlib.util
import os
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

import pytensor
from pytensor.link.c.toolchain import CompileError, Compiler

HERE = Path(__file__).parent
ROOT = HERE.parents[1]

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux") or shutil.which("gcc") is None, reason="needs Linux, gcc"
)


def module(name):
    """A file of this directory, which is no package."""
    spec = importlib.util.spec_from_file_location(f"safety_{name}", HERE / f"{name}.py")
    loaded = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = loaded
    spec.loader.exec_module(loaded)
    return loaded


analyze = module("analyze")


def safety(*words):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, *words], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    return done.stdout


def test_generated_units_compile_without_a_warning(tmp_path, monkeypatch):
    """The C of the programs of leaks.py, refused by the compiler once it is written down."""
    leaks = module("leaks")

    def keep(self, source, directory, **options):
        (tmp_path / f"u{len(list(tmp_path.iterdir()))}.c").write_text(source)
        raise CompileError("kept")

    monkeypatch.setattr(Compiler, "compile", keep)
    # One function: every loop of all programs in one unit, the calls of libraries in another.
    made = [build() for build in leaks.PROGRAMS.values()]
    outputs = [v for made_by_one in made for v in leaks.as_list(made_by_one)]
    with (
        pytensor.config.change_flags(compile__tier="native", gcc__cxxflags=f"-DNEW_{os.getpid()}"),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        pytensor.function(leaks.inputs_of(outputs), outputs)
    units, functions, found = analyze.check_sources(tmp_path, ("gcc",))
    assert units >= 1
    assert functions >= 50
    assert not found, "\n".join(found)


def test_a_warning_is_found(tmp_path):
    """The check can fail."""
    text = "int pt_kernel_count;\nstatic int f(int a) { int unused = 1; return a; }\n"
    (tmp_path / "bad.c").write_text(text)
    units, _, found = analyze.check_sources(tmp_path, ("gcc",))
    assert units == 1
    assert "unused" in found[0]


@pytest.mark.parametrize("what, only", [("calls", "sc"), ("errors", "index")])
def test_calls_do_not_leak(what, only):
    """A short look at every program whose name holds these letters."""
    assert "ok" in safety("tests/safety/leaks.py", what, "--count", "3000", "--only", only)


def test_dropped_functions_are_gone():
    assert "alive 0" in safety("tests/safety/leaks.py", "drop", "--count", "25")


@pytest.mark.slow
@pytest.mark.parametrize("part", ["warnings", "sanitize", "valgrind", "leaks"])
def test_everything(part):
    safety("-m", "tests.safety", part)
