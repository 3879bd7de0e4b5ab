"""Shapes of `OpFromGraph` without computing it, and `SymbolicOp` as documented."""

import numpy as np
import pytest

import pytensor.tensor as pt
from pytensor.compile.builders import OpFromGraph, SymbolicOp, infer_shape
from pytensor.compile.maker import function
from pytensor.compile.mode import Mode, get_mode
from pytensor.gradient import grad, pushforward
from pytensor.graph.replace import vectorize_graph

MODE = Mode("py", None)
REWRITTEN = Mode("py", get_mode("FAST_RUN").optimizer)


def shapes_of(outputs, inputs):
    """Compile the shapes of `outputs`; no node of the function may be an OpFromGraph."""
    f = function(inputs, [o.shape for o in outputs], mode=REWRITTEN, on_unused_input="ignore")
    assert not [n for n in f.maker.fgraph.apply_nodes if isinstance(n.op, OpFromGraph)]
    return lambda *values: [tuple(map(int, s)) for s in f(*values)]


class TestInferShape:
    def test_from_shapes(self):
        x, y, a, b = pt.dmatrices("x", "y", "a", "b")
        op = OpFromGraph([x, y], [x @ y, x.sum(axis=0), (x + 1).T])
        shapes = shapes_of(op(a, b), [a, b])
        assert shapes(np.ones((2, 3)), np.ones((3, 4))) == [(2, 4), (3,), (3, 2)]

    def test_from_values(self):
        n, v, k, w = pt.lscalar("n"), pt.dvector("v"), pt.lscalar("k"), pt.dvector("w")
        op = OpFromGraph([n, v], [pt.zeros((n, 2)), v[:n]])
        shapes = shapes_of(op(k, w), [k, w])
        assert shapes(3, np.ones(5)) == [(3, 2), (3,)]
        assert shapes(9, np.ones(5)) == [(9, 2), (5,)]

    def test_nested(self):
        x, y, a = pt.dmatrices("x", "y", "a")
        inner = OpFromGraph([x], [pt.concatenate([x, x], axis=1)])
        outer = OpFromGraph([y], [inner(y).T])
        assert shapes_of([outer(a)], [a])(np.ones((2, 3))) == [(6, 2)]

    def test_unknowable_length_is_computed(self):
        v, w = pt.dvectors("v", "w")
        op = OpFromGraph([v], [v.nonzero()[0]])
        f = function([w], op(w).shape[0], mode=REWRITTEN)
        assert f([0.0, 1.0, 2.0]) == 2

    def test_function(self):
        x = pt.dmatrix("x")
        rows, columns = pt.lscalars("rows", "columns")
        (shape,) = infer_shape([pt.outer(x[0], x[:, 0])], [x], [(rows, columns)])
        f = function([rows, columns], list(shape), mode=MODE, on_unused_input="ignore")
        assert [int(n) for n in f(2, 5)] == [5, 2]


class Scale(SymbolicOp):
    """x * k + y"""

    __props__ = ("k",)

    def __init__(self, k, **kwargs):
        self.k = k
        super().__init__(**kwargs)

    def build_inner_graph(self, x, y):
        return [x * self.k + y]


class InlineScale(Scale):
    __props__ = ("k",)
    inline = True


class Sine(SymbolicOp):
    """One output, not in a list; derivatives of its own, twice what is right."""

    __props__ = ()

    def build_inner_graph(self, x):
        return pt.sin(x)

    def pullback(self, inputs, outputs, cotangents):
        return [2 * pt.cos(inputs[0]) * cotangents[0]]

    def pushforward(self, inputs, outputs, tangents):
        return [2 * pt.cos(inputs[0]) * tangents[0]]


class Coerced(Scale):
    """Its arguments become vectors of float64."""

    __props__ = ("k",)

    @staticmethod
    def filter_inputs(*inputs):
        return [pt.atleast_1d(pt.as_tensor_variable(x)).astype("float64") for x in inputs]


class TestSymbolicOp:
    def test_graph_follows_the_types_of_the_call(self):
        recipe = Scale(3)
        vector, matrix = recipe(pt.dvector(), pt.dvector()), recipe(pt.dmatrix(), pt.fvector())
        assert vector.type.ndim == 1 and matrix.type.ndim == 2
        assert vector.owner.op.input_types != matrix.owner.op.input_types
        a, b = pt.dvectors("a", "b")
        assert function([a, b], recipe(a, b), mode=MODE)([1.0], [1.0]) == [4.0]

    def test_built_at_once_from_types(self):
        t = pt.dvector().type
        op = Scale(3, input_types=[t, t])
        a = pt.dvector("a")
        assert op(a, a).owner.op is op
        assert op(pt.dmatrix("m"), a).type.ndim == 2, "other types build another graph"

    def test_equality(self):
        a, b = pt.dvectors("a", "b")
        assert Scale(3) == Scale(3) != Scale(4) and hash(Scale(3)) == hash(Scale(3))
        assert Scale(3)(a, b).owner.op == Scale(3)(b, a).owner.op != Scale(4)(a, b).owner.op
        assert Scale(3)(a, b).owner.op != InlineScale(3)(a, b).owner.op

    def test_arguments_are_filtered(self):
        assert Scale(2)(1.5, pt.dscalar("y")).eval({"y": 1.0}, mode=MODE) == 4.0
        assert Coerced(2)(1, 2).type.ndim == 1
        assert Coerced(2)(1, 2).eval(mode=MODE).tolist() == [4.0]

    @pytest.mark.parametrize("op, kept", [(Scale, 1), (InlineScale, 0)])
    def test_inline(self, op, kept):
        a, b = pt.dvectors("a", "b")
        f = function([a, b], op(3)(a, b), mode=REWRITTEN)
        assert sum(isinstance(n.op, SymbolicOp) for n in f.maker.fgraph.apply_nodes) == kept
        assert f([1.0], [1.0]) == [4.0]

    def test_own_derivatives(self):
        a, t = pt.dvectors("a", "t")
        y = Sine()(a)
        pulled = function([a], grad(y.sum(), a), mode=MODE)
        (pushed,) = pushforward([y], [a], [t], use_op_pushforward=True)
        np.testing.assert_allclose(pulled([0.3]), 2 * np.cos([0.3]))
        got = function([a, t], pushed, mode=MODE)([0.3], [5.0])
        np.testing.assert_allclose(got, 10 * np.cos([0.3]))

    def test_derivative_of_the_graph(self):
        a, b = pt.dvectors("a", "b")
        ga, gb = grad((Scale(3)(a, b) ** 2).sum(), [a, b])
        got = function([a, b], [ga, gb], mode=MODE)([1.0], [2.0])
        assert [g.tolist() for g in got] == [[30.0], [10.0]]

    def test_batches(self):
        a, b, m = pt.dvector("a"), pt.dvector("b"), pt.dmatrix("m")
        batched = vectorize_graph(Scale(3)(a, b), {a: m})
        got = batched.eval({m: np.ones((2, 3)), b: np.arange(3.0)}, mode=MODE)
        np.testing.assert_allclose(got, [[3, 4, 5]] * 2)

    def test_text(self):
        assert str(Scale(3)) == "Scale{k=3}"
        assert str(Scale(3)(pt.dvector(), 1.0).owner.op) == "Scale{k=3}"

    def test_no_graph(self):
        class Empty(SymbolicOp):
            __props__ = ()

        with pytest.raises(NotImplementedError, match=r"\[Empty\] build_inner_graph must be"):
            Empty()(pt.dvector())
