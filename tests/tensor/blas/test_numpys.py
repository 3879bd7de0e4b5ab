"""NumPy's own BLAS: found in the process, tried, preferred where it is as good, and nothing loaded."""

import ctypes
import os
import subprocess
import sys
from types import SimpleNamespace

import blas_helpers
import numpy as np
import pytest
from blas_mocks import mock_library

import pytensor
import pytensor.tensor as pt
from pytensor.configdefaults import config
from pytensor.link.c.cache import Cache
from pytensor.tensor.blas import _capsules, _ldflags, _measure, _numpys, get_provider
from pytensor.tensor.blas._families import family_named, symbol
from pytensor.tensor.blas._provider import BLAS_NAMES, USUAL_DEFINES, BlasProvider
from pytensor.tensor.blas._runtime import library_of, loaded_libraries

needs_compiler = pytest.mark.skipif(blas_helpers.compiler() is None, reason="no C compiler")
needs_numpys = pytest.mark.skipif(
    _ldflags.numpys_own().provider is None, reason=_ldflags.numpys_own().reason
)


def run(code):
    env = {**os.environ, "OPENBLAS_NUM_THREADS": "2", "OMP_NUM_THREADS": "2"}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def table_of(path, spelling=("", "_")):
    library = ctypes.CDLL(str(path))
    return {n: _numpys._address(library, symbol(n, spelling)) for n in (*BLAS_NAMES, "daxpy")}


@needs_numpys
def test_it_is_the_default():
    provider = get_provider()
    assert provider.how == "NumPy" and provider.library in map(os.path.realpath, loaded_libraries())
    assert {library_of(address) for address in provider.addresses} == {provider.library}
    assert provider.defines == USUAL_DEFINES and not provider.zero_first
    with config.change_flags(blas__ldflags=""):
        assert get_provider().how == "SciPy"


@needs_numpys
@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
def test_products(dtype):
    rng = np.random.default_rng(0)
    a, b = (rng.normal(size=(70, 70)) + 1j * rng.normal(size=(70, 70)) for _ in range(2))
    a, b = (m.astype(dtype) if "c" in dtype else m.real.astype(dtype) for m in (a, b))
    x, y = pt.matrix("x", dtype=dtype), pt.matrix("y", dtype=dtype)
    outputs = [x @ y + y, x @ y[0], y + pt.outer(x[0], y[1]), x.T @ x, y @ x[:, ::-1]]
    got = pytensor.function([x, y], outputs, mode="CVM")(a, b)
    want = [a @ b + b, a @ b[0], b + np.outer(a[0], b[1]), a.T @ a, b @ a[:, ::-1]]
    for one, other in zip(got, want):
        np.testing.assert_allclose(
            one, other, rtol=1e-4 if dtype[-2:] in "3264" else 1e-9, atol=1e-3
        )


@needs_numpys
def test_nothing_is_loaded_by_compiling_and_calling():
    """NEEDS 11: neither a library of SciPy's nor SciPy itself, for products of all kinds."""
    out = run(
        """
import sys, numpy as np, pytensor, pytensor.tensor as pt
from pytensor.tensor.blas._runtime import loaded_libraries
before = set(loaded_libraries())
a, b, v, t = pt.dmatrix(), pt.fmatrix(), pt.zvector(), pt.dtensor3()
f = pytensor.function([a, b, v, t], [a @ a + a, a.T @ a, b @ b[0], pt.outer(v, v) + 1, t @ t + t])
f(np.eye(30), np.eye(30, dtype="f4"), np.ones(3, "c16"), np.ones((2, 3, 3)))
words = "blas", "omp", "mkl", "blis", "atlas", "lapack", "fortran"
new = set(loaded_libraries()) - before
names = [path.rsplit("/", 1)[1].lower() for path in new]
print([n for n in names if any(word in n for word in words)], "scipy" in sys.modules)
"""
    )
    assert out == "[] False"


@needs_numpys
def test_limits_count_for_it_and_for_what_is_loaded_later():
    out = run(
        """
import numpy as np, pytensor, pytensor.tensor as pt
from pytensor.tensor.blas import limit_threads
from pytensor.tensor.blas._threads import pools
x = pt.dmatrix()
def numbers():
    return [pool.get() for pool in pools()]
f = pytensor.function([x], x @ x)
first = numbers()
with limit_threads(1):
    inside = numbers()
    pytensor.function([x], pt.linalg.cholesky(x))(np.eye(3))
    later = numbers()
    pytensor.function([x], pt.linalg.svd(x)[1])(np.eye(3))
    last = numbers()
after = numbers()
import scipy.linalg
with limit_threads(1):
    again = numbers()
assert set(inside + later + last + again) == {1}, (inside, later, last, again)
assert len(first) == len(inside) < len(later) == len(after) and set(first) == set(after), after
print("done")
"""
    )
    assert out == "done"


