import numpy as np
import pytest

import pytensor.scalar as ps
import pytensor.tensor as pt
from pytensor.gradient import grad, verify_grad
from pytensor.graph.replace import vectorize_graph
from pytensor.tensor.basic import (
    AllocDiag,
    ARange,
    ExtractDiag,
    Join,
    MakeVector,
    PermuteRowElements,
    Split,
    alloc_diag,
    get_scalar_constant_value,
    get_underlying_scalar_constant_value,
    infer_static_shape,
    ix_,
    take_along_axis,
)
from pytensor.tensor.exceptions import NotScalarConstantError
from pytensor.tensor.type_other import (
    MakeSlice,
    NoneConst,
    NoneTypeT,
    SliceConstant,
    as_symbolic_None,
    as_symbolic_slice,
)
from tests.tensor.utils import check_infer_shape, evaluate

rng = np.random.default_rng(5)
X = rng.normal(size=(3, 4))
V = rng.normal(size=4)


class TestAsTensor:
    def test_sequences(self):
        a, b, v = pt.dscalar("a"), pt.dscalar("b"), pt.dvector("v")
        givens = {a: np.array(1.0), b: np.array(2.0), v: V}
        for seq, want in [
            ([a, b], [1, 2]),
            ([a, 5], [1, 5]),
            ([[a, b], [3, 4.5]], [[1, 2], [3, 4.5]]),
            ([v, v], [V, V]),
            ([v, V], [V, V]),
            (([a], [b]), [[1], [2]]),
            (range(3), [0, 1, 2]),
        ]:
            np.testing.assert_array_equal(evaluate(pt.as_tensor(seq), givens), want)
        assert isinstance(pt.as_tensor([a, b]).owner.op, MakeVector)
        assert pt.as_tensor([v, v]).type.shape == (2, None)
        with pytest.raises(TypeError):
            pt.as_tensor([v, 1])

    def test_ndim(self):
        v = pt.dvector("v")
        assert pt.as_tensor(v) is v
        assert pt.as_tensor(v, ndim=3).type.shape == (1, 1, None)
        assert pt.as_tensor(pt.drow(), ndim=1).type.shape == (None,)
        assert pt.as_tensor([1, 2], ndim=2).type.shape == (1, 2)
        with pytest.raises(ValueError):
            pt.as_tensor(pt.dmatrix(), ndim=1)

    def test_scalars_and_nodes(self):
        s = ps.float64("s")
        t = pt.as_tensor(s)
        assert t.type == pt.dscalar().type
        assert ps.as_scalar(t) is s
        assert ps.as_scalar(pt.dscalar()).type == ps.float64
        node = pt.exp.make_node(pt.dvector())
        assert pt.as_tensor(node) is node.outputs[0]
        with pytest.raises(TypeError):
            pt.scalar_from_tensor(pt.dvector())

    def test_get_vector_length(self):
        v, m = pt.dvector("v"), pt.dmatrix("m")
        assert pt.get_vector_length([1, 2, 3]) == 3
        assert pt.get_vector_length(m.shape) == 2
        assert pt.get_vector_length(pt.stack([v[0], v[1]])) == 2
        assert pt.get_vector_length(pt.join(0, m.shape, [1])) == 3
        assert pt.get_vector_length(m.shape + 1) == 2
        assert pt.get_vector_length(pt.alloc(1.0, 5)) == 5
        with pytest.raises(ValueError):
            pt.get_vector_length(v)
        with pytest.raises(TypeError):
            pt.get_vector_length(m)


