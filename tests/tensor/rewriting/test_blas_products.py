"""Compiled: which calls and loops the expressions of vectors, chains, forms and batches become."""

import pathlib
import sys
from collections import Counter

import numpy as np
import pytest

import pytensor
import pytensor.tensor as pt
from pytensor.compile.mode import Mode
from pytensor.gradient import grad
from pytensor.graph.traversal import explicit_graph_inputs
from pytensor.tensor.blas import Gemv
from pytensor.tensor.blas.gemv import gemv_no_inplace
from pytensor.tensor.elemwise import DimShuffle

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from product_checks import calls, check, fired, random_inputs, rewritten

A, B, C, D, X = pt.dmatrices("A", "B", "C", "D", "X")
x, y, d = pt.dvectors("x", "y", "d")
s = pt.dscalar("s")
T, U = pt.dtensor3("T"), pt.dtensor3("U")
K, L, M = (pt.tensor(n, shape=z) for n, z in (("K", (2, 30)), ("L", (30, 30)), ("M", (30, 3))))

# Nodes that compute nothing: lengths, buffers and views.
_FREE = {
    "Shape_i", "AllocEmpty", "ExpandDims", "Squeeze", "MatrixTranspose", "DimShuffle", "Alloc",
    "JoinDims", "SpecifyShape", "ScalarFromTensor", "Minimum", "Subtensor", "MakeVector",
}  # fmt: skip

COMPILED = {
    "x@y": (x @ y, "Gemv"),
    "x@A@x": (x @ A @ x, "Gemv Gemv"),
    "A@B@x": (A @ B @ x, "Gemv Gemv"),
    "y+A@B@x": (y + A @ B @ x, "Gemv Gemv"),
    "y-(A@B)@x/2": (y - (A @ B) @ x / 2, "Gemv Gemv"),
    "y-s*(A@B)@x": (y - s * (A @ B) @ x, "Gemv Gemv Mul"),  # -s, a number
    "A@B@C@D@x": (A @ B @ C @ D @ x, "Gemv Gemv Gemv Gemv"),
    "x@(A@(B@C))": (x @ (A @ (B @ C)), "Gemv Gemv Gemv"),
    "K@(L@L@M)": (K @ (L @ L @ M), "Dot22 Dot22 Dot22"),
    "outer": (pt.outer(x, y), "Ger"),
    "outer update": (A + s * pt.outer(x, y), "Ger"),
    "(A*x).sum(1)": ((A * x).sum(1), "Gemv"),
    "(x*(A@x)).sum()": ((x * (A @ x)).sum(), "Gemv Mul Sum"),
    "trace": (pt.trace(A @ B), "Mul Sum"),
    "diag": (pt.diag(A @ B), "Mul Sum"),
    "rows of X@A@X.T": ((X @ A * X).sum(1), "Dot22 Mul Sum"),
    "A@diag(d)@B": (A @ pt.diag(d) @ B, "Dot22 Mul"),
    "(A@B).sum(0)": ((A @ B).sum(0), "Gemv Sum"),
    "equal up to transpose": ([A @ B, D + B.T @ A.T], "Add Dot22"),
    "gradients of a chain": (grad(((A @ B @ x) ** 2).sum(), [A, B, x]), "Gemv Gemv Gemv Gemv Ger Ger"),
    "gradients of a trace": (grad(pt.trace(A @ B), [A, B]), None),
    "T@B": (T @ B, "Matmul"),
    "T@x": (T @ x, "Matmul"),
    "x@T": (x @ T, "Matmul"),
    "T@B+x": (T @ B + x, "BatchedGemm"),
    "sum over a batch": ((T.mT @ U).sum(0), "CheckAndRaise Dot22 Eq"),
    "gradient of a batch": (grad(((T @ B) ** 2).sum(), B), "BatchedGemm Dot22"),
}  # fmt: skip


@pytest.mark.parametrize("name", COMPILED)
def test_compiled(name):
    out, expected = COMPILED[name]
    outputs = out if isinstance(out, list) else [out]
    inputs = list(explicit_graph_inputs(outputs))
    f = pytensor.function(inputs, outputs)
    ops = [str(node.op).split("{")[0] for node in f.maker.fgraph.apply_nodes]
    if expected is not None:
        assert Counter(op for op in ops if op not in _FREE) == Counter(expected.split())
    assert not any(op in ("Dot", "Dot22") for op in ops) or "Dot22" in expected
    plain = pytensor.function(inputs, outputs, mode=Mode("py", "merge"))
    for length in (4, 1, 0):
        values = random_inputs(outputs, length=length)
        values = [values[v] for v in inputs]
        for got, want in zip(f(*values), plain(*values), strict=True):
            assert got.shape == want.shape
            np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-9)


def test_transposes_are_brought_to_the_product():
    check((A @ B + C).T, {"Gemm": 1})
    check((T @ U + s).mT, {"BatchedGemm": 1})
    product = A @ B
    check([product, product.T], {"Dot22": 1})
    sum_ = A @ B + C
    fgraph = check([sum_, sum_.T], {"Gemm": 1})
    assert any(isinstance(n.op, DimShuffle) for n in fgraph.apply_nodes)


def test_users_own_gemv_of_a_product():
    out = gemv_no_inplace(y, 2.0, A @ B, x, 1.0)
    fgraph = check(out, {"Gemv": 2})
    assert all(isinstance(n.op, Gemv) for n in fgraph.apply_nodes if "Gemv" in str(n.op))
    product = A @ B
    check([gemv_no_inplace(y, 2.0, product, x, 1.0), product], {"Dot22": 1, "Gemv": 1})
    assert fired(gemv_no_inplace(y, 2.0, A, x, 1.0))["local_gemv_of_product"] == 0


class TestSumOfMul:
    def test_declines(self):
        i, v = pt.lmatrix("i"), pt.lvector("v")
        assert calls(rewritten((i * v).sum(1))) == {}
        terms = A * x
        check([terms.sum(1), terms], {})
        check((A * B).sum(1), {})
        check((A * x).sum(0), {})
        check((pt.fmatrix("a") * pt.fvector("v")).sum(1, dtype="float64"), {})

    def test_complex(self):
        a, v = pt.zmatrix("a"), pt.zvector("v")
        check([(a * v).sum(1), (2.0 * a * v[:, None]).sum(0)], {"Gemv": 2})
