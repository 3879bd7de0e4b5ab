"""What a rewrite makes carries the user's line of what it replaces."""

import pytensor.tensor as pt
from pytensor.graph.fg import FunctionGraph
from pytensor.graph.rewriting.basic import in2out, node_rewriter
from pytensor.graph.utils import source, user_frames
from pytensor.tensor.math import exp


def test_new_nodes_inherit_the_frames():
    x = pt.dvector("x")
    y = pt.sin(x)
    frames = y.tag.trace[0]

    @node_rewriter([pt.sin])
    def two_nodes(fgraph, node):
        return [exp(exp(node.inputs[0]))]

    fgraph = FunctionGraph([x], [y], clone=False)
    in2out(two_nodes).rewrite(fgraph)
    outer = fgraph.outputs[0]
    assert outer.tag.trace[0] == frames
    assert outer.owner.inputs[0].tag.trace[0] == frames


def test_the_source_is_reset_after_a_failure():
    x = pt.dvector("x")

    @node_rewriter([pt.sin])
    def fails(fgraph, node):
        raise RuntimeError

    fgraph = FunctionGraph([x], [pt.sin(x)], clone=True)
    in2out(fails, failure_callback=lambda *args: None).rewrite(fgraph)
    assert source.node is None
    assert user_frames()[0][0] == __file__
