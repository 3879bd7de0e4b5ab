"""Kernels of shapes, filling, joining and indexing, against Op.perform, for every layout."""

import numpy as np
import pytest

import pytensor.tensor  # noqa: F401  (the package first)
from pytensor.compile.ops import deep_copy_op, view_op
from pytensor.ifelse import IfElse
from pytensor.link.c.toolchain import find_compiler
from pytensor.raise_op import Assert, CheckAndRaise
from pytensor.tensor.basic import (
    Alloc,
    AllocEmpty,
    ARange,
    Eye,
    Join,
    MakeVector,
    ScalarFromTensor,
    Split,
    TensorFromScalar,
    constant,
)
from pytensor.tensor.elemwise import DimShuffle
from pytensor.tensor.extra_ops import CumOp, Repeat
from pytensor.tensor.math import Argmax
from pytensor.tensor.shape import Reshape, Shape, Shape_i, SpecifyShape
from pytensor.tensor.subtensor import (
    AdvancedIncSubtensor,
    AdvancedSubtensor,
    IncSubtensor,
    Subtensor,
)
from pytensor.tensor.type import TensorType
from pytensor.tensor.type_other import NoneConst
from tests.link.c.graphs import check, make, python_steps

pytestmark = pytest.mark.skipif(find_compiler() is None, reason="no C compiler")

DTYPES = ["float64", "float32", "complex128", "complex64", "int8", "uint16", "bool", "float16"]


def data(shape, dtype="float64", seed=0):
    rng = np.random.default_rng(seed)
    value = rng.integers(-50, 50, size=shape)
    if dtype == "bool":
        return np.asarray(value > 0)
    if dtype.startswith("complex"):
        return np.asarray(value + 1j * rng.integers(-9, 9, size=shape), dtype=dtype)
    return np.asarray(value).astype(dtype)


def var(value, shape=None, name=None):
    value = np.asarray(value)
    shape = (None,) * value.ndim if shape is None else shape
    return TensorType(value.dtype.name, shape)(name)


def ints(*values):
    return [constant(np.int64(v)) for v in values]


@pytest.mark.parametrize("order", [(1, 0, 2), ("x", 2, "x", 0), (2, 1, 0), (0, 2, "x")])
def test_dimshuffle(order):
    value = data((3, 1, 4))
    x = var(value, (None, 1, None))
    check([x], [DimShuffle(input_ndim=3, new_order=order)(x)], value)


def test_dimshuffle_refuses_to_drop_a_long_axis():
    x = var(np.ones((2, 3)))
    program = make([x], [DimShuffle(input_ndim=2, new_order=(0,))(x)])
    with pytest.raises(ValueError, match="not equal to one"):
        program(np.ones((2, 3)))


@pytest.mark.parametrize("dtype", ["float64", "bool", "float16", "complex128"])
@pytest.mark.parametrize("shape", [(6, 4), (2, 3, 4), (-1, 8), (24,), (1, 24, 1), (4, -1, 2)])
def test_reshape(shape, dtype):
    value = data((2, 3, 4), dtype)
    x = var(value)
    check([x], [Reshape(len(shape))(x, constant(np.array(shape)))], value)


def test_reshape_empty_and_scalar():
    x = var(np.ones((0, 3)))
    check([x], [Reshape(2)(x, constant(np.array([3, 0])))], np.ones((0, 3)))
    x = var(np.ones((1, 1)))
    check([x], [Reshape(0)(x, constant(np.array([], dtype="int64")))], np.ones((1, 1)))


@pytest.mark.parametrize("shape", [(5, 5), (-1, 5), (-1, -1), (-2, 12), (0, -1)])
def test_reshape_refuses(shape):
    x, s = var(np.ones((2, 3))), var(np.array(shape))
    program = make([x, s], [Reshape(2)(x, s)])
    with pytest.raises(ValueError, match="Reshape"):
        program(np.ones((2, 12)), np.array(shape))


def test_shapes():
    value = data((2, 3, 4))
    x = var(value)
    check([x], [Shape()(x), Shape_i(1)(x)], value)
    check([x], [SpecifyShape()(x, NoneConst, *ints(3), NoneConst)], value)
    program = make([x], [SpecifyShape()(x, NoneConst, *ints(5), NoneConst)])
    with pytest.raises(AssertionError, match="dim 1 of input has shape 3, expected 5"):
        program(value)


@pytest.mark.parametrize("dtype", DTYPES)
def test_alloc(dtype):
    for shape, static in (((), ()), ((3, 1), (None, 1)), ((4,), (None,)), ((1, 4), (1, None))):
        value = data(shape, dtype)
        x = var(value, static)
        check([x], [Alloc()(x, *ints(2, 3, 4))], value)


