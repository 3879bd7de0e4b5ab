"""Shapes as numbers, where those of the inputs are known."""

import numpy as np

from pytensor.graph.basic import Constant
from pytensor.graph.traversal import toposort
from pytensor.tensor._shape_ops import Shape, Shape_i
from pytensor.utils import late


def shape_of_variables(fgraph, input_shapes) -> dict:
    """Return the shapes of all variables; see `pytensor.tensor.utils.shape_of_variables`."""
    feature = getattr(fgraph, "shape_feature", None)
    if feature is None:
        feature = late("pytensor.tensor.rewriting.shape:ShapeFeature")()
        fgraph.attach_feature(feature)
    given = {
        v: np.broadcast_to(np.zeros((), dtype=v.type.dtype), tuple(int(n) for n in shape))
        for v, shape in input_shapes.items()
    }
    variables = [v for v in fgraph.variables if getattr(v.type, "shape", None) is not None]
    symbolic = {v: feature.shape_of[v] for v in variables if feature.shape_of.get(v) is not None}
    values: dict = {}
    _evaluate([n for lengths in symbolic.values() for n in lengths], given, values)
    return {
        v: tuple(np.asarray(_value(n, values)) for n in lengths) for v, lengths in symbolic.items()
    }


def _value(variable, values):
    if isinstance(variable, Constant):
        return variable.data
    if variable not in values:
        raise ValueError(
            f"[shape_of_variables] a shape depends on the value of {variable}, or on the shape of "
            "an input that is not given"
        )
    return values[variable]


def _evaluate(lengths, given: dict, values: dict) -> None:
    """Compute expressions of lengths with `Op.perform`; inputs may be asked for shapes only."""
    for node in toposort(lengths):
        storage: list = [[None] for _ in node.outputs]
        if isinstance(node.op, Shape | Shape_i) and node.inputs[0] in given:
            inputs = [given[node.inputs[0]]]
        else:
            inputs = [_value(i, values) for i in node.inputs]
        node.op.perform(node, inputs, storage)
        values.update(zip(node.outputs, (cell[0] for cell in storage), strict=True))
