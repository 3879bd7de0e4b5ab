"""Rewrites of inner graphs."""

import numpy as np

import pytensor.tensor as pt
from pytensor.compile.builders import OpFromGraph
from pytensor.compile.maker import function
from pytensor.compile.mode import Mode
from pytensor.compile.rewriting import inline_ofg_node, rewrite_inner_graph
from pytensor.graph.fg import FunctionGraph
from pytensor.graph.rewriting.basic import graph_rewriter
from pytensor.graph.traversal import applys_between
from pytensor.tensor.blockwise import Blockwise


def test_inline_ofg_node():
    x, a = pt.dvector("x"), pt.dvector("a")
    (out,) = inline_ofg_node(OpFromGraph([x], [x * 2])(a).owner)
    nodes = applys_between([a], [out])
    assert not any(isinstance(n.op, OpFromGraph) for n in nodes)
    assert out.eval({a: [1.0]}, mode=Mode("py", None)) == [2.0]


def test_rewrite_inner_graph_once_for_equal_ops():
    x, a = pt.dvector("x"), pt.dvector("a")
    op = OpFromGraph([x], [x * 2])
    batched = Blockwise(op, signature="(n)->(n)")
    fgraph = FunctionGraph([a], [op(op(a)), batched(pt.outer(a, a))])
    calls = []

    def halve(linker, op, node, inner, *, mode):
        calls.append((linker, op, mode))
        inner.replace(inner.outputs[0], inner.inputs[0] / 2)

    rewrite_inner_graph(fgraph, OpFromGraph, halve)
    assert len(calls) == 1
    f = function(fgraph.inputs, fgraph.outputs, mode=Mode("py", None))
    plain, matrix = f(np.array([4.0, 8.0]))
    assert plain.tolist() == [1.0, 2.0] and matrix.tolist() == [[8.0, 16.0], [16.0, 32.0]]


def test_mode_of_the_function_is_known():
    seen = []

    @graph_rewriter
    def look(fgraph):
        rewrite_inner_graph(
            fgraph, lambda op: isinstance(op, OpFromGraph), lambda *a, mode: seen.append(mode)
        )

    x, a = pt.dvector("x"), pt.dvector("a")
    mode = Mode("py", look)
    function([a], OpFromGraph([x], [x * 2])(a), mode=mode)
    assert seen == [mode]
