"""What becomes of products: each rule fires, each guard declines, values stay equal."""

from collections import Counter

import numpy as np
import pytest

import pytensor.tensor as pt
from pytensor.configdefaults import config
from pytensor.graph.fg import FunctionGraph
from pytensor.graph.rewriting.stages import optdb
from pytensor.graph.rewriting.trace import rewrite_trace
from pytensor.tensor.blas import (
    BatchedDot,
    BatchedGemm,
    Dot22,
    Dot22Scalar,
    Gemm,
    Gemv,
    Ger,
    Syrk,
    gemm_no_inplace,
    gemv_no_inplace,
    ger,
)
from pytensor.tensor.rewriting.explain import explain

CALLS = (Gemm, Gemv, Ger, Syrk, Dot22, Dot22Scalar, BatchedDot, BatchedGemm)
N = 4

A, B, C, D = pt.dmatrices("A", "B", "C", "D")
x, y = pt.dvectors("x", "y")
s, t = pt.dscalars("s", "t")
T, U = pt.dtensor3("T"), pt.dtensor3("U")
row, col = pt.drow("row"), pt.dcol("col")


@pytest.fixture(autouse=True)
def _raise_on_failure():
    with config.change_flags(on_opt_error="raise"):
        yield


def rewritten(*outputs, inplace=False):
    fgraph = FunctionGraph(outputs=list(outputs), clone=True, copy_inputs=False)
    tags = ["+merge", "+BlasOpt"] + ["+blas_opt_inplace"] * inplace
    optdb.query(*tags).rewrite(fgraph)
    return fgraph


def calls(fgraph):
    """Return how many nodes there are of each BLAS op, and of products left as they were."""
    found = Counter()
    for node in fgraph.apply_nodes:
        if isinstance(node.op, CALLS):
            found[type(node.op).__name__] += 1
        elif "Dot" in str(node.op) or "Matmul" in str(node.op):
            found["left"] += 1
    return dict(found)


def value(fgraph, values):
    """Compute the first output with the ops' own NumPy implementations."""
    env = dict(values)
    for node in fgraph.toposort():
        inputs = [np.array(env[v]) if v in env else v.data for v in node.inputs]
        storage = [[None] for _ in node.outputs]
        node.op.perform(node, inputs, storage)
        env.update(zip(node.outputs, (cell[0] for cell in storage), strict=True))
    return env[fgraph.outputs[0]]


def random_values(outputs, seed=0):
    rng = np.random.default_rng(seed)
    inputs = FunctionGraph(outputs=list(outputs), clone=False).inputs
    result = {}
    for var in inputs:
        shape = [N if n is None else n for n in var.type.shape]
        data = rng.normal(size=shape)
        if var.type.dtype.startswith("complex"):
            data = data + 1j * rng.normal(size=shape)
        if var.type.dtype.startswith("int"):
            data = rng.integers(1, 4, size=shape)
        result[var] = data.astype(var.type.dtype)
    return result


def check(out, expected, inplace=False):
    fgraph = rewritten(out, inplace=inplace)
    assert calls(fgraph) == expected
    values = random_values([out])
    plain = FunctionGraph(outputs=[out], clone=True, copy_inputs=False)
    want, got = value(plain, values), value(fgraph, values)
    assert np.shape(got) == np.shape(want) and got.dtype == want.dtype
    single = want.dtype.kind in "fc" and np.finfo(want.dtype).eps > 1e-10
    tolerance = 1e-4 if single else 1e-9
    np.testing.assert_allclose(got, want, rtol=tolerance, atol=tolerance)
    return fgraph


