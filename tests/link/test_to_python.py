"""Graphs as Python functions, and linkers built on that."""

import numpy as np

import pytensor.tensor as pt
from pytensor.compile.maker import function
from pytensor.compile.mode import Mode
from pytensor.compile.sharedvalue import shared
from pytensor.graph.basic import Apply
from pytensor.graph.fg import FunctionGraph
from pytensor.graph.op import Op
from pytensor.link.basic import JITLinker
from pytensor.link.utils import fgraph_to_python


class Affine(Op):
    __props__ = ()

    def make_node(self, x, a):
        return Apply(self, [x, a], [x.type(), x.type()])


def convert(op, node=None, **kwargs):
    assert isinstance(op, Affine)

    def affine(x, a):
        return x + a, x * a

    return affine


def graph():
    x, y = pt.dvector("x"), pt.dvector("x")
    low, high = Affine()(x, y)
    low, _ = Affine()(low, pt.constant(np.array([10.0, 20.0])))
    return FunctionGraph([x, y], [low, high])


def test_values_and_source():
    f = fgraph_to_python(graph(), convert, fgraph_name="model")
    low, high = f(np.array([1.0, 2.0]), np.array([3.0, 4.0]))
    assert low.tolist() == [14.0, 26.0] and high.tolist() == [3.0, 8.0]
    assert f.__source__.startswith("def model(x, x_1):") and "# Affine" in f.__source__


def test_constants_are_converted():
    f = fgraph_to_python(graph(), convert, type_conversion_fn=lambda value, **kwargs: value * 100)
    assert f(np.zeros(2), np.zeros(2))[0].tolist() == [1000.0, 2000.0]


def test_squeeze():
    x = pt.dvector("x")
    fgraph = FunctionGraph([x], [x])
    assert fgraph_to_python(fgraph, convert)(1) == (1,)
    assert fgraph_to_python(fgraph, convert, squeeze_output=True)(1) == 1


def test_a_linker_of_four_methods():
    class Traced(JITLinker):
        backend = "traced"

        def fgraph_convert(self, fgraph, order=None, **kwargs):
            return fgraph_to_python(fgraph, convert, order=order)

        def input_filter(self, inp):
            return inp.astype("float32")

        def output_filter(self, var, out):
            return out.astype(var.type.dtype)

    x = pt.dvector("x")
    s = shared(np.zeros(1), name="s")
    low, high = Affine()(x, s)
    f = function([x], high, updates={s: low}, mode=Mode(Traced(), None))
    assert f([2.0]) == [0.0] and f([3.0]) == [6.0] and s.get_value() == [5.0]
    assert f.vm.jit_fn.__source__
