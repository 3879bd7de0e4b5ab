"""Small helpers: lazy modules, flat lists, ordered sets."""

import os
import pathlib
import pickle
import subprocess
import sys
from collections.abc import MutableSet

import pytest

from pytensor.utils import (
    LOCAL_BITWIDTH,
    PYTHON_INT_BITWIDTH,
    OrderedSet,
    difference,
    flatten,
    late,
    lazy_scipy_module,
)


def test_bits():
    assert LOCAL_BITWIDTH in (32, 64) and PYTHON_INT_BITWIDTH in (32, 64)
    assert (sys.maxsize > 2**32) == (LOCAL_BITWIDTH == 64)


def test_scipy_comes_with_the_first_attribute():
    code = (
        "import sys; from pytensor.utils import lazy_scipy_module as lazy\n"
        "m = lazy('special'); print('scipy' in sys.modules, repr(m))\n"
        "print(m.gamma(5.0), 'scipy.special' in sys.modules, 'gamma' in vars(m))"
    )
    env = os.environ | {"PYTHONPATH": str(pathlib.Path(__file__).resolve().parents[1])}
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True
    )
    assert done.stdout == "False <lazy module 'scipy.special'>\n24.0 True True\n"


def test_lazy_module_behaves_like_the_real_one():
    special = lazy_scipy_module("special")
    assert lazy_scipy_module("special") is special
    assert "gamma" in dir(special)
    assert pickle.loads(pickle.dumps(special)) is special
    with pytest.raises(AttributeError, match=r"module 'scipy\.special' has no attribute 'nothing'"):
        special.nothing  # noqa: B018
    with pytest.raises(AttributeError, match="__path__"):
        special.__path__  # noqa: B018
    assert lazy_scipy_module().__version__


def test_late():
    assert late("collections:OrderedDict")() == {}
    with pytest.raises(AttributeError, match="nothing"):
        late("collections:nothing")


def test_difference_and_flatten():
    assert difference([3, 1, 2, 1], {1}) == [3, 2]
    assert difference([[1], [2]], [[2]]) == [[1]]
    assert flatten([1, (2, [3, {4}]), "ab", []]) == [1, 2, 3, 4, "ab"]
    assert flatten(5) == [5]
    deep = []
    for _ in range(10_000):
        deep = [deep]
    assert flatten(deep) == []


class TestOrderedSet:
    def test_keeps_the_order_of_arrival(self):
        s = OrderedSet([3, 1, 2])
        s.add(1)
        s.add(0)
        s.update([5, 3], [4])
        assert list(s) == [3, 1, 2, 0, 5, 4]
        s.remove(1)
        s.discard(1)
        s.difference_update([5, 7])
        assert list(s) == [3, 2, 0, 4]
        assert (s.pop(), s.pop(last=False), list(s)) == (4, 3, [2, 0])
        assert repr(s) == "OrderedSet([2, 0])"

    def test_refuses_what_sets_refuse(self):
        with pytest.raises(KeyError):
            OrderedSet().pop()
        with pytest.raises(KeyError):
            OrderedSet([1]).remove(2)
        with pytest.raises(TypeError):
            hash(OrderedSet())

    def test_algebra(self):
        s = OrderedSet([3, 1, 2])
        assert list(s | [9, 1]) == list(s.union([9], [1])) == [3, 1, 2, 9]
        assert list([9, 1] | s) == [9, 1, 3, 2]
        assert list(s - {1}) == list(s.difference([1])) == [3, 2]
        assert list([9, 1] - s) == [9]
        assert list(s & [2, 3]) == [3, 2] and list({2} & s) == [2]
        assert OrderedSet([1]) <= s and s >= [1, 2] and not s <= OrderedSet([1])
        assert s.isdisjoint([4]) and not s.isdisjoint([2])
        t = s.copy()
        t |= [7]
        t -= [3]
        assert list(t) == [1, 2, 7] and list(s) == [3, 1, 2]

    def test_equality_and_kind(self):
        s = OrderedSet([1, 2])
        assert s == OrderedSet([2, 1]) and s == {1, 2} and {1, 2} == s and s == frozenset({2, 1})
        assert s != {1} and s != OrderedSet([1, 3]) and s != [1, 2]
        assert isinstance(s, MutableSet)
        back = pickle.loads(pickle.dumps(OrderedSet([2, 1])))
        assert isinstance(back, OrderedSet) and list(back) == [2, 1]
