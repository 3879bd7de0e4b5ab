"""The C kernels of the BLAS Ops: all layouts and element types through compiled programs."""

import itertools
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[3] / "tensor" / "blas"))

from blas_layouts import (
    DTYPES,
    MATRIX_LAYOUTS,
    SHARED_LAYOUTS,
    SHARED_VECTORS,
    TOLERANCE,
    UNALIGNED,
    VECTOR_LAYOUTS,
    random,
)

from pytensor.configdefaults import config
from pytensor.graph.fg import FunctionGraph
from pytensor.link.c.dispatch.basic import c_funcify
from pytensor.link.c.linker import CLinker, CProgram
from pytensor.tensor.blas import (
    _batched_dot,
    _dot22,
    _dot22scalar,
    gemm_inplace,
    gemm_no_inplace,
    gemv_inplace,
    gemv_no_inplace,
    ger,
    ger_destructive,
    syrk,
)
from pytensor.tensor.type import tensor

pytestmark = pytest.mark.skipif(
    not any(map(shutil.which, ("cc", "gcc", "clang"))), reason="no C compiler"
)


@pytest.fixture(autouse=True)
def _spurious_flags_of_numpy():
    """NumPy's own float32 products may report invalid values that are in none of the operands.

    Its BLAS also multiplies the unused lanes of a register, which hold anything.
    """
    with np.errstate(invalid="ignore"):
        yield


MATRICES = {**MATRIX_LAYOUTS, **SHARED_LAYOUTS}
VECTORS = {**VECTOR_LAYOUTS, **SHARED_VECTORS}


def compile_ops(*applications):
    """A program of ``(op, dtype, ranks)``, each with inputs of its own."""
    inputs, outputs = [], []
    for op, dtypes, ranks in applications:
        dtypes = [dtypes] * len(ranks) if isinstance(dtypes, str) else dtypes
        own = [tensor(dtype=d, shape=(None,) * n) for d, n in zip(dtypes, ranks)]
        inputs += own
        outputs.append(op(*own))
    program = CLinker().accept(FunctionGraph(inputs, outputs, clone=False)).make_program()
    assert isinstance(program, CProgram)
    return program


@pytest.fixture(scope="module")
def programs():
    """One program per element type: gemm, gemv, ger, dot22, dot22scalar and batched products."""

    def build(dtype):
        return compile_ops(
            (gemm_no_inplace, dtype, (2, 0, 2, 2, 0)),
            (gemv_no_inplace, dtype, (1, 0, 2, 1, 0)),
            (ger, dtype, (2, 0, 1, 1)),
            (_dot22, dtype, (2, 2)),
            (_dot22scalar, dtype, (2, 2, 0)),
            (_batched_dot, dtype, (3, 3)),
        )

    return {letter: build(np.dtype(dtype).name) for letter, dtype in DTYPES.items()}


def sweep(program, letter, every):
    dtype, rng = DTYPES[letter], np.random.default_rng(ord(letter))
    tolerance = TOLERANCE[letter] * 100
    wrong = 0
    names = itertools.product(MATRICES, MATRICES, MATRICES, VECTORS)
    for left, right, accumulator, vector in itertools.islice(names, 0, None, every):
        m, k, n = rng.choice((0, 1, 2, 5, 9), 3) if rng.random() < 0.6 else (9, 7, 8)
        alpha, beta = (np.array(v, dtype) for v in rng.choice((0.0, 1.0, -0.5), 2))
        x, y = (
            MATRICES[left](random(rng, (m, k), dtype)),
            MATRICES[right](random(rng, (k, n), dtype)),
        )
        z = MATRICES[accumulator](random(rng, (m, n), dtype))
        u, v, w = (VECTORS[vector](random(rng, size, dtype)) for size in (m, k, n))
        batches = np.stack([x, x]), np.broadcast_to(y, (2, *y.shape))
        values = [z, alpha, x, y, beta, u, alpha, x, v, beta, z, alpha, u, w]
        values += [x, y, x, y, alpha, *batches]
        before = [np.array(value) for value in values]
        got = program(*values)
        product = x.copy() @ y.copy()
        expected = [
            alpha * product + beta * z,
            alpha * (x.copy() @ v.copy()) + beta * u,
            z + alpha * np.multiply.outer(u, w),
            product,
            alpha * product,
            np.stack([product, product]),
        ]
        good = all(
            a.dtype == dtype and np.allclose(a, b, rtol=tolerance, atol=tolerance)
            for a, b in zip(got, expected)
        )
        untouched = all(np.array_equal(a, b) for a, b in zip(values, before))
        wrong += not (good and untouched)
    return wrong


