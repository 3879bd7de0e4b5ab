"""Minima and roots: values, success flags, implicit derivatives, options, errors."""

import pickle

import numpy as np
import pytest
import scipy.optimize

import pytensor
import pytensor.tensor as pt
from pytensor.gradient import jacobian, verify_grad
from pytensor.graph.replace import graph_replace
from pytensor.tensor.optimize import minimize, minimize_scalar, root, root_scalar

RNG = np.random.default_rng(8)


def compiled(inputs, outputs):
    return [
        pytensor.function(inputs, outputs, mode=mode, on_unused_input="ignore")
        for mode in (None, "PY")
    ]


@pytest.mark.parametrize(
    "method, kwargs",
    [
        ("brent", {}),
        ("brent", {"bracket": (0.0, 1.0)}),
        ("golden", {"bracket": (0.0, 0.5, 3.0)}),
        ("bounded", {"bounds": (-1.0, 3.0)}),
        ("bounded", {"optimizer_kwargs": {"bounds": (-1.0, 3.0), "options": {"xatol": 1e-9}}}),
    ],
)
def test_minimize_scalar(method, kwargs):
    x, a = pt.scalar("x"), pt.scalar("a")
    objective = (x - a) ** 2 + x**4
    solution, success = minimize_scalar(objective, x, method, **kwargs)
    assert solution.type == x.type
    assert success.type.dtype == "bool"
    for f in compiled([x, a], [solution, success, pt.grad(solution, a)]):
        got, ok, slope = f(0.0, 2.0)
        np.testing.assert_allclose(got, 0.8351223484791, atol=1e-4)
        assert ok
        np.testing.assert_allclose(slope, 2 / (2 + 12 * got**2), rtol=1e-10)


def test_symbolic_bracket():
    x, a, b = pt.scalar("x"), pt.scalar("a"), pt.vector("b")
    solution, _ = minimize_scalar((x - a) ** 2, x, "bounded", bounds=b)
    for f in compiled([x, a, b], solution):
        np.testing.assert_allclose(f(0.0, 0.3, [0.0, 1.0]), 0.3, atol=1e-5)
        np.testing.assert_allclose(f(0.0, 2.0, [0.0, 1.0]), 1.0, atol=1e-4)
    solution, _ = root_scalar(x**2 - a, x, "brentq", bracket=(0, a + 1))
    for f in compiled([x, a], solution):
        np.testing.assert_allclose(f(0.0, 2.0), np.sqrt(2), rtol=1e-10)
        with pytest.raises(ValueError, match="different signs"):
            f(0.0, -0.5)


@pytest.mark.parametrize(
    "method, hess",
    [
        ("BFGS", False),
        ("L-BFGS-B", False),
        ("trust-exact", True),
        ("Newton-CG", True),
        ("Nelder-Mead", False),
    ],
)
def test_minimize(method, hess):
    x, a = pt.vector("x"), pt.vector("a")
    objective = pt.sum((x - a) ** 2) + pt.sum(x) ** 4 / 10
    solution, success = minimize(objective, x, method, hess=hess, optimizer_kwargs={"tol": 1e-8})
    start, values = np.zeros(3), np.array([0.5, -1.0, 2.0])
    want = scipy.optimize.minimize(
        lambda x: np.sum((x - values) ** 2) + np.sum(x) ** 4 / 10, start, tol=1e-12
    ).x
    for f in compiled([x, a], [solution, success]):
        got, ok = f(start, values)
        np.testing.assert_allclose(got, want, atol=1e-5)
        assert ok or method == "BFGS"  # which may stop for lack of precision
        np.testing.assert_array_equal(start, 0)


def test_gradient_of_minimum():
    def solution(a, b):
        x = pt.zeros(3)
        u = pt.vector("u")
        objective = pt.sum((u - a) ** 2) + b * pt.sum(u) ** 4
        found, _ = minimize(objective, u, optimizer_kwargs={"tol": 1e-12})
        return graph_replace(found, {u: x})

    verify_grad(
        solution, [np.array([0.5, -1.0, 2.0]), np.float64(0.1)], eps=1e-4, rel_tol=1e-3, rng=RNG
    )


