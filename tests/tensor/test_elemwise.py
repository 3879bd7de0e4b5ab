import pickle

import numpy as np
import pytest

import pytensor.scalar as ps
import pytensor.tensor as pt
from pytensor.gradient import grad, verify_grad
from pytensor.graph.replace import vectorize_graph
from pytensor.tensor.elemwise import CAReduce, DimShuffle, Elemwise, get_normalized_batch_axes
from tests.tensor.utils import check_infer_shape, evaluate

rng = np.random.default_rng(2)


class TestDimShuffle:
    @pytest.mark.parametrize(
        "shape, order",
        [
            ((2, 3), (1, 0)),
            ((2, 3), (1, "x", 0)),
            ((1, 3), (1,)),
            ((1, 1), ()),
            ((), ("x", "x")),
            ((2, 1, 3), (2, "x", 0)),
            ((3,), (0,)),
            ((3,), ("x", 0)),
        ],
    )
    def test_value_shape_and_view(self, shape, order):
        x = pt.tensor("x", dtype="float64", shape=tuple(1 if s == 1 else None for s in shape))
        X = rng.normal(size=shape)
        out = DimShuffle(input_ndim=len(shape), new_order=order)(x)
        kept = [d for d in order if d != "x"]
        dropped = [d for d in range(len(shape)) if d not in kept]
        want = X.transpose(kept + dropped).reshape([1 if d == "x" else shape[d] for d in order])
        got = evaluate(out, {x: X})
        np.testing.assert_array_equal(got, want)
        assert np.may_share_memory(got, X)
        check_infer_shape(out, {x: X})

    @pytest.mark.parametrize(
        "order, error",
        [((0, 0), ValueError), ((0, 2), ValueError), ((0, "y"), TypeError), ((0.5,), TypeError)],
    )
    def test_bad_order(self, order, error):
        with pytest.raises(error):
            DimShuffle(input_ndim=2, new_order=order)

    def test_bad_input(self):
        with pytest.raises(TypeError, match="must have 1 axes"):
            DimShuffle(input_ndim=1, new_order=(0,))(pt.dmatrix())
        with pytest.raises(ValueError, match="length 1"):
            pt.dmatrix(shape=(2, 3)).dimshuffle(0)
        x = pt.dmatrix("x")
        with pytest.raises(ValueError, match="not equal to one"):
            evaluate(x.dimshuffle(0), {x: np.zeros((2, 3))})

    def test_kinds(self):
        assert str(pt.dmatrix().T.owner.op) == "MatrixTranspose"
        assert DimShuffle(input_ndim=2, new_order=("x", 0, 1)).is_left_expand_dims
        assert DimShuffle(input_ndim=2, new_order=(0, 1, "x")).is_right_expand_dims
        assert not DimShuffle(input_ndim=2, new_order=(0, 1, "x")).is_left_expand_dims
        assert DimShuffle(input_ndim=2, new_order=(1,)).is_squeeze == (0,)
        assert DimShuffle(input_ndim=0, new_order=("x",)).is_left_expand_dims

    def test_gradient(self):
        verify_grad(lambda x: x.dimshuffle(1, "x", 0) ** 2, [rng.normal(size=(2, 3))], rng=rng)


