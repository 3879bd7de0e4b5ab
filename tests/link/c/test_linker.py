"""Lowering, memory plan and programs, on small Ops of our own."""

import gc
import os
import resource
import signal
import subprocess
import sys
import textwrap
import threading
import time

import numpy as np
import pytest

import pytensor.tensor  # noqa: F401  (the package first)
from pytensor.compile.sharedvalue import generic
from pytensor.graph.basic import Apply, Constant
from pytensor.graph.fg import FunctionGraph
from pytensor.graph.op import Op
from pytensor.link.c.dispatch.basic import CKernel, c_funcify
from pytensor.link.c.linker import CLinker, CProgram
from pytensor.link.c.toolchain import find_compiler
from pytensor.link.py.vm import PyProgram
from pytensor.tensor.type import TensorType
from tests.link.c.graphs import make, python_steps

pytestmark = pytest.mark.skipif(find_compiler() is None, reason="no C compiler")

vector = TensorType("float64", (None,))


class Add(Op):
    __props__ = ()

    def make_node(self, x, y):
        return Apply(self, [x, y], [vector()])

    def perform(self, node, inputs, output_storage):
        output_storage[0][0] = inputs[0] + inputs[1]


@c_funcify.register(Add)
def _add(op, node=None, **kwargs):
    return CKernel(
        """\
    if (x0->shape[0] != x1->shape[0])
        return pt_fail(ctx, PT_VALUE_ERROR, "[Add] x and y must agree, got %d and %d",
                       (int)x0->shape[0], (int)x1->shape[0]);
    z0->shape[0] = x0->shape[0];
    int status = pt_alloc(ctx, z0, 1, 8);
    if (status)
        return status;
    pt_heavy(ctx, (double)x0->shape[0]);
    for (int64_t i = 0; i < x0->shape[0]; i++)
        ((double *)z0->data)[i] = *(double *)(x0->data + i * x0->strides[0]) +
                                  *(double *)(x1->data + i * x1->strides[0]);""",
        inplace={0: (0, 1)},
    )


class PyNeg(Op):
    """Has no C."""

    __props__ = ()

    def make_node(self, x):
        return Apply(self, [x], [vector()])

    def perform(self, node, inputs, output_storage):
        output_storage[0][0] = -inputs[0]


class Reverse(Op):
    __props__ = ()
    view_map = {0: [0]}

    def make_node(self, x):
        return Apply(self, [x], [vector()])

    def perform(self, node, inputs, output_storage):
        output_storage[0][0] = inputs[0][::-1]


@c_funcify.register(Reverse)
def _reverse(op, node=None, **kwargs):
    return CKernel(
        """\
    z0->shape[0] = x0->shape[0];
    z0->strides[0] = -x0->strides[0];
    z0->data = x0->data + (x0->shape[0] - 1) * x0->strides[0];""",
        views={0: 0},
    )


class Power(Op):
    """x doubled `times` times, by running an inner graph."""

    __props__ = ("times",)

    def __init__(self, times, python=False):
        self.times = times
        a = vector()
        self.fgraph = FunctionGraph(
            [a], [add(PyNeg()(PyNeg()(a)) if python else a, a)], clone=False
        )

    def make_node(self, x):
        return Apply(self, [x], [vector()])

    def perform(self, node, inputs, output_storage):
        output_storage[0][0] = inputs[0] * 2.0**self.times


@c_funcify.register(Power)
def _power(op, node=None, **kwargs):
    return CKernel(
        f"""\
    z0->shape[0] = x0->shape[0];
    int status = pt_alloc(ctx, z0, 1, 8);
    if (status)
        return status;
    int64_t bytes = 8 * x0->shape[0];
    char *kept = pt_scratch(ctx, 16);
    memcpy(kept, "scratch survives", 16);
    for (int64_t i = 0; i < x0->shape[0]; i++)
        ((double *)z0->data)[i] = *(double *)(x0->data + i * x0->strides[0]);
    for (int i = 0; i < {op.times}; i++) {{
        pt_view(b0x0, z0, 1);
        if ((status = pt_run(ctx, block0)))
            return status;
        memcpy(z0->data, b0z0->data, (size_t)bytes);
    }}
    if (memcmp(kept, "scratch survives", 16))
        return pt_fail(ctx, PT_RUNTIME_ERROR, "scratch was lost");""",
        blocks=(op.fgraph,),
    )


class Choose(Op):
    """Lazy: the first branch if the condition is true, else the second."""

    __props__ = ()

    def make_node(self, condition, a, b):
        return Apply(self, [condition, a, b], [vector()])

    lazy = True

    def required_inputs(self, values):
        return [1] if values[0] else [2]

    def perform(self, node, inputs, output_storage):
        output_storage[0][0] = np.copy(inputs[1] if inputs[0] else inputs[2])


add, neg, reverse, choose = Add(), PyNeg(), Reverse(), Choose()


def numpy_of(program, column):
    return np.frombuffer(program.tables["slots"], dtype="int32").reshape(-1, 8)[:, column]


