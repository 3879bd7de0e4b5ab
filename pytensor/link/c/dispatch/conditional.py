"""Kernel of IfElse: copy the values of the branch taken; the other was skipped."""

import numpy as np

from pytensor.ifelse import IfElse
from pytensor.link.c.dispatch.alloc import fill_kernel
from pytensor.link.c.dispatch.basic import c_funcify, c_type


@c_funcify.register(IfElse)
def _if_else(op, node=None, **kwargs):
    dtype = getattr(node.inputs[0].type, "dtype", "")
    if c_type(dtype) is None or dtype.startswith("complex") or op.as_view:
        return None
    if not all(hasattr(z.type, "numpy_dtype") for z in node.outputs):
        return None
    sizes = [n for z in node.outputs for n in (z.type.ndim, z.type.numpy_dtype.itemsize)]
    condition = np.dtype(dtype)
    return fill_kernel(
        "pt_if_else", op.n_outs, condition.itemsize, int(condition.kind == "f"), *sizes
    )