class TestAlloc:
    def test_values_and_static_shape(self):
        v, n = pt.dvector("v"), pt.lscalar("n")
        givens = {v: V, n: np.array(2)}
        out = pt.alloc(v, n, 4)
        assert out.type.shape == (None, 4)
        np.testing.assert_array_equal(evaluate(out, givens), np.broadcast_to(V, (2, 4)))
        check_infer_shape(out, givens)
        assert pt.alloc(pt.dvector(shape=(4,)), n, n).type.shape == (None, 4)
        for fn, np_fn in ((pt.zeros, np.zeros), (pt.ones, np.ones)):
            for shape in ((), 3, (2, 3), [2]):
                got = evaluate(fn(shape))
                np.testing.assert_array_equal(got, np_fn(shape))
                assert got.dtype == "float64"
        assert evaluate(pt.full((2,), 3.5)).tolist() == [3.5, 3.5]
        assert pt.full((2,), 3.5, dtype="int8").type.dtype == "int8"
        assert pt.zeros(v.shape).type.shape == (None,)
        assert evaluate(pt.empty((2, n), dtype="int8"), givens).shape == (2, 2)

    def test_mistakes(self):
        with pytest.raises(TypeError, match="more dimensions"):
            pt.alloc(pt.dmatrix(), 3)
        with pytest.raises(ValueError, match="incompatible"):
            pt.alloc(pt.dvector(shape=(4,)), 3)
        with pytest.raises(TypeError, match="integers"):
            pt.alloc(1, 2.5)
        with pytest.raises(ValueError, match="negative"):
            pt.zeros((2, -1))
        v = pt.dvector("v")
        with pytest.raises(ValueError, match="Runtime broadcasting"):
            evaluate(pt.alloc(v, 3), {v: np.zeros(1)})
        with pytest.raises(ValueError, match="must broadcast"):
            evaluate(pt.alloc(v, 3), {v: np.zeros(2)})

    def test_derivative(self):
        verify_grad(lambda v: pt.alloc(v, 2, 4) ** 2, [V], rng=rng)
        verify_grad(
            lambda m: pt.alloc(pt.specify_broadcastable(m, 0), 2, 3, 4) ** 2, [X[:1]], rng=rng
        )

    def test_likes(self):
        m = pt.fmatrix("m")
        M = X.astype("float32")
        for name in ("zeros_like", "ones_like"):
            got = evaluate(getattr(pt, name)(m), {m: M})
            np.testing.assert_array_equal(got, getattr(np, name)(M))
            assert got.dtype == M.dtype
        assert evaluate(pt.full_like(m, 7), {m: M}).dtype == "float32"
        assert evaluate(pt.empty_like(m), {m: M}).shape == M.shape

    def test_vectorize(self):
        v, bv = pt.dvector("v"), pt.dmatrix("bv")
        out = vectorize_graph(pt.alloc(v, 2, 4), {v: bv})
        np.testing.assert_array_equal(
            evaluate(out, {bv: X}), np.stack([np.broadcast_to(r, (2, 4)) for r in X])
        )


