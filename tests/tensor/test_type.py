import pickle

import numpy as np
import pytest

import pytensor.tensor as pt
from pytensor.tensor.type import (
    DenseTensorType,
    TensorType,
    tensor_type,
    values_eq_approx_remove_nan,
)


def test_types_are_interned_equal_and_pickle():
    t = tensor_type("float64", (None, 3))
    assert tensor_type("float64", (None, 3)) is t
    assert TensorType("float64", shape=(None, 3)) == t
    assert hash(TensorType("float64", shape=(None, 3))) == hash(t)
    assert pickle.loads(pickle.dumps(t)) == t
    assert t != TensorType("float32", shape=(None, 3))
    assert t != TensorType("float64", shape=(None, None))
    assert t.broadcastable == (False, False)
    assert isinstance(t, DenseTensorType)
    assert t.clone(dtype="int8").dtype == "int8"
    assert t.clone(shape=(1, 1)).broadcastable == (True, True)


@pytest.mark.parametrize(
    "args, error",
    [
        (("foo", ()), TypeError),
        (("object", ()), TypeError),
        (("U3", ()), TypeError),
        (("float64", (1.5,)), ValueError),
        (("float64",), TypeError),
    ],
)
def test_constructor_refuses(args, error):
    with pytest.raises(error):
        TensorType(*args)


def test_filter_passes_exact_arrays_through():
    x = np.zeros((2, 3), dtype="float32")
    assert TensorType("float32", (None, 3)).filter(x) is x
    assert TensorType("float32", (None, 3)).filter(x, strict=True) is x


@pytest.mark.parametrize(
    "value, dtype, expected",
    [
        ([[1, 2]], "float32", "float32"),
        ([[1.5, 2]], "float32", "float32"),
        (np.zeros((1, 2), "int8"), "float64", "float64"),
        (np.zeros((1, 2), ">f8"), "float64", "float64"),
        (np.zeros((1, 2), "float32"), "complex64", "complex64"),
    ],
)
def test_filter_converts_without_loss(value, dtype, expected):
    got = TensorType(dtype, (None, None)).filter(value)
    assert got.dtype == np.dtype(expected)
    assert got.dtype.isnative
    np.testing.assert_array_equal(got, value)


@pytest.mark.parametrize(
    "value, message",
    [
        (np.zeros((1, 2)), "risking loss of precision"),
        ([[1.1, 2]], "cannot store accurately"),
        (np.zeros(2, "float32"), "Wrong number of dimensions"),
        (np.zeros((1, 3), "float32"), "is not compatible with the data's"),
        (np.zeros((1, 2), object), "cannot store data of dtype object"),
        ("a", "cannot store"),
        ([[1, 2], [3]], "cannot store"),
        (1.0, "Wrong number of dimensions"),
    ],
)
def test_filter_refuses(value, message):
    with pytest.raises(TypeError, match=message):
        TensorType("float32", (None, 2)).filter(value)


def test_filter_strict_and_downcast():
    t = TensorType("float32", (None,))
    with pytest.raises(TypeError, match="expected an ndarray object"):
        t.filter([1.0], strict=True)
    with pytest.raises(TypeError, match="expected an ndarray with dtype"):
        t.filter(np.zeros(2), strict=True)
    assert t.filter(np.zeros(2), allow_downcast=True).dtype == np.float32
    assert TensorType("int8", ()).filter(300, allow_downcast=True) == 44
    with pytest.raises(TypeError):
        TensorType("int8", ()).filter(300)
    with pytest.raises(TypeError, match="found a Variable"):
        t.filter(pt.fvector())


def test_filter_variable():
    m = pt.dmatrix("m")
    specified = pt.TensorType("float64", (2, 2)).filter_variable(m)
    assert specified.type.shape == (2, 2)
    assert specified.owner.inputs[0] is m
    small = pt.dmatrix(shape=(2, 2))
    assert pt.TensorType("float64", (None, None)).filter_variable(small) is small
    with pytest.raises(TypeError, match="Cannot convert"):
        pt.TensorType("float32", (None, None)).filter_variable(m)
    with pytest.raises(TypeError, match="Cannot convert"):
        pt.TensorType("float64", (3, 3)).filter_variable(small)


def test_is_super():
    general, special = pt.dmatrix().type, pt.dmatrix(shape=(2, None)).type
    assert general.is_super(special)
    assert not special.is_super(general)
    assert not general.is_super(pt.fmatrix().type)
    assert not general.is_super(pt.dvector().type)


def test_constructors():
    assert pt.matrix("x").type.ndim == 2
    assert pt.matrix("x").name == "x"
    assert pt.row().type.shape == (1, None)
    assert pt.col(shape=(3, 1)).type.shape == (3, 1)
    assert pt.scalar(dtype="int8").type.dtype == "int8"
    assert pt.tensor("t", dtype="int8", shape=(2, None)).type.shape == (2, None)
    assert pt.ivector().type.dtype == "int32"
    assert pt.ztensor4().type.ndim == 4
    assert pt.dmatrix("q", shape=(None, 7)).type.shape == (None, 7)
    with pytest.raises(ValueError):
        pt.row(shape=(2, 3))
    with pytest.raises(ValueError):
        pt.vector(shape=(2, 3))
    with pytest.raises(ValueError, match="name"):
        pt.tensor("float64", shape=(2,))


def test_plural_constructors():
    x, y = pt.matrices("x y")
    assert (x.name, y.name, x.type.ndim) == ("x", "y", 2)
    assert [v.name for v in pt.fvectors("a", "b", "c")] == ["a", "b", "c"]
    assert len(pt.scalars(3)) == 3
    assert pt.fvectors("a", "b")[0].type.dtype == "float32"
    assert [v.name for v in pt.scalars("ab")] == ["a", "b"]
    assert [v.name for v in pt.rows(["a", "long"])] == ["a", "long"]
    assert pt.matrices("x").name == "x"
    assert pt.vectors() == []


def test_values_eq():
    t = TensorType("float64", (None,))
    nan = np.array([np.nan, 1.0])
    assert t.values_eq(nan, nan.copy())
    assert not t.values_eq(nan, np.array([0.0, 1.0]))
    assert not t.values_eq(nan, nan[:1])
    assert t.values_eq_approx(nan, nan + 1e-12)
    assert not t.values_eq_approx(nan, nan + 1e-2)
    assert values_eq_approx_remove_nan(nan, np.array([5.0, 1.0]))
