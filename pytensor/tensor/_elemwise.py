"""A scalar Op applied to every element of arrays that broadcast together."""

from __future__ import annotations

from numbers import Number

import numpy as np

import pytensor.scalar.basic as ps
from pytensor.configdefaults import config
from pytensor.graph.basic import Apply, Constant, Variable
from pytensor.graph.null_type import DisconnectedType, NullType, disconnected_type
from pytensor.graph.op import Op
from pytensor.graph.replace import _vectorize_node
from pytensor.graph.traversal import toposort
from pytensor.scalar.basic import get_scalar_type
from pytensor.tensor._array_function import array_function
from pytensor.tensor._convert import _get_vector_length, as_tensor_variable, get_vector_length
from pytensor.tensor._dimshuffle import pad_left
from pytensor.tensor.type import TensorType, new_variable, tensor_type
from pytensor.tensor.utils import broadcast_static_dim_lengths
from pytensor.tensor.variable import TensorConstant


class Elemwise(Op):
    """Apply a scalar Op element by element.

    Inputs broadcast as in NumPy, with one difference: an axis is repeated only if it is *known* to
    have length 1 when the graph is built. A length that turns out to be 1 at run time raises.

    Parameters
    ----------
    scalar_op : ScalarOp
        What to do with each element.
    inplace_pattern : dict, optional
        ``{output: input}``: compute this output in this input's memory.
    name : str, optional
        For printing.
    nfunc_spec : tuple, optional
        ``(function name, number of inputs, number of outputs)`` of the NumPy equivalent; the
        scalar Op's own by default.
    """

    __props__ = ("scalar_op", "inplace_pattern")

    def __init__(self, scalar_op, inplace_pattern=None, name=None, nfunc_spec=None, openmp=None):
        self.scalar_op = scalar_op
        self.inplace_pattern = _InplacePattern(inplace_pattern or {})
        self.name = name
        self.destroy_map = {o: [i] for o, i in self.inplace_pattern.items()}
        self.nfunc_spec = scalar_op.nfunc_spec if nfunc_spec is None else nfunc_spec
        self._output_dtypes: dict[tuple, tuple] = {}
        self._functions: dict[tuple, object] = {}
        self._gradients: dict[tuple, tuple] = {}

    def __getstate__(self):
        caches = ("_output_dtypes", "_functions", "_gradients")
        return {k: v for k, v in self.__dict__.items() if k not in caches}

    def __setstate__(self, state):
        self.__dict__.update(state)
        self._output_dtypes, self._functions, self._gradients = {}, {}, {}

    # Building nodes

    def output_dtypes(self, in_dtypes: tuple[str, ...]) -> tuple[str, ...]:
        """Return the dtypes of the outputs for inputs of `in_dtypes`."""
        key = (config.floatX, *in_dtypes)  # what integers are divided as depends on floatX
        found = self._output_dtypes.get(key)
        if found is None:
            node = self.scalar_op.make_node(*[get_scalar_type(d)() for d in in_dtypes])
            found = tuple([o.type.dtype for o in node.outputs])
            self._output_dtypes[key] = found
        return found

    def make_node(self, *inputs):
        inputs = [
            i if isinstance(i, Variable) and isinstance(i.type, TensorType) else _operand(i, inputs)
            for i in inputs
        ]
        nin = self.scalar_op.nin
        if (nin >= 0 and len(inputs) != nin) or not inputs:
            raise TypeError(
                f"[{self}] takes {nin if nin >= 0 else 'at least 1'} inputs, got {len(inputs)}"
            )
        ndim = max([i.type.ndim for i in inputs])
        inputs = [i if i.type.ndim == ndim else pad_left(i, ndim) for i in inputs]
        shape = self._static_shape(inputs)
        dtypes = self.output_dtypes(tuple([i.type.dtype for i in inputs]))
        for out, inp in self.inplace_pattern.items():
            self._check_inplace(inputs[inp], shape, dtypes[out])
        return Apply(self, inputs, [new_variable(dtype, shape) for dtype in dtypes])

    def _static_shape(self, inputs) -> tuple[int | None, ...]:
        first = inputs[0].type.shape
        if len(inputs) == 1 or all([i.type.shape == first for i in inputs]):
            return first
        shapes = [i.type.shape for i in inputs]
        try:
            return tuple([broadcast_static_dim_lengths(lengths) for lengths in zip(*shapes)])
        except ValueError:
            names = ", ".join(f"{i} {i.type.shape}" for i in inputs)
            raise ValueError(
                f"Incompatible Elemwise input shapes {shapes}: [{self}] inputs must broadcast "
                f"together, got {names}"
            ) from None

    def _check_inplace(self, inp, shape, dtype):
        for have, want in zip(inp.type.shape, shape, strict=True):
            if have == 1 and want != 1:
                raise ValueError(
                    "Operation cannot be done inplace on an input with broadcasted dimensions."
                )
        if inp.type.dtype != dtype:
            raise TypeError(
                f"[{self}] cannot be done inplace on an input of dtype {inp.type.dtype} when the "
                f"output is {dtype}"
            )

    # Values

    def function_of(self, node):
        """Return ``f(*arrays) -> list of arrays`` for the dtypes of `node`."""
        key = tuple([i.type.dtype for i in node.inputs])
        func = self._functions.get(key)
        if func is None:
            outs = tuple([o.type.dtype for o in node.outputs])
            func = self._functions[key] = array_function(self.scalar_op, key, outs)
        return func

    def perform(self, node, inputs, output_storage):
        self._check_runtime_broadcast(node, inputs)
        func = self.function_of(node)
        if self.inplace_pattern:
            self._perform_inplace(func, inputs, output_storage)
            return
        try:
            results = func(*inputs)
        except ValueError as exc:
            raise ValueError(f"[{self}] {exc}") from None
        for storage, result in zip(output_storage, results, strict=True):
            # np.around and others may return their argument.
            storage[0] = result.copy() if any(result is i for i in inputs) else result

    def _perform_inplace(self, func, inputs, output_storage):
        if func.ufunc is not None:
            target = inputs[self.inplace_pattern[0]]
            with np.errstate(all="ignore"):
                func.ufunc(*inputs, out=target)
            output_storage[0][0] = target
            return
        results = func(*inputs)
        for i, (storage, result) in enumerate(zip(output_storage, results, strict=True)):
            if i in self.inplace_pattern:
                target = inputs[self.inplace_pattern[i]]
                target[...] = result
                storage[0] = target
            else:
                storage[0] = result.copy() if any(result is x for x in inputs) else result

    def _check_runtime_broadcast(self, node, inputs):
        """Refuse lengths that differ on an axis not known to broadcast."""
        shape = inputs[0].shape
        if all([i.shape == shape for i in inputs]):
            return
        for axis in range(len(shape)):
            lengths = {
                value.shape[axis]
                for var, value in zip(node.inputs, inputs, strict=True)
                if var.type.shape[axis] != 1
            }
            if len(lengths) <= 1:
                continue
            shapes = ", ".join(str(i.shape) for i in inputs)
            if 1 in lengths:
                raise ValueError(
                    f"[{self}] Runtime broadcasting not allowed. One input had a distinct "
                    f"dimension length of 1, but was not marked as broadcastable: axis {axis} of "
                    f"{shapes}. If broadcasting was intended, use `specify_broadcastable` on the "
                    "relevant input."
                )
            raise ValueError(
                f"[{self}] Input dimension mismatch: operands could not be broadcast together "
                f"on axis {axis}, got shapes {shapes}"
            )

    # Shapes

    def infer_shape(self, fgraph, node, i_shapes):
        shape = []
        for axis, static in enumerate(node.outputs[0].type.shape):
            if static is not None:
                shape.append(as_tensor_variable(np.int64(static)))
                continue
            # All lengths that do not broadcast are equal; a simple one is as good as another.
            for var, i_shape in zip(node.inputs, i_shapes, strict=True):
                if var.type.shape[axis] != 1:
                    shape.append(i_shape[axis])
                    break
        return [tuple(shape)] * len(node.outputs)

    # Derivatives

    def connection_pattern(self, node):
        pattern = getattr(self.scalar_op, "connection_pattern", None)
        if pattern is not None:
            return self.scalar_op.connection_pattern(node)
        return [[True] * len(node.outputs) for _ in node.inputs]

    def pullback(self, inputs, outputs, cotangents):
        if all(isinstance(g.type, DisconnectedType) for g in cotangents):
            return [disconnected_type() for _ in inputs]
        grads = self._on_tensors(self._scalar_pullback, inputs, outputs, cotangents)
        return [
            g
            if isinstance(g.type, (NullType, DisconnectedType))
            else _sum_to(_broadcast_like(g, x), x, outputs[0])
            for g, x in zip(grads, inputs, strict=True)
        ]

    def pushforward(self, inputs, outputs, tangents):
        if all(isinstance(t.type, DisconnectedType) for t in tangents):
            return [disconnected_type() for _ in outputs]
        results = self._on_tensors(self._scalar_pushforward, inputs, outputs, tangents)
        return [
            r if isinstance(r.type, (NullType, DisconnectedType)) else _broadcast_like(r, out)
            for r, out in zip(results, outputs, strict=True)
        ]

    def _on_tensors(self, derivative, inputs, outputs, seeds):
        """Apply one of the scalar Op's derivatives to arrays; its graph is built once per dtypes."""
        seed_dtypes = tuple(
            [None if isinstance(g.type, DisconnectedType) else g.type.dtype for g in seeds]
        )
        key = (derivative.__name__, tuple([i.type.dtype for i in inputs]), seed_dtypes)
        found = self._gradients.get(key)
        if found is None:
            scalars = [get_scalar_type(d)() for d in key[1]]
            scalar_outs = self.scalar_op.make_node(*scalars).outputs
            scalar_seeds = [
                disconnected_type() if d is None else get_scalar_type(d)() for d in seed_dtypes
            ]
            results = derivative(scalars, scalar_outs, scalar_seeds)
            known = [*scalars, *scalar_outs, *scalar_seeds]
            nodes = [n for n in toposort(results, blockers=known) if n.outputs[0] not in known]
            found = self._gradients[key] = (known, nodes, results)
        known, nodes, results = found
        values = dict(zip(known, [*inputs, *outputs, *seeds], strict=True))
        return _scalar_graph_on_tensors(nodes, results, values, outputs[0].type.ndim)

    def _scalar_pullback(self, inputs, outputs, cotangents):
        grads = self.scalar_op.pullback(inputs, outputs, cotangents)
        if len(grads) != len(inputs):
            raise ValueError(
                f"[{self}] the pullback of {self.scalar_op} must return {len(inputs)} gradients, "
                f"got {len(grads)}"
            )
        return [g if isinstance(g, Variable) else ps.as_scalar(g) for g in grads]

    def _scalar_pushforward(self, inputs, outputs, tangents):
        results = self.scalar_op.pushforward(inputs, outputs, tangents)
        return [r if isinstance(r, Variable) else ps.as_scalar(r) for r in results]

    def __str__(self):
        return self.name or str(self.scalar_op).capitalize()


