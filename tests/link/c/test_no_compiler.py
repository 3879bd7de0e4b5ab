"""Machines without a C compiler, and compilers that fail: C all the same, from the package."""

import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest

import pytensor
import pytensor.tensor as pt
from pytensor.configdefaults import config
from pytensor.graph.fg import FunctionGraph
from pytensor.link.c import shipped, vm
from pytensor.link.c.linker import CLinker, CProgram
from pytensor.link.c.lower import KERNEL, lower
from pytensor.link.c.toolchain import LIBRARY_LEVEL, CompileError, find_compiler
from pytensor.link.c.units import LOOPS_PER_UNIT, UnitSource, unit_arguments
from pytensor.link.schedule import schedule

pytestmark = pytest.mark.skipif(
    shipped.load_ready() is None or vm.load() is None,
    reason="the kernels of the package are not built",
)


def python_steps(program: CProgram) -> list[str]:
    kinds = np.frombuffer(program.tables["steps"], np.int32)[::6]
    pairs = zip(kinds, program.step_nodes, strict=True)
    return [type(node.op).__name__ for kind, node in pairs if kind != KERNEL and node]


def run(code: str, tmp_path, **flags):
    """Run a script where PATH leads nowhere."""
    flags.setdefault("compiledir", str(tmp_path / "run"))
    env = {k: v for k, v in os.environ.items() if k not in {"CC", "CXX"}}
    env["PYTENSOR_FLAGS"] = ",".join(f"{k}={v}" for k, v in flags.items())
    env |= {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        env=env,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done


def test_the_battery_is_all_c(tmp_path):
    """In the default mode, without a single Python step, and one line says what is going on."""
    code = """
    from benchmarks.frontends import with_pytensor as fe
    from benchmarks.workloads import ROWS
    import numpy as np
    for row in ROWS:
        # Sizes that only take longer.
        if row.name.endswith(("5000 nodes", "512", "100000 x 20")) or row.name == "ger 1024":
            continue
        inputs, state = row.data()
        f = fe.compile_row(getattr(fe, row.family), row, inputs, state)
        kinds = np.frombuffer(f.vm.tables["steps"], np.int32)[::6]
        assert set(kinds.tolist()) <= {0, 3}, (row.name, kinds)
        for expected in row.expected():
            error = row.error(f(*inputs), expected)
            assert error <= row.rtol, (row.name, error)
    """
    done = run(code, tmp_path)
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    assert "interprets loops" in lines[0] and "no C compiler was found" in lines[0]
    assert "pip install pytensor[cc]" in lines[0]
    # Copies of NumPy's BLAS are kept there, too.
    assert [p for p in (tmp_path / "run").rglob("*.so") if not p.name.startswith("blas-")] == []


def test_nothing_is_said_if_everything_came_with_the_package(tmp_path):
    code = """
    import numpy as np, pytensor, pytensor.tensor as pt
    A, B = pt.dmatrices("A", "B")
    f = pytensor.function([A, B], A @ B)
    assert type(f.vm).__name__ == "CProgram", type(f.vm)
    assert (f(np.eye(2), np.ones((2, 2))) == 1).all()
    """
    assert run(code, tmp_path).stderr == ""


@pytest.fixture
def no_compiler(monkeypatch):
    monkeypatch.setattr("pytensor.utils._said", set())
    with config.change_flags(cxx=""):
        monkeypatch.setattr("pytensor.link.c.toolchain._ziglang", lambda: None)
        monkeypatch.setattr("pytensor.link.c.toolchain._which", lambda name: None)
        monkeypatch.setattr("pytensor.link.c.toolchain._compiler_for", lambda setting: None)
        yield


def test_what_did_not_come_compiled_is_a_python_step(no_compiler, caplog):
    x, A = pt.dvector("x"), pt.dmatrix("A")
    outputs = [pt.exp(x).sum(), pt.linalg.expm(A), pt.tanh(A) * 2]
    f = pytensor.function([x, A], outputs, mode="C")
    assert isinstance(f.vm, CProgram) and not f.vm.is_native
    assert "Expm" in python_steps(f.vm) and len(python_steps(f.vm)) == 1
    got = f(np.ones(3), np.eye(2))
    np.testing.assert_allclose(got[0], 3 * np.e)
    np.testing.assert_allclose(got[1], np.e * np.eye(2))
    assert len(caplog.records) == 1


def test_kernels_that_are_missing_are_named(no_compiler, monkeypatch):
    """An installation without the interpreter: ready kernels are used, loops are Python steps."""
    x = pt.dvector("x")
    fgraph = FunctionGraph([x], [pt.exp(x), x[::-1]], clone=True)
    lowered = lower(fgraph, schedule(fgraph), interpret=False, may_compile=False)
    assert lowered.missing == ("Elemwise",) and not lowered.later
    monkeypatch.setattr(vm, "load", lambda: None)
    program = CLinker().make_program(fgraph)
    assert isinstance(program, CProgram) and python_steps(program) == ["Elemwise"]
    np.testing.assert_allclose(program(np.arange(3.0))[0], np.exp(np.arange(3.0)))


@pytest.mark.skipif(find_compiler() is None, reason="no C compiler")
def test_an_interpreter_that_does_not_load_is_not_used(monkeypatch):
    """Its list is there, the object is damaged: everything is compiled."""
    monkeypatch.setattr(vm, "load", lambda: None)
    x = pt.dvector("x")
    f = pytensor.function([x], pt.exp(x) * 3, mode="C")
    assert isinstance(f.vm, CProgram) and f.vm.is_native and python_steps(f.vm) == []
    np.testing.assert_allclose(f(np.zeros(2)), 3.0)


def scan_of_numbers():
    x = pt.dvector("x")
    steps = pytensor.scan(
        lambda a, s: 0.5 * s + a,
        sequences=[x],
        outputs_info=[pt.constant(0.25, dtype="float64")],
        return_updates=False,
    )
    return pytensor.function([x], steps, mode="C")


def expected_scan(x):
    result, s = [], 0.25
    for a in x:
        s = 0.5 * s + a
        result.append(s)
    return result


def test_scans_over_numbers_are_steps_of_ready_kernels(no_compiler):
    f = scan_of_numbers()
    assert isinstance(f.vm, CProgram) and python_steps(f.vm) == []
    x = np.linspace(-1, 1, 9)
    np.testing.assert_allclose(f(x), expected_scan(x))


def test_interpret_compiles_no_scan_over_numbers(monkeypatch):
    monkeypatch.setattr("pytensor.link.c.toolchain.run", lambda *a, **k: pytest.fail("compiled"))
    with config.change_flags(compile__tier="interpret"):
        f = scan_of_numbers()
    x = np.linspace(-1, 1, 9)
    np.testing.assert_allclose(f(x), expected_scan(x))


@pytest.mark.parametrize("tier", ["auto", "native"])
def test_a_compiler_that_fails_leaves_the_interpreter(tmp_path, monkeypatch, caplog, tier):
    path = tmp_path / "gcc-broken"
    path.write_text("#!/bin/sh\necho 'unit.c:1: error: no space left' >&2; exit 1\n")
    path.chmod(0o755)
    monkeypatch.setattr("pytensor.utils._said", set())
    with config.change_flags(cxx=str(path), compile__tier=tier):
        f = scan_of_numbers()
        x = np.linspace(-1, 1, 9)
        np.testing.assert_allclose(f(x), expected_scan(x))
        if tier == "auto":
            # Nothing is compiled before it pays.
            with pytest.raises(CompileError, match="no space left"):
                f.vm.make_native()
            np.testing.assert_allclose(f(x), expected_scan(x))
    assert isinstance(f.vm, CProgram) and python_steps(f.vm) == []
    if tier == "native":
        assert len(caplog.records) == 1 and "no space left" in caplog.text


def many_loops(n: int):
    """As many different loops, on different vectors so that they stay apart."""
    kinds = [pt.exp, pt.sin, pt.cosh, pt.tanh]
    inputs, outputs = [pt.dvector() for _ in range(n)], []
    for i, x in enumerate(inputs):
        y = x
        for k in range(4):
            y = kinds[i >> 2 * k & 3](y) + x
        outputs.append(y)
    with config.change_flags(compile__tier="interpret"):
        return pytensor.function(inputs, outputs, mode="C")


def test_big_programs_are_compiled_in_parts(monkeypatch):
    n = 3 * LOOPS_PER_UNIT
    fgraph = many_loops(n).maker.fgraph
    plan = schedule(fgraph)
    for n_cores, n_parts in ((1, 1), (2, 2), (8, 3)):
        monkeypatch.setattr("pytensor.link.c.units.usable_cores", lambda n=n_cores: n)
        for interpret in (False, True):
            texts = []
            for _ in range(2):
                lowered = lower(fgraph, plan, interpret)
                own = [unit for unit in lowered.units if not unit.ready]
                units = lowered.later if interpret else own
                texts.append([unit.text for unit in units])
            assert texts[0] == texts[1], "the cache would not find them"
            assert sum(len(unit.functions) for unit in units) == n
            assert len(units) == n_parts
            sizes = [len(unit.functions) for unit in units]
            assert max(sizes) - min(sizes) <= 2


@pytest.mark.skipif(find_compiler() is None, reason="no C compiler")
def test_parts_are_exchanged_together(tmp_path, monkeypatch):
    monkeypatch.setattr("pytensor.link.c.units.usable_cores", lambda: 2)
    monkeypatch.setattr("pytensor.link.c.units.LOOPS_PER_UNIT", 2)
    f = many_loops(5)
    assert len(f.vm.promotion.units) == 2
    values = [np.linspace(-1, 1, 70) + i for i in range(5)]
    before = f(*values)
    f.vm.make_native()
    assert f.vm.is_native and len(f.vm.promotion.loaded) == 2
    for old, new in zip(before, f(*values), strict=True):
        np.testing.assert_allclose(new, old, rtol=1e-14)


def test_levels_of_optimization():
    """Loops get the highest; helpers around library calls, which have none of their own, a low one."""
    fgraph = many_loops(1).maker.fgraph
    loops = lower(fgraph, schedule(fgraph), interpret=False).units[0]
    assert unit_arguments(loops)[2] == "-O3"
    library = UnitSource(loops.functions, ("blas",))
    assert unit_arguments(library)[2] == LIBRARY_LEVEL