EXPRESSIONS = {
    "A@B": (A @ B, {"Dot22": 1}),
    "A@B+C": (A @ B + C, {"Gemm": 1}),
    "C+A@B": (C + A @ B, {"Gemm": 1}),
    "C+s*A@B": (C + s * A @ B, {"Gemm": 1}),
    "C+A@(s*B)": (C + A @ (s * B), {"Gemm": 1}),
    "(s*A)@B": ((s * A) @ B, {"Dot22Scalar": 1}),
    "s*(A@B)": (s * (A @ B), {"Dot22Scalar": 1}),
    "-(A@B)": (-(A @ B), {"Dot22Scalar": 1}),
    "(A@B)/s": ((A @ B) / s, {"Dot22Scalar": 1}),
    "C-0.5*(A@B)": (C - 0.5 * (A @ B), {"Gemm": 1}),
    "(A@B)/s+C": ((A @ B) / s + C, {"Gemm": 1}),
    "s*(C+A@B)": (s * (C + A @ B), {"Gemm": 1}),
    "A@B+C+D": (A @ B + C + D, {"Gemm": 1}),
    "A@B+A@C": (A @ B + A @ C, {"Dot22": 1}),
    "A@B+C@D+A": (A @ B + C @ D + A, {"Gemm": 2}),
    "A@B+2*(A@B)+C": (A @ B + 2 * (A @ B) + C, {"Gemm": 1}),
    "A@B@C+D": (A @ B @ C + D, {"Dot22": 1, "Gemm": 1}),
    "bias x": (A @ B + x, {"Gemm": 1}),
    "bias row": (A @ B + row, {"Gemm": 1}),
    "bias col": (A @ B + col, {"Gemm": 1}),
    "(A@B).T": ((A @ B).T, {"Dot22": 1}),
    "(A@B+C).T": ((A @ B + C).T, {"Gemm": 1}),
    "C+(A@B).T": (C + (A @ B).T, {"Gemm": 1}),
    "A*(A+s*(B@C).T)": (A * (A + s * (B @ C).T), {"Gemm": 1}),
    "A@x": (A @ x, {"Gemv": 1}),
    "x@A": (x @ A, {"Gemv": 1}),
    "x@y": (x @ y, {"Gemv": 1}),
    "x@A@x": (x @ A @ x, {"Gemv": 2}),
    "A@B@x": (A @ B @ x, {"Gemv": 2}),
    "y+A@B@x": (y + A @ B @ x, {"Gemv": 2}),
    "y+A@x": (y + A @ x, {"Gemv": 1}),
    "s*(A@x)+t*y": (s * (A @ x) + t * y, {"Gemv": 1}),
    "y-x@A": (y - x @ A, {"Gemv": 1}),
    "A@col": (A @ col, {"Gemv": 1}),
    "row@A": (row @ A, {"Gemv": 1}),
    "col+A@col": (col + A @ col, {"Gemv": 1}),
    "(A*x).sum(1)": ((A * x).sum(1), {"Gemv": 1}),
    "(s*A*x).sum(1)": ((s * A * x).sum(1), {"Gemv": 1}),
    "(A*x[:,None]).sum(0)": ((A * x[:, None]).sum(0), {"Gemv": 1}),
    "y+(A*x).sum(1)": (y + (A * x).sum(1), {"Gemv": 1}),
    "y-s*(A*x).sum(1)": (y - s * (A * x).sum(1), {"Gemv": 1}),
    "outer": (pt.outer(x, y), {"Ger": 1}),
    "A+s*outer": (A + s * pt.outer(x, y), {"Ger": 1}),
    "A+s*x[:,None]*y": (A + s * x[:, None] * y, {"Ger": 1}),
    "s*A+t*outer": (s * A + t * pt.outer(x, y), {"Gemm": 1}),
    "T@U": (T @ U, {"BatchedDot": 1}),
    "T@B": (T @ B, {"left": 1}),
    "T@x": (T @ x, {"left": 1}),
}


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_expression(name):
    out, expected = EXPRESSIONS[name]
    check(out, expected)
    check(out, expected, inplace=True)


@pytest.mark.parametrize("dtype", ["float32", "complex64", "complex128"])
def test_other_dtypes_with_python_scalars(dtype):
    a, b, c = (pt.matrix(n, dtype=dtype) for n in "abc")
    v, w = (pt.vector(n, dtype=dtype) for n in "vw")
    check(a @ b, {"Dot22": 1})
    check(0.5 * (a @ b) + 2.0 * c, {"Gemm": 1})
    check(v + 0.5 * (a @ w), {"Gemv": 1})
    check(a + 0.25 * pt.outer(v, w), {"Ger": 1})
    check(a + np.asarray(0.1, dtype) * pt.outer(v, w), {"Ger": 1})
    check(pt.outer(v, w), {"Ger": 1})


