"""The BLAS capsules are had without ``scipy.linalg``, and leave a later import of it whole."""

import subprocess
import sys
import textwrap

import pytest

from pytensor.tensor.blas import _capsules
from pytensor.tensor.blas._capsules import capsule_address
from pytensor.tensor.blas._ldflags import BLAS_NAMES


def _run(program: str) -> str:
    result = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.mark.parametrize("name, routine", [("cython_blas", "dgemm"), ("cython_lapack", "dpotrf")])
def test_loads_only_the_extension_module(name, routine):
    _run(
        f"""
        import sys
        from pytensor.tensor.blas._capsules import capsule_table
        table = capsule_table({name!r})
        assert {routine!r} in table
        loaded = [m for m in sys.modules if m.startswith("scipy.linalg")]
        assert not loaded, loaded
        assert capsule_table({name!r}) is table
        """
    )


def test_a_later_import_of_scipy_linalg_is_the_usual_one():
    _run(
        """
        import numpy as np
        from pytensor.tensor.blas._capsules import capsule_table
        blas, lapack = capsule_table("cython_blas"), capsule_table("cython_lapack")
        import scipy.linalg
        import scipy.linalg.cython_lapack
        assert scipy.linalg.cython_blas.__pyx_capi__ is blas
        assert scipy.linalg.cython_lapack.__pyx_capi__ is lapack
        assert scipy.linalg.cython_blas.__spec__.parent == "scipy.linalg"
        np.testing.assert_allclose(scipy.linalg.cholesky(4.0 * np.eye(3)), 2.0 * np.eye(3))
        assert capsule_table("cython_blas") is blas
        import scipy.sparse.linalg, scipy.optimize, scipy.special
        """
    )


def test_falls_back_to_the_usual_import(monkeypatch):
    class Finder:
        @staticmethod
        def find_spec(name, path):
            return None

    monkeypatch.setattr(_capsules, "PathFinder", Finder)
    assert _capsules._load_alone("cython_blas") is None
    assert "dgemm" in _capsules.capsule_table("cython_blas")


def test_addresses_agree_with_the_usual_import():
    import scipy.linalg.cython_blas as usual

    table = _capsules.capsule_table("cython_blas")
    for name in BLAS_NAMES:
        assert capsule_address(table[name]) == capsule_address(usual.__pyx_capi__[name])
