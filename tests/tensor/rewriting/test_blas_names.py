"""Names of upstream's BLAS modules: all can be imported, and the functions do what theirs do.

The expected lists were taken from upstream 3.3.7 by calling it.
"""

import importlib
import subprocess
import sys

import pytest

import pytensor
import pytensor.tensor as pt
from pytensor.graph.fg import FunctionGraph
from pytensor.graph.rewriting.stages import optdb
from pytensor.tensor.blas import Gemm, Gemv, Ger, _dot22
from pytensor.tensor.rewriting import blas as rules

NAMES = {
    "pytensor.tensor.blas": """
        BaseBLAS BatchedDot CGemv CGer Dot22 Dot22Scalar Gemm GemmRelated Gemv Ger _batched_dot
        _dot22 _dot22scalar blas_header_text blas_header_version cgemv_inplace cgemv_no_inplace
        gemm gemm_inplace gemm_no_inplace gemv gemv_inplace gemv_no_inplace ger ger_destructive
        ldflags must_initialize_y_gemv must_initialize_y_gemv_c view_roots""",
    "pytensor.tensor.blas.blas_c": """
        BaseBLAS CGemv CGer cgemv_inplace cgemv_no_inplace cger_inplace cger_no_inplace
        must_initialize_y_gemv must_initialize_y_gemv_c""",
    "pytensor.tensor.blas_c": """
        BaseBLAS CGemv CGer cgemv_inplace cgemv_no_inplace cger_inplace cger_no_inplace
        must_initialize_y_gemv must_initialize_y_gemv_c""",
    "pytensor.tensor.blas_headers": "blas_header_text blas_header_version",
    "pytensor.tensor.rewriting.blas": """
        Dot Dot22 Gemm Gemv Ger GemmOptimizer _as_scalar _batched_dot _beta_L_plus_alpha_M _dot22
        _dot22scalar _factor_canonicalized _gemm_canonicalize _gemm_from_factored_list
        _gemm_from_node2 _is_real_matrix _is_real_vector _logger _matmul blas_opt_inplace
        blas_optdb gemm_inplace gemm_no_inplace gemv_inplace gemv_no_inplace
        local_dot22_to_dot22scalar local_dot22_to_gemv local_dot22_to_ger_or_gemv
        local_dot_to_dot22 local_gemm_to_gemv local_gemm_to_ger local_inplace_gemm
        local_inplace_gemv local_inplace_ger optdb res_is_a specialize_matmul_to_batched_dot""",
    "pytensor.tensor.rewriting.blas_c": """
        CGemv CGer blas_optdb cgemv_inplace cgemv_no_inplace cger_inplace cger_no_inplace
        gemv_inplace gemv_no_inplace make_c_gemv_destructive make_c_ger_destructive optdb
        use_c_gemv use_c_ger""",
}

X, Y, Z = pt.dmatrices("X", "Y", "Z")
a, b = pt.dscalars("a", "b")


@pytest.mark.parametrize(
    "module, name", [(module, name) for module in NAMES for name in NAMES[module].split()]
)
def test_name_is_there(module, name):
    assert getattr(importlib.import_module(module), name) is not None


def test_other_names_are_attribute_errors():
    with pytest.raises(AttributeError, match="no attribute 'local_dot_to_nothing'"):
        rules.local_dot_to_nothing
    with pytest.raises(ImportError):
        from pytensor.tensor.rewriting.blas import Elemwise  # noqa: F401


