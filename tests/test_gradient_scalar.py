"""The gradient walk on graphs of scalars: rules of connection, names, dtypes, errors, depth."""

import warnings

import numpy as np
import pytest

import pytensor.scalar as ps
from pytensor.gradient import (
    DisconnectedInputError,
    DisconnectedType,
    GradientError,
    Lop,
    NullType,
    NullTypeGradError,
    Rop,
    disconnected_grad,
    grad,
    grad_scale,
    hessian_vector_product,
    numeric_grad,
    pullback,
    pushforward,
    subgraph_grad,
    undefined_grad,
    zero_grad,
)
from pytensor.graph.basic import Apply
from pytensor.graph.op import Op
from pytensor.graph.traversal import io_toposort


def value(outputs, values):
    """Compute scalars in Python."""
    many = isinstance(outputs, list | tuple)
    cells = {x: x.type.filter(v) for x, v in values.items()}
    for node in io_toposort(list(cells), outputs if many else [outputs]):
        storage = [[None] for _ in node.outputs]
        args = [cells[x] if x in cells else x.data for x in node.inputs]
        node.op.perform(node, args, storage)
        cells.update(zip(node.outputs, (cell[0] for cell in storage)))
    results = [cells[x] if x in cells else x.data for x in (outputs if many else [outputs])]
    return results if many else results[0]


@pytest.fixture
def xyz():
    return ps.float64("x"), ps.float64("y"), ps.float64("z")


def test_chain_and_sum(xyz):
    x, y, _ = xyz
    cost = ps.exp(x * y) + x * x + ps.sin(x)
    gs = value(grad(cost, [x, y]), {x: 0.3, y: 1.2})
    e = np.exp(0.36)
    np.testing.assert_allclose(gs, [1.2 * e + 0.6 + np.cos(0.3), 0.3 * e])
    assert isinstance(grad(cost, (x,)), tuple) and isinstance(grad(cost, [x]), list)
    assert grad(cost, []) == []
    assert value(grad(x, x), {x: 3}) == 1


def test_names(xyz):
    x, *_ = xyz
    y = x**2
    y.name = "y"
    cost = y * 3
    cost.name = "c"
    assert [g.name for g in grad(cost, [x, y])] == ["(dc/dx)", "(dc/dy)"]
    assert grad(cost, x, add_names=False).name is None


def test_disconnected(xyz):
    x, y, _ = xyz
    with pytest.raises(DisconnectedInputError, match="not part of") as err:
        grad(x * 2, y)
    assert "test_gradient_scalar.py" in str(err.value)
    with pytest.warns(UserWarning, match="not part of"):
        g = grad(x * 2, y, disconnected_inputs="warn")
    assert value(g, {y: 1.0}) == 0
    ignore = {"disconnected_inputs": "ignore"}
    assert grad(x, y, return_disconnected="none", **ignore) is None
    assert isinstance(
        grad(x, y, return_disconnected="disconnected", **ignore).type, DisconnectedType
    )
    with pytest.raises(DisconnectedInputError):
        grad(disconnected_grad(x) * 2, x)
    for kw in ({"disconnected_inputs": "x"}, {"return_disconnected": "x"}, {"null_gradients": "x"}):
        with pytest.raises(ValueError, match="valid values"):
            grad(x, x, **kw)


def test_bad_arguments(xyz):
    x, y, _ = xyz
    with pytest.raises(ValueError, match="can't both be None"):
        grad(None, x)
    with pytest.raises(TypeError, match="wrt must be variables"):
        grad(x, 3)
    with pytest.raises(TypeError, match="cost must be variables"):
        grad(3, x)
    with pytest.raises(TypeError, match="no order"):
        grad(x, {x})
    with pytest.raises(TypeError, match="real"):
        grad(ps.complex128(), x)
    with pytest.raises(TypeError, match="continuous"):
        grad(None, x, known_grads={x * 2: ps.constant(1)})
    with pytest.raises(ValueError, match="same length"):
        pullback([x * 2], [x], [y, y])
    with pytest.raises(ValueError, match="same length"):
        pushforward([x * 2], [x], [y, y])


def test_consider_constant(xyz):
    x, *_ = xyz
    y = x * 2
    cost = y * x
    assert value(grad(cost, x), {x: 3.0}) == 12
    assert value(grad(cost, x, consider_constant=[y]), {x: 3.0}) == 6
    assert value(grad(cost, [x, y], consider_constant=[y]), {x: 3.0}) == [6, 3]


