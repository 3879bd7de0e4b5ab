"""Products that are equal up to a transpose are computed once."""

import pathlib
import sys

import pytest

import pytensor.tensor as pt
from pytensor.gradient import grad
from pytensor.tensor.elemwise import DimShuffle

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from product_checks import calls, check, fired, rewritten

A, B, C, D = pt.dmatrices("A", "B", "C", "D")
x = pt.dvector("x")
T, U = pt.dtensor3("T"), pt.dtensor3("U")
s = pt.dscalar("s")
Z1, Z2 = pt.zmatrix("Z1"), pt.zmatrix("Z2")
tanh = pt.tanh

SHARED = {
    "A@B, B.T@A.T": ([A @ B, B.T @ A.T], {"Dot22": 1}),
    "A@B, (A@B).T": ([A @ B, (A @ B).T], {"Dot22": 1}),
    "in sums": ([A @ B + C, D - 2.0 * (B.T @ A.T)], {"Dot22": 1}),
    "A.T@B, B.T@A": ([(A.T @ B) * C, (B.T @ A) * D], {"Dot22": 1}),
    "x@A, A.T@x": ([x @ A, 2 * (A.T @ x)], {"Gemv": 1}),
    "batches": ([T @ U, U.mT @ T.mT + 1], {"BatchedDot": 1}),
    "batch, matrix": ([B @ T, 2 * (T.mT @ B.T)], None),
    "integers": ([pt.lmatrix("i") @ pt.lmatrix("j")] * 2, {"left": 1}),
    "three": ([A @ B, B.T @ A.T, (A @ B) ** 2], {"Dot22": 1}),
    "chain": ([A @ B @ C, C.T @ (B.T @ A.T)], {"Dot22": 2}),
}


@pytest.mark.parametrize("name", SHARED)
def test_shared(name):
    outputs, expected = SHARED[name]
    fgraph = check(outputs, expected if expected is not None else calls(rewritten(*outputs)))
    assert sum(calls(fgraph).values()) == (2 if name == "chain" else 1)


SCALED = {
    "one operand": ([s * A @ B, 2 * (A @ B) + C], {"Dot22": 1}),
    "the first": ([(s * A) @ B, tanh(A @ B)], {"Dot22": 1}),
    "both, differently": ([tanh((s * A) @ B), tanh(A @ (B / s))], {"Dot22": 1}),
    "turned": ([tanh((s * A) @ B), C + B.T @ (-A).T], {"Dot22": 1}),
    "in views": ([C - A @ B, D * ((2 * B).T @ (s * A.T)).T], {"Dot22": 1}),
    "batches": ([tanh((s * T) @ U), U.mT @ T.mT + 1], {"BatchedDot": 1}),
    "complex": ([tanh((s * Z1) @ Z2), Z2.T @ Z1.T / s + Z1], {"Dot22": 1}),
}


@pytest.mark.parametrize("name", SCALED)
def test_shared_up_to_scalars(name):
    outputs, expected = SCALED[name]
    check(outputs, expected)


def test_scaled_in_another_dtype():
    """A scalar of a larger dtype makes another product; integers may overflow on the way."""
    F, G = pt.fmatrices("F", "G")
    check([tanh(F @ G), tanh((s * F) @ G)], {"Dot22": 2})
    i, j = pt.imatrices("i", "j")
    check([i @ j, (2 * i) @ j], {"left": 2})


@pytest.mark.parametrize(
    "outputs",
    [
        [A @ B, A.T @ B.T],
        [A @ B, B @ A],
        [A @ B, A @ B.T],
        [A.T @ A, A @ A.T],
        [T @ U, U @ T],
        [pt.cast(A, "float32") @ pt.cast(B, "float32"), B.T @ A.T],
    ],
)
def test_different(outputs):
    fgraph = check(outputs, calls(rewritten(*outputs)))
    assert sum(calls(fgraph).values()) == 2


def test_own_transpose():
    fgraph = check(A @ A.T, calls(rewritten(A @ A.T)))
    assert sum(calls(fgraph).values()) == 1


def test_after_gradients():
    loss = ((A @ B) ** 2).sum() + (B.T @ A.T @ C).sum()
    outputs = [loss, *grad(loss, [A, B])]
    fgraph = check(outputs, calls(rewritten(*outputs)))
    products = [n for n in fgraph.apply_nodes if str(n.op).startswith(("Dot22", "Gemm"))]
    # The forward product once; each derivative one call.
    assert len(products) == 3


def test_views_are_single():
    """Who reads a transpose reads it of the product itself, not a view of a view."""
    fgraph = rewritten(A @ B, (B.T @ A.T).dimshuffle(0, "x", 1) * T)
    for node in fgraph.apply_nodes:
        if isinstance(node.op, DimShuffle):
            below = node.inputs[0].owner
            assert below is None or not isinstance(below.op, DimShuffle)


def test_can_be_excluded():
    assert calls(rewritten(A @ B, B.T @ A.T, exclude=["BlasOpt"])) == {"left": 2}
    assert calls(rewritten(A @ B, B.T @ A.T, exclude=["ieee_unsafe"])) == {"Dot22": 2}
    assert fired(A @ B, B.T @ A.T)["merge_transposed_products"] == 1


def test_work_is_linear(count_calls):
    def work(n):
        outputs = []
        for i in range(n):
            a, b = pt.dmatrix(f"a{i}"), pt.dmatrix("b")
            outputs += [a @ B + b, pt.tanh(B.T @ a.T)]
        found = []
        amount = count_calls(
            lambda: found.append(calls(rewritten(*outputs, only=["merge", "BlasOpt"])))
        )
        assert found == [{"Dot22": n}]
        return amount

    work(5)
    assert work(160) < 8 * 1.3 * work(20)
