"""Older home of `pytensor.tensor.linalg`: names modelled on `scipy.linalg`."""

# ruff: noqa: F401
from pytensor.tensor.linalg.constructors import BaseBlockDiagonal, BlockDiagonal, block_diag
from pytensor.tensor.linalg.decomposition.cholesky import Cholesky, cholesky
from pytensor.tensor.linalg.decomposition.eigen import Eigvalsh, eigvalsh
from pytensor.tensor.linalg.decomposition.lu import (
    LU,
    LUFactor,
    PivotToPermutations,
    lu,
    lu_factor,
    pivot_to_permutation,
)
from pytensor.tensor.linalg.decomposition.qr import QR, qr
from pytensor.tensor.linalg.decomposition.schur import QZ, Schur, ordqz, qz, schur
from pytensor.tensor.linalg.products import Expm, expm
from pytensor.tensor.linalg.solvers.core import SolveBase, _default_b_ndim
from pytensor.tensor.linalg.solvers.general import Solve, lu_solve, solve
from pytensor.tensor.linalg.solvers.linear_control import (
    solve_continuous_lyapunov,
    solve_discrete_are,
    solve_discrete_lyapunov,
    solve_sylvester,
)
from pytensor.tensor.linalg.solvers.psd import CholeskySolve, cho_solve
from pytensor.tensor.linalg.solvers.triangular import SolveTriangular, solve_triangular

__all__ = [
    "block_diag",
    "cho_solve",
    "cholesky",
    "eigvalsh",
    "expm",
    "lu",
    "lu_factor",
    "lu_solve",
    "qr",
    "solve",
    "solve_triangular",
]
