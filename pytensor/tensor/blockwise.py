"""Core operations on arrays of cores: NumPy's generalized ufuncs for any Op.

`Blockwise(core_op, signature)` applies an Op that knows matrices (say) to stacks of matrices. The
leading, "batch", dimensions of all inputs broadcast together; the trailing "core" dimensions are
named by the signature, as in ``(m,n),(n,p)->(m,p)``.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from pytensor.graph.basic import Apply, Constant, Variable
from pytensor.graph.null_type import DisconnectedType, NullType
from pytensor.graph.op import Op
from pytensor.graph.replace import _vectorize_node, vectorize_graph
from pytensor.graph.traversal import explicit_graph_inputs
from pytensor.tensor._convert import as_tensor_variable
from pytensor.tensor._dimshuffle import DimShuffle
from pytensor.tensor._shape_ops import shape
from pytensor.tensor.type import TensorType, tensor
from pytensor.tensor.utils import (
    _parse_gufunc_signature,
    broadcast_static_dim_lengths,
    import_func_from_string,
    safe_signature,
)

__all__ = ["Blockwise", "OpWithCoreShape", "safe_signature", "vectorize_node_fallback"]

_RUNTIME_BROADCAST_MESSAGE = (
    "Runtime broadcasting not allowed. "
    "At least one input has a distinct batch dimension length of 1, "
    "but was not marked as broadcastable.\n"
    "If broadcasting was intended, use `specify_broadcastable` on the relevant input."
)

CoreDims = tuple[tuple[str, ...], ...]


@lru_cache(maxsize=1024)
def parse_signature(signature: str) -> tuple[CoreDims, CoreDims]:
    """Split ``(m,n),(n)->(m)`` into ``((m, n), (n,))`` and ``((m,),)``."""
    inputs, outputs = _parse_gufunc_signature(signature)
    return tuple(inputs), tuple(outputs)


def _pad_left(x: Variable, n: int) -> Variable:
    """Add `n` broadcastable dimensions on the left of `x`."""
    if n == 0:
        return x
    ndim = x.type.ndim
    return DimShuffle(input_ndim=ndim, new_order=("x",) * n + tuple(range(ndim)))(x)


@lru_cache(maxsize=256)
def _resolve_function(path: str) -> Callable | None:
    """Find the function of a dotted path once; a bare name is one of NumPy's."""
    return import_func_from_string(path if "." in path else f"numpy.{path}")


