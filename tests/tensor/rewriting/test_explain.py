"""`explain`: each product of the user's expression, what it became, or why it became no more."""

import ast
import pathlib
import pickle
from html.parser import HTMLParser

import numpy as np
import pytest

import pytensor
import pytensor.tensor as pt
from pytensor.graph.fg import FunctionGraph
from pytensor.graph.rewriting.pattern import Rule
from pytensor.graph.rewriting.stages import optdb
from pytensor.tensor import rewriting
from pytensor.tensor.blas import explain
from pytensor.tensor.rewriting.explain import Explanation
from pytensor.tensor.rewriting.explain_reasons import REASONS
from pytensor.tensor.rewriting.explain_record import counted
from pytensor.tensor.rewriting.explain_words import short

MODE = "PY"  # the same rewrites as with C, and nothing to compile
A, B, C = pt.dmatrices("A", "B", "C")
T, U = pt.dtensor3("T"), pt.dtensor3("U")
x, y = pt.dvectors("x", "y")
s = pt.dscalar("s")


def only(*expressions):
    (record,) = explain(list(expressions), MODE).records
    return record


class TestWhatIsExplained:
    def test_expression_function_and_graph_agree(self):
        out = C - 0.5 * (A @ B)
        planned = explain(out, MODE)
        f = pytensor.function([A, B, C], out, mode=MODE, name="step")
        found = f.explain()
        assert [r.routine for r in planned.records] == [r.routine for r in found.records]
        assert found == explain(f)
        assert found.title == "step(A, B, C)"
        (as_it_is,) = explain(f.maker.fgraph).records
        assert as_it_is.routine == found.records[0].routine
        assert as_it_is.rule == found.records[0].rule == "local_add_dot_to_gemm"

    def test_nothing_changes(self):
        out = C + A @ B
        before = pytensor.dprint(out, file="str")
        line = out.tag.trace
        f = pytensor.function([A, B, C], out, mode=MODE)
        compiled = f.dprint(file="str")
        explain(out, MODE), f.explain()
        assert pytensor.dprint(out, file="str") == before
        assert f.dprint(file="str") == compiled
        assert out.tag.trace is line

    def test_containers_of_expressions(self):
        for what in ([A @ B], (A @ B,), {"out": A @ B}):
            assert [r.routine for r in explain(what, MODE).records] == ["Dot22"]

    @pytest.mark.parametrize("what", [None, "A @ B", 3, [A, 2]])
    def test_anything_else_is_an_error(self, what):
        with pytest.raises(TypeError, match=r"\[explain\] what must be a compiled function"):
            explain(what)

    def test_no_product(self):
        assert explain(A + B, MODE) == "There is no product in this graph."
        assert explain(FunctionGraph([A], [A * 2])).records == []

    def test_after_pickling(self):
        f = pickle.loads(pickle.dumps(pytensor.function([A, B, C], A @ B + C, mode=MODE)))
        assert f.explain().records[0].routine == "Gemm{no_inplace}"

    def test_a_function_whose_graph_was_given_is_described_as_it_is(self):
        f = pytensor.function([A, B, C], A @ B + C, mode=MODE)
        settings = pytensor.compile.mode.Mode("py", None)
        f.maker.mode = settings  # as if it could not be rewritten alike any more
        record = f.explain().records[0]
        assert record.routine.startswith("Gemm") and record.rule == "local_add_dot_to_gemm"

    def test_other_modes(self):
        (record,) = explain(A @ B + C, pytensor.compile.mode.Mode("py", None)).records
        assert record.status == "stays" and "the BLAS stage did not run" in record.why