@pytest.mark.parametrize("letter", DTYPES)
def test_layouts(programs, letter, capfd):
    assert sweep(programs[letter], letter, 29) == 0
    assert capfd.readouterr() == ("", "")


@pytest.mark.slow
@pytest.mark.parametrize("letter", DTYPES)
def test_all_layouts(programs, letter, capfd):
    assert sweep(programs[letter], letter, 1) == 0
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("letter", DTYPES)
def test_in_place(letter):
    dtype, rng = DTYPES[letter], np.random.default_rng(7)
    name = np.dtype(dtype).name
    program = compile_ops(
        (gemm_inplace, name, (2, 0, 2, 2, 0)),
        (gemv_inplace, name, (1, 0, 2, 1, 0)),
        (ger_destructive, name, (2, 0, 1, 1)),
    )
    for layout, vector in itertools.product(MATRIX_LAYOUTS, VECTOR_LAYOUTS):
        if layout in UNALIGNED or vector in UNALIGNED:
            continue
        z, a = (MATRIX_LAYOUTS[layout](random(rng, (6, 7), dtype)) for _ in range(2))
        y = VECTOR_LAYOUTS[vector](random(rng, 6, dtype))
        p, q = random(rng, (6, 5), dtype), random(rng, (5, 7), dtype)
        u, v = random(rng, 6, dtype), random(rng, 7, dtype)
        half, two = np.array(0.5, dtype), np.array(2, dtype)
        expected = 2 * p @ q + z / 2, 2 * p @ q[:, 0] + y / 2, a + 2 * np.multiply.outer(u, v)
        values = [z, two, p, q, half, y, two, p, q[:, 0], half, a, two, u, v]
        for got, target, right in zip(program(*values), (z, y, a), expected):
            assert np.shares_memory(got, target)
            np.testing.assert_allclose(target, right, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("letter", DTYPES)
def test_scales_of_zero_leave_arrays_unread(programs, letter):
    dtype = DTYPES[letter]
    bad, eye = np.full((9, 9), np.nan, dtype), np.eye(9, dtype=dtype)
    zero, one = np.zeros((), dtype), np.ones((), dtype)
    for _ in range(3):  # the memory of earlier results comes back
        got = programs[letter](
            *(bad, one, eye, eye, zero, bad[0], one, eye, eye[1], zero, eye, zero, bad[0], bad[0]),
            *(eye, eye, bad, bad, zero, eye[None], eye[None]),
        )
        for value, expected in zip(got, (eye, eye[1], eye, eye, 0 * eye, eye[None])):
            np.testing.assert_array_equal(value, expected)
            value[...] = np.nan


def test_accumulator_broadcasts():
    program = compile_ops((gemm_no_inplace, "float64", (2, 0, 2, 2, 0)))
    one, x, y = np.ones(()), np.ones((9, 4)), np.ones((4, 8))
    for shape in ((1, 8), (9, 1), (1, 1)):
        z = np.arange(float(np.prod(shape))).reshape(shape)
        np.testing.assert_array_equal(program(z, one, x, y, one)[0], 4 + np.broadcast_to(z, (9, 8)))


def test_scales_of_another_dtype():
    for dtype, value in (
        ("float64", 0.5),
        ("float32", 0.5),
        ("int8", 2),
        ("bool", True),
        ("uint64", 3),
    ):
        program = compile_ops(
            (gemv_no_inplace, ["float32", dtype, "float32", "float32", dtype], (1, 0, 2, 1, 0))
        )
        scale = np.array(value, dtype)
        y = program(np.ones(2, "f4"), scale, np.ones((2, 3), "f4"), np.ones(3, "f4"), scale)[0]
        assert y.dtype == "float32"
        np.testing.assert_array_equal(y, np.float32(4 * value))


@pytest.mark.parametrize(
    "op, shapes, text",
    [
        (
            gemm_no_inplace,
            ((3, 4), (), (3, 5), (6, 4), ()),
            "[Gemm] x and y must agree on the inner dimension (shapes not aligned), "
            "got x (3, 5) and y (6, 4)",
        ),
        (
            gemm_no_inplace,
            ((2, 4), (), (3, 5), (5, 4), ()),
            "[Gemm] z must have the shape of the product or lengths of 1 (shapes not aligned), "
            "got z (2, 4) for the product's (3, 4)",
        ),
        (
            gemm_inplace,
            ((1, 4), (), (3, 5), (5, 4), ()),
            "[Gemm] z must have the shape of the product (shapes not aligned), got z (1, 4)",
        ),
        (_dot22, ((3, 5), (6, 4)), "[Dot22] x and y must agree on the inner dimension"),
        (_dot22scalar, ((3, 5), (6, 4), ()), "[Dot22Scalar] x and y must agree on the inner"),
        (
            gemv_no_inplace,
            ((3,), (), (3, 4), (5,), ()),
            "[Gemv] A and x must agree on the inner dimension (shapes not aligned), "
            "got A (3, 4) and x (5,)",
        ),
        (gemv_inplace, ((1,), (), (3, 4), (4,), ()), "[Gemv] y must have the shape of the product"),
        (
            ger,
            ((3, 4), (), (3,), (5,)),
            "[Ger] A and y must agree on the number of columns (shapes not aligned), "
            "got A (3, 4) and y (5,)",
        ),
        (
            _batched_dot,
            ((1, 3, 4), (2, 4, 5)),
            "[BatchedDot] x and y must agree on the batch length (shapes not aligned), "
            "got x (1, 3, 4) and y (2, 4, 5)",
        ),
        (_batched_dot, ((2, 3, 4), (2, 5, 4)), "[BatchedDot] x and y must agree on the inner"),
        (syrk, ((3, 4), (), (3, 5), ()), "[Syrk] z must have the shape of the product (shapes"),
    ],
)
def test_disagreeing_lengths(op, shapes, text):
    program = compile_ops((op, "float64", tuple(map(len, shapes))))
    values = [np.ones(shape) for shape in shapes]
    for _ in range(2):
        with pytest.raises(ValueError, match=re.escape(text)):
            program(*values)


def test_no_kernel_for_other_dtypes():
    for op, dtype, ranks in (
        (_dot22, "float16", (2, 2)),
        (_batched_dot, "float16", (3, 3)),
        (gemv_no_inplace, "int64", (1, 0, 2, 1, 0)),
    ):
        node = op.make_node(*[tensor(dtype=dtype, shape=(None,) * n) for n in ranks])
        assert c_funcify(op, node=node) is None
        values = [np.full((2,) * n, 2, dtype) for n in ranks]
        got = compile_ops((op, dtype, ranks))(*values)[0]
        assert got.dtype == dtype
        assert np.all(got == (8 if op is not gemv_no_inplace else 20))


def test_a_kernel_is_one_call():
    for op, ranks in (
        (gemm_inplace, (2, 0, 2, 2, 0)),
        (gemv_no_inplace, (1, 0, 2, 1, 0)),
        (ger, (2, 0, 1, 1)),
    ):
        node = op.make_node(*[tensor(dtype="float64", shape=(None,) * n) for n in ranks])
        body = c_funcify(op, node=node).body
        assert body.count(";") == 1
        assert body.startswith("return ")


def test_threads_share_a_program(programs):
    rng = np.random.default_rng(8)
    eye, one, bad = np.eye(20), np.ones(()), []

    def work(seed):
        x = np.random.default_rng(seed).normal(size=(20, 40))[:, ::2]
        for _ in range(200):
            got = programs["d"](
                *(eye, one, x, x, one, x[0], one, x, x[1], one, x, one, x[0], x[1]),
                *(x, x, x, x, one, x[None], x[None]),
            )
            if not np.allclose(got[0], x @ x + eye) or not np.allclose(got[5][0], x @ x):
                bad.append(seed)

    threads = [threading.Thread(target=work, args=(int(s),)) for s in rng.integers(0, 99, 6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not bad


def test_linked_library_with_other_integers_that_multiplies_old_output(tmp_path):
    import blas_helpers

    command = ["gcc", "-w", "-shared", "-fPIC", "-DBLAS_INT64", "-DMULTIPLIES_BY_ZERO"]
    command += [f"-I{blas_helpers.C_CODE}", f"-I{blas_helpers.HERE}"]
    source = str(blas_helpers.HERE / "mock_blas.c")
    subprocess.run([*command, source, "-o", str(tmp_path / "libmockwide.so")], check=True)
    with config.change_flags(blas__ldflags=f"-L{tmp_path} -lmockwide"):
        program = compile_ops(
            (_dot22, "float64", (2, 2)), (gemm_no_inplace, "float32", (2, 0, 2, 2, 0))
        )
    assert "BLAS_ZERO_FIRST" in program.source
    x = np.random.default_rng(9).normal(size=(12, 12))
    x32, one = x.astype("f4"), np.ones((), "f4")
    for _ in range(3):
        d, s = program(x, x, np.full((12, 12), np.nan, "f4"), one, x32, x32, 0 * one)
        np.testing.assert_allclose(d, x @ x)
        np.testing.assert_allclose(s, x32 @ x32, rtol=1e-4, atol=1e-5)
        d[...] = s[...] = np.nan


@pytest.mark.parametrize("n", [3, 12])
def test_dying_accumulator_that_is_also_an_operand(n):
    a, b = (tensor(dtype="float64", shape=(None, None)) for _ in range(2))
    one = np.ones(())
    outputs = []
    for make in (
        lambda t: gemm_no_inplace(t, one, t, t, one),
        lambda t: gemm_no_inplace(t, one, t.T, t[::-1], one),
        lambda t: gemv_no_inplace(t[0], one, t, t[0], one),
        lambda t: ger(t, one, t[0], t[:, 1]),
    ):
        t = _dot22(a, b)
        outputs.append(make(t))
    program = CLinker().accept(FunctionGraph([a, b], outputs, clone=False)).make_program()
    rng = np.random.default_rng(10)
    x, y = rng.normal(size=(n, 5)), rng.normal(size=(5, n))
    t = x @ y
    expected = t @ t + t, t.T @ t[::-1] + t, t @ t[0] + t[0], t + np.multiply.outer(t[0], t[:, 1])
    for _ in range(2):
        for got, right in zip(program(x, y), expected):
            np.testing.assert_allclose(got, right, rtol=1e-10)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads /proc")
def test_no_leak_in_calls_and_errors(programs):
    x, one = np.ones((40, 40))[::2, ::2], np.ones(())
    good = [x, one, x, x, one, x[0], one, x, x[0], one, x, one, x[0], x[0]]
    good += [x, x, x, x, one, x[None], x[None]]
    bad = [*good[:3], x[:3], *good[4:]]

    def resident():
        return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6

    def fail():
        with pytest.raises(ValueError):
            programs["d"](*bad)

    for call in (lambda: programs["d"](*good), fail):
        for _ in range(2000):
            call()
        before = resident()
        for _ in range(20_000):
            call()
        assert resident() - before < 1
