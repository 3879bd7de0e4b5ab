"""Reading parts of arrays: indices in one spelling, views of views as one view."""

from __future__ import annotations

import itertools

from pytensor.graph.basic import Constant, Variable
from pytensor.graph.rewriting.basic import copy_stack_trace, node_rewriter
from pytensor.graph.rewriting.unify import OpPattern
from pytensor.tensor.basic import ARange, Join
from pytensor.tensor.blockwise import Blockwise
from pytensor.tensor.rewriting.indexing import (
    FULL,
    WRITES,
    indices_of,
    is_full,
    known,
    known_slice,
    merged_index,
    nonnegative_length,
    read,
    tidied_slice,
    without_trailing,
)
from pytensor.tensor.rewriting.registry import (
    register_canonicalize,
    register_specialize,
    register_stabilize,
    register_useless,
)
from pytensor.tensor.rewriting.shape_feature import same_expression
from pytensor.tensor.rewriting.subtensor_arrays import (
    local_adv_idx_to_diagonal,
    local_masked_write_to_switch,
    local_slice_read_of_write,
    local_subtensor_of_adv_subtensor,
    local_sum_of_masked,
)
from pytensor.tensor.rewriting.subtensor_write import (
    local_add_of_sparse_write,
    local_incsubtensor_of_zeros,
    local_incsubtensor_of_zeros_to_setsubtensor,
    local_IncSubtensor_serialize,
    local_read_of_write_same_indices,
    local_set_to_inc_subtensor,
    local_setsubtensor_of_constants,
    local_useless_inc_subtensor,
    local_useless_inc_subtensor_alloc,
    local_write_of_write_same_indices,
)
from pytensor.tensor.shape import Shape_i, shape_i, specify_shape
from pytensor.tensor.subtensor import (
    AdvancedIncSubtensor,
    AdvancedSubtensor,
    IncSubtensor,
    Subtensor,
    flatten_index_variables,
    get_canonical_form_slice,
    unflatten_index_variables,
)
from pytensor.tensor.variable import TensorConstant

__all__ = [
    "local_IncSubtensor_serialize",
    "local_add_of_sparse_write",
    "local_adv_idx_to_diagonal",
    "local_adv_idx_to_slice",
    "local_blockwise_inc_subtensor",
    "local_blockwise_of_subtensor",
    "local_convert_negative_indices",
    "local_incsubtensor_of_zeros",
    "local_incsubtensor_of_zeros_to_setsubtensor",
    "local_join_subtensors",
    "local_masked_write_to_switch",
    "local_read_of_write_same_indices",
    "local_set_to_inc_subtensor",
    "local_setsubtensor_of_constants",
    "local_slice_read_of_write",
    "local_subtensor_merge_integer",
    "local_subtensor_merge_slice",
    "local_subtensor_of_adv_subtensor",
    "local_subtensor_remove_broadcastable_index",
    "local_sum_of_masked",
    "local_useless_inc_subtensor",
    "local_useless_inc_subtensor_alloc",
    "local_useless_slice",
    "local_useless_subtensor",
    "local_write_of_write_same_indices",
    "merge_two_slices",
]


def is_full_slice(x) -> bool:
    """Return whether an index takes everything as it is."""
    return is_full(x)


@register_useless("shape_unsafe")
@register_canonicalize("shape_unsafe")
@register_stabilize("shape_unsafe")
@register_specialize("shape_unsafe")
@node_rewriter([Subtensor, IncSubtensor, AdvancedSubtensor, AdvancedIncSubtensor])
def local_useless_slice(fgraph, node):
    """x[0:len(x), i, :] -> x[:, i]"""
    op, x = node.op, node.inputs[0]
    if not any([isinstance(i, slice) for i in op.idx_list]):
        return None
    if len(op.idx_list) == 1 and is_full(op.idx_list[0]) and not isinstance(op, Subtensor):
        return None
    old = indices_of(node)
    axis, new = 0, []
    for idx in old:
        if isinstance(idx, slice):
            new.append(tidied_slice(idx, x.type.shape[axis], x, axis))
            axis += 1
        else:
            new.append(idx)
            axis += idx.type.ndim if getattr(idx.type, "dtype", None) == "bool" else 1
    new = list(without_trailing(new))
    if not new and not isinstance(op, Subtensor):
        new = [FULL]
    if len(new) == len(old) and all(
        a is b or (isinstance(a, slice) and a == b) for a, b in zip(new, old, strict=True)
    ):
        return None
    out = node.outputs[0]
    if not new:
        return [specify_shape(x, out.type.shape)]
    idx_list, flat = flatten_index_variables(new)
    props = op._props_dict()
    props["idx_list"] = idx_list
    rebuilt = type(op)(**props)(*node.inputs[: 2 if isinstance(op, WRITES) else 1], *flat)
    return [copy_stack_trace(out, specify_shape(rebuilt, out.type.shape))]


