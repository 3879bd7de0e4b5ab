"""What a user sees of tensor expressions and compiled functions."""

import numpy as np
import pytest

import pytensor
import pytensor.tensor as pt
from pytensor.compile.mode import Mode
from pytensor.graph.replace import vectorize_graph
from pytensor.printing import (
    Print,
    debugprint,
    hex_digest,
    min_informative_str,
    pp,
    pydotprint,
    var_descriptor,
)

MODE = Mode("py", None)
x, y, v = pt.dmatrix("x"), pt.dmatrix("y"), pt.dvector("v")


@pytest.mark.parametrize(
    "expression, text",
    [
        (x + y * 2, "x + y * 2"),
        ((x + y) * 2.0, "(x + y) * 2.0"),
        (x - (y - x), "x - (y - x)"),
        (x / y / x, "x / y / x"),
        (-(x**2), "-x ** 2"),
        ((-x) ** 2, "(-x) ** 2"),
        (x.T @ y, "x.T @ y"),
        (pt.dot(x, y), r"x \dot y"),
        (~(x > 0) & (x < 1), "~(x > 0) & (x < 1)"),
        ((x > 0) | (y > 0) & (x > y), "(x > 0) | (y > 0) & (x > y)"),
        (pt.eq(x > 0, y > 0), "(x > 0) == (y > 0)"),
        (x.sum(axis=0) + v, "sum(x, axis=(0,)) + v"),
        (v + x, "v + x"),
        (x[0], "x[0]"),
        (x[1:, ::-1], "x[1:, ::-1]"),
        ((x + y)[:3, 0], "(x + y)[:3, 0]"),
        (x[[0, 2]], "x[[0 2]]"),
        (pt.set_subtensor(x[0], v), "set_subtensor(x[0], v)"),
        (pt.inc_subtensor(x[1:], 1.0), "inc_subtensor(x[1:], 1.0)"),
        (pt.cast(x, "float32"), "float32(x)"),
        (pt.second(x, v), "fill(x, v)"),
        (pt.exp(x), "Exp(x)"),
        (Print("here")(x) + 1, "x + 1"),
    ],
)
def test_formula(expression, text):
    assert pp(expression) == text


class TestPrint:
    def test_prints_and_passes_on(self, capsys):
        f = pytensor.function([v], 2 * Print("v is", attrs=("shape", "__str__"))(v))
        assert f([1.0, 2.0]).tolist() == [2.0, 4.0]
        assert capsys.readouterr().out == "v is shape = (2,)\nv is __str__ = [1. 2.]\n"

    def test_own_function(self):
        seen = []
        show = Print("s", global_fn=lambda op, value: seen.append((op.message, value.tolist())))
        pytensor.function([v], show(v), mode=MODE)([3.0])
        assert seen == [("s", [3.0])]

    def test_constant_is_printed_when_the_function_runs(self, capsys):
        f = pytensor.function([], Print("c")(pt.constant(1.5)) + 1)
        assert capsys.readouterr().out == ""
        assert f() == 2.5
        assert capsys.readouterr().out == "c __str__ = 1.5\n"

    def test_derivatives_shape_and_batches(self, capsys):
        out = Print("v")(v)
        g = pytensor.grad((out**2).sum(), v)
        f = pytensor.function([v], [g, out.shape[0]], mode=MODE)
        gradient, length = f([1.0, 3.0])
        assert gradient.tolist() == [2.0, 6.0] and length == 2
        (tangent,) = pytensor.gradient.pushforward(
            [out], [v], [pt.ones_like(v)], use_op_pushforward=True
        )
        assert tangent.eval({v: [1.0, 2.0]}, mode=MODE).tolist() == [1.0, 1.0]
        assert vectorize_graph(out, {v: x}).eval({x: np.ones((2, 3))}, mode=MODE).shape == (2, 3)
        assert Print("a") == Print("a") != Print("b")