class TestWhatItSays:
    def test_an_update_in_place(self):
        W = pytensor.shared(np.zeros((3, 5)), name="W")
        f = pytensor.function([A, B], [], updates=[(W, 0.9 * W - 0.1 * (A @ B))], mode=MODE)
        record = f.explain().records[0]
        assert record.routine == "Gemm{inplace}" and record.status == "call"
        assert record.expression == "A @ B"
        assert record.computes == "0.9 * W - 0.1 * A @ B"
        assert "Gemm{inplace} by local_add_dot_to_gemm" in f.explain()

    def test_the_users_line(self):
        product = A @ B  # a comment of the user
        record = only(product + C)
        assert record.line.startswith("test_explain.py:")
        assert record.line.endswith("product = A @ B  # a comment of the user")

    def test_lengths_of_shared_variables_are_known(self):
        W = pytensor.shared(np.zeros((784, 300)), name="W")
        f = pytensor.function([A], A @ W, mode=MODE)
        found = f.explain()
        assert found.records[0].shapes == "(m, 784) @ (784, 300)"
        assert found.records[0].work == "470k m"
        assert found.legend == {"m": "A.shape[0]"}
        W.set_value(np.zeros((10, 20)))
        assert f.explain().records[0].work == "400 m"

    def test_work_is_a_number_where_all_lengths_are_known(self):
        left, right = pt.matrix("l", shape=(3, 4)), pt.matrix("r", shape=(4, 5))
        record = only(left @ right)
        assert record.flops == 2 * 3 * 4 * 5 and record.work == "120"
        assert only(A @ B).flops is None and only(A @ B).work == "2 m k n"

    @pytest.mark.parametrize(
        "expression, work",
        [
            (A @ x, "2 m k"),
            (x @ y, "2 m"),
            (pt.outer(x, y) + A, "2 m k"),
            (T @ U, "2 m k n p"),
            (T @ B, "2 m k n p"),
            (pt.zmatrix("a") @ pt.zmatrix("b"), "8 m k n"),
        ],
        ids=str,
    )
    def test_formulas(self, expression, work):
        assert only(expression).work == work

    def test_half_the_work(self):
        record = only(A @ A.T)
        assert record.routine.startswith("Syrk")
        assert (record.work, record.instead_of) == ("m² k", "2 m² k")

    def test_gradients_say_what_they_are_the_gradient_of(self):
        W = pytensor.shared(np.zeros((3, 5)), name="W")
        loss = pt.tanh(A @ W).sum()
        records = explain([loss, pytensor.grad(loss, W)], MODE).records
        assert [r.gradient_of for r in records] == [0, 1]
        assert "gradient of 1" in explain([loss, pytensor.grad(loss, W)], MODE)

    def test_dtypes_that_differ_are_shown(self):
        record = only(pt.lmatrix("i") @ pt.fmatrix("j"))
        assert record.shapes == "int64 (m, k) @ float32 (k, n)"

    def test_products_inside_a_loop(self):
        W = pt.dmatrix("W")
        states = pytensor.scan(
            lambda h, W: pt.tanh(W @ h),
            outputs_info=[x],
            non_sequences=[W],
            n_steps=5,
            return_updates=False,
        )
        (record,) = pytensor.function([W, x], states[-1], mode=MODE).explain().records
        assert record.inside == "Scan" and record.routine.startswith("Gemv")
        assert record.expression == "matrix @ vector" and record.shapes == "(m, k) @ (k,)"
        assert "test_explain.py" in record.line

    def test_products_inside_an_op_from_a_graph(self):
        op = pytensor.compile.builders.OpFromGraph([A], [A @ A.T + 1])
        record = only(op(A) * 2)
        assert record.inside == "OpFromGraph" and record.routine.startswith("Syrk")
        assert record.shapes == "(m, k) @ (k, m)"

    def test_lines_of_pythons_library_are_not_the_users(self):
        found = explain(pytensor.gradient.jacobian(A @ x, x), MODE)
        assert "functools" not in found and "test_explain.py" in found

    def test_triangles(self):
        record = only(pt.tril(A) @ B)
        assert record.status == "call" and record.work in ("m k n", "2 m k n")

    def test_a_log_likelihood_of_a_gaussian_process(self):
        X, y, scale = pt.dmatrix("X"), pt.dvector("y"), pt.dscalar("scale")
        squares = (X**2).sum(1)
        K = pt.exp(-0.5 * (squares[:, None] + squares[None] - 2 * X @ X.T) / scale**2)
        L = pt.linalg.cholesky(K + pt.eye(X.shape[0]))
        alpha = pt.linalg.solve_triangular(L, y, lower=True)
        value = -0.5 * alpha @ alpha - pt.log(pt.diag(L)).sum()
        found = explain([value, pytensor.grad(value, scale)], MODE)
        assert {"X.shape[0]", "X.shape[1]"} <= set(found.legend.values())
        assert all(r.status != "stays" for r in found.records)
        assert all(len(line) <= 100 for line in found.splitlines())

    def test_products_that_are_written_as_sums(self):
        record = only((A * x).sum(1))
        assert record.expression == "sum(A * x)"
        assert record.routine.startswith("Gemv") and "(A * x).sum(1)" in record.line