def test_known_grads(xyz):
    x, *_ = xyz
    y = x**2
    cost = y * 3
    two, five = ps.constant(2.0), ps.constant(5.0)
    assert value(grad(None, x, known_grads={y: two}), {x: 3.0}) == 12
    assert value(grad(cost, x, known_grads={y: five}), {x: 3.0}) == 30
    assert value(grad(cost, x, known_grads={cost: five}), {x: 3.0}) == 90


def test_discrete(xyz):
    x, *_ = xyz
    i = ps.int32("i")
    assert value(grad(ps.exp(i), i), {i: 2}) == np.exp(2)
    assert value(grad(x * i, [x, i]), {x: 1.5, i: 2}) == [2, 1.5]
    through_int = x.astype("int8").astype("float64") + x
    assert value(grad(through_int, x), {x: 2.0}) == 1
    g = grad(i * 2, i)
    assert g.type.dtype == "float64" and value(g, {i: 3}) == 0
    assert value(grad((i * 2).astype("float64"), i), {i: 3}) == 0
    assert value(grad(ps.switch(x > 1, x, 2 * x), x), {x: 0.0}) == 2


def test_gradients_are_cast_for_each_node():
    f, d = ps.float32("f"), ps.float64("d")
    seen = []

    class Spy(ps.UnaryScalarOp):
        def pullback(self, inputs, outputs, cotangents):
            seen.append(cotangents[0].type.dtype)
            return cotangents

    grad(Spy(ps.same_out)(f) * d, f)
    assert seen == ["float32"]
    c = ps.complex64("c")
    g = grad(ps.real(c * f), [c, f])
    assert [v.type.dtype for v in g] == ["complex64", "float32"]
    assert value(g, {c: 1 + 2j, f: 3.0}) == [3, 1]


def test_null(xyz):
    x, y, _ = xyz
    with pytest.raises(NullTypeGradError, match="UndefinedGrad"):
        grad(ps.exp(undefined_grad(x)) + x, x)
    g = grad(ps.exp(undefined_grad(x * 2)) + x, x, null_gradients="return")
    assert isinstance(g.type, NullType)
    with pytest.raises(NullTypeGradError, match="not implemented"):
        grad(ps.jv(y, x), y)
    # not asked for, not an error
    assert grad(ps.jv(y, x), x).type == ps.float64


def test_markers(xyz):
    x, *_ = xyz
    assert value(grad(zero_grad(x) * x, x), {x: 3.0}) == 3
    assert value(grad(zero_grad(x), x), {x: 3.0}) == 0
    assert value(grad(disconnected_grad(x) * x, x), {x: 3.0}) == 3
    assert value(grad(grad_scale(x * 3, 2.0) * 5, x), {x: 2.0}) == 30
    assert value(zero_grad(x), {x: 3.0}) == 3


def test_pullback_and_pushforward(xyz):
    x, y, t = xyz
    outs = [ps.sin(x) * y, x * x]
    gs = pullback(outs, [x, y], [t, t * 2])
    point = {x: 0.5, y: 2.0, t: 3.0}
    np.testing.assert_allclose(value(gs, point), [3 * 2 * np.cos(0.5) + 6, 3 * np.sin(0.5)])
    # an output that is also an input of another one gets both contributions
    inner = x * x
    assert value(pullback([inner, inner * 2], x, [t, t]), {x: 1.0, t: 1.0}) == 6
    for direct in (False, True):
        ts = pushforward(outs, [x, y], [t, ps.constant(1.0)], use_op_pushforward=direct)
        np.testing.assert_allclose(value(ts, point), [3 * 2 * np.cos(0.5) + np.sin(0.5), 3])
    with pytest.warns(FutureWarning, match="pushforward"):
        np.testing.assert_allclose(value(Rop(x * x, x, t), point), 3)
    with pytest.warns(FutureWarning, match="pullback"):
        np.testing.assert_allclose(value(Lop(x * x, x, t), point), 3)
    for direct in (False, True):
        with pytest.raises(DisconnectedInputError):
            pushforward(x * 2, y, t, use_op_pushforward=direct)
        zero = pushforward(x * 2, y, t, disconnected_outputs="ignore", use_op_pushforward=direct)
        assert value(zero, point) == 0


