"""Gradients of tensor expressions against finite differences and closed forms."""

import numpy as np
import pytest

import pytensor.tensor as pt
from pytensor.compile.maker import function
from pytensor.compile.mode import Mode
from pytensor.gradient import (
    DisconnectedInputError,
    GradientError,
    NullTypeGradError,
    consider_constant,
    disconnected_grad,
    grad,
    grad_clip,
    grad_scale,
    hessian,
    hessian_vector_product,
    jacobian,
    pullback,
    pushforward,
    undefined_grad,
    verify_grad,
    zero_grad,
)

PY = Mode(linker="py", optimizer=None)


def value(outputs, given):
    return function(list(given), outputs, mode=PY, on_unused_input="ignore")(*given.values())


@pytest.fixture
def rng():
    return np.random.default_rng(7)


def test_dtypes_and_containers():
    f, d = pt.fvector("f"), pt.dvector("d")
    assert grad((f * f).sum(), f).dtype == "float32"
    assert isinstance(grad((f * d).sum(), (f, d)), tuple)
    i = pt.ivector("i")
    assert grad(pt.exp(i).sum(), i).dtype == "float64"
    np.testing.assert_array_equal(
        value(grad((i * 2).sum(), i), {i: np.array([1, 2], "int32")}), [0, 0]
    )


def test_cost_must_be_a_scalar():
    v = pt.dvector("v")
    with pytest.raises(TypeError, match="Cost must be a scalar") as err:
        grad(v * 2, v)
    assert "test_gradient.py" in str(err.value)


def test_broadcasting_is_summed_back(rng):
    x, m = pt.dvector("x"), pt.dmatrix("m")
    g = grad((pt.exp(x) * m).sum(), [x, m])
    a, b = rng.normal(size=3), rng.normal(size=(4, 3))
    gx, gm = value(g, {x: a, m: b})
    np.testing.assert_allclose(gx, (np.exp(a) * b).sum(0))
    np.testing.assert_allclose(gm, np.broadcast_to(np.exp(a), (4, 3)))


def test_known_grads_and_consider_constant(rng):
    v = pt.dvector("v")
    y = v**2
    a = rng.normal(size=3)
    g = grad(None, v, known_grads={y: pt.constant([1.0, 2.0, 3.0])})
    np.testing.assert_allclose(value(g, {v: a}), 2 * a * [1, 2, 3])
    # a gradient without dimensions counts for every element
    np.testing.assert_allclose(value(pullback(y, v, pt.constant(2.0)), {v: a}), 4 * a)
    g = grad((y * v).sum(), v, consider_constant=[y])
    np.testing.assert_allclose(value(g, {v: a}), a**2)


def test_markers(rng):
    x = pt.dvector("x")
    a = rng.normal(size=3)

    def slope(expression):
        return value(grad(expression.sum(), x), {x: a})

    np.testing.assert_allclose(slope(zero_grad(x) * x), a)
    np.testing.assert_array_equal(slope(zero_grad(x)), 0)
    np.testing.assert_allclose(slope(disconnected_grad(x) * x), a)
    np.testing.assert_allclose(slope(consider_constant(x) * x), a)
    np.testing.assert_allclose(slope(grad_scale(x, 3.0) * 2), [6, 6, 6])
    np.testing.assert_allclose(slope(grad_clip(x, -0.1, 0.1) * 2), [0.1] * 3)
    np.testing.assert_array_equal(value(grad_clip(zero_grad(x), -1, 1), {x: a}), a)
    with pytest.raises(DisconnectedInputError):
        slope(disconnected_grad(x))
    with pytest.raises(NullTypeGradError, match="UndefinedGrad"):
        slope(undefined_grad(x))
    with pytest.raises(ValueError, match="clip_upper_bound"):
        grad_clip(x, 1, -1)


def test_pushforward_agrees_with_differences(rng):
    v, t, m = pt.dvector("v"), pt.dvector("t"), pt.dmatrix("m")
    out = pt.tanh(m @ v).sum() * v
    a, da, mat = rng.normal(size=3), rng.normal(size=3), rng.normal(size=(2, 3))
    h = 1e-6
    ahead, behind = (value(out, {v: a + s * da, m: mat}) for s in (h, -h))
    expected = (ahead - behind) / (2 * h)
    for direct in (False, True):
        pushed = pushforward(out, v, t, use_op_pushforward=direct)
        np.testing.assert_allclose(value(pushed, {v: a, t: da, m: mat}), expected, rtol=1e-7)
    with pytest.raises(DisconnectedInputError, match="v$|v\n"):
        pushforward(v, m, m)
    with pytest.raises(ValueError, match="mismatched dimensionalities"):
        pushforward(out, v, m)