class TestWhyNot:
    def test_integers(self):
        record = only(pt.lmatrix("i") @ pt.lmatrix("j"))
        assert record.status == "stays" and record.routine == "Dot"
        assert "not all of one float32, float64 or complex dtype" in record.why
        assert "one_float_dtype" in record.why

    def test_somebody_else_reads_it(self):
        product = A @ B
        (record,) = explain([product + C, product * C], MODE).records
        assert record.status == "call" and "something else reads the product" in record.why

    def test_the_other_summand_is_larger(self):
        record = only(pt.drow("r") @ B + A)
        assert "not part of a sum" in record.why or "Gemm" not in record.routine

    def test_every_guard_has_words(self):
        optdb.load_rules()
        rules = {
            rule.name: rule
            for stage in ("blas_prepare", "blas")
            for rule in optdb[stage].query("+BlasOpt", "+fast_run").node_tracker.get_rewriters()
            if isinstance(rule, Rule)
        }
        assert len(rules) > 5
        guards = {guard.name: name for name, rule in rules.items() for guard in rule.guards}
        assert not {g: r for g, r in guards.items() if g not in REASONS}

    def test_every_other_refusal_has_words(self):
        said = set()
        for path in pathlib.Path(rewriting.__file__).parent.glob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "refuse":
                    said.update(a.value for a in node.args if isinstance(a, ast.Constant))
        assert said and said <= set(REASONS)


class TestWhatVanishes:
    def test_equal_products(self):
        first, second = explain([pt.exp(A @ B), pt.log(A @ B)], MODE).records
        assert second.merged and second.shared_with == [1] and not second.amount
        assert first.work == "2 m k n" and first.instead_of == "4 m k n"
        assert "computed once for this and 1" in explain([pt.exp(A @ B), pt.log(A @ B)], MODE)

    def test_chains(self):
        first, second = explain(A @ B @ x, MODE).records
        assert first.computes == second.computes == "B @ x; A @ (B @ x)"
        assert first.work == "2 k n + 2 m k" and "A @ (B @ v)" in first.why.replace("X", "A")
        assert second.shared_with == [1]

    @pytest.mark.parametrize(
        "expression, why",
        [
            (pt.zeros((3, 4)) @ A, "all zeros"),
            (pt.constant(np.ones((2, 2))) @ pt.constant(np.ones((2, 2))), "while compiling"),
            ((A @ B).shape[0], "nothing needs its value"),
            (pt.trace(A @ B), "trace"),
            (pt.diag(x) @ A, "diag"),
        ],
        ids=str,
    )
    def test_products_that_are_none_any_more(self, expression, why):
        record = only(expression)
        assert record.status == "vanished" and why in record.why and record.work == ""
        assert "1 rewritten away" in explain(expression, MODE)

    def test_all_products_of_a_long_sum_keep_their_own_lines(self):
        total = C
        for i in range(12):
            total = total + pt.dmatrix(f"a{i}") @ pt.dmatrix(f"b{i}")
        records = explain(total, MODE).records
        assert len(records) == 12 and all(r.status == "call" for r in records)
        for record in records:
            left, right = record.expression.split(" @ ")
            assert f"{left} @ {right}" in record.computes and not record.shared_with


