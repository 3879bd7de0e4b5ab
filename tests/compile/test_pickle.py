"""Compiled functions travel: to another process without rewriting, lowering or a compiler."""

import logging
import multiprocessing
import pickle
import subprocess
import sys
import time

import numpy as np
import pytest

import pytensor
import pytensor.tensor as pt
from pytensor import In, Out, function, shared
from pytensor.compile import stored as compile_stored
from pytensor.compile.builders import OpFromGraph
from pytensor.compile.mode import Mode
from pytensor.compile.stored import Packed
from pytensor.graph.basic import Apply
from pytensor.graph.op import Op
from pytensor.ifelse import ifelse
from pytensor.link.c import linker as c_linker
from pytensor.link.c import stored as c_stored
from pytensor.link.c import toolchain

pytestmark = pytest.mark.skipif(toolchain.find_compiler() is None, reason="no C compiler")

MODE = Mode("cvm", "fast_run")


class PythonOnly(Op):
    """x -> x + 1, without C."""

    __props__ = ()

    def make_node(self, x):
        return Apply(self, [x], [x.type()])

    def perform(self, node, inputs, output_storage):
        if inputs[0].size > 3:
            raise ValueError("too long")
        output_storage[0][0] = inputs[0] + 1


def network():
    rng = np.random.default_rng(0)
    X, y = pt.dmatrix("X"), pt.dvector("y")
    W, w = shared(rng.normal(size=(4, 5)), "W"), shared(rng.normal(size=5), "w")
    loss = ((pt.tanh(X @ W) @ w - y) ** 2).mean()
    updates = [(p, p - 0.1 * g) for p, g in zip([W, w], pytensor.grad(loss, [W, w]))]
    return function([X, y], loss, updates=updates, mode=MODE, name="train")


X54, ONES = np.linspace(0, 1, 20).reshape(5, 4), np.ones(3)


def _cases():
    """Name -> function and a list of (arguments, keywords)."""
    x, y, c = pt.dvector("x"), pt.dvector("y"), pt.iscalar("c")
    s = shared(np.zeros(3), name="s")
    steps = pytensor.scan(
        lambda v, acc: acc * 0.5 + v,
        sequences=x,
        outputs_info=pt.zeros((), dtype="float64"),
        return_updates=False,
    )
    inner = OpFromGraph([x, y], [pt.exp(x) * y, x - y])
    big = np.arange(1000.0)
    return {
        "network": (network(), [((X54, np.ones(5)), {})] * 3),
        "python": (function([x], pt.exp(PythonOnly()(x * 2)), mode=MODE), [((ONES,), {})]),
        "scan": (function([x], steps, mode=MODE), [((ONES,), {})]),
        "ifelse": (
            function([c, x], ifelse(c, pt.exp(x), PythonOnly()(x)), mode=MODE),
            [((0, ONES), {}), ((1, ONES), {})],
        ),
        "inner": (function([x, y], inner(x, y), mode=MODE), [((ONES, 2 * ONES), {})]),
        "givens": (function([x], s + y, givens={y: x * 3}, mode=MODE), [((ONES,), {})]),
        "default": (
            function([x, In(y, value=ONES, update=x + y)], x + y, mode=MODE),
            [((ONES,), {}), ((ONES,), {}), ((), {"x": 2 * ONES}), ((ONES, ONES), {})],
        ),
        "borrow": (
            function([In(x, borrow=True)], [Out(x * 2, borrow=True), x.sum(), x], mode=MODE),
            [((ONES,), {})],
        ),
        "trusted": (function([x], x * 2, trust_input=True, mode=MODE), [((ONES,), {})]),
        "updates": (function([], s, updates={s: s + 1}, mode=MODE), [((), {})] * 2),
        "constant": (function([x], x[0] + pt.constant(big), mode=MODE), [((ONES,), {})]),
        "python mode": (function([x], pt.exp(x), mode="FAST_COMPILE"), [((ONES,), {})]),
        "nothing": (function([x], [], on_unused_input="ignore", mode=MODE), [((ONES,), {})]),
    }


