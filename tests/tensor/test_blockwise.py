"""Blockwise and vectorize: batches of any core Op."""

import numpy as np
import pytest
from tensor_checks import check_gradient, check_shapes, check_vectorize, evaluate

import pytensor.tensor as pt
from pytensor.gradient import grad
from pytensor.graph.basic import Apply
from pytensor.graph.null_type import disconnected_type
from pytensor.graph.op import Op
from pytensor.graph.replace import vectorize_graph
from pytensor.tensor.blockwise import Blockwise, parse_signature
from pytensor.tensor.functional import vectorize

RNG = np.random.default_rng(45)


class Window(Op):
    """``(n),() -> (n), (2)``: scale, and the extremes; the second input is not differentiable."""

    __props__ = ()
    gufunc_signature = "(n),()->(n),(e)"
    calls = 0

    def make_node(self, x, k):
        x, k = pt.as_tensor_variable(x), pt.as_tensor_variable(k)
        return Apply(self, [x, k], [x.type(), pt.tensor(dtype=x.type.dtype, shape=(2,))])

    def perform(self, node, inputs, output_storage):
        x, k = inputs
        assert x.ndim == 1 and k.ndim == 0
        Window.calls += 1
        output_storage[0][0] = x * x * k
        output_storage[1][0] = np.array([x.min(), x.max()])

    def infer_shape(self, fgraph, node, shapes):
        return [shapes[0], (2,)]

    def pullback(self, inputs, outputs, cotangents):
        x, k = inputs
        return [2 * x * k * cotangents[0], disconnected_type()]

    def connection_pattern(self, node):
        return [[True, False], [False, False]]


X = RNG.normal(size=(3, 4))


def test_loop_broadcast_and_shapes():
    x, k = pt.dmatrix("x"), pt.lvector("k")
    outs = Blockwise(Window())(x, k)
    assert [o.type.ndim for o in outs] == [2, 2] and outs[1].type.shape == (None, 2)
    scaled, extremes = evaluate(outs, {x: X, k: [1, 2, 3]})
    np.testing.assert_allclose(scaled, X**2 * np.array([[1], [2], [3]]))
    np.testing.assert_allclose(extremes, np.stack([X.min(1), X.max(1)], axis=1))
    check_shapes(outs, {x: X, k: [1, 2, 3]})
    row = pt.dvector("row")
    both = Blockwise(Window())(row, k)
    assert both[0].owner.inputs[0].type.shape == (1, None)
    check_shapes(both, {row: X[0], k: [1, 2, 3]})
    assert evaluate(both[0], {row: X[0], k: [1, 2, 3]}).shape == (3, 4)
    assert evaluate(outs[1], {x: np.ones((0, 4)), k: []}).shape == (0, 2)


def test_gradient_sums_over_broadcast_dimensions():
    k = np.array([1, 2, 3])
    check_gradient(lambda x: Blockwise(Window())(x, pt.constant(k))[0], [X[0]], forward=False)
    check_gradient(lambda x: Blockwise(Window())(x, pt.constant(k))[0], [X], forward=False)
    check_gradient(lambda x: Blockwise(Window())(x, pt.constant(k))[0], [X[:1]], forward=False)


def test_disconnected_input():
    x, k = pt.dmatrix("x"), pt.dvector("k")
    out = Blockwise(Window())(x, k)[0]
    with pytest.raises(Exception, match="disconnected|not part"):
        grad(out.sum(), k)
    assert out.owner.op.connection_pattern(out.owner) == [[True, False], [False, False]]


def test_runtime_broadcast_is_refused():
    x, y = pt.dtensor3("x"), pt.dtensor3("y")
    out = pt.matmul(x, y)
    with pytest.raises(ValueError, match="Runtime broadcasting not allowed"):
        evaluate(out, {x: np.ones((1, 2, 2)), y: np.ones((3, 2, 2))})
    with pytest.raises(ValueError):
        evaluate(out, {x: np.ones((2, 2, 2)), y: np.ones((3, 2, 2))})
    known = pt.tensor("k", dtype="float64", shape=(1, None, None))
    assert evaluate(
        pt.matmul(known, y), {known: np.ones((1, 2, 2)), y: np.ones((3, 2, 2))}
    ).shape == (3, 2, 2)


def test_static_checks():
    with pytest.raises(ValueError, match="insufficient core dimensions"):
        Blockwise(Window())(pt.dscalar(), pt.lscalar())
    with pytest.raises(ValueError, match="must have 2 inputs"):
        Blockwise(Window()).make_node(pt.dvector())
    with pytest.raises(ValueError, match="broadcast together"):
        Blockwise(Window())(pt.tensor(shape=(2, 4)), pt.tensor(shape=(3,), dtype="int64"))
    with pytest.raises(TypeError, match="Blockwise itself"):
        Blockwise(Blockwise(Window()))
    with pytest.raises(ValueError, match="signature must be given"):
        Blockwise(pt.add)
    assert Blockwise(Window()) == Blockwise(Window())
    assert parse_signature(" (m, n) , () -> (m) ") == ((("m", "n"), ()), (("m",),))
    for bad in ("(m,n)", "m->n", "(m)->(n", ""):
        with pytest.raises(ValueError):
            parse_signature(bad)


def test_vectorize_any_op():
    check_vectorize(lambda x, k: Window()(x, k), [X[0], np.array(2)], batched=[0])
    check_vectorize(lambda x, k: Window()(x, k), [X[0], np.array(2)], batched=[0, 1])
    x = pt.dvector("x")
    out = Window()(x, 2)[0]
    same = vectorize_graph(out, {x: pt.dvector("y")})
    assert isinstance(same.owner.op, Window)
    batched = vectorize_graph(out, {x: pt.dmatrix("y")})
    twice = vectorize_graph(batched, {batched.owner.inputs[0]: pt.dtensor3("z")})
    assert twice.type.ndim == 3 and isinstance(twice.owner.op.core_op, Window)


@pytest.mark.parametrize(
    "shapes", [((3, 2, 4), (3, 4, 5)), ((2, 4), (3, 4, 5)), ((6, 1, 2, 4), (3, 4, 5))]
)
def test_matmul(shapes):
    a, b = (RNG.normal(size=s) for s in shapes)
    x, y = (
        pt.tensor(dtype="float64", shape=tuple(1 if n == 1 else None for n in s)) for s in shapes
    )
    out = pt.matmul(x, y)
    np.testing.assert_allclose(evaluate(out, {x: a, y: b}), a @ b)
    check_shapes(out, {x: a, y: b})
    check_gradient(pt.matmul, [a, b])


def test_vectorize_function():
    dot = vectorize(lambda x, y: (x * y).sum(), "(m),(m)->()")
    x, y = pt.dmatrix("x"), pt.dvector("y")
    np.testing.assert_allclose(evaluate(dot(x, y), {x: X, y: X[0]}), X @ X[0])
    two = vectorize(lambda x: (x.max(), x[::-1]), "(m)->(),(m)")
    largest, flipped = evaluate(two(x), {x: X})
    np.testing.assert_allclose(largest, X.max(1))
    np.testing.assert_allclose(flipped, X[:, ::-1])
    scalar = vectorize(lambda x, y: pt.exp(x) + y)
    np.testing.assert_allclose(evaluate(scalar(x, y), {x: X, y: X[0]}), np.exp(X) + X[0])
    with pytest.raises(ValueError, match="Number of inputs"):
        dot(x)
    with pytest.raises(ValueError, match="dimensions"):
        vectorize(lambda x: x, "(m)->()")(x)