class TestElemwise:
    def test_static_shapes(self):
        a, b = pt.dmatrix(shape=(None, 3)), pt.dmatrix(shape=(2, 1))
        assert (a + b).type.shape == (2, 3)
        assert (a + pt.dvector()).type.shape == (None, 3)
        assert pt.exp(a).type is a.type

    def test_static_contradiction(self):
        with pytest.raises(ValueError, match="Incompatible Elemwise input shapes"):
            pt.dvector(shape=(3,)) + pt.dvector(shape=(4,))

    def test_number_of_inputs(self):
        with pytest.raises(TypeError, match="takes 1 inputs, got 2"):
            pt.exp(pt.dvector(), pt.dvector())

    def test_runtime_broadcast_is_refused(self):
        x, y = pt.dmatrix("x"), pt.dmatrix("y")
        with pytest.raises(ValueError, match="Runtime broadcasting not allowed"):
            evaluate(x + y, {x: np.zeros((1, 3)), y: np.zeros((2, 3))})
        with pytest.raises(ValueError, match="dimension mismatch"):
            evaluate(x + y, {x: np.zeros((3, 3)), y: np.zeros((2, 3))})
        row = pt.drow("row")
        assert evaluate(row + y, {row: np.zeros((1, 3)), y: np.zeros((2, 3))}).shape == (2, 3)

    @pytest.mark.parametrize("dtypes", [("int8", "int16"), ("float32", "int8"), ("bool", "int8"),
                                        ("float32", "float64"), ("uint8", "int8"), ("bool", "bool"),
                                        ("complex64", "float64"), ("int64", "float32")])  # fmt: skip
    @pytest.mark.parametrize("op", ["add", "mul", "maximum", "eq", "lt"])
    def test_mixed_dtypes(self, dtypes, op):
        if op == "lt" and "complex64" in dtypes:
            pytest.skip("complex numbers have no order")
        a, b = (rng.integers(0, 2, size=5).astype(d) for d in dtypes)
        x, y = (pt.vector(dtype=d) for d in dtypes)
        numpy_op = {"mul": "multiply", "eq": "equal", "lt": "less"}.get(op, op)
        out = getattr(pt, op)(x, y)
        got = evaluate(out, {x: a, y: b})
        want = getattr(np, numpy_op)(a, b)
        np.testing.assert_array_equal(got, want)
        assert got.dtype == want.dtype

    def test_float32_stays(self):
        x = pt.fvector("x")
        for out in (x * 0.5, x + 1, x**2, 2**x, pt.exp(x), x / 3, x.mean(), x.var(), pt.sqrt(x)):
            assert out.type.dtype == "float32"

    def test_nary_fold(self):
        x, y, z = pt.vectors("x y z")
        a, b, c = rng.normal(size=(3, 4))
        got = evaluate(pt.add(x, y, z), {x: a, y: b, z: c})
        np.testing.assert_allclose(got, a + b + c)
        assert evaluate(pt.mul(x), {x: a}) is not a

    def test_inplace(self):
        x, y = pt.vectors("x y")
        op = Elemwise(ps.add, {0: 0})
        assert op.destroy_map == {0: [0]}
        a, b = np.ones(3), np.arange(3.0)
        got = evaluate(op(x, y), {x: a, y: b})
        assert got is a
        np.testing.assert_array_equal(a, [1, 2, 3])
        with pytest.raises(ValueError, match="inplace on an input with broadcasted"):
            op(pt.drow(), pt.dmatrix())
        with pytest.raises(TypeError, match="inplace on an input of dtype"):
            op(pt.fvector(), pt.dvector())

    def test_composite_with_two_outputs(self):
        a, b = ps.float64("a"), ps.float64("b")
        op = Elemwise(ps.Composite([a, b], [a * b + 1, ps.exp(a)]))
        x, y = pt.dmatrix("x"), pt.drow("y")
        X, Y = rng.normal(size=(2, 3)), rng.normal(size=(1, 3))
        first, second = evaluate(op(x, y), {x: X, y: Y})
        np.testing.assert_allclose(first, X * Y + 1)
        np.testing.assert_allclose(second, np.exp(X))

    def test_scalar_op_without_numpy_function(self):
        class Triple(ps.UnaryScalarOp):
            nfunc_spec = None

            def impl(self, x):
                return 3 * x

        op = Elemwise(Triple(ps.same_out, name="triple"))
        x = pt.fmatrix("x")
        X = rng.normal(size=(2, 3)).astype("float32")
        got = evaluate(op(x), {x: X})
        np.testing.assert_allclose(got, 3 * X)
        assert got.dtype == "float32"

    @pytest.mark.parametrize("shape", [(), (0,), (2, 0), (1, 3)])
    def test_odd_shapes(self, shape):
        x = pt.tensor(dtype="float64", shape=(None,) * len(shape))
        X = rng.normal(size=shape)
        np.testing.assert_array_equal(evaluate(pt.exp(x), {x: X}), np.exp(X))

    @pytest.mark.parametrize(
        "make", [lambda a: a[::-1], lambda a: a[:, ::2], lambda a: np.asfortranarray(a),
                 lambda a: np.broadcast_to(a[:1], a.shape)]
    )  # fmt: skip
    def test_layouts(self, make):
        x = pt.dmatrix("x")
        X = make(rng.normal(size=(4, 6)))
        np.testing.assert_array_equal(evaluate(x + x, {x: X}), X + X)

    def test_infer_shape(self):
        x, y, s = pt.dmatrix("x"), pt.dvector("y"), pt.dscalar("s")
        givens = {x: np.zeros((2, 3)), y: np.zeros(3), s: np.array(1.0)}
        check_infer_shape([x + y, pt.add(s, y), pt.exp(s)], givens)

    @pytest.mark.parametrize(
        "fn", ["exp", "tanh", "sqr", "sigmoid", "softplus", "sin", "neg", "log1p", "abs", "erf"]
    )
    def test_unary_gradients(self, fn):
        verify_grad(getattr(pt, fn), [rng.uniform(0.2, 1, size=(2, 3))], rng=rng)

    @pytest.mark.parametrize("fn", ["add", "sub", "mul", "true_div", "pow", "maximum", "arctan2"])
    def test_broadcast_gradients(self, fn):
        a, b = rng.uniform(0.5, 2, size=(2, 3)), rng.uniform(0.5, 2, size=(1, 3))
        row_first = getattr(pt, fn)
        verify_grad(lambda x, y: row_first(y, pt.specify_broadcastable(x, 0)), [b, a], rng=rng)

    def test_gradient_keeps_the_input_shape(self):
        x, s = pt.dmatrix("x"), pt.dscalar("s")
        g = grad((x * s).sum(), s)
        assert g.type.ndim == 0
        X = rng.normal(size=(2, 3))
        np.testing.assert_allclose(evaluate(g, {x: X, s: np.array(2.0)}), X.sum())
        f = pt.fvector("f")
        assert grad((f * 0.5).sum(), f).type == f.type

    def test_pushforward(self):
        x, dx, y = pt.dvector("x"), pt.dvector("dx"), pt.dscalar("y")
        out = pt.sin(x) * y
        [tangent] = out.owner.op.pushforward(
            out.owner.inputs, [out], [pt.cos(x) * dx, pt.zeros((1,))]
        )
        a, d = rng.normal(size=(2, 3))
        got = evaluate(tangent, {x: a, dx: d, y: np.array(3.0)})
        np.testing.assert_allclose(got, 3 * np.cos(a) * d)

    def test_vectorize(self):
        x, y = pt.dvector("x"), pt.dscalar("y")
        bx, by = pt.dmatrix("bx"), pt.dvector("by")
        out = vectorize_graph(x + y, {x: bx, y: by})
        X, Y = rng.normal(size=(2, 3)), rng.normal(size=2)
        np.testing.assert_allclose(evaluate(out, {bx: X, by: Y}), X + Y[:, None])

    def test_equality_and_pickle(self):
        assert Elemwise(ps.add) == pt.add
        assert Elemwise(ps.add, {0: 0}) != pt.add
        assert hash(Elemwise(ps.add)) == hash(pt.add)
        again = pickle.loads(pickle.dumps(pt.add))
        assert again == pt.add
        assert again(pt.dvector(), 1).type == pt.dvector().type

    def test_integer_division_by_zero(self):
        x, y = pt.ivector("x"), pt.ivector("y")
        givens = {x: np.array([1, -7, 0], "int32"), y: np.array([0, 2, 0], "int32")}
        np.testing.assert_array_equal(evaluate(x // y, givens), [0, -4, 0])
        np.testing.assert_array_equal(evaluate(x % y, givens), [0, 1, 0])

    def test_nan_and_signed_zero(self):
        x, y = pt.dvector("x"), pt.dvector("y")
        a, b = np.array([np.nan, -0.0, 1.0]), np.array([1.0, 0.0, np.nan])
        for op, np_op in ((pt.maximum, np.maximum), (pt.minimum, np.minimum), (pt.eq, np.equal)):
            np.testing.assert_array_equal(evaluate(op(x, y), {x: a, y: b}), np_op(a, b))


class TestCAReduce:
    X = rng.integers(1, 5, size=(2, 3, 4)).astype("float64")

    @pytest.mark.parametrize("axis", [None, 0, -1, (0, 2), (), (0, 1, 2)])
    @pytest.mark.parametrize("scalar_op, ufunc", [(ps.add, np.add), (ps.maximum, np.maximum),
                                                  (ps.mul, np.multiply)])  # fmt: skip
    def test_against_ufunc(self, axis, scalar_op, ufunc):
        x = pt.dtensor3("x")
        op = CAReduce(scalar_op, axis=axis if axis != -1 else 2)
        want = ufunc.reduce(self.X, axis=axis)
        got = evaluate(op(x), {x: self.X})
        np.testing.assert_array_equal(got, want)
        assert got.shape == want.shape
        check_infer_shape(op(x), {x: self.X})

    def test_scalar_op_without_ufunc(self):
        class Hypot(ps.BinaryScalarOp):
            identity = 0.0
            associative = commutative = True

            def impl(self, a, b):
                return np.sqrt(a * a + b * b)

        x = pt.dmatrix("x")
        op = CAReduce(Hypot(ps.upcast_out), axis=1)
        X = self.X[0]
        np.testing.assert_allclose(evaluate(op(x), {x: X}), np.sqrt((X**2).sum(1)))

    def test_out_of_bounds(self):
        with pytest.raises(np.exceptions.AxisError):
            CAReduce(ps.add, axis=2)(pt.dmatrix())
        with pytest.raises(ValueError, match="repeat"):
            CAReduce(ps.add, axis=(0, 0))
        with pytest.raises(NotImplementedError):
            CAReduce(ps.exp)

    def test_vectorize(self):
        x, bx = pt.dmatrix("x"), pt.dtensor3("bx")
        for axis in (None, 0, (0, 1), 1):
            out = vectorize_graph(pt.sum(x, axis=axis), {x: bx})
            want = np.stack([np.sum(m, axis=axis) for m in self.X])
            np.testing.assert_allclose(evaluate(out, {bx: self.X}), want)
        assert get_normalized_batch_axes((0, -1), 2, 4) == (2, 3)
        assert get_normalized_batch_axes(None, 2, 4) == (2, 3)

    def test_str(self):
        x = pt.dmatrix()
        assert str(pt.sum(x).owner.op) == "Sum{axes=None}"
        assert str(pt.sum(x, 0).owner.op) == "Sum{axis=0}"
        assert str(pt.sum(pt.fmatrix(), (0, 1)).owner.op) == "Sum{axes=[0, 1], acc=float64}"
        assert str(CAReduce(ps.add, axis=0)) == "CAReduce{add, axis=0}"
        assert str(pt.max(x, 0).owner.op) == "Max{axis=0}"
        assert str(pt.prod(x, no_zeros_in_input=True).owner.op) == (
            "Prod{axes=None, no_zeros_in_input}"
        )