def test_alloc_errors():
    x, n = var(np.ones(1)), var(np.int64(1))
    program = make([x, n], [Alloc()(x, n)])
    with pytest.raises(ValueError, match="Runtime broadcasting"):
        program(np.ones(1), np.array(3))
    with pytest.raises(ValueError, match="negative"):
        make([n], [Alloc()(constant(1.0), n)])(np.array(-1))
    with pytest.raises(ValueError, match="broadcast"):
        program(np.ones(2), np.array(3))
    with pytest.raises(MemoryError):
        make([n], [Alloc()(constant(1.0), n, n)])(np.array(2**40))


def test_alloc_empty_and_make_vector():
    n = var(np.int64(1))
    [out] = make([n], [AllocEmpty("float32")(n, n)])(np.array(3))
    assert out.shape == (3, 3)
    assert out.dtype == "float32"
    check([n], [MakeVector("int64")(n, *ints(7), n)], np.array(5))


def test_scalars():
    x = var(np.float32(2))
    check([x], [TensorFromScalar()(ScalarFromTensor()(x))], np.array(2.5, dtype="float32"))
    program = make([x], [ScalarFromTensor()(x)])
    [out] = program(np.array(2.5, dtype="float32"))
    assert type(out) is np.float32
    assert out == 2.5


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (5,), (3, 4), (2, 3, 4), (40, 70), (0, 3)])
def test_copies_and_views(shape, dtype):
    value = data(shape, dtype)
    x = var(value)
    program = check([x], [deep_copy_op(x)], value)
    assert not np.may_share_memory(program(value)[0], value) or not value.size
    check([x], [view_op(x)], value)


@pytest.mark.parametrize("args", [(0, 5, 1), (5, 0, -2), (3, 3, 1), (0, -4, 1), (2, 11, 3)])
def test_arange_integers(args):
    inputs = [var(np.int64(0)) for _ in args]
    values = [np.array(a) for a in args]
    check(inputs, [ARange("int64")(*inputs)], *values, all_layouts=False)
    check(inputs, [ARange("uint8")(*inputs)], *np.abs(values), all_layouts=False) if args[
        2
    ] > 0 else None


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("args", [(0, 1, 0.1), (1, -1, -0.3), (0, 0, 1), (0, 100, 1.1)])
def test_arange_floats(args, dtype):
    values = [np.array(a, dtype=dtype) for a in args]
    inputs = [var(v) for v in values]
    check(inputs, [ARange(dtype)(*inputs)], *values, all_layouts=False)


def test_arange_errors():
    inputs = [var(np.float64(0)) for _ in range(3)]
    program = make(inputs, [ARange("float64")(*inputs)])
    with pytest.raises(ZeroDivisionError):
        program(*map(np.array, (0.0, 1.0, 0.0)))
    with pytest.raises(ValueError, match="ARange"):
        program(*map(np.array, (0.0, np.inf, 1.0)))


@pytest.mark.parametrize("args", [(3, 4, 0), (4, 3, 1), (4, 3, -2), (2, 2, 9), (0, 3, 0)])
@pytest.mark.parametrize("dtype", ["float64", "int8", "complex64"])
def test_eye(args, dtype):
    inputs = [var(np.int64(0)) for _ in args]
    check(inputs, [Eye(dtype)(*inputs)], *map(np.array, args), all_layouts=False)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_join_and_split(axis, dtype):
    value = data((2, 3, 4), dtype)
    other = data(tuple(5 if k == axis else n for k, n in enumerate(value.shape)), dtype, 1)
    x, y = var(value), var(other)
    check([x, y], [Join(axis)(x, y, x)], value, other)
    sizes = np.array([1, 0, value.shape[axis] - 1])
    check([x], Split(3, axis)(x, constant(sizes), return_list=True), value)


def test_join_and_split_errors():
    x, y = var(np.ones((2, 3))), var(np.ones((2, 3)))
    program = make([x, y], [Join(0)(x, y)])
    with pytest.raises(ValueError, match="Join"):
        program(np.ones((2, 3)), np.ones((2, 4)))
    s = var(np.array([1]))
    program = make([x, s], Split(2, 0)(x, s, return_list=True))
    for sizes in ([1, 2], [3, -1], [1, 1, 0]):
        with pytest.raises(ValueError, match="[Ss]plit"):
            program(np.ones((2, 3)), np.array(sizes))


def test_check_and_raise():
    x, c = var(np.ones(3)), var(np.bool_(True))
    program = check([x, c], [Assert('say "no" %s \\n')(x, c)], np.ones(3), np.array(True))
    with pytest.raises(AssertionError, match=r'say "no" %s \\n'):
        program(np.ones(3), np.array(False))

    class Mine(Exception):
        pass

    program = make([x, c], [CheckAndRaise(Mine, "own class")(x, c)])
    assert len(python_steps(program)) == 1
    with pytest.raises(Mine, match="own class"):
        program(np.ones(3), np.array(False))


