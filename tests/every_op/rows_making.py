"""New arrays: filled, ranges, triangles, diagonals."""

import numpy as np
from op_rows import Row, arrays, integer, real

import pytensor.tensor as pt

NO_NUMBERS = "depends on lengths only"
STEPS = "of integers"
MATRIX = [arrays((3, 4), also=[((1, 1),), ((0, 4),)])]
LENGTH = integer(0, 4)


def row(name, words, call, reference, shapes=MATRIX, args=(real(),), dtypes="fi", **fields):
    return Row(f"{name} {words}", args, reference, call, dtypes=dtypes, shapes=shapes, **fields)


def of_lengths(name, words, call, reference, n=1, **fields):
    return row(name, words, call, reference, [arrays(*((),) * n)], (LENGTH,) * n, "f",
               gradient=NO_NUMBERS, **fields)  # fmt: skip


FILLED = [
    of_lengths("zeros", "", lambda n, m: pt.zeros((n, m)), lambda n, m: np.zeros((n, m)), 2),
    of_lengths("ones", "", lambda n: pt.ones((n, 2), "int32"), lambda n: np.ones((n, 2), "int32")),
    of_lengths("empty", "", lambda n: pt.zeros_like(pt.empty((n, 2))), lambda n: np.zeros((n, 2))),
    row("full", "", lambda x: pt.full((2, 3), x), lambda x: np.full((2, 3), x), [arrays(())], dtypes="fciub"),
    row("alloc", "", lambda x, n: pt.alloc(x, n, 4), lambda x, n: np.broadcast_to(x, (n, 4)).copy(),
        [arrays((4,), ())], (real(), LENGTH), dtypes="fciub"),
    row("zeros_like", "", pt.zeros_like, np.zeros_like, gradient=NO_NUMBERS, dtypes="fciub"),
    row("ones_like", "", pt.ones_like, np.ones_like, gradient=NO_NUMBERS, dtypes="fciub"),
    row("full_like", "", lambda x: pt.full_like(x, 3), lambda x: np.full_like(x, 3), gradient=NO_NUMBERS),
    row("empty_like", "", lambda x: pt.zeros_like(pt.empty_like(x)), np.zeros_like, gradient=NO_NUMBERS),
]  # fmt: skip
RANGES = [
    of_lengths("arange", "stop", pt.arange, np.arange, shape_known=True),
    of_lengths("arange", "start stop step", lambda a, b: pt.arange(a, b + 3, 2),
               lambda a, b: np.arange(a, b + 3, 2), 2),
    of_lengths("eye", "", lambda n: pt.eye(n, 3, 1), lambda n: np.eye(n, 3, 1)),
    of_lengths("tri", "", lambda n: pt.tri(n, 3, 1), lambda n: np.tri(n, 3, 1)),
    of_lengths("tril_indices", "", pt.tril_indices, np.tril_indices, shape_known="length counts elements"),
    of_lengths("triu_indices", "", pt.triu_indices, np.triu_indices, shape_known="length counts elements"),
    of_lengths("bartlett", "", pt.bartlett, np.bartlett),
    row("linspace", "", lambda a, b: pt.linspace(a, b, 5), lambda a, b: np.linspace(a, b, 5),
        [arrays((), ()), arrays((2,), (2,))], (real(), real()), "f", dtype="NumPy: float64"),
    row("linspace", "open", lambda a, b: pt.linspace(a, b, 5, endpoint=False, axis=-1),
        lambda a, b: np.linspace(a, b, 5, endpoint=False, axis=-1), [arrays((2,), (2,))],
        (real(), real()), "f", dtype="NumPy: float64"),
    row("logspace", "", lambda a, b: pt.logspace(a, b, 5), lambda a, b: np.logspace(a, b, 5),
        [arrays((), ())], (real(), real()), "f", dtype="NumPy: float64"),
    row("geomspace", "", lambda a, b: pt.geomspace(a, b, 5), lambda a, b: np.geomspace(a, b, 5),
        [arrays((), ())], (real(1, 2), real(3, 4)), "f", dtype="NumPy: float64"),
]  # fmt: skip
TRIANGLES = [
    row("tril", "", lambda x: pt.tril(x, 1), lambda x: np.tril(x, 1), dtypes="fciu"),
    row("triu", "", lambda x: pt.triu(x, -1), lambda x: np.triu(x, -1), dtypes="fciu"),
    row("tril_indices_from", "", pt.tril_indices_from, np.tril_indices_from, [arrays((3, 4))],
        gradient=NO_NUMBERS, shape_known="length counts elements"),
    row("triu_indices_from", "", pt.triu_indices_from, np.triu_indices_from, [arrays((3, 4))],
        gradient=NO_NUMBERS, shape_known="length counts elements"),
]  # fmt: skip
DIAGONALS = [
    row("diag", "of a vector", lambda x: pt.diag(x, 1), lambda x: np.diag(x, 1), [arrays((3,))], dtypes="fciub"),
    row("diag", "of a matrix", lambda x: pt.diag(x, -1), lambda x: np.diag(x, -1), [arrays((3, 4))]),
    row("diagonal", "", lambda x: pt.diagonal(x, 1, 0, 2), lambda x: np.diagonal(x, 1, 0, 2),
        [arrays((2, 3, 4))], dtypes="fciub"),
    row("extract_diag", "", pt.extract_diag, np.diag),
    row("trace", "", lambda x: pt.trace(x, 1), lambda x: np.trace(x, 1), [arrays((3, 4))], dtypes="fci"),
    row("pytensor.tensor.basic:alloc_diag", "", lambda x: pt.basic.alloc_diag(x, 1),
        lambda x: np.stack([np.diag(r, 1) for r in x], -1), [arrays((2, 3))]),
    row("fill_diagonal", "", lambda x, y: pt.fill_diagonal(x, y), lambda x, y: _filled(x, y, 0),
        [arrays((3, 4), ())], (real(), real())),
    row("fill_diagonal_offset", "", lambda x, y: pt.fill_diagonal_offset(x, y, 1),
        lambda x, y: _filled(x, y, 1), [arrays((3, 4), ())], (real(), real())),
]  # fmt: skip


def _filled(x, y, offset):
    x = x.copy()
    rows = np.arange(min(x.shape[0], x.shape[1] - offset))
    x[rows, rows + offset] = y
    return x


ROWS = [*FILLED, *RANGES, *TRIANGLES, *DIAGONALS]
