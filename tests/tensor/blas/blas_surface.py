"""Compile, count the products and compare the value: what the tests of the surface share."""

from collections import Counter

import numpy as np

import pytensor
from pytensor.tensor.blas._op import BlasOp
from pytensor.tensor.math import Dot

rng = np.random.default_rng(5)


def ops(function):
    return [node.op for node in function.maker.fgraph.toposort()]


def calls(function):
    """Return how many products of each kind a function has."""
    names = [
        type(op).__name__
        for op in ops(function)
        if isinstance(getattr(op, "core_op", op), BlasOp | Dot)
    ]
    return dict(Counter(names))


def values_for(inputs, lengths=None):
    shapes = {2: (4, 4), 1: (4,), 0: ()}
    result = []
    for var in inputs:
        shape = lengths[var] if lengths and var in lengths else shapes[var.type.ndim]
        value = rng.normal(size=shape)
        if var.type.dtype.startswith("complex"):
            value = value + 1j * rng.normal(size=shape)
        result.append(value.astype(var.type.dtype))
    return result


def check(mode, inputs, out, equation, expected, lengths=None):
    """Compile, compare the value with NumPy's and the products with those expected."""
    function = pytensor.function(inputs, out, mode=mode, on_unused_input="ignore")
    values = values_for(inputs, lengths)
    got, want = function(*values), equation(*values)
    tolerance = 1e-4 if got.dtype in ("float32", "complex64") else 1e-9
    np.testing.assert_allclose(got, want, rtol=tolerance, atol=tolerance)
    assert calls(function) == expected
    return function
