"""Toy types and ops: graphs without the array package."""

from pytensor.graph.basic import Apply, Variable
from pytensor.graph.op import Op
from pytensor.graph.type import Type


class ToyType(Type):
    """A type that is always equal to itself and takes any value."""

    def filter(self, data, strict=False, allow_downcast=None):
        return data

    def __eq__(self, other):
        return isinstance(other, ToyType)

    def __hash__(self):
        return hash(ToyType)

    def __repr__(self):
        return "ToyType"


toy_type = ToyType()


class ToyOp(Op):
    """An op of any number of inputs, with a name."""

    __props__ = ("name", "dmap")

    def __init__(self, name, dmap=()):
        self.name = name
        self.dmap = dmap
        if dmap:
            self.destroy_map = dict(dmap)

    def make_node(self, *inputs):
        return Apply(self, inputs, [toy_type()])

    def perform(self, node, inputs, outputs):
        raise NotImplementedError

    def __str__(self):
        return self.name


def variable(name):
    """Return a toy variable."""
    return Variable(toy_type, None, name=name)


op1, op2, op3, op4, op5 = (ToyOp(f"Op{i}") for i in range(1, 6))


def text(fgraph_or_var):
    """Return an expression as text, without a recursion limit."""
    var = getattr(fgraph_or_var, "outputs", [fgraph_or_var])[0]
    done = {}
    stack = [var]
    while stack:
        v = stack[-1]
        if v.owner is None:
            done[v] = v.name or str(getattr(v, "data", v))
        else:
            missing = [i for i in v.owner.inputs if i not in done]
            if missing:
                stack.extend(missing)
                continue
            done[v] = f"{v.owner.op}({', '.join(done[i] for i in v.owner.inputs)})"
        stack.pop()
    return done[var]
