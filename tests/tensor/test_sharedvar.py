import numpy as np
import pytest

import pytensor
import pytensor.tensor as pt
from pytensor.compile.sharedvalue import shared
from pytensor.tensor.sharedvar import TensorSharedVariable
from tests.tensor.utils import evaluate


def test_array():
    data = np.arange(3.0)
    s = shared(data, name="s")
    assert isinstance(s, TensorSharedVariable)
    assert s.type == pt.dvector().type
    data[0] = 9
    assert s.get_value()[0] == 0
    np.testing.assert_array_equal(evaluate(s * 2), [0, 2, 4])
    s.set_value(np.ones(5))
    assert s.get_value().shape == (5,)
    with pytest.raises(TypeError):
        s.set_value(np.ones((5, 5)))
    borrowed = np.zeros(2)
    assert shared(borrowed, borrow=True).get_value(borrow=True) is borrowed


def test_static_shape():
    s = shared(np.zeros((2, 3)), shape=(None, 3))
    assert s.type.shape == (None, 3)
    with pytest.raises(TypeError):
        s.set_value(np.zeros((2, 4)))


@pytest.mark.parametrize(
    "value, dtype",
    [(1, "int64"), (0.5, "float64"), (1j, "complex128"), (np.float32(2), "float32"),
     (True, "bool"), (np.bool_(True), "bool")],
)  # fmt: skip
def test_scalars(value, dtype):
    s = shared(value)
    assert s.type.dtype == dtype
    assert s.type.ndim == 0


def test_zero_and_masked():
    s = shared(np.ones(3))
    held = s.get_value(borrow=True)
    s.zero()
    assert held.sum() == 3
    assert s.get_value().sum() == 0
    held = s.get_value(borrow=True)
    held[...] = 1
    s.zero(borrow=True)
    assert held.sum() == 0
    with pytest.raises(NotImplementedError):
        shared(np.ma.masked_array([1.0]))


@pytest.mark.parametrize("mode", ["FAST_RUN", "FAST_COMPILE"])
def test_updates_keep_known_lengths(mode):
    """A value whose lengths are not known may be the update; that they fit is checked."""
    s, v = pytensor.shared(np.zeros(2), shape=(2,)), pt.dvector("v")
    f = pytensor.function([v], [], updates={s: s + v[1:]}, mode=mode)
    f(np.arange(3.0))
    assert s.get_value().tolist() == [1.0, 2.0]
    with pytest.raises((AssertionError, ValueError), match="2"):
        pytensor.function([v], [], updates={s: v}, mode=mode)(np.zeros(3))
    with pytest.raises(TypeError, match="same type as the original shared"):
        pytensor.function([v], [], updates={s: pt.specify_shape(v, 3)}, mode=mode)
