"""What functions keep between calls: `allow_gc`, `Function.free`, threads."""

import os
import statistics
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import pytensor
import pytensor.tensor as pt

PRELUDE = """
import os, threading, numpy as np, pytensor, pytensor.tensor as pt
def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE") / 2**20
A = pt.dmatrix("A")
def made(i):
    # pt.exp(A) is an array of its own: a vector times it, from both sides.
    B = pt.exp(A)
    return pytensor.function([A], (B @ B[0]).sum() + (B[:, 0] @ B).sum() + i, mode="CVM")
small = np.zeros((5, 5))
made(0)(small)
"""


def figures(code, **flags):
    """Run code in a process of its own; return the numbers it prints."""
    if not os.path.exists("/proc/self/statm"):
        pytest.skip("needs Linux's /proc")
    flags = ",".join(
        [os.environ.get("PYTENSOR_FLAGS", ""), *(f"{k}={v}" for k, v in flags.items())]
    )
    found = subprocess.run(
        [sys.executable, "-c", PRELUDE + code],
        capture_output=True,
        text=True,
        timeout=200,
        env={**os.environ, "PYTENSOR_FLAGS": flags.strip(",")},
    )
    assert found.returncode == 0, found.stderr[-2000:]
    return [float(word) for word in found.stdout.split()]


ONE = """
f, a = made(0), np.zeros((3000, 4000))  # pt.exp(a) takes 92 MB
f(small)
before = resident()
f(a)
after = resident()
f.free()
print(after - before, resident() - before, f(small))
"""


def test_large_values_are_not_kept():
    kept, _, total = figures(ONE, allow_gc=True)
    assert kept < 20 and total == 50.0


def test_without_collection_they_are_kept_until_free():
    kept, freed, total = figures(ONE, allow_gc=False)
    assert kept > 80 and total == 50.0
    assert freed < 20


def test_many_functions_share_one_pool():
    many = """
a, functions = np.zeros((1000, 2000)), [made(i) for i in range(10)]
before = resident()
for f in functions:
    f(a)
print(resident() - before)
"""
    (together,), (apart,) = figures(many, allow_gc=True), figures(many, allow_gc=False)
    assert together < 80 and apart > 140  # ten times 15 MB


def test_free_while_threads_call():
    x = pt.dvector("x")
    f = pytensor.function([x], pt.sort(pt.exp(x)).sum() + pt.cumsum(x)[-1])
    a, done = np.zeros(40_000), threading.Event()
    wrong = []

    def call():
        while not done.is_set():
            if f(a) != 40_000.0:
                wrong.append(1)

    threads = [threading.Thread(target=call) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(300):
        f.free()
    done.set()
    for thread in threads:
        thread.join()
    assert not wrong and f(a) == 40_000.0


def test_others_run_during_a_product():
    A = pt.dmatrix("A")
    f = pytensor.function([A], A @ A)
    a, done, turns = np.ones((1500, 1500)), threading.Event(), 0
    f(a[:4, :4])

    def product():
        f(a)
        done.set()

    thread = threading.Thread(target=product)
    began = time.thread_time()
    thread.start()
    while not done.is_set():
        turns += 1
    used = time.thread_time() - began
    thread.join()
    # With the GIL held during the product there would be no turns but those before and after it.
    assert turns > 1000 and used > 0.0


def test_two_products_at_once_gain_what_numpy_gains():
    code = """
import sys, time, threading, numpy as np, pytensor, pytensor.tensor as pt
A, B = pt.dmatrices("A", "B")
f = pytensor.function([A, B], A @ B)
data = [tuple(np.random.default_rng(i).random((2, 600, 600))) for i in range(2)]
def seconds(g, n):
    threads = [threading.Thread(target=lambda i=i: [g(*data[i]) for _ in range(6)]) for i in range(n)]
    began = time.perf_counter()
    [t.start() for t in threads]
    [t.join() for t in threads]
    return time.perf_counter() - began
f(*data[0])
for _ in range(9):
    print(*(2 * seconds(g, 1) / seconds(g, 2) for g in (f, np.matmul)))
"""
    found = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
    )
    assert found.returncode == 0, found.stderr[-2000:]
    rows = np.array([line.split() for line in found.stdout.splitlines()], float)
    ours, numpys = np.median(rows, axis=0)
    # Under load neither gains; on two free cores both gain 1.9 and more.
    assert ours > 0.75 * numpys, rows
    assert ours > 1.7 or numpys < 1.85, rows


def test_a_failing_call_is_cheap():
    x, y = pt.dvectors("x", "y")
    f = pytensor.function([x, y], x + y)
    a, b = np.ones(3), np.ones(4)

    def failing():
        try:
            f(a, b)
        except ValueError:
            return
        raise AssertionError("no exception")

    def plain():
        try:
            np.add(a, b)
        except ValueError:
            return

    def cost(call):
        began = time.process_time()
        for _ in range(400):
            call()
        return time.process_time() - began

    failing()
    # 8 microseconds where NumPy takes 1.3; it was 17.
    assert statistics.median(cost(failing) / cost(plain) for _ in range(7)) < 11