@pytest.fixture(scope="module")
def cases():
    return _cases()


def same(found, wanted):
    found, wanted = (v if isinstance(v, list) else [v] for v in (found, wanted))
    assert len(found) == len(wanted)
    for a, b in zip(found, wanted):
        np.testing.assert_array_equal(a, b)


CHILD = """
import pickle, sys
import pytensor, pytensor.tensor
from pytensor.compile.mode import Mode
from pytensor.link.c import driver, linker, lower, stored, toolchain

def forbid(what):
    def loud(*args, **kwargs):
        raise SystemExit(f"{what} was asked for")
    return loud

Mode.optimizer = property(forbid("rewriting"))
toolchain.Compiler.compile = forbid("the compiler")
driver.find_compiler = forbid("a compiler")
linker.lower = lower.lower = forbid("lowering")
sys.path.insert(0, sys.argv[2])
found = {}
for name, (text, calls) in pickle.load(open(sys.argv[1], "rb")).items():
    if name == "python mode":
        continue
    f = pickle.loads(text)
    found[name] = [f(*args, **named) for args, named in calls]
sys.stdout.buffer.write(pickle.dumps(found))
"""


def run_child(code, *args, **environment):
    import os

    return subprocess.run(
        [sys.executable, "-c", code, *map(str, args)],
        capture_output=True,
        timeout=120,
        env={**os.environ, **environment},
    )


def test_no_rewriting_no_lowering_no_compiler_in_a_new_process(cases, tmp_path):
    texts = {name: (pickle.dumps(f), calls) for name, (f, calls) in cases.items()}
    path = tmp_path / "functions.pkl"
    path.write_bytes(pickle.dumps(texts))
    here = str(__file__).rpartition("/")[0]
    flags = f"compiledir={pytensor.config.compiledir}"
    # The module of PythonOnly is importable there under the name it has here.
    code = CHILD.replace(
        "found = {}",
        f"import importlib; sys.modules[{__name__!r}] = importlib.import_module('test_pickle')\nfound = {{}}",
    ).replace("sys.argv[2]", repr(here))
    done = run_child(code, path, PYTENSOR_FLAGS=flags)
    assert done.returncode == 0, done.stderr.decode()
    assert not done.stderr, done.stderr.decode()
    found = pickle.loads(done.stdout)
    assert len(found) == len(cases) - 1
    for name, results in found.items():
        # Here from the same state, so after pickling.
        f = pickle.loads(texts[name][0])
        for result, (args, named) in zip(results, cases[name][1]):
            same(result, f(*args, **named))


def test_every_kind_of_function_in_this_process(cases):
    for name, (f, calls) in cases.items():
        g = pickle.loads(pickle.dumps(f))
        h = pickle.loads(pickle.dumps(g))  # before anybody looked at the graph
        assert type(g.vm).__name__ == ("PyProgram" if name == "python mode" else "RevivedProgram")
        assert g.trust_input == f.trust_input and g.name == f.name
        for args, named in calls:
            wanted = f(*args, **named)
            same(g(*args, **named), wanted)
            same(h(*args, **named), wanted)
        assert len(g.maker.fgraph.apply_nodes) == len(f.maker.fgraph.apply_nodes)
        i = pickle.loads(pickle.dumps(g))  # and after
        same(i(*calls[0][0], **calls[0][1]), f(*calls[0][0], **calls[0][1]))


def test_inner_graphs_are_not_rewritten_again(monkeypatch):
    """A scan whose step runs in Python: only linked."""
    x = pt.dmatrix("x")
    steps = pytensor.scan(lambda v: PythonOnly()(v) * 2, sequences=x, return_updates=False)
    f = function([x], steps, mode=MODE)
    text = pickle.dumps(f)
    monkeypatch.setattr(Mode, "optimizer", property(lambda self: pytest.fail("rewritten")))
    same(pickle.loads(text)(np.ones((4, 3))), np.full((4, 3), 4.0))