def test_older_names_load_when_asked_for():
    code = (
        "import sys, pytensor.tensor.rewriting.blas as b; n = b.__name__ + '_names';"
        "assert n not in sys.modules; b.GemmOptimizer; assert n in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def graph(*outputs):
    return FunctionGraph(outputs=list(outputs), clone=False)


def listed(expression, scale=1.0, maxclients=0, fgraph=None):
    found: list = []
    fgraph = fgraph or graph(expression)
    assert rules._gemm_canonicalize(fgraph, expression, scale, found, maxclients) is found
    return found


class TestListsOfSummands:
    def test_sums(self):
        assert listed(X + Y + Z) == [(1.0, X), (1.0, Y), (1.0, Z)]
        assert listed(Z - Y) == [(1.0, Z), (-1.0, Y)]
        assert listed(-Z, 3.0) == [(-3.0, Z)]
        assert listed(X + Y, a) == [(a, X), (a, Y)]
        assert listed(a * X + Y * b) == [(a, X), (b, Y)]
        ((scale, array),) = listed(2.0 * Z)
        assert array is Z and scale.data == 2 and scale.type.ndim == 0

    def test_factors_are_multiplied(self):
        ((scale, array),) = listed(a * (b * Z))
        assert array is Z and scale.eval({a: 3.0, b: 5.0}) == 15
        ((scale, array),) = listed(Z * a, 2.0)
        assert scale.eval({a: 3.0}) == 6
        _, (scale, array) = listed(Y - a * X)
        assert array is X and scale.eval({a: 3.0}) == -3

    def test_what_is_not_opened(self):
        product, power = X * Y * Z, X / a
        assert listed(product) == [(1.0, product)] and listed(power) == [(1.0, power)]
        inner = X + Y
        total = inner + Z
        assert listed(total, fgraph=graph(total, inner)) == [(1.0, inner), (1.0, Z)]
        integers = pt.lmatrix() + pt.lmatrix()
        assert listed(integers) == [integers] and listed(a + b)[0] not in [(1.0, a)]

    def test_equal_arrays_are_put_together(self):
        assert rules._factor_canonicalized([(1.0, X), (2.0, X), (a, Y)]) == [(3.0, X), (a, Y)]
        ((scale, array),) = rules._factor_canonicalized([(1.0, X), (2.0, X), (a, X)])
        assert array is X and scale.eval({a: 4.0}) == 7
        assert rules._factor_canonicalized([X, (1.0, X)]) == [X, (1.0, X)]

    def test_gemm_of_a_list(self):
        product = _dot22(X, Y)
        fgraph = graph(a * product + b * Z)
        (out,), used = rules._gemm_from_factored_list(fgraph, [(a, product), (b, Z)])
        assert used is product and out.owner.inputs == [Z, a, X, Y, b]
        assert rules._gemm_from_factored_list(fgraph, [(1.0, X), (1.0, Z)]) is None
        (again, _), *seconds = rules._gemm_from_node2(fgraph, fgraph.outputs[0].owner)
        assert isinstance(again[0].owner.op, Gemm) and len(seconds) == 3
        assert rules._gemm_from_node2(fgraph, product.owner)[0] is None

    def test_two_terms(self):
        product = _dot22(X, Y)
        for arguments in [(1.0, Z, a, product), (a, product, 1.0, Z)]:
            (out,), used = rules._beta_L_plus_alpha_M(graph(product + Z), *arguments)
            assert used is product and out.owner.inputs[:4] == [Z, a, X, Y]
        flipped = (graph(product + Z), a, product, 1.0, Z)
        assert rules._beta_L_plus_alpha_M(*flipped, recurse_flip=False) == (False, False)
        assert rules._beta_L_plus_alpha_M(graph(X + Z), 1.0, X, 1.0, Z) == (False, False)


class TestRewriters:
    def test_gemm_optimizer(self):
        fgraph = graph(a * _dot22(X, Y) + b * Z)
        rules.GemmOptimizer().rewrite(fgraph)
        assert [type(n.op) for n in fgraph.apply_nodes] == [Gemm]

    def test_blas_optdb_runs_what_is_registered(self):
        seen = []

        class Looks(pytensor.graph.rewriting.basic.GraphRewriter):
            def apply(self, fgraph):
                seen.append(sorted(type(n.op).__name__ for n in fgraph.apply_nodes))

        database = rules.blas_optdb
        database.register("test_looks", Looks(), "test_blas_optdb", position=1)
        mode = pytensor.compile.mode.Mode("py", "fast_run").including("test_blas_optdb")
        try:
            pytensor.function([X, Y, Z], X @ Y + Z, mode=mode)
        finally:
            database.remove_tags("test_looks", "test_blas_optdb")
        assert seen == [["Gemm"]]

    def test_in_place_and_c(self):
        from pytensor.tensor.rewriting.blas_c import use_c_gemv, use_c_ger

        assert rules.blas_opt_inplace is optdb["InplaceBlasOpt"]
        assert rules.local_inplace_gemm is rules.local_inplace_gemv is rules.local_inplace_blas
        v = pt.dvector("v")
        gemv = pytensor.tensor.blas.gemv_no_inplace(v, 1.0, X, v, 1.0)
        ger = pytensor.tensor.blas.ger(X, 1.0, v, v)
        assert isinstance(gemv.owner.op, Gemv) and isinstance(ger.owner.op, Ger)
        assert not use_c_gemv.transform(graph(gemv), gemv.owner)
        assert not use_c_ger.transform(graph(ger), ger.owner)


@pytest.mark.parametrize("tag", ["BlasOpt", "c_blas", "blas_opt_inplace", "gemm_optimizer"])
def test_old_tags_exclude(tag):
    shared = pytensor.shared(pytensor.tensor.eye(2).eval())
    mode = pytensor.compile.mode.Mode("py", "fast_run")
    found = {}
    for m in (mode, mode.excluding(tag)):
        f = pytensor.function([X, Y], [], updates={shared: shared + X @ Y}, mode=m)
        found[m] = [str(node.op) for node in f.maker.fgraph.toposort()]
    assert found[mode] == ["Gemm{inplace}"]
    (without,) = [ops for m, ops in found.items() if m is not mode]
    assert "Gemm{inplace}" not in without
