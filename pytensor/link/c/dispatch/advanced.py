"""Kernels of indexing by integer arrays and masks, in any company of slices.

The index becomes byte offsets into x, checked; then elements or blocks move.
"""

from pytensor.link.c.dispatch.basic import c_funcify
from pytensor.link.c.dispatch.parameters import DTYPES, ones_mask, ready_kernel
from pytensor.link.c.dispatch.subtensor import addition, placement, slice_words
from pytensor.tensor.basic import Nonzero
from pytensor.tensor.subtensor import (
    AdvancedIncSubtensor,
    AdvancedSubtensor,
    non_consecutive_adv_indexing,
    unflatten_index_variables,
)

_kernel = ready_kernel("taking.h", "pt_advanced_subtensor", "pt_advanced_inc_subtensor")
_nonzero_kernel = ready_kernel("nonzero.h", "pt_nonzero")
_ARRAY, _MASK = 1, 3


def _index_words(node, idx_list, first: int) -> list[int] | None:
    """Describe an index whose inputs begin with input number `first`; None if C cannot read it."""
    ndim, words = 0, []
    for entry in idx_list:
        if isinstance(entry, slice):
            part = slice_words(node, entry, first)
            if part is None:
                return None
            words += part
            continue
        at = first + entry
        type_ = node.inputs[at].type
        code = DTYPES.get(type_.dtype)
        if code is None or type_.numpy_dtype.kind not in "iub":
            return None
        is_mask = type_.dtype == "bool"
        ndim = max(ndim, 1 if is_mask else type_.ndim)
        words += [_MASK if is_mask else _ARRAY, at << 8 | code, type_.ndim, 0]
    indices = unflatten_index_variables(node.inputs[first:], idx_list)
    apart = non_consecutive_adv_indexing(indices)
    return [len(idx_list), node.inputs[0].type.ndim, ndim, int(apart), *words]


@c_funcify.register(AdvancedSubtensor)
def _advanced_subtensor(op, node=None, **kwargs):
    words = _index_words(node, op.idx_list, 1)
    if words is None:
        return None
    itemsize = node.inputs[0].type.numpy_dtype.itemsize
    return _kernel("pt_advanced_subtensor", len(node.inputs), itemsize, *words)


def _may_repeat(op, node) -> bool:
    """Tell whether an element can be named twice: not by masks alone."""
    return any(
        not isinstance(entry, slice) and node.inputs[2 + entry].type.dtype != "bool"
        for entry in op.idx_list
    )


@c_funcify.register(AdvancedIncSubtensor)
def _advanced_inc_subtensor(op, node=None, **kwargs):
    x, y = node.inputs[:2]
    words = _index_words(node, op.idx_list, 2)
    add = addition(x, op.set_instead_of_inc)
    add_once = op.ignore_duplicates and not op.set_instead_of_inc and _may_repeat(op, node)
    if words is None or add is None or x.type.dtype != y.type.dtype or add_once:
        return None
    start = len(node.inputs), x.type.numpy_dtype.itemsize, int(op.inplace), add
    axes = y.type.ndim, ones_mask(y)
    return _kernel("pt_advanced_inc_subtensor", *start, *axes, *words, **placement(op.inplace))


@c_funcify.register(Nonzero)
def _nonzero(op, node=None, **kwargs):
    x = node.inputs[0].type
    dtype = DTYPES.get(x.dtype)
    return None if dtype is None else _nonzero_kernel("pt_nonzero", x.ndim, dtype)
