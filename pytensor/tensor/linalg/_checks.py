"""Checks on operands that the linear algebra Ops share."""

import numpy as np

from pytensor.graph.null_type import DisconnectedType
from pytensor.tensor.basic import as_tensor_variable
from pytensor.tensor.math import conj


def as_matrix(op, x, name: str = "x"):
    """Return `x` as a matrix variable or raise TypeError."""
    x = as_tensor_variable(x)
    if x.type.ndim != 2:
        raise TypeError(f"[{type(op).__name__}] {name} must be a matrix, got {x.type}")
    return x


def as_square(op, x, name: str = "x"):
    """Return `x` as a matrix variable that is not known to be anything but square."""
    x = as_matrix(op, x, name)
    rows, cols = x.type.shape
    if rows is not None and cols is not None and rows != cols:
        raise ValueError(
            f"[{type(op).__name__}] {name} must be a square matrix, got shape {x.type.shape}"
        )
    return x


def check_square(op, value: np.ndarray, name: str = "x") -> None:
    """Raise LinAlgError if an array is not a square matrix, as NumPy does."""
    rows, cols = value.shape
    if rows != cols:
        raise np.linalg.LinAlgError(
            f"[{type(op).__name__}] {name} must be a square matrix, got shape {value.shape}"
        )


def check_converges(value: np.ndarray, where: str = "") -> None:
    """Raise NumPy's LinAlgError for NaN and infinity, with which LAPACK's SVD may not come back."""
    if not np.isfinite(value).all():
        raise np.linalg.LinAlgError(f"SVD did not converge{where}")


def square_length(x) -> int | None:
    """Static length of the sides of a square matrix."""
    rows, cols = x.type.shape
    return cols if rows is None else rows


def is_complex(x) -> bool:
    """Tell whether a variable has a complex dtype."""
    return x.type.dtype.startswith("complex")


def adjoint(x):
    """Return the transpose of a matrix, conjugated if it is complex."""
    return conj(x).T if is_complex(x) else x.T


def is_missing(g) -> bool:
    """Tell whether a cotangent or tangent is disconnected."""
    return isinstance(g.type, DisconnectedType)


def fill_missing(gs, variables):
    """Replace disconnected cotangents by zeros."""
    return [v.zeros_like() if is_missing(g) else g for g, v in zip(gs, variables, strict=True)]
