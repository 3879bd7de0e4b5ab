"""What an expression is: types, variables, nodes, Ops, and graphs that can be changed."""

from pytensor.graph.basic import Apply, Constant, Variable, clone
from pytensor.graph.compare import equal_computations
from pytensor.graph.fg import FunctionGraph
from pytensor.graph.op import Op
from pytensor.graph.replace import clone_replace, graph_replace, vectorize_graph
from pytensor.graph.traversal import ancestors, explicit_graph_inputs, graph_inputs
from pytensor.graph.type import Type
from pytensor.utils import late as _late

# Rewriting is a room above this one, but its common names are public here.
_IN_REWRITING = {
    "RewriteDatabaseQuery": "db",
    "graph_rewriter": "basic",
    "node_rewriter": "basic",
    "rewrite_graph": "utils",
}


def __getattr__(name: str):
    if name in _IN_REWRITING:
        return _late(f"pytensor.graph.rewriting.{_IN_REWRITING[name]}:{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
