"""A graph that goes in a circle gives an error that names the circle, and never an endless loop."""

import pickle

import pytest
from graph_helpers import inplace, op1, op2, op3, op4, var

from pytensor.graph.basic import nodes_in_order
from pytensor.graph.destroyhandler import DestroyHandler
from pytensor.graph.features import ReplaceValidate
from pytensor.graph.fg import FunctionGraph
from pytensor.graph.traversal import ancestors, graph_inputs, io_toposort, toposort, walk_toposort
from pytensor.graph.utils import CycleError, InconsistencyError
from pytensor.printing import debugprint


@pytest.fixture
def circle():
    """Op3(Op2(Op1(x))) after Op1's output was replaced by something that needs Op2."""
    x = var("x")
    y = op1(x)
    z = op2(y)
    fg = FunctionGraph([x], [op3(z)], clone=False)
    fg.replace(y, op4(z), reason="a wrong rule")
    return fg


@pytest.mark.parametrize(
    "ask",
    [
        lambda fg: fg.toposort(),
        lambda fg: fg.check_integrity(),
        lambda fg: fg.clone(),
        lambda fg: fg.freeze(),
        lambda fg: pickle.dumps(fg),
        lambda fg: nodes_in_order(fg.outputs),
        lambda fg: io_toposort(fg.inputs, fg.outputs),
        lambda fg: list(toposort(fg.outputs)),
    ],
)
def test_error_names_the_circle(circle, ask):
    with pytest.raises(
        CycleError, match="graph must not contain cycles, got Op2 <- Op4 <- Op2"
    ) as e:
        ask(circle)
    assert "in  test_cycles.py:" in str(e.value) and "z = op2(y)" in str(e.value)
    assert isinstance(e.value, InconsistencyError) and isinstance(e.value, ValueError)
    assert str(pickle.loads(pickle.dumps(e.value))) == str(e.value)


def test_walks_end(circle):
    assert len(list(ancestors(circle.outputs))) == 3
    assert list(graph_inputs(circle.outputs)) == []


def test_can_be_looked_at(circle):
    assert "must not contain cycles" in repr(circle)
    assert debugprint(circle, file="str", id_type="") == (
        "Op3\n └─ Op2\n    └─ Op4\n       └─ Op2\n          └─ ···\n"
    )


def test_node_that_needs_itself():
    x = var("x")
    y = op1(x)
    fg = FunctionGraph([x], [y], clone=False)
    fg.replace(x, y)
    with pytest.raises(CycleError, match="got Op1 <- Op1"):
        fg.toposort()


def test_long_circle_is_abridged():
    with pytest.raises(CycleError, match=r"got 9 <- 8 <- 7 <- \(5 more\) <- 1 <- 0 <- 9"):
        list(walk_toposort([9], lambda i: [(i - 1) % 10]))


def test_known_variables_break_a_circle(circle):
    (z,) = (node.inputs[0] for node in circle.apply_nodes if node.op == op3)
    assert [node.op for node in nodes_in_order(circle.outputs, {z})] == [op3]


def test_diamonds_are_no_circles():
    y = var("x")
    for _ in range(50):
        y = op1(y, y)
    assert len(nodes_in_order([y, y])) == len(list(toposort([y]))) == 50


def test_validated_replacement_is_taken_back():
    x = var("x")
    y = op1(x)
    z = op2(y)
    fg = FunctionGraph(
        [x], [op3(z), inplace(op4(x))], clone=False, features=[DestroyHandler(), ReplaceValidate()]
    )
    fg.validate()
    before = fg.toposort()
    with pytest.raises(InconsistencyError, match="must not contain cycles"):
        fg.replace_all_validate([(y, op4(z))])
    assert fg.toposort() == before
    fg.validate()
