"""Derivatives, batches and shapes of the BLAS Ops."""

import itertools

import numpy as np
import pytest
from blas_layouts import random
from ops_cases import PURE, PURE_CONJUGATED, evaluate, variables

import pytensor
import pytensor.tensor as pt
from pytensor.graph.fg import FunctionGraph
from pytensor.graph.null_type import DisconnectedType, disconnected_type
from pytensor.graph.replace import vectorize_graph
from pytensor.tensor.blas import (
    BatchedDot,
    BatchedGemm,
    Dot22,
    Dot22Scalar,
    Gemm,
    Gemv,
    Ger,
    Syrk,
    batched_dot,
    batched_gemm,
    batched_tensordot,
    gemm_no_inplace,
    gemv_no_inplace,
    ger,
    syrk_no_inplace,
)
from pytensor.tensor.elemwise import Elemwise
from pytensor.tensor.math import Dot
from pytensor.tensor.type import tensor

BLAS_OPS = (BatchedDot, BatchedGemm, Dot22, Dot22Scalar, Gemm, Gemv, Ger, Syrk)
ALL = PURE | PURE_CONJUGATED
REAL_AND_COMPLEX = [
    *itertools.product(PURE, ["float64", "complex128"]),
    *itertools.product(PURE_CONJUGATED, ["complex128"]),
]


# -- derivatives ---------------------------------------------------------------------------


def difference(equation, values, directions, step=1e-6):
    plus = equation(*[v + step * d for v, d in zip(values, directions)])
    minus = equation(*[v - step * d for v, d in zip(values, directions)])
    return (plus - minus) / (2 * step)


def only(i, directions):
    return [d * (i == j) for j, d in enumerate(directions)]


def real_inner(a, b):
    """<a, b> over the real and the imaginary parts."""
    return np.sum(np.conj(a) * b).real


class Derivatives:
    """An Op at a point, with a direction for each input and a cotangent of its output."""

    def __init__(self, op, shapes, equation, dtype):
        rng = np.random.default_rng(1)
        self.op, self.equation = op, equation
        self.values, self.directions = ([random(rng, s, dtype) for s in shapes] for _ in "vd")
        self.inputs, self.dots = (variables(*map(len, shapes), dtype=dtype) for _ in "id")
        self.out = op(*self.inputs)
        self.bar = random(rng, equation(*self.values).shape, dtype)
        (self.g,) = variables(self.bar.ndim, dtype=dtype)
        self.feed = dict(zip([*self.inputs, *self.dots], [*self.values, *self.directions]))
        self.feed[self.g] = self.bar


@pytest.mark.parametrize("name, dtype", REAL_AND_COMPLEX)
def test_pushforward_agrees_with_differences(name, dtype):
    at = Derivatives(*ALL[name], dtype)
    (pushed,) = at.op.pushforward(at.inputs, [at.out], at.dots)
    assert pushed.type.dtype == dtype
    expected = difference(at.equation, at.values, at.directions)
    np.testing.assert_allclose(evaluate([pushed], at.feed)[0], expected, rtol=1e-6, atol=1e-8)
    for i in range(len(at.inputs)):
        dots = [dot if i == j else disconnected_type() for j, dot in enumerate(at.dots)]
        (pushed,) = at.op.pushforward(at.inputs, [at.out], dots)
        expected = difference(at.equation, at.values, only(i, at.directions))
        np.testing.assert_allclose(evaluate([pushed], at.feed)[0], expected, rtol=1e-6, atol=1e-8)
    (pushed,) = at.op.pushforward(at.inputs, [at.out], [disconnected_type()] * len(at.inputs))
    assert isinstance(pushed.type, DisconnectedType)