class TestJoinSplit:
    @pytest.mark.parametrize("axis", [0, 1, -1, -2])
    def test_join(self, axis):
        x, y = pt.dmatrix("x"), pt.fmatrix("y")
        Y = X[:, ::-1].astype("float32")
        out = pt.join(axis, x, y, x)
        givens = {x: X, y: Y}
        got = evaluate(out, givens)
        np.testing.assert_array_equal(got, np.concatenate([X, Y, X], axis))
        assert got.dtype == "float64"
        check_infer_shape(out, givens)

    def test_static_shapes_and_mistakes(self):
        a, b = pt.dmatrix(shape=(2, 3)), pt.dmatrix(shape=(4, None))
        assert pt.join(0, a, b).type.shape == (6, 3)
        assert pt.concatenate([a]) is a
        with pytest.raises(ValueError, match="must match exactly"):
            pt.join(0, a, pt.dmatrix(shape=(4, 5)))
        with pytest.raises(TypeError, match="same number of dimensions"):
            pt.join(0, a, pt.dvector())
        with pytest.raises(TypeError, match="scalar"):
            pt.join(0, pt.dscalar(), pt.dscalar())
        with pytest.raises(TypeError, match="constant integer"):
            pt.join(pt.lscalar(), a, a)
        with pytest.raises(np.exceptions.AxisError):
            pt.join(2, a, a)
        with pytest.raises(ValueError, match="empty list"):
            pt.concatenate([])
        with pytest.raises(TypeError, match="tuple or a list"):
            pt.concatenate(pt.dvector())
        x, y = pt.dmatrices("x y")
        with pytest.raises(ValueError, match="must match exactly"):
            evaluate(pt.join(0, x, y), {x: np.zeros((2, 3)), y: np.zeros((2, 4))})

    def test_stack(self):
        x, y = pt.dvectors("x y")
        for axis in (0, 1, -1):
            got = evaluate(pt.stack([x, y], axis), {x: V, y: -V})
            np.testing.assert_array_equal(got, np.stack([V, -V], axis))
        assert isinstance(pt.stack([1, 2]).owner.op, MakeVector)
        for mistake in ([], [x, pt.dmatrix()]):
            with pytest.raises((ValueError, TypeError)):
                pt.stack(mistake)
        with pytest.raises(IndexError):
            pt.stack([x, y], axis=5)
        got = evaluate(pt.stacklists([[x[0], x[1]], [x[2], x[3]]]), {x: V})
        np.testing.assert_array_equal(got, V.reshape(2, 2))
        m = pt.dmatrix("m")
        np.testing.assert_array_equal(evaluate(pt.vertical_stack(m, m), {m: X}), np.vstack([X, X]))
        np.testing.assert_array_equal(
            evaluate(pt.horizontal_stack(m, m), {m: X}), np.hstack([X, X])
        )

    def test_split(self):
        x, n = pt.dmatrix("x"), pt.lvector("n")
        givens = {x: X, n: np.array([1, 3])}
        for parts in (pt.split(x, [1, 3], axis=1), pt.split(x, n, n_splits=2, axis=-1)):
            for got, want in zip(evaluate(parts, givens), np.split(X, [1], axis=1), strict=True):
                np.testing.assert_array_equal(got, want)
        check_infer_shape(parts, givens)
        assert pt.split(x, [1, 3], axis=1)[1].type.shape == (None, 3)
        with pytest.raises(ValueError, match="add up"):
            pt.split(pt.dvector(shape=(5,)), [1, 2])
        with pytest.raises(ValueError, match="larger than"):
            pt.split(x, [1, 2], n_splits=3)
        with pytest.raises(ValueError, match="sum to"):
            evaluate(pt.split(x, n, n_splits=2, axis=1), {x: X, n: np.array([1, 1])})
        with pytest.raises(ValueError, match="negative"):
            evaluate(pt.split(x, n, n_splits=2, axis=1), {x: X, n: np.array([-1, 5])})
        with pytest.raises(TypeError, match="vector of integers"):
            Split(2, 0)(x, [0.5, 1.5])

    def test_derivatives(self):
        verify_grad(lambda x, y: pt.join(0, x, y) ** 2, [X, X[:2]], rng=rng)
        verify_grad(lambda x, y: pt.stack([x, y], 1) ** 2, [V, V], rng=rng)
        verify_grad(lambda x: pt.split(x, [1, 3])[1] ** 2, [V], rng=rng)
        verify_grad(lambda x: pt.stack([x[0], x[2]]) ** 2, [V], rng=rng)

    def test_vectorize(self):
        x, y, bx = pt.dvector("x"), pt.dvector("y"), pt.dmatrix("bx")
        out = vectorize_graph(pt.join(0, x, y), {x: bx})
        want = np.stack([np.concatenate([r, V]) for r in X])
        np.testing.assert_array_equal(evaluate(out, {bx: X, y: V}), want)
        s, bs = pt.dscalar("s"), pt.dvector("bs")
        out = vectorize_graph(pt.stack([s, s + 1]), {s: bs})
        np.testing.assert_array_equal(evaluate(out, {bs: V}), np.stack([V, V + 1], 1))
        out = vectorize_graph(pt.split(x, [1, 3])[1], {x: bx})
        np.testing.assert_array_equal(evaluate(out, {bx: X}), X[:, 1:])

    def test_make_vector(self):
        with pytest.raises(ValueError, match="0-d"):
            MakeVector("float64")(pt.dvector())
        with pytest.raises(TypeError, match="must hold"):
            MakeVector("int8")(pt.dscalar())
        assert Join(0) == Join(0)


