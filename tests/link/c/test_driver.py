"""The driver with programs written by hand: no graph needed."""

import gc
import sys
import threading
import weakref
from pathlib import Path

import numpy as np
import pytest

from pytensor.link.c.driver import get_driver, load_unit
from pytensor.link.c.source import build_unit
from pytensor.link.c.toolchain import CompileError, find_compiler

pytestmark = pytest.mark.skipif(find_compiler() is None, reason="no C compiler")

F64 = np.dtype("float64").num
NONE, BUFFER, NUMPY = 0, 1, 2

TEXT = r"""
static int k0(pt_ctx *ctx, pt_array *const *a, const void *program) /* z = x * y + 1 */
{
    const pt_array *x = a[0], *y = a[1];
    pt_array *z = a[2];
    if (x->shape[0] != y->shape[0])
        return pt_fail(ctx, PT_VALUE_ERROR, "[Mul] lengths must agree, got %d and %d",
                       (int)x->shape[0], (int)y->shape[0]);
    z->shape[0] = x->shape[0];
    int status = pt_alloc(ctx, z, 1, 8);
    if (status)
        return status;
    pt_heavy(ctx, (double)x->shape[0]);
    for (int64_t i = 0; i < x->shape[0]; i++)
        ((double *)z->data)[i] = *(double *)(x->data + i * x->strides[0]) *
                                 *(double *)(y->data + i * y->strides[0]) + 1.0;
    return PT_OK;
}
static int k1(pt_ctx *ctx, pt_array *const *a, const void *program) /* destroys x */
{
    (void)ctx;
    for (int64_t i = 0; i < a[0]->shape[0]; i++)
        *(double *)(a[0]->data + i * a[0]->strides[0]) += 1.0;
    pt_view(a[1], a[0], 1);
    return PT_OK;
}
static int k2(pt_ctx *ctx, pt_array *const *a, const void *program) /* fails with the kind in x */
{
    return pt_fail(ctx, (int)*(double *)a[0]->data, "kind %s", "%s %n");
}
static int k3(pt_ctx *ctx, pt_array *const *a, const void *program) /* z = x reversed, a view */
{
    (void)ctx;
    a[1]->shape[0] = a[0]->shape[0];
    a[1]->strides[0] = -a[0]->strides[0];
    a[1]->data = a[0]->data + (a[0]->shape[0] - 1) * a[0]->strides[0];
    return PT_OK;
}
static int k4(pt_ctx *ctx, pt_array *const *a, const void *program) /* scratch: growing blocks stay valid */
{
    char *block[20];
    for (int i = 0; i < 20; i++) {
        block[i] = pt_scratch(ctx, 1000 << (i % 10));
        memset(block[i], i, (size_t)(1000 << (i % 10)));
    }
    for (int i = 0; i < 20; i++)
        for (int j = 0; j < 1000 << (i % 10); j++)
            if (block[i][j] != i)
                return pt_fail(ctx, PT_RUNTIME_ERROR, "scratch overlaps");
    pt_view(a[1], a[0], 1);
    return PT_OK;
}
PT_EXPORT extern pt_kernel *const pt_kernels[];
PT_EXPORT extern const int32_t pt_kernel_count;
pt_kernel *const pt_kernels[] = {k0, k1, k2, k3, k4};
const int32_t pt_kernel_count = 5;
"""


def int32(*values):
    return np.array(values, dtype="int32").tobytes()


def slot(number, memory=NONE, parent=None, flags=0, buffer=-1, reuse=-1, type_num=F64, ndim=1):
    parent = number if parent is None else parent
    return (memory, type_num, ndim, 8, parent, buffer, reuse, flags)


@pytest.fixture(scope="module")
def unit():
    return load_unit(build_unit([], TEXT))


def program(unit, slots, steps, args, outputs, n_inputs, **more):
    given = {
        "libraries": (unit.capsule,),
        "slots": int32(*(v for s in slots for v in s)),
        "steps": int32(*(v for s in steps for v in (*s, -1)[:6])),
        "args": int32(*args),
        "blocks": int32(0, len(steps)),
        "outputs": int32(*outputs),
        "static_shape": np.full(n_inputs, -1, dtype="int64").tobytes(),
        "constants": b"",
        "constant_values": (),
        "filters": (None,) * n_inputs,
        "calls": (),
        "handler": None,
        "tables": (None, None, None),
        "n_buffers": 0,
        "data": (),
    }
    return get_driver().Program(**(given | more))