class TestText:
    def test_lines_fit(self):
        long = pt.dmatrix("a_matrix_with_a_name_that_is_longer_than_any_column_of_the_text")
        expressions = [long @ long, A @ B @ C @ x, pt.lmatrix("i") @ pt.lmatrix("j"), T @ U]
        for line in explain(expressions, MODE).splitlines():
            assert len(line) <= 100, line

    def test_it_is_a_string(self):
        found = explain(A @ B, MODE)
        assert isinstance(found, Explanation) and isinstance(found, str)
        assert str(found) == repr(found) == found.text and "Dot22" in found

    def test_deep_graphs(self):
        out = A
        for _ in range(3000):
            out = pt.tanh(out)
        assert explain(out @ B, "FAST_COMPILE").records[0].expression == "… @ B"

    @pytest.mark.parametrize(
        "expression, text",
        [
            (A @ (B @ x), "A @ (B @ x)"),
            ((A + B).T @ C, "(A + B).T @ C"),
            (-A - (B - C), "-A - (B - C)"),
            (A / (B * 2.5), "A / (B * 2.5)"),
            (pt.exp(A)[1:], "exp(A)[…]"),
            (A.sum(0), "sum(A)"),
            (pt.outer(x, y), "outer(x, y)"),
        ],
    )
    def test_short_expressions(self, expression, text):
        assert short(expression) == text

    @pytest.mark.parametrize(
        "number, text",
        [
            (0, "0"),
            (9999, "9999"),
            (10_000, "10k"),
            (470_400, "470k"),
            (999_600, "1M"),
            (2e15, "2P"),
        ],
    )
    def test_counts(self, number, text):
        assert counted(number) == text


class Page(HTMLParser):
    """Checks that tags are closed in order, and collects tags, attributes and text."""

    void = ("meta", "link", "br", "img")

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.values, self.text = [], [], [], ""
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.values += [value for _, value in attrs]
        if tag not in self.void:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


class TestPage:
    def test_it_stands_alone(self, tmp_path):
        found = explain([A @ B + C, pt.lmatrix("i") @ pt.lmatrix("j"), pt.trace(A @ C)], MODE)
        path = tmp_path / "page.html"
        found.save(path)
        text = path.read_text(encoding="utf-8")
        page = Page(text)
        assert not {"script", "link", "img", "iframe"}.intersection(page.tags)
        assert "url(" not in text and "@import" not in text and "http" not in text
        assert page.tags.count("tr") == 1 + len(found.records)
        for record in found.records:
            assert record.expression in page.text and record.why in page.text

    def test_everything_is_escaped(self):
        evil = pt.dmatrix('<script>alert("x")</script>&')
        line = evil @ evil + C  # <b id="y">&amp;</b>
        f = pytensor.function([evil, C], line, mode=MODE, name="<i>f</i>")
        for text in (f.explain().html(), f.explain()._repr_html_()):
            page = Page(text)
            assert not {"script", "b"}.intersection(page.tags) and "y" not in page.values
            assert page.tags.count("i") <= 1  # a bar
            assert "<script>" in page.text and '<b id="y">&amp;</b>' in page.text

    def test_bars_compare_what_can_be_compared(self):
        small, large = pt.dmatrix(shape=(2, 2)), pt.dmatrix(shape=(4, 4))
        html = explain([small @ small, large @ large], MODE).html()
        assert "width:12.5%" in html and "width:100.0%" in html
        assert (
            "width:"
            not in explain([A @ B, small @ large[:2]], MODE)._repr_html_().split("</style>")[1]
        )

    def test_nothing_to_show(self):
        assert "There is no product" in explain(A + B, MODE).html()


def test_compiling_a_function_records_nothing(monkeypatch):
    """Explaining is paid for when asked for: `function` doesn't call any of it."""
    monkeypatch.setattr("pytensor.tensor.rewriting.explain._rewritten", None)
    f = pytensor.function([A, B, C], A @ B + C, mode=MODE)
    with pytest.raises(TypeError):
        f.explain()