def test_without_a_library_that_says_what_it_is_scipys_is_used(monkeypatch):
    """NumPy without numpy.libs: built in, built without BLAS, or with a library nobody knows."""
    for path in ("", "/no/such/numpy.so", _ctypes_file()):
        monkeypatch.setattr(_numpys, "numpy_extension", lambda path=path: path)
        monkeypatch.setattr(_ldflags, "_chosen", {})
        _ldflags.numpys_own.cache_clear()
        assert get_provider().how == "SciPy"
        assert "does not say what it is" in _ldflags.numpys_own().reason
    monkeypatch.undo()
    _ldflags.numpys_own.cache_clear()


def _ctypes_file():
    import _ctypes

    return _ctypes.__file__


@needs_compiler
def test_wrong_numbers_and_missing_routines_are_refused():
    good = {name: address for name, address in table_of(mock_library()).items()}
    stubs = {n for n in BLAS_NAMES if n[1:] in {"herk", "symm", "trmm", "trsm"}}
    assert set(_measure.wrong_routines(good, 32)) == stubs
    wide = table_of(mock_library("-DBLAS_INT64"))
    assert set(_measure.wrong_routines(wide, 64)) == stubs
    bad = _measure.wrong_routines(table_of(mock_library("-DWRONG")), 32)
    assert {"sgemm", "dgemm", "cgemm", "zgemm"} <= set(bad)
    here = str(mock_library())
    with pytest.raises(_numpys.Unusable, match="wrong numbers from ssymm"):
        _numpys._tried({n: good[n] for n in BLAS_NAMES}, good["daxpy"], here)
    with pytest.raises(_numpys.Unusable, match="it lacks dgemm"):
        _numpys._tried({**good, "dgemm": 0}, good["daxpy"], here)
    with pytest.raises(_numpys.Unusable, match="dgemm would come from another library"):
        _numpys._tried({**good, "dgemm": wide["dgemm"]}, good["daxpy"], here)


@pytest.mark.parametrize(
    "kind, version, packed, present, loaded, says",
    [
        ("OpenBLAS", "0.3.31.188.0", "0.3.30", None, "", "not older than SciPy's OpenBLAS 0.3.30"),
        ("OpenBLAS", "0.3.30", "0.3.30", None, "", "not older"),
        ("OpenBLAS", "0.3.9", "0.3.30", None, "", "-its version is 0.3.9"),
        ("OpenBLAS", "dev", "0.3.30", None, "", "-its version is dev"),
        ("BLIS", "1.0", "0.3.30", None, "", "-it is BLIS, SciPy's is OpenBLAS"),
        ("OpenBLAS", "0.3.31", "", "OpenBLAS", "0.3.21", "not older than SciPy's OpenBLAS 0.3.21"),
        ("OpenBLAS", "0.3.31", "", "OpenBLAS", "", "-that of SciPy's unknown"),
        ("OpenBLAS", "0.3.31", "", "Accelerate", "", "-it is OpenBLAS, SciPy's is Accelerate"),
        ("OpenBLAS", "0.3.31", "", "MKL", "2024", "-it is OpenBLAS, SciPy's is MKL"),
        ("OpenBLAS", "0.3.31", "", "Netlib", "", "loaded already; SciPy's is Netlib"),
        ("FlexiBLAS", "3", "", "Netlib", "", "-it is FlexiBLAS, SciPy's is Netlib"),
    ],
)
def test_when_it_is_preferred(monkeypatch, kind, version, packed, present, loaded, says):
    monkeypatch.setattr(_ldflags, "packed_openblas", lambda: packed)
    monkeypatch.setattr(_ldflags, "scipy_family", lambda: family_named(present))
    runtime = SimpleNamespace(version=loaded) if loaded else None
    monkeypatch.setattr(_ldflags, "scipy_runtime", lambda: runtime)
    monkeypatch.setattr(_ldflags, "scipy_provider", lambda: SimpleNamespace(library="/scipys"))
    provider = BlasProvider(kind, version, "NumPy", 64, (1,), "", library="/numpys")
    if says.startswith("-"):
        with pytest.raises(_numpys.Unusable, match=says[1:]):
            _ldflags.prefer_numpys(provider)
    else:
        assert says in _ldflags.prefer_numpys(provider)


