"""Unlucky machines: what the tests of cache and compilers share.

The dangerous things happen in processes of their own, with a time limit, each with a compile
directory of its own. Programs are compiled before their first call, so that the compiler runs.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

# One loop and one call; prints what can be compared bit for bit.
PROGRAM = """
import numpy as np, pytensor, pytensor.tensor as pt
x = pt.dvector("x")
f = pytensor.function([x], (pt.exp(x) * 2 + {n}).sum(), mode="C")
print(float(f(np.arange(5.0))).hex())
"""


def flags(**settings) -> str:
    """Return a value for PYTENSOR_FLAGS; commas in values are quoted."""
    settings = {"compile__tier": "native", **settings}
    return ",".join(
        f"{key}={str(value).replace(',', chr(92) + ',')}" for key, value in settings.items()
    )


def environment(place, env=None, **settings) -> dict[str, str]:
    """Return the environment of a process that keeps compiled code in `place`."""
    full = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "PYTENSORRC": os.devnull,
        "OMP_NUM_THREADS": "1",
        "PYTENSOR_FLAGS": flags(**({} if place is None else {"compiledir": place}), **settings),
        **(env or {}),
    }
    return {key: value for key, value in full.items() if value is not None}


def start(code, place, env=None, prefix=(), cwd=None, **settings) -> subprocess.Popen:
    """Start Python code in a process of its own."""
    return subprocess.Popen(
        [*prefix, sys.executable, "-c", code],
        env=environment(place, env, **settings),
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process, limit=60) -> tuple[str, str]:
    """Wait for a process; it must end well and in time."""
    try:
        out, err = process.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise
    assert process.returncode == 0, f"status {process.returncode}\n{out}\n{err}"
    return out, err


def run(code, place, env=None, prefix=(), cwd=None, limit=60, **settings) -> tuple[str, str]:
    """Run Python code in a process of its own and return what it printed and said."""
    return finish(start(code, place, env, prefix, cwd, **settings), limit)


def objects(place) -> list[Path]:
    """Return the objects of a compile directory."""
    return sorted(Path(place).glob("c/*.so"))


def leftovers(place) -> list[str]:
    """Return what is in a compile directory besides objects."""
    names = [path.name for path in Path(place, "c").iterdir()]
    return sorted(
        name for name in names if not name.endswith(".so") and name not in {"tidied", "zig"}
    )


def script(path: Path, text: str) -> Path:
    """Write a Python script that can be run by its path."""
    path.write_text(f"#!{sys.executable}\n{text}")
    path.chmod(0o755)
    return path


def counting_compiler(path: Path, then: str = "") -> Path:
    """Write a compiler that notes each run in a file beside it, does `then`, and runs gcc."""
    log, gcc = path.with_suffix(".log"), shutil.which("gcc")
    return script(
        path,
        f"import os, sys, time\nwith open({str(log)!r}, 'a') as log: log.write('run\\n')\n"
        f"{then}\nos.execv({gcc!r}, [{gcc!r}, *sys.argv[1:]])\n",
    )


def runs(compiler: Path) -> int:
    """Return how often a counting compiler was run."""
    log = compiler.with_suffix(".log")
    return len(log.read_text().splitlines()) if log.exists() else 0
