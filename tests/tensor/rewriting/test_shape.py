"""Shapes: found without computing what they are the shape of."""

import numpy as np
import pytest
from rule_checks import ops, rewritten, same_value

import pytensor.tensor as pt
from pytensor import function
from pytensor.compile.mode import Mode
from pytensor.configdefaults import config
from pytensor.graph.basic import Apply, Constant
from pytensor.graph.features import AlreadyThere
from pytensor.graph.fg import FunctionGraph
from pytensor.graph.op import Op
from pytensor.tensor.blas import batched_dot, gemm_no_inplace, gemv_no_inplace, ger
from pytensor.tensor.rewriting.shape import ShapeFeature
from pytensor.tensor.shape import Shape_i, shape_i, specify_shape

rng = np.random.default_rng(5)
x, y = pt.dmatrices("x", "y")
v, w = pt.dvectors("v", "w")
s = pt.dscalar("s")
k = pt.lscalar("k")
t3, u3 = pt.dtensor3("t3"), pt.dtensor3("u3")
row, col = pt.drow("row"), pt.dcol("col")
known = pt.tensor("known", shape=(3, 4), dtype="float64")

VALUES = {
    x: rng.normal(size=(3, 4)),
    y: rng.normal(size=(3, 4)),
    v: rng.normal(size=4),
    w: rng.normal(size=4),
    s: np.array(2.0),
    k: np.array(3),
    t3: rng.normal(size=(2, 3, 4)),
    row: rng.normal(size=(1, 4)),
    col: rng.normal(size=(3, 1)),
    known: rng.normal(size=(3, 4)),
}


def attached(*outputs):
    fgraph = FunctionGraph(outputs=list(outputs), clone=False)
    fgraph.attach_feature(ShapeFeature())
    return fgraph


class Opaque(Op):
    """Something that can't tell its shape."""

    __props__ = ()

    def make_node(self, x):
        return Apply(self, [x], [x.type.clone(shape=(None,) * x.type.ndim)()])

    def perform(self, node, inputs, output_storage):
        output_storage[0][0] = inputs[0].copy()


class Broken(Opaque):
    def infer_shape(self, fgraph, node, shapes):
        raise KeyError("oops")


class TestFeature:
    def test_nothing_is_computed_before_somebody_asks(self):
        feature = attached(pt.exp(x) + y).shape_feature
        assert not feature._shapes

    def test_lengths_of_inputs(self):
        z = pt.exp(x) + y
        found = attached(z).shape_feature.get_shape(z, 1)
        assert isinstance(found.owner.op, Shape_i) and found.owner.op.i == 1
        assert found.owner.inputs == [x]

    def test_known_lengths_are_numbers(self):
        found = attached(known + 1).shape_feature.get_shape(known, 0)
        assert isinstance(found, Constant) and found.data == 3 and found.dtype == "int64"

    def test_shape_of_is_a_mapping(self):
        z = pt.exp(x)
        feature = attached(z).shape_feature
        assert z in feature.shape_of
        assert len(feature.shape_of[z]) == 2
        assert feature.shape_of.get(z) == feature.shape_of[z]

    def test_second_feature_is_refused(self):
        fgraph = attached(x + 1)
        with pytest.raises(AlreadyThere):
            ShapeFeature().on_attach(fgraph)

    def test_stage_attaches_and_removes(self):
        fgraph = rewritten(x + y, stages=("+ShapeOpt",))
        assert hasattr(fgraph, "shape_feature")
        fgraph = rewritten(x + y, stages=("+fast_run",))
        assert not hasattr(fgraph, "shape_feature")

    def test_same_shape(self):
        a, b = pt.exp(x), pt.exp(x) * 2
        c = pt.exp(y)
        feature = attached(a, b, c).shape_feature
        assert feature.same_shape(a, b)
        assert not feature.same_shape(a, c)
        assert feature.same_shape(a, b, 0, 0) and not feature.same_shape(a, b, 0, 1)
        with pytest.raises(ValueError, match="together"):
            feature.same_shape(a, b, 0)

    def test_set_shape(self):
        feature = attached(x + 1).shape_feature
        feature.set_shape(x, [k, 4])
        assert feature.get_shape(x, 0) is k
        assert feature.get_shape(x + 1, 1).data == 4

    def test_unknown_lengths_are_read_off(self):
        z = Opaque()(x)
        found = attached(z + 1).shape_feature.get_shape(z + 1, 0)
        assert found.owner.inputs == [z]

    def test_replaced_variables_are_not_brought_back(self):
        z = Opaque()(pt.exp(x))
        out = z + 1
        fgraph = attached(out)
        assert fgraph.shape_feature.get_shape(out, 0).owner.inputs == [z]
        other = Opaque()(y)
        fgraph.replace(z, other, import_missing=True)
        assert z not in fgraph.variables
        assert fgraph.shape_feature.get_shape(out, 0).owner.inputs == [other]

    def test_non_recursive(self):
        inner = pt.exp(x)
        out = inner + 1
        found = attached(out).shape_feature.get_non_recursive_shape(out, 0)
        assert found.owner.inputs == [inner]

    def test_failing_infer_shape(self):
        z = Broken()(x)
        feature = attached(z).shape_feature
        with config.change_flags(on_shape_error="raise"), pytest.raises(KeyError, match="Broken"):
            feature.get_shape(z, 0)
        with pytest.warns(UserWarning, match="infer_shape of Broken"):
            found = feature.get_shape(z, 0)
        assert found.owner.inputs == [z]

    def test_long_chain(self):
        z = v
        for _ in range(20_000):
            z = pt.sin(z)
        fgraph = attached(z)
        assert fgraph.shape_feature.get_shape(z, 0).owner.inputs == [v]

    def test_shapes_of_removed_nodes(self):
        """What has left the graph is asked about by rules that look at it a last time."""
        z = Opaque()(x)
        n = (pt.exp(z).shape[0] * 2).astype("int64")
        out = pt.alloc(s, n, 2) + 1
        fgraph = attached(out)
        feature = fgraph.shape_feature
        assert feature.get_shape(out, 0) is n
        fgraph.replace(out, pt.alloc(s, k, 2), import_missing=True)
        assert n not in fgraph.variables
        assert feature.get_shape(out, 0) is n

    def test_shape_i_uses_the_feature(self):
        z = pt.exp(x)
        fgraph = attached(z)
        assert shape_i(z, 0, fgraph).owner.inputs == [x]
        assert shape_i(z, 0).owner.inputs == [z]


