"""c_code/driver_pack.h under the address and undefined-behaviour sanitizers."""

import subprocess
from pathlib import Path

import pytest

from pytensor.link.c.toolchain import find_compiler

HERE = Path(__file__).parent


def test_tiles_move_there_and_back(tmp_path):
    compiler = find_compiler()
    if compiler is None or compiler.kind not in ("gcc", "clang"):
        pytest.skip("sanitizers need gcc or clang")
    program = tmp_path / "check"
    include = Path(__file__).parents[3] / "pytensor" / "link" / "c" / "c_code"
    flags = [
        "-g",
        "-O1",
        "-fsanitize=address,undefined",
        "-fno-sanitize-recover=all",
        f"-I{include}",
    ]
    built = subprocess.run(
        [*compiler.command, *flags, str(HERE / "pack_check.c"), "-o", str(program)],
        capture_output=True,
        text=True,
        check=False,
    )
    if built.returncode:
        pytest.skip(f"no sanitizers here: {built.stderr[:200]}")
    run = subprocess.run([str(program)], capture_output=True, text=True, check=False)
    assert run.returncode == 0 and run.stdout.startswith("ok"), run.stdout + run.stderr
