"""Rewritten graphs and generated C are what they were, unless a commit says so.

After a change that is meant to alter them:  pytest tests/golden --regen-golden
and look at the difference before committing it.
"""

import difflib
import os
import pathlib
import re
import subprocess
import sys

import pytest
from golden_programs import IN_C, PROGRAMS
from golden_record import c_text, graph_text

HERE = pathlib.Path(__file__).resolve().parent
CASES = [("graphs", ".txt", name, graph_text) for name in PROGRAMS]
CASES += [("c", ".c", name, c_text) for name in IN_C]


def check(path: pathlib.Path, text: str, regenerate: bool) -> None:
    """Compare a text with the one on record, or record it."""
    if regenerate:
        path.write_text(text)
        return
    assert path.exists(), f"nothing on record for {path.name}: run pytest with --regen-golden"
    old = path.read_text()
    if text != old:
        lines = difflib.unified_diff(
            old.splitlines(), text.splitlines(), f"on record: {path.name}", "now", lineterm="", n=2
        )
        pytest.fail("\n".join(lines), pytrace=False)


@pytest.mark.parametrize(
    "folder, suffix, name, make", CASES, ids=[f"{folder}-{name}" for folder, _, name, _ in CASES]
)
def test_as_on_record(folder, suffix, name, make, request):
    text = make(name)
    assert not re.search(r"0x[0-9a-f]{6,}|<[\w.]+ object", text), "an address is in the text"
    check(HERE / folder / (name + suffix), text, request.config.getoption("--regen-golden"))


def test_nothing_else_is_on_record():
    wanted = {HERE / folder / (name + suffix) for folder, suffix, name, _ in CASES}
    found = {p for folder in ("graphs", "c") for p in (HERE / folder).iterdir()}
    assert found <= wanted, sorted(p.name for p in found - wanted)


def test_a_difference_fails_and_is_shown(tmp_path):
    path = tmp_path / "a.txt"
    with pytest.raises(AssertionError, match="--regen-golden"):
        check(path, "one\n", False)
    check(path, "one\n", True)
    check(path, "one\n", False)
    with pytest.raises(pytest.fail.Exception, match=r"-one\n\+two"):
        check(path, "two\n", False)


def test_same_in_another_process():
    """Another seed of hashes, another order of compiling."""
    code = "import golden_record as g\nfor n in {!r}: print(g.graph_text(n), g.c_text(n))"
    names = ["softmax_rows", "mlp_step"]
    env = os.environ | {
        "PYTHONHASHSEED": "12345",
        "PYTHONPATH": os.pathsep.join([str(HERE), str(HERE.parents[1])]),
    }
    done = subprocess.run(
        [sys.executable, "-c", code.format(names)], env=env, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "".join(f"{graph_text(n)} {c_text(n)}\n" for n in names)
