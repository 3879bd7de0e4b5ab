"""Any number of threads call one function; interrupts, forks, the end of threads and of Python."""

import os
import subprocess
import sys
import threading

import numpy as np
import pytest

import pytensor
import pytensor.tensor as pt
from pytensor import scan
from pytensor.configdefaults import config


def eight(work):
    errors, barrier = [], threading.Barrier(8)

    def run(k):
        try:
            barrier.wait()
            work(k)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(k,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


@pytest.fixture(params=["interpret", "native", "auto"])
def tier(request):
    """The tier functions are compiled for; the exchange of kernels happens in "auto"."""
    with config.change_flags(compile__tier=request.param):
        yield request.param


@pytest.mark.parametrize("calls", [12_500])
def test_one_function_a_hundred_thousand_calls(tier, calls):
    x, y = pt.dvector("x"), pt.dvector("y")
    calls_seen = pytensor.shared(0)
    f = pytensor.function(
        [x, y], [pt.exp(-x) * y + 1, (x * y).sum()], updates={calls_seen: calls_seen + 1}
    )
    cases = []
    for k in range(24):
        rng = np.random.default_rng(k)
        a, b = rng.normal(size=(2, 1 + 5 * k))
        cases.append((a, b, np.exp(-a) * b + 1, (a * b).sum()))
    wrong = []

    def work(k):
        for i in range(calls):
            a, b, first, second = cases[(i + 3 * k) % 24]
            got = f(a, b)
            if i % 8 == 0 and not (
                np.allclose(got[0], first, rtol=1e-12) and np.allclose(got[1], second, rtol=1e-9)
            ):
                wrong.append((k, i))
            elif got[0].size != a.size:
                wrong.append((k, i))
        if tier == "auto" and k == 0:
            f.vm.make_native()

    eight(work)
    assert not wrong
    assert calls_seen.get_value() == 8 * calls


def test_the_exchange_of_kernels_while_threads_call():
    x = pt.dvector("x")
    with config.change_flags(compile__tier="auto"):
        f = pytensor.function([x], [pt.tanh(x) * 3 + x**2, pt.sqrt(x * x + 1).sum()])
    a = np.linspace(-2, 2, 300)
    expected = np.tanh(a) * 3 + a**2, np.sqrt(a * a + 1).sum()

    def work(k):
        for i in range(400):
            if k == 0 and i == 200:
                f.vm.make_native()
            for got, right in zip(f(a), expected, strict=True):
                np.testing.assert_allclose(got, right, rtol=1e-12)

    eight(work)
    assert f.vm.is_native


def test_errors_in_threads_belong_to_their_calls(tier):
    x, y = pt.dvectors("x", "y")
    f = pytensor.function([x, y], x + y)

    def work(k):
        for i in range(300):
            n = 2 + (i + k) % 5
            with pytest.raises(ValueError, match=rf"\({n},\), \({n + 1},\)"):
                f(np.ones(n), np.ones(n + 1))
            assert f(np.ones(n), np.ones(n)).tolist() == [2.0] * n

    eight(work)


def in_process(code, seconds=120, **environment):
    return subprocess.run(
        [sys.executable, "-c", PRELUDE + code],
        capture_output=True,
        text=True,
        timeout=seconds,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1", **environment},
    )


PRELUDE = """
import _thread, os, signal, sys, threading, time
import numpy as np
import pytensor, pytensor.tensor as pt
def interrupt_after(seconds):
    def fire():
        time.sleep(seconds)
        os.kill(os.getpid(), signal.SIGINT)
    threading.Thread(target=fire, daemon=True).start()
def interrupted(call, after=0.4):
    call_began = time.monotonic()
    interrupt_after(after)
    try:
        call()
    except KeyboardInterrupt:
        return time.monotonic() - call_began - after
    raise SystemExit("the call ended before it was interrupted")
"""

LONG = {
    "a loop of numbers": """
n = pt.lscalar("n")
f = pytensor.function([n], pytensor.scan(lambda s: pt.sin(s) + 1.5, outputs_info=[pt.zeros(())],
    n_steps=n, return_updates=False)[-1])
long, short = lambda: f(10**10), lambda: f(3)
""",
    "a loop of vectors": """
n = pt.lscalar("n")
f = pytensor.function([n], pytensor.scan(lambda s: pt.tanh(s) + s.sum(), outputs_info=[pt.zeros(50)],
    n_steps=n, return_updates=False)[-1])
long, short = lambda: f(10**9), lambda: f(3)
""",
    "a loop of products": """
n, A = pt.lscalar("n"), pt.dmatrix("A")
f = pytensor.function([n, A], pytensor.scan(lambda s, A: A @ s, outputs_info=[pt.zeros(300)],
    non_sequences=[A], n_steps=n, return_updates=False)[-1])
long, short = lambda: f(10**8, np.eye(300)), lambda: f(3, np.eye(300))
""",
    "many steps": """
A = pt.dmatrix("A")
B = A
for _ in range(400):
    B = pt.tanh(B @ A)
f = pytensor.function([A], B.sum())
long, short = lambda: f(np.eye(800)), lambda: f(np.eye(3))
""",
}


@pytest.mark.parametrize("what", LONG)
def test_an_interrupt_ends_a_long_call(what):
    found = in_process(f"{LONG[what]}\nshort()\nlate = interrupted(long)\nshort()\nprint(late)\n")
    assert found.returncode == 0, found.stderr[-2000:]
    assert float(found.stdout) < 1.0


def test_an_interrupt_while_the_driver_asks_for_the_compiler_is_not_lost():
    """The signal may come while the callback runs, in the middle of a call or at its end."""
    n = pt.lscalar("n")
    steps = scan(
        lambda s: pt.sin(s) + 1.5, outputs_info=[pt.zeros(())], n_steps=n, return_updates=False
    )
    with config.change_flags(compile__tier="auto"):
        f = pytensor.function([n], steps[-1])
    told = []

    def hot():
        told.append(None)
        if len(told) == 1:
            raise KeyboardInterrupt

    want = f(3)
    for steps in (3 * 10**6, 3):
        told.clear()
        f.vm.promotion._run.watch(0.0, hot)
        with pytest.raises(KeyboardInterrupt):
            f(steps)
        assert f(3) == want
        assert len(told) == 2 or steps > 3


def test_an_interrupted_loop_leaves_its_shared_value():
    found = in_process(
        """
n, s = pt.lscalar("n"), pytensor.shared(np.zeros((1, 40)))
steps = pytensor.scan(lambda s: pt.tanh(s) + s.sum() * 0 + 1, outputs_info=[s[0]], n_steps=n,
    return_updates=False)
f = pytensor.function([n], updates={s: pt.set_subtensor(s[0], steps[-1])})
f(2)
before = s.get_value()
interrupted(lambda: f(10**9))
assert np.array_equal(before, s.get_value())
f(2)
assert not np.array_equal(before, s.get_value())
"""
    )
    assert found.returncode == 0, found.stderr[-2000:]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_fork_while_threads_call():
    found = in_process(
        """
import warnings
warnings.simplefilter("ignore")
x, s = pt.dvector("x"), pytensor.shared(np.zeros(200_000))
f = pytensor.function([x], [(pt.exp(x) * 2).sum(), x.max()])
g = pytensor.function([], updates={s: pt.inc_subtensor(s[1:], np.float64(1))})
ends, a = pytensor.function([], s[0] + 1), np.ones(30_000)
stop = threading.Event()
def work():
    while not stop.is_set():
        f(a); g(); s.get_value()
threads = [threading.Thread(target=work) for _ in range(4)]
[t.start() for t in threads]
failed = 0
for _ in range(6):
    time.sleep(0.02)
    child = os.fork()
    if child == 0:
        signal.alarm(20)
        try:
            ends(); g(); s.get_value()
            np.testing.assert_allclose(f(a), [30_000 * 2 * np.e, 1.0])
            h = pytensor.function([x], pt.tanh(x) - 1)
            h(a)
            os._exit(0)
        except BaseException as error:
            print(error, file=sys.stderr)
            os._exit(1)
    failed += os.waitpid(child, 0)[1] != 0
stop.set()
[t.join() for t in threads]
sys.exit(failed)
"""
    )
    assert found.returncode == 0, found.stderr[-2000:]


def test_daemon_threads_at_the_end_of_python():
    code = """
x, s = pt.dmatrix("x"), pytensor.shared(np.zeros(3))
f = pytensor.function([x], [x @ x, pt.exp(x).sum()], updates={s: s + 1})
a = np.ones((150, 150))
def work():
    while True:
        f(a)
[threading.Thread(target=work, daemon=True).start() for _ in range(4)]
time.sleep(0.1)
"""
    for _ in range(3):
        found = in_process(code)
        assert (found.returncode, found.stderr) == (0, "")


def test_threads_that_end_leave_nothing_behind():
    x = pt.dvector("x")
    f = pytensor.function([x], pt.exp(x).sum())
    for _ in range(50):
        eight(lambda k: f(np.ones(k)))
    assert f(np.zeros(4)) == 4.0


@pytest.mark.skipif(sys.version_info < (3, 12), reason="NumPy crashes in subinterpreters before")
def test_a_subinterpreter_is_refused():
    found = in_process(
        """
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters
f = pytensor.function([], pt.as_tensor(1.0) + 1)
f()
try:
    at = interpreters.create()
    message = interpreters.exec(at, "import pytensor") if hasattr(interpreters, "exec") else (
        interpreters.run_string(at, "import pytensor"))
    message = str(message)
except Exception as error:
    message = str(error)
assert "ImportError" in message or "not support" in message, message
assert f() == 2
"""
    )
    assert found.returncode == 0, found.stderr[-2000:]
