"""Mistakes that show before anything runs: the class of the error, and what its text must say."""

import re

import numpy as np
import pytest

import pytensor
import pytensor.tensor as pt
from pytensor import function, grad, shared
from pytensor.compile.mode import Mode, get_mode
from pytensor.compile.rebuild import UnusedInputError
from pytensor.gradient import DisconnectedInputError, hessian, jacobian
from pytensor.graph.utils import MissingInputError

x, y, v = pt.dmatrix("x"), pt.dmatrix("y"), pt.dvector("v")
s, i = pt.dscalar("s"), pt.lscalar("i")
a, b = pt.tensor("a", shape=(2, 3)), pt.tensor("b", shape=(4, 5))
w = shared(np.zeros(3), name="w")
ones = np.ones

FUNCTION = {
    "duplicate input": (lambda: function([x, x], x), UnusedInputError, "x is used twice", "0 and 1"),
    "unused input": (lambda: function([x, y], x), UnusedInputError, "index 1", ": y", "ignore"),
    "missing input": (
        lambda: function([x], y + x), MissingInputError, r"\(y\)", r"Add\(y, x\)", "test_wrong_builds",
    ),
    "output is no variable": (lambda: function([x], "x"), TypeError, "Out", "str"),
    "input is no variable": (lambda: function(["x"], x), TypeError, "'x'", "str"),
    "inputs not in a list": (lambda: function(x, x), TypeError, "list"),
    "unknown mode": (lambda: function([x], x, mode="nomode"), ValueError, "nomode", "FAST_RUN"),
    "unknown linker": (lambda: Mode(linker="zz"), ValueError, "zz", "cvm"),
    "unknown optimizer": (lambda: Mode(optimizer="zz"), ValueError, "zz", "fast_run"),
    "unknown argument": (lambda: function([x], x, colour=1), TypeError, "colour"),
    "rank of an update": (
        lambda: function([], w, updates=[(w, w.sum())]), TypeError, "update", "w", r"shape=\(\)",
    ),
    "dtype of an update": (
        lambda: function([], w, updates=[(w, pt.cast(w, "complex128"))]), TypeError, "complex128",
    ),
    "value of an update": (lambda: function([], w, updates=[(w, "a")]), TypeError, "update", "str"),
    "two updates": (
        lambda: function([], w, updates=[(w, w), (w, w + 1)]), ValueError, "w", "already has an update",
    ),
    "update of no shared variable": (
        lambda: function([v], v, updates=[(v, v)]), TypeError, "update target", "v",
    ),
    "type of a given": (lambda: function([x], w, givens={w: x}), TypeError, "Matrix", "Vector"),
    "given for an input": (lambda: function([x], x, givens={x: x + 1}), RuntimeError, "givens", "x"),
    "shared variable as input": (lambda: function([w], w), TypeError, "w", "givens"),
    "unknown name in eval": (lambda: (x + 1).eval({"z": 1}), ValueError, "z not found"),
    "eval of no mapping": (lambda: (x + 1).eval(5), TypeError, "dict", "5"),
}  # fmt: skip

STATIC = {
    "dot": (lambda: pt.dot(a, b), ValueError, r"\[Dot\]", r"\(2, 3\)", r"\(4, 5\)"),
    "matmul": (lambda: a @ b, ValueError, "inner dimension", r"\(2, 3\)", r"\(4, 5\)"),
    "elementwise": (lambda: a + b, ValueError, r"\[Add\]", r"\(2, 3\)", r"\(4, 5\)"),
    "join": (lambda: pt.join(0, a, b), ValueError, "match", "3, 5"),
    "join ranks": (lambda: pt.concatenate([a, v]), TypeError, "number of dimensions", "2, 1"),
    "reshape": (lambda: a.reshape((5, 5)), ValueError, r"\(2, 3\)", r"\(5, 5\)"),
    "index": (lambda: a[5], IndexError, "index 5", "size 2"),
    "too many indices": (lambda: a[0, 0, 0], IndexError, "2-dimensional", "3 were indexed"),
    "float index": (lambda: a[1.5], TypeError, "integers", "1.5"),
    "name as index": (lambda: a["k"], TypeError, "integers", "k"),
    "set": (lambda: a[0].set(ones(7)), ValueError, r"\(3,\)", r"\(7,\)"),
    "axis": (lambda: a.sum(axis=5), np.exceptions.AxisError, "5", "2"),
    "dimshuffle": (lambda: a.dimshuffle(0), ValueError, "length 1", "axis 1"),
    "square": (lambda: pt.linalg.inv(a), ValueError, "square", r"\(2, 3\)"),
    "solve": (lambda: pt.linalg.solve(a[:, :2], b), ValueError, r"\[Solve\]", r"\(4, 5\)"),
    "rank of cholesky": (lambda: pt.linalg.cholesky(v), ValueError, "dimensions", "v"),
    "stated shape": (lambda: pt.specify_shape(a, (3, 3)), ValueError, "length 3", r"\(2, 3\)"),
    "length": (lambda: pt.zeros((1.5,)), TypeError, "1.5"),
    "negative length": (lambda: pt.zeros(-1), ValueError, "-1"),
    "dtype": (lambda: pt.cast(x, "zzz"), TypeError, "zzz"),
    "bits of floats": (lambda: ~x, TypeError, "float64"),
    "truth": (lambda: bool(x > 1), TypeError, "boolean"),
    "operand": (lambda: x + "a", TypeError, "str"),
    "count of operands": (lambda: pt.exp(x, y), TypeError, r"\[Exp\]", "1", "got 2"),
    "einsum": (lambda: pt.einsum("ij,jk", a, b), ValueError, "'j'", "3 and 4"),
}  # fmt: skip

