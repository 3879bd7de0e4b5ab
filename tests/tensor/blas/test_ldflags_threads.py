"""Limits of BLAS's threads: in force during calls, gone after them, free where there is none."""

import copy
import os
import pickle
import subprocess
import sys
import threading

import numpy as np
import pytest

import pytensor
import pytensor.tensor as pt
from pytensor.configdefaults import config
from pytensor.tensor.blas import _threads, limit_threads


class FakeLibrary:
    """Counts what is asked of it."""

    def __init__(self, n=4):
        self.n, self.sets = n, 0

    def get(self):
        return self.n

    def set(self, n):
        self.n, self.sets = n, self.sets + 1


@pytest.fixture
def library(monkeypatch):
    fake = FakeLibrary()
    limits = _threads._Limits()
    monkeypatch.setattr(
        _threads, "_find_pools", lambda: [_threads.Pool("fake", fake.get, fake.set)]
    )
    monkeypatch.setattr(_threads, "_limits", limits)
    return fake


@pytest.fixture
def look(library):
    """An Op's product, and the number of threads while it runs."""
    seen = []

    from pytensor.compile.ops import wrap_py

    @wrap_py(itypes=[pt.dmatrix], otypes=[pt.dmatrix])
    def spy(x):
        seen.append(library.n)
        if x[0, 0] < 0:
            raise ArithmeticError("negative")
        return x

    x = pt.dmatrix("x")
    return pytensor.function([x], spy(x @ x)), seen


def test_limit_of_a_function(look, library):
    f, seen = look
    assert f.blas_threads == 0
    f(np.eye(2))
    f.blas_threads = 2
    f(x=np.eye(2))
    assert seen == [4, 2] and library.n == 4
    f.blas_threads = None
    f(np.eye(2))
    assert seen == [4, 2, 4] and library.sets == 2


def test_limit_is_taken_back_after_an_exception(look, library):
    f, seen = look
    f.blas_threads = 1
    with pytest.raises(ArithmeticError):
        f(np.array([[0.0, 1.0], [-1.0, 0.0]]))
    assert seen == [1] and library.n == 4


def test_a_limit_never_adds_threads(look, library):
    f, seen = look
    f.blas_threads = 99
    f(np.eye(2))
    assert seen == [4] and library.sets == 0


def test_copies_and_pickles_keep_the_limit(library):
    x = pt.dmatrix("x")
    f = pytensor.function([x], x @ x)
    f.blas_threads = 3
    for g in (f.copy(), copy.copy(f), copy.deepcopy(f), pickle.loads(pickle.dumps(f))):
        assert g.blas_threads == 3
        np.testing.assert_array_equal(g(np.eye(2)), np.eye(2))
    assert library.sets == 8


def test_the_setting_counts_for_functions_with_products(library):
    x = pt.dmatrix("x")
    with config.change_flags(blas__threads=2):
        assert pytensor.function([x], x @ x + 1).blas_threads == 2
        assert pytensor.function([x], pt.linalg.inv(x)).blas_threads == 2
        assert pytensor.function([x], pt.exp(x) + 1).blas_threads == 0
        looped = pytensor.scan(lambda v, m: m @ v, sequences=[], outputs_info=[x[0]],
                               non_sequences=[x], n_steps=3, return_updates=False)  # fmt: skip
        assert pytensor.function([x], looped).blas_threads == 2
    assert pytensor.function([x], x @ x).blas_threads == 0


def test_no_limit_costs_nothing(library):
    """The driver's own callable is what a function without a limit calls."""
    x = pt.dmatrix("x")
    f = pytensor.function([x], x @ x)
    plain = type(f.__call__)
    f.blas_threads = 2
    assert type(f.__call__) is not plain
    f.blas_threads = 0
    assert type(f.__call__) is plain and library.sets == 0


