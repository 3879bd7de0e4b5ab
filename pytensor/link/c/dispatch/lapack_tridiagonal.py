"""C kernels of tridiagonal systems given by their diagonals."""

from __future__ import annotations

from pytensor.link.c.dispatch.basic import CKernel, c_funcify
from pytensor.link.c.dispatch.blockwise import c_batch
from pytensor.link.c.dispatch.lapack import lapack_kernel, lapack_kernels
from pytensor.link.c.dispatch.parameters import DTYPES
from pytensor.tensor.linalg.solvers.tridiagonal import (
    LUFactorTridiagonal,
    SolveLUFactorTridiagonal,
)

_kernels = lapack_kernels(
    "lapack_tridiagonal.h", "pt_lapack_tridiagonal_factor", "pt_lapack_tridiagonal_solve"
)


@c_batch.register(LUFactorTridiagonal)
def _factor(op, node, batch: int) -> CKernel | None:
    return lapack_kernel(_kernels, "pt_lapack_tridiagonal_factor", node, batch)


@c_batch.register(SolveLUFactorTridiagonal)
def _solve(op, node, batch: int) -> CKernel | None:
    pivots = DTYPES.get(node.inputs[4].type.dtype)
    if pivots is None:
        return None
    own = pivots, op.b_ndim, int(op.transposed)
    name = "pt_lapack_tridiagonal_solve"
    return lapack_kernel(_kernels, name, node, batch, *own, others=(4,), inplace={0: (5,)})


@c_funcify.register(LUFactorTridiagonal)
@c_funcify.register(SolveLUFactorTridiagonal)
def _alone(op, node=None, **kwargs) -> CKernel | None:
    return c_batch(op, node, 0)
