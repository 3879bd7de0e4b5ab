"""Libraries with faults on demand, built from mock_blas.c, each variant once per session."""

import atexit
import functools
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import blas_helpers


@functools.cache
def _session() -> Path:
    place = Path(tempfile.mkdtemp(prefix="pytensor-mocks-"))
    pid = os.getpid()
    atexit.register(lambda: os.getpid() == pid and shutil.rmtree(place, ignore_errors=True))
    return place


@functools.cache
def mock_library(*defines: str) -> Path:
    """The path of a mock library; a loader that knows a name takes that one, so each has its own."""
    name = f"mock{mock_library.cache_info().misses}"
    out = _session() / name / f"lib{name}.so"
    out.parent.mkdir()
    command = [blas_helpers.compiler(), "-std=c11", "-w", "-O1", "-shared", "-fPIC", *defines]
    command += [f"-I{blas_helpers.C_CODE}", f"-I{blas_helpers.HERE}"]
    command += [str(blas_helpers.HERE / "mock_blas.c"), f"-Wl,-soname,lib{name}.so"]
    subprocess.run([*command, "-o", str(out)], check=True)
    return out


def mock_flags(*defines: str) -> str:
    """What links a mock library."""
    path = mock_library(*defines)
    return f"-L{path.parent} -l{path.stem.removeprefix('lib')}"