class TestScaleDtypes:
    @pytest.mark.parametrize("dtype", ["int8", "int16", "uint8", "float32"])
    def test_scale_that_does_not_widen(self, dtype):
        a, b = pt.fmatrices("a", "b")
        scale = pt.scalar("scale", dtype=dtype)
        check(scale * (a @ b), {"Dot22Scalar": 1})

    @pytest.mark.parametrize("dtype", ["int32", "int64", "float64"])
    def test_scale_that_widens_stays_outside(self, dtype):
        a, b = pt.fmatrices("a", "b")
        check(pt.scalar("scale", dtype=dtype) * (a @ b), {"Dot22": 1})

    @pytest.mark.parametrize("dtype", ["int8", "int32", "int64", "float32"])
    def test_any_with_float64(self, dtype):
        check(pt.scalar("scale", dtype=dtype) * (A @ B), {"Dot22Scalar": 1})

    def test_small_integers_do_not_overflow(self):
        i, j = pt.scalar("i", dtype="int8"), pt.scalar("j", dtype="int8")
        fgraph = rewritten(i * (j * (A @ B)))
        assert calls(fgraph) == {"Dot22Scalar": 1}
        values = random_values([i * (j * (A @ B))]) | {i: np.int8(100), j: np.int8(100)}
        np.testing.assert_allclose(value(fgraph, values), 1e4 * values[A] @ values[B])

    def test_integers_are_left_alone(self):
        check(pt.lmatrix("i") @ pt.lmatrix("j"), {"left": 1})

    def test_an_accumulator_of_another_dtype_is_added(self):
        check(pt.fmatrix("a") + A @ B, {"Dot22": 1})


class TestGuards:
    def refusals(self, *outputs):
        with rewrite_trace() as trace:
            fgraph = rewritten(*outputs)
        return fgraph, {e.detail for e in trace.events if e.outcome == "refused"}

    def test_somebody_else_reads_the_product(self):
        product = A @ B
        fgraph, reasons = self.refusals(product + C, product * D)
        assert calls(fgraph) == {"Dot22": 1}
        assert "nobody_else_reads_the_product" in reasons

    def test_one_float_dtype(self):
        fgraph, reasons = self.refusals(pt.lmatrix("i") @ pt.lmatrix("j") + pt.lmatrix("k"))
        assert calls(fgraph) == {"left": 1} and "one_float_dtype" in reasons

    def test_fits(self):
        fgraph, reasons = self.refusals(A + row @ B)
        assert calls(fgraph) == {"Gemv": 1} and "fits" in reasons

    def test_has_the_shape_of_the_sum(self):
        out = A + row + pt.drow("other") @ B
        fgraph, reasons = self.refusals(out)
        assert calls(fgraph) == {"Gemv": 1} and "has_the_shape_of_the_sum" in reasons
        check(out, {"Gemv": 1})

    def test_fills(self):
        out = row + s * pt.outer(x, y)
        fgraph, reasons = self.refusals(out)
        assert calls(fgraph) == {"Gemm": 1} and "fills" in reasons
        check(out, {"Gemm": 1})

    def test_is_scaled(self):
        _, reasons = self.refusals(A @ B)
        assert calls(rewritten(A @ B)) == {"Dot22": 1} and "is_scaled" not in reasons

    def test_coefficient_is_one(self):
        fgraph, reasons = self.refusals(s * A + t * pt.outer(x, y))
        assert calls(fgraph) == {"Gemm": 1} and "coefficient_is_one" in reasons

    def test_inner_sum_read_elsewhere_is_one_summand(self):
        inner = A @ B + C
        fgraph = rewritten(inner + D, inner * 2)
        assert calls(fgraph) == {"Gemm": 1}


def test_explicit_gemm_stays():
    fgraph = rewritten(gemm_no_inplace(C, 1.0, A, B, 1.0))
    assert [n.op for n in fgraph.apply_nodes] == [gemm_no_inplace]
    fgraph = rewritten(gemv_no_inplace(x, 1.0, A, y, 1.0), ger(A, 1.0, x, y))
    assert calls(fgraph) == {"Gemv": 1, "Ger": 1}


