"""`Print`: an Op that shows the value that passes through it."""

from __future__ import annotations

from pytensor.graph.basic import Apply
from pytensor.graph.op import Op
from pytensor.graph.replace import _vectorize_node, _vectorize_not_needed

__all__ = ["Print"]


def _print_fn(op: Print, xin) -> None:
    """Print the attributes of a value that a `Print` asks for."""
    for attr in op.attrs:
        value = getattr(xin, attr)
        text = value() if callable(value) else value
        print(op.message, attr, "=", text)


class Print(Op):
    """Return the input, and print it whenever it is computed.

    Parameters
    ----------
    message : str
        Printed before the value.
    attrs : sequence of str
        Attributes of the value to print; a callable one is called.
    global_fn : callable
        Called with this Op and the value; prints them by default.

    Examples
    --------
    ``y = Print("x is", attrs=("shape", "__str__"))(x) + 1`` prints shape and value of ``x``
    when ``y`` is computed.
    """

    view_map = {0: [0]}
    __props__ = ("message", "attrs", "global_fn")

    def __init__(self, message: str = "", attrs=("__str__",), global_fn=_print_fn):
        self.message = message
        self.attrs = tuple(attrs)
        self.global_fn = global_fn

    def make_node(self, xin):
        return Apply(self, [xin], [xin.type()])

    def perform(self, node, inputs, output_storage):
        output_storage[0][0] = inputs[0]
        self.global_fn(self, inputs[0])

    def pullback(self, inputs, outputs, cotangents):
        return list(cotangents)

    def pushforward(self, inputs, outputs, tangents):
        return list(tangents)

    def infer_shape(self, fgraph, node, input_shapes):
        return list(input_shapes)

    def do_constant_folding(self, fgraph, node):
        return False


_vectorize_node.register(Print, _vectorize_not_needed)
