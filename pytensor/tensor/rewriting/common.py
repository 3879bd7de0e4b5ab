"""What rules of arrays are written with: seeing an operation, seeing a number, settling a result.

A law is a function of a graph and a node that returns the expression to put instead, or
``None``. Whatever it returns gets the dtype, the shape and the user's line of what it
replaces, so no law can change a dtype.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

import numpy as np

from pytensor.graph.basic import Apply, Constant, Variable
from pytensor.graph.fg import FunctionGraph
from pytensor.graph.rewriting.rewriters import FromFunctionNodeRewriter, node_rewriter
from pytensor.graph.rewriting.stack_trace import copy_stack_trace
from pytensor.scalar import basic as ps
from pytensor.tensor._specify import OperandLengths
from pytensor.tensor.basic import Alloc, cast, second
from pytensor.tensor.elemwise import DimShuffle, Elemwise
from pytensor.tensor.math import add, mul
from pytensor.tensor.shape import length, shape_i, shape_padleft
from pytensor.tensor.type import TensorType, tensor_type
from pytensor.tensor.variable import TensorConstant

# A constant may be behind a few views; nobody builds long chains of them.
_MAX_VIEWS = 8


def args_of(var: Variable, kind: type | tuple[type, ...], *more: type) -> list[Variable] | None:
    """Return the operands of `var` if it is made by one of these scalar Ops, else ``None``.

    Ops are recognised by their exact class: `isinstance` is slow on classes with a metaclass.
    """
    node = var.owner
    if node is None:
        return None
    op = node.op
    if type(op) is not Elemwise:
        return None
    found = type(op.scalar_op)
    if found is kind or found in more or (kind.__class__ is tuple and found in kind):
        return node.inputs
    return None


def arg_of(var: Variable, kind: type | tuple[type, ...], *more: type) -> Variable | None:
    """Return the only operand of `var` if it is made by one of these scalar Ops, else ``None``."""
    inputs = None if var.owner is None else args_of(var, kind, *more)
    return None if inputs is None else inputs[0]


def scalar_op_of(var: Variable) -> ps.ScalarOp | None:
    """Return the scalar Op that makes the elements of `var`, ``None`` if none does."""
    node = var.owner
    return node.op.scalar_op if node is not None and type(node.op) is Elemwise else None


def number(var: Variable):
    """Return the one number that all elements of `var` are known to be, else ``None``.

    Looks through what only repeats or moves elements.
    """
    for _ in range(_MAX_VIEWS):
        node = var.owner
        if node is None:
            if not isinstance(var, TensorConstant):
                return None
            value = var.unique_value
            return None if value is None else value.item()
        kind = type(node.op)
        if kind is DimShuffle or kind is Alloc:
            var = node.inputs[0]
        elif kind is Elemwise and type(node.op.scalar_op) is ps.Second:
            var = node.inputs[1]
        else:
            return None
    return None


def is_number(var: Variable, value) -> bool:
    """Return whether all elements of `var` are known to be `value`."""
    found = number(var)
    return found is not None and found == value


def filled(value, like: TensorType) -> TensorConstant:
    """Return a number as a constant of the dtype and rank of a type, to be broadcast."""
    dtype = np.dtype(like.dtype)
    if dtype.kind in "iu":
        value = wrapped(int(value), dtype)
    data = np.full((1,) * like.ndim, value, dtype=dtype)
    return TensorConstant(tensor_type(like.dtype, data.shape), data)


def wrapped(value: int, dtype: np.dtype) -> int:
    """Reduce an integer to the range of a dtype, as arithmetic in that dtype does."""
    bits = 8 * dtype.itemsize
    value &= (1 << bits) - 1
    return value - (1 << bits) if dtype.kind == "i" and value >> (bits - 1) else value


def added(terms: Sequence[Variable]) -> Variable:
    """Return the sum of one or more variables."""
    return terms[0] if len(terms) == 1 else add(*terms)


def multiplied(factors: Sequence[Variable]) -> Variable:
    """Return the product of one or more variables."""
    return factors[0] if len(factors) == 1 else mul(*factors)


def as_dtype(x: Variable, dtype: str) -> Variable:
    """Return `x` in a dtype; what is wider than needed only because of others stays exact."""
    return x if x.type.dtype == dtype else cast(x, dtype)


def rest_of(node: Apply, kept: Sequence[Variable]) -> Variable | None:
    """Return a sum or product of some operands, ``None`` if it would be in a narrower dtype.

    ``int8 * int8 * 1`` with an int64 1 does not wrap, ``int8 * int8`` does.
    """
    if len(kept) == 1:
        return kept[0]
    new = node.op(*kept)
    return new if new.type.dtype == node.outputs[0].type.dtype else None


def without(items: Sequence, index: int) -> list:
    """Return the items except one."""
    return [*items[:index], *items[index + 1 :]]


def read_once(fgraph: FunctionGraph | None, var: Variable) -> bool:
    """Return whether nothing but one input of one node reads `var`."""
    return fgraph is None or len(fgraph.clients.get(var, ())) == 1


def is_float(var: Variable) -> bool:
    """Return whether `var` holds real or complex floating point numbers."""
    return var.type.numpy_dtype.kind in "fc"


def lengths_of(fgraph: FunctionGraph | None, var: Variable) -> list[Variable]:
    """Return the lengths of the axes of `var`, by the graph's shape feature if it has one."""
    return [
        length(var, i) if n is not None else shape_i(var, i, fgraph)
        for i, n in enumerate(var.type.shape)
    ]