def test_one_library_behind_both_is_reached_through_scipy(monkeypatch):
    """Debian and conda: nothing is gained by another way to it."""
    monkeypatch.setattr(_ldflags, "packed_openblas", lambda: "")
    provider = _ldflags.scipy_provider()
    same = BlasProvider("OpenBLAS", "9", "NumPy", 32, (1,), "", library=provider.library)
    with pytest.raises(_numpys.Unusable, match="behind SciPy too"):
        _ldflags.prefer_numpys(same)


def test_the_record_of_scipys_wheel_is_true():
    packed = _capsules.packed_openblas()
    if not packed:
        pytest.skip("SciPy carries no OpenBLAS here")
    assert _capsules.scipy_family().name == "OpenBLAS"
    assert _numpys._numbers(_capsules.scipy_runtime().version)[:3] == _numpys._numbers(packed)[:3]


def test_a_broken_record_of_scipy_is_no_error(tmp_path, monkeypatch):
    package = tmp_path / "scipy"
    (package / ".dylibs").mkdir(parents=True)
    spec = SimpleNamespace(submodule_search_locations=[str(package)])
    monkeypatch.setattr(_capsules.importlib.util, "find_spec", lambda name: spec)
    assert _capsules.packed_openblas() == ""
    (package / ".dylibs" / "libscipy_openblas.dylib").touch()
    assert _capsules.packed_openblas() == ""
    (package / "__config__.py").write_text("CONFIG = {}")
    assert _capsules.packed_openblas() == ""
    blas = {"name": "scipy-openblas", "version": "0.3.99"}
    (package / "__config__.py").write_text(f"CONFIG = {{'Build Dependencies': {{'blas': {blas}}}}}")
    assert _capsules.packed_openblas() == "0.3.99"


def test_windows_asks_for_the_library_beside_numpy(tmp_path, monkeypatch):
    extension = tmp_path / "numpy" / "_core" / "_multiarray_umath.pyd"
    library = tmp_path / "numpy.libs" / "libscipy_openblas64_-1234.dll"
    library.parent.mkdir()
    library.touch()
    loaded = set()
    kernel = SimpleNamespace(GetModuleHandleW=lambda name: name.value in loaded)
    monkeypatch.setattr(_numpys.ctypes, "WinDLL", lambda name: kernel, raising=False)
    monkeypatch.setattr(_numpys.ctypes, "CDLL", lambda path: path)
    assert _numpys._windows_handle(str(extension)) is None
    loaded.add(library.name)
    assert _numpys._windows_handle(str(extension)) == str(library)


@needs_numpys
def test_routines_are_tried_once_for_all_processes(monkeypatch, tmp_path):
    cache = Cache(tmp_path / "cache")
    monkeypatch.setattr("pytensor.link.c.cache.get_cache", lambda: cache)
    tried = []

    def wrong_routines(*arguments):
        tried.append(arguments)
        return []

    monkeypatch.setattr(_numpys, "wrong_routines", wrong_routines)
    first = _numpys._look_up(_numpys.numpy_extension())
    again = _numpys._look_up(_numpys.numpy_extension())
    assert len(tried) == 1 and again.int_bits == first.int_bits
    assert again.addresses == first.addresses and again.zero_first is first.zero_first
    # Another choice of kernels within the library is tried again.
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    _numpys._look_up(_numpys.numpy_extension())
    assert len(tried) == 2


@needs_numpys
def test_wrong_numbers_are_not_remembered(monkeypatch, tmp_path):
    cache = Cache(tmp_path / "cache")
    monkeypatch.setattr("pytensor.link.c.cache.get_cache", lambda: cache)
    with monkeypatch.context() as patch:
        patch.setattr(_numpys, "wrong_routines", lambda *_: ["dgemm"])
        for _ in range(2):
            with pytest.raises(_numpys.Unusable, match="wrong numbers from dgemm"):
                _numpys._look_up(_numpys.numpy_extension())
    assert _numpys._look_up(_numpys.numpy_extension()).how == "NumPy"


@pytest.mark.parametrize("data", [b"", b"64", b"16 0", b"64 2", b"64 0\n", b"{}"])
def test_stored_facts_that_are_none(data):
    assert _numpys._from_bytes(data) is None
    assert _numpys._from_bytes(_numpys._as_bytes({"int_bits": 64, "zero_first": False})) == {
        "int_bits": 64,
        "zero_first": False,
    }