def test_mixed_graph():
    x, y = vector("x"), vector("y")
    c = Constant(vector, np.array([10.0, 20.0, 30.0]))
    z = add(neg(add(x, c)), reverse(y))
    program = make([x, y], [z, reverse(add(x, x)), y])
    a, b = np.arange(3.0), np.array([1.0, 5.0, 7.0])
    for _ in range(3):
        out = program(a, b)
        np.testing.assert_array_equal(out[0], -(a + [10, 20, 30]) + b[::-1])
        np.testing.assert_array_equal(out[1], (a + a)[::-1])
        assert out[2] is b
    assert [n.op for n in python_steps(program)] == [neg]


def test_equal_bodies_share_a_function():
    x, y = vector(), vector()
    program = make([x, y], [add(add(x, y), add(y, y))])
    assert program.source.count("static int k") == 1
    assert program._run.n_steps == 3


def test_buffers_are_reused():
    x, y = vector(), vector()
    v = x
    for _ in range(50):
        v = add(v, y)
    program = make([x, y], [v])
    assert program._run.n_buffers <= 3
    np.testing.assert_array_equal(program(np.zeros(4), np.ones(4))[0], 50.0)
    # Chains work in place: all but the first (input) and the last (output).
    assert (numpy_of(program, 6) >= 0).sum() == 48


def test_no_reuse_under_a_view():
    """An input that is also read through a view must not be overwritten."""
    x, y = vector(), vector()
    t = add(x, y)
    program = make([x, y], [add(add(t, reverse(t)), y)])
    a, b = np.arange(5.0), np.ones(5)
    np.testing.assert_array_equal(program(a, b)[0], (a + b) + (a + b)[::-1] + b)


def test_sizes_may_change_between_calls():
    x, y = vector(), vector()
    program = make([x, y], [add(add(add(x, y), y), reverse(add(x, x)))])
    for n in (3, 0, 1000, 2, 50_000, 7):
        a, b = np.arange(float(n)), np.ones(n)
        np.testing.assert_array_equal(program(a, b)[0], a + 2 + 2 * a[::-1])


def test_inner_graph():
    x = vector()
    for python in (False, True):
        program = make([x], [Power(5, python)(add(x, x))])
        for n in (3, 100):
            np.testing.assert_array_equal(program(np.ones(n))[0], 64.0)


def test_lazy_branches():
    condition = TensorType("bool", ())()
    x, y = vector(), vector()
    # Only one branch is possible: the other has lengths that do not agree.
    out = choose(condition, add(x, x), add(add(x, y), y))
    program = make([condition, x, y], [add(out, out)])
    a, b = np.ones(3), np.ones(4)
    np.testing.assert_array_equal(program(np.array(True), a, b)[0], 4.0)
    np.testing.assert_array_equal(program(np.array(False), a, a)[0], 6.0)
    np.testing.assert_array_equal(program(np.array(True), a, b)[0], 4.0)
    with pytest.raises(ValueError, match=r"\[Add\]"):
        program(np.array(False), a, b)


def test_objects():
    class Attach(Op):
        __props__ = ()

        def make_node(self, x, thing):
            return Apply(self, [x, thing], [vector(), generic()])

        def perform(self, node, inputs, output_storage):
            output_storage[0][0] = inputs[0] + 1
            output_storage[1][0] = (inputs[1], "seen")

    x, thing = vector(), generic()
    program = make([x, thing], list(Attach().make_node(add(x, x), thing).outputs))
    value, seen = program(np.ones(2), {"a": 1})
    np.testing.assert_array_equal(value, 3.0)
    assert seen == ({"a": 1}, "seen")


def test_error_names_node_and_line():
    x, y = vector("speed"), vector()
    z = add(x, y)
    program = make([x, y], [neg(z)])
    with pytest.raises(ValueError) as caught:
        program(np.ones(2), np.ones(3))
    text = str(caught.value)
    for part in ("[Add] x and y must agree, got 2 and 3", "in Add", "speed", "(3,)", "test_linker"):
        assert part in text
    assert len(text.splitlines()) <= 15
    np.testing.assert_array_equal(program(np.ones(2), np.ones(2))[0], -2.0)


def test_error_in_python_keeps_class_and_traceback():
    class Broken(Op):
        __props__ = ()

        def make_node(self, x):
            return Apply(self, [x], [vector()])

        def perform(self, node, inputs, output_storage):
            raise KeyError("lost")

    x = vector()
    program = make([x], [add(Broken()(add(x, x)), x)])
    with pytest.raises(KeyError, match="lost") as caught:
        program(np.ones(2))
    assert "perform" in [entry.name for entry in caught.traceback]


def test_inputs_are_converted_or_refused():
    x, y = vector(), vector()
    program = make([x, y], [add(x, y)])
    np.testing.assert_array_equal(program([1, 2], np.array([1, 2], dtype="int8"))[0], [2.0, 4.0])
    with pytest.raises(TypeError):
        program("text", np.ones(2))
    with pytest.raises(TypeError):
        program(np.ones((2, 2)), np.ones(2))
    static = TensorType("float64", (3,))()
    program = make([static], [add(static, static)])
    with pytest.raises(TypeError):
        program(np.ones(4))


