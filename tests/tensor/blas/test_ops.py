"""The BLAS Ops: checks, static shapes, values in Python, derivatives, batches, aliasing."""

import itertools

import numpy as np
import pytest
from blas_layouts import DTYPES, TOLERANCE, random

import pytensor.tensor as pt
from pytensor.graph.basic import Constant
from pytensor.graph.fg import FunctionGraph
from pytensor.graph.replace import vectorize_graph
from pytensor.graph.utils import InconsistencyError
from pytensor.tensor import blas
from pytensor.tensor.blas import (
    Dot22,
    Dot22Scalar,
    Gemm,
    Gemv,
    Ger,
    _batched_dot,
    _dot22,
    _dot22scalar,
    batched_dot,
    batched_tensordot,
    gemm_inplace,
    gemm_no_inplace,
    gemv_inplace,
    gemv_no_inplace,
    ger,
    ger_destructive,
)
from pytensor.tensor.type import tensor

nan = np.nan


def perform(op, *values):
    """The value of an Op, computed by `perform`; asserts that inputs aren't touched."""
    inputs = [tensor(dtype=np.asarray(v).dtype.name, shape=(None,) * np.ndim(v)) for v in values]
    node = op.make_node(*inputs)
    before = [np.array(v) for v in values]
    cells = [[None]]
    op.perform(node, [np.asarray(v) for v in values], cells)
    destroyed = op.destroy_map.get(0, [])
    for i, (value, old) in enumerate(zip(values, before)):
        if i not in destroyed:
            np.testing.assert_array_equal(value, old)
    (result,) = cells[0]
    assert result.dtype.name == node.outputs[0].type.dtype
    assert result.ndim == node.outputs[0].type.ndim
    if destroyed:
        assert result is values[destroyed[0]]
    return result


def variables(*ndims, dtype="float64"):
    return [tensor(dtype=dtype, shape=(None,) * n) for n in ndims]


# -- values --------------------------------------------------------------------------------

CASES = {
    "gemm": (
        gemm_no_inplace,
        ((3, 5), (), (3, 4), (4, 5), ()),
        lambda z, a, x, y, b: b * z + a * (x @ y),
    ),
    "gemm in place": (
        gemm_inplace,
        ((3, 5), (), (3, 4), (4, 5), ()),
        lambda z, a, x, y, b: b * z + a * (x @ y),
    ),
    "dot22": (_dot22, ((3, 4), (4, 5)), lambda x, y: x @ y),
    "dot22scalar": (_dot22scalar, ((3, 4), (4, 5), ()), lambda x, y, a: a * (x @ y)),
    "gemv": (
        gemv_no_inplace,
        ((3,), (), (3, 4), (4,), ()),
        lambda y, a, A, x, b: b * y + a * (A @ x),
    ),
    "gemv in place": (
        gemv_inplace,
        ((3,), (), (3, 4), (4,), ()),
        lambda y, a, A, x, b: b * y + a * (A @ x),
    ),
    "ger": (ger, ((3, 4), (), (3,), (4,)), lambda A, a, x, y: A + a * np.multiply.outer(x, y)),
    "ger in place": (
        ger_destructive,
        ((3, 4), (), (3,), (4,)),
        lambda A, a, x, y: A + a * np.multiply.outer(x, y),
    ),
    "batched": (_batched_dot, ((2, 3, 4), (2, 4, 5)), np.matmul),
}
PURE = {name: case for name, case in CASES.items() if "in place" not in name}


@pytest.mark.parametrize("letter", [*DTYPES, "e"])
@pytest.mark.parametrize("case", CASES)
def test_values(case, letter):
    op, shapes, expression = CASES[case]
    rng = np.random.default_rng(1)
    dtype, tolerance = (
        (np.float16, 2e-2) if letter == "e" else (DTYPES[letter], TOLERANCE[letter] * 10)
    )
    values = [random(rng, shape, dtype) for shape in shapes]
    expected = expression(
        *[np.array(v, np.complex128 if letter in "cz" else float) for v in values]
    )
    np.testing.assert_allclose(perform(op, *values), expected, rtol=tolerance, atol=tolerance)


