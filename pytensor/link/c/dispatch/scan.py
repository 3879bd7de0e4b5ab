"""Loops: the inner graph becomes steps of the same program, run by a C loop.

Nothing is allocated per step: what a step reads is pointed at, in sequences and buffers; what it
computes lives in buffers of the frame and is copied to its place.
"""

from pytensor.compile.mode import get_mode
from pytensor.link.c.dispatch.basic import c_funcify, c_type
from pytensor.link.c.dispatch.scan_body import Body
from pytensor.link.c.dispatch.scan_loop import scan_loop
from pytensor.link.c.dispatch.scan_static import StaticLoop
from pytensor.scalar.type import ScalarType
from pytensor.scan.op import Scan
from pytensor.tensor.type import TensorType


@c_funcify.register(Scan)
def _scan(op, node=None, whole=True, **kwargs):
    # Not `whole`: nothing is compiled yet that need not be.
    inner = [*op.inner_inputs, *op.inner_outputs]
    if not all(isinstance(v.type, TensorType | ScalarType) for v in inner):
        return None
    if op.mode is not None and not _is_c(op):
        return None
    condition = op.inner_outputs[-1] if op.info.as_while else None
    if condition is not None and (
        c_type(condition.type.dtype) is None or condition.type.dtype.startswith("complex")
    ):
        return None
    graph = op.unfrozen()
    if not op.prepared:
        op.protect_states(graph)
    body = Body(op, node, len(graph.apply_nodes))
    loop = StaticLoop.of(body, graph)
    if loop is None:
        return scan_loop(body, graph)
    shapes = loop.static_shapes() if whole else None
    kernel = None if shapes is None else loop.kernel(shapes)
    return loop.general() if kernel is None else kernel


def _is_c(op: Scan) -> bool:
    """Tell whether the mode a loop was given runs C."""
    return get_mode(op.mode).linker.__class__.__module__.startswith("pytensor.link.c.")
