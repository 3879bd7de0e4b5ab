"""The modes that watch, profiles, and dumps."""

import io
import pickle

import numpy as np
import pytest

import pytensor.tensor as pt
from pytensor.compile.debug.debugmode import (
    BadDestroyMap,
    BadOptimization,
    BadViewMap,
    DebugMode,
    InvalidValueError,
    str_diagnostic,
)
from pytensor.compile.debug.dump import function_dump
from pytensor.compile.debug.monitormode import MonitorMode, detect_nan
from pytensor.compile.debug.nanguardmode import NanGuardMode
from pytensor.compile.debug.profiling import ProfileStats
from pytensor.compile.maker import function
from pytensor.compile.mode import Mode, get_mode
from pytensor.compile.sharedvalue import shared
from pytensor.graph.basic import Apply
from pytensor.graph.op import Op
from pytensor.graph.rewriting.basic import in2out, node_rewriter
from pytensor.scan import scan
from pytensor.tensor.type import TensorType

VECTOR = TensorType("float64", shape=(None,))


class Odd(Op):
    """Does what its `perform` says, whatever it promises."""

    def __init__(self, compute):
        self.compute = compute

    def make_node(self, x):
        return Apply(self, [x], [VECTOR()])

    def perform(self, node, inputs, output_storage):
        output_storage[0][0] = self.compute(inputs[0])


def overwrite(x):
    x += 1
    return x.copy()


class TestDebugMode:
    @pytest.mark.parametrize(
        "compute, error",
        [
            (overwrite, BadDestroyMap),
            (lambda x: x[:1], BadViewMap),
            (lambda x: x.astype("float32"), InvalidValueError),
            (lambda x: x * np.nan, InvalidValueError),
        ],
    )
    def test_broken_promises(self, compute, error):
        x = VECTOR("x")
        f = function([x], Odd(compute)(x), mode=DebugMode(optimizer=None))
        with pytest.raises(error):
            f([1.0, 2.0])

    def test_wrong_rewrite(self):
        class One(Odd):
            pass

        @node_rewriter([One])
        def wrong(fgraph, node):
            return [Odd(lambda x: x + 1)(node.inputs[0])]

        x = VECTOR("x")
        mode = DebugMode(optimizer=None).register((in2out(wrong), 1.0))
        f = function([x], One(lambda x: x * 3)(x), mode=mode)
        with pytest.raises(BadOptimization, match="Old value"):
            f([1.0, 2.0])

    def test_good_function(self):
        x = pt.dvector("x")
        s = shared(np.zeros(2))
        f = function([x], (x * 2).sum(), updates={s: s + x}, mode=DebugMode(optimizer=None))
        assert f([1.0, 2.0]) == 6.0
        assert s.get_value().tolist() == [1.0, 2.0]
        assert isinstance(get_mode("DebugMode"), DebugMode)

    def test_str_diagnostic(self):
        text = str_diagnostic(np.zeros((2, 3)), np.ones((2, 3)), 1e-5, 1e-8)
        assert "float64" in text and "(2, 3)" in text and "max 1.0" in text and "1e-05" in text
        assert "shapes differ" in str_diagnostic(np.zeros(2), np.zeros(3), None, None)


