"""C kernels of what LU factors are good for: inverses, determinants, general systems."""

from __future__ import annotations

from pytensor.link.c.dispatch.basic import CKernel, c_funcify
from pytensor.link.c.dispatch.blockwise import c_batch
from pytensor.link.c.dispatch.lapack import lapack_kernel, lapack_kernels
from pytensor.link.c.dispatch.parameters import DTYPES
from pytensor.tensor.linalg.decomposition.lu import LU, LUFactor, PivotToPermutations
from pytensor.tensor.linalg.inverse import MatrixInverse
from pytensor.tensor.linalg.solvers.general import Solve
from pytensor.tensor.linalg.summary import Det, SLogDet

_lu = lapack_kernels(
    "lapack_lu.h",
    *("pt_lapack_inverse", "pt_lapack_determinant", "pt_lapack_lu", "pt_lapack_lu_factor"),
    "pt_pivots_to_permutation",
)
_solve = lapack_kernels("lapack_solve.h", "pt_lapack_solve")
# As in c_code/lapack_solve.h.
_STRUCTURES = {"gen": 0, "sym": 1, "her": 2, "pos": 3, "tridiagonal": 4, "banded": 5}


@c_batch.register(MatrixInverse)
def _inverse(op, node, batch: int) -> CKernel | None:
    return lapack_kernel(_lu, "pt_lapack_inverse", node, batch, inplace={0: (0,)})


@c_batch.register(Det)
@c_batch.register(SLogDet)
def _determinant(op, node, batch: int) -> CKernel | None:
    return lapack_kernel(_lu, "pt_lapack_determinant", node, batch, int(isinstance(op, SLogDet)))


@c_batch.register(LU)
def _lu_factors(op, node, batch: int) -> CKernel | None:
    how = 2 if op.permute_l else int(op.p_indices)
    n_out = len(node.outputs)
    dtype = node.outputs[-1].type.dtype
    placement = {n_out - 1: (0,)}
    return lapack_kernel(_lu, "pt_lapack_lu", node, batch, how, dtype=dtype, inplace=placement)


@c_batch.register(LUFactor)
def _lu_packed(op, node, batch: int) -> CKernel | None:
    return lapack_kernel(_lu, "pt_lapack_lu_factor", node, batch, inplace={0: (0,)})


@c_batch.register(Solve)
def _system(op, node, batch: int) -> CKernel | None:
    structure = _STRUCTURES.get(op.assume_a)
    if structure is None:
        return None
    own = structure, int(op.lower), op.b_ndim
    return lapack_kernel(_solve, "pt_lapack_solve", node, batch, *own, inplace={0: (1,)})


@c_funcify.register(MatrixInverse)
@c_funcify.register(Det)
@c_funcify.register(SLogDet)
@c_funcify.register(LU)
@c_funcify.register(LUFactor)
@c_funcify.register(Solve)
def _alone(op, node=None, **kwargs) -> CKernel | None:
    return c_batch(op, node, 0)


@c_funcify.register(PivotToPermutations)
def _permutation(op, node=None, **kwargs) -> CKernel | None:
    dtype = DTYPES.get(node.inputs[0].type.dtype)
    if dtype is None:
        return None
    return _lu("pt_pivots_to_permutation", dtype, int(op.inverse))
