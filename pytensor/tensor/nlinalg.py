"""Older home of `pytensor.tensor.linalg`: names modelled on `numpy.linalg`."""

# ruff: noqa: F401
from pytensor.tensor.linalg.decomposition.eigen import Eig, Eigh, eig, eigh
from pytensor.tensor.linalg.decomposition.svd import SVD, svd
from pytensor.tensor.linalg.inverse import (
    MatrixInverse,
    MatrixPinv,
    TensorInv,
    inv,
    matrix_inverse,
    pinv,
    tensorinv,
)
from pytensor.tensor.linalg.products import KroneckerProduct, kron, matrix_dot, matrix_power
from pytensor.tensor.linalg.solvers.lstsq import Lstsq, TensorSolve, lstsq, tensorsolve
from pytensor.tensor.linalg.summary import Det, SLogDet, _multi_svd_norm, det, norm, slogdet, trace

__all__ = [
    "det",
    "eig",
    "eigh",
    "inv",
    "kron",
    "lstsq",
    "matrix_dot",
    "matrix_inverse",
    "matrix_power",
    "norm",
    "pinv",
    "slogdet",
    "svd",
    "tensorinv",
    "tensorsolve",
    "trace",
]