def test_the_graph_is_not_read_for_a_call(cases, monkeypatch):
    text = pickle.dumps(cases["network"][0])
    monkeypatch.setattr(Packed, "value", property(lambda self: pytest.fail("graph read")))
    f = pickle.loads(text)
    f(X54, np.ones(5))
    assert repr(f) == "<pytensor function train>"


def test_what_the_graph_is_for_still_works(cases, capsys):
    f = pickle.loads(pickle.dumps(cases["network"][0]))
    assert "Gemm" in str(f.explain()) or "Gemv" in str(f.explain())
    f.dprint()
    assert "tanh" in capsys.readouterr().out.lower()
    assert [v.name for v in f.get_shared()] == ["W", "w"]
    W = f.get_shared()[0]
    other = shared(np.zeros((4, 5)), "V")
    g = f.copy(swap={W: other})
    g(X54, np.ones(5))
    assert f.copy(delete_updates=True)(X54, np.ones(5)) == f.copy(delete_updates=True)(
        X54, np.ones(5)
    )


@pytest.mark.parametrize("name, args", [("python", (np.ones(4),)), ("givens", (np.ones(2),))])
def test_errors_name_the_node_and_the_line(cases, name, args):
    f = pickle.loads(pickle.dumps(cases[name][0]))
    with pytest.raises(ValueError, match=r"test_pickle.py:\d+"):
        f(*args)


def test_shared_variables_stay_shared():
    x = pt.dvector("x")
    s = shared(np.zeros(3), name="s")
    both = [function([x], [], updates={s: s + x}, mode=MODE), function([], s * 1, mode=MODE), s]
    write, read, t = pickle.loads(pickle.dumps(both))
    write(ONES)
    same(read(), ONES)
    same(t.get_value(), ONES)
    same(s.get_value(), 0 * ONES)
    t.set_value(5 * ONES)
    same(read(), 5 * ONES)
    # The variable is the function's own: it can be asked for and swapped.
    assert read.get_shared() == [t] and write.get_shared() == [t]
    assert read[t] is t.get_value(borrow=True)
    same(read.copy(swap={t: shared(ONES)})(), ONES)


def test_a_constant_is_pickled_once():
    x = pt.dscalar("x")
    big = np.random.default_rng(0).normal(size=100_000)
    c = pt.constant(big)
    f = function([x], [(x * c).sum(), x + c], mode=MODE)
    assert len(pickle.dumps(f)) < 1.1 * big.nbytes
    buffers = []
    text = pickle.dumps(f, protocol=5, buffer_callback=buffers.append)
    assert len(text) < 60_000
    same(pickle.loads(text, buffers=buffers)(2.0)[1], 2.0 + big)


def test_classes_of_the_user_are_left_to_the_pickler_outside(cases):
    """So that cloudpickle and the like can pickle them by value."""
    packed = cases["python"][0].maker.packed()
    assert PythonOnly in packed._outside or any(isinstance(o, PythonOnly) for o in packed._outside)


def test_cloudpickle():
    """Ops of a notebook are pickled by value, also those inside of a function."""
    cloudpickle = pytest.importorskip("cloudpickle")
    code = """if True:
        import sys, cloudpickle, numpy as np, pytensor, pytensor.tensor as pt
        from pytensor.graph import Apply, Op
        class Local(Op):
            __props__ = ()
            def make_node(self, x): return Apply(self, [x], [x.type()])
            def perform(self, node, inputs, outputs): outputs[0][0] = inputs[0] * SCALE
        SCALE = 3.0
        x = pt.dvector("x")
        f = pytensor.function([x], pt.exp(Local()(x)))
        sys.stdout.buffer.write(cloudpickle.dumps(f))"""
    done = run_child(code, PYTHONPATH=":".join(sys.path))
    assert done.returncode == 0, done.stderr.decode()
    np.testing.assert_allclose(cloudpickle.loads(done.stdout)(ONES), np.exp(3 * ONES))


