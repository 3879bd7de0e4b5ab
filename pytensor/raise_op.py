"""Raise an exception when a condition does not hold at run time."""

import numpy as np

from pytensor.graph.basic import Apply, Constant, Variable
from pytensor.graph.null_type import disconnected_type
from pytensor.graph.op import Op
from pytensor.graph.replace import _vectorize_node
from pytensor.scalar.basic import ScalarType
from pytensor.tensor.basic import as_tensor_variable, cast
from pytensor.tensor.math import all as pt_all
from pytensor.tensor.type import TensorType

__all__ = ["Assert", "CheckAndRaise", "assert_op"]


def _as_condition(cond) -> Variable:
    """Return `cond` as a 0-d boolean tensor (or as the scalar it is)."""
    if isinstance(cond, bool | np.bool_):
        cond = np.asarray(cond)
    if isinstance(cond, Variable) and isinstance(cond.type, ScalarType):
        return cond
    cond = as_tensor_variable(cond)
    if cond.type.ndim != 0:
        raise TypeError(f"[CheckAndRaise] conditions must be scalars, got {cond.type}")
    return cond if cond.type.dtype == "bool" else cast(cond, "bool")


def _short(msg: str) -> str:
    return msg if len(msg) <= 30 else msg[:27] + "..."


class CheckAndRaise(Op):
    """Return the first input unchanged if all other inputs are true, otherwise raise.

    Parameters
    ----------
    exc_type
        Class of the exception.
    msg
        Its message.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> from pytensor.raise_op import CheckAndRaise
    >>> x = pt.scalar("x")
    >>> y = CheckAndRaise(ValueError, "x must be positive")(x, x > 0)
    """

    __props__ = ("msg", "exc_type")
    view_map = {0: [0]}

    def __init__(self, exc_type, msg=""):
        if not issubclass(exc_type, Exception):
            raise ValueError("`exc_type` must be an Exception subclass")
        self.exc_type = exc_type
        self.msg = msg

    def __str__(self):
        name = type(self).__name__
        return f"{name}{{raises={self.exc_type.__name__}, msg='{_short(self.msg)}'}}"

    def make_node(self, value, *conds):
        if not isinstance(value, Variable):
            value = as_tensor_variable(value)
        return Apply(self, [value, *(_as_condition(c) for c in conds)], [value.type()])

    def perform(self, node, inputs, output_storage):
        value, *conds = inputs
        if not all(bool(c) for c in conds):
            raise self.exc_type(self.msg)
        output_storage[0][0] = value

    def pullback(self, inputs, outputs, cotangents):
        return [*cotangents, *(disconnected_type() for _ in inputs[1:])]

    def pushforward(self, inputs, outputs, tangents):
        return [tangents[0]]

    def connection_pattern(self, node):
        return [[True], *([False] for _ in node.inputs[1:])]

    def infer_shape(self, fgraph, node, input_shapes):
        return [input_shapes[0]]

    def do_constant_folding(self, fgraph, node):
        """Fold only what does not raise, so that the error stays where the user put it."""
        return all(isinstance(c, Constant) and bool(c.data) for c in node.inputs[1:])


class Assert(CheckAndRaise):
    """Return the first input unchanged if all other inputs are true, else AssertionError.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> from pytensor.raise_op import Assert
    >>> x = pt.vector("x")
    >>> y = Assert("x must not be empty")(x, x.shape[0] > 0)
    """

    def __init__(self, msg="PyTensor Assert failed!"):
        super().__init__(AssertionError, msg)

    def __str__(self):
        return f"Assert{{msg='{_short(self.msg)}'}}"


assert_op = Assert()


@_vectorize_node.register(CheckAndRaise)
def vectorize_check_and_raise(op, node, batch_x, *batch_conds):
    """A batch passes when all of its items do."""
    conds = [
        pt_all(c) if isinstance(c.type, TensorType) and c.type.ndim else c for c in batch_conds
    ]
    return op.make_node(batch_x, *conds)