class TestShortTexts:
    def test_digest(self):
        a = np.arange(6.0).reshape(2, 3)
        assert hex_digest(a) == hex_digest(a.copy())
        different = [a.T, a.astype("float32"), a.ravel(), a + 1, np.asfortranarray(a)]
        assert len({hex_digest(b) for b in [a, *different]}) == 6
        assert hex_digest(a).endswith("|strides=[24,8]|shape=[2,3]|dtype=float64")

    def test_descriptor_tells_expressions_apart(self):
        c = pt.constant(np.arange(2.0))
        assert var_descriptor(x + c) == var_descriptor(x + pt.constant(np.arange(2.0)))
        others = [x + pt.constant(np.ones(2)), x - c, y + c, x + x, x + v]
        assert len({var_descriptor(e) for e in [x + c, *others]}) == 6
        assert "<B>" in var_descriptor(x * x), "what comes again is a letter"

    def test_informative(self):
        assert min_informative_str(x * y + x) == "A. Add\n B. Mul\n  C. x\n  D. y\n <C>"


@pytest.fixture(scope="module")
def update():
    s = pytensor.shared(np.ones((3, 3)), name="s")
    f = pytensor.function([x], x.T, updates=[(s, 0.5 * s + x @ x)], name="step")
    return f


class TestCompiled:
    def test_destroy_and_view_maps(self, update):
        text = debugprint(update, file="str", id_type="", print_memory_map=True)
        destroying = [line for line in text.splitlines() if "d={0: [0]}" in line]
        viewing = [line for line in text.splitlines() if "v={0: [0]}" in line]
        assert len(destroying) == 1 and destroying[0].startswith("Gemm{inplace}")
        assert len(viewing) == 1 and "Transpose" in viewing[0]
        only = debugprint(update, file="str", print_destroy_map=True)
        assert "d={0: [0]}" in only and "v={" not in only
        only = debugprint(update, file="str", print_view_map=True)
        assert "v={0: [0]}" in only and "d={" not in only

    def test_order(self, update):
        nodes = update.maker.fgraph.toposort()
        text = debugprint(update, file="str", id_type="")
        for i, node in enumerate(nodes):
            assert any(
                str(node.op) in line and line.endswith(f" {i}") for line in text.splitlines()
            ), f"{node.op} has no number {i} in\n{text}"

    def test_storage_keeps_to_its_line(self, update):
        text = debugprint(update, file="str", print_storage=True)
        assert "s [id" in text
        (line,) = {line for line in text.splitlines() if " s [id" in line}
        assert line.endswith("[array([[1., 1., 1.], [1., 1., 1.], [1., 1., 1.]])]")
        big = pytensor.shared(np.zeros((9, 9)), name="big")
        text = debugprint(pytensor.function([], big + 1), file="str", print_storage=True)
        assert max(map(len, text.splitlines())) < 100 and "...]" in text

    def test_inputs_types_shapes(self, update):
        text = debugprint(
            update,
            file="str",
            id_type="",
            print_fgraph_inputs=True,
            print_type=True,
            print_shape=True,
        )
        assert text.startswith("→ x <Matrix(float64, shape=(?, ?))> shape=(?, ?)\n")

    def test_same_text_twice_and_to_a_file(self, update, capsys):
        text = debugprint(update, file="str")
        assert debugprint(update, file="str") == text
        debugprint(update)
        assert capsys.readouterr().out == text
        update.dprint()
        assert capsys.readouterr().out == text
        assert "0x" not in text

    def test_picture(self, update, tmp_path, capsys):
        path = tmp_path / "f.dot"
        pydotprint(update, path, format="dot")
        assert capsys.readouterr().out == f"The output file is available at {path}\n"
        text = path.read_text()
        assert text.startswith("digraph {") and text.rstrip().endswith("}")
        assert text.count(" -> ") == 2 + sum(len(n.inputs) for n in update.maker.fgraph.apply_nodes)
        assert 'label="x Matrix(float64, shape=(?, ?))"' in text
        image = pydotprint(
            update, format="dot", return_image=True, var_with_name_simple=True, with_ids=True
        ).decode()
        assert 'label="x id=' in image
        short = pydotprint(update, format="dot", return_image=True, max_label_size=12).decode()
        assert (
            max(len(part) for part in short.split('label="')[1:] for part in [part.split('"')[0]])
            <= 12
        )

    def test_picture_needs_pydot(self, monkeypatch):
        monkeypatch.setattr("pytensor.printing.dot.pydot_imported", False)
        with pytest.raises(RuntimeError, match=r"format 'png' must have pydot.*format='dot'"):
            pydotprint(x + y)


def test_wrong_arguments():
    with pytest.raises(TypeError, match=r"\[debugprint\] depth must be an integer, got '2'"):
        debugprint(x, depth="2")
    with pytest.raises(ValueError, match="id_type must be"):
        debugprint(x, id_type="letters", file="str")
