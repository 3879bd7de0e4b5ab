"""JAX functions as Ops: `wrap_jax`. The package jax is imported when one is made."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import numpy as np

from pytensor.compile.maker import function
from pytensor.graph.basic import Apply, Constant, Variable
from pytensor.graph.null_type import DisconnectedType, disconnected_type
from pytensor.graph.op import Op
from pytensor.graph.traversal import explicit_graph_inputs
from pytensor.tensor.basic import as_tensor_variable
from pytensor.tensor.type import TensorType, discrete_dtypes

__all__ = ["JAXOp", "wrap_jax"]


def _jax():
    try:
        return importlib.import_module("jax")
    except ImportError as error:
        raise ImportError(
            "[wrap_jax] the package jax must be installed: pip install jax"
        ) from error


class JAXOp(Op):
    """A JAX function of arrays that returns a tuple of arrays.

    Parameters
    ----------
    input_types, output_types : sequence of TensorType
    jax_func : callable
    name : str, optional
    """

    def __init__(
        self,
        input_types: Sequence[TensorType],
        output_types: Sequence[TensorType],
        jax_func: Callable,
        name: str | None = None,
    ):
        self.input_types, self.output_types = tuple(input_types), tuple(output_types)
        self.jax_func = jax_func
        self.name = name
        self._compiled: Any = None

    def _identity(self):
        return type(self), self.input_types, self.output_types, self.jax_func

    def __eq__(self, other):
        return type(self) is type(other) and self._identity() == other._identity()

    def __hash__(self):
        return hash(self._identity())

    def __str__(self):
        return f"JAXOp({self.name or getattr(self.jax_func, '__name__', 'function')})"

    def __getstate__(self):
        return {**super().__getstate__(), "_compiled": None}

    def make_node(self, *inputs):
        if len(inputs) != len(self.input_types):
            raise ValueError(f"[{self}] expected {len(self.input_types)} inputs, got {len(inputs)}")
        inputs = [t.filter_variable(i) for t, i in zip(self.input_types, inputs)]
        return Apply(self, inputs, [t() for t in self.output_types])

    def perform(self, node, inputs, output_storage):
        if self._compiled is None:
            self._compiled = _jax().jit(self.jax_func)
        with _enable_x64():
            results = self._compiled(*inputs)
        for cell, value, t in zip(output_storage, results, self.output_types, strict=True):
            cell[0] = np.array(value, dtype=t.dtype)

    def pullback(self, inputs, outputs, cotangents):
        smooth = [i for i, t in enumerate(self.input_types) if t.dtype not in discrete_dtypes]
        given = [i for i, g in enumerate(cotangents) if not isinstance(g.type, DisconnectedType)]
        if not smooth or not given:
            return [disconnected_type() for _ in inputs]
        n, func = len(inputs), self.jax_func

        def vjp(*args):
            values, seeds = list(args[:n]), args[n:]

            def of_smooth(*chosen):
                for i, value in zip(smooth, chosen, strict=True):
                    values[i] = value
                results = func(*values)
                return tuple(results[i] for i in given)

            _, pull = _jax().vjp(of_smooth, *(values[i] for i in smooth))
            return pull(tuple(seeds))

        seeds = [cotangents[i] for i in given]
        types = [self.output_types[i] for i in given]
        op = JAXOp(
            [*self.input_types, *types],
            [self.input_types[i] for i in smooth],
            vjp,
            name=f"vjp of {self}",
        )
        found = iter(op(*inputs, *seeds, return_list=True))
        return [
            next(found) if i in smooth else x.zeros_like(dtype="float64")
            for i, x in enumerate(inputs)
        ]


def _enable_x64():
    """JAX computes in single precision unless told otherwise; dtypes here are meant as they are."""
    jax = _jax()
    if hasattr(jax, "enable_x64"):
        return jax.enable_x64(True)
    return importlib.import_module("jax.experimental").enable_x64()


def _known_shapes(variables: Sequence[Variable], allow_eval: bool) -> list[tuple[int, ...]]:
    """Shapes of the inputs, for a first look at what the function returns."""
    shapes = [v.type.shape for v in variables]
    if not any(None in s for s in shapes):
        return shapes
    message = (
        "[wrap_jax] the shapes of all inputs must be known: give them static shapes, for example "
        f"with pt.specify_shape; got {[v.type for v in variables]}"
    )
    if not allow_eval:
        raise ValueError(message)
    lengths = [v.shape for v in variables]
    free = [
        i
        for i in explicit_graph_inputs(lengths)
        if not isinstance(i, Constant) and not hasattr(i, "get_value")
    ]
    evaluate = function(free, lengths, on_unused_input="ignore", mode="FAST_COMPILE")
    if evaluate.maker.fgraph.inputs and any(
        evaluate.maker.fgraph.clients[i] for i in evaluate.maker.fgraph.inputs[: len(free)]
    ):
        raise ValueError(message)
    values = evaluate(*(np.zeros((1,) * i.type.ndim, dtype=i.type.dtype) for i in free))
    return [tuple(map(int, s)) for s in values]


def wrap_jax(jax_function: Callable | None = None, *, allow_eval: bool = True) -> Callable:
    """Make a JAX function accept and return variables.

    Parameters
    ----------
    jax_function
        A function that `jax.jit` accepts, of nested structures (pytrees) of arrays. A decorator is
        returned if it is not given.
    allow_eval
        Whether lengths that are not static may be found by computing them, where they depend on no
        input.

    Returns
    -------
    callable
        Variables among its arguments become inputs of one Op; what it returns has the structure
        of what `jax_function` returns. Derivatives are JAX's.

    Raises
    ------
    ImportError
        When it is called, if jax is not installed.
    ValueError
        If the shape of an input is not known.
    """
    if jax_function is None:
        return lambda function: wrap_jax(function, allow_eval=allow_eval)

    @wraps(jax_function)
    def wrapped(*args, **kwargs):
        jax = _jax()
        leaves, structure = jax.tree_util.tree_flatten(
            (args, kwargs), is_leaf=lambda leaf: isinstance(leaf, Variable)
        )
        places = [i for i, leaf in enumerate(leaves) if isinstance(leaf, Variable)]
        inputs = [as_tensor_variable(leaves[i]) for i in places]
        returned = []

        def flat(*values):
            filled = list(leaves)
            for i, value in zip(places, values, strict=True):
                filled[i] = value
            again_args, again_kwargs = jax.tree_util.tree_unflatten(structure, filled)
            results = jax_function(*again_args, **again_kwargs)
            outputs, returned_structure = jax.tree_util.tree_flatten(results)
            returned[:] = [returned_structure]
            return tuple(jax.numpy.asarray(o) for o in outputs)

        shapes = _known_shapes(inputs, allow_eval)
        with _enable_x64():
            seen = jax.eval_shape(
                flat,
                *(
                    jax.ShapeDtypeStruct(shape, v.type.dtype)
                    for shape, v in zip(shapes, inputs, strict=True)
                ),
            )
        static = all(None not in v.type.shape for v in inputs)
        types = [
            TensorType(str(o.dtype), shape=o.shape if static else (None,) * len(o.shape))
            for o in seen
        ]
        op = JAXOp([v.type for v in inputs], types, flat, name=jax_function.__name__)
        outputs = op(*inputs, return_list=True)
        return jax.tree_util.tree_unflatten(returned[0], outputs)

    return wrapped
