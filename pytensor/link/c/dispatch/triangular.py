"""C kernels of triangular products and systems, and of the Cholesky factorization, alone or in batches.

The helpers are files in ``pytensor/tensor/blas/c_code``, instantiated per element type; here only
the call is written. A `Blockwise` of one of these Ops is the same call with more axes.
"""

from __future__ import annotations

import itertools

from pytensor.link.c.dispatch.basic import CKernel, Source, c_funcify
from pytensor.link.c.dispatch.blas import (
    _FILES,
    BLAS_CODE,
    ELEMENTS,
    Defines,
    _broadcast_ones,
    provider_defines,
)
from pytensor.link.c.dispatch.blockwise import c_batch
from pytensor.link.c.units import declare_ready
from pytensor.tensor.blas._provider import LAPACK_NAMES, USUAL_DEFINES
from pytensor.tensor.blas.triangular import Trmm, TrmmRelated, Trmv
from pytensor.tensor.linalg.decomposition.cholesky import Cholesky
from pytensor.tensor.linalg.solvers.psd import CholeskySolve
from pytensor.tensor.linalg.solvers.triangular import SolveTriangular

_LOOPS = ("triangle_loops.c",)
_GEMM = tuple(dict.fromkeys((*_FILES["gemv"][:-1], *_FILES["gemm"][:-1])))
_SOLVE = (*_GEMM, *_LOOPS, "trsm.c")

_SOLVE_CALL = """\
    const solve_how how = {{"{name}", {cholesky}, {lower}, {unit}, {in_place}, {batch}, {b_ndim}}};
    const stack a = {{x0, {a_ones}}}, b = {{x1, {b_ones}}};
    return solve_kernel_{t}(ctx, &how, &a, &b, z0);"""
_TRMM_CALL = """\
    const trmm_how how = {{"{name}", {lower}, {right}, {zeroed}, {in_place}, {ndim}, {ones}u}};
    return trmm_kernel_{t}(ctx, &how, x0, load_{t}(x1->data), x2, x3, load_{t}(x4->data), z0);"""
_CHOLESKY_CALL = """\
    const cholesky_how how = {{{lower}, {in_place}, {batch}}};
    return cholesky_kernel_{t}(ctx, ctx->svc->lapack[{potrf}], &how, x0, z0);"""


def _c_bool(value: bool) -> str:
    return "true" if value else "false"


def sources(element: str, files: tuple[str, ...], defines: Defines) -> tuple[Source, ...]:
    """Return files of the BLAS room for one element type."""
    return (
        Source(BLAS_CODE, "fortran_blas.h", defines),
        *(Source(BLAS_CODE, name, (("ELEMENT", element),)) for name in files),
    )


def _ones(x, batch: int) -> str:
    """The batch axes that have length 1 by type, as bits."""
    return f"{sum(1 << i for i in range(batch) if x.type.shape[i] == 1)}u"


def _element(node) -> str | None:
    """The letter of the element type that inputs and output share."""
    dtypes = {v.type.dtype for v in (*node.inputs, *node.outputs)}
    return ELEMENTS.get(dtypes.pop()) if len(dtypes) == 1 else None


def _solve_kernel(
    op, element: str, defines: Defines, batch: int = 0, a_ones: str = "0u", b_ones: str = "0u"
) -> CKernel:
    call = _SOLVE_CALL.format(
        name=type(op).__name__,
        cholesky=_c_bool(isinstance(op, CholeskySolve)),
        lower=_c_bool(op.lower),
        unit=_c_bool(getattr(op, "unit_diagonal", False)),
        in_place=_c_bool(op.overwrite_b),
        batch=batch,
        b_ndim=op.b_ndim,
        a_ones=a_ones,
        b_ones=b_ones,
        t=element,
    )
    placement = {"destroys": {0: 1}} if op.overwrite_b else {"inplace": {0: (1,)}}
    files = sources(element, (*_SOLVE, "trsm_kernel.c"), defines)
    return CKernel(call, files, flags=("blas",), **placement)


def _cholesky_kernel(op, element: str, defines: Defines, batch: int = 0) -> CKernel:
    call = _CHOLESKY_CALL.format(
        lower=_c_bool(op.lower),
        in_place=_c_bool(op.overwrite_a),
        batch=batch,
        potrf=LAPACK_NAMES.index(f"{element}potrf"),
        t=element,
    )
    placement = {"destroys": {0: 0}} if op.overwrite_a else {"inplace": {0: (0,)}}
    files = sources(element, (*_LOOPS, "potrf_kernel.c"), defines)
    return CKernel(call, files, flags=("blas", "lapack"), **placement)


@c_batch.register(CholeskySolve)
@c_batch.register(SolveTriangular)
def _solve(op, node, batch: int) -> CKernel | None:
    element = _element(node)
    A, b = node.inputs
    spread = any(m == 1 != n for m, n in zip(b.type.shape[:batch], A.type.shape[:batch]))
    if element is None or op.overwrite_a or batch > 31 or (op.overwrite_b and spread):
        return None
    defines = provider_defines()
    return _solve_kernel(op, element, defines, batch, _ones(A, batch), _ones(b, batch))


@c_batch.register(Cholesky)
def _cholesky(op, node, batch: int) -> CKernel | None:
    element = _element(node)
    if element is None:
        return None
    return _cholesky_kernel(op, element, provider_defines(), batch)


@c_funcify.register(SolveTriangular)
@c_funcify.register(CholeskySolve)
@c_funcify.register(Cholesky)
def _alone(op, node=None, **kwargs) -> CKernel | None:
    return c_batch(op, node, 0)


def _trmm_kernel(op, element: str, defines: Defines, ones: int = 0) -> CKernel:
    call = _TRMM_CALL.format(
        name=type(op).__name__,
        lower=_c_bool(op.lower),
        right=_c_bool(op.right),
        zeroed=_c_bool(op.zeroed),
        in_place=_c_bool(op.inplace),
        ndim=op.ndim,
        ones=ones,
        t=element,
    )
    placement = {"destroys": {0: 0}} if op.inplace else {"inplace": {0: (0,)}}
    files = sources(element, (*_GEMM, *_LOOPS, "trmm.c", "trmm_kernel.c"), defines)
    return CKernel(call, files, flags=("blas",), **placement)


@c_funcify.register(TrmmRelated)
def _trmm(op, node=None, **kwargs) -> CKernel | None:
    element = _element(node)
    if element is None:
        return None
    return _trmm_kernel(op, element, provider_defines(), _broadcast_ones(op, node))


def _declare_usual() -> None:
    """Have the usual calls for nearly every BLAS compiled at installation."""
    for element, lower, over in itertools.product("sd", (False, True), (False, True)):
        for b_ndim in (1, 2):
            solver = SolveTriangular(lower=lower, b_ndim=b_ndim, overwrite_b=over)
            declare_ready(_solve_kernel(solver, element, USUAL_DEFINES), 2, 1)
        for product in (
            Trmv(inplace=over, lower=lower, zeroed=True),
            Trmm(over, lower, False, True),
            Trmm(over, lower, True, True),
        ):
            declare_ready(_trmm_kernel(product, element, USUAL_DEFINES), 5, 1)
        cholesky = Cholesky(lower=lower, overwrite_a=over)
        declare_ready(_cholesky_kernel(cholesky, element, USUAL_DEFINES), 1, 1)


_declare_usual()
