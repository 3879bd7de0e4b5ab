"""Settings: sources, checks, temporary changes, threads."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from pytensor.configparser import (
    BoolParam,
    ConfigAccessViolation,
    ConfigParam,
    EnumStr,
    FloatParam,
    IntParam,
    PyTensorConfigParser,
    PyTensorConfigWarning,
    StrParam,
    parse_config_string,
    read_config_files,
)


@pytest.fixture
def config():
    # A class of its own, so that the attributes do not land on the real configuration.
    config = type("Config", (PyTensorConfigParser,), {})({})
    config.add("test__float", "", FloatParam(1.5, lambda v: v > 0))
    config.add("test__int", "", IntParam(3))
    config.add("test__str", "", StrParam("a"))
    config.add("test__bool", "", BoolParam(False))
    config.add("test__enum", "", EnumStr("x", ["y"]))
    config.add("test__lazy", "", ConfigParam(lambda c: c.test__int + 1, mutable=False))
    return config


def test_parse_config_string():
    assert parse_config_string("a=b,c= d=e ,, f=-O3 -x\\,y") == {
        "a": "b", "c": " d=e", "f": "-O3 -x,y"}  # fmt: skip
    with pytest.warns(PyTensorConfigWarning, match="'c' has no value"):
        assert parse_config_string("a=b,c") == {"a": "b"}


def test_values_are_converted_and_checked(config):
    config.test__bool = "True"
    assert config.test__bool is True
    config.test__int = "7"
    assert config.test__int == 7
    for name, bad in [("float", -1), ("float", "x"), ("int", "x"), ("bool", "maybe"), ("bool", []),
                      ("enum", "z"), ("enum", {})]:  # fmt: skip
        with pytest.raises(ValueError, match=f"test__{name}"):
            setattr(config, f"test__{name}", bad)
    assert config.test__enum == "x"


def test_unknown_names(config):
    with pytest.raises(AttributeError, match="did you mean 'test__int'"):
        config.test__itn = 3
    with pytest.raises(AttributeError, match="no setting named"):
        config.nothing  # noqa: B018
    with pytest.raises(KeyError, match="no setting named"):
        config.change_flags(nothing=3)
    assert not hasattr(config, "nothing")


def test_lazy_default_is_fixed_when_read(config):
    config.test__lazy = 10
    config.test__lazy = 11 if config.test__int == 99 else 10
    with pytest.raises(ConfigAccessViolation, match="test__lazy"):
        config.test__lazy = 12
    with pytest.raises(ConfigAccessViolation):
        config.change_flags(test__lazy=12).__enter__()
    assert config.test__lazy == 10


def test_change_flags_nests_and_restores(config):
    change = config.change_flags(test__int=4, test__str="b")
    with change:
        with change, config.change_flags(test__int=5):
            config.test__int = 6
            assert (config.test__int, config.test__str) == (6, "b")
        assert config.test__int == 4
        config.test__bool = True
    assert (config.test__int, config.test__str, config.test__bool) == (3, "a", True)

    with pytest.raises(ValueError, match="test__int"):
        config.change_flags(test__str="c", test__int="x").__enter__()
    assert config.test__str == "a"
    assert config._n_overlays == 0

    with pytest.raises(RuntimeError), change:
        raise RuntimeError
    assert config.test__int == 3


def test_change_flags_decorates(config):
    @config.change_flags(test__int=4)
    def depth(n):
        """Doc."""
        return config.test__int + (depth(n - 1) if n else 0)

    assert depth(2) == 12
    assert depth.__name__ == "depth" and depth.__doc__ == "Doc."
    assert config.test__int == 3


def test_change_flags_is_seen_by_its_thread_only(config):
    seen, barrier = {}, threading.Barrier(4)

    def work(i):
        with config.change_flags(test__int=i):
            barrier.wait()
            seen[i] = config.test__int
            barrier.wait()

    threads = [threading.Thread(target=work, args=(i,)) for i in range(10, 13)]
    for thread in threads:
        thread.start()
    barrier.wait()
    main = config.test__int
    barrier.wait()
    for thread in threads:
        thread.join()
    assert seen == {10: 10, 11: 11, 12: 12}
    assert main == 3 and config._n_overlays == 0


def test_settings_file(tmp_path):
    path = tmp_path / "rc"
    path.write_text("[global]\nfloatX = float32\n[blas]\nldflags = -lx %d\n")
    assert read_config_files([str(path), str(tmp_path / "none")]) == {
        "floatX": "float32", "blas__ldflags": "-lx %d"}  # fmt: skip
    path.write_text("no section\n")
    with pytest.warns(PyTensorConfigWarning, match="ignored"):
        assert read_config_files([str(path)]) == {}


def run(code, **env):
    base = {k: v for k, v in os.environ.items() if not k.startswith("PYTENSOR")}
    code = "from pytensor.configdefaults import config\n" + code
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**base, **env},
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_flags_of_the_process(tmp_path):
    rc = tmp_path / "rc"
    rc.write_text("[global]\nfloatX = float32\nopenmp = True\n")
    out = run("print(config.floatX, config.openmp, repr(config.cxx))", PYTENSORRC=str(rc),
              PYTENSOR_FLAGS="floatX=float16,cxx=,blas__ldflag=x")  # fmt: skip
    assert out.stdout == "float16 True ''\n"
    assert "does not recognise this flag: blas__ldflag (did you mean blas__ldflags?)" in out.stderr

    out = run("", PYTENSOR_FLAGS="floatX=float8")
    assert out.returncode != 0 and "Invalid value ('float8')" in out.stderr


def test_no_home_no_directory_made(tmp_path):
    code = """
import os
try:
    import pwd
    pwd.getpwuid = None
except ImportError: pass
os.path.expanduser = lambda path: path
assert "~" not in str(config.compiledir), config.compiledir
assert not config.compiledir.exists()
"""
    out = run(code, TMPDIR=str(tmp_path))
    assert out.returncode == 0, out.stderr
    assert list(tmp_path.iterdir()) == []


def test_no_home_and_no_temporary_directory():
    code = """
import os, tempfile
def refuse(): raise FileNotFoundError
tempfile.gettempdir = refuse
os.path.expanduser = lambda path: path
config.compiledir
"""
    out = run(code, PYTENSOR_FLAGS="base_compiledir=~/nowhere")
    assert out.returncode == 0, out.stderr
    out = run(code)
    assert out.returncode == 0, out.stderr


def test_real_table_is_complete():
    from pytensor.configdefaults import config

    names = (
        "floatX cxx gcc__cxxflags optdb__max_use_ratio blas__ldflags blas__threads mode linker on_opt_error "
        "cast_policy warn_float64 on_unused_input traceback__limit exception_verbosity compiledir profile "
        "NanGuardMode__nan_is_error DebugMode__check_preallocated_output scan__allow_gc"
    ).split()
    for name in names:
        getattr(config, name)
    assert isinstance(config.compiledir, Path)
    assert "Precision of Python floats" in str(config)
    assert len(config.get_config_hash()) == 64
    with config.change_flags(optdb__max_use_ratio="3"):
        assert config.optdb__max_use_ratio == 3.0
    with pytest.raises(ValueError, match="NUMBA"):
        config.mode = "blah"
