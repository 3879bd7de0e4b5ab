"""Diagonals in C: the value of NumPy, for any offset, axes and layout."""

import itertools

import numpy as np
import pytest

import pytensor
import pytensor.tensor as pt
from pytensor.link.c.dispatch import load_dispatch
from pytensor.link.c.dispatch.basic import c_funcify
from pytensor.tensor._diag import AllocDiag, ExtractDiag, SetDiag

load_dispatch()


def compiled(inputs, output, mode=None):
    function = pytensor.function(inputs, output, mode=mode)
    for node in function.maker.fgraph.toposort():
        assert c_funcify(node.op, node=node) is not None, node
    return function


@pytest.mark.parametrize("view", [False, True])
@pytest.mark.parametrize("offset", [-7, -1, 0, 2, 9])
@pytest.mark.parametrize("axes", [(0, 1), (1, 2), (0, 2)])
def test_extract_diag(view, offset, axes):
    x = pt.tensor3("x")
    f = compiled([x], ExtractDiag(offset, *axes, view=view)(x))
    for shape in itertools.product((0, 1, 4), (3,), (1, 5)):
        value = np.random.default_rng(0).normal(size=shape)
        for v in (value, value[::-1, :, ::-1], np.asfortranarray(value)):
            np.testing.assert_array_equal(f(v), np.diagonal(v, offset, *axes))


@pytest.mark.parametrize("offset", [-2, 0, 3])
@pytest.mark.parametrize("axes", [(0, 1), (1, 0), (1, 2), (0, 2)])
@pytest.mark.parametrize("dtype", ["float64", "complex64", "int8"])
def test_alloc_diag(offset, axes, dtype):
    x = pt.matrix(dtype=dtype)
    op = AllocDiag(axis1=axes[0], axis2=axes[1], offset=offset)
    f, g = compiled([x], op(x)), pytensor.function([x], op(x), mode="PY")
    for value in (np.arange(6).reshape(2, 3), np.arange(6).reshape(3, 2).T, np.ones((2, 0))):
        value = value.astype(dtype)
        np.testing.assert_array_equal(f(value), g(value))


@pytest.mark.parametrize("offset", [-1, 0, 2])
def test_set_diag(offset):
    x, d = pt.dtensor3("x"), pt.dmatrix("d")
    out = SetDiag(offset, 1, 2)(x, d)
    f = compiled([x, d], out)
    value = np.empty((2, 4, 5))
    diagonal = np.diagonal(value, offset, 1, 2)
    new = np.arange(diagonal.size, dtype=float).reshape(diagonal.shape)
    result = f(value, new)
    np.testing.assert_array_equal(np.diagonal(result, offset, 1, 2), new)
    assert np.count_nonzero(result) == np.count_nonzero(new)
    with pytest.raises(ValueError, match="the diagonal must have"):
        f(value, new[:, :-1])


def test_a_diagonal_that_is_changed_leaves_the_matrix_alone():
    x = pt.dmatrix("x")
    f = compiled([x], pt.diag(x) * 2)
    value = np.eye(3)
    np.testing.assert_array_equal(f(value), [2, 2, 2])
    np.testing.assert_array_equal(value, np.eye(3))
