"""C kernels of orthogonal and spectral decompositions, and of what is computed with them."""

from __future__ import annotations

from pytensor.link.c.dispatch.basic import CKernel, c_funcify
from pytensor.link.c.dispatch.blockwise import c_batch
from pytensor.link.c.dispatch.lapack import lapack_kernel, lapack_kernels
from pytensor.link.c.dispatch.parameters import DTYPES
from pytensor.tensor.linalg.decomposition.eigen import Eig, Eigh, Eigvalsh
from pytensor.tensor.linalg.decomposition.qr import QR
from pytensor.tensor.linalg.decomposition.schur import Schur
from pytensor.tensor.linalg.decomposition.svd import SVD
from pytensor.tensor.linalg.dtype_utils import linalg_output_dtype
from pytensor.tensor.linalg.inverse import MatrixPinv
from pytensor.tensor.linalg.solvers.lstsq import Lstsq

_qr = lapack_kernels("lapack_qr.h", "pt_lapack_qr")
_svd = lapack_kernels("lapack_svd.h", "pt_lapack_svd", "pt_lapack_pinv")
_eigen = lapack_kernels(
    "lapack_eigen.h",
    *("pt_lapack_eigh", "pt_lapack_eigh_of_two"),
    *("pt_lapack_eigvalsh", "pt_lapack_eigvalsh_of_two"),
)
_schur = lapack_kernels("lapack_schur.h", "pt_lapack_eig", "pt_lapack_schur")
_lstsq = lapack_kernels("lapack_lstsq.h", "pt_lapack_lstsq")
# As in the C files.
_MODES = {"full": 0, "economic": 1, "r": 2, "raw": 3}
_DRIVERS = {"ev": 0, "evd": 1, "evr": 2}
_GVD = 3


def _work_dtype(node) -> str:
    """The dtype in which LAPACK works on all inputs."""
    return linalg_output_dtype(*(x.type.dtype for x in node.inputs))


@c_batch.register(QR)
def _orthogonal(op, node, batch: int) -> CKernel | None:
    return lapack_kernel(_qr, "pt_lapack_qr", node, batch, _MODES[op.mode], int(op.pivoting))


@c_batch.register(SVD)
def _singular(op, node, batch: int) -> CKernel | None:
    want = 1 + int(op.full_matrices) if op.compute_uv else 0
    return lapack_kernel(_svd, "pt_lapack_svd", node, batch, want, dtype=_work_dtype(node))


@c_batch.register(MatrixPinv)
def _pseudo_inverse(op, node, batch: int) -> CKernel | None:
    if op.hermitian:
        return None
    return lapack_kernel(_svd, "pt_lapack_pinv", node, batch)


@c_batch.register(Eigh)
def _eigh(op, node, batch: int) -> CKernel | None:
    name = "pt_lapack_eigh"
    driver = _DRIVERS.get(op.driver)
    if len(node.inputs) == 2:
        # As in Eigh.perform.
        name, driver = f"{name}_of_two", None if op.driver in ("ev", "gv", "gvx") else _GVD
    if driver is None:
        return None
    own = driver, int(op.lower)
    return lapack_kernel(_eigen, name, node, batch, *own, dtype=_work_dtype(node))


@c_batch.register(Eigvalsh)
def _eigvalsh(op, node, batch: int) -> CKernel | None:
    single = len(node.inputs) == 1
    name = "pt_lapack_eigvalsh" if single else "pt_lapack_eigvalsh_of_two"
    own = _DRIVERS["evr"] if single else _GVD, int(op.lower)
    return lapack_kernel(_eigen, name, node, batch, *own, dtype=_work_dtype(node))


@c_batch.register(Eig)
def _eig(op, node, batch: int) -> CKernel | None:
    return lapack_kernel(_schur, "pt_lapack_eig", node, batch, dtype=_work_dtype(node))


@c_batch.register(Schur)
def _schur_form(op, node, batch: int) -> CKernel | None:
    if op.sort is not None:
        return None
    return lapack_kernel(_schur, "pt_lapack_schur", node, batch)


@c_funcify.register(QR)
@c_funcify.register(SVD)
@c_funcify.register(MatrixPinv)
@c_funcify.register(Eigh)
@c_funcify.register(Eigvalsh)
@c_funcify.register(Eig)
@c_funcify.register(Schur)
def _alone(op, node=None, **kwargs) -> CKernel | None:
    return c_batch(op, node, 0)


@c_funcify.register(Lstsq)
def _least_squares(op, node=None, **kwargs) -> CKernel | None:
    _x, y, rcond = node.inputs
    if rcond.type.dtype.startswith("complex") or rcond.type.dtype not in DTYPES:
        return None
    own = DTYPES[rcond.type.dtype], y.type.ndim
    return lapack_kernel(_lstsq, "pt_lapack_lstsq", node, 0, *own, others=(2,))
