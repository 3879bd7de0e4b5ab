"""What an expression is: types, variables, nodes, Ops, and graphs that can be changed."""

from pytensor.graph.utils import (
    InconsistencyError,
    MetaObject,
    MetaType,
    MethodNotDefined,
    MissingInputError,
)
from pytensor.graph.basic import Apply, Constant, Variable, clone, equal_computations
from pytensor.graph.type import Type
from pytensor.graph.op import Op
from pytensor.graph.traversal import ancestors, explicit_graph_inputs, graph_inputs
