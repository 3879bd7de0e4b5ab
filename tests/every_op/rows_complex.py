"""Complex numbers and their parts."""

import numpy as np
from op_rows import Row, arrays, deprecated, real

import pytensor.tensor as pt

ROWS = [
    Row("real", (real(),), np.real, dtypes="cf"),
    Row("imag", (real(),), np.imag, dtypes="cf"),
    Row("angle", (real(),), np.angle, dtypes="c"),
    Row("conj", (real(),), np.conj, dtypes="cf"),
    Row("conjugate", (real(),), np.conj, dtypes="cf"),
    Row("complex", (real(), real()), lambda a, b: a + np.complex64(1j) * b),
    Row(
        "complex_from_polar",
        (real(0.2, 2), real()),
        lambda r, a: r * np.exp(np.complex64(1j) * a), deprecated("complex_from_polar"),
    ),
    Row("abs complex twice", (real(),), lambda x: np.abs(x) ** 2, lambda x: pt.abs(x) ** 2, dtypes="c"),
    Row("sum complex", (real(),), lambda x: x.sum(axis=0), lambda x: x.sum(axis=0), dtypes="c",
        shapes=[arrays((3, 4), also=[((0, 4),)])]),
    Row("prod complex", (real(),), lambda x: x.prod(axis=0), lambda x: x.prod(axis=0), dtypes="c",
        shapes=[arrays((3, 4), also=[((0, 4),)])]),
    Row("mean complex", (real(),), lambda x: x.mean(axis=0), lambda x: x.mean(axis=0), dtypes="c",
        shapes=[arrays((3, 4))]),
    Row("dot complex", (real(), real()), np.dot, dtypes="c", shapes=[arrays((3, 4), (4, 2))]),
    Row("matmul complex", (real(), real()), np.matmul, dtypes="c",
        shapes=[arrays((2, 3, 4), (2, 4, 2))]),
    Row("outer complex", (real(), real()), np.outer, dtypes="c", shapes=[arrays((3,), (4,))]),
    Row("var complex", (real(),), lambda x: x.var(), lambda x: pt.var(x), dtypes="c",
        shapes=[arrays((3, 4))]),
    Row("cumsum complex", (real(),), np.cumsum, dtypes="c", shapes=[arrays((5,))]),
]  # fmt: skip
