"""Whole functions on the C backend: calls, shared variables, updates, profiles."""

import gc
import pickle
import sys
import threading
import weakref

import numpy as np
import pytest

import pytensor.tensor as pt
from pytensor.compile.io import In
from pytensor.compile.maker import function
from pytensor.compile.mode import Mode
from pytensor.compile.sharedvalue import shared
from pytensor.link.c.linker import CProgram
from pytensor.link.c.toolchain import find_compiler

pytestmark = pytest.mark.skipif(find_compiler() is None, reason="no C compiler")

C = Mode(linker="c", optimizer="fast_compile")


def is_driver_call(f):
    return type(f.__call__).__name__ == "Caller"


def test_positional_and_named_calls():
    x, y = pt.dvector("x"), pt.dvector("y")
    f = function([x, In(y, value=np.ones(2))], pt.concatenate([x, y]), mode=C)
    assert is_driver_call(f)
    np.testing.assert_array_equal(f(np.zeros(2)), [0, 0, 1, 1])
    np.testing.assert_array_equal(f(np.zeros(1), np.zeros(1)), [0, 0])
    np.testing.assert_array_equal(f(y=[3.0], x=[2.0]), [2, 3])
    np.testing.assert_array_equal(f([1, 2], y=[0.5]), [1, 2, 0.5])
    with pytest.raises(TypeError):
        f()
    with pytest.raises(TypeError):
        f(np.ones(1), np.ones(1), np.ones(1))
    with pytest.raises(TypeError):
        f(np.ones((2, 2)))
    with pytest.raises(TypeError):
        f("text")


def test_bad_argument_is_named():
    x = pt.fvector("speed")
    f = function([x], x[::-1], mode=C)
    with pytest.raises(TypeError, match="speed"):
        f(np.ones(2))
    assert f(np.ones(2, dtype="float32")).dtype == "float32"


def test_shared_values_are_read_and_updated():
    w = shared(np.zeros(3), name="w")
    x = pt.dvector("x")
    f = function([x], w[0], updates=[(w, pt.set_subtensor(w[1:], x))], mode=C)
    assert is_driver_call(f)
    np.testing.assert_array_equal(f([1.0, 2.0]), 0.0)
    np.testing.assert_array_equal(w.get_value(), [0, 1, 2])
    w.set_value(np.full(3, 7.0))
    np.testing.assert_array_equal(f([1.0, 2.0]), 7.0)
    with pytest.raises(ValueError):
        f([1.0, 2.0, 3.0])
    np.testing.assert_array_equal(w.get_value(), [7, 1, 2])


def test_several_updates_are_stored_together():
    a, b = shared(np.zeros(2)), shared(np.ones(2))
    x = pt.dvector()
    f = function([x], [], updates=[(a, b[::-1]), (b, a[: x.shape[0]] * 1)], mode=C)
    f(np.ones(2))
    np.testing.assert_array_equal(a.get_value(), [1, 1])
    np.testing.assert_array_equal(b.get_value(), [0, 0])


def test_threads_count_right():
    counter = shared(np.zeros(2, dtype="int64"))
    tick = function([], [], updates=[(counter, pt.inc_subtensor(counter[0], 1))], mode=C)

    def work():
        for _ in range(200):
            tick()

    threads = [threading.Thread(target=work) for _ in range(4)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    np.testing.assert_array_equal(counter.get_value(), [800, 0])


def test_inputs_survive():
    x = pt.dvector("x")
    f = function([x], pt.set_subtensor(x[0], 9.0), mode=Mode("c", "fast_run"))
    value = np.zeros(3)
    value.flags.writeable = False
    np.testing.assert_array_equal(f(value), [9, 0, 0])
    np.testing.assert_array_equal(value, 0.0)


def test_profile_counts_nodes():
    x = pt.dvector("x")
    f = function([x], x[::-1].reshape((2, -1)), mode=C, profile=True)
    for _ in range(3):
        f(np.ones(4))
    assert isinstance(f.vm, CProgram)
    assert set(f.profile.apply_callcount.values()) == {3}
    assert all(t > 0 for t in f.profile.apply_time.values())


def test_functions_pickle_and_are_collected():
    x = pt.dvector("x")
    f = function([x], x[::2], mode=C)
    g = pickle.loads(pickle.dumps(f))
    np.testing.assert_array_equal(g(np.arange(4.0)), [0, 2])
    reference = weakref.ref(f)
    del f
    gc.collect()
    assert reference() is None


def test_calls_keep_no_references():
    w = shared(np.zeros(3))
    x = pt.dvector("x")
    f = function([x], x[0], updates=[(w, x[::-1])], mode=C)
    value = np.ones(3)
    f(value)
    w.set_value(np.zeros(3))
    count = sys.getrefcount(value)
    for _ in range(20):
        f(value)
        with pytest.raises(IndexError):
            f(np.ones(0))
    w.set_value(np.zeros(3))
    assert sys.getrefcount(value) == count
