"""Driver and kernels that are compiled when the package is installed."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pytensor.link.c import driver, shipped, source, units
from pytensor.link.c.dispatch import load_dispatch
from pytensor.link.c.dispatch.basic import CKernel
from pytensor.link.c.toolchain import find_compiler

needs_compiler = pytest.mark.skipif(find_compiler() is None, reason="no C compiler")

load_dispatch()


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    place = tmp_path_factory.mktemp("package")
    (place / "_built").mkdir()
    # Half a minute of compiling, if it is not there.
    for path in (Path(shipped.__file__).parent / "_built").glob("vm-*"):
        shutil.copy(path, place / "_built" / path.name)
    paths = shipped.build(place)
    return place, paths


@pytest.fixture
def installed(built, monkeypatch):
    """A package whose objects are those of `built`."""
    monkeypatch.setattr(driver, "__file__", str(built[0] / "driver.py"))
    shipped._installed.cache_clear()
    yield built
    shipped._installed.cache_clear()


@needs_compiler
def test_the_objects_of_this_package_fit():
    """It fails where other tests would only be slower, or skipped."""
    states = shipped.state()
    command = f"{sys.executable} -m pytensor.link.c.shipped"
    assert set(states.values()) == {"ready"}, f"{states}: run\n  {command}"


def test_state_tells_missing_from_old(built, tmp_path, monkeypatch):
    monkeypatch.setattr(driver, "__file__", str(tmp_path / "driver.py"))
    monkeypatch.setattr(shipped, "BUILT", tmp_path / "_built")
    shipped._installed.cache_clear()
    assert shipped.state()["driver"] == shipped.state()["kernels"] == "missing"
    (tmp_path / "_built").mkdir()
    tag = f"driver-{sys.implementation.cache_tag}"
    (tmp_path / "_built" / f"{tag}-0123.so").write_bytes(b"old")
    fitting = next(
        path for path in built[1] if path.name.startswith("kernels") and path.suffix == ".so"
    )
    (tmp_path / "_built" / fitting.name).write_bytes(b"")
    assert shipped.state()["driver"] == shipped.state()["kernels"] == "out of date"
    (tmp_path / "_built" / f"{tag}-{driver.driver_key()[:32]}.so").write_bytes(b"broken")
    assert shipped.state()["driver"] == "does not load"
    shipped._installed.cache_clear()


def test_an_object_replaces_older_ones_of_its_kind(tmp_path):
    for name in ("kernels-0123.so", "driver-cpython-0123.so"):
        (tmp_path / name).write_bytes(b"old")
    fresh = shipped._replace(tmp_path, "kernels", "4567", b"new")
    assert fresh.read_bytes() == b"new"
    assert {path.name for path in tmp_path.iterdir()} == {
        "kernels-4567.so",
        "driver-cpython-0123.so",
    }


@needs_compiler
def test_the_driver_is_used_if_it_fits(installed, monkeypatch):
    assert driver._shipped_driver().Program is not None
    monkeypatch.setattr(driver, "driver_key", lambda: "0" * 64)
    assert driver._shipped_driver() is None


@needs_compiler
def test_kernels_are_used_if_they_fit(installed, monkeypatch):
    assert shipped.load_ready() is not None
    shipped._installed.cache_clear()
    monkeypatch.setattr(shipped, "cpu_features", lambda: "another processor")
    assert shipped.load_ready() is None


@needs_compiler
def test_objects_that_do_not_load_count_as_missing(built, tmp_path, monkeypatch):
    (tmp_path / "_built").mkdir()
    for path in built[1]:
        (tmp_path / "_built" / path.name).write_bytes(b"not an object")
    monkeypatch.setattr(driver, "__file__", str(tmp_path / "driver.py"))
    shipped._installed.cache_clear()
    assert driver._shipped_driver() is None
    assert shipped.load_ready() is None
    shipped._installed.cache_clear()


@needs_compiler
def test_a_single_product_starts_no_compiler(built, tmp_path):
    program = f"""
import sys
from pathlib import Path
import numpy as np
from pytensor.link.c import driver, toolchain
driver.__file__ = {str(built[0] / "driver.py")!r}
def run(command, **kwargs):
    raise AssertionError(command)