def test_scales_of_zero_leave_arrays_unread():
    bad, zero, one = np.full((3, 3), nan), np.zeros(()), np.ones(())
    good = np.eye(3)
    for op in (gemm_no_inplace, gemm_inplace):
        np.testing.assert_array_equal(perform(op, bad.copy(), one, good, good, zero), good)
        np.testing.assert_array_equal(perform(op, good.copy(), zero, bad, bad, one), good)
    for op in (gemv_no_inplace, gemv_inplace):
        np.testing.assert_array_equal(perform(op, bad[0].copy(), one, good, good[1], zero), good[1])
        np.testing.assert_array_equal(perform(op, good[1].copy(), zero, bad, bad[0], one), good[1])
    for op in (ger, ger_destructive):
        np.testing.assert_array_equal(perform(op, good.copy(), zero, bad[0], bad[0]), good)
    np.testing.assert_array_equal(perform(_dot22scalar, bad, bad, zero), 0 * good)


def test_empty_axes():
    one, half = np.ones(()), np.array(0.5)
    for m, k, n in itertools.product((0, 2), repeat=3):
        z = np.ones((m, n))
        product = np.zeros((m, n)) + k
        np.testing.assert_array_equal(
            perform(gemm_no_inplace, z, one, np.ones((m, k)), np.ones((k, n)), half), product + 0.5
        )
        np.testing.assert_array_equal(perform(_dot22, np.ones((m, k)), np.ones((k, n))), product)
        y = perform(gemv_no_inplace, np.ones(m), one, np.ones((m, k)), np.ones(k), half)
        np.testing.assert_array_equal(y, np.full(m, k + 0.5))
        batch = perform(_batched_dot, np.ones((n, m, k)), np.ones((n, k, m)))
        np.testing.assert_array_equal(batch, np.full((n, m, m), float(k)))


def test_length_one_axes_of_the_accumulator_broadcast():
    rng = np.random.default_rng(2)
    x, y, one = rng.normal(size=(3, 4)), rng.normal(size=(4, 5)), np.ones(())
    for shape in ((1, 5), (3, 1), (1, 1)):
        z = rng.normal(size=shape)
        np.testing.assert_allclose(perform(gemm_no_inplace, z, one, x, y, one), z + x @ y)
        with pytest.raises(ValueError, match="aligned"):
            perform(gemm_inplace, z, one, x, y, one)


def test_integers_in_gemv_and_batches_are_exact():
    big = np.full((1, 2), 2**40 + 1)
    y = perform(gemv_no_inplace, np.ones(1, int), np.array(3), big, np.array([3, 5]), np.array(2))
    assert y.tolist() == [3 * 8 * (2**40 + 1) + 2]
    assert perform(_batched_dot, big[None], big.T[None]).item() == 2 * (2**40 + 1) ** 2 % 2**64


# -- checks --------------------------------------------------------------------------------


def test_ranks_and_dtypes_are_checked():
    m, v, s, b = variables(2, 1, 0, 3)
    m32, v32, s32 = variables(2, 1, 0, dtype="float32")
    (mi,) = variables(2, dtype="int64")
    for args, message in [
        ((m, s, m, v, s), r"\[Gemm\] y must be a matrix, got Vector\(float64, shape=\(\?,\)\)"),
        ((v, s, m, m, s), Gemm.E_rank),
        ((m, v, m, m, s), Gemm.E_scalar),
        ((m, s, m, m, m), r"\[Gemm\] beta must be a scalar"),
        ((m, s, m, m32, s), Gemm.E_mixed),
        ((m32, s, m32, m32, s32), Gemm.E_mixed),
        ((mi, 1, mi, mi, 0), Gemm.E_float),
        ((m, 1j, m, m, s), "must be real"),
        ((m, s, m), "z, alpha, x, y, beta"),
    ]:
        with pytest.raises(TypeError, match=message):
            gemm_no_inplace(*args)
    for op, args, message in [
        (_dot22, (m, v), r"\[Dot22\] y must be a matrix"),
        (_dot22, (m, m32), "one dtype"),
        (_dot22, (mi, mi), "floating"),
        (_dot22scalar, (m, m, v), r"\[Dot22Scalar\] alpha must be a scalar"),
        (_dot22scalar, (m32, m32, s), "one dtype"),
        (gemv_no_inplace, (v, s, v, v, s), r"\[Gemv\] A must be a matrix"),
        (gemv_no_inplace, (m, s, m, v, s), r"\[Gemv\] y must be a vector"),
        (gemv_no_inplace, (v, s, m, m, s), r"\[Gemv\] x must be a vector"),
        (gemv_no_inplace, (v, v, m, v, s), r"\[Gemv\] alpha must be a scalar"),
        (gemv_no_inplace, (v, s, m, v, v), r"\[Gemv\] beta must be a scalar"),
        (gemv_no_inplace, (v32, s, m, v, s), r"\[Gemv\] operands must have one dtype"),
        (ger, (v, s, v, v), r"\[Ger\] A must be a matrix"),
        (ger, (m, v, v, v), r"\[Ger\] alpha must be a scalar"),
        (ger, (m, s, m, v), r"\[Ger\] x must be a vector"),
        (ger, (m32, s, v32, v32), r"\[Ger\] operands must have one dtype"),
        (_batched_dot, (m, b), r"\[BatchedDot\] .* 3 axes"),
    ]:
        with pytest.raises(TypeError, match=message):
            op(*args)


