"""Ops that serve compilation: copies, views, and Python functions as Ops."""

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

import numpy as np

from pytensor.compile.sharedvalue import copied
from pytensor.graph.basic import Apply, Variable
from pytensor.graph.op import Op
from pytensor.graph.type import Type


class TypeCastingOp(Op):
    """Changes what is known about a value, not the value; the output is a view of the input."""

    view_map = {0: [0]}

    def perform(self, node, inputs, outputs_storage):
        outputs_storage[0][0] = inputs[0]

    def __str__(self):
        return f"{type(self).__name__}"

    def pullback(self, inputs, outputs, cotangents):
        return list(cotangents)

    def pushforward(self, inputs, outputs, tangents):
        return list(tangents)

    def infer_shape(self, fgraph, node, input_shapes):
        return list(input_shapes)


class ViewOp(TypeCastingOp):
    """Returns its input, sharing memory."""

    __props__ = ()

    def make_node(self, x: Variable) -> Apply:  # type: ignore[override]  # one operand
        return Apply(self, [x], [x.type()])


view_op = ViewOp()


class DeepCopyOp(Op):
    """Returns a copy of its input that shares no memory with it."""

    __props__ = ()

    def make_node(self, x: Variable) -> Apply:  # type: ignore[override]  # one operand
        return Apply(self, [x], [x.type()])

    def perform(self, node, inputs, output_storage):
        (value,) = inputs
        if isinstance(value, np.ndarray):
            output_storage[0][0] = value.copy(order="K")
        else:
            output_storage[0][0] = copied(value)

    def pullback(self, inputs, outputs, cotangents):
        return list(cotangents)

    def pushforward(self, inputs, outputs, tangents):
        return list(tangents)

    def infer_shape(self, fgraph, node, input_shapes):
        return list(input_shapes)


deep_copy_op = DeepCopyOp()


def register_view_op_c_code(type: Any, code: str, version: Any = ()) -> None:
    """Accepted for compatibility: the C backend needs no code per type for a view."""


def register_deep_copy_op_c_code(typ: Any, code: str, version: Any = ()) -> None:
    """Accepted for compatibility: the C backend needs no code per type for a copy."""


def load_back(mod: str, name: str) -> Any:
    """Return the Op made from a function by `wrap_py`, from where the function is defined."""
    op = import_module(mod)
    for part in name.split("."):
        op = getattr(op, part)
    return op


class FromFunctionOp(Op):
    """Calls a Python function on the values of its inputs.

    Parameters
    ----------
    fn : callable
    itypes, otypes : sequence of Type
        What `fn` takes and returns.
    infer_shape : callable, optional
        ``infer_shape(fgraph, node, input_shapes)``, or without `fgraph`.
    """

    def __init__(
        self,
        fn: Callable[..., Any],
        itypes: Sequence[Type],
        otypes: Sequence[Type],
        infer_shape: Callable[..., Any] | None,
    ) -> None:
        self._fn = fn
        self.itypes = list(itypes)
        self.otypes = list(otypes)
        self._user_infer_shape = infer_shape
        if infer_shape is not None:
            self.infer_shape = self._infer_shape

    def __eq__(self, other):
        return type(self) is type(other) and self._fn == other._fn

    def __hash__(self):
        return hash((type(self), self._fn))

    def __str__(self):
        return f"FromFunctionOp{{{self._fn.__name__}}}"

    def perform(self, node, inputs, outputs):
        results = self._fn(*inputs)
        if not isinstance(results, list | tuple):
            results = (results,)
        if len(results) != len(outputs):
            raise ValueError(
                f"[{self}] the function must return {len(outputs)} values, got {len(results)}"
            )
        for variable, cell, value in zip(node.outputs, outputs, results, strict=True):
            cell[0] = variable.type.filter(value)

    def _infer_shape(self, fgraph, node, input_shapes):
        return self._user_infer_shape(node, input_shapes)

    def __reduce__(self):
        module, name = self._fn.__module__, self._fn.__qualname__
        try:
            found = load_back(module, name)
        except (ImportError, AttributeError):
            found = None
        if found is self or found == self:
            return load_back, (module, name)
        return type(self), (self._fn, self.itypes, self.otypes, self._user_infer_shape)


def wrap_py(
    itypes: Type | Sequence[Type],
    otypes: Type | Sequence[Type],
    infer_shape: Callable[..., Any] | None = None,
) -> Callable[[Callable[..., Any]], FromFunctionOp]:
    """Turn a Python function on values into an Op.

    Parameters
    ----------
    itypes, otypes : Type or sequence of Type
        Types of the arguments and of the results.
    infer_shape : callable, optional
        ``infer_shape(node, input_shapes)`` returns the shapes of the results.

    Examples
    --------
    >>> import numpy as np
    >>> import pytensor.tensor as pt
    >>> from pytensor.compile.ops import wrap_py
    >>> @wrap_py(itypes=[pt.dvector], otypes=[pt.dvector])
    ... def smooth(x):
    ...     return np.convolve(x, [0.25, 0.5, 0.25], mode="same")
    """

    def types_of(given: Type | Sequence[Type], which: str) -> list[Type]:
        types: list[Any] = list(given) if isinstance(given, list | tuple) else [given]
        for type_ in types:
            if not isinstance(type_, Type):
                raise TypeError(f"[wrap_py] {which} must be types, got {type_!r}")
        return types

    in_types, out_types = types_of(itypes, "itypes"), types_of(otypes, "otypes")
    if infer_shape is not None and not callable(infer_shape):
        raise TypeError(f"[wrap_py] infer_shape needs to be a callable, got {infer_shape!r}")

    def make_op(fn: Callable[..., Any]) -> FromFunctionOp:
        return FromFunctionOp(fn, in_types, out_types, infer_shape)

    return make_op


as_op = wrap_py
