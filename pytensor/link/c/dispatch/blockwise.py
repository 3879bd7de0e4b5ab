"""C kernels of `Blockwise`.

Core Ops whose helpers know batches have kernels of their own (`c_batch`). Any other Op with C is
run once for each item by a loop in C, as a block of the same program.
"""

from __future__ import annotations

from functools import singledispatch

from pytensor.graph.fg import FunctionGraph
from pytensor.link.c.dispatch.basic import CKernel, c_funcify, c_type
from pytensor.link.c.dispatch.parameters import DTYPES, ready_kernel, text_parameter
from pytensor.tensor.blockwise import Blockwise

__all__ = ["c_batch"]

_kernel = ready_kernel("blockwise.h", "pt_blockwise")
# As in c_code/blockwise.h.
_MOST_AXES = 8


@singledispatch
def c_batch(op, node, batch: int) -> CKernel | None:
    """Return the kernel of a core Op over `batch` leading axes, or None if there is none.

    Parameters
    ----------
    op : Op
        The core Op.
    node : Apply
        The node, whose variables have the batch axes.
    batch : int
        How many; 0 for the Op alone.
    """
    return None


@c_funcify.register(Blockwise)
def _blockwise(op, node=None, **kwargs) -> CKernel | None:
    kernel = c_batch(op.core_op, node, op.batch_ndim(node))
    return _loop(op, node) if kernel is None else kernel


def _loop(op: Blockwise, node) -> CKernel | None:
    """Return the kernel that runs the core Op once for each item, if that has C."""
    variables = (*node.inputs, *node.outputs)
    batch = op.batch_ndim(node)
    if not all(c_type(v.type.dtype) and v.type.ndim - batch <= _MOST_AXES for v in variables):
        return None
    core = op._create_dummy_core_node(node.inputs)
    # An item's inputs that are computed from those of the batch: scalars of symbolic slices
    if any(v.owner is not None for v in core.inputs) or c_funcify(core.op, node=core) is None:
        return None
    destroys = {o: targets[0] for o, targets in (op.destroy_map or {}).items()}
    if any(_spreads(node, batch, o, i) for o, i in destroys.items()):
        return None
    words = [len(node.inputs), len(node.outputs), batch]
    for v in node.inputs:
        ones = sum(1 << d for d in range(batch) if v.type.shape[d] == 1)
        words += [v.type.ndim - batch, v.type.numpy_dtype.itemsize, ones, DTYPES[v.type.dtype]]
    for i, (v, names) in enumerate(zip(node.outputs, op.outputs_sig, strict=True)):
        lengths = [_source_of(op, name) for name in names]
        words += [v.type.ndim - batch, v.type.numpy_dtype.itemsize, destroys.get(i, -1)]
        words += lengths + [-1] * (_MOST_AXES - len(lengths))
    graph = FunctionGraph(core.inputs, core.outputs, clone=False)
    name = text_parameter(str(op))
    return _kernel("pt_blockwise", *words, name, destroys=destroys, blocks=(graph,))


def _spreads(node, batch: int, output: int, source: int) -> bool:
    """Tell whether an input is repeated along an axis of the batch, so that nothing fits in it."""
    x, z = node.inputs[source].type, node.outputs[output].type
    return x.ndim != z.ndim or x.broadcastable[:batch] != z.broadcastable[:batch]


def _source_of(op: Blockwise, name: str) -> int:
    """Return which input has the length that is called `name` in the signature, and on which axis."""
    for i, names in enumerate(op.inputs_sig):
        if name in names:
            return 64 * i + names.index(name)
    return -1