# -- indexing --------------------------------------------------------------------------


S = slice
BASIC = [
    (2,),
    (-1, S(None)),
    (S(None), 1),
    (S(1, None), S(None, -1)),
    (S(None, None, -1), S(None, None, 2)),
    (S(4, None, -2),),
    (S(-3, 100), S(-100, 2)),
    (S(3, 1),),
    (S(None, None, 7), 0),
    (S(100, None, -1), S(None, -9, -1)),
]


def basic(index):
    """idx_list and values of an index, with symbolic entries."""
    values = []

    def place(v):
        if v is None:
            return None
        values.append(v)
        return len(values) - 1

    idx_list = tuple(
        S(place(i.start), place(i.stop), place(i.step)) if isinstance(i, slice) else place(i)
        for i in index
    )
    return idx_list, values


@pytest.mark.parametrize("index", BASIC, ids=str)
@pytest.mark.parametrize("symbolic", [True, False])
def test_subtensor(index, symbolic):
    value = data((5, 6))
    x = var(value)
    idx_list, entries = basic(index)
    if symbolic:
        places = [var(np.int64(0)) for _ in entries]
        check([x, *places], [Subtensor(idx_list)(x, *places)], value, *map(np.array, entries))
    else:
        check([x], [Subtensor(idx_list)(x, *ints(*entries))], value)


@pytest.mark.parametrize("value", [5, -6, 2**62])
def test_subtensor_out_of_bounds(value):
    x, i = var(np.ones(5)), var(np.int64(0))
    program = make([x, i], [Subtensor((0,))(x, i)])
    with pytest.raises(IndexError, match="out of bounds for axis 0 with size 5"):
        program(np.ones(5), np.array(value))


def test_slice_step_zero():
    x, i = var(np.ones(5)), var(np.int64(0))
    program = make([x, i], [Subtensor((S(None, None, 0),))(x, i)])
    with pytest.raises(ValueError, match="step cannot be zero"):
        program(np.ones(5), np.array(0))


@pytest.mark.parametrize("dtype", ["float64", "complex64", "bool", "float16"])
@pytest.mark.parametrize("write", [True, False])
@pytest.mark.parametrize("index", BASIC, ids=str)
def test_inc_subtensor(index, write, dtype):
    value = data((5, 6), dtype)
    x = var(value)
    idx_list, entries = basic(index)
    region = value[index]
    op = IncSubtensor(idx_list, set_instead_of_inc=write)
    for other in (data(region.shape, dtype, 1), data((), dtype, 2)):
        y = var(other, tuple(other.shape))
        program = check([x, y], [op(x, y, *ints(*entries))], value, other)
        before = value.copy()
        program(value, other)
        np.testing.assert_array_equal(value, before)


def test_inc_subtensor_takes_over_dead_memory():
    x, y = var(np.ones((4, 4))), var(np.ones(4))
    write = IncSubtensor((0,), set_instead_of_inc=True)
    out = x
    for i in range(3):
        out = write(out, y, *ints(i))
    program = check([x, y], [Subtensor((0,))(deep_copy_op(out), *ints(1))], data((4, 4)), data(4))
    reuse = np.frombuffer(program.tables["slots"], dtype="int32").reshape(-1, 8)[:, 6]
    assert (reuse >= 0).sum() == 2


def test_inc_subtensor_in_place():
    x, y = var(np.ones((4, 4))), var(np.ones(4))
    op = IncSubtensor((S(None), 0), inplace=True)
    program = make([x, y], [op(x, y, *ints(1))])
    value = np.zeros((4, 4))
    [out] = program(value, np.ones(4))
    assert out is value
    np.testing.assert_array_equal(value[:, 1], 1.0)


def test_inc_subtensor_shape_error():
    x, y = var(np.ones((4, 4))), var(np.ones(4))
    program = make([x, y], [IncSubtensor((0,))(x, y, *ints(1))])
    with pytest.raises(ValueError, match="must broadcast"):
        program(np.ones((4, 4)), np.ones(3))


ADVANCED = [
    ((0,), [np.array([3, 0, -1, 3])]),
    ((0,), [np.array([[3, 0], [-1, 3]])]),
    ((S(None), 0), [np.array([1, 1, 4])]),
    ((0, 1), [np.array([0, 2, 2]), np.array([5, 1, 1])]),
    ((0, 1), [np.array([[0], [2]]), np.array([5, 1, 1], dtype="int8")]),
    ((S(None), 0, 1), [np.array([0, 2, 2]), np.array([1, 1, 0], dtype="uint64")]),
    ((0,), [np.zeros((0,), dtype="int64")]),
    ((0, 1), [np.array(2), np.array([1, 3])]),
]