@pytest.mark.parametrize("name, dtype", REAL_AND_COMPLEX)
def test_pullback_agrees_with_differences(name, dtype):
    at = Derivatives(*ALL[name], dtype)
    pulled = at.op.pullback(at.inputs, [at.out], [at.g])
    assert [grad.type.dtype for grad in pulled] == [dtype] * len(at.inputs)
    grads = evaluate(pulled, at.feed)
    assert [grad.shape for grad in grads] == [v.shape for v in at.values]
    for i, grad in enumerate(grads):
        # Both parts of a complex input: a direction, and the same times i.
        for turn in (1, 1j) if dtype == "complex128" else (1,):
            directions = only(i, [turn * d for d in at.directions])
            expected = real_inner(at.bar, difference(at.equation, at.values, directions))
            np.testing.assert_allclose(
                real_inner(grad, directions[i]), expected, rtol=1e-5, atol=1e-7
            )


@pytest.mark.parametrize("dtype", ["float16", "float32", "complex64"])
@pytest.mark.parametrize("name", PURE)
def test_derivatives_keep_the_dtype(name, dtype):
    op, shapes, _ = PURE[name]
    inputs, dots = (variables(*map(len, shapes), dtype=dtype) for _ in "id")
    out = op(*inputs)
    (g,) = variables(out.type.ndim, dtype=dtype)
    (pushed,) = op.pushforward(inputs, [out], dots)
    assert pushed.type == out.type
    pulled = op.pullback(inputs, [out], [g])
    assert [grad.type for grad in pulled] == [var.type for var in inputs]


def test_derivatives_with_factors_of_other_dtypes():
    """Real factors of complex operands have real derivatives, wide ones wide derivatives."""
    rng = np.random.default_rng(2)
    A, x, y, bar = (random(rng, s, complex) for s in ((3, 4), 4, 3, 3))
    values = [y, np.array(0.7), A, x, np.array(-0.3)]
    inputs = [pt.as_tensor(v).type() for v in values]
    (g,) = variables(1, dtype="complex128")
    out = gemv_no_inplace(*inputs)
    grads = gemv_no_inplace.pullback(inputs, [out], [g])
    assert [grad.type.dtype for grad in grads] == [var.type.dtype for var in inputs]
    found = evaluate(grads, {**dict(zip(inputs, values)), g: bar})
    np.testing.assert_allclose(found[1], real_inner(bar, A @ x))
    np.testing.assert_allclose(found[4], real_inner(bar, y))
    v32, m32 = variables(1, 2, dtype="float32")
    (wide,) = variables(0)
    node = gemv_no_inplace(v32, wide, m32, v32, wide).owner
    grads = gemv_no_inplace.pullback(node.inputs, node.outputs, [v32])
    assert [grad.type.dtype for grad in grads] == [var.type.dtype for var in node.inputs]


@pytest.mark.parametrize(
    "op, shapes",
    [
        (gemm_no_inplace, ((1, 5), (), (3, 4), (4, 5), ())),
        (gemm_no_inplace, ((1, 1), (), (3, 4), (4, 5), ())),
        (gemv_no_inplace, ((1,), (), (3, 4), (4,), ())),
        (syrk_no_inplace, ((3, 1), (), (3, 4), ())),
        (batched_gemm, ((1, 3, 1), (), (2, 3, 4), (1, 4, 5), ())),
        (batched_gemm, ((1, 1, 1, 5), (), (1, 2, 3, 4), (6, 1, 4, 5), ())),
    ],
)
def test_derivatives_of_broadcast_operands(op, shapes):
    rng = np.random.default_rng(3)
    values, directions = ([rng.normal(size=s) for s in shapes] for _ in "vd")
    inputs, dots = ([tensor(dtype="float64", shape=s) for s in shapes] for _ in "id")
    out = op(*inputs)
    feed = dict(zip([*inputs, *dots], [*values, *directions]))
    (pushed,) = op.pushforward(inputs, [out], dots)
    (pushed_value,) = evaluate([pushed], feed)
    assert pushed_value.shape == out.type.shape
    g = out.type()
    bar = rng.normal(size=out.type.shape)
    grads = evaluate(op.pullback(inputs, [out], [g]), {**feed, g: bar})
    assert [grad.shape for grad in grads] == [*shapes]
    total = sum(np.sum(grad * d) for grad, d in zip(grads, directions))
    np.testing.assert_allclose(total, np.sum(bar * pushed_value))
    # One accumulator at a time: a direction that only it has.
    (alone,) = op.pushforward(inputs, [out], [dots[0], *[disconnected_type()] * (len(dots) - 1)])
    (alone_value,) = evaluate([alone], feed)
    assert alone_value.shape == out.type.shape
    np.testing.assert_allclose(np.sum(grads[0] * directions[0]), np.sum(bar * alone_value))


