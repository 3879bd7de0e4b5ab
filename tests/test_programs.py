"""User programs with known output: the text must match, numbers to a tolerance."""

import os
import pathlib
import re
import subprocess
import sys

import pytest

FOLDER = pathlib.Path(__file__).resolve().parent / "programs"
PROGRAMS = sorted(p.stem for p in FOLDER.glob("*.py"))
NUMBER = re.compile(r"^-?\d+(\.\d+)?(e[+-]?\d+)?$")


def tokens(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines() if line.strip()]


def same(expected: str, got: str, rtol=1e-8, atol=1e-10) -> bool:
    expected, got = expected.strip("()[],"), got.strip("()[],")
    if NUMBER.match(expected) and NUMBER.match(got):
        a, b = float(expected), float(got)
        return abs(a - b) <= atol + rtol * max(abs(a), abs(b))
    return expected == got


@pytest.mark.parametrize("flags", ["", "linker=py"], ids=["C", "py"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name, flags, tmp_path):
    env = dict(os.environ)
    env["PYTENSOR_FLAGS"] = ",".join(part for part in (env.get("PYTENSOR_FLAGS"), flags) if part)
    env["PYTHONPATH"] = str(FOLDER.parents[1])
    done = subprocess.run(
        [sys.executable, FOLDER / f"{name}.py"],
        env=env, cwd=tmp_path, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    want, got = tokens((FOLDER / f"{name}.out").read_text()), tokens(done.stdout)
    assert [len(line) for line in want] == [len(line) for line in got], done.stdout
    wrong = [
        (a, b) for line, other in zip(want, got) for a, b in zip(line, other) if not same(a, b)
    ]
    assert not wrong