toolchain.run = run
import pytensor, pytensor.tensor as pt
A, B, C = pt.dmatrices("A", "B", "C")
x, y = pt.dvectors("x", "y")
a, b, c, v, w = (np.random.default_rng(i).normal(size=s) for i, s in enumerate([(3, 3)] * 3 + [3, 3]))
for inputs, output, values, expected in (
    ([A, B], A @ B, (a, b), a @ b),
    ([A, B, C], C - 0.5 * (A @ B), (a, b, c), c - 0.5 * (a @ b)),
    ([A, x, y], 2.0 * (A @ x) + y, (a, v, w), 2.0 * (a @ v) + w),
    ([A, x, y], A + 0.5 * pt.outer(x, y), (a, v, w), a + 0.5 * np.outer(v, w)),
):
    f = pytensor.function(inputs, output)
    np.testing.assert_allclose(f(*values), expected, rtol=1e-12)
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        env={"PATH": "/usr/bin:/bin", "PYTENSOR_FLAGS": f"base_compiledir={tmp_path},mode=C"}
        | {"PYTHONPATH": ":".join(sys.path), "HOME": str(tmp_path)},
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    # Copies of NumPy's BLAS are kept there, too.
    assert [path for path in tmp_path.rglob("*.so") if not path.name.startswith("blas-")] == []


def declared():
    return units.ready_functions()[0]


def numbers_of_declared():
    return {function.digest(): i for i, function in enumerate(units.ready_functions())}


def test_digests_tell_functions_apart(monkeypatch):
    functions = units.ready_functions()
    digests = numbers_of_declared()
    assert len(digests) == len(functions) > 50
    known = declared()
    kernel = known.kernel
    for other in (
        CKernel(kernel.body + " ", kernel.sources, data=kernel.data, flags=kernel.flags),
        CKernel(kernel.body, (), data=kernel.data, flags=kernel.flags),
        CKernel(kernel.body, kernel.sources, data=kernel.data, flags=("blas", "new")),
    ):
        assert units.Function(other, known.n_in, known.n_out).digest() not in digests
    # A file that was edited after the kernels were built makes theirs other functions.
    real = source.read_source
    changed = lambda package, name: real(package, name) + "\n" * (name == "pytensor.h")  # noqa: E731
    monkeypatch.setattr(source, "read_source", changed)
    units._digest_of.cache_clear()
    assert known.digest() not in digests
    units._digest_of.cache_clear()


@needs_compiler
def test_the_index_names_the_installed_kernels(installed):
    assert shipped.ready_numbers() == numbers_of_declared()
    assert len(shipped.ready_numbers()) == len(units.ready_functions())


def test_declared_kernels_have_numbers_of_their_own():
    own = units.Function(CKernel("return PT_OK;"), 1, 1)
    known = declared()
    other = units.Function(CKernel(known.kernel.body, flags=("blas",)), known.n_in, known.n_out)
    parts, numbers, *_ = units.split_units([known, own, other], ready=numbers_of_declared())
    # `other` has the same body, but comes from other sources.
    assert [part.ready for part in parts] == [False, False, True]
    assert numbers == [2, 0, 1]
    parts, numbers, *_ = units.split_units([known, own], ready={})
    assert [part.ready for part in parts] == [False, False]
    assert numbers == [1, 0]


def test_the_same_kernel_is_declared_once():
    before = len(units.ready_functions())
    known = declared()
    units.declare_ready(known.kernel, known.n_in, known.n_out)
    assert len(units.ready_functions()) == before
    text = units.ready_unit().text
    assert f"const int32_t pt_kernel_count = {before};" in text
    assert units.ready_unit().is_library


def test_key_tells_processors_apart():
    assert shipped._kernels_key("a") != shipped._kernels_key("b")


def test_equal_parts_mean_equal_text():
    """The key of the installed kernels is made from the files, not from the much longer text."""
    files = units.ready_unit().key_parts()
    wanted = {s for function in units.ready_functions() for s in function.kernel.sources}
    assert {source.read_source(s.package, s.name) for s in wanted} < set(files)
    text = units.ready_unit().text
    assert all(line in text for line in files[0].splitlines(keepends=True))
    assert sum(map(len, files)) < len(text) / 3


def test_key_sees_included_files(monkeypatch):
    known = shipped._kernels_key("")
    real = source.read_source
    changed = lambda package, name: real(package, name) + "\n" * (name == "pytensor.h")  # noqa: E731
    monkeypatch.setattr(source, "read_source", changed)
    assert shipped._kernels_key("") != known