GRADIENT = {
    "cost not a scalar": (lambda: grad(x, x), TypeError, "scalar", "x of Matrix"),
    "disconnected": (lambda: grad(s, x), DisconnectedInputError, "not part", ": x"),
    "disconnected, one of two": (lambda: grad(s * 2, [s, x]), DisconnectedInputError, ": x"),
    "wrt no variable": (lambda: grad(s, "x"), TypeError, "wrt", "'x'"),
    "cost no variable": (lambda: grad("s", x), TypeError, "cost", "'s'"),
    "unknown option": (
        lambda: grad(s, s, disconnected_inputs="bad"), ValueError, "disconnected_inputs", "bad", "ignore",
    ),
    "jacobian": (lambda: jacobian(x.sum(), v), DisconnectedInputError, ": v"),
    "hessian": (lambda: hessian(v, v), ValueError, "0 dimensional", "v"),
    "pushforward": (lambda: pytensor.pushforward(v, v, x), ValueError, "1 and 2"),
    "pullback": (lambda: pytensor.pullback(v, v, x), ValueError, "dimensions", "Vector", "Matrix"),
}  # fmt: skip

VALUES = {
    "rank": (lambda: f(ones(3)), TypeError, "expected 2, got 1", r"\(3,\)", "argument 0", "x"),
    "text": (lambda: f("a"), TypeError, "'a'", "argument 0", "x"),
    "nothing": (lambda: f(None), TypeError, "None", "argument 0"),
    "ragged": (lambda: f([[1, 2], [3]]), TypeError, "inhomogeneous"),
    "objects": (lambda: f(np.array([[None]])), TypeError, "object"),
    "precision": (lambda: f(ones((2, 2), complex)), TypeError, "complex128", "allow_input_downcast"),
    "static shape": (lambda: g(ones((3, 3))), TypeError, r"\(2, 3\)", r"\(3, 3\)", "a"),
    "fraction": (lambda: h(1.5), TypeError, "1.5", "int64"),
    "too large": (lambda: h(2**70), TypeError, str(2**70)),
    "missing": (lambda: f(), TypeError, "Missing", "x"),
    "too many": (lambda: f(ones((2, 2)), 1), TypeError, "got 2"),
    "unknown name": (lambda: f(z=1), TypeError, "Unknown input: z"),
    "shared rank": (lambda: w.set_value(ones((2, 2))), TypeError, "expected 1, got 2"),
    "shared text": (lambda: w.set_value("a"), TypeError, "'a'"),
    "symbolic shared": (lambda: shared(x), TypeError, "symbolic"),
}  # fmt: skip

SETTINGS = {
    "value": (lambda: setattr(pytensor.config, "floatX", "float8"), ValueError, "float8", "float32"),
    "name": (lambda: setattr(pytensor.config, "floatY", "float32"), AttributeError, "floatY", "floatX"),
    "mode": (lambda: get_mode("zz"), ValueError, "zz", "FAST_RUN"),
}  # fmt: skip


@pytest.fixture(scope="module", params=["C", "py"], autouse=True)
def compiled(request):
    """The three functions that `VALUES` calls, in each mode."""
    global f, g, h
    f, g, h = (function([k], k * 2, mode=request.param) for k in (x, a, i))


def check(case):
    attempt, exception, *words = case
    with pytest.raises(exception) as caught:
        attempt()
    message = str(caught.value)
    for word in words:
        assert re.search(word, message), f"{word} is not in\n{message}"
    assert len(message.splitlines()) <= 15


@pytest.mark.parametrize("case", [*FUNCTION.values(), *STATIC.values(), *GRADIENT.values()],
                         ids=[*FUNCTION, *STATIC, *GRADIENT])  # fmt: skip
def test_building(case):
    check(case)


@pytest.mark.parametrize("case", VALUES.values(), ids=VALUES)
def test_values(case):
    check(case)
    assert f(ones((2, 2))).tolist() == [[2, 2], [2, 2]]
    assert w.get_value().tolist() == [0, 0, 0]


@pytest.mark.parametrize("case", SETTINGS.values(), ids=SETTINGS)
def test_settings(case):
    check(case)