@pytest.fixture
def multiply(unit):
    return program(unit, [slot(0), slot(1), slot(2, NUMPY)], [(0, 0, 0, 2, 1)], (0, 1, 2), [2], 2)


def test_values_and_layouts(multiply):
    x, y = np.arange(5.0), np.arange(10.0)[::-2]
    np.testing.assert_array_equal(multiply(x, y)[0], x * y + 1)
    big = np.arange(5.0).astype(">f8")
    odd = np.frombuffer(b"\0" + x.tobytes(), dtype="u1")[1:].view("f8")
    assert not odd.flags.aligned
    for value in (big, odd):
        np.testing.assert_array_equal(multiply(value, y)[0], x * y + 1)


def test_outputs_are_fresh_arrays(multiply):
    x = np.ones(3)
    a, b = multiply(x, x)[0], multiply(x, x)[0]
    assert a.flags.owndata and a.flags.writeable
    assert not np.may_share_memory(a, b)
    assert not np.may_share_memory(a, x)


def test_large_outputs_reuse_dead_memory_only(multiply):
    x = np.ones(100_000)
    kept = [multiply(x, x * i)[0] for i in range(5)]
    for i, value in enumerate(kept):
        np.testing.assert_array_equal(value, i + 1.0)
    address = multiply(x, x)[0].ctypes.data
    again = multiply(x, x)[0]
    assert again.ctypes.data == address


def test_errors_become_exceptions(multiply, unit):
    with pytest.raises(ValueError, match=r"\[Mul\] lengths must agree, got 2 and 3"):
        multiply(np.ones(2), np.ones(3))
    with pytest.raises(TypeError, match="takes 2 values"):
        multiply(np.ones(2))
    with pytest.raises(TypeError, match="dtype"):
        multiply(np.ones(2), np.ones(2, dtype=int))
    with pytest.raises(TypeError, match="dimensions"):
        multiply(np.ones(2), np.ones((2, 2)))
    fail = program(unit, [slot(0), slot(1, NUMPY)], [(0, 2, 0, 1, 1)], (0, 1), [1], 1)
    classes = [
        ValueError, TypeError, IndexError, ZeroDivisionError, OverflowError, MemoryError,
        np.linalg.LinAlgError, NotImplementedError, RuntimeError, AssertionError,
    ]  # fmt: skip
    for kind, cls in enumerate(classes, 1):
        with pytest.raises(cls, match="kind %s %n"):
            fail(np.array([float(kind)]))
    np.testing.assert_array_equal(multiply(np.ones(2), np.ones(2))[0], 2.0)


def test_handler_learns_step_and_inputs(unit):
    seen = []

    def handler(step, error, inputs, iteration):
        seen.append((step, type(error), [v.shape for v in inputs], iteration))
        raise KeyError("replaced") from error

    p = program(
        unit, [slot(0), slot(1), slot(2, NUMPY)], [(0, 0, 0, 2, 1)], (0, 1, 2), [2], 2,
        handler=handler,
    )  # fmt: skip
    with pytest.raises(KeyError):
        p(np.ones(2), np.ones(3))
    assert seen == [(0, ValueError, [(2,), (3,)], -1)]


def test_view_of_input_keeps_it_alive(unit):
    p = program(unit, [slot(0), slot(1, parent=0)], [(0, 3, 0, 1, 1)], (0, 1), [1], 1)
    x = np.arange(4.0)
    [view] = p(x)
    assert view.base is x
    count = sys.getrefcount(x)
    np.testing.assert_array_equal(view, x[::-1])
    del view
    assert sys.getrefcount(x) == count - 1


def test_view_of_read_only_is_read_only(unit):
    p = program(unit, [slot(0), slot(1, parent=0)], [(0, 3, 0, 1, 1)], (0, 1), [1], 1)
    x = np.arange(4.0)
    x.flags.writeable = False
    assert not p(x)[0].flags.writeable


@pytest.fixture
def destroy(unit):
    slots = [slot(0, flags=1), slot(1), slot(2, parent=0)]
    return program(unit, slots, [(0, 1, 0, 1, 1)], (0, 2), [2], 2)


def test_destroyed_input_is_returned_itself(destroy):
    x = np.zeros(3)
    assert destroy(x, np.ones(1))[0] is x
    np.testing.assert_array_equal(x, 1.0)


