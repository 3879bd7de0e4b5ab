"""User programs with known output: the text must match, numbers to a tolerance.

Programs 01 - 09 are the project's; the output of 10 - 20 was computed with PyTensor 3.3.7. In the
default run each has a process of its own in C mode, as users start them, and runs in this process
in the other modes; the slow tests start a process for each program and mode.
"""

import contextlib
import io
import os
import pathlib
import re
import runpy
import subprocess
import sys
import warnings

import pytest

import pytensor

FOLDER = pathlib.Path(__file__).resolve().parent / "programs"
PROGRAMS = sorted(p.stem for p in FOLDER.glob("*.py"))
NUMBER = re.compile(r"^-?\d+(\.\d+)?(e[+-]?\d+)?$")
MODES = {
    "py": {"linker": "py"},
    "FAST_COMPILE": {"mode": "FAST_COMPILE"},
    "interpret": {"compile__tier": "interpret"},
    "native": {"compile__tier": "native"},
}


def tokens(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines() if line.strip()]


def same(expected: str, got: str, rtol=1e-8, atol=1e-10) -> bool:
    expected, got = expected.strip("()[],"), got.strip("()[],")
    if NUMBER.match(expected) and NUMBER.match(got):
        a, b = float(expected), float(got)
        return abs(a - b) <= atol + rtol * max(abs(a), abs(b))
    return expected == got


def check(name: str, printed: str) -> None:
    want, got = tokens((FOLDER / f"{name}.out").read_text()), tokens(printed)
    assert [len(line) for line in want] == [len(line) for line in got], printed
    wrong = [
        (a, b) for line, other in zip(want, got) for a, b in zip(line, other) if not same(a, b)
    ]
    assert not wrong


def printed_by_process(name: str, flags: dict, cwd) -> str:
    env = dict(os.environ)
    ours = [f"{key}={value}" for key, value in flags.items()]
    env["PYTENSOR_FLAGS"] = ",".join(filter(None, [env.get("PYTENSOR_FLAGS"), *ours]))
    env["PYTHONPATH"] = str(FOLDER.parents[1])
    done = subprocess.run(
        [sys.executable, FOLDER / f"{name}.py"],
        env=env, cwd=cwd, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name, tmp_path):
    check(name, printed_by_process(name, {}, tmp_path))


@pytest.mark.parametrize("mode", ["py", "FAST_COMPILE"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_modes(name, mode):
    printed = io.StringIO()
    with (
        pytensor.config.change_flags(**MODES[mode]),
        contextlib.redirect_stdout(printed),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore", DeprecationWarning)  # upstream's of hidden states
        runpy.run_path(str(FOLDER / f"{name}.py"), run_name="__main__")
    check(name, printed.getvalue())


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", PROGRAMS)
def test_processes(name, mode, tmp_path):
    check(name, printed_by_process(name, MODES[mode], tmp_path))