@pytest.mark.parametrize(
    "args",
    [(5,), (0,), (-3,), (2, 5), (5, 2), (0, 10, 3), (10, 0, -3), (0, 1, 0.1), (0.5, 3), (1, 1, 1)],
)
def test_arange(args):
    out = pt.arange(*args)
    want = np.arange(*args)
    got = evaluate(out)
    np.testing.assert_allclose(got, want)
    assert got.dtype == want.dtype
    assert out.type.shape == want.shape
    names = [pt.dscalar() if isinstance(a, float) else pt.lscalar() for a in args]
    givens = {n: np.asarray(a, n.type.dtype) for n, a in zip(names, args, strict=True)}
    out = pt.arange(*names)
    np.testing.assert_allclose(evaluate(out, givens), want)
    check_infer_shape(out, givens)


def test_arange_dtypes_and_mistakes():
    assert pt.arange(pt.fscalar()).type.dtype == "float32"
    assert pt.arange(pt.iscalar()).type.dtype == "int64"
    assert pt.arange(5, dtype="float32").type.dtype == "float32"
    with pytest.raises(TypeError):
        pt.arange(pt.dvector())
    n = pt.lscalar()
    with pytest.raises(ZeroDivisionError):
        evaluate(ARange("int64")(0, n, 0), {n: np.array(3)})


@pytest.mark.parametrize("args", [(3,), (2, 4), (4, 2, 1), (3, 3, -1), (0,)])
def test_eye_tri(args):
    np.testing.assert_array_equal(evaluate(pt.eye(*args)), np.eye(*args))
    np.testing.assert_array_equal(evaluate(pt.tri(*args)), np.tri(*args))
    n = pt.lscalar("n")
    out = pt.eye(n, *args[1:])
    np.testing.assert_array_equal(evaluate(out, {n: np.array(args[0])}), np.eye(*args))
    check_infer_shape(out, {n: np.array(args[0])})
    assert pt.eye(*args).type.shape == np.eye(*args).shape


@pytest.mark.parametrize("k", [-1, 0, 2])
def test_triangles(k):
    x, x3 = pt.dmatrix("x"), pt.dtensor3("x3")
    np.testing.assert_array_equal(evaluate(pt.tril(x, k), {x: X}), np.tril(X, k))
    np.testing.assert_array_equal(evaluate(pt.triu(x, k), {x: X}), np.triu(X, k))
    X3 = np.stack([X, -X])
    np.testing.assert_array_equal(evaluate(pt.tril(x3, k), {x3: X3}), np.tril(X3, k))
    bad = X.copy()
    bad[0, 3] = np.nan
    assert np.isfinite(evaluate(pt.tril(x), {x: bad})).all()
    for name in ("tril_indices", "triu_indices"):
        for got, want in zip(getattr(pt, name)(3, k), getattr(np, name)(3, k), strict=True):
            np.testing.assert_array_equal(evaluate(got), want)
        for got, want in zip(
            getattr(pt, name + "_from")(x, k), getattr(np, name + "_from")(X, k), strict=True
        ):
            np.testing.assert_array_equal(evaluate(got, {x: X}), want)


def test_grids():
    for got, want in zip(pt.mgrid[0:3, 0:2], np.mgrid[0:3, 0:2], strict=True):
        np.testing.assert_array_equal(evaluate(got), want)
    for got, want in zip(pt.ogrid[0:3, 1:8:2], np.ogrid[0:3, 1:8:2], strict=True):
        np.testing.assert_array_equal(evaluate(got), want)
    i, j = pt.lvectors("i j")
    I, J = np.array([0, 2]), np.array([1, 3, 2])
    for got, want in zip(ix_(i, j), np.ix_(I, J), strict=True):
        np.testing.assert_array_equal(evaluate(got, {i: I, j: J}), want)


