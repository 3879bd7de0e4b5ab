"""Older path of `pytensor.tensor.blas.blas_c`."""

from pytensor.tensor.blas.blas_c import (
    BaseBLAS,
    CGemv,
    CGer,
    cgemv_inplace,
    cgemv_no_inplace,
    cger_inplace,
    cger_no_inplace,
    must_initialize_y_gemv,
    must_initialize_y_gemv_c,
)

__all__ = [
    "BaseBLAS",
    "CGemv",
    "CGer",
    "cgemv_inplace",
    "cgemv_no_inplace",
    "cger_inplace",
    "cger_no_inplace",
    "must_initialize_y_gemv",
    "must_initialize_y_gemv_c",
]