def test_destroyed_input_is_copied_when_it_must_survive(destroy):
    frozen = np.zeros(3)
    frozen.flags.writeable = False
    broadcast = np.lib.stride_tricks.as_strided(np.zeros(1), (3,), (0,))
    windows = np.lib.stride_tricks.as_strided(np.zeros(4), (3,), (4,))
    for x in (frozen, broadcast, windows):
        before = x.copy()
        np.testing.assert_array_equal(destroy(x, np.ones(1))[0], before + 1)
        np.testing.assert_array_equal(x, before)
    base = np.zeros(4)
    np.testing.assert_array_equal(destroy(base[:3], base[2:])[0], 1.0)
    np.testing.assert_array_equal(base, 0.0)


def test_scratch(unit):
    p = program(unit, [slot(0), slot(1, parent=0)], [(0, 4, 0, 1, 1)], (0, 1), [1], 1)
    for _ in range(3):
        p(np.ones(2))


def test_python_steps(unit):
    """Objects and arrays pass through Python; what does not fit is refused."""
    calls = []

    def call(x, text):
        calls.append(text)
        return x * 2, text + "!"

    slots = [slot(0), slot(1, type_num=-1, ndim=0), slot(2), slot(3, type_num=-1, ndim=0)]
    p = program(unit, slots, [(1, 0, 0, 2, 2)], (0, 1, 2, 3), [2, 3], 2, calls=(call,))
    out, text = p(np.ones(2), "a")
    np.testing.assert_array_equal(out, 2.0)
    assert text == "a!"
    for wrong in (lambda x, t: (x.astype("f4"), t), lambda x, t: ("no", t)):
        bad = program(unit, slots, [(1, 0, 0, 2, 2)], (0, 1, 2, 3), [2, 3], 2, calls=(wrong,))
        with pytest.raises(TypeError):
            bad(np.ones(2), "a")


def test_threads_share_a_program(multiply):
    wrong = []

    def work(i):
        x = np.full(100 if i % 2 else 100_000, float(i))
        for _ in range(200 if i % 2 else 20):
            if not (multiply(x, x)[0] == i * i + 1).all():
                wrong.append(i)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(6)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert not wrong


def test_reentrant_call(unit):
    """A step in Python may call the very program it belongs to."""
    holder = []

    def call(x):
        return (holder[0](x - 1)[0] + 1 if x[0] > 0 else x,)

    p = program(unit, [slot(0), slot(1)], [(1, 0, 0, 1, 1)], (0, 1), [1], 1, calls=(call,))
    holder.append(p)
    np.testing.assert_array_equal(p(np.array([3.0]))[0], [3.0])
    holder.clear()


def test_no_references_leak(multiply):
    x, y, bad = np.ones(3), np.ones(3), np.ones(4)
    for _ in range(10):
        multiply(x, y)
    counts = [sys.getrefcount(v) for v in (x, y, bad, multiply)]
    for _ in range(100):
        multiply(x, y)
        with pytest.raises(ValueError):
            multiply(x, bad)
        with pytest.raises(TypeError):
            multiply(x, "text")
    assert [sys.getrefcount(v) for v in (x, y, bad, multiply)] == counts


def test_programs_are_collected(unit):
    def call(x):
        return (x,)

    p = program(unit, [slot(0), slot(1)], [(1, 0, 0, 1, 1)], (0, 1), [1], 1, calls=(call,))
    call.cycle = p
    reference = weakref.ref(p)
    del p, call
    gc.collect()
    assert reference() is None


def test_bad_tables_are_refused(unit):
    with pytest.raises(ValueError, match="steps"):
        program(unit, [slot(0), slot(1, NUMPY)], [(0, 99, 0, 1, 1)], (0, 1), [1], 1)
    with pytest.raises(ValueError, match="steps"):
        program(unit, [slot(0), slot(1, NUMPY)], [(0, 0, 0, 2, 9)], (0, 1), [1], 1)
    with pytest.raises(ValueError, match="tables"):
        program(unit, [slot(0), slot(1, NUMPY)], [(0, 0, 0, 1, 1)], (0, 7), [1], 1)


def test_unit_without_kernels_does_not_load():
    with pytest.raises(CompileError, match="does not load"):
        load_unit("int nothing;\n")


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="no /proc")
def test_library_that_is_refused_is_closed(tmp_path):
    built = find_compiler().compile("int nothing;\n", tmp_path)
    path = tmp_path / "refused-näme.so"
    path.write_bytes(built)
    with pytest.raises(OSError, match="cannot load"):
        get_driver().load(path)
    assert "refused-n" not in Path("/proc/self/maps").read_text()
    with pytest.raises(TypeError):
        get_driver().load(3)