def test_dependent_parameters():
    """A parameter that is computed from another counts once."""
    x, a = pt.scalar("x"), pt.scalar("a")
    solution, _ = minimize_scalar((x - a - a**2) ** 2, x)
    for f in compiled([x, a], pt.grad(solution, a)):
        np.testing.assert_allclose(f(0.0, 3.0), 7.0)
    v, b = pt.vector("v"), 2 * a
    solution, _ = minimize(pt.sum((v - a) ** 2) + pt.sum((v - b) ** 2), v)
    for f in compiled([v, a], jacobian(solution, a)):
        np.testing.assert_allclose(f(np.zeros(2), 3.0), [1.5, 1.5])


def test_many_unknowns():
    a, A, v, x = pt.scalar("a"), pt.matrix("A"), pt.vector("v"), pt.scalar("x")
    objective = pt.sum((v - a) ** 2) + pt.sum((A - 1) ** 2) + (x + a) ** 2
    solution, success = minimize(objective, [v, A, x])
    assert [s.type.ndim for s in solution] == [1, 2, 0]
    for f in compiled([v, A, x, a], [*solution, success, pt.grad(solution[2], a)]):
        got = f(np.zeros(3), np.zeros((2, 2)), 0.0, 0.5)
        for value, want in zip(
            got, [np.full(3, 0.5), np.ones((2, 2)), -0.5, True, -1], strict=True
        ):
            np.testing.assert_allclose(value, want, atol=1e-5)
    solution, _ = minimize(pt.sum((A - a) ** 2), A)
    np.testing.assert_allclose(solution.eval({A: np.zeros((2, 3)), a: 2.0}), 2, atol=1e-5)
    solution, _ = minimize((x - a) ** 2, x)
    np.testing.assert_allclose(solution.eval({x: 0.0, a: 2.0}), 2, atol=1e-5)


@pytest.mark.parametrize(
    "method, kwargs",
    [
        ("secant", {}),
        ("newton", {"jac": True}),
        ("halley", {"jac": True, "hess": True}),
        ("brentq", {"bracket": (0.0, 5.0)}),
        ("bisect", {"bracket": (0.0, 5.0), "optimizer_kwargs": {"xtol": 1e-12}}),
    ],
)
def test_root_scalar(method, kwargs):
    x, a = pt.scalar("x"), pt.scalar("a")
    solution, success = root_scalar(x**2 - a, x, method, **kwargs)
    for f in compiled([x, a], [solution, success, pt.grad(solution, a)]):
        got, ok, slope = f(1.0, 2.0)
        np.testing.assert_allclose(got, np.sqrt(2), rtol=1e-8)
        assert ok
        np.testing.assert_allclose(slope, 0.5 / np.sqrt(2), rtol=1e-8)


def test_failure_is_told():
    x, a = pt.scalar("x"), pt.scalar("a")
    _, success = root_scalar(x**2 + a, x, "newton", jac=True)
    for f in compiled([x, a], success):
        assert not f(1.0, 2.0)
    v = pt.vector("v")
    solution, success = minimize(
        pt.sum((v - a) ** 2), v, optimizer_kwargs={"options": {"maxiter": 0}}
    )
    for f in compiled([v, a], [solution, success]):
        got, ok = f(np.ones(3), 0.5)
        assert not ok
        np.testing.assert_array_equal(got, 1)


@pytest.mark.parametrize("method", ["hybr", "lm", "broyden1"])
@pytest.mark.parametrize("jac", [True, False])
def test_root(method, jac):
    v, a = pt.vector("v"), pt.scalar("a")
    equations = pt.stack([v[0] ** 2 - a, v[1] - v[0] * a])
    solution, success = root(equations, v, method, jac)
    for f in compiled([v, a], [solution, success, jacobian(solution, a)]):
        got, ok, slope = f(np.array([1.2, 1.5]), 2.0)
        np.testing.assert_allclose(got, [2**0.5, 2**1.5], rtol=1e-5)
        assert ok
        np.testing.assert_allclose(slope, [0.5 * 2**-0.5, 1.5 * 2**0.5], rtol=1e-5)