SHAPES = {
    "dot": (pt.dot(x, y.T).shape, {"Shape_i": 2, "MakeVector": 1}),
    "sum": ((x + y).shape[0], {"Shape_i": 1}),
    "reduction": (x.sum(axis=0).shape[0], {"Shape_i": 1}),
    "transposed": (pt.exp(x.T).shape[0], {"Shape_i": 1}),
    "known": (known.shape, {}),
    "half known": (pt.exp(row).shape[0], {}),
    "specified": (specify_shape(pt.exp(x), (3, None)).shape[0], {}),
    "specified by a variable": (specify_shape(pt.exp(x), (k, None)).shape[0], {}),
    "vector": (pt.stack([s, s * 2]).shape, {}),
    "joined": (pt.concatenate([v, w * 2]).shape[0], {"Shape_i": 2, "add": 1}),
    "slice": (pt.exp(v)[1:].shape[0], {"Shape_i": 1, "maximum": 1}),
    "filled": (pt.alloc(s * 2, k, 4).shape[0], {}),
    "range": (pt.arange(v.shape[0]).shape[0], {"Shape_i": 1}),
    "gradient of mean": (pt.exp(v).sum() / v.shape[0], {"Shape_i": 1, "exp": 1, "Sum": 1}),
}


@pytest.mark.parametrize("name", SHAPES)
def test_shapes_are_found(name):
    out, expected = SHAPES[name]
    fgraph = rewritten(out)
    found = ops(fgraph)
    for op, count in expected.items():
        assert found.get(op, 0) == count, found
    assert not {"exp", "Dot", "Shape", "Alloc"} & set(found) - set(expected), found
    same_value([out], VALUES, fgraph)


A, B, C = pt.dmatrices("A", "B", "C")
PRODUCTS = {
    "gemm": gemm_no_inplace(C, 1.0, A, B, 0.5),
    "gemv": gemv_no_inplace(v, 1.0, A, w, 0.5),
    "ger": ger(C, 1.0, v, w),
    "dot": pt.dot(A, B),
    "matmul": pt.matmul(t3, u3),
    "batched": batched_dot(t3, u3),
}


@pytest.mark.parametrize("name", PRODUCTS)
def test_shape_of_a_product_never_computes_it(name):
    product = PRODUCTS[name]
    fgraph = rewritten(product.shape, stages=("+fast_run",))
    assert set(ops(fgraph)) <= {"Shape_i", "MakeVector"}, ops(fgraph)


def test_user_op_disappears():
    class Gram(Opaque):
        def infer_shape(self, fgraph, node, shapes):
            return [(shapes[0][1], shapes[0][0])]

    f = function([x], Gram()(x).shape, mode=Mode("py", "fast_run"))
    assert not any(isinstance(n.op, Gram) for n in f.maker.fgraph.apply_nodes)
    np.testing.assert_array_equal(f(np.ones((2, 5))), [5, 2])