class TestInplace:
    @staticmethod
    def ops(*outputs):
        fgraph = rewritten(*outputs, inplace=True)
        return [n.op for n in fgraph.toposort() if isinstance(n.op, CALLS)]

    def test_on_a_fresh_sum(self):
        (op,) = self.ops((C + D) * A + A @ B)
        assert isinstance(op, Gemm) and op.inplace

    def test_not_where_it_would_make_a_cycle(self):
        (op,) = self.ops(A * (A + s * (B @ C).T))
        assert isinstance(op, Gemm) and not op.inplace

    def test_not_on_a_bias(self):
        (op,) = self.ops(A @ B + row)
        assert not op.inplace

    def test_each_writer_of_an_empty_buffer_has_its_own(self):
        fgraph = rewritten(A @ x, A @ y, inplace=True)
        nodes = [n for n in fgraph.toposort() if isinstance(n.op, Gemv)]
        assert len(nodes) == 2 and all(n.op.inplace for n in nodes)
        assert nodes[0].inputs[0] is not nodes[1].inputs[0]


class TestAnyBracketing:
    """The calls do not depend on how a sum of products is written."""

    @staticmethod
    def tree(rng, leaves):
        leaves = list(leaves)
        while len(leaves) > 1:
            i = int(rng.integers(len(leaves) - 1))
            a, b = leaves[i], leaves.pop(i + 1)
            leaves[i] = a + b if rng.random() < 0.5 else b + a
        return leaves[0]

    @pytest.mark.parametrize("seed", range(12))
    def test_random_brackets(self, seed):
        rng = np.random.default_rng(seed)
        n_products, n_others = int(rng.integers(1, 4)), int(rng.integers(1, 4))
        dtype = ("float64", "complex128")[seed % 2]
        mats = [pt.matrix(f"m{i}", dtype=dtype) for i in range(2 * n_products + n_others)]
        terms = []
        for i in range(n_products):
            left, right = mats[2 * i : 2 * i + 2]
            form = int(rng.integers(4))
            product = [left @ right, (s * left) @ right, (right.T @ left.T).T, left @ right / t]
            terms.append(product[form])
        scales = [1.0, -1.0, 0.5, s, t]
        terms = [scales[int(rng.integers(5))] * term for term in [*terms, *mats[-n_others:]]]
        order = rng.permutation(len(terms))
        out = self.tree(rng, [terms[i] for i in order])
        check(out, {"Gemm": n_products})

    @pytest.mark.parametrize("seed", range(8))
    def test_random_vectors(self, seed):
        rng = np.random.default_rng(seed)
        vectors = [pt.dvector(f"v{i}") for i in range(4)]
        terms = [A @ vectors[0], s * (vectors[1] @ B), vectors[2] / t, -vectors[3]]
        order = rng.permutation(4)
        check(self.tree(rng, [terms[i] for i in order]), {"Gemv": 2})


def test_work_is_linear_in_a_long_sum(count_calls):
    """No rule looks at the whole sum again for each of its products."""

    def work(n):
        out = C
        for i in range(n):
            out = out + pt.dmatrix(f"a{i}") @ pt.dmatrix(f"b{i}")
        found = []
        amount = count_calls(lambda: found.append(calls(rewritten(out))))
        assert found == [{"Gemm": n}]
        return amount

    work(10)  # loads the rules
    assert work(320) < 8 * 1.5 * work(40)


class TestExplain:
    def test_says_what_and_why(self):
        text = explain(rewritten(A @ B + C, inplace=True))
        assert "Gemm{inplace} by local_add_dot_to_gemm" in text
        product = A @ B
        text = explain(rewritten(product + C, product * D))
        assert "Dot22" in text and "something else reads the product" in text
        text = explain(rewritten(pt.lmatrix("i") @ pt.lmatrix("j")))
        assert "stays" in text and "one_float_dtype" in text
        # The reason is on the product: the sum need not be recognisable any more.
        fgraph = rewritten(A + row @ B)
        (node,) = [n for n in fgraph.apply_nodes if isinstance(n.op, Gemv)]
        assert node.outputs[0].tag.rule == "local_dot_to_dot22"
        assert "test_blas.py" in explain(fgraph) and "row @ B" in explain(fgraph)
        assert explain(rewritten(A + B)) == "There is no product in this graph."
