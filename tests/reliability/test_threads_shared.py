"""Shared variables and threads: all updates of a call or none, and nobody sees one half-written."""

import _thread
import signal
import threading

import numpy as np
import pytest

import pytensor
import pytensor.tensor as pt
from pytensor.configdefaults import config

TIERS = ["interpret", "native", "PY"]
ONE = np.float64(1.0)


@pytest.fixture(params=TIERS)
def compiled(request):
    """Return `pytensor.function` for one way of running a program."""
    if request.param == "PY":
        return lambda *args, **kwargs: pytensor.function(*args, mode="PY", **kwargs)

    def make(*args, **kwargs):
        with config.change_flags(compile__tier=request.param):
            return pytensor.function(*args, mode="CVM", **kwargs)

    return make


def together(*works, seconds=60.0):
    """Run functions in threads, and raise what the first of them raised."""
    errors = []

    def run(work):
        try:
            work()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(work,), daemon=True) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(seconds)
    assert not any(thread.is_alive() for thread in threads), "a thread hangs"
    if errors:
        raise errors[0]


def address(s):
    return s.get_value(borrow=True).ctypes.data


def adder(n):
    """A value, and its update that C makes in place."""
    s = pytensor.shared(np.zeros(n), name="s")
    return s, {s: pt.inc_subtensor(s[1:-1], ONE)}


def test_alone_it_is_overwritten_in_place():
    s, updates = adder(1000)
    f = pytensor.function([], updates=updates, mode="CVM")
    f()  # the value may have been somebody's
    before = address(s)
    for _ in range(5):
        f()
    assert address(s) == before
    assert s.get_value()[1] == 6.0


def test_nobody_sees_a_half_written_value(compiled):
    s, updates = adder(2_000_000)
    write = compiled([], updates=updates)
    read = compiled([], [s[1:-1].min(), s[1:-1].max()])
    rounds, done = 40, threading.Event()

    def writer():
        try:
            for _ in range(rounds):
                write()
        finally:
            done.set()

    def function_reader():
        while not done.is_set():
            low, high = read()
            assert low == high

    def copy_reader():
        while not done.is_set():
            for borrow in (False, True):
                value = s.get_value(borrow=borrow)[1:-1]
                assert value.min() == value.max()

    together(writer, function_reader, copy_reader)
    assert s.get_value()[1] == rounds


def test_no_update_is_lost(compiled):
    total, count = pytensor.shared(np.zeros(3)), pytensor.shared(0)
    x = pt.dvector("x")
    f = compiled([x], updates={total: total + x, count: count + 1})
    together(*[lambda: [f(np.ones(3)) for _ in range(300)]] * 4)
    assert total.get_value().tolist() == [1200.0] * 3 and count.get_value() == 1200


def test_two_functions_that_update_in_place(compiled):
    s, updates = adder(5000)
    f, g = compiled([], updates=updates), compiled([], updates=updates)
    together(*[lambda: [f() for _ in range(200)], lambda: [g() for _ in range(200)]] * 2)
    assert s.get_value()[1:-1].tolist() == [800.0] * 4998


def test_updates_of_a_call_are_seen_together(compiled):
    shareds = [pytensor.shared(np.zeros(())) for _ in range(5)]
    f = compiled([], updates={s: s + 1 for s in shareds})
    read = compiled([], [pt.stack(shareds)])
    done = threading.Event()

    def writer():
        for _ in range(1500):
            f()
        done.set()

    def reader():
        while not done.is_set():
            (values,) = read()
            assert len(set(values.tolist())) == 1, values

    together(writer, reader, reader)


def test_set_value_is_not_lost(compiled):
    # Between reading the value and storing its update there is no room for another value.
    s = pytensor.shared(np.zeros(2))
    f = compiled([], updates={s: s + 1})
    for i in range(1, 60):
        together(lambda: [f() for _ in range(5)], lambda at=1000.0 * i: s.set_value([at, at]))
        low, high = s.get_value()
        assert low == high and low - 1000.0 * i in range(6)


