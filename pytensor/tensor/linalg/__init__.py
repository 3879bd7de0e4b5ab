"""Linear algebra on matrices and stacks of matrices.

decomposition/   cholesky, eigen, svd, qr, lu, schur
solvers/         general, triangular, psd (given a Cholesky factor), lstsq,
                     tridiagonal, linear_control (Sylvester, Lyapunov, Riccati)
inverse          inv, pinv, tensorinv
products         matrix_dot, matrix_power, kron, expm
summary          det, slogdet, norm, trace
constructors     block_diag
"""

from pytensor.tensor.linalg.constructors import block_diag
from pytensor.tensor.linalg.decomposition.cholesky import cholesky
from pytensor.tensor.linalg.decomposition.eigen import eig, eigh, eigvalsh
from pytensor.tensor.linalg.decomposition.lu import lu, lu_factor, pivot_to_permutation
from pytensor.tensor.linalg.decomposition.qr import qr
from pytensor.tensor.linalg.decomposition.schur import ordqz, qz, schur
from pytensor.tensor.linalg.decomposition.svd import svd
from pytensor.tensor.linalg.inverse import inv, matrix_inverse, pinv, tensorinv
from pytensor.tensor.linalg.products import expm, kron, matrix_dot, matrix_power
from pytensor.tensor.linalg.solvers.general import lu_solve, solve
from pytensor.tensor.linalg.solvers.linear_control import (
    solve_continuous_lyapunov,
    solve_discrete_are,
    solve_discrete_lyapunov,
    solve_sylvester,
)
from pytensor.tensor.linalg.solvers.lstsq import lstsq, tensorsolve
from pytensor.tensor.linalg.solvers.psd import cho_solve
from pytensor.tensor.linalg.solvers.triangular import solve_triangular
from pytensor.tensor.linalg.solvers.tridiagonal import tridiagonal_lu_factor, tridiagonal_lu_solve
from pytensor.tensor.linalg.summary import det, norm, slogdet, trace

__all__ = [
    "block_diag",
    "cho_solve",
    "cholesky",
    "det",
    "eig",
    "eigh",
    "eigvalsh",
    "expm",
    "inv",
    "kron",
    "lstsq",
    "lu",
    "lu_factor",
    "lu_solve",
    "matrix_dot",
    "matrix_inverse",
    "matrix_power",
    "norm",
    "ordqz",
    "pinv",
    "pivot_to_permutation",
    "qr",
    "qz",
    "schur",
    "slogdet",
    "solve",
    "solve_continuous_lyapunov",
    "solve_discrete_are",
    "solve_discrete_lyapunov",
    "solve_sylvester",
    "solve_triangular",
    "svd",
    "tensorinv",
    "tensorsolve",
    "trace",
    "tridiagonal_lu_factor",
    "tridiagonal_lu_solve",
]