class TestDiagonals:
    @pytest.mark.parametrize("offset", [-3, -1, 0, 1, 4])
    def test_extract(self, offset):
        x = pt.dtensor3("x")
        X3 = rng.normal(size=(2, 3, 4))
        for axes in ((0, 1), (1, 2), (2, 0), (-1, 0)):
            out = pt.diagonal(x, offset, *axes)
            got = evaluate(out, {x: X3})
            np.testing.assert_array_equal(got, X3.diagonal(offset, *axes))
            check_infer_shape(out, {x: X3})
        out = pt.diagonal(pt.dmatrix(shape=(3, 4)), offset)
        assert out.type.shape == X.diagonal(offset).shape

    @pytest.mark.parametrize("offset", [-2, 0, 1])
    def test_alloc(self, offset):
        v, x = pt.dvector("v"), pt.dmatrix("x")
        out = pt.diag(v, offset)
        np.testing.assert_array_equal(evaluate(out, {v: V}), np.diag(V, offset))
        check_infer_shape(out, {v: V})
        out = alloc_diag(x, offset, axis1=1, axis2=2)
        np.testing.assert_array_equal(
            evaluate(out, {x: X}), np.stack([np.diag(r, offset) for r in X])
        )
        check_infer_shape(out, {x: X})
        assert pt.diag(pt.dvector(shape=(3,)), offset).type.shape == (3 + abs(offset),) * 2

    def test_derivatives_and_batch(self):
        verify_grad(lambda x: pt.diagonal(x, 1) ** 2, [X], rng=rng)
        verify_grad(lambda x: pt.trace(x), [X], rng=rng)
        verify_grad(lambda v: pt.diag(v, -1) ** 2, [V], rng=rng)
        x, bx = pt.dmatrix("x"), pt.dtensor3("bx")
        B = rng.normal(size=(2, 3, 4))
        out = vectorize_graph(pt.diagonal(x, 1), {x: bx})
        np.testing.assert_array_equal(evaluate(out, {bx: B}), B.diagonal(1, 1, 2))
        v, bv = pt.dvector("v"), pt.dmatrix("bv")
        out = vectorize_graph(pt.diag(v), {v: bv})
        np.testing.assert_array_equal(evaluate(out, {bv: X}), np.stack([np.diag(r) for r in X]))

    def test_mistakes(self):
        with pytest.raises(ValueError):
            pt.diag(pt.dtensor3())
        with pytest.raises(np.exceptions.AxisError):
            pt.diagonal(pt.dvector())
        with pytest.raises(ValueError, match="same"):
            ExtractDiag(axis1=1, axis2=1)
        with pytest.raises(NotImplementedError):
            AllocDiag(axis1=-1, axis2=0)


