"""Sums, extremes, truth, statistics and running sums over axes."""

import numpy as np
from op_rows import Row, arrays, boolean, real

import pytensor.tensor as pt

STEPS = "constant between its jumps"
AXES = (None, 0, -1, (0, 2))
CUBE = [arrays((2, 3, 2), also=[((1, 1, 1),), ((2, 0, 2),)])]
NONEMPTY = [arrays((2, 3, 2), also=[((1, 1, 1),)])]
MATRIX = [arrays((3, 4), also=[((1, 1),)])]


def over_axes(name, dtypes="f", shapes=CUBE, args=(real(0.3, 2),), reference=None, **fields):
    """A row for each choice of axes, with and without keepdims."""
    reference = reference or getattr(np, name)
    return [
        Row(f"{name} {axis} {keep}", args,
            lambda x, axis=axis, keep=keep: reference(x, axis=axis, keepdims=keep),
            lambda x, axis=axis, keep=keep: getattr(pt, name)(x, axis=axis, keepdims=keep),
            dtypes=dtypes, shapes=shapes, **fields)
        for axis in AXES for keep in (False, True)
    ]  # fmt: skip


def plain(name, words, call, reference, dtypes="f", shapes=MATRIX, args=(real(),), **fields):
    return Row(f"{name} {words}", args, reference, call, dtypes=dtypes, shapes=shapes, **fields)


REDUCTIONS = [
    *over_axes("sum", "fciub"),
    *over_axes("prod", "fciu"),
    *over_axes("mean", "fi"),
    *over_axes("max", "fiu", NONEMPTY, (real(-9, 9),)),
    *over_axes("min", "fiu", NONEMPTY, (real(-9, 9),)),
    *over_axes("var", "f"),
    *over_axes("std", "f", NONEMPTY[:1] and [arrays((2, 3, 2))]),
    *over_axes("all", "b", args=(boolean(),), gradient=STEPS),
    *over_axes("any", "b", args=(boolean(),), gradient=STEPS),
    plain("var", "ddof", lambda x: pt.var(x, 0, ddof=1), lambda x: np.var(x, 0, ddof=1),
          shapes=[arrays((3, 4))]),
    plain("std", "ddof", lambda x: pt.std(x, 1, ddof=1), lambda x: np.std(x, 1, ddof=1),
          shapes=[arrays((3, 4))]),
    plain("sum", "dtype", lambda x: pt.sum(x, dtype="float64"), lambda x: x.sum(dtype="float64"), "fi"),
    plain("prod", "no zeros", lambda x: pt.prod(x, 0, no_zeros_in_input=True),
          lambda x: x.prod(0), args=(real(0.5, 2),)),
    plain("max", "initial", lambda x: pt.max(x, initial=-np.inf), lambda x: np.max(x, initial=-np.inf),
          shapes=[arrays((3, 4), also=[((0, 4),)])]),
    plain("min", "initial", lambda x: pt.min(x, initial=np.inf), lambda x: np.min(x, initial=np.inf),
          shapes=[arrays((3, 4), also=[((0, 4),)])]),
    plain("median", "all", pt.median, np.median, shapes=[arrays((3, 4)), arrays((5,))]),
    plain("median", "axis", lambda x: pt.median(x, axis=1), lambda x: np.median(x, axis=1)),
    plain("ptp", "all", pt.ptp, np.ptp, "fi"),
    plain("ptp", "axis", lambda x: pt.ptp(x, axis=0), lambda x: np.ptp(x, axis=0)),
    plain("cov", "rows", pt.cov, np.cov, shapes=[arrays((3, 4))], dtype="NumPy: float64"),
    plain("cov", "columns", lambda x: pt.cov(x, rowvar=False, ddof=0),
          lambda x: np.cov(x, rowvar=False, ddof=0), shapes=[arrays((5, 2))], dtype="NumPy: float64"),
    plain("allclose", "same", pt.allclose, np.allclose, args=(real(), real()), gradient=STEPS,
          shapes=[arrays((3, 4), (3, 4))]),
    plain("smallest", "three", pt.smallest, lambda *x: np.min(x, axis=0), args=(real(),) * 3,
          shapes=[arrays((3, 4), (3, 4), (3, 4))]),
    plain("largest", "three", pt.largest, lambda *x: np.max(x, axis=0), args=(real(),) * 3,
          shapes=[arrays((3, 4), (3, 4), (3, 4))]),
]  # fmt: skip
POSITIONS = [
    *over_axes("argmax", "fiu", NONEMPTY, (real(-9, 9),), gradient=STEPS),
    *over_axes("argmin", "fiu", NONEMPTY, (real(-9, 9),), gradient=STEPS),
    plain("max_and_argmax", "axis", lambda x: pt.max_and_argmax(x, axis=1),
          lambda x: (x.max(1), x.argmax(1))),
]  # fmt: skip
# NumPy has no argmax over several axes.
POSITIONS = [row for row in POSITIONS if "(0, 2)" not in row.name]
RUNNING = [
    *[plain(name, str(axis), lambda x, name=name, axis=axis: getattr(pt, name)(x, axis=axis),
            lambda x, name=name, axis=axis: getattr(np, name)(x, axis=axis, dtype=x.dtype), "fiu",
            shapes=[arrays((3, 4), also=[((0, 4),), ((1, 1),)])], args=(real(0.5, 2),))
      for name in ("cumsum", "cumprod") for axis in (None, 0, -1)],
    *[plain("diff", f"{n} {axis}", lambda x, n=n, axis=axis: pt.diff(x, n, axis),
            lambda x, n=n, axis=axis: np.diff(x, n, axis), "fi", shapes=[arrays((3, 4))])
      for n in (1, 2) for axis in (0, -1)],
]  # fmt: skip
ROWS = [*REDUCTIONS, *POSITIONS, *RUNNING]
