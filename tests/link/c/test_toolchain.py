"""The compiler: found without running it, run without a shell, stopped in time."""

import fcntl
import os
import stat
import subprocess
import sys

import pytest

from pytensor.configdefaults import config
from pytensor.link.c.driver import driver_source
from pytensor.link.c.source import C_CODE, Source, build_unit
from pytensor.link.c.toolchain import CompileError, Compiler, _compiler_for, find_compiler, run

COMPILERS = [c for c in map(_compiler_for, ("gcc", "clang")) if c is not None]
needs_compiler = pytest.mark.skipif(find_compiler() is None, reason="no C compiler")
HEADERS = ["pytensor.h", "copy.h", "index.h", "reshape.h", "range.h", "softmax.c"]


def _script(path, text):
    path.write_text(f"#!{sys.executable}\n{text}")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return Compiler((str(path),), "gcc", "test")


def test_finding_starts_no_process(monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("a process was started")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    _compiler_for.cache_clear()
    find_compiler()


def test_missing_compiler_is_none():
    assert _compiler_for("no-such-compiler-anywhere") is None


@needs_compiler
def test_equal_sources_give_equal_bytes(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    text = "int answer(void) { return 42; }\n"
    compiler = find_compiler()
    assert compiler.compile(text, tmp_path / "a") == compiler.compile(text, tmp_path / "b")


@pytest.mark.parametrize("compiler", COMPILERS, ids=lambda c: c.kind)
def test_loops_call_vector_functions(compiler, tmp_path):
    if os.uname().machine != "x86_64" or not os.confstr("CS_GNU_LIBC_VERSION"):
        pytest.skip("libmvec is part of glibc for x86-64")
    text = build_unit(
        [Source(C_CODE, "libm.h")],
        "void f(const double *x, double *restrict z)\n"
        "{\n    for (int i = 0; i < 1024; i++)\n        z[i] = sin(x[i]);\n}\n",
    )
    data = compiler.compile(text, tmp_path, link=("-lmvec", *compiler.link_flags()))
    assert b"_ZGV" in data


@needs_compiler
def test_error_shows_what_the_compiler_said(tmp_path):
    with pytest.raises(CompileError, match="undeclared"):
        find_compiler().compile("int f(void) { return undeclared_name; }\n", tmp_path)


def test_hanging_compiler_is_stopped_with_its_children(tmp_path):
    # The child holds a lock as long as it lives; a pipe tells that it has it.
    child = (
        "import fcntl, pathlib, time; f = open('lock', 'w'); fcntl.flock(f, fcntl.LOCK_EX); "
        "pathlib.Path('locked').touch(); time.sleep(600)"
    )
    text = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {child!r}])\n"
    compiler = _script(tmp_path / "hang", text)
    with pytest.raises(CompileError, match="longer than 2 s"):
        run(compiler.command, cwd=tmp_path, timeout=2)
    assert (tmp_path / "locked").exists(), "the child never started"
    with open(tmp_path / "lock") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # waits ten minutes for a child that was left alone


def test_compiler_that_writes_nothing(tmp_path):
    compiler = _script(tmp_path / "lazy", "")
    with pytest.raises(CompileError, match="wrote no object"):
        compiler.compile("", tmp_path, flags=())


def test_nothing_reaches_a_shell(tmp_path):
    text = "import sys\nopen('args', 'w').write(repr(sys.argv[1:]))\nopen('unit.so', 'w').close()\n"
    compiler = _script(tmp_path / "show", text)
    flags = ("-Dx=$(touch pwned)", "; touch pwned", "`touch pwned`")
    with pytest.raises(CompileError, match="an empty object"):
        compiler.compile("", tmp_path, flags=flags)
    assert list(flags) == eval((tmp_path / "args").read_text())[:3]
    assert not (tmp_path / "pwned").exists()


def test_odd_path(tmp_path):
    if find_compiler() is None:
        pytest.skip("no C compiler")
    place = tmp_path / "a b'c\"d é"
    place.mkdir()
    assert find_compiler().compile("int x;\n", place)


@pytest.mark.parametrize("compiler", COMPILERS, ids=lambda c: c.kind)
@pytest.mark.parametrize("name", HEADERS)
def test_headers_compile_alone_without_warnings(compiler, name, tmp_path):
    (tmp_path / "h.c").write_text(build_unit([Source(C_CODE, name)], "\n"))
    flags = ["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-Wno-unused-function", "-fsyntax-only"]
    status, said = run([*compiler.command, *flags, "h.c"], cwd=tmp_path, timeout=60)
    assert status == 0, said


@pytest.mark.parametrize("compiler", COMPILERS, ids=lambda c: c.kind)
def test_driver_compiles_without_warnings(compiler, tmp_path):
    import sysconfig

    import numpy as np

    (tmp_path / "d.c").write_text(driver_source())
    flags = ["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-Wno-unused-function"]
    flags += ["-isystem", sysconfig.get_path("include"), "-isystem", np.get_include()]
    status, said = run([*compiler.command, *flags, "d.c"], cwd=tmp_path, timeout=60)
    assert status == 0, said


def test_flags_of_the_user_are_split_like_a_shell_would():
    if find_compiler() is None:
        pytest.skip("no C compiler")
    with config.change_flags(gcc__cxxflags="-DA='x y' -O1"):
        assert find_compiler().flags()[-2:] == ("-DA=x y", "-O1")


def test_fast_math_is_never_used():
    assert not any("fast-math" in flag for c in COMPILERS for flag in c.flags())


def test_environment_is_part_of_the_key(monkeypatch):
    from pytensor.link.c.toolchain import environment_key

    before = environment_key()
    monkeypatch.setenv("CPATH", os.sep + "somewhere")
    assert environment_key() != before
