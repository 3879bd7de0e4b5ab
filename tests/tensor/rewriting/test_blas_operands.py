"""Symmetric products, common factors, casts and conjugates: each rule fires, each guard declines."""

import random

import numpy as np
import pytest

import pytensor
import pytensor.tensor as pt
from benchmarks.blas_fusion_table import counted
from pytensor.graph.rewriting.trace import rewrite_trace
from pytensor.link.c.dispatch.basic import c_funcify
from pytensor.tensor.blas import BatchedDot, Dot22, Dot22Scalar, Gemm, Gemv
from pytensor.tensor.elemwise import Elemwise
from pytensor.tensor.math import Dot
from pytensor.tensor.rewriting.blas_factoring import covered

A, B, C, D = pt.dmatrices("A", "B", "C", "D")
x = pt.dvector("x")
Z1, Z2 = pt.zmatrix("Z1"), pt.zmatrix("Z2")
s = pt.dscalar("s")
few = pt.tensor("few", dtype="float64", shape=(2, 4))
N = 4


def compiled(*outputs):
    inputs = pytensor.graph.traversal.explicit_graph_inputs(outputs)
    with rewrite_trace() as trace:
        function = pytensor.function(list(inputs), list(outputs), mode="PY")
    return function, {e.detail for e in trace.events if e.outcome == "refused"}


def check(out, calls, *others):
    """Compile, count the calls, compare the value of `out` with the unrewritten graph's."""
    function, reasons = compiled(out, *others)
    assert counted(function.maker.fgraph)[0] == calls
    rng = np.random.default_rng(3)
    values = []
    for spec in function.maker.inputs:
        shape = [N if n is None else n for n in spec.variable.type.shape]
        value = rng.normal(size=shape) * 3
        if spec.variable.type.dtype.startswith("complex"):
            value = value + 1j * rng.normal(size=shape)
        values.append(value.astype(spec.variable.type.dtype))
    plain = pytensor.function(
        [spec.variable for spec in function.maker.inputs],
        out,
        mode=pytensor.compile.mode.Mode("py", None),
        on_unused_input="ignore",
    )
    single = out.type.dtype in ("float32", "complex64")
    np.testing.assert_allclose(function(*values)[0], plain(*values), rtol=1e-4 if single else 1e-9)
    return function, reasons


class TestSyrk:
    def test_exactly_symmetric(self):
        function, _ = check(s * (A.T @ A), {"Syrk": 1})
        function, _ = compiled(A @ A.T)
        result = function(np.random.default_rng(0).normal(size=(7, 3)))[0]
        assert (result == result.T).all()

    @pytest.mark.parametrize("dtype", ["float32", "complex64", "complex128"])
    def test_dtypes(self, dtype):
        X = pt.matrix("X", dtype=dtype)
        check(0.5 * (X @ X.T), {"Syrk": 1})
        if dtype.startswith("complex"):
            function, _ = check(X.conj().T @ X, {"Syrk": 1})
            ops = [str(n.op) for n in function.maker.fgraph.apply_nodes]
            assert not any("Conj" in op or "conj" in op for op in ops)

    def test_bias_broadcasts(self):
        check(A @ A.T + x, {"Syrk": 1})
        check(A @ A.T + s, {"Syrk": 1})

    def test_views_with_other_strides_are_other_variables(self):
        check(A[::2] @ A[:2].T, {"Dot22": 1})
        check(A @ B.T, {"Dot22": 1})

    def test_a_row_or_a_column_is_a_smaller_call(self):
        row = pt.drow("row")
        _, reasons = check(row @ row.T, {"Gemv": 1})
        assert "is_matrix" in reasons
        check(pt.outer(x, x), {"Ger": 1})

    def test_complex_scale_of_a_hermitian_product(self):
        scale = pt.zscalar("scale")
        _, reasons = check(scale * (Z1 @ Z1.conj().T), {"Dot22Scalar": 1})
        assert "is_real" in reasons

    def test_accumulator_that_does_not_fit(self):
        row = pt.drow("row")
        _, reasons = check(B + row @ row.T, {"Gemv": 1})
        fixed = pt.tensor("fixed", dtype="float64", shape=(None, 1))
        check(fixed + A @ A.T, {"Syrk": 1})


