"""What tests of rules share: compile with and without rules, compare graphs and values."""

import numpy as np

import pytensor
import pytensor.tensor as pt
from pytensor.compile.mode import Mode
from pytensor.graph.traversal import explicit_graph_inputs

_NOT = ("fusion", "elemwise_fusion", "inplace", "BlasOpt")
FULL = Mode("py", "fast_run").excluding(*_NOT)
TO_THE_LETTER = FULL.excluding("ieee_unsafe")
PLAIN = Mode("py", None)


def ops_of(expression, mode=FULL) -> list[str]:
    """Return the names of the ops that are left of an expression, sorted."""
    inputs = list(explicit_graph_inputs([expression]))
    f = pytensor.function(inputs, expression, mode=mode)
    names = (str(node.op) for node in f.maker.fgraph.toposort())
    return sorted(name for name in names if "DeepCopy" not in name)


def sample(var, rng, special=False):
    """Return a value for a variable; with `special`, NaN, infinities and zeros are among it."""
    shape = tuple(n if n is not None else (3, 4)[i % 2] for i, n in enumerate(var.type.shape))
    dtype = var.type.dtype
    if dtype == "bool":
        return rng.random(shape) < 0.5
    if dtype.startswith("uint"):
        return rng.integers(0, 5, size=shape).astype(dtype)
    if dtype.startswith("int"):
        return rng.integers(-5, 6, size=shape).astype(dtype)
    value = rng.normal(size=shape) * 1.5
    if special:
        odd = rng.choice([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0], size=shape)
        value = np.where(rng.random(shape) < 0.4, odd, value)
    return np.asarray(value, dtype=dtype)


def assert_same_values(expression, mode=FULL, seed=1, special=False, where_finite=False):
    """Compare the compiled expression with the one compiled without any rule."""
    rng = np.random.default_rng(seed)
    inputs = list(explicit_graph_inputs([expression]))
    values = [sample(var, rng, special) for var in inputs]
    plain = pytensor.function(inputs, expression, mode=PLAIN)(*values)
    ruled = pytensor.function(inputs, expression, mode=mode)(*values)
    assert ruled.dtype == plain.dtype
    assert ruled.shape == plain.shape
    if where_finite:
        finite = np.isfinite(plain)
        ruled, plain = ruled[finite], plain[finite]
    rtol = 1e-5 if "float32" in {var.type.dtype for var in inputs} else 1e-7
    np.testing.assert_allclose(ruled, plain, rtol=rtol, atol=1e-9, err_msg=f"seed {seed}")


def symbols():
    """Return the variables test expressions are made of, by name."""
    return {
        **{name: pt.dmatrix(name) for name in "xyz"},
        **{name: pt.dvector(name) for name in "uv"},
        **{name: pt.dscalar(name) for name in "st"},
        **{name: pt.lmatrix(name) for name in "ij"},
        "f": pt.fmatrix("f"),
        "k": pt.bmatrix("k"),
        "w": pt.TensorType("uint8", (None, None))("w"),
        "b": pt.TensorType("bool", (None, None))("b"),
    }
