"""C kernels of the BLAS Ops: set up the arguments, call one helper.

The helpers are files in ``pytensor/tensor/blas/c_code``, instantiated per element type; here only
the call is written. Products of integers have loops of their own, which need no BLAS. For float16
(whose sums NumPy keeps in float32) and booleans (where it stops at the first true product) there
is no kernel: ``Op.perform`` calls NumPy.
"""

from collections.abc import Iterable, Sequence

from pytensor.link.c.dispatch.basic import CKernel, Source, c_funcify, c_type
from pytensor.link.c.dispatch.blockwise import c_batch
from pytensor.link.c.units import declare_ready
from pytensor.tensor._dot import Dot
from pytensor.tensor.blas._provider import USUAL_DEFINES
from pytensor.tensor.blas.batched import BatchedDot, BatchedGemm
from pytensor.tensor.blas.gemm import Dot22, Dot22Scalar, Gemm
from pytensor.tensor.blas.gemv import Gemv
from pytensor.tensor.blas.ger import Ger
from pytensor.tensor.blas.syrk import Syrk
from pytensor.utils import late

BLAS_CODE = "pytensor.tensor.blas.c_code"
Defines = tuple[tuple[str, str], ...]
ELEMENTS = {"float32": "s", "float64": "d", "complex64": "c", "complex128": "z"}

_GEMV_FILES = ("loops.c", "gemv.c")
_GEMM_FILES = (*_GEMV_FILES, "gemm.c")
_FILES = {
    "gemm": (*_GEMM_FILES, "gemm_kernel.c"),
    "gemv": (*_GEMV_FILES, "gemv_kernel.c"),
    "ger": ("loops.c", "ger.c", "ger_kernel.c"),
    "batched": (*_GEMM_FILES, "batched_gemm.c", "batched_kernel.c"),
    "syrk": (*_GEMM_FILES, "syrk.c", "syrk_kernel.c"),
}


_GEMM = (
    "gemm_kernel_{t}(ctx, {in_place}, {ones}u, x0, load_{t}(x1->data), x2, {conj_x}, x3, {conj_y}, "
    "load_{t}(x4->data), z0)"
)
_DOT22 = 'dot22_kernel_{t}(ctx, "{op}", real_{t}(1.0), x0, {conj_x}, x1, {conj_y}, z0)'
_DOT22SCALAR = (
    'dot22_kernel_{t}(ctx, "Dot22Scalar", load_{t}(x2->data), x0, {conj_x}, x1, {conj_y}, z0)'
)
_GEMV = "gemv_kernel_{t}(ctx, {in_place}, {ones}u, x0, {alpha}, x2, {conj_A}, x3, {beta}, z0)"
_GER = (
    "ger_kernel_{t}(ctx, {in_place}, {ones}u, x0, load_{t}(x1->data), x2, {conj_x}, x3, {conj_y}, "
    "z0)"
)
_SYRK = (
    "syrk_kernel_{t}(ctx, {in_place}, {ones}u, {hermitian}, x0, load_{t}(x1->data), x2, "
    "load_{t}(x3->data), z0)"
)
_BATCHED_DOT = 'batched_dot_kernel_{t}(ctx, "{op}", {ndim}, {x}, {y}, z0)'
_BATCHED_GEMM = (
    "batched_gemm_kernel_{t}(ctx, {in_place}, {ndim}, {z}, load_{t}(x1->data), {x}, {y}, "
    "load_{t}(x4->data), z0)"
)


# What int_gemm.c is instantiated with: signed and unsigned integers wrap alike.
_INTEGERS = {
    **{f"{sign}int8": ("uint8_t", "uint32_t", "u8") for sign in ("", "u")},
    **{f"{sign}int16": ("uint16_t", "uint32_t", "u16") for sign in ("", "u")},
    **{f"{sign}int32": ("uint32_t", "uint32_t", "u32") for sign in ("", "u")},
    **{f"{sign}int64": ("uint64_t", "uint64_t", "u64") for sign in ("", "u")},
}
_INT_DOT = 'int_dot_kernel_{suffix}(ctx, "{op}", {ndim}, {x}, {y}, z0)'


def provider_defines() -> Defines:
    """Return the macros for the BLAS in use, which is looked for now."""
    return late("pytensor.tensor.blas:get_provider")().defines


def _kernel(
    routine: str, element: str, call: str, defines: Defines | None = None, **properties
) -> CKernel:
    """A kernel that is one call; ``{t}`` in it is the element type's letter."""
    if defines is None:
        defines = provider_defines()
    sources = (
        Source(BLAS_CODE, "fortran_blas.h", defines),
        *(Source(BLAS_CODE, name, (("ELEMENT", element),)) for name in _FILES[routine]),
    )
    body = f"return {call.format(t=element)};"
    return CKernel(body, sources=sources, flags=("blas",), **properties)


