"""JAX functions in graphs; most of it where jax is installed only."""

import sys

import numpy as np
import pytest

import pytensor
import pytensor.tensor as pt
from pytensor import wrap_jax


def test_without_jax(monkeypatch):
    monkeypatch.setitem(sys.modules, "jax", None)
    with pytest.raises(ImportError, match="pip install jax"):
        wrap_jax(lambda x: x)(pt.scalar("x"))


def test_value_and_gradient():
    jnp = pytest.importorskip("jax.numpy")

    @wrap_jax
    def f(x, y, scale=1.0):
        return {"sum": jnp.sin(x) * y * scale, "n": jnp.sum(x)}

    x, y = pt.vector("x", shape=(3,)), pt.scalar("y")
    out = f(x, y, scale=2.0)
    assert out["sum"].type.shape == (3,)
    g = pytensor.grad(out["sum"].sum() + out["n"], [x, y])
    v = np.array([0.1, 0.2, 0.3])
    for mode in (None, "PY"):
        s, n, dx, dy = pytensor.function([x, y], [out["sum"], out["n"], *g], mode=mode)(v, 1.5)
        np.testing.assert_allclose(s, np.sin(v) * 3)
        np.testing.assert_allclose(n, v.sum())
        np.testing.assert_allclose(dx, np.cos(v) * 3 + 1)
        np.testing.assert_allclose(dy, np.sin(v).sum() * 2)


def test_shapes():
    jnp = pytest.importorskip("jax.numpy")
    add = wrap_jax(lambda x: jnp.add(x, 1))
    with pytest.raises(ValueError, match="shapes of all inputs"):
        add(pt.vector("x"))
    shared = pytensor.shared(np.zeros(3))
    np.testing.assert_array_equal(add(shared).eval(), 1)
    with pytest.raises(ValueError, match="shapes of all inputs"):
        wrap_jax(allow_eval=False)(lambda x: x)(shared)
