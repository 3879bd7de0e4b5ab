"""Copies of functions: `copy`, deepcopy and pickle."""

import copy
import pickle
import subprocess
import sys

import numpy as np
import pytest

import pytensor.tensor as pt
from pytensor.compile.debug.profiling import ProfileStats
from pytensor.compile.io import In
from pytensor.compile.maker import function
from pytensor.compile.mode import Mode
from pytensor.compile.sharedvalue import shared
from pytensor.configdefaults import config

MODE = Mode("py", "fast_compile")


@pytest.fixture
def counter():
    """x -> s, and s <- s + x."""
    x = pt.dvector("x")
    s = shared(np.zeros(2), name="s")
    return function([x], s * 1.0, updates={s: s + x}, mode=MODE, name="counter"), s


ONE = np.ones(2)


def test_copy_shares_variables(counter):
    f, s = counter
    g = f.copy()
    assert g.name == "counter copy" and g.maker is not f.maker
    assert g.maker.fgraph is not f.maker.fgraph
    f(ONE)
    np.testing.assert_array_equal(g(ONE), [1.0, 1.0])
    np.testing.assert_array_equal(s.get_value(), [2.0, 2.0])


def test_copy_of_state_in_defaults_is_separate():
    x, y = pt.dvectors("x", "y")
    f = function([y, In(x, value=[0.0], update=x + y)], x, mode=MODE)
    f([1.0])
    g = copy.copy(f)
    g([1.0])
    assert f["x"] == [1.0] and g["x"] == [2.0]


def test_swap(counter):
    f, s = counter
    other = shared(np.full(2, 10.0), name="other")
    for key in (s, "s"):
        g = f.copy(swap={key: other}, name="g")
        assert g.get_shared() == [other] and g.name == "g"
        assert g.maker.fgraph.inputs[1].container is other.container
    g(ONE)
    np.testing.assert_array_equal(other.get_value(), [11.0, 11.0])
    np.testing.assert_array_equal(s.get_value(), [0.0, 0.0])
    # A copy of the copy keeps the swap, also where it is compiled again.
    h = g.copy(delete_updates=True)
    np.testing.assert_array_equal(h(ONE), [11.0, 11.0])
    np.testing.assert_array_equal(
        g.copy(profile=ProfileStats(atexit_print=False))(ONE), [11.0, 11.0]
    )


def test_swap_errors(counter):
    f, s = counter
    with pytest.raises(TypeError, match="must be swapped for a variable of type"):
        f.copy(swap={s: shared(np.zeros((2, 2)))})
    with pytest.raises(ValueError, match="not shared variables of the function"):
        f.copy(swap={shared(ONE): shared(ONE)})


def test_delete_updates(counter):
    f, s = counter
    g = f.copy(delete_updates=True)
    g(ONE)
    np.testing.assert_array_equal(s.get_value(), [0.0, 0.0])
    assert len(g.maker.fgraph.outputs) == 1
    f(ONE)
    np.testing.assert_array_equal(s.get_value(), [1.0, 1.0])


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda f: pickle.loads(pickle.dumps(f))])
def test_deepcopy_and_pickle_are_independent(counter, duplicate):
    f, s = counter
    f(ONE)
    g = duplicate(f)
    np.testing.assert_array_equal(g(ONE), [1.0, 1.0])
    np.testing.assert_array_equal(g(ONE), [2.0, 2.0])
    np.testing.assert_array_equal(s.get_value(), [1.0, 1.0])
    assert g.name == "counter" and [v.name for v in g.get_shared()] == ["s"]
    # What was copied can be copied again, in every way.
    np.testing.assert_array_equal(duplicate(g)(ONE), [3.0, 3.0])
    h = g.copy(delete_updates=True)
    h(ONE)
    np.testing.assert_array_equal(h(ONE), [3.0, 3.0])


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda f: pickle.loads(pickle.dumps(f))])
def test_functions_copied_together_stay_connected(duplicate):
    x = pt.dvector("x")
    s = shared(np.zeros(2), name="s")
    both = [function([x], [], updates={s: s + x}, mode=MODE), function([], s, mode=MODE)]
    write, read = duplicate(both)
    write(ONE)
    np.testing.assert_array_equal(read(), [1.0, 1.0])
    np.testing.assert_array_equal(s.get_value(), [0.0, 0.0])


def test_unpickling_rewrites_nothing(counter, monkeypatch):
    text = pickle.dumps(counter[0])
    monkeypatch.setattr(Mode, "optimizer", property(lambda self: pytest.fail("rewritten")))
    np.testing.assert_array_equal(pickle.loads(text)(ONE), [0.0, 0.0])


def test_unpickling_can_be_switched_off(counter):
    with config.change_flags(unpickle_function=False):
        assert pickle.loads(pickle.dumps(counter[0])) is None


def test_pickle_of_a_deep_graph():
    x = pt.dscalar("x")
    z = x
    for _ in range(2000):
        z = z + x
    f = function([x], z, mode=Mode("py", None))
    assert pickle.loads(pickle.dumps(f))(1.0) == 2001.0


def test_pickle_in_a_new_process(counter, tmp_path):
    f, _ = counter
    path = tmp_path / "f.pkl"
    path.write_bytes(pickle.dumps(f))
    code = f"import pickle; f = pickle.load(open({str(path)!r}, 'rb')); f([1., 2.]); print(f([1., 2.]))"
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert found.stdout.split() == ["[1.", "2.]"] and not found.stderr
