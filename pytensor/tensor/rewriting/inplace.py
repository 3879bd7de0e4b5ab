"""Let ops write over an operand where nobody else needs it.

An Op says how by `inplace_on_inputs(allowed)`, which returns the form that overwrites the
inputs in `allowed`. Whether a buffer may be overwritten is the destroy handler's decision; a
replacement it refuses is no error. Elementwise operations are not among these: the backend's
memory plan reuses their buffers.
"""

from __future__ import annotations

from pytensor.graph.basic import Apply, Constant, Variable
from pytensor.graph.destroyhandler import DestroyHandler, inplace_candidates
from pytensor.graph.rewriting.basic import (
    GraphRewriter,
    WalkingGraphRewriter,
    copy_stack_trace,
    in2out,
    node_rewriter,
)
from pytensor.graph.rewriting.stages import optdb
from pytensor.graph.utils import InconsistencyError
from pytensor.tensor.basic import Alloc, AllocEmpty
from pytensor.tensor.blockwise import Blockwise
from pytensor.tensor.elemwise import Elemwise
from pytensor.tensor.subtensor import AdvancedIncSubtensor, IncSubtensor

# Linear algebra that overwrites its matrix says so by the name of the attribute.
_OVERWRITE = ("overwrite_a", "overwrite_b")


def own_buffer(fgraph, var: Variable) -> Variable:
    """Give each writer of a fresh buffer its own: merging has joined equal ones."""
    node = var.owner
    if node is None or not isinstance(node.op, AllocEmpty | Alloc):
        return var
    if len(fgraph.clients.get(var, ())) <= 1:
        return var
    return node.op.make_node(*node.inputs).outputs[0]


def written_in_place(fgraph, node: Apply) -> list[Variable] | None:
    """Return the outputs of the form of a write that changes its first input itself."""
    if node.op.inplace or isinstance(node.inputs[0], Constant):
        return None
    inputs = [own_buffer(fgraph, node.inputs[0]), *node.inputs[1:]]
    new = node.op.inplace_on_inputs([0])(*inputs)
    return [copy_stack_trace(node.outputs[0], new)]


@node_rewriter([IncSubtensor], inplace=True)
def local_inplace_setsubtensor(fgraph, node):
    """x[i].set(y) in the memory of x"""
    return written_in_place(fgraph, node)


@node_rewriter([AdvancedIncSubtensor], inplace=True)
def local_inplace_AdvancedIncSubtensor(fgraph, node):
    """x[i].set(y) in the memory of x, i an array"""
    return written_in_place(fgraph, node)


def _may_overwrite(op) -> bool:
    core = op.core_op if isinstance(op, Blockwise) else op
    return any(getattr(core, name, True) is False for name in _OVERWRITE)


class InplaceBlockwiseOptimizer(GraphRewriter):
    """Let linear algebra overwrite its matrices where the destroy handler accepts it."""

    def add_requirements(self, fgraph):
        super().add_requirements(fgraph)
        fgraph.attach_feature(DestroyHandler())

    def apply(self, fgraph):
        """Try every node once; its inputs in all at first, then one by one."""
        nodes = [n for n in fgraph.apply_nodes if isinstance(n.op, Blockwise)]
        for node in nodes:
            if not node.op.destroy_map and _may_overwrite(node.op):
                self._overwrite(fgraph, node)

    def _overwrite(self, fgraph, node: Apply) -> None:
        batch_ndim = node.op.batch_ndim(node)
        batch = node.outputs[0].type.broadcastable[:batch_ndim]
        free = inplace_candidates(fgraph, node.inputs)
        allowed = [
            i
            for i, var in enumerate(node.inputs)
            # Repeated over the batch, a matrix is needed again.
            if var in free and var.type.broadcastable[:batch_ndim] == batch
        ]
        tries = [allowed] if len(allowed) > 1 else []
        for candidates in tries + [[i] for i in allowed]:
            op = node.op.inplace_on_inputs(candidates)
            if not op.destroy_map:
                continue
            inputs = list(node.inputs)
            for i in candidates:
                inputs[i] = own_buffer(fgraph, inputs[i])
            new = op.make_node(*inputs).outputs
            copy_stack_trace(node.outputs, new)
            try:
                fgraph.replace_all_validate(
                    list(zip(node.outputs, new, strict=True)), reason="blockwise_inplace"
                )
                return
            except InconsistencyError:
                continue


# -- elementwise, on request ---------------------------------------------------------------


@node_rewriter([Elemwise], inplace=True)
def local_inplace_elemwise(fgraph, node):
    """f(x, y) in the memory of x: for interpreters; compilers plan memory themselves"""
    op, out = node.op, node.outputs[0]
    if op.inplace_pattern or len(node.outputs) != 1:
        return None
    for i, var in enumerate(node.inputs):
        if isinstance(var, Constant) or var.owner is None or var.type != out.type:
            continue
        if len(fgraph.clients.get(var, ())) != 1 or var.owner.op.view_map:
            continue
        new = Elemwise(op.scalar_op, {0: i}, name=op.name, nfunc_spec=op.nfunc_spec)(*node.inputs)
        return [copy_stack_trace(out, new)]
    return None


# -- stages --------------------------------------------------------------------------------


def _stage(rewriter, name: str):
    return in2out(
        rewriter,
        name=name,
        ignore_newtrees=True,
        failure_callback=WalkingGraphRewriter.warn_inplace,
    )


optdb.register(
    "local_inplace_setsubtensor",
    _stage(local_inplace_setsubtensor, "local_inplace_setsubtensor"),
    "fast_run",
    "inplace",
)
optdb.register(
    "local_inplace_AdvancedIncSubtensor",
    _stage(local_inplace_AdvancedIncSubtensor, "local_inplace_AdvancedIncSubtensor"),
    "fast_run",
    "inplace",
)
optdb.register(
    "blockwise_inplace",
    InplaceBlockwiseOptimizer(),
    "fast_run",
    "inplace",
)
# Only when asked for by name.
optdb.register(
    "inplace_elemwise",
    _stage(local_inplace_elemwise, "inplace_elemwise"),
    "inplace_elemwise_optimizer",
    "inplace_elemwise_opt",
)
