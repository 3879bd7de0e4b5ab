"""Printing of graphs made of the small Ops of this directory."""

import pytest
from graph_helpers import MyInnerGraphOp, MyOp, const, inplace, op1, op2, two_out, var

from pytensor.graph.fg import FunctionGraph
from pytensor.printing import (
    OperatorPrinter,
    PatternPrinter,
    char_from_number,
    debugprint,
    get_node_by_id,
    min_informative_str,
    pprint,
    pydotprint,
)


def tree(*args, **kwargs):
    return debugprint(*args, file="str", **kwargs)


def test_tree():
    x, y = var("x"), var("y")
    z = op1(x, y)
    z.name = "z"
    assert tree([op2(z, z), two_out(x)[1]]) == (
        "Op2 [id A]\n"
        " ├─ Op1 [id B] 'z'\n"
        " │  ├─ x [id C]\n"
        " │  └─ y [id D]\n"
        " └─ Op1 [id B] 'z'\n"
        "    └─ ···\n"
        "TwoOut.1 [id E]\n"
        " └─ x [id C]\n"
    )
    assert tree(op2(z), stop_on_name=True) == "Op2 [id A]\n └─ Op1 [id B] 'z'\n"
    assert tree(op2(z), depth=1, id_type="") == "Op2\n"
    assert tree(z, id_type="int", print_type=True).startswith("Op1 [id 0] <My(R)> 'z'\n")


def test_tree_of_graphs():
    x = var("x")
    fg = FunctionGraph([x], [op1(inplace(x))], clone=False)
    assert tree(fg, print_memory_map=True, print_fgraph_inputs=True) == (
        "→ x [id A]\nOp1 [id B] 1\n └─ Inplace [id C] d={0: [0]} 0\n    └─ x [id A]\n"
    )
    with pytest.raises(TypeError, match="got 3"):
        tree(3)


def test_inner_graphs():
    a, x = var("a"), var("x")
    text = tree(MyInnerGraphOp([a], [op2(a)])(x))
    assert "Inner graphs:" in text
    assert text.endswith(" ← Op2 [id C]\n    └─ a [id D] -> [id B]\n")


def test_ids():
    x = var("x")
    y = op1(x)
    assert get_node_by_id(y, "B") is x and get_node_by_id(y, "Z") is None
    assert [char_from_number(n) for n in (0, 25, 26, 702)] == ["A", "Z", "BA", "BBA"]


def test_formulas():
    add, power, at = MyOp("add"), MyOp("pow"), MyOp("at")
    pp = pprint.clone()
    pp.assign(add, OperatorPrinter("+", -2, "either"))
    pp.assign(power, OperatorPrinter("^", 1, "right"))
    pp.assign(at, PatternPrinter(("%(0)s[%(1)s]", 1000, -1000)))
    x, y = var("x"), var("y")
    assert pp(add(power(x, power(y, x)), y)) == "x ^ y ^ x + y"
    assert pp(power(power(x, y), add(x, y))) == "(x ^ y) ^ (x + y)"
    assert pp(at(add(x, y), add(x, y))) == "(x + y)[x + y]"
    assert pp(op1(x, const(-2.0))) == "Op1(x, -2.0)"
    assert pp(power(const(-2.0), x)) == "(-2.0) ^ x"
    assert pp.process_graph([x], [add(x, x)]) == "out = x + x"


def test_short_text_and_pictures(tmp_path):
    x = var("x")
    assert min_informative_str(op1(x, op2(x))) == "A. Op1\n B. x\n C. Op2\n  <B>"
    pydotprint(op1(x), tmp_path / "g.dot", format="dot", print_output_file=False)
    assert "n1 -> n0" in (tmp_path / "g.dot").read_text()
