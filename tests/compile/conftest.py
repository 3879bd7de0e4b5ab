"""Small Ops on vectors, so that the tests of compilation need no tensor Op and no rewrite."""

import types

import numpy as np
import pytest

from pytensor.compile.mode import Mode
from pytensor.compile.sharedvalue import SharedVariable
from pytensor.graph.basic import Apply
from pytensor.graph.op import Op
from pytensor.tensor.type import TensorType

VECTOR = TensorType("float64", shape=(None,))


class Add(Op):
    """x + y; `inplace` over x."""

    __props__ = ("inplace",)

    def __init__(self, inplace=False):
        self.inplace = inplace
        if inplace:
            self.destroy_map = {0: [0]}

    def make_node(self, x, y):
        return Apply(self, [x, y], [VECTOR()])

    def perform(self, node, inputs, output_storage):
        x, y = inputs
        output_storage[0][0] = np.add(x, y, out=x if self.inplace else None)


class First(Op):
    """x[:n], a view."""

    __props__ = ("n",)
    view_map = {0: [0]}

    def __init__(self, n=2):
        self.n = n

    def make_node(self, x):
        return Apply(self, [x], [VECTOR()])

    def perform(self, node, inputs, output_storage):
        output_storage[0][0] = inputs[0][: self.n]


class Split(Op):
    """The halves of x."""

    __props__ = ()

    def make_node(self, x):
        return Apply(self, [x], [VECTOR(), VECTOR()])

    def perform(self, node, inputs, output_storage):
        half = len(inputs[0]) // 2
        output_storage[0][0] = inputs[0][:half].copy()
        output_storage[1][0] = inputs[0][half:].copy()


class Log(Op):
    """Its input, noting in `seen` that it ran."""

    __props__ = ("tag",)

    def __init__(self, tag, seen):
        self.tag = tag
        self.seen = seen

    def make_node(self, x):
        return Apply(self, [x], [VECTOR()])

    def perform(self, node, inputs, output_storage):
        self.seen.append(self.tag)
        output_storage[0][0] = inputs[0] + 0.0


def shared_vector(value, name=None):
    return SharedVariable(VECTOR, np.array(value, dtype="float64"), False, name=name)


@pytest.fixture(scope="session", params=["py", "cvm"])
def toy(request):
    return types.SimpleNamespace(
        vector=VECTOR,
        add=Add(),
        add_inplace=Add(inplace=True),
        first=First,
        split=Split(),
        log=Log,
        shared=shared_vector,
        mode=Mode(request.param, None),
    )
