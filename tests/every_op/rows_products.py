"""Products of vectors, matrices and batches of them."""

import numpy as np
from op_rows import Row, arrays, real

import pytensor.tensor as pt

TWO = (real(), real())
TYPES = "fci"
BATCH = [arrays((2, 3, 4), (2, 4, 2), also=[((0, 3, 4), (0, 4, 2)), ((2, 3, 0), (2, 0, 2))])]


def row(name, words, call, reference, shapes, args=TWO, dtypes=TYPES, **fields):
    return Row(f"{name} {words}", args, reference, call, dtypes=dtypes, shapes=shapes, **fields)


ROWS = [
    row("dot", "", pt.dot, np.dot, [arrays((3, 4), (4, 2), also=[((3, 0), (0, 2)), ((1, 1), (1, 1))]),
        arrays((3, 4), (4,)), arrays((4,), (4, 2)), arrays((4,), (4,)), arrays((2, 3, 4), (4, 2))]),
    row("dense_dot", "", pt.dense_dot, np.dot, [arrays((3, 4), (4, 2))]),
    row("matmul", "", pt.matmul, np.matmul, [*BATCH, arrays((3, 4), (2, 4, 2)), arrays((4,), (4, 2))]),
    row("outer", "", pt.outer, np.outer, [arrays((3,), (4,), also=[((0,), (4,))])]),
    row("tensordot", "", lambda x, y: pt.tensordot(x, y, axes=[[1], [0]]),
        lambda x, y: np.tensordot(x, y, axes=[[1], [0]]), [arrays((2, 3, 4), (3, 2))]),
    row("tensordot", "two", lambda x, y: pt.tensordot(x, y, axes=2),
        lambda x, y: np.tensordot(x, y, axes=2), [arrays((2, 3, 4), (3, 4, 2))]),
    row("vecdot", "", pt.vecdot, lambda x, y: (x.conj() * y).sum(-1).astype(x.dtype), [arrays((3, 4), (3, 4))]),
    row("matvec", "", pt.matvec, lambda x, y: (x @ y[..., None])[..., 0], [arrays((2, 3, 4), (2, 4))]),
    row("vecmat", "", pt.vecmat, lambda x, y: (x.conj()[..., None, :] @ y)[..., 0, :],
        [arrays((2, 3), (2, 3, 4))]),
    row("einsum", "", lambda x, y: pt.einsum("bij,bjk->bki", x, y),
        lambda x, y: np.einsum("bij,bjk->bki", x, y), BATCH[:1] and [arrays((2, 3, 4), (2, 4, 2))]),
    row("einsum", "trace", lambda x: pt.einsum("ii->i", x), lambda x: np.einsum("ii->i", x),
        [arrays((3, 3))], (real(),)),
    row("pytensor.tensor.blas:batched_dot", "", pt.blas.batched_dot, np.matmul, BATCH),
    row("add", "gemm", lambda c, a, b: c - 0.5 * (a @ b), lambda c, a, b: c - c.dtype.type(0.5) * (a @ b),
        [arrays((3, 2), (3, 4), (4, 2), also=[((3, 2), (3, 0), (0, 2))])], (real(),) * 3, "fc"),
    row("add", "gemv", lambda c, a, b: c + 2 * (a @ b), lambda c, a, b: c + 2 * (a @ b),
        [arrays((3,), (3, 4), (4,))], (real(),) * 3, "fc"),
    row("add", "ger", lambda c, a, b: c + 2 * pt.outer(a, b), lambda c, a, b: c + 2 * np.outer(a, b),
        [arrays((3, 4), (3,), (4,))], (real(),) * 3, "fc"),
]  # fmt: skip
