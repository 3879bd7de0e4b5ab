"""Which calls products become, however they are written: a table of expressions.

    python -m benchmarks.blas_fusion_table          # expression, ops of the compiled graph

The tests (`tests/tensor/blas/test_fusion_table.py`) compile every row in the C and the Python
mode, compare the values with NumPy's and the calls with those named here.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

import numpy as np

import pytensor
import pytensor.tensor as pt
from pytensor.graph.traversal import explicit_graph_inputs
from pytensor.tensor.blas import BatchedDot, Dot22, Dot22Scalar, Gemm, Gemv, Ger
from pytensor.tensor.blas._op import BlasOp
from pytensor.tensor.blockwise import Blockwise
from pytensor.tensor.elemwise import CAReduce, Elemwise
from pytensor.tensor.math import Dot


class Row(NamedTuple):
    """An expression as text, its calls, and how many elementwise loops over arrays it has."""

    text: str
    calls: dict[str, int]
    loops: int = 0


# By name: dtype and static shape. Lengths that are not static are 5.
VARIABLES: dict[str, tuple[str, tuple[int | None, ...]]] = {
    **dict.fromkeys("ABCD", ("float64", (None, None))),
    **dict.fromkeys("vwxy", ("float64", (None,))),
    **dict.fromkeys("as", ("float64", ())),
    **dict.fromkeys("TUV", ("float64", (None, None, None))),
    **dict.fromkeys(("Z1", "Z2", "Z3"), ("complex128", (None, None))),
    **dict.fromkeys(("z1", "z2"), ("complex128", (None,))),
    "F": ("float32", (None, None)),
    "I": ("int64", (None, None)),
    "row": ("float64", (1, None)),
    "col": ("float64", (None, 1)),
    "Q": ("float64", (2, None, None, None)),
    "R": ("float64", (2, 1, None, None)),
}
LENGTH = 5

GEMM, GEMV, GER, SYRK = ({name: 1} for name in ("Gemm", "Gemv", "Ger", "Syrk"))
DOT, SCALED, BATCHED = ({name: 1} for name in ("Dot22", "Dot22Scalar", "BatchedGemm"))

TABLE = [
    # a product, scaled, added
    Row("A @ B", DOT),
    Row("s * (A @ B)", SCALED),
    Row("(s * A) @ B", SCALED),
    Row("A @ (B / s)", SCALED),
    Row("-(A @ B)", SCALED),
    Row("A @ B + C", GEMM),
    Row("C + s * A @ B", GEMM),
    Row("C + (s * A) @ (a * B)", GEMM),
    Row("a * C - A @ B / s", GEMM),
    Row("s * (C + A @ B)", GEMM),
    Row("(A @ B) / a + C", GEMM),
    Row("C - 0.5 * (A @ B)", GEMM),
    # more summands
    Row("A @ B + C + D", GEMM, 1),
    Row("C + (A @ B - 2 * D)", GEMM, 1),
    Row("A @ B + C * D + D", GEMM, 1),
    Row("A @ B + C @ D + A", {"Gemm": 2}),
    Row("A @ B + C @ D", {"Dot22": 1, "Gemm": 1}),
    Row("A @ B + A @ C", DOT, 1),
    Row("A @ C - B @ C + D", GEMM, 1),
    Row("s * (A @ B) + s * (A @ C) + D", GEMM, 1),
    Row("A @ B + 2 * (A @ B) + C", GEMM),
    Row("A @ B @ C + D", {"Dot22": 1, "Gemm": 1}),
    # a bias
    Row("A @ B + x", GEMM),
    Row("A @ B + row", GEMM),
    Row("A @ B + col", GEMM),
    Row("A @ B + s", GEMM),
    Row("A @ B + 1", GEMM),
    Row("A @ B + x + row", GEMM, 1),
    Row("tanh(A @ B + x)", GEMM, 1),
    # transposes
    Row("(A @ B).T", DOT),
    Row("(A @ B + C).T", GEMM),
    Row("C + (A @ B).T", GEMM),
    Row("(A.T @ B.T).T + C", GEMM),
    # vectors
    Row("A @ x", GEMV),
    Row("x @ A", GEMV),
    Row("x @ y", GEMV),
    Row("y + A @ x", GEMV),
    Row("a * y - s * (x @ A)", GEMV),
    Row("A @ x + y + 1", GEMV, 1),
    Row("A @ x + s", GEMV),
    Row("A @ x + A @ y", GEMV, 1),
    Row("A @ B @ x", {"Gemv": 2}),
    Row("x @ A @ x", {"Gemv": 2}),
    Row("(A * x).sum(1)", GEMV),
    Row("y + (A * x).sum(1)", GEMV),
    Row("A @ col", GEMV),
    Row("row @ A", GEMV),
    # outer products
    Row("outer(v, w)", GER),
    Row("outer(v, w).T", GER),
    Row("A + s * outer(v, w)", GER),
    Row("A + s * x[:, None] * y", GER),
    Row("a * A + s * outer(v, w)", GEMM),
    # a matrix and its own transpose
    Row("A @ A.T", SYRK),
    Row("A.T @ A", SYRK),
    Row("s * (A @ A.T)", SYRK),
    Row("C + s * (A.T @ A)", SYRK),
    Row("a * C - (A @ A.T) / s", SYRK),
    Row("A @ A.T + B @ C", {"Syrk": 1, "Dot22": 1}),
    Row("A @ A.T + A @ C", DOT, 1),
    # batches
    Row("T @ U", {"BatchedDot": 1}),
    Row("T @ U + V", BATCHED),
    Row("a * V - s * (T @ U)", BATCHED),
    Row("s * (T @ U)", BATCHED),
    Row("T @ U + x", BATCHED),
    Row("T @ B", {"Blockwise": 1}),
    Row("T @ B + x", BATCHED),
    Row("T @ B + V", BATCHED),
    Row("T @ x", {"Blockwise": 1}),
    Row("Q @ R", {"Blockwise": 1}),
    Row("Q @ R + T", BATCHED),
    # dtypes
    Row("F @ A", DOT, 1),
    Row("I @ A + C", GEMM, 1),
    Row("F.T @ A + F @ B", {"Dot22": 1, "Gemm": 1}, 1),
    Row("F @ x", GEMV, 1),
    Row("I @ I", {"Dot": 1}),
    # conjugates
    Row("Z1.conj().T @ Z2", DOT),
    Row("Z1.conj() @ Z2.conj() + Z3", GEMM),
    Row("Z1.conj().T @ z1", GEMV),
    Row("z1.conj() @ z2", GEMV),
    Row("outer(z1, z2.conj())", GER),
    Row("Z1 @ Z1.conj().T", SYRK),
    Row("Z1.conj().T @ Z1", SYRK),
    Row("Z3 + s * (Z1.conj().T @ Z1)", SYRK),
    Row("Z1 @ Z1.T", SYRK),
]

_CALLS = (Gemm, Gemv, Ger, Dot22, Dot22Scalar, BatchedDot, BlasOp, Dot)


def symbolic() -> dict[str, Any]:
    """Return the variables of the table, and the functions its expressions use."""
    names = {
        name: pt.tensor(name, dtype=dtype, shape=shape)
        for name, (dtype, shape) in VARIABLES.items()
    }
    return {**names, "outer": pt.outer, "tanh": pt.tanh}


def numeric(seed: int = 0) -> dict[str, Any]:
    """Return random values for the variables, and NumPy's functions."""
    rng = np.random.default_rng(seed)
    values: dict[str, Any] = {"outer": np.outer, "tanh": np.tanh}
    for name, (dtype, shape) in VARIABLES.items():
        size = tuple(LENGTH if n is None else n for n in shape)
        value = rng.normal(size=size) + 2
        if dtype == "complex128":
            value = value + 1j * rng.normal(size=size)
        values[name] = np.asarray(value).astype(dtype)
    return values