class TestSpecifyShape:
    def test_merged(self):
        out = specify_shape(specify_shape(x, (3, None)), (None, 4)) * 1.5
        fgraph = rewritten(out)
        assert ops(fgraph) == {"SpecifyShape": 1, "mul": 1}
        assert fgraph.outputs[0].type.shape == (3, 4)
        same_value([out], VALUES, fgraph)

    def test_useless(self):
        plain = pt.specify_shape(x, (3, 4))
        again = plain.owner.op(plain, 3, None)
        assert ops(rewritten(again)) == {"SpecifyShape": 1}

    def test_lifted_through_elemwise(self):
        out = specify_shape(pt.exp(x), (3, None))
        fgraph = rewritten(out)
        assert fgraph.outputs[0].owner.op == pt.exp
        same_value([out], VALUES, fgraph)

    def test_stays_when_somebody_else_reads(self):
        e = pt.exp(x)
        fgraph = rewritten(specify_shape(e, (3, None)), e)
        assert ops(fgraph) == {"SpecifyShape": 1, "exp": 1}

    def test_still_checked(self):
        out = specify_shape(pt.exp(x), (2, None))
        f = function([x], out, mode=Mode("py", "fast_run"))
        with pytest.raises(AssertionError, match="SpecifyShape"):
            f(VALUES[x])

    def test_lifted_through_writes(self):
        out = specify_shape(x[0].inc(1.0), (3, None))
        fgraph = rewritten(out)
        assert type(fgraph.outputs[0].owner.op).__name__ == "IncSubtensor"
        same_value([out], VALUES, fgraph)

    def test_of_alloc(self):
        out = specify_shape(pt.alloc(s, k, 4), (3, None))
        fgraph = rewritten(out)
        assert ops(fgraph) == {"Alloc": 1}
        same_value([out], VALUES, fgraph)

    def test_of_alloc_with_an_axis_of_its_own(self):
        out = specify_shape(pt.alloc(v, k, v.shape[0]), (None, 5))
        assert "SpecifyShape" in ops(rewritten(out))


RESHAPES = {
    "chain": (x.reshape((2, 6)).reshape((4, 3)), {"Reshape": 1}),
    "to itself": (x.reshape(x.shape), {}),
    "to itself but one": (x.reshape((x.shape[0], -1)), {}),
    "known": (known.reshape((3, 4)), {}),
    "vector": (v.reshape((-1,)), {}),
    "vector of known length": (v.reshape((4,)), {"SpecifyShape": 1}),
    "column": (col.reshape((-1,)), {"DimShuffle": 1}),
    "to a row": (v.reshape((1, -1)), {"DimShuffle": 1}),
    "with ones": (x.reshape((2, 1, 6)), {"Reshape": 1}),
    "expanded before": (x[None].reshape((2, 6)), {"Reshape": 1}),
    "lifted": (pt.sin(x).reshape((2, 6)), {"Reshape": 1, "sin": 1}),
    "joined axes": (pt.join_dims(t3, 0, 2), None),
    "split axis": (pt.split_dims(v, (2, -1)), {"Reshape": 1}),
    "split into none": (pt.split_dims(row, (), axis=0), {"DimShuffle": 1}),
}


@pytest.mark.parametrize("name", RESHAPES)
def test_reshape(name):
    out, expected = RESHAPES[name]
    fgraph = rewritten(out)
    found = ops(fgraph)
    assert expected is None or found == expected, found
    assert not {"JoinDims", "SplitDims"} & set(found)
    same_value([out], VALUES, fgraph)


@pytest.mark.parametrize(
    "out",
    [x.reshape((4, -1)), x.reshape((x.shape[1], x.shape[0])), x.reshape((k, k + 1))],
    ids=["other length", "swapped", "unknown"],
)
def test_reshape_stays(out):
    fgraph = rewritten(out)
    assert ops(fgraph)["Reshape"] == 1
    same_value([out], VALUES, fgraph)


def test_reshape_of_what_others_read_is_not_lifted():
    e = pt.exp(x)
    fgraph = rewritten(e.reshape((2, 6)), e)
    assert ops(fgraph)["exp"] == 1


def test_long_chain_of_reshapes():
    """Lengths that depend on lengths: no expression is looked through again and again."""
    z = x
    for _ in range(100):
        z = (z.T + z.sum(axis=0)).reshape(z.shape)
    assert ops(rewritten(z))["Reshape"] == 100


def test_empty_axes_keep_their_lengths():
    out = pt.join_dims(t3, 0, 2)
    same_value([out], {t3: np.zeros((2, 3, 0))})
    same_value([x.reshape((x.shape[0], x.shape[1] * 1))], {x: np.zeros((0, 3))})


def test_infer_shape_in_terms_of_the_shape_itself():
    """An Op may say that its length is shape(out)[0]: that ends, too."""

    class Half(Op):
        __props__ = ()

        def make_node(self, x):
            return Apply(self, [x], [pt.vector()])

        def perform(self, node, inputs, outputs):
            outputs[0][0] = inputs[0][::2].copy()

        def infer_shape(self, fgraph, node, shapes):
            return [(node.outputs[0].shape[0],)]

    x = pt.vector("x")
    half = Half()(x)
    f = function([x], [half.shape[0], (half + 1).shape[0]], mode="FAST_COMPILE")
    assert f(np.ones(5)) == [3, 3]
