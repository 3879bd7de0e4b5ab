"""Which BLAS: SciPy's capsules, linked libraries with and without faults, flags as people write them."""

import ctypes
import itertools
import subprocess
import sys
import warnings
import zipfile

import blas_helpers
import numpy as np
import pytest
from blas_layouts import DTYPES, TOLERANCE, misaligned, random

from pytensor.configdefaults import config
from pytensor.tensor.blas import _ldflags
from pytensor.tensor.blas._flags import parse_flags
from pytensor.tensor.blas._ldflags import BLAS_NAMES, LAPACK_NAMES, get_provider, ldflags

_count = itertools.count()
needs_compiler = pytest.mark.skipif(blas_helpers.compiler() is None, reason="no C compiler")


def build_mock(directory, *defines):
    # A loader that knows a library of this name takes that one, so each gets its own.
    name = f"mock{next(_count)}"
    out = directory / f"lib{name}.so"
    command = [blas_helpers.compiler(), "-std=c11", "-w", "-O1", "-shared", "-fPIC", *defines]
    command += [f"-I{blas_helpers.C_CODE}", f"-I{blas_helpers.HERE}"]
    subprocess.run([*command, str(blas_helpers.HERE / "mock_blas.c"), "-o", str(out)], check=True)
    return f"-L{directory} -l{name}"


def check_products(provider, path):
    """The helpers, compiled for a provider, give right numbers and never read old output."""
    flags = [f"-D{key}={value}" for key, value in provider.defines]
    helpers = blas_helpers.Helpers(
        blas_helpers.compile_harness(path, flags), table=provider.pointers()
    )
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
    assert _ldflags.find_capsules(table, ("dgemm", "sgemm")) == {"dgemm": "capsule"}


def test_integer_width_is_read_from_the_signature():
    assert _ldflags.integer_bits("void (char *, int *, double *)") == 32
    assert _ldflags.integer_bits("void (char *, int64_t *, double *)") == 64
    assert _ldflags.integer_bits("void (char *, npy_int64 *, double *)") == 64
    assert _ldflags.integer_bits("void (char *, long long *, double *)") == 64


@needs_compiler
@pytest.mark.parametrize("bits", [32, 64])
def test_integer_width_is_measured(tmp_path, bits):
    build_mock(tmp_path, *(["-DBLAS_INT64"] if bits == 64 else []))
    library = ctypes.CDLL(str(next(tmp_path.glob("libmock*.so"))))
    daxpy = ctypes.cast(library.daxpy_, ctypes.c_void_p).value
    assert _ldflags.measure_integer_bits(daxpy) == bits
    assert _ldflags.integer_bits("void (char *, blas_int *)", daxpy) == bits


@needs_compiler
@pytest.mark.parametrize(
    "defines, bits, zero_first, note",
    [
        ([], 32, False, ""),
        (["-DMULTIPLIES_BY_ZERO"], 32, True, ""),
        (["-DSDOT_RETURNS_DOUBLE"], 32, False, "sdot returns a double"),
        (["-DBLAS_INT64"], 64, False, ""),
        (["-DBLAS_INT64", "-DBLAS_SUFFIX=_64_"], 64, False, ""),
        (["-DBLAS_PREFIX=scipy_"], 32, False, ""),
        (["-DBLAS_SUFFIX="], 32, False, ""),
    ],
    ids=["plain", "beta 0", "sdot", "ilp64", "ilp64 names", "prefix", "no underscore"],
)
def test_linked_library(tmp_path, defines, bits, zero_first, note):
    with config.change_flags(blas__ldflags=build_mock(tmp_path, *defines)):
        provider = get_provider()
        assert get_provider() is provider
        assert str(tmp_path) in _ldflags.explain_provider()
    assert (provider.how, provider.int_bits, provider.zero_first) == ("linked", bits, zero_first)
    assert note in provider.why
    check_products(provider, tmp_path)
    assert get_provider().how == "SciPy"