def test_python_numbers_take_the_operands_dtype():
    for dtype in (np.dtype(t).name for t in DTYPES.values()):
        m, v, a = variables(2, 1, 2, dtype=dtype)
        assert gemm_no_inplace(a, 1.0, m, m, 2).owner.inputs[4].type.dtype == dtype
        assert _dot22scalar(m, m, 0.5).type.dtype == dtype
        assert ger(m, 1, v, v).type.dtype == dtype
    m, v = variables(2, 1, dtype="float32")
    (wide,) = variables(0)
    assert gemv_no_inplace(v, wide, m, v, 1.0).type.dtype == "float32"


def test_static_shapes():
    def known(*shape):
        return tensor(dtype="float64", shape=shape)

    x, y, z = known(4, 5), known(5, 3), known(None, 3)
    assert gemm_no_inplace(z, 1.0, x, y, 0.0).type.shape == (4, 3)
    assert gemm_no_inplace(known(1, 3), 1.0, x, y, 0.0).type.shape == (4, 3)
    assert _dot22(x, y).type.shape == (4, 3)
    assert gemv_no_inplace(known(None), 1.0, x, known(5), 0.0).type.shape == (4,)
    assert ger(known(4, None), 1.0, known(None), known(7)).type.shape == (4, 7)
    assert _batched_dot(known(None, 4, 5), known(2, 5, 3)).type.shape == (2, 4, 3)
    for make in (
        lambda: gemm_no_inplace(z, 1.0, x, x, 0.0),
        lambda: gemm_no_inplace(known(2, 3), 1.0, x, y, 0.0),
        lambda: _dot22(x, x),
        lambda: _dot22scalar(x, x, 1.0),
        lambda: gemv_no_inplace(known(4), 1.0, x, known(4), 0.0),
        lambda: gemv_no_inplace(known(3), 1.0, x, known(5), 0.0),
        lambda: ger(known(4, 5), 1.0, known(5), known(5)),
        lambda: _batched_dot(known(1, 4, 5), known(2, 5, 3)),
        lambda: _batched_dot(known(2, 4, 5), known(2, 4, 3)),
    ):
        with pytest.raises(ValueError, match="aligned"):
            make()


@pytest.mark.parametrize("case", CASES)
def test_lengths_are_checked_when_run(case):
    op, shapes, _ = CASES[case]
    # The rows of x and the columns of y are free where there is no accumulator.
    free = {"dot22": ((0, 0), (1, 1)), "batched": ((0, 1), (1, 2))}.get(
        case.removesuffix("scalar"), ()
    )
    for i, shape in enumerate(shapes):
        for axis in range(len(shape)):
            if (i, axis) in free:
                continue
            wrong = [list(s) for s in shapes]
            wrong[i][axis] += 2
            with pytest.raises(ValueError, match="aligned.*got .*[(]"):
                perform(op, *[np.ones(s) for s in wrong])
    if case == "batched":
        with pytest.raises(ValueError, match="aligned"):
            perform(op, np.ones((1, 3, 4)), np.ones((2, 4, 5)))


