"""Which BLAS: SciPy's capsules, linked libraries with and without faults, what is found out once."""

import ctypes
import functools
import subprocess
import sys
import warnings
import zipfile

import blas_helpers
import numpy as np
import pytest
from blas_layouts import DTYPES, TOLERANCE, misaligned, random
from blas_mocks import mock_flags, mock_library

import pytensor
import pytensor.tensor as pt
from pytensor.configdefaults import config
from pytensor.tensor.blas import _capsules, _ldflags, _measure
from pytensor.tensor.blas._families import UPPER
from pytensor.tensor.blas._ldflags import (
    BLAS_NAMES,
    LAPACK_NAMES,
    explain_provider,
    get_provider,
    ldflags,
)

needs_compiler = pytest.mark.skipif(blas_helpers.compiler() is None, reason="no C compiler")
UPPER_NAMES = tuple(f"-D{name}={name.upper()}" for name in (*BLAS_NAMES, "daxpy", "sdot"))


@pytest.fixture(scope="module")
def compiled_helpers(tmp_path_factory):
    """The C helpers for a set of macros, compiled once for each."""

    @functools.cache
    def build(defines):
        flags = [f"-D{key}={value}" for key, value in defines]
        return blas_helpers.compile_harness(tmp_path_factory.mktemp("harness"), flags)

    return build


def check_products(provider, compiled_helpers):
    """The helpers, compiled for a provider, give right numbers and never read old output."""
    defines = tuple(d for d in provider.defines if "SDOT" not in d[0])
    helpers = blas_helpers.Helpers(compiled_helpers(defines), table=provider.pointers())
    rng = np.random.default_rng(0)
    for letter, dtype in DTYPES.items():
        x, y, v = (random(rng, s, dtype) for s in ((9, 12), (12, 10), 12))
        z, out = np.full((9, 10), np.nan, dtype), np.full(9, np.nan, dtype)
        tolerance = TOLERANCE[letter] * 10
        for a, b, c in (
            (x, y, z),
            (x, y, np.asfortranarray(z)),
            (x[:, ::-1], y, z[:, ::-1]),
            (misaligned(x), y, z),
            (x, misaligned(y), z),
            (x, y, misaligned(z)),
        ):
            c[...] = np.nan
            assert helpers.gemm(1.0, a, b, 0.0, c) >= 0
            np.testing.assert_allclose(c, a @ b, rtol=tolerance, atol=tolerance)
        for matrix, vector, target in (
            (x, v, out),
            (x, v, np.full(18, np.nan, dtype)[::-2]),
            (misaligned(x), v, out),
            (x, misaligned(v), out),
            (x, v, misaligned(out)),
        ):
            target[...] = np.nan
            assert helpers.gemv(1.0, matrix, vector, 0.0, target) >= 0
            np.testing.assert_allclose(target, x @ v, rtol=tolerance, atol=tolerance)
        batch = np.full((2, 9, 10), np.nan, dtype)
        assert helpers.batched(1.0, np.stack([x, x]), np.stack([y, -y]), 0.0, batch) >= 0
        np.testing.assert_allclose(batch[1], -(x @ y), rtol=tolerance, atol=tolerance)


def test_scipy_gives_every_routine(helpers):
    provider = _ldflags.scipy_provider()
    assert provider.how == "SciPy"
    assert provider.int_bits == 32
    assert not provider.zero_first
    assert all(provider.pointers())
    assert len(set(provider.pointers())) == len(BLAS_NAMES)
    assert provider.pointers(("dgemm", "sgemm")) == provider.pointers()[1::-1]
    assert all(_ldflags.lapack_pointers())
    assert len(_ldflags.lapack_pointers()) == len(LAPACK_NAMES)


@pytest.mark.parametrize(
    "spelling", ["dgemm", "dgemm_", "DGEMM", "__pyx_fuse_1dgemm_", "x.dgemm64_", "blas_dgemm"]
)
def test_capsules_are_found_however_they_are_spelled(spelling):
    table = {"zdotu": 1, "dgemm3m": 2, "sdgemm": 3, spelling: "capsule"}
    assert _capsules.find_capsules(table, ("dgemm", "sgemm")) == {"dgemm": "capsule"}


def test_integer_width_is_read_from_the_signature():
    assert _capsules.integer_bits("void (char *, int *, double *)") == 32
    assert _capsules.integer_bits("void (char *, int64_t *, double *)") == 64
    assert _capsules.integer_bits("void (char *, npy_int64 *, double *)") == 64
    assert _capsules.integer_bits("void (char *, long long *, double *)") == 64


@needs_compiler
@pytest.mark.parametrize("bits", [32, 64])
def test_integer_width_is_measured(bits):
    library = ctypes.CDLL(str(mock_library(*(["-DBLAS_INT64"] if bits == 64 else []))))
    daxpy = ctypes.cast(library.daxpy_, ctypes.c_void_p).value
    assert _measure.measure_integer_bits(daxpy) == bits
    assert _capsules.integer_bits("void (char *, blas_int *)", daxpy) == bits