class Blockwise(Op):
    """Apply a core Op over broadcast batch dimensions.

    Parameters
    ----------
    core_op
        The Op that maps core arrays to core arrays.
    signature
        Generalized-ufunc signature; taken from ``core_op.gufunc_signature`` when omitted.
    name
        Shown in place of the automatic name.
    gufunc_spec
        ``(function path, number of inputs, number of outputs)`` of a NumPy or SciPy function that
        batches by itself; used by `perform` in place of a Python loop. Taken from
        ``core_op.gufunc_spec`` when omitted.
    destroy_map
        Which input each output overwrites; must agree with that of the core Op.

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> from pytensor.tensor.blockwise import Blockwise
    >>> from pytensor.tensor.linalg.decomposition.cholesky import Cholesky
    >>> Blockwise(Cholesky())(pt.tensor3("x")).type.ndim
    3
    """

    __props__ = ("core_op", "signature")

    def __init__(
        self,
        core_op: Op,
        signature: str | None = None,
        name: str | None = None,
        gufunc_spec: tuple[str, int, int] | None = None,
        destroy_map=None,
        **kwargs,
    ):
        if isinstance(core_op, Blockwise):
            raise TypeError("[Blockwise] core_op must not be a Blockwise itself")
        if signature is None:
            signature = getattr(core_op, "gufunc_signature", None)
            if signature is None:
                raise ValueError(
                    f"[Blockwise] signature must be given for {core_op}: the Op has no "
                    "gufunc_signature"
                )
        self.core_op = core_op
        self.signature = signature
        self.name = name
        self.inputs_sig, self.outputs_sig = parse_signature(signature)
        self.gufunc_spec = (
            gufunc_spec if gufunc_spec is not None else getattr(core_op, "gufunc_spec", None)
        )
        core_destroy_map = dict(getattr(core_op, "destroy_map", {}) or {})
        if destroy_map is not None and dict(destroy_map) != core_destroy_map:
            raise ValueError(
                f"[Blockwise] destroy_map must be that of the core Op, {core_destroy_map}, "
                f"got {destroy_map}"
            )
        if core_destroy_map:
            self.destroy_map = core_destroy_map
        super().__init__(**kwargs)

    def __str__(self):
        return self.name or f"Blockwise{{{self.core_op}, {self.signature}}}"

    # -- Shapes ------------------------------------------------------------------------------

    def batch_ndim(self, node: Apply) -> int:
        """Return the number of batch dimensions of `node`."""
        return node.outputs[0].type.ndim - len(self.outputs_sig[0])

    def _check_inputs(self, inputs: Sequence[Variable]) -> None:
        if len(inputs) != len(self.inputs_sig):
            raise ValueError(
                f"[{self}] must have {len(self.inputs_sig)} inputs for signature "
                f"{self.signature}, got {len(inputs)}"
            )
        for i, (inp, core) in enumerate(zip(inputs, self.inputs_sig, strict=True)):
            if inp.type.ndim < len(core):
                raise ValueError(
                    f"Input {i} {inp} has insufficient core dimensions for signature "
                    f"{self.signature}"
                )

    def _create_dummy_core_node(
        self, inputs: Sequence[Variable], *, propagate_unbatched_core_inputs: bool = False
    ) -> Apply:
        """Build the core node that one item of the batch would have."""
        core_inputs = []
        for i, (inp, core) in enumerate(zip(inputs, self.inputs_sig, strict=True)):
            ncore = len(core)
            batch_ndim = inp.type.ndim - ncore
            if propagate_unbatched_core_inputs and all(inp.type.broadcastable[:batch_ndim]):
                core_inputs.append(_core_of(inp, batch_ndim))
            else:
                core_inputs.append(
                    tensor(
                        dtype=inp.type.dtype,
                        shape=inp.type.shape[batch_ndim:],
                        name=f"core_input_{i}",
                    )
                )
        core_node = self.core_op.make_node(*core_inputs)
        if len(core_node.outputs) != len(self.outputs_sig):
            raise ValueError(
                f"[Blockwise] {self.core_op} has {len(core_node.outputs)} outputs, signature "
                f"{self.signature} names {len(self.outputs_sig)}"
            )
        for out, core in zip(core_node.outputs, self.outputs_sig, strict=True):
            if out.type.ndim != len(core):
                raise ValueError(
                    f"[Blockwise] output of {self.core_op} must have {len(core)} dimensions for "
                    f"signature {self.signature}, got {out.type.ndim}"
                )
        return core_node

    def make_node(self, *inputs):
        inputs = [as_tensor_variable(i) for i in inputs]
        self._check_inputs(inputs)
        core_node = self._create_dummy_core_node(inputs, propagate_unbatched_core_inputs=True)

        batch_ndims = [
            i.type.ndim - len(core) for i, core in zip(inputs, self.inputs_sig, strict=True)
        ]
        batch_ndim = max(batch_ndims, default=0)
        inputs = [_pad_left(i, batch_ndim - n) for i, n in zip(inputs, batch_ndims, strict=True)]
        batch_shape = self._static_batch_shape(inputs, batch_ndim)
        outputs = [
            tensor(dtype=out.type.dtype, shape=batch_shape + tuple(out.type.shape))
            for out in core_node.outputs
        ]
        return Apply(self, inputs, outputs)

    def _static_batch_shape(self, inputs, batch_ndim: int) -> tuple[int | None, ...]:
        shapes = [i.type.shape[:batch_ndim] for i in inputs]
        try:
            return tuple(broadcast_static_dim_lengths(lengths) for lengths in zip(*shapes))
        except ValueError as err:
            raise ValueError(
                f"[{self}] batch dimensions must broadcast together, got {shapes}"
            ) from err

    def infer_shape(self, fgraph, node, input_shapes):
        batch_ndim = self.batch_ndim(node)
        batch_shape = tuple(
            _broadcast_dim_shape(
                [(i.type.shape[d], s[d]) for i, s in zip(node.inputs, input_shapes, strict=True)]
            )
            for d in range(batch_ndim)
        )
        dim_lengths: dict[str, Any] = {}
        for inp, inp_shape, core in zip(node.inputs, input_shapes, self.inputs_sig, strict=True):
            for i, dim in enumerate(core, start=batch_ndim):
                # A constant length is worth more than a symbolic one
                if dim not in dim_lengths or inp.type.shape[i] is not None:
                    dim_lengths[dim] = inp_shape[i]

        core_shapes = self._infer_core_shapes(node, input_shapes, batch_ndim)
        result = []
        for out, core, core_shape in zip(node.outputs, self.outputs_sig, core_shapes, strict=True):
            lengths = []
            for i, dim in enumerate(core):
                if dim in dim_lengths:
                    lengths.append(dim_lengths[dim])
                elif core_shape is not None and core_shape[i] is not None:
                    lengths.append(core_shape[i])
                else:
                    lengths.append(shape(out)[batch_ndim + i])
            result.append((*batch_shape, *lengths))
        return result

    def _infer_core_shapes(self, node, input_shapes, batch_ndim) -> list:
        """Shapes of the core outputs where the core Op can tell them from shapes alone."""
        named = {d for core in self.inputs_sig for d in core}
        if all(d in named for core in self.outputs_sig for d in core):
            return [None] * len(self.outputs_sig)
        core_infer_shape = getattr(self.core_op, "infer_shape", None)
        if core_infer_shape is None:
            return [None] * len(self.outputs_sig)
        core_node = self._create_dummy_core_node(node.inputs, propagate_unbatched_core_inputs=True)
        core_shapes = core_infer_shape(None, core_node, [s[batch_ndim:] for s in input_shapes])
        dummies = {i for i in core_node.inputs if i.owner is None and not isinstance(i, Constant)}
        dummies.difference_update(node.inputs)

        def usable(length):
            if not isinstance(length, Variable):
                return length
            depends = any(v in dummies for v in explicit_graph_inputs([length]))
            return None if depends else length

        return [None if s is None else [usable(d) for d in s] for s in core_shapes]

    # -- Values ------------------------------------------------------------------------------

    def _check_runtime_broadcast(self, node, values) -> None:
        """Refuse length-1 batch dimensions that only turn up at run time.

        The gradient sums over the dimensions that are known to broadcast; one that broadcasts
        unannounced would be missed.
        """
        for d in range(self.batch_ndim(node)):
            lengths = {
                (v.shape[d], i.type.broadcastable[d])
                for v, i in zip(values, node.inputs, strict=True)
            }
            if len(lengths) > 1 and (1, False) in lengths and any(n != 1 for n, _ in lengths):
                raise ValueError(_RUNTIME_BROADCAST_MESSAGE)

    def perform(self, node, inputs, output_storage):
        values = [np.asarray(v) for v in inputs]
        batch_ndim = self.batch_ndim(node)
        if batch_ndim:
            self._check_runtime_broadcast(node, values)
        gufunc = self._gufunc()
        if gufunc is not None:
            results = gufunc(*values)
            if len(node.outputs) == 1:
                results = (results,)
            for storage, out, res in zip(output_storage, node.outputs, results, strict=True):
                storage[0] = np.asarray(res, dtype=out.type.dtype)
            return
        core_node = _core_node(self, node)
        if batch_ndim == 0:
            core_storage = [[None] for _ in node.outputs]
            self.core_op.perform(core_node, values, core_storage)
            for storage, out, cell in zip(output_storage, node.outputs, core_storage, strict=True):
                storage[0] = np.asarray(cell[0], dtype=out.type.dtype)
            return
        self._perform_loop(node, core_node, values, output_storage, batch_ndim)

    def _gufunc(self) -> Callable | None:
        if self.gufunc_spec is None or getattr(self.core_op, "destroy_map", None):
            return None
        return _resolve_function(self.gufunc_spec[0])

    def _perform_loop(self, node, core_node, values, output_storage, batch_ndim):
        """Run the core Op once for each item of the batch."""
        try:
            batch_shape = np.broadcast_shapes(*(v.shape[:batch_ndim] for v in values))
        except ValueError as err:
            shapes = ", ".join(str(v.shape[:batch_ndim]) for v in values)
            raise ValueError(f"[{self}] batch dimensions must broadcast, got {shapes}") from err
        if 0 in batch_shape:
            for storage, out, core_shape in zip(
                output_storage, node.outputs, self._empty_core_shapes(core_node, values, batch_ndim)
            ):
                storage[0] = np.empty(batch_shape + core_shape, dtype=out.type.dtype)
            return
        destroyed = {i for idxs in getattr(self.core_op, "destroy_map", {}).values() for i in idxs}
        values = [
            v
            if i in destroyed and v.shape[:batch_ndim] == batch_shape
            else np.broadcast_to(v, batch_shape + v.shape[batch_ndim:])
            for i, v in enumerate(values)
        ]
        results: list[np.ndarray | None] = [None] * len(node.outputs)
        perform = self.core_op.perform
        for index in np.ndindex(*batch_shape):
            core_storage = [[None] for _ in node.outputs]
            perform(core_node, [np.asarray(v[index]) for v in values], core_storage)
            for i, (cell, out) in enumerate(zip(core_storage, node.outputs)):
                core_result = np.asarray(cell[0])
                if results[i] is None:
                    results[i] = np.empty(batch_shape + core_result.shape, dtype=out.type.dtype)
                elif results[i].shape[batch_ndim:] != core_result.shape:
                    raise ValueError(
                        f"[{self}] output {i} must have the same core shape all over the batch, "
                        f"got {results[i].shape[batch_ndim:]} and {core_result.shape}"
                    )
                results[i][index] = core_result
        for storage, result in zip(output_storage, results):
            storage[0] = result

    def _empty_core_shapes(self, core_node, values, batch_ndim):
        """Core shapes of the outputs of an empty batch, found on a core of ones."""
        lengths: dict[str, int] = {}
        for v, core in zip(values, self.inputs_sig, strict=True):
            lengths.update(zip(core, v.shape[batch_ndim:]))
        if all(d in lengths for core in self.outputs_sig for d in core):
            return [tuple(lengths[d] for d in core) for core in self.outputs_sig]
        core_storage = [[None] for _ in core_node.outputs]
        ones = [np.ones(v.shape[batch_ndim:], dtype=v.dtype) for v in values]
        self.core_op.perform(core_node, ones, core_storage)
        return [np.shape(cell[0]) for cell in core_storage]

    # -- Derivatives -------------------------------------------------------------------------

    def connection_pattern(self, node):
        core = getattr(self.core_op, "connection_pattern", None)
        if core is None:
            return [[True for _ in node.outputs] for _ in node.inputs]
        return core(_core_node(self, node))

    def _core_dummies(self, node, variables):
        """Core-shaped stand-ins for batched `variables`; placeholder types pass through."""
        batch_ndim = self.batch_ndim(node)
        dummies = []
        for v in variables:
            if isinstance(v.type, DisconnectedType | NullType):
                dummies.append(v)
            else:
                dummies.append(tensor(dtype=v.type.dtype, shape=v.type.shape[batch_ndim:]))
        return dummies

    def _batch_core_graph(self, core_results, replacements: Mapping[Variable, Variable]):
        """Vectorize the core results that are real variables; leave placeholders alone."""
        real = [r for r in core_results if not isinstance(r.type, DisconnectedType | NullType)]
        batched = iter(vectorize_graph(real, replacements) if real else ())
        return [
            r if isinstance(r.type, DisconnectedType | NullType) else next(batched)
            for r in core_results
        ]

    def pullback(self, inputs, outputs, cotangents):
        node = outputs[0].owner
        batch_ndim = self.batch_ndim(node)
        if batch_ndim == 0:
            # The core sees what its cotangents are made of, which may save work
            return self.core_op.pullback(inputs, outputs, cotangents)
        core_node = self._create_dummy_core_node(inputs)
        core_cotangents = self._core_dummies(node, cotangents)
        core_grads = self.core_op.pullback(core_node.inputs, core_node.outputs, core_cotangents)
        replacements = dict(zip(core_node.inputs, inputs))
        replacements.update(zip(core_node.outputs, outputs))
        replacements.update((c, b) for c, b in zip(core_cotangents, cotangents) if c is not b)
        grads = self._batch_core_graph(core_grads, replacements)
        result = []
        for inp, grad in zip(inputs, grads, strict=True):
            if isinstance(grad.type, DisconnectedType | NullType):
                result.append(grad)
                continue
            grad = _pad_left(grad, inp.type.ndim - grad.type.ndim)
            summed = [
                d
                for d in range(batch_ndim)
                if inp.type.broadcastable[d] and not grad.type.broadcastable[d]
            ]
            result.append(grad.sum(axis=summed, keepdims=True) if summed else grad)
        return result

    def pushforward(self, inputs, outputs, tangents):
        node = outputs[0].owner
        core_node = self._create_dummy_core_node(inputs)
        core_tangents = self._core_dummies(node, tangents)
        core_results = self.core_op.pushforward(core_node.inputs, core_node.outputs, core_tangents)
        replacements = dict(zip(core_node.inputs, inputs))
        replacements.update(zip(core_node.outputs, outputs))
        replacements.update((c, b) for c, b in zip(core_tangents, tangents) if c is not b)
        return self._batch_core_graph(core_results, replacements)

    def inplace_on_inputs(self, allowed_inplace_inputs: list[int]) -> "Op":
        """Return the same Op, allowed to overwrite some of its inputs."""
        core_op = self.core_op.inplace_on_inputs(allowed_inplace_inputs)
        if not getattr(core_op, "destroy_map", None):
            return self
        return type(self)(core_op, signature=self.signature, name=self.name, gufunc_spec=None)


