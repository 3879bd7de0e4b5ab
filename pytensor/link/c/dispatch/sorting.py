"""Kernels that sort, by NumPy's own functions, and that search what is sorted."""

import numpy as np

from pytensor.link.c.dispatch.basic import C_CODE, C_TYPES, Source, c_funcify, c_suffix
from pytensor.link.c.dispatch.parameters import DTYPES, ready_kernel
from pytensor.tensor._extra_index import SearchsortedOp, Unique
from pytensor.tensor.sort import ArgSortOp, SortOp

# NumPy's numbers of its algorithms.
_KINDS = {"quicksort": 0, "heapsort": 1, "mergesort": 2, "stable": 2}
# Positions are written where NumPy's functions write theirs.
_POSITIONS_FIT = np.dtype(np.intp).itemsize == 8


def _suffix(dtype: str) -> str:
    # `bool` may be a macro.
    return "b8" if dtype == "bool" else str(c_suffix(dtype))


def _make(dtype: str):
    kind = {"f": 1, "c": 2}.get(np.dtype(dtype).kind, 0)
    defines = ("T", C_TYPES[dtype]), ("PT_SUFFIX", _suffix(dtype)), ("PT_KIND", str(kind))
    names = [f"pt_{name}_{_suffix(dtype)}" for name in ("searchsorted", "unique")]
    return ready_kernel("ordered.c", *names, source=Source(C_CODE, "ordered.c", defines))


_kernel = ready_kernel("sorting.h", "pt_sort", "pt_argsort")
_typed = {dtype: _make(dtype) for dtype in DTYPES}


def _how(op, x) -> tuple[int, ...]:
    dtype = x.type.numpy_dtype
    return x.type.ndim, op.axis % x.type.ndim, dtype.itemsize, dtype.num, _KINDS[op.kind]


@c_funcify.register(SortOp)
def _sort(op, node=None, **kwargs):
    return _kernel("pt_sort", *_how(op, node.inputs[0]), inplace={0: (0,)})


@c_funcify.register(ArgSortOp)
def _argsort(op, node=None, **kwargs):
    return _kernel("pt_argsort", *_how(op, node.inputs[0])) if _POSITIONS_FIT else None


@c_funcify.register(SearchsortedOp)
def _searchsorted(op, node=None, **kwargs):
    x, v, *sorter = node.inputs
    dtype = x.type.dtype
    if v.type.dtype != dtype or dtype not in _typed:
        return None
    sorter_dtype = DTYPES[sorter[0].type.dtype] if sorter else 0
    how = v.type.ndim, int(op.side == "right"), sorter_dtype
    return _typed[dtype](f"pt_searchsorted_{_suffix(dtype)}", *how)


@c_funcify.register(Unique)
def _unique(op, node=None, **kwargs):
    x = node.inputs[0].type
    flat = op.axis is None or x.ndim == 1
    if not flat or x.dtype not in _typed or not _POSITIONS_FIT:
        return None
    kind = _KINDS["stable" if op.return_index else "quicksort"]
    wanted = int(op.return_index), int(op.return_inverse), int(op.return_counts)
    how = x.ndim, x.numpy_dtype.num, kind, *wanted
    return _typed[x.dtype](f"pt_unique_{_suffix(x.dtype)}", *how)
