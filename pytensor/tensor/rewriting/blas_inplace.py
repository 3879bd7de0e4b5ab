"""Let ops that can write over an operand do so where nobody else needs it.

One pass for every op that declares how: `inplace_on_inputs(allowed)` returns the form that
overwrites the inputs in `allowed`. Whether a buffer may be overwritten is the destroy
handler's decision; a replacement it refuses is no error.
"""

from __future__ import annotations

from pytensor.graph.rewriting.basic import (
    WalkingGraphRewriter,
    copy_stack_trace,
    in2out,
    node_rewriter,
)
from pytensor.graph.rewriting.stages import optdb
from pytensor.tensor.basic import Alloc, AllocEmpty
from pytensor.tensor.blas._op import BlasOp


@node_rewriter([BlasOp], inplace=True)
def local_inplace_blas(fgraph, node):
    """Accumulate in the accumulator's own memory."""
    if node.op.inplace:
        return None
    accumulator = node.inputs[0]
    out = node.outputs[0]
    if accumulator.type.broadcastable != out.type.broadcastable:
        # The accumulator is a bias; its memory is smaller than the result's.
        return None
    inputs = [_own_buffer(fgraph, accumulator), *node.inputs[1:]]
    new = node.op.inplace_on_inputs([0])(*inputs)
    new.tag.rule = getattr(out.tag, "rule", None)
    copy_stack_trace(out, new)
    return [new]


def _own_buffer(fgraph, var):
    """Give each writer of a fresh buffer its own: merging has joined equal ones."""
    node = var.owner
    if node is None or not isinstance(node.op, AllocEmpty | Alloc):
        return var
    if len(fgraph.clients.get(var, ())) <= 1:
        return var
    return node.op.make_node(*node.inputs).outputs[0]


optdb.register(
    "InplaceBlasOpt",
    in2out(
        local_inplace_blas,
        name="InplaceBlasOpt",
        ignore_newtrees=True,
        failure_callback=WalkingGraphRewriter.warn_inplace,
    ),
    "fast_run",
    "inplace",
    "blas_opt_inplace",
    "c_blas_destructive",
)
