"""Importing does nothing: no subprocess, no optional library, no files, little time."""

import json
import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]

SPY = """
import json, os, sys
events = []
def hook(event, args):
    if event in ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.mkdir"):
        events.append(event)
    elif event == "open" and isinstance(args[1], str) and set(args[1]) & set("wax+"):
        events.append(f"open {args[0]} {args[1]}")
sys.addaudithook(hook)
import pytensor, pytensor.tensor
print(json.dumps({"events": events, "modules": sorted(sys.modules)}))
"""


@pytest.fixture(scope="module")
def imported(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    env = {k: v for k, v in os.environ.items() if not k.startswith("PYTENSOR")}
    env |= {"HOME": str(home), "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", SPY], env=env, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return json.loads(done.stdout), home


def test_no_process_and_no_file(imported):
    assert imported[0]["events"] == []
    assert list(imported[1].iterdir()) == []


@pytest.mark.parametrize(
    "name",
    ["scipy", "numba", "jax", "torch", "mlx", "matplotlib", "pydot", "subprocess", "ctypes.util"],
)
def test_no_heavy_library(imported, name):
    assert name not in imported[0]["modules"]