def _without_cache(monkeypatch):
    monkeypatch.setattr(c_stored, "cached_unit", lambda key: None)


def test_another_machine_compiles_the_stored_c(cases, monkeypatch):
    text = pickle.dumps(cases["network"][0])
    compiled = []

    def spied(source, link, level):
        compiled.append(source)
        return load_unit(source, link, level)

    load_unit = c_stored.load_unit
    monkeypatch.setattr(c_stored, "load_unit", spied)
    _without_cache(monkeypatch)
    monkeypatch.setattr(c_linker, "lower_here", lambda *args: pytest.fail("lowered"))
    f = pickle.loads(text)
    assert len(compiled) == sum(not unit.ready for unit in f.vm.units)
    same(f(X54, np.ones(5)), pickle.loads(text)(X54, np.ones(5)))


@pytest.mark.parametrize("which", ["abi", "_blas", "cpu_features"])
def test_another_driver_lowers_again_and_says_so(cases, monkeypatch, caplog, which):
    monkeypatch.setattr("pytensor.utils._said", set())
    f = cases["network"][0]
    text = pickle.dumps(f)
    monkeypatch.setattr(c_stored, which, lambda: "another")
    monkeypatch.setattr(c_stored, "shipped_unit", lambda name: None)
    monkeypatch.setattr(Mode, "optimizer", property(lambda self: pytest.fail("rewritten")))
    with caplog.at_level(logging.WARNING):
        g = pickle.loads(text)
    if which != "cpu_features" or any(unit.ready for unit in f.vm.units):
        assert "'train'" in caplog.text and "again from its pickled graph" in caplog.text
        assert len(caplog.records) == 1
    same(g(X54, np.ones(5)), pickle.loads(text)(X54, np.ones(5)))
    same(pickle.loads(pickle.dumps(g))(X54, np.ones(5)), g(X54, np.ones(5)))


def test_neither_compiler_nor_cache(cases, monkeypatch, caplog):
    texts = {name: pickle.dumps(f) for name, (f, _) in cases.items()}
    _without_cache(monkeypatch)
    monkeypatch.setattr("pytensor.link.c.driver.find_compiler", lambda: None)
    for name, text in texts.items():
        g, calls = pickle.loads(text), cases[name][1]
        same(g(*calls[0][0], **calls[0][1]), pickle.loads(texts[name])(*calls[0][0], **calls[0][1]))


def test_another_form_is_refused_clearly(cases, monkeypatch):
    text = pickle.dumps(cases["updates"][0])
    monkeypatch.setattr(compile_stored, "FORMAT", 99)
    with pytest.raises(RuntimeError, match="pickled by pytensor .* in form 1; .* knows form 99"):
        pickle.loads(text)


def _call(f, x):
    return f(x)


def test_worker_processes():
    x = pt.dvector("x")
    f = function([x], pt.exp(x).sum(), mode=MODE)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        # By position in the pool's arguments: the function is pickled, `operator.call` run there.
        import operator

        assert pool.apply(operator.call, (f, ONES)) == f(ONES)


def chain(n):
    x = pt.dvector("x")
    h = x
    for i in range(n):
        h = pt.tanh(h) * 1.01 if i % 2 else pt.sum(h) + h
    return function([x], h, mode=MODE)


@pytest.mark.parametrize("make", [network, lambda: chain(500)])
def test_loading_is_quick(make):
    f = make()
    text = pickle.dumps(f)
    took = []
    for _ in range(5):
        start = time.process_time()
        g = pickle.loads(text)
        took.append(time.process_time() - start)
    assert min(took) < 0.010
    assert g.vm.tables["steps"] == f.vm.tables["steps"]


def test_size():
    f = network()
    assert len(pickle.dumps(f)) < 100_000  # most of it C, where BLAS kernels are not shipped
    f = chain(500)
    assert len(pickle.dumps(f)) < 300 * len(f.maker.fgraph.apply_nodes)
