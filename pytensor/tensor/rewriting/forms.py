"""Questions about the form of an expression that rules outside of this package ask."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pytensor.graph.basic import Apply, Constant, Variable
from pytensor.graph.rewriting.stack_trace import copy_stack_trace
from pytensor.graph.rewriting.unify import OpPattern
from pytensor.scalar import basic as ps
from pytensor.tensor.basic import alloc, as_tensor_variable, get_underlying_scalar_constant_value
from pytensor.tensor.elemwise import Elemwise
from pytensor.tensor.exceptions import NotScalarConstantError
from pytensor.tensor.rewriting.common import (
    arg_of,
    args_of,
    as_dtype,
    is_number,
    lengths_of,
    without,
)
from pytensor.tensor.shape import length, shape_i, shape_padleft


def elemwise_of(scalar_op) -> OpPattern:
    """Return the pattern of an `Elemwise` with a scalar Op, a class of them, or a pattern.

    Examples
    --------
    >>> import pytensor.scalar as ps
    >>> elemwise_of(ps.exp).op_type.__name__
    'Elemwise'
    """
    if not isinstance(scalar_op, OpPattern | ps.ScalarOp):
        scalar_op = OpPattern(scalar_op)
    return OpPattern(Elemwise, scalar_op=scalar_op)


def get_simplified_shape(x, *, fgraph) -> tuple[Variable, ...]:
    """Return the lengths of `x`: constants, what the shape feature knows, or `Shape_i`."""
    return tuple(lengths_of(fgraph, x))


def get_simplified_broadcast_shape(first, *others, fgraph, batch_ndim=None) -> list[Variable]:
    """Return the lengths of the shape that variables broadcast to, those of `first` if it can.

    Parameters
    ----------
    first, others
        Variables; with the same number of axes, unless `batch_ndim` is given.
    fgraph
        The graph whose shape feature is asked.
    batch_ndim
        Look at this many axes on the left only.
    """
    result = []
    for axis in range(first.type.ndim if batch_ndim is None else batch_ndim):
        source = next((v for v in (first, *others) if not v.type.broadcastable[axis]), first)
        if source.type.shape[axis] is not None:
            result.append(length(source, axis))
        else:
            result.append(shape_i(source, axis, fgraph))
    return result


def broadcast_like_elemwise(
    value, node: Apply, *, fgraph, ref_input_idx: int | None = None, stack_trace: bool = False
):
    """Return `value` with the dtype and shape of the output of an elementwise node.

    Parameters
    ----------
    value
        A variable or number, or a list with one for each output.
    node
        The elementwise node; the shape is taken from its inputs.
    fgraph
        The graph whose shape feature is asked.
    ref_input_idx
        The input to take lengths from first.
    stack_trace
        Whether the results get the user's line of the output.
    """
    if not isinstance(value, list | tuple):
        return broadcast_like_elemwise(
            [value], node, fgraph=fgraph, ref_input_idx=ref_input_idx, stack_trace=stack_trace
        )[0]
    inputs = list(node.inputs)
    if ref_input_idx is not None:
        inputs = [inputs[ref_input_idx], *without(inputs, ref_input_idx)]
    results = []
    for one, out in zip(value, node.outputs, strict=True):
        new = as_dtype(as_tensor_variable(one), out.type.dtype)
        if new.type.ndim < out.type.ndim:
            new = shape_padleft(new, out.type.ndim - new.type.ndim)
        if new.type.broadcastable != out.type.broadcastable:
            new = alloc(new, *get_simplified_broadcast_shape(*inputs, fgraph=fgraph))
        results.append(copy_stack_trace(node.outputs[0], new) if stack_trace else new)
    return results


def equivalent_up_to_constant_casting(a: Variable, b: Variable) -> bool:
    """Return whether two variables are the same, or constants equal but for their dtype."""
    if a is b:
        return True
    if not (isinstance(a, Constant) and isinstance(b, Constant)):
        return False
    return np.shape(a.data) == np.shape(b.data) and bool(np.array_equal(a.data, b.data))


def is_exp(var: Variable) -> tuple[bool, Variable] | None:
    """Return ``(False, x)`` for ``exp(x)``, ``(True, x)`` for ``-exp(x)``, else ``None``."""
    inner = arg_of(var, ps.Neg)
    x = arg_of(var if inner is None else inner, ps.Exp)
    return None if x is None else (inner is not None, x)


def is_neg(var: Variable) -> Variable | None:
    """Return x if `var` is ``-x`` or a product with -1, else ``None``."""
    inner = arg_of(var, ps.Neg)
    if inner is not None:
        return inner
    factors = is_mul(var)
    for i, factor in enumerate(factors or ()):
        if is_number(factor, -1):
            rest = without(factors, i)
            return rest[0] if len(rest) == 1 else var.owner.op(*rest)
    return None


def is_mul(var: Variable) -> list[Variable] | None:
    """Return the factors if `var` is a product, else ``None``."""
    factors = args_of(var, ps.Mul)
    return None if factors is None else list(factors)


def isclose(x, ref, rtol=0, atol=0, num_ulps=10) -> bool:
    """Return whether `x` is a constant near `ref`, by default within 10 units in the last place."""
    try:
        value = get_underlying_scalar_constant_value(x)
    except NotScalarConstantError:
        return False
    dtype = value.dtype if value.dtype.kind in "fc" else np.dtype("float64")
    rtol = rtol or num_ulps * np.finfo(dtype).eps
    return bool(np.allclose(value, ref, rtol=rtol, atol=atol))


def scalarconsts_rest(
    inputs: Sequence[Variable], elemwise: bool = True, only_process_constants: bool = False
) -> tuple[list, list, list]:
    """Return the values of constant operands, those operands, and the others."""
    values, constants, rest = [], [], []
    for var in inputs:
        try:
            values.append(
                get_underlying_scalar_constant_value(
                    var, elemwise=elemwise, only_process_constants=only_process_constants
                )
            )
            constants.append(var)
        except NotScalarConstantError:
            rest.append(var)
    return values, constants, rest