def test_inplace_forms():
    m, v, s = variables(2, 1, 0)
    for op, plain, args in [
        (gemm_inplace, gemm_no_inplace, (m, s, m, m, s)),
        (gemv_inplace, gemv_no_inplace, (v, s, m, v, s)),
        (ger_destructive, ger, (m, s, m[0], v)),
    ]:
        assert op.destroy_map == {0: [0]}
        assert plain.destroy_map == {}
        assert plain.inplace_on_inputs([0]) == op
        assert plain.inplace_on_inputs([1]) == plain
        assert op != plain
        with pytest.raises(InconsistencyError, match=Gemm.E_z_uniq):
            op(*args)
        plain(*args)
    with pytest.raises(InconsistencyError, match=Gemm.E_z_uniq):
        gemm_inplace(m, 1.0, m.T, variables(2)[0], 0.0)
    assert type(gemm_inplace)(**gemm_inplace._props_dict()) == gemm_inplace
    assert Ger(**ger_destructive._props_dict()) == ger_destructive == Ger(inplace=True)
    assert str(gemm_inplace) == "Gemm{inplace}"
    assert str(gemv_no_inplace) == "Gemv{no_inplace}"
    assert str(ger) == "Ger{non-destructive}"


def test_names():
    from pytensor.tensor.blas.blas_c import CGemv, CGer, must_initialize_y_gemv

    assert CGemv is Gemv
    assert CGer is Ger
    assert must_initialize_y_gemv() is False
    assert blas.gemm == gemm_no_inplace
    assert blas.gemv == gemv_no_inplace
    assert "dgemm" in blas.blas_header_text() or "gemm_fn" in blas.blas_header_text()
    assert isinstance(_dot22, Dot22)
    assert isinstance(_dot22scalar, Dot22Scalar)


# -- shapes --------------------------------------------------------------------------------


@pytest.mark.parametrize("case", PURE)
def test_infer_shape_asks_the_inputs_only(case):
    op, shapes, expression = PURE[case]
    inputs = variables(*map(len, shapes))
    node = op.make_node(*inputs)
    (shape,) = op.infer_shape(FunctionGraph(inputs, node.outputs, clone=False), node, shapes)
    assert tuple(shape) == expression(*[np.ones(s) for s in shapes]).shape


# -- derivatives and batches ------------------------------------------------------------------


def evaluate(outputs, values):
    """Values of expressions by `perform`, without rewriting."""
    known = {}

    def value(var):
        if isinstance(var, Constant):
            return var.data
        if var in values:
            return values[var]
        if var not in known:
            cells = [[None] for _ in var.owner.outputs]
            var.owner.op.perform(var.owner, [value(v) for v in var.owner.inputs], cells)
            known.update(zip(var.owner.outputs, [cell[0] for cell in cells]))
        return known[var]

    return [value(var) for var in outputs]


def difference(expression, values, directions, step=1e-6):
    plus = expression(*[v + step * d for v, d in zip(values, directions)])
    minus = expression(*[v - step * d for v, d in zip(values, directions)])
    return (plus - minus) / (2 * step)


@pytest.mark.parametrize("case", PURE)
def test_derivatives_agree_with_differences(case):
    op, shapes, expression = PURE[case]
    rng = np.random.default_rng(3)
    values, directions = ([rng.normal(size=s) for s in shapes] for _ in range(2))
    inputs, dots = variables(*map(len, shapes)), variables(*map(len, shapes))
    out = op(*inputs)
    expected = difference(expression, values, directions)
    (pushed,) = op.pushforward(inputs, [out], dots)
    feed = dict(zip([*inputs, *dots], [*values, *directions]))
    np.testing.assert_allclose(evaluate([pushed], feed)[0], expected, rtol=1e-6, atol=1e-8)
    bar = rng.normal(size=expected.shape)
    (g,) = variables(bar.ndim)
    pulled = op.pullback(inputs, [out], [g])
    grads = evaluate(pulled, {**feed, g: bar})
    assert [grad.shape for grad in grads] == [v.shape for v in values]
    # <bar, J d> = <J^T bar, d>
    total = sum(np.sum(grad * d) for grad, d in zip(grads, directions))
    np.testing.assert_allclose(total, np.sum(bar * expected), rtol=1e-6)
    for i, grad in enumerate(grads):
        only = [d * (i == j) for j, d in enumerate(directions)]
        np.testing.assert_allclose(
            np.sum(grad * only[i]),
            np.sum(bar * difference(expression, values, only)),
            rtol=1e-5,
            atol=1e-7,
        )