def op_names(function):
    return sorted(type(node.op).__name__ for node in function.maker.fgraph.apply_nodes)


def products(function):
    return [n for n in function.maker.fgraph.apply_nodes if isinstance(n.op, (*BLAS_OPS, Dot))]


@pytest.mark.parametrize(
    "name, wanted", [("gemm", [0, 2, 3]), ("dot22", [0, 1]), ("dot22scalar", [0, 1])]
)
def test_gradients_of_fused_products_stay_fused(name, wanted):
    """Given the cotangent, every product of the gradient is one BLAS call, scaled inside."""
    op, shapes, _ = PURE[name]
    inputs = variables(*map(len, shapes))
    g = pt.dmatrix("g")
    grads = pytensor.gradient.pullback(op(*inputs), [inputs[i] for i in wanted], g)
    f = pytensor.function([*inputs, g], grads, on_unused_input="ignore", mode="CVM")
    assert len(products(f)) == 2
    assert all(isinstance(node.op, BLAS_OPS) for node in products(f))
    elementwise = [n for n in f.maker.fgraph.apply_nodes if isinstance(n.op, Elemwise)]
    # beta * g, and no scaling of a product.
    assert len(elementwise) == (name == "gemm"), op_names(f)


def test_gradient_of_an_accumulated_step_is_blas_calls_only():
    """C - 0.5 * A @ B: two scaled products of views, and nothing else."""
    Z, X, Y, g = pt.dmatrices("Z", "X", "Y", "g")
    out = gemm_no_inplace(Z, -0.5, X, Y, 1.0)
    f = pytensor.function([X, Y, g], pytensor.gradient.pullback(out, [X, Y], g), mode="CVM")
    transposes = [name for name in op_names(f) if name == "DimShuffle"]
    assert op_names(f) == [*transposes, "Dot22Scalar", "Dot22Scalar"]


def test_the_gradient_of_a_square_is_one_product():
    x, g = pt.dmatrices("x", "g")
    out = syrk_no_inplace(pt.zeros((1, 1)), 0.5, x, 0.0)
    f = pytensor.function([x, g], pytensor.gradient.pullback(out, x, g), mode="CVM")
    assert [type(node.op) for node in products(f)] == [Dot22Scalar]


def test_derivative_of_alpha_shares_the_product_of_x():
    for op, count in ((gemm_no_inplace, 2), (gemv_no_inplace, 2), (ger, 2)):
        name = {gemm_no_inplace: "gemm", gemv_no_inplace: "gemv", ger: "ger"}[op]
        inputs = variables(*map(len, PURE[name][1]))
        out = op(*inputs)
        (g,) = variables(out.type.ndim)
        grads = pytensor.gradient.pullback(out, inputs, g)
        f = pytensor.function([*inputs, g], grads, on_unused_input="ignore", mode="CVM")
        heavy = [n for n in products(f) if any(v.type.ndim == 2 for v in n.inputs[1:])]
        heavy += [n for n in products(f) if isinstance(n.op, Ger)]
        assert len(heavy) == count, op_names(f)