@pytest.mark.parametrize("n", [-1, 1.5, "two", [1]])
def test_wrong_limits(n, library):
    x = pt.dmatrix("x")
    f = pytensor.function([x], x @ x)
    with pytest.raises(ValueError, match=r"\[blas_threads\] n must be a number of threads"):
        f.blas_threads = n
    with pytest.raises(ValueError, match=r"\[limit_threads\] n must be a number of threads"):
        limit_threads(n)
    assert f.blas_threads == 0


def test_nested_limits(library):
    with limit_threads(3):
        assert library.n == 3
        with limit_threads(1), limit_threads(2):
            assert library.n == 1
        assert library.n == 3
        with limit_threads(0):
            assert library.n == 3
    assert library.n == 4

    @limit_threads(2)
    def decorated():
        return library.n

    assert decorated() == 2 and library.n == 4


def test_overlapping_threads_leave_the_number_as_it_was(library):
    """Whoever ends last, what was there before the first comes back; the smallest limit counts."""
    inside, leave = threading.Barrier(3), threading.Event()

    def work(n):
        with limit_threads(n):
            inside.wait()
            leave.wait()

    workers = [threading.Thread(target=work, args=(n,)) for n in (2, 3)]
    for worker in workers:
        worker.start()
    inside.wait()
    assert library.n == 2
    leave.set()
    for worker in workers:
        worker.join()
    assert library.n == 4

    def often(n):
        for _ in range(500):
            with limit_threads(n):
                assert library.n <= n

    workers = [threading.Thread(target=often, args=(n,)) for n in (1, 2, 3, 1)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert library.n == 4


def test_where_threads_cannot_be_set(library, monkeypatch):
    monkeypatch.setattr(_threads, "_find_pools", list)
    x = pt.dmatrix("x")
    f = pytensor.function([x], x @ x)
    with pytest.raises(RuntimeError, match="pip install threadpoolctl"):
        f.blas_threads = 1
    assert f.blas_threads == 0 and np.all(f(np.eye(2)) == np.eye(2))
    with pytest.raises(RuntimeError, match="OMP_NUM_THREADS"):
        limit_threads(1)
    with config.change_flags(blas__threads=1), pytest.warns(UserWarning, match="has no effect"):
        assert pytensor.function([x], x @ x).blas_threads == 0


def test_threadpoolctl_is_asked_for_other_libraries(monkeypatch):
    threadpoolctl = pytest.importorskip("threadpoolctl")
    monkeypatch.setattr(_threads, "runtime_of", lambda handle: None)
    pools = _threads._find_pools()
    known = threadpoolctl.ThreadpoolController().select(user_api="blas").lib_controllers
    assert [pool.get() for pool in pools] == [c.num_threads for c in known]
    monkeypatch.setattr(_threads.importlib.util, "find_spec", lambda name: None)
    assert _threads._find_pools() == []


def test_real_libraries():
    """SciPy's and NumPy's own, in a process that may use two threads.

    The time of other threads than the caller's is told from the process's: a busy machine does
    not change that.
    """
    code = """
import time, numpy as np, pytensor, pytensor.tensor as pt
from pytensor.tensor.blas._threads import pools
x = pt.dmatrix("x")
f = pytensor.function([x], x @ x)
a = np.ones((700, 700))
def cpu_beside_the_caller():
    f(a)
    time.sleep(0.2)  # workers that wait for more use time for a while
    mine, all_ = time.thread_time(), time.process_time()
    for _ in range(4):
        f(a)
    mine, all_ = time.thread_time() - mine, time.process_time() - all_
    return all_ / mine
free = cpu_beside_the_caller()
before = [pool.get() for pool in pools()]
f.blas_threads = 1
limited = cpu_beside_the_caller()
assert [pool.get() for pool in pools()] == before, before
print(len(before), max(before), free, limited)
"""
    env = {**os.environ, "OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2"}
    out = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
    assert out.returncode == 0, out.stderr
    count, most, free, limited = map(float, out.stdout.split())
    if most < 2:
        pytest.skip("the libraries here use one thread anyway")
    assert count >= 1 and limited <= 1.05 < free, out.stdout
