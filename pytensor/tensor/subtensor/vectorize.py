"""Batch rules of the indexing Ops."""

from __future__ import annotations

from pytensor.graph.replace import _vectorize_node
from pytensor.tensor.basic import as_tensor_variable
from pytensor.tensor.blockwise import vectorize_node_fallback
from pytensor.tensor.subtensor.advanced import (
    AdvancedIncSubtensor,
    AdvancedSubtensor,
    advanced_subtensor,
    non_consecutive_adv_indexing,
)
from pytensor.tensor.subtensor.basic import IncSubtensor, Subtensor
from pytensor.tensor.subtensor.batches import BatchedIndex, in_full_batch, turned
from pytensor.tensor.subtensor.common import indices_unbatched, pad_core_left
from pytensor.tensor.subtensor.indices import flatten_index_variables, unflatten_index_variables


def _stays_apart(op, idxs) -> bool:
    """Tell whether array indices of an item are apart, so that their dimensions come first."""
    return isinstance(op, AdvancedSubtensor | AdvancedIncSubtensor) and (
        non_consecutive_adv_indexing(unflatten_index_variables(idxs, op.idx_list))
    )


@_vectorize_node.register(Subtensor)
@_vectorize_node.register(AdvancedSubtensor)
def vectorize_read(op, node, batch_x, *batch_idxs):
    """Batch dimensions of x are taken whole, or together with the batched indices."""
    batch_x = as_tensor_variable(batch_x)
    x, *idxs = node.inputs
    x_batch = batch_x.type.ndim - x.type.ndim
    if indices_unbatched(batch_idxs, idxs) and not _stays_apart(op, idxs):
        whole = (slice(None),) * x_batch
        return type(op)(whole + op.idx_list).make_node(batch_x, *batch_idxs)
    index = BatchedIndex(op, idxs, batch_idxs)
    if not index.possible:
        return vectorize_node_fallback(op, node, batch_x, *batch_idxs)
    batch_ndim = max(x_batch, index.batch_ndim)
    result = advanced_subtensor(batch_x, *index.whole(batch_ndim, batch_x, x_batch))
    return [turned(result, index.result_order(batch_ndim, x_batch, result.type.ndim))]


@_vectorize_node.register(IncSubtensor)
@_vectorize_node.register(AdvancedIncSubtensor)
def vectorize_write(op, node, batch_x, batch_y, *batch_idxs):
    """Each item of the batch is written to; x is repeated where it has no batch dimensions."""
    batch_x, batch_y = as_tensor_variable(batch_x), as_tensor_variable(batch_y)
    x, y, *idxs = node.inputs
    x_batch, y_batch = batch_x.type.ndim - x.type.ndim, batch_y.type.ndim - y.type.ndim
    unbatched = indices_unbatched(batch_idxs, idxs)
    index = BatchedIndex(op, idxs, batch_idxs)
    if not index.possible and not unbatched:
        return vectorize_node_fallback(op, node, batch_x, batch_y, *batch_idxs)
    batches = [(batch_y, y_batch)]
    for new, old in zip(batch_idxs, idxs, strict=True):
        batches.append((new, getattr(new.type, "ndim", 0) - getattr(old.type, "ndim", 0)))
    batch_x = in_full_batch(batch_x, x_batch, batches)
    batch_ndim = batch_x.type.ndim - x.type.ndim
    read = Subtensor if isinstance(op, IncSubtensor) else AdvancedSubtensor
    region = read(op.idx_list).make_node(x, *idxs).outputs[0].type.ndim
    if unbatched and not _stays_apart(op, idxs):
        batch_y = pad_core_left(batch_y, y_batch, region - y.type.ndim if y_batch else 0)
        props = op._props_dict() | {"inplace": False}
        props["idx_list"] = (slice(None),) * batch_ndim + op.idx_list
        return type(op)(**props).make_node(batch_x, batch_y, *batch_idxs)
    if y_batch or index.n_before:
        batch_y = pad_core_left(batch_y, y_batch, region - y.type.ndim)
        order = index.result_order(y_batch, 1, batch_y.type.ndim)
        # Back from the order of an item's result to that of the index of the batch
        batch_y = turned(batch_y, [order.index(d) for d in range(batch_y.type.ndim)])
    idx_list, flat = flatten_index_variables(index.whole(batch_ndim, batch_x, batch_ndim))
    write = AdvancedIncSubtensor(
        idx_list,
        set_instead_of_inc=op.set_instead_of_inc,
        ignore_duplicates=getattr(op, "ignore_duplicates", False),
    )
    return write.make_node(batch_x, batch_y, *flat)