def test_jacobian(rng):
    v, m = pt.dvector("v"), pt.dmatrix("m")
    a, mat = rng.normal(size=3), rng.normal(size=(2, 3))
    given = {v: a, m: mat}
    np.testing.assert_allclose(value(jacobian(m @ v, v), given), mat)
    jv, jm = value(jacobian(pt.exp(m) * v, [v, m]), given)
    np.testing.assert_allclose(jv, np.exp(mat)[:, :, None] * np.eye(3))
    expected = np.einsum("ij,ik,jl->ijkl", np.exp(mat) * a, np.eye(2), np.eye(3))
    np.testing.assert_allclose(jm, expected)
    np.testing.assert_allclose(value(jacobian(v.sum() ** 2, v), given), [2 * a.sum()] * 3)
    zero = value(jacobian(m, v, disconnected_inputs="ignore"), given)
    np.testing.assert_array_equal(zero, np.zeros((2, 3, 3)))
    empty = value(jacobian(v * 2, v), {v: np.zeros(0)})
    assert empty.shape == (0, 0)
    with pytest.raises(DisconnectedInputError):
        jacobian(m, v)
    with pytest.raises(TypeError, match="expects a Variable"):
        jacobian(3, v)


def test_hessian(rng):
    v = pt.dvector("v")
    m = pt.dmatrix("m")
    a, mat = rng.normal(size=3), rng.normal(size=(3, 3))
    cost = (v @ m @ v) + (v**3).sum()
    expected = mat + mat.T + np.diag(6 * a)
    np.testing.assert_allclose(value(hessian(cost, v), {v: a, m: mat}), expected)
    p = pt.dvector("p")
    d = rng.normal(size=3)
    product = hessian_vector_product(cost, v, p)
    np.testing.assert_allclose(value(product, {v: a, m: mat, p: d}), expected @ d)
    np.testing.assert_array_equal(value(hessian(v.sum(), v), {v: a}), np.zeros((3, 3)))
    for cost, wrt in ((v, v), (v.sum(), m)):
        with pytest.raises(ValueError, match="dimensional variable"):
            hessian(cost, wrt)
    with pytest.raises(ValueError, match="same length"):
        hessian_vector_product(v.sum(), [v], [p, p])


def test_complex(rng):
    z, x = pt.zvector("z"), pt.dvector("x")
    cost = (abs(pt.exp(z) * x) ** 2).sum() + pt.imag(z * z).sum()
    a, b = rng.normal(size=2) + 1j * rng.normal(size=2), rng.normal(size=2)
    f = function([z, x], cost, mode=PY)
    gz, gx = value(grad(cost, [z, x]), {z: a, x: b})
    h = 1e-6
    for i, e in enumerate(np.eye(2)):
        re = (f(a + h * e, b) - f(a - h * e, b)) / (2 * h)
        im = (f(a + 1j * h * e, b) - f(a - 1j * h * e, b)) / (2 * h)
        np.testing.assert_allclose(gz[i], re + 1j * im, rtol=1e-6)
        np.testing.assert_allclose(gx[i], (f(a, b + h * e) - f(a, b - h * e)) / (2 * h), rtol=1e-6)


def test_verify_grad(rng):
    a = rng.normal(size=(2, 3))
    verify_grad(lambda x, y: pt.tanh(x) * y.sum(), [a, a[0]], rng=rng, mode=PY)
    with pytest.raises(GradientError, match="exceed tolerance"):
        verify_grad(lambda x: grad_scale(x**2, 2.0), [a], rng=rng, mode=PY)
    with pytest.raises(TypeError, match="floating point inputs"):
        verify_grad(lambda x: x, [np.array([1, 2])])
    with pytest.raises(TypeError, match="list or tuple"):
        verify_grad(lambda x: x, a)
    low = a.astype("float32")
    verify_grad(lambda x: pt.exp(x), [low], rng=rng, mode=PY)


UNARY = [pt.exp, pt.sin, pt.tanh, pt.sqr, pt.sigmoid, pt.softplus, lambda x: pt.log1p(x**2), abs]
BINARY = [
    pt.add, pt.mul, pt.sub, pt.maximum, pt.minimum, lambda x, y: x / (1 + y**2),
    lambda x, y: pt.switch(x > y, x * y, y), pt.arctan2,
]  # fmt: skip


def random_expression(rng, x, y, steps):
    """Combine a vector and a column by random operations; return a matrix, vector or column."""
    pool = [x, y]
    for _ in range(steps):
        kind = rng.integers(4)
        a = pool[rng.integers(len(pool))]
        b = pool[rng.integers(len(pool))]
        if kind == 0:
            new = UNARY[rng.integers(len(UNARY))](0.3 * a)
        elif kind == 1:
            new = BINARY[rng.integers(len(BINARY))](a, b)
        elif kind == 2:
            new = a - a.mean(axis=int(rng.integers(a.ndim)), keepdims=True)
        else:
            new = a[..., ::-1] * b.sum()
        pool.append(new)
    return sum(e.mean() for e in pool[2:])


@pytest.mark.parametrize("seed", range(12))
def test_random_graphs(seed):
    """Prints its seed as the name of the failing case."""
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=3), rng.normal(size=(2, 1))
    verify_grad(lambda a, b: random_expression(np.random.default_rng(seed), a, b, 8), [x, y],
                n_tests=1, rng=rng, mode=PY, rel_tol=1e-4)  # fmt: skip


def test_a_derivative_points_at_the_line_it_is_derived_from():
    x = pt.dvector("x")
    y = pt.exp(x)
    line = y.tag.trace[0][0][1]
    g = grad(y.sum(), x)
    assert g.tag.trace[0][0][:2] == (__file__, line)
