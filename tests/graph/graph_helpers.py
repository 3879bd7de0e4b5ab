"""Small types and Ops to test graphs with, none of them from the tensor package."""

from __future__ import annotations

from pytensor.graph.basic import Apply, Constant, Variable
from pytensor.graph.op import HasInnerGraph, Op
from pytensor.graph.type import Type


class MyType(Type):
    """Numbers tagged with a name; types with other tags are strangers."""

    __props__ = ("thingy",)

    def __init__(self, thingy="R"):
        self.thingy = thingy

    def filter(self, data, strict=False, allow_downcast=None):
        if not isinstance(data, int | float):
            raise TypeError(f"[MyType] data must be a number, got {data!r}")
        if strict and not isinstance(data, float):
            raise TypeError(f"[MyType] data must be a float, got {data!r}")
        return float(data)

    def __str__(self):
        return f"My({self.thingy})"


class MyVariable(Variable):
    pass


class MyConstant(Constant):
    pass


MyType.variable_type = MyVariable
MyType.constant_type = MyConstant
R = MyType()


def var(name=None, thingy="R"):
    return MyType(thingy)(name)


def const(value, name=None):
    return R.make_constant(value, name)


class MyOp(Op):
    """Sum of its inputs, or what `fn` says, under a name."""

    __props__ = ("name", "dmap_key", "vmap_key", "nout")

    def __init__(self, name, dmap=None, vmap=None, nout=1, fn=None):
        self.name = name
        self.destroy_map = dmap or {}
        self.view_map = vmap or {}
        self.dmap_key = tuple((k, tuple(v)) for k, v in self.destroy_map.items())
        self.vmap_key = tuple((k, tuple(v)) for k, v in self.view_map.items())
        self.nout = nout
        self.fn = fn

    def make_node(self, *inputs):
        inputs = [i if isinstance(i, Variable) else const(i) for i in inputs]
        for i in inputs:
            if not isinstance(i.type, MyType):
                raise TypeError("only MyType")
        type = inputs[0].type if inputs else R
        return Apply(self, inputs, [type() for _ in range(self.nout)])

    def perform(self, node, inputs, output_storage):
        value = self.fn(*inputs) if self.fn else sum(inputs)
        for cell in output_storage:
            cell[0] = value

    def __str__(self):
        return self.name


op1, op2, op3, op4 = (MyOp(f"Op{i}") for i in range(1, 5))
two_out = MyOp("TwoOut", nout=2)
inplace = MyOp("Inplace", dmap={0: [0]})
view = MyOp("View", vmap={0: [0]})


class MyInnerGraphOp(Op, HasInnerGraph):
    """An Op that holds a graph."""

    __props__ = ()

    def __init__(self, inner_inputs, inner_outputs):
        from pytensor.graph.fg import FunctionGraph

        self.fgraph = FunctionGraph(inner_inputs, inner_outputs, clone=True)

    def make_node(self, *inputs):
        return Apply(self, list(inputs), [R() for _ in self.fgraph.outputs])

    def perform(self, node, inputs, outputs):
        raise NotImplementedError

    @property
    def fn(self):
        raise NotImplementedError

    @property
    def inner_inputs(self):
        return self.fgraph.inputs

    @property
    def inner_outputs(self):
        return self.fgraph.outputs

    def clone(self):
        return type(self)(self.fgraph.inputs, self.fgraph.outputs)

    def __eq__(self, other):
        return self is other

    def __hash__(self):
        return id(self)


def chain(n, x=None, op=op1):
    """A chain of `n` applications of `op`; returns its input and its end."""
    x = var("x") if x is None else x
    y = x
    for _ in range(n):
        y = op(y)
    return x, y