class TestCommonFactor:
    def test_left_right_and_both(self):
        check(A @ B - A @ C, {"Dot22": 1})
        check(A @ C + B @ C, {"Dot22": 1})
        check(A @ B + A @ C + D @ C, {"Dot22": 1, "Gemm": 1})

    def test_other_scales_and_transposes(self):
        check(s * (A @ B) + (C.T @ A.T).T / s, {"Dot22": 1})
        check((s * A) @ B + A @ B, {"Dot22Scalar": 1})

    def test_few_rows_decline(self):
        square = pt.tensor("square", dtype="float64", shape=(4, 4))
        other = pt.tensor("other", dtype="float64", shape=(4, 4))
        check(few @ square + few @ other, {"Dot22": 1, "Gemm": 1})

    def test_a_product_that_others_read_declines(self):
        product = A @ B
        check(product + A @ C, {"Dot22": 1, "Gemm": 1}, product * D)

    def test_lengths_that_differ_stay_an_error(self):
        row, column = pt.drow("row"), pt.dcol("column")
        for out in (A @ row + A @ C, column @ A + C @ A):
            function, _ = compiled(out)
            wide = {row: (1, 4), A: (3, 3), C: (3, 4), column: (3, 1)}
            tall = {A: (2, 4), C: (3, 2), column: (3, 1)}
            inputs = [spec.variable for spec in function.maker.inputs]
            shapes = wide if row in inputs else tall
            with pytest.raises(ValueError):
                function(*(np.ones(shapes[var]) for var in inputs))

    @pytest.mark.parametrize("seed", range(30))
    def test_covers_with_the_fewest_whatever_the_order(self, seed):
        rng = random.Random(seed)
        pairs = list(
            {(rng.choice("abcde"), rng.choice("vwxyz")) for _ in range(rng.randrange(1, 9))}
        )
        sizes = set()
        for _ in range(4):
            rng.shuffle(pairs)
            groups = covered(pairs)
            members = [i for _, group in groups for i in group]
            assert len(members) == len(set(members))
            sizes.add(len(groups) + len(pairs) - len(members))
        names = sorted({("l", a) for a, _ in pairs} | {("r", b) for _, b in pairs})
        fewest = min(
            bin(mask).count("1")
            for mask in range(1 << len(names))
            if all(
                any(mask >> names.index(end) & 1 for end in (("l", a), ("r", b))) for a, b in pairs
            )
        )
        assert sizes == {fewest}


class TestCasts:
    F = pt.fmatrix("F")

    @staticmethod
    def casts(function):
        nodes = function.maker.fgraph.apply_nodes
        return sum(isinstance(n.op, Elemwise) and n.inputs[0].type.ndim == 2 for n in nodes)

    def test_one_cast_of_the_smaller(self):
        function, _ = check(self.F @ A, {"Dot22": 1})
        assert self.casts(function) == 1
        function, _ = check(self.F.T @ A + self.F @ B + C, {"Gemm": 2})
        assert self.casts(function) == 1

    def test_a_cast_that_is_there_is_the_only_one(self):
        function, _ = check(self.F.astype("float64") @ A, {"Dot22": 1})
        assert self.casts(function) == 1

    @pytest.mark.parametrize(
        "dtypes",
        [("int64", "int32"), ("int8", "uint8"), ("bool", "int16"), ("uint16", "uint64")],
    )
    def test_integers_have_a_compiled_loop_for_one_dtype(self, dtypes):
        i, j = (pt.matrix(name, dtype=dtype) for name, dtype in zip("ij", dtypes))
        for left, right in ((i, j), (j, i.T)):
            function, _ = check(left @ right, {"Dot": 1})
            (node,) = (n for n in function.maker.fgraph.apply_nodes if isinstance(n.op, Dot))
            assert {v.type.dtype for v in node.inputs} == {node.outputs[0].type.dtype}
            assert self.casts(function) == 1 + (np.result_type(*dtypes) not in dtypes)

    def test_integers_in_batches(self):
        i, j = pt.tensor3("i", dtype="int64"), pt.tensor3("j", dtype="int8")
        function, _ = check(i @ j, {"BatchedDot": 1})
        (node,) = (n for n in function.maker.fgraph.apply_nodes if isinstance(n.op, BatchedDot))
        assert [v.type.dtype for v in node.inputs] == ["int64", "int64"]

    def test_integers_whose_common_dtype_is_floating(self):
        check(pt.matrix("i", dtype="int64") @ pt.matrix("j", dtype="uint64"), {"Dot22": 1})

    @pytest.mark.parametrize("dtypes", [("bool", "bool"), ("float16", "int8")])
    def test_others_stay(self, dtypes):
        i, j = (pt.matrix(name, dtype=dtype) for name, dtype in zip("ij", dtypes))
        function, _ = check(i @ j, {"Dot": 1})
        assert self.casts(function) == 0

    def test_in_c_without_a_step_in_python(self):
        i, j = pt.lmatrix("i"), pt.imatrix("j")
        function = pytensor.function([i, j], i @ j, mode="FAST_RUN")
        a, b = np.arange(6).reshape(2, 3), np.arange(12, dtype="int32").reshape(3, 4) - 5
        np.testing.assert_array_equal(function(a, b), a @ b)
        assert all(c_funcify(n.op, node=n) is not None for n in function.maker.fgraph.apply_nodes)


