#!/usr/bin/env python3
"""One door to everything a maintainer or a visitor does here; needs nothing but Python 3.11+.

    python3 dev.py demo     train the digits network (the main job, on real data)
    python3 dev.py test     run the tests            (extra words go to pytest)
    python3 dev.py lint     ruff, mypy, clang-format and the C syntax check
    python3 dev.py doc      the documentation site   (extra words go to sphinx)
    python3 dev.py bench    the benchmark battery    (extra words go to benchmarks)

Each command makes its own private environment in `.venv` the first time, and again whenever
pyproject.toml or the Python version changes. Nothing outside this folder is touched.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
WINDOWS = os.name == "nt"
PYTHON = VENV / ("Scripts/python.exe" if WINDOWS else "bin/python")
C_SOURCES = ("pytensor/link/c/c_code", "pytensor/tensor/blas/c_code")
MYPY_CLEAN = tuple(
    f"pytensor/{room}"
    for room in (
        *("graph", "scalar", "gradient", "compile", "printing", "tensor/blas", "link/c", "link/py"),
        *(f"link/{name}.py" for name in ("basic", "backends", "schedule", "utils", "to_python")),
        "raise_op.py",
    )
)


def say(text: str) -> None:
    print(f"\033[2m[dev] {text}\033[0m" if sys.stdout.isatty() else f"[dev] {text}", flush=True)


def run(*command: str | Path, **options) -> int:
    return subprocess.run([str(word) for word in command], cwd=ROOT, **options).returncode


def check(*command: str | Path, **options) -> None:
    if code := run(*command, **options):
        sys.exit(code)


def environment_stamp(extra: str) -> str:
    """Identify what the environment was made from: interpreter, project file, chosen extras."""
    text = f"{sys.version}\n{sys.executable}\n{extra}\n{ROOT}\n"
    return hashlib.sha256(text.encode() + (ROOT / "pyproject.toml").read_bytes()).hexdigest()


def create_venv() -> list[str | Path]:
    """Make an empty environment and return the command that installs into it.

    Debian splits `ensurepip` into a package of its own; without it the machine's pip can still
    install into an environment through `--python`.
    """
    shutil.rmtree(VENV, ignore_errors=True)
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    if run(sys.executable, "-m", "venv", VENV, **quiet) == 0:
        return [PYTHON, "-m", "pip"]
    shutil.rmtree(VENV, ignore_errors=True)
    check(sys.executable, "-m", "venv", "--without-pip", VENV)
    return [sys.executable, "-m", "pip", "--python", PYTHON]


def prepare(extra: str) -> None:
    """Make `.venv` with the package and one group of extras, unless it is there already."""
    stamp = VENV / f"stamp-{extra}"
    wanted = environment_stamp(extra)
    if PYTHON.exists() and stamp.exists() and stamp.read_text() == wanted:
        return
    start = time.perf_counter()
    say(f"making a private environment in {VENV} (once, about a minute)")
    pip = [PYTHON, "-m", "pip"]
    if not any(VENV.glob("stamp-*")) or run(*pip, "--version", stdout=subprocess.DEVNULL):
        pip = create_venv()
    check(*pip, "install", "--quiet", "--disable-pip-version-check", "-e", f".[{extra}]")
    stamp.write_text(wanted)
    say(f"environment ready after {time.perf_counter() - start:.0f} s")


def demo(words: list[str]) -> int:
    prepare("examples")
    return run(PYTHON, ROOT / "examples" / "digits.py", *words)


def test(words: list[str]) -> int:
    prepare("test")
    return run(PYTHON, "-m", "pytest", *(words or ["-n", "2"]))


def lint(words: list[str]) -> int:
    prepare("dev")
    sources = sorted(str(p) for d in C_SOURCES for p in (ROOT / d).rglob("*.[ch]"))
    clang_format = VENV / PYTHON.parent.name / "clang-format"
    steps = [
        [PYTHON, "-m", "ruff", "check", "."],
        [PYTHON, "-m", "ruff", "format", "--check", "."],
        [clang_format, "--dry-run", "-Werror", *sources],
        [PYTHON, "-m", "mypy", *MYPY_CLEAN],
    ]
    return max(run(*step) for step in steps)


def doc(words: list[str]) -> int:
    prepare("dev")
    site = ROOT / "doc" / "_build" / "html"
    code = run(PYTHON, "-m", "sphinx", "-W", "--keep-going", "-q", *words, ROOT / "doc", site)
    if code == 0:
        say(f"the site is {site / 'index.html'}")
    return code


def bench(words: list[str]) -> int:
    prepare("dev")
    return run(PYTHON, "-m", "benchmarks", *words)


COMMANDS = {"demo": demo, "test": test, "lint": lint, "doc": doc, "bench": bench}


def main(arguments: list[str]) -> int:
    if sys.version_info < (3, 11):  # noqa: UP036 - the visitor's Python may be older
        print("pytensor needs Python 3.11 or newer, this is " + sys.version.split()[0])
        return 2
    if not arguments or arguments[0] not in COMMANDS:
        print(__doc__)
        return 2
    return COMMANDS[arguments[0]](arguments[1:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