# -- batches -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ALL)
def test_batch_rule(name):
    op, shapes, equation = ALL[name]
    dtype = "complex128" if name in PURE_CONJUGATED else "float64"
    rng = np.random.default_rng(4)
    inputs = variables(*map(len, shapes), dtype=dtype)
    out = op(*inputs)
    single = [random(rng, s, dtype) for s in shapes]
    for batched in itertools.product((False, True), repeat=len(shapes)):
        values = [
            random(rng, (6, *s), dtype) if one else v for one, s, v in zip(batched, shapes, single)
        ]
        stand_ins = variables(*map(np.ndim, values), dtype=dtype)
        result = vectorize_graph(out, dict(zip(inputs, stand_ins)))
        expected = [
            equation(*[v[i] if one else v for one, v in zip(batched, values)]) for i in range(6)
        ]
        expected = np.stack(expected) if any(batched) else expected[0]
        got = evaluate([result], dict(zip(stand_ins, values)))[0]
        np.testing.assert_allclose(got, expected, rtol=1e-9)


def test_batches_of_gemm_stay_one_call():
    Z, X, Y = pt.dmatrices("Z", "X", "Y")
    T, U = pt.dtensor3("T"), pt.dtensor3("U")
    out = gemm_no_inplace(Z, 0.5, X, Y, 2.0)
    for replaced in ({X: T}, {X: T, Y: U}, {Z: T, Y: U}):
        batched = vectorize_graph(out, replaced)
        assert isinstance(batched.owner.op, BatchedGemm)
    # Batches of batches have more axes.
    again = vectorize_graph(vectorize_graph(out, {X: T}), {T: pt.tensor4("V")})
    assert isinstance(again.owner.op, BatchedGemm)
    assert again.type.ndim == 4


def test_batches_do_not_read_what_beta_zero_hides():
    rng = np.random.default_rng(5)
    for name in ("gemm", "gemv", "syrk"):
        op, shapes, equation = PURE[name]
        inputs = [*variables(*map(len, shapes[:-1])), 0.0]
        out = op(*inputs)
        values = [rng.normal(size=(6, *s)) if s else rng.normal() for s in shapes[:-1]]
        values = [np.asarray(v) for v in values]
        values[0] = np.full_like(values[0], np.nan)
        stand_ins = variables(*map(np.ndim, values))
        result = vectorize_graph(out, dict(zip(inputs, stand_ins)))
        (got,) = evaluate([result], dict(zip(stand_ins, values)))
        values[0] = np.zeros_like(values[0])
        single = [[v[i] if v.ndim else v for v in values] for i in range(6)]
        np.testing.assert_allclose(got, [equation(*one, 0.0) for one in single])


def test_batched_dot_function():
    rng = np.random.default_rng(6)
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
    rng = np.random.default_rng(7)
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


# -- shapes --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PURE)
def test_infer_shape_asks_the_inputs_only(name):
    op, shapes, equation = PURE[name]
    inputs = variables(*map(len, shapes))
    node = op.make_node(*inputs)
    (shape,) = op.infer_shape(FunctionGraph(inputs, node.outputs, clone=False), node, shapes)
    assert tuple(shape) == equation(*[np.ones(s) for s in shapes]).shape


@pytest.mark.parametrize("name", PURE)
def test_a_shape_does_not_compute_the_op(name):
    op, shapes, equation = PURE[name]
    inputs = variables(*map(len, shapes))
    f = pytensor.function(inputs, op(*inputs).shape, on_unused_input="ignore", mode="CVM")
    assert not products(f)
    values = [np.ones(s) for s in shapes]
    assert tuple(f(*values)) == equation(*values).shape


def test_shape_of_broadcast_batches():
    shapes = (1, 1, 1, 1), (1, None, 3, 4), (None, 1, 4, 5)
    z, x, y = (tensor(dtype="float64", shape=shape) for shape in shapes)
    f = pytensor.function(
        [z, x, y], batched_gemm(z, 1.0, x, y, 1.0).shape, on_unused_input="ignore"
    )
    assert not products(f)
    values = np.ones((1, 1, 1, 1)), np.ones((1, 7, 3, 4)), np.ones((2, 1, 4, 5))
    assert tuple(f(*values)) == (2, 7, 3, 5)