def _core_of(x: Variable, batch_ndim: int) -> Variable:
    """Drop the (broadcastable) batch dimensions of `x`."""
    if batch_ndim == 0:
        return x
    order = tuple(range(batch_ndim, x.type.ndim))
    return DimShuffle(input_ndim=x.type.ndim, new_order=order)(x)


def _core_node(op: Blockwise, node: Apply) -> Apply:
    """Core node of a Blockwise node, made once and kept with the node."""
    core_node = getattr(node.tag, "core_node", None)
    if core_node is None or core_node.op != op.core_op:
        core_node = op._create_dummy_core_node(node.inputs)
        node.tag.core_node = core_node
    return core_node


def _broadcast_dim_shape(dims: Sequence[tuple[int | None, Any]]) -> Any:
    """Symbolic length of a broadcast dimension from (static length, symbolic length) pairs.

    Unannounced broadcasting raises at run time, so any dimension that is not statically 1 is it.
    """
    for static, symbolic in dims:
        if static is not None and static != 1:
            return symbolic
    for static, symbolic in dims:
        if static != 1:
            return symbolic
    return dims[0][1]


@_vectorize_node.register(Op)
def vectorize_node_fallback(op: Op, node: Apply, *batched_inputs) -> Apply:
    """Batch any Op on tensors by wrapping it in Blockwise."""
    if all(b.type.ndim == i.type.ndim for b, i in zip(batched_inputs, node.inputs)):
        return op.make_node(*batched_inputs)
    for inp in (*node.inputs, *node.outputs):
        if not isinstance(inp.type, TensorType) and not hasattr(inp.type, "dtype"):
            raise NotImplementedError(
                f"Cannot vectorize node {node} with input or output {inp} of type {inp.type}"
            )
    signature = getattr(op, "gufunc_signature", None)
    if signature is None:
        signature = safe_signature(
            [i.type.ndim for i in node.inputs], [o.type.ndim for o in node.outputs]
        )
    return Blockwise(op, signature=signature).make_node(*batched_inputs)


@_vectorize_node.register(Blockwise)
def vectorize_blockwise(op: Blockwise, node: Apply, *batched_inputs) -> Apply:
    """A Blockwise batches by itself: more batch dimensions go in front.

    Old batch dimensions stay aligned because `make_node` padded all inputs to the same number.
    """
    return op.make_node(*batched_inputs)


class OpWithCoreShape(Op):
    """Marker for Ops that carry the core shape of their outputs as explicit inputs."""
