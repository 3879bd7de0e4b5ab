"""Graphs as pages and as DOT: everything is there, and nothing comes from elsewhere."""

import html
import importlib.util
import json
import re
import shutil
import subprocess

import numpy as np
import pytest

import pytensor
import pytensor.tensor as pt
from pytensor.compile.builders import OpFromGraph
from pytensor.d3viz import d3viz, d3write
from pytensor.d3viz.formatting import PyDotFormatter


@pytest.fixture(scope="module")
def function():
    x, w = pt.dmatrix("x"), pytensor.shared(np.ones((3, 2)), name="w")
    a = pt.dmatrix("a")
    hidden = OpFromGraph([a], [pt.tanh(a) * 2], name="activation")(x @ w)
    hidden.name = 'hidden </script><b>"'
    cost = (hidden**2).sum()
    return pytensor.function([x], cost, updates=[(w, w - pytensor.grad(cost, w))])


def page_and_graph(fct, tmp_path, **options):
    d3viz(fct, tmp_path / "graph.html", **options)
    page = (tmp_path / "graph.html").read_text()
    [data] = re.findall(r'<script id="graph" type="application/json">(.*?)</script>', page, re.S)
    return page, json.loads(html.unescape(data))


def test_page(function, tmp_path):
    page, graph = page_and_graph(function, tmp_path)
    assert not re.findall(r"(?:src|href)=", page), "the page loads something"
    assert set(re.findall(r"https?://[^\"' ]+", page)) == {"http://www.w3.org/2000/svg"}
    kinds = {n["kind"] for n in graph["nodes"]}
    assert {"input", "shared", "apply", "output"} <= kinds
    labels = [n["label"] for n in graph["nodes"]]
    assert {"x", "w"} <= set(labels)
    assert page.count("</script>") == 2, "a name ended the script"
    assert any("test_d3viz.py" in line for n in graph["nodes"] for line in n["about"])


def test_edges_go_down(function, tmp_path):
    _, graph = page_and_graph(function, tmp_path, compact=False)
    nodes = graph["nodes"]
    assert {e["style"] for e in graph["edges"]} >= {"", "destroy"}
    for e in graph["edges"]:
        assert nodes[e["from"]]["y"] < nodes[e["to"]]["y"]
    places = {(n["x"], n["y"]) for n in nodes}
    assert len(places) == len(nodes), "two nodes in one place"


def test_inner_graphs(tmp_path):
    x = pt.dvector("x")
    s = pytensor.scan(lambda r, c: r + c, [x], [pt.zeros(())], return_updates=False)
    _, graph = page_and_graph(s, tmp_path)
    [inner] = [n["inner"] for n in graph["nodes"] if "inner" in n]
    assert any(n["label"] == "Add" for n in inner["nodes"])


@pytest.mark.parametrize("compact", [True, False])
def test_compact(compact, tmp_path):
    x = pt.dvector("x")
    named = pt.exp(x)
    named.name = "named"
    out = pt.log(named + 1)
    _, graph = page_and_graph(out, tmp_path, compact=compact)
    variables = [n["label"] for n in graph["nodes"] if n["kind"] == "variable"]
    assert "named" in variables and (len(variables) == 1) == compact


@pytest.mark.parametrize("what", ["variable", "list", "apply", "fgraph"])
def test_what_is_drawn(what, tmp_path):
    x = pt.dvector("x")
    out = pt.exp(x)
    given = {"variable": out, "list": [out, x], "apply": out.owner,
             "fgraph": pytensor.graph.fg.FunctionGraph([x], [out], clone=False)}[what]  # fmt: skip
    _, graph = page_and_graph(given, tmp_path)
    assert "Exp" in [n["label"] for n in graph["nodes"]]


def test_wrong_argument(tmp_path):
    with pytest.raises(TypeError, match=r"\[d3viz\] fct must be"):
        d3viz([1, 2], tmp_path / "graph.html")


def test_dot(function, tmp_path):
    d3write(function, tmp_path / "graph.dot")
    text = (tmp_path / "graph.dot").read_text()
    bare = re.sub(r'"(\\.|[^"\\])*"', "", text)
    assert bare.startswith("digraph {") and bare.count("{") == bare.count("}")
    assert '"' not in bare, "an open string"
    assert 'color="red"' in text and '\\"' in text and "->" in text


def test_pydot():
    x = pt.dvector("x")
    if importlib.util.find_spec("pydot") is None:
        with pytest.raises(ImportError, match="pydot must be installed"):
            PyDotFormatter()(pt.exp(x))
    else:
        assert PyDotFormatter()(pt.exp(x)).get_node_list()


@pytest.mark.slow
def test_a_browser_draws_it(function, tmp_path):
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no browser")
    _, graph = page_and_graph(function, tmp_path)
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom",
               f"file://{tmp_path}/graph.html"]  # fmt: skip
    page = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
    assert page.count('class="node') == len(graph["nodes"])
    assert page.count('class="edge') == len(graph["edges"])
