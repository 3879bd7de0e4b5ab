"""Shared variables and their containers."""

import copy
import pickle

import numpy as np
import pytest

import pytensor.tensor as pt
from pytensor.compile.sharedvalue import (
    Container,
    SharedVariable,
    collect_new_shareds,
    generic,
    shared,
    shared_constructor,
)


def test_borrow():
    a = np.zeros(3)
    s = shared(a, name="s")
    a[0] = 1.0
    assert s.get_value()[0] == 0.0
    assert s.get_value() is not s.get_value()
    assert s.get_value(borrow=True) is s.get_value(borrow=True)
    s.set_value(a, borrow=True)
    assert s.get_value(borrow=True) is a
    s.set_value(a)
    assert not np.shares_memory(s.get_value(borrow=True), a)
    assert shared(a, borrow=True).get_value(borrow=True) is a


def test_values_are_filtered():
    s = shared(np.zeros(3), name="s")
    s.set_value([1, 2])
    assert s.get_value().dtype == "float64"
    with pytest.raises(TypeError) as error:
        s.set_value(np.zeros((2, 2)))
    assert 'Container name "s"' in error.value.__notes__
    assert s.get_value().tolist() == [1.0, 2.0]


def test_of_a_variable():
    with pytest.raises(TypeError, match="can not be symbolic"):
        shared(pt.dscalar())


def test_anything_else_is_generic():
    thing = object()
    s = shared(thing, name="thing")
    assert s.type == generic and s.get_value(borrow=True) is thing
    with pytest.raises(TypeError, match="nonsense"):
        shared(object(), nonsense=1)


def test_registering_a_constructor():
    class Special:
        pass

    @shared_constructor.register(Special)
    def special(value, name=None, strict=False, allow_downcast=None, **kwargs):
        return SharedVariable(generic, value, strict, name=f"special {name}")

    assert shared(Special(), name="a").name == "special a"


def test_clone_shares_the_container():
    s = shared(np.zeros(1), name="s")
    c = s.clone()
    assert c is not s and c.container is s.container and c.name == "s" and type(c) is type(s)
    assert s.clone(name="t").name == "t"


def test_default_update_must_have_the_type():
    s = shared(np.zeros(1))
    s.default_update = s + 1
    with pytest.raises(TypeError):
        s.default_update = pt.dmatrix()
    s.default_update = None
    assert s.default_update is None


def test_collect_new_shareds():
    shared(1.0)
    with collect_new_shareds() as outer:
        a = shared(1.0)
        with collect_new_shareds() as inner:
            b = shared(2.0)
    shared(1.0)
    assert outer == [a, b] and inner == [b]


def test_copies_of_containers():
    c = Container(pt.dvector("c"), [np.zeros(1)])
    first, second = copy.deepcopy([c, c])
    assert first is second and first.storage[0] is not c.storage[0] and first.name == "c"
    loaded = pickle.loads(pickle.dumps(c))
    assert loaded.value == [0.0] and loaded.lock is not c.lock


def test_read_only_container():
    c = Container(pt.dvector("c"), [None], readonly=True)
    with pytest.raises(ValueError, match="read-only"):
        c.value = [1.0]
    with pytest.raises(TypeError, match="one element"):
        Container(pt.dvector("c"), None)
