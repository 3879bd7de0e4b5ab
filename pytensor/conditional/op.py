"""``ifelse``: a choice between two groups of variables, of which only one is computed.

The lazy protocol: an Op with ``lazy = True`` offers ``required_inputs(values)``. A linker that
can postpone work calls it with what it has (None for an input that has not been computed) and
gets back the positions of the inputs to compute next, or an empty tuple when `perform` may run.
`perform` looks at no other inputs. Linkers without it compute both branches, with the same result.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from pytensor.graph.basic import Apply, Variable
from pytensor.graph.null_type import DisconnectedType, disconnected_type
from pytensor.graph.op import Op
from pytensor.graph.replace import _vectorize_node
from pytensor.graph.rewriting.stages import optdb
from pytensor.scalar.basic import ScalarType
from pytensor.scalar.type import upcast
from pytensor.tensor.basic import alloc, as_tensor_variable, constant
from pytensor.tensor.blockwise import vectorize_node_fallback
from pytensor.tensor.math import switch
from pytensor.tensor.type import TensorType

# Rules about choices are worth loading once there is one.
optdb.add_rule_modules("pytensor.conditional.rewriting")


def _common_type(then_type, else_type):
    """Type that holds values of both branches: static dimensions that differ become unknown."""
    if then_type == else_type:
        return then_type
    if not (isinstance(then_type, TensorType) and isinstance(else_type, TensorType)):
        raise TypeError(
            "IfElse requires compatible types for both branches: "
            f"got true_branch={then_type}, false_branch={else_type}"
        )
    for what, shown in (("ndim", "ndim values"), ("dtype", "dtypes")):
        first, second = getattr(then_type, what), getattr(else_type, what)
        if first != second:
            raise TypeError(
                f"IfElse requires compatible {shown} for both branches: "
                f"got true_branch={first}, false_branch={second}"
            )
    shape = tuple(
        a if a == b else None for a, b in zip(then_type.shape, else_type.shape, strict=True)
    )
    return then_type.clone(shape=shape)


class IfElse(Op):
    """``then_values if condition else else_values`` for groups of variables.

    Parameters
    ----------
    n_outs
        Number of variables in each branch.
    as_view
        Return the chosen values themselves, not copies.
    name
        Shown when printed.
    """

    __props__ = ("as_view", "n_outs")
    lazy = True

    def __init__(self, n_outs, as_view=False, name=None):
        self.n_outs = int(n_outs)
        self.as_view = bool(as_view)
        self.name = name
        if self.as_view:
            # Either branch may be what an output views; the destroy handler knows one root only
            self.view_map = {i: [1 + i] for i in range(self.n_outs)}

    def __str__(self):
        details = "inplace" if self.as_view else ""
        name = self.name or ""
        inside = ",".join(t for t in (details, name) if t)
        return f"if{{{inside}}}"

    def make_node(self, condition, *true_false_branches):
        if len(true_false_branches) != 2 * self.n_outs:
            raise ValueError(
                f"[IfElse] must have {2 * self.n_outs} values in its branches, "
                f"got {len(true_false_branches)}"
            )
        if not (isinstance(condition, Variable) and isinstance(condition.type, ScalarType)):
            condition = as_tensor_variable(condition)
            if condition.type.ndim > 0:
                raise TypeError("The condition argument must be a truthy scalar value")
        values = [
            v if isinstance(v, Variable) else as_tensor_variable(v) for v in true_false_branches
        ]
        then_values, else_values = values[: self.n_outs], values[self.n_outs :]
        types = [
            _common_type(t.type, e.type) for t, e in zip(then_values, else_values, strict=True)
        ]
        return Apply(self, [condition, *values], [t() for t in types])

    def required_inputs(self, values: Sequence[Any]) -> tuple[int, ...]:
        """Return the positions of the inputs that `perform` still needs (see the module)."""
        if values[0] is None:
            return (0,)
        first = 1 if _truth(values[0]) else 1 + self.n_outs
        return tuple(i for i in range(first, first + self.n_outs) if values[i] is None)

    def perform(self, node, inputs, output_storage):
        first = 1 if _truth(inputs[0]) else 1 + self.n_outs
        for storage, value in zip(output_storage, inputs[first : first + self.n_outs]):
            if isinstance(value, np.ndarray) and not self.as_view:
                value = value.copy()
            storage[0] = value

    def infer_shape(self, fgraph, node, input_shapes):
        condition = node.inputs[0]
        then_shapes = input_shapes[1 : 1 + self.n_outs]
        else_shapes = input_shapes[1 + self.n_outs :]
        shapes: list = []
        for out, then_shape, else_shape in zip(node.outputs, then_shapes, else_shapes):
            if then_shape is None or else_shape is None:
                shapes.append(None)
                continue
            static = out.type.shape
            shapes.append(
                tuple(
                    t if n is not None or t is e else switch(condition, t, e)
                    for n, t, e in zip(static, then_shape, else_shape, strict=True)
                )
            )
        return shapes

    def pullback(self, inputs, outputs, cotangents):
        condition, *values = inputs
        then_values, else_values = values[: self.n_outs], values[self.n_outs :]
        grads = [
            value.zeros_like() if isinstance(g.type, DisconnectedType) else g
            for g, value in zip(cotangents, then_values)
        ]
        zeros = [_zeros_in_dtype(v, g) for v, g in zip(else_values, grads)]
        then_zeros = [_zeros_in_dtype(v, g) for v, g in zip(then_values, grads)]
        choose = IfElse(self.n_outs, as_view=self.as_view, name=self.name)
        then_grads = choose(condition, *grads, *then_zeros, return_list=True)
        else_grads = choose(condition, *zeros, *grads, return_list=True)
        return [self.pullback_of_condition(inputs), *then_grads, *else_grads]

    def pullback_of_condition(self, inputs):
        """Return the term of the condition: a real one has the derivative zero."""
        condition = inputs[0]
        return condition.zeros_like() if _is_real(condition) else disconnected_type()

    def choice_between(self, condition, then_value, else_value):
        """Return a lazy choice between two cotangents: `pytensor.gradient` walks through branches."""
        op = IfElse(1, as_view=self.as_view, name=self.name)
        dtypes = {then_value.type.dtype, else_value.type.dtype}
        if len(dtypes) > 1:
            dtype = upcast(*dtypes)
            then_value, else_value = then_value.astype(dtype), else_value.astype(dtype)
        return op(condition, then_value, else_value)

    def pushforward(self, inputs, outputs, tangents):
        condition, *values = inputs
        filled = [
            value.zeros_like() if t is None or isinstance(t.type, DisconnectedType) else t
            for t, value in zip(tangents[1:], values, strict=True)
        ]
        choose = IfElse(self.n_outs, as_view=self.as_view, name=self.name)
        return choose(condition, *filled, return_list=True)

    def connection_pattern(self, node):
        # A real condition has the derivative zero.
        rows = [[_is_real(node.inputs[0])] * self.n_outs]
        for _branch in range(2):
            rows.extend([i == j for j in range(self.n_outs)] for i in range(self.n_outs))
        return rows


def _truth(value) -> bool:
    return bool(np.asarray(value))


def _is_real(condition: Variable) -> bool:
    return getattr(condition.type, "dtype", "").startswith("float")


def _zeros_in_dtype(value, grad):
    """Zeros of the shape of `value` in the dtype of the gradient it is the alternative of."""
    return value.zeros_like(dtype=grad.type.dtype)


def ifelse(
    condition,
    then_branch: Any | Sequence[Any],
    else_branch: Any | Sequence[Any],
    name: str | None = None,
) -> Variable | Sequence[Variable]:
    """Choose between two (groups of) variables; only the chosen ones are computed.

    Parameters
    ----------
    condition
        A scalar; any value but zero is true.
    then_branch, else_branch
        A variable, or equally long sequences of variables of equal rank and dtype. A number of
        Python takes the dtype of the other branch, if that can hold it.
    name
        Shown when printed.

    Returns
    -------
    Variable, list or tuple
        A list or tuple when the branches are such.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> from pytensor.ifelse import ifelse
    >>> x, y = pt.vectors("x", "y")
    >>> z = ifelse(x.sum() > 0, x, y)
    """
    is_group = isinstance(then_branch, list | tuple)
    then_values = list(then_branch) if is_group else [then_branch]
    if isinstance(else_branch, list | tuple):
        is_group = True
        else_values = list(else_branch)
    else:
        else_values = [else_branch]
    if len(then_values) != len(else_values):
        raise ValueError(
            "The number of values on the `then` branch must match the `else` branch: "
            f"got {len(then_values)} for `then`, and {len(else_values)} for `else`."
        )
    pairs = [_common_dtype(t, e) for t, e in zip(then_values, else_values, strict=True)]
    outputs = IfElse(n_outs=len(pairs), name=name)(
        condition, *(t for t, _ in pairs), *(e for _, e in pairs), return_list=True
    )
    if isinstance(then_branch, tuple):
        return tuple(outputs)
    return outputs if is_group else outputs[0]


def _common_dtype(then_value: Any, else_value: Any) -> tuple[Any, Any]:
    """Return both values, a number of Python in the dtype of what it is the alternative of."""
    return _in_dtype_of(then_value, else_value), _in_dtype_of(else_value, then_value)


def _in_dtype_of(value: Any, other: Any) -> Any:
    if type(value) not in (int, float) or not isinstance(other, Variable):
        return value
    dtype = getattr(other.type, "dtype", None)
    if dtype is None or not np.can_cast("float16" if type(value) is float else "int8", dtype):
        return value
    return constant(np.asarray(value, dtype=dtype))


@_vectorize_node.register(IfElse)
def vectorize_ifelse(op: IfElse, node, batch_condition, *batch_values):
    """An unbatched condition still chooses whole branches; a batched one chooses item by item."""
    if batch_condition.type.ndim:
        return vectorize_node_fallback(op, node, batch_condition, *batch_values)
    values = list(batch_values)
    for k, core in enumerate(node.inputs[1 : 1 + op.n_outs]):
        pair = values[k], values[op.n_outs + k]
        batch = [v.type.ndim - core.type.ndim for v in pair]
        if batch[0] == batch[1]:
            continue
        if min(batch):
            return vectorize_node_fallback(op, node, batch_condition, *batch_values)
        lacks = 0 if batch[1] else 1
        shape = tuple(pair[1 - lacks].shape)[: max(batch)]
        values[k + lacks * op.n_outs] = alloc(pair[lacks], *shape, *pair[lacks].shape)
    return op.make_node(batch_condition, *values)