@pytest.mark.parametrize("dtype", ["float64", "complex64", "bool", "float16"])
@pytest.mark.parametrize("idx_list,indices", ADVANCED, ids=[str(a[0]) for a in ADVANCED])
def test_advanced_subtensor(idx_list, indices, dtype):
    value = data((5, 6, 2) if len(idx_list) == 3 else (5, 6), dtype)
    value = value if len(idx_list) < 3 else data((4, 5, 2), dtype)
    x = var(value)
    idxs = [var(i) for i in indices]
    check([x, *idxs], [AdvancedSubtensor(idx_list)(x, *idxs)], value, *indices)


@pytest.mark.parametrize("write", [True, False])
@pytest.mark.parametrize("dtype", ["float64", "complex64", "bool", "int8"])
@pytest.mark.parametrize("idx_list,indices", ADVANCED, ids=[str(a[0]) for a in ADVANCED])
def test_advanced_inc_subtensor(idx_list, indices, dtype, write):
    value = data((4, 5, 2) if len(idx_list) == 3 else (5, 6), dtype)
    x = var(value)
    idxs = [var(i) for i in indices]
    full = tuple(i if isinstance(i, slice) else indices[i] for i in idx_list)
    op = AdvancedIncSubtensor(idx_list, set_instead_of_inc=write)
    for other in (data(value[full].shape, dtype, 3), data((), dtype, 4)):
        y = var(other)
        check([x, y, *idxs], [op(x, y, *idxs)], value, other, *indices)


def test_advanced_errors():
    x, i = var(np.ones((4, 3))), var(np.array([1]))
    program = make([x, i], [AdvancedSubtensor((0,))(x, i)])
    for wrong in ([4], [-5], [0, 2**40]):
        with pytest.raises(IndexError, match="out of bounds for axis 0 with size 4"):
            program(np.ones((4, 3)), np.array(wrong))
    y = var(np.ones((2, 3)))
    program = make([x, y, i], [AdvancedIncSubtensor((0,))(x, y, i)])
    with pytest.raises(ValueError, match="Runtime broadcasting"):
        program(np.ones((4, 3)), np.ones((1, 3)), np.array([0, 1]))
    with pytest.raises(ValueError, match="must broadcast"):
        program(np.ones((4, 3)), np.ones((5, 3)), np.array([0, 1]))


def test_masks():
    x, m = var(np.ones((4, 3))), var(np.ones(4, dtype=bool))
    check([x, m], [AdvancedSubtensor((0,))(x, m)], data((4, 3)), np.array([1, 0, 1, 0], dtype=bool))


# -- along an axis ---------------------------------------------------------------------


@pytest.mark.parametrize("axis", [None, (0,), (1,), (0, 2), (0, 1, 2)])
@pytest.mark.parametrize("dtype", ["float64", "int8", "bool", "uint64"])
def test_argmax(axis, dtype):
    value = data((4, 3, 5), dtype)
    x = var(value)
    check([x], [Argmax(axis)(x)], value)


def test_argmax_nan_and_empty():
    value = data((4, 6))
    value[1, 3] = value[1, 5] = value[2, 0] = np.nan
    value[3] = -np.inf
    x = var(value)
    check([x], [Argmax((1,))(x)], value)
    with pytest.raises(ValueError, match="empty sequence"):
        make([x], [Argmax((1,))(x)])(np.ones((3, 0)))


@pytest.mark.parametrize("mode", ["add", "mul"])
@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("dtype", ["float64", "int8", "complex128"])
def test_cumulative(axis, mode, dtype):
    value = data((3, 4, 2), dtype)
    x = var(value)
    check([x], [CumOp(axis, mode)(x)], value)


@pytest.mark.parametrize("axis", [0, 1])
def test_repeat(axis):
    value = data((3, 4))
    counts = np.array([2, 0, 3, 1][: value.shape[axis]])
    x, n = var(value), var(counts)
    program = check([x, n], [Repeat(axis)(x, n)], value, counts)
    for wrong in (np.array([1, 1]), -counts):
        with pytest.raises(ValueError, match="Repeat"):
            program(value, wrong)


def test_if_else():
    value, other = data((3, 4)), data((2, 2), seed=1)
    c, x, y = var(np.float64(1)), var(value), var(other)
    out = IfElse(1)(c, deep_copy_op(x), y)
    program = check([x, c, y], [out], value, np.array(1.0), other)
    np.testing.assert_array_equal(program(value, np.array(0.0), other)[0], other)
