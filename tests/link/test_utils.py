"""Errors of running functions, and names and sources made at run time."""

import re
import traceback

import numpy as np
import pytest

from pytensor.compile.maker import function
from pytensor.compile.mode import Mode
from pytensor.configdefaults import config
from pytensor.graph.basic import Apply
from pytensor.graph.op import Op
from pytensor.link.utils import (
    compile_function_src,
    gc_helper,
    get_name_for_object,
    unique_name_generator,
)
from pytensor.tensor.type import TensorType

VECTOR = TensorType("float64", shape=(None,))


class Odd(Exception):
    def __str__(self):
        return "odd"


class Fail(Op):
    __props__ = ()

    def __init__(self, error):
        self.error = error

    def make_node(self, *inputs):
        return Apply(self, inputs, [VECTOR()])

    def perform(self, node, inputs, output_storage):
        raise self.error


def failing(error, n=1):
    xs = [VECTOR(f"x{i}") for i in range(n)]
    return function(xs, Fail(error)(*xs), mode=Mode("py", None))


@pytest.mark.parametrize(
    "error", [ValueError("no"), IndexError("no"), ZeroDivisionError(), KeyError("k"), Odd(1, 2)]
)
def test_class_and_identity_are_kept(error):
    with pytest.raises(type(error)) as caught:
        failing(error)(np.ones(3))
    assert caught.value is error
    text = "".join(traceback.format_exception_only(error))
    assert "Fail" in text and "x0" in text and "(3,)" in text and "test_utils.py" in text
    # The Op's own line is in the traceback.
    assert "raise self.error" in "".join(traceback.format_exception(error))


def test_length():
    with pytest.raises(ValueError) as caught:
        failing(ValueError("no"), n=40)(*[np.ones(1)] * 40)
    assert len(str(caught.value).splitlines()) <= 15
    assert "34 more operands" in str(caught.value)


def test_raised_twice_is_described_once():
    class Call(Fail):
        def __init__(self, inner):
            self.inner = inner

        def perform(self, node, inputs, output_storage):
            output_storage[0][0] = self.inner(*inputs)

    x = VECTOR("outer")
    f = function([x], Call(failing(ValueError("no")))(x), mode=Mode("py", None))
    with pytest.raises(ValueError) as caught:
        f(np.ones(1))
    assert str(caught.value).count("  in Fail") == 1 and "outer" not in str(caught.value)


def test_verbose_prints_the_graph():
    pytest.importorskip("pytensor.printing")
    with config.change_flags(exception_verbosity="high"), pytest.raises(ValueError) as caught:
        failing(ValueError("no"))(np.ones(1))
    assert "[id A]" in str(caught.value)


def test_gc_helper():
    x = VECTOR("x")
    first = Fail(None)(x)
    second = Fail(None)(first, x)
    computed, last = gc_helper([first.owner, second.owner])
    assert computed == {first, second} and last[x] is second.owner is last[first]


def test_unique_names():
    unique = unique_name_generator(["taken"])
    a, b = VECTOR("taken"), VECTOR("taken")
    names = [unique(a), unique(b), unique(VECTOR("1 + 1")), unique(VECTOR("for")), unique(VECTOR())]
    assert len(set(names)) == 5 and unique(a) == names[0] != "taken"
    assert all(re.fullmatch(r"[^\W\d]\w*", n) for n in names) and "for" not in names


def test_names_of_objects():
    assert get_name_for_object(np.add) == "add"
    assert get_name_for_object(lambda: 0).isidentifier()
    assert get_name_for_object(3) == "int"


def test_compiled_source_shows_in_tracebacks():
    f = compile_function_src("def f(x):\n    return x / zero\n", "f", {"zero": 0})
    with pytest.raises(ZeroDivisionError) as caught:
        f(1)
    assert "return x / zero" in "".join(traceback.format_exception(caught.value))
