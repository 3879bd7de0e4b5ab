"""C kernels of the BLAS Ops: set up the arguments, call one helper.

The helpers are files in ``pytensor/tensor/blas/c_code``, instantiated per element type; here only
the call is written. Operands that are neither float32, float64 nor complex (float16, integers)
have no kernel: ``Op.perform`` computes them.
"""

from pytensor.link.c.dispatch.basic import CKernel, Source, c_funcify, c_type
from pytensor.tensor.blas._ldflags import get_provider
from pytensor.tensor.blas.batched import BatchedDot
from pytensor.tensor.blas.gemm import Dot22, Dot22Scalar, Gemm
from pytensor.tensor.blas.gemv import Gemv
from pytensor.tensor.blas.ger import Ger

BLAS_CODE = "pytensor.tensor.blas.c_code"
ELEMENTS = {"float32": "s", "float64": "d", "complex64": "c", "complex128": "z"}

_FILES = {
    "gemm": ("loops.c", "gemm.c", "gemm_kernel.c"),
    "gemv": ("loops.c", "gemv.c", "gemv_kernel.c"),
    "ger": ("loops.c", "ger.c", "ger_kernel.c"),
    "batched": ("loops.c", "gemm.c", "batched_gemm.c", "batched_kernel.c"),
}


def _kernel(routine: str, element: str, call: str, **properties) -> CKernel:
    """A kernel that is one call; ``{t}`` in it is the element type's letter."""
    sources = (
        Source(BLAS_CODE, "fortran_blas.h", get_provider().defines),
        *(Source(BLAS_CODE, name, (("ELEMENT", element),)) for name in _FILES[routine]),
    )
    body = f"return {call.format(t=element)};"
    return CKernel(body, sources=sources, flags=("blas",), **properties)


def _placement(in_place: bool) -> dict:
    """The output is the accumulator's memory, or may be if nobody else needs it."""
    return {"destroys": {0: 0}} if in_place else {"inplace": {0: (0,)}}


def _c_bool(value: bool) -> str:
    return "true" if value else "false"


def _as_real(name: str, dtype: str, operands_dtype: str) -> str | None:
    """C for a scale factor in the operands' type, or None where there is no plain conversion."""
    if dtype == operands_dtype:
        return f"load_{{t}}({name}->data)"
    if dtype.startswith("complex") or c_type(dtype) is None:
        return None
    return f"real_{{t}}((double)*(const {c_type(dtype)} *){name}->data)"


@c_funcify.register(Gemm)
def c_gemm(op, node=None, **kwargs) -> CKernel | None:
    element = ELEMENTS.get(node.outputs[0].type.dtype)
    if element is None:
        return None
    call = (
        f"gemm_kernel_{{t}}(ctx, {_c_bool(op.inplace)}, x0, load_{{t}}(x1->data), x2, x3, "
        "load_{t}(x4->data), z0)"
    )
    return _kernel("gemm", element, call, **_placement(op.inplace))


@c_funcify.register(Dot22)
def c_dot22(op, node=None, **kwargs) -> CKernel | None:
    element = ELEMENTS.get(node.outputs[0].type.dtype)
    if element is None:
        return None
    return _kernel("gemm", element, 'dot22_kernel_{t}(ctx, "Dot22", real_{t}(1.0), x0, x1, z0)')


@c_funcify.register(Dot22Scalar)
def c_dot22scalar(op, node=None, **kwargs) -> CKernel | None:
    element = ELEMENTS.get(node.outputs[0].type.dtype)
    if element is None:
        return None
    call = 'dot22_kernel_{t}(ctx, "Dot22Scalar", load_{t}(x2->data), x0, x1, z0)'
    return _kernel("gemm", element, call)


@c_funcify.register(Gemv)
def c_gemv(op, node=None, **kwargs) -> CKernel | None:
    dtype = node.outputs[0].type.dtype
    element = ELEMENTS.get(dtype)
    alpha = _as_real("x1", node.inputs[1].type.dtype, dtype)
    beta = _as_real("x4", node.inputs[4].type.dtype, dtype)
    if element is None or alpha is None or beta is None:
        return None
    call = f"gemv_kernel_{{t}}(ctx, {_c_bool(op.inplace)}, x0, {alpha}, x2, x3, {beta}, z0)"
    return _kernel("gemv", element, call, **_placement(op.inplace))


@c_funcify.register(Ger)
def c_ger(op, node=None, **kwargs) -> CKernel | None:
    element = ELEMENTS.get(node.outputs[0].type.dtype)
    if element is None:
        return None
    call = f"ger_kernel_{{t}}(ctx, {_c_bool(op.inplace)}, x0, load_{{t}}(x1->data), x2, x3, z0)"
    return _kernel("ger", element, call, **_placement(op.inplace))


@c_funcify.register(BatchedDot)
def c_batched_dot(op, node=None, **kwargs) -> CKernel | None:
    element = ELEMENTS.get(node.outputs[0].type.dtype)
    if element is None:
        return None
    return _kernel("batched", element, "batched_dot_kernel_{t}(ctx, x0, x1, z0)")