class TestNanGuard:
    @pytest.mark.parametrize(
        "value, found", [(np.nan, "NaN"), (np.inf, "Inf"), (1e11, "Big value"), (1.0, None)]
    )
    def test_finds(self, value, found):
        x = VECTOR("x")
        f = function([x], Odd(lambda v: v * value)(x), mode=NanGuardMode(True, True, True, None))
        if found is None:
            f([1.0])
            return
        with pytest.raises(AssertionError, match=f"{found} detected"):
            f([1.0])
        g = function([x], Odd(lambda v: v)(x), mode=NanGuardMode(True, True, True, None))
        with pytest.raises(AssertionError, match="input of the function"):
            g([value])

    def test_what_is_not_asked_for_is_not_found(self):
        x = VECTOR("x")
        f = function([x], Odd(lambda v: v * np.inf)(x), mode=NanGuardMode(True, False, False, None))
        assert f([1.0]) == [np.inf]

    @pytest.mark.parametrize(
        "mode", [NanGuardMode(True, True, True), DebugMode(check_isfinite=True)]
    )
    def test_memory_nobody_has_written_to_is_left_alone(self, mode, monkeypatch):
        """The buffer of a scan begins as such memory, with its first state in it."""

        def full_of_nan(op, node, inputs, output_storage):
            output_storage[0][0] = np.full([int(n) for n in inputs], np.nan)

        monkeypatch.setattr(pt.basic.AllocEmpty, "perform", full_of_nan)
        x = pt.dmatrix("x")
        last = scan(
            lambda v, a: a + v.sum(), sequences=x, outputs_info=pt.zeros(()), return_updates=False
        )[-1]
        f = function([x], pt.log(last), mode=mode)
        assert f(np.ones((3, 3))) == np.log(9)
        with pytest.raises((AssertionError, InvalidValueError)):
            f(np.zeros((3, 3)))

    def test_excluding_keeps_what_is_checked(self):
        mode = NanGuardMode(True, False, False).excluding("fusion")
        assert isinstance(mode, NanGuardMode) and not mode.inf_is_error


def test_monitor_mode(capsys):
    before, after = [], []
    x = VECTOR("x")
    mode = MonitorMode(
        pre_func=lambda fgraph, i, node, fn: before.append((i, fn.inputs[0][0].tolist())),
        post_func=lambda fgraph, i, node, fn: after.append(fn.outputs[0][0].tolist()),
        optimizer=None,
    )
    function([x], Odd(lambda v: v + 1)(x), mode=mode)([1.0])
    assert before == [(0, [1.0])] and after == [[2.0]]
    assert mode.excluding("fusion").pre_func is mode.pre_func


def test_detect_nan(capsys):
    pytest.importorskip("pytensor.printing")
    x = VECTOR("x")
    mode = MonitorMode(post_func=detect_nan, optimizer=None)
    f = function([x], Odd(lambda v: v * np.nan)(x), mode=mode)
    f([1.0])
    assert "NaN detected" in capsys.readouterr().out


def test_profile():
    x = VECTOR("x")
    profile = ProfileStats(atexit_print=False, message="mine")
    op = Odd(lambda v: v + 1)
    f = function([x], op(op(x)), mode=Mode("py", None), profile=profile)
    for _ in range(3):
        f([1.0])
    assert f.profile is profile and profile.fct_callcount == 3
    assert 0 < profile.vm_call_time < profile.fct_call_time
    assert profile.op_callcount() == {op: 6} and profile.class_callcount() == {Odd: 6}
    assert profile.compile_time > profile.rewriting_time > 0 and profile.nb_nodes == 2
    text = io.StringIO()
    profile.summary(file=text)
    assert "mine" in text.getvalue() and "Odd" in text.getvalue() and "100.0%" in text.getvalue()
    profile.reset()
    assert profile.fct_callcount == 0 and not profile.apply_time


def test_bad_profile_argument():
    with pytest.raises(TypeError, match="profile must be"):
        function([], [], mode=Mode("py", None), profile=3)


def test_function_dump(tmp_path):
    x = pt.dvector("x")
    s = shared(np.zeros(2), name="s")
    path = tmp_path / "f.pkl"
    function_dump(path, [x], x + s, updates={s: s + x}, name="dumped", mode=Mode("py", None))
    with path.open("rb") as file:
        f = function(**pickle.load(file))
    f([1.0, 1.0])
    assert f.name == "dumped" and f([1.0, 1.0]).tolist() == [2.0, 2.0]
    assert s.get_value().tolist() == [0.0, 0.0]
