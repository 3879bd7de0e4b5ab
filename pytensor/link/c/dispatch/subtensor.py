"""Kernels of indexing: views for basic reads, loops for writes."""

from pytensor.link.c.dispatch.basic import c_funcify
from pytensor.link.c.dispatch.parameters import DTYPES, ones_mask, ready_kernel
from pytensor.tensor.subtensor import (
    IncSubtensor,
    Subtensor,
)

_kernel = ready_kernel("indexing.h", "pt_subtensor", "pt_inc_subtensor")
_WHOLE, _INDEX, _SLICE = range(3)
# Only sums of float16 are known by a number.
_HALF = max(DTYPES.values()) + 1


def _part_word(node, entry: int | None, first: int) -> int:
    """Describe a number among the index inputs, which begin with input number `first`."""
    if entry is None:
        return -1
    at = first + entry
    return at << 8 | DTYPES[node.inputs[at].type.dtype]


def slice_words(node, entry: slice, first: int) -> list[int] | None:
    """Describe a slice; None if C cannot read one of its parts."""
    if entry == slice(None):
        return [_WHOLE, -1, -1, -1]
    try:
        parts = [_part_word(node, p, first) for p in (entry.start, entry.stop, entry.step)]
    except KeyError:
        return None
    return [_SLICE, *parts]


def _region(node, idx_list, first: int) -> list[int] | None:
    """Describe an index whose inputs begin with input number `first`; None if C cannot read it."""
    words = [len(idx_list), node.inputs[0].type.ndim]
    for entry in idx_list:
        if isinstance(entry, slice):
            part = slice_words(node, entry, first)
            if part is None:
                return None
            words += part
        elif node.inputs[first + entry].type.dtype in DTYPES:
            words += [_INDEX, _part_word(node, entry, first), -1, -1]
        else:
            return None
    return words


@c_funcify.register(Subtensor)
def _subtensor(op, node=None, **kwargs):
    region = _region(node, op.idx_list, 1)
    if region is None:
        return None
    return _kernel("pt_subtensor", len(node.inputs), *region, views={0: 0})


def addition(x, write: bool) -> int | None:
    """Return the number of the dtype in which elements are added, 0 to write; None without C."""
    if write:
        return 0 if x.type.numpy_dtype.itemsize in (1, 2, 4, 8, 16) else None
    return _HALF if x.type.dtype == "float16" else DTYPES.get(x.type.dtype)


def placement(inplace: bool) -> dict:
    """Return where the output's memory comes from, as arguments of `CKernel`."""
    return {"destroys": {0: 0}} if inplace else {"inplace": {0: (0,)}}


@c_funcify.register(IncSubtensor)
def _inc_subtensor(op, node=None, **kwargs):
    x, y = node.inputs[:2]
    add = addition(x, op.set_instead_of_inc)
    region = _region(node, op.idx_list, 2)
    if x.type.dtype != y.type.dtype or add is None or region is None:
        return None
    scalars = sum(not isinstance(entry, slice) for entry in op.idx_list)
    start = len(node.inputs), int(op.inplace), x.type.numpy_dtype.itemsize, add
    axes = x.type.ndim - scalars, y.type.ndim, ones_mask(y)
    return _kernel("pt_inc_subtensor", *start, *axes, *region, **placement(op.inplace))
