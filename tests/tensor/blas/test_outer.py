"""Outer products: `Ger` of a broadcast zero, written in one pass."""

import numpy as np
import pytest

import pytensor
import pytensor.tensor as pt
from pytensor.compile.mode import Mode
from pytensor.gradient import grad, pushforward
from pytensor.graph.fg import FunctionGraph
from pytensor.tensor.basic import Alloc
from pytensor.tensor.blas import Ger, ger, ger_destructive
from pytensor.tensor.elemwise import Elemwise

DTYPES = ["float32", "float64", "complex64", "complex128"]
SHAPES = [(1, 1), (1, None), (None, 1), (None, None)]
LAYOUTS = {
    "contiguous": lambda n, fill: fill(n),
    "reversed": lambda n, fill: fill(n)[::-1],
    "strided": lambda n, fill: fill(3 * n)[::3],
    "repeated": lambda n, fill: np.broadcast_to(fill(1), (n,)),
}


def filler(dtype, seed=0):
    rng = np.random.default_rng(seed)

    def fill(*shape):
        values = rng.normal(size=shape)
        if dtype.startswith("complex"):
            values = values + 1j * rng.normal(size=shape)
        return values.astype(dtype)

    return fill


def variables(dtype, shape=(1, 1)):
    A = pt.tensor("A", dtype=dtype, shape=shape)
    x, y = (pt.vector(name, dtype=dtype) for name in "xy")
    return A, pt.scalar("alpha", dtype=dtype), x, y


def expected(op, A, alpha, x, y):
    x = x.conj() if op.conj == "x" else x
    y = y.conj() if op.conj == "y" else y
    return A + alpha * x[:, None] * y


@pytest.mark.parametrize("mode", ["PY", "FAST_RUN"])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_values(dtype, shape, mode):
    fill = filler(dtype)
    inputs = variables(dtype, shape)
    for conj in ("", "x", "y") if dtype.startswith("complex") else ("",):
        op = Ger(conj=conj)
        f = pytensor.function(inputs, op(*inputs), mode=mode)
        for m, n in [(3, 4), (1, 5), (5, 1), (0, 2), (2, 0), (1, 1), (120, 130)]:
            A = fill(*(1 if known else n for known, n in zip(shape, (m, n))))
            for alpha in (fill(), np.zeros((), dtype)):
                x, y = fill(m), fill(n)
                got = f(A, alpha, x, y)
                assert got.dtype == dtype and got.flags.c_contiguous
                np.testing.assert_allclose(got, expected(op, A, alpha, x, y), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("mode", ["PY", "FAST_RUN"])
@pytest.mark.parametrize("of_x", LAYOUTS)
@pytest.mark.parametrize("of_y", LAYOUTS)
def test_layouts(of_x, of_y, mode):
    fill = filler("float64")
    x, y = pt.dvectors("x", "y")
    f = pytensor.function([x, y], [pt.outer(x, y), pt.outer(x, y).T], mode=mode)
    for m, n in [(3, 4), (1, 7), (100, 90)]:
        a, b = LAYOUTS[of_x](m, fill), LAYOUTS[of_y](n, fill)
        for got, want in zip(f(a, b), (np.outer(a, b), np.outer(b, a)), strict=True):
            np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("mode", ["PY", "FAST_RUN"])
@pytest.mark.parametrize("shape, wrong", [((1, None), (1, 3)), ((None, 1), (5, 1))])
def test_axes_that_are_not_broadcast_have_to_agree(shape, wrong, mode):
    inputs = variables("float64", shape)
    f = pytensor.function(inputs, ger(*inputs), mode=mode)
    with pytest.raises(ValueError, match=r"\[Ger\] A and [xy] must agree on the number of"):
        f(np.ones(wrong), 1.0, np.ones(2), np.ones(4))


@pytest.mark.parametrize("mode", ["PY", "FAST_RUN"])
def test_only_known_lengths_of_one_are_broadcast(mode):
    inputs = variables("float64", (None, None))
    f = pytensor.function(inputs, ger(*inputs), mode=mode)
    with pytest.raises(ValueError, match="must agree on the number of rows"):
        f(np.ones((1, 1)), 1.0, np.ones(2), np.ones(4))


def test_nothing_is_broadcast_in_place():
    A, alpha, _, _ = variables("float64")
    two = pt.tensor("two", dtype="float64", shape=(2,))
    with pytest.raises(ValueError, match="must agree on the number of rows"):
        ger_destructive(A, alpha, two, two)
    assert ger(A, alpha, two, two).type.shape == (2, 2)


def test_static_shape_and_shape_graph():
    A, alpha, x, y = variables("float64", (1, None))
    assert ger(A, alpha, x, y).type.shape == (None, None)
    seven = pt.tensor("seven", dtype="float64", shape=(1, 7))
    assert ger(seven, alpha, x, y).type.shape == (None, 7)
    f = pytensor.function([A, alpha, x, y], ger(A, alpha, x, y).shape, on_unused_input="ignore")
    assert not any(isinstance(n.op, Ger) for n in f.maker.fgraph.apply_nodes)
    assert tuple(f(np.ones((1, 4)), 1.0, np.ones(3), np.ones(4))) == (3, 4)


@pytest.mark.parametrize("shape", SHAPES)
def test_derivatives(shape):
    inputs = variables("float64", shape)
    out = ger(*inputs)
    A, alpha, x, y = inputs
    written = A + alpha * x[:, None] * y
    fill = filler("float64")
    values = [fill(*(1 if known else n for known, n in zip(shape, (3, 4)))), fill(), fill(3)]
    values.append(fill(4))
    mode = Mode("py", None)
    f, g = (
        pytensor.function(inputs, [*grad((o**2).sum(), inputs)], mode=mode) for o in (out, written)
    )
    for got, want in zip(f(*values), g(*values), strict=True):
        assert got.shape == want.shape
        np.testing.assert_allclose(got, want)
    for one in inputs:
        pushed = [pushforward(o, [one], [one.zeros_like() + 2.0]) for o in (out, written)]
        f = pytensor.function(inputs, pushed, mode=mode, on_unused_input="ignore")
        first, second = f(*values)
        np.testing.assert_allclose(first, second)


def test_graph():
    """One call, nothing allocated before it and no loop beside it."""
    x, y = pt.dvectors("x", "y")
    for out in (pt.outer(x, y), pt.outer(x, y).T, x[:, None] @ y[None]):
        nodes = pytensor.function([x, y], out, mode="FAST_RUN").maker.fgraph.apply_nodes
        (node,) = (n for n in nodes if isinstance(n.op, Ger))
        assert not node.op.inplace and node.inputs[0].type.shape == (1, 1)
        assert not any(isinstance(n.op, Alloc | Elemwise) for n in nodes)
    # Something to add to is overwritten as before.
    B = pt.dmatrix("B")
    f = pytensor.function([B, x, y], pt.tanh(B) + pt.outer(x, y), mode="FAST_RUN")
    assert any(isinstance(n.op, Ger) and n.op.inplace for n in f.maker.fgraph.apply_nodes)


def test_memory_of_the_zero_is_not_the_result():
    """A single element has the constant's shape."""
    one = pt.tensor("one", dtype="float64", shape=(1,))
    out = ger(pt.constant(np.zeros((1, 1))), 1.0, one, one)
    f = pytensor.function([one], out, mode=Mode("c", None))
    assert f([3.0]) == 9 and f([2.0]) == 4
    graph = FunctionGraph([one], [out], clone=False)
    assert graph.outputs[0].type.shape == (1, 1)
