"""Batch rules of Ops that do not broadcast their inputs themselves."""

from __future__ import annotations

from pytensor.graph.replace import _vectorize_node
from pytensor.tensor._alloc import alloc
from pytensor.tensor._diag import SetDiag
from pytensor.tensor._dimshuffle import dimshuffle
from pytensor.tensor._joining import Join, Split
from pytensor.tensor._make_vector import MakeVector
from pytensor.tensor._shape_ops import length


def with_common_batch(node, batch_inputs):
    """Return the inputs with equal batch axes on the left, and the number of these.

    Inputs that lack a batch axis that another one has are repeated along it.
    """
    core = [x.type.ndim for x in node.inputs]
    batch_ndim = max(b.type.ndim - c for b, c in zip(batch_inputs, core, strict=True))
    padded = [
        dimshuffle(b, ["x"] * (batch_ndim + c - b.type.ndim) + list(range(b.type.ndim)))
        for b, c in zip(batch_inputs, core, strict=True)
    ]
    # For each batch axis: an input that has it in full.
    full = [
        next((p for p in padded if p.type.shape[axis] != 1), padded[0])
        for axis in range(batch_ndim)
    ]
    result = []
    for p in padded:
        repeats = [
            axis
            for axis in range(batch_ndim)
            if p.type.shape[axis] == 1 and full[axis].type.shape[axis] != 1
        ]
        if repeats:
            lengths = [
                length(full[i] if i in repeats else p, i) if i < batch_ndim else length(p, i)
                for i in range(p.type.ndim)
            ]
            p = alloc(p, *lengths)
        result.append(p)
    return result, batch_ndim


@_vectorize_node.register(Join)
def vectorize_join(op, node, *batch_inputs):
    inputs, batch_ndim = with_common_batch(node, batch_inputs)
    return Join(op.axis + batch_ndim).make_node(*inputs)


@_vectorize_node.register(MakeVector)
def vectorize_make_vector(op, node, *batch_inputs):
    inputs, batch_ndim = with_common_batch(node, batch_inputs)
    if not batch_ndim:
        return op.make_node(*inputs)
    columns = [dimshuffle(x, [*range(batch_ndim), "x"]) for x in inputs]
    return Join(batch_ndim).make_node(*columns)


@_vectorize_node.register(Split)
def vectorize_split(op, node, batch_x, batch_splits):
    core_x, core_splits = node.inputs
    if batch_splits.type.ndim != core_splits.type.ndim:
        raise NotImplementedError("[Split] pieces of different lengths in one batch have no shape")
    batch_ndim = batch_x.type.ndim - core_x.type.ndim
    return Split(op.len_splits, op.axis + batch_ndim).make_node(batch_x, batch_splits)


@_vectorize_node.register(SetDiag)
def vectorize_set_diag(op, node, *batch_inputs):
    inputs, batch_ndim = with_common_batch(node, batch_inputs)
    axis1, axis2 = op.axis1 + batch_ndim, op.axis2 + batch_ndim
    return SetDiag(op.offset, axis1, axis2).make_node(*inputs)