def test_root_of_scalars():
    x, y, a = pt.scalars("x", "y", "a")
    solution, success = root(pt.stack([x**2 - a, y - x]), [x, y])
    for f in compiled([x, y, a], [*solution, success, pt.grad(solution[1], a)]):
        np.testing.assert_allclose(f(1.0, 2.0, 2.0), [2**0.5, 2**0.5, 1, 0.5 / 2**0.5], rtol=1e-8)
    solution, _ = root(x**2 - a, x)
    assert solution.type.ndim == 0
    np.testing.assert_allclose(solution.eval({x: 1.0, a: 2.0}), 2**0.5)


def test_intermediate_unknown_and_shared():
    v, a = pt.vector("v"), pt.scalar("a")
    y = v + 1
    solution, _ = minimize(pt.sum((y - a) ** 2), y)
    np.testing.assert_allclose(solution.eval({v: np.zeros(2), a: 5.0}), 5, atol=1e-5)
    start, target = pytensor.shared(np.ones(3)), pytensor.shared(4.0)
    solution, _ = minimize(pt.sum((start - target) ** 2), start)
    np.testing.assert_allclose(solution.eval(), 4, atol=1e-5)


def test_float32():
    v = pt.fvector("v")
    solution, _ = minimize(pt.sum((v - np.float32(1)) ** 2), v, optimizer_kwargs={"tol": 1e-3})
    value = solution.eval({v: np.full(3, 2, dtype="float32")})
    assert value.dtype == "float32"
    np.testing.assert_allclose(value, 1, atol=1e-3)


def test_merged_and_pickled():
    v, a = pt.vector("v"), pt.scalar("a")
    one, _ = minimize(pt.sum((v - a) ** 2), v)
    two, _ = minimize(pt.sum((v - a) ** 2), v)
    assert one.owner.op == two.owner.op
    other, _ = minimize(pt.sum((v - a) ** 2), v, optimizer_kwargs={"tol": 1e-3})
    assert one.owner.op != other.owner.op
    op = pickle.loads(pickle.dumps(one.owner.op))
    assert op == one.owner.op
    f = pytensor.function([v, a], [one, two])
    assert sum(type(n.op).__name__ == "MinimizeOp" for n in f.maker.fgraph.apply_nodes) == 1


@pytest.mark.parametrize(
    "make, error, message",
    [
        (lambda x, v: minimize_scalar((v - 1) ** 2, x), ValueError, "must be a scalar"),
        (lambda x, v: minimize_scalar(pt.sum(v**2), v), ValueError, "must be a scalar"),
        (lambda x, v: minimize_scalar(pt.sum(v**2), x), ValueError, "must be an input"),
        (lambda x, v: minimize(v**2, v), ValueError, "must be a scalar"),
        (lambda x, v: minimize(pt.sum(v**2), v + 1), ValueError, "must be an input"),
        (lambda x, v: minimize(pt.sum(v**2), []), ValueError, "must not be empty"),
        (lambda x, v: minimize(pt.sum(v**2), 3), TypeError, "must be a variable"),
        (lambda x, v: root(pt.stack([x, x]), x), ValueError, "same number of dimensions"),
        (lambda x, v: root_scalar(v, x), ValueError, "must be a scalar"),
    ],
)
def test_bad_arguments(make, error, message):
    with pytest.raises(error, match=message):
        make(pt.scalar("x"), pt.vector("v"))


def test_integers_are_not_sought():
    v = pt.lvector("v")
    with pytest.raises(TypeError, match="floating point"):
        minimize(pt.sum(v**2), v)


def test_unknown_method():
    v = pt.vector("v")
    for f in compiled([v], minimize(pt.sum(v**2), v, "nonsense")):
        with pytest.raises(ValueError, match="Unknown solver nonsense"):
            f(np.ones(2))