def _operand(value, others):
    """Return an operand that is not a tensor variable as one.

    A number gets the axes it needs at once: the constant is nobody else's, and padding it would
    be a node that rewriting has to fold again.
    """
    ndim = None
    if isinstance(value, Number) and not isinstance(value, bool):
        ndims = [x.type.ndim for x in others if isinstance(getattr(x, "type", None), TensorType)]
        ndim = max(ndims, default=None)
    return as_tensor_variable(value, ndim=ndim)


class _InplacePattern(dict):
    """A hashable dict: the inplace pattern is part of the Op's identity."""

    def __hash__(self):
        return hash(frozenset(self.items())) if self else 0

    def __repr__(self):
        return f"{{{', '.join(f'{o}: {i}' for o, i in sorted(self.items()))}}}"


# Scalar functions on tensors, for derivatives. One instance each.
_ELEMWISE_OF: dict = {}


def elemwise_of(scalar_op) -> Elemwise:
    """Return the one Elemwise of a scalar Op that derivatives share."""
    found = _ELEMWISE_OF.get(scalar_op)
    if found is None:
        found = Elemwise(scalar_op)
        # Composites are many and large; simple Ops are few.
        if not isinstance(scalar_op, ps.ScalarInnerGraphOp):
            _ELEMWISE_OF[scalar_op] = found
    return found


