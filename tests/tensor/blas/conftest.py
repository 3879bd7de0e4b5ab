"""Tools of the BLAS tests: arrays in every layout, and the C helpers through ctypes."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

import blas_helpers


@pytest.fixture(autouse=True)
def _spurious_flags_of_numpy():
    """NumPy's own float32 products may report invalid values that are in none of the operands.

    Its BLAS also multiplies the unused lanes of a register, which hold anything.
    """
    with np.errstate(invalid="ignore"):
        yield


@pytest.fixture(scope="session")
def helpers(tmp_path_factory):
    """The C helpers, compiled once."""
    return blas_helpers.Helpers(blas_helpers.compile_harness(tmp_path_factory.mktemp("blas")))


@pytest.fixture(scope="session")
def split_helpers(tmp_path_factory):
    """The C helpers for a BLAS whose integers end at 5, so that everything gets split."""
    path = tmp_path_factory.mktemp("blas")
    flags = [
        "-DBLAS_INT_LIMIT=5",
        "-DBLAS_SMALL_GEMM=0",
        "-DBLAS_SMALL_GEMV=0",
        "-DBLAS_OWN_BYTES=0",
    ]
    return blas_helpers.Helpers(blas_helpers.compile_harness(path, flags), limit=5)
