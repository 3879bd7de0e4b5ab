"""The Python virtual machine: order, laziness, memory, errors."""

import weakref

import numpy as np
import pytest

import pytensor.tensor as pt
from pytensor.compile.maker import function
from pytensor.compile.mode import Mode
from pytensor.graph.basic import Apply
from pytensor.graph.fg import FunctionGraph
from pytensor.graph.op import Op
from pytensor.ifelse import ifelse
from pytensor.link.py.linker import PyLinker
from pytensor.link.schedule import schedule
from pytensor.tensor.type import TensorType

VECTOR = TensorType("float64", shape=(None,))
MODE = Mode("py", None)


class Note(Op):
    """x + 0, appending `name` to `log` and a weak reference of the result to `results`."""

    __props__ = ("name",)

    def __init__(self, name, log, results=None):
        self.name = name
        self.log = log
        self.results = results

    def make_node(self, *inputs):
        return Apply(self, inputs, [VECTOR()])

    def perform(self, node, inputs, output_storage):
        self.log.append(self.name)
        if self.results is not None:
            self.results.append([r() is not None for r in self.results if callable(r)])
        output_storage[0][0] = inputs[0] + 0.0
        if self.results is not None:
            self.results.append(weakref.ref(output_storage[0][0]))


class Overwrite(Op):
    """x <- x + y."""

    __props__ = ()
    destroy_map = {0: [0]}

    def make_node(self, x, y):
        return Apply(self, [x, y], [VECTOR()])

    def perform(self, node, inputs, output_storage):
        output_storage[0][0] = np.add(*inputs, out=inputs[0])


class OnlyThunk(Op):
    """2 x, by a thunk of its own."""

    __props__ = ()

    def make_node(self, x):
        return Apply(self, [x], [VECTOR()])

    def make_thunk(self, node, storage_map, compute_map, no_recycling, impl=None):
        (given,) = (storage_map[v] for v in node.inputs)
        (result,) = (storage_map[v] for v in node.outputs)

        def thunk():
            result[0] = given[0] * 2

        thunk.lazy = False
        return thunk


def test_op_with_a_thunk_only():
    x = VECTOR("x")
    f = function([x], OnlyThunk()(OnlyThunk()(x)), mode=MODE)
    assert f([1.0]) == [4.0] and f([2.0]) == [8.0]


def test_values_are_freed_when_nobody_reads_them():
    for allow_gc, alive in ((True, False), (False, True)):
        log, results = [], []
        x = VECTOR("x")
        a = Note("a", log, results)(x)
        c = Note("c", log, results)(Note("b", log, results)(a))
        program = PyLinker(allow_gc=allow_gc).make_program(FunctionGraph([x], [c]))
        program(np.ones(1))
        seen_by_c = [r for r in results if isinstance(r, list)][-1]
        assert seen_by_c[0] is alive


@pytest.mark.parametrize("truth, want", [(True, ["then"]), (False, ["else"])])
def test_only_one_branch_runs(truth, want):
    log = []
    c, x = pt.bscalar("c"), VECTOR("x")
    z = ifelse(c, Note("then", log)(x), Note("else", log)(Note("else", log)(x)))
    function([c, x], z, mode=MODE)(truth, [1.0])
    assert set(log) == set(want)


def test_what_both_branches_need_runs_once():
    log = []
    c, x = pt.bscalar("c"), VECTOR("x")
    both = Note("both", log)(x)
    z = ifelse(c, Note("then", log)(both), Note("else", log)(both))
    function([c, x], z, mode=MODE)(0, [1.0])
    assert log == ["both", "else"]


def test_nested_choices():
    log = []
    c, d, x = pt.bscalar("c"), pt.bscalar("d"), VECTOR("x")
    inner = ifelse(d, Note("yes yes", log)(x), Note("yes no", log)(x))
    f = function([c, d, x], ifelse(c, inner, Note("no", log)(x)), mode=MODE)
    for values, want in (((1, 1), "yes yes"), ((1, 0), "yes no"), ((0, 1), "no")):
        log.clear()
        f(*values, [1.0])
        assert log == [want]


def test_computed_condition_runs_before_branches():
    log = []
    x = VECTOR("x")
    condition = Note("condition", log)(x).sum() > 0
    z = ifelse(condition, Note("then", log)(x), Note("else", log)(x))
    f = function([x], z, mode=MODE)
    f([1.0])
    assert log == ["condition", "then"]


def test_branch_that_is_an_output_runs():
    log = []
    c, x = pt.bscalar("c"), VECTOR("x")
    then = Note("then", log)(x)
    f = function([c, x], [ifelse(c, then, Note("else", log)(x)), then], mode=MODE)
    f(0, [1.0])
    assert sorted(log) == ["else", "then"]


def test_nodes_that_overwrite_inputs_run_last():
    x, y = VECTOR("x"), VECTOR("y")
    log = []
    z = Overwrite()(x, y)
    other = Note("a", log)(Note("b", log)(y))
    plan = schedule(FunctionGraph([x, y], [z, other]))
    assert isinstance(plan.order[-1].op, Overwrite) and plan.fragile_inputs == ()
    plan = schedule(FunctionGraph([x, y], [Note("c", log)(z), other]))
    assert plan.fragile_inputs == (0,)


def test_deep_graph():
    x = VECTOR("x")
    z = x
    op = Note("n", [])
    for _ in range(5_000):
        z = op(z)
    program = PyLinker().make_program(FunctionGraph([x], [z]))
    assert program(np.ones(1)) == [[1.0]]


def test_wrong_number_of_values():
    x = VECTOR("x")
    program = PyLinker().make_program(FunctionGraph([x], [Note("a", [])(x)]))
    with pytest.raises(TypeError, match="1 inputs, got 2"):
        program(np.ones(1), np.ones(1))


def test_callback_replaces_the_run_of_each_node():
    seen = []

    def callback(fgraph, i, node, run):
        run()
        seen.append((i, node.op.name, run.inputs[0][0].tolist(), run.outputs[0][0].tolist()))

    x = VECTOR("x")
    z = Note("b", [])(Note("a", [])(x))
    program = PyLinker(callback=callback).make_program(FunctionGraph([x], [z]))
    program(np.ones(1))
    assert seen == [(0, "a", [1.0], [1.0]), (1, "b", [1.0], [1.0])]


def test_thunk_over_cells():
    x = VECTOR("x")
    fgraph = FunctionGraph([x], [OnlyThunk()(x)])
    thunk, (given,), (result,) = PyLinker().accept(fgraph).make_thunk()
    given.value = [3.0]
    thunk()
    assert result.value == [6.0]
    with pytest.raises(ValueError, match="accept a graph"):
        PyLinker().make_thunk()


def test_interrupt_passes_unchanged():
    class Interrupted(Note):
        def perform(self, node, inputs, output_storage):
            raise KeyboardInterrupt

    x = VECTOR("x")
    f = function([x], Interrupted("i", [])(x), mode=MODE)
    with pytest.raises(KeyboardInterrupt) as error:
        f([1.0])
    assert not error.value.args