class TestAxes:
    def test_rearranging(self):
        x = pt.dtensor3("x")
        X3 = rng.normal(size=(2, 3, 4))
        for got, want in [
            (pt.transpose(x), X3.T),
            (pt.transpose(x, (0, 2, 1)), X3.transpose(0, 2, 1)),
            (pt.moveaxis(x, 0, -1), np.moveaxis(X3, 0, -1)),
            (pt.moveaxis(x, (0, 1), (2, 0)), np.moveaxis(X3, (0, 1), (2, 0))),
            (pt.swapaxes(x, 0, -1), X3.swapaxes(0, -1)),
            (pt.matrix_transpose(x), X3.swapaxes(-1, -2)),
            (pt.expand_dims(x, (0, 2)), np.expand_dims(X3, (0, 2))),
            (pt.flatten(x, 2), X3.reshape(2, 12)),
            (pt.roll(x, 1, axis=1), np.roll(X3, 1, axis=1)),
            (pt.roll(x, -5, axis=2), np.roll(X3, -5, axis=2)),
            (pt.roll(x, 3), np.roll(X3, 3)),
            (pt.tile(x, 2), np.tile(X3, 2)),
            (pt.tile(x, (2, 1, 3, 1)), np.tile(X3, (2, 1, 3, 1))),
            (pt.atleast_Nd(x, n=5, left=False), X3[..., None, None]),
            (pt.atleast_2d(x[0, 0]), X3[0, 0][None]),
        ]:
            np.testing.assert_array_equal(evaluate(got, {x: X3}), want)
        assert pt.tile(pt.dmatrix(shape=(2, 3)), (2, 2)).type.shape == (4, 6)

    @pytest.mark.parametrize(
        "mistake",
        [
            lambda x: pt.transpose(x, (0,)),
            lambda x: pt.moveaxis(x, 0, 2),
            lambda x: pt.moveaxis(x, (0, 1), 0),
            lambda x: pt.swapaxes(x, 0, 2),
            lambda x: pt.expand_dims(x, 5),
            lambda x: pt.flatten(x, 3),
            lambda x: pt.matrix_transpose(x[0]),
            lambda x: pt.horizontal_stack(x),
        ],
    )
    def test_mistakes(self, mistake):
        with pytest.raises(ValueError):
            mistake(pt.dmatrix("x"))

    def test_roll_of_nothing(self):
        v = pt.dvector("v")
        assert evaluate(pt.roll(v, 2), {v: np.zeros(0)}).shape == (0,)


class TestSelection:
    def test_where_and_nonzero(self):
        x = pt.dmatrix("x")
        np.testing.assert_array_equal(
            evaluate(pt.where(x > 0, x, 0), {x: X}), np.where(X > 0, X, 0)
        )
        for got, want in zip(pt.nonzero(x > 0), np.nonzero(X > 0), strict=True):
            np.testing.assert_array_equal(evaluate(got, {x: X}), want)
        for got, want in [
            (pt.nonzero(x > 0, return_matrix=True), np.array(np.nonzero(X > 0))),
            (pt.flatnonzero(x > 0), np.flatnonzero(X > 0)),
            (pt.nonzero_values(x * (x > 0)), (X * (X > 0))[X > 0]),
        ]:
            np.testing.assert_array_equal(evaluate(got, {x: X}), want)
        with pytest.raises(ValueError):
            pt.where(x, 1)
        with pytest.raises(ValueError):
            pt.nonzero(pt.dscalar())

    def test_permutations(self):
        x, p = pt.dmatrix("x"), pt.lvector("p")
        P = np.array([2, 0, 3, 1])
        givens = {x: X, p: P}
        np.testing.assert_array_equal(evaluate(pt.permute_row_elements(x, p), givens), X[:, P])
        np.testing.assert_array_equal(evaluate(pt.inverse_permutation(p), givens), np.argsort(P))
        back = pt.permute_row_elements(pt.permute_row_elements(x, p), p, inverse=True)
        np.testing.assert_array_equal(evaluate(back, givens), X)
        check_infer_shape(pt.permute_row_elements(x, p), givens)
        verify_grad(lambda x: pt.permute_row_elements(x, P) ** 2, [X], rng=rng)
        verify_grad(lambda v: pt.permute_row_elements(v, np.stack([P, P])) ** 2, [V], rng=rng)
        with pytest.raises(TypeError):
            PermuteRowElements(False)(x, [0.5])

    @pytest.mark.parametrize("mode", ["raise", "wrap", "clip"])
    def test_choose(self, mode):
        i, x, y = pt.lvector("i"), pt.dmatrix("x"), pt.dvector("y")
        I = np.array([0, 1, 1, 0]) if mode == "raise" else np.array([0, 5, -3, 1])
        givens = {i: I, x: X, y: V}
        out = pt.choose(i, [x, y], mode=mode)
        np.testing.assert_array_equal(evaluate(out, givens), np.choose(I, [X, V], mode=mode))
        check_infer_shape(out, givens)
        verify_grad(lambda x, y: pt.choose(I, [x, y], mode=mode) ** 2, [X, V], rng=rng)

    def test_take_along_axis(self):
        x, i = pt.dmatrix("x"), pt.lmatrix("i")
        I = np.array([[0, 1], [3, 2], [1, 1]])
        got = evaluate(take_along_axis(x, i, 1), {x: X, i: I})
        np.testing.assert_array_equal(got, np.take_along_axis(X, I, 1))
        with pytest.raises(ValueError):
            take_along_axis(x, i[0], 1)
        with pytest.raises(IndexError):
            take_along_axis(x, x, 1)


