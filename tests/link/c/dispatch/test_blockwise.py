"""Batches of any Op with C run in a C loop, with the values and errors of Python mode."""

import numpy as np
import pytest

import pytensor.tensor as pt
from pytensor.graph.fg import FunctionGraph
from pytensor.link.py.linker import PyLinker
from pytensor.tensor._diag import AllocDiag, ExtractDiag
from pytensor.tensor.blockwise import Blockwise
from pytensor.tensor.extra_ops import CumOp, Repeat
from pytensor.tensor.math import Argmax
from pytensor.tensor.special import Softmax
from pytensor.tensor.subtensor import AdvancedIncSubtensor, AdvancedSubtensor
from tests.link.c.graphs import make, python_steps

BATCHES = [(), (1,), (4,), (2, 3), (0,), (2, 0)]


def pair(inputs, outputs):
    program = make(inputs, outputs)
    assert not python_steps(program)
    return program, PyLinker().make_program(FunctionGraph(list(inputs), list(outputs), clone=True))


def assert_same(got, expected):
    for a, b in zip(got, expected, strict=True):
        assert (a.dtype, a.shape) == (b.dtype, b.shape)
        np.testing.assert_allclose(a, b, rtol=1e-14)


def floats(*shape):
    return np.random.default_rng(list(shape)).normal(size=shape)


def tensors(*ndims, dtype="float64"):
    return [pt.tensor(f"x{i}", dtype=dtype, shape=(None,) * n) for i, n in enumerate(ndims)]


CORES = {
    "cumsum": (CumOp(axis=1, mode="add"), "(m,n)->(m,n)"),
    "softmax": (Softmax(axis=0), "(m,n)->(m,n)"),
    "argmax": (Argmax(axis=(1,)), "(m,n)->(m)"),
    "diagonal": (ExtractDiag(1), "(m,n)->(k)"),
    "diagonal, a view": (ExtractDiag(-1, view=True), "(m,n)->(k)"),
}


@pytest.mark.parametrize("batch", BATCHES)
@pytest.mark.parametrize("name", CORES)
def test_one_input(name, batch):
    op, signature = CORES[name]
    (x,) = tensors(len(batch) + 2)
    c, py = pair([x], [Blockwise(op, signature)(x)])
    value = floats(*batch, 3, 4)
    for v in (value, value[..., ::-1, ::-1], np.asfortranarray(value), value[..., ::2, ::3]):
        assert_same(c(v), py(v))


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint16", "float32", "complex128"])
def test_dtypes(dtype):
    (x,) = tensors(3, dtype=dtype)
    op = Blockwise(AllocDiag(), "(m,n)->(m,n,n)")
    c, py = pair([x], [op(x)])
    for shape in ((2, 3, 2), (2, 0, 2), (0, 3, 2)):
        value = (10 * floats(*shape)).astype(dtype)
        assert_same(c(value), py(value))


def test_lengths_found_on_ones():
    """The core shape of an empty batch that no input tells."""
    x, r = pt.dtensor3("x"), pt.lmatrix("r")
    op = Blockwise(Repeat(axis=0), "(m,n),(m)->(k,n)")
    c, py = pair([x, r], [op(x, r)])
    for k in (0, 2):
        values = floats(k, 3, 4), np.full((k, 3), 2)
        assert_same(c(*values), py(*values))


def test_core_shapes_must_agree():
    x, r = pt.dtensor3("x"), pt.lmatrix("r")
    c, py = pair([x, r], [Blockwise(Repeat(axis=0), "(m,n),(m)->(k,n)")(x, r)])
    for function in (c, py):
        with pytest.raises(ValueError, match="must have the same core shape all over the batch"):
            function(floats(2, 3, 4), np.array([[1, 1, 1], [2, 2, 2]]))


@pytest.mark.parametrize("shape", [(3, 1), (1, 4), (1, 1)])
def test_broadcasting(shape):
    x = pt.tensor("x", dtype="float64", shape=(*(n if n == 1 else None for n in shape), None, None))
    i = pt.tensor("i", dtype="int64", shape=(None, None, None))
    op = Blockwise(AdvancedSubtensor([0]), "(m,n),(k)->(k,n)")
    c, py = pair([x, i], [op(x, i)])
    values = floats(*shape, 5, 2), np.random.default_rng(0).integers(0, 5, (3, 4, 6))
    assert_same(c(*values), py(*values))


def test_unannounced_broadcasting():
    x, i = pt.dtensor3("x"), pt.lmatrix("i")
    c, py = pair([x, i], [Blockwise(AdvancedSubtensor([0]), "(m,n),(k)->(k,n)")(x, i)])
    for function in (c, py):
        with pytest.raises(ValueError, match="Runtime broadcasting not allowed"):
            function(floats(1, 5, 2), np.zeros((3, 2), int))
        with pytest.raises(ValueError, match="batch dimensions must broadcast"):
            function(floats(2, 5, 2), np.zeros((3, 2), int))


def test_error_in_an_item():
    x, i = pt.dtensor3("x"), pt.lmatrix("i")
    c, py = pair([x, i], [Blockwise(AdvancedSubtensor([0]), "(m,n),(k)->(k,n)")(x, i)])
    for function in (c, py):
        with pytest.raises(IndexError):
            function(floats(2, 5, 2), np.array([[0, 1], [2, 5]]))


@pytest.mark.parametrize("inplace", [False, True])
def test_overwritten_input(inplace):
    x, y, i = pt.dtensor3("x"), pt.dtensor3("y"), pt.lmatrix("i")
    op = AdvancedIncSubtensor([0], inplace=inplace)
    c, py = pair([x, y, i], [Blockwise(op, "(m,n),(k,n),(k)->(m,n)")(x, y, i)])
    for k in (0, 3):
        values = floats(k, 5, 2), floats(k, 4, 2), np.tile([0, 2, 2, 4], (k, 1))
        expected = py(*(v.copy() for v in values))
        assert_same(c(*(v.copy() for v in values)), expected)