@needs_compiler
@pytest.mark.parametrize("fault", ["missing", "wrong"])
def test_refused_library_falls_back_with_one_warning(tmp_path, fault):
    flags = build_mock(tmp_path, "-DWRONG") if fault == "wrong" else "-lnosuchlibraryatall"
    reason = "wrong numbers" if fault == "wrong" else "nosuchlibraryatall"
    with config.change_flags(blas__ldflags=flags):
        with pytest.warns(UserWarning, match=reason):
            assert get_provider().how == "SciPy"
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert get_provider().how == "SciPy"
        assert reason in _ldflags.explain_provider()


@pytest.mark.parametrize(
    "text, libs, dirs, other",
    [
        ("", (), (), ()),
        ("   ", (), (), ()),
        ("-lopenblas", ("openblas",), (), ()),
        ("-l openblas", ("openblas",), (), ()),
        ("-lmkl_intel_lp64  -lmkl_core\t-lm", ("mkl_intel_lp64", "mkl_core", "m"), (), ()),
        ('-L"/tmp" -lblas', ("blas",), ("/tmp",), ()),
        ("-L'/tmp' -lblas", ("blas",), ("/tmp",), ()),
        ("'-L/tmp' \"-lblas\"", ("blas",), ("/tmp",), ()),
        ("-framework Accelerate", (), (), ("-framework", "Accelerate")),
        ("-Wl,-framework -Wl,Accelerate", (), (), ("-Wl,-framework", "-Wl,Accelerate")),
        ("-Wl,-rpath,/opt/lib -lblis", ("blis",), (), ("-Wl,-rpath,/opt/lib",)),
        ("/usr/lib/libblas.so.3", (), (), ("/usr/lib/libblas.so.3",)),
        ("'/opt/my libs/libblis.a'", (), (), ("/opt/my libs/libblis.a",)),
        (r"/opt/my\ libs/libblis.a", (), (), ("/opt/my libs/libblis.a",)),
        (r'"C:\Program Files\MKL\mkl_rt.lib"', (), (), (r"C:\Program Files\MKL\mkl_rt.lib",)),
        (r"C:\mkl\mkl_rt.dll", (), (), (r"C:\mkl\mkl_rt.dll",)),
        ("-fopenmp -lopenblas -pthread", ("openblas",), (), ("-fopenmp", "-pthread")),
        ("-l:libopenblas.so.0", (":libopenblas.so.0",), (), ()),
        ("-L/tmp -L /usr -lx", ("x",), ("/tmp", "/usr"), ()),
        ("-F /Library -framework vecLib", (), (), ("-F", "/Library", "-framework", "vecLib")),
        ("-m64 -lblas; rm -rf x.so", None, None, None),
        ("-lblas $(touch /tmp/x)", None, None, None),
        ("openblas", None, None, None),
        ("-L", None, None, None),
        ("-l", None, None, None),
        ("-lblas -L", None, None, None),
        ("-framework", None, None, None),
        ("-l -lblas", None, None, None),
        ('-L"/tmp -lblas', None, None, None),
        ("-lblas '", None, None, None),
        ("-lblas\n-lm", None, None, None),
        ("-", None, None, None),
    ],
)
def test_flags_as_people_write_them(text, libs, dirs, other):
    if libs is None:
        with pytest.raises(ValueError, match=r"\[blas__ldflags\]"):
            parse_flags(text)
        return
    flags = parse_flags(text)
    assert (flags.libs, flags.lib_dirs, flags.other) == (libs, dirs, other)


def test_missing_directory_is_a_warning():
    with pytest.warns(UserWarning, match="no directory '/no/such/place'"):
        assert parse_flags("-L/no/such/place -lblas").libs == ("blas",)


def test_ldflags_gives_the_parts():
    assert ldflags() == []
    with config.change_flags(blas__ldflags="-L/tmp -lopenblas -I/usr -fopenmp"):
        assert ldflags() == ["openblas"]
        assert ldflags(libs=False, libs_dir=True) == ["/tmp"]
        assert ldflags(libs=False, include_dir=True) == ["/usr"]
        assert ldflags(libs=False, flags=True) == ["-fopenmp"]


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
    assert out.stdout.strip() == "13", out.stderr
