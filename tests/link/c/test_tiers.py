"""Interpreted loops first, compiled ones when it pays: who compiles, when, and what may go wrong."""

import gc
import os
import subprocess
import sys
import textwrap
import threading
import time

import numpy as np
import pytest

import pytensor
import pytensor.tensor as pt
from pytensor.configdefaults import config
from pytensor.link.c import shipped, tiers, vm
from pytensor.link.c.cache import Cache
from pytensor.link.c.linker import CProgram
from pytensor.link.c.toolchain import find_compiler

pytestmark = [
    pytest.mark.skipif(find_compiler() is None, reason="no C compiler"),
    pytest.mark.skipif(
        shipped.load_ready() is None or vm.load() is None,
        reason="the kernels of the package are not built",
    ),
]


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    cache = Cache(tmp_path / "cache")
    monkeypatch.setattr("pytensor.link.c.driver.get_cache", lambda: cache)
    with config.change_flags(compile__tier="auto"):
        yield tmp_path / "cache"
        assert tiers.wait(60)


def program_of(function) -> CProgram:
    return function.vm


def model(i=0):
    x = pt.dvector("x")
    # A number of its own for each test: no other has compiled it.
    return pytensor.function([x], pt.exp(pt.tanh(x) * (1.25 + i)).sum() + pt.sin(x * i), mode="C")


def test_starts_interpreted_and_is_exchanged_when_hot():
    f = model(1)
    x = np.linspace(-1, 1, 5000)
    first = f(x)
    assert not program_of(f).is_native
    assert program_of(f).run.interpreted > 0
    end = time.monotonic() + 60
    while not program_of(f).is_native and time.monotonic() < end:
        last = f(x)
        np.testing.assert_allclose(last, first, rtol=1e-14)
    assert program_of(f).is_native
    spent = program_of(f).run.interpreted
    np.testing.assert_allclose(f(x), first, rtol=1e-14)
    assert program_of(f).run.interpreted == spent


def test_never_compiles_for_the_first_call_or_a_few_small_ones(own_cache):
    f = model(2)
    for _ in range(20):
        f(np.ones(10))
    assert tiers.wait(5)
    assert not program_of(f).is_native
    assert not list(own_cache.rglob("*.so"))


def test_native_and_interpret_are_obeyed():
    with config.change_flags(compile__tier="native"):
        f = model(3)
    assert program_of(f).is_native
    with config.change_flags(compile__tier="interpret"):
        g = model(4)
        x = np.ones(100_000)
        for _ in range(100):
            g(x)
        assert tiers.wait(5)
    assert not program_of(g).is_native


def test_make_native_waits_and_the_next_process_finds_it():
    f = model(5)
    before = f(np.ones(7))
    program_of(f).make_native()
    assert program_of(f).is_native
    np.testing.assert_array_equal(f(np.ones(7)), before)
    # Equal text: found at once, without a compiler run.
    assert program_of(model(5)).is_native


def test_exchange_under_threads():
    f = model(6)
    x = np.linspace(-1, 1, 300)
    expected = f(x)
    wrong, stop = [], threading.Event()

    def call():
        while not stop.is_set():
            if not np.allclose(f(x), expected, rtol=1e-13, atol=0):
                wrong.append(1)

    threads = [threading.Thread(target=call) for _ in range(8)]
    for thread in threads:
        thread.start()
    program_of(f).make_native()
    time.sleep(0.1)
    stop.set()
    for thread in threads:
        thread.join()
    assert not wrong and program_of(f).is_native


def test_a_program_may_die_while_it_waits():
    f = model(7)
    program_of(f).promotion.watch(0.0)
    f(np.ones(10))
    f(np.ones(10))
    del f
    assert tiers.wait(60)


def test_no_error_ends_the_thread(monkeypatch, caplog):
    monkeypatch.setattr("pytensor.utils._said", set())
    tried = []

    class Broken:
        def finish(self, show=True):
            tried.append(self)
            raise MemoryError

        go_on = finish

    for _ in range(2):
        tiers._worker.add(Broken())
        assert tiers.wait(60)
    assert len(tried) == 2
    assert [record.message for record in caplog.records] == [
        "pytensor goes on interpreting loops because MemoryError"
    ]


