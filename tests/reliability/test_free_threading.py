"""Python without a GIL: it stays off, and threads that compile and call get the right answers.

Runs in an interpreter without a GIL: this one, the one ``PYTENSOR_FREE_THREADED`` names, or one on
the path; it needs NumPy and SciPy. Elsewhere these tests are skipped.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def _usable(python):
    code = "import sys, numpy, scipy; print(sys._is_gil_enabled())"
    found = subprocess.run([python, "-c", code], capture_output=True, text=True, timeout=60)
    return found.stdout.strip() == "False"


@pytest.fixture(scope="module")
def python():
    """The path of an interpreter without a GIL."""
    if sysconfig.get_config_var("Py_GIL_DISABLED"):
        return sys.executable
    named = [os.environ.get("PYTENSOR_FREE_THREADED"), "/work/venvs/ft/bin/python"]
    for name in (*named, *map(shutil.which, ("python3.13t", "python3.14t"))):
        if name and Path(name).exists() and _usable(name):
            return name
    return pytest.skip("there is no free-threaded Python with NumPy and SciPy")


@pytest.fixture(scope="module")
def compiledir(tmp_path_factory):
    """The driver is built once."""
    return tmp_path_factory.mktemp("free") / "cc"


@pytest.fixture
def run(python, tmp_path, compiledir):
    def run(code, **flags):
        environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
        flags = {"compiledir": compiledir, **flags}
        environment |= {
            "PYTHONPATH": str(ROOT),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTENSOR_FLAGS": ",".join(f"{k}={v}" for k, v in flags.items()),
            "OPENBLAS_NUM_THREADS": "1",
        }
        found = subprocess.run(
            [python, "-W", "error", "-c", PRELUDE + code + "\nassert not sys._is_gil_enabled()"],
            capture_output=True,
            text=True,
            timeout=300,
            env=environment,
            cwd=tmp_path,
        )
        assert found.returncode == 0, found.stdout + found.stderr
        return found.stdout

    return run


PRELUDE = """
import sys, threading, numpy as np
import pytensor, pytensor.tensor as pt
assert not sys._is_gil_enabled()
sys.setswitchinterval(1e-5)

def together(work, n=8):
    errors, barrier = [], threading.Barrier(n)
    def run(k):
        try:
            barrier.wait()
            work(k)
        except BaseException as error:
            errors.append(error)
    threads = [threading.Thread(target=run, args=(k,)) for k in range(n)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    if errors:
        raise errors[0]
"""


@pytest.mark.parametrize("tier", ["interpret", "native", "auto"])
def test_one_function_in_eight_threads(run, tier):
    run(
        """
x, y, A = pt.dvector("x"), pt.dvector("y"), pt.dmatrix("A")
f = pytensor.function([x, y, A], [pt.exp(-x) * y + 1, (x * y).sum(), A @ x, pt.argsort(x)])
def work(k):
    rng = np.random.default_rng(k)
    for n in [3, 40, 700] * 4:
        x, y, A = rng.normal(size=n), rng.normal(size=n), rng.normal(size=(5, n))
        expected = np.exp(-x) * y + 1, (x * y).sum(), A @ x, np.argsort(x)
        for _ in range(250):
            for a, b in zip(f(x, y, A), expected):
                np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9)
together(work)
""",
        compile__tier=tier,
    )


@pytest.mark.parametrize("mode", ["CVM", "PY"])
def test_shared_values(run, mode):
    run(
        f"""
mode = {mode!r}
total, count = pytensor.shared(np.zeros(3)), pytensor.shared(0)
table = pytensor.shared(np.zeros(20000))
x = pt.dvector("x")
f = pytensor.function([x], updates={{total: total + x, count: count + 1}}, mode=mode)
g = pytensor.function([], updates={{table: pt.inc_subtensor(table[1:], np.float64(1))}}, mode=mode)
sums = pytensor.function([], [total[0], count], mode=mode)
ends = pytensor.function([], [table[1:].min(), table[1:].max()], mode=mode)
def work(k):
    for _ in range(300):
        if k < 3:
            f(np.ones(3)); g()
        else:
            a, b = sums()
            assert a == b, (a, b)
            low, high = ends()
            assert low == high, (low, high)
            if k == 3:
                value = table.get_value(borrow=_ % 2 == 0)[1:]
                assert value.min() == value.max()
together(work, 6)
assert total.get_value().tolist() == [900.0] * 3 and count.get_value() == 900
assert table.get_value()[1:].tolist() == [900.0] * 19999
"""
    )


@pytest.mark.parametrize("same", [True, False])
def test_compiling_in_eight_threads(run, same):
    run(
        f"""
same = {same}
def build(k):
    x, A = pt.dvector("x"), pt.dmatrix("A")
    parts = [pt.tanh(A @ x) + x, (A @ A.T).sum(axis=0) * x, pt.special.softmax(x), x[::-1].cumsum(),
             pt.linalg.inv(A) @ x]
    loss = sum(p.sum() for i, p in enumerate(parts) if same or (i + k) % 4)
    return pytensor.function([x, A], [loss, pytensor.grad(loss, x)])
results = {{}}
def work(k):
    rng = np.random.default_rng(0)
    for n in range(3):
        f = build(n)
        results[k, n] = f(np.linspace(0, 1, 5), np.eye(5) + 0.1 * rng.random((5, 5)).cumsum(axis=n % 2))
        rng = np.random.default_rng(0)
together(work)
for (k, n), found in results.items():
    for a, b in zip(found, results[0, n]):
        np.testing.assert_allclose(a, b)
"""
    )


def test_first_compilation_of_a_process(run):
    run(
        """
x = pt.dvector("x")
expressions = [pt.exp(x).sum(), pt.outer(x, x) @ x, pt.sort(x), x[::2] + 1]
values = [None] * 8
def work(k):
    values[k] = pytensor.function([x], expressions[k % 4])(np.arange(4.0))
together(work)
for k in range(4):
    np.testing.assert_array_equal(values[k], values[k + 4])
"""
    )


def test_scan(run):
    run(
        """
x = pt.dvector("x")
total = pytensor.scan(
    lambda a, s: s * 0.5 + a, sequences=[x], outputs_info=[pt.zeros(())], return_updates=False
)
f = pytensor.function([x], total)
def work(k):
    value = np.arange(20.0) + k
    expected, s = [], 0.0
    for a in value:
        s = s * 0.5 + a
        expected.append(s)
    for _ in range(200):
        np.testing.assert_allclose(f(value), expected)
together(work)
"""
    )
