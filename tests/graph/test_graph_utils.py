"""Errors, the user's line, `__props__`, scratchpads, association lists."""

import copy
import functools
import pickle
import threading

import pytest
from graph_helpers import const, op1, var

from pytensor.configdefaults import config
from pytensor.graph.utils import (
    AssocList,
    MetaObject,
    MissingInputError,
    Scratchpad,
    ValidatingScratchpad,
    add_tag_trace,
    get_variable_trace_string,
    simple_extract_stack,
    source,
    user_frames,
    user_line,
)


class Props(MetaObject):
    __props__ = ("a", "b")

    def __init__(self, a, b):
        self.a, self.b = a, b


class Sub(Props):
    pass


class Bare(MetaObject):
    __props__ = ()


class OwnEquality(MetaObject):
    __props__ = ("a",)

    def __init__(self, a):
        self.a = a

    def __eq__(self, other):
        return type(self) is type(other) and abs(self.a - other.a) < 10


class TestProps:
    def test_equality_and_hash(self):
        assert Props(1, 2) == Props(1, 2) and hash(Props(1, 2)) == hash(Props(1, 2))
        assert Props(1, 2) != Props(1, 3)
        assert Props(1, 2) != Sub(1, 2), "a subclass may compute something else"
        assert Bare() == Bare() and hash(Bare()) == hash(Bare())

    def test_own_equality_is_kept(self):
        assert OwnEquality(1) == OwnEquality(2) != OwnEquality(20)
        assert hash(OwnEquality(1)) == hash(OwnEquality(1))

    def test_text_and_values(self):
        thing = Props(1, "x")
        assert str(thing) == "Props{a=1, b=x}" and repr(thing) == "Props(a=1, b=x)"
        assert thing._props() == (1, "x") and thing._props_dict() == {"a": 1, "b": "x"}
        assert str(Bare()) == "Bare" and Bare()._props() == ()

    @pytest.mark.parametrize("props, got", [(["a"], "list"), ((1,), "1")])
    def test_refused(self, props, got):
        with pytest.raises(TypeError, match=rf"\[Bad\] __props__ must .*{got}"):
            type(MetaObject)("Bad", (MetaObject,), {"__props__": props})


class TestUserLine:
    def test_line(self):
        x = op1(var("x"))  # this very line
        assert user_line(x) == user_line(x.owner)
        name, _, text = user_line(x).partition(": ")
        assert name.startswith("test_graph_utils.py:")
        assert text == 'x = op1(var("x"))  # this very line'

    def test_line_of_code_without_a_file(self):
        space = {"op1": op1, "x": var("x")}
        exec(compile("y = op1(x)", "<made up>", "exec"), space)
        assert user_line(space["y"]) == "<made up>:1"

    def test_is_never_one_of_the_standard_library(self):
        dispatched = functools.singledispatch(lambda x: op1(x))
        made = dispatched(var("x"))
        files = [file for file, _, _ in made.tag.trace[0]]
        assert files[:2] == [__file__, __file__]
        assert not any(file.endswith("functools.py") for file in files)

    def test_limit(self):
        def inner():
            return op1(const(1.0))

        with config.change_flags(traceback__limit=2):
            (stack,) = inner().tag.trace
        assert [frame[2] for frame in stack] == ["inner", "test_limit"]
        with config.change_flags(traceback__limit=0):
            silent = inner()
        assert not hasattr(silent.tag, "trace")
        assert user_line(silent) == "" and get_variable_trace_string(silent) == ""

    def test_explicit_limit(self):
        x = var("x")
        del x.tag.trace
        assert add_tag_trace(x, 1) is x
        assert len(x.tag.trace[0]) == 1 and user_frames(0) == ()

    def test_nodes_made_by_a_rewrite_inherit_the_line(self):
        old = op1(var("x"))
        source.node = old.owner
        try:
            assert op1(var("y")).tag.trace == old.tag.trace
            assert user_frames(5)[0][2] == "test_nodes_made_by_a_rewrite_inherit_the_line"
            seen = []
            other = threading.Thread(target=lambda: seen.append(user_frames()))
            other.start()
            other.join()
            assert seen != [old.tag.trace[0]], "another thread rewrites something else"
        finally:
            source.node = None

    def test_trace_as_text(self):
        text = get_variable_trace_string(op1(var("x")))
        assert text.startswith("Backtrace when that variable is created:")
        assert "in test_trace_as_text" in text

    def test_stack(self):
        stack = simple_extract_stack(limit=2)
        assert stack[-1][2] == "test_stack" and len(stack) == 2
        assert simple_extract_stack(skips=["test_graph_utils"])[-1][2] != "test_stack"


class TestMissingInputError:
    def test_names_the_line(self):
        x = op1(var("x"))
        error = MissingInputError("x is missing", variable=x)
        assert str(error).startswith("x is missing\n  made in  test_graph_utils.py:")
        assert x not in vars(error).values()

    def test_wrong_keyword(self):
        with pytest.raises(TypeError, match="'other'"):
            MissingInputError("a", other=1)


class TestScratchpad:
    def test_notes(self, capsys):
        pad = Scratchpad()
        pad.a = [1]
        other = copy.copy(pad)
        other.b = 2
        assert other.a is pad.a and not hasattr(pad, "b")
        assert str(pad) == "scratchpad{'a': [1]}"
        pad.__update__(other).info()
        assert capsys.readouterr().out == "a: [1]\nb: 2\n"
        assert pickle.loads(pickle.dumps(pad)).b == 2
        pad.clear()
        assert not vars(pad)

    def test_validating(self):
        pad = ValidatingScratchpad("a", int)
        pad.a, pad.b = "3", "3"
        assert (pad.a, pad.b) == (3, "3")
        with pytest.raises(ValueError, match="three"):
            pad.a = "three"


class TestAssocList:
    @pytest.mark.parametrize("keys", [(1, "x"), ([1], ["x"]), ((1,), ["x"])])
    def test_mapping(self, keys):
        table = AssocList()
        for i, key in enumerate(keys):
            table[key] = i
        assert len(table) == 2 and all(table[key] == i for i, key in enumerate(keys))
        table[keys[0]] = 5
        assert len(table) == 2 and table.get(keys[0], None) == 5 and table.get([0], 7) == 7
        del table[keys[0]]
        assert keys[0] not in table and keys[1] in table
        with pytest.raises(KeyError):
            del table[keys[0]]
        with pytest.raises(KeyError):
            table[keys[0]]
        table.discard(keys[0])
        table.discard(keys[1])
        assert len(table) == 0 and repr(table) == "AssocList({}, [])"
        table[keys[1]] = 0
        table.clear()
        assert len(table) == 0