@register_useless
@register_canonicalize
@register_specialize
@node_rewriter([Subtensor])
def local_useless_subtensor(fgraph, node):
    """x[:, :] -> x"""
    return [node.inputs[0]] if all([is_full(i) for i in node.op.idx_list]) else None


def _merged_indices(x: Variable, inner, outer):
    """Return the index that does what `inner` and then `outer` do, ``None`` if not known."""
    outer = list(outer)
    result = []
    for axis in range(x.type.ndim):
        idx = inner[axis] if axis < len(inner) else FULL
        if isinstance(idx, slice) and outer:
            idx = merged_index(idx, outer.pop(0), x.type.shape[axis])
            if idx is None:
                return None
        result.append(idx)
        if not outer and axis >= len(inner):
            break
    return result


def _merge(node, kind: type):
    inner = node.inputs[0].owner
    if inner is None or not isinstance(inner.op, Subtensor):
        return None
    outer = indices_of(node)
    if (kind is slice) != all([isinstance(i, slice) for i in outer]):
        return None
    x, old = inner.inputs[0], node.outputs[0]
    merged = _merged_indices(x, indices_of(inner), outer)
    if merged is None:
        return None
    new = specify_shape(read(x, merged), old.type.shape)
    return [copy_stack_trace([old, inner.outputs[0]], new)]


@register_canonicalize
@register_specialize
@node_rewriter([Subtensor])
def local_subtensor_merge_slice(fgraph, node):
    """x[a:b][c:d] -> x[a + c:min(b, a + d)]"""
    return _merge(node, slice)


@register_canonicalize
@register_specialize
@node_rewriter([Subtensor])
def local_subtensor_merge_integer(fgraph, node):
    """x[a:b][i] -> x[a + i]"""
    return _merge(node, int)


def merge_two_slices(fgraph, slice1, len1, slice2, len2):
    """Return one index that does what `slice1` and then `slice2` (or an integer) do.

    Parameters
    ----------
    fgraph
        Unused; kept for compatibility.
    slice1, slice2
        A slice, and a slice or an integer.
    len1, len2
        The length of the axis before and after `slice1`.
    """
    merged = merged_index(slice1, slice2, known(len1))
    if merged is not None:
        return merged
    first, way = get_canonical_form_slice(slice1, len1)
    second, way2 = get_canonical_form_slice(slice2, len2)
    if isinstance(second, slice):
        if known(way) != 1 or known(way2) != 1:
            raise NotImplementedError("[merge_two_slices] slices must go forward")
        stop = first.start + second.stop * first.step
        return slice(first.start + second.start * first.step, stop, first.step * second.step)
    if known(way) == 1:
        return first.start + second * first.step
    return first.start + (len2 - 1 - second) * first.step


@register_canonicalize
@register_specialize
@node_rewriter([Subtensor])
def local_subtensor_remove_broadcastable_index(fgraph, node):
    """x[:, 0] -> dimshuffle(x, [0]) if the axis is known to have length 1"""
    x = node.inputs[0]
    dropped = []
    for axis, idx in enumerate(indices_of(node)):
        if is_full(idx):
            continue
        if isinstance(idx, slice) or x.type.shape[axis] != 1 or known(idx) not in (0, -1):
            return None
        dropped.append(axis)
    if not dropped:
        return None
    new = x.dimshuffle([i for i in range(x.type.ndim) if i not in dropped])
    return [copy_stack_trace(node.outputs[0], new)]


