"""What rules of linear algebra are written with."""

from __future__ import annotations

from collections.abc import Iterator

from pytensor.assumptions.core import (
    DIAGONAL,
    AssumptionFeature,
    AssumptionKey,
    assumption_feature,
)
from pytensor.assumptions.structure import transpose_of
from pytensor.graph.basic import Apply, Variable
from pytensor.graph.rewriting.basic import GraphRewriter, copy_stack_trace
from pytensor.graph.rewriting.stages import optdb
from pytensor.tensor.basic import AllocDiag, ExtractDiag
from pytensor.tensor.blockwise import Blockwise
from pytensor.tensor.elemwise import DimShuffle
from pytensor.tensor.math import conj
from pytensor.tensor.rewriting.blockwise import blockwise_of


def tracks(*kinds: type) -> list:
    """Return what a rule of some linear algebra tracks: the Ops, with a batch or without."""
    return [*kinds, *map(blockwise_of, kinds)]


def core_op(node: Apply):
    """Return the Op of a node, or the one inside if it is a `Blockwise`."""
    return node.op.core_op if isinstance(node.op, Blockwise) else node.op


def made_by(var: Variable, *kinds: type) -> Apply | None:
    """Return the node that makes `var` if it is a linear algebra Op, with a batch or without."""
    node = var.owner
    return node if node is not None and isinstance(core_op(node), kinds) else None


def knows(fgraph, var: Variable, key: AssumptionKey) -> bool:
    """Tell whether a variable is known to have a property."""
    return assumption_feature(fgraph).check(var, key)


def knows_any(fgraph, var: Variable, *keys: AssumptionKey) -> AssumptionKey | None:
    """Return the first of some properties that a variable is known to have."""
    feature = assumption_feature(fgraph)
    return next((key for key in keys if feature.check(var, key)), None)


def is_complex(var: Variable) -> bool:
    """Tell whether a variable holds complex numbers."""
    return var.type.dtype.startswith("complex")


def swapped(x: Variable) -> Variable:
    """Return `x` with its last two axes exchanged."""
    source = transpose_of(x)
    if source is not None and tuple(x.owner.op.new_order[:-2]) == tuple(range(x.type.ndim - 2)):
        return source
    n = x.type.ndim
    return x.dimshuffle([*range(n - 2), n - 1, n - 2])


def is_swap(op: DimShuffle) -> bool:
    """Tell whether an op exchanges the last two axes, and does nothing else."""
    n = op.input_ndim
    return n >= 2 and tuple(op.new_order) == (*range(n - 2), n - 1, n - 2)


def adjoint(x: Variable) -> Variable:
    """Return the (conjugate) transpose of matrices."""
    return conj(swapped(x)) if is_complex(x) else swapped(x)


def diagonal_of(x: Variable) -> Variable:
    """Return the diagonal of matrices; what they were made of, if they were made of it."""
    n = x.type.ndim
    node = x.owner
    if node is not None and isinstance(node.op, AllocDiag):
        op = node.op
        if op.offset == 0 and (op.axis1, op.axis2) == (n - 2, n - 1):
            return node.inputs[0]
    return ExtractDiag(offset=0, axis1=n - 2, axis2=n - 1)(x)


def diagonal_matrix(d: Variable) -> Variable:
    """Return matrices with a diagonal."""
    n = d.type.ndim
    return AllocDiag(offset=0, axis1=n - 1, axis2=n)(d)


def is_diagonal(fgraph, x: Variable) -> bool:
    """Tell whether matrices are known to be diagonal."""
    return knows(fgraph, x, DIAGONAL)


def fits(old: Variable, new: Variable) -> bool:
    """Tell whether a variable can stand in the place of another."""
    return new.type.dtype == old.type.dtype and new.type.ndim == old.type.ndim


def readers(fgraph, var: Variable) -> Iterator[Apply]:
    """Yield the nodes that read a variable."""
    for node, _ in fgraph.clients.get(var, ()):
        if isinstance(node, Apply) and node.outputs:
            yield node


class ForgetAssumptions(GraphRewriter):
    """What was found out about variables is not needed once the graph is rewritten."""

    def apply(self, fgraph):
        for feature in list(fgraph._features):
            if isinstance(feature, AssumptionFeature):
                fgraph.remove_feature(feature)


optdb.register("forget_assumptions", ForgetAssumptions(), "fast_run", "fast_compile")


def has_square(x) -> bool:
    """Tell whether matrices are square by their static shape."""
    if x.type.ndim < 2:
        return False
    rows, columns = x.type.shape[-2:]
    return rows is not None and rows == columns


def replacing(node: Apply, new: Variable) -> list | None:
    """Return what a rule returns to put `new` in the place of the first output, if that may be."""
    out = node.outputs[0]
    return [copy_stack_trace(out, new)] if fits(out, new) else None