def compiled(text: str, mode=None):
    """Compile an expression of the table as a function of its variables, in order of name."""
    out = eval(text, {}, symbolic())
    inputs = sorted(explicit_graph_inputs([out]), key=lambda var: var.name)
    return pytensor.function(inputs, out, mode=mode)


def counted(fgraph) -> tuple[dict[str, int], int]:
    """Return how many calls of each kind a graph has, and how many loops over arrays."""
    calls: Counter = Counter()
    loops = 0
    for node in fgraph.apply_nodes:
        op = node.op
        if isinstance(op, _CALLS):
            calls[type(op).__name__] += 1
        elif isinstance(op, Blockwise) and isinstance(op.core_op, Dot):
            calls["Blockwise"] += 1
        elif isinstance(op, Elemwise | CAReduce) and node.inputs[0].type.ndim:
            loops += isinstance(op, CAReduce) or not all(node.outputs[0].type.broadcastable)
    return dict(calls), loops


def main() -> None:
    """Print the table."""
    for row in TABLE:
        function = compiled(row.text, "FAST_RUN")
        ops = [str(n.op) for n in function.maker.fgraph.toposort() if not n.op.view_map]
        shown = [op for op in ops if not op.startswith(("Shape_i", "AllocEmpty", "MakeVector"))]
        print(f"{row.text:32} {', '.join(shown)}")


if __name__ == "__main__":
    main()