@register_canonicalize
@register_specialize
@node_rewriter([Subtensor])
def local_convert_negative_indices(fgraph, node):
    """x[-1] -> x[n - 1] if the length n is known"""
    x = node.inputs[0]
    if all([isinstance(i, slice) for i in node.op.idx_list]):
        return None
    indices = list(indices_of(node))
    found = False
    for axis, idx in enumerate(indices):
        n = x.type.shape[axis]
        i = None if isinstance(idx, slice) or n is None else known(idx)
        if i is not None and -n <= i < 0:
            indices[axis] = i + n
            found = True
    return [copy_stack_trace(node.outputs[0], read(x, indices))] if found else None


# -- arrays of indices that are slices -----------------------------------------------------


def _range_bounds(idx: Variable):
    """Return start, stop and step of a vector of indices that is a range."""
    if isinstance(idx, TensorConstant):
        data = idx.data
        if data.ndim != 1 or data.size < 2 or data.dtype == bool:
            return None
        first, step = int(data[0]), int(data[1]) - int(data[0])
        last = int(data[-1])
        if step == 0 or first < 0 or last < 0 or (data[1:] - data[:-1] != step).any():
            return None
        stop: int | None = last + (1 if step > 0 else -1)
        return first, None if stop < 0 else stop, step
    node = idx.owner
    if node is None or not isinstance(node.op, ARange):
        return None
    start, stop, step = node.inputs
    if known(start) is None or known(start) < 0 or known(step) is None or known(step) <= 0:
        return None
    return known(start), known(stop) if isinstance(stop, Constant) else stop, known(step)


def _as_slice(fgraph, node):
    """Return the index of an indexing node with a slice for its only array, if that is a range."""
    idx_list = node.op.idx_list
    if sum([not isinstance(i, slice) for i in idx_list]) != 1:
        return None
    indices = list(indices_of(node))
    [axis] = [i for i, idx in enumerate(indices) if not isinstance(idx, slice)]
    bounds = _range_bounds(indices[axis])
    if bounds is None:
        return None
    start, stop, step = bounds
    if isinstance(stop, Variable):
        # A symbolic stop may be negative: arange(-1) is empty, x[:-1] is not.
        stop = nonnegative_length(stop)
        if stop.owner is None or not isinstance(stop.owner.op, Shape_i):
            return None
        if same_expression(stop, shape_i(node.inputs[0], axis, fgraph)):
            stop = None
    elif (stop is not None and stop < 0) or not _is_within(node, axis, start, stop, step):
        return None
    indices[axis] = slice(start or None, stop, None if step == 1 else step)
    return indices


def _is_within(node, axis: int, start: int, stop: int | None, step: int) -> bool:
    """Return whether the numbers of a range are known to be indices: a slice would not complain."""
    length = node.inputs[0].type.shape[axis]
    taken = range(start, -1 if stop is None else stop, step)
    return not taken or (length is not None and max(taken[0], taken[-1]) < length)


@register_canonicalize("shape_unsafe")
@register_specialize("shape_unsafe")
@node_rewriter([AdvancedSubtensor])
def local_adv_idx_to_slice(fgraph, node):
    """x[:, arange(a, b)] -> x[:, a:b]"""
    indices = _as_slice(fgraph, node)
    if indices is None:
        return None
    x, old = node.inputs[0], node.outputs[0]
    new = read(x, indices)
    if new is x and x.type.shape == old.type.shape:
        return [x]
    return [copy_stack_trace(old, specify_shape(new, old.type.shape))]


@register_canonicalize("shape_unsafe")
@register_specialize("shape_unsafe")
@node_rewriter([AdvancedIncSubtensor])
def local_adv_write_to_slice(fgraph, node):
    """x[arange(a, b)].inc(y) -> x[a:b].inc(y)"""
    indices = _as_slice(fgraph, node)
    if indices is None:
        return None
    x, y = node.inputs[:2]
    idx_list, flat = flatten_index_variables(indices)
    write = IncSubtensor(idx_list, set_instead_of_inc=node.op.set_instead_of_inc)
    return [copy_stack_trace(node.outputs[0], write(x, y, *flat))]