class TestConjugates:
    def test_read_elsewhere_stays(self):
        conjugate = Z1.conj()
        function, _ = check(conjugate @ Z2, {"Dot22": 1}, conjugate)
        assert not any("conj=" in str(n.op) for n in function.maker.fgraph.apply_nodes)

    def test_both_operands_and_an_accumulator(self):
        function, _ = check(Z1.conj() @ Z2.conj().T + Z2, {"Gemm": 1})
        assert any("conj=xy" in str(n.op) for n in function.maker.fgraph.apply_nodes)

    def test_product_of_three_with_a_vector(self):
        """``conj(X @ Y) @ v`` is two products with a vector, both conjugated."""
        conj_gemv, v = Gemv(conj="A"), pt.zvector("v")
        z = pt.zvector("z")
        out = conj_gemv(z, s.astype("complex128"), Z1 @ Z2, v, 2.0)
        function, _ = check(out, {"Gemv": 2})
        conjugated = [n.op.conj for n in function.maker.fgraph.apply_nodes if hasattr(n.op, "conj")]
        assert conjugated == ["A", "A"]
        check((Z1 @ Z2).conj() @ v, {"Gemv": 2})

    COLUMN, ROW = (pt.tensor("c", dtype="complex128", shape=s) for s in ((None, 1), (1, None)))

    @pytest.mark.parametrize("conj", ["x", "y", "xy"])
    @pytest.mark.parametrize("x, y", [(Z1, COLUMN), (ROW, Z1), (COLUMN, ROW)])
    def test_calls_of_the_user_with_a_row_or_a_column(self, conj, x, y):
        number = pt.zscalar("number")
        name = "Ger" if x.type.shape[1] == 1 else "Gemv"
        check(Dot22(conj=conj)(x, y), {name: 1})
        check(Dot22Scalar(conj=conj)(x, y, number), {name: 1})
        if name == "Gemv":
            z = pt.tensor("z", dtype="complex128", shape=(x.type.shape[0], y.type.shape[1]))
            check(Gemm(conj=conj)(z, number, x, y, 2.0), {name: 1})
        else:
            check(Gemm(conj=conj)(Z2, number, x, y, 1.0), {name: 1})

    @pytest.mark.parametrize("conj", ["x", "y", "xy"])
    def test_calls_of_the_user_are_no_plain_products(self, conj):
        """Rules about products would drop the conjugate."""
        call, zv = Dot22(conj=conj), pt.zvector("zv")
        identity = pt.constant(np.eye(4, dtype="complex128"))
        fixed = pt.tensor("fixed", dtype="complex128", shape=(4, 4))
        check(call(fixed, identity), {"Dot22": 1})
        check(call(pt.alloc(zv, 4, 4), Z1), {"Dot22": 1})
        check(call(Z1, Z2).sum(0), {"Dot22": 1})
        check(call(pt.diag(zv), Z2), {"Dot22": 1})
        check(pt.linalg.trace(call(Z1, Z2)), {"Dot22": 1})
        check(call(call(Z1, Z2), pt.zmatrix("Z3")) + Z1, {"Dot22": 1, "Gemm": 1})

    def test_real_graphs_have_none(self):
        function, _ = check(A.conj().T @ B, {"Dot22": 1})
        assert not any("conj" in str(n.op) for n in function.maker.fgraph.apply_nodes)


class TestBatches:
    T, U = pt.dtensor3("T"), pt.dtensor3("U")

    def test_accumulator_larger_than_the_product_declines(self):
        one = pt.tensor("one", dtype="float64", shape=(1, None, None, None))
        four = pt.dtensor4("four")
        _, reasons = check(four + one @ one, {"Blockwise": 1})
        assert "fits" in reasons

    def test_unscaled_product_declines(self):
        _, reasons = check(self.T @ self.U, {"BatchedDot": 1})
        assert "is_scaled" in reasons

    def test_other_dtypes_decline(self):
        i = pt.tensor3("i", dtype="int64")
        _, reasons = check(i @ i + i, {"BatchedDot": 1})
        assert "one_float_dtype" in reasons