@needs_compiler
@pytest.mark.parametrize(
    "defines, bits, zero_first, mangling, note",
    [
        ([], 32, False, ("", "_"), ""),
        (["-DMULTIPLIES_BY_ZERO"], 32, True, ("", "_"), ""),
        (["-DSDOT_RETURNS_DOUBLE"], 32, False, ("", "_"), "sdot returns a double"),
        (["-DBLAS_INT64"], 64, False, ("", "_"), ""),
        (["-DBLAS_INT64", "-DBLAS_SUFFIX=_64_"], 64, False, ("", "_64_"), ""),
        (["-DBLAS_PREFIX=scipy_"], 32, False, ("scipy_", "_"), ""),
        (["-DBLAS_INT64", "-DBLAS_PREFIX=scipy_", "-DBLAS_SUFFIX=_64_"], 64, False,
         ("scipy_", "_64_"), ""),
        (["-DBLAS_SUFFIX="], 32, False, ("", ""), ""),
        (["-DBLAS_SUFFIX=", *UPPER_NAMES], 32, False, (UPPER, ""), ""),
    ],
    ids=["plain", "beta 0", "sdot", "ilp64", "ilp64 names", "prefix", "prefix and ilp64",
         "no underscore", "upper case"],
)  # fmt: skip
def test_linked_library(compiled_helpers, defines, bits, zero_first, mangling, note):
    flags = mock_flags(*defines)
    with config.change_flags(blas__ldflags=flags):
        provider = get_provider()
        assert get_provider() is provider
        report = explain_provider(measure=False)
    assert str(provider.library) == str(mock_library(*defines))
    assert provider.mangling == mangling and f"{bits} bits" in report
    assert (provider.how, provider.int_bits, provider.zero_first) == ("linked", bits, zero_first)
    assert note in provider.why
    check_products(provider, compiled_helpers)
    with config.change_flags(blas__ldflags=""):
        assert get_provider().how == "SciPy"


@needs_compiler
@pytest.mark.parametrize("defines", [(), ("-DSDOT_RETURNS_DOUBLE",), ("-DMULTIPLIES_BY_ZERO",)])
def test_float32_dot_is_right_in_a_compiled_function(defines):
    """Accelerate's fault, and old output that survives: generated code is right all the same."""
    x, y = pt.fvector("x"), pt.fvector("y")
    a, b = np.arange(1, 40, dtype="f4"), np.linspace(-1, 2, 39, dtype="f4")
    with config.change_flags(blas__ldflags=mock_flags(*defines)):
        f = pytensor.function([x, y], x @ y, mode="CVM")
        provider = get_provider()
    for _ in range(3):
        np.testing.assert_allclose(f(a, b), a @ b, rtol=1e-5)
    assert provider.sdot_returns_double == ("-DSDOT_RETURNS_DOUBLE" in defines)
    # The only call of a routine that returns a number: its type is the header's decision.
    result, n, one = np.zeros(1, "f4"), np.array([39], "i4"), np.ones(1, "i4")
    sdot = provider.keep_alive.pytensor_blas_sdot
    sdot(*(ctypes.c_void_p(v.ctypes.data) for v in (n, a, one, b, one, result)))
    np.testing.assert_allclose(result[0], a @ b, rtol=1e-5)


@needs_compiler
@pytest.mark.parametrize(
    "fault, reason",
    [
        ("-DWRONG", "wrong numbers"),
        ("-DCRASHES", "the probe ended with -6"),
        ("-lnosuchlibraryatall", "cannot find -lnosuchlibraryatall"),
        ("-lm", "undefined reference"),
        ("/no/such/libblas.so", "/no/such/libblas.so"),
    ],
)
def test_refused_library_falls_back_with_one_warning(fault, reason):
    flags = mock_flags(fault) if fault.startswith("-D") else fault
    with config.change_flags(blas__ldflags=flags):
        with pytest.warns(UserWarning, match=reason) as caught:
            assert get_provider().how == "SciPy"
        assert len(caught) == 1
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert get_provider().how == "SciPy"
        assert reason.split()[0] in explain_provider(measure=False)


@needs_compiler
def test_no_compiler_is_a_reason(monkeypatch):
    with config.change_flags(cxx="", blas__ldflags="-lblas -lnever"):
        with pytest.warns(UserWarning, match="there is no C compiler"):
            assert get_provider().how == "SciPy"


def test_ldflags_gives_the_parts():
    assert ldflags() == []
    with config.change_flags(blas__ldflags="-L/tmp -lopenblas -I/usr -fopenmp"):
        assert ldflags() == ["openblas"]
        assert ldflags(libs=False, libs_dir=True) == ["/tmp"]
        assert ldflags(libs=False, include_dir=True) == ["/usr"]
        assert ldflags(libs=False, flags=True) == ["-fopenmp"]


