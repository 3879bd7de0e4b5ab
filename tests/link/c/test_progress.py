"""What is printed while compilers run, and where compile time goes."""

import os
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest

import pytensor
import pytensor.tensor as pt
from pytensor.configdefaults import config
from pytensor.link.c import progress
from pytensor.link.c.progress import Waiting, duration


class Terminal:
    def __init__(self, is_terminal=True):
        self.text = ""
        self.isatty = lambda: is_terminal

    def write(self, text):
        self.text += text

    def flush(self):
        pass


@pytest.fixture
def terminal(monkeypatch):
    terminal = Terminal()
    # Not of the real module: pytest puts its own stream there between set-up and test.
    monkeypatch.setattr(progress, "sys", SimpleNamespace(stderr=terminal))
    monkeypatch.setattr(progress, "_PATIENCE", 0.05)
    return terminal


def test_a_line_is_shown_and_erased(terminal):
    with Waiting(60, 2, "step") as waiting:
        waiting.run(lambda: b"")
        assert waiting.run(lambda: time.sleep(0.3) or b"object") == b"object"
    shown = terminal.text.split("\r\033[K")
    assert shown[0] == shown[-1] == "", "the line is erased"
    assert shown[1].startswith("pytensor compiles 60 kernels of step, 1 of 2 parts done (")
    assert "\n" not in terminal.text and len(waiting.runs) == 2


def test_short_runs_show_nothing(terminal, monkeypatch):
    monkeypatch.setattr(progress, "_PATIENCE", 60.0)
    with Waiting(1, 1) as waiting:
        waiting.run(lambda: b"")
    assert terminal.text == ""


def test_no_thread_without_a_compiler_or_a_terminal(terminal, monkeypatch):
    with Waiting(1, 1) as waiting:
        pass
    assert waiting._thread is None
    monkeypatch.setattr(progress.sys, "stderr", Terminal(False))
    with Waiting(1, 1) as waiting:
        waiting.run(lambda: b"")
    assert waiting._thread is None
    monkeypatch.setattr(progress.sys, "stderr", None)
    with Waiting(1, 1) as waiting:
        waiting.run(lambda: b"")


def test_the_line_is_erased_after_errors(terminal):
    def fail():
        time.sleep(0.2)
        raise OSError("no space")

    with pytest.raises(OSError, match="no space"), Waiting(1, 1) as waiting:
        waiting.run(fail)
    assert terminal.text.endswith("\r\033[K")


def test_a_terminal_that_is_closed_harms_nobody(terminal):
    terminal.write = lambda text: (_ for _ in ()).throw(ValueError("closed"))
    with Waiting(1, 1) as waiting:
        waiting.run(lambda: time.sleep(0.2) or b"")


def test_where_time_goes(capfd):
    x, A = pt.dvector("x"), pt.dmatrix("A")
    with config.change_flags(compiler_verbose=True):
        pytensor.function([x, A], [pt.exp(x) + 1, pt.linalg.expm(A)], mode="C", name="both")
        pytensor.function([x], pt.exp(x), mode="PY")
    lines = [line for line in capfd.readouterr().err.splitlines() if "both" in line or "  " in line]
    first, second = lines[:2]
    assert first.startswith("pytensor: both: rewriting ") and "binding" in first
    assert second.startswith("pytensor:   ") and "1 loop" in second or "1 kernel" in second
    assert second.endswith("in Python: Expm")


def test_durations():
    assert [duration(s) for s in (12.34, 0.4567, 0.0012)] == ["12.3 s", "457 ms", "1.2 ms"]


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals")
def test_on_a_real_terminal(tmp_path):
    """A compiler that takes two seconds: seen on a terminal, gone at the end."""
    import pty

    compiler = tmp_path / "cc-gcc"
    compiler.write_text('#!/bin/sh\nsleep 2; exec cc "$@"\n')
    compiler.chmod(0o755)
    flags = f"compiledir={tmp_path}/cc,cxx={compiler},compile__tier=native"
    env = os.environ | {
        "PYTENSOR_FLAGS": flags,
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }
    code = (
        "import pytensor, pytensor.tensor as pt; x = pt.dvector('x')\n"
        "f = pytensor.function([x], pt.exp(x).sum(), name='wave'); assert f([0, 0]) == 2"
    )
    master, slave = pty.openpty()
    done = subprocess.Popen([sys.executable, "-c", code], env=env, stderr=slave)
    os.close(slave)
    text = b""
    while True:
        try:
            more = os.read(master, 1000)
        except OSError:
            # The other end was closed.
            break
        if not more:
            break
        text += more
    assert done.wait(60) == 0, text
    assert b"pytensor compiles 1 kernel of wave (" in text
    assert text.endswith(b"\r\x1b[K")
