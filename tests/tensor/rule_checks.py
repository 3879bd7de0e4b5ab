"""What tests of rules share: an expression before and after rewriting, and its value."""

from collections import Counter

import numpy as np

from pytensor import function
from pytensor.compile.mode import Mode
from pytensor.configdefaults import config
from pytensor.graph.fg import FunctionGraph
from pytensor.graph.rewriting.stages import optdb
from pytensor.graph.traversal import explicit_graph_inputs

UNREWRITTEN = Mode("py", None)
STAGES = ("+ShapeOpt", "+useless", "+canonicalize", "+stabilize", "+specialize")


def rewritten(*outputs, stages=STAGES, exclude=()):
    """Return the graph of `outputs` after some stages; a rule that raises fails the test."""
    fgraph = FunctionGraph(outputs=list(outputs), clone=True, copy_inputs=False)
    tags = [*stages, *(f"-{name}" for name in exclude)]
    with config.change_flags(on_opt_error="raise"):
        optdb.query(*tags).rewrite(fgraph)
    return fgraph


def ops(fgraph) -> dict[str, int]:
    """Return how many nodes there are of each class of Op; scalar functions by their name."""
    return dict(Counter(_name(node.op) for node in fgraph.apply_nodes))


def _name(op) -> str:
    scalar = getattr(op, "scalar_op", None)
    reduces = hasattr(op, "axis")
    return str(scalar) if scalar is not None and not reduces else type(op).__name__


def same_value(outputs, values, fgraph=None):
    """Check that rewriting leaves the values of `outputs` alone; return them.

    Parameters
    ----------
    outputs
        Variables.
    values
        A mapping from inputs to arrays.
    fgraph
        The rewritten graph; made from `outputs` if it is not given.
    """
    fgraph = rewritten(*outputs) if fgraph is None else fgraph
    inputs = [v for v in explicit_graph_inputs(outputs) if v in values]
    args = [values[v] for v in inputs]
    expected = function(inputs, list(outputs), mode=UNREWRITTEN)(*args)
    found = function(inputs, fgraph.outputs, mode=UNREWRITTEN, on_unused_input="ignore")(*args)
    for a, b in zip(expected, found, strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_allclose(b, a, rtol=1e-10, atol=1e-12, strict=True)
    return found