@pytest.mark.parametrize("part", [slice(0, -1), slice(None, None, -1), slice(1, None)])
def test_an_argument_that_is_the_shared_memory(compiled, part):
    s, x = pytensor.shared(np.arange(2000.0)), pt.dvector("x")
    f = compiled([x], updates={s: pt.inc_subtensor(s[1:], x[:1999])})
    for _ in range(4):
        expected = s.get_value()
        expected[1:] += expected[part].copy()[:1999]
        f(s.get_value(borrow=True)[part])
        np.testing.assert_array_equal(s.get_value(), expected)


def test_borrowed_memory_does_not_change(compiled):
    mine = np.zeros(100)
    s = pytensor.shared(mine, borrow=True)
    f = compiled([], updates={s: pt.inc_subtensor(s[1:], ONE)})
    f()
    assert mine.tolist() == [0.0] * 100
    part, whole = s.get_value(borrow=True)[10:20], s.get_value(borrow=True)
    f()
    assert part.tolist() == [1.0] * 10 and whole[1:].tolist() == [1.0] * 99
    assert s.get_value()[1:].tolist() == [2.0] * 99


def test_a_failing_call_changes_nothing(compiled):
    s, t = pytensor.shared(np.zeros(4)), pytensor.shared(np.zeros(4))
    x, i = pt.dvector("x"), pt.lvector("i")
    f = compiled(
        [x, i],
        updates={s: pt.inc_subtensor(s[:3], ONE), t: pt.inc_subtensor(t[i], x)},
    )
    for bad in (np.array([0, 1, 9]), np.array([0, 1])):
        with pytest.raises((IndexError, ValueError)):
            f(np.ones(3), bad)
        assert s.get_value().tolist() == [0.0] * 4 and t.get_value().tolist() == [0.0] * 4
    f(np.ones(3), np.arange(3))
    assert s.get_value().tolist() == t.get_value().tolist() == [1.0, 1.0, 1.0, 0.0]


def test_an_interrupt_leaves_all_updates_or_none(compiled):
    n = 1200  # so much work that the driver looks for signals after it
    A, W, count = pt.dmatrix("A"), pytensor.shared(np.zeros((n, n))), pytensor.shared(0.0)
    f = compiled([A], updates={count: count + 1, W: W + A @ A})
    a, interrupted = np.eye(n), 0
    f(a)
    for delay in (0.001, 0.01, 0.04):
        timer = threading.Timer(delay, _thread.interrupt_main)
        try:
            timer.start()
            for _ in range(40):
                f(a)
            timer.join()
            for _ in range(1000):
                pass
        except KeyboardInterrupt:
            interrupted += 1
        timer.join()
        assert W.get_value()[0, 0] == count.get_value()
    assert interrupted == 3
    before = float(count.get_value())
    f(a)
    assert W.get_value()[0, 0] == before + 1


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="needs signals to threads")
def test_waiting_for_another_call_can_be_interrupted(compiled):
    s = pytensor.shared(np.zeros(2))
    f = compiled([], updates={s: s + 1})
    held, done = threading.Event(), threading.Event()

    def hold():
        with s.container.lock:
            held.set()
            done.wait(20)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    main = threading.main_thread().ident
    timer = threading.Timer(0.2, signal.pthread_kill, (main, signal.SIGINT))
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            f()
    finally:
        done.set()
        thread.join()
    f()
    assert s.get_value().tolist() == [1.0, 1.0]


def test_a_call_that_reads_what_it_is_updating(compiled):
    # The flag of the value is set and its lock held, by the thread that reads it.
    s, updates = adder(50)
    read = compiled([], s[1] * 2)
    seen = []

    @pytensor.wrap_py([pt.dscalar], [pt.dscalar])
    def look(x):
        seen.append((float(read()), float(s.get_value()[1])))
        inner()
        return x

    inner = compiled([], updates={s: s * 1})
    x = pt.dscalar("x")
    f = compiled([x], updates={s: pt.inc_subtensor(s[1:-1], look(x))})
    work = threading.Thread(target=lambda: [f(1.0), f(1.0)], daemon=True)
    work.start()
    work.join(60)
    assert not work.is_alive(), "it waits for itself"
    assert seen == [(0.0, 0.0), (2.0, 1.0)]
    assert s.get_value()[1:-1].tolist() == [2.0] * 48
