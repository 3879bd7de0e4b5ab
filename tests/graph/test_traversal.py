import pytest
from graph_helpers import const, op1, op2, op3, two_out, var

from pytensor.graph import traversal as t
from pytensor.graph.op import io_connection_pattern


@pytest.fixture
def graph():
    x, y = var("x"), var("y")
    a = op1(x, y)
    b = op2(a)
    return x, y, a, b, op3(b, x)


def test_ancestors(graph):
    x, y, a, b, c = graph
    assert list(t.ancestors([c])) == [c, x, b, a, y]
    assert list(t.ancestors([c], blockers=[b])) == [c, x, b]
    assert list(t.apply_ancestors([c])) == [c.owner, b.owner, a.owner]


def test_inputs(graph):
    x, y, a, b, c = graph
    one = const(1.0)
    assert list(t.graph_inputs([c])) == [x, y]
    assert set(t.graph_inputs([op1(c, one)])) == {x, y, one}
    assert set(t.explicit_graph_inputs(op1(c, one))) == {x, y}


def test_between(graph):
    x, y, a, b, c = graph
    assert set(t.vars_between([x], [c])) == {x, y, a, b, c}
    assert set(t.vars_between([b, x], [c])) == {x, b, c}
    assert list(t.orphans_between([x], [c])) == [y]
    assert set(t.applys_between([a], [c])) == {b.owner, c.owner}


def test_depends(graph):
    x, y, a, b, c = graph
    assert t.variable_depends_on(c, a) and t.variable_depends_on(c, [y])
    assert not t.variable_depends_on(a, c)
    assert t.apply_depends_on(c.owner, a.owner) and not t.apply_depends_on(a.owner, [c.owner])


def test_truncated_inputs(graph):
    x, y, a, b, c = graph
    assert t.truncated_graph_inputs([c]) == [c]
    assert t.truncated_graph_inputs([c], [b]) == [b, x]
    assert t.truncated_graph_inputs([c], [a, b]) == [b, a, x]
    assert t.truncated_graph_inputs([c], [var("z")]) == [c]
    assert t.truncated_graph_inputs([c], [c]) == [c]


def test_toposort(graph):
    x, y, a, b, c = graph
    order = [a.owner, b.owner, c.owner]
    assert list(t.toposort([c])) == order
    assert list(t.toposort([c], blockers=[a])) == order[1:]
    clients = {}
    assert t.io_toposort([x, y], [c], clients=clients) == order
    assert clients[x] == [a, c]


def test_toposort_obeys_orderings():
    x = var("x")
    a, b = op1(x), op2(x)
    plain = t.io_toposort([x], [a, b])
    turned = t.io_toposort([x], [a, b], orderings={plain[0]: [plain[1]]})
    assert turned == plain[::-1]
    with pytest.raises(ValueError, match="cycle"):
        t.io_toposort([x], [a, b], orderings={a.owner: [b.owner], b.owner: [a.owner]})


def test_general_toposort_counts_each_dependency_once():
    calls = []

    def deps(n):
        calls.append(n)
        return range(n)

    clients = {}
    assert t.general_toposort([50], deps, clients=clients) == list(range(51))
    assert len(calls) == 51
    assert sorted(clients[0]) == list(range(1, 51))


def test_walk():
    def expand(n):
        return [2 * n, 2 * n + 1] if n < 4 else None

    assert list(t.walk([1], expand)) == [1, 2, 3, 4, 5, 6, 7]
    assert list(t.walk([1], expand, bfs=False)) == [1, 3, 7, 6, 2, 5, 4]
    assert next(t.walk([1], expand, return_children=True)) == (1, [2, 3])


def test_get_var_by_name(graph):
    x, *_, c = graph
    assert t.get_var_by_name([c], "x") == (x,)
    assert t.get_var_by_name([c], "nobody") == ()


def test_connection_pattern(graph):
    x, y, a, b, c = graph
    assert io_connection_pattern([x, y], [a, c]) == [[True, True], [True, True]]
    u, v = two_out(x)
    u.owner.op.connection_pattern = lambda node: [[True, False]]
    try:
        assert io_connection_pattern([x, y], [u, v]) == [[True, False], [False, False]]
    finally:
        del u.owner.op.connection_pattern