def test_cast():
    x = pt.dmatrix("x")
    assert pt.cast(x, "float64") is x
    assert pt.cast(x, "float32").type.dtype == "float32"
    np.testing.assert_array_equal(evaluate(pt.cast(x, int), {x: X}), X.astype(int))
    with pytest.raises(TypeError, match="ambiguous"):
        pt.cast(pt.zmatrix(), "float64")
    with pytest.raises(TypeError):
        pt.cast(x, "foo")


class TestConstantValue:
    def test_known(self):
        x = pt.dmatrix(shape=(2, None))
        s = pt.dscalar("s")
        for expression, value in [
            (pt.constant([3.0, 3.0]), 3),
            (pt.alloc(2.5, 3, 4), 2.5),
            (pt.zeros_like(x), 0),
            (pt.constant(3).dimshuffle("x", "x"), 3),
            (x.shape[0], 2),
            (pt.cast(pt.constant(3), "float32") * 2, 6),
            (pt.stack([s, pt.constant(4.0)])[1], 4),
            (pt.join(0, [1.0], [1.0]), 1),
            (7, 7),
            (np.ones(3), 1),
        ]:
            assert get_underlying_scalar_constant_value(expression) == value

    def test_unknown(self):
        s = pt.dscalar("s")
        for expression in (s, pt.constant([1.0, 2.0]), pt.zeros((0,)), pt.exp(s), s * 0 + 1):
            with pytest.raises(NotScalarConstantError):
                get_underlying_scalar_constant_value(expression)
            assert (
                get_underlying_scalar_constant_value(expression, raise_not_constant=False)
                is expression
            )
        with pytest.raises(NotScalarConstantError):
            get_underlying_scalar_constant_value(pt.constant(1) + 1, only_process_constants=True)
        with pytest.raises(NotScalarConstantError):
            get_scalar_constant_value(pt.constant([1.0]))


def test_infer_static_shape():
    n = pt.lscalar("n")
    variables, static = infer_static_shape((2, n, pt.constant(3)))
    assert static == [2, None, 3]
    assert all(v.type.ndim == 0 for v in variables)


def test_none_and_slices():
    assert as_symbolic_None(None) is NoneConst
    assert isinstance(NoneConst.type, NoneTypeT)
    s = as_symbolic_slice(slice(1, None, 2))
    assert isinstance(s, SliceConstant)
    assert s.data == slice(1, None, 2)
    assert s.signature() == as_symbolic_slice(slice(1, None, np.int64(2))).signature()
    n = pt.lscalar("n")
    made = as_symbolic_slice(slice(n, 5))
    assert isinstance(made.owner.op, MakeSlice)
    assert evaluate(made, {n: np.array(2)}) == slice(2, 5, None)
    with pytest.raises(TypeError):
        pt.make_slice(pt.dscalar())
    with pytest.raises(TypeError):
        NoneConst.type.filter(1)


def test_transfer():
    x = pt.dvector("x")
    assert pt.transfer(x, "cpu") is x
    with pytest.raises(ValueError, match="target"):
        x.transfer("moon")


def test_gradient_through_scalar_crossing():
    x = pt.dscalar("x")
    y = pt.tensor_from_scalar(ps.sqr(pt.scalar_from_tensor(x)))
    assert evaluate(grad(y, x), {x: np.array(3.0)}) == 6