def _fill(call: str, **parts: object) -> str:
    """Fill in all of a call but the element type's letter."""
    return call.format(t="{t}", **parts)


def _placement(in_place: bool) -> dict:
    """The output is the accumulator's memory, or may be if nobody else needs it."""
    return {"destroys": {0: 0}} if in_place else {"inplace": {0: (0,)}}


def _c_bool(value: bool) -> str:
    return "true" if value else "false"


def _as_is(name: str) -> str:
    """C for a scale factor that has the operands' type."""
    return f"load_{{t}}({name}->data)"


def _as_real(name: str, dtype: str, operands_dtype: str) -> str | None:
    """C for a scale factor in the operands' type, or None where there is no plain conversion."""
    if dtype == operands_dtype:
        return _as_is(name)
    if dtype.startswith("complex") or c_type(dtype) is None:
        return None
    return f"real_{{t}}((double)*(const {c_type(dtype)} *){name}->data)"


def _conjugates(conj: str, names: str) -> dict[str, str]:
    """Say of each operand whether its conjugate is meant."""
    return {f"conj_{name}": _c_bool(name in conj) for name in names}


@c_funcify.register(Gemm)
def c_gemm(op, node=None, **kwargs) -> CKernel | None:
    element = ELEMENTS.get(node.outputs[0].type.dtype)
    if element is None:
        return None
    ones = _broadcast_ones(op, node)
    parts = {"in_place": _c_bool(op.inplace), "ones": ones, **_conjugates(op.conj, "xy")}
    call = _fill(_GEMM, **parts)
    return _kernel("gemm", element, call, **_placement(op.inplace))


@c_funcify.register(Dot22)
def c_dot22(op, node=None, **kwargs) -> CKernel | None:
    element = ELEMENTS.get(node.outputs[0].type.dtype)
    if element is None:
        return None
    return _kernel("gemm", element, _fill(_DOT22, op="Dot22", **_conjugates(op.conj, "xy")))


@c_funcify.register(Dot22Scalar)
def c_dot22scalar(op, node=None, **kwargs) -> CKernel | None:
    element = ELEMENTS.get(node.outputs[0].type.dtype)
    if element is None:
        return None
    return _kernel("gemm", element, _fill(_DOT22SCALAR, **_conjugates(op.conj, "xy")))


@c_funcify.register(Gemv)
def c_gemv(op, node=None, **kwargs) -> CKernel | None:
    dtype = node.outputs[0].type.dtype
    element = ELEMENTS.get(dtype)
    alpha = _as_real("x1", node.inputs[1].type.dtype, dtype)
    beta = _as_real("x4", node.inputs[4].type.dtype, dtype)
    if element is None or alpha is None or beta is None:
        return None
    parts = {"alpha": alpha, "beta": beta, **_conjugates(op.conj, "A")}
    call = _fill(
        _GEMV,
        in_place=_c_bool(op.inplace),
        ones=_broadcast_ones(op, node),
        **parts,
    )
    return _kernel("gemv", element, call, **_placement(op.inplace))


@c_funcify.register(Ger)
def c_ger(op, node=None, **kwargs) -> CKernel | None:
    element = ELEMENTS.get(node.outputs[0].type.dtype)
    if element is None:
        return None
    ones = _broadcast_ones(op, node)
    parts = {"in_place": _c_bool(op.inplace), "ones": ones, **_conjugates(op.conj, "xy")}
    call = _fill(_GER, **parts)
    return _kernel("ger", element, call, **_placement(op.inplace))


@c_funcify.register(Syrk)
def c_syrk(op, node=None, **kwargs) -> CKernel | None:
    element = ELEMENTS.get(node.outputs[0].type.dtype)
    if element is None:
        return None
    parts = {"in_place": _c_bool(op.inplace), "ones": _broadcast_ones(op, node)}
    call = _fill(_SYRK, hermitian=_c_bool(op.hermitian), **parts)
    return _kernel("syrk", element, call, **_placement(op.inplace))


def _bits(axes: Iterable[bool]) -> int:
    return sum(1 << axis for axis, wanted in enumerate(axes) if wanted)


def _ones(shape: Sequence[int | None]) -> int:
    """Return a bit for each axis known to have length 1."""
    return _bits(length == 1 for length in shape)


def _broadcast_ones(op, node) -> int:
    """Return a bit for each axis along which the accumulator is repeated."""
    return _bits(op.broadcast_axes(node.inputs[0].type))


def _stack(name: str, shape: Sequence[int | None]) -> str:
    """C for a batch of matrices: the array, and a bit for each axis known to have length 1."""
    return f"(stack_operand){{{{{name}, {_ones(shape)}u}}}}"


def _one_dtype(node) -> str:
    """Return the dtype that all operands have; an empty text if they differ."""
    [dtype, *others] = {v.type.dtype for v in (*node.inputs, *node.outputs)}
    return "" if others else dtype


