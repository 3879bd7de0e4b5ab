"""Copies, views and Python functions as Ops."""

import pickle

import numpy as np
import pytest

import pytensor.tensor as pt
from pytensor.compile.maker import function
from pytensor.compile.mode import Mode
from pytensor.compile.ops import FromFunctionOp, as_op, deep_copy_op, view_op, wrap_py
from pytensor.gradient import grad

MODE = Mode("py", None)


@wrap_py(itypes=[pt.dvector, pt.dscalar], otypes=[pt.dvector])
def scaled(x, a):
    return x * a


@as_op(pt.dvector, [pt.dscalar, pt.dscalar], infer_shape=lambda node, shapes: [(), ()])
def extremes(x):
    return x.min(), x.max()


def test_wrap_py():
    x, a = pt.dvector("x"), pt.dscalar("a")
    np.testing.assert_array_equal(function([x, a], scaled(x, a), mode=MODE)([1, 2], 3), [3, 6])
    assert function([x], extremes(x), mode=MODE)([3, 1, 2]) == [1.0, 3.0]
    assert str(scaled) == "FromFunctionOp{scaled}"
    assert pickle.loads(pickle.dumps(scaled)) == scaled


def test_wrap_py_errors():
    with pytest.raises(TypeError, match="itypes must be types"):
        wrap_py([3], [pt.dvector])
    with pytest.raises(TypeError, match="infer_shape needs to be a callable"):
        wrap_py([pt.dvector], [pt.dvector], infer_shape=3)
    x = pt.dvector("x")
    op = FromFunctionOp(lambda x: (x, x), [pt.dvector], [pt.dvector], None)
    with pytest.raises(ValueError, match="must return 1 values, got 2"):
        function([x], op(x), mode=MODE)([1.0])


def test_copy_and_view():
    x = pt.dmatrix("x")
    a = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    cells = [[None]]
    deep_copy_op.perform(None, [a], cells)
    copied = cells[0][0]
    assert not np.shares_memory(copied, a) and copied.flags.f_contiguous
    view_op.perform(None, [a], cells)
    assert cells[0][0] is a
    deep_copy_op.perform(None, [{"any": [1]}], cells)
    assert cells[0][0] == {"any": [1]}
    for op in (deep_copy_op, view_op):
        assert op(x).type == x.type
        assert function([x], grad(op(x).sum(), x), mode=MODE)(a).tolist() == [[1.0] * 3] * 2
