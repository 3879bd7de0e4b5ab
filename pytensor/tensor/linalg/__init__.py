"""Linear algebra on matrices and stacks of matrices.

decomposition/   cholesky, eigen, svd, qr, lu, schur
solvers/         general, triangular, psd (given a Cholesky factor), lstsq,
                     tridiagonal, linear_control (Sylvester, Lyapunov, Riccati)
inverse          inv, pinv, tensorinv
products         matrix_dot, matrix_power, kron, expm
summary          det, slogdet, norm, trace
constructors     block_diag

A file is imported when one of its functions is asked for: rewriting a product looks for Cholesky
factors and triangular solutions, and has no use for the thirty files around them.
"""

import importlib

_HOMES = {
    "constructors": "BaseBlockDiagonal BlockDiagonal block_diag",
    "decomposition.cholesky": "Cholesky cholesky",
    "decomposition.eigen": "Eig Eigh Eigvalsh eig eigh eigvalsh",
    "decomposition.lu": "LU LUFactor PivotToPermutations lu lu_factor pivot_to_permutation",
    "decomposition.qr": "QR qr",
    "decomposition.schur": "QZ Schur ordqz qz schur",
    "decomposition.svd": "SVD svd",
    "inverse": "MatrixInverse MatrixPinv TensorInv inv matrix_inverse pinv tensorinv",
    "products": "Expm KroneckerProduct expm kron matrix_dot matrix_power",
    "solvers.core": "SolveBase",
    "solvers.general": "Solve lu_solve solve",
    "solvers.linear_control": (
        "solve_continuous_lyapunov solve_discrete_are solve_discrete_lyapunov solve_sylvester"
    ),
    "solvers.lstsq": "Lstsq TensorSolve lstsq tensorsolve",
    "solvers.psd": "CholeskySolve cho_solve",
    "solvers.triangular": "SolveTriangular solve_triangular",
    "solvers.tridiagonal": (
        "LUFactorTridiagonal SolveLUFactorTridiagonal tridiagonal_lu_factor tridiagonal_lu_solve"
    ),
    "summary": "Det SLogDet det norm slogdet trace",
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names.split()}
_PARTS = {home.partition(".")[0] for home in _HOMES}

__all__ = sorted(_HOME_OF)


def __getattr__(name: str):
    if name in _HOME_OF:
        value = getattr(importlib.import_module(f"{__name__}.{_HOME_OF[name]}"), name)
        globals()[name] = value
        return value
    if name in _PARTS:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_PARTS})