def broadcast_lengths(fgraph: FunctionGraph | None, variables: Sequence[Variable]) -> list:
    """Return the lengths of the shape that variables of one rank broadcast to."""
    result = []
    for axis in range(variables[0].type.ndim):
        source = variables[0]
        for var in variables:
            n = var.type.shape[axis]
            if n == 1:
                continue
            source = var
            if n is not None:
                break
        known = source.type.shape[axis] is not None
        result.append(length(source, axis) if known else shape_i(source, axis, fgraph))
    return result


def models_for(missing: set[int], candidates: Sequence[Variable]) -> list[Variable] | None:
    """Return few variables that together have the axes in `missing`, ``None`` if there are none."""
    chosen = []
    missing = set(missing)
    for exact in (True, False):
        for var in candidates:
            have = {i for i in missing if var.type.shape[i] != 1}
            if have and (have == missing or not exact):
                chosen.append(var)
                missing -= have
            if not missing:
                return chosen
    return None


def spread(old: Variable, new: Variable, models: Sequence[Variable]) -> Variable | None:
    """Repeat `new` along the axes on which `old` has a length other than 1 and `new` has not."""
    missing = {
        i
        for i, (want, have) in enumerate(zip(old.type.shape, new.type.shape, strict=True))
        if have == 1 and want != 1
    }
    if not missing:
        return new
    if any(want == 1 and have != 1 for want, have in zip(old.type.shape, new.type.shape)):
        return None
    chosen = models_for(missing, [m for m in models if m.type.ndim == old.type.ndim])
    if chosen is None:
        return None
    for model in chosen:
        new = second(model, new)
    return new


def _is_alloc(var: Variable) -> bool:
    """Return whether `var` has the lengths that a rule gave it; more may be known than before."""
    return var.owner is not None and isinstance(var.owner.op, Alloc)


def settled(node: Apply, new) -> list[Variable] | None:
    """Return `new` as a replacement of the only output of `node`: its dtype, shape and line."""
    old = node.outputs[0]
    kind = old.type
    if not isinstance(new, Variable):
        new = filled(new, kind)
    if not isinstance(kind, TensorType):
        return [copy_stack_trace(old, new)]
    if new.type.dtype != kind.dtype:
        new = cast(new, kind.dtype)
    if new.type.ndim < kind.ndim:
        new = shape_padleft(new, kind.ndim - new.type.ndim)
    if new.type.broadcastable != kind.broadcastable and not _is_alloc(new):
        if isinstance(node.op, Elemwise):
            new = spread(old, new, node.inputs)
        elif not kind.is_super(new.type):  # only Elemwise has the shape its inputs broadcast to
            return None
        if new is None:
            return None
    if isinstance(node.op, Elemwise) and new.type.ndim == kind.ndim:
        new = with_lengths(node.op, new, kind)
    if new.owner is not None and new is not old:
        copy_stack_trace(old, new)
    return [new]


def with_lengths(op: Elemwise, new: Variable, kind: TensorType) -> Variable:
    """State lengths that only operands which are gone had: the error stays that of `op`."""
    unknown = [have is None and want is not None for have, want in zip(new.type.shape, kind.shape)]
    if not any(unknown):
        return new
    stated = [n if missing else None for n, missing in zip(kind.shape, unknown, strict=True)]
    return OperandLengths(str(op))(new, *stated)


Body = Callable[[FunctionGraph, Apply], "Variable | int | float | None"]


def law(*tracks) -> Callable[[Body], FromFunctionNodeRewriter]:
    """Turn a function that returns what to put instead of a node into a node rewriter.

    Parameters
    ----------
    tracks
        Ops, Op classes or `OpPattern` of the nodes to look at.

    Examples
    --------
    >>> from pytensor.tensor.math import exp, log
    >>> @law(log)
    ... def log_of_exp(fgraph, node):
    ...     return arg_of(node.inputs[0], ps.Exp)
    """

    def decorate(body: Body) -> FromFunctionNodeRewriter:
        @functools.wraps(body)
        def transform(fgraph, node):
            new = body(fgraph, node)
            return None if new is None else settled(node, new)

        return node_rewriter(list(tracks))(transform)

    return decorate


def is_constant(var: Variable) -> bool:
    """Return whether the value of `var` is known."""
    return isinstance(var, Constant)


# Rules that may give another NaN, infinity, sign of zero or rounding than the expression as
# it was written carry this tag: `mode.excluding(IEEE)` keeps the graph to the letter.
IEEE = "ieee_unsafe"
