"""Flags as people write them: taken apart, or one clear error when they are set."""

import os
import subprocess
import sys

import pytest

from pytensor.configdefaults import config
from pytensor.link_flags import as_flag_text, join_words, parse_flags


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
        ("-L=/usr/lib -lblas", ("blas",), ("=/usr/lib",), ()),
        (
            "-Wl,--start-group -lmkl_core -Wl,--end-group -ldl",
            ("mkl_core", "dl"),
            (),
            ("-Wl,--start-group", "-Wl,--end-group"),
        ),
        (
            "-Xlinker -rpath -Xlinker /opt/x -lblas",
            ("blas",),
            (),
            ("-Xlinker", "-rpath", "-Xlinker", "/opt/x"),
        ),
        ("-l:libblas.so.3 -L'/tmp'", (":libblas.so.3",), ("/tmp",), ()),
        ("-lopenblas64_", ("openblas64_",), (), ()),
        (
            '-L"/tmp" "-lblas" -Wl,-rpath,"/opt/my lib"',
            ("blas",),
            ("/tmp",),
            ("-Wl,-rpath,/opt/my lib",),
        ),
        (r"\\server\share\mkl_rt.lib", (), (), (r"\\server\share\mkl_rt.lib",)),
        ("-lblas;rm", None, None, None),
        ("-lmkl_rt,-lpthread", None, None, None),
        ("-o /tmp/x -lblas", None, None, None),
        ("-c -lblas", None, None, None),
        ("“-lblas”", None, None, None),
        ("-l=blas", None, None, None),
        ("-lblas && true", None, None, None),
        ("-Wl,", None, None, None),
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


@pytest.mark.parametrize(
    "value, text",
    [
        (None, ""),
        ("", ""),
        ("  ", ""),
        ("-lblas\n", "-lblas"),
        ("auto", "auto"),
        (" Auto ", "auto"),
        ("fastest", "fastest"),
        ("'-L/tmp -lblas'", "-L/tmp -lblas"),
        (["-L/tmp", "-lblas"], "-L/tmp -lblas"),
        (("-L", "/tmp", "-lblas"), "-L /tmp -lblas"),
        (["/opt/my libs/libblis.a"], '"/opt/my libs/libblis.a"'),
    ],
)
def test_values_that_can_be_assigned(value, text):
    with config.change_flags(blas__ldflags=value):
        assert config.blas__ldflags == text
    assert parse_flags(
        join_words(parse_flags(text if text not in {"auto", "fastest"} else "").words)
    )


@pytest.mark.parametrize("value", [3, ["-lblas", 3], {"-lblas"}, b"-lblas", True])
def test_values_of_other_types_are_refused(value):
    with pytest.raises(ValueError, match=r"^\[blas__ldflags\] flags must be"):
        as_flag_text(value)


def test_wrong_flags_are_one_error_at_assignment():
    before = config.blas__ldflags
    with pytest.raises(
        ValueError, match=r"^\[blas__ldflags\] 'openblas' must be a flag or the path"
    ):
        config.blas__ldflags = "openblas"
    assert config.blas__ldflags == before
    with pytest.raises(ValueError, match=r"\(-lopenblas\?\)"):
        with config.change_flags(blas__ldflags="libopenblas"):
            pass
    assert config.blas__ldflags == before


def _child(**env):
    env = {k: v for k, v in os.environ.items() if k != "PYTENSOR_FLAGS"} | env
    code = "from pytensor.configdefaults import config; print(config.blas__ldflags, config.floatX)"
    return subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)


def test_wrong_flags_in_the_environment_are_one_error():
    out = _child(PYTENSOR_FLAGS="blas__ldflags=-lblas -L")
    assert out.returncode == 1
    last = out.stderr.strip().splitlines()[-1]
    assert last == "ValueError: [blas__ldflags] -L must be followed by its value, got '-lblas -L'"


def test_flags_of_the_environment_keep_their_commas():
    out = _child(PYTENSOR_FLAGS="blas__ldflags=-Wl,-rpath,/opt/x -lblas,floatX=float32")
    assert out.stdout.strip() == "-Wl,-rpath,/opt/x -lblas float32", out.stderr
    assert _child(PYTENSOR_FLAGS="blas__ldflags=,floatX=float32").stdout == " float32\n"
    assert _child().stdout == "auto float64\n"


def test_missing_directory_is_a_warning():
    with pytest.warns(UserWarning, match="no directory '/no/such/place'") as caught:
        with config.change_flags(blas__ldflags="-L/no/such/place -lblas"):
            assert config.blas__ldflags == "-L/no/such/place -lblas"
    assert len(caught) == 1
