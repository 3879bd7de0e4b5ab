"""What rules about matrix products share: recognising them, transposing and multiplying again.

A product here is a `Dot` of two matrices, or a `Blockwise` of `Dot` (or a `BatchedDot`) of two
stacks of matrices of equal rank.
"""

from __future__ import annotations

from pytensor.graph.basic import Apply, Variable
from pytensor.graph.fg import FunctionGraph, Output
from pytensor.raise_op import CheckAndRaise
from pytensor.tensor._diag import SetDiag
from pytensor.tensor.basic import Alloc
from pytensor.tensor.blas import BatchedDot, Dot22
from pytensor.tensor.blockwise import Blockwise
from pytensor.tensor.elemwise import DimShuffle, Elemwise
from pytensor.tensor.math import Dot, _dot, _matmul, eq
from pytensor.tensor.rewriting.algebra import label, retyped
from pytensor.tensor.rewriting.blas_matchers import BLAS_DTYPES, _length


def is_product(node: Apply | None) -> bool:
    """Return whether `node` multiplies matrices, or stacks of matrices."""
    if node is None:
        return False
    # By the exact class: `isinstance` is slow on classes with a metaclass.
    op = node.op
    kind = type(op)
    if kind is Dot22:
        return not op.conj
    return kind is Dot or kind is BatchedDot or (kind is Blockwise and type(op.core_op) is Dot)


def private_product(fgraph: FunctionGraph | None, var: Variable) -> Apply | None:
    """Return the product that makes `var`, if only one input of one node reads it."""
    if not is_product(var.owner) or not read_once(fgraph, var):
        return None
    return var.owner


def float_product(fgraph: FunctionGraph | None, var: Variable) -> Apply | None:
    """Return the private product that makes `var`, if all have one dtype that BLAS knows."""
    product = private_product(fgraph, var)
    if product is None or var.type.dtype not in BLAS_DTYPES:
        return None
    if any(v.type.dtype != var.type.dtype for v in product.inputs):
        return None
    return product


def lengths_agree(n: int | None, m: int | None) -> bool:
    """Return whether ``*`` raises where ``@`` does: no length of 1 that is known on one side only.

    A product of inner lengths 1 and 3 is an error, multiplication would broadcast.
    """
    return (n == 1) == (m == 1)


def read_once(fgraph: FunctionGraph | None, var: Variable) -> bool:
    """Return whether only one input of one node, or one result, reads `var`."""
    return fgraph is None or len(fgraph.clients.get(var, ())) == 1


def only_reader(fgraph: FunctionGraph | None, var: Variable) -> Apply | None:
    """Return the node that alone reads `var`, at one place; ``None`` for a result."""
    if fgraph is None:
        return None
    readers = fgraph.clients.get(var, ())
    if len(readers) != 1 or isinstance(readers[0][0].op, Output):
        return None
    return readers[0][0]


def swaps_last_axes(node: Apply | None) -> bool:
    """Return whether `node` transposes a matrix, or each of a stack of matrices."""
    if node is None or not isinstance(node.op, DimShuffle):
        return False
    n = node.op.input_ndim
    return n >= 2 and node.op.new_order == (*range(n - 2), n - 1, n - 2)


def reordered(var: Variable, order: tuple) -> Variable:
    """Return ``var.dimshuffle(order)`` as one view, or as the variable `var` is a view of."""
    while (node := var.owner) is not None and isinstance(node.op, DimShuffle):
        order = tuple(axis if axis == "x" else node.op.new_order[axis] for axis in order)
        (var,) = node.inputs
    return var if order == tuple(range(var.type.ndim)) else var.dimshuffle(order)


def swapped(var: Variable) -> Variable:
    """Return `var` with its last two axes exchanged, as one view."""
    n = var.type.ndim
    return reordered(var, (*range(n - 2), n - 1, n - 2))


def length_source(var: Variable, axis: int) -> tuple[Variable, int | None]:
    """Return the variable, and its axis, that the length of an axis comes from.

    The axis is ``None`` if the variable is the length itself. Variables that a run-time check
    would compare come from one of them.
    """
    while var.type.shape[axis] is None and (node := var.owner) is not None:
        op = node.op
        if isinstance(op, DimShuffle):
            var, axis = node.inputs[0], op.new_order[axis]
        elif isinstance(op, Alloc):
            return node.inputs[1 + axis], None
        elif isinstance(op, SetDiag):
            var = node.inputs[0]
        elif is_product(node) and axis >= var.type.ndim - 2:
            var = node.inputs[axis - (var.type.ndim - 2)]
        elif is_product(node) or isinstance(op, Elemwise):
            var = next(v for v in node.inputs if v.type.shape[axis] != 1)
        else:
            break
    return var, axis


def axis_length(var: Variable, axis: int) -> Variable:
    """Return the length of an axis, asked of what made it: nothing is computed for its shape."""
    var, source = length_source(var, axis)
    return var if source is None else _length(var, source)


def checked(var: Variable, *pairs: tuple[tuple[Variable, int], tuple[Variable, int]]) -> Variable:
    """Return `var`, with a check at run time that pairs of lengths of a product agree.

    Nothing is checked of lengths that are known, or known to come from one source.
    """
    unknown = [
        (one, other)
        for one, other in pairs
        if length_source(*one) != length_source(*other)
        and (one[0].type.shape[one[1]] is None or other[0].type.shape[other[1]] is None)
    ]
    if not unknown:
        return var
    same = [eq(axis_length(*one), axis_length(*other)) for one, other in unknown]
    return CheckAndRaise(ValueError, _DISAGREE)(var, *same)


_DISAGREE = "[Dot] x and y must agree on the inner and batch dimensions (shapes not aligned)"


def multiplied(left: Variable, right: Variable) -> Variable:
    """Return the product of two matrices, or of two stacks of matrices of equal rank."""
    n = left.type.ndim
    if n == 2:
        return _dot(left, right)
    if all(left.type.broadcastable[:-2]) and all(right.type.broadcastable[:-2]):
        core = _dot(reordered(left, (n - 2, n - 1)), reordered(right, (n - 2, n - 1)))
        return core.dimshuffle(*["x"] * (n - 2), 0, 1)
    return _matmul(left, right)


def in_place_of(node: Apply, new: Variable, rule_name: str | None = None) -> list[Variable] | None:
    """Return `new` as what replaces the only output of `node`, ``None`` if its type does not fit."""
    old = node.outputs[0]
    if rule_name is not None:
        label(new, old, rule_name)
    result = retyped(old, new)
    return None if result is None else [result]
