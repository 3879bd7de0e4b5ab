"""ifelse: values, types, derivatives, and the lazy protocol."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent / "tensor"))
from tensor_checks import check_gradient, check_shapes, check_vectorize, evaluate

import pytensor
import pytensor.tensor as pt
from pytensor.compile.mode import Mode
from pytensor.conditional import IfElse
from pytensor.conditional import ifelse as ifelse_of_conditional
from pytensor.conditional.rewriting import merge_sibling_ifelse
from pytensor.gradient import grad, jacobian
from pytensor.graph.basic import Apply
from pytensor.graph.fg import FunctionGraph
from pytensor.graph.op import Op
from pytensor.ifelse import ifelse
from pytensor.raise_op import Assert


def test_choice():
    c, x, y = pt.bscalar("c"), pt.dvector("x"), pt.dvector("y")
    out = ifelse(c, x, y)
    values = {x: np.ones(2), y: np.zeros(3)}
    for truth in (1, 0):
        result = evaluate(out, values | {c: truth})
        assert result.tolist() == ([1, 1] if truth else [0, 0, 0])
        assert not any(np.shares_memory(result, v) for v in values.values())
        check_shapes(out, values | {c: truth})
    assert ifelse_of_conditional is ifelse
    many = ifelse(c, [x, c], [y, c])
    assert isinstance(many, list) and many[0].owner.op.n_outs == 2


def test_types():
    c, x = pt.bscalar("c"), pt.dvector("x")
    fixed = ifelse(c, pt.tensor(shape=(3,)), pt.tensor(shape=(4,)))
    assert fixed.type.shape == (None,)
    assert ifelse(c, pt.tensor(shape=(3, 2)), pt.tensor(shape=(3, 4))).type.shape == (3, None)
    with pytest.raises(TypeError, match="compatible ndim"):
        ifelse(c, x, pt.dmatrix())
    with pytest.raises(TypeError, match="compatible dtypes"):
        ifelse(c, x, pt.lvector())
    with pytest.raises(ValueError, match="number of values"):
        ifelse(c, [x, x], [x])
    with pytest.raises(TypeError, match="truthy scalar"):
        ifelse(x, x, x)


@pytest.mark.parametrize("truth", [0, 1])
def test_gradient(truth):
    values = [np.array([1.0, 2.0]), np.array([3.0, 4.0])]
    condition = pt.constant(np.int8(truth))
    check_gradient(lambda x, y: ifelse(condition, x**2, (x * y) ** 2), values)
    check_gradient(lambda x, y: ifelse(condition, [x, y.sum()], [y * 2, x[0]]), values)


def test_gradient_of_branches_of_different_shape():
    c, x, y = pt.bscalar("c"), pt.dvector("x"), pt.dvector("y")
    gx, gy = grad((ifelse(c, x, y) ** 2).sum(), [x, y])
    values = {c: 0, x: np.ones(2), y: np.arange(3.0)}
    assert evaluate(gx, values).tolist() == [0, 0]
    assert evaluate(gy, values).tolist() == [0, 2, 4]


def test_lazy_protocol():
    op = IfElse(n_outs=2)
    assert op.lazy
    assert op.required_inputs([None] * 5) == (0,)
    assert op.required_inputs([np.array(1), None, None, None, None]) == (1, 2)
    assert op.required_inputs([np.array(0), None, None, 7, None]) == (4,)
    assert op.required_inputs([np.array(0), None, None, 7, 8]) == ()
    x = pt.dscalar("x")
    node = op.make_node(pt.bscalar(), x, x, x, x)
    storage = [[None], [None]]
    op.perform(node, [np.array(0), None, None, 7, 8], storage)
    assert storage == [[7], [8]]


def test_vectorize():
    x, y = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    check_vectorize(lambda x, y: ifelse(pt.constant(np.int8(1)), x, y), [x, y], [0, 1])
    check_vectorize(lambda c, x, y: ifelse(c > 0, x, y), [np.array(0.01), x, y], [0, 1])


def choices(f):
    return [n for n in f.maker.fgraph.toposort() if isinstance(n.op, IfElse)]


modes = pytest.mark.parametrize(
    "mode", [Mode("py"), Mode("c"), Mode("py", optimizer=None), "FAST_COMPILE"], ids=str
)


@modes
def test_only_one_branch_is_computed(mode):
    c, x = pt.bscalar("c"), pt.dvector("x")

    def never(k):
        # Equal ones would be merged, and needed by one branch or another.
        return Assert(f"must not be computed {k}")(pt.exp(x * k), pt.constant(False))

    first = never(1)
    one, two = ifelse(c, [pt.tanh(x) + 1, x], [pt.tanh(x) * first, pt.sin(first)])
    nested = ifelse(pt.eq(c, 2), never(2), ifelse(c, x, pt.cos(never(3))))
    inside = pytensor.scan(
        lambda x_t: ifelse(c, x_t, Assert("nor in a loop")(x_t, pt.constant(False))),
        x, return_updates=False,
    )  # fmt: skip
    f = pytensor.function([c, x], [one, two, nested, inside], mode=mode)
    value = np.array([0.5, 1.0])
    wanted = [np.tanh(value) + 1, value, value, value]
    for got, want in zip(f(1, value), wanted, strict=True):
        np.testing.assert_allclose(got, want)
    with pytest.raises(AssertionError, match="must not be computed|nor in a loop"):
        f(0, value)


calls: list[str] = []


class Noted(Op):
    """Twice its last input; notes that it ran."""

    __props__ = ("name",)

    def __init__(self, name):
        self.name = name

    def make_node(self, *inputs):
        inputs = [pt.as_tensor_variable(x) for x in inputs]
        return Apply(self, inputs, [inputs[-1].type()])

    def perform(self, node, inputs, output_storage):
        calls.append(self.name)
        output_storage[0][0] = inputs[-1] * 2

    def infer_shape(self, fgraph, node, shapes):
        return [shapes[-1]]

    def pullback(self, inputs, outputs, cotangents):
        # Reads the value, so that nothing of it can be left out.
        own = Noted(self.name.rstrip("'") + "'")(inputs[0], cotangents[0])
        return [*(x.zeros_like() for x in inputs[:-1]), own]


@modes
def test_nothing_of_the_derivative_of_the_other_branch_is_computed(mode):
    x, c, d = pt.dvector("x"), pt.bscalar("c"), pt.bscalar("d")
    a, b, e = Noted("a")(pt.exp(x)), Noted("b")(pt.sin(x) * 2), Noted("e")(x + 1)
    z, more = ifelse(c, [pt.tanh(a), a.sum()], [ifelse(d, b * b, e * x), b.sum()])
    cost = (z**2).sum() + more
    g = grad(cost, x)
    h = grad((g**2).sum(), x)
    f = pytensor.function([c, d, x], [g, h], mode=mode)
    value = np.array([0.1, 0.2])
    for truths, needed in (((0, 0), "be"), ((0, 1), "b"), ((1, 0), "a"), ((1, 1), "a")):
        calls.clear()
        found = f(*truths, value)
        assert {name[0] for name in calls} == set(needed)
        chosen = [pt.tanh(a), a.sum()] if truths[0] else [b * b if truths[1] else e * x, b.sum()]
        alone = grad((chosen[0] ** 2).sum() + chosen[1], x)
        wanted = pytensor.function([x], [alone, grad((alone**2).sum(), x)], mode="PY")(value)
        for one, other in zip(found, wanted, strict=True):
            np.testing.assert_allclose(one, other)


@modes
def test_derivatives_of_branches_in_a_loop(mode):
    x, w, c = pt.dvector("x"), pt.dscalar("w"), pt.bscalar("c")

    def step(x_t, h, w, c):
        return ifelse(c * x_t > 0, pt.tanh(Noted("a")(w * h)), Noted("b")(pt.sin(h * x_t)) + w)

    hs = pytensor.scan(step, x, pt.constant(0.3), [w, c], return_updates=False)
    gs = grad(hs[-1], [x, w])
    f = pytensor.function([x, w, c], gs, mode=mode)
    values = np.array([1.0, 2.0, 3.0]), 0.7
    for truth, name in ((1, "a"), (-1, "b")):
        calls.clear()
        found = f(*values, truth)
        assert {n[0] for n in calls} == {name}
        eps = 1e-6
        cost = pytensor.function([x, w, c], hs[-1], mode="PY")
        slope = (cost(values[0], 0.7 + eps, truth) - cost(values[0], 0.7 - eps, truth)) / eps / 2
        np.testing.assert_allclose(found[1], slope, rtol=1e-6)


@modes
def test_what_branches_of_several_choices_need(mode):
    c, d, x = pt.bscalar("c"), pt.bscalar("d"), pt.dvector("x")
    shared = Noted("s")(pt.exp(x))
    outs = [
        ifelse(c, shared + 1, x),
        ifelse(d, pt.sin(x), shared * 2),
        ifelse(c, ifelse(pt.eq(d, 1), x, Noted("t")(shared)), x) + ifelse(d, x, Noted("u")(x)),
    ]
    f = pytensor.function([c, d, x], outs, mode=mode)
    value = np.array([0.5, 1.0])
    for truths, needed in (((0, 0), "su"), ((0, 1), ""), ((1, 0), "stu"), ((1, 1), "s")):
        calls.clear()
        found = f(*truths, value)
        assert set(calls) == set(needed), truths
        s = 2 * np.exp(value)
        wanted = [
            s + 1 if truths[0] else value,
            np.sin(value) if truths[1] else s * 2,
            (2 * s if truths[0] and not truths[1] else value) + (value if truths[1] else 2 * value),
        ]
        for one, other in zip(found, wanted, strict=True):
            np.testing.assert_allclose(one, other)


def test_gradient_for_one_branch_alone():
    c, x, y = pt.bscalar("c"), pt.dvector("x"), pt.dvector("y")
    cost = ifelse(c, pt.log(x).sum(), 1.0) + y.sum()
    f = pytensor.function([c, x, y], grad(cost, [x, y]))
    # Where the branch isn't taken, its derivative is zero even if it has no value.
    for truth, wanted in ((1, [np.inf, 0.5]), (0, [0, 0])):
        with np.errstate(divide="ignore"):
            gx, gy = f(truth, [0.0, 2.0], [1.0])
        assert gx.tolist() == wanted and gy.tolist() == [1]
    rows = jacobian(ifelse(c, pt.tanh(x), x * y), x)
    values = [0.1, 0.2], [3.0, 4.0]
    np.testing.assert_allclose(pytensor.function([c, x, y], rows)(0, *values), np.diag([3.0, 4.0]))
    one = pytensor.function([c, x, y], rows)(1, *values)
    np.testing.assert_allclose(one, np.diag(1 - np.tanh(values[0]) ** 2))


def test_known_choices_are_made():
    c, x, y = pt.bscalar("c"), pt.dvector("x"), pt.dvector("y")
    f = pytensor.function([x, y], [ifelse(1, x, y) + 1, ifelse(0, x, y) * 2])
    assert not choices(f)
    np.testing.assert_allclose(f([1.0], [2.0]), [[2.0], [4.0]])
    same = ifelse(c, [x, x, y, x], [y, x, x, y])
    f = pytensor.function([c, x, y], [v + k for k, v in enumerate(same)])
    assert [n.op.n_outs for n in choices(f)] == [2]
    unused = ifelse(c, [x, pt.exp(x)], [y, pt.exp(y)])[0]
    assert [n.op.n_outs for n in choices(pytensor.function([c, x, y], unused))] == [1]
    for truth in (0, 1):
        a, b = ([1.0], [5.0]) if truth else ([5.0], [1.0])
        np.testing.assert_allclose(f(truth, [1.0], [5.0]), [a, [2.0], [b[0] + 2], [a[0] + 3]])


def test_the_same_question_is_asked_once():
    c, d, x, y, z = pt.bscalar("c"), pt.bscalar("d"), *pt.dvectors("x", "y", "z")
    f = pytensor.function([c, x, y, z], ifelse(c, ifelse(c, x, y), z), on_unused_input="ignore")
    assert len(choices(f)) == 1
    g = pytensor.function([c, x, y, z], ifelse(c, x, ifelse(c, y, z)), on_unused_input="ignore")
    assert len(choices(g)) == 1
    h = pytensor.function([c, d, x, y, z], ifelse(c, x, ifelse(d, y, z)))
    assert len(choices(h)) == 2
    for truth in (0, 1):
        assert f(truth, [1.0], [2.0], [3.0]) == g(truth, [1.0], [2.0], [3.0])
        assert h(0, truth, [1.0], [2.0], [3.0]) == [2.0 if truth else 3.0]


def test_siblings_become_one_choice():
    c, x, y = pt.bscalar("c"), pt.dmatrix("x"), pt.dmatrix("y")
    f = pytensor.function([c, x, y], pt.dot(ifelse(c, x, y + 1), ifelse(c, y, x)))
    assert len(choices(f)) == 1
    one, two = np.random.default_rng(0).normal(size=(2, 3, 3))
    np.testing.assert_allclose(f(1, one, two), one @ two)
    np.testing.assert_allclose(f(0, one, two), (two + 1) @ one)
    # A reader of its own may not need it.
    left, right = ifelse(c, x, y + 1), ifelse(c, y, x)
    graph = FunctionGraph([c, x, y], [pt.dot(left, right), left], clone=False)
    assert merge_sibling_ifelse.transform(graph, left.owner) is None
    assert merge_sibling_ifelse.transform(graph, right.owner) is None


def test_numbers_take_the_dtype_of_the_other_branch():
    c, x, n = pt.bscalar("c"), pt.dscalar("x"), pt.lscalar("n")
    assert ifelse(c, x, 0).type.dtype == ifelse(c, 1.5, x).type.dtype == "float64"
    assert ifelse(c, n, 3).type.dtype == "int64"
    with pytest.raises(TypeError, match="compatible dtypes"):
        ifelse(c, n, 0.5)
    assert isinstance(ifelse(c, (x,), (0.0,)), tuple)


def test_a_real_condition_has_the_derivative_zero():
    d, x = pt.dscalar("d"), pt.dvector("x")
    assert grad(ifelse(d, x.sum(), (x**2).sum()), d).eval({d: 1.0, x: [2.0]}) == 0
    assert grad(ifelse(d, d * x.sum(), d**2), d).eval({d: 3.0, x: [2.0]}) == 2