def test_source_is_deterministic():
    code = """
        import pytensor.tensor, hashlib
        from tests.link.c.test_linker import add, reverse, vector, Power, make
        x, y = vector(), vector()
        program = make([x, y], [Power(3)(add(x, reverse(y))), reverse(add(y, y))])
        print(hashlib.sha256(program.source.encode()).hexdigest())
    """
    seen = {
        subprocess.run(
            [sys.executable, "-c", textwrap.dedent(code)],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.getcwd()},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(seen) == 1


def test_constants_are_not_in_the_source():
    x = vector()
    sources = {
        make([x], [add(x, Constant(vector, np.full(2, value)))]).source for value in (1.0, 2.0)
    }
    assert len(sources) == 1


def test_threads():
    x, y = vector(), vector()
    program = make([x, y], [add(neg(add(add(x, y), y)), add(x, reverse(y)))])
    wrong = []

    def work(i):
        a = np.full(50 * (i + 1) ** 3, float(i))
        expected = -(a + 2 * a) + (a + a)
        for _ in range(100):
            if not np.array_equal(program(a, a)[0], expected):
                wrong.append(i)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert not wrong


def test_gil_is_released_for_heavy_work():
    """While one call works, another thread runs Python."""
    x = vector()
    program = make([x], [Power(400)(x)])
    a = np.zeros(2_000_000)
    ticks, stop = [], threading.Event()

    def tick():
        while not stop.is_set():
            ticks.append(time.perf_counter())
            time.sleep(0.001)

    thread = threading.Thread(target=tick)
    thread.start()
    start = time.perf_counter()
    program(a)
    end = time.perf_counter()
    stop.set()
    thread.join()
    during = [t for t in ticks if start < t < end]
    assert len(during) >= 3


@pytest.fixture
def heeds_interrupts():
    """A process that was started in the background ignores SIGINT, and so would the test."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_keyboard_interrupt_ends_a_long_call(heeds_interrupts):
    x = vector()
    program = make([x], [Power(1_000_000)(x)])
    timer = threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        program(np.zeros(1_000_000))  # hours, if nobody listened
    short = make([x], [Power(2)(x)])
    np.testing.assert_array_equal(short(np.ones(3))[0], 4.0)


def test_memory_does_not_grow():
    x, y = vector(), vector()
    program = make([x, y], [add(neg(add(x, y)), y), reverse(add(y, y))])
    a, b, bad = np.ones(100), np.ones(100), np.ones(99)

    def calls(n):
        for _ in range(n):
            program(a, b)
            try:
                program(a, bad)
            except ValueError:
                pass
        gc.collect()
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    calls(2000)
    before = calls(10)
    assert calls(10_000) - before < 1024
    counts = [sys.getrefcount(v) for v in (a, b, bad)]
    calls(50)
    assert [sys.getrefcount(v) for v in (a, b, bad)] == counts


def test_programs_and_units_are_dropped():
    from pytensor.link.c.driver import _units

    x = vector()
    before = len(_units)
    for i in range(30):
        make([x], [Power(2000 + i)(x)]) if i < 3 else make([x], [Power(2000)(x)])
    gc.collect()
    assert len(_units) <= before + 1


def test_deep_graph():
    x, y = vector(), vector()
    v = x
    for _ in range(5_000):
        v = add(v, y)
    program = make([x, y], [v])
    np.testing.assert_array_equal(program(np.zeros(2), np.ones(2))[0], 5_000.0)


def test_without_compiler_and_driver_python_runs(monkeypatch, caplog):
    from pytensor.link.c import driver

    x, y = vector(), vector()
    monkeypatch.setattr(driver, "_driver", None)
    monkeypatch.setattr(driver, "_shipped_driver", lambda: None)
    monkeypatch.setattr(driver, "prefetch_driver", lambda: None)
    monkeypatch.setattr("pytensor.link.c.linker.prefetch_driver", lambda: None)
    monkeypatch.setattr("pytensor.link.c.tiers.find_compiler", lambda: None)
    monkeypatch.setattr("pytensor.link.c.toolchain._compiler_for", lambda setting: None)
    monkeypatch.setattr("pytensor.utils._said", set())
    monkeypatch.setattr(driver, "_units", {})
    for _ in range(2):
        program = CLinker().make_program(FunctionGraph([x, y], [add(x, y)], clone=True))
        assert isinstance(program, PyProgram) and not isinstance(program, CProgram)
        np.testing.assert_array_equal(program(np.ones(2), np.ones(2))[0], 2.0)
    assert len([r for r in caplog.records if "runs in Python" in r.message]) == 1


def test_kernel_may_not_view_what_the_op_does_not_declare():
    class Undeclared(Op):
        __props__ = ()

        def make_node(self, x):
            return Apply(self, [x], [vector()])

    @c_funcify.register(Undeclared)
    def _undeclared(op, node=None, **kwargs):
        return CKernel("pt_view(z0, x0, 1);", views={0: 0})

    x = vector()
    with pytest.raises(ValueError, match="view_map"):
        make([x], [Undeclared()(x)])