def run(code: str, tmp_path, compiler: str = "", timeout=60, **flags):
    """Run a script with a compiler of its own: a shell script."""
    if compiler:
        path = tmp_path / "cc-gcc"
        path.write_text(f"#!/bin/sh\ntouch {tmp_path}/called\n{compiler}\n")
        path.chmod(0o755)
        flags["cxx"] = str(path)
    flags.setdefault("compiledir", str(tmp_path / "run"))
    env = os.environ | {"PYTENSOR_FLAGS": ",".join(f"{k}={v}" for k, v in flags.items())}
    env["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        env=env,
        timeout=timeout,
    )
    assert done.returncode == 0, done.stderr
    return done


HOT = """
    import numpy as np, pytensor, pytensor.tensor as pt, time
    from pytensor.link.c import tiers
    x = pt.dvector("x")
    f = pytensor.function([x], pt.exp(pt.tanh(x)).sum())
    a = np.ones(1000)
    # Interpreting loses little time: not worth a compiler for long.
    f.vm.promotion.watch(0.0)
    for _ in range(3):
        f(a)
"""


def test_a_compiler_that_fails_is_reported_once(tmp_path):
    more = """
    assert tiers.wait(30)
    assert abs(f(a) - np.exp(np.tanh(1.0)) * 1e3) < 1e-6
    assert not f.vm.is_native
    """
    done = run(HOT + more, tmp_path, "echo 'unit.c:1: error: no such thing' >&2; exit 1")
    assert (tmp_path / "called").exists()
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert "interpreting" in done.stderr and "no such thing" in done.stderr


def test_the_end_does_not_wait_for_a_hanging_compiler(tmp_path):
    more = f"""
    import pathlib
    while not pathlib.Path("{tmp_path}/pid").exists():
        time.sleep(0.01)
    """
    start = time.monotonic()
    compiler = f"echo $$ > {tmp_path}/p; mv {tmp_path}/p {tmp_path}/pid; exec sleep 50"
    done = run(HOT + more, tmp_path, compiler, timeout=45)
    assert time.monotonic() - start < 30
    assert done.stderr == ""
    pid = int((tmp_path / "pid").read_text() or 0)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert not [*(tmp_path / "run").rglob("build-*")]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_compiles_by_itself(tmp_path):
    code = """
    import os, sys, warnings
    warnings.simplefilter("ignore")
    import numpy as np, pytensor, pytensor.tensor as pt, time
    from pytensor.link.c import tiers
    x = pt.dvector("x")
    f = pytensor.function([x], pt.exp(pt.tanh(x)).sum())
    a = np.ones(1000)
    f(a)
    pid = os.fork()
    if not pid:
        f.vm.promotion.watch(0.0)
        f(a); f(a)
        assert tiers.wait(40)
        os._exit(0 if f.vm.is_native else 3)
    assert os.waitpid(pid, 0)[1] == 0
    assert not f.vm.is_native
    """
    run(code, tmp_path)


def test_the_battery_needs_no_compiler(tmp_path):
    """Every row, from empty caches, with a compiler that fails: same values as by hand."""
    code = """
    from benchmarks.frontends import with_pytensor as fe
    from benchmarks.workloads import ROWS
    for row in ROWS:
        # Sizes that only take longer.
        if row.name.endswith(("5000 nodes", "512", "100000 x 20")) or row.name == "ger 1024":
            continue
        inputs, state = row.data()
        f = fe.compile_row(getattr(fe, row.family), row, inputs, state)
        for expected in row.expected():
            error = row.error(f(*inputs), expected)
            assert error <= row.rtol, (row.name, error)
    """
    run(code, tmp_path, "exit 1", compile__tier="interpret", timeout=120)
    assert not (tmp_path / "called").exists()


def test_what_is_compiled_is_forgotten_with_its_last_program():
    """Programs without end must not fill a table of this process."""
    gc.collect()
    before = len(tiers._compiled)
    for i in range(3):
        f = model(41 + i)
        program_of(f).make_native()
        assert program_of(f).is_native
    assert len(tiers._compiled) > before
    del f
    gc.collect()
    assert len(tiers._compiled) == before