def _int_dot(name: str, dtype: str, ndim: int, x: str, y: str) -> CKernel:
    """A product of integers, which needs no BLAS."""
    c_name, wide, suffix = _INTEGERS[dtype]
    defines = (("T", c_name), ("WIDE", wide), ("INT_SUFFIX", suffix))
    files = ("int_gemm.c", "int_kernel.c")
    sources = tuple(Source(BLAS_CODE, file, defines) for file in files)
    call = _INT_DOT.format(suffix=suffix, op=name, ndim=ndim, x=x.format(), y=y.format())
    return CKernel(f"return {call};", sources=sources)


def _product(name: str, node, broadcasts: bool) -> CKernel | None:
    """The kernel of a product of matrices or of stacks of them, if all have one dtype."""
    dtype, ndim = _one_dtype(node), node.outputs[0].type.ndim
    x, y = (_stack(f"x{i}", v.type.shape if broadcasts else ()) for i, v in enumerate(node.inputs))
    if dtype in _INTEGERS:
        return _int_dot(name, dtype, ndim, x, y)
    element = ELEMENTS.get(dtype)
    if element is None:
        return None
    if ndim == 2:
        return _kernel("gemm", element, _fill(_DOT22, op=name, **_conjugates("", "xy")))
    return _kernel("batched", element, _fill(_BATCHED_DOT, op=name, ndim=ndim, x=x, y=y))


@c_funcify.register(Dot)
def c_dot(op, node=None, **kwargs) -> CKernel | None:
    return _product("Dot", node, broadcasts=False)


@c_batch.register(Dot)
def c_blockwise_dot(op, node, batch) -> CKernel | None:
    if node.op.signature != op.gufunc_signature:
        return None
    return _product("Dot", node, broadcasts=True)


@c_funcify.register(BatchedDot)
def c_batched_dot(op, node=None, **kwargs) -> CKernel | None:
    return _product("BatchedDot", node, broadcasts=False)


@c_funcify.register(BatchedGemm)
def c_batched_gemm(op, node=None, **kwargs) -> CKernel | None:
    element = ELEMENTS.get(node.outputs[0].type.dtype)
    if element is None:
        return None
    z, x, y = (_stack(f"x{i}", node.inputs[i].type.shape) for i in (0, 2, 3))
    parts = {"in_place": _c_bool(op.inplace), "ndim": node.outputs[0].type.ndim}
    call = _fill(_BATCHED_GEMM, z=z, x=x, y=y, **parts)
    return _kernel("batched", element, call, **_placement(op.inplace))


def _declare_usual() -> None:
    """Have the calls for nearly every BLAS compiled when the package is installed."""
    as_is = {**_conjugates("", "xyA"), "alpha": _as_is("x1"), "beta": _as_is("x4")}
    for t in ELEMENTS.values():
        for in_place in ("false", "true"):
            gemm, gemv, ger = (
                _fill(call, in_place=in_place, ones=0, **as_is) for call in (_GEMM, _GEMV, _GER)
            )
            declare_ready(_kernel("gemm", t, gemm, USUAL_DEFINES), 5, 1)
            declare_ready(_kernel("gemv", t, gemv, USUAL_DEFINES), 5, 1)
            declare_ready(_kernel("ger", t, ger, USUAL_DEFINES), 4, 1)
            for hermitian in ("false", "true") if t in "cz" else ("false",):
                syrk = _fill(_SYRK, in_place=in_place, ones=0, hermitian=hermitian)
                declare_ready(_kernel("syrk", t, syrk, USUAL_DEFINES), 4, 1)
        # A bias for all rows, and what the Ops do when a user calls them.
        for ones in (1, 3):
            gemm = _fill(_GEMM, in_place="false", ones=ones, **as_is)
            declare_ready(_kernel("gemm", t, gemm, USUAL_DEFINES), 5, 1)
        gemv = _fill(_GEMV, in_place="false", ones=1, **as_is)
        declare_ready(_kernel("gemv", t, gemv, USUAL_DEFINES), 5, 1)
        outer = _fill(_GER, in_place="false", ones=3, **as_is)
        declare_ready(_kernel("ger", t, outer, USUAL_DEFINES), 4, 1)
        declare_ready(_kernel("gemm", t, _fill(_DOT22, op="Dot22", **as_is), USUAL_DEFINES), 2, 1)
        declare_ready(_kernel("gemm", t, _fill(_DOT22SCALAR, **as_is), USUAL_DEFINES), 3, 1)
        x, y = (_stack(f"x{i}", ()) for i in range(2))
        for op in ("BatchedDot", "Dot"):
            batched_dot = _fill(_BATCHED_DOT, op=op, ndim=3, x=x, y=y)
            declare_ready(_kernel("batched", t, batched_dot, USUAL_DEFINES), 2, 1)


_declare_usual()
