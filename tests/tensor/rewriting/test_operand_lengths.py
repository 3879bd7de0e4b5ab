"""Operands that rules take away still ask for their lengths, with the error of the operation."""

import numpy as np
import pytest

import pytensor.tensor as pt
from pytensor import function

A, B = pt.matrix("A"), pt.matrix("B")
three, u = pt.tensor("three", shape=(3,)), pt.vector("u")

PROGRAMS = {
    "zero product": ("Add", pt.zeros((2, 3)) @ A + B),
    "subtracted": ("Sub", B - pt.zeros((2, 3)) @ A),
    "lifted": ("Add", pt.zeros((2, 3)) @ A + (B + three[0])),
    "cancelled": ("Sub", (three + u) - three),
    "divided": ("True_div", u * three / three),
    "times zero": ("Add", three * 0 + u),
    "times one": ("Mul", pt.ones((2, 3)) * B),
    "choice": ("Switch", pt.switch(pt.ones(3, dtype="bool"), u, u)),
    "power": ("Pow", u ** pt.ones(3)),
}


@pytest.mark.parametrize("mode", ["C", "PY"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_error_of_the_operation(name, mode):
    operation, out = PROGRAMS[name]
    f = function([A, B, three, u], out, mode=mode, on_unused_input="ignore")
    ones = [np.ones(shape) for shape in [(3, 2), (3, 2), 3, 4]]
    with pytest.raises(ValueError, match=rf"\[{operation}\] Input dimension mismatch.*\b[34]\b"):
        f(*ones)
    matching = [np.ones((3, 2)), np.ones((2, 3 if name == "times one" else 2)), ones[2], ones[2]]
    wanted = function([A, B, three, u], out, mode="FAST_COMPILE", on_unused_input="ignore")
    np.testing.assert_allclose(f(*matching), wanted(*matching))