def test_second_derivatives(xyz):
    x, y, p = xyz
    cost = x**3 * y
    assert value(grad(grad(cost, x), x), {x: 2.0, y: 5.0}) == 60
    hv = hessian_vector_product(cost, [x, y], [p, ps.constant(1.0)])
    np.testing.assert_allclose(value(hv, {x: 2.0, y: 5.0, p: 3.0}), [60 * 3 + 12, 12 * 3])


def test_subgraph_grad(xyz):
    x, *_ = xyz
    a = x * 2
    b = a * a
    wrt_grads, end_grads = subgraph_grad([a], [x], cost=b)
    assert value([*wrt_grads, *end_grads], {x: 3.0}) == [12, 24]
    wrt_grads, end_grads = subgraph_grad([x], [x], start={a: ps.constant(5.0)})
    assert value(wrt_grads, {x: 3.0}) == [10]
    assert len(subgraph_grad([a], [x], cost=b, details=True)) == 4
    with pytest.raises(ValueError, match="must be specified"):
        subgraph_grad([x], [a])
    with pytest.raises(TypeError, match="must be a list"):
        subgraph_grad(x, [a], cost=b)


class Bad(Op):
    """An op with a pullback that returns what it is told."""

    __props__ = ("kind",)

    def __init__(self, kind):
        self.kind = kind

    def make_node(self, x):
        return Apply(self, [x], [x.type()])

    def pullback(self, inputs, outputs, cotangents):
        if self.kind == "missing":
            raise NotImplementedError("no derivative")
        return {"none": [None], "two": cotangents * 2, "int": [ps.constant(1)], "scalar": 3}[
            self.kind
        ]


@pytest.mark.parametrize(
    "kind, error, match",
    [
        ("none", TypeError, "must return variables"),
        ("two", ValueError, "must return 1 terms"),
        ("scalar", ValueError, "must return 1 terms"),
        ("int", TypeError, "integer-valued"),
        ("missing", NotImplementedError, "no derivative"),
    ],
)
def test_broken_pullbacks(kind, error, match):
    x = ps.float64("x")
    with pytest.raises(error, match=match) as err:
        grad(Bad(kind)(x), x)
    if kind == "missing":
        assert "test_gradient_scalar.py" in "".join(err.value.__notes__)
    # off the path nothing is asked
    y = ps.float64("y")
    grad(Bad(kind)(x) * y, y)


def test_work_is_linear(count_calls):
    """In the length of a chain, and in the number of uses of one variable."""
    x = ps.float64("x")

    def chain(n):
        y = x
        for _ in range(n):
            y = ps.sin(y)
        return y

    def wide(n):
        return ps.add(*[ps.sin(x) for _ in range(n)])

    for build in (chain, wide):
        small, large = (count_calls(lambda y=build(n): grad(y, x)) for n in (200, 1600))
        assert large < 8 * 1.5 * small


def test_deep_and_wide_graphs():
    """No recursion, no quadratic cost: 20,000 nodes in a row, and 3,000 uses of one variable."""
    x = ps.float64("x")
    chain = x
    one = ps.constant(1.0)
    for _ in range(20_000):
        chain = ps.add(chain, one)
    g = grad(chain, x)
    assert value(g, {x: 1.0}) == 1
    wide = ps.add(*[ps.mul(x, one) for _ in range(3000)])
    g = grad(wide, x)
    depth = {}
    for node in io_toposort([x], [g]):
        depth[node] = 1 + max((depth.get(v.owner, 0) for v in node.inputs), default=0)
    assert max(depth.values()) < 30
    assert value(g, {x: 1.0}) == 3000


def test_numeric_grad():
    check = numeric_grad(lambda a, b: (a**2).sum() + b, [np.array([1.0, 2.0]), np.array(3.0)])
    np.testing.assert_allclose(check.gf[0], [2, 4], atol=1e-6)
    np.testing.assert_allclose(check.gf[1], 1, atol=1e-6)
    arg, position, absolute, relative = check.max_err(
        [np.array([2.0, 4.1]), np.array(1.0)], 1e-6, 1e-4
    )
    assert (arg, position) == (0, 1)
    np.testing.assert_allclose([absolute, relative], [0.1, 0.1 / 8.1], rtol=1e-5)
    with pytest.raises(ValueError, match="shape"):
        check.max_err([np.array(1.0), np.array(1.0)], 1, 1)
    error = GradientError(0, 1, (2,), 1.0, 2.0, 1.0, 0.3, 1e-4, 1e-4)
    assert "position 1 of argument 0" in str(error)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert numeric_grad(lambda a: float(a), np.array(1.0)).gf.shape == ()