# -- parts put together again --------------------------------------------------------------


@register_specialize
@node_rewriter([Join])
def local_join_subtensors(fgraph, node):
    """join(x[:a], x[a:]) -> x[:]"""
    axis, parts = node.op.axis, node.inputs
    for k, (left, right) in enumerate(itertools.pairwise(parts)):
        joined = _joined_slices(left, right, axis)
        if joined is not None:
            rest = [*parts[:k], joined, *parts[k + 2 :]]
            old = node.outputs[0]
            new = node.op(*rest) if len(rest) > 1 else joined
            if new.type.dtype != old.type.dtype:
                return None
            return [copy_stack_trace(old, specify_shape(new, old.type.shape))]
    return None


def _joined_slices(left: Variable, right: Variable, axis: int) -> Variable | None:
    a, b = left.owner, right.owner
    if a is None or b is None or not isinstance(a.op, Subtensor) or not isinstance(b.op, Subtensor):
        return None
    if a.inputs[0] is not b.inputs[0]:
        return None
    first, second = list(indices_of(a)), list(indices_of(b))
    if len(first) != len(second) or not all(isinstance(i, slice) for i in (*first, *second)):
        return None
    if (
        axis >= len(first)
        or first[:axis] != second[:axis]
        or first[axis + 1 :] != second[axis + 1 :]
    ):
        return None
    s, t = known_slice(first[axis]), known_slice(second[axis])
    if s is None or t is None or s[2] != 1 or t[2] != 1 or s[1] is None or s[1] != t[0]:
        return None
    # Only with bounds counted from one end do the slices meet whatever the length.
    bounds = [n for n in (s[0], s[1], t[1]) if n is not None]
    if any(n < 0 for n in bounds) or sorted(bounds) != bounds:
        return None
    first[axis] = slice(s[0], t[1])
    return read(a.inputs[0], first)


# -- batches -------------------------------------------------------------------------------


def _blockwise_of(*core_ops: type) -> OpPattern:
    return OpPattern(Blockwise, core_op=OpPattern(core_ops if len(core_ops) > 1 else core_ops[0]))


def _unbatched(node, inputs) -> bool:
    """Return whether index inputs have no batch axes but of length 1."""
    return all(all(v.type.broadcastable) for v in inputs)


@register_stabilize
@register_specialize
@node_rewriter([_blockwise_of(Subtensor)])
def local_blockwise_of_subtensor(fgraph, node):
    """vectorized(x[a:b]) -> x[:, a:b] if only x has batch axes"""
    x, *idxs = node.inputs
    if not _unbatched(node, idxs):
        return None
    core = unflatten_index_variables([i.squeeze() for i in idxs], node.op.core_op.idx_list)
    batch_ndim = node.op.batch_ndim(node)
    new = read(x, [*[FULL] * batch_ndim, *core])
    return [copy_stack_trace(node.outputs[0], new)]


@register_canonicalize
@register_stabilize
@register_specialize
@node_rewriter([_blockwise_of(IncSubtensor)])
def local_blockwise_inc_subtensor(fgraph, node):
    """vectorized(x[a:b].inc(y)) -> x[:, a:b].inc(y) if x has all the batch axes, the index none"""
    x, y, *idxs = node.inputs
    out = node.outputs[0]
    if not _unbatched(node, idxs) or x.type.broadcastable != out.type.broadcastable:
        return None
    core_op = node.op.core_op
    batch_ndim = node.op.batch_ndim(node)
    core = unflatten_index_variables([i.squeeze() for i in idxs], core_op.idx_list)
    idx_list, flat = flatten_index_variables([*[FULL] * batch_ndim, *core])
    props = core_op._props_dict()
    props["idx_list"] = idx_list
    core_ndim = x.type.ndim - batch_ndim - sum(not isinstance(i, slice) for i in core_op.idx_list)
    if y.type.ndim - batch_ndim != core_ndim:
        return None
    return [copy_stack_trace(out, type(core_op)(**props)(x, y, *flat))]
