"""The rule language: how patterns are written down, guards and the trace."""

import pytest
from toy import op1, op2, variable

from pytensor.graph.fg import FunctionGraph
from pytensor.graph.rewriting.basic import EquilibriumGraphRewriter, in2out
from pytensor.graph.rewriting.pattern import (
    Product,
    Rule,
    Term,
    coefficients,
    guard,
    matrices,
    outer,
    rule,
    vectors,
)
from pytensor.graph.rewriting.trace import rewrite_trace

X, Y, Z = matrices("X Y Z")
x, y = vectors("x y")
alpha, beta = coefficients("alpha beta")


def test_patterns_are_sums_of_coefficient_times_core():
    pattern = beta * Z + alpha * (X @ Y)
    assert pattern.terms == (Term("beta", Z), Term("alpha", Product("@", (X, Y))))
    assert (Z + alpha * outer(x, y)).terms == (
        Term(None, Z),
        Term("alpha", Product("outer", (x, y))),
    )
    assert [s.ndim for s in (X, x)] == [2, 1]
    with pytest.raises(TypeError, match="coefficient"):
        alpha * 3


class OneNode:
    """A view in which every node is X @ Y with two inputs."""

    def tracks(self, terms):
        return [op1]

    def apply(self, rule, fgraph, node):
        left, right = node.inputs
        bindings = {"X": left, "Y": right}
        return [rule(**bindings)] if rule.accepts(node, bindings) else None


@guard
def differ(a, b):
    """The operands are not the same variable."""
    return a is not b


@rule(X @ Y, when=[differ(X, Y)], view=OneNode())
def swap(X, Y):
    """Exchange the operands under another op."""
    return op2(Y, X)


def test_rule_is_a_node_rewriter():
    assert isinstance(swap, Rule) and swap.tracks() == [op1] and str(swap) == "swap"
    assert swap.__doc__.startswith("Exchange")
    v, w = variable("v"), variable("w")
    fgraph = FunctionGraph(outputs=[op1(v, w)], clone=False)
    in2out(swap).rewrite(fgraph)
    assert fgraph.outputs[0].owner.inputs == [w, v]
    assert swap.transform(None, op2(v, w).owner) is False


def test_the_trace_names_the_guard_that_refused():
    v = variable("v")
    fgraph = FunctionGraph(outputs=[op1(v, v)], clone=False)
    with rewrite_trace() as trace:
        EquilibriumGraphRewriter([swap]).rewrite(fgraph)
    event = trace.first_refusal()
    assert (event.rewriter, event.detail) == ("swap", "differ")
    assert "swap refused (differ)" in str(event)
    assert fgraph.outputs[0].owner.op == op1