def _scalar_graph_on_tensors(nodes, outputs, values, ndim):
    """Rebuild scalar `nodes` on tensors, given the tensors of the variables they start from."""
    for node in nodes:
        args = [_lift_constant(i, values, ndim) for i in node.inputs]
        results = elemwise_of(node.op)(*args, return_list=True)
        values.update(zip(node.outputs, results, strict=True))
    return [
        o if isinstance(o.type, (NullType, DisconnectedType)) else _lift_constant(o, values, ndim)
        for o in outputs
    ]


def _lift_constant(var, values, ndim):
    found = values.get(var)
    if found is None:
        if not isinstance(var, Constant):
            raise ValueError(f"[Elemwise] a derivative depends on the unknown variable {var}")
        data = np.asarray(var.data, dtype=var.type.dtype).reshape((1,) * ndim)
        found = values[var] = TensorConstant(tensor_type(var.type.dtype, (1,) * ndim), data)
    return found


def _broadcast_like(x, like):
    """Give `x` the axes that `like` has and `x` only broadcasts over."""
    if all(
        have == want or have != 1 for have, want in zip(x.type.shape, like.type.shape, strict=True)
    ):
        return x
    return elemwise_of(ps.second)(like, x)


def _sum_to(g, x, out):
    """Sum `g` over the axes on which `x` was repeated to the shape of `out`."""
    axes = [
        axis
        for axis, (have, want) in enumerate(zip(x.type.shape, out.type.shape, strict=True))
        if have == 1 and want != 1 and g.type.shape[axis] != 1
    ]
    # `sum` is a method attached to variables last; it is above this module.
    return g.sum(axis=tuple(axes), keepdims=True) if axes else g


@_vectorize_node.register(Elemwise)
def vectorize_elemwise(op, node, *batched_inputs):
    # All inputs of the core node have the same number of axes, so that batch axes, being on the
    # left, line up; only inputs with fewer batch axes are padded between batch and core.
    core = node.outputs[0].type.ndim
    batch = max(i.type.ndim for i in batched_inputs) - core
    if op.inplace_pattern and any(i.type.ndim != core for i in batched_inputs):
        op = Elemwise(op.scalar_op, name=op.name, nfunc_spec=op.nfunc_spec)
    return op.make_node(*[pad_left(i, core + batch) for i in batched_inputs])


@_get_vector_length.register(Elemwise)
def _get_vector_length_Elemwise(op, var) -> int:
    # The length of any operand that does not broadcast.
    for inp in var.owner.inputs:
        if inp.type.shape != (1,):
            return get_vector_length(inp)
    return 1
