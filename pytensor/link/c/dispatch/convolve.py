"""Kernels of convolutions, with the batches of Blockwise."""

from pytensor.link.c.dispatch.basic import C_CODE, CKernel, Source, c_funcify
from pytensor.link.c.dispatch.blockwise import c_batch
from pytensor.link.c.dispatch.parameters import ones_mask, ready_kernel
from pytensor.tensor.signal.conv import Convolve1d, Convolve2d

# The real type of each dtype, and of how many planes it is made.
_REALS = {
    "float32": ("f32", 1),
    "float64": ("f64", 1),
    "complex64": ("f32", 2),
    "complex128": ("f64", 2),
}


def _make(suffix: str, c_type: str):
    source = Source(C_CODE, "convolve.c", (("T", c_type), ("PT_SUFFIX", suffix)))
    return ready_kernel("convolve.c", f"pt_convolve_{suffix}", source=source)


_kernels = {"f32": _make("f32", "float"), "f64": _make("f64", "double")}


@c_batch.register(Convolve1d)
@c_batch.register(Convolve2d)
def _convolve_batch(op, node, batch: int) -> CKernel | None:
    x, w, *_ = node.inputs
    suffix, parts = _REALS.get(node.outputs[0].type.dtype, (None, 0))
    if suffix is None or not x.type.dtype == w.type.dtype == node.outputs[0].type.dtype:
        return None
    transforms = ("direct", "auto", "fft").index(getattr(op, "method", "auto"))
    how = batch, op.core_ndim, int(op.mode == "full"), parts, transforms
    masks = ones_mask(x) & (1 << batch) - 1, ones_mask(w) & (1 << batch) - 1
    return _kernels[suffix](f"pt_convolve_{suffix}", *how, *masks)


@c_funcify.register(Convolve1d)
@c_funcify.register(Convolve2d)
def _convolve(op, node=None, **kwargs) -> CKernel | None:
    return c_batch(op, node, 0)
