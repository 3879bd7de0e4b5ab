"""Sorting, sets, counting, positions."""

import numpy as np
from op_rows import Row, arrays, boolean, given, integer, real

import pytensor.tensor as pt
from pytensor.tensor.sort import argtopk, topk, topk_and_argtopk

POSITIONS = "positions are integers"
COUNTED = "the length depends on the values"
MATRIX = [arrays((3, 4), also=[((1, 1),), ((0, 4),)])]
VECTOR = [arrays((6,), also=[((1,),), ((0,),)])]


def row(name, words, call, reference, shapes=MATRIX, args=(real(-9, 9),), dtypes="fiu", **fields):
    return Row(f"{name} {words}", args, reference, call, dtypes=dtypes, shapes=shapes, **fields)


def _permutation(rng, dtype, shape):
    return rng.permutation(shape[-1])


def _ascending(rng, dtype, shape):
    return np.sort(rng.uniform(-2, 2, shape).astype(dtype))


def _permutations(rng, dtype, shape):
    return np.stack([rng.permutation(shape[-1]) for _ in range(shape[0])])


SORTING = [
    *[row("sort", str(a), lambda x, a=a: pt.sort(x, a), lambda x, a=a: np.sort(x, a)) for a in (0, -1, None)],
    *[row("argsort", str(a), lambda x, a=a: pt.argsort(x, a, kind="stable"),
          lambda x, a=a: np.argsort(x, a, kind="stable"), gradient=POSITIONS) for a in (0, -1, None)],
    row("pytensor.tensor.sort:topk", "", lambda x: topk(x, 2), lambda x: np.sort(x)[:, :-3:-1],
        [arrays((3, 4))]),
    row("pytensor.tensor.sort:argtopk", "", lambda x: argtopk(x, 2),
        lambda x: np.argsort(x)[:, :-3:-1], [arrays((3, 4))], dtypes="f", gradient=POSITIONS),
    row("pytensor.tensor.sort:topk_and_argtopk", "", lambda x: topk_and_argtopk(x, 2, axis=0),
        lambda x: (np.sort(x, 0)[:-3:-1], np.argsort(x, 0)[:-3:-1]), [arrays((3, 4))], dtypes="f"),
    row("searchsorted", "", pt.searchsorted, np.searchsorted, [arrays((4,), (2, 3))],
        (given(_ascending), real()), "f", gradient=POSITIONS),
    row("searchsorted", "right", lambda x, v: pt.searchsorted(x, v, side="right"),
        lambda x, v: np.searchsorted(x, v, side="right"), [arrays((4,), (2, 3))],
        (given(_ascending), real()), "f", gradient=POSITIONS),
]  # fmt: skip
SETS = [
    row("unique", "", pt.unique, np.unique, VECTOR, (real(-2, 2),), "fiub", gradient=POSITIONS,
        shape_known=COUNTED),
    row("unique", "everything", lambda x: pt.unique(x, True, True, True),
        lambda x: np.unique(x, True, True, True), [*VECTOR, arrays((3, 4))], (real(-2, 2),), "i",
        gradient=POSITIONS, shape_known=COUNTED),
    row("unique", "axis", lambda x: pt.unique(x, axis=0), lambda x: np.unique(x, axis=0),
        [arrays((5, 2))], (real(0, 1),), "i", gradient=POSITIONS, shape_known=COUNTED),
    row("bincount", "", lambda x: pt.bincount(x, minlength=3), lambda x: np.bincount(x, minlength=3), VECTOR,
        (integer(0, 5),), "f", gradient=POSITIONS, shape_known=COUNTED),
    row("bincount", "weights", lambda x, w: pt.bincount(x, w), lambda x, w: np.bincount(x, w),
        [arrays((6,), (6,))], (integer(0, 5), real()), "f", shape_known=COUNTED, dtype="NumPy: float64"),
    row("inverse_permutation", "", pt.inverse_permutation, np.argsort, [arrays((5,))],
        (given(_permutation, "int64"),), "f", gradient=POSITIONS, dtype="as the input"),
    row("permute_row_elements", "", pt.permute_row_elements,
        lambda x, p: np.take_along_axis(x, p, 1), [arrays((3, 4), (3, 4))],
        (real(), given(_permutations, "int64")), "f"),
]  # fmt: skip
FOUND = [
    row("nonzero", "", pt.nonzero, np.nonzero, MATRIX, (real(-1, 1),), "i", gradient=POSITIONS,
        shape_known=COUNTED),
    row("nonzero", "bool", pt.nonzero, np.nonzero, MATRIX, (boolean(),), "f", gradient=POSITIONS,
        shape_known=COUNTED),
    row("flatnonzero", "", pt.flatnonzero, np.flatnonzero, MATRIX, (real(-1, 1),), "i",
        gradient=POSITIONS, shape_known=COUNTED),
    row("nonzero_values", "", pt.nonzero_values, lambda x: x[np.nonzero(x)], MATRIX, (real(-1, 1),),
        "i", shape_known=COUNTED),
    row("compress", "", lambda c, x: pt.compress(c, x, axis=0), lambda c, x: np.compress(c, x, axis=0),
        [arrays((3,), (3, 4))], (boolean(), real()), shape_known=COUNTED),
    row("unravel_index", "", lambda i: pt.unravel_index(i, (3, 4)), lambda i: np.unravel_index(i, (3, 4)),
        [arrays((5,)), arrays(())], (integer(0, 11),), "f", gradient=POSITIONS),
    row("ravel_multi_index", "", lambda i, j: pt.ravel_multi_index((i, j), (3, 4)),
        lambda i, j: np.ravel_multi_index((i, j), (3, 4)), [arrays((5,), (5,))],
        (integer(0, 2), integer(0, 3)), "f", gradient=POSITIONS),
    row("pytensor.tensor.extra_ops:to_one_hot", "", lambda i: pt.extra_ops.to_one_hot(i, 4),
        lambda i: np.eye(4)[i], [arrays((5,))], (integer(0, 3),), "f", gradient=POSITIONS),
]  # fmt: skip
ROWS = [*SORTING, *SETS, *FOUND]