def test_derivative_of_a_broadcast_accumulator():
    z, x, y, g = (tensor(dtype="float64", shape=s) for s in ((1, 5), (3, 4), (4, 5), (3, 5)))
    out = gemm_no_inplace(z, 1.0, x, y, 2.0)
    gz = gemm_no_inplace.pullback(out.owner.inputs, [out], [g])[0]
    assert evaluate([gz], {g: np.ones((3, 5))})[0].tolist() == [[6.0] * 5]


@pytest.mark.parametrize("case", PURE)
def test_batch_rule(case):
    op, shapes, expression = PURE[case]
    rng = np.random.default_rng(4)
    inputs = variables(*map(len, shapes))
    out = op(*inputs)
    single = [rng.normal(size=s) for s in shapes]
    for batched in itertools.product((False, True), repeat=len(shapes)):
        values = [
            rng.normal(size=(6, *s)) if b else one for b, s, one in zip(batched, shapes, single)
        ]
        stand_ins = variables(*map(np.ndim, values))
        result = vectorize_graph(out, dict(zip(inputs, stand_ins)))
        expected = [
            expression(*[v[i] if b else v for b, v in zip(batched, values)]) for i in range(6)
        ]
        expected = np.stack(expected) if any(batched) else expected[0]
        got = result.eval(dict(zip(stand_ins, values)), mode="PY", on_unused_input="ignore")
        np.testing.assert_allclose(got, expected, rtol=1e-9)


def test_batched_dot_function():
    rng = np.random.default_rng(5)
    for a_shape, b_shape, spec in [
        ((3, 2, 4), (3, 4, 5), "bij,bjk->bik"),
        ((3, 4), (3, 4), "bi,bi->b"),
        ((3, 4), (3, 4, 5), "bi,bij->bj"),
        ((3, 2, 4), (3, 4), "bij,bj->bi"),
        ((3,), (3, 4), "b,bi->bi"),
    ]:
        a, b = rng.normal(size=a_shape), rng.normal(size=b_shape)
        x, y = variables(a.ndim, b.ndim)
        got = batched_dot(x, y).eval({x: a, y: b}, mode="PY")
        np.testing.assert_allclose(got, np.einsum(spec, a, b))
    with pytest.raises(TypeError, match="batch axis"):
        batched_dot(1.0, 2.0)


def test_batched_tensordot_function():
    rng = np.random.default_rng(6)
    for a_shape, b_shape, axes, spec in [
        ((3, 2, 4), (3, 2, 4), 2, "bij,bij->b"),
        ((3, 2, 4), (3, 2, 5), [[1], [1]], "bij,bik->bjk"),
        ((3, 2, 4, 5), (3, 5, 4), [[2, 3], [2, 1]], "bijk,bkj->bi"),
        ((3, 2, 4), (3, 4, 2), 1, "bij,bjk->bik"),
    ]:
        a, b = rng.normal(size=a_shape), rng.normal(size=b_shape)
        x, y = variables(a.ndim, b.ndim)
        got = batched_tensordot(x, y, axes).eval({x: a, y: b}, mode="PY")
        np.testing.assert_allclose(got, np.einsum(spec, a, b))
    with pytest.raises(ValueError, match="batch axis"):
        batched_tensordot(x, y, [[0], [1]])


def test_user_names_are_exported():
    for name in (
        "Gemm",
        "Gemv",
        "Ger",
        "Dot22",
        "Dot22Scalar",
        "BatchedDot",
        "GemmRelated",
        "CGemv",
        "gemm",
        "gemv",
        "_batched_dot",
        "cgemv_inplace",
        "cgemv_no_inplace",
        "ldflags",
        "must_initialize_y_gemv",
        "must_initialize_y_gemv_c",
        "view_roots",
        "BaseBLAS",
        "blas_header_text",
        "blas_header_version",
        "batched_dot",
        "batched_tensordot",
    ):
        assert hasattr(blas, name), name
    assert pt.dot is not None