@needs_compiler
def test_a_global_library_of_the_same_names_does_not_stand_in():
    code = f"""
import ctypes, numpy as np, pytensor, pytensor.tensor as pt
wrong = ctypes.CDLL({str(mock_library("-DWRONG"))!r}, ctypes.RTLD_GLOBAL)
pytensor.config.blas__ldflags = {mock_flags()!r}
x = pt.dmatrix()
f = pytensor.function([x], x @ x)
a = np.ones((20, 20))
print(pytensor.tensor.blas.get_provider().how, np.all(f(a) == 20))
"""
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert out.stdout.split() == ["linked", "True"], out.stderr


@needs_compiler
def test_names_of_older_versions():
    from pytensor.link.c.cmodule import check_mkl_openmp, default_blas_ldflags, try_blas_flag
    from pytensor.tensor.blas import mkl_threads_text, openblas_threads_text

    flags = mock_flags()
    assert try_blas_flag(flags.split()) == flags
    assert try_blas_flag(["-lnosuchlibrary"]) == "" == try_blas_flag(["openblas"])
    assert default_blas_ldflags() == ""
    check_mkl_openmp()
    assert "void MKL_Set_Num_Threads(int);" in mkl_threads_text()
    assert "int openblas_get_num_threads(void);" in openblas_threads_text()


@needs_compiler
def test_two_openmp_libraries_are_told(monkeypatch):
    monkeypatch.setattr(_ldflags, "openmp_runtimes", lambda: ("libgomp.so.1", "libiomp5.so"))
    flags = mock_flags()
    monkeypatch.setattr(_ldflags, "_chosen", {})
    with config.change_flags(blas__ldflags=flags):
        with pytest.warns(UserWarning, match=r"2 OpenMP libraries .* libgomp\.so\.1, libiomp5"):
            assert get_provider().how == "linked"
    monkeypatch.setattr(_ldflags, "_chosen", {})
    with config.change_flags(blas__ldflags=flags, blas__check_openmp=False):
        assert get_provider().how == "linked"


def test_a_graph_without_products_looks_for_no_blas(monkeypatch):
    def refuse(*args):
        raise AssertionError("BLAS was looked for")

    monkeypatch.setattr(_ldflags, "get_provider", refuse)
    monkeypatch.setattr(pytensor.tensor.blas, "get_provider", refuse)
    monkeypatch.setattr(_ldflags, "verdicts_of", refuse)
    x, m = pt.dvector("x"), pt.dmatrix("m")
    f = pytensor.function([x, m], [pt.exp(x).sum() * 3 + x[::-1], m.T + x, pt.sort(x)], mode="CVM")
    f(np.ones(3), np.ones((3, 3)))
    with pytest.raises(AssertionError, match="BLAS was looked for"):
        pytensor.function([m], m @ m.T @ pt.exp(m), mode="CVM")(np.ones((3, 3)))


def test_no_library_is_loaded_by_compiling_and_calling():
    """By default neither a second BLAS nor another OpenMP runtime enters the process."""
    code = """
import numpy as np, scipy.linalg, pytensor, pytensor.tensor as pt
from pytensor.tensor.blas._runtime import loaded_libraries
a, b, v = pt.dmatrix(), pt.fmatrix(), pt.zvector()
before = set(loaded_libraries())
f = pytensor.function([a, b, v], [a @ a + a, b @ b[0], pt.outer(v, v) + 1, pt.linalg.inv(a)])
f(np.eye(30), np.eye(30, dtype="f4"), np.ones(3, "c16"))
words = "blas", "omp", "mkl", "blis", "atlas", "lapack", "iomp"
new = set(loaded_libraries()) - before
print([p for p in new if any(word in p.rsplit("/", 1)[1].lower() for word in words)])
"""
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert out.stdout.strip() == "[]", out.stdout + out.stderr


def test_importing_loads_neither_scipy_nor_a_process():
    code = (
        "import sys, subprocess; subprocess.Popen = None; import pytensor.tensor.blas;"
        "print([m for m in sys.modules if m.startswith('scipy')])"
    )
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=blas_helpers.ROOT
    )
    assert out.stdout.strip() == "[]", out.stderr


def test_no_routine_that_returns_a_number_is_in_the_table():
    text = (blas_helpers.C_CODE / "fortran_blas.h").read_text()
    assert "typedef float" not in text
    assert "typedef double" not in text
    assert not any(name[1:].startswith(("dot", "nrm2", "asum")) for name in BLAS_NAMES)


def test_c_files_load_from_a_zip(tmp_path):
    archive = tmp_path / "package.zip"
    with zipfile.ZipFile(archive, "w") as target:
        for path in (blas_helpers.ROOT / "pytensor").rglob("*"):
            if path.suffix in (".py", ".c", ".h"):
                target.write(path, path.relative_to(blas_helpers.ROOT))
    code = (
        f"import sys; sys.path.insert(0, {str(archive)!r})\n"
        "from pytensor.tensor.blas import blas_header_text\n"
        "from pytensor.link.c.dispatch.blas import BLAS_CODE, _FILES\n"
        "from pytensor.link.c.source import read_source\n"
        "assert 'gemm_fn' in blas_header_text()\n"
        "print(sum(len(read_source(BLAS_CODE, name)) > 99 for n in _FILES for name in _FILES[n]))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path)
    assert int(out.stdout.strip() or 0) >= 13, out.stderr
